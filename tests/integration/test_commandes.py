"""The commands as contracts: help, exit statuses, what each one writes (and does not), one JSON document, no question asked."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import MINI, Sortie, keep_tables, run_cli

RACINE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(RACINE / "tests/fautes"))
import fabriquer  # noqa: E402

from cartographie.cli import main  # noqa: E402
from cartographie.cli.app import app  # noqa: E402
from cartographie.cli.flow import receive as flow_receive  # noqa: E402

CAMPAGNE = fabriquer.CAMPAGNE
NOMS = [c.name for c in app.registered_commands]
DIFFUSION = ["lint", "compare", "preflight"]
PREUVE = ["audit", "trace", "sign"]
RECU = ["--recu-le", "2026-05-01"]


@pytest.fixture
def lance(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The entry point in this process, but to publish. Reading the standard input raises: a command that asked a question would
    fail. Run where there is no workspace: a command that was given none notes it where it is."""

    def une(*args: str | Path) -> Any:
        if args and args[0] in ("run", "publish"):  # the suite of plausibility is long to import
            return run_cli(*args, cwd=tmp_path)
        capsys.readouterr()
        statut = main.main([str(a) for a in args])
        return Sortie(statut, *capsys.readouterr())

    monkeypatch.chdir(tmp_path)
    return une


def _base(dossier: Path, numeros: Sequence[int]) -> Path:
    """A small sampling frame: one unit a number."""
    chemin = dossier / "base.csv"
    entete = [
        "nofinesset",
        "nofinessej",
        "rs",
        "type_acteur",
        "categetab",
        "statutjuridique",
        "departement",
        "region",
        "commune",
        "lits_places",
    ]
    rangs = [
        [fabriquer.finess(n), "", f"Clinique inventée {n}", "ES_PUB", "", "", "01", "84", "", "120"] for n in numeros
    ]
    tampon = io.StringIO(newline="")
    csv.writer(tampon, lineterminator="\n").writerows([entete, *rangs])
    chemin.write_text(tampon.getvalue(), encoding="utf-8")
    return chemin


def _executer(*args: str | Path) -> None:
    assert main.main([str(a) for a in args]) == 0


