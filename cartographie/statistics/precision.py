"""What may be said of a figure: its interval, its reliability, its status, its comparability; primary secrecy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cartographie.statistics.estimates import (
    change_interval,
    change_variance,
    mean_interval,
    proportion_interval,
    reliability,
    student,
    variances,
)
from cartographie.statistics.measures import Influence, Resultat, read_variables
from cartographie.statistics.weights import Ponderation
from cartographie.survey.conditions import references
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import DIFFERENCE, EVOLUTION, VISIBLES, Prive, published
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import Comparaison, Indicateur, Serie, Seuils

# ---- primary secrecy: which cells of a table say too much about one respondent


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


def dominated(
    contributions: pd.DataFrame, *, regle: str = "nk", n: int = 1, k: float = 0.85, p: float = 0.1
) -> pd.Series:
    """One boolean per cell, by `cellule`: it says too much of its largest contributors. One row of `contributions` is what one of
    them brings to a cell: cellule, valeur, and optional `poids`, the units it stands for in a sample (1 otherwise).

    nk: the n largest bring more than k of the total. p: the second largest, which knows its own part, could tell the largest
    to within p of it, total − x1 − x2 < p·x1. Weighted, the n largest are those of the population the sample stands for.
    Raises ValueError on another rule. (Hundepool et al., Statistical Disclosure Control, 2012, § 4.2.)
    """
    if regle not in ("nk", "p"):
        raise ValueError(f"règle de dominance inconnue : « {regle} » ; choisissez « nk » ou « p ».")
    df = pd.DataFrame({
        "cellule": contributions["cellule"], "x": contributions["valeur"].abs().astype(float),
        "w": contributions["poids"].astype(float) if "poids" in contributions else 1.0,
    }).sort_values(["cellule", "x"], ascending=[True, False], kind="stable")  # fmt: skip
    avant = df.groupby("cellule")["w"].cumsum() - df["w"]

    def largest(combien: int) -> pd.Series:
        pris = np.minimum(np.maximum(combien - avant, 0), df["w"])
        return (pris * df["x"]).groupby(df["cellule"]).sum()

    total = (df["w"] * df["x"]).groupby(df["cellule"]).sum()
    if regle == "nk":
        return (total > 0) & (largest(n) > k * total)
    return (total > 0) & (total - largest(2) < p * largest(1))


# ---- which indicators may be compared from one edition to the next (comparabilite.yaml)


def comparable(q: Questionnaire, grain: str, serie: Serie, indicateur: Indicateur, de: str, a: str) -> bool:
    """C0 and C1 are; C3 is not; C2 is for the indicators (or denominators) it lists, or for all when only crosswalked."""
    denominateur = serie["denominateur"]
    filtre = {v for _, v in references(q.denominateurs[denominateur].get("filtre"), grain)}
    lues = {v for _, v in read_variables(grain, serie, indicateur)}
    notes = [n for n in q.comparabilite if n["de"] == de and n["a"] == a]
    return all(
        (n["variable"] not in lues or _accepts(n, indicateur["code"]))
        and (n["variable"] not in filtre or _accepts(n, denominateur))
        for n in notes
    )


def _accepts(note: Comparaison, code: str) -> bool:
    if note["drapeau"] in ("C0", "C1"):
        return True
    if note["drapeau"] == "C3":
        return False
    return code in note["indicateurs"] if "indicateurs" in note else "passage" in note


# ---- intervals and reliability of the figures of one block, from what each respondent brings to each (docs/methodologie.md)

PARTS = np.linspace(0, 0.5, 26)  # shares whose interval is tried: the other half is the same
CV_MAX_PCT = 30  # beyond it a total or a mean is of low reliability


def with_precision(df: pd.DataFrame, r: Resultat, p: Ponderation | None, unite: str, seuils: Seuils) -> pd.DataFrame:
    """Add ic_bas and ic_haut (95 %), the standard error and the reliability ("", "u" low, "i" not shown). Without weights, or
    for a maximum, there is no interval. Only a share of respondents has a proportion's: a ratio of sums is linearised as it is."""
    if p is None or r.influence is None or not len(df):
        return df.assign(ic_bas=np.nan, ic_haut=np.nan, **{Prive.ERREUR: np.nan, Prive.FIABILITE: ""})
    erreur = np.sqrt(variances(p.plan, contributions(r.influence, p, len(df))))
    if r.proportion:
        bas, haut, fiabilite = _shares(r, erreur, p, seuils)
    else:
        if r.fractile is not None:
            bas, haut, erreur = _quantile_interval(r, erreur, p)
        else:
            bas, haut = mean_interval(r.exact, erreur, p.plan.ddl)
        bas, haut = np.maximum(bas, 0), np.asarray(haut)
        if unite == "pct":
            fiabilite = _reliable(r, (bas, haut), r.n, p, seuils)
        else:
            with np.errstate(invalid="ignore", divide="ignore"):
                fiabilite = np.where(100 * erreur > seuils.get("cv_max_pct", CV_MAX_PCT) * r.exact, "u", "")
    decimales = 1 if unite == "pct" else 2
    vide = np.isnan(r.exact)
    bas, haut = (np.where(vide, np.nan, np.round(x, decimales)) for x in (bas, haut))
    erreur = np.where(vide, np.nan, erreur)
    return df.assign(ic_bas=bas, ic_haut=haut, **{Prive.ERREUR: erreur, Prive.FIABILITE: fiabilite})


