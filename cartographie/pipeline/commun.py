"""What every command's function takes, gives and starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Progres = Callable[[str, int, int], None]
Bilan = dict[str, Any]


def start_workers(projet: Path, ouvriers: int) -> None:
    """Start what reading workers come from, while the libraries load."""
    from cartographie import intake

    intake.start_workers(projet / "raw", ouvriers)
