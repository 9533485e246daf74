"""The commands: parse, call the pipeline, print, give the exit status. No logic here, and no heavy import at the top."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

from cartographie import french
from cartographie.errors import Statut, UserError
from cartographie.terminal import Annee, Json, Ouvriers, Projet, a_date, app, command, progress, show

import typer  # isort: skip

INTERROMPU = 130  # what shells give for Ctrl-C
_INTERRUPTION = "Interrompu : rien n'a été laissé à moitié écrit, relancez la commande."


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
    "0 fait · 2 usage · 10 déclaration incohérente · 11 fichier refusé",
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

    show(pipeline.register(projet, annee, source, a_date(recu_le, date.today().isoformat())), en_json)


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


@command(
    "validate",
    "contrôle ce qui a été reçu",
    "cartographie validate 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 un fichier refusé au moins · 12 anomalies au-delà du seuil",
)
def validate(annee: Annee, ouvriers: Ouvriers = 0, projet: Projet = Path(), en_json: Json = False) -> None:
    """Contrôle tout ce qui a été reçu et écrit ses constats dans outputs/<campagne>/controle/, rien d'autre."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.validate(projet, annee, ouvriers, progres)
    show(bilan, en_json)


@command(
    "load",
    "reconstruit l'entrepôt",
    "cartographie load",
    "0 fait · 2 usage · 10 déclaration incohérente · 17 entrepôt occupé",
)
def load(ouvriers: Ouvriers = 0, projet: Projet = Path(), en_json: Json = False) -> None:
    """Reconstruit l'entrepôt (DuckDB) de toutes les campagnes reçues, en une fois ou pas du tout."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.load(projet, ouvriers, progres)
    show(bilan, en_json)


@command(
    "map",
    "calcule les tableaux",
    "cartographie map 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 17 entrepôt occupé",
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
    "0 fait · 2 usage · 10 déclaration incohérente · 15 la version existe déjà · 17 entrepôt occupé",
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
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit une version dans outputs/<campagne>/<version>/ : CSV, classeur Excel et manifeste."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.publish(projet, annee, version, a_date(jour), remplacer, progres)
    show(bilan, en_json)


@command(
    "run",
    "fait tout, de raw/ aux tableaux",
    "cartographie run 2025 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 et 12 avec --strict · 15 la version existe déjà · 17 entrepôt occupé",
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
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Fait tout : contrôle, charge, calcule les tableaux et publie chaque campagne."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.run(projet, annees or [], version, remplacer, strict, ouvriers, progres)
    show(bilan, en_json)


@command("status", "dit où en est chaque campagne", "cartographie status")
def status(projet: Projet = Path(), en_json: Json = False) -> None:
    """Dit où en est chaque campagne : fichiers reçus, base de sondage, contrôle, entrepôt, versions."""
    from cartographie import pipeline

    show(pipeline.status(projet), en_json)


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


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status. User errors print one French message, bugs say they are bugs."""
    for flux in (sys.stdout, sys.stderr):
        if hasattr(flux, "reconfigure"):
            flux.reconfigure(encoding="utf-8", errors="replace")
    try:
        code = int(app(args=argv, standalone_mode=False) or 0)
        if code == INTERROMPU:
            print(_INTERRUPTION, file=sys.stderr)
        return code
    except UserError as e:
        print(f"Erreur {e.code} : {e.message}", file=sys.stderr)
        return int(e.statut)
    except french.USAGE as e:
        print(french.usage_message(e), file=sys.stderr)
        return int(Statut.USAGE)
    except (KeyboardInterrupt, typer.Abort):
        print(_INTERRUPTION, file=sys.stderr)
        return INTERROMPU
    except BrokenPipeError:
        return 0
    except OSError as e:  # the disk's or the folder's fault, not ours: it has a path and a remedy
        lieu = f" ({e.filename})" if e.filename else ""
        print(f"Erreur U15 : {french.os_message(e)}{lieu}.", file=sys.stderr)
        return int(Statut.USAGE)
    except Exception as e:
        # The message of an unknown exception may hold received values: only its type and place are printed.
        from cartographie import affichage

        affichage.print_bug(e)
        return int(Statut.BUG)


def run_main() -> None:
    sys.exit(main())


if __name__ == "__main__":
    run_main()
