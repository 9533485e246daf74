"""Identifiers of actors and places: format, key, and the repairs that can be proposed. Pure functions of one value.

A check returns None when the value is right, else the name of a finding (`identifiant_format`, `identifiant_cle`).
A repair returns (proposal, finding): the proposal is None when nothing safe can be said. Rules: design/DOMAIN.md §4.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from types import ModuleType

from stdnum.exceptions import ValidationError
from stdnum.fr import siren as _siren
from stdnum.fr import siret as _siret

FORMAT = "identifiant_format"
CLE = "identifiant_cle"
TRONQUE = "identifiant_tronque"
ZERO = "zero_perdu"
CASSE = "casse_corrigee"
ECRITURE = "ecriture_normalisee"
CHIFFRES_MAX = 10**15  # a spreadsheet number is exact below

LA_POSTE = "356000000"  # the SIREN whose SIRET keys follow another rule
MOTIFS = {  # what each looks like, its key apart
    "finess": "(?:0[1-9]|[1-9][0-9]|2[AB])[0-9]{7}",
    "siren": "[0-9]{9}",
    "siret": "[0-9]{14}",
    "rpps": "[0-9]{11}",
    "commune": "(?:0[1-9]|[1-9][0-9]|2[AB])[0-9]{3}",
    "departement": "0[1-9]|1[0-9]|2[1-9AB]|[3-8][0-9]|9[0-5]|97[1-8]|98[4-9]",
    "region": "[0-9]{2}",
}
_SCIENTIFIQUE = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_SEPARATEURS = re.compile(r"[\s.'’‘`\-_\u200b-\u200f\u2060\ufeff]+")
_DOUBLES = str.maketrans("0123456789", "0246813579")  # the sum of the digits of the double
_CORSE = {"2A": "21", "2B": "22"}


def luhn(chiffres: str) -> bool:
    """True when the digits satisfy Luhn's rule, the last one being the key."""
    return bool(chiffres) and _somme(chiffres[-2::-2], chiffres[::-2]) % 10 == 0


def cle_luhn(prefixe: str) -> str:
    """The digit to append to `prefixe` so that Luhn's rule holds."""
    return str(-_somme(prefixe[::-2], prefixe[-2::-2]) % 10)


def _somme(doubles: str, simples: str) -> int:
    return sum(doubles.translate(_DOUBLES).encode()) + sum(simples.encode()) - 48 * (len(doubles) + len(simples))


def _corse(texte: str) -> str:
    return _CORSE[texte[:2]] + texte[2:] if texte[:2] in _CORSE else texte


def finess_key(prefixe: str) -> str:
    """The 9th character of a FINESS number from the first 8; 2A counts as 21 and 2B as 22."""
    return cle_luhn(_corse(prefixe))


def siren_key(prefixe: str) -> str:
    """The 9th digit of a SIREN number from the first 8."""
    return cle_luhn(prefixe)


def siret_key(prefixe: str) -> str:
    """The 14th digit of a SIRET number from the first 13 (the general rule, not La Poste's)."""
    return cle_luhn(prefixe)


def rpps_key(prefixe: str) -> str:
    """The 11th digit of a RPPS number from the first 10."""
    return cle_luhn(prefixe)


def check_finess(valeur: str) -> str | None:
    """Two digits of department (or 2A, 2B) and seven digits, the last being the key."""
    if not re.fullmatch(MOTIFS["finess"], valeur):
        return FORMAT
    return None if luhn(_corse(valeur)) else CLE


def check_siren(valeur: str) -> str | None:
    """Nine digits, Luhn."""
    if not re.fullmatch(MOTIFS["siren"], valeur):
        return FORMAT
    return _stdnum(_siren, valeur)


def check_siret(valeur: str) -> str | None:
    """Fourteen digits, Luhn; for La Poste (other than its head office) the sum of the digits is a multiple of 5."""
    if not re.fullmatch(MOTIFS["siret"], valeur):
        return FORMAT
    return _stdnum(_siret, valeur)


def _stdnum(module: ModuleType, valeur: str) -> str | None:
    try:
        module.validate(valeur)
    except ValidationError:
        return CLE
    return None


def check_rpps(valeur: str) -> str | None:
    """Eleven digits, Luhn."""
    if not re.fullmatch(MOTIFS["rpps"], valeur):
        return FORMAT
    return None if luhn(valeur) else CLE


def check_commune(valeur: str) -> str | None:
    """An INSEE commune code: department (2A, 2B, 97, 98 included) and three digits. Not a postal code."""
    return None if re.fullmatch(MOTIFS["commune"], valeur) else FORMAT


def check_departement(valeur: str) -> str | None:
    """01 to 95 without 20, 2A, 2B, 971 to 978, 984 to 989."""
    return None if re.fullmatch(MOTIFS["departement"], valeur) else FORMAT


def check_region(valeur: str) -> str | None:
    """Two digits; which ones exist is the nomenclature's business."""
    return None if re.fullmatch(MOTIFS["region"], valeur) else FORMAT


CHECKS = {
    "finess": (check_finess, 9),
    "siren": (check_siren, 9),
    "siret": (check_siret, 14),
    "rpps": (check_rpps, 11),
    "commune": (check_commune, 5),
    "departement": (check_departement, 2),
    "region": (check_region, 2),
}


def repair(type_identifiant: str, valeur: object) -> tuple[str | None, str | None]:
    """(value to use or propose, finding): (v, None) when already right; (None, finding) when refused.

    Only what loses nothing is repaired: blanks and dots inside, case of 2a/2b, one zero eaten by the spreadsheet (when
    the key, if any, then holds). With `identifiant_cle` the value itself is returned: its format is right.
    """
    check, longueur = CHECKS[type_identifiant]
    texte = text_of_number(valeur)
    if texte is None:
        return None, TRONQUE if is_too_long(valeur) else FORMAT
    if is_scientific(texte) or (type_identifiant == "siret" and _SEPARATEURS.sub("", texte)[9:] == "00000"):
        return None, TRONQUE  # 7,32829E+13, or what is left of it once read back: no SIRET has this internal number
    if check(texte) is None:
        return texte, None
    compact = _SEPARATEURS.sub("", texte)
    majuscule = compact.upper()
    if check(majuscule) is None:
        return majuscule, ECRITURE if compact != texte else CASSE
    if majuscule.isascii() and majuscule.isdigit() and len(majuscule) == longueur - 1:
        complet = "0" + majuscule
        if check(complet) is None:
            return complet, ZERO
    if check(majuscule) == CLE:
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


def repair_finess(valeur: object) -> tuple[str | None, str | None]:
    """`repair` for a FINESS number."""
    return repair("finess", valeur)


def propose(type_identifiant: str, valeur: object) -> str | None:
    """What the respondent may have meant when `repair` refuses: the SIREN of a SIRET typed in its place, or None."""
    texte = _SEPARATEURS.sub("", text_of_number(valeur) or "")
    if type_identifiant == "siren" and check_siret(texte) is None:
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
