"""Which units of the frame an answer covers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from cartographie import register
from cartographie.model import Entite, Questionnaire


@pytest.fixture
def q() -> Questionnaire:
    entites = [Entite("acteur", ""), Entite("couvert", "", parent="acteur"), Entite("registre", "", base=True)]
    liens = [
        {"entite": "acteur", "variable": "site", "base": "site", "mode": "site"},
        {"entite": "couvert", "variable": "site_couvert", "base": "site", "mode": "perimetre"},
        {"entite": "acteur", "variable": "ej", "base": "ej", "mode": "entite_juridique"},
    ]
    empty: dict[str, Any] = dict.fromkeys(
        ["variables", "nomenclatures", "passages", "denominateurs", "tableaux", "campagnes", "empreintes"], {}
    )
    return Questionnaire({"lien_base": liens}, {e.nom: e for e in entites}, regles=(), comparabilite=(), **empty)


BASE = pd.DataFrame({
    "id_base": ["F:1", "F:2", "F:3", "F:4", "F:5"], "site": ["1", "2", "3", "4", "5"], "ej": ["8", "9", "9", "9", None],
})  # fmt: skip


def answers(*rows: tuple[str, str | None, str | None]) -> pd.DataFrame:
    df = pd.DataFrame(list(rows), columns=["id_repondant", "site", "ej"], dtype="object")
    return df.assign(depot="d", feuille="F", ligne=range(2, 2 + len(df)))


def covered(*rows: tuple[int, str | None]) -> dict[str, pd.DataFrame]:
    return {"couvert": pd.DataFrame(list(rows), columns=["parent", "site_couvert"])}


def links(df: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(df.itertuples(index=False, name=None))


def test_site_then_nothing_broader(q: Questionnaire) -> None:
    position, liens = register.match(answers(("F:2", "2", "9")), {}, BASE, q)
    assert position.tolist() == [1]
    assert links(liens) == [("F:2", "F:2", "site")]


def test_legal_entity_covers_all_its_sites_when_nothing_narrower(q: Questionnaire) -> None:
    position, liens = register.match(answers(("J:9", None, "9")), {}, BASE, q)
    assert position.tolist() == [1]
    assert links(liens) == [("J:9", f"F:{i}", "entite_juridique") for i in (2, 3, 4)]


def test_the_list_of_covered_sites_restricts_the_legal_entity(q: Questionnaire) -> None:
    position, liens = register.match(answers(("J:9", None, "9")), covered((0, "4"), (0, "3"), (0, "777")), BASE, q)
    assert position.tolist() == [2]
    assert links(liens) == [("J:9", "F:3", "perimetre"), ("J:9", "F:4", "perimetre")]


def test_a_mistyped_site_is_not_taken_for_the_whole_legal_entity(q: Questionnaire) -> None:
    position, liens = register.match(answers(("F:22", "22", "9"), ("J:9", None, "9")), covered((1, "33")), BASE, q)
    assert position.tolist() == [-1, -1] and liens.empty


def test_the_list_of_covered_sites_adds_to_the_own_site(q: Questionnaire) -> None:
    position, liens = register.match(answers(("J:9", "2", "9")), covered((0, "2"), (0, "4")), BASE, q)
    assert position.tolist() == [1]
    assert links(liens) == [("J:9", "F:2", "site"), ("J:9", "F:4", "perimetre")]


def test_the_direct_answer_wins_and_the_overlap_is_listed(q: Questionnaire) -> None:
    racines = answers(("J:9", None, "9"), ("F:3", "3", "9"))
    position, liens = register.match(racines, {}, BASE, q)
    assert position.tolist() == [1, 2]
    assert links(liens) == [
        ("F:3", "F:3", "site"), ("J:9", "F:2", "entite_juridique"), ("J:9", "F:4", "entite_juridique"),
    ]  # fmt: skip
    assert links(register.overlaps(racines, {}, BASE, q)) == [("J:9", "F:3", "entite_juridique", "F:3")]


def test_between_two_lists_the_shorter_wins(q: Questionnaire) -> None:
    racines = answers(("A", None, None), ("B", None, None))
    _, liens = register.match(racines, covered((0, "3"), (0, "4"), (1, "4")), BASE, q)
    assert links(liens) == [("A", "F:3", "perimetre"), ("B", "F:4", "perimetre")]


def test_two_answers_of_one_respondent_cover_a_unit_once(q: Questionnaire) -> None:
    racines = answers(("F:1", "1", None), ("F:1", "1", None))
    position, liens = register.match(racines, {}, BASE, q)
    assert position.tolist() == [0, 0]
    assert links(liens) == [("F:1", "F:1", "site")]
    assert register.overlaps(racines, {}, BASE, q).empty


def test_unmatched_and_uncovered_are_listed_without_values(q: Questionnaire) -> None:
    racines = answers(("F:404", "404", None), ("d:3", None, None), ("F:5", "5", None))
    position, liens = register.match(racines, {}, BASE, q)
    assert position.tolist() == [-1, -1, 4]
    found = register.unmatched(racines, {}, position, q)
    assert found.set_index("id_repondant")["motif"].to_dict() == {
        "F:404": "identifiant absent de la base de sondage",
        "d:3": "aucun identifiant de rattachement",
    }
    assert register.uncovered(BASE, liens)["id_base"].tolist() == ["F:1", "F:2", "F:3", "F:4"]


def test_labels_not_positions(q: Questionnaire) -> None:
    racines = answers(("F:1", "1", None), ("J:9", None, "9")).set_axis([10, 20])
    position, liens = register.match(racines, covered((20, "3")), BASE.set_axis([5, 6, 7, 8, 9]), q)
    assert position.tolist() == [5, 7]
    assert links(liens) == [("F:1", "F:1", "site"), ("J:9", "F:3", "perimetre")]


@pytest.mark.parametrize("racines", [answers(), answers(("X", None, None)).drop(columns=["site", "ej"])])
def test_nothing_to_match(q: Questionnaire, racines: pd.DataFrame) -> None:
    position, liens = register.match(racines, {}, BASE, q)
    assert (position == -1).all() and liens.empty
    assert len(register.unmatched(racines, {}, position, q)) == len(racines)
