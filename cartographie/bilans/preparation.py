"""What preparing a campaign reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.errors import Statut
from cartographie.model import Anomalie, Questionnaire
from cartographie.phrases import FICTIF, espace, nombre

if TYPE_CHECKING:
    import pandas as pd


Bilan = dict[str, Any]


def init(destination: Path) -> Bilan:
    return {
        "titre": f"Espace de travail créé dans {destination}.",
        "lignes": [
            "schemas/ : les déclarations, à adapter ; raw/ : ce qui sera reçu ; outputs/ : ce qui sera produit."
        ],
        "dossier": str(destination),
    }


def template(annee: str, sortie: Path, ecrits: Sequence[Path]) -> Bilan:
    return {
        "titre": f"Questionnaire {annee} écrit dans {sortie}.",
        "lignes": [
            f"{nombre(len(ecrits), 'classeur')} : {ecrits[0].name}"
            + (f" et {len(ecrits) - 1} pré-remplis" if len(ecrits) > 1 else "")
        ],
        "fichiers": [str(e) for e in ecrits],
    }


def dictionary(sortie: Path) -> Bilan:
    return {"titre": f"Dictionnaire écrit dans {sortie}.", "fichier": str(sortie)}


def demo(destination: Path, resume: Mapping[str, Any]) -> Bilan:
    return {
        "titre": f"Campagnes fictives écrites dans {destination}.",
        "lignes": [FICTIF, *(f"{a} : {r}" for a, r in resume.get("lignes", {}).items())],
        "suite": [f"Pour la suite : cartographie run --projet {destination}"],
        "resume": dict(resume),
        "dossier": str(destination),
    }


def register(
    q: Questionnaire, annee: str, base: pd.DataFrame | None, anomalies: Sequence[Anomalie], deja: Sequence[Any]
) -> Bilan:
    """`base`: one row, one unit; None when no unit could be read, and `anomalies` say why."""
    regles = Counter(a.regle for a in anomalies)
    if base is None:
        return {
            "titre": f"La base de sondage de {annee} n'a pas été importée.",
            "lignes": [a.message for a in anomalies]
            or ["Le fichier ne contient aucune unité : vérifiez qu'il s'agit de la base de sondage."],
            "statut": Statut.FICHIER_REFUSE,
        }
    axes = [a["variable"] for a in q.enquete.get("axes", {}).values() if "variable" in a and a["variable"] in base]
    comptes = {a: base[a].value_counts(dropna=False).sort_index() for a in axes}
    return {
        "titre": f"Base de sondage de {annee} : {nombre(len(base), 'unité')}.",
        "lignes": [
            *(["Ce fichier était déjà reçu : rien n'a changé."] if deja else []),
            *(
                [f"{nombre(len(anomalies), 'constat')} sur la base elle-même, détaillés par « validate »."]
                if anomalies
                else []
            ),
        ],
        "tables": [
            {"entete": [q.variables[a].libelle[:50], "unités"], "rangs": [[str(k), espace(n)] for k, n in v.items()]}
            for a, v in comptes.items()
        ],
        "campagne": annee,
        "unites": len(base),
        "constats": dict(sorted(regles.items())),
    }
