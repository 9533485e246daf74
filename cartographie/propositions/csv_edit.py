"""Cells of a CSV declaration rewritten in place: every other character of the file stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


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
            texte = texte[: champ.debut] + quoted(valeurs[rang[cle].texte]) + texte[champ.fin :]
    return texte


def quoted(valeur: str) -> str:
    return '"' + valeur.replace('"', '""') + '"' if any(c in valeur for c in ',"\r\n') else valeur
