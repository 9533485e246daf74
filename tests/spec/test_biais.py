"""What weights cannot correct, by hand: unequal readiness to answer, late answers, what response depends on; replicate weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cartographie.statistics.bias import adjusted_share, late_difference, replicate_weights, waves_of
from cartographie.statistics.estimates import build_plan, partial_indicators, variances
from cartographie.statistics.weights import (
    Ponderation,
    calibrate,
    calibration_matrix,
    homogeneity_groups,
    weight_diagnostics,
)


def test_the_share_if_users_answered_more_readily() -> None:
    """1,000 units, 400 users. Six users in ten answer, four others in ten: 240 of each, and 50 % is read for 40 %."""
    utilisateurs, autres = 400 * 0.6, 600 * 0.4
    lu = 100 * utilisateurs / (utilisateurs + autres)
    assert lu == 50
    assert adjusted_share(lu, 1.5) == pytest.approx(40)
    assert adjusted_share(lu, 1) == lu
    assert adjusted_share(100 - lu, 1 / 1.5) == pytest.approx(60)  # the others, who answered less readily


def test_within_groups_the_line_says_the_most_it_can_fall() -> None:
    """Two groups as large, 20 % and 80 % of users among those who answer, who answer twice as readily: 11.1 % and 66.7 %, thus
    38.9 %. From the 50 % published alone: 33.3 %."""
    vraie = (adjusted_share(20, 2) + adjusted_share(80, 2)) / 2
    assert vraie == pytest.approx(38.9, abs=0.05)
    dite = adjusted_share(50, 2)
    assert dite == pytest.approx(33.3, abs=0.05)
    assert dite < vraie < 50


def test_partial_indicators_of_two_variables() -> None:
    """Ten hospitals of which eight answered, ten care homes of which two: rates 0.8 and 0.2, 0.3 away from 0.5. Half of each region
    answered: 0. By chance, √(¼ · 1/19)."""
    cadre = pd.DataFrame({"type": ["ES"] * 10 + ["EHPAD"] * 10, "region": ["84", "11"] * 10})
    repondu = np.array([True] * 8 + [False] * 2 + [True] * 2 + [False] * 8)
    r = partial_indicators(cadre, repondu)
    assert r["type"] == pytest.approx((0.3, np.sqrt(0.25 / 19)))
    assert r["region"] == pytest.approx((0.0, np.sqrt(0.25 / 19)))


def test_waves_are_thirds_by_date() -> None:
    """Answers of one day are together; an answer without a date is in none."""
    jours = pd.Series(["2026-03-01", "2026-03-02", "2026-03-09", "2026-03-09", "2026-03-30", "2026-03-31", None])
    assert waves_of(jours).tolist() == [0, 0, 1, 1, 2, 2, -1]
    assert waves_of(pd.Series(["2026-03-01"] * 4)).tolist() == [2] * 4


@pytest.mark.parametrize(("tardifs", "ecart", "significatif"), [(2, -30.0, True), (7, -5.0, False)])
def test_late_answers_against_early_ones(tardifs: int, ecart: float, significatif: bool) -> None:
    """Twenty answers a wave, of 600; eight of the first are users. The variance by hand: n/(n−1) · Σ pq/20, its finite population
    correction 0.9, over the two waves."""
    compte = [1] * 8 + [0] * 12 + [1] * 10 + [0] * 10 + [1] * tardifs + [0] * (20 - tardifs)
    df = pd.DataFrame({"id_repondant": [f"R{i}" for i in range(60)], "poids": 10.0, "compte": compte})
    df["vague"] = np.repeat([0, 1, 2], 20)
    plan = build_plan([10.0] * 60, ["tous"] * 60, tailles={"tous": 600})
    vu, bas, haut = late_difference(df.sample(frac=1, random_state=1), plan, df["id_repondant"])
    p = tardifs / 20
    erreur = 100 * np.sqrt(0.9 * 60 / 59 * (0.4 * 0.6 + p * (1 - p)) / 20)
    assert vu == pytest.approx(100 * p - 40) and (haut - bas) / 2 == pytest.approx(2.001 * erreur, rel=1e-3)
    assert vu == pytest.approx(ecart) and (haut < 0) is significatif


# ---- replicate weights


def campaign(repondants: int = 240, calee: bool = True) -> Ponderation:
    """480 units, hospitals and care homes, all with a size and a region; half of them answer. Weights: group, then region."""
    hasard = np.random.default_rng(7)
    cadre = pd.DataFrame({"type": ["ES"] * 160 + ["EHPAD"] * 320, "region": hasard.choice(["84", "11", "93"], 480)})
    repondu = np.zeros(480, dtype=bool)
    repondu[hasard.permutation(480)[:repondants]] = True
    groupes = homogeneity_groups(cadre, repondu, ["type"])
    initial, donnees = groupes.poids[repondu], cadre.loc[repondu, ["region"]].reset_index(drop=True)
    totaux = {"region": {m: float(n) for m, n in cadre["region"].value_counts().sort_index().items()}}
    poids = calibrate(donnees, initial, totaux).poids if calee else initial
    n, strates = int(repondu.sum()), groupes.groupe[repondu]
    unites = pd.DataFrame({
        "racine": range(n), "base": np.flatnonzero(repondu), "groupe": strates, "poids_initial": initial, "poids": poids,
    })  # fmt: skip
    marges = pd.DataFrame(
        [("region", m, k) for m, k in totaux["region"].items()], columns=["variable", "modalite", "population"]
    )
    plan = build_plan(
        poids, strates, tailles=dict(cadre["type"].value_counts()), poids_initiaux=initial,
        X=calibration_matrix(donnees, totaux)[0] if calee else None,
    )  # fmt: skip
    return Ponderation(
        unites, np.arange(n), plan, groupes.taux, marges if calee else marges.iloc[:0], weight_diagnostics(poids, initial),
        modalites=donnees,
    )  # fmt: skip


def test_every_replicate_meets_the_margins_and_none_is_negative() -> None:
    p = campaign()
    w, hors = replicate_weights(p, 20, graine=1)
    assert w.shape == (240, 20) and w.min() > 0 and hors == 0
    for m, n in p.marges[["modalite", "population"]].itertuples(index=False):
        assert w[(p.modalites["region"] == m).to_numpy()].sum(axis=0) == pytest.approx([n] * 20)


def test_a_seed_gives_the_same_replicates() -> None:
    p = campaign()
    (w, _), (encore, _), (autre, _) = (replicate_weights(p, 3, graine) for graine in (1, 1, 2))
    assert (w == encore).all() and not np.allclose(w, autre)


def test_everybody_answered_nothing_varies() -> None:
    w, _ = replicate_weights(campaign(repondants=480), 5, graine=1)
    assert w == pytest.approx(np.ones((480, 5)))


@pytest.mark.parametrize("calee", [True, False])
def test_the_variance_of_replicates_is_that_of_linearisation(calee: bool) -> None:
    """Of a total that region explains in part, 1,000 replicates: within 12 % (their own chance is 2·√(2/1000), 9 %)."""
    p = campaign(calee=calee)
    region = p.modalites["region"].map({"84": 3.0, "11": 1.0, "93": 0.0}).to_numpy(dtype=float)
    y = region + np.random.default_rng(3).integers(0, 4, size=len(region))
    w, _ = replicate_weights(p, 1000, graine=1)
    linearisee = variances(p.plan, y[:, None])[0]
    repliquee = float(np.mean((y @ w - y @ p.plan.poids) ** 2))
    assert repliquee == pytest.approx(linearisee, rel=0.12)
