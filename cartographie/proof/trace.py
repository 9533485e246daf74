"""From a published figure down to the cells received, and from a received file up to the figures it touches.

Confidential: for whoever holds what was received. Personal answers are never shown, even there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cartographie.base.errors import UserError
from cartographie.base.text import MASQUE, personal_data
from cartographie.intake.gate import cell_name
from cartographie.release.manifest import read_figures
from cartographie.statistics.measures import MESURES, Measure
from cartographie.statistics.members import Membres, Traceur
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import CHIFFRES, COLONNES, DIFFERENCE, ESTIME, TOUS, Prive, key_columns, published
from cartographie.survey.received import Bloc, Extraction


@dataclass(frozen=True, slots=True)
class Trace:
    """`publie`: the row published; `exact`: the same figure as computed, not rounded; `membres`: who makes it; `valeur`: the
    figure made again from its rows, nan for what they do not add up to; `mesure`: what kind of figure it is."""

    publie: Mapping[str, str]
    exact: float
    membres: Membres
    valeur: float
    mesure: Measure


def find_figure(dossier: Path, code: str, criteres: Mapping[str, str]) -> dict[str, str]:
    """The one published row that meets `criteres` (column → value). Raises UserError U28 when there is none, or several."""
    publies = read_figures(dossier)[0]
    lignes = publies[publies["table_id"] == code]
    if lignes.empty:
        raise UserError(
            "U28", f"La publication n'a pas de tableau « {code} » : {', '.join(sorted(set(publies['table_id'])))}."
        )
    for colonne, valeur in criteres.items():
        if colonne not in lignes:
            raise UserError(
                "U28", f"Le tableau {code} n'a pas de colonne « {colonne} » : {', '.join(publies.columns)}."
            )
        garde = lignes[lignes[colonne] == valeur]
        if garde.empty:
            connues = sorted(set(lignes[colonne]))[:12]
            raise UserError(
                "U28", f"Aucune ligne n'a {colonne} = « {valeur} » ; valeurs possibles : {', '.join(connues)}."
            )
        lignes = garde
    lignes = _whole(lignes, criteres)
    if len(lignes) > 1:
        varient = [
            c for c in lignes.columns if c not in criteres and lignes[c].nunique() > 1 and not c.endswith("_libelle")
        ]
        axes = [c for c in publies.columns if (publies[c] == TOUS).any() or c.endswith(("_code", "_type"))]
        varient = [c for c in varient if (c in COLONNES and COLONNES[c].cle) or c in axes] or varient
        raise UserError(
            "U28",
            f"{len(lignes)} lignes répondent à ces critères ; précisez {', '.join(varient[:4])} (colonne=valeur).",
        )
    return {str(k): str(v) for k, v in lignes.iloc[0].items()}


def _whole(lignes: pd.DataFrame, criteres: Mapping[str, str]) -> pd.DataFrame:
    """What was not asked for is the whole: no dimension, the first place, everybody."""
    for colonne, tout in (("dimension", ""), ("modalite_code", "")):
        if colonne not in criteres and (lignes[colonne] == tout).any():
            lignes = lignes[lignes[colonne] == tout]
    for colonne in [c for c in lignes.columns if c.endswith("_type")]:
        nom = colonne.removesuffix("_type")
        if colonne not in criteres and f"{nom}_code" not in criteres:
            lignes = lignes[lignes[colonne] == lignes[colonne].iloc[0]]
    for colonne in lignes.columns:
        if colonne not in criteres and (lignes[colonne] == TOUS).any() and lignes[colonne].nunique() > 1:
            lignes = lignes[lignes[colonne] == TOUS]
    return lignes


def trace_figure(t: Traceur, publie: Mapping[str, str]) -> Trace:
    """Raises UserError U28 when the figure is not one that rows make: a model's, a difference between editions, or no longer computed."""
    if publie["statut"] == ESTIME:
        raise UserError(
            "U28",
            "Ce chiffre est estimé par un modèle, à partir des chiffres publiés du même tableau : aucune réponse ne le fait.",
        )
    code = publie["table_id"]
    df = t.draft(code).df
    garde = pd.Series(True, index=df.index)
    for c in key_columns(df.columns):
        garde &= df[c].astype(str) == publie[c]
    if not garde.any():
        raise UserError("U28", "Ce chiffre n'est plus calculé par les déclarations de l'espace de travail.")
    x = df[garde].iloc[0].to_dict()
    try:
        membres = t.members(code, x)
    except KeyError:
        raise UserError(
            "U28", "Une évolution est la différence de deux chiffres : demandez chacune des deux éditions (edition=…, indicateur sans « .evolution »)."
        ) from None  # fmt: skip
    mesure = MESURES[x[Prive.MESURE]]
    refait = mesure.refait(membres.lignes["poids"], membres.lignes["compte"])
    return Trace(publie, float(x[Prive.EXACT]), membres, refait, mesure)


