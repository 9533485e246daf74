"""What the files of a release prove by themselves, and everything made again from what was received."""

from __future__ import annotations

import hashlib
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

from cartographie.base.errors import UserError
from cartographie.base.files import sha256_of, versions
from cartographie.intake.store import read_registre, unregistered
from cartographie.release.manifest import NOM, RESERVEES, manifest_fingerprint
from cartographie.release.publish import DECLARATIONS, SIGNATURE, verify_signature

# ---- what the files of a release prove by themselves: fingerprints, declarations, forms that agree, signature

MONTRES = 20
DECLARATIONS_MAX = 50_000_000  # bytes, once out of the archive


class Verdict(StrEnum):
    CONFORME = "conforme"
    DIFFERENT = "différent"
    NOTER = "à noter"
    SANS = "non vérifié"


@dataclass(frozen=True, slots=True)
class Etape:
    """One step of an audit. `constats`: what was found, one French sentence each, never a received value."""

    code: str
    titre: str
    verdict: Verdict
    constats: tuple[str, ...] = ()


def step(code: str, titre: str, constats: Sequence[str], note: Sequence[str] = ()) -> Etape:
    """Different when something was found; else worth a note, or in order."""
    verdict = Verdict.DIFFERENT if constats else Verdict.NOTER if note else Verdict.CONFORME
    vus = [*constats, *note]
    suite = [f"… et {len(vus) - MONTRES} autres"] if len(vus) > MONTRES else []
    return Etape(code, titre, verdict, (*vus[:MONTRES], *suite))


def skipped(code: str, titre: str, pourquoi: str) -> Etape:
    return Etape(code, titre, Verdict.SANS, (pourquoi,))


# what reading a file somebody may have changed raises, whatever the reader: a zip, an XML, a Parquet, a shape that is not ours
MAL_FORME = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    BadZipFile,
    SyntaxError,
    EOFError,
    zlib.error,
)


def guarded(code: str, titre: str, etape: Callable[[], Etape]) -> Etape:
    """A step that a changed file cannot stop: what no longer reads is a difference, and the audit goes on."""
    try:
        return etape()
    except (FileNotFoundError, *MAL_FORME) as e:
        return step(code, titre, [f"Les fichiers n'ont plus la forme attendue ({type(e).__name__})"])


def check_fingerprints(dossier: Path, manifeste: Mapping[str, Any]) -> Etape:
    """Every file of the release is the one the manifest describes, and there is no other."""
    constats = []
    sorties = manifeste["sorties"]
    presents = {p.relative_to(dossier).as_posix() for p in dossier.rglob("*") if p.is_file()} - {NOM, SIGNATURE}
    constats += [f"{nom} : absent de la publication" for nom in sorted(set(sorties) - presents)]
    constats += [f"{nom} : absent du manifeste" for nom in sorted(presents - set(sorties))]
    for nom in sorted(presents & set(sorties)):
        octets = (dossier / nom).read_bytes()
        if hashlib.sha256(octets).hexdigest() != sorties[nom]["sha256"] or len(octets) != sorties[nom]["octets"]:
            constats.append(f"{nom} : n'est plus le fichier décrit par le manifeste")
    return step("empreintes", "Empreintes des fichiers de la publication", constats)


def check_declarations(dossier: Path, manifeste: Mapping[str, Any]) -> Etape:
    """The declarations joined to the release are those it says it was made with."""
    titre = "Déclarations jointes"
    attendues = dict(manifeste["entrees"]["declarations"])
    jointes = read_declarations(dossier)
    constats = []
    for nom, contenu in sorted(jointes.items()):
        if nom not in attendues:
            constats.append(f"{DECLARATIONS}, {nom} : absent du manifeste")
        elif hashlib.sha256(contenu).hexdigest() != attendues[nom]:
            constats.append(f"{DECLARATIONS}, {nom} : n'est plus le fichier décrit par le manifeste")
    manquent = [n for n in sorted(set(attendues) - set(jointes)) if Path(n).name not in RESERVEES]
    constats += [f"{DECLARATIONS}, {nom} : absent de l'archive" for nom in manquent]
    return step("declarations", titre, constats)


def read_declarations(dossier: Path) -> dict[str, bytes]:
    """Relative path under schemas/ → content. Raises FileNotFoundError, BadZipFile, ValueError (a path that leaves the folder,
    an archive too big to be one of declarations)."""
    with ZipFile(dossier / DECLARATIONS) as archive:
        if sum(x.file_size for x in archive.infolist()) > DECLARATIONS_MAX:
            raise ValueError("archive too big")
        return {inside(n): archive.read(n) for n in archive.namelist()}


def inside(nom: str) -> str:
    """A relative path written by somebody else, if it stays in its folder. Raises ValueError."""
    chemin = PurePosixPath(nom)
    if chemin.is_absolute() or ".." in chemin.parts or "\\" in nom or not chemin.parts:
        raise ValueError("a path that leaves its folder")
    return nom


def check_forms(dossier: Path, manifeste: Mapping[str, Any]) -> Etape:
    """Every form of the release says the same: CSV, twins, workbook, maps, page; as many rows and statuses as announced."""
    from cartographie.proof import reader

    df = reader.read_tables(dossier)
    constats = [*reader.strange_files(dossier), *reader.incoherent_rows(df)]
    for code, dit in manifeste["tableaux"].items():
        lignes = df[df["table_id"] == code]
        vus = dict(sorted(Counter(lignes["statut"]).items()))
        if len(lignes) != dit["lignes"] or vus != dit["statuts"]:
            constats.append(f"Tableau {code} : le nombre de lignes ou les statuts ne sont pas ceux du manifeste")
    for lire in (reader.twin_differences, reader.workbook_differences, reader.picture_differences):
        constats += lire(dossier, df)
    return step("formes", "Accord de toutes les formes (CSV, Excel, Parquet, cartes, page)", constats)


