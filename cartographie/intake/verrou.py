"""One writer at a time in a folder of raw/: an exclusive lock held on its file `.verrou`, given back even by a killed process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cartographie.errors import Statut, UserError

try:
    import fcntl
except ImportError:  # no such lock outside POSIX: one reception at a time is then the user's business
    fcntl = None  # type: ignore[assignment]

VERROU = ".verrou"
ATTENTE = 10.0  # seconds a writer waits for another one


@contextmanager
def locked(dossier: Path) -> Iterator[None]:
    """Alone in `dossier` (created if need be). Raises UserError E17 when another writer keeps it too long."""
    dossier.mkdir(parents=True, exist_ok=True)
    chemin, fin = dossier / VERROU, time.monotonic() + ATTENTE
    while (descripteur := _take(chemin)) is None:
        if time.monotonic() > fin:
            raise busy(dossier)
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


def busy(dossier: Path) -> UserError:
    message = f"une autre réception est en cours dans {dossier} ; attendez sa fin puis relancez."
    return UserError("E17", message, Statut.OCCUPE)
