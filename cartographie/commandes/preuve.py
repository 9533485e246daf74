"""Commands of the auditor: verify a release again, sign it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cartographie.terminal import Json, Projet, command, progress, show

import typer  # isort: skip


@command(
    "audit",
    "vérifie une publication à partir des fichiers reçus",
    "cartographie audit outputs/2026/v1 --raw raw/2026 --rapport audit/",
    "0 fait : conforme · 2 usage · 16 une différence au moins",
)
def audit(
    dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Dossier d'une publication.")],
    raw: Annotated[
        Path | None,
        typer.Option("--raw", metavar="DOSSIER", help="Fichiers reçus, raw/<campagne> (défaut : ceux d'à côté)."),
    ] = None,
    sans_brut: Annotated[
        bool, typer.Option("--sans-brut", help="Ne vérifie que ce que la publication prouve par elle-même.")
    ] = False,
    rapport: Annotated[
        Path | None, typer.Option("--rapport", metavar="DOSSIER", help="Y écrit audit.html, audit.md et audit.json.")
    ] = None,
    signataires: Annotated[
        Path | None,
        typer.Option("--signataires", metavar="FICHIER", help="Clés publiques admises (OpenSSH, allowed_signers)."),
    ] = None,
    en_json: Json = False,
) -> None:
    """Vérifie les empreintes, refait le contrôle, les poids, les tableaux et le masquage dans un dossier temporaire, compare chaque
    chiffre et chaque octet, attaque de nouveau. Sans connexion, et sans rien écrire dans l'espace de travail."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        bilan = pipeline.audit(dossier, raw, sans_brut, rapport, signataires, progres)
    show(bilan, en_json)


@command(
    "trace",
    "remonte d'un chiffre publié aux cases reçues, et inversement",
    "cartographie trace outputs/2026/v1 T01 indicateur=usage territoire_code=84",
    "0 fait · 2 usage : aucun chiffre, ou plusieurs · 10 déclaration incohérente · 17 espace occupé",
)
def trace(
    dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Dossier d'une publication.")],
    tableau: Annotated[str, typer.Argument(metavar="[TABLEAU]", help="Code d'un tableau (T01).")] = "",
    criteres: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COLONNE=VALEUR…]", help="Ce qui désigne la ligne, par les colonnes du CSV."),
    ] = None,
    fichier: Annotated[
        str, typer.Option("--fichier", metavar="NOM", help="Plutôt : tous les chiffres que touche un fichier reçu.")
    ] = "",
    limite: Annotated[
        int, typer.Option("--limite", metavar="N", help="Nombre de lignes dont les cases sont lues.")
    ] = 40,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Montre qui fait un chiffre, avec quel poids, dans quelles cases de quels fichiers, et les anomalies rencontrées. Réponses
    nominatives : rien n'est écrit. Demande raw/ et l'entrepôt de l'espace de travail."""
    from cartographie import pipeline

    with progress(en_json) as progres:
        if fichier:
            bilan = pipeline.touched(dossier, fichier, projet, progres)
        else:
            bilan = pipeline.trace(dossier, tableau, criteres or [], limite, projet, progres)
    show(bilan, en_json)


@command(
    "sign",
    "signe le manifeste d'une publication",
    "cartographie sign outputs/2026/v1 --cle ~/.ssh/id_ed25519",
    "0 fait · 2 usage",
)
def sign(
    dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Dossier d'une publication.")],
    cle: Annotated[Path, typer.Option("--cle", metavar="FICHIER", help="Clé privée SSH, hors de l'espace de travail.")],
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit manifeste.json.sig avec ssh-keygen. Le manifeste porte l'empreinte de chaque fichier : le signer signe la publication."""
    from cartographie import pipeline

    show(pipeline.sign(dossier, cle, projet), en_json)
