"""Declaration files as plain values that still know their lines, so that every refusal names file, line and key."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from cartographie.base.errors import DeclarationError

Chemin = tuple[str | int, ...]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.2 scalars: a code such as 01, NO or 2A5 stays text; only true/false are booleans."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _motif, _debuts in (
    ("tag:yaml.org,2002:null", r"^(?:~|null|)$", "~n\0"),
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]+$", "-+0123456789"),
    ("tag:yaml.org,2002:timestamp", r"^\d{4}-\d{2}-\d{2}$", "0123456789"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_motif), list(_debuts) + ([""] if "~" in _debuts else []))


@dataclass(frozen=True, slots=True)
class Source:
    """One declaration file: `contenu` as plain values, `lignes` from the path of a key to its 1-based line."""

    fichier: str
    contenu: Any
    lignes: Mapping[Chemin, int]

    def ligne(self, chemin: Chemin) -> int | None:
        """Line of the key, or of its nearest declared ancestor."""
        while chemin not in self.lignes:
            if not chemin:
                return None
            chemin = chemin[:-1]
        return self.lignes[chemin]


@dataclass
class Problemes:
    """Inconsistencies met so far; `lever` raises them together, the first one giving the error its code."""

    liste: list[DeclarationError] = field(default_factory=list)

    def ajouter(self, code: str, source: Source, chemin: Chemin, message: str) -> None:
        cle = ".".join(str(c) for c in chemin) or None
        self.liste.append(DeclarationError(code, message, source.fichier, source.ligne(chemin), cle))

    def lever(self) -> None:
        if not self.liste:
            return
        premier = self.liste[0]
        if len(self.liste) > 1:
            autres = [f"{e.code} : {e.message}" for e in self.liste[1:30]]
            reste = len(self.liste) - 30
            premier.message += "\n" + "\n".join(autres) + (f"\n… et {reste} autres incohérences." if reste > 0 else "")
        raise premier


def _read(projet: Path, relatif: str) -> str:
    """The text of a file of schemas/, its line ends as they are. Raises DeclarationError D01 (absent), D02 (not UTF-8)."""
    fichier = f"schemas/{relatif}"
    try:
        with (projet / fichier).open(encoding="utf-8-sig", newline="") as f:
            return f.read()
    except FileNotFoundError:
        raise DeclarationError("D01", "le fichier n'existe pas : créez-le ou rétablissez-le.", fichier) from None
    except UnicodeDecodeError:
        raise DeclarationError("D02", "le fichier n'est pas en UTF-8 : enregistrez-le en UTF-8.", fichier) from None


def read_yaml(projet: Path, relatif: str) -> Source:
    """Raises DeclarationError D01 (absent), D02 (not YAML) or D04 (a key given twice)."""
    fichier, texte = f"schemas/{relatif}", _read(projet, relatif)
    try:
        loader = _Loader(texte)
        noeud = loader.get_single_node()
        lignes: dict[Chemin, int] = {}
        if noeud is not None:
            _visit(noeud, (), lignes, fichier)
        contenu = None if noeud is None else loader.construct_document(noeud)
    except yaml.MarkedYAMLError as e:
        ligne = e.problem_mark.line + 1 if e.problem_mark else None
        mal_forme = f"le YAML est mal formé ({e.problem}) : corrigez cette ligne."
        raise DeclarationError("D02", mal_forme, fichier, ligne) from None
    return Source(fichier, contenu, lignes)


def _visit(noeud: yaml.Node, chemin: Chemin, lignes: dict[Chemin, int], fichier: str) -> None:
    lignes.setdefault(chemin, noeud.start_mark.line + 1)
    if isinstance(noeud, yaml.MappingNode):
        for cle, valeur in noeud.value:
            nom = str(cle.value)
            enfant = (*chemin, nom)
            if enfant in lignes:
                deux = "la clé est donnée deux fois : gardez-en une."
                raise DeclarationError("D04", deux, fichier, cle.start_mark.line + 1, nom)
            lignes[enfant] = cle.start_mark.line + 1
            _visit(valeur, enfant, lignes, fichier)
    elif isinstance(noeud, yaml.SequenceNode):
        for i, valeur in enumerate(noeud.value):
            lignes[(*chemin, i)] = valeur.start_mark.line + 1
            _visit(valeur, (*chemin, i), lignes, fichier)
    elif noeud.tag == "tag:yaml.org,2002:timestamp":
        try:
            date.fromisoformat(noeud.value)
        except ValueError:
            message = f"le {noeud.value} n'existe pas : écrivez une date AAAA-MM-JJ."
            cle = ".".join(map(str, chemin))
            raise DeclarationError("D10", message, fichier, noeud.start_mark.line + 1, cle) from None


def read_csv(projet: Path, relatif: str) -> Source:
    """A CSV of schemas/ as a list of dicts of text. Raises D01, D02 (a line with another number of cells)."""
    fichier = f"schemas/{relatif}"
    lecteur = csv.reader(io.StringIO(_read(projet, relatif), newline=""))
    entete = [e.strip() for e in next(lecteur, [])]
    rangs: list[dict[str, str]] = []
    lignes: dict[Chemin, int] = {(): 1}
    for cellules in lecteur:
        if not any(c.strip() for c in cellules):
            continue
        if len(cellules) != len(entete):
            ecart = f"{len(cellules)} cellules au lieu de {len(entete)} : vérifiez les virgules et les guillemets."
            raise DeclarationError("D02", ecart, fichier, lecteur.line_num)
        lignes["lignes", len(rangs)] = lecteur.line_num
        rangs.append({k: v.strip() for k, v in zip(entete, cellules, strict=True)})
    return Source(fichier, {"entete": entete, "lignes": rangs}, lignes)


def hash_files(projet: Path) -> dict[str, str]:
    """sha256 of every file under schemas/, by relative path."""
    racine = projet / "schemas"
    return {
        f.relative_to(racine).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(racine.rglob("*"))
        if f.is_file() and not f.name.startswith(".")
    }


def as_plain(noeud: object) -> Any:
    """Dates as the text they were written as: a received date cell shows the same."""
    if isinstance(noeud, date):
        return noeud.isoformat()
    if isinstance(noeud, dict):
        return {k: as_plain(v) for k, v in noeud.items()}
    return [as_plain(v) for v in noeud] if isinstance(noeud, list) else noeud
