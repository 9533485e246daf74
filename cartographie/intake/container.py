"""A received zip, and how much its sheets would make a reader allocate: checked by bytes, inflated under caps."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from struct import Struct
from struct import error as StructError
from typing import NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

from cartographie.survey.received import Constat

# -------------------------------------------------------------------------------------------
# A received zip: its entries as its directory states them, checked against the bytes, then really inflated under caps.
#
# Headers lie: two entries may share bytes, a size may be invented, a name may leave the folder. One reading only is let
# through, so that no reader can see another file than the one measured. Source: [APPNOTE.TXT] 4.3 and 4.5.3.

_FIN = Struct("<4s4H2LH")
_FIN64 = Struct("<4sQ2H2L4Q")
_CENTRAL = Struct("<4s6H3L5H2L")
_LOCAL = Struct("<4s5H3L2H")
_MO = 1_000_000
BLANCS = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"  # what may come before the first tag: byte order marks, blanks
_LIEN = 0xA000  # S_IFLNK
_LONG, _AUTRE_NOM = 0x0001, 0x7075  # extra fields: sizes beyond 4 GB, the name once more
_SORT = re.compile(r"^[A-Za-z]:|^/|\\|\0|//|(?:^|/)\.\.?(?:/|$)")


class Refus(Exception):
    """The file is refused; `constat` says why."""

    def __init__(self, constat: str, **details: object) -> None:
        super().__init__(constat)
        self.constat = Constat(constat, details=details)


class Entree(NamedTuple):
    """One part of the zip. `debut`: offset of its bytes, `comprime` of them; `taille`, `somme`: what they should inflate to."""

    nom: str
    methode: int
    comprime: int
    taille: int
    debut: int
    somme: int


def entries(contenu: bytes, limites: Mapping[str, int]) -> list[Entree]:
    """The parts of a zip whose directory tells the truth about where they are. Raises Refus."""
    try:
        debut, fin, nombre = _repertoire(contenu)
        if nombre > limites["parties"]:
            raise Refus("fichier_trop_gros", plafond="parties", trouve=nombre, maximum=limites["parties"])
        lues = list(_entrees(contenu, debut, fin))
    except (StructError, UnicodeDecodeError, IndexError) as erreur:
        raise Refus("fichier_illisible", motif="répertoire du zip") from erreur
    if len(lues) != nombre:
        raise Refus("fichier_illisible", motif="répertoire du zip")
    if len({e.nom.lower() for _, e in lues}) < nombre:
        raise Refus("fichier_dangereux", motif="parties en double")
    libre = 0
    for place, entree in sorted(lues, key=lambda pe: pe[0]):
        if place < libre:
            raise Refus("fichier_dangereux", motif="parties superposées")
        libre = entree.debut + entree.comprime
    if libre > debut:
        raise Refus("fichier_illisible", motif="partie tronquée")
    return [e for _, e in lues]


def _repertoire(contenu: bytes) -> tuple[int, int, int]:
    """(start, end, number of entries) of the central directory, which must end where the end record says it does."""
    place = len(contenu) - _FIN.size
    if contenu[place : place + 4] != b"PK\5\6":
        place = contenu.rfind(b"PK\5\6", max(0, len(contenu) - 65_557))
    if place < 0:
        raise Refus("fichier_illisible", motif="répertoire du zip")
    _, disque, _, ici, nombre, taille, debut, commentaire = _FIN.unpack_from(contenu, place)
    fin, repere = place, contenu[max(0, place - 20) : max(0, place - 16)]
    if 0xFFFF in (disque, ici, nombre) or 0xFFFFFFFF in (taille, debut):
        ou = int.from_bytes(contenu[place - 12 : place - 4], "little")
        if repere != b"PK\6\7":
            raise Refus("fichier_illisible", motif="répertoire du zip")
        signe, _, _, _, disque, _, ici, nombre, taille, debut = _FIN64.unpack_from(contenu, ou)
        fin = ou
        if signe != b"PK\6\6":
            raise Refus("fichier_illisible", motif="répertoire du zip")
    elif repere == b"PK\6\7":  # some readers would follow it, to another directory
        raise Refus("fichier_dangereux", motif="deux répertoires")
    if disque or ici != nombre or place + _FIN.size + commentaire != len(contenu) or debut + taille != fin:
        raise Refus("fichier_illisible", motif="répertoire du zip")
    return debut, fin, nombre


def _entrees(contenu: bytes, place: int, fin: int) -> Iterator[tuple[int, Entree]]:
    """(offset of its local header, entry), as the central directory lists them."""
    while place < fin:
        (signe, auteur, _, drapeaux, methode, _, _, somme, comprime, taille,
         n, extra, commentaire, _, _, attributs, local) = _CENTRAL.unpack_from(contenu, place)  # fmt: skip
        if signe != b"PK\1\2":
            raise Refus("fichier_illisible", motif="répertoire du zip")
        suite = place + _CENTRAL.size
        brut = contenu[suite : suite + n]
        nom = brut.decode("utf-8" if drapeaux & 0x800 else "cp437")
        complement = dict(_extra(contenu[suite + n : suite + n + extra]))
        if 0xFFFFFFFF in (comprime, taille, local):
            comprime, taille, local = _zip64(complement.get(_LONG, b""), comprime, taille, local)
        if complement.get(_AUTRE_NOM, b"-----" + brut)[5:] != brut:  # some readers would call it by that name
            raise Refus("fichier_dangereux", motif="en-têtes contradictoires")
        place = suite + n + extra + commentaire
        if _SORT.search(nom):
            raise Refus("fichier_dangereux", motif="chemin interne")
        if auteur >> 8 == 3 and (attributs >> 16) & 0xF000 == _LIEN:
            raise Refus("fichier_dangereux", motif="lien symbolique")
        signe, _, ses_drapeaux, sa_methode, _, _, _, _, _, n_local, extra_local = _LOCAL.unpack_from(contenu, local)
        debut = local + _LOCAL.size + n_local + extra_local
        if signe != b"PK\3\4" or contenu[local + 30 : local + 30 + n_local] != brut or sa_methode != methode:
            raise Refus("fichier_dangereux", motif="en-têtes contradictoires")
        if (drapeaux | ses_drapeaux) & 1:
            raise Refus("fichier_protege")
        yield local, Entree(nom, methode, comprime, taille, debut, somme)


def _extra(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, bytes) of each extra field of an entry."""
    while len(octets) >= 4:
        genre, n = int.from_bytes(octets[:2], "little"), int.from_bytes(octets[2:4], "little")
        yield genre, octets[4 : 4 + n]
        octets = octets[4 + n :]


