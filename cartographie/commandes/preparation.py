"""Commands that prepare a campaign: workspace, questionnaires, frame, and the fictitious campaigns."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from cartographie.terminal import Annee, Json, Projet, a_date, command, progress, show

import typer  # isort: skip


@command("init", "crée un espace de travail", "cartographie init ../campagne --projet .")
def init(
    destination: Annotated[
        Path, typer.Argument(metavar="DOSSIER", help="Le nouvel espace de travail, vide ou absent.")
    ],
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Crée un espace de travail : les déclarations de --projet, et raw/ et outputs/ vides."""
    from cartographie import pipeline

    show(pipeline.init(projet, destination), en_json)


@command(
    "template",
    "fabrique les questionnaires Excel",
    "cartographie template 2026 --sortie questionnaires/ --par-repondant",
)
def template(
    annee: Annee,
    sortie: Annotated[Path, typer.Option("--sortie", metavar="DOSSIER", help="Où écrire les questionnaires.")] = Path(
        "questionnaires"
    ),
    par_repondant: Annotated[
        bool, typer.Option("--par-repondant", help="Un questionnaire pré-rempli par unité du registre.")
    ] = False,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Fabrique le questionnaire vierge (Excel) de la campagne, et sur demande un exemplaire pré-rempli par répondant."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.template(projet, annee, sortie, par_repondant, progres)
    show(bilan, en_json)


@command(
    "dictionary",
    "écrit le dictionnaire des variables",
    "cartographie dictionary 2026 --sortie docs/dictionnaire-2026.md",
)
def dictionary(
    annee: Annee,
    sortie: Annotated[Path, typer.Option("--sortie", metavar="FICHIER", help="Le fichier Markdown à écrire.")] = Path(
        "dictionnaire.md"
    ),
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit le dictionnaire des variables et des nomenclatures de la campagne (Markdown)."""
    from cartographie import pipeline

    show(pipeline.dictionary(projet, annee, sortie), en_json)


@command(
    "register",
    "importe la base de sondage",
    "cartographie register 2026 etablissements.csv",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 fichier refusé · 17 une autre commande écrit",
)
def register(
    annee: Annee,
    source: Annotated[
        Path, typer.Argument(metavar="FICHIER", help="La base de sondage (modèle « base » de la campagne).")
    ],
    recu_le: Annotated[
        str, typer.Option("--recu-le", metavar="AAAA-MM-JJ", help="Date de réception (défaut : aujourd'hui).")
    ] = "",
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Importe la base de sondage (le registre des unités interrogées) de la campagne."""
    from cartographie import pipeline

    jour = a_date(recu_le) or pipeline.reception_day(projet, annee, date.today().isoformat())
    show(pipeline.register(projet, annee, source, jour), en_json)


@command("demo", "fabrique une campagne fictive", "cartographie demo /tmp/demo --repondants 500 --graine 7")
def demo(
    destination: Annotated[Path, typer.Argument(metavar="DOSSIER", help="L'espace de travail fictif à créer.")],
    repondants: Annotated[
        int, typer.Option("--repondants", metavar="N", min=50, max=100_000, help="Unités interrogées par campagne.")
    ] = 60,
    graine: Annotated[
        int, typer.Option("--graine", metavar="N", help="La même graine redonne les mêmes fichiers.")
    ] = 1,
    classeurs: Annotated[
        int, typer.Option("--classeurs", metavar="N", min=1, help="Classeurs individuels par campagne, au plus.")
    ] = 300,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Fabrique une campagne entièrement fictive : base de sondage, fichiers reçus, fautes plantées et vérité attendue."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.demo(projet, destination, repondants, graine, classeurs, progres)
    show(bilan, en_json)
