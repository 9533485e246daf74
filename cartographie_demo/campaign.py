"""One fictitious campaign: its frame, its answers drawn, faults planted in some, everything shared out among files."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cartographie.base.workers import run_tasks
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Modele, Questionnaire, Regle
from cartographie_demo.answers import Depart, SansIssue, Tirage, affinity, clean_answer, fill
from cartographie_demo.faults import CELLULES, LIGNES, Bareme, Reponse, applies, break_rule, second_sending, spoil_cell
from cartographie_demo.hints import Indications, load_hints, weighted
from cartographie_demo.layout import FICHIERS, Ecriture, holds_answer, is_single
from cartographie_demo.oracle import Fiche, Monde, holds

# -------------------------------------------------------------------------------------------
# The fictitious sampling frame, and who answers from it in each campaign.

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
            fill(t, fiche, t.noms[q.base], alea, Depart(numero, [], {}, frozenset(), {}))
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
) -> Iterator[Depart]:
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


def _start(profil: Mapping[str, Any], numero: int, unites: Groupe, precedents: Mapping[int, Any]) -> Depart:
    propres = [{k: v for k, v in u.items() if k != "_numero"} for u in unites]
    vide = frozenset(profil.get("vide", ()))
    return Depart(numero, propres, profil.get("fixe") or {}, vide, precedents.get(numero, {}))


def _weight(profil: Mapping[str, Any], campagne: str) -> float:
    poids = profil.get("poids", 1)
    return float(poids.get(campagne, 0) if isinstance(poids, Mapping) else poids)


def _rate(taux: Mapping[str, Any], unite: Mapping[str, Any]) -> float:
    tables = taux.get("tables") or {}
    return float(tables.get(unite.get(taux.get("selon", "")), taux.get("taux", 0.75)))


# -------------------------------------------------------------------------------------------
# Clean answers of many respondents, on several processes when there are enough of them. Same answers either way.
#
# Each answer has its own seed and looks at no other answer, so the sharing out changes nothing.

SEUIL = 600  # below, starting processes costs more than it saves
PAQUET = 100
_tirages: dict[tuple[Path, str], Tirage] = {}  # of this process


def draw_all(t: Tirage, projet: Path, departs: Sequence[Depart], graine: int) -> Iterator[Fiche | str]:
    """For each start, in order: its clean answer, or the rules that resist."""
    ouvriers = min(os.cpu_count() or 1, 8)
    if len(departs) < SEUIL or ouvriers < 2:
        yield from (_draw(t, depart, graine) for depart in departs)
        return
    paquets = [departs[i : i + PAQUET] for i in range(0, len(departs), PAQUET)]
    for _, faites in run_tasks(partial(_batch, projet, t.campagne, graine), paquets, ouvriers):
        yield from faites


def _batch(projet: Path, campagne: str, graine: int, departs: Sequence[Depart]) -> list[Fiche | str]:
    if (projet, campagne) not in _tirages:
        q = load_questionnaire(projet)
        _tirages[projet, campagne] = Tirage(q, campagne, load_hints(projet), Monde(q, campagne))
    return [_draw(_tirages[projet, campagne], depart, graine) for depart in departs]


def _draw(t: Tirage, depart: Depart, graine: int) -> Fiche | str:
    """The clean answer, blanks left out; or the rules that resist."""
    try:
        fiche = clean_answer(t, f"{graine}:{t.campagne}:{depart.numero}", depart)
    except SansIssue as raison:
        return str(raison)
    for ligne in fiche.toutes():
        ligne.valeurs = {k: v for k, v in ligne.valeurs.items() if v is not None}
    return fiche


# -------------------------------------------------------------------------------------------
# One fictitious campaign: its answers drawn, faults planted in some, everything shared out among files.

Progres = Callable[[str, int, int], None]
REPONSES_MAX = 4000  # answers in one export
ENCODAGES = (("utf-8", ";"), ("utf-8-sig", ","), ("cp1252", ";"), ("utf-16", "\t"))


@dataclass(slots=True)
class Campagne:
    """What is to be written, and what could not be done."""

    nom: str
    tirage: Tirage
    groupes: list[Groupe]
    reponses: list[Reponse] = field(default_factory=list)
    non_plantees: list[dict[str, str]] = field(default_factory=list)
    abandonnees: int = 0


@dataclass(slots=True)
class Lot:
    """One file to write. `faute`: the whole-file fault to plant in it, if any."""

    modele: Modele
    suffixe: str
    ecriture: Ecriture
    reponses: list[Reponse]
    options: dict[str, Any] = field(default_factory=dict)
    faute: str = ""


def draw_campaign(
    q: Questionnaire, projet: Path, indications: Indications, groupes: list[Groupe], nom: str, repondants: int,
    graine: int, precedents: dict[int, dict[str, list[dict[str, Any]]]], progres: Progres | None = None,
) -> Campagne:  # fmt: skip
    """Clean answers of every respondent, in respondent-number order; the same with one process or several."""
    presents = in_frame(q, indications, groupes, nom)
    tirage = Tirage(q, nom, indications, Monde(q, nom))
    campagne = Campagne(nom, tirage, presents)
    departs = list(respondents(q, indications, presents, nom, repondants, graine, precedents))
    for fait, (depart, fiche) in enumerate(zip(departs, draw_all(tirage, projet, departs, graine), strict=True), 1):
        if isinstance(fiche, str):
            campagne.abandonnees += 1
            campagne.non_plantees.append({"genre": "reponse", "raison": f"aucune réponse sans faute : {fiche}"})
        else:
            campagne.reponses.append(Reponse(depart, fiche, fiche))
        if progres and fait % 100 == 0:
            progres(f"réponses {nom}", fait, len(departs))
    campagne.reponses.sort(key=lambda r: r.modele.numero)
    for nom_v in tirage.noms.get(q.base or "", ()):
        if q.variables[nom_v].type == "finess":
            tirage.bassin[nom_v] = sorted({u[nom_v] for g in presents for u in g if u.get(nom_v)})
    tirage.monde.racines = [r.ecrite for r in campagne.reponses]
    return campagne


def carry_over(campagne: Campagne) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """What the next campaign's answers may take up again, by respondent and entity: its own record and its children."""
    records: dict[int, dict[str, list[dict[str, Any]]]] = {}
    for reponse in campagne.reponses:
        entites = records[reponse.modele.numero] = {}
        for fiche in reponse.ecrite.toutes():
            entites.setdefault(fiche.entite, []).append(dict(fiche.valeurs))
    return records


