"""docs/ajouter-un-type.md, executed: a type written in one file goes from the questionnaire to the warehouse; without it, refused."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

pytestmark = pytest.mark.long  # make check leaves it to make test

SCHEMAS = {
    "enquete.yaml": """
titre: Enquête sur les horaires
producteur: Producteur fictif
licence: etalab-2.0
fictif: true
entites:
  site: {libelle: Site, identifiant: [{prefixe: N, variable: numero}], completude: [ouverture]}
axes: {}
""",
    "variables.yaml": """
numero: {entites: [site], type: texte, libelle: Numéro du site, obligatoire: true}
ouverture: {entites: [site], type: heure, libelle: Heure d'ouverture}
""",
    "regles.yaml": "[]\n",
    "denominateurs.yaml": "{}\n",
    "2031/campagne.yaml": """
campagne: "2031"
libelle: Édition 2031
debut: 2031-01-01
fin: 2031-06-30
champ: Tous les sites
precedente: null
seuils: {secret_min: 3}
""",
    "2031/export.yaml": """
modele: export
libelle: Export du formulaire
usage: reponse
formats: [csv]
feuilles:
  - entite: site
    disposition: tableau
    colonnes: {numero: [N° du site], ouverture: [Ouverture]}
""",
}
REPONSES = "N° du site;Ouverture\n1;08:30\n2;9h05\n3;25:00\n4;\n"
RACINE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def programme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program whose survey/types/__init__.py holds what the page says to write."""
    copie = tmp_path_factory.mktemp("programme")
    shutil.copytree(RACINE / "cartographie", copie / "cartographie", ignore=shutil.ignore_patterns("__pycache__"))
    decodeur, ligne = re.findall(r"```python\n(.*?)```", (RACINE / "docs/ajouter-un-type.md").read_text("utf-8"), re.S)
    types = copie / "cartographie/survey/types/__init__.py"
    texte = types.read_text("utf-8")
    debut, table, fin = "# ---- the table\n", "TYPES: dict[str, TypeSpec] = {\n", "}  # fmt: skip\n"
    assert texte.count(debut) == texte.count(table) == 1 and texte.endswith(fin)
    texte = texte.removesuffix(fin) + ligne + fin
    types.write_text(texte.replace(debut, decodeur + "\n\n" + debut), "utf-8")
    return copie


@pytest.fixture(scope="module")
def projet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dossier = tmp_path_factory.mktemp("enquete")
    for nom, texte in SCHEMAS.items():
        (dossier / "schemas" / nom).parent.mkdir(parents=True, exist_ok=True)
        (dossier / "schemas" / nom).write_text(texte.lstrip("\n"), "utf-8")
    (dossier / "schemas/nomenclatures").mkdir()
    (dossier / "reponses.csv").write_text(REPONSES, "utf-8")
    return dossier


def test_a_type_added_in_one_file_goes_all_the_way(programme: Path, projet: Path, cli: Callable[..., Any]) -> None:
    def lance(*commande: str | Path) -> Any:
        sortie = cli(*commande, "--projet", projet, cwd=programme, env={"PYTHONPATH": str(programme)})
        assert sortie.statut == 0, sortie.erreurs
        return sortie

    # the questionnaire: the cells of the question show an hour, and admit nothing else
    lance("template", "2031", "--sortie", projet / "q")
    (chemin,) = (projet / "q").rglob("*.xlsx") if (projet / "q").is_dir() else (projet / "q",)
    feuille = openpyxl.load_workbook(chemin)["SITE"]
    entete = next(c for ligne in feuille.iter_rows() for c in ligne if c.value == "Ouverture")
    assert feuille.cell(entete.row + 1, entete.column).number_format == "hh:mm"
    assert {v.type for v in feuille.data_validations.dataValidation} == {"time"}

    # the dictionary says it
    lance("dictionary", "2031", "--sortie", projet / "dictionnaire.md")
    assert "| heure |" in (projet / "dictionnaire.md").read_text("utf-8")

    # decoding, validation: each finding at its cell
    lance("ingest", "2031", projet / "reponses.csv", "--recu-le", "2031-07-01")
    lance("validate", "2031")
    texte = (projet / "outputs/2031/controle/anomalies.csv").read_text("utf-8")
    trouves = {(a["cellule"], a["regle"], a["proposition"]) for a in csv.DictReader(io.StringIO(texte))}
    assert trouves == {("B3", "C317", "09:05"), ("B4", "C328", "")}

    # the warehouse
    lance("load")
    (entrepot,) = (projet / "outputs").glob("*.duckdb")
    with duckdb.connect(str(entrepot), read_only=True) as base:
        lignes = base.execute("SELECT numero, ouverture FROM site ORDER BY numero").fetchall()
    assert lignes == [("1", "08:30"), ("2", "09:05"), ("3", None), ("4", None)]


def test_the_program_without_it_refuses_it(projet: Path, cli: Callable[..., Any]) -> None:
    sortie = cli("dictionary", "2031", "--sortie", projet / "refus.md", "--projet", projet)
    assert sortie.statut == 10
    assert "« heure » n'est pas admis" in sortie.texte + sortie.erreurs
