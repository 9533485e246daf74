"""Sending it back: what a respondent receives, what happens when it returns, where each one stands.

Everything through the command line, on the fictitious campaign of the repository.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
import yaml
from conftest import Sortie, run_cli

from cartographie.cli import main
from cartographie.intake.store import read_registre
from cartographie.survey.load import load_questionnaire

RACINE = Path(__file__).resolve().parents[2]
CAMPAGNE = "2026"
FAUTIF = "fautif.xlsx"  # says that 300 people of 240 were trained (R29)
TITRE = "Ce qu'il faut corriger"
Lance = Callable[..., Any]


def run_here(*args: str | Path) -> Sortie:
    """The command in this process: a test runs many of them."""
    with redirect_stdout(io.StringIO()) as texte, redirect_stderr(io.StringIO()) as erreurs:
        statut = main.main([str(a) for a in args])
    return Sortie(statut, texte.getvalue(), erreurs.getvalue())


@pytest.fixture(scope="module")
def cli() -> Lance:
    return run_here


@pytest.fixture(scope="module")
def renvoye(tmp_path_factory: pytest.TempPathFactory, cli: Lance) -> Path:
    """The fictitious campaign and the answer of `fautif` received, what is to be sent back written. Copied, never changed."""
    ici = tmp_path_factory.mktemp("retours") / "projet"
    assert cli("demo", ici, "--repondants", "60", "--graine", "1", "--classeurs", "12", "--projet", RACINE).statut == 0
    shutil.rmtree(ici / "raw" / "2025")
    assert cli("validate", CAMPAGNE, "--projet", ici).statut in (11, 12)
    unite = next(u for u, s in states(ici).items() if s["etat"] == "attendu" and s["type_acteur"] == "ES_PUB")
    reponse = filled(ici, RACINE / "tests/fautes/fichiers/bon.xlsx", finess_et=unite[2:], raison_sociale="Clinique Inventée",
                     nb_professionnels_formes=300, referent_ia="OUI", courriel_contact="moi@ailleurs.invalid")  # fmt: skip
    receive(cli, ici, saved(reponse, ici.parent / FAUTIF), le="2026-06-30")
    assert cli("feedback", CAMPAGNE, "--projet", ici).statut == 0
    return ici


@pytest.fixture
def projet(renvoye: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(renvoye, tmp_path / "projet"))


def lines(chemin: Path) -> list[dict[str, str]]:
    with chemin.open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def anomalies(projet: Path) -> list[dict[str, str]]:
    return lines(projet / "outputs" / CAMPAGNE / "controle" / "anomalies.csv")


def retours(projet: Path) -> Path:
    return projet / "outputs" / CAMPAGNE / "retours"


def envois(projet: Path) -> list[dict[str, str]]:
    return lines(retours(projet) / "envois.csv")


def states(projet: Path) -> dict[str, dict[str, str]]:
    return {
        r["repondant"] or r["unite"] or r["depot"]: r for r in lines(projet / f"outputs/{CAMPAGNE}/controle/suivi.csv")
    }


def points(classeur: Any) -> Iterator[dict[str, Any]]:
    """The lines of the first sheet: what a person reads there, and the cell its link leads to."""
    feuille = classeur.worksheets[0]
    entete: list[Any] = []
    for rang in feuille.iter_rows(min_row=1):
        valeurs = [c.value for c in rang]
        if valeurs[0] == "N°":
            entete = valeurs
        elif entete and isinstance(valeurs[0], int | float):
            lien = rang[1].hyperlink
            ou = re.fullmatch(r"'?(.+?)'?!([A-Z]+[0-9]+)", lien.location) if lien else None
            yield dict(zip(entete, valeurs, strict=True)) | {"lieu": ou.groups() if ou else None}


def saved(classeur: Any, chemin: Path) -> Path:
    chemin.parent.mkdir(parents=True, exist_ok=True)
    classeur.save(chemin)
    return chemin


@cache
def read_back(chemin: Path) -> Any:
    """A workbook that nobody changes."""
    return openpyxl.load_workbook(chemin)


def sent_back(projet: Path, destinataire: str) -> Any:
    nom = next(e["classeur"] for e in envois(projet) if e["destinataire"] == destinataire)
    return openpyxl.load_workbook(retours(projet) / nom)


def filled(projet: Path, classeur: Path, **reponses: Any) -> Any:
    """The workbook, those questions of its form answered (by variable)."""
    lu = openpyxl.load_workbook(classeur)
    feuilles = load_questionnaire(projet).campagnes[CAMPAGNE].modeles["classeur"].feuilles
    fiche = next(f for f in feuilles if f.disposition == "fiche")
    questions = {c.variable: [e.texte for e in c.entetes] for c in fiche.colonnes}
    feuille = next(f for f in lu.worksheets if f.title in fiche.noms)
    lignes = {r[fiche.colonne_question - 1].value: r[fiche.colonne_reponse - 1] for r in feuille.iter_rows(min_col=1)}
    for variable, valeur in reponses.items():
        next(lignes[t] for t in questions[variable] if t in lignes).value = valeur
    return lu


def the_faulty(projet: Path) -> dict[str, str]:
    """The anomaly R29 of the faulty answer."""
    return next(a for a in anomalies(projet) if a["regle"] == "R29" and a["fichier"] == FAUTIF)


# --------------------------------------------------------------------------- what is sent


def test_one_workbook_and_one_letter_per_respondent_concerned(renvoye: Path) -> None:
    """Every respondent and every refused file with a rejection, nobody else; the folder is its owner's only."""
    rejets = [a for a in anomalies(renvoye) if a["gravite"].startswith("rejet_")]
    concernes = {a["id_repondant"] for a in rejets if a["id_repondant"]}
    refuses = {a["depot"] for a in rejets if a["gravite"] == "rejet_fichier"}
    bases = {d.depot for d in read_registre(renvoye / "raw" / CAMPAGNE) if d.role == "base"}
    attendus = (concernes | refuses) - bases - {a["id_repondant"] for a in rejets if a["depot"] in bases}
    trouves = envois(renvoye)
    assert {e["destinataire"] for e in trouves} >= attendus and len(trouves) == len(
        {e["destinataire"] for e in trouves}
    )
    assert all(int(e["a_corriger"]) for e in trouves)
    ecrits = {p.name for p in retours(renvoye).iterdir()}
    assert ecrits == {"envois.csv"} | {e[c] for e in trouves for c in ("classeur", "courrier")}
    assert retours(renvoye).stat().st_mode & 0o077 == 0


