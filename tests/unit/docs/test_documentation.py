"""The documentation says everything the program can do or refuse, and its generated pages are up to date."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from cartographie.base.errors import CODES, Statut
from cartographie.cli.main import app
from cartographie.survey.written.declared import FICHIERS
from cartographie.survey.written.shape import json_schema, schema_files

RACINE = Path(__file__).resolve().parents[3]
DOCS = RACINE / "docs"
FICTIVES = ("guide-analyste.md", "guide-auditeur.md", "methodologie.md", "regles.md", "tableaux.md")


@cache
def page(nom: str) -> str:
    return (DOCS / nom).read_text(encoding="utf-8")


@cache
def all_pages() -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in sorted(DOCS.glob("*.md")))


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generer", DOCS / "generer.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def declared(nom: str) -> object:
    return yaml.safe_load((RACINE / nom).read_text(encoding="utf-8"))


def has_word(texte: str, mot: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(mot)}(?![\w-])", texte) is not None


COMMANDES = [str(c.name) for c in app.registered_commands]


@pytest.mark.parametrize("commande", COMMANDES)
def test_every_command_has_an_example(commande: str) -> None:
    assert re.search(rf"^(?:\$ )?cartographie {commande}\b", page("guide-analyste.md"), re.MULTILINE), commande
    assert f"## `cartographie {commande}`" in page("commandes.md")


@pytest.mark.parametrize("nom", ["guide-analyste.md", "guide-auditeur.md", "guide-schemas.md", "methodologie.md"])
def test_no_page_shows_a_command_that_does_not_exist(nom: str) -> None:
    montrees = set(re.findall(r"^(?:\$ )?cartographie ([a-z]+)", page(nom), re.MULTILINE))
    assert montrees <= set(COMMANDES), montrees - set(COMMANDES)


def test_every_option_shown_exists() -> None:
    aide = page("commandes.md")
    for nom in ("guide-analyste.md", "guide-auditeur.md", "guide-schemas.md"):
        for ligne in re.findall(r"^(?:\$ )?cartographie .*$", page(nom), re.MULTILINE):
            for option in re.findall(r"--[a-z-]+", ligne):
                assert option in aide, f"{nom}: {ligne}"


@pytest.mark.parametrize("statut", list(Statut), ids=lambda s: s.name)
def test_every_exit_status_is_explained(statut: Statut) -> None:
    _, _, suite = page("guide-analyste.md").partition("## Statuts de sortie")
    assert suite, "the README links to #statuts-de-sortie"
    assert re.search(rf"^\| `{int(statut)}` \|", suite.split("\n## ")[0], re.MULTILINE), statut


def test_every_user_error_code_is_listed() -> None:
    for nom, listes in (("codes.md", set(CODES)), ("guide-schemas.md", {c for c in CODES if c.startswith("D")})):
        absents = {c for c in listes if not re.search(rf"^\| `{c}` \|", page(nom), re.MULTILINE)}
        assert not absents, f"absent from docs/{nom}: {sorted(absents)}"


def test_every_rule_and_finding_is_listed() -> None:
    regles = {r["code"] for r in declared("schemas/regles.yaml")}  # type: ignore[attr-defined]
    constats = declared("cartographie/survey/constats.yaml")
    for nom, c in constats.items():  # type: ignore[attr-defined]
        assert f"| {c['code']} | `{nom}` |" in page("regles.md")
    absents = {r for r in regles if f"| {r} |" not in page("regles.md")}
    assert not absents, sorted(absents)


def test_every_variable_is_in_a_dictionary() -> None:
    dictionnaires = "\n".join(p.read_text(encoding="utf-8") for p in sorted(DOCS.glob("dictionnaire-*.md")))
    absentes = {v for v in declared("schemas/variables.yaml") if f"`{v}`" not in dictionnaires}  # type: ignore[attr-defined]
    assert not absentes, sorted(absentes)


def test_every_campaign_has_its_dictionary_and_its_place_in_the_changelog() -> None:
    journal = (RACINE / "CHANGELOG.md").read_text(encoding="utf-8")
    for dossier in sorted((RACINE / "schemas").glob("*/campagne.yaml")):
        assert (DOCS / f"dictionnaire-{dossier.parent.name}.md").is_file()
        assert has_word(journal, dossier.parent.name)


def test_every_table_is_listed() -> None:
    codes = {
        yaml.safe_load(p.read_text(encoding="utf-8"))["code"] for p in (RACINE / "schemas/tableaux").glob("*.yaml")
    }
    journal = (RACINE / "CHANGELOG.md").read_text(encoding="utf-8")
    for code in sorted(codes):
        assert f"## {code}. " in page("tableaux.md"), code
        assert has_word(journal, code), code


def test_every_key_of_the_declarations_is_explained() -> None:
    """Every key a file of schemas/ may hold appears between backquotes in the guide of the declarations."""
    guide = page("guide-schemas.md")
    absentes = {
        f"{genre}: {c}"
        for genre in FICHIERS
        if genre != "constats"
        for c in _keys(json_schema(genre))
        if not re.search(rf"`[^`\n]*\b{c}\b[^`\n]*`|^\s*-? ?\{{?{c}:", guide, re.M)
    }
    assert not absentes, sorted(absentes)


def test_the_json_schemas_are_those_of_the_declared_types() -> None:
    ecrits = {f.name: f.read_text(encoding="utf-8") for f in generator().META.glob("*.json")}
    assert ecrits == schema_files(), "run `make docs`"


def _keys(noeud: object) -> set[str]:
    if isinstance(noeud, dict):
        ici = set(noeud["properties"]) if isinstance(noeud.get("properties"), dict) else set()
        return ici.union(*(_keys(v) for v in noeud.values()))
    if isinstance(noeud, list):
        return set().union(*(_keys(v) for v in noeud))
    return set()


def test_generated_pages_are_up_to_date(tmp_path: Path) -> None:
    generator().main(tmp_path)
    for nouvelle in sorted(tmp_path.iterdir()):
        ancienne = DOCS / nouvelle.name
        assert ancienne.is_file() and ancienne.read_bytes() == nouvelle.read_bytes(), (
            f"run `make docs`: {nouvelle.name}"
        )


def test_links_lead_somewhere() -> None:
    for p in [*sorted(DOCS.glob("*.md")), *sorted(RACINE.glob("*.md"))]:
        for cible in re.findall(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)", p.read_text(encoding="utf-8")):
            fichier, ancre = cible
            if fichier.startswith("http"):
                continue
            destination = (p.parent / fichier).resolve() if fichier else p
            assert destination.exists(), f"{p.name}: {fichier}"
            if ancre and destination.suffix == ".md":
                assert ancre[1:] in _anchors(destination), f"{p.name}: {fichier}{ancre}"


def test_every_test_the_reception_names_exists_and_every_pain_has_its_line() -> None:
    cites = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page("ingestion.md"))
    assert len(cites) == page("ingestion.md").count(".py::") > 60
    absents = {
        f"{fichier}::{nom}"
        for fichier, nom in cites
        if not (RACINE / fichier).is_file()
        or not re.search(rf"^def {nom}\(", (RACINE / fichier).read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert not absents, sorted(absents)
    lignes = re.findall(r"^\| (\d+b?) \|", page("ingestion.md"), re.MULTILINE)
    assert lignes == [*map(str, range(1, 9)), "8b", *map(str, range(9, 45))]


def _anchors(fichier: Path) -> set[str]:
    titres = re.findall(r"^#+ (.+)$", fichier.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titres}


@pytest.mark.parametrize("nom", FICTIVES)
def test_pages_about_the_demonstration_say_it_is_fictitious(nom: str) -> None:
    assert re.search(r"fictives?|fictifs?", page(nom).split("\n## ")[0])
