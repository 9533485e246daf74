"""What the program is made of: every package it needs, its licence, its fingerprints; and whether they are those, and safe.

`make docs` (`--ecrire`) writes dependances.md and nomenclature-logicielle.cdx.json (CycloneDX 1.6). `make verifier` tells what is installed
and is not what is locked, file by file; with a folder of OSV advisories (`--avis`), those that name a locked version. No network.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

RACINE = Path(__file__).resolve().parents[1]
VERROU = RACINE / "requirements.lock"
NOM = "cartographie"
NOMENCLATURE, PAGE = "nomenclature-logicielle.cdx.json", "dependances.md"
# what a package says in its own words, or not at all; read in its licence file
LUES = {
    "altair": "BSD-3-Clause", "colorama": "BSD-3-Clause", "defusedxml": "PSF-2.0", "duckdb": "MIT", "font-source-sans-pro": "OFL-1.1",
    "isodate": "BSD-3-Clause", "jinja2": "BSD-3-Clause", "libcst": "MIT AND PSF-2.0 AND Apache-2.0", "markdown-it-py": "MIT",
    "mdit-py-plugins": "MIT", "mdurl": "MIT",
    "odfpy": "Apache-2.0 OR GPL-2.0-or-later OR LGPL-2.1-or-later", "pandera": "MIT", "pathspec": "MPL-2.0", "petl": "MIT",
    "pyyaml-ft": "MIT", "python-stdnum": "LGPL-2.1-or-later", "resvg-py": "MIT", "rfc3986": "Apache-2.0", "scipy": "BSD-3-Clause", "shellingham": "ISC",
    "sortedcontainers": "Apache-2.0", "tableschema-to-template": "MIT", "text-unidecode": "Artistic-1.0 OR GPL-2.0-or-later",
    "xlrd": "BSD-3-Clause", "xlwt": "BSD-3-Clause",
}  # fmt: skip
# what may be used beside code under MIT without changing its licence; LGPL: as a library, imported and not copied
ADMISES = {
    "0BSD", "Apache-2.0", "Artistic-1.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "LGPL-2.1-or-later", "MIT", "MIT-0", "MPL-2.0",
    "OFL-1.1", "PSF-2.0", "Zlib",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paquet:
    """One line of requirements.lock. `condition`: the machines that need it, "" for all; `programme`: not only for tests."""

    nom: str
    version: str
    condition: str
    empreintes: tuple[str, ...]
    licence: str
    programme: bool


# ------------------------------------------------------------------------------------------- what there is


def read_lock(verrou: Path = VERROU) -> list[Paquet]:
    """Every locked package, in order. Raises ValueError on one without version or fingerprint."""
    logiques = verrou.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    utiles = _needed()
    out = []
    for ligne in (x.split(" #")[0].strip() for x in logiques if x.strip() and not x.lstrip().startswith("#")):
        tete, *empreintes = re.split(r"\s+--hash=sha256:", ligne)
        exigence = Requirement(tete)
        version = re.fullmatch(r"==([^,]+)", str(exigence.specifier))
        if version is None or not empreintes:
            raise ValueError(f"requirements.lock : {exigence.name} n'a pas de version ou d'empreinte figée")
        nom = canonicalize_name(exigence.name)
        out.append(
            Paquet(nom, version[1], str(exigence.marker or ""), tuple(empreintes), licence_of(nom), nom in utiles)
        )
    return out


def licence_of(nom: str) -> str:
    """SPDX expression: as read by us, else as the installed package says it; "" when neither does."""
    if nom in LUES:
        return LUES[nom]
    try:
        m: Any = metadata.metadata(nom)
    except metadata.PackageNotFoundError:
        return ""
    return str(m.get("License-Expression") or m.get("License") or "").strip()


def unknown_licences(paquets: Iterable[Paquet]) -> list[str]:
    """Packages none of whose licences is admitted. « A AND B » asks for both, « A OR B » for one."""
    return [
        f"{p.nom} : {p.licence.partition(chr(10))[0][:80] or 'licence inconnue'}"
        for p in paquets
        if not any(all(x.strip(" ()") in ADMISES for x in choix.split(" AND ")) for choix in p.licence.split(" OR "))
    ]


def _needed() -> set[str]:
    """Packages the program itself needs, and what they need in turn, on whatever machine."""
    vus: set[str] = set()
    attente: list[str] = [NOM]
    while attente:
        nom = attente.pop()
        try:
            demandes = [Requirement(r) for r in metadata.requires(nom) or ()]
        except metadata.PackageNotFoundError:
            continue
        noms: set[str] = {canonicalize_name(r.name) for r in demandes if "extra" not in str(r.marker or "")}
        noms |= {"tzdata", "colorama"} & {canonicalize_name(r.name) for r in demandes}
        attente += sorted(noms - vus)
        vus |= noms
    return vus


# ------------------------------------------------------------------------------------------- what is written


def build_pages() -> dict[str, str]:
    """File name → text of the two generated files. Same lock, same packages installed, same bytes."""
    paquets = read_lock()
    return {NOMENCLATURE: _sbom(paquets), PAGE: _page(paquets)}


def _sbom(paquets: Iterable[Paquet]) -> str:
    """CycloneDX 1.6: one component a locked package, with the fingerprints that installing it requires."""
    version = re.search(r'__version__ = "([^"]+)"', (RACINE / NOM / "__init__.py").read_text(encoding="utf-8"))
    composants = [
        {
            "type": "library", "bom-ref": f"pkg:pypi/{p.nom}@{p.version}", "name": p.nom, "version": p.version,
            "scope": "required" if p.programme else "excluded", "purl": f"pkg:pypi/{p.nom}@{p.version}",
            "licenses": [{"expression": p.licence}],
            "externalReferences": [
                {"type": "distribution", "url": f"pkg:pypi/{p.nom}@{p.version}",
                 "hashes": [{"alg": "SHA-256", "content": e} for e in p.empreintes]}
            ],
            **({"properties": [{"name": "condition", "value": p.condition}]} if p.condition else {}),
        }
        for p in paquets
    ]  # fmt: skip
    nomenclature = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": NOM, "name": NOM, "version": version[1] if version else "",
                          "licenses": [{"expression": "MIT"}]},
        },
        "components": composants,
    }  # fmt: skip
    return json.dumps(nomenclature, ensure_ascii=False, indent=1) + "\n"


def _page(paquets: list[Paquet]) -> str:
    lignes = [
        "# Dépendances", "", "> Page produite par `make docs` ; ne pas la modifier à la main.", "",
        f"{len(paquets)} paquets figés dans `requirements.lock`, avec l'empreinte de chaque fichier : `pip` refuse tout autre octet. "
        f"{sum(p.programme for p in paquets)} servent au programme, les autres aux essais. La même liste, lisible par une machine "
        f"(CycloneDX 1.6) : [{NOMENCLATURE}]({NOMENCLATURE}).", "",
        "```sh", "make verifier                      # ce qui est installé est ce qui est figé, fichier par fichier ; licences admises",
        "make verifier AVIS=avis/           # et aucun avis de sécurité ne vise une version figée", "```", "",
        "`AVIS` est un dossier d'avis au format OSV (YAML ou JSON), copié d'une machine qui a le réseau : la base d'avis de la PyPA "
        "(`pypa/advisory-database`) ou l'export PyPI d'OSV. Sur une machine qui a le réseau, `pip-audit -r requirements.lock` fait la même chose.", "",
        "Les roues binaires (duckdb, numpy, scipy, pandas, rapidfuzz, resvg-py…) contiennent elles-mêmes du code compilé : leur propre "
        "nomenclature n'est pas reprise ici.", "",
        "| Paquet | Version | Licence | Sert | Condition |", "|---|---|---|---|---|",
        *(f"| {p.nom} | {p.version} | {p.licence} | {'au programme' if p.programme else 'aux essais'} | {f'`{p.condition}`' if p.condition else ''} |" for p in paquets),
    ]  # fmt: skip
    return "\n".join(lignes) + "\n"


# ------------------------------------------------------------------------------------------- what is verified


def altered_files(paquets: Iterable[Paquet]) -> Iterator[str]:
    """What is installed and is not what is locked: another version, a file changed, removed, or a package nobody asked for."""
    figes = {(p.nom, p.version) for p in paquets}
    noms = {n for n, _ in figes}
    for d in sorted(metadata.distributions(), key=lambda d: str(d.metadata["Name"])):
        nom = canonicalize_name(d.metadata["Name"])
        if nom in (NOM, "pip", "setuptools"):  # ours, and what comes with every environment
            continue
        if nom not in noms:
            yield f"{nom} {d.version} : installé, mais pas figé"
        elif (nom, d.version) not in figes:
            yield f"{nom} {d.version} : ce n'est pas la version figée"
        for f in d.files or ():
            if f.hash is None or f.hash.mode != "sha256":
                continue
            chemin = Path(str(f.locate()))
            if not chemin.is_file():
                yield f"{nom} : {f} a disparu"
            elif _record_hash(chemin) != f.hash.value:
                yield f"{nom} : {f} a été modifié"


def _record_hash(chemin: Path) -> str:
    """As a wheel's RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(chemin.read_bytes()).digest()).decode().rstrip("=")


