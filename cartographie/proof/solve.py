"""What a reader of a release can recompute: the interval left to each masked cell by the sums published."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

# ---- what a reader knows before opening the release: each equation bounds its terms by what the others leave

TOURS_BORNES = 30


def before_release(
    matrice: sparse.csr_array, constantes: np.ndarray, connue: np.ndarray, vraie: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(lowest, highest) value of every count when only the `connue` ones are known; counts are not negative."""
    bas, haut = np.where(connue, vraie, 0.0), np.where(connue, vraie, np.inf)
    coo = matrice.tocoo()
    ligne, cellule, signe = coo.row, coo.col, coo.data
    n = matrice.shape[0]
    for _ in range(TOURS_BORNES):
        petit = np.where(signe > 0, bas[cellule], -haut[cellule])
        grand = np.where(signe > 0, haut[cellule], -bas[cellule])
        sans_fin_bas, sans_fin_haut = np.isinf(petit), np.isinf(grand)
        sommes = [
            np.bincount(ligne, np.where(i, 0.0, x), n)[ligne]
            for x, i in ((petit, sans_fin_bas), (grand, sans_fin_haut))
        ]
        nombre = [np.bincount(ligne, i, n)[ligne] for i in (sans_fin_bas, sans_fin_haut)]
        # the term lies between the constant less the most, and less the least, that the others make
        moins = np.where(
            nombre[1] - sans_fin_haut > 0, -np.inf, constantes[ligne] - sommes[1] + np.where(sans_fin_haut, 0.0, grand)
        )
        plus = np.where(
            nombre[0] - sans_fin_bas > 0, np.inf, constantes[ligne] - sommes[0] + np.where(sans_fin_bas, 0.0, petit)
        )
        nouveau_bas, nouveau_haut = bas.copy(), haut.copy()
        np.maximum.at(nouveau_bas, cellule, np.where(signe > 0, moins, -plus))
        np.minimum.at(nouveau_haut, cellule, np.where(signe > 0, plus, -moins))
        if np.array_equal(nouveau_bas, bas) and np.array_equal(nouveau_haut, haut):
            break
        bas, haut = nouveau_bas, nouveau_haut
    return bas, haut


# ---- what a reader of a release can recompute: the interval left to each masked cell by the sums published

# Shares no code with what masks the cells. A cell that is `exact`, or whose interval is too narrow, is disclosed.

TOLERANCE = 1e-6
TOURS = 8  # attempts at proving many cells with one table, before going one by one
CONTRADICTION = "Les cellules visibles se contredisent"
Tableau: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Equations: TypeAlias = np.ndarray | sparse.sparray | Iterable[tuple[Hashable, Sequence[Hashable]]]
Connus: TypeAlias = Mapping[Hashable, float] | Iterable[Hashable] | None


def attack(
    cellules: pd.DataFrame,
    equations: Equations,
    *,
    constantes: Sequence[float] | Tableau | None = None,
    cibles: Iterable[Hashable] | None = None,
    exigence: pd.DataFrame | None = None,
    connus: Connus = None,
) -> pd.DataFrame:
    """Intervals of the masked cells (`valeur` missing) of M x = constantes: `bas`, `haut`, `exact`.

    `cellules`: `valeur`, `bas` (0), `haut` (infinite), `entier` (True). `equations`: M, or (parent, [children]) labels;
    `constantes`: 0 by default. `connus`: cells whose true value the attacker knows too. With `exigence` (`valeur`, `largeur`,
    `dessous`, `dessus` by cell): also `prouve`, and the search stops at the proof, so that `bas` and `haut` of a proven cell
    are only values it may take. Raises ValueError when the visible cells contradict each other.
    """
    if not cellules.index.is_unique:
        raise ValueError("Deux cellules portent la même clé")
    systeme = _System.build(cellules, equations, constantes, _known(connus, exigence))
    if exigence is not None:
        cibles = exigence.index if cibles is None else cibles
    masquees = np.isnan(systeme.donnees)
    voulues = masquees.copy()
    if cibles is not None:
        cibles = list(cibles)
        if inconnues := [c for c in cibles if c not in cellules.index]:
            raise ValueError(f"Cellule visée inconnue : {inconnues[0]!r}")
        voulues &= np.asarray(cellules.index.isin(cibles))
    besoin = None if exigence is None else _Need.build(exigence, cellules.index)
    systeme.presolve()
    for piece in systeme.pieces(voulues):
        if besoin is None:
            piece.enclose(voulues)
        else:
            piece.prove(voulues, besoin)
    bas, haut = systeme.rounded(np.flatnonzero(voulues))
    rendu = pd.DataFrame({"bas": bas, "haut": haut}, index=cellules.index[voulues])
    rendu["exact"] = (rendu["haut"] - rendu["bas"]).abs() <= TOLERANCE * (1 + rendu["bas"].abs())
    if besoin is not None:
        rendu["prouve"] = besoin.met(bas, haut, np.flatnonzero(voulues))
        rendu.loc[rendu["prouve"] & (besoin.largeur[voulues] > 0), "exact"] = False
    return rendu


