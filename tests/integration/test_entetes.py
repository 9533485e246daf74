"""`cartographie headers`: what changed in a file's headers, a score for each proposal, and a diff that is the analyst's to apply."""

from __future__ import annotations

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
MODELE = f"schemas/{CAMPAGNE}/classeur.yaml"
STADE, EDITEUR, FINALITE = "Où en est le projet (stade) ?", "Nom de l'éditeur ou du fabricant", "Objet du système"


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


@pytest.fixture
def espace(tmp_path: Path) -> Path:
    dossier = tmp_path / "espace"
    shutil.copytree(RACINE / "schemas", dossier / "schemas")
    return dossier


def classeur(dossier: Path, nom: str = "deplace.xlsx", **options: Any) -> Path:
    chemin = dossier / nom
    chemin.write_bytes(fabriquer.workbook(load_questionnaire(RACINE), 1, **options))
    return chemin


def arbre(dossier: Path) -> dict[str, bytes]:
    return {str(f.relative_to(dossier)): f.read_bytes() for f in dossier.rglob("*") if f.is_file()}


def genres(bilan: Any) -> dict[str, list[str]]:
    trouves: dict[str, list[str]] = {}
    for fichier in bilan["fichiers"]:
        for e in fichier["ecarts"]:
            trouves.setdefault(e["genre"], []).append(e["variable"] or e["trouve"])
    return trouves


RENOMME = {
    "titres": {"stade": STADE, "editeur_nom": EDITEUR, "finalite": FINALITE, "usage_ia": "Utilisez-vous au moins un système d'IA ?"},
    "noms": {"systeme": "Nos systèmes d'IA"},
}  # fmt: skip


@pytest.mark.parametrize("outil", [["git", "apply"], ["patch", "-p1", "-i"]], ids=["git apply", "patch -p1"])
def test_the_diff_applied_the_file_is_read(
    lance: Callable[..., Sortie], espace: Path, tmp_path: Path, outil: list[str]
) -> None:
    fichier, correctif = classeur(tmp_path, **RENOMME), tmp_path / "correctif.diff"
    avant = arbre(espace)
    sortie = lance("headers", CAMPAGNE, fichier, "--sortie", correctif, "--projet", espace, "--json")
    assert sortie.statut == 0, sortie.erreurs
    assert arbre(espace) == avant  # nothing stored, nothing applied
    (examine,) = sortie.json["fichiers"]
    assert (examine["modele"], examine["lu"], examine["lu_avec_le_correctif"]) == ("classeur", False, True)
    assert genres(sortie.json) == {
        "feuille renommée": ["Nos systèmes d'IA"],
        "renommée": ["usage_ia", "editeur_nom", "finalite", "stade"],
    }
    assert all(65 <= e["score"] <= 100 or e["meme_place"] for e in examine["ecarts"])

    subprocess.run([*outil, str(correctif)], cwd=espace, check=True, capture_output=True)
    texte, original = (espace / MODELE).read_text("utf-8"), (RACINE / MODELE).read_text("utf-8")
    assert [f for f, c in arbre(espace).items() if c != avant[f]] == [MODELE]
    commentaires = [ligne for ligne in original.splitlines() if ligne.lstrip().startswith("#")]
    assert [ligne for ligne in texte.splitlines() if ligne.lstrip().startswith("#")] == commentaires
    assert f'stade: ["À quel stade en est-il ?", Stade, "{STADE}"]' in texte
    assert 'noms: [SYSTEMES, "SYSTÈMES", "Systèmes", "Nos systèmes d\'IA"]' in texte

    encore = lance("headers", CAMPAGNE, fichier, "--projet", espace, "--json")
    assert encore.json["fichiers"][0]["ecarts"] == [] and encore.json["fichiers"][0]["lu"]
    lance("ingest", CAMPAGNE, fichier, "--projet", espace)
    controle = lance("validate", CAMPAGNE, "--projet", espace, "--json")
    assert controle.statut == 0, controle.texte
    assert controle.json["conserves"] == {**controle.json["conserves"], "repondant": 1, "systeme": 2}


