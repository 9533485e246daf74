"""What a campaign must show to be published: expected of its frames, judged by great-expectations, told to the producer and to the public."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_tables import LAIT, frames, ind, questionnaire, serie

from cartographie.base.errors import UserError
from cartographie.release.plausibility import (
    Suite,
    Verdict,
    ask,
    bounds,
    expect_answers,
    expect_figures,
    judge,
    require_plausible,
)
from cartographie.statistics.estimates import build_plan
from cartographie.statistics.tables import Campagne, draft_tableaux
from cartographie.statistics.weights import Ponderation
from cartographie.survey.check import Checked, _check_expectations
from cartographie.survey.model import Entite, Questionnaire, Variable
from cartographie.survey.written.source import Problemes, Source

pytestmark = pytest.mark.long  # make check leaves it to make test

OBJET = "des fermes <laitières> & d'autres"
ENTETE = {"campagne": "c1", "jour": "2001-12-31", "titre": "Enquête", "mention": "Fictif"}
ATTENTES: list[dict[str, Any]] = [
    {"code": code, "libelle": f"{OBJET} ({code})", **reste}
    for code, reste in {
        "P01": {"mesure": "rattachement", "min": 50},
        "P02": {"mesure": "reponses", "par": "zone", "min": 60, "max": 300, "effectif_min": 5},
        "P03": {"mesure": "effectif", "min": 5, "max": 9},
        "P04": {"mesure": "unicite", "variable": "litres", "min": 90},
        "P05": {"mesure": "modalites", "variable": "lait", "valeurs": ["NON"], "par": "genre", "min": 10},
        "P06": {"mesure": "modalites", "variable": "lait", "valeurs": ["NSP"], "max": 12.4},
        "P07": {"mesure": "chiffre", "tableau": "T01", "indicateur": "lait", "par": "zone", "min": 60},
        "P08": {"mesure": "chiffre", "tableau": "T01", "indicateur": "lait", "par": "genre", "max": 50, "effectif_min": 3},
        "P09": {"mesure": "somme", "tableau": "T01", "indicateur": "fermes", "par": "zone", "min": 99, "max": 100},
        "P10": {"mesure": "poids", "min": 99.9, "max": 100.1},
        "P11": {"mesure": "chiffre", "tableau": "T01", "indicateur": "lait.evolution", "min": -25, "max": 25},
    }.items()
]  # fmt: skip


def enquete() -> Questionnaire:
    q = questionnaire(
        serie(LAIT, ind("fermes", "nombre"), croisements=((), ("zone",), ("genre",))),
        table={"min_repondants": 0, "min_contributeurs": 0},
    )
    seuils = {"fiabilite": {"demi_largeur_ns": 100, "effectif_ns": 0}}
    return replace(q, campagnes={"c1": replace(q.campagnes["c1"], parametres={"seuils": seuils})})


def suites() -> list[Suite]:
    """Nine farms of which six are linked, twice as many the year before, five weighted units."""
    ici = frames()
    ici["ferme"]["id_base"] = [*"abcdef", None, None, None]
    avant = pd.concat([ici["ferme"], ici["ferme"]], ignore_index=True)
    unites = pd.DataFrame({"racine": [0, 0, 1, 2, 3], "base": [0, 7, 1, 2, 3], "poids": [3.0, 2.0, 1.0, 1.0, 2.0]})
    marges = pd.DataFrame(
        {
            "variable": "zone",
            "modalite": ["1", "autres"],
            "repondants": [4, 1],
            "population": [7.0, 5.0],
            "estimee": [7.0, 2.0],
        }
    )
    plan = build_plan([5.0, 1.0, 1.0, 2.0], ["tous"] * 4, tailles={"tous": 9})
    p = Ponderation(unites, np.arange(4), plan, pd.DataFrame(), marges, {})
    q = enquete()
    tableaux = draft_tableaux(q, Campagne("c1", ici))
    return [
        *expect_answers(q, ATTENTES, ici["ferme"], ici["annuaire"], avant),
        *expect_figures(q, "c1", ATTENTES, tableaux, ici["annuaire"], p),
    ]  # fmt: skip


def _judge(**declare: Any) -> Verdict:
    with ask() as processus:
        return judge(processus, enquete(), {"attentes": ATTENTES, **declare}, suites(), ENTETE)


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    return _judge()


def test_each_expectation_is_met_or_says_where_it_is_not(verdict: Verdict) -> None:
    assert {a.code: (a.verdict, a.mesures, a.hors) for a in verdict.attentes} == {
        "P01": ("tenue", 1, ()),
        "P02": ("non tenue", 1, (("Nord", 50.0),)),  # four answers the year before in the other zone: too few to judge
        "P03": ("tenue", 1, ()),
        "P04": ("tenue", 1, ()),
        "P05": ("non tenue", 2, (("Grande", 0.0),)),
        "P06": ("non tenue", 1, (("ensemble", 12.5),)),
        "P07": ("non tenue", 2, (("Sud", 50.0),)),
        "P08": ("tenue", 1, ()),
        "P09": ("non tenue", 1, (("ensemble", 88.89),)),  # one farm says no zone
        "P10": ("non tenue", 2, (("zone autres", 40.0),)),
        "P11": ("sans objet", 0, ()),
    }


def test_the_expectations_are_those_that_fit_on_the_frames_of_the_warehouse() -> None:
    """Rows are counted, shares taken and weights added up by great-expectations, not here."""
    vues = {
        s.nom: ({x["type"].removeprefix("expect_") for x in s.attentes}, len(s.frame), set(s.frame)) for s in suites()
    }
    assert vues["ferme"] == (
        {"column_proportion_of_non_null_values_to_be_between", "table_row_count_to_be_between", "column_values_to_be_in_set",
         "column_proportion_of_unique_values_to_be_between", "column_values_to_not_be_in_set"},
        9, {"id_base", "zone", "genre", "lait", "litres"},
    )  # fmt: skip
    assert vues["T01"][0] == {"column_values_to_be_between", "column_sum_to_be_between"}
    assert vues["poids"] == ({"column_sum_to_be_between"}, 5, {"zone", "poids"})


def test_a_bound_read_at_two_decimals_is_met() -> None:
    """33 % of 18 answers is 5,94: six are needed; 44,445 % of 18 is 8,0001, that eight answers are said to be."""
    q = questionnaire(serie(LAIT))
    fermes = frames()["ferme"]
    for borne, attendu in ((33, 6), (44.445, 8)):
        a = {"code": "P01", "libelle": "x", "mesure": "reponses", "min": borne}
        (suite,) = expect_answers(q, [a], fermes, None, pd.concat([fermes, fermes]))
        assert [x["kwargs"] for x in suite.attentes] == [{"min_value": attendu}]


def test_what_cannot_be_measured_is_not_expected() -> None:
    q, fermes = questionnaire(serie(LAIT)), frames()["ferme"]
    vide = [{"code": "P01", "libelle": "x", "mesure": m, "min": 1} for m in ("rattachement", "reponses")]
    vide += [{"code": "P02", "libelle": "x", "mesure": "unicite", "variable": "lait", "min": 1}]
    assert expect_answers(q, vide, fermes.assign(lait=None), frames()["annuaire"][:0], None) == []
    assert expect_figures(q, "c1", ATTENTES, [], None, None) == []


def test_what_is_not_met_stops_the_release_unless_waived(verdict: Verdict) -> None:
    with pytest.raises(UserError, match=r"E13.*P02, .* \(Nord : 50\) ; P05.* \(Grande : 0\)") as e:
        require_plausible(verdict.attentes, "c1")
    assert e.value.statut == 13 and "P01" not in str(e.value) and "P11" not in str(e.value)
    derogations = [{"code": a.code, "motif": "nouvelle région"} for a in verdict.attentes if not a.tenue]
    waived = [replace(a, derogation=d["motif"]) for a in verdict.attentes for d in derogations if d["code"] == a.code]
    require_plausible(waived, "c1")


def test_the_public_page_holds_no_value(verdict: Verdict) -> None:
    for texte in ("Nord", "Grande", "88,9", "12,5<", "zone autres"):
        assert texte not in verdict.public.split("</style>")[1], texte
    assert all(x in verdict.detail for x in ("Nord", "Grande", "88,9", "data_docs/index.html"))
    for page in (verdict.public, verdict.detail):
        assert 'lang="fr"' in page and '<p class="alerte">Fictif</p>' in page
        assert (
            "<td>au moins 60\u00a0% et au plus 300\u00a0%</td><td>non tenue</td>" in page
            and "<td>sans objet</td>" in page
        )
        assert "fermes &lt;laitières&gt; &amp; d&#x27;autres" in page and OBJET not in page
        assert "<p>Attentes : 4 tenues, 6 non tenues, 1 sans objet.</p>" in page


@pytest.mark.parametrize(
    ("attente", "dit"),
    [
        ({"mesure": "rattachement", "min": 50}, "au moins 50 %"),
        ({"mesure": "poids", "min": 99.9, "max": 100.1}, "au moins 99,9 % et au plus 100,1 %"),
        ({"mesure": "somme", "tableau": "T01", "indicateur": "fermes", "max": 100}, "au plus 100 %"),
        ({"mesure": "effectif", "min": 1, "max": 1200}, "au moins 1 réponse et au plus 1\u202f200 réponses"),
        ({"indicateur": "lait", "min": 60}, "au moins 60 %"),
        ({"indicateur": "lait.evolution", "min": -25, "max": 1.5}, "au moins −25 points et au plus 1,5 point"),
        ({"indicateur": "fermes", "min": 1, "max": 3}, "au moins 1 ferme laitière et au plus 3 fermes laitières"),
        ({"indicateur": "fermes.evolution", "max": 3}, "au plus 3 fermes laitières"),
        ({"indicateur": "vaches", "min": 4}, "au moins 4 vaches"),
        ({"indicateur": "foin", "min": 4}, "au moins 4"),
        ({"indicateur": "poids", "min": 4}, "au moins 4 kg"),
        ({"indicateur": "unites", "min": 4}, "au moins 4 unités"),
        ({"indicateur": "robots", "min": 4}, "au moins 4 robots de traite"),
    ],
)  # fmt: skip
def test_each_bound_says_its_unit(attente: dict[str, Any], dit: str) -> None:
    """Per cent, but for what is counted and for a figure, which is in its own unit, or in points between editions."""

    def indicateur(code: str, mesure: str, **reste: Any) -> dict[str, Any]:
        return {"code": code, "mesure": mesure, "libelle": code, **reste}

    q = enquete()
    variable = Variable("tete", ("ferme",), "entier", "Vaches", unite="vaches")
    entites = {
        "ferme": Entite("ferme", "Ferme laitière", None), "annuaire": Entite("annuaire", "Annuaire", None, base=True),
        "robot": Entite("robot", "Robot de traite", "ferme"),
    }  # fmt: skip
    fermes = [
        indicateur("lait", "part"), indicateur("fermes", "nombre"), indicateur("vaches", "moyenne", valeur="tete"),
        indicateur("foin", "somme", valeur="ballots"), indicateur("poids", "somme", valeur="tete", unite="kg"),
        indicateur("robots", "somme", valeur={"nombre": "robot"}),
    ]  # fmt: skip
    series = [
        {"denominateur": "F", "indicateurs": fermes},
        {"denominateur": "A", "indicateurs": [indicateur("unites", "nombre")]},
    ]
    q = replace(
        q, entites=entites, variables={"tete": variable}, tableaux={"T01": {"series": series}},
        denominateurs={"F": {"entite": "ferme"}, "A": {"entite": "annuaire"}},
    )  # fmt: skip
    complete = {"mesure": "chiffre", "tableau": "T01", **attente}
    assert bounds(q, complete).replace("\u00a0", " ").replace("\u2212", "−") == dit


class _Liens(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.vus: list[tuple[str, str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.vus += [
            (tag, k, v or "")
            for k, v in attrs
            if k in ("src", "href", "srcset", "action", "data") or tag in ("script", "link", "img")
        ]


def test_opening_any_page_asks_nothing_of_anybody(verdict: Verdict) -> None:
    """Neither the French pages nor the Data Docs have anything to fetch; their links stay in their folder."""
    assert set(verdict.docs) == {
        "index.html",
        *(f"{p}{s}.html" for p in ("", "attentes-") for s in ("ferme", "T01", "poids")),
    }
    for page in (verdict.public, verdict.detail, *verdict.docs.values()):
        liens = _Liens(page).vus
        assert {(t, k) for t, k, _ in liens} <= {("a", "href")}, liens
        assert not re.search(r"https?:|url\(|@import|<script|<iframe", page)
        assert all(
            v.startswith("#") or v.removeprefix("../") in {*verdict.docs, "plausibilite.html", "data_docs/index.html"}
            for *_, v in liens
        )


def test_data_docs_are_great_expectations_own_and_name_nobody(verdict: Verdict) -> None:
    ferme = verdict.docs["ferme.html"]
    assert (
        "Evaluated Expectations" in ferme
        and "unexpected values" in verdict.docs["T01.html"]
        and "Sud" in verdict.docs["T01.html"]
    )
    assert "P01 : des fermes" in verdict.docs["attentes-ferme.html"] and "attentes-ferme.html" in ferme
    assert "0.6666666667" in ferme and "8.90955" in verdict.docs["T01.html"]  # what was observed, what was asked
    for nom in ("F:1", "id_repondant", "marches"):
        assert all(nom not in page for page in verdict.docs.values()), nom


def test_twice_the_same_bytes(verdict: Verdict) -> None:
    """Neither the hour nor an identifier drawn at random is left in any page."""
    assert _judge() == verdict


def test_an_expectation_on_what_is_never_shown_is_refused() -> None:
    """Its values would be in the Data Docs; neither is one that means nothing."""
    q = questionnaire(serie(LAIT))
    q = replace(q, variables=q.variables | {"nom": Variable("nom", ("ferme",), "texte", "Nom", personnel=True)})
    fautives = [
        {"mesure": "unicite", "variable": "nom", "min": 1},
        {"mesure": "unicite", "variable": "marches", "min": 1},
        {"mesure": "effectif", "par": "race", "min": 1},
        {"mesure": "modalites", "variable": "lait", "valeurs": ["OUI", "?"], "max": 1},
        {"mesure": "effectif", "par": "zone", "min": 3, "max": 2},
    ]
    attentes = [{"code": f"P{20 + i}", "libelle": "x", **a} for i, a in enumerate(fautives)]
    problemes = Problemes()
    source = Source("plausibilite.yaml", {"attentes": [*ATTENTES[:6], *attentes]}, {})
    _check_expectations(Checked(q, source, problemes))
    assert [(e.code, e.cle, e.message.partition("» : ")[2]) for e in problemes.liste] == [
        ("D10", "attentes.6.variable", "« nom » est personnelle, non publiable ou à plusieurs réponses."),
        ("D10", "attentes.7.variable", "« marches » est personnelle, non publiable ou à plusieurs réponses."),
        ("D05", "attentes.8.par", "« race » n'est pas une variable des répondants."),
        ("D06", "attentes.9.valeurs", "« ? » n'est pas une réponse de « reponse »."),
        ("D10", "attentes.10.min", "rien n'est à la fois au moins 3 et au plus 2."),
    ]
