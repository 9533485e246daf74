"""What came back against schemas/ → changes proposed as a diff. Nothing is stored, nothing applied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cartographie.base.workers import without_cycle_search
from cartographie.cli.flow.common import Progres, load_for, require_received

if TYPE_CHECKING:
    from cartographie.propose.answers import ReponsesProposees
    from cartographie.propose.headers import EntetesProposes


def headers(
    projet: Path, campagne: str, sources: Sequence[Path], sortie: Path | None, progres: Progres
) -> tuple[EntetesProposes, Path | None]:
    """What changed in the headers of files, and the diff written of the models that would accept it, if any."""
    from cartographie.propose.edits import write_diff
    from cartographie.propose.headers import propose_headers

    q = load_for(projet, campagne)
    proposes = propose_headers(projet, q, campagne, sources, progres)
    return proposes, write_diff(sortie, proposes.correctifs)


@without_cycle_search()
def answers(
    projet: Path, campagne: str, seuil: int, sortie: Path | None, ouvriers: int, progres: Progres
) -> tuple[ReponsesProposees, Path | None]:
    """Unknown spellings of what was received, and the diff written of the nomenclatures that would accept them, if any."""
    from cartographie.campaign.examine import examine, frame_for
    from cartographie.propose.answers import propose_answers
    from cartographie.propose.edits import write_diff

    q = load_for(projet, campagne)
    require_received(projet, q, campagne)
    c = examine(frame_for(projet, q, campagne, ouvriers, progres), complet=False)
    proposees = propose_answers(projet, q, c, seuil)
    return proposees, write_diff(sortie, proposees.correctifs)
