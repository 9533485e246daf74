"""What a change between two editions is made of: the same respondents, their weights, entries, exits, perimeter. Confidential."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from cartographie.statistics.axes import Axes
from cartographie.statistics.frames import Edition
from cartographie.statistics.measures import Assiette
from cartographie.statistics.precision import comparable
from cartographie.statistics.tables import Campagne, grain_of, place_figure
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import dimension_name
from cartographie.survey.written.declared import Indicateur, Serie

RAPPORTS = ("part", "repartition", "moyenne", "ratio")  # a weighted sum over another: what can be taken apart


class Parts(NamedTuple):
    """What a change is made of, in the unit of the figure; nan when nobody answered both times. They add up to the change."""

    memes_repondants: float
    poids: float
    entrees: float
    sorties: float


def decompose(avant: pd.DataFrame, apres: pd.DataFrame) -> Parts:
    """Of the change of R = Σ haut / Σ bas. One row of each frame is one respondent, its index; `haut`, `bas` (not 0): what it
    brings, weighted.

    M being R over those found in both: entries R2 − M2, exits M1 − R1 (Melitz and Polanec 2015), that is the share of the base
    of those found once times their distance to the others. M2 − M1 = Σ ω̄·Δr + Σ r̄·Δω (Bennet 1920), r a respondent's own ratio,
    ω its share of the base, the bars the mean of both editions: what they answer, and what they weigh.
    """
    communs = avant.index.intersection(apres.index, sort=False)
    if communs.empty:
        return Parts(*[float("nan")] * 4)
    m1, m2 = avant.loc[communs], apres.loc[communs]
    (r1, w1), (r2, w2) = ((m["haut"] / m["bas"], m["bas"] / m["bas"].sum()) for m in (m1, m2))
    return Parts(
        float(((w1 + w2) / 2 * (r2 - r1)).sum()), float(((r1 + r2) / 2 * (w2 - w1)).sum()),
        _ratio(apres) - _ratio(m2), _ratio(m1) - _ratio(avant),
    )  # fmt: skip


def explain_change(q: Questionnaire, campagne: Campagne, precedente: Campagne | None) -> pd.DataFrame:
    """One row is one figure of the whole that a series follows from one edition to the next and that can be taken apart:
    `avant`, `apres`, `evolution` at constant perimeter, its parts, `champ` (what all kinds of actor add), their sum
    `evolution_tous`; how many respondents each part rests on. Empty without a previous edition."""
    if precedente is None:
        return pd.DataFrame()
    e, ancienne = (Edition(q, c.nom, c.frames, c.ponderation) for c in (campagne, precedente))
    axes = Axes(e, ancienne)
    return pd.DataFrame([
        {"tableau": code, "denominateur": s["denominateur"], **ligne}
        for code, t in sorted(q.tableaux.items())
        for s in t["series"]
        for ind in s["indicateurs"]
        if s.get("evolution") and ind["mesure"] in RAPPORTS and comparable(q, grain_of(e, s), s, ind, ancienne.campagne, e.campagne)
        for ligne in _figures(s, ind, (ancienne, e), axes)
    ])  # fmt: skip


def _figures(s: Serie, ind: Indicateur, editions: tuple[Edition, Edition], axes: Axes) -> Iterator[dict[str, object]]:
    """Every answer of one indicator, for the whole."""
    croisement = axes.croise(())
    constant, tous = (
        [place_figure(s, ind, e, croisement, champ) for e in editions] for champ in (axes.perimetre(), None)
    )
    if not all(a.pose for a in constant):
        return
    ici = constant[1]
    variable = ici.dimension or (ind["variable"] if ici.mesure.modalites else None)
    (avant, apres), (avant_tous, apres_tous) = ([_sums(a) for a in champ] for champ in (constant, tous))
    for code, _ in ici.mod_d:
        for reponse, _ in ici.mod_m:
            cle = (code, reponse)
            if cle not in avant:  # an answer that the edition before did not offer
                continue
            communs = len(avant[cle].index.intersection(apres[cle].index))
            ecart = _ratio(apres[cle]) - _ratio(avant[cle])
            ecart_tous = _ratio(apres_tous[cle]) - _ratio(avant_tous[cle])
            yield {
                "indicateur": f"{ind['code']}.{reponse}" if ici.dimension and reponse else ind["code"],
                "dimension": dimension_name(variable) if variable else "", "modalite_code": code or reponse, "unite": ici.unite,
                "avant": _ratio(avant[cle]), "apres": _ratio(apres[cle]), "evolution": ecart,
                **decompose(avant[cle], apres[cle])._asdict(), "champ": ecart_tous - ecart, "evolution_tous": ecart_tous,
                "n_memes": communs, "n_entrees": len(apres[cle]) - communs, "n_sorties": len(avant[cle]) - communs,
            }  # fmt: skip


def _sums(a: Assiette) -> dict[tuple[str, str], pd.DataFrame]:
    """(code of the dimension, answer) → what each respondent brings, weighted; those whose base is 0 are left out."""
    s, g = a.select(), a.grille
    echelle = 100 if a.unite == "pct" else 1
    noms = a.e.frame(a.e.questionnaire.racine)["id_repondant"].to_numpy(dtype=object)
    x = g.place(s.base)
    haut, bas = (np.ones(len(x.lignes)) if v is None else v[x.lignes] for v in (s.valeurs, s.diviseurs))
    base = pd.DataFrame({"d": x.plat, "id": noms[x.repondants], "haut": echelle * x.poids * haut, "bas": x.poids * bas})
    t = None if s.vraies is None else g.place(s.vraies[0])
    out = {}
    for d, (code, _) in enumerate(a.mod_d):
        ici = base[base["d"] == d].groupby("id")[["haut", "bas"]].sum()
        ici = ici[ici["bas"] != 0]
        for m, (reponse, _) in enumerate(a.mod_m):
            out[code, reponse] = ici
            if t is not None and s.vraies is not None:
                garde = (t.plat == d) & (s.vraies[1][t.source] == m)
                oui = pd.Series(echelle * t.poids[garde]).groupby(noms[t.repondants[garde]]).sum()
                out[code, reponse] = ici.assign(haut=oui.reindex(ici.index, fill_value=0.0))
    return out


def _ratio(df: pd.DataFrame) -> float:
    return float(df["haut"].sum() / df["bas"].sum()) if df["bas"].sum() else float("nan")
