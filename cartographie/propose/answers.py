"""Unknown spellings of coded answers: grouped, counted, each with the closest answer and the cells where it was met."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rapidfuzz import fuzz, process

from cartographie.base.text import MASQUE, clean, normalise, personal_data, text_of
from cartographie.intake.container import column_number
from cartographie.intake.read import open_depots, read_options, workers_for
from cartographie.propose.edits import Correctif, read_exact, set_cells
from cartographie.survey.model import Questionnaire, Variable
from cartographie.survey.received import Anomalie, Depot
from cartographie.survey.rules import VALUE_MAX, load_catalogue, une_ligne
from cartographie.survey.types import TYPES
from cartographie.survey.types.codes import cut_pieces, find_code
from cartographie.survey.types.values import Repertoire

if TYPE_CHECKING:
    from cartographie.campaign.examine import Controle


CONSTAT = "modalite_inconnue"
SEUIL = 80
_COLONNE = "variantes"
_LONGUEUR = 200  # a longer text is no spelling of an answer


class Lieu(NamedTuple):
    """One cell where a spelling was met."""

    fichier: str
    feuille: str
    cellule: str
    variable: str


@dataclass(frozen=True, slots=True)
class Ecriture:
    """One unknown spelling of one nomenclature. `texte`: as most often written; `formes`: every way it was written.

    `code`, `libelle`, `score`: the closest answer, 0 to 100. `propose`: its score is enough, and it can be declared.
    """

    nomenclature: str
    texte: str
    formes: tuple[str, ...]
    lieux: tuple[Lieu, ...]
    code: str | None
    libelle: str
    score: int
    propose: bool = False


@dataclass(frozen=True, slots=True)
class ReponsesProposees:
    """`masquees`: unknown answers not listed, for they are, or look like, someone's."""

    ecritures: tuple[Ecriture, ...]
    masquees: int = 0
    correctifs: tuple[Correctif, ...] = ()


def propose_answers(projet: Path, q: Questionnaire, c: Controle, seuil: int = SEUIL) -> ReponsesProposees:
    """The unknown spellings of one examined campaign, the most frequent first."""
    anomalies = [a for a in c.redaction.anomalies if a.regle in _codes(q, c.campagne) and _coded(q, a.variable)]
    complets = _in_full(projet, q, c.campagne, c.depots, [a for a in anomalies if _was_changed(q, a)])
    repertoires: dict[str, Repertoire] = {}
    groupes: dict[tuple[str, str], list[tuple[str, Lieu]]] = defaultdict(list)
    masquees = 0
    for a in anomalies:
        variable = q.variables[a.variable]
        nom = str(variable.nomenclature)
        repertoire = repertoires.setdefault(nom, Repertoire(q.nomenclatures[nom], c.campagne))
        valeur = complets.get((a.depot, a.feuille, a.cellule), a.valeur_recue)
        if variable.personnel or not valeur or valeur == MASQUE or personal_data(valeur) is not None:
            masquees += 1
            continue
        lieu = Lieu(a.fichier, a.feuille, a.cellule, a.variable)
        for texte in _unknown(valeur, variable, repertoire):
            groupes[nom, normalise(texte) or texte].append((texte, lieu))
    ecritures = [_spelling(repertoires[nom], nom, vus, seuil) for (nom, _), vus in groupes.items()]
    ecritures.sort(key=lambda e: (-len(e.lieux), e.nomenclature, e.texte))
    return ReponsesProposees(tuple(ecritures), masquees, tuple(_corrections(projet, q, ecritures)))


def _codes(q: Questionnaire, campagne: str) -> set[str]:
    """Codes under which an unknown answer is told: the program's, and those of the survey's own rules."""
    regles = {r.code for r in q.regles_de(campagne) if r.constat == CONSTAT}
    return regles | {load_catalogue()[CONSTAT]["code"]}


