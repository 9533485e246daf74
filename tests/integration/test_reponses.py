"""`cartographie answers`: unknown spellings of answers grouped, counted, located; accepted ones are a diff of a CSV."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

RACINE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(RACINE / "tests/fautes"))
import fabriquer  # noqa: E402

from cartographie.cli import main  # noqa: E402
from cartographie.survey.load import load_questionnaire  # noqa: E402

CAMPAGNE = fabriquer.CAMPAGNE
CODE = "C315"
RARE, SECRET = "Zorglub quantique", "voir jeanne.inventee@exemple.fr"


class Sortie(NamedTuple):
    statut: int
    texte: str
    erreurs: str

    @property
    def json(self) -> Any:
        return json.loads(self.texte)


@pytest.fixture
def lance(capsys: pytest.CaptureFixture[str]) -> Callable[..., Sortie]:
    def une(*args: str | Path) -> Sortie:
        capsys.readouterr()
        return Sortie(main.main([str(a) for a in args]), *capsys.readouterr())

    return une


LONGUE = (
    "Prise de rendez-vous en ligne par les patients eux-memes, sans passer par le secrétariat médical ni par téléphone"
)


@pytest.fixture(scope="module")
def fichiers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three answers: the same fault of spelling written three ways, one that looks like nothing, several in one cell."""
    q, dossier = load_questionnaire(RACINE), tmp_path_factory.mktemp("recus")

    def ecrit(numero: int, repondant: dict[str, Any], un: dict[str, Any], deux: dict[str, Any]) -> Path:
        def retouche(_: Any, pages: dict[str, fabriquer.Page]) -> None:
            pages["repondant"].write(repondant)
            pages["systeme"].write(un)
            pages["systeme"].write(deux, 1)

        chemin = dossier / f"reponse-{numero}.xlsx"
        chemin.write_bytes(fabriquer.workbook(q, numero, retouche=retouche))
        return chemin

    return [
        ecrit(1, {"frein_1": RARE}, {"stade": "Généralisée à tout le perimètre vise"}, {"stade": "Suspendus"}),
        ecrit(2, {}, {"stade": "généralisée a tout le périmètre visé !"}, {"stade": SECRET}),
        ecrit(3, {"financement": f"Budget propre ; {LONGUE}\n{RARE}"}, {"stade": "Généralisée à tout le perimètre vise"}, {}),
    ]  # fmt: skip


@pytest.fixture
def espace(tmp_path: Path, fichiers: list[Path], lance: Callable[..., Sortie]) -> Path:
    dossier = tmp_path / "espace"
    shutil.copytree(RACINE / "schemas", dossier / "schemas")
    assert lance("ingest", CAMPAGNE, *fichiers, "--projet", dossier, "--ranger-seulement").statut == 0
    return dossier


def anomalies(espace: Path) -> list[dict[str, str]]:
    with (espace / "outputs" / CAMPAGNE / "controle/anomalies.csv").open(encoding="utf-8-sig", newline="") as f:
        texte = f.read()
    separateur = ";" if texte.splitlines()[0].count(";") > texte.splitlines()[0].count(",") else ","
    return list(csv.DictReader(texte.splitlines(), delimiter=separateur))


