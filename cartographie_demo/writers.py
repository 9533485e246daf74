"""Real spreadsheet files of every kind received, written from plain cells, byte for byte the same each time."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter
import xlwt

# -------------------------------------------------------------------------------------------
# The parts of a minimal .xlsb (BIFF12, [MS-XLSB]): inline strings, numbers, booleans, dates, errors. No library writes it.

ERREURS = {"#NULL!": 0x00, "#DIV/0!": 0x07, "#VALUE!": 0x0F, "#REF!": 0x17, "#NAME?": 0x1D, "#NUM!": 0x24, "#N/A": 0x2A}
EPOQUE = datetime(1899, 12, 30)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PAQUET = "http://schemas.openxmlformats.org/package/2006"
_BUREAU = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def record(identifiant: int, contenu: bytes = b"") -> bytes:
    """One BIFF12 record: its number on one or two bytes, its size by groups of 7 bits, its content."""
    entete = bytes([identifiant]) if identifiant < 0x80 else bytes([identifiant & 0x7F | 0x80, identifiant >> 7])
    taille, reste = b"", len(contenu)
    while True:
        octet, reste = reste & 0x7F, reste >> 7
        taille += bytes([octet | (0x80 if reste else 0)])
        if not reste:
            return entete + taille + contenu


def wide(texte: str) -> bytes:
    code = texte.encode("utf-16-le")
    return struct.pack("<I", len(code) // 2) + code


def serial(jour: date) -> float:
    instant = jour if isinstance(jour, datetime) else datetime.combine(jour, time())
    return (instant - EPOQUE).total_seconds() / 86400


def cell_biff12(colonne: int, valeur: Any) -> bytes:
    """The record of one cell (style 1 is a date, 0 anything else). A formula is written as its cached value."""
    style = 1 if isinstance(valeur, date) else 0
    tete = struct.pack("<II", colonne - 1, style)
    brut = getattr(valeur, "texte", None)
    if brut in ERREURS:
        return record(0x03, tete + bytes([ERREURS[brut]]))
    if brut is not None:
        valeur = valeur.valeur if valeur.valeur is not None else ""
    if isinstance(valeur, bool):
        return record(0x04, tete + bytes([valeur]))
    if isinstance(valeur, date):
        return record(0x05, tete + struct.pack("<d", serial(valeur)))
    if isinstance(valeur, (int, float)):
        return record(0x05, tete + struct.pack("<d", valeur))
    return record(0x06, tete + wide(str(valeur)))


def sheet(page: Any) -> bytes:
    """xl/worksheets/sheetN.bin of one Page."""
    lignes = page.rangees()
    derniere = lignes[-1][0] if lignes else 1
    largeur = max((c for _, cellules in lignes for c, _ in cellules), default=1)
    sortie = [record(129), record(148, struct.pack("<IIII", 0, derniere - 1, 0, largeur - 1))]
    if page.colonnes_masquees:
        sortie.append(record(390))
        for colonne in sorted(page.colonnes_masquees):
            sortie.append(record(60, struct.pack("<IIIIH", colonne - 1, colonne - 1, 2304, 0, 0x0001)))
        sortie.append(record(391))
    sortie.append(record(145))
    for ligne, cellules in lignes:
        drapeaux = bytes([0, 0x10 if ligne in page.lignes_masquees else 0, 0])
        sortie.append(record(0, struct.pack("<IIH", ligne - 1, 0, 300) + drapeaux + struct.pack("<I", 0)))
        sortie.extend(cell_biff12(c, v) for c, v in cellules)
    for ligne in range(derniere + 1, derniere + 1 + page.lignes_vides):
        sortie.append(record(0, struct.pack("<IIH", ligne - 1, 0, 300) + bytes(3) + struct.pack("<I", 0)))
        sortie.append(record(0x01, struct.pack("<II", 0, 0)))
    sortie.append(record(146))
    if page.fusions:
        sortie.append(record(177, struct.pack("<I", len(page.fusions))))
        sortie.extend(
            record(176, struct.pack("<IIII", r1 - 1, r2 - 1, c1 - 1, c2 - 1)) for r1, c1, r2, c2 in page.fusions
        )
        sortie.append(record(178))
    sortie.append(record(130))
    return b"".join(sortie)


def styles() -> bytes:
    """xl/styles.bin with two cell formats: general, and the built-in date 14."""
    police = struct.pack("<HHHHBBBBBBBBB", 220, 0, 400, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)[:20]
    police = police.ljust(20, b"\0") + b"\x02" + wide("Calibri")
    remplissage = (
        struct.pack("<I", 0) + bytes(8) + bytes(8) + struct.pack("<I", 0) + bytes(8 * 5) + struct.pack("<I", 0)
    )
    bordure = bytes(1) + bytes(10) * 5

    def xf(parent: int, fmt: int) -> bytes:
        return record(47, struct.pack("<HHHHHBBHH", parent, fmt, 0, 0, 0, 0, 0, 0, 0))

    return b"".join(
        [
            record(278),
            record(611, struct.pack("<I", 1)),
            record(43, police),
            record(612),
            record(603, struct.pack("<I", 1)),
            record(45, remplissage),
            record(604),
            record(613, struct.pack("<I", 1)),
            record(46, bordure),
            record(614),
            record(626, struct.pack("<I", 1)),
            xf(0xFFFF, 0),
            record(627),
            record(617, struct.pack("<I", 2)),
            xf(0, 0),
            xf(0, 14),
            record(618),
            record(279),
        ]
    )


def parts_biff12(pages: Mapping[str, Any]) -> dict[str, bytes]:
    """Every part of the package, in order."""
    n = len(pages)
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.bin" ContentType="application/vnd.ms-excel.worksheet"/>'
        for i in range(1, n + 1)
    )
    liens = "".join(
        f'<Relationship Id="rId{i}" Type="{_BUREAU}/worksheet" Target="worksheets/sheet{i}.bin"/>'
        for i in range(1, n + 1)
    )
    livre = [record(131), record(153, struct.pack("<II", 0, 0) + wide("")), record(143)]
    for i, (nom, page) in enumerate(pages.items(), 1):
        livre.append(record(156, struct.pack("<II", 1 if page.masquee else 0, i) + wide(f"rId{i}") + wide(nom)))
    livre += [record(144), record(132)]
    principal = quoteattr("application/vnd.ms-excel.sheet.binary.macroEnabled.main")
    contenu = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PAQUET}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.bin" ContentType={principal}/>{types}'
        '<Override PartName="/xl/styles.bin" ContentType="application/vnd.ms-excel.styles"/></Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PAQUET}/relationships">'
        f'<Relationship Id="rId1" Type="{_BUREAU}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
        "xl/_rels/workbook.bin.rels": f'{_XML}<Relationships xmlns="{_PAQUET}/relationships">{liens}'
        f'<Relationship Id="rId{n + 1}" Type="{_BUREAU}/styles" Target="styles.bin"/></Relationships>',
    }
    sortie = {nom: texte.encode() for nom, texte in contenu.items()}
    sortie["xl/workbook.bin"] = b"".join(livre)
    sortie["xl/styles.bin"] = styles()
    for i, page in enumerate(pages.values(), 1):
        sortie[f"xl/worksheets/sheet{i}.bin"] = sheet(page)
    return sortie


# -------------------------------------------------------------------------------------------
# The parts of an OpenDocument spreadsheet, by hand: typed cells, merges, hidden rows and columns.

MIME = "application/vnd.oasis.opendocument.spreadsheet"
_NS = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"'
)


def cell_ods(valeur: Any, attributs: str = "") -> str:
    """One table:table-cell."""
    brut = getattr(valeur, "texte", None)
    if brut is not None and not hasattr(valeur, "valeur"):
        return f'<table:table-cell{attributs} table:formula="of:={escape(brut)}" office:value-type="string" ' + (
            f'office:string-value=""><text:p>{escape(brut)}</text:p></table:table-cell>'
        )
    if brut is not None:
        attributs += f" table:formula={quoteattr('of:' + brut)}"
        if valeur.valeur is None:
            return f"<table:table-cell{attributs}/>"
        valeur = valeur.valeur
    if isinstance(valeur, bool):
        mot = "true" if valeur else "false"
        return f'<table:table-cell{attributs} office:value-type="boolean" office:boolean-value="{mot}"/>'
    if isinstance(valeur, date):
        jour = valeur.date() if isinstance(valeur, datetime) else valeur
        return (
            f'<table:table-cell{attributs} office:value-type="date" office:date-value="{jour.isoformat()}">'
            f"<text:p>{jour:%d/%m/%Y}</text:p></table:table-cell>"
        )
    if isinstance(valeur, (int, float)):
        return f'<table:table-cell{attributs} office:value-type="float" office:value="{valeur}"><text:p>{valeur}</text:p></table:table-cell>'
    if valeur is None:
        return f"<table:table-cell{attributs}/>"
    lignes = "".join(f"<text:p>{escape(t)}</text:p>" for t in str(valeur).split("\n"))
    return f'<table:table-cell{attributs} office:value-type="string">{lignes}</table:table-cell>'


def _row(page: Any, ligne: int, cellules: list[tuple[int, Any]], fusions: Mapping[tuple[int, int], str]) -> str:
    sortie, suivante = [], 1
    for colonne, valeur in cellules:
        if colonne > suivante:
            sortie.append(f'<table:table-cell table:number-columns-repeated="{colonne - suivante}"/>')
        sortie.append(cell_ods(valeur, fusions.get((ligne, colonne), "")))
        suivante = colonne + 1
    cachee = ' table:visibility="collapse"' if ligne in page.lignes_masquees else ""
    return f"<table:table-row{cachee}>{''.join(sortie) or '<table:table-cell/>'}</table:table-row>"


def table(nom: str, page: Any) -> str:
    """One table:table."""
    fusions = {
        (r1, c1): f' table:number-columns-spanned="{c2 - c1 + 1}" table:number-rows-spanned="{r2 - r1 + 1}"'
        for r1, c1, r2, c2 in page.fusions
    }
    lignes = page.rangees()
    largeur = max((c for _, cellules in lignes for c, _ in cellules), default=1)
    colonnes = "".join(
        f"<table:table-column{' table:visibility=' + quoteattr('collapse') if c in page.colonnes_masquees else ''}/>"
        for c in range(1, largeur + 1)
    )
    sortie, suivante = [], 1
    for ligne, cellules in lignes:
        if ligne > suivante:
            sortie.append(
                f'<table:table-row table:number-rows-repeated="{ligne - suivante}"><table:table-cell/></table:table-row>'
            )
        sortie.append(_row(page, ligne, cellules, fusions))
        suivante = ligne + 1
    if page.lignes_vides:
        sortie.append(
            f'<table:table-row table:number-rows-repeated="{page.lignes_vides}"><table:table-cell/></table:table-row>'
        )
    style = ' table:style-name="masquee"' if page.masquee else ""
    return f"<table:table table:name={quoteattr(nom)}{style}>{colonnes}{''.join(sortie)}</table:table>"


def parts_ods(pages: Mapping[str, Any], mention: str) -> dict[str, bytes]:
    """Every part of the package, in order; `mimetype` first and stored."""
    tete = '<?xml version="1.0" encoding="UTF-8"?>\n'
    style = (
        '<office:automatic-styles><style:style style:name="masquee" style:family="table">'
        '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    )
    corps = "".join(table(n, p) for n, p in pages.items())
    contenu = (
        f'{tete}<office:document-content {_NS} office:version="1.2">{style}<office:body><office:spreadsheet>'
        f"{corps}</office:spreadsheet></office:body></office:document-content>"
    )
    meta = (
        f'{tete}<office:document-meta {_NS} office:version="1.2"><office:meta><dc:title>{escape(mention)}</dc:title>'
        "</office:meta></office:document-meta>"
    )
    manifeste = (
        f'{tete}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" '
        f'manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="{MIME}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        '<manifest:file-entry manifest:full-path="meta.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    return {
        "mimetype": MIME.encode(),
        "content.xml": contenu.encode(),
        "meta.xml": meta.encode(),
        "META-INF/manifest.xml": manifeste.encode(),
    }


# -------------------------------------------------------------------------------------------
# Real spreadsheet files of every kind received, written from plain cells, byte for byte the same each time.
#
# A workbook is `{sheet name: Page}`; a Page holds `{(row, column): value}`, 1-based, values being str, int, float, bool,
# date, datetime, None, `Formule` or `Erreur`. Nothing here knows the survey.

INSTANT = datetime(1980, 1, 1)
MENTION = "données fictives"


@dataclass(frozen=True, slots=True)
class Formule:
    """A formula cell; `valeur` is its cached value, None when it was never computed."""

    texte: str
    valeur: Any = None


@dataclass(frozen=True, slots=True)
class Erreur:
    """A spreadsheet error cell, such as #REF!."""

    texte: str


