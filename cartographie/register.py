"""The sampling frame: which of its units each answer covers. Pure functions; every variable name comes from `lien_base`.

`lien_base` is read in order. An entry on the respondent applies only if it states nothing for an earlier entry: a legal
entity's number stands for all its sites only when no site and no list of sites is given, and a mistyped site is listed as
unmatched, never taken for the whole entity. An entry on a child entity, an explicit list of covered units, always adds. A unit claimed by two respondents goes to the earliest entry
(the direct answer of the site), then to the respondent covering the fewest units, then to the lowest identifier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartographie.model import Questionnaire

LINKS = ["id_repondant", "id_base", "mode"]


def match(
    racines: pd.DataFrame, enfants: Mapping[str, pd.DataFrame], base: pd.DataFrame, questionnaire: Questionnaire
) -> tuple[np.ndarray, pd.DataFrame]:
    """(base_ligne, liens).

    `racines`: one row is one answer, with `id_repondant`; `enfants`: entity → its rows, `parent` = label in `racines`;
    `base`: one row is one unit, with `id_base` or `id_repondant`. `base_ligne[i]`: label in `base` of the main unit of the
    i-th answer, -1 none; an answer whose units all answered for themselves keeps it. `liens`: one row is one unit covered
    (id_repondant, id_base, mode), a unit at most once, sorted by entry order then id_base.
    """
    pairs = _pairs(racines, enfants, base, questionnaire)
    base_ligne = np.full(len(racines), -1, dtype="int64")
    first = pairs.drop_duplicates("racine")
    base_ligne[first["racine"].to_numpy()] = base.index.to_numpy()[first["base"].to_numpy()]
    kept = pairs[pairs["retenu"]]
    return base_ligne, kept.sort_values(["rang", "id_base"], kind="stable")[LINKS].reset_index(drop=True)


def overlaps(
    racines: pd.DataFrame, enfants: Mapping[str, pd.DataFrame], base: pd.DataFrame, questionnaire: Questionnaire
) -> pd.DataFrame:
    """One row: one unit also claimed by another respondent (id_repondant, id_base, mode) and who keeps it, `retenu_par`."""
    pairs = _pairs(racines, enfants, base, questionnaire)
    winner = pairs[pairs["retenu"]].set_index("id_base")["id_repondant"]
    lost = pairs[pairs["id_repondant"] != pairs["id_base"].map(winner)]
    lost = lost.assign(retenu_par=lost["id_base"].map(winner))[[*LINKS, "retenu_par"]]
    return lost.drop_duplicates().sort_values(["id_base", "id_repondant"], kind="stable").reset_index(drop=True)


def unmatched(
    racines: pd.DataFrame, enfants: Mapping[str, pd.DataFrame], base_ligne: np.ndarray, questionnaire: Questionnaire
) -> pd.DataFrame:
    """One row: one answer found nowhere in the frame (id_repondant, depot, feuille, ligne, motif), no value shown."""
    named = np.zeros(len(racines), dtype=bool)
    for entry in _entries(questionnaire):
        position, values = _side(entry, racines, enfants, questionnaire)
        named[position[_known(values)]] = True
    out = racines.reindex(columns=["id_repondant", "depot", "feuille", "ligne"])
    out["motif"] = np.where(named, "identifiant absent de la base de sondage", "aucun identifiant de rattachement")
    return out[np.asarray(base_ligne) < 0].sort_values(["id_repondant"], kind="stable").reset_index(drop=True)


def uncovered(base: pd.DataFrame, liens: pd.DataFrame) -> pd.DataFrame:
    """Units of the frame no answer covers, one row each, as in `base`."""
    return base[~identifiers(base).isin(set(liens["id_base"])).to_numpy()]


def identifiers(base: pd.DataFrame) -> pd.Series:
    """Identifier of each unit of the frame."""
    return base["id_base"] if "id_base" in base else base["id_repondant"]


def _pairs(
    racines: pd.DataFrame, enfants: Mapping[str, pd.DataFrame], base: pd.DataFrame, questionnaire: Questionnaire
) -> pd.DataFrame:
    """One row: one (answer, unit) — positions `racine`, `base` — with its mode; `retenu`: this answer covers the unit.

    Sorted by answer, entry order, id_base.
    """
    columns = ["racine", "base", "rang", "mode"]
    parts: list[pd.DataFrame] = []
    stated = np.zeros(len(racines), dtype=bool)
    for rank, entry in enumerate(_entries(questionnaire)):
        if entry["base"] not in base:
            continue
        position, values = _side(entry, racines, enfants, questionnaire)
        given = usable = _known(values)
        if entry["entite"] == questionnaire.racine:
            usable = usable & ~stated[position]
        units = base[entry["base"]]
        left = pd.DataFrame({"racine": position[usable], "cle": _texts(values[usable])})
        known = _known(units)
        right = pd.DataFrame({"base": np.flatnonzero(known), "cle": _texts(units[known])})
        found = left.merge(right, on="cle", how="inner").assign(rang=rank, mode=entry.get("mode", entry["base"]))
        stated[position[given]] = True
        parts.append(found[columns])
    pairs = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({c: [] for c in columns})
    pairs = pairs.astype({"racine": "int64", "base": "int64", "rang": "int64"})
    pairs["id_repondant"] = racines["id_repondant"].to_numpy()[pairs["racine"].to_numpy()]
    pairs["id_base"] = identifiers(base).to_numpy()[pairs["base"].to_numpy()]
    pairs = pairs.sort_values(["racine", "rang", "id_base"], kind="stable").drop_duplicates(["racine", "id_base"])
    covered = pairs.groupby("id_repondant", sort=False)["id_base"].transform("nunique")
    order = pairs.assign(nombre=covered).sort_values(
        ["id_base", "rang", "nombre", "id_repondant", "racine"], kind="stable"
    )
    pairs["retenu"] = ~order.duplicated("id_base").reindex(pairs.index)
    return pairs


def _entries(questionnaire: Questionnaire) -> Sequence[Mapping[str, Any]]:
    return questionnaire.enquete.get("lien_base") or ()


def _side(
    entry: Mapping[str, Any], racines: pd.DataFrame, enfants: Mapping[str, pd.DataFrame], questionnaire: Questionnaire
) -> tuple[np.ndarray, pd.Series]:
    """(position of the answer, value) for each row that can carry the entry's identifier; nothing when nobody was asked."""
    if entry["entite"] == questionnaire.racine:
        df, position = racines, np.arange(len(racines))
    else:
        df = enfants.get(entry["entite"])
        if df is None or df.empty:
            return np.zeros(0, dtype="int64"), pd.Series([], dtype="object")
        position = racines.index.get_indexer(df["parent"])
    if entry["variable"] not in df:
        return np.zeros(0, dtype="int64"), pd.Series([], dtype="object")
    kept = position >= 0  # a child of an answer that is not there
    return position[kept], df[entry["variable"]][kept]


def _known(values: pd.Series) -> np.ndarray:
    return np.asarray(values.notna(), dtype=bool)


def _texts(values: pd.Series) -> np.ndarray:
    return np.asarray(values.astype("str"), dtype="object")
