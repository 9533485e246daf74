"""Declarations edited in place: what is added stands where it should, every other character stays as it was."""

from __future__ import annotations

import pytest
import yaml

from cartographie.propose.edits import Correctif, add_to, cut, quoted_yaml, set_cells, unified
from cartographie.propose.headers import Ecart, Genre, Renommage, renamings

MODELE = """\
# Un commentaire gardé
feuilles:
  - entite: a   # le répondant
    noms: [A, "B, c"]
    colonnes:
      liste: ["Un", Deux]      # deux façons
      seul: Un seul texte, avec une virgule
      nu: Texte
      apres: {entete: "Précisez", apres: "Pourquoi ?"}
      etale: {X: ["Case X"], Y: Case Y}
      lignes:
        - Premier
        - "Second"   # dernier
      long: |
        Un texte
        sur deux lignes
"""
PLACE = ("feuilles", 0, "colonnes")


def ajoute(variable: str, *textes: str, modele: str = MODELE) -> str:
    apres = add_to(modele, {(*PLACE, *variable.split(".")): [quoted_yaml(t) for t in textes]}, {})
    assert [x for x in apres.splitlines() if "#" in x and "à ajouter" not in x] == [
        x for x in apres.splitlines() if x.strip() and "#" in x and "à ajouter" not in x
    ]
    return apres


@pytest.mark.parametrize(
    ("variable", "attendu"),
    [
        ("liste", ["Un", "Deux", "Neuf"]),
        ("seul", ["Un seul texte, avec une virgule", "Neuf"]),
        ("nu", ["Texte", "Neuf"]),
        ("apres", [{"entete": "Précisez", "apres": "Pourquoi ?"}, "Neuf"]),
        ("etale.X", ["Case X", "Neuf"]),
        ("etale.Y", ["Case Y", "Neuf"]),
        ("lignes", ["Premier", "Second", "Neuf"]),
    ],
)
def test_a_text_is_added_whatever_the_way_the_list_is_written(variable: str, attendu: list[object]) -> None:
    apres = ajoute(variable, "Neuf")
    lu = yaml.safe_load(apres)["feuilles"][0]["colonnes"]
    avant = yaml.safe_load(MODELE)["feuilles"][0]["colonnes"]
    nom, _, modalite = variable.partition(".")
    assert (lu[nom][modalite] if modalite else lu[nom]) == attendu
    assert {k: v for k, v in lu.items() if k != nom} == {k: v for k, v in avant.items() if k != nom}
    autres = [x for x in MODELE.splitlines() if not x.strip().startswith(nom)]
    assert [x for x in apres.splitlines() if x in autres] == autres


def test_a_text_over_several_lines_is_only_commented() -> None:
    apres = ajoute("long", "Neuf")
    assert yaml.safe_load(apres) == yaml.safe_load(MODELE)
    assert '      # à ajouter ici : "Neuf"\n      long: |' in apres


def test_comments_stand_above_their_key_and_change_nothing() -> None:
    apres = add_to(MODELE, {}, {PLACE: ["ajoutée"], ("feuilles", 0, "entite"): ["absente"]})
    assert yaml.safe_load(apres) == yaml.safe_load(MODELE)
    assert "    # ajoutée\n    colonnes:" in apres
    assert "  # absente\n  - entite: a" in apres


@pytest.mark.parametrize(
    "texte", ['Dit "oui"', "a: b # c", "- x", "\u2028", "\x85\x7f", "é\\n", "{n} }", "😀\ufeff", "*&!"]
)
def test_no_received_text_can_be_anything_but_a_text(texte: str) -> None:
    assert yaml.safe_load(ajoute("liste", texte))["feuilles"][0]["colonnes"]["liste"][-1] == texte


def test_line_ends_of_the_file_are_kept() -> None:
    apres = ajoute("lignes", "Neuf", modele=MODELE.replace("\n", "\r\n"))
    assert apres.replace("\r\n", "\n") == ajoute("lignes", "Neuf")
    assert "\n" not in apres.replace("\r\n", "")


def test_a_repeated_block_is_declared_once_for_all_its_repetitions() -> None:
    def texte(trouve: str, numero: int) -> list[str]:
        e = Ecart(Genre.RENOMMEE, (1,), "F", variable="v", numero=numero, trouve=trouve)
        return [r.texte for r in renamings([e])]

    assert texte("Système 2 : nom", 2) == ["Système {n} : nom"]
    assert texte("Système 12 : nom", 2) == []  # the number is not there: nothing sure to declare
    assert texte("Système 2 sur 2", 2) == []
    assert texte("", 0) == []  # masked
    assert renamings([Ecart(Genre.AJOUTEE, (0,), "F", trouve="x")]) == []
    assert renamings([Ecart(Genre.FEUILLE_RENOMMEE, (0, 2), "F", trouve="F")]) == [
        Renommage(0, "", "", "F"),
        Renommage(2, "", "", "F"),
    ]


# ------------------------------------------------------------------------------------------- CSV

NOMENCLATURE = '\ufeffcode,libelle,variantes\r\nA,"Un, deux","x|""y"""\r\n\r\nB,Trois,\r\nC,"Sur\r\ndeux lignes",z'


def test_one_cell_of_a_csv_is_rewritten_and_nothing_else() -> None:
    apres = set_cells(NOMENCLATURE, "variantes", {"A": 'x|"y"|w', "B": "é, è"})
    assert apres == (
        '\ufeffcode,libelle,variantes\r\nA,"Un, deux","x|""y""|w"\r\n\r\nB,Trois,"é, è"\r\nC,"Sur\r\ndeux lignes",z'
    )
    assert set_cells(NOMENCLATURE, "variantes", {"C": "z|t"}).endswith('lignes",z|t')
    assert set_cells(NOMENCLATURE, "absente", {"A": "x"}) == NOMENCLATURE
    assert [[c.texte for c in r] for r in cut(NOMENCLATURE)][2:] == [
        ["B", "Trois", ""],
        ["C", "Sur\r\ndeux lignes", "z"],
    ]


def test_a_file_without_a_last_line_end_gives_a_diff_that_says_so() -> None:
    texte = unified([Correctif("schemas/a.csv", "a\nb", "a\nc"), Correctif("schemas/b.csv", "x\n", "x\n")])
    assert texte == (
        "--- a/schemas/a.csv\n+++ b/schemas/a.csv\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n"
        "+c\n\\ No newline at end of file\n"
    )
