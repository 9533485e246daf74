"""Bend an answer towards a condition: away from every rule (a clean answer) or into exactly one (a planted fault)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from cartographie.demo.answers import Tirage
from cartographie.demo.checks import asked, identifier, irregularities, references, required, violations
from cartographie.demo.drafts import Modele, draft, fill
from cartographie.demo.oracle import Fiche, holds, operand, value
from cartographie.model import Regle, TypeVariable

ESSAIS = 40
REPRISES = 30


class SansIssue(Exception):
    """No answer free of broken rules was found; the message names the rules."""


def clean_answer(t: Tirage, graine: str, modele: Modele) -> Fiche:
    """An answer breaking no rule, filter or obligation. Raises SansIssue naming the rules that resist."""
    restantes: set[str] = set()
    for reprise in range(REPRISES):
        alea = random.Random(f"{graine}:{reprise}")
        racine = draft(t, alea, modele)
        for _ in range(ESSAIS):
            settle(t, racine, alea, modele)
            faux = violations(t.monde, racine)
            if not faux:
                break
            for code, fiche in faux:
                regle = next(r for r in t.monde.regles if r.code == code)
                if holds(t.monde, fiche, regle.condition):
                    _retouch(t, fiche, regle, alea, modele)
        else:
            restantes |= {code for code, _ in violations(t.monde, racine)}
            continue
        nommee = not t.questionnaire.entites[racine.entite].identifiant or identifier(t.monde, racine)
        if nommee and not irregularities(t.monde, racine):
            return racine
        restantes |= {f"{c}:{n}" for c, _, n in irregularities(t.monde, racine)} | (
            set() if nommee else {"identifiant"}
        )
    raise SansIssue(", ".join(sorted(restantes)))


def settle(t: Tirage, racine: Fiche, alea: random.Random, modele: Modele) -> None:
    """Blank what is not asked, draw what is now required, count and rank again; until nothing moves."""
    for _ in range(4):
        bouge = False
        for fiche in racine.toutes():
            for nom in t.noms[fiche.entite]:
                indication = t.hint(fiche.entite, nom)
                lie = "lignes" in indication or indication.get("rang")
                if lie and fiche.valeurs.get(nom) is not None:
                    fiche.valeurs[nom] = t._tied(fiche, nom, indication, modele.numero)
                present = fiche.valeurs.get(nom) is not None
                if present and not asked(t.monde, fiche, nom):
                    fiche.valeurs[nom], bouge = None, True
                elif (
                    not present and required(t.monde, fiche, nom) and not (fiche.parent is None and nom in modele.vide)
                ):
                    tire = t.draw(fiche, nom, alea, modele.numero)
                    bouge = bouge or tire is not None
                    fiche.valeurs[nom] = tire
        if not bouge:
            return


def _retouch(t: Tirage, fiche: Fiche, regle: Regle, alea: random.Random, modele: Modele) -> None:
    """One attempt against one broken rule: force its condition false, or draw a blamed cell again."""
    if _gone(fiche):
        return
    if alea.random() < 0.5:
        force(t, fiche, regle.condition, False, alea, modele)
        return
    noms = [
        n
        for n in ((*regle.cellules, *regle.en_cause) or sorted(references(regle.condition)))
        if n in t.noms[fiche.entite]
    ]
    noms = [n for n in noms if n not in modele.fixe or fiche.parent is not None]
    if not noms:
        force(t, fiche, regle.condition, False, alea, modele)
        return
    nom = alea.choice(noms)
    fiche.valeurs[nom] = None
    if asked(t.monde, fiche, nom):
        fiche.valeurs[nom] = t.draw(fiche, nom, alea, modele.numero, libre=alea.random() < 0.6)


def _gone(fiche: Fiche) -> bool:
    """The row was withdrawn from its answer by an attempt against an earlier rule."""
    return fiche.parent is not None and all(f is not fiche for f in fiche.parent.enfants.get(fiche.entite, ()))


def force(t: Tirage, fiche: Fiche, condition: Any, voulu: bool, alea: random.Random, modele: Modele) -> None:
    """Change a few values so that the condition becomes `voulu`. An attempt: the caller checks."""
    if not condition or _gone(fiche) or holds(t.monde, fiche, condition) == voulu:
        return
    if "non" in condition:
        force(t, fiche, condition["non"], not voulu, alea, modele)
    elif "et" in condition or "ou" in condition:
        parties = condition.get("et") or condition["ou"]
        if ("et" in condition) == voulu:
            for partie in parties:
                force(t, fiche, partie, voulu, alea, modele)
        else:
            force(t, fiche, alea.choice(parties), voulu, alea, modele)
    elif "nombre" in condition or "existe" in condition:
        _force_count(t, fiche, condition, voulu, alea, modele)
    elif "doublon" in condition:
        _force_twin(t, fiche, condition["doublon"], voulu, alea, modele)
    elif "variable" in condition:
        _force_value(t, fiche, condition, voulu, alea, modele)
    else:
        for nom in sorted(references(condition) & set(t.noms[fiche.entite])):
            if alea.random() < 0.6:
                fiche.valeurs[nom] = t.draw(fiche, nom, alea, modele.numero, libre=True)


def affinity(t: Tirage, fiche: Fiche, condition: Any) -> float:
    """How close a record is to meeting a condition, from 0 to 1: the share of its elementary parts that hold."""
    if "non" in condition:
        return 1 - affinity(t, fiche, condition["non"])
    if "et" in condition:
        return sum(affinity(t, fiche, c) for c in condition["et"]) / len(condition["et"])
    if "ou" in condition:
        return max(affinity(t, fiche, c) for c in condition["ou"])
    if holds(t.monde, fiche, condition):
        return 1.0
    operandes = [v for v in condition.values() if isinstance(v, Mapping) and "variable" in v]
    remplis = sum(value(t.monde, fiche, v["variable"]) is not None for v in operandes)
    if "variable" in condition:
        remplis += value(t.monde, fiche, condition["variable"]) is not None
    return 0.3 * remplis / (len(operandes) + 1)


def _owner(fiche: Fiche, nom: str) -> tuple[Fiche | None, str]:
    entite, _, variable = nom.rpartition(".")
    cible: Fiche | None = fiche
    while entite and cible is not None and cible.entite != entite:
        cible = cible.parent
    return cible, variable


def _force_value(t: Tirage, fiche: Fiche, condition: Mapping[str, Any], voulu: bool, alea: Any, modele: Modele) -> None:
    cible, nom = _owner(fiche, condition["variable"])
    if cible is None:
        return
    if nom not in t.noms[cible.entite]:
        derivee = (t.questionnaire.variables[nom].derivee or {}) if nom in t.questionnaire.variables else {}
        sources = derivee.get("de") or (
            t.questionnaire.passages[derivee["passage"]].sources if "passage" in derivee else ()
        )
        sources = derivee.get("rapport") or ([sources] if isinstance(sources, str) else sources)
        for source in sources:
            if source in t.noms[cible.entite]:
                cible.valeurs[source] = t.draw(cible, source, alea, modele.numero, libre=True)
        return
    avant = cible.valeurs.get(nom)
    essais = _targets(t, cible, nom, condition, alea)
    if not voulu or condition.get("renseigne") is False:
        essais.append(None)
    alea.shuffle(essais)
    for essai in [*essais, *(_Tirer for _ in range(10))]:
        cible.valeurs[nom] = t.untied(cible, nom, alea, modele.numero) if essai is _Tirer else essai
        if holds(t.monde, fiche, condition) == voulu:
            return
    cible.valeurs[nom] = avant


class _Tirer:
    """Marks a free draw."""


def _targets(t: Tirage, fiche: Fiche, nom: str, condition: Mapping[str, Any], alea: random.Random) -> list[Any]:
    """Values worth trying: those the condition names, and their neighbours for numbers and days."""
    variable = t.questionnaire.variables[nom]
    essais: list[Any] = []
    for cle, attendu in condition.items():
        if cle in ("variable", "renseigne", "motif"):
            continue
        for un in attendu if isinstance(attendu, (list, tuple)) else [attendu]:
            valeur = operand(t.monde, fiche, un)
            if isinstance(valeur, date):
                voisins = [valeur + timedelta(days=j) for j in (-400, -40, 0, 40, 400)]
                mois = variable.type == TypeVariable.ANNEE_MOIS
                essais += [v.replace(day=1) for v in voisins] if mois else voisins
            elif isinstance(valeur, (int, float)) and not isinstance(valeur, bool):
                essais += [v for v in (valeur - 1, valeur, valeur + 1) if v >= (variable.minimum or 0)]
            elif variable.type == TypeVariable.CODES and valeur in t.codes(variable):
                autre = alea.choice(list(t.codes(variable)))
                essais += [(str(valeur),), tuple(c for c in t.codes(variable) if c in (valeur, autre))]
            elif valeur is not None and (variable.nomenclature is None or valeur in t.codes(variable)):
                essais.append(valeur)
    return essais


def _force_count(t: Tirage, fiche: Fiche, condition: Mapping[str, Any], voulu: bool, alea: Any, modele: Modele) -> None:
    enfant = condition.get("existe") or condition["nombre"]
    if not t.noms[enfant]:
        return
    lignes = fiche.enfants.setdefault(enfant, [])
    for operande in condition.values():
        if isinstance(operande, Mapping) and operande.get("variable") in t.noms[fiche.entite] and alea.random() < 0.8:
            fiche.valeurs[operande["variable"]] = max(0, len(lignes) + alea.choice([-2, -1, 0, 1, 2]))
            if holds(t.monde, fiche, condition) == voulu:
                return
    for _ in range(6):
        vivantes = [f for f in lignes if holds(t.monde, f, condition.get("si"))]
        geste = alea.choice(["ajouter", "retirer", "plier"])
        if geste == "retirer" and vivantes:
            lignes.remove(alea.choice(vivantes))
        elif geste == "plier" and lignes and condition.get("si"):
            force(t, alea.choice(lignes), condition["si"], alea.random() < 0.5, alea, modele)
        elif len(lignes) < 8:
            ligne = Fiche(enfant, {}, fiche)
            lignes.append(ligne)
            fill(t, ligne, t.noms[enfant], random.Random(alea.random()), modele)
            force(t, ligne, condition.get("si"), True, alea, modele)
        if holds(t.monde, fiche, condition) == voulu:
            return


def _force_twin(t: Tirage, fiche: Fiche, noms: list[str], voulu: bool, alea: Any, modele: Modele) -> None:
    if fiche.parent is None:
        return
    soeurs = [f for f in fiche.parent.enfants[fiche.entite] if f is not fiche]
    if voulu and not soeurs:
        soeur = Fiche(fiche.entite, {}, fiche.parent)
        fiche.parent.enfants[fiche.entite].append(soeur)
        fill(t, soeur, t.noms[fiche.entite], random.Random(alea.random()), modele)
        soeurs = [soeur]
    for nom in noms:
        if voulu and value(t.monde, soeurs[0], nom) is not None:
            fiche.valeurs[nom] = soeurs[0].valeurs.get(nom)
    if not voulu:
        nom = alea.choice([n for n in noms if n in t.noms[fiche.entite]] or noms)
        fiche.valeurs[nom] = t.draw(fiche, nom, alea, modele.numero, libre=True)
