"""Commands run as a user runs them, each in a process of its own, without the seconds that starting Python costs.

One process imports the program once, does nothing else, and forks a child for each command. What a start itself shows (another user,
an environment, a kill, a connection) is shown by real starts: `run_cli(…, env=…)`, `avec=…`, and the tests that start their own.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Sequence
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any, NoReturn

RACINE = Path(__file__).resolve().parent.parent
SUITE = "release.suite"
LIBRARIES = (
    "pandas",
    "scipy.optimize",
    "scipy.sparse",
    "pandera.pandas",
    "pandera.backends.pandas.register",
    "openpyxl",
)
JUGENT = {
    "publish",
    "run",
    "audit",
}  # commands that run great-expectations, which takes seconds to load: loaded before the first


class Tiede:
    """The client: one process for this test process, started with the first command."""

    def __init__(self) -> None:
        self.serveur: subprocess.Popen[bytes] | None = None
        self.lien: socket.socket | None = None
        self.verrou = threading.Lock()
        self.processeur = 0.0  # seconds the commands took, for who measures

    def run(self, args: Sequence[str], cwd: Path, avant: str = "") -> tuple[int, str, str]:
        """(exit status, standard output, errors). `avant`: Python run before the command."""
        with self.verrou, tempfile.TemporaryFile() as sortie, tempfile.TemporaryFile() as erreurs:
            lien = self._lien()
            demande = json.dumps([list(args), str(cwd), avant]).encode()
            socket.send_fds(lien, [len(demande).to_bytes(4, "big")], [sortie.fileno(), erreurs.fileno()])
            lien.sendall(demande)
            recu = lien.recv(4096)
            assert recu, "the process that runs commands died"
            statut, processeur = json.loads(recu)
            self.processeur += processeur
            sortie.seek(0)
            erreurs.seek(0)
            return statut, _text(sortie.read()), _text(erreurs.read())

    def stop(self) -> None:
        if self.serveur is not None and self.lien is not None:
            self.lien.close()
            self.serveur.wait()
            self.serveur = None

    def _lien(self) -> socket.socket:
        if self.lien is None:
            self.lien, la = socket.socketpair()
            self.serveur = subprocess.Popen(
                [sys.executable, __file__, str(la.fileno())],
                pass_fds=[la.fileno()], stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(RACINE), "GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1"},
            )  # fmt: skip
            la.close()
        return self.lien


def _text(octets: bytes) -> str:
    return octets.decode("utf-8").replace("\r\n", "\n")


# ---- the server


def _serve(lien: socket.socket) -> None:
    """A command, its child, its exit status; until the other end is closed."""
    importlib.import_module("cartographie.cli.main")  # first: it sets the language that typer speaks

    dossiers = [str(RACINE / nom) for nom in ("cartographie", "cartographie_demo")]
    trouves = [m.name for d in dossiers for m in pkgutil.walk_packages([d], f"{Path(d).name}.")]
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # see release/plausibility.PROGRAMME
    for nom in (*trouves, *LIBRARIES):
        if not nom.endswith(("__main__", SUITE)):
            importlib.import_module(nom)
    importlib.import_module("cartographie.survey.load").load_questionnaire(
        RACINE
    )  # what is built at first use is built
    _share_readers()
    while True:
        entete, fds, _, _ = socket.recv_fds(lien, 4, 2)
        if not entete:
            return
        taille = int.from_bytes(entete, "big")
        brut = b""
        while len(brut) < taille:
            brut += lien.recv(taille - len(brut))
        args, cwd, avant = json.loads(brut)
        if JUGENT & set(args):
            importlib.import_module(f"cartographie.{SUITE}")
        if (fils := os.fork()) == 0:
            lien.close()
            _command(args, cwd, avant, fds)
        _, etat, usage = os.wait4(fils, 0)
        for fd in fds:
            os.close(fd)
        lien.sendall(json.dumps([os.waitstatus_to_exitcode(etat), usage.ru_utime + usage.ru_stime]).encode())


def _share_readers() -> None:
    """What the workers of every command come from is started once: a child may ask it for workers, it cannot wait for it."""
    importlib.import_module("cartographie.base.workers").start_server("cartographie.intake.read")
    for service, module in ((forkserver.ForkServer, forkserver), (resource_tracker.ResourceTracker, resource_tracker)):
        service.ensure_running = lambda self: None  # type: ignore[attr-defined]
        module.ensure_running = lambda: None  # type: ignore[attr-defined]


def _command(args: list[str], cwd: str, avant: str, fds: list[int]) -> NoReturn:
    """In the child: what `python -m cartographie` does."""
    for rang, fd in enumerate(fds, start=1):
        os.dup2(fd, rang)
        os.close(fd)
    os.chdir(cwd)
    sys.argv = [str(RACINE / "cartographie/__main__.py"), *args]
    subprocess.Popen = Warm  # type: ignore[misc]
    statut: Any = 1
    try:
        exec(avant, {})
        importlib.import_module("cartographie.cli.main").run_main()
    except SystemExit as e:
        statut = e.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(statut))


class Warm(subprocess.Popen):  # type: ignore[type-arg]
    """A Python started by a command on a text of its own (`-c`) is forked too: its imports are there already."""

    def _execute_child(self, args: Any, *suite: Any) -> None:
        if isinstance(args, str) or list(args)[:1] != [sys.executable] or "-c" not in args:
            super()._execute_child(args, *suite)  # type: ignore[misc]
            return
        env, (p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite) = suite[5], suite[9:15]
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            for fd, rang in ((p2cread, 0), (c2pwrite, 1), (errwrite, 2)):
                if fd not in (-1, rang):
                    os.dup2(fd, rang)
            for fd in (p2cwrite, c2pread, errread):
                if fd != -1:
                    os.close(fd)
            os.environ.clear()
            os.environ.update(env)
            _program(args[args.index("-c") + 1])
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]


def _program(texte: str) -> NoReturn:
    statut = 0
    warnings.simplefilter("ignore")
    try:
        exec(texte, {"__name__": "__main__"})
    except SystemExit as e:
        statut = int(e.code or 0)
    except BaseException:
        traceback.print_exc()
        statut = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(statut)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
