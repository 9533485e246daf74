"""Two releases, figure by figure: of the same edition (a correction) or of two editions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cartographie.feuillet import html_page, html_table
from cartographie.phrases import espace, nombre
from cartographie.release.manifest import read_manifest
from cartographie.release.mentions import FICTIF

TABLEAUX = "tableaux/*.csv"
CHIFFRES = ("valeur", "statut", "n_repondants", "ic_bas", "ic_haut", "n_pondere")
HORS_CLE = {*CHIFFRES, "obs_status", "conf_status"}
AJOUTE, RETIRE, VALEUR, STATUT, EFFECTIF, PRECISION = "ajouté", "retiré", "valeur", "statut", "effectif", "précision"
# what is said of a figure that differs in several ways: the last of these
GENRES = ((PRECISION, "n_pondere"), (PRECISION, "ic_bas"), (PRECISION, "ic_haut"), (EFFECTIF, "n_repondants"), (STATUT, "statut"),
          (VALEUR, "valeur"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparaison:
    """`ecarts`: one row is one figure that differs: its key, `ecart` (what differs), the values before and after.
    `communs`: figures found in both; `editions`: the campaigns compared."""

    ecarts: pd.DataFrame
    communs: int
    editions: tuple[str, str]
    fictif: bool


def compare_releases(avant: Path, apres: Path) -> Comparaison:
    """Raises UserError U21 when a directory is no release. Labels are not compared: codes are."""
    (ancien, a), (nouveau, b) = read_figures(avant), read_figures(apres)
    if a["campagne"] != b["campagne"]:  # each edition's own figures, told apart by everything but the year
        ancien, nouveau = (
            df[df["edition"] == m["campagne"]].assign(edition=f"{a['campagne']} → {b['campagne']}")
            for df, m in ((ancien, a), (nouveau, b))
        )
    fictif = bool(a.get("donnees_fictives") or b.get("donnees_fictives"))
    return Comparaison(*compare_figures(ancien, nouveau), (str(a["campagne"]), str(b["campagne"])), fictif)


def compare_figures(ancien: pd.DataFrame, nouveau: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """(what differs, figures found in both); frames as read from the CSV files, text only."""
    cle = [c for c in nouveau.columns if c in ancien.columns and c not in HORS_CLE and not c.endswith("_libelle")]
    colonnes = [*cle, *CHIFFRES]
    tous = ancien[colonnes].merge(nouveau[colonnes], on=cle, how="outer", suffixes=("_avant", "_apres"), indicator=True)
    genre = pd.Series("", index=tous.index)
    for nom, colonne in GENRES:
        genre[tous[f"{colonne}_avant"] != tous[f"{colonne}_apres"]] = nom
    genre[tous["_merge"] == "left_only"], genre[tous["_merge"] == "right_only"] = RETIRE, AJOUTE
    ecarts = tous.assign(ecart=genre).drop(columns="_merge")[genre != ""].fillna("").reset_index(drop=True)
    ecarts = ecarts[[*cle, "ecart", *(f"{c}_{q}" for c in CHIFFRES for q in ("avant", "apres"))]]
    return ecarts, int((tous["_merge"] == "both").sum())


def format_comparison_html(c: Comparaison, titre: str) -> str:
    """A page that stands alone: one table, its caption, every difference."""
    corps = f"<p>{espace(c.communs)} chiffres communs, {nombre(len(c.ecarts), 'différence', 'différences')}.</p>"
    tetes = [x.replace("_", " ") for x in c.ecarts.columns]
    corps += html_table("Différences", tetes, c.ecarts.itertuples(index=False))
    return html_page(titre, corps, [FICTIF] if c.fictif else [])


def is_table(chemin: Path) -> bool:
    """Is this the reference CSV of one table, by its name: neither a twin nor the cube."""
    return chemin.match(TABLEAUX) and not chemin.name.endswith("-excel.csv") and not chemin.name.startswith("cube")


def read_figures(dossier: Path) -> tuple[pd.DataFrame, dict[str, object]]:
    """(every published figure as text, the manifest). Raises UserError U21 when `dossier` is no release."""
    manifeste = read_manifest(dossier)
    lus = [
        pd.read_csv(p, dtype=str, keep_default_na=False, encoding="utf-8")
        for p in sorted(dossier.glob(TABLEAUX))
        if is_table(p)
    ]
    return pd.concat(lus, ignore_index=True), manifeste
