"""Intervals of proportions and means, and how reliable a figure is. An interval says what sampling and response leave to
chance, the response model being right; it says nothing of bias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import stats

METHODES = ("auto", "logit", "beta", "korn-graubard", "wilson")
RARE, PETIT = 0.05, 30  # Korn-Graubard below and above these
FIABILITE = {"demi_largeur_u": 10.0, "effectif_u": 30.0, "demi_largeur_ns": 20.0, "effectif_ns": 10.0}


def proportion_interval(
    p: Any, erreur_type: Any, n: Any, ddl: Any, *, methode: str = "auto", niveau: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of proportions p (0–1), from their design-based standard error, respondents n and degrees of freedom.

    logit: logit(p) ± t(ddl)·se/(p(1−p)). beta (R svyciprop): Clopper-Pearson on n* = p(1−p)/se²·[t(n−1)/t(ddl)]². korn-graubard
    (Korn and Graubard 1998, NCHS 2017): the same with n* ≤ n, and n* = n·[…]² at 0 and 1. wilson on n*. auto: logit, but
    Korn-Graubard below 5 %, above 95 %, under 30 respondents, at 0 and at 1. Never Wald, whose interval has no width there.
    A null variance strictly between 0 and 1 (everybody answered) gives [p, p]. Raises ValueError on another method.
    """
    if methode not in METHODES:
        raise ValueError(f"intervalle inconnu : « {methode} » ; choisissez parmi {', '.join(METHODES)}.")
    p, se, n, ddl = (np.atleast_1d(np.asarray(a, dtype=float)) for a in (p, erreur_type, n, ddl))
    p, se, n, ddl = np.broadcast_arrays(p, se, n, ddl)
    choix = np.full(p.shape, methode, dtype=object)
    if methode == "auto":
        choix[:] = "logit"
        choix[(p < RARE) | (p > 1 - RARE) | (n < PETIT)] = "korn-graubard"
    bas, haut = np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    for m in METHODES[1:]:
        ici = choix == m
        if ici.any():
            bas[ici], haut[ici] = _INTERVALLES[m](p[ici], se[ici], n[ici], np.maximum(ddl[ici], 1), niveau)
    certain = (se == 0) & (p > 0) & (p < 1)
    return np.where(certain, p, bas), np.where(certain, p, haut)


def mean_interval(valeur: Any, erreur_type: Any, ddl: Any, niveau: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Student interval of means and totals."""
    demi = stats.t.ppf((1 + niveau) / 2, np.maximum(ddl, 1)) * np.asarray(erreur_type, dtype=float)
    return np.asarray(valeur, dtype=float) - demi, np.asarray(valeur, dtype=float) + demi


def effective_n(p: Any, erreur_type: Any, n: Any) -> np.ndarray:
    """p(1−p)/se²: size of the simple random sample that would be as precise, at most n; n at 0, at 1 and without variance."""
    p, se, n = (np.asarray(a, dtype=float) for a in (p, erreur_type, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        taille = np.where((se > 0) & (p > 0) & (p < 1), p * (1 - p) / se**2, n)
    return np.minimum(taille, n)


def reliability(demi_largeur: Any, effectif: Any, *, seuils: Mapping[str, float] | None = None) -> np.ndarray:
    """ "" reliable, "u" of low reliability, "ns" not to be shown, from the half-width (points) and the effective number of
    respondents. Defaults: u beyond 10 points or under 30; ns beyond 20 points or under 10. Says nothing of secrecy."""
    s = {**FIABILITE, **(seuils or {})}
    demi, n = np.asarray(demi_largeur, dtype=float), np.asarray(effectif, dtype=float)
    out = np.where((demi > s["demi_largeur_u"]) | (n < s["effectif_u"]), "u", "").astype(object)
    out[(demi > s["demi_largeur_ns"]) | (n < s["effectif_ns"])] = "ns"
    return out


def _student(ddl: np.ndarray, niveau: float) -> np.ndarray:
    t: np.ndarray = stats.t.ppf((1 + niveau) / 2, ddl)
    return t


def _logit(p: np.ndarray, se: np.ndarray, n: np.ndarray, ddl: np.ndarray, niveau: float) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, demi = np.log(p / (1 - p)), _student(ddl, niveau) * se / (p * (1 - p))
    return 1 / (1 + np.exp(-(centre - demi))), 1 / (1 + np.exp(-(centre + demi)))


def _sizes(p: np.ndarray, se: np.ndarray, n: np.ndarray, ddl: np.ndarray, niveau: float) -> np.ndarray:
    """n*: effective number of respondents, adjusted for the degrees of freedom."""
    correction = (_student(np.maximum(n - 1, 1), niveau) / _student(ddl, niveau)) ** 2
    brut = effective_n(p, se, np.inf)
    taille: np.ndarray = np.where(np.isinf(brut), n, brut) * correction
    return taille


def _beta(p: np.ndarray, taille: np.ndarray, niveau: float) -> Any:
    x, alpha = taille * p, (1 - niveau) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        bas = np.where(x > 0, stats.beta.ppf(alpha, x, taille - x + 1), 0.0)
        haut = np.where(taille - x > 0, stats.beta.ppf(1 - alpha, x + 1, taille - x), 1.0)
    return bas, haut


def _wilson(p: np.ndarray, se: np.ndarray, n: np.ndarray, ddl: np.ndarray, niveau: float) -> Any:
    taille, t = effective_n(p, se, n), _student(ddl, niveau)
    centre = (p + t**2 / (2 * taille)) / (1 + t**2 / taille)
    demi = t / (1 + t**2 / taille) * np.sqrt(p * (1 - p) / taille + t**2 / (4 * taille**2))
    return np.maximum(centre - demi, 0.0), np.minimum(centre + demi, 1.0)


_INTERVALLES: Mapping[str, Any] = {
    "logit": _logit,
    "beta": lambda p, se, n, ddl, niveau: _beta(p, _sizes(p, se, n, ddl, niveau), niveau),
    "korn-graubard": lambda p, se, n, ddl, niveau: _beta(
        p,
        np.where((p > 0) & (p < 1), np.minimum(_sizes(p, se, n, ddl, niveau), n), _sizes(p, se, n, ddl, niveau)),
        niveau,
    ),
    "wilson": _wilson,
}
