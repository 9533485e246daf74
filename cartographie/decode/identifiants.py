"""Decoders of identifiers of actors and places (rules and repairs: cartographie.identifiers)."""

from __future__ import annotations

from typing import Any

from ..identifiers import CLE, changes, propose, pseudonym, repair
from ..model import Variable
from .cellule import Contexte, Decode, combine, is_moment
from .codes import decode_code


def decode_identifiant(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """The identifier as text, repaired when nothing is lost. A wrong key alone keeps the value: its severity is declared."""
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "un identifiant"})
    nature = variable.type.value
    lu, constat = repair(nature, valeur)
    if lu is None:
        return Decode(None, constat, propose(nature, valeur))
    noms = list(dict.fromkeys([*([constat] if constat else []), *changes(valeur, lu)]))
    return combine(lu, [Decode(None, nom, None if nom == CLE else lu) for nom in noms])


def decode_rpps(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """A RPPS number, replaced by its pseudonym once checked when the variable is personal."""
    lu = decode_identifiant(valeur, variable, contexte)
    if not variable.personnel or lu.valeur is None:
        return lu
    muets = tuple(s._replace(proposition=None) for s in lu.suite)
    return Decode(pseudonym(lu.valeur, contexte.cle), lu.constat, None, lu.details, muets)


def decode_lieu(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """A place: a modality when the variable has a nomenclature, else the format of its code."""
    return (decode_identifiant if contexte.repertoire is None else decode_code)(valeur, variable, contexte)