def _zip64(longs: bytes, *valeurs: int) -> Iterator[int]:
    """The long form of the three values, of which those at their maximum are in the extra field, in that order."""
    comprime, taille, local = valeurs
    for valeur, rang in ((comprime, 1), (taille, 0), (local, 2)):
        manquants = [v for v, r in ((taille, 0), (comprime, 1), (local, 2)) if r < rang and v == 0xFFFFFFFF]
        place = 8 * len(manquants)
        if valeur != 0xFFFFFFFF:
            yield valeur
        elif len(longs) < place + 8:
            raise Refus("fichier_illisible", motif="répertoire du zip")
        else:
            yield int.from_bytes(longs[place : place + 8], "little")


def inflate(contenu: bytes, entrees: list[Entree], limites: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each part, never more bytes than the caps, whatever the headers say. Raises Refus."""
    reste = limites["octets_total"]
    for nom, methode, comprime, taille, debut, somme in entrees:
        octets = contenu[debut : debut + comprime]
        plafond = min(limites["octets_partie"], reste, max(_MO, limites["ratio"] * comprime))
        if methode == 8:
            flux = zlib.decompressobj(-15)
            try:
                octets = flux.decompress(octets, plafond + 1)
            except zlib.error as erreur:
                raise Refus("fichier_illisible", motif="partie abîmée") from erreur
            if len(octets) <= plafond and not flux.eof:
                raise Refus("fichier_illisible", motif="partie tronquée")
        elif methode:
            raise Refus("fichier_illisible", motif="compression inconnue")
        if len(octets) > plafond:
            raise Refus("fichier_dangereux", motif="décompression")
        if len(octets) != taille:
            raise Refus("fichier_dangereux", motif="taille annoncée fausse")
        if zlib.crc32(octets) != somme:
            raise Refus("fichier_illisible", motif="partie abîmée")
        reste -= len(octets)
        yield nom, octets


# -------------------------------------------------------------------------------------------
# How much a sheet would make its reader allocate: cells, far cells, repeats, counts that are only declared. By bytes.
#
# Plain searches where a sheet is plainly written (it may hold hundreds of megabytes), a parser everywhere else: the reader
# is more tolerant than a search, so whatever a search could miss is parsed, and refused when it is not well formed.

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
