"""What decoding one cell gives, and the decoders of texts, numbers, booleans, days and months.

A decoder is a plain function (valeur, variable, contexte) -> Decode. It never raises, whatever the cell holds. What it
cannot type is None; what it could read with a repair is kept with a finding that says so (what is no repair: decode/repairs.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from rapidfuzz import fuzz, process

from cartographie.base.text import MASQUE, clean, normalise, personal_data, text_of
from cartographie.survey.model import Modalite, Nomenclature, Questionnaire, Variable
from cartographie.survey.received import FormuleNonCalculee

_ERREURS = """#REF! #N/A #NAME? #DIV/0! #VALUE! #NUM! #NULL! #GETTING_DATA #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT!
#BUSY! #UNKNOWN! #NOM? #VALEUR! #NOMBRE! #NUL! #N/D #EPARS! #PROPAGATION! #CALCUL! #CHAMP!"""
ERREURS_EXCEL = frozenset(_ERREURS.split())


_RIEN: Mapping[str, Any] = MappingProxyType({})


class Decode(NamedTuple):
    """One cell decoded. `valeur`: None when null. `suite`: further findings on the same cell (their `valeur` is moot).
    `a_juger`: the value as it was written, which is no answer we know: the schema will say so (validate/schema.py).

    A tuple rather than a dataclass: hundreds of thousands are made per campaign.
    """

    valeur: Any = None
    constat: str | None = None
    proposition: str | None = None
    details: Mapping[str, Any] = _RIEN
    suite: tuple[Decode, ...] = ()
    a_juger: bool = False


SEUIL_PROPOSITION = 80
_SEPARATEURS = (" - ", " – ", " — ", " : ")


class Repertoire:
    """A nomenclature indexed by every accepted spelling, for one campaign. A spelling of two modalities is in no index."""

    def __init__(self, nomenclature: Nomenclature, campagne: str) -> None:
        self.nomenclature = nomenclature
        self.valides = nomenclature.valides(campagne)
        self.ordre = {code: rang for rang, code in enumerate(nomenclature.modalites)}

    @cached_property
    def exact(self) -> dict[str, str]:
        return _index_exact(self.valides)

    @cached_property
    def normalises(self) -> dict[str, str]:
        return _index_normalise(self.valides)

    @cached_property
    def formes(self) -> list[str]:
        return list(self.normalises)

    @cached_property
    def perimes(self) -> dict[str, str]:
        """Every spelling, plain or normalised, of the codes of other campaigns only."""
        autres = {c: m for c, m in self.nomenclature.modalites.items() if c not in self.valides}
        return _index_normalise(autres) | _index_exact(autres)

    @cached_property
    def longueurs(self) -> list[int]:
        return sorted({len(c) for c in self.valides if c.isdigit()})

    def closest(self, texte: str) -> str | None:
        """The code whose spelling is closest to the text, when close enough."""
        plat = normalise(texte)
        if len(plat) < 2:
            return None
        trouve = process.extractOne(plat, self.formes, scorer=fuzz.token_sort_ratio, score_cutoff=SEUIL_PROPOSITION)
        return self.normalises[trouve[0]] if trouve else None


def repertoire_of(questionnaire: Questionnaire, variable: Variable, campagne: str) -> Repertoire | None:
    """The index of the variable's nomenclature, made once for the campaign; None when it has none."""
    nomenclature = questionnaire.nomenclatures.get(variable.nomenclature or "")
    return _repertoire(nomenclature, campagne) if nomenclature else None


_repertoire = lru_cache(maxsize=256)(Repertoire)


def _unambiguous(paires: Iterable[tuple[str, str]], reserves: Mapping[str, str]) -> dict[str, str]:
    index: dict[str, str] = {}
    doubles: set[str] = set()
    for forme, code in paires:
        if forme and forme not in reserves and index.setdefault(forme, code) != code:
            doubles.add(forme)
    return {forme: code for forme, code in index.items() if forme not in doubles}


def _index_exact(modalites: Mapping[str, Modalite]) -> dict[str, str]:
    codes = {code: code for code in modalites}
    libelles = {
        m.code: [m.libelle, *(f"{m.code}{s}{m.libelle}" for s in _SEPARATEURS), *m.variantes]
        for m in modalites.values()
    }
    return codes | _unambiguous(((clean(f), c) for c, formes in libelles.items() for f in formes), codes)


