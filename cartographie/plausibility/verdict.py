"""The suite asked to another process, and what its answer means for the release."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cartographie.errors import Statut, UserError
from cartographie.phrases import decimal

if TYPE_CHECKING:
    from cartographie.plausibility.measures import Mesures

MONTRES = 3
# urllib3, which comes with great-expectations, opens a local port to try IPv6: told there is none, it does not
PROGRAMME = "import socket; socket.has_ipv6 = False; from cartographie.plausibility.suite import main; main()"


@dataclass(frozen=True, slots=True)
class Attente:
    """One expectation, judged. `hors`: (where, value) that are not as expected; `derogation`: why it is published all the
    same, "" when it is not; `mesures`: values judged."""

    code: str
    libelle: str
    tenue: bool
    mesures: int
    hors: tuple[tuple[str, float], ...]
    derogation: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`public`: Data Docs that say what is met and hold no value; `detail`: with the values, for the producer alone."""

    attentes: tuple[Attente, ...]
    public: str
    detail: str


@contextmanager
def ask() -> Iterator[subprocess.Popen[str]]:
    """The process of the suite, which gets ready while something else is done. Telemetry is off; it ends with the block."""
    env = {**os.environ, "GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1", "PYTHONIOENCODING": "utf-8"}
    fils = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAMME],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=env,
    )  # fmt: skip
    try:
        yield fils
    finally:
        if fils.poll() is None:
            fils.kill()
        fils.wait()
        for flux in (fils.stdin, fils.stdout):
            if flux is not None:
                flux.close()


def judge(
    fils: subprocess.Popen[str], declare: Mapping[str, Any], mesures: Mesures, entete: Mapping[str, Any]
) -> Verdict:
    """`declare`: plausibilite.yaml. `entete`: campagne, titre, mention. Raises RuntimeError when the suite breaks."""
    attentes = list(declare.get("attentes", ()))
    demande = {"entete": dict(entete), "attentes": attentes, "mesures": mesures}
    sortie, _ = fils.communicate(json.dumps(demande, ensure_ascii=False))
    if fils.returncode:
        raise RuntimeError("the plausibility suite broke")
    rendu = json.loads(sortie)
    motifs = {d["code"]: d["motif"] for d in declare.get("derogations", ())}
    return Verdict(
        tuple(
            Attente(
                a["code"], a["libelle"], r["tenue"], r["mesures"],
                tuple((m, float(v)) for m, v in r["hors"]), motifs.get(a["code"], ""),
            )
            for a, r in zip(attentes, rendu["resultats"], strict=True)
        ),
        rendu["public"],
        rendu["detail"],
    )  # fmt: skip


def require_plausible(attentes: Sequence[Attente], annee: str) -> None:
    """Raise UserError E13 (status 13) naming each expectation that is neither met nor waived in writing."""
    manquees = [a for a in attentes if not a.tenue and not a.derogation]
    if manquees:
        raise UserError(
            "E13",
            f"La campagne {annee} n'est pas vraisemblable : {' ; '.join(_says(a) for a in manquees)} ; vérifiez les fichiers "
            f"reçus, ou écrivez une dérogation motivée dans schemas/{annee}/plausibilite.yaml.",
            Statut.IMPLAUSIBLE,
        )


def _says(a: Attente) -> str:
    ou = ", ".join(f"{m} : {decimal(v)}" for m, v in a.hors[:MONTRES])
    reste = f" et {len(a.hors) - MONTRES} autres" if len(a.hors) > MONTRES else ""
    return f"{a.code}, {a.libelle} ({ou}{reste})"