def _coded(q: Questionnaire, nom: str) -> bool:
    variable = q.variables.get(nom)
    return variable is not None and variable.nomenclature in q.nomenclatures


def _unknown(valeur: str, variable: Variable, repertoire: Repertoire) -> Iterator[str]:
    """The answers of a cell that no spelling names."""
    plusieurs = TYPES[variable.type].multiple
    for texte in cut_pieces(valeur, repertoire) if plusieurs else [clean(valeur)]:
        if find_code(texte, repertoire).constat == CONSTAT:
            yield texte


def _spelling(repertoire: Repertoire, nom: str, vus: Sequence[tuple[str, Lieu]], seuil: int) -> Ecriture:
    formes = Counter(" ".join(t.split()) for t, _ in vus)
    texte = min(formes, key=lambda t: (-formes[t], t))
    plat = normalise(texte)
    trouve = process.extractOne(plat, repertoire.formes, scorer=fuzz.token_sort_ratio) if plat else None
    code = repertoire.normalises[trouve[0]] if trouve and trouve[1] else None
    score = int(trouve[1]) if trouve and code else 0
    return Ecriture(
        nom,
        texte,
        tuple(sorted(formes)),
        tuple(sorted(dict.fromkeys(lieu for _, lieu in vus))),
        code,
        repertoire.valides[code].libelle if code else "",
        score,
        propose=code is not None and score >= seuil and len(plat) > 1 and "|" not in texte and len(texte) <= _LONGUEUR,
    )


def _corrections(projet: Path, q: Questionnaire, ecritures: Iterable[Ecriture]) -> Iterator[Correctif]:
    """Each nomenclature with the proposed spellings added to the answers they look like."""
    ajouts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for e in ecritures:
        if e.propose and e.code:
            ajouts[e.nomenclature][e.code].append(e.texte)
    for nom, par_code in sorted(ajouts.items()):
        chemin = f"schemas/nomenclatures/{nom}.csv"
        avant = read_exact(projet / chemin)
        modalites = q.nomenclatures[nom].modalites
        cellules = {code: "|".join([*modalites[code].variantes, *textes]) for code, textes in par_code.items()}
        yield Correctif(chemin, avant, set_cells(avant, _COLONNE, cellules))


# ------------------------------------------------------------------------------------------- long answers, in full


def _was_changed(q: Questionnaire, a: Anomalie) -> bool:
    """Its finding quotes the beginning only, or may have lost the line breaks between several answers."""
    several = TYPES[q.variables[a.variable].type].multiple
    return a.valeur_recue != MASQUE and (several or len(a.valeur_recue) >= VALUE_MAX)


def _in_full(
    projet: Path, q: Questionnaire, campagne: str, depots: Collection[Depot], anomalies: Sequence[Anomalie]
) -> Mapping[tuple[str, str, str], str]:
    """(file, sheet, cell) → the answer as received, for those a finding only quotes the beginning of: read again."""
    voulues: dict[str, set[tuple[str, str, int, int]]] = defaultdict(set)
    for a in anomalies:
        if a.ligne and a.colonne:
            voulues[a.depot].add((a.feuille, a.cellule, a.ligne, column_number(a.colonne.encode())))
    relus = [d for d in depots if d.depot in voulues]
    options = read_options(q.campagnes[campagne].parametres, workers_for(len(relus), 0))
    ouvertures = open_depots(relus, projet / "raw" / campagne, **options)
    trouves = {}
    for depot, ouverture in zip(relus, ouvertures, strict=True):
        feuilles = {une_ligne(f.nom, 255): f for f in (ouverture.classeur.feuilles if ouverture.classeur else ())}
        for nom, cellule, ligne, colonne in voulues[depot.depot]:
            lignes = feuilles[nom].lignes if nom in feuilles else []
            if ligne <= len(lignes) and colonne <= len(lignes[ligne - 1]):
                trouves[depot.depot, nom, cellule] = text_of(lignes[ligne - 1][colonne - 1])
    return trouves
