"""All records of one entity for a whole campaign, column-wise; where each cell came from; which record is whose child."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cartographie.base.text import normalise
from cartographie.survey.model import FeuilleAttendue, Questionnaire
from cartographie.survey.received import Bloc, Colonne, Constat, Extraction, Lot

Cle = str | tuple[str, str]  # a raw column: its variable, or (variable, modality) where a choice is spread over columns
TECHNIQUES = ("depot", "feuille", "ligne", "bloc", "parent")

Lieu = tuple[str, str, int, int | None]


def build_lots(extractions: Sequence[Extraction], questionnaire: Questionnaire, campagne: str) -> dict[str, Lot]:
    """One Lot of raw cells per entity read in the campaign (even without records), files in the order given.

    Every variable of the entity's declared columns is a column of objects, None where a file does not carry it.
    `parent` is -1 until `link_parents`. Refused files bring nothing.
    """
    colonnes = _declared_columns(questionnaire, campagne)
    blocs: dict[str, list[tuple[Extraction, Bloc]]] = {entite: [] for entite in colonnes}
    for x in extractions:
        for bloc in x.blocs if not x.refuse else ():
            blocs.setdefault(bloc.entite, []).append((x, bloc))
    return {e: _build_lot(e, liste, colonnes.get(e, []), questionnaire, campagne) for e, liste in blocs.items()}


def _declared_columns(questionnaire: Questionnaire, campagne: str) -> dict[str, list[Cle]]:
    """{entity: raw columns} of the campaign, in the order of variables.yaml, entities in declared order."""
    rang = {nom: i for i, nom in enumerate(questionnaire.variables)}
    trouvees: dict[str, dict[Cle, None]] = {}
    for modele in questionnaire.campagnes[campagne].modeles.values():
        for feuille in modele.feuilles:
            noms = trouvees.setdefault(feuille.entite, {})
            noms.update(dict.fromkeys(raw_key(c.variable, c.modalite) for c in feuille.colonnes))
            noms.update(dict.fromkeys(feuille.constantes))
    return {
        e: sorted(trouvees[e], key=lambda c: rang.get(parts_of(c)[0], len(rang)))
        for e in questionnaire.entites
        if e in trouvees
    }


def raw_key(variable: str, modalite: str | None) -> Cle:
    return variable if modalite is None else (variable, modalite)


def parts_of(cle: Cle) -> tuple[str, str | None]:
    """(variable, modality): what `raw_key` was given."""
    return cle if isinstance(cle, tuple) else (cle, None)


def raw_columns(df: pd.DataFrame) -> list[Cle]:
    """The columns of received cells, in order."""
    return [c for c in df.columns if c not in TECHNIQUES]


def _build_lot(
    entite: str, blocs: list[tuple[Extraction, Bloc]], declarees: list[Cle], questionnaire: Questionnaire, campagne: str
) -> Lot:
    valeurs: dict[Cle, list[Any]] = {c: [] for c in declarees}
    n, tailles = 0, [len(bloc.lignes) for _, bloc in blocs]
    for taille, (x, bloc) in zip(tailles, blocs, strict=True):
        apport = {raw_key(c.variable, c.modalite): v for c, v in zip(bloc.colonnes, bloc.valeurs, strict=True)}
        for nom, constante in _constants(x, bloc, questionnaire, campagne).items():
            apport.setdefault(nom, [constante] * taille)
        for colonne, cellules in apport.items():
            liste = valeurs.setdefault(colonne, [])
            liste.extend([None] * (n - len(liste)))  # blocs before this one did not carry the column
            liste.extend(cellules)
        n += taille
    rangs = np.repeat(np.arange(len(blocs)), tailles)
    df = pd.DataFrame(
        {
            "depot": pd.Series([blocs[r][0].depot for r in rangs], dtype="str"),
            "feuille": pd.Series([blocs[r][1].feuille for r in rangs], dtype="str"),
            "ligne": np.array([ligne for _, bloc in blocs for ligne in bloc.lignes], dtype="int64"),
            "bloc": rangs.astype("int64"),
            "parent": np.full(n, -1, dtype="int64"),
        }
        | {nom: pd.Series(liste + [None] * (n - len(liste)), dtype=object) for nom, liste in valeurs.items()},
        index=pd.RangeIndex(n),
    )
    vides = tuple((x.depot, replace(b, valeurs=[])) for x, b in blocs)
    lus = [x for x, bloc in blocs if bloc.lignes]
    depots_1904 = frozenset(x.depot for x in lus if x.date1904)
    return Lot(entite, df, vides, depots_1904, frozenset(x.depot for x in lus if x.format == "csv"))


def _constants(x: Extraction, bloc: Bloc, questionnaire: Questionnaire, campagne: str) -> Mapping[str, str]:
    """The values a sheet's declaration gives to all its records."""
    modele = questionnaire.campagnes[campagne].modeles.get(x.modele or "")
    possibles = [f for f in modele.feuilles if f.entite == bloc.entite] if modele else []
    if not any(f.constantes for f in possibles):
        return {}
    nommees = [f for f in possibles if normalise(bloc.feuille) in {normalise(n) for n in f.noms}]
    choisies: list[FeuilleAttendue] = nommees or possibles
    return choisies[0].constantes


