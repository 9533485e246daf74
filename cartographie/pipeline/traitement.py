"""From what was received to the warehouse; and everything, up to what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cartographie.examine import Controle

from cartographie import bilans
from cartographie.errors import UserError
from cartographie.memoire import without_cycle_search
from cartographie.model import Questionnaire
from cartographie.pipeline.commun import Bilan, Progres, alone, start_workers
from cartographie.pipeline.publication import release
from cartographie.questionnaire import load_questionnaire
from cartographie.workspace import (
    provenance,
    received,
    require_campaign,
    warehouse_path,
    write_findings,
)


@alone
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


@alone
@without_cycle_search()
def load(projet: Path, ouvriers: int, relire: bool, progres: Progres) -> Bilan:
    """Rebuild outputs/entrepot.duckdb from every campaign received, in one go or not at all."""
    start_workers(projet, ouvriers)
    from cartographie.examine import examine, require_sound

    q = load_questionnaire(projet)
    sources = provenance(projet, q)
    controles = [require_sound(examine(projet, q, a, ouvriers, progres, relire=relire)) for a in received(projet, q)]
    return bilans.load(warehouse_path(projet), _load(projet, q, controles, sources, progres), controles)


@alone
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
    from cartographie.release.preparation import Demande

    q = load_questionnaire(projet)
    sources = provenance(projet, q)
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
    _load(projet, q, controles, sources, progres)
    publications = [release(projet, Demande(a, version, remplacer=remplacer), progres) for a in (annees or recues)]
    return bilans.run(q, controles, constats, publications, warehouse_path(projet), annees or recues)


# ------------------------------------------------------------------------------------------- pieces


def _load(
    projet: Path, q: Questionnaire, controles: Sequence[Controle], sources: Mapping[str, str], progres: Progres
) -> Path:
    """`sources`: fingerprinted before anything was examined, so that what changed since shows."""
    from cartographie import warehouse
    from cartographie.contenu import build_contenu
    from cartographie.dispositions import read_dispositions

    progres("Entrepôt", 0, 1)
    dispositions = {c.annee: read_dispositions(projet / "raw" / c.annee, c.annee) for c in controles}
    contenu = {c.annee: build_contenu(q, c, dispositions[c.annee]) for c in controles}
    warehouse.build(warehouse_path(projet), contenu, q, sources)
    progres("Entrepôt", 1, 1)
    return warehouse_path(projet)
