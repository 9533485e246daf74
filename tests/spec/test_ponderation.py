"""Weights by hand: response groups, then calibration to the frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cartographie.statistics import calibrate
from cartographie.statistics.calibration import CalageImpossible, weight_diagnostics
from cartographie.statistics.groups import homogeneity_groups


def test_a_respondent_stands_for_its_group() -> None:
    """Ten hospitals of which five answered, ten care homes of which two: weights 2 and 5."""
    cadre = pd.DataFrame({"type": ["ES"] * 10 + ["EHPAD"] * 10})
    repondu = np.array([True] * 5 + [False] * 5 + [True] * 2 + [False] * 8)
    g = homogeneity_groups(cadre, repondu, ["type"], effectif_min=5, repondants_min=2)
    assert g.poids[repondu].tolist() == [2.0] * 5 + [5.0] * 2
    assert g.poids[repondu].sum() == 20


def test_small_groups_join_the_last_variable_first() -> None:
    """No large care home answered: small and large ones are one group, hospitals keep their two."""
    cadre = pd.DataFrame({"type": ["ES"] * 8 + ["EHPAD"] * 8, "taille": (["P"] * 4 + ["G"] * 4) * 2})
    repondu = np.array([True, True, False, False] * 3 + [False] * 4)
    g = homogeneity_groups(cadre, repondu, ["type", "taille"], effectif_min=4, repondants_min=1)
    assert g.poids[repondu].tolist() == [2.0] * 4 + [4.0] * 2
    assert sorted(g.taux["niveau"]) == [1, 2, 2]


def test_raking_two_margins() -> None:
    """Four units of weight 1, one per cell; the margins ask for 6 and 2, 4 and 4: by symmetry 3, 3, 1 and 1."""
    donnees = pd.DataFrame({"type": ["ES", "ES", "LBM", "LBM"], "region": ["84", "11", "84", "11"]})
    marges = {"type": {"ES": 6, "LBM": 2}, "region": {"84": 4, "11": 4}}
    for methode in ("lineaire", "raking", "logit", "tronquee"):
        calage = calibrate(donnees, np.ones(4), marges, methode=methode, bornes=(0.1, 4))
        assert calage.poids == pytest.approx([3, 3, 1, 1])


def test_bounds_hold_and_the_linear_method_does_not_mind_them() -> None:
    """Twenty units must become 52: to double six and triple fourteen is the most the bounds allow."""
    donnees = pd.DataFrame({"type": ["a"] * 6 + ["b"] * 14})
    marges = {"type": {"a": 12, "b": 40}}
    calage = calibrate(donnees, np.ones(20), marges, methode="logit", bornes=(0.4, 3))
    assert calage.rapport.max() <= 3 and calage.poids[:6] == pytest.approx([2.0] * 6)


def test_impossible_margins_are_named() -> None:
    """Every weight may at most double: 2 units cannot make 9."""
    donnees = pd.DataFrame({"type": ["ES", "ES", "LBM"]})
    with pytest.raises(CalageImpossible, match="ES") as erreur:
        calibrate(donnees, np.ones(3), {"type": {"ES": 9, "LBM": 1}}, methode="logit", bornes=(0.5, 2))
    assert erreur.value.marges["voulu"].tolist() == [9.0]


def test_a_modality_nobody_answered_for_cannot_be_calibrated() -> None:
    with pytest.raises(CalageImpossible, match="LBM"):
        calibrate(pd.DataFrame({"type": ["ES", "ES"]}), np.ones(2), {"type": {"ES": 2, "LBM": 3}}, methode="raking")


def test_kish() -> None:
    """Weights 1, 1, 4: 36 / 18 = 2 effective respondents of three, a design effect of 1.5."""
    d = weight_diagnostics(np.array([1.0, 1, 4]), np.array([1.0, 1, 2]))
    assert (d["n_effectif"], d["effet_kish"]) == (2, 1.5)
