"""What a reader knows before opening the release: each equation bounds its terms by what the others leave."""

from __future__ import annotations

import numpy as np
from scipy import sparse

TOURS = 30


def before_release(
    matrice: sparse.csr_array, constantes: np.ndarray, connue: np.ndarray, vraie: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(lowest, highest) value of every count when only the `connue` ones are known; counts are not negative."""
    bas, haut = np.where(connue, vraie, 0.0), np.where(connue, vraie, np.inf)
    coo = matrice.tocoo()
    ligne, cellule, signe = coo.row, coo.col, coo.data
    n = matrice.shape[0]
    for _ in range(TOURS):
        petit = np.where(signe > 0, bas[cellule], -haut[cellule])
        grand = np.where(signe > 0, haut[cellule], -bas[cellule])
        sans_fin_bas, sans_fin_haut = np.isinf(petit), np.isinf(grand)
        sommes = [
            np.bincount(ligne, np.where(i, 0.0, x), n)[ligne]
            for x, i in ((petit, sans_fin_bas), (grand, sans_fin_haut))
        ]
        nombre = [np.bincount(ligne, i, n)[ligne] for i in (sans_fin_bas, sans_fin_haut)]
        # the term lies between the constant less the most, and less the least, that the others make
        moins = np.where(
            nombre[1] - sans_fin_haut > 0, -np.inf, constantes[ligne] - sommes[1] + np.where(sans_fin_haut, 0.0, grand)
        )
        plus = np.where(
            nombre[0] - sans_fin_bas > 0, np.inf, constantes[ligne] - sommes[0] + np.where(sans_fin_bas, 0.0, petit)
        )
        nouveau_bas, nouveau_haut = bas.copy(), haut.copy()
        np.maximum.at(nouveau_bas, cellule, np.where(signe > 0, moins, -plus))
        np.minimum.at(nouveau_haut, cellule, np.where(signe > 0, plus, -moins))
        if np.array_equal(nouveau_bas, bas) and np.array_equal(nouveau_haut, haut):
            break
        bas, haut = nouveau_bas, nouveau_haut
    return bas, haut
