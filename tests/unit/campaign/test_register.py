"""Which units of the frame an answer covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cartographie.base.errors import UserError
from cartographie.campaign.frame import Matching
from cartographie.survey.model import Campagne, Entite, Questionnaire, Rapprochement, Succession


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


def match(*args: Any, **options: Any) -> tuple[np.ndarray, pd.DataFrame]:
    found = Matching(*args, **options)
    return found.base_ligne, found.liens


def links(df: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(df.itertuples(index=False, name=None))


def test_site_then_nothing_broader(q: Questionnaire) -> None:
    position, liens = match(answers(("F:2", "2", "9")), {}, BASE, q)
    assert position.tolist() == [1]
    assert links(liens) == [("F:2", "F:2", "site")]


def test_legal_entity_covers_all_its_sites_when_nothing_narrower(q: Questionnaire) -> None:
    position, liens = match(answers(("J:9", None, "9")), {}, BASE, q)
    assert position.tolist() == [1]
    assert links(liens) == [("J:9", f"F:{i}", "entite_juridique") for i in (2, 3, 4)]


def test_the_list_of_covered_sites_restricts_the_legal_entity(q: Questionnaire) -> None:
    position, liens = match(answers(("J:9", None, "9")), covered((0, "4"), (0, "3"), (0, "777")), BASE, q)
    assert position.tolist() == [2]
    assert links(liens) == [("J:9", "F:3", "perimetre"), ("J:9", "F:4", "perimetre")]


def test_a_mistyped_site_is_not_taken_for_the_whole_legal_entity(q: Questionnaire) -> None:
    position, liens = match(answers(("F:22", "22", "9"), ("J:9", None, "9")), covered((1, "33")), BASE, q)
    assert position.tolist() == [-1, -1] and liens.empty


def test_the_list_of_covered_sites_adds_to_the_own_site(q: Questionnaire) -> None:
    position, liens = match(answers(("J:9", "2", "9")), covered((0, "2"), (0, "4")), BASE, q)
    assert position.tolist() == [1]
    assert links(liens) == [("J:9", "F:2", "site"), ("J:9", "F:4", "perimetre")]


def test_the_direct_answer_wins_and_the_overlap_is_listed(q: Questionnaire) -> None:
    racines = answers(("J:9", None, "9"), ("F:3", "3", "9"))
    position, liens = match(racines, {}, BASE, q)
    assert position.tolist() == [1, 2]
    assert links(liens) == [
        ("F:3", "F:3", "site"), ("J:9", "F:2", "entite_juridique"), ("J:9", "F:4", "entite_juridique"),
    ]  # fmt: skip
    assert links(Matching(racines, {}, BASE, q).overlaps()) == [("J:9", "F:3", "entite_juridique", "F:3")]


def test_between_two_lists_the_shorter_wins(q: Questionnaire) -> None:
    racines = answers(("A", None, None), ("B", None, None))
    _, liens = match(racines, covered((0, "3"), (0, "4"), (1, "4")), BASE, q)
    assert links(liens) == [("A", "F:3", "perimetre"), ("B", "F:4", "perimetre")]


def test_two_answers_of_one_respondent_cover_a_unit_once(q: Questionnaire) -> None:
    racines = answers(("F:1", "1", None), ("F:1", "1", None))
    position, liens = match(racines, {}, BASE, q)
    assert position.tolist() == [0, 0]
    assert links(liens) == [("F:1", "F:1", "site")]
    assert Matching(racines, {}, BASE, q).overlaps().empty


def test_unmatched_answers_are_listed_without_values(q: Questionnaire) -> None:
    racines = answers(("F:404", "404", None), ("d:3", None, None), ("F:5", "5", None))
    position, liens = match(racines, {}, BASE, q)
    assert position.tolist() == [-1, -1, 4]
    found = Matching(racines, {}, BASE, q).unmatched()
    assert found.set_index("id_repondant")["motif"].to_dict() == {
        "F:404": "identifiant absent de la base de sondage",
        "d:3": "aucun identifiant de rattachement",
    }
    assert liens["id_base"].tolist() == ["F:5"]


def test_labels_not_positions(q: Questionnaire) -> None:
    racines = answers(("F:1", "1", None), ("J:9", None, "9")).set_axis([10, 20])
    position, liens = match(racines, covered((20, "3")), BASE.set_axis([5, 6, 7, 8, 9]), q)
    assert position.tolist() == [5, 7]
    assert links(liens) == [("F:1", "F:1", "site"), ("J:9", "F:3", "perimetre")]


@pytest.mark.parametrize("racines", [answers(), answers(("X", None, None)).drop(columns=["site", "ej"])])
def test_nothing_to_match(q: Questionnaire, racines: pd.DataFrame) -> None:
    position, liens = match(racines, {}, BASE, q)
    assert (position == -1).all() and liens.empty
    assert len(Matching(racines, {}, BASE, q).unmatched()) == len(racines)


# ------------------------------------------------------------------------------------------- what the number does not say by itself


def after(
    q: Questionnaire, *suites: Succession, liens: Sequence[tuple[str, str]] = (), repli: bool = False
) -> Questionnaire:
    """The survey with a table of successions, links the analyst accepted, a number of last resort."""
    acceptes = tuple(Rapprochement(r, u, "", "", n) for n, (r, u) in enumerate(liens, start=2))
    campagne = Campagne("ed", "", date(2001, 1, 1), date(2001, 6, 30), "", None, {}, {}, (), acceptes)
    enquete = {**q.enquete, "successions": {"variable": "site", "fichier": "successions.csv"}}
    if repli:
        dernier = {"entite": "acteur", "variable": "siret", "base": "siret", "mode": "siret", "repli": True}
        enquete["lien_base"] = [*enquete["lien_base"], dernier]
    return replace(q, enquete=enquete, campagnes={"ed": campagne}, successions={s.ancien: s for s in suites})


def became(ancien: str, nouveaux: str, nature: str = "fusion", mois: int = 1) -> Succession:
    return Succession(ancien, tuple(nouveaux.split()), nature, date(2001, mois, 1))


def told(q: Questionnaire, racines: pd.DataFrame, enfants: Any = None) -> list[tuple[str, int | None, str]]:
    constats = Matching(racines, enfants or {}, BASE, q, "ed").successions_met()
    return [(c.constat, c.enregistrement, str(c.details.get("possibles") or c.details["nouveau"])) for c in constats]


def test_a_repaired_number_is_told_and_yields_to_an_exact_one(q: Questionnaire) -> None:
    racines = answers(("A", "3", None), ("B", "3", None), ("C", "1", None))
    _, liens = match(racines, {}, BASE, q, repaired={(0, "site"), (2, "site")})
    assert links(liens) == [("B", "F:3", "site"), ("C", "F:1", "site_redresse")]


def test_a_siret_is_tried_when_no_own_number_is_found(q: Questionnaire) -> None:
    racines = answers(("A", "404", None), ("B", "1", None), ("C", None, None), ("D", None, None))
    racines["siret"] = ["S2", "S3", "S5", "S404"]
    base = BASE.assign(siret=["S1", "S2", "S3", "S4", "S5"])
    position, liens = match(racines, covered((0, "4")), base, after(q, repli=True))
    assert position.tolist() == [3, 0, 4, -1]
    assert links(liens) == [
        ("B", "F:1", "site"), ("A", "F:4", "perimetre"), ("A", "F:2", "siret"), ("C", "F:5", "siret"),
    ]  # fmt: skip
    absents = {
        len(b.columns): Matching(racines, covered((0, "4")), b, after(q, repli=True)).unmatched()["motif"].tolist()
        for b in (base, BASE)
    }
    assert absents == {4: ["identifiant absent de la base de sondage"], 3: ["aucun identifiant de rattachement"] * 2}


def test_a_replaced_number_is_followed_and_told(q: Questionnaire) -> None:
    racines = answers(("F:99", "99", None), ("F:98", "98", None), ("F:1", "1", None))
    q = after(q, became("99", "2"), became("98", "3", mois=7))  # the second only after the campaign
    position, liens = match(racines, {}, BASE, q, "ed")
    assert position.tolist() == [1, -1, 0]
    assert links(liens) == [("F:1", "F:1", "site"), ("F:99", "F:2", "succession")]
    assert told(q, racines) == [("etablissement_remplace", 0, "2")]
    position, _ = match(racines, {}, BASE, q)  # no campaign, no succession
    assert position.tolist() == [-1, -1, 0]


def test_a_replaced_number_still_in_the_frame_leads_to_its_successor(q: Questionnaire) -> None:
    racines = answers(("F:1", "1", None))
    q = after(q, became("1", "2"))
    assert links(match(racines, {}, BASE, q, "ed")[1]) == [("F:1", "F:2", "succession")]


def test_two_merged_sites_cover_their_successor_once_its_own_answer_first(q: Questionnaire) -> None:
    q = after(q, became("98", "2"), became("99", "2"))
    racines = answers(("F:98", "98", None), ("F:99", "99", None))
    assert links(match(racines, {}, BASE, q, "ed")[1]) == [("F:98", "F:2", "succession")]
    assert links(Matching(racines, {}, BASE, q, "ed").overlaps()) == [("F:99", "F:2", "succession", "F:98")]
    racines = answers(("F:98", "98", None), ("F:2", "2", None))
    assert links(match(racines, {}, BASE, q, "ed")[1]) == [("F:2", "F:2", "site")]


def test_a_list_of_covered_sites_does_not_hide_a_closed_number(q: Questionnaire) -> None:
    q = after(q, became("99", "2"))
    racines = answers(("F:99", "99", None))
    _, liens = match(racines, covered((0, "4")), BASE, q, "ed")
    assert links(liens) == [("F:99", "F:4", "perimetre"), ("F:99", "F:2", "succession")]
    assert told(q, racines, covered((0, "4"))) == [("etablissement_remplace", 0, "2")]
    assert told(q, racines, covered((0, "2"))) == [("etablissement_remplace", 0, "2")]  # already listed: still told


def test_a_closed_site_is_told_and_kept_where_the_frame_has_it(q: Questionnaire) -> None:
    q = after(q, became("1", "", "fermeture"), became("99", "", "fermeture"))
    racines = answers(("F:1", "1", None), ("F:99", "99", None))
    assert links(match(racines, {}, BASE, q, "ed")[1]) == [("F:1", "F:1", "site")]
    assert [(nom, i) for nom, i, _ in told(q, racines)] == [("etablissement_ferme", 0), ("etablissement_ferme", 1)]


def test_a_split_site_is_the_analysts_to_link(q: Questionnaire) -> None:
    q = after(q, became("99", "2 3", "scission"))
    racines = answers(("F:99", "99", None)).set_axis([7])
    position, liens = match(racines, {}, BASE, q, "ed")
    assert position.tolist() == [-1] and liens.empty
    assert told(q, racines) == [("etablissement_scinde", 7, "2, 3")]
    assert Matching(racines, {}, BASE, q, "ed").split_units() == {7: ("F:2", "F:3")}
    choisi = after(q, *q.successions.values(), liens=[("F:99", "F:3")])
    assert links(match(racines, {}, BASE, choisi, "ed")[1]) == [("F:99", "F:3", "declare")]
    assert told(choisi, racines) == []


def test_a_link_the_analyst_declared_by_respondent_or_by_file(q: Questionnaire) -> None:
    racines = answers(("F:404", "404", None), ("d:3", None, None)).assign(depot=["a" * 12, "b" * 12])
    q = after(q, became("404", "1"), liens=[("F:404", "F:2"), ("b" * 12, "F:3")])
    position, liens = match(racines, {}, BASE, q, "ed")
    assert position.tolist() == [1, 2]  # what the analyst says goes before what the table of successions says
    assert links(liens) == [("F:404", "F:2", "declare"), ("d:3", "F:3", "declare")]
    Matching(racines, {}, BASE, q, "ed").require_links()


def test_a_declared_link_adds_the_own_site_to_a_list_of_covered_ones(q: Questionnaire) -> None:
    racines = answers(("F:404", "404", None))
    q = after(q, liens=[("F:404", "F:2")])
    Matching(racines, covered((0, "4")), BASE, q, "ed").require_links()
    _, liens = match(racines, covered((0, "4")), BASE, q, "ed")
    assert links(liens) == [("F:404", "F:4", "perimetre"), ("F:404", "F:2", "declare")]


@pytest.mark.parametrize(
    ("lien", "dit"),
    [
        (("F:1", "F:2"), "« F:1 » est déjà rattaché par son numéro à F:1"),
        (("F:404", "F:77"), "« F:77 » n'est pas dans la base de sondage"),
        (("F:9", "F:2"), "aucune réponse gardée n'est celle de « F:9 »"),
        (("d", "F:2"), "aucune réponse gardée n'est celle de « d »"),  # a file of several answers names none of them
    ],
)
def test_a_declared_link_that_cannot_hold_is_refused(q: Questionnaire, lien: tuple[str, str], dit: str) -> None:
    racines = answers(("F:1", "1", None), ("F:404", "404", None))
    with pytest.raises(UserError, match="D13") as erreur:
        Matching(racines, {}, BASE, after(q, liens=[lien]), "ed").require_links()
    assert erreur.value.statut == 10
    assert f"schemas/ed/rapprochements.csv ne s'appliquent plus : ligne 2, {dit}" in str(erreur.value)
    Matching(racines, {}, BASE, after(q), "ed").require_links()
