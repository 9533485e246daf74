"""Which indicators may be compared from one edition to the next (comparabilite.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cartographie.conditions import references
from cartographie.model import Questionnaire


def comparable(
    q: Questionnaire, grain: str, serie: Mapping[str, Any], indicateur: Mapping[str, Any], de: str, a: str
) -> bool:
    """C0 and C1 are; C3 is not; C2 is for the indicators (or denominators) it lists, or for all when only crosswalked."""
    denominateur = serie["denominateur"]
    filtre = {v for _, v in references(q.denominateurs[denominateur].get("filtre"), grain)}
    lues = read_variables(grain, serie, indicateur)
    notes = [n for n in q.comparabilite if n["de"] == de and n["a"] == a]
    return all(
        (n["variable"] not in lues or _accepts(n, indicateur["code"]))
        and (n["variable"] not in filtre or _accepts(n, denominateur))
        for n in notes
    )


def _accepts(note: Mapping[str, Any], code: str) -> bool:
    if note["drapeau"] in ("C0", "C1"):
        return True
    if note["drapeau"] == "C3":
        return False
    return code in note["indicateurs"] if "indicateurs" in note else "passage" in note


def read_variables(grain: str, serie: Mapping[str, Any], indicateur: Mapping[str, Any]) -> set[str]:
    """Names of the variables an indicator rests on, its denominator's left aside."""
    lues = {v for c in (serie.get("filtre"), indicateur.get("condition")) for _, v in references(c, grain)}
    directes = [serie.get("dimension"), indicateur.get("poids")]
    for cle in ("variable", "valeur", "numerateur", "denominateur"):
        valeur = indicateur.get(cle)
        if isinstance(valeur, Mapping):
            lues |= {v for _, v in references(valeur.get("si"), valeur["nombre"])}
        else:
            directes += valeur if isinstance(valeur, list) else [valeur]
    enfant = str(indicateur.get("variable")).rpartition(".")[0] or grain
    lues |= {v for _, v in references(indicateur.get("si"), enfant)}
    return lues | {d.rpartition(".")[2] for d in directes if isinstance(d, str)}
