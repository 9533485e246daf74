"""Commands on what is about to be put online. They read, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cartographie.terminal import Json, command, show

import typer  # isort: skip


@command(
    "lint",
    "vérifie l'accessibilité et la sûreté de fichiers",
    "cartographie lint outputs/2026/v1",
    "0 fait : aucun défaut · 2 usage · 12 un défaut au moins",
)
def lint(
    sources: Annotated[list[Path], typer.Argument(metavar="FICHIERS…", help="Classeurs, CSV ou dossiers.")],
    admis: Annotated[
        list[str] | None,
        typer.Option("--admis", metavar="TEXTE", help="Texte permis malgré tout (une adresse de contact)."),
    ] = None,
    en_json: Json = False,
) -> None:
    """Vérifie des classeurs (tableaux balisés, cases vides, fusions, contrastes, titres, propriétés) et des CSV (UTF-8, formules,
    données personnelles). N'importe quel fichier convient, pas seulement les nôtres."""
    from cartographie import pipeline

    show(pipeline.lint(sources, admis or []), en_json)


@command(
    "compare",
    "compare deux publications, chiffre par chiffre",
    "cartographie compare outputs/2026/v1 outputs/2026/v2 --sortie ecarts/",
    "0 fait · 2 usage",
)
def compare(
    avant: Annotated[Path, typer.Argument(metavar="AVANT", help="Dossier d'une publication.")],
    apres: Annotated[Path, typer.Argument(metavar="APRES", help="Dossier d'une autre.")],
    sortie: Annotated[
        Path | None, typer.Option("--sortie", metavar="DOSSIER", help="Y écrit ecarts.csv et ecarts.html.")
    ] = None,
    en_json: Json = False,
) -> None:
    """Compare deux versions d'une édition, ou deux éditions : chiffres ajoutés, retirés, changés de valeur, de statut, d'effectif."""
    from cartographie import pipeline

    show(pipeline.compare(avant, apres, sortie), en_json)


@command(
    "preflight",
    "dit ce qui manque avant le dépôt sur data.gouv.fr",
    "cartographie preflight outputs/2026/v1",
    "0 fait : tous les critères sont tenus · 2 usage · 12 un critère manque",
)
def preflight(
    dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Dossier d'une publication.")],
    en_json: Json = False,
) -> None:
    """Affiche les critères de qualité de data.gouv.fr et, pour chacun qui n'est pas tenu, ce qu'il faut faire."""
    from cartographie import pipeline

    show(pipeline.preflight(dossier), en_json)
