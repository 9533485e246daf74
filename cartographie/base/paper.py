"""What every workbook and every short page we write has in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

# -------------------------------------------------------------------------------------------
# What every workbook we write has in common.

FIGE = datetime(2000, 1, 1)  # the clock in a file's properties would make two runs differ


def row_height(*textes: tuple[str, float], points: float = 14.5) -> float:
    """Height in points of a row whose cells wrap: (text, column width in characters) each.

    No library measures wrapped text, and a spreadsheet that opens a file it did not write keeps the rows one line high.
    """
    lignes = max((sum(-(-max(len(x), 1) // int(w)) for x in t.split("\n")) for t, w in textes), default=1)
    return min(4.0 + points * lignes, 400.0)


# -------------------------------------------------------------------------------------------
# A short page that stands alone: no script, no request, light and dark, prints on A4.

STYLE = (
    ":root{--encre:#1b1b1b;--fond:#fff;--doux:#4a4f55;--trait:#8a929a;--bande:#f3f5f7;--alerte:#8c1d18;--lien:#0b4f9e}"
    "@media (prefers-color-scheme:dark){:root{--encre:#f2f2f2;--fond:#16191d;--doux:#c3c9d0;--trait:#7d868f;--bande:#22272d;"
    "--alerte:#ffb4a9;--lien:#9cc8ff}}"
    "body{margin:0;font:1.0625rem/1.5 'Source Sans Pro','Segoe UI',Arial,sans-serif;color:var(--encre);background:var(--fond)}"
    "main{max-width:60rem;margin:0 auto;padding:1rem 1.25rem}h1{font-size:1.8rem;line-height:1.2}h2{font-size:1.25rem;"
    "margin:1.6rem 0 .4rem;border-bottom:2px solid var(--trait)}h3{font-size:1.05rem;margin:1rem 0 .2rem}"
    "a{color:var(--lien)}.alerte{color:var(--alerte);font-weight:600}.doux{color:var(--doux)}"
    "table{border-collapse:collapse;width:100%;margin:.6rem 0}caption{text-align:left;font-weight:600}"
    "th,td{border-bottom:1px solid var(--trait);padding:.25rem .5rem;text-align:left;vertical-align:top}thead th{background:var(--bande)}"
    ".defile{overflow-x:auto}.chiffre{font-size:2rem;font-weight:700;margin:0;line-height:1.1}.phrase{font-weight:600;margin:.1rem 0}"
    ".bloc{border-left:4px solid var(--trait);background:var(--bande);padding:.5rem .9rem;margin:.7rem 0;break-inside:avoid}"
    "@page{size:A4;margin:15mm}@media print{main{max-width:none;padding:0}body{font-size:10pt}h2,h3{break-after:avoid}}"
)


def html_page(titre: str, corps: str, alertes: Iterable[str] = ()) -> str:
    """`corps`: HTML, already escaped. `alertes`: sentences to be read first."""
    avis = "".join(f'<p class="alerte">{escape(a)}</p>' for a in alertes)
    return (
        f'<!DOCTYPE html>\n<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,'
        f'initial-scale=1"><title>{escape(titre)}</title><style>{STYLE}</style></head><body><main>\n<h1>{escape(titre)}</h1>\n'
        f"{avis}{corps}\n</main></body></html>\n"
    )


def html_table(titre: str, tetes: Sequence[str], lignes: Iterable[Sequence[object]]) -> str:
    """The first cell of a row heads it."""
    entete = "".join(f'<th scope="col">{escape(t)}</th>' for t in tetes)
    corps = "".join(
        f'<tr><th scope="row">{escape(str(x[0]))}</th>' + "".join(f"<td>{escape(str(v))}</td>" for v in x[1:]) + "</tr>"
        for x in lignes
    )
    return (
        f'<div class="defile" tabindex="0" role="region" aria-label="{escape(titre)}"><table><caption>{escape(titre)}</caption>'
        f"<thead><tr>{entete}</tr></thead><tbody>{corps}</tbody></table></div>"
    )
