"""The few words Typer prints by itself, in French: help headings and usage errors."""

from __future__ import annotations

import errno
import gettext
import re
from typing import Any

_MOTS = {
    "Arguments": "Arguments",
    "Commands": "Commandes",
    "Options": "Options",
    "Error": "Erreur",
    "Missing command.": "Il manque une commande.",
    "No such command {name!r}.": "La commande {name!r} n'existe pas.",
    "default: {default}": "défaut : {default}",
    "required": "obligatoire",
    "(dynamic)": "(calculé)",
}

# Typer binds gettext.gettext at import and offers no other way to give its words.
_d_origine = gettext.gettext
gettext.gettext = lambda message: _MOTS.get(message, message)
try:
    from typer._click import exceptions as _exceptions
    from typer.core import TyperCommand, TyperGroup
finally:
    gettext.gettext = _d_origine

USAGE = _exceptions.UsageError
_TYPES = re.compile(r" <[A-Za-z\[\] ]+>")
_AIDE = (("Show this message and exit.", "Affiche cette aide."), ("Usage:", "Usage :"), ("Options:", "Options :"), ("Arguments:", "Arguments :"), ("Commandes:", "Commandes :"), ("[OPTIONS]", "[OPTIONS]"),
         ("COMMAND [ARGS]...", "COMMANDE [ARGUMENTS]…"))  # fmt: skip


def _translate(texte: str) -> str:
    for anglais, francais in _AIDE:
        texte = texte.replace(anglais, francais)
    return _TYPES.sub("", texte)


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


def usage_message(e: Any) -> str:
    """One French sentence for a wrong command line, and where the help is."""
    nom = type(e).__name__
    commande = e.ctx.command_path if getattr(e, "ctx", None) else "cartographie"
    if nom == "NoArgsIsHelpError":
        return _translate(e.ctx.get_help())
    if nom == "NoSuchOption":
        texte = f"l'option « {e.option_name} » n'existe pas"
    elif nom == "MissingParameter":
        texte = f"il manque {getattr(e.param, 'metavar', None) or 'un argument'}"
    elif nom == "BadParameter" and "is not readable" in e.message:
        texte = f"{e.message.split(chr(39))[1]} ne peut pas être lu : vérifiez vos droits"
    elif nom == "BadParameter":
        texte = f"la valeur donnée à {e.param.opts[-1] if e.param else 'une option'} ne convient pas"
    elif "unexpected extra argument" in e.message:
        texte = "il y a un argument de trop"
    elif nom == "BadOptionUsage":
        texte = f"l'option « {e.option_name} » attend une valeur"
    elif "Did you mean" in e.message:
        texte = e.message.replace("Did you mean", "vouliez-vous dire").replace("? ;", "").rstrip("?")
        texte = texte[0].lower() + texte[1:]
    else:
        texte = e.message[0].lower() + e.message[1:].rstrip(".")
    return f"Erreur U01 : {texte} ; voir « {commande} --help »."
