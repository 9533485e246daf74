"""Commands that propose changes of the declarations, as diffs: nothing is applied by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cartographie.terminal import Annee, Json, Ouvriers, Projet, command, progress, show

import typer  # isort: skip

Sortie = Annotated[
    Path | None,
    typer.Option(
        "--sortie", metavar="FICHIER", help="Écrit le correctif proposé (pour « git apply » ou « patch -p1 »)."
    ),
]


@command(
    "headers",
    "propose les intitulés qui ont changé",
    "cartographie headers 2026 refuse.xlsx --sortie correctif.diff",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 un fichier n'a pas pu être ouvert",
)
def headers(
    annee: Annee,
    sources: Annotated[list[Path], typer.Argument(metavar="FICHIERS…", help="Fichiers ou dossiers à comparer.")],
    sortie: Sortie = None,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Compare des fichiers aux modèles de la campagne : intitulés et feuilles renommés, ajoutés, absents, déplacés, chaque
    proposition avec un score de 0 à 100. Rien n'est rangé ni modifié : c'est vous qui appliquez le correctif."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.headers(projet, annee, sources, sortie, progres)
    show(bilan, en_json)


@command(
    "answers",
    "propose les écritures de réponses inconnues",
    "cartographie answers 2026 --sortie correctif.diff",
)
def answers(
    annee: Annee,
    seuil: Annotated[
        int,
        typer.Option("--seuil", metavar="N", min=0, max=100, help="Score à partir duquel une écriture est proposée."),
    ] = 80,
    sortie: Sortie = None,
    ouvriers: Ouvriers = 0,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Regroupe et compte les réponses hors liste déjà reçues, avec la réponse la plus proche et les cases où chacune a été
    lue, et propose de les ajouter aux variantes des nomenclatures. Rien n'est modifié : c'est vous qui appliquez le correctif."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.answers(projet, annee, seuil, sortie, ouvriers, progres)
    show(bilan, en_json)
