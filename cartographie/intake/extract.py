"""Recognised sheets → records (Bloc), accounts (Compte) and findings. Every non-empty row and cell ends up counted once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from cartographie.intake.flatten import Entete
from cartographie.intake.headers import locate
from cartographie.intake.matching import Appariement, Attendu, Groupe, answer_column, normalise
from cartographie.intake.remarks import Zone, merged_answers, sheet_remarks
from cartographie.intake.sheets import annexes, place_groups
from cartographie.model import Bloc, Classeur, Compte, Constat, Feuille, Modele

_NOTE = re.compile(r"\s*(?:\(?\*|\(\d{1,2}\)|(?:sources?|notes?|nb|lecture|champ|totaux|total)\b)", re.I)
_TOTAL = frozenset({"total", "totaux", "total general", "sous total"})
Lecture = tuple[tuple[Bloc, ...], tuple[Compte, ...], tuple[Constat, ...], bool]


def extract(classeur: Classeur, modele: Modele) -> Lecture:
    """(blocs, comptes, constats, refuse). When refused there is no bloc, and every cell is counted "fichier_refuse"."""
    constats: list[Constat] = []
    alertes: list[Constat] = []
    trouves: list[tuple[Groupe, Feuille, Entete]] = []
    for groupe, feuille, dits, refuse in place_groups(classeur, modele):
        (constats if refuse else alertes).extend(dits)
        if feuille is not None and feuille.lignes:
            trouves.append((groupe, feuille, locate(groupe, feuille)))
        elif feuille is not None and not groupe.facultatif:
            constats.append(_sans_reponse(feuille, groupe))
    for groupe, feuille, entete in trouves:
        constats += _entetes(groupe, feuille, entete)
    if constats:
        return (), refused_accounts(classeur), (*alertes, *constats), True
    constats = alertes
    blocs: list[Bloc] = []
    comptes: dict[int, Compte] = {}
    for groupe, feuille, entete in trouves:
        lire = _fiche if groupe.fiche else _tableau
        nouveaux, compte, blanches, places = lire(groupe, feuille, entete)
        blocs += nouveaux
        comptes[id(feuille)] = compte
        constats += sheet_remarks(feuille, blanches, places)
        if feuille.fusions:
            constats += merged_answers(groupe, feuille, places, entete.appariement)
    racine = modele.feuilles[0].entite
    if not any(b.lignes for b in blocs if b.entite == racine):
        refus = Constat("fichier_sans_reponse", entite=racine, feuille=trouves[0][1].nom if trouves else None)
        return (), refused_accounts(classeur), (*constats, refus), True
    connues = annexes(modele)
    for feuille in classeur.feuilles:
        if id(feuille) not in comptes:
            comptes[id(feuille)] = _compte_ecarte(feuille, "feuille_non_lue")
            if feuille.lignes and not feuille.masquee and normalise(feuille.nom) not in connues:
                constats.append(Constat("feuille_inconnue", feuille=feuille.nom))
    return tuple(blocs), tuple(comptes[id(f)] for f in classeur.feuilles), tuple(constats), False


def refused_accounts(classeur: Classeur) -> tuple[Compte, ...]:
    """Accounts of a file that was opened, then refused."""
    return tuple(_compte_ecarte(f, "fichier_refuse") for f in classeur.feuilles)


def _compte_ecarte(feuille: Feuille, raison: str) -> Compte:
    lignes, cellules = _lues(feuille.lignes)
    return Compte(feuille.nom, lignes, cellules, 0, 0, {raison: lignes}, {raison: cellules})


def _lues(lignes: Sequence[Sequence[Any]]) -> tuple[int, int]:
    """(non-empty rows, non-empty cells) of a raw grid."""
    pleines = [n for ligne in lignes if (n := len(ligne) - ligne.count(None))]
    return len(pleines), sum(pleines)


def _sans_reponse(feuille: Feuille, groupe: Groupe) -> Constat:
    return Constat("fichier_sans_reponse", entite=groupe.feuilles[0].entite, feuille=feuille.nom)


def _entetes(groupe: Groupe, feuille: Feuille, entete: Entete) -> list[Constat]:
    """Missing, repeated and unknown headers."""
    constats: list[Constat] = []
    appariement = entete.appariement
    if not (appariement.absents or appariement.doubles or appariement.restes):
        return constats

    def signale(constat: str, position: int | None, cible: Attendu | None, **details: Any) -> None:
        place = None if position is None else position + 1
        if groupe.fiche:
            ligne, colonne = place, groupe.feuilles[0].colonne_question
        else:
            ligne, colonne = entete.ligne if position is None else entete.place(feuille, position), place
        entite = groupe.feuilles[cible.rang if cible else 0].entite
        variable = cible.colonne.variable if cible else None
        constats.append(
            Constat(constat, entite, None, variable, details=details, feuille=feuille.nom, ligne=ligne, colonne=colonne)
        )

    trouves, manquants = len(appariement.prises), len(appariement.absents)
    if trouves < manquants:  # these are not the headers: what stands there may be answers, never quoted
        signale("entetes_introuvables", None, None, trouves=trouves, attendus=trouves + manquants)
        return constats
    for attendu, proche in appariement.absents:
        texte = attendu.textes[0][0] if attendu.textes else attendu.colonne.variable
        signale("entete_absent", None, attendu, attendu=texte, proche=proche)
    for attendu, positions in {ps: (a, ps) for a, ps in reversed(appariement.doubles)}.values():
        places = [p + 1 for p in positions]
        texte = attendu.textes[0][0]
        signale("entete_double", positions[0], attendu, attendu=texte, trouve=texte, positions=places)
    debut = min((p for _, p in appariement.prises), default=0)
    reponse = answer_column(groupe) - 1
    for position, proche in appariement.restes:
        if groupe.fiche:
            ligne = feuille.lignes[position]
            if (
                position < debut
                or reponse >= len(ligne)
                or ligne[reponse] is None
                or _couvert(feuille, position, reponse)
            ):
                continue
        signale("entete_inconnu", position, None, trouve=str(entete.textes[position]), proche=proche)
    return constats


def _couvert(feuille: Feuille, ligne: int, colonne: int) -> bool:
    """True when the cell lies under a merged title (its text is the title's)."""
    return any(l1 <= ligne + 1 <= l2 and c1 < colonne + 1 <= c2 for l1, c1, l2, c2 in feuille.fusions)


# --------------------------------------------------------------------------- the two ways of reading a sheet


_Lecture = tuple[list[Bloc], Compte, int, "Zone"]


def _fiche(groupe: Groupe, feuille: Feuille, entete: Entete) -> _Lecture:
    """One record: the answers in front of the questions."""
    appariement = entete.appariement
    lignes, reponse = feuille.lignes, answer_column(groupe) - 1
    question = (groupe.feuilles[0].colonne_question or 1) - 1
    ecartees, cellules = Counter[str](), Counter[str]()
    prises = {p for _, p in appariement.prises}
    donnees = 0
    for i, ligne in enumerate(lignes):
        pleines = len(ligne) - ligne.count(None)
        if not pleines:
            continue
        if i in prises or i in appariement.ignores:
            repondu = reponse < len(ligne) and ligne[reponse] is not None
            cellules["entete"] += 1
            cellules["colonne_ignoree"] += pleines - 1 - repondu
            if i in prises:
                donnees += repondu
            else:
                ecartees["ligne_ignoree"] += 1
                cellules["ligne_ignoree"] += repondu
        else:
            titre = ligne[question] is not None or i < entete.ligne
            raison = "entete" if i == entete.ligne - 1 else "titre" if titre else "note"
            ecartees[raison] += 1
            cellules[raison] += pleines
    blocs = []
    for plan in appariement.plans:
        attendue = groupe.feuilles[plan.rang]
        valeurs = [[lignes[p][reponse] if reponse < len(lignes[p]) else None] for p in plan.positions]
        if any(v[0] is not None for v in valeurs):
            rangs = [min(plan.positions) + 1]
            blocs.append(Bloc(attendue.entite, feuille.nom, plan.colonnes, rangs, valeurs, 0, attendue.lien))
    lues = _lues(lignes)
    compte = Compte(feuille.nom, *lues, len(prises), donnees, _net(ecartees), _net(cellules))
    return blocs, compte, feuille.lignes_fantomes, Zone(sorted(p + 1 for p in prises), [reponse + 1], True)


def _tableau(groupe: Groupe, feuille: Feuille, entete: Entete) -> _Lecture:
    """One record a row for each entity of the sheet; repeated blocks give one Bloc each."""
    appariement, textes = entete.appariement, entete.textes
    ecartees, cellules = Counter[str](), Counter[str]()
    numeros: list[int] = []
    donnees: list[list[Any]] = []
    vides = blanches = 0
    debut = entete.ligne - entete.hauteur
    titres = {tuple(ligne) for ligne in feuille.lignes[debut : entete.ligne]}  # rows that may come back on every page
    premiers = {next((v for v in t if v is not None), None) for t in titres}
    titrees = [p for p, t in enumerate(textes) if t is not None]
    for i, ligne in enumerate(feuille.lignes):
        pleines = len(ligne) - ligne.count(None)
        if not pleines:
            vides += i >= entete.ligne
            continue
        raison = None
        if i < entete.ligne:
            raison = "entete" if i >= debut else "titre"
        else:
            blanches, vides = blanches + vides, 0
            premier = ligne[0] if ligne[0] is not None else next(v for v in ligne if v is not None)
            if premier.__class__ is str:
                raison = _hors_donnees(premier, pleines)
                if premier in premiers and pleines > 1 and tuple(ligne) in titres:
                    raison = "entete"
            if pleines <= len(ligne) - len(titrees) and all(ligne[p] is None for p in titrees):
                raison = raison or "hors_colonnes"
        if raison:
            ecartees[raison] += 1
            cellules[raison] += pleines
        else:
            numeros.append(i + 1)
            donnees.append(ligne)
    colonnes = [list(c) for c in zip(*donnees, strict=True)] or [[] for _ in textes]
    prises = {p for _, p in appariement.prises}
    lues_donnees = 0
    for position, colonne in enumerate(colonnes):
        pleines = len(colonne) - colonne.count(None)
        if position in prises:
            lues_donnees += pleines
        elif pleines:
            cellules["colonne_ignoree" if textes[position] is not None else "colonne_sans_entete"] += pleines
    blocs = _blocs(groupe, feuille, appariement, numeros, colonnes)
    compte = Compte(feuille.nom, *_lues(feuille.lignes), len(numeros), lues_donnees, _net(ecartees), _net(cellules))
    return blocs, compte, blanches + feuille.lignes_fantomes, Zone(numeros, sorted(p + 1 for p in prises), False)


def _hors_donnees(premier: str, pleines: int) -> str | None:
    """ "note" or "total" for a row that is no record, judged by its first cell."""
    if pleines == 1 and _NOTE.match(premier):
        return "total" if normalise(premier) in _TOTAL else "note"
    return "total" if premier[:1] in "TtSs" and len(premier) < 20 and normalise(premier) in _TOTAL else None


def _blocs(
    groupe: Groupe, feuille: Feuille, appariement: Appariement, numeros: list[int], colonnes: list[list[Any]]
) -> list[Bloc]:
    """Records of each entity (and repetition) of the sheet. Entities beside another one leave out their blank records."""
    blocs = []
    for plan in appariement.plans:
        attendue = groupe.feuilles[plan.rang]
        rangs, valeurs = numeros, [colonnes[p] for p in plan.positions]
        if plan.numero or (plan.rang and attendue.lien == "ligne"):
            gardes = [r for r, v in enumerate(zip(*valeurs, strict=True)) if v.count(None) < len(v)]
            if len(gardes) < len(numeros):
                rangs = [numeros[r] for r in gardes]
                valeurs = [[v[r] for r in gardes] for v in valeurs]
        if rangs:
            blocs.append(Bloc(attendue.entite, feuille.nom, plan.colonnes, rangs, valeurs, plan.numero, attendue.lien))
    return blocs


def _net(compte: Counter[str]) -> dict[str, int]:
    return {raison: compte[raison] for raison in sorted(compte) if compte[raison]}
