"""Texts and comments added to a YAML declaration in place: every other character of the file stays as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import yaml

from cartographie.questionnaire.source import Chemin

_RESERVES = frozenset(",[]{}#:&*!|>'\"%@`")  # what a plain text may not hold once it stands in a list on one line


def quoted(texte: str) -> str:
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
        avant = quoted(noeud.value)
    return debut, arret, f"[{avant}, {suite}]"
