"""The few words Typer prints by itself, in French: help headings and usage errors."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

USAGE: type[Exception] = typer.BadParameter.__bases__[0]  # what every wrong command line raises
# `commandes`: what each is, with its example and its exit statuses; `aide`, `usage`: regular expression on what Typer prints, French;
# `systeme`: what the system refused, and what to do. JSON, which every command can afford to read.
TEXTES: Mapping[str, Any] = json.loads(Path(__file__).with_name("french.json").read_text(encoding="utf-8"))


def _translate(texte: str) -> str:
    for anglais, francais in TEXTES["aide"]:
        texte = re.sub(anglais, francais, texte, flags=re.MULTILINE)
    return texte


class Command(TyperCommand):
    def get_help(self, ctx: Any) -> str:
        return _translate(super().get_help(ctx))


class Group(TyperGroup):
    def get_help(self, ctx: Any) -> str:
        return _translate(super().get_help(ctx))


def os_message(e: OSError) -> str:
    """One French sentence for what the system refused, and what to do."""
    return TEXTES["systeme"].get(
        errno.errorcode.get(e.errno or 0), "le système a refusé de lire ou d'écrire : vérifiez le chemin et le disque"
    )


_PAR_GENRE: dict[str, Callable[[Any], str]] = {
    "NoSuchOption": lambda e: f"l'option « {e.option_name} » n'existe pas",
    "MissingParameter": lambda e: f"il manque {getattr(e.param, 'metavar', None) or 'un argument'}",
    "BadOptionUsage": lambda e: f"l'option « {e.option_name} » attend une valeur",
    "BadParameter": lambda e: f"la valeur donnée à {e.param.opts[-1] if e.param else 'une option'} ne convient pas",
}


def usage_message(e: Exception) -> str:
    """One French sentence for a wrong command line, and where the help is."""
    contexte, message = getattr(e, "ctx", None), str(getattr(e, "message", ""))
    if type(e).__name__ == "NoArgsIsHelpError" and contexte:
        return str(contexte.get_help())
    dits = (re.sub(motif, dit, message) for motif, dit in TEXTES["usage"] if re.fullmatch(motif, message, re.DOTALL))
    texte = next(dits, "") or _PAR_GENRE.get(type(e).__name__, lambda _: message[:1].lower() + message[1:].rstrip("."))(
        e
    )
    return f"Erreur U01 : {texte} ; voir « {contexte.command_path if contexte else 'cartographie'} --help »."
