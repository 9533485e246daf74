"""The gate judges by content, not by name."""

from __future__ import annotations

import io
import time
import zipfile

import pytest
import xlwt

from cartographie.intake.gate import inspect


def codes(porte):
    return [c.constat for c in porte.constats]


def zip_(parties: dict[str, bytes]) -> bytes:
    sortie = io.BytesIO()
    with zipfile.ZipFile(sortie, "w", zipfile.ZIP_DEFLATED) as z:
        for nom, octets in parties.items():
            z.writestr(nom, octets)
    return sortie.getvalue()


TYPES = b'<Types><Override ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'


@pytest.mark.parametrize(
    ("contenu", "nom", "attendu"),
    [
        (b"", "a.xlsx", "fichier_vide"),
        (b"\xef\xbb\xbf\r\n  ", "a.csv", "fichier_vide"),
        (b"%PDF-1.7 ...", "a.xlsx", "fichier_non_tableur"),
        (b"\x00\x01\x02binaire\x03" * 50, "a.csv", "fichier_non_tableur"),
        (b"<html><body><table><tr><td>1</td></tr></table>", "a.xls", "html_deguise"),
        (b"PK\x03\x04tronque", "a.xlsx", "fichier_illisible"),
        (zip_({"word/document.xml": b"<w/>"}), "a.xlsx", "fichier_non_tableur"),
        (zip_({"[Content_Types].xml": TYPES, "xl/a.xml": b"<!DOCTYPE x><x/>"}), "a.xlsx", "fichier_dangereux"),
        (zip_({"[Content_Types].xml": TYPES, "xl/a.xml": b"<x>" + b" " * 3_000_000}), "a.xlsx", "fichier_dangereux"),
        (zip_({"[Content_Types].xml": TYPES, "../a.xml": b"<x/>"}), "a.xlsx", "fichier_dangereux"),
        (zip_({"[Content_Types].xml": TYPES, "s.xml": b'<sheetData><c r="XFD1"><v>1</v></c></sheetData>'}), "a.xlsx", "fichier_trop_gros"),
    ],
)  # fmt: skip
def test_refused(contenu, nom, attendu):
    porte = inspect(contenu, nom, {})
    assert codes(porte) == [attendu]
    assert porte.refuse


def test_formats_and_misleading_extension(xlsx):
    contenu = xlsx({"F": [["a", 1]]})
    assert (inspect(contenu, "a.xlsx", {}).format, codes(inspect(contenu, "a.XLSX", {}))) == ("xlsx", [])
    assert codes(inspect(contenu, "a.xls", {})) == ["extension_trompeuse"]
    classeur, sortie = xlwt.Workbook(), io.BytesIO()
    classeur.add_sheet("F").write(0, 0, "x")
    classeur.save(sortie)
    assert inspect(sortie.getvalue(), "a.xls", {}).format == "xls"
    assert inspect("é;b\n1;2\n".encode("utf-16"), "a.csv", {}).format == "csv"
    assert inspect("a;b\n1;2\n".encode("utf-16-le"), "a.csv", {}).format == "csv"


def test_macros_are_said(xlsx, tmp_path):
    (tmp_path / "v.bin").write_bytes(b"vba")
    contenu = xlsx({"F": [["a"]]}, lambda c, _: c.add_vba_project(str(tmp_path / "v.bin")))
    porte = inspect(contenu, "a.xlsm", {})
    assert (porte.format, porte.macros, codes(porte)) == ("xlsm", True, ["macros_ignorees"])


def test_caps_are_settings(xlsx):
    contenu = xlsx({"F": [["a"]]})
    assert codes(inspect(contenu, "a.xlsx", {"octets": 100})) == ["fichier_trop_gros"]
    assert codes(inspect(contenu, "a.xlsx", {"parties": 3})) == ["fichier_trop_gros"]


def test_cheap(xlsx):
    contenu = xlsx({"F": [[f"texte {i} {j}" for j in range(12)] for i in range(100)]})
    debut = time.perf_counter()
    for _ in range(20):
        inspect(contenu, "a.xlsx", {})
    assert (time.perf_counter() - debut) / 20 < 0.01
