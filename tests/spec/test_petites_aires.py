"""Small areas by hand: what a model says of places where too few answered."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from cartographie.statistics.places import estimate_places
from cartographie.statistics.small_areas import (
    METHODES,
    AireImpossible,
    arcsine_interval,
    benchmark,
    cautious,
    fay_herriot,
    from_arcsine,
    synthetic,
    to_arcsine,
)
from cartographie.survey.model import Campagne, Entite, Questionnaire, Variable


@pytest.mark.parametrize(("methode", "variance"), [("reml", 4.0), ("moments", 4.0), ("ml", 2.75)])
def test_equal_variances_have_a_closed_form(methode: str, variance: float) -> None:
    """Four areas around 10, sampling variance 1 each: Σ (y − 10)² = 15, over m − 1 = 3 (REML, moments) or m = 4 (ML), less 1."""
    y = 10 + np.sqrt(15 / 4) * np.array([1, 1, -1, -1])
    a = fay_herriot(y, [1.0] * 4, np.ones((4, 1)), methode=methode)
    assert a.variance == pytest.approx(variance) and a.coefficients == pytest.approx([10])
    gamma = variance / (variance + 1)
    assert a.estimation == pytest.approx(10 + gamma * (y - 10)) and a.poids == pytest.approx([gamma] * 4)


@pytest.mark.parametrize("methode", METHODES)
def test_areas_that_differ_less_than_chance_are_all_their_mean(methode: str) -> None:
    a = fay_herriot([10.1, 9.9, 10.0], [1.0] * 3, np.ones((3, 1)), methode=methode)
    assert a.variance == 0 and a.estimation == pytest.approx([10] * 3)
    assert a.eqm.min() > 0


def test_an_area_without_answers_is_what_its_covariates_say() -> None:
    """Fitted on 1, 3, 5 for x = 0, 1, 2: exactly 1 + 2x; at x = 3 it says 7, and is off by the area effect and by what β is."""
    x = np.column_stack([np.ones(3), [0, 1, 2]])
    a = fay_herriot([1.0, 3, 5], [1.0] * 3, x)
    estime, eqm = synthetic(a, [[1, 3]])
    assert estime == pytest.approx([7]) and eqm == pytest.approx(
        [np.array([1, 3]) @ a.covariance @ np.array([1, 3]) + a.variance]
    )


def test_what_cannot_be_fitted_is_said() -> None:
    with pytest.raises(AireImpossible, match="ne suffisent pas"):
        fay_herriot([1.0, 2], [1.0, 1], np.eye(2))
    with pytest.raises(AireImpossible, match="variance est nulle"):
        fay_herriot([1.0, 2], [1.0, 0], np.ones((2, 1)))
    with pytest.raises(ValueError, match="« eb »"):
        fay_herriot([1.0, 2], [1.0, 1], np.ones((2, 1)), methode="eb")


def test_there_and_back_adds_no_bias() -> None:
    """Without error, sin²(asin √p) = p; with it, the mean and the variance are those of draws."""
    theta, psi = to_arcsine([0.0, 0.2, 1.0], [25, 25, 25])
    assert psi == pytest.approx([0.01] * 3)
    assert from_arcsine(theta, np.zeros(3))[0] == pytest.approx([0, 0.2, 1])
    tires = np.sin(theta[1] + np.sqrt(0.02) * np.random.default_rng(1).standard_normal(400_000)) ** 2
    part, eqm = from_arcsine(theta[1], 0.02)
    assert (float(part), float(eqm)) == (pytest.approx(tires.mean(), abs=1e-3), pytest.approx(tires.var(), rel=1e-2))
    bas, haut = arcsine_interval(theta, [0.02] * 3)
    assert (bas >= 0).all() and (haut <= 1).all() and bas[0] == 0 and haut[2] == 1


def test_estimates_add_up_to_the_country() -> None:
    """Areas of 100, 100 and 200: 60 users in the first is known, 100 in all: the other two share 40 and keep their order."""
    p = benchmark([0.6, 0.2, 0.3], [100, 100, 200], 100, fixes=[True, False, False])
    assert p[0] == 0.6 and (100 * p[1] + 200 * p[2]) == pytest.approx(40) and 0 < p[1] < p[2] < 0.3
    assert benchmark([0.6, 0.2], [100, 100], 50, fixes=[True, False]).tolist() == [0.6, 0.2]  # no room: as they were


@pytest.mark.parametrize("effet", [0.03, 0.06, 0.1])
def test_the_interval_of_a_place_holds_its_truth_even_with_few_places(effet: float) -> None:
    """Eight places known within 3 to 7 points, five others as far from the model as they are: with the variance as estimated (often
    nil), 85 to 90 intervals in a hundred hold the truth; one standard error higher, 92 at least."""
    hasard, dedans = np.random.default_rng(20261201), np.zeros(2)
    for _ in range(300):
        x = np.column_stack([np.ones(13), hasard.normal(size=(13, 2)) / 10])
        vraies = x @ [0.6, 0.4, 0.4] + effet * hasard.normal(size=13)
        psi = hasard.uniform(0.03, 0.07, 8) ** 2
        a = fay_herriot(vraies[:8] + np.sqrt(psi) * hasard.normal(size=8), psi, x[:8])
        for i, modele in enumerate((a, cautious(a, psi, x[:8]))):
            theta, eqm = synthetic(modele, x[8:])
            dedans[i] += (np.abs(theta - vraies[8:]) <= 1.96 * np.sqrt(eqm)).mean() / 300
    assert dedans[0] < 0.91 and dedans[1] >= 0.92, dedans


# ---- in a published table: the places that are not published

UNITES = dict.fromkeys("ABCDEFGHIJ", 100)  # of the sampling frame, one place a letter


def survey(covariables: list[dict[str, object]] | None = None, **seuils: object) -> Questionnaire:
    """One table: the share of users by region. Frame: region and size of each unit."""
    usage = {"code": "usage", "libelle": "Usage", "mesure": "part", "condition": {"variable": "usage", "egal": "OUI"}}
    usage["estimation"] = {"covariables": covariables or [{"variable": "taille", "egal": "GRAND"}]}
    serie = {"denominateur": "TOUS", "croisements": [[], ["region"]], "indicateurs": [usage]}
    region, taille = (Variable(v, ("cabinet", "base"), "code", v) for v in ("region", "taille"))
    niveaux = [{"code": "france", "libelle": "France"}, {"code": "region", "libelle": "Région", "variable": "region"}]
    return Questionnaire(
        {"axes": {"territoire": {"niveaux": niveaux}}},
        {"cabinet": Entite("cabinet", "Cabinet"), "base": Entite("base", "Base", base=True)},
        {"region": region, "taille": taille}, {}, {}, (), {"TOUS": {"entite": "cabinet", "libelle": "Tous"}},
        {"T01": {"code": "T01", "titre": "Usage", "series": [serie]}}, (),
        {"c1": Campagne("c1", "c1", date(2001, 1, 1), date(2001, 12, 31), "", None, {}, {"seuils": {"fiabilite": seuils}})},
        {},
    )  # fmt: skip


def frame() -> pd.DataFrame:
    """The first place has 5 % of large units, the second 10 %, and so on to 50 %."""
    lignes = [(c, "GRAND" if u < 5 * (i + 1) else "PETIT") for i, (c, n) in enumerate(UNITES.items()) for u in range(n)]
    return pd.DataFrame(lignes, columns=["region", "taille"])


def table(masques: str, parts: dict[str, float], france: float) -> pd.DataFrame:
    """Shares (percent) as published, two points wide on each side; those of `masques` are not."""
    lignes = [
        ("france", "FRANCE", france, "A"),
        *(("region", c, parts[c], "c" if c in masques else "A") for c in UNITES),
    ]
    df = pd.DataFrame(lignes, columns=["territoire_type", "territoire_code", "valeur", "statut"])
    df["valeur"] = df["valeur"].where(df["statut"] == "A")
    return df.assign(
        edition="c1", table_id="T01", territoire_libelle=df["territoire_code"], dimension="", modalite_code="",
        indicateur="usage", denominateur="TOUS", ic_bas=df["valeur"] - 2, ic_haut=df["valeur"] + 2,
    )  # fmt: skip


PARTS = {c: round(100 * np.sin(0.4 + 0.6 * 0.05 * (i + 1)) ** 2, 1) for i, c in enumerate(UNITES)}
FRANCE = round(float(np.mean(list(PARTS.values()))), 1)


def estimated(df: pd.DataFrame, q: Questionnaire | None = None) -> pd.DataFrame:
    return estimate_places(df, q or survey(), "c1", frame()).set_index("territoire_code")


def test_a_place_not_published_is_what_the_others_and_the_frame_say() -> None:
    """Shares follow the large units (y = 0.4 + 0.6 x on the arcsine scale): so do those of C and J, which are masked. Others stay."""
    publie = table("CJ", PARTS, FRANCE)
    r = estimated(publie)
    assert list(r["statut"][["A", "C", "J"]]) == ["A", "e", "e"]
    assert list(r["valeur"][["C", "J"]]) == pytest.approx([PARTS["C"], PARTS["J"]], abs=0.3)
    assert (r["ic_bas"] < r["valeur"]).all() and (r["valeur"] < r["ic_haut"]).all()
    montrees = publie["statut"] == "A"
    assert r.reset_index()[list(publie.columns)][montrees].equals(publie[montrees])


def test_all_places_make_the_published_whole() -> None:
    """One hundred units each: the ten shares make ten times the country's, three tenths above what the model alone says."""
    r = estimated(table("CDJ", PARTS, FRANCE + 0.3))
    assert r["valeur"].drop("FRANCE").sum() == pytest.approx(10 * (FRANCE + 0.3), abs=0.2)
    # twenty points above: the published figures differ by more than the model can bear, nothing is moved
    assert list(estimated(table("CDJ", PARTS, FRANCE + 20))["valeur"][["C", "J"]]) == pytest.approx(
        [PARTS["C"], PARTS["J"]], abs=0.3
    )


