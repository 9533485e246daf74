"""Closed, merged, replaced and split establishments: what is followed, how far, and what is refused."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartographie.campaign.links import Suite, follow
from cartographie.survey.adjustments import build_successions
from cartographie.survey.model import Succession
from cartographie.survey.written.source import Problemes, read_csv

FIN = date(2001, 6, 30)
ENTETE = "ancien,nouveau,nature,date,source"


def table(*lignes: tuple[str, str, str, str]) -> dict[str, Succession]:
    sortie: dict[str, Succession] = {}
    for ancien, nouveaux, nature, jour in lignes:
        sortie[ancien] = Succession(ancien, tuple(nouveaux.split()), nature, date.fromisoformat(jour))
    return sortie


def suite(numero: str, unites: str, *lignes: tuple[str, str, str, str]) -> Suite | None:
    return follow(numero, table(*lignes), set(unites.split()), FIN)


def to(s: Suite | None) -> tuple[str | None, tuple[str, ...], bool]:
    assert s is not None
    return s.unite, s.possibles, s.fermee


def test_a_number_nothing_happened_to_is_not_followed() -> None:
    assert suite("1", "2", ("9", "2", "remplacement", "2001-01-01")) is None


@pytest.mark.parametrize("nature", ["remplacement", "fusion"])
def test_a_replaced_or_merged_one_leads_to_its_successor(nature: str) -> None:
    assert suite("1", "2", ("1", "2", nature, "2001-01-01")) == Suite("1", "2", (), nature, date(2001, 1, 1), False)


def test_a_closed_one_leads_nowhere() -> None:
    assert suite("1", "1 2", ("1", "", "fermeture", "2001-01-01")) == Suite(
        "1", None, (), "fermeture", date(2001, 1, 1), True
    )


def test_a_split_one_is_never_followed_by_itself() -> None:
    assert to(suite("1", "2 3", ("1", "2 3", "scission", "2001-01-01"))) == (None, ("2", "3"), False)
    # even when the frame holds only one of the branches: the answer may be that of the other
    assert to(suite("1", "3", ("1", "2 3", "scission", "2001-01-01"))) == (None, ("3",), False)
    assert to(suite("1", "2", ("1", "2", "scission", "2001-01-01"))) == (None, ("2",), False)  # one branch declared


def test_a_chain_is_followed_to_its_last_unit_of_the_frame() -> None:
    chaine = [("1", "2", "fusion", "2000-01-01"), ("2", "3", "remplacement", "2000-06-01"), ("3", "4", "fusion", "2001-01-01")]  # fmt: skip
    assert to(suite("1", "4", *chaine)) == ("4", (), False)
    assert to(suite("1", "2 3", *chaine)) == ("3", (), False)  # the frame is older than the last step
    assert to(suite("1", "9", *chaine)) == (None, (), False)
    assert suite("1", "4", *chaine) == Suite("1", "4", (), "fusion", date(2000, 1, 1), False)  # told: the first step


def test_a_chain_that_ends_closed_or_split() -> None:
    fermee = [("1", "2", "fusion", "2000-01-01"), ("2", "", "fermeture", "2001-01-01")]
    assert suite("1", "9", *fermee) == Suite("1", None, (), "fermeture", date(2001, 1, 1), True)
    assert to(suite("1", "2", *fermee)) == ("2", (), False)  # still in the frame
    scindee = [("1", "2", "fusion", "2000-01-01"), ("2", "3 4", "scission", "2001-01-01"), ("4", "5", "fusion", "2001-02-01")]  # fmt: skip
    assert to(suite("1", "3 5", *scindee)) == (None, ("3", "5"), False)
    assert to(suite("1", "2", *scindee)) == ("2", (), False)  # a frame older than the split


def test_what_happened_after_the_campaign_is_not_followed() -> None:
    assert suite("1", "2", ("1", "2", "fusion", "2001-07-01")) is None
    assert to(suite("1", "2", ("1", "2", "fusion", "2001-06-30"))) == ("2", (), False)  # its last day is
    plus_tard = [("1", "2", "fusion", "2001-01-01"), ("2", "3", "fusion", "2001-07-01")]
    assert to(suite("1", "2 3", *plus_tard)) == ("2", (), False)


# ------------------------------------------------------------------------------------------- the table, as declared


def build(
    dossier: Path, *lignes: str, entete: str = ENTETE, **declaree: Any
) -> tuple[dict[str, Succession], list[str]]:
    (dossier / "schemas").mkdir(exist_ok=True)
    (dossier / "schemas/successions.csv").write_text("\n".join([entete, *lignes, ""]), encoding="utf-8")
    p = Problemes()
    trouvees = build_successions(read_csv(dossier, "successions.csv"), {"successions": {**declaree}}, p)
    return trouvees, [str(x) for x in p.liste]


def test_it_is_read(tmp_path: Path) -> None:
    lues, refus = build(
        tmp_path, "1,2,fusion,2001-01-01,arrêté", "3,,fermeture,2001-02-01,", "4,5,scission,2001-03-01,",
        "4,6,scission,2001-03-01,",
    )  # fmt: skip
    assert not refus
    assert {a: (s.nouveaux, s.nature) for a, s in lues.items()} == {
        "1": (("2",), "fusion"), "3": ((), "fermeture"), "4": (("5", "6"), "scission"),
    }  # fmt: skip


def test_another_name_of_its_columns_is_data(tmp_path: Path) -> None:
    noms = {"ancien": "FINESS fermé", "nouveau": "FINESS ouvert"}
    entete = "FINESS fermé,FINESS ouvert,nature,date,source"
    lues, refus = build(tmp_path, "1,2,fusion,2001-01-01,", entete=entete, colonnes=noms)
    assert not refus and lues["1"].nouveaux == ("2",)
    _, refus = build(tmp_path, "1,2,fusion,2001-01-01,", entete=entete)
    assert len(refus) == 1 and "colonne absente : ancien, nouveau" in refus[0]


@pytest.mark.parametrize(
    ("lignes", "dit"),
    [
        (["1,2,rachat,2001-01-01,"], "la nature « rachat » n'est pas admise"),
        (["1,2,fusion,01/01/2001,"], "la date doit être écrite AAAA-MM-JJ"),
        (["1,2,fusion,2001-02-30,"], "la date doit être écrite AAAA-MM-JJ"),
        (["1,2,fermeture,2001-01-01,"], "une fermeture n'a pas de nouveau numéro"),
        (["1,,fusion,2001-01-01,"], "une fermeture n'a pas de nouveau numéro"),
        ([",2,fusion,2001-01-01,"], "l'ancien est obligatoire"),
        (["1,2,fusion,2001-01-01,", "1,3,fusion,2001-01-01,"], "« 1 » a déjà une suite"),
        (["1,1,fusion,2001-01-01,"], "« 1 » finit par se succéder à lui-même"),
        (["1,2,fusion,2001-01-01,", "2,3,fusion,2001-01-01,", "3,1,fusion,2001-01-01,"], "finit par se succéder"),
        (["1,2,scission,2001-01-01,", "1,3,scission,2001-01-01,", "3,1,fusion,2001-01-01,"], "finit par se succéder"),
    ],
)
def test_what_cannot_be_is_refused_at_its_line(tmp_path: Path, lignes: list[str], dit: str) -> None:
    _, refus = build(tmp_path, *lignes)
    assert len(refus) == 1 and dit in refus[0] and "successions.csv, ligne" in refus[0]


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), max_size=2, unique=True)))
def test_a_table_without_refusal_is_always_followed_to_an_end(liens: dict[str, list[str]]) -> None:
    natures = {0: "fermeture", 1: "fusion", 2: "scission"}
    lignes = [f"{a},{n},{natures[len(v)]},2001-01-01," for a, v in liens.items() for n in (v or [""])]
    with tempfile.TemporaryDirectory() as dossier:
        lues, refus = build(Path(dossier), *lignes)
    if not refus:
        for numero in liens:
            assert follow(numero, lues, set("abcd"), FIN) is not None
