"""The fictitious campaign as an oracle: every planted fault at its cell, nothing else flagged, every table equal to the truth.

`raw/` is what `cartographie demo` makes from a seed (see raw/LISEZMOI.md); `verite.json` beside it is the answer key, written by
an independent plain-Python computation (cartographie_demo/oracle.py and truth.py), never read by the program.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from cartographie import warehouse
from cartographie.base.parquet import read_parquet
from cartographie.statistics.tables import Campagne, draft_tableaux
from cartographie.survey.load import load_questionnaire

EDITIONS = ("2025", "2026")
HORS_BASE = ("RECENSES", "SYST_RECENSES", "EDI")


def truth(projet: Path, campagne: str) -> dict[str, Any]:
    return json.loads((projet / "raw" / campagne / "verite.json").read_text(encoding="utf-8"))


def read_csv(chemin: Path) -> list[dict[str, str]]:
    with chemin.open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def found(projet: Path, campagne: str) -> Counter[tuple[str, str, str, str]]:
    dossier = projet / "outputs" / campagne / "controle"
    lignes = read_csv(dossier / "anomalies.csv")
    if (dossier / "confidentiel.csv").exists():
        lignes += read_csv(dossier / "confidentiel.csv")
    return Counter((a["fichier"], a["feuille"], a["cellule"], a["regle"]) for a in lignes)


def figures(projet: Path, campagne: str) -> Iterator[dict[str, str]]:
    for chemin in sorted((projet / "outputs" / campagne / "provisoire" / "tableaux").glob("t*_donnees-fictives.csv")):
        yield from read_csv(chemin)


@pytest.mark.parametrize("campagne", EDITIONS)
def test_every_planted_fault_is_found_at_its_cell_and_nothing_else_is_flagged(
    campagne_livree: Path, campagne: str
) -> None:
    fautes = truth(campagne_livree, campagne)["fautes"]
    plantees = Counter((f["fichier"], f["feuille"] or "", f["cellule"] or "", f["regle"] or f["code"]) for f in fautes)
    trouvees = found(campagne_livree, campagne)
    assert trouvees - plantees == Counter(), "flagged, though right"
    assert plantees - trouvees == Counter(), "planted, not found"
    assert len(plantees) >= 30


@pytest.mark.parametrize("campagne", EDITIONS)
def test_kept_respondents_are_the_right_ones(campagne_livree: Path, campagne: str) -> None:
    with duckdb.connect(campagne_livree / "outputs/entrepot.duckdb", read_only=True) as con:
        gardes = {
            i for (i,) in con.execute("SELECT id_repondant FROM repondant WHERE campagne = ?", [campagne]).fetchall()
        }
    assert gardes == set(truth(campagne_livree, campagne)["repondants_gardes"])


def computed(projet: Path, campagne: str) -> Iterator[dict[str, Any]]:
    """Every figure the program computes on the answers themselves: before weights, and before anything is masked."""
    q = load_questionnaire(projet)
    precedente = q.campagnes[campagne].precedente
    with warehouse.open_readonly(projet / "outputs/entrepot.duckdb") as con:
        frames = {a: warehouse.analysis_frames(con, a) for a in (campagne, precedente) if a in EDITIONS}
    campagnes = [Campagne(a, f) for a, f in frames.items()]
    for t in draft_tableaux(q, *campagnes):
        yield from t.df.to_dict("records")


@pytest.mark.parametrize("campagne", EDITIONS)
def test_every_figure_computed_is_the_true_one(campagne_livree: Path, campagne: str) -> None:
    tableaux = truth(campagne_livree, campagne)["tableaux"]
    colonnes = tableaux["colonnes"]
    cle = [c for c in colonnes if c not in ("n_repondants", "n_lignes", "valeur")]
    vrai = {
        tuple(str(d[c] or "") for c in cle): d
        for d in (dict(zip(colonnes, x, strict=True)) for x in tableaux["lignes"])
    }
    calcule = {tuple(str(x[c]) for c in cle): x for x in computed(campagne_livree, campagne)}
    assert vrai.keys() <= calcule.keys(), sorted(vrai.keys() - calcule.keys())[:5]
    # the oracle knows neither what became of each unit nor a frame it was not given (T25 without weights counts everybody)
    for k, v in vrai.items():
        if (
            k[cle.index("denominateur")] in HORS_BASE or calcule[k]["statut"] == "nd"
        ):  # an answer that edition did not offer
            continue
        assert calcule[k]["valeur"] == pytest.approx(float(v["valeur"]), abs=0.0501), k
        assert calcule[k]["n_repondants"] == v["n_repondants"] or "evolution" in k[cle.index("indicateur")], k
    assert len(vrai) > 1000


@pytest.mark.parametrize("campagne", EDITIONS)
def test_a_figure_is_shown_only_when_it_betrays_nobody(projet: Path, campagne: str) -> None:
    lignes = [x for x in figures(projet, campagne) if not x["denominateur"].startswith(("POP", "QUALITE", "ANOMALIE"))]
    montrees = [x for x in lignes if x["statut"] in ("A", "u")]
    assert len(montrees) > 200
    assert all(not x["valeur"] and not x["ic_bas"] for x in lignes if x["statut"] not in ("A", "u"))
    assert all(
        int(x["n_repondants"]) >= 3 for x in montrees if x["unite"] == "pct" and ".evolution" not in x["indicateur"]
    )
    for x in montrees:
        if x["unite"] == "pct" and x["ic_bas"] and ".evolution" not in x["indicateur"]:
            assert 0 <= float(x["ic_bas"]) <= float(x["valeur"]) <= float(x["ic_haut"]) <= 100, x
    assert {"c", "n", "i"} <= {x["statut"] for x in lignes}


@pytest.mark.parametrize("campagne", EDITIONS)
def test_every_row_and_cell_read_is_accounted_for(campagne_livree: Path, campagne: str) -> None:
    comptes = read_csv(campagne_livree / "outputs" / campagne / "controle/comptes.csv")
    for c in comptes:
        n = {k: int(v) for k, v in c.items() if re.match(r"(lignes|cellules)_(?!motifs)", k)}
        assert n["lignes_lues"] == n["lignes_conservees"] + n["lignes_quarantaine"] + n["lignes_ecartees"], c
        assert n["cellules_lues"] == sum(
            n[f"cellules_{s}"] for s in ("conservees", "rejetees", "quarantaine", "ecartees")
        ), c
    recus = {d["nom"] for d in read_csv(campagne_livree / "raw" / campagne / "registre.csv")}
    assert {c["fichier"] for c in comptes if c["niveau"] == "fichier"} == recus  # not one received file is missing


@pytest.mark.parametrize("campagne", EDITIONS)
def test_every_row_of_the_warehouse_leads_back_to_its_cell(campagne_livree: Path, campagne: str) -> None:
    """The identifier stands, as received, on the Excel row the warehouse gives — read by another reader."""
    requete = """SELECT d.chemin, r.feuille, r.ligne, r.finess_et FROM repondant r JOIN depot d USING (campagne, depot)
                 WHERE campagne = ? AND d.format IN ('xlsx', 'csv') AND r.finess_et IS NOT NULL ORDER BY ALL"""
    with duckdb.connect(campagne_livree / "outputs/entrepot.duckdb", read_only=True) as con:
        lignes = con.execute(requete, [campagne]).fetchall()
    assert lignes
    for chemin, feuille, ligne, finess in lignes[:: max(1, len(lignes) // 40)]:
        assert finess in _row(campagne_livree / "raw" / campagne / chemin, feuille, ligne), (chemin, ligne)


@cache
def _workbook(chemin: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(chemin, data_only=True)


def _row(chemin: Path, feuille: str, ligne: int) -> set[str]:
    """Texts near that row: the row itself for a table, the whole form for a « fiche » (its first question's row)."""
    if chemin.suffix == ".csv":
        octets = chemin.read_bytes()
        encodage = (
            "utf-16"
            if octets[:2] in (b"\xff\xfe", b"\xfe\xff")
            else "utf-8-sig"
            if octets[:3] == b"\xef\xbb\xbf"
            else "cp1252"
        )
        texte = octets.decode(encodage, errors="replace").splitlines()
        return set(re.split(r"[;,\t]", texte[ligne - 1].replace('"', "")))
    feuille_lue = _workbook(chemin)[feuille]
    fiche = feuille_lue.max_column <= 4
    rangs = feuille_lue.iter_rows(min_row=1 if fiche else ligne, max_row=None if fiche else ligne, values_only=True)
    return {str(v) for rang in rangs for v in rang if v is not None}


def test_same_inputs_same_bytes(mini_projet: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    """Another place, hash seed, time zone, locale, number of workers, order of files on disk: not one byte differs."""
    ailleurs = tmp_path / "ailleurs"
    shutil.copytree(mini_projet / "schemas", ailleurs / "schemas")
    for f in sorted((mini_projet / "raw").rglob("*"), reverse=True):
        if f.is_file():
            cible = ailleurs / f.relative_to(mini_projet)
            cible.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(f, cible)
    env = {"PYTHONHASHSEED": "12345", "TZ": "Pacific/Noumea", "LC_ALL": "C", "LANG": "C"}
    sortie = cli("run", "2026", "--projet", ailleurs, "--ouvriers", "1", env=env)
    assert sortie.statut == 0, sortie.erreurs

    def prints(dossier: Path) -> dict[str, str]:
        fichiers = (f for f in sorted((dossier / "outputs").rglob("*")) if f.is_file() and f.suffix != ".duckdb")
        return {str(f.relative_to(dossier)): hashlib.sha256(f.read_bytes()).hexdigest() for f in fichiers}

    assert prints(ailleurs) == prints(mini_projet)
    from cartographie.warehouse.read import fingerprints

    assert fingerprints(ailleurs / "outputs/entrepot.duckdb") == fingerprints(mini_projet / "outputs/entrepot.duckdb")


def test_the_bundled_files_are_what_the_seed_gives(racine: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    commande = re.search(r"cartographie demo \S+ (.*)", (racine / "raw/LISEZMOI.md").read_text(encoding="utf-8"))
    assert commande
    sortie = cli("demo", tmp_path / "d", *commande[1].split(), "--projet", racine)
    assert sortie.statut == 0, sortie.erreurs
    for campagne in EDITIONS:
        refaits = {(d["nom"], d["sha256"], d["role"]) for d in read_csv(tmp_path / "d/raw" / campagne / "registre.csv")}
        assert refaits == {
            (d["nom"], d["sha256"], d["role"]) for d in read_csv(racine / "raw" / campagne / "registre.csv")
        }
        assert truth(racine, campagne) == json.loads(
            (tmp_path / "d/recus" / campagne / "verite.json").read_text("utf-8")
        )


def test_the_demonstration_has_relief(racine: Path) -> None:
    """By kind of actor, size, region and edition; and no two fundings or brakes alike. In the right tables, unweighted."""
    tableaux = truth(racine, "2026")["tableaux"]
    lignes = [dict(zip(tableaux["colonnes"], ligne, strict=True)) for ligne in tableaux["lignes"]]

    def values(table: str, indicateur: str, **ou: str) -> dict[tuple[str, ...], float]:
        cle = ("territoire_code", "type_acteur", "modalite_code")
        return {
            tuple(x[c] for c in cle): x["valeur"]
            for x in lignes
            if (x["table_id"], x["indicateur"], x["edition"]) == (table, indicateur, "2026")
            and x["n_repondants"] >= 40
            and all(x[k] == v for k, v in ou.items())
        }

    def spread(*args: str, **ou: str) -> float:
        trouvees = values(*args, **ou).values()
        return max(trouvees) - min(trouvees)

    (ensemble,) = values("T01", "usage", territoire_type="france").values()
    assert 20 <= ensemble <= 50
    assert spread("T01", "usage", territoire_type="region") > 15
    assert spread("T02", "usage", territoire_type="france", dimension="") > 40
    assert spread("T02", "usage", territoire_type="france", dimension="taille", type_acteur="TOUS") > 40
    (evolution,) = values("T04", "usage.evolution", territoire_type="france", type_acteur="TOUS").values()
    assert 5 <= evolution <= 15
    assert spread("T04", "usage.evolution", territoire_type="region") > 5
    for table, indicateur in (("T19", "financement"), ("T20", "frein_premier"), ("T06", "domaine_util")):
        parts = sorted(values(table, indicateur, territoire_type="france", type_acteur="TOUS").values())
        assert parts[-1] > 4 * parts[len(parts) // 2], (table, parts)


def test_every_output_says_it_is_fictitious(projet: Path) -> None:
    for f in sorted((projet / "outputs").glob("*/provisoire/**/*")):
        if f.suffix in (".csv", ".parquet", ".png"):
            assert "donnees-fictives" in f.name
        elif f.suffix in (".xlsx", ".zip"):
            assert "fictives" in _texts(f).casefold()
        elif f.is_file():
            assert "fictives" in f.read_text(encoding="utf-8").casefold()
    for f in sorted((projet / "outputs").glob("*/controle/anomalies.xlsx")):
        assert "fictives" in _texts(f).casefold()


def test_no_contact_and_no_free_text_of_an_answer_comes_out(projet: Path) -> None:
    """Names, e-mails, telephones of contacts, and the comments: in raw/ only."""
    secrets = {s for campagne in EDITIONS for s in _personal(projet, campagne)}
    assert len(secrets) > 20
    sorties = {f: _texts(f) for f in (projet / "outputs").rglob("*") if f.is_file() and f.suffix != ".duckdb"}
    with duckdb.connect(projet / "outputs/entrepot.duckdb", read_only=True) as con:
        for (table,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall():
            sorties[Path(table)] = str(con.execute(f'SELECT * FROM "{table}"').fetchall())
    fuites = sorted({(str(f), s) for f, texte in sorties.items() for s in secrets if s in texte})
    assert not fuites, [f for f, _ in fuites]


def _personal(projet: Path, campagne: str) -> Iterator[str]:
    """What was answered to the personal questions and to the comment, read from the received workbooks."""
    from cartographie.survey.load import load_questionnaire

    q = load_questionnaire(projet)
    prives = {v.nom for v in q.variables.values() if v.type == "texte" and (v.personnel or not v.publiable)}
    (modele,) = [m for m in q.campagnes[campagne].modeles.values() if m.gabarit]
    fiches = [f for f in modele.feuilles if f.disposition == "fiche"]
    questions = {t.texte for f in fiches for c in f.colonnes if c.variable in prives for t in c.entetes}
    noms = {n for f in fiches for n in f.noms}
    for chemin in sorted((projet / "raw" / campagne / "depots").glob("*.xlsx")):
        try:
            classeur = openpyxl.load_workbook(chemin, read_only=True, data_only=True)
        except Exception:  # the planted broken files
            continue
        for feuille in (f for f in classeur if f.title in noms):
            for rang in feuille.iter_rows(values_only=True, max_row=200):
                for gauche, droite in zip(rang, rang[1:], strict=False):
                    if gauche in questions and isinstance(droite, str) and len(droite) > 6:
                        yield droite


def _texts(chemin: Path) -> str:
    if chemin.suffix == ".parquet":
        return str(read_parquet(chemin).to_dict("list"))
    if not zipfile.is_zipfile(chemin):
        return chemin.read_text(encoding="utf-8", errors="replace")
    with zipfile.ZipFile(chemin) as z:
        return "\n".join(
            z.read(n).decode("utf-8", errors="replace")
            for n in z.namelist()
            if n.endswith((".xml", ".rels", ".yaml", ".csv", ".md"))
            and n != "demo.yaml"  # what answers are invented from
        )
