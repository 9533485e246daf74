"""Where rows fall: a placement puts each row of a grain in the cells of a grid, with the weight it has there.

A row counts once in a cell. A respondent that answered for several sites has one line per cell where it has sites, with
the weight of those sites: expanded explicitly, and counted once wherever cells are summed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Paires = tuple[np.ndarray, np.ndarray]  # (row position, modality index), sorted by position, without duplicates


@dataclass(frozen=True, slots=True)
class Placement:
    """One line: one row of the grain in one cell. Sorted by `lignes`; `poids`: what the row weighs in that cell."""

    lignes: np.ndarray
    cellules: np.ndarray
    poids: np.ndarray


@dataclass(frozen=True, slots=True)
class Lignes:
    """One line: one row of the grain at one place of the grid. `plat`: cell × dimension, flat; `source`: index in what was
    placed; `repondants`: the respondent it belongs to."""

    lignes: np.ndarray
    plat: np.ndarray
    source: np.ndarray
    poids: np.ndarray
    repondants: np.ndarray


@dataclass(frozen=True, slots=True)
class Grille:
    """A grid of `cellules` × `dimensions`. `dimension`: (row, modality) pairs, or None when there is no dimension."""

    placement: Placement
    cellules: int
    dimension: Paires | None
    dimensions: int
    repondants: np.ndarray
    tailles: np.ndarray | None = None  # an indicator may weigh each row by a size of its own

    @property
    def taille(self) -> int:
        return self.cellules * self.dimensions

    def place(self, pos: np.ndarray) -> Lignes:
        """The rows at `pos` (sorted, repeated ones stay apart) wherever they fall; those outside the grid are left out."""
        i, j = join(pos, self.placement.lignes)
        lignes, plat, poids = pos[i], self.placement.cellules[j], self.placement.poids[j]
        if self.dimension is not None:
            k, d = join(lignes, self.dimension[0])
            lignes, i, poids = lignes[k], i[k], poids[k]
            plat = plat[k] * self.dimensions + self.dimension[1][d]
        if self.tailles is not None:
            poids = poids * self.tailles[lignes]
        return Lignes(lignes, plat, i, poids, self.repondants[lignes])


@dataclass(frozen=True, slots=True)
class Parts:
    """One line: one respondent at one place of the grid. `somme`: what it brings, not weighted."""

    plat: np.ndarray
    repondants: np.ndarray
    somme: np.ndarray


def by_respondent(plat: np.ndarray, repondants: np.ndarray, valeurs: np.ndarray | None = None) -> Parts:
    """Contributions summed by place and respondent, sorted; without `valeurs`, each line counts 1."""
    largeur = int(repondants.max(initial=0)) + 1
    cles, rang = np.unique(plat.astype(np.int64) * largeur + repondants, return_inverse=True)
    somme = np.bincount(rang, valeurs, minlength=len(cles)).astype(float)
    return Parts(cles // largeur, cles % largeur, somme)


def join(pos: np.ndarray, lignes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index in `pos`, index in `lignes`) of each match; `lignes` is sorted, a value of `pos` may match several of them."""
    debut, fin = np.searchsorted(lignes, pos, "left"), np.searchsorted(lignes, pos, "right")
    fois = fin - debut
    rang = np.arange(int(fois.sum())) - np.repeat(np.cumsum(fois) - fois, fois)
    return np.repeat(np.arange(len(pos)), fois), np.repeat(debut, fois) + rang
