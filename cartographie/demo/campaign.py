"""One fictitious campaign: its answers drawn, faults planted in some, everything shared out among files."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cartographie.demo.answers import Tirage
from cartographie.demo.cells import CELLULES
from cartographie.demo.faults import LIGNES, Bareme, Reponse, applies, break_rule, second_sending, spoil_cell
from cartographie.demo.files import FICHIERS
from cartographie.demo.frame import Groupe, in_frame, respondents
from cartographie.demo.hints import Indications
from cartographie.demo.layout import Ecriture, holds_answer, is_single
from cartographie.demo.mend import affinity
from cartographie.demo.oracle import Monde
from cartographie.demo.parallel import draw_all
from cartographie.model import Modele, Questionnaire, Regle, TypeVariable

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
        if q.variables[nom_v].type == TypeVariable.FINESS:
            tirage.bassin[nom_v] = sorted({u[nom_v] for g in presents for u in g if u.get(nom_v)})
    tirage.monde.racines = [r.ecrite for r in campagne.reponses]
    return campagne


def carry_over(campagne: Campagne) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """What the next campaign's answers may take up again: the children of each respondent."""
    return {
        r.modele.numero: {e: [dict(f.valeurs) for f in lignes] for e, lignes in r.ecrite.enfants.items()}
        for r in campagne.reponses
    }


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
    plafond = q.campagnes[campagne.nom].parametres.get("plafonds", {}).get("cellules", 2_000_000)
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
