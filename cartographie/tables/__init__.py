"""Stage 6: declared tables → figures. Frames in, frames out.

`draft_tableaux` computes every figure with its precision and the exact counts behind it; `finish` masks what must be.
"""

from cartographie.tables.axes import TOUS
from cartographie.tables.build import COLONNES_FIXES, Campagne, build_tableaux, draft_tableaux
from cartographie.tables.exacts import exact_counts
from cartographie.tables.statuts import finish

__all__ = ["COLONNES_FIXES", "TOUS", "Campagne", "build_tableaux", "draft_tableaux", "exact_counts", "finish"]
