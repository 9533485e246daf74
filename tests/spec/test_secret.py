"""What is confidential, and what is masked to protect it, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cartographie.secrecy.equations import known_intervals
from cartographie.secrecy.suppression import suppress
from cartographie.statistics.precision import dominated, primary_suppression


def test_fewer_than_three_answers_or_one_that_dominates() -> None:
    t = pd.DataFrame({"effectif": [2, 3, 5, 0], "valeur": [20, 30, 100, 0], "maximum": [15, 12, 86, 0]})
    assert primary_suppression(t).tolist() == ["A", "V", "B", "V"]


def test_the_complement_is_as_confidential() -> None:
    """9 users of 10: the one that is not is told."""
    t = pd.DataFrame({"effectif": [9, 7], "effectif_complement": [1, 3], "base": [10, 10]})
    assert primary_suppression(t).tolist() == ["A", "V"]


def test_nought_and_a_hundred_per_cent() -> None:
    t = pd.DataFrame({"effectif": [0, 10], "effectif_complement": [10, 0], "base": [10, 10]})
    assert primary_suppression(t, zero="publier").tolist() == ["V", "V"]
    assert primary_suppression(t, zero="proteger").tolist() == ["A", "A"]


def test_eleven_for_persons_and_the_agricultural_threshold() -> None:
    assert primary_suppression(pd.DataFrame({"effectif": [10, 11]}), effectif_min=11).tolist() == ["A", "V"]
    t = pd.DataFrame({"effectif": [5], "valeur": [100], "maximum": [85]})
    assert primary_suppression(t).tolist() == ["V"]
    assert primary_suppression(t, dominance_stricte=False).tolist() == ["B"]


def test_each_rule_by_itself_and_at_its_limit() -> None:
    """By default: three answers are enough, on either side; the largest may make 85 %, not more; a nought is published."""
    t = pd.DataFrame(
        [
            (3, 3, 100, 85, "V"), (2, 3, 0, 0, "A"), (1, 9, 0, 0, "A"), (3, 2, 0, 0, "A"), (3, 1, 0, 0, "A"), (3, 0, 0, 0, "V"),
            (0, 9, 0, 0, "V"), (9, 9, 100, 86, "B"), (9, 9, -100, 86, "B"), (9, 9, -100, 85, "V"), (2, 9, 100, 99, "A"),
            (9, 9, 0, 5, "V"),
        ],
        columns=["effectif", "effectif_complement", "valeur", "maximum", "attendu"],
    )  # fmt: skip
    assert primary_suppression(t).tolist() == t["attendu"].tolist()
    sans = primary_suppression(t, complement=False).tolist()
    assert sans[3:5] == ["V", "V"] and sans[:3] == ["V", "A", "A"]
    assert primary_suppression(t, dominance_stricte=False).tolist()[0] == "B"
    assert primary_suppression(t, dominance=0.99).tolist().count("B") == 0
    assert primary_suppression(t.drop(columns="maximum")).tolist().count("B") == 0
    assert primary_suppression(t.set_axis(list("abcdefghijkl"))).index.tolist() == list("abcdefghijkl")
    with pytest.raises(ValueError, match="« masquer »"):
        primary_suppression(t, zero="masquer")


def test_noughts_protected_only_where_there_is_somebody() -> None:
    """Nobody asked: nothing is said of anybody. Without the denominator, an empty cell is nobody's."""
    t = pd.DataFrame({"effectif": [0, 0, 9, 9], "effectif_complement": [9, 0, 0, 9], "base": [9, 0, 9, 18]})
    assert primary_suppression(t, zero="proteger").tolist() == ["A", "V", "A", "V"]
    assert primary_suppression(t.drop(columns="base"), zero="proteger").tolist() == ["V", "V", "A", "V"]
    assert primary_suppression(t[["effectif"]], zero="proteger").tolist() == ["V", "V", "V", "V"]


