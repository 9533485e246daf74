"""What adds up to what, as a sparse matrix: one row an equation, one column a cell, M x = M (true values)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

Lien = tuple[Hashable, Sequence[Hashable]]  # who is the sum of whom


def table_equations(cellules: pd.DataFrame, axes: Mapping[str, Sequence[Lien]]) -> sparse.csr_array:
    """Equations of a table with margins: `axes` gives, by column of `cellules`, (total, parts) pairs; several for a hierarchy.

    >>> t = pd.DataFrame({"a": ["T", "x", "y"], "b": "T"})
    >>> table_equations(t, {"a": [("T", ["x", "y"])]}).toarray().tolist()
    [[1.0, -1.0, -1.0]]
    """
    rangs = {c: i for i, c in enumerate(cellules[list(axes)].itertuples(index=False, name=None))}
    valeurs = [sorted(set(cellules[a]), key=str) for a in axes]
    equations = []
    for k, liens in enumerate(axes.values()):
        for total, parties in liens:
            for reste in product(*(v for i, v in enumerate(valeurs) if i != k)):
                cles = [(*reste[:k], x, *reste[k:]) for x in (total, *parties)]
                if all(c in rangs for c in cles):
                    equations.append({rangs[c]: -1.0 if i else 1.0 for i, c in enumerate(cles)})
    return from_rows(equations, len(cellules))


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


def stack(tables: Sequence[tuple[pd.DataFrame, sparse.csr_array]]) -> tuple[pd.DataFrame, sparse.csr_array]:
    """Linked tables as one: cells with the same label are one cell (the first description is kept), equations are all there."""
    index = pd.Index(dict.fromkeys(e for t, _ in tables for e in t.index))
    blocs = []
    for t, m in tables:
        place = sparse.coo_array(
            (np.ones(len(t)), (np.arange(len(t)), index.get_indexer(t.index))), shape=(len(t), len(index))
        )
        blocs.append(m @ place.tocsr())
    cellules = pd.concat([t for t, _ in tables])
    return cellules[~cellules.index.duplicated()].reindex(index), sparse.vstack(blocs, format="csr")
