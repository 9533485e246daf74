"""What other engines read in the same files: {sheet: {(row, column): value}}, values and ours brought to one spelling.

One spelling: blank texts are no cell, booleans are VRAI/FAUX, numbers are floats, dates and times are seconds since a
fixed day, errors are their text, ends of line are \\n, a formula never computed has no value.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cartographie.survey.received import Classeur, FormuleNonCalculee

Grilles = dict[str, dict[tuple[int, int], Any]]
_JOUR = dt.datetime(1899, 12, 30)


def spelled(valeur: Any) -> Any:
    if valeur is None or isinstance(valeur, FormuleNonCalculee):
        return None
    if isinstance(valeur, str):
        texte = valeur.replace("\r\n", "\n").replace("\r", "\n")
        return texte if texte and not texte.isspace() else None
    if isinstance(valeur, bool):
        return "VRAI" if valeur else "FAUX"
    if isinstance(valeur, (int, float)):
        return float(f"{valeur:.12g}")
    if isinstance(valeur, dt.datetime):
        return ("date", round((valeur - _JOUR).total_seconds()))
    if isinstance(valeur, dt.date):
        return ("date", (valeur - _JOUR.date()).days * 86400)
    if isinstance(valeur, dt.time):
        return ("date", round(valeur.hour * 3600 + valeur.minute * 60 + valeur.second + valeur.microsecond / 1e6))
    return ("date", round(valeur.total_seconds()))


def ours(classeur: Classeur) -> Grilles:
    return {
        f.nom: {
            (i, j): v
            for i, ligne in enumerate(f.lignes, 1)
            for j, brute in enumerate(ligne, 1)
            if (v := spelled(brute)) is not None
        }
        for f in classeur.feuilles
    }


def read_openpyxl(chemin: Path) -> Grilles:
    import openpyxl

    classeur = openpyxl.load_workbook(io.BytesIO(chemin.read_bytes()), data_only=True)
    return {
        f.title: {(c.row, c.column): v for r in f.iter_rows() for c in r if (v := spelled(c.value)) is not None}
        for f in classeur.worksheets
    }


def read_xlrd(chemin: Path) -> Grilles:
    import xlrd

    classeur = xlrd.open_workbook(file_contents=chemin.read_bytes(), logfile=io.StringIO())
    return {
        f.name: {
            (i + 1, j + 1): v
            for i in range(f.nrows)
            for j in range(f.ncols)
            if (v := spelled(_xlrd_value(f.cell(i, j), classeur.datemode))) is not None
        }
        for f in classeur.sheets()
    }


def _xlrd_value(cellule: Any, datemode: int) -> Any:
    import xlrd

    if cellule.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cellule.value)
    if cellule.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code[cellule.value]
    if cellule.ctype == xlrd.XL_CELL_DATE:
        if cellule.value < 1:
            return dt.timedelta(days=cellule.value)
        return xlrd.xldate_as_datetime(cellule.value, datemode)
    return cellule.value


def read_odf(chemin: Path) -> Grilles:
    """The elements as the standard library's parser hands them over, repeats expanded."""
    from xml.etree import ElementTree

    racine = ElementTree.fromstring(zipfile.ZipFile(chemin).read("content.xml"))
    return {
        _attribut(t, "name"): dict(_odf_rows(t))
        for t in racine.iter()
        if _local(t) == "table" and _attribut(t, "name") is not None
    }


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _attribut(element: Any, nom: str) -> Any:
    return next((v for a, v in element.attrib.items() if a.rpartition("}")[2] == nom), None)


def _odf_rows(table: Any) -> Any:
    ligne = 0
    for rangee in (e for e in table.iter() if _local(e) == "table-row"):
        lot = int(_attribut(rangee, "number-rows-repeated") or 1)
        colonne = 0
        for cellule in (e for e in rangee if _local(e) in ("table-cell", "covered-table-cell")):
            repete = int(_attribut(cellule, "number-columns-repeated") or 1)
            valeur = spelled(_odf_value(cellule))
            if valeur is not None:
                yield from (((ligne + i, colonne + j), valeur) for i in range(1, lot + 1) for j in range(1, repete + 1))
            colonne += repete
        ligne += lot


def _odf_value(cellule: Any) -> Any:
    genre = _attribut(cellule, "value-type")
    texte = "\n".join(_odf_text(p) for p in cellule if _local(p) == "p")
    if genre in ("float", "percentage", "currency") and not texte.startswith(("#", "Err:")):
        return float(_attribut(cellule, "value"))
    if genre == "boolean":
        return _attribut(cellule, "boolean-value") == "true"
    if genre == "date":
        return dt.datetime.fromisoformat(_attribut(cellule, "date-value").rstrip("Z"))
    if genre == "time":
        heures, reste = _attribut(cellule, "time-value").removeprefix("PT").split("H")
        minutes, secondes = reste.removesuffix("S").split("M")
        return dt.timedelta(hours=int(heures), minutes=int(minutes), seconds=float(secondes.replace(",", ".")))
    return texte


def _odf_text(element: Any) -> str:
    if _local(element) == "s":
        return " " * int(_attribut(element, "c") or 1)
    if _local(element) in ("line-break", "tab"):
        return "\n" if _local(element) == "line-break" else "\t"
    if _local(element) == "annotation":
        return ""
    return (element.text or "") + "".join(_odf_text(e) + (e.tail or "") for e in element)


def read_csv(chemin: Path) -> Grilles:
    """With the encoding and the separator a person would choose by looking."""
    octets = chemin.read_bytes()
    encodage = "utf-8-sig" if _decodes(octets) else "cp1252"
    separateur = max(",;", key=lambda s: octets.partition(b"\n")[0].count(s.encode()))
    lignes = csv.reader(io.StringIO(octets.decode(encodage), newline=""), delimiter=separateur)
    return {
        chemin.stem[:31]: {
            (i, j): v for i, r in enumerate(lignes, 1) for j, b in enumerate(r, 1) if (v := spelled(b)) is not None
        }
    }


def _decodes(octets: bytes) -> bool:
    try:
        octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


MOTEURS: dict[str, Callable[[Path], Grilles]] = {
    "xlsx": read_openpyxl, "xlsm": read_openpyxl, "xls": read_xlrd, "ods": read_odf, "csv": read_csv,
}  # fmt: skip


def differences(nous: Grilles, autre: Grilles) -> list[str]:
    """ "sheet!row,column: ours / theirs", and the sheets only one of the two has."""
    ecarts = [f"{n}! feuille absente de chez nous" for n in autre if n not in nous and autre[n]]
    ecarts += [f"{n}! feuille absente de l'autre" for n in nous if n not in autre and nous[n]]
    for nom in nous.keys() & autre.keys():
        for place in sorted(nous[nom].keys() | autre[nom].keys()):
            a, b = nous[nom].get(place), autre[nom].get(place)
            if a != b:
                ecarts.append(f"{nom}!{place[0]},{place[1]}: {a!r} / {b!r}")
    return ecarts
