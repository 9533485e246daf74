"""Hostile files built in memory: a small good workbook of each kind, taken apart, altered, put together again."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

import xlsxwriter
import xlwt

from cartographie_demo import writers
from cartographie_demo.writers import Page

FEUILLE = "xl/worksheets/sheet1.xml"
MIME_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_ESPACES = (
    b'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    b'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    b'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
)


def zipped(parties: Mapping[str, bytes]) -> bytes:
    sortie = io.BytesIO()
    with zipfile.ZipFile(sortie, "w", zipfile.ZIP_DEFLATED) as z:
        for nom, octets in parties.items():
            z.writestr(zipfile.ZipInfo(nom), octets, zipfile.ZIP_DEFLATED)
    return sortie.getvalue()


def unzipped(octets: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(octets)) as z:
        return {n: z.read(n) for n in z.namelist()}


def xlsx_parts(prepare: Callable[..., None] | None = None) -> dict[str, bytes]:
    sortie = io.BytesIO()
    classeur = xlsxwriter.Workbook(sortie, {"in_memory": True})
    feuille = classeur.add_worksheet("F")
    feuille.write_row(0, 0, ["a", 1])
    if prepare:
        prepare(classeur, feuille)
    classeur.close()
    return unzipped(sortie.getvalue())


def xlsx_with(rangees: bytes = b"", parties: Mapping[str, bytes] | None = None) -> bytes:
    """A workbook whose one sheet ends with those rows, and with further parts."""
    toutes = xlsx_parts()
    toutes[FEUILLE] = toutes[FEUILLE].replace(b"</sheetData>", rangees + b"</sheetData>")
    return zipped(toutes | dict(parties or {}))


def formula(texte: str) -> bytes:
    return xlsx_with(f'<row r="2"><c r="A2"><f>{texte}</f><v>1</v></c></row>'.encode())


def ods(corps: bytes, manifeste: bytes = b"<m/>", parties: Mapping[str, bytes] | None = None) -> bytes:
    debut = b"<?xml version='1.0'?><office:document-content %b><office:body><office:spreadsheet>" % _ESPACES
    contenu = debut + corps + b"</office:spreadsheet></office:body></office:document-content>"
    toutes = {"mimetype": MIME_ODS, "content.xml": contenu, "META-INF/manifest.xml": manifeste}
    return zipped(toutes | dict(parties or {}))


CASE_ODS = b'<table:table-cell office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell>'


def table(rangees: bytes) -> bytes:
    return b'<table:table table:name="F">' + rangees + b"</table:table>"


def xlsb_parts() -> dict[str, bytes]:
    parties = writers.parts_biff12({"F": Page({(1, 1): "a", (2, 2): 3.5})})
    return {n: o if isinstance(o, bytes) else o.encode() for n, o in parties.items()}


def xls(lignes: int = 400) -> bytearray:
    sortie, classeur = io.BytesIO(), xlwt.Workbook()
    feuille = classeur.add_sheet("F")
    for i in range(lignes):
        feuille.write(i, 0, f"texte {i} " * 5)
    classeur.save(sortie)
    return bytearray(sortie.getvalue())


# --------------------------------------------------------------------------- zip, byte by byte


def entry(nom: bytes, donnees: bytes, debut: int, **autres: int | bytes) -> tuple[bytes, bytes]:
    """(local header and bytes, directory entry) of a stored part; `autres` override what the directory says."""
    somme, n = zlib.crc32(donnees), len(donnees)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, somme, n, n, len(nom), 0) + nom + donnees
    dit = {"comprime": n, "taille": n, "local": debut, "drapeaux": 0, "methode": 0, "attributs": 0, "auteur": 0}
    dit |= {"somme": somme, "appele": nom, "extra": b"", "commentaire": b""} | autres
    central = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", dit["auteur"], 20, dit["drapeaux"], dit["methode"], 0, 33, dit["somme"],
        dit["comprime"], dit["taille"], len(dit["appele"]), len(dit["extra"]), len(dit["commentaire"]), 0, 0,
        dit["attributs"], dit["local"],
    )  # fmt: skip
    return local, central + dit["appele"] + dit["extra"] + dit["commentaire"]


def archive(*parties: tuple[bytes, bytes, dict], fin: bytes = b"", nombre: int | None = None) -> bytes:
    """A zip of (name, bytes, what its directory says otherwise); `fin` comes after its end record."""
    corps, repertoire = b"", b""
    for nom, donnees, autres in parties:
        local, central = entry(nom, donnees, len(corps), **autres)
        corps, repertoire = corps + local, repertoire + central
    n = len(parties) if nombre is None else nombre
    return corps + repertoire + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n, n, len(repertoire), len(corps), 0) + fin
