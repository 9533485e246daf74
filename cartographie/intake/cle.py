"""The key of the pseudonyms of personal identifiers: raw/.cle_pseudonymes, drawn once per workspace, never in an output."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from cartographie.disque import locked, write_whole
from cartographie.errors import Statut, UserError
from cartographie.identifiers import published_key
from cartographie.model import Questionnaire, TypeVariable

CLE = ".cle_pseudonymes"
OCTETS = 32


def pseudonym_key(projet: Path, q: Questionnaire) -> bytes:
    """The workspace's key, drawn and written (mode 0600) at the first need; b"" when no identifier is personal.

    A survey declared fictitious has a published key instead: nobody to protect, the same outputs on any machine. Raises
    UserError U15 when the file is not the key it was.
    """
    if not _needed(q):
        return b""
    if q.enquete.get("fictif"):
        return published_key(str(q.enquete.get("titre", "")))
    chemin = Path(projet) / "raw" / CLE
    if not chemin.exists():
        with locked(chemin.parent):
            if not chemin.exists():
                _draw(chemin)
    texte = chemin.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(f"[0-9a-f]{{{2 * OCTETS}}}", texte):
        raise UserError(
            "U15",
            f"La clé des pseudonymes {chemin} est abîmée : restaurez-la depuis une sauvegarde (sans elle, les pseudonymes "
            "déjà diffusés ne se retrouvent plus).",
            Statut.FICHIER_REFUSE,
        )
    return bytes.fromhex(texte)


def _needed(q: Questionnaire) -> bool:
    personnel = any(v.personnel and v.type is TypeVariable.RPPS for v in q.variables.values())
    return personnel or any(voie.get("hache") for e in q.entites.values() for voie in e.identifiant)


def _draw(chemin: Path) -> None:
    write_whole(chemin, f"{secrets.token_bytes(OCTETS).hex()}\n".encode(), 0o600)