def test_what_is_added_or_dropped_is_only_a_comment(lance: Callable[..., Sortie], espace: Path, tmp_path: Path) -> None:
    def ajoute(_: Any, pages: dict[str, fabriquer.Page]) -> None:
        page = pages["systeme"]
        page.feuille.write_string(page.places["num_systeme"][0] - 1, len(page.places), "Zzz : avis du service")
        page.feuille.write_string(page.places["num_systeme"][0], len(page.places), "Favorable")

    fichier = classeur(tmp_path, titres={"aipd": ""}, retouche=ajoute)
    correctif = tmp_path / "c.diff"
    sortie = lance("headers", CAMPAGNE, fichier, "--sortie", correctif, "--projet", espace)
    assert sortie.statut == 0
    assert "absente" in sortie.texte and "ajoutée" in sortie.texte and "Zzz : avis du service" in sortie.texte
    assert "Favorable" not in sortie.texte  # an answer is never quoted
    lignes = [x for x in correctif.read_text("utf-8").splitlines() if x[:1] in "+-" and x[:3] not in ("+++", "---")]
    assert len(lignes) == 2 and all(x.startswith("+") and x[1:].lstrip().startswith("# ") for x in lignes)
    assert any("ajoutez aipd à « facultatives »" in x for x in lignes)
    subprocess.run(["git", "apply", str(correctif)], cwd=espace, check=True)
    assert lance("status", "--projet", espace).statut == 0  # the declarations still hold


def test_columns_in_another_order_are_said_and_still_read(
    lance: Callable[..., Sortie], espace: Path, tmp_path: Path
) -> None:
    q = load_questionnaire(RACINE)
    modele = q.campagnes[CAMPAGNE].modeles["export"]
    brut = fabriquer.export(q, 1, ";", "utf-8").decode()
    lignes = [ligne.split(";") for ligne in brut.splitlines()]
    bouge = [[ligne[-1], *ligne[:-1]] for ligne in lignes]
    fichier = tmp_path / "export.csv"
    fichier.write_text("\n".join(";".join(x) for x in bouge), encoding="utf-8")
    bilan = lance("headers", CAMPAGNE, fichier, "--projet", espace, "--json").json
    assert bilan["fichiers"][0]["modele"] == modele.nom
    assert [(e["genre"], e["cellule"]) for e in bilan["fichiers"][0]["ecarts"]] == [("déplacée", "A1")]
    assert bilan["fichiers"][0]["lu"] and bilan["propositions"] == []


def test_a_repeated_block_is_renamed_once_for_all(lance: Callable[..., Sortie], espace: Path, tmp_path: Path) -> None:
    q = load_questionnaire(RACINE)
    systeme = next(f for f in q.campagnes[CAMPAGNE].modeles["export"].feuilles if f.disposition == "blocs")
    ancien = systeme.colonnes[3].entetes[0].texte
    brut = fabriquer.export(q, 1, ";", "utf-8").decode()
    fichier, correctif = tmp_path / "export.csv", tmp_path / "c.diff"
    fichier.write_text(brut.replace(ancien.replace("{n}", "1"), ancien.replace("{n}", "1") + "_bis"), encoding="utf-8")
    bilan = lance("headers", CAMPAGNE, fichier, "--sortie", correctif, "--projet", espace, "--json").json
    (proposee,) = bilan["propositions"]
    assert (proposee["variable"], proposee["texte"]) == (systeme.colonnes[3].variable, f"{ancien}_bis")
    assert f'"{ancien}_bis"' in correctif.read_text("utf-8")


def test_several_files_give_one_diff_and_each_its_verdict(
    lance: Callable[..., Sortie], espace: Path, tmp_path: Path
) -> None:
    dossier = tmp_path / "recus"
    dossier.mkdir()
    classeur(dossier, "a.xlsx", titres={"stade": STADE})
    classeur(dossier, "b.xlsx", titres={"stade": STADE, "finalite": FINALITE})
    classeur(dossier, "c.xlsx")
    shutil.copy(fabriquer.FICHIERS / "vide.xlsx", dossier)
    correctif = tmp_path / "c.diff"
    sortie = lance("headers", CAMPAGNE, dossier, "--sortie", correctif, "--projet", espace, "--json")
    assert sortie.statut == 11  # one could not be opened; the others are told all the same
    assert {x["fichier"]: (x["refuse"], x["lu"], x["lu_avec_le_correctif"]) for x in sortie.json["fichiers"]} == {
        "a.xlsx": (False, False, True),
        "b.xlsx": (False, False, True),
        "c.xlsx": (False, True, False),
        "vide.xlsx": (True, False, False),
    }
    assert [a["code"] for a in sortie.json["fichiers"][3]["avis"]] == ["F101"]
    assert {p["texte"]: p["fichiers"] for p in sortie.json["propositions"]} == {
        STADE: ["a.xlsx", "b.xlsx"],
        FINALITE: ["b.xlsx"],
    }
    assert correctif.read_text("utf-8").count(STADE) == 1


