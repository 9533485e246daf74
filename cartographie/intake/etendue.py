"""How much a sheet would make its reader allocate: cells, far cells, repeats, counts that are only declared. By bytes.

Plain searches where a sheet is plainly written (it may hold hundreds of megabytes), a parser everywhere else: the reader
is more tolerant than a search, so whatever a search could miss is parsed, and refused when it is not well formed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers.expat import ExpatError, ParserCreate

from cartographie.intake.conteneur import Refus

_TRANCHE = 1 << 22
# A position far enough for its rectangle to matter; the near ones (rows up to 99,999, columns up to CZ) are ten million.
_LOINTAINE = re.compile(rb'r="(?:[A-Za-z]{3}\d|[D-Zd-z][A-Za-z]\d|[A-Za-z]{1,2}\d{6})')
_CELLULE = re.compile(rb'<c r="([A-Za-z]{1,3})(\d{1,7})"(?: [\w:]+="[^"<>]*")* ?(/?)>')
# What a cell looks like where it is not written `<c r="A1" …>…</c>`: such a sheet is parsed, not searched.
_AUTREMENT = tuple(map(re.compile, (rb"<c[>\t\n\r]", rb"</c[ \t\n\r]", rb":c[> \t\n\r]")))
_POSITION = re.compile(r"([A-Za-z]{1,3})(\d{1,10})")
_UNIQUES = re.compile(rb"uniqueCount\s*=\s*[\"']\s*(\d{1,30})")
_NOMBRE = re.compile(rb"<(?:[^\s<>/]{1,40}:)?sst\b[^<]{0,1000}?\bcount\s*=\s*[\"']\s*(\d{1,30})")
_TEXTES = 100_000  # texts a shared table may announce without holding them: their room is a few megabytes


def column_number(lettres: bytes) -> int:
    """b"A" → 1, b"AA" → 27."""
    numero = 0
    for lettre in lettres:
        numero = numero * 26 + lettre - 64
    return numero


def require_within(lignes: int, colonnes: int, limites: Mapping[str, int], cellules: int = 0) -> None:
    """Raise Refus when a filled area, or a number of filled cells, exceeds the caps."""
    trouves = {"lignes": lignes, "colonnes": colonnes, "cellules": max(cellules, lignes * colonnes)}
    for plafond, trouve in trouves.items():
        if trouve > limites[plafond]:
            raise Refus("fichier_trop_gros", plafond=plafond, trouve=trouve, maximum=limites[plafond])


def measure_sheet(xml: bytes, limites: Mapping[str, int]) -> int:
    """Number of filled cells of one sheet of an .xlsx, none of them too far. Raises Refus."""
    ouvertes = xml.count(b"<c ")
    if ouvertes != xml.count(b'<c r="') or any(a.search(xml) for a in _AUTREMENT):
        return _Feuille(limites).mesure(xml)
    cellules = xml.count(b"</c>")
    require_within(0, 0, limites, cellules)
    if _LOINTAINE.search(xml):
        coin = _coin(xml, ouvertes)
        if coin is None:
            return _Feuille(limites).mesure(xml)
        require_within(*coin, limites)
    return cellules


def _coin(xml: bytes, ouvertes: int) -> tuple[int, int] | None:
    """(last row, last column) holding something; None when some cell is not plainly written.

    Read by slices: a sheet has millions of cells.
    """
    lettres: set[bytes] = set()
    chiffres: set[bytes] = set()
    debut = 0
    while debut < len(xml):
        fin = xml.find(b">", debut + _TRANCHE) + 1 or len(xml)
        trouves = _CELLULE.findall(xml, debut, fin)
        ouvertes -= len(trouves)
        for colonne, ligne, vide in trouves:
            if not vide:
                lettres.add(colonne)
                chiffres.add(ligne)
        debut = fin
    if ouvertes:
        return None
    return max(map(int, chiffres), default=0), max((column_number(c.upper()) for c in lettres), default=0)


class _Analyse:
    """A part parsed for good: slower than a search, and nothing can be written so as to be missed."""

    def __init__(self, limites: Mapping[str, int]) -> None:
        self.limites, self.cellules = limites, 0
        self.parser = ParserCreate()
        self.parser.StartElementHandler = self.debut
        self.parser.EndElementHandler = self.fin

    def mesure(self, xml: bytes) -> int:
        try:
            self.parser.Parse(xml, True)
        except (ExpatError, UnicodeError) as erreur:
            raise Refus("fichier_illisible", motif="XML mal formé") from erreur
        return self.cellules

    def debut(self, balise: str, attributs: dict[str, str]) -> None:
        raise NotImplementedError

    def fin(self, balise: str) -> None:
        raise NotImplementedError


class _Feuille(_Analyse):
    """A sheet of an .xlsx. A cell that does not say where it is follows the one before it."""

    def __init__(self, limites: Mapping[str, int]) -> None:
        super().__init__(limites)
        self.ligne = self.colonne = 0
        self.ouverte = self.pleine = False

    def debut(self, balise: str, attributs: dict[str, str]) -> None:
        locale = balise.rpartition(":")[2]
        if locale == "c":
            place = _POSITION.fullmatch(attributs.get("r", ""))
            self.colonne += 1
            if place:
                self.ligne, self.colonne = int(place[2]), column_number(place[1].upper().encode())
            self.ouverte, self.pleine = True, False
        elif locale == "row":
            rang = attributs.get("r", "")
            self.ligne, self.colonne = int(rang) if rang.isdecimal() and len(rang) < 11 else self.ligne + 1, 0
        else:
            self.pleine = True

    def fin(self, balise: str) -> None:
        if self.ouverte and balise.rpartition(":")[2] == "c":
            self.ouverte = False
            if self.pleine:
                self.cellules += 1
                require_within(self.ligne, self.colonne, self.limites, self.cellules)


def require_honest_texts(xml: bytes) -> None:
    """Raise Refus when a table of shared texts announces far more of them than its bytes can hold."""
    tient = max(_TEXTES, len(xml) // 5)
    annonces = _UNIQUES.findall(xml) or _NOMBRE.findall(xml)
    if any(int(n) > tient for n in annonces):
        raise Refus("fichier_dangereux", motif="nombre de textes annoncé faux")


# --------------------------------------------------------------------------- .ods


class _Tables(_Analyse):
    """The tables of a content.xml, their repeats multiplied."""

    def __init__(self, limites: Mapping[str, int]) -> None:
        super().__init__(limites)
        self.profondeur = self.lignes = self.lot = self.repete = 0
        self.largeur = self.droite = self.pleines = 0
        self.pleine = False

    def debut(self, balise: str, attributs: dict[str, str]) -> None:
        if balise in ("table:table-cell", "table:covered-table-cell"):
            self.repete = _fois(attributs.get("table:number-columns-repeated"))
            self.pleine = any(a == "table:formula" or _VALEUR.fullmatch(a) for a in attributs)
        elif balise in ("text:p", "text:h"):
            self.pleine = True
        elif balise == "table:table-row":
            self.lot = _fois(attributs.get("table:number-rows-repeated"))
            self.largeur = self.droite = self.pleines = 0
        elif balise == "table:table":
            self.lignes = self.lignes if self.profondeur else 0
            self.profondeur += 1

    def fin(self, balise: str) -> None:
        if balise in ("table:table-cell", "table:covered-table-cell"):
            self.largeur += self.repete
            if self.pleine:
                self.droite, self.pleines = self.largeur, self.pleines + self.repete
        elif balise == "table:table-row":
            self.lignes += self.lot
            if self.pleines:
                self.cellules += self.lot * self.pleines
                require_within(self.lignes, self.droite, self.limites, self.cellules)
        elif balise == "table:table":
            self.profondeur -= 1


_VALEUR = re.compile(r"office:(?:\w+-)?value")


def _fois(texte: str | None) -> int:
    if texte is None:
        return 1
    if not texte.isdecimal() or len(texte) > 30:
        raise Refus("fichier_illisible", motif="répétitions")
    return max(1, int(texte))


def measure_ods(xml: bytes, limites: Mapping[str, int]) -> int:
    """Number of filled cells of a content.xml, its repeats multiplied. Raises Refus."""
    return _Tables(limites).mesure(xml)