# ---- down to the cells received


def cells(
    q: Questionnaire, m: Membres, extractions: Mapping[str, Extraction], noms: Mapping[str, str], limite: int
) -> pd.DataFrame:
    """One row: one cell received behind the first `limite` rows of a figure. A derived answer leads to those it comes from."""
    lignes = list(_cells(q, m, extractions, noms, limite))
    return pd.DataFrame(lignes, columns=["id_repondant", "fichier", "feuille", "cellule", "variable", "recu"])


def _cells(
    q: Questionnaire, m: Membres, extractions: Mapping[str, Extraction], noms: Mapping[str, str], limite: int
) -> Iterator[tuple[str, ...]]:
    variables = list(dict.fromkeys(v for nom in m.variables for v in _sources(q, nom)))
    for x in m.lignes.head(limite).to_dict("records"):
        extraction = extractions.get(str(x.get("depot")))
        if extraction is None:
            continue
        for entite, variable in variables:
            for b, rang in _records(q, extraction, m.grain, entite, x):
                for c in [i for i, col in enumerate(b.colonnes) if col.variable == variable]:
                    col = b.colonnes[c]
                    depot, feuille, ligne, colonne = b.reprises.get(
                        (rang, variable), (extraction.depot, b.feuille, col.ligne or b.lignes[rang], col.colonne)
                    )
                    recu = "" if b.valeurs[c][rang] is None else str(b.valeurs[c][rang])
                    if q.variables[variable].personnel or personal_data(recu):
                        recu = MASQUE
                    yield (
                        str(x["id_repondant"]),
                        noms.get(depot, depot),
                        feuille,
                        cell_name(ligne, colonne),
                        variable,
                        recu,
                    )


def _records(
    q: Questionnaire, e: Extraction, grain: str, entite: str, x: Mapping[Any, Any]
) -> Iterator[tuple[Bloc, int]]:
    """Records of one entity in a file: the row itself, or the ones of the same answer when it is another kind of row."""
    memes = entite == grain.split("_panel")[0]
    for b in e.blocs:
        if b.entite != entite:
            continue
        for rang, ligne in enumerate(b.lignes):
            if not memes or (ligne == x["ligne"] and b.feuille == x["feuille"]):
                yield b, rang


def _sources(q: Questionnaire, nom: tuple[str, str]) -> list[tuple[str, str]]:
    """The variable, or, when it is derived, those it is derived from."""
    entite, v = nom
    v = v.removesuffix("_precedente")
    derivee = q.variables[v].derivee if v in q.variables else None
    if not derivee:
        return [(entite, v)] if v in q.variables else []
    # a number of child rows has none: they have no cell of their own
    return [(entite, v), *((entite, s) for s in q.sources(derivee))]


# ---- up to the figures a file touches


def touched_by(t: Traceur, publies: pd.DataFrame, depots: Sequence[str]) -> pd.DataFrame:
    """Published rows that rest on at least one row of these received files: table_id, its key, `role`."""
    voulus, lignes = set(depots), []
    for code in sorted(set(publies["table_id"]) & set(t.q.tableaux)):
        df = t.draft(code).df
        colonnes = published(df.columns)[: -len(CHIFFRES)]
        for x in df.to_dict("records"):
            if int(x[Prive.EDITION]) == DIFFERENCE or not x[Prive.BASE]:
                continue
            m = t.members(code, x).lignes
            if "depot" not in m or m.empty:
                continue
            siennes = m[m["depot"].isin(voulus)]
            if len(siennes):
                lignes.append(
                    {**{c: x[c] for c in colonnes}, "role": "numérateur" if siennes["compte"].any() else "dénominateur"}
                )
    return pd.DataFrame(lignes)
