"""Encoding and separator of text files are found, reported, and lose no cell."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartographie.intake.workbook import SEPARATEURS, UnreadableText, read_text

TEXTE = "N° FINESS;Libellé;Coût\n010000012;Hôpital;1,5\n020000022;Clinique é;2,5\n"


@pytest.mark.parametrize(
    ("octets", "encodage"),
    [
        (TEXTE.encode(), "utf-8"),
        (TEXTE.encode("utf-8-sig"), "utf-8-sig"),
        (TEXTE.encode("cp1252"), "cp1252"),
        (TEXTE.encode("utf-16"), "utf-16"),
        (TEXTE.encode("utf-16-le"), "utf-16-le"),
        (TEXTE.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_encodings(octets, encodage):
    classeur = read_text(octets)
    assert (classeur.encodage, classeur.separateur) == (encodage, ";")
    assert classeur.feuilles[0].lignes[1] == ["010000012", "Hôpital", "1,5"]


@pytest.mark.parametrize("separateur", SEPARATEURS)
def test_separators_with_title_rows(separateur):
    texte = "Un titre\n\n" + TEXTE.replace(",", ".").replace(";", separateur)
    classeur = read_text(texte.encode())
    assert classeur.separateur == separateur
    assert classeur.feuilles[0].lignes[2][0] == "N° FINESS"


def test_embedded_newline_counts_one_row_and_blank_records_stay():
    lignes = read_text(b'a;b\n"x\ny";1\n\n;;\nz;2\n;;\n').feuilles[0].lignes
    assert lignes == [["a", "b", None], ["x\ny", "1", None], [None] * 3, [None] * 3, ["z", "2", None]]


def test_imposed_values_and_hint_line():
    assert read_text(b"a,b;c\n1,2;3\n", separateur=";").feuilles[0].lignes[0] == ["a,b", "c"]
    assert read_text(b"sep=|\r\na|b\r\n1|2\r\n").feuilles[0].lignes == [["a", "b"], ["1", "2"]]
    assert read_text(b"\x82t\x82", encodage="cp850").feuilles[0].lignes == [["été"]]


@pytest.mark.parametrize("octets", [b'a;b\n1;"ouvert\n2;3\n', b"a;\x81\x8d\n\xe9"])
def test_unreadable(octets):
    with pytest.raises(UnreadableText):
        read_text(octets)


CELLULE = st.text(st.characters(codec="cp1252", exclude_categories=("Cc", "Cf", "Zs", "Zl")), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(2, 6).flatmap(lambda n: st.lists(st.lists(CELLULE, min_size=n, max_size=n), min_size=2, max_size=8)),
    st.sampled_from(SEPARATEURS),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_every_cell_comes_back(lignes, separateur, encodage):
    """Whatever the cells, with the separator imposed nothing is lost; detection always reports what it used."""
    sortie = io.StringIO(newline="")
    csv.writer(sortie, delimiter=separateur, quoting=csv.QUOTE_ALL).writerows(lignes)
    octets = sortie.getvalue().encode(encodage)
    impose = read_text(octets, encodage=encodage, separateur=separateur)
    assert impose.feuilles[0].lignes == lignes
    trouve = read_text(sortie.getvalue().encode("utf-8-sig"))
    assert trouve.separateur == separateur
    assert trouve.feuilles[0].lignes == lignes
