"""The weights of a campaign: response groups, then calibration to the frame, as campagne.yaml declares them.

The unit is the unit of the frame (an establishment). Everyone is invited: it is a census with non-response, the base
weight is 1 and responding is a second phase, Poisson within each response homogeneity group (docs/methodologie.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cartographie.conditions import Contexte, evaluate
from cartographie.dispositions import COMPLET, INELIGIBLES, PARTIEL
from cartographie.errors import Statut, UserError
from cartographie.model import Questionnaire

if TYPE_CHECKING:
    from cartographie.statistics.estimates import Plan

INCONNU = "?"  # a unit of the frame without a value: a modality like any other, so that nobody is left out
AUTRES = "autres"
CAPACITE_MIN = 10


@dataclass(frozen=True, slots=True)
class Ponderation:
    """`unites`: one row is one covered unit in scope, sorted by `racine` (position of its respondent among the kept answers):
    base (position in the frame), groupe, poids_initial, poids. `plan`: one row is one weighted respondent (`repondants`:
    its position among the kept answers). `groupes`, `marges`: one row is one response group, one margin. `diagnostic`: see
    statistics.weight_diagnostics. `biais`: see `_bias`, None without declared witnesses."""

    unites: pd.DataFrame
    repondants: np.ndarray
    plan: Plan
    groupes: pd.DataFrame
    marges: pd.DataFrame
    diagnostic: Mapping[str, Any]
    biais: Mapping[str, Any] | None = None


def weigh(q: Questionnaire, annee: str, frames: Mapping[str, pd.DataFrame]) -> Ponderation | None:
    """Weights of the campaign's respondents; None when it declares no weighting or has no frame.

    Raises UserError E19 (status 10) when the margins cannot be met: the message names them.
    """
    declaree = q.campagnes[annee].parametres.get("ponderation")
    base = frames.get(q.base) if q.base else None
    racine = frames[q.racine]
    if not declaree or base is None or base.empty or racine.empty:
        return None
    from cartographie.statistics.calibration import CalageImpossible, calibrate, calibration_matrix
    from cartographie.statistics.groups import homogeneity_groups

    champ = _in_scope(q, annee, frames, base, declaree)
    cadre = base[champ].reset_index(drop=True)
    position = np.flatnonzero(champ)
    racines = pd.Index(racine["id_repondant"].astype(object)).get_indexer(
        pd.Index(cadre["id_repondant"].astype(object))
    )
    repondu = racines >= 0
    if "disposition" in cadre.columns:
        repondu &= cadre["disposition"].isin([COMPLET, PARTIEL]).to_numpy()
    if not repondu.any():
        return None
    variables = list(declaree["groupes"])
    groupes = homogeneity_groups(
        cadre[variables].astype(object).fillna(INCONNU), repondu, variables,
        effectif_min=declaree.get("effectif_min", 20), taux_min=declaree.get("taux_min_pct", 10) / 100,
        repondants_min=declaree.get("repondants_min", 5),
    )  # fmt: skip
    initial = np.asarray(groupes.poids)[repondu]
    calage = declaree.get("calage") or {}
    donnees, marges = _margins(cadre, repondu, calage.get("marges", ()), calage.get("repondants_min", CAPACITE_MIN))
    poids, diagnostic, x = initial, {}, None
    if marges:
        bornes = tuple(calage.get("bornes", (0.4, 2.5)))
        try:
            resultat = calibrate(donnees, initial, marges, methode=calage.get("methode", "logit"), bornes=bornes)
        except CalageImpossible as erreur:
            raise UserError(
                "E19", f"les poids de {annee} ne peuvent pas être calés ({erreur}) ; regroupez des modalités ou élargissez "
                f"« bornes » dans schemas/{annee}/campagne.yaml.", Statut.DECLARATION,
            ) from None  # fmt: skip
        poids, diagnostic = resultat.poids, dict(resultat.diagnostic)
        x = calibration_matrix(donnees, marges)[0]
    unites = pd.DataFrame({
        "racine": racines[repondu], "base": position[repondu], "groupe": np.asarray(groupes.groupe)[repondu],
        "poids_initial": initial, "poids": poids,
    })  # fmt: skip
    repondants, plan = _plan(unites, np.asarray(groupes.groupe), x)
    unites = unites.sort_values(["racine", "base"], ignore_index=True)
    biais = _bias(cadre, repondu, poids, declaree.get("temoins", ()))
    return Ponderation(unites, repondants, plan, groupes.taux, _written(donnees, poids, marges), diagnostic, biais)


def account(p: Ponderation) -> dict[str, Any]:
    """What is published of the weights: response groups, margins, distribution, strata joined. No respondent in it."""

    def lines(df: pd.DataFrame) -> list[dict[str, Any]]:
        return [{k: round(v, 6) if isinstance(v, float) else v for k, v in x.items()} for x in df.to_dict("records")]

    return {
        "unites": len(p.unites), "repondants": len(p.repondants), "population": int(p.groupes["invites"].sum()),
        "groupes": lines(p.groupes), "marges": lines(p.marges), "strates_regroupees": list(p.plan.regroupees),
        "diagnostic": {k: round(float(v), 6) for k, v in p.diagnostic.items()}, "biais": p.biais,
    }  # fmt: skip


def _bias(cadre: pd.DataFrame, repondu: np.ndarray, poids: np.ndarray, temoins: Any) -> dict[str, Any] | None:
    """What weights leave of the difference between respondents and frame, on variables of the frame they were not made from:
    the R-indicator, and by variable the largest difference of a share, in points. No modality: few may be in it."""
    if not temoins:
        return None
    from cartographie.statistics.response import bias_indicator

    tous = np.zeros(len(cadre))
    tous[repondu] = poids
    r, parts = bias_indicator(cadre[list(temoins)].astype(object).fillna(INCONNU), repondu, tous)
    pires = parts.assign(ecart=parts["ecart_points"].abs()).groupby("variable", sort=False)["ecart"].max()
    return {"indicateur_r": round(r, 4), "ecarts_points": {str(v): round(float(e), 2) for v, e in pires.items()}}


def _in_scope(
    q: Questionnaire, annee: str, frames: Mapping[str, pd.DataFrame], base: pd.DataFrame, declaree: Mapping[str, Any]
) -> np.ndarray:
    """Units of the frame the survey is about: neither out of the declared field nor found closed or out of scope."""
    champ = np.ones(len(base), dtype=bool)
    if declaree.get("champ"):
        contexte = Contexte(entite=str(q.base), lots=frames, questionnaire=q, campagne=annee)
        champ = np.asarray(evaluate(declaree["champ"], contexte), dtype=bool)
    if "disposition" in base.columns:
        champ &= ~base["disposition"].isin(INELIGIBLES).to_numpy()
    return champ


def _margins(
    cadre: pd.DataFrame, repondu: np.ndarray, variables: Any, minimum: int
) -> tuple[pd.DataFrame, dict[str, dict[str, float]]]:
    """(one row per responding unit, its modality of each margin; number of units of the frame by modality).

    Written collapsing order: a modality with fewer than `minimum` responding units joins « autres »; should these together
    still be too few, the modality with the fewest responding units joins them too (the first by code when several).
    """
    donnees, marges = {}, {}
    for v in variables:
        codes = cadre[v].astype(object).fillna(INCONNU).astype(str)
        n = codes[repondu].value_counts().reindex(sorted(codes.unique()), fill_value=0)
        ordre = sorted(n.index, key=lambda c: (n[c], c))
        petites = [c for c in ordre if n[c] < minimum]
        while petites and len(petites) < len(ordre) and n[petites].sum() < minimum:
            petites.append(ordre[len(petites)])
        codes = (
            codes.where(~codes.isin(petites), AUTRES) if len(petites) > 1 or (petites and not n[petites[0]]) else codes
        )
        donnees[v] = codes[repondu].to_numpy()
        marges[v] = {str(c): float(k) for c, k in codes.value_counts().sort_index().items()}
    return pd.DataFrame(donnees), marges


def _plan(unites: pd.DataFrame, groupes: np.ndarray, x: Any) -> tuple[np.ndarray, Plan]:
    """The design, by respondent: one that answers for several units is drawn as a whole, in the group of its first unit.
    The sampling fraction of a group is that of its units."""
    from cartographie.statistics.estimates import build_plan

    repondants, rang = np.unique(unites["racine"].to_numpy(), return_inverse=True)
    poids = np.bincount(rang, unites["poids"].to_numpy())
    initial = np.bincount(rang, unites["poids_initial"].to_numpy())
    premiere = np.unique(rang, return_index=True)[1]
    strates = unites["groupe"].to_numpy()[premiere]
    taux = unites["groupe"].value_counts() / pd.Series(groupes).value_counts()
    effectifs = pd.Series(strates).value_counts()
    tailles = {h: float(effectifs[h] / taux[h]) for h in effectifs.index}
    moyenne = None
    if x is not None:
        dense = np.asarray(x.toarray() if hasattr(x, "toarray") else x, dtype=float)
        moyenne = np.zeros((len(repondants), dense.shape[1]))
        np.add.at(moyenne, rang, dense * unites["poids"].to_numpy()[:, None])
        moyenne /= poids[:, None]
    return repondants, build_plan(poids, strates, tailles=tailles, poids_initiaux=initial, X=moyenne)


def _written(donnees: pd.DataFrame, poids: np.ndarray, marges: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """One row: one calibration margin: variable, modalite, repondants, population, estimee."""
    lignes = [
        (v, m, int((donnees[v] == m).sum()), n, float(poids[(donnees[v] == m).to_numpy()].sum()))
        for v, totaux in marges.items()
        for m, n in totaux.items()
    ]
    return pd.DataFrame(lignes, columns=["variable", "modalite", "repondants", "population", "estimee"])
