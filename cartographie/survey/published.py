"""The published table, written once: one row is one figure. Its columns in order, what each means, who sees it; its statuses.

A draft holds the same rows with private columns besides (`Prive`): confidential, dropped before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isnan
from os.path import commonprefix
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from cartographie.survey.written.declared import Axe, Selecteur, Seuils, TableauEcrit

TOUS = "TOUS"  # code of everybody, on an axis without levels
EVOLUTION = ".evolution"  # ends the code of an indicator that is a difference between editions
CHANGEMENTS = BAISSE, STABLE, HAUSSE = "baisse significative", "pas de changement significatif", "hausse significative"


def significance(bas: float | None, haut: float | None) -> str:
    """What a difference shows, by its own published interval at 95 %: one of CHANGEMENTS; "" without an interval.

    >>> significance(0.1, 3.2), significance(0.0, 3.1), significance(-2.0, -0.1)
    ('hausse significative', 'pas de changement significatif', 'baisse significative')
    """
    if bas is None or haut is None or isnan(bas) or isnan(haut):
        return ""
    return HAUSSE if bas > 0 else BAISSE if haut < 0 else STABLE


@dataclass(frozen=True, slots=True)
class Publiee:
    """One published column. `genre`: its type in Table Schema; `cle`: one of those that tell a figure from all others."""

    nom: str
    genre: str
    description: str
    cle: bool = False


AVANT_AXES = (
    Publiee("edition", "string", "Édition de l'enquête, par son année.", cle=True),
    Publiee("table_id", "string", "Code du tableau publié.", cle=True),
)
APRES_AXES = (
    Publiee("dimension", "string", "Question dont la ligne donne une réponse ; vide pour l'ensemble.", cle=True),
    Publiee("modalite_code", "string", "Code de la réponse, vide pour l'ensemble.", cle=True),
    Publiee("modalite_libelle", "string", "Libellé de la réponse."),
    Publiee("indicateur", "string", f"Code de l'indicateur ; le suffixe « {EVOLUTION} » désigne une différence entre éditions, significative quand son intervalle ne contient pas 0.", cle=True),
    Publiee("unite", "string", "Unité de la valeur : pct (pour cent), points (points de pourcentage) ou nombre."),
    Publiee("denominateur", "string", "Code de la population à laquelle la valeur se rapporte.", cle=True),
)  # fmt: skip
CHIFFRES = (
    Publiee("n_repondants", "integer", "Répondants sur lesquels la valeur repose, non pondérés ; vide quand ce nombre est secret."),
    Publiee("n_pondere", "number", "Unités de la base de sondage que ces répondants représentent ; vide dans un tableau que le secret protège."),
    Publiee("valeur", "number", "Valeur de l'indicateur, arrondie ; vide quand elle n'est pas publiée (voir statut)."),
    Publiee("ic_bas", "number", "Borne basse de l'intervalle de confiance à 95 %."),
    Publiee("ic_haut", "number", "Borne haute de l'intervalle de confiance à 95 %."),
    Publiee("statut", "string", "Pourquoi la valeur est, ou n'est pas, publiée."),
)  # fmt: skip
SDMX = (  # added when the table is written
    Publiee("obs_status", "string", "Statut d'observation SDMX (CL_OBS_STATUS)."),
    Publiee("conf_status", "string", "Statut de confidentialité SDMX (CL_CONF_STATUS)."),
)
COLONNES: Mapping[str, Publiee] = {c.nom: c for c in (*AVANT_AXES, *APRES_AXES, *CHIFFRES, *SDMX)}
HORS_CLE = {c.nom for c in COLONNES.values() if not c.cle}


def axis_columns(nom: str, axe: Axe) -> tuple[str, ...]:
    """An axis with levels gives three columns, the last one its label; a simple one a single column."""
    return (f"{nom}_type", f"{nom}_code", f"{nom}_libelle") if "niveaux" in axe else (nom,)


def whole(axes: Mapping[str, Axe]) -> dict[str, str]:
    """Column → value, of the rows where every axis is at its whole: the first of its levels, else everybody."""
    return {
        axis_columns(nom, axe)[0]: str(axe["niveaux"][0]["code"]) if "niveaux" in axe else TOUS
        for nom, axe in axes.items()
    }


def rows_at(df: pd.DataFrame, valeurs: Mapping[str, str]) -> pd.Series:
    """Which rows hold these values, column by column."""
    return (df[list(valeurs)] == list(valeurs.values())).all(axis=1)


def level(axes: Mapping[str, Axe], par: str | None) -> list[tuple[str, str, str]]:
    """(column, operator, value): the rows of one level of one axis, all the other axes together; without `par`, the whole."""
    garde = {colonne: ("==", valeur) for colonne, valeur in whole(axes).items()}
    for nom, axe in axes.items():
        if nom == par:
            garde[nom] = ("!=", TOUS)
        elif par in {n["code"] for n in axe.get("niveaux", ())}:
            garde[f"{nom}_type"] = ("==", str(par))
    return [(colonne, *voulu) for colonne, voulu in garde.items()]


def rows_of(df: pd.DataFrame, niveau: Iterable[tuple[str, str, str]]) -> pd.Series:
    """Which rows are at that level."""
    garde = df["indicateur"].notna()
    for colonne, operateur, valeur in niveau:
        garde &= (df[colonne] == valeur) == (operateur == "==")
    return garde


def dimension_name(variable: str | list[str]) -> str:
    """Name of a dimension column's content: the variable without its entity, or what several have in common."""
    nom = variable if isinstance(variable, str) else commonprefix(variable).rstrip("_") or variable[0]
    return nom.rpartition(".")[2]


