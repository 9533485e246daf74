"""Estimates and their variance: stratified, with finite population correction, on the residuals of the calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse


@dataclass(frozen=True)
class Plan:
    """How the respondents were obtained, one row each.

    `poids`: final weights w; `poids_initiaux`: weights d before calibration; `strate`: stratum number; `effectifs`: number of
    respondents (or of clusters) of each stratum; `fractions`: f_h = r_h / N_h, 0 when N_h is unknown; `X`: calibration
    variables, or None; `grappe`: cluster number, or None; `regroupees`: strata that had a single respondent, and were joined
    with the next one in order.
    """

    poids: np.ndarray
    poids_initiaux: np.ndarray
    strate: np.ndarray
    effectifs: np.ndarray
    fractions: np.ndarray
    X: np.ndarray | None
    grappe: np.ndarray | None
    regroupees: tuple[str, ...]

    @property
    def ddl(self) -> int:
        """Degrees of freedom: respondents (or clusters) less strata."""
        return max(int(self.effectifs.sum()) - len(self.effectifs), 1)

    @cached_property
    def hat(self) -> np.ndarray | None:
        """(X'DX)⁺ X'D: the regression on the calibration variables, fitted with the initial weights."""
        if self.X is None:
            return None
        xd = self.X.T * self.poids_initiaux
        return np.asarray(np.linalg.pinv(xd @ self.X, hermitian=True) @ xd)

    @cached_property
    def units(self) -> sparse.csr_array:
        """Rows → clusters (rows themselves without clusters), each times the weight."""
        n = len(self.poids)
        grappe = np.arange(n) if self.grappe is None else self.grappe
        return sparse.coo_array((self.poids, (grappe, np.arange(n)))).tocsr()

    @cached_property
    def unit_strata(self) -> np.ndarray:
        """Stratum of each cluster."""
        if self.grappe is None:
            return self.strate
        out = np.zeros(int(self.grappe.max()) + 1, dtype=int)
        out[self.grappe] = self.strate
        return out

    @cached_property
    def factors(self) -> np.ndarray:
        """(1−f_h) r_h/(r_h−1) of each stratum; 0 when everybody answered, or alone."""
        r = self.effectifs.astype(float)
        return np.clip(1 - self.fractions, 0, 1) * np.where(r > 1, r / np.maximum(r - 1, 1), 0.0)


@dataclass(frozen=True, slots=True)
class Estimation:
    """One estimate. `n`: respondents of the domain; `ddl`: degrees of freedom."""

    valeur: float
    erreur_type: float
    ddl: int
    n: int


def build_plan(
    poids: Any, strates: Any, *, tailles: Any = None, poids_initiaux: Any = None, X: Any = None, grappes: Any = None
) -> Plan:
    """`tailles`: population of each stratum (mapping, one value per row, or None: no finite population correction); with
    `grappes`, the number of clusters. A stratum with one respondent joins the next one, in sorted order (the last joins
    the one before), unless everybody of it answered."""
    w = np.asarray(poids, dtype=float)
    noms, strate = np.unique(np.asarray(strates).astype(str), return_inverse=True)
    if tailles is None:
        population = np.full(len(noms), np.inf)
    elif isinstance(tailles, Mapping):
        table = {str(k): float(v) for k, v in dict(tailles).items()}
        population = np.array([table[h] for h in noms])
    else:
        population = np.zeros(len(noms))
        population[strate] = np.broadcast_to(np.asarray(tailles, dtype=float), strate.shape)
    grappe = None if grappes is None else np.unique(np.asarray(grappes).astype(str), return_inverse=True)[1]

    def counts(s: np.ndarray, h: int) -> np.ndarray:
        if grappe is None:
            return np.bincount(s, minlength=h)
        premiere = np.unique(grappe, return_index=True)[1]
        return np.bincount(s[premiere], minlength=h)

    r = counts(strate, len(noms))
    seules = [h for h in range(len(noms)) if r[h] == 1 and population[h] > 1]
    vers = np.arange(len(noms))
    for h in seules:
        voisine = h + 1 if h + 1 < len(noms) else h - 1
        if voisine >= 0:
            vers[vers == vers[h]] = vers[voisine]
    gardees, rang = np.unique(vers, return_inverse=True)
    population = np.bincount(rang, np.where(np.isinf(population), 0, population), minlength=len(gardees)) + (
        np.inf if tailles is None else 0
    )
    strate = rang[strate]
    r = counts(strate, len(gardees))
    d = w if poids_initiaux is None else np.asarray(poids_initiaux, dtype=float)
    x = None if X is None else np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=float)
    return Plan(w, d, strate, r, r / population, x, grappe, tuple(str(noms[h]) for h in seules))


def residuals(plan: Plan, z: np.ndarray) -> np.ndarray:
    """z less its regression on the calibration variables (z itself without calibration); respondents × figures."""
    return z if plan.X is None or plan.hat is None else z - plan.X @ (plan.hat @ z)


def variances(plan: Plan, z: Any) -> np.ndarray:
    """Variance of the total of each linearised column of z (respondents × figures, dense or sparse).

    V = Σ_h (1−r_h/N_h) · r_h/(r_h−1) · Σ_k (w_k e_k − mean_h)², e = residual of z on the calibration variables fitted with
    the initial weights (Deville and Särndal 1992; R survey 4.5). Rows outside a domain are zeros: every stratum stays.
    Expanded as (z−XB)'Q(z−XB), so that no dense respondents × figures matrix is made.
    """
    z = sparse.csc_array(z) if not sparse.issparse(z) else z.tocsc()
    u = (plan.units @ z).tocsc()
    h, facteurs = plan.unit_strata, plan.factors
    strates = sparse.coo_array((np.ones(len(h)), (h, np.arange(len(h)))), shape=(len(facteurs), len(h))).tocsr()
    racine = np.sqrt(facteurs[h])
    carre = (u.multiply(racine[:, None])).power(2).sum(axis=0)
    sommes = (strates @ u).toarray()
    poids_strate = facteurs / np.maximum(plan.effectifs, 1)
    v = np.asarray(carre).ravel() - (poids_strate[:, None] * sommes**2).sum(axis=0)
    if plan.X is not None and plan.hat is not None:
        b = np.asarray((sparse.csc_array(z).T @ plan.hat.T).T)  # margins × figures
        ux = plan.units @ plan.X
        q_ux = facteurs[h][:, None] * ux - (poids_strate[:, None] * (strates @ ux))[h]
        croise = np.asarray((u.T @ q_ux).T)
        v = v - 2 * (b * croise).sum(axis=0) + (b * ((ux.T @ q_ux) @ b)).sum(axis=0)
    positives: np.ndarray = np.maximum(v, 0.0)
    return positives


def stratified_total(valeurs: Any, poids: Any, strates: Any = None, *, domaine: Any = None, **plan: Any) -> Estimation:
    """Σ w y over the domain. Other arguments: as build_plan; without `strates`, one stratum."""
    p, y, dans = _design(valeurs, poids, strates, domaine, plan)
    return _estimate(p, float(np.sum(p.poids * y * dans)), y * dans, dans)


def stratified_mean(valeurs: Any, poids: Any, strates: Any = None, *, domaine: Any = None, **plan: Any) -> Estimation:
    """Σ w y / Σ w over the domain (boolean, one per row), linearised as (y − mean) / Σ w. Other arguments: as build_plan."""
    p, y, dans = _design(valeurs, poids, strates, domaine, plan)
    total = float(np.sum(p.poids * dans))
    moyenne = float(np.sum(p.poids * y * dans)) / total
    return _estimate(p, moyenne, (y - moyenne) * dans / total, dans)


def ratio(numerateur: Any, denominateur: Any, poids: Any, strates: Any = None, *, domaine: Any = None, **plan: Any) -> Estimation:  # fmt: skip
    """Σ w y / Σ w x over the domain, linearised as (y − R x) / Σ w x."""
    p, y, dans = _design(numerateur, poids, strates, domaine, plan)
    x = np.asarray(denominateur, dtype=float)
    total = float(np.sum(p.poids * x * dans))
    rapport = float(np.sum(p.poids * y * dans)) / total
    return _estimate(p, rapport, (y - rapport * x) * dans / total, dans)


def ratio_total(numerateur: Any, denominateur: Any, total: float, poids: Any, strates: Any = None, **plan: Any) -> Estimation:  # fmt: skip
    """Ratio estimator of a total: `total` of the denominator, known, times the ratio."""
    r = ratio(numerateur, denominateur, poids, strates, **plan)
    return Estimation(r.valeur * total, r.erreur_type * total, r.ddl, r.n)


def _design(valeurs: Any, poids: Any, strates: Any, domaine: Any, plan: Any) -> tuple[Plan, np.ndarray, np.ndarray]:
    y = np.asarray(pd.Series(valeurs), dtype=float)
    p = build_plan(poids, np.zeros(len(y)) if strates is None else strates, **plan)
    return p, y, np.ones(len(y)) if domaine is None else np.asarray(domaine, dtype=bool).astype(float)


def _estimate(p: Plan, valeur: float, z: np.ndarray, dans: np.ndarray) -> Estimation:
    return Estimation(valeur, float(np.sqrt(variances(p, z[:, None])[0])), p.ddl, int(dans.sum()))
