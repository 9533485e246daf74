"""Spoilt workbooks through the gate, then through the isolated reader: always a verdict, soon, in little memory.

`CARTOGRAPHIE_FUZZ=20000 pytest -n 0 tests/fuzz` tries that many, other ones each time; CI always tries the same few.
"""

from __future__ import annotations

import hashlib
import os
import resource
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

sys.path.insert(0, str(Path(__file__).parent))
from mutations import RECETTE, seeds, spoil

from cartographie.base.workers import Arret, Limites, run_isolated
from cartographie.intake import gate
from cartographie.intake import read as lecture
from cartographie.intake import store as snapshot
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Modele
from cartographie.survey.received import Classeur, Constat, Depot

ESSAIS = int(os.environ.get("CARTOGRAPHIE_FUZZ", 0))
ASSEZ = 10.0
MEMOIRE_KO = 300_000
RACINE = Path(__file__).resolve().parents[2]
CONSTATS = set(yaml.safe_load((RACINE / "cartographie/survey/constats.yaml").read_text(encoding="utf-8")))
regle = settings(
    max_examples=ESSAIS or 600, derandomize=not ESSAIS, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)  # fmt: skip


def depot(nom: str, octets: bytes) -> Depot:
    sha256 = hashlib.sha256(octets).hexdigest()
    return Depot(sha256[:12], "2026", nom, f"depots/{nom}", sha256, len(octets), "2026-04-01", "reponse")


def known(constats: tuple[Constat, ...]) -> bool:
    return all(c.constat in CONSTATS for c in constats)


@pytest.fixture(scope="module")
def modeles() -> tuple[Modele, ...]:
    return tuple(
        m for c in load_questionnaire(RACINE).campagnes.values() for m in c.modeles.values() if m.usage == "reponse"
    )


def read(tache: tuple[str, bytes], modeles: tuple[Modele, ...]) -> Any:
    """In the worker: the whole reading of one file, as a campaign does it."""
    nom, octets = tache
    d = depot(nom, octets)
    porte = gate.inspect(octets, nom)
    if porte.refuse:
        return "refusé", porte.constats, 0
    lue = lecture._extrait(d, lecture._ouvre_contenu(nom, octets, porte, {}), porte, modeles)
    return "refusé" if lue.refuse else "lu", lue.constats, len(lue.blocs)


def test_seeds_are_read(modeles: tuple[Modele, ...]) -> None:
    """The spoilt files start from files that are let through: otherwise nothing would be tried past the gate."""
    assert not [n for n, o in seeds() if gate.inspect(o, n).refuse]
    lus = list(run_isolated(partial(read, modeles=modeles), seeds(), Limites(512, 10, 10)))
    assert [v for (n, _), (v, _, _) in zip(seeds(), lus, strict=True) if n == "bon.xlsx"] == ["lu"]


def test_a_spoilt_file_always_has_a_verdict(monkeypatch: pytest.MonkeyPatch, modeles: tuple[Modele, ...]) -> None:
    ouverts: list[bytes] = []
    for lecteur in ("read_workbook", "read_text"):
        monkeypatch.setattr(lecture, lecteur, lambda octets, *_, **__: ouverts.append(octets) or Classeur("", ()))
    passes: list[Any] = []  # recipes: the files themselves would be heavy

    @regle
    @given(RECETTE)
    def judge(recette: Any) -> None:
        nom, octets = spoil(recette)
        debut = time.process_time()  # its own time: a busy machine is not its fault
        porte = gate.inspect(octets, nom)
        assert time.process_time() - debut < ASSEZ
        assert known(porte.constats) and (porte.format or porte.refuse) and (porte.constats or not porte.refuse)
        ouverts.clear()
        monkeypatch.setattr(snapshot, "verify", lambda *_: octets)
        ouverture, _ = lecture._ouvre(depot(nom, octets), Path(), {})
        assert (ouverts == [octets]) is not porte.refuse
        assert (ouverture.classeur is None) is porte.refuse
        if not porte.refuse:
            passes.append(recette)

    avant = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    judge()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - avant < MEMOIRE_KO
    assert len(passes) > (ESSAIS or 600) / 20
    monkeypatch.undo()
    _read_all(passes, modeles)


def _read_all(passes: list[Any], modeles: tuple[Modele, ...]) -> None:
    """Every file let through, read under the limits of a worker: a verdict, or a death that is told as one."""
    fautes = []
    lus = run_isolated(
        partial(read, modeles=modeles), map(spoil, passes), Limites(512, ASSEZ, 12 * ASSEZ), 1 if not ESSAIS else 2
    )
    for recette, lu in zip(passes, lus, strict=True):
        nom, octets = spoil(recette)
        coupable = lu.cause == "arret" if isinstance(lu, Arret) else not known(lu[1])
        if coupable:
            garde = (
                Path(os.environ.get("CARTOGRAPHIE_FUZZ_DOSSIER", "."))
                / f"{hashlib.sha256(octets).hexdigest()[:12]}_{nom}"
            )
            if ESSAIS:
                garde.write_bytes(octets)
            fautes.append((garde.name, lu))
    assert not fautes
