"""Each rule broken once, on purpose: the linter says which one and where, and never quotes the cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.table import Table

from cartographie.proof import lint
from cartographie.proof.lint import contrast, lint_file


def sound() -> openpyxl.Workbook:
    """A workbook without a fault."""
    classeur = openpyxl.Workbook()
    classeur.properties.title, classeur.properties.creator, classeur.properties.subject = "Titre", "Office", "Enquête"
    classeur.properties.language = "fr-FR"
    ws = classeur.active
    ws.title = "T01"
    for ligne in (
        ["Part d'utilisateurs"],
        ["Source : enquête"],
        ["Région", "Part (%)"],
        ["Corse", 12.5],
        ["Bretagne", "[c]"],
    ):
        ws.append(ligne)
    ws.add_table(Table(displayName="usage_par_region", ref="A3:B5"))
    return classeur


def second_sheet(c: Any) -> None:
    c.create_sheet("Vide")


def merged(c: Any) -> None:
    c.active.merge_cells("A1:B1")


def headless(c: Any) -> None:
    c.active["B3"] = "région"


def hidden_row(c: Any) -> None:
    c.active.row_dimensions[4].hidden = True


def hidden_sheet(c: Any) -> None:
    ws = c.copy_worksheet(c.active)
    ws.title, ws.sheet_state = "Brouillon", "hidden"
    ws.add_table(Table(displayName="autre", ref="A3:B5"))


def opens_on_the_second(c: Any) -> None:
    ws = c.copy_worksheet(c.active)
    ws.title = "T02"
    ws.add_table(Table(displayName="autre", ref="A3:B5"))
    c.active = 1


def charted(c: Any) -> None:
    graphique = BarChart()
    graphique.add_data(Reference(c.active, range_string="T01!B4:B5"))
    c.active.add_chart(graphique, "D3")


def cell(adresse: str, valeur: Any) -> Callable[[Any], None]:
    def change(c: Any) -> None:
        c.active[adresse] = valeur

    return change


def ink(couleur: str, fond: str) -> Callable[[Any], None]:
    def change(c: Any) -> None:
        c.active["A4"].font = Font(name="Arial", size=11, color=couleur)
        c.active["A4"].fill = PatternFill("solid", fgColor=fond)

    return change


FAUTES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "no table": ("X01", lambda c: c.active.tables.clear()),
    "nameless table": ("X02", lambda c: (c.active.tables.clear(), c.active.add_table(Table(displayName="Table1", ref="A3:B5")))),
    "merged cells": ("X03", merged),
    "repeated header": ("X04", headless),
    "empty cell": ("X05", cell("B5", None)),
    "no title": ("X06", cell("A1", None)),
    "hidden row": ("X07", hidden_row),
    "hidden sheet": ("X07", hidden_sheet),
    "blank sheet": ("X08", second_sheet),
    "opens elsewhere": ("X09", opens_on_the_second),
    "chart without title": ("X10", charted),
    "table beside the margin": ("X16", lambda c: (c.active.tables.clear(), c.active.add_table(Table(displayName="usage", ref="B3:B5")))),
    "error": ("X19", cell("B4", "#DIV/0!")),
    "no author": ("X11", lambda c: setattr(c.properties, "creator", "")),
    "no language": ("X12", lambda c: setattr(c.properties, "language", None)),
    "frozen panes": ("X14", lambda c: setattr(c.active, "freeze_panes", "A4")),
    "page header": ("X15", lambda c: setattr(c.active.oddHeader.center, "text", "Confidentiel")),
    "text under": ("X17", cell("A8", "Note")),
    "comment": ("X18", lambda c: setattr(c.active["A4"], "comment", Comment("x", "y"))),
    "formula": ("X20", cell("B4", "=1+1")),
    "text like a formula": ("X21", cell("A4", "@x")),
    "e-mail": ("X22", cell("A4", "jeanne.martin@exemple.fr")),
    "small print": ("X23", lambda c: setattr(c.active["A4"], "font", Font(name="Arial", size=7))),
    "serif": ("X24", lambda c: setattr(c.active["A4"], "font", Font(name="Times New Roman", size=12))),
    "pale grey": ("X25", ink("FFAAAAAA", "FFFFFFFF")),
}  # fmt: skip


def codes(classeur: openpyxl.Workbook, tmp_path: Path) -> list[str]:
    chemin = tmp_path / "essai.xlsx"
    classeur.save(chemin)
    return [d.code for d in lint_file(chemin)]


def test_a_sound_workbook_passes(tmp_path: Path) -> None:
    assert codes(sound(), tmp_path) == []


@pytest.mark.parametrize("faute", FAUTES)
def test_one_fault_one_rule(faute: str, tmp_path: Path) -> None:
    code, change = FAUTES[faute]
    classeur = sound()
    change(classeur)
    assert set(codes(classeur, tmp_path)) == {code}


def test_macros_are_seen_without_being_opened(tmp_path: Path) -> None:
    chemin = tmp_path / "essai.xlsx"
    sound().save(chemin)
    with ZipFile(chemin, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"...")
    assert [d.code for d in lint_file(chemin)] == ["X13"]


def test_the_cell_is_never_quoted(tmp_path: Path) -> None:
    classeur = sound()
    classeur.active["A4"] = "jeanne.martin@exemple.fr"
    classeur.save(tmp_path / "essai.xlsx")
    (defaut,) = lint_file(tmp_path / "essai.xlsx")
    assert defaut.ou == "essai.xlsx, feuille T01, case A4" and "jeanne" not in defaut.message
    assert lint_file(tmp_path / "essai.xlsx", {"jeanne.martin@exemple.fr"}) == []


@pytest.mark.parametrize(
    ("contenu", "code"),
    [
        ("a,b\n1,é\n".encode("latin-1"), "K01"), (b"", "K02"), (b"a,A\n1,2\n", "K03"), (b"a,b\n1\n", "K04"),
        (b"a,b\n1,=1+1\n", "K05"), (b"a,b\n1,06 12 34 56 78\n", "K06"), (b"a;b\n-1,5;x\n", None), (b"a,b\n-1.5,x\n", None),
    ],
)  # fmt: skip
def test_csv(contenu: bytes, code: str | None, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(contenu)
    assert [d.code for d in lint_file(tmp_path / "a.csv")] == ([code] if code else [])


def test_contrast_of_wcag() -> None:
    assert contrast("000000", "FFFFFF") == 21
    assert round(contrast("767676", "FFFFFF"), 2) == 4.54


@pytest.mark.long
def test_from_the_command_line(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,=1+1\n")
    sortie = cli("lint", tmp_path)
    assert sortie.statut == 12 and "K05 a.csv, ligne 2, colonne b" in sortie.texte
    assert cli("lint", tmp_path / "absent.csv").statut == 2


def test_every_rule_is_listed_and_every_listed_rule_exists() -> None:
    sources = Path(lint.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r'"([XK]\d\d)"', sources)) == set(lint.REGLES)
