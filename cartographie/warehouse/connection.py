"""How DuckDB is opened: no file, network or extension access from SQL, configuration locked."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import duckdb

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}


def connect(chemin: Path, *, read_only: bool = False, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Raise duckdb errors as they come: the callers word them. `threads`: default, as many as there are processors."""
    config = CONFIG if threads is None else {**CONFIG, "threads": threads}
    con = duckdb.connect(str(chemin), read_only=read_only, config=config)
    con.execute("SET lock_configuration = true")
    return con


_DU_FICHIER = (
    duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException, duckdb.OutOfMemoryException,
)  # fmt: skip
_DITS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE, errno.ENOMEM)


def log_of(chemin: Path) -> Path:
    """Where DuckDB keeps what it has not yet written into the file."""
    return chemin.with_name(chemin.name + ".wal")


def is_on_disk(erreur: Exception) -> bool:
    """The file cannot be read or written; otherwise the query is wrong. A block whose checksum differs has no class of its own."""
    return isinstance(erreur, _DU_FICHIER) or type(erreur) is duckdb.Error


def system_error(erreur: Exception) -> int:
    """The `errno` that DuckDB says in its own words."""
    texte = str(erreur)
    return next((n for n in _DITS if os.strerror(n) in texte), errno.EIO)


def is_locked(erreur: Exception) -> bool:
    """Another process (or a connection of this one, opened differently) holds the file."""
    text = str(erreur).lower()
    return any(t in text for t in ("set lock", "conflicting lock", "different configuration", "being used by"))
