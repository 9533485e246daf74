"""From a loaded warehouse to the complete release: the wall time of `publish`, and where it goes.

    python benchmarks/publication.py [--tailles 3000 36000]

Stages are timed as `publish` runs. What the plausibility suite costs is what `publish` waits for it, beside what
great-expectations takes when it is started alone.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from secret import workspace

from cartographie.cli.flow import publish as flow
from cartographie.proof import attack, lint
from cartographie.release import plausibility
from cartographie.release import publish as ecriture
from cartographie.secrecy import protect
from cartographie.survey.load import load_questionnaire

ETAPES: tuple[tuple[str, Any, str], ...] = (
    ("lecture de l'entrepôt", flow, "frames_of"),
    ("calcul des tableaux", flow, "_drafts"),
    ("attente de great-expectations", plausibility, "judge"),
    ("secret", protect, "protect"),
    ("données ouvertes", ecriture, "build_data_files"),
    ("classeur", ecriture, "write_workbook"),
    ("cartes et page", ecriture, "build_pictures"),
    ("rapports", ecriture, "build_reports"),
    ("attaque", attack, "attack_release"),
    ("vérification des fichiers", lint, "lint_folder"),
)


def measure(repondants: int) -> list[str]:
    """Markdown lines: the whole, each stage, the size of the release."""
    projet = workspace(repondants)
    q = load_questionnaire(projet)
    campagne = max(q.campagnes)
    durees = dict.fromkeys((nom for nom, _, _ in ETAPES), 0.0)
    originaux = [(module, attribut, getattr(module, attribut)) for _, module, attribut in ETAPES]
    for nom, module, attribut in ETAPES:
        setattr(module, attribut, _timed(getattr(module, attribut), nom, durees))
    sortie = projet / "outputs" / campagne / "mesure"
    shutil.rmtree(sortie, ignore_errors=True)
    depart = time.perf_counter()
    try:
        flow.publish(projet, ecriture.Demande(campagne, "mesure"), lambda *_: None)
    finally:
        for module, attribut, fonction in originaux:
            setattr(module, attribut, fonction)
    total = time.perf_counter() - depart
    octets = sum(f.stat().st_size for f in sortie.rglob("*") if f.is_file())
    fichiers = sum(f.is_file() for f in sortie.rglob("*"))
    shutil.rmtree(sortie)
    durees["le reste"] = total - sum(durees.values())
    return [
        f"## {repondants} répondants", "",
        f"`publish` : {_s(total)}, {fichiers} fichiers, {octets / 1e6:.1f} Mo ; great-expectations seul : {_s(_alone())}.".replace(".", ",", 1),
        "", "| étape | durée | part |", "|---|---|---|",
        *(f"| {nom} | {_s(d)} | {100 * d / total:.0f} % |" for nom, d in durees.items()), "",
    ]  # fmt: skip


def _timed(fonction: Callable[..., Any], nom: str, durees: dict[str, float]) -> Callable[..., Any]:
    def mesuree(*args: Any, **options: Any) -> Any:
        depart = time.perf_counter()
        try:
            return fonction(*args, **options)
        finally:
            durees[nom] += time.perf_counter() - depart

    return mesuree


def _alone() -> float:
    """Starting the process of the suite and importing great-expectations, nothing else running."""
    depart = time.perf_counter()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import great_expectations"], check=True,
        env={"GX_ANALYTICS_ENABLED": "false", "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
    )  # fmt: skip
    return time.perf_counter() - depart


def _s(secondes: float) -> str:
    return f"{secondes:.1f} s".replace(".", ",")


def main() -> None:
    options = argparse.ArgumentParser(description="Temps d'une publication complète, étape par étape.")
    options.add_argument("--tailles", type=int, nargs="+", default=[3_000, 36_000])
    for taille in options.parse_args().tailles:
        print("\n".join(measure(taille)), flush=True)


if __name__ == "__main__":
    main()
