"""The blank questionnaire workbook, generated from a campaign's model; one pre-filled copy per frame unit on request."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_cell_to_rowcol, xl_col_to_name

from cartographie.feuilles import FIGE, row_height
from cartographie.model import (
    Campagne,
    FeuilleAttendue,
    Modele,
    Nomenclature,
    Questionnaire,
    TypeVariable,
)
from cartographie.question_cells import Page, add_validation, answer_style, hint

LIGNES_TABLEAU = 300  # rows ready to be filled (drop-down lists, text cells) in a table sheet
_ENCRE, _FOND_TITRE, _FOND_REPONSE, _FOND_RUBRIQUE = "#1F2A44", "#E8ECF5", "#FFFBE6", "#D5DDF0"


def gabarit(campagne: Campagne) -> Modele:
    """The model `template` writes: the one declared `gabarit: true`, else the first one for answers."""
    reponses = [m for m in campagne.modeles.values() if m.usage == "reponse"]
    return next((m for m in reponses if m.gabarit), reponses[0])


def build_template(q: Questionnaire, annee: str, reponses: Mapping[str, Any] | None = None) -> bytes:
    """The questionnaire workbook of a campaign, as bytes; `reponses` pre-fills the root sheet (variable → value)."""
    campagne = q.campagnes[annee]
    modele = gabarit(campagne)
    tampon = io.BytesIO()
    classeur = xlsxwriter.Workbook(tampon, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    titre = str(q.enquete["titre"])
    mention = " — données fictives" if q.enquete.get("fictif") else ""
    classeur.set_properties(
        {"title": f"{titre} {annee}{mention}", "author": str(q.enquete["producteur"]), "subject": modele.libelle,
         "keywords": f"questionnaire, {annee}", "created": FIGE}
    )  # fmt: skip
    classeur.set_custom_property("edition", annee, "text")
    if modele.versions:
        classeur.set_custom_property("version_modele", modele.versions[-1], "text")
    styles = _styles(classeur)
    feuilles = [classeur.add_worksheet((modele.marque or {}).get("feuille", "LISEZMOI"))]
    feuilles += [classeur.add_worksheet(_sheet_name(f)) for f in modele.feuilles]
    listes = classeur.add_worksheet((modele.annexes or ("LISTES",))[0])
    plages = _write_lists(classeur, listes, _nomenclatures(q, modele), annee, styles)
    _write_notice(feuilles[0], q, campagne, modele, styles)
    for feuille, attendue in zip(feuilles[1:], modele.feuilles, strict=True):
        page = Page(feuille, attendue, q, annee, styles, plages)
        if attendue.disposition == "fiche":
            _write_form(page, titre, annee, reponses or {})
        else:
            _write_table(page, titre, annee)
    for feuille in classeur.worksheets():
        feuille.set_landscape() if feuille.name != feuilles[0].name else feuille.set_portrait()
        feuille.set_paper(9)
        feuille.fit_to_pages(1, 0)
    feuilles[0].activate()
    classeur.close()
    return tampon.getvalue()


def _sheet_name(feuille: FeuilleAttendue) -> str:
    return feuille.noms[0] if feuille.noms else feuille.entite.upper()[:31]


def _styles(classeur: Any) -> dict[str, Any]:
    base = {"font_name": "Arial", "font_size": 11, "font_color": _ENCRE, "valign": "top", "text_wrap": True}
    bord = {"border": 1, "border_color": "#8A94AD"}
    return {
        "titre": classeur.add_format({**base, "bold": True, "font_size": 16, "text_wrap": False}),
        "rubrique": classeur.add_format({**base, "bold": True, "font_size": 12, "bg_color": _FOND_RUBRIQUE}),
        "entete": classeur.add_format({**base, **bord, "bold": True, "bg_color": _FOND_TITRE}),
        "question": classeur.add_format({**base, **bord}),
        "obligatoire": classeur.add_format({**base, **bord, "bold": True}),
        "aide": classeur.add_format({**base, **bord, "font_size": 10, "italic": True}),
        "texte": classeur.add_format({**base}),
        "mention": classeur.add_format({**base, "bold": True, "text_wrap": False}),
        "cle": classeur.add_format({**base, "bold": True}),
        "code": classeur.add_format({**base, **bord, "num_format": "@"}),
        "reponse_texte": classeur.add_format(
            {**base, **bord, "num_format": "@", "bg_color": _FOND_REPONSE, "locked": False}
        ),
        "reponse_nombre": classeur.add_format(
            {**base, **bord, "num_format": "0.##", "bg_color": _FOND_REPONSE, "locked": False}
        ),
        "reponse_entier": classeur.add_format(
            {**base, **bord, "num_format": "0", "bg_color": _FOND_REPONSE, "locked": False}
        ),
        "reponse_date": classeur.add_format(
            {**base, **bord, "num_format": "dd/mm/yyyy", "bg_color": _FOND_REPONSE, "locked": False}
        ),
    }


def _nomenclatures(q: Questionnaire, modele: Modele) -> list[Nomenclature]:
    noms = {q.variables[c.variable].nomenclature for f in modele.feuilles for c in f.colonnes}
    return [q.nomenclatures[n] for n in sorted(n for n in noms if n)]


def _write_lists(classeur: Any, feuille: Any, listes: list[Nomenclature], annee: str, styles: Any) -> dict[str, str]:
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


def _write_notice(feuille: Any, q: Questionnaire, campagne: Campagne, modele: Modele, styles: Any) -> None:
    marque = modele.marque or {}
    feuille.set_column(0, 0, 26)
    feuille.set_column(1, 1, 92)
    feuille.hide_gridlines(2)
    feuille.write(0, 0, f"{q.enquete['titre']} — {campagne.libelle}", styles["titre"])
    if q.enquete.get("fictif"):
        feuille.write(
            1, 0, "Données fictives : ce questionnaire sert à la démonstration et n'engage personne.", styles["mention"]
        )
    reserves = {xl_cell_to_rowcol(marque[k])[0] for k in ("edition", "version") if k in marque}
    for cle, libelle, valeur in (
        ("edition", "Édition", campagne.annee),
        ("version", "Version du questionnaire", modele.versions[-1] if modele.versions else ""),
    ):
        if cle in marque:
            ligne, colonne = xl_cell_to_rowcol(marque[cle])
            if colonne:
                feuille.write(ligne, colonne - 1, libelle, styles["cle"])
            feuille.write_string(ligne, colonne, valeur, styles["code"])
    r = max(reserves, default=2) + 2
    pages = " ; ".join(f"« {_sheet_name(f)} » : {q.entites[f.entite].libelle.lower()}" for f in modele.feuilles)
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


def _write_form(page: Page, titre: str, annee: str, reponses: Mapping[str, Any]) -> None:
    """A « fiche »: one question a row, section titles from the variables' `rubrique`."""
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
    f.write(0, question, f"{titre} — édition {annee}", styles["titre"])
    f.write(1, question, "Répondez dans les cases jaunes. Les questions en gras sont obligatoires.", styles["texte"])
    r, rubrique = 3, None
    for colonne in a.colonnes:
        v = page.variable(colonne)
        if v.rubrique and v.rubrique != rubrique:
            rubrique = v.rubrique
            f.write(r, question, rubrique, styles["rubrique"])
            f.write_blank(r, reponse, None, styles["rubrique"])
            f.write_blank(r, aide, None, styles["rubrique"])
            r += 1
        f.write_string(r, question, colonne.entetes[0].texte, styles["obligatoire" if v.obligatoire else "question"])
        valeur = reponses.get(colonne.variable)
        style = answer_style(page, v, colonne.modalite)
        if valeur is None:
            f.write_blank(r, reponse, None, style)
        elif isinstance(valeur, str):
            f.write_string(r, reponse, valeur, style)
        else:
            f.write(r, reponse, valeur, style)
        notice = hint(page, colonne, v)
        f.write_string(r, aide, notice, styles["aide"])
        f.set_row(r, row_height((colonne.entetes[0].texte, 60 if v.obligatoire else 66), (notice, 76)))
        add_validation(page, colonne, v, r, reponse, r, reponse)
        r += 1
    f.freeze_panes(3, 0)
    f.protect("", {"select_locked_cells": True, "format_columns": True, "format_rows": True})


