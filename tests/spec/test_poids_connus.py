"""What a share tells who knows the weights, by hand and against every set there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartographie.proof.weights import certain


def test_with_one_weight_nobody_is_told_from_another() -> None:
    assert not certain([2.0] * 5, [True, False, True, False, False], 0.4, 0.4).any()


def test_a_weight_of_its_own_is_told_by_the_share() -> None:
    """Weights 1, 1, 1, 4: a share of 4/7 is the last one alone."""
    assert certain([1, 1, 1, 4], [False, False, False, True], 4 / 7, 4 / 7).tolist() == [True, True, True, True]
    assert not certain([1, 1, 1, 1, 4], [False] * 4 + [True], 0.5, 0.5).any()  # or all the others


def test_rounding_leaves_another_set() -> None:
    """Weights 10, 11 and 12: a third to the nearest tenth of a point is one of them; to ten points, any."""
    assert certain([10, 11, 12], [False, True, False], 0.333, 0.334).all()
    assert not certain([10, 11, 12], [False, True, False], 0.25, 0.4).any()


@pytest.mark.parametrize("dedans", [True, False])
def test_everybody_or_nobody(dedans: bool) -> None:
    part = float(dedans)
    assert certain([1.0, 2.0, 3.0], [dedans] * 3, part, part).all()


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=9), st.integers(0, 20))
def test_as_every_set_says(repondants: list[tuple[int, bool]], pour_cent: int) -> None:
    w, x = np.array([float(p) for p, _ in repondants]), np.array([d for _, d in repondants])
    vrai = float(w[x].sum() / w.sum())
    bas, haut = vrai - pour_cent / 200, vrai + pour_cent / 200
    ensembles = np.array(list(product([False, True], repeat=len(w))))
    parts = ensembles @ w / w.sum()
    possibles = ensembles[(parts >= bas - 1e-9) & (parts <= haut + 1e-9)]
    attendu = possibles.all(axis=0) | ~possibles.any(axis=0)
    assert certain(w, x, bas, haut).tolist() == attendu.tolist()
