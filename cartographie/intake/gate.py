"""The gate: what a received file really is, by its bytes, and whether it is safe to open. Reads top to bottom.

Nothing is opened by a spreadsheet library before `inspect` has let it through. Thresholds: INGESTION (zip bombs,
entity expansion, phantom dimensions). Sources: [ECMA-376] part 2, [ODF 1.3] part 2, [MS-CFB], [MS-XLS].
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from cartographie.intake import biff, cfb
from cartographie.model import Constat

PLAFONDS: Mapping[str, int] = {
    "octets": 25_000_000,
    "octets_partie": 200_000_000,
    "octets_total": 400_000_000,
    "ratio": 200,
    "parties": 2_000,
    "cellules": 10_000_000,
    "lignes": 200_000,
    "colonnes": 2_048,
}
ALERTES = frozenset({"extension_trompeuse", "macros_ignorees"})
_EXTENSIONS = {
    "xlsx": {"xlsx"}, "xlsm": {"xlsm"}, "xlsb": {"xlsb"}, "xls": {"xls"}, "ods": {"ods"}, "csv": {"csv", "txt", "tsv", "tab"},
}  # fmt: skip
_BIFF_NU = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x10\x00", b"\x09\x08\x08\x00")
_AUTRES = (b"%PDF", b"{\\rtf", b"ID;P", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
_MO = 1_000_000


@dataclass(frozen=True, slots=True)
class Porte:
    """The gate's verdict on one file. `parties`: XML parts kept inflated because the reader has to look at them."""

    format: str | None
    constats: tuple[Constat, ...] = ()
    refuse: bool = False
    macros: bool = False
    parties: Mapping[str, bytes] = field(default_factory=dict)


class _Refus(Exception):
    def __init__(self, constat: str, **details: Any) -> None:
        super().__init__(constat)
        self.constat = Constat(constat, details=details)


def inspect(contenu: bytes, nom: str, plafonds: Mapping[str, Any] | None = None) -> Porte:
    """Verdict on the bytes of one received file; `nom` serves only to notice a misleading extension. Never raises."""
    limites = {**PLAFONDS, **{c: v for c, v in (plafonds or {}).items() if c in PLAFONDS and v}}
    try:
        if len(contenu) > limites["octets"]:
            raise _Refus("fichier_trop_gros", plafond="octets", trouve=len(contenu), maximum=limites["octets"])
        if not contenu.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
            raise _Refus("fichier_vide")
        format_, macros, parties = _format(contenu, limites)
    except _Refus as refus:
        return Porte(None, (refus.constat,), refuse=True)
    except Exception as erreur:  # damaged structures break the parsers above in many ways: the file is unreadable
        return Porte(None, (Constat("fichier_illisible", details={"motif": type(erreur).__name__}),), refuse=True)
    constats = []
    extension = PurePosixPath(nom.replace("\\", "/")).suffix.lower().lstrip(".")
    if extension not in _EXTENSIONS[format_]:
        constats.append(Constat("extension_trompeuse", details={"extension": extension, "format": format_}))
    if macros:
        constats.append(Constat("macros_ignorees"))
    return Porte(format_, tuple(constats), False, macros, parties)


def _format(contenu: bytes, limites: Mapping[str, int]) -> tuple[str, bool, dict[str, bytes]]:
    """(format, macros, parts kept). Raises _Refus."""
    if contenu.startswith(b"PK"):
        return _zip(contenu, limites)
    if contenu.startswith(cfb.MAGIE):
        return _compose(contenu)
    if contenu.startswith(_BIFF_NU):
        return "xls", False, {}
    if contenu.startswith(_AUTRES):
        raise _Refus("fichier_non_tableur")
    debut = contenu[:4096].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if debut.startswith(b"<"):
        html = b"<html" in debut or b"<table" in debut or b"<!doctype html" in debut
        raise _Refus("html_deguise" if html else "fichier_non_tableur")
    if debut.startswith((b'{"', b"{\n", b"{\r")) or not _texte(contenu):
        raise _Refus("fichier_non_tableur")
    return "csv", False, {}


def _texte(contenu: bytes) -> bool:
    """Text has no control character; UTF-16 has a mark, or one zero byte every second byte."""
    echantillon = contenu[:65536]
    if not contenu.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" in echantillon:
        zeros = (echantillon[0::2].count(0), echantillon[1::2].count(0))
        if max(zeros) < 0.3 * len(echantillon) / 2 or min(zeros) > max(zeros) / 4:
            return False
    if b"\0" in echantillon:
        return len(contenu) % 2 == 0
    return not re.search(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]", echantillon)


