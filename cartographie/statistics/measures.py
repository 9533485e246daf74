"""The measures: rows of one grain → figures on a whole grid of cells at once, and the exact counts behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from cartographie.statistics.estimates import DISPOSITIONS, rate
from cartographie.statistics.frames import Edition, Grille, Lignes, Paires, Parts, by_respondent
from cartographie.survey.received import Tableau

# -------------------------------------------------------------------------------------------
# The exact, unweighted counts behind each figure: what secrecy is judged on. Never written in a release.
#
# A figure rests on two counts: its numerator (the respondents, systems or sums concerned) and its base (the denominator).


@dataclass(frozen=True, slots=True)
class Exacts:
    """Flat arrays of the grid. `contributeurs*`: distinct respondents of the base, the numerator and the rest of the base;
    `dominante`: largest share (0-1) one respondent has of the numerator or of the rest; `marque_*`: fingerprint of who
    brings how much: two counts of the same things by the same respondents have the same (see secret.systeme)."""

    base: np.ndarray
    numerateur: np.ndarray
    contributeurs_base: np.ndarray
    contributeurs: np.ndarray
    contributeurs_complement: np.ndarray
    dominante: np.ndarray
    marque_base: np.ndarray
    marque: np.ndarray
    seul: np.ndarray
    complet: bool = True  # the rest of the base is a count too

    def columns(self) -> dict[str, np.ndarray]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "complet"}


def counts_of_a_share(base: Parts, vraies: Parts, taille: int, m: int, signatures: np.ndarray) -> Exacts:
    """Counts behind a share: `base` on `taille` places, `vraies` on `taille` × m. `signatures`: one uint64 per respondent."""
    largeur = int(base.repondants.max(initial=0)) + 1
    plat = (base.plat[:, None] * m + np.arange(m)).ravel()
    repondants, total = np.repeat(base.repondants, m), np.repeat(base.somme, m)
    cle = plat * largeur + repondants
    ordre = np.argsort(cle, kind="stable")
    trouve = np.searchsorted(cle[ordre], vraies.plat * largeur + vraies.repondants)
    dedans = np.zeros(len(cle))
    dedans[ordre[trouve]] = vraies.somme
    reste = total - dedans
    n = taille * m

    def distinct(qui: np.ndarray) -> np.ndarray:
        return np.bincount(plat[qui > 0], minlength=n)

    haut, bas = np.bincount(plat, dedans, minlength=n), np.bincount(plat, total, minlength=n)
    dominante = np.maximum(_largest(plat, dedans, n), _largest(plat, reste, n))
    return Exacts(
        bas, haut, distinct(total), distinct(dedans), distinct(reste), dominante,
        _mark(plat, repondants, total, n, signatures), _mark(plat, repondants, dedans, n, signatures),
        _alone(plat, repondants, dedans, n),
    )  # fmt: skip


def counts_of_a_total(
    haut: Parts, bas: Parts | None, taille: int, signatures: np.ndarray, contributeurs: np.ndarray
) -> Exacts:
    """Counts behind a sum (or a number: what each respondent brings), over another sum (`bas`) or over nothing."""
    n = np.bincount(haut.plat, haut.somme, minlength=taille)
    dominante = _largest(haut.plat, haut.somme, taille)
    marque = _mark(haut.plat, haut.repondants, haut.somme, taille, signatures)
    if bas is None:
        base, marque_base = n, marque
    else:
        base = np.bincount(bas.plat, bas.somme, minlength=taille)
        marque_base = _mark(bas.plat, bas.repondants, bas.somme, taille, signatures)
        dominante = np.fmax(dominante, _largest(bas.plat, bas.somme, taille))
    return Exacts(
        base, n, contributeurs, contributeurs, np.zeros(taille, dtype=int), dominante, marque_base, marque,
        _alone(haut.plat, haut.repondants, haut.somme, taille), complet=False,
    )  # fmt: skip


def nothing(taille: int) -> Exacts:
    """No count at all: the question was not asked."""
    zero = np.zeros(taille, dtype=int)
    marque = np.zeros(taille, dtype=np.uint64)
    vide = np.zeros(taille)
    return Exacts(vide, vide, zero, zero, zero, vide, marque, marque, np.full(taille, -1))


def exact_counts(brouillons: Sequence[Tableau]) -> pd.DataFrame:
    """The counts behind every figure, by its published key: confidential, for the gate that attacks a release."""
    noms = ("base", "numerateur", "contributeurs_base", "contributeurs", "contributeurs_complement", "dominante", "complet",
            "seul", "marque", "marque_base")  # fmt: skip
    lignes = []
    for t in brouillons:
        libelles = {c for c in t.df.columns if c.endswith("_libelle")}
        textes = list(t.df.columns[: t.df.columns.get_loc("n_repondants")])
        cle = t.df[[c for c in textes if c not in libelles and c != "unite"]]
        evolution = t.df["_edition"] == 2
        lignes.append(cle.assign(
            **{c: t.df[f"_{c}"] for c in noms}, evolution=evolution, protege=t.df["_protege"].astype(bool) & ~evolution
        ))  # fmt: skip
    return pd.concat(lignes, ignore_index=True)


def _largest(plat: np.ndarray, valeurs: np.ndarray, taille: int) -> np.ndarray:
    """Largest share of each place's total (absolute values) that one respondent has; 0 where nobody brings anything."""
    grand, absolu = np.zeros(taille), np.abs(valeurs)
    np.maximum.at(grand, plat, absolu)
    total = np.bincount(plat, absolu, minlength=taille)
    part: np.ndarray = np.divide(grand, total, out=np.zeros(taille), where=total > 0)
    return part


