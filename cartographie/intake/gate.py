"""The gate: what a received file really is, by its bytes, and whether it is safe to open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import PurePosixPath
from posixpath import join, normpath
from struct import error as StructError
from typing import Any, NamedTuple

from cartographie.intake import binary
from cartographie.intake.binary import Relief
from cartographie.intake.container import (
    BLANCS,
    Refus,
    entries,
    inflate,
    measure_ods,
    measure_sheet,
    require_honest_texts,
    require_within,
)
from cartographie.survey.received import Constat
from cartographie.survey.written.declared import ContenuActif

# -------------------------------------------------------------------------------------------
# Active contents: what a spreadsheet holds that runs, or fetches, or comes from elsewhere. Found, counted, never read.
#
# Each kind is refused or set aside, by the campaign's `contenus_actifs`. Nothing here is executed or dereferenced: parts
# are known by name, by declared type, and by what formulas say. Sources: [ECMA-376] 18, [ODF 1.3] 9 and 19, [MS-XLS].

REFUSER, ECARTER = "refuser", "ecarter"
DEFAUTS: Mapping[ContenuActif, str] = {
    "dde": REFUSER,
    "connexions": REFUSER,
    "requetes": REFUSER,
    "activex": REFUSER,
    "objets_incorpores": REFUSER,
    "liaisons_externes": REFUSER,
    "fonctions_externes": REFUSER,
    "macros_excel4": REFUSER,
    "macros": ECARTER,
    "power_query": ECARTER,
    "liaisons_inutilisees": ECARTER,
    "hyperliens": ECARTER,
}
_ALERTES = {"macros": "macros_ignorees"}

# Kind → what the name of a part, or its declared type, contains.
_PARTIES: Mapping[str, tuple[re.Pattern[str], bytes]] = {
    "macros": (re.compile(r"vbaproject\.bin$|(?:^|/)customui/|(?:^|/)basic/.+\.xml$|^scripts/", re.I), b"vbaproject"),
    "macros_excel4": (re.compile(r"/(?:intl)?macrosheets/", re.I), b"macrosheet"),
    "connexions": (re.compile(r"/connections\.(?:xml|bin)$", re.I), b".connections"),
    "requetes": (re.compile(r"/querytables/", re.I), b".querytable"),
    "activex": (re.compile(r"/activex/", re.I), b"activex"),
    "objets_incorpores": (re.compile(r"/embeddings/", re.I), b"oleobject"),
    "liaisons_externes": (re.compile(r"/externallinks/[^/]+\.(?:xml|bin)$", re.I), b"externallink"),
}
_SUPPLANTE = re.compile(rb"<Override\b[^<>]*ContentType\s*=\s*[\"']([^\"']*)", re.I)
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^<>]*TargetMode\s*=\s*[\"']External[^<>]*>", re.I)
_CIBLE = re.compile(rb"\bTarget\s*=\s*[\"']\s*([^\"']*)", re.I)

_FORMULE = re.compile(rb"<(?:\w+:)?f(?:\s[^<>]*)?>([^<]+)<")
_AILLEURS = re.compile(
    rb"<(?:\w+:)?(?:definedName|formula[12]?)(?:\s[^<>]*)?>([^<]+)<"
)  # names, rules, drop-down lists
_FORMULE_ODS = re.compile(rb"table:formula\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CHAINE = re.compile(r'"[^"]*"')
_DDE = re.compile(r"\w\s{0,9}\|\s{0,9}(?:'[^'\n|]{0,999}'|[^'\"!\s|]{1,999})\s{0,9}!|(?<![\w.])DDE\s{0,9}\(")
_FONCTION = re.compile(r"(?<![\w.])(?:_xlfn\.)?(?:WEBSERVICE|RTD|CALL|REGISTER(?:\.ID)?)\s{0,9}\(", re.I)
_LIEN = re.compile(r"(?<![\w.])HYPERLINK\s{0,9}\((?!\s*\"#)", re.I)
_EXTERNE = re.compile(
    r"(?<![\w\]])\[\d+\][^\[\],()+*/;&\n]{0,999}!|'[^'\n\[]{0,999}\[[^\]'\n\[]{1,999}\][^'\n\[]{0,999}'!"
)
_EXTERNE_ODS = re.compile(r"'(?:file|https?|ftp|smb):[^'\n]{0,4000}'\s{0,9}#|\[\s{0,9}(?:file|https?|ftp|smb):", re.I)
_NOM = re.compile(rb"<(?:\w+:)?definedName\b[^<>]*\bname\s*=\s*[\"']([^\"'<>]+)[\"'][^<>]*>[^<\[]*\[\d+\]")


def verdict(
    trouves: Mapping[str, int], politique: Mapping[ContenuActif, str] | None = None
) -> tuple[tuple[Constat, ...], bool]:
    """(findings, whether the file is refused): one finding per kind found; refusals alone when there is any."""
    regle = {**DEFAUTS, **(politique or {})}
    presents = {genre: n for genre in DEFAUTS if (n := trouves.get(genre, 0))}
    refus = [genre for genre in presents if regle[genre] == REFUSER]
    if refus:
        return tuple(Constat(f"{g}_refuse", details={"nombre": presents[g]}) for g in refus), True
    noms = {g: _ALERTES.get(g, f"{g}_ecarte") for g in presents}
    return tuple(Constat(noms[g], details={"nombre": n}) for g, n in presents.items()), False


def in_package(noms: Collection[str], parties: Mapping[str, bytes], signales: Mapping[str, int]) -> Counter[str]:
    """Kinds in an OOXML package. `signales`: what `in_part` found in its parts while they were inflated."""
    trouves = Counter(signales)
    declares = [t.lower() for t in _SUPPLANTE.findall(parties.get("[Content_Types].xml", b""))]
    for genre, (motif, type_declare) in _PARTIES.items():
        nommees = sum(motif.search("/" + n) is not None for n in noms)
        trouves[genre] += max(nommees, sum(type_declare in t for t in declares))
    liees = trouves.pop("_liees", 0)
    if trouves["dde"] and trouves["liaisons_externes"]:  # a DDE link is kept in a part of its own
        trouves["liaisons_externes"] -= min(trouves["_dde"], trouves["liaisons_externes"])
    trouves.pop("_dde", None)
    if trouves["liaisons_externes"] and not liees and not _par_un_nom(parties):
        trouves["liaisons_inutilisees"] = trouves.pop("liaisons_externes")
    elif liees and not trouves["liaisons_externes"]:
        trouves["liaisons_externes"] = liees if not trouves["dde"] else 0
    return trouves


def in_part(nom: str, xml: bytes) -> Counter[str]:
    """Kinds one XML part of an OOXML package holds; `_liees` counts formulas reading another workbook, `_dde` DDE parts."""
    trouves: Counter[str] = Counter()
    if nom.endswith(".rels"):
        if b"External" in xml or b"external" in xml:
            _relations(xml, "externalLinks/" in nom, trouves)
        return trouves
    if b"<f" in xml or b":f" in xml:
        trouves += in_formulas("\n".join(_decoded(f) for f in set(_FORMULE.findall(xml))))
    if b"definedName" in xml or b"formula" in xml:
        ailleurs = in_formulas("\n".join(_decoded(f) for f in set(_AILLEURS.findall(xml))))
        trouves += Counter({g: ailleurs[g] for g in ("dde", "fonctions_externes")})
    if b"ddeLink" in xml or b"oleLink" in xml:
        trouves["dde"] += 1
        trouves["_dde"] += 1
    if b"DataMashup" in xml and nom.lower().startswith("customxml/"):
        trouves["power_query"] += 1
    return trouves


def _relations(xml: bytes, liaison: bool, trouves: Counter[str]) -> None:
    for balise in _RELATION.findall(xml):
        cible = _CIBLE.search(balise)
        if b"/oleObject" in balise:
            trouves["objets_incorpores"] += not liaison
        elif not liaison and not (cible and cible[1].lower().startswith((b"mailto:", b"#"))):
            trouves["hyperliens"] += 1


def in_formulas(texte: str) -> Counter[str]:
    """Kinds in formulas, one per line, as the file writes them (in English)."""
    nues = _CHAINE.sub('""', texte)
    trouves = {
        "dde": len(_DDE.findall(nues)),
        "fonctions_externes": len(_FONCTION.findall(nues)),
        "hyperliens": len(_LIEN.findall(texte)),
        "_liees": len(_EXTERNE.findall(nues)) if "[" in nues else 0,
    }
    return Counter({g: n for g, n in trouves.items() if n})


def _par_un_nom(parties: Mapping[str, bytes]) -> bool:
    """True when formulas use a name that stands for cells of another workbook."""
    noms = {m.decode("utf-8", "replace") for xml in parties.values() for m in _NOM.findall(xml)}
    if not noms:
        return False
    formules = "\n".join(_decoded(f) for xml in parties.values() if b"sheetData" in xml for f in _FORMULE.findall(xml))
    return any(re.search(rf"(?<![\w.]){re.escape(n)}(?![\w.])", formules) for n in noms)


def _decoded(octets: bytes) -> str:
    return unescape(octets.decode("utf-8", "replace"))


# --------------------------------------------------------------------------- .ods, text

_ODS: Mapping[str, re.Pattern[bytes]] = {
    "dde": re.compile(rb"<(?:office:dde-source|table:dde-link)\b"),
    "requetes": re.compile(rb"<table:cell-range-source\b"),
    "connexions": re.compile(rb"<(?:table:database-source-\w+|form:connection-resource)\b"),
    "_sources": re.compile(rb"<table:table-source\b"),
    "hyperliens": re.compile(
        rb"<text:a\b[^<>]*xlink:href\s*=\s*[\"'](?!mailto:|#)|<draw:image\b[^<>]*xlink:href\s*=\s*[\"']\s*[\w.+-]+:"
    ),
    "objets_incorpores": re.compile(rb"<draw:(?:plugin|applet|floating-frame)\b"),
    "macros": re.compile(rb"<script:event-listener\b"),
}
_OBJET = re.compile(rb"<manifest:file-entry\b[^<>]*>")
_INOFFENSIF = (b"opendocument.chart", b"opendocument.formula")


def in_opendocument(noms: Collection[str], parties: Mapping[str, bytes]) -> Counter[str]:
    """Kinds in an OpenDocument spreadsheet."""
    xml = parties.get("content.xml", b"")
    trouves = Counter({genre: n for genre, motif in _ODS.items() if (n := len(motif.findall(xml)))})
    trouves["macros"] += sum(_PARTIES["macros"][0].search(n) is not None for n in noms)
    texte = "\n".join(_decoded(a or b) for a, b in set(_FORMULE_ODS.findall(xml)))
    trouves += in_formulas(texte.replace("[.", "("))
    liees, sources = len(_EXTERNE_ODS.findall(texte)), trouves.pop("_sources", 0)
    trouves.pop("_liees", None)
    trouves["liaisons_externes" if liees else "liaisons_inutilisees"] += liees or sources
    for balise in _OBJET.findall(parties.get("META-INF/manifest.xml", b"")):
        objet = b'full-path="Object ' in balise and b"application/" in balise
        trouves["objets_incorpores"] += objet and b'/"' in balise and not any(i in balise for i in _INOFFENSIF)
        trouves["objets_incorpores"] += b"oleobject" in balise.lower()
    return trouves


_COMMANDE = re.compile(
    rb"(?:^|[;,\t|\"\r\n])[ \t]{0,9}[=+@-][^\r\n\t;|\"]{0,99}\|[ \t]{0,9}'[^'\r\n]{0,999}'[ \t]{0,9}!", re.M
)


_APPEL = re.compile(rb"\|[ \t]{0,9}'")


def in_text(contenu: bytes) -> Counter[str]:
    """A DDE command written in a text table, which a spreadsheet would run on opening it."""
    brut = contenu.replace(b"\0", b"") if b"\0" in contenu[:64] else contenu
    return Counter({"dde": len(_COMMANDE.findall(brut)) if _APPEL.search(brut) else 0})


def in_binary(trouves: Counter[str], parties: Mapping[str, bytes], formules: bool) -> None:
    """The links of an .xlsb, whose parts say by their first record what they lead to. Formulas are taken to use them."""
    liens = [o for n, o in parties.items() if n.startswith("xl/externalLinks/")]
    dde = sum(o[:2] == b"\xe8\x02" and o[3:5] != b"\0\0" for o in liens)  # BrtBeginSupBook: 0 is another workbook
    classeurs = len(liens) - dde
    trouves["dde"] += dde
    trouves["liaisons_externes"] = trouves["liaisons_inutilisees"] = 0
    trouves["liaisons_externes" if formules else "liaisons_inutilisees"] = classeurs


# -------------------------------------------------------------------------------------------
# A zip container, from its parts to the one workbook it holds: each part inflated under caps, searched, measured.
#
# Readers choose by themselves which parts they open, and are more tolerant than a parser: what two of them could read
# differently (two workbooks in one file, a sheet out of its place, text before the first tag) is refused.

FORMATS = ("xlsx", "xlsm", "xlsb", "xls", "ods", "csv")
_CODAGE = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"']\s*([\w.:-]+)")
_CODAGES = {b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252"}
_LU = (b"sheetData", b"<sst", b":sst", b"table:table-row")  # what a reader looks for in a part, whatever its name
_APPLE = b"\0\5\x16\7"  # what macOS leaves beside each file of a zip
_SANS_CELLULE = re.compile(r"vbaproject|printersettings|sharedstrings|styles|/media/", re.I)
_RELATION_XLSB = re.compile(rb"<(?:\w+:)?Relationship\s[^<>]*")
_ID_XLSB, _CIBLE_XLSB = (re.compile(rb"\s%b\s*=\s*[\"']([^\"'<>]*)" % n) for n in (b"Id", b"Target"))


class Nature(NamedTuple):
    """What a file is: its format, the active contents found, the parts and the sheets' reliefs its reader will need."""

    format: str
    actifs: Mapping[str, int] = {}
    parties: Mapping[str, bytes] = {}
    reliefs: tuple[Relief, ...] = ()


