"""What every command shares: the application, its options, how a result is printed and a progress shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.models import ArgumentInfo, OptionInfo

from cartographie import __version__
from cartographie.base.errors import UserError
from cartographie.cli import french
from cartographie.cli.screen import Bilan, Progres, print_bilan, progress

F = TypeVar("F", bound=Callable[..., None])
app = typer.Typer(
    name="cartographie",
    cls=french.Group,
    help="La cartographie annuelle des usages de l'IA en santé : des classeurs reçus aux tableaux publiés.",
    epilog="Exemple : cartographie run 2026 --projet .   (guide : docs/guide-analyste.md)",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 110},
)


def _version(demandee: bool) -> None:
    if demandee:
        print(f"cartographie {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Affiche la version du programme.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    pass


def argument(metavar: str, aide: str) -> ArgumentInfo:
    argument: ArgumentInfo = typer.Argument(metavar=metavar, help=aide)
    return argument


def option(nom: str, metavar: str | None, aide: str, **bornes: int) -> OptionInfo:
    option: OptionInfo = typer.Option(nom, metavar=metavar, help=aide, min=bornes.get("min"), max=bornes.get("max"))
    return option


def flag(nom: str, aide: str) -> OptionInfo:
    return option(nom, None, aide)


Projet = Annotated[Path, option("--projet", "DOSSIER", "Espace de travail (schemas/, raw/, outputs/).")]
Json = Annotated[bool, flag("--json", "Écrit le bilan en JSON sur la sortie standard, pour les machines.")]
NomCampagne = Annotated[str, argument("CAMPAGNE", "La campagne, par exemple 2026.")]
Ouvriers = Annotated[int, option("--ouvriers", "N", "Processus de lecture (0 : un par cœur).")]

Relire = Annotated[bool, flag("--relire", "Relit et contrôle de nouveau tous les fichiers, même déjà examinés.")]


def command(nom: str) -> Callable[[F], F]:
    """A documented command: its French help is the docstring, then the example and the exit statuses."""
    dit = {"statuts": "0 fait · 2 usage · 10 déclaration incohérente", **french.TEXTES["commandes"][nom]}
    fin = f"Exemple : {dit['exemple']}\n\nStatuts de sortie : {dit['statuts']}"
    return app.command(nom, cls=french.Command, short_help=dit["court"], epilog=fin)


MONTRE: dict[str, Any] = {}  # what the command of this process last gave, for the journal


def show(bilan: Bilan, en_json: bool) -> None:
    """Print what a command did: one JSON document, or French text. Exit with the status that the flow decided."""
    MONTRE.clear()
    MONTRE.update(bilan.valeurs)
    if en_json:
        sys.stdout.write(bilan.to_json())
    else:
        print_bilan(bilan)
    if bilan.statut:
        raise typer.Exit(int(bilan.statut))


def act(en_json: bool, faire: Callable[[Progres], Bilan]) -> None:
    """Do something that takes time, then show what it gave."""
    with progress(en_json) as progres:
        bilan = faire(progres)
    show(bilan, en_json)


def a_date(texte: str, defaut: str = "") -> str:
    """An ISO date given on the command line. Raises UserError U13."""
    try:
        return date.fromisoformat(texte).isoformat() if texte else defaut
    except ValueError:
        raise UserError(
            "U13", f"« {texte} » n'est pas une date : écrivez-la AAAA-MM-JJ, par exemple 1999-12-31."
        ) from None
