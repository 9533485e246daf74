"""Small models, headers and receptions used by the intake tests."""

from __future__ import annotations

from typing import Any

from cartographie.survey.model import ColonneAttendue, EnteteAttendu, FeuilleAttendue, Modele
from cartographie.survey.received import Depot


def colonne(variable: str, *entetes: str, apres: str | None = None, **options: Any) -> ColonneAttendue:
    return ColonneAttendue(variable, tuple(EnteteAttendu(e, apres) for e in entetes), **options)


def modele(*feuilles: FeuilleAttendue, campagne: str = "2026", nom: str = "classeur", **options: Any) -> Modele:
    return Modele(nom, nom, campagne, options.pop("usage", "reponse"), options.pop("formats", ()), feuilles, **options)


COLONNES = (
    colonne("finess", "N° FINESS", "FINESS ET"),
    colonne("nom", "Nom de l'établissement"),
    colonne("lits", "Nombre de lits"),
)
TABLEAU = FeuilleAttendue("repondant", ("DONNEES",), "tableau", COLONNES)
LIBRE = FeuilleAttendue("repondant", (), "tableau", COLONNES)
FICHE = FeuilleAttendue("repondant", ("REPONDANT",), "fiche", COLONNES, colonne_question=2, colonne_reponse=3)
ENTETES = ["N° FINESS", "Nom de l'établissement", "Nombre de lits"]


def depot(contenu: bytes, nom: str = "a.xlsx", role: str = "reponse") -> Depot:
    return Depot("abc", "2026", nom, f"depots/abc_{nom}", "", len(contenu), "2026-04-01", role)
