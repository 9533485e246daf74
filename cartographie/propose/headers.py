"""Received files against the models of a campaign: headers and sheets renamed, added, dropped, moved; one correction for all."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rapidfuzz import fuzz

from cartographie.base.errors import UserError
from cartographie.base.files import sha256_of
from cartographie.base.text import personal_data
from cartographie.intake.gate import cell_name
from cartographie.intake.headers import (
    RECHERCHE,
    Attendu,
    Entete,
    Groupe,
    agreement,
    find_sheet,
    groups,
    header_text,
    locate,
    match,
    normalise,
    recognise,
)
from cartographie.intake.read import Ouverture, open_depots, read_options, workers_for
from cartographie.intake.records import annexes, answered, extract
from cartographie.intake.store import list_files
from cartographie.propose.edits import Correctif, add_to, quoted_yaml, read_exact
from cartographie.survey.model import ColonneAttendue, EnteteAttendu, FeuilleAttendue, Modele, Questionnaire
from cartographie.survey.received import Classeur, Constat, Depot, Feuille
from cartographie.survey.rules import fill, judge
from cartographie.survey.written.source import Chemin, read_yaml

# -------------------------------------------------------------------------------------------
# A file against a model of the campaign: which headers and sheets were renamed, added, dropped, moved. Nothing is decided.

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
            nom, lu, score = groupe.noms[0], _quotable(feuille.nom), round(100 * note)
            ecarts.append(Ecart(Genre.FEUILLE_RENOMMEE, rangs, feuille.nom, attendu=nom, trouve=lu, score=score))
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
        decrit = {} if attendu is None else _described(attendu)
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
            if position not in pris and (not groupe.fiche or answered(groupe, feuille, position)):
                yield ecart(Genre.AJOUTEE, None, position)
    for attendu in _moved(lu.prises):
        yield ecart(Genre.DEPLACEE, attendu, dict(lu.prises)[attendu])


def _described(attendu: Attendu) -> dict[str, object]:
    """What an Ecart says of the header that was expected."""
    texte = attendu.textes[0][0] if attendu.textes else ""
    variable, modalite = attendu.colonne.variable, attendu.colonne.modalite
    return {"variable": variable, "modalite": modalite, "numero": attendu.numero, "attendu": texte}


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


# -------------------------------------------------------------------------------------------
# Accepted headers and sheet names added to a model: to the declaration's text, and to the model in memory.


class Renommage(NamedTuple):
    """One more header accepted for a column, or (no variable) one more name for a sheet, of the model's sheet `rang`."""

    rang: int
    variable: str
    modalite: str
    texte: str

    @property
    def norme(self) -> str:
        return normalise(self.texte)


def renamings(ecarts: Iterable[Ecart]) -> list[Renommage]:
    """What accepting the renamed ones of these differences would add."""
    trouves = []
    for e in ecarts:
        if not e.trouve or len(e.trouve) > LONGUEUR:
            continue
        if e.genre is Genre.FEUILLE_RENOMMEE:
            trouves += [Renommage(r, "", "", e.trouve) for r in e.rangs]
        elif e.genre is Genre.RENOMMEE and (texte := _pattern(e)):
            trouves.append(Renommage(e.rangs[0], e.variable, e.modalite or "", texte))
    return list(dict.fromkeys(trouves))


def _pattern(e: Ecart) -> str | None:
    """The text as declared: in a repeated block the repetition's number is {n}; None when the text does not hold it once."""
    if not e.numero:
        return e.trouve
    morceaux = _cut_number(e.trouve, str(e.numero))
    return "{n}".join(morceaux) if len(morceaux) == 2 else None


def _cut_number(texte: str, numero: str) -> list[str]:
    """The text cut where that number stands alone, not inside a longer one."""
    morceaux, depuis, i = [], 0, texte.find(numero)
    while i >= 0:
        fin = i + len(numero)
        if not texte[i - 1 : i].isdigit() and not texte[fin : fin + 1].isdigit():
            morceaux.append(texte[depuis:i])
            depuis = fin
        i = texte.find(numero, fin)
    return [*morceaux, texte[depuis:]]


def extend(modele: Modele, renommages: Iterable[Renommage]) -> Modele:
    """The model as it would be with these."""
    feuilles = list(modele.feuilles)
    for r in renommages:
        feuille = feuilles[r.rang]
        if not r.variable:
            feuilles[r.rang] = replace(feuille, noms=(*feuille.noms, r.texte))
            continue
        colonnes = tuple(
            replace(c, entetes=(*c.entetes, EnteteAttendu(r.texte, _after(c)))) if _is(c, r) else c
            for c in feuille.colonnes
        )
        feuilles[r.rang] = replace(feuille, colonnes=colonnes)
    return replace(modele, feuilles=tuple(feuilles))


def _is(colonne: ColonneAttendue, r: Renommage) -> bool:
    return (colonne.variable, colonne.modalite or "") == (r.variable, r.modalite)


