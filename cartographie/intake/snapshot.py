"""raw/<campagne>: the files as received, read-only and fingerprinted, and registre.csv, what was received and when."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from cartographie.errors import Statut, UserError
from cartographie.model import Depot

REGISTRE = "registre.csv"
_COLONNES = ("depot", "nom", "chemin", "sha256", "taille", "recu_le", "role")
_DOSSIERS = {"reponse": "depots", "base": "base"}
_MORCEAU = 1 << 20


def read_registre(dossier: Path) -> list[Depot]:
    """Received files of raw/<campagne>, in order of reception; [] when nothing was received. Raises UserError if damaged."""
    chemin = Path(dossier) / REGISTRE
    if not chemin.exists():
        return []
    with chemin.open(encoding="utf-8", newline="") as fichier:
        lecteur = csv.DictReader(fichier)
        if tuple(lecteur.fieldnames or ()) != _COLONNES:
            raise _registre_abime(chemin, 1)
        depots = []
        for rang, ligne in enumerate(lecteur, start=2):
            try:
                textes = {c: ligne[c] for c in _COLONNES if c != "taille"}
                if None in textes.values():
                    raise ValueError(rang)
                depots.append(Depot(campagne=Path(dossier).name, taille=int(ligne["taille"]), **textes))
            except (TypeError, ValueError) as erreur:
                raise _registre_abime(chemin, rang) from erreur
    return depots


def _registre_abime(chemin: Path, ligne: int) -> UserError:
    return UserError(
        "U10",
        f"Le registre {chemin} ne se lit plus à la ligne {ligne} : restaurez-le depuis une sauvegarde.",
        Statut.FICHIER_REFUSE,
    )


def ingest(
    projet: Path, campagne: str, sources: Sequence[Path], role: str, recu_le: str
) -> tuple[list[Depot], list[tuple[str, Depot]]]:
    """Copy the files (folders recursively, sorted) under raw/<campagne>.

    Returns (added, already received as (name, Depot)). Raises UserError: unknown role, source missing, symbolic link.
    """
    if role not in _DOSSIERS:
        raise UserError("U08", f"Le rôle « {role} » n’existe pas : choisissez {' ou '.join(_DOSSIERS)}.")
    fichiers = [f for source in sources for f in _fichiers(Path(source))]
    dossier = Path(projet) / "raw" / campagne
    depots = read_registre(dossier)
    connus = {d.sha256: d for d in depots}
    courts = {d.depot: d.sha256 for d in depots}
    cible = dossier / _DOSSIERS[role]
    cible.mkdir(parents=True, exist_ok=True)
    ajoutes: list[Depot] = []
    deja: list[tuple[str, Depot]] = []
    for fichier in fichiers:
        temporaire, sha256, taille = _copie(fichier, cible)
        try:
            if sha256 in connus:
                deja.append((fichier.name, connus[sha256]))
                continue
            court = sha256[:12]
            if court in courts:
                raise UserError(
                    "U09", f"Deux fichiers différents ont la même empreinte courte {court}."
                )
            nom = f"{court}_{safe_name(fichier.name)}"
            temporaire.chmod(0o444)
            temporaire.replace(cible / nom)
        finally:
            temporaire.unlink(missing_ok=True)
        chemin = f"{_DOSSIERS[role]}/{nom}"
        depot = Depot(court, campagne, fichier.name, chemin, sha256, taille, recu_le, role)
        connus[sha256], courts[court] = depot, sha256
        ajoutes.append(depot)
    if ajoutes:
        _ecrit_registre(dossier, [*depots, *ajoutes])
    return ajoutes, deja


def verify(dossier: Path, depot: Depot) -> bytes:
    """Bytes of a received file. Raises UserError U11 when it is missing or no longer the one received."""
    parties = depot.chemin.split("/")
    chemin = Path(dossier, *parties)
    try:
        if "" in parties or ".." in parties or chemin.is_symlink() or chemin.stat().st_size != depot.taille:
            raise _disparu(depot)
        contenu = chemin.read_bytes()
    except OSError:
        raise _disparu(depot) from None
    if hashlib.sha256(contenu).hexdigest() != depot.sha256:
        raise _disparu(depot)
    return contenu


def _disparu(depot: Depot) -> UserError:
    return UserError(
        "U11",
        f"Le fichier reçu {depot.chemin} a disparu ou a été modifié : remettez l’original dans raw/{depot.campagne}.",
        Statut.FICHIER_REFUSE,
    )


def forget(dossier: Path, depots: Sequence[Depot]) -> None:
    """Take back files just received: out of the register first, then off the disk. Other files are untouched."""
    retires = {d.depot for d in depots}
    connus = read_registre(dossier)
    _ecrit_registre(dossier, [d for d in connus if d.depot not in retires])
    for depot in connus:
        chemin = PurePosixPath(depot.chemin)
        if depot.depot in retires and not chemin.is_absolute() and ".." not in chemin.parts:
            (Path(dossier) / chemin).unlink(missing_ok=True)


def safe_name(nom: str) -> str:
    """A file name without separator, control or leading dot, at most 120 characters, extension kept."""
    propre = re.sub(r"[^\w.()-]+", "_", unicodedata.normalize("NFC", nom)).lstrip("._") or "fichier"
    base, point, extension = propre.rpartition(".")
    return propre if len(propre) <= 120 else f"{(base or extension)[:100]}{point}{extension[:19]}"


# What a mailbox or a desktop leaves in a folder; a file named on the command line is always taken.
_A_IGNORER = (REGISTRE, ".DS_Store", "Thumbs.db", "desktop.ini")


def _fichiers(source: Path) -> Iterator[Path]:
    """The file, or the files of the folder, sorted. Raises UserError on a symbolic link or a missing source."""
    if source.is_symlink():
        raise UserError("U07", f"{source} est un lien symbolique : déposez le fichier lui-même.")
    if source.is_dir():
        for enfant in sorted(source.iterdir()):
            if enfant.name not in _A_IGNORER and not enfant.name.startswith(("~$", ".~lock")):
                yield from _fichiers(enfant)
    elif source.is_file():
        yield source
    else:
        raise UserError("U06", f"{source} est introuvable ou n’est pas un fichier : vérifiez le chemin.")


def _copie(source: Path, cible: Path) -> tuple[Path, str, int]:
    """Copy to a temporary file of `cible`, on disk for good. Returns (temporary path, sha256, size)."""
    empreinte, taille = hashlib.sha256(), 0
    with source.open("rb") as entree, NamedTemporaryFile(dir=cible, prefix=".recu_", delete=False) as sortie:
        while morceau := entree.read(_MORCEAU):
            empreinte.update(morceau)
            taille += len(morceau)
            sortie.write(morceau)
        sortie.flush()
        os.fsync(sortie.fileno())
    return Path(sortie.name), empreinte.hexdigest(), taille


def _ecrit_registre(dossier: Path, depots: Sequence[Depot]) -> None:
    texte = StringIO(newline="")
    ecrivain = csv.writer(texte, lineterminator="\n")
    ecrivain.writerow(_COLONNES)
    ecrivain.writerows([getattr(d, c) for c in _COLONNES] for d in depots)
    with NamedTemporaryFile(dir=dossier, prefix=".registre_", delete=False) as sortie:
        sortie.write(texte.getvalue().encode())
        sortie.flush()
        os.fsync(sortie.fileno())
    Path(sortie.name).chmod(0o644)
    Path(sortie.name).replace(Path(dossier) / REGISTRE)
