"""The types a variable may have: one line of TYPES says all that the program knows of each (docs/ajouter-un-type.md).

Nothing else names a type: the questionnaire, the decoder of columns, the pandera schema, the warehouse, the dictionary and what
is told to respondents all read this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cartographie.base.identifiers import MOTIFS
from cartographie.survey.model import Variable
from cartographie.survey.types.codes import (
    decode_code,
    decode_codes,
    decode_identifiant,
    decode_lieu,
    decode_rpps,
    explain_code,
    explain_codes,
    explain_identifiant,
    explain_lieu,
)
from cartographie.survey.types.values import (
    Contexte,
    Decode,
    decode_annee_mois,
    decode_booleen,
    decode_date,
    decode_decimal,
    decode_entier,
    decode_texte,
    explain_texte,
)

Decodeur = Callable[[Any, Variable, Contexte], Decode]
Saisie = Callable[[Variable], Mapping[str, Any] | None]
Attendu = Callable[[Variable, Sequence[str]], str]

# ---- what a respondent may type (data validation of a spreadsheet), and what they are told is expected

OUI_NON = {"validate": "list", "source": ["Oui", "Non"], "error_message": "Répondez par Oui ou Non."}
_CITEES = 8  # modalities quoted in full; longer lists are in the sheet of lists
_LISTE = ("modalite_inconnue", "modalite_perimee")  # judged only where the variable has a nomenclature
_LIEU = (*_LISTE, "identifiant_format")
_NUMERO = (*_LIEU, "identifiant_cle")


def _short(v: Variable) -> Mapping[str, Any] | None:
    if not v.longueur_max:
        return None
    message = f"{v.longueur_max} caractères au plus."
    return {"validate": "length", "criteria": "<=", "value": v.longueur_max, "error_message": message}


def _yes_no(v: Variable) -> Mapping[str, Any]:
    return OUI_NON


def _a_number(genre: str, quoi: str) -> Saisie:
    def saisie(v: Variable) -> Mapping[str, Any]:
        bas, haut = v.minimum if v.minimum is not None else -1e12, v.maximum if v.maximum is not None else 1e12
        return {"validate": genre, "criteria": "between", "minimum": bas, "maximum": haut,
                "error_message": f"Écrivez {quoi}, sans unité ni texte."}  # fmt: skip

    return saisie


def _a_day(v: Variable) -> Mapping[str, Any]:
    return {"validate": "date", "criteria": "between", "minimum": datetime(1990, 1, 1), "maximum": datetime(2100, 12, 31),
            "error_message": "Écrivez une date au format jj/mm/aaaa."}  # fmt: skip


def said(texte: str) -> Attendu:
    """The same sentence for every question of the type."""
    return lambda v, libelles: texte


def _text(v: Variable, libelles: Sequence[str]) -> str:
    return f"un texte d'au plus {v.longueur_max} caractères" if v.longueur_max else "un texte"


def _number(forme: str) -> Attendu:
    def attendu(v: Variable, libelles: Sequence[str]) -> str:
        bas, haut = (f"{x:g}".replace(".", ",") if x is not None else None for x in (v.minimum, v.maximum))
        bornes = (
            f" entre {bas} et {haut}" if bas is not None and haut is not None
            else f" d'au moins {bas}" if bas is not None else f" d'au plus {haut}" if haut is not None else ""
        )  # fmt: skip
        return forme + bornes + (f" ({v.unite})" if v.unite else "")

    return attendu


def _of_list(debut: str) -> Attendu:
    def attendu(v: Variable, libelles: Sequence[str]) -> str:
        if not libelles:
            return "une réponse"
        return f"{debut} : {' · '.join(libelles)}" if len(libelles) <= _CITEES else f"{debut} (menu de la case)"

    return attendu


# ---- the table


@dataclass(frozen=True, slots=True)
class TypeSpec:
    """All that the program knows of one type of variable.

    `decoder`: one cell → its value. `dtype`: of the decoded column; "object" for tuples of codes. `sql`: its column of the
    warehouse. `controles`: pandera checks, by the names of the constats they state (validate/schema.py); `motif`: the sound
    values of a text, whole. `explique`: a received value that they refuse → what more to say of it, and what to propose. `excel`: number format of the answer cells; `saisie`: what the spreadsheet lets type there.
    `attendu`: what is told to respondents, given the labels of the list. `du_passage`: a target of a passage file → a value.
    """

    libelle: str  # in the dictionary
    attendu: Attendu
    decoder: Decodeur
    dtype: str = "str"
    sql: str = "VARCHAR"
    controles: tuple[str, ...] = ()
    motif: str | None = None
    explique: Decodeur | None = None
    excel: str = "@"
    saisie: Saisie = _short
    du_passage: Callable[[str], Any] | None = None
    liste: bool = False  # always has a nomenclature
    libre: bool = False  # free text: whatever the respondent likes, perhaps someone's name
    pseudonyme: bool = False  # a person's number: kept as its pseudonym when the variable is personal
    direct: bool = False  # a number held by the cell is the value itself
    jour: bool = False  # a day: told from the order of the days and months of its column in a text file
    serie: bool = False  # a number is a day counted from the epoch of the file; a date received is written back as one

    @property
    def multiple(self) -> bool:
        """Several answers of a list: a tuple of codes."""
        return self.dtype == "object"

    @property
    def nombre(self) -> bool:
        return self.dtype in ("Int64", "Float64")


TYPES: dict[str, TypeSpec] = {
    "texte": TypeSpec("texte", _text, decode_texte, controles=(*_LISTE, "texte_trop_long"), explique=explain_texte, libre=True),
    "entier": TypeSpec(
        "nombre entier", _number("un nombre entier"), decode_entier, "Int64", "BIGINT", ("hors_bornes",),
        excel="0", saisie=_a_number("integer", "un nombre entier"), du_passage=int, direct=True,
    ),
    "decimal": TypeSpec(
        "nombre", _number("un nombre"), decode_decimal, "Float64", "DOUBLE", ("hors_bornes",),
        excel="0.##", saisie=_a_number("decimal", "un nombre"), du_passage=float, direct=True,
    ),
    "booleen": TypeSpec(
        "oui ou non", said("Oui ou Non"), decode_booleen, "boolean", "BOOLEAN", saisie=_yes_no, du_passage="VRAI".__eq__,
    ),
    "date": TypeSpec(
        "date", said("une date, jour/mois/année"), decode_date, "datetime64[s]", "DATE",
        excel="dd/mm/yyyy", saisie=_a_day, jour=True, serie=True,
    ),
    "annee_mois": TypeSpec(
        "mois et année", said("un mois, mois/année"), decode_annee_mois,
        controles=("annee_mois_invalide",), motif="[0-9]{4}-(?:0[1-9]|1[0-2])", serie=True,
    ),
    "code": TypeSpec(
        "une réponse d'une liste", _of_list("une réponse de la liste"), decode_code, controles=_LISTE, explique=explain_code, liste=True,
    ),
    "codes": TypeSpec(
        "plusieurs réponses d'une liste", _of_list("une ou plusieurs réponses de la liste, séparées par « ; »"), decode_codes,
        "object", "VARCHAR[]", _LISTE, explique=explain_codes, liste=True,
    ),
    "finess": TypeSpec(
        "numéro FINESS (9 caractères)", said("les 9 caractères du numéro FINESS"), decode_identifiant,
        controles=_NUMERO, motif=MOTIFS["finess"], explique=explain_identifiant,
    ),
    "siret": TypeSpec(
        "numéro SIRET (14 chiffres)", said("les 14 chiffres du numéro SIRET"), decode_identifiant,
        controles=_NUMERO, motif=MOTIFS["siret"], explique=explain_identifiant,
    ),
    "siren": TypeSpec(
        "numéro SIREN (9 chiffres)", said("les 9 chiffres du numéro SIREN"), decode_identifiant,
        controles=_NUMERO, motif=MOTIFS["siren"], explique=explain_identifiant,
    ),
    "rpps": TypeSpec(
        "numéro RPPS (11 chiffres)", said("les 11 chiffres du numéro RPPS"), decode_rpps,
        controles=_NUMERO, motif=MOTIFS["rpps"] + "|[0-9a-f]{16}", explique=explain_identifiant, pseudonyme=True,
    ),
    "commune": TypeSpec(
        "code de commune", said("le code INSEE de la commune (5 caractères)"), decode_lieu,
        controles=_LIEU, motif=MOTIFS["commune"], explique=explain_lieu,
    ),
    "departement": TypeSpec(
        "code de département", said("le code ou le nom du département"), decode_lieu,
        controles=_LIEU, motif=MOTIFS["departement"], explique=explain_lieu,
    ),
    "region": TypeSpec(
        "code de région", said("le code ou le nom de la région"), decode_lieu,
        controles=_LIEU, motif=MOTIFS["region"], explique=explain_lieu,
    ),
}  # fmt: skip