@dataclass(slots=True)
class Page:
    """One sheet. `lignes_vides`: formatted blank rows after the last one (a phantom used range)."""

    cellules: dict[tuple[int, int], Any] = field(default_factory=dict)
    masquee: bool = False
    fusions: list[tuple[int, int, int, int]] = field(default_factory=list)
    lignes_masquees: set[int] = field(default_factory=set)
    colonnes_masquees: set[int] = field(default_factory=set)
    lignes_vides: int = 0

    def rangees(self) -> list[tuple[int, list[tuple[int, Any]]]]:
        """[(row, [(column, value)…])…] in order, blanks left out."""
        triees = sorted(k for k, v in self.cellules.items() if v is not None)
        return [(r, [(c, self.cellules[r, c]) for _, c in g]) for r, g in groupby(triees, key=lambda k: k[0])]

    @property
    def derniere_ligne(self) -> int:
        return max([r for r, _ in self.cellules] + [r for _, _, r, _ in self.fusions], default=0)


Classeur = Mapping[str, Page]


def write_xlsx(
    chemin: Path, pages: Classeur, *, macros: bool = False, options: Mapping[str, Any] | None = None
) -> None:
    """One .xlsx; with `macros`, the same content declared macro-enabled, without any macro project."""
    tampon = io.BytesIO()
    classeur = xlsxwriter.Workbook(
        tampon, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, **(options or {})}
    )
    classeur.set_properties({"title": MENTION, "comments": MENTION, "author": MENTION, "created": INSTANT})
    jour = classeur.add_format({"num_format": "dd/mm/yyyy"})
    texte = classeur.add_format({"num_format": "@"})
    for nom, page in pages.items():
        feuille = classeur.add_worksheet(nom)
        _fill_xlsx(feuille, page, jour, texte)
        if page.masquee:
            feuille.hide()
    classeur.close()
    chemin.write_bytes(_macro_enabled(tampon.getvalue()) if macros else tampon.getvalue())


