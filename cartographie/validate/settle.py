"""Decoded records → kept │ quarantined. What is wrong is stated first, on the values as decoded; then it is applied.

Order: pandera, on what was derived (what was read was judged before: `judge_lots`) · questions asked under a condition ·
identity · sampling frame · declared rules; then the scope of each finding's severity: file, record and its children, cell.
What is kept is checked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import pandas as pd
import pandera.errors

from cartographie.survey.conditions import split
from cartographie.survey.evaluate import Contexte
from cartographie.survey.model import Gravite, Questionnaire, Regle
from cartographie.survey.received import Constat, Depot, Lot
from cartographie.survey.rules import climb, judge
from cartographie.validate.checks import (
    MISSING,
    attach,
    check_asked,
    check_base,
    check_identity,
    check_rules,
    check_schema,
)
from cartographie.validate.schema import build_schema

PARENT_REJECTED = "parent_rejete"
_REJECTS = (Gravite.REJET_FICHIER, Gravite.REJET_LIGNE, Gravite.REJET_CELLULE)
_OF_RECORD = ("ligne_orpheline", "ligne_sans_identifiant", "repondant_en_double", "cle_en_double")
RuleOf = Callable[[Constat], Regle]
Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Validation:
    """`kept[e]`, `quarantined[e]`: one row is one record of entity e, its index label the record's number in the Lot;
    rejected cells are null in `kept`; `quarantined` also has `motif` (rule codes, or "parent_rejete"). Root frames carry
    `id_repondant`. `constats`: all findings, earlier ones included, each once. `cellules_rejetees`: one row is one cell
    emptied (entite, enregistrement, variable, constat, regle). `identifiants`: root record → respondent.
    """

    kept: dict[str, pd.DataFrame]
    quarantined: dict[str, pd.DataFrame]
    constats: list[Constat]
    cellules_rejetees: pd.DataFrame
    identifiants: pd.Series


def validate(
    lots: Mapping[str, Lot],
    constats: Sequence[Constat],
    questionnaire: Questionnaire,
    campagne: str,
    base: pd.DataFrame | None = None,
    depots: Sequence[Depot] = (),
) -> Validation:
    """Split decoded (and derived) lots. AssertionError if what is kept disobeys the schema: a bug of ours."""
    order = [e for e in questionnaire.entites if e in lots]  # parents are declared before their children
    frames = {e: lots[e].df for e in order}
    rule_of = judge(questionnaire, campagne)
    contexts = {e: Contexte(e, frames, questionnaire, campagne, base) for e in order}

    constats = attach(constats, lots)
    # a required cell already rejected for its content is not also "missing"
    rejected = (c for c in constats if c.constat != MISSING and rule_of(c).gravite in _REJECTS)
    refused = {(c.entite, c.enregistrement, c.variable) for c in rejected}

    def unsaid(stated: Iterable[Constat]) -> list[Constat]:
        return [c for c in stated if c.constat != MISSING or (c.entite, c.enregistrement, c.variable) not in refused]

    constats, new = unsaid(constats), []
    for e in order:
        new += unsaid([*check_schema(lots[e], questionnaire, campagne), *check_asked(contexts[e], lots[e])])
    for e in order:
        new += check_identity(contexts[e], depots)
        new += check_base(contexts[e])
    new += check_rules(contexts, _cells_rejected([*constats, *new], rule_of))
    found = [*constats, *_unstated(new, constats)]

    quarantine = _quarantine(found, rule_of, frames, questionnaire)
    emptied = _rejected_cells(found, rule_of, frames, questionnaire)
    kept, aside = {}, {}
    for e in order:
        out = frames[e].index.isin(list(quarantine[e]))
        aside[e] = frames[e][out].assign(motif=[quarantine[e][r] for r in frames[e].index[out]])
        kept[e] = _empty_cells(frames[e][~out], emptied[emptied["entite"] == e])
        tolerated = {(c.enregistrement, c.variable, c.constat) for c in found if c.entite == e}
        _assert_sound(kept[e], e, questionnaire, campagne, tolerated)
    root = questionnaire.racine
    identities = frames[root]["id_repondant"] if root in frames else pd.Series(dtype="str")
    return Validation(kept, aside, found, emptied, identities)


def _cells_rejected(constats: Sequence[Constat], rule_of: RuleOf) -> dict[tuple[str, str], set[int]]:
    """(entity, variable) → records whose received value is already refused; a missing one is not."""
    out: dict[tuple[str, str], set[int]] = {}
    for c in constats:
        if c.entite and c.variable and c.enregistrement is not None and c.constat != MISSING:
            if rule_of(c).gravite == Gravite.REJET_CELLULE:
                out.setdefault((c.entite, c.variable), set()).add(c.enregistrement)
    return out


def _unstated(new: Sequence[Constat], earlier: Sequence[Constat]) -> list[Constat]:
    """New findings, each once, without those that an earlier stage already stated on the same cell (or record)."""

    def key(c: Constat) -> tuple[object, ...]:
        return (c.constat, c.regle, c.entite, c.enregistrement, None if c.constat in _OF_RECORD else c.variable)

    seen = {key(c) for c in earlier}
    return list({key(c): c for c in reversed(new) if key(c) not in seen}.values())[::-1]


def _quarantine(
    found: list[Constat], rule_of: RuleOf, frames: Frames, questionnaire: Questionnaire
) -> dict[str, dict[int, str]]:
    """Per entity: record → why it is set aside."""
    motives: dict[str, dict[int, set[str]]] = {e: {} for e in frames}
    for c in found:
        rule = rule_of(c)
        if rule.gravite == Gravite.REJET_FICHIER:
            for e, df in frames.items():
                depot = c.depot
                if depot is None and c.enregistrement is not None:
                    depot = frames[c.entite or ""].at[c.enregistrement, "depot"]
                for r in df.index[df["depot"] == depot] if depot else ():
                    motives[e].setdefault(int(r), set()).add(rule.code)
        elif rule.gravite == Gravite.REJET_LIGNE and c.enregistrement is not None and c.entite in motives:
            motives[c.entite].setdefault(c.enregistrement, set()).add(rule.code)
    out = {e: {r: ",".join(sorted(m)) for r, m in of.items()} for e, of in motives.items()}
    for e in frames:
        parent = questionnaire.entites[e].parent
        if parent in out and "parent" in frames[e].columns:
            for r in frames[e].index[frames[e]["parent"].isin(list(out[parent]))]:
                out[e].setdefault(int(r), PARENT_REJECTED)
    return out


def _rejected_cells(
    found: list[Constat], rule_of: RuleOf, frames: Frames, questionnaire: Questionnaire
) -> pd.DataFrame:
    """One row is one cell to empty: (entite, enregistrement, variable, constat, regle), the first reason met."""
    parents = {e: df["parent"].to_numpy() for e, df in frames.items() if "parent" in df.columns}
    cells: dict[tuple[str, int, str], tuple[str, str]] = {}
    for c in found:
        rule = rule_of(c)
        if rule.gravite != Gravite.REJET_CELLULE or c.enregistrement is None:
            continue
        for name in rule.cellules if c.regle else (c.variable,):
            entite, variable = split(name or "", c.entite or "")
            record = climb(c.entite, c.enregistrement, entite, questionnaire, parents)
            if record >= 0 and variable:
                cells.setdefault((entite, record, variable), (c.constat, rule.code))
    rows = [(*k, *v) for k, v in sorted(cells.items())]
    return pd.DataFrame(rows, columns=["entite", "enregistrement", "variable", "constat", "regle"])


def _empty_cells(df: pd.DataFrame, rejected: pd.DataFrame) -> pd.DataFrame:
    df = df.copy()
    for name, cells in rejected.groupby("variable"):
        if name in df.columns:
            df[name] = df[name].mask(df.index.isin(cells["enregistrement"]))
    return df


def _assert_sound(
    df: pd.DataFrame, entite: str, q: Questionnaire, campagne: str, tolerated: Set[tuple[int | None, str | None, str]]
) -> None:
    """What is kept obeys the schema, but for emptied required cells and values a lenient rule (`tolerated`) lets pass."""
    try:
        build_schema(entite, q, campagne, obligatoire=False).validate(df, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases[["index", "column", "check"]].itertuples(index=False, name=None)
        faults = ", ".join(sorted({f"{v} ({k})" for r, v, k in cases if (r, v, k) not in tolerated}))
    else:
        return
    if faults:
        raise AssertionError(f"{entite} : des valeurs conservées ne respectent pas le schéma : {faults}")
