"""What a published figure reveals: counts, each known by its clauses and place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pandas as pd

from cartographie.statistics.measures import MESURES, Revele, Somme
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import DIFFERENCE, TOUS, Prive
from cartographie.survey.received import Tableau
from cartographie.survey.types import TYPES
from cartographie.survey.written.declared import Axe, Indicateur, NombreDeLignes, Serie

# ---- what a published count counts, as a set of clauses: two counts with the same clauses at the same place are one count

# « Users having a charter » is {not a vendor, usage in use, charter = yes}: it is the numerator of the share of users having a
# charter, and a part of the numerator of the share of all respondents having one. Links between tables follow from that.

# ("v", variable, codes): a single-answer variable takes one of these codes; ("c", text): anything else
Clause = tuple[Any, ...]
Clauses = frozenset[Clause]


@dataclass(frozen=True, slots=True)
class Compte:
    """One count or sum: over rows of `grain` meeting `clauses`; `somme`: what is added up ("" for a number of rows)."""

    grain: str
    somme: str
    clauses: Clauses

    def also(self, *clauses: Clause) -> Compte:
        return Compte(self.grain, self.somme, self.clauses | set(clauses))


def clauses(q: Questionnaire, campagne: str, grain: str, condition: Mapping[str, Any] | None) -> Clauses:
    """The conjunction a condition stands for. That a question was answered is no clause: item non-response is not secret."""
    if not condition:
        return frozenset()
    if "et" in condition:
        return frozenset().union(*(clauses(q, campagne, grain, c) for c in condition["et"]))
    if "variable" in condition:
        if condition.get("renseigne") is True:
            return frozenset()
        nom = qualified(grain, condition["variable"])
        codes = condition.get("dans", [condition["egal"]] if "egal" in condition else None)
        valides = codes_of(q, campagne, nom)
        if codes is not None and valides is not None:
            return frozenset({("v", nom, frozenset(map(str, codes)) & valides)})
    return frozenset({("c", repr(_qualify(condition, grain)))})


def answer(
    q: Questionnaire, campagne: str, grain: str, variable: str | list[str], code: str, si: Mapping[str, Any] | None
) -> Clauses:
    """The clauses of one answer of a breakdown (`repartition`)."""
    if isinstance(variable, str) and "." not in variable:
        nom = qualified(grain, variable)
        si_clauses = clauses(q, campagne, grain, si)
        if codes_of(q, campagne, nom) is not None:
            return si_clauses | {("v", nom, frozenset({code}))}
        return si_clauses | {("c", f"{nom} contient {code}")}
    return frozenset({("c", f"{grain}:{variable!r}={code} si {si!r}")})


def ordered(clauses: Clauses) -> list[Clause]:
    """Always in the same order: that of a set changes from one run of Python to the next."""
    return sorted(clauses, key=lambda c: (*c[:2], *(tuple(sorted(codes)) for codes in c[2:])))


def qualified(grain: str, variable: str) -> str:
    """A variable by its full name: `repondant.usage` says the same thing seen from a respondent or from its systems."""
    return variable if "." in variable else f"{grain}.{variable}"


def codes_of(q: Questionnaire, campagne: str, nom: str) -> frozenset[str] | None:
    """Codes of a single-answer variable; None for any other kind."""
    variable = q.variables.get(nom.rpartition(".")[2])
    if variable is None or TYPES[variable.type].multiple or variable.nomenclature not in q.nomenclatures:
        return None
    return frozenset(q.nomenclatures[str(variable.nomenclature)].valides(campagne))


Piece = Mapping[str, Any] | Sequence[Any] | str | float | None  # of a condition


def _qualify(condition: Piece, grain: str) -> Piece:
    if isinstance(condition, Mapping):
        dedans = condition.get("nombre") or condition.get("existe") or grain
        return {
            k: qualified(grain, v)
            if k == "variable" and isinstance(v, str)
            else _qualify(v, dedans if k == "si" else grain)
            for k, v in condition.items()
        }
    if isinstance(condition, list | tuple):
        return [_qualify(c, grain) for c in condition]
    return condition


# ---- which counts each published figure reveals: its numerator and its base, by clauses and place


@dataclass(frozen=True, slots=True)
class Place:
    """Where: one node per axis; `constant`: only the kinds of actor found in both editions."""

    noeuds: tuple[tuple[str, str], ...]  # (level, code) of a hierarchical axis, ("", code) of a simple one
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Revelation:
    """What one row of a table reveals. `numerateur`, `base`: None when it reveals none."""

    numerateur: Compte | None
    base: Compte | None


def whole_of(axe: Axe) -> tuple[str, str]:
    """The node of an axis that holds all the others."""
    if "niveaux" not in axe:
        return "", TOUS
    premier = axe["niveaux"][0]["code"]
    return premier, premier.upper()


def places(df: pd.DataFrame, axes: Mapping[str, Axe]) -> list[Place]:
    """The place of each row. One kind of actor is the same place whatever the perimeter: only their total differs."""
    colonnes: list[Sequence[tuple[str, str]]] = []
    for nom, axe in axes.items():
        if "niveaux" in axe:
            colonnes.append(list(zip(df[f"{nom}_type"], df[f"{nom}_code"], strict=True)))
        else:
            colonnes.append([("", c) for c in df[nom]])
    constant = df[Prive.CONSTANT].tolist()
    noeuds = zip(*colonnes, strict=True) if colonnes else repeat(())
    return [Place(n, bool(c) and ("", TOUS) in n) for n, c in zip(noeuds, constant, strict=False)]


def revelations(q: Questionnaire, t: Tableau) -> Iterator[Revelation | None]:
    """One per row of the draft; None for a difference, or a table that is not subject to secrecy."""
    declaration = q.tableaux[t.code]
    prives = [Prive.SERIE, Prive.INDICATEUR, Prive.EDITION, Prive.PROTEGE]
    memo: dict[tuple[Any, ...], Revelation | None] = {}
    for cle in t.df[["edition", "modalite_code", "indicateur", "statut", *prives]].itertuples(index=False, name=None):
        if cle not in memo:
            edition, modalite, nom, statut, serie, indicateur, rang, protege = cle
            if rang == DIFFERENCE or not protege or statut == "nd":
                memo[cle] = None
            else:
                s = declaration["series"][serie]
                memo[cle] = _revelation(q, edition, s, s["indicateurs"][indicateur], modalite, nom)
        yield memo[cle]


def _revelation(q: Questionnaire, campagne: str, s: Serie, ind: Indicateur, modalite: str, nom: str) -> Revelation:
    denominateur = q.denominateurs[s["denominateur"]]
    grain = denominateur["entite"]
    population = clauses(q, campagne, grain, denominateur.get("filtre")) | clauses(q, campagne, grain, s.get("filtre"))
    if denominateur.get("hors_base"):
        population |= {("c", "hors base")}
    if s.get("dimension"):
        population |= answer(q, campagne, grain, s["dimension"], modalite, None)
        modalite = nom.partition(".")[2]
    base, mesure = Compte(grain, "", population), MESURES[ind["mesure"]]

    def count(quoi: Revele) -> Compte | None:
        if isinstance(quoi, Somme):
            return _sum(q, campagne, base, ind[quoi.cle])
        if quoi == "condition":
            return base.also(*clauses(q, campagne, grain, ind.get("condition")))
        if quoi == "reponse":
            return base.also(*answer(q, campagne, grain, ind["variable"], modalite, ind.get("si")))
        return None if quoi is None else base

    return Revelation(count(mesure.numerateur), count(mesure.base))


def _sum(q: Questionnaire, campagne: str, base: Compte, valeur: str | NombreDeLignes) -> Compte:
    """A sum; the number of child rows of the respondents counted is a number of child rows, whose parents meet the clauses."""
    if isinstance(valeur, str):
        return Compte(base.grain, qualified(base.grain, valeur), base.clauses)
    enfant = valeur["nombre"]
    return Compte(enfant, "", base.clauses | clauses(q, campagne, enfant, valeur.get("si")))


def known_from_the_frame(q: Questionnaire, c: Compte) -> bool:
    """A count of respondents that only depends on who answered: the table of participation gives it."""
    publiques = {qualified(q.racine, v) for v in q.entites[q.racine].depuis_base}
    return c.grain == q.racine and not c.somme and all(_variables(x) <= publiques for x in c.clauses)


def _variables(clause: Sequence[Any]) -> set[str]:
    if clause[0] == "v":
        return {clause[1]}
    return set(_names(clause[1]))


def _names(texte: str) -> Iterator[str]:
    """Names of the variables in the text of an opaque clause."""
    morceaux = texte.split("'variable': '")[1:]
    if not morceaux:
        yield texte
    for m in morceaux:
        yield m.partition("'")[0]
