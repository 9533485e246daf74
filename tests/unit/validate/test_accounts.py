"""Nothing disappears: the account closes on whatever answers, and breaks loudly when a stage loses a cell or a row."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from petite_enquete import F1, F2, VARIABLES, depot, extraction, identified, lot, questionnaire, validation

from cartographie.survey.received import Bloc, Colonne, Compte, Constat, Lot
from cartographie.validate.accounts import TOTAL, EcartComptable, build, check, in_long_form, with_total
from cartographie.validate.settle import validate

Q = questionnaire()


def account(units, machines=(), constats=(), spoil=None, refused=()):
    """Decode is the identity here: raw and typed lots hold the same values. The read side is counted on the raw rows."""
    raw = {"unite": lot("unite", units, raw=True), "machine": lot("machine", machines, raw=True)}
    typed = {"unite": lot("unite", units), "machine": lot("machine", machines)}
    v = validate(identified(typed, Q), list(constats), Q, "c1")
    if spoil:
        spoil(v)
    read = []
    for d in sorted({r.get("depot", "d1") for r in [*units, *machines]}):
        sheets = []
        for e, rows in (("unite", units), ("machine", machines)):
            mine = [r for r in rows if r.get("depot", "d1") == d]
            cells = sum(r.get(n) is not None for r in mine for n, x in VARIABLES.items() if e in x.entites)
            skipped = ({"entete": 1, "titre": 2}, {"entete": 4, "colonne_ignoree": 3})
            sheets.append(Compte(e.upper(), len(mine) + 3, cells + 7, len(mine), cells, *skipped))
        read.append(extraction(d, sheets))
    for d in refused:
        read.append(extraction(d, [Compte("UNITE", 9, 30, 8, 25, {"entete": 1}, {"entete": 5})], refuse=True))
    depots = [depot(x.depot) for x in read]
    return with_total(build(read, depots, raw, v, Q))


ANSWER = {"numero": F1, "emploi": "OUI", "effectif": 5, "detail": "abc"}


def test_what_is_read_is_kept_rejected_quarantined_or_skipped() -> None:
    units = [ANSWER, {**ANSWER, "numero": F2, "effectif": 500}, {**ANSWER, "numero": None}]
    machines = [{"parent": 0, "rang": 1, "prix": 1.0}, {"parent": 2, "rang": 1, "prix": 1.0}]
    df = account(units, machines, refused=["d9"])
    check(df)
    sheet = df[(df.niveau == "feuille") & (df.depot == "d1")].set_index("feuille")
    assert sheet.loc["UNITE", ["lignes_conservees", "lignes_quarantaine", "lignes_ecartees"]].tolist() == [2, 1, 3]
    assert sheet.loc["UNITE", ["cellules_conservees", "cellules_rejetees", "cellules_quarantaine"]].tolist() == [
        7,
        1,
        3,
    ]
    assert sheet.loc["MACHINE", ["lignes_conservees", "lignes_quarantaine"]].tolist() == [1, 1]
    refused = df[(df.niveau == "fichier") & (df.depot == "d9")].iloc[0]
    assert (refused.etat, refused.lignes_quarantaine, refused.cellules_quarantaine) == ("refusé", 8, 25)
    total = df[df.niveau == TOTAL].iloc[0]
    assert total.lignes_lues == 3 + 3 + 2 + 3 + 9 and total.lignes_motifs == "entete=3; titre=4"
    long = in_long_form(df)
    sums = long.groupby(["unite", long.categorie == "lues"])["nombre"].sum()
    assert sums["ligne", True] == sums["ligne", False] and sums["cellule", True] == sums["cellule", False]


@pytest.mark.parametrize("what", ["cell", "row"])
def test_a_lost_cell_or_row_is_named(what: str) -> None:
    def lose(v) -> None:
        if what == "cell":
            v.kept["unite"].loc[0, "effectif"] = None  # a stage emptied it and said nothing
        else:
            v.kept["unite"] = v.kept["unite"].drop(index=0)

    with pytest.raises(EcartComptable, match=r"d1\.xlsx, feuille « UNITE »"):
        check(account([ANSWER], spoil=lose))


def test_a_sheet_nobody_counted_is_named() -> None:
    raw = {"unite": lot("unite", [ANSWER], raw=True)}
    with pytest.raises(EcartComptable, match="sans compte"):
        build([extraction("d1", [])], [depot("d1")], raw, validation({"unite": raw["unite"].df}), Q)


def test_an_invisible_cell_is_skipped_not_lost() -> None:
    raw = {"unite": lot("unite", [{**ANSWER, "secret": "\u200b"}], raw=True)}
    v = validate(identified({"unite": lot("unite", [ANSWER])}, Q), [], Q, "c1")
    df = build([extraction("d1", [Compte("UNITE", 1, 5, 1, 5)])], [depot("d1")], raw, v, Q)
    check(df)
    assert df.iloc[0].cellules_motifs == "caracteres_invisibles=1"


def test_a_form_and_repeated_blocks_follow_their_root_record() -> None:
    columns = (Colonne("numero", 3, ligne=4), Colonne("effectif", 3, ligne=6))
    unit = pd.DataFrame(
        {"depot": ["d1"], "feuille": ["F"], "ligne": [4], "bloc": [0], "parent": [-1], "numero": [F1], "effectif": [5]}
    )
    form = Lot(
        "unite", unit.astype({"numero": object, "effectif": object}), (("d1", Bloc("unite", "F", columns, [4], [])),)
    )
    read = [extraction("d1", [Compte("F", 8, 20, 6, 2, {"titre": 2}, {"question": 18})])]
    kept = {"unite": form.df}
    df = build(read, [depot("d1")], {"unite": form}, validation(kept), Q)
    check(df)
    assert df.iloc[0][["lignes_conservees", "cellules_conservees"]].tolist() == [6, 2]

    root = lot("unite", [ANSWER], raw=True)
    blocks = lot("machine", [{"parent": 0, "rang": 1}, {"parent": 0, "rang": 2, "prix": 3.0}], raw=True)
    bloc = blocks.blocs[0][1]
    blocks = replace(
        blocks,
        df=blocks.df.assign(feuille="UNITE", ligne=2, bloc=[0, 1]),
        blocs=(("d1", replace(bloc, feuille="UNITE", numero=1)), ("d1", replace(bloc, feuille="UNITE", numero=2))),
    )
    aside = {"machine": blocks.df.loc[[1]]}
    df = build(
        [extraction("d1", [Compte("UNITE", 1, 7, 1, 7)])], [depot("d1")], {"unite": root, "machine": blocks},
        validation({"unite": root.df, "machine": blocks.df.loc[[0]]}, aside), Q,
    )  # fmt: skip
    check(df)
    assert df.iloc[0][["lignes_conservees", "cellules_conservees", "cellules_quarantaine"]].tolist() == [1, 5, 2]


def test_every_cell_a_cross_rule_empties_is_rejected_the_parent_s_too() -> None:
    df = account([{**ANSWER, "effectif": 0}], [{"parent": 0, "rang": 1, "prix": 1.0}])
    check(df)
    assert df[df.niveau == "feuille"]["cellules_rejetees"].tolist() == [1, 1]


def test_an_unticked_box_is_a_kept_cell() -> None:
    raw = lot("unite", [ANSWER], raw=True)
    boxes = {("motifs", "M1"): ["OUI"], ("motifs", "M2"): ["NON"]}
    frame = pd.DataFrame({**raw.df.drop(columns="motifs"), **{k: pd.Series(x, dtype=object) for k, x in boxes.items()}})
    name, bloc = raw.blocs[0]
    columns = tuple(c for c in bloc.colonnes if c.variable != "motifs")
    columns += (Colonne("motifs", 20, "M1"), Colonne("motifs", 21, "M2"))
    raw = replace(raw, df=frame, blocs=((name, replace(bloc, colonnes=columns)),))
    typed = {"unite": lot("unite", [{**ANSWER, "motifs": ("M1",)}])}
    v = validate(identified(typed, Q), [], Q, "c1")
    df = build([extraction("d1", [Compte("UNITE", 1, 6, 1, 6)])], [depot("d1")], {"unite": raw}, v, Q)
    check(df)
    assert df.iloc[0].cellules_conservees == 6


UNIT = st.fixed_dictionaries(
    {"numero": st.sampled_from([F1, F2, "X", None]), "depot": st.sampled_from(["d1", "d2"])},
    optional={
        "emploi": st.sampled_from(["OUI", "NON", "VIEUX", "?"]),
        "effectif": st.integers(-5, 150),
        "detail": st.sampled_from(["a", "abcdefgh"]),
        "motifs": st.sampled_from([("M1",), ("M1", "M9"), ()]),
        "secret": st.just("x"),
    },
)
MACHINE = st.fixed_dictionaries(
    {"depot": st.sampled_from(["d1", "d2"]), "parent": st.integers(-1, 0)},
    optional={"rang": st.integers(1, 2), "prix": st.sampled_from([1.0, 50.0, 5000.0])},
)


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(st.lists(UNIT, min_size=1, max_size=5), st.lists(MACHINE, max_size=4), st.booleans())
def test_the_account_closes_on_any_answers(units: list, machines: list, refuse_file: bool) -> None:
    constats = [Constat("version_inconnue", depot="d1")] if refuse_file else []
    df = account(units, machines, constats)
    check(df)
    total = df[df.niveau == TOTAL].iloc[0]
    aside = total.lignes_conservees + total.lignes_quarantaine
    assert aside == len(units) + len(machines)