def format_refused(trouve: str) -> Refus:
    return Refus("format_non_accepte", trouve=trouve, attendu=", ".join(FORMATS))


def require_reliefs_within(reliefs: tuple[Relief, ...], limites: Mapping[str, int]) -> None:
    """The filled area of each binary sheet, and all the cells of the workbook, within the caps. Raises Refus."""
    for relief in reliefs:
        require_within(*relief.coin, limites)
    require_within(0, 0, limites, sum(r.cellules for r in reliefs))


def package(contenu: bytes, limites: Mapping[str, int]) -> Nature:
    """Which workbook a zip holds. Raises Refus."""
    entrees = entries(contenu, limites)
    noms = [e.nom for e in entrees]
    if any(n.endswith((".iwa", "Index.zip", "index.apxl")) for n in noms):
        raise format_refused("Apple Numbers")
    gardees: dict[str, bytes] = {}
    signales: Counter[str] = Counter()
    cellules, masquee = 0, False
    for nom, octets in inflate(contenu, entrees, limites):
        if octets.lstrip(BLANCS)[:1] == b"<":
            xml = _sans_entite(octets)
            signales += in_part(nom, xml)
            if b"sheetData" in xml:
                cellules += measure_sheet(xml, limites)
                require_within(0, 0, limites, cellules)
            elif b"<sst" in xml or b":sst" in xml:
                require_honest_texts(xml)
            if _a_garder(nom, xml):
                gardees[nom] = xml
        elif nom == "mimetype" or (nom.endswith(".bin") and not _SANS_CELLULE.search(nom)):
            gardees[nom] = octets
        else:
            masquee |= _masque(nom, octets)
    if b"encryption-data" in gardees.get("META-INF/manifest.xml", b""):
        raise Refus("fichier_protege")
    if masquee:
        raise Refus("fichier_illisible", motif="XML mal formé")
    return _classeur(noms, gardees, signales, limites)


