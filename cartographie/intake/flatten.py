"""Where a table's header is: one row, or several flattened to one text per column (« Imagerie › Nom de la solution »)."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import NamedTuple

from cartographie.intake.matching import Appariement, Groupe, header_text, match, normalise
from cartographie.model import Feuille

RECHERCHE = 30  # rows among which a header row is searched
NIVEAU = " › "  # between a group's label and the header under it
_HAUTEUR_MAX = 4


class Entete(NamedTuple):
    """Where the headers are, and what they match. `ligne`: 1-based, the last of the `hauteur` header rows; `textes`: one per column."""

    ligne: int
    appariement: Appariement
    textes: tuple[str | None, ...]
    hauteur: int = 1

    def place(self, feuille: Feuille, position: int) -> int:
        """Excel row of the header cell of a column: the lowest filled one."""
        for ligne in range(self.ligne, self.ligne - self.hauteur, -1):
            if feuille.lignes[ligne - 1][position] is not None:
                return ligne
        return self.ligne


def find_header(groupe: Groupe, feuille: Feuille) -> Entete:
    """The header of a table: where the model says if it fits there, else the row(s) of the first ones that fit best."""
    premiere = groupe.feuilles[0]
    fixe, hauteur = premiere.ligne_entete, premiere.hauteur_entete
    if fixe and fixe <= len(feuille.lignes):
        seul = _on_one_row(groupe, feuille, fixe)
        if seul.appariement.note >= 0.5 and (seul.appariement.note == 1 or not _may_be_taller(groupe, feuille, seul)):
            return seul
        if hauteur > 1:
            haut = _flattened(groupe, feuille, fixe, hauteur)
            if haut.appariement.note >= 0.5:
                return haut
    rang, meilleur = (fixe or 1) - 1, 0
    for i, ligne in enumerate(feuille.lignes[:RECHERCHE]):
        nombre = len(_known(ligne, groupe.normes))
        if nombre > meilleur:
            rang, meilleur = i, nombre
    seul = _on_one_row(groupe, feuille, rang + 1)
    if seul.appariement.note == 1 or not _may_be_taller(groupe, feuille, seul):
        return seul
    hauts = (_flattened(groupe, feuille, debut, h) for debut, h in _spans(groupe, feuille, rang + 1))
    return max((seul, *hauts), key=lambda e: e.appariement.note)  # the first of the best: the fewest rows


def _on_one_row(groupe: Groupe, feuille: Feuille, ligne: int) -> Entete:
    textes = tuple(map(header_text, feuille.lignes[ligne - 1])) if ligne <= len(feuille.lignes) else ()
    return Entete(ligne, match(groupe, textes), textes)


def _known(ligne: list[object], normes: Set[str]) -> set[str]:
    """The expected headers a row holds."""
    return {n for v in set(ligne) if v.__class__ is str and (n := normalise(v)) in normes}


def _in_levels(groupe: Groupe) -> bool:
    """The model itself says that headers stand under the label of a group."""
    return groupe.feuilles[0].hauteur_entete > 1 or any(
        NIVEAU.strip() in t for a in groupe.attendus for t, *_ in a.textes
    )


def _may_be_taller(groupe: Groupe, feuille: Feuille, seul: Entete) -> bool:
    """Rows next to the best one hold expected headers that it does not."""
    if _in_levels(groupe):
        return True
    debut = max(0, seul.ligne - _HAUTEUR_MAX)
    autour = feuille.lignes[debut : seul.ligne + _HAUTEUR_MAX - 1]
    ici = _known(feuille.lignes[seul.ligne - 1], groupe.normes) if seul.ligne <= len(feuille.lignes) else set()
    return bool(ici) and any(_known(ligne, groupe.normes) - ici for ligne in autour)


def _spans(groupe: Groupe, feuille: Feuille, rang: int) -> Iterator[tuple[int, int]]:
    """(first row, number of rows) worth trying, the lowest heights first."""
    partout = _in_levels(groupe)
    derniere = min(len(feuille.lignes), RECHERCHE)
    for hauteur in range(2, _HAUTEUR_MAX + 1):
        debuts = range(1, derniere + 1) if partout else range(max(1, rang - hauteur + 1), rang + 1)
        yield from ((d, hauteur) for d in debuts if d + hauteur - 1 <= len(feuille.lignes))


def _flattened(groupe: Groupe, feuille: Feuille, debut: int, hauteur: int) -> Entete:
    textes = flatten(feuille, debut, hauteur, groupe.normes, etendre=_in_levels(groupe))
    return Entete(debut + hauteur - 1, match(groupe, textes), textes, hauteur)


def flatten(
    feuille: Feuille, debut: int, hauteur: int, normes: Set[str], etendre: bool = False
) -> tuple[str | None, ...]:
    """One text per column of `hauteur` rows from row `debut`: the labels above it, then its own.

    A merged label stands over every column it covers; `etendre`: so does one followed by blanks, when nothing is merged.
    The shortest end of the path that the model expects is taken, whole if none is: « Imagerie › Nom », or « Nom » alone.
    """
    fin = debut + hauteur - 1
    grille = [[header_text(v) for v in ligne] for ligne in feuille.lignes[debut - 1 : fin]]
    for l1, c1, l2, c2 in feuille.fusions:
        if debut <= l1 <= fin and grille and c1 <= len(grille[0]):
            for ligne in grille[l1 - debut : min(l2, fin) - debut + 1]:
                ligne[c1 - 1 : c2] = [grille[l1 - debut][c1 - 1]] * (min(c2, len(ligne)) - c1 + 1)
    for ligne in grille[:-1] if etendre else ():
        for i in range(1, len(ligne)):
            ligne[i] = ligne[i] if ligne[i] is not None else ligne[i - 1]
    return tuple(_path([t for t in colonne if t is not None], normes) for colonne in zip(*grille, strict=True))


def _path(niveaux: list[str], normes: Set[str]) -> str | None:
    distincts = [t for i, t in enumerate(niveaux) if i == 0 or normalise(t) != normalise(niveaux[i - 1])]
    chemins = [NIVEAU.join(distincts[i:]) for i in range(len(distincts))]
    return next((c for c in chemins if normalise(c) in normes), chemins[0] if chemins else None)
