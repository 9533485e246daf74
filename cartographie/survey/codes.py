"""Decoders of coded answers and of identifiers. Never a guess, sometimes a proposal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cartographie.base.identifiers import CLE, TRONQUE, changes, is_scientific, propose, pseudonym, repair
from cartographie.base.text import clean, normalise, text_of
from cartographie.survey.model import Variable
from cartographie.survey.values import (
    NUL,
    Contexte,
    Decode,
    Repertoire,
    combine,
    is_moment,
    read_boolean,
    says_plainly,
)

_COUPE = re.compile(r"[;|\n]")
_DECIMAL_NUL = re.compile(r"([0-9]+)[.,]0+")


def find_code(texte: str, repertoire: Repertoire, casse: bool = False) -> Decode:
    """The modality a cleaned text names; its spelling repaired only in ways that cannot change the meaning."""
    code = repertoire.exact.get(texte)
    if code is not None:
        return Decode(code)
    plat = normalise(texte)
    code = repertoire.normalises.get(plat) if plat and not texte.startswith("-") else None
    if code is not None:
        constat = "casse_corrigee" if casse and texte.upper() == code else "ecriture_normalisee"
        return Decode(code, constat, code)
    entier = _DECIMAL_NUL.fullmatch(texte)
    if entier and entier[1] in repertoire.valides:
        return Decode(entier[1], "ecriture_normalisee", entier[1])
    if texte.isascii() and texte.isdigit():
        for longueur in repertoire.longueurs:
            complet = texte.zfill(longueur)
            if complet != texte and complet in repertoire.valides:
                return Decode(complet, "zero_perdu", complet)
    ancien = repertoire.perimes.get(texte) or repertoire.perimes.get(plat)
    if ancien is not None:
        return Decode(None, "modalite_perimee", details={"modalite": ancien})
    if is_scientific(texte):  # a code whose digits the spreadsheet dropped: never guessed
        return Decode(None, TRONQUE)
    return Decode(None, "modalite_inconnue", repertoire.closest(texte))


def decode_code(valeur: Any, variable: Variable, contexte: Contexte, casse: bool = False) -> Decode:
    """One modality: its code, label or declared variant; the rest with a finding. `casse`: letters of its codes are capitals."""
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "une réponse de la liste"})
    texte = text_of(valeur)
    if not texte:
        return NUL
    if contexte.repertoire is None:
        return Decode(texte)
    return find_code(texte, contexte.repertoire, casse)


def cut_pieces(texte: str, repertoire: Repertoire | None) -> list[str]:
    """The answers of a cell holding several: cut at ; | and line breaks, at commas only when every part is known."""
    pieces = [p for p in (clean(p) for p in _COUPE.split(texte)) if p]
    if repertoire is None:
        return pieces
    coupees = []
    for piece in pieces:
        parts = [p for p in (clean(p) for p in piece.split(",")) if p]
        connues = len(parts) > 1 and find_code(piece, repertoire).valeur is None
        connues = connues and all(find_code(p, repertoire).valeur is not None for p in parts)
        coupees += parts if connues else [piece]
    return coupees


def decode_codes(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """Several modalities in one cell, as a tuple in the order of the nomenclature.

    One unknown part makes the whole cell null: half of an answer would read as « no » for the rest.
    """
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "des réponses de la liste"})
    repertoire = contexte.repertoire
    texte = text_of(valeur)
    # a label may itself hold a separator: the whole cell first
    entier = find_code(texte, repertoire) if repertoire and _COUPE.search(texte) else None
    pieces = [texte] if entier and entier.valeur is not None else cut_pieces(texte, repertoire)
    if not pieces:  # nothing but separators: something was typed, and it names no answer
        return Decode(None, "modalite_inconnue", details={"inconnues": texte}) if texte else NUL
    if repertoire is None:
        distincts = tuple(dict.fromkeys(pieces))
        if len(distincts) < len(pieces):
            return Decode(distincts, "choix_en_double", " ; ".join(distincts))
        return Decode(distincts)
    lus = [find_code(p, repertoire) for p in pieces]
    refuses = [d for d in lus if d.valeur is None]
    if refuses:
        repares = [d.valeur or d.proposition for d in lus]
        proposition = _join([str(r) for r in repares], repertoire) if all(repares) else None
        inconnues = [p for p, d in zip(pieces, lus, strict=True) if d.valeur is None]
        details = {"inconnues": " ; ".join(inconnues)}
        return combine(None, [Decode(None, nom, proposition, details) for nom in _names(refuses)])
    codes = [d.valeur for d in lus]
    ecrits = [Decode(None, nom, _join(codes, repertoire)) for nom in _names(lus)]
    if len(set(codes)) < len(codes):
        ecrits.append(Decode(None, "choix_en_double", _join(codes, repertoire)))
    return combine(sort_codes(codes, repertoire), ecrits)


def _names(lus: Iterable[Decode]) -> list[str]:
    return list(dict.fromkeys(d.constat for d in lus if d.constat))


def _join(codes: Iterable[str], repertoire: Repertoire) -> str:
    return " ; ".join(sort_codes(codes, repertoire))


def sort_codes(codes: Iterable[str], repertoire: Repertoire | None) -> tuple[str, ...]:
    """Distinct codes in the order of the nomenclature."""
    if repertoire is None:
        return tuple(dict.fromkeys(codes))
    return tuple(sorted(set(codes), key=lambda c: (repertoire.ordre.get(c, len(repertoire.ordre)), c)))


def decode_choix(valeur: Any, modalite: str, contexte: Contexte) -> Decode:
    """One column of a spread choice: True when ticked (or holding the modality itself), False when said not to be."""
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "oui ou non", "modalite": modalite})
    lu = read_boolean(valeur)
    if lu is not None:
        dit = "oui" if lu else "non"
        return Decode(lu) if says_plainly(valeur) else Decode(lu, "ecriture_normalisee", dit, {"modalite": modalite})
    trouve = find_code(text_of(valeur), contexte.repertoire) if contexte.repertoire is not None else NUL
    if trouve.valeur != modalite:
        return Decode(None, "booleen_invalide", details={"modalite": modalite})
    return Decode(True, trouve.constat, trouve.proposition, {"modalite": modalite} if trouve.constat else {})


# ---- identifiers of actors and places (rules and repairs: base/identifiers.py)


def decode_identifiant(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """The identifier as text, repaired when nothing is lost. A wrong key alone keeps the value: its severity is declared."""
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "un identifiant"})
    nature = variable.type
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
    if contexte.repertoire is None:
        return decode_identifiant(valeur, variable, contexte)
    return decode_code(valeur, variable, contexte, casse=True)
