"""What every command's function takes, gives and starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from cartographie.workspace import writing

P = ParamSpec("P")
Progres = Callable[[str, int, int], None]
Bilan = dict[str, Any]


def alone(fonction: Callable[Concatenate[Path, P], Bilan]) -> Callable[Concatenate[Path, P], Bilan]:
    """What writes in outputs/, once nobody else does. Raises UserError E17."""

    @wraps(fonction)
    def seule(projet: Path, /, *args: P.args, **kwargs: P.kwargs) -> Bilan:
        if not (projet / "schemas").is_dir():  # not a workspace: the function says so, nothing is created there
            return fonction(projet, *args, **kwargs)
        with writing(projet):
            return fonction(projet, *args, **kwargs)

    return seule


def start_workers(projet: Path, ouvriers: int) -> None:
    """Start what reading workers come from, while the libraries load."""
    from cartographie import intake

    intake.start_workers(projet / "raw", ouvriers)
