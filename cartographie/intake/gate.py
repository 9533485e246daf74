"""The gate: what a received file really is, by its bytes, and whether it is safe to open. Reads top to bottom.

Nothing is opened by a spreadsheet library before `inspect` has let it through: the container is measured by inflating it
(conteneur, paquet), the sheets by what they would make a reader allocate (etendue), and what runs or fetches is found
(actifs).
Thresholds: INGESTION (zip bombs, entity expansion, phantom dimensions). Sources: [ECMA-376] part 2, [ODF 1.3] part 2,
[MS-CFB], [MS-XLS].
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from struct import error as StructError
from typing import Any

from cartographie.intake import actifs, biff, biff_actifs, cfb
from cartographie.intake.biff import Relief
from cartographie.intake.conteneur import BLANCS, Refus
from cartographie.intake.etendue import column_number
from cartographie.intake.paquet import Nature, format_refused, package, require_reliefs_within
from cartographie.model import Constat

__all__ = ["PLAFONDS", "Porte", "caps", "cell_name", "column_number", "inspect"]

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
_OCTETS_PAR_CELLULE = 50  # of sheet XML: caps on bytes follow the cap on cells, unless they are given too
_EXTENSIONS = {
    "xlsx": {"xlsx"}, "xlsm": {"xlsm"}, "xlsb": {"xlsb"}, "xls": {"xls"}, "ods": {"ods"}, "csv": {"csv", "txt", "tsv", "tab"},
}  # fmt: skip
_BIFF_NU = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x10\x00", b"\x09\x08\x08\x00")
_COMMANDES = bytes(set(range(0x20)) - {9, 10, 11, 12, 13, 0x1B})  # control characters no text holds
_AUTRES = (b"%PDF", b"{\\rtf", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")


@dataclass(frozen=True, slots=True)
class Porte:
    """The gate's verdict on one file. `parties`: parts kept inflated because the reader has to look at them.

    `reliefs`: of the sheets of a binary file, already scanned, in workbook order.
    """

    format: str | None
    constats: tuple[Constat, ...] = ()
    refuse: bool = False
    macros: bool = False
    parties: Mapping[str, bytes] = field(default_factory=dict)
    reliefs: tuple[Relief, ...] = ()


def caps(plafonds: Mapping[str, Any] | None) -> dict[str, int]:
    """The caps in force: those given, completed by PLAFONDS; inflated bytes leave room for the cells allowed."""
    donnes = {c: int(v) for c, v in (plafonds or {}).items() if c in PLAFONDS and v}
    place = donnes.get("cellules", 0) * _OCTETS_PAR_CELLULE
    deduits = {"octets_partie": max(PLAFONDS["octets_partie"], place)}
    deduits["octets_total"] = max(PLAFONDS["octets_total"], 2 * donnes.get("octets_partie", deduits["octets_partie"]))
    return {**PLAFONDS, **deduits, **donnes}


def inspect(
    contenu: bytes,
    nom: str,
    plafonds: Mapping[str, Any] | None = None,
    contenus_actifs: Mapping[str, str] | None = None,
) -> Porte:
    """Verdict on the bytes of one received file; `nom` serves only to notice a misleading extension.

    `contenus_actifs`: {kind: "refuser" | "ecarter"}, completed by actifs.DEFAUTS. Raises nothing but for lack of memory.
    """
    limites = caps(plafonds)
    try:
        if len(contenu) > limites["octets"]:
            raise Refus("fichier_trop_gros", plafond="octets", trouve=len(contenu), maximum=limites["octets"])
        if not contenu.strip(BLANCS):
            raise Refus("fichier_vide")
        nature = _nature(contenu, limites)
    except Refus as refus:
        return Porte(None, (refus.constat,), refuse=True)
    except MemoryError:
        raise
    except Exception as erreur:  # damaged structures break the parsers above in many ways: the file is unreadable
        return Porte(None, (Constat("fichier_illisible", details={"motif": type(erreur).__name__}),), refuse=True)
    constats, refuse = actifs.verdict(nature.actifs, contenus_actifs)
    if refuse:
        return Porte(nature.format, constats, refuse=True)
    extension = PurePosixPath(nom.replace("\\", "/")).suffix.lower().lstrip(".")
    if extension not in _EXTENSIONS[nature.format]:
        trompeuse = Constat("extension_trompeuse", details={"extension": extension, "format": nature.format})
        constats = (trompeuse, *constats)
    return Porte(nature.format, constats, False, bool(nature.actifs.get("macros")), nature.parties, nature.reliefs)


def _nature(contenu: bytes, limites: Mapping[str, int]) -> Nature:
    """Format, active contents, parts kept. Raises Refus."""
    if contenu.startswith(b"PK"):
        return package(contenu, limites)
    if contenu.startswith(cfb.MAGIE):
        return _compose(contenu, limites)
    if contenu.startswith(_BIFF_NU):
        raise format_refused("Excel 4 ou plus ancien")
    if contenu.startswith(b"ID;P"):
        raise format_refused("SYLK")
    if _dbase(contenu):
        raise format_refused("dBase")
    if contenu.startswith(_AUTRES):
        raise Refus("fichier_non_tableur")
    if contenu.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise Refus("fichier_illisible", motif="codage UTF-32")
    debut = contenu[:4096].replace(b"\0", b"").lstrip(BLANCS).lower()
    if debut.startswith(b"<"):
        raise _balises(debut)
    if debut.startswith((b"mime-version:", b"from: <saved by")):
        raise Refus("html_deguise")
    if debut.startswith((b'{"', b"{\n", b"{\r")) or not _texte(contenu):
        raise Refus("fichier_non_tableur")
    return Nature("csv", actifs.in_text(contenu))


def _balises(debut: bytes) -> Refus:
    """Why a text that begins with a tag is no spreadsheet."""
    if b"urn:schemas-microsoft-com:office:spreadsheet" in debut or b'progid="excel.sheet"' in debut:
        return format_refused("classeur XML 2003")
    if b"<office:document" in debut and b"opendocument" in debut:
        return format_refused("OpenDocument en un seul fichier XML (.fods)")
    html = b"<html" in debut or b"<table" in debut or b"<!doctype html" in debut
    return Refus("html_deguise" if html else "fichier_non_tableur")


def _dbase(contenu: bytes) -> bool:
    """A dBase table: its version, a date of last change, a header as long as its list of fields."""
    if contenu[:1] not in (b"\x03", b"\x04", b"\x30", b"\x83", b"\x8b", b"\x8c", b"\xf5") or len(contenu) < 65:
        return False
    entete = int.from_bytes(contenu[8:10], "little")
    return 1 <= contenu[2] <= 12 and 1 <= contenu[3] <= 31 and 65 <= entete <= len(contenu)


def _texte(contenu: bytes) -> bool:
    """Text has no control character; UTF-16 has a mark, or one zero byte every second byte."""
    echantillon = contenu[:65536]
    if not contenu.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" in echantillon:
        zeros = (echantillon[0::2].count(0), echantillon[1::2].count(0))
        if max(zeros) < 0.3 * len(echantillon) / 2 or min(zeros) > max(zeros) / 4:
            return False
    if b"\0" in echantillon:
        return len(contenu) % 2 == 0
    return len(contenu.translate(None, _COMMANDES)) == len(contenu)


# --------------------------------------------------------------------------- compound files


def _compose(contenu: bytes, limites: Mapping[str, int]) -> Nature:
    """Compound file: an encrypted workbook, an .xls, or something else."""
    if cfb.overstated(contenu):
        raise Refus("fichier_dangereux", motif="nombre de secteurs annoncé faux")
    try:
        dossiers, flux_presents = cfb.directory(contenu)
    except (ValueError, IndexError, ArithmeticError, StructError) as erreur:
        raise Refus("fichier_illisible", motif="structure du fichier") from erreur
    noms = {n.lower() for n in flux_presents}
    if "encryptedpackage" in noms:
        raise Refus("fichier_protege")
    flux = next((n for n in ("workbook", "book") if n in noms), None)
    if flux is None:
        raise Refus("fichier_non_tableur")
    octets = cfb.read_stream(contenu, flux)
    if biff.protected(octets):
        raise Refus("fichier_protege")
    if biff.overstated_texts(octets):
        raise Refus("fichier_dangereux", motif="nombre de textes annoncé faux")
    trouves = Counter(biff_actifs.actives(octets))
    trouves["macros"] = int(bool(noms & {"_vba_project", "vba", "dir"}))
    trouves["activex"] = int("ctls" in noms)
    trouves["objets_incorpores"] = sum(bool(re.fullmatch(r"(?:MBD|LNK)[0-9A-F]{8}", d)) for d in dossiers)
    reliefs = tuple(biff.sheets(octets))
    require_reliefs_within(reliefs, limites)
    return Nature("xls", trouves, {}, reliefs)


def cell_name(ligne: int, colonne: int) -> str:
    """(7, 28) → "AB7"."""
    lettres = ""
    while colonne:
        colonne, reste = divmod(colonne - 1, 26)
        lettres = chr(65 + reste) + lettres
    return f"{lettres}{ligne}"
