"""Intervals and reliability of the figures of one block, from what each respondent brings to each (docs/methodologie.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cartographie.ponderation import Ponderation
from cartographie.statistics.estimates import variances
from cartographie.statistics.intervals import mean_interval, proportion_interval, reliability
from cartographie.tables.mesures import Influence, Resultat

CV_MAX_PCT = 30  # beyond it a total or a mean is of low reliability


def with_precision(
    df: pd.DataFrame, r: Resultat, p: Ponderation | None, unite: str, seuils: Mapping[str, Any]
) -> pd.DataFrame:
    """Add ic_bas and ic_haut (95 %), `_erreur` (standard error) and `_fiabilite` ("", "u" low, "ns" not shown). Without
    weights, or for a quantile, there is no interval."""
    if p is None or r.influence is None or not len(df):
        return df.assign(ic_bas=np.nan, ic_haut=np.nan, _erreur=np.nan, _fiabilite="")
    erreur = np.sqrt(variances(p.plan, contributions(r.influence, p, len(df))))
    if unite == "pct":
        bas, haut, fiabilite = _shares(r, erreur, p, seuils)
    else:
        bas, haut = mean_interval(r.exact, erreur, p.plan.ddl)
        bas, haut = np.maximum(bas, 0), np.asarray(haut)
        with np.errstate(invalid="ignore", divide="ignore"):
            fiabilite = np.where(100 * erreur > float(seuils.get("cv_max_pct", CV_MAX_PCT)) * r.exact, "u", "")
    decimales = 1 if unite == "pct" else 2
    vide = np.isnan(r.exact)
    bas, haut = (np.where(vide, np.nan, np.round(x, decimales)) for x in (bas, haut))
    return df.assign(ic_bas=bas, ic_haut=haut, _erreur=np.where(vide, np.nan, erreur), _fiabilite=fiabilite)


def contributions(influence: Influence, p: Ponderation, figures: int) -> sparse.csc_array:
    """Linearised values, one row per respondent of the design, one column per figure."""
    rang = np.full(int(p.repondants.max(initial=-1)) + 1, -1)
    rang[p.repondants] = np.arange(len(p.repondants))
    k = rang[influence.repondants]
    valeurs = np.nan_to_num(influence.valeurs) / p.plan.poids[k]
    return sparse.coo_array((valeurs, (k, influence.plat)), shape=(len(p.repondants), figures)).tocsc()


def _shares(
    r: Resultat, erreur: np.ndarray, p: Ponderation, seuils: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    part, se = np.nan_to_num(r.exact) / 100, erreur / 100
    n = np.maximum(r.n, 1)
    bas, haut = (100 * np.asarray(x) for x in proportion_interval(np.clip(part, 0, 1), se, n, p.plan.ddl))
    demi = np.fmax(haut - r.exact, r.exact - bas)
    with np.errstate(divide="ignore", invalid="ignore"):
        effectif = np.where(se > 0, np.minimum(part * (1 - part) / se**2, n), n)
    return bas, haut, np.where(r.n > 0, reliability(demi, effectif, seuils=seuils.get("fiabilite") or {}), "")
