"""Expected headers ↔ texts found: the pure part of header recognition, cached because respondents reuse one layout.

A "group" is the expected sheets (entities) that live on one sheet of the file. A text's position is its 0-based rank in
the header row, or, for a fiche, its 0-based row rank in the question column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rapidfuzz import fuzz, process

from cartographie import text
from cartographie.model import Colonne, ColonneAttendue, FeuilleAttendue, Modele

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


def header_text(valeur: Any) -> str | None:
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
    presents = {(a.rang, a.numero) for a in prises}
    return [
        a
        for a in absents
        if not a.colonne.facultative
        and (
            (a.rang, a.numero) in presents
            or not (groupe.feuilles[a.rang].facultative and len(groupe.feuilles) > 1 or a.numero > 1)
        )
    ]


def closest(texte: str, choix: Mapping[str, str | None]) -> str | None:
    """The original text whose normalised form (key) is nearest to `texte`, or None when nothing is near."""
    trouve = process.extractOne(normalise(texte), list(choix), scorer=fuzz.WRatio, score_cutoff=_SEUIL_PROCHE)
    return choix[trouve[0]] if trouve else None
