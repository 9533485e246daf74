"""The pandera schema of one entity in one campaign, generated from the declarations. Nothing is declared here.

Each check bears the name of the built-in constat it establishes. Frames come decoded: no coercion, and a wrong dtype
is a bug of the decoders, not of the respondent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from cartographie.survey.model import Questionnaire, TypeVariable, Variable

FORMATS = {
    TypeVariable.FINESS: r"(?:\d{2}|2[AB])\d{7}",
    TypeVariable.SIRET: r"\d{14}",
    TypeVariable.SIREN: r"\d{9}",
    TypeVariable.RPPS: r"\d{11}|[0-9a-f]{16}",  # hashed once stored
    TypeVariable.COMMUNE: r"(?:\d{2}|2[AB])\d{3}",
    TypeVariable.DEPARTEMENT: r"\d{2}|2[AB]|9[78]\d",
    TypeVariable.REGION: r"\d{2}",
}
NUMBERS = (TypeVariable.ENTIER, TypeVariable.DECIMAL)
ABSENT = "not_nullable"  # pandera's own name for a null in a column that refuses it
MANY = (list, set, frozenset)
Vector = Callable[[pd.Series], Any]


def build_schema(
    entite: str, questionnaire: Questionnaire, campagne: str, obligatoire: bool = True
) -> pa.DataFrameSchema:
    """One row of the validated frame is one decoded record of `entite`. Columns other than the variables are free.

    `obligatoire=False`: the same without required values, for frames whose rejected cells were emptied. A variable asked
    under a condition is never required here: the condition decides (checks.py).
    """
    asked = questionnaire.posees(campagne)
    columns = {}
    for variable in questionnaire.variables.values():
        if entite not in variable.entites:
            continue
        read = (entite, variable.nom) in asked
        required = obligatoire and read and variable.obligatoire and variable.condition_pose is None
        columns[variable.nom] = pa.Column(
            None,
            checks=[
                pa.Check(f, name=n, error=n, ignore_na=False)
                for n, f in _checks(variable, questionnaire, campagne, read)
            ],
            nullable=not required,
            required=False,
            coerce=False,
        )
    return pa.DataFrameSchema(columns, strict=False, coerce=False, name=entite)


def _checks(
    variable: Variable, questionnaire: Questionnaire, campagne: str, read: bool
) -> Iterator[tuple[str, Vector]]:
    """(constat, function of the column giving True where sound); a null is sound."""
    yield "type_inattendu", _typed(variable.type)
    if variable.type in NUMBERS and (variable.minimum is not None or variable.maximum is not None):
        yield "hors_bornes", _bounds(variable.minimum, variable.maximum)
    if variable.longueur_max is not None and variable.type == TypeVariable.TEXTE:
        yield "texte_trop_long", _length(variable.longueur_max)
    if variable.nomenclature and variable.nomenclature in questionnaire.nomenclatures:
        nomenclature = questionnaire.nomenclatures[variable.nomenclature]
        ever = frozenset(nomenclature.modalites)
        many = variable.type == TypeVariable.CODES
        yield "modalite_inconnue", _among(ever, many)
        if read:  # a derived code may borrow the codes of another campaign
            expired = ever - frozenset(nomenclature.valides(campagne))
            if expired:
                yield "modalite_perimee", _not_among(expired, many)
    elif variable.type in FORMATS:
        yield "identifiant_format", _format(FORMATS[variable.type])


def _typed(kind: TypeVariable) -> Callable[[pd.Series], bool]:
    """The column as a whole has the type its declaration states; an all-null column has any."""
    types = pd.api.types

    def sound(s: pd.Series) -> bool:
        if kind == TypeVariable.ENTIER:
            ok = types.is_integer_dtype(s.dtype)
        elif kind == TypeVariable.DECIMAL:
            ok = types.is_numeric_dtype(s.dtype) and not types.is_bool_dtype(s.dtype)
        elif kind == TypeVariable.BOOLEEN:
            ok = types.is_bool_dtype(s.dtype)
        elif kind == TypeVariable.DATE:
            ok = types.is_datetime64_any_dtype(s.dtype)
        else:
            ok = types.is_string_dtype(s.dtype) or s.dtype == object or isinstance(s.dtype, pd.CategoricalDtype)
        if ok:
            return True
        if s.dtype != object:
            return bool(s.isna().all())
        filled = s[s.notna()]
        inferred = types.infer_dtype(filled, skipna=True)
        wanted = {
            "entier": ("integer",),
            "decimal": ("floating", "integer", "mixed-integer-float", "decimal"),
            "booleen": ("boolean",),
            "date": ("date", "datetime", "datetime64"),
        }[kind.value]
        return not len(filled) or inferred in wanted

    return sound


def _bounds(minimum: float | None, maximum: float | None) -> Vector:
    low = -np.inf if minimum is None else minimum
    high = np.inf if maximum is None else maximum

    def sound(s: pd.Series) -> pd.Series:
        v = s.to_numpy(dtype=float, na_value=np.nan)
        return pd.Series(~((v < low) | (v > high)), index=s.index)

    return sound


def _length(maximum: int) -> Vector:
    return lambda s: pd.Series(~(s.str.len() > maximum).fillna(False).to_numpy(dtype=bool), index=s.index)


def _format(pattern: str) -> Vector:
    whole = f"(?:{pattern})"
    return lambda s: s.isna() | s.astype("str").str.fullmatch(whole).fillna(False).astype(bool)


def _among(codes: frozenset[str], many: bool) -> Vector:
    return lambda s: _by_distinct(s, codes.issuperset if many else codes.__contains__)


def _not_among(codes: frozenset[str], many: bool) -> Vector:
    return lambda s: _by_distinct(s, codes.isdisjoint if many else lambda v: v not in codes)


def _by_distinct(s: pd.Series, predicate: Callable[[Any], bool]) -> pd.Series:
    """Judge each distinct value once; a null is sound."""
    try:
        codes, distinct = pd.factorize(s.to_numpy(dtype=object) if s.dtype == object else s)
    except TypeError:  # lists and sets are not hashable
        codes, distinct = pd.factorize(s.map(lambda v: tuple(v) if isinstance(v, MANY) else v).to_numpy(dtype=object))
    return pd.Series(np.array([bool(predicate(v)) for v in distinct] + [True], dtype=bool)[codes], index=s.index)
