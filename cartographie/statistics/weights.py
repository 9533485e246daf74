"""The weights of a campaign: response groups, then calibration to the frame, as campagne.yaml declares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, sparse, special

from cartographie.base.errors import UserError
from cartographie.survey.evaluate import Contexte, evaluate
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import COMPLET, INELIGIBLES, PARTIEL
from cartographie.survey.written.declared import Calage as CalageDeclare
from cartographie.survey.written.declared import Ponderation as Declaree

if TYPE_CHECKING:
    from cartographie.statistics.estimates import Plan


# ---- the weights of a campaign: response groups, then calibration to the frame, as campagne.yaml declares them

# The unit is the unit of the frame (an establishment). Everyone is invited: it is a census with non-response, the base
# weight is 1 and responding is a second phase, Poisson within each response homogeneity group (docs/methodologie.md).

INCONNU = "?"  # a unit of the frame without a value: a modality like any other, so that nobody is left out
AUTRES = "autres"
CAPACITE_MIN = 10


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Distribution of the ratio g = w/d, Kish's design effect 1 + CV²(w) (Kish 1965), effective number of respondents n / effect,
    number and share of units at a bound, number of negative weights."""

    rapport_min: float
    rapport_max: float
    rapport_q5: float
    rapport_q25: float
    rapport_q50: float
    rapport_q75: float
    rapport_q95: float
    effet_kish: float
    n_effectif: float
    aux_bornes: float
    aux_bornes_part: float
    negatifs: float


@dataclass(frozen=True, slots=True)
class Biais:
    """What weights leave of the difference between respondents and frame: the R-indicator, and by variable the largest difference
    of a share, in points. No modality: few may be in it."""

    indicateur_r: float
    ecarts_points: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ponderation:
    """`unites`: one row is one covered unit in scope, sorted by `racine` (position of its respondent among the kept answers):
    base (position in the frame), groupe, poids_initial, poids. `plan`: one row is one weighted respondent (`repondants`:
    its position among the kept answers). `groupes`, `marges`: one row is one response group, one margin. `biais`: None without
    declared witnesses. `partiels`: partial R-indicators of the variables of the frame it read, see partial_indicators. `modalites`: of
    each margin, one row per row of `unites`, calibrated as `calage` declares."""

    unites: pd.DataFrame
    repondants: np.ndarray
    plan: Plan
    groupes: pd.DataFrame
    marges: pd.DataFrame
    diagnostic: Diagnostic
    biais: Biais | None = None
    partiels: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    modalites: pd.DataFrame = field(default_factory=pd.DataFrame)
    calage: CalageDeclare = field(default_factory=lambda: CalageDeclare(marges=[]))


def weigh(q: Questionnaire, campagne: str, frames: Mapping[str, pd.DataFrame]) -> Ponderation | None:
    """Weights of the campaign's respondents; None when it declares no weighting or has no frame.

    Raises UserError E19 (status 10) when the margins cannot be met: the message names them.
    """
    from cartographie.statistics.estimates import partial_indicators

    declaree = q.campagnes[campagne].parametres.get("ponderation")
    base = frames.get(q.base) if q.base else None
    racine = frames[q.racine]
    if not declaree or base is None or base.empty or racine.empty:
        return None

    champ = _in_scope(q, campagne, frames, base, declaree)
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
    calage = declaree.get("calage", CalageDeclare(marges=[]))
    donnees, marges = _margins(cadre, repondu, calage.get("marges", ()), calage.get("repondants_min", CAPACITE_MIN))
    poids, diagnostic, x = initial, weight_diagnostics(initial, initial), None
    if marges:
        try:
            resultat = calibrate_as(calage, donnees, initial, marges)
        except CalageImpossible as erreur:
            raise UserError(
                "E19", f"les poids de {campagne} ne peuvent pas être calés ({erreur}) ; regroupez des modalités ou élargissez "
                f"« bornes » dans schemas/{campagne}/campagne.yaml.",
            ) from None  # fmt: skip
        poids, diagnostic = resultat.poids, resultat.diagnostic
        x = calibration_matrix(donnees, marges)[0]
    unites = pd.DataFrame({
        "racine": racines[repondu], "base": position[repondu], "groupe": np.asarray(groupes.groupe)[repondu],
        "poids_initial": initial, "poids": poids,
    })  # fmt: skip
    repondants, plan = _plan(unites, np.asarray(groupes.groupe), x)
    ordre = np.lexsort((unites["base"], unites["racine"]))
    temoins = declaree.get("temoins", ())
    lues = list(dict.fromkeys([*variables, *calage.get("marges", ()), *temoins]))
    return Ponderation(
        unites.iloc[ordre].reset_index(drop=True), repondants, plan, groupes.taux, _written(donnees, poids, marges), diagnostic,
        _bias(cadre, repondu, poids, temoins), partial_indicators(cadre[lues].astype(object).fillna(INCONNU), repondu),
        donnees.iloc[ordre].reset_index(drop=True), calage,
    )  # fmt: skip


