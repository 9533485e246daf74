"""The fictitious survey: files readable by an independent reader, an oracle that agrees with worked cases, one seed one result."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import date
from pathlib import Path
from random import Random

import pytest
import python_calamine
from cles import finess_key

from cartographie.base.errors import UserError
from cartographie.base.identifiers import luhn
from cartographie.cli.flow import prepare
from cartographie.survey.evaluate import Contexte, evaluate
from cartographie.survey.load import load_questionnaire
from cartographie_demo.answers import Tirage, clean_answer
from cartographie_demo.campaign import in_frame, make_frame, respondents
from cartographie_demo.generate import generate
from cartographie_demo.hints import Indications, finess, load_hints, luhn_digit, rpps, siren, siret
from cartographie_demo.layout import address, parse_cell
from cartographie_demo.oracle import Fiche, Monde, holds, irregularities, violations
from cartographie_demo.writers import WRITERS, Erreur, Formule, Page, write_classeur

PROJET = Path(__file__).parents[3]
CELLULES = {
    (1, 1): "données fictives",
    (3, 2): "été €",
    (3, 3): 12,
    (3, 4): 1.5,
    (3, 5): date(2001, 2, 3),
    (3, 6): True,
}


@pytest.fixture(scope="module")
def questionnaire():
    return load_questionnaire(PROJET)


@pytest.mark.parametrize("suffixe", sorted(set(WRITERS) - {"csv"}))
def test_every_workbook_is_read_back_and_has_the_same_bytes_twice(tmp_path, suffixe):
    pages = {
        "PREMIÈRE": Page(dict(CELLULES), lignes_masquees={3}, lignes_vides=5),
        "B": Page({(1, 1): 1}, masquee=True),
    }
    un, deux = tmp_path / f"un.{suffixe}", tmp_path / f"deux.{suffixe}"
    write_classeur(un, pages)
    write_classeur(deux, pages)
    assert un.read_bytes() == deux.read_bytes()
    lu = python_calamine.CalamineWorkbook.from_path(str(un))
    assert lu.sheet_names == ["PREMIÈRE", "B"]
    lignes = lu.get_sheet_by_name("PREMIÈRE").to_python(skip_empty_area=False)
    assert lignes[0][0] == "données fictives"
    assert lignes[2][1:6] == ["été €", 12.0, 1.5, date(2001, 2, 3), True]


def test_xlsb_error_and_formula_cells():
    from cartographie_demo.writers import cell_biff12

    assert cell_biff12(1, Erreur("#REF!")).endswith(b"\x17")
    assert cell_biff12(1, Formule("=1+1", 2)) == cell_biff12(1, 2)


@pytest.mark.parametrize(
    ("encodage", "separateur"), [("utf-8", ";"), ("utf-8-sig", ","), ("cp1252", ";"), ("utf-16", "\t")]
)
def test_delimited_text(tmp_path, encodage, separateur):
    chemin = tmp_path / "a.csv"
    write_classeur(chemin, {"A": Page(dict(CELLULES))}, encodage=encodage, separateur=separateur)
    lignes = chemin.read_bytes().decode(encodage).split("\r\n")
    assert lignes[2] == separateur.join(["", "été €", "12", "1.5", "2001-02-03", "VRAI"])


@pytest.mark.parametrize("departement", ["01", "2A", "2B", "75", "974"])
def test_invented_finess_numbers_have_a_right_key(departement):
    numero = finess(42, departement, {"974": "9794"})
    assert len(numero) == 9
    assert numero[-1] == finess_key(numero[:8])


def test_invented_numbers_have_a_right_key():
    assert luhn_digit("73282932") == "0"
    assert all(luhn(n) for n in (siren(7), siret(7), rpps(7)))
    assert [len(n) for n in (siren(7), siret(7), rpps(7))] == [9, 14, 11]


def test_addresses():
    assert [address(4, c) for c in (1, 26, 27, 703)] == ["A4", "Z4", "AA4", "AAA4"]
    assert parse_cell("AB12") == (12, 28)


def test_oracle_null_semantics(questionnaire):
    nom = next(n for n, v in questionnaire.variables.items() if not v.derivee)
    monde = Monde(questionnaire, max(questionnaire.campagnes), posees={(questionnaire.racine, nom)})
    vide, plein = Fiche(questionnaire.racine), Fiche(questionnaire.racine, {nom: "5"})
    for operateur, attendu in (("egal", "5"), ("different", "5"), ("dans", ["5"]), ("hors", ["6"])):
        assert not holds(monde, vide, {"variable": nom, operateur: attendu})
    assert holds(monde, vide, {"non": {"variable": nom, "egal": "5"}})
    assert holds(monde, vide, {"variable": nom, "renseigne": False})
    assert holds(monde, plein, {"variable": nom, "dans": ["5"]})
    assert not holds(monde, plein, {"variable": "jamais_posee", "renseigne": False})


def test_clean_answers_break_nothing_for_both_evaluators(questionnaire):
    import pandas as pd

    indications = load_hints(PROJET)
    groupes = make_frame(questionnaire, indications, 30, 5)
    for campagne in questionnaire.campagnes:
        t = Tirage(questionnaire, campagne, indications, Monde(questionnaire, campagne))
        departs = respondents(
            questionnaire, indications, in_frame(questionnaire, indications, groupes, campagne), campagne, 30, 5, {}
        )
        racines = [clean_answer(t, f"5:{d.numero}", d) for d in departs]
        assert racines
        assert not [v for r in racines for v in (*violations(t.monde, r), *irregularities(t.monde, r))]
        df = pd.DataFrame([r.valeurs for r in racines])
        contexte = Contexte(questionnaire.racine, {questionnaire.racine: df}, questionnaire, campagne)
        simples = [
            c for r in t.monde.regles if (c := r.condition) and r.entite == questionnaire.racine and "variable" in c
        ]
        for condition in simples:
            assert evaluate(condition, contexte).tolist() == [holds(t.monde, r, condition) for r in racines]


@pytest.mark.long
def test_same_seed_same_files_and_every_fault_has_its_place(questionnaire, tmp_path):
    bilans = [
        generate(PROJET, questionnaire, tmp_path / d, questionnaire.campagnes, 60, 3, classeurs_max=30) for d in "ab"
    ]
    assert bilans[0] == bilans[1]
    empreintes = [
        {
            f.relative_to(tmp_path / d): hashlib.sha256(f.read_bytes()).hexdigest()
            for f in (tmp_path / d).rglob("*")
            if f.is_file()
        }
        for d in "ab"
    ]
    assert empreintes[0] == empreintes[1]
    for campagne in questionnaire.campagnes:
        dossier = tmp_path / "a" / "recus" / campagne
        verite = json.loads((dossier / "verite.json").read_text("utf-8"))
        assert {f["fichier"] for f in verite["fautes"]} <= {f["fichier"] for f in verite["fichiers"]}
        assert {f["fichier"] for f in verite["fichiers"]} == {f.name for f in (dossier / "reponses").iterdir()}
        assert all(f["code"] and f["gravite"] for f in verite["fautes"])
        assert all("fictif" in f["fichier"] for f in verite["fichiers"])
        assert len(verite["repondants_gardes"]) == verite["lignes_gardees"][questionnaire.racine]
        assert len(set(verite["repondants_gardes"])) == len(verite["repondants_gardes"])


def test_no_question_no_year_in_the_code(questionnaire):
    sources = "".join(p.read_text("utf-8") for p in (PROJET / "cartographie_demo").glob("*.py"))
    noms = [n for n in questionnaire.variables if "_" in n and f'"{n}"' in sources]
    assert noms == []
    assert not [c for c in questionnaire.campagnes if f'"{c}"' in sources]


def test_without_its_extra_the_command_says_what_to_install(tmp_path, monkeypatch):
    for module in [m for m in sys.modules if m.startswith("cartographie_demo")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "xlwt", None)
    with pytest.raises(UserError, match=r"pip install 'cartographie\[demo\]'") as e:
        prepare.demo(PROJET, tmp_path / "fictif", 60, 1, 5, lambda *_: None)
    assert e.value.code == "U31" and "« xlwt" in e.value.message


def test_a_weight_follows_several_answers_and_what_was_said_a_campaign_earlier(questionnaire):
    facteurs = {"type_acteur": {"PHA": {"OUI_PROD": 0}}, "precedent.usage_ia": {"OUI": {"NON": 0}}}
    declare = {"valeurs": {"OUI_PROD": 1, "OUI_EXP": 1, "NON": 1}, "facteurs": facteurs}
    campagne = max(questionnaire.campagnes)
    t = Tirage(
        questionnaire, campagne, Indications({"variables": {"usage_ia": declare}}), Monde(questionnaire, campagne)
    )

    def drawn(type_acteur, **avant):
        fiche = Fiche(questionnaire.racine, {"type_acteur": type_acteur}, avant=avant)
        return {t.draw(fiche, "usage_ia", Random(i), 1) for i in range(60)}

    assert drawn("LBM") == {"OUI_PROD", "OUI_EXP", "NON"}
    assert drawn("PHA") == {"OUI_EXP", "NON"}
    assert drawn("LBM", usage_ia="OUI") == {"OUI_PROD", "OUI_EXP"}
    assert drawn("PHA", usage_ia="OUI") == {"OUI_EXP"}


def test_bounds_follow_another_answer(questionnaire):
    declare = {"selon": "type_acteur", "plages": {"LBM": [5, 6], "PHA": None}, "plage": [90, 99], "vide": 0}
    campagne = max(questionnaire.campagnes)
    indications = Indications({"variables": {"lits_places": declare}})
    t = Tirage(questionnaire, campagne, indications, Monde(questionnaire, campagne))

    def drawn(type_acteur):
        fiche = Fiche(questionnaire.racine, {"type_acteur": type_acteur})
        return {t.draw(fiche, "lits_places", Random(i), 1) for i in range(60)}

    assert drawn("LBM") == {5, 6}
    assert drawn("PHA") == {None}
    assert drawn("MSP") <= set(range(90, 100))
