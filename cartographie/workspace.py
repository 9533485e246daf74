"""Where things are in a workspace, and what was received: schemas/, raw/<campagne>, outputs/<campagne>, the warehouse."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.disque import locked, write_whole
from cartographie.empreintes import sha256_of, versions
from cartographie.errors import UserError
from cartographie.model import Depot, Questionnaire

if TYPE_CHECKING:
    from cartographie.examine import Controle

PIECES = ("registre.csv", "dispositions.csv")  # of raw/<campagne>, beside the files received


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


def raw_pieces(projet: Path, q: Questionnaire) -> dict[str, str]:
    """Path under raw/ → sha256 of what is written beside the files received, and changes a figure."""
    chemins = [f"{a}/{nom}" for a in q.campagnes for nom in PIECES if (projet / "raw" / a / nom).is_file()]
    return {c: sha256_of(projet / "raw" / c) for c in chemins}


def provenance(projet: Path, q: Questionnaire) -> dict[str, str]:
    """Name → sha256 of all that a warehouse is made from."""
    from cartographie.questionnaire import of_answers

    programme = hashlib.sha256(repr(sorted(versions().items())).encode()).hexdigest()
    declares = {f"schemas/{n}": s for n, s in of_answers(q.empreintes).items()}
    return declares | {f"raw/{n}": s for n, s in raw_pieces(projet, q).items()} | {"le programme": programme}


@contextmanager
def open_warehouse(projet: Path, q: Questionnaire) -> Iterator[Any]:
    """Read-only. Raises UserError E17, E18, and E23 when what it was made from is no longer what is declared and received."""
    from cartographie import warehouse

    with warehouse.open_readonly(warehouse_path(projet)) as con:
        avant, apres = warehouse.provenance(con), provenance(projet, q)
        changes = sorted(n for n in avant.keys() | apres.keys() if avant.get(n) != apres.get(n))
        if changes:
            suite = f" ({len(changes)} pièces en tout)" if len(changes) > 1 else ""
            raise UserError("E23", f"{changes[0]} a changé depuis le dernier chargement{suite} : relancez « load ».")
        yield con


@contextmanager
def writing(projet: Path) -> Iterator[None]:
    """Alone to write in outputs/. Raises UserError E17 when another command keeps it too long."""
    with locked(projet / "outputs", "une autre commande écrit"):
        yield


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
        write_whole(dossier / "non_rapproches.csv", controle.frame_csv(c.non_rapproches))
    if c.proposes is not None:
        write_whole(dossier / "rapprochements_proposes.csv", controle.frame_csv(c.proposes))
    if c.recouvrements is not None:
        write_whole(dossier / "recouvrements.csv", controle.frame_csv(c.recouvrements))
    return dossier


def write_situation(projet: Path, q: Questionnaire, c: Controle, controlees: bool) -> None:
    """Write controle/suivi.csv: where each respondent stands. `controlees`: the findings are being written too."""
    from cartographie import controle, suivi

    dossier = projet / "outputs" / c.annee / "controle"
    nouvelles = set() if controlees else uncontrolled(projet, c.annee, c.depots)
    situation = suivi.build_suivi(q, c, suivi.read_relances(projet / "raw" / c.annee), nouvelles)
    dossier.mkdir(parents=True, exist_ok=True)
    write_whole(dossier / suivi.SUIVI, controle.frame_csv(situation))
