"""Every way a received file can be wrong, through the command line: the verdict, its code, its cell, what it says to do."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

RACINE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(RACINE / "tests/fautes"))
import fabriquer  # noqa: E402

CAMPAGNE = fabriquer.CAMPAGNE
LIGNES = ("lignes_conservees", "lignes_quarantaine", "lignes_ecartees")
CELLULES = ("cellules_conservees", "cellules_rejetees", "cellules_quarantaine", "cellules_ecartees")


@dataclass(frozen=True)
class Attendu:
    """What one file must give. `constats`: (code, severity, where), where = "sheet!cell" as far as it is known."""

    constats: tuple[tuple[str, str, str], ...] = ()
    dit: tuple[str, ...] = ()  # found in the messages: what was seen, and what to do
    systemes: int = 2  # kept records
    lecture: dict[str, Any] = field(default_factory=dict)

    @property
    def refuse(self) -> bool:
        return any(g == "rejet_fichier" for _, g, _ in self.constats)


def refus(code: str, ou: str, *dit: str, avec: tuple[tuple[str, str, str], ...] = ()) -> Attendu:
    return Attendu((*avec, (code, "rejet_fichier", ou)), dit, 0)


def alerte(code: str, ou: str, *dit: str, **options: Any) -> Attendu:
    return Attendu(((code, "alerte", ou),), dit, **options)


TROMPEUSE = ("F106", "alerte", "!")


def texte(nom: str, *avec: tuple[str, str, str], **lecture: Any) -> Attendu:
    """A text file that is read. 15/04/2026 has only one reading; the month of 02/09/2024 had to be understood, and is told."""
    return Attendu((*avec, ("R39", "redressement", f"{nom}!DC2")), ("2024-09",), 1, {"format": "csv", **lecture})


TABLE: dict[str, Attendu] = {
    "bon.xlsx": Attendu(lecture={"format": "xlsx", "modele": "classeur"}),
    "bon.csv": texte("bon", encodage="utf-8", separateur=";", modele="export"),
    "pas_un_tableur.xlsx": refus(
        "F113", "!", "recopiez vos réponses dans le questionnaire d'origine", avec=(TROMPEUSE,)
    ),
    "image.xlsx": refus("F102", "!", "n'est pas un tableur", "enregistrez-le au format Excel"),
    "vide.xlsx": refus("F101", "!", "vide", "renvoyez le questionnaire rempli"),
    "page_html.xls": refus("F105", "!", "page web", "enregistrez-le au format .xlsx"),
    "edition_precedente.xlsx": refus(
        "R01a", "LISEZMOI!B4", "trouvé : 2025", "attendu : 2026", "répondez sur le questionnaire"
    ),
    "version_inconnue.xlsx": refus("R01b", "LISEZMOI!B5", "2026.9", "2026.1", "téléchargez de nouveau"),
    "feuille_absente.xlsx": refus("R01c", "SYSTEMES!", "« SYSTEMES »", "remettez la feuille"),
    "feuille_renommee.xlsx": alerte("F155", "Nos systèmes d'IA!", "« SYSTEMES »", "« Nos systèmes d'IA »", "vérifiez"),
    "entete_en_double.xlsx": refus("F118", "SYSTEMES!P4", "« SYSTEMES »", "À quel stade en est-il ?", "plusieurs fois"),
    "entete_inconnu.xlsx": refus("F117", "SYSTEMES!AT4", "Avis du service informatique", "retirez cette colonne"),
    "entete_manquant.xlsx": refus(
        "R01d", "SYSTEMES!4", "« SYSTEMES »", "À quoi sert le système ?", "remettez l'intitulé"
    ),
    "cellules_fusionnees.xlsx": Attendu(
        (("C303", "alerte", "SYSTEMES!D5"), ("C303", "alerte", "SYSTEMES!D6")), ("seule la première", "défusionnez-les")
    ),
    "lignes_masquees.xlsx": alerte("F121", "SYSTEMES!6", "lignes masquées", "supprimez-les"),
    "colonnes_masquees.xlsx": alerte("F122", "SYSTEMES!B", "colonnes masquées", "videz-les"),
    "feuille_masquee.xlsx": alerte("F123", "SYSTEMES!", "feuille masquée", "videz-la"),
    "formule_sans_valeur.xlsx": Attendu(
        (("C302", "rejet_cellule", "REPONDANT!C31"),), ("formule sans résultat", "ouvrez le fichier dans Excel")
    ),
    "erreur_ref.xlsx": Attendu((("C301", "rejet_cellule", "REPONDANT!C31"),), ("#REF!", "remplacez-la par la réponse")),
    "mot_de_passe.xlsx": refus("F103", "!", "mot de passe", "retirez la protection"),
    "zero_ligne.xlsx": refus("F119", "REPONDANT!", "Aucune réponse", "rempli et enregistré"),
    "mauvais_encodage.csv": texte("mauvais_encodage", encodage="cp1252", separateur=";"),
    "separateur_tabulation.csv": texte("separateur_tabulation", encodage="utf-8", separateur="\t"),
    "macro.xlsm": alerte("F110", "!", "macros", "pas été exécutées", lecture={"format": "xlsm"}),
    "date_1904.xlsx": Attendu(),  # a date read four years away would be out of the survey's period
    "extension_trompeuse.xlsx": texte("extension_trompeuse", TROMPEUSE, separateur=";"),
    "zip_tronque.xlsx": refus("F104", "!", "abîmé", "enregistrez-le sous un nouveau nom"),
    "doctype.xlsx": refus("F108", "!", "sécurité", "recopiez vos réponses"),
    "entetes_effaces.xlsx": refus("F125", "SYSTEMES!4", "« SYSTEMES »", "0 reconnus sur", "recopiez vos réponses"),
    "note_hors_tableau.xlsx": Attendu(),  # a note beside the table is no third system
    "utf8_abime.csv": refus("F104", "!", "abîmé", "enregistrez-le sous un nouveau nom"),
    "bombe.xlsx": refus("F108", "!", "sécurité", "décompression"),
    "lignes_blanches_20000.xlsx": alerte("F124", "SYSTEMES!", "20000 lignes vides", "vérifiez"),
    "lignes_blanches_20000_puis_une.xlsx": alerte("F124", "SYSTEMES!", "20000 lignes vides", "vérifiez", systemes=3),
}


@dataclass(frozen=True)
class Passage:
    """One `validate --json`: exit status, its document, and the two tables it wrote."""

    statut: int
    bilan: dict[str, Any]
    anomalies: list[dict[str, str]]
    comptes: list[dict[str, str]]


def _espace(dossier: Path, fichiers: list[Path]) -> Path:
    shutil.copytree(RACINE / "schemas", dossier / "schemas")
    (dossier / "recus").mkdir()
    for f in fichiers:
        shutil.copy(f, dossier / "recus")
    return dossier


def _passage(dossier: Path, statut: int, sortie: str) -> Passage:
    controle = dossier / "outputs" / CAMPAGNE / "controle"
    tables = [
        list(csv.DictReader(io.StringIO((controle / n).read_text(encoding="utf-8-sig"))))
        for n in ("anomalies.csv", "comptes.csv")
    ]
    return Passage(statut, json.loads(sortie), *tables)


@pytest.fixture(scope="session")
def fichiers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The committed files, and the heavy ones written now."""
    lourds = fabriquer.make(tmp_path_factory.mktemp("lourds"), list(fabriquer.ECRITS_AU_TEST))
    return {f.name: f for f in (*(fabriquer.FICHIERS / n for n in fabriquer.COMMIS), *lourds)}


