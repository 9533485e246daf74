"""What every command's function takes, gives and starts, and the warehouse as it may be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from cartographie.base.errors import UserError
from cartographie.base.files import versions
from cartographie.campaign.workspace import raw_pieces, received, require_campaign, warehouse_path, writing
from cartographie.survey.load import load_questionnaire, of_answers
from cartographie.survey.model import Questionnaire

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

P = ParamSpec("P")
R = TypeVar("R")
Progres = Callable[[str, int, int], None]  # step, done, total


@dataclass(frozen=True, slots=True)
class Examen:
    """How received files are examined: by how many processes (0: one a core); `relire`: those already examined too."""

    ouvriers: int = 0
    relire: bool = False


def provenance(projet: Path, q: Questionnaire) -> dict[str, str]:
    """Name → sha256 of all that a warehouse is made from."""
    programme = hashlib.sha256(repr(sorted(versions("entrepot").items())).encode()).hexdigest()
    declares = {f"schemas/{n}": s for n, s in of_answers(q.empreintes).items()}
    return declares | {f"raw/{n}": s for n, s in raw_pieces(projet, q).items()} | {"le programme": programme}


@contextmanager
def open_warehouse(projet: Path, q: Questionnaire) -> Iterator[DuckDBPyConnection]:
    """Read-only. Raises UserError E17, E18, and E23 when what it was made from is no longer what is declared and received."""
    from cartographie import warehouse

    with warehouse.open_readonly(warehouse_path(projet)) as con:
        avant, apres = warehouse.provenance(con), provenance(projet, q)
        changes = sorted(n for n in avant.keys() | apres.keys() if avant.get(n) != apres.get(n))
        if changes:
            suite = f" ({len(changes)} pièces en tout)" if len(changes) > 1 else ""
            raise UserError("E23", f"{changes[0]} a changé depuis le dernier chargement{suite} : relancez « load ».")
        yield con


def alone(fonction: Callable[Concatenate[Path, P], R]) -> Callable[Concatenate[Path, P], R]:
    """What writes in outputs/, once nobody else does. Raises UserError E17."""

    @wraps(fonction)
    def seule(projet: Path, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not (projet / "schemas").is_dir():  # not a workspace: the function says so, nothing is created there
            return fonction(projet, *args, **kwargs)
        with writing(projet):
            return fonction(projet, *args, **kwargs)

    return seule


def load_for(projet: Path, campagne: str) -> Questionnaire:
    """The declarations of a workspace. Raises UserError U05 when they declare no such campaign."""
    q = load_questionnaire(projet)
    require_campaign(q, campagne)
    return q


def require_received(projet: Path, q: Questionnaire, campagne: str) -> None:
    """Raise UserError U04 when nothing was received for that campaign."""
    if campagne not in received(projet, q):
        raise UserError("U04", f"Aucun fichier reçu pour {campagne} : rangez-les d'abord avec « ingest ».")


def start_workers(projet: Path, ouvriers: int) -> None:
    """Start what reading workers come from, while the libraries load."""
    from cartographie.intake import read

    read.start_workers(projet / "raw", ouvriers)


def reception_day(projet: Path, campagne: str, aujourdhui: str) -> str:
    """`aujourdhui`, as long as the clock can be believed: of two answers of one respondent, the last received prevails. Raises
    UserError U30."""
    from cartographie.intake.store import read_registre

    derniere = max((d.recu_le for d in read_registre(projet / "raw" / campagne)), default="")
    if aujourdhui < derniere:
        raise UserError(
            "U30", f"L'horloge de cette machine dit {aujourdhui}, avant la dernière réception de {campagne} ({derniere}) : réglez-la, ou "
            "donnez la date avec --recu-le.",
        )  # fmt: skip
    return aujourdhui
