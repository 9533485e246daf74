"""(c) The country's size: one workbook a respondent, tens of thousands of them, received, controlled, received again.

Commands run as a user runs them, each in its own process. What is printed: time, processor time, memory of the biggest
process, and the ratio to the floor (the reader alone handing over every cell, one process, same run).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile


@dataclass(frozen=True, slots=True)
class Passage:
    libelle: str
    duree: float
    processeur: float
    memoire: float


def run(libelle: str, *arguments: str | Path, tuer_apres: float = 0.0) -> Passage:
    """One command to its end, or killed (it and its workers) after `tuer_apres` seconds."""
    depart = time.perf_counter()
    commande = [sys.executable, "-m", "cartographie", *map(str, arguments)]
    fils = subprocess.Popen(commande, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    if tuer_apres:
        time.sleep(tuer_apres)
        os.killpg(fils.pid, signal.SIGKILL)
    _, statut, usage = os.wait4(fils.pid, 0)
    fils.returncode = os.waitstatus_to_exitcode(statut)
    duree = time.perf_counter() - depart
    assert tuer_apres or fils.returncode in (0, 11, 12), (libelle, fils.returncode)
    return Passage(libelle, duree, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure(source: Path, travail: Path, campagne: str) -> tuple[list[Passage], list[str]]:
    """(what each passage took, what was checked). `source`: a workspace of fabrique.prepare_a; left as it is."""
    shutil.rmtree(travail, ignore_errors=True)
    shutil.copytree(source, travail, copy_function=os.link)  # raw/ is read-only: the same bytes, not twice on disk
    for fichier in (travail / "raw").rglob("*.csv"):
        octets = fichier.read_bytes()
        fichier.unlink()
        fichier.write_bytes(octets)
    controle = travail / "outputs" / campagne / "controle"
    projet: tuple[str | Path, ...] = ("--projet", travail)
    froid = run("validate, rien n'est encore examiné", "validate", campagne, *projet)
    attendu = fingerprints(controle)
    passages = [froid, run("validate, rien de neuf", "validate", campagne, *projet)]
    verifie = [
        "rien de neuf : mêmes octets" if fingerprints(controle) == attendu else "RIEN DE NEUF : OCTETS DIFFÉRENTS"
    ]
    shutil.rmtree(travail / "outputs")
    passages.append(
        run("validate, tué à mi-chemin (kill -9)", "validate", campagne, *projet, tuer_apres=froid.duree / 2)
    )
    passages.append(run("validate, repris", "validate", campagne, *projet))
    verifie.append("repris : mêmes octets" if fingerprints(controle) == attendu else "REPRIS : OCTETS DIFFÉRENTS")
    nouveau = travail / "nouveau.xlsx"
    shutil.copyfile(next((travail / "raw" / campagne / "depots").glob("*.xlsx")), nouveau)
    with ZipFile(nouveau, "a") as archive:
        archive.comment = b"une autre version"
    passages.append(run("ingest d'un fichier de plus", "ingest", campagne, nouveau, "--recu-le", "2026-07-01", *projet))
    passages.append(run("validate ensuite", "validate", campagne, *projet))
    par_morceaux = fingerprints(controle)
    passages.append(run("validate --relire, tout relu", "validate", campagne, "--relire", *projet))
    verifie.append(
        "un de plus : mêmes octets" if fingerprints(controle) == par_morceaux else "UN DE PLUS : OCTETS DIFFÉRENTS"
    )
    passages.append(run("feedback", "feedback", campagne, *projet))
    retours = len(list((travail / "outputs" / campagne / "retours").glob("*.xlsx")))
    verifie.append(f"{retours} classeurs de correction")
    shutil.rmtree(travail)
    return passages, verifie


def fingerprints(dossier: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(dossier.iterdir()) if f.is_file()}


def report(
    nombre: int, passages: list[Passage], verifie: list[str], plancher: float, tableau: Any, virgule: Any
) -> list[str]:
    lignes = [
        [
            p.libelle,
            virgule(p.duree, 1),
            virgule(p.processeur, 1),
            virgule(p.memoire, 0),
            virgule(p.duree / plancher, 1),
        ]
        for p in passages
    ]
    entetes = ["commande", "durée en s", "processeur s", "mémoire Mo (plus gros processus)", "en planchers"]
    return [
        f"## (c) {nombre} classeurs, à l'échelle du pays", "",
        f"Plancher (le lecteur seul, un processus) : {virgule(plancher, 1)} s. Démarrage compris : ce sont des commandes entières.", "",
        *tableau(entetes, lignes), "", "Vérifié dans la même exécution : " + " ; ".join(verifie) + ".", "",
    ]  # fmt: skip
