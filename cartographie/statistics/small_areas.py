"""Small areas: what a model says of the places where the direct estimate is not reliable (Fay and Herriot 1979)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

METHODES = ("reml", "ml", "moments")
PRECISION, TOURS = 1e-10, 200


class AireImpossible(ValueError):
    """The model cannot be fitted: fewer areas than it has coefficients, or covariates that say the same thing."""


@dataclass(frozen=True, slots=True)
class Ajustement:
    """y_d = x_d'β + v_d + e_d, V(v_d) = `variance`, V(e_d) known. One entry of `estimation` (EBLUP), `eqm` (its mean squared
    error) and `poids` (γ_d, the weight of the direct estimate) an area. `covariance`: of the coefficients."""

    methode: str
    variance: float
    coefficients: np.ndarray
    covariance: np.ndarray
    estimation: np.ndarray
    eqm: np.ndarray
    poids: np.ndarray
    log_vraisemblance: float

    @property
    def aic(self) -> float:
        return 2 * (len(self.coefficients) + 1) - 2 * self.log_vraisemblance

    @property
    def bic(self) -> float:
        return float(np.log(len(self.estimation))) * (len(self.coefficients) + 1) - 2 * self.log_vraisemblance


def fay_herriot(direct: ArrayLike, variances: ArrayLike, X: ArrayLike, *, methode: str = "reml") -> Ajustement:
    """`direct`, `variances` (known, above 0): one an area; `X`: areas × covariates, the constant included.

    reml, ml: Fisher scoring; moments: Fay and Herriot's equation. An estimated variance below 0 is 0. MSE corrected to the second
    order (Prasad and Rao 1990; Datta and Lahiri 2000; Datta, Rao and Smith 2005). Raises AireImpossible; ValueError on another method.
    """
    if methode not in METHODES:
        raise ValueError(f"méthode inconnue : « {methode} » ; choisissez parmi {', '.join(METHODES)}.")
    y, psi, x = np.asarray(direct, dtype=float), np.asarray(variances, dtype=float), np.asarray(X, dtype=float)
    m, p = x.shape
    if m <= p or np.linalg.matrix_rank(x) < p:
        raise AireImpossible(f"{m} aires ne suffisent pas à {p} covariables indépendantes.")
    if not (psi > 0).all():
        raise AireImpossible("une variance est nulle : l'estimation directe se passe de modèle.")
    a = _variance(y, psi, x, methode)
    v = 1 / (a + psi)
    q = np.linalg.inv((x.T * v) @ x)
    beta = q @ (x.T * v) @ y
    ecart = y - x @ beta
    gamma = a * v
    return Ajustement(
        methode, a, beta, q, x @ beta + gamma * ecart, _mse(a, psi, x, q, methode), gamma,
        float(-0.5 * (m * np.log(2 * np.pi) - np.log(v).sum() + (v * ecart**2).sum())),
    )  # fmt: skip


def _variance(y: np.ndarray, psi: np.ndarray, x: np.ndarray, methode: str) -> float:
    """Variance of the area effect. Steps are halved when they would leave what is possible."""
    m, p = x.shape
    a = float(np.median(psi))
    for _ in range(TOURS):
        v = 1 / (a + psi)
        q = np.linalg.inv((x.T * v) @ x)
        ecart = y - x @ (q @ (x.T * v) @ y)
        py = v * ecart
        if methode == "moments":
            score, information = float((v * ecart**2).sum() - (m - p)), float(v.sum())
        elif methode == "ml":
            score, information = float(0.5 * ((py**2).sum() - v.sum())), float(0.5 * (v**2).sum())
        else:
            u = (v[:, None] * x) @ q  # V⁻¹ X Q
            trace = v.sum() - float(np.einsum("ij,ij->", u, v[:, None] * x))
            projection = np.diag(v) - u @ (x.T * v)
            score, information = float(0.5 * ((py**2).sum() - trace)), float(0.5 * (projection**2).sum())
        suivant = a + score / information
        if suivant <= 0:
            if a == 0:
                return 0.0
            suivant = 0.0 if a < PRECISION * float(np.median(psi)) else a / 2
        if abs(suivant - a) <= PRECISION * max(a, PRECISION):
            return suivant
        a = suivant
    return a


def _mse(a: float, psi: np.ndarray, x: np.ndarray, q: np.ndarray, methode: str) -> np.ndarray:
    """g1 + g2 + 2 g3, less what the bias of the variance's estimate brings (none to this order by REML)."""
    v = 1 / (a + psi)
    b = psi * v
    m, somme, carres = len(psi), v.sum(), (v**2).sum()
    g1, g2 = a * b, b**2 * np.einsum("ij,jk,ik->i", x, q, x)
    var = 2 * m / somme**2 if methode == "moments" else 2 / carres
    biais = 0.0
    if methode == "ml":
        biais = -float(np.trace(q @ ((x.T * v**2) @ x))) / carres
    elif methode == "moments":
        biais = 2 * (m * carres - somme**2) / somme**3
    mse: np.ndarray = g1 + g2 + 2 * b**2 * v * var - b**2 * biais
    return mse


