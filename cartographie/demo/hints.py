"""schemas/demo.yaml: how the fictitious answers are drawn. Every key is optional; without the file, everything is uniform."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Indications:
    """The hints, plain values; `pour` merges a variable's own hints with those of one campaign."""

    brut: Mapping[str, Any]

    def pour(self, entite: str, variable: str, campagne: str) -> dict[str, Any]:
        """Hints of one variable: "entity.variable" wins over "variable"; `campagnes: {name: …}` wins over both."""
        toutes = self.brut.get("variables") or {}
        indication = {**(toutes.get(variable) or {}), **(toutes.get(f"{entite}.{variable}") or {})}
        return {**indication, **((indication.get("campagnes") or {}).get(campagne) or {})}

    def section(self, nom: str, campagne: str | None = None) -> dict[str, Any]:
        section = dict(self.brut.get(nom) or {})
        return {**section, **((section.get("campagnes") or {}).get(campagne) or {})} if campagne else section


def load_hints(projet: Path) -> Indications:
    chemin = projet / "schemas" / "demo.yaml"
    return Indications(yaml.safe_load(chemin.read_text("utf-8")) or {} if chemin.exists() else {})


def weighted(alea: random.Random, poids: Mapping[Any, float]) -> Any:
    """One key drawn by weight."""
    return alea.choices(list(poids), weights=list(poids.values()))[0]
