"""The words declarations are written with: names, texts, numbers, choices. Each says what it admits once: to whoever reads a file
(in French, see shape.py), to the editor (JSON Schema) and to mypy.

Nothing here imports pydantic: the marks below are asked for their schema when a file of schemas/ is first read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple, Required, TypeVar

from typing_extensions import TypedDict

ATTENDU = "attendu"  # type of the errors whose message names what is expected
T = TypeVar("T")
Noyau = dict[str, Any]  # a schema of pydantic-core


def _core() -> Any:
    """The makers of schemas, read when a file of schemas/ first is."""
    from pydantic_core import core_schema

    return core_schema


def expects(schema: Any, attendu: str) -> Any:
    """The schema, refusing whatever it refuses with the one sentence « … est attendu »."""
    return _core().custom_error_schema(schema, custom_error_type=ATTENDU, custom_error_message=attendu)


# ---- marks


class Forme(NamedTuple):
    """A text that follows `motif`; without one, a text that is not empty; None: whatever the type admits."""

    attendu: str
    motif: str | None = ""

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Noyau]) -> Any:
        bornes = {"pattern": self.motif} if self.motif else {} if self.motif is None else {"min_length": 1}
        return expects(handler(source) | bornes, self.attendu)


class Chiffre(NamedTuple):
    """A number within bounds, kept as written: 3 stays a whole number."""

    attendu: str = "un nombre"
    min: float | None = None
    max: float | None = None
    plus_que: float | None = None
    entier: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        bornes = {"ge": self.min, "le": self.max, "gt": self.plus_que, "strict": True}
        entier: Any = {**_core().int_schema(), **{k: v for k, v in bornes.items() if v is not None}}
        if self.entier:
            return expects(entier, self.attendu)
        return expects(_core().union_schema([entier, {**entier, "type": "float"}]), self.attendu)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, Any]:
        bornes = {"minimum": self.min, "maximum": self.max, "exclusiveMinimum": self.plus_que}
        return {"type": "integer" if self.entier else "number"} | {k: v for k, v in bornes.items() if v is not None}


class Jour(NamedTuple):
    """A date, judged with those it follows (D10): here, anything; an editor asks for one."""

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        return _core().any_schema()

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


OPTIONS: dict[str, tuple[str, ...]] = {}  # lists that files importing this one hold: shape.py gives them


class Parmi(NamedTuple):
    """One of the names of such a list."""

    liste: str

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        return _core().literal_schema(list(OPTIONS[self.liste]))


class Motif(NamedTuple):
    """A regular expression."""

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Noyau]) -> Any:
        def compile_(texte: str) -> str:
            try:
                re.compile(texte)
            except re.error:
                raise ValueError from None
            return texte

        schema: Any = handler(source)
        return expects(_core().no_info_after_validator_function(compile_, schema), "une expression régulière")

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, Any]:
        return {"type": "string", "format": "regex"}


class Taille(NamedTuple):
    """How many items a list or a set of keys holds."""

    min: int = 1
    max: int | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Noyau]) -> Any:
        bornes = {"min_length": self.min} | ({} if self.max is None else {"max_length": self.max})
        schema: Any = handler(source)
        if schema["type"] != "tuple":
            return {**schema, **bornes}
        # a tuple one item of which is refused would also be said too short
        liste: Any = {**_core().list_schema(schema["items_schema"][0]), **bornes}
        return _core().no_info_after_validator_function(tuple, liste)


class Strict(NamedTuple):
    """true or false are no text, and "true" is no boolean."""

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Noyau]) -> Any:
        return {**handler(source), "strict": True}


class SansNul(NamedTuple):
    """Left out, or of that form: a key with nothing after it is a mistake. The default None is not validated."""

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Noyau]) -> Any:
        schema = handler(source)
        return schema["schema"] if schema["type"] == "nullable" else schema


class Sinon(NamedTuple):
    """What a key that is left out is worth."""

    defaut: object

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Any]) -> Any:
        return _core().with_default_schema(handler(source), default=self.defaut)


class Donne(NamedTuple):
    """A field that the place of the declaration gives (its key, its folder, its line): written in no file."""

    defaut: object = ""

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        from pydantic_core import PydanticCustomError

        def refuse(_: object) -> object:
            raise PydanticCustomError("extra_forbidden", "")

        return _core().with_default_schema(_core().no_info_plain_validator_function(refuse), default=self.defaut)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, Any]:
        from pydantic_core import PydanticOmit

        raise PydanticOmit


class Lu(NamedTuple):
    """Written as `forme`, then turned by `puis` into what the program uses."""

    forme: Any
    puis: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: object, handler: Any) -> Any:
        return _core().no_info_after_validator_function(self.puis, handler.generate_schema(self.forme))


class Selon(NamedTuple):
    """Several forms: the first whose test holds is the one the value must have, so that a refusal says what is wrong in that one."""

    attendu: str
    formes: tuple[tuple[Callable[[Any], bool], Any], ...]

    def __get_pydantic_core_schema__(self, source: object, handler: Any) -> Any:
        def choisit(valeur: object) -> str | None:
            return next((f"‹{i}›" for i, (convient, _) in enumerate(self.formes) if convient(valeur)), None)

        choix = {f"‹{i}›": handler.generate_schema(forme) for i, (_, forme) in enumerate(self.formes)}
        return _core().tagged_union_schema(choix, choisit, custom_error_type=ATTENDU, custom_error_message=self.attendu)


class Cles(NamedTuple):
    """Of these groups of keys, one at least is wholly given; one alone when `une`."""

    groupes: tuple[tuple[str, ...], ...]
    une: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Noyau]) -> Any:
        from pydantic_core import PydanticCustomError

        dits = (", soit " if self.une else " ou ").join(" et ".join(f"« {c} »" for c in g) for g in self.groupes)

        def verifie(valeur: object) -> Any:
            if isinstance(valeur, dict):
                n = sum(all(c in valeur for c in g) for g in self.groupes)
                if n == 0 or n > 1 and self.une:
                    raise PydanticCustomError("cles", "", {"cles": ("soit " if self.une else "") + dits})
            return valeur

        return _core().no_info_before_validator_function(verifie, handler(source))  # type: ignore[arg-type]

    def __get_pydantic_json_schema__(self, schema: object, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        cles = {"oneOf" if self.une else "anyOf": [{"required": list(g)} for g in self.groupes]}
        return {"allOf": [handler(schema), cles]}


def is_a(*genres: type) -> Callable[[Any], bool]:
    return lambda valeur: isinstance(valeur, genres)


def is_not(*genres: type) -> Callable[[Any], bool]:
    return lambda valeur: not isinstance(valeur, genres)


def has(cle: str) -> Callable[[Any], bool]:
    return lambda valeur: isinstance(valeur, dict) and cle in valeur


def otherwise(_: object) -> bool:
    return True


# ---- words


Option = Annotated[T | None, SansNul()]
Liste = Annotated[list[T], Taille(1)]
Booleen = Annotated[bool, Strict()]
Texte = Annotated[str, Forme("un texte (entre guillemets si c'est un nombre ou une date)")]
Nom = Annotated[str, Forme("un nom en minuscules sans accent (lettres, chiffres, « _ »)", r"^[a-z][a-z0-9_]*$")]
Reference = Annotated[
    str, Forme("un nom de variable, ou « entite.variable »", r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")
]
Tiret = Annotated[str, Forme("un nom en minuscules sans accent (lettres, chiffres, « - »)", r"^[a-z0-9-]+$")]
Adresse = Annotated[str, Forme("une case comme « B12 »", r"^[A-Z]{1,3}[1-9][0-9]*$")]
JourEcrit = Annotated[str, Forme("une date AAAA-MM-JJ", r"^\d{4}-\d{2}-\d{2}$")]
Nombre = Annotated[int | float, Chiffre()]
Positif = Annotated[int | float, Chiffre("un nombre positif ou nul", min=0)]
Entier = Annotated[int, Chiffre("un nombre entier, positif ou nul", min=0, entier=True)]
Compte = Annotated[int, Chiffre("un nombre entier, 1 au moins", min=1, entier=True)]

SCALAIRES = ((is_a(bool), Booleen), (is_a(str), str), (is_a(int, float), Nombre))
Scalaire = Annotated[str | int | float | bool, Selon("un texte, un nombre, true ou false", SCALAIRES)]
TexteEcrit = Annotated[str, Lu(Scalaire, str)]  # a text that may be written as a number: 12, true
Noms = Annotated[str | list[Nom], Selon("un nom, ou une liste de noms", ((is_a(list), Liste[Nom]), (otherwise, Nom)))]


# ---- conditions (see conditions.py)


class AutreVariable(TypedDict, closed=True):
    variable: Reference


class JourDeCampagne(TypedDict, closed=True):
    campagne: Literal["debut", "fin"]


_VALEUR = (
    (has("campagne"), JourDeCampagne),
    (is_a(dict), AutreVariable),
    (is_a(date), date),
    (is_not(list, type(None)), Scalaire),
)
# One value, an other variable, or a day of the campaign; of an equality, a list too.
Grandeur = Annotated[
    Any, Selon("une valeur, {variable: …} ou {campagne: debut ou fin} (pour le vide : « renseigne »)", _VALEUR)
]
Egalite = Annotated[
    Any,
    Selon("une valeur, une liste, {variable: …} ou {campagne: debut ou fin} (pour le vide : « renseigne »)", ((is_a(list), Liste[Scalaire]), *_VALEUR)),
]  # fmt: skip


class Condition(TypedDict, total=False, closed=True):
    """One form (variable, nombre, existe, doublon, fonction, et, ou, non), and its operator: see check.py (D08)."""

    variable: Reference
    nombre: Nom
    existe: Nom
    si: Condition
    doublon: Liste[Nom]
    fonction: Nom
    parametres: dict[str, Any]
    et: Liste[Condition]
    ou: Liste[Condition]
    non: Condition
    egal: Egalite
    different: Egalite
    inferieur: Grandeur
    inferieur_ou_egal: Grandeur
    superieur: Grandeur
    superieur_ou_egal: Grandeur
    dans: Liste[Scalaire]
    hors: Liste[Scalaire]
    contient: Liste[Scalaire]
    renseigne: Booleen
    motif: Annotated[str, Motif()]


# ---- what a variable is derived from


class ParPassage(TypedDict, total=False, closed=True):
    passage: Required[Nom]
    de: Noms


class ParNombre(TypedDict, total=False, closed=True):
    nombre: Required[Nom]
    si: Condition


class ParRapport(TypedDict, closed=True):
    rapport: Annotated[list[Nom], Taille(2, 2)]


class ParFonction(TypedDict, total=False, closed=True):
    fonction: Required[Nom]
    de: list[Nom]


class Derivation(TypedDict, total=False):
    """Any of them, as it is read."""

    passage: Nom
    de: str | list[str]
    nombre: Nom
    si: Condition
    rapport: list[str]
    fonction: Nom


Derivee = Annotated[
    Derivation,
    Selon(
        "l'une des clés passage, nombre, rapport ou fonction",
        ((has("passage"), ParPassage), (has("nombre"), ParNombre), (has("rapport"), ParRapport), (has("fonction"), ParFonction)),
    ),
]  # fmt: skip
