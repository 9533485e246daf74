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
from cartographie.text import neutralise


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
