"""Who each answer is from, and which rows are nobody's or someone's twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from cartographie.conditions import Contexte, evaluate
from cartographie.model import Constat, Depot, Entite

NO_RECORD = -1


def check_identity(contexte: Contexte, depots: Sequence[Depot]) -> Iterator[Constat]:
    """Rows that are nobody's, or someone's twice."""
    entite, df, q = q_entity(contexte), contexte.df, contexte.questionnaire
    if entite.parent is not None:
        for r in df.index[df["parent"].to_numpy() == NO_RECORD] if "parent" in df.columns else ():
            yield Constat("ligne_orpheline", entite.nom, int(r))
    else:
        blamed = next((i["variable"] for i in entite.identifiant), None)
        for r in df.index[df[id_column(df)].isna()]:
            yield Constat("ligne_sans_identifiant", entite.nom, int(r), blamed)
        if not entite.base:
            yield from _answered_twice(contexte, entite, depots, blamed)
    key = [k for k in entite.cle if k in df.columns]
    if entite.base and not key:
        key = [id_column(df)]
    if key and len(key) == max(len(entite.cle), 1) and (entite.base or entite.parent is not None):
        columns = [*key, *(["parent"] if "parent" in df.columns and entite.parent else [])]
        named = df[columns][df[columns].notna().all(axis=1)]
        for r in named.index[named.duplicated(keep="first")]:
            variable = key[0] if key[0] in q.variables else None
            yield Constat("cle_en_double", entite.nom, int(r), variable, df.at[r, key[0]])


def id_column(df: pd.DataFrame) -> str:
    """The column naming whose a root record is (a unit of the frame may have its own)."""
    return "id_base" if "id_base" in df.columns and "id_repondant" not in df.columns else "id_repondant"


def q_entity(contexte: Contexte) -> Entite:
    return contexte.questionnaire.entites[contexte.entite]


def _answered_twice(
    contexte: Contexte, entite: Entite, depots: Sequence[Depot], blamed: str | None
) -> Iterator[Constat]:
    """All answers of a respondent but the one kept: the fullest (a complete one is), then the latest dated, received, read."""
    df, variables = contexte.df, contexte.questionnaire.variables
    several = df[df["id_repondant"].notna() & df["id_repondant"].duplicated(keep=False)].index
    if not len(several):
        return
    filled = np.zeros(len(df), dtype="int64")
    for name in entite.completude:
        if name in df.columns:
            filled += (df[name].notna().to_numpy() | ~evaluate(variables[name].condition_pose, contexte)).astype(
                "int64"
            )
    received = {d.depot: (d.recu_le, i) for i, d in enumerate(depots)}
    rank = {d: i for i, d in enumerate(sorted(received, key=received.__getitem__))}
    order = pd.DataFrame({"id": df["id_repondant"], "rempli": filled})
    dated = entite.date in df.columns
    order["date"] = pd.to_datetime(df[entite.date]) if dated else pd.Timestamp(0)
    order["recu"] = df["depot"].map(rank).fillna(-1) if "depot" in df.columns else 0
    order["rang"] = range(len(df))
    order = order.loc[several].sort_values(["rempli", "date", "recu", "rang"], na_position="first")
    keeper = order.groupby("id").tail(1).index
    for r in several.difference(keeper):
        yield Constat(
            "repondant_en_double", entite.nom, int(r), blamed, df.at[r, blamed] if blamed in df.columns else None
        )
