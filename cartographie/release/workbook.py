"""One accessible workbook for the whole release: cover, contents, notes, one native Excel table per sheet.

No merged cell, no empty cell inside a table, one header row, title in A1, text never read as a formula. Same inputs, same bytes:
the creation date of the properties is the date given.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import xlsxwriter

from cartographie.carte import build_cartes
from cartographie.model import Tableau
from cartographie.release.graphiques import Graphique, add_chart, build_graphiques
from cartographie.release.mentions import ABREGES, FICTIF, NOTES_COMMUNES, SANS_OBJET, TRAVAIL, mentions
from cartographie.release.pivot import UNITES, Page, pages
from cartographie.release.revision import Revision

POLICE: dict[str, Any] = {"font_name": "Arial", "font_size": 11, "valign": "top"}
FORMATS: dict[str, dict[str, Any]] = {
    "texte": {"text_wrap": True}, "nombre": {"num_format": "#,##0"}, "pct": {"num_format": "0.0"},
    "points": {"num_format": "+0.0;-0.0;0.0"}, "moyenne": {"num_format": "#,##0.00"}, "mixte": {"num_format": "0.0"},
    "abrege": {"align": "right", "font_color": "#595959"}, "titre": {"bold": True, "font_size": 15},
    "alerte": {"bold": True, "font_color": "#9C1C1C"}, "gras": {"bold": True},
    "entete": {"bold": True, "text_wrap": True, "bottom": 2, "bg_color": "#E8EEF4", "valign": "vcenter"},
    "entete_nombre": {"bold": True, "text_wrap": True, "bottom": 2, "bg_color": "#E8EEF4", "align": "right", "valign": "vcenter"},
    "lien": {"font_color": "#0B4F9E", "underline": 1, "text_wrap": True}, "note": {},
}  # fmt: skip


def write_workbook(tableaux: Sequence[Tableau], meta: Mapping[str, Any]) -> bytes:
    """The workbook's bytes.

    `meta`: titre, sous_titre, producteur, contact, licence, fictif, axes (as in enquete.yaml), campagne, version, date,
    champ, secret_secondaire.
    """
    tampon = io.BytesIO()
    classeur = xlsxwriter.Workbook(
        tampon, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    classeur.set_size(2400, 1600)
    jour = _date(meta["date"])
    titre = f"{meta['titre']} – édition {meta['campagne']}"
    classeur.set_properties({
        "title": titre, "subject": meta.get("sous_titre") or titre, "author": meta["producteur"] or meta["titre"], "company": meta["producteur"],
        "category": FICTIF if meta.get("fictif") else "Statistiques", "keywords": "fr-FR",
        "comments": " ".join(mentions(meta)), "created": datetime(jour.year, jour.month, jour.day),
    })  # fmt: skip
    classeur.set_custom_property("Language", "fr-FR")
    styles = {nom: classeur.add_format({**POLICE, **style}) for nom, style in FORMATS.items()}
    toutes = [(t, p) for t in tableaux for p in pages(t, meta.get("axes") or {})]
    graphiques = build_graphiques(build_cartes(tableaux, meta))
    _couverture(classeur, styles, meta, titre, jour)
    _sommaire(classeur, styles, toutes, graphiques)
    _notes(classeur, styles, tableaux, meta)
    for t, page in toutes:
        _feuille(classeur, styles, t, page, meta)
    for g in graphiques:
        _graphique(classeur, styles, g, meta)
    classeur.close()
    return tampon.getvalue()


def _couverture(c: Any, f: Mapping[str, Any], meta: Mapping[str, Any], titre: str, jour: date) -> None:
    ws = _onglet(c, "Couverture", (30, 95))
    ws.write_string(0, 0, titre, f["titre"])
    rang = 1
    for phrase in mentions(meta):
        ws.write_string(rang, 0, phrase, f["alerte"])
        rang += 1
    lignes = [
        ("Statut", " – ".join([*([FICTIF] if meta.get("fictif") else []), *([] if meta.get("secret_secondaire") else [TRAVAIL])])),
        ("Édition", str(meta["campagne"])), ("Version", _version(meta)),
        ("Champ de l'enquête", str(meta.get("champ") or "")), ("Producteur", meta["producteur"]), ("Contact", meta.get("contact") or ""),
        ("Date de mise à jour", jour.isoformat()), ("Licence", meta["licence"]),
        ("Fichiers ouverts", "Chaque tableau existe aussi en CSV, avec toutes ses lignes et ses effectifs."),
    ]  # fmt: skip
    _table(
        ws,
        f,
        rang + 1,
        "couverture",
        ("Information", "Contenu"),
        [x for x in lignes if x[1]],
        ("texte", "texte"),
        (30, 95),
    )
    depart = rang + 1 + len(lignes) + 3
    ws.write_string(depart - 1, 0, "Signes employés dans les tableaux", f["gras"])
    signes = [*ABREGES.values(), SANS_OBJET]
    _table(ws, f, depart, "signes", ("Signe", "Signification"), signes, ("texte", "texte"), (30, 95))


def _version(meta: Mapping[str, Any]) -> str:
    r = meta.get("revision")
    if not isinstance(r, Revision):
        return str(meta.get("version") or "")
    suite = f", remplace « {r.remplace.name} » : {r.motif}" if r.remplace else ""
    return f"{meta.get('version')} ({r.nature}){suite}" if r.nature != meta.get("version") or suite else r.nature


def _sommaire(
    c: Any, f: Mapping[str, Any], toutes: Sequence[tuple[Tableau, Page]], graphiques: Sequence[Graphique]
) -> None:
    ws = _onglet(c, "Sommaire", (16, 105, 18))
    ws.write_string(0, 0, "Sommaire", f["titre"])
    ws.write_string(
        1,
        0,
        f"{len(toutes)} feuilles de tableaux, {len(graphiques)} de graphiques. Chaque lien mène à la feuille.",
        f["note"],
    )
    lignes = [(p.nom, p.titre, str(t.meta.get("axe", "")).replace("_", " ").capitalize()) for t, p in toutes]
    lignes += [(g.nom, g.titre, "Graphique") for g in graphiques]
    _table(ws, f, 3, "sommaire", ("Feuille", "Titre", "Axe"), lignes, ("texte",) * 3, (16, 105, 18))
    for i, (nom, titre, _) in enumerate(lignes):
        ws.write_url(4 + i, 0, f"internal:'{nom}'!A1", f["lien"], nom, f"Aller au tableau : {titre}"[:250])


def _notes(c: Any, f: Mapping[str, Any], tableaux: Sequence[Tableau], meta: Mapping[str, Any]) -> None:
    ws = _onglet(c, "Notes", (14, 125))
    ws.write_string(0, 0, "Notes", f["titre"])
    ws.write_string(
        1, 0, "Les notes communes valent pour tous les tableaux ; les autres pour le tableau nommé.", f["note"]
    )
    communes = [*mentions(meta), *NOTES_COMMUNES]
    lignes = [("Toutes", n) for n in communes] + [(t.code, n) for t in tableaux for n in t.meta["notes"]]
    _table(ws, f, 3, "notes", ("Tableau", "Note"), lignes, ("texte", "texte"), (14, 125))


def _feuille(c: Any, f: Mapping[str, Any], t: Tableau, page: Page, meta: Mapping[str, Any]) -> None:
    largeurs = _largeurs(page)
    ws = _onglet(c, page.nom, largeurs)
    ws.write_string(0, 0, f"{page.nom}. {page.titre}", f["titre"])
    denominateurs = " ; ".join(dict.fromkeys(t.meta["denominateurs"].values()))
    entre = [
        f"Champ : {t.meta['champ'] or denominateurs}.", f"Source : {t.meta['source']}.",
        "Un tableau. Signes : " + ", ".join(f"{a} {b.split(' :')[0]}" for a, b in _signes(page)) + "." if _signes(page) else "Un tableau.",
        "Notes : voir la feuille Notes.",
    ]  # fmt: skip
    if len(t.meta["denominateurs"]) == 1:
        entre[0] = f"Champ : {t.meta['champ'] or denominateurs}. Dénominateur : {denominateurs}."
    rang = 1
    bandeau = " – ".join(
        [*([FICTIF] if meta.get("fictif") else []), *([] if meta.get("secret_secondaire") else [TRAVAIL])]
    )
    if bandeau:
        ws.write_string(rang, 0, bandeau, f["alerte"])
        rang += 1
    for phrase in entre:
        ws.write_string(rang, 0, phrase, f["note"])
        rang += 1
    _table(
        ws,
        f,
        rang + 1,
        re.sub(r"\W+", "_", page.nom).strip("_").replace("é", "e"),
        page.entetes,
        page.lignes,
        page.formats,
        largeurs,
    )
    ws.repeat_rows(rang + 1)


def _graphique(c: Any, f: Mapping[str, Any], g: Graphique, meta: Mapping[str, Any]) -> None:
    largeurs = (34.0, 14.0, 16.0, 16.0, 14.0)
    ws = _onglet(c, g.nom, largeurs)
    ws.write_string(0, 0, f"{g.nom}. {g.titre}", f["titre"])
    intervalles = any(x.bas is not None for x in g.lieux)
    dit = [*mentions(meta), f"Source : {g.source}.", "Un tableau et son graphique."]
    dit[-1] += " Les traits sont les intervalles à 95 %." if intervalles else ""
    dit[-1] += f" {g.caches} valeurs ne sont pas publiées." if g.caches else ""
    for rang, phrase in enumerate(dit, start=1):
        ws.write_string(rang, 0, phrase, f["note"])
    genre = {"pct": "pct", "points": "points"}.get(g.unite, "moyenne")
    colonnes: list[tuple[str, str, list[Any]]] = [
        ("Territoire", "texte", [x.libelle for x in g.lieux]),
        (f"Valeur ({UNITES.get(g.unite, g.unite)})", genre, [x.valeur for x in g.lieux]),
    ]
    if intervalles:
        colonnes += [
            ("Intervalle, bas", genre, [x.bas for x in g.lieux]),
            ("Intervalle, haut", genre, [x.haut for x in g.lieux]),
        ]
    colonnes.append(("Répondants (n)", "nombre", [x.n for x in g.lieux]))
    entetes, genres, valeurs = zip(*colonnes, strict=True)
    lignes = [[SANS_OBJET[0] if v is None else v for v in x] for x in zip(*valeurs, strict=True)]
    rang = len(dit) + 2
    _table(ws, f, rang, g.nom, entetes, lignes, genres, largeurs[: len(entetes)])
    add_chart(c, ws, g, rang + 1, len(entetes) + 1)


def _signes(page: Page) -> list[tuple[str, str]]:
    presents = {v for ligne in page.lignes for v in ligne if isinstance(v, str) and v.startswith("[")}
    return [(a, b) for a, b in [*ABREGES.values(), SANS_OBJET] if a in presents]


def _onglet(c: Any, nom: str, largeurs: Sequence[float]) -> Any:
    """A sheet set up to be read on screen and printed, landscape, one page wide."""
    ws = c.add_worksheet(nom)
    ws.hide_gridlines(2)
    ws.set_landscape()
    ws.set_paper(8 if sum(largeurs) > 220 else 9)  # A3 when very wide, else A4
    ws.fit_to_pages(1, 0)
    ws.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.5)
    for j, largeur in enumerate(largeurs):
        ws.set_column(j, j, largeur)
    ws.set_row(0, 24)
    return ws


def _table(
    ws: Any, f: Mapping[str, Any], rang: int, nom: str, entetes: Sequence[str], lignes: Sequence[Sequence[Any]],
    formats: Sequence[str], largeurs: Sequence[float],
) -> None:  # fmt: skip
    """A native Excel table at `rang`, column A, without filter; numbers stay numbers, shorthand is right-aligned text."""
    colonnes = [
        {"header": h, "header_format": f["entete" if g == "texte" else "entete_nombre"]}
        for h, g in zip(entetes, formats, strict=True)
    ]
    ws.add_table(rang, 0, rang + len(lignes), len(entetes) - 1, {
        "name": f"tableau_{nom}", "columns": colonnes, "autofilter": False, "style": "Table Style Light 1", "banded_rows": True,
    })  # fmt: skip
    ws.set_row(rang, 15.5 * max(_lines(h, x * 0.92) for h, x in zip(entetes, largeurs, strict=True)) + 3)
    for i, ligne in enumerate(lignes, start=rang + 1):
        hauteur = max(_lines(v, x * 1.2) for v, x in zip(ligne, largeurs, strict=True))
        if hauteur > 1:
            ws.set_row(i, 14.5 * hauteur)
        for j, (valeur, nom_format) in enumerate(zip(ligne, formats, strict=True)):
            if isinstance(valeur, int | float):
                exact = nom_format != "mixte" or isinstance(valeur, float)
                ws.write_number(i, j, valeur, f[nom_format if exact else "nombre"])
            else:
                ws.write_string(i, j, valeur or SANS_OBJET[0], f["texte" if nom_format == "texte" else "abrege"])


def _lines(valeur: Any, largeur: float) -> int:
    """Lines a wrapped text takes in a column that wide."""
    if not isinstance(valeur, str):
        return 1
    lignes, reste = 1, largeur
    for mot in valeur.split():
        if len(mot) > reste and reste < largeur:
            lignes, reste = lignes + 1, largeur
        reste -= len(mot) + 1
    return lignes


def _largeurs(page: Page) -> list[float]:
    """Width of each column: enough for its text (wrapped past 80) and for the longest word of its header."""
    out = []
    for j, (entete, genre) in enumerate(zip(page.entetes, page.formats, strict=True)):
        mot = max(len(m) for m in entete.split()) + 3
        if genre == "texte":
            plus_long = max((len(str(ligne[j])) for ligne in page.lignes), default=0)
            out.append(float(min(max(plus_long + 2, mot, 12), 80)))
        else:
            out.append(float(min(max(mot + 1, 13, len(entete) / 3 + 3), 20)))
    return out


def _date(jour: date | str) -> date:
    return jour if isinstance(jour, date) else date.fromisoformat(jour)
