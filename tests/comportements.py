"""Coverage by behaviour: every stable code that the program may give is given by some test, or the whole run fails.

Codes: user errors, declarations, findings, rules of the bundled survey, rules of `lint`, exit statuses. They are heard as the
program tells them in the tests' own process, and read from what the command line prints and writes in others.
"""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

RACINE = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("CARTOGRAPHIE_SHARED", RACINE.parent / "shared"))
VUS: set[str] = set()
CODE = re.compile(r"\b[A-Z]\d{2,3}[a-z]?\b")
# no finding of its own: the reason written beside a row set aside with the answer it depends on (tests/unit/validate/test_validate.py)
MOTIFS = {"L205"}


def expected() -> dict[str, set[str]]:
    """Kind → its codes, from the code and the declarations themselves."""
    from cartographie.base.errors import CODES, Statut
    from cartographie.proof.lint import REGLES

    return {
        "codes d'erreur": set(CODES),
        "constats": {c["code"] for c in _findings().values()} - MOTIFS,
        "règles de l'enquête": {r["code"] for r in _rules()},
        "règles de lint": set(REGLES),
        "statuts de sortie": {str(int(s)) for s in Statut},
    }


@cache
def _findings() -> dict[str, dict[str, str]]:
    """The findings of the program, by name."""
    return dict(yaml.safe_load((RACINE / "cartographie/survey/constats.yaml").read_text(encoding="utf-8")))


@cache
def _rules() -> list[dict[str, Any]]:
    return list(yaml.safe_load((RACINE / "schemas/regles.yaml").read_text(encoding="utf-8")))


def note_command(statut: int, *textes: str) -> None:
    """Of one command run in another process: its status, and every code it printed."""
    VUS.add(str(statut))
    for texte in textes:
        VUS.update(CODE.findall(texte))


def note_findings(sorties: Path) -> None:
    """The rules of every finding written under outputs/."""
    for chemin in sorties.glob("*/controle/anomalies.csv"):
        with chemin.open(encoding="utf-8", newline="") as f:
            VUS.update(x["regle"] for x in csv.DictReader(f))


def watch() -> None:
    """Listen to what this process tells (`cartographie.base.errors.tell`), from now to its end."""
    from cartographie.base.errors import EVENEMENT

    codes = {nom: c["code"] for nom, c in _findings().items()}

    def hear(evenement: str, dits: tuple[object, ...]) -> None:
        if evenement == EVENEMENT:
            VUS.add(codes.get(str(dits[1]), str(dits[1])))

    sys.addaudithook(hear)


class Comportements:
    """The plugin: gathers what every process saw; on a whole run, says what nobody saw, and fails."""

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        sortie = getattr(session.config, "workeroutput", None)
        if sortie is not None:
            sortie["comportements"] = sorted(VUS)
        elif _whole(session.config) and any(_missing().values()) and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        VUS.update(getattr(node, "workeroutput", {}).get("comportements", ()))

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        if not _whole(config):
            return
        attendus, manquent = expected(), _missing()
        dits = (f"{len(a) - len(manquent[k])}/{len(a)} {k}" for k, a in attendus.items())
        terminalreporter.write_line(f"Comportements montrés : {', '.join(dits)}.")
        for k, codes in manquent.items():
            if codes:
                terminalreporter.write_line(f"Jamais montrés ({k}) : {', '.join(sorted(codes))}")


def _missing() -> dict[str, set[str]]:
    """A finding that the bundled survey words itself is shown under the code of that rule."""
    noms = _findings()
    redits = {noms[r["constat"]]["code"] for r in _rules() if r["code"] in VUS and r.get("constat") in noms}
    return {k: a - VUS - redits for k, a in expected().items()}


def _whole(config: pytest.Config) -> bool:
    """Every test was asked for, where the real surveys are."""
    o = config.option
    choix: Iterable[Any] = (o.keyword, o.markexpr, o.deselect, getattr(o, "lf", False), o.collectonly)
    return SHARED.is_dir() and config.args_source is pytest.Config.ArgsSource.TESTPATHS and not any(choix)
