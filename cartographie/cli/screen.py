"""What a command shows: progress on the error stream; then its Bilan, in French for people or in JSON for machines."""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cartographie.base.errors import Statut


@dataclass(frozen=True, slots=True)
class Table:
    """`rangs`: one is one row, as many values as `entete`."""

    entete: Sequence[str]
    rangs: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Bilan:
    """What a command did, told from what it gave: sentences for people; `valeurs`, plain, for machines. JSON holds both."""

    titre: str
    valeurs: Mapping[str, Any] = field(default_factory=dict)
    lignes: Sequence[str] = ()
    tables: Sequence[Table] = ()
    suite: Sequence[str] = ()
    statut: Statut = Statut.FAIT

    def to_json(self) -> str:
        dit = {"titre": self.titre, "lignes": self.lignes, "suite": self.suite, "statut": int(self.statut)}
        tables = [{"entete": t.entete, "rangs": t.rangs} for t in self.tables]
        tout = {**self.valeurs, **dit, "tables": tables}
        return json.dumps(tout, ensure_ascii=False, indent=2, sort_keys=True, default=str) + "\n"


def bounded(entete: Sequence[str], rangs: Sequence[Sequence[Any]], montres: int, tout: str) -> Table:
    """At most so many rows; `tout`: where the others are."""
    reste = len(rangs) - montres
    fin = [[f"… et {reste} autres ({tout})", *[""] * (len(entete) - 1)]] if reste > 0 else []
    return Table(entete, [*rangs[:montres], *fin])


Progres = Callable[[str, int, int], None]
_NOMBRE = re.compile(r"[ ,%]*-*[\d ,%]*\d[\d ,%]*")
_CONTROLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]|\x1b\[[0-9;]*[A-Za-z]")


def safe(texte: object) -> str:
    """Text for a terminal: no control, ANSI or bidirectional character a received file may have brought."""
    return _CONTROLE.sub("", str(texte))


@contextmanager
def progress(silencieux: bool) -> Iterator[Progres]:
    """A callback (step, done, total). Bars on a terminal, one plain line a step elsewhere, nothing when silent."""
    if silencieux:
        yield lambda etape, fait, total: None
        return
    if not sys.stderr.isatty():
        vus: set[str] = set()

        def plain(etape: str, fait: int, total: int) -> None:
            if etape not in vus:
                vus.add(etape)
                print(f"… {etape}" + (f" ({total})" if total > 1 else ""), file=sys.stderr, flush=True)

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    colonnes = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*colonnes, console=Console(stderr=True)) as barre:
        taches: dict[str, Any] = {}

        def rich_progress(etape: str, fait: int, total: int) -> None:
            if etape not in taches:
                taches[etape] = barre.add_task(etape, total=total)
            barre.update(taches[etape], completed=fait, total=total)

        yield rich_progress


def print_bilan(bilan: Bilan) -> None:
    """Its `titre`, then its `lignes`; tables as aligned columns."""
    ecrire = [safe(bilan.titre)] if bilan.titre else []
    ecrire += ["  " + safe(ligne) for ligne in bilan.lignes]
    for tableau in bilan.tables:
        ecrire += ["", *_table(tableau)]
    ecrire += ["", *(safe(x) for x in bilan.suite)] if bilan.suite else []
    print("\n".join(ecrire))


def _table(table: Table) -> list[str]:
    cellules = [[safe(c) for c in r] for r in [table.entete, *table.rangs]]
    largeurs = [max(len(r[i]) for r in cellules) for i in range(len(table.entete))]
    cotes = [">" if all(_NOMBRE.fullmatch(c) for c in colonne[1:]) else "<" for colonne in zip(*cellules, strict=True)]
    formats = [f"{{:{cote}{n}}}" for cote, n in zip(cotes, largeurs, strict=True)]
    lignes = ["  " + "  ".join(f.format(c) for f, c in zip(formats, r, strict=True)).rstrip() for r in cellules]
    return [lignes[0], "  " + "  ".join("─" * n for n in largeurs), *lignes[1:]]


def print_bug(e: BaseException) -> None:
    """A bug: its type and where, in our own code. Never its message, which may hold received values, but for a gap in the
    accounts: that message only names a file, a sheet and counts.
    """
    from cartographie.validate.accounts import EcartComptable

    print(
        f"Erreur interne ({type(e).__name__}) : c'est un défaut du programme, pas de vos fichiers ; signalez-le avec ces lignes.",
        file=sys.stderr,
    )
    if isinstance(e, EcartComptable):
        print(f"  {safe(e)}", file=sys.stderr)
    for cadre in traceback.extract_tb(e.__traceback__)[-12:]:
        print(f"  {Path(cadre.filename).name}:{cadre.lineno} {cadre.name}", file=sys.stderr)
