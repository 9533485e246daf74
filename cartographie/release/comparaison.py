"""Two releases, figure by figure: of the same edition (a correction) or of two editions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from cartographie.errors import UserError
from cartographie.release.manifest import NOM
from cartographie.release.mentions import FICTIF

TABLEAUX = "tableaux/*.csv"
CHIFFRES = ("valeur", "statut", "n_repondants")
AJOUTE, RETIRE, VALEUR, STATUT, EFFECTIF = "ajouté", "retiré", "valeur", "statut", "effectif"


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
    (ancien, a), (nouveau, b) = _read(avant), _read(apres)
    if a["campagne"] != b["campagne"]:  # each edition's own figures, told apart by everything but the year
        ancien, nouveau = (
            df[df["edition"] == m["campagne"]].assign(edition=f"{a['campagne']} → {b['campagne']}")
            for df, m in ((ancien, a), (nouveau, b))
        )
    cle = [c for c in nouveau.columns if c in ancien.columns and c not in CHIFFRES and not c.endswith("_libelle")]
    colonnes = [*cle, *CHIFFRES]
    tous = ancien[colonnes].merge(nouveau[colonnes], on=cle, how="outer", suffixes=("_avant", "_apres"), indicator=True)
    genre = pd.Series("", index=tous.index)
    for nom, colonne in ((EFFECTIF, "n_repondants"), (STATUT, "statut"), (VALEUR, "valeur")):
        genre[tous[f"{colonne}_avant"] != tous[f"{colonne}_apres"]] = nom
    genre[tous["_merge"] == "left_only"], genre[tous["_merge"] == "right_only"] = RETIRE, AJOUTE
    ecarts = tous.assign(ecart=genre).drop(columns="_merge")[genre != ""].fillna("").reset_index(drop=True)
    ecarts = ecarts[[*cle, "ecart", *(f"{c}_{q}" for c in CHIFFRES for q in ("avant", "apres"))]]
    return Comparaison(
        ecarts, int((tous["_merge"] == "both").sum()), (str(a["campagne"]), str(b["campagne"])),
        bool(a.get("donnees_fictives") or b.get("donnees_fictives")),
    )  # fmt: skip


def format_comparison_html(c: Comparaison, titre: str) -> str:
    """A page that stands alone: one table, its caption, every difference."""
    tetes = "".join(f"<th scope='col'>{escape(x.replace('_', ' '))}</th>" for x in c.ecarts.columns)
    lignes = "".join(
        "<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in x) + "</tr>" for x in c.ecarts.itertuples(index=False)
    )
    fictif = f"<p><strong>{FICTIF}</strong></p>" if c.fictif else ""
    return (
        f"<!DOCTYPE html><html lang='fr'><head><meta charset='utf-8'><title>{escape(titre)}</title><style>"
        "body{font:1rem/1.5 Arial,sans-serif;margin:1.5rem}table{border-collapse:collapse}td,th{border:1px solid #8a929a;"
        "padding:.25rem .5rem;text-align:left}caption{text-align:left;font-weight:bold}</style></head><body><main>"
        f"<h1>{escape(titre)}</h1>{fictif}<p>{c.communs} chiffres communs, {len(c.ecarts)} différences.</p>"
        f"<table><caption>Différences</caption><thead><tr>{tetes}</tr></thead><tbody>{lignes}</tbody></table></main></body></html>\n"
    )


def _read(dossier: Path) -> tuple[pd.DataFrame, dict[str, object]]:
    chemin = dossier / NOM
    if not chemin.is_file():
        raise UserError(
            "U21", f"« {dossier} » n'est pas une publication (pas de {NOM}) : donnez un dossier de outputs/<campagne>/."
        )
    fichiers = [
        p for p in sorted(dossier.glob(TABLEAUX)) if not p.name.endswith("-excel.csv") and not p.name.startswith("cube")
    ]
    lus = [pd.read_csv(p, dtype=str, keep_default_na=False, encoding="utf-8") for p in fichiers]
    tous = pd.concat(lus, ignore_index=True).drop(
        columns=["ic_bas", "ic_haut", "n_pondere", "obs_status", "conf_status"], errors="ignore"
    )
    return tous, json.loads(chemin.read_text(encoding="utf-8"))
