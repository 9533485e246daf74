"""What a published count counts, as a set of clauses: two counts with the same clauses at the same place are one count.

« Users having a charter » is {not a vendor, usage in use, charter = yes}: it is the numerator of the share of users having a
charter, and a part of the numerator of the share of all respondents having one. Links between tables follow from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cartographie.model import Questionnaire, TypeVariable

# ("v", variable, codes): a single-answer variable takes one of these codes; ("c", text): anything else
Clause = tuple[Any, ...]
Clauses = frozenset[Clause]


@dataclass(frozen=True, slots=True)
class Compte:
    """One count or sum: over rows of `grain` meeting `clauses`; `somme`: what is added up ("" for a number of rows)."""

    grain: str
    somme: str
    clauses: Clauses

    def also(self, *clauses: Clause) -> Compte:
        return Compte(self.grain, self.somme, self.clauses | set(clauses))


def clauses(q: Questionnaire, campagne: str, grain: str, condition: Mapping[str, Any] | None) -> Clauses:
    """The conjunction a condition stands for. That a question was answered is no clause: item non-response is not secret."""
    if not condition:
        return frozenset()
    if "et" in condition:
        return frozenset().union(*(clauses(q, campagne, grain, c) for c in condition["et"]))
    if "variable" in condition:
        if condition.get("renseigne") is True:
            return frozenset()
        nom = qualified(grain, condition["variable"])
        codes = condition.get("dans", [condition["egal"]] if "egal" in condition else None)
        valides = codes_of(q, campagne, nom)
        if codes is not None and valides is not None:
            return frozenset({("v", nom, frozenset(map(str, codes)) & valides)})
    return frozenset({("c", repr(_qualify(condition, grain)))})


def answer(q: Questionnaire, campagne: str, grain: str, variable: str | list[str], code: str, si: Any) -> Clauses:
    """The clauses of one answer of a breakdown (`repartition`)."""
    if isinstance(variable, str) and "." not in variable:
        nom = qualified(grain, variable)
        si_clauses = clauses(q, campagne, grain, si)
        if codes_of(q, campagne, nom) is not None:
            return si_clauses | {("v", nom, frozenset({code}))}
        return si_clauses | {("c", f"{nom} contient {code}")}
    return frozenset({("c", f"{grain}:{variable!r}={code} si {si!r}")})


def ordered(clauses: Clauses) -> list[Clause]:
    """Always in the same order: that of a set changes from one run of Python to the next."""
    return sorted(clauses, key=lambda c: (*c[:2], *(tuple(sorted(codes)) for codes in c[2:])))


def qualified(grain: str, variable: str) -> str:
    """A variable by its full name: `repondant.usage` says the same thing seen from a respondent or from its systems."""
    return variable if "." in variable else f"{grain}.{variable}"


def codes_of(q: Questionnaire, campagne: str, nom: str) -> frozenset[str] | None:
    """Codes of a single-answer variable; None for any other kind."""
    variable = q.variables.get(nom.rpartition(".")[2])
    if variable is None or variable.type is TypeVariable.CODES or variable.nomenclature not in q.nomenclatures:
        return None
    return frozenset(q.nomenclatures[str(variable.nomenclature)].valides(campagne))


def _qualify(condition: Any, grain: str) -> Any:
    if isinstance(condition, Mapping):
        dedans = condition.get("nombre") or condition.get("existe") or grain
        return {
            k: qualified(grain, v)
            if k == "variable" and isinstance(v, str)
            else _qualify(v, dedans if k == "si" else grain)
            for k, v in condition.items()
        }
    if isinstance(condition, list | tuple):
        return [_qualify(c, grain) for c in condition]
    return condition
