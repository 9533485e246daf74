"""The axes of the survey (territory levels, kinds of actor): grid cells with their labels, and where a row falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from cartographie.tables.edition import Edition

TOUS = "TOUS"


@dataclass(frozen=True, slots=True)
class Croisement:
    """`cellules`: one row per cell, in order, with the axes' columns; `niveaux`: (variable, codes) of each crossed axis."""

    cellules: pd.DataFrame
    niveaux: tuple[tuple[str, tuple[str, ...]], ...]

    def place(self, e: Edition, grain: str) -> np.ndarray:
        """Cell of each row of the grain, -1 when one of its axes is unknown."""
        df = e.frame(grain)
        cellule = np.zeros(len(df), dtype=int)
        for variable, codes in self.niveaux:
            if variable not in df.columns:
                return np.full(len(df), -1)
            rang = e.memo(("axe", grain, variable, codes), partial(_rank, df[variable], codes))
            cellule = np.where((cellule < 0) | (rang < 0), -1, cellule * len(codes) + rang)
        return cellule


def _rank(colonne: pd.Series, codes: Sequence[str]) -> np.ndarray:
    return np.asarray(pd.Index(list(codes), dtype=object).get_indexer(pd.Index(colonne, dtype=object)))


class Axes:
    """Axes of a campaign. A hierarchical axis (levels) gives three columns, a simple one a single column."""

    def __init__(self, e: Edition, ancienne: Edition | None) -> None:
        self.edition, self.ancienne = e, ancienne
        self.declares: dict[str, Any] = dict(e.questionnaire.enquete.get("axes", {}))
        self.colonnes: list[str] = []
        for nom, axe in self.declares.items():
            self.colonnes += [f"{nom}_type", f"{nom}_code", f"{nom}_libelle"] if "niveaux" in axe else [nom]
        constant = e.questionnaire.enquete.get("champ_constant")
        self.constant: str | None = constant["variable"] if constant else None

    def croise(self, refs: Sequence[str], constant: bool = False) -> Croisement:
        """Grid of a crossing: axes in declared order, modalities in nomenclature order, every combination."""
        niveaux: list[tuple[str, tuple[str, ...]]] = []
        blocs: list[list[tuple[str, ...]]] = []
        for nom, axe in self.declares.items():
            if "niveaux" in axe:
                choisis = [n for n in axe["niveaux"] if n["code"] in refs]
                niveau = choisis[0] if choisis else axe["niveaux"][0]
                variable = niveau.get("variable")
                modalites = (
                    self.edition.modalites(self._grain(), variable) if variable
                    else [(niveau["code"].upper(), niveau.get("libelle", niveau["code"]))]
                )  # fmt: skip
                blocs.append([(niveau["code"], c, m) for c, m in modalites])
            else:
                variable = axe["variable"] if nom in refs else None
                modalites = self._presentes(axe["variable"], constant) if variable else [(TOUS, TOUS)]
                blocs.append([(c,) for c, _ in modalites])
            if variable:
                niveaux.append((variable, tuple(c for c, _ in modalites)))
        lignes = [sum(combinaison, ()) for combinaison in product(*blocs)]
        return Croisement(pd.DataFrame(lignes, columns=self.colonnes, dtype=object), tuple(niveaux))

    def constants(self, e: Edition, grain: str) -> np.ndarray:
        """Rows of the constant perimeter: those whose kind of actor is in both campaigns."""
        df = e.frame(grain)
        if self.constant is None or self.constant not in df.columns:
            return np.ones(len(df), dtype=bool)
        return np.asarray(df[self.constant].isin([c for c, _ in self._presentes(self.constant, True)]), dtype=bool)

    def _presentes(self, variable: str, constant: bool) -> list[tuple[str, str]]:
        """Modalities met in the campaign's frame (its respondents when it has none); in both campaigns when asked."""
        presentes = self._rencontrees(self.edition, variable)
        if constant and self.ancienne is not None and variable == self.constant:
            presentes &= self._rencontrees(self.ancienne, variable)
        return [(c, m) for c, m in self.edition.modalites(self._grain(), variable) if c in presentes]

    def _grain(self) -> str:
        return self.edition.questionnaire.racine

    @staticmethod
    def _rencontrees(e: Edition, variable: str) -> set[str]:
        for grain in (e.questionnaire.base, e.questionnaire.racine):
            if grain and variable in e.frame(grain).columns and len(e.frame(grain)):
                return set(e.frame(grain)[variable].dropna())
        return set()
