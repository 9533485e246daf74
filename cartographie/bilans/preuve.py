"""What an audit and a signature report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cartographie.errors import Statut
from cartographie.phrases import decimal, nombre

if TYPE_CHECKING:
    from cartographie.audit import Audit
    from cartographie.audit.trace import Trace
    from cartographie.journal import Lecture
    from cartographie.model import Depot

Bilan = dict[str, Any]


def audit(a: Audit, ecrits: Sequence[Path]) -> Bilan:
    """A verdict per step, then what was found; status 16 when something differs."""
    from cartographie.audit.rapport import conclusion, to_plain

    lignes = [f"{e.titre} : {c}" for e in a.etapes for c in e.constats]
    return {
        **to_plain(a), "titre": conclusion(a), "lignes": lignes,
        "tables": [{"entete": ["étape", "verdict"], "rangs": [[e.titre, str(e.verdict)] for e in a.etapes]}],
        "suite": [f"Rapport : {p}" for p in ecrits],
        "statut": int(Statut.FAIT if a.conforme else Statut.AUDIT),
    }  # fmt: skip


MONTRES = 40


def trace(t: Trace, cases: pd.DataFrame, anomalies: pd.DataFrame, annee: str, limite: int) -> Bilan:
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


def touched(depots: Sequence[Depot], touches: pd.DataFrame, annee: str) -> Bilan:
    """The published figures a file touches, table by table."""
    n = touches.groupby("table_id").size() if len(touches) else pd.Series(dtype=int)
    return {
        "titre": f"{', '.join(d.nom for d in depots)} : {nombre(len(touches), 'chiffre touché', 'chiffres touchés')}.",
        "lignes": [f"{code} : {int(k)}" for code, k in n.items()], "campagne": annee,
        "chiffres": touches.astype(object).where(touches.notna(), None).to_dict("records"),
    }  # fmt: skip


def journal(j: Lecture) -> Bilan:
    """One line per command; status 16 when the chain is broken."""
    if j.rupture:
        titre = f"La chaîne du journal est rompue à la ligne {j.rupture} : une ligne a été retirée ou changée juste avant, ou celle-ci est coupée."
    else:
        titre = (
            f"{nombre(len(j.lignes), 'commande notée', 'commandes notées')}, la chaîne est intacte."
            if j.lignes
            else "Le journal est vide."
        )
    rangs = [
        [x.get("quand", ""), x.get("qui", ""), " ".join([str(x.get("commande", "")), *map(str, x.get("arguments", ()))]),
         " ".join(x.get("gsbpm", ())), x.get("statut", ""), x.get("erreur") or ""]
        for x in j.lignes
    ]  # fmt: skip
    return {
        "titre": titre, "lignes": [f"dernière empreinte : {j.derniere}"] if j.lignes else [],
        "tables": [{"entete": ["quand", "qui", "commande", "GSBPM", "statut", "erreur"], "rangs": rangs}] if rangs else [],
        "journal": [dict(x) for x in j.lignes], "rupture": j.rupture, "derniere_empreinte": j.derniere,
        "statut": int(Statut.AUDIT if j.rupture else Statut.FAIT),
    }  # fmt: skip


def sign(dossier: Path, signature: Path) -> Bilan:
    return {
        "titre": f"Publication signée : {signature}.",
        "lignes": [],
        "dossier": str(dossier),
        "signature": str(signature),
    }
