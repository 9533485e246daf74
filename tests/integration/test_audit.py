"""The auditor trusts nothing: what is untouched is proven, one byte changed anywhere is found and named."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cartographie.base.errors import UserError
from cartographie.proof.audit import audit_release

CAMPAGNE = "2026"


@pytest.fixture
def espace(mini_projet: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mini_projet, tmp_path / "espace", ignore=shutil.ignore_patterns("*.duckdb", ".examen")))


@pytest.fixture
def publie(espace: Path) -> Path:
    return espace / "outputs" / CAMPAGNE / "provisoire"


def found(bilan: Any) -> dict[str, list[str]]:
    return {e["code"]: e["constats"] for e in bilan["etapes"] if e["verdict"] == "différent"}


def flip(chemin: Path, octet: int = -30) -> None:
    """Change one byte."""
    chemin.chmod(0o644)
    octets = bytearray(chemin.read_bytes())
    octets[octet] ^= 1
    chemin.write_bytes(bytes(octets))


def reseal(publie: Path) -> None:
    """What a careful forger does: write the fingerprints of the manifest again."""
    chemin = publie / "manifeste.json"
    manifeste = json.loads(chemin.read_text(encoding="utf-8"))
    for nom, dit in manifeste["sorties"].items():
        octets = (publie / nom).read_bytes()
        dit |= {"sha256": hashlib.sha256(octets).hexdigest(), "octets": len(octets)}
    chemin.write_text(json.dumps(manifeste, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def test_what_is_untouched_is_proven(publie: Path, espace: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    avant = sorted(p.relative_to(espace) for p in espace.rglob("*"))
    sortie = cli("audit", publie, "--rapport", tmp_path / "rapport", "--json")
    assert sortie.statut == 0, sortie.texte
    bilan = sortie.json
    assert bilan["conforme"] and found(bilan) == {} and "tout a été refait" in bilan["conclusion"]
    assert {e["verdict"] for e in bilan["etapes"]} == {"conforme", "non vérifié"}  # not signed
    assert sorted(p.relative_to(espace) for p in espace.rglob("*")) == avant  # nothing written in the workspace
    for nom in ("audit.html", "audit.md", "audit.json"):
        assert "conforme" in (tmp_path / "rapport" / nom).read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------- one byte of each kind of file


def csv_value(publie: Path) -> Path:
    """A published value, in the reference CSV."""
    chemin = next((publie / "tableaux").glob("t01_*[!l].csv"))
    lignes = chemin.read_text(encoding="utf-8").splitlines(keepends=True)
    rang = next(i for i, x in enumerate(lignes) if x.rstrip().endswith(("A,A,F", "u,U,F")))
    champs = lignes[rang].split(",")
    champs[-6] = champs[-6][:-1] + ("1" if champs[-6][-1] != "1" else "2")
    lignes[rang] = ",".join(champs)
    chemin.write_text("".join(lignes), encoding="utf-8")
    return chemin


def csv_order(publie: Path) -> Path:
    chemin = next((publie / "tableaux").glob("t01_*[!l].csv"))
    lignes = chemin.read_text(encoding="utf-8").splitlines(keepends=True)
    lignes[1], lignes[2] = lignes[2], lignes[1]
    chemin.write_text("".join(lignes), encoding="utf-8")
    return chemin


def workbook_cell(publie: Path) -> Path:
    chemin = next(publie.glob("*.xlsx"))
    classeur = openpyxl.load_workbook(chemin)
    ws = classeur["T01"]
    case = next(c for ligne in ws.iter_rows() for c in ligne if isinstance(c.value, float))
    case.value += 0.1
    classeur.save(chemin)
    return chemin


def declaration(publie: Path) -> Path:
    chemin = publie / "declarations.zip"
    with ZipFile(chemin) as archive:
        contenus = {n: archive.read(n) for n in archive.namelist()}
    with ZipFile(chemin, "w") as archive:
        for nom, contenu in contenus.items():
            archive.writestr(nom, contenu + b"#" if nom == "regles.yaml" else contenu)
    return chemin


def byte_of(motif: str) -> Callable[[Path], Path]:
    def change(publie: Path) -> Path:
        chemin = sorted(publie.rglob(motif))[0]
        flip(chemin)
        return chemin

    return change


FALSIFICATIONS = {
    "valeur d'un CSV": csv_value, "ordre des lignes": csv_order, "case du classeur": workbook_cell, "déclaration": declaration,
    **{m: byte_of(m) for m in ("*-excel.csv", "*.parquet", "*.svg", "*.png", "index.html", "datapackage.json", "*.schema.json",
                               "rapport-qualite.html", "LISEZMOI.txt", "catalogue.jsonld")},
}  # fmt: skip


def test_each_file_of_the_release_changed_is_named(publie: Path, cli: Callable[..., Any]) -> None:
    """All changed but one of the two that write in the same file, then that one alone."""
    for quoi in (FALSIFICATIONS.keys() - {"ordre des lignes"}, {"ordre des lignes"}):
        avant = shutil.copytree(publie, publie.parent / "avant")
        changes = [FALSIFICATIONS[q](publie).relative_to(publie).as_posix() for q in sorted(quoi)]
        sortie = cli("audit", publie, "--sans-brut", "--json")
        assert sortie.statut == 16
        trouves = found(sortie.json)["empreintes"]
        for nom in changes:
            assert any(c.startswith(nom) for c in trouves), (nom, trouves)
        assert len(trouves) == len(set(changes)), trouves  # and no other
        shutil.rmtree(publie)
        avant.rename(publie)


def test_a_figure_forged_everywhere_is_found_by_computing_it_again(publie: Path, cli: Callable[..., Any]) -> None:
    """The value is changed, the accounts too, and the manifest sealed again: only the raw files tell."""
    chemin = csv_value(publie)
    reseal(publie)
    manifeste = publie / "manifeste.json"
    dit = json.loads(manifeste.read_text(encoding="utf-8"))
    dit["comptes"][CAMPAGNE]["cellules"]["lues"] += 1
    manifeste.write_text(json.dumps(dit, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sortie = cli("audit", publie, "--json")
    assert sortie.statut == 16
    trouves = found(sortie.json)
    assert "empreintes" not in trouves and "formes" in trouves  # the twins still say the old value
    assert sortie.json["premiere_etape"] == "controle" and trouves["controle"][0].startswith("comptes : ")
    assert trouves["tableaux"][0].startswith("Tableau T01, ")
    (ecart,) = sortie.json["ecarts"]
    assert ecart["valeur_avant"] != ecart["valeur_apres"] and ecart["ecart"] == "valeur"
    assert {c.split(" : ")[0] for c in trouves["octets"]} == {chemin.relative_to(publie).as_posix(), "manifeste.json"}


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rang=st.floats(0, 0.9999), bit=st.integers(0, 7))
def test_a_bit_of_the_manifest_changed_never_stops_the_audit(publie: Path, rang: float, bit: int) -> None:
    """Whatever it makes of the manifest: said, never a fault of the program."""
    chemin = publie / "manifeste.json"
    avant = chemin.read_bytes()
    octets = bytearray(avant)
    octets[int(rang * len(octets))] ^= 1 << bit
    chemin.write_bytes(bytes(octets))
    try:
        a = audit_release(publie, publie.parents[2] / "raw" / CAMPAGNE, stop)
        assert a.etapes
    except UserError as e:
        assert e.code in ("U24", "U26")
    finally:
        chemin.write_bytes(avant)


@pytest.mark.parametrize("ou", ["publications_anterieures", "declarations", "depots"])
def test_a_manifest_cannot_lead_out_of_its_folders(publie: Path, cli: Callable[..., Any], ou: str) -> None:
    chemin = publie / "manifeste.json"
    manifeste = json.loads(chemin.read_text(encoding="utf-8"))
    dehors = "../../../dehors"
    (publie.parents[2].parent / "dehors").mkdir()
    if ou == "depots":
        manifeste["entrees"]["depots"][0]["campagne"] = dehors
    else:
        (manifeste if ou == "publications_anterieures" else manifeste["entrees"])[ou][dehors] = "0" * 64
    chemin.write_text(json.dumps(manifeste), encoding="utf-8")
    sortie = cli("audit", publie, "--json")
    assert sortie.statut == 16 and "ValueError" in sortie.texte, sortie.erreurs


def test_a_campaign_received_since_takes_nothing_from_a_release(publie: Path, espace: Path) -> None:
    shutil.copytree(espace / "raw" / CAMPAGNE, espace / "raw/2099")
    a = audit_release(publie, espace / "raw" / CAMPAGNE, stop)
    (reception,) = [e for e in a.etapes if e.code == "reception"]
    assert reception.verdict == "à noter" and reception.constats == ("raw/2099 : reçu depuis la publication",)


def test_the_auditors_own_trouble_is_not_held_against_the_release(publie: Path, espace: Path) -> None:
    def full(projet: Path, manifeste: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        audit_release(publie, espace / "raw" / CAMPAGNE, full)


def test_a_manifest_that_does_not_read_is_said(publie: Path, cli: Callable[..., Any]) -> None:
    (publie / "manifeste.json").write_text("{", encoding="utf-8")
    illisible = cli("audit", publie, "--sans-brut")
    assert illisible.statut == 16 and "U26" in illisible.erreurs


@pytest.mark.parametrize("quoi", ["reponse", "base", "registre", "ajout", "retrait"])
def test_what_was_received_is_accounted_for(publie: Path, espace: Path, cli: Callable[..., Any], quoi: str) -> None:
    raw = espace / "raw" / CAMPAGNE
    if quoi == "registre":
        chemin = raw / "registre.csv"
        chemin.write_text(chemin.read_text(encoding="utf-8").replace("2026-0", "2026-1", 1), encoding="utf-8")
        nom = f"raw/{CAMPAGNE}/registre.csv"
    elif quoi == "ajout":
        chemin = raw.parent.parent / "de-plus.csv"
        chemin.write_text("a;b\n1;2\n", encoding="utf-8")
        assert cli("ingest", CAMPAGNE, chemin, "--ranger-seulement", "--projet", espace).statut == 0
        nom = f"raw/{CAMPAGNE}, {hashlib.sha256(chemin.read_bytes()).hexdigest()[:12]}"
    else:
        dossier = "base" if quoi == "base" else "depots"
        chemin = sorted(p for p in (raw / dossier).iterdir() if p.is_file())[0]
        nom = f"raw/{CAMPAGNE}, {hashlib.sha256(chemin.read_bytes()).hexdigest()[:12]}"
        if quoi == "retrait":
            chemin.unlink()
        else:
            flip(chemin, 0)
    a = audit_release(publie, raw, stop)
    assert a.premiere is not None and a.premiere.code == "reception"
    assert any(c.startswith(nom) for c in a.premiere.constats), a.premiere


def stop(projet: Path, manifeste: Any) -> Any:
    """What was received is not as it was: nothing is made again here."""
    raise UserError("U11", "arrêt")


# ------------------------------------------------------------------------------------------- signature


def test_who_signed_is_told(publie: Path, espace: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: apt-get install openssh-client")
    cle, autre = tmp_path / "cle", tmp_path / "autre"
    for k in (cle, autre):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "essai", "-f", str(k)], check=True)
    signataires = tmp_path / "signataires"
    signataires.write_text(
        f"dns@exemple.invalid {cle.with_suffix('.pub').read_text(encoding='utf-8')}", encoding="utf-8"
    )
    assert "U25" in cli("sign", publie, "--cle", shutil.copy(cle, espace / "cle"), "--projet", espace).erreurs
    (espace / "cle").unlink()
    assert cli("sign", publie, "--cle", cle, "--projet", espace).statut == 0

    def signature(*options: Any) -> tuple[str, str]:
        bilan = cli("audit", publie, "--sans-brut", "--json", *options).json
        (etape,) = [e for e in bilan["etapes"] if e["code"] == "signature"]
        return etape["verdict"], etape["constats"][0]

    assert signature("--signataires", signataires) == ("conforme", "Signé par dns@exemple.invalid.")
    assert signature()[0] == "à noter" and "SHA256:" in signature()[1]
    assert cli("sign", publie, "--cle", autre, "--projet", espace).statut == 0
    assert signature("--signataires", signataires)[0] == "différent"
    assert cli("sign", publie, "--cle", cle, "--projet", espace).statut == 0
    manifeste = publie / "manifeste.json"
    manifeste.write_text(manifeste.read_text(encoding="utf-8").replace("etalab-2.0", "etalab-2.1"), encoding="utf-8")
    assert signature("--signataires", signataires) == ("différent", "La signature n'est pas celle de ce manifeste.")
