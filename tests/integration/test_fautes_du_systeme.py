"""What the machine does to a campaign: a full disk, refused rights, two commands at once, files that change or are damaged.

Each time: one French message, an exit status, nothing lost, nothing half-written; then the same command passes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cartographie.intake.store import read_registre
from cartographie.warehouse.read import fingerprints

CAMPAGNE = "2026"


def tree(dossier: Path) -> dict[str, bytes]:
    """What is there, but the work that is only saved to go faster, and the journal."""
    return {
        p.relative_to(dossier).as_posix(): p.read_bytes()
        for p in sorted(dossier.rglob("*"))
        if p.is_file() and ".examen" not in p.parts and p.name != "journal.jsonl"
    }


def refused(sortie: Any, code: str, statut: int, *mots: str) -> None:
    """One message and no more: the progress apart, one line begins with « Erreur »."""
    lignes = [x for x in sortie.erreurs.splitlines() if x and not x.startswith("…")]
    dites = [x for x in lignes if x.startswith("Erreur")]
    assert sortie.statut == statut, sortie.erreurs
    assert len(dites) == 1 and dites[0].startswith(f"Erreur {code} : "), sortie.erreurs
    assert all(m in dites[0] for m in mots), dites
    assert not {"Traceback", "Exception"} & set(sortie.erreurs.split()), sortie.erreurs


@pytest.fixture
def espace(mini_projet: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mini_projet, tmp_path / "espace"))


# ------------------------------------------------------------------------------------------- a full disk


@pytest.fixture
def petit_disque(espace: Path, tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """The workspace, alone on a disk where that many kibibytes are left."""
    ici = tmp_path / "disque"
    ici.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", ici], capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk: run as root")
    try:

        def remplir(reste: int) -> Path:
            shutil.copytree(espace, ici, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".examen"))
            pris = shutil.disk_usage(ici).used // 1024
            subprocess.run(["mount", "-o", f"remount,size={pris + reste}k", ici], check=True)
            return ici

        yield remplir
    finally:
        subprocess.run(["umount", "-l", ici], check=True)


@pytest.mark.parametrize(
    ("reste", "commande"),
    [
        (300, ("load",)),  # no room for what is examined
        (2_000, ("load",)),  # no room for the warehouse
        (600, ("publish", CAMPAGNE, "--version", "v1")),
        (8, ("map", CAMPAGNE)),
        (300, ("ingest", CAMPAGNE, "{gros}", "--ranger-seulement")),
    ],
    ids=["load", "load: the warehouse", "publish", "map", "ingest"],
)
def test_a_full_disk(
    petit_disque: Callable[[int], Path], reste: int, commande: tuple[str, ...], tmp_path: Path, cli: Callable[..., Any]
) -> None:
    gros = tmp_path / "gros.csv"
    gros.write_bytes(b"a;b\n" + os.urandom(400_000))
    ici = petit_disque(reste)
    avant = tree(ici)
    refused(cli(*(c.format(gros=gros) for c in commande), "--projet", ici), "U15", 2, "disque est plein")
    assert tree(ici) == avant
    assert not [p for p in ici.rglob("*") if p.name.endswith(".part") or p.name.startswith(".recu_")]
    subprocess.run(["mount", "-o", "remount,size=400m", ici], check=True)
    if commande[0] in ("publish", "map"):  # long, and test_pannes.py shows it
        return
    assert cli(*(c.format(gros=gros) for c in commande), "--projet", ici).statut == 0
    assert cli("status", "--journal", "--projet", ici).statut == 0  # its chain holds


# ------------------------------------------------------------------------------------------- rights


@pytest.fixture
def anybody(cli: Callable[..., Any]) -> Callable[..., Any]:
    """As a user whom rights bind: root, without what lets it pass over them."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root passes over every right, and setpriv is not there to prevent it: apt-get install util-linux")
    avec = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    return lambda *args: cli(*args, avec=avec)


