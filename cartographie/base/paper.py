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
