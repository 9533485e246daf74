"""Who has something to correct, and which received files must be read together to show their answers again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from cartographie.examine import Controle, Fournee
from cartographie.model import Anomalie, Depot, Questionnaire
from cartographie.references_retour import read_reference

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
    return list(dict.fromkeys(_name(r) for df, _ in _roots(f, racine) for r in df.itertuples()))


def _name(r: Any) -> str:
    return str(r.depot if pd.isna(r.id_repondant) else r.id_repondant)


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
    avant = _earlier(c)
    for siens in fichiers.values():
        a_voir = list(siens)
        while a_voir:
            nouveaux = avant.get(a_voir.pop(), set()) - siens
            siens |= nouveaux
            a_voir += nouveaux
    return list(fichiers.values())


def _earlier(c: Controle) -> dict[str, set[str]]:
    """File → files whose answers it corrects or which it replaced."""
    avant: dict[str, set[str]] = defaultdict(set)
    for x in c.extractions:
        cible = read_reference(x.retour) if x.retour else None
        if cible:
            avant[x.depot].add(cible[0])
        if x.remplace_par:
            avant[x.remplace_par].add(x.depot)
    return avant


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
