"""Cells → typed values and findings, one function per type; then whole columns."""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.luhn import calc_check_digit

from cartographie.base.identifiers import pseudonym
from cartographie.base.text import personal_data
from cartographie.decode.columns import decode_cell, decode_lot, decode_lots
from cartographie.decode.derive import derive, identify, look_up
from cartographie.survey.model import (
    Campagne,
    ColonneAttendue,
    EnteteAttendu,
    Entite,
    FeuilleAttendue,
    Modalite,
    Modele,
    Nomenclature,
    Passage,
    Questionnaire,
    Variable,
)
from cartographie.survey.received import FormuleNonCalculee, Lot
from cartographie.survey.types import TYPES
from cartographie.survey.types.codes import decode_choix
from cartographie.survey.types.values import Contexte, Repertoire, is_blank, serial_to_date
from cartographie.validate.checks import judge_lots

CAMPAGNE = "2026"


def nomenclature(nom, *modalites):
    return Nomenclature(nom, {m.code: m for m in modalites})


USAGE = nomenclature(
    "usage",
    Modalite("OUI", "Oui", valide_a="2025"),
    Modalite("OUI_PROD", "Oui, en production", variantes=("En routine",), valide_de="2026"),
    Modalite("OUI_EXP", "Oui, en expérimentation", valide_de="2026"),
    Modalite("NON", "Non"),
    Modalite("NSP", "Ne sait pas"),
)
REGION = nomenclature("region", Modalite("01", "Guadeloupe"), Modalite("84", "Auvergne-Rhône-Alpes"))
DEPARTEMENT = nomenclature(
    "departement", Modalite("01", "Ain"), Modalite("2A", "Corse-du-Sud"), Modalite("971", "Guadeloupe")
)
TECHNIQUE = nomenclature(
    "technique",
    Modalite("TXT", "Texte"),
    Modalite("IMG", "Image, vidéo"),
    Modalite("VOI", "Voix"),
    Modalite("AUT", "Autre ; à préciser"),
)
TAILLE = nomenclature("taille", Modalite("1", "< 10"), Modalite("2", "> 10"))
NOMENCLATURES = {n.nom: n for n in (USAGE, REGION, DEPARTEMENT, TECHNIQUE, TAILLE)}


def variable(type_, nom="v", **options):
    return Variable(nom, ("unite",), type_, "Libellé", **options)


def lire(valeur, type_, **options):
    """(value, finding, proposal) of one cell, decoded, then judged by the schema."""
    v = variable(type_, **options)
    lots, constats = decode_lots({"unite": lot(v=[valeur])}, questionnaire(v), CAMPAGNE)
    lots, constats = judge_lots(lots, constats, questionnaire(v), CAMPAGNE)
    lue = to_list(lots["unite"].df["v"])[0]
    trouve = next(iter(constats), None)
    return lue, trouve and trouve.constat, trouve and trouve.proposition


def to_list(colonne):
    lues = [None if nul else x for x, nul in zip(colonne.tolist(), colonne.isna(), strict=True)]
    return [x.date() if isinstance(x, pd.Timestamp) else x for x in lues]


@pytest.mark.parametrize("type_", list(TYPES))
def test_every_type_knows_blanks_errors_and_formulas(type_):
    for blanc in (None, "", "  ", "\u00a0\n", float("nan"), "\ufeff"):
        assert lire(blanc, type_) == (None, None, None)
    assert lire("#REF!", type_) == (None, "erreur_excel", None)
    assert lire(" #VALEUR! ", type_)[:2] == (None, "erreur_excel")
    assert lire(FormuleNonCalculee("=A1+1"), type_) == (None, "formule_non_calculee", None)


@pytest.mark.parametrize(
    ("recu", "attendu"),
    [
        ("  deux   mots\u00a0ici ", ("deux mots ici", None)),
        (12.0, ("12", None)),
        (1.5, ("1.5", None)),
        (date(2026, 3, 1), ("2026-03-01", None)),
        ("=CMD|' /C calc'!A0", ("=CMD|' /C calc'!A0", "injection_formule")),
        ("@SOMME(1)", ("@SOMME(1)", "injection_formule")),
        ("-", ("-", None)),
        ("un texte de plus de vingt lettres", ("un texte de plus de vingt lettres", "texte_trop_long")),
        ("a.b@exemple.fr", ("(masqué)", "donnee_personnelle")),
        ("appeler le 01 23 45 67 89", ("(masqué)", "donnee_personnelle")),
        ("FINESS 010000014", ("FINESS 010000014", None)),
    ],
)
def test_texte(recu, attendu):
    assert lire(recu, "texte", longueur_max=20 if "vingt" in str(recu) else None)[:2] == attendu


