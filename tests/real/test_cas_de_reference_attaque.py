"""Reference cases of disclosure control: the intervals written in their EXPECTED.md, recomputed by the attacker."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cartographie.proof.solve import attack, table_links

pytestmark = pytest.mark.shared


def interval(r: pd.DataFrame, cle: str) -> tuple[float, float]:
    return (float(r.at[cle, "bas"]), float(r.at[cle, "haut"]))


@pytest.fixture(scope="module")
def cas(shared: Path) -> Path:
    return shared / "refcases"


@pytest.fixture(scope="module")
def quatre(cas: Path) -> pd.DataFrame:
    t = pd.read_csv(cas / "sdc_attacker_4x4" / "table.csv")
    t.index = pd.Index(t["v1"] + "|" + t["v2"])
    return t.assign(valeur=t["freq"].where(~t["primary"]))


QUATRE = {"v1": [("tot", list("wxyz"))], "v2": [("tot", list("abcd"))]}


def test_4x4_two_masked_per_line_is_not_enough(quatre: pd.DataFrame) -> None:
    r = attack(quatre, table_links(quatre, QUATRE))
    assert {k: interval(r, k) for k in r.index} == {
        "w|a": (25, 94), "w|b": (47, 47), "w|c": (0, 69), "x|a": (26, 95), "x|c": (0, 69),
        "y|b": (0, 185), "y|d": (0, 185), "z|b": (906, 1091), "z|d": (585, 770),
    }  # fmt: skip
    assert r.index[r["exact"]].tolist() == ["w|b"]


@pytest.mark.parametrize(
    ("ajout", "haut"),
    [("x|d", 78), ("x|b", 141), ("w|d", 136), ("y|a", 141), ("z|a", 141), ("y|c", 116), ("z|c", 116)],
)
def test_4x4_one_more_masked_cell_protects(quatre: pd.DataFrame, ajout: str, haut: float) -> None:
    t = quatre.copy()
    t.loc[ajout, "valeur"] = float("nan")
    assert interval(attack(t, table_links(t, QUATRE), cibles=["w|b"]), "w|b") == (0, haut)


@pytest.mark.parametrize("marge", ["tot|a", "tot|b", "tot|c", "tot|d", "w|tot", "x|tot", "y|tot", "z|tot", "tot|tot"])
def test_4x4_a_masked_margin_does_not(quatre: pd.DataFrame, marge: str) -> None:
    t = quatre.copy()
    t.loc[marge, "valeur"] = float("nan")
    assert interval(attack(t, table_links(t, QUATRE), cibles=["w|b"]), "w|b") == (47, 47)


def test_act_size(cas: Path) -> None:
    t = pd.read_csv(cas / "sdc_insee_act_size_small" / "table.csv", dtype={"ACTIVITY": str})
    t.index = pd.Index(t["ACTIVITY"] + "|" + t["SIZE"])
    axes = {"ACTIVITY": [("Total", ["01", "02", "06"])], "SIZE": [("Total", ["tr1", "tr2"])]}
    masque = t.assign(valeur=t["VAL"].where(t["expected_status"] == "V"))
    r = attack(masque, table_links(masque, axes))
    assert {k: interval(r, k) for k in r.index} == {
        "02|tr1": (0, 50), "02|tr2": (0, 50), "06|tr1": (40, 90), "06|tr2": (10, 60),
    }  # fmt: skip
    # the primary cells alone are each recomputed
    seules = t.assign(valeur=t["VAL"].where(~t["expected_status"].isin(["A", "B"])))
    assert attack(seules, table_links(seules, axes))["exact"].all()


def linked(cas: Path) -> tuple[pd.DataFrame, list[tuple[str, list[str]]], list[tuple[str, list[str]]]]:
    u = pd.read_csv(cas / "sdc_linked_county_size" / "units.csv").set_index("region")
    par = {c: [(str(g), list(d.index)) for g, d in u.groupby(c)] for c in ("county", "group")}
    comtes, tailles = ([("Total", [g for g, _ in par[c]]), *par[c]] for c in ("county", "group"))
    sommes = {g: float(u.loc[e, "n"].sum()) for g, e in (*par["county"], *par["group"])}
    cellules = pd.DataFrame({"valeur": {**u["n"].astype(float), **sommes, "Total": float(u["n"].sum())}})
    return cellules.assign(code=cellules.index), comtes, tailles


def test_linked_tables_are_safe_apart_and_not_together(cas: Path) -> None:
    t, comtes, tailles = linked(cas)
    t.loc[["A", "B", "K", "L", "M"], "valeur"] = float("nan")
    for seul in (comtes, tailles):
        assert not attack(t, table_links(t, {"code": seul}))["exact"].any()
    r = attack(t, table_links(t, {"code": comtes + tailles}))
    assert {k: interval(r, k) for k in r.index} == {"A": (0, 4), "B": (0, 4), "K": (3, 3), "L": (0, 6), "M": (0, 6)}
    t.loc["N", "valeur"] = float("nan")
    r = attack(t, table_links(t, {"code": comtes + tailles}))
    assert interval(r, "K") == interval(r, "N") == (0, 10)
    assert interval(r, "A") == interval(r, "B") == (0, 4) and interval(r, "L") == interval(r, "M") == (0, 6)


def test_n_is_the_only_cell_that_protects_k(cas: Path) -> None:
    t, comtes, tailles = linked(cas)
    liens = table_links(t, {"code": comtes + tailles})
    t.loc[["A", "B", "K", "L", "M"], "valeur"] = float("nan")
    protege = []
    for ajout in t.index[t["valeur"].notna()]:
        essai = t.copy()
        essai.loc[ajout, "valeur"] = float("nan")
        if not attack(essai, liens, cibles=["K"]).at["K", "exact"]:
            protege.append(ajout)
    assert protege == ["N"]
