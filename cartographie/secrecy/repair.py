"""Intervals left to hidden cells, by linear programs on deviations from the true table; what to hide when one is too narrow.

Kelly, Golden and Assad (1992): for a cell and a side, the cheapest set of cells that lets it move that far. A solution is a
table nobody can rule out, so it proves every cell it moves: few programs prove thousands of cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

PRECISION = 1e-6
TOURS = 12
PEU = 25  # so few cells are each moved apart, among their neighbours
SAUTS = 2
Morceau = tuple[np.ndarray, sparse.csr_array]  # cells bound together, and the equations that bind them


@dataclass
class Marges:
    """How far each cell may be believed to be from its true value (deviations: lows are negative or nought).

    `min_`, `max_`: allowed by what everybody knows; `dessous`, `dessus`, `largeur`: wanted; `bas`, `haut`: seen so far, in the
    tables nobody can rule out (`temoins`: cells that move, and by how much); `travail`: what the programs have cost, in cells."""

    matrice: sparse.csr_array
    min_: np.ndarray
    max_: np.ndarray
    dessous: np.ndarray
    dessus: np.ndarray
    largeur: np.ndarray
    bas: np.ndarray = field(init=False)
    haut: np.ndarray = field(init=False)
    temoins: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    travail: int = 0

    def __post_init__(self) -> None:
        self.bas, self.haut = np.zeros(len(self.min_)), np.zeros(len(self.min_))
        self._transposee = self.matrice.T.tocsr()

    def proven(self) -> np.ndarray:
        """One boolean per cell: its interval is known to be wide enough."""
        large: np.ndarray = self.haut - self.bas >= self.largeur - PRECISION
        return large & (self.bas <= PRECISION - self.dessous) & (self.haut >= self.dessus - PRECISION)

    def prove(self, cachees: np.ndarray, cibles: np.ndarray, tous: bool = True) -> np.ndarray:
        """Those of `cibles` whose interval is too narrow when `cachees` are hidden: their `bas` and `haut` are then exact. The first
        found is enough unless `tous` are wanted."""
        for morceau in self._pieces(cachees, cibles & ~self.proven()):
            if (cibles & ~self.proven())[morceau[0]].sum() > PEU:
                self._many(morceau, cibles)
            for p in morceau[0][(cibles & ~self.proven())[morceau[0]]]:
                for ici in (self._around(morceau, p), morceau):  # what moves among its neighbours moves
                    for sens in (1.0, -1.0):
                        if not self.proven()[p]:
                            self._note(ici[0], self._furthest(ici, p, sens))
                if not tous and not self.proven()[p]:
                    return np.array([p])
        return np.flatnonzero(cibles & ~self.proven())

    def without(self, c: int) -> Marges:
        """The same when cell c is shown: the tables where it moves can be ruled out."""
        autres = replace(self)
        autres.temoins = [(ou, d) for ou, d in self.temoins if c not in ou]
        if autres.temoins:
            ou, d = (np.concatenate(x) for x in zip(*autres.temoins, strict=True))
            np.minimum.at(autres.bas, ou, d)
            np.maximum.at(autres.haut, ou, d)
        return autres

    def still(self, libres: np.ndarray, cibles: np.ndarray) -> np.ndarray:
        """Those of `cibles` that two programs did not move when only `libres` are unknown: one boolean per cell."""
        restent = cibles & libres
        for morceau in self._pieces(libres, restent, note=False):
            colonnes = morceau[0]
            for signe in (1.0, -1.0):
                ici = restent[colonnes]
                bornes = self._allowed(colonnes)
                bornes[ici] = np.clip(bornes[ici], -1, 1)
                if ici.any():
                    restent[colonnes[np.abs(self._solve(morceau, np.where(ici, -signe, 0.0), bornes)) > PRECISION]] = (
                        False
                    )
        return restent & self._bound(libres)

    def witness(self, p: int, libres: np.ndarray) -> np.ndarray | None:
        """The fewest cells that move together so that one cell does; None if it cannot when only `libres` are unknown."""
        for sens in (1.0, -1.0):
            trouve = self._cheapest(p, sens, 0.5, libres, np.where(libres & (np.arange(len(libres)) != p), 1.0, 0.0))
            if trouve is not None:
                return trouve[0][np.abs(trouve[1]) > PRECISION]
        return None

    def _around(self, morceau: Morceau, p: int) -> Morceau:
        """The part of a piece that is a few equations away from one of its cells: the others do not move."""
        colonnes, bloc = morceau
        libres = np.zeros(len(self.min_), dtype=bool)
        libres[colonnes] = True
        ici = np.flatnonzero(self.near(p, libres)[colonnes])
        voisins = bloc[:, ici]
        return colonnes[ici], voisins[np.flatnonzero(np.diff(voisins.indptr))]

    def near(self, p: int, libres: np.ndarray) -> np.ndarray:
        """Unknown cells a few equations away from one cell: if it can move among them, it can move."""
        ici = np.zeros(len(libres), dtype=bool)
        ici[p] = True
        for _ in range(SAUTS):
            lignes = np.unique(self._transposee.indices[_spans(self._transposee.indptr, np.flatnonzero(ici))])
            ici[self.matrice.indices[_spans(self.matrice.indptr, lignes)]] = True
        return ici & libres

    def reach(self, p: int, sens: float, libres: np.ndarray) -> float:
        """How far one cell may be believed to be, upwards (1) or downwards (-1), when `libres` are unknown."""
        seule = np.zeros(len(libres), dtype=bool)
        seule[p] = True
        for morceau in self._pieces(libres, seule, note=False):
            d = self._furthest(morceau, p, sens)
            return float(abs(d[np.searchsorted(morceau[0], p)]))
        return float(abs(self._far(p)[1 if sens > 0 else 0]))

    def widen(self, p: int, sens: float, ampleur: float, cachees: np.ndarray, couts: np.ndarray) -> np.ndarray | None:
        """Cells to hide for cell p to move by `ampleur` upwards (`sens` 1) or downwards (-1), the cheapest; None if it cannot.

        `couts`: of each cell that may be hidden, infinite for those that may not."""
        trouve = self._cheapest(p, sens, ampleur, cachees | np.isfinite(couts), np.where(cachees, 0.0, couts))
        if trouve is None:
            return None
        self._note(*trouve)
        utiles: np.ndarray = trouve[0][(np.abs(trouve[1]) > PRECISION) & ~cachees[trouve[0]]]
        return utiles

    # ---- programs

    def _solve(self, morceau: Morceau, cout: np.ndarray, bornes: np.ndarray) -> np.ndarray:
        """The deviation of least cost; none at all is always possible, it is the true table."""
        r = linprog(cout, A_eq=morceau[1], b_eq=np.zeros(morceau[1].shape[0]), bounds=bornes, method="highs")
        self.travail += len(cout)
        if r.status != 0:
            raise RuntimeError(f"Le programme linéaire n'a pas abouti : {r.message}")
        return np.asarray(r.x)

    def _cheapest(
        self, p: int, sens: float, ampleur: float, libres: np.ndarray, prix: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """(cells, deviations) of the cheapest deviation where p moves that far; None if there is none."""
        seule = np.zeros(len(libres), dtype=bool)
        seule[p] = True
        for colonnes, bloc in self._pieces(libres, seule):
            payantes, k = np.flatnonzero(prix[colonnes] > 0), int(np.searchsorted(colonnes, p))
            bornes = self._allowed(colonnes)
            bornes[k] = np.clip([ampleur, np.inf] if sens > 0 else [-np.inf, -ampleur], *bornes[k])
            # what has a price is the difference of two columns, one for each way it moves
            moins = np.column_stack([np.maximum(-bornes[payantes, 1], 0.0), -bornes[payantes, 0]])
            bornes[payantes, 0] = np.maximum(bornes[payantes, 0], 0.0)
            r = linprog(
                np.concatenate([prix[colonnes], prix[colonnes][payantes]]),
                A_eq=sparse.hstack([bloc, -bloc[:, payantes]], format="csr"), b_eq=np.zeros(bloc.shape[0]),
                bounds=np.concatenate([bornes, np.maximum(moins, 0.0)]), method="highs",
            )  # fmt: skip
            self.travail += len(colonnes)
            if r.status != 0:
                return None
            d = r.x[: len(colonnes)].copy()
            d[payantes] -= r.x[len(colonnes) :]
            return (colonnes, d) if abs(d[k]) > PRECISION else None
        return (np.array([p]), np.array([sens * ampleur])) if not self._bound(libres)[p] else None

    def _furthest(self, morceau: Morceau, p: int, sens: float) -> np.ndarray:
        cout, k, bornes = np.zeros(len(morceau[0])), np.searchsorted(morceau[0], p), self._allowed(morceau[0])
        cout[k], bornes[k] = -sens, self._far(p)
        return self._solve(morceau, cout, bornes)

    def _allowed(self, colonnes: np.ndarray) -> np.ndarray:
        return np.column_stack([self.min_[colonnes], self.max_[colonnes]])

    def _far(self, p: int) -> np.ndarray:
        """Bounds of one cell; where there are none, far enough is enough."""
        assez = 2 * (1 + self.largeur[p]) if np.isfinite(self.largeur[p]) else 1.0
        return np.clip([self.min_[p], self.max_[p]], -assez, assez)

    def _many(self, morceau: Morceau, cibles: np.ndarray) -> None:
        """Programs that each move as many unproven cells as they can, no further than is wanted."""
        c = morceau[0]
        for _ in range(TOURS):
            avant = int((cibles & ~self.proven())[c].sum())
            for signe in (1.0, -1.0):
                voulu = self.dessus[c] if signe > 0 else self.dessous[c]
                fait, autre = (self.haut[c], -self.bas[c]) if signe > 0 else (-self.bas[c], self.haut[c])
                voulu = np.maximum(voulu, self.largeur[c] - autre)
                ici = (cibles & ~self.proven())[c] & (fait < voulu - PRECISION)
                if ici.any():
                    bornes = self._allowed(c)
                    bornes[ici] = np.clip(bornes[ici], -voulu[ici, None], voulu[ici, None])
                    poids = np.where(ici, -signe / np.maximum(voulu, PRECISION), 0.0)
                    self._note(c, self._solve(morceau, poids, bornes))
            apres = int((cibles & ~self.proven())[c].sum())
            if not apres or apres == avant:
                return

    def _note(self, colonnes: np.ndarray, d: np.ndarray) -> None:
        bougent = np.abs(d) > PRECISION
        self.temoins.append((colonnes[bougent], d[bougent]))
        self.bas[colonnes] = np.minimum(self.bas[colonnes], d)
        self.haut[colonnes] = np.maximum(self.haut[colonnes], d)

    # ---- pieces

    def _bound(self, libres: np.ndarray) -> np.ndarray:
        """Unknown cells that some equation binds; the others are as wide as what everybody knows, which may be nothing."""
        bougent = self.max_ - self.min_ > PRECISION
        return libres & bougent & (np.bincount(self.matrice.indices, minlength=len(libres)) > 0)

    def _pieces(self, libres: np.ndarray, cibles: np.ndarray, note: bool = True) -> Iterator[Morceau]:
        """Each set of unknowns bound together that holds a target."""
        if not cibles.any():
            return
        if note:
            seules = np.flatnonzero(libres & ~self._bound(libres))
            self.bas[seules], self.haut[seules] = self.min_[seules], self.max_[seules]
        colonnes = np.flatnonzero(self._bound(libres))
        m = self.matrice[:, colonnes]
        m = m[np.flatnonzero(np.diff(m.indptr))]
        n = m.shape[0]
        _, marques = connected_components(sparse.block_array([[None, m], [m.T, None]], format="csr"), directed=False)
        des_lignes, des_cellules = marques[:n], marques[n:]
        for marque in np.unique(des_cellules[cibles[colonnes]]):
            dedans = np.flatnonzero(des_cellules == marque)
            yield colonnes[dedans], m[np.flatnonzero(des_lignes == marque)][:, dedans]


def _spans(debuts: np.ndarray, rangs: np.ndarray) -> np.ndarray:
    """Positions of the entries of several rows of a sparse matrix."""
    n = debuts[rangs + 1] - debuts[rangs]
    return np.repeat(debuts[rangs] - np.cumsum(n) + n, n) + np.arange(n.sum())
