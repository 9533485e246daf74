"""Response homogeneity groups: where everyone is supposed to answer with the same probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

TOUS = "tous"
SEPARATEUR = " × "


@dataclass(frozen=True, slots=True)
class Groupes:
    """`groupe`: label of each unit; `poids`: N_h / r_h for a respondent, nan for the others; `taux`: one row is one group:
    groupe, invites, repondants, taux (0–1), niveau (number of variables that still tell it apart)."""

    groupe: np.ndarray
    poids: np.ndarray
    taux: pd.DataFrame


def homogeneity_groups(
    cadre: pd.DataFrame,
    repondu: Any,
    variables: Sequence[str],
    *,
    effectif_min: int = 20,
    taux_min: float = 0.1,
    repondants_min: int = 5,
) -> Groupes:
    """Groups of the units of the frame (one row each), by crossing `variables`, most important first.

    Written collapsing order: a group with fewer than `effectif_min` units or `repondants_min` respondents, or a rate under
    `taux_min`, joins the other such groups that share its first variables, the last variable being dropped; if together
    they still fail, the smallest sound group sharing these variables joins them; if there is none, one variable more is
    dropped. Sound groups otherwise stay as they are. Whatever happens, every unit has a group and Σ weights = units.
    Raises ValueError when nobody answered. (Little 1986; Haziza and Beaumont 2007.)
    """
    r = np.asarray(repondu, dtype=bool)
    if not r.any():
        raise ValueError("aucune unité n'a répondu : pas de groupe de réponse.")
    codes = cadre[list(variables)].astype(str)
    groupe = codes.agg(SEPARATEUR.join, axis=1).to_numpy(dtype=object)
    for niveau in range(len(variables), 0, -1):
        prefixe = (
            codes[list(variables[: niveau - 1])].agg(SEPARATEUR.join, axis=1).to_numpy(dtype=object)
            if niveau > 1 else np.full(len(codes), TOUS, dtype=object)
        )  # fmt: skip
        groupe = _merge(groupe, prefixe, r, effectif_min, taux_min, repondants_min)
    compte = pd.DataFrame({"groupe": groupe, "r": r}).groupby("groupe", sort=True)["r"].agg(["size", "sum"])
    taux = pd.DataFrame({
        "groupe": compte.index, "invites": compte["size"].to_numpy(), "repondants": compte["sum"].to_numpy(),
        "taux": (compte["sum"] / compte["size"]).to_numpy(),
        "niveau": [0 if g == TOUS else g.removesuffix(SEPARATEUR + "autres").count(SEPARATEUR) + 1 for g in compte.index],
    })  # fmt: skip
    poids = np.where(r, pd.Series(groupe).map(compte["size"] / compte["sum"]).to_numpy(dtype=float), np.nan)
    return Groupes(groupe, poids, taux)


def _merge(
    groupe: np.ndarray, prefixe: np.ndarray, r: np.ndarray, effectif_min: int, taux_min: float, repondants_min: int
) -> np.ndarray:
    """One pass of the collapsing order."""
    df = pd.DataFrame({"groupe": groupe, "prefixe": prefixe, "r": r})
    compte = df.groupby("groupe").agg(n=("r", "size"), r=("r", "sum"), prefixe=("prefixe", "first"))

    def fails(n: float, k: float) -> bool:
        return n < effectif_min or k < repondants_min or k < taux_min * n

    nouveau: dict[str, str] = {}
    for p, freres in compte.groupby("prefixe", sort=True):
        mauvais = [g for g in sorted(freres.index) if fails(freres.at[g, "n"], freres.at[g, "r"])]
        if not mauvais:
            continue
        bons = sorted(set(freres.index) - set(mauvais), key=lambda g: (freres.at[g, "n"], g))
        n, k = freres.loc[mauvais, "n"].sum(), freres.loc[mauvais, "r"].sum()
        while bons and fails(n, k):
            g = bons.pop(0)
            mauvais.append(g)
            n, k = n + freres.at[g, "n"], k + freres.at[g, "r"]
        nom = str(p) if not bons else f"{p}{SEPARATEUR}autres"
        nouveau |= dict.fromkeys(mauvais, nom)
    return np.array([nouveau.get(g, g) for g in groupe], dtype=object)
