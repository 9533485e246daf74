"""Which sheet of a file holds which expected one: by its name, else by its headers, never when two could be the one."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from cartographie.intake.headers import find_sheet, locate, sheet_missing
from cartographie.intake.matching import Groupe, groups, normalise
from cartographie.model import Classeur, Constat, Feuille, Modele

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
