"""What became of every unit of the frame (AAPOR, Standard Definitions): answered, wholly or in part, or why not.

Answers say who answered; raw/<campagne>/dispositions.csv, kept by the analyst, says what was learnt of the others.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cartographie import suivi
from cartographie.errors import Statut, UserError
from cartographie.model import Questionnaire
from cartographie.register import identifiers

if TYPE_CHECKING:
    from cartographie.examine import Controle

FICHIER = "dispositions.csv"
COLONNES = ["unite", "disposition", "le"]
COMPLET, PARTIEL, AUTRE, SANS_REPONSE = "complet", "partiel", "autre", "non_joint"
# what the analyst may record of a unit that did not answer; the three last take it out of the field
DECLAREES = ("refus", "non_joint", "autre", "inconnu", "hors_champ", "ferme", "autre_unite")
INELIGIBLES = ("hors_champ", "ferme", "autre_unite")


def read_dispositions(dossier: Path, annee: str) -> dict[str, str]:
    """{unit of the frame: what the analyst recorded}; {} without the file, the last line of a unit prevails. Raises
    UserError U18."""
    chemin = dossier / FICHIER
    if not chemin.exists():
        return {}
    out = {}
    with chemin.open(encoding="utf-8-sig", newline="") as fichier:
        lecteur = csv.DictReader(fichier)
        if lecteur.fieldnames != COLONNES:
            raise UserError(
                "U18", f"Le fichier raw/{annee}/{FICHIER} ne se lit pas : ses colonnes doivent être {', '.join(COLONNES)}.",
                Statut.USAGE,
            )  # fmt: skip
        for i, ligne in enumerate(lecteur, start=2):
            if ligne["disposition"] not in DECLAREES:
                raise UserError(
                    "U18", f"raw/{annee}/{FICHIER}, ligne {i} : « {ligne['disposition']} » n'est pas une disposition ; "
                    f"choisissez parmi {', '.join(DECLAREES)}.", Statut.USAGE,
                )  # fmt: skip
            out[ligne["unite"]] = ligne["disposition"]
    return out


def settle(q: Questionnaire, c: Controle, declarees: Mapping[str, str], etats: pd.DataFrame | None) -> pd.Series:
    """Disposition of each unit of the frame (index: its record). A unit covered by somebody else's answer answered.

    Complete: at least `complet_min_pct` of the key questions that apply to the respondent are answered, « ne sait pas »
    included; partial: at least `partiel_min_pct`; below, it is no answer (`autre`). Key questions: `completude` in enquete.yaml.
    Raises UserError U19 when the analyst recorded a unit that the frame does not have.
    """
    assert c.unites is not None
    unites = identifiers(c.unites)
    inconnues = sorted(set(declarees) - set(unites))
    if inconnues:
        raise UserError(
            "U19", f"raw/{c.annee}/{FICHIER} nomme « {inconnues[0]} », absente de la base de sondage : corrigez ce numéro.",
            Statut.USAGE,
        )  # fmt: skip
    etat = suivi.build_suivi(q, c, [])
    etat = etat[etat["unite"] != ""].set_index("unite")
    repondants = _completeness(q, c, etats)
    liens = (
        c.liens.drop_duplicates("id_base").set_index("id_base")["id_repondant"] if c.liens is not None else pd.Series()
    )
    seuils = q.campagnes[c.annee].parametres.get("seuils", {})
    complet, partiel = seuils.get("complet_min_pct", 80), seuils.get("partiel_min_pct", 50)
    part = unites.map(liens).map(repondants).to_numpy(dtype=float)
    recue = np.isin(unites.map(etat["etat"]).to_numpy(dtype=object), [suivi.REJETE])
    autres = unites.map(declarees)
    out = np.where(recue, AUTRE, SANS_REPONSE).astype(object)
    out = np.where(autres.notna(), autres, out)
    with np.errstate(invalid="ignore"):
        out = np.where(part < partiel, AUTRE, out)
        out = np.where(part >= partiel, np.where(part >= complet, COMPLET, PARTIEL), out)
    return pd.Series(out, index=c.unites.index)


def _completeness(q: Questionnaire, c: Controle, etats: pd.DataFrame | None) -> pd.Series:
    """{respondent: share (0–100) of the key questions that apply to it, answered}."""
    gardes = c.recu.kept[q.racine]
    if etats is None or etats.empty:
        return pd.Series(100.0, index=gardes["id_repondant"])
    cles = [v for v in q.entites[q.racine].completude if v in etats]
    applicables = etats[cles].ne("hors_filtre") & etats[cles].notna()
    repondues = etats[cles].isin(["renseigne", "nsp", "refus"])
    nombre = applicables.sum(axis=1)
    part = 100 * (repondues & applicables).sum(axis=1) / nombre.where(nombre > 0, 1)
    part = part.where(nombre > 0, 100.0)
    return pd.Series(part.to_numpy(), index=gardes.loc[etats.index, "id_repondant"]).groupby(level=0).max()
