"""Which kind of file a workbook is, which of its sheets holds what, and where its headers are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz, process

from cartographie.base import text
from cartographie.intake.container import column_number
from cartographie.survey.model import ColonneAttendue, FeuilleAttendue, Modele
from cartographie.survey.received import Classeur, Colonne, Constat, Feuille

# -------------------------------------------------------------------------------------------
# Expected headers ↔ texts found: the pure part of header recognition, cached because respondents reuse one layout.
#
# A "group" is the expected sheets (entities) that live on one sheet of the file. A text's position is its 0-based rank in
# the header row, or, for a fiche, its 0-based row rank in the question column.

normalise = lru_cache(maxsize=65536)(text.normalise)
_SEUIL_PROCHE = 60


@dataclass(frozen=True, slots=True, eq=False)
class Attendu:
    """One header to find. `rang`: index of the FeuilleAttendue in its group; `numero`: repetition (0: none)."""

    rang: int
    numero: int
    colonne: ColonneAttendue
    textes: tuple[tuple[str, str, str | None], ...]  # (as declared, normalised, normalised "apres")


@dataclass(frozen=True, slots=True, eq=False)
class Groupe:
    """Expected sheets sharing one sheet of the file, prepared once per model."""

    feuilles: tuple[FeuilleAttendue, ...]
    noms: tuple[str, ...]
    attendus: tuple[Attendu, ...]
    ignorees: frozenset[str]
    normes: frozenset[str]
    caches: dict[tuple[str | None, ...], Appariement] = field(default_factory=dict)

    @property
    def fiche(self) -> bool:
        return self.feuilles[0].disposition == "fiche"

    @property
    def facultatif(self) -> bool:
        return all(f.facultative for f in self.feuilles)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is read for one entity (and repetition): the columns as described in a Bloc, and their positions."""

    rang: int
    numero: int
    colonnes: tuple[Colonne, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Appariement:
    """Result for one tuple of texts. `prises`: (expected, position); `restes`: positions of texts nobody expects."""

    prises: tuple[tuple[Attendu, int], ...]
    absents: tuple[tuple[Attendu, str | None], ...]  # with the closest text found
    doubles: tuple[tuple[Attendu, tuple[int, ...]], ...]
    ignores: frozenset[int]
    restes: tuple[tuple[int, str | None], ...]  # with the closest expected header
    note: float  # 0 to 1: agreement of the two lists
    plans: tuple[Plan, ...] = ()


_GROUPES: dict[int, tuple[Modele, tuple[Groupe, ...]]] = {}


def groups(modele: Modele) -> tuple[Groupe, ...]:
    """The model's groups, in order of declaration. Cached by identity: models live as long as the process."""
    connu = _GROUPES.get(id(modele))
    if connu is None or connu[0] is not modele:
        par_nom: dict[frozenset[str], list[FeuilleAttendue]] = defaultdict(list)
        for feuille in modele.feuilles:
            cle = frozenset(normalise(n) for n in feuille.noms)
            par_nom[next((c for c in par_nom if c & cle or c == cle), cle)].append(feuille)
        connu = _GROUPES[id(modele)] = (modele, tuple(_groupe(tuple(f)) for f in par_nom.values()))
    return connu[1]


def _groupe(feuilles: tuple[FeuilleAttendue, ...]) -> Groupe:
    attendus = []
    for rang, feuille in enumerate(feuilles):
        numeros = range(1, feuille.repetitions + 1) if feuille.disposition == "blocs" else (0,)
        for numero in numeros:
            for colonne in feuille.colonnes:
                textes = []
                for entete in colonne.entetes:
                    texte = entete.texte.replace("{n}", str(numero)) if numero else entete.texte
                    apres = entete.apres and normalise(entete.apres.replace("{n}", str(numero)))
                    textes.append((texte, normalise(texte), apres))
                attendus.append(Attendu(rang, numero, colonne, tuple(textes)))
    noms = tuple(dict.fromkeys(n for f in feuilles for n in f.noms))
    normes = frozenset(n for a in attendus for _, n, _ in a.textes)
    return Groupe(
        feuilles, noms, tuple(attendus), frozenset(normalise(i) for f in feuilles for i in f.ignorees), normes
    )


def header_text(valeur: object) -> str | None:
    """A header cell as text: a whole number reads without its decimal point, as in the cell."""
    if valeur is None or valeur.__class__ is str:
        return valeur
    return str(int(valeur)) if valeur.__class__ is float and valeur.is_integer() else str(valeur)


def match(groupe: Groupe, textes: tuple[str | None, ...]) -> Appariement:
    """Find each expected header among `textes`: exact, then normalised; `apres` disambiguates repeated texts."""
    trouve = groupe.caches.get(textes)
    if trouve is None:
        if len(groupe.caches) > 200:
            groupe.caches.clear()
        trouve = groupe.caches[textes] = _match(groupe, textes)
    return trouve


def _match(groupe: Groupe, textes: tuple[str | None, ...]) -> Appariement:
    exacts: dict[str, list[int]] = defaultdict(list)
    normes: dict[str, list[int]] = defaultdict(list)
    for position, texte in enumerate(textes):
        if texte is not None:
            exacts[texte].append(position)
            normes[normalise(texte)].append(position)
    prises: dict[Attendu, int] = {}
    for attendu in groupe.attendus:  # headers located by what precedes them
        for _, norme, apres in attendu.textes:
            if apres is not None and attendu not in prises:
                ancre = min(normes.get(apres, ()), default=None)
                suivants = [p for p in normes.get(norme, ()) if ancre is not None and p > ancre]
                if suivants:
                    prises[attendu] = suivants[0]
    reserves = set(prises.values())
    libres = [a for a in groupe.attendus if a not in prises]
    surs = {
        p
        for a in libres
        for t, _, apres in a.textes
        if apres is None and len(exacts.get(t, ())) == 1
        for p in exacts[t]
    }
    doubles: list[tuple[Attendu, tuple[int, ...]]] = []
    absents: list[Attendu] = []
    for attendu in libres:
        simples = [(t, n) for t, n, apres in attendu.textes if apres is None]
        propres = {p for t, _ in simples for p in exacts.get(t, ())}
        proches = {p for _, n in simples for p in normes.get(n, ())} - (surs - propres)
        candidats = sorted((propres | proches) - reserves)
        if len(candidats) == 1:
            prises[attendu] = candidats[0]
        elif candidats:
            doubles.append((attendu, tuple(candidats)))
        else:
            absents.append(attendu)
    absents = _exigibles(groupe, absents, prises)
    utilisees = set(prises.values()) | {p for _, ps in doubles for p in ps}
    ignores = {p for n in groupe.ignorees for p in normes.get(n, ())} - utilisees
    restes = [p for p, t in enumerate(textes) if t is not None and p not in utilisees and p not in ignores]
    libres_normes = {normalise(textes[p] or ""): textes[p] for p in restes}
    manquants = {n: t for a in absents for t, n, _ in a.textes} or {
        n: t for a in groupe.attendus for t, n, _ in a.textes
    }
    attendu_nombre, present = len(prises) + len(absents), len(utilisees) + len(restes)
    return Appariement(
        tuple((a, prises[a]) for a in groupe.attendus if a in prises),
        tuple((a, closest(a.textes[0][0], libres_normes) if a.textes else None) for a in absents),
        tuple(doubles),
        frozenset(ignores),
        tuple((p, closest(textes[p] or "", manquants)) for p in restes),
        2 * len(prises) / (attendu_nombre + present) if prises else 0.0,
        _plans(groupe, prises, textes),
    )


def _plans(groupe: Groupe, prises: dict[Attendu, int], textes: tuple[str | None, ...]) -> tuple[Plan, ...]:
    """One Plan per entity and repetition found, in order of declaration."""
    reponse = answer_column(groupe) if groupe.fiche else 0
    lots: dict[tuple[int, int], list[tuple[Colonne, int]]] = defaultdict(list)
    for a in groupe.attendus:
        if a in prises:
            p = prises[a]
            colonne, ligne = (reponse, p + 1) if groupe.fiche else (p + 1, None)
            description = Colonne(a.colonne.variable, colonne, a.colonne.modalite, ligne, textes[p] or "")
            lots[a.rang, a.numero].append((description, p))
    return tuple(Plan(r, n, tuple(c for c, _ in lot), tuple(p for _, p in lot)) for (r, n), lot in sorted(lots.items()))


def answer_column(groupe: Groupe) -> int:
    """1-based column of the answers of a fiche."""
    premiere = groupe.feuilles[0]
    return premiere.colonne_reponse or (premiere.colonne_question or 1) + 1


def _exigibles(groupe: Groupe, absents: list[Attendu], prises: dict[Attendu, int]) -> list[Attendu]:
    """Drop what may be missing: optional columns, optional entities and repetitions wholly absent."""
    presents, plusieurs = {(a.rang, a.numero) for a in prises}, len(groupe.feuilles) > 1

    def peut_manquer(a: Attendu) -> bool:
        return plusieurs and groupe.feuilles[a.rang].facultative or a.numero > 1

    exigees = (a for a in absents if not a.colonne.facultative)
    return [a for a in exigees if (a.rang, a.numero) in presents or not peut_manquer(a)]


def closest(texte: str, choix: Mapping[str, str | None]) -> str | None:
    """The original text whose normalised form (key) is nearest to `texte`, or None when nothing is near."""
    trouve = process.extractOne(normalise(texte), list(choix), scorer=fuzz.WRatio, score_cutoff=_SEUIL_PROCHE)
    return choix[trouve[0]] if trouve else None


# -------------------------------------------------------------------------------------------
# Where a table's header is: one row, or several flattened to one text per column (« Imagerie › Nom de la solution »).

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
    dit = Constat(constat, details=details, feuille=feuille, ligne=ligne, colonne=colonne)
    return Reconnaissance(None, edition, version, (dit,))


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
    noms, attendu = {normalise(f.nom): f.nom for f in classeur.feuilles}, next(iter(groupe.noms), None)
    proche = None if attendu is None else closest(attendu, dict(noms))
    details = {"attendu": attendu or "", "trouve": _noms(classeur), "proche": proche}
    return Constat("feuille_absente", groupe.feuilles[0].entite, details=details, feuille=attendu)
