"""What was received, from the file to its anomalies and the warehouse, and the table published in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cartographie.base.errors import tell

if TYPE_CHECKING:
    import pandas as pd


# ---- What became of every unit of the frame (AAPOR, Standard Definitions): answered, wholly or in part, or why not.
#
# Answers say who answered; raw/<campagne>/dispositions.csv, kept by the analyst, says what was learnt of the others.

COMPLET, PARTIEL, AUTRE, SANS_REPONSE = "complet", "partiel", "autre", "non_joint"
# what the analyst may record of a unit that did not answer; the three last take it out of the field
DECLAREES = ("refus", "non_joint", "autre", "inconnu", "hors_champ", "ferme", "autre_unite")
INELIGIBLES = ("hors_champ", "ferme", "autre_unite")


class FormuleNonCalculee(str):
    """The text "=…" of a formula the file holds without its result."""

    __slots__ = ()


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
    calculees: frozenset[tuple[int, int]] = frozenset()  # cells whose value is the last result of a formula


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

    def __post_init__(self) -> None:
        tell("constat", self.constat)
        if self.regle:
            tell("anomalie", self.regle)


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
    `lien`: as FeuilleAttendue.lien, or "depot:<id>": the parent is the record of that other file.
    `reprises`: (record, variable) → (depot, feuille, ligne, colonne), the cells taken from an earlier version of the answer.
    """

    entite: str
    feuille: str
    colonnes: tuple[Colonne, ...]
    lignes: list[int]
    valeurs: list[list[Any]]
    numero: int = 0
    lien: str | tuple[str, ...] = "depot"
    reprises: Mapping[tuple[int, str], tuple[str, str, int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compte:
    """Read-side account of one sheet: every non-empty row and cell, by what it was. Data rows/cells are settled later.

    `lignes_lues` and `cellules_lues` are counted on the raw grid, independently of the rest: the identity is
    lues == donnees + sum(ecartees.values()), asserted in validate/accounts.py.
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
    """What reading one received file gave. `refuse`: the file was stopped (its constats say why); no bloc then.

    `retour`: the reference a correction workbook carries (decode/versions.py), as read. `remplace_par`: the received
    file whose answers now stand for this one's (decode/versions.py). `altere`: no longer the file that was received.
    """

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
    retour: str | None = None
    remplace_par: str | None = None
    altere: bool = False


@dataclass(frozen=True, slots=True)
class Lot:
    """All records of one entity for one campaign.

    `df`: one row is one record, RangeIndex = record number; columns `depot`, `feuille`, `ligne` (Excel row),
    `bloc` (index in `blocs`), `parent` (record number in the parent's Lot, -1 none), then the variables.
    """

    entite: str
    df: pd.DataFrame
    blocs: tuple[tuple[str, Bloc], ...]  # (depot, bloc), bloc emptied of its values
    depots_1904: frozenset[str] = frozenset()  # files whose date serials count from 1904
    depots_texte: frozenset[str] = frozenset()  # text files (csv): no cell of theirs can be a typed number or date
    recues: pd.DataFrame | None = None  # once decoded: the same records, their cells as received
    juges: frozenset[str] = frozenset()  # variables the pandera schema has judged


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


@dataclass(frozen=True, slots=True)
class Legende:
    """What a table states about itself. Code → label: `indicateurs`, `denominateurs`, `dimensions`, `modalites` (of a distribution,
    by « indicator.answer »), `libelles_axes`. `repartitions`: indicators that give one figure an answer; `parts`: those that are
    shares of respondents; `effectif`: what its counts count."""

    titre: str
    axe: str
    source: str
    champ: str
    notes: Sequence[str]
    indicateurs: Mapping[str, str]
    repartitions: Sequence[str]
    parts: Sequence[str]
    modalites: Mapping[str, str]
    dimensions: Mapping[str, str]
    libelles_axes: Mapping[str, str]
    effectif: str
    denominateurs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tableau:
    """One published table. `df`: one row is one figure, its columns those of survey/published.py."""

    code: str
    meta: Legende
    df: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Contenu:
    """Everything one campaign brings to the warehouse.

    `entites`: entity → kept records (Lot columns and, on roots, `id_repondant`; on the main root, `id_base` of the matched
    unit if already known). Index labels are record numbers; `parent` of a child is such a label in its parent's frame.
    `base`: kept records of the frame, with `id_base` (or `id_repondant`). `liens`: (id_repondant, id_base, mode), as given
    by frame.Matching on the kept records. `quarantaine`: (entite, depot, feuille, ligne, id_repondant, motif).
    `depots`, `anomalies`, `comptes`: columns of sql/tables.sql, `campagne` excepted; a column absent is null.
    `questions`: None, built from the declarations; else (entite, variable, posee, derivee, disponible, depuis_base, libelle).
    `etats`: None or entity → one row per kept record (same labels), one column per asked variable, its state.
    `devenus`: respondent → what it is called in the next campaign, when its number was replaced or joined another.
    """

    entites: Mapping[str, pd.DataFrame]
    depots: pd.DataFrame
    base: pd.DataFrame | None = None
    liens: pd.DataFrame | None = None
    quarantaine: pd.DataFrame | None = None
    anomalies: pd.DataFrame | None = None
    comptes: pd.DataFrame | None = None
    questions: pd.DataFrame | None = None
    etats: Mapping[str, pd.DataFrame] | None = None
    devenus: Mapping[str, str] = field(default_factory=dict)
