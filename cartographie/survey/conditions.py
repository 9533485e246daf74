"""The rule language: plain nested dicts. Here what a condition may be and what it names; its form is declared in forms.py, judged in check.py.

A condition is one of `{variable: V, OP: X}`, `{nombre: child, si: COND, OP: n}`, `{existe: child, si: COND}`,
`{doublon: [V…]}`, `{fonction: NAME, parametres}`, `{et: […]}`, `{ou: […]}`, `{non: COND}`. No frame is needed: see evaluate.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cartographie.survey.model import Questionnaire

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Condition = Mapping[str, Any]
EQUALITY = ("egal", "different", "dans", "hors")
ORDER = ("inferieur", "inferieur_ou_egal", "superieur", "superieur_ou_egal")
OPERATORS = (*EQUALITY, *ORDER, "contient", "renseigne", "motif")
COUNT_OPERATORS = ("egal", "different", "dans", "hors", *ORDER)
MANY = (list, tuple, set, frozenset)
Reader = Callable[[Mapping[str, Any]], Any]


FORMS = ("et", "ou", "non", "variable", "nombre", "existe", "doublon", "fonction")


def references(cond: Condition | None, entite: str) -> set[tuple[str, str]]:
    """Every (entity, variable) named, those of child rows included."""
    if not cond:
        return set()
    out = {split(r, entite) for r, _ in own_references(cond)}
    for node in nodes(cond):
        child = node.get("nombre") or node.get("existe")
        if child:
            out |= references(node.get("si"), child)
    return out


def own_references(cond: Condition | None) -> Iterator[tuple[str, bool]]:
    """(reference, must be answered) of the context's own rows; child rows' own conditions are left out."""
    for node in nodes(cond):
        if "variable" in node and "fonction" not in node:
            yield node["variable"], any(k in OPERATORS and k != "renseigne" for k in node)
        if "doublon" in node:
            yield from ((v, False) for v in node["doublon"])
        if "fonction" in node:
            named = node.get("parametres", {})
            yield from (
                (v, True) for v in (*named.get("variables", ()), *([named["variable"]] if "variable" in named else []))
            )
        for op in OPERATORS:
            if isinstance(node.get(op), Mapping) and "variable" in node[op]:
                yield node[op]["variable"], True


def nodes(cond: Condition | None) -> Iterator[Condition]:
    """Every leaf of a condition (child conditions of nombre/existe not entered)."""
    if not cond:
        return
    for c in [*cond.get("et", ()), *cond.get("ou", ())]:
        yield from nodes(c)
    if "non" in cond:
        yield from nodes(cond["non"])
    if not any(k in cond for k in ("et", "ou", "non")):
        yield cond


def split(reference: str, entite: str) -> tuple[str, str]:
    """`entity.V` → (entity, V); a bare name belongs to `entite`."""
    before, dot, after = reference.rpartition(".")
    return (before, after) if dot else (entite, after)


def set_level(questionnaire: Questionnaire, campagne: str) -> bool:
    """True when a rule of the campaign compares respondents with one another: none can be checked alone."""
    racines = {e.nom for e in questionnaire.entites.values() if e.parent is None and not e.base}
    return any(r.entite in racines and _mentions(r.condition, "doublon") for r in questionnaire.regles_de(campagne))


def _mentions(cond: object, word: str) -> bool:
    if isinstance(cond, Mapping):
        return word in cond or any(_mentions(c, word) for c in cond.values())
    return isinstance(cond, list) and any(_mentions(c, word) for c in cond)


# ---- named pure functions that a rule may call, the way out of the rule language: `{fonction: NAME, parametres: {…}}`.
# Each takes the entity's frame (one row is one record) and its parameters, and returns one boolean per row: True
# where the situation named holds. Nulls never hold. Parameters that name variables are called `variables` or `variable`,
# so that the declaration checker sees them.


def somme_superieure(df: pd.DataFrame, params: Mapping[str, Any]) -> np.ndarray:
    """The sum of `variables` (nulls as 0, at least one answered) exceeds `variable` (answered).

    Example: `{fonction: somme_superieure, parametres: {variables: [nb_a, nb_b], variable: nb_total}}`.
    """
    import numpy as np
    import pandas as pd

    names = [*params["variables"], params["variable"]]
    if any(n not in df.columns for n in names):
        return np.zeros(len(df), dtype=bool)
    parts = df[params["variables"]].apply(pd.to_numeric).astype("Float64")
    total = pd.to_numeric(df[params["variable"]]).astype("Float64")
    exceeds = (parts.fillna(0).sum(axis=1) > total) & parts.notna().any(axis=1)
    return exceeds.fillna(False).to_numpy(dtype=bool)


FUNCTIONS: dict[str, Callable[[pd.DataFrame, Mapping[str, Any]], np.ndarray]] = {"somme_superieure": somme_superieure}