def _after(colonne: ColonneAttendue) -> str | None:
    """The header it comes after, when every accepted one is told apart that way."""
    apres = {e.apres for e in colonne.entetes}
    return apres.pop() if len(apres) == 1 else None


def correct(
    projet: Path, campagne: str, modele: Modele, renommages: Sequence[Renommage], restes: Mapping[Ecart, Sequence[str]]
) -> Correctif:
    """The declaration with the renamings added, and the rest as comments where it belongs."""
    chemin = declaration_path(projet, campagne, modele)
    avant = read_exact(projet / chemin)
    ajouts: dict[Chemin, list[str]] = defaultdict(list)
    remarques: dict[Chemin, list[str]] = defaultdict(list)
    for r in sorted(renommages):
        feuille = modele.feuilles[r.rang]
        if not r.variable:
            ajouts["feuilles", r.rang, "noms"].append(quoted_yaml(r.texte))
            continue
        colonne = next(c for c in feuille.colonnes if _is(c, r))
        apres = _after(colonne)
        valeur = quoted_yaml(r.texte)
        if apres is not None:
            valeur = f"{{entete: {valeur}, apres: {quoted_yaml(apres)}}}"
        place: Chemin = ("feuilles", r.rang, "colonnes", r.variable)
        ajouts[(*place, r.modalite) if r.modalite else place].append(valeur)
    for e, fichiers in restes.items():
        for rang in e.rangs[:1]:
            place, texte = _remark(e, rang, modele.feuilles[rang], _files(fichiers))
            remarques[place].append(" ".join(texte.split()))
    return Correctif(chemin, avant, add_to(avant, ajouts, remarques))


def _remark(e: Ecart, rang: int, feuille: FeuilleAttendue, ou: str) -> tuple[Chemin, str]:
    if e.genre is Genre.FEUILLE_ABSENTE:
        suite = "elle est déjà facultative." if feuille.facultative else "« facultative: true » l'admettrait."
        return ("feuilles", rang, "entite"), f"feuille « {feuille.noms[0]} » absente de {ou} : {suite}"
    if e.genre is Genre.ABSENTE:
        place: Chemin = ("feuilles", rang, "colonnes", e.variable)
        if e.modalite:
            place = (*place, e.modalite)
        return place, f"intitulé absent de {ou} : ajoutez {e.variable} à « facultatives » s'il peut manquer."
    nom = f"« {e.trouve[:LONGUEUR]} »" if e.trouve else "(masqué)"
    dit = f"intitulé ajouté {nom} dans {ou} : à mettre dans « ignorees », ou à déclarer comme une question."
    return ("feuilles", rang, "colonnes"), dit


def _files(noms: Sequence[str]) -> str:
    distincts = ["".join(c for c in n if c.isprintable()) for n in sorted(set(noms))]
    return ", ".join(distincts[:3]) + (f" et {len(distincts) - 3} autres" if len(distincts) > 3 else "")


def declaration_path(projet: Path, campagne: str, modele: Modele) -> str:
    """Path of the model's declaration, relative to the workspace."""
    for fichier in sorted((projet / "schemas" / campagne).glob("*.yaml")):
        contenu = read_yaml(projet, f"{campagne}/{fichier.name}").contenu
        if isinstance(contenu, dict) and contenu.get("modele") == modele.nom:
            return f"schemas/{campagne}/{fichier.name}"
    raise AssertionError(f"{campagne}/{modele.nom} : sans déclaration")


# -------------------------------------------------------------------------------------------
# Received files, wherever they are, against the models of a campaign: differences file by file, one correction for all.

Progres = Callable[[str, int, int], None]
Cle = tuple[str, Renommage]


@dataclass(frozen=True, slots=True)
class Examine:
    """One file. `modele`: None when it could not be opened or follows none; `avis`: (code, message) of what stops it.

    `lu`: read as the declarations stand; `lu_corrige`: read once its proposals are accepted.
    """

    fichier: str
    format: str | None
    modele: Modele | None = None
    accord: float = 0.0
    ecarts: tuple[Ecart, ...] = ()
    avis: tuple[tuple[str, str], ...] = ()
    refuse: bool = False
    lu: bool = False
    lu_corrige: bool = False


@dataclass(frozen=True, slots=True)
class EntetesProposes:
    """`renommages`: (model, renaming) → files that show it; `correctifs`: the declarations as they would be."""

    fichiers: tuple[Examine, ...]
    renommages: dict[Cle, list[str]] = field(default_factory=dict)
    correctifs: tuple[Correctif, ...] = ()


def propose_headers(
    projet: Path, q: Questionnaire, campagne: str, sources: Sequence[Path], progres: Progres
) -> EntetesProposes:
    """Opens the files through the gate, in processes under limits, where they are: nothing is stored. Raises UserError U20."""
    chemins = list_files(sources)
    if not chemins:
        raise UserError("U20", "Aucun fichier à comparer : nommez un fichier reçu, ou un dossier qui en contient.")
    examines = []
    for chemin, ouverture in _open(q, campagne, chemins):
        examines.append(_examine(q, campagne, chemin, ouverture))
        progres(f"{campagne} : lecture des en-têtes", len(examines), len(chemins))
    renommages = _agreed(examines)
    return EntetesProposes(tuple(examines), renommages, tuple(_corrections(projet, campagne, q, examines, renommages)))