def test_every_point_leads_to_its_cell_coloured_and_commented(renvoye: Path) -> None:
    for envoi in envois(renvoye):
        classeur = read_back(retours(renvoye) / envoi["classeur"])
        assert str(classeur.worksheets[0]["A1"].value).startswith(TITRE)
        lus = list(points(classeur))
        assert len(lus) == int(envoi["a_corriger"]) + int(envoi["a_verifier"])
        for p in lus:
            assert p["Que faire"] and (p["lieu"] is None or p["Question"])
            if p["lieu"] is not None and " — " not in str(p["Question"]) and p["Question"] == p["Question"].strip():
                cellule = classeur[p["lieu"][0]][p["lieu"][1]]
                assert not cellule.protection.locked
        marquees = [c for f in classeur.worksheets[1:] for r in f.iter_rows() for c in r if _marked(c)]
        assert all(c.comment and c.comment.text for c in marquees)
        if any(p["lieu"] for p in lus):
            assert marquees


def _marked(cellule: Any) -> bool:
    return cellule.fill.fgColor.rgb in ("FFF9C9BF", "FFCFE2F7")


def test_the_answers_are_those_received_and_the_lists_are_there(projet: Path) -> None:
    """A workbook received, and the one sent back: same answers in front of the same questions, but for the contact's."""
    a = the_faulty(projet)
    depot = next(d for d in read_registre(projet / "raw" / CAMPAGNE) if d.depot == a["depot"])
    recu = openpyxl.load_workbook(projet / "raw" / CAMPAGNE / depot.chemin, data_only=True)
    rendu = sent_back(projet, a["id_repondant"])
    q = load_questionnaire(projet)
    fiche = next(f for f in q.campagnes[CAMPAGNE].modeles["classeur"].feuilles if f.disposition == "fiche")
    personnelles = {c.entetes[0].texte for c in fiche.colonnes if q.variables[c.variable].personnel}
    avant = {r[1].value: r[2].value for r in recu[fiche.noms[0]].iter_rows(min_col=1) if r[1].value}
    apres = {r[1].value: r[2].value for r in rendu[fiche.noms[0]].iter_rows(min_col=1) if r[1].value}
    communes = {k for k in avant.keys() & apres.keys() if avant[k] is not None} - personnelles
    assert len(communes) > 12
    assert {k: avant[k] for k in communes} == {k: apres[k] for k in communes}
    assert not any(apres[k] for k in personnelles)
    assert rendu[fiche.noms[0]].data_validations.dataValidation


