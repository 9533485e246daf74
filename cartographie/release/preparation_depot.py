"""What data.gouv.fr asks of a dataset before it is put online (metadata quality score), read from the release itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cartographie.errors import UserError

CATALOGUE, PAQUET = "catalogue.jsonld", "datapackage.json"
OUVERTS = {"text/csv", "application/vnd.apache.parquet"}


@dataclass(frozen=True, slots=True)
class Critere:
    """One criterion. `manque`: what to do, "" when it is met."""

    nom: str
    manque: str


def preflight(dossier: Path) -> list[Critere]:
    """The criteria, in data.gouv.fr's order. Raises UserError U21 when the directory is no release."""
    try:
        catalogue = json.loads((dossier / CATALOGUE).read_text(encoding="utf-8"))
        paquet = json.loads((dossier / PAQUET).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            "U21",
            f"« {dossier} » n'est pas une publication (pas de {CATALOGUE}) : donnez un dossier de outputs/<campagne>/.",
        ) from None
    distributions = catalogue["dcat:distribution"]
    absents = [d["@id"] for d in distributions if not (dossier / d["@id"]).is_file()]
    sans_schema = [r["name"] for r in paquet["resources"] if not (dossier / r["schema"]).is_file()]
    contact = (catalogue.get("dcat:contactPoint", {}).get("vcard:hasEmail") or {}).get("@id", "")
    return [
        Critere("description", "" if len(_text(catalogue, "dct:description")) >= 100 else "décrivez l'enquête dans « champ » et « titre »"),
        Critere("documentation des ressources", f"schéma absent : {', '.join(sans_schema)}" if sans_schema else ""),
        Critere("licence", "" if catalogue.get("dct:license", {}).get("@id") else "déclarez « licence » dans enquete.yaml"),
        Critere("fréquence de mise à jour", "" if catalogue.get("dct:accrualPeriodicity") else "déclarez la fréquence"),
        Critere("couverture temporelle", "" if catalogue.get("dct:temporal") else "déclarez « debut » et « fin » de la campagne"),
        Critere("couverture spatiale", "" if catalogue.get("dct:spatial") else "déclarez le territoire"),
        Critere("formats ouverts", "" if any(d["dcat:mediaType"] in OUVERTS for d in distributions) else "ajoutez un format ouvert"),
        Critere("fichiers présents", f"absents : {', '.join(absents[:3])}" if absents else ""),
        Critere("contact joignable", "remplacez l'adresse de contact fictive" if not contact or ".invalid" in contact else ""),
        Critere("données réelles", "campagne fictive : à ne pas déposer comme un jeu de données officiel"
                if "donnees-fictives" in str(paquet["name"]) else ""),
    ]  # fmt: skip


def _text(catalogue: Mapping[str, Any], cle: str) -> str:
    return str((catalogue.get(cle) or {}).get("@value", ""))
