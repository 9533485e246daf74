"""Commands on what comes back: storing it and saying where each campaign stands."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from cartographie.terminal import Annee, Json, Projet, a_date, command, show

import typer  # isort: skip


@command("ingest", "range les fichiers reçus, avec empreinte", "cartographie ingest 2026 boite-aux-lettres/")
def ingest(
    annee: Annee,
    sources: Annotated[list[Path], typer.Argument(metavar="CHEMINS…", help="Fichiers ou dossiers reçus.")],
    recu_le: Annotated[
        str, typer.Option("--recu-le", metavar="AAAA-MM-JJ", help="Date de réception (défaut : aujourd'hui).")
    ] = "",
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Range les fichiers reçus dans raw/, en lecture seule, avec leur empreinte ; n'en lit pas encore le contenu."""
    from cartographie import pipeline

    show(pipeline.ingest(projet, annee, sources, a_date(recu_le, date.today().isoformat())), en_json)


@command("status", "dit où en est chaque campagne", "cartographie status")
def status(projet: Projet = Path(), en_json: Json = False) -> None:
    """Dit où en est chaque campagne : fichiers reçus, base de sondage, contrôle, entrepôt, versions."""
    from cartographie import pipeline

    show(pipeline.status(projet), en_json)
