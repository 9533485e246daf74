"""From a published figure down to the cells it comes from, and from a received file up to the figures it touches."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import numpy as np
import openpyxl
import pytest

from cartographie import warehouse
from cartographie.campaign.workspace import warehouse_path
from cartographie.intake.store import read_registre
from cartographie.proof.trace import trace_figure
from cartographie.statistics.members import Traceur
from cartographie.statistics.tables import Campagne
from cartographie.statistics.weights import weigh
from cartographie.survey.load import load_questionnaire

CAMPAGNE, AVANT = "2026", "2025"


@pytest.fixture(scope="module")
def traceur(petit_projet: Path) -> Traceur:
    q = load_questionnaire(petit_projet)
    with warehouse.open_readonly(warehouse_path(petit_projet)) as con:
        campagnes = {
            a: Campagne(a, f, weigh(q, a, f)) for a in (CAMPAGNE, AVANT) if (f := warehouse.analysis_frames(con, a))
        }
    return Traceur(q, campagnes[CAMPAGNE], campagnes[AVANT])


@pytest.fixture(scope="module")
def publie(petit_projet: Path) -> Path:
    return petit_projet / "outputs" / CAMPAGNE / "provisoire"


def rows(publie: Path) -> list[dict[str, str]]:
    out = []
    for p in sorted((publie / "tableaux").glob("t*[!l].csv")):
        with p.open(encoding="utf-8", newline="") as f:
            out += list(csv.DictReader(f))
    return out


def test_every_published_figure_is_made_again_from_its_rows(publie: Path, traceur: Traceur) -> None:
    """Shares and counts of every table: what the rows behind them add up to is what was published."""
    refaits = 0
    traceur.draft = {c: traceur.draft(c) for c in {x["table_id"] for x in rows(publie)}}.__getitem__  # type: ignore[method-assign]
    for x in rows(publie):
        if x["valeur"] == "" or x["indicateur"].endswith(".evolution"):
            continue
        t = trace_figure(traceur, x)
        if np.isnan(t.valeur):
            continue
        if x["unite"] != "pct":
            assert abs(t.valeur - t.exact) < 1e-6, x
        elif t.membres.grain != traceur.q.base:  # of the frame: weighted by size, or a response rate
            assert abs(t.valeur - float(x["valeur"])) <= 0.05 + 1e-6, x
        refaits += 1
    assert refaits > 300


def workbook(chemin: Path) -> bool:
    """Whatever its extension says, an Excel workbook openpyxl reads."""
    if not is_zipfile(chemin):
        return False
    with ZipFile(chemin) as archive:
        return "xl/workbook.xml" in archive.namelist()


def test_a_figure_leads_to_the_cells_received(publie: Path, petit_projet: Path, cli: Callable[..., Any]) -> None:
    avant = {p: p.stat().st_mtime_ns for p in publie.rglob("*")}
    sortie = cli("trace", publie, "T01", "indicateur=usage", "--projet", petit_projet, "--json")
    assert sortie.statut == 0, sortie.erreurs
    bilan = sortie.json
    assert (
        bilan["publie"]["territoire_code"] == "FRANCE" and bilan["publie"]["type_acteur"] == "TOUS"
    )  # unsaid: the whole
    assert abs(bilan["refait"] - float(bilan["publie"]["valeur"])) <= 0.05 + 1e-9
    chemins = {
        d.nom: petit_projet / "raw" / CAMPAGNE / d.chemin for d in read_registre(petit_projet / "raw" / CAMPAGNE)
    }
    lues = [c for c in bilan["cases"] if workbook(chemins[c["fichier"]]) and c["variable"] == "usage_ia"]
    assert len(lues) >= 5
    for c in lues:
        with chemins[c["fichier"]].open("rb") as f:  # whatever its extension says
            case = openpyxl.load_workbook(f)[c["feuille"]][c["cellule"]]
        assert str(case.value or "") == c["recu"], c
    personnelles = {n for n, v in load_questionnaire(petit_projet).variables.items() if v.personnel}
    assert all(c["recu"] == "(masqué)" for c in bilan["cases"] if c["variable"] in personnelles)
    assert {p: p.stat().st_mtime_ns for p in publie.rglob("*")} == avant  # nothing nominative is written


@pytest.mark.parametrize(
    ("criteres", "dit"),
    [
        (["T99", "indicateur=usage"], "n'a pas de tableau"),
        (["T01", "indicateur=zorglub"], "Aucune ligne"),
        (["T01", "couleur=bleu"], "pas de colonne"),
        (["T01"], "précisez indicateur"),
        (["T01", "usage"], "colonne=valeur"),
        (["T04", "indicateur=usage.evolution"], "différence de deux chiffres"),
    ],
)
def test_what_does_not_name_one_figure_is_said(
    publie: Path, petit_projet: Path, cli: Callable[..., Any], criteres: list[str], dit: str
) -> None:
    sortie = cli("trace", publie, *criteres, "--projet", petit_projet)
    assert sortie.statut == 2 and "U28" in sortie.erreurs and dit in sortie.erreurs, sortie.erreurs


def test_a_received_file_tells_the_figures_it_touches(
    publie: Path, petit_projet: Path, cli: Callable[..., Any]
) -> None:
    """Down then up: a file behind a figure touches that figure; the ones refused touch none."""
    bas = cli("trace", publie, "T01", "indicateur=usage", "territoire_code=84", "--projet", petit_projet, "--json").json
    depot = bas["membres"][0]["depot"]
    haut = cli("trace", publie, "--fichier", depot, "--projet", petit_projet, "--json").json
    cles = {
        (x["table_id"], x["indicateur"], x["territoire_code"], x["type_acteur"], x["edition"]) for x in haut["chiffres"]
    }
    assert ("T01", "usage", "84", "TOUS", CAMPAGNE) in cles and ("T01", "usage", "FRANCE", "TOUS", CAMPAGNE) in cles
    with warehouse.open_readonly(warehouse_path(petit_projet)) as con:
        lus = {
            d
            for nom, df in warehouse.analysis_frames(con, CAMPAGNE).items()
            if "depot" in df and nom != "anomalie"
            for d in df["depot"].dropna()
        }
    refuses = [d.depot for d in read_registre(petit_projet / "raw" / CAMPAGNE) if d.depot not in lus]
    assert refuses
    assert cli("trace", publie, "--fichier", refuses[0], "--projet", petit_projet, "--json").json["chiffres"] == []


def test_a_figure_that_is_no_longer_the_one_published_is_said(
    publie: Path, petit_projet: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    ailleurs = Path(shutil.copytree(publie, tmp_path / "v0"))
    chemin = next((ailleurs / "tableaux").glob("t01_*[!l].csv"))
    (x,) = [
        r for r in rows(publie) if (r["table_id"], r["indicateur"], r["territoire_code"]) == ("T01", "usage", "FRANCE")
    ]
    texte = chemin.read_text(encoding="utf-8")
    assert texte.count(f",{x['valeur']},{x['ic_bas']}") == 1
    chemin.write_text(texte.replace(f",{x['valeur']},{x['ic_bas']}", f",99.9,{x['ic_bas']}"), encoding="utf-8")
    dit = cli("trace", ailleurs, "T01", "indicateur=usage", "--limite", "1", "--projet", petit_projet)
    assert dit.statut == 0 and "ce n'est pas le chiffre publié" in dit.texte
    assert (
        "pas le chiffre publié" not in cli("trace", publie, "T01", "indicateur=usage", "--projet", petit_projet).texte
    )
