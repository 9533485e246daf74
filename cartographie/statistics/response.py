"""Unit and item non-response (AAPOR, Standard Definitions, 10th ed. 2023, establishment surveys; SIMS S.13.3.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

# I complete, P partial, R refusal, NC no contact, O other (late, unusable), U unknown eligibility, NE not eligible
DISPOSITIONS = {
    "complet": "I", "partiel": "P", "refus": "R", "non_joint": "NC", "autre": "O", "inconnu": "U",
    "hors_champ": "NE", "ferme": "NE", "autre_unite": "NE",
}  # fmt: skip
FORMULES = ("RR2", "RR4")
ABSENCES = ("hors_filtre", "nsp", "refus", "blanc", "invalide")


def response_rates(dispositions: pd.Series, *, par: pd.Series | None = None, poids: Any = None) -> pd.DataFrame:
    """One row per group, then « Total »: one column per disposition (units, or their size), `invites`, rr2, rr4,
    `couverture`. Shares (0–1), nan without eligible unit.

    RR2 = (I+P)/(I+P+R+NC+O+U). RR4 = (I+P)/(I+P+R+NC+O+e·U), e = eligible / (eligible + NE) among the units whose status is
    known. Coverage = (I+P) / invited. A unit that a legal entity's answer covers has answered (complete or partial); one
    answered for under another number of the frame is not eligible (`autre_unite`). Raises ValueError on an unknown code.
    """
    inconnus = set(dispositions.dropna()) - set(DISPOSITIONS)
    if inconnus or dispositions.isna().any():
        raise ValueError(f"disposition inconnue : {', '.join(sorted(inconnus)) or 'vide'}.")
    w = pd.Series(np.ones(len(dispositions)) if poids is None else np.asarray(poids, dtype=float))
    groupe = pd.Series(["Total"] * len(w)) if par is None else pd.Series(np.asarray(par, dtype=object)).fillna("?")
    d = pd.Series(np.asarray(dispositions, dtype=object))
    df = w.groupby([groupe, d]).sum().unstack(fill_value=0.0).reindex(columns=list(DISPOSITIONS), fill_value=0.0)
    if par is not None:
        df.loc["Total"] = df.sum()
    df["invites"] = df[list(DISPOSITIONS)].sum(axis=1)
    rr2, rr4 = (rate(f, {c: df[c].to_numpy() for c in DISPOSITIONS}) for f in FORMULES)
    repondu = df["complet"] + df["partiel"]
    return df.assign(rr2=rr2, rr4=rr4, couverture=repondu / df["invites"].where(df["invites"] > 0))


def rate(formule: str, nombres: dict[str, np.ndarray]) -> np.ndarray:
    """RR2 or RR4 from the number (or size) of the units of each disposition, element by element."""
    par_lettre = {
        x: sum((nombres[c] for c, y in DISPOSITIONS.items() if y == x), np.zeros(1)) for x in set(DISPOSITIONS.values())
    }
    repondu = par_lettre["I"] + par_lettre["P"]
    eligibles = repondu + par_lettre["R"] + par_lettre["NC"] + par_lettre["O"]
    resolues = eligibles + par_lettre["NE"]
    e = np.divide(eligibles, resolues, out=np.ones_like(resolues), where=resolues > 0)
    total = eligibles + par_lettre["U"] * (1.0 if formule == "RR2" else e)
    out: np.ndarray = np.divide(repondu, total, out=np.full_like(total, np.nan), where=total > 0)
    return out


def item_nonresponse(etats: pd.DataFrame) -> pd.DataFrame:
    """One row per variable of `etats` (one row per respondent): number of each state, never merged, and, over those to whom
    the question applies (filter aside), the shares `reponse_part` (« ne sait pas » is an answer), `nsp_part`, `refus_part`,
    `blanc_part` and `invalide_part`."""
    colonnes = ["renseigne", *ABSENCES]
    df = pd.DataFrame({v: etats[v].value_counts().reindex(colonnes, fill_value=0) for v in etats}).T
    applicables = (df["renseigne"] + df[[a for a in ABSENCES if a != "hors_filtre"]].sum(axis=1)).replace(0, np.nan)
    parts = {f"{a}_part": df[a] / applicables for a in ABSENCES if a != "hors_filtre"}
    return df.assign(reponse_part=(df["renseigne"] + df["nsp"]) / applicables, **parts)


def bias_indicator(cadre: pd.DataFrame, repondu: Any, poids: Any) -> tuple[float, pd.DataFrame]:
    """(R-indicator, one row per modality): what weights leave of the difference between respondents and frame.

    `cadre`: one row per unit, categorical variables that were not calibrated on; `poids`: final weights (ignored for the
    others). R = 1 − 2·S(ρ), S being the standard deviation of the response rates of the crossed cells (Schouten, Cobben and
    Bethlehem 2009): 1 when response depends on none of the variables. Rows: variable, modalite, cadre_part, estimee_part
    (0–1), ecart_points.
    """
    r = np.asarray(repondu, dtype=bool)
    w = np.where(r, np.asarray(poids, dtype=float), 0.0)
    rho = pd.Series(r.astype(float)).groupby(cadre.astype(str).agg("|".join, axis=1).to_numpy()).transform("mean")
    lignes = []
    for v in cadre:
        codes = cadre[v].astype(str).to_numpy()
        for m in sorted(set(codes)):
            vrai, estime = float(np.mean(codes == m)), float(w[codes == m].sum() / w.sum())
            lignes.append((v, m, vrai, estime, 100 * (estime - vrai)))
    colonnes = ["variable", "modalite", "cadre_part", "estimee_part", "ecart_points"]
    return 1 - 2 * float(np.std(rho)), pd.DataFrame(lignes, columns=colonnes)
