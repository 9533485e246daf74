"""The manifest of a release: fingerprints of what went in and came out, versions, parameters, row accounts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cartographie.empreintes import sha256_of
from cartographie.errors import Statut, UserError
from cartographie.model import Depot, Tableau
from cartographie.release.mentions import mentions

NOM = "manifeste.json"


def build_manifest(
    fichiers: Mapping[str, bytes], tableaux: Sequence[Tableau], meta: Mapping[str, Any]
) -> dict[str, Any]:
    """Plain values, sorted. `fichiers`: relative path → content of every other file of the release.

    `meta`: as for publish; clock and commit are in it, never read here.
    """
    return {
        "titre": meta["titre"],
        "campagne": str(meta["campagne"]),
        "version": meta.get("version"),
        "revision": meta.get("revision"),
        "date": str(meta["date"]),
        "commit": meta.get("commit"),
        "producteur": meta["producteur"],
        "licence": meta["licence"],
        "donnees_fictives": bool(meta.get("fictif")),
        "secret_secondaire": bool(meta.get("secret_secondaire")),
        "mentions": mentions(meta),
        "programme": dict(sorted((meta.get("programme") or {}).items())),
        "parametres": {"seuils": dict(sorted((meta.get("seuils") or {}).items()))},
        "entrees": {
            "depots": sorted((_depot(d) for d in meta.get("depots") or ()), key=lambda d: (d["campagne"], d["depot"])),
            "declarations": dict(sorted((meta.get("declarations") or {}).items())),
            "pieces": dict(sorted((meta.get("pieces") or {}).items())),
        },
        "comptes": meta.get("comptes"),
        "ponderation": meta.get("ponderation"),
        "secret": meta.get("secret"),
        "vraisemblance": {
            a.code: {"libelle": a.libelle, "tenue": a.tenue, "derogation": a.derogation or None}
            for a in meta.get("plausibilite") or ()
        },
        "publications_anterieures": dict(meta.get("anterieures") or {}),
        "tableaux": {t.code: _tableau(t) for t in tableaux},
        "sorties": {
            nom: {"sha256": hashlib.sha256(contenu).hexdigest(), "octets": len(contenu)}
            for nom, contenu in sorted(fichiers.items())
        },
    }


def manifest_fingerprint(dossier: Path) -> str:
    """sha256 of the manifest of a release, which holds that of every other file."""
    return sha256_of(dossier / NOM)


def read_manifest(dossier: Path) -> dict[str, Any]:
    """The manifest of a release. Raises UserError U21 (no release), U26 (status 16: it no longer reads)."""
    try:
        lu = json.loads((dossier / NOM).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            "U21", f"« {dossier} » n'est pas une publication (pas de {NOM}) : donnez un dossier de outputs/<campagne>/."
        ) from None
    except ValueError:
        lu = None
    if not isinstance(lu, dict) or not all(isinstance(lu.get(c), dict) for c in ("entrees", "sorties", "tableaux")):
        raise UserError("U26", f"{dossier / NOM} ne se lit plus : la publication a été altérée.", Statut.AUDIT)
    return lu


def format_manifest(manifeste: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifeste, ensure_ascii=False, indent=1, default=str) + "\n").encode("utf-8")


def _depot(depot: Depot | Mapping[str, Any]) -> dict[str, Any]:
    """A received file without its name: file names may name a person or an establishment."""
    lire = depot.get if isinstance(depot, Mapping) else lambda cle: getattr(depot, cle)
    return {cle: lire(cle) for cle in ("campagne", "depot", "sha256", "taille", "role")}


def _tableau(t: Tableau) -> dict[str, Any]:
    return {"titre": t.meta["titre"], "lignes": len(t.df), "statuts": dict(sorted(Counter(t.df["statut"]).items()))}
