"""Plausible answers, variable by variable, then mended until no declared rule is broken, or exactly one."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from cartographie.survey.model import Modalite, Questionnaire, Regle, Variable
from cartographie_demo import hints
from cartographie_demo.hints import Indications, weighted
from cartographie_demo.oracle import (
    Fiche,
    Monde,
    asked,
    derive,
    holds,
    identifier,
    irregularities,
    operand,
    references,
    required,
    value,
    violations,
)

# -------------------------------------------------------------------------------------------
# Plausible answers, variable by variable, then mended until no declared rule is broken.
#
# Everything is drawn from the declared types, nomenclatures and filters; demo.yaml only tilts the draws.


@dataclass(slots=True)
class Tirage:
    """Draws the answers of one campaign. `rangs`: names asked of each entity, in declaration order."""

    questionnaire: Questionnaire
    campagne: str
    indications: Indications
    monde: Monde
    noms: dict[str, list[str]] = field(default_factory=dict)
    valides: dict[str, dict[str, Modalite]] = field(default_factory=dict)
    caches: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    liens: set[str] = field(default_factory=set)
    besoins: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    compteurs: dict[str, int] = field(default_factory=dict)
    bassin: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        q = self.questionnaire
        for entite in q.entites:
            self.noms[entite] = [n for n in q.variables if (entite, n) in self.monde.posees]
        self.valides = {n: nomenclature.valides(self.campagne) for n, nomenclature in q.nomenclatures.items()}
        modeles = q.campagnes[self.campagne].modeles.values()
        listes = [f.lien for m in modeles for f in m.feuilles if isinstance(f.lien, (tuple, list))]
        self.liens = {v for liste in listes for v in liste}

    def hint(self, entite: str, nom: str) -> dict[str, Any]:
        if (entite, nom) not in self.caches:
            self.caches[entite, nom] = self.indications.pour(entite, nom, self.campagne)
        return self.caches[entite, nom]

    # ------------------------------------------------------------------ one value

    def codes(self, variable: Variable) -> dict[str, Modalite]:
        return self.valides.get(variable.nomenclature or "", {})

    def draw(self, fiche: Fiche, nom: str, alea: random.Random, numero: int, *, libre: bool = False) -> Any:
        """One value of the variable; `libre` ignores the weights of demo.yaml (any allowed value)."""
        variable, indication = self.questionnaire.variables[nom], self.hint(fiche.entite, nom)
        if indication.get("jamais"):
            return None
        fixe = self._tied(fiche, nom, indication, numero)
        if fixe is not _LIBRE:
            return fixe
        exigee = nom in self.liens or required(self.monde, fiche, nom)
        if not exigee and alea.random() < (0.5 if libre else indication.get("vide", self._blank())):
            return None
        if variable.type in ("code", "codes") or variable.nomenclature:
            return self._choice(fiche, variable, indication, alea, libre)
        poids = self._weights(fiche, indication)
        if poids and not libre:
            return self.cast(variable, weighted(alea, poids))
        return self._plain(fiche, variable, indication, alea, numero)

    def untied(self, fiche: Fiche, nom: str, alea: random.Random, numero: int) -> Any:
        """Any allowed value, tied to nothing: a number of the frame's other units, any code, any text."""
        connues = self.bassin.get(nom)
        if connues and fiche.entite == self.questionnaire.racine:
            return alea.choice(connues)
        variable, indication = self.questionnaire.variables[nom], self.hint(fiche.entite, nom)
        if variable.nomenclature:
            return self._choice(fiche, variable, {}, alea, True)
        return self._plain(fiche, variable, {c: v for c, v in indication.items() if c in _FORMES}, alea, numero)

    def _blank(self) -> float:
        return self.indications.section("defaut").get("vide", 0.05)

    def _tied(self, fiche: Fiche, nom: str, indication: Mapping[str, Any], numero: int) -> Any:
        """A value that follows from others: copied, derived, parent code, prefix, rank or count."""
        if indication.get("calcule"):
            return derive(self.monde, fiche, nom)
        if indication.get("copie") in ("campagne", "version"):
            modeles = [m for m in self.questionnaire.campagnes[self.campagne].modeles.values() if m.versions]
            texte = self.campagne if indication["copie"] == "campagne" else modeles[0].versions[0] if modeles else None
            return None if texte is None else self.cast(self.questionnaire.variables[nom], texte)
        if "copie" in indication:
            valeur = value(self.monde, fiche, indication["copie"])
            if valeur is not None or not {"valeurs", "texte"} & set(indication):
                return valeur
        unites = fiche.racine().unites
        if not indication and unites and fiche.parent is None and unites[0].get(nom) is not None:
            return unites[0][nom]
        if "parent_de" in indication:
            source = self.questionnaire.variables[indication["parent_de"].rpartition(".")[2]]
            code = value(self.monde, fiche, indication["parent_de"])
            modalite = self.codes(source).get(code) if code is not None else None
            return modalite.parent if modalite else None
        if "debut_de" in indication:
            source, longueur = indication["debut_de"]
            valeur = value(self.monde, fiche, source)
            if valeur is not None:
                return valeur[:longueur]
        if indication.get("rang") and fiche.parent is not None:
            return fiche.parent.enfants[fiche.entite].index(fiche) + 1
        if "lignes" in indication:
            return len(fiche.enfants.get(indication["lignes"], []))
        return _LIBRE

    def _weights(self, fiche: Fiche, indication: Mapping[str, Any]) -> Mapping[Any, float]:
        poids = indication.get("valeurs") or {}
        if "tables" in indication:
            cle, tables = value(self.monde, fiche, indication["selon"]), indication["tables"]
            poids = tables.get(str(cle), tables.get("*", poids))
        for nom, facteurs in (indication.get("facteurs") or {}).items():
            par_reponse = facteurs.get(str(value(self.monde, fiche, nom))) or {}
            poids = {reponse: p * par_reponse.get(reponse, 1) for reponse, p in poids.items()}
        return poids

    def _choice(self, fiche: Fiche, variable: Variable, indication: Any, alea: random.Random, libre: bool) -> Any:
        codes = list(self.codes(variable))
        if "enfant_de" in indication:
            parent = value(self.monde, fiche, indication["enfant_de"])
            codes = [c for c, m in self.codes(variable).items() if m.parent == parent]
        exclus = {value(self.monde, fiche, v) for v in indication.get("distinct_de", ())}
        codes = [c for c in codes if c not in exclus]
        if not codes:
            return None
        poids = {str(c): p for c, p in self._weights(fiche, indication).items() if str(c) in codes}
        if libre or not poids:
            poids = dict.fromkeys(codes, 1.0)
        if variable.type != "codes":
            return weighted(alea, poids)
        seuls = set(indication.get("exclusifs", self.indications.section("defaut").get("exclusifs", ())))
        premier = weighted(alea, poids)
        if premier in seuls:
            return (premier,)
        choix = {premier}
        for _ in range(alea.choice(indication.get("nombre", (0, 0, 1, 1, 2)))):
            choix.add(weighted(alea, poids))
        return tuple(c for c in codes if c in choix - seuls)

    def _plain(self, fiche: Fiche, variable: Variable, indication: Any, alea: random.Random, numero: int) -> Any:
        kind, plage = variable.type, indication.get("plage")
        if "plages" in indication:
            plage = indication["plages"].get(str(value(self.monde, fiche, indication["selon"])), plage)
            if plage is None:
                return None
        campagne = self.questionnaire.campagnes[self.campagne]
        rang = numero if fiche.parent is None else numero * 37 + fiche.parent.enfants[fiche.entite].index(fiche)
        if kind == "date":
            bas, haut = plage or (0, (campagne.fin - campagne.debut).days)
            return campagne.debut + timedelta(days=alea.randint(bas, haut))
        if kind == "annee_mois":
            bas, haut = plage or (-900, 0)
            return (campagne.debut + timedelta(days=alea.randint(bas, haut))).replace(day=1)
        if kind in ("entier", "decimal"):
            bas = plage[0] if plage else variable.minimum if variable.minimum is not None else 0
            haut = plage[1] if plage else variable.maximum if variable.maximum is not None else max(bas * 2, 100)
            haut = min(haut, bas + 1000) if plage is None else haut
            tire = (
                alea.uniform(bas, haut)
                if not indication.get("asymetrique")
                else bas + (haut - bas) * alea.random() ** 3
            )
            return round(tire) if kind == "entier" else round(tire, indication.get("decimales", 1))
        if kind == "booleen":
            return alea.random() < 0.5
        if kind in _NUMEROS:
            return _NUMEROS[kind](indication.get("decalage", 0) + rang)
        if kind == "finess":
            prefixes = self.indications.section("base").get("prefixes", {})
            lieu = (value(self.monde, fiche, indication["prefixe"]) if "prefixe" in indication else None) or "99"
            if fiche.entite == self.questionnaire.base:
                rang = self.compteurs[lieu] = self.compteurs.get(lieu, 0) + 1
            return hints.finess(rang + indication.get("decalage", 0), lieu, prefixes)
        if kind == "commune":
            lieu = value(self.monde, fiche, indication["prefixe"]) if "prefixe" in indication else None
            return ((lieu or "99") + "990")[:5]
        return self._text(fiche, variable, indication, alea, numero)

    def _text(self, fiche: Fiche, variable: Variable, indication: Any, alea: random.Random, numero: int) -> str:
        if "parmi" in indication:
            modele = alea.choice(indication["parmi"])
        else:
            modele = indication.get("texte", "Texte fictif {n}")
        villes = self.indications.section("defaut").get("villes", ["X"])
        texte = modele.format_map(
            _Trous(n=numero, k=alea.randint(1, indication.get("variete", 40)), ville=villes[numero % len(villes)])
        )
        return texte[: variable.longueur_max or None]

    def cast(self, variable: Variable, valeur: Any) -> Any:
        if variable.type == "entier":
            return int(valeur)
        if variable.type == "decimal":
            return float(valeur)
        if variable.type in ("date", "annee_mois", "booleen"):
            return valeur
        return str(valeur)


