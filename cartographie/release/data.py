"""Open data: one long CSV per table and one for everything, their French Excel and Parquet twins, and what describes them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from cartographie.base.paper import render
from cartographie.base.parquet import to_parquet
from cartographie.base.text import neutralise, normalise
from cartographie.release.manifest import Notice, dumps, mentions
from cartographie.survey.published import COLONNES, STATUTS, TOUS, axis_columns, key_columns
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import Axe

# ---- long CSV of a table: UTF-8, comma, LF, ISO dates, decimal point, empty for a null value


def csv_name(tableau: Tableau, meta: Notice) -> str:
    return f"{tableau.code.lower()}{meta.suffixe}.csv"


def write_csv(dossier: Path, tableau: Tableau, meta: Notice) -> Path:
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


def _cell(valeur: str | float | date | None) -> str:
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


# ---- open data: one long CSV per table and one for everything, their French Excel and Parquet twins, and what describes them

# Table Schema (Frictionless, schema.data.gouv.fr), Data Package, DCAT-AP in JSON-LD; statuses also in SDMX code lists
# (CL_OBS_STATUS 2.2, CL_CONF_STATUS 1.3).

CUBE = "cube"
LICENCES = {"etalab-2.0": ("Licence Ouverte / Open Licence 2.0", "https://spdx.org/licenses/etalab-2.0.html")}
FORMATS = {
    "csv": ("text/csv", "http://publications.europa.eu/resource/authority/file-type/CSV"),
    "parquet": ("application/vnd.apache.parquet", "http://publications.europa.eu/resource/authority/file-type/PARQUET"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
             "http://publications.europa.eu/resource/authority/file-type/XLSX"),
}  # fmt: skip


def long_frame(df: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table as published, with their SDMX statuses."""
    codes = df["statut"].map({e.code: e.sdmx for e in STATUTS.values()})
    return df.assign(obs_status=codes.str[0], conf_status=codes.str[1])


def format_excel_csv(df: pd.DataFrame) -> bytes:
    """The same for a French Excel: semicolon, decimal comma, byte order mark, Windows line ends."""
    lignes = list(csv.reader(io.StringIO(format_csv(df))))
    nombres = {i for i, c in enumerate(lignes[0]) if c in COLONNES and COLONNES[c].genre == "number"}
    tampon = io.StringIO(newline="")
    plume = csv.writer(tampon, delimiter=";", lineterminator="\r\n")
    plume.writerow(lignes[0])
    plume.writerows([x.replace(".", ",") if i in nombres else x for i, x in enumerate(ligne)] for ligne in lignes[1:])
    return b"\xef\xbb\xbf" + tampon.getvalue().encode("utf-8")


def build_data_files(tableaux: Sequence[Tableau], meta: Notice) -> dict[str, bytes]:
    """Relative path → content: `tableaux/<code>….csv`, `-excel.csv`, `.parquet`, the cube of everything and all schemas."""
    fichiers: dict[str, bytes] = {}
    for nom, df, tables in [*((t.code.lower(), t.df, [t]) for t in tableaux), (CUBE, _cube(tableaux), tableaux)]:
        long, souche = long_frame(df), f"tableaux/{nom}{meta.suffixe}"
        fichiers[f"{souche}.csv"] = format_csv(long).encode("utf-8")
        fichiers[f"{souche}-excel.csv"] = format_excel_csv(long)
        fichiers[f"{souche}.parquet"] = to_parquet(long)
        fichiers[f"schemas/{nom}.schema.json"] = dumps(table_schema(nom, tables, long, meta))
    return fichiers


def table_schema(nom: str, tableaux: Sequence[Tableau], df: pd.DataFrame, meta: Notice) -> dict[str, Any]:
    """Table Schema of one CSV: every column described in French, its codes enumerated when there are few."""
    champs = []
    for colonne in df.columns:
        genre, description = (
            (COLONNES[colonne].genre, COLONNES[colonne].description) if colonne in COLONNES else _axis_column(colonne, meta.axes)
        )  # fmt: skip
        champ: dict[str, Any] = {
            "name": colonne,
            "type": genre,
            "title": colonne.replace("_", " ").capitalize(),
            "description": description,
        }
        valeurs = sorted({str(v) for v in df[colonne].dropna().unique()} - {""})
        if colonne == "statut":
            champ["description"] += " " + " ; ".join(f"{v} : {STATUTS[v].sens}" for v in valeurs if v in STATUTS) + "."
        if colonne in ("edition", "statut", "unite", "obs_status", "conf_status", "denominateur", "table_id"):
            champ["constraints"] = {"required": True, "enum": valeurs}
        elif genre == "string" and colonne.endswith(("_type", "_code")) and "" not in set(df[colonne]):
            champ["constraints"] = {"required": True}
        if colonne == "denominateur":
            libelles = {k: v for t in tableaux for k, v in t.meta.denominateurs.items()}
            champ["description"] += " " + " ; ".join(f"{v} : {libelles[v]}" for v in valeurs if v in libelles) + "."
        champs.append(champ)
    titre = tableaux[0].meta.titre if nom != CUBE else f"Tous les tableaux – {meta.titre}, {meta.campagne}"
    return {
        "$schema": "https://frictionlessdata.io/schemas/table-schema.json",
        "name": f"{slug(meta)}-{nom}", "title": titre,
        "description": " ".join([*mentions(meta), "Une ligne est un chiffre, publié ou non."]),
        "version": meta.version, "created": meta.date, "lastModified": meta.date,
        "contributors": [{"title": meta.producteur, "organisation": meta.producteur, "role": "author",
                          "email": meta.contact}],
        "fields": champs, "primaryKey": key_columns(df.columns), "missingValues": [""],
    }  # fmt: skip


