"""The measures, in one table: rows of one grain → figures on a whole grid of cells at once, and the exact counts behind each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from cartographie.statistics.estimates import DISPOSITIONS, rate
from cartographie.statistics.frames import Edition, Grille, Lignes, Paires, by_respondent, join
from cartographie.statistics.tallies import Exacts, counts_of_a_share, counts_of_a_total, nothing
from cartographie.survey.conditions import references
from cartographie.survey.written.declared import Indicateur, Serie

# ---- what one indicator is measured on, and the rows a figure rests on

# A grid has C territory/actor cells × D modalities of the dimension × M modalities of the indicator, flattened in that order.
# Nothing is masked here, and nothing rounded, except that `arrondi` is the exact figure rounded once, half to even.

DECIMALES = {"pct": 1, "points": 1}
VALEURS = ("valeur", "numerateur", "denominateur")  # keys of an indicator that name a quantity


@dataclass(frozen=True, slots=True)
class Assiette:
    """What one indicator is measured on, on one crossing. `champ`: rows of the denominator (one boolean each); `mod_d`, `mod_m`:
    (code, label) of the dimension and of the indicator; `pose`: it was asked; `pondere`: its rows are weighted."""

    e: Edition
    grain: str
    indicateur: Indicateur
    dimension: str | list[str] | None
    champ: np.ndarray
    mod_d: list[tuple[str, str]]
    mod_m: list[tuple[str, str]]
    pose: bool
    pondere: bool
    grille: Grille

    @property
    def mesure(self) -> Measure:
        return MESURES[self.indicateur["mesure"]]

    @property
    def unite(self) -> str:
        return unit_of(self.indicateur)

    @property
    def decimales(self) -> int:
        return self.indicateur.get("decimales", DECIMALES.get(self.unite, 2))

    @property
    def signatures(self) -> np.ndarray:
        return self.e.signatures(self.grain)

    @property
    def qui(self) -> np.ndarray:
        """The contributor of each respondent number."""
        return self.e.contributeurs(self.grain)

    def select(self) -> Selection:
        return self.mesure.select(self)

    def compute(self) -> Resultat:
        """The figure of every place, empty ones included; of what was not asked, none."""
        taille = self.grille.taille * len(self.mod_m)
        return self.mesure.compute(self, self.select()) if self.pose and taille else _not_measured(taille)


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of the grain a figure rests on (`base`, positions). Of a share: the (row, modality) pairs concerned. Of a total:
    the value of each row of the grain, and what it is divided by, if anything; `manques`: what its silent rows add to the weights."""

    base: np.ndarray
    vraies: Paires | None = None
    valeurs: np.ndarray | None = None
    diviseurs: np.ndarray | None = None
    manques: Manques | None = None

    def place(self, g: Grille) -> Lignes:
        """The base on the grid, its weights those the figure is computed with."""
        x = g.place(self.base)
        return x if self.manques is None else replace(x, poids=x.poids * self.manques.facteurs[x.lignes])


@dataclass(frozen=True, slots=True)
class Manques:
    """Item non-response of a total, made up for by class (response group): those who answered stand for all whom the question is
    about. By row of the grain: its class (-1: not weighted), its `facteurs` (1 where all answered); `concernees`: positions of the
    rows the question is about; `facteur_classe`, `poids_classe`: of each class, and what those who answered weigh."""

    classe: np.ndarray
    facteurs: np.ndarray
    concernees: np.ndarray
    facteur_classe: np.ndarray
    poids_classe: np.ndarray


@dataclass(frozen=True, slots=True)
class Influence:
    """Linearised values of every figure, times the weight: one line is what one respondent brings to one figure (`plat`).
    The variance of the figure is that of their sum (Deville 1999)."""

    repondants: np.ndarray
    plat: np.ndarray
    valeurs: np.ndarray


