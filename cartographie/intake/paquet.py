"""A zip container, from its parts to the one workbook it holds: each part inflated under caps, searched, measured.

Readers choose by themselves which parts they open, and are more tolerant than a parser: what two of them could read
differently (two workbooks in one file, a sheet out of its place, text before the first tag) is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from posixpath import join, normpath
from typing import NamedTuple

from cartographie.intake import actifs, biff
from cartographie.intake.biff import Relief
from cartographie.intake.conteneur import BLANCS, Refus, entries, inflate
from cartographie.intake.etendue import measure_ods, measure_sheet, require_honest_texts, require_within

FORMATS = ("xlsx", "xlsm", "xlsb", "xls", "ods", "csv")
_CODAGE = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"']\s*([\w.:-]+)")
_CODAGES = {b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252"}
_LU = (b"sheetData", b"<sst", b":sst", b"table:table-row")  # what a reader looks for in a part, whatever its name
_APPLE = b"\0\5\x16\7"  # what macOS leaves beside each file of a zip
_SANS_CELLULE = re.compile(r"vbaproject|printersettings|sharedstrings|styles|/media/", re.I)
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^<>]*")
_ID, _CIBLE = (re.compile(rb"\s%b\s*=\s*[\"']([^\"'<>]*)" % n) for n in (b"Id", b"Target"))


class Nature(NamedTuple):
    """What a file is: its format, the active contents found, the parts and the sheets' reliefs its reader will need."""

    format: str
    actifs: Mapping[str, int] = {}
    parties: Mapping[str, bytes] = {}
    reliefs: tuple[Relief, ...] = ()


def format_refused(trouve: str) -> Refus:
    return Refus("format_non_accepte", trouve=trouve, attendu=", ".join(FORMATS))


def require_reliefs_within(reliefs: tuple[Relief, ...], limites: Mapping[str, int]) -> None:
    """The filled area of each binary sheet, and all the cells of the workbook, within the caps. Raises Refus."""
    for relief in reliefs:
        require_within(*relief.coin, limites)
    require_within(0, 0, limites, sum(r.cellules for r in reliefs))


def package(contenu: bytes, limites: Mapping[str, int]) -> Nature:
    """Which workbook a zip holds. Raises Refus."""
    entrees = entries(contenu, limites)
    noms = [e.nom for e in entrees]
    if any(n.endswith((".iwa", "Index.zip", "index.apxl")) for n in noms):
        raise format_refused("Apple Numbers")
    gardees: dict[str, bytes] = {}
    signales: Counter[str] = Counter()
    cellules, masquee = 0, False
    for nom, octets in inflate(contenu, entrees, limites):
        if octets.lstrip(BLANCS)[:1] == b"<":
            xml = _sans_entite(octets)
            signales += actifs.in_part(nom, xml)
            if b"sheetData" in xml:
                cellules += measure_sheet(xml, limites)
                require_within(0, 0, limites, cellules)
            elif b"<sst" in xml or b":sst" in xml:
                require_honest_texts(xml)
            if _a_garder(nom, xml):
                gardees[nom] = xml
        elif nom == "mimetype" or (nom.endswith(".bin") and not _SANS_CELLULE.search(nom)):
            gardees[nom] = octets
        else:
            masquee |= _masque(nom, octets)
    if b"encryption-data" in gardees.get("META-INF/manifest.xml", b""):
        raise Refus("fichier_protege")
    if masquee:
        raise Refus("fichier_illisible", motif="XML mal formé")
    return _classeur(noms, gardees, signales, limites)


def _masque(nom: str, octets: bytes) -> bool:
    """True for a part a reader may take for XML although something comes before its first tag."""
    if nom.lower().endswith((".xml", ".rels", ".vml")) and not octets.startswith(_APPLE):
        return b"<" in octets
    return any(marque in octets for marque in _LU)


