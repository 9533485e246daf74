"""Intake: received files → cells at their coordinates, records, accounts and findings. The only stage that opens them."""

from cartographie.intake.lecture import read_depot, read_depots, start_workers, workers_for
from cartographie.intake.snapshot import ingest, read_registre, verify
from cartographie.intake.workbook import FormuleNonCalculee

__all__ = [
    "FormuleNonCalculee",
    "ingest",
    "read_depot",
    "read_depots",
    "read_registre",
    "start_workers",
    "verify",
    "workers_for",
]