def calibrate_as(declare: CalageDeclare, donnees: pd.DataFrame, poids: ArrayLike, marges: Marges) -> Calage:
    """`calibrate`, with the method and the bounds declared."""
    bornes = declare.get("bornes")
    return calibrate(
        donnees, poids, marges, methode=declare.get("methode", "logit"), bornes=(bornes[0], bornes[1]) if bornes else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PonderationPubliee:
    """What is published of the weights: response groups and margins (one entry each), distribution, strata joined. No
    respondent in it."""

    unites: int
    repondants: int
    population: int
    groupes: list[dict[str, Any]]
    marges: list[dict[str, Any]]
    strates_regroupees: list[str]
    diagnostic: Diagnostic
    biais: Biais | None
    r_partiels: Mapping[str, tuple[float, float]]


def account(p: Ponderation) -> PonderationPubliee:
    def lines(df: pd.DataFrame) -> list[dict[str, Any]]:
        return [{k: round(v, 6) if isinstance(v, float) else v for k, v in x.items()} for x in df.to_dict("records")]

    diagnostic = Diagnostic(**{k: round(float(v), 6) for k, v in asdict(p.diagnostic).items()})
    return PonderationPubliee(
        len(p.unites), len(p.repondants), int(p.groupes["invites"].sum()), lines(p.groupes), lines(p.marges),
        list(p.plan.regroupees), diagnostic, p.biais, {v: (round(r, 4), round(h, 4)) for v, (r, h) in p.partiels.items()},
    )  # fmt: skip


def _bias(cadre: pd.DataFrame, repondu: np.ndarray, poids: np.ndarray, temoins: Sequence[str]) -> Biais | None:
    """`temoins`: variables of the frame that weights were not made from."""
    if not temoins:
        return None
    from cartographie.statistics.estimates import bias_indicator

    tous = np.zeros(len(cadre))
    tous[repondu] = poids
    r, parts = bias_indicator(cadre[list(temoins)].astype(object).fillna(INCONNU), repondu, tous)
    pires = parts.assign(ecart=parts["ecart_points"].abs()).groupby("variable", sort=False)["ecart"].max()
    return Biais(round(r, 4), {str(v): round(float(e), 2) for v, e in pires.items()})


def _in_scope(
    q: Questionnaire, campagne: str, frames: Mapping[str, pd.DataFrame], base: pd.DataFrame, declaree: Declaree
) -> np.ndarray:
    """Units of the frame the survey is about: neither out of the declared field nor found closed or out of scope."""
    champ = np.ones(len(base), dtype=bool)
    if declaree.get("champ"):
        contexte = Contexte(entite=str(q.base), lots=frames, questionnaire=q, campagne=campagne)
        champ = np.asarray(evaluate(declaree["champ"], contexte), dtype=bool)
    if "disposition" in base.columns:
        champ &= ~base["disposition"].isin(INELIGIBLES).to_numpy()
    return champ


def _margins(
    cadre: pd.DataFrame, repondu: np.ndarray, variables: Sequence[str], minimum: int
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


def _plan(unites: pd.DataFrame, groupes: np.ndarray, x: np.ndarray | None) -> tuple[np.ndarray, Plan]:
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
        moyenne = np.zeros((len(repondants), x.shape[1]))
        np.add.at(moyenne, rang, x * unites["poids"].to_numpy()[:, None])
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


# ---- calibration of weights to known totals (Deville and Särndal, JASA 1992; Calmar, INSEE)

Marges = Mapping[str, Mapping[Any, float] | float]
METHODES = {"linear": "lineaire", "truncated": "tronquee"}  # other names
BORNEES = ("logit", "tronquee")  # methods that keep the ratio w/d within bounds
BORNES = (0.4, 2.5)
TOLERANCE, ITERATIONS = 1e-10, 100
ECART_ADMIS = 1e-6  # relative: below it, a margin missed by a linear program is met


class CalageImpossible(ValueError):
    """The margins cannot be met. `marges`: one row per margin missed: marge, voulu, atteint."""

    def __init__(self, message: str, marges: pd.DataFrame) -> None:
        super().__init__(message)
        self.marges = marges


@dataclass(frozen=True, slots=True)
class Calage:
    """Calibrated weights, one per unit. `rapport`: g = weight / initial weight."""

    poids: np.ndarray
    rapport: np.ndarray
    iterations: int
    methode: str
    diagnostic: Diagnostic


def calibrate(
    donnees: pd.DataFrame,
    poids: ArrayLike,
    marges: Marges,
    *,
    methode: str = "logit",
    bornes: tuple[float, float] | None = None,
    echelle: ArrayLike | None = None,
) -> Calage:
    """Weights w = d·F(q x'λ) such that Σ w x = T, by Newton's method with step halving.

    `donnees`: one row per unit; `marges`: {categorical column: {modality: total}} or {numeric column: total} (a constant
    column gives the number of units). `methode`: lineaire F(u) = 1+u; raking e^u; logit
    [L(U−1)+U(1−L)e^{Au}] / [(U−1)+(1−L)e^{Au}], A = (U−L)/((1−L)(U−1)); tronquee clip(1+u, L, U), with `bornes` = (L, U) on
    the ratio w/d, BORNES when none are given; the first two cannot keep any. `echelle`: q, 1 by default. Met when max |Σwx−T| / max(1, |T|) is below TOLERANCE.

    Raises CalageImpossible, never giving partial weights: margins that do not add up to the same number, a modality without
    respondent, bounds that a linear program shows too narrow (it names the margins), no convergence. ValueError: another method,
    bounds given to one that would not keep them.
    """
    methode = METHODES.get(methode, methode)
    d = np.asarray(poids, dtype=float)
    x, noms, totaux = calibration_matrix(donnees, marges)
    q = np.ones(len(d)) if echelle is None else np.asarray(echelle, dtype=float)
    if methode not in ("lineaire", "raking", *BORNEES):
        raise ValueError(f"méthode de calage inconnue : « {methode} ».")
    if bornes is not None and methode not in BORNEES:
        raise ValueError(
            f"la méthode « {methode} » ne tient pas de bornes : retirez-les, ou choisissez {' ou '.join(BORNEES)}."
        )
    borne = (bornes or BORNES) if methode in BORNEES else None
    if borne is not None:
        _check_feasible(x, d, totaux, noms, borne)
    f, derivee = _distance(methode, borne)
    taille = np.maximum(1.0, np.abs(totaux))

    def gap(lam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w = d * f(q * (x @ lam))
        return w, totaux - x.T @ w

    lam = np.zeros(x.shape[1])
    w, ecart = gap(lam)
    for tour in range(ITERATIONS + 1):
        norme = float(np.max(np.abs(ecart) / taille))
        if norme < TOLERANCE:
            return Calage(w, w / d, tour, methode, weight_diagnostics(w, d, borne))
        h = (x * (d * q * derivee(q * (x @ lam)))[:, None]).T @ x
        pas = np.linalg.lstsq(h, ecart, rcond=None)[0]
        for _ in range(30):
            essai, nouvel_ecart = gap(lam + pas)
            if np.all(np.isfinite(essai)) and np.max(np.abs(nouvel_ecart) / taille) < norme:
                break
            pas = pas / 2
        else:
            break
        lam, w, ecart = lam + pas, essai, nouvel_ecart
    raise _impossible("le calage ne converge pas", noms, totaux, totaux - ecart)


def calibration_matrix(donnees: pd.DataFrame, marges: Marges) -> tuple[np.ndarray, list[str], np.ndarray]:
    """(units × margins, name of each margin, its total). Raises CalageImpossible, see `calibrate`."""
    colonnes, noms, totaux, sommes = [], [], [], {}
    for variable, attendu in marges.items():
        if not isinstance(attendu, Mapping):
            colonnes.append(donnees[variable].to_numpy(dtype=float))
            noms.append(variable)
            totaux.append(float(attendu))
            continue
        sommes[variable] = sum(attendu.values())
        valeurs = donnees[variable].to_numpy(dtype=object)
        dehors = sorted({str(v) for v in valeurs} - {str(m) for m in attendu})
        if dehors:
            vide = pd.DataFrame({"marge": [f"{variable}={v}" for v in dehors], "voulu": np.nan, "atteint": np.nan})
            raise CalageImpossible(f"aucune marge pour {', '.join(vide['marge'])}", vide)
        for modalite, total in attendu.items():
            colonnes.append(np.array([str(v) == str(modalite) for v in valeurs], dtype=float))
            noms.append(f"{variable}={modalite}")
            totaux.append(float(total))
    if sommes and max(sommes.values()) - min(sommes.values()) > 1e-9 * max(1.0, *map(abs, sommes.values())):
        df = pd.DataFrame({"marge": list(sommes), "voulu": list(sommes.values()), "atteint": np.nan})
        detail = ", ".join(f"{v} : {n:g}" for v, n in sommes.items())
        raise CalageImpossible(f"les marges n'ont pas le même total ({detail})", df)
    x, t = np.column_stack(colonnes), np.array(totaux)
    vides = (t != 0) & ~x.any(axis=0)
    if vides.any():
        raise _impossible("aucun répondant", [n for n, v in zip(noms, vides, strict=True) if v], t[vides], 0 * t[vides])
    return x, noms, t


def weight_diagnostics(
    poids: np.ndarray, poids_initiaux: np.ndarray, bornes: tuple[float, float] | None = None
) -> Diagnostic:
    """Distribution of the ratio g = w/d, Kish's design effect 1 + CV²(w) (Kish 1965), effective number of respondents
    n / effect, number and share of units at a bound, number of negative weights."""
    g = poids / poids_initiaux
    effet = 1 + float(np.var(poids) / np.mean(poids) ** 2)
    aux_bornes = 0 if bornes is None else int(np.sum((g < bornes[0] * 1.001) | (g > bornes[1] * 0.999)))
    q5, q25, q50, q75, q95 = np.quantile(g, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    return Diagnostic(
        float(g.min()), float(g.max()), q5, q25, q50, q75, q95, effet, len(poids) / effet, aux_bornes, aux_bornes / len(poids),
        int(np.sum(poids < 0)),
    )  # fmt: skip


def _distance(
    methode: str, bornes: tuple[float, float] | None
) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """F and its derivative."""
    if methode == "lineaire":
        return (lambda u: 1 + u), np.ones_like
    if methode == "raking":
        return (lambda u: np.exp(np.minimum(u, 500))), (lambda u: np.exp(np.minimum(u, 500)))
    assert bornes is not None
    bas, haut = bornes
    if not 0 <= bas < 1 < haut:
        raise ValueError("les bornes du calage encadrent 1 : 0 ≤ L < 1 < U.")
    if methode == "tronquee":
        return (lambda u: np.clip(1 + u, bas, haut)), (lambda u: ((1 + u > bas) & (1 + u < haut)).astype(float))
    a = (haut - bas) / ((1 - bas) * (haut - 1))
    # F = L + (U−L)·σ(A·u − decalage), the same function written without overflow
    decalage = np.log((haut - 1) / (1 - bas))
    return (
        lambda u: bas + (haut - bas) * special.expit(a * u - decalage),
        lambda u: (haut - bas) * a * (s := special.expit(a * u - decalage)) * (1 - s),
    )


def _check_feasible(
    x: np.ndarray, d: np.ndarray, totaux: np.ndarray, noms: list[str], bornes: tuple[float, float]
) -> None:
    """min Σ relative gaps s.t. L·d ≤ w ≤ U·d: positive when the bounds are too narrow, then the margins missed are named."""
    n, p = x.shape
    taille = np.maximum(1.0, np.abs(totaux))
    identite = sparse.diags_array(taille)
    a = sparse.hstack([sparse.csr_array(x.T), identite, -identite]).tocsr()
    cout = np.concatenate([np.zeros(n), np.ones(2 * p)])
    limites = [*((bornes[0] * k, bornes[1] * k) for k in d), *[(0, None)] * (2 * p)]
    r = optimize.linprog(cout, A_eq=a, b_eq=totaux, bounds=limites, method="highs")
    if r.status == 0 and r.fun > ECART_ADMIS:
        manque = r.x[n : n + p] - r.x[n + p :]
        trop = np.abs(manque) > ECART_ADMIS
        raise _impossible(
            f"avec des rapports de poids entre {bornes[0]:g} et {bornes[1]:g}",
            [m for m, t in zip(noms, trop, strict=True) if t], totaux[trop], (totaux - manque * taille)[trop],
        )  # fmt: skip


def _impossible(pourquoi: str, noms: list[str], voulu: np.ndarray, atteint: np.ndarray) -> CalageImpossible:
    df = pd.DataFrame({"marge": noms, "voulu": voulu, "atteint": atteint})
    pires = df.assign(e=(df["voulu"] - df["atteint"]).abs()).sort_values("e", ascending=False, kind="stable").head(5)
    detail = ", ".join(
        f"{m} : {v:g} voulu, {a:g} atteint" for m, v, a in pires[["marge", "voulu", "atteint"]].to_numpy()
    )
    return CalageImpossible(f"{pourquoi} ({detail})", df)


# ---- response homogeneity groups: where everyone is supposed to answer with the same probability

TOUS = "tous"
SEPARATEUR = " × "


@dataclass(frozen=True, slots=True)
class Groupes:
    """`groupe`: label of each unit; `poids`: N_h / r_h for a respondent, nan for the others; `taux`: one row is one group:
    groupe, invites, repondants, taux (0–1), niveau (number of variables that still tell it apart)."""

    groupe: np.ndarray
    poids: np.ndarray
    taux: pd.DataFrame


def homogeneity_groups(
    cadre: pd.DataFrame,
    repondu: ArrayLike,
    variables: Sequence[str],
    *,
    effectif_min: int = 20,
    taux_min: float = 0.1,
    repondants_min: int = 5,
) -> Groupes:
    """Groups of the units of the frame (one row each), by crossing `variables`, most important first.

    Written collapsing order: a group with fewer than `effectif_min` units or `repondants_min` respondents, or a rate under
    `taux_min`, joins the other such groups that share its first variables, the last variable being dropped; if together
    they still fail, the smallest sound group sharing these variables joins them; if there is none, one variable more is
    dropped. Sound groups otherwise stay as they are. Whatever happens, every unit has a group and Σ weights = units.
    Raises ValueError when nobody answered. (Little 1986; Haziza and Beaumont 2007.)
    """
    r = np.asarray(repondu, dtype=bool)
    if not r.any():
        raise ValueError("aucune unité n'a répondu : pas de groupe de réponse.")
    codes = cadre[list(variables)].astype(str)
    groupe = codes.agg(SEPARATEUR.join, axis=1).to_numpy(dtype=object)
    for niveau in range(len(variables), 0, -1):
        prefixe = (
            codes[list(variables[: niveau - 1])].agg(SEPARATEUR.join, axis=1).to_numpy(dtype=object)
            if niveau > 1 else np.full(len(codes), TOUS, dtype=object)
        )  # fmt: skip
        groupe = _merge(groupe, prefixe, r, effectif_min, taux_min, repondants_min)
    compte = pd.DataFrame({"groupe": groupe, "r": r}).groupby("groupe", sort=True)["r"].agg(["size", "sum"])
    taux = pd.DataFrame({
        "groupe": compte.index, "invites": compte["size"].to_numpy(), "repondants": compte["sum"].to_numpy(),
        "taux": (compte["sum"] / compte["size"]).to_numpy(),
        "niveau": [0 if g == TOUS else g.removesuffix(SEPARATEUR + "autres").count(SEPARATEUR) + 1 for g in compte.index],
    })  # fmt: skip
    poids = np.where(r, pd.Series(groupe).map(compte["size"] / compte["sum"]).to_numpy(dtype=float), np.nan)
    return Groupes(groupe, poids, taux)


def _merge(
    groupe: np.ndarray, prefixe: np.ndarray, r: np.ndarray, effectif_min: int, taux_min: float, repondants_min: int
) -> np.ndarray:
    """One pass of the collapsing order."""
    df = pd.DataFrame({"groupe": groupe, "prefixe": prefixe, "r": r})
    compte = df.groupby("groupe").agg(n=("r", "size"), r=("r", "sum"), prefixe=("prefixe", "first"))

    def fails(n: float, k: float) -> bool:
        return n < effectif_min or k < repondants_min or k < taux_min * n

    nouveau: dict[str, str] = {}
    for p, freres in compte.groupby("prefixe", sort=True):
        mauvais = [g for g in sorted(freres.index) if fails(freres.at[g, "n"], freres.at[g, "r"])]
        if not mauvais:
            continue
        bons = sorted(set(freres.index) - set(mauvais), key=lambda g: (freres.at[g, "n"], g))
        n, k = freres.loc[mauvais, "n"].sum(), freres.loc[mauvais, "r"].sum()
        while bons and fails(n, k):
            g = bons.pop(0)
            mauvais.append(g)
            n, k = n + freres.at[g, "n"], k + freres.at[g, "r"]
        nom = str(p) if not bons else f"{p}{SEPARATEUR}autres"
        nouveau |= dict.fromkeys(mauvais, nom)
    return np.array([nouveau.get(g, g) for g in groupe], dtype=object)
