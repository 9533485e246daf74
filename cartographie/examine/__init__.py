"""Everything received for one campaign, examined: read, decoded, linked, matched to the frame, validated, accounted for."""

from cartographie.examine.campagne import Controle, examine, examine_frame, frame_for, require_sound
from cartographie.examine.fournee import Cadre, Fournee, examine_files, read_files

__all__ = ["Cadre", "Controle", "Fournee", "examine", "examine_files", "examine_frame", "frame_for"]
__all__ += ["read_files", "require_sound"]
