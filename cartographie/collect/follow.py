"""What was sent back to whom, and when: raw/<campagne>/relances.csv."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import fields
from io import StringIO
from pathlib import Path

from cartographie.base.errors import Statut, UserError
from cartographie.base.files import write_whole
from cartographie.campaign.situation import RELANCES, Relance

# ------------------------------------------------------------------------------------------- what was sent back


def read_relances(dossier: Path) -> list[Relance]:
    """raw/<campagne>/relances.csv: what was sent back to whom, when; [] before the first. Raises UserError U16."""
    chemin = dossier / RELANCES
    if not chemin.exists():
        return []
    colonnes = [f.name for f in fields(Relance)]
    with chemin.open(encoding="utf-8", newline="") as fichier:
        lecteur = csv.DictReader(fichier)
        if lecteur.fieldnames != colonnes:
            raise UserError(
                "U16",
                f"Le journal {chemin} ne se lit plus : ses colonnes doivent être {', '.join(colonnes)}.",
                Statut.USAGE,
            )
        return [Relance(**{c: ligne[c] or "" for c in colonnes}) for ligne in lecteur]


def add_relances(dossier: Path, nouvelles: Sequence[Relance]) -> Path:
    """Append to the journal, whole or not at all."""
    chemin = dossier / RELANCES
    toutes = dict.fromkeys([*read_relances(dossier), *nouvelles])
    texte = StringIO(newline="")
    ecrivain = csv.writer(texte, lineterminator="\n")
    ecrivain.writerow([f.name for f in fields(Relance)])
    ecrivain.writerows([r.destinataire, r.envoye_le] for r in toutes)
    return write_whole(chemin, texte.getvalue().encode())
