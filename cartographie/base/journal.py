"""The journal of a workspace: one line per command that writes, chained by hash so that a line removed or changed shows.

`journal.jsonl`, append-only. Personal data never enters it: of the arguments, only those that name no file and no person.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cartographie.base.files import sha256_of, versions
from cartographie.base.text import personal_data

NOM = "journal.jsonl"
ORIGINE = "0" * 64  # what the first line follows
TU = "…"  # what stands for what is not written
# options that may name a file, a person or a respondent are told, not shown
DITES = {"--version", "--date", "--nature", "--remplace", "--recu-le", "--envoye-le", "--ouvriers"}
MUETTES = {"--remplacer", "--strict", "--relire", "--json", "--absents", "--ranger-seulement"}
# GSBPM 5.1 sub-processes of what each command does
GSBPM = {
    "register": ("4.1",), "ingest": ("4.3",), "feedback": ("4.3",), "validate": ("5.3",),
    "load": ("5.1", "5.2", "5.3", "5.4", "5.8"), "map": ("5.6", "5.7"), "publish": ("5.6", "5.7", "6.2", "6.4", "7.2"),
    "run": ("5.1", "5.2", "5.3", "5.4", "5.6", "5.7", "5.8", "6.2", "6.4", "7.2"), "sign": ("7.2",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lecture:
    """`lignes`: entries in order; `rupture`: the first line (from 1) that does not follow the one before, None when all do."""

    lignes: tuple[Mapping[str, Any], ...]
    rupture: int | None
    derniere: str


def append(projet: Path, entree: Mapping[str, Any]) -> None:
    """Add one line, whole or not at all, after whatever is there; one process at a time. What is cut is told, never mended."""
    chemin = projet / NOM
    with chemin.open("a+b", buffering=0) as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        f.seek(0)
        avant = f.read()
        lignes = avant.split(b"\n")
        coupee = lignes[-1] != b""
        precedente = lignes[-1] if coupee else lignes[-2] if len(lignes) > 1 else b""
        chaine = hashlib.sha256(precedente).hexdigest() if precedente else ORIGINE
        texte = json.dumps({**entree, "precedent": chaine}, ensure_ascii=False, sort_keys=True)
        octets = (b"\n" if coupee else b"") + texte.encode("utf-8") + b"\n"
        if f.write(octets) != len(octets):  # the disk is full: no line rather than half of one
            f.truncate(len(avant))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(chemin))
        os.fsync(f.fileno())


def read(projet: Path) -> Lecture:
    """What was written, and whether the chain holds. Lines removed at the end show only beside a copy of the last hash."""
    chemin = projet / NOM
    octets = chemin.read_bytes() if chemin.exists() else b""
    lignes, rupture, attendu = [], None, ORIGINE
    for i, ligne in enumerate(octets.split(b"\n")[:-1] if octets.endswith(b"\n") else octets.split(b"\n"), start=1):
        if not ligne and not octets:
            break
        try:
            lue = json.loads(ligne)
        except ValueError:
            lue = {"commande": "illisible"}
        if rupture is None and (not isinstance(lue, dict) or lue.get("precedent") != attendu):
            rupture = i
        lignes.append(lue if isinstance(lue, dict) else {"commande": "illisible"})
        attendu = hashlib.sha256(ligne).hexdigest()
    return Lecture(tuple(lignes), rupture, attendu)


@dataclass(frozen=True, slots=True)
class Fin:
    """How a command ended, when (ISO 8601) and for whom: the clock and the user come from the caller."""

    quand: str
    qui: str
    statut: int
    erreur: str


def entry(projet: Path, arguments: Sequence[str], fin: Fin, bilan: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is written of one command; None when it writes nothing in a workspace."""
    commande = arguments[0]
    if not (projet / "schemas").is_dir():
        return None
    campagnes = sorted(p.name for p in (projet / "schemas").iterdir() if (p / "campagne.yaml").is_file())
    return {
        "quand": fin.quand, "qui": fin.qui, "commande": commande, "arguments": _arguments(arguments[1:], campagnes),
        "gsbpm": list(GSBPM[commande]), "statut": fin.statut, "erreur": fin.erreur or None, "programme": versions()["code_sha256"],
        "entrees": _inputs(projet, campagnes),
        "comptes": _accounts(bilan),
    }  # fmt: skip


def workspace_of(arguments: Sequence[str]) -> Path:
    """The folder `--projet` names, else the current one."""
    for a, suivant in zip(arguments, [*arguments[1:], "."], strict=True):
        if a == "--projet":
            return Path(suivant)
        if a.startswith("--projet="):
            return Path(a.partition("=")[2])
    return Path()


def _arguments(arguments: Sequence[str], campagnes: Sequence[str]) -> list[str]:
    out, option = [], ""
    for a in arguments:
        nom, egal, valeur = a.partition("=")
        if option:
            out.append(_told(option, a))
            option = ""
        elif a.startswith("--") and egal:
            out.append(f"{nom}={_told(nom, valeur)}")
        elif a.startswith("--"):
            out.append(nom)
            option = "" if nom in MUETTES else nom
        else:
            out.append(a if a in campagnes else TU)
    return out


def _told(option: str, valeur: str) -> str:
    """A value that may be written: of an option that names nobody, and that looks like nobody's."""
    return valeur if option in DITES and len(valeur) <= 60 and not personal_data(valeur) else TU


def _inputs(projet: Path, campagnes: Sequence[str]) -> dict[str, str]:
    """sha256 of what was received, by its register, and of all that is declared, together."""
    registres = [p for a in campagnes if (p := projet / "raw" / a / "registre.csv").is_file()]
    declares = sorted(p for p in (projet / "schemas").rglob("*") if p.is_file())
    ensemble = "".join(f"{p.relative_to(projet)}\n{sha256_of(p)}\n" for p in declares)
    recus = {p.relative_to(projet).as_posix(): sha256_of(p) for p in registres}
    return recus | {"schemas": hashlib.sha256(ensemble.encode("utf-8")).hexdigest()}


def _accounts(bilan: Mapping[str, Any]) -> dict[str, Any]:
    """Counts only: rows and cells by what became of them, by campaign."""
    controles = bilan.get("controles") or ([bilan] if "comptes" in bilan else [])
    comptes = {str(b["campagne"]): b["comptes"] for b in controles if "campagne" in b and "comptes" in b}
    return {a: {k: v for k, v in c.items() if isinstance(v, int | float | Mapping)} for a, c in comptes.items()}
