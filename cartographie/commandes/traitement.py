"""Commands from the received files to the released tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cartographie.terminal import Annee, Json, Ouvriers, Projet, Relire, a_date, command, progress, show

import typer  # isort: skip


@command(
    "validate",
    "contrôle ce qui a été reçu",
    "cartographie validate 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 un fichier refusé au moins · 12 anomalies au-delà du seuil · "
    "17 une autre commande écrit",
)
def validate(
    annee: Annee, ouvriers: Ouvriers = 0, relire: Relire = False, projet: Projet = Path(), en_json: Json = False
) -> None:
    """Contrôle tout ce qui a été reçu et écrit ses constats dans outputs/<campagne>/controle/, rien d'autre."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.validate(projet, annee, ouvriers, relire, progres)
    show(bilan, en_json)


@command(
    "load",
    "reconstruit l'entrepôt",
    "cartographie load",
    "0 fait · 2 usage · 10 déclaration incohérente · 17 espace occupé",
)
def load(ouvriers: Ouvriers = 0, relire: Relire = False, projet: Projet = Path(), en_json: Json = False) -> None:
    """Reconstruit l'entrepôt (DuckDB) de toutes les campagnes reçues, en une fois ou pas du tout."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.load(projet, ouvriers, relire, progres)
    show(bilan, en_json)


@command(
    "map",
    "calcule les tableaux",
    "cartographie map 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 17 espace occupé",
)
def map_(annee: Annee, projet: Projet = Path(), en_json: Json = False) -> None:
    """Calcule les tableaux de la campagne dans outputs/<campagne>/tableaux/ ; ne publie jamais."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.map_(projet, annee, progres)
    show(bilan, en_json)


@command(
    "publish",
    "écrit une version publiée",
    "cartographie publish 2026 --version v1 --date 2026-11-30",
    "0 fait · 2 usage · 10 déclaration incohérente · 13 campagne invraisemblable · 14 secret non prouvé · 15 la version existe déjà · "
    "17 espace occupé",
)
def publish(
    annee: Annee,
    version: Annotated[str, typer.Option("--version", metavar="NOM", help="Nom de la version publiée.")] = "provisoire",
    jour: Annotated[
        str, typer.Option("--date", metavar="AAAA-MM-JJ", help="Date de publication (défaut : fin de la campagne).")
    ] = "",
    remplacer: Annotated[
        bool, typer.Option("--remplacer", help="Refait une version de travail qui existe déjà.")
    ] = False,
    nature: Annotated[
        str, typer.Option("--nature", metavar="NATURE", help="provisoire, définitive ou corrigée.")
    ] = "provisoire",
    remplace: Annotated[
        str, typer.Option("--remplace", metavar="NOM", help="Version de la même campagne que celle-ci corrige.")
    ] = "",
    motif: Annotated[str, typer.Option("--motif", metavar="TEXTE", help="Pourquoi elle est corrigée (publié).")] = "",
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit une version dans outputs/<campagne>/<version>/ : classeur, données ouvertes, cartes, page et manifeste, attaqués et relus
    avant d'être montrés."""
    from cartographie import pipeline
    from cartographie.release.preparation import Demande

    with progress(en_json) as progres:
        bilan = pipeline.publish(
            projet, Demande(annee, version, a_date(jour), remplacer, nature, remplace, motif), progres
        )
    show(bilan, en_json)


@command(
    "run",
    "fait tout, de raw/ aux tableaux",
    "cartographie run 2025 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 et 12 avec --strict · 13 campagne invraisemblable · 14 secret non prouvé · "
    "15 la version existe déjà · 17 espace occupé",
)
def run(
    annees: Annotated[
        list[str] | None, typer.Argument(metavar="[CAMPAGNES…]", help="Les campagnes (défaut : toutes celles reçues).")
    ] = None,
    version: Annotated[str, typer.Option("--version", metavar="NOM", help="Nom de la version publiée.")] = "provisoire",
    remplacer: Annotated[
        bool, typer.Option("--remplacer", help="Refait une version de travail qui existe déjà.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Sort avec 11 ou 12 s'il y a des refus ou trop d'anomalies.")
    ] = False,
    ouvriers: Ouvriers = 0,
    relire: Relire = False,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Fait tout : contrôle, charge, calcule les tableaux et publie chaque campagne."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.run(projet, annees or [], version, remplacer, strict, ouvriers, relire, progres)
    show(bilan, en_json)
