"""Everything released as one linear system: the counts that figures reveal, and what adds up to what.

One row of `cellules` is one count at one place. Equations say that places add up (regions make France), that answers do
(yes + no + don't know make the respondents), and, by the same rule, that a population is a part of another. True values
satisfy them up to constants (unknown region, several sites, item non-response), which the attacker is granted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from cartographie.secrecy.counts import (
    Compte,
    Place,
    Revelation,
    codes_of,
    known_from_the_frame,
    ordered,
    places,
    revelations,
    whole_of,
)
from cartographie.secrecy.equations import from_rows
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import COLONNES as COLONNES_PUBLIEES
from cartographie.survey.published import EVOLUTION, Prive, frees_zeros, selected
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import Axe, Selecteur, Seuils

Cle = tuple[str, Compte, Place]  # edition, what, where
COLONNES = [
    "cle",
    "cout",
    "publie",
    "primaire",
    "reste",
    "valeur",
    "contributeurs",
    "seul",
    "marque",
    "fixe",
    "zero_libre",
    "bas",
    "haut",
]


@dataclass
class Systeme:
    """`cellules`: index = rank; columns as statistics.suppression.suppress wants them. `numerateurs`, `bases`: cell of
    each row of all the tables one after the other, -1 when it reveals none. `equations`: M x = M (true values)."""

    cellules: pd.DataFrame
    equations: sparse.csr_array
    numerateurs: np.ndarray
    bases: np.ndarray


@dataclass
class _Carnet:
    """Cells being gathered: one entry per count and place. `minimum`: below it a number of contributors is confidential;
    `reponses`: (count, variable): those who are known to have all answered it; `ayant_repondu`: (edition, place, variables) →
    by population, how many of it answered them."""

    minimum: float
    rangs: dict[Cle, int] = field(default_factory=dict)
    lignes: list[dict[str, Any]] = field(default_factory=list)
    reponses: set[tuple[Cle, str]] = field(default_factory=set)
    ayant_repondu: dict[tuple[str, Place, frozenset[str]], dict[Compte, float]] = field(default_factory=dict)

    def cell(self, cle: Cle, **proprietes: float) -> int:
        """Rank of the cell; a cell met again is as confidential as its most confidential figure, and adds its cost."""
        if cle not in self.rangs:
            self.rangs[cle] = len(self.lignes)
            self.lignes.append({
                "cle": cle, "cout": 0.0, "publie": False, "primaire": "", "reste": None, "zero_libre": True, **proprietes,
            })  # fmt: skip
        return self.rangs[cle]

    def reveal(self, rang: int, primaire: str, cout: float, publie: bool, reste: float | None = None) -> None:
        x = self.lignes[rang]
        if primaire:
            x["reste"] = reste if not x["primaire"] or reste is None else x["reste"]
        x["cout"] += cout
        x["publie"] = x["publie"] or publie
        x["primaire"] = x["primaire"] or primaire


NON_MONTREES = ("n", "i")  # too few, too imprecise: nothing to hide, and not shown


class _Chiffre(NamedTuple):
    """One row of a draft: what secrecy knows of a figure."""

    edition: str
    statut: str
    secret: str
    secret_base: str
    base: float
    numerateur: float
    contributeurs_base: int
    contributeurs: int
    seul: int
    marque_base: int
    marque: int
    zeros_libres: bool  # of its table


_LUES = [c if c in COLONNES_PUBLIEES else Prive[c.upper()] for c in _Chiffre._fields[:-1]]


def build_system(
    q: Questionnaire, tableaux: Sequence[Tableau], seuils: Seuils, priorites: Sequence[Selecteur] = ()
) -> Systeme:
    """The system of all the tables together, previous editions included. `priorites`: figures to mask last, the first after all."""
    axes = q.enquete.get("axes", {})
    carnet = _Carnet(float(seuils.get("secret_min", 0)))
    rangs = [
        (-1, -1)
        if r is None
        else _reveal(
            q, carnet, _Chiffre._make((*ligne, frees_zeros(q.tableaux[t.code], seuils))), place, r, _cost(place, axes)
        )
        for t in tableaux
        for ligne, place, r in zip(
            t.df[_LUES].itertuples(index=False, name=None), places(t.df, axes), revelations(q, t), strict=True
        )
    ]
    perimetre = {
        c
        for t in tableaux
        for a, axe in axes.items()
        if "niveaux" not in axe
        for c in t.df.loc[t.df[Prive.CONSTANT], a].unique()
    }
    equations = [*_answers(q, carnet), *_places(q, carnet, axes, perimetre)]
    _bound_by_who_answered(carnet)
    cellules = pd.DataFrame(carnet.lignes, columns=COLONNES)
    m = from_rows(equations, len(cellules))
    for colonne, defaut in (("fixe", False), ("seul", -1)):
        cellules[colonne] = cellules[colonne].where(cellules[colonne].notna(), defaut)
    cellules["fixe"] = cellules["fixe"].astype(bool)
    cellules["primaire"] = cellules["primaire"].where(~cellules["fixe"], "")
    cellules["publie"] = cellules["publie"].astype(bool) | cellules["fixe"]
    cellules["reste"], cellules["seul"] = cellules["reste"].astype(float), _alone(cellules)
    numerateurs, bases = np.array(rangs).reshape(-1, 2).T
    priorite = np.zeros(len(cellules) + 1, dtype=int)  # the last: rank -1, no count
    for comptes in (numerateurs, bases):  # a figure needs its base
        np.maximum.at(priorite, comptes, np.concatenate([_priorities(t, priorites, axes) for t in tableaux]))
    cellules["priorite"] = priorite[:-1]
    return Systeme(cellules, m, numerateurs, bases)


def _reveal(
    q: Questionnaire, carnet: _Carnet, x: _Chiffre, place: Place, r: Revelation, cout: float
) -> tuple[int, int]:
    """The cells of the numerator and of the base of one figure, -1 for none."""
    haut = bas = -1
    if r.base is not None:
        bas = carnet.cell(
            (x.edition, r.base, place), valeur=x.base, contributeurs=x.contributeurs_base, seul=-1, marque=x.marque_base
        )
        fixe = known_from_the_frame(q, r.base)
        carnet.lignes[bas]["fixe"] = fixe
        carnet.reveal(bas, "" if fixe else x.secret_base, cout, not x.secret_base)
    if r.numerateur is not None:
        haut = carnet.cell(
            (x.edition, r.numerateur, place), valeur=x.numerateur, contributeurs=x.contributeurs, seul=x.seul, marque=x.marque
        )  # fmt: skip
        primaire = x.secret or (x.secret_base if x.base else "")  # of nobody, nothing is said
        carnet.lignes[haut]["zero_libre"] &= x.zeros_libres
        if not x.numerateur and x.zeros_libres:
            primaire = ""  # nought out of one or two answers is no more secret than nought out of many
        montre = x.statut not in NON_MONTREES and not x.secret and not x.secret_base
        carnet.reveal(haut, primaire, cout, montre, _rest(x, carnet.minimum))
        if r.base is not None:  # a base leaves out those who did not answer
            question = frozenset(r.numerateur.clauses - r.base.clauses)
            carnet.reponses |= {((x.edition, r.base, place), c[1]) for c in question if c[0] == "v"}
            posee = frozenset(c[1] for c in question)
            carnet.ayant_repondu.setdefault((x.edition, place, posee), {})[r.base] = x.base
    return haut, bas


def _bound_by_who_answered(carnet: _Carnet) -> None:
    """How many did not answer a question is granted: a population holds at least those of it who did not (`bas`), and at most
    (`haut`) those besides everybody who did, which is public."""
    for (edition, place, _), populations in carnet.ayant_repondu.items():
        lignes = {c: carnet.lignes[carnet.rangs[edition, c, place]] for c in populations}
        publics = [c for c, ligne in lignes.items() if ligne["fixe"]]
        for compte, ont in populations.items():
            ligne = lignes[compte]
            sans = max(ligne["valeur"] - ont, 0)
            ligne["bas"] = max(ligne.get("bas", 0.0), sans)
            for public in publics:
                if public.grain == compte.grain and public.clauses < compte.clauses:
                    ligne["haut"] = min(ligne.get("haut", np.inf), populations[public] + sans)


def _rest(x: _Chiffre, minimum: float) -> float | None:
    """What is left of the base when only that is too small to be told: the width wanted is that of the rest."""
    if x.secret != "A" or 0 < x.contributeurs < minimum or x.secret_base:
        return None
    return float(x.base - x.numerateur)


def _cost(place: Place, axes: Mapping[str, Any]) -> float:
    """What a figure is worth: national ones ten times those of a region or a kind of actor, themselves ten times a crossing."""
    return float(10 ** sum(noeud == whole_of(axe) for noeud, axe in zip(place.noeuds, axes.values(), strict=True)))


def _priorities(t: Tableau, priorites: Sequence[Selecteur], axes: Mapping[str, Axe]) -> np.ndarray:
    """Of each row of a draft: 0, or more the sooner it is named. A difference rests on the figures of two editions."""
    out = np.zeros(len(t.df), dtype=int)
    for priorite, s in enumerate(reversed(priorites), start=1):
        nom = s["indicateur"].removesuffix(EVOLUTION)
        if s["tableau"] == t.code:
            garde = selected(t.df, {**s, "indicateur": nom}, axes)
            out[garde if nom != s["indicateur"] else garde & (t.df[Prive.EDITION] != 0)] = priorite
    return out


def _alone(cellules: pd.DataFrame) -> np.ndarray:
    """The respondent that alone makes each count, -1 if several do: told by the mark it leaves wherever it is alone."""
    cles = list(zip((c[0] for c in cellules["cle"]), cellules["valeur"], cellules["marque"], strict=True))
    qui = {cle: seul for cle, seul in zip(cles, cellules["seul"], strict=True) if seul >= 0}
    return np.array([qui.get(cle, -1) for cle in cles], dtype=int)


# ---- answers


def _answers(q: Questionnaire, carnet: _Carnet) -> list[dict[int, int]]:
    """For every count and every clause on one variable: the count without that clause is the sum over its answers.

    Answers published together are cut into the smallest groups that make them all; groups published nowhere, and what
    meets not a clause that is not on one variable, become counts of their own, confidential when they are small."""
    familles: dict[tuple[Cle, str], set[frozenset[str]]] = {}
    opaques: list[tuple[Cle, Cle]] = []
    for edition, compte, place in list(carnet.rangs):
        for clause in ordered(compte.clauses):
            parent = (edition, replace(compte, clauses=compte.clauses - {clause}), place)
            if parent not in carnet.rangs:
                continue
            if clause[0] == "v":
                familles.setdefault((parent, clause[1]), set()).add(clause[2])
            else:
                opaques.append((parent, (edition, compte, place)))
    equations = []
    for (parent, variable), parties in familles.items():
        equations += _partition(q, carnet, parent, variable, parties)
    for parent, enfant in opaques:
        reste = (
            parent[0],
            parent[1].also(("c", f"sauf {ordered(enfant[1].clauses - parent[1].clauses)!r}")),
            parent[2],
        )
        equations.append({
            carnet.rangs[parent]: 1, carnet.rangs[enfant]: -1,
            _remainder(carnet, reste, carnet.rangs[parent], [carnet.rangs[enfant]]): -1,
        })  # fmt: skip
    return equations


def _partition(
    q: Questionnaire, carnet: _Carnet, parent: Cle, variable: str, parties: set[frozenset[str]]
) -> list[dict[int, int]]:
    """Equations between a count, the groups of answers published under it, and the smallest groups making them."""
    edition, compte, place = parent
    tous = codes_of(q, edition, variable) or frozenset().union(*parties)
    tous_repondu = (parent, variable) in carnet.reponses
    atomes: dict[tuple[bool, ...], set[str]] = {}
    ordre = sorted(parties, key=lambda p: (len(p), sorted(p)))
    for code in sorted(tous):
        atomes.setdefault(tuple(code in p for p in ordre), set()).add(code)
    rangs: dict[tuple[bool, ...], int] = {}
    for signature, codes in sorted(atomes.items()):
        cle = (edition, compte.also(("v", variable, frozenset(codes))), place)
        if cle in carnet.rangs:
            rangs[signature] = carnet.rangs[cle]
    manquants = [s for s in sorted(atomes) if s not in rangs]
    for signature in manquants:  # a value is known when the other groups of one published set, or of the whole, are
        cle = (edition, compte.also(("v", variable, frozenset(atomes[signature]))), place)
        connus = [r for s, r in rangs.items() if s in atomes]
        contenants = [i for i, dedans in enumerate(signature) if dedans]
        autres = [s for s in atomes if s != signature and contenants and s[contenants[0]]]
        if contenants and all(s in rangs for s in autres):
            total = carnet.rangs[edition, compte.also(("v", variable, ordre[contenants[0]])), place]
            rangs[signature] = _remainder(carnet, cle, total, [rangs[s] for s in autres], entier=False)
        elif len(manquants) == 1 and tous_repondu:
            rangs[signature] = _remainder(carnet, cle, carnet.rangs[parent], connus)
    equations = []
    for i, p in enumerate(ordre):
        dedans = [rangs[s] for s in atomes if s[i] and s in rangs]
        total = carnet.rangs[edition, compte.also(("v", variable, p)), place]
        if len(dedans) == sum(s[i] for s in atomes) and dedans != [total]:
            equations.append({total: 1, **dict.fromkeys(dedans, -1)})
    parts = list(rangs.values())
    if not tous_repondu:  # nobody says how many gave no answer
        sans = (edition, compte.also(("c", f"sans {variable}")), place)
        valeur = carnet.lignes[carnet.rangs[parent]]["valeur"] - sum(carnet.lignes[r]["valeur"] for r in parts)
        parts.append(carnet.cell(sans, valeur=max(valeur, 0.0), contributeurs=0.0, seul=-1, marque=0))
    if len(rangs) == len(atomes) or not tous_repondu:
        equations.append({carnet.rangs[parent]: 1, **dict.fromkeys(parts, -1)})
    return equations


def _remainder(carnet: _Carnet, cle: Cle, total: int, parties: Sequence[int], entier: bool = True) -> int:
    """A count published nowhere that follows by subtraction; as confidential as any other when it is 1 or 2. `entier`: the total is
    all who answered, not those of some answers."""
    valeur = carnet.lignes[total]["valeur"] - sum(carnet.lignes[r]["valeur"] for r in parties)
    nouveau = cle not in carnet.rangs
    marque = (carnet.lignes[total]["marque"] - sum(carnet.lignes[r]["marque"] for r in parties)) % 2**64
    rang = carnet.cell(cle, valeur=max(valeur, 0.0), contributeurs=max(valeur, 0.0), seul=-1, marque=marque)
    # all of it is the rest of noughts: as free as they are
    libres = entier and all(carnet.lignes[r]["zero_libre"] for r in parties)
    libres = libres and valeur == carnet.lignes[total]["valeur"]
    if nouveau and not cle[1].somme and 0 < valeur < carnet.minimum and not libres:
        carnet.reveal(rang, "A", 0.0, False)
    return rang


# ---- places


def _places(q: Questionnaire, carnet: _Carnet, axes: Mapping[str, Axe], perimetre: set[str]) -> list[dict[int, int]]:
    """The same count at the places that add up to a larger one, axis by axis."""
    groupes: dict[tuple[str, Compte], dict[Place, int]] = {}
    for (edition, compte, place), rang in carnet.rangs.items():
        groupes.setdefault((edition, compte), {})[place] = rang
    parents = _parents(q, axes)
    equations = []
    for cellules in groupes.values():
        for i, (_, axe) in enumerate(axes.items()):
            familles: dict[tuple[Any, ...], list[int]] = {}
            for place, rang in cellules.items():
                for mere in _above(place, i, axe, parents, perimetre):
                    familles.setdefault((mere, place.noeuds[i][0]), []).append(rang)
            for (mere, _), enfants in familles.items():
                if mere in cellules:
                    equations.append({cellules[mere]: 1, **dict.fromkeys(enfants, -1)})
    return equations


def _above(place: Place, i: int, axe: Axe, parents: Mapping[tuple[str, str], str], perimetre: set[str]) -> list[Place]:
    """The places that hold this one, along one axis; one of a constant perimeter holds the kinds of actor it is made of."""
    niveau, code = place.noeuds[i]

    def at(noeud: tuple[str, str], constant: bool) -> Place:
        return Place((*place.noeuds[:i], noeud, *place.noeuds[i + 1 :]), constant)

    racine = whole_of(axe)
    if place.noeuds[i] == racine:
        return []
    if "niveaux" not in axe:
        return [at(racine, False), *([at(racine, True)] if code in perimetre else [])]
    codes = [n["code"] for n in axe["niveaux"]]
    au_dessus = [at(racine, place.constant)]
    for bas, haut in pairwise(codes[codes.index(niveau) : 0 : -1]):  # its mother, then hers
        if (bas, code) not in parents:
            break
        code = parents[bas, code]
        au_dessus.append(at((haut, code), place.constant))
    return au_dessus


def _parents(q: Questionnaire, axes: Mapping[str, Axe]) -> dict[tuple[str, str], str]:
    """(level, code) → code of the level above it, from the classification of the level."""
    out = {}
    for axe in axes.values():
        for niveau in axe.get("niveaux", ())[2:]:
            variable = q.variables.get(niveau.get("variable", ""))
            nomenclature = q.nomenclatures.get(str(variable.nomenclature)) if variable else None
            for code, m in (nomenclature.modalites if nomenclature else {}).items():
                if m.parent:
                    out[niveau["code"], code] = m.parent
    return out
