"""The gate judges by content, not by name."""

from __future__ import annotations

import io
import re
import struct
import time
import zipfile

import hostiles
import pytest
import xlwt
from hostiles import CASE_ODS, formula, ods, table, xlsx_with

from cartographie.intake.gate import inspect
from cartographie.intake.workbook import SheetTooLarge, UnreadableText, read_text, read_workbook
from cartographie_demo import writers


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
    debut = time.process_time()
    for _ in range(20):
        inspect(contenu, "a.xlsx", {})
    assert (time.process_time() - debut) / 20 < 0.01


# --------------------------------------------------------------------------- attacks


LOIN = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
UN = b'<row r="1"><c r="A1"><v>1</v></c></row>'
DIMENSION = b'<dimension ref="A1:XFD1048576"/>'


def motif(contenu: bytes, nom: str = "a.xlsx", **plafonds: int) -> tuple[str, str]:
    porte = inspect(contenu, nom, plafonds)
    if not porte.refuse:
        return ("lu", "")
    details = porte.constats[0].details
    return porte.constats[0].constat, str(details.get("motif", details.get("plafond", "")))


@pytest.mark.parametrize(
    "rangees",
    [
        LOIN,
        LOIN.replace(b"XFD", b"xfd"),
        LOIN.replace(b"<c r", b"<c  r"),
        LOIN.replace(b"<c r", b"<c\nr").replace(b"</c>", b"</c >"),
        LOIN.replace(b"</c>", b"</c\n>"),
        UN + LOIN.replace(b'r="XFD1048576"', b't="n"'),
        UN + LOIN.replace(b' r="XFD1048576"', b""),
        UN + LOIN.replace(b'"><v>', b'" z="/>"><v>'),
        UN + LOIN.replace(b'"><v>', b'" z="/> "><v>'),
        UN + LOIN.replace(b"<c r", b"<c a='>' r"),
        UN + LOIN.replace(b"<c r", b"<c x:r='A1' r"),
        UN + LOIN.replace(b"<c r", b"<c z=' r=\"A1\"' r"),
        UN + LOIN.replace(b"c>", b"x-y:c>").replace(b"<c r", b"<x-y:c r"),
        UN + LOIN.replace(b"c>", b"\xc3\xa9:c>").replace(b"<c r", b"<\xc3\xa9:c r"),
        UN + LOIN.replace(b"<c r", b'<!-- <row r="1"> --><c r').replace(b' r="XFD1048576"', b""),
        UN + b'<row r="1048576"><?x <row r="1"> ?><c><v>1</v></c></row>',
        b'<row r="1">' + b"<c><v>1</v></c>" * 3000 + b"</row>",
        b"".join(b"<row><c><v>%d</v></c></row>" % (i * i) for i in range(200_001)),
        b'<row r="200001"><c r="DA200001"><f>1</f></c></row>',
    ],
)
def test_a_far_cell_is_seen_however_it_is_written(rangees):
    assert motif(xlsx_with(rangees))[0] == "fichier_trop_gros"


def test_a_sheet_that_only_a_tolerant_reader_reads_is_refused():
    for rangees in (UN + b"<row r=1><c><v>1</v></c></row>", UN + b"<c>", UN + b"<c r='A2'><v>1</v></d>"):
        assert motif(xlsx_with(rangees)) == ("fichier_illisible", "XML mal formé")
    for avant in (b"x", b"\x0b", b"\xc2\xa0", b"&amp;", b"]]>"):
        parties = hostiles.xlsx_parts()
        parties[hostiles.FEUILLE] = avant + parties[hostiles.FEUILLE]
        assert motif(zip_(parties)) == ("fichier_illisible", "XML mal formé"), avant
        parties["xl/worksheets/feuille.dat"] = parties.pop(hostiles.FEUILLE)
        assert motif(zip_(parties)) == ("fichier_illisible", "XML mal formé"), avant


