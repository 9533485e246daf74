"""The fictitious sampling frame, and who answers from it in each campaign."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from cartographie.demo.answers import Tirage
from cartographie.demo.drafts import Modele, fill
from cartographie.demo.hints import Indications, weighted
from cartographie.demo.oracle import Fiche, Monde, holds
from cartographie.model import Questionnaire

Groupe = list[dict[str, Any]]


def make_frame(q: Questionnaire, indications: Indications, repondants: int, graine: int) -> list[Groupe]:
    """Groups of frame units sharing a legal entity. One unit is {variable: value} plus `_numero`; empty without a frame."""
    if q.base is None:
        return []
    reglages = indications.section("base")
    groupage = reglages.get("groupe") or {}
    campagne = max(q.campagnes)
    posees = {p for c in q.campagnes for p in q.posees(c) if p[0] == q.base}
    t = Tirage(q, campagne, indications, Monde(q, campagne, posees=posees))
    partage = [v for v in groupage.get("partage", ()) if v in t.noms[q.base]]
    alea = random.Random(f"{graine}:base")
    groupes: list[Groupe] = []
    voulu, numero = max(1, round(repondants * reglages.get("unites_par_repondant", 1.6))), 0
    while numero < voulu:
        premier: dict[str, Any] = {}
        groupe: Groupe = []
        for _ in range(int(weighted(alea, groupage.get("taille") or {1: 1}))):
            numero += 1
            fiche = Fiche(q.base, {v: premier[v] for v in partage if v in premier})
            fill(t, fiche, t.noms[q.base], alea, Modele(numero, [], {}, frozenset(), {}))
            premier = premier or fiche.valeurs
            groupe.append({**fiche.valeurs, "_numero": numero})
        groupes.append(groupe)
    return groupes


def in_frame(q: Questionnaire, indications: Indications, groupes: list[Groupe], campagne: str) -> list[Groupe]:
    """The units of one campaign's frame: those meeting `base.filtre`, if any is declared for it."""
    filtre = indications.section("base", campagne).get("filtre")
    if not filtre:
        return groupes
    monde = Monde(q, campagne)
    gardes = [[u for u in g if holds(monde, Fiche(q.base or "", u), filtre)] for g in groupes]
    return [g for g in gardes if g]


def respondents(
    q: Questionnaire,
    indications: Indications,
    groupes: list[Groupe],
    campagne: str,
    repondants: int,
    graine: int,
    precedents: Mapping[int, Mapping[str, list[dict[str, Any]]]],
) -> Iterator[Modele]:
    """What each answer starts from, `repondants` of them at most, in a drawn order."""
    profils = indications.brut.get("profils") or [{"unites": "une" if groupes else "aucune", "poids": 1}]
    alea = random.Random(f"{graine}:{campagne}:repondants")
    taux = indications.section("reponse", campagne)
    hors_base = [p for p in profils if p["unites"] == "aucune" and _weight(p, campagne)]
    dans_base = [p for p in profils if p["unites"] != "aucune" and _weight(p, campagne)]
    poids_hors = sum(_weight(p, campagne) for p in hors_base)
    total = poids_hors + sum(_weight(p, campagne) for p in dans_base)
    nombre_hors = repondants if not groupes else round(repondants * poids_hors / total)
    ordre = list(groupes)
    alea.shuffle(ordre)
    restants = repondants - nombre_hors
    for groupe in ordre:
        if restants <= 0:
            break
        possibles = {i: _weight(p, campagne) for i, p in enumerate(dans_base) if len(groupe) >= p.get("minimum", 1)}
        profil = dans_base[weighted(alea, possibles)]
        choisies = [groupe] if profil["unites"] == "groupe" else [[u] for u in groupe]
        for unites in choisies:
            if restants > 0 and alea.random() < _rate(taux, unites[0]):
                restants -= 1
                yield _start(profil, unites[0]["_numero"], unites, precedents)
    dernier = sum(len(g) for g in groupes)
    for rang in range(nombre_hors if hors_base else 0):
        profil = hors_base[weighted(alea, {i: _weight(p, campagne) for i, p in enumerate(hors_base)})]
        yield _start(profil, dernier + rang + 1, [], precedents)


def _start(profil: Mapping[str, Any], numero: int, unites: Groupe, precedents: Mapping[int, Any]) -> Modele:
    propres = [{k: v for k, v in u.items() if k != "_numero"} for u in unites]
    vide = frozenset(profil.get("vide", ()))
    return Modele(numero, propres, profil.get("fixe") or {}, vide, precedents.get(numero, {}))


def _weight(profil: Mapping[str, Any], campagne: str) -> float:
    poids = profil.get("poids", 1)
    return float(poids.get(campagne, 0) if isinstance(poids, Mapping) else poids)


def _rate(taux: Mapping[str, Any], unite: Mapping[str, Any]) -> float:
    tables = taux.get("tables") or {}
    return float(tables.get(unite.get(taux.get("selon", "")), taux.get("taux", 0.75)))