# ---- cells


def layouts(lot: Lot) -> tuple[list[tuple[Colonne, ...]], np.ndarray]:
    """(the distinct lists of columns of the Lot's blocks, the rank of each block's): respondents reuse a few layouts."""
    ranks: dict[int, int] = {}
    found = [ranks.setdefault(id(bloc.colonnes), len(ranks)) for _, bloc in lot.blocs]
    columns = {id(bloc.colonnes): bloc.colonnes for _, bloc in lot.blocs}
    return [columns[i] for i in ranks], np.array(found, dtype="int64")


def carriers(lot: Lot) -> dict[tuple[str, str | None], np.ndarray]:
    """(variable, modality) → 1 for the records of blocks where its column was found."""
    columns, layout = layouts(lot)
    of_record = layout[lot.df["bloc"].to_numpy(dtype="int64")]
    carries: dict[tuple[str, str | None], np.ndarray] = {}
    for rank, found in enumerate(columns):
        for c in found:
            carries.setdefault((c.variable, c.modalite), np.zeros(len(columns), dtype="int64"))[rank] = 1
    return {key: of[of_record] for key, of in carries.items()}


def locator(lot: Lot) -> Callable[..., Lieu]:
    """A function of (record, variable, modality) → (depot, sheet, Excel row, Excel column) of the cell; no column when the file did
    not carry the variable. A spread choice without modality is located at its first column."""
    blocs, lignes = lot.df["bloc"].to_numpy(), lot.df["ligne"].to_numpy()
    repris = borrowed(lot)
    index: dict[int, dict[tuple[str, str | None], tuple[int, int | None]]] = {}

    def locate_cell(enregistrement: int, variable: str | None = None, modalite: str | None = None) -> Lieu:
        if (enregistrement, variable) in repris:
            return repris[enregistrement, variable]
        rang = int(blocs[enregistrement])
        depot, bloc = lot.blocs[rang]
        if rang not in index:
            places: dict[tuple[str, str | None], tuple[int, int | None]] = {}
            for c in bloc.colonnes:
                places.setdefault((c.variable, c.modalite), (c.colonne, c.ligne))
                places.setdefault((c.variable, None), (c.colonne, c.ligne))
            index[rang] = places
        place = index[rang].get((variable or "", modalite)) or index[rang].get((variable or "", None))
        ligne = int(lignes[enregistrement])
        if place is None:
            return depot, bloc.feuille, ligne, None
        return depot, bloc.feuille, place[1] or ligne, place[0]

    return locate_cell


def borrowed(lot: Lot) -> dict[tuple[int, str | None], Lieu]:
    """(record, variable) → where the answer was received, when it was taken from an earlier version (versions.py)."""
    if not any(bloc.reprises for _, bloc in lot.blocs):
        return {}
    premiers = np.cumsum([0, *(len(bloc.lignes) for _, bloc in lot.blocs)])
    return {
        (int(premiers[rang]) + r, variable): lieu
        for rang, (_, bloc) in enumerate(lot.blocs)
        for (r, variable), lieu in bloc.reprises.items()
    }


