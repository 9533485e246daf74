"""Who makes a figure: the rows behind one published cell, with what each weighs. Confidential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cartographie.statistics.axes import Axes
from cartographie.statistics.frames import Edition, Lignes
from cartographie.statistics.measures import Assiette, Selection, read_variables
from cartographie.statistics.tables import Campagne, draft_tableau, place_figure
from cartographie.survey.conditions import references
from cartographie.survey.model import SUFFIXE_PANEL, Questionnaire
from cartographie.survey.published import DIFFERENCE, Prive
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import Serie


@dataclass(frozen=True, slots=True)
class Membres:
    """`lignes`: one row is one row of `grain` the figure rests on: id_repondant, depot, feuille, ligne, poids, `compte` (it is in
    the numerator; for a total, what it brings). `variables`: (entity, variable) the figure reads."""

    grain: str
    lignes: pd.DataFrame
    variables: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Bloc:
    """One indicator on one crossing: the rows its figures rest on, where those of the base and of the numerator fall."""

    serie: Serie
    assiette: Assiette
    selection: Selection
    base: Lignes
    numerateur: Lignes | None


class Traceur:
    """One campaign's tables, to be taken apart one figure at a time."""

    def __init__(self, q: Questionnaire, campagne: Campagne, precedente: Campagne | None = None) -> None:
        self.q = q
        self.editions = {
            c.nom: Edition(q, c.nom, c.frames, c.ponderation) for c in (campagne, precedente) if c is not None
        }
        self.edition = self.editions[campagne.nom]
        self.ancienne = self.editions[precedente.nom] if precedente is not None else None
        self.axes = Axes(self.edition, self.ancienne)

    def draft(self, code: str) -> Tableau:
        """The table as computed, exact counts included."""
        return draft_tableau(self.q.tableaux[code], self.edition, self.ancienne, self.axes)

    def members(self, code: str, x: Mapping[Any, Any]) -> Membres:
        """`x`: a row of `draft`. Raises KeyError for a difference between editions: trace its two terms."""
        if int(x[Prive.EDITION]) == DIFFERENCE:
            raise KeyError("difference")
        e = self.editions[str(x["edition"])]
        f = self._placed(code, x, e)
        a, s = f.assiette, f.selection
        cible = int(x[Prive.CELLULE]) * len(a.mod_d) + int(x[Prive.DIMENSION])
        garde = f.base.plat == cible
        rangs = f.base.lignes[garde]
        if f.numerateur is not None and s.vraies is not None:
            m = int(x[Prive.MODALITE])
            oui = f.numerateur.lignes[(f.numerateur.plat == cible) & (s.vraies[1][f.numerateur.source] == m)]
            compte = np.isin(rangs, oui).astype(float)
        else:
            compte = s.valeurs[rangs] if s.valeurs is not None else np.ones(len(rangs))
        df = e.frame(a.grain)
        colonnes = [c for c in ("id_repondant", "depot", "feuille", "ligne", "id_base") if c in df.columns]
        lignes = df.loc[rangs, colonnes].assign(poids=f.base.poids[garde], compte=compte).reset_index(drop=True)
        return Membres(a.grain, lignes, self._variables(f.serie, a))

    def _placed(self, code: str, x: Mapping[Any, Any], e: Edition) -> _Bloc:
        """What every figure of the block of one row rests on."""
        rangs = [int(x[c]) for c in (Prive.SERIE, Prive.CROISEMENT, Prive.INDICATEUR)]
        constant = bool(x[Prive.CONSTANT])
        return e.memo(("membres", code, *rangs, constant), lambda: self._place(code, rangs, constant, e))

    def _place(self, code: str, rangs: Sequence[int], constant: bool, e: Edition) -> _Bloc:
        serie, rang, indicateur = rangs
        s = self.q.tableaux[code]["series"][serie]
        croisement = self.axes.croise(s["croisements"][rang], constant=constant)
        perimetre = self.axes.perimetre() if constant else None
        a = place_figure(s, s["indicateurs"][indicateur], e, croisement, perimetre)
        selection = a.select()
        numerateur = None if selection.vraies is None else a.grille.place(selection.vraies[0])
        return _Bloc(s, a, selection, selection.place(a.grille), numerateur)

    def _variables(self, s: Serie, a: Assiette) -> tuple[tuple[str, str], ...]:
        """In a stable order: what the indicator reads, then its denominator."""
        grain = a.grain.removesuffix(SUFFIXE_PANEL)
        filtre = self.q.denominateurs[s["denominateur"]].get("filtre")
        return tuple(dict.fromkeys([*read_variables(grain, s, a.indicateur), *sorted(references(filtre, grain))]))
