"""What everybody knows of each cell before anything is published: intervals narrowed equation by equation."""

from __future__ import annotations

import numpy as np
from scipy import sparse

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
