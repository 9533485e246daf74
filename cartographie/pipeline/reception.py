"""What comes in and what goes back: frame, received files, correction workbooks, states."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from cartographie import bilans
from cartographie.errors import UserError
from cartographie.memoire import without_cycle_search
from cartographie.pipeline.commun import Bilan, Progres, alone, start_workers
from cartographie.questionnaire import load_questionnaire
from cartographie.workspace import (
    received,
    require_campaign,
    uncontrolled,
    warehouse_path,
    write_situation,
    writing,
)


def reception_day(projet: Path, annee: str, aujourdhui: str) -> str:
    """`aujourdhui`, as long as the clock can be believed: of two answers of one respondent, the last received prevails. Raises
    UserError U30."""
    from cartographie.intake import read_registre

    derniere = max((d.recu_le for d in read_registre(projet / "raw" / annee)), default="")
    if aujourdhui < derniere:
        raise UserError(
            "U30", f"L'horloge de cette machine dit {aujourdhui}, avant la dernière réception de {annee} ({derniere}) : réglez-la, ou "
            "donnez la date avec --recu-le.",
        )  # fmt: skip
    return aujourdhui


@alone
def register(projet: Path, annee: str, source: Path, recu_le: str) -> Bilan:
    """Store the frame's file in raw/<campagne>/base and say what it holds; a refused file is not kept."""
    from cartographie.examine import examine_frame
    from cartographie.intake import ingest as store
    from cartographie.intake.snapshot import forget

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    ajoutes, deja = store(projet, annee, [source], "base", recu_le)
    base, unites = examine_frame(projet, q, annee, lambda *_: None)
    if unites is None:
        forget(projet / "raw" / annee, ajoutes)
    return bilans.register(q, annee, unites, base.redaction.anomalies, deja)


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
    from cartographie.intake import ingest as store

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    with nullcontext() if ranger_seulement else writing(projet):
        ajoutes, deja = store(projet, annee, sources, "reponse", recu_le)
        if ranger_seulement or not ajoutes:
            return bilans.ingest(projet, annee, ajoutes, deja, None)
        start_workers(projet, ouvriers)
        from cartographie.examine import examine

        c = examine(projet, q, annee, ouvriers, progres, complet=False)
        write_situation(projet, q, c, controlees=False)
        return bilans.ingest(projet, annee, ajoutes, deja, c)


@alone
@without_cycle_search()
def feedback(
    projet: Path, annee: str, seul: str, absents: bool, envoye_le: str, ouvriers: int, progres: Progres
) -> Bilan:
    """Correction workbooks and letters, outputs/<campagne>/retours/. `envoye_le`: the day they were sent, noted in raw/."""
    start_workers(projet, ouvriers)
    from cartographie import feedback as retours
    from cartographie import suivi
    from cartographie.examine import examine, frame_for, require_sound

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    if annee not in received(projet, q):
        raise UserError("U04", f"Aucun fichier reçu pour {annee} : rangez-les d'abord avec « ingest ».")
    c = require_sound(examine(projet, q, annee, ouvriers, progres, complet=False))
    situation = suivi.build_suivi(q, c, suivi.read_relances(projet / "raw" / annee))
    a_relancer = suivi.absents(q, c, situation, seul) if absents else suivi.absents(q, c, situation.iloc[:0], seul)
    dossiers = retours.build_dossiers(frame_for(projet, q, annee, ouvriers, progres), c, seul)
    if seul:
        dossiers = iter(trouves := list(dossiers))
        if not trouves and a_relancer.empty:
            raise UserError("U17", f"Rien à renvoyer à « {seul} » : vérifiez son identifiant dans controle/suivi.csv.")
    dossier = projet / "outputs" / annee / "retours"

    def avance(ecrits: int) -> None:
        progres(f"{annee} : classeurs de correction", ecrits, ecrits)

    envois = retours.write_feedback(dossier, dossiers, a_relancer, q, annee, envoye_le, ouvriers, avance)
    if envoye_le:
        suivi.add_relances(projet / "raw" / annee, [suivi.Relance(e.destinataire, envoye_le) for e in envois])
    write_situation(projet, q, c, controlees=False)
    return bilans.feedback(annee, dossier, envois, envoye_le)


def status(projet: Path, annee: str) -> Bilan:
    """Where each campaign stands, from what was received and what the last control said; nothing is read again."""
    from cartographie.intake import read_registre
    from cartographie.suivi import read_suivi

    q = load_questionnaire(projet)
    if annee:
        require_campaign(q, annee)
    recus = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    trouves = {a: read_suivi(projet / "outputs" / a / "controle") for a in q.campagnes}
    suivis = {a: s for a, s in trouves.items() if s is not None}
    nouveaux = {a: len(uncontrolled(projet, a, recus[a])) for a in suivis}
    detail = annee or max(suivis, default="")
    return bilans.status(projet, q, recus, suivis, nouveaux, warehouse_path(projet), detail)