def advisories(paquets: Iterable[Paquet], dossier: Path) -> Iterator[str]:
    """OSV advisories (https://ossf.github.io/osv-schema/) that name a locked version; withdrawn ones do not count."""
    figes: dict[str, list[Version]] = {}
    for p in paquets:
        figes.setdefault(p.nom, []).append(Version(p.version))
    for chemin in sorted(dossier.rglob("*")):
        if chemin.suffix not in (".yaml", ".yml", ".json"):
            continue
        avis = yaml.load(chemin.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if not isinstance(avis, Mapping) or avis.get("withdrawn"):
            continue
        for touche in avis.get("affected") or ():
            paquet = touche.get("package") or {}
            nom = canonicalize_name(str(paquet.get("name", "")))
            for version in figes.get(nom, ()) if paquet.get("ecosystem") == "PyPI" else ():
                if _affects(touche, version):
                    yield f"{nom} {version} : {avis.get('id')} ({', '.join(avis.get('aliases') or ()) or 'sans autre nom'})"


def _affects(touche: Mapping[str, Any], version: Version) -> bool:
    """Listed, or within a range: introduced at or before, and not fixed, nor past the last affected."""
    if any(_version(v) == version for v in touche.get("versions") or ()):
        return True
    for plage in touche.get("ranges") or ():
        if plage.get("type") != "ECOSYSTEM":
            continue
        dedans = False
        for evenement in plage.get("events") or ():
            (genre, texte), *_ = evenement.items()
            borne = _version(texte)
            if genre == "introduced":
                dedans |= texte == "0" or (borne is not None and version >= borne)
            elif borne is not None and (
                version >= borne if genre == "fixed" else genre == "last_affected" and version > borne
            ):
                dedans = False
        if dedans:
            return True
    return False


def _version(texte: Any) -> Version | None:
    try:
        return Version(str(texte))
    except InvalidVersion:
        return None


def main(argv: list[str] | None = None) -> int:
    """0 when all is as locked, with admitted licences and no advisory; 1 otherwise, one line each."""
    analyseur = argparse.ArgumentParser(description="Vérifie les paquets installés.")
    analyseur.add_argument("--avis", type=Path, help="dossier d'avis OSV (YAML ou JSON)")
    analyseur.add_argument(
        "--ecrire", type=Path, metavar="DOSSIER", help="écrit la liste et la nomenclature, ne vérifie rien"
    )
    choix = analyseur.parse_args(argv)
    avis = choix.avis
    if choix.ecrire is not None:
        for nom, texte in build_pages().items():
            (choix.ecrire / nom).write_text(texte, encoding="utf-8", newline="\n")
            print(f"docs : {nom}")
        return 0
    paquets = read_lock()
    defauts = [*unknown_licences(paquets), *altered_files(paquets)]
    if avis is not None:
        if not avis.is_dir():
            print(f"« {avis} » n'est pas un dossier d'avis.", file=sys.stderr)
            return 2
        defauts += advisories(paquets, avis)
    for d in defauts:
        print(d)
    print(
        f"{len(paquets)} paquets figés, {len(defauts)} défaut(s){'' if avis else ', avis de sécurité non consultés'}."
    )
    return int(bool(defauts))


if __name__ == "__main__":
    sys.exit(main())
