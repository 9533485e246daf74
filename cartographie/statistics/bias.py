"""What weights cannot correct, told: shares if some answered more readily, late answers against early ones; replicate weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from cartographie.base.errors import UserError
from cartographie.statistics.estimates import Plan, change_interval, variances
from cartographie.statistics.members import Traceur
from cartographie.statistics.tables import Campagne
from cartographie.statistics.weights import CalageImpossible, Ponderation, calibrate, calibrate_as
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import selected
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import ChiffreCle, Selecteur

# ---- the share that would be, if those it counts answered k times more readily than the others


def adjusted_share(part: float, facteur: float) -> float:
    """The share θ (0–100) of the whole when those counted answer `facteur` times as often as the others, and are `part` of those
    who answer: p = kθ/(kθ + 1 − θ), so θ = p/(p + k(1 − p)).

    >>> adjusted_share(50, 1.5), adjusted_share(50, 1)
    (40.0, 50.0)
    """
    return 100 * part / (part + facteur * (100 - part))


# ---- response waves: do those who answered last differ from those who answered first?

VAGUES = 3
REPONDANTS_MIN = 10  # of a wave, for its share to be compared: as many as for a published one, unless more are declared
SEMBLABLES, DIFFERENTES = "ne diffèrent pas", "diffèrent (écart significatif à 5 %)"
TROP_PEU = "non comparées : trop peu de réponses datées"


@dataclass(frozen=True, slots=True)
class Vagues:
    """One share by wave, first to last; confidential but for the verdict. `rang`: among the figures declared; `parts`: 0–100, nan
    where nobody answered; `ecart`, `ic_bas`, `ic_haut`: last less first, in points, and its 95 % interval (nan: not compared)."""

    rang: int
    tableau: str
    libelle: str
    effectifs: tuple[int, ...]
    parts: tuple[float, ...]
    ecart: float
    ic_bas: float
    ic_haut: float
    verdict: str


_Comparees = tuple[tuple[int, ...], tuple[float, ...], float, float, float, str]


def waves_of(dates: pd.Series) -> np.ndarray:
    """Wave of each answer, 0 to VAGUES − 1, by thirds of the answers in order of date; -1 without a date. Answers of one day are of
    one wave, the last that any of them would be in."""
    rang = pd.to_datetime(dates, errors="coerce").rank(method="max", pct=True)
    return np.asarray(np.ceil(np.round(VAGUES * rang, 9)).fillna(0).astype(int) - 1)


def compare_waves(
    q: Questionnaire, campagne: Campagne, precedente: Campagne | None, tableaux: Sequence[Tableau], chiffres: Sequence[ChiffreCle]
) -> list[Vagues]:  # fmt: skip
    """The `chiffres` that are shares of respondents, by wave of the date that the survey declares (`date` of its root); [] without
    weights or without date. `tableaux`: drafts. Waves are thirds of those the share rests on: too few of them says nothing that
    their published number does not."""
    date, racine = q.entites[q.racine].date, campagne.frames[q.racine]
    if campagne.ponderation is None or date is None or date not in racine:
        return []
    traceur, par_code = Traceur(q, campagne, precedente), {t.code: t for t in tableaux}
    seuils = q.campagnes[campagne.nom].parametres.get("seuils", {})
    minimum = max(REPONDANTS_MIN, seuils.get("proportion_min", 0), seuils.get("secret_min", 0))
    out = []
    for rang, c in enumerate(chiffres):
        t = par_code.get(c["tableau"])
        if t is None or c["indicateur"] not in t.meta.parts:
            continue
        ici = t.df[selected(t.df, cast(Selecteur, c), q.enquete.get("axes", {})) & (t.df["edition"] == campagne.nom)]
        ici = ici[ici["statut"] != "nd"]
        for x in ici.head(1).to_dict("records"):
            comparees = _compare(traceur.members(t.code, x).lignes, campagne.ponderation, racine, date, minimum)
            out.append(Vagues(rang, t.code, c.get("phrase") or t.meta.indicateurs[c["indicateur"]], *comparees))
    return out


def _compare(lignes: pd.DataFrame, p: Ponderation, racine: pd.DataFrame, date: str, minimum: float) -> _Comparees:
    """`lignes`: one row per respondent the share rests on: id_repondant, poids, compte (0 or 1)."""
    ids = racine["id_repondant"]
    df = lignes.assign(vague=waves_of(lignes["id_repondant"].map(racine.set_index(ids)[date])))
    par_vague = (
        df.assign(oui=df["poids"] * df["compte"]).groupby("vague")[["poids", "oui"]].sum().reindex(range(VAGUES))
    )
    effectifs = tuple(int((df["vague"] == v).sum()) for v in range(VAGUES))
    parts = tuple(float(100 * x) for x in par_vague["oui"] / par_vague["poids"])
    if min(effectifs[0], effectifs[-1]) < minimum:
        nan = float("nan")
        return effectifs, parts, nan, nan, nan, TROP_PEU
    ecart, bas, haut = late_difference(df, p.plan, ids.to_numpy()[p.repondants])
    return effectifs, parts, ecart, bas, haut, DIFFERENTES if bas > 0 or haut < 0 else SEMBLABLES


def late_difference(df: pd.DataFrame, plan: Plan, ids: Sequence[str] | np.ndarray) -> tuple[float, float, float]:
    """(share of the last wave less that of the first, low, high), in points, at 95 %. `df`: id_repondant, poids, compte (0 or 1),
    vague; `ids`: respondents of the plan, in its order. Linearised: each wave is a domain, its share a ratio."""
    z, ecart = np.zeros(len(df)), 0.0
    poids, y = (df[c].to_numpy(dtype=float) for c in ("poids", "compte"))
    for vague, signe in ((0, -1), (VAGUES - 1, 1)):
        ici = df["vague"].to_numpy() == vague
        total = poids[ici].sum()
        part = (poids * y)[ici].sum() / total
        z, ecart = z + signe * ici * (y - part) / total, ecart + signe * part
    aligne = pd.Series(z, index=df["id_repondant"]).reindex(ids).fillna(0).to_numpy()
    bas, haut = change_interval(100 * ecart, 100 * np.sqrt(variances(plan, aligne[:, None])[0]), plan.ddl)
    return 100 * float(ecart), float(bas), float(haut)


def tabulate_waves(vagues: Sequence[Vagues]) -> pd.DataFrame:
    """One row per share and everything known of it: for the producer only."""
    lignes = [
        {
            "tableau": v.tableau, "chiffre": v.libelle, **{f"repondants_{i}": n for i, n in enumerate(v.effectifs, start=1)},
            **{f"part_{i}": round(p, 1) for i, p in enumerate(v.parts, start=1)},
            "ecart_points": round(v.ecart, 1), "ic_bas": round(v.ic_bas, 1), "ic_haut": round(v.ic_haut, 1), "verdict": v.verdict,
        }
        for v in vagues
    ]  # fmt: skip
    return pd.DataFrame(lignes)


# ---- replicate weights, for researchers who have the answers: never in a release


def replicate_weights(p: Ponderation, nombre: int, graine: int) -> tuple[np.ndarray, int]:
    """(respondents of the plan × `nombre` replicates, how many could not be calibrated within the bounds and were by raking).

    Rescaled bootstrap (Rao and Wu 1988; Rao, Wu and Yue 1992): in each response group, r − 1 of its r respondents are drawn with
    replacement, d* = d·(1 − c + c·r/(r−1)·t), t the times drawn, c = √(1 − f), never negative; then calibrated again. The variance
    of an estimate is the mean of the squared differences between replicates and the estimate. Raises UserError E19.
    """
    u, marges = p.unites, dict[str, dict[str, float]]()
    for v, m, n in p.marges[["variable", "modalite", "population"]].itertuples(index=False):
        marges.setdefault(v, {})[m] = n
    rang = np.searchsorted(p.repondants, u["racine"].to_numpy())
    hors_bornes, colonnes = 0, []
    for facteurs in _draws(p.plan, nombre, graine):
        poids = u["poids_initial"].to_numpy() * facteurs[rang]
        if marges:
            poids, tenu = _recalibrated(p, poids, marges)
            hors_bornes += not tenu
        colonnes.append(np.bincount(rang, poids, minlength=len(p.repondants)))
    return np.column_stack(colonnes), hors_bornes


def _draws(plan: Plan, nombre: int, graine: int) -> Iterator[np.ndarray]:
    """What the weight of each respondent is multiplied by, one replicate at a time."""
    hasard = np.random.default_rng(graine)
    strates = [np.flatnonzero(plan.strate == h) for h in range(len(plan.effectifs))]
    c = np.sqrt(np.clip(1 - plan.fractions, 0, 1))
    for _ in range(nombre):
        out = np.ones(len(plan.poids))
        for h, qui in enumerate(strates):
            if (r := len(qui)) > 1:
                tires = np.bincount(hasard.integers(r, size=r - 1), minlength=r)
                out[qui] = 1 - c[h] + c[h] * r / (r - 1) * tires
        yield out


def _recalibrated(
    p: Ponderation, poids: np.ndarray, marges: Mapping[str, Mapping[str, float]]
) -> tuple[np.ndarray, bool]:
    """(calibrated weights, within the declared bounds)."""
    try:
        return calibrate_as(p.calage, p.modalites, poids, marges).poids, True
    except CalageImpossible:
        pass
    try:
        return calibrate(p.modalites, poids, marges, methode="raking").poids, False
    except CalageImpossible as erreur:
        raise UserError(
            "E19", f"un jeu de poids répliqués ne se cale pas ({erreur}) ; regroupez des modalités."
        ) from None
