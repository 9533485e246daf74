"""A real survey held by declarations alone: the US federal inventory of AI use cases, 2023 and 2024.

The published table of 2024 (41 agencies) must come out of the raw file exactly, whatever the format it was received in.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cartographie.campaign.examine import examine, frame_for
from cartographie.survey.load import load_questionnaire

pytestmark = [pytest.mark.shared, pytest.mark.xdist_group("us_ai_inventory")]  # one worker: the files are read once

ICI = Path(__file__).parent / "us_ai_inventory"
BRUT = "2024/2024_consolidated_ai_inventory_raw_v2"


@dataclass(frozen=True)
class Espace:
    """A workspace after `run`: its folder, and what the command said of each campaign."""

    projet: Path
    bilan: Any

    def tableau(self, campagne: str, code: str) -> list[dict[str, str]]:
        fichier = self.projet / "outputs" / campagne / "provisoire" / "tableaux" / f"{code}_{campagne}.csv"
        return read_csv(fichier)

    def controle(self, campagne: str) -> Any:
        return next(c for c in self.bilan["controles"] if c["campagne"] == campagne)


def read_csv(fichier: Path, encodage: str = "utf-8-sig") -> list[dict[str, str]]:
    with fichier.open(encoding=encodage, newline="") as f:
        return list(csv.DictReader(f))


@pytest.fixture(scope="module", params=["csv", "xls"])
def espace(
    request: pytest.FixtureRequest, shared: Path, cli: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Espace:
    reel = shared / "real" / "us_ai_inventory"
    projet = tmp_path_factory.mktemp(f"us_{request.param}")
    shutil.copytree(ICI / "schemas", projet / "schemas")
    recus = {"2023": reel / "2023/2023_consolidated_ai_inventory_raw.csv", "2024": reel / f"{BRUT}.{request.param}"}
    for campagne, fichier in recus.items():
        sortie = cli("ingest", campagne, fichier, "--projet", projet, "--recu-le", "2026-01-01")
        assert sortie.statut == 0, sortie.erreurs
    sortie = cli("run", "2023", "2024", "--projet", projet, "--json")
    assert sortie.statut == 0, sortie.erreurs
    return Espace(projet, sortie.json)


def test_the_workspace_holds_declarations_only() -> None:
    assert {f.suffix for f in ICI.rglob("*") if f.is_file()} <= {".yaml", ".csv", ".md"}


def test_no_row_is_lost(espace: Espace) -> None:
    for campagne, nombre in (("2023", 710), ("2024", 2133)):
        controle = espace.controle(campagne)
        assert controle["fichiers"] == {"recus": 1, "refuses": 0}
        assert controle["conserves"]["cas_usage"] == nombre
        assert controle["quarantaine"]["cas_usage"] == 0
        comptes = controle["comptes"]
        assert comptes["lignes_lues"] == comptes["lignes_conservees"] + comptes["lignes_ecartees"] == nombre + 1
        assert comptes["cellules_quarantaine"] == 0


def test_every_closed_question_is_understood(espace: Espace) -> None:
    """No answer met in the files is unknown to its nomenclature; only texts holding personal data are emptied."""
    for campagne, vides in (("2023", 3), ("2024", 1)):
        regles = espace.controle(campagne)["regles"]
        assert not {"C309", "C310", "C315", "C316", "C326", "C328"} & set(regles)
        assert espace.controle(campagne)["gravites"]["rejet_cellule"] == regles["C308"] == vides


def test_published_table_agency_by_agency(espace: Espace, shared: Path) -> None:
    publie = {
        r["agency"]: (int(r["use_cases"]), int(r["rights_or_safety_impacting"]))
        for r in read_csv(shared / "real/us_ai_inventory/2024/published_table.csv")
    }
    trouve: dict[str, dict[str, int]] = {}
    for r in espace.tableau("2024", "t01"):
        if r["dimension"] == "agence":
            trouve.setdefault(r["modalite_libelle"], {})[r["indicateur"]] = int(r["valeur"])
    assert len(publie) == 41
    assert {a: (t["cas_usage"], t["cas_usage_impact"]) for a, t in trouve.items()} == publie


def test_published_totals(espace: Espace) -> None:
    totaux = {r["indicateur"]: r["valeur"] for r in espace.tableau("2024", "t01") if not r["dimension"]}
    assert totaux == {"cas_usage": "2133", "cas_usage_impact": "351"}


def test_2023_by_agency_and_question_not_asked(espace: Espace, shared: Path) -> None:
    brut = read_csv(shared / "real/us_ai_inventory/2023/2023_consolidated_ai_inventory_raw.csv")
    attendu = Counter(r["Department_Code"] for r in brut)
    attendu["STATE"] = attendu.pop("DOS")  # the abbreviation changed in 2024
    lignes = [r for r in espace.tableau("2023", "t01") if r["dimension"] == "agence"]
    trouve = {r["modalite_code"]: int(r["valeur"]) for r in lignes if r["indicateur"] == "cas_usage"}
    assert {a: n for a, n in trouve.items() if n} == attendu
    assert {(r["statut"], r["valeur"]) for r in lignes if r["indicateur"] == "cas_usage_impact"} == {("nd", "")}


def test_stages_of_both_editions_and_their_evolution(espace: Espace) -> None:
    lignes = espace.tableau("2024", "t02")
    valeurs = {(r["edition"], r["indicateur"], r["modalite_code"]): float(r["valeur"]) for r in lignes}
    assert {r["statut"] for r in lignes} == {"A"}
    assert {r["n_repondants"] for r in lignes if r["edition"] == "2023"} == {"389"}  # 710 less 321 without a stage
    # 2024, straight from the file: 874 in operation, 14 in production, 4 in mission; 142 retired; of 2,129 with a stage
    assert valeurs["2024", "stade", "EXPLOITATION"] == round(100 * (874 + 14 + 4) / 2129, 1)
    assert valeurs["2024", "stade", "RETIRE"] == round(100 * 142 / 2129, 1)
    assert valeurs["2024", "stade", "INITIATION"] == round(100 * (370 + 20 + 9) / 2129, 1)
    # 2023: 91 operation and maintenance, 26 operation and management, 27 in use, 6 in mission, 7 dated productions
    assert valeurs["2023", "stade", "EXPLOITATION"] == round(100 * (91 + 26 + 27 + 6 + 7) / 389, 1)
    ecart = 100 * (892 / 2129 - 157 / 389)
    assert valeurs["2024", "stade.evolution", "EXPLOITATION"] == round(ecart, 1)
    for edition in ("2023", "2024"):
        parts = [v for (e, i, _), v in valeurs.items() if e == edition and i == "stade"]
        assert len(parts) == 6 and sum(parts) == pytest.approx(100, abs=0.3)


def test_nine_columns_of_the_same_name_and_the_fifty_three_others(espace: Espace, shared: Path) -> None:
    """Each of the 62 columns fills its own variable: as many answers as cells filled in the raw file, less those emptied."""
    with (shared / f"real/us_ai_inventory/{BRUT}.csv").open(encoding="cp1252", newline="") as f:
        entetes, *lignes = csv.reader(f)
    assert entetes.count("If Other, please explain.") == 9
    attendus = [sum(1 for r in lignes if r[i].strip()) for i in range(62)]
    modele = (ICI / "schemas/2024/inventaire.yaml").read_text(encoding="utf-8").split("colonnes:\n")[1]
    variables = [ligne.split(":")[0].strip() for ligne in modele.splitlines() if ligne.strip()]
    anomalies = read_csv(espace.projet / "outputs/2024/controle/anomalies.csv")
    vides = Counter(a["variable"] for a in anomalies if a["gravite"] == "rejet_cellule")
    reste = {v: n - vides[v] for v, n in zip(variables, attendus, strict=True)}
    q = load_questionnaire(espace.projet)
    gardes = examine(frame_for(espace.projet, q, "2024", 1, lambda *_: None)).recu.kept["cas_usage"]
    assert {v: int(gardes[v].notna().sum()) for v in variables} == reste
    # the warehouse holds the same, but for free texts that are never published
    libres = {v for v in variables if q.variables[v].type == "texte" and not q.variables[v].publiable}
    charges = [v for v in variables if v not in libres]
    comptes = ", ".join(f'count("{v}")' for v in charges)
    with duckdb.connect(str(espace.projet / "outputs/entrepot.duckdb"), read_only=True) as con:
        trouves = con.execute(f"SELECT {comptes} FROM cas_usage WHERE campagne = '2024'").fetchone()
        colonnes = {c[0] for c in con.execute("DESCRIBE cas_usage").fetchall()}
    assert dict(zip(charges, trouves or (), strict=True)) == {v: reste[v] for v in charges}
    assert libres and not libres & colonnes


def test_an_agency_is_one_name(espace: Espace) -> None:
    """The name and the abbreviation, read in two columns, agree on every row; FRB is spelled otherwise in the file."""
    assert "R01" not in espace.controle("2024")["regles"]
    with duckdb.connect(str(espace.projet / "outputs/entrepot.duckdb"), read_only=True) as con:
        requete = "SELECT count(*) FROM cas_usage WHERE agence IS NULL OR agence <> agence_nom"
        assert con.execute(requete).fetchone() == (0,)
        assert con.execute("SELECT count(*) FROM cas_usage WHERE agence = 'FRB'").fetchone() == (50,)


def test_addresses_written_in_free_texts_go_nowhere(espace: Espace, shared: Path) -> None:
    """E-mail addresses met in the raw files are in no output, not even in the list of what is wrong."""
    adresse = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
    brut = (shared / "real/us_ai_inventory/2023/2023_consolidated_ai_inventory_raw.csv").read_text(encoding="utf-8")
    assert adresse.search(brut)
    sorties = [f for f in (espace.projet / "outputs").rglob("*") if f.suffix in (".csv", ".txt", ".json")]
    assert len(sorties) > 10
    assert not [f.name for f in sorties if adresse.search(f.read_text(encoding="utf-8-sig"))]
    with duckdb.connect(str(espace.projet / "outputs/entrepot.duckdb"), read_only=True) as con:
        lignes = con.execute("SELECT * FROM cas_usage").fetchall() + con.execute("SELECT * FROM anomalie").fetchall()
    assert not any(isinstance(v, str) and adresse.search(v) for ligne in lignes for v in ligne)


def test_without_the_previous_edition_its_figures_are_not_available(
    shared: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    """2023 was not received: its shares and the evolution say « nd », and 2024 is published all the same."""
    shutil.copytree(ICI / "schemas", tmp_path / "schemas")
    recu = cli("ingest", "2024", shared / f"real/us_ai_inventory/{BRUT}.csv", "--projet", tmp_path)
    assert recu.statut == 0, recu.erreurs
    sortie = cli("run", "2024", "--projet", tmp_path, "--json")
    assert sortie.statut == 0, sortie.erreurs
    lignes = Espace(tmp_path, sortie.json).tableau("2024", "t02")
    statuts = {(r["edition"], r["indicateur"], r["statut"]) for r in lignes}
    assert ("2024", "stade", "A") in statuts
    assert statuts - {("2024", "stade", "A")} <= {("2023", "stade", "nd"), ("2024", "stade.evolution", "nd")}


def test_a_blank_form_of_a_survey_without_sheet_names(cli: Callable[..., Any], tmp_path: Path) -> None:
    """`template` writes a workbook or says in French why it cannot; it never breaks down."""
    shutil.copytree(ICI / "schemas", tmp_path / "schemas")
    sortie = cli("template", "2024", "--sortie", tmp_path / "questionnaires", "--projet", tmp_path, "--json")
    assert "Erreur interne" not in sortie.erreurs
