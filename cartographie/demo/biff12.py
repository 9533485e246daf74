"""The parts of a minimal .xlsb (BIFF12, [MS-XLSB]): inline strings, numbers, booleans, dates, errors. No library writes it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from xml.sax.saxutils import quoteattr

ERREURS = {"#NULL!": 0x00, "#DIV/0!": 0x07, "#VALUE!": 0x0F, "#REF!": 0x17, "#NAME?": 0x1D, "#NUM!": 0x24, "#N/A": 0x2A}
EPOQUE = datetime(1899, 12, 30)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PAQUET = "http://schemas.openxmlformats.org/package/2006"
_BUREAU = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def record(identifiant: int, contenu: bytes = b"") -> bytes:
    """One BIFF12 record: its number on one or two bytes, its size by groups of 7 bits, its content."""
    entete = bytes([identifiant]) if identifiant < 0x80 else bytes([identifiant & 0x7F | 0x80, identifiant >> 7])
    taille, reste = b"", len(contenu)
    while True:
        octet, reste = reste & 0x7F, reste >> 7
        taille += bytes([octet | (0x80 if reste else 0)])
        if not reste:
            return entete + taille + contenu


def wide(texte: str) -> bytes:
    code = texte.encode("utf-16-le")
    return struct.pack("<I", len(code) // 2) + code


def serial(jour: date) -> float:
    instant = jour if isinstance(jour, datetime) else datetime.combine(jour, time())
    return (instant - EPOQUE).total_seconds() / 86400


def cell(colonne: int, valeur: Any) -> bytes:
    """The record of one cell (style 1 is a date, 0 anything else). A formula is written as its cached value."""
    style = 1 if isinstance(valeur, date) else 0
    tete = struct.pack("<II", colonne - 1, style)
    brut = getattr(valeur, "texte", None)
    if brut in ERREURS:
        return record(0x03, tete + bytes([ERREURS[brut]]))
    if brut is not None:
        valeur = valeur.valeur if valeur.valeur is not None else ""
    if isinstance(valeur, bool):
        return record(0x04, tete + bytes([valeur]))
    if isinstance(valeur, date):
        return record(0x05, tete + struct.pack("<d", serial(valeur)))
    if isinstance(valeur, (int, float)):
        return record(0x05, tete + struct.pack("<d", valeur))
    return record(0x06, tete + wide(str(valeur)))


def sheet(page: Any) -> bytes:
    """xl/worksheets/sheetN.bin of one Page."""
    lignes = page.rangees()
    derniere = lignes[-1][0] if lignes else 1
    largeur = max((c for _, cellules in lignes for c, _ in cellules), default=1)
    sortie = [record(129), record(148, struct.pack("<IIII", 0, derniere - 1, 0, largeur - 1))]
    if page.colonnes_masquees:
        sortie.append(record(390))
        for colonne in sorted(page.colonnes_masquees):
            sortie.append(record(60, struct.pack("<IIIIH", colonne - 1, colonne - 1, 2304, 0, 0x0001)))
        sortie.append(record(391))
    sortie.append(record(145))
    for ligne, cellules in lignes:
        drapeaux = bytes([0, 0x10 if ligne in page.lignes_masquees else 0, 0])
        sortie.append(record(0, struct.pack("<IIH", ligne - 1, 0, 300) + drapeaux + struct.pack("<I", 0)))
        sortie.extend(cell(c, v) for c, v in cellules)
    for ligne in range(derniere + 1, derniere + 1 + page.lignes_vides):
        sortie.append(record(0, struct.pack("<IIH", ligne - 1, 0, 300) + bytes(3) + struct.pack("<I", 0)))
        sortie.append(record(0x01, struct.pack("<II", 0, 0)))
    sortie.append(record(146))
    if page.fusions:
        sortie.append(record(177, struct.pack("<I", len(page.fusions))))
        sortie.extend(
            record(176, struct.pack("<IIII", r1 - 1, r2 - 1, c1 - 1, c2 - 1)) for r1, c1, r2, c2 in page.fusions
        )
        sortie.append(record(178))
    sortie.append(record(130))
    return b"".join(sortie)


def styles() -> bytes:
    """xl/styles.bin with two cell formats: general, and the built-in date 14."""
    police = struct.pack("<HHHHBBBBBBBBB", 220, 0, 400, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)[:20]
    police = police.ljust(20, b"\0") + b"\x02" + wide("Calibri")
    remplissage = (
        struct.pack("<I", 0) + bytes(8) + bytes(8) + struct.pack("<I", 0) + bytes(8 * 5) + struct.pack("<I", 0)
    )
    bordure = bytes(1) + bytes(10) * 5

    def xf(parent: int, fmt: int) -> bytes:
        return record(47, struct.pack("<HHHHHBBHH", parent, fmt, 0, 0, 0, 0, 0, 0, 0))

    return b"".join(
        [
            record(278),
            record(611, struct.pack("<I", 1)),
            record(43, police),
            record(612),
            record(603, struct.pack("<I", 1)),
            record(45, remplissage),
            record(604),
            record(613, struct.pack("<I", 1)),
            record(46, bordure),
            record(614),
            record(626, struct.pack("<I", 1)),
            xf(0xFFFF, 0),
            record(627),
            record(617, struct.pack("<I", 2)),
            xf(0, 0),
            xf(0, 14),
            record(618),
            record(279),
        ]
    )


def parts(pages: Mapping[str, Any]) -> dict[str, bytes]:
    """Every part of the package, in order."""
    n = len(pages)
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.bin" ContentType="application/vnd.ms-excel.worksheet"/>'
        for i in range(1, n + 1)
    )
    liens = "".join(
        f'<Relationship Id="rId{i}" Type="{_BUREAU}/worksheet" Target="worksheets/sheet{i}.bin"/>'
        for i in range(1, n + 1)
    )
    livre = [record(131), record(153, struct.pack("<II", 0, 0) + wide("")), record(143)]
    for i, (nom, page) in enumerate(pages.items(), 1):
        livre.append(record(156, struct.pack("<II", 1 if page.masquee else 0, i) + wide(f"rId{i}") + wide(nom)))
    livre += [record(144), record(132)]
    principal = quoteattr("application/vnd.ms-excel.sheet.binary.macroEnabled.main")
    contenu = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PAQUET}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.bin" ContentType={principal}/>{types}'
        '<Override PartName="/xl/styles.bin" ContentType="application/vnd.ms-excel.styles"/></Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PAQUET}/relationships">'
        f'<Relationship Id="rId1" Type="{_BUREAU}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
        "xl/_rels/workbook.bin.rels": f'{_XML}<Relationships xmlns="{_PAQUET}/relationships">{liens}'
        f'<Relationship Id="rId{n + 1}" Type="{_BUREAU}/styles" Target="styles.bin"/></Relationships>',
    }
    sortie = {nom: texte.encode() for nom, texte in contenu.items()}
    sortie["xl/workbook.bin"] = b"".join(livre)
    sortie["xl/styles.bin"] = styles()
    for i, page in enumerate(pages.values(), 1):
        sortie[f"xl/worksheets/sheet{i}.bin"] = sheet(page)
    return sortie