def plant(campagne: Campagne, bareme: Bareme, graine: int) -> None:
    """Replace some clean answers by faulty ones, one fault each, `fautes.taux` of the answers for each kind."""
    t, reponses = campagne.tirage, campagne.reponses
    reglages = t.indications.section("fautes", campagne.nom)
    alea = random.Random(f"{graine}:{campagne.nom}:fautes")
    libres = list(range(len(reponses)))
    alea.shuffle(libres)
    budget = int(len(reponses) * reglages.get("part_maximale", 0.6))
    repetitions = min(max(1, round(reglages.get("taux", 0.001) * len(reponses))), reglages.get("maximum", 20))
    regles = {r.code: r for r in t.monde.regles if applies(r, t)}
    kinds = [("fichier", n) for n in FICHIERS] + [("ligne", n) for n in (*LIGNES, "repondant_en_double")]
    kinds += [("regle", c) for c in regles] + [("cellule", n) for n in CELLULES]
    ecartees, impossibles = set(reglages.get("ecarter", ())), dict[str, int]()
    etalees = spread_variables(t.questionnaire, campagne.nom)
    for rang in range(repetitions):
        for genre, nom in kinds if rang % 2 == 0 else reversed(kinds):
            if f"{genre}:{nom}" in ecartees or (genre == "fichier" and rang >= reglages.get("fichiers", 2)):
                continue
            if impossibles.get(f"{genre}:{nom}", 0) >= 2:  # no use trying again
                continue
            if budget <= 0:
                campagne.non_plantees.append({"genre": f"{genre}:{nom}", "raison": "trop peu de réponses"})
                continue
            if _plant_one(campagne, genre, nom, libres, regles, bareme, etalees, alea):
                budget -= 1
            else:
                impossibles[f"{genre}:{nom}"] = impossibles.get(f"{genre}:{nom}", 0) + 1
                campagne.non_plantees.append({"genre": f"{genre}:{nom}", "raison": "aucune réponse ne s'y prête"})


def _plant_one(
    campagne: Campagne, genre: str, nom: str, libres: list[int], regles: dict[str, Any], bareme: Bareme,
    etalees: set[str], alea: random.Random,
) -> bool:  # fmt: skip
    t, reponses = campagne.tirage, campagne.reponses
    candidats = libres[-300:][::-1]
    if genre == "regle":
        notes = {p: _closeness(t, regles[nom], reponses[p]) for p in candidats[:150]}
        candidats = sorted(notes, key=lambda p: -notes[p])[:12]
    for place in candidats:
        hote = reponses[place]
        neuve: Reponse | None
        if genre == "fichier":
            neuve = Reponse(hote.modele, hote.ecrite, hote.ecrite, f"fichier:{nom}")
        elif genre == "regle":
            neuve = break_rule(t, regles[nom], hote, alea)
        elif genre == "cellule":
            neuve = spoil_cell(t, nom, hote, bareme, etalees, alea)
        elif nom in LIGNES:
            neuve = LIGNES[nom](t, hote, bareme, alea)
        else:
            paire = second_sending(t, hote, bareme, alea)
            neuve = None if paire is None else paire[0]
            if paire:
                reponses.append(paire[1])
        if neuve is not None:
            reponses[place] = neuve
            libres.remove(place)
            return True
    return False


