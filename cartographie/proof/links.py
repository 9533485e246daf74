"""The counts a release speaks of, and what a reader knows binds them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cartographie.survey.model import Questionnaire
from cartographie.survey.types import TYPES
from cartographie.survey.written.declared import Axe, Indicateur, NombreDeLignes, Serie

# ---- what a published figure counts, read in the declarations: the part, and the whole it is a part of


Condition = Mapping[str, Any] | Sequence[Any] | str | float | None  # or a piece of one


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

    def _is(self, s: Serie, ind: Indicateur, ligne: Mapping[str, str]) -> bool:
        code = ligne["indicateur"]
        croisee = bool(s.get("dimension")) and ind["mesure"] == "repartition"
        if (code.partition(".")[0] if croisee else code) != ind["code"]:
            return False
        return bool(ligne["modalite_code"]) == (bool(s.get("dimension")) or ind["mesure"] == "repartition")

    def _counts(self, s: Serie, ind: Indicateur, ligne: Mapping[str, str]) -> tuple[Quoi | None, Quoi | None]:
        d = self.q.denominateurs[s["denominateur"]]
        tout = Quoi(ligne["edition"], d["entite"], "")
        for condition in (d.get("filtre"), s.get("filtre")):
            tout = self.narrow(tout, condition)
        if d.get("hors_base"):
            tout = replace(tout, autres=tout.autres | {"hors base"})
        modalite = ligne["modalite_code"]
        if s.get("dimension"):
            tout = self.answering(tout, s["dimension"], modalite, None)
            modalite = ligne["indicateur"].partition(".")[2]
        lire = LECTURES.get(ind["mesure"])
        return lire(self, tout, ind, modalite) if lire else (None, None)

    def unread(self, tables: Iterable[str]) -> list[tuple[str, str]]:
        """(table, measure) of the figures of these tables of which the attacker does not know what they count."""
        series = [(code, s) for code in tables for s in self.q.tableaux[code]["series"]]
        mesures = {(code, ind["mesure"]) for code, s in series for ind in s["indicateurs"]}
        return sorted((code, m) for code, m in mesures if m not in LECTURES)

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
        if v is None or TYPES[v.type].multiple or v.nomenclature not in self.q.nomenclatures:
            return None
        return frozenset(self.q.nomenclatures[str(v.nomenclature)].valides(edition))

    def answering(self, quoi: Quoi, variable: str | list[str], code: str, si: Mapping[str, Any] | None) -> Quoi:
        """The rows that gave an answer."""
        if isinstance(variable, str) and "." not in variable:
            quoi = self.narrow(quoi, si)
            nom = self._full(variable, quoi.entite)
            if self.codes(nom, quoi.edition) is not None:
                return self.narrow(quoi, {"variable": variable, "egal": code})
            return replace(quoi, autres=quoi.autres | {f"{nom} cite {code}"})
        return replace(
            quoi, autres=quoi.autres | {f"{quoi.entite} : {variable} cite {code} si {json.dumps(si, sort_keys=True)}"}
        )

    def sum(self, tout: Quoi, valeur: str | NombreDeLignes) -> Quoi:
        """A variable added up, or the number of child rows."""
        if isinstance(valeur, str):
            return replace(tout, somme=self._full(valeur, tout.entite))
        enfant = Quoi(tout.edition, valeur["nombre"], "", tout.limites, tout.autres)
        return self.narrow(enfant, valeur.get("si"))

    @staticmethod
    def ask(quoi: Quoi, demandes: Iterable[str] = ()) -> Quoi:
        """Those of the rows that answered some variables, but for what the rows are chosen by."""
        return replace(quoi, demandes=frozenset(demandes).difference(dict(quoi.limites)))

    def valued(self, tout: Quoi, valeur: str | NombreDeLignes) -> Quoi:
        """Those of the rows that have a value."""
        return self.ask(tout, [self._full(valeur, tout.entite)] if isinstance(valeur, str) else [])

    @staticmethod
    def _full(nom: str, entite: str) -> str:
        return nom if "." in nom else f"{entite}.{nom}"

    def _text(self, condition: Mapping[str, Any], entite: str) -> str:
        return json.dumps(_named(condition, entite), sort_keys=True, ensure_ascii=False)

    def public(self, quoi: Quoi) -> bool:
        """Who is counted only depends on what the register says of those who answered (a question unanswered is no secret)."""
        connues = {self._full(v, self.q.racine) for v in self.q.entites[self.q.racine].depuis_base}
        lues = {v for v, _ in quoi.limites} | {v for t in quoi.autres if t.startswith("{") for v in _quoted(t)}
        textes = all(t.startswith("{") for t in quoi.autres)
        return quoi.entite == self.q.racine and not quoi.somme and textes and lues <= connues


Lus = tuple[Quoi | None, Quoi | None]


def _share(x: Lecteur, tout: Quoi, ind: Indicateur, _: str) -> Lus:
    condition = ind["condition"]
    return x.narrow(tout, condition), x.ask(tout, _variables(condition, tout.entite))


def _answers(x: Lecteur, tout: Quoi, ind: Indicateur, modalite: str) -> Lus:
    noms = [ind["variable"]] if isinstance(ind["variable"], str) else ind["variable"]
    partie = x.answering(tout, ind["variable"], modalite, ind.get("si"))
    return partie, x.ask(tout, [f"{tout.entite}.{v}" for v in noms if "." not in v])


def _quantile(x: Lecteur, tout: Quoi, ind: Indicateur, _: str) -> Lus:
    return None, x.valued(tout, ind["valeur"])


# What each kind of measure tells, read here apart from what computes it: (part, whole) of the rows `tout` of one line. A release
# with another kind does not leave.
LECTURES: dict[str, Callable[[Lecteur, Quoi, Indicateur, str], Lus]] = {
    "part": _share,
    "repartition": _answers,
    "nombre": lambda x, tout, ind, _: (x.narrow(tout, ind.get("condition")), None),
    "ratio": lambda x, tout, ind, _: (x.sum(tout, ind["numerateur"]), x.sum(tout, ind["denominateur"])),
    "somme": lambda x, tout, ind, _: (x.sum(tout, ind["valeur"]), None),
    "moyenne": lambda x, tout, ind, _: (x.sum(tout, ind["valeur"]), x.valued(tout, ind["valeur"])),
    **dict.fromkeys(("mediane", "q1", "q3", "maximum"), _quantile),
    "taux_reponse": lambda *_: (None, None),
}


def _variables(condition: Condition, entite: str) -> Iterator[str]:
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


def _named(condition: Condition, entite: str) -> Condition:
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


# ---- the counts a release speaks of, and what a reader knows binds them: answers make their whole, places make the country

# one (level, code) per axis; ("constant", TOUS) for the kinds of actor of both editions
Lieu = tuple[tuple[str, str], ...]
SIMPLE, CONSTANT, TOUS = "", "constant", "TOUS"


@dataclass
class Comptes:
    """One entry per count at one place. `vraie`: its value, nan when no figure gives it; `equations`: ({count: ±1}, constant)."""

    rangs: dict[tuple[Quoi, Lieu], int] = field(default_factory=dict)
    vraie: list[float] = field(default_factory=list)
    equations: list[tuple[dict[int, float], float]] = field(default_factory=list)
    autres: dict[tuple[int, float], int] = field(default_factory=dict)

    def count(self, quoi: Quoi, lieu: Lieu, vraie: float) -> int:
        """The count's number; told twice with two values (not the same questions were answered), it is two, known apart."""
        rang = self.rangs.setdefault((quoi, lieu), len(self.vraie))
        if rang == len(self.vraie):
            self.vraie.append(vraie)
        if self.vraie[rang] == vraie or np.isnan(vraie):
            return rang
        autre = self.autres.setdefault((rang, vraie), len(self.vraie))
        if autre == len(self.vraie):
            self.vraie.append(vraie)
            self.equations.append(({autre: 1.0, rang: -1.0}, vraie - self.vraie[rang]))
        return autre

    def unknown(self, vraie: float = np.nan) -> int:
        self.vraie.append(vraie)
        return len(self.vraie) - 1

    def bind(self, tout: int, parties: Sequence[int]) -> None:
        """tout = Σ parties, up to a constant that the reader is granted (unknown region, several sites, no answer)."""
        constante = self.vraie[tout] - sum(self.vraie[p] for p in parties)
        coefficients: dict[int, float] = defaultdict(float)
        coefficients[tout] += 1.0
        for p in parties:
            coefficients[p] -= 1.0
        self.equations.append((dict(coefficients), 0.0 if np.isnan(constante) else constante))

    def matrix(self) -> tuple[sparse.csr_array, np.ndarray]:
        lignes = [i for i, (e, _) in enumerate(self.equations) for _ in e]
        colonnes = [c for e, _ in self.equations for c in e]
        valeurs = [v for e, _ in self.equations for v in e.values()]
        m = sparse.coo_array((valeurs, (lignes, colonnes)), shape=(len(self.equations), len(self.vraie)))
        return m.tocsr(), np.array([c for _, c in self.equations])


