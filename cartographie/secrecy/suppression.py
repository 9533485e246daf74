"""Secondary secrecy: what else to mask so that no confidential cell can be recomputed, over all linked tables at once.

Gaussian elimination first (nothing is told exactly, neither to an outsider nor to a respondent that knows its own cell), then
linear programs widen the intervals that remain too narrow, what turned out useless is shown again, and last no respondent may tell
another's cell with what bounds allow.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from cartographie.secrecy.elimination import Perdues, hide_by_elimination, told_exactly
from cartographie.secrecy.equations import Equations, as_matrix, known_intervals
from cartographie.secrecy.repair import Marges

PRIMAIRES = ("A", "B")
LIMITE = 5_000  # cells of a system up to which bounds, not equations only, are tried against each respondent
EFFORT = 500_000  # cells of the programs that clean-up may solve: the same on every machine, as seconds are not


def suppress(
    cellules: pd.DataFrame,
    equations: Equations,
    *,
    largeur_min: float = 2,
    largeur_part: float = 0.2,
    seuls: bool = True,
    effort: float = EFFORT,
) -> pd.DataFrame:
    """`statut` of each cell: A, B (primary, as given), D (masked to protect others), V (visible), N (never published).

    One row of `cellules` is one cell: `valeur`; `primaire` ("A", "B", else ""); optional `cout` of masking it (else valeur),
    `priorite` (else 0: masked only when those of a lower one are not enough, whatever they cost),
    `publie` (else True), `fixe` (known to everybody, never masked), `bas` and `haut` (what everybody knows of it: else 0 and
    infinite), `contributeur` (who alone makes the cell), `entiere` (a count: else True), `ampleur` (width wanted, else
    max(largeur_min, largeur_part × valeur)). `equations`: a matrix M such as M x = M valeur, or (total, [parts]) labels.
    Also `bas`, `haut`: values nobody can rule out (the interval itself when it is too narrow); `protege`: it is as wide as
    wanted, or as what everybody knew before. A count may be one more and one less; other values half the width each way.
    Deterministic: the same input gives the same masks. Langsrud (2024); Kelly, Golden and Assad (1992).
    """
    p = _Probleme(cellules, as_matrix(equations, cellules.index), largeur_min, largeur_part)
    groupes = p.contributors() if seuls else []
    ajoutees, perdues = hide_by_elimination(p.matrice, p.cachees, p.primaires, p.candidates(), groupes)
    p.hide(ajoutees)
    p.widen_all()
    if effort:
        p.clean(groupes, effort)
    if len(p.index) <= LIMITE:  # last: cleaning minds what respondents subtract, not what bounds tell them
        p.widen_against(groupes, perdues)
    return p.result()


class _Probleme:
    """Cells, what is hidden, and the margins to reach."""

    def __init__(
        self, cellules: pd.DataFrame, matrice: sparse.csr_array, largeur_min: float, largeur_part: float
    ) -> None:
        n = len(cellules)

        def column(nom: str, defaut: float | bool) -> np.ndarray:
            if nom not in cellules:
                return np.full(n, defaut)
            return np.asarray(cellules[nom].where(cellules[nom].notna(), defaut).to_numpy(), dtype=type(defaut))

        self.index, self.matrice = cellules.index, matrice
        self.valeur = column("valeur", 0.0)
        self.fixe = column("fixe", False)
        marques = cellules["primaire"].to_numpy(dtype=object)
        self.primaires = np.isin(marques, PRIMAIRES) & ~self.fixe
        self.marques = np.where(self.primaires, marques, "")
        self.publie = column("publie", True) | self.fixe
        self.cachees = (self.primaires | ~self.publie) & ~self.fixe
        self.candidate = ~self.cachees & ~self.fixe
        self.cout = np.maximum(column("cout", np.nan) if "cout" in cellules else np.abs(self.valeur), 1e-3)
        self.priorite = column("priorite", 0)
        self.qui = cellules["contributeur"].to_numpy(dtype=object) if "contributeur" in cellules else np.full(n, None)
        bas, haut = known_intervals(matrice, self.valeur, self.fixe, column("bas", 0.0), column("haut", np.inf))
        largeur = np.maximum(largeur_min, largeur_part * np.abs(self.valeur))
        largeur = np.where(self.valeur == 0, np.minimum(largeur, 1), largeur)  # that it may not be nought is enough
        if "ampleur" in cellules:
            voulue = column("ampleur", np.nan)
            largeur = np.where(np.isnan(voulue), largeur, voulue)
        cote = np.where(column("entiere", True), np.minimum(1.0, largeur), largeur / 2)
        self.marges = Marges(
            matrice, bas - self.valeur, haut - self.valeur, np.minimum(cote, self.valeur - bas),
            np.minimum(cote, haut - self.valeur), np.minimum(largeur, haut - bas),
        )  # fmt: skip

    def candidates(self) -> list[int]:
        """What may be masked, the lowest priority then the cheapest first; equal costs in the order of the cells."""
        possibles = np.flatnonzero(self.candidate)
        return [int(i) for i in possibles[np.lexsort((self.cout[possibles], self.priorite[possibles]))]]

    def contributors(self) -> list[list[int]]:
        """Confidential cells that one respondent makes alone: it knows them all."""
        groupes: dict[Any, list[int]] = defaultdict(list)
        for i in np.flatnonzero(self.primaires):
            if self.qui[i] is not None and self.qui[i] == self.qui[i]:
                groupes[self.qui[i]].append(int(i))
        return list(groupes.values())

    def hide(self, cellules: ArrayLike) -> None:
        self.cachees[np.asarray(cellules, dtype=int)] = True

    def widen(self, p: int, sens: float, ampleur: float, inconnues: np.ndarray) -> np.ndarray | None:
        """Cells to hide for cell p to move so when `inconnues` are unknown: of the lowest priorities that are enough, the cheapest;
        None if nothing is."""
        prix = np.where(self.candidate & ~self.cachees, self.cout, np.inf)
        for priorite in np.unique([0, *self.priorite[np.isfinite(prix)]]):
            permis = np.where(self.priorite <= priorite, prix, np.inf)
            ajoutees = self.marges.widen(p, sens, ampleur, inconnues, permis)
            if ajoutees is not None:
                return ajoutees
        return None

    def widen_all(self) -> None:
        """Hide what it takes for each confidential cell to have the interval wanted, if it can be."""
        m = self.marges
        for p in m.prove(self.cachees, self.primaires):
            for sens in (1.0, -1.0):
                voulu = (m.dessus if sens > 0 else m.dessous)[p]
                obtenu = m.haut[p] if sens > 0 else -m.bas[p]
                if obtenu < voulu - 1e-6:
                    self._widen(int(p), sens, voulu)
            manque = m.largeur[p] - (m.haut[p] - m.bas[p])
            for sens in (1.0, -1.0):
                if manque > 1e-6:
                    self._widen(int(p), sens, manque + (m.haut[p] if sens > 0 else -m.bas[p]))
                    manque = m.largeur[p] - (m.haut[p] - m.bas[p])

    def _widen(self, p: int, sens: float, ampleur: float) -> None:
        m = self.marges
        possible = min(ampleur, m.max_[p] if sens > 0 else -m.min_[p])
        ajoutees = self.widen(p, sens, possible, self.cachees)
        if ajoutees is None:
            self._as_far_as_possible(p, sens)
        else:
            self.hide(ajoutees)

    def _as_far_as_possible(self, p: int, sens: float) -> None:
        """Even if everything were masked the cell would not move that far: everybody knew it."""
        m = self.marges
        loin = m.reach(p, sens, ~self.fixe)
        if sens > 0:
            m.max_[p] = loin
            m.dessus[p] = min(m.dessus[p], loin)
        else:
            m.min_[p] = -loin
            m.dessous[p] = min(m.dessous[p], loin)
        m.largeur[p] = min(m.largeur[p], m.max_[p] - m.min_[p])
        if loin > 1e-6:
            ajoutees = self.widen(p, sens, loin * (1 - 1e-9), self.cachees)
            self.hide(ajoutees if ajoutees is not None else [])

    def widen_against(self, groupes: list[list[int]], perdues: Perdues) -> None:
        """No respondent may tell another's cell exactly, even with what bounds allow. Many are tried as one coalition, which
        knows more than each; any two are apart in one of the coalitions, so that each cell is tried against each respondent."""
        visees = self.primaires & (self.marges.dessous + self.marges.dessus > 0)
        visees[sorted(perdues.tous)] = False
        cote = int(np.ceil(np.sqrt(len(groupes))))
        suspects: dict[int, set[int]] = defaultdict(set)
        tous = list(range(len(groupes)))
        for coalition in [c for i in range(cote) for c in (tous[i::cote], tous[i * cote : (i + 1) * cote])]:
            inconnues = self.cachees.copy()
            inconnues[[c for k in coalition for c in groupes[k]]] = False
            for touchee in np.flatnonzero(self.marges.still(inconnues, visees)):
                suspects[int(touchee)] |= set(coalition)
        siennes = [frozenset(g) for g in groupes]
        for p, restent in sorted(suspects.items()):
            restent = {k for k in restent if p not in siennes[k] and not perdues.lost(p, k)}
            proches = self.marges.near(p, self.cachees)
            while restent:
                k = min(restent)
                temoin = self.marges.witness(p, _without(proches, groupes[k]))
                if temoin is None:
                    temoin = self.marges.witness(p, _without(self.cachees, groupes[k]))
                if temoin is None:
                    self._widen_against(groupes[k], p)
                    restent.discard(k)
                else:
                    bouge = set(temoin.tolist())
                    restent = {i for i in restent if i != k and bouge & siennes[i]}

    def _widen_against(self, siennes: list[int], p: int) -> None:
        inconnues = _without(self.cachees, siennes)
        for sens in (1.0, -1.0):
            ajoutees = self.widen(p, sens, 0.5, inconnues)
            if ajoutees is not None:
                self.hide(ajoutees)
                return

    def clean(self, groupes: list[list[int]], effort: float) -> None:
        """Show again what protects nothing: masked cells that the visible ones tell, then, the last to be masked first and within
        what `effort` allows, those without which every interval keeps its width. What respondents would tell by what they know is
        then hidden again."""
        secondaires = self.cachees & self.candidate
        self.cachees[told_exactly(self.matrice, self.cachees, secondaires)] = False
        ordre = np.flatnonzero(self.cachees & self.candidate)
        a_prouver = self.primaires & self.marges.proven()
        limite = self.marges.travail + effort
        for c in ordre[np.lexsort((-self.cout[ordre], -self.priorite[ordre]))]:
            if self.marges.travail > limite:
                break
            self.cachees[c] = False
            essai = self.marges.without(int(c))
            if len(essai.prove(self.cachees, a_prouver, tous=False)):
                self.cachees[c] = True
                self.marges.travail = essai.travail
            else:
                self.marges = essai
        restent = [c for c in self.candidates() if not self.cachees[c]]
        ajoutees, _ = hide_by_elimination(self.matrice, self.cachees, self.primaires, restent, groupes)
        self.hide(ajoutees)

    def result(self) -> pd.DataFrame:
        statut = np.where(self.primaires, self.marques, np.where(self.cachees, np.where(self.candidate, "D", "N"), "V"))
        montre = self.cachees
        m = self.marges
        return pd.DataFrame({
            "statut": statut,
            "bas": np.where(montre, self.valeur + m.bas, self.valeur),
            "haut": np.where(montre, self.valeur + m.haut, self.valeur),
            "protege": ~self.primaires | m.proven(),
        }, index=self.index)  # fmt: skip


def _without(cellules: np.ndarray, connues: list[int]) -> np.ndarray:
    reste = cellules.copy()
    reste[connues] = False
    return reste
