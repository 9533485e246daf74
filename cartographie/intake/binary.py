"""What the spreadsheet reader does not tell of .xls and .xlsb files: password, errors, hidden cells, active contents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from struct import error as StructError
from struct import unpack_from

# -------------------------------------------------------------------------------------------
# What the spreadsheet reader does not tell of .xls and .xlsb files: password, errors, hidden rows and columns.
#
# Sources: [MS-XLS] 2.4 (records), [MS-XLSB] 2.1.4 and 2.4 (record framing, cells). Damaged records end the scan quietly.

ERREURS = {
    0: "#NULL!",
    7: "#DIV/0!",
    15: "#VALUE!",
    23: "#REF!",
    29: "#NAME?",
    36: "#NUM!",
    42: "#N/A",
    43: "#GETTING_DATA",
}
_BOF = (0x0009, 0x0209, 0x0409, 0x0809)
_MAX_COLONNES = 16384
_TEXTE_RICHE = 62
_TEXTES = 100_000  # texts a table may announce without holding them: their room is a few megabytes


@dataclass(slots=True)
class Relief:
    """What the scan of one sheet found, 1-based (row, column)."""

    erreurs: dict[tuple[int, int], str] = field(default_factory=dict)
    formules: dict[tuple[int, int], str] = field(default_factory=dict)
    lignes_masquees: set[int] = field(default_factory=set)
    colonnes_masquees: set[int] = field(default_factory=set)
    derniere_ligne: int = 0
    coin: tuple[int, int] = (0, 0)  # last row and last column with a filled cell
    cellules: int = 0
    calculees: set[tuple[int, int]] = field(default_factory=set)  # formulas, their last result known or not
    valeurs: dict[tuple[int, int], float] = field(default_factory=dict)  # results the reader does not look for
    partie: str = ""  # .xlsb: name of the sheet's part

    def remplie(self, ligne: int, premiere: int, derniere: int) -> None:
        """Count the filled cells of one row, from one column to another (numbered from 0)."""
        hauteur, largeur = self.coin
        self.coin = max(hauteur, ligne + 1), max(largeur, derniere + 1)
        self.cellules += max(0, derniere - premiere) + 1

    @property
    def lointain(self) -> bool:
        """True when the sheet declares many rows."""
        return self.derniere_ligne > 1000


def records(flux: bytes, debut: int = 0) -> Iterator[tuple[int, int, int]]:
    """(type, data offset, length) of each record."""
    fin = len(flux)
    while debut + 4 <= fin:
        genre, longueur = unpack_from("<HH", flux, debut)
        yield genre, debut + 4, longueur
        debut += 4 + longueur


def protected(flux: bytes) -> bool:
    """True when the workbook stream asks for a password to be read (FILEPASS among its first records)."""
    for rang, (genre, _, _) in enumerate(records(flux)):
        if genre == 0x002F:
            return True
        if rang > 40 or genre == 0x0085:
            return False
    return False


def date1904(flux: bytes) -> bool:
    """DATEMODE of the workbook."""
    return _setting(flux, 0x0022) == 1


def codepage(flux: bytes) -> int:
    """CODEPAGE of the workbook; 0 when it does not say."""
    return _setting(flux, 0x0042)


def _setting(flux: bytes, voulu: int) -> int:
    """The number in the first record of that type; 0 without one near the beginning."""
    for genre, debut, longueur in islice(records(flux), 2002):
        if genre == voulu and longueur >= 2 and debut + 2 <= len(flux):
            return int(unpack_from("<H", flux, debut)[0])
    return 0


def sheets(flux: bytes) -> list[Relief]:
    """One Relief per BOUNDSHEET, in workbook order."""
    departs = []
    for genre, debut, longueur in records(flux):
        if genre == 0x0085 and longueur >= 4 and debut + 4 <= len(flux):
            departs.append(unpack_from("<I", flux, debut)[0])
        elif genre == 0x000A:
            break
    return [_sheet(flux, d) for d in departs]


def _sheet(flux: bytes, depart: int) -> Relief:
    relief, profondeur = Relief(), 0
    try:
        for rang, (genre, debut, longueur) in enumerate(records(flux, depart)):
            if genre in _BOF or rang == 0:  # a reader does without the record that opens a sheet
                profondeur += 1
            if genre in _BOF:
                continue
            if genre == 0x000A:
                profondeur -= 1
                if profondeur <= 0:
                    break
            elif profondeur == 1:
                _record(relief, flux, genre, debut, longueur)
            else:
                _etendue(relief, flux, genre, debut, longueur)
    except (StructError, IndexError):
        pass
    return relief


_CELLULES = frozenset({0x0006, 0x0206, 0x0406, 0x00FD, 0x0204, 0x0203, 0x027E, 0x0205, 0x00D6})
_MULRK = 0x00BD


def _etendue(relief: Relief, flux: bytes, genre: int, debut: int, longueur: int) -> None:
    if genre in _CELLULES and longueur >= 6:
        ligne, colonne = unpack_from("<HH", flux, debut)
        relief.remplie(ligne, colonne, colonne)
    elif genre == _MULRK and longueur >= 6:
        ligne, colonne = unpack_from("<HH", flux, debut)
        relief.remplie(ligne, colonne, unpack_from("<H", flux, debut + longueur - 2)[0])


def _record(relief: Relief, flux: bytes, genre: int, debut: int, longueur: int) -> None:
    _etendue(relief, flux, genre, debut, longueur)
    if genre == 0x0205 and longueur >= 8 and flux[debut + 7] == 1:  # BOOLERR holding an error
        ligne, colonne = unpack_from("<HH", flux, debut)
        relief.erreurs[ligne + 1, colonne + 1] = ERREURS.get(flux[debut + 6], "#N/A")
    elif genre in (0x0006, 0x0206, 0x0406) and longueur >= 14:  # FORMULA
        ligne, colonne = unpack_from("<HH", flux, debut)
        relief.calculees.add((ligne + 1, colonne + 1))
        if flux[debut + 6] == 2 and flux[debut + 12 : debut + 14] == b"\xff\xff":  # its cached result is an error
            relief.erreurs[ligne + 1, colonne + 1] = ERREURS.get(flux[debut + 8], "#N/A")
        elif genre != 0x0006 and flux[debut + 12 : debut + 14] != b"\xff\xff":  # an older number for the same record
            relief.valeurs[ligne + 1, colonne + 1] = unpack_from("<d", flux, debut + 6)[0]
    elif genre == 0x0208 and longueur >= 16:  # ROW
        ligne, options = unpack_from("<H", flux, debut)[0], unpack_from("<H", flux, debut + 12)[0]
        relief.derniere_ligne = max(relief.derniere_ligne, ligne + 1)
        if options & 0x20:
            relief.lignes_masquees.add(ligne + 1)
    elif genre == 0x007D and longueur >= 10:  # COLINFO
        premiere, derniere = unpack_from("<HH", flux, debut)
        if unpack_from("<H", flux, debut + 8)[0] & 1:
            relief.colonnes_masquees.update(range(premiere + 1, min(derniere + 2, 257)))


def binary_sheet(flux: bytes, nom: str = "") -> Relief:
    """Relief of one sheet part of an .xlsb."""
    relief, position, ligne, fin = Relief(partie=nom), 0, 0, len(flux)
    try:
        while position < fin:
            genre, position = _varint(flux, position, 2)
            longueur, position = _varint(flux, position, 4)
            if genre == 0:  # BrtRowHdr
                ligne = unpack_from("<I", flux, position)[0] + 1
                relief.derniere_ligne = max(relief.derniere_ligne, ligne)
                if longueur > 11 and flux[position + 11] & 0x10:
                    relief.lignes_masquees.add(ligne)
            elif (2 <= genre <= 11 or genre == _TEXTE_RICHE) and longueur >= 8:  # the cells that are not blank
                colonne = unpack_from("<I", flux, position)[0]
                relief.remplie(ligne - 1, colonne, colonne)
                if 8 <= genre <= 11 and colonne < _MAX_COLONNES:  # BrtFmla…
                    relief.calculees.add((ligne, colonne + 1))
                if genre in (3, 11) and longueur >= 9 and colonne < _MAX_COLONNES:  # BrtCellError, BrtFmlaError
                    relief.erreurs[ligne, colonne + 1] = ERREURS.get(flux[position + 8], "#N/A")
            elif genre == 60 and longueur >= 18:  # BrtColInfo
                premiere, derniere = unpack_from("<II", flux, position)
                if flux[position + 16] & 1:
                    relief.colonnes_masquees.update(range(premiere + 1, min(derniere + 2, _MAX_COLONNES + 1)))
            position += longueur
    except (StructError, IndexError):
        pass
    return relief


def overstated_texts(flux: bytes) -> bool:
    """True when the table of shared texts announces far more of them than its records can hold."""
    annonce, octets, dans = 0, 0, False
    for genre, debut, longueur in records(flux):
        if genre == 0x00FC and longueur >= 8 and debut + 8 <= len(flux):
            annonce, dans = max(unpack_from("<II", flux, debut)), True
        elif genre != 0x003C:
            dans = False
        octets += longueur if dans else 0
    return annonce > max(_TEXTES, octets)


def binary_sheets(flux: bytes) -> list[tuple[str, str]]:
    """(name, relationship id) of each sheet of xl/workbook.bin, in workbook order."""
    feuilles, position = [], 0
    try:
        while position < len(flux):
            genre, position = _varint(flux, position, 2)
            longueur, position = _varint(flux, position, 4)
            if genre == 156:  # BrtBundleSh
                relation, suite = _wide_string(flux, position + 8)
                feuilles.append((_wide_string(flux, suite)[0], relation))
            position += longueur
    except (StructError, IndexError):
        pass
    return feuilles


def _wide_string(flux: bytes, position: int) -> tuple[str, int]:
    fin = position + 4 + 2 * min(unpack_from("<I", flux, position)[0], 32_768)
    return flux[position + 4 : fin].decode("utf-16-le", "replace"), fin


def _varint(flux: bytes, position: int, maximum: int) -> tuple[int, int]:
    valeur = decalage = 0
    for _ in range(maximum):
        octet = flux[position]
        position += 1
        valeur |= (octet & 0x7F) << decalage
        decalage += 7
        if not octet & 0x80:
            break
    return valeur, position


# -------------------------------------------------------------------------------------------
# Active contents of an .xls: external workbooks, DDE, connections, queries, macro sheets, functions that fetch.
#
# Formulas are searched, not parsed: a token and the number that follows it. Source: [MS-XLS] 2.4 and 2.5.198.

_SOI, _COMPLEMENT = 0x0401, 0x3A01  # SupBook: this workbook, add-in functions
_FONCTION = re.compile(rb"[\x22\x42\x62].(?:\x7b\x01|\x96\x00|\x0b\x01)", re.S)  # RTD, CALL, REGISTER.ID
_LIEN = re.compile(rb"[\x22\x42\x62].\x67\x01", re.S)  # HYPERLINK
_WEB = (b"WEBSERVICE", "WEBSERVICE".encode("utf-16-le"))
_MAILTO = "mailto:".encode("utf-16-le")
_GENRES = {0x0876: "connexions", 0x01AD: "requetes", 0x0803: "requetes"}  # DConn, Qsi, DbQueryExt


def actives(flux: bytes) -> Counter[str]:
    """Kinds the workbook stream of an .xls holds."""
    trouves: Counter[str] = Counter()
    livres: list[bool] = []  # one per SupBook: is it another workbook?
    feuilles: list[int] = []  # SupBook of each sheet that formulas refer to
    formules: list[bytes] = []
    for genre, debut, longueur in records(flux):
        donnees = flux[debut : debut + min(longueur, 8224)]
        if genre == 0x0006 and longueur > 22:
            formules.append(donnees[22:])
        elif genre == 0x01AE and longueur >= 4:
            livres.append(_livre(donnees, trouves))
        elif genre == 0x0017 and longueur >= 2 and livres:
            nombre = min(unpack_from("<H", donnees)[0], (longueur - 2) // 6)
            feuilles += [unpack_from("<H", donnees, 2 + 6 * i)[0] for i in range(nombre)]
        elif genre == 0x0085 and longueur >= 6:
            trouves["macros_excel4"] += donnees[5] == 1
        elif genre == 0x01B8:
            trouves["hyperliens"] += _MAILTO not in donnees.lower() and b"mailto:" not in donnees.lower()
        elif genre in _GENRES:
            trouves[_GENRES[genre]] += 1
    _formules(formules, {i for i, livre in enumerate(feuilles) if livre < len(livres) and livres[livre]}, trouves)
    if any(livres):
        utile = trouves.pop("_liees", 0)
        trouves["liaisons_externes" if utile else "liaisons_inutilisees"] += sum(livres)
    trouves["fonctions_externes"] += any(w in flux for w in _WEB)
    return Counter({g: n for g, n in trouves.items() if n and g != "_liees"})


def _livre(donnees: bytes, trouves: Counter[str]) -> bool:
    """True for another workbook; a DDE or OLE link is counted."""
    longueur = unpack_from("<H", donnees, 2)[0]
    if longueur in (_SOI, _COMPLEMENT) or len(donnees) < 6:
        return False
    large = donnees[4] & 1
    chemin = donnees[5 : 5 + longueur * (1 + large)].decode("utf-16-le" if large else "latin-1", "replace")
    if "\x03" in chemin[1:] and not chemin.startswith("\x01"):
        trouves["dde"] += 1
        return False
    return len(chemin) > 1


def _formules(formules: list[bytes], etrangeres: set[int], trouves: Counter[str]) -> None:
    numeros = b"|".join(re.escape(i.to_bytes(2, "little")) for i in sorted(etrangeres))
    liee = re.compile(rb"[\x39\x59\x79\x3a\x5a\x7a\x3b\x5b\x7b](?:%b)" % numeros, re.S) if numeros else None
    for formule in formules:
        trouves["fonctions_externes"] += _FONCTION.search(formule) is not None
        trouves["hyperliens"] += _LIEN.search(formule) is not None
        trouves["_liees"] += liee is not None and liee.search(formule) is not None


# -------------------------------------------------------------------------------------------
# Just enough of the compound file format ([MS-CFB]) to list and read the streams of an .xls, every offset checked.

MAGIE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SEUIL = 4096  # streams below it are in the mini stream
_FIN = 0xFFFFFFFA  # sector numbers from here on are markers, not sectors


def streams(contenu: bytes) -> dict[str, tuple[int, int]]:
    """Name → (first sector, size) of every stream. Raises ValueError on a damaged file."""
    return directory(contenu)[1]


def directory(contenu: bytes) -> tuple[list[str], dict[str, tuple[int, int]]]:
    """(names of the storages, {name of any entry: (first sector, size)}). Raises ValueError on a damaged file."""
    taille, fat, _, repertoire, mini_debut, _ = _entete(contenu)
    octets = _chaine(contenu, fat, repertoire, taille)
    _suite(fat, mini_debut)
    dossiers: list[str] = []
    entrees: dict[str, tuple[int, int]] = {}
    for debut in range(0, len(octets) - 127, 128):
        longueur = unpack_from("<H", octets, debut + 64)[0]
        if 2 <= longueur <= 64:
            nom = octets[debut : debut + longueur - 2].decode("utf-16-le", "replace")
            if octets[debut + 66] == 1:
                dossiers.append(nom)
            entrees.setdefault(nom, unpack_from("<II", octets, debut + 116))  # the first, like the reader
    return dossiers, entrees


def overstated(contenu: bytes) -> bool:
    """True when the header announces more table sectors than the file has: a reader may make room for them all."""
    if len(contenu) < 512:
        return False
    secteurs = len(contenu) // (1 << min(max(unpack_from("<H", contenu, 30)[0], 9), 12)) + 1
    return any(unpack_from("<I", contenu, place)[0] > secteurs for place in (44, 64, 72))


def read_stream(contenu: bytes, nom: str) -> bytes:
    """Bytes of one stream, looked up without regard to case. Raises StopIteration, ValueError."""
    taille, fat, seuil, repertoire, mini_debut, racine_mini = _entete(contenu)
    debut, longueur = next(v for n, v in streams(contenu).items() if n.lower() == nom.lower())
    if longueur >= seuil:
        return _chaine(contenu, fat, debut, taille)[:longueur]
    octets = _chaine(contenu, fat, repertoire, taille)
    conteneur = _chaine(contenu, fat, unpack_from("<I", octets, 116)[0], taille)
    mini = _chaine(contenu, fat, mini_debut, taille) if racine_mini else b""
    table = unpack_from(f"<{len(mini) // 4}I", mini)
    return b"".join(conteneur[s * 64 : s * 64 + 64] for s in _suite(table, debut))[:longueur]


def read_workbook_stream(contenu: bytes) -> bytes:
    """The stream of an .xls that holds its sheets. Raises StopIteration, ValueError."""
    return read_stream(contenu, "workbook" if "workbook" in {n.lower() for n in streams(contenu)} else "book")


def _entete(contenu: bytes) -> tuple[int, tuple[int, ...], int, int, int, int]:
    """(sector size, FAT, mini stream cut-off, directory sector, first mini-FAT sector, mini-FAT sector count)."""
    if len(contenu) < 512 or not contenu.startswith(MAGIE):
        raise ValueError("compound file header")
    version, _, puissance = unpack_from("<3H", contenu, 26)
    if (version, puissance) not in ((3, 9), (4, 12)):
        raise ValueError("compound file sector size")
    taille = 1 << puissance
    repertoire = unpack_from("<I", contenu, 48)[0]
    seuil, mini_debut, mini_nombre, difat, _ = unpack_from("<5I", contenu, 56)
    secteurs = [s for s in unpack_from("<109I", contenu, 76) if s < _FIN]
    if seuil != _SEUIL:  # readers differ on whether to believe it
        raise ValueError("compound file cut-off")
    limite = len(contenu) // taille + 1
    for tour in range(limite + 1):
        if difat >= _FIN:
            break
        if tour == limite:
            raise ValueError("compound file loop")
        bloc = _secteur(contenu, difat, taille)
        valeurs = unpack_from(f"<{len(bloc) // 4}I", bloc)
        if len(valeurs) < 2:
            break
        secteurs += [s for s in valeurs[:-1] if s < _FIN]
        difat = valeurs[-1]
    octets = b"".join(_secteur(contenu, s, taille) for s in islice(secteurs, limite))
    return taille, unpack_from(f"<{len(octets) // 4}I", octets), seuil, repertoire, mini_debut, mini_nombre


def _secteur(contenu: bytes, numero: int, taille: int) -> bytes:
    debut = (numero + 1) * taille
    return contenu[debut : debut + taille]


def _suite(table: tuple[int, ...], debut: int) -> list[int]:
    """Chain of sector numbers, cut as soon as it leaves the table. Raises ValueError when it loops: readers may follow."""
    suite: list[int] = []
    while debut < len(table):
        if len(suite) == len(table):
            raise ValueError("compound file loop")
        suite.append(debut)
        debut = table[debut]
    return suite


def _chaine(contenu: bytes, fat: tuple[int, ...], debut: int, taille: int) -> bytes:
    return b"".join(_secteur(contenu, s, taille) for s in _suite(fat, debut))
