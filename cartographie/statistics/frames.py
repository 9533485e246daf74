"""One campaign's analysis frames, with what the tables ask of them, and where their rows fall in a grid."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from itertools import chain
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from cartographie.statistics.weights import Ponderation
from cartographie.survey.conditions import references
from cartographie.survey.evaluate import Contexte, evaluate, known
from cartographie.survey.model import SUFFIXE_PANEL, Questionnaire
from cartographie.survey.written.declared import NombreDeLignes, Seuils

# ---- where rows fall: a placement puts each row of a grain in the cells of a grid, with the weight it has there

# A row counts once in a cell. A respondent that answered for several sites has one line per cell where it has sites, with
# the weight of those sites: expanded explicitly, and counted once wherever cells are summed.

Paires = tuple[np.ndarray, np.ndarray]  # (row position, modality index), sorted by position, without duplicates


@dataclass(frozen=True, slots=True)
class Placement:
    """One line: one row of the grain in one cell. Sorted by `lignes`; `poids`: what the row weighs in that cell."""

    lignes: np.ndarray
    cellules: np.ndarray
    poids: np.ndarray


@dataclass(frozen=True, slots=True)
class Lignes:
    """One line: one row of the grain at one place of the grid. `plat`: cell × dimension, flat; `source`: index in what was
    placed; `repondants`: the respondent it belongs to."""

    lignes: np.ndarray
    plat: np.ndarray
    source: np.ndarray
    poids: np.ndarray
    repondants: np.ndarray


@dataclass(frozen=True, slots=True)
class Grille:
    """A grid of `cellules` × `dimensions`. `dimension`: (row, modality) pairs, or None when there is no dimension."""

    placement: Placement
    cellules: int
    dimension: Paires | None
    dimensions: int
    repondants: np.ndarray
    tailles: np.ndarray | None = None  # an indicator may weigh each row by a size of its own

    @property
    def taille(self) -> int:
        return self.cellules * self.dimensions

    def place(self, pos: np.ndarray) -> Lignes:
        """The rows at `pos` (sorted, repeated ones stay apart) wherever they fall; those outside the grid are left out."""
        i, j = join(pos, self.placement.lignes)
        lignes, plat, poids = pos[i], self.placement.cellules[j], self.placement.poids[j]
        if self.dimension is not None:
            k, d = join(lignes, self.dimension[0])
            lignes, i, poids = lignes[k], i[k], poids[k]
            plat = plat[k] * self.dimensions + self.dimension[1][d]
        if self.tailles is not None:
            poids = poids * self.tailles[lignes]
        return Lignes(lignes, plat, i, poids, self.repondants[lignes])


@dataclass(frozen=True, slots=True)
class Parts:
    """One line: one respondent at one place of the grid. `somme`: what it brings, not weighted."""

    plat: np.ndarray
    repondants: np.ndarray
    somme: np.ndarray


def by_respondent(plat: np.ndarray, repondants: np.ndarray, valeurs: np.ndarray | None = None) -> Parts:
    """Contributions summed by place and respondent, sorted; without `valeurs`, each line counts 1."""
    largeur = int(repondants.max(initial=0)) + 1
    cles, rang = np.unique(plat.astype(np.int64) * largeur + repondants, return_inverse=True)
    somme = np.bincount(rang, valeurs, minlength=len(cles)).astype(float)
    return Parts(cles // largeur, cles % largeur, somme)


def join(pos: np.ndarray, lignes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index in `pos`, index in `lignes`) of each match; `lignes` is sorted, a value of `pos` may match several of them."""
    debut, fin = np.searchsorted(lignes, pos, "left"), np.searchsorted(lignes, pos, "right")
    fois = fin - debut
    rang = np.arange(int(fois.sum())) - np.repeat(np.cumsum(fois) - fois, fois)
    return np.repeat(np.arange(len(pos)), fois), np.repeat(debut, fois) + rang


# ---- one campaign's analysis frames, with what the tables ask of them: conditions, units, modalities, availability

