"""Recognised sheets → records (Bloc), accounts (Compte) and findings. Every non-empty row and cell ends up counted once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from cartographie.intake.gate import cell_name
from cartographie.intake.headers import (
    Appariement,
    Attendu,
    Entete,
    Groupe,
    answer_column,
    find_sheet,
    groups,
    locate,
    normalise,
    sheet_missing,
)
from cartographie.survey.model import Modele
from cartographie.survey.received import Bloc, Classeur, Compte, Constat, Feuille

# -------------------------------------------------------------------------------------------
# What is said of a sheet once read: computed answers, hidden rows and columns, merged answers, blank rows skipped.

_BLANCHES = 1000  # blank rows from which their being skipped is said


class Zone(NamedTuple):
    """Where the data cells of a sheet are, 1-based rows and columns."""

    lignes: Sequence[int]
    colonnes: Sequence[int]
    fiche: bool


def sheet_remarks(feuille: Feuille, blanches: int, zone: Zone) -> list[Constat]:
    trouves = []
    if feuille.masquee:
        trouves.append(Constat("feuille_masquee_lue", feuille=feuille.nom))
    masquees = sorted(feuille.lignes_masquees.intersection(zone.lignes))
    if masquees:
        details = {"nombre": len(masquees), "premiere": masquees[0]}
        trouves.append(Constat("lignes_masquees_lues", details=details, feuille=feuille.nom, ligne=masquees[0]))
    colonnes = sorted(feuille.colonnes_masquees.intersection(zone.colonnes))
    if colonnes:
        details = {"nombre": len(colonnes), "premiere": colonnes[0]}
        trouves.append(Constat("colonnes_masquees_lues", details=details, feuille=feuille.nom, colonne=colonnes[0]))
    lignes, colonnes_lues = set(zone.lignes), set(zone.colonnes)
    calculees = sorted((li, co) for li, co in feuille.calculees if li in lignes and co in colonnes_lues)
    if calculees:
        (ligne, colonne), premiere = calculees[0], cell_name(*calculees[0])
        dit = {"nombre": str(len(calculees)), "premiere": premiere}
        trouves.append(Constat("formule_lue", details=dit, feuille=feuille.nom, ligne=ligne, colonne=colonne))
    if blanches > _BLANCHES:
        trouves.append(Constat("lignes_blanches_ignorees", details={"nombre": blanches}, feuille=feuille.nom))
    return trouves


def merged_answers(groupe: Groupe, feuille: Feuille, zone: Zone, appariement: Appariement) -> list[Constat]:
    """One finding per data cell under a merged range that spans several data cells, or hides one."""
    constats = []
    lignes = set(zone.lignes)
    attendus = {p + 1: (groupe.feuilles[a.rang].entite, a.colonne.variable) for a, p in appariement.prises}
    for l1, c1, l2, c2 in feuille.fusions:
        couvertes = [
            (ligne, colonne)
            for colonne in zone.colonnes
            if c1 <= colonne <= c2
            for ligne in (range(l1, l2 + 1) if l2 - l1 < len(lignes) else sorted(lignes))
            if l1 <= ligne <= l2 and ligne in lignes
        ]
        grille = feuille.lignes
        valeur = grille[l1 - 1][c1 - 1] if l1 <= len(grille) and c1 <= len(grille[l1 - 1]) else None
        if not couvertes or valeur is None or couvertes == [(l1, c1)]:
            continue
        plage = f"{cell_name(l1, c1)}:{cell_name(l2, c2)}"
        dire = partial(Constat, "cellules_fusionnees", details={"plage": plage}, feuille=feuille.nom)
        for ligne, colonne in couvertes:
            entite, variable = attendus[ligne if zone.fiche else colonne]
            constats.append(dire(entite=entite, variable=variable, ligne=ligne, colonne=colonne))
    return constats


# -------------------------------------------------------------------------------------------
# Which sheet of a file holds which expected one: by its name, else by its headers, never when two could be the one.

T = TypeVar("T")
SEUIL_CONTENU = 0.75  # agreement of its headers from which a sheet may stand for one that is missing
_ECART = 0.05  # two sheets closer than this are equally good


class Place(NamedTuple):
    """The sheet of a group (None: there is none), what to say of it, and whether that stops the file."""

    groupe: Groupe
    feuille: Feuille | None
    constats: tuple[Constat, ...] = ()
    refuse: bool = False


def annexes(modele: Modele) -> set[str]:
    """Normalised names of the sheets the model knows and does not read."""
    return {normalise(a) for a in ((modele.marque or {}).get("feuille", ""), *modele.annexes)}


def place_groups(classeur: Classeur, modele: Modele) -> list[Place]:
    """One Place per group of the model, in order."""
    nommees = [(g, find_sheet(classeur, g)) for g in groups(modele)]
    prises = {id(f) for _, f in nommees if f is not None}
    hors = annexes(modele)
    libres = [
        f for f in classeur.feuilles if f.lignes and id(f) not in prises and normalise(f.nom) not in hors
    ]  # fmt: skip
    orphelins = [g for g, f in nommees if f is None]
    notes = {
        (id(g), id(f)): note for g in orphelins for f in libres if (note := _note(g, f)) >= SEUIL_CONTENU
    }  # fmt: skip
    places = []
    for groupe, feuille in nommees:
        if feuille is not None:
            rivales = _twins(classeur, groupe, feuille)
            places.append(_ambiguous(groupe, rivales) if rivales else Place(groupe, feuille))
            continue
        candidates = _best([(notes.get((id(groupe), id(f)), 0.0), f) for f in libres])
        voulues = {
            id(g) for f in candidates[:1] for g in _best([(notes.get((id(g), id(f)), 0.0), g) for g in orphelins])
        }
        if len(candidates) == 1 and voulues == {id(groupe)}:
            places.append(Place(groupe, candidates[0], (_renamed(groupe, candidates[0]),)))
        elif candidates and id(groupe) in voulues:
            places.append(_ambiguous(groupe, candidates))
        elif groupe.facultatif:
            places.append(Place(groupe, None))
        else:
            places.append(Place(groupe, None, (sheet_missing(classeur, groupe),), True))
    return places


def _note(groupe: Groupe, feuille: Feuille) -> float:
    return locate(groupe, feuille).appariement.note


def _best(notes: list[tuple[float, T]]) -> list[T]:
    """The best ones, nearly equal ones included; none when nothing agrees."""
    meilleure = max((n for n, _ in notes), default=0.0)
    return [x for n, x in notes if n and n >= meilleure - _ECART]


def _twins(classeur: Classeur, groupe: Groupe, feuille: Feuille) -> list[Feuille]:
    """Where the model names no sheet: those that have the headers as well as the one taken. [] when it stands alone."""
    if groupe.noms or classeur.format == "csv":
        return []
    egales = [
        f for f in classeur.feuilles if f.lignes and _note(groupe, f) >= max(SEUIL_CONTENU, _note(groupe, feuille))
    ]
    return egales if len(egales) > 1 else []


def _renamed(groupe: Groupe, feuille: Feuille) -> Constat:
    details = {"attendu": groupe.noms[0], "trouve": feuille.nom}
    return Constat("feuille_reconnue", groupe.feuilles[0].entite, details=details, feuille=feuille.nom)


def _ambiguous(groupe: Groupe, feuilles: list[Feuille]) -> Place:
    premiere = groupe.feuilles[0]
    details = {
        "attendu": groupe.noms[0] if groupe.noms else premiere.entite,
        "trouve": ", ".join(f"« {f.nom} »" for f in feuilles),
    }
    constat = Constat("feuille_ambigue", premiere.entite, details=details, feuille=feuilles[0].nom)
    return Place(groupe, None, (constat,), True)


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
            constats.append(Constat("fichier_sans_reponse", groupe.feuilles[0].entite, feuille=feuille.nom))
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


def _entetes(groupe: Groupe, feuille: Feuille, entete: Entete) -> list[Constat]:
    """Missing, repeated and unknown headers."""
    constats: list[Constat] = []
    appariement = entete.appariement
    if not (appariement.absents or appariement.doubles or appariement.restes):
        return constats

    def signale(constat: str, position: int | None, cible: Attendu | None, **details: object) -> None:
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
    for position, proche in appariement.restes:
        if groupe.fiche and (position < debut or not answered(groupe, feuille, position)):
            continue
        signale("entete_inconnu", position, None, trouve=str(entete.textes[position]), proche=proche)
    return constats


def answered(groupe: Groupe, feuille: Feuille, position: int) -> bool:
    """A question of a fiche with something typed in front of it: under a merged title, the text is the title's."""
    ligne, reponse = feuille.lignes[position], answer_column(groupe) - 1
    couvert = any(l1 <= position + 1 <= l2 and c1 < reponse + 1 <= c2 for l1, c1, l2, c2 in feuille.fusions)
    return reponse < len(ligne) and ligne[reponse] is not None and not couvert


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