def _masque(nom: str, octets: bytes) -> bool:
    """True for a part a reader may take for XML although something comes before its first tag."""
    if nom.lower().endswith((".xml", ".rels", ".vml")) and not octets.startswith(_APPLE):
        return b"<" in octets
    return any(marque in octets for marque in _LU)


def _sans_entite(octets: bytes) -> bytes:
    """The XML of a part, one byte per ASCII character. Raises Refus when it declares entities, or hides its spelling."""
    large = b"\0" in octets[:64]
    xml = octets.replace(b"\0", b"") if large else octets
    if b"!" in xml and (b"<!DOCTYPE" in xml or b"<!ENTITY" in xml):
        raise Refus("fichier_dangereux", motif="entités XML")
    codage = _CODAGE.match(xml[:200].lstrip(BLANCS).lower())
    if codage and not large and codage[1] not in _CODAGES:
        raise Refus("fichier_illisible", motif="codage du XML")
    if large and any(marque in xml for marque in _LU):  # the reader knows UTF-8 only, and would show the sheet empty
        raise Refus("fichier_illisible", motif="codage du XML")
    return xml


def _a_garder(nom: str, xml: bytes) -> bool:
    """True for the parts the reader needs: structure, and sheets holding errors, formulas or hidden rows."""
    if nom.endswith(".rels"):
        return nom in ("_rels/.rels", "xl/_rels/workbook.xml.rels") or "workbook" in nom.lower()
    if b"sheetData" in xml:
        return True
    return nom in ("[Content_Types].xml", "META-INF/manifest.xml", "content.xml") or "workbook" in nom.lower()


