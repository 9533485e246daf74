"""What `suppress` leaves, against brute force: small random tables, with respondents that know the cells they make alone."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartographie.proof.solve import attack, table_links
from cartographie.secrecy.suppression import suppress
from cartographie.statistics.precision import primary_suppression

pytestmark = pytest.mark.long  # make check leaves it to make test

AXES = {"a": [("T", ["x", "y", "z"])], "b": [("T", ["1", "2", "3"]), ("T", ["1", "u"]), ("u", ["2", "3"])]}
PLACES = [(a, b) for a in "xyzT" for b in "123uT"]
MINIMUM = 3


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """A 3 × 3 table with its margins and a subtotal, counts of named respondents; 12 to 40 of them."""
    qui = draw(st.lists(st.sampled_from(list(itertools.product("xyz", "123"))), min_size=6, max_size=30))
    lignes = []
    for a, b in PLACES:
        ici = [
            i
            for i, (x, y) in enumerate(qui)
            if a in ("T", x) and b in ("T", y) or (b == "u" and y in "23" and a in ("T", x))
        ]
        lignes.append({"a": a, "b": b, "valeur": float(len(ici)), "contributeur": ici[0] if len(ici) == 1 else None})
    t = pd.DataFrame(lignes)
    t["primaire"] = primary_suppression(
        t.rename(columns={"valeur": "effectif"})[["effectif"]], effectif_min=MINIMUM
    ).replace("V", "")
    t["fixe"] = t["valeur"].eq(0)  # a nought is published
    t.index = pd.Index(t["a"] + t["b"])
    return t


def told(m: np.ndarray, connues: np.ndarray) -> set[int]:
    """Columns that every solution of M d = 0, nought on what is known, leaves at nought: by the rank of real matrices."""
    libres = np.flatnonzero(~connues)
    reduite = m[:, libres]
    rang = np.linalg.matrix_rank(reduite) if reduite.size else 0
    return {int(c) for i, c in enumerate(libres) if np.linalg.matrix_rank(np.delete(reduite, i, axis=1)) < rang}


def matrix(t: pd.DataFrame) -> np.ndarray:
    rang = {k: i for i, k in enumerate(t.index)}
    m = []
    for total, parties in table_links(t, AXES):
        ligne = np.zeros(len(t))
        ligne[[rang[p] for p in parties]] = 1
        ligne[rang[total]] = -1
        m.append(ligne)
    return np.array(m)


@settings(max_examples=60, deadline=None)
@given(tables())
def test_nobody_tells_a_confidential_cell_that_could_be_kept(t: pd.DataFrame) -> None:
    """Neither a reader nor a respondent that subtracts the cells it makes alone, unless masking everything would not help."""
    m = matrix(t)
    statut = suppress(t, m)["statut"]
    connu, fixe = statut.eq("V").to_numpy(), t["fixe"].to_numpy()
    primaires = set(np.flatnonzero(t["primaire"].ne("") & ~t["fixe"]))
    for qui in [None, *t.loc[t["primaire"].ne(""), "contributeur"].dropna().unique()]:
        siennes = t["contributeur"].eq(qui).to_numpy() if qui is not None else np.zeros(len(t), dtype=bool)
        apres, inevitable = told(m, connu | siennes), told(m, fixe | siennes)
        assert (apres & primaires) - set(np.flatnonzero(siennes)) <= inevitable


@settings(max_examples=40, deadline=None)
@given(tables())
def test_intervals_are_those_the_attacker_finds(t: pd.DataFrame) -> None:
    m = matrix(t)
    r = suppress(t, m)
    lu = attack(t.assign(valeur=t["valeur"].where(r["statut"].eq("V")))[["valeur"]], m)
    avant = attack(t.assign(valeur=t["valeur"].where(t["fixe"]))[["valeur"]], m).reindex(lu.index)
    for k in lu.index[r.loc[lu.index, "statut"].eq("A") & r.loc[lu.index, "protege"]]:
        v = t.at[k, "valeur"]
        # as wide as asked, or as it was before anything was published
        voulu = min(max(2, 0.2 * v), avant.at[k, "haut"] - avant.at[k, "bas"])
        assert lu.at[k, "haut"] - lu.at[k, "bas"] >= voulu
        assert r.at[k, "bas"] >= lu.at[k, "bas"] - 1e-6 and r.at[k, "haut"] <= lu.at[k, "haut"] + 1e-6


@settings(max_examples=25, deadline=None)
@given(tables())
def test_every_mask_is_needed_and_the_same_each_time(t: pd.DataFrame) -> None:
    m = matrix(t)
    r = suppress(t, m)
    pd.testing.assert_frame_equal(r, suppress(t, m))
    assert set(r["statut"].unique()) <= {"A", "D", "V"}
    assert r["statut"].eq("A").equals(t["primaire"].ne("") & ~t["fixe"])
