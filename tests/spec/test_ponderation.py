"""Weights by hand: response groups, then calibration to the frame."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from cartographie.statistics import weights
from cartographie.statistics.weights import BORNEES, CalageImpossible, calibrate, homogeneity_groups, weight_diagnostics


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
        calage = calibrate(
            donnees, np.ones(4), marges, methode=methode, bornes=(0.1, 4) if methode in BORNEES else None
        )
        assert calage.poids == pytest.approx([3, 3, 1, 1])


@pytest.mark.parametrize("methode", ["lineaire", "linear", "raking"])
def test_bounds_a_method_would_not_keep_are_refused(methode: str) -> None:
    """They were ignored: whoever declared them believed that no weight was beyond."""
    with pytest.raises(ValueError, match="ne tient pas de bornes"):
        calibrate(pd.DataFrame({"type": ["a"]}), [1], {"type": {"a": 2}}, methode=methode, bornes=(0.5, 3))


def test_bounds_hold() -> None:
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
    assert (d.n_effectif, d.effet_kish) == (2, 1.5)


def test_a_numeric_margin_beside_others() -> None:
    """Beds and types at once: the same weights are found whichever margin comes first."""
    donnees = pd.DataFrame({"lits": [10.0, 20, 30, 40], "type": ["ES", "ES", "LBM", "LBM"]})
    marges = {"lits": 220.0, "type": {"ES": 4, "LBM": 4}}
    for ordre in (marges, dict(reversed(marges.items()))):
        calage = calibrate(donnees, np.ones(4), ordre, methode="linear")
        w = calage.poids
        assert (w @ donnees["lits"], w[:2].sum(), w[2:].sum()) == pytest.approx((220, 4, 4))
        assert calage.methode == "lineaire" and calage.rapport == pytest.approx(w)
    with pytest.raises(CalageImpossible, match="lits : 900 voulu"):
        calibrate(donnees, np.ones(4), {**marges, "lits": 900.0}, methode="tronquee", bornes=(0.1, 3))


def test_linear_calibration_by_hand() -> None:
    """Weights 1, units 1 and 2 of a quantity whose total is 6: λ = (6 − 3)/5 and w = 1 + λx. With scales 1 and 0.5 (q), the
    second moves half as much: λ = 3/(1 + 2), w = (2, 2)."""
    donnees = pd.DataFrame({"x": [1.0, 2]})
    assert calibrate(donnees, [1, 1], {"x": 6}, methode="lineaire").poids == pytest.approx([1.6, 2.2])
    assert calibrate(donnees, [1, 1], {"x": 6}, methode="lineaire", echelle=[1, 0.5]).poids == pytest.approx([2, 2])


def test_raking_by_hand() -> None:
    """One margin multiplies: 2 and 2 for 4 become 3 and 3 for 6, whatever the initial weights."""
    calage = calibrate(pd.DataFrame({"type": ["a", "a"]}), [1, 3], {"type": {"a": 8}}, methode="raking")
    assert calage.poids == pytest.approx([2, 6]) and calage.rapport == pytest.approx([2, 2])


def test_logit_by_hand() -> None:
    """Deville and Särndal, case 6: with L = 0.5, U = 2 and u = 0.3, A = 1.5/(0.5 × 1) = 3 and
    F(u) = [0.5·1 + 2·0.5·e^0.9] / [1 + 0.5·e^0.9]: a unit whose weight must be that has λ = 0.3."""
    vise = (0.5 + np.exp(0.9)) / (1 + 0.5 * np.exp(0.9))
    donnees = pd.DataFrame({"x": [1.0, 2]})
    bis = (0.5 + np.exp(1.8)) / (1 + 0.5 * np.exp(1.8))
    calage = calibrate(donnees, [1, 1], {"x": vise + 2 * bis}, methode="logit", bornes=(0.5, 2))
    assert calage.poids == pytest.approx([vise, bis])


def test_newton_steps_are_few() -> None:
    """Linear: one step. The others: their slope is the right one, so the error is squared at each step."""
    donnees, marges = pd.DataFrame({"type": ["a", "a", "b"]}), {"type": {"a": 3, "b": 1.5}}
    tours = {
        m: calibrate(donnees, [1, 1, 1], marges, methode=m, bornes=(0.4, 2.5) if m in BORNEES else None).iterations
        for m in ("lineaire", "raking", "logit", "tronquee")
    }
    assert tours["lineaire"] == tours["tronquee"] == 1 and tours["raking"] <= 5 and tours["logit"] <= 5
    assert calibrate(donnees, [1, 1, 1], {"type": {"a": 2, "b": 1}}).iterations == 0  # nothing to do


def test_truncation_by_hand() -> None:
    """Linear weights would be 1.56 and 2.12; held at 2, the second leaves 1.8 to the first: 1.8 + 2·2 = 5.8."""
    calage = calibrate(pd.DataFrame({"x": [1.0, 2]}), [1, 1], {"x": 5.8}, methode="truncated", bornes=(0.5, 2))
    assert calage.poids == pytest.approx([1.8, 2]) and calage.methode == "tronquee"
    bas = calibrate(pd.DataFrame({"x": [1.0, 2]}), [1, 1], {"x": 1.7}, methode="tronquee", bornes=(0.5, 2))
    assert bas.poids == pytest.approx([0.7, 0.5])
    # a bound of 0 is one: a unit may be left out, never counted backwards
    nul = calibrate(pd.DataFrame({"x": [1.0, 3]}), [1, 1], {"x": 0.5}, methode="tronquee", bornes=(0, 2))
    assert nul.poids == pytest.approx([0.5, 0])


def test_truncation_holds_at_the_bound() -> None:
    """Linear weights would be 1.6 and 2.2; held at 2, the first must make up: 1·w + 2·2 = 6."""
    calage = calibrate(pd.DataFrame({"x": [1.0, 2]}), [1, 1], {"x": 6}, methode="tronquee", bornes=(0.5, 2))
    assert calage.poids == pytest.approx([2, 2]) and calage.diagnostic.aux_bornes == 2


def test_what_cannot_be_calibrated_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    donnees = pd.DataFrame({"type": ["ES", "LBM"], "region": ["84", "11"]})
    with pytest.raises(CalageImpossible, match="aucune marge pour type=LBM") as erreur:
        calibrate(donnees, [1, 1], {"type": {"ES": 2}})
    assert erreur.value.marges.columns.tolist() == ["marge", "voulu", "atteint"]
    assert erreur.value.marges["marge"].tolist() == ["type=LBM"]
    with pytest.raises(CalageImpossible, match="aucune marge pour region=11, region=84"):
        calibrate(donnees, [1, 1], {"region": {"93": 2}})
    with pytest.raises(CalageImpossible, match=r"même total \(type : 4, region : 5\)") as erreur:
        calibrate(donnees, [1, 1], {"type": {"ES": 2, "LBM": 2}, "region": {"84": 2, "11": 3}})
    assert erreur.value.marges[["marge", "voulu"]].to_numpy().tolist() == [["type", 4], ["region", 5]]
    assert erreur.value.marges["atteint"].isna().all()
    with pytest.raises(CalageImpossible, match=r"aucun répondant \(type=EHPAD : 3 voulu, 0 atteint\)"):
        calibrate(donnees, [1, 1], {"type": {"ES": 2, "LBM": 2, "EHPAD": 3}})
    with monkeypatch.context() as m:
        m.setattr(weights, "ITERATIONS", 2)
        with pytest.raises(CalageImpossible, match=r"ne converge pas .*x : 900 voulu, .* atteint"):
            calibrate(pd.DataFrame({"x": [1.0, 2]}), [1, 1], {"x": 900}, methode="raking")
    with pytest.raises(ValueError, match="« magique »"):
        calibrate(donnees, [1, 1], {"type": {"ES": 2, "LBM": 2}}, methode="magique")
    for bornes in ((1.2, 3), (1, 3), (-0.1, 3), (0.5, 1)):
        with pytest.raises(ValueError, match=r"les bornes du calage encadrent 1 : 0 ≤ L < 1 < U"):
            calibrate(
                donnees,
                [1, 1],
                {"type": {"ES": 1 if bornes[1] == 1 else 2, "LBM": 1 if bornes[1] == 1 else 2}},
                bornes=bornes,
            )


def test_bounds_too_narrow_say_what_they_reach() -> None:
    """At most 2.5 by default: one unit for six reaches two and a half."""
    with pytest.raises(CalageImpossible, match=r"entre 0.4 et 2.5 \(type=ES : 6 voulu, 2.5 atteint\)") as erreur:
        calibrate(pd.DataFrame({"type": ["ES", "LBM"]}), [1, 1], {"type": {"ES": 6, "LBM": 1}})
    assert erreur.value.marges.to_dict("list") == {
        "marge": ["type=ES"],
        "voulu": [6.0],
        "atteint": pytest.approx([2.5]),
    }


def test_diagnostics_by_hand() -> None:
    """Five weights, ratios 0.4, 1, 1, 1 and 2.5, of which two are at the bounds; one is negative if it is so."""
    d = weight_diagnostics(np.array([0.8, 2, 2, 2, 5]), np.full(5, 2.0), (0.4, 2.5))
    assert {k: v for k, v in asdict(d).items() if not k.startswith(("effet", "n_"))} == pytest.approx(
        {
            "rapport_min": 0.4, "rapport_max": 2.5, "rapport_q5": 0.52, "rapport_q25": 1, "rapport_q50": 1, "rapport_q75": 1,
            "rapport_q95": 2.2, "aux_bornes": 2, "aux_bornes_part": 0.4, "negatifs": 0,
        }
    )  # fmt: skip
    assert weight_diagnostics(np.array([-1.0, 0, 3]), np.ones(3)).negatifs == 1
    assert weight_diagnostics(np.array([1.0, 2]), np.ones(2)).aux_bornes == 0


def test_the_collapsing_order_goes_on_until_all_answered_for() -> None:
    """Two types of which one has no respondent: with no variable left, everybody is one group, of level 0."""
    cadre = pd.DataFrame({"type": ["ES"] * 4 + ["EHPAD"] * 4, "taille": ["P", "P", "G", "G"] * 2})
    repondu = np.array([True, True, False, False] + [False] * 4)
    g = homogeneity_groups(cadre, repondu, ["type", "taille"], effectif_min=2, repondants_min=2, taux_min=0)
    # ES × P is sound, ES × G and both EHPAD fail; EHPAD as a whole fails too and takes the smallest sound sibling
    assert g.taux["groupe"].tolist() == ["tous"] and g.taux["niveau"].tolist() == [0]
    assert g.taux[["invites", "repondants", "taux"]].iloc[0].tolist() == [8, 2, 0.25]
    assert g.poids[repondu].tolist() == [4.0, 4.0] and np.isnan(g.poids[~repondu]).all()


def test_a_failing_group_takes_the_smallest_sound_one_and_no_other() -> None:
    """EHPAD (no respondent) joins LBM (4 units), the smallest; ES (6 units) stays by itself."""
    cadre = pd.DataFrame({"type": ["ES"] * 6 + ["LBM"] * 4 + ["EHPAD"] * 3})
    repondu = np.array([True] * 3 + [False] * 3 + [True] * 3 + [False] + [False] * 3)
    g = homogeneity_groups(cadre, repondu, ["type"], effectif_min=2, repondants_min=2)
    assert g.taux.set_index("groupe")[["invites", "repondants"]].T.to_dict("list") == {
        "ES": [6, 3],
        "tous × autres": [7, 3],
    }
    assert g.groupe.tolist() == ["ES"] * 6 + ["tous × autres"] * 7


def test_each_minimum_counts_by_itself() -> None:
    """Of size, respondents and rate, one that fails is enough; at the minimum, none does."""
    cadre = pd.DataFrame({"type": ["a"] * 20 + ["b"] * 20})
    repondu = np.array(([True] * 5 + [False] * 15) * 2)
    seuls = homogeneity_groups(cadre, repondu, ["type"], taux_min=0.25)  # 20 units, 5 respondents, 25 %
    assert seuls.taux["groupe"].tolist() == ["a", "b"]
    for seuil in ({"effectif_min": 21}, {"repondants_min": 6}, {"taux_min": 0.26}):
        assert homogeneity_groups(cadre, repondu, ["type"], **seuil).taux["groupe"].tolist() == ["tous"]  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="aucune unité n'a répondu"):
        homogeneity_groups(cadre, np.zeros(40, dtype=bool), ["type"])
