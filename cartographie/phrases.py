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


def decimal(x: float, decimales: int = 1) -> str:
    """« 1 234,5 »: decimal comma, no useless zero, thousands apart by a narrow no-break space."""
    texte = f"{x:,.{decimales}f}".replace(",", "\u202f").replace(".", ",")
    return texte.rstrip("0").rstrip(",") if "," in texte else texte


MOIS = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre")  # fmt: skip


def jour(iso: str) -> str:
    """« 1er mars 2026 » from « 2026-03-01 »."""
    annee, mois, quantieme = (int(x) for x in iso.split("-"))
    return f"{'1er' if quantieme == 1 else quantieme} {MOIS[mois - 1]} {annee}"
