"""Plant one fault in one answer: a broken rule, a badly written cell, or a faulty row; and say what should come of it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cartographie.demo.answers import Tirage
from cartographie.demo.cells import CELLULES, Cas
from cartographie.demo.checks import asked, identifier, irregularities, violations
from cartographie.demo.drafts import Modele, fill
from cartographie.demo.mend import affinity, force, settle
from cartographie.demo.numbers import finess
from cartographie.demo.oracle import Fiche
from cartographie.model import Gravite, Regle, TypeVariable

ESSAIS = 40
LUS_TELS_QUELS = {"hors_bornes", "hors_filtre"}  # readable values, rejected after the rules have seen them


@dataclass(slots=True)
class Attendu:
    """One finding to be reported. `fiche`/`variable`: its cell; `cellule`: what to write there in place of the value."""

    constat: str
    code: str
    gravite: str
    pourquoi: str
    regle: bool = False
    fiche: Fiche | None = None
    variable: str | None = None
    cellule: Any = None
    ecrase: bool = False
    autres: tuple[str, ...] = ()  # the other blamed variables of the record
    confidentiel: bool = False


@dataclass(slots=True)
class Reponse:
    """One answer: as written, as it should be kept (None: rejected), and what was planted in it."""

    modele: Modele
    ecrite: Fiche
    gardee: Fiche | None
    faute: str = ""
    attendus: list[Attendu] = field(default_factory=list)
    format: str = ""
    copie_de: Reponse | None = None


def copy(fiche: Fiche, parent: Fiche | None = None, jumeaux: dict[int, Fiche] | None = None) -> Fiche:
    """A deep copy; `jumeaux` receives {id(original record): its copy}."""
    neuve = Fiche(fiche.entite, dict(fiche.valeurs), parent, {}, fiche.unites)
    if jumeaux is not None:
        jumeaux[id(fiche)] = neuve
    for entite, lignes in fiche.enfants.items():
        neuve.enfants[entite] = [copy(ligne, neuve, jumeaux) for ligne in lignes]
    return neuve


@dataclass(frozen=True, slots=True)
class Bareme:
    """Code and severity of each finding: the survey's own rule first, then the built-in catalogue."""

    regles: tuple[Regle, ...]
    catalogue: Mapping[str, Mapping[str, Any]]

    def juge(self, constat: str, entite: str, variable: str | None, kind: str) -> tuple[str, str]:
        candidates = [
            r for r in self.regles
            if r.constat == constat and r.entite in ("*", entite) and (not r.types or kind in r.types)
            and (not r.cellules or variable in r.cellules)
        ]  # fmt: skip
        if candidates:
            precise = max(candidates, key=lambda r: (r.entite != "*", bool(r.cellules), bool(r.types)))
            return precise.code, str(precise.gravite.value)
        trouve = self.catalogue.get(constat, {})
        return str(trouve.get("code", "")), str(trouve.get("gravite", ""))


def clean(t: Tirage, racine: Fiche) -> bool:
    return not violations(t.monde, racine) and not irregularities(t.monde, racine)


# ------------------------------------------------------------------ a broken rule


def break_rule(t: Tirage, regle: Regle, hote: Reponse, alea: random.Random) -> Reponse | None:
    """The answer bent until that rule, on one record, is the only thing wrong; None if it was not found."""
    for _ in range(ESSAIS):
        racine = copy(hote.ecrite)
        fiches = [f for f in racine.toutes() if f.entite == regle.entite]
        if not fiches and regle.entite in t.questionnaire.enfants(t.questionnaire.racine):
            ligne = Fiche(regle.entite, {}, racine)
            racine.enfants.setdefault(regle.entite, []).append(ligne)
            fill(t, ligne, t.noms[regle.entite], random.Random(alea.random()), hote.modele)
            fiches = [ligne]
        if not fiches:
            return None
        cible = max(fiches, key=lambda f: (affinity(t, f, regle.condition or {}), alea.random()))
        force(t, cible, regle.condition, True, alea, hote.modele)
        if alea.random() < 0.6:
            settle(t, racine, alea, hote.modele)
        faux = violations(t.monde, racine)
        if not faux or {code for code, _ in faux} != {regle.code} or irregularities(t.monde, racine):
            continue
        cibles = [f for _, f in faux]
        if len(cibles) > 1 and regle.gravite != Gravite.ALERTE:
            continue
        cible = cibles[0]
        blamees = [v for v in regle.cellules if (regle.entite, v) in t.monde.posees]
        if not blamees:
            return None
        attendus = [
            Attendu(regle.code, regle.code, regle.gravite.value, "règle de cohérence enfreinte", True, c, blamees[0],
                    autres=tuple(blamees[1:]), confidentiel=regle.confidentiel)
            for c in cibles
        ]  # fmt: skip
        gardee = _outcome(t, racine, cible, regle.gravite.value, blamees)
        reste = violations(t.monde, gardee) if gardee is not None and regle.gravite == Gravite.REJET_CELLULE else ()
        if any(code != regle.code for code, _ in reste):  # a rule about a blank stays broken once the cell is emptied
            continue
        return Reponse(hote.modele, racine, gardee, f"regle:{regle.code}", attendus)
    return None