def test_personal_data_kinds():
    rpps = "1000000000" + calc_check_digit("1000000000")
    assert personal_data("tél. +33 6 12 34 56 78") == "numéro de téléphone"
    assert personal_data("patient 1 85 05 78 006 084 91") == "numéro de sécurité sociale"
    assert personal_data(f"Dr ({rpps})") == "numéro RPPS"
    assert personal_data("SIRET 73282932000074, version 2.0.1.5") is None
    assert lire("a.b@exemple.fr", "texte", personnel=True)[:2] == ("a.b@exemple.fr", None)


@pytest.mark.parametrize(
    ("recu", "attendu"),
    [
        (12, (12, None)),
        (12.0, (12, None)),
        ("12", (12, None)),
        ("12 000", (12000, "nombre_reecrit")),
        ("1\u202f234\u00a0567", (1234567, "nombre_reecrit")),
        (" 12", (12, "ecriture_normalisee")),
        ("1e3", (1000, "nombre_reecrit")),
        ("12,0", (12, "decimale_virgule")),
        ("12.0", (12, "nombre_reecrit")),
        (12.5, (None, "entier_invalide")),
        ("12,5", (None, "entier_invalide")),
        ("douze", (None, "entier_invalide")),
        ("1 2", (None, "entier_invalide")),
        ("²", (None, "entier_invalide")),
        (10**30, (None, "entier_invalide")),
        ("9" * 400, (None, "entier_invalide")),
        (float("inf"), (None, "entier_invalide")),
        (date(2026, 1, 1), (None, "type_inattendu")),
        ("-3", (-3, None)),
    ],
)
def test_entier(recu, attendu):
    assert lire(recu, "entier")[:2] == attendu


def test_entier_proposals():
    assert lire("environ 12", "entier") == (None, "entier_invalide", "12")
    assert lire("10 à 20", "entier") == (None, "entier_invalide", None)
    assert lire("1.234", "entier") == (None, "entier_invalide", "1234")
    assert lire("12 lits", "entier", unite="lits") == (12, "nombre_reecrit", "12")


@pytest.mark.parametrize(
    ("recu", "attendu"),
    [
        (1.5, (1.5, None, None)),
        ("1.5", (1.5, None, None)),
        ("1,5", (1.5, "decimale_virgule", "1.5")),
        ("1 234,5", (1234.5, "decimale_virgule", "1234.5")),
        ("12 %", (None, "decimal_invalide", "12")),
        ("1.234,5", (None, "decimal_invalide", "1234.5")),
        ("1,234.5", (None, "decimal_invalide", "1234.5")),
        ("beaucoup", (None, "decimal_invalide", None)),
        ("1e999", (None, "decimal_invalide", None)),
    ],
)
def test_decimal(recu, attendu):
    assert lire(recu, "decimal") == attendu


def test_decimal_own_unit():
    assert lire("12 %", "decimal", unite="%") == (12.0, "nombre_reecrit", "12")
    assert lire("1 200 €", "decimal", unite="euros") == (1200.0, "nombre_reecrit", "1200")


def test_booleen():
    for oui in ("oui", "OUI", "O", "x", "X", "VRAI", "1", 1, 1.0, "✓", "Yes"):
        assert lire(oui, "booleen") == (True, None, None)
    for non in ("non", "N", "FAUX", "0", 0, 0.0):
        assert lire(non, "booleen") == (False, None, None)
    assert lire("peut-être", "booleen")[:2] == (None, "booleen_invalide")
    assert lire(-1, "booleen")[:2] == (None, "booleen_invalide")
    assert lire("-1", "booleen")[:2] == (None, "booleen_invalide")


J = date(2025, 4, 3)


