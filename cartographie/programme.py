"""What a release states about itself, and which program made it: version, fingerprint of the code, libraries."""

from __future__ import annotations

import hashlib
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from cartographie import __version__, warehouse
from cartographie.intake import read_registre
from cartographie.model import Questionnaire

CALCUL = ("duckdb", "numpy", "pandas", "pandera", "python-calamine", "XlsxWriter")


def release_meta(projet: Path, q: Questionnaire, annee: str, version: str, jour: str, entrepot: Path) -> dict[str, Any]:
    """What every output of a release states: titles, dates, versions, inputs, accounts. The date comes from the caller."""
    recus = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    with warehouse.open_readonly(entrepot) as con:
        comptes = {a: warehouse.totals(con, a) for a, depots in recus.items() if depots}
    return {
        **{k: q.enquete.get(k) for k in ("titre", "sous_titre", "producteur", "contact", "licence", "fictif", "axes")},
        "campagne": annee,
        "edition": annee,
        "version": version,
        "date": jour,
        "champ": q.campagnes[annee].champ,
        "depots": [d for depots in recus.values() for d in depots],
        "declarations": dict(q.empreintes),
        "programme": versions(),
        "comptes": comptes,
        "seuils": dict(q.campagnes[annee].parametres.get("seuils", {})),
    }


def versions() -> dict[str, str]:
    """Versions that can change a figure or a byte. Nothing of the machine: two machines give the same."""
    return {
        "cartographie": __version__,
        "code_sha256": code_fingerprint(),
        **{nom.lower(): metadata.version(nom) for nom in CALCUL},
    }


def code_fingerprint() -> str:
    """sha256 over the package's own files (code, SQL, JSON Schemas, catalogue), by relative path."""
    empreinte = hashlib.sha256()
    for chemin, fichier in sorted(_files(resources.files("cartographie"), "")):
        empreinte.update(f"{chemin}\n{hashlib.sha256(fichier.read_bytes()).hexdigest()}\n".encode())
    return empreinte.hexdigest()


def _files(dossier: Traversable, prefixe: str) -> list[tuple[str, Traversable]]:
    trouves: list[tuple[str, Traversable]] = []
    for f in dossier.iterdir():
        if f.is_dir() and f.name != "__pycache__":
            trouves += _files(f, f"{prefixe}{f.name}/")
        elif f.name.endswith((".py", ".sql", ".json", ".yaml")):
            trouves.append((prefixe + f.name, f))
    return trouves
