"""What the review found: each test is one defect that must not come back."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from petite_enquete import CATALOGUE, ENTITES, F1, F2, NOMENCLATURES, VARIABLES, depot, identified, lot, questionnaire

from cartographie.base.text import neutralise
from cartographie.cli.screen import print_bug
from cartographie.decode.columns import decode_cell, decode_lots
from cartographie.release.data import format_csv
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Gravite, Questionnaire, Regle, Variable
from cartographie.survey.received import Constat
from cartographie.survey.types import TYPES
from cartographie.survey.types.codes import decode_choix
from cartographie.survey.types.values import Contexte, Repertoire, is_blank
from cartographie.validate import files
from cartographie.validate.accounts import EcartComptable
from cartographie.validate.checks import judge_lots
from cartographie.validate.settle import validate
from cartographie.validate.wording import word
from cartographie.warehouse.content import entity_columns, loaded_variables
from cartographie.warehouse.prepare import anomalies as stored
from cartographie.warehouse.prepare import stable_ids

RACINE = Path(__file__).resolve().parents[3]
ANSWER = {"numero": F1, "emploi": "OUI", "effectif": 5, "detail": "abc"}
SECRET = "voir jean.dupont@chu.fr 06 12 34 56 78"
ALLUSIONS = ("jean.dupont", "06 12", "0612345678")


# ---------------------------------------------------------------------------------- a null always says why


@pytest.mark.parametrize("valeur", [";", "|", " ; | ", "\n;\n", ";;;"])
@pytest.mark.parametrize("nomenclature", ["motifs", None])
def test_separators_alone_are_a_finding(valeur: str, nomenclature: str | None) -> None:
    q = questionnaire()
    q = replace(q, variables={**q.variables, "motifs": replace(VARIABLES["motifs"], nomenclature=nomenclature)})
    lots, constats = decode_lots({"unite": lot("unite", [{**ANSWER, "motifs": valeur}], raw=True)}, q, "c1")
    lots, constats = judge_lots(lots, constats, q, "c1")
    assert [c.constat for c in constats if c.variable == "motifs"] == ["modalite_inconnue"]
    assert lots["unite"].df["motifs"].isna().all()


RECUES = st.one_of(
    st.text(max_size=12), st.text(alphabet=";|,.\n\t -+=#()'\u200b\u00a0\u2060\x00", max_size=6), st.integers(),
    st.floats(), st.booleans(), st.datetimes(), st.dates(), st.times(), st.timedeltas(), st.none(),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@example(recue=";")
@example(recue="|\n,")
@example(recue="\u200f")
@given(recue=RECUES)
def test_a_decoded_null_is_a_finding_or_a_blank_cell(recue: object) -> None:
    for type_ in TYPES:
        for nom in ("motifs", None):
            contexte = Contexte("c1", Repertoire(NOMENCLATURES[nom], "c1") if nom else None, cle=b"cle")
            lu = decode_cell(recue, Variable("v", ("unite",), type_, "V", nomenclature=nom), contexte)
            assert lu.valeur is not None or lu.constat is not None or is_blank(recue), type_
            choix = decode_choix(recue, "M1", contexte)
            assert choix.valeur is not None or choix.constat is not None


def test_a_gap_in_the_accounts_is_told_but_no_other_message(capsys: pytest.CaptureFixture[str]) -> None:
    print_bug(EcartComptable("a.xlsx, feuille « F » : 3 cellules lues mais 2 justifiées"))
    assert "a.xlsx, feuille « F » : 3 cellules lues mais 2 justifiées" in capsys.readouterr().err
    print_bug(AssertionError(SECRET))
    assert "dupont" not in capsys.readouterr().err


# -------------------------------------------------------------------------------------------- confidentiality


def worded(constats: list[Constat], q: Questionnaire, regles: tuple[Regle, ...] = ()) -> list:
    q = replace(q, regles=(*regles, *CATALOGUE))
    lots = identified({"unite": lot("unite", [ANSWER]), "machine": lot("machine", [])}, q)
    return word(constats, lots, [depot("d1")], q, "c1").anomalies


@pytest.mark.parametrize(
    ("constat", "variable", "recue"),
    [
        ("modalite_inconnue", "emploi", SECRET), ("entier_invalide", "effectif", "0612345678"),
        ("hors_bornes", "effectif", "appelez le 06.12.34.56.78"), ("identifiant_format", "numero", SECRET),
        ("modalite_inconnue", "motifs", "x" * 90 + " jean.dupont@chu.fr"), ("hors_filtre", "motifs", ("M1", SECRET)),
        ("modalite_inconnue", "jour", "1 85 05 78 006 084 91"),
    ],
)  # fmt: skip
def test_personal_data_of_any_cell_is_masked(constat: str, variable: str, recue: object) -> None:
    details = {"inconnues": recue, "trouve": recue, "nombre": 3}
    regle = Regle("R9", Gravite.ALERTE, "*", "{valeur} {inconnues} {trouve} {proposition} {nombre}", constat=constat)
    (a,) = worded([Constat(constat, "unite", 0, variable, recue, "06 12 34 56 78", details)], questionnaire(), (regle,))
    assert a.valeur_recue == "(masqué)" == a.proposition
    assert not any(x in repr(a) for x in ALLUSIONS) and "185 05" not in repr(a) and "1 85" not in repr(a)
    base = stored(questionnaire(), pd.DataFrame([vars_of(a)]))
    assert not any(x in base.to_csv() for x in ALLUSIONS)
    other = Constat("regle", "unite", 0, "numero", F1, details={variable: recue}, regle="R7")
    rule = Regle(
        "R7", Gravite.ALERTE, "unite", f"voir {{{variable}}}", condition={"variable": variable, "renseigne": True}
    )
    assert not any(x in repr(worded([other], questionnaire(), (rule,))) for x in ALLUSIONS)


def vars_of(a: object) -> dict[str, object]:
    return {n: getattr(a, n) for n in files.COLUMNS}


def test_ordinary_values_are_shown() -> None:
    for recue in (F1, "73282932000074", 123456789, 45750.0, datetime(2000, 2, 1, 12, 30), date(2000, 2, 1), "Ouii"):
        (a,) = worded([Constat("modalite_inconnue", "unite", 0, "emploi", recue)], questionnaire())
        assert a.valeur_recue not in ("", "(masqué)")
    (a,) = worded([Constat("hors_bornes", "unite", 0, "effectif", np.nan)], questionnaire())
    assert a.valeur_recue == ""


def unpublished(nom: str) -> Questionnaire:
    q = questionnaire()
    return replace(q, variables={**VARIABLES, nom: replace(VARIABLES[nom], publiable=False)})


def test_a_free_text_never_published_is_not_shown() -> None:
    (a,) = worded([Constat("texte_trop_long", "unite", 0, "detail", "chez Untel")], unpublished("detail"))
    assert a.valeur_recue == "(masqué)" and "Untel" not in a.message
    (a,) = worded([Constat("texte_trop_long", "unite", 0, "detail", None)], unpublished("detail"))
    assert a.valeur_recue == ""
    (a,) = worded([Constat("modalite_inconnue", "unite", 0, "emploi", "Ouii")], unpublished("emploi"))
    assert a.valeur_recue == "Ouii"


def test_the_warehouse_holds_no_free_text_never_published() -> None:
    q = unpublished("detail")
    assert "detail" not in entity_columns(q, ENTITES["unite"]) and "detail" in entity_columns(
        questionnaire(), ENTITES["unite"]
    )
    assert "emploi" in {v.nom for v in loaded_variables(unpublished("emploi"), "unite")}
    rows = pd.DataFrame({"id_repondant": ["F:1"], "detail": ["a"]})
    assert stable_ids(rows, ("detail",)) != [None]  # the stable key is computed before columns are dropped


def test_the_stored_anomalies_are_masked_whatever_the_variable() -> None:
    df = pd.DataFrame([{"variable": "emploi", "valeur_recue": SECRET, "proposition": None, "message": f"« {SECRET} » ?"},
                       {"variable": "emploi", "valeur_recue": "Ouii", "proposition": None, "message": "« Ouii » ?"}])  # fmt: skip
    out = stored(questionnaire(), df)
    assert out["valeur_recue"].tolist()[1] == "Ouii" and not any(x in out.to_csv() for x in ALLUSIONS)


# --------------------------------------------------------------------------------- which cells a rule empties


def test_a_rule_empties_one_cell_and_quotes_the_others() -> None:
    q = load_questionnaire(RACINE)
    for r in q.regles:
        if r.condition is not None and r.gravite == Gravite.REJET_CELLULE:
            assert len(r.cellules) == 1, r.code
    vides = {r.code: (r.cellules, r.en_cause) for r in q.regles}
    assert vides["S03"] == (("frein_2",), ("frein_1",)) and vides["R29"][0] == ("nb_professionnels_formes",)


def test_the_other_cell_is_named_and_kept() -> None:
    rule = Regle("R2", Gravite.REJET_CELLULE, "machine", "prix trop haut", cellules=("prix",), en_cause=("unite.effectif",),
                 condition={"variable": "prix", "superieur": {"variable": "unite.effectif"}})  # fmt: skip
    q = questionnaire([rule])
    lots = identified(
        {"unite": lot("unite", [ANSWER]), "machine": lot("machine", [{"parent": 0, "rang": 1, "prix": 6.0}])}, q
    )
    v = validate(lots, [], q, "c1")
    assert v.kept["unite"].at[0, "effectif"] == 5 and pd.isna(v.kept["machine"].at[0, "prix"])
    (a,) = word(v.constats, lots, [depot("d1")], q, "c1", v.identifiants).anomalies
    assert a.message == "prix trop haut (autres cellules en cause : effectif (UNITE !E2))"


def test_a_declared_rule_that_empties_two_cells_is_refused(tmp_path: Path) -> None:
    import shutil

    from cartographie.base.errors import UserError

    shutil.copytree(RACINE / "schemas", tmp_path / "schemas")
    fichier = tmp_path / "schemas/regles.yaml"
    texte = fichier.read_text(encoding="utf-8")
    fichier.write_text(re.sub(r"cellules: \[frein_2\]", "cellules: [frein_2, frein_1]", texte), encoding="utf-8")
    with pytest.raises(UserError, match="S03"):
        load_questionnaire(tmp_path)
    assert any("en_cause" in r for r in yaml.safe_load(texte))


# ------------------------------------------------------------------------------------------ units not in the frame


def test_a_listed_unit_absent_from_the_frame_is_told() -> None:
    q = questionnaire([])
    links = [*q.enquete["lien_base"], {"entite": "machine", "variable": "site", "base": "numero", "mode": "perimetre"}]
    site = Variable("site", ("machine",), "finess", "Site")
    q = replace(q, enquete={**copy.copy(q.enquete), "lien_base": links}, variables={**VARIABLES, "site": site})
    machines = lot("machine", [{"parent": 0, "rang": i} for i in range(3)])
    machines = replace(machines, df=machines.df.assign(site=pd.Series([F1, F2, None], dtype="str")))
    lots = identified({"unite": lot("unite", [ANSWER], base_ligne=np.array([0])), "machine": machines}, q)
    frame = pd.DataFrame({"numero": pd.Series([F1], dtype="str"), "id_base": [f"F:{F1}"]})
    found = validate(lots, [], q, "c1", frame).constats
    assert [(c.constat, c.entite, c.enregistrement, c.variable, c.valeur_recue) for c in found] == [
        ("absent_de_la_base", "machine", 1, "site", F2)
    ]
    assert not validate(lots, [], q, "c1").constats


# ------------------------------------------------------------------- a rule reading a rejected cell accuses nobody

NO_HIGH = {"non": {"existe": "machine", "si": {"variable": "prix", "superieur": 1}}}


@pytest.mark.parametrize(
    ("entite", "condition", "rejected"),
    [
        ("unite", {"et": [{"variable": "emploi", "egal": "OUI"}, NO_HIGH]}, ("machine", 0, "prix")),
        ("unite", {"variable": "effectif", "renseigne": False}, ("unite", 0, "effectif")),
        ("machine", {"variable": "unite.effectif", "renseigne": False}, ("unite", 0, "effectif")),
    ],
)
def test_a_rule_reading_a_rejected_cell_is_skipped(entite: str, condition: dict, rejected: tuple) -> None:
    q = questionnaire([Regle("R5", Gravite.ALERTE, entite, "manque", condition=condition, cellules=("emploi",))])
    units = [{**ANSWER, "effectif": None}, {**ANSWER, "numero": F2, "effectif": None}]
    machines = [{"parent": 0, "rang": 1, "prix": None}, {"parent": 1, "rang": 1, "prix": None}]
    lots = identified({"unite": lot("unite", units), "machine": lot("machine", machines)}, q)
    e, r, v = rejected
    found = validate(lots, [Constat("entier_invalide", e, r, v, "?")], q, "c1").constats
    assert [c.enregistrement for c in found if c.regle] == [1]
    q = replace(q, regles=(*q.regles[:1], Regle("C9", Gravite.ALERTE, "*", "", constat="entier_invalide"), *CATALOGUE))
    found = validate(lots, [Constat("entier_invalide", e, r, v, "?")], q, "c1").constats
    assert [c.enregistrement for c in found if c.regle] == [0, 1]


def test_a_value_the_schema_refuses_accuses_nobody_either() -> None:
    q = questionnaire([Regle("R5", Gravite.ALERTE, "unite", "", condition={"variable": "effectif", "superieur": 50})])
    lots = identified(
        {"unite": lot("unite", [{**ANSWER, "effectif": 101}, {**ANSWER, "numero": F2, "effectif": 60}])}, q
    )
    found = validate(lots, [], q, "c1").constats
    assert [(c.regle, c.enregistrement) for c in found if c.regle] == [("R5", 1)]


# ------------------------------------------------------------------------------------------------------ formulas


@pytest.mark.parametrize(
    "texte", ["=1", "+1", "-1", "@x", "  =1", "\u00a0=1", "\ufeff=1", "\u200b@x", "＝1", " ＋1", "－1", "＠x",
              "\t1", "\r1", "\n1", "\0x", "\0=1", " \t=1"],
)  # fmt: skip
def test_both_csv_writers_neutralise_the_same_texts(texte: str) -> None:
    assert neutralise(texte) == "'" + texte
    assert ("'" + texte).encode() in files.csv_bytes(["a"], [[texte]])
    assert "'" + texte in format_csv(pd.DataFrame({"a": [texte]}))


def test_numbers_and_plain_texts_are_left_alone() -> None:
    assert [neutralise(t) for t in ("a=1", "", "Île", "12", "(x)", " a")] == ["a=1", "", "Île", "12", "(x)", " a"]
    assert files.csv_bytes(["a"], [[-5], [-1.5], [None]]) == b'a\n-5\n-1.5\n""\n'
    assert format_csv(pd.DataFrame({"a": [-1.5]})) == "a\n-1.5\n"