def selected(df: pd.DataFrame, s: Selecteur, axes: Mapping[str, Axe]) -> pd.Series:
    """Which rows of its table, of any edition, hold the figures that a declaration names."""
    voulu = {
        "indicateur": s["indicateur"],
        "dimension": s.get("dimension", ""),
        "modalite_code": s.get("modalite", ""),
    }
    if "denominateur" in s:
        voulu["denominateur"] = s["denominateur"]
    return rows_at(df, voulu) & rows_of(df, level(axes, s.get("par")))


def columns(axes: Iterable[str]) -> list[str]:
    """Every column of a table, in order. `axes`: those of the survey's axes."""
    return [*(c.nom for c in AVANT_AXES), *axes, *(c.nom for c in (*APRES_AXES, *CHIFFRES))]


def published(colonnes: Iterable[str]) -> list[str]:
    """Those of a draft's columns that are published."""
    return [c for c in colonnes if not c.startswith("_")]


def key_columns(colonnes: Iterable[str]) -> list[str]:
    """Those of a table's columns that tell a figure from all others: never the labels, which may be reworded."""
    return [c for c in published(colonnes) if c not in HORS_CLE and not c.endswith("_libelle")]


class Prive(StrEnum):
    """Private columns of a draft."""

    # where the figure is declared and falls: rank of the series, crossing, cell, answers and indicator
    SERIE = "_serie"
    CROISEMENT = "_croisement"
    CELLULE = "_cellule"
    DIMENSION = "_dimension"
    INDICATEUR = "_indicateur"
    MODALITE = "_modalite"
    EDITION = "_edition"  # 0 the edition before, 1 this one, 2 their difference
    MESURE = "_mesure"  # kind of measure, and whether the perimeter is the constant one
    CONSTANT = "_constant"
    EXACT = "_exact"  # the figure not rounded, its standard error, how reliable it is ("", "u" or "i")
    ERREUR = "_erreur"
    FIABILITE = "_fiabilite"
    COMPARABLE = "_comparable"  # of a difference: the two editions may be compared
    BASE = "_base"  # exact counts behind the figure: see statistics.tallies.Exacts
    NUMERATEUR = "_numerateur"
    CONTRIBUTEURS_BASE = "_contributeurs_base"
    CONTRIBUTEURS = "_contributeurs"
    CONTRIBUTEURS_COMPLEMENT = "_contributeurs_complement"
    DOMINANTE = "_dominante"
    MARQUE_BASE = "_marque_base"
    MARQUE = "_marque"
    SEUL = "_seul"
    COMPLET = "_complet"
    SECRET = "_secret"  # why the numerator and the base are confidential ("" free); the table is subject to secrecy
    SECRET_BASE = "_secret_base"
    PROTEGE = "_protege"
    CACHE = "_cache"  # the figure and its base are masked to protect others
    CACHE_BASE = "_cache_base"


DIFFERENCE = 2  # Prive.EDITION of a difference


@dataclass(frozen=True, slots=True)
class Etat:
    """What may be shown of a figure. `abrege`: its shorthand, "" when nothing needs saying; `sdmx`: (OBS_STATUS, CONF_STATUS);
    `visible`: the figure itself may be read, which a model's stands in for otherwise."""

    code: str
    abrege: str
    sens: str
    sdmx: tuple[str, str]
    visible: bool = False


STATUTS: Mapping[str, Etat] = {
    e.code: e
    for e in (
        Etat("A", "", "valeur publiée", ("A", "F"), visible=True),
        Etat("c", "[c]", "non publié pour protéger les répondants, ceux de cette case ou d'une autre", ("Q", "C")),
        Etat("n", "[n]", "trop peu de répondants", ("Q", "F")),
        Etat("i", "[i]", "trop imprécis pour être publié", ("Q", "F")),
        Etat("nd", "[nd]", "non disponible : question non posée à cette édition", ("L", "F")),
        Etat("u", "[u]", "peu fiable : intervalle de confiance large, à lire avec prudence", ("U", "F"), visible=True),
        Etat("b", "[b]", "rupture : éditions non comparables", ("B", "F")),
        Etat("e", "[e]", "estimé par un modèle, à partir des chiffres publiés et de la base de sondage ; ce n'est pas une observation", ("E", "F")),
    )
}  # fmt: skip
VISIBLES = tuple(e.code for e in STATUTS.values() if e.visible)
ESTIME = "e"
ESTIMABLES = ("c", "n", "i")  # what a model's figure may stand in for


def frees_zeros(tableau: TableauEcrit, seuils: Seuils) -> bool:
    """Nought and a hundred per cent may be read: as the table declares it, else the campaign. Protected otherwise, since what is
    true of nobody, or of everybody, is told of each of those who are known to be there."""
    return (tableau.get("zeros") or seuils.get("zeros", "proteger")) == "publier"


@dataclass(frozen=True, slots=True)
class Masquage:
    """The account of secrecy: number and value of the counts by status (A too few, B one dominates, D masked to protect others, V
    shown, N published nowhere), D / (A + B) as INSEE asks for, and those that could not be protected."""

    cellules: Mapping[str, int] = field(default_factory=dict)
    valeurs: Mapping[str, float] = field(default_factory=dict)
    secondaires_par_primaire: float = 0.0
    non_protegees: int = 0
