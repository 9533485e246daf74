"""Invented identification numbers with a right key, in ranges nobody was ever given."""

from __future__ import annotations

from collections.abc import Mapping

LETTRES = {"A": "1", "B": "2"}


def luhn_digit(corps: str) -> str:
    """The digit that makes `corps` + digit satisfy the Luhn formula (letters of Corsica count as 1 and 2)."""
    total = 0
    for rang, signe in enumerate(reversed(corps)):
        chiffre = int(LETTRES.get(signe, signe)) * (2 if rang % 2 == 0 else 1)
        total += chiffre - 9 if chiffre > 9 else chiffre
    return str(-total % 10)


def finess(numero: int, departement: str, prefixes: Mapping[str, str]) -> str:
    """Nine characters: the department, a 9 (a range not in use), a number, the key."""
    prefixe = prefixes.get(departement, departement[:2] + "9")
    corps = prefixe + str(numero % 10 ** (8 - len(prefixe))).zfill(8 - len(prefixe))
    return corps + luhn_digit(corps)


def siren(numero: int) -> str:
    corps = "9" + str(numero % 10**7).zfill(7)
    return corps + luhn_digit(corps)


def siret(numero: int) -> str:
    corps = siren(numero) + "0001"
    return corps + luhn_digit(corps)


def rpps(numero: int) -> str:
    corps = "99" + str(numero % 10**8).zfill(8)
    return corps + luhn_digit(corps)
