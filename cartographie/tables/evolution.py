"""From one edition to the next: the difference of two figures of the same perimeter, with its own interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartographie.statistics.evolution import change_interval, change_variance
from cartographie.tables.mesures import Influence
from cartographie.tables.precision import contributions
from cartographie.tables.statuts import EVOLUTION

_CLE = ["_cellule", "_dimension", "modalite_code", "indicateur"]


def evolution_rows(
    nouveau: pd.DataFrame,
    vieux: pd.DataFrame | None,
    ok: bool,
    poids: Sequence[tuple[Any, pd.DataFrame, Influence | None]],
) -> pd.DataFrame:
    """Rows `<code>.evolution`: new minus old, exact. `ok`: the two editions may be compared. `poids`: (weights, answers,
    influence) of the old figures then of the new ones."""
    df = nouveau.copy()
    ancien = (nouveau.iloc[:0] if vieux is None else vieux).reset_index(names="_rang")[[*_CLE, "_rang", "_exact"]]
    paires = df[_CLE].merge(ancien, on=_CLE, how="left", validate="one_to_one")
    ecart = df["_exact"].to_numpy(dtype=float) - pd.to_numeric(paires["_exact"]).to_numpy(dtype=float)
    bas, haut = _interval(ecart, paires["_rang"], 0 if vieux is None else len(vieux), poids)
    return df.assign(
        indicateur=df["indicateur"] + EVOLUTION,
        unite=np.where(df["unite"] == "pct", "points", df["unite"]),
        valeur=np.round(np.round(ecart, 9), 1) + 0.0,
        _exact=ecart,
        ic_bas=np.round(bas, 1) + 0.0,
        ic_haut=np.round(haut, 1) + 0.0,
        _comparable=ok,
    )


def _interval(
    ecart: np.ndarray, rangs: pd.Series, anciens: int, poids: Sequence[tuple[Any, pd.DataFrame, Influence | None]]
) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of each difference, the respondents found in both editions being counted in its variance."""
    vide = np.full(len(ecart), np.nan)
    if len(poids) < 2:
        return vide, vide
    (p1, r1, i1), (p2, r2, i2) = poids
    if p1 is None or p2 is None or i1 is None or i2 is None:
        return vide, vide
    z1, z2 = contributions(i1, p1, anciens), contributions(i2, p2, len(ecart))
    connus = rangs.notna().to_numpy()
    z1 = z1[:, rangs[connus].astype(int).to_numpy()]
    ids1, ids2 = (r["id_repondant"].to_numpy()[p.repondants] for p, r in ((p1, r1), (p2, r2)))
    variance = change_variance(p1.plan, z1, ids1, p2.plan, z2[:, np.flatnonzero(connus)], ids2)
    bas, haut = vide.copy(), vide.copy()
    bas[connus], haut[connus] = change_interval(ecart[connus], np.sqrt(variance), min(p1.plan.ddl, p2.plan.ddl))
    return bas, haut