def _alone(plat: np.ndarray, repondants: np.ndarray, valeurs: np.ndarray, taille: int) -> np.ndarray:
    """The respondent that alone brings the whole count of a place, -1 where there are none or several."""
    qui = valeurs != 0
    nombre = np.bincount(plat[qui], minlength=taille)
    seul = np.full(taille, -1)
    seul[plat[qui]] = repondants[qui]
    return np.where(nombre == 1, seul, -1)


def _mark(plat: np.ndarray, repondants: np.ndarray, valeurs: np.ndarray, taille: int, s: np.ndarray) -> np.ndarray:
    """Sum modulo 2^64 of each respondent's signature times what it brings (to the thousandth)."""
    marque = np.zeros(taille, dtype=np.uint64)
    milliemes = np.round(valeurs * 1000).astype(np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):
        np.add.at(marque, plat, milliemes * s[repondants])
    return marque


# -------------------------------------------------------------------------------------------
# The measures: rows of one grain → figures on a whole grid of cells at once.
#
# A grid has C territory/actor cells × D modalities of the dimension × M modalities of the indicator, flattened in that order.
# Nothing is masked here, and nothing rounded, except that `arrondi` is the exact figure rounded once, half to even.

PARTS = ("part", "repartition", "ratio", "taux_reponse")
QUANTILES = {"mediane": 0.5, "q1": 0.25, "q3": 0.75}
DECIMALES = {"pct": 1, "points": 1}


@dataclass(frozen=True, slots=True)
class Influence:
    """Linearised values of every figure, times the weight: one line is what one respondent brings to one figure (`plat`).
    The variance of the figure is that of their sum (Deville 1999)."""

    repondants: np.ndarray
    plat: np.ndarray
    valeurs: np.ndarray


@dataclass(frozen=True, slots=True)
class Resultat:
    """Flat arrays of length C × D × M. `n`: respondents of the base; `influence`: None for a quantile or a maximum."""

    n: np.ndarray
    n_pondere: np.ndarray
    exact: np.ndarray
    arrondi: np.ndarray
    exacts: Exacts
    influence: Influence | None = None


