"""What the program is made of is known: what it imports is declared and explained, licences are admitted, changes and advisories seen."""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

RACINE = Path(__file__).resolve().parents[3]
PROJET = tomllib.loads((RACINE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGE = (RACINE / "docs/dependances.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outil() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dependencies", RACINE / "tools/dependencies.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- what is declared is what is imported, and explained


def declared(*extras: str) -> set[str]:
    lignes = [*PROJET["dependencies"], *(x for e in extras for x in PROJET["optional-dependencies"][e])]
    return {canonicalize_name(Requirement(x).name) for x in lignes}


def imported(paquet: str) -> set[str]:
    """The distributions whose modules a package of ours imports, at the top of a file or inside a function."""
    modules: set[str] = set()
    for fichier in sorted((RACINE / paquet).rglob("*.py")):
        for n in ast.walk(ast.parse(fichier.read_text(encoding="utf-8"))):
            if isinstance(n, ast.Import):
                modules |= {a.name.split(".")[0] for a in n.names}
            elif isinstance(n, ast.ImportFrom):
                modules.add(str(n.module).split(".")[0])
    installes = metadata.packages_distributions()
    dehors = modules - sys.stdlib_module_names - {"cartographie", "cartographie_demo"}
    assert dehors <= installes.keys(), f"imported, not installed: {sorted(dehors - installes.keys())}"
    return {canonicalize_name(installes[m][0]) for m in dehors}


def test_run_time_dependencies_are_what_the_product_imports() -> None:
    assert declared() == imported("cartographie")


def test_the_demonstration_needs_one_extra_package() -> None:
    assert imported("cartographie_demo") - declared() == declared("demo") - declared()


@pytest.mark.parametrize(
    ("titre", "extras"), [("Le programme", ()), ("La campagne fictive", ("demo",)), ("Le développement", ("dev",))]
)
def test_each_dependency_has_a_sentence(titre: str, extras: tuple[str, ...]) -> None:
    section = re.search(rf"^## {titre}.*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section
    lignes = re.findall(r"^\| ([\w.-]+) \| (.{15,}\.) \|$", section[0], re.MULTILINE)
    attendus = declared(*extras) - (declared() if extras else set())
    assert {canonicalize_name(nom) for nom, _ in lignes} == attendus and len(lignes) == len(attendus)


def test_the_lock_holds_every_dependency(outil: ModuleType) -> None:
    figes = {nom for nom, _ in outil.read_lock()}
    assert declared("demo", "dev") <= figes, f"make lock: {sorted(declared('demo', 'dev') - figes)}"


# ---- what is bundled beside Python


def test_what_is_bundled_beside_python_is_listed() -> None:
    section = PAGE.partition("## Embarqué hors de Python")[2].partition("\n## ")[0]
    motifs = re.findall(r"`([^`\s]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)))
    assert "release/france.json" in motifs
    paquet = RACINE / "cartographie"
    autres = {
        p.relative_to(paquet).as_posix() for p in paquet.rglob("*") if p.is_file() and "__pycache__" not in p.parts
    }
    autres -= {x for x in autres if x.endswith((".py", ".typed"))}
    absents = {x for x in autres if not any(fnmatch(x, m) for m in motifs)}
    assert not absents, f"docs/dependances.md: {sorted(absents)}"


def test_what_comes_from_elsewhere_is_what_is_written() -> None:
    nomenclature = json.loads((RACINE / "docs/embarque.cdx.json").read_text(encoding="utf-8"))
    for composant in nomenclature["components"]:
        assert composant["licenses"] and composant["purl"] and composant["supplier"]
        for chemin in (x["value"] for x in composant.get("properties", ())):
            empreinte = hashlib.sha256((RACINE / chemin).read_bytes()).hexdigest()
            assert [empreinte] == [h["content"] for h in composant["hashes"]], chemin


# ---- licences and bills of materials: kept tools


def run_tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    module = {"pip-licenses": "piplicenses", "cyclonedx-py": "cyclonedx_py"}[arguments[0]]
    return subprocess.run(
        [sys.executable, "-m", module, *arguments[1:]], cwd=RACINE, capture_output=True, text=True, check=False
    )


def test_every_installed_package_has_an_admitted_licence() -> None:
    fini = run_tool("pip-licenses")
    assert fini.returncode == 0, fini.stderr
    refuse = run_tool("pip-licenses", "--allow-only", "MIT")
    assert refuse.returncode == 1 and "not in allow-only licenses" in refuse.stderr


def test_the_bill_of_materials_holds_what_is_locked_with_its_fingerprints(outil: ModuleType, tmp_path: Path) -> None:
    sortie = tmp_path / "verrou.cdx.json"
    fini = run_tool("cyclonedx-py", "requirements", "--no-validate", "-o", str(sortie), "requirements.lock")
    assert fini.returncode == 0, fini.stderr
    composants = json.loads(sortie.read_text(encoding="utf-8"))["components"]
    assert {(canonicalize_name(c["name"]), c["version"]) for c in composants} == outil.read_lock()
    assert all("--hash=sha256:" in c["description"] for c in composants)


# ---- what is installed is what is locked; advisories


def install(dossier: Path, nom: str, version: str) -> Path:
    """A package as an installer leaves it; its module."""
    module, infos = dossier / nom / "__init__.py", dossier / f"{nom}-{version}.dist-info"
    module.parent.mkdir(parents=True)
    module.write_text("a = 1\n", encoding="utf-8")
    infos.mkdir()
    empreinte = base64.urlsafe_b64encode(hashlib.sha256(module.read_bytes()).digest()).decode().rstrip("=")
    (infos / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {nom}\nVersion: {version}\n", encoding="utf-8")
    (infos / "RECORD").write_text(f"{nom}/__init__.py,sha256={empreinte},6\n{infos.name}/RECORD,,\n", encoding="utf-8")
    return module


def test_what_is_installed_and_is_not_what_is_locked(
    outil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = install(tmp_path, "bon", "1.0")
    install(tmp_path, "vieux", "0.9")
    install(tmp_path, "intrus", "1.0")
    monkeypatch.setattr(metadata, "distributions", lambda: metadata.Distribution.discover(path=[str(tmp_path)]))
    figes = {("bon", "1.0"), ("vieux", "1.0")}
    attendus = ["intrus 1.0 : installé, mais pas figé", "vieux 0.9 : ce n'est pas la version figée"]
    assert list(outil.altered_files(figes)) == attendus
    module.write_text("a = 2\n", encoding="utf-8")
    assert list(outil.altered_files(figes)) == ["bon : bon/__init__.py a été modifié", *attendus]
    module.unlink()
    assert list(outil.altered_files(figes)) == ["bon : bon/__init__.py a disparu", *attendus]


@pytest.mark.parametrize(
    ("touche", "vise"),
    [
        ({"versions": ["2.0", "2.1"]}, True),
        ({"versions": ["2.0"]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.2"}]}]}, True),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.1"}]}]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.2"}]}]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2.1"}, {"fixed": "3"}]}]}, True),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"last_affected": "2.1"}]}]}, True),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"last_affected": "2.0"}]}]}, False),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, False),
        ({"package": {"name": "autre", "ecosystem": "PyPI"}, "versions": ["2.1"]}, False),
        ({"package": {"name": "bon", "ecosystem": "npm"}, "versions": ["2.1"]}, False),
    ],
)  # fmt: skip
def test_an_advisory_names_a_locked_version_or_not(
    outil: ModuleType, tmp_path: Path, touche: dict[str, Any], vise: bool
) -> None:
    avis = {
        "id": "PYSEC-1",
        "aliases": ["CVE-1"],
        "affected": [{"package": {"name": "Bon", "ecosystem": "PyPI"}, **touche}],
    }
    (tmp_path / "PYSEC-1.json").write_text(json.dumps(avis), encoding="utf-8")
    (tmp_path / "retire.json").write_text(json.dumps({**avis, "withdrawn": "2020-01-01"}), encoding="utf-8")
    trouves = list(outil.advisories({("bon", "2.1"), ("bon", "9.0"), ("mal", "2.1")}, tmp_path))
    assert [x for x in trouves if " 9.0 " not in x] == (["bon 2.1 : PYSEC-1 (CVE-1)"] if vise else [])


def test_a_folder_of_advisories_that_is_none_is_said(
    outil: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "distributions", lambda: [])
    assert outil.main([]) == 0
    assert outil.main(["--avis", str(tmp_path / "rien")]) == 2
