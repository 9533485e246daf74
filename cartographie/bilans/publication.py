"""What loading, computing and publishing report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.model import Questionnaire
from cartographie.phrases import FICTIF, espace, nombre

if TYPE_CHECKING:
    from cartographie.examine import Controle

Bilan = dict[str, Any]


def load(chemin: Path, _: Any, controles: Sequence[Controle]) -> Bilan:
    lignes = [f"{c.annee} : " + ", ".join(f"{espace(len(df))} {e}" for e, df in c.recu.kept.items()) for c in controles]
    return {
        "titre": f"Entrepôt reconstruit : {chemin}",
        "lignes": lignes,
        "entrepot": str(chemin),
        "campagnes": [c.annee for c in controles],
    }


def map_(annee: str, tableaux: Sequence[Any], dossier: Path) -> Bilan:
    return {
        "titre": f"{annee} : {nombre(len(tableaux), 'tableau calculé', 'tableaux calculés')} dans {dossier} (rien n'est publié).",
        "tables": [
            {
                "entete": ["tableau", "lignes", "titre"],
                "rangs": [[t.code, len(t.df), t.meta.get("titre", "")] for t in tableaux],
            }
        ],
        "campagne": annee,
        "tableaux": {t.code: len(t.df) for t in tableaux},
        "dossier": str(dossier),
    }


def publish(annee: str, dossier: Path, tableaux: Sequence[Any], ecrits: Any, secret: Mapping[str, Any]) -> Bilan:
    statuts = Counter(s for t in tableaux for s in t.df["statut"])
    return {
        "titre": f"{annee} : {nombre(len(tableaux), 'tableau', 'tableaux')} dans {dossier}.",
        "lignes": [
            f"Secret : {nombre(secret['cellules']['A'] + secret['cellules']['B'], 'effectif confidentiel', 'effectifs confidentiels')}, "
            f"{secret['cellules']['D']} masqués pour les protéger ; la publication a été attaquée, rien ne se retrouve."
        ],
        "secret": dict(secret),
        "campagne": annee,
        "dossier": str(dossier),
        "tableaux": len(tableaux),
        "statuts": dict(sorted(statuts.items())),
    }


def run(
    q: Questionnaire,
    controles: Sequence[Controle],
    constats: Sequence[Bilan],
    publications: Sequence[Bilan],
    entrepot: Path,
    annees: Sequence[str],
) -> Bilan:
    publies = {p["campagne"]: p for p in publications}
    rangs = [
        [b["campagne"], b["fichiers"]["recus"], b["fichiers"]["refuses"], b["conserves"].get(q.racine, 0), b["quarantaine"].get(q.racine, 0),
         sum(b["gravites"].values()), publies.get(b["campagne"], {}).get("tableaux", 0)]
        for b in constats
    ]  # fmt: skip
    lieux = []
    for b in constats:
        lieux.append(f"{b['campagne']} : ce qui est faux et où → {Path(b['dossier']) / 'anomalies.xlsx'}")
        if b["campagne"] in publies:
            lieux.append(f"{b['campagne']} : les tableaux → {publies[b['campagne']]['dossier']}")
    return {
        "titre": str(q.enquete["titre"]),
        "lignes": [FICTIF] if q.enquete.get("fictif") else [],
        "tables": [
            {
                "entete": ["campagne", "fichiers", "refusés", "répondants", "en quarantaine", "constats", "tableaux"],
                "rangs": rangs,
            }
        ],
        "suite": ["Où regarder :", *(f"  {x}" for x in lieux), f"  l'entrepôt → {entrepot}"],
        "controles": [
            {k: v for k, v in b.items() if k not in ("titre", "lignes", "tables", "suite")} for b in constats
        ],
        "publications": [
            {k: v for k, v in p.items() if k not in ("titre", "lignes", "tables", "suite")} for p in publications
        ],
        "entrepot": str(entrepot),
        "statut": max((int(b["statut"]) for b in constats), default=0),
    }