SUFFIXE_PRECEDENTE = "_precedente"
COLONNE_VARIABLE, COLONNE_REGLE = "variable", "regle"  # of the quality and findings grains
LIBELLES_COLONNES = {COLONNE_VARIABLE: "Question", COLONNE_REGLE: "Règle"}
_PLACE = re.compile(r"«?\s?\{[^}]*\}\s?»?")
P = ParamSpec("P")
T = TypeVar("T")
Condition = Mapping[str, Any] | None


def kept(methode: Callable[Concatenate[Edition, P], T]) -> Callable[Concatenate[Edition, P], T]:
    """A method of an edition whose result is kept, by its arguments."""

    @wraps(methode)
    def gardee(self: Edition, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.memo((methode.__name__, repr(args), repr(kwargs)), lambda: methode(self, *args, **kwargs))

    return gardee


@dataclass
class Edition:
    """Analysis frames of one campaign. One frame per grain; `cache` keeps what several tables share."""

    questionnaire: Questionnaire
    campagne: str
    frames: Mapping[str, pd.DataFrame]
    ponderation: Ponderation | None = None
    cache: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def seuils(self) -> Seuils:
        """The campaign's thresholds, as declared."""
        return self.questionnaire.campagnes[self.campagne].parametres.get("seuils", {})

    def frame(self, grain: str) -> pd.DataFrame:
        """The frame of a grain, an empty one when the campaign has none."""
        df = self.frames.get(grain)
        return df if df is not None else pd.DataFrame({"id_repondant": pd.Series(dtype=object)})

    def memo(self, cle: Hashable, calcul: Callable[[], T]) -> T:
        """The result kept under that key, computed the first time."""
        if cle not in self.cache:
            self.cache[cle] = calcul()
        resultat: T = self.cache[cle]
        return resultat

    def _evalue(self, comment: Callable[..., ArrayLike], grain: str, condition: Mapping[str, Any] | None) -> np.ndarray:
        """What `comment` says of each row, kept."""
        q, campagne = self.questionnaire, self.campagne
        contexte = Contexte(entite=grain, lots=self.frames, questionnaire=q, campagne=campagne, base=None)
        cle = (comment.__name__, grain, repr(condition))
        return self.memo(cle, lambda: np.asarray(comment(condition, contexte), dtype=bool))

    def vraie(self, grain: str, condition: Mapping[str, Any] | None) -> np.ndarray:
        """One boolean per row: the condition holds (all true without a condition)."""
        n = len(self.frame(grain))
        if condition is None or n == 0:
            return np.ones(n, dtype=bool)
        return self._evalue(evaluate, grain, condition)

    def connue(self, grain: str, condition: Mapping[str, Any]) -> np.ndarray:
        """One boolean per row: every variable the condition reads is answered."""
        if len(self.frame(grain)) == 0:
            return np.ones(0, dtype=bool)
        return self._evalue(known, grain, condition)

    @kept
    def repondants(self, grain: str) -> np.ndarray:
        """One integer per row: the respondent it belongs to, the same one in every grain: its position in the root's
        frame, else past its end (the row itself in the sampling frame, or when unknown)."""
        df = self.frame(grain)
        if "id_repondant" not in df.columns or grain == self.questionnaire.base:
            return np.arange(len(df))
        ids, racine = df["id_repondant"].replace("", None).astype(object), self.frame(self.questionnaire.racine)
        codes = pd.Index(racine["id_repondant"].astype(object)).get_indexer(pd.Index(ids)) if len(racine) else None
        codes = np.full(len(df), -1) if codes is None else np.where(ids.isna(), -1, codes)
        autres = pd.factorize(ids.where(codes < 0, None))[0]
        codes = np.where(codes < 0, np.where(autres < 0, -1, len(racine) + autres), codes)
        return np.where(codes < 0, len(racine) + len(df) + np.arange(len(df)), codes)

    @kept
    def signatures(self, grain: str) -> np.ndarray:
        """One uint64 per respondent number of that grain, drawn from its identifier: the same from one edition to the next."""
        codes = self.repondants(grain)
        noms = self.frame(self.questionnaire.racine)["id_repondant"] if grain != self.questionnaire.base else []
        connus = [str(x) for x in noms]
        autres = [f"{grain}\x1f{i}" for i in range(len(connus), int(codes.max(initial=-1)) + 1)]
        return pd.util.hash_array(np.array([*connus, *autres], dtype=object), categorize=False)

    @kept
    def contributeurs(self, grain: str) -> np.ndarray:
        """One integer per respondent number of that grain: the contributor it is part of. Respondents that share one of the declared
        `groupe` variables, as they say or as the frame does, are one: who decides for all of them knows them all."""
        q = self.questionnaire
        n = int(self.repondants(grain).max(initial=-1)) + 1
        if grain == q.base:
            return np.arange(n)
        racine, base = self.frame(q.racine), self.frame(q.base or "")
        n = max(n, len(racine))
        liens = [np.zeros((0, 2), dtype=int)]
        for variable in q.enquete.get("groupe", ()):
            dits = [
                (df["id_repondant"], df[variable]) for df in (racine, base) if {variable, "id_repondant"} <= set(df)
            ]
            if not dits:
                continue
            qui, groupe = (
                pd.concat(x, ignore_index=True).replace("", None).astype(object) for x in zip(*dits, strict=True)
            )
            rang, code = (
                pd.Index(racine["id_repondant"].astype(object)).get_indexer(pd.Index(qui)),
                pd.factorize(groupe)[0],
            )
            connus = (rang >= 0) & (code >= 0)
            liens.append(np.column_stack([rang[connus], code[connus] + n + sum(len(x) for x in liens)]))
        i, j = np.concatenate(liens).T
        taille = max(n, int(j.max(initial=-1)) + 1)
        _, composante = connected_components(
            sparse.coo_array((np.ones(len(i)), (i, j)), shape=(taille, taille)), directed=False
        )
        _, premier, rang = np.unique(composante[:n], return_index=True, return_inverse=True)
        tous: np.ndarray = premier[rang]
        return tous

    def pondere(self, grain: str) -> bool:
        """Rows of that grain are weighted: they belong to respondents, and the campaign weights them."""
        q = self.questionnaire
        entite = grain.removesuffix(SUFFIXE_PANEL)
        return self.ponderation is not None and entite in q.entites and entite != q.base

    @kept
    def lines(self, grain: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(row, unit of the frame, weight) of every unit the row's respondent answers for, by row. A respondent weighs what
        its units weigh together; what it describes (a system) weighs their average, so as to count once."""
        assert self.ponderation is not None
        u = self.ponderation.unites
        repondants = self.repondants(grain)
        i, j = join(repondants, u["racine"].to_numpy())
        poids = u["poids"].to_numpy()[j]
        if grain.removesuffix(SUFFIXE_PANEL) != self.questionnaire.racine:
            poids = poids / np.bincount(i, minlength=len(repondants))[i]
        return i, u["base"].to_numpy()[j], poids

    def own_lines(self, grain: str) -> tuple[np.ndarray, None, np.ndarray]:
        """(row, no unit, 1) for every row."""
        n = len(self.frame(grain))
        return np.arange(n), None, np.ones(n)

    def classes(self, grain: str) -> tuple[np.ndarray, np.ndarray]:
        """(response group, weight) of each row, that of its respondent's first unit; -1 and 0 where it has none."""
        return self.memo(("classes", grain), lambda: self._classes(grain))

    def _classes(self, grain: str) -> tuple[np.ndarray, np.ndarray]:
        assert self.ponderation is not None
        n, (i, _, poids) = len(self.frame(grain)), self.lines(grain)
        u = self.ponderation.unites
        groupes = np.unique(u["groupe"].astype(str).to_numpy(), return_inverse=True)[1]
        _, j = join(self.repondants(grain), u["racine"].to_numpy())
        classe = np.full(n, -1)
        classe[i[::-1]] = groupes[j[::-1]]  # the first of each row is written last
        return classe, np.bincount(i, poids, minlength=n)

    def couvert(self, grain: str) -> np.ndarray:
        """One boolean per row: its respondent answers for at least one weighted unit of the frame."""
        if self.ponderation is None:
            return np.zeros(len(self.frame(grain)), dtype=bool)
        return np.isin(self.repondants(grain), self.ponderation.unites["racine"].to_numpy())

    def taille(self, grain: str, variable: str) -> np.ndarray:
        """Size of each row by a numeric variable; null counts for nothing."""
        df = self.frame(grain)
        if variable not in df.columns:
            return np.zeros(len(df))
        return np.asarray(pd.to_numeric(df[variable], errors="coerce").fillna(0), dtype=float)

    def nombres(self, grain: str, valeur: str | NombreDeLignes) -> np.ndarray:
        """One float per row: a numeric variable (nan: not answered) or the number of child rows meeting `si`."""
        df = self.frame(grain)
        if isinstance(valeur, str):
            if valeur not in df.columns:
                return np.full(len(df), np.nan)
            return np.asarray(
                pd.to_numeric(df[valeur], errors="coerce").astype("Float64").to_numpy(dtype=float, na_value=np.nan)
            )
        enfant = valeur["nombre"]
        if enfant not in self.frames:
            return np.zeros(len(df))
        parents = self.frame(enfant)["parent"].to_numpy(dtype=int)[self.vraie(enfant, valeur.get("si"))]
        return np.bincount(parents[parents >= 0], minlength=len(df)).astype(float)

    def concernee(self, grain: str, variable: str) -> np.ndarray:
        """One boolean per row: the variable was asked of it, whatever it answered."""
        declaree = self.questionnaire.variables.get(variable)
        return self.vraie(grain, declaree.condition_pose if declaree else None)

    # ---- classifications

    def modalites(self, grain: str, variable: str | Sequence[str]) -> list[tuple[str, str]]:
        """(code, label) of a classification, in nomenclature order; the values met, sorted, when it has none."""
        nom = variable if isinstance(variable, str) else variable[0]
        enfant, _, v = nom.rpartition(".")
        declaree = self.questionnaire.variables.get(v.removesuffix(SUFFIXE_PRECEDENTE))
        if declaree is not None and (declaree.nomenclature or "") in self.questionnaire.nomenclatures:
            campagne = self.campagne
            if declaree.nom != v:
                campagne = self.questionnaire.campagnes[campagne].precedente or campagne
            valides = self.questionnaire.nomenclatures[str(declaree.nomenclature)].valides(campagne)
            return [(m.code, m.libelle) for m in valides.values()]
        df = self.frame(enfant or grain)
        if v not in df.columns:
            return []
        vues = {str(x) for x in df[v].dropna().unique()}
        if v == COLONNE_REGLE:
            vues -= {r.code for r in self.questionnaire.regles if r.confidentiel}
        rang = {nom: i for i, nom in enumerate(self.questionnaire.variables)}
        ordre = sorted(vues, key=lambda c: (rang.get(c, len(rang)), c))
        return [(c, self.libelle_libre(v, c)) for c in ordre]

    def libelle_libre(self, colonne: str, code: str) -> str:
        """Label of a value that belongs to no nomenclature: a variable's own label, a rule's message, else the code."""
        if colonne == COLONNE_VARIABLE and code in self.questionnaire.variables:
            return self.questionnaire.variables[code].libelle
        if colonne == COLONNE_REGLE:
            messages = [r.message for r in self.questionnaire.regles if r.code == code]
            return f"{code} – {_PLACE.sub('…', messages[0])}" if messages else code
        return code

    @kept
    def paires(self, grain: str, variable: str | Sequence[str], codes: Sequence[str], si: Condition = None) -> Paires:
        """(row position, modality index) for each modality chosen; several for a multiple choice or a list of variables.

        "child.V": a row gets each modality met among its child rows meeting `si`.
        """
        noms = [variable] if isinstance(variable, str) else list(variable)
        morceaux: list[Paires] = []
        for nom in noms:
            enfant, _, v = nom.rpartition(".")
            df = self.frame(enfant or grain)
            if v not in df.columns:
                continue
            pos, valeurs = _explode(df[v])
            if enfant:
                garde = self.vraie(enfant, si)[pos]
                pos, valeurs = df["parent"].to_numpy(dtype=int)[pos[garde]], valeurs[garde]
            m = pd.Index(list(codes), dtype=object).get_indexer(pd.Index(valeurs, dtype=object))
            morceaux.append((pos[(m >= 0) & (pos >= 0)], m[(m >= 0) & (pos >= 0)]))
        if not morceaux:
            return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
        largeur = max(len(codes), 1)
        uniques = np.unique(np.concatenate([p * largeur + m for p, m in morceaux]))
        return uniques // largeur, uniques % largeur

    def renseignee(self, grain: str, variable: str | Sequence[str]) -> np.ndarray:
        """One boolean per row: the variable (any of them) is answered; always for a child's variable."""
        df = self.frame(grain)
        noms = [variable] if isinstance(variable, str) else list(variable)
        if any("." in n for n in noms):
            return np.ones(len(df), dtype=bool)
        presentes = [df[n].notna().to_numpy() for n in noms if n in df.columns]
        return np.logical_or.reduce(presentes) if presentes else np.zeros(len(df), dtype=bool)

    # ---- was it asked?

    @kept
    def disponible(self, grain: str, variable: str, vues: frozenset[str] = frozenset()) -> bool:
        """The variable was asked in that campaign, or can be derived from what was."""
        q = self.questionnaire
        prefixe, _, v = variable.rpartition(".")
        entite = prefixe or grain.removesuffix(SUFFIXE_PANEL)
        if v.endswith(SUFFIXE_PRECEDENTE) or entite not in q.entites or v not in q.variables:
            return v in self.frame(prefixe or grain).columns
        posees = q.posees(self.campagne)
        if (entite, v) in posees:
            return True
        if q.base is not None and v in q.entites[entite].depuis_base and (q.base, v) in posees:
            return True
        derivee = q.variables[v].derivee
        if derivee and v in self.frame(entite).columns and self.frame(entite)[v].notna().any():
            return True
        if not derivee or v in vues:
            parent = q.entites[entite].parent
            return bool(parent and parent in q.variables[v].entites and self.disponible(parent, v, vues | {v}))
        if "nombre" in derivee:
            return any(e == derivee["nombre"] for e, _ in posees)
        sources = q.sources(derivee)
        return bool(sources) and all(self.disponible(grain, s, vues | {v}) for s in sources)

    def possible(self, grain: str, condition: Mapping[str, Any] | None) -> bool:
        """False when the condition asks for variables not asked, or only for modalities not valid, in that campaign."""
        if not condition:
            return True
        if "et" in condition:
            return all(self.possible(grain, c) for c in condition["et"])
        if "ou" in condition:
            return any(self.possible(grain, c) for c in condition["ou"])
        if "non" in condition:
            return self._demandee(grain, condition["non"])
        for forme in ("nombre", "existe"):
            if forme in condition:
                return self.possible(condition[forme], condition.get("si"))
        if "variable" not in condition:
            return True
        if not self.disponible(grain, condition["variable"]):
            return False
        voulues = condition.get("dans", condition.get("contient", condition.get("egal")))
        voulues = [voulues] if isinstance(voulues, str) else voulues
        declaree = self.questionnaire.variables.get(condition["variable"].rpartition(".")[2])
        if not isinstance(voulues, list | tuple) or declaree is None or declaree.nomenclature is None:
            return True
        return bool({c for c, _ in self.modalites(grain, condition["variable"])} & {str(x) for x in voulues})

    def _demandee(self, grain: str, condition: Mapping[str, Any]) -> bool:
        """Every variable under a negation was asked; its modalities do not matter."""
        return all(self.disponible(g, v) for g, v in references(condition, grain))


def _explode(s: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(row position, value) of every value answered; multiple choices are tuples."""
    presentes = np.flatnonzero(s.notna().to_numpy())
    valeurs = s.to_numpy(dtype=object)[presentes]
    if len(valeurs) and any(isinstance(v, tuple | list | np.ndarray) for v in valeurs[:1]):
        longueurs = np.fromiter((len(v) for v in valeurs), dtype=int, count=len(valeurs))
        plat = np.fromiter(chain.from_iterable(valeurs), dtype=object, count=int(longueurs.sum()))
        return np.repeat(presentes, longueurs), plat
    return presentes, np.array([str(v) for v in valeurs], dtype=object)
