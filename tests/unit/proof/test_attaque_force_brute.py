"""The attacker against brute force: small random tables, every whole-number table that agrees with what is visible."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartographie.proof.solve import attack, table_links

AXES = {"a": [("T", ["x", "y", "z"])], "b": [("T", ["1", "2"])]}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.Series]:
    """A 3 × 2 table of small counts with its margins, up to 8 of its 12 cells masked, bounds of the register on some."""
    coeur = {(a, b): draw(st.integers(0, 4)) for a in "xyz" for b in "12"}
    valeurs = {
        (a, b): sum(v for (i, j), v in coeur.items() if a in ("T", i) and b in ("T", j)) for a in "xyzT" for b in "12T"
    }
    t = pd.DataFrame([{"a": a, "b": b, "vraie": float(v)} for (a, b), v in valeurs.items()])
    t.index = pd.Index(t["a"] + t["b"])
    caches = draw(st.sets(st.sampled_from(list(t.index)), min_size=1, max_size=8))
    bornes = draw(st.sets(st.sampled_from(list(t.index)), max_size=3))
    t["haut"] = [float(v + 1) if k in bornes else 12.0 for k, v in t["vraie"].items()]
    t["haut"] = np.maximum(t["haut"], t["vraie"])
    t["valeur"] = t["vraie"].where(~t.index.isin(list(caches)))
    return t.drop(columns="vraie"), t["vraie"]


def solutions(t: pd.DataFrame) -> list[dict[str, int]]:
    """Every whole table that agrees with the visible cells: the six inner cells are tried, the margins follow."""
    libres = [k for k in t.index if "T" not in k]
    choix = [
        range(int(t.at[k, "haut"]) + 1) if np.isnan(t.at[k, "valeur"]) else [int(t.at[k, "valeur"])] for k in libres
    ]
    # the true inner cells never exceed 4, but the attacker does not know it: his own bounds are used, cut by the margins
    out = []
    for essai in itertools.product(*choix):
        x = dict(zip(libres, essai, strict=True))
        for a, b in itertools.product("xyzT", "12T"):
            if "T" in a + b:
                x[a + b] = sum(v for k, v in x.items() if "T" not in k and a in ("T", k[0]) and b in ("T", k[1]))
        if all(
            (x[k] == v) if not np.isnan(v) else x[k] <= h
            for k, v, h in zip(t.index, t["valeur"], t["haut"], strict=True)
        ):
            out.append(x)
    return out


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(tables())
def test_an_interval_holds_every_whole_table(tirage: tuple[pd.DataFrame, pd.Series]) -> None:
    t, vraie = tirage
    t["haut"] = np.minimum(t["haut"], np.where(t["a"].eq("T") | t["b"].eq("T"), 24, 5))
    t["haut"] = np.maximum(t["haut"], vraie)
    r = attack(t, table_links(t, AXES))
    possibles = solutions(t)
    assert possibles
    for k in r.index:
        vus = [x[k] for x in possibles]
        assert r.at[k, "bas"] <= min(vus) and max(vus) <= r.at[k, "haut"]
        # the matrix of a two-way table is totally unimodular: whole bounds are reached
        assert (r.at[k, "bas"], r.at[k, "haut"]) == (min(vus), max(vus))


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(tables(), st.integers(1, 5))
def test_proof_agrees_with_the_exact_interval(tirage: tuple[pd.DataFrame, pd.Series], largeur: int) -> None:
    t, vraie = tirage
    liens = table_links(t, AXES)
    exact = attack(t, liens)
    v = vraie[exact.index]
    exigence = pd.DataFrame({"valeur": v, "largeur": float(largeur), "dessous": 1.0, "dessus": 1.0})
    preuve = attack(t, liens, exigence=exigence)
    voulu = (exact["haut"] - exact["bas"] >= largeur) & (exact["bas"] <= v - 1) & (exact["haut"] >= v + 1)
    assert preuve["prouve"].tolist() == voulu.tolist()
    sures = preuve[preuve["prouve"]]
    assert (sures["bas"] >= exact["bas"][sures.index]).all() and (sures["haut"] <= exact["haut"][sures.index]).all()


@settings(max_examples=30, deadline=None)
@given(tables())
def test_the_truth_is_never_outside(tirage: tuple[pd.DataFrame, pd.Series]) -> None:
    t, vraie = tirage
    r = attack(t, table_links(t, AXES))
    assert (r["bas"] <= vraie[r.index]).all() and (vraie[r.index] <= r["haut"]).all()


def test_matrix_and_links_say_the_same() -> None:
    t = pd.DataFrame({"valeur": [10, 4, np.nan, np.nan]}, index=["T", "a", "b", "c"])
    par_liens = attack(t, [("T", ["a", "b", "c"])])
    m = np.array([[1.0, -1, -1, -1]])
    pd.testing.assert_frame_equal(par_liens, attack(t, m))
    pd.testing.assert_frame_equal(par_liens, attack(t, m, constantes=[0.0]))
    assert attack(t, m, constantes=[1.0])["haut"].tolist() == [5.0, 5.0]


def test_an_unlimited_cell_is_infinite() -> None:
    t = pd.DataFrame({"valeur": [np.nan, 4, np.nan]}, index=["T", "a", "b"])
    besoin = pd.DataFrame({"valeur": [9.0, 5], "largeur": 2.0, "dessous": 1.0, "dessus": 1.0}, index=["T", "b"])
    r = attack(t, [("T", ["a", "b"])], exigence=besoin)
    assert r["prouve"].all()
    assert attack(t, [("T", ["a", "b"])])[["bas", "haut"]].to_numpy().tolist() == [[4.0, np.inf], [0.0, np.inf]]


def test_refused() -> None:
    t = pd.DataFrame({"valeur": [10.0, 4, 5]}, index=["T", "a", "b"])
    with pytest.raises(ValueError, match="se contredisent"):
        attack(t, [("T", ["a", "b"])])
    with pytest.raises(ValueError, match="inconnue"):
        attack(t, [], cibles=["z"])
    double = pd.DataFrame({"valeur": [1.0, 2.0]}, index=["a", "a"])
    with pytest.raises(ValueError, match="même clé"):
        attack(double, [])