def _closeness(t: Tirage, regle: Regle, reponse: Reponse) -> float:
    """How near the answer's nearest record is to breaking the rule."""
    fiches = [f for f in reponse.ecrite.toutes() if f.entite == regle.entite]
    return max((affinity(t, f, regle.condition or {}) for f in fiches), default=0.0)


def spread_variables(q: Questionnaire, campagne: str) -> set[str]:
    """ "entity.variable" of every multiple choice spread over columns in some model."""
    return {
        f"{f.entite}.{c.variable}"
        for m in q.campagnes[campagne].modeles.values()
        for f in m.feuilles
        for c in f.colonnes
        if c.modalite is not None
    }


# ------------------------------------------------------------------ sharing out among files


def share_out(campagne: Campagne, q: Questionnaire, classeurs_max: int, graine: int) -> Iterator[Lot]:
    """Every answer in one file: single workbooks first (faults that need one, then others up to the cap), then exports."""
    modeles = [m for m in q.campagnes[campagne.nom].modeles.values() if m.usage == "reponse"]
    seuls = [m for m in modeles if is_single(m)]
    communs = [m for m in modeles if not is_single(m)]
    alea = random.Random(f"{graine}:{campagne.nom}:fichiers")
    a_part: list[Reponse] = []
    reste: list[Reponse] = []
    for reponse in campagne.reponses:
        seule = reponse.faute.startswith("fichier:") or reponse.format or not any(_fits(m, reponse) for m in communs)
        (a_part if seule and seuls else reste).append(reponse)
    alea.shuffle(reste)
    libres = max(0, classeurs_max - len(a_part)) if seuls else 0
    if communs:
        libres = min(libres, len(reste) // 2)
    elif seuls:
        libres = len(reste)
    for rang, reponse in enumerate([*a_part, *reste[:libres]]):
        modele = (seuls or [m for m in communs if _fits(m, reponse)] or communs)[0]
        faute = reponse.faute.removeprefix("fichier:") if reponse.faute.startswith("fichier:") else ""
        formats = [f for f in modele.formats if f != "csv"] or list(modele.formats)
        suffixe = formats[0] if rang < len(a_part) else formats[rang % len(formats)]
        suffixe = "xlsx" if (faute or reponse.format) and "xlsx" in modele.formats else suffixe
        yield Lot(modele, suffixe, Ecriture(suffixe == "csv", alea.random() < 0.3), [reponse], {}, faute)
    plafond = int(q.campagnes[campagne.nom].parametres.get("plafonds", {}).get("cellules", 2_000_000))
    largeur = max((sum(len(f.colonnes) * max(1, f.repetitions) for f in m.feuilles) for m in communs), default=1)
    yield from _exports(communs or seuls, reste[libres:], alea, max(1, min(REPONSES_MAX, plafond // (2 * largeur))))


def _fits(modele: Modele, reponse: Reponse) -> bool:
    return holds_answer(modele, reponse.ecrite)


def _exports(modeles: list[Modele], reponses: list[Reponse], alea: random.Random, taille: int) -> Iterator[Lot]:
    variantes: list[tuple[Modele, str, dict[str, Any]]] = []
    for modele in modeles:
        for suffixe in modele.formats:
            if suffixe == "csv":
                variantes += [(modele, "csv", {"encodage": e, "separateur": s}) for e, s in ENCODAGES]
            else:
                variantes.append((modele, suffixe, {}))
    nombre = max(1, min(len(variantes), len(reponses) // 4), math.ceil(len(reponses) / taille))
    legeres = [v for v in variantes if v[1] == "csv"] or variantes  # beyond one of each, what is quick to write
    choisies = [*variantes[:nombre], *(legeres[i % len(legeres)] for i in range(nombre - len(variantes)))]
    lots = [Lot(m, s, Ecriture(s == "csv"), [], o) for m, s, o in choisies]
    for rang, lot in enumerate(lots):
        lot.ecriture = Ecriture(lot.suffixe == "csv", False, rang % 3 == 1 and lot.suffixe != "csv")
    for rang, reponse in enumerate(reponses):
        for decalage in range(len(lots)):
            lot = lots[(rang + decalage) % len(lots)]
            if _fits(lot.modele, reponse):
                lot.reponses.append(reponse)
                break
        else:
            modele = next((m for m in modeles if _fits(m, reponse)), modeles[0])
            supplement = Lot(modele, "xlsx", Ecriture(), [reponse])
            lots.append(supplement)
    yield from (lot for lot in lots if lot.reponses)