def _write_table(page: Page, titre: str, annee: str) -> None:
    """A table: one header row (questions), `LIGNES_TABLEAU` rows ready to be filled; the help stands in a cell comment."""
    f, a, styles = page.feuille, page.attendue, page.styles
    entete = (a.ligne_entete or 4) - 1
    f.write(0, 0, f"{titre} — édition {annee} : {page.q.entites[a.entite].libelle.lower()}", styles["titre"])
    f.write(1, 0, "Une ligne par élément déclaré ; laissez vide s'il n'y en a aucun.", styles["texte"])
    f.set_row(entete, 75)
    for c, colonne in enumerate(a.colonnes):
        v = page.variable(colonne)
        f.write_string(entete, c, colonne.entetes[0].texte, styles["entete"])
        notice = hint(page, colonne, v)
        if notice:
            f.write_comment(entete, c, notice, {"author": "Notice", "x_scale": 2.2, "y_scale": 1.6, "font_size": 10})
        f.set_column(c, c, 34 if v.type in (TypeVariable.TEXTE, TypeVariable.CODES) else 24)
        style = answer_style(page, v, colonne.modalite)
        for r in range(entete + 1, entete + 1 + LIGNES_TABLEAU):
            f.write_blank(r, c, None, style)
        add_validation(page, colonne, v, entete + 1, c, entete + LIGNES_TABLEAU, c)
    f.freeze_panes(entete + 1, 1)
    f.protect("", {"select_locked_cells": True, "format_columns": True, "format_rows": True, "sort": True})


def file_name(annee: str, identifiant: str | None = None) -> str:
    """questionnaire-2026.xlsx, or questionnaire-2026-F-010000024.xlsx for one respondent."""
    suffixe = "" if identifiant is None else "-" + "".join(c if c.isalnum() else "-" for c in identifiant)
    return f"questionnaire-{annee}{suffixe}.xlsx"