@pytest.mark.parametrize(
    ("recu", "attendu"),
    [
        (datetime(2025, 4, 3, 10, 30), (J, None)),
        (J, (J, None)),
        ("2025-04-03", (J, None)),
        ("2025-04-03T10:30:00Z", (J, None)),
        ("03/04/2025", (J, "date_interpretee")),
        ("3.4.25", (J, "date_interpretee")),
        ("03-04-2025 10:30", (J, "date_interpretee")),
        ("2025/04/03", (J, "date_interpretee")),
        ("20250403", (J, "date_interpretee")),
        (20250403, (J, "date_interpretee")),
        ("3 avril 2025", (J, "date_interpretee")),
        ("jeudi 3 Avril 2025", (J, "date_interpretee")),
        ("1er août 2025", (date(2025, 8, 1), "date_interpretee")),
        ("3-avr.-25", (J, "date_interpretee")),
        ("04/25/2025", (date(2025, 4, 25), "date_interpretee")),
        (45750, (J, "date_interpretee")),
        (45750.6, (J, "date_interpretee")),
        ("45750", (J, "date_interpretee")),
        (2025, (None, "date_invalide")),
        ("2025", (None, "date_invalide")),
        ("31/02/2025", (None, "date_invalide")),
        ("avril 2025", (None, "date_invalide")),
        ("bientôt", (None, "date_invalide")),
        (-1, (None, "date_invalide")),
        (1e300, (None, "date_invalide")),
        (time(10, 30), (None, "type_inattendu")),
    ],
)
def test_date(recu, attendu):
    assert lire(recu, "date")[:2] == attendu


def test_both_epochs():
    assert serial_to_date(1) == date(1900, 1, 1)
    assert serial_to_date(59) == date(1900, 2, 28)
    assert serial_to_date(60) is None
    assert serial_to_date(61) == date(1900, 3, 1)
    assert serial_to_date(45750) == serial_to_date(45750 - 1462, date1904=True) == J


def test_the_order_read_is_told():
    v = variable("date")
    assert decode_cell("03/04/2025", v, Contexte(CAMPAGNE)).details["ordre"] == "jour-mois"
    assert decode_cell("04/25/2025", v, Contexte(CAMPAGNE)).details["ordre"] == "mois-jour"


@pytest.mark.parametrize(
    ("recu", "attendu"),
    [
        ("2025-03", ("2025-03", None)),
        ("03/2025", ("2025-03", None)),
        (datetime(2025, 3, 1), ("2025-03", None)),
        ("mars 2025", ("2025-03", "date_interpretee")),
        ("Févr. 25", ("2025-02", "date_interpretee")),
        (202503, ("2025-03", "date_interpretee")),
        ("15/03/2025", ("2025-03", "date_interpretee")),
        ("2025-03-15", ("2025-03", "date_interpretee")),
        (45750, ("2025-04", "date_interpretee")),
        ("45750", ("2025-04", "date_interpretee")),
        ("13/2025", (None, "annee_mois_invalide")),
        ("2025", (None, "annee_mois_invalide")),
        (2025, (None, "annee_mois_invalide")),
    ],
)
def test_annee_mois(recu, attendu):
    assert lire(recu, "annee_mois")[:2] == attendu


@pytest.mark.parametrize(
    ("recu", "attendu"),
    [
        ("OUI_PROD", ("OUI_PROD", None, None)),
        ("Oui, en production", ("OUI_PROD", None, None)),
        ("En routine", ("OUI_PROD", None, None)),
        ("OUI_PROD - Oui, en production", ("OUI_PROD", None, None)),
        ("oui prod", ("OUI_PROD", "ecriture_normalisee", "OUI_PROD")),
        ("OUI, EN EXPERIMENTATION", ("OUI_EXP", "ecriture_normalisee", "OUI_EXP")),
        ("EN  ROUTINE !", ("OUI_PROD", "ecriture_normalisee", "OUI_PROD")),
        ("Oui", (None, "modalite_perimee", None)),
        ("OUI", (None, "modalite_perimee", None)),
        ("Oui en experimentatoin", (None, "modalite_inconnue", "OUI_EXP")),
        ("aucune idée", (None, "modalite_inconnue", None)),
        (3, (None, "modalite_inconnue", None)),
        (date(2025, 1, 2), (None, "type_inattendu", None)),
    ],
)
def test_code(recu, attendu):
    assert lire(recu, "code", nomenclature="usage") == attendu


