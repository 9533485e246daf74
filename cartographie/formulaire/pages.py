"""The sheets of a questionnaire: presentation, lists of admitted answers, one form or table an entity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from xlsxwriter.utility import xl_cell_to_rowcol, xl_col_to_name, xl_rowcol_to_cell

from cartographie.feuilles import row_height
from cartographie.formulaire.contenu import Case, Fiche, Place
from cartographie.formulaire.question import Page, add_validation, answer_style, hint
from cartographie.model import Campagne, FeuilleAttendue, Modele, Nomenclature, Questionnaire, TypeVariable, Variable
from cartographie.text import text_of

_NOTE = {"author": "Enquête", "x_scale": 2.6, "y_scale": 1.8, "font_size": 10}
_VIDE = Case()
_LARGES = (TypeVariable.TEXTE, TypeVariable.CODES)


def sheet_name(feuille: FeuilleAttendue) -> str:
    return feuille.noms[0] if feuille.noms else feuille.entite.upper()[:31]


def write_lists(classeur: Any, feuille: Any, listes: list[Nomenclature], annee: str, styles: Any) -> dict[str, str]:
    """LISTES: two columns a nomenclature (code, label). Returns the defined name of each list of labels."""
    feuille.write(
        0,
        0,
        "Réponses admises : chaque liste donne le code et son libellé ; l'un ou l'autre convient.",
        styles["titre"],
    )
    plages: dict[str, str] = {}
    for i, nomenclature in enumerate(listes):
        modalites = nomenclature.valides(annee)
        c = 2 * i
        feuille.write(2, c, f"{nomenclature.nom} : code", styles["entete"])
        feuille.write(2, c + 1, f"{nomenclature.nom} : libellé", styles["entete"])
        for r, m in enumerate(modalites.values(), start=3):
            feuille.write_string(r, c, m.code, styles["code"])
            feuille.write_string(r, c + 1, m.libelle, styles["code"])
        feuille.set_column(c, c, 16)
        feuille.set_column(c + 1, c + 1, 46)
        nom = f"L_{nomenclature.nom}"
        lettre = xl_col_to_name(c + 1)
        classeur.define_name(nom, f"='{feuille.name}'!${lettre}$4:${lettre}${max(len(modalites), 1) + 3}")
        plages[nomenclature.nom] = nom
    return plages


def write_notice(
    feuille: Any, q: Questionnaire, campagne: Campagne, modele: Modele, styles: Any, retour: str = ""
) -> None:
    """Who answers, when, where, how; and the cells that state the edition, the version, the return reference."""
    marque = modele.marque or {}
    feuille.set_column(0, 0, 26)
    feuille.set_column(1, 1, 92)
    feuille.hide_gridlines(2)
    feuille.write(0, 0, f"{q.enquete['titre']} — {campagne.libelle}", styles["titre"])
    if q.enquete.get("fictif"):
        feuille.write(
            1, 0, "Données fictives : ce questionnaire sert à la démonstration et n'engage personne.", styles["mention"]
        )
    reserves = {xl_cell_to_rowcol(marque[k])[0] for k in ("edition", "version", "retour") if k in marque}
    for cle, libelle, valeur in (
        ("edition", "Édition", campagne.annee),
        ("version", "Version du questionnaire", modele.versions[-1] if modele.versions else ""),
        ("retour", "Référence de retour (ne pas modifier)", retour),
    ):
        if cle in marque and valeur:
            ligne, colonne = xl_cell_to_rowcol(marque[cle])
            if colonne:
                feuille.write(ligne, colonne - 1, libelle, styles["cle"])
            feuille.write_string(ligne, colonne, valeur, styles["code"])
    r = max(reserves, default=2) + 2
    pages = " ; ".join(f"« {sheet_name(f)} » : {q.entites[f.entite].libelle.lower()}" for f in modele.feuilles)
    for cle, texte in (
        ("Qui répond ?", campagne.champ),
        ("Quand ?", f"Du {campagne.debut:%d/%m/%Y} au {campagne.fin:%d/%m/%Y}."),
        ("Où répondre ?", f"Dans les cases jaunes uniquement. Feuilles à remplir : {pages}."),
        ("Listes", "Choisissez la réponse dans la liste qui s'ouvre à droite de la case. La feuille LISTES donne toutes les réponses admises."),
        ("Plusieurs réponses", "Quand plusieurs réponses sont possibles, écrivez les codes ou les libellés séparés par un point-virgule ( ; )."),
        ("Numéros et codes", "Les cases des numéros (FINESS, SIRET…) sont au format texte : les zéros de tête y sont conservés."),
        ("Ne sait pas", "« Ne sait pas » est une réponse : préférez-la à une case vide."),
        ("À ne pas faire", "Ne renommez pas les feuilles, ne modifiez pas les questions, n'ajoutez pas de colonne, ne protégez pas le fichier par un mot de passe."),
        ("Données personnelles", "N'écrivez aucun nom de patient ni de professionnel dans les zones de texte libre. Les coordonnées du contact ne sont jamais publiées."),
        ("Producteur", str(q.enquete["producteur"])),
        ("Contact", str(q.enquete.get("contact", ""))),
    ):  # fmt: skip
        feuille.set_row(r, row_height((texte, 92)))
        feuille.write(r, 0, cle, styles["cle"])
        feuille.write_string(r, 1, texte, styles["texte"])
        r += 1
    feuille.protect("", {"select_locked_cells": True})


def write_form(page: Page, titre: str, fiche: Fiche) -> dict[tuple[str, int, str, str | None], Place]:
    """A « fiche »: one question a row, section titles from the variables' `rubrique`. Where each answer stands."""
    f, a, styles = page.feuille, page.attendue, page.styles
    assert a.colonne_question and a.colonne_reponse
    question, reponse = a.colonne_question - 1, a.colonne_reponse - 1
    aide = max(question, reponse) + 1
    f.set_column(question, question, 66)
    f.set_column(reponse, reponse, 44)
    f.set_column(aide, aide, 60)
    if question:
        f.set_column(0, question - 1, 3)
    f.hide_gridlines(2)
    f.write(0, question, f"{titre} — édition {page.annee}", styles["titre"])
    f.write(1, question, "Répondez dans les cases jaunes. Les questions en gras sont obligatoires.", styles["texte"])
    r, rubrique = 3, None
    places: dict[tuple[str, int, str, str | None], Place] = {}
    for colonne in a.colonnes:
        v = page.variable(colonne)
        if v.rubrique and v.rubrique != rubrique:
            rubrique = v.rubrique
            f.write(r, question, rubrique, styles["rubrique"])
            f.write_blank(r, reponse, None, styles["rubrique"])
            f.write_blank(r, aide, None, styles["rubrique"])
            r += 1
        f.write_string(r, question, colonne.entetes[0].texte, styles["obligatoire" if v.obligatoire else "question"])
        cle = (colonne.variable, colonne.modalite)
        case = fiche.get(cle, _VIDE)
        _write_answer(page, r, reponse, case, v, answer_style(page, v, colonne.modalite))
        places[a.entite, 0, *cle] = (f.name, xl_rowcol_to_cell(r, reponse))
        notice = hint(page, colonne, v)
        f.write_string(r, aide, notice, styles["aide"])
        texte = case.valeur if isinstance(case.valeur, str) else ""
        f.set_row(r, row_height((colonne.entetes[0].texte, 60 if v.obligatoire else 66), (notice, 76), (texte, 44)))
        add_validation(page, colonne, v, r, reponse, r, reponse)
        r += 1
    f.freeze_panes(3, 0)
    f.protect("", {"select_locked_cells": True, "format_columns": True, "format_rows": True})
    return places


