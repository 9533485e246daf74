"""What the analyst declares about answers already received, through the command line: corrections by hand, links to the frame,
successions of establishments, repairs declined. What no longer applies is refused (status 10), never passed over."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RACINE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(RACINE / "tests/fautes"))
import fabriquer  # noqa: E402

from cartographie.cli import main  # noqa: E402
from cartographie.survey.load import load_questionnaire  # noqa: E402

CAMPAGNE = fabriquer.CAMPAGNE
BASE = ["nofinesset", "nofinessej", "siret", "rs", "type_acteur", "categetab", "statutjuridique", "departement", "region",
        "commune", "lits_places"]  # fmt: skip
SIRET = "73282932000074"
FERME, AUTRE_FERME = fabriquer.finess(91), fabriquer.finess(92)


@pytest.fixture(scope="module")
def q() -> Any:
    return load_questionnaire(RACINE)


@pytest.fixture
def controle(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], tuple[int, dict[str, Any], str]]:
    """`validate`: status, its document ({} when refused), what it said of errors."""

    def run(projet: Path) -> tuple[int, dict[str, Any], str]:
        capsys.readouterr()
        statut = main.main(["validate", CAMPAGNE, "--ouvriers", "1", "--projet", str(projet), "--json"])
        sortie = capsys.readouterr()
        return statut, json.loads(sortie.out) if sortie.out else {}, sortie.err

    return run


def answer(q: Any, ou: Path, nom: str, numero: int, **cases: str) -> Path:
    """One line of the export, some cells of which say something else (headers as in the export)."""
    entetes, ligne = csv.reader(io.StringIO(fabriquer.export(q, numero, ";", "utf-8").decode()), delimiter=";")
    valeurs = dict(zip(entetes, ligne, strict=True)) | cases
    chemin = ou / nom
    with chemin.open("w", encoding="utf-8", newline="") as f:
        csv.writer(f, delimiter=";", lineterminator="\n").writerows([list(valeurs), list(valeurs.values())])
    return chemin


@pytest.fixture
def espace(q: Any, tmp_path: Path) -> Callable[..., Path]:
    """A workspace with a frame of three units (1 to 3) and the answers given by name."""

    def make(**reponses: dict[str, Any]) -> Path:
        projet = tmp_path / "projet"
        shutil.copytree(RACINE / "schemas", projet / "schemas")
        base, recus = tmp_path / "base.csv", tmp_path / "recus"
        recus.mkdir()
        with base.open("w", encoding="utf-8", newline="") as f:
            rangs = [
                [fabriquer.finess(n), "", SIRET if n == 3 else "", f"Clinique inventée numéro {n}", "ES_PUB", "", "", "01",
                 "84", "01001", "120"] for n in (1, 2, 3)
            ]  # fmt: skip
            csv.writer(f).writerows([BASE, *rangs])
        for nom, cases in reponses.items():
            answer(q, recus, f"{nom}.csv", **cases)
        assert main.main(["register", CAMPAGNE, str(base), "--projet", str(projet)]) == 0
        assert main.main(["ingest", CAMPAGNE, str(recus), "--projet", str(projet), "--ranger-seulement"]) == 0
        return projet

    return make


def table(projet: Path, nom: str) -> list[dict[str, str]]:
    chemin = projet / "outputs" / CAMPAGNE / "controle" / nom
    return list(csv.DictReader(io.StringIO(chemin.read_text(encoding="utf-8-sig"))))


def finding(projet: Path, regle: str) -> dict[str, str]:
    (anomalie,) = [a for a in table(projet, "anomalies.csv") if a["regle"] == regle]
    return anomalie


def declare(projet: Path, fichier: str, *lignes: str) -> None:
    (projet / "schemas" / fichier).write_text("\n".join([*lignes, ""]), encoding="utf-8")


# ------------------------------------------------------------------------------------------- corrections by hand


def correction(cellule: str, attendu: str, valeur: str) -> list[str]:
    return [
        "- code: K1", "  ou: {depot: seul.csv, cellule: " + cellule + "}", f"  attendu: {attendu}", f"  valeur: {valeur}",
        "  motif: confirmé par téléphone", "  auteur: AB", "  date: 2026-05-02",
    ]  # fmt: skip


def test_a_correction_is_told_and_fails_once_the_source_no_longer_holds_it(espace: Any, controle: Any) -> None:
    projet = espace(seul={"numero": 1, "rep_lits_places": "120"})
    entete = next(csv.reader((projet.parent / "recus/seul.csv").open(encoding="utf-8"), delimiter=";"))
    lettre = chr(ord("A") + entete.index("rep_lits_places"))
    ici = correction(f"{lettre}2", "120", "1200")
    declare(projet, f"{CAMPAGNE}/corrections.yaml", *ici)
    statut, bilan, _ = controle(projet)
    assert statut == 0 and bilan["regles"]["C330"] == 1
    a = finding(projet, "C330")
    assert (a["gravite"], a["valeur_recue"], a["proposition"], a["cellule"]) == (
        "redressement",
        "120",
        "1200",
        f"{lettre}2",
    )
    assert "K1" in a["message"] and "confirmé par téléphone" in a["message"]
    assert int(bilan["comptes"]["cellules_rejetees"]) == 0

    declare(projet, f"{CAMPAGNE}/corrections.yaml", *correction(f"{lettre}2", "110", "1200"))
    avant = table(projet, "anomalies.csv")
    statut, bilan, erreurs = controle(projet)
    assert statut == 10 and not bilan
    assert "Erreur D12" in erreurs and f"K1 (seul.csv, case {lettre}2 : attendu « 110 », trouvé « 120 »)" in erreurs
    assert table(projet, "anomalies.csv") == avant  # nothing is written on such a declaration

    declare(projet, f"{CAMPAGNE}/corrections.yaml", *[x.replace("seul.csv", "autre.csv") for x in ici])
    statut, _, erreurs = controle(projet)
    assert statut == 10 and "autre.csv : ce fichier n'est pas dans le registre" in erreurs


@pytest.mark.parametrize(("ligne", "dit"), [("  date: 2026-02-30", "D10"), ("  date: hier", "D03")])
def test_a_correction_ill_written_is_refused(espace: Any, controle: Any, ligne: str, dit: str) -> None:
    projet = espace(seul={"numero": 1})
    lignes = [x for x in correction("S2", "1", "2") if not x.startswith("  date")]
    declare(projet, f"{CAMPAGNE}/corrections.yaml", *lignes, ligne)
    statut, _, erreurs = controle(projet)
    assert statut == 10 and f"Erreur {dit}" in erreurs and "corrections.yaml" in erreurs


# ------------------------------------------------------------------------------------------- links to the frame


def test_each_number_in_turn_then_a_name_which_is_only_proposed(espace: Any, controle: Any) -> None:
    un = fabriquer.finess(1)
    projet = espace(
        zero={"numero": 1, "rep_finess_et": un[1:]},  # the spreadsheet ate the zero
        siret={"numero": 9, "rep_finess_et": "", "rep_siret": SIRET, "rep_perimetre_reponse": "CABINET"},
        nom={"numero": 8, "rep_raison_sociale": "CLINIQUE INVENTEE N° 2", "rep_code_commune": "01001"},
    )
    statut, bilan, _ = controle(projet)
    assert statut == 0
    assert (bilan["non_rapproches"], bilan["rapprochements_proposes"]) == (1, 1)
    r40 = finding(projet, "R40")
    assert (r40["valeur_recue"], r40["proposition"]) == (un[1:], un)
    suivi = {r["unite"]: r for r in table(projet, "suivi.csv") if r["unite"]}
    etats = {n: suivi[f"F:{fabriquer.finess(n)}"]["etat"] for n in (1, 2, 3)}
    assert etats == {1: "accepté", 2: "attendu", 3: "accepté"}

    proposes = table(projet, "rapprochements_proposes.csv")
    assert proposes[0]["id_base"] == f"F:{fabriquer.finess(2)}" and 65 <= int(proposes[0]["score"]) <= 100
    declare(projet, f"{CAMPAGNE}/rapprochements.csv", "repondant,id_base,motif,date", proposes[0]["a_coller"])
    statut, bilan, _ = controle(projet)
    assert statut == 0 and bilan["non_rapproches"] == 0
    suivi = {r["unite"]: r for r in table(projet, "suivi.csv") if r["unite"]}
    assert suivi[f"F:{fabriquer.finess(2)}"]["etat"] != "attendu"


def test_a_declared_link_that_a_number_contradicts_is_refused(espace: Any, controle: Any) -> None:
    projet = espace(seul={"numero": 1})
    un, deux = (f"F:{fabriquer.finess(n)}" for n in (1, 2))
    declare(projet, f"{CAMPAGNE}/rapprochements.csv", "repondant,id_base,motif,date", f"{un},{deux},,2026-05-02")
    statut, bilan, erreurs = controle(projet)
    assert statut == 10 and not bilan
    assert "Erreur D13" in erreurs and f"ligne 2, « {un} » est déjà rattaché par son numéro à {un}" in erreurs


# ------------------------------------------------------------------------------------------- successions


def test_closed_merged_and_split_numbers_are_followed_or_told(espace: Any, controle: Any) -> None:
    un, deux, trois = (fabriquer.finess(n) for n in (1, 2, 3))
    projet = espace(fusion={"numero": 91}, scission={"numero": 92}, ferme={"numero": 93})
    declare(
        projet, "successions.csv", "ancien,nouveau,nature,date,source",
        f"{FERME},{fabriquer.finess(95)},fusion,2025-01-01,arrêté fictif", f"{fabriquer.finess(95)},{un},remplacement,2026-01-01,",
        f"{AUTRE_FERME},{deux},scission,2026-01-01,", f"{AUTRE_FERME},{trois},scission,2026-01-01,",
        f"{fabriquer.finess(93)},,fermeture,2026-01-01,",
    )  # fmt: skip
    statut, bilan, _ = controle(projet)
    assert statut == 0 and bilan["non_rapproches"] == 2
    assert {k: bilan["regles"].get(k) for k in ("C331", "C332", "C333")} == {"C331": 1, "C332": 1, "C333": 1}
    a = finding(projet, "C331")
    assert (a["gravite"], a["valeur_recue"]) == ("alerte", FERME)
    assert "fusion, 01/01/2025" in a["message"] and f"rattachée à {un}" in a["message"]
    assert f"{deux}, {trois}" in finding(projet, "C333")["message"]
    proposes = table(projet, "rapprochements_proposes.csv")
    assert [(p["id_base"], p["motif"]) for p in proposes if p["id_repondant"] == f"F:{AUTRE_FERME}"][:2] == [
        (f"F:{deux}", "scission de l'ancien numéro"), (f"F:{trois}", "scission de l'ancien numéro"),
    ]  # fmt: skip


def test_a_succession_that_goes_round_is_refused(espace: Any, controle: Any) -> None:
    projet = espace(seul={"numero": 1})
    lignes = ["ancien,nouveau,nature,date,source", f"{FERME},{AUTRE_FERME},fusion,2025-01-01,"]
    declare(projet, "successions.csv", *lignes, f"{AUTRE_FERME},{FERME},fusion,2025-02-01,")
    statut, _, erreurs = controle(projet)
    assert statut == 10 and "Erreur D10" in erreurs and "successions.csv" in erreurs and "lui-même" in erreurs


# ------------------------------------------------------------------------------------------- repairs declined


def test_a_repair_the_campaign_declines_is_a_rejected_cell(espace: Any, controle: Any) -> None:
    projet = espace(seul={"numero": 1, "rep_nb_professionnels": "240,0", "rep_strategie_ia": "NON "})
    statut, bilan, _ = controle(projet)
    assert statut == 0 and bilan["gravites"]["redressement"] >= 2 and bilan["gravites"]["rejet_cellule"] == 0
    declaree = projet / "schemas" / CAMPAGNE / "campagne.yaml"
    declaree.write_text(
        declaree.read_text(encoding="utf-8") + "\nredressements: {decimale_virgule: non, C317: non}\n", encoding="utf-8"
    )
    statut, bilan, _ = controle(projet)
    assert statut == 0 and int(bilan["comptes"]["cellules_rejetees"]) == 2
    virgule = finding(projet, "C314")
    assert (virgule["gravite"], virgule["valeur_recue"], virgule["proposition"]) == ("rejet_cellule", "240,0", "240")
    assert "n'a pas été repris" in virgule["message"]
    assert finding(projet, "C317")["gravite"] == "rejet_cellule"

    declaree.write_text(
        declaree.read_text(encoding="utf-8").replace("decimale_virgule: non", "virgule: non"), encoding="utf-8"
    )
    statut, _, erreurs = controle(projet)
    assert statut == 10 and "Erreur D09" in erreurs and "« virgule » n'est pas un redressement" in erreurs
