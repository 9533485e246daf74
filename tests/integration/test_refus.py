"""What is declared or written by hand and does not hold: one French sentence, where, its code, its status, nothing changed."""

from __future__ import annotations

import csv
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fautes"))
from fabriquer import finess

CAMPAGNE = "2026"
Lance = Callable[..., Any]


@pytest.fixture
def espace(mini_projet: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mini_projet, tmp_path / "espace"))


def change(fichier: Path, faire: Callable[[Any], None]) -> None:
    contenu = yaml.safe_load(fichier.read_text(encoding="utf-8"))
    faire(contenu)
    fichier.write_text(yaml.safe_dump(contenu, allow_unicode=True, sort_keys=False), encoding="utf-8")


def refused(sortie: Any, code: str, statut: int, *mots: str) -> None:
    assert sortie.statut == statut, sortie.erreurs
    dite = re.findall(rf"^Erreur {code} : .*", sortie.erreurs, re.MULTILINE)
    assert len(dite) == 1 and all(m in dite[0] for m in mots), sortie.erreurs


def test_what_the_analyst_notes_by_hand(espace: Path, cli: Lance) -> None:
    """Dispositions and reminders: a wrong heading, a word that is none, a unit nobody knows."""
    avant = (espace / "outputs/entrepot.duckdb").read_bytes()
    dispositions = espace / "raw" / CAMPAGNE / "dispositions.csv"
    for texte, code, mots in (
        ("unité;disposition\n", "U18", ("ses colonnes doivent être unite, disposition, le",)),
        ("unite,disposition,le\nF:1,parti,2026-05-01\n", "U18", ("ligne 2", "« parti »", "choisissez parmi")),
        (
            "unite,disposition,le\nF:999999999,ferme,2026-05-01\n",
            "U19",
            ("« F:999999999 »", "absente de la base de sondage"),
        ),
    ):
        dispositions.write_text(texte, encoding="utf-8")
        refused(cli("load", "--projet", espace), code, 2, f"raw/{CAMPAGNE}/dispositions.csv", *mots)
    dispositions.unlink()
    relances = espace / "raw" / CAMPAGNE / "relances.csv"
    relances.write_text("qui,quand\n", encoding="utf-8")
    refused(cli("validate", CAMPAGNE, "--projet", espace), "U16", 2, "relances.csv", "destinataire, envoye_le")
    assert (espace / "outputs/entrepot.duckdb").read_bytes() == avant


def test_margins_that_cannot_be_met(espace: Path, cli: Lance) -> None:
    """Bounds so narrow that no weight can move: nothing is computed on wrong weights."""
    change(
        espace / "schemas" / CAMPAGNE / "campagne.yaml",
        lambda c: c["ponderation"]["calage"].update(bornes=[0.999, 1.001], repondants_min=1),
    )
    assert cli("load", "--projet", espace).statut == 0
    refused(cli("map", CAMPAGNE, "--projet", espace), "E19", 10, "entre 0.999 et 1.001", "voulu", "« bornes »")
    assert not (espace / "outputs" / CAMPAGNE / "tableaux").exists()


def test_weights_are_made_from_the_frame_and_judged_on_the_rest(espace: Path, cli: Lance) -> None:
    campagne = espace / "schemas" / CAMPAGNE / "campagne.yaml"
    avant = campagne.read_text(encoding="utf-8")
    for cle, valeur, code, mot in (
        ("groupes", ["taile"], "D05", "« taile » n'est pas déclarée"),
        ("temoins", ["taille"], "D10", "« taille » sert aux poids"),
    ):
        campagne.write_text(avant, encoding="utf-8")
        change(campagne, lambda c, cle=cle, valeur=valeur: c["ponderation"].update({cle: valeur}))  # type: ignore[misc]
        refused(cli("status", "--projet", espace), code, 10, f"schemas/{CAMPAGNE}/campagne.yaml", mot)


