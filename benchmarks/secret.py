"""Secrecy at the country's size: time to protect and to attack, and what is masked beside a simple heuristic.

    python benchmarks/secret.py [--tailles 3000 36000]

`cartographie demo` makes the campaigns, `load` the warehouse; each stage of `publish` is then timed. The heuristic is the one
programs without linear algebra apply: at least two masked cells in every sum, cheapest first, until nothing changes; then, as
the attacker shows that this is not enough, one more cell beside each one it still finds, until it finds none.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cartographie import warehouse
from cartographie.campaign.workspace import warehouse_path
from cartographie.cli.flow.publish import release_meta
from cartographie.proof.attack import attack_release
from cartographie.proof.solve import attack
from cartographie.release.publish import publish
from cartographie.secrecy import protect, suppression
from cartographie.secrecy.suppression import suppress
from cartographie.statistics.precision import finish
from cartographie.statistics.tables import Campagne, draft_tableaux
from cartographie.statistics.tallies import exact_counts
from cartographie.statistics.weights import weigh
from cartographie.survey.load import load_questionnaire

BUT = 60  # seconds to protect and attack everything


def simple_suppression(cellules: pd.DataFrame, m: Any) -> np.ndarray:
    """What is masked (boolean by row of `cellules`), primaries and never published included."""
    m = sparse.csr_matrix(m)
    valeur = cellules["valeur"].to_numpy(float)
    fixe = cellules["fixe"].to_numpy(bool)
    primaire = cellules["primaire"].isin(["A", "B"]).to_numpy() & ~fixe
    cachee = (primaire | ~cellules["publie"].to_numpy(bool)) & ~fixe
    cout = cellules["cout"].to_numpy(float)
    lignes = [m.indices[a:b] for a, b in zip(m.indptr, m.indptr[1:], strict=False)]
    par_cellule: dict[int, list[np.ndarray]] = {}
    for ligne in lignes:
        for c in ligne:
            par_cellule.setdefault(int(c), []).append(ligne)

    def cheapest(ligne: np.ndarray) -> int | None:
        libres = [int(c) for c in ligne if not cachee[c] and not fixe[c]]
        return min(libres, key=lambda c: (cout[c], c), default=None)

    def two_by_sum() -> None:
        change = True
        while change:
            change = False
            for ligne in lignes:
                if cachee[ligne].sum() == 1 and (ajout := cheapest(ligne)) is not None:
                    cachee[ajout] = change = True

    two_by_sum()
    cellule = cellules.assign(valeur=valeur)[["valeur"]].reset_index(drop=True)
    constantes, refusees = m @ valeur, set()
    while True:
        vues = cellule.assign(valeur=np.where(cachee, np.nan, valeur))
        cibles = np.flatnonzero(primaire)
        besoin = pd.DataFrame(
            {
                "valeur": valeur,
                "largeur": np.where(valeur == 0, 1.0, np.maximum(2, 0.2 * valeur)),
                "dessous": 0.0,
                "dessus": 0.0,
            }
        )
        r = attack(vues, m, constantes=constantes, cibles=cibles, exigence=besoin.loc[cibles])
        rates = [int(i) for i in r.index[~r["prouve"]] if i not in refusees]
        if not rates:
            return cachee
        for c in rates:
            ajouts = [a for ligne in par_cellule.get(c, []) if (a := cheapest(ligne)) is not None]
            if ajouts:
                cachee[min(ajouts, key=lambda a: (cout[a], a))] = True
            else:
                refusees.add(c)  # nothing more to mask beside it
        two_by_sum()


def workspace(repondants: int) -> Path:
    dossier = Path(tempfile.gettempdir()) / f"cartographie-secret-{repondants}"
    if not warehouse_path(dossier).exists():
        shutil.rmtree(dossier, ignore_errors=True)
        for commande in (
            ["demo", str(dossier), "--repondants", str(repondants), "--graine", "1", "--classeurs", "5"],
            ["load", "--projet", str(dossier)],
        ):
            subprocess.run([sys.executable, "-m", "cartographie", *commande], check=True, stdout=subprocess.DEVNULL)
    return dossier


def measure(repondants: int, heuristique: bool) -> list[str]:
    projet = workspace(repondants)
    q = load_questionnaire(projet)
    campagne = max(q.campagnes)
    precedente = q.campagnes[campagne].precedente
    seuils = q.campagnes[campagne].parametres["seuils"]
    durees: dict[str, float] = {}

    def timed(nom: str, fonction: Any, *args: Any, **kw: Any) -> Any:
        depart = time.perf_counter()
        resultat = fonction(*args, **kw)
        durees[nom] = time.perf_counter() - depart
        return resultat

    with warehouse.open_readonly(warehouse_path(projet)) as con:
        trames = {a: warehouse.analysis_frames(con, a) for a in (campagne, precedente) if a}
    campagnes = {a: Campagne(a, t, weigh(q, a, t)) for a, t in trames.items()}
    brouillons = timed("calcul des tableaux", draft_tableaux, q, campagnes[campagne], campagnes.get(str(precedente)))
    recus: list[Any] = []

    def noted(*args: Any, **options: Any) -> pd.DataFrame:
        recus.append((args, options))
        return suppress(*args, **options)

    suppression.suppress = noted  # type: ignore[attr-defined]
    p = timed("masquage", protect.protect, q, brouillons, seuils)
    suppression.suppress = suppress  # type: ignore[attr-defined]
    meta = release_meta(projet, q, campagne, "mesure", "2026-01-01")
    meta |= {"secret_secondaire": True, "secret": p.bilan, "ponderation": None, "plausibilite": (), "anterieures": []}
    with tempfile.TemporaryDirectory() as temporaire:
        sortie = Path(temporaire) / "mesure"
        timed("écriture", publish, sortie, [finish(t) for t in p.tableaux], meta)
        rapport = timed("attaque", attack_release, sortie, q, exact_counts(brouillons), seuils)
    n = p.bilan["cellules"]
    total = durees["masquage"] + durees["attaque"]
    lignes = [
        f"## {repondants} répondants", "",
        f"{sum(len(t.df) for t in brouillons)} chiffres, {sum(n.values())} effectifs dans le système, {n['A'] + n['B']} confidentiels, "
        f"{len(rapport.cellules)} attaqués ; {'tous prouvés' if rapport.sain else 'PREUVE REFUSÉE'}.", "",
        *(f"- {nom} : {d:.1f} s".replace(".", ",") for nom, d in durees.items()),
        f"- masquage et attaque : {total:.1f} s ; but de {BUT} s : {'tenu' if total < BUT else 'MANQUÉ'}".replace(".", ","), "",
    ]  # fmt: skip
    if heuristique:
        (cellules, equations), options = recus[0]
        lecteur = suppress(cellules, equations, **{**options, "seuls": False})["statut"].eq("D").sum()
        simple = (
            simple_suppression(cellules, equations)
            & cellules["publie"].to_numpy(bool)
            & ~cellules["fixe"].to_numpy(bool)
        )
        simple = int((simple & ~cellules["primaire"].isin(["A", "B"]).to_numpy()).sum())
        lignes += [
            "| masqués pour protéger les autres | effectifs |", "|---|---|",
            f"| contre un lecteur, `suppress` | {lecteur} |", f"| contre un lecteur, heuristique simple | {simple} |",
            f"| contre un lecteur et chaque répondant, `suppress` | {n['D']} |", "",
        ]  # fmt: skip
    return lignes


def main() -> None:
    options = argparse.ArgumentParser(
        description="Temps du masquage et de l'attaque, et masques à côté d'une heuristique."
    )
    options.add_argument("--tailles", type=int, nargs="+", default=[3_000, 36_000])
    for taille in (choix := options.parse_args()).tailles:
        print("\n".join(measure(taille, taille == min(choix.tailles))), flush=True)


if __name__ == "__main__":
    main()
