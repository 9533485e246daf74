"""Decoders of coded answers and of identifiers. Never a guess, sometimes a proposal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cartographie.base.identifiers import (
    CLE,
    FORMAT,
    TRONQUE,
    changes,
    is_scientific,
    propose,
    pseudonym,
    repair,
    text_of_number,
)
from cartographie.base.text import clean, normalise, text_of
from cartographie.survey.model import Variable
from cartographie.survey.types.values import (
    NUL,
    Contexte,
    Decode,
    Repertoire,
    combine,
    is_moment,
    read_boolean,
    says_plainly,
)

INCONNUE, PERIMEE = "modalite_inconnue", "modalite_perimee"
HORS_LISTE = frozenset({INCONNUE, PERIMEE})
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
        return Decode(None, PERIMEE, details={"modalite": ancien})
    if is_scientific(texte):  # a code whose digits the spreadsheet dropped: never guessed
        return Decode(None, TRONQUE)
    return Decode(None, INCONNUE)


def decode_code(valeur: object, variable: Variable, contexte: Contexte, casse: bool = False) -> Decode:
    """One modality: its code, label or declared variant; anything else as it is written. `casse`: its codes have capitals."""
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "une réponse de la liste"})
    texte = text_of(valeur)
    if not texte:
        return NUL
    if contexte.repertoire is None:
        return Decode(texte)
    lu = find_code(texte, contexte.repertoire, casse)
    return Decode(_as_written(lu, texte), a_juger=True) if lu.constat in HORS_LISTE else lu


def explain_code(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """What to say of an answer that is not, or no longer, of the list: the closest one."""
    if contexte.repertoire is None:
        return NUL
    lu = find_code(text_of(valeur), contexte.repertoire)
    return lu._replace(proposition=_closest(lu, text_of(valeur), contexte.repertoire))


def _as_written(lu: Decode, texte: str) -> str:
    """The code it names, of this campaign or of another, else the text itself."""
    return str(lu.valeur or lu.details.get("modalite") or texte)


def _closest(lu: Decode, texte: str, repertoire: Repertoire) -> str | None:
    return repertoire.closest(texte) if lu.constat == INCONNUE else lu.proposition


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


def decode_codes(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """Several modalities in one cell, as a tuple in the order of the nomenclature.

    One unknown part makes the whole cell null: half of an answer would read as « no » for the rest.
    """
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "des réponses de la liste"})
    repertoire = contexte.repertoire
    pieces = _pieces(valeur, repertoire)
    if not pieces:  # nothing but separators: something was typed, and it names no answer
        texte = text_of(valeur)
        if texte and repertoire is None:
            return explain_codes(valeur, variable, contexte)
        return Decode((texte,), a_juger=True) if texte else NUL
    if repertoire is None:
        distincts = tuple(dict.fromkeys(pieces))
        if len(distincts) < len(pieces):
            return Decode(distincts, "choix_en_double", " ; ".join(distincts))
        return Decode(distincts)
    lus = [find_code(p, repertoire) for p in pieces]
    refuses = {d.constat for d in lus if d.valeur is None}
    if refuses:
        if refuses <= HORS_LISTE:
            return Decode(tuple(map(_as_written, lus, pieces)), a_juger=True)
        return explain_codes(valeur, variable, contexte)
    codes = [d.valeur for d in lus]
    ecrits = [Decode(None, nom, _join(codes, repertoire)) for nom in _names(lus)]
    if len(set(codes)) < len(codes):
        ecrits.append(Decode(None, "choix_en_double", _join(codes, repertoire)))
    return combine(sort_codes(codes, repertoire), ecrits)


def explain_codes(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """What to say of answers of which one at least is not of the list: which, and all of them as they may have been meant."""
    repertoire = contexte.repertoire
    pieces = _pieces(valeur, repertoire)
    if repertoire is None or not pieces:
        return Decode(None, INCONNUE, details={"inconnues": text_of(valeur)})
    lus = [find_code(p, repertoire) for p in pieces]
    repares = [d.valeur or _closest(d, p, repertoire) for d, p in zip(lus, pieces, strict=True)]
    proposition = _join([str(r) for r in repares], repertoire) if all(repares) else None
    details = {"inconnues": " ; ".join(p for p, d in zip(pieces, lus, strict=True) if d.valeur is None)}
    return combine(
        None, [Decode(None, nom, proposition, details) for nom in _names(d for d in lus if d.valeur is None)]
    )


def _pieces(valeur: object, repertoire: Repertoire | None) -> list[str]:
    texte = text_of(valeur)
    # a label may itself hold a separator: the whole cell first
    entier = find_code(texte, repertoire) if repertoire and _COUPE.search(texte) else None
    return [texte] if entier and entier.valeur is not None else cut_pieces(texte, repertoire)


def _names(lus: Iterable[Decode]) -> list[str]:
    return list(dict.fromkeys(d.constat for d in lus if d.constat))


def _join(codes: Iterable[str], repertoire: Repertoire) -> str:
    return " ; ".join(sort_codes(codes, repertoire))


def sort_codes(codes: Iterable[str], repertoire: Repertoire | None) -> tuple[str, ...]:
    """Distinct codes in the order of the nomenclature."""
    if repertoire is None:
        return tuple(dict.fromkeys(codes))
    return tuple(sorted(set(codes), key=lambda c: (repertoire.ordre.get(c, len(repertoire.ordre)), c)))


def decode_choix(valeur: object, modalite: str, contexte: Contexte) -> Decode:
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


def decode_identifiant(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """The identifier as text, repaired when nothing is lost; one that is ill-formed as it is written."""
    lu = explain_identifiant(valeur, variable, contexte)
    if lu.constat == FORMAT:
        return Decode(text_of_number(valeur) or str(valeur), a_juger=True)
    if lu.constat == CLE and not lu.suite:
        return Decode(lu.valeur)
    return lu  # a wrong key beside a repair is said here: the campaign may decline the repair, and the value with it


def explain_identifiant(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """All that is to be said of an identifier, its format and its key included."""
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "un identifiant"})
    nature = variable.type
    lu, constat = repair(nature, valeur)
    if lu is None:
        return Decode(None, constat, propose(nature, valeur))
    noms = list(dict.fromkeys([*([constat] if constat else []), *changes(valeur, lu)]))
    return combine(lu, [Decode(None, nom, None if nom == CLE else lu) for nom in noms])


def decode_rpps(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """A RPPS number. A person's is replaced by its pseudonym once checked here: nothing else will ever see it."""
    if not variable.personnel:
        return decode_identifiant(valeur, variable, contexte)
    lu = explain_identifiant(valeur, variable, contexte)
    if lu.valeur is None:
        return lu
    muets = tuple(s._replace(proposition=None) for s in lu.suite)
    return Decode(pseudonym(lu.valeur, contexte.cle), lu.constat, None, lu.details, muets)


def decode_lieu(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """A place: a modality when the variable has a nomenclature, else the format of its code."""
    if contexte.repertoire is None:
        return decode_identifiant(valeur, variable, contexte)
    return decode_code(valeur, variable, contexte, casse=True)


def explain_lieu(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    return (explain_identifiant if contexte.repertoire is None else explain_code)(valeur, variable, contexte)
