"""Reference cases of disclosure control: what must be masked, according to τ-Argus and sdcTable."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cartographie.proof.solve import attack, table_links
from cartographie.secrecy.suppression import suppress
from cartographie.statistics.precision import primary_suppression

pytestmark = pytest.mark.shared
QUATRE = {"v1": [("tot", list("wxyz"))], "v2": [("tot", list("abcd"))]}
# what the two programs ask for: not recomputed exactly
EXACT = {"largeur_min": 1, "largeur_part": 0, "seuls": False}


@pytest.fixture(scope="module")
def cas(shared: Path) -> Path:
    return shared / "refcases"


def masked(t: pd.DataFrame, liens: list, **options: float) -> pd.DataFrame:
    """`suppress`, then the attacker on what it leaves: intervals of every masked cell."""
    r = suppress(t, liens, **{**EXACT, **options})
    vu = t.assign(valeur=t["valeur"].where(r["statut"].eq("V")))
    return r.join(attack(vu, liens)[["bas", "haut", "exact"]].add_suffix("_lu"))


def four(cas: Path) -> tuple[pd.DataFrame, list]:
    t = pd.read_csv(cas / "sdc_attacker_4x4" / "table.csv")
    t.index = pd.Index(t["v1"] + "|" + t["v2"])
    t = t.assign(valeur=t["freq"], primaire=t["primary"].map({True: "A", False: ""}))
    return t, table_links(t, QUATRE)


def test_4x4_one_cell_more_the_cheapest(cas: Path) -> None:
    r = masked(*four(cas))
    assert r.index[r["statut"].eq("D")].tolist() == ["x|d"]
    assert r.loc["w|b", ["bas_lu", "haut_lu"]].tolist() == [0, 78]
    assert not r["exact_lu"].eq(True).any() and r["protege"].all()


def test_4x4_every_interval_a_fifth_wide(cas: Path) -> None:
    t, liens = four(cas)
    r = masked(t, liens, largeur_part=0.2)
    primaires = r[r["statut"].eq("A")]
    assert r["protege"].all()
    assert ((primaires["haut_lu"] - primaires["bas_lu"]) >= 0.2 * t.loc[primaires.index, "valeur"]).all()


def test_act_size_as_tau_argus(cas: Path) -> None:
    t = pd.read_csv(cas / "sdc_insee_act_size_small" / "table.csv", dtype={"ACTIVITY": str})
    t.index = pd.Index(t["ACTIVITY"] + "|" + t["SIZE"])
    primaire = primary_suppression(t.rename(columns={"N_OBS": "effectif", "VAL": "valeur", "MAX": "maximum"}))
    t = t.assign(valeur=t["VAL"].astype(float), primaire=primaire.replace("V", ""))
    liens = table_links(t, {"ACTIVITY": [("Total", ["01", "02", "06"])], "SIZE": [("Total", ["tr1", "tr2"])]})
    r = masked(t, liens)
    assert r["statut"].to_dict() == t["expected_status"].to_dict()


def test_linked_tables_one_cell_for_both(cas: Path) -> None:
    u = pd.read_csv(cas / "sdc_linked_county_size" / "units.csv").set_index("region")
    groupes = {c: [(str(g), list(d.index)) for g, d in u.groupby(c)] for c in ("county", "group")}
    liens = [lien for c in ("county", "group") for lien in [("Total", [g for g, _ in groupes[c]]), *groupes[c]]]
    sommes = {g: float(u.loc[e, "n"].sum()) for g, e in (*groupes["county"], *groupes["group"])}
    t = pd.DataFrame({"valeur": {**u["n"].astype(float), **sommes, "Total": float(u["n"].sum())}})
    t["primaire"] = ["A" if v <= 3 else "" for v in t["valeur"]]
    assert t.index[t["primaire"].eq("A")].tolist() == ["A", "B", "K", "L", "M"]
    r = masked(t, liens)
    assert r.index[r["statut"].eq("D")].tolist() == ["N"]
    assert {k: (x.bas_lu, x.haut_lu) for k, x in r[r["statut"].ne("V")].iterrows()} == {
        "A": (0, 4), "B": (0, 4), "K": (0, 10), "N": (0, 10), "L": (0, 6), "M": (0, 6),
    }  # fmt: skip
    for seul in (liens[:3], liens[3:]):  # apart, nothing more is needed
        assert not masked(t, seul)["statut"].eq("D").any()
