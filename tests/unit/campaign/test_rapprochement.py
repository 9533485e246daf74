"""Units proposed by name and place for the answers no number links: a score, never a link."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cartographie.campaign import links
from cartographie.survey.model import Entite, Questionnaire, Variable

DECLARE = {
    "nom": "nom", "base_nom": "nom_base", "commune": "commune", "base_commune": "commune",
    "departement": "departement", "base_departement": "departement",
    "abreviations": {"ch": "centre hospitalier", "st": "saint", "sa": "", "de": "", "du": ""},
}  # fmt: skip
BASE = pd.DataFrame(
    [
        ("F:1", "Centre hospitalier de Xville", "01001", "01"),
        ("F:2", "Clinique Saint-Modèle", "01001", "01"),
        ("F:3", "Clinique Saint Modele SA", "01002", "01"),
        ("F:4", "Clinique Saint-Modèle", "75056", "75"),
        ("F:5", "Pharmacie du Port", "01001", "01"),
        ("F:6", None, "01001", "01"),
    ],
    columns=["id_base", "nom_base", "commune", "departement"],
)


def questionnaire(declare: Mapping[str, Any] = DECLARE, **variables: Variable) -> Questionnaire:
    identifiant = ({"prefixe": "F", "variable": "numero"}, {"prefixe": "P", "variable": "praticien", "hache": True})
    entites = [Entite("acteur", "", identifiant=identifiant), Entite("registre", "", base=True)]
    noms = ("nom", "nom_base", "commune", "departement", "numero", "praticien")
    toutes = {n: Variable(n, ("acteur",), "texte", n) for n in noms} | variables
    vides: dict[str, Any] = dict.fromkeys(
        ("nomenclatures", "passages", "denominateurs", "tableaux", "campagnes", "empreintes"), {}
    )
    return Questionnaire(
        {"rapprochement": declare}, {e.nom: e for e in entites}, toutes, regles=(), comparabilite=(), **vides
    )


def propose(
    *reponses: tuple[str, str | None, str | None, str | None],
    q: Questionnaire | None = None,
    liees: Mapping[int, int] | None = None,
    couvertes: tuple[str, ...] = (),
    scissions: Mapping[int, tuple[str, ...]] | None = None,
) -> pd.DataFrame:
    """`reponses`: (id_repondant, name, commune, department); `liees`: answers a number already links."""
    racines = pd.DataFrame(list(reponses), columns=["id_repondant", "nom", "commune", "departement"], dtype=object)
    racines = racines.assign(depot="d", feuille="F", ligne=range(2, 2 + len(racines)))
    base_ligne = np.array([(liees or {}).get(i, -1) for i in range(len(racines))])
    liens = pd.DataFrame({"id_repondant": [""] * len(couvertes), "id_base": list(couvertes), "mode": "site"})
    return links.propose(racines, BASE, base_ligne, liens, q or questionnaire(), scissions)


def scores(df: pd.DataFrame) -> list[tuple[str, int, str]]:
    return list(df[["id_base", "score", "motif"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("nom", ["Clinique Saint-Modèle", "CLINIQUE ST MODELE", "St-Modèle (clinique du)"])
def test_the_same_name_in_the_same_commune_is_100(nom: str) -> None:
    assert scores(propose(("F:9", nom, "01001", "01"))) == [
        ("F:2", 100, "même commune, nom identique"),
        ("F:3", 85, "même département, nom identique"),
    ]


def test_a_close_name_scores_less_and_a_far_one_is_not_proposed() -> None:
    ((unite, score, motif),) = scores(propose(("F:9", "CH Xvile", "01001", None)))
    assert unite == "F:1" and 65 <= score < 100 and motif == "même commune, nom proche"
    assert propose(("F:9", "Laboratoire des Tilleuls", "01001", "01")).empty


def test_nothing_is_proposed_elsewhere_nor_without_a_place_or_a_name() -> None:
    assert propose(("F:9", "Clinique Saint-Modèle", "33063", "33")).empty
    assert propose(("F:9", "Clinique Saint-Modèle", None, None)).empty
    assert propose(("F:9", None, "01001", "01"), ("F:8", "  ", "01001", "01")).empty


def test_an_answer_that_a_number_links_gets_no_proposal() -> None:
    df = propose(
        ("F:2", "Clinique Saint-Modèle", "01001", "01"), ("F:9", "Pharmacie du Port", "01001", "01"), liees={0: 1}
    )
    assert df["id_repondant"].unique().tolist() == ["F:9"]


def test_the_threshold_is_declared() -> None:
    stricte = questionnaire({**DECLARE, "seuil": 90})
    assert scores(propose(("F:9", "Clinique Saint-Modèle", "01001", "01"), q=stricte)) == [
        ("F:2", 100, "même commune, nom identique")
    ]


def test_a_unit_already_covered_is_said_to_be() -> None:
    df = propose(("F:9", "Pharmacie du Port", "01001", "01"), couvertes=("F:5",))
    assert scores(df) == [("F:5", 100, "même commune, nom identique, unité déjà couverte par une autre réponse")]


def test_the_branches_of_a_split_number_come_first_wherever_they_are() -> None:
    df = propose(("F:9", "Clinique Saint-Modèle", "01001", "01"), scissions={0: ("F:4",)})
    assert scores(df)[0] == ("F:4", 100, "scission de l'ancien numéro")
    assert df["id_base"].tolist() == ["F:4", "F:2", "F:3"]


def test_three_at_most_best_first_whatever_the_order_received() -> None:
    reponses = [("F:9", "Clinique St Modele", "01001", "01"), ("F:8", "CH de Xville", "01001", "01")]
    df = propose(*reponses)
    assert df.groupby("id_repondant").size().max() <= links.NOMBRE
    assert df["id_repondant"].is_monotonic_increasing
    for _, siens in df.groupby("id_repondant"):
        assert siens["score"].is_monotonic_decreasing
    envers = propose(*reversed(reponses))
    assert df.drop(columns=["ligne"]).equals(envers.drop(columns=["ligne"]))


def test_the_line_to_paste_is_a_line_of_the_file_of_accepted_links() -> None:
    df = propose(("F:9", "Pharmacie du Port", "01001", "01"), couvertes=("F:5",))
    assert list(csv.reader(df["a_coller"])) == [
        ["F:9", "F:5", "même commune, nom identique, unité déjà couverte par une autre réponse", ""]
    ]


def test_a_person_is_never_named() -> None:
    """Neither a respondent known by a person's number, nor a personal variable, nor a name that looks like someone's."""
    reponses = [
        ("P:ab12", "Pharmacie du Port", "01001", "01"),
        ("F:9", "Pharmacie du Port, 06 12 34 56 78", "01001", "01"),
    ]
    df = propose(*reponses)
    assert set(df["nom"]) == {"(masqué)"} and len(df) == 2
    secret = Variable("nom", ("acteur",), "texte", "nom", personnel=True)
    assert set(propose(("F:9", "Pharmacie du Port", "01001", "01"), q=questionnaire(nom=secret))["nom"]) == {"(masqué)"}


def test_without_a_declaration_nothing_is_proposed() -> None:
    df = propose(("F:9", "Clinique Saint-Modèle", "01001", "01"), q=questionnaire({}))
    assert df.empty and list(df.columns) == links.PROPOSALS
