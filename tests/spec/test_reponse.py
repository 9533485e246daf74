"""Who answered, and what they left blank: a dozen establishments, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from cartographie.statistics.response import item_nonresponse, response_rates


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
