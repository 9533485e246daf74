"""The released files as they are: CSV tables, workbook (hidden sheets, formulas and comments too), nothing else."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import numpy as np
import pandas as pd
from openpyxl import load_workbook

from cartographie.base.parquet import read_parquet

NOMBRES = ("n_repondants", "n_pondere", "valeur", "ic_bas", "ic_haut")
VISIBLES = ("A", "u")
ESTIME = "e"  # a model's figure: what it rests on is proven apart (modelled.py), nothing of it is a count
DITS = {*VISIBLES, ESTIME, "c", "n", "i", "nd", "b"}  # any other symbol would say why a figure is withheld
CONNUS = {".csv", ".parquet", ".xlsx", ".txt", ".json", ".jsonld", ".svg", ".png", ".html"}
EXCEL, CUBE = "-excel.csv", "cube"  # twins of a table, and all the tables in one
RESERVEES = {"corrections.yaml", "rapprochements.csv"}  # declarations about one respondent
ARRONDI = 6


def read_tables(dossier: Path) -> pd.DataFrame:
    """One row is one published figure of one CSV, in the order of the files; `fichier`: where it was read."""
    lus = []
    for chemin in sorted((dossier / "tableaux").glob("*.csv")):
        if not chemin.name.endswith(EXCEL) and not chemin.name.startswith(CUBE):
            lus.append(_read(chemin).assign(fichier=chemin.name))
    return pd.concat(lus, ignore_index=True) if lus else pd.DataFrame()


def _read(chemin: Path) -> pd.DataFrame:
    """The rows of a table, whatever its form: texts, and numbers where there are."""
    if chemin.suffix == ".parquet":
        df = read_parquet(chemin)
        textes = [c for c in df.columns if c not in NOMBRES]
        df[textes] = df[textes].fillna("").astype(str)
    elif chemin.name.endswith(EXCEL):
        df = pd.read_csv(chemin, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep=";")
        df[list(NOMBRES)] = df[list(NOMBRES)].apply(lambda c: c.str.replace(",", "."))
    else:
        df = pd.read_csv(chemin, dtype=str, keep_default_na=False, encoding="utf-8")
    for c in NOMBRES:
        df[c] = pd.to_numeric(df[c].replace("", None)).astype(float)
    return df


def twin_differences(dossier: Path, df: pd.DataFrame) -> list[str]:
    """Twins of the tables (Excel's, Parquet, all in one) that do not say what their CSV says."""
    out = []
    for chemin in sorted((dossier / "tableaux").iterdir()):
        if chemin.name in set(df["fichier"]):
            continue
        souche = chemin.name.removesuffix(EXCEL).removesuffix(chemin.suffix)
        attendu = df if souche.startswith(CUBE) else df[df["fichier"] == f"{souche}.csv"]
        attendu = attendu.drop(columns="fichier").reset_index(drop=True)
        lu = _read(chemin)
        if list(lu.columns) != list(attendu.columns) or not _same(lu, attendu):
            out.append(f"{chemin.name} : ne dit pas la même chose que le CSV du tableau")
    return out


def _same(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    if len(a) != len(b):
        return False
    textes = [c for c in b.columns if c not in NOMBRES]
    nombres = list(NOMBRES)
    ecart = np.nan_to_num(a[nombres].to_numpy(float), nan=-1e9) - np.nan_to_num(b[nombres].to_numpy(float), nan=-1e9)
    # what a spreadsheet neutralises stays recognisable; only figures and keys are compared
    return bool((np.abs(ecart) < 10**-ARRONDI).all()) and bool((a[textes].to_numpy() == b[textes].to_numpy()).all())


def strange_files(dossier: Path) -> list[str]:
    """Files of a kind this attacker cannot read: what they say is not proven. An archive may hold declarations only."""
    return [
        f"{p.relative_to(dossier)} : fichier que l'attaque ne sait pas lire"
        for p in sorted(dossier.rglob("*"))
        if p.is_file() and p.suffix not in CONNUS and not _declarations(p)
    ]


def _declarations(chemin: Path) -> bool:
    """Is it an archive of texts declared before anybody answered, none of which is about one respondent?"""
    if chemin.suffix != ".zip" or not is_zipfile(chemin):
        return False
    with ZipFile(chemin) as archive:
        noms = [Path(x) for x in archive.namelist()]
    return all(x.suffix in {".yaml", ".csv", ".md", ".css"} and x.name not in RESERVEES for x in noms)


def incoherent_rows(df: pd.DataFrame) -> list[str]:
    """Rows whose status says masked and whose figures say otherwise, or whose status is none of those the public is told."""
    montre = df["statut"].isin({*VISIBLES, ESTIME})
    mauvaises = ~montre & df[["valeur", "ic_bas", "ic_haut"]].notna().any(axis=1)
    mauvaises |= df["n_pondere"].notna() & df["n_repondants"].isna()
    dites = [f"{df.at[i, 'fichier']}, ligne {i} : un chiffre masqué garde une valeur" for i in df.index[mauvaises]]
    inconnus = df.index[~df["statut"].isin(DITS)]
    return dites + [f"{df.at[i, 'fichier']}, ligne {i} : un statut que le public ne connaît pas" for i in inconnus]


def picture_differences(dossier: Path, df: pd.DataFrame) -> list[str]:
    """Numbers of the maps and of the page's data that no CSV shows. A PNG is drawn from the SVG of the same name."""
    permis = {round(float(x), ARRONDI) for c in NOMBRES for x in df[c].dropna()}
    out = []
    for chemin in sorted([*dossier.rglob("*.svg"), *dossier.glob("*.html")]):
        texte = chemin.read_text(encoding="utf-8")
        lus = _areas(texte) if chemin.suffix == ".svg" else _page_data(texte)
        if any(round(x, ARRONDI) not in permis for x in lus):
            out.append(f"{chemin.relative_to(dossier)} : un nombre ne figure dans aucun CSV")
    orphelines = [p for p in sorted(dossier.rglob("*.png")) if not p.with_suffix(".svg").is_file()]
    return out + [f"{p.relative_to(dossier)} : image sans sa carte SVG" for p in orphelines]


def _areas(svg: str) -> Iterator[float]:
    """Values, bounds and counts told by the areas of a map; the extremes told by its description."""
    for texte in re.findall(r"<g><title>([^<]*)</title>|<desc[^>]*>([^<]*)</desc>", svg):
        dit = texte[0].partition(" : ")[2] or "".join(re.findall(r"De .*\)\.", texte[1]))
        for n in re.findall(r"[\u2212-]?\d[\d\u202f]*(?:,\d+)?", dit):
            yield float(n.replace("\u202f", "").replace(",", ".").replace("\u2212", "-"))


def _page_data(html: str) -> Iterator[float]:
    """Everything the page's script can show: value, count and bounds of each area; key figures are in the text."""
    brut = re.search(r'<script type="application/json" id="donnees">(.*?)</script>', html, re.S)
    for carte in json.loads(brut.group(1).replace("<\\/", "</"))["cartes"] if brut else ():
        for serie in carte["series"]:
            for lieu in serie["lieux"]:
                yield from (float(x) for x in (lieu[2], *lieu[4:]) if x is not None)
    for n in re.findall(r'<p class="valeur">([\u2212+]?[\d\u202f]+(?:,\d+)?)', html):
        yield float(n.replace("\u202f", "").replace(",", ".").replace("\u2212", "-"))


def workbook_differences(dossier: Path, df: pd.DataFrame) -> list[str]:
    """Numbers of the workbook that no CSV shows, formulas and comments: what a workbook could say more."""
    permis = Counter(round(float(x), ARRONDI) for c in NOMBRES for x in df[c].dropna())
    textes = {str(x) for c in df.columns if c not in NOMBRES for x in df[c].unique()}
    return [m for chemin in sorted(dossier.glob("*.xlsx")) for m in _differences(chemin, set(permis), textes)]


def _differences(chemin: Path, permis: set[float], textes: set[str]) -> Iterator[str]:
    classeur = load_workbook(chemin)
    for feuille in classeur.worksheets:
        if feuille.sheet_state != "visible":
            yield f"{chemin.name}, feuille {feuille.title} : feuille cachée"
        for ligne in feuille.iter_rows():
            for case in ligne:
                ou = f"{chemin.name}, feuille {feuille.title}, case {case.coordinate}"
                if case.comment is not None:
                    yield f"{ou} : commentaire"
                if case.data_type == "f" and not str(case.value).startswith("=HYPERLINK("):
                    yield f"{ou} : formule"
                elif case.data_type == "n" and case.value is not None and not isinstance(case.value, bool):
                    if round(float(case.value), ARRONDI) not in permis and str(case.value) not in textes:
                        yield f"{ou} : {case.value} ne figure dans aucun CSV"
