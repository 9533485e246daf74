"""Correction workbooks: what must be corrected, in plain French, each line leading to its cell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from cartographie.base.paper import head_sheet, row_height, write_lines, write_texts
from cartographie.base.text import nombre, text_of
from cartographie.base.workers import run_tasks
from cartographie.collect.cases import Dossier, Point
from cartographie.collect.questionnaire import A_CORRIGER, A_VERIFIER, Contenu, Place, Places, build_workbook
from cartographie.decode.versions import LIGNES
from cartographie.survey.model import Questionnaire

# -------------------------------------------------------------------------------------------
# The first sheet of a correction workbook: what must be corrected, in plain French, each line leading to its cell.

COLONNES = (
    ("N°", 6), ("Où corriger", 24), ("Question", 38), ("Ce que nous avons reçu", 28), ("Ce qui est attendu", 34),
    ("Proposition", 24), ("Que faire", 52),
)  # fmt: skip

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet
LIGNES_LIBRES = 20


def build_correction(d: Dossier, q: Questionnaire, campagne: str) -> bytes:
    """The correction workbook of one respondent: this first sheet, then the questionnaire with their answers."""
    contenu = Contenu(d.enregistrements, d.retour, LIGNES_LIBRES)
    return build_workbook(q, campagne, contenu, partial(_write, d, q, campagne))


def french_day(jour: str) -> str:
    """2000-12-31 → 31/12/2000."""
    return f"{date.fromisoformat(jour):%d/%m/%Y}" if jour else ""


def _write(
    d: Dossier, q: Questionnaire, campagne: str, f: Worksheet, styles: Mapping[str, Format], places: Places
) -> None:
    titre = f"Ce qu'il faut corriger — {q.enquete['titre']}, édition {campagne}"
    head_sheet(f, titre, styles["titre"], [x for _, x in COLONNES], 26)
    fictif = "Données fictives : ce classeur sert à la démonstration et n'engage personne."
    r = write_lines(f, 1, [fictif] if q.enquete.get("fictif") else [], styles["mention"])
    retours = q.campagnes[campagne].parametres.get("retours", {})
    for texte in _notice(d, q, not d.refuse and retours.get("lignes", LIGNES[0]) == LIGNES[0]):
        f.merge_range(r, 0, r, len(COLONNES) - 1, texte, styles["texte"])
        f.set_row(r, row_height((texte, sum(x for _, x in COLONNES))))
        r += 1
    numero = 1
    for niveau, titre, points in (
        (A_CORRIGER, "À corriger", [p for p in d.points if p.a_corriger]),
        (A_VERIFIER, "À vérifier (nous avons gardé votre réponse ; corrigez seulement si elle est fausse)",
         [p for p in d.points if not p.a_corriger]),
    ):  # fmt: skip
        if points:
            f.merge_range(r + 1, 0, r + 1, len(COLONNES) - 1, titre, styles["rubrique"])
            f.set_row(r + 1, 20)
            write_texts(f, r + 2, [x for x, _ in COLONNES], styles["entete"])
            lignes = [(n, p, _question(p, d, q)) for n, p in enumerate(points, numero)]
            r = _write_points(f, r + 3, lignes, niveau, styles, places)
            numero += len(points)
    f.freeze_panes(1, 0)


def _notice(d: Dossier, q: Questionnaire, retire: bool) -> list[str]:
    corriger = sum(p.a_corriger for p in d.points)
    verifier = len(d.points) - corriger
    recu = f"Nous avons bien reçu votre fichier « {d.depot.nom} » le {french_day(d.depot.recu_le)}, et nous vous en remercions."
    if d.refuse:
        quoi = "Il n'a pas pu être lu. Les feuilles suivantes sont un questionnaire vierge : recopiez-y vos réponses."
    else:
        quoi = f"{nombre(corriger, 'réponse est à corriger', 'réponses sont à corriger')} (cases rouges)"
        quoi += f" et {nombre(verifier, 'est à vérifier', 'sont à vérifier')} (cases bleues)." if verifier else "."
        quoi += " Vos autres réponses sont gardées telles quelles : il n'y a rien à ressaisir."
    comment = (
        "Comment faire : cliquez sur la case indiquée dans la colonne « Où corriger », écrivez la bonne réponse, puis "
        "enregistrez ce fichier et renvoyez-le. Une case laissée vide ne change rien."
        + (" Pour retirer un élément d'un tableau, effacez toute sa ligne." if retire else "")
    )
    contact = f"Une question ? {q.enquete['contact']}" if q.enquete.get("contact") else ""
    return [x for x in (recu, quoi, comment, contact) if x]


def _write_points(
    f: Worksheet,
    r: int,
    lignes: Sequence[tuple[int, Point, str]],
    niveau: str,
    styles: Mapping[str, Format],
    places: Places,
) -> int:
    """One line a point: its number, the point, its question. The row after the last one."""
    for numero, p, question in lignes:
        f.write_number(r, 0, numero, styles[niveau])
        place = _place(p, places)
        if place:
            f.write_url(r, 1, f"internal:'{place[0]}'!{place[1]}", styles["lien"], f"{place[0]}, case {place[1]}")
        else:
            ou = ", ".join(x for x in (p.feuille, f"case {p.cellule}" if p.cellule else "") if x) or "tout le fichier"
            f.write_string(r, 1, ou, styles["question"])
        textes = (question, p.recu or "(rien)" if question else p.recu, p.attendu, p.proposition, p.message)
        for c, texte in enumerate(textes, start=2):
            f.write_string(r, c, texte, styles["obligatoire" if c == 5 else "question"])
        f.set_row(r, row_height(*((t, COLONNES[c][1] - 2) for c, t in enumerate(textes, start=2))))
        r += 1
    return r


def _question(p: Point, d: Dossier, q: Questionnaire) -> str:
    """The question, after the row it was asked about when there are several."""
    question = q.variables[p.variable].libelle if p.variable in q.variables else ""
    if p.rang is None or p.entite == q.racine:
        return question
    fiche = d.enregistrements[p.entite][p.rang]
    cle = " ".join(
        text_of(c.valeur) for v in q.entites[p.entite].cle if (c := fiche.get((v, None))) and c.valeur is not None
    )
    ligne = f"{q.entites[p.entite].libelle} {cle}".strip()
    return f"{ligne} — {question}" if question else ligne


def _place(p: Point, places: Places) -> Place | None:
    """The cell of the answer; of the first answer of its row when the whole row is at fault."""
    if p.rang is None:
        return None
    if p.variable:
        return places.get((p.entite, p.rang, p.variable, p.modalite))
    return next((ou for (e, k, _, _), ou in places.items() if (e, k) == (p.entite, p.rang)), None)


# -------------------------------------------------------------------------------------------
# Correction workbooks written by several processes when there are enough of them: the same bytes either way.

SEUIL = 150  # below, starting processes costs more than it saves


def build_all(
    dossiers: Iterable[Dossier], q: Questionnaire, campagne: str, ouvriers: int
) -> Iterator[tuple[Dossier, bytes]]:
    """(dossier, workbook) of each, in order. `ouvriers`: 0 for one per processor."""
    source, construire = iter(dossiers), partial(build_correction, q=q, campagne=campagne)
    premiers = list(islice(source, SEUIL))
    nombre = min(ouvriers or os.cpu_count() or 1, 8)
    if len(premiers) < SEUIL or nombre < 2:
        return ((d, construire(d)) for d in chain(premiers, source))
    return run_tasks(construire, chain(premiers, source), nombre)
