"""The states of a respondent: their names, the file that keeps them (suivi.csv), how they are counted. No frame is needed.

What computes them is in situation.py.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from cartographie.base.errors import UserError
from cartographie.survey.model import Questionnaire

ATTENDU, RECU, A_CORRIGER, ACCEPTE, REJETE, RELANCE = ("attendu", "reçu", "à corriger", "accepté", "rejeté", "relancé")
ETATS = (ATTENDU, RECU, A_CORRIGER, ACCEPTE, REJETE, RELANCE)
REPONDU = frozenset({A_CORRIGER, ACCEPTE})
RELANCES, SUIVI = "relances.csv", "suivi.csv"
COLONNES = (
    *("unite", "repondant", "etat", "avant_relance", "points", "depot", "fichier", "recu_le", "versions"),
    *("relance_le", "hors_base"),
)


@dataclass(frozen=True, slots=True)
class Relance:
    """One thing sent back or one reminder: to whom (unit of the frame, respondent or received file), and when."""

    destinataire: str
    envoye_le: str


def state_axes(q: Questionnaire) -> dict[str, str]:
    """{variable of the frame: its label} the states are counted by: the first territorial level that has one, and the others."""
    trouves: dict[str, str] = {}
    for axe in q.enquete.get("axes", {}).values():
        niveaux = [n for n in (axe, *axe.get("niveaux", ())) if "variable" in n]
        if niveaux:
            trouves[niveaux[0]["variable"]] = niveaux[0].get("libelle", axe.get("libelle", ""))
    return trouves


def read_suivi(dossier: Path) -> list[dict[str, str]] | None:
    """outputs/<campagne>/controle/suivi.csv as last written, one mapping a row; None before the first control."""
    chemin = dossier / SUIVI
    if not chemin.exists():
        return None
    with chemin.open(encoding="utf-8-sig", newline="") as fichier:
        return list(csv.DictReader(fichier))


def count_states(suivi: Sequence[Mapping[str, str]], axe: str) -> dict[str, dict[str, int | float]]:
    """Value of the axis, in order, then « Total » → units of the frame by state, and `taux_reponse` (0–1), the share of those
    with a kept answer."""
    unites = [x for x in suivi if x["unite"]]
    groupes = {v: [x for x in unites if x[axe] == v] for v in sorted({x[axe] for x in unites})}
    return {v: _count(rangs) for v, rangs in (*groupes.items(), ("Total", unites))}


def _count(unites: Sequence[Mapping[str, str]]) -> dict[str, int | float]:
    etats = Counter(x["etat"] for x in unites)
    repondu = sum(x["etat"] in REPONDU or x["avant_relance"] in REPONDU for x in unites)
    return {**{e: etats[e] for e in ETATS}, "taux_reponse": repondu / len(unites) if unites else 0.0}


def read_relances(dossier: Path) -> list[Relance]:
    """raw/<campagne>/relances.csv: what was sent back to whom, when; [] before the first. Raises UserError U16."""
    chemin = dossier / RELANCES
    if not chemin.exists():
        return []
    colonnes = [f.name for f in fields(Relance)]
    with chemin.open(encoding="utf-8", newline="") as fichier:
        lecteur = csv.DictReader(fichier)
        if lecteur.fieldnames != colonnes:
            raise UserError(
                "U16", f"Le journal {chemin} ne se lit plus : ses colonnes doivent être {', '.join(colonnes)}."
            )
        return [Relance(**{c: ligne[c] or "" for c in colonnes}) for ligne in lecteur]
