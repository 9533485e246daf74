"""Places whose share is not published: what a model says of them, from published figures and the sampling frame alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cartographie.statistics.estimates import reliability
from cartographie.statistics.small_areas import (
    arcsine_interval,
    benchmark,
    cautious,
    fay_herriot,
    from_arcsine,
    synthetic,
)
from cartographie.survey.evaluate import Contexte, evaluate
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import ESTIMABLES, ESTIME, VISIBLES, rows_at, whole
from cartographie.survey.received import Tableau
from cartographie.survey.written.forms import Condition

QUANTILE = 1.959964
AIRES_EN_PLUS = 5  # published places the model asks for, beyond its coefficients
RANG = 1e-6  # of shares: below, two covariates say the same
VARIANCE_MIN = 1e-6  # of a share known exactly: bounds are read to the tenth of a point
CHIFFRES = ["valeur", "ic_bas", "ic_haut"]
ESTIMES = "Le chiffre d'un lieu trop peu ou trop mal connu pour être publié est estimé par un modèle (statut « e ») : ce n'est pas une observation."
TROP_PEU = "Les lieux dont le chiffre n'est pas publié ne sont pas estimés par un modèle : trop peu de lieux sont publiés pour l'ajuster."


@dataclass(frozen=True, slots=True)
class Estimee:
    """One declared figure. `ensemble`, `lieux`: what the rows of the whole country, of its places, hold; `code`, `variable`: column
    of their codes in the tables, in the frame; `champ`: which of its units are asked."""

    tableau: str
    ensemble: dict[str, str]
    lieux: dict[str, str]
    code: str
    variable: str
    champ: Sequence[Condition]
    covariables: Sequence[Condition]


def estimate_places(df: pd.DataFrame, q: Questionnaire, campagne: str, cadre: pd.DataFrame) -> pd.DataFrame:
    """`df`: rows of published tables, RangeIndex; `cadre`: the sampling frame, one row a unit. The same rows, those of declared shares
    that are not published having a model's value (percent), bounds and status. A function of the other rows and of the frame: what a
    row of that status held is forgotten first."""
    df = df.copy()
    deja = df["statut"] == ESTIME
    df.loc[deja, "statut"], df.loc[deja, CHIFFRES] = ESTIMABLES[0], np.nan
    limites = q.campagnes[campagne].parametres.get("seuils", {}).get("fiabilite")
    for d in declared(q, campagne):
        lieux, pays = df[rows_at(df, d.lieux)], df[rows_at(df, d.ensemble)]
        if len(cadre) == 0 or len(pays) != 1 or pays["statut"].iloc[0] not in VISIBLES:
            continue
        tailles, parts = _from_frame(lieux[d.code], d, Contexte(str(q.base), {str(q.base): cadre}, q, campagne))
        libres = lieux["statut"].isin(ESTIMABLES).to_numpy() & (tailles > 0)
        connus = lieux["statut"].isin(VISIBLES).to_numpy() & (tailles > 0)
        if not libres.any() or (libres | connus).sum() < (tailles > 0).sum():
            continue
        directs = lieux[CHIFFRES].to_numpy(float) / 100
        modele = _model(directs, connus, parts)
        if modele is None:
            continue
        part, bas, haut = modele
        cale = np.where(libres, part, directs[:, 0])
        cale[tailles > 0] = benchmark(
            cale[tailles > 0],
            tailles[tailles > 0],
            float(pays["valeur"].iloc[0]) / 100 * tailles.sum(),
            fixes=~libres[tailles > 0],
        )
        # published figures may differ by more than the model can bear: nothing is then moved
        valeurs = part if (libres & ((cale < bas) | (cale > haut))).any() else cale
        dits = libres & (reliability(50 * (haut - bas), np.full(len(bas), np.inf), seuils=limites) != "i")
        ou = lieux.index[dits]
        df.loc[ou, CHIFFRES] = np.round(100 * np.column_stack([valeurs, bas, haut])[dits], 1)
        df.loc[ou, "statut"] = ESTIME
    return df


def with_estimates(t: Tableau, q: Questionnaire, campagne: str, cadre: pd.DataFrame) -> Tableau:
    """The table with what a model says of places not published, and a note that says so, or why there is nothing."""
    if not any(d.tableau == t.code for d in declared(q, campagne)):
        return t
    df = estimate_places(t.df, q, campagne, cadre)
    notes = [ESTIMES] if (df["statut"] == ESTIME).any() else [TROP_PEU] if df["statut"].isin(ESTIMABLES).any() else []
    return Tableau(t.code, replace(t.meta, notes=[*t.meta.notes, *notes]), df)


def declared(q: Questionnaire, campagne: str) -> Iterator[Estimee]:
    """The shares that the tables declare to be estimated, one a level of the axis of places."""
    axes = q.enquete.get("axes", {})
    niveaux = {n["code"]: (a, n.get("variable")) for a, x in axes.items() for n in x.get("niveaux", ())}
    for code, t in sorted(q.tableaux.items()):
        for s in t["series"]:
            for ind in (i for i in s["indicateurs"] if "estimation" in i):
                ici = {
                    "table_id": code, "edition": campagne, "denominateur": s["denominateur"], "indicateur": ind["code"],
                    "dimension": "", **whole(axes),
                }  # fmt: skip
                for niveau in (c[0] for c in s["croisements"] if len(c) == 1 and niveaux.get(c[0], ("", None))[1]):
                    axe, variable = niveaux[niveau]
                    lieux = ici | {f"{axe}_type": niveau}
                    champ = [x for x in (q.denominateurs[s["denominateur"]].get("filtre"), s.get("filtre")) if x]
                    covariables = ind["estimation"]["covariables"]
                    yield Estimee(code, ici, lieux, f"{axe}_code", str(variable), champ, covariables)


def _from_frame(codes: pd.Series, d: Estimee, contexte: Contexte) -> tuple[np.ndarray, np.ndarray]:
    """(units, covariates) of each place: the constant, then the share of its units that meet each condition; nan where nobody is."""
    groupe, n = pd.Index(codes).get_indexer(pd.Index(contexte.df[d.variable].astype(object))), len(codes)
    dedans = np.logical_and.reduce([groupe >= 0, *(evaluate(c, contexte) for c in d.champ)])

    def count(vraies: np.ndarray) -> np.ndarray:
        return np.bincount(groupe[dedans & vraies], minlength=n).astype(float)

    tailles = count(dedans)
    with np.errstate(invalid="ignore"):
        colonnes = [count(np.asarray(evaluate(c, contexte), dtype=bool)) / tailles for c in d.covariables]
    return tailles, np.column_stack([np.ones(n), *colonnes])


def _model(
    directs: np.ndarray, connus: np.ndarray, parts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """(share, bounds) that x'β gives every place, fitted on the arcsine scale to the places published with their interval, in which
    their variance is read; None when they are too few. Never the EBLUP, which a masked figure would enter."""
    angles = np.arcsin(np.sqrt(np.clip(directs, 0, 1)))
    ajustes = connus & np.isfinite(angles).all(axis=1)
    gardees: list[int] = []
    for j in range(parts.shape[1]):  # a covariate that those before it already give says nothing
        if np.linalg.matrix_rank(parts[ajustes][:, [*gardees, j]], tol=RANG) > len(gardees):
            gardees.append(j)
    if ajustes.sum() < len(gardees) + AIRES_EN_PLUS:
        return None
    variances, x = ((angles[ajustes, 2] - angles[ajustes, 1]) / (2 * QUANTILE)) ** 2, parts[ajustes][:, gardees]
    variances = np.maximum(variances, VARIANCE_MIN)
    a = fay_herriot(angles[ajustes, 0], variances, x)
    theta, eqm = synthetic(a, parts[:, gardees])
    theta = np.clip(theta, 0, np.pi / 2)
    prudente = synthetic(cautious(a, variances, x), parts[:, gardees])[1]
    return from_arcsine(theta, eqm)[0], *arcsine_interval(theta, prudente, QUANTILE)
