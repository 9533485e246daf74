"""Read the warehouse: open it without waiting for ever, give analysis frames, fingerprint its content."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from cartographie.base.errors import UserError
from cartographie.warehouse import scheme
from cartographie.warehouse.connection import connect, is_locked, is_on_disk, log_of
from cartographie.warehouse.prepare import DTYPES
from cartographie.warehouse.scheme import literal, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


QUALITE = "qualite_variable"
ATTEMPTS = 5
DELAY = 0.2  # seconds, doubled at each attempt: 3 s in all


@contextmanager
def open_readonly(
    chemin: Path, attempts: int = ATTEMPTS, delay: float = DELAY, sleep: Callable[[float], None] = time.sleep
) -> Iterator[DuckDBPyConnection]:
    """A read-only connection. Raises UserError E17 (in use, after bounded retries) or E18 (absent, unreadable), then or later:
    a damaged part shows when it is read."""
    con = _connect(chemin, attempts, delay, sleep)
    try:
        yield con
    except duckdb.Error as e:
        if not is_on_disk(e):
            raise
        raise _unreadable(chemin) from None
    finally:
        con.close()


def _unreadable(chemin: Path) -> UserError:
    return UserError("E18", f"l'entrepôt {chemin.name} est abîmé ou d'une autre version ; relancez « load ».")


def _connect(chemin: Path, attempts: int, delay: float, sleep: Callable[[float], None]) -> DuckDBPyConnection:
    if not chemin.is_file():
        raise UserError("E18", f"l'entrepôt {chemin.name} n'existe pas encore ; lancez « load ».")
    if log_of(chemin).exists():  # a build leaves none: what would be read is not what was loaded
        raise UserError("E18", f"un autre programme a écrit dans l'entrepôt {chemin.name} ; relancez « load ».")
    for attempt in range(attempts):
        try:
            con = connect(chemin, read_only=True)
            con.execute("SELECT count(*) FROM provenance").fetchall()
            return con
        except duckdb.Error as erreur:
            if not is_locked(erreur):
                raise _unreadable(chemin) from None
        if attempt < attempts - 1:
            sleep(delay * 2**attempt)
    raise UserError("E17", f"l'entrepôt {chemin.name} est utilisé par un autre programme ; fermez-le puis relancez.")


class _Catalogue(NamedTuple):
    """What the frames of one campaign need to know of the warehouse, asked once for all of them."""

    vues: dict[str, dict[str, str]]  # view → column → SQL type
    entites: list[tuple[str, str | None, bool]]  # (entity, parent, is it the frame?), in declared order
    questions: list[tuple[str, str, bool, bool]]  # (entity, variable, asked or derived, taken from the frame)


def _catalogue(con: DuckDBPyConnection, campagne: str) -> _Catalogue:
    vues: dict[str, dict[str, str]] = {}
    for vue, colonne, type_sql in con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() JOIN duckdb_views() ON view_oid = table_oid "
        "WHERE NOT duckdb_columns.internal AND table_name <> 'etat_variable' ORDER BY table_name, column_index"
    ).fetchall():
        vues.setdefault(vue, {})[colonne] = type_sql
    return _Catalogue(
        vues,
        con.execute("SELECT entite, parent, base FROM entite ORDER BY rang").fetchall(),
        con.execute(
            "SELECT entite, variable, disponible, depuis_base FROM question WHERE campagne = $1", [campagne]
        ).fetchall(),
    )


def analysis_frame(con: DuckDBPyConnection, entite: str, campagne: str) -> pd.DataFrame:
    """One row: one row of the analysis view of `entite` (an entity, `<entity>_panel`, `qualite_variable`, `anomalie`).

    Variables the campaign neither asked nor derived have no column; multiple choices are tuples; rows are sorted by key.
    Raises KeyError when there is no such grain.
    """
    return _read(con, _catalogue(con, campagne), entite, campagne)


def _read(con: DuckDBPyConnection, catalogue: _Catalogue, entite: str, campagne: str) -> pd.DataFrame:
    view = f"analyse_{entite}" if f"analyse_{entite}" in catalogue.vues else entite
    absent = {"campagne"} | _not_asked(catalogue, entite)
    types = {n: t for n, t in catalogue.vues[view].items() if n not in absent}
    enums = _enums(con, view, [n for n, t in types.items() if t == "VARCHAR"], campagne) if entite == QUALITE else {}
    casts = {n: f"to_json({quote(n)})::VARCHAR" for n, t in types.items() if t.endswith("[]")}
    casts |= {n: f"{quote(n)}::{enum}" for n, enum in enums.items()}
    selected = ", ".join(f"{casts.get(n, quote(n))} AS {quote(n)}" for n in types)
    keys = [n for n in types if n in ("id_base", "id_repondant", "ordinal")]
    if entite in ("anomalie", QUALITE):
        keys = ["ALL"]
    elif len(keys) == 3:
        keys.remove("id_base")
    query = f"SELECT {selected} FROM {quote(view)} WHERE campagne = $1 ORDER BY {', '.join(keys)}"
    df = con.execute(query, [campagne]).df()
    return pd.DataFrame({n: _typed(df[n], t) for n, t in types.items()})


def analysis_frames(con: DuckDBPyConnection, campagne: str) -> dict[str, pd.DataFrame]:
    """Grain → its analysis frame, RangeIndex: every entity, then the other grains there are.

    `parent`: label in the parent's frame; `base_ligne` (main root): label in the frame's; -1 where there is none: what
    cartographie.conditions.Contexte evaluates conditions on.
    """
    catalogue = _catalogue(con, campagne)
    rows = catalogue.entites
    grains = {v.removeprefix("analyse_") for v in catalogue.vues}
    noms = [nom for nom, _, _ in rows]
    frames = {nom: _read(con, catalogue, nom, campagne) for nom in [*noms, *sorted(grains - set(noms))]}
    parents = {nom: parent for nom, parent, base in rows if not base}
    frame = next((frames[nom] for nom, _, base in rows if base), None)
    root = next((nom for nom, parent, base in rows if parent is None and not base), None)
    for nom, df in frames.items():
        entite = nom.removesuffix("_panel")
        if entite not in parents:
            continue
        parent = parents[entite]
        if parent is not None:
            keys = ["id_repondant", "ordinal"]
            df["parent"] = _position(df, frames[parent], ["id_repondant", "ordinal_parent"], keys)
        else:
            df["parent"] = -1
        if entite == root and frame is not None:
            df["base_ligne"] = _position(df, frame, ["id_base"], ["id_base"])
    return frames


def provenance(con: DuckDBPyConnection) -> dict[str, str]:
    """What the warehouse was made from: name → sha256."""
    return dict(con.execute("SELECT nom, sha256 FROM provenance").fetchall())


def totals(con: DuckDBPyConnection, campagne: str) -> dict[str, dict[str, int]]:
    """The accounts of a campaign: {"lignes": {"lues": n, "conservees": n, "ecartees:titre": n…}, "cellules": {…}}."""
    out: dict[str, dict[str, int]] = {}
    for unite, categorie, motif, nombre in con.execute(scheme.template("totaux"), [campagne]).fetchall():
        out.setdefault(f"{unite}s", {})[f"{categorie}:{motif}" if motif else categorie] = nombre
    return out


def fingerprints(chemin: Path) -> dict[str, str]:
    """Table → sha256 of its rows as CSV text (null empty, text quoted), sorted."""
    with open_readonly(chemin) as con:
        tables = con.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_name").fetchall()
        return {nom: _fingerprint(con, nom) for (nom,) in tables}


def fingerprint(chemin: Path) -> str:
    """One sha256 for the whole content, whatever the bytes of the file."""
    text = "".join(f"{nom},{empreinte}\n" for nom, empreinte in fingerprints(chemin).items())
    return hashlib.sha256(text.encode()).hexdigest()


def _fingerprint(con: DuckDBPyConnection, table: str) -> str:
    names = [r[0] for r in con.execute(f"DESCRIBE {quote(table)}").fetchall()]
    cells = (f"""coalesce('"' || replace({quote(n)}::VARCHAR, '"', '""') || '"', '')""" for n in names)
    cursor = con.execute(f"SELECT concat_ws(',', {', '.join(cells)}) AS texte FROM {quote(table)} ORDER BY texte")
    digest = hashlib.sha256((",".join(names) + "\n").encode())
    while rows := cursor.fetchmany(10_000):
        digest.update("".join(texte + "\n" for (texte,) in rows).encode())
    return digest.hexdigest()


def _not_asked(catalogue: _Catalogue, entite: str) -> set[str]:
    """Variables whose column would hold nothing but « not asked » in that campaign."""
    entite = entite.removesuffix("_panel")
    parents = {nom: parent for nom, parent, _ in catalogue.entites}
    bases = [nom for nom, _, base in catalogue.entites if base]
    lineage, nom = [], entite if entite in parents else None
    while nom is not None:
        lineage.append(nom)
        nom = parents[nom]
    if not lineage:
        return set()
    asked = catalogue.questions
    declared = {v: taken for e, v, _, taken in asked if e == entite}  # variable → may come from the frame
    own = {v for e, v, ok, _ in asked if e == entite and ok}
    above = {v for e, v, ok, _ in asked if ok and e in (*lineage[1:], *(bases if entite not in bases else ()))}
    kept = own | {v for v in above if declared.get(v, True)}
    return {v for _, v, _, _ in asked} - kept


def _typed(column: pd.Series, type_sql: str) -> ExtensionArray | np.ndarray:
    if type_sql.endswith("[]"):
        return _tuples(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = np.array([*column.cat.categories, None], dtype="object")
        return pd.array(texts[column.cat.codes.to_numpy()], dtype="str")
    return column.array if type_sql == "DATE" else column.astype(DTYPES.get(type_sql, "str")).array


def _enums(con: DuckDBPyConnection, view: str, texts: list[str], campagne: str) -> dict[str, str]:
    """Text column → ENUM type of its values: millions of rows of few values then travel as integers (5 times faster)."""
    lists = ", ".join(f"list_sort(list(DISTINCT {quote(n)}))" for n in texts)
    found = con.execute(f"SELECT {lists} FROM {quote(view)} WHERE campagne = $1", [campagne]).fetchone() or ()
    values = {n: [v for v in vs or () if v is not None] for n, vs in zip(texts, found, strict=True)}
    return {n: f"ENUM({', '.join(map(literal, vs))})" for n, vs in values.items() if vs}


def _tuples(column: pd.Series) -> np.ndarray:
    """Lists as JSON → tuples of codes, each distinct one made once; None where unanswered."""
    codes, uniques = pd.factorize(column.to_numpy(dtype="object"))
    values = np.empty(len(uniques) + 1, dtype="object")
    for i, texte in enumerate(uniques):
        values[i] = tuple(json.loads(texte))
    return values[codes]


def _position(df: pd.DataFrame, other: pd.DataFrame, left: list[str], right: list[str]) -> np.ndarray:
    """Row of `other` with the same key, -1 where there is none."""
    if not len(other) or not len(df):
        return np.full(len(df), -1, dtype="int64")
    target = pd.MultiIndex.from_frame(other[right]) if len(right) > 1 else pd.Index(other[right[0]])
    source = pd.MultiIndex.from_frame(df[left]) if len(left) > 1 else pd.Index(df[left[0]])
    return np.asarray(target.get_indexer(source), dtype="int64")
