"""Do the 95 % intervals hold the truth? Everybody answers, then some do not, many times over.

    python benchmarks/couverture.py [--repondants 1500] [--tirages 100] [--graine 1]

The population is a fictitious campaign where everyone in the frame answered: its tables are the truth. At each draw a unit
answers with a probability that depends on its kind and size (30 to 70 %), then weights, figures and intervals are computed
as for a release. Second experiment: the users of AI answer more willingly than the others at equal kind and size, which no
weight can know. What is printed: shares of the intervals that hold the truth, by kind of figure and by number of respondents.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cartographie import warehouse
from cartographie.statistics.tables import Campagne, draft_tableaux
from cartographie.statistics.weights import weigh
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Questionnaire

TRANCHES = [(1, 30), (30, 100), (100, 10**9)]
Trames = Mapping[str, pd.DataFrame]


def population(repondants: int, graine: int) -> tuple[Questionnaire, str, Trames]:
    """The last campaign of a fictitious workspace, as if its frame were made of those who answered."""
    dossier = Path(tempfile.gettempdir()) / f"cartographie-couverture-{repondants}-{graine}"
    if not (dossier / "outputs" / "entrepot.duckdb").exists():
        for commande in (
            ["demo", str(dossier), "--repondants", str(repondants), "--graine", str(graine), "--classeurs", "2"],
            ["load", "--projet", str(dossier)],
        ):
            subprocess.run([sys.executable, "-m", "cartographie", *commande], check=True, stdout=subprocess.DEVNULL)
    q = load_questionnaire(dossier)
    campagne = max(q.campagnes)
    with warehouse.open_readonly(dossier / "outputs" / "entrepot.duckdb") as con:
        trames = dict(warehouse.analysis_frames(con, campagne))
    base, racine = trames[q.base], trames[q.racine]
    base = base[base["id_repondant"].isin(racine["id_repondant"])].reset_index(drop=True)
    # an answer for several sites stays one, but each unit of the frame then has one respondent
    base = base.drop_duplicates("id_repondant", ignore_index=True)
    gardes = {q.racine, *(e for e, d in q.entites.items() if d.parent == q.racine)}
    trames = {e: t for e, t in trames.items() if e in gardes} | {q.base: base.assign(disposition="complet")}
    return q, campagne, keep(q, trames, racine["id_repondant"].isin(base["id_repondant"]).to_numpy())


def keep(q: Questionnaire, trames: Trames, garde: np.ndarray) -> dict[str, pd.DataFrame]:
    """The frames when only those rows of the root answered."""
    rang = np.where(garde, np.cumsum(garde) - 1, -1)
    out = {}
    for entite, t in trames.items():
        if entite == q.racine:
            out[entite] = t[garde].reset_index(drop=True)
        elif entite == q.base:
            repondu = t["id_repondant"].isin(trames[q.racine].loc[garde, "id_repondant"])
            out[entite] = t.assign(
                id_repondant=t["id_repondant"].where(repondu),
                a_repondu=repondu.to_numpy(),
                disposition=np.where(repondu, "complet", "non_joint"),
            )
        else:
            ici = garde[t["parent"].to_numpy(dtype=int)]
            out[entite] = t[ici].assign(parent=rang[t.loc[ici, "parent"].to_numpy(dtype=int)]).reset_index(drop=True)
    return out


def figures(q: Questionnaire, campagne: str, trames: Trames) -> pd.DataFrame:
    """Every share, total and mean that has an interval, by its published key."""
    tous = pd.concat([t.df for t in draft_tableaux(q, Campagne(campagne, trames, weigh(q, campagne, trames)), None)])
    cle = [c for c in tous.columns[: tous.columns.get_loc("n_repondants")] if not c.endswith("_libelle")]
    colonnes = ["n_repondants", "_exact", "ic_bas", "ic_haut", "_fiabilite", "_mesure"]
    return tous[tous["_protege"] & tous["ic_bas"].notna()].set_index(cle)[colonnes]


def answering(trames: Trames, q: Questionnaire, hasard: np.random.Generator, biais: float) -> np.ndarray:
    """Who answers: one probability by kind and size, drawn once; `biais`: how many times likelier users of AI are to."""
    racine = trames[q.racine]
    # the frame's own kind and size: what the weights know
    base = trames[q.base].set_index("id_repondant").loc[racine["id_repondant"]]
    groupes = pd.factorize(base["type_acteur"].astype(str) + base["taille"].astype(str), sort=True)[0]
    p = np.random.default_rng(0).uniform(0.3, 0.7, groupes.max() + 1)[groupes]
    if biais != 1:
        utilise = racine["usage_ia"].isin(["OUI", "OUI_PROD", "OUI_EXP"]).to_numpy()
        p = np.minimum(np.where(utilise, p * biais, p), 1.0)
    return hasard.random(len(p)) < p


def experience(
    q: Questionnaire, campagne: str, trames: Trames, tirages: int, graine: int, biais: float
) -> pd.DataFrame:
    """One row is one interval: held (bool), mesure, tranche, ecart (points or relative)."""
    vraies = figures(q, campagne, trames)["_exact"]
    hasard = np.random.default_rng(graine)
    lus = []
    for tirage in range(tirages):
        print(f"… tirage {tirage + 1}/{tirages}", end="\r", file=sys.stderr, flush=True)
        f = figures(q, campagne, keep(q, trames, answering(trames, q, hasard, biais)))
        f = f.join(vraies.rename("vraie"), how="inner")
        f = f[(f["_fiabilite"] != "i") & (f["n_repondants"] >= 10)]  # what is published
        pas = np.where(f["_mesure"].isin(["part", "repartition", "ratio"]), 0.05, 0.005)  # bounds are rounded
        tenu = (f["ic_bas"] - pas <= f["vraie"]) & (f["vraie"] <= f["ic_haut"] + pas)
        lus.append(pd.DataFrame({"tenu": tenu.to_numpy(), "mesure": f["_mesure"].to_numpy(), "n": f["n_repondants"].to_numpy(),
                                 "ecart": (f["_exact"] - f["vraie"]).to_numpy(), "tirage": tirage}))  # fmt: skip
    print(file=sys.stderr)
    return pd.concat(lus, ignore_index=True)


def report(titre: str, r: pd.DataFrame) -> list[str]:
    lignes = [f"### {titre}", "", "| figure | intervalles | contiennent la vérité |", "|---|---|---|"]
    parts = r["mesure"].isin(["part", "repartition", "ratio"])

    def line(nom: str, ici: Any) -> str:
        return f"| {nom} | {int(ici.sum())} | {100 * r.loc[ici, 'tenu'].mean():.1f} % |".replace(".", ",")

    for bas, haut in TRANCHES:
        ici = parts & (r["n"] >= bas) & (r["n"] < haut)
        if ici.any():
            lignes.append(
                line(
                    f"parts, de {bas} à {haut - 1} répondants" if haut < 10**9 else f"parts, {bas} répondants et plus",
                    ici,
                )
            )
    lignes += [line("totaux et moyennes", ~parts), line("ensemble", parts | ~parts), ""]
    return lignes


def main() -> None:
    options = argparse.ArgumentParser(description="Part des intervalles à 95 % qui contiennent la vérité.")
    options.add_argument("--repondants", type=int, default=1500)
    options.add_argument("--tirages", type=int, default=100)
    options.add_argument("--graine", type=int, default=1)
    choix = options.parse_args()
    q, campagne, trames = population(choix.repondants, choix.graine)
    n = len(trames[q.racine])
    texte = [
        f"Population fictive de {n} répondants, {choix.tirages} tirages, réponse de 30 à 70 % selon le type et la taille.",
        "",
    ]
    for titre, biais in (
        ("À type et taille égaux, tous répondent autant", 1.0),
        ("Les utilisateurs d'IA répondent une fois et demie plus", 1.5),
    ):
        r = experience(q, campagne, trames, choix.tirages, choix.graine, biais)
        texte += report(titre, r)
    print("\n".join(texte))


if __name__ == "__main__":
    main()
