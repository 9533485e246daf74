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

from cartographie.base.identifiers import CHECKS, CLE, LA_POSTE
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
        parameters = _PARAMETERS.get(name, _pattern)(variable, questionnaire, campagne)
        if parameters and (
            read or name != "modalite_perimee"
        ):  # a derived code may borrow the codes of another campaign
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
    check, length = CHECKS[nature]
    texts = s.to_numpy(dtype=object)
    regular = (s.str.len() == length).to_numpy(dtype=bool) & ~s.str.startswith(LA_POSTE).to_numpy(dtype=bool)
    digits = (
        np.array(texts[regular].tolist(), dtype=f"U{length}").view(np.uint32).reshape(-1, length).astype("int64") - 48
    )
    digits[:, 1] = np.select(
        [digits[:, 1] == 17, digits[:, 1] == 18], [1, 2], digits[:, 1]
    )  # 2A counts as 21, 2B as 22
    sound = regular.copy()
    sound[regular] = _luhn(digits) & (
        _luhn(digits[:, :9]) if nature == "siret" else True
    )  # a SIRET starts with a SIREN
    others = np.flatnonzero(~sound)
    sound[others] = np.array([check(v) != CLE for v in texts[others]], dtype=bool)
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


def _bounds(v: Variable, q: Questionnaire, campagne: str) -> Parameters | None:
    return None if v.minimum is None and v.maximum is None else {"minimum": v.minimum, "maximum": v.maximum}


def _length(v: Variable, q: Questionnaire, campagne: str) -> Parameters | None:
    return None if v.longueur_max is None else {"longueur_max": v.longueur_max}


def _codes(v: Variable, q: Questionnaire, campagne: str) -> Parameters | None:
    nomenclature = q.nomenclatures.get(v.nomenclature or "")
    return {"codes": list(nomenclature.modalites)} if nomenclature else None


def _expired(v: Variable, q: Questionnaire, campagne: str) -> Parameters | None:
    nomenclature = q.nomenclatures.get(v.nomenclature or "")
    if nomenclature is None:
        return None
    valid = nomenclature.valides(campagne)
    expired = [c for c in nomenclature.modalites if c not in valid]
    return {"codes": expired} if expired else None


def _key(v: Variable, q: Questionnaire, campagne: str) -> Parameters | None:
    return {"nature": v.type}


def _pattern(v: Variable, q: Questionnaire, campagne: str) -> Parameters | None:
    motif = TYPES[v.type].motif
    return {"motif": motif} if motif and v.nomenclature not in q.nomenclatures else None


_PARAMETERS: dict[str, Callable[[Variable, Questionnaire, str], Parameters | None]] = {
    "hors_bornes": _bounds,
    "texte_trop_long": _length,
    "modalite_inconnue": _codes,
    "modalite_perimee": _expired,
    "identifiant_cle": _key,
}


def _by_distinct(s: pd.Series, predicate: Callable[[Any], bool]) -> pd.Series:
    """Judge each distinct value once."""
    ranks, distinct = pd.factorize(s.to_numpy(dtype=object))
    return pd.Series(np.array([predicate(v) for v in distinct], dtype=bool)[ranks], index=s.index)