@dataclass(frozen=True, slots=True)
class Resultat:
    """Flat arrays of length C × D × M. `n`: respondents of the base; `influence`: None for a maximum. `proportion`: a share of
    rows, between 0 and 1. `fractile`: of a quantile, whose influence is that of the share below it. `n_efficace`: of a figure
    in per cent, (Σw)²/Σw² of its respondents (Kish 1965)."""

    n: np.ndarray
    n_pondere: np.ndarray
    exact: np.ndarray
    arrondi: np.ndarray
    exacts: Exacts
    influence: Influence | None = None
    proportion: bool = False
    fractile: Fractile | None = None
    n_efficace: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Fractile:
    """A quantile of order `q`, and the quantile of each place at any other order (one an entry): what Woodruff's interval asks."""

    q: float
    quantile: Callable[[np.ndarray], np.ndarray]


def _not_measured(taille: int) -> Resultat:
    nan = np.full(taille, np.nan)
    return Resultat(np.zeros(taille, dtype=int), nan, nan, nan, nothing(taille))


def variables_of(serie: Serie, indicateur: Indicateur) -> list[str]:
    """Variables an indicator and its crossing read outside conditions, as they are written."""
    variable = indicateur.get("variable")
    noms = [serie.get("dimension"), indicateur.get("poids"), *(variable if isinstance(variable, list) else [variable])]
    noms += [indicateur.get(c) for c in VALEURS]
    return [n for n in noms if isinstance(n, str)]


def read_variables(grain: str, serie: Serie, indicateur: Indicateur) -> list[tuple[str, str]]:
    """(entity, variable) an indicator rests on, its denominator's left aside: what it reads first, then its crossing."""
    enfant = str(indicateur.get("variable")).rpartition(".")[0] or grain
    comptes = [v for v in map(indicateur.get, VALEURS) if isinstance(v, Mapping)]
    conditions = [
        (indicateur.get("condition"), grain),
        (indicateur.get("si"), enfant),
        *((v.get("si"), v["nombre"]) for v in comptes),
    ]
    lues = [x for c, entite in conditions for x in sorted(references(c, entite))]
    lues += [(n.rpartition(".")[0] or grain, n.rpartition(".")[2]) for n in variables_of(serie, indicateur)]
    return list(dict.fromkeys([*lues, *sorted(references(serie.get("filtre"), grain))]))


# ---- which rows


def _meeting(a: Assiette) -> Selection:
    """Rows meeting the indicator's condition, if it has one."""
    return Selection(np.flatnonzero(a.champ & a.e.vraie(a.grain, a.indicateur.get("condition"))))


def _knowing(a: Assiette) -> Selection:
    """Rows that answered what the condition reads; those of them that meet it."""
    condition = a.indicateur["condition"]
    base = a.champ & a.e.connue(a.grain, condition)
    vraies = np.flatnonzero(base & a.e.vraie(a.grain, condition))
    return Selection(np.flatnonzero(base), (vraies, np.zeros(len(vraies), dtype=int)))


def _answering(a: Assiette) -> Selection:
    """Rows that answered the variable; each answer they gave."""
    variable, si = a.indicateur["variable"], a.indicateur.get("si")
    enfant = isinstance(variable, str) and "." in variable
    base = a.champ & a.e.renseignee(a.grain, variable) & (np.True_ if enfant else a.e.vraie(a.grain, si))
    pos, m = a.e.paires(a.grain, variable, [c for c, _ in a.mod_m], si if enfant else None)
    return Selection(np.flatnonzero(base), (pos[base[pos]], m[base[pos]]))


def _valued(a: Assiette) -> Selection:
    """Rows that have the value."""
    valeurs = a.e.nombres(a.grain, a.indicateur["valeur"])
    return Selection(np.flatnonzero(a.champ & ~np.isnan(valeurs)), valeurs=valeurs)


def _made_up(a: Assiette) -> Selection:
    """Rows that have the value, standing for all those it was asked of: without that, a total would count silence as nought."""
    s = _valued(a)
    if not a.pondere or not isinstance(a.indicateur["valeur"], str):
        return s
    concernees = a.champ & a.e.concernee(a.grain, a.indicateur["valeur"])
    ont = np.zeros(len(concernees), dtype=bool)
    ont[s.base] = True
    if not (concernees & ~ont).any():
        return s
    classe, poids = a.e.classes(a.grain)
    tous, repondu = (_by_class(classe, poids, qui) for qui in (concernees | ont, ont))
    facteurs = np.divide(tous, repondu, out=np.ones(len(tous)), where=repondu > 0)
    perdu = tous[repondu == 0].sum()  # of a class where nobody answered: the others stand for it
    if perdu and (atteint := (facteurs * repondu).sum()):
        facteurs = facteurs * (1 + perdu / atteint)
    par_ligne = np.where(classe >= 0, facteurs[classe], 1.0)
    return replace(s, manques=Manques(classe, par_ligne, np.flatnonzero(concernees | ont), facteurs, repondu))


