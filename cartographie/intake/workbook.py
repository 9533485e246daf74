"""Spreadsheets and text tables → Classeur, cells typed and at their Excel coordinates."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from html import unescape
from io import BytesIO, StringIO
from posixpath import join, normpath
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from cartographie.intake import binary
from cartographie.intake.binary import Relief
from cartographie.intake.container import column_number
from cartographie.intake.gate import Porte, caps
from cartographie.survey.received import Classeur, Feuille, FormuleNonCalculee

# -------------------------------------------------------------------------------------------
# What the reader does not tell of an .ods: error cells, hidden rows and columns. One expat pass, only when needed.

_INTERET = (b'calcext:value-type="error"', b"<text:p>#", b">Err:", b"table:visibility=", b"of:=")
_MAX_COLONNES_ODS = 16384
_MAX_LIGNES = 1_048_576
_ERREURS = ("#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "Err:")


def reliefs_ods(xml: bytes) -> dict[str, Relief]:
    """{sheet name: Relief} of a content.xml the gate has checked (no entity, repeats within the caps)."""
    if not any(marque in xml for marque in _INTERET):
        return {}
    lecture = _Lecture()
    try:
        lecture.parser.Parse(xml, True)
    except ExpatError:
        return {}
    return lecture.trouves


class _Lecture:
    def __init__(self) -> None:
        self.trouves: dict[str, Relief] = {}
        self.relief = Relief()
        self.ligne = self.colonne = self.colonne_definie = 0
        self.repete_ligne = self.repete_cellule = 1
        self.formule: str | None = None
        self.valeur = False
        self.texte: list[str] | None = None
        self.parser = ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._debut
        self.parser.EndElementHandler = self._fin
        self.parser.CharacterDataHandler = self._donnees

    def _debut(self, balise: str, a: dict[str, str]) -> None:
        if balise == "table:table":
            self.relief = self.trouves.setdefault(a.get("table:name", ""), Relief())
            self.ligne = self.colonne_definie = 0
        elif balise == "table:table-column":
            debut = self.colonne_definie + 1
            self.colonne_definie += int(a.get("table:number-columns-repeated", 1))
            if a.get("table:visibility", "visible") != "visible":
                fin = min(self.colonne_definie, _MAX_COLONNES_ODS)
                self.relief.colonnes_masquees.update(range(debut, fin + 1))
        elif balise == "table:table-row":
            self.repete_ligne = int(a.get("table:number-rows-repeated", 1))
            self.colonne = 0
            if a.get("table:visibility", "visible") != "visible":
                fin = min(self.ligne + self.repete_ligne, _MAX_LIGNES)
                self.relief.lignes_masquees.update(range(self.ligne + 1, fin + 1))
        elif balise in ("table:table-cell", "table:covered-table-cell"):
            self.repete_cellule = int(a.get("table:number-columns-repeated", 1))
            self.formule = a.get("table:formula")
            self.valeur = any(c.startswith("office:") and c.endswith("value") for c in a)
            self.texte = []

    def _donnees(self, texte: str) -> None:
        if self.texte is not None:
            self.texte.append(texte)

    def _fin(self, balise: str) -> None:
        if balise == "table:table-row":
            self.ligne += self.repete_ligne
        elif balise in ("table:table-cell", "table:covered-table-cell"):
            contenu = "".join(self.texte or ()).strip()
            place = (self.ligne + 1, self.colonne + 1)
            if self.formule:
                self.relief.calculees.add(place)
            if contenu.startswith(_ERREURS) and len(contenu) < 16:
                self.relief.erreurs[place] = contenu
            elif self.formule and not contenu and not self.valeur:
                self.relief.formules[place] = "=" + self.formule.partition("=")[2]
            self.colonne += self.repete_cellule
            self.texte = None


# -------------------------------------------------------------------------------------------
# Spreadsheets (xlsx, xlsm, xlsb, xls, ods) → Classeur, cells typed and at their Excel coordinates.
#
# The reader (calamine) gives values; it blanks error cells and formulas never computed, and ignores hidden rows, so the
# XML of a sheet is looked at too, only when a plain byte search says there is something to see.

_MAX_COLONNES = 16384


class SheetTooLarge(Exception):
    """A sheet exceeds a cap; `details`: {plafond, trouve, maximum, feuille}."""

    def __init__(self, feuille: str, **details: object) -> None:
        self.feuille, self.details = feuille, {**details, "feuille": feuille}
        super().__init__(str(self.details))


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
    _tient(hauteur, largeur, limites, nom)
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
    page = binary.codepage(binary.read_workbook_stream(contenu))
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
        return dict(enumerate(porte.reliefs)), binary.date1904(binary.read_workbook_stream(contenu))
    if porte.format == "ods":
        return reliefs_ods(porte.parties.get("content.xml", b"")), False
    if porte.format == "xlsb":
        cibles = _cibles(porte.parties, "xl/workbook.bin")
        feuilles = binary.binary_sheets(porte.parties.get("xl/workbook.bin", b""))
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


# -------------------------------------------------------------------------------------------
# Text tables → Classeur of one sheet. Encoding and separator are found from the content, and always reported.
#
# Cells are all text. `lignes[i]` is the i-th record of the file, blank ones included: the row a spreadsheet would show.

SEPARATEURS = (";", ",", "\t", "|")
_MARQUES = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_APERCU = 60
_HAUTS = bytes(range(0x80, 0x100))
_ACCENT_UTF8 = re.compile(rb"\xc3[\x80-\xbf]")
_CHAMP_MAX = 1_000_000


class UnreadableText(Exception):
    """The text cannot be cut into cells without guessing; `details` says why."""

    def __init__(self, **details: object) -> None:
        super().__init__(str(details))
        self.details = details


def read_text(
    contenu: bytes,
    *,
    encodage: str | None = None,
    separateur: str | None = None,
    plafonds: Mapping[str, Any] | None = None,
    nom: str = "",
) -> Classeur:
    """The one sheet of a text file; given `encodage` and `separateur` are imposed. Raises UnreadableText, SheetTooLarge."""
    encodage = encodage or detect_encoding(contenu)
    try:
        texte = contenu.decode(encodage)
    except (UnicodeDecodeError, LookupError) as erreur:
        raise UnreadableText(motif="encodage", encodage=encodage) from erreur
    texte = texte.removeprefix("\ufeff")
    if texte[:4].lower() == "sep=" and texte[5:6] in "\r\n" and len(texte) > 5:  # a hint to spreadsheets, not a row
        separateur = separateur or texte[4]
        texte = texte[5:].removeprefix("\r").removeprefix("\n")
    separateur = separateur or detect_separator(texte)
    lignes, largeur = _decoupe(texte, separateur or SEPARATEURS[0], caps(plafonds), nom)
    brut = len(lignes)
    grille = []
    for ligne in lignes:
        propre = [None if not v or v.isspace() else v for v in ligne]
        propre.extend([None] * (largeur - len(propre)))
        grille.append(propre)
    trim(grille)
    feuille = Feuille(nom, grille, lignes_fantomes=brut - len(grille))
    return Classeur("csv", (feuille,), encodage=encodage, separateur=separateur)


def detect_encoding(contenu: bytes) -> str:
    """By byte order mark, then zero bytes of UTF-16, then strict UTF-8, else cp1252."""
    for marque, encodage in _MARQUES:
        if contenu.startswith(marque):
            return encodage
    pairs, impairs = contenu[:4096:2].count(0), contenu[1:4096:2].count(0)
    if pairs != impairs and max(pairs, impairs) > len(contenu[:4096]) / 8:
        return "utf-16-be" if pairs > impairs else "utf-16-le"
    try:
        contenu.decode("utf-8")
    except UnicodeDecodeError:
        accents = len(_ACCENT_UTF8.findall(contenu))
        hauts = len(contenu) - len(contenu.translate(None, _HAUTS))
        return "utf-8" if accents > hauts - 2 * accents else "cp1252"  # damaged UTF-8 is refused, not read askew
    return "utf-8"


def detect_separator(texte: str) -> str | None:
    """The separator that cuts the first records into the most regular, widest table; None when there is one column."""
    apercu = texte[:200_000]
    if len(texte) > len(apercu):
        apercu = apercu[: apercu.rfind("\n") + 1] or apercu
    notes = {}
    for rang, separateur in enumerate(SEPARATEURS):
        if separateur in apercu:
            stricte = _largeurs(apercu, separateur, strict=True)  # quotes stand where that separator puts them
            largeurs = Counter(stricte or _largeurs(apercu, separateur))
            largeur, nombre = max(largeurs.items(), key=lambda ln: (ln[0] > 1, ln[1], ln[0]), default=(1, 0))
            if largeur > 1:
                notes[separateur] = (bool(stricte), nombre / largeurs.total() * (1 - 1 / largeur), -rang)
    return max(notes, key=notes.__getitem__) if notes else None


def _largeurs(apercu: str, separateur: str, strict: bool = False) -> list[int]:
    """Number of cells of each non-blank record among the first ones; none when `strict` and a quote is out of place."""
    csv.field_size_limit(_CHAMP_MAX)
    largeurs: list[int] = []
    try:
        for ligne in csv.reader(StringIO(apercu, newline=""), delimiter=separateur, strict=strict):
            if any(ligne):
                largeurs.append(len(ligne))
            if len(largeurs) >= _APERCU:
                break
    except csv.Error as erreur:
        return largeurs if strict and "end of data" in str(erreur) else []  # the preview may end inside a quoted cell
    return largeurs


def _decoupe(texte: str, separateur: str, limites: Mapping[str, int], nom: str) -> tuple[list[list[str]], int]:
    """(records, width of the widest), cut no further than the caps."""
    csv.field_size_limit(_CHAMP_MAX)
    lignes: list[list[str]] = []
    largeur = 0
    try:
        for ligne in csv.reader(StringIO(texte, newline=""), delimiter=separateur):
            lignes.append(ligne)
            if len(ligne) > largeur:
                largeur = len(ligne)
                _tient(len(lignes), largeur, limites, nom)
            elif len(lignes) % 1000 == 0:
                _tient(len(lignes), largeur, limites, nom)
    except (csv.Error, TypeError) as erreur:
        raise UnreadableText(motif="découpage", separateur=separateur) from erreur
    _tient(len(lignes), largeur, limites, nom)
    if texte.count('"') % 2 and lignes and any("\n" in v for v in lignes[-1]):
        raise UnreadableText(motif="guillemet non refermé", separateur=separateur, ligne=len(lignes))
    return lignes, largeur


def _tient(hauteur: int, largeur: int, limites: Mapping[str, int], nom: str) -> None:
    for plafond, trouve in (("lignes", hauteur), ("colonnes", largeur), ("cellules", hauteur * largeur)):
        if trouve > limites[plafond]:
            raise SheetTooLarge(plafond=plafond, trouve=trouve, maximum=limites[plafond], feuille=nom)
