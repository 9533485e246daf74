"""Every automatic repair is told (before, after, rule) and can be declined; what carries no finding was read as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cles import finess_key
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum.luhn import calc_check_digit

from cartographie.decode.columns import decode_lot
from cartographie.survey.model import (
    Campagne,
    Entite,
    Gravite,
    Modalite,
    Nomenclature,
    Questionnaire,
    Regle,
    Variable,
)
from cartographie.survey.received import Anomalie, Bloc, Colonne, Depot, Lot
from cartographie.survey.rules import repairs
from cartographie.survey.types import TYPES
from cartographie.validate.checks import judge_lots
from cartographie.validate.wording import word

CAMPAGNE, CSV = "ed", "c" * 12
DEPOTS = [Depot(d, CAMPAGNE, n, n, d * 6, 1, "", "reponse") for d, n in (("x" * 12, "un.xlsx"), (CSV, "deux.csv"))]
LISTES = {
    "departement": Nomenclature("departement", {c: Modalite(c, n) for c, n in (("01", "Ain"), ("2A", "Corse-du-Sud"))}),
    "technique": Nomenclature("technique", {"TXT": Modalite("TXT", "Texte"), "IMG": Modalite("IMG", "Image, vidéo")}),
    "usage": Nomenclature("usage", {"OUI": Modalite("OUI", "Oui", ("en routine",)), "NON": Modalite("NON", "Non")}),
}
NOMENCLATURE = {"code": "usage", "codes": "technique", "departement": "departement"}
VARIABLES = {t: Variable(t, ("site",), t, t, unite="lits", nomenclature=NOMENCLATURE.get(t)) for t in TYPES}
FINESS = "01000001" + finess_key("01000001")
CORSE = "2A000001" + finess_key("2A000001")
SIREN = "12000101" + calc_check_digit("12000101")
REGLE = Regle("S01", Gravite.REDRESSEMENT, "*", "« {valeur} » lu {proposition}", constat="decimale_virgule")

# repair → cells that need it: (type of variable, as typed, as read, as proposed)
EXEMPLES: Mapping[str, list[tuple[str, Any, Any, str]]] = {
    "zero_perdu": [
        ("finess", FINESS[1:], FINESS, FINESS),
        ("finess", float(FINESS), FINESS, FINESS),  # a number cell has no first zero
        ("departement", "1", "01", "01"),
        ("departement", 1.0, "01", "01"),
        ("commune", 1053.0, "01053", "01053"),
    ],
    "casse_corrigee": [
        ("finess", CORSE.lower(), CORSE, CORSE),
        ("departement", "2a", "2A", "2A"),
        ("commune", "2a004", "2A004", "2A004"),
    ],
    "decimale_virgule": [("decimal", "1,5", 1.5, "1.5"), ("entier", "12,0", 12, "12")],
    "nombre_reecrit": [
        ("entier", "12 000", 12000, "12000"),
        ("entier", "12 lits", 12, "12"),
        ("entier", "12.0", 12, "12"),
        ("decimal", "1e3", 1000.0, "1000"),
    ],
    "ecriture_normalisee": [
        ("booleen", "oui ", True, "oui"),
        ("booleen", "Oui !", True, "oui"),
        ("code", "oui ", "OUI", "OUI"),
        ("code", "En Routine", "OUI", "OUI"),
        ("codes", "texte ; Image vidéo", ("TXT", "IMG"), "TXT ; IMG"),
        ("siren", f"{SIREN[:3]} {SIREN[3:6]} {SIREN[6:]}", SIREN, SIREN),
        ("entier", " 12", 12, "12"),
        ("annee_mois", "2025-03 ", "2025-03", "2025-03"),
    ],
    "date_interpretee": [
        ("date", "03/04/2025", date(2025, 4, 3), "2025-04-03"),
        ("date", "04/15/2025", date(2025, 4, 15), "2025-04-15"),  # the month first: no other reading
        ("date", "15 avril 2025", date(2025, 4, 15), "2025-04-15"),
        ("date", 45762.0, date(2025, 4, 15), "2025-04-15"),
        ("annee_mois", "15/04/2025", "2025-04", "2025-04"),
        ("annee_mois", datetime(2025, 4, 15), "2025-04", "2025-04"),  # the day is dropped
    ],
    "choix_en_double": [("codes", "TXT;TXT", ("TXT",), "TXT")],
}  # fmt: skip
CAS = [(nom, *cas) for nom, liste in EXEMPLES.items() for cas in liste]


def questionnaire(**redressements: Any) -> Questionnaire:
    campagne = Campagne(
        CAMPAGNE, "", date(2001, 1, 1), date(2001, 2, 1), "", None, {}, {"redressements": redressements}
    )
    vides: dict[str, Any] = dict.fromkeys(("passages", "denominateurs", "tableaux", "empreintes"), {})
    return Questionnaire(
        {}, {"site": Entite("site", "Site")}, VARIABLES, LISTES, regles=(REGLE,), comparabilite=(),
        campagnes={CAMPAGNE: campagne}, **vides,
    )  # fmt: skip


def lot(type_: str, *cellules: Any, texte: bool = False) -> Lot:
    """One column of cells, of a workbook or of a text file, as a reader gives them."""
    n, depot = len(cellules), DEPOTS[texte].depot
    df = pd.DataFrame({
        "depot": [depot] * n, "feuille": "F", "ligne": np.arange(2, n + 2), "bloc": 0, "parent": -1,
        type_: pd.Series(cellules, dtype=object),
    })  # fmt: skip
    bloc = Bloc("site", "F", (Colonne(type_, 3),), list(range(2, n + 2)), [])
    return Lot("site", df, ((depot, bloc),), depots_texte=frozenset([CSV]))


def read(recu: Any, type_: str, q: Questionnaire, texte: bool = False) -> tuple[Any, list[Anomalie]]:
    """(the value kept, its anomalies) of one cell, through the doors of decoding and of wording."""
    brut = lot(type_, recu, texte=texte)
    decode, constats = decode_lot(brut, q, CAMPAGNE)
    (valeur,) = decode.df[type_].astype("object").where(decode.df[type_].notna(), None)
    valeur = valeur.date() if isinstance(valeur, datetime) else valeur
    return valeur, word(constats, {"site": brut}, DEPOTS, q, CAMPAGNE).anomalies


def test_every_repair_has_its_examples() -> None:
    assert set(EXEMPLES) == {nom for nom in repairs(questionnaire()) if nom.islower()}


@pytest.mark.parametrize(("nom", "type_", "recu", "lu", "propose"), CAS)
def test_a_repair_is_told_with_before_after_and_rule(nom: str, type_: str, recu: Any, lu: Any, propose: str) -> None:
    valeur, anomalies = read(recu, type_, questionnaire())
    assert valeur == lu and type(valeur) is type(lu)
    (a,) = [a for a in anomalies if nom in (a.regle, _name_of(a.regle))]
    assert (a.gravite, a.cellule, a.proposition) == ("redressement", "C2", propose)
    assert a.valeur_recue and a.regle and a.message


@pytest.mark.parametrize(("nom", "type_", "recu", "lu", "propose"), CAS)
@pytest.mark.parametrize("par_code", [False, True])
def test_a_repair_declined_rejects_the_cell_and_keeps_the_proposal(
    nom: str, type_: str, recu: Any, lu: Any, propose: str, par_code: bool
) -> None:
    declines = {nom, _code_of(nom)} & repairs(questionnaire())
    q = questionnaire(**{_code_of(nom) if par_code else nom: "non"})
    assert declines
    valeur, anomalies = read(recu, type_, q)
    assert valeur is None
    (a,) = anomalies  # the other repairs of the cell were for nothing: they are not told
    assert (a.regle, a.gravite, a.cellule, a.proposition) == (_code_of(nom), "rejet_cellule", "C2", propose)
    assert "n'a pas été repris" in a.message and propose in a.message


def test_a_repair_declined_says_nothing_of_the_others() -> None:
    assert read("1 200,5", "decimal", questionnaire())[0] == 1200.5
    valeur, anomalies = read("1 200,5", "decimal", questionnaire(nombre_reecrit=False))
    assert valeur is None and [(a.regle, a.gravite) for a in anomalies] == [("C329", "rejet_cellule")]
    valeur, anomalies = read("1,5", "decimal", questionnaire(nombre_reecrit=False))
    assert valeur == 1.5 and [a.gravite for a in anomalies] == ["redressement"]


def test_a_wrong_key_is_still_told_when_the_repair_is_declined() -> None:
    faux = FINESS[:-1] + str((int(FINESS[-1]) + 1) % 10)
    _, anomalies = read(f"{faux[:2]} {faux[2:]}", "finess", questionnaire(ecriture_normalisee="non"))
    assert [(a.regle, a.gravite) for a in anomalies] == [("C317", "rejet_cellule"), ("C320", "alerte")]


@pytest.mark.parametrize("recu", ["7,32829E+13", "7.32829E+13", "1E13", 73282900000000.0, "73282900000000"])
def test_a_siret_in_scientific_notation_is_refused_and_nothing_is_guessed(recu: Any) -> None:
    valeur, (a,) = read(recu, "siret", questionnaire())
    assert valeur is None
    assert (a.regle, a.gravite, a.proposition) == ("C321", "rejet_cellule", "")


# ------------------------------------------------------------------------------------------- dates of text files


def test_a_text_file_has_no_date_cell_its_plain_dates_are_read_as_they_are() -> None:
    q = questionnaire()
    assert read("15/04/2025", "date", q, texte=True) == (date(2025, 4, 15), [])
    assert [a.gravite for a in read("15/04/2025", "date", q)[1]] == ["redressement"]  # a workbook has date cells
    for ecrit in ("03/04/2025", "04/15/2025", "15/4/25", "15-04-2025", "15/04/2025 "):
        assert [a.gravite for a in read(ecrit, "date", q, texte=True)[1]] == ["redressement"]


def test_in_a_text_file_the_whole_column_tells_the_order() -> None:
    def findings(*cellules: str) -> list[int]:
        _, constats = decode_lot(lot("date", *cellules, texte=True), questionnaire(), CAMPAGNE)
        return [int(c.enregistrement or 0) for c in constats]

    assert findings("03/04/2025", "15/04/2025") == []  # no other order reads them both
    assert findings("03/04/2025", "05/04/2025") == [0, 1]
    assert findings("03/04/2025", "15/04/2025", "04/15/2025") == [0, 2]  # two orders in one column: nothing is sure
    assert findings("03/04/2025", "avril", "15/04/2025") == [1]


# ------------------------------------------------------------------------------------------- never silent

_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]+[0-9]{1,2}[:h].*)?")
_OUI = {"oui", "o", "yes", "y", "vrai", "true", "v", "1", "x", "✓", "✔", "☑", "☒"}
_NON = {"non", "n", "no", "faux", "false", "f", "0", "☐"}
_FORMES = {
    nom: {f: m.code for m in liste.modalites.values() for f in (m.code, m.libelle, *m.variantes)}
    | {f"{m.code}{s}{m.libelle}": m.code for m in liste.modalites.values() for s in (" - ", " – ", " — ", " : ")}
    for nom, liste in LISTES.items()
}


def says(recu: Any, lu: Any, variable: Variable) -> bool:
    """`recu` is a plain writing of `lu`, as decode/repairs.py lists them. Written apart from the decoders, to judge them."""
    type_ = variable.type
    if isinstance(recu, str):
        recu = recu.replace("\u00a0", " ").replace("\u202f", " ").replace("\r\n", "\n")
    if type_ == "texte":
        return True  # blanks and invisible characters only: test_decode.test_texte
    if isinstance(recu, datetime):
        recu = recu.date()
    if isinstance(recu, date):
        return bool(lu == (recu if type_ == "date" else f"{recu:%Y-%m}") and (type_ == "date" or recu.day == 1))
    if isinstance(recu, float | int):
        if type_ in ("entier", "decimal"):
            return bool(recu == lu)
        recu = str(int(recu)) if float(recu).is_integer() else repr(recu)
    if type_ == "entier":
        return re.fullmatch("[+-]?[0-9]+", recu) is not None and int(recu) == lu
    if type_ == "decimal":
        return re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", recu) is not None and float(recu) == lu
    if type_ == "booleen":
        return recu.lower() in (_OUI if lu else _NON)
    if type_ == "date":
        return bool(m := _ISO.fullmatch(recu)) and m[1] == lu.isoformat()  # type: ignore[index]
    if type_ == "annee_mois":
        mois, _, an = recu.partition("/")
        return bool(recu == lu or f"{an}-{mois:0>2}" == lu)
    if type_ == "codes":
        ici = [p.strip() for p in re.split("[;|\n]", recu)]
        codes = {_FORMES["technique"].get(q.strip()) for p in ici if p for q in ([p] if p in _FORMES["technique"] else p.split(","))}  # fmt: skip
        return codes - {None} == set(lu) and (None not in codes or "" in recu.split(","))
    if variable.nomenclature:
        return bool(_FORMES[variable.nomenclature].get(recu) == lu)
    return bool(recu == lu)


CELLULES = st.one_of(
    st.text(alphabet="0123456789 ,.;/-eE+%\n'2AaBlits\u00a0", max_size=16),
    st.integers(min_value=-5, max_value=10**15),
    st.integers(min_value=-5, max_value=60000).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(date(1990, 1, 1), date(2050, 1, 1)),
    st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)),
    st.builds(
        lambda avant, texte, apres: avant + texte + apres,
        st.sampled_from(["", " ", "\u00a0", "-", "'", "\u200b", "\n"]),
        st.sampled_from([str(c[1]) for liste in EXEMPLES.values() for c in liste] + ["TXT", "Image, vidéo", "TXT,IMG", "OUI"]
                        + ["2025-04-03", "2025-04-03 10:30", "03/2025", FINESS, CORSE, SIREN, "Ain", "01", "12", "1.5", "NON"]),
        st.sampled_from(["", " ", "\u00a0", ".", ";", "\u200b", "\n", ",0"]),
    ),
)  # fmt: skip


@settings(deadline=None, max_examples=8)
@given(st.lists(CELLULES, min_size=1, max_size=60), st.booleans())
@example(["9/2024", "TXT;;IMG"], False)
def test_a_value_read_otherwise_than_as_typed_always_carries_a_finding(recus: list[Any], texte: bool) -> None:
    q = questionnaire()
    for nom, variable in VARIABLES.items():
        brut = lot(nom, *recus, texte=texte)
        decode, constats = decode_lot(brut, q, CAMPAGNE)
        lots, constats = judge_lots({decode.entite: decode}, constats, q, CAMPAGNE)
        dites = {c.enregistrement for c in constats}
        for rang, (recu, valeur) in enumerate(zip(recus, lots[decode.entite].df[nom], strict=True)):
            if rang in dites or (not isinstance(valeur, tuple) and pd.isna(valeur)):
                continue
            if isinstance(valeur, datetime):
                valeur = valeur.date()
                if texte and recu == f"{valeur:%d/%m/%Y}" and valeur.day > 12:
                    continue
            assert says(recu, valeur, variable), (nom, recu, valeur)


# ------------------------------------------------------------------------------------------- names and codes

_CODES = {nom: code for code, nom in {
    "S01": "decimale_virgule", "C313": "date_interpretee", "C317": "ecriture_normalisee", "C318": "choix_en_double",
    "C322": "zero_perdu", "C323": "casse_corrigee", "C329": "nombre_reecrit",
}.items()}  # fmt: skip


def _code_of(nom: str) -> str:
    """The rule a repair falls under: the survey's own, else the built-in one."""
    return _CODES[nom]


def _name_of(code: str) -> str:
    return next((n for n, c in _CODES.items() if c == code), "")