@pytest.mark.parametrize("statut", ["c", "n", "i", "e"])
def test_nothing_of_what_is_masked_enters_its_estimate(statut: str) -> None:
    """Whatever a masked row would hold, whatever the reason it is masked, or a figure slipped under the model's status."""
    propre, glisse = table("CJ", PARTS, FRANCE), table("CJ", PARTS, FRANCE)
    masquees = glisse["statut"] == "c"
    glisse.loc[masquees, ["statut", "valeur", "ic_bas", "ic_haut"]] = [statut, 99.0, 98.0, 99.5]
    assert estimated(glisse).equals(estimated(propre))


def test_what_is_no_place_to_estimate_keeps_its_sign() -> None:
    """Too few published places for the model; a question not asked there; an interval wider than the campaign admits."""
    assert set(estimated(table("CDEFGHIJ", PARTS, FRANCE))["statut"]) == {"A", "c"}
    jamais = table("CJ", PARTS, FRANCE).replace({"statut": {"c": "nd"}})
    assert set(estimated(jamais)["statut"]) == {"A", "nd"}
    assert estimated(table("CJ", PARTS, FRANCE), survey(demi_largeur_ns=0.1))["statut"][["C", "J"]].tolist() == [
        "c",
        "c",
    ]


def test_two_covariates_that_say_the_same_are_one() -> None:
    deux = survey([{"variable": "taille", "egal": "GRAND"}, {"variable": "taille", "egal": "PETIT"}])
    assert estimated(table("CJ", PARTS, FRANCE), deux).equals(estimated(table("CJ", PARTS, FRANCE)))
