"""Active contents of an .xls: external workbooks, DDE, connections, queries, macro sheets, functions that fetch.

Formulas are searched, not parsed: a token and the number that follows it. Source: [MS-XLS] 2.4 and 2.5.198.
"""

from __future__ import annotations

import re
from collections import Counter
from struct import unpack_from

from cartographie.intake.biff import records

_SOI, _COMPLEMENT = 0x0401, 0x3A01  # SupBook: this workbook, add-in functions
_FONCTION = re.compile(rb"[\x22\x42\x62].(?:\x7b\x01|\x96\x00|\x0b\x01)", re.S)  # RTD, CALL, REGISTER.ID
_LIEN = re.compile(rb"[\x22\x42\x62].\x67\x01", re.S)  # HYPERLINK
_WEB = (b"WEBSERVICE", "WEBSERVICE".encode("utf-16-le"))
_MAILTO = "mailto:".encode("utf-16-le")
_GENRES = {0x0876: "connexions", 0x01AD: "requetes", 0x0803: "requetes"}  # DConn, Qsi, DbQueryExt


def actives(flux: bytes) -> Counter[str]:
    """Kinds the workbook stream of an .xls holds."""
    trouves: Counter[str] = Counter()
    livres: list[bool] = []  # one per SupBook: is it another workbook?
    feuilles: list[int] = []  # SupBook of each sheet that formulas refer to
    formules: list[bytes] = []
    for genre, debut, longueur in records(flux):
        donnees = flux[debut : debut + min(longueur, 8224)]
        if genre == 0x0006 and longueur > 22:
            formules.append(donnees[22:])
        elif genre == 0x01AE and longueur >= 4:
            livres.append(_livre(donnees, trouves))
        elif genre == 0x0017 and longueur >= 2 and livres:
            nombre = min(unpack_from("<H", donnees)[0], (longueur - 2) // 6)
            feuilles += [unpack_from("<H", donnees, 2 + 6 * i)[0] for i in range(nombre)]
        elif genre == 0x0085 and longueur >= 6:
            trouves["macros_excel4"] += donnees[5] == 1
        elif genre == 0x01B8:
            trouves["hyperliens"] += _MAILTO not in donnees.lower() and b"mailto:" not in donnees.lower()
        elif genre in _GENRES:
            trouves[_GENRES[genre]] += 1
    _formules(formules, {i for i, livre in enumerate(feuilles) if livre < len(livres) and livres[livre]}, trouves)
    if any(livres):
        utile = trouves.pop("_liees", 0)
        trouves["liaisons_externes" if utile else "liaisons_inutilisees"] += sum(livres)
    trouves["fonctions_externes"] += any(w in flux for w in _WEB)
    return Counter({g: n for g, n in trouves.items() if n and g != "_liees"})


def _livre(donnees: bytes, trouves: Counter[str]) -> bool:
    """True for another workbook; a DDE or OLE link is counted."""
    longueur = unpack_from("<H", donnees, 2)[0]
    if longueur in (_SOI, _COMPLEMENT) or len(donnees) < 6:
        return False
    large = donnees[4] & 1
    chemin = donnees[5 : 5 + longueur * (1 + large)].decode("utf-16-le" if large else "latin-1", "replace")
    if "\x03" in chemin[1:] and not chemin.startswith("\x01"):
        trouves["dde"] += 1
        return False
    return len(chemin) > 1


def _formules(formules: list[bytes], etrangeres: set[int], trouves: Counter[str]) -> None:
    numeros = b"|".join(re.escape(i.to_bytes(2, "little")) for i in sorted(etrangeres))
    liee = re.compile(rb"[\x39\x59\x79\x3a\x5a\x7a\x3b\x5b\x7b](?:%b)" % numeros, re.S) if numeros else None
    for formule in formules:
        trouves["fonctions_externes"] += _FONCTION.search(formule) is not None
        trouves["hyperliens"] += _LIEN.search(formule) is not None
        trouves["_liees"] += liee is not None and liee.search(formule) is not None
