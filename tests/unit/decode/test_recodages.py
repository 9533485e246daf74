"""Recodes between editions, tested both ways: every old code leads somewhere valid, every new code comes from somewhere known."""

from __future__ import annotations

from pathlib import Path

import pytest

from cartographie.decode.derive import look_up
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Questionnaire

Q: Questionnaire = load_questionnaire(Path(__file__).resolve().parents[3])
RECODES = sorted({(c["variable"], c["passage"], c["de"], c["a"]) for c in Q.comparabilite if c.get("passage")})


@pytest.mark.parametrize(("variable", "passage", "de", "a"), RECODES)
def test_every_code_of_either_edition_goes_through(variable: str, passage: str, de: str, a: str) -> None:
    """The derived variable has a value for every modality of its sources, in each edition that asks them."""
    p = Q.passages[passage]
    cible = next(v for v in Q.variables.values() if (v.derivee or {}).get("passage") == passage)
    sources = (
        [de_qui] if isinstance(de_qui := (cible.derivee or {}).get("de") or list(p.sources), str) else list(de_qui)
    )
    assert cible.nomenclature is not None
    if p.intervalle:
        return
    vus = set()
    for campagne in (de, a):
        valides = set(Q.nomenclatures[cible.nomenclature].valides(campagne))
        for source in sources:
            declaree = Q.variables[source]
            posee = any(v == source for _, v in Q.posees(campagne))
            if not posee or declaree.nomenclature is None or len(sources) > 1:
                continue
            for code in Q.nomenclatures[declaree.nomenclature].valides(campagne):
                vers = look_up(p, (code,))
                assert vers is None or vers in valides, f"{source}={code} → {vers}, inconnu en {campagne}"
                vus.add(vers)
    # and back: no line of the table is dead
    cibles = {c for _, c in p.lignes if c}
    assert not vus or cibles <= vus, f"rien ne mène à {sorted(cibles - vus)}"
