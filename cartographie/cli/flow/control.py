"""From what was received to the warehouse; and everything, up to what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cartographie.base.errors import UserError
from cartographie.base.workers import without_cycle_search
from cartographie.campaign.workspace import received, require_campaign, warehouse_path, write_findings
from cartographie.cli.control import tell_load, tell_run, tell_validate
from cartographie.cli.flow.common import Bilan, Progres, alone, provenance, start_workers
from cartographie.cli.flow.publish import release
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Questionnaire

if TYPE_CHECKING:
    from cartographie.campaign.examine import Controle


@alone
@without_cycle_search()
def validate(projet: Path, annee: str, ouvriers: int, relire: bool, progres: Progres) -> Bilan:
    """Findings only: outputs/<campagne>/controle/."""
    start_workers(projet, ouvriers)
    from cartographie.campaign.examine import examine

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    if annee not in received(projet, q):
        raise UserError("U04", f"Aucun fichier reçu pour {annee} : rangez-les d'abord avec « ingest ».")
    c = examine(projet, q, annee, ouvriers, progres, complet=False, relire=relire)
    return tell_validate(q, c, write_findings(projet, q, c), strict=True)


@alone
@without_cycle_search()
def load(projet: Path, ouvriers: int, relire: bool, progres: Progres) -> Bilan:
    """Rebuild outputs/entrepot.duckdb from every campaign received, in one go or not at all."""
    start_workers(projet, ouvriers)
    from cartographie.campaign.examine import examine, require_sound

    q = load_questionnaire(projet)
    sources = provenance(projet, q)
    controles = [require_sound(examine(projet, q, a, ouvriers, progres, relire=relire)) for a in received(projet, q)]
    return tell_load(warehouse_path(projet), _load(projet, q, controles, sources, progres), controles)


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
    from cartographie.campaign.examine import examine, require_sound
    from cartographie.release.publish import Demande, check_free, release_folder

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
    constats = [tell_validate(q, c, write_findings(projet, q, c), strict=strict) for c in controles]
    _load(projet, q, controles, sources, progres)
    publications = [release(projet, Demande(a, version, remplacer=remplacer), progres) for a in (annees or recues)]
    return tell_run(q, controles, constats, publications, warehouse_path(projet), annees or recues)


# ------------------------------------------------------------------------------------------- pieces


def _load(
    projet: Path, q: Questionnaire, controles: Sequence[Controle], sources: Mapping[str, str], progres: Progres
) -> Path:
    """`sources`: fingerprinted before anything was examined, so that what changed since shows."""
    from cartographie import warehouse
    from cartographie.campaign.content import build_contenu, read_dispositions

    progres("Entrepôt", 0, 1)
    dispositions = {c.annee: read_dispositions(projet / "raw" / c.annee, c.annee) for c in controles}
    contenu = {c.annee: build_contenu(q, c, dispositions[c.annee]) for c in controles}
    warehouse.build(warehouse_path(projet), contenu, q, sources)
    progres("Entrepôt", 1, 1)
    return warehouse_path(projet)