def test_blank_far_cells_and_a_false_dimension_cost_nothing():
    vides = b"".join(b'<row r="%d"><c r="XFD%d" s="1"/></row>' % (i, i) for i in range(2, 1000))
    parties = hostiles.unzipped(xlsx_with(vides))
    parties[hostiles.FEUILLE] = re.sub(rb"<dimension[^>]*>", DIMENSION, parties[hostiles.FEUILLE])
    porte = inspect(zip_(parties), "a.xlsx", {})
    assert not porte.refuse
    assert read_workbook(zip_(parties), porte).feuilles[0].lignes == [["a", 1.0]]


def test_cells_are_counted_over_all_sheets_and_however_they_are_closed():
    rangee = b'<row r="2">' + b'<c r="A2"><v>1</v></c>' * 600 + b"</row>"
    assert motif(xlsx_with(rangee), cellules=1000)[0] == "lu"
    assert motif(xlsx_with(rangee, {"xl/worksheets/sheet2.xml": b"<w><sheetData>" + rangee + b"</sheetData></w>"}), cellules=1000) == ("fichier_trop_gros", "cellules")  # fmt: skip
    assert motif(xlsx_with(rangee.replace(b"</c>", b"</c >")), cellules=500) == ("fichier_trop_gros", "cellules")
    assert motif(xlsx_with(rangee.replace(b"</c>", b"</c >") + UN), cellules=500) == ("fichier_trop_gros", "cellules")


SST = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" %b><si><t>a</t></si></sst>'


@pytest.mark.parametrize(
    "textes",
    [
        SST % b'uniqueCount="4000000000"',
        SST % b"count='1' uniqueCount='4000000000'",
        SST % b'uniqueCount="4000000000" count="1"',
        SST % b'a=">" uniqueCount = "4000000000"',
        SST % b'x:uniqueCount="1" uniqueCount="4000000000"',
        SST % b'count="4000000000"',
        b" " * 10_000 + SST % b'uniqueCount="4000000000"',
        b"<!--" + b" " * 10_000 + b"-->" + SST % b'uniqueCount="4000000000"',
        (SST % b'uniqueCount="4000000000"').replace(b"sst", b"x:sst"),
    ],
)
def test_a_false_count_of_shared_texts_is_refused(textes):
    contenu = xlsx_with(parties={"xl/sharedStrings.xml": textes})
    assert motif(contenu) == ("fichier_dangereux", "nombre de textes annoncé faux")


def test_an_honest_count_of_shared_texts_is_not():
    for dit in (b'count="900000" uniqueCount="1"', b'uniqueCount="50000"', b""):
        assert motif(xlsx_with(parties={"xl/sharedStrings.xml": SST % dit}))[0] == "lu"


