"""Identifiers: published numbers, keys, repairs."""

import hashlib

import pytest
from cles import finess_key
from hypothesis import given
from hypothesis import strategies as st
from stdnum.luhn import calc_check_digit

from cartographie.base.identifiers import LONGUEURS, check, luhn, propose, pseudonym, published_key, repair

# Numbers printed in prefecture bulletins (Corsica) and two mainland ones: design/DOMAIN.md §4.2.
FINESS_REELS = [
    "2A0000014",
    "2A0000170",
    "2A0000386",
    "2A0002606",
    "2A0000261",
    "2A0002051",
    "2B0000020",
    "2B0005342",
    "2B0004246",
    "2B0000442",
    "2B0001341",
    "750712184",
    "690781810",
]


@pytest.mark.parametrize("numero", FINESS_REELS)
def test_published_finess_are_valid(numero):
    assert check("finess", numero) is None
    assert finess_key(numero[:8]) == numero[8]


@pytest.mark.parametrize("numero", FINESS_REELS)
def test_any_other_key_is_found(numero):
    for cle in set("0123456789") - {numero[8]}:
        assert check("finess", numero[:8] + cle) == "identifiant_cle"


@pytest.mark.parametrize("numero", ["", "2C0000014", "75071218", "7507121844", "75071218A", "000000000", "٧٥٠٧١٢١٨٤"])
def test_finess_format(numero):
    assert check("finess", numero) == "identifiant_format"


@pytest.mark.parametrize(
    ("recu", "attendu"),
    [
        ("750712184", ("750712184", None)),
        (750712184, ("750712184", None)),
        (750712184.0, ("750712184", None)),
        (" 750712184 ", ("750712184", None)),
        ("75 071 218 4", ("750712184", "ecriture_normalisee")),
        ("75.071.218-4", ("750712184", "ecriture_normalisee")),
        ("'750712184", ("750712184", "ecriture_normalisee")),
        ("75\u00a00712184", ("750712184", "ecriture_normalisee")),
        ("2a0000014", ("2A0000014", "casse_corrigee")),
        ("2a 0000014", ("2A0000014", "ecriture_normalisee")),
        ("750712185", ("750712185", "identifiant_cle")),
        ("7,32829E+13", (None, "identifiant_tronque")),
        ("7.5071E+08", (None, "identifiant_tronque")),
        ("75071", (None, "identifiant_format")),
        ("néant", (None, "identifiant_format")),
        (750712184.5, (None, "identifiant_format")),
        (float("inf"), (None, "identifiant_format")),
        (-5, (None, "identifiant_format")),
    ],
)
def test_repair_finess(recu, attendu):
    assert repair("finess", recu) == attendu


def test_lost_zero_is_given_back_only_when_the_key_holds():
    bon = "0100000" + "1"
    complet = bon + finess_key(bon)
    assert repair("finess", int(complet)) == (complet, "zero_perdu")
    assert repair("finess", complet[1:]) == (complet, "zero_perdu")
    faux = complet[:-1] + str((int(complet[-1]) + 1) % 10)
    assert repair("finess", int(faux)) == (None, "identifiant_format")


@given(st.one_of(st.integers(), st.text(alphabet="0123456789 .2aAbBE+,", max_size=16), st.floats(), st.text()))
def test_a_repair_always_satisfies_its_check(valeur):
    for nom in LONGUEURS:
        proposition, constat = repair(nom, valeur)
        if constat in (None, "zero_perdu", "casse_corrigee", "ecriture_normalisee"):
            assert check(nom, proposition) is None
        elif constat == "identifiant_cle":
            assert check(nom, proposition) == "identifiant_cle"
        else:
            assert proposition is None


@given(st.integers(min_value=1_000_000, max_value=9_999_999))
def test_lost_zero_round_trip(n):
    complet = f"0{n}" + finess_key(f"0{n}")
    assert repair("finess", int(complet)) == (complet, "zero_perdu")
    assert luhn(repair("finess", int(complet))[0])


@pytest.mark.parametrize(
    ("siret", "attendu"),
    [
        ("73282932000074", None),
        ("35600000000048", None),  # La Poste, head office
        ("35600000049837", None),  # La Poste, sum of digits 45
        ("35600000049838", "identifiant_cle"),
        ("73282932000075", "identifiant_cle"),
        ("7328293200007", "identifiant_format"),
        ("7328293200007A", "identifiant_format"),
    ],
)
def test_siret(siret, attendu):
    assert check("siret", siret) == attendu


def test_siren():
    assert check("siren", "732829320") is None
    assert check("siren", "356000000") is None
    assert check("siren", "123456789") == "identifiant_cle"
    assert check("siren", "12345678") == "identifiant_format"
    assert repair("siret", 73282932000074.0) == ("73282932000074", None)
    assert repair("siret", "7,32829E+13") == (None, "identifiant_tronque")
    assert repair("siren", "732 829 320") == ("732829320", "ecriture_normalisee")
    assert propose("siren", "732 829 320 00074") == "732829320"
    assert propose("siren", "12") is None


def test_rpps():
    numero = "1000000000" + calc_check_digit("1000000000")
    assert check("rpps", numero) is None
    assert check("rpps", numero[:-1] + str((int(numero[-1]) + 1) % 10)) == "identifiant_cle"
    assert check("rpps", "8" + numero) == "identifiant_format"


def test_a_pseudonym_is_nothing_without_its_key():
    numeros = [n + calc_check_digit(n) for n in (f"100000{i:04d}" for i in range(2000))]
    secret = pseudonym(numeros[1234], b"k" * 32)
    assert len(secret) == 16 and secret == pseudonym(numeros[1234], b"k" * 32)
    assert secret not in {hashlib.sha256(n.encode()).hexdigest()[:16] for n in numeros}  # trying them all finds nobody
    assert secret not in {pseudonym(n, b"j" * 32) for n in numeros}
    with pytest.raises(ValueError):
        pseudonym(numeros[0], b"")
    assert published_key("Une enquête") == published_key("Une enquête") != published_key("Une autre")
    assert len(published_key("")) == 32


def test_places():
    assert [check("commune", c) for c in ("01001", "2A004", "2B033", "97105", "98818")] == [None] * 5
    assert check("commune", "1001") == "identifiant_format"
    assert repair("commune", 1001) == ("01001", "zero_perdu")
    assert repair("commune", "2a004") == ("2A004", "casse_corrigee")
    assert [check("departement", d) for d in ("01", "95", "2A", "971", "976", "978", "988")] == [None] * 7
    assert {check("departement", d) for d in ("00", "20", "96", "99", "979", "2C", "1")} == {"identifiant_format"}
    assert repair("departement", 1) == ("01", "zero_perdu")
    assert check("region", "84") is None and check("region", "1") == "identifiant_format"
