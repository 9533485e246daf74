"""Small pieces of the sentences printed for people: numbers with their noun, thousands apart, labels inside a sentence."""

from __future__ import annotations

from typing import Any

FICTIF = "Données fictives : aucune réponse n'est celle d'un établissement réel."


def minuscule(texte: str) -> str:
    """A label inside a sentence: only its first letter changes (« Système d'IA »)."""
    return texte[:1].lower() + texte[1:]


def plain(v: Any) -> Any:
    return v.item() if hasattr(v, "item") else v


def nombre(n: int, un: str, plusieurs: str | None = None) -> str:
    return f"{espace(n)} {un if n < 2 else plusieurs or un + 's'}"


def espace(n: Any) -> str:
    return f"{int(n):,}".replace(",", " ")
