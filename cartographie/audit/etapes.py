"""What the files of a release prove by themselves: fingerprints, declarations, forms that agree, signature."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile

from cartographie.programme import RESERVEES
from cartographie.release.manifest import NOM
from cartographie.release.publish import DECLARATIONS
from cartographie.release.signature import SIGNATURE, verify_signature

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
    from cartographie.attaque import lecture

    df = lecture.read_tables(dossier)
    constats = [*lecture.strange_files(dossier), *lecture.incoherent_rows(df)]
    for code, dit in manifeste["tableaux"].items():
        lignes = df[df["table_id"] == code]
        vus = dict(sorted(Counter(lignes["statut"]).items()))
        if len(lignes) != dit["lignes"] or vus != dit["statuts"]:
            constats.append(f"Tableau {code} : le nombre de lignes ou les statuts ne sont pas ceux du manifeste")
    for lire in (lecture.twin_differences, lecture.workbook_differences, lecture.picture_differences):
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