def _classeur(
    noms: list[str], parties: dict[str, bytes], signales: Mapping[str, int], limites: Mapping[str, int]
) -> Nature:
    """Which spreadsheet format a safe zip holds. Raises Refus."""
    minuscules = {n.lower() for n in noms}
    binaire = any(n.rpartition("/")[2] == "workbook.bin" for n in minuscules)
    if {"mimetype", "content.xml", "[content_types].xml"} <= minuscules or (
        binaire and any(n.rpartition("/")[2] == "workbook.xml" for n in minuscules)
    ):
        raise Refus("fichier_dangereux", motif="deux classeurs en un")
    if b"opendocument.spreadsheet" in parties.get("mimetype", b""):
        if "content.xml" not in parties:
            raise Refus("fichier_illisible", motif="partie absente")
        measure_ods(parties["content.xml"], limites)
        return Nature("ods", in_opendocument(noms, parties), parties)
    types = parties.get("[Content_Types].xml", b"")
    trouves = in_package(noms, parties, signales)
    macros = bool(trouves["macros"])
    if b"sheet.binary" in types or binaire:
        reliefs = _feuilles_binaires(parties)
        require_reliefs_within(reliefs, limites)
        in_binary(trouves, parties, any(r.calculees for r in reliefs))
        return Nature("xlsb", trouves, parties, reliefs)
    if b"macroEnabled.main+xml" in types and b"ms-excel" in types:
        return Nature("xlsm", trouves, parties)
    if b"spreadsheetml.sheet.main" in types or b"spreadsheetml.template.main" in types or "xl/workbook.xml" in noms:
        return Nature("xlsm" if macros else "xlsx", trouves, parties)
    raise Refus("fichier_non_tableur")