def _by_class(classe: np.ndarray, poids: np.ndarray, qui: np.ndarray) -> np.ndarray:
    ici = qui & (classe >= 0)
    return np.bincount(classe[ici], poids[ici], minlength=int(classe.max(initial=-1)) + 1)


def _divided(a: Assiette) -> Selection:
    """Rows that have both values."""
    haut, bas = (a.e.nombres(a.grain, a.indicateur[c]) for c in ("numerateur", "denominateur"))
    return Selection(np.flatnonzero(a.champ & ~np.isnan(haut) & ~np.isnan(bas)), valeurs=haut, diviseurs=bas)


# ---- which figure


def _share(a: Assiette, s: Selection) -> Resultat:
    """100 × weight of the (row, modality) pairs concerned over the weight of the base rows."""
    assert s.vraies is not None
    g, m = a.grille, len(a.mod_m)
    b, t = g.place(s.base), g.place(s.vraies[0])
    n, w = _comptes(b, g)
    plat = t.plat * m + s.vraies[1][t.source]
    haut = np.bincount(plat, t.poids, minlength=g.taille * m)
    exacts = counts_of_a_share(
        by_respondent(b.plat, a.qui[b.repondants]), by_respondent(plat, a.qui[t.repondants]), g.taille, m, a.signatures
    )
    efficace = np.repeat(_effective(b, g), m)
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
    return Resultat(
        n,
        w,
        100 * part,
        divise_arrondi(haut, w, 100, a.decimales),
        exacts,
        influence,
        proportion=True,
        n_efficace=efficace,
    )


def _quotient(a: Assiette, s: Selection, echelle: int) -> Resultat:
    """`echelle` × weighted sum of the values over weighted sum of the divisors: the mean when each row counts 1."""
    assert s.valeurs is not None
    g, x = a.grille, a.grille.place(s.base)
    haut = s.valeurs[x.lignes]
    bas = np.ones(len(haut)) if s.diviseurs is None else s.diviseurs[x.lignes]
    n, w = _comptes(x, g)
    total_h, total_b = (np.bincount(x.plat, x.poids * v, minlength=g.taille) for v in (haut, bas))
    exacts = counts_of_a_total(
        by_respondent(x.plat, a.qui[x.repondants], haut),
        by_respondent(x.plat, a.qui[x.repondants], bas),
        g.taille,
        a.signatures,
    )
    rapport = _divise(total_h, total_b)
    ecart = x.poids * (haut - np.nan_to_num(rapport[x.plat]) * bas)
    influence = Influence(x.repondants, x.plat, echelle * _divise(ecart, total_b[x.plat]))
    arrondi = divise_arrondi(total_h, total_b, echelle, a.decimales)
    return Resultat(n, w, echelle * rapport, arrondi, exacts, influence, n_efficace=_effective(x, g))


def _number(a: Assiette, s: Selection) -> Resultat:
    """How many rows, weighted."""
    x = a.grille.place(s.base)
    n, w = _comptes(x, a.grille)
    exacts = counts_of_a_total(by_respondent(x.plat, a.qui[x.repondants]), None, a.grille.taille, a.signatures)
    arrondi = np.round(w, a.indicateur.get("decimales", 0))
    return Resultat(n, w, w, arrondi, exacts, Influence(x.repondants, x.plat, x.poids))


def _total(a: Assiette, s: Selection) -> Resultat:
    """Weighted sum of the values; nothing where nobody has any."""
    assert s.valeurs is not None
    x = s.place(a.grille)
    v = s.valeurs[x.lignes]
    n, w = _comptes(x, a.grille)
    exacts = counts_of_a_total(by_respondent(x.plat, a.qui[x.repondants], v), None, a.grille.taille, a.signatures)
    exact = np.where(n > 0, np.bincount(x.plat, x.poids * v, minlength=a.grille.taille), np.nan)
    influence = Influence(x.repondants, x.plat, x.poids * v)
    if s.manques is not None:
        influence = _with_silence(influence, a, s.manques, x, v)
    return Resultat(n, w, exact, np.round(exact, a.decimales), exacts, influence)


