"""Intake: received files → cells at their coordinates, records, accounts and findings. The only stage that opens them."""

from cartographie.intake.cle import pseudonym_key
from cartographie.intake.lecture import read_depot, read_depots, start_workers, workers_for
from cartographie.intake.snapshot import ingest, read_registre, unregistered, verify
from cartographie.intake.workbook import FormuleNonCalculee

__all__ = [
    "FormuleNonCalculee",
    "ingest",
    "pseudonym_key",
    "read_depot",
    "read_depots",
    "read_registre",
    "start_workers",
    "unregistered",
    "verify",
    "workers_for",
]
