"""Identifiers of actors and places: format, key, and the repairs that can be proposed. Pure functions of one value.

A check returns None when the value is right, else the name of a finding (`identifiant_format`, `identifiant_cle`).
A repair returns (proposal, finding): the proposal is None when nothing safe can be said. Rules: design/DOMAIN.md §4.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Callable, Mapping

from stdnum.fr import siren, siret

FORMAT = "identifiant_format"
CLE = "identifiant_cle"
TRONQUE = "identifiant_tronque"
ZERO = "zero_perdu"
CASSE = "casse_corrigee"
ECRITURE = "ecriture_normalisee"
CHIFFRES_MAX = 10**15  # a spreadsheet number is exact below

LA_POSTE = "356000000"  # the SIREN whose SIRET keys follow another rule
LONGUEURS = {"finess": 9, "siren": 9, "siret": 14, "rpps": 11, "commune": 5, "departement": 2, "region": 2}
MOTIFS = {  # what each looks like, its key apart
    "finess": "(?:0[1-9]|[1-9][0-9]|2[AB])[0-9]{7}",
    "siren": "[0-9]{9}",
    "siret": "[0-9]{14}",
    "rpps": "[0-9]{11}",
    "commune": "(?:0[1-9]|[1-9][0-9]|2[AB])[0-9]{3}",  # of INSEE, not a postal code
    "departement": "0[1-9]|1[0-9]|2[1-9AB]|[3-8][0-9]|9[0-5]|97[1-8]|98[4-9]",
    "region": "[0-9]{2}",  # which ones exist is the nomenclature's business
}
_SCIENTIFIQUE = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_SEPARATEURS = re.compile(r"[\s.'’‘`\-_\u200b-\u200f\u2060\ufeff]+")
_DOUBLES = str.maketrans("0123456789", "0246813579")  # the sum of the digits of the double
_CORSE = {"2A": "21", "2B": "22"}  # what they count as in the key


def luhn(chiffres: str) -> bool:
    """True when the digits satisfy Luhn's rule, the last one being the key."""
    doubles, simples = chiffres[-2::-2].translate(_DOUBLES).encode(), chiffres[::-2].encode()
    return bool(chiffres) and (sum(doubles) + sum(simples) - 48 * len(chiffres)) % 10 == 0


_CLES: Mapping[str, Callable[[str], bool]] = {  # those that have a key: whether it is right
    "finess": lambda n: luhn(_CORSE.get(n[:2], n[:2]) + n[2:]),
    "siren": siren.is_valid,
    "siret": siret.is_valid,  # of La Poste, but for its head office: the sum of the digits is a multiple of 5
    "rpps": luhn,
}


def check(type_identifiant: str, valeur: str) -> str | None:
    """Its format, then its key."""
    if not re.fullmatch(MOTIFS[type_identifiant], valeur):
        return FORMAT
    return None if _CLES.get(type_identifiant, bool)(valeur) else CLE


def repair(type_identifiant: str, valeur: object) -> tuple[str | None, str | None]:
    """(value to use or propose, finding): (v, None) when already right; (None, finding) when refused.

    Only what loses nothing is repaired: blanks and dots inside, case of 2a/2b, one zero eaten by the spreadsheet (when
    the key, if any, then holds). With `identifiant_cle` the value itself is returned: its format is right.
    """
    texte = text_of_number(valeur)
    if texte is None:
        return None, TRONQUE if is_too_long(valeur) else FORMAT
    if is_scientific(texte) or (type_identifiant == "siret" and _SEPARATEURS.sub("", texte)[9:] == "00000"):
        return None, TRONQUE  # 7,32829E+13, or what is left of it once read back: no SIRET has this internal number
    if check(type_identifiant, texte) is None:
        return texte, None
    compact = _SEPARATEURS.sub("", texte)
    majuscule = compact.upper()
    if check(type_identifiant, majuscule) is None:
        return majuscule, ECRITURE if compact != texte else CASSE
    if majuscule.isascii() and majuscule.isdigit() and len(majuscule) == LONGUEURS[type_identifiant] - 1:
        complet = "0" + majuscule
        if check(type_identifiant, complet) is None:
            return complet, ZERO
    if check(type_identifiant, majuscule) == CLE:
        return majuscule, CLE
    return None, FORMAT


def changes(recu: object, lu: str) -> list[str]:
    """What `repair` did to a received value to make it `lu`: the finding of each kind of change, none when it is the same."""
    texte = text_of_number(recu) or ""
    compact = _SEPARATEURS.sub("", texte)
    faits = {ECRITURE: compact != texte, CASSE: compact.upper() != compact, ZERO: len(lu) > len(compact)}
    return [nom for nom, fait in faits.items() if fait]


def is_scientific(texte: str) -> bool:
    """True for a text such as 7,32829E+13: the spreadsheet has dropped digits that nothing can bring back."""
    return _SCIENTIFIQUE.fullmatch(texte) is not None


def is_too_long(valeur: object) -> bool:
    """True for a number that a spreadsheet cannot hold to its last digit."""
    return isinstance(valeur, int | float) and not isinstance(valeur, bool) and CHIFFRES_MAX <= valeur < math.inf


def propose(type_identifiant: str, valeur: object) -> str | None:
    """What the respondent may have meant when `repair` refuses: the SIREN of a SIRET typed in its place, or None."""
    texte = _SEPARATEURS.sub("", text_of_number(valeur) or "")
    if type_identifiant == "siren" and check("siret", texte) is None:
        return texte[:9]
    return None


def text_of_number(valeur: object) -> str | None:
    """The digits a spreadsheet number stands for (no ".0"), a text as it is; None for anything that is no identifier."""
    if isinstance(valeur, str):
        return valeur.strip()
    if isinstance(valeur, bool):
        return None
    if isinstance(valeur, int):
        return str(valeur) if 0 <= valeur < CHIFFRES_MAX else None
    if isinstance(valeur, float) and valeur.is_integer() and 0 <= valeur < CHIFFRES_MAX:
        return str(int(valeur))
    return None


def pseudonym(valeur: str, cle: bytes) -> str:
    """The 16 hexadecimal characters that stand for a personal identifier everywhere after decoding.

    Keyed (HMAC-SHA256): a RPPS number has so few digits that any unkeyed digest is undone by trying them all. Raises
    ValueError without a key: a bug of ours.
    """
    if not cle:
        raise ValueError("a pseudonym needs a key")
    return hmac.digest(cle, valeur.encode(), "sha256").hex()[:16]


def published_key(titre: str) -> bytes:
    """The key of a survey of fictitious data: public, since there is nobody to protect, and the same on any machine."""
    return hashlib.sha256(f"cartographie, données fictives : {titre}".encode()).digest()