def measure(
    e: Edition, grain: str, champ: np.ndarray, indicateur: Mapping[str, Any], g: Grille, modalites: Sequence[str]
) -> Resultat:
    """Figures of one indicator. `champ`: rows of the denominator; `modalites`: codes of a repartition (else empty)."""
    mesure = indicateur["mesure"]
    decimales = indicateur.get("decimales", DECIMALES.get(unite(indicateur), 2))
    signatures = e.signatures(grain)
    if mesure == "part":
        condition = indicateur["condition"]
        base = champ & e.connue(grain, condition)
        vraies = np.flatnonzero(base & e.vraie(grain, condition))
        return _rapport(base, (vraies, np.zeros(len(vraies), dtype=int)), 1, g, decimales, signatures)
    if mesure == "repartition":
        variable, si = indicateur["variable"], indicateur.get("si")
        enfant = isinstance(variable, str) and "." in variable
        base = champ & e.renseignee(grain, variable) & (np.True_ if enfant else e.vraie(grain, si))
        pos, m = e.paires(grain, variable, modalites, si if enfant else None)
        garde = base[pos]
        return _rapport(base, (pos[garde], m[garde]), len(modalites), g, decimales, signatures)
    if mesure == "taux_reponse":
        return _taux_reponse(
            e.frame(grain)["disposition"].to_numpy(dtype=object), champ, indicateur["formule"], g, decimales
        )
    if mesure == "nombre":
        x = g.place(np.flatnonzero(champ & e.vraie(grain, indicateur.get("condition"))))
        n, w = _comptes(x, g)
        exacts = counts_of_a_total(by_respondent(x.plat, x.repondants), None, g.taille, signatures, n)
        influence = Influence(x.repondants, x.plat, x.poids)
        return Resultat(n, w, w, np.round(w, indicateur.get("decimales", 0)), exacts, influence)
    if mesure == "ratio":
        haut, bas = e.nombres(grain, indicateur["numerateur"]), e.nombres(grain, indicateur["denominateur"])
        x = g.place(np.flatnonzero(champ & ~np.isnan(haut) & ~np.isnan(bas)))
        return _quotient(x, haut[x.lignes], bas[x.lignes], 100, g, decimales, signatures)
    return _numerique(e.nombres(grain, indicateur["valeur"]), champ, mesure, g, decimales, signatures)


def empty(taille: int) -> Resultat:
    """What is not measured: no respondent, no figure."""
    nan = np.full(taille, np.nan)
    return Resultat(np.zeros(taille, dtype=int), nan, nan, nan, nothing(taille))


def unite(indicateur: Mapping[str, Any]) -> str:
    """Unit of an indicator: as declared, else what its measure gives."""
    return str(indicateur.get("unite", "pct" if indicateur["mesure"] in PARTS else "nombre"))


def _rapport(base: np.ndarray, vraies: Paires, m: int, g: Grille, decimales: int, signatures: np.ndarray) -> Resultat:
    """100 × weight of the true (row, modality) pairs over the weight of the base rows."""
    b, t = g.place(np.flatnonzero(base)), g.place(vraies[0])
    n, w = _comptes(b, g)
    plat = t.plat * m + vraies[1][t.source]
    haut = np.bincount(plat, t.poids, minlength=g.taille * m)
    exacts = counts_of_a_share(
        by_respondent(b.plat, b.repondants), by_respondent(plat, t.repondants), g.taille, m, signatures
    )
    n, w = np.repeat(n, m), np.repeat(w, m)
    part = _divise(haut, w)
    # ratio p = X/N: the linearised value is (y − p) / N, in points
    plat_b = (b.plat[:, None] * m + np.arange(m)).ravel()
    repondants_b, poids_b = np.repeat(b.repondants, m), np.repeat(b.poids, m)
    influence = Influence(
        np.concatenate([t.repondants, repondants_b]),
        np.concatenate([plat, plat_b]),
        100 * np.concatenate([_divise(t.poids, w[plat]), -_divise(poids_b * np.nan_to_num(part[plat_b]), w[plat_b])]),
    )
    return Resultat(n, w, 100 * part, divise_arrondi(haut, w, 100, decimales), exacts, influence)


def _quotient(
    x: Lignes, haut: np.ndarray, bas: np.ndarray, echelle: int, g: Grille, decimales: int, signatures: np.ndarray
) -> Resultat:
    """`echelle` × weighted sum of `haut` over weighted sum of `bas`, one value of each per line of `x`."""
    n, w = _comptes(x, g)
    total_h, total_b = (np.bincount(x.plat, x.poids * v, minlength=g.taille) for v in (haut, bas))
    exacts = counts_of_a_total(
        by_respondent(x.plat, x.repondants, haut), by_respondent(x.plat, x.repondants, bas), g.taille, signatures, n
    )
    rapport = _divise(total_h, total_b)
    ecart = x.poids * (haut - np.nan_to_num(rapport[x.plat]) * bas)
    influence = Influence(x.repondants, x.plat, echelle * _divise(ecart, total_b[x.plat]))
    arrondi = divise_arrondi(total_h, total_b, echelle, decimales)
    return Resultat(n, w, echelle * rapport, arrondi, exacts, influence)