def places(df: pd.DataFrame, axes: Mapping[str, Axe], constant: Sequence[bool]) -> list[Lieu]:
    """Where each line stands."""
    colonnes: list[Sequence[tuple[str, str]]] = [
        list(zip(df[f"{a}_type"], df[f"{a}_code"], strict=True)) if "niveaux" in axe else [(SIMPLE, c) for c in df[a]]
        for a, axe in axes.items()
    ]
    return [
        tuple((CONSTANT, c) if c == TOUS and niveau == SIMPLE and ferme else (niveau, c) for niveau, c in lieu)
        for lieu, ferme in zip(zip(*colonnes, strict=True) if colonnes else repeat(()), constant, strict=False)
    ]


def bind_answers(comptes: Comptes, lecteur: Lecteur) -> dict[int, tuple[int | None, list[int]]]:
    """Answers to one question make those who answered it. The counts added, of answers published nowhere: with each, that of those
    who answered (None when nobody says how many they are) and those of the answers published."""
    ajoutes: dict[int, tuple[int | None, list[int]]] = {}
    familles: dict[tuple[Quoi, Lieu, str], list[Quoi]] = defaultdict(list)
    for quoi, lieu in list(comptes.rangs):
        for variable in sorted(v for v, _ in quoi.limites):
            familles[quoi.without(variable), lieu, variable].append(quoi)
        for texte in sorted(quoi.autres):
            _bind_inside(comptes, quoi, lieu, texte)
        tous = comptes.rangs.get((replace(quoi, demandes=frozenset()), lieu))
        if quoi.demandes and tous is not None:
            ici = comptes.rangs[quoi, lieu]
            comptes.equations.append(({tous: 1.0, ici: -1.0}, comptes.vraie[tous] - comptes.vraie[ici]))
    for (reste, lieu, variable), enfants in familles.items():
        codes = lecteur.codes(variable, reste.edition) or frozenset()
        repondu = replace(reste, demandes=reste.demandes | {variable})
        exact = (repondu, lieu) in comptes.rangs
        tout = comptes.rangs.get((repondu if exact else reste, lieu))
        siens = [(e.codes(variable), comptes.rangs[e, lieu]) for e in enfants]
        publies = (tout if exact else None, [r for _, r in siens])
        ajoutes |= dict.fromkeys(_bind_family(comptes, siens, codes, tout, exact), publies)
    return ajoutes


