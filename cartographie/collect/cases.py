"""Who has something to correct, what each is asked, and the answers they gave, as they gave them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from cartographie.base.text import personal_data, text_of
from cartographie.campaign import situation
from cartographie.campaign.batch import Cadre, Fournee, examine_files
from cartographie.campaign.examine import Controle
from cartographie.collect.questionnaire import A_CORRIGER, A_VERIFIER, Case, Cle, gabarit
from cartographie.decode.lots import locator, parts_of, raw_columns, raw_key
from cartographie.decode.versions import write_reference
from cartographie.survey.model import FeuilleAttendue, Modele, Questionnaire, Variable
from cartographie.survey.received import Anomalie, Depot, FormuleNonCalculee
from cartographie.survey.rules import column_letters
from cartographie.survey.types import TYPES


def expected(v: Variable, q: Questionnaire, campagne: str) -> str:
    """What is admitted for this question that year, in one French sentence a respondent understands."""
    modalites = q.nomenclatures[v.nomenclature].valides(campagne).values() if v.nomenclature else ()
    return TYPES[v.type].attendu(v, [m.libelle for m in modalites])


# ---- Who has something to correct, and which received files must be read together to show their answers again.

PAQUET = 4_000  # files read again together


def group_findings(c: Controle) -> tuple[dict[str, list[Anomalie]], dict[str, list[Anomalie]]]:
    """Findings by respondent, and those of a file by file; those of a file with one answer are that answer's."""
    reponses = {d.depot for d in c.depots}
    cadres = [d for cotes in (c.recu.kept, c.recu.quarantined) for d in cotes.values() if "id_repondant" in d]
    racines = pd.concat([d[["depot", "id_repondant"]] for d in cadres]) if cadres else pd.DataFrame({"depot": []})
    seuls = racines.drop_duplicates("depot", keep=False)
    unique = dict(zip(seuls["depot"], seuls["id_repondant"].fillna(""), strict=True)) if len(seuls) else {}
    par_repondant: dict[str, list[Anomalie]] = defaultdict(list)
    par_fichier: dict[str, list[Anomalie]] = defaultdict(list)
    for a in c.redaction.anomalies:
        if a.depot not in reponses:
            continue
        qui = a.id_repondant or unique.get(a.depot) or (a.depot if a.depot in unique else "")
        (par_repondant[qui] if qui else par_fichier[a.depot]).append(a)
    return par_repondant, par_fichier


def _roots(c: Controle | Fournee, racine: str) -> Iterator[tuple[pd.DataFrame, bool]]:
    """The respondents' records, kept ones first, and whether they are kept."""
    f = c.recu if isinstance(c, Controle) else c
    for cotes, gardes in ((f.kept, True), (f.quarantined, False)):
        if racine in cotes:
            yield cotes[racine], gardes


def respondents(f: Fournee, racine: str) -> list[str]:
    """Who answered in these files, once each; a file whose only answer names nobody stands for them."""
    noms = (df["id_repondant"].fillna(df["depot"]) for df, _ in _roots(f, racine))
    return list(dict.fromkeys(str(nom) for serie in noms for nom in serie))


def primary(c: Controle | Fournee, racine: str, repondant: str) -> tuple[str, str, int, Any]:
    """(file, sheet, row, record number) of the answer sent back: the one kept, else the last one set aside."""
    for df, gardes in _roots(c, racine):
        noms = df["id_repondant"].fillna(df["depot"])
        siennes = df[noms == repondant]
        if len(siennes):
            r = siennes.iloc[0 if gardes else -1]
            return str(r["depot"]), str(r["feuille"]), int(r["ligne"]), siennes.index[0 if gardes else -1]
    return "", "", 0, -1


def files_together(q: Questionnaire, c: Controle, repondants: Iterable[str]) -> list[set[str]]:
    """Per respondent, the files to read together: those of their answers, of their rows, and of the versions before."""
    voulus = set(repondants)
    fichiers: dict[str, set[str]] = {r: set() for r in voulus}
    racines: dict[Any, str] = {}
    for df, _ in _roots(c, q.racine):
        for i, depot, nom in zip(df.index, df["depot"], df["id_repondant"].fillna(df["depot"]), strict=True):
            if nom in voulus:
                fichiers[nom].add(depot)
                racines[i] = nom
    for cotes in (c.recu.kept, c.recu.quarantined):
        for e in q.enfants(q.racine):
            if e in cotes:
                siennes = cotes[e][cotes[e]["parent"].isin(list(racines))]
                for depot, parent in set(zip(siennes["depot"], siennes["parent"], strict=True)):
                    fichiers[racines[parent]].add(depot)
    avant = situation.earlier(c)
    return [situation.with_earlier(siens, avant) for siens in fichiers.values()]


