"""What the kept tools of `make verifier` do not tell: installed files that are not those installed, and advisories of a folder.

Licences are pip-licenses' (`[tool.pip-licenses]` in pyproject.toml says which are admitted), the bills of materials cyclonedx-py's.
Nothing here asks the network.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

VERROU = Path(__file__).resolve().parents[1] / "requirements.lock"


def read_lock(verrou: Path = VERROU) -> set[tuple[str, str]]:
    """(package, version) of every locked package; a package may have one version a Python."""
    figes = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^ ;\\\n]+)", verrou.read_text(encoding="utf-8"), re.MULTILINE)
    return {(canonicalize_name(nom), version) for nom, version in figes}


def altered_files(figes: set[tuple[str, str]]) -> Iterator[str]:
    """What is installed and is not what is locked: another version, a file changed, removed, or a package nobody asked for."""
    noms = {n for n, _ in figes}
    for d in sorted(metadata.distributions(), key=lambda d: str(d.metadata["Name"])):
        nom = canonicalize_name(d.metadata["Name"])
        if nom in ("cartographie", "pip", "setuptools"):  # ours, and what comes with every environment
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


def advisories(figes: set[tuple[str, str]], dossier: Path) -> Iterator[str]:
    """OSV advisories (https://ossf.github.io/osv-schema/) that name a locked version; withdrawn ones do not count."""
    for chemin in sorted(dossier.rglob("*")):
        if chemin.suffix not in (".yaml", ".yml", ".json"):
            continue
        avis = yaml.load(chemin.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if not isinstance(avis, Mapping) or avis.get("withdrawn"):
            continue
        for touche in avis.get("affected") or ():
            paquet = touche.get("package") or {}
            vise = canonicalize_name(str(paquet.get("name", ""))) if paquet.get("ecosystem") == "PyPI" else None
            for nom, version in sorted(figes):
                if nom == vise and _affects(touche, Version(version)):
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
    """0 when all is as locked and no advisory names it, 1 otherwise, one line each; 2 when there is no such folder."""
    analyseur = argparse.ArgumentParser(description="Compare les paquets installés à requirements.lock et aux avis.")
    analyseur.add_argument("--avis", type=Path, help="dossier d'avis OSV (YAML ou JSON)")
    avis = analyseur.parse_args(argv).avis
    figes = read_lock()
    defauts = list(altered_files(figes))
    if avis is not None:
        if not avis.is_dir():
            print(f"« {avis} » n'est pas un dossier d'avis.", file=sys.stderr)
            return 2
        defauts += advisories(figes, avis)
    for d in defauts:
        print(d)
    consultes = "" if avis else ", avis de sécurité non consultés"
    print(f"{len(figes)} paquets figés, {len(defauts)} défaut(s){consultes}.")
    return int(bool(defauts))


if __name__ == "__main__":
    sys.exit(main())
