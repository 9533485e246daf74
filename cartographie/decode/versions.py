"""Versions of one answer: a correction workbook that came back takes the place of what it corrects, cell by cell."""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cartographie.base.text import text_of
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Bloc, Colonne, Compte, Constat, Depot, Extraction

# ---- The return reference of a correction workbook: which received answer it corrects, and the proof that we wrote it.
#
# `<depot>-<ligne>-<jeton>`: the 12 hex id of the received file, the row of the respondent's record in it (0: the whole file,
# refused), and 16 hex of a keyed digest, so that nobody can claim to correct someone else's answer.

_REFERENCE = re.compile(r"([0-9a-f]{12})-([0-9]{1,7})-([0-9a-f]{16})")


def reference_token(cle: bytes, campagne: str, depot: str, feuille: str, ligne: int) -> str:
    """16 hex of HMAC-SHA256; `feuille` is "" for a refused file."""
    return hmac.digest(cle or b"-", f"{campagne}|{depot}|{feuille}|{ligne}".encode(), "sha256").hex()[:16]


def write_reference(cle: bytes, campagne: str, depot: str, feuille: str, ligne: int) -> str:
    """The reference to write in the workbook sent back."""
    return f"{depot}-{ligne}-{reference_token(cle, campagne, depot, feuille, ligne)}"


def read_reference(texte: str) -> tuple[str, int, str] | None:
    """(depot, ligne, jeton) of a reference as read; None when it is none."""
    trouve = _REFERENCE.fullmatch(texte.strip().lower())
    return (trouve[1], int(trouve[2]), trouve[3]) if trouve else None


# ---- Versions of one answer: a correction workbook that came back takes the place of what it corrects, cell by cell.
#
# Every file stays in raw/. The latest returned version is read; what it leaves blank is taken from the version before
# (`retours: {vides: conserver}`) or stands erased (`effacer`); personal answers, which are not sent back, are always taken. The
# workbook sent back held every row: one that is gone was withdrawn (`lignes: retirer`) unless it is to stay (`conserver`). Each
# cell keeps the address it came from. A row whose answers now come from elsewhere is skipped with the reason "remplacee", so
# that the account of its file still closes.

REMPLACEE = "remplacee"
VIDES = ("conserver", "effacer")
LIGNES = ("retirer", "conserver")
Adresse = tuple[str, int]  # (file, row of the root record in it; 0: the whole file)
Lieu = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class _Regle:
    """`effacer`: a blank erases, but for the answers to `personnelles`. `retirer`: a row that is gone was withdrawn."""

    effacer: bool
    retirer: bool
    personnelles: frozenset[str]


@dataclass(slots=True)
class _Fichier:
    """One file whose records are being replaced or completed."""

    extraction: Extraction
    blocs: list[Bloc]
    cellules: Counter[str] = field(default_factory=Counter)  # sheet → received cells no longer used
    constats: list[Constat] = field(default_factory=list)
    remplace_par: str | None = None
    porteurs: set[str] = field(default_factory=set)  # earlier files some of whose rows now belong to its answer


_Fichiers = Mapping[str, _Fichier]


def resolve_versions(
    extractions: Sequence[Extraction], depots: Sequence[Depot], q: Questionnaire, campagne: str, cle: bytes
) -> list[Extraction]:
    """The same files, in the same order, their records as they now stand. Findings say what was replaced by what."""
    if not any(x.retour and not x.refuse for x in extractions):
        return list(extractions)
    fichiers = {x.depot: _Fichier(x, list(x.blocs)) for x in extractions}
    noms = {d.depot: d for d in depots}
    retours = q.campagnes[campagne].parametres.get("retours", {})
    regle = _Regle(
        retours.get("vides", VIDES[0]) == VIDES[1],
        retours.get("lignes", LIGNES[0]) == LIGNES[0],
        frozenset(v.nom for v in q.variables.values() if v.personnel),
    )
    courante: dict[Adresse, Adresse] = {}  # any version → the one that stands
    for x in extractions:  # in the order received
        if not x.retour or x.refuse:
            continue
        cible = _target(x, fichiers, q, campagne, cle)
        if cible is None:
            fichiers[x.depot].constats.append(Constat("retour_inconnu", depot=x.depot))
            continue
        while cible in courante:
            cible = courante[cible]
        sienne = _root_address(fichiers[x.depot], q.racine)
        if sienne is None or cible == sienne:
            continue
        courante[cible] = sienne
        details = {"fichier": noms[x.depot].nom, "recu_le": noms[x.depot].recu_le}
        _supersede(fichiers, cible, sienne, q, regle, details)
    return [_finished(fichiers[x.depot]) for x in extractions]


def _target(x: Extraction, fichiers: _Fichiers, q: Questionnaire, campagne: str, cle: bytes) -> Adresse | None:
    """The record a returned workbook says it corrects, when the reference is one of ours."""
    lue = read_reference(x.retour or "")
    if lue is None or lue[0] not in fichiers or lue[0] == x.depot:
        return None
    depot, ligne, jeton = lue
    origine = fichiers[depot].extraction
    feuilles = {b.feuille for b in origine.blocs if b.entite == q.racine and ligne in b.lignes}
    if ligne == 0:
        feuilles = {""} if origine.refuse else set()
    jetons = (reference_token(cle, campagne, depot, f, ligne) for f in feuilles)
    return (depot, ligne) if any(hmac.compare_digest(j, jeton) for j in jetons) else None


