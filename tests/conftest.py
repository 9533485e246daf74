"""Shared doors of the tests: the command line run as a user would, the repository's folders, ../shared when it is there."""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
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
MINI = ("t01", "t11")
AILLEURS = Path(tempfile.mkdtemp(prefix="cartographie-"))  # where commands run: never in the checkout
# written by the tools that check, not by the tests
OUTILS = {
    ".git",
    ".venv",
    ".pytest_cache",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
    "__pycache__",
    "mutants",
    "build",
}
ESPACE = ("raw", "schemas", "outputs", "journal.jsonl")  # of the checkout, what a command may write in

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # see release/plausibility.PROGRAMME
comportements.watch()
COMMANDES = tiede.Tiede()


def _checkout() -> dict[str, tuple[int, int]]:
    """Every file of the checkout; of its workspace, their sizes and dates too (sources may be edited meanwhile)."""
    vus = {}
    for dossier, sous, fichiers in os.walk(RACINE):
        sous[:] = [s for s in sous if s not in OUTILS and not s.endswith(".egg-info")]
        for fichier in (Path(dossier) / f for f in fichiers):
            nom = fichier.relative_to(RACINE).as_posix()
            etat = fichier.stat()
            vus[nom] = (etat.st_size, etat.st_mtime_ns) if nom.startswith(ESPACE) else (0, 0)
    return vus


class Depot:
    """The plugin: no test writes in the checkout, or the run fails."""

    avant: dict[str, tuple[int, int]]
    ecrits: list[str]

    def pytest_sessionstart(self) -> None:
        self.avant, self.ecrits = _checkout(), []

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.ecrits = sorted({nom for nom, _ in self.avant.items() ^ _checkout().items()})
        if self.ecrits and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.ecrits:
            terminalreporter.write_line(f"Écrit dans le dépôt pendant les tests : {', '.join(self.ecrits)}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(comportements.Comportements(), "comportements")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(Depot(), "depot")


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
    *args: str | Path,
    cwd: Path = AILLEURS,
    env: dict[str, str] | None = None,
    avec: Sequence[str] = (),
    avant: str = "",
) -> Sortie:
    """A command and what it gave. `avec`: the command that runs it (another user, another limit); `avant`: Python run before it."""
    if env or avec:  # the start itself is what is tested
        fini = subprocess.run(
            [*avec, sys.executable, "-m", "cartographie", *map(str, args)],
            cwd=cwd, capture_output=True, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(RACINE), **(env or {})},
        )  # fmt: skip
        sortie = Sortie(fini.returncode, fini.stdout, fini.stderr)
    else:
        sortie = Sortie(*COMMANDES.run([str(a) for a in args], cwd, avant))
    comportements.note_command(sortie.statut, sortie.texte, sortie.erreurs)
    if "--projet" in args:
        comportements.note_findings(cwd / args[args.index("--projet") + 1] / "outputs")
    return sortie


def pytest_sessionfinish() -> None:
    COMMANDES.stop()
    shutil.rmtree(AILLEURS, ignore_errors=True)


def keep_tables(projet: Path, *noms: str) -> Path:
    """Undeclare every other table: what is tested is not what they say, and publishing all of them is long. No figure has to be
    shown: campaigns made for the tests are too small for that."""
    for tableau in (projet / "schemas/tableaux").glob("*.yaml"):
        if tableau.stem not in noms:
            tableau.unlink()
    gardes = {nom.upper() for nom in noms}
    for fichier in (projet / "schemas").glob("*/plausibilite.yaml"):
        declare = yaml.safe_load(fichier.read_text(encoding="utf-8"))
        declare["attentes"] = [a for a in declare["attentes"] if a.get("tableau") in {None, *gardes}]
        fichier.write_text(yaml.safe_dump(declare, allow_unicode=True), encoding="utf-8")
    for fichier in (projet / "schemas").glob("*/editorial.yaml"):
        declare = yaml.safe_load(fichier.read_text(encoding="utf-8"))
        priorites = [s for s in declare["priorites"] if s["tableau"] in gardes]
        fichier.write_text(yaml.safe_dump({"priorites": priorites}, allow_unicode=True), encoding="utf-8")
    return projet


def draw_every_map(projet: Path) -> None:
    """However few places it shows: what is tested is how maps are drawn, and the bundled campaign is small."""
    fichier = projet / "schemas/enquete.yaml"
    texte = fichier.read_text(encoding="utf-8")
    fichier.write_text(texte.replace("part_cartes_min_pct: 60", "part_cartes_min_pct: 0"), encoding="utf-8")


@pytest.fixture(autouse=True, scope="session")
def _serveur() -> None:
    """What workers come from, as when files are read: a function of a test could not be loaded beforehand, and is long to load."""
    from cartographie.base.workers import start_server

    start_server("cartographie.intake.read")


@pytest.fixture(scope="session")
def cli() -> Callable[..., Sortie]:
    return run_cli


@pytest.fixture(scope="session")
def racine() -> Path:
    return RACINE


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(
            f"{SHARED} is absent: the real surveys and reference cases cannot be read here (CARTOGRAPHIE_SHARED says where)"
        )
    return SHARED


