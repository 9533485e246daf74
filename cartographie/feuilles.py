"""What every workbook we write has in common."""

from __future__ import annotations

from datetime import datetime

FIGE = datetime(2000, 1, 1)  # the clock in a file's properties would make two runs differ


def row_height(*textes: tuple[str, float], points: float = 14.5) -> float:
    """Height in points of a row whose cells wrap: (text, column width in characters) each.

    No library measures wrapped text, and a spreadsheet that opens a file it did not write keeps the rows one line high.
    """
    lignes = max((sum(-(-max(len(x), 1) // int(w)) for x in t.split("\n")) for t, w in textes), default=1)
    return min(4.0 + points * lignes, 400.0)
