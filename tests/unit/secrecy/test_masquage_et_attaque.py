"""What masking lets out, the attacker finds nothing in: both read the same survey, neither knows how the other does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_release import META
from test_tables import LAIT, ind, questionnaire, serie

from cartographie.proof.attack import attack_release
from cartographie.release.data import write_csv
from cartographie.secrecy.protect import protect
from cartographie.statistics.precision import finish
from cartographie.statistics.tables import Campagne, draft_tableaux
from cartographie.statistics.tallies import exact_counts
from cartographie.survey.model import Questionnaire

pytestmark = pytest.mark.long  # fifteen surveys masked and attacked, twice


def survey(zeros: str) -> Questionnaire:
    """Who has milk, by place and kind; of those, who sells at the market and who has litres: each population a part of the others."""
    par_lieu = ((), ("zone",), ("genre",), ("zone", "genre"))
    vend = ind("vend", "part", condition={"variable": "marches", "contient": "M"})
    produit = ind("produit", "part", condition={"variable": "litres", "superieur_ou_egal": 100})
    q = questionnaire(
        serie(LAIT, ind("non", "part", condition={"variable": "lait", "egal": "NON"}), croisements=par_lieu),
        serie(vend, croisements=par_lieu[:3]), serie(vend, produit, croisements=par_lieu[:3], den="LAIT"),
        table={"min_repondants": 4, "min_contributeurs": 3},
    )  # fmt: skip
    seuils = {"secret_min": 3, "proportion_min": 4, "zeros": zeros}
    return replace(q, campagnes={"c1": replace(q.campagnes["c1"], parametres={"seuils": seuils})})


def answers(graine: int) -> pd.DataFrame:
    """Between 12 and 39 farms; some questions left unanswered; milk rare or frequent as the place goes."""
    hasard = np.random.default_rng(graine)
    n = int(hasard.integers(12, 40))
    zone = hasard.choice(["1", "2"], n, p=[0.7, 0.3])
    part = dict(zip(["1", "2"], hasard.choice([0.05, 0.3, 0.6], 2), strict=True))
    lait = ["OUI" if x < part[z] else "NON" for x, z in zip(hasard.random(n), zone, strict=True)]
    return pd.DataFrame({
        "id_repondant": [f"F:{i}" for i in range(n)], "zone": zone, "genre": hasard.choice(["P", "G"], n, p=[0.6, 0.4]), "lait": lait,
        "marches": pd.Series([m if m else None for m in hasard.choice(np.array([(), ("M",), ("M", "V")], dtype=object), n)], dtype=object),
        "litres": pd.array(np.where(hasard.random(n) < 0.8, hasard.integers(1, 300, n), -1), dtype="Int64"), "parent": -1,
    }).assign(litres=lambda df: df["litres"].mask(df["litres"] < 0))  # fmt: skip


@pytest.mark.parametrize("zeros", ["publier", "proteger"])
def test_whatever_was_answered_what_is_released_tells_nothing(tmp_path: Path, zeros: str) -> None:
    q, montres = survey(zeros), 0
    seuils = q.campagnes["c1"].parametres["seuils"]
    for graine in range(15):
        brouillons = draft_tableaux(q, Campagne("c1", {"ferme": answers(graine)}))
        finis = [finish(t) for t in protect(q, brouillons, seuils).tableaux]
        dossier = tmp_path / str(graine) / "tableaux"
        dossier.mkdir(parents=True)
        for t in finis:
            write_csv(dossier, t, META)
        assert attack_release(dossier.parent, q, exact_counts(brouillons), seuils).manquements == [], graine
        montres += sum(int(t.df["valeur"].notna().sum()) for t in finis)
    assert montres > 10  # or nothing was tried