def test_a_table_that_says_a_figure_twice(espace: Path, cli: Lance) -> None:
    """Nothing of what is read changed: the warehouse still stands, the table is refused."""
    tableau = sorted((espace / "schemas/tableaux").glob("*.yaml"))[1]
    change(tableau, lambda t: t["series"].append(dict(t["series"][0])))
    refused(cli("map", CAMPAGNE, "--projet", espace), "E16", 10, "publie deux fois le même chiffre")


def test_a_table_gone_that_a_release_still_shows(espace: Path, cli: Lance) -> None:
    retire = sorted((espace / "schemas/tableaux").glob("*.yaml"))[1]
    code = yaml.safe_load(retire.read_text(encoding="utf-8"))["code"]
    retire.unlink()
    change(
        espace / "schemas" / CAMPAGNE / "plausibilite.yaml",
        lambda p: p.update(attentes=[a for a in p["attentes"] if a.get("tableau") != code]),
    )
    sortie = cli("publish", CAMPAGNE, "--version", "v2", "--projet", espace)
    refused(sortie, "U27", 10, f"publie le tableau {code}", "remettez sa déclaration")
    assert not (espace / "outputs" / CAMPAGNE / "v2").exists()


def test_a_condition_that_means_nothing(espace: Path, cli: Lance) -> None:
    """Two comparisons at once, or none: which one is meant cannot be guessed."""
    regles = espace / "schemas/regles.yaml"
    lues = yaml.safe_load(regles.read_text(encoding="utf-8"))
    i = next(i for i, r in enumerate(lues) if "variable" in (r.get("condition") or {}))
    for condition in (
        {"variable": lues[i]["condition"]["variable"]},
        {**lues[i]["condition"], "egal": "A", "hors": ["B"]},
    ):
        change(regles, lambda r, condition=condition: r[i].update(condition=condition))  # type: ignore[misc]
        sortie = cli("status", "--projet", espace)
        assert sortie.statut == 10 and "Erreur D08 : schemas/regles.yaml" in sortie.erreurs, sortie.erreurs
        assert "exactement un opérateur" in sortie.erreurs


def test_a_wording_that_means_two_answers(espace: Path, cli: Lance) -> None:
    liste = espace / "schemas/nomenclatures/region.csv"
    lignes = liste.read_text(encoding="utf-8").splitlines()
    code, libelle, *_ = lignes[1].split(",")
    lignes[2] = lignes[2].replace(lignes[2].split(",")[1], libelle, 1)
    liste.write_text("\n".join(lignes) + "\n", encoding="utf-8")
    refused(
        cli("status", "--projet", espace),
        "D11",
        10,
        "schemas/nomenclatures/region.csv, ligne",
        f"désigne à la fois {code}",
    )


def test_what_the_auditor_needs_and_is_not_there(espace: Path, tmp_path: Path, cli: Lance) -> None:
    publiee = espace / "outputs" / CAMPAGNE / "provisoire"
    absent = tmp_path / "absent"
    refused(cli("audit", publiee, "--signataires", absent), "U24", 2, "donnez un fichier de signataires")
    refused(cli("audit", publiee, "--raw", absent), "U24", 2, f"donnez raw/{CAMPAGNE}")
    refused(cli("sign", publiee, "--cle", absent, "--projet", espace), "U24", 2, "donnez une clé privée SSH")


FINESS_ET, FINESS_EJ = "Numéro FINESS de l'établissement (site géographique)", "Numéro FINESS de l'entité juridique"
RPPS = "Numéro RPPS (professionnel répondant pour lui seul)"
QUI = "Qui évalue les systèmes d'IA dans votre structure ? (plusieurs réponses possibles)"