def _feuilles_binaires(parties: Mapping[str, bytes]) -> tuple[Relief, ...]:
    """Relief of each sheet part of an .xlsb, by name of part; see workbook, which tells which sheet is which.

    Raises Refus when the workbook has a sheet elsewhere than in the parts kept.
    """
    classeur = parties.get("xl/workbook.bin")
    if classeur is None:
        raise Refus("fichier_illisible", motif="partie absente")
    cibles: dict[str, list[str]] = {}
    for balise in _RELATION_XLSB.findall(parties.get("xl/_rels/workbook.bin.rels", b"")):
        cible = "".join(c.decode("utf-8", "replace") for c in _CIBLE_XLSB.findall(balise)[:1])
        nom = cible[1:] if cible.startswith("/") else normpath(join("xl", cible))
        for identifiant in _ID_XLSB.findall(balise)[:1]:
            cibles.setdefault(identifiant.decode("utf-8", "replace"), []).append(nom)
    feuilles = {n for _, relation in binary.binary_sheets(classeur) for n in cibles.get(relation, ())}
    if any(n not in parties for n in feuilles):
        raise Refus("fichier_illisible", motif="feuille hors de sa place")
    feuilles |= {n for n in parties if n.startswith("xl/worksheets/sheet")}
    return tuple(binary.binary_sheet(parties[n], n) for n in sorted(feuilles))


# -------------------------------------------------------------------------------------------
# The gate: what a received file really is, by its bytes, and whether it is safe to open. Reads top to bottom.
#
# Nothing is opened by a spreadsheet library before `inspect` has let it through: the container is measured by inflating it
# (conteneur, paquet), the sheets by what they would make a reader allocate (etendue), and what runs or fetches is found
# (actifs).
# Thresholds: INGESTION (zip bombs, entity expansion, phantom dimensions). Sources: [ECMA-376] part 2, [ODF 1.3] part 2,
# [MS-CFB], [MS-XLS].

