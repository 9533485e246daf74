"""Real spreadsheet files of every kind received, written from plain cells, byte for byte the same each time.

A workbook is `{sheet name: Page}`; a Page holds `{(row, column): value}`, 1-based, values being str, int, float, bool,
date, datetime, None, `Formule` or `Erreur`. Nothing here knows the survey.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import xlsxwriter
import xlwt

from cartographie.demo import biff12, ods

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
    chemin.write_bytes(zip_bytes(biff12.parts(pages)))


def write_ods(chemin: Path, pages: Classeur) -> None:
    chemin.write_bytes(zip_bytes(ods.parts(pages, MENTION), stocke=("mimetype",)))


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
