"""The rule language: plain nested dicts, evaluated on whole columns.

A condition is one of `{variable: V, OP: X}`, `{nombre: child, si: COND, OP: n}`, `{existe: child, si: COND}`,
`{doublon: [V…]}`, `{fonction: NAME, parametres}`, `{et: […]}`, `{ou: […]}`, `{non: COND}`. Two-valued: every comparison with a
null is False (also `different` and `hors`), then `non` is plain negation. A variable that no file of the campaign
carries makes its comparison False, `renseigne: false` included: not asked is not unanswered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cartographie.conditions.operateurs import COUNT_OPERATORS, MANY, OPERATORS, all_operators
from cartographie.conditions.structure import Condition, check, own_references, references, split
from cartographie.fonctions import FUNCTIONS
from cartographie.model import Questionnaire

__all__ = ["Condition", "Contexte", "check", "counts", "evaluate", "known", "references", "set_level", "values"]


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


# ------------------------------------------------------------------------------------------- public functions


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
    return df[nom].reindex(_labels(contexte, entite)).reset_index(drop=True)


def set_level(questionnaire: Questionnaire, campagne: str) -> bool:
    """True when a rule of the campaign compares respondents with one another: none can be checked alone."""
    racines = {e.nom for e in questionnaire.entites.values() if e.parent is None and not e.base}
    regles = (r for r in questionnaire.regles if not r.campagnes or campagne in r.campagnes)
    return any(r.entite in racines and _mentions(r.condition, "doublon") for r in regles)


def _mentions(cond: object, word: str) -> bool:
    if isinstance(cond, Mapping):
        return word in cond or any(_mentions(c, word) for c in cond.values())
    return isinstance(cond, list) and any(_mentions(c, word) for c in cond)


def counts(child: str, si: Condition | None, contexte: Contexte) -> np.ndarray:
    """How many rows of `child` meeting `si` each row of the context has."""
    n = len(contexte.df)
    rows = contexte.frame(child)
    if rows is None or not len(rows):
        return np.zeros(n, dtype="int64")
    inner = replace(contexte, entite=child)
    positions = contexte.df.index.get_indexer(_labels(inner, contexte.entite))
    return np.bincount(positions[evaluate(si, inner) & (positions >= 0)], minlength=n)


def _labels(contexte: Contexte, ancestor: str) -> np.ndarray:
    """Label in `ancestor`'s frame (or the sampling frame's) of each row of the context, -1 where none."""
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
