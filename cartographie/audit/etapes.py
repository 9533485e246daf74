"""What the files of a release prove by themselves: fingerprints, declarations, forms that agree, signature."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from cartographie.programme import RESERVEES
from cartographie.release.manifest import NOM
from cartographie.release.publish import DECLARATIONS
from cartographie.release.signature import SIGNATURE, verify_signature

MONTRES = 20


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


def check_fingerprints(dossier: Path, manifeste: Mapping[str, Any]) -> Etape:
    """Every file of the release is the one the manifest describes, and there is no other."""
    constats = []
    sorties = manifeste.get("sorties", {})
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
    attendues = dict(manifeste.get("entrees", {}).get("declarations", {}))
    try:
        jointes = read_declarations(dossier)
    except (OSError, BadZipFile, ValueError):
        return step("declarations", titre, [f"{DECLARATIONS} : ne s'ouvre pas"])
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
    """Relative path under schemas/ → content. Raises OSError, BadZipFile, ValueError (a path that leaves the folder)."""
    with ZipFile(dossier / DECLARATIONS) as archive:
        noms = archive.namelist()
        if any(Path(n).is_absolute() or ".." in Path(n).parts for n in noms):
            raise ValueError("path outside the archive")
        return {n: archive.read(n) for n in noms}


def check_forms(dossier: Path, manifeste: Mapping[str, Any]) -> Etape:
    """Every form of the release says the same: CSV, twins, workbook, maps, page; as many rows and statuses as announced."""
    from cartographie.attaque import lecture

    titre = "Accord de toutes les formes (CSV, Excel, Parquet, cartes, page)"
    try:
        df = lecture.read_tables(dossier)
        constats = [*lecture.strange_files(dossier), *lecture.incoherent_rows(df)]
        for code, dit in manifeste.get("tableaux", {}).items():
            lignes = df[df["table_id"] == code]
            vus = dict(sorted(Counter(lignes["statut"]).items()))
            if len(lignes) != dit["lignes"] or vus != dit["statuts"]:
                constats.append(f"Tableau {code} : le nombre de lignes ou les statuts ne sont pas ceux du manifeste")
    except Exception as e:  # whatever was done to the files, the audit goes on and says so
        return step("formes", titre, [f"Les tableaux CSV ne se lisent plus ({type(e).__name__})"])
    for nom, lire in (
        ("les formes d'un tableau", lecture.twin_differences),
        ("le classeur", lecture.workbook_differences),
        ("les cartes ou la page", lecture.picture_differences),
    ):
        try:
            constats += lire(dossier, df)
        except Exception as e:  # same
            constats.append(f"{nom.capitalize()} ne se lisent plus ({type(e).__name__})")
    return step("formes", titre, constats)


def check_signature(dossier: Path, signataires: Path | None) -> Etape:
    """Who signed the manifest, if anybody did."""
    titre = "Signature du manifeste"
    if not (dossier / SIGNATURE).is_file():
        return Etape("signature", titre, Verdict.SANS, ("La publication n'est pas signée.",))
    valide, dit = verify_signature(dossier, signataires)
    if not valide:
        return step("signature", titre, [dit])
    return Etape("signature", titre, Verdict.CONFORME if signataires else Verdict.NOTER, (dit,))
