"""What is only seen between answers: units of the frame that two respondents claim, at the cell that claims them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cartographie import register
from cartographie.anomalies import Redaction, word
from cartographie.examine.fournee import Cadre, Fournee
from cartographie.model import Constat


def repaired(recu: Fournee) -> frozenset[tuple[int, str]]:
    """(root record, variable) of the numbers that had to be repaired to be read."""
    faits = recu.lieux[recu.lieux["redresse"].astype("bool")]
    return frozenset(zip(faits["enregistrement"].astype("int64").tolist(), faits["variable"].tolist(), strict=True))


def claimed_twice(cadre: Cadre, recu: Fournee, recouvrements: pd.DataFrame) -> Redaction:
    """One finding per unit of the frame that an answer covers and another one keeps, at the answer's identifying cell."""
    q, racines = cadre.q, recu.kept[cadre.q.racine]
    enregistrements = dict(zip(racines["id_repondant"], racines.index, strict=True))
    variables = {
        lien["mode"]: lien["variable"] for lien in q.enquete.get("lien_base", ()) if lien["entite"] == q.racine
    }
    premiere = next(iter(variables.values()), None)
    lieux = {(r.enregistrement, r.variable): r for r in recu.lieux.itertuples(index=False)}
    constats = []
    for r in recouvrements.itertuples(index=False):
        enregistrement = int(enregistrements[r.id_repondant])
        variable = variables.get(r.mode.removesuffix(register.REPAIRED), premiere)
        lieu: dict[str, Any] = {}
        if place := lieux.get((enregistrement, variable)):
            lieu = {
                "depot": place.depot,
                "feuille": place.feuille,
                "ligne": _number(place.ligne),
                "colonne": _number(place.colonne),
            }
        constats.append(
            Constat("unite_deja_couverte", q.racine, enregistrement, variable,
                    details={"unite": r.id_base, "autre": r.retenu_par}, **lieu)
        )  # fmt: skip
    return word(constats, {}, recu.depots, q, cadre.annee, racines["id_repondant"])


def _number(valeur: Any) -> int | None:
    return None if pd.isna(valeur) else int(valeur)
