"""What is measured for each declared expectation, in per cent or in points. Confidential: exact counts are behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cartographie.model import Questionnaire, Tableau
from cartographie.ponderation import Ponderation
from cartographie.tables import TOUS

# one row: {"code": of the expectation, "modalite": what it is measured on, "valeur": in % or points}
Mesures = list[dict[str, Any]]
ENSEMBLE = "ensemble"


def measure_answers(
    q: Questionnaire,
    attentes: Sequence[Mapping[str, Any]],
    frames: Mapping[str, pd.DataFrame],
    precedentes: Mapping[str, pd.DataFrame] | None,
) -> Mesures:
    """`rattachement`: answers linked to the frame, in % of the answers kept. `reponses`: answers kept, in % of those of the
    previous campaign (not measured without one). By modality of `par`, a variable of the respondent, when declared;
    a modality with fewer than `effectif_min` answers (of the previous campaign for `reponses`) is left out."""
    lignes: Mesures = []
    reponses = frames[q.racine]
    avant = None if precedentes is None else precedentes[q.racine]
    base = len(frames[q.base]) > 0 if q.base else False
    for a in attentes:
        par = a.get("par")
        if a["mesure"] == "rattachement" and base:
            oui, tous = _by(q, reponses[reponses["id_base"].notna()], par), _by(q, reponses, par)
        elif a["mesure"] == "reponses" and avant is not None:
            oui, tous = _by(q, reponses, par), _by(q, avant, par)
        else:
            continue
        lignes += [
            {"code": a["code"], "modalite": nom, "valeur": _pct(oui.get(nom, 0), n)}
            for nom, n in tous.items()
            if n >= a.get("effectif_min", 0)
        ]
    return lignes


def measure_figures(
    q: Questionnaire,
    annee: str,
    attentes: Sequence[Mapping[str, Any]],
    tableaux: Sequence[Tableau],
    ponderation: Ponderation | None,
) -> Mesures:
    """`chiffre`: each value of an indicator at a level. `somme`: its values at a level added up, in % of the whole's.
    `poids`: what respondents weigh, in % of the units of the frame, for each margin calibrated on."""
    par_code = {t.code: t.df for t in tableaux}
    lignes: Mesures = []
    for a in attentes:
        if a["mesure"] == "poids" and ponderation is not None:
            lignes += [
                {"code": a["code"], "modalite": f"{m.variable} {m.modalite}", "valeur": _pct(m.estimee, m.population)}
                for m in ponderation.marges.itertuples()
                if m.population
            ]
        if a["mesure"] not in ("chiffre", "somme") or a["tableau"] not in par_code:
            continue
        df = par_code[a["tableau"]]
        df = df[(df["indicateur"] == a["indicateur"]) & (df["edition"] == annee)]
        ici = _level(q, df, a.get("par"))
        if a["mesure"] == "somme":
            tout = _level(q, df, None)["valeur"].sum()
            if tout and len(ici):
                lignes.append({"code": a["code"], "modalite": ENSEMBLE, "valeur": _pct(ici["valeur"].sum(), tout)})
            continue
        ici = ici[ici["valeur"].notna() & (ici["n_repondants"].fillna(0) >= a.get("effectif_min", 0))]
        noms = _names(q, ici, a.get("par"))
        lignes += [
            {"code": a["code"], "modalite": nom, "valeur": round(float(v), 2)}
            for nom, v in zip(noms, ici["valeur"], strict=True)
        ]
    return lignes


def _pct(partie: float, tout: float) -> float:
    return round(100 * float(partie) / float(tout), 2) if tout else 0.0


def _by(q: Questionnaire, df: pd.DataFrame, variable: str | None) -> dict[str, int]:
    """Label of the modality → rows; unknown ones are left out."""
    if variable is None:
        return {ENSEMBLE: len(df)}
    if variable not in df.columns:
        return {}
    liste = q.variables[variable].nomenclature
    libelles = {c: m.libelle for c, m in q.nomenclatures[liste].modalites.items()} if liste else {}
    return {str(libelles.get(c, c)): int(n) for c, n in df[variable].value_counts().sort_index().items()}


def _level(q: Questionnaire, df: pd.DataFrame, par: str | None) -> pd.DataFrame:
    """Rows of one level of one axis, all the other axes together; without `par`, the whole."""
    garde = df["modalite_code"].eq("") & df["dimension"].eq("")
    for nom, axe in q.enquete.get("axes", {}).items():
        if "niveaux" in axe:
            niveaux = [n["code"] for n in axe["niveaux"]]
            garde &= df[f"{nom}_type"] == (par if par in niveaux else niveaux[0])
        else:
            garde &= (df[nom] != TOUS) if nom == par else (df[nom] == TOUS)
    return df[garde]


def _names(q: Questionnaire, df: pd.DataFrame, par: str | None) -> list[str]:
    for nom, axe in q.enquete.get("axes", {}).items():
        if "niveaux" in axe and par in {n["code"] for n in axe["niveaux"]}:
            return [str(x) for x in df[f"{nom}_libelle"]]
        if nom == par:
            return [str(x) for x in df[nom]]
    return [ENSEMBLE] * len(df)