def test_codes_that_lost_their_zero():
    for recu in (1, 1.0, "1"):
        assert lire(recu, "region", nomenclature="region") == ("01", "zero_perdu", "01")
    assert lire(84, "region", nomenclature="region") == ("84", None, None)
    assert lire("2a", "departement", nomenclature="departement") == ("2A", "casse_corrigee", "2A")
    assert lire(971.0, "departement", nomenclature="departement") == ("971", None, None)
    assert lire("1.0", "code", nomenclature="taille") == ("1", "ecriture_normalisee", "1")
    assert lire(1, "departement") == ("01", "zero_perdu", "01")


def test_comparison_signs_are_not_punctuation():
    assert lire("<10", "code", nomenclature="taille")[0] in (None, "1")
    assert lire("< 10", "code", nomenclature="taille") == ("1", None, None)
    assert lire("> 10 ", "code", nomenclature="taille") == ("2", "ecriture_normalisee", "2")


@pytest.mark.parametrize(
    ("recu", "attendu"),
    [
        ("VOI;TXT", (("TXT", "VOI"), None, None)),
        ("Texte | Voix |", (("TXT", "VOI"), None, None)),
        ("Voix\nTexte", (("TXT", "VOI"), None, None)),
        ("TXT, VOI", (("TXT", "VOI"), None, None)),
        ("Image, vidéo", (("IMG",), None, None)),
        ("Image, vidéo ; Texte", (("TXT", "IMG"), None, None)),
        ("Autre ; à préciser", (("AUT",), None, None)),
        ("texte;VOI", (("TXT", "VOI"), "ecriture_normalisee", "TXT ; VOI")),
        ("TXT;TXT", (("TXT",), "choix_en_double", "TXT")),
        ("TXT;Voixx", (None, "modalite_inconnue", "TXT ; VOI")),
        ("TXT;rien", (None, "modalite_inconnue", None)),
        (";", (None, "modalite_inconnue", None)),
    ],
)
def test_codes(recu, attendu):
    assert lire(recu, "codes", nomenclature="technique") == attendu


def test_several_findings_on_one_cell():
    v = variable("codes", nomenclature="technique")
    d = decode_cell("TXT;txt", v, Contexte(CAMPAGNE, Repertoire(TECHNIQUE, CAMPAGNE)))
    assert d.valeur == ("TXT",)
    assert [d.constat, *(s.constat for s in d.suite)] == ["ecriture_normalisee", "choix_en_double"]


def test_spread_cell():
    contexte = Contexte(CAMPAGNE, Repertoire(TECHNIQUE, CAMPAGNE))
    assert decode_choix("x", "TXT", contexte).valeur is True
    assert decode_choix("Texte", "TXT", contexte).valeur is True
    assert decode_choix("non", "TXT", contexte).valeur is False
    assert decode_choix("Voix", "TXT", contexte).constat == "booleen_invalide"


def test_identifiers():
    assert lire("750712184", "finess") == ("750712184", None, None)
    assert lire(750712184.0, "finess") == ("750712184", None, None)
    assert lire("2a0000014", "finess") == ("2A0000014", "casse_corrigee", "2A0000014")
    assert lire("750712185", "finess") == ("750712185", "identifiant_cle", None)
    assert lire("néant", "finess") == (None, "identifiant_format", None)
    assert lire("7,32829E+13", "siret") == (None, "identifiant_tronque", None)
    assert lire("73282932000074", "siren") == (None, "identifiant_format", "732829320")
    assert lire(date(2025, 1, 1), "siren")[1] == "type_inattendu"


RPPS = "1000000000" + calc_check_digit("1000000000")
CLE = b"cle" * 10


def test_a_personal_rpps_leaves_no_trace():
    d = decode_cell(RPPS, variable("rpps", personnel=True), Contexte(CAMPAGNE, cle=CLE))
    assert (d.valeur, d.constat, d.proposition) == (pseudonym(RPPS, CLE), None, None)
    df = lot(v=[f" {RPPS[:5]} {RPPS[5:]} ", "123", None])
    sortie, constats = decode_lot(df, questionnaire(variable("rpps", personnel=True)), CAMPAGNE, cle=CLE)
    assert sortie.df["v"].tolist()[0] == pseudonym(RPPS, CLE)
    assert [(c.valeur_recue, c.proposition, c.constat) for c in constats] == [
        ("(masqué)", None, "ecriture_normalisee"),
        ("(masqué)", None, "identifiant_format"),
    ]
    assert RPPS not in repr(constats) and "123" not in repr(constats)


# ------------------------------------------------------------------------------------------------ columns


