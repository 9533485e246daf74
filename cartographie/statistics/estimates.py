"""Estimates, their variance and intervals, response rates, and changes between editions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, TypedDict, Unpack

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse, stats

from cartographie.survey.written.declared import Fiabilite

# ---- estimates and their variance: stratified, with finite population correction, on the residuals of the calibration


Matrice: TypeAlias = np.ndarray | sparse.sparray  # respondents × figures
Tailles: TypeAlias = Mapping[str, float] | ArrayLike | None
Bornes = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Plan:
    """How the respondents were obtained, one row each.

    `poids`: final weights w; `poids_initiaux`: weights d before calibration; `strate`: stratum number; `effectifs`: number of
    respondents (or of clusters) of each stratum; `fractions`: f_h = r_h / N_h, 0 when N_h is unknown; `X`: calibration
    variables, or None; `grappe`: cluster number, or None; `regroupees`: strata that had a single respondent, and were joined
    with the next one in order.
    """

    poids: np.ndarray
    poids_initiaux: np.ndarray
    strate: np.ndarray
    effectifs: np.ndarray
    fractions: np.ndarray
    X: np.ndarray | None
    grappe: np.ndarray | None
    regroupees: tuple[str, ...]

    @property
    def ddl(self) -> int:
        """Degrees of freedom: respondents (or clusters) less strata."""
        return max(int(self.effectifs.sum()) - len(self.effectifs), 1)

    @cached_property
    def hat(self) -> np.ndarray | None:
        """(X'DX)⁺ X'D: the regression on the calibration variables, fitted with the initial weights."""
        if self.X is None:
            return None
        xd = self.X.T * self.poids_initiaux
        return np.asarray(np.linalg.pinv(xd @ self.X, hermitian=True) @ xd)

    @cached_property
    def units(self) -> sparse.csr_array:
        """Rows → clusters (rows themselves without clusters), each times the weight."""
        n = len(self.poids)
        grappe = np.arange(n) if self.grappe is None else self.grappe
        return sparse.coo_array((self.poids, (grappe, np.arange(n)))).tocsr()

    @cached_property
    def unit_strata(self) -> np.ndarray:
        """Stratum of each cluster."""
        if self.grappe is None:
            return self.strate
        out = np.zeros(int(self.grappe.max()) + 1, dtype=int)
        out[self.grappe] = self.strate
        return out

    @cached_property
    def factors(self) -> np.ndarray:
        """(1−f_h) r_h/(r_h−1) of each stratum; 0 when everybody answered, or alone."""
        r = self.effectifs.astype(float)
        return np.clip(1 - self.fractions, 0, 1) * np.where(r > 1, r / np.maximum(r - 1, 1), 0.0)


@dataclass(frozen=True, slots=True)
class Estimation:
    """One estimate. `n`: respondents of the domain; `ddl`: degrees of freedom."""

    valeur: float
    erreur_type: float
    ddl: int
    n: int


class _Design(TypedDict, total=False):
    """The other arguments of build_plan."""

    tailles: Tailles
    poids_initiaux: ArrayLike | None
    X: Matrice | None
    grappes: ArrayLike | None


def build_plan(
    poids: ArrayLike, strates: ArrayLike, *, tailles: Tailles = None, poids_initiaux: ArrayLike | None = None,
    X: Matrice | None = None, grappes: ArrayLike | None = None,
) -> Plan:  # fmt: skip
    """`tailles`: population of each stratum (mapping, one value per row, or None: no finite population correction); with
    `grappes`, the number of clusters. A stratum with one respondent joins the next one, in sorted order (the last joins
    the one before), unless everybody of it answered."""
    w = np.asarray(poids, dtype=float)
    noms, strate = np.unique(np.asarray(strates).astype(str), return_inverse=True)
    if tailles is None:
        population = np.full(len(noms), np.inf)
    elif isinstance(tailles, Mapping):
        table = {str(k): float(v) for k, v in dict(tailles).items()}
        population = np.array([table[h] for h in noms])
    else:
        population = np.zeros(len(noms))
        population[strate] = np.broadcast_to(np.asarray(tailles, dtype=float), strate.shape)
    grappe = None if grappes is None else np.unique(np.asarray(grappes).astype(str), return_inverse=True)[1]

    def counts(s: np.ndarray, h: int) -> np.ndarray:
        if grappe is None:
            return np.bincount(s, minlength=h)
        premiere = np.unique(grappe, return_index=True)[1]
        return np.bincount(s[premiere], minlength=h)

    r = counts(strate, len(noms))
    seules = [h for h in range(len(noms)) if r[h] == 1 and population[h] > 1]
    vers = np.arange(len(noms))
    for h in seules:
        voisine = h + 1 if h + 1 < len(noms) else h - 1
        if voisine >= 0:
            vers[vers == vers[h]] = vers[voisine]
    gardees, rang = np.unique(vers, return_inverse=True)
    population = np.bincount(rang, np.where(np.isinf(population), 0, population), minlength=len(gardees)) + (
        np.inf if tailles is None else 0
    )
    strate = rang[strate]
    r = counts(strate, len(gardees))
    d = w if poids_initiaux is None else np.asarray(poids_initiaux, dtype=float)
    x = None if X is None else _dense(X)
    return Plan(w, d, strate, r, r / population, x, grappe, tuple(str(noms[h]) for h in seules))


def _dense(x: Matrice) -> np.ndarray:
    return np.asarray(getattr(x, "toarray", lambda: x)(), dtype=float)


def residuals(plan: Plan, z: np.ndarray) -> np.ndarray:
    """z less its regression on the calibration variables (z itself without calibration); respondents × figures."""
    return z if plan.X is None or plan.hat is None else z - plan.X @ (plan.hat @ z)


def variances(plan: Plan, z: Matrice) -> np.ndarray:
    """Variance of the total of each linearised column of z (respondents × figures, dense or sparse).

    V = Σ_h (1−r_h/N_h) · r_h/(r_h−1) · Σ_k (w_k e_k − mean_h)², e = residual of z on the calibration variables fitted with
    the initial weights (Deville and Särndal 1992; R survey 4.5). Rows outside a domain are zeros: every stratum stays.
    Expanded as (z−XB)'Q(z−XB), so that no dense respondents × figures matrix is made.
    """
    z = sparse.csc_array(z)
    u = (plan.units @ z).tocsc()
    h, facteurs = plan.unit_strata, plan.factors
    strates = sparse.coo_array((np.ones(len(h)), (h, np.arange(len(h)))), shape=(len(facteurs), len(h))).tocsr()
    racine = np.sqrt(facteurs[h])
    carre = (u.multiply(racine[:, None])).power(2).sum(axis=0)
    sommes = (strates @ u).toarray()
    poids_strate = facteurs / np.maximum(plan.effectifs, 1)
    v = np.asarray(carre).ravel() - (poids_strate[:, None] * sommes**2).sum(axis=0)
    if plan.X is not None and plan.hat is not None:
        b = np.asarray((z.T @ plan.hat.T).T)  # margins × figures
        ux = plan.units @ plan.X
        q_ux = facteurs[h][:, None] * ux - (poids_strate[:, None] * (strates @ ux))[h]
        croise = np.asarray((u.T @ q_ux).T)
        v = v - 2 * (b * croise).sum(axis=0) + (b * ((ux.T @ q_ux) @ b)).sum(axis=0)
    positives: np.ndarray = np.maximum(v, 0.0)
    return positives


def stratified_total(
    valeurs: ArrayLike,
    poids: ArrayLike,
    strates: ArrayLike | None = None,
    *,
    domaine: ArrayLike | None = None,
    **plan: Unpack[_Design],
) -> Estimation:
    """Σ w y over the domain. Other arguments: as build_plan; without `strates`, one stratum."""
    p, y, dans = _design(valeurs, poids, strates, domaine, plan)
    return _estimate(p, float(np.sum(p.poids * y * dans)), y * dans, dans)


def stratified_mean(
    valeurs: ArrayLike,
    poids: ArrayLike,
    strates: ArrayLike | None = None,
    *,
    domaine: ArrayLike | None = None,
    **plan: Unpack[_Design],
) -> Estimation:
    """Σ w y / Σ w over the domain (boolean, one per row), linearised as (y − mean) / Σ w. Other arguments: as build_plan."""
    return ratio(valeurs, np.ones(len(np.asarray(valeurs))), poids, strates, domaine=domaine, **plan)


def ratio(numerateur: ArrayLike, denominateur: ArrayLike, poids: ArrayLike, strates: ArrayLike | None = None, *, domaine: ArrayLike | None = None, **plan: Unpack[_Design]) -> Estimation:  # fmt: skip
    """Σ w y / Σ w x over the domain, linearised as (y − R x) / Σ w x."""
    p, y, dans = _design(numerateur, poids, strates, domaine, plan)
    x = np.asarray(denominateur, dtype=float)
    total = float(np.sum(p.poids * x * dans))
    rapport = float(np.sum(p.poids * y * dans)) / total
    return _estimate(p, rapport, (y - rapport * x) * dans / total, dans)


def ratio_total(numerateur: ArrayLike, denominateur: ArrayLike, total: float, poids: ArrayLike, strates: ArrayLike | None = None, **plan: Unpack[_Design]) -> Estimation:  # fmt: skip
    """Ratio estimator of a total: `total` of the denominator, known, times the ratio."""
    r = ratio(numerateur, denominateur, poids, strates, **plan)
    return Estimation(r.valeur * total, r.erreur_type * total, r.ddl, r.n)


def _design(
    valeurs: ArrayLike, poids: ArrayLike, strates: ArrayLike | None, domaine: ArrayLike | None, plan: _Design
) -> tuple[Plan, np.ndarray, np.ndarray]:
    y = np.asarray(pd.Series(valeurs), dtype=float)
    p = build_plan(poids, np.zeros(len(y)) if strates is None else strates, **plan)
    return p, y, np.ones(len(y)) if domaine is None else np.asarray(domaine, dtype=bool).astype(float)


def _estimate(p: Plan, valeur: float, z: np.ndarray, dans: np.ndarray) -> Estimation:
    return Estimation(valeur, float(np.sqrt(variances(p, z[:, None])[0])), p.ddl, int(dans.sum()))


# ---- change between two editions, with a variance that counts the respondents found in both


def change_variance(
    avant: Plan,
    z_avant: Matrice,
    ids_avant: Iterable[Hashable],
    apres: Plan,
    z_apres: Matrice,
    ids_apres: Iterable[Hashable],
) -> np.ndarray:
    """Variance of (estimate after − estimate before), one per column: V1 + V2 − 2 Cov, never below 0.

    `z_*`: linearised values (respondents × figures); `ids_*`: identifiers of the respondents. The covariance comes from
    those answering both times: with u = w·e (weight × calibration residual) centred in its stratum,
    Cov = Σ_k (1 − r1·r2/(r12·N)) · √(r1/(r1−1) · r2/(r2−1)) · u1_k·u2_k over the r12 found in both, by stratum: two response
    mechanisms on one population (Tam 1984; Berger 2004). An overlap that chance gives (r12 = r1·r2/N): Cov = 0. The same
    respondents both times: 1 − f; with the same answers, V = 0. Strata of the edition after; r1/N is the mean of f1 over those
    found in both, so that units new to the frame make the interval wider, never narrower.
    """
    v1, v2 = variances(avant, z_avant), variances(apres, z_apres)
    rang = {i: k for k, i in enumerate(ids_avant)}
    paires = np.array([(rang[i], k) for k, i in enumerate(ids_apres) if i in rang], dtype=int).reshape(-1, 2)
    u1, u2 = _centred(avant, z_avant)[paires[:, 0]], _centred(apres, z_apres)[paires[:, 1]]
    return np.maximum(v1 + v2 - 2 * (_overlap(avant, apres, paires)[:, None] * u1 * u2).sum(axis=0), 0.0)


def _overlap(avant: Plan, apres: Plan, paires: np.ndarray) -> np.ndarray:
    """1 − r1·r2/(r12·N) of the stratum of each pair: what its overlap is beyond chance."""
    strate, n = apres.strate[paires[:, 1]], len(apres.effectifs)
    r12 = np.maximum(np.bincount(strate, minlength=n), 1)
    f1 = np.bincount(strate, avant.fractions[avant.strate[paires[:, 0]]], minlength=n) / r12
    part: np.ndarray = (1 - apres.effectifs * f1 / r12)[strate]
    return part


def change_interval(
    ecart: ArrayLike, erreur_type: ArrayLike, ddl: float, niveau: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Student interval of a difference, in the unit of `ecart`. Change is read from it, never from overlapping intervals."""
    return mean_interval(ecart, erreur_type, ddl, niveau)


def _centred(plan: Plan, z: Matrice) -> np.ndarray:
    """u = w·e less its mean in the stratum, times √(r/(r−1)): but for 1 − f, its sum of squares is the variance."""
    u: np.ndarray = plan.poids[:, None] * residuals(plan, _dense(z))
    r = plan.effectifs.astype(float)
    moyenne = np.zeros((len(r), u.shape[1]))
    np.add.at(moyenne, plan.strate, u)
    u = u - (moyenne / np.maximum(r, 1)[:, None])[plan.strate]
    facteur = np.sqrt(np.where(r > 1, r / np.maximum(r - 1, 1), 0.0))
    scaled: np.ndarray = u * facteur[plan.strate][:, None]
    return scaled


# ---- intervals of proportions and means, and how reliable a figure is

# An interval says what sampling and response leave to
# chance, the response model being right; it says nothing of bias.

METHODES = ("auto", "logit", "beta", "korn-graubard", "wilson", "jeffreys", "agresti-coull")
RARES = 5  # effective respondents on the rarer side, under which logit's approximation no longer holds: Korn-Graubard
FIABILITE = {"demi_largeur_u": 10.0, "effectif_u": 30.0, "demi_largeur_ns": 20.0, "effectif_ns": 10.0}


def proportion_interval(
    p: ArrayLike, erreur_type: ArrayLike, n: ArrayLike, ddl: ArrayLike, *, methode: str = "auto", niveau: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of proportions p (0–1), from their design-based standard error, respondents n and degrees of freedom.

    logit: logit(p) ± t(ddl)·se/(p(1−p)). beta (R svyciprop): Clopper-Pearson on n* = p(1−p)/se²·[t(n−1)/t(ddl)]². korn-graubard
    (Korn and Graubard 1998, NCHS 2017): the same with n* ≤ n, and n* = n·[…]² at 0 and 1. wilson, jeffreys (the Beta(½, ½) prior)
    and agresti-coull on p(1−p)/se² ≤ n (Brown, Cai and DasGupta 2001; Franco et al. 2019). auto: logit, but Korn-Graubard where
    n·min(p, 1−p), n effective, is under 5: at 0 and at 1 too. Never Wald, whose interval has no width there. A null variance strictly between 0 and 1 (everybody answered) gives [p, p]. Raises ValueError on another method.
    """
    if methode not in METHODES:
        raise ValueError(f"intervalle inconnu : « {methode} » ; choisissez parmi {', '.join(METHODES)}.")
    p, se, n, ddl = (np.atleast_1d(np.asarray(a, dtype=float)) for a in (p, erreur_type, n, ddl))
    p, se, n, ddl = np.broadcast_arrays(p, se, n, ddl)
    choix = np.full(p.shape, methode, dtype=object)
    if methode == "auto":
        choix[:] = "logit"
        choix[effective_n(p, se, n) * np.minimum(p, 1 - p) < RARES] = "korn-graubard"
    bas, haut = np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    for m in METHODES[1:]:
        ici = choix == m
        if ici.any():
            bas[ici], haut[ici] = _INTERVALLES[m](p[ici], se[ici], n[ici], np.maximum(ddl[ici], 1), niveau)
    certain = (se == 0) & (p > 0) & (p < 1)
    return np.where(certain, p, bas), np.where(certain, p, haut)


def mean_interval(
    valeur: ArrayLike, erreur_type: ArrayLike, ddl: ArrayLike, niveau: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Student interval of means and totals."""
    demi = student(ddl, niveau) * np.asarray(erreur_type, dtype=float)
    return np.asarray(valeur, dtype=float) - demi, np.asarray(valeur, dtype=float) + demi


def effective_n(p: ArrayLike, erreur_type: ArrayLike, n: ArrayLike) -> np.ndarray:
    """p(1−p)/se²: size of the simple random sample that would be as precise, at most n; n at 0, at 1 and without variance."""
    p, se, n = (np.asarray(a, dtype=float) for a in (p, erreur_type, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        taille = np.where((se > 0) & (p > 0) & (p < 1), p * (1 - p) / se**2, n)
    return np.minimum(taille, n)


def design_effect(p: ArrayLike, erreur_type: ArrayLike, n: ArrayLike) -> np.ndarray:
    """se² over the variance p(1−p)/n of a simple random sample of n: below 1 when calibration or a census do better (Kish 1965)."""
    p, se, n = (np.asarray(a, dtype=float) for a in (p, erreur_type, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        effet: np.ndarray = np.where((p > 0) & (p < 1) & (n > 0), se**2 * n / (p * (1 - p)), np.nan)
    return effet


def coefficient_of_variation(valeur: ArrayLike, erreur_type: ArrayLike) -> np.ndarray:
    """Standard error over the absolute value of the estimate; nan at 0."""
    v, se = np.abs(np.asarray(valeur, dtype=float)), np.asarray(erreur_type, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        cv: np.ndarray = np.where(v > 0, se / v, np.nan)
    return cv


def reliability(demi_largeur: ArrayLike, effectif: ArrayLike, *, seuils: Fiabilite | None = None) -> np.ndarray:
    """ "" reliable, "u" of low reliability, "i" too imprecise to be shown, from the half-width (points) and the effective number of
    respondents. Defaults: u beyond 10 points or under 30; i beyond 20 points or under 10. Says nothing of secrecy."""
    s = {**FIABILITE, **(seuils or {})}
    demi, n = np.asarray(demi_largeur, dtype=float), np.asarray(effectif, dtype=float)
    out = np.where((demi > s["demi_largeur_u"]) | (n < s["effectif_u"]), "u", "").astype(object)
    out[(demi > s["demi_largeur_ns"]) | (n < s["effectif_ns"])] = "i"
    return out


def student(ddl: ArrayLike, niveau: float = 0.95) -> np.ndarray:
    """Half-width of a centred interval, in standard errors."""
    t: np.ndarray = stats.t.ppf((1 + niveau) / 2, np.maximum(ddl, 1))
    return t


def _logit(p: np.ndarray, se: np.ndarray, n: np.ndarray, ddl: np.ndarray, niveau: float) -> Bornes:
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, demi = np.log(p / (1 - p)), student(ddl, niveau) * se / (p * (1 - p))
    return 1 / (1 + np.exp(-(centre - demi))), 1 / (1 + np.exp(-(centre + demi)))


def _sizes(p: np.ndarray, se: np.ndarray, n: np.ndarray, ddl: np.ndarray, niveau: float) -> np.ndarray:
    """n*: effective number of respondents, adjusted for the degrees of freedom."""
    correction = (student(np.maximum(n - 1, 1), niveau) / student(ddl, niveau)) ** 2
    brut = effective_n(p, se, np.inf)
    taille: np.ndarray = np.where(np.isinf(brut), n, brut) * correction
    return taille


def _beta(p: np.ndarray, taille: np.ndarray, niveau: float) -> Bornes:
    x, alpha = taille * p, (1 - niveau) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        bas = np.where(x > 0, stats.beta.ppf(alpha, x, taille - x + 1), 0.0)
        haut = np.where(taille - x > 0, stats.beta.ppf(1 - alpha, x + 1, taille - x), 1.0)
    return bas, haut


def _wilson(p: np.ndarray, se: np.ndarray, n: np.ndarray, ddl: np.ndarray, niveau: float) -> Bornes:
    taille, t = effective_n(p, se, n), student(ddl, niveau)
    centre = (p + t**2 / (2 * taille)) / (1 + t**2 / taille)
    demi = t / (1 + t**2 / taille) * np.sqrt(p * (1 - p) / taille + t**2 / (4 * taille**2))
    return np.maximum(centre - demi, 0.0), np.minimum(centre + demi, 1.0)


def _jeffreys(p: np.ndarray, se: np.ndarray, n: np.ndarray, ddl: np.ndarray, niveau: float) -> Bornes:
    taille, alpha = effective_n(p, se, n), (1 - niveau) / 2
    x = taille * p
    bas, haut = (stats.beta.ppf(a, x + 0.5, taille - x + 0.5) for a in (alpha, 1 - alpha))
    return np.where(p > 0, bas, 0.0), np.where(p < 1, haut, 1.0)


def _agresti_coull(p: np.ndarray, se: np.ndarray, n: np.ndarray, ddl: np.ndarray, niveau: float) -> Bornes:
    taille, t = effective_n(p, se, n), student(ddl, niveau)
    grand = taille + t**2
    centre = (taille * p + t**2 / 2) / grand
    demi = t * np.sqrt(centre * (1 - centre) / grand)
    return np.maximum(centre - demi, 0.0), np.minimum(centre + demi, 1.0)


def _korn_graubard(p: np.ndarray, se: np.ndarray, n: np.ndarray, ddl: np.ndarray, niveau: float) -> Bornes:
    taille = _sizes(p, se, n, ddl, niveau)
    return _beta(p, np.where((p > 0) & (p < 1), np.minimum(taille, n), taille), niveau)


_INTERVALLES: Mapping[str, Any] = {
    "logit": _logit, "beta": lambda p, se, n, ddl, niveau: _beta(p, _sizes(p, se, n, ddl, niveau), niveau),
    "korn-graubard": _korn_graubard, "wilson": _wilson, "jeffreys": _jeffreys, "agresti-coull": _agresti_coull,
}  # fmt: skip


# ---- unit and item non-response (AAPOR, Standard Definitions, 10th ed. 2023, establishment surveys; SIMS S.13.3.3)

# I complete, P partial, R refusal, NC no contact, O other (late, unusable), U unknown eligibility, NE not eligible
DISPOSITIONS = {
    "complet": "I", "partiel": "P", "refus": "R", "non_joint": "NC", "autre": "O", "inconnu": "U",
    "hors_champ": "NE", "ferme": "NE", "autre_unite": "NE",
}  # fmt: skip
FORMULES = ("RR2", "RR4")
ABSENCES = ("hors_filtre", "nsp", "refus", "blanc", "invalide")


def response_rates(
    dispositions: pd.Series, *, par: pd.Series | None = None, poids: ArrayLike | None = None
) -> pd.DataFrame:
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


def bias_indicator(cadre: pd.DataFrame, repondu: ArrayLike, poids: ArrayLike) -> tuple[float, pd.DataFrame]:
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


def partial_indicators(cadre: pd.DataFrame, repondu: ArrayLike) -> dict[str, tuple[float, float]]:
    """Variable → (unconditional partial R-indicator, what chance alone would give). `cadre`: one row per unit.

    √(Σ_z N_z/N · (ρ_z − ρ)²), ρ_z the response rate of a modality, between 0 (response does not depend on it) and ½ (Schouten,
    Shlomo and Skinner 2011). By chance: √(ρ(1−ρ)(G−1)/(N−1)), G modalities, the respondents being drawn among the units.
    """
    r = np.asarray(repondu, dtype=float)
    out = {}
    for v in cadre:
        groupes = pd.Series(r).groupby(cadre[v].astype(str).to_numpy())
        hasard = r.var() * (groupes.ngroups - 1) / max(len(r) - 1, 1)
        out[str(v)] = (float(np.std(groupes.transform("mean"))), float(np.sqrt(hasard)))
    return out
