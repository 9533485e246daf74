"""schemas/demo.yaml, how the fictitious answers are drawn; and invented identification numbers nobody was ever given."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# -------------------------------------------------------------------------------------------
# schemas/demo.yaml: how the fictitious answers are drawn. Every key is optional; without the file, everything is uniform.


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


# -------------------------------------------------------------------------------------------
# Invented identification numbers with a right key, in ranges nobody was ever given.

LETTRES = {"A": "1", "B": "2"}


def luhn_digit(corps: str) -> str:
    """The digit that makes `corps` + digit satisfy the Luhn formula (letters of Corsica count as 1 and 2)."""
    total = 0
    for rang, signe in enumerate(reversed(corps)):
        chiffre = int(LETTRES.get(signe, signe)) * (2 if rang % 2 == 0 else 1)
        total += chiffre - 9 if chiffre > 9 else chiffre
    return str(-total % 10)


def finess(numero: int, departement: str, prefixes: Mapping[str, str]) -> str:
    """Nine characters: the department, a 9 (a range not in use), a number, the key."""
    prefixe = prefixes.get(departement, departement[:2] + "9")
    corps = prefixe + str(numero % 10 ** (8 - len(prefixe))).zfill(8 - len(prefixe))
    return corps + luhn_digit(corps)


def siren(numero: int) -> str:
    corps = "9" + str(numero % 10**7).zfill(7)
    return corps + luhn_digit(corps)


def siret(numero: int) -> str:
    corps = siren(numero) + "0001"
    return corps + luhn_digit(corps)


def rpps(numero: int) -> str:
    corps = "99" + str(numero % 10**8).zfill(8)
    return corps + luhn_digit(corps)