def _root_address(f: _Fichier, racine: str) -> Adresse | None:
    lignes = [ligne for b in f.blocs if b.entite == racine for ligne in b.lignes]
    return (f.extraction.depot, lignes[0]) if len(lignes) == 1 else None


def _supersede(
    fichiers: _Fichiers, ancienne: Adresse, nouvelle: Adresse, q: Questionnaire, regle: _Regle, dit: Mapping[str, Any]
) -> None:
    """The record at `nouvelle` takes the place of the one at `ancienne`, with the rows that depend on it."""
    avant, apres = fichiers[ancienne[0]], fichiers[nouvelle[0]]
    if ancienne[1] == 0:  # the file had been refused: nothing of it was read
        avant.remplace_par = nouvelle[0]
        avant.constats = [Constat("reponse_remplacee", depot=ancienne[0], details=dit)]
        return
    if len([li for b in avant.blocs if b.entite == q.racine for li in b.lignes]) == 1:
        avant.remplace_par = nouvelle[0]
    sources = [avant, *(fichiers[d] for d in sorted(avant.porteurs))]
    for entite in (q.racine, *q.enfants(q.racine)):
        recus = _rows(apres, entite, nouvelle, q.racine, True)
        for source in sources:
            for b, r in _rows(source, entite, ancienne, q.racine, source is avant):
                bloc = source.blocs[b]
                pareil = _same(bloc, r, apres, recus, q.entites[entite].cle) if entite != q.racine else recus[0]
                if pareil is not None:
                    _complete(apres, pareil, source.extraction.depot, bloc, r, regle)
                elif not regle.effacer and not regle.retirer and _keyed(bloc, r, q.entites[entite].cle):
                    source.blocs.append(replace(_only(bloc, [r]), lien=f"depot:{nouvelle[0]}"))
                    apres.porteurs.add(source.extraction.depot)
                    source.cellules[bloc.feuille] -= _filled(bloc, r)
                source.cellules[bloc.feuille] += _filled(bloc, r)
                source.blocs[b] = _only(source.blocs[b], [k for k in range(len(source.blocs[b].lignes)) if k != r])
            source.blocs = [b for b in source.blocs if b.lignes]
    racines = next((b.feuille for b in apres.blocs if b.entite == q.racine), None)
    origine = next((b.feuille for b in avant.extraction.blocs if b.entite == q.racine), racines)
    avant.constats.append(
        Constat("reponse_remplacee", q.racine, details=dit, depot=ancienne[0], feuille=origine, ligne=ancienne[1])
    )


# ---- rows


def _rows(f: _Fichier, entite: str, racine: Adresse, nom_racine: str, chez_soi: bool) -> list[tuple[int, int]]:
    """(block, row) of the records of `entite` that belong to the root record at that address, last first in a block.

    `chez_soi`: the file is the root record's own.
    """
    depot, ligne = racine
    trouvees = []
    for b, bloc in enumerate(f.blocs):
        if bloc.entite != entite:
            continue
        for r in reversed(range(len(bloc.lignes))):
            if entite == nom_racine or bloc.lien == "ligne":
                sienne = chez_soi and bloc.lignes[r] == ligne
            elif bloc.lien == "depot":
                sienne = chez_soi
            elif isinstance(bloc.lien, str):
                sienne = bloc.lien == f"depot:{depot}"
            else:
                sienne = chez_soi and _points_to(f, bloc, r, racine, nom_racine)
            if sienne:
                trouvees.append((b, r))
    return trouvees


def _points_to(f: _Fichier, bloc: Bloc, r: int, racine: Adresse, nom_racine: str) -> bool:
    """The row repeats the linking variables of the root record."""
    for b in f.extraction.blocs:
        if b.entite == nom_racine and racine[1] in b.lignes:
            k = b.lignes.index(racine[1])
            return all(_value(bloc, r, v) is not None and _value(bloc, r, v) == _value(b, k, v) for v in bloc.lien)
    return False


def _value(bloc: Bloc, r: int, variable: str) -> str | None:
    """A key as text, so that 2 and « 2 » are one key."""
    for colonne, valeurs in zip(bloc.colonnes, bloc.valeurs, strict=True):
        if colonne.variable == variable and valeurs[r] is not None:
            return text_of(valeurs[r]) or None
    return None


def _keyed(bloc: Bloc, r: int, cle: Sequence[str]) -> bool:
    return bool(cle) and all(_value(bloc, r, v) is not None for v in cle)


def _same(
    bloc: Bloc, r: int, apres: _Fichier, recus: Sequence[tuple[int, int]], cle: Sequence[str]
) -> tuple[int, int] | None:
    """The row of the returned workbook with the same key."""
    if not _keyed(bloc, r, cle):
        return None
    voulue = [_value(bloc, r, v) for v in cle]
    return next((br for br in recus if [_value(apres.blocs[br[0]], br[1], v) for v in cle] == voulue), None)