def write_table(
    page: Page, titre: str, fiches: Sequence[Fiche], libres: int
) -> dict[tuple[str, int, str, str | None], Place]:
    """A table: one header row (questions), the records, `libres` rows ready to be filled. Where each answer stands.

    The help stands in a comment of the header.
    """
    f, a, styles = page.feuille, page.attendue, page.styles
    entete = (a.ligne_entete or 4) - 1
    f.write(0, 0, f"{titre} — édition {page.annee} : {page.q.entites[a.entite].libelle.lower()}", styles["titre"])
    f.write(1, 0, "Une ligne par élément déclaré ; laissez vide s'il n'y en a aucun.", styles["texte"])
    f.set_row(entete, 75)
    places: dict[tuple[str, int, str, str | None], Place] = {}
    fin = entete + len(fiches) + libres
    textes: list[list[tuple[str, float]]] = [[] for _ in fiches]
    for c, colonne in enumerate(a.colonnes):
        v = page.variable(colonne)
        f.write_string(entete, c, colonne.entetes[0].texte, styles["entete"])
        notice = hint(page, colonne, v)
        if notice:
            f.write_comment(entete, c, notice, {"author": "Notice", "x_scale": 2.2, "y_scale": 1.6, "font_size": 10})
        f.set_column(c, c, 34 if v.type in _LARGES else 24)
        style, cle = answer_style(page, v, colonne.modalite), (colonne.variable, colonne.modalite)
        for k, fiche in enumerate(fiches):
            textes[k].append((text_of(fiche.get(cle, _VIDE).valeur or ""), 32 if v.type in _LARGES else 22))
            _write_answer(page, entete + 1 + k, c, fiche.get(cle, _VIDE), v, style)
            places[a.entite, k, *cle] = (f.name, xl_rowcol_to_cell(entete + 1 + k, c))
        for r in range(entete + 1 + len(fiches), fin + 1):
            f.write_blank(r, c, None, styles[style])
        add_validation(page, colonne, v, entete + 1, c, fin, c)
    for k, ligne in enumerate(textes):
        f.set_row(entete + 1 + k, row_height(*ligne))
    f.repeat_rows(entete)
    f.repeat_columns(0)
    f.freeze_panes(entete + 1, 1)
    f.protect("", {"select_locked_cells": True, "format_columns": True, "format_rows": True, "sort": True})
    return places


def _write_answer(page: Page, r: int, c: int, case: Case, v: Variable, style: str) -> None:
    """One answer as it was received: a text stays a text, a number a number, a date a date where one is expected.

    Elsewhere a date is written as the text it showed: its format would turn the number typed over it into a date.
    """
    f, valeur = page.feuille, case.valeur
    if isinstance(valeur, date) and v.type in (TypeVariable.DATE, TypeVariable.ANNEE_MOIS):
        style = "reponse_date"
    elif isinstance(valeur, date):
        valeur = f"{valeur:%d/%m/%Y}"
    choisi = page.styles[f"{style}_{case.niveau}" if case.niveau else style]
    if valeur is None:
        f.write_blank(r, c, None, choisi)
    elif isinstance(valeur, date):
        f.write_datetime(r, c, valeur if isinstance(valeur, datetime) else datetime(*valeur.timetuple()[:3]), choisi)
    elif isinstance(valeur, int | float) and not isinstance(valeur, bool):
        f.write_number(r, c, valeur, choisi)
    else:
        f.write_string(r, c, str(valeur), choisi)
    if case.note:
        f.write_comment(r, c, case.note, _NOTE)
