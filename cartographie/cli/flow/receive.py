"""What comes in and what goes back: received files, correction workbooks, states, the journal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from cartographie.base.errors import UserError
from cartographie.base.workers import without_cycle_search
from cartographie.campaign.workspace import (
    received,
    require_campaign,
    uncontrolled,
    warehouse_path,
    write_situation,
    writing,
)
from cartographie.cli.flow.common import Bilan, Progres, alone, start_workers
from cartographie.cli.receive import tell_feedback, tell_ingest, tell_journal, tell_status
from cartographie.survey.load import load_questionnaire

# -------------------------------------------------------------------------------------------
# A release verified again, taken apart figure by figure, and signed.


def journal(projet: Path) -> Bilan:
    """The commands of the workspace, and whether their chain holds; status 16 when a line was removed or changed."""
    from cartographie.base.journal import read

    return tell_journal(read(projet))


# -------------------------------------------------------------------------------------------
# What comes in and what goes back: frame, received files, correction workbooks, states.


def ingest(
    projet: Path,
    annee: str,
    sources: Sequence[Path],
    recu_le: str,
    ranger_seulement: bool,
    ouvriers: int,
    progres: Progres,
) -> Bilan:
    """Store what came back, then look at it: which are answers, corrections returned, refused. Findings are for `validate`."""
    from cartographie.intake.store import ingest as store

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    with nullcontext() if ranger_seulement else writing(projet):
        ajoutes, deja = store(projet, annee, sources, "reponse", recu_le)
        if ranger_seulement or not ajoutes:
            return tell_ingest(projet, annee, ajoutes, deja, None)
        start_workers(projet, ouvriers)
        from cartographie.campaign.examine import examine

        c = examine(projet, q, annee, ouvriers, progres, complet=False)
        write_situation(projet, q, c, controlees=False)
        return tell_ingest(projet, annee, ajoutes, deja, c)


@alone
@without_cycle_search()
def feedback(
    projet: Path, annee: str, seul: str, absents: bool, envoye_le: str, ouvriers: int, progres: Progres
) -> Bilan:
    """Correction workbooks and letters, outputs/<campagne>/retours/. `envoye_le`: the day they were sent, noted in raw/."""
    start_workers(projet, ouvriers)
    from cartographie.campaign import situation as suivi
    from cartographie.campaign.examine import examine, frame_for, require_sound
    from cartographie.collect import cases, follow, send

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    if annee not in received(projet, q):
        raise UserError("U04", f"Aucun fichier reçu pour {annee} : rangez-les d'abord avec « ingest ».")
    c = require_sound(examine(projet, q, annee, ouvriers, progres, complet=False))
    situation = suivi.build_suivi(q, c, follow.read_relances(projet / "raw" / annee))
    a_relancer = suivi.absents(q, c, situation, seul) if absents else suivi.absents(q, c, situation.iloc[:0], seul)
    dossiers = cases.build_dossiers(frame_for(projet, q, annee, ouvriers, progres), c, seul)
    if seul:
        dossiers = iter(trouves := list(dossiers))
        if not trouves and a_relancer.empty:
            raise UserError("U17", f"Rien à renvoyer à « {seul} » : vérifiez son identifiant dans controle/suivi.csv.")
    dossier = projet / "outputs" / annee / "retours"

    def avance(ecrits: int) -> None:
        progres(f"{annee} : classeurs de correction", ecrits, ecrits)

    envois = send.write_feedback(dossier, dossiers, a_relancer, q, annee, envoye_le, ouvriers, avance)
    if envoye_le:
        follow.add_relances(projet / "raw" / annee, [suivi.Relance(e.destinataire, envoye_le) for e in envois])
    write_situation(projet, q, c, controlees=False)
    return tell_feedback(annee, dossier, envois, envoye_le)


def status(projet: Path, annee: str) -> Bilan:
    """Where each campaign stands, from what was received and what the last control said; nothing is read again."""
    from cartographie.campaign.situation import read_suivi
    from cartographie.intake.store import read_registre

    q = load_questionnaire(projet)
    if annee:
        require_campaign(q, annee)
    recus = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    trouves = {a: read_suivi(projet / "outputs" / a / "controle") for a in q.campagnes}
    suivis = {a: s for a, s in trouves.items() if s is not None}
    nouveaux = {a: len(uncontrolled(projet, a, recus[a])) for a in suivis}
    detail = annee or max(suivis, default="")
    return tell_status(projet, q, recus, suivis, nouveaux, warehouse_path(projet), detail)