def _with_silence(i: Influence, a: Assiette, m: Manques, x: Lignes, v: np.ndarray) -> Influence:
    """The linearised total Σ_g W_g/W_g' · Σ w y of answers standing for their class (g): besides w·a·y, each row of the class
    brings w · S_gc/W_g' · (1, less a_g if it answered), S_gc being the class's own sum at the place (ratio by class, Särndal,
    Swensson and Wretman 1992, ch. 15)."""
    taille = a.grille.taille
    cle, rang = np.unique(m.classe[x.lignes] * taille + x.plat, return_inverse=True)
    g, plat = cle // taille, cle % taille
    somme = np.bincount(rang, x.poids * v, minlength=len(cle)) / m.facteur_classe[g]
    garde = (somme != 0) & (m.facteur_classe[g] != 1) & (g >= 0)
    g, plat, part = g[garde], plat[garde], (somme / np.where(m.poids_classe[g] > 0, m.poids_classe[g], 1))[garde]
    _, poids = a.e.classes(a.grain)
    lignes = m.concernees[np.argsort(m.classe[m.concernees], kind="stable")]
    j, k = join(g, m.classe[lignes])
    ont = np.zeros(len(m.classe), dtype=bool)
    ont[x.lignes] = True
    qui = lignes[k]
    valeurs = poids[qui] * part[j] * (1 - np.where(ont[qui], m.facteur_classe[g[j]], 0.0))
    return Influence(
        np.concatenate([i.repondants, a.e.repondants(a.grain)[qui]]), np.concatenate([i.plat, plat[j]]),
        np.concatenate([i.valeurs, valeurs]),
    )  # fmt: skip


def _quantile(a: Assiette, s: Selection, q: float) -> Resultat:
    """Quantile of the values. A maximum has no interval."""
    assert s.valeurs is not None
    x = a.grille.place(s.base)
    v = s.valeurs[x.lignes]
    n, w = _comptes(x, a.grille)
    exacts = counts_of_a_total(by_respondent(x.plat, a.qui[x.repondants], v), None, a.grille.taille, a.signatures)

    def quantile(ordres: np.ndarray) -> np.ndarray:
        return _quantiles(x.plat, v, x.poids, ordres)

    exact = quantile(np.full(a.grille.taille, q))
    if q == 1:
        return Resultat(n, w, exact, np.round(exact, a.decimales), exacts)
    sous = (v <= exact[x.plat]).astype(float)
    part = _divise(np.bincount(x.plat, x.poids * sous, minlength=a.grille.taille), w)
    influence = Influence(x.repondants, x.plat, _divise(x.poids * (sous - part[x.plat]), w[x.plat]))
    return Resultat(n, w, exact, np.round(exact, a.decimales), exacts, influence, fractile=Fractile(q, quantile))


def _response_rate(a: Assiette, s: Selection) -> Resultat:
    """Response rate of the units of the frame; no interval: it describes the collection, not the actors."""
    dispositions = a.e.frame(a.grain)["disposition"].to_numpy(dtype=object)
    x = a.grille.place(s.base)
    n, w = _comptes(x, a.grille)
    nombres = {
        d: np.bincount(x.plat, x.poids * (dispositions[x.lignes] == d), minlength=a.grille.taille) for d in DISPOSITIONS
    }
    taux = 100 * rate(a.indicateur["formule"], nombres)
    return Resultat(n, w, taux, np.round(taux, a.decimales), nothing(a.grille.taille))


# ---- the table of measures


@dataclass(frozen=True, slots=True)
class Somme:
    """What adds up the values that one key of the indicator names."""

    cle: Literal["valeur", "numerateur", "denominateur"]


# A count a figure reveals: "lignes" (the rows of the population), those of them meeting the indicator's "condition" or giving the
# "reponse" of the line, a sum over them, or none. Those who answered and those asked are one population: see secrecy.counts.
Revele = Literal["lignes", "condition", "reponse"] | Somme | None


def _not_remade(poids: pd.Series, compte: pd.Series) -> float:
    return float("nan")


