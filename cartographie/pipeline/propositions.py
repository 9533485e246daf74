"""What came back against schemas/ → changes proposed as a diff. Nothing is stored, nothing applied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cartographie import bilans
from cartographie.errors import UserError
from cartographie.memoire import without_cycle_search
from cartographie.pipeline.commun import Bilan, Progres
from cartographie.questionnaire import load_questionnaire
from cartographie.workspace import received, require_campaign


def headers(projet: Path, annee: str, sources: Sequence[Path], sortie: Path | None, progres: Progres) -> Bilan:
    """What changed in the headers of files, and the diff of the models that would accept it."""
    from cartographie.propositions import propose_headers, write_diff

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    proposes = propose_headers(projet, q, annee, sources, progres)
    return bilans.headers(annee, proposes, sortie, write_diff(sortie, proposes.correctifs))


@without_cycle_search()
def answers(projet: Path, annee: str, seuil: int, sortie: Path | None, ouvriers: int, progres: Progres) -> Bilan:
    """Unknown spellings of what was received, and the diff of the nomenclatures that would accept them."""
    from cartographie.examine import examine
    from cartographie.propositions import propose_answers, write_diff

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    if annee not in received(projet, q):
        raise UserError("U04", f"Aucun fichier reçu pour {annee} : rangez-les d'abord avec « ingest ».")
    c = examine(projet, q, annee, ouvriers, progres, complet=False)
    proposees = propose_answers(projet, q, c, seuil)
    return bilans.answers(annee, proposees, seuil, sortie, write_diff(sortie, proposees.correctifs))
