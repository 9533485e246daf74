"""Spreadsheets (xlsx, xlsm, xlsb, xls, ods) → Classeur, cells typed and at their Excel coordinates.

The reader (calamine) gives values; it blanks error cells and formulas never computed, and ignores hidden rows, so the
XML of a sheet is looked at too, only when a plain byte search says there is something to see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import unescape
from io import BytesIO
from posixpath import join, normpath
from typing import Any

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from cartographie.intake import biff, cfb, opendocument
from cartographie.intake.biff import Relief
from cartographie.intake.etendue import column_number
from cartographie.intake.gate import Porte, caps
from cartographie.model import Classeur, Feuille

_MAX_COLONNES = 16384


class FormuleNonCalculee(str):
    """The text "=…" of a formula the file holds without its result."""

    __slots__ = ()


class SheetTooLarge(Exception):
    """A sheet exceeds a cap; `details`: {plafond, trouve, maximum, feuille}."""

    def __init__(self, **details: Any) -> None:
        super().__init__(str(details))
        self.details = details


def read_workbook(contenu: bytes, porte: Porte, plafonds: Mapping[str, Any] | None = None) -> Classeur:
    """Every sheet of a file the gate let through. Raises SheetTooLarge, and whatever the reader raises."""
    limites = caps(plafonds)
    reliefs, date1904 = _reliefs(contenu, porte)
    feuilles = []
    with CalamineWorkbook.from_filelike(BytesIO(_lisible(contenu, porte))) as classeur:
        for rang, meta in enumerate(classeur.sheets_metadata):
            if meta.typ != SheetTypeEnum.WorkSheet:
                continue
            relief = reliefs.get(meta.name) or reliefs.get(rang) or Relief()
            masquee = meta.visible != SheetVisibleEnum.Visible
            feuilles.append(_feuille(meta.name, masquee, classeur.get_sheet_by_index(rang), relief, limites))
    return Classeur(porte.format or "", tuple(feuilles), date1904=date1904, macros=porte.macros)


def _feuille(nom: str, masquee: bool, brute: CalamineSheet, relief: Relief, limites: Mapping[str, int]) -> Feuille:
    fin = brute.end
    hauteur, largeur = (fin[0] + 1, fin[1] + 1) if fin else (0, 0)
    for ligne, colonne in (*relief.erreurs, *relief.formules, *relief.valeurs):
        hauteur, largeur = max(hauteur, ligne), max(largeur, colonne)
    for plafond, trouve in (("lignes", hauteur), ("colonnes", largeur), ("cellules", hauteur * largeur)):
        if trouve > limites[plafond]:
            raise SheetTooLarge(plafond=plafond, trouve=trouve, maximum=limites[plafond], feuille=nom)
    lignes = clean_rows(brute.to_python(skip_empty_area=False)) if fin else []
    if relief.erreurs or relief.formules or relief.valeurs:
        _complete(lignes, hauteur, largeur)
        for (ligne, colonne), texte in relief.erreurs.items():
            lignes[ligne - 1][colonne - 1] = texte
        for (ligne, colonne), valeur in relief.valeurs.items():
            if lignes[ligne - 1][colonne - 1] is None:
                lignes[ligne - 1][colonne - 1] = valeur
        for (ligne, colonne), texte in relief.formules.items():
            lignes[ligne - 1][colonne - 1] = FormuleNonCalculee(texte)
    trim(lignes)
    fusions = [(a + 1, b + 1, c + 1, d + 1) for (a, b), (c, d) in brute.merged_cell_ranges or ()]
    return Feuille(
        nom,
        lignes,
        masquee,
        tuple(sorted(fusions)),
        frozenset(relief.lignes_masquees),
        frozenset(relief.colonnes_masquees),
        frozenset(relief.formules),
        max(0, max(relief.derniere_ligne, hauteur) - len(lignes)),
        frozenset(relief.calculees) - frozenset(relief.formules) - frozenset(relief.erreurs),
    )


_PAGES_DE_CODES = {
    0x8001: 1252,
    0x8000: 10000,
}  # old numbers of the two first code pages; the reader knows the new ones


def _lisible(contenu: bytes, porte: Porte) -> bytes:
    """The file, with the name of its code page put in the words the reader knows."""
    if porte.format != "xls":
        return contenu
    page = biff.codepage(cfb.read_workbook_stream(contenu))
    if page not in _PAGES_DE_CODES:
        return contenu
    avant = b"\x42\0\2\0" + page.to_bytes(2, "little")
    return contenu.replace(avant, avant[:4] + _PAGES_DE_CODES[page].to_bytes(2, "little"), 1)


class _Textes(dict[str, str | None]):
    """Each distinct text once; blank ones are None."""

    def __missing__(self, texte: str) -> str | None:
        self[texte] = propre = None if not texte or texte.isspace() else texte
        return propre


_TEXTES = _Textes()


def clean_rows(lignes: list[list[Any]]) -> list[list[Any]]:
    """Blank texts → None, booleans → "VRAI"/"FAUX". One pass; equal texts become one object (memory, hashing)."""
    textes = _TEXTES
    if len(textes) > 50_000:  # texts met so far, kept from one file to the next
        textes.clear()
    return [
        [
            v
            if (genre := v.__class__) is float
            else textes[v]
            if genre is str
            else ("VRAI" if v else "FAUX")
            if genre is bool
            else v
            for v in ligne
        ]
        for ligne in lignes
    ]


def trim(lignes: list[list[Any]]) -> None:
    """Drop the blank rows at the end, in place."""
    while lignes and lignes[-1].count(None) == len(lignes[-1]):
        lignes.pop()


def _complete(lignes: list[list[Any]], hauteur: int, largeur: int) -> None:
    """Make the grid at least hauteur × largeur, in place."""
    actuelle = len(lignes[0]) if lignes else 0
    if actuelle < largeur:
        for ligne in lignes:
            ligne.extend([None] * (largeur - actuelle))
    lignes.extend([None] * max(largeur, actuelle) for _ in range(hauteur - len(lignes)))


# --------------------------------------------------------------------------- what the reader does not tell


def _reliefs(contenu: bytes, porte: Porte) -> tuple[dict[Any, Relief], bool]:
    """({sheet name or rank: Relief}, date1904)."""
    if porte.format == "xls":
        return dict(enumerate(porte.reliefs)), biff.date1904(cfb.read_workbook_stream(contenu))
    if porte.format == "ods":
        return opendocument.reliefs(porte.parties.get("content.xml", b"")), False
    if porte.format == "xlsb":
        cibles = _cibles(porte.parties, "xl/workbook.bin")
        feuilles = biff.binary_sheets(porte.parties.get("xl/workbook.bin", b""))
        reliefs = {r.partie: r for r in porte.reliefs}
        return {n: reliefs.get(cibles.get(r, ""), Relief()) for n, r in feuilles}, False
    return _reliefs_xml(porte.parties)


_FEUILLE = re.compile(rb"<(?:\w+:)?sheet\s([^<>]*)>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s([^<>]*)>")
_ATTRIBUT = re.compile(rb"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def _attributs(balise: bytes) -> dict[str, str]:
    """Attributes of a tag by local name."""
    return {
        n.decode("ascii", "replace").rpartition(":")[2]: unescape((a or b).decode("utf-8", "replace"))
        for n, a, b in _ATTRIBUT.findall(balise)
    }


def _reliefs_xml(parties: Mapping[str, bytes]) -> tuple[dict[Any, Relief], bool]:
    """({sheet name: Relief}, date1904). Which part is which sheet is looked up only when some part has something to say."""
    classeur = "xl/workbook.xml"
    if classeur not in parties:
        relations = map(_attributs, _RELATION.findall(parties.get("_rels/.rels", b"")))
        cibles = [r.get("Target", "") for r in relations if r.get("Type", "").endswith("/officeDocument")]
        classeur = cibles[0].lstrip("/") if cibles else classeur
    xml = parties.get(classeur, b"")
    date1904 = bool(re.search(rb"date1904\s*=\s*[\"'](?:1|true)", xml))
    reliefs = {nom: _relief_xml(partie) for nom, partie in parties.items() if b"sheetData" in partie}
    if not any(
        r.erreurs or r.calculees or r.lignes_masquees or r.colonnes_masquees or r.lointain for r in reliefs.values()
    ):
        return {}, date1904
    parts = _cibles(parties, classeur)
    feuilles = map(_attributs, _FEUILLE.findall(xml))
    return {f.get("name", ""): reliefs.get(parts.get(f.get("id", ""), ""), Relief()) for f in feuilles}, date1904


def _cibles(parties: Mapping[str, bytes], classeur: str) -> dict[str, str]:
    """Relationship id → part name, for the relationships of the workbook part."""
    dossier, _, fichier = classeur.rpartition("/")
    cibles = {}
    for balise in _RELATION.findall(parties.get(join(dossier, "_rels", f"{fichier}.rels"), b"")):
        attributs = _attributs(balise)
        cible = attributs.get("Target", "")
        cibles[attributs.get("Id", "")] = cible[1:] if cible.startswith("/") else normpath(join(dossier, cible))
    return cibles


@lru_cache(maxsize=8)
def _motifs(prefixe: bytes) -> tuple[re.Pattern[bytes], ...]:
    """Patterns of a sheet whose elements carry that namespace prefix: error cells, formulas, rows, columns."""
    p = re.escape(prefixe)
    return (
        re.compile(rb"<%bc ([^<>]*\bt=[\"']e[\"'][^<>/]*)>([^<]*(?:<(?!/?%bc[ >])[^<]*)*)</%bc>" % (p, p, p)),
        re.compile(
            rb"<%bc ([^<>]*[^<>/]|)>\s*<%bf\b(?:[^<>]*/>|[^<>]*>([^<]*)</%bf>)\s*(?:<%bv\b[^<>/]*>([^<]*)</%bv>)?"
            % ((p,) * 5)
        ),
        re.compile(rb"<%brow ([^<>]*\bhidden=[\"'](?:1|true)[\"'][^<>]*)>" % p),
        re.compile(rb"<%bcol ([^<>]*\bhidden=[\"'](?:1|true)[\"'][^<>]*)>" % p),
        re.compile(rb"<%bv\b[^<>]*>([^<]*)<" % p),
    )


def _relief_xml(xml: bytes) -> Relief:
    prefixe = re.search(rb"<(\w+:)?sheetData", xml)
    p = (prefixe[1] or b"") if prefixe else b""
    erreurs, formules, rangs, colonnes, valeur = _motifs(p)
    relief = Relief()
    debut = xml.rfind(b"<%brow " % p)
    numero = re.match(rb"[^>]*?\br=[\"'](\d{1,7})[\"']", xml[debut : debut + 300]) if debut >= 0 else None
    relief.derniere_ligne = int(numero[1]) if numero else 0
    if b't="e"' in xml or b"t='e'" in xml:
        for attributs, corps in erreurs.findall(xml):
            texte = valeur.search(corps)
            if place := _place(attributs):
                relief.erreurs[place] = (texte[1].decode("utf-8", "replace").strip() if texte else "") or "#N/A"
    if b"<%bf" % p in xml:
        for attributs, texte_formule, resultat in formules.findall(xml):
            if (place := _place(attributs)) is None:
                continue
            relief.calculees.add(place)
            if not resultat and b't="str"' not in attributs:
                relief.formules[place] = "=" + unescape(texte_formule.decode("utf-8", "replace"))
    if b"hidden=" in xml:
        for balise in rangs.findall(xml):
            if rang := _attributs(balise).get("r", ""):
                relief.lignes_masquees.add(int(rang))
        for balise in colonnes.findall(xml):
            a = _attributs(balise)
            premiere, derniere = int(a.get("min", 0)), int(a.get("max", 0))
            relief.colonnes_masquees.update(range(premiere, min(derniere, _MAX_COLONNES) + 1))
    return relief


_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3})(\d{1,7})[\"']")


def _place(attributs: bytes) -> tuple[int, int] | None:
    trouve = _PLACE.search(attributs)
    return (int(trouve[2]), column_number(trouve[1])) if trouve else None
