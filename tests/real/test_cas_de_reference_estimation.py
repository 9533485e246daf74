"""Weights and precision against other people's software: Calmar (INSEE), survey (R), Stata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cartographie.statistics.estimates import proportion_interval, ratio, ratio_total, stratified_mean, stratified_total
from cartographie.statistics.small_areas import fay_herriot
from cartographie.statistics.weights import CalageImpossible, calibrate, calibration_matrix

CAS = Path(__file__).resolve().parents[3] / "shared/refcases"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CAS.is_dir(), reason="les cas de référence (../shared/refcases) ne sont pas là"),
]
MARGES = {"category": {1: 80, 2: 90, 3: 60}, "sex": {1: 140, 2: 90}, "department": {1: 100, 2: 130}, "salary": 470000.0}


def read(cas: str, nom: str) -> pd.DataFrame:
    return pd.read_csv(CAS / cas / nom)


# ------------------------------------------------------------------------------------------- Calmar


@pytest.mark.parametrize(
    ("methode", "colonne", "moyenne"),
    [("lineaire", "wLinear", 2.93), ("raking", "wRaking", 3.22), ("logit", "wLogit", 3.14)],
)
def test_calmar_weights_are_found_again(methode: str, colonne: str, moyenne: float) -> None:
    echantillon, attendu = (
        read("calmar_small_employees", "sample.csv"),
        read("calmar_small_employees", "expected_weights.csv"),
    )
    calage = calibrate(
        echantillon, echantillon["weight"], MARGES, methode=methode, bornes=(0.4, 2.2) if methode == "logit" else None
    )
    np.testing.assert_allclose(calage.poids, attendu[colonne], atol=6e-5)
    assert np.average(echantillon["movies"], weights=calage.poids) == pytest.approx(moyenne, abs=0.01)
    assert calage.diagnostic.negatifs == (1 if methode == "lineaire" else 0)


@pytest.mark.parametrize("methode", ["lineaire", "raking", "logit"])
def test_margins_that_do_not_add_up_are_refused(methode: str) -> None:
    echantillon = read("calmar_small_employees", "sample.csv")
    marges = {"sex": {1: 140, 2: 90}, "department": {1: 100, 2: 200}}  # 230 and 300
    with pytest.raises(CalageImpossible, match="sex : 230, department : 300"):
        calibrate(echantillon, echantillon["weight"], marges, methode=methode, bornes=(0.4, 2.2))


def test_bounds_too_narrow_are_refused_naming_the_margins() -> None:
    echantillon = read("calmar_small_employees", "sample.csv")
    with pytest.raises(CalageImpossible) as erreur:
        calibrate(echantillon, echantillon["weight"], MARGES, methode="logit", bornes=(0.6, 2.0))
    assert len(erreur.value.marges) >= 1 and "voulu" in str(erreur.value)


# ------------------------------------------------------------------------------------------- proportions


@pytest.mark.parametrize("ligne", range(len(read("prop_ci_survey", "cases.csv"))) if CAS.is_dir() else [])
def test_interval_of_a_proportion(ligne: int) -> None:
    c = read("prop_ci_survey", "cases.csv").iloc[ligne]
    bas, haut = proportion_interval(c["p"], c["se"], c["n"], c["df"], methode=c["method"])
    tolerance = 1e-9 if c["source"].startswith("R") else 5e-5
    assert bas[0] == pytest.approx(c["lci"], abs=tolerance)
    assert haut[0] == pytest.approx(c["uci"], abs=tolerance)


# ------------------------------------------------------------------------------------------- survey (R)


def close(estimation: object, valeur: float, erreur_type: float) -> None:
    assert estimation.valeur == pytest.approx(valeur, rel=1e-8)
    assert estimation.erreur_type == pytest.approx(erreur_type, rel=1e-8)


def test_stratified_sample_with_finite_population_correction() -> None:
    e = read("r_survey_api", "apistrat.csv")
    plan = {"poids": e["pw"], "strates": e["stype"], "tailles": e["fpc"]}
    close(stratified_mean(e["api00"], **plan), 662.2873632, 9.408940803)
    close(stratified_total(e["enroll"], **plan), 3687177.532, 114641.7161)
    assert stratified_total(e["api.stu"], **plan).erreur_type == pytest.approx(99477.3902, rel=1e-8)
    r = ratio_total(e["api.stu"], e["enroll"], 3811472, **plan)
    assert (round(r.valeur), round(r.erreur_type, 5)) == (3190038, 29565.98152)
    assert ratio(e["api.stu"], e["enroll"], **plan).valeur == pytest.approx(3190038 / 3811472, rel=1e-6)
    close(stratified_mean(e["enroll"], domaine=e["comp.imp"] == "Yes", **plan), 516.6729189, 22.30033393)
    close(stratified_mean(e["sch.wide"] == "Yes", **plan), 0.8279480114, 0.02434478011)
    close(stratified_mean(e["sch.wide"] == "Yes", e["pw"], e["stype"]), 0.8279480114, 0.02475680288)


def test_cluster_sample_calibrated() -> None:
    e = read("r_survey_api", "apiclus1.csv")
    plan = {"tailles": e["fpc"], "grappes": e["dnum"]}
    close(stratified_mean(e["api00"], e["pw"], **plan), 644.1693989, 23.54224069)
    assert round(stratified_total(e["enroll"], e["pw"], **plan).erreur_type) == 932235
    stypes = {"stype": {"E": 4421, "H": 755, "M": 1018}}
    for marges, moyenne, erreur, total, erreur_total in (
        (stypes, 642.31, 23.92048645, 3680893, 406293),
        ({**stypes, "sch.wide": {"No": 1072, "Yes": 5122}}, 641.2303209, 23.70361689, 3647280, 400603),
    ):
        w = calibrate(e, e["pw"], marges, methode="raking").poids
        x = calibration_matrix(e, marges)[0]
        m = stratified_mean(e["api00"], w, poids_initiaux=e["pw"], X=x, **plan)
        assert m.valeur == pytest.approx(moyenne, abs=5e-3 if moyenne == 642.31 else 1e-6)
        assert m.erreur_type == pytest.approx(erreur, rel=1e-8)
        t = stratified_total(e["enroll"], w, poids_initiaux=e["pw"], X=x, **plan)
        assert (round(t.valeur), round(t.erreur_type)) == (total, erreur_total)


def test_bounded_calibration_of_the_cluster_sample() -> None:
    e = read("r_survey_api", "apiclus1.csv").assign(un=1.0)
    marges = {"un": 6194.0, "enroll": 3811472.0}
    libre = calibrate(e, e["pw"], marges, methode="lineaire").rapport
    assert (libre.min(), libre.max()) == (pytest.approx(0.7906782, abs=1e-7), pytest.approx(1.7891164, abs=1e-7))
    tenu = calibrate(e, e["pw"], marges, methode="tronquee", bornes=(0.6, 1.5)).rapport
    assert (tenu.min(), tenu.max()) == (pytest.approx(0.7198751, abs=1e-7), pytest.approx(1.5, abs=1e-12))


def test_eight_units_by_hand() -> None:
    e = read("r_survey_fpc_tiny", "fpc.csv")
    plan = {"poids": e["weight"], "strates": e["stratid"]}
    assert stratified_mean(e["x"], **plan).valeur == pytest.approx(5.448148, abs=1e-6)
    assert stratified_mean(e["x"], **plan).erreur_type == pytest.approx(0.7412683, abs=1e-7)
    assert stratified_mean(e["x"], tailles=e["Nh"], **plan).erreur_type == pytest.approx(0.6160407, abs=1e-7)
    simple = stratified_mean(e["x"], np.ones(8), e["stratid"])
    assert (simple.valeur, simple.erreur_type) == (pytest.approx(5.525), pytest.approx(0.7796, abs=5e-5))
    haut = stratified_mean(e["x"], domaine=e["x"] > 4, **plan)
    assert (haut.valeur, haut.erreur_type) == (pytest.approx(6.195, abs=1e-3), pytest.approx(0.7555129, abs=1e-7))
    bas = stratified_mean(e["x"], domaine=e["x"] <= 4, **plan)
    assert (bas.valeur, bas.erreur_type) == (pytest.approx(3.314286, abs=1e-6), pytest.approx(0.3117042, abs=1e-7))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("methode", "colonne", "variance"), [("reml", "reml", 0.01855022), ("moments", "fh", 0.01642027)]
)
def test_small_areas_of_milk(methode: str, colonne: str, variance: float) -> None:
    """Fay–Herriot on 43 areas: EBLUP to 1e-6, MSE to 1e-5 of those of the R package sae."""
    lait, attendu = (read("fay_herriot_milk", f"{nom}.csv") for nom in ("milk", "expected"))
    x = np.column_stack([np.ones(len(lait)), *(lait["MajorArea"] == k for k in (2, 3, 4))])
    a = fay_herriot(lait["yi"], lait["SD"] ** 2, x, methode=methode)
    assert a.variance == pytest.approx(variance, rel=1e-5)
    assert a.estimation == pytest.approx(attendu[f"eblup_{colonne}"].to_numpy(), rel=1e-6)
    assert a.eqm == pytest.approx(attendu[f"mse_{colonne}"].to_numpy(), rel=1e-5)
    if methode == "reml":
        assert a.coefficients == pytest.approx([0.9681890, 0.1327801, 0.2269462, -0.2413011], rel=2e-6)
        assert np.sqrt(np.diag(a.covariance)) == pytest.approx(
            [0.06936208, 0.10300072, 0.09232981, 0.08161707], rel=1e-5
        )
        assert (a.aic, a.bic) == (pytest.approx(-15.354956, rel=1e-5), pytest.approx(-6.548956, rel=1e-5))
