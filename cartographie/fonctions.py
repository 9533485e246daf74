"""Named pure functions that a rule may call: `{fonction: NAME, parametres: {…}}`. The way out of the rule language.

Each takes the entity's frame (one row is one record) and its parameters, and returns one boolean per row: True
where the situation named holds. Nulls never hold. Parameters that name variables are called `variables` or `variable`,
so that the declaration checker sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

Fonction = Callable[[pd.DataFrame, Mapping[str, Any]], Any]


def somme_superieure(df: pd.DataFrame, params: Mapping[str, Any]) -> np.ndarray:
    """The sum of `variables` (nulls as 0, at least one answered) exceeds `variable` (answered).

    Example: `{fonction: somme_superieure, parametres: {variables: [nb_a, nb_b], variable: nb_total}}`.
    """
    names = [*params["variables"], params["variable"]]
    if any(n not in df.columns for n in names):
        return np.zeros(len(df), dtype=bool)
    parts = df[params["variables"]].apply(pd.to_numeric).astype("Float64")
    total = pd.to_numeric(df[params["variable"]]).astype("Float64")
    exceeds = (parts.fillna(0).sum(axis=1) > total) & parts.notna().any(axis=1)
    return exceeds.fillna(False).to_numpy(dtype=bool)


FUNCTIONS: dict[str, Fonction] = {"somme_superieure": somme_superieure}