def batches(c: Controle, ensembles: Sequence[set[str]]) -> Iterator[list[Depot]]:
    """The files in the order received, those that go together in one batch."""
    chef: dict[str, str] = {}

    def tete(d: str) -> str:
        while chef.setdefault(d, d) != d:
            d = chef[d]
        return d

    for ensemble in ensembles:
        premier, *autres = sorted(ensemble)
        for autre in autres:
            chef[tete(autre)] = tete(premier)
        tete(premier)
    groupes: dict[str, list[Depot]] = defaultdict(list)
    for d in c.depots:
        if d.depot in chef:
            groupes[tete(d.depot)].append(d)
    rang = {d.depot: i for i, d in enumerate(c.depots)}
    lot: list[Depot] = []
    for groupe in groupes.values():
        if lot and len(lot) + len(groupe) > PAQUET:
            yield sorted(lot, key=lambda d: rang[d.depot])
            lot = []
        lot += groupe
    if lot:
        yield sorted(lot, key=lambda d: rang[d.depot])


# ---- What each respondent concerned is asked to correct, and the answers they gave, as they gave them.

_DEJA = "Déjà transmis : laissez cette case vide pour ne rien changer."
_PERSONNEL = "Ce que vous aviez écrit semble contenir une donnée personnelle : réécrivez votre réponse sans elle."
_FORMULE = "Cette case contenait une formule sans résultat : écrivez la réponse elle-même."
Adresse = tuple[str, str, int | None]  # (file, sheet, row) of a record


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to correct or to check. `entite`, `rang`, `variable`, `modalite`: the answer it is about, when there is one."""

    a_corriger: bool
    entite: str
    rang: int | None
    variable: str
    modalite: str | None
    feuille: str  # where it was received
    cellule: str
    recu: str
    attendu: str
    proposition: str
    message: str
    regle: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is sent back to one respondent. `destinataire`: their `id_repondant`, or the received file's id."""

    destinataire: str
    depot: Depot
    retour: str
    enregistrements: Mapping[str, Sequence[Mapping[Cle, Case]]]
    points: tuple[Point, ...]
    refuse: bool = False


def build_dossiers(cadre: Cadre, c: Controle, seul: str = "") -> Iterator[Dossier]:
    """One Dossier per respondent with something to correct (suivi.gravites), by file received. `seul`: only that one.

    The files concerned are read again, in batches: what was received is kept nowhere but in raw/.
    """
    par_repondant, par_fichier = group_findings(c)
    voulues = set(situation.gravites(cadre.q, c.campagne))
    concernes = {
        r: liste for r, liste in par_repondant.items() if any(a.gravite in voulues for a in liste) and seul in ("", r)
    }
    for depots in batches(c, files_together(cadre.q, c, concernes)):
        lus = {d.depot for d in depots}
        f = examine_files(cadre, depots, c.unites)
        for r in respondents(f, cadre.q.racine):
            liste = concernes.get(r)
            if liste and primary(c, cadre.q.racine, r)[0] in lus:
                yield _dossier(cadre, c, f, r, concernes.pop(r), voulues)
    refuses = {x.depot for x in c.extractions if x.refuse and not x.remplace_par and not x.altere}
    for d in c.depots:
        if d.depot in refuses and seul in ("", d.depot) and "rejet_fichier" in voulues:
            points = tuple(_of_file(a, cadre.q, voulues) for a in par_fichier[d.depot])
            yield Dossier(d.depot, d, write_reference(cadre.cle, c.campagne, d.depot, "", 0), {}, points, refuse=True)


# ---- one dossier


def _dossier(
    cadre: Cadre, c: Controle, f: Fournee, repondant: str, liste: Sequence[Anomalie], voulues: set[str]
) -> Dossier:
    q, modele = cadre.q, gabarit(cadre.q.campagnes[c.campagne])
    depot, feuille, ligne, racine = primary(f, q.racine, repondant)
    fiches: dict[str, list[dict[Cle, Case]]] = {}
    cases: dict[tuple[str, str, int | None, str], tuple[str, int, str, str | None]] = {}
    rangs: dict[tuple[str, Adresse], int] = {}
    for attendue in modele.feuilles:
        e = attendue.entite
        if e not in f.bruts:
            continue
        place, colonnes = locator(f.bruts[e]), raw_columns(f.bruts[e].df)
        fiches[e] = []
        for k, (i, decode) in enumerate(_records(f, e, racine, q.racine)):
            brut = f.bruts[e].df.loc[i]
            fiches[e].append(_answers(attendue, brut, decode, q))
            rangs.setdefault((e, place(i)[:3]), k)
            for colonne in colonnes:
                variable, modalite = parts_of(colonne)
                d, fe, li, co = place(i, variable, modalite)
                if co:
                    cases[d, fe, li, column_letters(co)] = (e, k, variable, modalite)
    points = sorted(
        (_point(a, cases, rangs, modele, q, voulues) for a in liste), key=lambda p: (not p.a_corriger, p.rang is None)
    )
    _mark(fiches, points)
    reference = write_reference(cadre.cle, c.campagne, depot, feuille, ligne)
    fichier = next(d for d in c.depots if d.depot == depot)
    return Dossier(repondant, fichier, reference, fiches, tuple(points))


