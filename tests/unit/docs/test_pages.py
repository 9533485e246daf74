"""Pages tell the truth: every file, module and function they name exists, and the words of the code mean one thing."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

RACINE = Path(__file__).resolve().parents[3]
PIECES = sorted(d.name for d in (RACINE / "cartographie").iterdir() if (d / "__init__.py").is_file())
PAGES = [
    *(RACINE / n for n in ("README.md", "CONTRIBUTING.md", "raw/LISEZMOI.md", "Makefile", "pyproject.toml")),
    *sorted((RACINE / "docs").glob("*.md")),
    *sorted((RACINE / "benchmarks").glob("*.md")),
]
CODE = [p for d in ("cartographie", "cartographie_demo") for p in sorted((RACINE / d).rglob("*.py"))]
DOSSIERS = "cartographie|cartographie_demo|tests|tools|benchmarks|docs"
CHEMIN = re.compile(rf"(?<![\w/.>-])((?:{DOSSIERS}|{'|'.join(PIECES)})/[\w./*-]*[\w*/])")


def exists(chemin: str) -> bool:
    """From the root, or within the package; a star stands for some."""
    return any(any(d.glob(chemin.rstrip("/"))) for d in (RACINE, RACINE / "cartographie"))


def history(texte: str) -> str:
    """Without the decisions that others replaced: they speak of their time."""
    sections = re.split(r"(?m)^(?=## )", texte)
    return "".join(s for s in sections if "remplacée par D" not in s.partition("\n\n")[2].partition("\n\n")[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(RACINE)))
def test_every_path_named_exists(page: Path) -> None:
    texte = history(page.read_text(encoding="utf-8"))
    absents = {c for c in CHEMIN.findall(texte) if "<" not in c and not exists(c)}
    connus = {p.name for d in (*DOSSIERS.split("|"),) for p in (RACINE / d).rglob("*.py")}
    absents |= {n for n in re.findall(r"(?<![\w/.*])([a-z_]+\.py)\b", texte) if n not in connus}
    assert not absents, sorted(absents)


@pytest.mark.parametrize("fichier", CODE, ids=lambda p: str(p.relative_to(RACINE)))
def test_every_module_a_comment_names_exists(fichier: Path) -> None:
    connus = {p.name for p in RACINE.glob("*/*.py")} | {p.name for p in CODE}
    for nom in re.findall(r"\b([a-z_/]+\.py)\b", fichier.read_text(encoding="utf-8")):
        assert exists(nom) if "/" in nom else nom in connus, nom


@cache
def names_of(fichier: Path) -> frozenset[str]:
    return frozenset(n.name for n in ast.parse(fichier.read_text(encoding="utf-8")).body if hasattr(n, "name"))


def test_the_walks_name_real_functions_in_ten_lines() -> None:
    texte = (RACINE / "docs/architecture.md").read_text(encoding="utf-8")
    nommees = re.findall(r"`([\w/]+\.py):(\w+)`", texte)
    assert len(nommees) > 25
    absentes = [f"{f}:{n}" for f, n in nommees if n not in names_of(RACINE / "cartographie" / f)]
    assert not absentes
    promenades = [s for s in re.split(r"(?m)^## ", texte) if re.search(r"(?m)^1\. ", s)]
    assert [len(re.findall(r"(?m)^\d+\. ", s)) for s in promenades] == [10, 10, 10]


# ---- the words of the code

LIGNE = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", re.MULTILINE)


def words() -> list[tuple[str, str, list[str]]]:
    section = (RACINE / "docs/glossaire.md").read_text(encoding="utf-8").partition("## Les mots du code")[2]
    return [(mot, sens, re.findall(r"`(\w+)`", perdants)) for mot, sens, perdants in LIGNE.findall(section)]


def test_a_word_of_the_code_has_one_line_and_no_loser_is_a_word() -> None:
    gardes = [mot for mot, _, _ in words()]
    assert len(gardes) == len(set(gardes)) > 30
    perdants = [p for _, _, suite in words() for p in suite]
    assert len(perdants) == len(set(perdants)) and not set(perdants) & set(gardes)
    assert {"courrier", "porte", "preparation", "contenu", "controle", "fournee", "feuillet", "feuilles", "programme", "memoire"} <= set(perdants)  # fmt: skip


def test_no_module_is_named_by_a_word_that_was_replaced() -> None:
    perdants = {p for _, _, suite in words() for p in suite}
    modules = {p.stem for p in CODE} | {d.name for d in (RACINE / "cartographie").rglob("*") if d.is_dir()}
    assert not modules & perdants


def test_a_name_that_two_rooms_share_is_a_word_and_means_the_same_in_both() -> None:
    """Acts of cli/ and their flow are one thing."""
    pieces: dict[str, set[str]] = {}
    for p in (RACINE / "cartographie").rglob("*.py"):
        pieces.setdefault(p.stem, set()).add(p.relative_to(RACINE / "cartographie").parts[0])
    partages = {n for n, rooms in pieces.items() if len(rooms) > 1} - {"__init__"}
    gardes = {mot for mot, _, _ in words()}
    assert not {n for n in partages if n not in gardes and n.removesuffix("s") not in gardes}


def test_every_room_is_presented() -> None:
    texte = (RACINE / "docs/architecture.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"(?m)^\| `(\w+)/` \|", texte)) == PIECES


def test_the_readme_leads_to_the_architecture() -> None:
    lisez = (RACINE / "README.md").read_text(encoding="utf-8")
    for page in (
        "docs/architecture.md",
        "CONTRIBUTING.md",
        "docs/comment-faire.md",
        "docs/bibliotheque.md",
        "docs/codes.md",
    ):
        assert f"({page})" in lisez, page


# ---- decisions

DECISION = re.compile(
    r"^## D(\d+)\. (.+)\n\n\*(\d{4}-\d\d-\d\d) · (en vigueur|remplacée par D(\d+))\*\n\n(?=\S)", re.MULTILINE
)


def test_decisions_are_numbered_dated_and_have_a_status() -> None:
    texte = (RACINE / "docs/decisions.md").read_text(encoding="utf-8")
    trouvees = DECISION.findall(texte)
    assert len(trouvees) == texte.count("\n## ")
    assert [int(n) for n, *_ in trouvees] == list(range(1, len(trouvees) + 1))
    dates = {int(n): date for n, _, date, *_ in trouvees}
    for n, titre, date, _, par in trouvees:
        if par:
            assert int(par) > int(n) and dates[int(par)] >= date, titre


def test_decisions_named_elsewhere_exist() -> None:
    nombre = len(DECISION.findall((RACINE / "docs/decisions.md").read_text(encoding="utf-8")))
    for page in PAGES:
        if page.suffix == ".md":
            cites = re.findall(r"décision D(\d+)", page.read_text(encoding="utf-8"))
            assert all(1 <= int(n) <= nombre for n in cites), page.name


def test_pre_commit_uses_the_tools_of_the_environment_and_fetches_nothing() -> None:
    depots = yaml.safe_load((RACINE / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [d["repo"] for d in depots] == ["local"]
    crochets = {h["id"]: h for h in depots[0]["hooks"]}
    assert crochets.keys() == {"ruff", "ruff-format", "mypy", "architecture"}
    assert all(h["language"] == "system" and h["entry"].startswith(".venv/bin/") for h in crochets.values())