def _taux_reponse(dispositions: np.ndarray, champ: np.ndarray, formule: str, g: Grille, decimales: int) -> Resultat:
    """Response rate of the units of the frame; no interval: it describes the collection, not the actors."""
    x = g.place(np.flatnonzero(champ))
    n, w = _comptes(x, g)
    nombres = {
        d: np.bincount(x.plat, x.poids * (dispositions[x.lignes] == d), minlength=g.taille) for d in DISPOSITIONS
    }
    taux = 100 * rate(formule, nombres)
    return Resultat(n, w, taux, np.round(taux, decimales), nothing(g.taille))


def _numerique(
    valeurs: np.ndarray, champ: np.ndarray, mesure: str, g: Grille, decimales: int, signatures: np.ndarray
) -> Resultat:
    """Sum, mean, quantiles and maximum of the answered values."""
    x = g.place(np.flatnonzero(champ & ~np.isnan(valeurs)))
    v = valeurs[x.lignes]
    if mesure == "moyenne":
        return _quotient(x, v, np.ones(len(v)), 1, g, decimales, signatures)
    n, w = _comptes(x, g)
    exacts = counts_of_a_total(by_respondent(x.plat, x.repondants, v), None, g.taille, signatures, n)
    if mesure == "somme":
        exact = np.where(n > 0, np.bincount(x.plat, x.poids * v, minlength=g.taille), np.nan)
        return Resultat(n, w, exact, np.round(exact, decimales), exacts, Influence(x.repondants, x.plat, x.poids * v))
    exact = _quantiles(x.plat, v, x.poids, QUANTILES.get(mesure, 1.0), g.taille)
    return Resultat(n, w, exact, np.round(exact, decimales), exacts)


def _quantiles(plat: np.ndarray, valeurs: np.ndarray, poids: np.ndarray, q: float, taille: int) -> np.ndarray:
    """Quantile of each place: linear interpolation between the values, each placed at the weight of those below it
    (the usual quantile, Hyndman and Fan's type 7, when weights are equal); nan where there is no value."""
    ordre = np.lexsort((valeurs, plat))
    plat, valeurs, poids = plat[ordre], valeurs[ordre], poids[ordre]
    out = np.full(taille, np.nan)
    debuts = np.flatnonzero(np.diff(plat, prepend=-1))
    for debut, fin in zip(debuts, [*debuts[1:], len(plat)], strict=True):
        v, p = valeurs[debut:fin], poids[debut:fin]
        milieu = np.cumsum(p) - p / 2
        etendue = milieu[-1] - milieu[0]
        out[plat[debut]] = np.interp(q, (milieu - milieu[0]) / etendue, v) if etendue > 0 else v[-1]
    return out


def _comptes(x: Lignes, g: Grille) -> tuple[np.ndarray, np.ndarray]:
    """(distinct respondents, sum of weights) of each cell × dimension."""
    n = np.bincount(by_respondent(x.plat, x.repondants).plat, minlength=g.taille)
    return n, np.bincount(x.plat, x.poids, minlength=g.taille)


def _divise(haut: np.ndarray, bas: np.ndarray) -> np.ndarray:
    quotient: np.ndarray = np.divide(haut, bas, out=np.full(len(bas), np.nan), where=bas > 0)
    return quotient


def divise_arrondi(haut: np.ndarray, bas: np.ndarray, echelle: int, decimales: int) -> np.ndarray:
    """`echelle` × haut / bas to `decimales`, half to even, nan where bas is 0. Integer counts are divided exactly.

    >>> divise_arrondi(np.array([1.0, 1.0]), np.array([16.0, 3.0]), 100, 1).tolist()
    [6.2, 33.3]
    """
    out = np.round(_divise(haut * echelle, bas), decimales)
    if not (np.all(haut == np.floor(haut)) and np.all(bas == np.floor(bas))) or haut.max(initial=0) > 1e12:
        return out
    dix = 10**decimales
    ok = bas > 0
    h, b = haut[ok].astype(np.int64) * echelle * dix, bas[ok].astype(np.int64)
    quotient, reste = h // b, h % b
    monte = (2 * reste > b) | ((2 * reste == b) & (quotient % 2 == 1))
    out[ok] = (quotient + monte) / dix
    return out
