"""The 156 awkward and hostile files of ../shared, through the public door: every verdict, reviewed one by one.

`verdicts.csv`: what each must give, and why. `ecarts.csv`: where a second engine reads otherwise, and why we keep ours.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
import warnings
from functools import partial
from pathlib import Path

import pytest
import yaml

from cartographie.base.workers import Arret, Limites, run_isolated
from cartographie.intake.gate import DEFAUTS
from cartographie.intake.read import Ouverture, open_depots, read_depots
from cartographie.intake.store import ingest
from cartographie.survey.received import Depot

ICI = Path(__file__).parent
sys.path.insert(0, str(ICI))
import moteurs  # noqa: E402

pytestmark = pytest.mark.shared
JUGE = {"memoire_mo": 512, "processeur_s": 10, "duree_s": 120}  # a busy machine makes one wait, not compute
CODES = {
    nom: c["code"] for nom, c in yaml.safe_load((ICI.parents[1] / "cartographie/survey/constats.yaml").read_text("utf-8")).items()
}  # fmt: skip


def rows(nom: str) -> list[dict[str, str]]:
    with (ICI / nom).open(encoding="utf-8", newline="") as fichier:
        return list(csv.DictReader(fichier))


@pytest.fixture(scope="module")
def fichiers(shared: Path) -> Path:
    return shared / "nasty/files"


def depot(chemin: Path) -> Depot:
    octets = chemin.read_bytes()
    sha256 = hashlib.sha256(octets).hexdigest()
    return Depot(sha256[:12], "2026", chemin.name, chemin.name, sha256, len(octets), "2026-04-01", "reponse")


@pytest.fixture(scope="module")
def ouverts(fichiers: Path) -> dict[str, Ouverture]:
    """File → what opening gave."""
    depots = [depot(c) for c in sorted(fichiers.iterdir())]
    return {d.nom: o for d, o in zip(depots, open_depots(depots, fichiers, lecture=JUGE), strict=True)}


def verdict(nom: str, o: Ouverture) -> dict[str, str]:
    feuilles = o.classeur.feuilles if o.classeur else ()
    return {
        "fichier": nom,
        "verdict": "lu" if o.classeur else "refusé",
        "codes": " ".join(CODES[c.constat] for c in o.constats),
        "feuilles": str(len(feuilles)) if o.classeur else "",
        "cellules": str(sum(len(r) - r.count(None) for f in feuilles for r in f.lignes)) if o.classeur else "",
    }


def test_every_verdict_is_the_one_reviewed(ouverts: dict[str, Ouverture]) -> None:
    attendus = rows("verdicts.csv")
    assert len(attendus) == 156 and all(len(a["raison"]) > 8 for a in attendus)
    trouves = [verdict(nom, o) for nom, o in ouverts.items()]
    assert trouves == [{c: v for c, v in a.items() if c != "raison"} for a in attendus]


def test_each_ends_in_time(ouverts: dict[str, Ouverture]) -> None:
    """Ten seconds of processor, or it would have been ended."""
    assert not [nom for nom, o in ouverts.items() for c in o.constats if c.constat == "lecture_trop_longue"]


def _sommet(nom: str, dossier: Path) -> int:
    """Kilobytes this worker has held at most, this file and the ones before it included."""
    import resource

    from cartographie.intake.read import _ouvre

    _ouvre(depot(dossier / nom), dossier, {})
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.skipif(sys.platform != "linux", reason="kilobytes are Linux's unit")
def test_each_is_judged_in_little_memory(fichiers: Path) -> None:
    noms = sorted(c.name for c in fichiers.iterdir())
    sommets = list(run_isolated(partial(_sommet, dossier=fichiers), noms, Limites(**JUGE)))
    assert len(sommets) == 156 and max(sommets) < 512_000


def _alloue(mo: int) -> int:
    return len(bytearray(mo << 20))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_the_memory_limit_the_verdicts_were_given_under_is_real() -> None:
    assert list(run_isolated(_alloue, [100, 600], Limites(**JUGE))) == [100 << 20, Arret("memoire")]


def _tente(action: str) -> str:
    """What a reader would do to write, or to reach out."""
    import socket

    try:
        if action == "ecrire":
            with Path("cartographie-interdit").open("w") as f:
                f.write("x")
                f.flush()
        else:
            socket.create_connection(("127.0.0.1", 9), 1)
    except OSError as erreur:
        return type(erreur).__name__
    return "fait"


@pytest.mark.skipif(sys.platform != "linux", reason="the limits on files are the system's")
def test_nothing_is_written_and_no_socket_is_opened(fichiers: Path, tmp_path: Path) -> None:
    """A worker can write no file; reading opens no socket (its open descriptors are the same before and after)."""
    avant = {c.name: (c.stat().st_mtime_ns, hashlib.sha256(c.read_bytes()).hexdigest()) for c in fichiers.iterdir()}
    ici = Path.cwd()
    os.chdir(tmp_path)
    try:
        assert list(run_isolated(_tente, ["ecrire"], Limites(**JUGE))) == ["OSError"]
        lus = list(run_isolated(partial(_descripteurs, dossier=fichiers), sorted(avant), Limites(**JUGE)))
    finally:
        os.chdir(ici)
    assert [x for x in lus if isinstance(x, Arret)] == []
    assert {sockets for _, sockets in lus} == {lus[0][1]}
    assert sum((tmp_path / "cartographie-interdit").stat().st_size for _ in tmp_path.iterdir()) == 0
    assert avant == {
        c.name: (c.stat().st_mtime_ns, hashlib.sha256(c.read_bytes()).hexdigest()) for c in fichiers.iterdir()
    }


def _descripteurs(nom: str, dossier: Path) -> tuple[str, int]:
    """Read one file in this worker, then count its sockets. Opening any other would have been seen by the audit hook."""
    from cartographie.intake.read import _ouvre

    vus: list[str] = []
    sys.addaudithook(lambda nom, _: vus.append(nom) if nom.startswith(("socket.", "subprocess.", "os.exec")) else None)
    _ouvre(depot(dossier / nom), dossier, {})
    assert not vus, vus
    return nom, sum(f.is_socket() for f in Path("/proc/self/fd").iterdir())


# --------------------------------------------------------------------------- a second engine


def test_values_are_those_a_second_engine_reads(fichiers: Path) -> None:
    """Cell by cell, active contents set aside so that every file is compared; each difference kept has its reason."""
    depots = [depot(c) for c in sorted(fichiers.iterdir())]
    trouves, compares = {}, 0
    ecarter = dict.fromkeys(DEFAUTS, "ecarter")
    for d, o in zip(depots, open_depots(depots, fichiers, contenus_actifs=ecarter, workers=2), strict=True):
        lire = moteurs.MOTEURS.get(o.format or "")
        if o.classeur is None or lire is None:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                autre = lire(fichiers / d.nom)
        except Exception as erreur:  # the other engine gives up: said in the table too
            trouves[d.nom] = f"échec : {type(erreur).__name__}"
            continue
        compares += 1
        if ecarts := moteurs.differences(moteurs.ours(o.classeur), autre):
            trouves[d.nom] = str(len(ecarts))
    attendus = rows("ecarts.csv")
    assert trouves == {a["fichier"]: a["ecarts"] for a in attendus} and all(a["raison"] for a in attendus)
    assert compares > 110


# --------------------------------------------------------------------------- in a campaign


def test_the_good_files_of_the_same_batch_are_read(fichiers: Path, racine: Path, tmp_path: Path) -> None:
    """All of them received at once, between two good answers: those two are read, each of the others is refused."""
    from cartographie.survey.load import load_questionnaire

    bons = tmp_path / "bons"
    bons.mkdir()
    for rang, nom in enumerate(("0_bon.xlsx", "zz_bon.xlsx")):
        octets = (racine / "tests/fautes/fichiers/bon.xlsx").read_bytes()
        (bons / nom).write_bytes(octets if not rang else _retouche(octets))
    depots, _ = ingest(tmp_path, "2026", [bons / "0_bon.xlsx", fichiers, bons / "zz_bon.xlsx"], "reponse", "2026-04-01")
    q = load_questionnaire(racine)
    modeles = [m for c in q.campagnes.values() for m in c.modeles.values() if m.usage == "reponse"]
    lues = read_depots(depots, tmp_path / "raw/2026", modeles, workers=2, lecture=JUGE)
    assert [e.depot for e in lues] == [d.depot for d in depots]
    assert [d.nom for d, e in zip(depots, lues, strict=True) if not e.refuse] == ["0_bon.xlsx", "zz_bon.xlsx"]
    assert all(e.constats for e in lues if e.refuse)


def _retouche(octets: bytes) -> bytes:
    """The same workbook, other bytes: a part more, which nobody reads."""
    import io
    import zipfile

    sortie = io.BytesIO(octets)
    with zipfile.ZipFile(sortie, "a") as z:
        z.writestr("docProps/autre.txt", b"x")
    return sortie.getvalue()
