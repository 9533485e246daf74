"""Shared doors of the tests: the command line run as a user would, the repository's folders, ../shared when it is there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comportements
import pytest
import tiede
import yaml

RACINE = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("CARTOGRAPHIE_SHARED", RACINE.parent / "shared"))


comportements.watch()
COMMANDES = tiede.Tiede()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(comportements.Comportements(), "comportements")


@dataclass(frozen=True)
class Sortie:
    """What one command gave: exit status, both streams; `json` parses the first."""

    statut: int
    texte: str
    erreurs: str

    @property
    def json(self) -> Any:
        return json.loads(self.texte)


def run_cli(
    *args: str | Path, cwd: Path = RACINE, env: dict[str, str] | None = None, avec: Sequence[str] = ()
) -> Sortie:
    """A command and what it gave. `avec`: the command that runs the command (another user, another limit)."""
    if env or avec:  # the start itself is what is tested
        fini = subprocess.run(
            [*avec, sys.executable, "-m", "cartographie", *map(str, args)],
            cwd=cwd, capture_output=True, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(RACINE), **(env or {})},
        )  # fmt: skip
        sortie = Sortie(fini.returncode, fini.stdout, fini.stderr)
    else:
        sortie = Sortie(*COMMANDES.run([str(a) for a in args], cwd))
    comportements.note_command(sortie.statut, sortie.texte, sortie.erreurs)
    if "--projet" in args:
        comportements.note_findings(cwd / args[args.index("--projet") + 1] / "outputs")
    return sortie


def pytest_sessionfinish() -> None:
    COMMANDES.stop()


def keep_few_tables(projet: Path, nombre: int = 4) -> Path:
    """Undeclare every table but the first ones: what is tested is not what they say, and publishing all of them is long."""
    for tableau in sorted((projet / "schemas/tableaux").glob("*.yaml"))[nombre:]:
        tableau.unlink()
    gardes = {f.stem.upper() for f in (projet / "schemas/tableaux").glob("*.yaml")}
    for fichier in (projet / "schemas").glob("*/plausibilite.yaml"):
        declare = yaml.safe_load(fichier.read_text(encoding="utf-8"))
        declare["attentes"] = [a for a in declare["attentes"] if a.get("tableau") in {None, *gardes}]
        fichier.write_text(yaml.safe_dump(declare, allow_unicode=True), encoding="utf-8")
    return projet


@pytest.fixture(scope="session")
def cli() -> Callable[..., Sortie]:
    return run_cli


@pytest.fixture(scope="session")
def racine() -> Path:
    return RACINE


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: the real surveys and reference cases cannot be read here")
    return SHARED


def _once(usine: pytest.TempPathFactory, nom: str, faire: Callable[[Path], None]) -> Path:
    """A folder made once for all the processes of a test run: whoever comes second waits for it."""
    commun = usine.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        commun = commun.parent
    with (commun / f"{nom}.verrou").open("w") as verrou:
        fcntl.flock(verrou, fcntl.LOCK_EX)
        if not (commun / f"{nom}.fait").exists():
            faire(commun / nom)
            (commun / f"{nom}.fait").touch()
    return commun / nom


@pytest.fixture(scope="session")
def projet(racine: Path, tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]) -> Path:
    """The bundled campaigns, run from raw/: a workspace where both campaigns are published. Read only: copy what you change."""

    def faire(dossier: Path) -> None:
        for nom in ("schemas", "raw"):
            shutil.copytree(racine / nom, dossier / nom)
        sortie = cli("run", "--projet", dossier, "--json", "--ouvriers", "2")
        assert sortie.statut == 0, sortie.erreurs

    return _once(tmp_path_factory, "campagne fictive é", faire)


@pytest.fixture(scope="session")
def petit_projet(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]) -> Path:
    """A small fictitious campaign, its first tables, the last edition published. Read only: copy what you change."""

    def faire(dossier: Path) -> None:
        assert cli("demo", dossier, "--repondants", "60", "--graine", "1", "--classeurs", "6").statut == 0
        keep_few_tables(dossier, 5)
        sortie = cli("run", "2026", "--projet", dossier)
        assert sortie.statut == 0, sortie.erreurs

    return _once(tmp_path_factory, "petite campagne", faire)