def _only(bloc: Bloc, gardees: Sequence[int]) -> Bloc:
    """The block, with these of its rows."""
    rangs = {r: i for i, r in enumerate(gardees)}
    return replace(
        bloc,
        lignes=[bloc.lignes[r] for r in gardees],
        valeurs=[[v[r] for r in gardees] for v in bloc.valeurs],
        reprises={(rangs[r], v): lieu for (r, v), lieu in bloc.reprises.items() if r in rangs},
    )


def _filled(bloc: Bloc, r: int) -> int:
    """Received cells of the row; one taken from an earlier version was received elsewhere."""
    return sum(
        v[r] is not None and (r, c.variable) not in bloc.reprises
        for c, v in zip(bloc.colonnes, bloc.valeurs, strict=True)
    )


# ---- cells


def _complete(apres: _Fichier, place: tuple[int, int], depot: str, ancien: Bloc, r: int, regle: _Regle) -> None:
    """Give the returned row the answers of the earlier one that it does not hold (or, blanks erasing, that it could not hold)."""
    b, k = place
    bloc = apres.blocs[b]
    colonnes, valeurs = list(bloc.colonnes), [list(v) for v in bloc.valeurs]
    reprises = dict(bloc.reprises)
    for variable in dict.fromkeys(c.variable for c in ancien.colonnes):
        siennes = [(c, v[r]) for c, v in zip(ancien.colonnes, ancien.valeurs, strict=True) if c.variable == variable]
        portees = [i for i, c in enumerate(colonnes) if c.variable == variable and (k, variable) not in reprises]
        if all(v is None for _, v in siennes) or any(valeurs[i][k] is not None for i in portees):
            continue
        if portees and regle.effacer and variable not in regle.personnelles:
            continue
        premiere = next(c for c, v in siennes if v is not None)
        lieu: Lieu = (depot, ancien.feuille, premiere.ligne or ancien.lignes[r], premiere.colonne)
        reprises[k, variable] = ancien.reprises.get((r, variable), lieu)
        for colonne, valeur in siennes:
            _put(colonnes, valeurs, len(bloc.lignes), k, colonne, valeur)
    apres.blocs[b] = replace(bloc, colonnes=tuple(colonnes), valeurs=valeurs, reprises=reprises)


def _put(
    colonnes: list[Colonne], valeurs: list[list[Any]], lignes: int, k: int, colonne: Colonne, valeur: object
) -> None:
    """Write a value in the column of the same variable and modality, added when the sheet has none."""
    for i, c in enumerate(colonnes):
        if (c.variable, c.modalite) == (colonne.variable, colonne.modalite):
            valeurs[i][k] = valeur
            return
    colonnes.append(colonne)
    valeurs.append([valeur if r == k else None for r in range(lignes)])


# ---- accounts


def _finished(f: _Fichier) -> Extraction:
    x = f.extraction
    if f.remplace_par is None and not f.constats and f.blocs == list(x.blocs):
        return x
    restants = [] if x.refuse and f.remplace_par else [c for c in x.constats if not _moot(c, f, x)]
    comptes = tuple(_account(c, f, x) for c in x.comptes)
    constats = tuple(replace(c, depot=x.depot) for c in (*restants, *f.constats))
    return replace(x, blocs=tuple(f.blocs), comptes=comptes, constats=constats, remplace_par=f.remplace_par)


def _moot(c: Constat, f: _Fichier, x: Extraction) -> bool:
    """A finding on a cell of a row that no longer counts."""
    avant = {(b.feuille, ligne) for b in x.blocs for ligne in b.lignes}
    apres = {(b.feuille, ligne) for b in f.blocs for ligne in b.lignes}
    fiches = {b.feuille for b in x.blocs if any(col.ligne for col in b.colonnes)}
    if c.variable and c.feuille in fiches:
        return not any(b.feuille == c.feuille for b in f.blocs)
    return bool(c.variable) and (c.feuille, c.ligne) in avant - apres


def _account(compte: Compte, f: _Fichier, x: Extraction) -> Compte:
    """The sheet's read-side account, what was replaced moved from data to skipped."""
    cellules = f.cellules[compte.feuille]
    avant = {ligne for b in x.blocs if b.feuille == compte.feuille for ligne in b.lignes}
    apres = {ligne for b in f.blocs if b.feuille == compte.feuille for ligne in b.lignes}
    fiche = any(c.ligne for b in x.blocs if b.feuille == compte.feuille for c in b.colonnes)
    lignes = (compte.lignes_donnees if not apres else 0) if fiche and avant else len(avant - apres)
    if not lignes and not cellules:
        return compte
    return replace(
        compte,
        lignes_donnees=compte.lignes_donnees - lignes,
        cellules_donnees=compte.cellules_donnees - cellules,
        lignes_ecartees={**compte.lignes_ecartees, **({REMPLACEE: lignes} if lignes else {})},
        cellules_ecartees={**compte.cellules_ecartees, **({REMPLACEE: cellules} if cellules else {})},
    )
