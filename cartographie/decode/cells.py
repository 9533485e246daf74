"""What decoding one cell gives, what had to be repaired, and the decoders of texts, numbers and booleans."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cartographie.base.text import MASQUE, clean, normalise, personal_data, text_of
from cartographie.survey.model import Questionnaire, TypeVariable, Variable
from cartographie.survey.received import Constat
from cartographie.survey.rules import declined, judge, repairs

if TYPE_CHECKING:
    from cartographie.decode.codes import Repertoire


# -------------------------------------------------------------------------------------------
# What decoding one cell gives, and the decoders of texts, numbers and booleans.
#
# A decoder is a plain function (valeur, variable, contexte) -> Decode. It never raises, whatever the cell holds. What it
# cannot type is None; what it could read with a repair is kept with a finding that says so (what is no repair: `litteral`).

_ERREURS = """#REF! #N/A #NAME? #DIV/0! #VALUE! #NUM! #NULL! #GETTING_DATA #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT!
#BUSY! #UNKNOWN! #NOM? #VALEUR! #NOMBRE! #NUL! #N/D #EPARS! #PROPAGATION! #CALCUL! #CHAMP!"""
ERREURS_EXCEL = frozenset(_ERREURS.split())


_RIEN: Mapping[str, Any] = MappingProxyType({})


class Decode(NamedTuple):
    """One cell decoded. `valeur`: None when null. `suite`: further findings on the same cell (their `valeur` is moot).

    A tuple rather than a dataclass: hundreds of thousands are made per campaign.
    """

    valeur: Any = None
    constat: str | None = None
    proposition: str | None = None
    details: Mapping[str, Any] = _RIEN
    suite: tuple[Decode, ...] = ()


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


def is_blank(valeur: Any) -> bool:
    """True for an empty cell: None, NaN, NaT, a text of blanks only."""
    if valeur is None:
        return True
    if isinstance(valeur, str):
        return not valeur.strip("\u200b\ufeff \t\r\n\u00a0\u202f") or not clean(valeur)
    return bool(valeur != valeur)


def cell_problem(valeur: Any) -> Decode | None:
    """What makes a cell unreadable whatever its type: a spreadsheet error, a formula without its value."""
    if type(valeur).__name__ == "FormuleNonCalculee":
        return Decode(None, "formule_non_calculee")
    if isinstance(valeur, str) and valeur.lstrip()[:1] == "#" and valeur.strip().upper() in ERREURS_EXCEL:
        return Decode(None, "erreur_excel", details={"erreur": valeur.strip()})
    return None


_MOMENTS = (date, time, timedelta)


def is_moment(valeur: Any) -> bool:
    return isinstance(valeur, _MOMENTS)


# ------------------------------------------------------------------------------------------------ texts


def decode_texte(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """Any cell as text. Alerts: personal data (then masked), too long, first character that starts a formula."""
    texte = text_of(valeur)
    if not texte:
        return NUL
    if not variable.personnel and (nature := personal_data(texte)):
        return Decode(MASQUE, "donnee_personnelle", details={"nature": nature})
    trop_long = variable.longueur_max is not None and len(texte) > variable.longueur_max
    formule = texte[0] in "=+-@" and len(texte) > 1 and isinstance(valeur, str)
    if not trop_long and not formule:
        return Decode(texte)
    trouves = []
    if trop_long:
        details = {"longueur": len(texte), "longueur_max": variable.longueur_max}
        trouves.append(Decode(texte, "texte_trop_long", details=details))
    if formule:
        trouves.append(Decode(texte, "injection_formule"))
    return combine(texte, trouves)


def combine(valeur: Any, trouves: list[Decode]) -> Decode:
    """One Decode out of a value and the findings met on the way to it."""
    if not trouves:
        return Decode(valeur)
    premier, *reste = trouves
    return Decode(valeur, premier.constat, premier.proposition, premier.details, tuple(reste))


# ------------------------------------------------------------------------------------------------ numbers

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


def read_number(valeur: Any, variable: Variable) -> tuple[float | int | None, list[str], str | None]:
    """(number, what it was repaired of, what to propose when there is no number). A typed number is never repaired."""
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
        if not (_ENTIER if variable.type is TypeVariable.ENTIER else _DECIMAL).fullmatch(recu.replace(",", ".")):
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


def decode_entier(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """A whole number. "12 000", "12 lits" when that is the variable's unit, "12,0" are read with a finding."""
    if type(valeur) is int and -(2**63) <= valeur < 2**63:
        return Decode(valeur)
    if (
        type(valeur) is float and valeur.is_integer() and -(2.0**63) <= valeur < 2.0**63
    ):  # how spreadsheets hold integers
        return Decode(int(valeur))
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "un nombre entier"})
    nombre, repares, proposition = read_number(valeur, variable)
    if nombre is None or nombre != int(nombre) or not -(2**63) <= nombre < 2**63:
        if nombre is not None and isinstance(valeur, str):
            texte = clean(valeur)
            proposition = _propose_number(texte) if _MILLIERS_PONCTUES.fullmatch(texte) else None
        return Decode(None, "entier_invalide", proposition)
    return combine(int(nombre), [Decode(None, nom, str(int(nombre))) for nom in repares])


