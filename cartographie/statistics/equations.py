"""What adds up to what, as a sparse matrix: one row an equation, one column a cell, M x = M (true values)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

Lien = tuple[Hashable, Sequence[Hashable]]  # who is the sum of whom


def from_rows(equations: Sequence[Mapping[int, float]], n: int) -> sparse.csr_array:
    """Matrix of equations given as {rank of the cell: coefficient}."""
    lignes = [i for i, e in enumerate(equations) for _ in e]
    colonnes = [c for e in equations for c in e]
    valeurs = [float(v) for e in equations for v in e.values()]
    return sparse.coo_array((valeurs, (lignes, colonnes)), shape=(len(equations), n)).tocsr()


def as_matrix(equations: Any, index: pd.Index) -> sparse.csr_array:
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