def _records(f: Fournee, entite: str, racine: int, nom_racine: str) -> Iterator[tuple[Any, pd.Series]]:
    """(record number, decoded values) of the respondent's records, in order."""
    trouves = []
    for cotes in (f.kept, f.quarantined):
        df = cotes.get(entite)
        if df is not None:
            siens = df[df.index == racine] if entite == nom_racine else df[df["parent"] == racine]
            trouves += [(i, siens.loc[i]) for i in siens.index]
    yield from sorted(trouves, key=lambda x: x[0])


def _answers(attendue: FeuilleAttendue, brut: pd.Series, decode: pd.Series, q: Questionnaire) -> dict[Cle, Case]:
    """The answers of one record, as they will be shown: nothing personal is copied."""
    cases = {}
    for colonne in attendue.colonnes:
        variable = q.variables[colonne.variable]
        valeur, note = _received(variable, colonne.modalite, brut, decode, q), ""
        if variable.personnel:
            valeur, note = None, _DEJA if valeur is not None else ""
        elif isinstance(valeur, FormuleNonCalculee):
            valeur, note = None, _FORMULE
        elif valeur is not None and personal_data(text_of(valeur)) is not None:
            valeur, note = None, _PERSONNEL
        cases[colonne.variable, colonne.modalite] = Case(valeur, "", note)
    return cases


def _received(variable: Variable, modalite: str | None, brut: pd.Series, decode: pd.Series, q: Questionnaire) -> Any:
    """The cell of that answer; a choice spread over columns there and in one cell here is put together as it was read."""
    if (cle := raw_key(variable.nom, modalite)) in brut.index:
        valeur = brut[cle]
        return None if valeur is None or valeur != valeur else valeur
    lu = decode.get(variable.nom)
    if not isinstance(lu, tuple):
        return None
    if modalite is not None:
        return "Oui" if modalite in lu else None
    modalites = q.nomenclatures[variable.nomenclature].modalites if variable.nomenclature else {}
    return " ; ".join(modalites[m].libelle if m in modalites else str(m) for m in lu) or None


def _point(
    a: Anomalie,
    cases: Mapping[tuple[str, str, int | None, str], tuple[str, int, str, str | None]],
    rangs: Mapping[tuple[str, Adresse], int],
    modele: Modele,
    q: Questionnaire,
    voulues: set[str],
) -> Point:
    """The finding, at the answer of the questionnaire it is about."""
    entite, rang, variable, modalite = cases.get(
        (a.depot, a.feuille, a.ligne, a.colonne),
        (a.entite, rangs.get((a.entite, (a.depot, a.feuille, a.ligne))), "", None),
    )
    variable = a.variable or variable
    posees = {
        (f.entite, col.variable): [x.modalite for x in f.colonnes if x.variable == col.variable]
        for f in modele.feuilles
        for col in f.colonnes
    }
    choix = posees.get((entite, variable), [])
    if not choix:
        variable = ""
    elif modalite not in choix:
        modalite = choix[0]
    return replace(_of_file(a, q, voulues), entite=entite, rang=rang, variable=variable, modalite=modalite)


def _of_file(a: Anomalie, q: Questionnaire, voulues: set[str]) -> Point:
    attendu = expected(q.variables[a.variable], q, a.campagne) if a.variable in q.variables else ""
    return Point(
        a.gravite in voulues, a.entite, None, a.variable, None, a.feuille, a.cellule, a.valeur_recue, attendu,
        a.proposition, a.message, a.regle,
    )  # fmt: skip


def _mark(fiches: Mapping[str, list[dict[Cle, Case]]], points: Sequence[Point]) -> None:
    """Colour and comment the cells the points are about; what must be corrected wins over what is to be checked."""
    for p in points:
        if p.rang is None or not p.variable or p.rang >= len(fiches.get(p.entite, ())):
            continue
        fiche = fiches[p.entite][p.rang]
        case = fiche.get((p.variable, p.modalite), Case())
        niveau = A_CORRIGER if p.a_corriger else case.niveau or A_VERIFIER
        dit = p.message + (f" Proposition : {p.proposition}" if p.proposition else "")
        fiche[p.variable, p.modalite] = Case(case.valeur, niveau, "\n".join(x for x in (case.note, dit) if x))
