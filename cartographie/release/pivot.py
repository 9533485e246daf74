"""Long rows → tables to be read: lines are territories, kinds of actor or answers; columns are indicators or answers.

A published table gives one page per set of columns: shares of the same answers stand together, a count does not stand
among percentages it has no line with. Rows that cross two axes get pages of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cartographie.model import Tableau
from cartographie.release.mentions import ABREGES, SANS_OBJET

UNITES = {"pct": "%", "points": "points", "nombre": "nombre"}
MODALITES_MAX = 20
ENSEMBLE, FRAGILE = "Ensemble", "u"


@dataclass(frozen=True, slots=True)
class Page:
    """One sheet: `lignes` hold text, numbers, or a shorthand in place of a number. `formats`: a format name a column."""

    nom: str
    titre: str
    entetes: tuple[str, ...]
    lignes: tuple[tuple[Any, ...], ...]
    formats: tuple[str, ...]


def pages(tableau: Tableau, axes: Mapping[str, Any]) -> list[Page]:
    """Every page of a table, in order. `axes`: as declared in enquete.yaml."""
    df = _placed(tableau, axes)
    groupes: dict[tuple[bool, tuple[str, ...]], list[pd.DataFrame]] = {}
    for detail in (False, True):
        partie = df[df["_detail"] == detail]
        for _, bloc in partie.groupby("_bloc", sort=False):
            groupes.setdefault((detail, tuple(dict.fromkeys(bloc["_colonne"]))), []).append(bloc)
    plusieurs = len({c for _, c in groupes}) > 1
    out: list[Page] = []
    numeros: dict[tuple[str, ...], int] = {}
    for (detail, colonnes), blocs in groupes.items():
        numero = numeros.setdefault(colonnes, len(numeros) + 1)
        nom = tableau.code + (f" ({numero})" if numero > 1 else "") + (" détail" if detail else "")
        bloc = pd.concat(blocs)
        sujets = list(dict.fromkeys(bloc["_sujet"]))
        titre = tableau.meta["titre"]
        titre += f" – {sujets[0]}" if plusieurs and len(sujets) == 1 and sujets[0] else ""
        titre += " – croisement détaillé" if detail else ""
        out.append(_page(tableau, nom, titre, bloc, axes))
    return out


def _placed(t: Tableau, axes: Mapping[str, Any]) -> pd.DataFrame:
    """The long rows with where each goes: `_bloc`, `_colonne`, `_indicateur` and `_modalite` of its line, `_detail`."""
    df = t.df.copy()
    croises = sum((_axe(df, a, axes) != _total(a, axes)).astype(int) for a in axes) if axes else 0
    df["_detail"] = croises >= 2
    df["_cellule"] = df.groupby([c for a in axes for c in _axis_columns(a, axes)], sort=False).ngroup() if axes else 0
    base = df["indicateur"].str.removesuffix(".evolution")
    racine = base.where(~base.isin(t.meta["modalites"]), base.str.partition(".")[0])
    evolution = base != df["indicateur"]
    libelle = racine.map(t.meta["indicateurs"]).fillna(racine)
    unites = " (" + df["unite"].map(lambda u: UNITES.get(u, u)) + ")"
    df["_titre"] = evolution.map({True: "Évolution – ", False: ""}) + libelle + unites
    df["_sujet"], df["_indicateur"], df["_colonne"], df["_modalite"], df["_bloc"] = "", "", df["_titre"], ENSEMBLE, ""
    for (denominateur, dimension, code), i in df.groupby(
        ["denominateur", "dimension", racine], sort=False
    ).groups.items():
        bloc = df.loc[i]
        fermee = code in t.meta["repartitions"]
        croisee = base.loc[i].isin(t.meta["modalites"]).all()
        seule = (
            df.loc[(df["denominateur"] == denominateur) & (df["dimension"] == dimension), "indicateur"].nunique() == 1
        )
        en_colonnes = bloc["_cellule"].nunique() > 1 and bloc["modalite_libelle"].nunique() <= MODALITES_MAX
        df.loc[i, "_bloc"] = f"{denominateur}|{dimension}"
        if fermee and croisee:
            df.loc[i, "_colonne"] = base.loc[i].map(t.meta["modalites"]) + " (%)"
            df.loc[i, "_modalite"] = bloc["modalite_libelle"]
            df.loc[i, "_sujet"] = libelle.loc[i]
            if (
                racine.loc[df.index[(df["denominateur"] == denominateur) & (df["dimension"] == dimension)]].nunique()
                == 1
            ):
                df.loc[i, "_indicateur"] = bloc["_titre"]
        elif dimension and (fermee or seule) and en_colonnes:
            df.loc[i, "_colonne"] = bloc["modalite_libelle"] + (" (%)" if fermee and not _counted(df, t) else "")
            df.loc[i, "_indicateur"] = bloc["_titre"]
            df.loc[i, "_bloc"] = f"{denominateur}|{dimension}|{code}"
            df.loc[i, "_sujet"] = libelle.loc[i]
        elif dimension:
            df.loc[i, "_modalite"] = bloc["modalite_libelle"]
            if fermee:
                df.loc[i, "_colonne"] = "Part (%)"
                df.loc[i, "_indicateur"] = libelle.loc[i]
                df.loc[i, "_bloc"] = f"{denominateur}|{dimension}|{code}"
            elif seule:
                df.loc[i, "_sujet"] = libelle.loc[i]
    if df["edition"].nunique() > 1:
        df["_colonne"] += (" – " + df["edition"].astype(str)).where(~evolution, "")
    return df


def _counted(df: pd.DataFrame, t: Tableau) -> bool:
    """A count by answer exists too: percentages and counts then share their columns, the line says which."""
    return bool(
        ((df["dimension"] != "") & (df["unite"] == "nombre") & ~df["indicateur"].isin(t.meta["repartitions"])).any()
    )


def _page(t: Tableau, nom: str, titre: str, df: pd.DataFrame, axes: Mapping[str, Any]) -> Page:
    cle = _keys(t, df, axes)
    rang = pd.concat([df["denominateur"], df["_indicateur"], df["_cellule"], df["dimension"], df["_modalite"]], axis=1)
    for c in ("denominateur", "_indicateur", "_cellule"):
        rang[c] = pd.factorize(rang[c])[0]
    ordre = rang.sort_values(["denominateur", "_indicateur", "_cellule"], kind="stable").index
    df, cle, rang = df.loc[ordre], cle.loc[ordre], rang.loc[ordre]
    rang["dimension"] = rang["dimension"].where(rang["_modalite"] != ENSEMBLE, "")
    ligne = rang.groupby(list(rang.columns), sort=False).ngroup().to_numpy()
    tetes = list(dict.fromkeys(df["_colonne"]))
    n_lignes = int(ligne.max()) + 1
    grille: list[list[Any]] = [[SANS_OBJET[0]] * len(tetes) for _ in range(n_lignes)]
    effectifs: list[list[tuple[Any, str]]] = [[] for _ in range(n_lignes)]
    formats = [_format(df.loc[df["_colonne"] == c]) for c in tetes]
    indice = {c: j for j, c in enumerate(tetes)}
    colonnes = (ligne, df["_colonne"], df["valeur"], df["unite"], df["statut"], df["n_repondants"])
    fragiles: list[list[str]] = [[] for _ in range(n_lignes)]
    for i, c, v, u, s, n in zip(*colonnes, strict=True):
        if s == FRAGILE:
            fragiles[i].append(c)
        grille[i][indice[c]] = ABREGES[s][0] if pd.isna(v) else int(v) if u == "nombre" and v == int(v) else float(v)
        effectifs[i].append((int(n) if pd.notna(n) else ABREGES.get(s, SANS_OBJET)[0], u))
    textes = cle[~pd.Series(ligne, index=cle.index).duplicated()].to_numpy(dtype=object).tolist()
    varie = any(len({x for x, _ in e if isinstance(x, int)}) > 1 for e in effectifs)
    entete_n = t.meta["effectif"] + (" (n, au moins)" if varie else " (n)")
    lignes = [(*k, *g, _count(e)) for k, g, e in zip(textes, grille, effectifs, strict=True)]
    noms, genres = [*cle.columns, *tetes, entete_n], ("texte",) * len(cle.columns) + tuple(formats) + ("nombre",)
    if any(fragiles):  # numbers stay numbers: the mark stands in a column of its own
        noms, genres = [*noms, f"Peu fiable {ABREGES[FRAGILE][0]}"], (*genres, "texte")
        lignes = [(*x, _fragile(f, tetes)) for x, f in zip(lignes, fragiles, strict=True)]
    return Page(nom, titre, _uniques(noms), tuple(lignes), genres)


def _fragile(colonnes: list[str], toutes: list[str]) -> str:
    """Which figures of a line are marked unreliable."""
    if not colonnes:
        return "non"
    return "toute la ligne" if len(colonnes) == len(toutes) else " ; ".join(c.rsplit(" (", 1)[0] for c in colonnes)


def _keys(t: Tableau, df: pd.DataFrame, axes: Mapping[str, Any]) -> pd.DataFrame:
    """The text columns that open each line; those that never vary are left out, one at least is kept."""
    candidates: dict[str, pd.Series] = {}
    libelles = t.meta["libelles_axes"]
    for nom, axe in axes.items():
        titre = axe.get("libelle", nom.replace("_", " ").capitalize())
        niveaux = "niveaux" in axe
        candidates[titre] = df[f"{nom}_libelle"] if niveaux else df[nom].map(lambda c: libelles.get(c, c))
    candidates["Champ"] = df["denominateur"].map(t.meta["denominateurs"])
    candidates["Indicateur"] = df["_indicateur"]
    dimensions = df.loc[df["_modalite"] != ENSEMBLE, "dimension"].unique()
    if len(dimensions) == 1:
        candidates[_short(t.meta["dimensions"].get(dimensions[0], dimensions[0]))] = df["_modalite"]
    elif len(dimensions):
        candidates["Réponse"] = df["_modalite"]
    gardees = {k: v for k, v in candidates.items() if v.nunique() > 1} or dict(list(candidates.items())[:1])
    return pd.DataFrame(gardees)


def _count(valeurs: list[tuple[Any, str]]) -> Any:
    """Respondents a line rests on: the fewest among its percentages, else the most among its counts; else the shorthand."""
    entiers = [(v, u) for v, u in valeurs if isinstance(v, int)]
    parts = [v for v, u in entiers if u != "nombre"]
    if parts:
        return min(parts)
    return max(v for v, _ in entiers) if entiers else valeurs[0][0]


def _format(bloc: pd.DataFrame) -> str:
    unites = set(bloc["unite"])
    if unites <= {"pct", "points"}:
        return "points" if unites == {"points"} else "pct"
    if unites & {"pct", "points"}:
        return "mixte"
    valeurs = bloc["valeur"].dropna()
    return "nombre" if (valeurs == valeurs.round(0)).all() else "moyenne"


def _short(texte: str) -> str:
    """A header of a reasonable length: the end of a long question is dropped at a word."""
    texte = texte.split(" (")[0].rstrip(" ?:")
    return texte if len(texte) <= 60 else texte[:60].rsplit(" ", 1)[0] + "…"


def _uniques(noms: list[str]) -> tuple[str, ...]:
    """Headers of an Excel table differ, whatever the case."""
    return tuple(_numbered(noms))


def _numbered(noms: list[str]) -> Iterator[str]:
    vus: dict[str, int] = {}
    for nom in noms:
        fois = vus[nom.casefold()] = vus.get(nom.casefold(), 0) + 1
        yield nom if fois == 1 else f"{nom} ({fois})"


def _axe(df: pd.DataFrame, nom: str, axes: Mapping[str, Any]) -> pd.Series:
    return df[f"{nom}_type"] if "niveaux" in axes[nom] else df[nom]


def _axis_columns(nom: str, axes: Mapping[str, Any]) -> list[str]:
    return [f"{nom}_type", f"{nom}_code"] if "niveaux" in axes[nom] else [nom]


def _total(nom: str, axes: Mapping[str, Any]) -> str:
    return str(axes[nom]["niveaux"][0]["code"]) if "niveaux" in axes[nom] else "TOUS"