def test_unknown_spellings_are_grouped_counted_and_located(lance: Callable[..., Sortie], espace: Path) -> None:
    avant = {f: f.read_bytes() for d in ("schemas", "raw") for f in (espace / d).rglob("*") if f.is_file()}
    sortie = lance("answers", CAMPAGNE, "--projet", espace, "--json")
    assert sortie.statut == 0, sortie.erreurs
    assert {
        f: f.read_bytes() for d in ("schemas", "raw") for f in (espace / d).rglob("*") if f.is_file() and f in avant
    } == avant
    ecritures = {(e["nomenclature"], e["texte"]): e for e in sortie.json["ecritures"]}
    generalise = ecritures["stade", "Généralisée à tout le perimètre vise"]
    assert (generalise["fois"], generalise["code"], generalise["propose"]) == (3, "GEN", True)
    assert generalise["score"] >= 80 and len(generalise["formes"]) == 2
    assert [(x["fichier"], x["feuille"], x["variable"]) for x in generalise["lieux"]] == [
        (f"reponse-{n}.xlsx", "SYSTEMES", "stade") for n in (1, 2, 3)
    ]
    assert {x["cellule"] for x in generalise["lieux"]} == {"P5"}
    assert ecritures["frein", RARE]["propose"] is False and ecritures["frein", RARE]["score"] < 80
    # one cell, several answers: each unknown one apart, whole although the finding quotes the beginning only
    assert ecritures["financement", RARE]["fois"] == 1
    assert ecritures["financement", LONGUE]["fois"] == 1
    assert ("financement", "Budget propre") not in ecritures


def test_personal_data_is_counted_never_listed(lance: Callable[..., Sortie], espace: Path, tmp_path: Path) -> None:
    correctif = tmp_path / "c.diff"
    for options in ((), ("--json",)):
        sortie = lance("answers", CAMPAGNE, "--seuil", "0", "--sortie", correctif, "--projet", espace, *options)
        assert sortie.statut == 0 and "jeanne" not in sortie.texte + sortie.erreurs
    assert sortie.json["masquees"] == 1
    assert "jeanne" not in correctif.read_text("utf-8")


@pytest.mark.parametrize("outil", [["git", "apply"], ["patch", "-p1", "-i"]], ids=["git apply", "patch -p1"])
def test_the_diff_applied_the_anomalies_are_gone(
    lance: Callable[..., Sortie], espace: Path, tmp_path: Path, outil: list[str]
) -> None:
    correctif = tmp_path / "correctif.diff"
    lance("validate", CAMPAGNE, "--projet", espace)
    avant = [a for a in anomalies(espace) if a["variable"] == "stade"]
    sortie = lance("answers", CAMPAGNE, "--sortie", correctif, "--projet", espace)
    assert sortie.statut == 0 and str(correctif) in sortie.texte and "GEN" in sortie.texte
    assert {ligne[6:] for ligne in correctif.read_text("utf-8").splitlines() if ligne.startswith("+++ b/")} == {
        "schemas/nomenclatures/stade.csv"
    }
    subprocess.run([*outil, str(correctif)], cwd=espace, check=True, capture_output=True)

    lance("validate", CAMPAGNE, "--projet", espace)
    apres = [a for a in anomalies(espace) if a["variable"] == "stade"]
    rejets = [[a for a in x if a["gravite"] == "rejet_cellule"] for x in (avant, apres)]
    assert len(rejets[0]) == 5 and [a["valeur_recue"] for a in rejets[1]] == ["(masqué)"]
    encore = lance("answers", CAMPAGNE, "--projet", espace, "--json").json
    assert {e["nomenclature"] for e in encore["ecritures"]} == {"frein", "financement"}


def test_the_threshold_decides_what_is_proposed(lance: Callable[..., Sortie], espace: Path, tmp_path: Path) -> None:
    correctif = tmp_path / "c.diff"
    haut = lance("answers", CAMPAGNE, "--seuil", "100", "--sortie", correctif, "--projet", espace)
    assert haut.statut == 0 and "Rien à proposer" in haut.texte and not correctif.exists()
    bas = lance("answers", CAMPAGNE, "--seuil", "0", "--projet", espace, "--json").json
    assert all(e["propose"] for e in bas["ecritures"] if e["score"] and len(e["texte"]) < 200)
    assert lance("answers", CAMPAGNE, "--seuil", "101", "--projet", espace).statut == 2


def test_nothing_received_is_said(lance: Callable[..., Sortie], tmp_path: Path) -> None:
    shutil.copytree(RACINE / "schemas", tmp_path / "vierge/schemas")
    sortie = lance("answers", CAMPAGNE, "--projet", tmp_path / "vierge")
    assert sortie.statut == 2 and "Erreur U04" in sortie.erreurs