def _fill_xlsx(feuille: Any, page: Page, jour: Any, texte: Any) -> None:
    feuille.set_header("&C" + MENTION)
    for ligne, cellules in page.rangees():
        for colonne, valeur in cellules:
            position = (ligne - 1, colonne - 1)
            if isinstance(valeur, bool):
                feuille.write_boolean(*position, valeur)
            elif isinstance(valeur, (int, float)):
                feuille.write_number(*position, valeur)
            elif isinstance(valeur, (date, datetime)):
                feuille.write_datetime(*position, valeur, jour)
            elif isinstance(valeur, Formule):
                feuille.write_formula(*position, valeur.texte, None, "" if valeur.valeur is None else valeur.valeur)
            elif isinstance(valeur, Erreur):
                feuille.write_formula(*position, f"={valeur.texte}", None, valeur.texte)
            else:
                feuille.write_string(*position, str(valeur), texte)
    for r1, c1, r2, c2 in page.fusions:
        valeur = page.cellules.get((r1, c1))
        feuille.merge_range(r1 - 1, c1 - 1, r2 - 1, c2 - 1, "", texte)
        feuille.write(r1 - 1, c1 - 1, "" if valeur is None else valeur, texte)
    for ligne in sorted(page.lignes_masquees):
        feuille.set_row(ligne - 1, None, None, {"hidden": True})
    for colonne in sorted(page.colonnes_masquees):
        feuille.set_column(colonne - 1, colonne - 1, None, None, {"hidden": True})
    for ligne in range(page.derniere_ligne, page.derniere_ligne + page.lignes_vides):
        feuille.write_blank(ligne, 0, None, texte)