def test_numbers_that_are_none(racine: Path, tmp_path: Path, cli: Lance) -> None:
    """FINESS and RPPS, malformed or mistyped, wherever they are given; « none » ticked with something else. Each at its cell;
    a personal number is not quoted."""
    ici = tmp_path / "espace"
    shutil.copytree(racine / "schemas", ici / "schemas")
    reponses = {
        "site": ({FINESS_ET: "01900001"}, [], {"R03a"}),
        "entité": ({FINESS_EJ: "01X000018"}, ["0190000"], {"R03d", "R03b"}),
        "rpps": ({RPPS: "1000345678"}, [], {"R09a"}),
        "clé": ({RPPS: "10003456780"}, [], {"R09b"}),
        "aucune": ({QUI: "AUCUNE;DSI"}, [], {"S08b"}),
    }
    source = Path(__file__).resolve().parents[1] / "fautes/fichiers/bon.xlsx"
    for i, (nom, (reponse, sites, _)) in enumerate(reponses.items()):
        classeur = openpyxl.load_workbook(source)
        for ligne in classeur["REPONDANT"].iter_rows():
            if ligne[1].value in {FINESS_ET: 0, **reponse}:
                ligne[2].value = {FINESS_ET: finess(200 + i), **reponse}[ligne[1].value]
        for j, site in enumerate(sites):
            classeur["PERIMETRE"].cell(5 + j, 1).value = site
        classeur.save(tmp_path / f"{nom}.xlsx")
    base = tmp_path / "base.csv"
    entete = "nofinesset,nofinessej,rs,type_acteur,categetab,statutjuridique,departement,region,commune,lits_places"
    base.write_text(
        f"{entete}\n{finess(1)},,Un,ES_PUB,,,01,84,,120\n01900001,,Deux,ES_PUB,,,01,84,,120\n", encoding="utf-8"
    )
    assert cli("register", CAMPAGNE, base, "--projet", ici).statut == 0
    recus = [tmp_path / f"{nom}.xlsx" for nom in reponses]
    assert cli("ingest", CAMPAGNE, *recus, "--ranger-seulement", "--projet", ici).statut == 0
    cli("validate", CAMPAGNE, "--projet", ici)
    with (ici / "outputs" / CAMPAGNE / "controle/anomalies.csv").open(encoding="utf-8", newline="") as f:
        constats = list(csv.DictReader(f))
    for nom, (_, _, attendues) in reponses.items():
        siens = [x for x in constats if x["fichier"] == f"{nom}.xlsx" and x["regle"] in attendues]
        assert {x["regle"] for x in siens} == attendues and all(x["cellule"] for x in siens), (nom, siens)
    assert [x["cellule"] for x in constats if x["regle"] == "R03c"] == ["A3"]
    assert "100034567" not in "".join(map(str, constats))


def test_more_systems_than_anybody_has(espace: Path, tmp_path: Path, cli: Lance) -> None:
    """300 are believed; 301 are to be checked: a row copied down by mistake."""
    source = Path(__file__).resolve().parents[1] / "fautes/fichiers/bon.xlsx"
    for nombre in (300, 301):  # the same respondent: what came last prevails
        classeur = openpyxl.load_workbook(source)
        ws = classeur["SYSTEMES"]
        for i in range(7, nombre + 5):  # headers on the fourth row
            for c in range(1, ws.max_column + 1):
                ws.cell(i, c).value = ws.cell(6, c).value
            ws.cell(i, 1).value = i - 4
        classeur.save(tmp_path / f"{nombre}.xlsx")
        assert (
            cli("ingest", CAMPAGNE, tmp_path / f"{nombre}.xlsx", "--ranger-seulement", "--projet", espace).statut == 0
        )
        cli("validate", CAMPAGNE, "--projet", espace)
        with (espace / "outputs" / CAMPAGNE / "controle/anomalies.csv").open(encoding="utf-8", newline="") as f:
            vues = [x["fichier"] for x in csv.DictReader(f) if x["regle"] == "R34"]
        assert vues == (["301.xlsx"] if nombre == 301 else [])


def test_what_lint_cannot_open(tmp_path: Path, cli: Lance) -> None:
    (tmp_path / "faux.xlsx").write_bytes(b"pas un classeur")
    refused(cli("lint", tmp_path / "faux.xlsx"), "U22", 2, "ce n'est pas un classeur Excel valide")
    refused(cli("lint", tmp_path / "absent.xlsx"), "U22", 2, "n'existe pas")
