"""The few words Typer prints by itself, in French: help headings and usage errors."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

USAGE: type[Exception] = typer.BadParameter.__bases__[0]  # what every wrong command line raises
_AIDE = tuple(
    (re.compile(anglais, re.MULTILINE), francais)
    for anglais, francais in (
        (r"^Usage:", "Usage :"),
        (r"^Arguments:", "Arguments :"),
        (r"^Options:", "Options :"),
        (r"^Commands:", "Commandes :"),
        (r"COMMAND \[ARGS\]\.\.\.", "COMMANDE [ARGUMENTS]…"),
        (r"Show this message and exit\.", "Affiche cette aide."),
        (r"\[default: ", "[défaut : "),
        (r"\[default:$", "[défaut :"),
        (r"\[required\]", "[obligatoire]"),
        (r"; required\]", "; obligatoire]"),
        (r" <[A-Za-z\[\] ]+>", ""),
    )
)


def _translate(texte: str) -> str:
    for anglais, francais in _AIDE:
        texte = anglais.sub(francais, texte)
    return texte


class Command(TyperCommand):
    def get_help(self, ctx: Any) -> str:
        return _translate(super().get_help(ctx))


class Group(TyperGroup):
    def get_help(self, ctx: Any) -> str:
        return _translate(super().get_help(ctx))


def os_message(e: OSError) -> str:
    """One French sentence for what the system refused, and what to do."""
    phrases = {
        errno.EACCES: "l'accès est refusé : vérifiez vos droits, ou fermez le fichier s'il est ouvert ailleurs",
        errno.EPERM: "l'accès est refusé : vérifiez vos droits, ou fermez le fichier s'il est ouvert ailleurs",
        errno.EROFS: "ce dossier est en lecture seule : choisissez-en un autre",
        errno.ENOSPC: "le disque est plein : libérez de la place puis relancez",
        errno.EDQUOT: "votre quota de disque est atteint : libérez de la place puis relancez",
        errno.EFBIG: "le fichier dépasse la taille permise : levez cette limite, ou écrivez ailleurs",
        errno.EMFILE: "trop de fichiers sont ouverts : relancez avec moins d'ouvriers (--ouvriers 1)",
        errno.ENOMEM: "la mémoire ne suffit pas : fermez d'autres programmes, ou relancez avec --ouvriers 1",
        errno.ENOENT: "le fichier ou le dossier n'existe pas : vérifiez le chemin",
        errno.ENOTDIR: "le chemin passe par un fichier, non par un dossier : vérifiez-le",
        errno.EISDIR: "c'est un dossier, il faut un fichier : vérifiez le chemin",
        errno.ENAMETOOLONG: "le nom est trop long : raccourcissez-le",
    }
    return phrases.get(e.errno or 0, "le système a refusé de lire ou d'écrire : vérifiez le chemin et le disque")


_PAR_GENRE: dict[str, Callable[[Any], str]] = {
    "NoSuchOption": lambda e: f"l'option « {e.option_name} » n'existe pas",
    "MissingParameter": lambda e: f"il manque {getattr(e.param, 'metavar', None) or 'un argument'}",
    "BadOptionUsage": lambda e: f"l'option « {e.option_name} » attend une valeur",
    "BadParameter": lambda e: f"la valeur donnée à {e.param.opts[-1] if e.param else 'une option'} ne convient pas",
}
_PAR_TEXTE = (
    (r".*'([^']*)' is not readable.*", r"\1 ne peut pas être lu : vérifiez vos droits"),
    (
        r"No such command '([^']*)'.*Did you mean '([^']*)'.*",
        r"la commande « \1 » n'existe pas, vouliez-vous dire « \2 »",
    ),
    (r"No such command '([^']*)'.*", r"la commande « \1 » n'existe pas"),
    (r"Missing command.*", "il manque une commande"),
    (r".*unexpected extra argument.*", "il y a un argument de trop"),
)


def usage_message(e: Exception) -> str:
    """One French sentence for a wrong command line, and where the help is."""
    contexte, message = getattr(e, "ctx", None), str(getattr(e, "message", ""))
    if type(e).__name__ == "NoArgsIsHelpError" and contexte:
        return str(contexte.get_help())
    dits = (re.sub(motif, dit, message) for motif, dit in _PAR_TEXTE if re.fullmatch(motif, message, re.DOTALL))
    texte = next(dits, "") or _PAR_GENRE.get(type(e).__name__, lambda _: message[:1].lower() + message[1:].rstrip("."))(
        e
    )
    return f"Erreur U01 : {texte} ; voir « {contexte.command_path if contexte else 'cartographie'} --help »."
