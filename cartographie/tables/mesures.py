"""The measures: rows of one grain → exact figures on a whole grid of cells at once.

A grid has C territory/actor cells × D modalities of the dimension × M modalities of the indicator, flattened in that order.
Nothing is rounded or masked here, except that `arrondi` is the exact figure rounded once, half to even.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cartographie.tables.edition import Edition, Paires

PARTS = ("part", "repartition", "ratio")
QUANTILES = {"mediane": 0.5, "q1": 0.25, "q3": 0.75}
DECIMALES = {"pct": 1, "points": 1}


@dataclass(frozen=True, slots=True)
class Grille:
    """Where each row of the grain falls. `cellule`: -1 when outside; `dimension`: (row, modality) pairs, or None."""

    cellule: np.ndarray
    cellules: int
    dimension: Paires | None
    dimensions: int


@dataclass(frozen=True, slots=True)
class Resultat:
    """Flat arrays of length C × D × M. `dominante`: largest share one respondent has of a total (nan: not a total)."""

    n: np.ndarray
    n_pondere: np.ndarray
    exact: np.ndarray
    arrondi: np.ndarray
    dominante: np.ndarray


def measure(
    e: Edition, grain: str, champ: np.ndarray, indicateur: Mapping[str, Any], grille: Grille, modalites: Sequence[str]
) -> Resultat:
    """Figures of one indicator. `champ`: rows of the denominator; `modalites`: codes of a repartition (else empty)."""
    mesure, poids = indicateur["mesure"], e.poids(grain, indicateur.get("poids"))
    decimales = indicateur.get("decimales", DECIMALES.get(unite(indicateur), 2))
    repondants = e.repondants(grain)
    if mesure == "part":
        condition = indicateur["condition"]
        base = champ & e.connue(grain, condition)
        vraies = np.flatnonzero(base & e.vraie(grain, condition))
        return _rapport(base, (vraies, np.zeros(len(vraies), dtype=int)), 1, poids, repondants, grille, decimales)
    if mesure == "repartition":
        variable, si = indicateur["variable"], indicateur.get("si")
        enfant = isinstance(variable, str) and "." in variable
        base = champ & e.renseignee(grain, variable) & (np.True_ if enfant else e.vraie(grain, si))
        pos, m = e.paires(grain, variable, modalites, si if enfant else None)
        garde = base[pos]
        return _rapport(base, (pos[garde], m[garde]), len(modalites), poids, repondants, grille, decimales)
    if mesure == "nombre":
        base = champ & e.vraie(grain, indicateur.get("condition"))
        pos, plat = _place(np.flatnonzero(base), grille)
        n, w = _comptes(pos, plat, grille, poids, repondants)
        return Resultat(n, w, w, np.round(w, indicateur.get("decimales", 0)), np.full(len(w), np.nan))
    if mesure == "ratio":
        haut, bas = e.nombres(grain, indicateur["numerateur"]), e.nombres(grain, indicateur["denominateur"])
        pos, plat = _place(np.flatnonzero(champ & ~np.isnan(haut) & ~np.isnan(bas)), grille)
        n, w = _comptes(pos, plat, grille, poids, repondants)
        dominante = _dominante(plat, repondants[pos], poids[pos] * bas[pos], len(n))
        haut, bas = (np.bincount(plat, poids[pos] * v[pos], minlength=len(n)) for v in (haut, bas))
        return Resultat(n, w, _divise(100 * haut, bas), divise_arrondi(haut, bas, 100, decimales), dominante)
    return _numerique(e.nombres(grain, indicateur["valeur"]), champ, mesure, poids, repondants, grille, decimales)


def unite(indicateur: Mapping[str, Any]) -> str:
    """Unit of an indicator: as declared, else what its measure gives."""
    return str(indicateur.get("unite", "pct" if indicateur["mesure"] in PARTS else "nombre"))


def _rapport(
    base: np.ndarray, vraies: Paires, m: int, poids: np.ndarray, repondants: np.ndarray, g: Grille, decimales: int
) -> Resultat:
    """100 × weight of the true (row, modality) pairs over the weight of the base rows."""
    pos, plat = _place(np.flatnonzero(base), g)
    n, w = _comptes(pos, plat, g, poids, repondants)
    lignes, i, modalite = *_index(vraies[0], g), vraies[1]
    plat_vrai = lignes[1] * m + modalite[i]
    haut = np.bincount(plat_vrai, poids[lignes[0]], minlength=g.cellules * g.dimensions * m)
    n, w = np.repeat(n, m), np.repeat(w, m)
    return Resultat(n, w, _divise(100 * haut, w), divise_arrondi(haut, w, 100, decimales), np.full(len(w), np.nan))


def _numerique(
    valeurs: np.ndarray,
    champ: np.ndarray,
    mesure: str,
    poids: np.ndarray,
    repondants: np.ndarray,
    g: Grille,
    decimales: int,
) -> Resultat:
    """Sum, mean (weighted), quantiles and maximum (not weighted, linear interpolation) of the answered values."""
    pos, plat = _place(np.flatnonzero(champ & ~np.isnan(valeurs)), g)
    n, w = _comptes(pos, plat, g, poids, repondants)
    somme = np.bincount(plat, poids[pos] * valeurs[pos], minlength=len(n))
    dominante = np.full(len(n), np.nan)
    if mesure == "moyenne":
        return Resultat(n, w, _divise(somme, w), divise_arrondi(somme, w, 1, decimales), dominante)
    if mesure == "somme":
        exact = np.where(n > 0, somme, np.nan)
        dominante = _dominante(plat, repondants[pos], poids[pos] * valeurs[pos], len(n))
    else:
        groupes = pd.Series(valeurs[pos]).groupby(plat)
        s = groupes.max() if mesure == "maximum" else groupes.quantile(QUANTILES[mesure])
        exact = np.full(len(n), np.nan)
        exact[s.index.to_numpy(dtype=int)] = s.to_numpy()
    return Resultat(n, w, exact, np.round(exact, decimales), dominante)


def _index(pos: np.ndarray, g: Grille) -> tuple[Paires, np.ndarray]:
    """Rows placed on the grid: ((row, flat cell × dimension), index in `pos`); a row counts once per dimension modality."""
    i = np.flatnonzero(g.cellule[pos] >= 0)
    lignes = pos[i]
    if g.dimension is None:
        return (lignes, g.cellule[lignes]), i
    pos_d, d = g.dimension
    debut, fin = np.searchsorted(pos_d, lignes, "left"), np.searchsorted(pos_d, lignes, "right")
    fois = fin - debut
    rang = np.arange(int(fois.sum())) - np.repeat(np.cumsum(fois) - fois, fois)
    lignes, i = np.repeat(lignes, fois), np.repeat(i, fois)
    return (lignes, g.cellule[lignes] * g.dimensions + d[np.repeat(debut, fois) + rang]), i


def _place(pos: np.ndarray, g: Grille) -> Paires:
    return _index(pos, g)[0]


def _comptes(
    pos: np.ndarray, plat: np.ndarray, g: Grille, poids: np.ndarray, repondants: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(distinct respondents, sum of weights) of each cell × dimension."""
    taille = g.cellules * g.dimensions
    largeur = int(repondants.max()) + 1 if len(repondants) else 1
    uniques = np.unique(plat * largeur + repondants[pos])
    return np.bincount(uniques // largeur, minlength=taille), np.bincount(plat, poids[pos], minlength=taille)


def _dominante(plat: np.ndarray, repondants: np.ndarray, valeurs: np.ndarray, taille: int) -> np.ndarray:
    """Largest share (0-1) of each cell's total that one respondent brings."""
    out = np.full(taille, np.nan)
    if len(plat):
        par_repondant = pd.Series(np.abs(valeurs)).groupby([plat, repondants]).sum()
        groupes = par_repondant.groupby(level=0)
        parts = groupes.max() / groupes.sum()
        out[parts.index.to_numpy(dtype=int)] = parts.to_numpy()
    return out


def _divise(haut: np.ndarray, bas: np.ndarray) -> np.ndarray:
    quotient: np.ndarray = np.divide(haut, bas, out=np.full(len(bas), np.nan), where=bas > 0)
    return quotient


def divise_arrondi(haut: np.ndarray, bas: np.ndarray, echelle: int, decimales: int) -> np.ndarray:
    """`echelle` × haut / bas to `decimales`, half to even, nan where bas is 0. Integer counts are divided exactly.

    >>> divise_arrondi(np.array([1.0, 1.0]), np.array([16.0, 3.0]), 100, 1).tolist()
    [6.2, 33.3]
    """
    out = np.round(_divise(haut * echelle, bas), decimales)
    if not (np.all(haut == np.floor(haut)) and np.all(bas == np.floor(bas))) or haut.max(initial=0) > 1e12:
        return out
    dix = 10**decimales
    ok = bas > 0
    h, b = haut[ok].astype(np.int64) * echelle * dix, bas[ok].astype(np.int64)
    quotient, reste = h // b, h % b
    monte = (2 * reste > b) | ((2 * reste == b) & (quotient % 2 == 1))
    out[ok] = (quotient + monte) / dix
    return out
