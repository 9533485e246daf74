"""The gate on the released files: what is betrayed stops the release. Each test breaks one thing, somewhere."""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from conftest import PEU_2025, keep_tables, run_cli

from cartographie import warehouse
from cartographie.base.parquet import read_parquet, to_parquet
from cartographie.proof.attack import Rapport, attack_release
from cartographie.statistics.tables import Campagne, draft_tableaux
from cartographie.statistics.tallies import exact_counts
from cartographie.statistics.weights import weigh
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import Prive

CAMPAGNE = "2025"
CLE = ["edition", "table_id", "territoire_type", "territoire_code", "type_acteur", "dimension", "modalite_code", "indicateur",
       "denominateur"]  # fmt: skip


@dataclass(frozen=True)
class Publie:
    """A release, and what only the producer knows of it."""

    complete: Path
    dossier: Path  # the same without the twins of its tables, so that a CSV can be changed alone
    q: Questionnaire
    exacts: pd.DataFrame
    brouillons: pd.DataFrame
    seuils: dict[str, Any]

    def attack(self, dossier: Path, *anterieures: Path) -> Rapport:
        return attack_release(dossier, self.q, self.exacts, self.seuils, [(d, self.exacts) for d in anterieures])


@pytest.fixture(scope="module")
def publie(projet: Path, tmp_path_factory: pytest.TempPathFactory) -> Publie:
    schemas = tmp_path_factory.mktemp("schemas")
    shutil.copytree(projet / "schemas", schemas / "schemas")
    q = load_questionnaire(keep_tables(schemas, *PEU_2025))
    with warehouse.open_readonly(projet / "outputs" / "entrepot.duckdb") as con:
        frames = warehouse.analysis_frames(con, CAMPAGNE)
    brouillons = draft_tableaux(q, Campagne(CAMPAGNE, frames, weigh(q, CAMPAGNE, frames)), None)
    tous = pd.concat([t.df for t in brouillons], ignore_index=True).set_index(CLE)
    complete = projet / "outputs" / CAMPAGNE / "provisoire"
    seule = tmp_path_factory.mktemp("publie") / "release"
    shutil.copytree(complete, seule, ignore=shutil.ignore_patterns("*-excel.csv", "*.parquet", "cube*"))
    return Publie(
        complete,
        seule,
        q,
        exact_counts(brouillons),
        tous,
        q.campagnes[CAMPAGNE].parametres["seuils"],
    )


@pytest.fixture
def copie(publie: Publie, tmp_path: Path) -> Path:
    return Path(shutil.copytree(publie.dossier, tmp_path / "copie"))


def rows(dossier: Path, statut: str) -> list[tuple[Path, int]]:
    return [
        (chemin, i)
        for chemin in sorted((dossier / "tableaux").glob("*.csv"))
        for i, x in enumerate(csv.DictReader(chemin.open(encoding="utf-8", newline="")))
        if x["statut"] == statut
    ]


def primaries(publie: Publie) -> list[tuple[Path, int]]:
    """The lines withheld for what they say themselves."""
    out = []
    for chemin, rang in [*rows(publie.dossier, "c"), *rows(publie.dossier, "n")]:
        df = pd.read_csv(chemin, dtype=str, keep_default_na=False, encoding="utf-8")
        if publie.brouillons.loc[tuple(df.loc[rang, CLE])][Prive.SECRET]:
            out.append((chemin, rang))
    return out


def unmask(publie: Publie, chemin: Path, rang: int) -> bool:
    """Write in the row the figure that was masked; False when there is none (no answer, a difference)."""
    df = pd.read_csv(chemin, dtype=str, keep_default_na=False, encoding="utf-8")
    vraie = publie.brouillons.loc[tuple(df.loc[rang, CLE])]
    if pd.isna(vraie["valeur"]):
        return False
    df.loc[rang, ["valeur", "statut", "n_repondants"]] = [
        f"{vraie['valeur']:.1f}",
        "A",
        str(int(vraie["n_repondants"])),
    ]
    df.to_csv(chemin, index=False, encoding="utf-8")
    return True


def test_the_release_is_sound_and_something_is_masked(publie: Publie) -> None:
    rapport = publie.attack(publie.complete)
    assert rapport.sain, rapport.manquements
    assert rapport.cellules["prouve"].all()
    assert len(rapport.cellules) > 500 and len(rows(publie.dossier, "c")) > 100


