"""Structure of conditions: what they name, and whether they can be evaluated at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cartographie.conditions.operateurs import COUNT_OPERATORS, OPERATORS
from cartographie.fonctions import FUNCTIONS

FORMS = ("et", "ou", "non", "variable", "nombre", "existe", "doublon", "fonction")
Condition = Mapping[str, Any]


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


def check(cond: Any) -> list[str]:
    """Faults of structure, in French; empty when the condition can be evaluated."""
    if not isinstance(cond, Mapping):
        return [f"une condition est attendue, pas « {cond} »"]
    forms = [f for f in FORMS if f in cond]
    if not forms:
        return [f"condition inconnue : clés {', '.join(map(str, cond)) or 'absentes'} (attendu : {', '.join(FORMS)})"]
    forms = ["fonction"] if "fonction" in forms else forms
    if len(forms) > 1:
        return [f"une seule forme par condition, pas « {' » et « '.join(forms)} »"]
    form = forms[0]
    body, others = cond[form], [k for k in cond if k != form]
    if form in ("et", "ou"):
        if not isinstance(body, list) or not body:
            return [f"« {form} » attend une liste de conditions"]
        return [e for c in body for e in check(c)] + _unexpected(form, others, ())
    if form == "non":
        return check(body) + _unexpected(form, others, ())
    if form == "fonction":
        return [] if body in FUNCTIONS else [f"fonction inconnue « {body} » (connues : {', '.join(sorted(FUNCTIONS))})"]
    if form == "doublon":
        ok = isinstance(body, list) and body and all(isinstance(v, str) for v in body)
        return ([] if ok else ["« doublon » attend une liste de variables"]) + _unexpected(form, others, ())
    errors = [] if isinstance(body, str) else [f"« {form} » attend un nom"]
    if form in ("nombre", "existe") and cond.get("si") is not None:
        errors += check(cond["si"])
    operators = {"variable": OPERATORS, "nombre": COUNT_OPERATORS, "existe": ()}[form]
    errors += _unexpected(form, others, (*operators, *(("si",) if form != "variable" else ())))
    used = [k for k in others if k in operators]
    if operators and not used:
        errors.append(f"« {form}: {body} » n'a pas d'opérateur (attendu : {', '.join(operators)})")
    return errors + [e for op in used for e in _check_operand(op, cond[op])]


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


def _unexpected(form: str, keys: list[str], allowed: tuple[str, ...]) -> list[str]:
    return [f"opérateur ou clé inconnue « {k} » dans une condition « {form} »" for k in keys if k not in allowed]


def _check_operand(op: str, operand: Any) -> list[str]:
    if op == "renseigne":
        return [] if isinstance(operand, bool) else ["« renseigne » attend true ou false"]
    if op == "motif":
        try:
            re.compile(operand)
        except (re.error, TypeError):
            return [f"« motif » n'est pas une expression régulière : {operand}"]
        return []
    if isinstance(operand, Mapping):
        ok = (set(operand) == {"variable"} and isinstance(operand["variable"], str)) or (
            set(operand) == {"campagne"} and operand["campagne"] in ("debut", "fin")
        )
        return [] if ok else [f"opérande inconnu pour « {op} » : attendu {{variable: …}} ou {{campagne: debut|fin}}"]
    if op in ("dans", "hors"):
        return [] if isinstance(operand, list) and operand else [f"« {op} » attend une liste non vide"]
    if isinstance(operand, list) and op != "contient" and op not in ("egal", "different"):
        return [f"« {op} » n'attend qu'une valeur"]
    return [] if operand is not None else [f"« {op} » attend une valeur (utilisez « renseigne » pour le vide)"]
