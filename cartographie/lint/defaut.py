"""What a rule broken is, and what a spreadsheet takes for a formula: shared by the rules of workbooks and of CSV files."""

from __future__ import annotations

from dataclasses import dataclass

from cartographie.text import neutralise


@dataclass(frozen=True, slots=True)
class Defaut:
    """One rule broken. `ou`: file, sheet, cell or line; the cell's content is never quoted."""

    code: str
    ou: str
    message: str


def is_formula(texte: str) -> bool:
    """A spreadsheet would run it; a signed number is none."""
    return bool(texte) and neutralise(texte) != texte and not _number(texte)


def _number(texte: str) -> bool:
    try:
        float(texte.replace(",", ".").replace("\u202f", ""))
    except ValueError:
        return False
    return True
