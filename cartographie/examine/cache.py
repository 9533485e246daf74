"""What was already examined: outputs/.examen/<campagne>/<context>/, one pair of files a batch. Never read as truth, only to save work.

Keyed by content: the context is the fingerprint of everything that decides a result (declarations, code, libraries, key,
frame), a batch holds the sha256 of each of its files. Plain numbers and JSON, no pickle: opening one cannot run anything.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cartographie.anomalies import Redaction
from cartographie.disque import write_whole
from cartographie.examine.fournee import Fournee
from cartographie.model import Anomalie, Depot, Extraction

_ANOMALIE = [f.name for f in fields(Anomalie)]
_DEPOT = [f.name for f in fields(Depot)]
_TETE = [f.name for f in fields(Extraction) if f.name not in ("blocs", "comptes", "constats")]
_MASQUES = {"Int64": pd.arrays.IntegerArray, "Float64": pd.arrays.FloatingArray, "boolean": pd.arrays.BooleanArray}
_CADRES = ("kept", "quarantined")
_ILLISIBLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


class Abimee(Exception):
    """A batch on disk does not read whole: it is to be examined again."""


@dataclass(frozen=True, slots=True)
class Conservee:
    """A batch on disk. `reduit` holds all of it but the columns that only the warehouse needs, which are in `complet`."""

    rang: int
    reduit: Path
    complet: Path
    depots: tuple[Depot, ...]


def context(empreintes: Mapping[str, str], programme: Mapping[str, str], cle: bytes, base: Sequence[Depot]) -> str:
    """16 hex digits naming everything that decides what examining a file gives, but the file."""
    parties = [sorted(empreintes.items()), sorted(programme.items()), [d.sha256 for d in base]]
    empreinte = hashlib.sha256(json.dumps(parties, ensure_ascii=False).encode())
    empreinte.update(hashlib.sha256(cle).digest())
    return empreinte.hexdigest()[:16]


def open_store(dossier: Path, contexte: str) -> Path:
    """The folder of one context, created (only its owner may look); those of other contexts are of no more use."""
    ici = dossier / contexte
    ici.mkdir(parents=True, exist_ok=True)
    dossier.parent.chmod(0o700)
    for autre in dossier.iterdir():
        if autre.name != contexte:
            shutil.rmtree(autre, ignore_errors=True)
    return ici


def listing(ici: Path) -> list[Conservee]:
    """The batches on disk, oldest first; one that does not read whole is as if it were not there."""
    trouvees = []
    for reduit in sorted(ici.glob("*.reduit.npz")):
        complet = reduit.with_name(reduit.name.replace(".reduit.", ".complet."))
        try:
            with np.load(reduit, allow_pickle=False) as z:
                depots = [Depot(*d) for d in _header(z)["depots"]]
            if complet.is_file():
                trouvees.append(Conservee(int(reduit.name[:6]), reduit, complet, tuple(depots)))
        except _ILLISIBLE:
            continue
    return trouvees


def save(ici: Path, rang: int, f: Fournee, utiles: Iterable[str]) -> Conservee:
    """Write a batch, each file whole or not at all; `utiles`: the columns the campaign-level pass needs."""
    utiles = set(utiles)
    nom = f"{rang:06d}-{hashlib.sha256(''.join(d.sha256 for d in f.depots).encode()).hexdigest()[:12]}"
    complet, reduit = ici / f"{nom}.complet.npz", ici / f"{nom}.reduit.npz"
    tables = {f"{c}:{e}": df for c in _CADRES for e, df in getattr(f, c).items()}
    _write(complet, {}, tables)
    courtes = {n: df[[c for c in df.columns if c in utiles]] for n, df in tables.items()}
    tete = {
        "depots": [[getattr(d, c) for c in _DEPOT] for d in f.depots],
        "extractions": [[getattr(x, c) for c in _TETE] for x in f.extractions],
        "anomalies": [[getattr(a, c) for c in _ANOMALIE] for a in f.redaction.anomalies],
        "confidentielles": [[getattr(a, c) for c in _ANOMALIE] for a in f.redaction.confidentielles],
    }
    autres = {"cellules_rejetees": f.cellules_rejetees, "comptes": f.comptes, "lieux": f.lieux}
    _write(reduit, tete, courtes | autres)  # last: its presence says that both are there
    return Conservee(rang, reduit, complet, f.depots)


def load(c: Conservee, complet: bool) -> Fournee:
    """A batch back from disk, with all its columns or the useful ones only; `bruts` is empty. Raises Abimee."""
    try:
        with np.load(c.reduit, allow_pickle=False) as z:
            tete = _header(z)
            tables = _tables(z, tete)
        if complet:
            with np.load(c.complet, allow_pickle=False) as z:
                tables |= _tables(z, _header(z))
    except _ILLISIBLE as erreur:
        raise Abimee(c.reduit.name) from erreur
    cadres: dict[str, dict[str, pd.DataFrame]] = {c: {} for c in _CADRES}
    for nom, df in tables.items():
        cote, _, entite = nom.partition(":")
        if entite:
            cadres[cote][entite] = df
    vide = Extraction("", None, None, None, (), (), ())
    return Fournee(
        tuple(Depot(*d) for d in tete["depots"]),
        tuple(replace(vide, **dict(zip(_TETE, x, strict=True))) for x in tete["extractions"]),
        cadres["kept"],
        cadres["quarantined"],
        tables["cellules_rejetees"],
        Redaction([Anomalie(*a) for a in tete["anomalies"]], [Anomalie(*a) for a in tete["confidentielles"]]),
        tables["comptes"],
        tables["lieux"],
    )


def discard(conservees: Iterable[Conservee]) -> None:
    for c in conservees:
        c.reduit.unlink(missing_ok=True)
        c.complet.unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------- frames as plain arrays


def _write(chemin: Path, tete: dict[str, Any], tables: Mapping[str, pd.DataFrame]) -> None:
    tableaux: dict[str, Any] = {}
    tete = {**tete, "tables": {}}
    for t, (nom, df) in enumerate(tables.items()):
        colonnes = []
        tableaux[f"{t}"] = df.index.to_numpy(dtype="int64")
        for c, colonne in enumerate(df.columns):
            genre, uniques, parties = _encode(df[colonne])
            colonnes.append([colonne, genre, uniques])
            tableaux |= {f"{t}.{c}.{k}": v for k, v in parties.items()}
        tete["tables"][nom] = colonnes
    tableaux["tete"] = np.frombuffer(json.dumps(tete, ensure_ascii=False).encode(), dtype="uint8")
    write_whole(chemin, lambda sortie: np.savez(sortie, **tableaux))


def _header(z: Any) -> dict[str, Any]:
    return dict(json.loads(z["tete"].tobytes().decode()))


def _tables(z: Any, tete: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    sortie = {}
    for t, (nom, colonnes) in enumerate(tete["tables"].items()):
        index = pd.Index(z[f"{t}"])
        donnees = {
            colonne: pd.Series(_decode(z, f"{t}.{c}.", genre, uniques), index=index, dtype=_dtype(genre))
            for c, (colonne, genre, uniques) in enumerate(colonnes)
        }
        sortie[nom] = pd.DataFrame(donnees, index=index, columns=[c for c, _, _ in colonnes])
    return sortie


def _dtype(genre: str) -> Any:
    return object if genre == "object" else "str" if genre == "str" else None


def _encode(colonne: pd.Series) -> tuple[str, list[Any], dict[str, np.ndarray]]:
    """(dtype, distinct values, arrays). Texts and lists of codes: each distinct value once, and its rank on each row."""
    genre = str(colonne.dtype)
    if genre in ("str", "object"):
        codes, uniques = pd.factorize(colonne.to_numpy(dtype=object))
        return genre, [list(u) if isinstance(u, tuple) else u for u in uniques], {"r": codes.astype("int32")}
    if genre in _MASQUES:
        tableau: Any = colonne.array
        return genre, [], {"v": tableau._data, "m": tableau._mask}
    if colonne.dtype.kind in "ifbM":
        return genre, [], {"v": colonne.to_numpy()}
    raise TypeError(f"a column of {genre} cannot be kept")


def _decode(z: Any, prefixe: str, genre: str, uniques: Sequence[Any]) -> Any:
    if genre in ("str", "object"):
        valeurs = np.empty(len(uniques) + 1, dtype=object)
        for i, u in enumerate(uniques):
            valeurs[i] = tuple(u) if isinstance(u, list) else u
        valeurs[-1] = None
        return valeurs[z[prefixe + "r"]]
    if genre in _MASQUES:
        return _MASQUES[genre](z[prefixe + "v"], z[prefixe + "m"])
    return z[prefixe + "v"]
