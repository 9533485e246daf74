"""YAML and CSV declarations rewritten in place, every other character as it was, and the change as a unified diff."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

import yaml

from cartographie.survey.written.source import Chemin

# -------------------------------------------------------------------------------------------
# Cells of a CSV declaration rewritten in place: every other character of the file stays as it was.


class Champ(NamedTuple):
    """One cell: its text, and where it is written."""

    texte: str
    debut: int
    fin: int


def cut(texte: str) -> list[list[Champ]]:
    """Records of a comma-separated text, quotes and line breaks inside quotes understood; blank lines left out."""
    rangs: list[list[Champ]] = []
    rang: list[Champ] = []
    i = 1 if texte.startswith("\ufeff") else 0
    debut, dedans = i, False
    while i <= len(texte):
        c = texte[i] if i < len(texte) else "\n"
        if dedans:
            dedans = c != '"' and i < len(texte)
        elif c == '"':
            dedans = True
        elif c in ",\r\n":
            brut = texte[debut:i]
            plein = brut[1:-1].replace('""', '"') if brut.startswith('"') else brut
            rang.append(Champ(plein.strip(), debut, i))
            if c == "\r" and texte[i + 1 : i + 2] == "\n":
                i += 1
            debut = i + 1
            if c != ",":
                rangs.append(rang)
                rang = []
        i += 1
    return [r for r in rangs if any(c.texte for c in r)]


def set_cells(texte: str, colonne: str, valeurs: Mapping[str, str]) -> str:
    """The text with that column rewritten where `code` is a key of `valeurs`. As it was when it has no such column."""
    rangs = cut(texte)
    entete = [c.texte for c in rangs[0]] if rangs else []
    if not {colonne, "code"} <= set(entete):
        return texte
    place, cle = entete.index(colonne), entete.index("code")
    for rang in reversed(rangs[1:]):
        if len(rang) == len(entete) and rang[cle].texte in valeurs:
            champ = rang[place]
            texte = texte[: champ.debut] + quoted_csv(valeurs[rang[cle].texte]) + texte[champ.fin :]
    return texte


def quoted_csv(valeur: str) -> str:
    return '"' + valeur.replace('"', '""') + '"' if any(c in valeur for c in ',"\r\n') else valeur


# -------------------------------------------------------------------------------------------
# A proposed change of a declaration file, as a unified diff that `git apply` and `patch -p1` take.


class Correctif(NamedTuple):
    """One declaration file, before and after. `chemin`: relative to the workspace, forward slashes."""

    chemin: str
    avant: str
    apres: str


def read_exact(chemin: Path) -> str:
    """A declaration file, its line ends and byte order mark kept."""
    return chemin.read_bytes().decode("utf-8")


def unified(correctifs: Iterable[Correctif]) -> str:
    """The diff of the files that change; "" when none does."""
    return "".join("".join(_one(c)) for c in correctifs if c.avant != c.apres)


def _one(c: Correctif) -> list[str]:
    lignes = unified_diff(_lines(c.avant), _lines(c.apres), f"a/{c.chemin}", f"b/{c.chemin}")
    return [x if x.endswith("\n") else f"{x}\n\\ No newline at end of file\n" for x in lignes]


def _lines(texte: str) -> list[str]:
    """Cut at line feeds only: another line separator inside a text is no end of line for `patch`."""
    lignes = [ligne + "\n" for ligne in texte.split("\n")]
    lignes[-1] = lignes[-1][:-1]
    return lignes if lignes[-1] else lignes[:-1]


def write_diff(sortie: Path | None, correctifs: Sequence[Correctif]) -> Path | None:
    """Write the diff where asked; its path, None when there is nothing to propose (nothing is written then)."""
    texte = unified(correctifs)
    if sortie is None or not texte:
        return None
    sortie.parent.mkdir(parents=True, exist_ok=True)
    sortie.write_bytes(texte.encode("utf-8"))
    return sortie


# -------------------------------------------------------------------------------------------
# Texts and comments added to a YAML declaration in place: every other character of the file stays as it was.

_RESERVES = frozenset(",[]{}#:&*!|>'\"%@`")  # what a plain text may not hold once it stands in a list on one line


def quoted_yaml(texte: str) -> str:
    """A YAML double-quoted text, on one line whatever it holds."""
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in json.dumps(texte, ensure_ascii=False))


def add_to(texte: str, ajouts: Mapping[Chemin, Sequence[str]], remarques: Mapping[Chemin, Sequence[str]]) -> str:
    """`ajouts`: key → YAML values added to its list; `remarques`: key → comment lines put above it.

    A value written on several lines (`|`, `>`) cannot be added to: the addition is put above it as a comment.
    """
    racine = yaml.compose(texte, Loader=yaml.SafeLoader)
    assert racine is not None  # a declaration that was loaded
    changes: list[tuple[int, int, str]] = []
    fin = "\r\n" if "\r\n" in texte else "\n"
    commentaires = {c: list(r) for c, r in remarques.items()}
    for chemin, valeurs in ajouts.items():
        _, noeud = _find(racine, chemin)
        change = _addition(texte, noeud, valeurs, fin)
        if change is None:
            commentaires.setdefault(chemin, []).append(f"à ajouter ici : {', '.join(valeurs)}")
        else:
            changes.append(change)
    for chemin, lignes in commentaires.items():
        cle, _ = _find(racine, chemin)
        debut = cle.start_mark.index - cle.start_mark.column
        retrait = " " * (len(ligne := texte[debut : cle.start_mark.index]) - len(ligne.lstrip()))
        changes.append((debut, debut, "".join(f"{retrait}# {ligne}{fin}" for ligne in lignes)))
    for debut, arret, nouveau in sorted(changes, reverse=True):
        texte = texte[:debut] + nouveau + texte[arret:]
    return texte


def _find(noeud: yaml.Node, chemin: Chemin) -> tuple[yaml.Node, yaml.Node]:
    """(key, value) at a path."""
    cle = noeud
    for pas in chemin:
        if isinstance(noeud, yaml.SequenceNode):
            cle = noeud = noeud.value[int(pas)]
        else:
            cle, noeud = next((k, v) for k, v in noeud.value if k.value == str(pas))
    return cle, noeud


def _addition(texte: str, noeud: yaml.Node, valeurs: Sequence[str], fin: str) -> tuple[int, int, str] | None:
    """(from, to, new text) that puts the values at the end of the list, or makes a list of a single value."""
    debut, arret = noeud.start_mark.index, noeud.end_mark.index
    suite = ", ".join(valeurs)
    if isinstance(noeud, yaml.SequenceNode) and noeud.flow_style:
        if not noeud.value:
            return debut + 1, debut + 1, suite
        dernier = noeud.value[-1].end_mark.index
        return dernier, dernier, f", {suite}"
    if isinstance(noeud, yaml.SequenceNode):
        dernier = noeud.value[-1]
        if isinstance(dernier, yaml.ScalarNode) and dernier.style in ("|", ">"):
            return None
        place = texte.find("\n", dernier.end_mark.index - 1) + 1  # after the comment that may follow
        retrait = " " * noeud.start_mark.column
        ajout = "".join(f"{retrait}- {v}{fin}" for v in valeurs)
        return (place, place, ajout) if place else (len(texte), len(texte), fin + ajout.removesuffix(fin))
    if isinstance(noeud, yaml.MappingNode) and not noeud.flow_style:
        return None
    if isinstance(noeud, yaml.ScalarNode) and noeud.style in ("|", ">"):
        return None
    avant = texte[debut:arret]
    if isinstance(noeud, yaml.ScalarNode) and noeud.style is None and (_RESERVES & set(avant) or "\n" in avant):
        avant = quoted_yaml(noeud.value)
    return debut, arret, f"[{avant}, {suite}]"
