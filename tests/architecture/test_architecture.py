"""Invariant 1 (a year is data), the direction of imports, and what the command line may load."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cartographie.model import TypeVariable

RACINE = Path(__file__).resolve().parents[2]
CODE = sorted((RACINE / "cartographie").rglob("*.py"))
# Words of the published contract and of the received-file log and names of types, that this survey also uses as variables' names.
COMMUNS = {"edition", "version", "version_modele", "taille"} | {str(t) for t in TypeVariable}
# A stage may import these; it never imports another stage.
SOCLE = {"batch", "model", "errors", "text", "questionnaire", "conditions", "fonctions", "identifiers", "french"}
ETAPES = {
    "intake",
    "decode",
    "validate",
    "register",
    "warehouse",
    "tables",
    "release",
    "demo",
    "formulaire",
    "dictionary",
    "secret",
    "attaque",
}
INDEPENDANT, JAMAIS = "attaque", {"tables", "secret", "release", "carte", "page", "ponderation", "statistics"}


def _stage(fichier: Path) -> str:
    return fichier.relative_to(RACINE / "cartographie").parts[0].removesuffix(".py")


@pytest.mark.parametrize("fichier", CODE, ids=lambda f: str(f.relative_to(RACINE)))
def test_no_year_and_no_question_in_python(fichier: Path) -> None:
    variables = set(yaml.safe_load((RACINE / "schemas/variables.yaml").read_text(encoding="utf-8"))) - COMMUNS
    for noeud in ast.walk(ast.parse(fichier.read_text(encoding="utf-8"))):
        if isinstance(noeud, ast.Constant) and isinstance(noeud.value, str):
            assert noeud.value not in variables, f"{fichier.name}:{noeud.lineno} names the question « {noeud.value} »"
        if isinstance(noeud, ast.Constant) and isinstance(noeud.value, int) and not isinstance(noeud.value, bool):
            assert not 2011 <= noeud.value <= 2039, f"{fichier.name}:{noeud.lineno} holds the year {noeud.value}"
    code = "\n".join(x.split("#")[0] for x in fichier.read_text(encoding="utf-8").splitlines())
    if _stage(fichier) != "commandes":  # the examples of the help name a campaign
        assert not re.search(r"[\"']20[123]\d[\"']", code)


@pytest.mark.parametrize("fichier", [f for f in CODE if _stage(f) in ETAPES], ids=lambda f: str(f.relative_to(RACINE)))
def test_a_stage_never_imports_another(fichier: Path) -> None:
    for noeud in ast.walk(ast.parse(fichier.read_text(encoding="utf-8"))):
        modules = []
        if isinstance(noeud, ast.ImportFrom):
            module = _absolute(fichier, noeud)
            modules = [f"cartographie.{a.name}" for a in noeud.names] if module == "cartographie" else [module]
        for module in modules:
            parties = module.split(".")
            cible = parties[1] if parties[0] == "cartographie" and len(parties) > 1 else ""
            permis = cible in SOCLE or cible == _stage(fichier) or cible == "" or cible not in ETAPES
            assert permis, f"{fichier.name}:{noeud.lineno} imports the stage {module}"


@pytest.mark.parametrize("fichier", [f for f in CODE if _stage(f) == INDEPENDANT], ids=lambda f: f.name)
def test_the_attacker_shares_nothing_with_what_it_attacks(fichier: Path) -> None:
    """Neither what computes, masks, draws or writes; of the statistics, only the attack."""
    for noeud in ast.walk(ast.parse(fichier.read_text(encoding="utf-8"))):
        if isinstance(noeud, ast.ImportFrom):
            parties = _absolute(fichier, noeud).split(".")
            assert parties[:3] == ["cartographie", "statistics", "attack"] or not set(parties[1:2]) & JAMAIS, parties


def _absolute(fichier: Path, noeud: ast.ImportFrom) -> str:
    """The module imported, a relative import written out."""
    if not noeud.level:
        return noeud.module or ""
    paquet = fichier.relative_to(RACINE).with_suffix("").parts[: -noeud.level]
    return ".".join([*paquet, *([noeud.module] if noeud.module else [])])


def test_only_the_warehouse_opens_duckdb() -> None:
    for fichier in CODE:
        if "duckdb" in {m for n in ast.walk(ast.parse(fichier.read_text(encoding="utf-8"))) for m in _imports(n)}:
            assert _stage(fichier) in ("warehouse", "parquet"), fichier


def _imports(noeud: ast.AST) -> list[str]:
    if isinstance(noeud, ast.Import):
        return [a.name.split(".")[0] for a in noeud.names]
    if isinstance(noeud, ast.ImportFrom) and noeud.module:
        return [noeud.module.split(".")[0]]
    return []


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom cartographie.cli import main\nmain(['--help'])\n"
        "lourds = {'pandas', 'numpy', 'duckdb', 'great_expectations', 'pandera', 'openpyxl', 'yaml', 'rich'} & set(sys.modules)\n"
        "assert not lourds, lourds"
    )
    fini = subprocess.run([sys.executable, "-c", code], cwd=RACINE, capture_output=True, text=True)
    assert fini.returncode == 0, fini.stderr


@pytest.mark.parametrize("fichier", CODE, ids=lambda f: str(f.relative_to(RACINE)))
def test_a_module_fits_in_the_head(fichier: Path) -> None:
    assert len(fichier.read_text(encoding="utf-8").splitlines()) <= 330, "cut this module into a package"