def questionnaire(*variables, entites=None, passages=None):
    posees = tuple(ColonneAttendue(v.nom, (EnteteAttendu(v.nom),)) for v in variables if not v.derivee)
    modele = Modele("m", "", CAMPAGNE, "reponse", ("xlsx",), (FeuilleAttendue("unite", ("F",), "tableau", posees),))
    campagne = Campagne(CAMPAGNE, "", date(2026, 3, 1), date(2026, 6, 30), "", None, {"m": modele}, {})
    return Questionnaire(
        enquete={},
        entites=entites or {"unite": Entite("unite", "Unité")},
        variables={v.nom: v for v in variables},
        nomenclatures=NOMENCLATURES,
        passages=passages or {},
        regles=(),
        denominateurs={},
        tableaux={},
        comparabilite=(),
        campagnes={CAMPAGNE: campagne},
        empreintes={},
    )


def lot(entite="unite", parents=None, depots=None, depots_1904=frozenset(), etalees=None, **colonnes):
    colonnes |= etalees or {}
    n = len(next(iter(colonnes.values())))
    df = pd.DataFrame(
        {
            "depot": pd.Series(depots or ["d1"] * n, dtype="str"),
            "feuille": pd.Series(["F"] * n, dtype="str"),
            "ligne": np.arange(2, n + 2),
            "bloc": np.zeros(n, dtype="int64"),
            "parent": np.array(parents or [-1] * n, dtype="int64"),
        }
        | {c: pd.Series(v, dtype=object) for c, v in colonnes.items()}
    )
    return Lot(entite, df, (), depots_1904)


@pytest.mark.parametrize(
    ("type_", "recus", "dtype", "attendu"),
    [
        ("texte", ["a", None, 1.0], "str", ["a", None, "1"]),
        ("entier", [1, "x", 3.0], "Int64", [1, None, 3]),
        ("decimal", [1, "2,5", None], "Float64", [1.0, 2.5, None]),
        ("booleen", ["VRAI", 0, "?"], "boolean", [True, False, None]),
        ("annee_mois", ["2025-03", None, "?"], "str", ["2025-03", None, None]),
        ("date", ["2025-04-03", None, "?"], "datetime64[s]", [pd.Timestamp(2025, 4, 3), None, None]),
        ("codes", ["A;B", None, "A"], "object", [("A", "B"), None, ("A",)]),
        ("codes", [None, None], "object", [None, None]),
        ("codes", ["A", "B"], "object", [("A",), ("B",)]),
        ("entier", [None, None], "Int64", [None, None]),
        ("date", [None], "datetime64[s]", [None]),
        ("texte", [None], "str", [None]),
    ],
)
def test_dtypes(type_, recus, dtype, attendu):
    sortie, _ = decode_lot(lot(v=recus), questionnaire(variable(type_)), CAMPAGNE)
    assert sortie.df["v"].dtype == dtype
    assert [None if n else v for v, n in zip(sortie.df["v"].tolist(), sortie.df["v"].isna(), strict=True)] == attendu


def test_empty_lot_keeps_its_types():
    for type_ in TYPES:
        sortie, constats = decode_lot(lot(v=[]), questionnaire(variable(type_)), CAMPAGNE)
        assert len(sortie.df) == 0 and not constats


def test_findings_are_per_record_with_the_value_as_received():
    sortie, constats = decode_lot(lot(v=["1,5", 2, "1,5", "x"]), questionnaire(variable("decimal")), CAMPAGNE)
    assert [(c.enregistrement, c.constat, c.valeur_recue, c.proposition) for c in constats] == [
        (0, "decimale_virgule", "1,5", "1.5"),
        (2, "decimale_virgule", "1,5", "1.5"),
        (3, "decimal_invalide", "x", None),
    ]
    assert sortie.df["v"].isna().tolist() == [False, False, False, True]


def test_a_formula_is_not_the_same_text():
    q = questionnaire(variable("texte"))
    _, constats = decode_lot(lot(v=[FormuleNonCalculee("=A1"), "=A1"]), q, CAMPAGNE)
    assert [c.constat for c in constats] == ["formule_non_calculee", "injection_formule"]


def test_personal_data_is_masked_everywhere():
    sortie, constats = decode_lot(lot(v=["écrire à a.b@exemple.fr"]), questionnaire(variable("texte")), CAMPAGNE)
    assert sortie.df["v"].tolist() == ["(masqué)"]
    assert "exemple" not in repr(constats)


