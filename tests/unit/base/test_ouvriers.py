"""Workers really die here: of memory, of time, of a signal, of their own exit. Each death costs its own task."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cartographie.base import workers
from cartographie.base import workers as courrier
from cartographie.base import workers as ouvriers
from cartographie.base.workers import Arret, Courrier, Limites, Reception, run_isolated, run_tasks
from cartographie.intake import read
from cartographie.intake import read as lecture
from cartographie.survey.received import Constat, Depot, Feuille, FormuleNonCalculee

LIMITES = Limites(memoire_mo=512, processeur_s=1, duree_s=1.5)
SECRET = "Clinique des Lilas, 3 lits"
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")


def work(tache: object) -> object:
    """Done in the worker."""
    match tache:
        case "memoire":
            return len(bytearray(2 << 30))
        case "memoire, au fond":  # what native code does when it has no memory left: it ends the process
            os.write(2, b"memory allocation of 17179869184 bytes failed\n")
            os.abort()
        case "calcul":
            while True:
                pass
        case "sommeil":
            time.sleep(60)
        case "sourd":  # asleep, and deaf to the alarm
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            time.sleep(60)
        case "sortie":
            os._exit(0)
        case "segv":
            ctypes.string_at(0)
        case "tue":
            os.kill(os.getpid(), signal.SIGKILL)
        case "faute":
            raise ValueError(SECRET)
        case "faute bavarde":
            print(SECRET)
            print(SECRET, file=sys.stderr)
            raise KeyError(SECRET)
        case "ferme":  # lets go of its pipe, and goes on
            os.closerange(3, 256)
            signal.setitimer(signal.ITIMER_REAL, 0)
            time.sleep(60)
        case "ment":
            return Path("/etc/passwd")
        case "pid":
            return os.getpid()
    return tache


MORTS = {
    "memoire": Arret("memoire"),
    "memoire, au fond": Arret("memoire"),
    "sommeil": Arret("duree", "SIGALRM"),
    "sortie": Arret("arret", "statut 0"),
    "segv": Arret("arret", "SIGSEGV"),
    "tue": Arret("memoire", "SIGKILL"),
    "ment": Arret("arret", "UnpicklingError"),
}


@linux
@pytest.mark.parametrize("ouvriers_", [1, 2])
def test_each_death_costs_its_own_task_and_the_order_is_kept(ouvriers_):
    taches: list[object] = []
    for i, mort in enumerate(MORTS):
        taches += [i, mort, f"après {i}"]
    limites = Limites(512, 30, 1.5)
    assert list(run_isolated(work, taches, limites, ouvriers_)) == [
        MORTS.get(t, t) if isinstance(t, str) else t for t in taches
    ]


def read_or_die(depot, **_):
    """In the place of the reader: each file does what it is called."""
    return work(depot.nom)


@linux
def test_a_file_whose_reading_ends_is_refused_alone_and_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr(lecture, "_lit", read_or_die)
    noms = ("memoire", "sommeil", "segv", "entier")
    depots = [Depot(str(i), "2026", nom, f"depots/{nom}", "", 1, "2026-04-01", "reponse") for i, nom in enumerate(noms)]
    lus = list(read.iter_depots(depots, tmp_path, (), lecture={"memoire_mo": 512, "processeur_s": 30, "duree_s": 1.5}))
    assert [(x.refuse, x.constats[0].constat, x.constats[0].details["maximum"]) for x in lus[:3]] == [
        (True, "lecture_memoire", 512), (True, "lecture_trop_longue", 1.5), (True, "lecture_interrompue", 1.5),
    ]  # fmt: skip
    assert lus[2].constats[0].details["motif"] == "SIGSEGV" and lus[3] == "entier"


@linux
def test_a_computation_without_end_is_ended_by_its_processor_time():
    assert list(run_isolated(work, ["calcul", 1], Limites(512, 0.2, 60))) == [Arret("duree", "SIGXCPU"), 1]


@pytest.mark.long
def test_a_worker_deaf_to_its_alarm_is_ended_from_outside(monkeypatch):
    monkeypatch.setattr(ouvriers, "_GRACE", 0.3)
    debut = time.monotonic()
    assert list(run_isolated(work, ["sourd", 1], Limites(512, 5, 8))) == [Arret("duree"), 1]
    assert time.monotonic() - debut < 60  # it would have slept that long


def test_a_worker_that_lets_go_of_its_pipe_does_not_stay(monkeypatch):
    monkeypatch.setattr(ouvriers, "_GRACE", 0.3)
    lus = list(run_isolated(work, ["pid", "ferme", 2], LIMITES))
    assert lus[1:] == [Arret("arret", "SIGKILL"), 2]
    time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(lus[0], 0)


def test_the_text_of_an_exception_never_leaves_the_worker(capfd):
    lus = list(run_isolated(work, ["faute", "faute bavarde", 1], LIMITES))
    assert [x.cause for x in lus[:2]] == ["arret", "arret"] and lus[2] == 1
    assert lus[0].statut.startswith("ValueError, test_ouvriers.py:")
    assert SECRET not in repr(lus)
    assert capfd.readouterr() == ("", "")


def test_one_worker_serves_many_tasks_and_none_survives_the_run():
    pids = list(run_isolated(work, ["pid"] * 50, LIMITES))
    assert len(set(pids)) == 1 and pids[0] != os.getpid()
    assert not [p for p in multiprocessing.active_children() if p.pid in pids]


def test_tasks_are_drawn_only_as_they_are_needed():
    tirees = 0

    def source() -> Iterator[int]:
        nonlocal tirees
        for i in range(100_000):
            tirees += 1
            yield i

    lus = run_isolated(work, source(), LIMITES)
    assert [next(lus) for _ in range(3)] == [0, 1, 2]
    assert tirees <= 3 + workers._FENETRE
    lus.close()
    tirees = 0
    lus = run_isolated(work, source(), LIMITES, poids=lambda _: workers._POIDS)
    assert next(lus) == 0 and tirees <= 2
    lus.close()


def test_an_interrupted_run_leaves_no_worker():
    lus = run_isolated(work, iter(["pid", *["sommeil"] * 5]), Limites(512, 60, 60), 2)
    pid = next(lus)
    debut = time.monotonic()
    lus.close()
    assert time.monotonic() - debut < 60  # nobody waited for their sleep
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _grossit(tache: tuple[int, bytes]) -> tuple[Path, bytes]:
    rang, octets = tache
    if rang < 0:
        raise ValueError(SECRET)
    return Path(str(rang)), octets * 2


@pytest.mark.parametrize("ouvriers_", [1, 3])
def test_work_of_our_own_goes_through_the_same_processes_whatever_its_size(ouvriers_):
    """In order, its values rebuilt whatever their kind, tasks and answers larger than a pipe holds."""
    taches = [(rang, bytes([rang]) * 400_000) for rang in range(12)]
    faits = list(run_tasks(_grossit, taches, ouvriers_))
    assert faits == [((r, o), (Path(str(r)), o * 2)) for r, o in taches]


def test_a_fault_of_our_own_is_told_without_what_it_quotes():
    with pytest.raises(RuntimeError, match="^ValueError, test_ouvriers.py:") as dit:
        list(run_tasks(_grossit, [(0, b"x"), (-1, b"")], 2))
    assert SECRET not in str(dit.value)


@linux
def test_memory_taken_by_earlier_files_is_not_held_against_the_next():
    """The second file is judged again, alone in a new process, before it is refused."""
    assert list(run_isolated(_garde, [200, 200, 600], Limites(512, 5, 5))) == [200, 200, Arret("memoire")]


_GARDES: list[bytearray] = []


def _garde(mo: int) -> int:
    _GARDES.append(bytearray(mo << 20))
    return mo


# --------------------------------------------------------------------------- the mail


def test_what_is_sent_comes_back_equal_and_shared():
    envoi, reception = Courrier(), Reception()
    for i in range(30):
        envoye = (
            Feuille("F", [["texte", date(2026, 1, i + 1), 1.5, FormuleNonCalculee("=A1")]]),
            Constat("fichier_vide"),
        )
        recu = reception.deplie(envoi.plie(envoye))
        assert recu == envoye and isinstance(recu[0].lignes[0][3], FormuleNonCalculee)


def test_the_mail_starts_afresh_when_it_has_grown(monkeypatch):
    monkeypatch.setattr(courrier, "_MEMO", 1000)
    envoi, reception = Courrier(), Reception()
    for i in range(20):
        assert reception.deplie(envoi.plie([f"{i:03}" * 100, i])) == [f"{i:03}" * 100, i]
        assert len(envoi.garde) <= 5


class _Appelle:
    def __init__(self, fonction: object, *arguments: object) -> None:
        self.appel = fonction, arguments

    def __reduce__(self) -> object:
        return self.appel


def piege(module: str, nom: str, *arguments: str) -> bytes:
    """A pickle that calls module.nom(*arguments)."""
    valeurs = b"".join(b"\x8c" + bytes([len(a)]) + a.encode() for a in arguments)
    noms = b"\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(nom)]) + nom.encode()
    return b"*\x80\x04" + noms + b"\x93(" + valeurs + b"tR."


@pytest.mark.parametrize(
    ("module", "nom"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("pathlib", "Path"),
        ("cartographie.intake.store", "Path"),
        ("cartographie.intake.store", "NamedTemporaryFile"),
        ("cartographie.intake.store", "Path.home"),
        ("cartographie.base.workers", "Connection"),
        ("cartographie.survey.received", "FormuleNonCalculee.__class__"),
        ("cartographie.intake.workbook", "SheetTooLarge"),
        ("cartographie.intake.store", "ingest"),
        ("datetime", "sys"),
        ("datetime", "datetime.now"),
    ],
)
def test_nothing_can_be_called_by_what_a_worker_sends(tmp_path, module, nom):
    with pytest.raises((pickle.UnpicklingError, AttributeError)):
        Reception().deplie(piege(module, nom, str(tmp_path / "x")))
    with pytest.raises(pickle.UnpicklingError):
        Reception().deplie(b"*" + pickle.dumps(_Appelle(os.mkdir, str(tmp_path / "y"))))
    assert list(tmp_path.iterdir()) == []
