"""From what was received to the warehouse; and everything, up to what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cartographie.base.errors import Statut, UserError
from cartographie.base.workers import without_cycle_search
from cartographie.campaign.workspace import received, require_campaign, warehouse_path, write_findings
from cartographie.cli.flow.common import Examen, Progres, alone, load_for, provenance, require_received, start_workers
from cartographie.cli.flow.publish import Publication, release
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Questionnaire

if TYPE_CHECKING:
    from cartographie.campaign.examine import Controle
    from cartographie.release.publish import Demande


@dataclass(frozen=True, slots=True)
class Constats:
    """A campaign controlled, its findings written in `dossier`. `exigeant`: refusals and thresholds decide the exit status."""

    q: Questionnaire
    controle: Controle
    dossier: Path
    exigeant: bool

    @property
    def quarantaine_pct(self) -> float:
        """Respondents set aside, in per cent of those read."""
        gardes, ecartes = (
            len(x.get(self.q.racine, ())) for x in (self.controle.recu.kept, self.controle.recu.quarantined)
        )
        return 100 * ecartes / max(1, gardes + ecartes)

    @property
    def statut(self) -> Statut:
        seuil = self.q.campagnes[self.controle.campagne].parametres.get("seuils", {}).get("anomalies_bloquantes_pct")
        if self.exigeant and seuil is not None and self.quarantaine_pct > seuil:
            return Statut.ANOMALIES
        if self.exigeant and any(x.refuse for x in self.controle.extractions):
            return Statut.FICHIER_REFUSE
        return Statut.FAIT


@dataclass(frozen=True, slots=True)
class Execution:
    """All that `run` did, campaign by campaign; publications are of the campaigns asked for."""

    q: Questionnaire
    constats: Sequence[Constats]
    entrepot: Path
    publications: Sequence[Publication]


@alone
@without_cycle_search()
def validate(projet: Path, campagne: str, examen: Examen, progres: Progres) -> Constats:
    """Findings only: outputs/<campagne>/controle/."""
    start_workers(projet, examen.ouvriers)
    from cartographie.campaign.examine import examine, frame_for

    q = load_for(projet, campagne)
    require_received(projet, q, campagne)
    cadre = frame_for(projet, q, campagne, examen.ouvriers, progres)
    c = examine(cadre, complet=False, relire=examen.relire)
    return Constats(q, c, write_findings(projet, q, c), exigeant=True)


@alone
@without_cycle_search()
def load(projet: Path, examen: Examen, progres: Progres) -> list[Controle]:
    """Rebuild outputs/entrepot.duckdb from every campaign received, in one go or not at all; those campaigns."""
    start_workers(projet, examen.ouvriers)
    q = load_questionnaire(projet)
    sources = provenance(projet, q)
    controles = _examine_all(projet, q, received(projet, q), examen, progres)
    _load(projet, q, controles, sources, progres)
    return controles


@alone
@without_cycle_search()
def run(
    projet: Path, campagnes: Sequence[str], demande: Demande, strict: bool, examen: Examen, progres: Progres
) -> Execution:
    """Everything: control and load every campaign received, then tables and release of the ones asked for.

    `demande`: the release wanted of each of them, whatever campaign it names."""
    start_workers(projet, examen.ouvriers)
    from cartographie.release.publish import check_free, release_folder

    q = load_questionnaire(projet)
    sources = provenance(projet, q)
    recues = received(projet, q)
    for campagne in campagnes:
        require_campaign(q, campagne)
        if campagne not in recues:
            raise UserError("U04", f"Aucun fichier reçu pour {campagne} : rangez-les d'abord avec « ingest ».")
    if not recues:
        raise UserError("U04", "Aucun fichier reçu : rangez-les d'abord avec « ingest ».")
    for campagne in campagnes or recues:  # said before the work, not after
        check_free(release_folder(projet / "outputs" / campagne, demande.version), demande.remplacer)
    controles = _examine_all(projet, q, recues, examen, progres)
    constats = [Constats(q, c, write_findings(projet, q, c), strict) for c in controles]
    _load(projet, q, controles, sources, progres)
    publications = [release(projet, replace(demande, campagne=a), progres) for a in campagnes or recues]
    return Execution(q, constats, warehouse_path(projet), publications)


# ------------------------------------------------------------------------------------------- pieces


def _examine_all(
    projet: Path, q: Questionnaire, campagnes: Sequence[str], examen: Examen, progres: Progres
) -> list[Controle]:
    from cartographie.campaign.examine import examine, frame_for, require_sound

    cadres = (frame_for(projet, q, a, examen.ouvriers, progres) for a in campagnes)
    return [require_sound(examine(cadre, relire=examen.relire)) for cadre in cadres]


def _load(
    projet: Path, q: Questionnaire, controles: Sequence[Controle], sources: Mapping[str, str], progres: Progres
) -> None:
    """`sources`: fingerprinted before anything was examined, so that what changed since shows."""
    from cartographie import warehouse
    from cartographie.campaign.content import build_contenus, read_dispositions

    progres("Entrepôt", 0, 1)
    dispositions = {c.campagne: read_dispositions(projet / "raw" / c.campagne, c.campagne) for c in controles}
    warehouse.build(warehouse_path(projet), build_contenus(q, controles, dispositions), q, sources)
    progres("Entrepôt", 1, 1)
