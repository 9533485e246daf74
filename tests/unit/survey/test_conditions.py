"""The rule language, on hand-built frames: every operator, null semantics, references, structure."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartographie.survey.conditions import references
from cartographie.survey.evaluate import Contexte, evaluate, known
from cartographie.survey.model import Campagne, Entite, Questionnaire

ENTITES = {
    "unite": Entite("unite", "Unité"),
    "piece": Entite("piece", "Pièce", parent="unite"),
    "cadre": Entite("cadre", "Base", base=True),
}
CAMPAGNE = Campagne("c1", "C1", date(2000, 1, 1), date(2000, 12, 31), "", None, {}, {})
Q = Questionnaire({}, ENTITES, {}, {}, {}, (), {}, {}, (), {"c1": CAMPAGNE}, {})


def contexte(entite: str = "unite") -> Contexte:
    unite = pd.DataFrame(
        {
            "base_ligne": [1, -1, 0],
            "n": pd.array([1, None, 5], dtype="Int64"),
            "m": pd.array([2.0, 2.0, None], dtype="Float64"),
            "c": pd.array(["A", None, "B"], dtype="str"),
            "d": pd.to_datetime(["2000-06-15", None, "1999-01-01"]),
            "mois": pd.array(["2000-06", "2000-07", None], dtype="str"),
            "multi": pd.Series([("x", "y"), None, ()], dtype=object),
            "b": pd.array([True, None, False], dtype="boolean"),
            "vide": pd.Series([None, None, None], dtype=object),
        }
    )
    piece = pd.DataFrame(
        {
            "parent": [0, 0, 2, -1],
            "k": pd.array(["1", "1", "1", "1"], dtype="str"),
            "v": pd.array([1, 9, 9, 9], dtype="Int64"),
        }
    )
    cadre = pd.DataFrame({"t": pd.array(["T0", "T1"], dtype="str")})
    return Contexte(entite, {"unite": unite, "piece": piece}, Q, "c1", cadre)


@pytest.mark.parametrize(
    ("cond", "attendu"),
    [
        ({"variable": "n", "egal": 1}, "100"),
        ({"variable": "n", "different": 1}, "001"),
        ({"variable": "n", "dans": [1, 5]}, "101"),
        ({"variable": "n", "hors": [1, 2]}, "001"),
        ({"variable": "n", "superieur": 1}, "001"),
        ({"variable": "n", "superieur_ou_egal": 1, "inferieur": 5}, "100"),
        ({"variable": "n", "inferieur": {"variable": "m"}}, "100"),
        ({"variable": "c", "egal": "A"}, "100"),
        ({"variable": "c", "different": "A"}, "001"),
        ({"variable": "c", "hors": ["A"]}, "001"),
        ({"variable": "c", "motif": "[A-Z]"}, "101"),
        ({"variable": "c", "motif": "[A-Z]{2}"}, "000"),
        ({"variable": "b", "egal": True}, "100"),
        ({"variable": "b", "egal": False}, "001"),
        ({"variable": "d", "inferieur": {"campagne": "debut"}}, "001"),
        ({"variable": "d", "superieur": date(2000, 6, 14)}, "100"),
        ({"variable": "mois", "superieur": {"variable": "d"}}, "000"),
        ({"variable": "mois", "inferieur_ou_egal": {"variable": "d"}}, "100"),
        ({"variable": "mois", "superieur": date(2000, 6, 30)}, "010"),
        ({"variable": "multi", "contient": ["y", "z"]}, "100"),
        ({"variable": "multi", "contient": "z"}, "000"),
        ({"variable": "multi", "egal": ["y", "x"]}, "100"),
        ({"variable": "multi", "renseigne": True}, "101"),
        ({"variable": "c", "renseigne": False}, "010"),
        ({"variable": "vide", "different": "A"}, "000"),
        ({"variable": "vide", "renseigne": False}, "111"),
        ({"variable": "pas_posee", "renseigne": False}, "000"),
        ({"variable": "pas_posee", "different": "A"}, "000"),
        ({"variable": "cadre.t", "egal": "T1"}, "100"),
        ({"variable": "cadre.t", "renseigne": False}, "010"),
        ({"non": {"variable": "n", "egal": 1}}, "011"),
        ({"et": [{"variable": "n", "egal": 1}, {"variable": "c", "egal": "A"}]}, "100"),
        ({"ou": [{"variable": "n", "egal": 5}, {"variable": "c", "egal": "A"}]}, "101"),
        ({"nombre": "piece", "egal": 0}, "010"),
        ({"nombre": "piece", "superieur": {"variable": "n"}}, "100"),
        ({"nombre": "piece", "si": {"variable": "v", "egal": 9}, "egal": 1}, "101"),
        ({"existe": "piece", "si": {"variable": "unite.c", "egal": "B"}}, "001"),
        ({"doublon": ["c"]}, "000"),
        ({"fonction": "somme_superieure", "parametres": {"variables": ["n"], "variable": "m"}}, "000"),
        ({}, "111"),
    ],
)
def test_operators(cond: dict, attendu: str) -> None:
    assert "".join("1" if x else "0" for x in evaluate(cond, contexte())) == attendu


def test_from_a_child_row() -> None:
    assert evaluate({"variable": "unite.c", "egal": "A"}, contexte("piece")).tolist() == [True, True, False, False]
    assert evaluate({"variable": "cadre.t", "egal": "T0"}, contexte("piece")).tolist() == [False, False, True, False]
    assert evaluate({"doublon": ["k"]}, contexte("piece")).tolist() == [True, True, False, False]


def test_frames_keep_their_record_numbers() -> None:
    full = contexte()
    kept = {"unite": full.lots["unite"].drop(index=0), "piece": full.lots["piece"].drop(index=[0, 1])}
    assert evaluate({"nombre": "piece", "egal": 1}, Contexte("unite", kept, Q, "c1")).tolist() == [False, True]


def test_known_and_references() -> None:
    cond = {"ou": [{"variable": "n", "egal": 1}, {"nombre": "piece", "si": {"variable": "v", "egal": 1}, "egal": 2}]}
    assert known(cond, contexte()).tolist() == [True, False, True]
    assert known({"variable": "n", "renseigne": True}, contexte()).all()
    assert not known({"variable": "pas_posee", "egal": 1}, contexte()).any()
    cross = {"variable": "cadre.t", "egal": {"variable": "c"}}
    assert references(cond, "unite") | references(cross, "unite") == {
        ("unite", "n"), ("piece", "v"), ("cadre", "t"), ("unite", "c"),
    }  # fmt: skip


VALUES = st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(
    VALUES, st.sampled_from(["egal", "different", "inferieur", "superieur_ou_egal", "hors", "dans"]), st.integers(-3, 3)
)
def test_a_comparison_with_a_null_is_false_and_non_is_plain(xs: list, op: str, k: int) -> None:
    df = pd.DataFrame({"x": pd.array(xs, dtype="Int64"), "y": pd.array(xs[::-1], dtype="Int64")})
    c = Contexte("unite", {"unite": df}, Q, "c1")
    plain = {
        "egal": lambda a, b: a == b, "different": lambda a, b: a != b, "inferieur": lambda a, b: a < b,
        "superieur_ou_egal": lambda a, b: a >= b, "hors": lambda a, b: a != b, "dans": lambda a, b: a == b,
    }[op]  # fmt: skip
    literal = {"variable": "x", op: [k] if op in ("dans", "hors") else k}
    expected = [x is not None and plain(x, k) for x in xs]
    assert evaluate(literal, c).tolist() == expected
    assert evaluate({"non": literal}, c).tolist() == [not e for e in expected]
    assert known(literal, c).tolist() == [x is not None for x in xs]
    pair = evaluate({"variable": "x", op: {"variable": "y"}}, c).tolist()
    assert pair == [x is not None and y is not None and plain(x, y) for x, y in zip(xs, xs[::-1], strict=True)]
    text = pd.DataFrame({"x": pd.array([None if x is None else str(x) for x in xs], dtype="str")})
    if op in ("egal", "different", "hors", "dans"):
        assert evaluate(literal, Contexte("unite", {"unite": text}, Q, "c1")).tolist() == expected


def test_result_is_a_boolean_array() -> None:
    assert evaluate({"variable": "n", "egal": 1}, contexte()).dtype == np.dtype(bool)
