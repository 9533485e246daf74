"""The types that cross stages. Frozen, plain, no behaviour beyond a property or two.

Nouns are French (the domain's), mechanics English. Excel coordinates are 1-based everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# --------------------------------------------------------------------------- declarations (schemas/)


class Gravite(StrEnum):
    """Scope of what an anomaly rejects, from the widest to none."""

    REJET_FICHIER = "rejet_fichier"
    REJET_LIGNE = "rejet_ligne"
    REJET_CELLULE = "rejet_cellule"
    REDRESSEMENT = "redressement"
    ALERTE = "alerte"


class TypeVariable(StrEnum):
    TEXTE = "texte"
    ENTIER = "entier"
    DECIMAL = "decimal"
    BOOLEEN = "booleen"
    DATE = "date"
    ANNEE_MOIS = "annee_mois"
    CODE = "code"
    CODES = "codes"
    FINESS = "finess"
    SIRET = "siret"
    SIREN = "siren"
    RPPS = "rpps"
    COMMUNE = "commune"
    DEPARTEMENT = "departement"
    REGION = "region"


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
    type: TypeVariable
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

    `entite`: the rows it is evaluated on ("*" for a constat met on any). `cellules`: variables whose cells are blamed.
    """

    code: str
    gravite: Gravite
    entite: str
    message: str
    constat: str | None = None
    types: tuple[str, ...] = ()
    condition: Mapping[str, Any] | None = None
    cellules: tuple[str, ...] = ()
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
    `ligne_entete`: fixed 1-based row, or None to search. `lien`: "depot" (one parent in the file), "ligne" (parent on the
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
    marque: Mapping[str, str] | None = None  # {feuille, edition, version}: sheet and cells that state them


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


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """Everything under schemas/, all campaigns. Built and checked by questionnaire.py, read by everyone."""

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
        } | {
            (f.entite, v) for m in self.campagnes[campagne].modeles.values() for f in m.feuilles for v in f.constantes
        }


# --------------------------------------------------------------------------- intake (received files → cells)


@dataclass(frozen=True, slots=True)
class Depot:
    """One received file of raw/<campagne>. `depot` is the short id used everywhere: the first 12 hex of its sha256."""

    depot: str
    campagne: str
    nom: str
    chemin: str  # relative to raw/<campagne>, forward slashes
    sha256: str
    taille: int
    recu_le: str
    role: str  # "reponse" | "base"


@dataclass(frozen=True, slots=True)
class Feuille:
    """One sheet as read. `lignes[i][j]` is the cell of Excel row i+1, column j+1; None where blank.

    Cells are str, int, float, datetime, date, time or timedelta; booleans arrive as "VRAI"/"FAUX", Excel errors as
    their text ("#REF!"), a formula never computed as its text "=…" and its position in `formules_sans_valeur`.
    """

    nom: str
    lignes: list[list[Any]]
    masquee: bool = False
    fusions: tuple[tuple[int, int, int, int], ...] = ()  # (row1, col1, row2, col2)
    lignes_masquees: frozenset[int] = frozenset()
    colonnes_masquees: frozenset[int] = frozenset()
    formules_sans_valeur: frozenset[tuple[int, int]] = frozenset()
    lignes_fantomes: int = 0  # blank rows the file declares below its last filled row


@dataclass(frozen=True, slots=True)
class Classeur:
    """A received file, opened. `format` by content; `encodage`/`separateur` for text files, as detected."""

    format: str
    feuilles: tuple[Feuille, ...]
    encodage: str | None = None
    separateur: str | None = None
    date1904: bool = False
    macros: bool = False


@dataclass(frozen=True, slots=True)
class Constat:
    """One finding, before it is worded. `constat` is a stable name of constats.yaml.

    For a whole file or sheet: `enregistrement` is None and `ligne`/`colonne` may be given. For a record: the record's
    index in its Lot and the variable; the cell is found from the Lot. `details` fills the message's {placeholders}.
    """

    constat: str
    entite: str | None = None
    enregistrement: int | None = None
    variable: str | None = None
    valeur_recue: Any = None
    proposition: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    depot: str | None = None
    feuille: str | None = None
    ligne: int | None = None
    colonne: int | None = None
    regle: str | None = None  # set when a declared rule (condition) found it


@dataclass(frozen=True, slots=True)
class Colonne:
    """Where one variable (or one modality of a spread choice) was found. `ligne` is set for a fiche only."""

    variable: str
    colonne: int
    modalite: str | None = None
    ligne: int | None = None
    entete: str = ""


@dataclass(frozen=True, slots=True)
class Bloc:
    """Records of one entity found at one place of one sheet. `valeurs[c][r]`: column c, record r, as received.

    `lignes[r]`: Excel row of record r (a fiche: its first question's row). `numero`: k ≥ 1 for the k-th repeated block.
    `lien`: as FeuilleAttendue.lien.
    """

    entite: str
    feuille: str
    colonnes: tuple[Colonne, ...]
    lignes: list[int]
    valeurs: list[list[Any]]
    numero: int = 0
    lien: str | tuple[str, ...] = "depot"


@dataclass(frozen=True, slots=True)
class Compte:
    """Read-side account of one sheet: every non-empty row and cell, by what it was. Data rows/cells are settled later.

    `lignes_lues` and `cellules_lues` are counted on the raw grid, independently of the rest: the identity is
    lues == donnees + sum(ecartees.values()), asserted in accounts.py.
    """

    feuille: str
    lignes_lues: int
    cellules_lues: int
    lignes_donnees: int
    cellules_donnees: int
    lignes_ecartees: Mapping[str, int] = field(default_factory=dict)  # titre, entete, note, total, feuille_non_lue…
    cellules_ecartees: Mapping[str, int] = field(default_factory=dict)  # same reasons + colonne_ignoree


@dataclass(frozen=True, slots=True)
class Extraction:
    """What reading one received file gave. `refuse`: the file was stopped (its constats say why); no bloc then."""

    depot: str
    format: str | None
    modele: str | None
    version: str | None
    blocs: tuple[Bloc, ...]
    comptes: tuple[Compte, ...]
    constats: tuple[Constat, ...]
    refuse: bool = False
    encodage: str | None = None
    separateur: str | None = None
    date1904: bool = False


@dataclass(frozen=True, slots=True)
class Lot:
    """All records of one entity for one campaign.

    `df`: one row is one record, RangeIndex = record number; columns `depot`, `feuille`, `ligne` (Excel row),
    `bloc` (index in `blocs`), `parent` (record number in the parent's Lot, -1 none), then the variables.
    """

    entite: str
    df: pd.DataFrame
    blocs: tuple[tuple[str, Bloc], ...]  # (depot, bloc), bloc emptied of its values


@dataclass(frozen=True, slots=True)
class Anomalie:
    """One line of anomalies.csv: a finding with its cell (invariant 4)."""

    campagne: str
    depot: str
    fichier: str
    feuille: str
    ligne: int | None
    colonne: str
    cellule: str
    entite: str
    id_repondant: str
    variable: str
    valeur_recue: str
    regle: str
    gravite: str
    message: str
    proposition: str
