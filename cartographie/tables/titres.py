"""What a table states about itself: titles, notes, labels of its indicators, answers and axes."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import commonprefix
from typing import Any

from cartographie.tables.axes import TOUS
from cartographie.tables.edition import LIBELLES_COLONNES, SUFFIXE_PRECEDENTE, Edition


def grain_of(e: Edition, s: Mapping[str, Any]) -> str:
    """What one row of a series' denominator is."""
    return str(e.questionnaire.denominateurs[s["denominateur"]]["entite"])


def dimension_name(variable: str | list[str]) -> str:
    """Name of a dimension column's content: the variable without its entity, or what several have in common."""
    nom = variable if isinstance(variable, str) else commonprefix(variable).rstrip("_") or variable[0]
    return nom.rpartition(".")[2]


def table_meta(t: Mapping[str, Any], e: Edition) -> dict[str, Any]:
    """Titles, notes and labels of a table, placeholders filled."""
    q, repartitions = e.questionnaire, set()
    precedente = q.campagnes[e.campagne].precedente
    libelles: dict[str, str] = {}
    modalites: dict[str, str] = {}
    dimensions: dict[str, str] = {}
    for s in t["series"]:
        grain = grain_of(e, s)
        for ind in s["indicateurs"]:
            libelles[ind["code"]] = ind["libelle"]
            if ind["mesure"] == "repartition":
                repartitions.add(ind["code"])
                modalites |= {f"{ind['code']}.{c}": m for c, m in e.modalites(grain, ind["variable"])}
        for v in [s.get("dimension"), *(ind.get("variable") for ind in s["indicateurs"])]:
            if v:
                nom = dimension_name(v)
                declaree = q.variables.get(nom.removesuffix(SUFFIXE_PRECEDENTE))
                suite = ", édition précédente" if nom.endswith(SUFFIXE_PRECEDENTE) else ""
                libre = LIBELLES_COLONNES.get(nom, nom.replace("_", " ").capitalize())
                dimensions[nom] = declaree.libelle + suite if declaree else libre

    simples = [a["variable"] for a in q.enquete.get("axes", {}).values() if "variable" in a]
    acteurs = {c: m for v in simples for c, m in e.modalites(q.racine, v)}

    def fill(texte: str) -> str:
        return texte.replace("{edition}", e.campagne).replace("{precedente}", precedente or "édition précédente")

    return {
        "titre": fill(t["titre"]), "axe": t.get("axe", ""), "source": fill(t.get("source", "")),
        "champ": fill(t.get("champ", "")), "notes": [fill(n) for n in t.get("notes", ())], "edition": e.campagne,
        "indicateurs": libelles, "repartitions": sorted(repartitions), "modalites": modalites, "dimensions": dimensions,
        "libelles_axes": {TOUS: "Tous"} | acteurs,
        "effectif": "Unités" if {grain_of(e, s) for s in t["series"]} == {q.base} else "Répondants",
        "evolution": any(s.get("evolution") for s in t["series"]),
        "denominateurs": {s["denominateur"]: q.denominateurs[s["denominateur"]]["libelle"] for s in t["series"]},
        "fictif": bool(q.enquete.get("fictif", False)), "secret_secondaire": False,
    }  # fmt: skip
