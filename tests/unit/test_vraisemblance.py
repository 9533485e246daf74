"""What a campaign must show to be published: measured here, judged by the suite, told to the producer and to the public."""

from __future__ import annotations

from typing import Any

import pytest

from cartographie.base.errors import UserError
from cartographie.release.plausibility import Verdict, ask, judge, require_plausible

ATTENTES = [
    {"code": "P01", "libelle": "la moitié des réponses retrouvées", "mesure": "rattachement", "min": 50},
    {"code": "P02", "libelle": "des réponses dans chaque région", "mesure": "reponses", "min": 33, "max": 300},
    {"code": "P03", "libelle": "jamais mesurée", "mesure": "poids", "min": 99},
]
MESURES = [
    {"code": "P01", "modalite": "ensemble", "valeur": 97.35},
    {"code": "P02", "modalite": "Corse", "valeur": 12.51},
    {"code": "P02", "modalite": "Bretagne", "valeur": 120.0},
    {"code": "P02", "modalite": "Normandie", "valeur": 301.0},
]


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    return _judge({"attentes": ATTENTES})


def _judge(declare: dict[str, Any]) -> Verdict:
    with ask() as suite:
        return judge(suite, declare, MESURES, {"campagne": "a", "titre": "Enquête", "mention": "Fictif"})


def test_each_expectation_is_met_or_says_where_it_is_not(verdict: Verdict) -> None:
    assert [(a.code, a.tenue, a.mesures, a.hors) for a in verdict.attentes] == [
        ("P01", True, 1, ()),
        ("P02", False, 3, (("Corse", 12.51), ("Normandie", 301.0))),
        ("P03", True, 0, ()),
    ]


def test_what_is_not_met_stops_the_release_unless_waived(verdict: Verdict) -> None:
    with pytest.raises(
        UserError, match=r"E13.*P02, des réponses dans chaque région \(Corse : 12,5, Normandie : 301\)"
    ) as e:
        require_plausible(verdict.attentes, "a")
    assert e.value.statut == 13 and "P01" not in str(e.value)
    derogation = {"code": "P02", "motif": "nouvelle région", "auteur": "X", "date": "2026-07-01"}
    require_plausible(_judge({"attentes": ATTENTES, "derogations": [derogation]}).attentes, "a")


def test_the_public_page_holds_no_value_and_calls_nobody(verdict: Verdict) -> None:
    for texte in ("12,51", "12.51", "Corse", "97", "301"):
        assert texte not in verdict.public.split("</style>")[1], texte
    assert "Corse" in verdict.detail and "12,51" in verdict.detail
    for page in (verdict.public, verdict.detail):
        assert "http" not in page and "<script" not in page and 'lang="fr"' in page and "Fictif" in page
        assert "P02 : des réponses dans chaque région (au moins 33 et au plus 300)" in page
        assert not any(mot in page for mot in ("Expectation", "Success", "Show ", "Unexpected", "None"))


def test_twice_the_same_bytes(verdict: Verdict) -> None:
    """Neither the hour nor an identifier drawn at random is left in the page."""
    assert _judge({"attentes": ATTENTES}) == verdict