def _index_normalise(modalites: Mapping[str, Modalite]) -> dict[str, str]:
    codes = _unambiguous(((normalise(code), code) for code in modalites), {})
    formes = (
        (normalise(f), m.code) for m in modalites.values() for f in (m.libelle, f"{m.code} {m.libelle}", *m.variantes)
    )
    return codes | _unambiguous(formes, codes)


@dataclass(frozen=True, slots=True)
class Contexte:
    """What a decoder may look up: the campaign, the index of the variable's nomenclature, the file's date epoch.

    `cle`: the key of the pseudonyms of personal identifiers. `jour_mois`: None for a workbook; for a text file, where no cell
    can be a typed date, whether every JJ/MM/AAAA of the column can only be read in that order.
    """

    campagne: str
    repertoire: Repertoire | None = None
    date1904: bool = False
    cle: bytes = b""
    jour_mois: bool | None = None


NUL = Decode()


def is_blank(valeur: object) -> bool:
    """True for an empty cell: None, NaN, NaT, a text of blanks only."""
    if valeur is None:
        return True
    if isinstance(valeur, str):
        return not valeur.strip("\u200b\ufeff \t\r\n\u00a0\u202f") or not clean(valeur)
    return bool(valeur != valeur)


def cell_problem(valeur: object) -> Decode | None:
    """What makes a cell unreadable whatever its type: a spreadsheet error, a formula without its value."""
    if isinstance(valeur, FormuleNonCalculee):
        return Decode(None, "formule_non_calculee")
    if isinstance(valeur, str) and valeur.lstrip()[:1] == "#" and valeur.strip().upper() in ERREURS_EXCEL:
        return Decode(None, "erreur_excel", details={"erreur": valeur.strip()})
    return None


_MOMENTS = (date, time, timedelta)


def is_moment(valeur: object) -> bool:
    return isinstance(valeur, _MOMENTS)


# ---- texts