def check_signature(dossier: Path, signataires: Path | None) -> Etape:
    """Who signed the manifest, if anybody did."""
    titre = "Signature du manifeste"
    if not (dossier / SIGNATURE).is_file():
        return Etape("signature", titre, Verdict.SANS, ("La publication n'est pas signée.",))
    valide, dit = verify_signature(dossier, signataires)
    if not valide:
        return step("signature", titre, [dit])
    return Etape("signature", titre, Verdict.CONFORME if signataires else Verdict.NOTER, (dit,))


# ---- everything made again from what was received, in a folder of its own that is thrown away


@dataclass(frozen=True, slots=True)
class Sources:
    """`raw`: folder of every campaign received; `schemas`: folder of the declarations that are not published; `outputs`: where
    earlier releases are."""

    raw: Path
    schemas: Path
    outputs: Path


def check_received(manifeste: Mapping[str, Any], raw: Path) -> Etape:
    """Every file received is accounted for: none added, removed or altered; nor what is written beside them."""
    entrees = manifeste["entrees"]
    attendus = {(inside(d["campagne"]), d["sha256"]): d for d in entrees["depots"]}
    constats, presents = [], set()
    campagnes = {a for a, _ in attendus}
    for campagne in sorted(campagnes):
        try:
            registre = read_registre(raw / campagne)
            unregistered(raw / campagne, registre)
        except UserError as e:
            constats.append(f"raw/{campagne} : {e.message}")
            continue
        for d in registre:
            presents.add((campagne, d.sha256))
            if (campagne, d.sha256) not in attendus:
                constats.append(f"raw/{campagne}, {d.depot} : reçu, mais absent du manifeste")
            elif not (raw / campagne / d.chemin).is_file():
                constats.append(f"raw/{campagne}, {d.depot} : noté au registre, mais absent du dossier")
            elif sha256_of(raw / campagne / d.chemin) != d.sha256:
                constats.append(f"raw/{campagne}, {d.depot} : n'est plus le fichier reçu")
    constats += [
        f"raw/{campagne}, {d['depot']} : dans le manifeste, mais plus au registre"
        for (campagne, sha), d in sorted(attendus.items())
        if (campagne, sha) not in presents
    ]
    for nom, sha in entrees["pieces"].items():
        if not (raw / inside(nom)).is_file():
            constats.append(f"raw/{nom} : absent")
        elif sha256_of(raw / nom) != sha:
            constats.append(f"raw/{nom} : n'est plus le fichier décrit par le manifeste")
    # a campaign received since is no part of this release, and takes nothing from it
    plus_tard = sorted({p.parent.name for p in raw.glob("*/registre.csv")} - campagnes)
    return step("reception", "Fichiers reçus", constats, [f"raw/{a} : reçu depuis la publication" for a in plus_tard])


def check_program(manifeste: Mapping[str, Any]) -> Etape:
    """The program that audits, beside the one that published."""
    dit, ici = manifeste.get("programme", {}), versions()
    note = []
    for nom in sorted(set(dit) | set(ici)):
        if dit.get(nom) != ici.get(nom):
            court = [str(x)[:12] if x else "absent" for x in (dit.get(nom), ici.get(nom))]
            note.append(f"{nom} : {court[0]} à la publication, {court[1]} ici")
    return step("programme", "Programme et bibliothèques", [], note)


@contextmanager
def workspace(dossier: Path, manifeste: Mapping[str, Any], sources: Sources) -> Iterator[tuple[Path, list[str]]]:
    """(a workspace made of the release's declarations and of copies of what was received, what is missing to make it)."""
    with TemporaryDirectory(prefix="cartographie-audit-") as temporaire:
        projet, manquent = Path(temporaire), []
        for nom, contenu in read_declarations(dossier).items():
            _write(projet / "schemas" / nom, contenu)
        for nom, sha in manifeste["entrees"]["declarations"].items():
            if not (projet / "schemas" / inside(nom)).exists():
                source = sources.schemas / nom
                if not source.is_file() or sha256_of(source) != sha:
                    manquent.append(f"schemas/{nom} : n'est pas publié ; mettez à côté de raw/ celui de la publication")
                else:
                    _write(projet / "schemas" / nom, source.read_bytes())
        for campagne in sorted({inside(d["campagne"]) for d in manifeste["entrees"]["depots"]}):
            shutil.copytree(sources.raw / campagne, projet / "raw" / campagne)
        for cle in sources.raw.glob(".cle_*"):
            shutil.copy(cle, projet / "raw" / cle.name)
        for chemin, sha in manifeste["publications_anterieures"].items():
            ancienne = sources.outputs / inside(chemin)
            if not (ancienne / "manifeste.json").is_file() or manifest_fingerprint(ancienne) != sha:
                manquent.append(f"outputs/{chemin} : la publication antérieure manque, ou n'est plus celle d'alors")
            else:
                shutil.copytree(ancienne, projet / "outputs" / chemin)
        yield projet, manquent


def _write(chemin: Path, contenu: bytes) -> None:
    chemin.parent.mkdir(parents=True, exist_ok=True)
    chemin.write_bytes(contenu)
