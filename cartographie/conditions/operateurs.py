"""Comparison operators on whole columns. Every comparison with a null is False."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

EQUALITY = ("egal", "different", "dans", "hors")
ORDER = ("inferieur", "inferieur_ou_egal", "superieur", "superieur_ou_egal")
OPERATORS = (*EQUALITY, *ORDER, "contient", "renseigne", "motif")
COUNT_OPERATORS = ("egal", "different", "dans", "hors", *ORDER)
MANY = (list, tuple, set, frozenset)
Reader = Callable[[Mapping[str, Any]], Any]
_COMPARE = {
    "egal": np.equal,
    "different": np.not_equal,
    "inferieur": np.less,
    "inferieur_ou_egal": np.less_equal,
    "superieur": np.greater,
    "superieur_ou_egal": np.greater_equal,
}


def all_operators(column: pd.Series, cond: Mapping[str, Any], operators: tuple[str, ...], read: Reader) -> np.ndarray:
    """Every operator of the condition holds. `read` gives the value of an operand such as `{variable: W}`."""
    return np.logical_and.reduce([_operator(op, column, cond[op], read) for op in operators if op in cond])


def _operator(op: str, column: pd.Series, operand: Any, read: Reader) -> np.ndarray:
    filled = column.notna().to_numpy(dtype=bool)
    if op == "renseigne":
        return filled if operand else ~filled
    if not filled.any():
        return np.zeros(len(column), dtype=bool)
    if isinstance(operand, Mapping):
        operand = read(operand)
        if operand is None:
            return np.zeros(len(column), dtype=bool)
        if isinstance(operand, pd.Series):
            return _pairwise(op, column, operand, filled)
    if op == "motif":
        pattern = re.compile(operand)
        return _by_distinct(column, lambda v: pattern.fullmatch(str(v)) is not None)
    listed = isinstance(operand, list | str)
    if op in ("dans", "hors", "contient") or (op in EQUALITY and listed and _kind(column) in ("multiple", "texte")):
        allowed = operand if isinstance(operand, list | tuple | set | frozenset) else [operand]
        found = _is_in(op, column, allowed)
        return filled & (~found if op in ("hors", "different") else found)
    return _pairwise(op, column, operand, filled)


def _is_in(op: str, column: pd.Series, allowed: Any) -> np.ndarray:
    kind = _kind(column)
    if kind == "multiple":
        wanted = frozenset(str(a) for a in allowed)
        if op == "contient":
            return _by_distinct(column, lambda v: not wanted.isdisjoint(v))
        if op in ("egal", "different"):
            return _by_distinct(column, lambda v: wanted == frozenset(v))
        return _by_distinct(column, wanted.issuperset)
    if kind == "texte":
        return column.isin([str(a) for a in allowed]).to_numpy(dtype=bool)
    filled = column.notna().to_numpy(dtype=bool)
    return np.logical_or.reduce([_pairwise("egal", column, a, filled) for a in allowed] or [np.zeros_like(filled)])


def _pairwise(op: str, column: pd.Series, other: Any, filled: np.ndarray) -> np.ndarray:
    """Compare with a literal or another column; False where either side is null."""
    op = {"dans": "egal", "hors": "different", "contient": "egal"}.get(op, op)
    scalar = not isinstance(other, pd.Series)
    if scalar and other is None:
        return np.zeros(len(column), dtype=bool)
    right = pd.Series([_date(other)]) if scalar else other
    both = filled & (True if scalar else right.notna().to_numpy(dtype=bool))
    if not both.any():
        return np.zeros(len(column), dtype=bool)
    sides = (column[both], right if scalar else right[both])
    if op in ORDER and {_kind(sides[0]), _kind(sides[1])} == {"nombre", "texte"}:
        raise TypeError(f"« {op} » compare un texte et un nombre : condition à corriger")
    left_values, right_values = _align(*sides)
    out = np.zeros(len(column), dtype=bool)
    out[both] = _COMPARE[op](left_values, right_values[0] if scalar else right_values).astype(bool)
    return out


def _align(left: pd.Series, right: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Both sides (no null) as comparable arrays. A date meets a year-month at the month."""
    kinds = (_kind(left), _kind(right))
    if kinds == ("nombre", "nombre"):
        return left.to_numpy(dtype=float), right.to_numpy(dtype=float)
    if kinds == ("date", "date"):
        return _dates(left), _dates(right)
    if "date" in kinds and "texte" in kinds:
        texts = (left if kinds[0] == "texte" else right).astype(str)
        unit: Literal["M", "D"] = "M" if texts.str.len().max() <= len("0000-00") else "D"
        sides = [
            np.datetime_as_string(_dates(s), unit=unit) if k == "date" else s
            for s, k in zip((left, right), kinds, strict=True)
        ]
        return tuple(np.asarray(s, dtype=object) for s in sides)  # type: ignore[return-value]
    if "multiple" in kinds:
        joined = [s.map(lambda v: "|".join(sorted(v)) if isinstance(v, MANY) else str(v)) for s in (left, right)]
        return joined[0].to_numpy(dtype=object), joined[1].to_numpy(dtype=object)
    return _texts(left), _texts(right)


def _kind(column: pd.Series) -> str:
    """What a column holds: nombre, date, multiple or texte."""
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        return "nombre"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "date"
    if column.dtype == object:
        first = next(iter(column[column.notna()].iloc[:1]), None)
        if isinstance(first, MANY):
            return "multiple"
        if isinstance(first, date):
            return "date"
        if isinstance(first, bool | int | float | np.number):
            return "nombre"
    return "texte"


def _dates(column: pd.Series) -> np.ndarray:
    return pd.to_datetime(column).to_numpy().astype("datetime64[us]")


def _texts(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_float_dtype(column.dtype):
        return column.map(lambda v: str(int(v)) if float(v).is_integer() else str(v)).to_numpy(dtype=object)
    return column.astype(str).to_numpy(dtype=object)


def _date(value: Any) -> Any:
    return pd.Timestamp(value) if isinstance(value, date) else value


def _by_distinct(column: pd.Series, predicate: Any) -> np.ndarray:
    """Apply a function of one value on the distinct values only; null gives False."""
    try:
        codes, distinct = pd.factorize(column.to_numpy(dtype=object) if column.dtype == object else column)
    except TypeError:  # lists and sets are not hashable
        codes, distinct = pd.factorize(
            column.map(lambda v: tuple(v) if isinstance(v, MANY) else v).to_numpy(dtype=object)
        )
    return np.array([bool(predicate(v)) for v in distinct] + [False], dtype=bool)[codes]
