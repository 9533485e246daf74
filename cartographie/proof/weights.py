"""What a published share tells who knows the weights: which respondents are certainly in, or certainly out.

Whoever knows the frame and who answered knows every weight. A share is then a sum of known numbers over their total: with few
respondents, or few different weights, few sets of respondents give what was published.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

ETATS = 2_000_000  # sets of counts by weight held at once, in each half
PRECISION = 1e-9


def certain(poids: ArrayLike, dedans: ArrayLike, bas: float, haut: float) -> np.ndarray:
    """One boolean per respondent: every set whose share (0–1) is within [bas, haut] has it in, or every one has it out.

    `poids`: known; `dedans`: the truth, which is one of these sets. Respondents of one weight cannot be told apart: a weight some of
    whose respondents are in and others out tells none of them. Otherwise another set is looked for near the truth, then among all.
    Beyond ETATS nothing is proven and all that is asked for is said certain.
    """
    w, x = np.asarray(poids, dtype=float), np.asarray(dedans, dtype=bool)
    out = np.zeros(len(w), dtype=bool)
    if not len(w):
        return out
    total = w.sum()
    valeurs, classe = np.unique(np.round(w / total / PRECISION).astype(np.int64), return_inverse=True)
    parts = np.bincount(classe, w / total) / np.bincount(classe)
    n, k = np.bincount(classe), np.bincount(classe, x).astype(int)
    vrai = float(parts @ k)
    marge = (bas - vrai - PRECISION, haut - vrai + PRECISION)
    for g in np.flatnonzero((k == 0) | (k == n)).tolist():
        sens = 1 if k[g] == 0 else -1
        if not (_near(parts, n, k, g, sens, marge) or _among_all(parts, n, k, g, (bas - PRECISION, haut + PRECISION))):
            out[classe == g] = True
    return out


def _near(parts: np.ndarray, n: np.ndarray, k: np.ndarray, g: int, sens: int, marge: tuple[float, float]) -> bool:
    """Up to two other weights exchanged for one of class g keep the share where it was published."""
    montent, descendent = (k < n).astype(int), (k > 0).astype(int)
    pas = np.concatenate([[0.0], parts[montent == 1], -parts[descendent == 1]])
    qui = np.concatenate([[-1], np.flatnonzero(montent), np.flatnonzero(descendent)])
    pas, qui = pas[qui != g], qui[qui != g]
    sommes = sens * parts[g] + np.add.outer(pas, pas)
    libres = np.not_equal.outer(qui, qui) | (qui == -1)[:, None]
    return bool(((sommes >= marge[0]) & (sommes <= marge[1]) & libres).any())


def _among_all(parts: np.ndarray, n: np.ndarray, k: np.ndarray, g: int, borne: tuple[float, float]) -> bool:
    """Meet in the middle: some counts by weight, those of class g not all as they are, give a share within bounds."""
    etendues = [np.arange(c + 1) * p for c, p in zip(n, parts, strict=True)]
    etendues[g] = etendues[g][1:] if k[g] == 0 else etendues[g][:-1]
    moities = _halves([len(e) for e in etendues])
    if moities is None:
        return False
    gauche, droite = (_sums([etendues[i] for i in m]) for m in moities)
    droite = np.unique(droite)
    debut = np.searchsorted(droite, borne[0] - gauche, "left")
    return bool((debut < np.searchsorted(droite, borne[1] - gauche, "right")).any())


def _halves(tailles: list[int]) -> tuple[list[int], list[int]] | None:
    """Classes in two parts of about as many sets each; None when one would be too large."""
    parties: tuple[list[int], list[int]] = ([], [])
    produits = [1, 1]
    for i in sorted(range(len(tailles)), key=lambda i: (-tailles[i], i)):
        ou = 0 if produits[0] <= produits[1] else 1
        parties[ou].append(i)
        produits[ou] *= tailles[i]
        if produits[ou] > ETATS:
            return None
    return parties


def _sums(etendues: list[np.ndarray]) -> np.ndarray:
    somme = np.zeros(1)
    for e in etendues:
        somme = np.add.outer(somme, e).ravel()
    return somme