PLAFONDS: Mapping[str, int] = {
    "octets": 25_000_000,
    "octets_partie": 200_000_000,
    "octets_total": 400_000_000,
    "ratio": 200,
    "parties": 2_000,
    "cellules": 10_000_000,
    "lignes": 200_000,
    "colonnes": 2_048,
}
_OCTETS_PAR_CELLULE = 50  # of sheet XML: caps on bytes follow the cap on cells, unless they are given too
_EXTENSIONS = {
    "xlsx": {"xlsx"}, "xlsm": {"xlsm"}, "xlsb": {"xlsb"}, "xls": {"xls"}, "ods": {"ods"}, "csv": {"csv", "txt", "tsv", "tab"},
}  # fmt: skip
_BIFF_NU = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x10\x00", b"\x09\x08\x08\x00")
_COMMANDES = bytes(set(range(0x20)) - {9, 10, 11, 12, 13, 0x1B})  # control characters no text holds
_AUTRES = (b"%PDF", b"{\\rtf", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")


@dataclass(frozen=True, slots=True)
class Porte:
    """The gate's verdict on one file. `parties`: parts kept inflated because the reader has to look at them.

    `reliefs`: of the sheets of a binary file, already scanned, in workbook order.
    """

    format: str | None
    constats: tuple[Constat, ...] = ()
    refuse: bool = False
    macros: bool = False
    parties: Mapping[str, bytes] = field(default_factory=dict)
    reliefs: tuple[Relief, ...] = ()


def caps(plafonds: Mapping[str, Any] | None) -> dict[str, int]:
    """The caps in force: those given, completed by PLAFONDS; inflated bytes leave room for the cells allowed."""
    donnes = {c: int(v) for c, v in (plafonds or {}).items() if c in PLAFONDS and v}
    place = donnes.get("cellules", 0) * _OCTETS_PAR_CELLULE
    deduits = {"octets_partie": max(PLAFONDS["octets_partie"], place)}
    deduits["octets_total"] = max(PLAFONDS["octets_total"], 2 * donnes.get("octets_partie", deduits["octets_partie"]))
    return {**PLAFONDS, **deduits, **donnes}


def inspect(
    contenu: bytes,
    nom: str,
    plafonds: Mapping[str, Any] | None = None,
    contenus_actifs: Mapping[ContenuActif, str] | None = None,
) -> Porte:
    """Verdict on the bytes of one received file; `nom` serves only to notice a misleading extension.

    `contenus_actifs`: {kind: "refuser" | "ecarter"}, completed by actifs.DEFAUTS. Raises nothing but for lack of memory.
    """
    limites = caps(plafonds)
    try:
        if len(contenu) > limites["octets"]:
            raise Refus("fichier_trop_gros", plafond="octets", trouve=len(contenu), maximum=limites["octets"])
        if not contenu.strip(BLANCS):
            raise Refus("fichier_vide")
        nature = _nature(contenu, limites)
    except Refus as refus:
        return Porte(None, (refus.constat,), refuse=True)
    except MemoryError:
        raise
    except Exception as erreur:  # damaged structures break the parsers above in many ways: the file is unreadable
        return Porte(None, (Constat("fichier_illisible", details={"motif": type(erreur).__name__}),), refuse=True)
    constats, refuse = verdict(nature.actifs, contenus_actifs)
    if refuse:
        return Porte(nature.format, constats, refuse=True)
    extension = PurePosixPath(nom.replace("\\", "/")).suffix.lower().lstrip(".")
    if extension not in _EXTENSIONS[nature.format]:
        trompeuse = Constat("extension_trompeuse", details={"extension": extension, "format": nature.format})
        constats = (trompeuse, *constats)
    return Porte(nature.format, constats, False, bool(nature.actifs.get("macros")), nature.parties, nature.reliefs)


def _nature(contenu: bytes, limites: Mapping[str, int]) -> Nature:
    """Format, active contents, parts kept. Raises Refus."""
    if contenu.startswith(b"PK"):
        return package(contenu, limites)
    if contenu.startswith(binary.MAGIE):
        return _compose(contenu, limites)
    if contenu.startswith(_BIFF_NU):
        raise format_refused("Excel 4 ou plus ancien")
    if contenu.startswith(b"ID;P"):
        raise format_refused("SYLK")
    if _dbase(contenu):
        raise format_refused("dBase")
    if contenu.startswith(_AUTRES):
        raise Refus("fichier_non_tableur")
    if contenu.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise Refus("fichier_illisible", motif="codage UTF-32")
    debut = contenu[:4096].replace(b"\0", b"").lstrip(BLANCS).lower()
    if debut.startswith(b"<"):
        raise _balises(debut)
    if debut.startswith((b"mime-version:", b"from: <saved by")):
        raise Refus("html_deguise")
    if debut.startswith((b'{"', b"{\n", b"{\r")) or not _is_text(contenu):
        raise Refus("fichier_non_tableur")
    return Nature("csv", in_text(contenu))


def _balises(debut: bytes) -> Refus:
    """Why a text that begins with a tag is no spreadsheet."""
    if b"urn:schemas-microsoft-com:office:spreadsheet" in debut or b'progid="excel.sheet"' in debut:
        return format_refused("classeur XML 2003")
    if b"<office:document" in debut and b"opendocument" in debut:
        return format_refused("OpenDocument en un seul fichier XML (.fods)")
    html = b"<html" in debut or b"<table" in debut or b"<!doctype html" in debut
    return Refus("html_deguise" if html else "fichier_non_tableur")


def _dbase(contenu: bytes) -> bool:
    """A dBase table: its version, a date of last change, a header as long as its list of fields."""
    if contenu[:1] not in (b"\x03", b"\x04", b"\x30", b"\x83", b"\x8b", b"\x8c", b"\xf5") or len(contenu) < 65:
        return False
    entete = int.from_bytes(contenu[8:10], "little")
    return 1 <= contenu[2] <= 12 and 1 <= contenu[3] <= 31 and 65 <= entete <= len(contenu)


def _is_text(contenu: bytes) -> bool:
    """Text has no control character; UTF-16 has a mark, or one zero byte every second byte."""
    echantillon = contenu[:65536]
    if not contenu.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" in echantillon:
        zeros = (echantillon[0::2].count(0), echantillon[1::2].count(0))
        if max(zeros) < 0.3 * len(echantillon) / 2 or min(zeros) > max(zeros) / 4:
            return False
    if b"\0" in echantillon:
        return len(contenu) % 2 == 0
    return len(contenu.translate(None, _COMMANDES)) == len(contenu)


# --------------------------------------------------------------------------- compound files


def _compose(contenu: bytes, limites: Mapping[str, int]) -> Nature:
    """Compound file: an encrypted workbook, an .xls, or something else."""
    if binary.overstated(contenu):
        raise Refus("fichier_dangereux", motif="nombre de secteurs annoncé faux")
    try:
        dossiers, flux_presents = binary.directory(contenu)
    except (ValueError, IndexError, ArithmeticError, StructError) as erreur:
        raise Refus("fichier_illisible", motif="structure du fichier") from erreur
    noms = {n.lower() for n in flux_presents}
    if "encryptedpackage" in noms:
        raise Refus("fichier_protege")
    flux = next((n for n in ("workbook", "book") if n in noms), None)
    if flux is None:
        raise Refus("fichier_non_tableur")
    octets = binary.read_stream(contenu, flux)
    if binary.protected(octets):
        raise Refus("fichier_protege")
    if binary.overstated_texts(octets):
        raise Refus("fichier_dangereux", motif="nombre de textes annoncé faux")
    trouves = Counter(binary.actives(octets))
    trouves["macros"] = int(bool(noms & {"_vba_project", "vba", "dir"}))
    trouves["activex"] = int("ctls" in noms)
    trouves["objets_incorpores"] = sum(bool(re.fullmatch(r"(?:MBD|LNK)[0-9A-F]{8}", d)) for d in dossiers)
    reliefs = tuple(binary.sheets(octets))
    require_reliefs_within(reliefs, limites)
    return Nature("xls", trouves, {}, reliefs)


def cell_name(ligne: int, colonne: int) -> str:
    """(7, 28) → "AB7"."""
    lettres = ""
    while colonne:
        colonne, reste = divmod(colonne - 1, 26)
        lettres = chr(65 + reste) + lettres
    return f"{lettres}{ligne}"
