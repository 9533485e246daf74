"""Small areas by hand: what a model says of places where too few answered."""

from __future__ import annotations

import numpy as np
import pytest

from cartographie.statistics.small_areas import (
    METHODES,
    AireImpossible,
    arcsine_interval,
    benchmark,
    fay_herriot,
    from_arcsine,
    synthetic,
    to_arcsine,
)


@pytest.mark.parametrize(("methode", "variance"), [("reml", 4.0), ("moments", 4.0), ("ml", 2.75)])
def test_equal_variances_have_a_closed_form(methode: str, variance: float) -> None:
    """Four areas around 10, sampling variance 1 each: Σ (y − 10)² = 15, over m − 1 = 3 (REML, moments) or m = 4 (ML), less 1."""
    y = 10 + np.sqrt(15 / 4) * np.array([1, 1, -1, -1])
    a = fay_herriot(y, [1.0] * 4, np.ones((4, 1)), methode=methode)
    assert a.variance == pytest.approx(variance) and a.coefficients == pytest.approx([10])
    gamma = variance / (variance + 1)
    assert a.estimation == pytest.approx(10 + gamma * (y - 10)) and a.poids == pytest.approx([gamma] * 4)


@pytest.mark.parametrize("methode", METHODES)
def test_areas_that_differ_less_than_chance_are_all_their_mean(methode: str) -> None:
    a = fay_herriot([10.1, 9.9, 10.0], [1.0] * 3, np.ones((3, 1)), methode=methode)
    assert a.variance == 0 and a.estimation == pytest.approx([10] * 3)
    assert a.eqm.min() > 0


def test_an_area_without_answers_is_what_its_covariates_say() -> None:
    """Fitted on 1, 3, 5 for x = 0, 1, 2: exactly 1 + 2x; at x = 3 it says 7, and is off by the area effect and by what β is."""
    x = np.column_stack([np.ones(3), [0, 1, 2]])
    a = fay_herriot([1.0, 3, 5], [1.0] * 3, x)
    estime, eqm = synthetic(a, [[1, 3]])
    assert estime == pytest.approx([7]) and eqm == pytest.approx(
        [np.array([1, 3]) @ a.covariance @ np.array([1, 3]) + a.variance]
    )


def test_what_cannot_be_fitted_is_said() -> None:
    with pytest.raises(AireImpossible, match="ne suffisent pas"):
        fay_herriot([1.0, 2], [1.0, 1], np.eye(2))
    with pytest.raises(AireImpossible, match="variance est nulle"):
        fay_herriot([1.0, 2], [1.0, 0], np.ones((2, 1)))
    with pytest.raises(ValueError, match="« eb »"):
        fay_herriot([1.0, 2], [1.0, 1], np.ones((2, 1)), methode="eb")


def test_there_and_back_adds_no_bias() -> None:
    """Without error, sin²(asin √p) = p; with it, the mean and the variance are those of draws."""
    theta, psi = to_arcsine([0.0, 0.2, 1.0], [25, 25, 25])
    assert psi == pytest.approx([0.01] * 3)
    assert from_arcsine(theta, np.zeros(3))[0] == pytest.approx([0, 0.2, 1])
    tires = np.sin(theta[1] + np.sqrt(0.02) * np.random.default_rng(1).standard_normal(400_000)) ** 2
    part, eqm = from_arcsine(theta[1], 0.02)
    assert (float(part), float(eqm)) == (pytest.approx(tires.mean(), abs=1e-3), pytest.approx(tires.var(), rel=1e-2))
    bas, haut = arcsine_interval(theta, [0.02] * 3)
    assert (bas >= 0).all() and (haut <= 1).all() and bas[0] == 0 and haut[2] == 1


def test_estimates_add_up_to_the_country() -> None:
    """Areas of 100, 100 and 200: 60 users in the first is known, 100 in all: the other two share 40 and keep their order."""
    p = benchmark([0.6, 0.2, 0.3], [100, 100, 200], 100, fixes=[True, False, False])
    assert p[0] == 0.6 and (100 * p[1] + 200 * p[2]) == pytest.approx(40) and 0 < p[1] < p[2] < 0.3
    assert benchmark([0.6, 0.2], [100, 100], 50, fixes=[True, False]).tolist() == [0.6, 0.2]  # no room: as they were
