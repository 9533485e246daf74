"""The return reference of a correction workbook: which received answer it corrects, and the proof that we wrote it.

`<depot>-<ligne>-<jeton>`: the 12 hex id of the received file, the row of the respondent's record in it (0: the whole file,
refused), and 16 hex of a keyed digest, so that nobody can claim to correct someone else's answer.
"""

from __future__ import annotations

import hmac
import re

_REFERENCE = re.compile(r"([0-9a-f]{12})-([0-9]{1,7})-([0-9a-f]{16})")


def reference_token(cle: bytes, annee: str, depot: str, feuille: str, ligne: int) -> str:
    """16 hex of HMAC-SHA256; `feuille` is "" for a refused file."""
    return hmac.digest(cle or b"-", f"{annee}|{depot}|{feuille}|{ligne}".encode(), "sha256").hex()[:16]


def write_reference(cle: bytes, annee: str, depot: str, feuille: str, ligne: int) -> str:
    """The reference to write in the workbook sent back."""
    return f"{depot}-{ligne}-{reference_token(cle, annee, depot, feuille, ligne)}"


def read_reference(texte: str) -> tuple[str, int, str] | None:
    """(depot, ligne, jeton) of a reference as read; None when it is none."""
    trouve = _REFERENCE.fullmatch(texte.strip().lower())
    return (trouve[1], int(trouve[2]), trouve[3]) if trouve else None


def is_ours(cle: bytes, annee: str, depot: str, feuille: str, ligne: int, jeton: str) -> bool:
    """True when the token is the one we would write."""
    return hmac.compare_digest(reference_token(cle, annee, depot, feuille, ligne), jeton)
