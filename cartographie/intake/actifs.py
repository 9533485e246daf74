"""Active contents: what a spreadsheet holds that runs, or fetches, or comes from elsewhere. Found, counted, never read.

Each kind is refused or set aside, by the campaign's `contenus_actifs`. Nothing here is executed or dereferenced: parts
are known by name, by declared type, and by what formulas say. Sources: [ECMA-376] 18, [ODF 1.3] 9 and 19, [MS-XLS].
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from html import unescape

from cartographie.model import Constat

REFUSER, ECARTER = "refuser", "ecarter"
DEFAUTS: Mapping[str, str] = {
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
_PARTIES: Mapping[str, re.Pattern[str]] = {
    "macros": re.compile(r"vbaproject\.bin$|(?:^|/)customui/|(?:^|/)basic/.+\.xml$|^scripts/", re.I),
    "macros_excel4": re.compile(r"/(?:intl)?macrosheets/", re.I),
    "connexions": re.compile(r"/connections\.(?:xml|bin)$", re.I),
    "requetes": re.compile(r"/querytables/", re.I),
    "activex": re.compile(r"/activex/", re.I),
    "objets_incorpores": re.compile(r"/embeddings/", re.I),
    "liaisons_externes": re.compile(r"/externallinks/[^/]+\.(?:xml|bin)$", re.I),
}
_TYPES: Mapping[str, bytes] = {
    "macros": b"vbaproject",
    "macros_excel4": b"macrosheet",
    "connexions": b".connections",
    "requetes": b".querytable",
    "activex": b"activex",
    "objets_incorpores": b"oleobject",
    "liaisons_externes": b"externallink",
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


def verdict(trouves: Mapping[str, int], politique: Mapping[str, str] | None = None) -> tuple[tuple[Constat, ...], bool]:
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
    for genre, motif in _PARTIES.items():
        nommees = sum(motif.search("/" + n) is not None for n in noms)
        trouves[genre] += max(nommees, sum(_TYPES[genre] in t for t in declares))
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
        trouves += in_formulas("\n".join(_texte(f) for f in set(_FORMULE.findall(xml))))
    if b"definedName" in xml or b"formula" in xml:
        ailleurs = in_formulas("\n".join(_texte(f) for f in set(_AILLEURS.findall(xml))))
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
    formules = "\n".join(_texte(f) for xml in parties.values() if b"sheetData" in xml for f in _FORMULE.findall(xml))
    return any(re.search(rf"(?<![\w.]){re.escape(n)}(?![\w.])", formules) for n in noms)


def _texte(octets: bytes) -> str:
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
    trouves["macros"] += sum(_PARTIES["macros"].search(n) is not None for n in noms)
    texte = "\n".join(_texte(a or b) for a, b in set(_FORMULE_ODS.findall(xml)))
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