@pytest.mark.parametrize("encodage", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("partie", ["xl/workbook.xml", "docProps/app.xml", "xl/theme/autre.xml", "x.vml"])
@pytest.mark.parametrize("texte", ["<!DOCTYPE a>", '<!DOCTYPE a [<!ENTITY b "c">]>', "<a><!ENTITY b 'c'></a>"])
def test_entities_are_refused_in_any_part_and_any_encoding(encodage, partie, texte):
    xml = f"<?xml version='1.0'?>{texte}<a/>".encode(encodage)
    assert motif(xlsx_with(parties={partie: xml})) == ("fichier_dangereux", "entités XML")


@pytest.mark.parametrize("encodage", ["utf-16", "utf-16-be", "utf-7", "EBCDIC-CP-FR"])
def test_a_sheet_in_another_encoding_is_refused_not_shown_empty(encodage):
    parties = hostiles.xlsx_parts()
    xml = parties[hostiles.FEUILLE].replace(b"UTF-8", encodage.encode())
    parties[hostiles.FEUILLE] = xml.decode().encode(encodage) if "16" in encodage else xml
    assert motif(zip_(parties)) == ("fichier_illisible", "codage du XML")


def test_two_workbooks_in_one_file_are_refused():
    """The gate would judge one of them, the reader open the other."""
    deux = ("fichier_dangereux", "deux classeurs en un")
    feuille = hostiles.unzipped(formula("cmd|'/c calc'!A1"))
    tableau = hostiles.unzipped(ods(table(b"")))
    for parties in (feuille | tableau, tableau | feuille, feuille | hostiles.xlsb_parts()):
        assert motif(zip_(parties)) == deux
    majuscules = {n.replace("mimetype", "MimeType"): o for n, o in (feuille | tableau).items()}
    assert motif(zip_(majuscules)) == deux


RANGEES = b'<table:table-row table:number-rows-repeated="100000">%b</table:table-row>' % CASE_ODS.replace(
    b"<table:table-cell ", b'<table:table-cell table:number-columns-repeated="1000" '
)


@pytest.mark.parametrize(
    "corps",
    [
        table(RANGEES),
        table(RANGEES).replace(b"<table:table table", b"<table:table\ntable"),
        table(RANGEES).replace(b"-row table", b"-row a='>' table"),
        table(RANGEES).replace(b"-cell table", b"-cell\ta='>'\ntable"),
        table(RANGEES).replace(b"table-cell", b"covered-table-cell"),
        table(RANGEES.replace(b"100000", b"100000000000")),
        table(b"<table:table-row>" + CASE_ODS + b"</table:table-row>") * 3 + table(RANGEES),
        table(b'<table:table-row table:number-rows-repeated="1000000"/><table:table-row>' + CASE_ODS + b"</table:table-row>"),
        table(b'<table:table-row><table:table-cell table:number-columns-repeated="5000"/>' + CASE_ODS + b"</table:table-row>"),
    ],
)  # fmt: skip
def test_repeats_of_an_ods_are_multiplied_however_they_are_written(corps):
    assert motif(ods(corps), "a.ods")[0] == "fichier_trop_gros"


def test_blank_repeats_of_an_ods_are_not_cells():
    vides = b'<table:table-cell table:number-columns-repeated="16383"/></table:table-row><table:table-row table:number-rows-repeated="1048575"><table:table-cell table:number-columns-repeated="16384"/>'
    porte = inspect(ods(table(b"<table:table-row>" + CASE_ODS + vides + b"</table:table-row>")), "a.ods", {})
    assert (porte.format, codes(porte)) == ("ods", [])


def test_an_ods_that_is_damaged_or_locked():
    assert motif(ods(b"<table:table>"), "a.ods") == ("fichier_illisible", "XML mal formé")
    assert motif(ods(table(RANGEES.replace(b"100000", b"-5"))), "a.ods") == ("fichier_illisible", "répétitions")
    parties = hostiles.unzipped(ods(b""))
    parties["Content.xml"] = parties.pop("content.xml")
    assert motif(zip_(parties), "a.ods") == ("fichier_illisible", "partie absente")
    chiffre = hostiles.unzipped(ods(b"", b"<m><manifest:encryption-data/></m>")) | {"content.xml": b"\1<\2"}
    assert motif(zip_(chiffre), "a.ods") == ("fichier_protege", "")


def test_sheets_of_a_binary_workbook_are_found_by_its_relations():
    parties = hostiles.xlsb_parts()
    feuille = "xl/worksheets/sheet1.bin"
    loin = writers.record(0, struct.pack("<IIH", 899_999, 0, 300) + bytes(7)) + writers.cell_biff12(1, 1.0)
    parties[feuille] = parties[feuille].replace(writers.record(146), loin + writers.record(146))
    assert motif(zip_(parties), "a.xlsb") == ("fichier_trop_gros", "lignes")
    for place, attendu in (
        ("feuille.bin", "lignes"),
        ("../xl/b/c.bin", "lignes"),
        ("feuille.dat", "feuille hors de sa place"),
    ):
        liens = parties["xl/_rels/workbook.bin.rels"].replace(b"worksheets/sheet1.bin", place.encode())
        nom = "xl/b/c.bin" if "c.bin" in place else f"xl/{place}"
        ailleurs = {**parties, "xl/_rels/workbook.bin.rels": liens, nom: parties[feuille]}
        del ailleurs[feuille]
        assert motif(zip_(ailleurs), "a.xlsb")[1] == attendu, place
    assert motif(zip_({n.replace("workbook.bin", "Workbook.bin"): o for n, o in parties.items()}), "a.xlsb")[0] == "fichier_illisible"  # fmt: skip


def altered(b: bytearray, *places: tuple[int, str, int]) -> bytes:
    for place, forme, valeur in places:
        struct.pack_into(forme, b, place, valeur)
    return bytes(b)


def test_compound_files_that_loop_or_lie():
    bon = hostiles.xls()
    assert motif(bytes(bon), "a.xls") == ("lu", "")
    fat, repertoire = (struct.unpack_from("<I", bon, p)[0] for p in (76, 48))
    chaine = (fat + 1) * 512
    secteur = len(bon) // 512 - 1
    boucle = bytearray(bon + b"\xff" * 508 + struct.pack("<I", secteur))
    structure = ("fichier_illisible", "structure du fichier")
    assert motif(altered(boucle, (68, "<I", secteur), (72, "<I", 1)), "a.xls") == structure
    assert motif(altered(bon[:], (chaine + 4 * repertoire, "<I", repertoire)), "a.xls") == structure
    assert motif(altered(bon[:], (chaine, "<I", 0)), "a.xls")[0] == "fichier_illisible"
    for place, forme, valeur in ((30, "<H", 12), (30, "<H", 40), (56, "<I", 0), (56, "<I", 0x7FFFFFFF)):
        assert motif(altered(bon[:], (place, forme, valeur)), "a.xls") == structure, place
    for place in (44, 64, 72):
        assert motif(altered(bon[:], (place, "<I", 0xFFFFFFF)), "a.xls") == ("fichier_dangereux", "nombre de secteurs annoncé faux")  # fmt: skip
    for taille in (8, 100, 511, 512, 1000, 5000):
        assert motif(bytes(bon[:taille]), "a.xls")[0] in ("fichier_illisible", "fichier_non_tableur")


def test_an_encrypted_workbook_is_told_apart():
    flux = hostiles.xls()
    nom = "EncryptedPackage".encode("utf-16-le")
    place = flux.index("Workbook".encode("utf-16-le"))
    flux[place : place + len(nom)] = nom
    struct.pack_into("<H", flux, place + 64, len(nom) + 2)
    assert motif(bytes(flux), "a.xlsx") == ("fichier_protege", "")


def test_of_two_streams_of_that_name_the_first_is_judged_and_cells_before_any_sheet_count():
    from cartographie.intake import binary

    flux = hostiles.xls()
    entrees = binary.directory(bytes(flux))[1]
    assert next(n for n in entrees if n.lower() == "workbook") == "Workbook"
    nombre = struct.pack("<HHHHHd", 0x0203, 14, 65_535, 255, 0, 1.0)
    (relief,) = binary.sheets(struct.pack("<HHIHB", 0x0085, 7, 15, 0, 0) + struct.pack("<HH", 0x000A, 0) + nombre)
    assert relief.coin == (65_536, 256)


@pytest.mark.long
def test_bombs_of_text_have_a_verdict_in_time():
    lignes = {
        b"a;b\n" + b"\n" * 24_000_000 + b"x": "lignes",
        b"a;b\n" + b";" * 24_000_000: "colonnes",
        b"a;b\n" + b"1;\n" * 8_000_000: "lignes",
        b'a;b\n"' + b"x" * 24_000_000: "découpage",
        b"x" * 24_000_000: "découpage",
    }
    for contenu, attendu in lignes.items():
        debut = time.process_time()
        porte = inspect(contenu, "a.csv", {})
        assert (porte.format, porte.refuse) == ("csv", False)
        with pytest.raises((SheetTooLarge, UnreadableText)) as refus:
            read_text(contenu)
        assert attendu in (refus.value.details.get("plafond"), refus.value.details.get("motif"))
        assert time.process_time() - debut < 5
    assert motif(b"a;b\n" * 7_000_000, "a.csv") == ("fichier_trop_gros", "octets")
    assert motif(b"a;b\n1;2\n" * 9000 + zip_({"a": b"x" * 5000}), "a.csv")[0] == "fichier_non_tableur"
    for codage in ("utf-32", "utf-32-be"):
        marque = b"\0\0\xfe\xff" if codage == "utf-32-be" else b""
        assert motif(marque + "a;b\n1;2\n".encode(codage), "a.csv") == ("fichier_illisible", "codage UTF-32")
    assert motif("<html><table>".encode("utf-16"), "a.xls")[0] == "html_deguise"
    assert motif(b" \r\n<!DOCTYPE html><p>" * 3, "a.xls")[0] == "html_deguise"


def with_entry(nom: str, genre: int) -> bytes:
    """An .xls with one more entry in its directory: a storage (1) or a stream (2) of that name."""
    flux = hostiles.xls()
    place = flux.index("Workbook".encode("utf-16-le")) + 128  # the slots after it are empty
    octets = nom.encode("utf-16-le")
    flux[place : place + 64] = octets.ljust(64, b"\0")
    struct.pack_into("<HB", flux, place + 64, len(octets) + 2, genre)
    return bytes(flux)


@pytest.mark.parametrize(
    ("nom", "genre", "attendu"),
    [
        ("_VBA_PROJECT", 2, "macros"),
        ("VBA", 1, "macros"),
        ("dir", 2, "macros"),
        ("Ctls", 2, "activex"),
        ("MBD0001A2F9", 1, "objets_incorpores"),
        ("LNK0000000F", 1, "objets_incorpores"),
        ("MBD0001A2F9", 2, None),  # a stream of that name is no embedded object
        ("xMBD0001A2F9", 1, None),
        ("MBD0001A2", 1, None),
        ("DocumentSummaryInformation", 2, None),
    ],
)
def test_what_an_old_workbook_carries_is_read_in_its_directory(nom, genre, attendu):
    refuse = inspect(
        with_entry(nom, genre), "a.xls", {}, dict.fromkeys(("macros", "activex", "objets_incorpores"), "refuser")
    )
    ecarte = inspect(
        with_entry(nom, genre), "a.xls", {}, dict.fromkeys(("macros", "activex", "objets_incorpores"), "ecarter")
    )
    assert (refuse.refuse, codes(refuse)) == (attendu is not None, [f"{attendu}_refuse"] if attendu else [])
    dit = "macros_ignorees" if attendu == "macros" else f"{attendu}_ecarte"
    assert (ecarte.refuse, codes(ecarte)) == (False, [dit] if attendu else [])
    assert ecarte.macros is (attendu == "macros") and ecarte.format == "xls" and ecarte.reliefs


def test_the_stream_of_an_older_excel_is_found_too():
    flux = hostiles.xls()
    place = flux.index("Workbook".encode("utf-16-le"))
    flux[place : place + 64] = "Book".encode("utf-16-le").ljust(64, b"\0")
    struct.pack_into("<H", flux, place + 64, 10)
    assert motif(bytes(flux), "a.xls") == ("lu", "")
    flux[place : place + 64] = "Contents".encode("utf-16-le").ljust(64, b"\0")
    struct.pack_into("<H", flux, place + 64, 18)
    assert motif(bytes(flux), "a.xls") == ("fichier_non_tableur", "")


@pytest.mark.parametrize(
    ("contenu", "attendu"),
    [
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', ("format_non_accepte", "classeur XML 2003")),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><a>', ("format_non_accepte", "classeur XML 2003")),
        (b'<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">', ("format_non_accepte", "OpenDocument en un seul fichier XML (.fods)")),
        (b"<office:document><p>autre</p>", ("fichier_non_tableur", "")),
        (b"<racine xmlns='opendocument'/>", ("fichier_non_tableur", "")),
        (b"<!DOCTYPE html><p>a</p>", ("html_deguise", "")),
        (b"  <HTML><p>a</p>", ("html_deguise", "")),
        (b"<meta><table><tr>", ("html_deguise", "")),
        (b"<svg></svg>", ("fichier_non_tableur", "")),
        (b"MIME-Version: 1.0\r\n<html>", ("html_deguise", "")),
        (b"From: <Saved by Excel>\r\n", ("html_deguise", "")),
        (b'{"a": 1}', ("fichier_non_tableur", "")),
        (b"ID;PWXL;N;E\r\n", ("format_non_accepte", "SYLK")),
        (b"\xff\xfe\0\0a\0\0\0", ("fichier_illisible", "codage UTF-32")),
        (b"\x09\x08\x10\x00" + bytes(40), ("format_non_accepte", "Excel 4 ou plus ancien")),
        (b"Rar!\x1a\x07", ("fichier_non_tableur", "")),
    ],
)  # fmt: skip
def test_what_is_no_spreadsheet_is_named(contenu, attendu):
    (constat,) = inspect(contenu, "a.xls", {}).constats
    assert (constat.constat, *constat.details.values())[:2] == tuple(x for x in attendu if x)


