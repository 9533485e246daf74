"""Change between two editions, with a variance that counts the respondents found in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse, stats

from cartographie.statistics.estimates import residuals, variances

if TYPE_CHECKING:
    from cartographie.statistics.estimates import Plan


def change_variance(avant: Plan, z_avant: Any, ids_avant: Any, apres: Plan, z_apres: Any, ids_apres: Any) -> np.ndarray:
    """Variance of (estimate after − estimate before), one per column: V1 + V2 − 2 Cov, never below 0.

    `z_*`: linearised values (respondents × figures); `ids_*`: identifiers of the respondents. The covariance comes from
    those answering both times: with u = w·e (weight × calibration residual) centred in its stratum,
    Cov = Σ_k √((1−f1)(1−f2)) · √(r1/(r1−1) · r2/(r2−1)) · u1_k·u2_k over the k found in both (Tam 1984; Berger 2004, the
    overlap being given). Independent samples: Cov = 0. The same respondents and answers twice: V = 0.
    """
    v1, v2 = variances(avant, z_avant), variances(apres, z_apres)
    rang = {i: k for k, i in enumerate(ids_avant)}
    paires = np.array([(rang[i], k) for k, i in enumerate(ids_apres) if i in rang], dtype=int).reshape(-1, 2)
    u1, u2 = _centred(avant, z_avant)[paires[:, 0]], _centred(apres, z_apres)[paires[:, 1]]
    return np.maximum(v1 + v2 - 2 * (u1 * u2).sum(axis=0), 0.0)


def change_interval(ecart: Any, erreur_type: Any, ddl: float, niveau: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Student interval of a difference, in the unit of `ecart`. Change is read from it, never from overlapping intervals."""
    demi = stats.t.ppf((1 + niveau) / 2, max(ddl, 1)) * np.asarray(erreur_type)
    return np.asarray(ecart) - demi, np.asarray(ecart) + demi


def constant_perimeter(cadre_avant: Any, cadre_apres: Any) -> tuple[np.ndarray, np.ndarray]:
    """Which rows of each frame are units (same identifier) found in both: the constant perimeter of a series."""
    communs = np.intersect1d(np.asarray(cadre_avant, dtype=str), np.asarray(cadre_apres, dtype=str))
    return np.isin(np.asarray(cadre_avant, dtype=str), communs), np.isin(np.asarray(cadre_apres, dtype=str), communs)


def _centred(plan: Plan, z: Any) -> np.ndarray:
    """u = w·e less its mean in the stratum, times √((1−f) r/(r−1)): its sum of squares is the variance."""
    dense = z.toarray() if sparse.issparse(z) else np.asarray(z, dtype=float)
    u: np.ndarray = plan.poids[:, None] * residuals(plan, dense)
    r = plan.effectifs.astype(float)
    moyenne = np.zeros((len(r), u.shape[1]))
    np.add.at(moyenne, plan.strate, u)
    u = u - (moyenne / np.maximum(r, 1)[:, None])[plan.strate]
    f = plan.fractions
    facteur = np.sqrt(np.clip(1 - f, 0, 1) * np.where(r > 1, r / np.maximum(r - 1, 1), 0.0))
    scaled: np.ndarray = u * facteur[plan.strate][:, None]
    return scaled