# ---- parents


def link_parents(lots: Mapping[str, Lot], questionnaire: Questionnaire) -> tuple[dict[str, Lot], list[Constat]]:
    """The same decoded Lots with `parent` filled; one `ligne_orpheline` per record whose parent is not found.

    lien "depot": the only parent record of the file; "depot:<id>": of that file. "ligne": that of the same file, sheet and row.
    Variables: the parent with the same values, in the same file first, then anywhere (the last received).
    """
    sortie = dict(lots)
    constats: list[Constat] = []
    for entite, lot in lots.items():
        nom = questionnaire.entites[entite].parent
        if nom is None:
            continue
        parent = lots[nom].df if nom in lots else pd.DataFrame({c: [] for c in TECHNIQUES})
        trouves = np.full(len(lot.df), -1, dtype="int64")
        liens = [bloc.lien if isinstance(bloc.lien, str) else tuple(bloc.lien) for _, bloc in lot.blocs]
        par_lien = pd.factorize(pd.Series(liens, dtype=object))[0][lot.df["bloc"].to_numpy()] if liens else trouves
        for k, lien in enumerate(dict.fromkeys(liens)):
            rangs = np.flatnonzero(par_lien == k)
            trouves[rangs] = _parents(lot.df.iloc[rangs], parent, lien)
        sortie[entite] = replace(lot, df=lot.df.assign(parent=trouves))
        constats += _orphans(lot, trouves)
    return sortie, constats


def _parents(enfants: pd.DataFrame, parent: pd.DataFrame, lien: str | tuple[str, ...]) -> list[int]:
    """Record number of each child's parent, -1 when none (or when several for the lien "depot")."""
    if isinstance(lien, str) and lien.split(":")[0] == "depot":
        seuls = parent.loc[parent["depot"].drop_duplicates(keep=False).index]
        nomme = lien.partition(":")[2]
        return _look_up(enfants.assign(depot=nomme) if nomme else enfants, seuls, ["depot"])
    if lien == "ligne":
        return _look_up(enfants, parent, ["depot", "feuille", "ligne"])
    cles = [lien] if isinstance(lien, str) else list(lien)
    if any(c not in enfants.columns or c not in parent.columns for c in cles):
        return [-1] * len(enfants)
    ici, ailleurs = _look_up(enfants, parent, ["depot", *cles]), _look_up(enfants, parent, cles)
    return [a if a >= 0 else b for a, b in zip(ici, ailleurs, strict=True)]


def _look_up(enfants: pd.DataFrame, parent: pd.DataFrame, cles: list[str]) -> list[int]:
    """The last parent with the same key; -1 when there is none, or when part of the key is null."""
    index = dict(zip(_keys(parent, cles), parent.index.tolist(), strict=True)) | {None: -1}
    return [index.get(cle, -1) for cle in _keys(enfants, cles)]


def _keys(df: pd.DataFrame, cles: Iterable[str]) -> list[tuple[Any, ...] | None]:
    """The key of each row; None as soon as one part is null."""
    colonnes = [[None if nul else v for v, nul in zip(df[c], df[c].isna(), strict=True)] for c in cles]
    return [None if None in cle else cle for cle in zip(*colonnes, strict=True)]


def _orphans(lot: Lot, parents: np.ndarray) -> Iterable[Constat]:
    blocs, place = lot.df["bloc"].to_numpy(), locator(lot)
    for i in np.flatnonzero(parents < 0).tolist():
        lien = lot.blocs[blocs[i]][1].lien
        variable = None if isinstance(lien, str) else lien[0]
        depot, feuille, ligne, colonne = place(i, variable)
        yield Constat(
            "ligne_orpheline", lot.entite, i, variable, depot=depot, feuille=feuille, ligne=ligne, colonne=colonne
        )
