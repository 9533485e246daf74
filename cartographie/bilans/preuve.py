"""What an audit and a signature report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.errors import Statut

if TYPE_CHECKING:
    from cartographie.audit import Audit

Bilan = dict[str, Any]


def audit(a: Audit, ecrits: Sequence[Path]) -> Bilan:
    """A verdict per step, then what was found; status 16 when something differs."""
    from cartographie.audit.rapport import conclusion, to_plain

    lignes = [f"{e.titre} : {c}" for e in a.etapes for c in e.constats]
    return {
        **to_plain(a), "titre": conclusion(a), "lignes": lignes,
        "tables": [{"entete": ["étape", "verdict"], "rangs": [[e.titre, str(e.verdict)] for e in a.etapes]}],
        "suite": [f"Rapport : {p}" for p in ecrits],
        "statut": int(Statut.FAIT if a.conforme else Statut.AUDIT),
    }  # fmt: skip


def sign(dossier: Path, signature: Path) -> Bilan:
    return {
        "titre": f"Publication signée : {signature}.",
        "lignes": [],
        "dossier": str(dossier),
        "signature": str(signature),
    }
