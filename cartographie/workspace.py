"""Where things are in a workspace, and what was received: schemas/, raw/<campagne>, outputs/<campagne>, the warehouse."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cartographie.errors import UserError
from cartographie.model import Depot, Questionnaire

if TYPE_CHECKING:
    from cartographie.examine import Controle


def require_campaign(q: Questionnaire, annee: str) -> None:
    """Raise UserError U05 when schemas/ declares no such campaign."""
    if annee not in q.campagnes:
        raise UserError(
            "U05", f"La campagne « {annee} » n'est pas déclarée dans schemas/ ; connues : {', '.join(q.campagnes)}."
        )


def received(projet: Path, q: Questionnaire) -> list[str]:
    """Campaigns which received an answer, in order. Raises UserError when raw/ holds files its register ignores."""
    from cartographie.intake import read_registre, unregistered

    registres = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    for annee, registre in registres.items():
        unregistered(projet / "raw" / annee, registre)  # a campaign is never left out for a file its register ignores
    return [a for a, registre in registres.items() if any(d.role == "reponse" for d in registre)]


def uncontrolled(projet: Path, annee: str, depots: Sequence[Depot]) -> set[str]:
    """Answers received (`depot`) since the campaign was last controlled (outputs/<campagne>/controle/comptes.csv)."""
    chemin = projet / "outputs" / annee / "controle" / "comptes.csv"
    connus: set[str] = set()
    if chemin.exists():
        with chemin.open(encoding="utf-8", newline="") as fichier:
            connus = {ligne["depot"] for ligne in csv.DictReader(fichier)}
    return {d.depot for d in depots if d.role == "reponse"} - connus


def warehouse_path(projet: Path) -> Path:
    return projet / "outputs" / "entrepot.duckdb"


def write_findings(projet: Path, q: Questionnaire, c: Controle) -> Path:
    """Write outputs/<campagne>/controle/; its path."""
    from cartographie import controle

    dossier = projet / "outputs" / c.annee / "controle"
    titre = f"{q.enquete['titre']}, édition {c.annee}" + (" — données fictives" if q.enquete.get("fictif") else "")
    controle.write(
        dossier,
        c.redaction.anomalies,
        c.comptes,
        [*c.base.depots, *c.depots],
        c.annee,
        titre,
        c.redaction.confidentielles,
    )
    write_situation(projet, q, c, controlees=True)
    if c.non_rapproches is not None:
        c.non_rapproches.to_csv(dossier / "non_rapproches.csv", index=False, lineterminator="\n")
    if c.proposes is not None:
        (dossier / "rapprochements_proposes.csv").write_bytes(controle.frame_csv(c.proposes))
    if c.recouvrements is not None:
        c.recouvrements.to_csv(dossier / "recouvrements.csv", index=False, lineterminator="\n")
    return dossier


def write_situation(projet: Path, q: Questionnaire, c: Controle, controlees: bool) -> None:
    """Write controle/suivi.csv: where each respondent stands. `controlees`: the findings are being written too."""
    from cartographie import controle, suivi

    dossier = projet / "outputs" / c.annee / "controle"
    nouvelles = set() if controlees else uncontrolled(projet, c.annee, c.depots)
    situation = suivi.build_suivi(q, c, suivi.read_relances(projet / "raw" / c.annee), nouvelles)
    dossier.mkdir(parents=True, exist_ok=True)
    provisoire = dossier / f".{suivi.SUIVI}.part"
    provisoire.write_bytes(controle.frame_csv(situation))
    provisoire.replace(dossier / suivi.SUIVI)