def test_nothing_of_another_respondent_and_no_contact(renvoye: Path) -> None:
    """Identifying answers of one respondent are in no other's workbook or letter; contacts are in none."""
    projet = renvoye
    contacts = re.compile(r"[\w.+-]+@(?!exemple\.invalid)[\w-]+\.\w+|\b0[1-9](?! 99 00)(?:[ .]?\d\d){4}\b")
    ids = {e["destinataire"] for e in envois(projet) if ":" in e["destinataire"]}
    for envoi in envois(projet):
        texte = (retours(projet) / envoi["courrier"]).read_text(encoding="utf-8")
        with ZipFile(retours(projet) / envoi["classeur"]) as z:
            texte += "\n".join(z.read(n).decode("utf-8", "replace") for n in z.namelist() if n.endswith(".xml"))
        autres = {i.partition(":")[2] for i in ids if i != envoi["destinataire"]}
        presents = {n for n in autres if n in texte}
        assert presents <= _numbers(retours(projet) / envoi["classeur"]), envoi["destinataire"]
        assert not contacts.search(texte)


def _numbers(chemin: Path) -> set[str]:
    """Numbers a respondent gives of others: the sites it covers, its legal entity."""
    classeur = read_back(chemin)
    return {str(c.value) for f in classeur.worksheets for r in f.iter_rows() for c in r if c.value is not None}


def test_the_letter_is_ready_to_be_sent(renvoye: Path) -> None:
    envoi = next(e for e in envois(renvoye) if e["destinataire"].startswith("F:"))
    lettre = (retours(renvoye) / envoi["courrier"]).read_text(encoding="utf-8")
    assert lettre.startswith("Objet : ") and "Madame, Monsieur," in lettre
    assert envoi["classeur"] in lettre and envoi["fichier_recu"] in lettre and "fictives" in lettre
    assert "{" not in lettre


def test_the_letter_is_the_campaigns_when_it_declares_one(projet: Path, cli: Lance) -> None:
    chemin = projet / "schemas" / CAMPAGNE / "campagne.yaml"
    d = yaml.safe_load(chemin.read_text(encoding="utf-8"))
    d["retours"]["courrier"] = "Bonjour,\n{points}\nÀ rendre{avant}."
    chemin.write_text(yaml.safe_dump(d, allow_unicode=True), encoding="utf-8")
    seul = ("--repondant", the_faulty(projet)["id_repondant"])
    assert cli("feedback", CAMPAGNE, *seul, "--projet", projet, "--envoye-le", "2026-07-01").statut == 0
    lettre = next(retours(projet).glob("courrier-*.txt")).read_text(encoding="utf-8")
    assert lettre.startswith("Bonjour,\n- ") and lettre.endswith("À rendre avant le 16/07/2026.")


@pytest.mark.parametrize(
    ("texte", "dit"), [("Bonjour {nom}", "{nom}"), ("Bonjour {points.x}", "points.x"), ("{", "accolade")]
)
def test_a_letter_that_could_not_be_filled_is_refused_at_its_line(
    projet: Path, cli: Lance, texte: str, dit: str
) -> None:
    chemin = projet / "schemas" / CAMPAGNE / "campagne.yaml"
    lignes = chemin.read_text(encoding="utf-8").rstrip().splitlines()
    chemin.write_text("\n".join([*lignes, f'  courrier: "{texte}"', ""]), encoding="utf-8")
    sortie = cli("feedback", CAMPAGNE, "--projet", projet)
    assert sortie.statut == 10 and "D10" in sortie.erreurs and dit in sortie.erreurs
    assert f"campagne.yaml, ligne {len(lignes) + 1}" in sortie.erreurs


def test_twice_the_same_bytes(projet: Path, renvoye: Path) -> None:
    env = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Noumea"}
    assert run_cli("feedback", CAMPAGNE, "--projet", projet, "--ouvriers", "2", env=env).statut == 0
    assert {p.name: p.read_bytes() for p in retours(projet).iterdir()} == {
        p.name: p.read_bytes() for p in retours(renvoye).iterdir()
    }


# --------------------------------------------------------------------------- what comes back


