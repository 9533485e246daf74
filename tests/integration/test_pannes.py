"""Killed at any moment, nothing half-written is visible, the state before is intact, and the next run completes.

A few instants here; by hand, hundreds: CARTOGRAPHIE_PANNES=300 pytest tests/integration/test_pannes.py
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cartographie.intake.store import read_registre
from cartographie.warehouse.read import fingerprints

CAMPAGNE = "2026"
FOIS = int(os.environ.get("CARTOGRAPHIE_PANNES", "2"))


def kill_during(projet: Path, apres: float, *commande: str) -> bool:
    """Start a command and kill it, with all its processes, that many seconds later. Was it still running?"""
    fils = subprocess.Popen(
        [sys.executable, "-m", "cartographie", *commande, "--projet", str(projet)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        fils.wait(apres)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(fils.pid, signal.SIGKILL)
        fils.wait()
        return True


def instants(graine: str, duree: float) -> list[float]:
    hasard = random.Random(graine)
    return [hasard.uniform(0.2, duree) for _ in range(FOIS)]


def lasts(projet: Path, *commande: str) -> float:
    depart = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "cartographie", *commande, "--projet", str(projet)], check=True, capture_output=True
    )
    return time.perf_counter() - depart


@pytest.fixture
def espace(mini_projet: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mini_projet, tmp_path / "espace"))


def test_receiving(racine: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    """Every file noted is whole; no file is there that is not noted, or the next reception puts it right."""
    envoi = tmp_path / "envoi"
    envoi.mkdir()
    for i in range(200):
        (envoi / f"{i}.csv").write_text(f"a;b\n{i};2\n", encoding="utf-8")
    temoin = tmp_path / "temoin"
    shutil.copytree(racine / "schemas", temoin / "schemas")
    duree = lasts(temoin, "ingest", CAMPAGNE, str(envoi), "--ranger-seulement")
    for i, apres in enumerate(instants("ingest", duree)):
        ici = tmp_path / f"espace{i}"
        shutil.copytree(racine / "schemas", ici / "schemas")
        kill_during(ici, apres, "ingest", CAMPAGNE, str(envoi), "--ranger-seulement")
        if (ici / "raw" / CAMPAGNE / "registre.csv").exists():
            for d in read_registre(ici / "raw" / CAMPAGNE):
                assert (ici / "raw" / CAMPAGNE / d.chemin).stat().st_size == d.taille
        fin = cli("ingest", CAMPAGNE, envoi, "--ranger-seulement", "--projet", ici)
        assert fin.statut == 0, (apres, fin.erreurs)
        assert {d.sha256 for d in read_registre(ici / "raw" / CAMPAGNE)} == {
            d.sha256 for d in read_registre(temoin / "raw" / CAMPAGNE)
        }


def test_loading(espace: Path, cli: Callable[..., Any]) -> None:
    """The warehouse is the one before, until it is the one after."""
    entrepot = espace / "outputs/entrepot.duckdb"
    avant = fingerprints(entrepot)
    duree = lasts(espace, "load", "--relire")
    for apres in instants("load", duree):
        kill_during(espace, apres, "load", "--relire")
        assert fingerprints(entrepot) == avant, apres
    assert cli("load", "--relire", "--projet", espace).statut == 0
    assert fingerprints(entrepot) == avant


def test_publishing(espace: Path, cli: Callable[..., Any]) -> None:
    """A release is there whole, or not at all."""
    sorties = espace / "outputs" / CAMPAGNE
    for apres in instants("publish", 10.0)[: max(1, FOIS // 2)]:
        kill_during(espace, apres, "publish", CAMPAGNE, "--version", "v1")
        if (sorties / "v1").exists():
            assert cli("audit", sorties / "v1", "--sans-brut", "--json").json["conforme"], apres
            shutil.rmtree(sorties / "v1")
        assert cli("status", "--projet", espace, "--json").json["campagnes"][CAMPAGNE]["versions"] == ["provisoire"]
    assert cli("publish", CAMPAGNE, "--version", "v1", "--projet", espace).statut == 0
    assert cli("audit", sorties / "v1", "--sans-brut", "--json").json["conforme"]
    assert sorted(p.name for p in sorties.iterdir()) == ["controle", "provisoire", "v1"]
