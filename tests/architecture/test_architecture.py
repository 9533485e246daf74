"""The house: who may import whom, what the command line may load, how much a file may hold; and a year is data (invariant 1)."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from cartographie import STAGES
from cartographie.base.files import CODE as COMPTES
from cartographie.survey.types import TYPES

RACINE = Path(__file__).resolve().parents[2]
PAQUET = RACINE / "cartographie"
CODE = sorted(PAQUET.rglob("*.py"))
TOUT = [*CODE, *sorted((RACINE / "cartographie_demo").rglob("*.py"))]

# Room → the rooms it may import; "*" is all of them. In the order in which a received cell becomes a published figure.
MAY = {
    "base": "",
    "survey": "base",
    "intake": "base survey",
    "decode": "base survey",
    "warehouse": "base survey",
    "statistics": "base survey",
    "secrecy": "base survey statistics",
    "validate": "base survey decode",
    "campaign": "base survey intake decode validate",
    "release": "base survey statistics",
    "proof": "base survey intake statistics release",
    "collect": "base survey intake decode validate campaign",
    "propose": "base survey intake decode campaign",
    "cli": "*",
}
# The attacker shares nothing with what it attacks: neither what computes, masks, draws nor writes.
ATTAQUANT, SES_PIECES = {"reader", "links", "solve", "attack"}, {"base", "survey"}
FICHIERS_MAX, LIGNES_MAX = 14, 600
# Words of the published contract and of the received-file log and names of types, that this survey also uses as variables' names.
COMMUNS = {"edition", "version", "version_modele", "taille"} | set(TYPES)


def _nom(fichier: Path) -> str:
    return str(fichier.relative_to(RACINE))


def _room(fichier: Path) -> str:
    """The room of a file of the package; "" for its entry."""
    parties = fichier.relative_to(PAQUET).parts
    return parties[0] if len(parties) > 1 else ""


def _module(fichier: Path) -> str:
    return ".".join(fichier.relative_to(RACINE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_module(f) for f in CODE}


@cache
def _noeuds(fichier: Path) -> list[ast.AST]:
    """Parsed once for all tests."""
    return list(ast.walk(ast.parse(fichier.read_text(encoding="utf-8"))))


def _imports(fichier: Path, pour_les_types: bool = True) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, lazy ones included; `pour_les_types`: those under TYPE_CHECKING too."""
    tests = [n for n in _noeuds(fichier) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    passes = set() if pour_les_types else {id(n) for test in tests for n in ast.walk(test)}
    for noeud in _noeuds(fichier):
        if id(noeud) in passes:
            continue
        if isinstance(noeud, ast.ImportFrom):
            assert not noeud.level, f"{_nom(fichier)}:{noeud.lineno} imports relatively: write the whole name"
            for alias in noeud.names:
                entier = f"{noeud.module}.{alias.name}"
                yield noeud.lineno, entier if entier in MODULES else str(noeud.module)
        elif isinstance(noeud, ast.Import):
            yield from ((noeud.lineno, alias.name) for alias in noeud.names)


def test_every_folder_is_a_room_and_every_room_a_folder() -> None:
    dossiers = {d.name for d in PAQUET.iterdir() if d.is_dir() and d.name != "__pycache__"}
    assert dossiers == set(MAY)
    assert {f.name for f in PAQUET.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_a_room_imports_only_what_it_may() -> None:
    interdits = [
        f"{_nom(f)}:{ligne} imports {module}"
        for f in CODE
        if MAY.get(piece := _room(f), "*") != "*"
        for ligne, module in _imports(f)
        if module.split(".")[0] == "cartographie_demo"
        or (module.startswith("cartographie.") and module.split(".")[1] not in {*MAY[piece].split(), piece})
    ]
    assert not interdits


def test_the_flow_knows_no_sentence_of_the_screen() -> None:
    """What a command does (cli/flow/) imports nothing of how it is parsed and told."""
    for f in (PAQUET / "cli/flow").glob("*.py"):
        dehors = [m for _, m in _imports(f) if m.startswith("cartographie.cli") and ".flow" not in m]
        assert not dehors, f"{_nom(f)} imports {dehors}"


def test_no_circle_between_files() -> None:
    """Lazy imports count too; not those for the types, which load nothing."""
    graphe = {
        _module(f): {m for _, m in _imports(f, pour_les_types=False) if m in MODULES} - {_module(f)} for f in CODE
    }
    try:
        TopologicalSorter(graphe).prepare()
    except CycleError as e:
        pytest.fail(f"circle: {' → '.join(e.args[1])}")


@pytest.mark.parametrize("nom", sorted(ATTAQUANT))
def test_the_attacker_shares_nothing_with_what_it_attacks(nom: str) -> None:
    fichier = PAQUET / f"proof/{nom}.py"
    for ligne, module in _imports(fichier):
        if module.startswith("cartographie."):
            parties = module.split(".")
            permis = parties[1] in SES_PIECES or (parties[1] == "proof" and set(parties[2:]) <= ATTAQUANT)
            assert permis, f"proof/{nom}.py:{ligne} imports {module}"


def test_no_year_and_no_question_in_python() -> None:
    variables = set(yaml.safe_load((RACINE / "schemas/variables.yaml").read_text(encoding="utf-8"))) - COMMUNS
    fautes = []
    for fichier in TOUT:
        for noeud in _noeuds(fichier):
            if not isinstance(noeud, ast.Constant) or isinstance(noeud.value, bool):
                continue
            ou = f"{_nom(fichier)}:{noeud.lineno}"
            if isinstance(noeud.value, str) and noeud.value in variables:
                fautes.append(f"{ou} names the question « {noeud.value} »")
            if isinstance(noeud.value, int) and 2011 <= noeud.value <= 2039:
                fautes.append(f"{ou} holds the year {noeud.value}")
        code = "\n".join(x.split("#")[0] for x in fichier.read_text(encoding="utf-8").splitlines())
        # the examples of the help name a campaign
        if fichier.parent.name != "cli" and re.search(r"[\"']20[123]\d[\"']", code):
            fautes.append(f"{_nom(fichier)} quotes a year")
    assert not fautes


def test_a_file_can_be_read_in_one_sitting() -> None:
    longs = [_nom(f) for f in TOUT if len(f.read_text(encoding="utf-8").splitlines()) > LIGNES_MAX]
    assert not longs


def test_a_room_is_not_a_warehouse() -> None:
    """At most fourteen files a folder, one level of sub-folders."""
    for dossier in {f.parent for f in TOUT}:
        assert len(list(dossier.glob("*.py"))) <= FICHIERS_MAX, _nom(dossier)
        assert len(dossier.relative_to(RACINE).parts) <= 3, _nom(dossier)


def test_only_the_warehouse_and_its_writer_open_duckdb() -> None:
    for f in CODE:
        if any(m.split(".")[0] == "duckdb" for _, m in _imports(f, pour_les_types=False)):
            assert _room(f) == "warehouse" or _module(f) == "cartographie.base.parquet", _nom(f)


_distributions = cache(packages_distributions)


@pytest.mark.parametrize("etape", STAGES)
def test_a_stage_declares_the_libraries_its_rooms_import(etape: str) -> None:
    """Its fingerprint holds their versions: one left out, and what it gave would be kept though it would come out otherwise."""
    pieces, declarees = (set(noms.split()) for noms in STAGES[etape])
    importees = {m.split(".")[0] for f in CODE if _room(f) in pieces for _, m in _imports(f)}
    dehors = importees - sys.stdlib_module_names - {"cartographie"}
    assert pieces <= set(MAY)
    assert {_distributions()[m][0].lower() for m in dehors} == declarees


def test_every_file_of_the_package_is_in_its_fingerprint() -> None:
    fichiers = {f.name for f in PAQUET.rglob("*") if f.is_file() and f.parent.name != "__pycache__"} - {"py.typed"}
    assert {f for f in fichiers if not f.endswith(COMPTES)} == set()


def test_no_page_is_assembled_in_python() -> None:
    """HTML is in the templates, where every value is escaped. `intake` recognises web pages received instead of workbooks."""
    balise = re.compile(r"</(p|h[1-6]|table|t[rdh]|caption|ul|li|div|span|section|html|head|body|a)>")
    for f in CODE:
        textes = [n.value for n in _noeuds(f) if isinstance(n, ast.Constant)]
        assert _room(f) == "intake" or not any(isinstance(t, str) and balise.search(t) for t in textes), _nom(f)


LOURDS = [
    "pandas",
    "numpy",
    "scipy",
    "duckdb",
    "great_expectations",
    "pandera",
    "openpyxl",
    "xlsxwriter",
    "rich",
    "jinja2",
]


def test_the_entry_point_loads_nothing_heavy() -> None:
    _run_light("import cartographie.cli.main", [*LOURDS, "yaml", "pydantic"])


@pytest.mark.parametrize(
    "commande",
    [
        ["--help"],
        ["--version"],
        ["lint", "--help"],
        ["sign", "--help"],
        ["status"],
        ["status", "--journal"],
        ["init", "ailleurs"],
    ],
    ids=" ".join,
)
def test_what_needs_no_frame_loads_none(commande: list[str], tmp_path: Path) -> None:
    (tmp_path / "schemas").symlink_to(RACINE / "schemas")
    _run_light(f"from cartographie.cli.main import main\nassert main({commande!r}) == 0", LOURDS, tmp_path)


def _run_light(code: str, interdits: list[str], ici: Path = RACINE) -> None:
    suite = f"import sys\n{code}\nlus = [m for m in {interdits!r} if m in sys.modules]\nassert not lus, lus"
    chemin = {**os.environ, "PYTHONPATH": str(RACINE)}
    fini = subprocess.run([sys.executable, "-c", suite], cwd=ici, capture_output=True, text=True, env=chemin)
    assert fini.returncode == 0, fini.stderr
