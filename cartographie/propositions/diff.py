"""A proposed change of a declaration file, as a unified diff that `git apply` and `patch -p1` take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple


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
