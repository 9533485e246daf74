"""What adds up to what, and what everybody knows of each cell before anything is published."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy import sparse

# ---- what everybody knows of each cell before anything is published: intervals narrowed equation by equation

PRECISION = 1e-9
TOURS = 50


def known_intervals(
    matrice: sparse.csr_array, valeur: np.ndarray, fixe: np.ndarray, bas: np.ndarray, haut: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of each cell given M x = M valeur, bas <= x <= haut and the `fixe` cells, by propagation.

    >>> m = sparse.csr_array([[1.0, -1, -1]])
    >>> v, inconnue = np.array([3.0, 1, 2]), np.full(3, np.inf)
    >>> known_intervals(m, v, np.array([True, False, False]), np.zeros(3), inconnue)[1].tolist()
    [3.0, 3.0, 3.0]
    """
    bas, haut = np.where(fixe, valeur, np.minimum(bas, valeur)), np.where(fixe, valeur, np.maximum(haut, valeur))
    total = matrice @ valeur
    n = matrice.shape[0]
    lignes = np.repeat(np.arange(n), np.diff(matrice.indptr))
    colonnes, poids = matrice.indices, matrice.data
    for _ in range(TOURS):
        a, b = poids * bas[colonnes], poids * haut[colonnes]
        petit, grand = np.minimum(a, b), np.maximum(a, b)
        reste_haut, reste_bas = _others(grand, lignes, n), _others(petit, lignes, n)
        x, y = (total[lignes] - reste_haut) / poids, (total[lignes] - reste_bas) / poids
        nouveau_bas, nouveau_haut = bas.copy(), haut.copy()
        np.maximum.at(nouveau_bas, colonnes, np.minimum(x, y))
        np.minimum.at(nouveau_haut, colonnes, np.maximum(x, y))
        # the truth is always possible: rounding must not exclude it
        nouveau_bas, nouveau_haut = np.minimum(nouveau_bas, valeur), np.maximum(nouveau_haut, valeur)
        if (nouveau_bas <= bas + PRECISION).all() and (nouveau_haut >= haut - PRECISION).all():
            break
        bas, haut = nouveau_bas, nouveau_haut
    return bas, haut


def _others(valeurs: np.ndarray, lignes: np.ndarray, n: int) -> np.ndarray:
    """For each term, the sum of the other terms of its equation."""
    infinies = np.isinf(valeurs)
    finies = np.where(infinies, 0.0, valeurs)
    somme = np.bincount(lignes, finies, minlength=n)[lignes] - finies
    signe = np.sign(np.where(infinies, valeurs, 0.0))
    autres = np.bincount(lignes, infinies, minlength=n)[lignes] - infinies
    sens = np.bincount(lignes, signe, minlength=n)[lignes] - np.where(infinies, signe, 0.0)
    return np.where(autres > 0, np.copysign(np.inf, np.where(sens == 0, 1.0, sens)), somme)


# ---- what adds up to what, as a sparse matrix: one row an equation, one column a cell, M x = M (true values)

Lien = tuple[Hashable, Sequence[Hashable]]  # who is the sum of whom
Equations: TypeAlias = np.ndarray | sparse.sparray | Iterable[Lien]


def from_rows(equations: Sequence[Mapping[int, float]], n: int) -> sparse.csr_array:
    """Matrix of equations given as {rank of the cell: coefficient}."""
    lignes = [i for i, e in enumerate(equations) for _ in e]
    colonnes = [c for e in equations for c in e]
    valeurs = [float(v) for e in equations for v in e.values()]
    return sparse.coo_array((valeurs, (lignes, colonnes)), shape=(len(equations), n)).tocsr()


def as_matrix(equations: Equations, index: pd.Index) -> sparse.csr_array:
    """A matrix as given, or made from (total, parts) pairs of labels of `index`. ValueError if the width is not the right one."""
    if not sparse.issparse(equations) and not isinstance(equations, np.ndarray):
        rangs = {etiquette: i for i, etiquette in enumerate(index)}
        equations = from_rows(
            [{rangs[t]: 1.0, **dict.fromkeys((rangs[p] for p in parties), -1.0)} for t, parties in equations],
            len(index),
        )
    m = sparse.csr_array(equations)
    if m.shape[1] != len(index):
        raise ValueError(f"{m.shape[1]} colonnes dans les équations pour {len(index)} cellules")
    m.eliminate_zeros()
    return m