def build_datapackage(fichiers: Mapping[str, bytes], tableaux: Sequence[Tableau], meta: Notice) -> bytes:
    """Data Package 1.0: the canonical CSV files, each with its schema."""
    titres = {t.code.lower(): t.meta.titre for t in tableaux}
    ressources = []
    for schema in sorted(f for f in fichiers if f.startswith("schemas/")):
        nom = schema.removeprefix("schemas/").removesuffix(".schema.json")
        chemin, titre = f"tableaux/{nom}{meta.suffixe}.csv", titres.get(nom, "Tous les tableaux, une ligne par chiffre")
        ressources.append({"nom": nom, "titre": titre, "schema": schema, **_described(chemin, fichiers)})
    licence, adresse = LICENCES.get(meta.licence, (meta.licence, ""))
    return _document("datapackage.json", meta, ressources=ressources, licence=licence, adresse=adresse)


def build_dcat(fichiers: Mapping[str, bytes], meta: Notice) -> bytes:
    """DCAT-AP 3: the dataset and one distribution per file of data, in JSON-LD."""
    distributions = []
    for chemin in sorted(fichiers):
        suffixe = chemin.rpartition(".")[2]
        if suffixe in FORMATS:
            mime, genre = FORMATS[suffixe]
            nom = chemin.removeprefix("tableaux/").removesuffix(f"{meta.suffixe}.{suffixe}")
            schema = f"schemas/{nom}.schema.json"
            dit: dict[str, str | int] = {"mime": mime, "genre": genre, "schema": schema if schema in fichiers else ""}
            distributions.append(dit | _described(chemin, fichiers))
    adresse = LICENCES.get(meta.licence, ("", meta.licence))[1]
    return _document("catalogue.jsonld", meta, distributions=distributions, adresse=adresse)


def _described(chemin: str, fichiers: Mapping[str, bytes]) -> dict[str, str | int]:
    contenu = fichiers[chemin]
    return {"chemin": chemin, "octets": len(contenu), "sha256": hashlib.sha256(contenu).hexdigest()}


def _document(nom: str, meta: Notice, **valeurs: object) -> bytes:
    """The JSON that its template makes of a release."""
    description = " ".join([*mentions(meta), f"Champ : {meta.champ}.",
                            "Une ligne est un chiffre, avec son effectif, son intervalle de confiance et son statut."])  # fmt: skip
    gabarit = f"release/templates/{nom}.j2"
    return dumps(json.loads(render(gabarit, nom=slug(meta), m=meta, description=description, **valeurs)))


def slug(meta: Notice) -> str:
    """Name of the dataset: lower case, no accent, hyphens."""
    nom = "-".join(normalise(meta.publication.get("nom", "tableaux")).split())
    return f"{nom}-{meta.campagne}{'-donnees-fictives' if meta.fictif else ''}"


def _cube(tableaux: Sequence[Tableau]) -> pd.DataFrame:
    return pd.concat([t.df for t in tableaux], ignore_index=True)


def _axis_column(colonne: str, axes: Mapping[str, Axe]) -> tuple[str, str]:
    nom = next((a for a, axe in axes.items() if colonne in axis_columns(a, axe)), colonne)
    libelle = (axes.get(nom) or {}).get("libelle") or nom.replace("_", " ")
    fin = {f"{nom}_type": "niveau de la ligne", f"{nom}_code": "code", f"{nom}_libelle": "libellé"}.get(
        colonne, f"code ; {TOUS} pour l'ensemble"
    )
    return "string", f"{libelle[:1].upper()}{libelle[1:]} : {fin}."