def _outcome(t: Tirage, racine: Fiche, cible: Fiche, gravite: str, variables: list[str]) -> Fiche | None:
    """What remains of an answer after a finding of that severity on those cells of that record."""
    if gravite == Gravite.REJET_FICHIER or (gravite == Gravite.REJET_LIGNE and cible.parent is None):
        return None
    jumeaux: dict[int, Fiche] = {}
    gardee = copy(racine, None, jumeaux)
    jumelle = jumeaux[id(cible)]
    if gravite == Gravite.REJET_LIGNE and jumelle.parent is not None:
        jumelle.parent.enfants[jumelle.entite].remove(jumelle)
    elif gravite == Gravite.REJET_CELLULE:
        for variable in variables:
            jumelle.valeurs[variable] = None
    return gardee


# ------------------------------------------------------------------ a badly written cell


def spoil_cell(
    t: Tirage, nom: str, hote: Reponse, bareme: Bareme, etalees: set[str], alea: random.Random
) -> Reponse | None:
    """One cell of the answer written in that faulty way, everything else being right with or without it."""
    fabrique, constat, format_ = CELLULES[nom]
    liens = {v.get("variable") for v in t.questionnaire.enquete.get("lien_base") or () if not v.get("repli")}
    ecartees, identite = _skip(t), identifier(t.monde, hote.ecrite)
    cas = [(f, v) for f in hote.ecrite.toutes() for v in t.noms[f.entite]]
    alea.shuffle(cas)
    for fiche, variable in cas:
        declaree = t.questionnaire.variables[variable]
        entete = f"{fiche.entite}.{variable}"
        if entete in ecartees or (constat != "zero_perdu" and variable in liens):
            continue
        valeur = fiche.valeurs.get(variable)
        ecrit = fabrique(Cas(t, fiche, declaree, valeur, alea, entete in etalees))
        if ecrit is None or (valeur is None and nom != "hors_filtre" and not asked(t.monde, fiche, variable)):
            continue
        code, gravite = bareme.juge(constat, fiche.entite, variable, declaree.type.value)
        jumeaux: dict[int, Fiche] = {}
        gardee = copy(hote.ecrite, None, jumeaux)
        jumeaux[id(fiche)].valeurs[variable] = None if gravite == "rejet_cellule" else ecrit.reste
        reste = irregularities(t.monde, gardee)
        if violations(t.monde, gardee) or any(v != variable for _, _, v in reste):
            continue
        jumeaux[id(fiche)].valeurs[variable] = ecrit.cellule if nom in LUS_TELS_QUELS else ecrit.reste
        lue = violations(t.monde, gardee)
        jumeaux[id(fiche)].valeurs[variable] = None if gravite == "rejet_cellule" else ecrit.reste
        if lue:
            continue
        if identifier(t.monde, gardee) != identite and gravite != "rejet_ligne":
            continue
        issue: Fiche | None = gardee
        if gravite == "rejet_ligne":
            issue = _outcome(t, gardee, jumeaux[id(fiche)], gravite, [])
        attendu = Attendu(constat, code, gravite, ecrit.pourquoi, False, fiche, variable, ecrit.cellule, True)
        return Reponse(hote.modele, hote.ecrite, issue, f"cellule:{nom}", [attendu], format_)
    return None


def _skip(t: Tirage) -> set[str]:
    """Cells a finding of which would change which answer or row this is: keys, links and file marks."""
    entites = t.questionnaire.entites.values()
    noms = {f"{e.nom}.{v}" for e in entites for v in (*e.cle, *([e.date] if e.date else []))}
    noms |= {f"{e.nom}.{v}" for e in entites for v in t.liens}
    fichier = ("campagne", "version")
    return noms | {f"{e.nom}.{v}" for e in entites for v in t.noms[e.nom] if t.hint(e.nom, v).get("copie") in fichier}


# ------------------------------------------------------------------ a faulty row


