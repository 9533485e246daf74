"""What every workbook and every short page we write has in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from jinja2 import Environment
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

# -------------------------------------------------------------------------------------------
# What every workbook we write has in common.

FIGE = datetime(2000, 1, 1)  # the clock in a file's properties would make two runs differ


@contextmanager
def write_sheets(
    sortie: BinaryIO, proprietes: Mapping[str, object], formats: Mapping[str, Mapping[str, object]]
) -> Iterator[tuple[Workbook, dict[str, Format]]]:
    """(workbook, format by name): texts stay texts whatever they look like, and the clock does not enter. Written in the end."""
    import xlsxwriter

    jamais = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    classeur = xlsxwriter.Workbook(sortie, {"in_memory": True, **jamais})
    classeur.set_properties({"created": FIGE, **proprietes})
    yield classeur, {nom: classeur.add_format(dict(proprietes)) for nom, proprietes in formats.items()}
    classeur.close()


def set_widths(f: Worksheet, largeurs: Iterable[float], premiere: int = 0) -> None:
    """The width in characters of each column, from `premiere` on."""
    for c, largeur in enumerate(largeurs, premiere):
        f.set_column(c, c, largeur)


def head_sheet(
    f: Worksheet, titre: str, style: Format, largeurs: Iterable[float], hauteur: float | None = None
) -> None:
    """How a sheet to be read opens: its columns, no grid, its title in A1."""
    set_widths(f, largeurs)
    f.hide_gridlines(2)
    f.write_string(0, 0, titre, style)
    if hauteur is not None:
        f.set_row(0, hauteur)


def fit_page(f: Worksheet, papier: int = 9, portrait: bool = False, large: bool = False) -> None:
    """Printed on A4 (9) or A3 (8), one page wide unless it is too `large` for that."""
    f.set_portrait() if portrait else f.set_landscape()
    f.set_paper(papier)
    if not large:
        f.fit_to_pages(1, 0)


def write_texts(f: Worksheet, r: int, textes: Iterable[str], style: Format, premiere: int = 0) -> None:
    """Texts side by side: the heads of a table."""
    for c, texte in enumerate(textes, premiere):
        f.write_string(r, c, texte, style)


def write_lines(f: Worksheet, r: int, phrases: Iterable[str], style: Format) -> int:
    """Sentences from a row on, one a row; the next row."""
    for phrase in phrases:
        f.write_string(r, 0, phrase, style)
        r += 1
    return r


def add_table(f: Worksheet, r: int, entetes: Iterable[tuple[str, Format]], lignes: int, **options: object) -> None:
    """A native table of so many rows, headed at row `r`. `options`: its name and its style."""
    colonnes = [{"header": texte, "header_format": style} for texte, style in entetes]
    f.add_table(r, 0, r + lignes, len(colonnes) - 1, {"columns": colonnes, **options})


def row_height(*textes: tuple[str, float], points: float = 14.5) -> float:
    """Height in points of a row whose cells wrap: (text, column width in characters) each.

    No library measures wrapped text, and a spreadsheet that opens a file it did not write keeps the rows one line high.
    """
    lignes = max((sum(-(-max(len(x), 1) // int(w)) for x in t.split("\n")) for t, w in textes), default=1)
    return min(4.0 + points * lignes, 400.0)


# ---- pages: Jinja2 templates beside what fills them, every value escaped


class Grille(NamedTuple):
    """A table of a page: its caption, its column heads, its rows, each headed by its first cell."""

    titre: str
    tetes: Sequence[str]
    lignes: Iterable[Sequence[object]]


def render(gabarit: str, /, **valeurs: object) -> str:
    """The page that a template of the package ("release/templates/presse.html.j2") makes of `valeurs`."""
    return _templates().get_template(gabarit).render(valeurs)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from jinja2.filters import do_mark_safe

    def escaped(valeur: object) -> object:  # as html.escape does, quotes included: what was published keeps its bytes
        return valeur if hasattr(valeur, "__html__") else do_mark_safe(escape(str(valeur)))

    env = Environment(
        loader=PackageLoader("cartographie", "."), autoescape=True, undefined=StrictUndefined, finalize=escaped,
        keep_trailing_newline=True,
    )  # fmt: skip
    style = (files("cartographie.base") / "templates/page.css").read_text(encoding="utf-8")
    env.globals["style"] = do_mark_safe(style.replace("\n", ""))
    return env