def table_links(
    cellules: pd.DataFrame, axes: Mapping[str, Sequence[tuple[Hashable, Sequence[Hashable]]]]
) -> list[tuple[Hashable, list[Hashable]]]:
    """(parent label, [child labels]) of a table: one column an axis, and for each axis who is the sum of whom.

    A sum one of whose cells is not in the table says nothing and is left out.
    """
    colonnes = list(axes)
    places = {tuple(cle): etiquette for etiquette, *cle in cellules[colonnes].itertuples(name=None)}
    liens: list[tuple[Hashable, list[Hashable]]] = []
    for rang, axe in enumerate(colonnes):
        for parent, enfants in axes[axe]:
            for cle, etiquette in places.items():
                if cle[rang] == parent:
                    somme = [places.get((*cle[:rang], e, *cle[rang + 1 :])) for e in enfants]
                    if None not in somme:
                        liens.append((etiquette, somme))
    return liens


def _known(connus: Connus, exigence: pd.DataFrame | None) -> dict[Hashable, float]:
    if connus is None or isinstance(connus, Mapping):
        return dict(connus or {})
    etiquettes = list(connus)
    if exigence is None or not set(etiquettes) <= set(exigence.index):
        raise ValueError(
            "Donnez la vraie valeur des cellules connues de l'attaquant, dans `exigence` ou par un dictionnaire"
        )
    return {e: float(exigence.at[e, "valeur"]) for e in etiquettes}


def _matrix(equations: Equations, index: pd.Index) -> sparse.csr_matrix:
    if sparse.issparse(equations) or isinstance(equations, np.ndarray):
        matrice = sparse.csr_matrix(equations, dtype=float)
    else:
        rangs, lignes, colonnes, signes = {e: i for i, e in enumerate(index)}, [], [], []
        equations = list(equations)
        for n, (parent, enfants) in enumerate(equations):
            for etiquette, signe in [(parent, -1.0), *((e, 1.0) for e in enfants)]:
                if etiquette not in rangs:
                    raise ValueError(f"Une équation nomme une cellule absente : {etiquette!r}")
                lignes.append(n)
                colonnes.append(rangs[etiquette])
                signes.append(signe)
        matrice = sparse.csr_matrix((signes, (lignes, colonnes)), shape=(len(equations), len(index)))
    if matrice.shape[1] != len(index):
        raise ValueError(f"{matrice.shape[1]} colonnes dans les équations pour {len(index)} cellules")
    return matrice


@dataclass
class _Need:
    """What must be shown possible, by cell (missing where nothing is asked)."""

    valeur: Tableau
    largeur: Tableau
    dessous: Tableau
    dessus: Tableau

    @classmethod
    def build(cls, exigence: pd.DataFrame, index: pd.Index) -> _Need:
        t = exigence.reindex(index)
        return cls(*(t[c].to_numpy(dtype=float, na_value=np.nan) for c in ("valeur", "largeur", "dessous", "dessus")))

    def met(self, bas: Tableau, haut: Tableau, i: np.ndarray) -> np.ndarray:
        return self.low(bas, i) & self.high(haut, i) & (haut - bas >= self.largeur[i] - TOLERANCE)

    def low(self, bas: Tableau, i: np.ndarray) -> np.ndarray:
        return bas <= self.valeur[i] - self.dessous[i] + TOLERANCE

    def high(self, haut: Tableau, i: np.ndarray) -> np.ndarray:
        return haut >= self.valeur[i] + self.dessus[i] - TOLERANCE


