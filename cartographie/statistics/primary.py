"""Primary secrecy: which cells of a table say too much about one respondent."""

from __future__ import annotations

import numpy as np
import pandas as pd


def primary_suppression(
    cellules: pd.DataFrame,
    *,
    effectif_min: int = 3,
    dominance: float = 0.85,
    zero: str = "publier",
    complement: bool = True,
    dominance_stricte: bool = True,
) -> pd.Series:
    """ "A" (too few), "B" (one dominates) or "V" (free) for each row of `cellules`; A goes before B.

    Columns: `effectif`, respondents behind the cell, not weighted; and, when known, `effectif_complement` (respondents in
    the rest of the denominator), `base` (respondents of the denominator), `valeur` and `maximum` (total and largest
    contribution). INSEE: fewer than 3 units, or one above 85 % (agriculture: 85 % or more, `dominance_stricte=False`);
    11 for tables counting persons. `zero="proteger"` also masks 0 and 100 % (what is true of nobody, or of everybody);
    "publier" leaves them free, as INSEE does for enterprises. Raises ValueError on another policy.
    https://inseefrlab.github.io/manuel-protection-tableaux/chapters/annexes/regles.html
    """
    if zero not in ("publier", "proteger"):
        raise ValueError(f"politique des zéros inconnue : « {zero} » ; choisissez « publier » ou « proteger ».")

    def column(nom: str) -> np.ndarray | None:
        return cellules[nom].to_numpy(dtype=float, na_value=np.nan) if nom in cellules else None

    effectif = column("effectif")
    assert effectif is not None
    reste, base = column("effectif_complement"), column("base")
    peu = (effectif > 0) & (effectif < effectif_min)
    if complement and reste is not None:
        peu |= (reste > 0) & (reste < effectif_min)
    if zero == "proteger":
        occupee = (effectif > 0) if base is None else (base > 0)
        peu |= occupee & ((effectif == 0) | ((reste == 0) if reste is not None else False))
    statut = np.full(len(cellules), "V", dtype=object)
    valeur, maximum = column("valeur"), column("maximum")
    if valeur is not None and maximum is not None:
        borne = dominance * np.abs(valeur)
        statut[(np.abs(valeur) > 0) & ((maximum > borne) if dominance_stricte else (maximum >= borne))] = "B"
    statut[peu] = "A"
    return pd.Series(statut, index=cellules.index)