def answered(projet: Path, destinataire: str, tmp_path: Path) -> Path:
    """The correction workbook of a respondent, corrected as proposed or emptied, as they would send it back."""
    classeur = sent_back(projet, destinataire)
    for p in points(classeur):
        if p["lieu"]:
            feuille, cellule = p["lieu"]
            classeur[feuille][cellule].value = p["Proposition"] or None
    return saved(classeur, tmp_path / "revenus" / f"{re.sub(r'[^A-Za-z0-9]', '-', destinataire)}.xlsx")


def corrected(projet: Path, destinataire: str, tmp_path: Path, **reponses: Any) -> Path:
    """The same, answering these questions of the form (by variable)."""
    nom = next(e["classeur"] for e in envois(projet) if e["destinataire"] == destinataire)
    return saved(filled(projet, retours(projet) / nom, **reponses), tmp_path / "revenus" / "corrige.xlsx")


def receive(cli: Lance, projet: Path, *fichiers: Path, le: str = "2026-07-10") -> None:
    assert cli("ingest", CAMPAGNE, *fichiers, "--recu-le", le, "--projet", projet).statut == 0
    assert cli("validate", CAMPAGNE, "--projet", projet).statut in (0, 11, 12)


def test_a_returned_workbook_takes_the_place_of_what_it_corrects(projet: Path, cli: Lance, tmp_path: Path) -> None:
    """R29: more people trained than people. Corrected, the answer is accepted; both files stay; contacts are not lost."""
    a = the_faulty(projet)
    avant = states(projet)[a["id_repondant"]]
    assert avant["etat"] == "à corriger"
    revenu = corrected(projet, a["id_repondant"], tmp_path, nb_professionnels_formes=1, nb_professionnels=50)
    receive(cli, projet, revenu)
    apres = states(projet)[a["id_repondant"]]
    assert (apres["etat"], apres["versions"], apres["fichier"]) == ("accepté", "2", "corrige.xlsx")
    assert not [x for x in anomalies(projet) if x["regle"] == "R29" and x["id_repondant"] == a["id_repondant"]]
    assert {"corrige.xlsx", a["fichier"]} <= {d.nom for d in read_registre(projet / "raw" / CAMPAGNE)}
    remplace = next(x for x in anomalies(projet) if x["depot"] == a["depot"])
    assert remplace["gravite"] == "alerte" and "corrige.xlsx" in remplace["message"]
    assert [r["repondant"] for r in states(projet).values()].count(a["id_repondant"]) == 1


def test_a_blank_never_erases_unless_the_campaign_says_so(projet: Path, cli: Lance, tmp_path: Path) -> None:
    a = the_faulty(projet)
    ou = {"referent_ia": None, "nb_professionnels_formes": 1, "nb_professionnels": 50}
    revenu = corrected(projet, a["id_repondant"], tmp_path, **ou)
    recus = {}
    for politique in ("conserver", "effacer"):
        ici = Path(shutil.copytree(projet, tmp_path / politique))
        chemin = ici / "schemas" / CAMPAGNE / "campagne.yaml"
        texte = chemin.read_text(encoding="utf-8")
        chemin.write_text(texte.replace("vides: conserver", f"vides: {politique}"), encoding="utf-8")
        receive(cli, ici, revenu)
        assert cli("load", "--projet", ici).statut == 0
        recus[politique] = _warehouse(ici, "referent_ia", a["id_repondant"])
    assert recus == {"conserver": [recus["conserver"][0]], "effacer": [None]} and recus["conserver"][0]


def _warehouse(projet: Path, variable: str, repondant: str) -> list[Any]:
    import duckdb

    with duckdb.connect(str(projet / "outputs/entrepot.duckdb"), read_only=True) as con:
        sql = f"SELECT {variable} FROM repondant WHERE campagne = ? AND id_repondant = ?"
        return [r[0] for r in con.execute(sql, [CAMPAGNE, repondant]).fetchall()]


def test_what_had_been_refused_is_replaced_by_the_questionnaire_filled_in(
    projet: Path, cli: Lance, tmp_path: Path
) -> None:
    refuse = next(e for e in envois(projet) if "protege" in e["fichier_recu"])
    assert states(projet)[refuse["destinataire"]]["etat"] == "rejeté"
    bon = openpyxl.load_workbook(RACINE / "tests/fautes/fichiers/bon.xlsx", data_only=True)
    classeur = sent_back(projet, refuse["destinataire"])
    recues = {r[1].value: r[2].value for r in bon.worksheets[1].iter_rows(min_col=1)}
    for rang in classeur["REPONDANT"].iter_rows(min_col=1):
        if recues.get(rang[1].value) is not None:
            rang[2].value = recues[rang[1].value]
    receive(cli, projet, saved(classeur, tmp_path / "refait.xlsx"))
    assert refuse["destinataire"] not in states(projet)
    assert "refait.xlsx" in {r["fichier"] for r in states(projet).values()}