def test_each_file_counts_days_from_its_own_epoch():
    df = lot(v=[45750, 45750 - 1462, "2025-04-03"], depots=["d1", "d2", "d2"], depots_1904=frozenset({"d2"}))
    sortie, _ = decode_lot(df, questionnaire(variable("date")), CAMPAGNE)
    assert set(sortie.df["v"]) == {pd.Timestamp(J)}


def test_spread_choice():
    etalees = {
        ("v", "VOI"): ["x", None, "non", None],
        ("v", "TXT"): ["oui", None, None, "?"],
    }
    q = questionnaire(variable("codes", nomenclature="technique"))
    sortie, constats = decode_lot(lot(etalees=etalees), q, CAMPAGNE)
    assert sortie.df["v"].tolist() == [("TXT", "VOI"), None, (), None]
    assert [(c.enregistrement, c.constat, c.details["modalite"]) for c in constats] == [(3, "booleen_invalide", "TXT")]
    assert list(sortie.df.columns)[5:] == ["v"]
    # a file may also hold the plain column: it comes first
    sortie, _ = decode_lot(lot(v=["IMG", None, None, None], etalees=etalees), q, CAMPAGNE)
    assert sortie.df["v"].tolist() == [("IMG",), None, (), None]


# ------------------------------------------------------------------------------------------------ derived


def test_passages():
    p = Passage("p", ("a", "b"), False, ((("1", "*"), "X"), ((None, "2"), "Y"), (("*", "*"), "Z")))
    assert look_up(p, ("1", None)) == "X"
    assert look_up(p, (None, "2")) == "Y"
    assert look_up(p, (1.0, "9")) == "X"
    assert look_up(p, ("3", "3")) == "Z"
    i = Passage("i", ("a",), True, (((None, 10), "bas"), ((10, 20.5), "moyen"), ((20.5, None), "haut")))
    assert [look_up(i, (v,)) for v in (9.99, 10, 20.5, None)] == ["bas", "moyen", "haut", None]


def test_derive():
    entites = {"unite": Entite("unite", "Unité"), "outil": Entite("outil", "Outil", parent="unite")}
    variables = (
        variable("code", "a"),
        variable("entier", "n"),
        variable("entier", "total"),
        variable("code", "cible", derivee={"passage": "p"}),
        variable("code", "suite", derivee={"passage": "q", "de": ["cible"]}),
        variable("code", "tranche", derivee={"passage": "i", "de": "n"}),
        variable("decimal", "part", derivee={"rapport": ["n", "total"]}),
        variable("entier", "nb", derivee={"nombre": "outil"}),
        variable("code", "impossible", derivee={"passage": "p", "de": ["absente"]}),
        variable("entier", "total2", derivee={"nombre": "absent"}),
    )
    passages = {
        "p": Passage("p", ("a",), False, ((("1",), "UN"), (("*",), "AUTRE"))),
        "q": Passage("q", ("x",), False, ((("UN",), "1"),)),
        "i": Passage("i", (), True, (((None, 5), "P"), ((5, None), "G"))),
    }
    q = questionnaire(*variables, entites=entites, passages=passages)
    unite, _ = decode_lot(lot(a=["1", "2", None], n=[2, 5, None], total=[4, 0, 1]), q, CAMPAGNE)
    outil = lot("outil", parents=[0, 0, -1, 2], z=[None] * 4)
    df = derive(unite, q, CAMPAGNE, {"outil": outil}).df
    assert df["cible"].tolist() == ["UN", "AUTRE", "AUTRE"]
    assert df["suite"].isna().tolist() == [False, True, True]
    assert df["tranche"].tolist()[:2] == ["P", "G"] and pd.isna(df["tranche"][2])
    assert df["part"][0] == 0.5 and df["part"].isna().tolist() == [False, True, True]
    assert df["nb"].tolist() == [2, 0, 1] and df["nb"].dtype == "Int64"
    assert "impossible" not in df and "total2" not in df


