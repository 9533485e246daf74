"""What a respondent can tell of the others: it knows the counts it makes alone, and takes them away from the equations.

Linear algebra modulo a prime: the tables that agree with what is visible are drawn at random among those where what the
respondent knows does not move; a count that never moves is told. Counts are not bounded here (see `porte`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from scipy import sparse

PREMIER = 2**20 - 3  # sums of a few thousand products hold in 64 bits
TIRAGES = 3  # a count that moves is missed with probability 1 / PREMIER ** TIRAGES
Ligne = dict[int, int]


def told_to_insiders(
    matrice: sparse.csr_array, inconnues: np.ndarray, cibles: Sequence[int], groupes: Mapping[Hashable, Sequence[int]]
) -> list[tuple[Hashable, int]]:
    """(respondent, count) for each of `cibles` told exactly to a respondent that knows the counts of its group.

    `inconnues`: one boolean per column of M, what is not visible. The key None, without counts, is any reader."""
    utiles = {int(c) for c in cibles} | {int(c) for g in groupes.values() for c in g}
    lignes, colonnes = _rows(matrice, inconnues)
    libres = sorted((c for c in colonnes if c not in utiles), key=lambda c: (len(colonnes[c]), c))
    for c in libres:  # what nobody asks about absorbs an equation
        if colonnes[c]:
            _take(lignes, colonnes, c)
    pivots: dict[int, Ligne] = {}
    for c in sorted(utiles, key=lambda c: (len(colonnes.get(c, ())), c)):
        if colonnes.get(c):
            pivot = _take(lignes, colonnes, c)
            for autre in pivots.values():
                if c in autre:
                    _reduce(autre, pivot, c)
            pivots[c] = pivot
    rang = {c: i for i, c in enumerate(sorted(utiles))}
    f = _solved(pivots, rang)
    hasard = np.random.default_rng(PREMIER)
    dites = []
    for qui, siennes in groupes.items():
        connues = {rang[int(c)] for c in siennes}
        x = _tables(f, np.array([c in pivots for c in sorted(utiles)]), connues, hasard)
        dites += [(qui, int(c)) for c in cibles if rang[int(c)] not in connues and not x[rang[int(c)]].any()]
    return dites


def _rows(matrice: sparse.csr_array, inconnues: np.ndarray) -> tuple[dict[int, Ligne], dict[int, set[int]]]:
    lignes: dict[int, Ligne] = {}
    colonnes: dict[int, set[int]] = defaultdict(set)
    for i, (debut, fin) in enumerate(zip(matrice.indptr, matrice.indptr[1:], strict=False)):
        ici = zip(matrice.indices[debut:fin].tolist(), matrice.data[debut:fin].tolist(), strict=True)
        if ligne := {c: round(v) % PREMIER for c, v in ici if inconnues[c] and v}:
            lignes[i] = ligne
            for c in ligne:
                colonnes[c].add(i)
    return lignes, colonnes


def _take(lignes: dict[int, Ligne], colonnes: dict[int, set[int]], c: int) -> Ligne:
    """The shortest row where the column is leaves, and the column leaves every other row."""
    r = min(colonnes[c], key=lambda i: (len(lignes[i]), i))
    pivot = lignes.pop(r)
    for k in pivot:
        colonnes[k].discard(r)
    inverse = pow(pivot[c], -1, PREMIER)
    pivot = {k: v * inverse % PREMIER for k, v in pivot.items()}
    for i in list(colonnes[c]):
        ligne = lignes[i]
        _reduce(ligne, pivot, c)
        for k in pivot:
            (colonnes[k].add if k in ligne else colonnes[k].discard)(i)
    return pivot


def _reduce(ligne: Ligne, pivot: Ligne, c: int) -> None:
    facteur = ligne[c]
    for k, v in pivot.items():
        x = (ligne.get(k, 0) - facteur * v) % PREMIER
        if x:
            ligne[k] = x
        else:
            ligne.pop(k, None)


def _solved(pivots: Mapping[int, Ligne], rang: Mapping[int, int]) -> sparse.csr_array:
    """F such that x = F x for every table: each pivot by the free ones. Rows of what is free are empty."""
    i, j, v = [], [], []
    for c, ligne in pivots.items():
        for k, x in ligne.items():
            if k != c:
                i.append(rang[c])
                j.append(rang[k])
                v.append(-x % PREMIER)
    return sparse.csr_array((np.array(v, dtype=np.int64), (i, j)), shape=(len(rang), len(rang)))


def _tables(f: sparse.csr_array, pivot: np.ndarray, connues: Iterable[int], hasard: np.random.Generator) -> np.ndarray:
    """Differences between tables the respondent cannot tell apart: what it knows is nought. One column is one draw."""
    siennes = sorted(connues)
    x = hasard.integers(1, PREMIER, (len(pivot), TIRAGES), dtype=np.int64)
    x[pivot] = 0
    x[siennes] = 0
    contraintes = [i for i in siennes if pivot[i]]
    if contraintes:
        _solve(f[contraintes], siennes, x)
    x[pivot] = (f @ x)[pivot] % PREMIER
    return x


def _solve(lignes: sparse.csr_array, siennes: Sequence[int], x: np.ndarray) -> None:
    """Change as few of the free ones as it takes for `lignes` x = 0, in place."""
    colonnes = np.setdiff1d(np.unique(lignes.indices), siennes)
    a = lignes[:, colonnes].toarray() % PREMIER
    places: list[tuple[int, int]] = []
    for r in range(len(a)):
        ou = np.flatnonzero(a[r])
        if not len(ou):
            continue
        c = int(ou[0])
        a[r] = a[r] * pow(int(a[r, c]), -1, PREMIER) % PREMIER
        for autre in np.flatnonzero(a[:, c]):
            if autre != r:
                a[autre] = (a[autre] - a[autre, c] * a[r]) % PREMIER
        places.append((r, c))
    resolues = [c for _, c in places]
    libres = x[colonnes].copy()
    libres[resolues] = 0
    for r, c in places:
        libres[c] = -(a[r] @ libres) % PREMIER if resolues else 0
    x[colonnes] = libres
