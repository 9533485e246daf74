"""Precision by hand: the variance of a stratified census with non-response, intervals, reliability, change."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cartographie.statistics import proportion_interval, stratified_mean
from cartographie.statistics.estimates import build_plan, stratified_total
from cartographie.statistics.evolution import change_variance
from cartographie.statistics.intervals import reliability


def test_the_total_of_two_groups() -> None:
    """Group A: 2 of 4 answered, 1 and 3, weight 2. Group B: 2 of 2 answered.

    V = (1 − 2/4) · 2/1 · [(2−4)² + (6−4)²] = 8; B is known in full and adds nothing."""
    e = stratified_total([1, 3, 10, 20], [2, 2, 1, 1], ["A", "A", "B", "B"], tailles={"A": 4, "B": 2})
    assert (e.valeur, e.erreur_type) == (38, pytest.approx(np.sqrt(8)))


def test_a_domain_keeps_every_stratum() -> None:
    """A domain with one respondent in each group has a variance: the zeros of the others count."""
    e = stratified_mean([1, 0, 0, 1], [2, 2, 2, 2], ["A", "A", "B", "B"], domaine=[True, False, False, True])
    assert e.valeur == 1 and e.n == 2
    assert (
        stratified_total([1, 0, 0, 1], [2] * 4, ["A", "A", "B", "B"], domaine=[True, False, False, True]).erreur_type
        > 0
    )


def test_a_group_of_one_joins_the_next_and_is_listed() -> None:
    plan = build_plan([2.0, 2, 2], ["A", "B", "B"], tailles={"A": 2, "B": 4})
    assert plan.regroupees == ("A",) and plan.effectifs.tolist() == [3]


def test_calibration_residuals() -> None:
    """y is a multiple of what the weights were calibrated on: nothing is left to chance."""
    x = np.array([[1.0], [2], [3], [4]])
    e = stratified_total(2 * x[:, 0], [2.0] * 4, X=x, poids_initiaux=[2.0] * 4)
    assert e.erreur_type == pytest.approx(0, abs=1e-5)


def test_logit_interval_by_hand() -> None:
    """p = 0.5, se = 0.05, 99 degrees of freedom: logit 0 ± 1.984 · 0.05 / 0.25."""
    demi = stats.t.ppf(0.975, 99) * 0.05 / 0.25
    bas, haut = proportion_interval(0.5, 0.05, 100, 99)
    assert (bas[0], haut[0]) == (pytest.approx(1 / (1 + np.exp(demi))), pytest.approx(1 / (1 + np.exp(-demi))))


def test_never_an_interval_without_width_at_zero_or_one() -> None:
    """0 of 20, a simple sample: the exact upper bound is 1 − 0.025^(1/20) = 16.8 %."""
    bas, haut = proportion_interval([0, 1], [0, 0], [20, 20], [19, 19])
    assert bas[0] == 0 and haut[0] == pytest.approx(1 - 0.025 ** (1 / 20))
    assert haut[1] == 1 and bas[1] == pytest.approx(0.025 ** (1 / 20))


def test_everybody_answered() -> None:
    """No variance, strictly between: the share is known."""
    bas, haut = proportion_interval(0.4, 0.0, 10, 9)
    assert bas[0] == haut[0] == 0.4


def test_reliability_is_not_secrecy() -> None:
    assert reliability([5, 12, 25, 5], [100, 100, 100, 9]).tolist() == ["", "u", "ns", "ns"]


def test_the_same_respondents_twice() -> None:
    """With the same answers, nothing changed for certain; with others, variances add up if nobody is found twice."""
    plan = build_plan([2.0] * 4, ["A"] * 4, tailles={"A": 8})
    z = np.array([[1.0], [0], [1], [0]])
    ids = ["a", "b", "c", "d"]
    assert change_variance(plan, z, ids, plan, z, ids)[0] == pytest.approx(0)
    seule = stratified_total(z[:, 0], [2.0] * 4, ["A"] * 4, tailles={"A": 8}).erreur_type ** 2
    assert change_variance(plan, z, ids, plan, z, ["e", "f", "g", "h"])[0] == pytest.approx(2 * seule)
