"""How much a sheet would make its reader allocate: cells, far cells, repeats, counts that are only declared. By bytes.

Plain searches, no parser: a part may hold hundreds of megabytes. What is looked for is what the reader allocates for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cartographie.intake.conteneur import Refus

_TRANCHE = 1 << 22
# Cells with something in them. The near ones (rows up to 99,999, columns up to CZ) are about ten million at the most.
_LOINTAINE = re.compile(rb'r="(?:[A-Z]{3}\d|[D-Z][A-Z]\d|[A-Z]{1,2}\d{6})[^>]*(?<!/)>')
_REMPLIE = re.compile(rb'r="([A-Z]{1,3})(\d+)"[^>]*(?<!/)>')
_BALISE = re.compile(rb"<(?:\w+:)?(row|c)(?=[\s>])([^>]*)>")
_REPERE = re.compile(rb"\br\s*=\s*[\"']\s*([A-Za-z]{0,3})(\d{1,12})")
_ANNONCE = re.compile(rb"<(?:\w+:)?sst\b[^>]*")
_NOMBRE = re.compile(rb"\b(?:uniqueC|c)ount\s*=\s*[\"']\s*(\d{1,30})")
_TEXTES = 100_000  # texts a shared table may announce without holding them: their room is a few megabytes


def column_number(lettres: bytes) -> int:
    """b"A" → 1, b"AA" → 27."""
    numero = 0
    for lettre in lettres:
        numero = numero * 26 + lettre - 64
    return numero


def require_within(lignes: int, colonnes: int, limites: Mapping[str, int], cellules: int = 0) -> None:
    """Raise Refus when a filled area, or a number of filled cells, exceeds the caps."""
    trouves = {"lignes": lignes, "colonnes": colonnes, "cellules": max(cellules, lignes * colonnes)}
    for plafond, trouve in trouves.items():
        if trouve > limites[plafond]:
            raise Refus("fichier_trop_gros", plafond=plafond, trouve=trouve, maximum=limites[plafond])


def measure_sheet(xml: bytes, limites: Mapping[str, int]) -> int:
    """Number of filled cells of one sheet of an .xlsx, none of them too far. Raises Refus."""
    cellules = xml.count(b"</c>") or xml.count(b":c>")
    require_within(0, 0, limites, cellules)
    if b'<c r="' in xml and b"<c>" not in xml and b"='" not in xml:
        if _LOINTAINE.search(xml):
            require_within(*_coin(xml), limites)
    elif cellules:
        require_within(*_coin_suivi(xml), limites)
    return cellules


def _coin(xml: bytes) -> tuple[int, int]:
    """(last row, last column) holding something. Read by slices: a sheet has millions of cells."""
    lettres: set[bytes] = set()
    chiffres: set[bytes] = set()
    debut = 0
    while debut < len(xml):
        fin = xml.find(b">", debut + _TRANCHE) + 1 or len(xml)
        trouves = _REMPLIE.findall(xml, debut, fin)
        if trouves:
            colonnes, lignes = zip(*trouves, strict=True)
            lettres.update(colonnes)
            chiffres.update(lignes)
        debut = fin
    return max(map(int, chiffres), default=0), max(map(column_number, lettres), default=0)


def _coin_suivi(xml: bytes) -> tuple[int, int]:
    """The same where positions are quoted otherwise, or left out: a cell follows the one before it."""
    ligne = colonne = derniere = droite = 0
    for balise, attributs in _BALISE.findall(xml):
        repere = _REPERE.search(attributs)
        if balise == b"row":
            ligne, colonne = (int(repere[2]) if repere else ligne + 1), 0
            continue
        colonne += 1
        if repere and repere[1]:
            ligne, colonne = int(repere[2]), column_number(repere[1].upper())
        if not attributs.endswith(b"/"):
            derniere, droite = max(derniere, ligne), max(droite, colonne)
    return derniere, droite


def require_honest_texts(xml: bytes) -> None:
    """Raise Refus when a table of shared texts announces far more of them than its bytes can hold."""
    annonce = _ANNONCE.search(xml[:4096])
    tient = max(_TEXTES, len(xml) // 5)
    if annonce and any(int(n) > tient for n in _NOMBRE.findall(annonce[0])[-1:]):
        raise Refus("fichier_dangereux", motif="nombre de textes annoncé faux")


# --------------------------------------------------------------------------- .ods

_REPETE = re.compile(rb"table:number-(rows|columns)-repeated\s*=\s*[\"']\s*(\d{1,30})")
_CELLULE = re.compile(rb"<table:(?:covered-)?table-cell\b")
_PLEINE = re.compile(rb"office:(?:\w+-)?value|<text:p|<text:h|table:formula")
_VIDES = 2_000_000  # repeats of blank rows or cells that a reader may step over one by one


def measure_ods(xml: bytes, limites: Mapping[str, int]) -> int:
    """Number of filled cells of a content.xml, its repeats multiplied. Raises Refus."""
    total = 0
    for table in xml.split(b"<table:table ")[1:]:
        lignes = lignes_utiles = colonnes = 0
        for morceau in table.split(b"<table:table-row")[1:]:
            balise, _, corps = morceau.partition(b">")
            lot = _lot(balise, b"rows")
            lignes += lot
            if _PLEINE.search(corps):
                lignes_utiles = lignes
                pleines, droite = _rangee(corps)
                colonnes = max(colonnes, droite)
                total += lot * pleines
                require_within(lignes_utiles, colonnes, limites, total)
    return total


def _rangee(corps: bytes) -> tuple[int, int]:
    """(filled cells, last filled column) of one row."""
    largeur = droite = pleines = 0
    for cellule in _CELLULE.split(corps)[1:]:
        repete = _lot(cellule.partition(b">")[0], b"columns")
        largeur += repete
        if _PLEINE.search(cellule):
            droite, pleines = largeur, pleines + repete
    return pleines, droite


def _lot(balise: bytes, sens: bytes) -> int:
    return max((int(n) for s, n in _REPETE.findall(balise) if s == sens), default=1)
