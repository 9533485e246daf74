"""The account of a run: for every file and sheet, what was read is kept, rejected, quarantined or skipped for a reason.

The two sides are counted apart. Read side: `Compte`, on the raw grid, while reading. Settled side: here, record by record
and cell by cell, from the raw lots and what validation kept. `check` compares them; a cell that a stage lost shows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from cartographie.base.text import clean
from cartographie.decode.lots import Cle, borrowed, carriers, layouts, parts_of, raw_columns
from cartographie.survey.conditions import split
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Compte, Depot, Extraction, Lot
from cartographie.survey.rules import climb
from cartographie.validate.settle import Validation

SHEET, FILE, TOTAL = "feuille", "fichier", "TOTAL"
ROWS = ("lignes_lues", "lignes_conservees", "lignes_quarantaine", "lignes_ecartees")
CELLS = ("cellules_lues", "cellules_conservees", "cellules_rejetees", "cellules_quarantaine", "cellules_ecartees")
COLUMNS = ("niveau", "depot", "fichier", "feuille", "etat", *ROWS, "lignes_motifs", *CELLS, "cellules_motifs")
_SETTLED = ("conservees", "rejetees", "quarantaine", "invisibles")
INVISIBLE = "caracteres_invisibles"  # a cell that looks empty
_NOTHING: Counter[str] = Counter()
_SUMMED = (*ROWS, *CELLS)
_MOTIFS = ("lignes_motifs", "cellules_motifs")


class EcartComptable(AssertionError):
    """Rows or cells read were neither kept, rejected, quarantined nor skipped (or counted twice): a bug of ours."""


def build(
    extractions: Iterable[Extraction],
    depots: Sequence[Depot],
    bruts: Mapping[str, Lot],
    validation: Validation,
    questionnaire: Questionnaire,
) -> pd.DataFrame:
    """One row: one sheet (`niveau` "feuille") or one file ("fichier"). Columns: COLUMNS.

    `bruts`: lots before decoding. A received cell that is null at the end counts as rejected only if a finding names it. `…_motifs`: skipped counts by reason, "a=1; b=2".
    """
    cells = _cells(bruts, validation, _named(validation, questionnaire))
    records = _records(bruts, validation.quarantined, questionnaire)
    names = {d.depot: d.nom for d in depots}
    seen: dict[str, set[str]] = {}
    for depot, sheet in (*cells, *records):
        seen.setdefault(depot, set()).add(sheet)
    lines: list[dict[str, Any]] = []
    for x in sorted(extractions, key=lambda x: (names.get(x.depot, ""), x.depot)):
        settled = seen.get(x.depot, set()) - {c.feuille for c in x.comptes}
        if settled:
            raise EcartComptable(f"{names.get(x.depot, x.depot)} : feuille sans compte de lecture : {sorted(settled)}")
        here = {"depot": x.depot, "fichier": names.get(x.depot, ""), "etat": "refusé" if x.refuse else "lu"}
        sheets = [{"niveau": SHEET, **here, **_sheet(x, c, cells, records)} for c in x.comptes]
        lines += [*sheets, {"niveau": FILE, **here, "feuille": "", **_sum(sheets)}]
    df = pd.DataFrame(lines, columns=list(COLUMNS))
    for unit in _MOTIFS:
        df[unit] = [_written(m) for m in df[unit]]
    return df


def with_total(comptes: pd.DataFrame) -> pd.DataFrame:
    """The same lines and a last one, TOTAL: the sum of the files."""
    files = comptes[comptes["niveau"] == FILE]
    total: dict[str, Any] = {"niveau": TOTAL, "depot": "", "fichier": "", "feuille": "", "etat": ""}
    total |= {c: int(files[c].sum()) for c in _SUMMED}
    for unit in _MOTIFS:
        reasons: Counter[str] = Counter()
        for texte, n in Counter(files[unit]).items():
            reasons.update({k: v * n for k, v in _read(texte).items()})
        total[unit] = _written(reasons)
    return pd.concat([comptes, pd.DataFrame([total], columns=list(COLUMNS))], ignore_index=True)


def in_order(comptes: pd.DataFrame) -> pd.DataFrame:
    """The lines of several batches, without total, in the order `build` gives: by name of file."""
    return comptes.sort_values(["fichier", "depot"], kind="stable", ignore_index=True)


def _written(reasons: Mapping[str, int]) -> str:
    return "; ".join(f"{k}={n}" for k, n in sorted(reasons.items()) if n)


def _read(texte: str) -> dict[str, int]:
    pairs = (p.rpartition("=") for p in texte.split("; ") if p)
    return {k: int(n) for k, _, n in pairs}


def check(comptes: pd.DataFrame) -> None:
    """Raise EcartComptable naming the file and the sheet where what was read is not all accounted for."""
    wrong = [comptes[read] != comptes[settled].sum(axis=1) for read, *settled in (ROWS, CELLS)]
    for line in comptes[wrong[0] | wrong[1]].to_dict("records"):
        for read, *settled in (ROWS, CELLS):
            found = sum(line[c] for c in settled)
            if line[read] != found:
                what = read.split("_")[0]
                where = line["fichier"] or line["depot"] or TOTAL
                where += f", feuille « {line['feuille']} »" if line["feuille"] else ""
                detail = ", ".join(f"{c.split('_')[1]} {line[c]}" for c in settled)
                raise EcartComptable(f"{where} : {line[read]} {what} lues mais {found} justifiées ({detail})")


def in_long_form(comptes: pd.DataFrame) -> pd.DataFrame:
    """One row: one count of one sheet (depot, feuille, unite, categorie, motif, nombre), zeros left out."""
    sheets = comptes[comptes["niveau"] == SHEET]
    places = list(zip(sheets["depot"].tolist(), sheets["feuille"].tolist(), strict=True))
    out: list[tuple[Any, ...]] = []
    for unit, columns in (("ligne", ROWS), ("cellule", CELLS)):
        for column in columns:
            category = column.split("_")[1]
            if column.endswith("_ecartees"):
                for place, reasons in zip(places, sheets[f"{unit}s_motifs"].tolist(), strict=True):
                    out += [(*place, unit, category, k, n) for k, n in _read(reasons).items()]
            else:
                counts = zip(places, sheets[column].tolist(), strict=True)
                out += [(*place, unit, category, "", n) for place, n in counts if n]
    return pd.DataFrame(out, columns=["depot", "feuille", "unite", "categorie", "motif", "nombre"])


# ---- counting


def _sheet(
    x: Extraction, compte: Compte, cells: Mapping[Any, Counter[str]], records: Mapping[Any, tuple[bool, int, int]]
) -> dict[str, Any]:
    """The settled account of one sheet."""
    line: dict[str, Any] = {
        "feuille": compte.feuille,
        "lignes_lues": compte.lignes_lues,
        "cellules_lues": compte.cellules_lues,
        "lignes_ecartees": sum(compte.lignes_ecartees.values()),
        "lignes_motifs": compte.lignes_ecartees,
        "cellules_ecartees": sum(compte.cellules_ecartees.values()),
        "cellules_motifs": compte.cellules_ecartees,
    }
    if x.refuse:  # nothing of it became a record: what would have been data is set aside whole
        kept, aside, found = 0, compte.lignes_donnees, Counter(quarantaine=compte.cellules_donnees)
    else:
        found = cells.get((x.depot, compte.feuille), _NOTHING)
        whole, kept, aside = records.get((x.depot, compte.feuille), (False, 0, 0))
        if whole:  # a form: all its rows follow its one record
            kept, aside = (compte.lignes_donnees, 0) if kept else (0, compte.lignes_donnees)
        if invisible := found["invisibles"]:
            line["cellules_ecartees"] += invisible
            line["cellules_motifs"] = {**compte.cellules_ecartees, INVISIBLE: invisible}
    settled = {f"cellules_{k}": found[k] for k in ("conservees", "rejetees", "quarantaine")}
    return {**line, "lignes_conservees": kept, "lignes_quarantaine": aside, **settled}


def _records(
    bruts: Mapping[str, Lot], quarantined: Mapping[str, pd.DataFrame], questionnaire: Questionnaire
) -> dict[tuple[str, str], tuple[bool, int, int]]:
    """(file, sheet) → (is a form, rows kept, rows quarantined). A row shared by several records follows the root one."""
    parts = []
    for depth, e in enumerate(e for e in questionnaire.entites if e in bruts):
        lot = bruts[e]
        columns, layout = layouts(lot)
        forms = np.array([any(c.ligne is not None for c in found) for found in columns] or [False])
        numbers = np.array([b.numero for _, b in lot.blocs] or [0])
        block = lot.df["bloc"].to_numpy(dtype="int64") if lot.blocs else np.zeros(len(lot.df), dtype="int64")
        form = forms[layout[block]] if lot.blocs else False
        part = lot.df[["depot", "feuille", "ligne"]].assign(numero=numbers[block], rang=depth, fiche=form)
        parts.append(part.assign(aside=_is_in(lot, quarantined.get(e))))
    if not parts:
        return {}
    rows = pd.concat(parts, ignore_index=True).sort_values(["numero", "rang"], kind="stable")
    rows = rows.drop_duplicates(["depot", "feuille", "ligne"])
    sums = rows.groupby(["depot", "feuille"], sort=False).agg(
        fiche=("fiche", "any"), n=("aside", "size"), aside=("aside", "sum")
    )
    counts = (sums[c].tolist() for c in ("fiche", "n", "aside"))
    return {k: (bool(f), n - a, int(a)) for k, f, n, a in zip(sums.index, *counts, strict=True)}


def _cells(
    bruts: Mapping[str, Lot], validation: Validation, named: Mapping[tuple[str | None, str | None], set[int]]
) -> dict[tuple[str, str], Counter[str]]:
    """(file, sheet) → received cells by what became of them: conservees, rejetees, quarantaine (lost ones: nowhere)."""
    out: dict[tuple[str, str], Counter[str]] = {}
    kept = validation.kept
    for e, lot in bruts.items():
        aside, here = _is_in(lot, validation.quarantined.get(e)), _is_in(lot, kept.get(e))
        tallies = {k: np.zeros(len(lot.df), dtype="int64") for k in _SETTLED}
        carried = carriers(lot)
        elsewhere: dict[str | None, list[int]] = {}  # answers received in an earlier version's file, counted there
        for record, variable in borrowed(lot):
            elsewhere.setdefault(variable, []).append(record)
        for column in raw_columns(lot.df):
            variable, modality = parts_of(column)
            received = _received(lot, column, carried.get((variable, modality)))
            received[elsewhere.get(variable, [])] = 0
            settled = np.zeros(len(lot.df), dtype=bool)
            if e in kept and variable in kept[e].columns:
                settled = kept[e][variable].notna().reindex(lot.df.index, fill_value=False).to_numpy(dtype=bool)
            blamed = lot.df.index.isin(list(named.get((e, variable), ())))
            if modality:  # an unticked box says no: it is kept, even when no box of the question is ticked
                settled = settled | ~blamed
            tallies["quarantaine"] += received * aside
            tallies["conservees"] += received * (here & settled)
            tallies["rejetees"] += received * (here & ~settled & blamed)
            lost = (received > 0) & here & ~settled & ~blamed
            if lost.any():
                places = np.flatnonzero(lost)
                tallies["invisibles"][places] += [_invisible(v) for v in lot.df[column].to_numpy()[places]]
        sheets = [lot.df["depot"].to_numpy(), lot.df["feuille"].to_numpy()]
        sums = pd.DataFrame(tallies).groupby(sheets, sort=False).sum()
        for key, row in zip(sums.index, sums.to_dict("records"), strict=True):
            out.setdefault(key, Counter()).update({k: int(n) for k, n in row.items()})
    return out


def _named(v: Validation, questionnaire: Questionnaire) -> dict[tuple[str | None, str | None], set[int]]:
    """(entity, variable) → records whose cell a finding names: its own, and every one a declared rule blames."""
    blamed = {r.code: r.cellules for r in questionnaire.regles if r.condition is not None}
    parents: dict[str, Mapping[int, int]] = {}
    for e in {*v.kept, *v.quarantined}:
        parts = [f[e]["parent"] for f in (v.kept, v.quarantined) if e in f and "parent" in f[e].columns]
        if parts:
            parents[e] = defaultdict(lambda: -1, pd.concat(parts).to_dict())
    out: dict[tuple[str | None, str | None], set[int]] = {}
    for c in v.constats:
        if c.enregistrement is None:
            continue
        out.setdefault((c.entite, c.variable), set()).add(c.enregistrement)
        for reference in blamed.get(c.regle or "", ()):
            entite, variable = split(reference, c.entite or "")
            record = climb(c.entite, c.enregistrement, entite, questionnaire, parents)
            out.setdefault((entite, variable), set()).add(record)
    return out


def _received(lot: Lot, column: Cle, carried: np.ndarray | None) -> np.ndarray:
    """1 where the record's variable (or the modality's box) was read from a non-empty cell of the sheet."""
    filled = lot.df[column].notna().to_numpy(dtype="int64")
    if lot.blocs:  # a constant of the declarations is not a received cell
        return filled * carried if carried is not None else np.zeros(len(lot.df), dtype="int64")
    return filled


def _invisible(value: object) -> bool:
    return isinstance(value, str) and not clean(value)


def _is_in(lot: Lot, df: pd.DataFrame | None) -> np.ndarray:
    return lot.df.index.isin(df.index) if df is not None else np.zeros(len(lot.df), dtype=bool)


def _sum(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    motifs: dict[str, Counter[str]] = {unit: Counter() for unit in _MOTIFS}
    for unit, line in product(_MOTIFS, lines):
        motifs[unit].update(line[unit])
    return {c: sum([line[c] for line in lines]) for c in _SUMMED} | motifs
