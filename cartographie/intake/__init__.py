"""Intake: received files → cells at their coordinates, records, accounts and findings. The only stage that opens them."""

from cartographie.intake.cle import pseudonym_key
from cartographie.intake.lecture import (
    Ouverture,
    iter_depots,
    open_depots,
    read_depot,
    read_depots,
    start_workers,
    workers_for,
)
from cartographie.intake.snapshot import altered, ingest, list_files, read_registre, unregistered, verify
from cartographie.intake.workbook import FormuleNonCalculee

__all__ = [
    "FormuleNonCalculee",
    "altered",
    "Ouverture",
    "ingest",
    "iter_depots",
    "list_files",
    "open_depots",
    "pseudonym_key",
    "read_depot",
    "read_depots",
    "read_registre",
    "start_workers",
    "unregistered",
    "verify",
    "workers_for",
]
