"""raw/<campagne>: the files as received, read-only and fingerprinted, and registre.csv, what was received and when."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from operator import attrgetter
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from cartographie.base.errors import Statut, UserError
from cartographie.base.files import busy, csv_text, is_locked, locked, write_whole
from cartographie.base.identifiers import published_key
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Depot
from cartographie.survey.types import TYPES

# -------------------------------------------------------------------------------------------
# The key of the pseudonyms of personal identifiers: raw/.cle_pseudonymes, drawn once per workspace, never in an output.

CLE = ".cle_pseudonymes"
OCTETS = 32


def pseudonym_key(projet: Path, q: Questionnaire) -> bytes:
    """The workspace's key, drawn and written (mode 0600) at the first need; b"" when no identifier is personal.

    A survey declared fictitious has a published key instead: nobody to protect, the same outputs on any machine. Raises
    UserError U15 when the file is not the key it was.
    """
    if not _needed(q):
        return b""
    if q.enquete.get("fictif"):
        return published_key(q.enquete["titre"])
    chemin = Path(projet) / "raw" / CLE
    if not chemin.exists():
        with locked(chemin.parent):
            if not chemin.exists():
                write_whole(chemin, f"{secrets.token_bytes(OCTETS).hex()}\n".encode(), 0o600)
    texte = chemin.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(f"[0-9a-f]{{{2 * OCTETS}}}", texte):
        raise UserError(
            "U15",
            f"La clé des pseudonymes {chemin} est abîmée : restaurez-la depuis une sauvegarde (sans elle, les pseudonymes "
            "déjà diffusés ne se retrouvent plus).",
            Statut.FICHIER_REFUSE,
        )
    return bytes.fromhex(texte)


def _needed(q: Questionnaire) -> bool:
    personnel = any(v.personnel and TYPES[v.type].pseudonyme for v in q.variables.values())
    return personnel or any(voie.get("hache") for e in q.entites.values() for voie in e.identifiant)


REGISTRE = "registre.csv"
RECEPTION, _COPIE = ".reception", ".recu_"  # what a reception is naming; a copy not named yet
_COLONNES = ("depot", "nom", "chemin", "sha256", "taille", "recu_le", "role")
_DOSSIERS = {"reponse": "depots", "base": "base"}
_MORCEAU = 1 << 20


def read_registre(dossier: Path) -> list[Depot]:
    """Received files of raw/<campagne>, in order of reception; [] when nothing was received.

    Raises UserError U10 when it is damaged, or missing although files are there.
    """
    chemin = Path(dossier) / REGISTRE
    if not chemin.exists():
        if _presents(Path(dossier)):
            raise UserError(
                "U10",
                f"Le registre {chemin} manque alors que des fichiers reçus sont là : restaurez-le depuis une sauvegarde "
                "(ou, s'ils ont été copiés à la main, sortez-les de raw/ et rangez-les avec « ingest »).",
            )
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
        "U10", f"Le registre {chemin} ne se lit plus à la ligne {ligne} : restaurez-le depuis une sauvegarde."
    )


def _presents(dossier: Path) -> list[str]:
    """Paths, relative to raw/<campagne>, of the files in its folders; what a system or a half-done copy leaves is not one."""
    trouves = [
        Path(lieu, nom).relative_to(dossier).as_posix()
        for role in _DOSSIERS.values()
        for lieu, _, noms in os.walk(dossier / role)
        for nom in noms
        if not nom.startswith((".", *_PREFIXES)) and nom not in _A_IGNORER
    ]
    return sorted(set(trouves) - (set() if is_locked(dossier) else _interrupted(dossier)))


def unregistered(dossier: Path, depots: Sequence[Depot]) -> None:
    """Raise UserError U14 when raw/<campagne> holds files its register does not know, E17 when they are being received."""
    dossier = Path(dossier)
    presents = _presents(dossier)
    inconnus = set(presents) - {d.chemin for d in depots}
    if inconnus:
        if is_locked(dossier):
            raise busy(dossier)
        inconnus -= {d.chemin for d in read_registre(dossier)}  # a reception may just have ended
    if not inconnus:
        return
    noms = ", ".join(sorted(inconnus)[:3]) + (" …" if len(inconnus) > 3 else "")
    raise UserError(
        "U14",
        f"{len(inconnus)} fichier(s) de raw/{dossier.name} absent(s) du registre ({noms}) : sortez-les de raw/, "
        f"puis rangez-les avec « cartographie ingest {dossier.name} FICHIER » (« register » pour la base de sondage).",
    )


def ingest(
    projet: Path, campagne: str, sources: Sequence[Path], role: str, recu_le: str
) -> tuple[list[Depot], list[tuple[str, Depot]]]:
    """Copy the files (folders recursively, sorted) under raw/<campagne>.

    Returns (added, already received as (name, Depot)). Raises UserError: unknown role, date of reception that is none,
    source missing, symbolic link, another reception under way. All the files are added, or none.
    """
    if role not in _DOSSIERS:
        raise UserError("U08", f"Le rôle « {role} » n’existe pas : choisissez {' ou '.join(_DOSSIERS)}.")
    if not _is_day(recu_le):
        raise UserError("U13", f"La date de réception « {recu_le} » n’existe pas : écrivez-la AAAA-MM-JJ.")
    fichiers = list_files(sources)
    dossier = Path(projet) / "raw" / campagne
    with locked(dossier):
        return _range(dossier, fichiers, role, recu_le)


def _is_day(texte: str) -> bool:
    try:
        return date.fromisoformat(texte).isoformat() == texte
    except ValueError:
        return False


def _range(
    dossier: Path, fichiers: Sequence[Path], role: str, recu_le: str
) -> tuple[list[Depot], list[tuple[str, Depot]]]:
    """`ingest`, once alone in raw/<campagne>. Files are copied under hidden names, written down, named, then registered: killed
    at any moment, the next reception puts back what was not registered."""
    _put_back(dossier)
    depots = read_registre(dossier)
    connus = {d.sha256: d for d in depots}
    courts = {d.depot: d.sha256 for d in depots}
    cible = dossier / _DOSSIERS[role]
    cible.mkdir(exist_ok=True)
    ajoutes: dict[Path, Depot] = {}
    deja: list[tuple[str, Depot]] = []
    try:
        for fichier in fichiers:
            temporaire, sha256, taille = _copie(fichier, cible)
            if sha256 in connus:
                temporaire.unlink()
                deja.append((fichier.name, connus[sha256]))
                continue
            court = sha256[:12]
            if court in courts:
                temporaire.unlink()
                raise UserError("U09", f"Deux fichiers différents ont la même empreinte courte {court}.")
            nom = f"{court}_{safe_name(fichier.name)}"
            depot = Depot(court, dossier.name, fichier.name, f"{_DOSSIERS[role]}/{nom}", sha256, taille, recu_le, role)
            connus[sha256], courts[court] = depot, sha256
            ajoutes[temporaire] = depot
            temporaire.chmod(0o444)
        if ajoutes:
            write_whole(dossier / RECEPTION, "".join(f"{d.chemin}\n" for d in ajoutes.values()).encode())
            for temporaire, depot in ajoutes.items():
                temporaire.replace(dossier / depot.chemin)
            _ecrit_registre(dossier, [*depots, *ajoutes.values()])
            (dossier / RECEPTION).unlink()
    except BaseException:
        for temporaire in ajoutes:
            temporaire.unlink(missing_ok=True)
        _put_back(dossier)
        raise
    return list(ajoutes.values()), deja


def _put_back(dossier: Path) -> None:
    """Take away what an interrupted reception had copied and not registered: the files sent are still where they came from."""
    for cache in [p for role in _DOSSIERS.values() for p in (dossier / role).glob(f"{_COPIE}*")]:
        cache.unlink()
    if (dossier / RECEPTION).exists():
        enregistres = {d.chemin for d in read_registre(dossier)} if (dossier / REGISTRE).exists() else set()
        for chemin in _interrupted(dossier) - enregistres:
            (dossier / chemin).unlink(missing_ok=True)
        (dossier / RECEPTION).unlink()


def _interrupted(dossier: Path) -> set[str]:
    """Paths that a reception was naming when it was interrupted."""
    try:
        lignes = (dossier / RECEPTION).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return set()
    return {x for x in lignes if x.startswith(tuple(f"{r}/" for r in _DOSSIERS.values())) and ".." not in x}


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


def altered(dossier: Path, depots: Sequence[Depot]) -> set[str]:
    """Those of the received files (`depot`) that are missing or no longer the ones received: every byte is hashed again."""

    def change(depot: Depot) -> bool:
        try:
            verify(dossier, depot)
        except UserError:
            return True
        return False

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # reading and hashing leave the interpreter free
        return {d.depot for d, oui in zip(depots, pool.map(change, depots), strict=True) if oui}


def _disparu(depot: Depot) -> UserError:
    return UserError(
        "U11",
        f"Le fichier reçu {depot.chemin} a disparu ou a été modifié : remettez l’original dans raw/{depot.campagne}.",
    )


def forget(dossier: Path, depots: Sequence[Depot]) -> None:
    """Take back files just received: out of the register first, then off the disk. Other files are untouched."""
    retires = {d.depot for d in depots}
    with locked(Path(dossier)):
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
_PREFIXES = ("~$", ".~lock")


def _fichiers(source: Path) -> Iterator[Path]:
    """The file, or the files of the folder, sorted. Raises UserError on a symbolic link or a missing source."""
    if source.is_symlink():
        raise UserError("U07", f"{source} est un lien symbolique : déposez le fichier lui-même.")
    if source.is_dir():
        for enfant in sorted(source.iterdir()):
            if enfant.name not in _A_IGNORER and not enfant.name.startswith(_PREFIXES):
                yield from _fichiers(enfant)
    elif source.is_file():
        yield source
    else:
        raise UserError("U06", f"{source} est introuvable ou n’est pas un fichier : vérifiez le chemin.")


def list_files(sources: Sequence[Path]) -> list[Path]:
    """The files named, and those of the folders named. Raises UserError on a symbolic link or a missing source."""
    return [f for source in sources for f in _fichiers(Path(source))]


def _copie(source: Path, cible: Path) -> tuple[Path, str, int]:
    """Copy to a temporary file of `cible`, on disk for good. Returns (temporary path, sha256, size). Raises UserError U29 when
    the file changes meanwhile."""
    empreinte, taille = hashlib.sha256(), 0
    with source.open("rb") as entree, NamedTemporaryFile(dir=cible, prefix=_COPIE, delete=False) as sortie:
        avant = os.fstat(entree.fileno())
        while morceau := entree.read(_MORCEAU):
            empreinte.update(morceau)
            taille += len(morceau)
            sortie.write(morceau)
        sortie.flush()
        os.fsync(sortie.fileno())
        apres = os.fstat(entree.fileno())
    if (taille, avant.st_mtime_ns) != (apres.st_size, apres.st_mtime_ns):
        raise UserError(
            "U29", f"{source} change pendant qu'il est lu : attendez la fin de sa copie, ou fermez-le, puis relancez.",
        )  # fmt: skip
    return Path(sortie.name), empreinte.hexdigest(), taille


def _ecrit_registre(dossier: Path, depots: Sequence[Depot]) -> None:
    write_whole(Path(dossier) / REGISTRE, csv_text(_COLONNES, map(attrgetter(*_COLONNES), depots)).encode())
