"""The commands: parse, call the pipeline, print, give the exit status. No logic here, and no heavy import at the top."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cartographie import french  # before typer: its words are bound at import
from cartographie.errors import Statut, UserError

import typer  # isort: skip

INTERROMPU = 130  # what shells give for Ctrl-C
_INTERRUPTION = "Interrompu : rien n'a été laissé à moitié écrit, relancez la commande."
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

Projet = Annotated[
    Path, typer.Option("--projet", metavar="DOSSIER", help="Espace de travail (schemas/, raw/, outputs/).")
]
Json = Annotated[bool, typer.Option("--json", help="Écrit le bilan en JSON sur la sortie standard, pour les machines.")]
Annee = Annotated[str, typer.Argument(metavar="CAMPAGNE", help="La campagne, par exemple 2026.")]
Ouvriers = Annotated[int, typer.Option("--ouvriers", metavar="N", help="Processus de lecture (0 : un par cœur).")]


def command(
    nom: str, court: str, exemple: str, statuts: str = "0 fait · 2 usage · 10 déclaration incohérente"
) -> Callable[[F], F]:
    """A documented command: its French help is the docstring, then the example and the exit statuses."""
    return app.command(
        nom, cls=french.Command, short_help=court, epilog=f"Exemple : {exemple}\n\nStatuts de sortie : {statuts}"
    )


def show(bilan: dict[str, Any], en_json: bool) -> None:
    """Print what a command did: one JSON document, or French text. Exit with the status the pipeline decided."""
    if en_json:
        sys.stdout.write(json.dumps(bilan, ensure_ascii=False, indent=2, sort_keys=True, default=str) + "\n")
    else:
        from cartographie import affichage

        affichage.print_bilan(bilan)
    if bilan.get("statut", 0):
        raise typer.Exit(int(bilan["statut"]))


def a_date(texte: str, defaut: str = "") -> str:
    """An ISO date given on the command line. Raises UserError U13."""
    try:
        return date.fromisoformat(texte).isoformat() if texte else defaut
    except ValueError:
        raise UserError(
            "U13", f"« {texte} » n'est pas une date : écrivez-la AAAA-MM-JJ, par exemple 1999-12-31."
        ) from None


def progress(en_json: bool) -> Any:
    from cartographie import affichage

    return affichage.progress(silencieux=en_json)


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