@pytest.mark.parametrize(("version", "mois", "entete", "est"), [
    (3, 7, 97, True), (0x30, 12, 65, True), (0xF5, 1, 120, True), (5, 7, 97, False), (3, 13, 97, False), (3, 0, 97, False),
    (3, 7, 64, False), (3, 7, 121, False),
])  # fmt: skip
def test_a_dbase_table_is_known_by_its_header(version, mois, entete, est):
    contenu = bytes([version, 126, mois, 5]) + bytes(4) + struct.pack("<H", entete) + bytes(110)
    assert (codes(inspect(contenu, "a.dbf", {})) == ["format_non_accepte"]) is est
    assert codes(inspect(contenu[:64], "a.dbf", {})) != ["format_non_accepte"]


@pytest.mark.parametrize(
    ("contenu", "texte"),
    [
        ("a;b\n1;é\n".encode("utf-16-le"), True),  # no mark: one zero byte in two
        ("a;b\n1;é\n".encode("utf-16-be"), True),
        ("a;b\n1;é\n".encode("utf-16"), True),
        ("a;b\n1;é\n".encode("utf-16") + b"\0", False),  # a lone byte
        (b"a;b\n1;2\n\0", False),  # one zero byte among a text
        (b"a\0\0b" * 20, False),  # as many on either side
        ("漢字" * 30 + "a;b\n", True),
        (b"a;b\n1;\x1b2\n", True),  # what old terminals leave is no sign of a binary file
        (b"a;b\n1;\x012\n", False),
        (b"a;b\n1;\x0c2\n", True),
    ],
)
def test_text_is_told_from_binary(contenu, texte):
    octets = contenu.encode("utf-8") if isinstance(contenu, str) else contenu
    porte = inspect(octets, "a.csv", {})
    assert (porte.format == "csv") is texte, codes(porte)


def test_names_of_cells():
    from openpyxl.utils import get_column_letter

    from cartographie.intake.gate import cell_name

    assert [cell_name(7, c) for c in (1, 26, 27, 28, 702, 703, 16_384)] == [
        "A7",
        "Z7",
        "AA7",
        "AB7",
        "ZZ7",
        "AAA7",
        "XFD7",
    ]
    assert all(cell_name(1, c) == f"{get_column_letter(c)}1" for c in range(1, 2_000))


def test_the_caps_leave_room_for_the_cells_allowed():
    from cartographie.intake.gate import PLAFONDS, caps

    assert caps(None) == caps({}) == caps({"inconnu": 3, "cellules": 0}) == dict(PLAFONDS)
    grand = caps({"cellules": 20_000_000})
    assert (grand["cellules"], grand["octets_partie"], grand["octets_total"]) == (
        20_000_000,
        1_000_000_000,
        2_000_000_000,
    )
    assert caps({"octets_partie": 300_000_000})["octets_total"] == 600_000_000
    assert caps({"octets_total": 9, "ratio": "7"})["octets_total"] == 9 and caps({"ratio": "7"})["ratio"] == 7
