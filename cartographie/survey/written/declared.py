"""What the program keeps of schemas/ as plain values, file by file: the keys admitted, and what each holds.

FICHIERS gives every kind of file its form; load.py reads them by it, shape.py writes the JSON Schemas of meta/ from it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, Required

from typing_extensions import TypedDict

from cartographie.survey.model import (
    Entite,
    Format,
    Gravite,
    Modalite,
    Modele,
    Rapprochement,
    RegleEcrite,
    Variable,
)
from cartographie.survey.written.forms import (
    SCALAIRES,
    Adresse,
    Booleen,
    Chiffre,
    Cles,
    Compte,
    Condition,
    Entier,
    Forme,
    Jour,
    JourEcrit,
    Liste,
    Lu,
    Nom,
    Nombre,
    Positif,
    Selon,
    Taille,
    Texte,
    Tiret,
    has,
    is_a,
    otherwise,
)

# ---- enquete.yaml


class LienBase(TypedDict, total=False, closed=True):
    entite: Required[Nom]
    variable: Required[Nom]
    base: Required[Nom]
    mode: Required[Nom]
    repli: Booleen


ColonneDeSuccession = Literal["ancien", "nouveau", "nature", "date", "source"]


class Successions(TypedDict, total=False, closed=True):
    variable: Required[Nom]
    fichier: Required[Annotated[str, Forme("le nom d'un fichier .csv de schemas/", r"^[A-Za-z0-9_-]+\.csv$")]]
    colonnes: dict[ColonneDeSuccession, Texte]


class Rapproche(TypedDict, total=False, closed=True):
    nom: Required[Nom]
    base_nom: Required[Nom]
    commune: Nom
    base_commune: Nom
    departement: Nom
    base_departement: Nom
    abreviations: dict[str, str]
    seuil: Annotated[int, Chiffre("un nombre entier de 0 à 100", min=0, max=100, entier=True)]


class Niveau(TypedDict, total=False, closed=True):
    code: Required[Nom]
    libelle: str
    variable: Nom


class AxeSimple(TypedDict, total=False, closed=True):
    variable: Required[Nom]
    libelle: str


class AxeANiveaux(TypedDict, total=False, closed=True):
    libelle: str
    niveaux: Required[Liste[Niveau]]


class Axe(TypedDict, total=False):
    """Either, as it is read: `niveaux` or `variable`."""

    variable: Nom
    libelle: str
    niveaux: list[Niveau]


AxeEcrit = Annotated[Axe, Selon("", ((has("niveaux"), AxeANiveaux), (otherwise, AxeSimple)))]


class ChampConstant(TypedDict, closed=True):
    variable: Nom


class _Chiffre(TypedDict, total=False):
    tableau: Required[Texte]
    indicateur: Required[Texte]
    modalite: str
    dimension: str
    denominateur: Texte


class Repondent(TypedDict, closed=True):
    """Of a share: who it counts, and whether they are feared to answer more readily than the others, or less."""

    qui: Texte
    volontiers: Literal["plus", "moins"]


class ChiffreCle(_Chiffre, total=False, closed=True):
    phrase: Texte
    repondent: Repondent


class Carte(TypedDict, total=False, closed=True):
    code: Required[Tiret]
    titre: Required[Texte]
    tableau: Required[Texte]
    indicateur: Required[Texte]
    niveau: Required[Texte]
    modalite: str
    dimension: str
    avec: list[Texte]


class Publication(TypedDict, total=False, closed=True):
    nom: Required[Texte]
    chiffres: Annotated[list[ChiffreCle], Taille(0, 12)]
    cartes: list[Carte]
    part_cartes_min_pct: Positif
    couverture: Tiret
    theme: Annotated[str, Forme("le nom d'un fichier .css", r"^[\w.-]+\.css$")]
    qualite: list[str]
    sensibilite: Liste[Annotated[float, Chiffre("un nombre plus grand que 1", plus_que=1)]]


class Enquete(TypedDict, total=False, closed=True):
    titre: Required[Texte]
    sous_titre: str
    producteur: Required[Texte]
    contact: str
    licence: Required[Texte]
    fictif: Booleen
    langue: str
    source: str
    mention: str
    avertissement: str
    citation: str
    contexte: str
    entites: Required[Annotated[dict[Nom, Entite], Taille(1)]]
    lien_base: list[LienBase]
    successions: Successions
    rapprochement: Rapproche
    axes: dict[Nom, AxeEcrit]
    champ_constant: ChampConstant
    groupe: list[Nom]
    ne_sait_pas: list[Texte]
    refus: list[Texte]
    publication: Publication


# ---- denominateurs.yaml, comparabilite.yaml, tableaux/


class Denominateur(TypedDict, total=False, closed=True):
    entite: Required[Nom]
    libelle: Required[Texte]
    filtre: Condition
    definition: str
    hors_base: Booleen


class Comparaison(TypedDict, total=False, closed=True):
    variable: Required[Nom]
    de: Required[Texte]
    a: Required[Texte]
    drapeau: Required[Literal["C0", "C1", "C2", "C3"]]
    passage: Nom
    indicateurs: list[Texte]
    note: str


class NombreDeLignes(TypedDict, total=False, closed=True):
    nombre: Required[Nom]
    si: Condition


Quantite = Annotated[
    str | NombreDeLignes, Selon("une variable, ou {nombre: …, si: …}", ((is_a(dict), NombreDeLignes), (otherwise, Nom)))
]
Mesure = Literal[
    "part", "repartition", "nombre", "somme", "moyenne", "mediane", "q1", "q3", "maximum", "ratio", "taux_reponse"
]


class Estimation(TypedDict, total=False, closed=True):
    covariables: Required[Liste[Condition]]


class Indicateur(TypedDict, total=False, closed=True):
    code: Required[Texte]
    libelle: Required[Texte]
    mesure: Required[Mesure]
    condition: Condition
    variable: Annotated[
        str | list[str], Selon("une variable, ou une liste", ((is_a(list), Liste[str]), (otherwise, str)))
    ]
    si: Condition
    valeur: Quantite
    numerateur: Quantite
    denominateur: Quantite
    unite: Texte
    poids: Nom
    decimales: Entier
    note: str
    formule: Literal["RR2", "RR4"]
    estimation: Estimation


class Serie(TypedDict, total=False, closed=True):
    denominateur: Required[Texte]
    croisements: Required[Liste[list[Nom]]]
    indicateurs: Required[Liste[Indicateur]]
    dimension: Nom
    unite: Texte
    evolution: Booleen
    libelle: str
    min_repondants: Entier
    min_contributeurs: Entier
    filtre: Condition


Zeros = Literal["publier", "proteger"]


class TableauEcrit(TypedDict, total=False, closed=True):
    code: Required[Annotated[str, Forme("un code comme « T07 »", r"^[A-Z][0-9]{2}[a-z]?$")]]
    titre: Required[Texte]
    series: Required[Liste[Serie]]
    axe: Nom
    source: str
    champ: str
    notes: list[Texte]
    unite: Texte
    min_repondants: Entier
    min_contributeurs: Entier
    zeros: Zeros


# ---- <campagne>/campagne.yaml


class Fiabilite(TypedDict, total=False, closed=True):
    demi_largeur_u: Positif
    effectif_u: Positif
    demi_largeur_ns: Positif
    effectif_ns: Positif


class Seuils(TypedDict, total=False, extra_items=Nombre):  # type: ignore[call-arg]  # PEP 728
    zeros: Zeros
    fiabilite: Fiabilite
    anomalies_bloquantes_pct: Nombre
    secret_min: Nombre
    dominance_pct: Nombre
    proportion_min: Nombre
    complet_min_pct: Nombre
    partiel_min_pct: Nombre
    largeur_min: Nombre
    largeur_pct: Nombre
    effort_nettoyage: Nombre
    cv_max_pct: Nombre


class TexteSepare(TypedDict, total=False, closed=True):
    encodage: Texte | None
    separateur: Texte | None


class Retours(TypedDict, total=False, closed=True):
    vides: Literal["conserver", "effacer"]
    lignes: Literal["retirer", "conserver"]
    gravites: Liste[Gravite]
    delai_jours: Compte
    courrier: Texte


class Lecture(TypedDict, total=False, closed=True):
    memoire_mo: Annotated[int, Chiffre("un nombre de Mo, 128 au moins", min=128, entier=True)]
    processeur_s: Annotated[float, Chiffre("un nombre de secondes, 1 au moins", min=1)]
    duree_s: Annotated[float, Chiffre("un nombre de secondes, 1 au moins", min=1)]


Borne = Annotated[float, Chiffre("un nombre plus grand que 0", plus_que=0)]


class Calage(TypedDict, total=False, closed=True):
    marges: Required[list[str]]
    methode: Literal["lineaire", "raking", "logit", "tronquee"]
    bornes: Annotated[list[Borne], Taille(2, 2)]
    repondants_min: Compte


class Ponderation(TypedDict, total=False, closed=True):
    groupes: Required[Liste[str]]
    champ: Condition
    temoins: Liste[str]
    effectif_min: Compte
    repondants_min: Compte
    taux_min_pct: Annotated[float, Chiffre("un nombre de 0 à 100", min=0, max=100)]
    calage: Calage
    graine: Entier


ContenuActif = Literal[
    "dde", "connexions", "requetes", "activex", "objets_incorpores", "liaisons_externes", "fonctions_externes",
    "macros_excel4", "macros", "power_query", "liaisons_inutilisees", "hyperliens",
]  # fmt: skip
OuiNon = Annotated[Any, Selon("oui ou non", ((is_a(bool), Booleen), (otherwise, Literal["oui", "non"])))]


class Parametres(TypedDict, total=False):
    seuils: Seuils
    plafonds: dict[str, Nombre]
    plafonds_base: dict[str, Nombre]
    formats_acceptes: Liste[Format]
    csv: TexteSepare
    redressements: dict[str, OuiNon]
    retours: Retours
    contenus_actifs: dict[ContenuActif, Literal["refuser", "ecarter"]]
    lecture: Lecture
    lecture_base: Lecture
    ponderation: Ponderation


class CampagneEcrite(Parametres, total=False, closed=True):
    campagne: Required[Texte]
    libelle: Required[Texte]
    debut: Required[Annotated[date, Jour()]]
    fin: Required[Annotated[date, Jour()]]
    champ: Required[Texte]
    precedente: Texte | None


# ---- <campagne>/plausibilite.yaml

CodeAttente = Annotated[str, Forme("un code comme « P01 »", r"^P[0-9]{2}$")]


class _Attente(TypedDict, total=False):
    code: Required[CodeAttente]
    libelle: Required[Texte]
    par: Texte
    min: Nombre
    max: Nombre
    effectif_min: Entier


_DE_CAMPAGNE = ("rattachement", "reponses", "effectif", "poids")
_DE_QUESTION = ("unicite", "modalites")
_DE_TABLEAU = ("chiffre", "somme")
_MESURES = ", ".join((*_DE_CAMPAGNE, *_DE_QUESTION, *_DE_TABLEAU))


class AttenteDeCampagne(_Attente, total=False, closed=True):
    mesure: Required[
        Annotated[Literal["rattachement", "reponses", "effectif", "poids"], Forme(f"une mesure : {_MESURES}", None)]
    ]
    tableau: Texte
    indicateur: Texte


class AttenteDeTableau(_Attente, total=False, closed=True):
    mesure: Required[Literal["chiffre", "somme"]]
    tableau: Required[Texte]
    indicateur: Required[Texte]


class AttenteDUnicite(_Attente, total=False, closed=True):
    mesure: Required[Literal["unicite"]]
    variable: Required[Texte]


class AttenteDeModalites(_Attente, total=False, closed=True):
    mesure: Required[Literal["modalites"]]
    variable: Required[Texte]
    valeurs: Required[Annotated[list[Texte], Taille(1)]]


class AttenteEcrite(_Attente, total=False):
    """Any of them, as it is read."""

    mesure: Required[str]
    tableau: Texte
    indicateur: Texte
    variable: Texte
    valeurs: list[Texte]


def _measures(*mesures: str) -> Callable[[Any], bool]:
    return lambda attente: isinstance(attente, dict) and attente.get("mesure") in mesures


Attente = Annotated[
    AttenteEcrite,
    Selon(
        "",
        (
            (_measures(*_DE_TABLEAU), AttenteDeTableau),
            (_measures("unicite"), AttenteDUnicite),
            (_measures("modalites"), AttenteDeModalites),
            (otherwise, AttenteDeCampagne),
        ),
    ),
    Cles((("min",), ("max",))),
]


class Derogation(TypedDict, closed=True):
    code: CodeAttente
    motif: Texte
    auteur: Texte
    date: JourEcrit


class Plausibilite(TypedDict, total=False, closed=True):
    attentes: Required[list[Attente]]
    derogations: list[Derogation]


# ---- <campagne>/editorial.yaml

CodeChiffre = Annotated[str, Forme("un code comme « K01 »", r"^K[0-9]{2}$")]


class Selecteur(_Chiffre, total=False):
    """The figures of an indicator at the whole of every axis; with `par`, those of one axis, or of one level of it."""

    par: Texte


class ChiffreExige(Selecteur, total=False, closed=True):
    code: Required[CodeChiffre]
    libelle: Required[Texte]


class ChiffrePrioritaire(Selecteur, total=False, closed=True):
    pass


class DerogationEditoriale(TypedDict, closed=True):
    code: CodeChiffre
    motif: Texte
    auteur: Texte
    date: JourEcrit


class Editorial(TypedDict, total=False, closed=True):
    chiffres_cles: list[ChiffreExige]
    priorites: list[ChiffrePrioritaire]
    derogations: list[DerogationEditoriale]


# ---- <campagne>/qualite.yaml


class Qualite(TypedDict, total=False, closed=True):
    mandat: Texte
    politique_diffusion: Texte
    gestion_qualite: Texte
    pertinence: Texte
    cout_charge: Texte
    remarques: Texte
    diffusion_prevue: JourEcrit


# ---- <campagne>/corrections.yaml


class Ou(TypedDict, total=False, closed=True):
    depot: Required[Texte]
    feuille: str
    cellule: Required[Adresse]


_RECUE = Annotated[Any, Selon("un texte, un nombre, true, false ou rien", ((is_a(type(None)), None), *SCALAIRES))]
Cellule = Annotated[Any, Lu(_RECUE, lambda v: ("VRAI" if v else "FAUX") if isinstance(v, bool) else v)]


class CorrectionEcrite(TypedDict, closed=True):
    """One line of <campagne>/corrections.yaml. `attendu`, `valeur`: as a received cell holds them."""

    code: Annotated[str, Forme("un code comme « C01 »", r"^[A-Z][A-Za-z0-9_-]*$")]
    ou: Ou
    attendu: Cellule
    valeur: Cellule
    motif: Texte
    auteur: Texte
    date: JourEcrit


# ---- the rest


class LigneDePassage(TypedDict, total=False, extra_items=str):  # type: ignore[call-arg]  # PEP 728
    valeur: Required[str]
    note: str


class ConstatDeclare(TypedDict, total=False, closed=True):
    code: Required[Annotated[str, Forme("un code comme « F101 »", r"^[FLC][0-9]{3}$")]]
    gravite: Required[Gravite]
    message: Required[Texte]
    conseil: str


FICHIERS: dict[str, tuple[Any, str]] = {
    "enquete": (Enquete, "L'enquête : titre, producteur, entités, axes de publication"),
    "variables": (dict[Nom, Variable], "Toutes les variables jamais demandées ou dérivées"),
    "regles": (list[RegleEcrite], "Les règles de contrôle de l'enquête"),
    "denominateurs": (dict[str, Denominateur], "Les dénominateurs nommés des tableaux"),
    "comparabilite": (list[Comparaison], "Ce qui reste comparable d'une édition à la suivante"),
    "tableau": (TableauEcrit, "Un tableau publié"),
    "campagne": (CampagneEcrite, "Une campagne annuelle"),
    "modele": (Modele, "Un modèle de fichier d'une campagne"),
    "plausibilite": (Plausibilite, "Ce qu'une campagne doit montrer pour être publiée"),
    "editorial": (Editorial, "Les chiffres qu'une campagne doit publier, et ceux que le secret masque en dernier"),
    "qualite": (Qualite | None, "Ce que seules des personnes peuvent dire de la qualité d'une campagne"),
    "corrections": (list[CorrectionEcrite] | None, "Les corrections faites à la main sur des cases reçues"),
    "demo": (dict[str, Any], "La campagne fictive"),
    # of a CSV, its lines
    "nomenclature": (list[Modalite], "Une nomenclature : une ligne, une modalité"),
    "passage": (list[LigneDePassage], "Une table de passage : la première ligne qui convient l'emporte"),
    "rapprochements": (list[Rapprochement], "Les rapprochements acceptés : une ligne, une réponse rattachée à une unité de la base"),
    # of the program itself
    "constats": (dict[Nom, ConstatDeclare], "Le catalogue des constats du programme"),
}  # fmt: skip
SANS_EDITEUR = {"demo", "nomenclature", "passage", "rapprochements", "constats"}  # free, tables, or not of schemas/