_LIBRE = object()
_FORMES = ("plage", "asymetrique", "decimales", "texte", "parmi", "variete", "prefixe", "decalage")
_NUMEROS: dict[str, Callable[[int], str]] = {
    "siren": hints.siren, "siret": hints.siret, "rpps": hints.rpps,
}  # fmt: skip


class _Trous(dict[str, Any]):
    def __missing__(self, cle: str) -> str:
        return ""


# -------------------------------------------------------------------------------------------
# A whole answer drawn, rules not yet looked at: the respondent, its children, then what depends on them.


@dataclass(frozen=True, slots=True)
class Depart:
    """What an answer starts from: its number, frame units, fixed and blanked variables, last campaign's records."""

    numero: int
    unites: list[dict[str, Any]]
    fixe: Mapping[str, Any]
    vide: frozenset[str]
    precedent: Mapping[str, list[dict[str, Any]]]


def fill(t: Tirage, fiche: Fiche, noms: list[str], alea: random.Random, modele: Depart) -> None:
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
        noms |= {
            *indication.get("distinct_de", ()),
            *indication.get("debut_de", ())[:1],
            *indication.get("facteurs", ()),
        }
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


def draft(t: Tirage, alea: random.Random, modele: Depart) -> Fiche:
    """A first answer, rules not yet looked at: root, children, then what depends on the children."""
    q = t.questionnaire
    racine = Fiche(q.racine, unites=modele.unites, avant=next(iter(modele.precedent.get(q.racine, ())), {}))
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
    t: Tirage, racine: Fiche, enfant: str, indication: Any, alea: random.Random, modele: Depart
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


