"""What every output must say, worded once: fictitious data, working version, shorthand, common notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FICTIF = "DONNÉES FICTIVES"
PHRASE_FICTIF = (
    "Données fictives : ces chiffres sont inventés pour une démonstration et ne décrivent aucun acteur réel."
)
TRAVAIL = "Version de travail, diffusion restreinte"
PHRASE_TRAVAIL = (
    "Version de travail, diffusion restreinte : le secret primaire est appliqué, le secret secondaire ne l'est pas encore. "
    "Une case masquée pourrait être retrouvée par différence avec les totaux."
)
# status of a figure → (shorthand of the workbook, meaning)
ABREGES = {
    "s": ("[c]", "couvert par le secret : trop peu de répondants, ou un seul apporte presque tout le total"),
    "s2": ("[c2]", "masqué pour protéger une autre case"),
    "ns": ("[ns]", "non significatif : trop peu de répondants pour publier un pourcentage"),
    "nd": ("[nd]", "non disponible : question non posée à cette édition"),
    "u": ("[u]", "peu fiable : intervalle de confiance large, à lire avec prudence"),
    "b": ("[b]", "rupture : éditions non comparables"),
}
SANS_OBJET = ("[so]", "sans objet : cet indicateur n'est pas calculé pour cette ligne")
NOTES_COMMUNES = (
    "Les parts rapportent les réponses concernées aux répondants ayant répondu à la question. « Ne sait pas » est une réponse ; "
    "une absence de réponse n'en est pas une et sort du dénominateur.",
    "Les chiffres sont redressés de la non-réponse : chaque répondant compte pour les unités de la base de sondage qu'il "
    "représente. Les acteurs qu'aucune base ne liste sont comptés à part, sans redressement.",
    "L'intervalle de confiance à 95 % mesure l'aléa de la non-réponse, supposée sans lien avec l'usage de l'IA parmi les "
    "acteurs comparables ; il ne couvre ni ce lien s'il existe, ni les erreurs de réponse ou de base.",
    "Les valeurs sont calculées exactement puis arrondies une fois, au chiffre pair le plus proche en cas d'égalité : "
    "un dixième pour les parts, un centième pour les moyennes.",
    "Les totaux comptent aussi les acteurs dont la région, le département ou le type est inconnu.",
)


def mentions(meta: Mapping[str, Any]) -> list[str]:
    """Sentences that head every output of this release."""
    phrases = [PHRASE_FICTIF] if meta.get("fictif") else []
    return phrases if meta.get("secret_secondaire") else [*phrases, PHRASE_TRAVAIL]
