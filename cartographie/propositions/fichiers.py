"""Received files, wherever they are, against the models of a campaign: differences file by file, one correction for all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from cartographie.anomalies import judge
from cartographie.anomalies.texte import fill
from cartographie.empreintes import sha256_of
from cartographie.errors import UserError
from cartographie.intake import Ouverture, list_files, open_depots, workers_for
from cartographie.intake.extract import extract
from cartographie.intake.headers import agreement, recognise
from cartographie.model import Classeur, Constat, Depot, Modele, Questionnaire
from cartographie.propositions.declaration import Renommage, correct, extend, renamings
from cartographie.propositions.diff import Correctif
from cartographie.propositions.entetes import Ecart, Genre, compare

Progres = Callable[[str, int, int], None]
Cle = tuple[str, Renommage]


@dataclass(frozen=True, slots=True)
class Examine:
    """One file. `modele`: None when it could not be opened or follows none; `avis`: (code, message) of what stops it.

    `lu`: read as the declarations stand; `lu_corrige`: read once its proposals are accepted.
    """

    fichier: str
    format: str | None
    modele: Modele | None = None
    accord: float = 0.0
    ecarts: tuple[Ecart, ...] = ()
    avis: tuple[tuple[str, str], ...] = ()
    refuse: bool = False
    lu: bool = False
    lu_corrige: bool = False


@dataclass(frozen=True, slots=True)
class EntetesProposes:
    """`renommages`: (model, renaming) → files that show it; `correctifs`: the declarations as they would be."""

    fichiers: tuple[Examine, ...]
    renommages: dict[Cle, list[str]] = field(default_factory=dict)
    correctifs: tuple[Correctif, ...] = ()


def propose_headers(
    projet: Path, q: Questionnaire, annee: str, sources: Sequence[Path], progres: Progres
) -> EntetesProposes:
    """Opens the files through the gate, in processes under limits, where they are: nothing is stored. Raises UserError U20."""
    chemins = list_files(sources)
    if not chemins:
        raise UserError("U20", "Aucun fichier à comparer : nommez un fichier reçu, ou un dossier qui en contient.")
    examines = []
    for chemin, ouverture in _open(q, annee, chemins):
        examines.append(_examine(q, annee, chemin, ouverture))
        progres(f"{annee} : lecture des en-têtes", len(examines), len(chemins))
    renommages = _agreed(examines)
    return EntetesProposes(tuple(examines), renommages, tuple(_corrections(projet, annee, q, examines, renommages)))


def _open(q: Questionnaire, annee: str, chemins: Sequence[Path]) -> Iterable[tuple[Path, Ouverture]]:
    parametres = q.campagnes[annee].parametres
    options = {c: parametres.get(c) for c in ("plafonds", "csv", "contenus_actifs", "lecture")}
    for dossier, groupe in groupby(chemins, key=lambda c: c.parent):
        ici = list(groupe)
        depots = (_depot(annee, chemin) for chemin in ici)
        yield from zip(ici, open_depots(depots, dossier, workers=workers_for(len(ici), 0), **options), strict=True)


def _depot(annee: str, chemin: Path) -> Depot:
    """A file as if received, left where it is."""
    sha256 = sha256_of(chemin)
    return Depot(sha256[:12], annee, chemin.name, chemin.name, sha256, chemin.stat().st_size, "", "reponse")


def _examine(q: Questionnaire, annee: str, chemin: Path, ouverture: Ouverture) -> Examine:
    dire = _wording(q, annee)
    classeur = ouverture.classeur
    if classeur is None:
        return Examine(chemin.name, ouverture.format, avis=tuple(map(dire, ouverture.constats)), refuse=True)
    modeles = list(q.campagnes[annee].modeles.values())
    notes = [(agreement(classeur, m), m.usage == "reponse", -i) for i, m in enumerate(modeles)]
    accord, _, rang = max(notes)
    if not accord:
        avis = dire(Constat("modele_non_reconnu", details={"feuilles": ""}))
        return Examine(chemin.name, classeur.format, avis=(avis,))
    modele = modeles[-rang]
    reconnu = recognise(classeur, [m for c in q.campagnes.values() for m in c.modeles.values()], annee, modele.usage)
    entrave = tuple(dire(c) for c in reconnu.constats if c.constat != "modele_non_reconnu")
    ecarts = tuple(compare(classeur, modele))
    propres = renamings(ecarts)
    return Examine(
        chemin.name,
        classeur.format,
        modele,
        accord,
        ecarts,
        entrave,
        lu=not entrave and _reads(classeur, modele),
        lu_corrige=not entrave and bool(propres) and _reads(classeur, extend(modele, propres)),
    )


def _reads(classeur: Classeur, modele: Modele) -> bool:
    return not extract(classeur, modele)[3]


def _wording(q: Questionnaire, annee: str) -> Callable[[Constat], tuple[str, str]]:
    regle_de = judge(q, annee)

    def dire(constat: Constat) -> tuple[str, str]:
        regle = regle_de(constat)
        return regle.code, fill(regle.message, {**constat.details, "feuille": constat.feuille})

    return dire


def _agreed(examines: Sequence[Examine]) -> dict[Cle, list[str]]:
    """Every renaming met, with its files. A text that two questions of a sheet could claim goes to the likeliest."""
    vus: dict[Cle, list[str]] = defaultdict(list)
    scores: Counter[Cle] = Counter()
    for x in examines:
        for ecart in x.ecarts if x.modele else ():
            for r in renamings([ecart]):
                cle = (x.modele.nom, r)  # type: ignore[union-attr]
                vus[cle].append(x.fichier)
                scores[cle] = max(scores[cle], ecart.score or 0)
    modeles = {x.modele.nom: x.modele for x in examines if x.modele}
    retenus: dict[Cle, list[str]] = {}
    pris: dict[tuple[str, int, str], object] = {}
    for cle in sorted(vus, key=lambda c: (-scores[c], -len(vus[c]), c[0], c[1])):
        nom, r = cle
        place = (nom, r.rang if r.variable else -1, r.norme)
        maitre = (r.variable, r.modalite) if r.variable else modeles[nom].feuilles[r.rang].noms
        if pris.setdefault(place, maitre) == maitre:
            retenus[cle] = vus[cle]
    return retenus


def _corrections(
    projet: Path, annee: str, q: Questionnaire, examines: Sequence[Examine], renommages: dict[Cle, list[str]]
) -> Iterable[Correctif]:
    for nom, modele in q.campagnes[annee].modeles.items():
        propres = [r for n, r in renommages if n == nom]
        restes: dict[Ecart, list[str]] = defaultdict(list)
        for x in examines:
            for e in x.ecarts if x.modele is not None and x.modele.nom == nom else ():
                if e.genre in (Genre.ABSENTE, Genre.AJOUTEE, Genre.FEUILLE_ABSENTE):
                    restes[_same(e)].append(x.fichier)
        if propres or restes:
            yield correct(projet, annee, modele, propres, restes)


def _same(e: Ecart) -> Ecart:
    """The difference without what changes from one file to the next."""
    return replace(e, cellule="", feuille="", numero=min(e.numero, 1), score=None)
