"""What is on disk: written whole or not at all by one writer at a time; and its fingerprints, the program's included."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from io import StringIO
from pathlib import Path
from typing import BinaryIO

from cartographie import STAGES, __version__
from cartographie.base.errors import UserError

# -------------------------------------------------------------------------------------------
# What is written on disk: whole or not at all, on disk for good, by one writer at a time.

try:
    import fcntl
except ImportError:  # no such lock outside POSIX: one reception at a time is then the user's business
    fcntl = None  # type: ignore[assignment]

VERROU = ".verrou"
ATTENTE = 10.0  # seconds a writer waits for another one


def write_whole(chemin: Path, contenu: bytes | Callable[[BinaryIO], object], mode: int = 0o666) -> Path:
    """The file before, or the file after; its path. `contenu`: bytes, or what writes them. Raises OSError naming the file."""
    provisoire = chemin.with_name(f".{chemin.name}.part")
    try:
        provisoire.unlink(missing_ok=True)  # what a killed process left, perhaps of another mode
        with open(provisoire, "xb", opener=lambda nom, drapeaux: os.open(nom, drapeaux, mode)) as sortie:
            if isinstance(contenu, bytes):
                sortie.write(contenu)
            else:
                contenu(sortie)
            sortie.flush()
            os.fsync(sortie.fileno())
        provisoire.replace(chemin)
    except OSError as e:  # a full disk does not say which file it had no room for
        raise OSError(e.errno, e.strerror, str(chemin)) from None
    finally:
        provisoire.unlink(missing_ok=True)
    return chemin


def csv_text(entete: Iterable[object], lignes: Iterable[Iterable[object]] = ()) -> str:
    """A table as this program keeps it: commas, line feeds."""
    texte = StringIO(newline="")
    plume = csv.writer(texte, lineterminator="\n")
    plume.writerow(entete)
    plume.writerows(lignes)
    return texte.getvalue()


@contextmanager
def whole_folder(dossier: Path, mode: int = 0o777) -> Iterator[Path]:
    """A hidden folder to fill, which then takes the place of `dossier`: any failure leaves what was there."""
    recover_folder(dossier)
    attente, ancienne = _beside(dossier)
    shutil.rmtree(attente, ignore_errors=True)
    try:
        attente.mkdir(mode=mode, parents=True)
        yield attente
        if dossier.exists():
            dossier.rename(ancienne)
        attente.rename(dossier)
    except OSError as e:
        raise OSError(e.errno, e.strerror, e.filename or str(dossier)) from None
    finally:
        shutil.rmtree(attente, ignore_errors=True)
        recover_folder(dossier)


def recover_folder(dossier: Path) -> None:
    """Put back what a `whole_folder` killed between its two renames had set aside; throw away what it replaced."""
    ancienne = _beside(dossier)[1]
    if dossier.exists():
        shutil.rmtree(ancienne, ignore_errors=True)
    elif ancienne.exists():
        ancienne.rename(dossier)


def _beside(dossier: Path) -> tuple[Path, Path]:
    return dossier.with_name(f".{dossier.name}.en_cours"), dossier.with_name(f".{dossier.name}.ancienne")


@contextmanager
def locked(dossier: Path, qui: str = "une autre réception est en cours") -> Iterator[None]:
    """Alone in `dossier` (created if need be), by a lock on its file `.verrou` that even a killed process gives back.

    Raises UserError E17 when another writer (`qui`) keeps it too long."""
    dossier.mkdir(parents=True, exist_ok=True)
    chemin, fin = dossier / VERROU, time.monotonic() + ATTENTE
    while (descripteur := _take(chemin)) is None:
        if time.monotonic() > fin:
            raise busy(dossier, qui)
        time.sleep(0.05)
    try:
        yield
    finally:
        chemin.unlink(missing_ok=True)  # still held: whoever was waiting sees that its own file is no longer the lock
        os.close(descripteur)


def _take(chemin: Path) -> int | None:
    """The descriptor holding the lock, or None when another process has it."""
    descripteur = os.open(chemin, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if fcntl is not None:
            fcntl.flock(descripteur, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descripteur), chemin.stat()):
            return descripteur
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descripteur)
        raise
    os.close(descripteur)
    return None


def is_locked(dossier: Path) -> bool:
    """True while another process writes in `dossier`. Writes nothing."""
    try:
        descripteur = os.open(dossier / VERROU, os.O_RDONLY)
    except OSError:
        return False
    try:
        if fcntl is not None:
            fcntl.flock(descripteur, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descripteur)


def busy(dossier: Path, qui: str = "une autre réception est en cours") -> UserError:
    return UserError("E17", f"{qui} dans {dossier} ; attendez sa fin puis relancez.")


# -------------------------------------------------------------------------------------------
# Fingerprints: of a file; and which program made something: fingerprint of the code, libraries that can change a figure or a byte.

CODE = (".py", ".sql", ".csv", ".json", ".yaml", ".j2", ".css", ".js")


def versions(etape: str = "") -> dict[str, str]:
    """Versions that can change a figure or a byte: of the whole program, or of what gives one stage's result (STAGES).

    Nothing of the machine: two machines give the same."""
    if etape:
        pieces, bibliotheques = STAGES[etape]
        return {"code_sha256": code_fingerprint(pieces), **{n: metadata.version(n) for n in bibliotheques.split()}}
    programme = {"cartographie": __version__, "code_sha256": code_fingerprint()}
    return programme | {nom.lower(): metadata.version(nom) for nom in _packages()}


def _packages() -> list[str]:
    """The direct dependencies, and numpy, which they all compute with."""
    declares = [r for r in metadata.requires("cartographie") or () if "extra ==" not in r]
    return sorted({"numpy", *(re.split(r"[\[<>=!~; ]", r, maxsplit=1)[0] for r in declares)}, key=str.lower)


@lru_cache
def code_fingerprint(pieces: str = "") -> str:
    """sha256 over the package's own files (code, SQL, JSON Schemas, catalogue), or over those of some rooms, by relative path."""
    gardees = set(pieces.split())
    empreinte = hashlib.sha256()
    for chemin, fichier in sorted(_files(resources.files("cartographie"), "")):
        if not gardees or chemin.split("/")[0] in gardees:
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
