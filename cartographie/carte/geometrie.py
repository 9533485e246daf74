"""Outlines of regions and departments, made once by docs/geometrie.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

METROPOLE = "metropole"


@dataclass(frozen=True, slots=True)
class Geometrie:
    """`niveaux`: level → code → (zone, SVG path); `zones`: zone → (x, y, width, height) of its own frame."""

    niveaux: Mapping[str, Mapping[str, tuple[str, str]]]
    zones: Mapping[str, tuple[float, float, float, float]]
    credit: str


@cache
def read_geometry() -> Geometrie:
    brut = json.loads((files("cartographie") / "carte" / "france.json").read_text(encoding="utf-8"))
    niveaux = {n: {c: (x["zone"], x["d"]) for c, x in codes.items()} for n, codes in brut["niveaux"].items()}
    return Geometrie(niveaux, {z: tuple(b) for z, b in brut["zones"].items()}, brut["credit"])
