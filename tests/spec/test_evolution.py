"""What changed between two editions, and whether it shows: by hand, on a few farms."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from test_release import META
from test_tables import AXES, LAIT, before, build_tableaux, frames, questionnaire, serie

from cartographie.release.maps import Carte, Lieu, Panneau, classify, draw, read_geometry
from cartographie.release.workbook import pages
from cartographie.statistics.change import decompose, explain_change
from cartographie.statistics.tables import Campagne
from cartographie.survey.published import BAISSE, HAUSSE, STABLE, significance
from cartographie.survey.received import Tableau


def farms(**ce_que: tuple[float, int]) -> pd.DataFrame:
    """name=(weight, 1 when it makes milk)"""
    return pd.DataFrame([{"haut": w * y, "bas": w} for w, y in ce_que.values()], index=list(ce_que))


@pytest.mark.parametrize(
    ("bas", "haut", "dit"),
    [(0.1, 4.0, HAUSSE), (-4.0, -0.1, BAISSE), (-1.0, 2.0, STABLE), (0.0, 4.0, STABLE), (-4.0, 0.0, STABLE), (float("nan"), 4.0, "")],
)  # fmt: skip
def test_a_change_is_significant_when_its_own_interval_leaves_nought_out(bas: float, haut: float, dit: str) -> None:
    assert significance(bas, haut) == dit


def test_the_parts_of_a_change_by_hand() -> None:
    """A, B and C answered both times; D only before, E only after. Before: (2 + 2) / 10 = 40 %; after: (2 + 4 + 2) / 10 = 80 %.

    The three: 2/8, then 6/8. B alone changed its answer, with a share of 2/8 then 4/8: 3/8. B gained 1/4 of the weight, and made
    milk half of the time: 1/8; C, that lost it, never did. E comes in: 80 − 75; D, which made milk, goes: 25 − 40."""
    parts = decompose(
        farms(A=(2, 1), B=(2, 0), C=(4, 0), D=(2, 1)),
        farms(C=(2, 0), B=(4, 1), A=(2, 1), E=(2, 1)),
    )
    assert parts == pytest.approx((0.375, 0.125, 0.05, -0.15))
    assert sum(parts) == pytest.approx(0.80 - 0.40)


def test_the_same_respondents_are_all_the_change() -> None:
    parts = decompose(farms(A=(1, 0), B=(1, 0)), farms(A=(1, 1), B=(1, 0)))
    assert parts == pytest.approx((0.5, 0, 0, 0))


def test_nobody_found_again_leaves_nothing_to_take_apart() -> None:
    assert pd.isna(pd.Series(decompose(farms(A=(1, 0)), farms(B=(1, 1))))).all()


def test_the_perimeter_is_what_the_other_kinds_add() -> None:
    """Before, only small farms were listed: 2 of 8 make milk. After, 3 of 6 small ones, and 4 of 7 with F6, a big one (F4 is silent).

    F1, F2, F3 and F7 answered both times: 1 then 3 of them make milk. F8 and F9 come in, neither does: 50 − 75. F0, F4, F5 and F6
    are found no more among small farms, 1 of them did: 25 − 25."""
    f = frames()
    f["ferme"].loc[f["ferme"]["id_repondant"] == "F:4", "lait"] = None
    q = questionnaire(serie(LAIT, evolution=True))
    (x,) = explain_change(q, Campagne("c2", f), Campagne("c1", before())).to_dict("records")
    assert (x["tableau"], x["indicateur"], x["avant"], x["apres"], x["evolution"]) == ("T01", "lait", 25, 50, 25)
    assert (x["memes_repondants"], x["poids"], x["entrees"], x["sorties"]) == pytest.approx((50, 0, -25, 0))
    assert (x["n_memes"], x["n_entrees"], x["n_sorties"]) == (4, 2, 4)
    assert x["champ"] == pytest.approx(100 * (4 / 7 - 3 / 6))
    assert x["evolution_tous"] == pytest.approx(25 + x["champ"])


@pytest.mark.parametrize("note", [{"drapeau": "C3"}, {"drapeau": "C2", "indicateurs": []}])
def test_a_break_is_not_taken_apart(note: dict[str, object]) -> None:
    q = questionnaire(serie(LAIT, evolution=True), comparabilite=({"variable": "lait", "de": "c1", "a": "c2", **note},))
    assert explain_change(q, Campagne("c2", frames()), Campagne("c1", before())).empty


def with_interval(bas: float, haut: float) -> Tableau:
    """The table of an evolution of +25 points, with that interval."""
    q = questionnaire(serie(LAIT, evolution=True), table={"min_contributeurs": 0})
    (t,) = build_tableaux(frames(), before(), q, "c2")
    evolution = t.df["indicateur"] == "lait.evolution"
    return Tableau(t.code, t.meta, t.df.assign(ic_bas=t.df["ic_bas"].mask(evolution, bas), ic_haut=t.df["ic_haut"].mask(evolution, haut)))  # fmt: skip


@pytest.mark.parametrize(("bas", "haut", "dit"), [(5.0, 45.0, HAUSSE), (-5.0, 55.0, STABLE)])
def test_the_workbook_says_it_beside_the_figure(bas: float, haut: float, dit: str) -> None:
    (page,) = pages(with_interval(bas, haut), AXES)
    ligne = dict(zip(page.entetes, page.lignes[0], strict=True))
    assert (ligne["Évolution – lait (points)"], ligne["Changement – lait"]) == (25.0, dit)


def test_the_map_draws_apart_what_did_not_change() -> None:
    """Bretagne (53) rose, Normandie (28) may not have, Corse (94) is not shown."""
    lieux = (
        Lieu("53", "Bretagne", 12.0, "A", 80, 4.0, 20.0), Lieu("28", "Normandie", 5.0, "A", 60, -2.0, 12.0),
        Lieu("94", "Corse", None, "c", None, None, None),
    )  # fmt: skip
    panneaux = (Panneau("", lieux),)
    carte = Carte("e", "Évolution", "c2", "region", "points", "T04", "", "S", "Répondants", panneaux, classify([12.0, 5.0], divergent=True), True)  # fmt: skip
    svg = draw(carte, read_geometry(), META)
    aires = dict(re.findall(r"<g><title>([^ <]*) :[^<]*</title>(.*?)</g>", svg))
    assert {nom for nom, dessin in aires.items() if "m-stable" in dessin} == {"Normandie"}
    assert (
        "Bretagne : +12,0\u00a0points (de +4,0\u00a0points à +20,0\u00a0points), 80 répondants, hausse significative<"
        in svg
    )
    assert (
        "Normandie : +5,0\u00a0points (de −2,0\u00a0points à +12,0\u00a0points), 60 répondants, pas de changement significatif<"
        in svg
    )
    assert "1 changement significatif sur 2." in carte.resume() and "pâli, à vagues : non significatif" in svg
