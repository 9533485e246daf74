"""Only what is new is read; what was examined in pieces, or interrupted, gives what examining everything at once gives."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import duckdb
import pytest
from conftest import RACINE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cartographie.campaign import batch
from cartographie.campaign import batch as fournee
from cartographie.campaign import examine as campagne
from cartographie.cli.flow import control as flow
from cartographie.cli.flow.common import Examen
from cartographie.intake import read
from cartographie.intake.store import ingest, read_registre

pytestmark = pytest.mark.xdist_group("reprise")
CAMPAGNE = "2026"


def files(dossier: Path) -> dict[str, bytes]:
    """Everything reported under outputs/."""
    return {
        str(f.relative_to(dossier)): f.read_bytes()
        for f in sorted((dossier / "outputs").rglob("*"))
        if f.is_file() and ".examen" not in f.parts and f.suffix != ".duckdb"
    }


def run(projet: Path, relire: bool = False) -> dict[str, bytes]:
    """Load, then control: what the warehouse holds, what is reported. What is published comes from the warehouse alone."""
    flow.load(projet, Examen(1, relire), lambda *_: None)
    return {**_warehouse(projet), **control(projet)}


def _warehouse(projet: Path) -> dict[str, bytes]:
    """Table → its rows, in an order of their own."""
    with duckdb.connect(str(projet / "outputs/entrepot.duckdb"), read_only=True) as con:
        return {
            f"{schema}.{nom}": con.sql(f'SELECT * FROM "{schema}"."{nom}" ORDER BY ALL').df().to_csv().encode()
            for schema, nom in con.sql("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        }


def control(projet: Path, relire: bool = False) -> dict[str, bytes]:
    """The control alone, where the warehouse would say nothing more."""
    flow.validate(projet, CAMPAGNE, Examen(1, relire), lambda *_: None)
    return files(projet)


@pytest.fixture
def lus(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the answers read, in order."""
    noms: list[str] = []
    lire = read.read_depots

    def compte(depots: Any, *args: Any, **options: Any) -> Any:
        noms.extend(d.nom for d in depots if d.role == "reponse")
        return lire(depots, *args, **options)

    monkeypatch.setattr(fournee, "read_depots", compte)
    return noms


@pytest.fixture
def projet(campagne_moyenne: Path, tmp_path: Path) -> Path:
    """A fictitious campaign just received: workbooks, exports, answers given twice, refused files."""
    return _copie(campagne_moyenne, tmp_path / "projet")


def _copie(recue: Path, ici: Path) -> Path:
    shutil.copytree(recue / "schemas", ici / "schemas")
    shutil.copytree(recue / "raw" / CAMPAGNE, ici / "raw" / CAMPAGNE)
    return ici


