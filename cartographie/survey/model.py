"""What schemas/ declares: variables, lists, rules, kinds of files, campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

SUFFIXE_PANEL = "_panel"  # grain of the rows of an entity found again in the campaign before


class Gravite(StrEnum):
    """Scope of what an anomaly rejects, from the widest to none."""

    REJET_FICHIER = "rejet_fichier"
    REJET_LIGNE = "rejet_ligne"
    REJET_CELLULE = "rejet_cellule"
    REDRESSEMENT = "redressement"
    ALERTE = "alerte"


@dataclass(frozen=True, slots=True)
class Modalite:
    """One allowed answer of a nomenclature. `variantes`: other spellings met; `valide_de`/`valide_a`: campaigns."""

    code: str
    libelle: str
    variantes: tuple[str, ...] = ()
    parent: str | None = None
    valide_de: str | None = None
    valide_a: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Nomenclature:
    """`modalites`: every code ever allowed, in display order; `valides(campagne)` keeps one campaign's."""

    nom: str
    modalites: Mapping[str, Modalite]

    def valides(self, campagne: str) -> dict[str, Modalite]:
        return {
            c: m
            for c, m in self.modalites.items()
            if (m.valide_de is None or m.valide_de <= campagne) and (m.valide_a is None or campagne <= m.valide_a)
        }


