"""Tasks in worker processes: received bytes read under limits, a death costing its task alone; or work of our own."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import pickle
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, is_dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")

# -------------------------------------------------------------------------------------------
# The mail of the workers: results as pickles, of which the receiver rebuilds values and calls nothing.
#
# A reader of hostile files may be taken over: what it sends is one more received file.

_MEMO = 1_000_000  # bytes of results among which one may refer to another
_SUITE, _REPART = b"+", b"*"
_DATES = {"date", "datetime", "time", "timedelta", "timezone"}


class Courrier:
    """What a worker sends: results as pickles that refer to one another, for all files of a kind say the same of them."""

    def __init__(self) -> None:
        self.tampon = io.BytesIO()
        self.plieur = pickle.Pickler(self.tampon, protocol=5)
        self.garde: list[Any] = []  # a reference is to a living object
        self.octets = 0

    def plie(self, objet: object) -> bytes:
        repart = self.octets > _MEMO or not self.garde
        if repart:
            self.plieur.clear_memo()
            self.garde.clear()
            self.octets = 0
        self.tampon.seek(0)
        self.tampon.truncate()
        self.tampon.write(_REPART if repart else _SUITE)
        self.plieur.dump(objet)
        self.garde.append(objet)
        brut = self.tampon.getvalue()
        self.octets += len(brut)
        return brut


class Reception:
    """The other end of a Courrier. `sur`: what sends has read nothing received, so anything is rebuilt."""

    def __init__(self, sur: bool = False) -> None:
        self.genre = pickle.Unpickler if sur else _Lecteur
        self.tampon = io.BytesIO()
        self.lecteur = self.genre(self.tampon)

    def deplie(self, brut: bytes) -> object:
        self.tampon = io.BytesIO(brut) if brut[:1] == _REPART else self.tampon
        if brut[:1] == _REPART:
            self.lecteur = self.genre(self.tampon)
        else:
            self.tampon.seek(0)
            self.tampon.truncate()
            self.tampon.write(brut)
        self.tampon.seek(1)
        return self.lecteur.load()


class _Lecteur(pickle.Unpickler):
    """Rebuilds what a worker sent: values of this package and dates, nothing else can be called."""

    def find_class(self, module: str, nom: str) -> type:
        if module == "datetime" and nom in _DATES:
            return super().find_class(module, nom)
        if module.startswith("cartographie.") and nom.isidentifier():
            trouve = super().find_class(module, nom)
            if isinstance(trouve, type) and trouve.__module__ == module and _est_valeur(trouve):
                return trouve
        raise pickle.UnpicklingError("valeur inattendue")


def _est_valeur(classe: type) -> bool:
    return is_dataclass(classe) or issubclass(classe, (str, int, tuple))


# -------------------------------------------------------------------------------------------
# Inside a worker: what it gives up for good, what each task may take, and what it answers.

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


def work(lien: Connection, erreurs: Connection, fonction: Callable[[Any], Any], limites: Limites | None) -> None:
    """What a worker does of its life: a task, its answer, the next one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    if limites:
        _enferme(erreurs, limites)
        gc.disable()  # the cells read are in no cycle: searching them for one costs a fifth of the reading
    courrier = Courrier()
    try:
        while True:
            tache = lien.recv()
            if limites:
                _arme(limites)
            brut = courrier.plie(_rend(fonction, tache))
            if limites:
                _desarme()
            lien.send_bytes(brut)
            del brut, tache
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)
    except MemoryError:
        os._exit(MEMOIRE)


def _rend(fonction: Callable[[Any], Any], tache: object) -> object:
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


# -------------------------------------------------------------------------------------------
# Worker processes that may be killed: each task under memory, processor and wall limits, a death costing its task alone.
#
# A worker answers each task as soon as it is done, on its own pipe, so the task a death falls on is the first one it had
# not answered. What remained in its queue was never begun and goes to another worker. Without `resource` or interval
# timers (Windows), the parent keeps the wall limit by itself and memory is not limited.

SERVEUR = "forkserver" in multiprocessing.get_all_start_methods()
_AVANCE = 2  # tasks given to a reader: the one it does, and the next one, for both are short to tell
_FENETRE = 32  # tasks given out and not yet handed over, per worker: the memory a slow task may make the others take
_POIDS = 64_000_000  # and their weight together
_POULS = 0.002  # seconds after which the workers are listened to between two results
_GRACE = 2.0  # seconds left to a worker past its wall limit before its parent ends it


