"""One line per command that writes: chained, so that a line removed or changed shows; without any personal data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartographie.base import journal

CAMPAGNE = "2026"
NOM = "Jeanne-Dupont-06-12-34-56-78.csv"


@pytest.fixture(scope="module")
def trois_commandes(racine: Path, tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]) -> Path:
    """A workspace where three commands were run, one of them refused. Copied, never changed."""
    ici = tmp_path_factory.mktemp("journal") / "espace"
    shutil.copytree(racine / "schemas", ici / "schemas")
    (ici.parent / NOM).write_text("a;b\n1;2\n", encoding="utf-8")
    assert cli("ingest", CAMPAGNE, ici.parent / NOM, "--recu-le", "2026-05-01", "--projet", ici).statut == 0
    assert cli("validate", CAMPAGNE, "--projet", ici).statut == 11
    assert cli("publish", CAMPAGNE, "--version", "v1", "--motif", "Jeanne Dupont", "--projet", ici).statut == 2
    return ici


@pytest.fixture
def espace(trois_commandes: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trois_commandes, tmp_path / "espace"))


def test_who_did_what_when_with_what_and_how_it_ended(espace: Path, cli: Callable[..., Any]) -> None:
    bilan = cli("status", "--journal", "--projet", espace, "--json").json
    assert bilan["rupture"] is None and bilan["statut"] == 0
    rangement, controle, refus = bilan["journal"]
    assert [x["commande"] for x in bilan["journal"]] == ["ingest", "validate", "publish"]
    assert [x["statut"] for x in bilan["journal"]] == [0, 11, 2] and refus["erreur"].startswith(("U", "E"))
    assert rangement["arguments"][:1] == [CAMPAGNE] and rangement["arguments"][-4:] == [
        "--recu-le",
        "2026-05-01",
        "--projet",
        "…",
    ]
    assert controle["gsbpm"] == ["5.3"] and controle["comptes"][CAMPAGNE]["lignes_lues"] == 2
    assert f"raw/{CAMPAGNE}/registre.csv" in controle["entrees"] and len(controle["entrees"]["schemas"]) == 64
    assert all(x["quand"] and x["qui"] and len(x["programme"]) == 64 for x in bilan["journal"])


def test_no_name_enters_it(espace: Path, cli: Callable[..., Any]) -> None:
    cli("publish", CAMPAGNE, "--version=06 12 34 56 78", "--nature", "jeanne.dupont@hopital.fr", f"--projet={espace}")
    assert len(journal.read(espace).lignes) == 4
    texte = (espace / journal.NOM).read_text(encoding="utf-8")
    assert "Jeanne" not in texte and "Dupont" not in texte and "34-56" not in texte
    assert "34 56" not in texte and "hopital" not in texte


@pytest.mark.parametrize("quoi", ["retirée", "changée", "permutées", "coupée"])
def test_a_line_tampered_with_shows(espace: Path, cli: Callable[..., Any], quoi: str) -> None:
    chemin = espace / journal.NOM
    lignes = chemin.read_bytes().splitlines(keepends=True)
    if quoi == "retirée":
        del lignes[1]
    elif quoi == "changée":
        lignes[1] = lignes[1].replace(b'"statut": 11', b'"statut": 0')
    elif quoi == "permutées":
        lignes[0], lignes[1] = lignes[1], lignes[0]
    else:
        lignes[-1] = lignes[-1][:40]
    chemin.write_bytes(b"".join(lignes))
    sortie = cli("status", "--journal", "--projet", espace)
    assert sortie.statut == 16 and "rompue à la ligne" in sortie.texte
    assert cli("validate", CAMPAGNE, "--projet", espace).statut == 11  # the journal goes on
    assert len(journal.read(espace).lignes) >= 3


def test_commands_at_the_same_time_make_one_chain(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: journal.append(tmp_path, {"n": i}), range(60)))
    lu = journal.read(tmp_path)
    assert lu.rupture is None and sorted(x["n"] for x in lu.lignes) == list(range(60))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(retiree=st.integers(0, 8), entrees=st.lists(st.text(max_size=20), min_size=9, max_size=9))
def test_whatever_line_is_removed_the_chain_breaks_there(
    tmp_path_factory: Any, retiree: int, entrees: list[str]
) -> None:
    ici = tmp_path_factory.mktemp("journal")
    for x in [*entrees, "fin"]:
        journal.append(ici, {"texte": x})
    assert journal.read(ici).rupture is None
    lignes = (ici / journal.NOM).read_bytes().splitlines(keepends=True)
    (ici / journal.NOM).write_bytes(b"".join(lignes[:retiree] + lignes[retiree + 1 :]))
    assert journal.read(ici).rupture == retiree + 1


def test_what_only_reads_is_not_noted(espace: Path, cli: Callable[..., Any]) -> None:
    avant = (espace / journal.NOM).read_bytes()
    cli("status", "--projet", espace)
    cli("validate", "--help")
    cli("dictionary", CAMPAGNE, "--sortie", espace / "d.md", "--projet", espace)
    assert (espace / journal.NOM).read_bytes() == avant
    assert json.loads(avant.splitlines()[-1])["commande"] == "publish"