def test_a_secondary_cell_unmasked_at_random_is_seen(publie: Publie, tmp_path: Path) -> None:
    """Most of them: a row may rest on a count that others keep hidden."""
    tirage = random.Random(20251127)
    essais = vus = 0
    for chemin, rang in tirage.sample(rows(publie.dossier, "c"), 20):
        copie = Path(shutil.copytree(publie.dossier, tmp_path / f"{essais}-{rang}"))
        if unmask(publie, copie / "tableaux" / chemin.name, rang):
            essais += 1
            vus += not publie.attack(copie).sain
        shutil.rmtree(copie)
        if essais == 6:
            break
    assert essais == 6 and vus >= 4


def test_a_primary_cell_unmasked_is_always_seen(publie: Publie, tmp_path: Path) -> None:
    tirage = random.Random(1)
    essais = 0
    for chemin, rang in tirage.sample(primaries(publie), 12):
        copie = Path(shutil.copytree(publie.dossier, tmp_path / f"{essais}-{rang}"))
        if essais < 3 and unmask(publie, copie / "tableaux" / chemin.name, rang):
            essais += 1
            assert not publie.attack(copie).sain
        shutil.rmtree(copie)
    assert essais == 3


def test_a_status_that_lies_is_seen(publie: Publie, copie: Path) -> None:
    """The value is there, under a status that says masked."""
    chemin, rang = rows(copie, "c")[0]
    df = pd.read_csv(chemin, dtype=str, keep_default_na=False, encoding="utf-8")
    df.loc[rang, "valeur"] = "12.3"
    df.to_csv(chemin, index=False, encoding="utf-8")
    assert any("garde une valeur" in m for m in publie.attack(copie).manquements)


@pytest.mark.parametrize(
    ("colonne", "dit", "manquement"),
    [("statut", "s2", "que le public ne connaît pas"), ("n_pondere", "12.5", "une somme de poids est publiée"), ("statut", "n", "ne dit pas vrai")],
)  # fmt: skip
def test_a_symbol_or_a_weight_too_many_is_seen(
    publie: Publie, copie: Path, colonne: str, dit: str, manquement: str
) -> None:
    """A motive told by a symbol of its own, a sum of weights, « too few » of many."""
    chemin, rang = next((c, i) for c, i in rows(copie, "A") if c.name.startswith("t01"))
    df = pd.read_csv(chemin, dtype=str, keep_default_na=False, encoding="utf-8")
    df.loc[rang, colonne] = dit
    if colonne == "statut":
        df.loc[rang, ["valeur", "ic_bas", "ic_haut"]] = ""
    df.to_csv(chemin, index=False, encoding="utf-8")
    assert any(manquement in m for m in publie.attack(copie).manquements)


@pytest.mark.parametrize("faute", ["valeur", "cachee", "commentaire", "formule"])
def test_what_the_workbook_says_more_is_seen(publie: Publie, copie: Path, faute: str) -> None:
    chemin = next(copie.glob("*.xlsx"))
    classeur = openpyxl.load_workbook(chemin)
    feuille = classeur.worksheets[-1]
    if faute == "valeur":
        feuille["H90"] = 12.3456
    elif faute == "cachee":
        feuille.sheet_state = "hidden"
    elif faute == "commentaire":
        feuille["A1"].comment = openpyxl.comments.Comment("3 réponses", "x")
    else:
        feuille["H90"] = "=1+1"
    classeur.save(chemin)
    attendu = {"valeur": "aucun CSV", "cachee": "feuille cachée", "commentaire": "commentaire", "formule": "formule"}[
        faute
    ]
    assert any(attendu in m for m in publie.attack(copie).manquements)


@pytest.mark.parametrize(
    ("table", "fin"),
    [
        ("t01", "-excel.csv"),
        ("t01", ".parquet"),
        ("cube", "fictives.csv"),
        ("cube", "-excel.csv"),
        ("cube", ".parquet"),
    ],
)
def test_a_twin_that_says_otherwise_is_seen(publie: Publie, tmp_path: Path, table: str, fin: str) -> None:
    copie = Path(shutil.copytree(publie.complete, tmp_path / "copie"))
    chemin = next((copie / "tableaux").glob(f"{table}_*{fin}"))
    if fin == ".parquet":
        df = read_parquet(chemin)
        rang = df.index[df["valeur"].notna()][0]
        df.loc[rang, "valeur"] += 1
        chemin.write_bytes(to_parquet(df))
    else:
        separateur = ";" if fin == "-excel.csv" else ","
        df = pd.read_csv(chemin, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep=separateur)
        rang = df.index[df["valeur"] != ""][0]
        df.loc[rang, "valeur"] = "1" + df.loc[rang, "valeur"]
        df.to_csv(chemin, index=False, encoding="utf-8-sig" if separateur == ";" else "utf-8", sep=separateur)
    assert any("ne dit pas la même chose" in m for m in publie.attack(copie).manquements)


