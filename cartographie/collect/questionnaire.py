"""The questionnaire workbook of a campaign, generated from its model: blank, pre-filled, or holding answers to correct."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_cell_to_rowcol, xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from cartographie.base.paper import fit_page, head_sheet, row_height, set_widths, write_lines, write_sheets, write_texts
from cartographie.base.text import text_of
from cartographie.survey.model import (
    Campagne,
    ColonneAttendue,
    FeuilleAttendue,
    Modele,
    Nomenclature,
    Questionnaire,
    Variable,
)
from cartographie.survey.types import OUI_NON, TYPES

# ---- What is written in the answer cells of a questionnaire: the types shared by who decides it and who writes it.

A_CORRIGER, A_VERIFIER = "corriger", "verifier"
Cle = tuple[str, str | None]  # (variable, modality of a spread choice)
Place = tuple[str, str]  # (sheet, cell "C17")
Places = Mapping[tuple[str, int, str, str | None], Place]  # (entity, rank of the record, variable, modality) → where


@dataclass(frozen=True, slots=True)
class Case:
    """One answer cell. `niveau`: "", A_CORRIGER or A_VERIFIER, shown by a colour; `note`: its comment."""

    valeur: Any = None
    niveau: str = ""
    note: str = ""


Fiche = Mapping[Cle, Case]


@dataclass(frozen=True, slots=True)
class Contenu:
    """`enregistrements`: entity → its records, in order. `retour`: the reference of a correction workbook, "" for none.

    `lignes_libres`: rows ready to be filled below the last record of a table.
    """

    enregistrements: Mapping[str, Sequence[Fiche]] = field(default_factory=dict)
    retour: str = ""
    lignes_libres: int = 300


# ---- How one question is offered in a blank questionnaire: the style of its answer, its hint, its drop-down list or bounds.


@dataclass(frozen=True, slots=True)
class Page:
    """One sheet being written and what its cells need."""

    feuille: Worksheet
    attendue: FeuilleAttendue
    q: Questionnaire
    campagne: str
    styles: Mapping[str, Format]
    plages: Mapping[str, str]

    def variable(self, colonne: ColonneAttendue) -> Variable:
        return self.q.variables[colonne.variable]


def answer_style(variable: Variable, modalite: str | None) -> str:
    """The name of the style of its answer."""
    return f"reponse_{'@' if modalite is not None else TYPES[variable.type].excel}"


def hint(page: Page, colonne: ColonneAttendue, v: Variable) -> str:
    morceaux = [v.aide or v.definition]
    if TYPES[v.type].multiple and colonne.modalite is None and v.nomenclature:
        codes = ", ".join(page.q.nomenclatures[v.nomenclature].valides(page.campagne))
        morceaux.append(f"Plusieurs réponses possibles, séparées par « ; » : {codes}.")
    if v.unite:
        morceaux.append(f"Unité : {v.unite}.")
    if v.exemple:
        modalites = page.q.nomenclatures[v.nomenclature].modalites if v.nomenclature else {}
        libelles = [modalites[c].libelle if c in modalites else c for c in v.exemple.replace("|", ";").split(";")]
        morceaux.append(f"Exemple : {' ; '.join(x.strip() for x in libelles)}.")
    return " ".join(m.strip() for m in morceaux if m)


def add_validation(page: Page, colonne: ColonneAttendue, v: Variable, zone: tuple[int, int, int, int]) -> None:
    spec = TYPES[v.type]
    if colonne.modalite is not None:
        regle: Mapping[str, Any] | None = OUI_NON
    elif v.nomenclature and not spec.multiple and spec.dtype != "boolean":
        regle = {"validate": "list", "source": f"={page.plages[v.nomenclature]}", "error_type": "warning",
                 "error_message": "Choisissez une réponse de la liste (feuille LISTES)."}  # fmt: skip
    else:
        regle = spec.saisie(v)
    if regle is not None:
        commun = {"error_title": "Réponse à vérifier", "ignore_blank": True}
        page.feuille.data_validation(*zone, {**commun, **regle})


# ---- The sheets of a questionnaire: presentation, lists of admitted answers, one form or table an entity.

_NOTE = {"author": "Enquête", "x_scale": 2.6, "y_scale": 1.8, "font_size": 10}
_VIDE = Case()


def _is_wide(v: Variable) -> bool:
    return TYPES[v.type].libre or TYPES[v.type].multiple


def sheet_name(feuille: FeuilleAttendue) -> str:
    return feuille.noms[0] if feuille.noms else feuille.entite.upper()[:31]


def write_lists(
    classeur: Workbook, feuille: Worksheet, listes: list[Nomenclature], campagne: str, styles: Mapping[str, Format]
) -> dict[str, str]:
    """LISTES: two columns a nomenclature (code, label). Returns the defined name of each list of labels."""
    feuille.write(
        0,
        0,
        "Réponses admises : chaque liste donne le code et son libellé ; l'un ou l'autre convient.",
        styles["titre"],
    )
    plages: dict[str, str] = {}
    for i, nomenclature in enumerate(listes):
        modalites = nomenclature.valides(campagne)
        c = 2 * i
        write_texts(feuille, 2, [f"{nomenclature.nom} : code", f"{nomenclature.nom} : libellé"], styles["entete"], c)
        for r, m in enumerate(modalites.values(), start=3):
            write_texts(feuille, r, [m.code, m.libelle], styles["code"], c)
        set_widths(feuille, (16, 46), c)
        nom = f"L_{nomenclature.nom}"
        lettre = xl_col_to_name(c + 1)
        classeur.define_name(nom, f"='{feuille.name}'!${lettre}$4:${lettre}${max(len(modalites), 1) + 3}")
        plages[nomenclature.nom] = nom
    return plages


def write_notice(
    feuille: Worksheet,
    q: Questionnaire,
    campagne: Campagne,
    modele: Modele,
    styles: Mapping[str, Format],
    retour: str = "",
) -> None:
    """Who answers, when, where, how; and the cells that state the edition, the version, the return reference."""
    marque = modele.marque or {}
    head_sheet(feuille, f"{q.enquete['titre']} — {campagne.libelle}", styles["titre"], (26, 92))
    fictif = "Données fictives : ce questionnaire sert à la démonstration et n'engage personne."
    write_lines(feuille, 1, [fictif] if q.enquete.get("fictif") else [], styles["mention"])
    reserves = {xl_cell_to_rowcol(marque[k])[0] for k in ("edition", "version", "retour") if k in marque}
    for cle, libelle, valeur in (
        ("edition", "Édition", campagne.nom),
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
        ("Producteur", q.enquete["producteur"]),
        ("Contact", q.enquete.get("contact", "")),
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
    f.write(0, question, f"{titre} — édition {page.campagne}", styles["titre"])
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
        _write_answer(page, r, reponse, case, v, answer_style(v, colonne.modalite))
        places[a.entite, 0, *cle] = (f.name, xl_rowcol_to_cell(r, reponse))
        notice = hint(page, colonne, v)
        f.write_string(r, aide, notice, styles["aide"])
        texte = case.valeur if isinstance(case.valeur, str) else ""
        f.set_row(r, row_height((colonne.entetes[0].texte, 60 if v.obligatoire else 66), (notice, 76), (texte, 44)))
        add_validation(page, colonne, v, (r, reponse, r, reponse))
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
    f.write(0, 0, f"{titre} — édition {page.campagne} : {page.q.entites[a.entite].libelle.lower()}", styles["titre"])
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
        f.set_column(c, c, 34 if _is_wide(v) else 24)
        style, cle = answer_style(v, colonne.modalite), (colonne.variable, colonne.modalite)
        for k, fiche in enumerate(fiches):
            textes[k].append((text_of(fiche.get(cle, _VIDE).valeur or ""), 32 if _is_wide(v) else 22))
            _write_answer(page, entete + 1 + k, c, fiche.get(cle, _VIDE), v, style)
            places[a.entite, k, *cle] = (f.name, xl_rowcol_to_cell(entete + 1 + k, c))
        for r in range(entete + 1 + len(fiches), fin + 1):
            f.write_blank(r, c, None, styles[style])
        add_validation(page, colonne, v, (entete + 1, c, fin, c))
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
    if isinstance(valeur, date) and TYPES[v.type].serie:
        style = f"reponse_{_JOUR}"
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


CORRECTIONS = "À CORRIGER"  # the first sheet of a correction workbook
_ENCRE, _FOND_TITRE, _FOND_REPONSE, _FOND_RUBRIQUE = "#1F2A44", "#E8ECF5", "#FFFBE6", "#D5DDF0"
_MARQUES = {  # a marked answer: colour of the cell and of its border, never the only sign (a comment, the first sheet)
    A_CORRIGER: {"bg_color": "#F9C9BF", "border": 2, "border_color": "#B3261E"},
    A_VERIFIER: {"bg_color": "#CFE2F7", "border": 2, "border_color": "#1D5FA8"},
}
_JOUR = "dd/mm/yyyy"
Accueil = Callable[[Any, Mapping[str, Any], Places], None]


def gabarit(campagne: Campagne) -> Modele:
    """The model `template` writes: the one declared `gabarit: true`, else the first one for answers."""
    reponses = [m for m in campagne.modeles.values() if m.usage == "reponse"]
    return next((m for m in reponses if m.gabarit), reponses[0])


def build_template(q: Questionnaire, campagne: str, reponses: Mapping[str, Any] | None = None) -> bytes:
    """The questionnaire workbook of a campaign, as bytes; `reponses` pre-fills the root sheet (variable → value)."""
    fiche: Fiche = {(variable, None): Case(valeur) for variable, valeur in (reponses or {}).items()}
    return build_workbook(q, campagne, Contenu({q.racine: [fiche]}))


def build_workbook(q: Questionnaire, campagne: str, contenu: Contenu, accueil: Accueil | None = None) -> bytes:
    """The questionnaire holding those answers, as bytes; `accueil` writes one more sheet, CORRECTIONS, put first."""
    declaree = q.campagnes[campagne]
    modele = gabarit(declaree)
    tampon = io.BytesIO()
    titre = q.enquete["titre"]
    mention = " — données fictives" if q.enquete.get("fictif") else ""
    proprietes = {
        "title": f"{titre} {campagne}{mention}", "author": q.enquete["producteur"], "subject": modele.libelle,
        "keywords": f"questionnaire, {campagne}",
    }  # fmt: skip
    with write_sheets(tampon, proprietes, _styles()) as (classeur, styles):
        classeur.set_custom_property("edition", campagne, "text")
        if modele.versions:
            classeur.set_custom_property("version_modele", modele.versions[-1], "text")
        premiere = classeur.add_worksheet(CORRECTIONS) if accueil else None
        notice = classeur.add_worksheet((modele.marque or {}).get("feuille", "LISEZMOI"))
        feuilles = [classeur.add_worksheet(sheet_name(f)) for f in modele.feuilles]
        listes = classeur.add_worksheet((modele.annexes or ("LISTES",))[0])
        plages = write_lists(classeur, listes, _nomenclatures(q, modele), campagne, styles)
        write_notice(notice, q, declaree, modele, styles, contenu.retour)
        places: dict[tuple[str, int, str, str | None], Place] = {}
        for feuille, attendue in zip(feuilles, modele.feuilles, strict=True):
            page = Page(feuille, attendue, q, campagne, styles, plages)
            fiches = contenu.enregistrements.get(attendue.entite, ())
            if attendue.disposition == "fiche":
                places |= write_form(page, titre, fiches[0] if fiches else {})
            else:
                places |= write_table(page, titre, fiches, contenu.lignes_libres)
        if accueil:
            accueil(premiere, styles, places)
        tableaux = [f for f, a in zip(feuilles, modele.feuilles, strict=True) if a.disposition != "fiche"]
        for feuille in classeur.worksheets():
            # tables are too wide for one page: theirs repeat the header and the first column
            fit_page(feuille, portrait=feuille is notice, large=feuille in tableaux)
        classeur.worksheets()[0].activate()
    return tampon.getvalue()


def _styles() -> dict[str, dict[str, object]]:
    base = {"font_name": "Arial", "font_size": 11, "font_color": _ENCRE, "valign": "top", "text_wrap": True}
    bord = {"border": 1, "border_color": "#8A94AD"}
    styles: dict[str, dict[str, object]] = {
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
    for nombre in sorted({spec.excel for spec in TYPES.values()} | {_JOUR}):
        reponse = {**base, **bord, "num_format": nombre, "bg_color": _FOND_REPONSE, "locked": False}
        styles[f"reponse_{nombre}"] = reponse
        styles |= {f"reponse_{nombre}_{nom}": {**reponse, **marque} for nom, marque in _MARQUES.items()}
    return styles


def _nomenclatures(q: Questionnaire, modele: Modele) -> list[Nomenclature]:
    noms = {q.variables[c.variable].nomenclature for f in modele.feuilles for c in f.colonnes}
    return [q.nomenclatures[n] for n in sorted(n for n in noms if n)]


def file_name(campagne: str, identifiant: str | None = None) -> str:
    """questionnaire-2026.xlsx, or questionnaire-2026-F-010000024.xlsx for one respondent."""
    suffixe = "" if identifiant is None else "-" + "".join(c if c.isalnum() else "-" for c in identifiant)
    return f"questionnaire-{campagne}{suffixe}.xlsx"
