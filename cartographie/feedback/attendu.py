"""What an answer should look like, in one French sentence a respondent understands, from the declaration of the question."""

from __future__ import annotations

from cartographie.model import Questionnaire, TypeVariable, Variable

T = TypeVariable
_CITEES = 8  # modalities quoted in full; longer lists are in the sheet of lists
_FORMES = {
    T.TEXTE: "un texte",
    T.BOOLEEN: "Oui ou Non",
    T.DATE: "une date, jour/mois/année",
    T.ANNEE_MOIS: "un mois, mois/année",
    T.FINESS: "les 9 caractères du numéro FINESS",
    T.SIRET: "les 14 chiffres du numéro SIRET",
    T.SIREN: "les 9 chiffres du numéro SIREN",
    T.RPPS: "les 11 chiffres du numéro RPPS",
    T.COMMUNE: "le code INSEE de la commune (5 caractères)",
    T.DEPARTEMENT: "le code ou le nom du département",
    T.REGION: "le code ou le nom de la région",
}


def expected(v: Variable, q: Questionnaire, annee: str) -> str:
    """What is admitted for this question that year."""
    if v.nomenclature and v.type in (T.CODE, T.CODES):
        libelles = [m.libelle for m in q.nomenclatures[v.nomenclature].valides(annee).values()]
        debut = (
            "une réponse de la liste"
            if v.type is T.CODE
            else "une ou plusieurs réponses de la liste, séparées par « ; »"
        )
        return f"{debut} : {' · '.join(libelles)}" if len(libelles) <= _CITEES else f"{debut} (menu de la case)"
    if v.type in (T.ENTIER, T.DECIMAL):
        return _number(v)
    forme = _FORMES.get(v.type, "une réponse")
    return f"{forme} d'au plus {v.longueur_max} caractères" if v.type is T.TEXTE and v.longueur_max else forme


def _number(v: Variable) -> str:
    forme = "un nombre entier" if v.type is T.ENTIER else "un nombre"
    bas, haut = (f"{x:g}".replace(".", ",") if x is not None else None for x in (v.minimum, v.maximum))
    bornes = (
        f" entre {bas} et {haut}" if bas is not None and haut is not None
        else f" d'au moins {bas}" if bas is not None else f" d'au plus {haut}" if haut is not None else ""
    )  # fmt: skip
    return forme + bornes + (f" ({v.unite})" if v.unite else "")
