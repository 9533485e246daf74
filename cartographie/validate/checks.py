"""What is wrong in decoded records, cell by cell, and whose answer each is. Only `judge_lots` changes any: what is no answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import pandera.errors

from cartographie.base.identifiers import FORMAT
from cartographie.base.text import MASQUE
from cartographie.decode.lots import carriers
from cartographie.survey.conditions import references
from cartographie.survey.evaluate import Contexte, evaluate, known, labels_of
from cartographie.survey.model import Entite, Questionnaire, Regle
from cartographie.survey.received import Constat, Depot, Lot
from cartographie.survey.rules import RULE, details_of
from cartographie.survey.types import TYPES
from cartographie.survey.types.codes import HORS_LISTE
from cartographie.survey.types.values import NUL, repertoire_of
from cartographie.survey.types.values import Contexte as Decoding
from cartographie.validate.schema import ABSENT, build_schema

# ---- Who each answer is from, and which rows are nobody's or someone's twice.

NO_RECORD = -1


def check_identity(contexte: Contexte, depots: Sequence[Depot]) -> Iterator[Constat]:
    """Rows that are nobody's, or someone's twice."""
    df, q = contexte.df, contexte.questionnaire
    entite = q.entites[contexte.entite]
    if entite.parent is not None:
        for r in df.index[df["parent"].to_numpy() == NO_RECORD] if "parent" in df.columns else ():
            yield Constat("ligne_orpheline", entite.nom, int(r))
    else:
        blamed = next((i["variable"] for i in entite.identifiant), None)
        for r in df.index[df[id_column(df)].isna()]:
            yield Constat("ligne_sans_identifiant", entite.nom, int(r), blamed)
        if not entite.base:
            yield from _answered_twice(contexte, entite, depots, blamed)
    key = [k for k in entite.cle if k in df.columns]
    if entite.base and not key:
        key = [id_column(df)]
    if key and len(key) == max(len(entite.cle), 1) and (entite.base or entite.parent is not None):
        columns = [*key, *(["parent"] if "parent" in df.columns and entite.parent else [])]
        named = df[columns][df[columns].notna().all(axis=1)]
        for r in named.index[named.duplicated(keep="first")]:
            variable = key[0] if key[0] in q.variables else None
            yield Constat("cle_en_double", entite.nom, int(r), variable, df.at[r, key[0]])


def id_column(df: pd.DataFrame) -> str:
    """The column naming whose a root record is (a unit of the frame may have its own)."""
    return "id_base" if "id_base" in df.columns and "id_repondant" not in df.columns else "id_repondant"


def _answered_twice(
    contexte: Contexte, entite: Entite, depots: Sequence[Depot], blamed: str | None
) -> Iterator[Constat]:
    """All answers of a respondent but the one kept: the fullest (a complete one is), then the latest dated, received, read."""
    df, variables = contexte.df, contexte.questionnaire.variables
    several = df[df["id_repondant"].notna() & df["id_repondant"].duplicated(keep=False)].index
    if not len(several):
        return
    filled = np.zeros(len(df), dtype="int64")
    for name in entite.completude:
        if name in df.columns:
            filled += df[name].notna().to_numpy() | ~evaluate(variables[name].condition_pose, contexte)
    rank = {d.depot: i for i, d in enumerate(sorted(depots, key=lambda d: d.recu_le))}
    order = pd.DataFrame({"id": df["id_repondant"], "rempli": filled})
    dated = entite.date in df.columns
    order["date"] = pd.to_datetime(df[entite.date]) if dated else pd.Timestamp(0)
    order["recu"] = df["depot"].map(rank).fillna(-1) if "depot" in df.columns else 0
    order["rang"] = range(len(df))
    order = order.loc[several].sort_values(["rempli", "date", "recu", "rang"], na_position="first")
    keeper = order.groupby("id").tail(1).index
    for r in several.difference(keeper):
        received = df.at[r, blamed] if blamed in df.columns else None
        yield Constat("repondant_en_double", entite.nom, int(r), blamed, received)


# ---- What is wrong in decoded records, cell by cell.

MISSING = "valeur_obligatoire_absente"
_NO_ANSWER = {*HORS_LISTE, FORMAT}
Rejected = Mapping[tuple[str, str], set[int]]


def attach(constats: Sequence[Constat], lots: Mapping[str, Lot]) -> list[Constat]:
    """Findings made on a sheet's cell while reading (file, sheet, row, column, variable) given their record's number."""
    out: list[Constat] = []
    places: dict[tuple[object, ...], tuple[int, int | None]] = {}
    records: dict[str | None, dict[tuple[int, int | None], int]] = {}
    for e in lots.keys() & {c.entite for c in constats if c.enregistrement is None and c.variable}:
        df = lots[e].df
        records[e] = dict(zip(zip(df["bloc"].tolist(), df["ligne"].tolist(), strict=True), df.index, strict=True))
        for rank, (depot, bloc) in enumerate(lots[e].blocs):
            row = bloc.lignes[0] if bloc.lignes else 0
            for column in bloc.colonnes:
                key = (e, depot, bloc.feuille, column.variable, column.colonne, column.ligne)
                places[key] = (rank, row if column.ligne is not None else None)
    for c in constats:
        if c.enregistrement is None and c.entite in records:
            at = (c.entite, c.depot, c.feuille, c.variable, c.colonne)
            rank, first = places.get((*at, c.ligne)) or places.get((*at, None)) or (-1, None)
            record = records[c.entite].get((rank, c.ligne if first is None else first))
            c = c if record is None else replace(c, enregistrement=int(record))
        out.append(c)
    return out


def judge_lots(
    lots: Mapping[str, Lot], constats: Iterable[Constat], questionnaire: Questionnaire, campagne: str
) -> tuple[dict[str, Lot], list[Constat]]:
    """Decoded lots as the schema judges them, and the findings of decoding followed by its own, each once.

    An answer that is none (not of the list, ill-formed) is emptied whatever its severity: nothing may be derived from it.
    """
    sortie, constats = {}, list(constats)
    dits = {(c.constat, c.entite, c.enregistrement, c.variable) for c in constats}
    for e, lot in lots.items():
        trouves = check_schema(lot, questionnaire, campagne)
        vides: dict[str, list[int]] = {}
        for c in trouves:
            if c.constat in _NO_ANSWER and c.variable and c.enregistrement is not None:
                vides.setdefault(c.variable, []).append(c.enregistrement)
        df = lot.df.assign(**{v: lot.df[v].mask(lot.df.index.isin(records)) for v, records in vides.items()})
        sortie[e] = replace(lot, df=df, juges=lot.juges | frozenset(lot.df.columns))
        constats += [c for c in trouves if (c.constat, e, c.enregistrement, c.variable) not in dits]
    return sortie, constats


def check_schema(lot: Lot, questionnaire: Questionnaire, campagne: str) -> list[Constat]:
    """One finding per cell the generated schema refuses, among the variables not judged yet: one lazy pass of pandera."""
    entite, df = lot.entite, lot.df[lot.df.columns.difference(lot.juges, sort=False)]
    try:
        build_schema(entite, questionnaire, campagne).validate(df, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases[["column", "check", "index"]]
    else:
        return []
    whole = cases[cases["index"].isna()]
    if len(whole):
        columns = ", ".join(sorted(set(whole["column"].astype(str))))
        raise AssertionError(f"{entite} : colonnes mal décodées ({columns})")
    out = []
    for (column, check), part in cases.groupby(["column", "check"], sort=False):
        variable, records = questionnaire.variables[column], part["index"].astype("int64").tolist()
        if check == ABSENT:  # where the column itself is missing, the header stage said so
            carried = pd.Series(has_column(lot, column), index=df.index)
            out += [Constat(MISSING, entite, r, column) for r in records if carried[r]]
            continue
        raw = lot.recues if lot.recues is not None and column in lot.recues.columns else df
        received = raw[column].loc[records].tolist()
        if variable.personnel:
            out += [Constat(str(check), entite, r, column, MASQUE) for r in records]
            continue
        explique = TYPES[variable.type].explique
        contexte = Decoding(campagne, repertoire_of(questionnaire, variable, campagne))
        for r, value in zip(records, received, strict=True):
            said = explique(value, variable, contexte) if explique else NUL
            said = next((d for d in (said, *said.suite) if d.constat == check), NUL)
            out.append(Constat(str(check), entite, r, column, value, said.proposition, dict(said.details)))
    return out


def check_asked(contexte: Contexte, lot: Lot) -> Iterator[Constat]:
    """Answers to questions that were not to be asked; required answers missing where asked.

    A filter left unanswered accuses nobody: `hors_filtre` needs the filter's variables to be known.
    """
    entite, df, q = contexte.entite, contexte.df, contexte.questionnaire
    carried = carriers(lot) if lot.blocs and "bloc" in lot.df.columns else None
    for _, name in sorted(p for p in q.posees(contexte.campagne) if p[0] == entite and p[1] in df.columns):
        variable = q.variables[name]
        filled = df[name].notna().to_numpy()
        missing = np.zeros(len(df), dtype=bool)
        if variable.condition_pose:
            asked = evaluate(variable.condition_pose, contexte)
            outside = df[name][~asked & filled & known(variable.condition_pose, contexte)]
            for r, received in zip(outside.index.tolist(), outside.tolist(), strict=True):
                yield Constat("hors_filtre", entite, r, name, received)
            if variable.obligatoire:
                missing |= asked & ~filled
        if variable.obligatoire_si:
            missing |= evaluate(variable.obligatoire_si, contexte) & ~filled
        if not missing.any():
            continue
        for r in df.index[missing & has_column(lot, name, carried)]:
            yield Constat(MISSING, entite, int(r), name)


def check_base(contexte: Contexte) -> Iterator[Constat]:
    """Units stated that the sampling frame does not hold: a respondent's (`base_ligne` is -1), each a child row lists."""
    entite, df, q = contexte.entite, contexte.df, contexte.questionnaire
    frame = contexte.frame(q.base) if q.base else None
    child = q.entites[entite].parent is not None
    if frame is None or not len(frame) or entite == q.base or not (child or "base_ligne" in df.columns):
        return
    absent = np.ones(len(df), dtype=bool)
    if not child:
        absent = df["base_ligne"].fillna(NO_RECORD).to_numpy(dtype="int64") == NO_RECORD
    for link in q.enquete.get("lien_base", ()):
        variable = link["variable"]
        if link["entite"] != entite or variable not in df.columns or link["base"] not in frame.columns:
            continue
        units = frame[link["base"]].dropna().astype("str")
        stated = absent & df[variable].notna().to_numpy() & (child or len(units) > 0)
        if child:
            stated &= ~df[variable].astype("str").isin(set(units)).to_numpy()
        else:
            absent &= ~stated
        for r in df.index[stated]:
            yield Constat("absent_de_la_base", entite, int(r), variable, df.at[r, variable])