def decode_texte(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """Any cell as text. Alerts: personal data (then masked), first character that starts a formula."""
    texte = text_of(valeur)
    if not texte:
        return NUL
    if not variable.personnel and (nature := personal_data(texte)):
        return Decode(MASQUE, "donnee_personnelle", details={"nature": nature})
    formule = texte[0] in "=+-@" and len(texte) > 1 and isinstance(valeur, str)
    return Decode(texte, "injection_formule" if formule else None)


def explain_texte(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    details = {"longueur": len(text_of(valeur)), "longueur_max": variable.longueur_max}
    return Decode(None, "texte_trop_long", details=details)


def combine(valeur: object, trouves: list[Decode]) -> Decode:
    """One Decode out of a value and the findings met on the way to it."""
    if not trouves:
        return Decode(valeur)
    premier, *reste = trouves
    return Decode(valeur, premier.constat, premier.proposition, premier.details, tuple(reste))


# ---- numbers

_NOMBRE = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?(?:[eE][+-]?[0-9]{1,3})?|[+-]?[.,][0-9]+")
_ENTIER, _DECIMAL = re.compile("[+-]?[0-9]+"), re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")  # read as they are written
_MILLIERS = re.compile(r"(?<=[0-9])[ '’](?=[0-9]{3}(?![0-9]))")
_MILLIERS_PONCTUES = re.compile(
    r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?|[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?"
)
_UNITES = {"%": "pct", "€": "euro", "pourcent": "pct", "pourcentage": "pct", "eur": "euro", "euros": "euro"}


def _unite(texte: str) -> str:
    plat = normalise(texte) or texte.strip()
    return _UNITES.get(plat, plat)


def read_number(
    valeur: object, variable: Variable, net: re.Pattern[str]
) -> tuple[float | int | None, list[str], str | None]:
    """(number, what it was repaired of, what to propose when there is no number). A typed number is never repaired, nor a text
    written as `net` says."""
    if isinstance(valeur, int | float):
        return (valeur if math.isfinite(valeur) else None), [], None
    recu = clean(valeur)
    texte = _MILLIERS.sub("", recu)
    if variable.unite and not texte[-1:].isdigit():
        sans_unite = texte.rstrip("%€ ") if texte[-1:] in "%€" else re.sub(r"[^\W\d_]+$", "", texte)
        if _unite(texte[len(sans_unite) :]) == _unite(variable.unite):
            texte = sans_unite.strip()
    texte = texte.replace("\u2212", "-")
    if _NOMBRE.fullmatch(texte):
        pointe = texte.replace(",", ".")
        nombre = float(pointe) if re.search("[.eE]", pointe) else int(pointe) if len(pointe) < 300 else math.inf
        repares = ["decimale_virgule"] if "," in texte else []
        if not net.fullmatch(recu.replace(",", ".")):
            repares.append("nombre_reecrit")
        return (nombre if math.isfinite(nombre) else None), repares, None
    return None, [], _propose_number(texte)


def _propose_number(texte: str) -> str | None:
    """The only number a text holds ("environ 12" → 12), thousands separators removed; None if several or none."""
    if _MILLIERS_PONCTUES.fullmatch(texte):
        entier, _, decimales = texte.replace(",", ".").rpartition(".")
        if len(set(re.findall("[.,]", texte))) == 2:
            return entier.replace(".", "") + "." + decimales
        return entier.replace(".", "") + decimales
    nombres = re.findall(r"(?<![\w.,])[0-9]{1,15}(?:[.,][0-9]{1,6})?(?![\w.,]*[0-9])", texte)
    return nombres[0].replace(",", ".") if len(nombres) == 1 else None


def decode_entier(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """A whole number. "12 000", "12 lits" when that is the variable's unit, "12,0" are read with a finding."""
    if type(valeur) is int and -(2**63) <= valeur < 2**63:
        return Decode(valeur)
    # how spreadsheets hold integers
    if type(valeur) is float and valeur.is_integer() and -(2.0**63) <= valeur < 2.0**63:
        return Decode(int(valeur))
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "un nombre entier"})
    nombre, repares, proposition = read_number(valeur, variable, _ENTIER)
    if nombre is None or nombre != int(nombre) or not -(2**63) <= nombre < 2**63:
        if nombre is not None and isinstance(valeur, str):
            texte = clean(valeur)
            proposition = _propose_number(texte) if _MILLIERS_PONCTUES.fullmatch(texte) else None
        return Decode(None, "entier_invalide", proposition)
    return combine(int(nombre), [Decode(None, nom, str(int(nombre))) for nom in repares])


def decode_decimal(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """A number. A decimal comma, thousands blanks, the variable's own unit inside a text are read, with a finding."""
    if type(valeur) is float and math.isfinite(valeur):
        return Decode(valeur + 0.0)
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "un nombre"})
    nombre, repares, proposition = read_number(valeur, variable, _DECIMAL)
    try:
        flottant = None if nombre is None else float(nombre) + 0.0
    except OverflowError:
        flottant = None
    if flottant is None:
        return Decode(None, "decimal_invalide", proposition)
    return combine(flottant, [Decode(None, nom, text_of(flottant)) for nom in repares])


# ---- booleans

VRAIS = frozenset({"oui", "o", "yes", "y", "vrai", "true", "v", "1", "x", "coche", "cochee"})
FAUX = frozenset({"non", "n", "no", "faux", "false", "f", "0"})
_NETS = (VRAIS | FAUX) - {"coche", "cochee"}
_COCHES = {"✓": True, "✔": True, "☑": True, "☒": True, "☐": False}


def read_boolean(valeur: object) -> bool | None:
    """True, False, or None when the cell is neither."""
    if is_moment(valeur):
        return None
    texte = text_of(valeur)
    if texte in _COCHES:
        return _COCHES[texte]
    plat = normalise(texte) if texte[:1] not in ("-", "+", ">", "<") else ""
    return True if plat in VRAIS else False if plat in FAUX else None


def says_plainly(valeur: object) -> bool:
    """True for a cell that is a usual yes or no as it is, in any case: nothing had to be understood."""
    texte = text_of(valeur)
    return texte in _COCHES or texte.lower() in _NETS


def decode_booleen(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """The usual spellings of yes and no; a less usual one ("Cochée", "oui !") is read with a finding."""
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "oui ou non"})
    lu = read_boolean(valeur)
    if lu is None:
        return Decode(None, "booleen_invalide")
    return Decode(lu) if says_plainly(valeur) else Decode(lu, "ecriture_normalisee", "oui" if lu else "non")


# ---- days and months: typed cells, serial numbers of both epochs, French and ISO texts

_NOMS_DES_MOIS = (
    "janvier janv jan|fevrier fevr fev|mars mar|avril avr|mai|juin|juillet juil|aout aou|"
    "septembre sept sep|octobre oct|novembre nov|decembre dec"
)
_MOIS = {nom: rang for rang, noms in enumerate(_NOMS_DES_MOIS.split("|"), start=1) for nom in noms.split()}
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


def read_date(valeur: object, contexte: Contexte) -> tuple[date | None, str | None]:
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


def decode_date(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
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


def decode_annee_mois(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
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
