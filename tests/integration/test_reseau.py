"""No command reaches the network: the campaign is made, received, examined and published with every way out closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import MINI, keep_tables

CLOISON = """
import socket, sys

def cloison(evenement, arguments):
    if evenement in ("socket.connect", "socket.bind", "socket.sendto") and arguments[0].family == socket.AF_UNIX:
        return  # how processes of one machine talk to each other
    if evenement.startswith(("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostby")):
        print("RESEAU", evenement, file=sys.stderr)
        raise OSError("no network here")

sys.addaudithook(cloison)
"""


def test_no_command_opens_a_connection(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "cloison").mkdir()
    (tmp_path / "cloison/sitecustomize.py").write_text(CLOISON, encoding="utf-8")
    racine = Path(__file__).resolve().parents[2]
    env = {"PYTHONPATH": f"{tmp_path / 'cloison'}:{racine}"}
    projet = tmp_path / "essai"
    commande = ("demo", projet, "--repondants", "60", "--graine", "1", "--classeurs", "6", "--projet", racine)
    assert cli(*commande, env=env).statut == 0
    keep_tables(projet, *MINI)
    for commande in (
        ("run", "2026", "--projet", projet),
        ("status", "--projet", projet),
        ("feedback", "2026", "--projet", projet),
        ("lint", projet / "outputs/2026/provisoire"),
        ("audit", projet / "outputs/2026/provisoire", "--sans-brut"),
    ):
        sortie = cli(*commande, env=env)
        assert sortie.statut == 0, sortie.erreurs
        assert "RESEAU" not in sortie.erreurs
    assert list((projet / "outputs").glob("*/*/tableaux/*.csv"))


def test_the_way_out_is_really_closed(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "sitecustomize.py").write_text(CLOISON, encoding="utf-8")
    code = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    fini = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert fini.returncode != 0 and "RESEAU socket." in fini.stderr
