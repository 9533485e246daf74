"""What may be shown of a figure: its status, and the masking of what may not.

nd question not asked · s primary secret · s2 masked to protect another · ns not significant · b break · u low reliability
· A shown without reserve
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cartographie.model import Tableau
from cartographie.statistics.primary import primary_suppression

VISIBLES = ("A", "u")
EVOLUTION = ".evolution"
_FIGURE = ["_serie", "_croisement", "_cellule", "_dimension", "modalite_code", "_indicateur"]


def with_status(df: pd.DataFrame, pose: bool, regles: Mapping[str, float], seuils: Mapping[str, Any]) -> pd.DataFrame:
    """Add `statut` (before secrecy), `_secret` and `_secret_base`: why the numerator and the base are confidential ("" free,
    "A" frequency, "B" dominance), `_protege`: the table is subject to secrecy."""
    statut = np.where(df["_fiabilite"] == "u", "u", "A").astype(object)
    trop_peu = (df["n_repondants"] < regles["min_repondants"]) | (df["_fiabilite"] == "ns")
    statut[df["valeur"].isna() | trop_peu] = "ns"
    if not pose:
        statut[:] = "nd"
    minimum = int(regles["min_contributeurs"])
    protege = minimum > 0 and pose
    secret = base = pd.Series("", index=df.index, dtype=object)
    if protege:
        dominance = regles["dominance_pct"] / 100
        zero = str(seuils.get("zeros", "publier"))
        base = primary_suppression(pd.DataFrame({"effectif": df["n_repondants"]}), effectif_min=minimum)
        cellules = pd.DataFrame({
            "effectif": df["_contributeurs"], "valeur": 1.0, "maximum": df["_dominante"],
            "effectif_complement": df["_contributeurs_complement"].where(df["_complet"], 0), "base": df["_contributeurs_base"],
        })  # fmt: skip
        secret = primary_suppression(cellules, effectif_min=minimum, dominance=dominance, zero=zero)
        base, secret = base.where(base != "V", ""), secret.where(secret != "V", "")
    return df.assign(statut=statut, _secret=secret, _secret_base=base, _protege=protege)


def finish(t: Tableau) -> Tableau:
    """The table as it may be read: figures that are secret, not significant or not comparable keep no value; a base that is
    secret keeps no count either. `_cache`, `_cache_base`: masked by secondary secrecy, when it was applied."""
    df = t.df
    cache = df["_cache"].to_numpy(bool) if "_cache" in df else np.zeros(len(df), dtype=bool)
    cache_base = df["_cache_base"].to_numpy(bool) if "_cache_base" in df else np.zeros(len(df), dtype=bool)
    secret_base = (df["_secret_base"] != "").to_numpy()
    statut = df["statut"].to_numpy(dtype=object).copy()
    pose = statut != "nd"
    statut[pose & (cache | cache_base)] = "s2"
    statut[pose & ((df["_secret"] != "").to_numpy() | secret_base)] = "s"
    sans_effectif = ~pose | secret_base | cache_base
    evolution = df["_edition"].to_numpy() == 2
    if evolution.any():
        statut[evolution], sans_effectif[evolution] = _evolution(df, statut, sans_effectif, evolution)
    visible = np.isin(statut, VISIBLES)
    df = df.assign(
        statut=statut,
        n_repondants=pd.array(df["n_repondants"].to_numpy(), dtype="Int64"),
        **{c: df[c].where(visible) for c in ("valeur", "ic_bas", "ic_haut")},
    )
    df["n_repondants"] = df["n_repondants"].mask(sans_effectif)
    df["n_pondere"] = df["n_pondere"].mask(sans_effectif)
    return Tableau(t.code, t.meta, df[[c for c in df.columns if not c.startswith("_")]])


def _evolution(
    df: pd.DataFrame, statut: np.ndarray, sans_effectif: np.ndarray, evolution: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Status of each difference, from those of the two figures it is made of; whether its count is hidden."""
    figures = pd.MultiIndex.from_frame(df[_FIGURE].assign(i=df["indicateur"].str.removesuffix(EVOLUTION)))
    etats = pd.Series(statut, index=figures)
    cles = figures[evolution]
    out = np.where(df["_comparable"].to_numpy(dtype=object)[evolution] == False, "b", "A").astype(object)  # noqa: E712
    avant, apres = (
        etats[(df["_edition"] == e).to_numpy()].reindex(cles).fillna("nd").to_numpy(dtype=object) for e in (0, 1)
    )
    for code in ("u", "ns", "s2", "s"):  # the last one prevails
        out[(out != "b") & ((avant == code) | (apres == code))] = code
    out[(avant == "nd") | (apres == "nd")] = "nd"
    return out, np.isin(out, ["s", "s2", "nd"]) | sans_effectif[evolution]
