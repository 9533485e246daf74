"""What receiving reports, and where a campaign stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.model import Depot, Questionnaire
from cartographie.phrases import nombre

if TYPE_CHECKING:
    pass

Bilan = dict[str, Any]


def ingest(projet: Path, annee: str, ajoutes: Sequence[Depot], deja: Sequence[tuple[str, Depot]]) -> Bilan:
    return {
        "titre": f"{annee} : {nombre(len(ajoutes), 'fichier rangé', 'fichiers rangés')} dans raw/{annee}.",
        "lignes": [f"déjà reçu à l'identique, non repris : {nom} (= {d.nom})" for nom, d in deja],
        "suite": [
            f"Pour la suite : cartographie validate {annee}" + (f" --projet {projet}" if projet != Path() else "")
        ],
        "campagne": annee,
        "ajoutes": [{"depot": d.depot, "nom": d.nom, "sha256": d.sha256} for d in ajoutes],
        "deja_recus": [nom for nom, _ in deja],
    }


def status(projet: Path, q: Questionnaire, recus: Mapping[str, Sequence[Depot]], entrepot: Path) -> Bilan:
    rangs, campagnes = [], {}
    for annee, depots in recus.items():
        sorties = projet / "outputs" / annee
        versions = (
            sorted(d.name for d in sorties.iterdir() if (d / "manifeste.json").exists()) if sorties.is_dir() else []
        )
        etat = {
            "base": sum(d.role == "base" for d in depots),
            "recus": sum(d.role == "reponse" for d in depots),
            "controle": (sorties / "controle" / "anomalies.csv").exists(),
            "versions": versions,
        }
        campagnes[annee] = etat
        rangs.append(
            [
                annee,
                "oui" if etat["base"] else "non",
                etat["recus"],
                "oui" if etat["controle"] else "non",
                ", ".join(versions) or "aucune",
            ]
        )
    return {
        "titre": str(q.enquete["titre"]),
        "lignes": [f"entrepôt : {'présent' if entrepot.exists() else 'absent'} ({entrepot})"],
        "tables": [
            {"entete": ["campagne", "base de sondage", "fichiers reçus", "contrôlée", "versions"], "rangs": rangs}
        ],
        "campagnes": campagnes,
        "entrepot": entrepot.exists(),
    }
