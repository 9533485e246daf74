"""Fingerprints: of a file; and which program made something: version, fingerprint of the code, libraries that can change a figure or a byte."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from cartographie import __version__

CODE = (".py", ".sql", ".json", ".yaml", ".html", ".css", ".js")


def versions() -> dict[str, str]:
    """Versions that can change a figure or a byte. Nothing of the machine: two machines give the same."""
    return {
        "cartographie": __version__,
        "code_sha256": code_fingerprint(),
        **{nom.lower(): metadata.version(nom) for nom in _packages()},
    }


def _packages() -> list[str]:
    """The direct dependencies, and numpy, which they all compute with."""
    declares = [r for r in metadata.requires("cartographie") or () if "extra ==" not in r]
    return sorted({"numpy", *(re.split(r"[\[<>=!~; ]", r, maxsplit=1)[0] for r in declares)}, key=str.lower)


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """sha256 over the package's own files (code, SQL, JSON Schemas, catalogue), by relative path."""
    empreinte = hashlib.sha256()
    for chemin, fichier in sorted(_files(resources.files("cartographie"), "")):
        empreinte.update(f"{chemin}\n{hashlib.sha256(fichier.read_bytes()).hexdigest()}\n".encode())
    return empreinte.hexdigest()


def sha256_of(chemin: Path) -> str:
    """Of a file's bytes, however big. Raises OSError."""
    with chemin.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _files(dossier: Traversable, prefixe: str) -> list[tuple[str, Traversable]]:
    trouves: list[tuple[str, Traversable]] = []
    for f in dossier.iterdir():
        if f.is_dir() and f.name != "__pycache__":
            trouves += _files(f, f"{prefixe}{f.name}/")
        elif f.name.endswith(CODE):
            trouves.append((prefixe + f.name, f))
    return trouves
