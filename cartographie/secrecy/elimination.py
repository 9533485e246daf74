"""Which cells to keep hidden so that none of those to protect is an exact combination of visible ones: linear algebra, no bounds.

Gaussian elimination over the integers modulo a prime, rows kept sparse, as in Langsrud's GaussSuppression (2024): a visible
cell is tried in decreasing cost, and stays visible unless one to protect would then follow from the equations.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

PREMIER = 2**31 - 1
Ligne = dict[int, int]


@dataclass(frozen=True, slots=True)
class Perdues:
    """Cells told exactly whatever is hidden: to anybody, and (by cell) to which contributors."""

    tous: frozenset[int] = frozenset()
    initiees: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def lost(self, cellule: int, contributeur: int | None = None) -> bool:
        return cellule in self.tous or (contributeur is not None and contributeur in self.initiees.get(cellule, ()))


def hide_by_elimination(
    matrice: sparse.csr_array, cachees: np.ndarray, proteger: np.ndarray, candidates: Sequence[int],
    contributeurs: Sequence[Sequence[int]] = (),
) -> tuple[list[int], Perdues]:  # fmt: skip
    """Cells to hide among `candidates` (in increasing cost), and those of `proteger` that nothing can protect.

    `cachees`: hidden whatever happens (boolean by column, those to protect included); other columns are known constants.
    `contributeurs`: sets of cells that one respondent knows; what it should not then be able to tell is the others.
    """
    presentes = cachees.copy()
    presentes[list(candidates)] = True
    lignes = _Lignes(matrice, presentes)
    lignes.drop_free(np.flatnonzero(cachees & ~proteger))
    pivots = []
    for c in candidates:  # the cheapest absorb the unknown: what remains visible costs more
        r = lignes.pick(c)
        if r is not None:
            pivots.append((c, lignes.eliminate(r, c)))
    libres = {c for c, _ in pivots}
    connu = _Connu(contributeurs)
    for r in sorted(lignes.rangees):
        connu.add(_only(lignes.rangees[r], proteger))
    connu.perdues = connu.lost()
    retenues: dict[int, Ligne] = {}
    for c, ligne in reversed(pivots):
        ligne = {k: v for k, v in ligne.items() if k == c or k in retenues or proteger[k]}
        for d in [k for k in ligne if k in retenues]:
            _subtract(ligne, retenues[d], d)
        seule = _only(ligne, proteger)
        if connu.would_tell(seule):
            retenues[c] = ligne if ligne[c] == 1 else _scaled(ligne, pow(ligne[c], -1, PREMIER))
        else:
            connu.add(seule)
    assert set(retenues) <= libres
    return sorted(retenues), connu.perdues


def tells(
    matrice: sparse.csr_array, cachees: np.ndarray, proteger: np.ndarray, contributeurs: Sequence[Sequence[int]],
    perdues: Perdues,
) -> bool:  # fmt: skip
    """What is visible tells one of `proteger` exactly, to anybody or to one of the contributors, that could be kept from them."""
    lignes = _Lignes(matrice, cachees)
    lignes.drop_free(np.flatnonzero(cachees & ~proteger))
    connu = _Connu(contributeurs)
    connu.perdues = perdues
    for r in sorted(lignes.rangees):
        if connu.would_tell(lignes.rangees[r]):
            return True
        connu.add(lignes.rangees[r])
    return False


def told_exactly(matrice: sparse.csr_array, cachees: np.ndarray, cibles: np.ndarray) -> np.ndarray:
    """Those of `cibles` (boolean by column, among the hidden) that follow exactly from the equations and the visible cells."""
    lignes = _Lignes(matrice, cachees)
    lignes.drop_free(np.flatnonzero(cachees & ~cibles))
    connu = _Connu(())
    for r in sorted(lignes.rangees):
        connu.add(lignes.rangees[r])
    return np.array(sorted(connu.lost().tous), dtype=int)


class _Lignes:
    """Sparse rows over the columns in play, with the rows of each column."""

    def __init__(self, matrice: sparse.csr_array, presentes: np.ndarray) -> None:
        self.rangees: dict[int, Ligne] = {}
        self.par_colonne: dict[int, set[int]] = defaultdict(set)
        for i in range(matrice.shape[0]):
            a, b = matrice.indptr[i], matrice.indptr[i + 1]
            ligne = {
                int(c): int(round(v)) % PREMIER
                for c, v in zip(matrice.indices[a:b], matrice.data[a:b], strict=True)
                if presentes[c] and v
            }
            if ligne:
                self.rangees[i] = ligne
                for c in ligne:
                    self.par_colonne[c].add(i)

    def pick(self, c: int) -> int | None:
        """The shortest row where the column is."""
        return min(self.par_colonne.get(c, ()), key=lambda r: (len(self.rangees[r]), r), default=None)

    def eliminate(self, r: int, c: int) -> Ligne:
        """Take the row out, and its column out of all the others."""
        pivot = self.rangees.pop(r)
        for k in pivot:
            self.par_colonne[k].discard(r)
        pivot = _scaled(pivot, pow(pivot[c], -1, PREMIER))
        for autre in sorted(self.par_colonne.pop(c, ())):
            ligne = self.rangees[autre]
            avant = set(ligne)
            _subtract(ligne, pivot, c)
            for k in avant - ligne.keys():
                self.par_colonne[k].discard(autre)
            for k in ligne.keys() - avant:
                self.par_colonne[k].add(autre)
            if not ligne:
                del self.rangees[autre]
        return pivot

    def drop_free(self, colonnes: Iterable[int]) -> None:
        """Each hidden cell that needs no protection absorbs one equation; the least entangled first (Markowitz)."""
        tas = [(len(self.par_colonne[c]), int(c)) for c in colonnes if self.par_colonne.get(int(c))]
        heapq.heapify(tas)
        while tas:
            n, c = heapq.heappop(tas)
            actuel = len(self.par_colonne.get(c, ()))
            if actuel > n:
                heapq.heappush(tas, (actuel, c))
                continue
            r = self.pick(c)
            if r is not None:
                self.eliminate(r, c)


class _Connu:
    """What the visible cells tell about those to protect: fully reduced rows, by pivot."""

    def __init__(self, contributeurs: Sequence[Sequence[int]]) -> None:
        self.lignes: dict[int, Ligne] = {}
        self.par_colonne: dict[int, set[int]] = defaultdict(set)  # column → pivots of the rows where it is
        self.siennes = [frozenset(x) for x in contributeurs]
        self.qui: dict[int, list[int]] = defaultdict(list)
        for i, cellules in enumerate(self.siennes):
            for c in cellules:
                self.qui[c].append(i)
        self.perdues = Perdues()

    def lost(self) -> Perdues:
        """What the rows so far tell."""
        tous = frozenset(p for p, ligne in self.lignes.items() if len(ligne) == 1)
        initiees: dict[int, set[int]] = defaultdict(set)
        for i, siennes in enumerate(self.siennes):
            for c in self._told_to(siennes, {}):
                initiees[c].add(i)
        return Perdues(tous, {c: frozenset(x) for c, x in initiees.items() if c not in tous})

    def reduce(self, ligne: Ligne) -> Ligne:
        ligne = dict(ligne)
        for p in [k for k in ligne if k in self.lignes]:
            _subtract(ligne, self.lignes[p], p)
        return ligne

    def _changes(self, ligne: Ligne) -> tuple[int, Ligne, dict[int, Ligne]]:
        """Pivot chosen, the new row, and the rows it changes."""
        pivot = min(ligne, key=lambda k: (len(self.par_colonne.get(k, ())), k))
        ligne = _scaled(ligne, pow(ligne[pivot], -1, PREMIER))
        changees = {}
        for p in sorted(self.par_colonne.get(pivot, ())):
            autre = dict(self.lignes[p])
            _subtract(autre, ligne, pivot)
            changees[p] = autre
        return pivot, ligne, changees

    def would_tell(self, ligne: Ligne) -> bool:
        """Adding that row would tell a cell, to anybody or to one of the contributors."""
        ligne = self.reduce(ligne)
        if not ligne:
            return False
        pivot, ligne, changees = self._changes(ligne)
        nouvelles = {**changees, pivot: ligne}
        if any(len(x) == 1 and not self.perdues.lost(*x) for x in nouvelles.values()):
            return True
        colonnes = {c for x in nouvelles.values() for c in x}
        # a contributor may subtract its own cells, or combine a row whose pivot it knows with what is new
        liees = colonnes | {p for c in colonnes for p in self.par_colonne.get(c, ())}
        concernes = {i for c in liees for i in self.qui.get(c, ())}
        return any(
            not self.perdues.lost(c, i) for i in sorted(concernes) for c in self._told_to(self.siennes[i], nouvelles)
        )

    def _told_to(self, siennes: frozenset[int], nouvelles: dict[int, Ligne]) -> Iterator[int]:
        """Cells told to one contributor: it takes its own out, and a combination of rows then holds one cell only."""

        def without(p: int) -> Ligne:
            return {k: v for k, v in (nouvelles.get(p) or self.lignes[p]).items() if k not in siennes}

        reduites: dict[int, Ligne] = {}
        for p in sorted(c for c in siennes if c in self.lignes or c in nouvelles):  # rows that lose their pivot
            x = without(p)
            for k in [k for k in x if k in reduites]:
                _subtract(x, reduites[k], k)
            if x:
                k = min(x)
                x = _scaled(x, pow(x[k], -1, PREMIER))
                for autre in reduites.values():
                    if k in autre:
                        _subtract(autre, x, k)
                reduites[k] = x
        touchees = {p for c in (*siennes, *reduites) for p in self.par_colonne.get(c, ())} | nouvelles.keys()
        for p in sorted(touchees - siennes):
            x = without(p)
            for k in [k for k in x if k in reduites]:
                _subtract(x, reduites[k], k)
            if len(x) == 1:
                yield from x
        yield from (k for x in reduites.values() if len(x) == 1 for k in x)

    def add(self, ligne: Ligne) -> None:
        ligne = self.reduce(ligne)
        if not ligne:
            return
        pivot, ligne, changees = self._changes(ligne)
        for p, autre in changees.items():
            for k in self.lignes[p].keys() - autre.keys():
                self.par_colonne[k].discard(p)
            for k in autre.keys() - self.lignes[p].keys():
                self.par_colonne[k].add(p)
            self.lignes[p] = autre
        self.lignes[pivot] = ligne
        for k in ligne:
            self.par_colonne[k].add(pivot)


def _only(ligne: Ligne, proteger: np.ndarray) -> Ligne:
    return {k: v for k, v in ligne.items() if proteger[k]}


def _scaled(ligne: Ligne, facteur: int) -> Ligne:
    return ligne if facteur == 1 else {k: v * facteur % PREMIER for k, v in ligne.items()}


def _subtract(ligne: Ligne, pivot: Ligne, c: int) -> None:
    """ligne -= ligne[c] × pivot, in place; pivot[c] is 1."""
    facteur = ligne[c]
    for k, v in pivot.items():
        x = (ligne.get(k, 0) - facteur * v) % PREMIER
        if x:
            ligne[k] = x
        else:
            ligne.pop(k, None)
