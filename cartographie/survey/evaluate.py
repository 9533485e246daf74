"""Conditions evaluated on whole columns.

Two-valued: every comparison with a null is False (also `different` and `hors`), then `non` is plain negation. A variable that
no file of the campaign carries makes its comparison False, `renseigne: false` included: not asked is not unanswered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from cartographie.survey.conditions import (
    COUNT_OPERATORS,
    EQUALITY,
    FUNCTIONS,
    MANY,
    OPERATORS,
    ORDER,
    Condition,
    own_references,
    split,
)
from cartographie.survey.model import Questionnaire

Reader = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Contexte:
    """What a condition is evaluated on: the rows of `lots[entite]`.

    One row of a frame is one record and its index label the record's number. Frames carry `parent` (label in the
    parent's frame, -1 none); the root's also `base_ligne` (label in `base`, -1 none). `campagne` is its name.
    """

    entite: str
    lots: Mapping[str, pd.DataFrame]
    questionnaire: Questionnaire
    campagne: str
    base: pd.DataFrame | None = None

    @property
    def df(self) -> pd.DataFrame:
        df = self.frame(self.entite)
        return pd.DataFrame() if df is None else df

    def frame(self, entite: str) -> pd.DataFrame | None:
        """One row is one record of `entite`; the sampling frame may be given apart."""
        if entite == self.questionnaire.base and self.base is not None and entite != self.entite:
            return self.base
        return self.lots.get(entite, self.base if entite == self.questionnaire.base else None)


# ---- public functions


def evaluate(cond: Condition | None, contexte: Contexte) -> np.ndarray:
    """True for the rows where the condition holds, in row order. No condition holds everywhere."""
    n = len(contexte.df)
    if not cond:
        return np.ones(n, dtype=bool)
    if "et" in cond:
        return np.logical_and.reduce([evaluate(c, contexte) for c in cond["et"]] or [np.ones(n, dtype=bool)])
    if "ou" in cond:
        return np.logical_or.reduce([evaluate(c, contexte) for c in cond["ou"]] or [np.zeros(n, dtype=bool)])
    if "non" in cond:
        return ~evaluate(cond["non"], contexte)
    if "existe" in cond:
        return counts(cond["existe"], cond.get("si"), contexte) > 0
    if "nombre" in cond:
        column = pd.Series(counts(cond["nombre"], cond.get("si"), contexte))
        return all_operators(column, cond, COUNT_OPERATORS, lambda o: _operand(o, contexte))
    if "doublon" in cond:
        return _duplicated(cond["doublon"], contexte)
    if "fonction" in cond:
        found = FUNCTIONS[cond["fonction"]](contexte.df, cond.get("parametres", {}))
        return pd.Series(found).fillna(False).to_numpy(dtype=bool)
    column = values(cond["variable"], contexte)
    if column is None:
        return np.zeros(n, dtype=bool)
    return all_operators(column, cond, OPERATORS, lambda o: _operand(o, contexte))


def known(cond: Condition | None, contexte: Contexte) -> np.ndarray:
    """True where every variable the condition compares is answered (`renseigne` and child rows need no answer)."""
    out = np.ones(len(contexte.df), dtype=bool)
    for reference, needed in own_references(cond):
        column = values(reference, contexte)
        if column is None:
            return np.zeros(len(out), dtype=bool)
        if needed:
            out &= column.notna().to_numpy(dtype=bool)
    return out


def values(reference: str, contexte: Contexte) -> pd.Series | None:
    """The referenced column, one value per row of the context; None when the campaign does not carry it."""
    entite, nom = split(reference, contexte.entite)
    df = contexte.frame(entite) if entite != contexte.entite else contexte.df
    if df is None or nom not in df.columns:
        return None
    if entite == contexte.entite:
        return df[nom].reset_index(drop=True)
    return df[nom].reindex(labels_of(contexte, entite)).reset_index(drop=True)


def counts(child: str, si: Condition | None, contexte: Contexte) -> np.ndarray:
    """How many rows of `child` meeting `si` each row of the context has."""
    n = len(contexte.df)
    rows = contexte.frame(child)
    if rows is None or not len(rows):
        return np.zeros(n, dtype="int64")
    inner = replace(contexte, entite=child)
    positions = contexte.df.index.get_indexer(labels_of(inner, contexte.entite))
    return np.bincount(positions[evaluate(si, inner) & (positions >= 0)], minlength=n)


def labels_of(contexte: Contexte, ancestor: str) -> np.ndarray:
    """Label in `ancestor`'s frame (or the sampling frame's) of each row of the context, -1 where none. Raises ValueError when it is
    no ancestor."""
    entites = contexte.questionnaire.entites
    labels, entite = contexte.df.index.to_numpy(), contexte.entite
    while entite != ancestor:
        df = contexte.frame(entite)
        parent = entites[entite].parent if entite in entites else None
        in_base = ancestor == contexte.questionnaire.base and (
            parent is None or (df is not None and "base_ligne" in df.columns)
        )
        if parent is None and not in_base:
            raise ValueError(f"{ancestor} n'est pas un ancêtre de {contexte.entite}")
        link = "base_ligne" if in_base else "parent"
        if df is None or link not in df.columns:
            return np.full(len(labels), -1, dtype="int64")
        labels = df[link].reindex(labels).fillna(-1).to_numpy(dtype="int64")
        entite = ancestor if in_base else str(parent)
    return labels


def _operand(operand: Condition, contexte: Contexte) -> object:
    """The value of `{campagne: debut|fin}` or the column of `{variable: W}` (None: not carried)."""
    if "campagne" in operand:
        return getattr(contexte.questionnaire.campagnes[contexte.campagne], operand["campagne"])
    return values(operand["variable"], contexte)


def _duplicated(variables: list[str], contexte: Contexte) -> np.ndarray:
    columns = [values(v, contexte) for v in variables]
    if any(c is None for c in columns):
        return np.zeros(len(contexte.df), dtype=bool)
    keys = pd.concat(columns, axis=1, keys=range(len(columns)))
    keys = keys.apply(lambda c: c.map(lambda v: tuple(v) if isinstance(v, MANY) else v) if c.dtype == object else c)
    if "parent" in contexte.df.columns:
        keys["parent"] = contexte.df["parent"].to_numpy()
    return keys.notna().all(axis=1).to_numpy() & keys.duplicated(keep=False).to_numpy()


# ---- comparison operators on whole columns

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


def _date(value: object) -> Any:
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
