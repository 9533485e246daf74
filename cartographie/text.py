"""Spellings: how two texts are compared, and how a received text is cleaned. Shared by every stage."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_EQUIVALENTS = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "°": "o", "≤": "<=", "≥": ">="})
# Invisible characters copied along with a text: zero width blanks and joiners, byte order mark, soft hyphen.
_INVISIBLES = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_NON_MOT = re.compile(r"(?:[^\w<>=+]|_)+")  # comparison signs are kept: "< 10" is not "> 10"
_BLANCS = re.compile(r"[^\S\n]+")
_SAUTS = re.compile(r" ?\n[ \n]*")


def normalise(texte: Any) -> str:
    """The form under which two spellings are the same: no accent, no case, punctuation and blanks as one blank.

    >>> normalise("  N° d’Œuvre : <Été>\\n")
    'no d oeuvre <ete>'
    """
    brut = _INVISIBLES.sub("", str(texte)).translate(_EQUIVALENTS)
    plat = "".join(c for c in unicodedata.normalize("NFKD", brut.casefold()) if not unicodedata.combining(c))
    return _NON_MOT.sub(" ", plat.casefold()).strip()


def clean(texte: Any) -> str:
    """The text as kept: no invisible character, blanks (no-break included) as one space, line breaks as one "\\n"."""
    brut = str(texte)
    if brut.isprintable() and "  " not in brut:  # the usual case, cheap: nothing but plain single spaces
        return brut.strip()
    brut = _INVISIBLES.sub("", brut).replace("\r\n", "\n").replace("\r", "\n")
    return _SAUTS.sub("\n", _BLANCS.sub(" ", brut)).strip()
