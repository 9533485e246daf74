"""The parts of an OpenDocument spreadsheet, by hand: typed cells, merges, hidden rows and columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

MIME = "application/vnd.oasis.opendocument.spreadsheet"
_NS = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"'
)


def cell(valeur: Any, attributs: str = "") -> str:
    """One table:table-cell."""
    brut = getattr(valeur, "texte", None)
    if brut is not None and not hasattr(valeur, "valeur"):
        return f'<table:table-cell{attributs} table:formula="of:={escape(brut)}" office:value-type="string" ' + (
            f'office:string-value=""><text:p>{escape(brut)}</text:p></table:table-cell>'
        )
    if brut is not None:
        attributs += f" table:formula={quoteattr('of:' + brut)}"
        if valeur.valeur is None:
            return f"<table:table-cell{attributs}/>"
        valeur = valeur.valeur
    if isinstance(valeur, bool):
        mot = "true" if valeur else "false"
        return f'<table:table-cell{attributs} office:value-type="boolean" office:boolean-value="{mot}"/>'
    if isinstance(valeur, date):
        jour = valeur.date() if isinstance(valeur, datetime) else valeur
        return (
            f'<table:table-cell{attributs} office:value-type="date" office:date-value="{jour.isoformat()}">'
            f"<text:p>{jour:%d/%m/%Y}</text:p></table:table-cell>"
        )
    if isinstance(valeur, (int, float)):
        return f'<table:table-cell{attributs} office:value-type="float" office:value="{valeur}"><text:p>{valeur}</text:p></table:table-cell>'
    if valeur is None:
        return f"<table:table-cell{attributs}/>"
    lignes = "".join(f"<text:p>{escape(t)}</text:p>" for t in str(valeur).split("\n"))
    return f'<table:table-cell{attributs} office:value-type="string">{lignes}</table:table-cell>'


def _row(page: Any, ligne: int, cellules: list[tuple[int, Any]], fusions: Mapping[tuple[int, int], str]) -> str:
    sortie, suivante = [], 1
    for colonne, valeur in cellules:
        if colonne > suivante:
            sortie.append(f'<table:table-cell table:number-columns-repeated="{colonne - suivante}"/>')
        sortie.append(cell(valeur, fusions.get((ligne, colonne), "")))
        suivante = colonne + 1
    cachee = ' table:visibility="collapse"' if ligne in page.lignes_masquees else ""
    return f"<table:table-row{cachee}>{''.join(sortie) or '<table:table-cell/>'}</table:table-row>"


def table(nom: str, page: Any) -> str:
    """One table:table."""
    fusions = {
        (r1, c1): f' table:number-columns-spanned="{c2 - c1 + 1}" table:number-rows-spanned="{r2 - r1 + 1}"'
        for r1, c1, r2, c2 in page.fusions
    }
    lignes = page.rangees()
    largeur = max((c for _, cellules in lignes for c, _ in cellules), default=1)
    colonnes = "".join(
        f"<table:table-column{' table:visibility=' + quoteattr('collapse') if c in page.colonnes_masquees else ''}/>"
        for c in range(1, largeur + 1)
    )
    sortie, suivante = [], 1
    for ligne, cellules in lignes:
        if ligne > suivante:
            sortie.append(
                f'<table:table-row table:number-rows-repeated="{ligne - suivante}"><table:table-cell/></table:table-row>'
            )
        sortie.append(_row(page, ligne, cellules, fusions))
        suivante = ligne + 1
    if page.lignes_vides:
        sortie.append(
            f'<table:table-row table:number-rows-repeated="{page.lignes_vides}"><table:table-cell/></table:table-row>'
        )
    style = ' table:style-name="masquee"' if page.masquee else ""
    return f"<table:table table:name={quoteattr(nom)}{style}>{colonnes}{''.join(sortie)}</table:table>"


def parts(pages: Mapping[str, Any], mention: str) -> dict[str, bytes]:
    """Every part of the package, in order; `mimetype` first and stored."""
    tete = '<?xml version="1.0" encoding="UTF-8"?>\n'
    style = (
        '<office:automatic-styles><style:style style:name="masquee" style:family="table">'
        '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    )
    corps = "".join(table(n, p) for n, p in pages.items())
    contenu = (
        f'{tete}<office:document-content {_NS} office:version="1.2">{style}<office:body><office:spreadsheet>'
        f"{corps}</office:spreadsheet></office:body></office:document-content>"
    )
    meta = (
        f'{tete}<office:document-meta {_NS} office:version="1.2"><office:meta><dc:title>{escape(mention)}</dc:title>'
        "</office:meta></office:document-meta>"
    )
    manifeste = (
        f'{tete}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" '
        f'manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="{MIME}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        '<manifest:file-entry manifest:full-path="meta.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    return {
        "mimetype": MIME.encode(),
        "content.xml": contenu.encode(),
        "meta.xml": meta.encode(),
        "META-INF/manifest.xml": manifeste.encode(),
    }