def test_what_everybody_knows_before_anything_is_published() -> None:
    """A total of 10 made of three parts, of which one is known to be 4: the others are between 0 and 6. If one is known to be
    at least 2, the other is at most 4; what is unbounded stays so until an equation bounds it."""
    m = sparse.csr_array(np.array([[1.0, -1, -1, -1, 0], [0, 0, 0, 1, -2]]))
    v = np.array([10.0, 4, 5, 1, 0.5])
    fixe = np.array([True, True, False, False, False])
    inconnu = np.full(5, np.inf)
    bas, haut = known_intervals(m, v, fixe, np.zeros(5), inconnu)
    assert bas.tolist() == [10, 4, 0, 0, 0] and haut.tolist() == [10, 4, 6, 6, 3]
    bas, haut = known_intervals(m, v, fixe, np.array([0.0, 0, 2, 0, 0]), inconnu)
    assert bas.tolist() == [10, 4, 2, 0, 0] and haut.tolist() == [10, 4, 6, 4, 2]
    rien = known_intervals(m, v, np.zeros(5, dtype=bool), -inconnu, inconnu)
    assert np.isneginf(rien[0]).all() and np.isposinf(rien[1]).all()
    moitie = known_intervals(m, v, np.array([False, False, False, True, False]), -inconnu, inconnu)
    assert moitie[0].tolist()[3:] == moitie[1].tolist()[3:] == [1, 0.5]  # the second equation tells the last one
    faux = known_intervals(m, v, fixe, np.array([0.0, 0, 7, 0, 0]), np.array([np.inf, np.inf, 4, np.inf, np.inf]))
    assert faux[0][2] <= 5 <= faux[1][2]  # what is believed and false never excludes the truth