def _compose(contenu: bytes) -> tuple[str, bool, dict[str, bytes]]:
    """Compound file: an encrypted workbook, an .xls, or something else."""
    try:
        noms = {n.lower() for n in cfb.streams(contenu)}
    except (ValueError, IndexError, ArithmeticError) as erreur:
        raise _Refus("fichier_illisible") from erreur
    if "encryptedpackage" in noms:
        raise _Refus("fichier_protege")
    flux = next((n for n in ("workbook", "book") if n in noms), None)
    if flux is None:
        raise _Refus("fichier_non_tableur")
    if biff.protected(cfb.read_stream(contenu, flux)):
        raise _Refus("fichier_protege")
    return "xls", bool(noms & {"_vba_project", "vba", "dir"}), {}


# --------------------------------------------------------------------------- zip containers


def _zip(contenu: bytes, limites: Mapping[str, int]) -> tuple[str, bool, dict[str, bytes]]:
    try:
        entrees = ZipFile(BytesIO(contenu)).infolist()
    except (BadZipFile, ValueError, OSError, NotImplementedError, IndexError) as erreur:
        raise _Refus("fichier_illisible") from erreur
    if len(entrees) > limites["parties"]:
        raise _Refus("fichier_trop_gros", plafond="parties", trouve=len(entrees), maximum=limites["parties"])
    noms = {e.filename for e in entrees}
    if len({n.lower() for n in noms}) < len(entrees):
        raise _Refus("fichier_dangereux", motif="parties en double")
    if any("\\" in n or n.startswith("/") or ".." in n.split("/") for n in noms):
        raise _Refus("fichier_dangereux", motif="chemin interne")
    if any(e.flag_bits & 1 for e in entrees):
        raise _Refus("fichier_protege")
    gardees: dict[str, bytes] = {}
    for entree, octets in _gonfle(contenu, entrees, limites):
        if octets.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] == b"<":
            texte = octets.replace(b"\0", b"") if b"\0" in octets[:64] else octets
            if b"!" in texte and (b"<!DOCTYPE" in texte or b"<!ENTITY" in texte):
                raise _Refus("fichier_dangereux", motif="entités XML")
            if _a_relire(entree.filename, texte, limites):
                gardees[entree.filename] = texte
        elif entree.filename in ("mimetype", "xl/workbook.bin") or entree.filename.startswith("xl/worksheets/sheet"):
            gardees[entree.filename] = octets
    return _nature(noms, gardees, limites)


def _gonfle(contenu: bytes, entrees: list[ZipInfo], limites: Mapping[str, int]) -> Iterator[tuple[ZipInfo, bytes]]:
    """Each entry really inflated under the caps, whatever the headers say. Raises _Refus."""
    total = 0
    for entree in entrees:
        tete = contenu[entree.header_offset : entree.header_offset + 30]
        if len(tete) < 30 or entree.compress_type not in (0, 8):
            raise _Refus("fichier_illisible")
        debut = (
            entree.header_offset + 30 + int.from_bytes(tete[26:28], "little") + int.from_bytes(tete[28:30], "little")
        )
        brut = contenu[debut : debut + entree.compress_size]
        plafond = min(limites["octets_partie"], limites["octets_total"] - total)
        plafond = min(plafond, max(_MO, limites["ratio"] * len(brut)))
        octets = brut
        if entree.compress_type == 8:
            try:
                octets = zlib.decompressobj(-15).decompress(brut, plafond + 1)
            except zlib.error as erreur:
                raise _Refus("fichier_illisible") from erreur
        if len(octets) > plafond:
            raise _Refus("fichier_dangereux", motif="décompression")
        total += len(octets)
        yield entree, octets


def _a_relire(nom: str, xml: bytes, limites: Mapping[str, int]) -> bool:
    """True for the parts the reader needs: structure, and sheets holding errors, formulas or hidden rows."""
    if nom.endswith(".rels"):
        return nom in ("_rels/.rels", "xl/_rels/workbook.xml.rels") or "workbook" in nom.lower()
    if b"sheetData" in xml:
        _etendue(xml, limites)
        return True
    return nom in ("[Content_Types].xml", "META-INF/manifest.xml", "content.xml") or "workbook" in nom.lower()


