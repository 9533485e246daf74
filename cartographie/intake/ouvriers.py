"""Worker processes that may be killed: each task under memory, processor and wall limits, a death costing its task alone.

A worker answers each task as soon as it is done, on its own pipe, so the task a death falls on is the first one it had
not answered. What remained in its queue was never begun and goes to another worker. Without `resource` or interval
timers (Windows), the parent keeps the wall limit by itself and memory is not limited.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any

from cartographie.intake.atelier import MEMOIRE, Arret, Limites, work
from cartographie.intake.courrier import Reception

__all__ = ["Arret", "Limites", "run_isolated", "start_server"]

SERVEUR = "forkserver" in multiprocessing.get_all_start_methods()
_AVANCE = 2  # tasks given to a worker: the one it does, and the next one
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

    def donne(self, rang: int, tache: Any) -> None:
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
    equipe = _Equipe(fonction, limites, max(1, ouvriers))
    try:
        yield from equipe.resultats(iter(taches), poids)
    finally:
        equipe.arrete()


class _Equipe:
    """The workers of one run, and what they have been given."""

    def __init__(self, fonction: Callable[[Any], Any], limites: Limites, nombre: int) -> None:
        self.contexte: Any = multiprocessing.get_context("forkserver" if SERVEUR else "spawn")
        if SERVEUR:
            self.contexte.set_forkserver_preload(["cartographie.intake.lecture"])
        self.fonction, self.limites, self.nombre = fonction, limites, nombre
        self.ouvriers: list[_Ouvrier] = []
        self.taches: dict[int, Any] = {}  # given out, not handed over yet
        self.faites: dict[int, Any] = {}
        self.a_donner: deque[int] = deque()
        self.vu = 0.0  # when the workers were last listened to
        self.seules: set[int] = set()  # to be tried again in a process that has read nothing else

    def resultats(self, source: Iterator[Any], poids: Callable[[Any], int]) -> Iterator[Any]:
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
            charge -= poids(self.taches.pop(rendue))
            rendue += 1
            yield fait

    def _distribue(self) -> None:
        """Give out what waits, each task to the least busy worker; hire while there are tasks and places."""
        while self.a_donner:
            rang = self.a_donner[0]
            if rang in self.seules or (len(self.ouvriers) < self.nombre and all(o.file for o in self.ouvriers)):
                self.ouvriers.append(self._embauche())
                ouvrier = self.ouvriers[-1]
            else:
                ouvrier = min(self.ouvriers, key=lambda o: len(o.file))
            if len(ouvrier.file) >= _AVANCE:
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
        return _Ouvrier(processus, ici, lecture)

    def _ramasse(self, delai: float) -> None:
        """What the workers answered, or died of, within `delai` seconds."""
        prets = set(wait([o.lien for o in self.ouvriers], delai))
        self.vu = time.monotonic()
        for ouvrier in list(self.ouvriers):
            if ouvrier.lien in prets:
                self._recoit(ouvrier)
            elif ouvrier.file and self.vu - ouvrier.depuis > self.limites.duree_s + _GRACE and not ouvrier.lien.poll():
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


def start_server() -> None:
    """Start what workers come from, while the rest of the programme loads."""
    if SERVEUR:
        multiprocessing.get_context("forkserver").set_forkserver_preload(["cartographie.intake.lecture"])
        forkserver.ensure_running()