def test_a_text_two_questions_could_claim_goes_to_one(
    lance: Callable[..., Sortie], espace: Path, tmp_path: Path
) -> None:
    """Whatever the text holds, the declarations still hold once the diff is applied."""
    dossier, commun, correctif = tmp_path / "recus", 'Stade "réel",\nou finalité : {n} # *', tmp_path / "c.diff"
    dossier.mkdir()
    classeur(dossier, "a.xlsx", titres={"stade": commun})
    classeur(dossier, "b.xlsx", titres={"finalite": commun})
    bilan = lance("headers", CAMPAGNE, dossier, "--sortie", correctif, "--projet", espace, "--json").json
    (proposee,) = bilan["propositions"]
    assert proposee["texte"] == " ".join(commun.split())
    subprocess.run(["git", "apply", str(correctif)], cwd=espace, check=True)
    encore = lance("headers", CAMPAGNE, dossier, "--projet", espace, "--json").json
    assert [x["lu"] for x in encore["fichiers"]].count(True) == 1


def test_personal_data_in_a_header_is_never_shown(lance: Callable[..., Sortie], espace: Path, tmp_path: Path) -> None:
    secret = "Stade (dire à jeanne.inventee@exemple.fr)"
    fichier, correctif = classeur(tmp_path, titres={"stade": secret}), tmp_path / "c.diff"
    for options in ((), ("--json",)):
        sortie = lance("headers", CAMPAGNE, fichier, "--sortie", correctif, "--projet", espace, *options)
        assert sortie.statut == 0 and "(masqué)" in sortie.texte
        assert "jeanne" not in sortie.texte + sortie.erreurs
    assert not correctif.exists() or "jeanne" not in correctif.read_text("utf-8")


def test_answers_standing_where_headers_were_are_never_quoted(
    lance: Callable[..., Sortie], espace: Path, tmp_path: Path
) -> None:
    fichier = classeur(tmp_path, retouche=fabriquer._no_headers)
    sortie = lance("headers", CAMPAGNE, fichier, "--projet", espace, "--json")
    assert fabriquer.SECRET not in sortie.texte


def test_a_file_of_another_edition_says_so(lance: Callable[..., Sortie], espace: Path) -> None:
    sortie = lance("headers", CAMPAGNE, fabriquer.FICHIERS / "edition_precedente.xlsx", "--projet", espace, "--json")
    (examine,) = sortie.json["fichiers"]
    assert [a["code"] for a in examine["avis"]] == ["R01a"] and not examine["lu_avec_le_correctif"]


def test_nothing_to_propose_writes_nothing(lance: Callable[..., Sortie], espace: Path, tmp_path: Path) -> None:
    correctif = tmp_path / "c.diff"
    sortie = lance("headers", CAMPAGNE, classeur(tmp_path), "--sortie", correctif, "--projet", espace)
    assert sortie.statut == 0 and "Rien à proposer" in sortie.texte and not correctif.exists()


def test_usage_errors(lance: Callable[..., Sortie], espace: Path, tmp_path: Path) -> None:
    (tmp_path / "rien").mkdir()
    assert "Erreur U20" in lance("headers", CAMPAGNE, tmp_path / "rien", "--projet", espace).erreurs
    assert "Erreur U06" in lance("headers", CAMPAGNE, tmp_path / "absent.xlsx", "--projet", espace).erreurs
    assert "Erreur U05" in lance("headers", "1999", tmp_path / "rien", "--projet", espace).erreurs
