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
FORMS = ("et", "ou", "non", "variable", "nombre", "existe", "doublon", "fonction")


def parts(
    cond: Condition | None, entite: str = "", chemin: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str, Condition]]:
    """(place, entity it is read on, condition) of each condition inside this one, itself first; "" for the context's own rows."""
    if cond is None:
        return
    yield chemin, entite, cond
    for word in ("et", "ou"):
        for i, c in enumerate(cond.get(word, ())):
            yield from parts(c, entite, (*chemin, word, i))
    yield from parts(cond.get("non"), entite, (*chemin, "non"))
    yield from parts(cond.get("si"), cond.get("nombre") or cond.get("existe") or entite, (*chemin, "si"))


def named(cond: Condition) -> Iterator[tuple[str, str, bool]]:
    """(key, reference, must be answered) of the variables that a condition names, those of the conditions inside left aside."""
    if "variable" in cond:
        yield "variable", cond["variable"], any(k in OPERATORS and k != "renseigne" for k in cond)
    yield from (("doublon", v, False) for v in cond.get("doublon", ()))
    given = cond.get("parametres", {})
    several = given.get("variables", [])
    for v in [*(several if isinstance(several, list) else [several]), given.get("variable")]:
        if isinstance(v, str):
            yield "parametres", v, True
    for op in OPERATORS:
        if isinstance(cond.get(op), Mapping) and "variable" in cond[op]:
            yield op, cond[op]["variable"], True


def references(cond: Condition | None, entite: str) -> set[tuple[str, str]]:
    """Every (entity, variable) named, those of child rows included."""
    return {split(r, ici) for _, ici, c in parts(cond, entite) for _, r, _ in named(c)}


def own_references(cond: Condition | None) -> Iterator[tuple[str, bool]]:
    """(reference, must be answered) of the context's own rows; child rows' own conditions are left out."""
    return ((r, needed) for _, ici, c in parts(cond) if not ici for _, r, needed in named(c))


def split(reference: str, entite: str) -> tuple[str, str]:
    """`entity.V` → (entity, V); a bare name belongs to `entite`."""
    before, dot, after = reference.rpartition(".")
    return (before, after) if dot else (entite, after)


def set_level(questionnaire: Questionnaire, campagne: str) -> bool:
    """True when a rule of the campaign compares respondents with one another: none can be checked alone."""
    racines = {e.nom for e in questionnaire.entites.values() if e.parent is None and not e.base}
    regles = (r for r in questionnaire.regles_de(campagne) if r.entite in racines)
    return any("doublon" in c for r in regles for *_, c in parts(r.condition))


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
