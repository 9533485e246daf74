"""Findings in words, located, masked, in order; and the files an analyst opens."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest
from petite_enquete import F1, F2, REGLES, depot, identified, lot, questionnaire, validation

from cartographie.survey.model import Gravite
from cartographie.survey.received import Anomalie, Constat
from cartographie.survey.rules import column_letters, fill, load_catalogue, une_ligne
from cartographie.validate import accounts, files
from cartographie.validate.settle import validate
from cartographie.validate.wording import Redaction, word

ANSWER = {"numero": F1, "emploi": "OUI", "effectif": 5, "detail": "abc", "secret": "Mme Untel"}


def worded(units, machines=(), constats=(), regles=REGLES):
    lots = {"unite": lot("unite", units), "machine": lot("machine", machines)}
    q = questionnaire(regles)
    lots = identified(lots, q)
    v = validate(lots, list(constats), q, "c1")
    depots = [depot(d) for d in sorted(set(lots["unite"].df["depot"]))]
    return word(v.constats, lots, depots, q, "c1", v.identifiants)


def test_a_finding_names_its_cell_rule_severity_and_respondent() -> None:
    (a,) = worded([ANSWER, {**ANSWER, "numero": F2, "effectif": 500}]).anomalies
    assert (a.fichier, a.feuille, a.ligne, a.colonne, a.cellule) == ("d1.xlsx", "UNITE", 3, "E", "E3")
    assert (a.regle, a.gravite, a.id_repondant, a.valeur_recue) == ("C1", "rejet_cellule", f"F:{F2}", "500")
    assert a.message == "hors_bornes : « 500 » E3"


def test_one_anomaly_per_record_and_rule_naming_the_other_cells() -> None:
    (a,) = worded([ANSWER], [{"parent": 0, "rang": 1, "prix": 6.5}]).anomalies
    assert (a.cellule, a.regle, a.id_repondant) == ("B2", "R2", f"F:{F1}")
    assert a.message == "prix 6,5 > effectif (autres cellules en cause : effectif (UNITE !E2))"


def test_confidential_findings_are_apart_and_personal_values_masked() -> None:
    regle = replace(REGLES[2], message="{effectif} chez {secret}")
    out = worded([{**ANSWER, "effectif": 13}], regles=[regle])
    assert out.anomalies == [] and out.confidentielles[0].message.startswith("13 chez (masqué)")
    personal = Constat(
        "entier_invalide", "unite", 0, "secret", "Mme Untel", "Mme U.", {"recu": "Mme Untel", "maximum": 9}
    )
    found = Constat("donnee_personnelle", "unite", 0, "detail", "06 12 34 56 78")
    other = Constat("entier_invalide", "unite", 0, "detail", "06 12 34 56 78")
    text = str(worded([ANSWER], constats=[personal, found, other]).anomalies)
    assert "Untel" not in text and "Mme U." not in text and "06 12" not in text and text.count("(masqué)") >= 3


def test_order_is_deterministic() -> None:
    units = [
        {**ANSWER, "depot": d, "numero": n, "effectif": 500, "emploi": "?", "detail": None}
        for d, n in (("d2", F1), ("d1", F2))
    ]
    constats = [Constat("entier_invalide", "unite", 1, "effectif", "x"), Constat("version_inconnue", depot="d0")]
    places = [(a.fichier, a.ligne, a.colonne, a.regle) for a in worded(units, constats=constats).anomalies]
    assert places == [
        ("", None, "", "F1"), ("d1.xlsx", 3, "D", "C4"), ("d1.xlsx", 3, "E", "C1"), ("d1.xlsx", 3, "E", "C9"),
        ("d2.xlsx", 2, "D", "C4"), ("d2.xlsx", 2, "E", "C1"),
    ]  # fmt: skip


def test_every_built_in_finding_has_its_own_code() -> None:
    codes = Counter(entry["code"] for entry in load_catalogue().values())
    assert [c for c, n in codes.items() if n > 1] == []
    assert all(re.fullmatch("[FLC][1-9][0-9]{2}", c) for c in codes)


def test_unknown_finding_is_a_bug_of_ours() -> None:
    with pytest.raises(AssertionError, match="catalogue"):
        worded([ANSWER], constats=[Constat("jamais_vu", "unite", 0)])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (float("nan"), ""), (pd.NA, ""), (5.0, "5"), (0.1, "0,1"), (pd.Timestamp("2000-02-01"), "01/02/2000"),
        (("b", "a"), "a, b"), ("a\x1b[31mb\x07\u202ec\n d\x00", "abc d"), ("x" * 100, "x" * 79 + "…"), ("\u200b", ""),
    ],
)  # fmt: skip
def test_values_become_one_safe_line(value: object, text: str) -> None:
    assert une_ligne(value) == text


def test_a_template_is_filled_once_and_tolerates_gaps() -> None:
    assert fill("{a} {b} {c}", {"a": "{b}", "b": 1}) == "{b} 1 —"
    intitule = "L'intitulé « {a} » manque (le plus proche : {b}) : remettez-le."
    assert (
        fill(intitule, {"a": "Lits", "b": "Lit"}) == "L'intitulé « Lits » manque (le plus proche : Lit) : remettez-le."
    )
    assert fill(intitule, {"a": "Lits", "b": None}) == "L'intitulé « Lits » manque : remettez-le."
    assert fill("Trop ({a}, {b}).", {"a": 1}) == "Trop (1, —)."


def test_column_letters() -> None:
    assert [column_letters(n) for n in (None, 1, 26, 27, 702, 703)] == ["", "A", "Z", "AA", "ZZ", "AAA"]


# ------------------------------------------------------------------------------------------- files


def anomaly(i: int, **changes) -> Anomalie:
    line = Anomalie(
        "c1", "d1", "d1.xlsx", "L'unité", i, "C", f"C{i}", "unite", f"F:{i % 3}", "effectif", "=1+1", f"R{i % 2}",
        Gravite.ALERTE.value, "+message", "",
    )  # fmt: skip
    return replace(line, **changes)


def test_csv_is_harmless_and_numbers_are_left_alone() -> None:
    rows = list(
        csv.reader(
            io.StringIO(
                files.csv_bytes(["a"], [["=1"], [" @x"], ["\t1"], ["-5"], [-5], ["a=1"], [None], ["＝1"]]).decode()
            )
        )
    )
    assert [r[0] if r else "" for r in rows[1:]] == ["'=1", "' @x", "'\t1", "'-5", "-5", "a=1", "", "'＝1"]


def test_workbook_is_readable_linked_capped_and_deterministic() -> None:
    anomalies = [anomaly(i) for i in range(2, 8)]
    args = (anomalies, [depot("d1")], "c1", "Titre", 4)
    assert files.workbook_bytes(*args) == files.workbook_bytes(*args)
    book = openpyxl.load_workbook(io.BytesIO(files.workbook_bytes(*args)))
    assert book.sheetnames == ["Lisez-moi", "Par règle", "Par répondant", "Détail"]
    detail = book["Détail"]
    assert "4 premières anomalies sur 6" in detail["A2"].value
    assert [c.value for c in detail[4]][:4] == ["Fichier", "Feuille", "Cellule", "Gravité"] and detail.max_row == 8
    assert detail["G5"].value == "=1+1" and detail["G5"].data_type == "s" and detail["D5"].value == "Alerte"
    link = detail["C5"].hyperlink
    assert link.target == "../../../raw/c1/depots/d1.xlsx" and link.location == "'L''unité'!C2"
    summary = book["Par règle"]
    assert [summary.cell(4, c).value for c in (1, 2, 7)] == ["R0", 3, 3]
    assert summary["A4"].hyperlink.location == "'Détail'!A5" and summary["A5"].hyperlink.location == "'Détail'!A6"
    assert all(len(book[s].tables) == 1 for s in book.sheetnames[1:])


def test_files_written(tmp_path) -> None:
    comptes = accounts.build([], [], {}, validation({}), questionnaire())
    folder = tmp_path / "controle"
    written = files.write(folder, Redaction([anomaly(2)], [anomaly(3)]), comptes, [depot("d1")], "c1", "Titre")
    assert sorted(p.name for p in written) == ["anomalies.csv", "anomalies.xlsx", "comptes.csv", "confidentiel.csv"]
    files.write(folder, Redaction([]), comptes, [], "c1", "Titre")
    assert sorted(p.name for p in folder.iterdir()) == ["anomalies.csv", "anomalies.xlsx", "comptes.csv"]
    assert (folder / "anomalies.csv").read_text(encoding="utf-8").startswith("campagne,depot,fichier,")
    assert openpyxl.load_workbook(folder / "anomalies.xlsx")["Détail"]["A5"].value == "Aucune anomalie"
