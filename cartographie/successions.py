"""What became of a closed number: the chain of its successors, up to a unit of the frame. Pure; the table is data."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date

from cartographie.model import Succession


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
        if len(suivante.nouveaux) != 1:
            break
        (nouveau,) = suivante.nouveaux
        unite = nouveau if nouveau in unites else unite
        suivante = successions.get(nouveau)  # no cycle: refused when the table is read
    possibles: list[str] = []
    if len(derniere.nouveaux) > 1:
        unite = None
        for branche in derniere.nouveaux:
            suite = follow(branche, successions, unites, fin)
            fins = (suite.unite,) if suite and suite.unite else suite.possibles if suite else ()
            possibles += fins or ((branche,) if branche in unites else ())
    fermee = not derniere.nouveaux and unite is None
    dite = derniere if fermee else premiere
    return Suite(numero, unite, tuple(dict.fromkeys(possibles)), dite.nature, dite.date, fermee)
