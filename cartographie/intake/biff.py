"""What the spreadsheet reader does not tell of .xls and .xlsb files: password, errors, hidden rows and columns.

Sources: [MS-XLS] 2.4 (records), [MS-XLSB] 2.1.4 and 2.4 (record framing, cells). Damaged records end the scan quietly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import error as StructError
from struct import unpack_from

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
    for rang, (genre, debut, longueur) in enumerate(records(flux)):
        if genre == 0x0022 and longueur >= 2 and debut + 2 <= len(flux):
            return bool(unpack_from("<H", flux, debut)[0] == 1)
        if rang > 2000:
            break
    return False


def codepage(flux: bytes) -> int:
    """CODEPAGE of the workbook; 0 when it does not say."""
    for rang, (genre, debut, longueur) in enumerate(records(flux)):
        if genre == 0x0042 and longueur == 2 and debut + 2 <= len(flux):
            return int(unpack_from("<H", flux, debut)[0])
        if rang > 2000:
            break
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
