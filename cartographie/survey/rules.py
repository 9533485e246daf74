"""Which rule a finding falls under, whose record it is about, and values as one safe line of text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any

import yaml

from cartographie.survey.conditions import references, split
from cartographie.survey.model import Gravite, Questionnaire, Regle
from cartographie.survey.received import Constat

# ---- Which rule a finding falls under, and whose record it is about.

RULE = "regle"  # Constat.constat of a finding made by a declared condition
BY_HAND = "correction_declaree"  # a repair too, but one that is declined by not declaring it
NO = (False, "non")
_DECLINED = (
    "« {valeur} » n'a pas été repris : la campagne n'accepte pas cette réécriture ({quoi}) ; écrivez « {proposition} » si "
    "c'est bien la réponse."
)


@cache
def load_catalogue() -> dict[str, dict[str, Any]]:
    """The built-in findings: name → {code, gravite, message}."""
    text = resources.files("cartographie.survey").joinpath("constats.yaml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def rules_by_finding(questionnaire: Questionnaire, campagne: str) -> Callable[[Constat], Regle | None]:
    """How to find the survey's rule of a finding: by its code, else the closest mapping (type, then entity)."""
    rules = questionnaire.regles_de(campagne)
    by_code = {r.code: r for r in rules}
    by_finding: dict[str, list[Regle]] = {}
    for rule in rules:
        if rule.constat:
            by_finding.setdefault(rule.constat, []).append(rule)

    @cache
    def closest(name: str, entite: str | None, variable: str | None) -> Regle | None:
        declared = questionnaire.variables.get(variable or "")
        kind = declared.type if declared else None
        fitting = [r for r in by_finding.get(name, ()) if r.entite in ("*", entite) and kind in (r.types or (kind,))]
        fitting = [r for r in fitting if variable in (r.cellules or (variable,))]
        return max(fitting, key=lambda r: (bool(r.cellules), bool(r.types), r.entite != "*"), default=None)

    return lambda c: by_code[c.regle] if c.regle else closest(c.constat, c.entite, c.variable)


def repairs(questionnaire: Questionnaire) -> frozenset[str]:
    """Names of the repairs a campaign may decline, and the codes of the rules they fall under."""
    built_in = {n: e for n, e in load_catalogue().items() if e["gravite"] == Gravite.REDRESSEMENT and n != BY_HAND}
    codes = {e["code"] for e in built_in.values()} | {r.code for r in questionnaire.regles if r.constat in built_in}
    return frozenset(built_in) | codes


def declined(questionnaire: Questionnaire, campagne: str) -> frozenset[str]:
    """Those of `repairs` that the campaign declines."""
    declared = questionnaire.campagnes.get(campagne)
    choices = declared.parametres.get("redressements", {}) if declared else {}
    return frozenset(name for name, choice in choices.items() if choice in NO)


def judge(questionnaire: Questionnaire, campagne: str) -> Callable[[Constat], Regle]:
    """The rule a finding falls under: the survey's, else the built-in one as a Regle.

    A repair that the campaign declines keeps its code and rejects the cell.
    """
    of_survey, refused = rules_by_finding(questionnaire, campagne), declined(questionnaire, campagne)
    built_in = {
        name: Regle(code=e["code"], gravite=Gravite(e["gravite"]), entite="*", message=e["message"], constat=name)
        for name, e in load_catalogue().items()
    }

    def rule(constat: Constat) -> Regle:
        found = of_survey(constat) or built_in.get(constat.constat)
        if found is None:
            raise AssertionError(f"constat absent du catalogue : {constat.constat}")
        if refused and constat.regle is None and refused & {constat.constat, found.code}:
            what = _DECLINED.replace("{quoi}", constat.constat)
            return replace(found, gravite=Gravite.REJET_CELLULE, message=what)
        return found

    return rule


def details_of(rule: Regle, entite: str, questionnaire: Questionnaire) -> list[str]:
    """Variables of the record itself that the rule's message may quote: those blamed, concerned, then of its condition."""
    named = [split(v, entite) for v in (*rule.cellules, *rule.en_cause)]
    named += sorted(references(rule.condition, entite))
    return list(dict.fromkeys(v for e, v in named if e == entite and v in questionnaire.variables))


def climb(
    entite: str | None, record: int | None, target: str, questionnaire: Questionnaire, parents: Mapping[str, Any]
) -> int:
    """The record of `target` that a record of `entite` belongs to (itself included), -1 if none."""
    if record is None or entite is None or entite not in questionnaire.entites:
        return -1
    while entite != target:
        above = questionnaire.entites[entite].parent
        if above is None or record < 0 or entite not in parents:
            return -1
        record, entite = int(parents[entite][record]), above
    return record


# ---- Values and messages as one safe line of text.

VALUE_MAX = 80
FIELD_MAX = 300
_BREAKS = dict.fromkeys(map(ord, "\t\r\n\v\f\u2028\u2029"), " ")
_UNSEEN = ("Cc", "Cf", "Cs", "Co")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_ASIDE = re.compile(r" \([^(){}]*\{(\w+)\}[^(){}]*\)")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")


def fill(template: str, fields: Mapping[str, Any]) -> str:
    """Replace `{name}` once, never inside a value; an unknown or empty name becomes « — ». A parenthesis that only gives a name
    which is empty is left out: « (le plus proche : ) » says nothing."""
    texts = {m: une_ligne(fields.get(m), FIELD_MAX) for m in _PLACEHOLDER.findall(template)}
    template = _ASIDE.sub(lambda m: m[0] if texts[m[1]] else "", template)
    return _PLACEHOLDER.sub(lambda m: texts[m[1]] or "—", template)


def une_ligne(value: object, length: int = VALUE_MAX) -> str:
    """A value as one safe line: no control, escape or bidirectional character, at most `length` characters."""
    import pandas as pd  # here: declarations are read without it

    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        value = "" if value != value else str(int(value)) if whole else repr(float(value)).replace(".", ",")
    elif isinstance(value, datetime):
        value = value.strftime("%d/%m/%Y") if value.time() == datetime.min.time() else value.strftime("%d/%m/%Y %H:%M")
    elif isinstance(value, date):
        value = value.strftime("%d/%m/%Y")
    elif isinstance(value, list | tuple | set | frozenset):
        value = ", ".join(sorted(map(str, value)))
    text = str(value)
    if text.isprintable() and len(text) <= length and "  " not in text:  # the usual case, cheap
        return text.strip()
    text = _ANSI.sub("", text[: 20 * length])
    text = text.translate(_BREAKS)
    text = "".join(ch for ch in text if ch in "\u200d\u200c" or unicodedata.category(ch) not in _UNSEEN)
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def column_letters(column: int | None) -> str:
    """1 → A, 27 → AA; nothing for no column."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
