"""What is wrong with one answer, in plain Python, one record at a time: declared rules, filters, obligations."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from cartographie.base.identifiers import pseudonym, published_key
from cartographie.survey.model import Questionnaire, Regle, Variable

# -------------------------------------------------------------------------------------------
# The declared conditions evaluated in plain Python, one record at a time.
#
# Written apart from the pipeline's own vectorised evaluator, on purpose: what the two disagree on is a fault of one of them.
# Values are canonical: codes and identifiers str, choices tuples of codes, dates `date` (a month is its first day), None when blank.


@dataclass(slots=True, eq=False)
class Fiche:
    """One record, with its parent, its children by entity and the frame units it was matched with.

    `avant`: what its respondent answered in the previous campaign, for the draws alone."""

    entite: str
    valeurs: dict[str, Any] = field(default_factory=dict)
    parent: Fiche | None = None
    enfants: dict[str, list[Fiche]] = field(default_factory=dict)
    unites: list[dict[str, Any]] = field(default_factory=list)
    avant: Mapping[str, Any] = field(default_factory=dict)

    def racine(self) -> Fiche:
        return self if self.parent is None else self.parent.racine()

    def toutes(self) -> Iterator[Fiche]:
        yield self
        for lignes in self.enfants.values():
            for ligne in lignes:
                yield from ligne.toutes()


@dataclass(slots=True)
class Monde:
    """What a condition may look at beside its record. `fonctions`: named functions, (monde, fiche, params) → bool."""

    questionnaire: Questionnaire
    campagne: str
    racines: list[Fiche] = field(default_factory=list)
    fonctions: Mapping[str, Callable[[Monde, Fiche, Mapping[str, Any]], bool]] = field(default_factory=dict)
    posees: set[tuple[str, str]] = field(default_factory=set)
    regles: list[Regle] = field(default_factory=list)
    portees: dict[tuple[str, str], bool] = field(default_factory=dict)
    noms: dict[str, list[str]] = field(default_factory=dict)
    doublons: dict[tuple[str, ...], dict[tuple[Any, ...], int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        q = self.questionnaire
        if not self.posees:
            self.posees = q.posees(self.campagne)
        self.regles = [
            r for r in q.regles if r.condition is not None and (not r.campagnes or self.campagne in r.campagnes)
        ]


def value(monde: Monde, fiche: Fiche, nom: str) -> Any:
    """The value of `nom`, possibly "entity.variable" for a parent or the matched frame unit; derived if need be."""
    entite, point, variable = nom.rpartition(".")
    if not point:
        return _own(monde, fiche, nom)
    if entite == monde.questionnaire.base and fiche.entite != entite:
        unites = fiche.racine().unites
        return unites[0].get(variable) if unites else None
    if entite == AVANT:
        return fiche.racine().avant.get(variable)
    cible: Fiche | None = fiche
    while cible is not None and cible.entite != entite:
        cible = cible.parent
    return None if cible is None else _own(monde, cible, variable)


def _own(monde: Monde, fiche: Fiche, nom: str) -> Any:
    if nom in fiche.valeurs:
        return fiche.valeurs[nom]
    if (fiche.entite, nom) in monde.posees:
        return None
    if fiche.unites and nom in monde.questionnaire.entites[fiche.entite].depuis_base:
        base = monde.questionnaire.base or ""
        de_la_base = {_own(monde, Fiche(base, unite), nom) for unite in fiche.unites} - {None}
        if len(de_la_base) == 1:  # the units covered agree; else the respondent's own answer
            return de_la_base.pop()
    variable = monde.questionnaire.variables.get(nom)
    return derive(monde, fiche, nom) if variable and variable.derivee else None


def derive(monde: Monde, fiche: Fiche, nom: str) -> Any:
    """A derived variable: passage, count of children, ratio or prefix function."""
    regle = monde.questionnaire.variables[nom].derivee or {}
    if not _sources_carried(monde, fiche.entite, regle):
        return None
    if "passage" in regle:
        passage = monde.questionnaire.passages[regle["passage"]]
        sources = regle.get("de") or passage.sources
        valeurs = [value(monde, fiche, s) for s in ([sources] if isinstance(sources, str) else sources)]
        return lookup(passage, valeurs)
    if "nombre" in regle:
        return count(monde, fiche, regle["nombre"], regle.get("si"))
    if "rapport" in regle:
        haut, bas = (value(monde, fiche, v) for v in regle["rapport"])
        return None if haut is None or not bas else haut / bas
    fonction = DERIVATIONS.get(regle.get("fonction", ""))
    return None if fonction is None else fonction(*(value(monde, fiche, v) for v in regle.get("de", ())))


DERIVATIONS: dict[str, Callable[..., Any]] = {}


def lookup(passage: Any, valeurs: list[Any]) -> str | None:
    """First matching line of a correspondence table; [min, max[ for an interval one."""
    if passage.intervalle:
        if valeurs[0] is None:
            return None
        nombre = float(valeurs[0])
        for (mini, maxi), cible in passage.lignes:
            bas, haut = (None if b in (None, "") else float(b) for b in (mini, maxi))
            if (bas is None or nombre >= bas) and (haut is None or nombre < haut):
                return cible or None
        return None
    for sources, cible in passage.lignes:
        if all(
            s == "*" or (s or None) == (None if v is None else str(v)) for s, v in zip(sources, valeurs, strict=True)
        ):
            return cible or None
    return None


def count(monde: Monde, fiche: Fiche, enfant: str, si: Mapping[str, Any] | None) -> int:
    lignes = fiche.enfants.get(enfant, [])
    return len(lignes) if not si else sum(holds(monde, ligne, si) for ligne in lignes)


def holds(monde: Monde, fiche: Fiche, condition: Mapping[str, Any] | None) -> bool:
    """Whether the condition is true of this record. A comparison with a blank is False; `non` plainly negates."""
    if not condition:
        return True
    if "et" in condition:
        return all(holds(monde, fiche, c) for c in condition["et"])
    if "ou" in condition:
        return any(holds(monde, fiche, c) for c in condition["ou"])
    if "non" in condition:
        return not holds(monde, fiche, condition["non"])
    if "existe" in condition:
        return count(monde, fiche, condition["existe"], condition.get("si")) > 0
    if "doublon" in condition:
        return _twin(monde, fiche, tuple(condition["doublon"]))
    if "fonction" in condition:
        fonction = monde.fonctions.get(condition["fonction"])
        return bool(fonction and fonction(monde, fiche, condition))
    if "nombre" in condition:
        gauche: Any = count(monde, fiche, condition["nombre"], condition.get("si"))
    elif not carried(monde, fiche, condition["variable"]):
        return False
    else:
        gauche = value(monde, fiche, condition["variable"])
    for operateur, attendu in condition.items():
        if operateur in OPERATEURS and not _compare(monde, fiche, operateur, gauche, attendu):
            return False
    return True


def known(monde: Monde, fiche: Fiche, condition: Mapping[str, Any] | None) -> bool:
    """Whether every variable the condition compares is answered (child rows and `renseigne` need no answer)."""
    if not condition:
        return True
    if "et" in condition or "ou" in condition:
        return all(known(monde, fiche, c) for c in condition.get("et") or condition["ou"])
    if "non" in condition:
        return known(monde, fiche, condition["non"])
    for operateur, attendu in condition.items():
        if operateur not in OPERATEURS or operateur == "renseigne":
            continue
        if "variable" in condition and value(monde, fiche, condition["variable"]) is None:
            return False
        if attendu.__class__ is not str and isinstance(attendu, Mapping) and "variable" in attendu:
            if value(monde, fiche, attendu["variable"]) is None:
                return False
    return True


def carried(monde: Monde, fiche: Fiche, nom: str) -> bool:
    """Whether the campaign has that variable at all: read from a file, or derived. Not asked is not unanswered."""
    if nom in fiche.valeurs:
        return True
    entite, point, variable = nom.rpartition(".")
    cle = (entite if point else fiche.entite, variable)
    if cle not in monde.portees:
        declaree = monde.questionnaire.variables.get(variable)
        racine = monde.questionnaire.entites[monde.questionnaire.racine]
        monde.portees[cle] = (
            cle in monde.posees
            or bool(declaree and declaree.derivee and _sources_carried(monde, cle[0], declaree.derivee))
            or (cle[0] == racine.nom and variable in racine.depuis_base)
            or variable in EXTRAS
        )
    return monde.portees[cle]


AVANT = "precedent"  # "precedent.variable": what the respondent answered in the previous campaign
EXTRAS = {"a_repondu", "variable", "etat", "regle"}  # of the grains that are not entities


def _sources_carried(monde: Monde, entite: str, derivee: Mapping[str, Any]) -> bool:
    fiche = Fiche(entite)
    if "nombre" in derivee:
        return True
    if "passage" in derivee:
        de = derivee.get("de") or monde.questionnaire.passages[derivee["passage"]].sources
        return all(carried(monde, fiche, s) for s in ([de] if isinstance(de, str) else de))
    return all(carried(monde, fiche, s) for s in derivee.get("rapport") or derivee.get("de") or ())


def _twin(monde: Monde, fiche: Fiche, noms: tuple[str, ...]) -> bool:
    cle = tuple(value(monde, fiche, n) for n in noms)
    if any(v is None for v in cle):
        return False
    if fiche.parent is None:
        if noms not in monde.doublons:
            compte: dict[tuple[Any, ...], int] = {}
            for autre in monde.racines:
                valeurs = tuple(value(monde, autre, n) for n in noms)
                compte[valeurs] = compte.get(valeurs, 0) + 1
            monde.doublons[noms] = compte
        return monde.doublons[noms].get(cle, 0) > 1
    return sum(tuple(value(monde, f, n) for n in noms) == cle for f in fiche.parent.enfants[fiche.entite]) > 1


def operand(monde: Monde, fiche: Fiche, attendu: Any) -> Any:
    """The right-hand side: a literal, another variable, or a bound of the campaign."""
    if attendu.__class__ is not str and isinstance(attendu, Mapping):  # most are a literal
        if "campagne" in attendu:
            return getattr(monde.questionnaire.campagnes[monde.campagne], attendu["campagne"])
        return value(monde, fiche, attendu["variable"])
    return attendu


def align(gauche: Any, droite: Any) -> tuple[Any, Any]:
    """Both sides in comparable types: a number with a number, a day with a day (a month with a month), text otherwise."""
    if isinstance(gauche, date) or isinstance(droite, date):
        return as_date(gauche), as_date(droite)
    if isinstance(gauche, bool) or isinstance(droite, bool):
        return bool(gauche), bool(droite)
    if isinstance(gauche, (int, float)) or isinstance(droite, (int, float)):
        try:
            return float(gauche), float(droite)
        except (TypeError, ValueError):
            return str(gauche), str(droite)
    return str(gauche), str(droite)


def as_date(valeur: Any) -> Any:
    if isinstance(valeur, datetime):
        return valeur.date()
    if isinstance(valeur, str):
        return date.fromisoformat(valeur if len(valeur) > 7 else f"{valeur}-01")
    return valeur


def _same(gauche: Any, droite: Any) -> bool:
    if isinstance(gauche, tuple):
        return set(gauche) == (set(droite) if isinstance(droite, (list, tuple)) else {droite})
    if gauche.__class__ is str and droite.__class__ is str:
        return bool(gauche == droite)
    a, b = align(gauche, droite)
    return bool(a == b)


OPERATEURS = {
    "egal", "different", "dans", "hors", "inferieur", "inferieur_ou_egal", "superieur", "superieur_ou_egal",
    "contient", "renseigne", "motif",
}  # fmt: skip


def _compare(monde: Monde, fiche: Fiche, operateur: str, gauche: Any, attendu: Any) -> bool:
    if operateur == "renseigne":
        return (gauche is not None) == bool(attendu)
    if gauche is None:
        return False
    if operateur in ("dans", "hors", "contient"):
        liste = attendu if isinstance(attendu, (list, tuple)) else [attendu]
        droites = [d for d in (operand(monde, fiche, a) for a in liste) if d is not None]
        if not isinstance(gauche, tuple):
            return any(_same(gauche, d) for d in droites) != (operateur == "hors")
        if operateur == "contient":
            return any(g in droites for g in gauche)
        return all(g in droites for g in gauche) != (operateur == "hors")  # every answer ticked is listed
    if operateur == "motif":
        return re.fullmatch(str(attendu), str(gauche)) is not None
    droite = operand(monde, fiche, attendu)
    if droite is None:
        return False
    if operateur in ("egal", "different"):
        return _same(gauche, droite) == (operateur == "egal")
    a, b = align(gauche, droite)
    return bool(ORDRE[operateur](a, b))


ORDRE: dict[str, Callable[[Any, Any], Any]] = {
    "inferieur": operator.lt, "inferieur_ou_egal": operator.le,
    "superieur": operator.gt, "superieur_ou_egal": operator.ge,
}  # fmt: skip


# -------------------------------------------------------------------------------------------
# What is wrong with one answer, record by record: declared rules, filters, obligations; and who it says it is.


def references(condition: Any) -> set[str]:
    """Every variable a condition names, as written; children are `entity.*`."""
    trouvees: set[str] = set()
    if isinstance(condition, Mapping):
        for enfant in ("nombre", "existe"):
            if isinstance(condition.get(enfant), str):
                trouvees |= {f"{condition[enfant]}.*"} | {
                    f"{condition[enfant]}.{r}" for r in references(condition.get("si"))
                }
        if isinstance(condition.get("variable"), str):
            trouvees.add(condition["variable"])
        trouvees |= set(condition.get("doublon") or ())
        for cle, valeur in condition.items():
            if cle != "si" and isinstance(valeur, (Mapping, list)):
                trouvees |= references(valeur)
            if condition.get("fonction") and isinstance(valeur, str) and cle != "fonction":
                trouvees.add(valeur)
    elif isinstance(condition, list):
        for element in condition:
            if isinstance(element, (Mapping, list)):
                trouvees |= references(element)
    return trouvees


def asked(monde: Monde, fiche: Fiche, nom: str) -> bool:
    """Whether the question belongs to that campaign's file and its condition holds."""
    variable = monde.questionnaire.variables[nom]
    return (fiche.entite, nom) in monde.posees and holds(monde, fiche, variable.condition_pose)


def required(monde: Monde, fiche: Fiche, nom: str) -> bool:
    variable = monde.questionnaire.variables[nom]
    if not asked(monde, fiche, nom):
        return False
    return variable.obligatoire or bool(variable.obligatoire_si and holds(monde, fiche, variable.obligatoire_si))


def violations(monde: Monde, racine: Fiche) -> list[tuple[str, Fiche]]:
    """Every (rule code, record) of the declared conditions that are true in one answer."""
    par_entite: dict[str, list[Fiche]] = {}
    for fiche in racine.toutes():
        par_entite.setdefault(fiche.entite, []).append(fiche)
    return [
        (regle.code, fiche)
        for regle in monde.regles
        for fiche in par_entite.get(regle.entite, ())
        if holds(monde, fiche, regle.condition)
    ]


def irregularities(monde: Monde, racine: Fiche) -> list[tuple[str, Fiche, str]]:
    """Filter, obligation, bounds and frame faults of one answer: (constat, record, variable)."""
    trouvees = []
    liens = {
        (lien["entite"], lien["variable"]): lien["base"]
        for lien in monde.questionnaire.enquete.get("lien_base") or ()
        if monde.questionnaire.entites[lien["entite"]].parent is not None
    }
    if not monde.noms:
        for entite, nom in sorted(monde.posees):
            monde.noms.setdefault(entite, []).append(nom)
    for fiche in racine.toutes():
        for nom in monde.noms.get(fiche.entite, ()):
            renseignee = fiche.valeurs.get(nom) is not None
            if renseignee and not asked(monde, fiche, nom):
                trouvees.append(("hors_filtre", fiche, nom))
            elif not renseignee and required(monde, fiche, nom):
                trouvees.append(("valeur_obligatoire_absente", fiche, nom))
            elif renseignee and _out_of_bounds(monde.questionnaire.variables[nom], fiche.valeurs[nom]):
                trouvees.append(("hors_bornes", fiche, nom))
            elif renseignee and (fiche.entite, nom) in liens:
                cle = liens[fiche.entite, nom]
                if fiche.valeurs[nom] not in {u.get(cle) for u in racine.unites}:
                    trouvees.append(("absent_de_la_base", fiche, nom))
    return trouvees


def _out_of_bounds(variable: Variable, valeur: Any) -> bool:
    if isinstance(valeur, bool) or not isinstance(valeur, (int, float)):
        return False
    bas, haut = variable.minimum, variable.maximum
    return (bas is not None and valeur < bas) or (haut is not None and valeur > haut)


def identifier(monde: Monde, fiche: Fiche) -> str | None:
    """`id_repondant` of a root record: the first declared alternative that applies."""
    for voie in monde.questionnaire.entites[fiche.entite].identifiant:
        valeur = fiche.valeurs.get(voie["variable"])
        if valeur is not None and holds(monde, fiche, voie.get("si")):
            texte = str(valeur)
            if voie.get("hache"):
                texte = pseudonym(texte, published_key(monde.questionnaire.enquete.get("titre", "")))
            return f"{voie['prefixe']}:{texte}"
    return None
