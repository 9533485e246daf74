"""Coverage by behaviour: every stable code that the program may give is given by some test, or the whole run fails.

Codes: user errors, declarations, findings, rules of the bundled survey, rules of `lint`, exit statuses. They are noted as they
arise in the tests' own process, and read from what the command line prints and writes in others.
"""

from __future__ import annotations

import csv
import functools
import os
import re
from collections.abc import Iterable
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
    from cartographie.base.errors import Statut
    from cartographie.proof.lint import REGLES

    source = "\n".join(p.read_text(encoding="utf-8") for p in sorted((RACINE / "cartographie").rglob("*.py")))
    constats = yaml.safe_load((RACINE / "cartographie/survey/constats.yaml").read_text(encoding="utf-8"))
    regles = yaml.safe_load((RACINE / "schemas/regles.yaml").read_text(encoding="utf-8"))
    return {
        "codes d'erreur": set(re.findall(r'"([UED]\d\d)"', source)),
        "constats": {c["code"] for c in constats.values()} - MOTIFS,
        "règles de l'enquête": {r["code"] for r in regles},
        "règles de lint": set(REGLES),
        "statuts de sortie": {str(int(s)) for s in Statut},
    }


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
    """Note the code of each error, finding and lint fault made in this process."""
    from cartographie.base import errors
    from cartographie.cli import main
    from cartographie.proof.lint import Defaut
    from cartographie.survey.received import Anomalie, Constat
    from cartographie.survey.written.source import Problemes

    noms = yaml.safe_load((RACINE / "cartographie/survey/constats.yaml").read_text(encoding="utf-8"))
    vrai_run = main._run

    def run(argv: list[str] | None) -> tuple[int, str]:
        statut, code = vrai_run(argv)
        VUS.update({str(statut), code})
        return statut, code

    main._run = run
    _note(errors.UserError, "__init__", lambda a: [a[0]])
    _note(Problemes, "ajouter", lambda a: [a[0]])
    _note(Defaut, "__init__", lambda a: [a[0]])
    _note(Anomalie, "__init__", lambda a: a)
    _note(Constat, "__init__", lambda a: [noms.get(a[0], {}).get("code", a[0])])


def _note(classe: Any, methode: str, codes: Any) -> None:
    vraie = getattr(classe, methode)

    @functools.wraps(vraie)
    def suivie(self: Any, *recus: Any, **kwargs: Any) -> Any:
        args = recus or tuple(v for k, v in kwargs.items() if k in ("constat", "code"))
        if args:
            VUS.update(c for c in codes(args) if isinstance(c, str) and CODE.fullmatch(c))
        VUS.update(c for c in (kwargs.get("regle"), kwargs.get("code")) if isinstance(c, str))
        return vraie(self, *recus, **kwargs)

    setattr(classe, methode, suivie)


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
    regles = yaml.safe_load((RACINE / "schemas/regles.yaml").read_text(encoding="utf-8"))
    noms = yaml.safe_load((RACINE / "cartographie/survey/constats.yaml").read_text(encoding="utf-8"))
    redits = {noms[r["constat"]]["code"] for r in regles if r["code"] in VUS and r.get("constat") in noms}
    return {k: a - VUS - redits for k, a in expected().items()}


def _whole(config: pytest.Config) -> bool:
    """Every test was asked for, where the real surveys are."""
    o = config.option
    choix: Iterable[Any] = (o.keyword, o.markexpr, o.deselect, getattr(o, "lf", False), o.collectonly)
    return SHARED.is_dir() and config.args_source is pytest.Config.ArgsSource.TESTPATHS and not any(choix)