@dataclass
class _System:
    """M x = b with what is known of x. `vu_bas`, `vu_haut`: the extreme values met, or the bounds once they are settled."""

    matrice: sparse.csr_matrix
    b: Tableau
    x: Tableau
    bas: Tableau
    haut: Tableau
    entier: np.ndarray
    donnees: Tableau = field(default_factory=lambda: np.empty(0))
    vu_bas: Tableau = field(default_factory=lambda: np.empty(0))
    vu_haut: Tableau = field(default_factory=lambda: np.empty(0))
    reste: Tableau = field(default_factory=lambda: np.empty(0))

    @classmethod
    def build(
        cls,
        cellules: pd.DataFrame,
        equations: Equations,
        constantes: Sequence[float] | Tableau | None,
        connus: Mapping[Hashable, float],
    ) -> _System:
        matrice = _matrix(equations, cellules.index)
        b = np.zeros(matrice.shape[0]) if constantes is None else np.asarray(constantes, dtype=float)
        if len(b) != matrice.shape[0]:
            raise ValueError(f"{len(b)} constantes pour {matrice.shape[0]} équations")
        x = cellules["valeur"].to_numpy(dtype=float, na_value=np.nan).copy()
        donnees = x.copy()
        for etiquette, valeur in connus.items():
            rang = cellules.index.get_loc(etiquette)
            x[rang] = donnees[rang] = valeur

        def column(nom: str, defaut: float) -> Tableau:
            return cellules[nom].to_numpy(dtype=float, na_value=defaut) if nom in cellules else np.full(len(x), defaut)

        bas, haut = np.nan_to_num(column("bas", 0.0), nan=0.0, neginf=-np.inf), column("haut", np.inf).copy()
        haut[np.isnan(haut)] = np.inf
        entier = column("entier", 1.0) != 0
        bas, haut = _round(bas, haut, entier)
        return cls(matrice, b, x, bas, haut, entier, donnees, np.full(len(x), np.inf), np.full(len(x), -np.inf))

    def presolve(self) -> None:
        """Equations with one unknown, again and again; those with none must hold."""
        while True:
            inconnu = np.isnan(self.x)
            reste = self.b - self.matrice @ np.where(inconnu, 0.0, self.x)
            motif = self.matrice[:, inconnu]
            motif.eliminate_zeros()
            nombre = np.diff(motif.indptr)
            if (np.abs(reste[nombre == 0]) > TOLERANCE * self._scale()[nombre == 0]).any():
                raise ValueError(CONTRADICTION)
            seules = np.flatnonzero(nombre == 1)
            if not len(seules):
                self.reste = reste
                break
            colonnes = np.flatnonzero(inconnu)[motif.indices[motif.indptr[seules]]]
            self.x[colonnes] = reste[seules] / motif.data[motif.indptr[seules]]
        fixes = np.isnan(self.donnees) & ~np.isnan(self.x)
        ecart = TOLERANCE * (1 + np.abs(np.where(fixes, self.x, 0.0)))
        if (fixes & ((self.x < self.bas - ecart) | (self.x > self.haut + ecart))).any():
            raise ValueError(f"{CONTRADICTION} : une cellule masquée sortirait de ses bornes")
        self.vu_bas[fixes] = self.vu_haut[fixes] = self.x[fixes]

    def _scale(self) -> Tableau:
        return 1 + abs(self.matrice) @ np.abs(np.nan_to_num(self.x))

    def pieces(self, voulues: np.ndarray) -> list[_Piece]:
        """Sets of unknowns bound together, those that hold a target; a cell bound by nothing keeps its a-priori interval."""
        inconnues = np.flatnonzero(np.isnan(self.x))
        motif = self.matrice[:, inconnues].tocsr()
        motif.eliminate_zeros()
        lignes = np.flatnonzero(np.diff(motif.indptr))
        motif = motif[lignes]
        libres = inconnues[np.diff(motif.tocsc().indptr) == 0]
        self.vu_bas[libres], self.vu_haut[libres] = self.bas[libres], self.haut[libres]
        _, groupes = connected_components(abs(motif.T) @ abs(motif), directed=False)
        par_ligne = groupes[motif.indices[motif.indptr[:-1]]]
        rendues = []
        for groupe in np.unique(groupes[voulues[inconnues]]):
            mes, miennes = np.flatnonzero(groupes == groupe), np.flatnonzero(par_ligne == groupe)
            if len(miennes):
                rendues.append(_Piece(self, inconnues[mes], motif[miennes][:, mes], self.reste[lignes[miennes]]))
        return rendues

    def rounded(self, i: np.ndarray) -> tuple[Tableau, Tableau]:
        return _round(self.vu_bas[i], self.vu_haut[i], self.entier[i])


