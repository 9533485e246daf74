"""Received files → Extractions, one by one or in worker processes. A bad file gives a finding, never an exception."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from python_calamine import PasswordError

from cartographie.errors import UserError
from cartographie.intake import gate, snapshot
from cartographie.intake.extract import extract, refused_accounts
from cartographie.intake.headers import recognise
from cartographie.intake.text import UnreadableText, read_text
from cartographie.intake.workbook import SheetTooLarge, read_workbook
from cartographie.model import Bloc, Classeur, Constat, Depot, Extraction, Modele

_LOT_MAX = 50
_PAR_OUVRIER = 20  # files below which one more worker costs more than it saves
_SERVEUR = "forkserver" in multiprocessing.get_all_start_methods()


def read_depot(
    depot: Depot,
    dossier: Path,
    modeles: Sequence[Modele],
    *,
    plafonds: Mapping[str, Any] | None = None,
    csv: Mapping[str, str | None] | None = None,
    formats_acceptes: Collection[str] | None = None,
) -> Extraction:
    """One received file read. `dossier`: raw/<campagne>; `modeles`: those of every campaign. Never raises for bad input."""
    limites = {**gate.PLAFONDS, **{c: v for c, v in (plafonds or {}).items() if v}}
    if depot.taille > limites["octets"]:
        details = {"plafond": "octets", "trouve": depot.taille, "maximum": limites["octets"]}
        return _refus(depot, Constat("fichier_trop_gros", details=details))
    try:
        contenu = snapshot.verify(dossier, depot)
    except UserError:
        return _refus(depot, Constat("depot_modifie"))
    porte = gate.inspect(contenu, depot.nom, plafonds)
    if porte.refuse or porte.format is None:
        return _refus(depot, *porte.constats)
    if formats_acceptes and porte.format not in formats_acceptes:
        details = {"trouve": porte.format, "attendu": ", ".join(formats_acceptes)}
        return _refus(depot, *porte.constats, Constat("format_non_accepte", details=details), format_=porte.format)
    return read_contents(depot, contenu, porte, modeles, plafonds=plafonds, csv=csv)


def read_contents(
    depot: Depot,
    contenu: bytes,
    porte: gate.Porte,
    modeles: Sequence[Modele],
    *,
    plafonds: Mapping[str, Any] | None = None,
    csv: Mapping[str, str | None] | None = None,
) -> Extraction:
    """The bytes of a file the gate let through, opened, recognised and cut into records."""
    try:
        if porte.format == "csv":
            nom = Path(depot.nom).stem[:31]
            impose = {c: v for c, v in (csv or {}).items() if c in ("encodage", "separateur")}
            classeur = read_text(contenu, plafonds=plafonds, nom=nom, **impose)
        else:
            classeur = read_workbook(contenu, porte, plafonds)
    except SheetTooLarge as erreur:
        constat = Constat("fichier_trop_gros", details=erreur.details, feuille=erreur.details.get("feuille"))
    except UnreadableText as erreur:
        constat = Constat("fichier_illisible", details=erreur.details)
    except PasswordError:
        constat = Constat("fichier_protege")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as erreur:  # the reader's panics do not derive from Exception
        constat = Constat("fichier_illisible", details={"motif": type(erreur).__name__})
    else:
        return _extrait(depot, classeur, porte, modeles)
    return _refus(depot, *porte.constats, constat, format_=porte.format)


def _extrait(depot: Depot, classeur: Classeur, porte: gate.Porte, modeles: Sequence[Modele]) -> Extraction:
    reconnu = recognise(classeur, modeles, depot.campagne, depot.role)
    modele = reconnu.modele
    if modele is not None and modele.formats and classeur.format not in modele.formats:
        details = {"trouve": classeur.format, "attendu": ", ".join(modele.formats)}
        reconnu, modele = replace(reconnu, constats=(Constat("format_non_accepte", details=details),)), None
    blocs: tuple[Bloc, ...] = ()
    if modele is not None:
        blocs, comptes, constats, refuse = extract(classeur, modele)
    else:
        comptes, constats, refuse = refused_accounts(classeur), reconnu.constats, True
    return Extraction(
        depot.depot,
        classeur.format,
        modele.nom if modele else None,
        reconnu.version,
        blocs,
        comptes,
        tuple(replace(c, depot=depot.depot) for c in (*porte.constats, *constats)),
        refuse,
        classeur.encodage,
        classeur.separateur,
        classeur.date1904,
    )


def _refus(depot: Depot, *constats: Constat, format_: str | None = None) -> Extraction:
    dates = tuple(replace(c, depot=depot.depot) for c in constats)
    return Extraction(depot.depot, format_, None, None, (), (), dates, refuse=True)


# --------------------------------------------------------------------------- many files

_CONTEXTE: dict[str, Any] = {}


def read_depots(
    depots: Sequence[Depot],
    dossier: Path,
    modeles: Sequence[Modele],
    *,
    plafonds: Mapping[str, Any] | None = None,
    csv: Mapping[str, str | None] | None = None,
    formats_acceptes: Collection[str] | None = None,
    workers: int = 1,
    progres: Callable[[int, int], None] | None = None,
) -> list[Extraction]:
    """One Extraction per depot, in the order given, whatever the number of workers. `progres(done, total)`."""
    options: dict[str, Any] = {"plafonds": plafonds, "csv": csv, "formats_acceptes": formats_acceptes}
    lire = partial(read_depot, dossier=Path(dossier), modeles=tuple(modeles), **options)
    taille = max(1, min(_LOT_MAX, -(-len(depots) // (4 * max(workers, 1)))))
    lots = [list(depots[i : i + taille]) for i in range(0, len(depots), taille)]
    resultats: list[Extraction] = []
    for lot in map(partial(_lot, lire), lots) if workers <= 1 else _en_parallele(lire, lots, workers):
        resultats += lot
        if progres is not None:
            progres(len(resultats), len(depots))
    return resultats


def _lot(lire: Callable[[Depot], Extraction], depots: list[Depot]) -> list[Extraction]:
    return [lire(d) for d in depots]


def _prepare(lire: Callable[[Depot], Extraction]) -> None:
    gc.disable()  # the cells read are in no cycle: searching them for one costs a fifth of the reading
    _CONTEXTE["lire"] = lire


def _lot_ouvrier(depots: list[Depot]) -> list[Extraction]:
    return _lot(_CONTEXTE["lire"], depots)


def _en_parallele(
    lire: Callable[[Depot], Extraction], lots: list[list[Depot]], workers: int
) -> Iterator[list[Extraction]]:
    """Batches read by a pool. When a file kills its worker, each batch taken down is read again apart, then file by file."""
    with _pool(lire, min(workers, len(lots) or 1)) as pool:
        futurs = [_soumet(pool, lot) for lot in lots]
        for lot, futur in zip(lots, futurs, strict=True):
            try:
                resultat = futur.result() if futur else _seul(lire, lot)
            except BrokenProcessPool:
                resultat = _seul(lire, lot)
            yield resultat


def _soumet(pool: ProcessPoolExecutor, lot: list[Depot]) -> Future[list[Extraction]] | None:
    try:
        return pool.submit(_lot_ouvrier, lot)
    except BrokenProcessPool:
        return None


def _seul(lire: Callable[[Depot], Extraction], lot: list[Depot]) -> list[Extraction]:
    """A batch read in its own process; when it dies, its files one by one, and the guilty one is refused."""
    try:
        with _pool(lire, 1) as pool:
            return pool.submit(_lot_ouvrier, lot).result()
    except BrokenProcessPool:
        if len(lot) > 1:
            return [e for depot in lot for e in _seul(lire, [depot])]
        return [_refus(lot[0], Constat("fichier_illisible", details={"motif": "arrêt du lecteur"}))]


def workers_for(files: int, asked: int) -> int:
    """Number of worker processes: `asked` (0: one per processor), fewer when there are few files."""
    return min(asked or os.cpu_count() or 1, max(1, files // _PAR_OUVRIER))


def start_workers(raw: Path, asked: int) -> None:
    """When raw/ holds files enough for workers, start what they will come from while the rest of the programme loads."""
    registres = sorted(Path(raw).glob(f"*/{snapshot.REGISTRE}"))
    fichiers = max((chemin.read_bytes().count(b"\n") - 1 for chemin in registres), default=0)
    if _SERVEUR and workers_for(fichiers, asked) > 1:
        multiprocessing.get_context("forkserver").set_forkserver_preload([__name__])
        forkserver.ensure_running()


def _pool(lire: Callable[[Depot], Extraction], workers: int) -> ProcessPoolExecutor:
    """Workers never copied from this process, which may have threads: from a server that imported the reader once."""
    contexte = multiprocessing.get_context("forkserver" if _SERVEUR else "spawn")
    if _SERVEUR:
        contexte.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(workers, mp_context=contexte, initializer=_prepare, initargs=(lire,))
