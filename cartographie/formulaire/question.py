"""How one question is offered in a blank questionnaire: the style of its answer, its hint, its drop-down list or bounds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cartographie.model import ColonneAttendue, FeuilleAttendue, Questionnaire, TypeVariable, Variable

TEXTE = {
    TypeVariable.TEXTE, TypeVariable.CODE, TypeVariable.CODES, TypeVariable.FINESS, TypeVariable.SIRET, TypeVariable.SIREN,
    TypeVariable.RPPS, TypeVariable.COMMUNE, TypeVariable.DEPARTEMENT, TypeVariable.REGION, TypeVariable.ANNEE_MOIS,
    TypeVariable.BOOLEEN,
}  # fmt: skip


class Page:
    """One sheet being written and what its cells need."""

    def __init__(
        self, feuille: Any, attendue: FeuilleAttendue, q: Questionnaire, annee: str, styles: Any, plages: Any
    ) -> None:
        self.feuille, self.attendue, self.q, self.annee, self.styles, self.plages = (
            feuille,
            attendue,
            q,
            annee,
            styles,
            plages,
        )

    def variable(self, colonne: ColonneAttendue) -> Variable:
        return self.q.variables[colonne.variable]


def answer_style(page: Page, variable: Variable, modalite: str | None) -> str:
    """The name of the style of its answer."""
    if modalite is not None or variable.type in TEXTE:
        return "reponse_texte"
    nom = {TypeVariable.DATE: "date", TypeVariable.ENTIER: "entier", TypeVariable.DECIMAL: "nombre"}[variable.type]
    return f"reponse_{nom}"


def hint(page: Page, colonne: ColonneAttendue, v: Variable) -> str:
    morceaux = [v.aide or v.definition]
    if v.type is TypeVariable.CODES and colonne.modalite is None and v.nomenclature:
        codes = ", ".join(page.q.nomenclatures[v.nomenclature].valides(page.annee))
        morceaux.append(f"Plusieurs réponses possibles, séparées par « ; » : {codes}.")
    if v.unite:
        morceaux.append(f"Unité : {v.unite}.")
    if v.exemple:
        modalites = page.q.nomenclatures[v.nomenclature].modalites if v.nomenclature else {}
        libelles = [modalites[c].libelle if c in modalites else c for c in v.exemple.replace("|", ";").split(";")]
        morceaux.append(f"Exemple : {' ; '.join(x.strip() for x in libelles)}.")
    return " ".join(m.strip() for m in morceaux if m)


def add_validation(page: Page, colonne: ColonneAttendue, v: Variable, r1: int, c1: int, r2: int, c2: int) -> None:
    commun: dict[str, Any] = {"error_title": "Réponse à vérifier", "ignore_blank": True}
    if colonne.modalite is not None or v.type is TypeVariable.BOOLEEN:
        regle: dict[str, Any] = {
            "validate": "list",
            "source": ["Oui", "Non"],
            "error_message": "Répondez par Oui ou Non.",
        }
    elif v.nomenclature and v.type is not TypeVariable.CODES:
        regle = {"validate": "list", "source": f"={page.plages[v.nomenclature]}", "error_type": "warning",
                 "error_message": "Choisissez une réponse de la liste (feuille LISTES)."}  # fmt: skip
    elif v.type in (TypeVariable.ENTIER, TypeVariable.DECIMAL):
        bas, haut = v.minimum if v.minimum is not None else -1e12, v.maximum if v.maximum is not None else 1e12
        genre = "integer" if v.type is TypeVariable.ENTIER else "decimal"
        bornes = "un nombre entier" if genre == "integer" else "un nombre"
        regle = {"validate": genre, "criteria": "between", "minimum": bas, "maximum": haut,
                 "error_message": f"Écrivez {bornes}, sans unité ni texte."}  # fmt: skip
    elif v.type is TypeVariable.DATE:
        regle = {"validate": "date", "criteria": "between", "minimum": datetime(1990, 1, 1), "maximum": datetime(2100, 12, 31),
                 "error_message": "Écrivez une date au format jj/mm/aaaa."}  # fmt: skip
    elif v.longueur_max:
        regle = {"validate": "length", "criteria": "<=", "value": v.longueur_max,
                 "error_message": f"{v.longueur_max} caractères au plus."}  # fmt: skip
    else:
        return
    page.feuille.data_validation(r1, c1, r2, c2, {**commun, **regle})