# -------------------------------------------------------------------------------------------
# Bend an answer towards a condition: away from every rule (a clean answer) or into exactly one (a planted fault).

ESSAIS = 40
REPRISES = 30


class SansIssue(Exception):
    """No answer free of broken rules was found; the message names the rules."""


def clean_answer(t: Tirage, graine: str, modele: Depart) -> Fiche:
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


def settle(t: Tirage, racine: Fiche, alea: random.Random, modele: Depart) -> None:
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


def _retouch(t: Tirage, fiche: Fiche, regle: Regle, alea: random.Random, modele: Depart) -> None:
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


def force(t: Tirage, fiche: Fiche, condition: Any, voulu: bool, alea: random.Random, modele: Depart) -> None:
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


def _force_value(t: Tirage, fiche: Fiche, condition: Mapping[str, Any], voulu: bool, alea: Any, modele: Depart) -> None:
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
                mois = variable.type == "annee_mois"
                essais += [v.replace(day=1) for v in voisins] if mois else voisins
            elif isinstance(valeur, (int, float)) and not isinstance(valeur, bool):
                essais += [v for v in (valeur - 1, valeur, valeur + 1) if v >= (variable.minimum or 0)]
            elif variable.type == "codes" and valeur in t.codes(variable):
                autre = alea.choice(list(t.codes(variable)))
                essais += [(str(valeur),), tuple(c for c in t.codes(variable) if c in (valeur, autre))]
            elif valeur is not None and (variable.nomenclature is None or valeur in t.codes(variable)):
                essais.append(valeur)
    return essais


def _force_count(t: Tirage, fiche: Fiche, condition: Mapping[str, Any], voulu: bool, alea: Any, modele: Depart) -> None:
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


def _force_twin(t: Tirage, fiche: Fiche, noms: list[str], voulu: bool, alea: Any, modele: Depart) -> None:
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
