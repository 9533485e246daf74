"""User errors (one French sentence, a stable code, an exit status) and the exit statuses themselves.

A `UserError` is the user's to mend; any other exception is a bug of ours and says so.
"""

from __future__ import annotations

from enum import IntEnum


class Statut(IntEnum):
    """Exit statuses of every command, documented in docs/guide-analyste.md."""

    FAIT = 0
    BUG = 1
    USAGE = 2
    DECLARATION = 10
    FICHIER_REFUSE = 11
    ANOMALIES = 12
    IMPLAUSIBLE = 13
    SECRET = 14
    EXISTE = 15
    AUDIT = 16
    OCCUPE = 17


class UserError(Exception):
    """`code` is stable, `message` is one French sentence saying where and what to do, `statut` the exit status."""

    def __init__(self, code: str, message: str, statut: Statut = Statut.USAGE) -> None:
        super().__init__(f"{code} : {message}")
        self.code = code
        self.message = message
        self.statut = statut


class DeclarationError(UserError):
    """An inconsistent declaration under schemas/: file, line and key are in the message."""

    def __init__(self, code: str, message: str, fichier: str, ligne: int | None = None, cle: str | None = None) -> None:
        lieu = fichier + (f", ligne {ligne}" if ligne else "") + (f", clé « {cle} »" if cle else "")
        super().__init__(code, f"{lieu} : {message}", Statut.DECLARATION)
        self.fichier, self.ligne, self.cle = fichier, ligne, cle