def _ensemble(cli: Callable[..., Any], fichiers: dict[str, Path], dossier: Path) -> Passage:
    """All the files in one workspace."""
    _espace(dossier, list(fichiers.values()))
    rangement = cli("ingest", CAMPAGNE, dossier / "recus", "--projet", dossier, "--recu-le", "2026-05-01", "--json")
    assert rangement.statut == 0, rangement.erreurs
    assert len(rangement.json["ajoutes"]) == len(fichiers)
    controle = cli("validate", CAMPAGNE, "--projet", dossier, "--ouvriers", "2", "--json")
    assert controle.erreurs == ""
    return _passage(dossier, controle.statut, controle.texte)


def _ou(anomalie: dict[str, str]) -> str:
    place = anomalie["cellule"] or anomalie["colonne"] or anomalie["ligne"]
    return f"{anomalie['feuille']}!{place}"


def _verifie(nom: str, p: Passage) -> None:
    """The verdict of one file of a run: findings and where, words, reading, accounts."""
    attendu = TABLE[nom]
    siennes = [a for a in p.anomalies if a["fichier"] == nom]
    assert sorted((a["regle"], a["gravite"], _ou(a)) for a in siennes) == sorted(attendu.constats)
    messages = "\n".join(a["message"] for a in siennes)
    for morceau in attendu.dit:
        assert morceau in messages
    assert "{" not in messages and "None" not in messages and fabriquer.SECRET not in messages
    lecture = next(x for x in p.bilan["lecture"] if x["fichier"] == nom)
    assert {k: lecture[k] for k in attendu.lecture} == attendu.lecture
    assert lecture["refuse"] == attendu.refuse
    (compte,) = [c for c in p.comptes if c["fichier"] == nom and c["niveau"] == "fichier"]
    assert compte["etat"] == ("refusé" if attendu.refuse else "lu")
    for ligne in (c for c in p.comptes if c["fichier"] == nom):
        assert int(ligne["lignes_lues"]) == sum(int(ligne[c]) for c in LIGNES)
        assert int(ligne["cellules_lues"]) == sum(int(ligne[c]) for c in CELLULES)
    rejetees = sum(g == "rejet_cellule" for _, g, _ in attendu.constats)
    assert int(compte["cellules_rejetees"]) == rejetees
    assert int(compte["lignes_quarantaine"]) == 0
    if attendu.refuse:
        assert compte["lignes_conservees"] == compte["cellules_conservees"] == "0"


