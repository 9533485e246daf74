"""What became of a closed number: the chain of its successors, up to a unit of the frame. Pure; the table is data.

`follow` reads the table; the rest applies it to the answers (`racines`, one row each) and the units of the frame (`base`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from cartographie.model import Questionnaire, Succession

SCISSION = "scission"
SEPARATEUR = ":"  # between the kind of number and the number, in the name of a respondent


@dataclass(frozen=True, slots=True)
class Suite:
    """`unite`: the number of the frame that succeeds, None when none or several do. `possibles`: those of a split number.

    `nature`, `date`: of the first step, of the closing one when the chain ends there (`fermee`).
    """

    ancien: str
    unite: str | None
    possibles: tuple[str, ...]
    nature: str
    date: date
    fermee: bool


def follow(numero: str, successions: Mapping[str, Succession], unites: Set[str], fin: date) -> Suite | None:
    """None when nothing had happened to the number at the date `fin`. The last successor in the frame is the one retained.

    A split is never followed by itself: each branch is followed, and what they lead to is only possible.
    """
    premiere = successions.get(numero)
    if premiere is None or premiere.date > fin:
        return None
    unite: str | None = None
    derniere = premiere
    suivante: Succession | None = premiere
    while suivante is not None and suivante.date <= fin:
        derniere = suivante
        if suivante.nature == SCISSION or not suivante.nouveaux:
            break
        (nouveau,) = suivante.nouveaux
        unite = nouveau if nouveau in unites else unite
        suivante = successions.get(nouveau)  # no cycle: refused when the table is read
    possibles: list[str] = []
    for branche in derniere.nouveaux if derniere.nature == SCISSION else ():
        suite = follow(branche, successions, unites, fin)
        fins = (suite.unite,) if suite and suite.unite else suite.possibles if suite else ()
        possibles += fins or ((branche,) if branche in unites else ())
    if possibles:
        unite = None  # the frame knows the branches: which one is the analyst's to say
    fermee = not derniere.nouveaux and unite is None
    dite = derniere if fermee else premiere
    return Suite(numero, unite, tuple(dict.fromkeys(possibles)), dite.nature, dite.date, fermee)


def followed(
    racines: pd.DataFrame, base: pd.DataFrame, questionnaire: Questionnaire, campagne: str
) -> dict[int, Suite]:
    """Position of the answer → what became of its closed number, as known when the campaign ended."""
    declared, column = questionnaire.enquete.get("successions"), succession_column(questionnaire)
    if not declared or not questionnaire.successions or declared["variable"] not in racines or column not in base:
        return {}
    values = racines[declared["variable"]]
    closed = np.flatnonzero(known(values) & values.astype("str").isin(set(questionnaire.successions)).to_numpy())
    units, end = set(texts(base[column][known(base[column])])), questionnaire.campagnes[campagne].fin
    found = {int(i): follow(str(values.iloc[i]), questionnaire.successions, units, end) for i in closed}
    return {i: s for i, s in found.items() if s is not None}


def succeeded(suites: Mapping[int, Suite], base: pd.DataFrame, questionnaire: Questionnaire) -> list[tuple[int, int]]:
    """(position of the answer, of the unit of the frame that succeeds to its closed number)."""
    column = succession_column(questionnaire)
    if not suites or column not in base:
        return []
    units = {n: j for j, n in enumerate(texts(base[column]))}
    return [(i, units[s.unite]) for i, s in sorted(suites.items()) if s.unite]


def renamed(
    ids: Sequence[str], base: pd.DataFrame | None, questionnaire: Questionnaire, campagne: str
) -> dict[str, str]:
    """Respondent of an earlier campaign → what it is called in `campagne`, whose frame is `base`, when its number was
    replaced or joined another one since. A split number is not followed: who answers for it is not known."""
    declared, column = questionnaire.enquete.get("successions") or {}, succession_column(questionnaire)
    if not questionnaire.successions or base is None or column not in base:
        return {}
    units, fin = set(texts(base[column][known(base[column])])), questionnaire.campagnes[campagne].fin
    prefixes = [
        str(i["prefixe"]) + SEPARATEUR
        for i in questionnaire.entites[questionnaire.racine].identifiant
        if i["variable"] == declared.get("variable") and not i.get("hache")
    ]
    out = {}
    for nom in ids:
        prefixe = next((p for p in prefixes if str(nom).startswith(p)), None)
        suite = (
            None if prefixe is None else follow(str(nom).removeprefix(prefixe), questionnaire.successions, units, fin)
        )
        if suite is not None and suite.unite is not None:
            out[nom] = f"{prefixe}{suite.unite}"
    return out


def succession_column(questionnaire: Questionnaire) -> str | None:
    """The frame's column that the variable of the successions is compared to."""
    declared = questionnaire.enquete.get("successions") or {}
    return next(
        (
            str(e["base"])
            for e in questionnaire.enquete.get("lien_base") or ()
            if e["entite"] == questionnaire.racine and e["variable"] == declared.get("variable")
        ),
        None,
    )


def known(values: pd.Series) -> np.ndarray:
    return np.asarray(values.notna(), dtype=bool)


def texts(values: pd.Series) -> np.ndarray:
    return np.asarray(values.astype("str"), dtype="object")
