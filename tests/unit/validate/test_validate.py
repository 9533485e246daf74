"""Kept, quarantined, emptied: what each kind of finding entails, and that what is kept is sound."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from petite_enquete import F1, F2, REGLES, depot, identified, lot, questionnaire

from cartographie.survey.model import Gravite, Regle
from cartographie.survey.received import Constat
from cartographie.survey.rules import judge
from cartographie.validate import checks
from cartographie.validate import settle as module
from cartographie.validate.schema import build_schema
from cartographie.validate.settle import validate

SOUND = {
    "numero": F1,
    "emploi": "OUI",
    "effectif": 5,
    "detail": "abc",
    "jour": pd.Timestamp("2000-02-01"),
    "motifs": ("M1",),
}


def run(rows, machines=(), constats=(), regles=REGLES, base=None, depots=(), **technical):
    lots = {"unite": lot("unite", rows, **technical), "machine": lot("machine", machines)}
    q = questionnaire(regles)
    return validate(identified(lots, q), list(constats), q, "c1", base, depots)


def names(v) -> list[tuple]:
    return [(c.regle or c.constat, c.entite, c.enregistrement, c.variable) for c in v.constats]


def test_a_sound_answer_is_kept_whole() -> None:
    v = run([SOUND], [{"parent": 0, "rang": 1, "prix": 2.5}])
    assert names(v) == [] and len(v.kept["unite"]) == 1 and len(v.kept["machine"]) == 1
    assert v.kept["unite"]["id_repondant"].tolist() == [f"F:{F1}"] == v.identifiants.tolist()


@pytest.mark.parametrize(
    ("change", "constat", "variable"),
    [
        ({"effectif": 101}, "hors_bornes", "effectif"),
        ({"effectif": -1}, "hors_bornes", "effectif"),
        ({"detail": "abcdef"}, "texte_trop_long", "detail"),
        ({"emploi": "PEUT"}, "modalite_inconnue", "emploi"),
        ({"emploi": "VIEUX", "detail": None}, "modalite_perimee", "emploi"),
        ({"motifs": ("M1", "M9")}, "modalite_inconnue", "motifs"),
        ({"emploi": "NON"}, "hors_filtre", "detail"),
    ],
)
def test_a_bad_cell_is_emptied_and_the_row_kept(change: dict, constat: str, variable: str) -> None:
    v = run([SOUND, {**SOUND, **change, "numero": F2}])
    assert (constat, "unite", 1, variable) in names(v)
    assert len(v.kept["unite"]) == 2 and pd.isna(v.kept["unite"].at[1, variable])
    assert v.kept["unite"].at[0, variable] is not None
    assert (1, variable) in set(v.cellules_rejetees[["enregistrement", "variable"]].itertuples(index=False, name=None))


def test_required_is_judged_by_severity_and_asked_only_where_asked() -> None:
    rows = [{**SOUND, "emploi": None, "detail": None}, {**SOUND, "numero": F2, "detail": None}]
    v = run(rows)
    assert names(v) == [
        ("valeur_obligatoire_absente", "unite", 0, "emploi"),
        ("valeur_obligatoire_absente", "unite", 1, "detail"),
    ]
    assert len(v.kept["unite"]) == 2  # an alert here
    strict = Regle("R9", Gravite.REJET_LIGNE, "unite", "", constat="valeur_obligatoire_absente", cellules=("emploi",))
    v = run(rows, regles=[strict])
    assert v.quarantined["unite"]["motif"].to_dict() == {0: "R9"}


def test_an_unanswered_filter_accuses_nobody() -> None:
    assert ("hors_filtre", "unite", 0, "detail") not in names(run([{**SOUND, "emploi": None}]))


def test_a_cell_already_rejected_is_not_also_missing() -> None:
    earlier = Constat("modalite_inconnue", "unite", 0, "emploi", "Ouii")
    v = run([{**SOUND, "emploi": None, "detail": None}], constats=[earlier])
    assert names(v) == [("modalite_inconnue", "unite", 0, "emploi")]


def test_the_same_finding_is_stated_once() -> None:
    earlier = Constat("hors_bornes", "unite", 0, "effectif", "1 000")
    v = run([{**SOUND, "effectif": 1000}], constats=[earlier])
    assert v.constats == [earlier]


def test_a_blocking_rule_takes_the_children_along() -> None:
    v = run(
        [{**SOUND, "emploi": "NON", "detail": None}, {**SOUND, "numero": F2}],
        [{"parent": 0, "rang": 1}, {"parent": 1, "rang": 1}],
    )
    assert v.quarantined["unite"]["motif"].to_dict() == {0: "R1"}
    assert v.quarantined["machine"]["motif"].to_dict() == {0: "parent_rejete"}
    assert v.kept["machine"].index.tolist() == [1] and v.kept["machine"]["parent"].tolist() == [1]


def test_a_cross_rule_empties_every_cell_it_blames() -> None:
    v = run([SOUND], [{"parent": 0, "rang": 1, "prix": 6.0}, {"parent": 0, "rang": 2, "prix": 1.0}])
    assert names(v) == [("R2", "machine", 0, "prix")]
    assert pd.isna(v.kept["machine"].at[0, "prix"]) and v.kept["machine"].at[1, "prix"] == 1.0
    assert pd.isna(v.kept["unite"].at[0, "effectif"])


def test_the_survey_s_severity_wins_by_type() -> None:
    v = run([{**SOUND, "numero": "123"}])
    assert v.quarantined["unite"]["motif"].to_dict() == {0: "R4a"}


def test_a_lenient_rule_lets_a_value_out_of_bounds_pass() -> None:
    v = run([{**SOUND, "effectif": 200}], regles=[Regle("R8", Gravite.ALERTE, "*", "", constat="hors_bornes")])
    assert v.kept["unite"].at[0, "effectif"] == 200


def test_nobody_s_row_orphan_and_double_key() -> None:
    v = run(
        [SOUND, {**SOUND, "numero": None}],
        [{"parent": 0, "rang": 1}, {"parent": 0, "rang": 1}, {"parent": -1, "rang": 1}],
    )
    assert v.quarantined["unite"]["motif"].to_dict() == {1: "L1"}
    assert v.quarantined["machine"]["motif"].to_dict() == {1: "L4", 2: "L2"}


def test_a_personal_identifier_is_hashed() -> None:
    v = run([{**SOUND, "numero": None, "secret": "Untel"}])
    assert v.identifiants[0].startswith("R:") and len(v.identifiants[0]) == 18 and "Untel" not in v.identifiants[0]


def test_of_two_answers_the_latest_complete_is_kept() -> None:
    old, new = pd.Timestamp("2000-02-01"), pd.Timestamp("2000-03-01")
    partial = {**SOUND, "effectif": None}
    assert run([{**SOUND, "jour": old}, {**SOUND, "jour": new}]).kept["unite"].index.tolist() == [1]
    assert run([{**SOUND, "jour": old}, {**partial, "jour": new}]).kept["unite"].index.tolist() == [0]
    none = {**partial, "emploi": None, "detail": None}
    assert run([{**partial, "jour": old}, {**none, "jour": new}]).kept["unite"].index.tolist() == [0]
    two = [{**SOUND, "depot": "d1"}, {**SOUND, "depot": "d2"}]
    received = [depot("d1", "2000-05-02"), depot("d2", "2000-05-01")]
    assert run(two, depots=received).kept["unite"].index.tolist() == [0]
    assert run(two).kept["unite"].index.tolist() == [1]  # file order last


def test_absent_from_the_frame_only_when_there_is_one() -> None:
    base = pd.DataFrame({"numero": [F1]})
    rows = [SOUND, {**SOUND, "numero": F2}]
    assert names(run(rows, base=base, base_ligne=np.array([0, -1]))) == [("absent_de_la_base", "unite", 1, "numero")]
    assert names(run(rows)) == []


def test_a_refused_file_and_a_finding_made_on_the_sheet() -> None:
    rows = [{**SOUND, "depot": "d1"}, {**SOUND, "numero": F2, "depot": "d2"}]
    merged = Constat("cellules_fusionnees", "unite", None, "effectif", depot="d2", feuille="UNITE", ligne=3, colonne=5)
    v = run(rows, constats=[Constat("version_inconnue", depot="d1"), merged])
    assert v.quarantined["unite"]["motif"].to_dict() == {0: "F1"}
    assert pd.isna(v.kept["unite"].at[1, "effectif"]) and v.constats[1].enregistrement == 1


def test_a_column_the_file_did_not_carry_is_not_missing() -> None:
    bare = lot("unite", [{**SOUND, "emploi": None, "detail": None}])
    name, bloc = bare.blocs[0]
    kept = tuple(c for c in bloc.colonnes if c.variable != "emploi")
    bare = type(bare)(bare.entite, bare.df, ((name, type(bloc)(bloc.entite, bloc.feuille, kept, bloc.lignes, [])),))
    assert not validate(identified({"unite": bare}, questionnaire()), [], questionnaire(), "c1").constats


def test_unsound_kept_data_is_a_bug_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_empty_cells", lambda df, rejected: df)
    monkeypatch.setattr(module, "_unstated", lambda new, earlier: [])
    with pytest.raises(AssertionError, match="effectif") as caught:
        run([{**SOUND, "effectif": 777}])
    assert "777" not in str(caught.value)


def test_an_undecoded_column_is_a_bug_of_ours() -> None:
    bad = lot("unite", [SOUND])
    bad.df["effectif"] = pd.Series(["5"], dtype="str")
    with pytest.raises(AssertionError, match="mal décodées"):
        validate(identified({"unite": bad}, questionnaire()), [], questionnaire(), "c1")


def test_a_rule_of_another_campaign_does_not_apply() -> None:
    q = questionnaire([Regle("R8", Gravite.ALERTE, "*", "", constat="hors_bornes", campagnes=("c0",))])
    assert judge(q, "c1")(Constat("hors_bornes", "unite", 0, "effectif")).code == "C1"
    assert judge(q, "c0")(Constat("hors_bornes", "unite", 0, "effectif")).code == "R8"


def test_the_schema_is_fast_and_sees_every_cell() -> None:
    n = 20_000
    q = questionnaire()
    rng = np.random.default_rng(0)
    df = pd.DataFrame(
        {"effectif": pd.array(rng.integers(0, 101, n), dtype="Int64"), "emploi": pd.array(["OUI"] * n, dtype="str")}
    )
    bad = rng.choice(n, 500, replace=False)
    df.loc[bad, "effectif"] = 999
    found = checks.check_schema(replace(lot("unite", []), df=df), q, "c1")
    assert sorted(c.enregistrement for c in found) == sorted(bad.tolist())
    start = time.process_time()
    build_schema("unite", q, "c1").validate(df.drop(index=bad), lazy=True)
    assert time.process_time() - start < 2
