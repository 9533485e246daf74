"""The pandera schema of one entity in one campaign, generated from the declarations and the table of types. Nothing is declared here.

Frames come decoded: no coercion, and a wrong dtype is a bug of the decoders, not of the respondent. Each check bears the name of
the constat it states, and holds plain parameters: a schema can be written (`to_yaml`) and read again by whoever has registered
these checks. A null passes every check; a value that must be given is a column that refuses nulls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.extensions import register_check_method  # type: ignore[attr-defined]

from cartographie.base.identifiers import CLE, LA_POSTE, LONGUEURS, check
from cartographie.survey.model import Questionnaire, Variable
from cartographie.survey.types import TYPES

ABSENT = "not_nullable"  # pandera's own name for a null in a column that refuses it


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
            TYPES[variable.type].dtype,
            checks=_checks(variable, questionnaire, campagne, read),
            nullable=not required,
            required=False,
        )
    return pa.DataFrameSchema(columns, name=entite)


def _checks(variable: Variable, questionnaire: Questionnaire, campagne: str, read: bool) -> list[pa.Check]:
    found = []
    for name in TYPES[variable.type].controles:
        parameters = _parameters(name, variable, questionnaire, campagne)
        # a derived code may borrow the codes of another campaign
        if parameters and (read or name != "modalite_perimee"):
            found.append(_registered(name)(**parameters, error=name))
    return found


# ---- the checks, by the names of their constats: each is given the column without its nulls, and says which cells are sound

Parameters = dict[str, Any]


@register_check_method(statistics=["minimum", "maximum"])
def hors_bornes(s: pd.Series, *, minimum: float | None, maximum: float | None) -> pd.Series:
    values = s.to_numpy(dtype=float)
    low, high = -np.inf if minimum is None else minimum, np.inf if maximum is None else maximum
    return pd.Series((values >= low) & (values <= high), index=s.index)


@register_check_method(statistics=["longueur_max"])
def texte_trop_long(s: pd.Series, *, longueur_max: int) -> pd.Series:
    return s.str.len() <= longueur_max


@register_check_method(statistics=["codes"])
def modalite_inconnue(s: pd.Series, *, codes: Sequence[str]) -> pd.Series:
    """Every answer is, or was, of the list."""
    known = frozenset(codes)
    return _by_distinct(s, lambda v: known.issuperset(v) if isinstance(v, tuple) else v in known)


@register_check_method(statistics=["codes"])
def modalite_perimee(s: pd.Series, *, codes: Sequence[str]) -> pd.Series:
    """No answer is one that only other campaigns admit."""
    gone = frozenset(codes)
    return _by_distinct(s, lambda v: gone.isdisjoint(v) if isinstance(v, tuple) else v not in gone)


@register_check_method(statistics=["nature"])
def identifiant_cle(s: pd.Series, *, nature: str) -> pd.Series:
    """Luhn's rule on all at once; one by one, those that do not follow it, and La Poste's, which has its own."""
    length, texts = LONGUEURS[nature], s.to_numpy(dtype=object)
    regular = (s.str.len() == length).to_numpy(dtype=bool) & ~s.str.startswith(LA_POSTE).to_numpy(dtype=bool)
    signs = np.array(texts[regular].tolist(), dtype=f"U{length}").view(np.uint32).reshape(-1, length)
    digits = signs.astype("int64") - 48
    letters = digits[:, 1]
    digits[:, 1] = np.select([letters == 17, letters == 18], [1, 2], letters)  # 2A counts as 21, 2B as 22
    sound = regular.copy()
    # a SIRET starts with a SIREN
    sound[regular] = _luhn(digits) & (_luhn(digits[:, :9]) if nature == "siret" else True)
    others = np.flatnonzero(~sound)
    sound[others] = np.array([check(nature, v) != CLE for v in texts[others]], dtype=bool)
    return pd.Series(sound, index=s.index)


def _luhn(digits: np.ndarray) -> np.ndarray:
    """One row, one number: it is made of digits, the last of them being the key of the others."""
    doubled = digits[:, -2::-2] * 2
    total = (doubled - 9 * (doubled > 9)).sum(axis=1) + digits[:, ::-2].sum(axis=1)
    return (total % 10 == 0) & ((digits >= 0) & (digits <= 9)).all(axis=1)


def _registered(name: str) -> Callable[..., pa.Check]:
    """The registered check of that constat: one of those above, else the pattern its sound values follow."""
    if not hasattr(pa.Check, name):

        def follows(s: pd.Series, *, motif: str) -> pd.Series:
            return s.str.fullmatch(motif)

        follows.__name__ = name
        register_check_method(follows, statistics=["motif"])
    check: Callable[..., pa.Check] = getattr(pa.Check, name)
    return check


def _parameters(name: str, v: Variable, q: Questionnaire, campagne: str) -> Parameters | None:
    """What that check is given for this variable; None where there is nothing to judge."""
    nomenclature = q.nomenclatures.get(v.nomenclature or "")
    codes = list(nomenclature.modalites) if nomenclature else None
    match name:
        case "hors_bornes":
            given: Parameters = {"minimum": v.minimum, "maximum": v.maximum}
        case "texte_trop_long":
            given = {"longueur_max": v.longueur_max}
        case "modalite_inconnue":
            given = {"codes": codes}
        case "modalite_perimee":
            valid = nomenclature.valides(campagne) if nomenclature else {}
            given = {"codes": [c for c in codes or () if c not in valid] or None}
        case "identifiant_cle":
            given = {"nature": v.type}
        case _:
            given = {"motif": None if nomenclature else TYPES[v.type].motif}
    return given if any(x is not None for x in given.values()) else None


def _by_distinct(s: pd.Series, predicate: Callable[[Any], bool]) -> pd.Series:
    """Judge each distinct value once."""
    ranks, distinct = pd.factorize(s.to_numpy(dtype=object))
    return pd.Series(np.array([predicate(v) for v in distinct], dtype=bool)[ranks], index=s.index)