def test_a_reference_of_someone_else_is_not_believed(projet: Path, cli: Lance, tmp_path: Path) -> None:
    """The reference is signed: changing it makes the workbook a new answer, and says so."""
    a = the_faulty(projet)
    classeur = sent_back(projet, a["id_repondant"])
    reference = classeur["LISEZMOI"]["B6"].value
    autre = next(e for e in envois(projet) if e["destinataire"] != a["id_repondant"] and ":" in e["destinataire"])
    sienne = sent_back(projet, autre["destinataire"])["LISEZMOI"]["B6"].value
    classeur["LISEZMOI"]["B6"].value = sienne[:12] + reference[12:]
    receive(cli, projet, saved(classeur, tmp_path / "usurpe.xlsx"))
    assert [x for x in anomalies(projet) if x["fichier"] == "usurpe.xlsx" and "pas reconnue" in x["message"]]
    assert states(projet)[autre["destinataire"]]["versions"] == "1"


def test_corrected_twice_the_last_one_stands(projet: Path, cli: Lance, tmp_path: Path) -> None:
    a = the_faulty(projet)
    receive(cli, projet, corrected(projet, a["id_repondant"], tmp_path, nb_professionnels=50))  # still wrong
    assert cli("feedback", CAMPAGNE, "--repondant", a["id_repondant"], "--projet", projet).statut == 0
    encore = corrected(projet, a["id_repondant"], tmp_path / "2", nb_professionnels_formes=1, nb_professionnels=60)
    receive(cli, projet, encore, le="2026-07-20")
    apres = states(projet)[a["id_repondant"]]
    assert (apres["etat"], apres["versions"]) == ("accepté", "3")


def test_a_row_gone_from_the_returned_workbook_is_withdrawn(projet: Path, cli: Lance, tmp_path: Path) -> None:
    """R11: no use of AI, yet a system. The respondent takes the system away: accepted."""
    a = next(a for a in anomalies(projet) if a["regle"] == "R11")
    assert states(projet)[a["id_repondant"]]["etat"] == "rejeté"
    classeur = sent_back(projet, a["id_repondant"])
    feuille = classeur["SYSTEMES"]
    for rang in feuille.iter_rows(min_row=5):
        for cellule in rang:
            cellule.value = None
    for rang in classeur["REPONDANT"].iter_rows(min_col=1):
        if "au total" in str(rang[1].value):
            rang[2].value = 0
    receive(cli, projet, saved(classeur, tmp_path / "sans.xlsx"))
    assert states(projet)[a["id_repondant"]]["etat"] == "accepté"


def test_applying_what_is_proposed_leaves_no_such_anomaly(projet: Path, cli: Lance, tmp_path: Path) -> None:
    """Property: every workbook sent back, its proposals applied (the other cells emptied), leaves none of the rules it told."""
    chemin = projet / "schemas" / CAMPAGNE / "campagne.yaml"
    texte = chemin.read_text(encoding="utf-8")
    toutes = "[rejet_fichier, rejet_ligne, rejet_cellule, redressement]"
    chemin.write_text(texte.replace("[rejet_fichier, rejet_ligne, rejet_cellule]", toutes), encoding="utf-8")
    receive(cli, projet, *_repairs(tmp_path))
    assert cli("feedback", CAMPAGNE, "--projet", projet).statut == 0
    revenus, regles = [], {}
    for e in envois(projet):
        if ":" not in e["destinataire"]:
            continue
        classeur = sent_back(projet, e["destinataire"])
        if proposes := [p for p in points(classeur) if p["lieu"] and p["Proposition"]]:
            regles[e["destinataire"]] = {(p["Question"], p["Que faire"]) for p in proposes}
            revenus.append(answered(projet, e["destinataire"], tmp_path))
    assert len(revenus) >= 2 and sum(map(len, regles.values())) >= 6
    receive(cli, projet, *revenus)
    q = load_questionnaire(projet)
    for a in anomalies(projet):
        if a["id_repondant"] in regles and a["variable"] and a["fichier"].startswith(tuple(r.name for r in revenus)):
            assert (q.variables[a["variable"]].libelle, a["message"]) not in regles[a["id_repondant"]]
            assert a["gravite"] != "redressement", a


