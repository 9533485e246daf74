"""Is a campaign plausible enough to be published? Volumes and links to the frame, against the campaign's thresholds.

A file that came back malformed can empty a published table without any cell being wrong: that is seen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cartographie.errors import Statut, UserError
from cartographie.phrases import espace


@dataclass(frozen=True, slots=True)
class Volume:
    """Kept answers of a campaign, and those of them linked to a unit of its frame (None without a frame)."""

    reponses: int
    rattachees: int | None


def require_plausible(volume: Volume, precedent: Volume | None, seuils: Mapping[str, Any], annee: str) -> None:
    """Raise UserError E13 (status 13) naming each threshold of `seuils` that is not reached; one not declared is not asked.

    `rapprochement_min_pct`: share of the answers linked to the frame. `effectif_min_pct`: answers, in % of the previous
    campaign's.
    """
    fautes = []
    minimum = seuils.get("rapprochement_min_pct")
    if minimum is not None and volume.rattachees is not None:
        part = 100 * volume.rattachees / volume.reponses if volume.reponses else 0.0
        if part < minimum:
            fautes.append(
                f"{espace(volume.rattachees)} réponses sur {espace(volume.reponses)} sont rattachées à la base de sondage, "
                f"moins de {minimum:g} %"
            )
    minimum = seuils.get("effectif_min_pct")
    if minimum is not None and precedent is not None and volume.reponses < minimum / 100 * precedent.reponses:
        fautes.append(
            f"{espace(volume.reponses)} réponses gardées contre {espace(precedent.reponses)} à l'édition précédente, "
            f"moins de {minimum:g} %"
        )
    if fautes:
        raise UserError(
            "E13",
            f"La campagne {annee} n'est pas vraisemblable : {' ; '.join(fautes)} ; vérifiez les fichiers reçus, ou revoyez "
            f"« seuils » dans schemas/{annee}/campagne.yaml.",
            Statut.IMPLAUSIBLE,
        )
