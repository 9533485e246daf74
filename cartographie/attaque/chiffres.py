"""What a published figure counts, read in the declarations: the part, and the whole it is a part of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cartographie.model import Questionnaire, TypeVariable


@dataclass(frozen=True, slots=True)
class Quoi:
    """Rows of an entity whose variables take some codes (`limites`) and meet other conditions (`autres`, as text), among
    those that answered `demandes`; `somme`: what is added up, "" when rows are counted."""

    edition: str
    entite: str
    somme: str
    limites: frozenset[tuple[str, frozenset[str]]] = frozenset()
    autres: frozenset[str] = frozenset()
    demandes: frozenset[str] = frozenset()

    def without(self, variable: str) -> Quoi:
        return replace(self, limites=frozenset(x for x in self.limites if x[0] != variable))

    def codes(self, variable: str) -> frozenset[str]:
        return dict(self.limites)[variable]


@dataclass(frozen=True, slots=True)
class Lecteur:
    """Reads the declarations of one survey."""

    q: Questionnaire

    def figure(self, table: str, ligne: Mapping[str, str]) -> tuple[Quoi | None, Quoi | None, bool]:
        """(part, whole, constant perimeter) of one CSV line; (None, None, False) when it reveals no count."""
        for s in self.q.tableaux[table]["series"]:
            for ind in s["indicateurs"]:
                if s["denominateur"] == ligne["denominateur"] and self._is(s, ind, ligne):
                    return (*self._counts(s, ind, ligne), bool(s.get("evolution")))
        return None, None, False

    def _is(self, s: Mapping[str, Any], ind: Mapping[str, Any], ligne: Mapping[str, str]) -> bool:
        code = ligne["indicateur"]
        croisee = bool(s.get("dimension")) and ind["mesure"] == "repartition"
        if (code.partition(".")[0] if croisee else code) != ind["code"]:
            return False
        return bool(ligne["modalite_code"]) == (bool(s.get("dimension")) or ind["mesure"] == "repartition")

    def _counts(
        self, s: Mapping[str, Any], ind: Mapping[str, Any], ligne: Mapping[str, str]
    ) -> tuple[Quoi | None, Quoi | None]:
        d = self.q.denominateurs[s["denominateur"]]
        entite, edition, mesure = d["entite"], ligne["edition"], ind["mesure"]
        tout = Quoi(edition, entite, "")
        for condition in (d.get("filtre"), s.get("filtre")):
            tout = self.narrow(tout, condition)
        if d.get("hors_base"):
            tout = replace(tout, autres=tout.autres | {"hors base"})
        modalite = ligne["modalite_code"]
        if s.get("dimension"):
            tout = self._answering(tout, s["dimension"], modalite, None)
            modalite = ligne["indicateur"].partition(".")[2]
        if mesure == "part":
            return self._ask(self.narrow(tout, ind["condition"])), self._ask(tout, self._read(ind["condition"], entite))
        if mesure == "repartition":
            partie = self._answering(tout, ind["variable"], modalite, ind.get("si"))
            variables = [ind["variable"]] if isinstance(ind["variable"], str) else ind["variable"]
            return partie, self._ask(tout, {self._full(v, entite) for v in variables if "." not in v})
        if mesure == "nombre":
            return self.narrow(tout, ind.get("condition")), None
        if mesure == "ratio":
            return self._sum(tout, ind["numerateur"]), self._sum(tout, ind["denominateur"])
        if mesure == "somme":
            return self._sum(tout, ind["valeur"]), None
        if mesure == "moyenne":
            return self._sum(tout, ind["valeur"]), self._ask(tout, self._names(ind["valeur"], entite))
        if mesure in ("mediane", "q1", "q3", "maximum"):
            return None, self._ask(tout, self._names(ind["valeur"], entite))
        return None, None

    def narrow(self, quoi: Quoi, condition: Mapping[str, Any] | None) -> Quoi:
        """The rows that meet a condition too."""
        if not condition:
            return quoi
        if "et" in condition:
            for c in condition["et"]:
                quoi = self.narrow(quoi, c)
            return quoi
        if condition.get("renseigne") is True:
            return quoi
        nom = self._full(condition["variable"], quoi.entite) if "variable" in condition else ""
        codes = self.codes(nom, quoi.edition)
        voulus = condition.get("dans", [condition["egal"]] if "egal" in condition else None)
        if codes is None or voulus is None:
            return replace(quoi, autres=quoi.autres | {self._text(condition, quoi.entite)})
        gardes = codes & {str(x) for x in voulus} & dict(quoi.limites).get(nom, codes)
        return replace(quoi.without(nom), limites=quoi.without(nom).limites | {(nom, gardes)})

    def codes(self, nom: str, edition: str) -> frozenset[str] | None:
        """Codes of a variable that takes one of a list; None for others."""
        v = self.q.variables.get(nom.rpartition(".")[2])
        if v is None or v.type is TypeVariable.CODES or v.nomenclature not in self.q.nomenclatures:
            return None
        return frozenset(self.q.nomenclatures[str(v.nomenclature)].valides(edition))

    def _answering(self, quoi: Quoi, variable: Any, code: str, si: Any) -> Quoi:
        if isinstance(variable, str) and "." not in variable:
            quoi = self.narrow(quoi, si)
            nom = self._full(variable, quoi.entite)
            if self.codes(nom, quoi.edition) is not None:
                return self.narrow(quoi, {"variable": variable, "egal": code})
            return replace(quoi, autres=quoi.autres | {f"{nom} cite {code}"})
        return replace(
            quoi, autres=quoi.autres | {f"{quoi.entite} : {variable} cite {code} si {json.dumps(si, sort_keys=True)}"}
        )

    def _sum(self, tout: Quoi, valeur: Any) -> Quoi:
        if isinstance(valeur, str):
            return replace(tout, somme=self._full(valeur, tout.entite))
        enfant = Quoi(tout.edition, valeur["nombre"], "", tout.limites, tout.autres)
        return self.narrow(enfant, valeur.get("si"))

    @staticmethod
    def _ask(quoi: Quoi, demandes: set[str] | None = None) -> Quoi:
        return replace(quoi, demandes=frozenset((demandes or set()) - dict(quoi.limites).keys()))

    @staticmethod
    def _full(nom: str, entite: str) -> str:
        return nom if "." in nom else f"{entite}.{nom}"

    def _names(self, valeur: Any, entite: str) -> set[str]:
        return {self._full(valeur, entite)} if isinstance(valeur, str) else set()

    def _read(self, condition: Any, entite: str) -> set[str]:
        """Variables a condition reads."""
        return set(_variables(condition, entite))

    def _text(self, condition: Mapping[str, Any], entite: str) -> str:
        return json.dumps(_named(condition, entite), sort_keys=True, ensure_ascii=False)

    def public(self, quoi: Quoi) -> bool:
        """Who is counted only depends on what the register says of those who answered (a question unanswered is no secret)."""
        connues = {self._full(v, self.q.racine) for v in self.q.entites[self.q.racine].depuis_base}
        lues = {v for v, _ in quoi.limites} | {v for t in quoi.autres if t.startswith("{") for v in _quoted(t)}
        textes = all(t.startswith("{") for t in quoi.autres)
        return quoi.entite == self.q.racine and not quoi.somme and textes and lues <= connues


def _variables(condition: Any, entite: str) -> Iterator[str]:
    if isinstance(condition, Mapping):
        if isinstance(condition.get("variable"), str):
            nom = condition["variable"]
            yield nom if "." in nom else f"{entite}.{nom}"
        for cle, x in condition.items():
            if cle != "si":
                yield from _variables(x, entite)
    elif isinstance(condition, list | tuple):
        for x in condition:
            yield from _variables(x, entite)


def _named(condition: Any, entite: str) -> Any:
    """The condition with every variable by its full name."""
    if isinstance(condition, Mapping):
        enfant = condition.get("nombre") or condition.get("existe") or entite
        return {
            k: (f"{entite}.{x}" if k == "variable" and isinstance(x, str) and "." not in x else _named(x, enfant if k == "si" else entite))
            for k, x in condition.items()
        }  # fmt: skip
    if isinstance(condition, list | tuple):
        return [_named(x, entite) for x in condition]
    return condition


def _quoted(texte: str) -> Iterator[str]:
    yield from _variables(json.loads(texte), "")
