"""Stage 2: cells → typed values and findings. One function per type; columns are decoded on their distinct values."""

from ..text import MASQUE
from .cellule import Contexte, Decode
from .derivation import derive, identify
from .lot import DECODEURS, decode_cell, decode_lot, decode_lots

__all__ = [
    "DECODEURS",
    "MASQUE",
    "Contexte",
    "Decode",
    "decode_cell",
    "decode_lot",
    "decode_lots",
    "derive",
    "identify",
]