@pytest.fixture(scope="module")
def ensemble(campagne_moyenne: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """The same, examined as a whole; what that gives."""
    ici = _copie(campagne_moyenne, tmp_path_factory.mktemp("ensemble") / "projet")
    return ici, run(ici)


@pytest.fixture(scope="module")
def attendu(ensemble: tuple[Path, dict[str, bytes]]) -> dict[str, bytes]:
    return ensemble[1]


@pytest.fixture
def examine(ensemble: tuple[Path, dict[str, bytes]], tmp_path: Path) -> Path:
    """Already examined."""
    return Path(shutil.copytree(ensemble[0], tmp_path / "examine"))


def test_examined_in_small_batches_it_is_the_same(
    projet: Path, attendu: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campagne, "FOURNEE_MAX", 7)
    assert run(projet) == attendu


def test_nothing_is_read_twice(examine: Path, attendu: dict[str, bytes], lus: list[str]) -> None:
    assert run(examine) == attendu and lus == []
    assert run(examine, relire=True) == attendu and lus  # unless asked for


def test_a_new_file_is_read_alone(examine: Path, tmp_path: Path, lus: list[str]) -> None:
    nouveau = tmp_path / "bon.xlsx"
    shutil.copy(RACINE / "tests/fautes/fichiers/bon.xlsx", nouveau)
    ingest(examine, CAMPAGNE, [nouveau], "reponse", "2026-07-01")
    par_morceaux = run(examine)
    assert lus == ["bon.xlsx"]
    assert par_morceaux == run(examine, relire=True)


def test_another_answer_of_a_respondent_is_examined_with_the_first(
    examine: Path, tmp_path: Path, lus: list[str]
) -> None:
    """Which one is kept can only be told from both."""
    projet = examine
    deja = next(d for d in read_registre(projet / "raw" / CAMPAGNE) if d.nom.endswith("0031.xlsx"))
    copie = tmp_path / "encore.xlsx"
    shutil.copy(projet / "raw" / CAMPAGNE / deja.chemin, copie)
    copie.chmod(0o644)
    with ZipFile(copie, "a") as archive:
        archive.comment = b"encore"  # another file, the same answer
    ingest(projet, CAMPAGNE, [copie], "reponse", "2026-07-01")
    par_morceaux = control(projet)
    assert set(lus) == {"encore.xlsx", deja.nom}
    assert par_morceaux == control(projet, relire=True)


def test_interrupted_it_goes_on_from_where_it_was(
    projet: Path, attendu: dict[str, bytes], lus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campagne, "FOURNEE_MAX", 20)
    examiner, fois = batch.examine_files, iter(range(1000))

    def coupe(*args: Any) -> Any:
        if next(fois) == 2:
            raise KeyboardInterrupt
        return examiner(*args)

    monkeypatch.setattr(campagne, "examine_files", coupe)
    with pytest.raises(KeyboardInterrupt):
        run(projet)
    assert len(lus) == 40 and not (projet / "outputs" / CAMPAGNE).exists()
    avant = set(lus)
    lus.clear()
    assert run(projet) == attendu
    depots = [d for d in read_registre(projet / "raw" / CAMPAGNE) if d.role == "reponse"]
    assert {d.nom for d in depots[40:]} <= set(lus) and len(lus) < len(depots) and len(avant) == 40


def test_a_file_altered_since_is_seen_though_it_was_examined(examine: Path) -> None:
    projet = examine
    depot = next(d for d in read_registre(projet / "raw" / CAMPAGNE) if d.role == "reponse")
    chemin = projet / "raw" / CAMPAGNE / depot.chemin
    octets, date = chemin.read_bytes(), chemin.stat()
    chemin.chmod(0o644)
    chemin.write_bytes(octets[:-1] + bytes([octets[-1] ^ 1]))  # same size
    os.utime(chemin, ns=(date.st_atime_ns, date.st_mtime_ns))  # and same date: only the content tells
    with pytest.raises(Exception, match="ont changé depuis leur réception"):
        run(projet)


@pytest.mark.parametrize("fichier", ["regles.yaml", f"{CAMPAGNE}/campagne.yaml"])
def test_a_changed_declaration_makes_everything_read_again(examine: Path, lus: list[str], fichier: str) -> None:
    projet = examine
    recus = {d.nom for d in read_registre(projet / "raw" / CAMPAGNE) if d.role == "reponse"}
    with (projet / "schemas" / fichier).open("a", encoding="utf-8") as f:
        f.write("# un commentaire\n")
    control(projet)
    assert set(lus) == recus


def test_a_damaged_memory_is_ignored(examine: Path, lus: list[str]) -> None:
    """Emptied, cut, overwritten: made again each time, the same."""
    attendus = control(examine)
    abimes: list[Callable[[bytes], bytes]] = [lambda o: b"", lambda o: o[: len(o) // 2], lambda o: b"PK" + o[2:][::-1]]
    for abime in abimes:
        lus.clear()
        for f in (examine / "outputs/.examen").rglob("*.npz"):
            f.write_bytes(abime(f.read_bytes()))
        assert control(examine) == attendus and lus


def _arrivees(nombre: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, nombre), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def petite(campagne_moyenne: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Path]]]:
    """A workspace without answers, and the answers to receive."""
    ici = tmp_path_factory.mktemp("petite") / "projet"
    source = campagne_moyenne / "raw" / CAMPAGNE
    depots = [d for d in read_registre(source) if d.role == "reponse" and d.taille < 60_000][-12:]
    base = [d for d in read_registre(source) if d.role == "base"]
    shutil.copytree(campagne_moyenne / "schemas", ici / "schemas")
    ingest(ici, CAMPAGNE, [source / base[0].chemin], "base", base[0].recu_le)
    yield ici, [source / d.chemin for d in depots]


@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tailles=_arrivees(6))
def test_however_the_answers_arrive(petite: tuple[Path, list[Path]], tmp_path_factory: Any, tailles: list[int]) -> None:
    """Received in any number of goes, controlled after each: the same as controlled once at the end."""
    modele, depots = petite
    ici = tmp_path_factory.mktemp("arrivees") / "projet"
    shutil.copytree(modele, ici)
    restants = list(depots)
    for taille in [*tailles, len(depots)]:
        lot, restants = restants[:taille], restants[taille:]
        if lot:
            ingest(ici, CAMPAGNE, lot, "reponse", "2026-05-01")
            flow.validate(ici, CAMPAGNE, Examen(1), lambda *_: None)
    par_morceaux = files(ici)
    flow.validate(ici, CAMPAGNE, Examen(1, relire=True), lambda *_: None)
    assert files(ici) == par_morceaux
