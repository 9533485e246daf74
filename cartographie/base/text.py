"""Texts: how two are compared, cleaned, masked, made harmless; and the small pieces of sentences printed for people."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from typing import SupportsInt

# -------------------------------------------------------------------------------------------
# Small pieces of the sentences printed for people: numbers with their noun, thousands apart, labels inside a sentence.

FICTIF = "Données fictives : aucune réponse n'est celle d'un établissement réel."


def minuscule(texte: str) -> str:
    """A label inside a sentence: only its first letter changes (« Système d'IA »)."""
    return texte[:1].lower() + texte[1:]


def plain(v: object) -> object:
    return v.item() if hasattr(v, "item") else v


def nombre(n: int, un: str, plusieurs: str | None = None) -> str:
    return f"{espace(n)} {un if n < 2 else plusieurs or un + 's'}"


_LIENS = re.compile(r" (?:à|aux?|avec|chez|dans|de|des|du|en|et|par|pour|sans|sur)\b| \w+['’]")


def pluriel(libelle: str) -> str:
    """« robots de traite », « fermes laitières »: the words before the first one that links.

    >>> pluriel("système d'IA"), pluriel("établissement public de santé"), pluriel("avis")
    ("systèmes d'IA", 'établissements publics de santé', 'avis')
    """
    lien = _LIENS.search(libelle)
    fin = lien.start() if lien else len(libelle)
    mots = [m if m[-1:] in ("s", "x", "z") else m + "s" for m in libelle[:fin].split()]
    return " ".join(mots) + libelle[fin:]


def espace(n: SupportsInt) -> str:
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


# -------------------------------------------------------------------------------------------
# Spellings: how two texts are compared, how a received text is cleaned, masked, made harmless. Shared by every stage.

MASQUE = "(masqué)"  # what stands for a value nobody may read

_EQUIVALENTS = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "°": "o", "≤": "<=", "≥": ">="})
# Invisible characters copied along with a text: zero width blanks and joiners, byte order mark, soft hyphen.
_INVISIBLES = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_NON_MOT = re.compile(r"(?:[^\w<>=+]|_)+")  # comparison signs are kept: "< 10" is not "> 10"
_BLANCS = re.compile(r"[^\S\n]+")
_SAUTS = re.compile(r" ?\n[ \n]*")


def normalise(texte: object) -> str:
    """The form under which two spellings are the same: no accent, no case, punctuation and blanks as one blank.

    >>> normalise("  N° d’Œuvre : <Été>\\n")
    'no d oeuvre <ete>'
    """
    brut = _INVISIBLES.sub("", str(texte)).translate(_EQUIVALENTS)
    plat = "".join(c for c in unicodedata.normalize("NFKD", brut.casefold()) if not unicodedata.combining(c))
    return _NON_MOT.sub(" ", plat.casefold()).strip()


def clean(texte: object) -> str:
    """The text as kept: no invisible character, blanks (no-break included) as one space, line breaks as one "\\n"."""
    brut = str(texte)
    if brut.isprintable() and "  " not in brut:  # the usual case, cheap: nothing but plain single spaces
        return brut.strip()
    brut = _INVISIBLES.sub("", brut).replace("\r\n", "\n").replace("\r", "\n")
    return _SAUTS.sub("\n", _BLANCS.sub(" ", brut)).strip()


def text_of(valeur: object) -> str:
    """The text a cell shows: integral numbers without ".0", dates as ISO, texts cleaned."""
    if isinstance(valeur, str):
        return clean(valeur)
    if isinstance(valeur, float):
        if valeur.is_integer():  # whatever its size: equal numbers show the same text
            return str(int(valeur))
        return repr(valeur)
    if isinstance(valeur, datetime):
        return valeur.date().isoformat() if valeur.time() == time() else valeur.isoformat(" ", "seconds")
    if isinstance(valeur, date | time):
        return valeur.isoformat()
    return clean(str(valeur))


# -------------------------------------------------------------------------------------- personal data, formulas

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NEUF_CHIFFRES = re.compile(r"[0-9](?:[^0-9]{0,2}[0-9]){8}")
_TELEPHONE = re.compile(r"(?<![0-9])(?:(?:\+|00)33[\s.\-]?(?:\(0\))?[\s.\-]?|0)[1-9](?:[\s.\-]?[0-9]{2}){4}(?![0-9])")
_NIR = re.compile(
    r"(?<![0-9])[12378]\s?[0-9]{2}\s?(?:0[1-9]|1[0-2]|[2-9][0-9])\s?(?:[0-9]{2}|2[AB])\s?[0-9]{3}\s?[0-9]{3}"
    r"(?:[\s-]?[0-9]{2})?(?![0-9])",
    re.IGNORECASE,
)
_RPPS = re.compile(r"(?<![0-9])8?(1[0-9]{10})(?![0-9])")


def personal_data(texte: str) -> str | None:
    """The kind of personal data a free text seems to hold, or None. Errs on the side of finding some."""
    if "@" in texte and _EMAIL.search(texte):
        return "adresse électronique"
    if not _NEUF_CHIFFRES.search(texte):
        return None
    if _NIR.search(texte):
        return "numéro de sécurité sociale"
    from cartographie.base.identifiers import check  # here: few texts have so many digits, and it reads a library

    if any(check("rpps", m) is None for m in _RPPS.findall(texte)):
        return "numéro RPPS"
    if _TELEPHONE.search(texte):
        return "numéro de téléphone"
    return None


# What a spreadsheet may skip before it meets a formula: blanks, controls, invisible characters.
_FORMULE = re.compile("[\t\r\n\0]|[\\s\0-\x1f\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]*[-=+@＝＋－＠]")


def neutralise(texte: str) -> str:
    """Text a spreadsheet cannot take for a formula: an apostrophe goes before =, +, -, @ (full-width ones and leading
    blanks included), tab, line break and NUL (OWASP). For texts only: a number is never passed here.

    >>> neutralise("=1+1"), neutralise("Île-de-France")
    ("'=1+1", 'Île-de-France')
    """
    return "'" + texte if _FORMULE.match(texte) else texte
