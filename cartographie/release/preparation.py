"""What a release is made of, before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cartographie.model import Questionnaire, Tableau


@dataclass(frozen=True, slots=True)
class Demande:
    """A release as asked for. `jour`: "" for the end of the campaign; `remplace`: name of the version corrected."""

    annee: str
    version: str
    jour: str = ""
    remplacer: bool = False
    nature: str = "provisoire"
    remplace: str = ""
    motif: str = ""


@dataclass(frozen=True, slots=True)
class Preparation:
    """A release before it is written. `exacts`: counts behind its figures; `lues`: (directory, exact counts) of each earlier
    release read with it. Confidential."""

    q: Questionnaire
    dossier: Path
    tableaux: Sequence[Tableau]
    meta: dict[str, Any]
    exacts: pd.DataFrame
    lues: Sequence[tuple[Path, pd.DataFrame]]