def decode_decimal(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """A number. A decimal comma, thousands blanks, the variable's own unit inside a text are read, with a finding."""
    if type(valeur) is float and math.isfinite(valeur):
        return Decode(valeur + 0.0)
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "un nombre"})
    nombre, repares, proposition = read_number(valeur, variable)
    try:
        flottant = None if nombre is None else float(nombre) + 0.0
    except OverflowError:
        flottant = None
    if flottant is None:
        return Decode(None, "decimal_invalide", proposition)
    return combine(flottant, [Decode(None, nom, text_of(flottant)) for nom in repares])


# ------------------------------------------------------------------------------------------------ booleans

VRAIS = frozenset({"oui", "o", "yes", "y", "vrai", "true", "v", "1", "x", "coche", "cochee"})
FAUX = frozenset({"non", "n", "no", "faux", "false", "f", "0"})
_NETS = (VRAIS | FAUX) - {"coche", "cochee"}
_COCHES = {"✓": True, "✔": True, "☑": True, "☒": True, "☐": False}


def read_boolean(valeur: Any) -> bool | None:
    """True, False, or None when the cell is neither."""
    if is_moment(valeur):
        return None
    texte = text_of(valeur)
    if texte in _COCHES:
        return _COCHES[texte]
    plat = normalise(texte) if texte[:1] not in ("-", "+", ">", "<") else ""
    return True if plat in VRAIS else False if plat in FAUX else None


def says_plainly(valeur: Any) -> bool:
    """True for a cell that is a usual yes or no as it is, in any case: nothing had to be understood."""
    texte = text_of(valeur)
    return texte in _COCHES or texte.lower() in _NETS


def decode_booleen(valeur: Any, variable: Variable, contexte: Contexte) -> Decode:
    """The usual spellings of yes and no; a less usual one ("Cochée", "oui !") is read with a finding."""
    if is_moment(valeur):
        return Decode(None, "type_inattendu", details={"attendu": "oui ou non"})
    lu = read_boolean(valeur)
    if lu is None:
        return Decode(None, "booleen_invalide")
    return Decode(lu) if says_plainly(valeur) else Decode(lu, "ecriture_normalisee", "oui" if lu else "non")


# -------------------------------------------------------------------------------------------
# What a cell says as it is, and what had to be repaired: a repair is always a finding, and may be declined by the campaign.
#
# Read as they are, without a finding: a typed cell of the right kind (a number, a date and its hour, VRAI/FAUX); a text that is
# the exact code, label or declared spelling of a modality, alone or between separators (; | , line break) whatever the order;
# digits, with a decimal point for a decimal; AAAA-MM-JJ (an hour may follow), AAAA-MM, MM/AAAA, and in a text file JJ/MM/AAAA
# when its order is beyond doubt; a usual yes or no in any case; the exact characters of an identifier, as text or number.
# A no-break blank is a blank. Free texts only lose blanks and invisible characters in excess, which is no repair.

BLANCS = "ecriture_normalisee"
_INSECABLES = str.maketrans({"\u00a0": " ", "\u202f": " "})
Refus = Callable[[Decode, Variable], Decode]


def tell_blanks(recue: Any, lu: Decode, variable: Variable) -> Decode:
    """The same, with a finding when blanks or invisible characters in excess were overlooked to read the cell."""
    if lu.valeur is None or variable.type is TypeVariable.TEXTE or not isinstance(recue, str):
        return lu
    if recue.translate(_INSECABLES).replace("\r\n", "\n") == clean(recue):
        return lu
    if BLANCS in (lu.constat, *(s.constat for s in lu.suite)):
        return lu
    dit = Decode(None, BLANCS, None if variable.personnel else written(lu.valeur), lu.details)
    return dit._replace(valeur=lu.valeur) if lu.constat is None else lu._replace(suite=(*lu.suite, dit))


def written(valeur: Any) -> str:
    """A decoded value as a proposal shows it."""
    if isinstance(valeur, bool):
        return "oui" if valeur else "non"
    if isinstance(valeur, tuple):
        return " ; ".join(map(str, valeur))
    return valeur.isoformat() if isinstance(valeur, date) else text_of(valeur)


def decline(questionnaire: Questionnaire, campagne: str, entite: str) -> Refus | None:
    """How a repair that the campaign declines is undone: no value, its finding kept with what it proposed, the other repairs
    of the cell forgotten (they led to nothing). None when the campaign accepts them all.
    """
    refuses = declined(questionnaire, campagne)
    if not refuses:
        return None
    rule_of, connus = judge(questionnaire, campagne), repairs(questionnaire)

    def is_refused(constat: str, variable: Variable) -> bool:
        return bool(refuses & {constat, rule_of(Constat(constat, entite, variable=variable.nom)).code})

    def refuse(lu: Decode, variable: Variable) -> Decode:
        refusee = {d.constat for d in (lu, *lu.suite) if d.constat is not None and is_refused(d.constat, variable)}
        if not refusee:
            return lu
        return combine(None, [d for d in (lu, *lu.suite) if d.constat in refusee or d.constat not in connus])

    return refuse
