"""Everything made again from what was received, in a folder of its own that is thrown away."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cartographie.audit.etapes import Etape, inside, read_declarations, step
from cartographie.empreintes import sha256_of, versions
from cartographie.errors import UserError
from cartographie.intake import read_registre, unregistered
from cartographie.release import manifest_fingerprint


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
    annees = {a for a, _ in attendus}
    for annee in sorted(annees):
        try:
            registre = read_registre(raw / annee)
            unregistered(raw / annee, registre)
        except UserError as e:
            constats.append(f"raw/{annee} : {e.message}")
            continue
        for d in registre:
            presents.add((annee, d.sha256))
            if (annee, d.sha256) not in attendus:
                constats.append(f"raw/{annee}, {d.depot} : reçu, mais absent du manifeste")
            elif not (raw / annee / d.chemin).is_file():
                constats.append(f"raw/{annee}, {d.depot} : noté au registre, mais absent du dossier")
            elif sha256_of(raw / annee / d.chemin) != d.sha256:
                constats.append(f"raw/{annee}, {d.depot} : n'est plus le fichier reçu")
    constats += [
        f"raw/{annee}, {d['depot']} : dans le manifeste, mais plus au registre"
        for (annee, sha), d in sorted(attendus.items())
        if (annee, sha) not in presents
    ]
    for nom, sha in entrees["pieces"].items():
        if not (raw / inside(nom)).is_file():
            constats.append(f"raw/{nom} : absent")
        elif sha256_of(raw / nom) != sha:
            constats.append(f"raw/{nom} : n'est plus le fichier décrit par le manifeste")
    # a campaign received since is no part of this release, and takes nothing from it
    plus_tard = sorted({p.parent.name for p in raw.glob("*/registre.csv")} - annees)
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
        for annee in sorted({inside(d["campagne"]) for d in manifeste["entrees"]["depots"]}):
            shutil.copytree(sources.raw / annee, projet / "raw" / annee)
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