def unknown_unit(t: Tirage, hote: Reponse, bareme: Bareme, alea: random.Random) -> Reponse | None:
    """A respondent whose numbers, though well formed, are not in the frame."""
    racine = t.questionnaire.racine
    liens = [v["variable"] for v in t.questionnaire.enquete.get("lien_base") or () if v["entite"] == racine]
    if not liens or not hote.ecrite.unites or any(hote.ecrite.enfants.get(e) for e in _linked_children(t)):
        return None
    ecrite = copy(hote.ecrite)
    ecrite.unites = []
    attendus: list[Attendu] = []
    for rang, variable in enumerate(liens):
        if ecrite.valeurs.get(variable) is None or t.questionnaire.variables[variable].type != TypeVariable.FINESS:
            continue
        ecrite.valeurs[variable] = finess(9000 + hote.modele.numero * 3 + rang, ecrite.valeurs[variable][:2], {})
        code, gravite = bareme.juge("absent_de_la_base", racine, variable, "finess")
        pourquoi = "numéro bien formé, absent de la base de sondage"
        if not attendus:  # the first link stated carries the finding
            attendus.append(Attendu("absent_de_la_base", code, gravite, pourquoi, False, ecrite, variable))
    if not attendus or not clean(t, ecrite):
        return None
    return Reponse(hote.modele, ecrite, ecrite, "ligne:absent_de_la_base", attendus)


def _linked_children(t: Tirage) -> set[str]:
    racine = t.questionnaire.racine
    return {v["entite"] for v in t.questionnaire.enquete.get("lien_base") or () if v["entite"] != racine}


def second_sending(t: Tirage, hote: Reponse, bareme: Bareme, alea: random.Random) -> tuple[Reponse, Reponse] | None:
    """The answer sent twice: the copy, dated at the campaign's first day, is the one to be set aside."""
    racine = t.questionnaire.entites[t.questionnaire.racine]
    if not racine.date or hote.ecrite.valeurs.get(racine.date) is None:
        return None
    copie = copy(hote.ecrite)
    debut = t.questionnaire.campagnes[t.campagne].debut
    if copie.valeurs[racine.date] == debut:
        return None
    copie.valeurs[racine.date] = debut
    for lien in t.liens:
        for fiche in copie.toutes():
            if fiche.valeurs.get(lien):
                fiche.valeurs[lien] = f"{fiche.valeurs[lien]}-B"
    if not clean(t, copie):
        return None
    code, gravite = bareme.juge("repondant_en_double", racine.nom, None, "")
    premiere = next((i["variable"] for i in racine.identifiant), None)
    attendu = Attendu("repondant_en_double", code, gravite, "même répondant, envoi plus ancien", False, copie, premiere)
    return hote, Reponse(hote.modele, copie, None, "ligne:repondant_en_double", [attendu], copie_de=hote)


def nameless(t: Tirage, hote: Reponse, bareme: Bareme, alea: random.Random) -> Reponse | None:
    """An answer without any of the numbers that say who answers."""
    racine = t.questionnaire.entites[t.questionnaire.racine]
    ecrite = copy(hote.ecrite)
    for ligne in racine.identifiant:
        ecrite.valeurs[ligne["variable"]] = None
    if not racine.identifiant or not clean(t, ecrite):
        return None
    code, gravite = bareme.juge("ligne_sans_identifiant", racine.nom, None, "")
    premiere = next((i["variable"] for i in racine.identifiant), None)
    attendu = Attendu(
        "ligne_sans_identifiant", code, gravite, "aucun numéro ne dit qui répond", False, ecrite, premiere
    )
    return Reponse(hote.modele, ecrite, None, "ligne:ligne_sans_identifiant", [attendu])


def twin_key(t: Tirage, hote: Reponse, bareme: Bareme, alea: random.Random) -> Reponse | None:
    """Two child rows with the same number."""
    for entite, lignes in hote.ecrite.enfants.items():
        cle = t.questionnaire.entites[entite].cle
        if len(lignes) < 2 or len(cle) != 1 or not t.hint(entite, cle[0]).get("rang"):
            continue
        ecrite = copy(hote.ecrite)
        seconde = ecrite.enfants[entite][1]
        seconde.valeurs[cle[0]] = ecrite.enfants[entite][0].valeurs[cle[0]]
        if violations(t.monde, ecrite):
            continue
        code, gravite = bareme.juge("cle_en_double", entite, cle[0], "")
        attendu = Attendu(
            "cle_en_double", code, gravite, "même numéro que la ligne d'au-dessus", False, seconde, cle[0]
        )
        gardee = _outcome(t, ecrite, seconde, gravite, [])
        return Reponse(hote.modele, ecrite, gardee, "ligne:cle_en_double", [attendu])
    return None


LIGNES = {"absent_de_la_base": unknown_unit, "ligne_sans_identifiant": nameless, "cle_en_double": twin_key}


def applies(regle: Regle, t: Tirage) -> bool:
    """Whether some record could break the rule in that campaign (its blamed cells are asked)."""
    return any((regle.entite, v) in t.monde.posees for v in regle.cellules)