def synthetic(a: Ajustement, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(estimate, MSE) of areas the model was not fitted on: x'β, off by the area effect and by what β is."""
    x = np.asarray(X, dtype=float)
    return x @ a.coefficients, a.variance + np.einsum("ij,jk,ik->i", x, a.covariance, x)


def cautious(a: Ajustement, variances: ArrayLike, X: ArrayLike) -> Ajustement:
    """The same fit with the variance of the area effect one standard error higher (2/Σ v², Datta and Lahiri 2000), for the intervals of
    areas the model was not fitted on: with few areas it is often estimated nil, and they would hold the truth 85 times in a hundred."""
    x, psi = np.asarray(X, dtype=float), np.asarray(variances, dtype=float)
    haute = a.variance + float(np.sqrt(2 / ((1 / (a.variance + psi)) ** 2).sum()))
    return replace(a, variance=haute, covariance=np.linalg.inv((x.T / (haute + psi)) @ x))


# ---- shares: on the arcsine scale, where the variance of a share does not depend on it


def to_arcsine(part: ArrayLike, effectif: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(asin √p, 1/(4 n*)) of shares p (0–1) on effective sizes n*: what the model is fitted on."""
    return np.arcsin(np.sqrt(np.clip(np.asarray(part, dtype=float), 0, 1))), 1 / (4 * np.asarray(effectif, dtype=float))


def from_arcsine(theta: ArrayLike, eqm: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(share, its MSE): mean of sin²(θ + e), e normal of variance `eqm`, (1 − e^(−2s²) cos 2θ)/2, and its variance, both exact, so that
    going back adds no bias (Hadam, Würz and Kreutzmann 2020)."""
    t, s = np.asarray(theta, dtype=float), np.asarray(eqm, dtype=float)
    c2, c4 = np.exp(-2 * s) * np.cos(2 * t), np.exp(-8 * s) * np.cos(4 * t)
    return (1 - c2) / 2, np.maximum((1 + c4) / 8 - c2**2 / 4, 0.0)


def arcsine_interval(theta: ArrayLike, eqm: ArrayLike, quantile: float = 1.959964) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the share: of θ, clipped to what a share may be, then squared sines."""
    t, demi = np.asarray(theta, dtype=float), quantile * np.sqrt(np.asarray(eqm, dtype=float))
    bas, haut = (np.sin(np.clip(x, 0, np.pi / 2)) ** 2 for x in (t - demi, t + demi))
    return bas, haut


def benchmark(estimations: ArrayLike, tailles: ArrayLike, total: float, *, fixes: ArrayLike) -> np.ndarray:
    """Shares (0–1) of areas of known sizes, those not `fixes` moved together on the log-odds scale so that Σ size × share is
    `total`: never out of [0, 1]. As given when the fixed ones leave no room."""
    p, n, garde = np.asarray(estimations, dtype=float), np.asarray(tailles, dtype=float), np.asarray(fixes, dtype=bool)
    libre = ~garde & (n > 0) & (p > 0) & (p < 1)
    reste = total - float((n * p)[~libre].sum())
    if not libre.any() or not 0 < reste < float(n[libre].sum()):
        return p
    logit = np.log(p[libre] / (1 - p[libre]))
    bas, haut = -40.0, 40.0
    for _ in range(100):  # increasing in the shift: halved until doubles say the same
        milieu = (bas + haut) / 2
        if float((n[libre] / (1 + np.exp(-(logit + milieu)))).sum()) < reste:
            bas = milieu
        else:
            haut = milieu
    out = p.copy()
    out[libre] = 1 / (1 + np.exp(-(logit + (bas + haut) / 2)))
    return out