@dataclass(slots=True)
class _Ouvrier:
    processus: Any
    lien: Connection
    erreurs: Connection
    file: deque[int] = field(default_factory=deque)  # tasks given and not answered, in order
    reception: Reception = field(default_factory=Reception)
    rendues: int = 0
    depuis: float = 0.0  # when it began its present task, as far as known

    def donne(self, rang: int, tache: object) -> None:
        if not self.file:
            self.depuis = time.monotonic()
        self.file.append(rang)
        with suppress(OSError):  # dead already: noticed when it is waited for
            self.lien.send(tache)


def run_isolated(
    fonction: Callable[[Any], Any],
    taches: Iterable[Any],
    limites: Limites,
    ouvriers: int = 1,
    poids: Callable[[Any], int] = lambda _: 0,
) -> Iterator[Any]:
    """`fonction(task)` of each task, in order, an Arret in place of those that ended their worker.

    Bounded: the next task is drawn only when the ones given out and not yet handed over are few, and light by `poids`.
    `fonction` must be picklable and raise nothing but for lack of memory.
    """
    with closing(_run(fonction, taches, limites, ouvriers, poids)) as faits:
        for _, fait in faits:
            yield fait


def run_tasks(fonction: Callable[[T], Any], taches: Iterable[T], ouvriers: int) -> Iterator[tuple[T, Any]]:
    """(task, `fonction(task)`) of each, in order, drawn as they are done: work of our own, on nothing but our own values.

    Raises MemoryError, or RuntimeError (a bug) telling the kind and place of the fault."""
    with closing(_run(fonction, taches, None, ouvriers, lambda _: 0)) as faits:
        for tache, fait in faits:
            if isinstance(fait, Arret):
                raise MemoryError if fait.cause == "memoire" else RuntimeError(fait.statut)
            yield tache, fait


def _run(
    fonction: Callable[[T], Any], taches: Iterable[T], limites: Limites | None, ouvriers: int, poids: Callable[[T], int]
) -> Generator[tuple[T, Any], None, None]:
    equipe = _Equipe(fonction, limites, max(1, ouvriers))
    try:
        yield from equipe.resultats(iter(taches), poids)
    finally:
        equipe.arrete()


