"""What could be added to schemas/ so that more of what came back is read. Proposed as a diff, never applied from here."""

from cartographie.propositions.diff import Correctif, write_diff
from cartographie.propositions.fichiers import EntetesProposes, Examine, propose_headers
from cartographie.propositions.reponses import Ecriture, ReponsesProposees, propose_answers

__all__ = [
    "Correctif",
    "Ecriture",
    "EntetesProposes",
    "Examine",
    "ReponsesProposees",
    "propose_answers",
    "propose_headers",
    "write_diff",
]