def _quantile_interval(r: Resultat, erreur: np.ndarray, p: Ponderation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(low, high, standard error) of quantiles: those of the orders that bound the share below them (Woodruff 1952), the share's
    interval being that of a proportion (Dorfman and Valliant 1993). The standard error is that of a normal as wide."""
    assert r.fractile is not None
    n = np.maximum(r.n, 1)
    ordres = proportion_interval(np.full(len(n), r.fractile.q), np.nan_to_num(erreur), n, p.plan.ddl)
    bas, haut = (r.fractile.quantile(o) for o in ordres)
    return bas, haut, (haut - bas) / (2 * student(p.plan.ddl))


def contributions(influence: Influence, p: Ponderation, figures: int) -> sparse.csc_array:
    """Linearised values, one row per respondent of the design, one column per figure."""
    rang = np.full(int(p.repondants.max(initial=-1)) + 1, -1)
    rang[p.repondants] = np.arange(len(p.repondants))
    k = rang[influence.repondants]
    valeurs = np.nan_to_num(influence.valeurs) / p.plan.poids[k]
    return sparse.coo_array((valeurs, (k, influence.plat)), shape=(len(p.repondants), figures)).tocsc()


def _shares(
    r: Resultat, erreur: np.ndarray, p: Ponderation, seuils: Seuils
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    part, se = np.nan_to_num(r.exact) / 100, erreur / 100
    n = np.maximum(r.n, 1)
    bas, haut = (100 * np.asarray(x) for x in proportion_interval(np.clip(part, 0, 1), se, n, p.plan.ddl))
    with np.errstate(divide="ignore", invalid="ignore"):
        effectif = np.where(se > 0, np.minimum(part * (1 - part) / se**2, n), n)
    return bas, haut, _reliable(r, (bas, haut), effectif, p, seuils)


def _reliable(
    r: Resultat, bornes: tuple[np.ndarray, np.ndarray], effectif: np.ndarray, p: Ponderation, seuils: Seuils
) -> np.ndarray:
    """Of a figure in per cent. Low reliability is told by its interval; too imprecise, by the widest that any answers would give as
    many respondents of these weights, which anybody can compute: a symbol that depended on the answers would tell them."""
    s = seuils.get("fiabilite")
    demi = np.fmax(bornes[1] - r.exact, r.exact - bornes[0])
    fiabilite = np.where(reliability(demi, effectif, seuils=s) == "", "", "u").astype(object)
    fiabilite[reliability(_widest(r, p), r.n, seuils=s) == "i"] = "i"
    return np.where(r.n > 0, fiabilite, "")


def _widest(r: Resultat, p: Ponderation) -> np.ndarray:
    """Half-width (points) of the widest interval of a share, whatever it is, on so many effective respondents of so many units."""
    n = np.maximum(r.n_efficace if r.n_efficace is not None else r.n, 1.0)
    reste = np.clip(1 - r.n / np.maximum(r.n_pondere, np.maximum(r.n, 1)), 0, 1)
    large = np.zeros(len(n))
    for part in PARTS:
        bas, haut = proportion_interval(np.full(len(n), part), np.sqrt(part * (1 - part) / n * reste), n, p.plan.ddl)
        large = np.fmax(large, np.fmax(haut - part, part - bas))
    return 100 * large


# ---- what may be shown of a figure: its status, and the masking of what may not

_FIGURE = [Prive.SERIE, Prive.CROISEMENT, Prive.CELLULE, Prive.DIMENSION, "modalite_code", Prive.INDICATEUR]


@dataclass(frozen=True, slots=True)
class Regles:
    """What a series asks of its figures. `min_contributeurs`: 0 when secrecy does not bear on it; `dominance`: a share (0–1);
    `zeros_libres`: nought and a hundred per cent may be read; `tous`: it is about all who answered, which is no secret."""

    min_repondants: float
    min_contributeurs: int
    dominance: float
    zeros_libres: bool
    tous: bool


def with_status(df: pd.DataFrame, pose: bool, regles: Regles) -> pd.DataFrame:
    """Add `statut` (before secrecy: too few, "n", is told before all else, as it says nothing of the answers), why the numerator and the base are confidential ("" free, "A" frequency, "B" dominance),
    and whether the table is subject to secrecy."""
    statut = np.where(df[Prive.FIABILITE] == "u", "u", "A").astype(object)
    minimum = regles.min_contributeurs
    protege = minimum > 0 and pose
    statut[df["valeur"].isna() | (df[Prive.FIABILITE] == "i")] = "i"
    peu = df["n_repondants"] < max(regles.min_repondants, minimum)
    statut[peu | (df["valeur"].isna() & (df["n_repondants"] == 0))] = "n"
    if not pose:
        statut[:] = "nd"
    secret = base = pd.Series("", index=df.index, dtype=object)
    if protege:
        zero = "publier" if regles.zeros_libres else "proteger"
        population = pd.DataFrame({"effectif": df[Prive.CONTRIBUTEURS_BASE]})
        base = primary_suppression(population, effectif_min=minimum, zero="publier" if regles.tous else zero)
        cellules = pd.DataFrame({
            "effectif": df[Prive.CONTRIBUTEURS], "valeur": 1.0, "maximum": df[Prive.DOMINANTE],
            "effectif_complement": df[Prive.CONTRIBUTEURS_COMPLEMENT].where(df[Prive.COMPLET]),
            "base": df[Prive.CONTRIBUTEURS_BASE],
        })  # fmt: skip
        secret = primary_suppression(cellules, effectif_min=minimum, dominance=regles.dominance, zero=zero)
        base, secret = base.where(base != "V", ""), secret.where(secret != "V", "")
    return df.assign(statut=statut, **{Prive.SECRET: secret, Prive.SECRET_BASE: base, Prive.PROTEGE: protege})


def finish(t: Tableau) -> Tableau:
    """The table as it may be read: figures that are secret, not significant or not comparable keep no value; a base that is
    secret keeps no count either; nor does what secondary secrecy masks, when it was applied."""
    df = t.df
    cache, cache_base = (
        df[c].to_numpy(bool) if c in df else np.zeros(len(df), dtype=bool) for c in (Prive.CACHE, Prive.CACHE_BASE)
    )
    secret_base = (df[Prive.SECRET_BASE] != "").to_numpy()
    statut = df["statut"].to_numpy(dtype=object).copy()
    pose = statut != "nd"
    secret = cache | cache_base | secret_base | (df[Prive.SECRET] != "").to_numpy()
    statut[pose & secret & (statut != "n")] = "c"
    sans_effectif = ~pose | secret_base | cache_base
    evolution = df[Prive.EDITION].to_numpy() == DIFFERENCE
    if evolution.any():
        statut[evolution], sans_effectif[evolution] = _evolution(df, statut, sans_effectif, evolution)
    visible = np.isin(statut, VISIBLES)
    df = df.assign(
        statut=statut,
        n_repondants=pd.array(df["n_repondants"].to_numpy(), dtype="Int64"),
        **{c: df[c].where(visible) for c in ("valeur", "ic_bas", "ic_haut")},
    )
    df["n_repondants"] = df["n_repondants"].mask(sans_effectif)
    # a sum of weights says who is in to whoever knows the weights
    df["n_pondere"] = df["n_pondere"].mask(sans_effectif | t.df[Prive.PROTEGE].to_numpy(bool))
    return Tableau(t.code, t.meta, df[published(df.columns)])


def _evolution(
    df: pd.DataFrame, statut: np.ndarray, sans_effectif: np.ndarray, evolution: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Status of each difference, from those of the two figures it is made of; whether its count is hidden."""
    figures = pd.MultiIndex.from_frame(df[_FIGURE].assign(i=df["indicateur"].str.removesuffix(EVOLUTION)))
    etats = pd.Series(statut, index=figures)
    cles = figures[evolution]
    out = np.where(df[Prive.COMPARABLE].to_numpy(dtype=object)[evolution] == False, "b", "A").astype(object)  # noqa: E712
    avant, apres = (
        etats[(df[Prive.EDITION] == e).to_numpy()].reindex(cles).fillna("nd").to_numpy(dtype=object) for e in (0, 1)
    )
    for code in ("u", "i", "c", "n"):  # the last one prevails
        out[(out != "b") & ((avant == code) | (apres == code))] = code
    out[(avant == "nd") | (apres == "nd")] = "nd"
    return out, np.isin(out, ["c", "nd"]) | sans_effectif[evolution]


# ---- from one edition to the next: the difference of two figures of the same perimeter, with its own interval

_CLE = [Prive.CELLULE, Prive.DIMENSION, "modalite_code", "indicateur"]


def evolution_rows(
    nouveau: pd.DataFrame,
    vieux: pd.DataFrame | None,
    ok: bool,
    poids: Sequence[tuple[Any, pd.DataFrame, Influence | None]],
) -> pd.DataFrame:
    """Rows `<code>.evolution`: new minus old, exact. `ok`: the two editions may be compared. `poids`: (weights, answers,
    influence) of the old figures then of the new ones."""
    df = nouveau.copy()
    ancien = (nouveau.iloc[:0] if vieux is None else vieux).reset_index(names="rang")[[*_CLE, "rang", Prive.EXACT]]
    paires = df[_CLE].merge(ancien, on=_CLE, how="left", validate="one_to_one")
    ecart = df[Prive.EXACT].to_numpy(dtype=float) - pd.to_numeric(paires[Prive.EXACT]).to_numpy(dtype=float)
    bas, haut = _interval(ecart, paires["rang"], 0 if vieux is None else len(vieux), poids)
    return df.assign(
        indicateur=df["indicateur"] + EVOLUTION,
        unite=np.where(df["unite"] == "pct", "points", df["unite"]),
        valeur=np.round(np.round(ecart, 9), 1) + 0.0,
        ic_bas=np.round(bas, 1) + 0.0,
        ic_haut=np.round(haut, 1) + 0.0,
        **{Prive.EXACT: ecart, Prive.COMPARABLE: ok},
    )


def _interval(
    ecart: np.ndarray, rangs: pd.Series, anciens: int, poids: Sequence[tuple[Any, pd.DataFrame, Influence | None]]
) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of each difference, the respondents found in both editions being counted in its variance."""
    vide = np.full(len(ecart), np.nan)
    if len(poids) < 2:
        return vide, vide
    (p1, r1, i1), (p2, r2, i2) = poids
    if p1 is None or p2 is None or i1 is None or i2 is None:
        return vide, vide
    z1, z2 = contributions(i1, p1, anciens), contributions(i2, p2, len(ecart))
    connus = rangs.notna().to_numpy()
    z1 = z1[:, rangs[connus].astype(int).to_numpy()]
    ids1, ids2 = (r["id_repondant"].to_numpy()[p.repondants] for p, r in ((p1, r1), (p2, r2)))
    variance = change_variance(p1.plan, z1, ids1, p2.plan, z2[:, np.flatnonzero(connus)], ids2)
    bas, haut = vide.copy(), vide.copy()
    bas[connus], haut[connus] = change_interval(ecart[connus], np.sqrt(variance), min(p1.plan.ddl, p2.plan.ddl))
    return bas, haut