class _Equipe:
    """The workers of one run, and what they have been given."""

    def __init__(self, fonction: Callable[[Any], Any], limites: Limites | None, nombre: int) -> None:
        self.contexte: Any = multiprocessing.get_context("forkserver" if SERVEUR else "spawn")
        start_server(getattr(fonction, "func", fonction).__module__)
        self.fonction, self.limites, self.nombre = fonction, limites, nombre
        # a task of our own may fill the pipe while its answer fills the other way
        self.avance = _AVANCE if limites else 1
        self.ouvriers: list[_Ouvrier] = []
        self.taches: dict[int, Any] = {}  # given out, not handed over yet
        self.faites: dict[int, Any] = {}
        self.a_donner: deque[int] = deque()
        self.vu = 0.0  # when the workers were last listened to
        self.seules: set[int] = set()  # to be tried again in a process that has read nothing else

    def resultats(self, source: Iterator[Any], poids: Callable[[Any], int]) -> Iterator[tuple[Any, Any]]:
        suivante = rendue = charge = 0
        epuisee = False
        while True:
            while not epuisee and len(self.taches) < _FENETRE * self.nombre and (charge < _POIDS or not self.taches):
                try:
                    tache = next(source)
                except StopIteration:
                    epuisee = True
                    break
                self.taches[suivante] = tache
                self.a_donner.append(suivante)
                suivante, charge = suivante + 1, charge + poids(tache)
            if not self.taches:
                return
            self._distribue()
            if rendue not in self.faites:
                self._ramasse(0.5)
                continue
            if time.monotonic() - self.vu > _POULS:
                self._ramasse(0)
            fait = self.faites.pop(rendue)
            tache = self.taches.pop(rendue)
            charge -= poids(tache)
            rendue += 1
            yield tache, fait

    def _distribue(self) -> None:
        """Give out what waits, each task to the least busy worker; hire while there are tasks and places."""
        while self.a_donner:
            rang = self.a_donner[0]
            if rang in self.seules or (len(self.ouvriers) < self.nombre and all(o.file for o in self.ouvriers)):
                self.ouvriers.append(self._embauche())
                ouvrier = self.ouvriers[-1]
            else:
                ouvrier = min(self.ouvriers, key=lambda o: len(o.file))
            if len(ouvrier.file) >= self.avance:
                return
            self.a_donner.popleft()
            ouvrier.donne(rang, self.taches[rang])

    def _embauche(self) -> _Ouvrier:
        ici, la = self.contexte.Pipe()
        lecture, ecriture = self.contexte.Pipe(duplex=False)
        processus = self.contexte.Process(target=work, args=(la, ecriture, self.fonction, self.limites), daemon=True)
        with _sans_programme():
            processus.start()
        la.close()
        ecriture.close()
        return _Ouvrier(processus, ici, lecture, reception=Reception(sur=self.limites is None))

    def _ramasse(self, delai: float) -> None:
        """What the workers answered, or died of, within `delai` seconds."""
        prets = set(wait([o.lien for o in self.ouvriers], delai))
        self.vu = time.monotonic()
        for ouvrier in list(self.ouvriers):
            if ouvrier.lien in prets:
                self._recoit(ouvrier)
            elif ouvrier.file and self.limites and self.vu - ouvrier.depuis > self.limites.duree_s + _GRACE:
                if ouvrier.lien.poll():
                    continue
                ouvrier.processus.kill()
                self._enterre(ouvrier, Arret("duree"))

    def _recoit(self, ouvrier: _Ouvrier) -> None:
        try:
            brut = ouvrier.lien.recv_bytes()
            fait = ouvrier.reception.deplie(brut)
        except (EOFError, OSError):
            self._enterre(ouvrier, None)
            return
        except Exception as erreur:  # what it says is no answer: it is not asked again
            ouvrier.processus.kill()
            self._enterre(ouvrier, Arret("arret", type(erreur).__name__))
            return
        ouvrier.rendues += 1
        ouvrier.depuis = time.monotonic()
        self.faites[ouvrier.file.popleft()] = fait
        if self.a_donner and self.a_donner[0] not in self.seules:  # at once: this worker may be waiting
            rang = self.a_donner.popleft()
            ouvrier.donne(rang, self.taches[rang])

    def _enterre(self, ouvrier: _Ouvrier, arret: Arret | None) -> None:
        """Take a dead worker off: its present task is answered for, the rest of its queue is given out again first."""
        self.ouvriers.remove(ouvrier)
        ouvrier.processus.join(_GRACE)
        if ouvrier.processus.is_alive():  # it closed its pipe and goes on
            ouvrier.processus.kill()
            ouvrier.processus.join(_GRACE)
            arret = arret or Arret("arret", "SIGKILL")
        arret = arret or _cause(ouvrier)
        ouvrier.lien.close()
        ouvrier.erreurs.close()
        if ouvrier.file:
            rang = ouvrier.file.popleft()
            if arret.cause == "memoire" and ouvrier.rendues and rang not in self.seules:
                self.seules.add(rang)  # what it had read before may be to blame: judged in a new process
                ouvrier.file.appendleft(rang)
            else:
                self.faites[rang] = arret
        self.a_donner.extendleft(reversed(ouvrier.file))

    def arrete(self) -> None:
        for ouvrier in self.ouvriers:
            ouvrier.lien.close()  # an idle worker ends by itself
            if ouvrier.file:
                ouvrier.processus.kill()
        for ouvrier in self.ouvriers:
            ouvrier.processus.join(_GRACE)
            if ouvrier.processus.is_alive():
                ouvrier.processus.kill()
            ouvrier.erreurs.close()


@contextmanager
def _sans_programme() -> Iterator[None]:
    """Workers start without importing the programme that called: neither its time, nor its memory, nor its effects."""
    programme = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = programme


def _cause(ouvrier: _Ouvrier) -> Arret:
    """Why a worker died, by its exit status and what it said on its way out."""
    statut = ouvrier.processus.exitcode
    dit = b""
    with suppress(EOFError, OSError):
        while ouvrier.erreurs.poll():
            morceau = os.read(ouvrier.erreurs.fileno(), 65536)
            if not morceau:
                break
            dit += morceau
    if statut == MEMOIRE or b"memory allocation of" in dit or b"MemoryError" in dit:
        return Arret("memoire")
    if statut is not None and statut < 0:
        nom = signal.Signals(-statut).name if -statut in set(signal.Signals) else str(-statut)
        return Arret({"SIGALRM": "duree", "SIGXCPU": "duree", "SIGKILL": "memoire"}.get(nom, "arret"), nom)
    return Arret("arret", f"statut {statut}")


def start_server(module: str) -> None:
    """Start what workers come from, with `module` loaded in it, if it is not started already."""
    if SERVEUR:
        multiprocessing.get_context("forkserver").set_forkserver_preload([module])
        forkserver.ensure_running()


# -------------------------------------------------------------------------------------------
# Python's own housekeeping, put off where it costs much and finds nothing.


@contextmanager
def without_cycle_search() -> Iterator[None]:
    """No search for unreachable cycles meanwhile: millions of cells are alive, in no cycle, each visited for nothing."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()