def _added(poids: pd.Series, compte: pd.Series) -> float:
    return float((poids * compte).sum())


def _averaged(poids: pd.Series, compte: pd.Series) -> float:
    return float((poids * compte).sum() / poids.sum()) if poids.sum() else float("nan")


def _percent(poids: pd.Series, compte: pd.Series) -> float:
    return 100 * _averaged(poids, compte)


@dataclass(frozen=True, slots=True)
class Measure:
    """One kind of figure, told once: what computes, traces and protects it reads it here (docs/ajouter-une-mesure.md).

    `select`: the rows it rests on, the same for the figure and for its trace; `compute`: the figure of every place;
    `numerateur`, `base`: the counts it reveals; `refait`: the figure of one place, made again from its rows (weight, and what each
    counts for), nan for what they do not add up to; `part`: a share, in per cent, that too few respondents make not
    significant; `modalites`: one figure for each answer of the indicator's variable."""

    select: Callable[[Assiette], Selection]
    compute: Callable[[Assiette, Selection], Resultat]
    numerateur: Revele
    base: Revele
    refait: Callable[[pd.Series, pd.Series], float] = _not_remade
    part: bool = False
    modalites: bool = False


MESURES: dict[str, Measure] = {
    "part": Measure(_knowing, _share, "condition", "lignes", _percent, part=True),
    "repartition": Measure(_answering, _share, "reponse", "lignes", _percent, part=True, modalites=True),
    "nombre": Measure(_meeting, _number, "condition", None, _added),
    "somme": Measure(_made_up, _total, Somme("valeur"), None, _added),
    "moyenne": Measure(_valued, partial(_quotient, echelle=1), Somme("valeur"), "lignes", _averaged),
    "ratio": Measure(_divided, partial(_quotient, echelle=100), Somme("numerateur"), Somme("denominateur"), part=True),
    "q1": Measure(_valued, partial(_quantile, q=0.25), None, "lignes"),
    "mediane": Measure(_valued, partial(_quantile, q=0.5), None, "lignes"),
    "q3": Measure(_valued, partial(_quantile, q=0.75), None, "lignes"),
    "maximum": Measure(_valued, partial(_quantile, q=1.0), None, "lignes"),
    "taux_reponse": Measure(_meeting, _response_rate, None, None, part=True),
}


def unit_of(indicateur: Indicateur) -> str:
    """As declared, else what the measure gives."""
    return indicateur.get("unite", "pct" if MESURES[indicateur["mesure"]].part else "nombre")


# ---- sums and divisions


def _quantiles(plat: np.ndarray, valeurs: np.ndarray, poids: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Quantile of each place, of its own order `q`: linear interpolation between the values, each placed at the weight of those below it
    (the usual quantile, Hyndman and Fan's type 7, when weights are equal); nan where there is no value."""
    ordre = np.lexsort((valeurs, plat))
    plat, valeurs, poids = plat[ordre], valeurs[ordre], poids[ordre]
    out = np.full(len(q), np.nan)
    debuts = np.flatnonzero(np.diff(plat, prepend=-1))
    for debut, fin in zip(debuts, [*debuts[1:], len(plat)], strict=True):
        v, p = valeurs[debut:fin], poids[debut:fin]
        milieu = np.cumsum(p) - p / 2
        etendue = milieu[-1] - milieu[0]
        out[plat[debut]] = np.interp(q[plat[debut]], (milieu - milieu[0]) / etendue, v) if etendue > 0 else v[-1]
    return out


def _comptes(x: Lignes, g: Grille) -> tuple[np.ndarray, np.ndarray]:
    """(distinct respondents, sum of weights) of each cell × dimension."""
    n = np.bincount(by_respondent(x.plat, x.repondants).plat, minlength=g.taille)
    return n, np.bincount(x.plat, x.poids, minlength=g.taille)


def _effective(x: Lignes, g: Grille) -> np.ndarray:
    """(Σw)²/Σw² over the respondents of each cell × dimension."""
    w = by_respondent(x.plat, x.repondants, x.poids)
    somme, carres = (np.bincount(w.plat, v, minlength=g.taille) for v in (w.somme, w.somme**2))
    return _divise(somme**2, carres)


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
