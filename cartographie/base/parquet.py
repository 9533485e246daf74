"""A frame as a Parquet file, and back. Same frame, same bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pandas as pd


def to_parquet(df: pd.DataFrame) -> bytes:
    """Texts are UTF-8, a missing value is null, in text columns too."""
    with tempfile.TemporaryDirectory() as dossier, duckdb.connect(config={"threads": 1}) as con:
        chemin = Path(dossier) / "tableau.parquet"
        con.register("trame", df.astype({c: object for c in df.columns if df[c].dtype.kind == "O"}))
        con.execute("COPY (SELECT * FROM trame) TO ? (FORMAT parquet, COMPRESSION zstd)", [str(chemin)])
        return chemin.read_bytes()


def read_parquet(chemin: Path) -> pd.DataFrame:
    """Raises ValueError when it is no Parquet file."""
    with duckdb.connect(config={"threads": 1}) as con:
        try:
            return con.execute("SELECT * FROM read_parquet(?)", [str(chemin)]).df()
        except duckdb.Error:
            raise ValueError(f"{chemin.name} is no Parquet file") from None
