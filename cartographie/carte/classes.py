"""Classes of a map: five at most, of equal numbers of areas, on colours told apart by everybody and printed in grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# ColorBrewer YlGnBu and PuOr (Brewer 2003), safe for colour-blind readers, from light to dark
SUITE = ("#c7e9b4", "#7fcdbb", "#41b6c4", "#2c7fb8", "#253494")
OPPOSEES = ("#b35806", "#f1a340", "#f7f7f7", "#998ec3", "#542788")
ZERO = "#ffffff"


@dataclass(frozen=True, slots=True)
class Classes:
    """`bornes`: n + 1 increasing bounds of n classes, the last one closed; `couleurs`: one a class. Nought has its own."""

    bornes: tuple[float, ...]
    couleurs: tuple[str, ...]
    zero: bool  # some areas are exactly nought

    def rank(self, valeur: float) -> int:
        """Rank of the class of a value, -1 for nought when it has its own."""
        if self.zero and valeur == 0:
            return -1
        rang = int(np.searchsorted(self.bornes[1:-1], valeur, side="right"))
        return min(rang, len(self.couleurs) - 1)

    def colour(self, valeur: float) -> str:
        rang = self.rank(valeur)
        return ZERO if rang < 0 else self.couleurs[rang]


def classify(valeurs: Sequence[float], *, divergent: bool = False) -> Classes:
    """Quantiles rounded to the tenth, fewer than five when values are few; around nought for a difference."""
    if divergent:
        grand = float(np.ceil(max((abs(v) for v in valeurs), default=1.0))) or 1.0
        bornes = tuple(round(x * grand, 1) for x in (-1, -0.5, -0.1, 0.1, 0.5, 1))
        return Classes(bornes, OPPOSEES, False)
    positives = [v for v in valeurs if v != 0]
    if not positives:
        return Classes((), (), bool(valeurs))
    nombre = min(len(SUITE), len(set(positives)))
    bornes_ = sorted({round(float(x), 1) for x in np.quantile(positives, np.linspace(0, 1, nombre + 1))})
    bornes_[0], bornes_[-1] = float(np.floor(min(positives) * 10) / 10), float(np.ceil(max(positives) * 10) / 10)
    if len(bornes_) == 1:
        bornes_ = [bornes_[0], bornes_[0]]
    n = len(bornes_) - 1
    couleurs = tuple(SUITE[round(i * (len(SUITE) - 1) / max(n - 1, 1))] for i in range(n))
    return Classes(tuple(bornes_), couleurs, len(positives) < len(valeurs))
