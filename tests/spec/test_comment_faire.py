"""The how-tos of docs/comment-faire.md, applied as they are written to the one-page survey and to a copy of the code."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from test_une_enquete_en_une_page import REPONSES, SCHEMAS

from cartographie.collect.dictionary import build_dictionary
from cartographie.collect.questionnaire import build_template
from cartographie.survey.load import load_questionnaire

pytestmark = pytest.mark.long  # make check leaves it to make test

RACINE = Path(__file__).resolve().parents[2]
SECTIONS = dict(
    re.findall(r"^## (.+)\n((?:(?!^## ).*\n)*)", (RACINE / "docs/comment-faire.md").read_text(encoding="utf-8"), re.M)
)


def apply(section: str, projet: Path) -> None:
    """The shell and diff blocks of a section, in order."""
    for langue, bloc in re.findall(r"^```(diff|sh)\n(.*?)^```", SECTIONS[section], re.M | re.S):
        if langue == "sh":
            verbe, *arguments = bloc.split()
            assert (verbe, arguments[0]) == ("cp", "-r")
            shutil.copytree(projet / arguments[1], projet / arguments[2])
            continue
        tete, *lignes = bloc.splitlines()
        fichier = projet / tete.removeprefix("--- ")
        avant = "".join(x[1:] + "\n" for x in lignes if x[0] in " -")
        apres = "".join(x[1:] + "\n" for x in lignes if x[0] in " +")
        if avant:
            texte = fichier.read_text(encoding="utf-8")
            assert texte.count(avant) == 1, f"{section}: {fichier.name} does not hold {avant!r}"
            fichier.write_text(texte.replace(avant, apres), encoding="utf-8")
        else:
            assert not fichier.exists()
            fichier.write_text(apres, encoding="utf-8")


def column(texte: str, intitule: str, valeurs: dict[int, str]) -> str:
    """The answers with one column more: row number → what is written there."""
    return "".join(
        f"{ligne};{intitule if i == 1 else valeurs.get(i, '')}\n" for i, ligne in enumerate(texte.splitlines(), start=1)
    )


@pytest.fixture(scope="module")
def projet(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]) -> Path:
    """The one-page survey, changed as the page says, its answers received as CSV and as a workbook, and published."""
    projet = tmp_path_factory.mktemp("comment-faire")
    for nom, texte in SCHEMAS.items():
        fichier = projet / "schemas" / nom
        fichier.parent.mkdir(parents=True, exist_ok=True)
        fichier.write_text(texte.lstrip("\n"), encoding="utf-8")
    for section in SECTIONS:
        apply(section, projet)
    reponses = column(REPONSES, "Pourquoi ne pas l'utiliser ?", {5: "prix", 6: "Autre raison", 10: "Trop cher"})
    (projet / "reponses.csv").write_bytes(reponses.encode("cp1252"))
    classeur = openpyxl.Workbook()
    classeur.active.append(reponses.splitlines()[0].split(";"))
    classeur.active.append(["14", "2031-02-01", "A", "Oui", 7, None])
    classeur.save(projet / "site 14.xlsx")
    recu = cli(
        "ingest",
        "2031",
        projet / "reponses.csv",
        projet / "site 14.xlsx",
        "--projet",
        projet,
        "--recu-le",
        "2031-07-01",
    )
    assert recu.statut == 0, recu.erreurs
    sortie = cli("run", "2031", "--projet", projet)
    assert sortie.statut == 0, sortie.erreurs
    return projet


def rows(fichier: Path) -> Iterator[dict[str, str]]:
    with fichier.open(encoding="utf-8", newline="") as f:
        yield from csv.DictReader(f)


def findings(projet: Path) -> set[tuple[str, str]]:
    return {(a["cellule"], a["regle"]) for a in rows(projet / "outputs/2031/controle/anomalies.csv")}


def test_every_section_is_tried() -> None:
    assert [s.removeprefix("Ajouter ") for s in SECTIONS] == [
        "une question", "une modalité", "une règle", "un tableau", "une campagne", "un format de fichier", "une commande",
    ]  # fmt: skip


def test_the_question_is_in_the_dictionary(projet: Path) -> None:
    page = build_dictionary(load_questionnaire(projet), "2031")
    assert "`motif`" in page and "Pourquoi ne pas l'utiliser ?" in page


def test_the_answer_is_read(projet: Path) -> None:
    assert not {f for f in findings(projet) if f[0] == "D11"}  # « peut-être », C315 before


def test_the_rule_names_its_cell(projet: Path) -> None:
    assert {c for c, r in findings(projet) if r == "R12"} == {"E4"}


def test_the_table_is_published(projet: Path) -> None:
    (fichier,) = (projet / "outputs/2031/provisoire/tableaux").glob("t02_*[!l].csv")
    lignes = list(rows(fichier))
    assert {x["indicateur"] for x in lignes} == {"motif"}
    assert {"COUT", "AUTRE"} <= {v for x in lignes for v in x.values()}


def test_the_workbook_is_read_like_the_csv(projet: Path) -> None:
    (total,) = [c for c in rows(projet / "outputs/2031/controle/comptes.csv") if c["niveau"] == "TOTAL"]
    assert (total["lignes_lues"], total["lignes_conservees"]) == ("17", "13")  # two headers, fifteen answers
    lus = {c["fichier"] for c in rows(projet / "outputs/2031/controle/comptes.csv") if int(c["lignes_conservees"] or 0)}
    assert {"reponses.csv", "site 14.xlsx"} <= lus


def test_the_next_campaign_has_its_questionnaire(projet: Path) -> None:
    q = load_questionnaire(projet)
    assert q.campagnes["2032"].precedente == "2031"
    assert build_template(q, "2032").startswith(b"PK")


def test_the_command_runs(projet: Path, tmp_path: Path) -> None:
    shutil.copytree(RACINE / "cartographie", tmp_path / "cartographie")
    blocs = re.findall(r"^```python\n# à la fin de (\S+)\n(.*?)^```", SECTIONS["Ajouter une commande"], re.M | re.S)
    assert len(blocs) == 2
    for fichier, code in blocs:
        with (tmp_path / fichier).open("a", encoding="utf-8") as f:
            f.write("\n\n" + code)
    (entree,) = re.findall(r"^```json\n(.*?)^```", SECTIONS["Ajouter une commande"], re.M | re.S)
    chemin = tmp_path / "cartographie/cli/french.json"
    textes = json.loads(chemin.read_text(encoding="utf-8"))
    textes["commandes"] |= json.loads("{" + entree + "}")
    chemin.write_text(json.dumps(textes), encoding="utf-8")

    def lance(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "cartographie", *arguments], cwd=tmp_path, text=True, encoding="utf-8", check=True,
            capture_output=True, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        ).stdout  # fmt: skip

    assert re.search(r"^ +questions +compte les questions d'une campagne", lance("--help"), re.M)
    assert "2031 : 6 questions." in lance("questions", "2031", "--projet", str(projet))
