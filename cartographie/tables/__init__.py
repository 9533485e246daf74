"""Stage 6: declared tables → figures. `build_tableaux` is the only entry point; frames in, frames out."""

from cartographie.tables.build import COLONNES_FIXES, build_tableaux

__all__ = ["COLONNES_FIXES", "build_tableaux"]
