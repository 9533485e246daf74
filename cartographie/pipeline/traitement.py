"""From what was received to what is published: control, warehouse, tables, release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cartographie.examine import Controle

from cartographie import bilans
from cartographie.errors import UserError
from cartographie.memoire import without_cycle_search
from cartographie.model import Questionnaire
from cartographie.pipeline.commun import Bilan, Progres, start_workers
from cartographie.questionnaire import load_questionnaire
from cartographie.workspace import (
    received,
    require_campaign,
    warehouse_path,
    write_findings,
)


@without_cycle_search()
def validate(projet: Path, annee: str, ouvriers: int, relire: bool, progres: Progres) -> Bilan:
    """Findings only: outputs/<campagne>/controle/."""
    start_workers(projet, ouvriers)
    from cartographie.examine import examine

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    if annee not in received(projet, q):
        raise UserError("U04", f"Aucun fichier reçu pour {annee} : rangez-les d'abord avec « ingest ».")
    c = examine(projet, q, annee, ouvriers, progres, complet=False, relire=relire)
    return bilans.validate(q, c, write_findings(projet, q, c), strict=True)


@without_cycle_search()
def load(projet: Path, ouvriers: int, relire: bool, progres: Progres) -> Bilan:
    """Rebuild outputs/entrepot.duckdb from every campaign received, in one go or not at all."""
    start_workers(projet, ouvriers)
    from cartographie.examine import examine, require_sound

    q = load_questionnaire(projet)
    controles = [require_sound(examine(projet, q, a, ouvriers, progres, relire=relire)) for a in received(projet, q)]
    return bilans.load(warehouse_path(projet), _load(projet, q, controles, progres), controles)


def map_(projet: Path, annee: str, progres: Progres) -> Bilan:
    """Compute the tables of a campaign from the warehouse into outputs/<campagne>/tableaux/ (CSV); publishes nothing."""
    from cartographie.programme import release_meta
    from cartographie.release.csv import write_csv

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    tableaux = _tables(projet, q, annee, progres)
    dossier = projet / "outputs" / annee / "tableaux"
    dossier.mkdir(parents=True, exist_ok=True)
    for ancien in dossier.glob("*.csv"):
        ancien.unlink()
    meta = release_meta(projet, q, annee, "travail", q.campagnes[annee].fin.isoformat(), warehouse_path(projet))
    for t in tableaux:
        write_csv(dossier, t, meta)
    return bilans.map_(annee, tableaux, dossier)


def publish(projet: Path, annee: str, version: str, jour: str, remplacer: bool, progres: Progres) -> Bilan:
    """Write outputs/<campagne>/<version>/ whole or not at all. Raises UserError: it exists (status 15), implausible (13)."""
    from cartographie.programme import release_meta
    from cartographie.release import check_free, release_folder
    from cartographie.release import publish as release

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    dossier = release_folder(projet / "outputs" / annee, version)
    check_free(dossier, remplacer)
    _require_plausible(projet, q, annee)
    tableaux = _tables(projet, q, annee, progres)
    meta = release_meta(projet, q, annee, version, jour or q.campagnes[annee].fin.isoformat(), warehouse_path(projet))
    progres(f"{annee} : publication", 0, 1)
    ecrits = release(dossier, tableaux, meta, remplacer)
    progres(f"{annee} : publication", 1, 1)
    return bilans.publish(annee, dossier, tableaux, ecrits)


@without_cycle_search()
def run(
    projet: Path,
    annees: Sequence[str],
    version: str,
    remplacer: bool,
    strict: bool,
    ouvriers: int,
    relire: bool,
    progres: Progres,
) -> Bilan:
    """Everything: control and load every campaign received, then tables and release of the ones asked for."""
    start_workers(projet, ouvriers)
    from cartographie.examine import examine, require_sound
    from cartographie.release import check_free, release_folder

    q = load_questionnaire(projet)
    recues = received(projet, q)
    for annee in annees:
        require_campaign(q, annee)
        if annee not in recues:
            raise UserError("U04", f"Aucun fichier reçu pour {annee} : rangez-les d'abord avec « ingest ».")
    if not recues:
        raise UserError("U04", "Aucun fichier reçu : rangez-les d'abord avec « ingest ».")
    for annee in annees or recues:  # said before the work, not after
        check_free(release_folder(projet / "outputs" / annee, version), remplacer)
    controles = [require_sound(examine(projet, q, a, ouvriers, progres, relire=relire)) for a in recues]
    constats = [bilans.validate(q, c, write_findings(projet, q, c), strict=strict) for c in controles]
    _load(projet, q, controles, progres)
    publications = [publish(projet, a, version, "", remplacer, progres) for a in (annees or recues)]
    return bilans.run(q, controles, constats, publications, warehouse_path(projet), annees or recues)


# ------------------------------------------------------------------------------------------- pieces


def _load(projet: Path, q: Questionnaire, controles: Sequence[Controle], progres: Progres) -> Path:
    from cartographie import warehouse
    from cartographie.contenu import build_contenu

    progres("Entrepôt", 0, 1)
    warehouse.build(warehouse_path(projet), {c.annee: build_contenu(q, c) for c in controles}, q)
    progres("Entrepôt", 1, 1)
    return warehouse_path(projet)


def _require_plausible(projet: Path, q: Questionnaire, annee: str) -> None:
    from cartographie import warehouse
    from cartographie.plausibility import Volume, require_plausible

    campagne = q.campagnes[annee]
    with warehouse.open_readonly(warehouse_path(projet)) as con:
        volumes = {a: Volume(*warehouse.volume(con, q.racine, a)) for a in (annee, campagne.precedente) if a}
    recues = received(projet, q)
    precedent = volumes[campagne.precedente] if campagne.precedente in recues else None
    require_plausible(volumes[annee], precedent, campagne.parametres.get("seuils", {}), annee)


def _tables(projet: Path, q: Questionnaire, annee: str, progres: Progres) -> list[Any]:
    from cartographie import warehouse
    from cartographie.tables import build_tableaux

    progres(f"{annee} : tableaux", 0, 1)
    precedente = q.campagnes[annee].precedente
    if precedente not in received(projet, q):
        precedente = None  # its questions were never asked to anyone: not the same as no answer
    with warehouse.open_readonly(warehouse_path(projet)) as con:
        frames = warehouse.analysis_frames(con, annee)
        anciens = warehouse.analysis_frames(con, precedente) if precedente else None
    tableaux = build_tableaux(frames, anciens, q, annee)
    progres(f"{annee} : tableaux", 1, 1)
    return tableaux
