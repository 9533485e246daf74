"""What the checks of a release report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.errors import Statut
from cartographie.phrases import espace, nombre

if TYPE_CHECKING:
    from cartographie.lint import Defaut
    from cartographie.release.comparaison import Comparaison
    from cartographie.release.preparation_depot import Critere

Bilan = dict[str, Any]
MONTRES = 40
TOUJOURS = ("table_id", "indicateur")


def lint(sources: Sequence[Path], defauts: Sequence[Defaut]) -> Bilan:
    """One line per rule broken; status 12 when there is one."""
    lignes = [f"{d.code} {d.ou} : {d.message}." for d in defauts[:MONTRES]]
    if len(defauts) > MONTRES:
        lignes.append(f"… et {len(defauts) - MONTRES} autres (--json les donne tous).")
    dit = nombre(len(defauts), "défaut", "défauts") if defauts else "aucun défaut"
    return {
        "titre": f"{', '.join(str(s) for s in sources)} : {dit}.", "lignes": lignes,
        "defauts": [{"code": d.code, "ou": d.ou, "message": d.message} for d in defauts],
        "statut": int(Statut.ANOMALIES if defauts else Statut.FAIT),
    }  # fmt: skip


def compare(avant: Path, apres: Path, c: Comparaison, ecrits: Sequence[Path]) -> Bilan:
    ecarts = nombre(len(c.ecarts), "différence", "différences") if len(c.ecarts) else "aucune différence"
    genres = Counter(c.ecarts["ecart"])
    montres = c.ecarts.head(MONTRES)
    # of the key, what tells the rows shown from one another
    cle = c.ecarts.columns[: c.ecarts.columns.get_loc("ecart")]
    colonnes = [x for x in cle if x in TOUJOURS or montres[x].nunique() > 1]
    fin = ["ecart", "valeur_avant", "valeur_apres", "statut_avant", "statut_apres"]
    return {
        "titre": f"{avant} → {apres} : {ecarts} sur {espace(c.communs)} chiffres communs.",
        "lignes": [f"{genre} : {n}" for genre, n in sorted(genres.items())],
        "tables": [{"entete": [*colonnes, *fin], "rangs": montres[[*colonnes, *fin]].values.tolist()}] if len(montres) else [],
        "suite": [f"Détail : {p}" for p in ecrits], "ecarts": dict(genres), "communs": c.communs,
    }  # fmt: skip


def preflight(dossier: Path, criteres: Sequence[Critere]) -> Bilan:
    tenus = sum(not c.manque for c in criteres)
    return {
        "titre": f"{dossier} : {tenus} critères sur {len(criteres)}.",
        "lignes": [f"{'oui' if not c.manque else 'NON'}  {c.nom}" + (f" : {c.manque}" if c.manque else "") for c in criteres],
        "criteres": {c.nom: c.manque or None for c in criteres},
        "statut": int(Statut.FAIT if tenus == len(criteres) else Statut.ANOMALIES),
    }  # fmt: skip
