"""User errors (one French sentence, a stable code, an exit status) and the exit statuses themselves.

A `UserError` is the user's to mend; any other exception is a bug of ours and says so.
"""

from __future__ import annotations

import csv
import sys
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple


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


class Code(NamedTuple):
    """What an error code means, in French, and its exit status; `ailleurs`: the other one it has, where it has two."""

    sens: str
    statut: Statut = Statut.USAGE
    ailleurs: Statut | None = None


# Every error code: U the command or what it was given, E what was to be written, D a declaration. docs/codes.md lists them.
with Path(__file__).with_name("codes.csv").open(encoding="utf-8", newline="") as _fichier:
    CODES = {
        c["code"]: Code(c["sens"], Statut[c["statut"]], Statut[c["ailleurs"]] if c["ailleurs"] else None)
        for c in csv.DictReader(_fichier)
    }

EVENEMENT = "cartographie.code"


def tell(genre: str, code: str) -> None:
    """Tell who listens that a code arose: an audit event of Python's, heard with `sys.addaudithook`, free when nobody listens.

    `genre`: "erreur", "defaut" (of `lint`), "anomalie" (the rule of a finding) come with their code, "constat" with its name in
    constats.yaml, "statut" with the exit status of a command. A code and nothing else: never what was received.
    """
    sys.audit(EVENEMENT, genre, code)


class UserError(Exception):
    """`code` is one of CODES, `message` one French sentence saying where and what to do, `statut` the exit status: the code's,
    or its other one. A code or a status that is not declared is a bug, and raises as one."""

    def __init__(self, code: str, message: str, statut: Statut | None = None) -> None:
        declare = CODES[code]
        if statut not in {None, declare.statut, declare.ailleurs}:
            raise ValueError(f"{code} has no status {statut}")
        super().__init__(f"{code} : {message}")
        self.code = code
        self.message = message
        self.statut = declare.statut if statut is None else statut
        tell("erreur", code)


class DeclarationError(UserError):
    """An inconsistent declaration under schemas/: file, line and key are in the message."""

    def __init__(self, code: str, message: str, fichier: str, ligne: int | None = None, cle: str | None = None) -> None:
        lieu = fichier + (f", ligne {ligne}" if ligne else "") + (f", clé « {cle} »" if cle else "")
        super().__init__(code, f"{lieu} : {message}", Statut.DECLARATION)
        self.fichier, self.ligne, self.cle = fichier, ligne, cle