def test_a_file_the_attack_cannot_read_is_refused(publie: Publie, copie: Path) -> None:
    (copie / "carte.bin").write_bytes(b"\x00")
    assert any("ne sait pas lire" in m for m in publie.attack(copie).manquements)


def test_no_message_gives_the_figure_away(publie: Publie, copie: Path) -> None:
    for chemin, rang in rows(copie, "c")[:40]:
        unmask(publie, chemin, rang)
    manquements = publie.attack(copie).manquements
    assert manquements
    for m in manquements:
        assert not any(mot.isdigit() and mot != CAMPAGNE for mot in m.replace(",", " ").split()), m


CASSEES = {
    # nothing is masked beyond what is confidential itself
    "sans secondaire": "import cartographie.secrecy.protect as p\n"
    "s = p.suppress\n"
    "def casse(*a, **k):\n    r = s(*a, **k)\n    r['statut'] = r['statut'].replace('D', 'V')\n    return r\n"
    "p.suppress = casse\n",
    # one link in five is forgotten: regions, kinds of actor and answers no longer all add up
    "liens oubliés": "import numpy as np, cartographie.secrecy.protect as p\n"
    "b = p.build_system\n"
    "def casse(*a):\n    s = b(*a)\n    s.equations = s.equations[np.arange(s.equations.shape[0]) % 5 != 0]\n    return s\n"
    "p.build_system = casse\n",
    # respondents are taken for strangers to themselves
    "sans initiés": "import functools, cartographie.secrecy.protect as p\n"
    "p.suppress = functools.partial(p.suppress, seuls=False)\n",
}


@pytest.mark.parametrize("cassee", CASSEES)
def test_without_proof_publish_exits_14_and_shows_nothing(projet: Path, tmp_path: Path, cassee: str) -> None:
    ici = keep_tables(Path(shutil.copytree(projet, tmp_path / "ici")), *PEU_2025)
    sortie = run_cli("publish", CAMPAGNE, "--projet", ici, "--version", "essai", avant=CASSEES[cassee])
    assert sortie.statut == 14, sortie.erreurs
    assert "E20" in sortie.erreurs and "secret n'est pas prouvé" in sortie.erreurs
    assert sorted(p.name for p in (ici / "outputs" / CAMPAGNE).iterdir() if "essai" in p.name) == []


def only(publie: Publie, dossier: Path, chemin: Path, rang: int) -> bool:
    """Keep one figure of a release, one it masks, and hide all the others."""
    if not unmask(publie, dossier / "tableaux" / chemin.name, rang):
        return False
    for autre in (dossier / "tableaux").glob("*.csv"):
        df = pd.read_csv(autre, dtype=str, keep_default_na=False, encoding="utf-8")
        cachees = df.index.difference([rang]) if autre.name == chemin.name else df.index
        df.loc[cachees, ["valeur", "ic_bas", "ic_haut", "n_repondants", "n_pondere", "statut"]] = [*[""] * 5, "c"]
        df.to_csv(autre, index=False, encoding="utf-8")
    return True


def test_what_an_earlier_version_shows_is_masked_around(
    publie: Publie, projet: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    """A figure shown once is known for ever: with it the same masks protect no more, and others are found."""
    copie = tmp_path / "copie"
    keep_tables(Path(shutil.copytree(projet, copie, ignore=shutil.ignore_patterns("outputs"))), *PEU_2025)
    (copie / "outputs" / CAMPAGNE).mkdir(parents=True)
    shutil.copy(projet / "outputs" / "entrepot.duckdb", copie / "outputs")
    ancienne = copie / "outputs" / CAMPAGNE / "ancienne"
    for chemin, rang in random.Random(3).sample(rows(publie.dossier, "c"), 20):
        shutil.rmtree(ancienne, ignore_errors=True)
        shutil.copytree(publie.dossier, ancienne)
        if only(publie, ancienne, chemin, rang) and not publie.attack(publie.dossier, ancienne).sain:
            break
    else:
        pytest.fail("nothing that was masked mattered")
    sortie = cli("publish", CAMPAGNE, "--projet", copie, "--version", "nouvelle", "--json")
    assert sortie.statut == 0, sortie.erreurs
    nouvelle = copie / "outputs" / CAMPAGNE / "nouvelle"
    assert publie.attack(nouvelle, ancienne).sain
    manifeste = json.loads((nouvelle / "manifeste.json").read_text(encoding="utf-8"))
    assert list(manifeste["publications_anterieures"]) == [f"{CAMPAGNE}/ancienne"]