# ------------------------------------------------------------------------------------------- the files themselves


def test_the_table_knows_every_committed_file() -> None:
    commis = {f.name for f in fabriquer.FICHIERS.iterdir() if not f.name.startswith(".")}
    assert commis == set(fabriquer.COMMIS)
    assert set(TABLE) == {*fabriquer.COMMIS, *fabriquer.ECRITS_AU_TEST}
    assert all(f.stat().st_size < 30_000 for f in fabriquer.FICHIERS.iterdir())


def test_the_questionnaire_is_laid_out_as_template_writes_it() -> None:
    """The headers of bon.xlsx stand where those of the blank questionnaire do."""
    from openpyxl import load_workbook

    from cartographie.collect.questionnaire import build_template
    from cartographie.survey.load import load_questionnaire

    vierge = load_workbook(io.BytesIO(build_template(load_questionnaire(RACINE), CAMPAGNE)))
    bon = load_workbook(fabriquer.FICHIERS / "bon.xlsx")
    for feuille, zone in (
        ("LISEZMOI", "B4:B5"),
        ("REPONDANT", "B4:B90"),
        ("SYSTEMES", "A4:AT4"),
        ("PERIMETRE", "A4:B4"),
    ):
        textes = [[[c.value for c in rang] for rang in classeur[feuille][zone]] for classeur in (vierge, bon)]
        assert textes[0] == textes[1], feuille


# ------------------------------------------------------------------------------------------- all of them together