def cells(**valeurs: tuple[float, str]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(valeurs, orient="index", columns=["valeur", "primaire"])


def test_one_more_cell_the_cheapest() -> None:
    """2 of 20: the total tells it, unless the 5 goes too."""
    t = cells(T=(20, ""), a=(2, "A"), b=(13, ""), c=(5, ""))
    r = suppress(t, [("T", ["a", "b", "c"])])
    assert r["statut"].to_dict() == {"T": "V", "a": "A", "b": "V", "c": "D"}
    assert r["protege"].all()


def test_what_a_figure_is_worth_decides() -> None:
    t = cells(T=(20, ""), a=(2, "A"), b=(13, ""), c=(5, "")).assign(cout=[100, 1, 1, 50])
    assert suppress(t, [("T", ["a", "b", "c"])])["statut"].to_dict()["b"] == "D"


def test_a_cell_never_published_protects_for_nothing() -> None:
    t = cells(T=(20, ""), a=(2, "A"), b=(13, ""), c=(5, "")).assign(publie=[True, True, True, False])
    assert suppress(t, [("T", ["a", "b", "c"])])["statut"].to_dict() == {"T": "V", "a": "A", "b": "V", "c": "N"}


def test_two_confidential_cells_do_not_protect_each_other_from_themselves() -> None:
    """a and b have one respondent each: each would tell the other's by subtraction."""
    t = cells(T=(20, ""), a=(1, "A"), b=(1, "A"), c=(8, ""), d=(10, "")).assign(
        contributeur=[None, "x", "y", None, None]
    )
    somme = [("T", ["a", "b", "c", "d"])]
    assert suppress(t, somme)["statut"].to_dict()["c"] == "D"
    assert suppress(t, somme, seuls=False, largeur_min=1)["statut"].to_dict()["c"] == "V"


def test_too_narrow_an_interval_is_widened() -> None:
    """100 and 1 are hidden of 101, and everybody knows that b is at most 2: 100 would lie between 99 and 101."""
    t = cells(T=(200, ""), a=(100, "B"), b=(1, "A"), c=(40, ""), d=(59, "")).assign(
        haut=[float("inf")] * 2 + [2] + [float("inf")] * 2
    )
    r = suppress(t, [("T", ["a", "b", "c", "d"])])
    assert r.at["c", "statut"] == "D" and r["protege"].all()
    assert r.at["a", "haut"] - r.at["a", "bas"] >= 20


def test_what_everybody_knows_is_never_masked() -> None:
    """b is public: c has to go, at whatever price."""
    t = cells(T=(20, ""), a=(2, "A"), b=(3, ""), c=(15, "")).assign(fixe=[True, False, True, False])
    assert suppress(t, [("T", ["a", "b", "c"])])["statut"].to_dict() == {"T": "V", "a": "A", "b": "V", "c": "D"}


@pytest.mark.parametrize("ordre", [["T", "a", "b", "c"], ["c", "b", "a", "T"]])
def test_the_order_of_the_rows_changes_nothing_when_costs_differ(ordre: list[str]) -> None:
    t = cells(T=(20, ""), a=(2, "A"), b=(13, ""), c=(5, "")).loc[ordre]
    assert suppress(t, [("T", ["a", "b", "c"])]).loc["c", "statut"] == "D"


def test_what_everybody_could_compute_already_is_as_wide_as_it_can_be() -> None:
    """x + y = 10, y + z = 10 and x + z + w = 12 are public. All masked, x is free down to 0 but never above 6, where w is 0:
    it was so before anything was published. Asked for a width of 4 or of 20, it is left all there is."""
    t = cells(x=(5, "A"), y=(5, ""), z=(5, ""), w=(2, ""), R=(10, ""), S=(10, ""), T=(12, "")).assign(
        fixe=[False] * 4 + [True] * 3
    )
    sommes = [("R", ["x", "y"]), ("S", ["y", "z"]), ("T", ["x", "z", "w"])]
    for largeur in (4, 20):
        r = suppress(t, sommes, largeur_min=largeur)
        assert r["statut"].tolist() == ["A", "D", "D", "D", "V", "V", "V"] and r["protege"].all()
        assert (r.at["x", "bas"], r.at["x", "haut"]) == (pytest.approx(0, abs=1e-6), pytest.approx(6))


def test_what_the_public_totals_tell_exactly_nothing_protects() -> None:
    """Three public sums of three cells two by two: each is known, to anybody, whatever is masked; masking more is of no use."""
    t = cells(x=(5, "A"), y=(5, ""), z=(5, ""), R=(10, ""), S=(10, ""), T=(10, "")).assign(
        fixe=[False] * 3 + [True] * 3
    )
    r = suppress(t, [("R", ["x", "y"]), ("S", ["y", "z"]), ("T", ["x", "z"])])
    assert (r.at["x", "bas"], r.at["x", "haut"]) == (pytest.approx(5), pytest.approx(5)) and r["protege"].all()
    assert r["statut"].tolist() == ["A", "V", "V", "V", "V", "V"]


def test_a_respondent_that_bounds_help() -> None:
    """8 = 1 + 2 (X alone, both) + 2 (Y alone) + 3. Masking the 3 is enough against a reader, and against X and Y by subtraction.
    But if everybody knows that b is at most 2 and c at most 3, X, who knows its own, reads b = 2: the total has to go."""
    t = cells(T=(8, ""), a=(1, "A"), e=(2, "A"), b=(2, "A"), c=(3, "")).assign(contributeur=[None, "X", "X", "Y", None])
    somme = [("T", ["a", "e", "b", "c"])]
    assert suppress(t, somme)["statut"].tolist() == ["V", "A", "A", "A", "D"]
    bornes = t.assign(haut=[float("inf")] * 3 + [2, 3])
    assert suppress(bornes, somme, seuls=False)["statut"].tolist() == ["V", "A", "A", "A", "V"]  # readers only
    for effort in (1000, 0):
        seul = suppress(bornes, somme, effort=effort)
        assert seul.at["T", "statut"] == "D" and seul["protege"].all()


def contributions(*parts: float, poids: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"cellule": "c", "valeur": parts, "poids": poids})


def test_two_that_bring_nearly_all_dominate() -> None:
    """50, 40 and 10: the two largest bring 90 %, the largest alone 50 %."""
    assert dominated(contributions(50, 40, 10), n=2, k=0.85)["c"]
    assert not dominated(contributions(50, 40, 10), n=1, k=0.85)["c"]


def test_the_second_could_tell_the_first() -> None:
    """Of 100, the second takes 40 away and knows the first (50) to within 10: 20 % of it."""
    assert dominated(contributions(50, 40, 10), regle="p", p=0.25)["c"]
    assert not dominated(contributions(50, 40, 10), regle="p", p=0.15)["c"]


def test_a_weighted_contributor_stands_for_others_like_it() -> None:
    """Each of three stands for ten: the largest of the thirty brings 5 %, not half."""
    assert not dominated(contributions(50, 40, 10, poids=10), n=1, k=0.85)["c"]
    assert not dominated(contributions(50, 40, 10, poids=10), regle="p", p=0.25)["c"]
    assert dominated(contributions(50, 1, 1, poids=1.5), n=1, k=0.6)["c"]
    with pytest.raises(ValueError, match="dominance inconnue"):
        dominated(contributions(1), regle="npk")
