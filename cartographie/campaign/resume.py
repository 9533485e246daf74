"""Batches examined apart: what was already examined is kept, and all are joined as if examined together."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from cartographie.base.files import write_whole
from cartographie.campaign import frame
from cartographie.campaign.batch import Cadre, Fournee
from cartographie.decode.versions import read_reference
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Anomalie, Constat, Depot, Extraction
from cartographie.validate import accounts
from cartographie.validate.wording import Redaction, order, word

# -------------------------------------------------------------------------------------------
# What was already examined: outputs/.examen/<campagne>/<context>/, one pair of files a batch. Never read as truth, only to save work.
#
# Keyed by content: the context is the fingerprint of everything that decides a result (declarations, code, libraries, key,
# frame), a batch holds the sha256 of each of its files. Plain numbers and JSON, no pickle: opening one cannot run anything.

_ANOMALIE = [f.name for f in fields(Anomalie)]
_DEPOT = [f.name for f in fields(Depot)]
_TETE = [f.name for f in fields(Extraction) if f.name not in ("blocs", "comptes", "constats")]
_MASQUES = {"Int64": pd.arrays.IntegerArray, "Float64": pd.arrays.FloatingArray, "boolean": pd.arrays.BooleanArray}
_CADRES = ("kept", "quarantined")
Tableaux = Mapping[str, np.ndarray]  # what a .npz holds
_ILLISIBLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


class Abimee(Exception):
    """A batch on disk does not read whole: it is to be examined again."""


@dataclass(frozen=True, slots=True)
class Conservee:
    """A batch on disk. `reduit` holds all of it but the columns that only the warehouse needs, which are in `complet`."""

    rang: int
    reduit: Path
    complet: Path
    depots: tuple[Depot, ...]


def context(empreintes: Mapping[str, str], programme: Mapping[str, str], cle: bytes, base: Sequence[Depot]) -> str:
    """16 hex digits naming everything that decides what examining a file gives, but the file."""
    parties = [sorted(empreintes.items()), sorted(programme.items()), [d.sha256 for d in base]]
    empreinte = hashlib.sha256(json.dumps(parties, ensure_ascii=False).encode())
    empreinte.update(hashlib.sha256(cle).digest())
    return empreinte.hexdigest()[:16]


def open_store(dossier: Path, contexte: str) -> Path:
    """The folder of one context, created (only its owner may look); those of other contexts are of no more use."""
    ici = dossier / contexte
    ici.mkdir(parents=True, exist_ok=True)
    dossier.parent.chmod(0o700)
    for autre in dossier.iterdir():
        if autre.name != contexte:
            shutil.rmtree(autre, ignore_errors=True)
    return ici


def listing(ici: Path) -> list[Conservee]:
    """The batches on disk, oldest first; one that does not read whole is as if it were not there."""
    trouvees = []
    for reduit in sorted(ici.glob("*.reduit.npz")):
        complet = reduit.with_name(reduit.name.replace(".reduit.", ".complet."))
        try:
            with np.load(reduit, allow_pickle=False) as z:
                depots = [Depot(*d) for d in _header(z)["depots"]]
            if complet.is_file():
                trouvees.append(Conservee(int(reduit.name[:6]), reduit, complet, tuple(depots)))
        except _ILLISIBLE:
            continue
    return trouvees


def save(ici: Path, rang: int, f: Fournee, utiles: Iterable[str]) -> Conservee:
    """Write a batch, each file whole or not at all; `utiles`: the columns the campaign-level pass needs."""
    utiles = set(utiles)
    nom = f"{rang:06d}-{hashlib.sha256(''.join(d.sha256 for d in f.depots).encode()).hexdigest()[:12]}"
    complet, reduit = ici / f"{nom}.complet.npz", ici / f"{nom}.reduit.npz"
    tables = {f"{c}:{e}": df for c in _CADRES for e, df in getattr(f, c).items()}
    _write(complet, {}, tables)
    courtes = {n: df[[c for c in df.columns if c in utiles]] for n, df in tables.items()}
    tete = {
        "depots": [[getattr(d, c) for c in _DEPOT] for d in f.depots],
        "extractions": [[getattr(x, c) for c in _TETE] for x in f.extractions],
        "anomalies": [[getattr(a, c) for c in _ANOMALIE] for a in f.redaction.anomalies],
        "confidentielles": [[getattr(a, c) for c in _ANOMALIE] for a in f.redaction.confidentielles],
    }
    autres = {"cellules_rejetees": f.cellules_rejetees, "comptes": f.comptes, "lieux": f.lieux}
    _write(reduit, tete, courtes | autres)  # last: its presence says that both are there
    return Conservee(rang, reduit, complet, f.depots)


def load(c: Conservee, complet: bool) -> Fournee:
    """A batch back from disk, with all its columns or the useful ones only; `bruts` is empty. Raises Abimee."""
    try:
        with np.load(c.reduit, allow_pickle=False) as z:
            tete = _header(z)
            tables = _tables(z, tete)
        if complet:
            with np.load(c.complet, allow_pickle=False) as z:
                tables |= _tables(z, _header(z))
    except _ILLISIBLE as erreur:
        raise Abimee(c.reduit.name) from erreur
    cadres: dict[str, dict[str, pd.DataFrame]] = {c: {} for c in _CADRES}
    for nom, df in tables.items():
        cote, _, entite = nom.partition(":")
        if entite:
            cadres[cote][entite] = df
    vide = Extraction("", None, None, None, (), (), ())
    return Fournee(
        tuple(Depot(*d) for d in tete["depots"]),
        tuple(replace(vide, **dict(zip(_TETE, x, strict=True))) for x in tete["extractions"]),
        cadres["kept"],
        cadres["quarantined"],
        tables["cellules_rejetees"],
        Redaction([Anomalie(*a) for a in tete["anomalies"]], [Anomalie(*a) for a in tete["confidentielles"]]),
        tables["comptes"],
        tables["lieux"],
    )


def discard(conservees: Iterable[Conservee]) -> None:
    for c in conservees:
        c.reduit.unlink(missing_ok=True)
        c.complet.unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------- frames as plain arrays


def _write(chemin: Path, tete: dict[str, Any], tables: Mapping[str, pd.DataFrame]) -> None:
    tableaux: dict[str, Any] = {}
    tete = {**tete, "tables": {}}
    for t, (nom, df) in enumerate(tables.items()):
        colonnes = []
        tableaux[f"{t}"] = df.index.to_numpy(dtype="int64")
        for c, colonne in enumerate(df.columns):
            genre, uniques, parties = _encode(df[colonne])
            colonnes.append([colonne, genre, uniques])
            tableaux |= {f"{t}.{c}.{k}": v for k, v in parties.items()}
        tete["tables"][nom] = colonnes
    tableaux["tete"] = np.frombuffer(json.dumps(tete, ensure_ascii=False).encode(), dtype="uint8")
    write_whole(chemin, lambda sortie: np.savez(sortie, **tableaux))


def _header(z: Tableaux) -> dict[str, Any]:
    return dict(json.loads(z["tete"].tobytes().decode()))


def _tables(z: Tableaux, tete: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    sortie = {}
    for t, (nom, colonnes) in enumerate(tete["tables"].items()):
        index = pd.Index(z[f"{t}"])
        donnees = {
            colonne: pd.Series(
                _decode(z, f"{t}.{c}.", genre, uniques),
                index=index,
                dtype=genre if genre in ("str", "object") else None,
            )
            for c, (colonne, genre, uniques) in enumerate(colonnes)
        }
        sortie[nom] = pd.DataFrame(donnees, index=index, columns=[c for c, _, _ in colonnes])
    return sortie


def _encode(colonne: pd.Series) -> tuple[str, list[Any], dict[str, np.ndarray]]:
    """(dtype, distinct values, arrays). Texts and lists of codes: each distinct value once, and its rank on each row."""
    genre = str(colonne.dtype)
    if genre in ("str", "object"):
        codes, uniques = pd.factorize(colonne.to_numpy(dtype=object))
        return genre, [list(u) if isinstance(u, tuple) else u for u in uniques], {"r": codes.astype("int32")}
    if genre in _MASQUES:
        tableau: Any = colonne.array
        return genre, [], {"v": tableau._data, "m": tableau._mask}
    if colonne.dtype.kind in "ifbM":
        return genre, [], {"v": colonne.to_numpy()}
    raise TypeError(f"a column of {genre} cannot be kept")


def _decode(z: Tableaux, prefixe: str, genre: str, uniques: Sequence[Any]) -> np.ndarray | ExtensionArray:
    if genre in ("str", "object"):
        valeurs = np.empty(len(uniques) + 1, dtype=object)
        for i, u in enumerate(uniques):
            valeurs[i] = tuple(u) if isinstance(u, list) else u
        valeurs[-1] = None
        return valeurs[z[prefixe + "r"]]
    if genre in _MASQUES:
        return _MASQUES[genre](z[prefixe + "v"], z[prefixe + "m"])
    return z[prefixe + "v"]


# -------------------------------------------------------------------------------------------
# What is only seen between answers: units of the frame that two respondents claim, at the cell that claims them.


def repaired(recu: Fournee) -> frozenset[tuple[int, str]]:
    """(root record, variable) of the numbers that had to be repaired to be read."""
    faits = recu.lieux[recu.lieux["redresse"].astype("bool")]
    return frozenset(zip(faits["enregistrement"].astype("int64").tolist(), faits["variable"].tolist(), strict=True))


def claimed_twice(cadre: Cadre, recu: Fournee, recouvrements: pd.DataFrame) -> Redaction:
    """One finding per unit of the frame that an answer covers and another one keeps, at the answer's identifying cell."""
    q, racines = cadre.q, recu.kept[cadre.q.racine]
    enregistrements = dict(zip(racines["id_repondant"], racines.index, strict=True))
    variables = {
        lien["mode"]: lien["variable"] for lien in q.enquete.get("lien_base", ()) if lien["entite"] == q.racine
    }
    premiere = next(iter(variables.values()), None)
    lieux = {(r.enregistrement, r.variable): r for r in recu.lieux.itertuples(index=False)}
    constats = []
    for r in recouvrements.itertuples(index=False):
        enregistrement = int(enregistrements[r.id_repondant])
        variable = variables.get(r.mode.removesuffix(frame.REPAIRED), premiere)
        lieu: dict[str, Any] = {}
        if place := lieux.get((enregistrement, variable)):
            lieu = {"depot": place.depot, "feuille": place.feuille}
            lieu |= {"ligne": _number(place.ligne), "colonne": _number(place.colonne)}
        constats.append(
            Constat("unite_deja_couverte", q.racine, enregistrement, variable,
                    details={"unite": r.id_base, "autre": r.retenu_par}, **lieu)
        )  # fmt: skip
    return word(constats, {}, recu.depots, q, cadre.campagne, racines["id_repondant"])


