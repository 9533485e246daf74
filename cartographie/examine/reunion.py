"""Batches examined apart → one campaign, the same as if all its files had been examined together.

Files that speak of one another must be examined in the same batch: two answers of one respondent, a correction workbook and
what it corrects, rows linked across files by a key. `linked_files` finds them when they are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartographie import accounts
from cartographie.anomalies import Redaction, order
from cartographie.examine.fournee import Fournee
from cartographie.model import Anomalie, Depot, Questionnaire
from cartographie.references_retour import read_reference

Part = tuple[Fournee, frozenset[str]]  # a batch, and those of its files that no later batch examined again


def linked_files(parts: Sequence[Part], q: Questionnaire, annee: str) -> set[str]:
    """Files (`depot`) to be examined together although the parts examined them apart."""
    owner = {d: i for i, (_, gardes) in enumerate(parts) for d in gardes}
    found: set[str] = set()
    roots = [_roots(f, gardes, q.racine).assign(part=i) for i, (f, gardes) in enumerate(parts)]
    answers = pd.concat(roots, ignore_index=True) if roots else pd.DataFrame({"id_repondant": [], "part": []})
    named = answers[answers["id_repondant"].notna()]
    several = named.groupby("id_repondant")["part"].transform("nunique") > 1
    found |= set(named["depot"][several])
    for f, gardes in parts:
        for x in f.extractions:
            cible = read_reference(x.retour) if x.retour and x.depot in gardes else None
            if cible and cible[0] in owner and owner[cible[0]] != owner[x.depot]:
                found |= {x.depot, cible[0]}
    return found | _linked_by_key(parts, q, annee)


def _roots(f: Fournee, gardes: frozenset[str], racine: str) -> pd.DataFrame:
    """One row: one root record of these files (depot, id_repondant), kept or not."""
    parts = [df[["depot", "id_repondant"]] for c in (f.kept, f.quarantined) if (df := c.get(racine)) is not None]
    df = pd.concat(parts) if parts else pd.DataFrame({"depot": [], "id_repondant": []})
    return df[df["depot"].isin(gardes)]


def key_links(q: Questionnaire, annee: str) -> set[tuple[str, tuple[str, ...]]]:
    """(entity, parent's variables repeated in its sheet), of the campaign's models."""
    feuilles = [f for m in q.campagnes[annee].modeles.values() if m.usage == "reponse" for f in m.feuilles]
    return {(f.entite, tuple(f.lien)) for f in feuilles if not isinstance(f.lien, str)}


def _linked_by_key(parts: Sequence[Part], q: Questionnaire, annee: str) -> set[str]:
    """Files holding children without a parent, and those of other parts whose root records have the same key."""
    found: set[str] = set()
    for entite, cles in sorted(key_links(q, annee)):
        parent = q.entites[entite].parent
        orphans = _keyed(parts, entite, cles, orphelines=True)
        if parent is None or orphans.empty:
            continue
        both = orphans.merge(_keyed(parts, parent, cles), on="cle", suffixes=("", "_parent"))
        both = both[both["part"] != both["part_parent"]]
        found |= set(both["depot"]) | set(both["depot_parent"])
    return found


def _keyed(parts: Sequence[Part], entite: str, cles: tuple[str, ...], orphelines: bool = False) -> pd.DataFrame:
    """One row: one record (depot, part, cle)."""
    out = []
    for i, (f, gardes) in enumerate(parts):
        for cadres in (f.kept, f.quarantined):
            df = cadres.get(entite)
            if df is None or any(c not in df.columns for c in cles):
                continue
            df = df[df["depot"].isin(gardes) & df[list(cles)].notna().all(axis=1)]
            df = df[df["parent"] < 0] if orphelines else df
            cle = df[list(cles)].astype("str").agg("\x1f".join, axis=1) if len(df) else pd.Series(dtype="str")
            out.append(pd.DataFrame({"depot": df["depot"], "part": i, "cle": cle}))
    return pd.concat(out, ignore_index=True) if out else pd.DataFrame({"depot": [], "part": [], "cle": []})


def useful_columns(q: Questionnaire, annee: str) -> set[str]:
    """Columns the campaign-level pass reads: technical ones, and those that link answers to one another and to the frame."""
    liens = {lien["variable"] for lien in q.enquete.get("lien_base", ())}
    cles = {v for _, noms in key_links(q, annee) for v in noms}
    axes = {
        n["variable"] for a in q.enquete.get("axes", {}).values() for n in [a, *a.get("niveaux", ())] if "variable" in n
    }
    proches = {str(v) for v in (q.enquete.get("rapprochement") or {}).values()}
    return (
        {"depot", "feuille", "ligne", "parent", "id_repondant", "base_ligne", "motif"} | liens | cles | axes | proches
    )


# ------------------------------------------------------------------------------------------- joining


def gather(parts: Sequence[Part], depots: Sequence[Depot], q: Questionnaire) -> Fournee:
    """The parts as one batch: files in the order of `depots`, records numbered as if they had been examined together."""
    rang = {d.depot: i for i, d in enumerate(depots)}
    if len(parts) == 1 and len(parts[0][1]) == len(parts[0][0].depots) == len(depots):
        return parts[0][0]
    places = {e: _numbers(parts, e, rang) for e in q.entites}
    kept = {e: _joined([f.kept for f, _ in parts], e, places, q) for e in q.entites}
    aside = {e: _joined([f.quarantined for f, _ in parts], e, places, q) for e in q.entites}
    tetes = {x.depot: x for f, gardes in parts for x in f.extractions if x.depot in gardes}
    comptes = [f.comptes[f.comptes["depot"].isin(gardes)] for f, gardes in parts]
    return Fournee(
        tuple(depots),
        tuple(tetes[d.depot] for d in depots),
        {e: df for e, df in kept.items() if df is not None},
        {e: df for e, df in aside.items() if df is not None},
        _renumbered([f.cellules_rejetees for f, _ in parts], places),
        Redaction(
            _anomalies([(f.redaction.anomalies, g) for f, g in parts]),
            _anomalies([(f.redaction.confidentielles, g) for f, g in parts]),
        ),
        accounts.in_order(pd.concat(comptes, ignore_index=True)),
        _renumbered([f.lieux.assign(entite=q.racine) for f, _ in parts], places).drop(columns="entite"),
    )


def _numbers(parts: Sequence[Part], entite: str, rang: Mapping[str, int]) -> list[pd.Series]:
    """For each part: record number in the part → in the campaign, for the records of the files it still stands for."""
    lignes = []
    for i, (f, gardes) in enumerate(parts):
        for cadres in (f.kept, f.quarantined):
            df = cadres.get(entite)
            if df is not None and len(df):
                df = df[df["depot"].isin(gardes)]
                lignes.append(pd.DataFrame({"part": i, "local": df.index, "rang": df["depot"].map(rang).to_numpy()}))
    tout = pd.concat(lignes, ignore_index=True) if lignes else pd.DataFrame({"part": [], "local": [], "rang": []})
    tout = tout.sort_values(["rang", "part", "local"], kind="stable")
    tout["nouveau"] = np.arange(len(tout))
    return [
        pd.Series(p["nouveau"].to_numpy(), index=p["local"].to_numpy(dtype="int64"))
        for i in range(len(parts))
        for p in [tout[tout["part"] == i]]
    ]


def _joined(
    cadres: Sequence[Mapping[str, pd.DataFrame]], entite: str, places: Mapping[str, list[pd.Series]], q: Questionnaire
) -> pd.DataFrame | None:
    parent = q.entites[entite].parent
    out = []
    for i, tables in enumerate(cadres):
        df = tables.get(entite)
        if df is None:
            continue
        numeros = places[entite][i]
        df = df[df.index.isin(numeros.index)]
        nouveaux = numeros.reindex(df.index).to_numpy(dtype="int64")
        if parent is not None and "parent" in df.columns:
            df = df.assign(parent=places[parent][i].reindex(df["parent"]).fillna(-1).to_numpy(dtype="int64"))
        out.append(df.set_axis(nouveaux, axis=0))
    filled = [df for df in out if len(df)] or out[:1]
    return pd.concat(filled).sort_index() if filled else None


def _renumbered(tables: Sequence[pd.DataFrame], places: Mapping[str, list[pd.Series]]) -> pd.DataFrame:
    """Rows that name a record (entite, enregistrement), of records still standing, under their new number."""
    out = []
    for i, df in enumerate(tables):
        for entite, part in df.groupby("entite", sort=False):
            nouveaux = places[str(entite)][i].reindex(part["enregistrement"]).to_numpy()
            garde = ~np.isnan(nouveaux.astype("float64"))
            out.append(part[garde].assign(enregistrement=nouveaux[garde].astype("int64")))
    if not out:
        return tables[0].iloc[:0]
    return pd.concat(out).sort_values(["entite", "enregistrement", "variable"], kind="stable").reset_index(drop=True)


def _anomalies(listes: Sequence[tuple[Sequence[Anomalie], frozenset[str]]]) -> list[Anomalie]:
    gardees: list[Any] = [a for liste, gardes in listes for a in liste if a.depot in gardes]
    return sorted(gardees, key=order)