def _once(usine: pytest.TempPathFactory, nom: str, faire: Callable[[Path], None]) -> Path:
    """A folder made once for all the processes of a test run: whoever comes second waits for it, as long as it takes."""
    commun = usine.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        commun = commun.parent
    with (commun / f"{nom}.verrou").open("w") as verrou:
        fcntl.flock(verrou, fcntl.LOCK_EX)
        if not (commun / f"{nom}.fait").exists():
            shutil.rmtree(
                commun / nom, ignore_errors=True
            )  # whoever came first failed: not to be taken for what it left
            faire(commun / nom)
            (commun / f"{nom}.fait").touch()
    return commun / nom


PEU_2025 = ("t01", "t05", "t06", "t08", "t14", "t19", "t20", "t21")  # what is masked is mostly there


@pytest.fixture(scope="session")
def campagne_livree(racine: Path, tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]) -> Path:
    """The bundled campaigns, from raw/, controlled and loaded, nothing published: that would be long. Read only."""

    def faire(dossier: Path) -> None:
        for nom in ("schemas", "raw"):
            shutil.copytree(racine / nom, dossier / nom)
        sorties = [cli("validate", a, "--projet", dossier, "--ouvriers", "2") for a in ("2025", "2026")]
        sorties.append(cli("load", "--projet", dossier))
        assert [s.statut for s in sorties] == [11, 11, 0], [s.erreurs for s in sorties]

    return _once(tmp_path_factory, "campagne livrée", faire)


@pytest.fixture(scope="session")
def campagne_moyenne(racine: Path, tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]) -> Path:
    """Like the bundled campaigns, seven times smaller, only received. Read only: copy what you change."""

    def faire(dossier: Path) -> None:
        commande = ("demo", dossier, "--repondants", "300", "--graine", "2", "--classeurs", "50")
        assert cli(*commande, "--projet", racine).statut == 0

    return _once(tmp_path_factory, "campagne moyenne", faire)


@pytest.fixture(scope="session")
def projet(
    campagne_moyenne: Path, racine: Path, tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]
) -> Path:
    """The same, both campaigns controlled, loaded and published, the first with few tables, the last with all,
    every map drawn.

    Read only: copy what you change."""

    def faire(dossier: Path) -> None:
        for nom in ("schemas", "raw"):
            shutil.copytree(campagne_moyenne / nom, dossier / nom)
        draw_every_map(dossier)
        keep_tables(dossier, *PEU_2025)
        sorties = [cli("run", "2025", "--projet", dossier, "--ouvriers", "2")]
        shutil.copytree(racine / "schemas", dossier / "schemas", dirs_exist_ok=True)
        draw_every_map(dossier)
        sorties += [cli(commande, "2026", "--projet", dossier) for commande in ("validate", "publish")]
        assert [s.statut for s in sorties] == [0, 11, 0], [s.erreurs for s in sorties]

    return _once(tmp_path_factory, "campagne fictive é", faire)


@pytest.fixture(scope="session")
def petite_campagne(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]) -> Path:
    """A small fictitious campaign, controlled and loaded, nothing published, every map to be drawn. Read only: copy what you change."""

    def faire(dossier: Path) -> None:
        commande = ("demo", dossier, "--repondants", "60", "--graine", "1", "--classeurs", "6")
        assert cli(*commande, "--projet", RACINE).statut == 0
        draw_every_map(dossier)
        for campagne in ("2025", "2026"):
            cli("validate", campagne, "--projet", dossier)
        sortie = cli("load", "--projet", dossier)
        assert sortie.statut == 0, sortie.erreurs

    return _once(tmp_path_factory, "petite campagne reçue", faire)


def _published(campagne: Path, dossier: Path, *tableaux: str) -> None:
    shutil.copytree(campagne, dossier)
    sortie = run_cli("publish", "2026", "--projet", keep_tables(dossier, *tableaux))
    assert sortie.statut == 0, sortie.erreurs


@pytest.fixture(scope="session")
def petit_projet(tmp_path_factory: pytest.TempPathFactory, petite_campagne: Path) -> Path:
    """The same, its first tables published: maps by region and department, an evolution. Read only: copy what you change."""
    return _once(
        tmp_path_factory, "petite campagne", lambda d: _published(petite_campagne, d, "t00", "t01", "t02", "t03", "t04")
    )


@pytest.fixture(scope="session")
def mini_projet(tmp_path_factory: pytest.TempPathFactory, petite_campagne: Path) -> Path:
    """The same, two tables published: for what happens to any release. Read only: copy what you change."""
    return _once(tmp_path_factory, "petite campagne, deux tableaux", lambda d: _published(petite_campagne, d, *MINI))


@pytest.fixture
def xlsx() -> Callable[..., bytes]:
    """xlsx({"sheet": rows}, prepare=callable(workbook, sheets)) → bytes."""
    import xlsxwriter

    def fabrique(feuilles: dict[str, list[list[Any]]], prepare: Callable[..., None] | None = None) -> bytes:
        sortie = io.BytesIO()
        classeur = xlsxwriter.Workbook(sortie, {"in_memory": True, "strings_to_formulas": False})
        onglets = {}
        for nom, lignes in feuilles.items():
            onglets[nom] = classeur.add_worksheet(nom)
            for i, ligne in enumerate(lignes):
                onglets[nom].write_row(i, 0, ligne)
        if prepare:
            prepare(classeur, onglets)
        classeur.close()
        return sortie.getvalue()

    return fabrique