def _number(valeur: float) -> int | None:
    return None if pd.isna(valeur) else int(valeur)


# -------------------------------------------------------------------------------------------
# Batches examined apart → one campaign, the same as if all its files had been examined together.
#
# Files that speak of one another must be examined in the same batch: two answers of one respondent, a correction workbook and
# what it corrects, rows linked across files by a key. `linked_files` finds them when they are not.

Part = tuple[Fournee, frozenset[str]]  # a batch, and those of its files that no later batch examined again


def linked_files(parts: Sequence[Part], q: Questionnaire, campagne: str) -> set[str]:
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
    return found | _linked_by_key(parts, q, campagne)


def _roots(f: Fournee, gardes: frozenset[str], racine: str) -> pd.DataFrame:
    """One row: one root record of these files (depot, id_repondant), kept or not."""
    parts = [df[["depot", "id_repondant"]] for c in (f.kept, f.quarantined) if (df := c.get(racine)) is not None]
    df = pd.concat(parts) if parts else pd.DataFrame({"depot": [], "id_repondant": []})
    return df[df["depot"].isin(gardes)]


def key_links(q: Questionnaire, campagne: str) -> set[tuple[str, tuple[str, ...]]]:
    """(entity, parent's variables repeated in its sheet), of the campaign's models."""
    feuilles = [f for m in q.campagnes[campagne].modeles.values() if m.usage == "reponse" for f in m.feuilles]
    return {(f.entite, tuple(f.lien)) for f in feuilles if not isinstance(f.lien, str)}


def _linked_by_key(parts: Sequence[Part], q: Questionnaire, campagne: str) -> set[str]:
    """Files holding children without a parent, and those of other parts whose root records have the same key."""
    found: set[str] = set()
    for entite, cles in sorted(key_links(q, campagne)):
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
            cle = [tuple(ligne) for ligne in df[list(cles)].astype("str").to_numpy().tolist()]
            out.append(pd.DataFrame({"depot": df["depot"], "part": i, "cle": pd.Series(cle, df.index, dtype="object")}))
    return pd.concat(out, ignore_index=True) if out else pd.DataFrame({"depot": [], "part": [], "cle": []})


def useful_columns(q: Questionnaire, campagne: str) -> set[str]:
    """Columns the campaign-level pass reads: technical ones, and those that link answers to one another and to the frame."""
    liens = {lien["variable"] for lien in q.enquete.get("lien_base", ())}
    cles = {v for _, noms in key_links(q, campagne) for v in noms}
    axes = {
        n["variable"] for a in q.enquete.get("axes", {}).values() for n in [a, *a.get("niveaux", ())] if "variable" in n
    }
    proches = {str(v) for v in q.enquete.get("rapprochement", {}).values()}
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
