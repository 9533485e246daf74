"""What earlier releases already show: it cannot be masked any more, and helps to tell what this one would mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cartographie.model import Tableau

VISIBLES = ("A", "u")
TABLEAUX = "tableaux/*.csv"


@dataclass(frozen=True, slots=True)
class Anterieure:
    """An earlier release. `tableaux`: its drafts, recomputed; `montre`, `montre_base`: one boolean per row of all of them,
    its value, its number of respondents can be read in the files of `dossier`."""

    dossier: Path
    tableaux: Sequence[Tableau]
    montre: np.ndarray
    montre_base: np.ndarray


def read_earlier(dossier: Path, tableaux: Sequence[Tableau]) -> Anterieure:
    """`dossier`: a release directory; a figure that is not in its files any more is not shown."""
    vus: dict[tuple[str, ...], tuple[bool, bool]] = {}
    for chemin in sorted(dossier.glob(TABLEAUX)):
        if chemin.name.endswith("-excel.csv"):
            continue
        df = pd.read_csv(chemin, dtype=str, keep_default_na=False, encoding="utf-8")
        valeur, effectif = df["statut"].isin(VISIBLES), df["n_repondants"] != ""
        vus |= dict(zip(_keys(df), zip(valeur, effectif | valeur, strict=True), strict=True))
    lus = [vus.get(cle, (False, False)) for t in tableaux for cle in _keys(t.df.astype(object))]
    montre, base = zip(*lus, strict=True) if lus else ((), ())
    return Anterieure(dossier, tableaux, np.array(montre, dtype=bool), np.array(base, dtype=bool))


def _keys(df: pd.DataFrame) -> list[tuple[str, ...]]:
    """Edition, table, place, modality, indicator, denominator: never the labels, which may have been reworded."""
    noms = [c for c in df.columns[: df.columns.get_loc("n_repondants")] if not c.endswith("_libelle") and c != "unite"]
    return [tuple(str(x) for x in ligne) for ligne in df[noms].itertuples(index=False, name=None)]
