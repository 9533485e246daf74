"""The mail of the workers: results as pickles, of which the receiver rebuilds values and calls nothing.

A reader of hostile files may be taken over: what it sends is one more received file.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import is_dataclass
from typing import Any

_MEMO = 1_000_000  # bytes of results among which one may refer to another
_SUITE, _REPART = b"+", b"*"
_DATES = {"date", "datetime", "time", "timedelta", "timezone"}


class Courrier:
    """What a worker sends: results as pickles that refer to one another, for all files of a kind say the same of them."""

    def __init__(self) -> None:
        self.tampon = io.BytesIO()
        self.plieur = pickle.Pickler(self.tampon, protocol=5)
        self.garde: list[Any] = []  # a reference is to a living object
        self.octets = 0

    def plie(self, objet: Any) -> bytes:
        repart = self.octets > _MEMO or not self.garde
        if repart:
            self.plieur.clear_memo()
            self.garde.clear()
            self.octets = 0
        self.tampon.seek(0)
        self.tampon.truncate()
        self.tampon.write(_REPART if repart else _SUITE)
        self.plieur.dump(objet)
        self.garde.append(objet)
        brut = self.tampon.getvalue()
        self.octets += len(brut)
        return brut


class Reception:
    """The other end of a Courrier."""

    def __init__(self) -> None:
        self.tampon = io.BytesIO()
        self.lecteur = _Lecteur(self.tampon)

    def deplie(self, brut: bytes) -> Any:
        self.tampon = io.BytesIO(brut) if brut[:1] == _REPART else self.tampon
        if brut[:1] == _REPART:
            self.lecteur = _Lecteur(self.tampon)
        else:
            self.tampon.seek(0)
            self.tampon.truncate()
            self.tampon.write(brut)
        self.tampon.seek(1)
        return self.lecteur.load()


class _Lecteur(pickle.Unpickler):
    """Rebuilds what a worker sent: values of this package and dates, nothing else can be called."""

    def find_class(self, module: str, nom: str) -> Any:
        if module == "datetime" and nom in _DATES:
            return super().find_class(module, nom)
        if module.startswith("cartographie.") and nom.isidentifier():
            trouve = super().find_class(module, nom)
            if isinstance(trouve, type) and trouve.__module__ == module and _est_valeur(trouve):
                return trouve
        raise pickle.UnpicklingError("valeur inattendue")


def _est_valeur(classe: type) -> bool:
    return is_dataclass(classe) or issubclass(classe, (str, int, tuple))
