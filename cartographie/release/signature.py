"""Signed manifests: SSH signatures (OpenSSH, `ssh-keygen -Y`), made and verified by ssh-keygen itself.

The manifest holds the fingerprint of every other file: signing it signs the release. Keys stay outside the workspace.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from cartographie.disque import write_whole
from cartographie.errors import UserError
from cartographie.release.manifest import NOM

SIGNATURE = f"{NOM}.sig"
DELAI = 300  # seconds, to type a passphrase
ESPACE_DE_NOMS = "cartographie"  # a signature made for something else is not one of a release


def sign_release(dossier: Path, cle: Path, projet: Path) -> Path:
    """Write manifeste.json.sig. Raises UserError U21 (no release), U24 (no tool, no key), U25 (a key inside the workspace)."""
    if not (dossier / NOM).is_file():
        raise UserError("U21", f"« {dossier} » n'est pas une publication (pas de {NOM}).")
    if not cle.is_file():
        raise UserError(
            "U24", f"« {cle} » n'existe pas : donnez une clé privée SSH (ssh-keygen -t ed25519 en crée une)."
        )
    if cle.resolve().is_relative_to(projet.resolve()):
        raise UserError(
            "U25", f"« {cle} » est dans l'espace de travail : gardez les clés ailleurs, elles y seraient partagées."
        )
    fini = _ssh_keygen("-Y", "sign", "-q", "-f", str(cle), "-n", ESPACE_DE_NOMS, entree=(dossier / NOM).read_bytes())
    if fini.returncode or not fini.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise UserError("U24", f"ssh-keygen n'a pas signé avec « {cle} » : vérifiez la clé et sa phrase secrète.")
    return write_whole(dossier / SIGNATURE, fini.stdout)


def verify_signature(dossier: Path, signataires: Path | None) -> tuple[bool, str]:
    """(valid, what is said of it). `signataires`: an OpenSSH allowed_signers file; without it, the signer is not known."""
    texte, signature = (dossier / NOM).read_bytes(), str(dossier / SIGNATURE)
    if signataires is None:
        fini = _ssh_keygen("-Y", "check-novalidate", "-n", ESPACE_DE_NOMS, "-s", signature, entree=texte)
        if fini.returncode:
            return False, "La signature n'est pas celle de ce manifeste."
        cle = fini.stdout.decode(errors="replace").strip().rsplit(" ", 1)[-1]
        return True, f"Signature intacte, de la clé {cle} ; donnez --signataires pour savoir de qui."
    trouve = _ssh_keygen("-Y", "find-principals", "-s", signature, "-f", str(signataires))
    noms = trouve.stdout.decode(errors="replace").split()
    for nom in noms[:1]:
        fini = _ssh_keygen(
            "-Y", "verify", "-f", str(signataires), "-I", nom, "-n", ESPACE_DE_NOMS, "-s", signature, entree=texte
        )
        if not fini.returncode:
            return True, f"Signé par {nom}."
        return False, "La signature n'est pas celle de ce manifeste."
    return False, "La clé qui a signé n'est pas dans la liste des signataires."


def _ssh_keygen(*arguments: str, entree: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    outil = shutil.which("ssh-keygen")
    if outil is None:
        raise UserError("U24", "ssh-keygen est introuvable : installez OpenSSH pour signer ou vérifier une signature.")
    try:
        return subprocess.run([outil, *arguments], input=entree, capture_output=True, timeout=DELAI, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(
            "U24", "ssh-keygen n'a pas répondu : relancez, et tapez la phrase secrète de la clé quand il la demande."
        ) from None
