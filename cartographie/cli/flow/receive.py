"""What comes in and what goes back: received files, correction workbooks, states, the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cartographie.base.errors import UserError
from cartographie.base.workers import without_cycle_search
from cartographie.campaign.states import Relance, read_relances, read_suivi
from cartographie.campaign.workspace import require_campaign, uncontrolled, warehouse_path, write_situation, writing
from cartographie.cli.flow.common import Examen, Progres, alone, load_for, require_received, start_workers
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Depot

if TYPE_CHECKING:
    from cartographie.campaign.examine import Controle
    from cartographie.collect import send


@dataclass(frozen=True, slots=True)
class Reception:
    """What was stored: `ajoutes`, and (name, the same file) of those already there. `controle`: the campaign as it now stands,
    None when the files were only stored."""

    campagne: str
    ajoutes: Sequence[Depot]
    deja: Sequence[tuple[str, Depot]]
    controle: Controle | None


@dataclass(frozen=True, slots=True)
class Envoi:
    """What is to be written for respondents: for one only (`seul`), reminders too (`absents`); `le`: the day it was sent, noted
    in raw/."""

    seul: str = ""
    absents: bool = False
    le: str = ""


@dataclass(frozen=True, slots=True)
class Retours:
    """What is written for respondents in `dossier`."""

    campagne: str
    dossier: Path
    envois: Sequence[send.Envoi]
    envoye_le: str


@dataclass(frozen=True, slots=True)
class Avancement:
    """Where one campaign stands. `suivi`: one mapping is one row of suivi.csv, as the last control left it; None before it."""

    campagne: str
    depots: Sequence[Depot]
    controlee: bool
    versions: Sequence[str]
    suivi: Sequence[Mapping[str, str]] | None
    non_controles: int


@dataclass(frozen=True, slots=True)
class Etat:
    """Where each campaign of a workspace stands. `detail`: the one to be detailed, "" for none."""

    q: Questionnaire
    campagnes: Sequence[Avancement]
    entrepot: Path
    detail: str


def ingest(
    projet: Path, campagne: str, sources: Sequence[Path], recu_le: str, examen: Examen | None, progres: Progres
) -> Reception:
    """Store what came back, then look at it: which are answers, corrections returned, refused. Findings are for `validate`.

    `examen`: None to store only."""
    from cartographie.intake.store import ingest as store

    q = load_for(projet, campagne)
    with nullcontext() if examen is None else writing(projet):
        ajoutes, deja = store(projet, campagne, sources, "reponse", recu_le)
        if examen is None or not ajoutes:
            return Reception(campagne, ajoutes, deja, None)
        start_workers(projet, examen.ouvriers)
        from cartographie.campaign.examine import examine, frame_for

        c = examine(frame_for(projet, q, campagne, examen.ouvriers, progres), complet=False)
        write_situation(projet, q, c, controlees=False)
        return Reception(campagne, ajoutes, deja, c)


@alone
@without_cycle_search()
def feedback(projet: Path, campagne: str, envoi: Envoi, examen: Examen, progres: Progres) -> Retours:
    """Correction workbooks and letters, outputs/<campagne>/retours/."""
    start_workers(projet, examen.ouvriers)
    seul = envoi.seul
    from cartographie.campaign.examine import examine, frame_for, require_sound
    from cartographie.campaign.situation import absents as awaited
    from cartographie.campaign.situation import build_suivi
    from cartographie.collect import cases, send

    q = load_for(projet, campagne)
    require_received(projet, q, campagne)
    cadre = frame_for(projet, q, campagne, examen.ouvriers, progres)
    c = require_sound(examine(cadre, complet=False))
    situation = build_suivi(q, c, read_relances(projet / "raw" / campagne))
    a_relancer = awaited(q, c, situation if envoi.absents else situation.iloc[:0], seul)
    dossiers = cases.build_dossiers(cadre, c, seul)
    if seul:
        dossiers = iter(trouves := list(dossiers))
        if not trouves and a_relancer.empty:
            raise UserError("U17", f"Rien à renvoyer à « {seul} » : vérifiez son identifiant dans controle/suivi.csv.")
    dossier = projet / "outputs" / campagne / "retours"
    envois = send.write_feedback(dossier, cadre, dossiers, a_relancer, envoi.le)
    if envoi.le:
        send.add_relances(projet / "raw" / campagne, [Relance(e.destinataire, envoi.le) for e in envois])
    write_situation(projet, q, c, controlees=False)
    return Retours(campagne, dossier, envois, envoi.le)


def status(projet: Path, campagne: str) -> Etat:
    """Where each campaign stands, from what was received and what the last control said; nothing is read again."""
    from cartographie.intake.store import read_registre

    q = load_questionnaire(projet)
    if campagne:
        require_campaign(q, campagne)
    campagnes = []
    for a in q.campagnes:
        depots, sorties = read_registre(projet / "raw" / a), projet / "outputs" / a
        suivi = read_suivi(sorties / "controle")
        campagnes.append(
            Avancement(
                a,
                depots,
                (sorties / "controle" / "anomalies.csv").exists(),
                sorted(d.name for d in sorties.iterdir() if (d / "manifeste.json").exists())
                if sorties.is_dir()
                else [],
                suivi,
                0 if suivi is None else len(uncontrolled(projet, a, depots)),
            )
        )
    detail = campagne or max((c.campagne for c in campagnes if c.suivi is not None), default="")
    return Etat(q, campagnes, warehouse_path(projet), detail)
