"""Commands of the auditor: verify a release again, take a figure apart, sign it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cartographie.base.errors import Statut
from cartographie.base.text import decimal, nombre
from cartographie.cli.app import Json, Projet, act, argument, command, flag, option, show
from cartographie.cli.screen import Bilan, Table

if TYPE_CHECKING:
    import pandas as pd

    from cartographie.cli.flow.prove import Enquete, Touches
    from cartographie.proof.audit import Audit
    from cartographie.proof.trace import Trace


# -------------------------------------------------------------------------------------------
# What an audit and a signature report.


def tell_audit(a: Audit, ecrits: Sequence[Path]) -> Bilan:
    """A verdict per step, then what was found; status 16 when something differs."""
    from cartographie.proof.audit import conclusion, to_plain

    return Bilan(
        conclusion(a),
        to_plain(a),
        [f"{e.titre} : {c}" for e in a.etapes for c in e.constats],
        [Table(["étape", "verdict"], [[e.titre, str(e.verdict)] for e in a.etapes])],
        [f"Rapport : {p}" for p in ecrits],
        Statut.FAIT if a.conforme else Statut.AUDIT,
    )


MONTRES = 40


def tell_trace(r: Enquete, limite: int) -> Bilan:
    """The figure published and made again, its respondents, their cells, what was found on the way."""
    t, x = r.trouve, r.trouve.publie
    m = t.membres.lignes
    lieu = " ".join(v for c, v in x.items() if c.endswith("_libelle") and v and c != "modalite_libelle")
    compte = int((m["compte"] > 0).sum())
    poids = decimal(float(m["poids"].sum()), 4)
    refait = "sans objet" if t.valeur != t.valeur else decimal(t.valeur, 4)
    if x["unite"] == "pct" and t.valeur == t.valeur:
        refait += f" = 100 × {decimal(float((m['poids'] * m['compte']).sum()), 4)} / {poids}"
    lignes = [
        f"publié : {x['valeur'] or 'non publié'} ({x['statut']}), {x['n_repondants'] or '?'} répondants",
        f"refait à partir de {nombre(len(m), 'ligne', 'lignes')} : {refait}",
        *_outdated(t),
        f"{compte} au numérateur, {len(m) - compte} au dénominateur seulement ; poids total {poids}",
        f"questions lues : {', '.join(v for _, v in t.membres.variables) or 'aucune'}",
    ]
    rangs = [
        [d.get("id_repondant", ""), decimal(float(d["poids"]), 4), decimal(float(d["compte"]), 2), d.get("feuille", ""),
         int(d["ligne"]) if d.get("ligne") == d.get("ligne") and d.get("ligne") is not None else ""]
        for d in m.head(limite).astype(object).where(m.notna(), None).to_dict("records")
    ]  # fmt: skip
    tables = [
        Table(["répondant", "poids", "compte", "feuille", "ligne"], rangs),
        Table(list(r.cases.columns), r.cases.head(4 * MONTRES).values.tolist()),
    ]
    if len(r.anomalies):
        colonnes = ["id_repondant", "cellule", "variable", "regle", "gravite"]
        tables.append(Table(colonnes, r.anomalies[colonnes].head(MONTRES).astype(str).values.tolist()))
    return Bilan(
        f"Tableau {x['table_id']}, {x['edition']}, {lieu}, {x['indicateur']} : réponses nominatives, ne pas diffuser.",
        {
            "publie": dict(x), "refait": None if t.valeur != t.valeur else t.valeur, "campagne": r.campagne, "membres": _rows(m),
            "cases": r.cases.to_dict("records"), "anomalies": r.anomalies.astype(str).to_dict("records"),
        },
        lignes,
        tables,
    )  # fmt: skip


def _rows(df: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """One mapping a row, None where there is nothing."""
    return df.astype(object).where(df.notna(), None).to_dict("records")


def _outdated(t: Trace) -> list[str]:
    """Said when the rows of today do not make the figure published: something was received or declared since."""
    x = t.publie
    if x["unite"] != "pct" or not x["valeur"] or t.valeur != t.valeur or abs(t.valeur - float(x["valeur"])) <= 0.0501:
        return []
    if not t.mesure.part:
        return []
    return [
        "attention : ce n'est pas le chiffre publié ; l'entrepôt ou les déclarations ont changé depuis (voir « audit »)"
    ]


def tell_touched(r: Touches) -> Bilan:
    """The published figures a file touches, table by table."""
    comptes = Counter(r.chiffres["table_id"]) if len(r.chiffres) else Counter()
    return Bilan(
        f"{', '.join(d.nom for d in r.depots)} : {nombre(len(r.chiffres), 'chiffre touché', 'chiffres touchés')}.",
        {"campagne": r.campagne, "chiffres": _rows(r.chiffres)},
        [f"{code} : {n}" for code, n in sorted(comptes.items())],
    )


def tell_sign(dossier: Path, signature: Path) -> Bilan:
    return Bilan(f"Publication signée : {signature}.", {"dossier": str(dossier), "signature": str(signature)})


@command("audit")
def audit(
    dossier: Annotated[Path, argument("DOSSIER", "Dossier d'une publication.")],
    raw: Annotated[
        Path | None, option("--raw", "DOSSIER", "Fichiers reçus, raw/<campagne> (défaut : ceux d'à côté).")
    ] = None,
    sans_brut: Annotated[
        bool, flag("--sans-brut", "Ne vérifie que ce que la publication prouve par elle-même.")
    ] = False,
    rapport: Annotated[
        Path | None, option("--rapport", "DOSSIER", "Y écrit audit.html, audit.md et audit.json.")
    ] = None,
    signataires: Annotated[
        Path | None, option("--signataires", "FICHIER", "Clés publiques admises (OpenSSH, allowed_signers).")
    ] = None,
    en_json: Json = False,
) -> None:
    """Vérifie les empreintes, refait le contrôle, les poids, les tableaux et le masquage dans un dossier temporaire, compare chaque
    chiffre et chaque octet, attaque de nouveau. Sans connexion, et sans rien écrire dans l'espace de travail."""
    from cartographie.cli.flow import prove as flow

    act(en_json, lambda p: tell_audit(*flow.audit(dossier, raw, sans_brut, rapport, signataires, p)))


