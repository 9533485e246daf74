"""Which counts each published figure reveals: its numerator and its base, by clauses and place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pandas as pd

from cartographie.model import Questionnaire, Tableau
from cartographie.secret.clauses import Clauses, Compte, answer, clauses, qualified

QUANTILES = ("mediane", "q1", "q3", "maximum")


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


def places(df: pd.DataFrame, axes: Mapping[str, Any]) -> list[Place]:
    """The place of each row. One kind of actor is the same place whatever the perimeter: only their total differs."""
    colonnes: list[Sequence[tuple[str, str]]] = []
    for nom, axe in axes.items():
        if "niveaux" in axe:
            colonnes.append(list(zip(df[f"{nom}_type"], df[f"{nom}_code"], strict=True)))
        else:
            colonnes.append([("", c) for c in df[nom]])
    constant = df["_constant"].tolist()
    totaux = [("", "TOUS")]
    noeuds = zip(*colonnes, strict=True) if colonnes else repeat(())
    return [Place(n, bool(c) and any(x in totaux for x in n)) for n, c in zip(noeuds, constant, strict=False)]


def revelations(q: Questionnaire, t: Tableau) -> Iterator[Revelation | None]:
    """One per row of the draft; None for a difference, or a table that is not subject to secrecy."""
    declaration = q.tableaux[t.code]
    colonnes = ("edition", "_serie", "_indicateur", "_edition", "modalite_code", "indicateur", "_protege", "statut")
    memo: dict[tuple[Any, ...], Revelation | None] = {}
    for cle in t.df[list(colonnes)].itertuples(index=False, name=None):
        if cle not in memo:
            edition, serie, indicateur, rang, modalite, nom, protege, statut = cle
            if rang == 2 or not protege or statut == "nd":
                memo[cle] = None
            else:
                s = declaration["series"][serie]
                memo[cle] = _revelation(q, edition, s, s["indicateurs"][indicateur], modalite, nom)
        yield memo[cle]


def _revelation(
    q: Questionnaire, campagne: str, s: Mapping[str, Any], ind: Mapping[str, Any], modalite: str, nom: str
) -> Revelation:
    denominateur = q.denominateurs[s["denominateur"]]
    grain = denominateur["entite"]
    population = clauses(q, campagne, grain, denominateur.get("filtre")) | clauses(q, campagne, grain, s.get("filtre"))
    if denominateur.get("hors_base"):
        population |= {("c", "hors base")}
    mesure, dimension = ind["mesure"], s.get("dimension")
    if dimension:
        population |= answer(q, campagne, grain, dimension, modalite, None)
        modalite = nom.partition(".")[2]
    base = Compte(grain, "", population)
    if mesure == "part":
        return Revelation(base.also(*clauses(q, campagne, grain, ind["condition"])), base)
    if mesure == "repartition":
        return Revelation(base.also(*answer(q, campagne, grain, ind["variable"], modalite, ind.get("si"))), base)
    if mesure == "nombre":
        compte = base.also(*clauses(q, campagne, grain, ind.get("condition")))
        return Revelation(compte, None)
    if mesure == "ratio":
        haut, bas = (_sum(q, campagne, base, ind[x]) for x in ("numerateur", "denominateur"))
        return Revelation(haut, bas)
    somme = _sum(q, campagne, base, ind["valeur"])
    if mesure in QUANTILES:
        return Revelation(None, base)
    return Revelation(somme, base if mesure == "moyenne" else None)


def _sum(q: Questionnaire, campagne: str, base: Compte, valeur: str | Mapping[str, Any]) -> Compte:
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


__all__ = ["Clauses", "Place", "Revelation", "known_from_the_frame", "places", "revelations"]
