"""Which kind of file a workbook is, which of its sheets holds what, and where its headers are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cartographie.intake.flatten import Entete, find_header
from cartographie.intake.gate import column_number
from cartographie.intake.matching import Groupe, closest, groups, header_text, match, normalise
from cartographie.model import Classeur, Constat, Feuille, Modele

_SEUIL = 0.25  # below this agreement the file is not of that kind
_CELLULE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


@dataclass(frozen=True, slots=True)
class Reconnaissance:
    """The model retained (None: refused, `constats` say why), the edition and version the file states, its return reference."""

    modele: Modele | None
    edition: str | None = None
    version: str | None = None
    constats: tuple[Constat, ...] = ()
    retour: str | None = None


def recognise(classeur: Classeur, modeles: Sequence[Modele], campagne: str, usage: str = "reponse") -> Reconnaissance:
    """The model of `campagne` the file follows, judged by its stated edition, then by its headers.

    `modeles`: those of every campaign, so that a file of another edition is named as such.
    """
    candidats = [m for m in modeles if m.usage == usage]
    siens = _notes(classeur, [m for m in candidats if m.campagne == campagne])
    note, modele = max(siens, key=lambda nm: nm[0], default=(0.0, None))
    autres = [] if note == 1 else _notes(classeur, [m for m in candidats if m.campagne != campagne])
    note_autre, autre = max(autres, key=lambda nm: nm[0], default=(0.0, None))
    for marque_de in (modele, autre):
        edition, version = stated(classeur, marque_de) if marque_de else (None, None)
        if edition is not None:
            break
    connues = {m.campagne for m in modeles} | {campagne}
    if edition is not None and edition != campagne and (edition in connues or re.fullmatch(r"\d{4}", edition)):
        lieu = place_of(marque_de, "edition") if marque_de else ()
        return _refus(edition, version, "edition_inattendue", lieu, trouve=edition, attendu=campagne)
    if autre is not None and edition is None and note_autre >= max(_SEUIL, note + 0.02):
        return _refus(None, version, "edition_inattendue", trouve=autre.campagne, attendu=campagne)
    if modele is None or note < _SEUIL:
        attendus = ", ".join(m.libelle or m.nom for m in candidats if m.campagne == campagne)
        proche = (modele.libelle or modele.nom) if modele is not None and note else ""
        return _refus(edition, version, "modele_non_reconnu", attendu=attendus, proche=proche, feuilles=_noms(classeur))
    if version is not None and modele.versions and version not in modele.versions:
        lieu, attendues = place_of(modele, "version"), ", ".join(modele.versions)
        return _refus(edition, version, "version_inconnue", lieu, trouve=version, attendu=attendues)
    return Reconnaissance(modele, edition, version, retour=written(classeur, modele, "retour"))


def _refus(
    edition: str | None, version: str | None, constat: str, lieu: tuple[str, int, int] | tuple[()] = (), **details: str
) -> Reconnaissance:
    feuille, ligne, colonne = lieu or (None, None, None)
    return Reconnaissance(
        None, edition, version, (Constat(constat, details=details, feuille=feuille, ligne=ligne, colonne=colonne),)
    )


def place_of(modele: Modele, cle: str) -> tuple[str, int, int] | tuple[()]:
    """(sheet, row, column), 1-based, of the cell where the model says its edition or version is written."""
    marque = modele.marque or {}
    place = _CELLULE.fullmatch(str(marque.get(cle, "")))
    return (marque["feuille"], int(place[2]), column_number(place[1].encode())) if place else ()


def _noms(classeur: Classeur) -> str:
    return ", ".join(f.nom for f in classeur.feuilles)


def _notes(classeur: Classeur, modeles: Sequence[Modele]) -> list[tuple[float, Modele]]:
    """(agreement, model) of each model, up to the first perfect agreement."""
    notes = []
    for modele in modeles:
        notes.append((agreement(classeur, modele), modele))
        if notes[-1][0] == 1:
            break
    return notes


def agreement(classeur: Classeur, modele: Modele) -> float:
    """Agreement of the file with a model, 0 to 1: mean over its groups of the agreement of their headers."""
    notes = []
    for groupe in groups(modele):
        feuille = find_sheet(classeur, groupe)
        candidates = classeur.feuilles if feuille is None else (feuille,)
        note = max((locate(groupe, f).appariement.note for f in candidates if f.lignes), default=0.0)
        if note or not groupe.facultatif:
            notes.append(note)
    return sum(notes) / len(notes) if notes else 0.0


def stated(classeur: Classeur, modele: Modele) -> tuple[str | None, str | None]:
    """(edition, version) written in the cells the model declares, None where not stated."""
    return written(classeur, modele, "edition"), written(classeur, modele, "version")


def written(classeur: Classeur, modele: Modele, cle: str) -> str | None:
    """The text of the cell where the model says `cle` (edition, version, retour) is written; None when blank or absent."""
    place = place_of(modele, cle)
    feuille = next((f for f in classeur.feuilles if place and normalise(f.nom) == normalise(place[0])), None)
    if not place or feuille is None or place[1] > len(feuille.lignes):
        return None
    ligne = feuille.lignes[place[1] - 1]
    valeur = header_text(ligne[place[2] - 1]) if place[2] <= len(ligne) else None
    return (valeur.strip() or None) if valeur else None


def find_sheet(classeur: Classeur, groupe: Groupe) -> Feuille | None:
    """By exact name, then normalised; a group without names takes the only sheet (the one that suits best if several)."""
    if not groupe.noms or classeur.format == "csv":
        remplies = [f for f in classeur.feuilles if f.lignes]
        if len(remplies) > 1:
            return max(remplies, key=lambda f: locate(groupe, f).appariement.note)
        return next(iter(remplies or classeur.feuilles), None)
    par_nom = {f.nom: f for f in reversed(classeur.feuilles)}
    for nom in groupe.noms:
        if nom in par_nom:
            return par_nom[nom]
    par_norme = {normalise(f.nom): f for f in reversed(classeur.feuilles)}
    return next((par_norme[normalise(n)] for n in groupe.noms if normalise(n) in par_norme), None)


def locate(groupe: Groupe, feuille: Feuille) -> Entete:
    """Where the headers are and what they match. For a fiche: the row above the first question, the question column."""
    premiere = groupe.feuilles[0]
    if not groupe.fiche:
        return find_header(groupe, feuille)
    entete = premiere.ligne_entete or 0
    colonne = (premiere.colonne_question or 1) - 1
    lignes = feuille.lignes
    large = bool(lignes) and colonne < len(lignes[0])
    questions = [r[colonne] for r in lignes] if large else []
    textes = (*[None] * min(entete, len(questions)), *map(header_text, questions[entete:]))
    return Entete(entete, match(groupe, textes), textes)


def sheet_missing(classeur: Classeur, groupe: Groupe) -> Constat:
    """The finding for an expected sheet that is not there, with the closest name."""
    noms = {normalise(f.nom): f.nom for f in classeur.feuilles}
    return Constat(
        "feuille_absente",
        entite=groupe.feuilles[0].entite,
        feuille=groupe.noms[0] if groupe.noms else None,
        details={
            "attendu": groupe.noms[0] if groupe.noms else "",
            "trouve": _noms(classeur),
            "proche": closest(groupe.noms[0], dict(noms)) if groupe.noms else None,
        },
    )