@dataclass
class _Piece:
    """One component of unknowns, attacked by linear programs."""

    systeme: _System
    cellules: np.ndarray
    matrice: sparse.csr_matrix
    b: Tableau

    def solve(self, cout: Tableau, bas: Tableau | None = None, haut: Tableau | None = None) -> float:
        """The least value of cout·x; its solution is a table the attacker cannot rule out, and is noted."""
        s, i = self.systeme, self.cellules
        bornes = np.column_stack([s.bas[i] if bas is None else bas, s.haut[i] if haut is None else haut])
        resultat: Any = linprog(cout, A_eq=self.matrice, b_eq=self.b, bounds=bornes, method="highs")
        if resultat.status == 4:  # « unbounded or infeasible »: asked again without the presolve of the solver
            resultat = linprog(
                cout, A_eq=self.matrice, b_eq=self.b, bounds=bornes, method="highs", options={"presolve": False}
            )
        if resultat.status == 3:
            return -np.inf
        if resultat.status == 2:
            raise ValueError(f"{CONTRADICTION} : aucun tableau ne les vérifie toutes")
        if resultat.status != 0:
            raise RuntimeError(f"Le programme linéaire n'a pas abouti : {resultat.message}")
        s.vu_bas[i], s.vu_haut[i] = np.minimum(s.vu_bas[i], resultat.x), np.maximum(s.vu_haut[i], resultat.x)
        return float(resultat.fun)

    def settle(self, k: int) -> None:
        """The exact interval of one cell; a bound already reached is not asked for."""
        s, i = self.systeme, self.cellules[k]
        cout = np.zeros(len(self.cellules))
        for signe, borne, vus in ((1.0, s.bas, s.vu_bas), (-1.0, s.haut, s.vu_haut)):
            if not np.isclose(vus[i], borne[i], rtol=TOLERANCE, atol=TOLERANCE):
                cout[k] = signe
                vus[i] = signe * self.solve(cout)

    def enclose(self, voulues: np.ndarray) -> None:
        for k in np.flatnonzero(voulues[self.cellules]):
            self.settle(int(k))

    def prove(self, voulues: np.ndarray, besoin: _Need) -> None:
        """First tables that move many unproven cells at once, each no further than it needs; then one by one."""
        s, i = self.systeme, self.cellules
        demande = voulues[i] & ~np.isnan(besoin.valeur[i])
        s.vu_bas[i[demande]] = s.vu_haut[i[demande]] = besoin.valeur[i[demande]]  # the true table is one of them
        for tour in range(TOURS):
            avant = (demande & ~self._proven(besoin)).sum()
            for vers_le_haut in (True, False):
                self._move(demande & ~self._proven(besoin), besoin, vers_le_haut)
            apres = (demande & ~self._proven(besoin)).sum()
            if not apres or (tour and apres == avant):
                break
        for k in np.flatnonzero(voulues[i]):
            if not (demande[k] and self._proven(besoin)[k]):
                self.settle(int(k))

    def _proven(self, besoin: _Need) -> np.ndarray:
        return besoin.met(*self.systeme.rounded(self.cellules), self.cellules)

    def _move(self, restent: np.ndarray, besoin: _Need, vers_le_haut: bool) -> None:
        s, i = self.systeme, self.cellules
        vu_bas, vu_haut = s.rounded(i)
        marge = np.maximum(besoin.dessus[i] if vers_le_haut else besoin.dessous[i], 0.0)
        autre = besoin.valeur[i] - vu_bas if vers_le_haut else vu_haut - besoin.valeur[i]
        marge = np.maximum(marge, besoin.largeur[i] - autre)
        atteint = vu_haut >= besoin.valeur[i] + marge if vers_le_haut else vu_bas <= besoin.valeur[i] - marge
        visees = restent & ~atteint & (marge > 0)
        if not visees.any():
            return
        bas, haut, cout = s.bas[i].copy(), s.haut[i].copy(), np.zeros(len(i))
        cout[visees] = (-1.0 if vers_le_haut else 1.0) / marge[visees]
        if vers_le_haut:
            haut[visees] = np.minimum(haut[visees], np.maximum(besoin.valeur[i] + marge, bas)[visees])
        else:
            bas[visees] = np.maximum(bas[visees], np.minimum(besoin.valeur[i] - marge, haut)[visees])
        self.solve(cout, bas, haut)


def _round(bas: Tableau, haut: Tableau, entier: np.ndarray) -> tuple[Tableau, Tableau]:
    """Inwards, to integers, where the cell counts."""
    return np.where(entier, np.ceil(bas - TOLERANCE), bas), np.where(entier, np.floor(haut + TOLERANCE), haut)
