"""What an analyst opens after a run: outputs/<campagne>/controle/. Findings, their summaries, the account of the run.

CSV texts that a spreadsheet would compute are prefixed with an apostrophe; the workbook writes texts as texts. Both are
byte-identical between two runs.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from xlsxwriter.url import Url
from xlsxwriter.worksheet import Worksheet

from cartographie.base.files import csv_text, write_whole
from cartographie.base.paper import add_table, row_height, write_sheets
from cartographie.base.text import neutralise
from cartographie.survey.model import Gravite
from cartographie.survey.received import Anomalie, Depot
from cartographie.validate.wording import Redaction

DETAIL_MAX = 100_000
LINKS_MAX = 60_000  # the file format allows 65,530 links a sheet
Formats = Mapping[str, Any]
FIRST_ROW = 3  # header of the detail's table; title and cap above
COLUMNS = tuple(f.name for f in fields(Anomalie))


class _Dite(NamedTuple):
    """What is said of a severity, and how: dark text on pale ground, the word says it too."""

    mot: str
    sens: str
    encre: str
    fond: str


_GRAVITES = {
    Gravite.REJET_FICHIER: _Dite("Fichier rejeté", "Rien n'a été repris du fichier.", "#7A0016", "#F9D7DC"),
    Gravite.REJET_LIGNE: _Dite(
        "Ligne rejetée", "La ligne, et celles qui en dépendent, sont mises en quarantaine.", "#7A2E00", "#FBE0CC"
    ),
    Gravite.REJET_CELLULE: _Dite(
        "Cellule rejetée",
        "La valeur est effacée et compte comme une non-réponse ; le reste de la ligne est gardé.",
        "#5C4400",
        "#FFF0C2",
    ),
    Gravite.REDRESSEMENT: _Dite(
        "Valeur redressée", "La valeur a été comprise et réécrite ; à vérifier.", "#0B3D66", "#DCEBF8"
    ),
    Gravite.ALERTE: _Dite("Alerte", "La valeur est gardée telle quelle ; à vérifier.", "#3A3A3A", "#EEEEEE"),
}
_DETAIL = (  # header, attribute, width
    ("Fichier", "fichier", 34),
    ("Feuille", "feuille", 18),
    ("Cellule", "cellule", 10),
    ("Gravité", "gravite", 17),
    ("Règle", "regle", 9),
    ("Message", "message", 70),
    ("Valeur reçue", "valeur_recue", 24),
    ("Proposition", "proposition", 24),
    ("Variable", "variable", 24),
    ("Répondant", "id_repondant", 20),
    ("Ligne", "ligne", 8),
    ("Colonne", "colonne", 9),
)


def write(
    dossier: Path, redaction: Redaction, comptes: pd.DataFrame, depots: Sequence[Depot], campagne: str, titre: str
) -> list[Path]:
    """Write anomalies.csv, anomalies.xlsx, comptes.csv (and confidentiel.csv if any) into `dossier`; their paths.

    The workbook links each finding to the cell of the received file, through ../../../raw/<campagne>/.
    """
    dossier.mkdir(parents=True, exist_ok=True)
    parts = {
        "anomalies.csv": _findings_csv(redaction.anomalies),
        "comptes.csv": frame_csv(comptes),
        "anomalies.xlsx": workbook_bytes(redaction.anomalies, depots, campagne, titre),
    }
    if redaction.confidentielles:
        parts["confidentiel.csv"] = _findings_csv(redaction.confidentielles)
    else:
        (dossier / "confidentiel.csv").unlink(missing_ok=True)
    return [write_whole(dossier / name, content) for name, content in parts.items()]


def _findings_csv(anomalies: Iterable[Anomalie]) -> bytes:
    return csv_bytes(COLUMNS, ([getattr(a, c) for c in COLUMNS] for a in anomalies))


def csv_bytes(header: Sequence[object], rows: Iterable[Iterable[object]]) -> bytes:
    """UTF-8, comma, LF; texts made harmless to spreadsheets."""
    return csv_text(header, ([_cell(v) for v in row] for row in rows)).encode("utf-8")


def frame_csv(df: pd.DataFrame) -> bytes:
    """As `csv_bytes`, each distinct text escaped once: the account of a campaign has hundreds of thousands of lines."""
    columns: list[list[str]] = []
    for name in df.columns:
        if df[name].dtype.kind == "i":
            columns.append([*map(str, df[name].tolist())])
            continue
        ranks, distinct = pd.factorize(df[name].to_numpy(dtype=object))
        written = [csv_bytes([_cell(v), ""], ()).decode().removesuffix(",\n") for v in distinct]
        columns.append([*map([*written, ""].__getitem__, ranks.tolist())])
    lines = map(",".join, zip(*columns, strict=True))
    return csv_bytes(tuple(df.columns), ()) + "".join(f"{line}\n" for line in lines).encode()


def _cell(value: object) -> object:
    """As written in a CSV file: a number is left alone."""
    return neutralise(value) if isinstance(value, str) else "" if value is None else value


def workbook_bytes(
    anomalies: Sequence[Anomalie], depots: Sequence[Depot], campagne: str, titre: str, limite: int = DETAIL_MAX
) -> bytes:
    """« Lisez-moi », « Par règle », « Par répondant », « Détail »; the cap on the detail is stated on the sheets."""
    buffer = io.BytesIO()
    proprietes = {"title": f"Anomalies – {titre} – {campagne}", "author": "", "company": ""}
    shown = min(limite, len(anomalies))
    with write_sheets(buffer, proprietes, _formats()) as (book, f):
        names = ("Lisez-moi", "Par règle", "Par répondant", "Détail")
        readme, rules, respondents, detail = sheets = [book.add_worksheet(name) for name in names]
        for sheet in sheets:
            sheet.hide_gridlines(2)
        _readme(readme, f, anomalies, shown, campagne, titre)
        _summary(rules, f, "Règle", anomalies, shown, lambda a: a.regle)
        _summary(respondents, f, "Répondant", anomalies, shown, lambda a: a.id_repondant or a.fichier)
        _detail(detail, f, anomalies[:shown], len(anomalies), {d.depot: d for d in depots}, campagne)
        readme.activate()
    return buffer.getvalue()


# ---- sheets


def _formats() -> dict[str, dict[str, object]]:
    base = {"font_name": "Arial", "font_size": 10, "valign": "top"}
    out: dict[str, dict[str, object]] = {
        "title": {**base, "bold": True, "font_size": 14},
        "text": {**base, "text_wrap": True, "num_format": "@"},
        "line": {**base},
        "note": {**base, "text_wrap": True, "italic": True},
        "number": {**base, "num_format": "#,##0"},
        "head": {**base, "bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "text_wrap": True},
        "link": {**base, "font_color": "#0645AD", "underline": 1},
    }
    for severity, dite in _GRAVITES.items():
        out[severity] = {**base, "font_color": dite.encre, "bg_color": dite.fond, "bold": True, "text_wrap": True}
    return out


def _readme(sheet: Worksheet, f: Formats, anomalies: Sequence[Anomalie], shown: int, campagne: str, titre: str) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 12)
    sheet.set_column(2, 2, 90)
    sheet.write_string(0, 0, f"Anomalies relevées – campagne {campagne}", f["title"])
    sheet.write_string(1, 0, titre, f["line"])
    lines = [
        "Chaque ligne de « Détail » est une anomalie : fichier, feuille, cellule, règle, gravité, message.",
        "Cliquez sur une cellule (C17) pour ouvrir le fichier reçu à cet endroit, si le dossier « raw » est en place.",
        "« Par règle » et « Par répondant » comptent les anomalies et renvoient à la première de chacune.",
        "Les valeurs des variables personnelles sont remplacées par « (masqué) ».",
        "La liste complète est aussi dans anomalies.csv ; le compte des lignes et des cellules dans comptes.csv.",
        _cap(shown, len(anomalies)),
    ]
    for i, line in enumerate(lines):
        sheet.write_string(3 + i, 0, line, f["line"])
    top = 4 + len(lines)
    for j, head in enumerate(("Gravité", "Anomalies", "Conséquence")):
        sheet.write_string(top, j, head, f["head"])
    for i, (severity, dite) in enumerate(_GRAVITES.items(), start=1):
        sheet.write_string(top + i, 0, dite.mot, f[severity])
        sheet.write_number(top + i, 1, sum(a.gravite == severity for a in anomalies), f["number"])
        sheet.write_string(top + i, 2, dite.sens, f["text"])


def _cap(shown: int, total: int) -> str:
    if shown == total:
        return f"« Détail » contient les {total} anomalies."
    ailleurs = "la liste complète est dans anomalies.csv"
    return f"« Détail » s'arrête aux {shown} premières anomalies sur {total} ; {ailleurs}."


def _summary(
    sheet: Worksheet, f: Formats, label: str, anomalies: Sequence[Anomalie], shown: int, key: Callable[[Anomalie], str]
) -> None:
    """One row is one rule (or respondent): how many findings of each severity, and a link to the first in the detail."""
    counts: dict[str, dict[str, int]] = {}
    example: dict[str, str] = {}
    for a in anomalies:
        counts.setdefault(key(a), dict.fromkeys(Gravite, 0))[Gravite(a.gravite)] += 1
        example.setdefault(key(a), a.message)
    place: dict[str, int] = {}
    for i, a in enumerate(anomalies[:shown]):
        place.setdefault(key(a), FIRST_ROW + 1 + i)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 6, 12)
    sheet.set_column(7, 7, 80)
    sheet.write_string(0, 0, f"Par {label.lower()}", f["title"])
    heads = [label, "Anomalies", *(g.mot for g in _GRAVITES.values()), "Premier message"]
    ordered = sorted(counts, key=lambda k: (-sum(counts[k].values()), k))
    for i, k in enumerate(ordered, start=3):
        if k in place and i < LINKS_MAX:
            target = f"internal:'Détail'!A{place[k] + 1}"
            sheet.write_url(i, 0, target, f["link"], k or "(sans)", "Voir la première anomalie dans « Détail »")
        else:
            sheet.write_string(i, 0, k or "(sans)", f["text"])
        for j, n in enumerate([sum(counts[k].values()), *counts[k].values()], start=1):
            sheet.write_number(i, j, n, f["number"])
        sheet.write_string(i, 7, example[k], f["text"])
        sheet.set_row(i, row_height((example[k], 88), (k, 26), points=13))
    _table(sheet, f, 2, heads, len(ordered), "T_" + label.replace("è", "e").replace("é", "e"))


def _detail(
    sheet: Worksheet, f: Formats, shown: Sequence[Anomalie], total: int, depots: Mapping[str, Depot], campagne: str
) -> None:
    sheet.write_string(0, 0, "Détail des anomalies", f["title"])
    sheet.write_string(1, 0, _cap(len(shown), total), f["line"])
    for j, (_, _, width) in enumerate(_DETAIL):
        sheet.set_column(j, j, width)
    for i, a in enumerate(shown):
        row = FIRST_ROW + 1 + i
        cells = ((str(getattr(a, name) or ""), width * 1.05) for _, name, width in _DETAIL)
        sheet.set_row(row, row_height(*cells, points=13))
        for j, (_, name, _) in enumerate(_DETAIL):
            value = getattr(a, name)
            if name == "ligne":
                if value is not None:
                    sheet.write_number(row, j, value, f["number"])
            elif name == "gravite":
                sheet.write_string(row, j, _GRAVITES[Gravite(value)].mot, f[Gravite(value)])
            elif name == "cellule" and (link := _link(a, depots, campagne)) and i < LINKS_MAX:
                sheet.write_url(row, j, _portable(link), f["link"], value or "ouvrir", "Ouvrir le fichier reçu")
            elif value:
                sheet.write_string(row, j, value, f["text"])
    _table(sheet, f, FIRST_ROW, [h for h, _, _ in _DETAIL], len(shown), "T_Detail")
    sheet.freeze_panes(FIRST_ROW + 1, 3)


def _link(a: Anomalie, depots: Mapping[str, Depot], campagne: str) -> str | None:
    """A relative link from the control folder to the received file, at the cell when the file has sheets."""
    if a.depot not in depots:
        return None
    path = depots[a.depot].chemin
    escaped = path.replace("%", "%25").replace("#", "%23").replace(" ", "%20")
    link = f"external:../../../raw/{campagne}/{escaped}"
    if a.cellule and a.feuille and not path.lower().endswith((".csv", ".txt", ".tsv")):
        link += "#'" + a.feuille.replace("'", "''") + f"'!{a.cellule}"
    return link if len(link) <= 255 else None


def _portable(link: str) -> Url:
    """The library writes file links with backslashes, which only one system follows; slashes open everywhere."""
    url = Url(link)
    url._relationship_link = url._relationship_link.replace("\\", "/")
    return url


def _table(sheet: Worksheet, f: Formats, row: int, heads: Sequence[str], count: int, name: str) -> None:
    """A native table over rows already written, with its header; a table needs one row at least."""
    if not count:
        sheet.write_string(row + 1, 0, "Aucune anomalie", f["text"])
    columns = [(h, f["head"]) for h in heads]
    add_table(sheet, row, columns, max(count, 1), name=name, style="Table Style Light 1", banded_rows=False)
    sheet.repeat_rows(row)
    sheet.freeze_panes(row + 1, 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
