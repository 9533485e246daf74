"""Open data: one long CSV per table and one for everything, their French Excel and Parquet twins, and what describes them."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from cartographie.base.parquet import to_parquet
from cartographie.base.text import neutralise, normalise
from cartographie.release.manifest import Notice, dumps, mentions
from cartographie.survey.published import COLONNES, STATUTS, TOUS, axis_columns, key_columns
from cartographie.survey.received import Tableau

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
LICENCES = {
    "etalab-2.0": ("Licence Ouverte / Open Licence 2.0", "https://spdx.org/licenses/etalab-2.0.html"),
}
FREQUENCE = "http://publications.europa.eu/resource/authority/frequency/ANNUAL"
THEME = "http://publications.europa.eu/resource/authority/data-theme/HEAL"
FRANCE = "http://publications.europa.eu/resource/authority/country/FRA"
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
    for chemin in sorted(f for f in fichiers if f.startswith("schemas/")):
        nom = chemin.removeprefix("schemas/").removesuffix(".schema.json")
        donnees = f"tableaux/{nom}{meta.suffixe}.csv"
        ressources.append({
            "name": f"{nom}", "title": titres.get(nom, "Tous les tableaux, une ligne par chiffre"), "path": donnees,
            "profile": "tabular-data-resource", "format": "csv", "mediatype": "text/csv", "encoding": "utf-8",
            "dialect": {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "header": True},
            "bytes": len(fichiers[donnees]), "hash": "sha256:" + _sha256(fichiers[donnees]), "schema": chemin,
        })  # fmt: skip
    licence, adresse = LICENCES.get(meta.licence, (meta.licence, ""))
    return dumps({
        "profile": "data-package", "name": slug(meta), "title": f"{meta.titre} – édition {meta.campagne}",
        "description": _description(meta), "version": meta.version, "created": f"{meta.date}T00:00:00Z",
        "licenses": [{"name": meta.licence, "title": licence, **({"path": adresse} if adresse else {})}],
        "contributors": [{"title": meta.producteur, "role": "publisher", "organization": meta.producteur}],
        "sources": [{"title": f"{meta.titre}, édition {meta.campagne}"}],
        "resources": ressources,
    })  # fmt: skip


def build_dcat(fichiers: Mapping[str, bytes], meta: Notice) -> bytes:
    """DCAT-AP 3: the dataset and one distribution per file of data, in JSON-LD."""
    adresse = LICENCES.get(meta.licence, ("", meta.licence))[1]
    distributions = []
    for chemin in sorted(fichiers):
        suffixe = chemin.rpartition(".")[2]
        if suffixe not in FORMATS:
            continue
        mime, genre = FORMATS[suffixe]
        nom = chemin.removeprefix("tableaux/").removesuffix(f"{meta.suffixe}.{suffixe}")
        schema = f"schemas/{nom}.schema.json"
        distributions.append({
            "@type": "dcat:Distribution", "@id": chemin, "dct:title": {"@language": "fr", "@value": chemin},
            "dcat:accessURL": {"@id": chemin}, "dcat:downloadURL": {"@id": chemin}, "dcat:mediaType": mime,
            "dct:format": {"@id": genre}, "dcat:byteSize": len(fichiers[chemin]), "dct:license": {"@id": adresse},
            "dct:issued": _date(meta), "dct:modified": _date(meta),
            "spdx:checksum": {"@type": "spdx:Checksum", "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                              "spdx:checksumValue": _sha256(fichiers[chemin])},
            **({"dct:conformsTo": {"@id": schema}} if schema in fichiers else {}),
        })  # fmt: skip
    return dumps({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "foaf": "http://xmlns.com/foaf/0.1/",
            "vcard": "http://www.w3.org/2006/vcard/ns#", "spdx": "http://spdx.org/rdf/terms#", "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@type": "dcat:Dataset", "@id": slug(meta),
        "dct:identifier": slug(meta), "dct:title": {"@language": "fr", "@value": f"{meta.titre} – édition {meta.campagne}"},
        "dct:description": {"@language": "fr", "@value": _description(meta)},
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": meta.producteur},
        "dcat:contactPoint": {"@type": "vcard:Organization", "vcard:fn": meta.producteur,
                              **({"vcard:hasEmail": {"@id": f"mailto:{meta.contact}"}} if meta.contact else {})},
        "dcat:theme": {"@id": THEME}, "dct:accrualPeriodicity": {"@id": FREQUENCE}, "dct:spatial": {"@id": FRANCE},
        "dct:language": {"@id": "http://publications.europa.eu/resource/authority/language/FRA"},
        **({"dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": {"@type": "xsd:date", "@value": meta.debut},
            "dcat:endDate": {"@type": "xsd:date", "@value": meta.fin},
        }} if meta.debut else {}),
        "dct:license": {"@id": adresse}, "dct:issued": _date(meta), "dct:modified": _date(meta),
        "dcat:version": meta.version, "dcat:distribution": distributions,
    })  # fmt: skip


def slug(meta: Notice) -> str:
    """Name of the dataset: lower case, no accent, hyphens."""
    nom = "-".join(normalise(str(meta.publication.get("nom") or "tableaux")).split())
    return f"{nom}-{meta.campagne}{'-donnees-fictives' if meta.fictif else ''}"


def _cube(tableaux: Sequence[Tableau]) -> pd.DataFrame:
    return pd.concat([t.df for t in tableaux], ignore_index=True)


def _axis_column(colonne: str, axes: Mapping[str, Any]) -> tuple[str, str]:
    nom = next((a for a, axe in axes.items() if colonne in axis_columns(a, axe)), colonne)
    libelle = (axes.get(nom) or {}).get("libelle") or nom.replace("_", " ")
    fin = {f"{nom}_type": "niveau de la ligne", f"{nom}_code": "code", f"{nom}_libelle": "libellé"}.get(
        colonne, f"code ; {TOUS} pour l'ensemble"
    )
    return "string", f"{libelle[:1].upper()}{libelle[1:]} : {fin}."


def _description(meta: Notice) -> str:
    return " ".join([*mentions(meta), f"Champ : {meta.champ}.",
                     "Une ligne est un chiffre, avec son effectif, son intervalle de confiance et son statut."])  # fmt: skip


def _date(meta: Notice) -> dict[str, str]:
    return {"@type": "xsd:date", "@value": meta.date}


def _sha256(contenu: bytes) -> str:
    return hashlib.sha256(contenu).hexdigest()
