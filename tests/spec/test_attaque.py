"""What an attacker recomputes of masked cells, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cartographie.proof.links import Comptes, Quoi, bind_places
from cartographie.proof.solve import attack, table_links
from cartographie.survey.written.declared import Axe


def cells(**valeurs: float | None) -> pd.DataFrame:
    return pd.DataFrame({"valeur": pd.Series(valeurs, dtype=float)})


def test_one_masked_cell_is_the_total_less_the_others() -> None:
    r = attack(cells(T=10, a=7, b=None), [("T", ["a", "b"])])
    assert r.loc["b"].tolist() == [3, 3, True]


def test_two_masked_cells_share_what_is_left() -> None:
    r = attack(cells(T=10, a=7, b=None, c=None), [("T", ["a", "b", "c"])])
    assert r[["bas", "haut"]].to_numpy().tolist() == [[0, 3], [0, 3]]
    assert not r["exact"].any()


def test_the_register_bounds_a_cell() -> None:
    """The attacker knows there is one establishment of b: c counts 2 or 3."""
    t = cells(T=10, a=7, b=None, c=None).assign(haut=[np.inf, np.inf, 1, np.inf])
    assert attack(t, [("T", ["a", "b", "c"])]).loc["c", ["bas", "haut"]].tolist() == [2, 3]


def test_counts_are_whole() -> None:
    """a + 2 b = 4.5 with a between 0.1 and 0.9: b lies in [1.8, 2.2], where 2 is the only whole number."""
    t = cells(a=None, b=None).assign(bas=[0.1, 0], haut=[0.9, np.inf], entier=[False, True])
    m = np.array([[1.0, 2.0]])
    assert attack(t, m, constantes=[4.5]).loc["b"].tolist() == [2, 2, True]


def test_visible_cells_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="se contredisent"):
        attack(cells(T=10, a=7, b=None, c=None).assign(haut=[np.inf, np.inf, 1, 1]), [("T", ["a", "b", "c"])])


def test_an_insider_subtracts_himself() -> None:
    """b counts one establishment, which knows its own answer: c is then exact for it."""
    t = cells(T=10, a=7, b=None, c=None)
    assert attack(t, [("T", ["a", "b", "c"])], connus={"b": 1}).loc["c", ["bas", "haut"]].tolist() == [2, 2]


def test_listed_establishments_leave_a_residue() -> None:
    """Of the 4 users of a masked cell, 3 are named on the map: the rest is bounded by what is not listed."""
    t = cells(region=6, a=None, b=None, a_liste=None, a_reste=None, b_liste=None, b_reste=None)
    liens = [("region", ["a", "b"]), ("a", ["a_liste", "a_reste"]), ("b", ["b_liste", "b_reste"])]
    r = attack(t, liens, connus={"a_liste": 3, "b_liste": 2})
    assert r.loc["a", ["bas", "haut"]].tolist() == [3, 4]


def need(**cellules: tuple[float, float, float, float]) -> pd.DataFrame:
    """(true value, width, below, above) to be shown possible, by cell."""
    return pd.DataFrame.from_dict(cellules, orient="index", columns=["valeur", "largeur", "dessous", "dessus"])


def test_a_proof_stops_when_wide_enough() -> None:
    t = cells(T=10, a=None, b=None)
    r = attack(t, [("T", ["a", "b"])], exigence=need(a=(4, 2, 0, 0), b=(6, 11, 0, 0)))
    assert r["prouve"].tolist() == [True, False]
    assert r.loc["b", ["bas", "haut"]].tolist() == [0, 10]


def test_a_proof_asks_both_sides() -> None:
    """a is 3 of 3: it may be less, nothing above."""
    t = cells(T=3, a=None, b=None)
    assert not attack(t, [("T", ["a", "b"])], exigence=need(a=(3, 2, 1, 1)))["prouve"].any()
    assert attack(t, [("T", ["a", "b"])], exigence=need(a=(3, 2, 1, 0)))["prouve"].all()


def test_links_of_a_hierarchy_with_two_cuts() -> None:
    """Regions gathered two ways: north is B and C, west is A and B. A total that is masked everywhere still binds."""
    t = pd.DataFrame({"region": ["T", "A", "B", "C", "nord", "ouest"], "valeur": [12.0, 2, np.nan, np.nan, 10, np.nan]})
    liens = table_links(
        t, {"region": [("T", ["A", "nord"]), ("nord", ["B", "C"]), ("T", ["ouest", "C"]), ("ouest", ["A", "B"])]}
    )
    assert liens == [(0, [1, 4]), (4, [2, 3]), (0, [5, 3]), (5, [1, 2])]
    assert attack(t, liens).loc[[2, 3, 5], ["bas", "haut"]].to_numpy().tolist() == [[0, 10], [0, 10], [2, 12]]


def test_a_sum_with_a_cell_missing_says_nothing() -> None:
    t = pd.DataFrame({"a": ["T", "x"], "valeur": [9.0, np.nan]})
    assert table_links(t, {"a": [("T", ["x", "y"])]}) == []


def test_a_place_is_part_of_every_place_above_it() -> None:
    """Two overseas departments, published beside overseas as a whole and the country, while no region is: they make overseas."""
    niveaux = ["france", "ensemble", "region", "departement"]
    axes: dict[str, Axe] = {"territoire": {"niveaux": [{"code": n, "libelle": n} for n in niveaux]}}
    meres = {("departement", "971"): "01", ("departement", "972"): "02", ("region", "01"): "OM", ("region", "02"): "OM"}
    compte, quoi = Comptes(), Quoi("2031", "cabinet", "")
    lieux = [("france", "FRANCE"), ("ensemble", "OM"), ("departement", "971"), ("departement", "972")]
    france, om, a, b = (compte.count(quoi, (lieu,), n) for lieu, n in zip(lieux, (9, 9, 4, 5), strict=True))
    bind_places(compte, axes, meres, frozenset())
    assert ({om: 1, a: -1, b: -1}, 0) in compte.equations and ({france: 1, a: -1, b: -1}, 0) in compte.equations