def _repairs(tmp_path: Path) -> list[Path]:
    """Two answers full of things to be repaired."""
    sys_path = RACINE / "tests/fautes"
    sortie = []
    for k, numero in enumerate(("990000001", "990000019")):
        classeur = openpyxl.load_workbook(sys_path / "fichiers/bon.xlsx", data_only=True)
        for rang in classeur.worksheets[1].iter_rows(min_col=1):
            question = str(rang[1].value)
            if "FINESS de l'établissement" in question:
                rang[2].value = f" {_finess(numero)} "
            elif "lits et places" in question:
                rang[2].value = "1 200 lits"
            elif "remplissez-vous" in question:
                rang[2].value = "3/4/2026"
            elif "équivalents temps plein travaillent" in question:
                rang[2].value = "1,5"
            elif "référent IA" in question:
                rang[2].value = "oui "
        sortie.append(saved(classeur, tmp_path / "a_reparer" / f"reparer{k}.xlsx"))
    return sortie


def _finess(debut: str) -> str:
    from cartographie.base.identifiers import check

    return next(debut[:8] + c for c in "0123456789" if check("finess", debut[:8] + c) is None)


# --------------------------------------------------------------------------- where each one stands


def test_states_go_from_expected_to_reminded_to_accepted(projet: Path, cli: Lance, tmp_path: Path) -> None:
    a = the_faulty(projet)
    avant = cli("status", "--campagne", CAMPAGNE, "--projet", projet, "--json").json["campagnes"][CAMPAGNE]["etats"]
    (region, *_), totaux = avant["axes"].values(), lambda e: {r["libelle"]: r for r in e["rangs"]}
    total = totaux(region)["Total"]
    assert total["attendu"] and total["accepté"] and total["à corriger"] and 0 < total["taux_reponse"] < 1
    assert cli("feedback", CAMPAGNE, "--absents", "--envoye-le", "2026-07-02", "--projet", projet).statut == 0
    assert states(projet)[a["id_repondant"]]["etat"] == "relancé"
    relances = [e for e in envois(projet) if not e["classeur"]]
    assert len(relances) == total["attendu"]
    assert "nous n'avons pas encore reçu" in (retours(projet) / relances[0]["courrier"]).read_text(encoding="utf-8")
    apres = cli("status", "--campagne", CAMPAGNE, "--projet", projet, "--json").json["campagnes"][CAMPAGNE]["etats"]
    suivant = totaux(next(iter(apres["axes"].values())))["Total"]
    assert suivant["relancé"] == total["attendu"] + total["à corriger"] + total["rejeté"] and not suivant["attendu"]
    assert suivant["taux_reponse"] == total["taux_reponse"]  # a reminder changes nothing to who has answered
    receive(
        cli, projet, corrected(projet, a["id_repondant"], tmp_path, nb_professionnels_formes=1, nb_professionnels=50)
    )
    assert states(projet)[a["id_repondant"]]["etat"] == "accepté"


def test_received_and_not_controlled_yet_is_only_received(projet: Path, cli: Lance, tmp_path: Path) -> None:
    a = the_faulty(projet)
    revenu = corrected(projet, a["id_repondant"], tmp_path, nb_professionnels_formes=1, nb_professionnels=50)
    sortie = cli("ingest", CAMPAGNE, revenu, "--recu-le", "2026-07-10", "--projet", projet)
    assert sortie.statut == 0 and "1 classeur corrigé revenu" in sortie.texte
    assert states(projet)[a["id_repondant"]]["etat"] == "reçu"


def test_one_respondent_only_and_nobody(projet: Path, cli: Lance) -> None:
    a = the_faulty(projet)
    assert cli("feedback", CAMPAGNE, "--repondant", a["id_repondant"], "--projet", projet).statut == 0
    assert [e["destinataire"] for e in envois(projet)] == [a["id_repondant"]]
    sortie = cli("feedback", CAMPAGNE, "--repondant", "F:000000000", "--projet", projet)
    assert sortie.statut == 2 and "U17" in sortie.erreurs
    assert [e["destinataire"] for e in envois(projet)] == [a["id_repondant"]]  # what was there stays
