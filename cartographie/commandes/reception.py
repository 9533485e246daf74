"""Commands on what comes back: storing it and saying where each campaign stands."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from cartographie.terminal import Annee, Json, Ouvriers, Projet, a_date, command, progress, show

import typer  # isort: skip


@command(
    "ingest",
    "range les fichiers reçus, avec empreinte",
    "cartographie ingest 2026 boite-aux-lettres/",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 un fichier change pendant qu'il est lu · 17 une autre commande écrit",
)
def ingest(
    annee: Annee,
    sources: Annotated[list[Path], typer.Argument(metavar="CHEMINS…", help="Fichiers ou dossiers reçus.")],
    recu_le: Annotated[
        str, typer.Option("--recu-le", metavar="AAAA-MM-JJ", help="Date de réception (défaut : aujourd'hui).")
    ] = "",
    ranger_seulement: Annotated[
        bool, typer.Option("--ranger-seulement", help="Range sans ouvrir les fichiers ; « validate » les lira.")
    ] = False,
    ouvriers: Ouvriers = 0,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Range les fichiers reçus dans raw/, en lecture seule, avec leur empreinte, puis dit ce qu'ils sont : réponses,
    classeurs corrigés qui reviennent, fichiers refusés. Les constats viennent avec « validate »."""
    from cartographie import pipeline

    jour = a_date(recu_le) or pipeline.reception_day(projet, annee, date.today().isoformat())
    with progress(en_json) as progres:
        bilan = pipeline.ingest(projet, annee, sources, jour, ranger_seulement, ouvriers, progres)
    show(bilan, en_json)


@command(
    "feedback",
    "écrit ce qu'il faut renvoyer à chaque répondant",
    "cartographie feedback 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 un fichier reçu a changé · 17 une autre commande écrit",
)
def feedback(
    annee: Annee,
    seul: Annotated[
        str,
        typer.Option(
            "--repondant", metavar="ID", help="Ce répondant seulement (identifiant, fichier ou unité de suivi.csv)."
        ),
    ] = "",
    absents: Annotated[
        bool, typer.Option("--absents", help="Écrit aussi une relance à chaque unité dont rien n'est revenu.")
    ] = False,
    envoye_le: Annotated[
        str,
        typer.Option("--envoye-le", metavar="AAAA-MM-JJ", help="Note que ces envois ont été faits ce jour-là."),
    ] = "",
    ouvriers: Ouvriers = 0,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit dans outputs/<campagne>/retours/ un classeur de correction et un courrier par répondant concerné : ses réponses,
    les cases à corriger, ce qui est attendu. N'envoie rien ; « ingest » reconnaît le classeur quand il revient."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.feedback(projet, annee, seul, absents, a_date(envoye_le), ouvriers, progres)
    show(bilan, en_json)


@command("status", "dit où en est chaque campagne", "cartographie status --campagne 2026")
def status(
    annee: Annotated[
        str,
        typer.Option("--campagne", metavar="CAMPAGNE", help="La campagne détaillée (défaut : la dernière contrôlée)."),
    ] = "",
    journal: Annotated[
        bool, typer.Option("--journal", help="Plutôt : les commandes passées, et si leur chaîne est intacte.")
    ] = False,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Dit où en est chaque campagne, puis les répondants par région et par type : attendus, reçus, à corriger, acceptés,
    rejetés, relancés, et le taux de réponse. Ne relit rien : c'est ce que disait le dernier contrôle."""
    from cartographie import pipeline

    show(pipeline.journal(projet) if journal else pipeline.status(projet, annee), en_json)
