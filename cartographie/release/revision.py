"""What a version is, and what a correction changes: a published version is never overwritten, it is replaced by another."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cartographie.errors import UserError
from cartographie.release.comparaison import CHIFFRES, compare_figures, is_table, read_figures

PROVISOIRE, DEFINITIVE, CORRIGEE = NATURES = ("provisoire", "définitive", "corrigée")
FICHIER = "revisions.csv"


@dataclass(frozen=True, slots=True)
class Revision:
    """`nature`: one of NATURES. `remplace`: the release corrected, None when it is the first of its kind."""

    nature: str
    remplace: Path | None = None
    motif: str = ""


def make_revision(nature: str, dossier: Path, remplacee: Path | None, motif: str) -> Revision:
    """A corrected version names the release it replaces, another one than `dossier`, and why. Raises UserError U21, U23."""
    if nature not in NATURES:
        raise UserError("U23", f"« {nature} » n'est pas une nature de version : {', '.join(NATURES)}.")
    if bool(remplacee) != bool(motif.strip()) or (nature == CORRIGEE) != bool(remplacee):
        raise UserError(
            "U23", "une version corrigée, et elle seule, dit ce qu'elle remplace et pourquoi : ajoutez « --nature corrigée », "
            "« --remplace VERSION » et « --motif TEXTE ».",
        )  # fmt: skip
    if remplacee is None:
        return Revision(nature)
    if remplacee == dossier:
        raise UserError(
            "U23", "une version corrigée ne se remplace pas elle-même : donnez-lui un autre nom (--version)."
        )
    read_figures(remplacee)  # says at once that it is no release
    return Revision(nature, remplacee, motif.strip())


def build_revisions(r: Revision, fichiers: Mapping[str, bytes]) -> pd.DataFrame | None:
    """One row: one figure revised: its key, value and status before and after, the cause. None unless it is a correction."""
    if r.remplace is None:
        return None
    nouvelle = pd.concat(
        [
            pd.read_csv(io.BytesIO(contenu), dtype=str, keep_default_na=False, encoding="utf-8")
            for nom, contenu in sorted(fichiers.items())
            if is_table(Path(nom))
        ],
        ignore_index=True,
    )
    ecarts, _ = compare_figures(read_figures(r.remplace)[0], nouvelle)
    cle = list(ecarts.columns[: ecarts.columns.get_loc("ecart")])
    ancien, nouveau = ([f"{c}_{q}" for c in CHIFFRES] for q in ("avant", "apres"))
    return ecarts[[*cle, "ecart", *ancien, *nouveau]].assign(motif=r.motif)
