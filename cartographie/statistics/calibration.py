"""Calibration of weights to known totals (Deville and Särndal, JASA 1992; Calmar, INSEE)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, sparse, special

Marges = Mapping[str, Mapping[Any, float] | float]
METHODES = {"linear": "lineaire", "truncated": "tronquee"}  # other names
ECART_ADMIS = 1e-6  # relative: below it, a margin missed by a linear program is met


class CalageImpossible(ValueError):
    """The margins cannot be met. `marges`: one row per margin missed: marge, voulu, atteint."""

    def __init__(self, message: str, marges: pd.DataFrame) -> None:
        super().__init__(message)
        self.marges = marges


@dataclass(frozen=True, slots=True)
class Calage:
    """Calibrated weights, one per unit. `rapport`: g = weight / initial weight; `diagnostic`: see weight_diagnostics."""

    poids: np.ndarray
    rapport: np.ndarray
    iterations: int
    methode: str
    diagnostic: Mapping[str, float]


def calibrate(
    donnees: pd.DataFrame,
    poids: Any,
    marges: Marges,
    *,
    methode: str = "logit",
    bornes: tuple[float, float] | None = (0.4, 2.5),
    echelle: Any = None,
    tolerance: float = 1e-10,
    iterations: int = 100,
) -> Calage:
    """Weights w = d·F(q x'λ) such that Σ w x = T, by Newton's method with step halving.

    `donnees`: one row per unit; `marges`: {categorical column: {modality: total}} or {numeric column: total} (a constant
    column gives the number of units). `methode`: lineaire F(u) = 1+u; raking e^u; logit
    [L(U−1)+U(1−L)e^{Au}] / [(U−1)+(1−L)e^{Au}], A = (U−L)/((1−L)(U−1)); tronquee clip(1+u, L, U), with `bornes` = (L, U) on
    the ratio w/d. `echelle`: q, 1 by default. `tolerance`: max |Σwx−T| / max(1, |T|).

    Raises CalageImpossible, never giving partial weights: margins that do not add up to the same number, a modality without
    respondent, bounds that a linear program shows too narrow (it names the margins), no convergence.
    """
    methode = METHODES.get(methode, methode)
    d = np.asarray(poids, dtype=float)
    x, noms, totaux = calibration_matrix(donnees, marges)
    q = np.ones(len(d)) if echelle is None else np.asarray(echelle, dtype=float)
    borne = bornes if methode in ("logit", "tronquee") else None
    if methode not in ("lineaire", "raking", "logit", "tronquee"):
        raise ValueError(f"méthode de calage inconnue : « {methode} ».")
    if borne is not None:
        _check_feasible(x, d, totaux, noms, borne)
    f, derivee = _distance(methode, borne)
    taille = np.maximum(1.0, np.abs(totaux))

    def gap(lam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w = d * f(q * (x @ lam))
        return w, totaux - x.T @ w

    lam = np.zeros(x.shape[1])
    w, ecart = gap(lam)
    for tour in range(iterations + 1):
        norme = float(np.max(np.abs(ecart) / taille))
        if norme < tolerance:
            return Calage(w, w / d, tour, methode, weight_diagnostics(w, d, borne))
        h = (x * (d * q * derivee(q * (x @ lam)))[:, None]).T @ x
        pas = np.linalg.lstsq(h, ecart, rcond=None)[0]
        for _ in range(30):
            essai, nouvel_ecart = gap(lam + pas)
            if np.all(np.isfinite(essai)) and np.max(np.abs(nouvel_ecart) / taille) < norme:
                break
            pas = pas / 2
        else:
            break
        lam, w, ecart = lam + pas, essai, nouvel_ecart
    raise _impossible("le calage ne converge pas", noms, totaux, totaux - ecart)


def calibration_matrix(donnees: pd.DataFrame, marges: Marges) -> tuple[np.ndarray, list[str], np.ndarray]:
    """(units × margins, name of each margin, its total). Raises CalageImpossible, see `calibrate`."""
    colonnes, noms, totaux, sommes = [], [], [], {}
    for variable, attendu in marges.items():
        if not isinstance(attendu, Mapping):
            colonnes.append(donnees[variable].to_numpy(dtype=float))
            noms.append(variable)
            totaux.append(float(attendu))
            continue
        sommes[variable] = sum(attendu.values())
        valeurs = donnees[variable].to_numpy(dtype=object)
        dehors = sorted({str(v) for v in valeurs} - {str(m) for m in attendu})
        if dehors:
            vide = pd.DataFrame({"marge": [f"{variable}={v}" for v in dehors], "voulu": np.nan, "atteint": np.nan})
            raise CalageImpossible(f"aucune marge pour {', '.join(vide['marge'])}", vide)
        for modalite, total in attendu.items():
            colonnes.append(np.array([str(v) == str(modalite) for v in valeurs], dtype=float))
            noms.append(f"{variable}={modalite}")
            totaux.append(float(total))
    if sommes and max(sommes.values()) - min(sommes.values()) > 1e-9 * max(1.0, *map(abs, sommes.values())):
        df = pd.DataFrame({"marge": list(sommes), "voulu": list(sommes.values()), "atteint": np.nan})
        detail = ", ".join(f"{v} : {n:g}" for v, n in sommes.items())
        raise CalageImpossible(f"les marges n'ont pas le même total ({detail})", df)
    x, t = np.column_stack(colonnes), np.array(totaux)
    vides = (t != 0) & ~x.any(axis=0)
    if vides.any():
        raise _impossible("aucun répondant", [n for n, v in zip(noms, vides, strict=True) if v], t[vides], 0 * t[vides])
    return x, noms, t


def weight_diagnostics(
    poids: np.ndarray, poids_initiaux: np.ndarray, bornes: tuple[float, float] | None = None
) -> dict[str, float]:
    """Distribution of the ratio g = w/d, Kish's design effect 1 + CV²(w) (Kish 1965), effective number of respondents
    n / effect, number and share of units at a bound, number of negative weights."""
    g = poids / poids_initiaux
    effet = 1 + float(np.var(poids) / np.mean(poids) ** 2)
    aux_bornes = 0 if bornes is None else int(np.sum((g < bornes[0] * 1.001) | (g > bornes[1] * 0.999)))
    quantiles = np.quantile(g, (0.05, 0.25, 0.5, 0.75, 0.95))
    return {
        "rapport_min": float(g.min()), "rapport_max": float(g.max()),
        **{f"rapport_q{q}": float(v) for q, v in zip((5, 25, 50, 75, 95), quantiles, strict=True)},
        "effet_kish": effet, "n_effectif": len(poids) / effet, "aux_bornes": aux_bornes,
        "aux_bornes_part": aux_bornes / len(poids), "negatifs": int(np.sum(poids < 0)),
    }  # fmt: skip


def _distance(
    methode: str, bornes: tuple[float, float] | None
) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """F and its derivative."""
    if methode == "lineaire":
        return (lambda u: 1 + u), np.ones_like
    if methode == "raking":
        return (lambda u: np.exp(np.minimum(u, 500))), (lambda u: np.exp(np.minimum(u, 500)))
    assert bornes is not None
    bas, haut = bornes
    if not 0 <= bas < 1 < haut:
        raise ValueError("les bornes du calage encadrent 1 : 0 ≤ L < 1 < U.")
    if methode == "tronquee":
        return (lambda u: np.clip(1 + u, bas, haut)), (lambda u: ((1 + u > bas) & (1 + u < haut)).astype(float))
    a = (haut - bas) / ((1 - bas) * (haut - 1))
    decalage = np.log(
        (haut - 1) / (1 - bas)
    )  # F = L + (U−L)·σ(A·u − decalage), the same function written without overflow

    def logit(u: np.ndarray) -> np.ndarray:
        value: np.ndarray = bas + (haut - bas) * special.expit(a * u - decalage)
        return value

    def slope(u: np.ndarray) -> np.ndarray:
        s = special.expit(a * u - decalage)
        value: np.ndarray = (haut - bas) * a * s * (1 - s)
        return value

    return logit, slope


def _check_feasible(
    x: np.ndarray, d: np.ndarray, totaux: np.ndarray, noms: list[str], bornes: tuple[float, float]
) -> None:
    """min Σ relative gaps s.t. L·d ≤ w ≤ U·d: positive when the bounds are too narrow, then the margins missed are named."""
    n, p = x.shape
    taille = np.maximum(1.0, np.abs(totaux))
    identite = sparse.diags_array(taille)
    a = sparse.hstack([sparse.csr_array(x.T), identite, -identite]).tocsr()
    cout = np.concatenate([np.zeros(n), np.ones(2 * p)])
    limites = [*((bornes[0] * k, bornes[1] * k) for k in d), *[(0, None)] * (2 * p)]
    r = optimize.linprog(cout, A_eq=a, b_eq=totaux, bounds=limites, method="highs")
    if r.status == 0 and r.fun > ECART_ADMIS:
        manque = r.x[n : n + p] - r.x[n + p :]
        trop = np.abs(manque) > ECART_ADMIS
        raise _impossible(
            f"avec des rapports de poids entre {bornes[0]:g} et {bornes[1]:g}",
            [m for m, t in zip(noms, trop, strict=True) if t], totaux[trop], (totaux - manque * taille)[trop],
        )  # fmt: skip


def _impossible(pourquoi: str, noms: list[str], voulu: np.ndarray, atteint: np.ndarray) -> CalageImpossible:
    df = pd.DataFrame({"marge": noms, "voulu": voulu, "atteint": atteint})
    pires = df.assign(e=(df["voulu"] - df["atteint"]).abs()).sort_values("e", ascending=False, kind="stable").head(5)
    detail = ", ".join(
        f"{m} : {v:g} voulu, {a:g} atteint" for m, v, a in pires[["marge", "voulu", "atteint"]].to_numpy()
    )
    return CalageImpossible(f"{pourquoi} ({detail})", df)