@pytest.mark.parametrize(
    ("fige", "commande", "dit"),
    [
        ("outputs", ("load",), "outputs/.verrou"),
        ("outputs/2026", ("map", CAMPAGNE), "outputs/2026/.tableaux.en_cours"),
        ("outputs/2026/controle", ("validate", CAMPAGNE), "controle/anomalies.csv"),
        ("raw/2026/depots", ("ingest", CAMPAGNE, "{fichier}"), "raw/2026/depots"),
    ],
)
def test_a_folder_that_cannot_be_written(
    espace: Path, tmp_path: Path, anybody: Callable[..., Any], fige: str, commande: tuple[str, ...], dit: str
) -> None:
    fichier = tmp_path / "réponse.csv"
    fichier.write_text("a;b\n1;2\n", encoding="utf-8")
    avant = tree(espace)
    (espace / fige).chmod(0o555)
    try:
        sortie = anybody(*(c.format(fichier=fichier) for c in commande), "--projet", espace)
    finally:
        (espace / fige).chmod(0o755)
    refused(sortie, "U15", 2, "l'accès est refusé", dit)
    assert tree(espace) == avant


@pytest.mark.parametrize(
    ("cache", "commande", "code", "statut", "dit"),
    [
        ("schemas/2026/campagne.yaml", ("load",), "U15", 2, "schemas/2026/campagne.yaml"),
        ("raw/2026/registre.csv", ("load",), "U15", 2, "raw/2026/registre.csv"),
        ("raw/2026/depots/*", ("load",), "U11", 11, "remettez les originaux"),
        ("outputs/entrepot.duckdb", ("publish", CAMPAGNE, "--version", "v1"), "E18", 2, "relancez « load »"),
        ("outputs/2026/provisoire/index.html", ("audit", "{projet}/outputs/2026/provisoire", "--sans-brut"), "U15", 2, "index.html"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read(
    espace: Path, anybody: Callable[..., Any], cache: str, commande: tuple[str, ...], code: str, statut: int, dit: str
) -> None:
    fichier = next(espace.glob(cache))
    fichier.chmod(0)
    projet = () if "audit" in commande else ("--projet", espace)
    refused(anybody(*(c.format(projet=espace) for c in commande), *projet), code, statut, dit)


# ------------------------------------------------------------------------------------------- at the same time


def start(espace: Path, *commande: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cartographie", *commande, "--projet", str(espace)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip


def test_two_runs_at_once(espace: Path) -> None:
    """One works; the other waits for it, or says that the workspace is in use. What is published is the same as alone."""
    attendu = tree(espace / "outputs")
    lances = [start(espace, "run", CAMPAGNE, "--remplacer") for _ in range(2)]
    fins = [(p.communicate()[1], p.returncode) for p in lances]
    statuts = sorted(statut for _, statut in fins)
    assert statuts in ([0, 0], [0, 17]), fins
    assert all("Erreur E17 : une autre commande écrit" in e for e, statut in fins if statut == 17)
    apres = tree(espace / "outputs")
    assert {n: o for n, o in apres.items() if not n.endswith(".duckdb")} == {
        n: o for n, o in attendu.items() if not n.endswith(".duckdb")
    }


def test_a_reader_during_a_load(espace: Path) -> None:
    """The load does not wait for whoever reads, and whoever reads keeps seeing what was there."""
    entrepot = espace / "outputs/entrepot.duckdb"
    avant = fingerprints(entrepot)
    lire = (
        f"import duckdb, sys; c = duckdb.connect({str(entrepot)!r}, read_only=True); print('lu', flush=True); sys.stdin.readline(); "
        "print(c.execute('SELECT count(*) FROM depot').fetchone()[0])"
    )
    lecteur = subprocess.Popen([sys.executable, "-c", lire], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert lecteur.stdout is not None and lecteur.stdout.readline() == "lu\n"
    fini = start(espace, "load")
    assert fini.wait() == 0
    lu, _ = lecteur.communicate("va\n")
    assert int(lu) == sum(len(read_registre(d)) for d in (espace / "raw").iterdir() if d.is_dir())
    assert fingerprints(entrepot) == avant


# ------------------------------------------------------------------------------------------- what changes, what is damaged


@pytest.mark.parametrize(
    ("fichier", "ajout", "dit"),
    [
        ("schemas/2026/campagne.yaml", b"# relu\n", "schemas/2026/campagne.yaml a changé"),
        ("schemas/2026/plausibilite.yaml", b"# relu\n", ""),
        ("raw/2026/dispositions.csv", b"unite,disposition,le\n", "raw/2026/dispositions.csv a changé"),
    ],
)
def test_nothing_is_published_from_a_warehouse_that_is_no_longer_true(
    espace: Path, cli: Callable[..., Any], fichier: str, ajout: bytes, dit: str
) -> None:
    """What says how an answer is read changed since it was loaded: the figures would not be those of what is declared."""
    with (espace / fichier).open("ab") as f:
        f.write(ajout)
    sortie = cli("map", CAMPAGNE, "--projet", espace)
    if dit:
        refused(sortie, "E23", 2, dit, "relancez « load »")
        assert not (espace / "outputs" / CAMPAGNE / "tableaux").exists()
        assert cli("load", "--projet", espace).statut == 0
        assert f"schemas/{CAMPAGNE}" in fichier or cli("map", CAMPAGNE, "--projet", espace).statut == 0
    else:
        assert sortie.statut == 0, sortie.erreurs


@pytest.mark.parametrize(
    ("fichier", "relus", "recharge"),
    [
        ("release/page.css", False, False),
        ("statistics/tables.py", False, False),
        ("warehouse/sql/totaux.sql", False, True),
        ("decode/dates.py", True, True),
    ],
)
def test_what_another_program_redoes(
    espace: Path, racine: Path, tmp_path: Path, cli: Callable[..., Any], fichier: str, relus: bool, recharge: bool
) -> None:
    """One byte more in a file of the program: only what that file decides is asked for again."""
    paquet = tmp_path / "programme/cartographie"
    shutil.copytree(racine / "cartographie", paquet, ignore=shutil.ignore_patterns("__pycache__"))
    with (paquet / fichier).open("a", encoding="utf-8") as f:
        f.write("\n")

    def autre(*args: str) -> Any:
        return cli(*args, "--projet", espace, cwd=tmp_path, env={"PYTHONPATH": str(paquet.parent)})

    def examines() -> dict[Path, int]:
        return {f: f.stat().st_mtime_ns for f in (espace / f"outputs/.examen/{CAMPAGNE}").rglob("*.npz")}

    avant, sortie = examines(), autre("map", CAMPAGNE)
    if recharge:
        refused(sortie, "E23", 2, "le programme a changé", "relancez « load »")
    else:
        assert sortie.statut == 0, sortie.erreurs
    assert autre("load").statut == 0
    assert avant and (examines() != avant) == relus
    assert not recharge or autre("map", CAMPAGNE).statut == 0


def test_a_file_received_since_the_load(espace: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    (tmp_path / "réponse.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    assert cli("ingest", CAMPAGNE, tmp_path / "réponse.csv", "--ranger-seulement", "--projet", espace).statut == 0
    refused(cli("map", CAMPAGNE, "--projet", espace), "E23", 2, "raw/2026/registre.csv a changé")


@pytest.mark.parametrize("degat", ["tronqué", "octets changés", "vide"])
def test_a_damaged_warehouse(espace: Path, cli: Callable[..., Any], degat: str) -> None:
    entrepot = espace / "outputs/entrepot.duckdb"
    bon, octets = fingerprints(entrepot), bytearray(entrepot.read_bytes())
    if degat == "octets changés":
        for i in range(600_000, len(octets), 50_000):
            octets[i] ^= 0xFF
    entrepot.write_bytes({"tronqué": octets[: len(octets) // 2], "vide": b""}.get(degat, octets))
    refused(cli("map", CAMPAGNE, "--projet", espace), "E18", 2, "relancez « load »")
    assert cli("load", "--projet", espace).statut == 0
    assert fingerprints(entrepot) == bon


def test_a_warehouse_somebody_else_was_writing(espace: Path, cli: Callable[..., Any]) -> None:
    """A program killed while it wrote leaves a log beside: neither it nor what it wrote goes any further."""
    entrepot = espace / "outputs/entrepot.duckdb"
    bon = fingerprints(entrepot)
    ecrire = f"import duckdb, os; c = duckdb.connect({str(entrepot)!r}); c.execute('DELETE FROM depot'); os._exit(9)"
    subprocess.run([sys.executable, "-c", ecrire], check=False)
    assert entrepot.with_name("entrepot.duckdb.wal").exists()
    refused(cli("map", CAMPAGNE, "--projet", espace), "E18", 2, "un autre programme a écrit")
    assert cli("load", "--projet", espace).statut == 0
    assert not entrepot.with_name("entrepot.duckdb.wal").exists()
    assert fingerprints(entrepot) == bon


def test_a_clock_that_goes_back(espace: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    """The last answer received prevails: a machine that says it is yesterday is not believed. Dates of files never count."""
    for i in range(3):
        (tmp_path / f"{i}.csv").write_text(f"a;b\n{i};2\n", encoding="utf-8")
    avant = fingerprints(espace / "outputs/entrepot.duckdb")
    for i, p in enumerate(sorted((espace / "raw").rglob("*.xlsx"))):
        os.utime(p, (2_000_000_000 - i * 10**8,) * 2)
    assert cli("load", "--relire", "--projet", espace).statut == 0
    assert fingerprints(espace / "outputs/entrepot.duckdb") == avant
    ranger = ("ingest", CAMPAGNE, "--ranger-seulement", "--projet", espace)
    assert cli(*ranger, tmp_path / "0.csv", "--recu-le", "2999-12-31").statut == 0
    recus = tree(espace / "raw")
    refused(cli(*ranger, tmp_path / "1.csv"), "U30", 2, "L'horloge", "2999-12-31", "--recu-le")
    refused(cli("register", CAMPAGNE, tmp_path / "1.csv", "--projet", espace), "U30", 2, "L'horloge")
    assert tree(espace / "raw") == recus
    assert cli(*ranger, tmp_path / "1.csv", "--recu-le", "2026-05-01").statut == 0  # said so: it came before


# ------------------------------------------------------------------------------------------- names


def test_names_of_any_kind(racine: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    """Spaces, accents of both writings, 255 bytes, capitals that a Mac or Windows would confuse, quotes, a line feed."""
    ici = tmp_path / "espace d'été — « n° 1 » é"
    shutil.copytree(racine / "schemas", ici / "schemas")
    noms = ["Réponse.csv", "réponse.csv", "RÉPONSE.CSV", "Re\u0301ponse.csv", "a" * 251 + ".csv", "un nom 'à' \"guillemets\".csv", "deux\nlignes.csv",
            "-rf.csv", "$(touch x).csv", "%s.csv", "..csv", "nul.csv"]  # fmt: skip
    envoi = tmp_path / "envoi"
    envoi.mkdir()
    for i, nom in enumerate(noms):
        (envoi / nom).write_text(f"a;b\n{i};2\n", encoding="utf-8")
    sortie = cli("ingest", CAMPAGNE, envoi, "--ranger-seulement", "--projet", ici)
    assert sortie.statut == 0, sortie.erreurs
    depots = read_registre(ici / "raw" / CAMPAGNE)
    assert sorted(d.nom for d in depots) == sorted(noms)
    chemins = [d.chemin for d in depots]
    assert len({c.casefold() for c in chemins}) == len(noms)  # they stay apart on a disk that confuses capitals
    assert all(len(c.rpartition("/")[2].encode()) <= 255 for c in chemins)
    assert not [c for c in chemins if set(c) & set("\n\"'$%*?<>|:\\")]
    assert cli("validate", CAMPAGNE, "--projet", ici).statut in (0, 11)


def test_links_are_not_followed(racine: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    """Neither one that is sent, nor one put in place of a file received."""
    ici = tmp_path / "espace"
    shutil.copytree(racine / "schemas", ici / "schemas")
    vrai = tmp_path / "vrai.csv"
    vrai.write_text("a;b\n1;2\n", encoding="utf-8")
    lien = tmp_path / "lien.csv"
    lien.symlink_to(vrai)
    refused(cli("ingest", CAMPAGNE, lien, "--projet", ici), "U07", 2, "lien symbolique")
    assert cli("ingest", CAMPAGNE, vrai, "--ranger-seulement", "--projet", ici).statut == 0
    recu = ici / "raw" / CAMPAGNE / read_registre(ici / "raw" / CAMPAGNE)[0].chemin
    recu.unlink()
    recu.symlink_to(vrai)  # the same bytes: but whoever holds them can change them
    refused(cli("load", "--projet", ici), "U11", 11, "remettez les originaux")
