"""Corrections by hand: one received cell read as another value, while it holds what was expected."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from cartographie.base.errors import UserError
from cartographie.decode.corrections import apply_corrections, require_applied, superseded, unknown
from cartographie.survey.model import Campagne, Correction, Entite, Questionnaire, Variable
from cartographie.survey.received import Bloc, Colonne, Constat, Depot, Lot

UN, DEUX = "a" * 12, "b" * 12


def depot(identifiant: str, nom: str) -> Depot:
    return Depot(identifiant, "ed", nom, f"depots/{nom}", identifiant, 1, "", "reponse")


DEPOTS = [depot(UN, "un.xlsx"), depot(DEUX, "deux.csv")]
COLONNES = (Colonne("lits", 2), Colonne("ouvert", 3), Colonne("choix", 4, "A"), Colonne("courriel", 5))


def questionnaire(*corrections: Correction) -> Questionnaire:
    """An establishment says its beds, opening day, choices and mail; a unit hangs below it."""
    variables = {
        n: Variable(n, ("site",), t, n, personnel=n == "courriel")
        for n, t in {"lits": "entier", "ouvert": "date", "choix": "codes", "courriel": "texte"}.items()
    }
    campagne = Campagne("ed", "", date(2001, 1, 1), date(2001, 2, 1), "", None, {}, {}, tuple(corrections))
    vides: dict[str, Any] = dict.fromkeys(("nomenclatures", "passages", "denominateurs", "tableaux", "empreintes"), {})
    return Questionnaire(
        {},
        {"site": Entite("site", "Site")},
        variables,
        regles=(),
        comparabilite=(),
        campagnes={"ed": campagne},
        **vides,
    )


def lots() -> dict[str, Lot]:
    """Two files: rows 5 and 6 of a sheet, then row 2 of another; the raw cells as a reader gives them."""
    cellules = {
        "lits": [12.0, "1,5", " 7"],
        "ouvert": [datetime(2001, 1, 9), None, "09/01/2001"],
        ("choix", "A"): ["x", None, None],
        "courriel": ["moi@exemple.invalid", None, None],
    }
    df = pd.DataFrame({
        "depot": [UN, UN, DEUX], "feuille": ["Sites", "Sites", "deux"], "ligne": [5, 6, 2], "bloc": [0, 0, 1], "parent": -1,
    } | {c: pd.Series(v, dtype=object) for c, v in cellules.items()})  # fmt: skip
    blocs = ((UN, Bloc("site", "Sites", COLONNES, [5, 6], [])), (DEUX, Bloc("site", "deux", COLONNES, [2], [])))
    return {"site": Lot("site", df, blocs)}


def correction(code: str, ou: str, cellule: str, attendu: Any, valeur: Any, feuille: str | None = None) -> Correction:
    return Correction(code, ou, feuille, cellule, attendu, valeur, "confirmé au téléphone", "AB", date(2001, 1, 20))


def run(*corrections: Correction, **options: Any) -> tuple[pd.DataFrame, list[Constat], list[tuple[str, str]]]:
    sortie, constats, echecs = apply_corrections(lots(), DEPOTS, questionnaire(*corrections), "ed", **options)
    return sortie["site"].df, constats, [(e.code, e.motif) for e in echecs]


@pytest.mark.parametrize(
    ("ou", "cellule", "attendu", "valeur", "record", "colonne"),
    [
        (UN, "B5", 12, 120, 0, "lits"),  # a number cell shows 12
        (UN, "B5", "12", 120, 0, "lits"),
        ("un.xlsx", "B6", "1,5", 15, 1, "lits"),
        (DEUX, "B2", "7", 8, 2, "lits"),  # blanks around a text are not shown
        (UN, "C5", "2001-01-09", "2001-01-10", 0, "ouvert"),
        (UN, "D5", "x", "non", 0, ("choix", "A")),
        (UN, "C6", None, "2001-01-10", 1, "ouvert"),  # an empty cell
        (UN, "B5", 12, None, 0, "lits"),  # a value taken away
    ],
)
def test_the_cell_and_only_it_is_replaced(
    ou: str, cellule: str, attendu: Any, valeur: Any, record: int, colonne: str
) -> None:
    avant = lots()["site"].df
    df, constats, echecs = run(correction("K1", ou, cellule, attendu, valeur))
    assert not echecs
    assert df.at[record, colonne] == valeur or (valeur is None and df.at[record, colonne] is None)
    avant.at[record, colonne] = valeur
    pd.testing.assert_frame_equal(df, avant)
    (c,) = constats
    assert (c.constat, c.enregistrement, c.details["correction"]) == ("correction_declaree", record, "K1")
    assert c.details["motif"] == "confirmé au téléphone" and c.proposition == str(
        "(vide)" if valeur is None else valeur
    )


def test_the_received_lots_are_left_as_they_are() -> None:
    recus = lots()
    apply_corrections(recus, DEPOTS, questionnaire(correction("K1", UN, "B5", 12, 120)), "ed")
    pd.testing.assert_frame_equal(recus["site"].df, lots()["site"].df)


def test_what_no_longer_applies_is_all_told_at_once() -> None:
    df, constats, echecs = run(
        correction("K1", UN, "B5", 13, 120),
        correction("K2", UN, "Z99", "x", "y"),
        correction("K3", UN, "B5", 12, 120, "Autre feuille"),
        correction("K4", UN, "B6", "1,5", 15),
    )
    assert [c.details["correction"] for c in constats] == ["K4"]
    assert echecs == [
        ("K1", "un.xlsx, case B5 : attendu « 13 », trouvé « 12 »"),
        ("K2", "un.xlsx, case Z99 : aucune réponse n'est lue dans cette case"),
        ("K3", "un.xlsx, Autre feuille, case B5 : aucune réponse n'est lue dans cette case"),
    ]
    _, _, vus = apply_corrections(lots(), DEPOTS, questionnaire(correction("K1", UN, "B5", 13, 120)), "ed")
    with pytest.raises(UserError, match=r"D12.*K1 \(un.xlsx, case B5 : attendu « 13 », trouvé « 12 »\)") as erreur:
        require_applied(vus, "ed")
    assert erreur.value.statut == 10
    require_applied([], "ed")


def test_personal_values_are_masked_everywhere() -> None:
    _, constats, _ = run(correction("K1", UN, "E5", "moi@exemple.invalid", "lui@exemple.invalid"))
    assert "exemple" not in repr(constats)
    _, _, echecs = run(correction("K1", UN, "E5", "elle@exemple.invalid", "lui@exemple.invalid"))
    assert echecs == [("K1", "un.xlsx, case E5 : attendu (masqué), trouvé (masqué)")]


def test_a_file_replaced_by_a_later_version_is_not_corrected() -> None:
    _, constats, echecs = run(correction("K1", UN, "B5", 12, 120), remplaces={UN: DEUX})
    assert not constats
    assert echecs == [("K1", "un.xlsx, case B5 : une version plus récente, deux.csv, remplace ce fichier")]


def test_an_answer_set_aside_for_another_one_is_not_corrected() -> None:
    q = questionnaire(correction("K1", UN, "B5", 12, 120))
    sortie, constats, _ = apply_corrections(lots(), DEPOTS, q, "ed")
    assert superseded(constats, [Constat("repondant_en_double", "site", 1)], sortie, q) == []
    (echec,) = superseded(constats, [Constat("repondant_en_double", "site", 0)], sortie, q)
    assert echec.code == "K1"


def test_a_file_that_is_not_in_the_register_or_whose_name_is_shared() -> None:
    q = questionnaire(correction("K1", "c" * 12, "B5", 12, 1), correction("K2", "un.xlsx", "B5", 12, 1))
    assert [e.code for e in unknown(DEPOTS, q, "ed")] == ["K1"]
    doubles = [*DEPOTS, replace(DEPOTS[1], nom="un.xlsx")]
    assert [e.code for e in unknown(doubles, q, "ed")] == ["K1", "K2"]


def test_a_cell_taken_from_an_earlier_version_is_not_this_files() -> None:
    recus = lots()
    blocs = (
        (UN, replace(recus["site"].blocs[0][1], reprises={(0, "lits"): (DEUX, "deux", 2, 2)})),
        recus["site"].blocs[1],
    )
    recus["site"] = replace(recus["site"], blocs=blocs)
    _, constats, echecs = apply_corrections(recus, DEPOTS, questionnaire(correction("K1", UN, "B5", 12, 120)), "ed")
    assert not constats and [e.code for e in echecs] == ["K1"]


def test_a_form_has_its_answers_in_its_own_rows() -> None:
    colonnes = (Colonne("lits", 3, ligne=7), Colonne("ouvert", 3, ligne=8))
    df = lots()["site"].df.iloc[:1].assign(ligne=7)
    lot = Lot("site", df, ((UN, Bloc("site", "Sites", colonnes, [7], [])),))
    sortie, _, echecs = apply_corrections({"site": lot}, DEPOTS, questionnaire(correction("K1", UN, "C7", 12, 9)), "ed")
    assert not echecs and sortie["site"].df.at[0, "lits"] == 9
    _, _, echecs = apply_corrections({"site": lot}, DEPOTS, questionnaire(correction("K1", UN, "C8", 12, 9)), "ed")
    assert echecs[0].motif == "un.xlsx, case C8 : attendu « 12 », trouvé « 2001-01-09 »"
