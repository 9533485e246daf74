"""Speed and memory of the programme beside other ways of doing the same, all measured in one run.

    python benchmarks/bench.py [--rapide | --complet] [--ecrire]

Every measure is a child process of its own (see mesures.py); tools take turns, several rounds; medians are printed with
their extremes, and ratios of medians. Inputs: fabrique.py. What is compared and how far it is fair: README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pays

ICI = Path(__file__).resolve().parent
PYTHON = sys.executable
Mesure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tailles:
    classeurs: int
    lignes: int
    echantillon: int  # workbooks given to the slow tools, then scaled
    tours: int  # rounds
    tours_lents: int  # rounds of the slow tools
    aides: int  # times --help is called
    pays: int  # workbooks of the country's size


RAPIDE = Tailles(classeurs=60, lignes=1_000, echantillon=20, tours=1, tours_lents=1, aides=3, pays=200)
NORMAL = Tailles(classeurs=2_000, lignes=20_000, echantillon=200, tours=3, tours_lents=2, aides=10, pays=36_000)
COMPLET = Tailles(classeurs=2_000, lignes=20_000, echantillon=200, tours=7, tours_lents=5, aides=10, pays=36_000)


@dataclass(frozen=True, slots=True)
class Course:
    """One runner of one input. `fichiers`: read only that many (0: all); `echelle`: what its time is multiplied by."""

    libelle: str
    outil: str
    ouvriers: int = 1
    fichiers: int = 0
    echelle: float = 1.0
    lent: bool = False


def mesure(outil: str, dossier: Path, ouvriers: int = 1, fichiers: int = 0) -> Mesure:
    commande = [PYTHON, str(ICI / "mesures.py"), outil, str(dossier), str(ouvriers), str(fichiers)]
    sortie = subprocess.run(commande, capture_output=True, text=True, check=False)
    if sortie.returncode:
        sys.exit(f"La mesure « {outil} » a échoué :\n{sortie.stderr[-2000:]}")
    return json.loads(sortie.stdout.splitlines()[-1])


def tours(dossier: Path, courses: list[Course], tailles: Tailles) -> dict[str, list[Mesure]]:
    """{label: measures}, the runners taking turns."""
    resultats: dict[str, list[Mesure]] = {c.libelle: [] for c in courses}
    for tour in range(tailles.tours):
        for course in courses:
            if course.lent and tour >= tailles.tours_lents:
                continue
            dire(f"{dossier.name} : tour {tour + 1}/{tailles.tours}, {course.libelle}")
            m = mesure(course.outil, dossier, course.ouvriers, course.fichiers)
            m["duree"] *= course.echelle
            m["processeur"] *= course.echelle
            resultats[course.libelle].append(m)
    return resultats


def aide(nombre: int) -> list[float]:
    """Seconds taken by `cartographie --help`."""
    durees = []
    for _ in range(nombre + 1):
        depart = time.perf_counter()
        subprocess.run([PYTHON, "-m", "cartographie", "--help"], stdout=subprocess.DEVNULL, check=True)
        durees.append(time.perf_counter() - depart)
    return durees[1:]  # the first call compiles and warms the disk


# ------------------------------------------------------------------------------------------- report


def mediane(mesures: list[Mesure], cle: str = "duree") -> float:
    return statistics.median(m[cle] for m in mesures)


def etendue(valeurs: list[float], decimales: int = 1) -> str:
    milieu, bas, haut = (nombre(v, decimales) for v in (statistics.median(valeurs), min(valeurs), max(valeurs)))
    return f"{milieu} ({bas}–{haut})"


def nombre(valeur: float, decimales: int = 1) -> str:
    return f"{valeur:.{decimales}f}".replace(".", ",")


def tableau(entetes: list[str], lignes: list[list[str]]) -> list[str]:
    largeurs = [max(len(x[i]) for x in (entetes, *lignes)) for i in range(len(entetes))]
    rendu = ["| " + " | ".join(c.ljust(w) for c, w in zip(x, largeurs, strict=True)) + " |" for x in (entetes, *lignes)]
    return [rendu[0], "|" + "|".join("-" * (w + 2) for w in largeurs) + "|", *rendu[1:]]


def rapport_jeu(titre: str, resultats: dict[str, list[Mesure]], nous: str, reference: str) -> list[str]:
    ours = mediane(resultats[nous])
    lignes = []
    for libelle, mesures in resultats.items():
        autre = mediane(mesures)
        rapport = (
            f"{nombre(ours / autre)} fois plus lent" if ours > autre else f"{nombre(autre / ours)} fois plus rapide"
        )
        rapport = "—" if libelle == nous else rapport
        lignes.append([
            libelle, etendue([m["duree"] for m in mesures], 2), nombre(mediane(mesures, "processeur"), 2), nombre(mediane(mesures, "demarrage")),
            nombre(max(m["memoire"] for m in mesures), 0), nombre(max(m["memoire_ouvrier"] for m in mesures), 0),
            rapport + (" (référence)" if libelle == reference else ""), str(len(mesures)),
        ])  # fmt: skip
    entetes = [
        "outil",
        "durée en s, médiane (min–max)",
        "processeur s",
        "démarrage s",
        "mémoire Mo",
        "ouvrier Mo",
        "nous, à côté",
        "mesures",
    ]
    etapes = {e: [m["etapes"].get(e, 0.0) for m in resultats[nous]] for e in _etapes(resultats[nous])}
    total = sum(statistics.median(v) for v in etapes.values()) or 1.0
    detail = [[e, etendue(v, 2), nombre(100 * statistics.median(v) / total, 0) + " %"] for e, v in etapes.items()]
    return [f"## {titre}", "", *tableau(entetes, lignes), "", f"Où passe le temps de « {nous} » :", "",
            *tableau(["étape", "durée en s", "part"], detail), ""]  # fmt: skip


def _etapes(mesures: list[Mesure]) -> list[str]:
    return sorted(
        {e for m in mesures for e in m["etapes"]},
        key=lambda e: -statistics.median(m["etapes"].get(e, 0.0) for m in mesures),
    )


def buts(a: dict[str, list[Mesure]], nous_a: str, b: dict[str, list[Mesure]], aides: list[float]) -> list[list[str]]:
    """[aim, measured, the same in processor time, held or not]. The elapsed time decides."""
    lignes: list[tuple[str, str, str, bool]] = []
    for nom, r, nous in (("(a)", a, nous_a), ("(b)", b, NOUS)):

        def rapport(haut: str, bas: str, cle: str, r: dict[str, list[Mesure]] = r) -> float:
            return mediane(r[haut], cle) / mediane(r[bas], cle)

        ecart, ecart_cpu = (rapport(nous, PLANCHER, c) for c in ("duree", "processeur"))
        lignes.append((f"{nom} au plus 3 fois le plancher", nombre(ecart), nombre(ecart_cpu), ecart <= 3))
        for autre, but in ((FRICTIONLESS, 8), (SCRIPT, 5)):
            libelle = next(x for x in r if x.startswith(autre))
            gain, gain_cpu = (rapport(libelle, nous, c) for c in ("duree", "processeur"))
            lignes.append((f"{nom} {but} fois plus rapide que {autre}", nombre(gain), nombre(gain_cpu), gain >= but))
    pic = max(m["memoire"] for m in b[NOUS])
    lignes.append(("(b) mémoire sous 600 Mo", nombre(pic, 0) + " Mo", "", pic < 600))
    lignes.append(("cartographie --help sous 0,3 s", etendue(aides, 2) + " s", "", statistics.median(aides) < 0.3))
    return [[but, horloge, cpu, "tenu" if tenu else "MANQUÉ"] for but, horloge, cpu, tenu in lignes]


PLANCHER = "plancher : cellules rendues, un processus"
FRICTIONLESS, SCRIPT = "frictionless", "script pandas + pandera"
NOUS = "cartographie load, un processus"


def dire(texte: str) -> None:
    print(f"… {texte}", file=sys.stderr, flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description="Mesure la vitesse et la mémoire à côté des autres outils.")
    options.add_argument(
        "--rapide", action="store_true", help="petites tailles, moins d'une minute : vérifie que tout marche"
    )
    options.add_argument("--complet", action="store_true", help="plus de tours")
    options.add_argument("--ecrire", action="store_true", help="écrit aussi benchmarks/resultats.md")
    choix = options.parse_args()
    tailles = RAPIDE if choix.rapide else COMPLET if choix.complet else NORMAL
    coeurs = os.cpu_count() or 1
    nous_a = f"cartographie load, {coeurs} processus"
    dire("fabrication des fichiers (gardés dans le dossier temporaire)")
    a = Path(mesure("fabriquer", Path("a"), 1, tailles.classeurs)["dossier"])
    b = Path(mesure("fabriquer", Path("b"), 1, tailles.lignes)["dossier"])
    recus = len(list(a.glob("raw/*/depots/*.xlsx")))
    echantillon = min(tailles.echantillon, recus)
    lent: dict[str, Any] = {"fichiers": echantillon, "echelle": recus / echantillon, "lent": True}
    aides = aide(tailles.aides)
    resultats_a = tours(a, [
        Course(PLANCHER, "plancher"), Course(f"plancher, {coeurs} processus", "plancher", coeurs),
        Course(nous_a, "cartographie", 0), Course(NOUS, "cartographie", 1),
        Course(f"{FRICTIONLESS} (sur {echantillon}, ramené à {recus})", "frictionless", **lent),
        Course(f"{SCRIPT} (sur {echantillon}, ramené à {recus})", "script", **lent),
    ], tailles)  # fmt: skip
    resultats_b = tours(b, [
        Course(PLANCHER, "plancher"), Course(NOUS, "cartographie", 1), Course(FRICTIONLESS, "frictionless", lent=True),
        Course(SCRIPT, "script", lent=True),
    ], tailles)  # fmt: skip
    c = Path(mesure("fabriquer", Path("a"), 1, tailles.pays)["dossier"])
    dire(f"à l'échelle du pays : {tailles.pays} classeurs")
    campagne = next(c.glob("raw/*/depots")).parent.name
    plancher = mesure("plancher", c)["duree"]
    passages, verifie = pays.measure(c, c.with_name("pays-travail"), campagne)
    machine = f"{coeurs} cœurs, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    lignes = [
        f"Mesuré en une fois, chaque outil à son tour, dans son propre processus. Machine : {machine}.", "",
        *rapport_jeu(f"(a) {recus} classeurs d'un répondant", resultats_a, nous_a, PLANCHER),
        *rapport_jeu(f"(b) un export de {tailles.lignes} lignes × 80 questions", resultats_b, NOUS, PLANCHER),
        *pays.report(len(list(c.glob("raw/*/depots/*.xlsx"))), passages, verifie, plancher, tableau, nombre),
        "## Buts", "", *tableau(["but", "mesuré", "en temps de processeur", "résultat"], buts(resultats_a, nous_a, resultats_b, aides)),
    ]  # fmt: skip
    if choix.rapide:
        lignes += [
            "",
            "Petites tailles (--rapide) : tout marche, mais ces rapports ne disent rien de la vraie vitesse.",
        ]
    texte = "\n".join(lignes) + "\n"
    print(texte)
    if choix.ecrire:
        (ICI / "resultats.md").write_text(texte, encoding="utf-8")


if __name__ == "__main__":
    main()
