"""Received files → Extractions. Each is read in a worker process under limits: a bad file gives a finding, no exception."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypedDict, Unpack

from python_calamine import PasswordError

from cartographie.base.errors import UserError
from cartographie.base.workers import Arret, Limites, run_isolated, start_server
from cartographie.intake import gate, store
from cartographie.intake.headers import recognise
from cartographie.intake.records import extract, refused_accounts
from cartographie.intake.workbook import SheetTooLarge, UnreadableText, read_text, read_workbook
from cartographie.survey.model import Modele
from cartographie.survey.received import Bloc, Classeur, Constat, Depot, Extraction
from cartographie.survey.written.declared import ContenuActif, Parametres, TexteSepare

_PAR_OUVRIER = 20  # files below which one more worker costs more than it saves
_LIMITES = {"reponse": Limites(512, 10, 10), "base": Limites(4096, 300, 600)}
_SOCLE_MO, _OCTETS_PAR_CELLULE = 112, 200  # what reading takes: the reader itself, and each cell the caps allow
_ARRETS = {"memoire": "lecture_memoire", "duree": "lecture_trop_longue"}


@dataclass(frozen=True, slots=True)
class Ouverture:
    """One received file opened, before any model is looked for. `classeur`: None when refused (`constats` says why)."""

    classeur: Classeur | None
    constats: tuple[Constat, ...] = ()
    format: str | None = None


class Options(TypedDict, total=False):
    """How files are read: keys of campagne.yaml, and the number of worker processes (1)."""

    plafonds: Mapping[str, Any] | None
    csv: TexteSepare | None
    formats_acceptes: Collection[str] | None
    contenus_actifs: Mapping[ContenuActif, str] | None
    lecture: Mapping[str, Any] | None
    workers: int


def limits(role: str, plafonds: Mapping[str, Any] | None = None, lecture: Mapping[str, Any] | None = None) -> Limites:
    """What reading one file may take: `lecture`, completed by defaults where memory grows with the cap on cells."""
    defaut = _LIMITES.get(role, _LIMITES["reponse"])
    cellules = (plafonds or {}).get("cellules") or gate.PLAFONDS["cellules"]
    memoire = max(defaut.memoire_mo, _SOCLE_MO + int(cellules * _OCTETS_PAR_CELLULE / 1_000_000))
    dit = {c: v for c, v in (lecture or {}).items() if v}
    return Limites(
        int(dit.get("memoire_mo", memoire)),
        dit.get("processeur_s", defaut.processeur_s),
        dit.get("duree_s", defaut.duree_s),
    )


def _ouvre(depot: Depot, dossier: Path, o: Options) -> tuple[Ouverture, gate.Porte | None]:
    """One received file verified, judged, opened. Raises nothing but for lack of memory."""
    plafonds, formats = o.get("plafonds"), o.get("formats_acceptes")
    limites = gate.caps(plafonds)
    if depot.taille > limites["octets"]:
        details = {"plafond": "octets", "trouve": depot.taille, "maximum": limites["octets"]}
        return Ouverture(None, (Constat("fichier_trop_gros", details=details),)), None
    try:
        contenu = store.verify(dossier, depot)
    except UserError:
        return Ouverture(None, (Constat("depot_modifie"),)), None
    porte = gate.inspect(contenu, depot.nom, plafonds, o.get("contenus_actifs"))
    if porte.refuse or porte.format is None:
        return Ouverture(None, porte.constats, porte.format), porte
    if formats and porte.format not in formats:
        details = {"trouve": porte.format, "attendu": ", ".join(formats)}
        constats = (*porte.constats, Constat("format_non_accepte", details=details))
        return Ouverture(None, constats, porte.format), porte
    return _ouvre_contenu(depot.nom, contenu, porte, o), porte


def _ouvre_contenu(nom: str, contenu: bytes, porte: gate.Porte, o: Options) -> Ouverture:
    try:
        if porte.format == "csv":
            impose = o.get("csv") or TexteSepare()
            classeur = read_text(contenu, plafonds=o.get("plafonds"), nom=Path(nom).stem[:31], **impose)
        else:
            classeur = read_workbook(contenu, porte, o.get("plafonds"))
    except SheetTooLarge as erreur:
        constat = Constat("fichier_trop_gros", details=erreur.details, feuille=erreur.feuille)
    except UnreadableText as erreur:
        constat = Constat("fichier_illisible", details=erreur.details)
    except PasswordError:
        constat = Constat("fichier_protege")
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as erreur:  # the reader's panics do not derive from Exception
        if "Python API call failed" in str(erreur):  # how it says that Python had no memory left
            raise MemoryError from None
        constat = Constat("fichier_illisible", details={"motif": type(erreur).__name__})
    else:
        return Ouverture(classeur, porte.constats, porte.format)
    return Ouverture(None, (*porte.constats, constat), porte.format)


def _lit(depot: Depot, dossier: Path, options: Options, modeles: Sequence[Modele]) -> Extraction:
    return _extrait(depot, *_ouvre(depot, dossier, options), modeles)


def _seulement_ouvre(depot: Depot, dossier: Path, options: Options) -> Ouverture:
    return _ouvre(depot, dossier, options)[0]


def _extrait(depot: Depot, ouverture: Ouverture, porte: gate.Porte | None, modeles: Sequence[Modele]) -> Extraction:
    """The opened file recognised and cut into records."""
    classeur = ouverture.classeur
    if classeur is None or porte is None:
        return _refus(depot, *ouverture.constats, format_=ouverture.format)
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
        reconnu.retour,
    )


def _refus(depot: Depot, *constats: Constat, format_: str | None = None) -> Extraction:
    dates = tuple(replace(c, depot=depot.depot) for c in constats)
    return Extraction(depot.depot, format_, None, None, (), (), dates, refuse=True)


def _arret(arret: Arret, limites: Limites) -> Constat:
    """The finding for a file whose reading had to be ended."""
    maximum = limites.memoire_mo if arret.cause == "memoire" else limites.duree_s
    return Constat(
        _ARRETS.get(arret.cause, "lecture_interrompue"), details={"maximum": maximum, "motif": arret.statut or "arrêt"}
    )


# --------------------------------------------------------------------------- one, many


def read_options(parametres: Parametres, workers: int, base: bool = False) -> Options:
    """What a campaign says of how its files are read, or of how its sampling frame is."""
    return Options(
        plafonds=parametres.get("plafonds_base") if base else parametres.get("plafonds"),
        csv=parametres.get("csv"),
        formats_acceptes=parametres.get("formats_acceptes"),
        contenus_actifs=parametres.get("contenus_actifs"),
        lecture=parametres.get("lecture_base") if base else parametres.get("lecture"),
        workers=workers,
    )


def iter_depots(
    depots: Iterable[Depot], dossier: Path, modeles: Sequence[Modele], **options: Unpack[Options]
) -> Iterator[Extraction]:
    """One Extraction per depot, in the order given, as they are read: few are in memory at once, however many there are.

    `dossier`: raw/<campagne>; `modeles`: those of every campaign. The depots are all of one role. Never raises for bad input.
    """
    lire = partial(_lit, dossier=dossier, options=options, modeles=tuple(modeles))
    for depot, lu, limites in _isole(lire, depots, options):
        yield _refus(depot, _arret(lu, limites)) if isinstance(lu, Arret) else lu


def open_depots(depots: Iterable[Depot], dossier: Path, **options: Unpack[Options]) -> Iterator[Ouverture]:
    """The same, each file only opened: its sheets, or why it is refused."""
    ouvre = partial(_seulement_ouvre, dossier=dossier, options=options)
    for _, lu, limites in _isole(ouvre, depots, options):
        yield Ouverture(None, (_arret(lu, limites),)) if isinstance(lu, Arret) else lu


def _isole(
    lire: Callable[[Depot], Any], depots: Iterable[Depot], options: Options
) -> Iterator[tuple[Depot, Any, Limites]]:
    """(depot, what `lire` gave or an Arret, limits), in order."""
    source = iter(depots)
    premier = next(source, None)
    if premier is None:
        return
    limites = limits(premier.role, options.get("plafonds"), options.get("lecture"))
    attendus: list[Depot] = []  # given out, not come back yet: as few as the workers' window

    def suivis() -> Iterator[Depot]:
        for depot in chain((premier,), source):
            attendus.append(depot)
            yield depot

    for lu in run_isolated(lire, suivis(), limites, options.get("workers", 1), lambda d: d.taille):
        yield attendus.pop(0), lu, limites


def read_depots(
    depots: Sequence[Depot],
    dossier: Path,
    modeles: Sequence[Modele],
    *,
    progres: Callable[[int, int], None] | None = None,
    **options: Unpack[Options],
) -> list[Extraction]:
    """`iter_depots` (and its options) in one list. `progres(done, total)`."""
    lues: list[Extraction] = []
    pas = max(1, len(depots) // 100)
    for lue in iter_depots(depots, dossier, modeles, **options):
        lues.append(lue)
        if progres is not None and (len(lues) % pas == 0 or len(lues) == len(depots)):
            progres(len(lues), len(depots))
    return lues


def workers_for(files: int, asked: int) -> int:
    """Number of worker processes: `asked` (0: one per processor), fewer when there are few files; at least one."""
    return min(asked or os.cpu_count() or 1, max(1, files // _PAR_OUVRIER))


def start_workers(raw: Path, asked: int) -> None:
    """When raw/ holds files, start what workers will come from while the rest of the programme loads."""
    if any(chemin.read_bytes().count(b"\n") > 1 for chemin in Path(raw).glob(f"*/{store.REGISTRE}")):
        start_server(__name__)
