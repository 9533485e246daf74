"""Long CSV of a table: UTF-8, comma, LF, ISO dates, decimal point, empty for a null value."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from cartographie.model import Tableau

DECLENCHEURS = ("=", "+", "-", "@", "\t", "\r", "\n")


def neutralise(texte: str) -> str:
    """Text a spreadsheet cannot take for a formula: an apostrophe goes before =, +, -, @, tab and line breaks (OWASP).

    >>> neutralise("=1+1"), neutralise("Île-de-France")
    ("'=1+1", 'Île-de-France')
    """
    return "'" + texte if texte.startswith(DECLENCHEURS) else texte


def csv_name(tableau: Tableau, meta: Mapping[str, Any]) -> str:
    """File name: table code, campaign, and the mention when the data are fictitious."""
    return f"{tableau.code.lower()}_{meta['campagne']}{'_donnees-fictives' if meta.get('fictif') else ''}.csv"


def write_csv(dossier: Path, tableau: Tableau, meta: Mapping[str, Any]) -> Path:
    """Write one table's CSV in an existing folder; the path written."""
    chemin = dossier / csv_name(tableau, meta)
    chemin.write_bytes(format_csv(tableau.df).encode("utf-8"))
    return chemin


def format_csv(df: pd.DataFrame) -> str:
    """One line per row of the frame. Numbers are written without exponent nor useless decimals; text is neutralised."""
    tampon = io.StringIO(newline="")
    plume = csv.writer(tampon, lineterminator="\n")
    plume.writerow(df.columns)
    colonnes = [[_cell(v) for v in df[c].astype(object)] for c in df.columns]
    plume.writerows(zip(*colonnes, strict=True))
    return tampon.getvalue()


def _cell(valeur: Any) -> str:
    if isinstance(valeur, str):
        return neutralise(valeur)
    if valeur is None or pd.isna(valeur):
        return ""
    if isinstance(valeur, bool):
        return "true" if valeur else "false"
    if isinstance(valeur, date):
        return valeur.isoformat()[:10]
    texte = f"{float(valeur):.6f}".rstrip("0").rstrip(".")
    return "0" if texte == "-0" else texte