@dataclass(frozen=True, slots=True)
class Passage:
    """A correspondence table. `sources`: source variable names; `intervalle`: the one source is numeric, bounded [min, max[.

    `lignes`: (source values…, target) in file order, the first match wins, "*" matches anything;
    for an interval the source values are (min, max), either None for open.
    """

    nom: str
    sources: tuple[str, ...]
    intervalle: bool
    lignes: tuple[tuple[tuple[Any, ...], str], ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """One question (or derived item). `condition_pose`: asked only if (a condition, see conditions.py)."""

    nom: str
    entites: tuple[str, ...]
    type: str  # a key of types.TYPES
    libelle: str
    definition: str = ""
    rubrique: str = ""
    nomenclature: str | None = None
    unite: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    longueur_max: int | None = None
    obligatoire: bool = False
    obligatoire_si: Mapping[str, Any] | None = None
    condition_pose: Mapping[str, Any] | None = None
    personnel: bool = False
    publiable: bool = True
    exemple: str = ""
    aide: str = ""
    derivee: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Entite:
    """A kind of row: the respondent, a system, a covered site, a line of the frame.

    `parent`: the entity its rows belong to (None: a root). `cle`: variables unique within the parent (or the campaign).
    `identifiant`: for a root, the ordered ways to build `id_repondant`: {prefixe, variable, si, hache}.
    `base`: True for the frame. `cle_stable`: variables that recognise the same row from one campaign to the next.
    `completude`, `date`: which of several answers of one respondent is kept (the latest complete one).
    `depuis_base`: analysis variables taken from the frame first when the respondent is matched.
    """

    nom: str
    libelle: str
    parent: str | None = None
    cle: tuple[str, ...] = ()
    identifiant: tuple[Mapping[str, Any], ...] = ()
    base: bool = False
    cle_stable: tuple[str, ...] = ()
    depuis_base: tuple[str, ...] = ()
    completude: tuple[str, ...] = ()
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Regle:
    """One rule of regles.yaml. Either `condition` describes the faulty situation, or `constat` names a built-in finding.

    `entite`: the rows it is evaluated on ("*" for a constat met on any). `cellules`: variables whose cells are blamed (and emptied by a
    rejet_cellule). `en_cause`: other variables concerned, quoted with their place, never emptied.
    """

    code: str
    gravite: Gravite
    entite: str
    message: str
    constat: str | None = None
    types: tuple[str, ...] = ()
    condition: Mapping[str, Any] | None = None
    cellules: tuple[str, ...] = ()
    en_cause: tuple[str, ...] = ()
    proposition: str | None = None
    reference: str = ""
    confidentiel: bool = False
    campagnes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnteteAttendu:
    """One expected header text. `apres`: the first such header found after (to the right of) that other header."""

    texte: str
    apres: str | None = None


@dataclass(frozen=True, slots=True)
class ColonneAttendue:
    """Where a variable is read: accepted headers; `modalite` set when a multiple choice is spread over columns."""

    variable: str
    entetes: tuple[EnteteAttendu, ...]
    modalite: str | None = None
    facultative: bool = False


@dataclass(frozen=True, slots=True)
class FeuilleAttendue:
    """One sheet (or repeated block of columns) of a kind of file, holding the rows of one entity.

    `disposition`: "tableau" (header row, one record a row), "fiche" (questions down `colonne_question`, answers in
    `colonne_reponse`, one record), "blocs" (`repetitions` groups of columns on the parent's row, headers hold `{n}`).
    `ligne_entete`: fixed 1-based row (the first of `hauteur_entete`), or None to search. `lien`: "depot" (one parent in the file), "ligne" (parent on the
    same row), or parent variables repeated in the sheet.
    """

    entite: str
    noms: tuple[str, ...]
    disposition: str
    colonnes: tuple[ColonneAttendue, ...]
    ignorees: tuple[str, ...] = ()
    ligne_entete: int | None = None
    colonne_question: int | None = None
    colonne_reponse: int | None = None
    repetitions: int = 0
    facultative: bool = False
    lien: str | tuple[str, ...] = "depot"
    constantes: Mapping[str, str] = field(default_factory=dict)
    hauteur_entete: int = 1


@dataclass(frozen=True, slots=True)
class Modele:
    """One kind of file of a campaign. `usage`: "reponse" or "base" (frame)."""

    nom: str
    libelle: str
    campagne: str
    usage: str
    formats: tuple[str, ...]
    feuilles: tuple[FeuilleAttendue, ...]
    gabarit: bool = False
    versions: tuple[str, ...] = ()
    annexes: tuple[
        str, ...
    ] = ()  # sheets of the file that hold no answer (lists); the first is where lists are written
    marque: Mapping[str, str] | None = None  # {feuille, edition, version}: sheet and cells that state them


@dataclass(frozen=True, slots=True)
class Correction:
    """One line of <campagne>/corrections.yaml: the cell of a received file to read as `valeur` while it holds `attendu`.

    `depot`: identifier or name of the file. `feuille`: None when the file has only one that is read. `cellule`: "C17".
    """

    code: str
    depot: str
    feuille: str | None
    cellule: str
    attendu: Any
    valeur: Any
    motif: str
    auteur: str
    date: date


@dataclass(frozen=True, slots=True)
class Rapprochement:
    """One link to the frame the analyst accepted. `repondant`: an `id_repondant`, or the identifier of the file."""

    repondant: str
    id_base: str
    motif: str
    date: str
    ligne: int | None  # of the file, for messages


@dataclass(frozen=True, slots=True)
class Succession:
    """What became of a unit. `nature`: fermeture (no successor), fusion, remplacement, or scission (several)."""

    ancien: str
    nouveaux: tuple[str, ...]
    nature: str
    date: date


@dataclass(frozen=True, slots=True)
class Campagne:
    """`parametres`: everything else of campagne.yaml (thresholds, caps, alert levels), plain values."""

    annee: str
    libelle: str
    debut: date
    fin: date
    champ: str
    precedente: str | None
    modeles: Mapping[str, Modele]
    parametres: Mapping[str, Any]
    corrections: tuple[Correction, ...] = ()
    rapprochements: tuple[Rapprochement, ...] = ()
    plausibilite: Mapping[str, Any] = field(default_factory=dict)  # plausibilite.yaml, plain values
    qualite: Mapping[str, Any] = field(default_factory=dict)  # qualite.yaml, plain values


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """Everything under schemas/, all campaigns. Built and checked by load.py and check.py, read by everyone."""

    enquete: Mapping[str, Any]  # schemas/enquete.yaml, plain values
    entites: Mapping[str, Entite]
    variables: Mapping[str, Variable]
    nomenclatures: Mapping[str, Nomenclature]
    passages: Mapping[str, Passage]
    regles: tuple[Regle, ...]
    denominateurs: Mapping[str, Mapping[str, Any]]
    tableaux: Mapping[str, Mapping[str, Any]]
    comparabilite: tuple[Mapping[str, Any], ...]
    campagnes: Mapping[str, Campagne]
    empreintes: Mapping[str, str]  # relative path → sha256 of each declaration file
    successions: Mapping[str, Succession] = field(default_factory=dict)  # former number → what became of it

    @property
    def racine(self) -> str:
        """The main respondent entity: the first root that is not the frame."""
        return next(e.nom for e in self.entites.values() if e.parent is None and not e.base)

    @property
    def base(self) -> str | None:
        return next((e.nom for e in self.entites.values() if e.base), None)

    def enfants(self, entite: str) -> tuple[str, ...]:
        return tuple(e.nom for e in self.entites.values() if e.parent == entite)

    def posees(self, campagne: str) -> set[tuple[str, str]]:
        """(entity, variable) read from a file of that campaign."""
        return {
            (f.entite, c.variable)
            for m in self.campagnes[campagne].modeles.values()
            for f in m.feuilles
            for c in f.colonnes
        } | {(f.entite, v) for m in self.campagnes[campagne].modeles.values() for f in m.feuilles for v in f.constantes}
