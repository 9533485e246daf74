"""What is written in the answer cells of a questionnaire: the types shared by who decides it and who writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

A_CORRIGER, A_VERIFIER = "corriger", "verifier"
Cle = tuple[str, str | None]  # (variable, modality of a spread choice)
Place = tuple[str, str]  # (sheet, cell "C17")
Places = Mapping[tuple[str, int, str, str | None], Place]  # (entity, rank of the record, variable, modality) → where


@dataclass(frozen=True, slots=True)
class Case:
    """One answer cell. `niveau`: "", A_CORRIGER or A_VERIFIER, shown by a colour; `note`: its comment."""

    valeur: Any = None
    niveau: str = ""
    note: str = ""


Fiche = Mapping[Cle, Case]


@dataclass(frozen=True, slots=True)
class Contenu:
    """`enregistrements`: entity → its records, in order. `retour`: the reference of a correction workbook, "" for none.

    `lignes_libres`: rows ready to be filled below the last record of a table.
    """

    enregistrements: Mapping[str, Sequence[Fiche]] = field(default_factory=dict)
    retour: str = ""
    lignes_libres: int = 300
