"""Cells arrive typed, at their Excel coordinates, and what the reader blanks is put back."""

from __future__ import annotations

import io
import pickle
from datetime import date, datetime

import openpyxl
import pytest
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from cartographie.intake.gate import inspect
from cartographie.intake.workbook import SheetTooLarge, read_workbook
from cartographie.survey.received import FormuleNonCalculee


def lire(contenu: bytes, nom: str = "a.xlsx", **plafonds):
    porte = inspect(contenu, nom, {})
    assert not porte.refuse, porte
    return read_workbook(contenu, porte, plafonds)


def test_coordinates_and_types(xlsx):
    def prepare(classeur, onglets):
        f = onglets["F"]
        f.write("C3", "x")
        f.write("D3", True)
        f.write("E5", 1.5)
        f.write("A4", "   ")
        f.write_datetime("B7", datetime(2026, 3, 1), classeur.add_format({"num_format": "dd/mm/yyyy"}))
        f.write_formula("C7", "=1/0", None, "#DIV/0!")
        f.merge_range("D8:E9", "m")
        f.set_row(6, None, None, {"hidden": True})
        f.set_column("J:K", 5, None, {"hidden": True})
        classeur.add_worksheet("Cachée").hide()

    classeur = lire(xlsx({"F": []}, prepare))
    f, cachee = classeur.feuilles
    lignes = f.lignes
    assert (lignes[2][2], lignes[2][3], lignes[4][4], lignes[3][0]) == ("x", "VRAI", 1.5, None)
    assert (lignes[6][1], lignes[6][2], lignes[7][3]) == (date(2026, 3, 1), "#DIV/0!", "m")
    assert (f.fusions, f.lignes_masquees, f.colonnes_masquees) == (((8, 4, 9, 5),), {7}, {10, 11})
    assert (f.masquee, cachee.masquee, cachee.lignes) == (False, True, [])


def test_formula_without_value_is_kept_as_its_text():
    source = openpyxl.Workbook()
    source.active["B2"] = "=1+1"
    source.active["F9"] = '=SUM(A1:A3)&"<"'
    sortie = io.BytesIO()
    source.save(sortie)
    f = lire(sortie.getvalue()).feuilles[0]
    assert (f.lignes[1][1], f.lignes[8][5]) == ("=1+1", '=SUM(A1:A3)&"<"')
    assert f.formules_sans_valeur == {(2, 2), (9, 6)}
    relue = pickle.loads(pickle.dumps(f.lignes[1][1]))
    assert isinstance(relue, FormuleNonCalculee)
    assert relue == "=1+1"


def test_computed_formula_keeps_its_value(xlsx):
    f = lire(
        xlsx({"F": []}, lambda _, o: (o["F"].write_formula("A1", "=1+1", None, 2), o["F"].write("B1", 1)))
    ).feuilles[0]
    assert f.lignes == [[2.0, 1.0]]
    assert not f.formules_sans_valeur
    assert f.calculees == {(1, 1)}


@pytest.mark.parametrize("format_", ["xls", "ods"])
def test_computed_cells_are_known_in_other_formats(format_):
    if format_ == "xls":
        import xlwt

        source = xlwt.Workbook()
        feuille = source.add_sheet("F")
        feuille.write(0, 1, xlwt.Formula("1+1"))
        feuille.write(1, 0, 3)
        sortie = io.BytesIO()
        source.save(sortie)
        contenu = sortie.getvalue()
    else:
        from cartographie_demo import writers
        from cartographie_demo.writers import Page, zip_bytes

        parties = writers.parts_ods({"F": Page({(1, 2): 2, (2, 1): 3})}, "")
        cellule = b'<table:table-cell office:value-type="float" office:value="2"'
        nouvelle = cellule.replace(b" office:value-type", b' table:formula="of:=1+1" office:value-type')
        assert parties["content.xml"].count(cellule) == 1
        parties["content.xml"] = parties["content.xml"].replace(cellule, nouvelle)
        contenu = zip_bytes(parties, stocke=("mimetype",))
    assert lire(contenu, f"a.{format_}").feuilles[0].calculees == {(1, 2)}


def test_phantom_rows_are_counted_not_built(xlsx):
    def prepare(classeur, onglets):
        gras = classeur.add_format({"bold": True})
        for i in range(1, 20_001):
            onglets["F"].write_blank(i, 0, None, gras)

    f = lire(xlsx({"F": [["a"]]}, prepare)).feuilles[0]
    assert (f.lignes, f.lignes_fantomes) == ([["a"]], 20_000)


def test_xls_errors_booleans_hidden():
    source = xlwt.Workbook()
    feuille = source.add_sheet("F")
    feuille.write(2, 2, "x")
    feuille.write(3, 3, True)
    feuille.row(4).set_cell_error(1, "#REF!")
    feuille.row(2).hidden = True
    feuille.col(5).hidden = True
    feuille.write_merge(6, 7, 0, 1, "m")
    source.dates_1904 = True
    sortie = io.BytesIO()
    source.save(sortie)
    classeur = lire(sortie.getvalue(), "a.xls")
    f = classeur.feuilles[0]
    assert (f.lignes[2][2], f.lignes[3][3], f.lignes[4][1], f.lignes[6][0]) == ("x", "VRAI", "#REF!", "m")
    assert (f.lignes_masquees, f.colonnes_masquees, f.fusions) == ({3}, {6}, ((7, 1, 8, 2),))
    assert classeur.date1904


def test_ods_errors_hidden_rows_repeats():
    source = OpenDocumentSpreadsheet()
    table = Table(name="F")
    rangee = TableRow()
    rangee.addElement(TableCell(numbercolumnsrepeated=2))
    cellule = TableCell(valuetype="string")
    cellule.addElement(P(text="x"))
    rangee.addElement(cellule)
    erreur = TableCell(formula="of:=[.A1]/0", valuetype="string", stringvalue="")
    erreur.addElement(P(text="#DIV/0!"))
    rangee.addElement(erreur)
    table.addElement(TableRow(numberrowsrepeated=3))
    table.addElement(rangee)
    cachee = TableRow(visibility="collapse")
    nombre = TableCell(valuetype="float", value=12)
    nombre.addElement(P(text="12"))
    cachee.addElement(nombre)
    table.addElement(cachee)
    source.spreadsheet.addElement(table)
    sortie = io.BytesIO()
    source.write(sortie)
    f = lire(sortie.getvalue(), "a.ods").feuilles[0]
    assert f.lignes[3][2:4] == ["x", "#DIV/0!"]
    assert f.lignes[4][0] == 12
    assert f.lignes_masquees == {5}


def test_too_many_cells(xlsx):
    with pytest.raises(SheetTooLarge):
        lire(xlsx({"F": [[1] * 10] * 10}), cellules=50)