def _macro_enabled(octets: bytes) -> bytes:
    entrees = unzip(octets)
    entrees["[Content_Types].xml"] = entrees["[Content_Types].xml"].replace(
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    )
    return zip_bytes(entrees)


def unzip(octets: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        return {n: archive.read(n) for n in archive.namelist()}


def zip_bytes(entrees: Mapping[str, bytes], *, stocke: tuple[str, ...] = ()) -> bytes:
    """A zip of those entries, in that order, with fixed dates. `stocke`: entries left uncompressed."""
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w") as archive:
        for nom, contenu in entrees.items():
            info = zipfile.ZipInfo(nom, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            methode = zipfile.ZIP_STORED if nom in stocke else zipfile.ZIP_DEFLATED
            archive.writestr(info, contenu, compress_type=methode, compresslevel=6)
    return tampon.getvalue()


def write_xlsm(chemin: Path, pages: Classeur, *, projet: bool = False) -> None:
    """A macro-enabled workbook; with `projet`, it holds a dummy macro project."""
    write_xlsx(chemin, pages, macros=True)
    if projet:
        entrees = unzip(chemin.read_bytes())
        partie = b'<Override PartName="/xl/vbaProject.bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
        entrees["[Content_Types].xml"] = entrees["[Content_Types].xml"].replace(b"</Types>", partie)
        entrees["xl/vbaProject.bin"] = b"donnees fictives : aucun code"
        chemin.write_bytes(zip_bytes(entrees))


def write_xls(chemin: Path, pages: Classeur) -> None:
    """One .xls (BIFF8), 65 536 rows and 256 columns at most."""
    classeur = xlwt.Workbook(encoding="utf-8")
    classeur.set_owner(MENTION.encode("ascii", "replace").decode())
    jour = xlwt.easyxf(num_format_str="DD/MM/YYYY")
    texte = xlwt.easyxf(num_format_str="@")
    for nom, page in pages.items():
        feuille = classeur.add_sheet(nom)
        feuille.visibility = 1 if page.masquee else 0
        fusionnees = {(r, c) for r, c, _, _ in page.fusions}
        for ligne, cellules in page.rangees():
            for colonne, valeur in cellules:
                if isinstance(valeur, Erreur):
                    feuille.row(ligne - 1).set_cell_error(colonne - 1, valeur.texte)
                elif isinstance(valeur, Formule):
                    feuille.write(ligne - 1, colonne - 1, xlwt.Formula(valeur.texte.removeprefix("=")))
                elif (ligne, colonne) not in fusionnees:
                    style = (
                        jour
                        if isinstance(valeur, date)
                        else texte
                        if isinstance(valeur, str)
                        else xlwt.Style.default_style
                    )
                    feuille.write(ligne - 1, colonne - 1, valeur, style)
        for r1, c1, r2, c2 in page.fusions:
            feuille.write_merge(r1 - 1, r2 - 1, c1 - 1, c2 - 1, page.cellules.get((r1, c1)), texte)
        for ligne in page.lignes_masquees:
            feuille.row(ligne - 1).hidden = True
        for colonne in page.colonnes_masquees:
            feuille.col(colonne - 1).hidden = True
        for ligne in range(page.derniere_ligne, page.derniere_ligne + page.lignes_vides):
            feuille.row(ligne).set_cell_blank(0, texte)
    tampon = io.BytesIO()
    classeur.save(tampon)
    chemin.write_bytes(tampon.getvalue())


def write_xlsb(chemin: Path, pages: Classeur) -> None:
    chemin.write_bytes(zip_bytes(parts_biff12(pages)))


def write_ods(chemin: Path, pages: Classeur) -> None:
    chemin.write_bytes(zip_bytes(parts_ods(pages, MENTION), stocke=("mimetype",)))


def write_csv(chemin: Path, pages: Classeur, *, encodage: str = "utf-8", separateur: str = ";") -> None:
    """The first sheet as delimited text, CRLF ends; "utf-8-sig" and "utf-16" put their byte order mark."""
    page = next(iter(pages.values()))
    tampon = io.StringIO()
    sortie = csv.writer(tampon, delimiter=separateur, lineterminator="\r\n")
    largeur = max((c for _, c in page.cellules), default=1)
    rangees = dict(page.rangees())
    for ligne in range(1, page.derniere_ligne + 1):
        valeurs = dict(rangees.get(ligne, []))
        sortie.writerow([csv_text(valeurs.get(c)) for c in range(1, largeur + 1)])
    for _ in range(page.lignes_vides):
        sortie.writerow([""] * largeur)
    chemin.write_bytes(tampon.getvalue().encode(encodage, "replace"))


def csv_text(valeur: Any) -> str:
    """How a value is spelled in delimited text: ISO dates, decimal point, VRAI/FAUX."""
    if valeur is None:
        return ""
    if isinstance(valeur, bool):
        return "VRAI" if valeur else "FAUX"
    if isinstance(valeur, datetime):
        return valeur.date().isoformat()
    if isinstance(valeur, (Erreur, Formule)):
        return valeur.texte
    if isinstance(valeur, float) and valeur.is_integer():
        return str(int(valeur))
    return str(valeur)


WRITERS = {
    "xlsx": write_xlsx,
    "xlsm": write_xlsm,
    "xls": write_xls,
    "xlsb": write_xlsb,
    "ods": write_ods,
    "csv": write_csv,
}


def write_classeur(chemin: Path, pages: Classeur, **options: Any) -> None:
    """Write by the suffix of `chemin`."""
    ecrire: Any = WRITERS[chemin.suffix.lower().removeprefix(".")]
    ecrire(chemin, pages, **options)
