"""What is wrong with one answer, record by record: declared rules, filters, obligations; and who it says it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cartographie.demo.oracle import Fiche, Monde, holds
from cartographie.identifiers import pseudonym, published_key
from cartographie.model import Variable


def references(condition: Any) -> set[str]:
    """Every variable a condition names, as written; children are `entity.*`."""
    trouvees: set[str] = set()
    if isinstance(condition, Mapping):
        for enfant in ("nombre", "existe"):
            if isinstance(condition.get(enfant), str):
                trouvees |= {f"{condition[enfant]}.*"} | {
                    f"{condition[enfant]}.{r}" for r in references(condition.get("si"))
                }
        if isinstance(condition.get("variable"), str):
            trouvees.add(condition["variable"])
        trouvees |= set(condition.get("doublon") or ())
        for cle, valeur in condition.items():
            if cle != "si" and isinstance(valeur, (Mapping, list)):
                trouvees |= references(valeur)
            if condition.get("fonction") and isinstance(valeur, str) and cle != "fonction":
                trouvees.add(valeur)
    elif isinstance(condition, list):
        for element in condition:
            if isinstance(element, (Mapping, list)):
                trouvees |= references(element)
    return trouvees


def asked(monde: Monde, fiche: Fiche, nom: str) -> bool:
    """Whether the question belongs to that campaign's file and its condition holds."""
    variable = monde.questionnaire.variables[nom]
    return (fiche.entite, nom) in monde.posees and holds(monde, fiche, variable.condition_pose)


def required(monde: Monde, fiche: Fiche, nom: str) -> bool:
    variable = monde.questionnaire.variables[nom]
    if not asked(monde, fiche, nom):
        return False
    return variable.obligatoire or bool(variable.obligatoire_si and holds(monde, fiche, variable.obligatoire_si))


def violations(monde: Monde, racine: Fiche) -> list[tuple[str, Fiche]]:
    """Every (rule code, record) of the declared conditions that are true in one answer."""
    par_entite: dict[str, list[Fiche]] = {}
    for fiche in racine.toutes():
        par_entite.setdefault(fiche.entite, []).append(fiche)
    return [
        (regle.code, fiche)
        for regle in monde.regles
        for fiche in par_entite.get(regle.entite, ())
        if holds(monde, fiche, regle.condition)
    ]


def irregularities(monde: Monde, racine: Fiche) -> list[tuple[str, Fiche, str]]:
    """Filter, obligation, bounds and frame faults of one answer: (constat, record, variable)."""
    trouvees = []
    liens = {
        (lien["entite"], lien["variable"]): lien["base"]
        for lien in monde.questionnaire.enquete.get("lien_base") or ()
        if monde.questionnaire.entites[lien["entite"]].parent is not None
    }
    if not monde.noms:
        for entite, nom in sorted(monde.posees):
            monde.noms.setdefault(entite, []).append(nom)
    for fiche in racine.toutes():
        for nom in monde.noms.get(fiche.entite, ()):
            renseignee = fiche.valeurs.get(nom) is not None
            if renseignee and not asked(monde, fiche, nom):
                trouvees.append(("hors_filtre", fiche, nom))
            elif not renseignee and required(monde, fiche, nom):
                trouvees.append(("valeur_obligatoire_absente", fiche, nom))
            elif renseignee and _out_of_bounds(monde.questionnaire.variables[nom], fiche.valeurs[nom]):
                trouvees.append(("hors_bornes", fiche, nom))
            elif renseignee and (fiche.entite, nom) in liens:
                cle = liens[fiche.entite, nom]
                if fiche.valeurs[nom] not in {u.get(cle) for u in racine.unites}:
                    trouvees.append(("absent_de_la_base", fiche, nom))
    return trouvees


def _out_of_bounds(variable: Variable, valeur: Any) -> bool:
    if isinstance(valeur, bool) or not isinstance(valeur, (int, float)):
        return False
    bas, haut = variable.minimum, variable.maximum
    return (bas is not None and valeur < bas) or (haut is not None and valeur > haut)


def identifier(monde: Monde, fiche: Fiche) -> str | None:
    """`id_repondant` of a root record: the first declared alternative that applies."""
    for voie in monde.questionnaire.entites[fiche.entite].identifiant:
        valeur = fiche.valeurs.get(voie["variable"])
        if valeur is not None and holds(monde, fiche, voie.get("si")):
            texte = str(valeur)
            if voie.get("hache"):
                texte = pseudonym(texte, published_key(monde.questionnaire.enquete.get("titre", "")))
            return f"{voie['prefixe']}:{texte}"
    return None