def _bind_inside(comptes: Comptes, quoi: Quoi, lieu: Lieu, texte: str) -> None:
    """What meets one more condition is a part of what does not have to."""
    sans = replace(quoi, autres=quoi.autres - {texte})
    if (sans, lieu) in comptes.rangs:
        tout, partie = comptes.rangs[sans, lieu], comptes.rangs[quoi, lieu]
        comptes.bind(tout, [partie, comptes.unknown(comptes.vraie[tout] - comptes.vraie[partie])])


def _bind_family(
    comptes: Comptes,
    enfants: Sequence[tuple[frozenset[str], int]],
    codes: frozenset[str],
    tout: int | None,
    exact: bool,
) -> list[int]:
    """Cuts the answers into the smallest groups the published ones are made of; each group is a count."""
    groupes: dict[tuple[bool, ...], set[str]] = defaultdict(set)
    for code in codes:
        groupes[tuple(code in c for c, _ in enfants)].add(code)
    if tout is None:
        groupes.pop((False,) * len(enfants), None)
    connus = dict(enfants)
    rangs, ajoutes = {}, []
    for signature, dedans in sorted(groupes.items()):
        rang = connus.get(frozenset(dedans))
        if rang is None:
            rang = comptes.unknown()
            ajoutes.append(rang)
        rangs[signature] = rang
    sommes = [([r for s, r in rangs.items() if s[i]], rang) for i, (_, rang) in enumerate(enfants)]
    if tout is not None:
        parties = list(rangs.values())
        sommes.append((parties if exact else [*parties, comptes.unknown()], tout))
    for _ in range(2):  # a group is told by subtraction when it is the only one left
        for parties, somme in sommes:
            inconnues = [p for p in parties if np.isnan(comptes.vraie[p])]
            if len(inconnues) == 1 and (exact or somme != tout):
                comptes.vraie[inconnues[0]] = comptes.vraie[somme] - sum(
                    comptes.vraie[p] for p in parties if p != inconnues[0]
                )
    for parties, somme in sommes:
        if parties != [somme]:
            comptes.bind(somme, parties)
    return ajoutes


def bind_places(
    comptes: Comptes, axes: Mapping[str, Axe], meres: Mapping[tuple[str, str], str], fermes: frozenset[str]
) -> None:
    """The same count at the places one place is made of. `fermes`: kinds of actor of both editions."""
    par_quoi: dict[Quoi, dict[Lieu, int]] = defaultdict(dict)
    for (quoi, lieu), rang in comptes.rangs.items():
        par_quoi[quoi][lieu] = rang
    for ici in par_quoi.values():
        sommes: dict[tuple[Lieu, int, str], list[int]] = defaultdict(list)
        for lieu, rang in ici.items():
            for i, axe in enumerate(axes.values()):
                for dessus in _above(lieu[i], axe, meres, fermes):
                    sommes[(*lieu[:i], dessus, *lieu[i + 1 :]), i, lieu[i][0]].append(rang)
        for (dessus_lieu, _, _), parties in sommes.items():
            if dessus_lieu in ici:
                comptes.bind(ici[dessus_lieu], parties)


def _above(
    noeud: tuple[str, str], axe: Axe, meres: Mapping[tuple[str, str], str], fermes: frozenset[str]
) -> Iterator[tuple[str, str]]:
    niveau, code = noeud
    if "niveaux" not in axe:
        if code != TOUS:
            yield (SIMPLE, TOUS)
            if code in fermes:
                yield (CONSTANT, TOUS)
        return
    niveaux = [n["code"] for n in axe["niveaux"]]
    if niveau != niveaux[0]:
        yield (niveaux[0], niveaux[0].upper())
    while (niveau, code) in meres:  # none of the first level below the whole
        niveau, code = niveaux[niveaux.index(niveau) - 1], meres[niveau, code]
        yield (niveau, code)
