"""The form of a declaration file: what pydantic refuses, said in French at its line and key; the JSON Schemas of meta/."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails

from cartographie.survey.types import TYPES
from cartographie.survey.written.declared import FICHIERS, SANS_EDITEUR
from cartographie.survey.written.forms import ATTENDU, OPTIONS
from cartographie.survey.written.source import Chemin, Problemes, Source

OPTIONS["type"] = tuple(TYPES)


@cache
def _adapter(genre: str) -> TypeAdapter[Any]:
    return TypeAdapter(FICHIERS[genre][0])


def read_form(source: Source, genre: str, problemes: Problemes) -> Any:
    """What the file (of a CSV, its lines) declares, in the types of model.py and declared.py.

    Each place where it departs from them is added to `problemes` (D03); nothing is returned then.
    """
    sous: Chemin = ("lignes",) if source.fichier.endswith(".csv") else ()
    contenu = source.contenu["lignes"] if sous else source.contenu
    try:
        return _adapter(genre).validate_python(contenu)
    except ValidationError as e:
        dits = {(*sous, *chemin): message for chemin, message in _say(e, contenu, genre)}
        for chemin, message in sorted(dits.items(), key=lambda d: [str(c) for c in d[0]]):
            problemes.ajouter("D03", source, chemin, message)
        return None


# ---- what is refused

_GENRES = {
    "string": "un texte (entre guillemets si c'est un nombre ou une date)",
    "bool": "true ou false",
    "list": "une liste",
    "tuple": "une liste",
    "dict": "un ensemble « clé : valeur »",
    "dataclass": "un ensemble « clé : valeur »",
    "none": "rien",
}
_TAILLES = {"too_short": ("au moins", "min_length"), "too_long": ("au plus", "max_length")}
_ENTRE_CLES = ("missing", "extra_forbidden", "unexpected_keyword_argument")


def _say(refus: ValidationError, contenu: object, genre: str) -> Iterator[tuple[Chemin, str]]:
    """(path in the file, French sentence) of each fault; the keys unknown or missing at one place are said together."""
    cles: dict[tuple[Chemin, bool], tuple[list[str], ErrorDetails]] = {}
    for e in refus.errors(include_url=False):
        if e["type"] in _ENTRE_CLES:
            ici = (_path(e["loc"][:-1], contenu), e["type"] == "missing")
            cles.setdefault(ici, ([], e))[0].append(str(e["loc"][-1]))
        else:
            yield _path(e["loc"], contenu), _sentence(e)
    par_lieu: dict[Chemin, list[str]] = {}
    for (chemin, absente), (noms, e) in cles.items():
        if absente:
            dit = f"clé obligatoire absente : {', '.join(noms)}."
        else:
            admises = ", ".join(sorted(_keys_at(e["loc"][:-1], genre)))
            dit = f"clé inconnue « {', '.join(noms)} » ; clés admises : {admises}."
        par_lieu.setdefault(chemin, []).append(dit)
    yield from ((chemin, " ".join(dits)) for chemin, dits in par_lieu.items())


def _sentence(e: ErrorDetails) -> str:
    contexte, valeur = e.get("ctx", {}), e["input"]
    recu = f"« {valeur} » n'est pas admis" if isinstance(valeur, str | int | float) else "cette valeur n'est pas admise"
    if e["type"] == ATTENDU:
        return f"{recu} : {e['msg']} est attendu."
    if e["type"] in ("enum", "literal_error"):
        listees = re.findall(r"'([^']*)'", contexte["expected"])  # 'a', 'b' or 'c'
        return f"{recu} ; valeurs possibles : {', '.join(listees)}."
    if e["type"] == "cles":
        return f"donnez {contexte['cles']}."
    if e["type"] in _TAILLES:
        mot, borne = _TAILLES[e["type"]]
        return f"il faut {mot} {contexte.get(borne)} élément(s) ici."
    if attendu := _GENRES.get(e["type"].rpartition("_")[0]):
        return f"{recu} : {attendu} est attendu."
    return "la valeur n'a pas la forme attendue (voir docs/guide-schemas.md)."


def _path(loc: tuple[int | str, ...], contenu: Any) -> Chemin:
    """The steps of a place that are those of the file: not the alternatives pydantic went through. A key is text, as in Source."""
    chemin: list[int | str] = []
    for pas in loc:
        if isinstance(contenu, dict) and pas in contenu:
            chemin.append(str(pas))
        elif isinstance(contenu, list) and isinstance(pas, int) and pas < len(contenu):
            chemin.append(pas)
        else:
            continue
        contenu = contenu[pas]
    return tuple(chemin)


def _keys_at(loc: tuple[int | str, ...], genre: str) -> set[str]:
    """The keys admitted at that place, read in the JSON Schema."""
    racine = json_schema(genre)

    def suit(noeud: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in noeud or "allOf" in noeud:
            noeud = noeud["allOf"][0] if "allOf" in noeud else racine["$defs"][noeud["$ref"].rpartition("/")[2]]
        return noeud

    noeud = suit(racine)
    for pas in loc:
        if isinstance(pas, str) and pas[:1] == "‹":
            noeud = noeud["anyOf"][int(pas[1:-1])]
        elif isinstance(pas, int):
            noeud = noeud.get("items", noeud)
        elif pas in noeud.get("properties", {}):
            noeud = noeud["properties"][pas]
        elif isinstance(noeud.get("additionalProperties"), dict):
            noeud = noeud["additionalProperties"]
        noeud = suit(noeud)
    return set(noeud.get("properties", {}))


# ---- JSON Schemas


class _Schema(GenerateJsonSchema):
    """Without what only programs read: titles made of names, docstrings, default values."""

    def get_title_from_name(self, name: str) -> str:
        return ""

    def default_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def tagged_union_schema(self, schema: Any) -> dict[str, Any]:
        choix = [self.generate_inner(c) for c in schema["choices"].values()]
        simples = all(c.keys() == {"type"} and isinstance(c["type"], str) for c in choix)
        return {"type": [c["type"] for c in choix]} if simples else {"anyOf": choix}

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        sortie = super().dict_schema(schema)
        for motif, forme in sortie.pop("patternProperties", {}).items():
            sortie |= {"propertyNames": {"pattern": motif}, "additionalProperties": forme}
        return sortie


@cache
def json_schema(genre: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file, for editors."""
    produit = _adapter(genre).json_schema(schema_generator=_Schema)
    tete = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{genre}.schema.json"}
    return tete | {"title": FICHIERS[genre][1]} | _bare(produit)


def _bare(noeud: object, cles: bool = True) -> Any:
    """Without `title` and `description`, unless they are keys of the declarations."""
    if isinstance(noeud, dict):
        return {
            k: _bare(v, k not in ("properties", "$defs") or not cles)
            for k, v in noeud.items()
            if not (cles and k in ("title", "description"))
        }
    return [_bare(v) for v in noeud] if isinstance(noeud, list) else noeud


def schema_files() -> dict[str, str]:
    """File name → text of every JSON Schema of meta/: what an editor completes, the YAML files of schemas/."""
    textes = {g: json.dumps(json_schema(g), ensure_ascii=False, indent=2) for g in FICHIERS if g not in SANS_EDITEUR}
    return {f"{genre}.schema.json": texte + "\n" for genre, texte in textes.items()}