def check_rules(contexts: Mapping[str, Contexte], rejected: Rejected = MappingProxyType({})) -> Iterator[Constat]:
    """One finding per record and declared rule whose faulty situation holds; the first cell blamed carries it.

    `rejected`: (entity, variable) → records whose cell was rejected earlier. A rule that reads one of them accuses nobody.
    """
    for e, contexte in contexts.items():
        for rule in contexte.questionnaire.regles_de(contexte.campagne):
            if rule.condition is None or rule.entite != e:
                continue
            df = contexte.df
            quoted = [v for v in details_of(rule, e, contexte.questionnaire) if v in df.columns]
            first = next(iter(rule.cellules), None)
            first = first if first in df.columns else None
            holds = evaluate(rule.condition, contexte)
            if rejected and holds.any():
                holds &= ~_reads_rejected(rule, contexts, e, rejected)
            faulty = df.loc[holds, quoted]
            for r, row in zip(faulty.index, faulty.itertuples(index=False, name=None), strict=True):
                details = dict(zip(quoted, row, strict=True))
                received = details.get(first) if first else None
                yield Constat(RULE, e, int(r), first, received, details=details, regle=rule.code)


def _reads_rejected(rule: Regle, contexts: Mapping[str, Contexte], entite: str, rejected: Rejected) -> np.ndarray:
    """True for the records of `entite` whose rule reads a rejected cell: their own, their parents' or their children's."""
    index = contexts[entite].df.index
    out = np.zeros(len(index), dtype=bool)
    for source, variable in sorted(references(rule.condition, entite)):
        cells = rejected.get((source, variable))
        if cells and source in contexts:
            down, up = _ancestors(contexts, entite, source), _ancestors(contexts, source, entite)
            if down is not None:  # the record itself, or one it belongs to
                out |= down.isin(cells).to_numpy()
            elif up is not None:
                out |= index.isin(set(up[up.index.isin(cells)]))
    return out


def _ancestors(contexts: Mapping[str, Contexte], entite: str, target: str) -> pd.Series | None:
    """Record of `entite` → its record of `target` (itself, or one it belongs to); None when it belongs to none."""
    try:
        return pd.Series(labels_of(contexts[entite], target), index=contexts[entite].df.index)
    except ValueError:
        return None


def has_column(
    lot: Lot, variable: str, carried: Mapping[tuple[str, str | None], np.ndarray] | None = None
) -> np.ndarray:
    """True for the records of blocks where the variable's column was found (all, when blocks are not known)."""
    if not lot.blocs or "bloc" not in lot.df.columns:
        return np.ones(len(lot.df), dtype=bool)
    found = np.zeros(len(lot.df), dtype=bool)
    for (name, _), records in (carriers(lot) if carried is None else carried).items():
        if name == variable:
            found |= records > 0
    return found
