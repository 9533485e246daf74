"""Who makes a figure: the rows behind one published cell, with what each weighs. Confidential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cartographie.statistics.axes import Axes
from cartographie.statistics.frames import Edition
from cartographie.statistics.tables import Cadre, Campagne, _draft, frame_figure, variables_of
from cartographie.survey.conditions import references
from cartographie.survey.model import SUFFIXE_PANEL, Questionnaire
from cartographie.survey.received import Tableau


@dataclass(frozen=True, slots=True)
class Membres:
    """`lignes`: one row is one row of `grain` the figure rests on: id_repondant, depot, feuille, ligne, poids, `compte` (it is in
    the numerator; for a total, what it brings). `variables`: (entity, variable) the figure reads."""

    grain: str
    lignes: pd.DataFrame
    variables: tuple[tuple[str, str], ...]


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
        return _draft(self.q.tableaux[code], self.edition, self.ancienne, self.axes)

    def members(self, code: str, x: Mapping[Any, Any]) -> Membres:
        """`x`: a row of `draft`. Raises KeyError for a difference between editions: trace its two terms."""
        if int(x["_edition"]) == 2:
            raise KeyError("difference")
        e = self.editions[str(x["edition"])]
        s, ind, k, base, vraies, numerateur, valeurs = self._placed(code, x, e)
        cible = int(x["_cellule"]) * len(k.mod_d) + int(x["_dimension"])
        garde = base.plat == cible
        rangs = base.lignes[garde]
        if numerateur is not None and vraies is not None:
            m = int(x["_modalite"]) if ind["mesure"] == "repartition" else 0
            oui = numerateur.lignes[(numerateur.plat == cible) & (vraies[1][numerateur.source] == m)]
            compte = np.isin(rangs, oui).astype(float)
        else:
            compte = valeurs[rangs] if valeurs is not None else np.ones(len(rangs))
        df = e.frame(k.grain)
        colonnes = [c for c in ("id_repondant", "depot", "feuille", "ligne", "id_base") if c in df.columns]
        lignes = df.loc[rangs, colonnes].assign(poids=base.poids[garde], compte=compte).reset_index(drop=True)
        return Membres(k.grain, lignes, self._variables(s, ind, k))

    def _placed(self, code: str, x: Mapping[Any, Any], e: Edition) -> tuple[Any, ...]:
        """(series, indicator, frame, rows of the base and of the numerator where they fall…) of every figure of one block."""
        cle = (code, int(x["_serie"]), int(x["_croisement"]), int(x["_indicateur"]), bool(x["_constant"]))
        return e.memo(("membres", *cle), lambda: self._place(cle, e))

    def _place(self, cle: tuple[str, int, int, int, bool], e: Edition) -> tuple[Any, ...]:
        code, serie, rang, indicateur, constant = cle
        s = self.q.tableaux[code]["series"][serie]
        ind = s["indicateurs"][indicateur]
        croisement = self.axes.croise(s["croisements"][rang], constant=constant)
        k = frame_figure(s, ind, e, croisement, self.axes.perimetre() if constant else None)
        base, vraies, valeurs = _selection(e, k, ind)
        numerateur = None if vraies is None else k.grille.place(vraies[0])
        return s, ind, k, k.grille.place(base), vraies, numerateur, valeurs

    def _variables(self, s: Mapping[str, Any], ind: Mapping[str, Any], k: Cadre) -> tuple[tuple[str, str], ...]:
        """In a stable order: what the indicator reads, then its denominator and its crossing."""
        grain = k.grain.removesuffix(SUFFIXE_PANEL)
        lues: dict[tuple[str, str], None] = {}
        for c in (ind.get("condition"), ind.get("si")):
            lues |= dict.fromkeys(sorted(references(c, grain)))
        for v in variables_of(s, ind):
            entite, _, nom = v.rpartition(".")
            lues[entite or grain, nom] = None
        for c in (s.get("filtre"), self.q.denominateurs[s["denominateur"]].get("filtre")):
            lues |= dict.fromkeys(sorted(references(c, grain)))
        return tuple(lues)


def _selection(
    e: Edition, k: Cadre, ind: Mapping[str, Any]
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray] | None, np.ndarray | None]:
    """(rows of the base, (row, modality) pairs of the numerator, value of each row), as the measures read them."""
    mesure, grain = ind["mesure"], k.grain
    if mesure == "part":
        base = k.champ & e.connue(grain, ind["condition"])
        vraies = np.flatnonzero(base & e.vraie(grain, ind["condition"]))
        return np.flatnonzero(base), (vraies, np.zeros(len(vraies), dtype=int)), None
    if mesure == "repartition":
        variable, si = ind["variable"], ind.get("si")
        enfant = isinstance(variable, str) and "." in variable
        base = k.champ & e.renseignee(grain, variable) & (np.True_ if enfant else e.vraie(grain, si))
        pos, m = e.paires(grain, variable, [c for c, _ in k.mod_m], si if enfant else None)
        return np.flatnonzero(base), (pos[base[pos]], m[base[pos]]), None
    if mesure in ("nombre", "taux_reponse"):
        return np.flatnonzero(k.champ & e.vraie(grain, ind.get("condition"))), None, None
    if mesure == "ratio":
        haut, bas = e.nombres(grain, ind["numerateur"]), e.nombres(grain, ind["denominateur"])
        return np.flatnonzero(k.champ & ~np.isnan(haut) & ~np.isnan(bas)), None, haut
    valeurs = e.nombres(grain, ind["valeur"])
    return np.flatnonzero(k.champ & ~np.isnan(valeurs)), None, valeurs
