"""A file against a model of the campaign: which headers and sheets were renamed, added, dropped, moved. Nothing is decided."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz

from cartographie.intake.flatten import RECHERCHE, Entete
from cartographie.intake.gate import cell_name
from cartographie.intake.headers import find_sheet, locate
from cartographie.intake.matching import Attendu, Groupe, answer_column, groups, header_text, match, normalise
from cartographie.intake.sheets import annexes
from cartographie.model import Classeur, Feuille, Modele
from cartographie.text import personal_data

SEUIL = 65  # likeness of two texts from which one may be the other, renamed
_SUR = 75  # the same, where most headers are missing: what stands there may be answers
LONGUEUR = 300  # characters; a longer text is no header
_ICI = 50  # the same, between the same two headers as the one expected
_FEUILLE = 0.25  # agreement of headers from which a sheet may be one that is missing


class Genre(StrEnum):
    FEUILLE_RENOMMEE = "feuille renommée"
    FEUILLE_ABSENTE = "feuille absente"
    FEUILLE_AJOUTEE = "feuille ajoutée"
    RENOMMEE = "renommée"
    ABSENTE = "absente"
    AJOUTEE = "ajoutée"
    REPETEE = "répétée"
    DEPLACEE = "déplacée"


@dataclass(frozen=True, slots=True)
class Ecart:
    """One difference. `rangs`: the model's sheets concerned; `numero`: repetition of a block, 0 for none; `score`: 0 to 100.

    `meme_place`: between the same two headers as the one expected. `facultatif`: what is missing may be.
    """

    genre: Genre
    rangs: tuple[int, ...]
    feuille: str
    cellule: str = ""
    variable: str = ""
    modalite: str | None = None
    numero: int = 0
    attendu: str = ""
    trouve: str = ""
    score: int | None = None
    meme_place: bool = False
    facultatif: bool = False


def compare(classeur: Classeur, modele: Modele) -> list[Ecart]:
    """Every difference, sheet by sheet in the order of the model. A text that looks like personal data is never quoted."""
    ecarts: list[Ecart] = []
    lues: set[int] = set()
    nommees = [(g, find_sheet(classeur, g)) for g in groups(modele)]
    prises = {id(f) for _, f in nommees if f is not None}
    connues = annexes(modele)
    for groupe, feuille in nommees:
        rangs = tuple(modele.feuilles.index(f) for f in groupe.feuilles)
        if feuille is None:
            libres = [
                f
                for f in classeur.feuilles
                if f.lignes and id(f) not in prises | lues and normalise(f.nom) not in connues
            ]
            note, feuille = max(
                ((_header(groupe, f).appariement.note, f) for f in libres), key=lambda x: x[0], default=(0.0, None)
            )
            if feuille is None or note < _FEUILLE:
                ecarts.append(Ecart(Genre.FEUILLE_ABSENTE, rangs, groupe.noms[0], facultatif=groupe.facultatif))
                continue
            ecarts.append(
                Ecart(
                    Genre.FEUILLE_RENOMMEE,
                    rangs,
                    feuille.nom,
                    attendu=groupe.noms[0],
                    trouve=_quotable(feuille.nom),
                    score=round(100 * note),
                )
            )
        lues.add(id(feuille))
        if feuille.lignes:
            ecarts += _in_sheet(groupe, rangs, feuille)
    ecarts += [
        Ecart(Genre.FEUILLE_AJOUTEE, (), f.nom, trouve=_quotable(f.nom))
        for f in classeur.feuilles
        if f.lignes and id(f) not in lues and normalise(f.nom) not in connues
    ]
    return ecarts


def _header(groupe: Groupe, feuille: Feuille) -> Entete:
    """The header as reading finds it; where nothing fits, the row of the first ones that looks most like one."""
    trouve = locate(groupe, feuille)
    if groupe.fiche or trouve.appariement.note >= 0.5:
        return trouve
    meilleur, rang = len(trouve.appariement.prises), None
    for i, ligne in enumerate(feuille.lignes[:RECHERCHE]):
        textes = {v for v in ligne if v.__class__ is str}
        nombre = sum(any(likeness(a, t) >= _SUR for t in textes) for a in groupe.attendus) if len(textes) > 1 else 0
        if nombre > meilleur:
            meilleur, rang = nombre, i
    if rang is None:
        return trouve
    textes_lus = tuple(map(header_text, feuille.lignes[rang]))
    return Entete(rang + 1, match(groupe, textes_lus), textes_lus)


def _in_sheet(groupe: Groupe, rangs: tuple[int, ...], feuille: Feuille) -> Iterator[Ecart]:
    entete = _header(groupe, feuille)
    lu = entete.appariement
    question = groupe.feuilles[0].colonne_question or 1

    def ecart(genre: Genre, attendu: Attendu | None, position: int | None, **autres: object) -> Ecart:
        cellule = ""
        if position is not None:
            cellule = (
                cell_name(position + 1, question)
                if groupe.fiche
                else cell_name(entete.place(feuille, position), position + 1)
            )
        trouve = "" if position is None else _quotable(entete.textes[position] or "")
        decrit: dict[str, object] = {}
        if attendu is not None:
            decrit = {
                "variable": attendu.colonne.variable,
                "modalite": attendu.colonne.modalite,
                "numero": attendu.numero,
                "attendu": attendu.textes[0][0] if attendu.textes else "",
            }
        ou = rangs if attendu is None else (rangs[attendu.rang],)
        return Ecart(genre, ou, feuille.nom, cellule, trouve=trouve, **decrit, **autres)  # type: ignore[arg-type]

    restes = [p for p, _ in lu.restes]
    obligatoires = {a for a, _ in lu.absents}
    manquants = _missing(groupe, entete)
    fragile = len(lu.prises) < len(obligatoires)
    paires = pair(groupe, entete, manquants, restes, _SUR if fragile else SEUIL)
    fragile = len(lu.prises) + len(paires) < len(obligatoires - set(paires))
    if fragile:  # these are not the headers: what stands there may be answers, never quoted
        paires = {}
    for attendu, (position, score, place) in paires.items():
        yield ecart(Genre.RENOMMEE, attendu, position, score=score, meme_place=place)
    for attendu in manquants:
        if attendu not in paires and attendu in obligatoires:
            yield ecart(Genre.ABSENTE, attendu, None)
    for attendu, positions in lu.doubles:
        yield ecart(Genre.REPETEE, attendu, positions[0])
    pris = {p for p, _, _ in paires.values()}
    if not fragile:
        for position in restes:
            if position not in pris and (not groupe.fiche or _answered(groupe, feuille, position)):
                yield ecart(Genre.AJOUTEE, None, position)
    for attendu in _moved(lu.prises):
        yield ecart(Genre.DEPLACEE, attendu, dict(lu.prises)[attendu])


def _missing(groupe: Groupe, entete: Entete) -> list[Attendu]:
    """Expected headers not found: optional ones too, but not of an entity or a repetition that is wholly absent."""
    lu = entete.appariement
    vus = {a for a, _ in lu.prises} | {a for a, _ in lu.doubles}
    presents = {(a.rang, a.numero) for a in vus}
    obligatoires = {a for a, _ in lu.absents}
    return [a for a in groupe.attendus if a not in vus and (a in obligatoires or (a.rang, a.numero) in presents)]


def pair(
    groupe: Groupe, entete: Entete, manquants: Sequence[Attendu], restes: Sequence[int], seuil: int = SEUIL
) -> dict[Attendu, tuple[int, int, bool]]:
    """Expected header → (position, score, same place) of the text it may have become; best pairs first, each text once."""
    lu = entete.appariement
    rang = {a: i for i, a in enumerate(groupe.attendus)}
    trouves = sorted((rang[a], p) for a, p in lu.prises)
    occupees = sorted(p for _, p in trouves)
    a_la_place = {p: a for a, p in lu.prises}

    def neighbours(position: int) -> tuple[Attendu | None, Attendu | None]:
        i = bisect_left(occupees, position)
        avant = a_la_place[occupees[i - 1]] if i else None
        apres = a_la_place[occupees[i]] if i < len(occupees) else None
        return avant, apres

    def declared_neighbours(attendu: Attendu) -> tuple[Attendu | None, Attendu | None]:
        i = bisect_left(trouves, (rang[attendu], 0))
        avant = groupe.attendus[trouves[i - 1][0]] if i else None
        apres = groupe.attendus[trouves[i][0]] if i < len(trouves) else None
        return avant, apres

    voisins = {p: neighbours(p) for p in restes}
    seuls_places: dict[tuple[Attendu | None, Attendu | None], int] = {}
    for v in voisins.values():
        seuls_places[v] = seuls_places.get(v, 0) + 1
    candidats = []
    for attendu in manquants:
        prevus = declared_neighbours(attendu)
        freres = sum(declared_neighbours(a) == prevus for a in manquants)
        for position in restes:
            score = likeness(attendu, entete.textes[position] or "")
            place = voisins[position] == prevus and bool(lu.prises)
            seule = place and freres == 1 and seuls_places[prevus] == 1
            if score >= seuil or (seuil == SEUIL and (seule or (place and score >= _ICI))):
                candidats.append((-(score + 15 * place), rang[attendu], position, attendu, score, place))
    paires: dict[Attendu, tuple[int, int, bool]] = {}
    pris: set[int] = set()
    for _, _, position, attendu, score, place in sorted(candidats, key=lambda c: c[:3]):
        if attendu not in paires and position not in pris:
            paires[attendu] = (position, score, place)
            pris.add(position)
    return {a: paires[a] for a in manquants if a in paires}


def likeness(attendu: Attendu, texte: str) -> int:
    """0 to 100: how much a text looks like the closest of the accepted headers, accents, case and punctuation aside.

    Halfway between the words put in order, and the likest part of the longer text: a shortened header is still one.
    """
    if len(texte) > LONGUEUR:
        return 0
    plat = normalise(texte)
    notes = (fuzz.WRatio(n, plat) + fuzz.token_sort_ratio(n, plat) for _, n, _ in attendu.textes)
    return round(max(notes, default=0.0) / 2)


def _answered(groupe: Groupe, feuille: Feuille, position: int) -> bool:
    """A question of a fiche with something typed in front of it: a title has nothing."""
    ligne, reponse = feuille.lignes[position], answer_column(groupe) - 1
    couvert = any(l1 <= position + 1 <= l2 and c1 < reponse + 1 <= c2 for l1, c1, l2, c2 in feuille.fusions)
    return reponse < len(ligne) and ligne[reponse] is not None and not couvert


def _moved(prises: Sequence[tuple[Attendu, int]]) -> list[Attendu]:
    """The fewest headers whose place explains that the order is not the declared one."""
    fins: list[int] = []  # last position of the best increasing run of each length
    suites: dict[int, list[int]] = {}
    par_position: Mapping[int, Attendu] = {p: a for a, p in prises}
    for _, position in prises:
        i = bisect_left(fins, position)
        suites[position] = [*(suites[fins[i - 1]] if i else []), position]
        fins[i : i + 1] = [position]
    en_ordre = set(suites[fins[-1]]) if fins else set()
    return [par_position[p] for _, p in prises if p not in en_ordre]


def _quotable(texte: str) -> str:
    """One line of text, "" for what looks like personal data."""
    return "" if personal_data(texte) else " ".join(texte.split())
