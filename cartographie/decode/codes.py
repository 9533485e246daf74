"""Decoders of coded answers and of identifiers. Never a guess, sometimes a proposal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from rapidfuzz import fuzz, process

from cartographie.base.identifiers import CLE, TRONQUE, changes, is_scientific, propose, pseudonym, repair
from cartographie.base.text import clean, normalise, text_of
from cartographie.decode.cells import NUL, Contexte, Decode, combine, is_moment, read_boolean, says_plainly
from cartographie.survey.model import Modalite, Nomenclature, TypeVariable, Variable

# -------------------------------------------------------------------------------------------
# Decoders of coded answers: one modality, several, a choice spread over columns. Never a guess, sometimes a proposal.

SEUIL_PROPOSITION = 80
_SEPARATEURS = (" - ", " – ", " — ", " : ")
_COUPE = re.compile(r"[;|\n]")
_DECIMAL_NUL = re.compile(r"([0-9]+)[.,]0+")


class Repertoire:
    """A nomenclature indexed by every accepted spelling, for one campaign. A spelling of two modalities is in no index."""

    def __init__(self, nomenclature: Nomenclature, campagne: str) -> None:
        self.nomenclature = nomenclature
        self.valides = nomenclature.valides(campagne)
        self.ordre = {code: rang for rang, code in enumerate(nomenclature.modalites)}

    @cached_property
    def exact(self) -> dict[str, str]:
        return _index_exact(self.valides)

    @cached_property
    def normalises(self) -> dict[str, str]:
        return _index_normalise(self.valides)

    @cached_property
    def formes(self) -> list[str]:
        return list(self.normalises)

    @cached_property
    def perimes(self) -> dict[str, str]:
        """Every spelling, plain or normalised, of the codes of other campaigns only."""
        autres = {c: m for c, m in self.nomenclature.modalites.items() if c not in self.valides}
        return _index_normalise(autres) | _index_exact(autres)

    @cached_property
    def longueurs(self) -> list[int]:
        return sorted({len(c) for c in self.valides if c.isdigit()})

    def closest(self, texte: str) -> str | None:
        """The code whose spelling is closest to the text, when close enough."""
        plat = normalise(texte)
        if len(plat) < 2:
            return None
        trouve = process.extractOne(plat, self.formes, scorer=fuzz.token_sort_ratio, score_cutoff=SEUIL_PROPOSITION)
        return self.normalises[trouve[0]] if trouve else None


def _unambiguous(paires: Iterable[tuple[str, str]], reserves: Mapping[str, str]) -> dict[str, str]:
    index: dict[str, str] = {}
    doubles: set[str] = set()
    for forme, code in paires:
        if forme and forme not in reserves and index.setdefault(forme, code) != code:
            doubles.add(forme)
    return {forme: code for forme, code in index.items() if forme not in doubles}


def _index_exact(modalites: Mapping[str, Modalite]) -> dict[str, str]:
    codes = {code: code for code in modalites}
    libelles = {
        m.code: [m.libelle, *(f"{m.code}{s}{m.libelle}" for s in _SEPARATEURS), *m.variantes]
        for m in modalites.values()
    }
    return codes | _unambiguous(((clean(f), c) for c, formes in libelles.items() for f in formes), codes)


def _index_normalise(modalites: Mapping[str, Modalite]) -> dict[str, str]:
    codes = _unambiguous(((normalise(code), code) for code in modalites), {})
    formes = (
        (normalise(f), m.code) for m in modalites.values() for f in (m.libelle, f"{m.code} {m.libelle}", *m.variantes)
    )
    return codes | _unambiguous(formes, codes)


def find_code(texte: str, repertoire: Repertoire, geographique: bool = False) -> Decode:
    """The modality a cleaned text names; its spelling repaired only in ways that cannot change the meaning."""
    code = repertoire.exact.get(texte)
    if code is not None:
        return Decode(code)
    plat = normalise(texte)
    code = repertoire.normalises.get(plat) if plat and not texte.startswith("-") else None
    if code is not None:
        constat = "casse_corrigee" if geographique and texte.upper() == code else "ecriture_normalisee"
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


def decode_code(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """One modality: its code, label or declared variant; the rest with a finding."""
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "une réponse de la liste"})
    texte = text_of(valeur)
    if not texte:
        return NUL
    if contexte.repertoire is None:
        return Decode(texte)
    geographique = variable.type in (TypeVariable.DEPARTEMENT, TypeVariable.COMMUNE)
    return find_code(texte, contexte.repertoire, geographique)


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


# -------------------------------------------------------------------------------------------
# Decoders of identifiers of actors and places (rules and repairs: cartographie.identifiers).


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
