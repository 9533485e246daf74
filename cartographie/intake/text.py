"""Text tables → Classeur of one sheet. Encoding and separator are found from the content, and always reported.

Cells are all text. `lignes[i]` is the i-th record of the file, blank ones included: the row a spreadsheet would show.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from io import StringIO
from typing import Any

from cartographie.intake.gate import caps
from cartographie.intake.workbook import SheetTooLarge, trim
from cartographie.model import Classeur, Feuille

SEPARATEURS = (";", ",", "\t", "|")
_MARQUES = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_APERCU = 60
_HAUTS = bytes(range(0x80, 0x100))
_ACCENT_UTF8 = re.compile(rb"\xc3[\x80-\xbf]")
_CHAMP_MAX = 1_000_000


class UnreadableText(Exception):
    """The text cannot be cut into cells without guessing; `details` says why."""

    def __init__(self, **details: Any) -> None:
        super().__init__(str(details))
        self.details = details


def read_text(
    contenu: bytes,
    *,
    encodage: str | None = None,
    separateur: str | None = None,
    plafonds: Mapping[str, Any] | None = None,
    nom: str = "",
) -> Classeur:
    """The one sheet of a text file; given `encodage` and `separateur` are imposed. Raises UnreadableText, SheetTooLarge."""
    encodage = encodage or detect_encoding(contenu)
    try:
        texte = contenu.decode(encodage)
    except (UnicodeDecodeError, LookupError) as erreur:
        raise UnreadableText(motif="encodage", encodage=encodage) from erreur
    texte = texte.removeprefix("\ufeff")
    if texte[:4].lower() == "sep=" and texte[5:6] in "\r\n" and len(texte) > 5:  # a hint to spreadsheets, not a row
        separateur = separateur or texte[4]
        texte = texte[5:].removeprefix("\r").removeprefix("\n")
    separateur = separateur or detect_separator(texte)
    lignes, largeur = _decoupe(texte, separateur or SEPARATEURS[0], caps(plafonds), nom)
    brut = len(lignes)
    grille = []
    for ligne in lignes:
        propre = [None if not v or v.isspace() else v for v in ligne]
        propre.extend([None] * (largeur - len(propre)))
        grille.append(propre)
    trim(grille)
    feuille = Feuille(nom, grille, lignes_fantomes=brut - len(grille))
    return Classeur("csv", (feuille,), encodage=encodage, separateur=separateur)


def detect_encoding(contenu: bytes) -> str:
    """By byte order mark, then zero bytes of UTF-16, then strict UTF-8, else cp1252."""
    for marque, encodage in _MARQUES:
        if contenu.startswith(marque):
            return encodage
    pairs, impairs = contenu[:4096:2].count(0), contenu[1:4096:2].count(0)
    if pairs != impairs and max(pairs, impairs) > len(contenu[:4096]) / 8:
        return "utf-16-be" if pairs > impairs else "utf-16-le"
    try:
        contenu.decode("utf-8")
    except UnicodeDecodeError:
        accents = len(_ACCENT_UTF8.findall(contenu))
        hauts = len(contenu) - len(contenu.translate(None, _HAUTS))
        return "utf-8" if accents > hauts - 2 * accents else "cp1252"  # damaged UTF-8 is refused, not read askew
    return "utf-8"


def detect_separator(texte: str) -> str | None:
    """The separator that cuts the first records into the most regular, widest table; None when there is one column."""
    apercu = texte[:200_000]
    if len(texte) > len(apercu):
        apercu = apercu[: apercu.rfind("\n") + 1] or apercu
    notes = {}
    for rang, separateur in enumerate(SEPARATEURS):
        if separateur in apercu:
            stricte = _largeurs(apercu, separateur, strict=True)  # quotes stand where that separator puts them
            largeurs = Counter(stricte or _largeurs(apercu, separateur))
            largeur, nombre = max(largeurs.items(), key=lambda ln: (ln[0] > 1, ln[1], ln[0]), default=(1, 0))
            if largeur > 1:
                notes[separateur] = (bool(stricte), nombre / largeurs.total() * (1 - 1 / largeur), -rang)
    return max(notes, key=notes.__getitem__) if notes else None


def _largeurs(apercu: str, separateur: str, strict: bool = False) -> list[int]:
    """Number of cells of each non-blank record among the first ones; none when `strict` and a quote is out of place."""
    csv.field_size_limit(_CHAMP_MAX)
    largeurs: list[int] = []
    try:
        for ligne in csv.reader(StringIO(apercu, newline=""), delimiter=separateur, strict=strict):
            if any(ligne):
                largeurs.append(len(ligne))
            if len(largeurs) >= _APERCU:
                break
    except csv.Error as erreur:
        return largeurs if strict and "end of data" in str(erreur) else []  # the preview may end inside a quoted cell
    return largeurs


def _decoupe(texte: str, separateur: str, limites: Mapping[str, int], nom: str) -> tuple[list[list[str]], int]:
    """(records, width of the widest), cut no further than the caps."""
    csv.field_size_limit(_CHAMP_MAX)
    lignes: list[list[str]] = []
    largeur = 0
    try:
        for ligne in csv.reader(StringIO(texte, newline=""), delimiter=separateur):
            lignes.append(ligne)
            if len(ligne) > largeur:
                largeur = len(ligne)
                _tient(len(lignes), largeur, limites, nom)
            elif len(lignes) % 1000 == 0:
                _tient(len(lignes), largeur, limites, nom)
    except (csv.Error, TypeError) as erreur:
        raise UnreadableText(motif="découpage", separateur=separateur) from erreur
    _tient(len(lignes), largeur, limites, nom)
    if texte.count('"') % 2 and lignes and any("\n" in v for v in lignes[-1]):
        raise UnreadableText(motif="guillemet non refermé", separateur=separateur, ligne=len(lignes))
    return lignes, largeur


def _tient(hauteur: int, largeur: int, limites: Mapping[str, int], nom: str) -> None:
    for plafond, trouve in (("lignes", hauteur), ("colonnes", largeur), ("cellules", hauteur * largeur)):
        if trouve > limites[plafond]:
            raise SheetTooLarge(plafond=plafond, trouve=trouve, maximum=limites[plafond], feuille=nom)
