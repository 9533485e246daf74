"""Where things are in a workspace, and what was received: schemas/, raw/<campagne>, outputs/<campagne>, the warehouse."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cartographie.base.errors import UserError
from cartographie.base.files import locked, sha256_of, write_whole
from cartographie.campaign.states import SUIVI, read_relances
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Depot

if TYPE_CHECKING:
    from cartographie.campaign.examine import Controle


PIECES = ("registre.csv", "dispositions.csv")  # of raw/<campagne>, beside the files received


def require_campaign(q: Questionnaire, campagne: str) -> None:
    """Raise UserError U05 when schemas/ declares no such campaign."""
    if campagne not in q.campagnes:
        raise UserError(
            "U05", f"La campagne « {campagne} » n'est pas déclarée dans schemas/ ; connues : {', '.join(q.campagnes)}."
        )


def received(projet: Path, q: Questionnaire) -> list[str]:
    """Campaigns which received an answer, in order. Raises UserError when raw/ holds files its register ignores."""
    from cartographie.intake.store import read_registre, unregistered

    registres = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    for campagne, registre in registres.items():
        unregistered(
            projet / "raw" / campagne, registre
        )  # a campaign is never left out for a file its register ignores
    return [a for a, registre in registres.items() if any(d.role == "reponse" for d in registre)]


def uncontrolled(projet: Path, campagne: str, depots: Sequence[Depot]) -> set[str]:
    """Answers received (`depot`) since the campaign was last controlled (outputs/<campagne>/controle/comptes.csv)."""
    chemin = projet / "outputs" / campagne / "controle" / "comptes.csv"
    connus: set[str] = set()
    if chemin.exists():
        with chemin.open(encoding="utf-8", newline="") as fichier:
            connus = {ligne["depot"] for ligne in csv.DictReader(fichier)}
    return {d.depot for d in depots if d.role == "reponse"} - connus


def warehouse_path(projet: Path) -> Path:
    return projet / "outputs" / "entrepot.duckdb"


def raw_pieces(projet: Path, q: Questionnaire) -> dict[str, str]:
    """Path under raw/ → sha256 of what is written beside the files received, and changes a figure."""
    chemins = [f"{a}/{nom}" for a in q.campagnes for nom in PIECES if (projet / "raw" / a / nom).is_file()]
    return {c: sha256_of(projet / "raw" / c) for c in chemins}


@contextmanager
def writing(projet: Path) -> Iterator[None]:
    """Alone to write in outputs/. Raises UserError E17 when another command keeps it too long."""
    with locked(projet / "outputs", "une autre commande écrit"):
        yield


def write_findings(projet: Path, q: Questionnaire, c: Controle) -> Path:
    """Write outputs/<campagne>/controle/; its path."""
    from cartographie.validate import files

    dossier = projet / "outputs" / c.campagne / "controle"
    titre = f"{q.enquete['titre']}, édition {c.campagne}" + (" — données fictives" if q.enquete.get("fictif") else "")
    files.write(dossier, c.redaction, c.comptes, [*c.base.depots, *c.depots], c.campagne, titre)
    write_situation(projet, q, c, controlees=True)
    if c.non_rapproches is not None:
        write_whole(dossier / "non_rapproches.csv", files.frame_csv(c.non_rapproches))
    if c.proposes is not None:
        write_whole(dossier / "rapprochements_proposes.csv", files.frame_csv(c.proposes))
    if c.recouvrements is not None:
        write_whole(dossier / "recouvrements.csv", files.frame_csv(c.recouvrements))
    return dossier


def write_situation(projet: Path, q: Questionnaire, c: Controle, controlees: bool) -> None:
    """Write controle/suivi.csv: where each respondent stands. `controlees`: the findings are being written too."""
    from cartographie.campaign import situation as suivi
    from cartographie.validate import files

    dossier = projet / "outputs" / c.campagne / "controle"
    nouvelles = set() if controlees else uncontrolled(projet, c.campagne, c.depots)
    situation = suivi.build_suivi(q, c, read_relances(projet / "raw" / c.campagne), nouvelles)
    dossier.mkdir(parents=True, exist_ok=True)
    write_whole(dossier / SUIVI, files.frame_csv(situation))