def test_all_together(cli: Callable[..., Any], fichiers: dict[str, Path], tmp_path: Path, subtests: Any) -> None:
    """One test, hence one run of the command; each file is judged apart."""
    p = _ensemble(cli, fichiers, tmp_path / "ensemble")
    for nom in TABLE:
        with subtests.test(nom):
            _verifie(nom, p)
    refuses = [nom for nom, a in TABLE.items() if a.refuse]
    with subtests.test("no file is lost"):
        assert p.statut == 11
        assert p.bilan["fichiers"] == {"recus": len(TABLE), "refuses": len(refuses)}
        assert sorted(c["fichier"] for c in p.comptes if c["niveau"] == "fichier") == sorted(TABLE)
        assert {a["fichier"] for a in p.anomalies if a["gravite"] == "rejet_fichier"} == set(refuses)
    with subtests.test("no record is lost"):
        gardes = [a for a in TABLE.values() if not a.refuse]
        assert p.bilan["conserves"]["repondant"] == len(gardes)
        assert p.bilan["conserves"]["systeme"] == sum(a.systemes for a in gardes)
        assert not any(p.bilan["quarantaine"].values())
    with subtests.test("no row and no cell is lost"):
        (total,) = [c for c in p.comptes if c["niveau"] == "TOTAL"]
        for colonne in ("lignes_lues", "cellules_lues", *LIGNES, *CELLULES):
            assert int(total[colonne]) == sum(int(c[colonne]) for c in p.comptes if c["niveau"] == "fichier")
    with subtests.test("every answer typed into bon.xlsx is kept"):
        saisies = len(fabriquer.REPONDANT) + 1 + sum(map(len, fabriquer.SYSTEMES))
        (compte,) = [c for c in p.comptes if c["fichier"] == "bon.xlsx" and c["niveau"] == "fichier"]
        assert int(compte["cellules_conservees"]) == saisies


# ------------------------------------------------------------------------------------------- each one alone


@pytest.fixture(scope="module")
def declarations() -> Callable[[Path], Any]:
    """The declarations read once: every workspace holds the same."""
    from cartographie.survey.load import load_questionnaire

    lire = lru_cache(maxsize=1)(lambda: load_questionnaire(RACINE))
    return lambda projet: lire()


@pytest.mark.parametrize("nom", TABLE)
def test_alone(
    nom: str, fichiers: dict[str, Path], declarations: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    from cartographie.cli.flow import common as flow_common
    from cartographie.cli.flow import control as flow_control
    from cartographie.cli.flow import prepare as flow_prepare
    from cartographie.cli.flow import receive as flow_receive
    from cartographie.cli.main import main

    for module in (flow_common, flow_receive, flow_control, flow_prepare):
        monkeypatch.setattr(module, "load_questionnaire", declarations)
    options = ["--projet", str(tmp_path), "--json"]
    assert main(["ingest", CAMPAGNE, str(fichiers[nom]), "--recu-le", "2026-05-01", *options]) == 0
    capsys.readouterr()
    statut = main(["validate", CAMPAGNE, "--ouvriers", "1", *options])
    passage = _passage(tmp_path, statut, capsys.readouterr().out)
    assert statut == passage.bilan["statut"] == (11 if TABLE[nom].refuse else 0)
    assert len(passage.comptes) >= 2
    _verifie(nom, passage)


@pytest.mark.parametrize(("nom", "statut"), [("vide.xlsx", 11), ("bon.xlsx", 0)])
def test_alone_as_a_user_runs_it(cli: Callable[..., Any], nom: str, statut: int, tmp_path: Path) -> None:
    dossier = _espace(tmp_path / "e", [fabriquer.FICHIERS / nom])
    assert cli("ingest", CAMPAGNE, dossier / "recus", "--projet", dossier).statut == 0
    controle = cli("validate", CAMPAGNE, "--projet", dossier)
    assert controle.statut == statut
    assert nom in controle.texte and "Traceback" not in controle.erreurs


def test_a_file_changed_after_reception_is_refused(cli: Callable[..., Any], tmp_path: Path) -> None:
    dossier = _espace(tmp_path / "e", [fabriquer.FICHIERS / "bon.xlsx"])
    cli("ingest", CAMPAGNE, dossier / "recus", "--projet", dossier)
    (recu,) = (dossier / "raw" / CAMPAGNE / "depots").iterdir()
    recu.chmod(0o644)
    recu.write_bytes(recu.read_bytes() + b" ")
    controle = cli("validate", CAMPAGNE, "--projet", dossier, "--json")
    assert controle.statut == 11
    (anomalie,) = _passage(dossier, controle.statut, controle.texte).anomalies
    assert (anomalie["regle"], anomalie["gravite"]) == ("F120", "rejet_fichier")
    assert "remettez l'original" in anomalie["message"]
