"""The types that cross stages. Frozen, plain, no behaviour beyond a property or two.

Nouns are French (the domain's), mechanics English. Excel coordinates are 1-based everywhere.
"""

from cartographie.model.declarations import (
    Campagne,
    ColonneAttendue,
    EnteteAttendu,
    Entite,
    FeuilleAttendue,
    Gravite,
    Modalite,
    Modele,
    Nomenclature,
    Passage,
    Questionnaire,
    Regle,
    TypeVariable,
    Variable,
)
from cartographie.model.recus import (
    Anomalie,
    Bloc,
    Classeur,
    Colonne,
    Compte,
    Constat,
    Depot,
    Extraction,
    Feuille,
    Lot,
    Tableau,
)

__all__ = [
    "Anomalie",
    "Bloc",
    "Campagne",
    "Classeur",
    "Colonne",
    "ColonneAttendue",
    "Compte",
    "Constat",
    "Depot",
    "EnteteAttendu",
    "Entite",
    "Extraction",
    "Feuille",
    "FeuilleAttendue",
    "Gravite",
    "Lot",
    "Modalite",
    "Modele",
    "Nomenclature",
    "Passage",
    "Questionnaire",
    "Regle",
    "Tableau",
    "TypeVariable",
    "Variable",
]