def test_identify():
    voies = (
        {"prefixe": "J", "variable": "ej", "si": {"variable": "mode", "dans": ["EJ"]}},
        {"prefixe": "F", "variable": "et"},
        {"prefixe": "R", "variable": "rpps", "hache": True},
        {"prefixe": "H", "variable": "nom", "hache": True},
    )
    entite = Entite("unite", "Unité", identifiant=voies)
    variables = (
        variable("finess", "ej"),
        variable("finess", "et"),
        variable("texte", "mode"),
        variable("rpps", "rpps", personnel=True),
        variable("texte", "nom"),
    )
    q = questionnaire(*variables, entites={"unite": entite})
    brut = lot(
        ej=["750712184", "750712184", None, None, None],
        et=[None, "690781810", None, None, None],
        mode=["EJ", "ET", None, None, None],
        rpps=[None, None, RPPS, None, None],
        nom=[None, None, None, "X", None],
    )
    unite, _ = decode_lot(brut, q, CAMPAGNE, cle=CLE)
    ids = identify(unite, entite, q, CAMPAGNE, cle=CLE)
    assert ids.tolist()[:4] == ["J:750712184", "F:690781810", "R:" + pseudonym(RPPS, CLE), "H:" + pseudonym("X", CLE)]
    assert pd.isna(ids[4])
    assert identify(unite, Entite("unite", ""), q, CAMPAGNE).tolist()[0] == "d1:2"


# -------------------------------------------------------------------------------------------- properties

CELLULES = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.text(alphabet="0123456789 ,.;/-eE+%€|\n'AB", max_size=16),
    st.sampled_from(["#REF!", "=A1", "VRAI", "TXT;VOI", "oui", "3 avril 2025", "03/04/2025", "OUI_PROD", "750712184"]),
    st.integers(),
    st.integers(min_value=-5, max_value=60000),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.times(),
    st.timedeltas(max_value=timedelta(days=100000)),
)
NOMS = {"code": "usage", "codes": "technique", "region": "region", "departement": "departement"}
VARIABLES = [
    *(variable(t, t, longueur_max=10, unite="%") for t in TYPES),
    *(variable(t, f"{t}_n", nomenclature=n) for t, n in NOMS.items()),
]
QUESTIONNAIRE = questionnaire(*VARIABLES)


@settings(deadline=None, max_examples=300)
@given(CELLULES)
def test_decoding_never_raises(valeur):
    for v in VARIABLES:
        repertoire = Repertoire(NOMENCLATURES[v.nomenclature], CAMPAGNE) if v.nomenclature else None
        d = decode_cell(valeur, v, Contexte(CAMPAGNE, repertoire))
        assert d.constat is not None or d.valeur is not None or is_blank(valeur) or not d.details


@settings(deadline=None, max_examples=15)
@given(st.lists(CELLULES, min_size=1, max_size=12))
def test_what_decoding_leaves_to_the_schema_is_refused_and_emptied(valeurs):
    lots, constats = decode_lots({"unite": lot(**{v.nom: valeurs for v in VARIABLES})}, QUESTIONNAIRE, CAMPAGNE)
    lots, constats = judge_lots(lots, constats, QUESTIONNAIRE, CAMPAGNE)
    dits = {(c.enregistrement, c.variable) for c in constats}
    for v in VARIABLES:
        contexte = Contexte(CAMPAGNE, Repertoire(NOMENCLATURES[v.nomenclature], CAMPAGNE) if v.nomenclature else None)
        for i, (valeur, lue) in enumerate(zip(valeurs, to_list(lots["unite"].df[v.nom]), strict=True)):
            assert not decode_cell(valeur, v, contexte).a_juger or (lue is None and (i, v.nom) in dits)
            assert lue is not None or (i, v.nom) in dits or is_blank(valeur)


@settings(deadline=None, max_examples=12)
@given(st.lists(CELLULES, min_size=1, max_size=8))
def test_factorised_decoding_is_value_by_value_decoding(valeurs):
    ensemble, constats = decode_lot(lot(**{v.nom: valeurs for v in VARIABLES}), QUESTIONNAIRE, CAMPAGNE)
    for i, valeur in enumerate(valeurs):
        seul, siens = decode_lot(lot(**{v.nom: [valeur] for v in VARIABLES}), QUESTIONNAIRE, CAMPAGNE)
        for v in VARIABLES:
            a, b = ensemble.df[v.nom].iloc[i], seul.df[v.nom].iloc[0]
            assert (a == b) if isinstance(a, tuple) else (pd.isna(a) and pd.isna(b)) or a == b
        assert [(c.variable, c.constat, c.proposition) for c in constats if c.enregistrement == i] == [
            (c.variable, c.constat, c.proposition) for c in siens
        ]