# Cells with something in them. The near ones (rows up to 99,999, columns up to CZ) are about ten million at the most.
_LOINTAINE = re.compile(rb'r="(?:[A-Z]{3}\d|[D-Z][A-Z]\d|[A-Z]{1,2}\d{6})[^>]*(?<!/)>')
_REMPLIE = re.compile(rb'r="([A-Z]{1,3})(\d+)"[^>]*(?<!/)>')
_TRANCHE = 1 << 22


def _etendue(xml: bytes, limites: Mapping[str, int]) -> None:
    """Refuse one far cell that would make the reader allocate everything up to it. Read by slices: a sheet has millions."""
    if not _LOINTAINE.search(xml):
        return
    lettres: set[bytes] = set()
    chiffres: set[bytes] = set()
    debut = 0
    while debut < len(xml):
        fin = xml.find(b">", debut + _TRANCHE) + 1 or len(xml)
        trouves = _REMPLIE.findall(xml, debut, fin)
        if trouves:
            colonnes, lignes = zip(*trouves, strict=True)
            lettres.update(colonnes)
            chiffres.update(lignes)
        debut = fin
    _borne(max(map(int, chiffres), default=0), max(map(column_number, lettres), default=0), limites)


def _borne(lignes: int, colonnes: int, limites: Mapping[str, int]) -> None:
    trouves = {"lignes": lignes, "colonnes": colonnes, "cellules": lignes * colonnes}
    for plafond, trouve in trouves.items():
        if trouve > limites[plafond]:
            raise _Refus("fichier_trop_gros", plafond=plafond, trouve=trouve, maximum=limites[plafond])


def column_number(lettres: bytes) -> int:
    """b"A" → 1, b"AA" → 27."""
    numero = 0
    for lettre in lettres:
        numero = numero * 26 + lettre - 64
    return numero


def cell_name(ligne: int, colonne: int) -> str:
    """(7, 28) → "AB7"."""
    lettres = ""
    while colonne:
        colonne, reste = divmod(colonne - 1, 26)
        lettres = chr(65 + reste) + lettres
    return f"{lettres}{ligne}"


def _nature(
    noms: set[str], parties: dict[str, bytes], limites: Mapping[str, int]
) -> tuple[str, bool, dict[str, bytes]]:
    """Which spreadsheet format a safe zip holds. Raises _Refus."""
    if b"opendocument.spreadsheet" in parties.get("mimetype", b""):
        if b"encryption-data" in parties.get("META-INF/manifest.xml", b""):
            raise _Refus("fichier_protege")
        _repetitions(parties.get("content.xml", b""), limites)
        return "ods", any(n.startswith("Basic/") and n.endswith(".xml") for n in noms), parties
    types = parties.get("[Content_Types].xml", b"")
    macros = any(n.lower().endswith("vbaproject.bin") for n in noms)
    if b"sheet.binary" in types or "xl/workbook.bin" in noms:
        return "xlsb", macros, parties
    if b"macroEnabled.main+xml" in types and b"ms-excel" in types:
        return "xlsm", macros, parties
    if b"spreadsheetml.sheet.main" in types or b"spreadsheetml.template.main" in types or "xl/workbook.xml" in noms:
        return ("xlsm" if macros else "xlsx"), macros, parties
    raise _Refus("fichier_non_tableur")


_REPETE = re.compile(rb'table:number-(rows|columns)-repeated="(\d{1,12})"')


def _repetitions(xml: bytes, limites: Mapping[str, int]) -> None:
    """Refuse an ODS whose repeated rows × repeated columns of filled cells exceed the caps."""
    lignes = lignes_utiles = colonnes = 0
    for morceau in xml.split(b"<table:table-row")[1:]:
        lot = max((int(n) for sens, n in _REPETE.findall(morceau, 0, 400) if sens == b"rows"), default=1)
        lignes += lot
        if b"office:value" in morceau or b"<text:p" in morceau:
            lignes_utiles = lignes
            largeur = 0
            for cellule in re.split(rb"<table:(?:covered-)?table-cell", morceau)[1:]:
                repete = _REPETE.search(cellule)
                largeur += int(repete[2]) if repete and repete[1] == b"columns" else 1
                if b"office:value" in cellule or b"<text:p" in cellule:
                    colonnes = max(colonnes, largeur)
        if b"</table:table>" in morceau:
            _borne(lignes_utiles, colonnes, limites)
            lignes = lignes_utiles = colonnes = 0
    _borne(lignes_utiles, colonnes, limites)