def _open(q: Questionnaire, campagne: str, chemins: Sequence[Path]) -> Iterable[tuple[Path, Ouverture]]:
    parametres = q.campagnes[campagne].parametres
    for dossier, groupe in groupby(chemins, key=lambda c: c.parent):
        ici = list(groupe)
        depots = (_depot(campagne, chemin) for chemin in ici)
        options = read_options(parametres, workers_for(len(ici), 0))
        options["formats_acceptes"] = None  # whatever the format: its headers are compared
        yield from zip(ici, open_depots(depots, dossier, **options), strict=True)


def _depot(campagne: str, chemin: Path) -> Depot:
    """A file as if received, left where it is."""
    sha256 = sha256_of(chemin)
    return Depot(sha256[:12], campagne, chemin.name, chemin.name, sha256, chemin.stat().st_size, "", "reponse")


def _examine(q: Questionnaire, campagne: str, chemin: Path, ouverture: Ouverture) -> Examine:
    dire = _wording(q, campagne)
    classeur = ouverture.classeur
    if classeur is None:
        return Examine(chemin.name, ouverture.format, avis=tuple(map(dire, ouverture.constats)), refuse=True)
    modeles = list(q.campagnes[campagne].modeles.values())
    notes = [(agreement(classeur, m), m.usage == "reponse", -i) for i, m in enumerate(modeles)]
    accord, _, rang = max(notes)
    if not accord:
        avis = dire(Constat("modele_non_reconnu", details={"feuilles": ""}))
        return Examine(chemin.name, classeur.format, avis=(avis,))
    modele = modeles[-rang]
    reconnu = recognise(classeur, [m for c in q.campagnes.values() for m in c.modeles.values()], campagne, modele.usage)
    entrave = tuple(dire(c) for c in reconnu.constats if c.constat != "modele_non_reconnu")
    ecarts = tuple(compare(classeur, modele))
    propres = renamings(ecarts)
    return Examine(
        chemin.name,
        classeur.format,
        modele,
        accord,
        ecarts,
        entrave,
        lu=not entrave and _reads(classeur, modele),
        lu_corrige=not entrave and bool(propres) and _reads(classeur, extend(modele, propres)),
    )


def _reads(classeur: Classeur, modele: Modele) -> bool:
    return not extract(classeur, modele)[3]


def _wording(q: Questionnaire, campagne: str) -> Callable[[Constat], tuple[str, str]]:
    regle_de = judge(q, campagne)

    def dire(constat: Constat) -> tuple[str, str]:
        regle = regle_de(constat)
        return regle.code, fill(regle.message, {**constat.details, "feuille": constat.feuille})

    return dire


def _agreed(examines: Sequence[Examine]) -> dict[Cle, list[str]]:
    """Every renaming met, with its files. A text that two questions of a sheet could claim goes to the likeliest."""
    vus: dict[Cle, list[str]] = defaultdict(list)
    scores: Counter[Cle] = Counter()
    for x in examines:
        for ecart in x.ecarts if x.modele else ():
            for r in renamings([ecart]):
                cle = (x.modele.nom, r)  # type: ignore[union-attr]
                vus[cle].append(x.fichier)
                scores[cle] = max(scores[cle], ecart.score or 0)
    modeles = {x.modele.nom: x.modele for x in examines if x.modele}
    retenus: dict[Cle, list[str]] = {}
    pris: dict[tuple[str, int, str], object] = {}
    for cle in sorted(vus, key=lambda c: (-scores[c], -len(vus[c]), c[0], c[1])):
        nom, r = cle
        place = (nom, r.rang if r.variable else -1, r.norme)
        maitre = (r.variable, r.modalite) if r.variable else modeles[nom].feuilles[r.rang].noms
        if pris.setdefault(place, maitre) == maitre:
            retenus[cle] = vus[cle]
    return retenus


def _corrections(
    projet: Path, campagne: str, q: Questionnaire, examines: Sequence[Examine], renommages: dict[Cle, list[str]]
) -> Iterable[Correctif]:
    for nom, modele in q.campagnes[campagne].modeles.items():
        propres = [r for n, r in renommages if n == nom]
        restes: dict[Ecart, list[str]] = defaultdict(list)
        for x in examines:
            for e in x.ecarts if x.modele is not None and x.modele.nom == nom else ():
                if e.genre in (Genre.ABSENTE, Genre.AJOUTEE, Genre.FEUILLE_ABSENTE):
                    restes[_same(e)].append(x.fichier)
        if propres or restes:
            yield correct(projet, campagne, modele, propres, restes)


def _same(e: Ecart) -> Ecart:
    """The difference without what changes from one file to the next."""
    return replace(e, cellule="", feuille="", numero=min(e.numero, 1), score=None)
