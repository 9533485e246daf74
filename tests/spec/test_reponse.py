"""Who answered, and what they left blank: a dozen establishments, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cartographie.statistics.estimates import bias_indicator, item_nonresponse, response_rates


def test_two_response_rates_from_ten_units() -> None:
    """4 complete, 1 partial, 1 refusal, 1 not reached, 1 unknown, 2 closed.

    RR2 = 5 / 8. Of the 9 whose status is known, 7 belong to the field: e = 7/9, and RR4 = 5 / (7 + 7/9)."""
    d = pd.Series(["complet"] * 4 + ["partiel", "refus", "non_joint", "inconnu", "ferme", "ferme"])
    total = response_rates(d).loc["Total"]
    assert total["rr2"] == 5 / 8
    assert total["rr4"] == pytest.approx(5 / (7 + 7 / 9))
    assert total["couverture"] == 5 / 10


def test_rates_weighted_by_size_and_by_region() -> None:
    """The large one answered: half of the units, nine tenths of the beds."""
    d, region, lits = pd.Series(["complet", "refus"]), pd.Series(["84", "84"]), [900, 100]
    assert response_rates(d, par=region).loc["84", "rr2"] == 0.5
    assert response_rates(d, par=region, poids=lits).loc["84", "rr2"] == 0.9


def test_a_unit_that_answers_under_another_number_is_not_eligible() -> None:
    assert response_rates(pd.Series(["complet", "autre_unite"])).loc["Total", "rr2"] == 1


def test_an_unknown_disposition_is_refused() -> None:
    with pytest.raises(ValueError, match="perdu"):
        response_rates(pd.Series(["complet", "perdu"]))


def test_five_absences_are_never_merged() -> None:
    """Of six, the question does not apply to one: « ne sait pas » is an answer among the five others."""
    etats = pd.DataFrame({"usage": ["renseigne", "nsp", "refus", "blanc", "invalide", "hors_filtre"]})
    r = item_nonresponse(etats).loc["usage"]
    assert [r[a] for a in ("hors_filtre", "nsp", "refus", "blanc", "invalide")] == [1, 1, 1, 1, 1]
    assert (r["reponse_part"], r["nsp_part"], r["blanc_part"]) == (2 / 5, 1 / 5, 1 / 5)
    assert (r["refus_part"], r["invalide_part"], r["renseigne"]) == (1 / 5, 1 / 5, 1)
    jamais = item_nonresponse(pd.DataFrame({"usage": ["hors_filtre"]})).loc["usage"]
    assert np.isnan(jamais["reponse_part"])  # asked of nobody: no share


def test_every_disposition_by_region() -> None:
    """A region that is unknown is one of its own; without eligible unit, no rate; the total is of all."""
    d = pd.Series(
        ["complet", "partiel", "refus", "non_joint", "autre", "inconnu", "hors_champ", "ferme", "autre_unite"]
    )
    r = response_rates(d, par=pd.Series(["84"] * 6 + [None, "11", "11"]))
    assert r.loc["84", ["complet", "partiel", "refus", "non_joint", "autre", "inconnu", "invites"]].tolist() == [
        1
    ] * 6 + [6]
    assert (r.loc["84", "rr2"], r.loc["84", "couverture"]) == (2 / 6, 2 / 6)
    assert r.loc["?", "invites"] == 1 and r.loc[["?", "11"], ["rr2", "rr4"]].isna().all().all()
    # of the 8 whose status is known, 5 belong to the field: e = 5/8
    assert r.loc["Total", ["invites", "rr2", "rr4"]].tolist() == pytest.approx([9, 2 / 6, 2 / (5 + 5 / 8)])
    with pytest.raises(ValueError, match="vide"):
        response_rates(pd.Series(["complet", None]))


def test_what_weights_leave_of_the_difference_with_the_frame() -> None:
    """Half of the frame is public; 3 of 4 public units answered, 1 of 4 private ones. S(ρ) = 0.25, so R = 1 − 2 × 0.25.

    With equal weights three quarters look public: 25 points too many. Weighted by their own group, none."""
    cadre = pd.DataFrame({"statut": ["public"] * 4 + ["privé"] * 4})
    repondu = np.array([True, True, True, False, True, False, False, False])
    r, parts = bias_indicator(cadre, repondu, np.full(8, 2.0))
    assert r == pytest.approx(0.5)
    assert parts.to_dict("list") == {
        "variable": ["statut"] * 2, "modalite": ["privé", "public"], "cadre_part": [0.5, 0.5], "estimee_part": [0.25, 0.75],
        "ecart_points": [-25, 25],
    }  # fmt: skip
    justes = bias_indicator(cadre, repondu, np.where(cadre["statut"] == "public", 4 / 3, 4.0))[1]
    assert justes["ecart_points"].tolist() == pytest.approx([0, 0])


def test_crossed_variables_tell_more_than_each() -> None:
    """Public large and private small ones answered, the others did not: only the crossing shows that response depends on it."""
    cadre = pd.DataFrame({"statut": ["u", "u", "v", "v"] * 2, "taille": ["P", "G", "P", "G"] * 2})
    repondu = ((cadre["statut"] == "u") == (cadre["taille"] == "G")).to_numpy()
    r, parts = bias_indicator(cadre, repondu, np.ones(8))
    assert r == pytest.approx(0) and parts["ecart_points"].tolist() == [0, 0, 0, 0]
    assert parts["variable"].tolist() == ["statut", "statut", "taille", "taille"]
