"""What schemas/ declares: variables, lists, rules, kinds of files, campaigns.

A field is annotated with the form it is written in (forms.py): these classes are how a file is read, how it is described to
editors, and what the program uses. What the program keeps as plain values is declared in declared.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Required

from typing_extensions import TypedDict

from cartographie.survey.written.forms import (
    Adresse,
    Booleen,
    Chiffre,
    Cles,
    Compte,
    Condition,
    Derivation,
    Derivee,
    Donne,
    Entier,
    Forme,
    Lu,
    Nom,
    Nombre,
    Option,
    Parmi,
    Selon,
    Sinon,
    Taille,
    Texte,
    TexteEcrit,
    has,
    is_a,
    otherwise,
)

if TYPE_CHECKING:
    from cartographie.survey.written.declared import (
        Comparaison,
        Denominateur,
        Editorial,
        Enquete,
        Parametres,
        Plausibilite,
        Qualite,
        TableauEcrit,
    )

SUFFIXE_PANEL = "_panel"  # grain of the rows of an entity found again in the campaign before


class Gravite(StrEnum):
    """Scope of what an anomaly rejects, from the widest to none."""

    REJET_FICHIER = "rejet_fichier"
    REJET_LIGNE = "rejet_ligne"
    REJET_CELLULE = "rejet_cellule"
    REDRESSEMENT = "redressement"
    ALERTE = "alerte"


def _written(extra: str = "forbid", **autrement: str) -> dict[str, Any]:
    """How pydantic reads a class: no other key, and the fields that the file calls otherwise."""
    return {"extra": extra, "alias_generator": lambda champ: autrement.get(champ, champ)}


Donnee = Annotated[str, Donne()]
NomDeType = Annotated[str, Parmi("type")]


# ---- lists of answers and correspondence tables


def _variants(texte: str) -> tuple[str, ...]:
    return tuple(v.strip() for v in texte.split("|") if v.strip())


Vide = Annotated[str | None, Lu(str, lambda texte: texte or None)]


@dataclass(frozen=True, slots=True)
class Modalite:
    """One allowed answer of a nomenclature. `variantes`: other spellings met; `valide_de`/`valide_a`: campaigns."""

    __pydantic_config__ = _written(extra="ignore")
    code: Texte
    libelle: Texte
    variantes: Annotated[tuple[str, ...], Lu(str, _variants)] = ()
    parent: Vide = None
    valide_de: Vide = None
    valide_a: Vide = None
    source: str = ""


@dataclass(frozen=True, slots=True, eq=False)
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


# ---- questions


@dataclass(frozen=True, slots=True)
class Variable:
    """One question (or derived item). `condition_pose`: asked only if (a condition, see conditions.py)."""

    __pydantic_config__ = _written(condition_pose="pose_si")
    nom: Donnee
    entites: Annotated[tuple[Nom, ...], Taille(1)]
    type: NomDeType  # a key of types.TYPES
    libelle: Texte
    definition: str = ""
    rubrique: str = ""
    nomenclature: Option[Nom] = None
    unite: Option[str] = None
    minimum: Option[Nombre] = None
    maximum: Option[Nombre] = None
    longueur_max: Option[Entier] = None
    obligatoire: Booleen = False
    obligatoire_si: Option[Condition] = None
    condition_pose: Option[Condition] = None
    personnel: Booleen = False
    publiable: Booleen = True
    exemple: TexteEcrit = ""
    aide: str = ""
    derivee: Option[Derivee] = None


class Identifiant(TypedDict, total=False, closed=True):
    prefixe: Required[Texte]
    variable: Required[Nom]
    si: Condition
    hache: Booleen


@dataclass(frozen=True, slots=True)
class Entite:
    """A kind of row: the respondent, a system, a covered site, a line of the frame.

    `parent`: the entity its rows belong to (None: a root). `cle`: variables unique within the parent (or the campaign).
    `identifiant`: for a root, the ordered ways to build `id_repondant`: {prefixe, variable, si, hache}.
    `base`: True for the frame. `cle_stable`: variables that recognise the same row from one campaign to the next.
    `completude`, `date`: which of several answers of one respondent is kept (the latest complete one).
    `depuis_base`: analysis variables taken from the frame first when the respondent is matched.
    """

    __pydantic_config__ = _written()
    nom: Donnee
    libelle: Texte
    parent: Option[Nom] = None
    cle: tuple[Nom, ...] = ()
    identifiant: tuple[Identifiant, ...] = ()
    base: Booleen = False
    cle_stable: tuple[Nom, ...] = ()
    depuis_base: tuple[Nom, ...] = ()
    completude: tuple[Nom, ...] = ()
    date: Option[Nom] = None


@dataclass(frozen=True, slots=True)
class Regle:
    """One rule of regles.yaml. Either `condition` describes the faulty situation, or `constat` names a built-in finding.

    `entite`: the rows it is evaluated on ("*" for a constat met on any). `cellules`: variables whose cells are blamed (and emptied by a
    rejet_cellule). `en_cause`: other variables concerned, quoted with their place, never emptied.
    """

    __pydantic_config__ = _written()
    code: Annotated[str, Forme("un code comme « R07 » ou « R07a »", r"^[A-Z][0-9]{2,3}[a-z]?$")]
    gravite: Gravite
    entite: Annotated[str, Forme("le nom d'une entité, ou « * »", r"^(\*|[a-z][a-z0-9_]*)$"), Sinon("*")]
    message: Texte
    constat: Option[Nom] = None
    types: tuple[NomDeType, ...] = ()
    condition: Option[Condition] = None
    cellules: tuple[Nom, ...] = ()
    en_cause: tuple[Nom, ...] = ()
    proposition: Option[str] = None
    reference: TexteEcrit = ""
    confidentiel: Booleen = False
    campagnes: tuple[Texte, ...] = ()


RegleEcrite = Annotated[Regle, Cles((("condition", "entite"), ("constat",)), une=True)]


# ---- kinds of files


class EnteteEcrit(TypedDict, total=False, closed=True):
    entete: Required[Texte]
    apres: Texte


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


def _header(ecrit: str | EnteteEcrit) -> EnteteAttendu:
    return EnteteAttendu(ecrit) if isinstance(ecrit, str) else EnteteAttendu(ecrit["entete"], ecrit.get("apres"))


def column_number(lettres: str) -> int:
    """Letters of an Excel column → 1-based number."""
    n = 0
    for lettre in lettres:
        n = n * 26 + ord(lettre) - 64
    return n


_UN_ENTETE = Annotated[
    EnteteAttendu, Lu(Annotated[Any, Selon("un intitulé, ou {entete: …, apres: …}", ((is_a(dict), EnteteEcrit), (otherwise, Texte)))], _header)
]  # fmt: skip
Entetes = Annotated[
    tuple[EnteteAttendu, ...],
    Selon(
        "un intitulé, ou une liste d'intitulés",
        ((is_a(list), Annotated[tuple[_UN_ENTETE, ...], Taille(1)]), (otherwise, Annotated[Any, Lu(_UN_ENTETE, lambda entete: (entete,))])),
    ),
]  # fmt: skip
ABSENTE = "absente"  # the campaign does not ask that variable
# One column, or one for each answer of a multiple choice.
ParModalite = dict[Any, Entetes]
Colonne = Annotated[
    Any,
    Selon(
        "un intitulé, ou « absente »",
        ((lambda v: v == ABSENTE, Literal["absente"]), (has("entete"), Entetes), (is_a(dict), ParModalite), (otherwise, Entetes)),
    ),
]  # fmt: skip
Lettres = Annotated[int, Lu(Annotated[str, Forme("une colonne comme « B »", r"^[A-Z]{1,3}$")], column_number)]
Lien = Annotated[
    Any, Selon("depot, ligne, ou une liste de variables", ((is_a(list), Annotated[tuple[Nom, ...], Taille(1)]), (otherwise, Literal["depot", "ligne"])))
]  # fmt: skip


class EnteteDeFeuille(TypedDict, total=False, closed=True):
    ligne: Compte
    hauteur: Annotated[int, Chiffre("un nombre de lignes, de 1 à 4", min=1, max=4, entier=True)]


class FeuilleEcrite(TypedDict, total=False, closed=True):
    """A sheet as <campagne>/<modele>.yaml writes it."""

    entite: Required[Nom]
    disposition: Required[Literal["tableau", "fiche", "blocs"]]
    colonnes: Required[dict[Nom, Colonne]]
    noms: tuple[Texte, ...]
    colonne_question: Lettres
    colonne_reponse: Lettres
    entete: EnteteDeFeuille
    repetitions: Compte
    facultative: Booleen
    facultatives: list[Nom]
    lien: Lien
    ignorees: tuple[Texte, ...]
    constantes: dict[Nom, TexteEcrit]
    titre: str
    consigne: str


def _sheet(ecrite: FeuilleEcrite) -> FeuilleAttendue:
    libres = set(ecrite.get("facultatives", ()))
    colonnes: list[ColonneAttendue] = []
    for variable, place in ecrite["colonnes"].items():
        if isinstance(place, dict):
            colonnes += [ColonneAttendue(variable, e, str(m), variable in libres) for m, e in place.items()]
        elif place != ABSENTE:
            colonnes.append(ColonneAttendue(variable, place, None, variable in libres))
    entete = ecrite.get("entete", {})
    return FeuilleAttendue(
        entite=ecrite["entite"],
        noms=ecrite.get("noms", ()),
        disposition=ecrite["disposition"],
        colonnes=tuple(colonnes),
        ignorees=ecrite.get("ignorees", ()),
        ligne_entete=entete.get("ligne"),
        colonne_question=ecrite.get("colonne_question"),
        colonne_reponse=ecrite.get("colonne_reponse"),
        repetitions=ecrite.get("repetitions", 0),
        facultative=ecrite.get("facultative", False),
        lien=ecrite.get("lien", "depot"),
        constantes=ecrite.get("constantes", {}),
        hauteur_entete=entete.get("hauteur", 1),
    )


Format = Annotated[str, Lu(Literal["xlsx", "xlsm", "xls", "xlsb", "ods", "csv"], str)]


class Marque(TypedDict, total=False, closed=True):
    """The sheet and the cells that state which edition, version and return a file is of."""

    feuille: Required[Texte]
    edition: Adresse
    version: Adresse
    retour: Adresse


@dataclass(frozen=True, slots=True)
class Modele:
    """One kind of file of a campaign. `usage`: "reponse" or "base" (frame).

    `annexes`: sheets of the file that hold no answer (lists); the first is where lists are written.
    """

    __pydantic_config__ = _written(nom="modele")
    nom: Annotated[str, Forme("un nom en minuscules sans accent", r"^[a-z][a-z0-9_-]*$")]
    libelle: Texte
    campagne: Donnee
    usage: Literal["reponse", "base"]
    formats: Annotated[tuple[Format, ...], Taille(1)]
    feuilles: Annotated[tuple[Annotated[FeuilleAttendue, Lu(FeuilleEcrite, _sheet)], ...], Taille(1)]
    gabarit: Booleen = False
    versions: tuple[Texte, ...] = ()
    annexes: tuple[Texte, ...] = ()
    marque: Option[Annotated[Mapping[str, str], Lu(Marque, dict)]] = None


# ---- what the analyst declares about answers already received (see adjustments.py)


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction by hand: the cell of a received file to read as `valeur` while it holds `attendu`.

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
    """One link to the frame the analyst accepted. `repondant`: an `id_repondant`, or the identifier of the file.

    `ligne`: of the file, for messages.
    """

    __pydantic_config__ = _written()
    repondant: Texte
    id_base: Texte
    motif: str
    date: Annotated[str, Forme("une date AAAA-MM-JJ, ou rien", r"^(\d{4}-\d{2}-\d{2})?$")]
    ligne: Annotated[int | None, Donne(None)]


@dataclass(frozen=True, slots=True)
class Succession:
    """What became of a unit. `nature`: fermeture (no successor), fusion, remplacement, or scission (several)."""

    ancien: str
    nouveaux: tuple[str, ...]
    nature: str
    date: date


@dataclass(frozen=True, slots=True)
class Campagne:
    """`parametres`: everything else of campagne.yaml (thresholds, caps, alert levels), plain values as plausibilite.yaml,
    editorial.yaml and qualite.yaml, empty when they are not written."""

    nom: str
    libelle: str
    debut: date
    fin: date
    champ: str
    precedente: str | None
    modeles: Mapping[str, Modele]
    parametres: Parametres
    corrections: tuple[Correction, ...] = ()
    rapprochements: tuple[Rapprochement, ...] = ()
    plausibilite: Plausibilite = field(default_factory=dict)  # type: ignore[assignment]
    editorial: Editorial = field(default_factory=dict)  # type: ignore[assignment]
    qualite: Qualite = field(default_factory=dict)  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """Everything under schemas/, all campaigns. Built by load.py, checked by check.py, read by everyone."""

    enquete: Enquete  # schemas/enquete.yaml, plain values, as the other types of declared.py
    entites: Mapping[str, Entite]
    variables: Mapping[str, Variable]
    nomenclatures: Mapping[str, Nomenclature]
    passages: Mapping[str, Passage]
    regles: tuple[Regle, ...]
    denominateurs: Mapping[str, Denominateur]
    tableaux: Mapping[str, TableauEcrit]
    comparabilite: tuple[Comparaison, ...]
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

    def regles_de(self, campagne: str) -> list[Regle]:
        return [r for r in self.regles if not r.campagnes or campagne in r.campagnes]

    def enfants(self, entite: str) -> tuple[str, ...]:
        return tuple(e.nom for e in self.entites.values() if e.parent == entite)

    def sources(self, derivee: Derivation) -> tuple[str, ...]:
        """Variables of the same row that a variable is so derived from: none for a number of child rows."""
        de: str | Sequence[str] = derivee.get("rapport") or derivee.get("de") or ()
        if not de and "passage" in derivee and derivee["passage"] in self.passages:
            de = self.passages[derivee["passage"]].sources
        return (de,) if isinstance(de, str) else tuple(de)

    def posees(self, campagne: str) -> set[tuple[str, str]]:
        """(entity, variable) read from a file of that campaign."""
        return {
            (f.entite, c.variable)
            for m in self.campagnes[campagne].modeles.values()
            for f in m.feuilles
            for c in f.colonnes
        } | {(f.entite, v) for m in self.campagnes[campagne].modeles.values() for f in m.feuilles for v in f.constantes}
