"""Decoders of dates and of year-months: typed cells, serial numbers of both epochs, French and ISO texts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from cartographie.base.text import clean, normalise
from cartographie.survey.model import Variable
from cartographie.survey.values import Contexte, Decode

_MOIS = {
    nom: rang
    for rang, noms in enumerate(
        [
            "janvier janv jan",
            "fevrier fevr fev",
            "mars mar",
            "avril avr",
            "mai",
            "juin",
            "juillet juil",
            "aout aou",
            "septembre sept sep",
            "octobre oct",
            "novembre nov",
            "decembre dec",
        ],
        start=1,
    )
    for nom in noms.split()
}
_JOURS = "lundi mardi mercredi jeudi vendredi samedi dimanche"
_MOIS_RE = "|".join(sorted(_MOIS, key=len, reverse=True))
_HEURE = re.compile(r"(?:[T ]+[0-9]{1,2}[:h][0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)$")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_ISO_SOUPLE = re.compile(r"([0-9]{4})[-/. ]([0-9]{1,2})[-/. ]([0-9]{1,2})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_NUMERIQUE = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4}|[0-9]{2})")
_JOUR_MOIS = re.compile(r"([0-9]{2})/([0-9]{2})/[0-9]{4}")
_LETTRES = re.compile(
    rf"(?:(?:{_JOURS.replace(' ', '|')}) )?([0-9]{{1,2}})(?:er)? ?({_MOIS_RE}) ?([0-9]{{4}}|[0-9]{{2}})"
)
_MOIS_ISO = re.compile(r"([0-9]{4})-([0-9]{2})")
_MOIS_FR = re.compile(r"([0-9]{1,2})/([0-9]{4})")
_MOIS_SOUPLE = re.compile(r"([0-9]{4})(?:[-/. ](?=[0-9]{1,2}$)|(?=[0-9]{2}$))([0-9]{1,2})")
_MOIS_SOUPLE_FR = re.compile(r"([0-9]{1,2})[-. ]([0-9]{4})")
_MOIS_LETTRES = re.compile(rf"({_MOIS_RE}) ?([0-9]{{4}}|[0-9]{{2}})")
_SERIE_MAX = 2_958_465  # the last day spreadsheets know
_ANNEES = range(1_900, 2_101)  # a bare year, never a serial number


def _date(annee: Any, mois: Any, jour: Any) -> date | None:
    an = int(annee)
    if isinstance(annee, str) and len(annee) == 2:
        an += 2_000 if an < 70 else 1_900
    try:
        return date(an, int(mois), int(jour)) if an in _ANNEES else None
    except ValueError:
        return None


def serial_to_date(numero: float, date1904: bool = False) -> date | None:
    """The day a spreadsheet serial number stands for; None out of range, for a bare year and for 29 February 1900."""
    if not math.isfinite(numero) or not 1 <= numero <= _SERIE_MAX or numero in _ANNEES:
        return None
    jours = int(numero)
    if date1904:
        lu = date(1904, 1, 1) + timedelta(days=min(jours, _SERIE_MAX - 1462))
    elif jours == 60:
        return None
    else:
        lu = date(1899, 12, 31 if jours < 60 else 30) + timedelta(days=jours)
    return lu if lu.year in _ANNEES else None


def read_date(valeur: Any, contexte: Contexte) -> tuple[date | None, str | None]:
    """(day, how it had to be interpreted: None when the cell says it plainly)."""
    if isinstance(valeur, datetime):
        return valeur.date(), None
    if isinstance(valeur, date):
        return valeur, None
    if isinstance(valeur, int | float):
        if isinstance(valeur, float) and not math.isfinite(valeur):
            return None, None
        if 10**7 <= valeur < 10**8 and valeur == int(valeur):
            return _compact(str(int(valeur)))
        if not 1 <= valeur <= _SERIE_MAX:
            return None, None
        return serial_to_date(valeur, contexte.date1904), "numero de serie"
    if not isinstance(valeur, str):
        return None, None
    return _read_text(clean(valeur), contexte)


def _compact(texte: str) -> tuple[date | None, str | None]:
    m = _COMPACT.fullmatch(texte)
    return (_date(*m.groups()), "annee-mois-jour") if m else (None, None)


def _read_text(texte: str, contexte: Contexte) -> tuple[date | None, str | None]:
    texte = _HEURE.sub("", texte)
    if m := _ISO.fullmatch(texte):
        return _date(*m.groups()), None
    if m := _ISO_SOUPLE.fullmatch(texte):
        return _date(*m.groups()), "annee-mois-jour"
    if m := _NUMERIQUE.fullmatch(texte):
        a, b, annee = m.groups()
        if lu := _date(annee, b, a):
            return lu, "jour-mois"
        return _date(annee, a, b), "mois-jour"
    if re.fullmatch("[0-9]{8}", texte):
        return _compact(texte)
    if re.fullmatch("[0-9]{5}", texte):
        return serial_to_date(int(texte), contexte.date1904), "numero de serie"
    if m := _LETTRES.fullmatch(normalise(texte)):
        return _date(m[3], _MOIS[m[2]], m[1]), "mois en lettres"
    return None, None


def decode_date(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """A day. Date cells and ISO texts are silent (their hour is dropped); other writings are read with a finding.

    A text file has no date cell: its JJ/MM/AAAA is silent too where the order is beyond doubt, day above 12 or `jour_mois`.
    """
    if isinstance(valeur, time | timedelta):
        return Decode(None, "type_inattendu", details={"attendu": "une date"})
    lu, ordre = read_date(valeur, contexte)
    if lu is None:
        return Decode(None, "date_invalide")
    if ordre == "jour-mois" and contexte.jour_mois is not None and (contexte.jour_mois or lu.day > 12):
        if _JOUR_MOIS.fullmatch(clean(valeur)):
            return Decode(lu)
    if ordre:
        return Decode(lu, "date_interpretee", lu.isoformat(), {"ordre": ordre, "interpretation": lu.isoformat()})
    return Decode(lu)


def day_comes_first(valeurs: Iterable[Any]) -> bool:
    """True when the JJ/MM/AAAA texts of a column can only be read in that order: one has a day above 12, none a month."""
    lus = [m for v in valeurs if isinstance(v, str) and (m := _JOUR_MOIS.fullmatch(v.strip()))]
    return any(int(m[1]) > 12 for m in lus) and not any(int(m[2]) > 12 for m in lus)


def _read_month(texte: str) -> tuple[date | None, str | None]:
    if m := _MOIS_ISO.fullmatch(texte):
        return _date(m[1], m[2], 1), None
    if m := _MOIS_FR.fullmatch(texte):
        return _date(m[2], m[1], 1), None
    if m := _MOIS_SOUPLE.fullmatch(texte):
        return _date(m[1], m[2], 1), "annee-mois"
    if m := _MOIS_SOUPLE_FR.fullmatch(texte):
        return _date(m[2], m[1], 1), "mois-annee"
    if m := _MOIS_LETTRES.fullmatch(normalise(texte)):
        return _date(m[2], _MOIS[m[1]], 1), "mois en lettres"
    return None, None


def decode_annee_mois(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """A month, "YYYY-MM". That form, MM/YYYY and a first of the month are silent; anything else read carries a finding."""
    if isinstance(valeur, time | timedelta):
        return Decode(None, "type_inattendu", details={"attendu": "un mois"})
    lu: date | None = None
    ordre: str | None = None
    if isinstance(valeur, str):
        lu, ordre = _read_month(clean(valeur))
    elif isinstance(valeur, int | float) and 10**5 <= valeur < 10**6 and valeur == int(valeur):
        lu, ordre = _read_month(str(int(valeur)))
    if lu is None:
        lu, ordre = read_date(valeur, contexte)
        if lu is not None and ordre is None and (isinstance(valeur, str) or lu.day > 1):
            ordre = "annee-mois-jour"  # the day is dropped
    if lu is None:
        return Decode(None, "annee_mois_invalide")
    mois = f"{lu.year:04d}-{lu.month:02d}"
    if ordre:
        return Decode(mois, "date_interpretee", mois, {"ordre": ordre, "interpretation": mois})
    return Decode(mois)
