"""A whole answer drawn, rules not yet looked at: the respondent, its children, then what depends on them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cartographie.demo.answers import Tirage
from cartographie.demo.checks import asked, references
from cartographie.demo.hints import weighted
from cartographie.demo.oracle import Fiche, holds


@dataclass(frozen=True, slots=True)
class Modele:
    """What an answer starts from: its number, frame units, fixed and blanked variables, last campaign's children."""

    numero: int
    unites: list[dict[str, Any]]
    fixe: Mapping[str, Any]
    vide: frozenset[str]
    precedent: Mapping[str, list[dict[str, Any]]]


def fill(t: Tirage, fiche: Fiche, noms: list[str], alea: random.Random, modele: Modele) -> None:
    """Draw the blanks of one record in the order their filters and hints need."""
    enCours: set[str] = set()

    def visit(nom: str) -> None:
        if nom in fiche.valeurs or nom in enCours or nom not in noms:
            return
        enCours.add(nom)
        for source in needs(t, fiche.entite, nom):
            visit(source)
        if nom in modele.vide and fiche.parent is None or not asked(t.monde, fiche, nom):
            fiche.valeurs[nom] = None
        elif nom in modele.fixe and fiche.parent is None:
            fiche.valeurs[nom] = modele.fixe[nom]
        else:
            fiche.valeurs[nom] = t.draw(fiche, nom, alea, modele.numero)

    for nom in noms:
        visit(nom)


def needs(t: Tirage, entite: str, nom: str) -> list[str]:
    """The variables to draw before that one: those its filter, obligation and hints name."""
    if (entite, nom) not in t.besoins:
        variable, indication = t.questionnaire.variables[nom], t.hint(entite, nom)
        noms = references(variable.condition_pose) | references(variable.obligatoire_si)
        noms |= {indication[c] for c in ("selon", "copie", "enfant_de", "parent_de", "prefixe") if c in indication}
        noms |= set(indication.get("distinct_de", ())) | set(indication.get("debut_de", ())[:1])
        if indication.get("calcule"):
            noms |= set(_sources(t, nom)) - {nom}
        t.besoins[entite, nom] = [source for besoin in sorted(noms, key=str) for source in _sources(t, besoin)]
    return t.besoins[entite, nom]


def _sources(t: Tirage, nom: str) -> list[str]:
    """The asked variables behind a name: itself, or the sources of a derived one."""
    variable = t.questionnaire.variables.get(nom)
    derivee = variable.derivee if variable else None
    if not derivee:
        return [nom]
    if "passage" in derivee:
        de = derivee.get("de") or t.questionnaire.passages[derivee["passage"]].sources
        return [nom, *([de] if isinstance(de, str) else de)]
    return [nom, *derivee.get("rapport", ()), *derivee.get("de", ())]


def draft(t: Tirage, alea: random.Random, modele: Modele) -> Fiche:
    """A first answer, rules not yet looked at: root, children, then what depends on the children."""
    q = t.questionnaire
    racine = Fiche(q.racine, unites=modele.unites)
    apres = [n for n in t.noms[q.racine] if _after_children(t, n)]
    fill(t, racine, [n for n in t.noms[q.racine] if n not in apres], alea, modele)
    for enfant in q.enfants(q.racine):
        indication = t.indications.section("enfants").get(enfant) or {}
        lignes = racine.enfants.setdefault(enfant, [])
        for numero, depart in enumerate(_children(t, racine, enfant, indication, alea, modele)):
            ligne = Fiche(enfant, dict(depart), racine)
            lignes.append(ligne)
            fill(t, ligne, t.noms[enfant], random.Random(f"{alea.random()}:{numero}"), modele)
    fill(t, racine, apres, alea, modele)
    return racine


def _after_children(t: Tirage, nom: str) -> bool:
    variable = t.questionnaire.variables[nom]
    besoins = references(variable.condition_pose) | references(variable.obligatoire_si)
    return "lignes" in t.hint(t.questionnaire.racine, nom) or any(b.endswith(".*") for b in besoins)


def _children(
    t: Tirage, racine: Fiche, enfant: str, indication: Any, alea: random.Random, modele: Modele
) -> list[dict[str, Any]]:
    """The starting values of each child: covered units, last campaign's rows carried on, or nothing."""
    if not (modeles := t.noms[enfant]) or not holds(t.monde, racine, indication.get("si")):
        return []
    if "unites" in indication:
        return [{v: u.get(b) for v, b in indication["unites"].items() if v in modeles} for u in modele.unites]
    poids = t._weights(racine, indication) or {0: 1, 1: 1, 2: 1}
    nombre = int(weighted(alea, poids))
    reprises = []
    for ancien in modele.precedent.get(enfant, [])[:nombre]:
        if alea.random() < indication.get("reprise", 0):
            gardees = (*t.questionnaire.entites[enfant].cle_stable, *indication.get("conserve", ()))
            reprises.append({v: ancien[v] for v in gardees if v in modeles and ancien.get(v) is not None})
    return [*reprises, *({} for _ in range(nombre - len(reprises)))]
