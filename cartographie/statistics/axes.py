"""The axes of the survey (territory levels, kinds of actor): grid cells with their labels, and where a row falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd

from cartographie.statistics.frames import Edition, Placement
from cartographie.survey.published import TOUS, axis_columns


@dataclass(frozen=True, slots=True)
class Croisement:
    """`cellules`: one row per cell, in order, with the axes' columns; `niveaux`: (variable, codes) of each crossed axis."""

    cellules: pd.DataFrame
    niveaux: tuple[tuple[str, tuple[str, ...]], ...]

    def place(
        self, e: Edition, grain: str, pondere: bool, parmi: tuple[str, tuple[str, ...]] | None = None
    ) -> Placement:
        """Where the rows of the grain fall; those with an unknown axis fall nowhere.

        `pondere`: in the cells of the units of the frame that the row's respondent answers for, with their weights (the row
        of a child has the average one); else each row in its own cell, with its own weight. `parmi`: only the units (the
        rows) whose variable has one of these codes.
        """
        return e.memo(("placement", grain, pondere, parmi, self.niveaux), lambda: self._place(e, grain, pondere, parmi))

    def _place(self, e: Edition, grain: str, pondere: bool, parmi: tuple[str, tuple[str, ...]] | None) -> Placement:
        lignes, unites, poids = e.lines(grain) if pondere else e.own_lines(grain)
        cellule = np.zeros(len(lignes), dtype=int)
        for variable, codes in self.niveaux:
            rang = self._rang(e, grain, variable, codes, lignes, unites)
            cellule = np.where((cellule < 0) | (rang < 0), -1, cellule * len(codes) + rang)
        dedans = cellule >= 0
        if parmi is not None:
            dedans &= self._rang(e, grain, parmi[0], parmi[1], lignes, unites) >= 0
        n = max(len(self.cellules), 1)
        cles, rang = np.unique(lignes[dedans] * n + cellule[dedans], return_inverse=True)
        return Placement(cles // n, cles % n, np.bincount(rang, poids[dedans], minlength=len(cles)))

    def _rang(
        self,
        e: Edition,
        grain: str,
        variable: str,
        codes: tuple[str, ...],
        lignes: np.ndarray,
        unites: np.ndarray | None,
    ) -> np.ndarray:
        """Rank of each line's code; -1 when unknown. The frame's value goes before the answer's."""
        base = e.questionnaire.base
        if unites is not None and base and variable in e.frame(base).columns:
            return e.memo(("axe", base, variable, codes), partial(_rank, e.frame(base)[variable], codes))[unites]
        if variable not in e.frame(grain).columns:
            return np.full(len(lignes), -1)
        return e.memo(("axe", grain, variable, codes), partial(_rank, e.frame(grain)[variable], codes))[lignes]


def _rank(colonne: pd.Series, codes: Sequence[str]) -> np.ndarray:
    return np.asarray(pd.Index(list(codes), dtype=object).get_indexer(pd.Index(colonne, dtype=object)))


class Axes:
    """Axes of a campaign. A hierarchical axis (levels) gives three columns, a simple one a single column."""

    def __init__(self, e: Edition, ancienne: Edition | None) -> None:
        self.edition, self.ancienne = e, ancienne
        self.declares = e.questionnaire.enquete.get("axes", {})
        self.colonnes: list[str] = []
        for nom, axe in self.declares.items():
            self.colonnes += axis_columns(nom, axe)
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

    def perimetre(self) -> tuple[str, tuple[str, ...]] | None:
        """The constant perimeter: the kinds of actor found in both campaigns; None when the survey declares none."""
        if self.constant is None:
            return None
        return self.constant, tuple(c for c, _ in self._presentes(self.constant, True))

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
