"""Read the warehouse: open it without waiting for ever, give analysis frames, fingerprint its content."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd

from cartographie.base.errors import UserError
from cartographie.warehouse import scheme
from cartographie.warehouse.connection import connect, is_locked, is_on_disk, log_of
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


def analysis_frame(con: DuckDBPyConnection, entite: str, campagne: str) -> pd.DataFrame:
    """One row: one row of the analysis view of `entite` (an entity, `<entity>_panel`, `qualite_variable`, `anomalie`).

    Variables the campaign neither asked nor derived have no column; multiple choices are tuples; rows are sorted by key.
    Raises KeyError when there is no such grain.
    """
    view = _view(con, entite)
    columns = [(r[0], r[1]) for r in con.execute(f"DESCRIBE {quote(view)}").fetchall()]
    absent = _not_asked(con, entite, campagne)
    columns = [(n, t) for n, t in columns if n not in absent and n != "campagne"]
    enums = _enums(con, view, [n for n, _ in columns], campagne) if entite == QUALITE else {}
    lists = _lists(con, view, [n for n, t in columns if t.endswith("[]")], campagne)
    selected = ", ".join(
        f"CAST({quote(n)} AS {enums.get(n, 'VARCHAR')}) AS {quote(n)}" if n in enums or n in lists else quote(n)
        for n, _ in columns
    )
    keys = [n for n, _ in columns if n in ("id_base", "id_repondant", "ordinal")]
    if entite in ("anomalie", QUALITE):
        keys = ["ALL"]
    elif "id_base" in keys and "id_repondant" in keys and "ordinal" in keys:
        keys.remove("id_base")
    order = ", ".join(keys)
    df = con.execute(f"SELECT {selected} FROM {quote(view)} WHERE campagne = $1 ORDER BY {order}", [campagne]).df()
    for nom, type_sql in columns:
        df[nom] = _tuples(df[nom], lists[nom]) if nom in lists else _typed(df[nom], type_sql)
    return df.copy()


def analysis_frames(
    con: DuckDBPyConnection, campagne: str, grains: Collection[str] | None = None
) -> dict[str, pd.DataFrame]:
    """Grain → its analysis frame, RangeIndex: every entity, and the other grains asked for (None: all there are).

    `parent`: label in the parent's frame; `base_ligne` (main root): label in the frame's; -1 where there is none: what
    cartographie.conditions.Contexte evaluates conditions on.
    """
    rows = con.execute("SELECT entite, parent, base FROM entite ORDER BY rang").fetchall()
    frames = {nom: analysis_frame(con, nom, campagne) for nom, _, _ in rows}
    others = _grains(con) if grains is None else set(grains)
    frames |= {nom: analysis_frame(con, nom, campagne) for nom in sorted(others - set(frames))}
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


def _views(con: DuckDBPyConnection) -> set[str]:
    return {r[0] for r in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}


def _grains(con: DuckDBPyConnection) -> set[str]:
    """Every grain `analysis_frame` knows."""
    return {v.removeprefix("analyse_") for v in _views(con)} - {"etat_variable"}


def _view(con: DuckDBPyConnection, entite: str) -> str:
    known = _views(con)
    for name in (f"analyse_{entite}", entite):
        if name in known:
            return name
    raise KeyError(entite)


def _not_asked(con: DuckDBPyConnection, entite: str, campagne: str) -> set[str]:
    """Variables whose column would hold nothing but « not asked » in that campaign."""
    entite = entite.removesuffix("_panel")
    rows = con.execute("SELECT entite, parent, base FROM entite ORDER BY rang").fetchall()
    parents, bases = {r[0]: r[1] for r in rows}, [r[0] for r in rows if r[2]]
    lineage, nom = [], entite if entite in parents else None
    while nom is not None:
        lineage.append(nom)
        nom = parents[nom]
    if not lineage:
        return set()
    asked = con.execute(
        "SELECT entite, variable, disponible, depuis_base FROM question WHERE campagne = $1", [campagne]
    ).fetchall()
    declared = {v: taken for e, v, _, taken in asked if e == entite}  # variable → may come from the frame
    own = {v for e, v, ok, _ in asked if e == entite and ok}
    above = {v for e, v, ok, _ in asked if ok and e in (*lineage[1:], *(bases if entite not in bases else ()))}
    kept = own | {v for v in above if declared.get(v, True)}
    return {v for _, v, _, _ in asked} - kept


def _typed(column: pd.Series, type_sql: str) -> pd.Series:
    if type_sql in ("BIGINT", "INTEGER"):
        return column.astype("Int64")
    if type_sql == "DOUBLE":
        return column.astype("Float64")
    if type_sql == "BOOLEAN":
        return column.astype("boolean")
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = np.array([*column.cat.categories, None], dtype="object")
        return pd.Series(texts[column.cat.codes.to_numpy()], index=column.index, dtype="str")
    return column.astype("str") if type_sql == "VARCHAR" else column


def _enums(con: DuckDBPyConnection, view: str, names: list[str], campagne: str) -> dict[str, str]:
    """Text column → ENUM type of its values: millions of rows of few values then travel as integers (5 times faster)."""
    types = {r[0]: r[1] for r in con.execute(f"DESCRIBE {quote(view)}").fetchall()}
    texts = [n for n in names if types[n] == "VARCHAR"]
    lists = ", ".join(f"list_sort(list(DISTINCT {quote(n)}))" for n in texts)
    found = con.execute(f"SELECT {lists} FROM {quote(view)} WHERE campagne = $1", [campagne]).fetchone() or ()
    values = {n: [v for v in vs or () if v is not None] for n, vs in zip(texts, found, strict=True)}
    return {n: f"ENUM({', '.join(map(literal, vs))})" for n, vs in values.items() if vs}


def _lists(
    con: DuckDBPyConnection, view: str, names: list[str], campagne: str
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Column of lists → its distinct ones by the name DuckDB writes for each: each list is then made a tuple once."""
    if not names:
        return {}
    both = ", ".join(f"list(DISTINCT {{'nom': {quote(n)}::VARCHAR, 'codes': {quote(n)}}})" for n in names)
    found = con.execute(f"SELECT {both} FROM {quote(view)} WHERE campagne = $1", [campagne]).fetchone() or ()
    return {
        n: {v["nom"]: tuple(v["codes"]) for v in vs or () if v["codes"] is not None}
        for n, vs in zip(names, found, strict=True)
    }


def _tuples(column: pd.Series, lists: Mapping[str, tuple[str, ...]]) -> pd.Series:
    """Names of lists → tuples of codes, None where unanswered."""
    codes, uniques = pd.factorize(column.to_numpy(dtype="object"), use_na_sentinel=True)
    values: np.ndarray[Any, Any] = np.empty(len(uniques) + 1, dtype="object")
    for i, name in enumerate(uniques):
        values[i] = lists[name]
    return pd.Series(values[codes], index=column.index, dtype="object")


def _position(df: pd.DataFrame, other: pd.DataFrame, left: list[str], right: list[str]) -> np.ndarray:
    """Row of `other` with the same key, -1 where there is none."""
    if not len(other) or not len(df):
        return np.full(len(df), -1, dtype="int64")
    target = pd.MultiIndex.from_frame(other[right]) if len(right) > 1 else pd.Index(other[right[0]])
    source = pd.MultiIndex.from_frame(df[left]) if len(left) > 1 else pd.Index(df[left[0]])
    return np.asarray(target.get_indexer(source), dtype="int64")
