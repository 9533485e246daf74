"""Commands of the auditor: verify a release again, take a figure apart, sign it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd

from cartographie.base.errors import Statut
from cartographie.base.text import decimal, nombre
from cartographie.cli.app import Json, Projet, command, progress, show
from cartographie.cli.screen import Bilan

import typer  # isort: skip

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cartographie.proof.audit import Audit
    from cartographie.proof.trace import Trace
    from cartographie.survey.received import Depot


# -------------------------------------------------------------------------------------------
# What an audit and a signature report.


def tell_audit(a: Audit, ecrits: Sequence[Path]) -> Bilan:
    """A verdict per step, then what was found; status 16 when something differs."""
    from cartographie.proof.audit import conclusion, to_plain

    lignes = [f"{e.titre} : {c}" for e in a.etapes for c in e.constats]
    return {
        **to_plain(a), "titre": conclusion(a), "lignes": lignes,
        "tables": [{"entete": ["étape", "verdict"], "rangs": [[e.titre, str(e.verdict)] for e in a.etapes]}],
        "suite": [f"Rapport : {p}" for p in ecrits],
        "statut": int(Statut.FAIT if a.conforme else Statut.AUDIT),
    }  # fmt: skip


MONTRES = 40


def tell_trace(t: Trace, cases: pd.DataFrame, anomalies: pd.DataFrame, annee: str, limite: int) -> Bilan:
    """The figure published and made again, its respondents, their cells, what was found on the way."""
    m, x = t.membres.lignes, t.publie
    lieu = " ".join(v for c, v in x.items() if c.endswith("_libelle") and v and c != "modalite_libelle")
    compte = int((m["compte"] > 0).sum())
    lignes = [
        f"publié : {x['valeur'] or 'non publié'} ({x['statut']}), {x['n_repondants'] or '?'} répondants",
        f"refait à partir de {nombre(len(m), 'ligne', 'lignes')} : {'sans objet' if t.valeur != t.valeur else decimal(t.valeur, 4)}"
        + (f" = 100 × {decimal(float((m['poids'] * m['compte']).sum()), 4)} / {decimal(float(m['poids'].sum()), 4)}"
           if x["unite"] == "pct" and t.valeur == t.valeur else ""),
        *_outdated(t),
        f"{compte} au numérateur, {len(m) - compte} au dénominateur seulement ; poids total {decimal(float(m['poids'].sum()), 4)}",
        f"questions lues : {', '.join(v for _, v in t.membres.variables) or 'aucune'}",
    ]  # fmt: skip
    tables = [
        {"entete": ["répondant", "poids", "compte", "feuille", "ligne"],
         "rangs": [[r.get("id_repondant", ""), decimal(float(r["poids"]), 4), decimal(float(r["compte"]), 2), r.get("feuille", ""),
                    int(r["ligne"]) if pd.notna(r.get("ligne")) else ""] for r in m.head(limite).to_dict("records")]},
        {"entete": list(cases.columns), "rangs": cases.head(4 * MONTRES).values.tolist()},
    ]  # fmt: skip
    if len(anomalies):
        colonnes = ["id_repondant", "cellule", "variable", "regle", "gravite"]
        tables.append({"entete": colonnes, "rangs": anomalies[colonnes].head(MONTRES).astype(str).values.tolist()})
    return {
        "titre": f"Tableau {x['table_id']}, {x['edition']}, {lieu}, {x['indicateur']} : réponses nominatives, ne pas diffuser.",
        "lignes": lignes, "tables": tables, "publie": dict(x), "refait": None if t.valeur != t.valeur else t.valeur,
        "membres": m.astype(object).where(m.notna(), None).to_dict("records"), "cases": cases.to_dict("records"),
        "anomalies": anomalies.astype(str).to_dict("records"), "campagne": annee,
    }  # fmt: skip


def _outdated(t: Trace) -> list[str]:
    """Said when the rows of today do not make the figure published: something was received or declared since."""
    x = t.publie
    if x["unite"] != "pct" or not x["valeur"] or t.valeur != t.valeur or abs(t.valeur - float(x["valeur"])) <= 0.0501:
        return []
    if t.recalcule["_mesure"] not in ("part", "repartition"):
        return []
    return [
        "attention : ce n'est pas le chiffre publié ; l'entrepôt ou les déclarations ont changé depuis (voir « audit »)"
    ]


def tell_touched(depots: Sequence[Depot], touches: pd.DataFrame, annee: str) -> Bilan:
    """The published figures a file touches, table by table."""
    n = touches.groupby("table_id").size() if len(touches) else pd.Series(dtype=int)
    return {
        "titre": f"{', '.join(d.nom for d in depots)} : {nombre(len(touches), 'chiffre touché', 'chiffres touchés')}.",
        "lignes": [f"{code} : {int(k)}" for code, k in n.items()], "campagne": annee,
        "chiffres": touches.astype(object).where(touches.notna(), None).to_dict("records"),
    }  # fmt: skip


def tell_sign(dossier: Path, signature: Path) -> Bilan:
    return {
        "titre": f"Publication signée : {signature}.",
        "lignes": [],
        "dossier": str(dossier),
        "signature": str(signature),
    }


# -------------------------------------------------------------------------------------------
# Commands of the auditor: verify a release again, sign it.


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
    from cartographie.cli.flow import prove as flow

    with progress(en_json) as progres:
        bilan = flow.audit(dossier, raw, sans_brut, rapport, signataires, progres)
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
    from cartographie.cli.flow import prove as flow

    with progress(en_json) as progres:
        if fichier:
            bilan = flow.touched(dossier, fichier, projet, progres)
        else:
            bilan = flow.trace(dossier, tableau, criteres or [], limite, projet, progres)
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
    from cartographie.cli.flow import prove as flow

    show(flow.sign(dossier, cle, projet), en_json)
