"""What is loaded: the columns of each entity's table and of its analysis view."""

from __future__ import annotations

from cartographie.survey.model import Entite, Questionnaire, Variable
from cartographie.survey.types import TYPES

LOCATION = {"depot": "VARCHAR", "feuille": "VARCHAR", "ligne": "BIGINT"}


def loaded_variables(questionnaire: Questionnaire, entite: str) -> list[Variable]:
    """Variables of the entity that have a column, in declared order. Personal ones and free texts that are never published
    have none, in any form.
    """
    return [
        v
        for v in questionnaire.variables.values()
        if entite in v.entites and not v.personnel and (v.publiable or not TYPES[v.type].libre)
    ]


def technical_columns(questionnaire: Questionnaire, entite: Entite) -> dict[str, str]:
    """Column → SQL type, before the variables. A root's or child's key is (campagne, id_repondant, ordinal)."""
    if entite.base:
        return {"campagne": "VARCHAR", "id_base": "VARCHAR", "disposition": "VARCHAR", **LOCATION}
    columns = {"campagne": "VARCHAR", "id_repondant": "VARCHAR", "ordinal": "INTEGER"}
    if entite.parent is not None:
        columns["ordinal_parent"] = "INTEGER"
    columns |= LOCATION
    if entite.nom == questionnaire.racine:
        columns["id_base"] = "VARCHAR"
    if entite.cle_stable:
        columns["id_stable"] = "VARCHAR"
    columns["id_suite"] = "VARCHAR"  # its key in the campaign that follows
    return columns


def entity_columns(questionnaire: Questionnaire, entite: Entite) -> dict[str, str]:
    """Every column of the entity's table → SQL type."""
    columns = technical_columns(questionnaire, entite)
    return columns | {v.nom: TYPES[v.type].sql for v in loaded_variables(questionnaire, entite.nom)}


def axis_variables(questionnaire: Questionnaire) -> list[str]:
    """Variables the declared axes read, and those a respondent takes from the frame: carried to every analysis view."""
    names: dict[str, None] = {}
    for axe in questionnaire.enquete.get("axes", {}).values():
        for niveau in [axe, *(axe.get("niveaux") or [])]:
            if niveau.get("variable"):
                names[niveau["variable"]] = None
    names |= dict.fromkeys(questionnaire.entites[questionnaire.racine].depuis_base)
    return [n for n in names if n in questionnaire.variables and not questionnaire.variables[n].personnel]


def analysis_columns(questionnaire: Questionnaire, entite: str) -> list[str]:
    """Variables of the entity's analysis view: its own, then the axis ones it inherits (root: from the frame)."""
    own = [v.nom for v in loaded_variables(questionnaire, entite)]
    if questionnaire.entites[entite].base:
        return own
    return own + [n for n in inherited(questionnaire, entite) if n not in own]


def inherited(questionnaire: Questionnaire, entite: str) -> list[str]:
    """Axis variables the entity does not declare and finds on its ancestors or, for the main root, in the frame."""
    e = questionnaire.entites[entite]
    own = {v.nom for v in loaded_variables(questionnaire, entite)}
    if e.parent is not None:
        source = set(analysis_columns(questionnaire, e.parent))
    elif entite == questionnaire.racine and questionnaire.base is not None:
        source = {v.nom for v in loaded_variables(questionnaire, questionnaire.base)}
    else:
        source = set()
    return [n for n in axis_variables(questionnaire) if n in source and n not in own]
