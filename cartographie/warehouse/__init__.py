"""The warehouse: the only package that opens DuckDB, a pure function of the kept answers and the declarations.

`build` writes it whole (temporary file, checks, rename); `open_readonly` then `analysis_frame(s)` read it for the tables.
"""

from cartographie.survey.received import Contenu
from cartographie.warehouse.read import (
    analysis_frame,
    analysis_frames,
    fingerprint,
    fingerprints,
    open_readonly,
    provenance,
    totals,
)
from cartographie.warehouse.write import build, verify

__all__ = [
    "Contenu",
    "analysis_frame",
    "analysis_frames",
    "build",
    "fingerprint",
    "fingerprints",
    "open_readonly",
    "provenance",
    "totals",
    "verify",
]
