"""What the editorial list names is masked last: from the rows of a draft to the cells of the system, then to the masks."""

from __future__ import annotations

import pandas as pd
from test_tables import LAIT, before, frames, questionnaire, serie

from cartographie.secrecy.suppression import suppress
from cartographie.secrecy.system import build_system
from cartographie.statistics.tables import Campagne, draft_tableaux
from cartographie.survey.written.declared import Selecteur


def priorities(*priorites: Selecteur) -> dict[tuple[str, str, bool], int]:
    """(edition, place, a numerator) → priority, of the cells that have one: milk, by zone, at two editions."""
    q = questionnaire(serie(LAIT, evolution=True, croisements=((), ("zone",))), table={"min_contributeurs": 3})
    tableaux = draft_tableaux(q, Campagne("c2", frames()), Campagne("c1", before()))
    cellules = build_system(q, tableaux, {"secret_min": 3}, priorites).cellules
    return {
        (edition, place.noeuds[0][1], bool(compte.clauses)): int(p)
        for (edition, compte, place), p in zip(cellules["cle"], cellules["priorite"], strict=True)
        if p
    }


def test_a_figure_gives_its_priority_to_its_count_and_to_its_base() -> None:
    assert priorities({"tableau": "T01", "indicateur": "lait"}) == {("c2", "PAYS", True): 1, ("c2", "PAYS", False): 1}
    assert priorities() == priorities({"tableau": "T02", "indicateur": "lait"}) == {}


def test_a_difference_gives_it_to_both_its_figures() -> None:
    ici = {("c1", "PAYS", True), ("c1", "PAYS", False), ("c2", "PAYS", True), ("c2", "PAYS", False)}
    assert priorities({"tableau": "T01", "indicateur": "lait.evolution"}) == dict.fromkeys(ici, 1)


def test_the_first_named_has_the_greatest_and_a_level_has_all_its_places() -> None:
    p = priorities({"tableau": "T01", "indicateur": "lait"}, {"tableau": "T01", "indicateur": "lait", "par": "zone"})
    assert {place: x for (_, place, _), x in p.items()} == {"PAYS": 2, "1": 1, "2": 1, "9": 1}


def cells(**valeurs: tuple[float, str, float, int]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(valeurs, orient="index", columns=["valeur", "primaire", "cout", "priorite"])


def test_no_cost_outweighs_a_priority() -> None:
    """2 of 20: b or c goes with it; c is the cheaper by far, and is masked only when b may not be."""
    t = cells(T=(20, "", 9e9, 9), a=(2, "A", 1, 0), b=(13, "", 1e6, 0), c=(5, "", 1, 1))
    somme = [("T", ["a", "b", "c"])]
    assert suppress(t, somme)["statut"].to_dict() == {"T": "V", "a": "A", "b": "D", "c": "V"}
    assert suppress(t.assign(fixe=[False, False, True, False]), somme)["statut"]["c"] == "D"
    assert suppress(t.assign(priorite=[9, 0, 1, 0]), somme)["statut"]["c"] == "D"


def test_nor_when_an_interval_is_widened() -> None:
    """100 and 1 are hidden of 200, and everybody knows that b is at most 2: something more has to go, never c before d."""
    t = cells(T=(200, "", 9e9, 9), a=(100, "B", 1, 0), b=(1, "A", 1, 0), c=(40, "", 1, 1), d=(59, "", 1e6, 0))
    t = t.assign(haut=[float("inf")] * 2 + [2] + [float("inf")] * 2)
    somme = [("T", ["a", "b", "c", "d"])]
    r = suppress(t, somme)
    assert (r["statut"]["c"], r["statut"]["d"]) == ("V", "D") and r["protege"].all()
    sans = suppress(t.drop(columns="priorite"), somme)
    assert (sans["statut"]["c"], sans["statut"]["d"]) == ("D", "V")