def _sans_entite(octets: bytes) -> bytes:
    """The XML of a part, one byte per ASCII character. Raises Refus when it declares entities, or hides its spelling."""
    large = b"\0" in octets[:64]
    xml = octets.replace(b"\0", b"") if large else octets
    if b"!" in xml and (b"<!DOCTYPE" in xml or b"<!ENTITY" in xml):
        raise Refus("fichier_dangereux", motif="entités XML")
    codage = _CODAGE.match(xml[:200].lstrip(BLANCS).lower())
    if codage and not large and codage[1] not in _CODAGES:
        raise Refus("fichier_illisible", motif="codage du XML")
    if large and any(marque in xml for marque in _LU):  # the reader knows UTF-8 only, and would show the sheet empty
        raise Refus("fichier_illisible", motif="codage du XML")
    return xml


def _a_garder(nom: str, xml: bytes) -> bool:
    """True for the parts the reader needs: structure, and sheets holding errors, formulas or hidden rows."""
    if nom.endswith(".rels"):
        return nom in ("_rels/.rels", "xl/_rels/workbook.xml.rels") or "workbook" in nom.lower()
    if b"sheetData" in xml:
        return True
    return nom in ("[Content_Types].xml", "META-INF/manifest.xml", "content.xml") or "workbook" in nom.lower()


def _classeur(
    noms: list[str], parties: dict[str, bytes], signales: Mapping[str, int], limites: Mapping[str, int]
) -> Nature:
    """Which spreadsheet format a safe zip holds. Raises Refus."""
    minuscules = {n.lower() for n in noms}
    binaire = any(n.rpartition("/")[2] == "workbook.bin" for n in minuscules)
    if {"mimetype", "content.xml", "[content_types].xml"} <= minuscules or (
        binaire and any(n.rpartition("/")[2] == "workbook.xml" for n in minuscules)
    ):
        raise Refus("fichier_dangereux", motif="deux classeurs en un")
    if b"opendocument.spreadsheet" in parties.get("mimetype", b""):
        if "content.xml" not in parties:
            raise Refus("fichier_illisible", motif="partie absente")
        measure_ods(parties["content.xml"], limites)
        return Nature("ods", actifs.in_opendocument(noms, parties), parties)
    types = parties.get("[Content_Types].xml", b"")
    trouves = actifs.in_package(noms, parties, signales)
    macros = bool(trouves["macros"])
    if b"sheet.binary" in types or binaire:
        reliefs = _feuilles_binaires(parties)
        require_reliefs_within(reliefs, limites)
        actifs.in_binary(trouves, parties, any(r.calculees for r in reliefs))
        return Nature("xlsb", trouves, parties, reliefs)
    if b"macroEnabled.main+xml" in types and b"ms-excel" in types:
        return Nature("xlsm", trouves, parties)
    if b"spreadsheetml.sheet.main" in types or b"spreadsheetml.template.main" in types or "xl/workbook.xml" in noms:
        return Nature("xlsm" if macros else "xlsx", trouves, parties)
    raise Refus("fichier_non_tableur")


def _feuilles_binaires(parties: Mapping[str, bytes]) -> tuple[Relief, ...]:
    """Relief of each sheet part of an .xlsb, by name of part; see workbook, which tells which sheet is which.

    Raises Refus when the workbook has a sheet elsewhere than in the parts kept.
    """
    classeur = parties.get("xl/workbook.bin")
    if classeur is None:
        raise Refus("fichier_illisible", motif="partie absente")
    cibles: dict[str, list[str]] = {}
    for balise in _RELATION.findall(parties.get("xl/_rels/workbook.bin.rels", b"")):
        cible = "".join(c.decode("utf-8", "replace") for c in _CIBLE.findall(balise)[:1])
        nom = cible[1:] if cible.startswith("/") else normpath(join("xl", cible))
        for identifiant in _ID.findall(balise)[:1]:
            cibles.setdefault(identifiant.decode("utf-8", "replace"), []).append(nom)
    feuilles = {n for _, relation in biff.binary_sheets(classeur) for n in cibles.get(relation, ())}
    if any(n not in parties for n in feuilles):
        raise Refus("fichier_illisible", motif="feuille hors de sa place")
    feuilles |= {n for n in parties if n.startswith("xl/worksheets/sheet")}
    return tuple(biff.binary_sheet(parties[n], n) for n in sorted(feuilles))
