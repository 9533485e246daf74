"""Which program made an output: its version, the fingerprint of its code, the versions of what it computes with."""

from __future__ import annotations

import hashlib
from importlib import metadata, resources
from importlib.resources.abc import Traversable

from cartographie import __version__

CALCUL = ("duckdb", "numpy", "pandas", "pandera", "python-calamine", "XlsxWriter")


def versions() -> dict[str, str]:
    """Versions that can change a figure or a byte. Nothing of the machine: two machines give the same."""
    return {
        "cartographie": __version__,
        "code_sha256": code_fingerprint(),
        **{nom.lower(): metadata.version(nom) for nom in CALCUL},
    }


def code_fingerprint() -> str:
    """sha256 over the package's own files (code, SQL, JSON Schemas, catalogue), by relative path."""
    empreinte = hashlib.sha256()
    for chemin, fichier in sorted(_files(resources.files("cartographie"), "")):
        empreinte.update(f"{chemin}\n{hashlib.sha256(fichier.read_bytes()).hexdigest()}\n".encode())
    return empreinte.hexdigest()


def _files(dossier: Traversable, prefixe: str) -> list[tuple[str, Traversable]]:
    trouves: list[tuple[str, Traversable]] = []
    for f in dossier.iterdir():
        if f.is_dir() and f.name != "__pycache__":
            trouves += _files(f, f"{prefixe}{f.name}/")
        elif f.name.endswith((".py", ".sql", ".json", ".yaml")):
            trouves.append((prefixe + f.name, f))
    return trouves
