"""What is said of a sheet once read: computed answers, hidden rows and columns, merged answers, blank rows skipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cartographie.intake.gate import cell_name
from cartographie.intake.matching import Appariement, Groupe
from cartographie.model import Constat, Feuille

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
        for ligne, colonne in couvertes:
            entite, variable = attendus[ligne if zone.fiche else colonne]
            constats.append(
                Constat(
                    "cellules_fusionnees",
                    entite=entite,
                    variable=variable,
                    details={"plage": f"{cell_name(l1, c1)}:{cell_name(l2, c2)}"},
                    feuille=feuille.nom,
                    ligne=ligne,
                    colonne=colonne,
                )
            )
    return constats
