"""A release verified again by whoever holds what was received, and signed by whoever answers for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cartographie import bilans
from cartographie.errors import UserError
from cartographie.pipeline.commun import Bilan, Progres


def audit(
    dossier: Path, raw: Path | None, sans_brut: bool, rapport: Path | None, signataires: Path | None, progres: Progres
) -> Bilan:
    """Every step, every difference; status 16 when there is one. Nothing of the workspace is written but the report."""
    from cartographie.audit import audit_release, format_html, format_markdown, to_plain

    if raw is None and not sans_brut:
        raw = _beside(dossier)
    if signataires is not None and not signataires.is_file():
        raise UserError(
            "U24", f"« {signataires} » n'existe pas : donnez un fichier de signataires (OpenSSH, allowed_signers)."
        )

    def refaire(projet: Path, manifeste: Mapping[str, Any]) -> Any:
        from cartographie.pipeline.publication import prepare
        from cartographie.pipeline.traitement import load

        load(projet, 0, True, progres)
        r = manifeste.get("revision") or {}
        annee, version = str(manifeste["campagne"]), str(manifeste["version"])
        return prepare(
            projet, annee, version, str(manifeste["date"]), True, progres, str(r.get("nature") or "provisoire"),
            str(r.get("remplace") or ""), str(r.get("motif") or ""),
        )  # fmt: skip

    a = audit_release(dossier, raw, refaire, signataires, progres)
    ecrits = []
    if rapport is not None:
        rapport.mkdir(parents=True, exist_ok=True)
        for nom, texte in (
            ("audit.html", format_html(a)),
            ("audit.md", format_markdown(a)),
            ("audit.json", json.dumps(to_plain(a), ensure_ascii=False, indent=1) + "\n"),
        ):
            (rapport / nom).write_text(texte, encoding="utf-8")
            ecrits.append(rapport / nom)
    return bilans.audit(a, ecrits)


def sign(dossier: Path, cle: Path, projet: Path) -> Bilan:
    """manifeste.json.sig, beside the manifest."""
    from cartographie.release.signature import sign_release

    return bilans.sign(dossier, sign_release(dossier, cle, projet))


def _beside(dossier: Path) -> Path:
    """raw/<campagne> of the workspace the release is in. Raises UserError U24 when it is not there."""
    projet = dossier.resolve().parents[2]
    raw = projet / "raw" / dossier.resolve().parent.name
    if not raw.is_dir():
        raise UserError("U24", f"« {raw} » n'existe pas : donnez --raw raw/<campagne>, ou --sans-brut.")
    return raw
