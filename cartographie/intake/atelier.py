"""Inside a worker: what it gives up for good, what each task may take, and what it answers."""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path, PurePath
from typing import Any

from cartographie.intake.courrier import Courrier

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_SOCLE = 128 << 20  # address space of a worker that has read nothing; a larger programme's own is not counted
MEMOIRE = 77  # exit status of a worker that ran out of memory


@dataclass(frozen=True, slots=True)
class Limites:
    """What one task may take. `memoire_mo`: the whole address space of its process."""

    memoire_mo: int
    processeur_s: float
    duree_s: float


@dataclass(frozen=True, slots=True)
class Arret:
    """A task that ended its worker. `cause`: "memoire", "duree" or "arret"; `statut`: how the process ended."""

    cause: str
    statut: str = ""


def work(lien: Connection, erreurs: Connection, fonction: Callable[[Any], Any], limites: Limites) -> None:
    """What a worker does of its life: a task, its answer, the next one."""
    _enferme(erreurs, limites)
    gc.disable()  # the cells read are in no cycle: searching them for one costs a fifth of the reading
    courrier = Courrier()
    try:
        while True:
            tache = lien.recv()
            _arme(limites)
            brut = courrier.plie(_rend(fonction, tache))
            _desarme()
            lien.send_bytes(brut)
            del brut, tache
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)
    except MemoryError:
        os._exit(MEMOIRE)


def _rend(fonction: Callable[[Any], Any], tache: Any) -> Any:
    """What the task gives; a fault of ours is told by its kind and place, never by its text, which may quote the file."""
    try:
        return fonction(tache)
    except MemoryError:
        raise
    except Exception as erreur:
        lieux = [(f.f_code.co_filename, n) for f, n in traceback.walk_tb(erreur.__traceback__)]
        return Arret("arret", f"{type(erreur).__name__}, {PurePath(lieux[-1][0]).name}:{lieux[-1][1]}")


def _enferme(erreurs: Connection, limites: Limites) -> None:
    """Give up, for good, what reading a file does not need: memory past the limit, files to write, the terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    sys.dont_write_bytecode = True
    os.environ["RUST_BACKTRACE"] = "0"  # a reader out of memory would need more of it to say where, and wait for ever
    if resource is None:
        return
    os.set_blocking(erreurs.fileno(), False)
    os.dup2(erreurs.fileno(), 1)
    os.dup2(erreurs.fileno(), 2)  # a reader that panics quotes the file: kept from the terminal
    octets = (limites.memoire_mo << 20) + max(0, _occupee() - _SOCLE)
    for nom, valeur in (("RLIMIT_AS", octets), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)):
        with suppress(AttributeError, ValueError, OSError):  # macOS knows some of them by name only
            resource.setrlimit(getattr(resource, nom), (valeur, valeur))


def _occupee() -> int:
    """Bytes of address space this process has taken already; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def _arme(limites: Limites) -> None:
    """The default action of both signals ends the process, native code included."""
    if resource is None:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    plafond = int(usage.ru_utime + usage.ru_stime + limites.processeur_s + 1)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (plafond, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    signal.setitimer(signal.ITIMER_REAL, limites.duree_s)


def _desarme() -> None:
    if resource is not None:
        signal.setitimer(signal.ITIMER_REAL, 0)
