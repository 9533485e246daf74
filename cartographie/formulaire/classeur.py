"""The questionnaire workbook of a campaign, generated from its model: blank, pre-filled, or holding answers to correct."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import xlsxwriter

from cartographie.feuilles import FIGE
from cartographie.formulaire.contenu import A_CORRIGER, A_VERIFIER, Case, Contenu, Fiche, Place, Places
from cartographie.formulaire.pages import sheet_name, write_form, write_lists, write_notice, write_table
from cartographie.formulaire.question import Page
from cartographie.model import Campagne, Modele, Nomenclature, Questionnaire

CORRECTIONS = "À CORRIGER"  # the first sheet of a correction workbook
_ENCRE, _FOND_TITRE, _FOND_REPONSE, _FOND_RUBRIQUE = "#1F2A44", "#E8ECF5", "#FFFBE6", "#D5DDF0"
_MARQUES = {  # a marked answer: colour of the cell and of its border, never the only sign (a comment, the first sheet)
    A_CORRIGER: {"bg_color": "#F9C9BF", "border": 2, "border_color": "#B3261E"},
    A_VERIFIER: {"bg_color": "#CFE2F7", "border": 2, "border_color": "#1D5FA8"},
}
_FORMATS = {"texte": "@", "nombre": "0.##", "entier": "0", "date": "dd/mm/yyyy"}
Accueil = Callable[[Any, Mapping[str, Any], Places], None]


def gabarit(campagne: Campagne) -> Modele:
    """The model `template` writes: the one declared `gabarit: true`, else the first one for answers."""
    reponses = [m for m in campagne.modeles.values() if m.usage == "reponse"]
    return next((m for m in reponses if m.gabarit), reponses[0])


def build_template(q: Questionnaire, annee: str, reponses: Mapping[str, Any] | None = None) -> bytes:
    """The questionnaire workbook of a campaign, as bytes; `reponses` pre-fills the root sheet (variable → value)."""
    fiche: Fiche = {(variable, None): Case(valeur) for variable, valeur in (reponses or {}).items()}
    return build_workbook(q, annee, Contenu({q.racine: [fiche]}))


def build_workbook(q: Questionnaire, annee: str, contenu: Contenu, accueil: Accueil | None = None) -> bytes:
    """The questionnaire holding those answers, as bytes; `accueil` writes one more sheet, CORRECTIONS, put first."""
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
    premiere = classeur.add_worksheet(CORRECTIONS) if accueil else None
    notice = classeur.add_worksheet((modele.marque or {}).get("feuille", "LISEZMOI"))
    feuilles = [classeur.add_worksheet(sheet_name(f)) for f in modele.feuilles]
    listes = classeur.add_worksheet((modele.annexes or ("LISTES",))[0])
    plages = write_lists(classeur, listes, _nomenclatures(q, modele), annee, styles)
    write_notice(notice, q, campagne, modele, styles, contenu.retour)
    places: dict[tuple[str, int, str, str | None], Place] = {}
    for feuille, attendue in zip(feuilles, modele.feuilles, strict=True):
        page = Page(feuille, attendue, q, annee, styles, plages)
        fiches = contenu.enregistrements.get(attendue.entite, ())
        if attendue.disposition == "fiche":
            places |= write_form(page, titre, fiches[0] if fiches else {})
        else:
            places |= write_table(page, titre, fiches, contenu.lignes_libres)
    if accueil:
        accueil(premiere, styles, places)
    tableaux = [f for f, a in zip(feuilles, modele.feuilles, strict=True) if a.disposition != "fiche"]
    for feuille in classeur.worksheets():
        feuille.set_portrait() if feuille is notice else feuille.set_landscape()
        feuille.set_paper(9)
        if feuille not in tableaux:  # too wide for one page: theirs repeat the header and the first column
            feuille.fit_to_pages(1, 0)
    classeur.worksheets()[0].activate()
    classeur.close()
    return tampon.getvalue()


def _styles(classeur: Any) -> dict[str, Any]:
    base = {"font_name": "Arial", "font_size": 11, "font_color": _ENCRE, "valign": "top", "text_wrap": True}
    bord = {"border": 1, "border_color": "#8A94AD"}
    styles = {
        "titre": {**base, "bold": True, "font_size": 16, "text_wrap": False},
        "rubrique": {**base, "bold": True, "font_size": 12, "bg_color": _FOND_RUBRIQUE},
        "entete": {**base, **bord, "bold": True, "bg_color": _FOND_TITRE},
        "question": {**base, **bord},
        "obligatoire": {**base, **bord, "bold": True},
        "aide": {**base, **bord, "font_size": 10, "italic": True},
        "texte": {**base},
        "mention": {**base, "bold": True, "text_wrap": False},
        "cle": {**base, "bold": True},
        "code": {**base, **bord, "num_format": "@"},
        "lien": {**base, **bord, "font_color": "#0B4F9E", "underline": 1},
    }
    for nom, marque in _MARQUES.items():
        styles[nom] = {**base, **bord, "bold": True, **marque}
    for genre, nombre in _FORMATS.items():
        reponse = {**base, **bord, "num_format": nombre, "bg_color": _FOND_REPONSE, "locked": False}
        styles[f"reponse_{genre}"] = reponse
        styles |= {f"reponse_{genre}_{nom}": {**reponse, **marque} for nom, marque in _MARQUES.items()}
    return {nom: classeur.add_format(proprietes) for nom, proprietes in styles.items()}


def _nomenclatures(q: Questionnaire, modele: Modele) -> list[Nomenclature]:
    noms = {q.variables[c.variable].nomenclature for f in modele.feuilles for c in f.colonnes}
    return [q.nomenclatures[n] for n in sorted(n for n in noms if n)]


def file_name(annee: str, identifiant: str | None = None) -> str:
    """questionnaire-2026.xlsx, or questionnaire-2026-F-010000024.xlsx for one respondent."""
    suffixe = "" if identifiant is None else "-" + "".join(c if c.isalnum() else "-" for c in identifiant)
    return f"questionnaire-{annee}{suffixe}.xlsx"
