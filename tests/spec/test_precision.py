"""Precision by hand: the variance of a stratified census with non-response, intervals, reliability, change."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

from cartographie.statistics.estimates import (
    build_plan,
    change_interval,
    change_variance,
    coefficient_of_variation,
    design_effect,
    effective_n,
    mean_interval,
    proportion_interval,
    ratio,
    ratio_total,
    reliability,
    stratified_mean,
    stratified_total,
    variances,
)


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
    assert reliability([5, 12, 25, 5], [100, 100, 100, 9]).tolist() == ["", "u", "i", "i"]


def test_the_same_respondents_twice() -> None:
    """With the same answers, nothing changed for certain; with others, variances add up if nobody is found twice."""
    plan = build_plan([2.0] * 4, ["A"] * 4, tailles={"A": 8})
    z = np.array([[1.0], [0], [1], [0]])
    ids = ["a", "b", "c", "d"]
    assert change_variance(plan, z, ids, plan, z, ids)[0] == pytest.approx(0)
    seule = stratified_total(z[:, 0], [2.0] * 4, ["A"] * 4, tailles={"A": 8}).erreur_type ** 2
    assert change_variance(plan, z, ids, plan, z, ["e", "f", "g", "h"])[0] == pytest.approx(2 * seule)


def test_sizes_by_stratum_or_by_row_or_unknown() -> None:
    """f = 2/4 and 2/8, said either way; unknown, no finite population correction."""
    strates = ["A", "A", "B", "B"]
    par_nom = build_plan([2, 2, 4, 4], strates, tailles={"A": 4, "B": 8})
    par_ligne = build_plan([2, 2, 4, 4], strates, tailles=[4, 4, 8, 8])
    assert par_nom.fractions.tolist() == par_ligne.fractions.tolist() == [0.5, 0.25]
    assert build_plan([2, 2, 4, 4], strates, tailles=6).fractions.tolist() == [1 / 3, 1 / 3]
    sans = build_plan([2, 2, 4, 4], strates)
    assert sans.fractions.tolist() == [0, 0] and sans.factors.tolist() == [2, 2] and sans.ddl == 2
    assert par_nom.factors.tolist() == [1, 1.5]


def test_the_last_group_of_one_joins_the_one_before_unless_all_of_it_answered() -> None:
    plan = build_plan([1, 1, 3], ["A", "A", "B"], tailles={"A": 3, "B": 3})
    assert (plan.regroupees, plan.effectifs.tolist(), plan.fractions.tolist()) == (("B",), [3], [0.5])
    tous = build_plan([1, 1, 1], ["A", "A", "B"], tailles={"A": 3, "B": 1})
    assert (tous.regroupees, tous.effectifs.tolist(), tous.factors.tolist()[1]) == ((), [2, 1], 0)
    suite = build_plan([1, 1, 1, 1], ["A", "B", "C", "C"], tailles={"A": 2, "B": 2, "C": 4})
    assert suite.regroupees == ("A", "B") and suite.effectifs.tolist() == [4] and suite.fractions.tolist() == [0.5]
    seul = build_plan([1], ["A"], tailles={"A": 5})
    assert seul.factors.tolist() == [0] and seul.ddl == 1


def test_clusters_are_what_varies() -> None:
    """Two answers for two sites each, out of four answers: totals 4 and 8, mean 6. V = (1 − 2/4) · 2 · (2² + 2²) = 8."""
    e = stratified_total([1, 1, 2, 2], [2] * 4, grappes=["x", "x", "y", "y"], tailles={"0.0": 4})
    assert (e.valeur, e.erreur_type**2, e.ddl, e.n) == (12, pytest.approx(8), 1, 4)
    plan = build_plan([2] * 4, ["A", "A", "B", "B"], grappes=["y", "y", "x", "x"], tailles={"A": 4, "B": 4})
    assert plan.regroupees == ("A", "B") and plan.unit_strata.tolist() == [0, 0]


def test_means_and_ratios_by_hand() -> None:
    """Mean of 1 and 3 with weights 1 and 3: 10/4. Ratio of (1, 3) to (2, 2): 1.25, of which 40 known in all make 50.

    z = w(y − R x)/Σwx = (−1.5, 1.5)/8; V = 2 · Σ (z − mean)² = 2 · 2 · (1.5/8)²."""
    assert stratified_mean([1, 3], [1, 3]).valeur == 2.5
    r = ratio([1, 3], [2, 2], [1, 3])
    assert (r.valeur, r.n, r.ddl) == (1.25, 2, 1)
    assert r.erreur_type**2 == pytest.approx(2 * 2 * (1.5 / 8) ** 2)
    total = ratio_total([1, 3], [2, 2], 40, [1, 3])
    assert (total.valeur, total.erreur_type, total.n, total.ddl) == (50, pytest.approx(40 * r.erreur_type), 2, 1)
    moitie = ratio([1, 3, 9], [2, 2, 9], [1, 3, 5], domaine=[True, True, False])
    assert (moitie.valeur, moitie.n) == (1.25, 2)


def test_residuals_of_calibration_by_hand() -> None:
    """y = (1, 2, 6) on x = 1, initial weights 1: B = 3, residuals (−2, −1, 3). Final weights 2: u = (−4, −2, 6), of mean 0.
    V = (1 − 3/6) · 3/2 · (16 + 4 + 36) = 42. Sparse or dense, one column or several."""
    plan = build_plan([2.0] * 3, ["A"] * 3, tailles={"A": 6}, poids_initiaux=[1.0] * 3, X=np.ones((3, 1)))
    z = np.array([[1.0, 10], [2, 10], [6, 10]])
    assert variances(plan, z) == pytest.approx([42, 0])
    assert variances(plan, sparse.csr_array(z)) == pytest.approx([42, 0])
    creux = build_plan(
        [2.0] * 3, ["A"] * 3, tailles={"A": 6}, poids_initiaux=[1.0] * 3, X=sparse.csr_array(np.ones((3, 1)))
    )
    assert variances(creux, z) == pytest.approx([42, 0])


def test_the_regression_uses_the_weights_before_calibration() -> None:
    """y = (0, 3), initial weights 1 and 2: B = 2, residuals (−2, 1); with equal weights they would be (−1.5, 1.5)."""
    plan = build_plan([1.0, 1], ["A"] * 2, poids_initiaux=[1.0, 2], X=np.ones((2, 1)))
    assert variances(plan, np.array([[0.0], [3]])) == pytest.approx([2 * (2 * 1.5**2)])
    autre = build_plan([3.0, 1], ["A"] * 2, poids_initiaux=[1.0, 2], X=np.ones((2, 1)))
    assert variances(autre, np.array([[0.0], [3]])) == pytest.approx([2 * 2 * 3.5**2])  # u = (−6, 1), mean −2.5


@pytest.mark.parametrize("methode", ["beta", "korn-graubard"])
def test_clopper_pearson_on_the_effective_number(methode: str) -> None:
    """p = 0.2, se = 0.05: 64 effective respondents of 100, 63.6 once adjusted for 50 degrees of freedom."""
    n = 0.16 / 0.05**2 * (stats.t.ppf(0.975, 99) / stats.t.ppf(0.975, 50)) ** 2
    bas, haut = proportion_interval(0.2, 0.05, 100, 50, methode=methode)
    assert (bas[0], haut[0]) == pytest.approx(
        (stats.beta.ppf(0.025, 0.2 * n, 0.8 * n + 1), stats.beta.ppf(0.975, 0.2 * n + 1, 0.8 * n))
    )
    # a design better than simple sampling: Korn and Graubard do not take more respondents than there are
    bas, haut = proportion_interval(0.2, 0.01, 100, 99, methode=methode)
    n = 100 if methode == "korn-graubard" else 0.16 / 0.01**2
    assert bas[0] == pytest.approx(stats.beta.ppf(0.025, 0.2 * n, 0.8 * n + 1))


def test_wilson_by_hand() -> None:
    """p = 0.5 of 100, t = t(99): centre 0.5, half-width t/(1 + t²/n) · √(p(1−p)/n + t²/4n²)."""
    t = stats.t.ppf(0.975, 99)
    demi = t / (1 + t**2 / 100) * np.sqrt(0.25 / 100 + t**2 / 40_000)
    bas, haut = proportion_interval(0.5, 0.05, 100, 99, methode="wilson")
    assert (bas[0], haut[0]) == pytest.approx((0.5 - demi, 0.5 + demi))
    t = stats.t.ppf(0.95, 99)  # and p = 0.1, at 90 %
    centre, demi = (0.1 + t**2 / 200) / (1 + t**2 / 100), t / (1 + t**2 / 100) * np.sqrt(0.09 / 100 + t**2 / 40_000)
    bas, haut = proportion_interval(0.1, 0.03, 100, 99, methode="wilson", niveau=0.9)
    assert (bas[0], haut[0]) == pytest.approx((centre - demi, centre + demi))
    bas, haut = proportion_interval([0, 1], [0, 0], 20, 19, methode="wilson")
    assert bas[0] == 0 and 0.1 < haut[0] < 0.3 and haut[1] == 1


@pytest.mark.parametrize(
    ("p", "n", "attendu"),
    [(0.05, 100, "logit"), (0.95, 100, "logit"), (0.049, 100, "korn-graubard"), (0.951, 100, "korn-graubard"), (0.35, 29, "logit")],
)  # fmt: skip
def test_which_interval_is_chosen(p: float, n: int, attendu: str) -> None:
    """Logit, but Korn-Graubard where fewer than five effective respondents are on the rarer side: no jump at thirty respondents."""
    se = np.sqrt(p * (1 - p) / n)
    auto, voulu = (proportion_interval(p, se, n, n - 1, methode=m) for m in ("auto", attendu))
    assert (auto[0][0], auto[1][0]) == (voulu[0][0], voulu[1][0])
    autre = proportion_interval(p, se, n, n - 1, methode="logit" if attendu != "logit" else "korn-graubard")
    assert auto[0][0] != autre[0][0]


def test_a_design_effect_makes_fewer_effective_respondents() -> None:
    """A hundred respondents worth forty: at 10 %, four on the rarer side."""
    se = np.sqrt(0.1 * 0.9 / 40)
    auto, voulu = (proportion_interval(0.1, se, 100, 99, methode=m) for m in ("auto", "korn-graubard"))
    assert (auto[0][0], auto[1][0]) == (voulu[0][0], voulu[1][0])


def test_an_unknown_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="« wald »"):
        proportion_interval(0.5, 0.1, 10, 9, methode="wald")
    assert proportion_interval(0.5, 0.1, 100, 0)[0][0] == proportion_interval(0.5, 0.1, 100, 1)[0][0]


def test_jeffreys_and_agresti_coull_by_hand() -> None:
    """3 of 20, as in a simple random sample: Beta(3.5, 17.5); (3 + t²/2) / (20 + t²) ± t √(p̃(1−p̃)/(20 + t²))."""
    p, n = 0.15, 20
    se, t = np.sqrt(p * (1 - p) / n), stats.t.ppf(0.975, 1e9)
    bas, haut = proportion_interval(p, se, n, 1e9, methode="jeffreys")
    assert (bas[0], haut[0]) == pytest.approx(tuple(stats.beta.ppf([0.025, 0.975], 3.5, 17.5)))
    centre = (3 + t**2 / 2) / (20 + t**2)
    demi = t * np.sqrt(centre * (1 - centre) / (20 + t**2))
    bas, haut = proportion_interval(p, se, n, 1e9, methode="agresti-coull")
    assert (bas[0], haut[0]) == pytest.approx((centre - demi, centre + demi))
    assert proportion_interval(0.0, 0.0, 20, 1e9, methode="jeffreys")[0][0] == 0
    assert proportion_interval(1.0, 0.0, 20, 1e9, methode="agresti-coull")[1][0] == 1


def test_how_much_better_or_worse_than_a_simple_random_sample() -> None:
    """se 0.1 where 100 respondents at random would give 0.05: four times the variance. 5 for 20: a quarter."""
    assert design_effect([0.5, 0.0], [0.1, 0.0], [100, 9]).tolist() == pytest.approx([4, np.nan], nan_ok=True)
    assert coefficient_of_variation([20, -20, 0], [5, 5, 5]).tolist() == pytest.approx(
        [0.25, 0.25, np.nan], nan_ok=True
    )


def test_effective_number() -> None:
    """0.25 / 0.05² = 100, never more than there are; all of them at 0, at 1 and without variance."""
    assert effective_n([0.5, 0.5, 0, 1, 0.3], [0.05, 0.05, 0.1, 0.1, 0], [400, 60, 9, 8, 7]).tolist() == pytest.approx(
        [100, 60, 9, 8, 7]
    )


def test_student_intervals_of_means_and_of_changes() -> None:
    t = stats.t.ppf(0.975, 9)
    assert [x.tolist() for x in mean_interval([10, 20], [1, 2], 9)] == [[10 - t, 20 - 2 * t], [10 + t, 20 + 2 * t]]
    assert [x.tolist() for x in change_interval([-3], [1], 9)] == [[-3 - t], [-3 + t]]
    large = stats.t.ppf(0.95, 1)  # at 90 %, with no degree of freedom left: one
    assert mean_interval(0, 1, 0, niveau=0.9)[1] == change_interval(0, 1, 0, niveau=0.9)[1] == pytest.approx(large)


def test_reliability_at_its_limits() -> None:
    assert reliability([10, 10.1, 20, 20.1, 5, 5, 5, 5], [99, 99, 99, 99, 30, 29, 10, 9]).tolist() == [
        "", "u", "u", "i", "", "u", "u", "i",
    ]  # fmt: skip
    assert reliability([12], [99], seuils={"demi_largeur_u": 15}).tolist() == [""]


def test_half_of_the_respondents_found_again() -> None:
    """Each edition: two strata of two, all weights 2, no finite population correction. Only stratum A is found in both, with
    the same answers (0, 2): u = ∓2, V of A = 2 · 8 = 16; in B they are others (0, 1): 2 · 2 = 4. V = 20 + 20 − 2 · 16."""
    plan = build_plan([2.0] * 4, ["A", "A", "B", "B"])
    z = np.array([[0.0], [2], [0], [1]])
    assert variances(plan, z) == pytest.approx([20])
    v = change_variance(plan, z, ["a", "b", "c", "d"], plan, z, ["a", "b", "e", "f"])
    assert v == pytest.approx([8])
    # found again in another order: it is who answers that counts, not the place
    tourne = change_variance(plan, z, ["a", "b", "c", "d"], plan, z[[1, 0, 2, 3]], ["b", "a", "e", "f"])
    assert tourne == pytest.approx([8])
    assert change_variance(
        plan, sparse.csr_array(z), ["a", "b", "c", "d"], plan, z, ["a", "b", "e", "f"]
    ) == pytest.approx([8])


def test_the_covariance_counts_what_was_left_to_chance() -> None:
    """Before, everybody answered (no variance, no covariance); after, half did."""
    avant = build_plan([1.0] * 2, ["A"] * 2, tailles={"A": 2})
    apres = build_plan([2.0] * 2, ["A"] * 2, tailles={"A": 4})
    z = np.array([[0.0], [2]])
    assert change_variance(avant, z, ["a", "b"], apres, z, ["a", "b"]) == pytest.approx(variances(apres, z))
    assert variances(apres, z) == pytest.approx([0.5 * 2 * 8])


def test_an_overlap_that_chance_gives_tells_nothing_of_the_variance() -> None:
    """Half of eight answered, then half again: two found in both is what chance gives, and variances add up."""
    plan = build_plan([2.0] * 4, ["A"] * 4, tailles={"A": 8})
    z = np.array([[1.0], [0], [1], [0]])
    v = change_variance(plan, z, ["a", "b", "c", "d"], plan, z, ["a", "b", "e", "f"])
    assert v == pytest.approx(2 * variances(plan, z))


@pytest.mark.parametrize("memes", [False, True])
def test_the_interval_of_a_change_covers_it(memes: bool) -> None:
    """300 units, 60 % answer at each edition, answers alike (ρ = 0.9): 95 % of the intervals hold the true change whether those who
    answer are the same ones or drawn again. The covariance of before, √((1−f1)(1−f2)), covered 86.7 % of them when drawn again."""
    hasard = np.random.default_rng(1)
    population, repondants, variables, vus = 300, 180, 30, []
    plan = build_plan([population / repondants] * repondants, ["A"] * repondants, tailles={"A": population})
    avant = (hasard.random((population, variables)) < 0.4).astype(float)
    apres = np.where(hasard.random((population, variables)) < 0.95, avant, 1 - avant)
    for _ in range(100):
        un = hasard.permutation(population)[:repondants]
        deux = un if memes else hasard.permutation(population)[:repondants]
        z1, z2 = ((y[i] - y[i].mean(axis=0)) / population for y, i in ((avant, un), (apres, deux)))
        ecart = apres[deux].mean(axis=0) - avant[un].mean(axis=0)
        bas, haut = change_interval(ecart, np.sqrt(change_variance(plan, z1, un, plan, z2, deux)), plan.ddl)
        vrai = apres.mean(axis=0) - avant.mean(axis=0)
        vus += ((bas <= vrai + 1e-9) & (vrai <= haut + 1e-9)).tolist()
    assert 0.93 <= np.mean(vus) <= 0.97
