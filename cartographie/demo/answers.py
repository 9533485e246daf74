"""Plausible answers, variable by variable, then mended until no declared rule is broken.

Everything is drawn from the declared types, nomenclatures and filters; demo.yaml only tilts the draws.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cartographie.demo import numbers
from cartographie.demo.checks import required
from cartographie.demo.hints import Indications, weighted
from cartographie.demo.oracle import Fiche, Monde, derive, value
from cartographie.model import Modalite, Questionnaire, TypeVariable, Variable


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
        if variable.type in (TypeVariable.CODE, TypeVariable.CODES) or variable.nomenclature:
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
        if "selon" in indication:
            cle = value(self.monde, fiche, indication["selon"])
            tables = indication["tables"]
            if str(cle) in tables or "*" in tables:
                return tables.get(str(cle), tables.get("*"))
        return indication.get("valeurs") or {}

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
        if variable.type != TypeVariable.CODES:
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
        campagne = self.questionnaire.campagnes[self.campagne]
        rang = numero if fiche.parent is None else numero * 37 + fiche.parent.enfants[fiche.entite].index(fiche)
        if kind == TypeVariable.DATE:
            bas, haut = plage or (0, (campagne.fin - campagne.debut).days)
            return campagne.debut + timedelta(days=alea.randint(bas, haut))
        if kind == TypeVariable.ANNEE_MOIS:
            bas, haut = plage or (-900, 0)
            return (campagne.debut + timedelta(days=alea.randint(bas, haut))).replace(day=1)
        if kind in (TypeVariable.ENTIER, TypeVariable.DECIMAL):
            bas = plage[0] if plage else variable.minimum if variable.minimum is not None else 0
            haut = plage[1] if plage else variable.maximum if variable.maximum is not None else max(bas * 2, 100)
            haut = min(haut, bas + 1000) if plage is None else haut
            tire = (
                alea.uniform(bas, haut)
                if not indication.get("asymetrique")
                else bas + (haut - bas) * alea.random() ** 3
            )
            return round(tire) if kind == TypeVariable.ENTIER else round(tire, indication.get("decimales", 1))
        if kind == TypeVariable.BOOLEEN:
            return alea.random() < 0.5
        if kind in _NUMEROS:
            return _NUMEROS[kind](indication.get("decalage", 0) + rang)
        if kind == TypeVariable.FINESS:
            prefixes = self.indications.section("base").get("prefixes", {})
            lieu = (value(self.monde, fiche, indication["prefixe"]) if "prefixe" in indication else None) or "99"
            if fiche.entite == self.questionnaire.base:
                rang = self.compteurs[lieu] = self.compteurs.get(lieu, 0) + 1
            return numbers.finess(rang + indication.get("decalage", 0), lieu, prefixes)
        if kind == TypeVariable.COMMUNE:
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
        if variable.type == TypeVariable.ENTIER:
            return int(valeur)
        if variable.type == TypeVariable.DECIMAL:
            return float(valeur)
        if variable.type in (TypeVariable.DATE, TypeVariable.ANNEE_MOIS, TypeVariable.BOOLEEN):
            return valeur
        return str(valeur)


_LIBRE = object()
_FORMES = ("plage", "asymetrique", "decimales", "texte", "parmi", "variete", "prefixe", "decalage")
_NUMEROS: dict[TypeVariable, Callable[[int], str]] = {
    TypeVariable.SIREN: numbers.siren, TypeVariable.SIRET: numbers.siret, TypeVariable.RPPS: numbers.rpps,
}  # fmt: skip


class _Trous(dict[str, Any]):
    def __missing__(self, cle: str) -> str:
        return ""