@pytest.fixture(scope="module")
def charge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a frame of three units, two answers, controlled and loaded. Copied, never changed."""
    dossier = tmp_path_factory.mktemp("charge")
    shutil.copytree(RACINE / "schemas", dossier / "schemas")
    keep_tables(dossier, *MINI)
    projet = ["--projet", dossier]
    _executer("register", CAMPAGNE, _base(dossier, (1, 2, 3)), *RECU, *projet)
    _executer("ingest", CAMPAGNE, *(fabriquer.FICHIERS / n for n in ("bon.xlsx", "bon.csv")), *RECU, *projet)
    _executer("load", "--ouvriers", "1", *projet)
    return dossier


@pytest.fixture
def espace(charge: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(charge, tmp_path / "espace"))


@pytest.fixture
def vierge(tmp_path: Path) -> Path:
    """A workspace with declarations only."""
    shutil.copytree(RACINE / "schemas", tmp_path / "vierge/schemas")
    return tmp_path / "vierge"


def _arbre(dossier: Path) -> dict[str, bytes]:
    """Every file but the journal, which notes each command (test_journal)."""
    return {
        f.relative_to(dossier).as_posix(): f.read_bytes()
        for f in sorted(dossier.rglob("*"))
        if f.is_file() and f.name != "journal.jsonl"
    }


def _nouveaux(avant: dict[str, bytes], apres: dict[str, bytes]) -> set[str]:
    """Files written or changed; none may disappear."""
    assert set(avant) <= set(apres)
    return {f for f, octets in apres.items() if avant.get(f) != octets}


# ------------------------------------------------------------------------------------------- help


def test_the_commands_are_those_of_the_mission() -> None:
    preparation = ["init", "template", "dictionary", "register", "demo"]
    reception = ["ingest", "feedback", "status"]
    propositions = ["headers", "answers"]
    traitement = ["validate", "load", "run", "map", "publish"]
    assert [*preparation, *reception, *propositions, *traitement, *DIFFUSION, *PREUVE] == NOMS


@pytest.mark.parametrize("nom", NOMS)
def test_help_is_in_french_with_an_example_and_the_statuses(nom: str, lance: Any) -> None:
    sortie = lance(nom, "--help")
    assert sortie.statut == 0 and sortie.erreurs == ""
    assert f"cartographie {nom}" in re.search(r"Exemple : (.+)", sortie.texte)[1]  # type: ignore[index]
    statuts = sortie.texte.split("Statuts de sortie :")[1]
    assert re.match(r"\s*0 fait\b", statuts) and "2 usage" in statuts
    assert sortie.texte.startswith("Usage :") and "--json" in sortie.texte
    assert ("--projet" in sortie.texte) == (
        nom not in [*DIFFUSION, "audit"]
    )  # these read the files they are given, wherever
    assert not re.search(r"\b(Show|message|exit|required|default|Commands?|INTEGER|TEXT|PATH|Error)\b", sortie.texte)


def test_help_of_the_whole_names_every_command(lance: Any) -> None:
    for args in ((), ("--help",)):
        sortie = lance(*args)
        texte = sortie.texte or sortie.erreurs
        assert all(f"\n  {nom} " in texte for nom in NOMS)
        assert "Exemple :" in texte and "Traceback" not in texte


# ------------------------------------------------------------------------------------------- status 2: wrong use


USAGE = {
    "unknown command": (["conquerir"], "U01", "conquerir"),
    "unknown option": (["status", "--fouille"], "U01", "--fouille"),
    "missing argument": (["validate"], "U01", "CAMPAGNE"),
    "one argument too many": (["status", "2026"], "U01", "argument de trop"),
    "a number is wanted": (["load", "--ouvriers", "deux"], "U01", "--ouvriers"),
    "an option without its value": (["publish", CAMPAGNE, "--version"], "U01", "--version"),
    "unknown campaign": (["validate", "1999", "--projet", "{vierge}"], "U05", "connues : 2025, 2026"),
    "nothing received, validate": (["validate", CAMPAGNE, "--projet", "{vierge}"], "U04", "« ingest »"),
    "nothing received, run": (["run", "--projet", "{vierge}"], "U04", "« ingest »"),
    "no frame": (
        ["template", CAMPAGNE, "--par-repondant", "--sortie", "{vierge}/q", "--projet", "{vierge}"],
        "U03",
        "« register »",
    ),
    "no warehouse, map": (["map", CAMPAGNE, "--projet", "{vierge}"], "E18", "« load »"),
    "no warehouse, publish": (["publish", CAMPAGNE, "--projet", "{vierge}"], "E18", "« load »"),
    "folder not empty": (["init", "{vierge}", "--projet", "{vierge}"], "U02", "dossier nouveau"),
    "file not found": (["ingest", CAMPAGNE, "{vierge}/rien.xlsx", "--projet", "{vierge}"], "U06", "rien.xlsx"),
}


@pytest.mark.parametrize("cas", USAGE)
def test_wrong_use_gives_2_and_one_french_sentence(cas: str, lance: Any, vierge: Path) -> None:
    args, code, dit = USAGE[cas]
    sortie = lance(*(a.replace("{vierge}", str(vierge)) for a in args))
    assert sortie.statut == 2 and sortie.texte == ""
    *progres, erreur = sortie.erreurs.strip().splitlines()
    assert erreur.startswith(f"Erreur {code} : ") and dit in erreur
    assert all(ligne.startswith("… ") for ligne in progres)
    assert not re.search(r"\b(No such|Missing|Invalid|Got|not a valid|requires)\b", sortie.erreurs)


# ------------------------------------------------------------------------------------------- status 10: declarations


@dataclass(frozen=True)
class Faux:
    """One edit of one declaration file, and how it must be refused. `ligne`: of the text put (or of `ancre`)."""

    fichier: str
    avant: str | None
    apres: str
    code: str
    cle: str  # regular expression
    dit: str
    ancre: str = ""


FAUX = {
    "unknown variable in a rule": Faux(
        "regles.yaml", "cellules: [type_acteur]", "cellules: [type_inexistant]", "D05", r"\d+\.cellules", "type_inexistant"
    ),
    "unknown variable in a condition": Faux(
        "regles.yaml", "{variable: usage_ia, egal: NON}", "{variable: usage_inexistant, egal: NON}", "D05",
        r"\d+\.condition\.et\.0\.variable", "usage_inexistant",
    ),
    "unknown operator": Faux(
        "regles.yaml", "{variable: usage_ia, egal: NON}", "{variable: usage_ia, vaut: NON}", "D0[38]", r"\d+\.condition.*", ""
    ),
    "unknown finding": Faux(
        "regles.yaml", "constat: feuille_absente", "constat: feuille_volee", "D09", r"\d+\.constat", "feuille_volee"
    ),
    "unknown severity": Faux(
        "regles.yaml", "- code: R07\n  gravite: alerte", "- code: R07\n  gravite: tragique", "D03", r"\d+\.gravite", "tragique",
        "gravite: tragique",
    ),
    "missing nomenclature": Faux(
        "variables.yaml", "nomenclature: stade", "nomenclature: etape", "D06", r"stade\.nomenclature", "nomenclatures/etape.csv"
    ),
    "duplicate key": Faux("variables.yaml", None, "\nstade:\n  libelle: encore\n", "D04", "stade", "deux fois", "stade:"),
    "duplicate code": Faux("nomenclatures/stade.csv", None, "REF,Redite,,,,,\n", "D04", r"lignes\.\d+", "REF"),
    "duplicate header": Faux(
        f"{CAMPAGNE}/classeur.yaml", 'comite_ia: ["Avez-vous un comité ou une instance chargé de l\'IA ?"]',
        'comite_ia: ["Avez-vous désigné un référent IA ?"]', "D07", r"feuilles\.0\.colonnes\.\w+", "Avez-vous désigné un référent IA ?", "*",
    ),
    "YAML syntax": Faux("denominateurs.yaml", None, "\nCASSE: {entite: [\n", "D02", "", "YAML", "*"),
    "unknown key": Faux(f"{CAMPAGNE}/campagne.yaml", "precedente:", "precedant:", "D03", "", "precedant", "*"),
    "wrong dates": Faux(f"{CAMPAGNE}/campagne.yaml", "fin: 2026-06-30", "fin: 2026-01-01", "D10", "debut", "se suivre", "debut:"),
    "unknown axis": Faux("tableaux/t01.yaml", "[region]", "[continent]", "D10", r"series\.\d+\.croisements", "continent", "*"),
}  # fmt: skip


@pytest.mark.parametrize("cas", FAUX)
def test_inconsistent_declarations_give_10_with_file_line_and_key(cas: str, lance: Any, vierge: Path) -> None:
    faux = FAUX[cas]
    chemin = vierge / "schemas" / faux.fichier
    texte = chemin.read_text(encoding="utf-8")
    if faux.avant is None:
        texte += faux.apres
    else:
        assert faux.avant in texte, "the declaration this test edits has changed"
        texte = texte.replace(faux.avant, faux.apres, 1)
    chemin.write_text(texte, encoding="utf-8")
    sortie = lance("status", "--projet", vierge)
    assert sortie.statut == 10 and sortie.texte == ""
    trouve = re.match(r"Erreur (\w+) : (schemas/[^,]+), ligne (\d+)(?:, clé « (.+?) »)? : (.+)", sortie.erreurs)
    assert trouve, sortie.erreurs
    code, fichier, ligne, cle, message = trouve.groups()
    assert re.fullmatch(faux.code, code) and fichier == f"schemas/{faux.fichier}" and faux.dit in message
    assert re.fullmatch(faux.cle, cle or "")
    if faux.ancre != "*":
        ancre = faux.ancre or faux.apres.strip()
        assert ancre in texte.splitlines()[int(ligne) - 1]


def test_an_absent_declaration_gives_10(lance: Any, vierge: Path) -> None:
    (vierge / "schemas/regles.yaml").unlink()
    sortie = lance("status", "--projet", vierge)
    assert sortie.statut == 10 and "schemas/regles.yaml" in sortie.erreurs and "D01" in sortie.erreurs


def test_a_folder_that_is_no_workspace_gives_10(lance: Any, tmp_path: Path) -> None:
    sortie = lance("status", "--projet", tmp_path)
    assert sortie.statut == 10 and "« init »" in sortie.erreurs


# ------------------------------------------------------------------------------------------- status 11 and 12


def test_a_refused_frame_gives_11_and_is_not_kept(lance: Any, vierge: Path) -> None:
    sortie = lance("register", CAMPAGNE, fabriquer.FICHIERS / "bon.csv", "--projet", vierge)
    assert sortie.statut == 11
    assert "n'a pas été importée" in sortie.texte and "F113" not in sortie.erreurs
    assert json.loads(lance("status", "--projet", vierge, "--json").texte)["campagnes"][CAMPAGNE]["base"] == 0


@pytest.fixture
def contradictoire(tmp_path: Path) -> Path:
    """An answer that says « no AI » and lists systems: its row is rejected, that is all the answers received."""

    def non(_: Any, pages: dict[str, fabriquer.Page]) -> None:
        pages["repondant"].write({"usage_ia": "NON"})

    q = fabriquer.load_questionnaire(RACINE)
    (tmp_path / "contradictoire.xlsx").write_bytes(fabriquer.workbook(q, 1, retouche=non))
    return tmp_path / "contradictoire.xlsx"


def test_too_many_rejected_answers_give_12(lance: Any, vierge: Path, contradictoire: Path) -> None:
    projet = ["--projet", vierge]
    lance("ingest", CAMPAGNE, contradictoire, *projet)
    sortie = lance("validate", CAMPAGNE, "--json", *projet)
    assert sortie.statut == 12, sortie.erreurs
    assert json.loads(sortie.texte)["statut"] == 12
    assert json.loads(sortie.texte)["quarantaine"]["repondant"] == 1
    lance("ingest", CAMPAGNE, fabriquer.FICHIERS / "vide.xlsx", *projet)
    assert lance("validate", CAMPAGNE, *projet).statut == 12  # a refused file besides does not hide it


def test_run_gives_11_or_12_only_when_strict(lance: Any, espace: Path) -> None:
    projet = ["--projet", espace, "--ouvriers", "1"]
    lance("ingest", CAMPAGNE, fabriquer.FICHIERS / "vide.xlsx", "--projet", espace)
    sortie = lance("run", CAMPAGNE, "--json", *projet)
    assert sortie.statut == 0, sortie.erreurs
    bilan = json.loads(sortie.texte)
    assert [p["campagne"] for p in bilan["publications"]] == [CAMPAGNE]
    assert (espace / "outputs" / CAMPAGNE / "provisoire/manifeste.json").is_file()
    strict = lance("run", CAMPAGNE, "--strict", "--version", "autre", *projet)
    assert strict.statut == 11


# ------------------------------------------------------------------------------------------- status 13


def test_an_implausible_campaign_is_not_published(lance: Any, vierge: Path, tmp_path: Path) -> None:
    """Every answer unknown to the frame: nothing is wrong in any cell, yet the tables would be empty of meaning."""
    keep_tables(vierge, *MINI)
    projet = ["--projet", vierge, "--ouvriers", "1"]
    lance("register", CAMPAGNE, _base(tmp_path, (7, 8, 9)), *RECU, "--projet", vierge)
    lance("ingest", CAMPAGNE, fabriquer.FICHIERS / "bon.xlsx", *RECU, "--projet", vierge)
    sortie = lance("run", CAMPAGNE, *projet)
    assert sortie.statut == 13 and "E13" in sortie.erreurs and "P01" in sortie.erreurs, sortie.erreurs
    assert not (vierge / "outputs" / CAMPAGNE / "provisoire").exists()
    assert (vierge / "outputs" / CAMPAGNE / "controle/anomalies.csv").exists()  # what was found is told all the same
    assert "ensemble" in (vierge / "outputs" / CAMPAGNE / "controle/plausibilite.html").read_text(encoding="utf-8")
    chemin = vierge / "schemas" / CAMPAGNE / "plausibilite.yaml"
    declare = yaml.safe_load(chemin.read_text(encoding="utf-8"))
    codes = re.findall(r"\b(P\d\d),", sortie.erreurs)
    declare["derogations"] = [
        {"code": c, "motif": "essai à une réponse", "auteur": "A. B.", "date": "2026-07-01"} for c in codes
    ]
    chemin.write_text(yaml.safe_dump(declare, allow_unicode=True), encoding="utf-8")
    assert lance("run", CAMPAGNE, *projet).statut == 0  # waived in writing
    publie = vierge / "outputs" / CAMPAGNE / "provisoire"
    rapport = (publie / "rapport-qualite.html").read_text(encoding="utf-8")
    assert "non tenue" in rapport and "essai à une réponse" in rapport and "A. B." not in rapport
    manifeste = json.loads((publie / "manifeste.json").read_text(encoding="utf-8"))
    assert manifeste["vraisemblance"]["P01"]["derogation"] == "essai à une réponse"


# ------------------------------------------------------------------------------------------- status 15 and 17


def test_a_version_is_published_once(lance: Any, espace: Path) -> None:
    publier = ["publish", CAMPAGNE, "--version", "v1", "--projet", espace]
    assert lance(*publier).statut == 0
    avant = _arbre(espace)
    refus = lance(*publier)
    assert refus.statut == 15 and "« v1 » existe déjà" in refus.erreurs and refus.texte == ""
    assert _arbre(espace) == avant
    (espace / "outputs" / CAMPAGNE / "v1/LISEZMOI.txt").write_text("abîmé", encoding="utf-8")
    assert lance(*publier, "--remplacer").statut == 0
    assert _arbre(espace) == avant  # same inputs, same bytes


def test_a_busy_warehouse_gives_17(espace: Path, cli: Any) -> None:
    import duckdb

    avant = (espace / "outputs/entrepot.duckdb").read_bytes()
    with duckdb.connect(str(espace / "outputs/entrepot.duckdb.tmp")):
        sortie = cli("load", "--ouvriers", "1", "--projet", espace)
    assert sortie.statut == 17 and "Erreur E17" in sortie.erreurs and "relancez" in sortie.erreurs
    assert (espace / "outputs/entrepot.duckdb").read_bytes() == avant


def test_a_damaged_warehouse_says_what_to_do(lance: Any, espace: Path) -> None:
    (espace / "outputs/entrepot.duckdb").write_bytes(b"abime" * 1000)
    sortie = lance("map", CAMPAGNE, "--projet", espace)
    assert sortie.statut == 2 and "Erreur E18" in sortie.erreurs and "« load »" in sortie.erreurs


# ------------------------------------------------------------------------------------------- what each one writes


def test_validate_writes_only_its_findings(lance: Any, espace: Path) -> None:
    avant = _arbre(espace)
    assert lance("validate", CAMPAGNE, "--projet", espace).statut == 0
    controle = f"outputs/{CAMPAGNE}/controle/"
    nouveaux = _nouveaux(avant, _arbre(espace))
    assert {f"{controle}{n}" for n in ("anomalies.csv", "anomalies.xlsx", "comptes.csv")} <= nouveaux
    assert all(f.startswith(controle) for f in nouveaux)
    encore = _arbre(espace)
    lance("validate", CAMPAGNE, "--projet", espace)
    assert _arbre(espace) == encore


def test_map_publishes_nothing(lance: Any, espace: Path) -> None:
    avant = _arbre(espace)
    assert lance("map", CAMPAGNE, "--projet", espace).statut == 0
    nouveaux = _nouveaux(avant, _arbre(espace))
    assert nouveaux and all(f.startswith(f"outputs/{CAMPAGNE}/tableaux/") and f.endswith(".csv") for f in nouveaux)
    assert json.loads(lance("status", "--projet", espace, "--json").texte)["campagnes"][CAMPAGNE]["versions"] == []


def test_load_replaces_the_warehouse_whole_or_not_at_all(lance: Any, espace: Path, monkeypatch: Any) -> None:
    from cartographie.warehouse import write

    avant = _arbre(espace)
    with monkeypatch.context() as m:
        m.setattr(write, "verify", lambda *_: ["clé en double"])
        rate = lance("load", "--ouvriers", "1", "--projet", espace)
    assert rate.statut == 1 and "Erreur interne" in rate.erreurs
    assert _arbre(espace) == avant
    assert lance("load", "--ouvriers", "1", "--projet", espace).statut == 0
    assert set(_arbre(espace)) == set(avant)


def test_a_damaged_register_of_received_files_stops_load(lance: Any, espace: Path) -> None:
    (espace / "raw" / CAMPAGNE / "registre.csv").write_text("n'importe quoi\n", encoding="utf-8")
    avant = _arbre(espace)
    sortie = lance("load", "--projet", espace)
    assert sortie.statut == 11 and "ligne 1" in sortie.erreurs and "sauvegarde" in sortie.erreurs
    assert _arbre(espace) == avant


def test_init_gives_a_workspace_that_works(lance: Any, tmp_path: Path) -> None:
    neuf = tmp_path / "neuf"
    assert lance("init", neuf, "--projet", RACINE).statut == 0
    assert {d.name for d in neuf.iterdir()} == {"schemas", "raw", "outputs"}
    assert lance("status", "--projet", neuf).statut == 0
    sortie = lance("template", CAMPAGNE, "--sortie", tmp_path / "q", "--projet", neuf, "--json")
    assert [Path(f).name for f in json.loads(sortie.texte)["fichiers"]] == [f"questionnaire-{CAMPAGNE}.xlsx"]


def test_one_prefilled_questionnaire_a_unit(lance: Any, espace: Path, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    sortie = lance("template", CAMPAGNE, "--par-repondant", "--sortie", tmp_path / "q", "--projet", espace, "--json")
    fichiers = [Path(f) for f in json.loads(sortie.texte)["fichiers"]]
    assert {f.name for f in fichiers[1:]} == {
        f"questionnaire-{CAMPAGNE}-F-{fabriquer.finess(n)}.xlsx" for n in (1, 2, 3)
    }
    assert {f.name for f in (tmp_path / "q").iterdir()} == {f.name for f in fichiers}
    feuille = load_workbook(fichiers[1], read_only=True)["REPONDANT"]
    reponses = [rang[2] for rang in feuille.iter_rows(values_only=True) if len(rang) > 2 and rang[2] is not None]
    assert fichiers[1].stem[-9:] in reponses and "Clinique inventée 1" in reponses


def test_receiving_twice_changes_nothing(lance: Any, espace: Path) -> None:
    avant = _arbre(espace)
    sortie = lance("ingest", CAMPAGNE, fabriquer.FICHIERS / "bon.xlsx", "--projet", espace, "--json")
    bilan = json.loads(sortie.texte)
    assert bilan["ajoutes"] == [] and bilan["deja_recus"] == ["bon.xlsx"]
    assert _arbre(espace) == avant


def test_status_follows_the_campaign(lance: Any, vierge: Path, espace: Path) -> None:
    def etat(projet: Path) -> Any:
        return json.loads(lance("status", "--projet", projet, "--json").texte)

    rien = {"base": 0, "recus": 0, "non_controles": 0, "controle": False, "versions": [], "etats": None}
    assert etat(vierge)["campagnes"][CAMPAGNE] == rien
    assert etat(vierge)["entrepot"] is False
    lance("validate", CAMPAGNE, "--projet", espace)
    lance("publish", CAMPAGNE, "--version", "v1", "--projet", espace)
    ici = etat(espace)["campagnes"][CAMPAGNE]
    etats = ici.pop("etats")
    assert ici == {"base": 1, "recus": 2, "non_controles": 0, "controle": True, "versions": ["v1"]}
    for axe in etats["axes"].values():
        total = axe["rangs"][-1]
        assert total["code"] == "Total" and total["accepté"] + total["attendu"] == 3, total
    assert etat(espace)["entrepot"] is True


# ------------------------------------------------------------------------------------------- machines, bugs, no question


def test_json_is_one_document(lance: Any, espace: Path, tmp_path: Path) -> None:
    base = _base(tmp_path, (4, 5))
    for args in (
        ["init", tmp_path / "neuf"],
        ["template", CAMPAGNE, "--sortie", tmp_path / "q"],
        ["dictionary", CAMPAGNE, "--sortie", tmp_path / "dictionnaire.md"],
        ["register", CAMPAGNE, base],
        ["ingest", CAMPAGNE, fabriquer.FICHIERS / "macro.xlsm"],
        ["validate", CAMPAGNE],
        ["load", "--ouvriers", "1"],
        ["map", CAMPAGNE],
        ["publish", CAMPAGNE],
        ["status"],
    ):
        sortie = lance(*args, "--projet", espace, "--json")
        assert sortie.statut == 0 and sortie.erreurs == "", (args[0], sortie.erreurs)
        document = json.loads(sortie.texte)
        assert isinstance(document, dict) and document["titre"], args[0]
        assert "NaN" not in sortie.texte and "Infinity" not in sortie.texte


def test_a_bug_says_so_without_any_received_value(lance: Any, vierge: Path, monkeypatch: Any) -> None:
    secret = "06 00 00 00 00"

    def casse(*_: Any) -> None:
        raise ValueError(f"valeur reçue : {secret}")

    monkeypatch.setattr(flow_receive, "load_questionnaire", casse)
    sortie = lance("status", "--projet", vierge)
    assert sortie.statut == 1 and sortie.texte == ""
    assert "Erreur interne (ValueError)" in sortie.erreurs and "receive.py" in sortie.erreurs
    assert secret not in sortie.erreurs and "Traceback" not in sortie.erreurs and str(RACINE) not in sortie.erreurs


def test_an_interruption_is_said_in_french(lance: Any, vierge: Path, monkeypatch: Any) -> None:
    def interrompt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(flow_receive, "load_questionnaire", interrompt)
    sortie = lance("status", "--projet", vierge)
    assert sortie.statut == 130 and "Interrompu" in sortie.erreurs


def test_nothing_is_asked_with_the_input_closed(espace: Path) -> None:
    """The whole chain as a scheduler runs it: no terminal, no input."""
    fini = subprocess.run(
        [sys.executable, "-m", "cartographie", "run", CAMPAGNE, "--ouvriers", "1", "--projet", str(espace)],
        cwd=RACINE, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert fini.returncode == 0, fini.stderr
    assert "Où regarder :" in fini.stdout and "ictives" in fini.stdout
    assert "\x1b" not in fini.stdout + fini.stderr