@command("trace")
def trace(
    dossier: Annotated[Path, argument("DOSSIER", "Dossier d'une publication.")],
    tableau: Annotated[str, argument("[TABLEAU]", "Code d'un tableau (T01).")] = "",
    criteres: Annotated[
        list[str] | None, argument("[COLONNE=VALEUR…]", "Ce qui désigne la ligne, par les colonnes du CSV.")
    ] = None,
    fichier: Annotated[str, option("--fichier", "NOM", "Plutôt : tous les chiffres que touche un fichier reçu.")] = "",
    limite: Annotated[int, option("--limite", "N", "Nombre de lignes dont les cases sont lues.")] = 40,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Montre qui fait un chiffre, avec quel poids, dans quelles cases de quels fichiers, et les anomalies rencontrées. Réponses
    nominatives : rien n'est écrit. Demande raw/ et l'entrepôt de l'espace de travail."""
    from cartographie.cli.flow import prove as flow

    if fichier:
        act(en_json, lambda p: tell_touched(flow.touched(dossier, fichier, projet, p)))
    else:
        act(en_json, lambda p: tell_trace(flow.trace(dossier, tableau, criteres or [], limite, projet, p), limite))


@command("sign")
def sign(
    dossier: Annotated[Path, argument("DOSSIER", "Dossier d'une publication.")],
    cle: Annotated[Path, option("--cle", "FICHIER", "Clé privée SSH, hors de l'espace de travail.")],
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit manifeste.json.sig avec ssh-keygen. Le manifeste porte l'empreinte de chaque fichier : le signer signe la publication."""
    from cartographie.cli.flow import prove as flow

    show(tell_sign(dossier, flow.sign(dossier, cle, projet)), en_json)
