"""Contenu → frames ready to insert: sorted, keyed, without personal data. Pure pandas, no SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from cartographie.base.text import normalise, personal_data
from cartographie.survey.model import Campagne, Entite, Questionnaire
from cartographie.survey.received import Contenu
from cartographie.survey.types import TYPES
from cartographie.warehouse.content import entity_columns
from cartographie.warehouse.scheme import by_depth

DTYPES = {"BIGINT": "Int64", "INTEGER": "Int64", "DOUBLE": "Float64", "BOOLEAN": "boolean"}  # SQL type → of pandas
PLACE = ["depot", "feuille", "ligne", "bloc"]


def entity_frames(questionnaire: Questionnaire, contenu: Contenu) -> dict[str, pd.DataFrame]:
    """Entity → its kept records sorted by key, index = record number, with id_repondant, ordinal… (the frame: id_base)."""
    out: dict[str, pd.DataFrame] = {}
    for entite in by_depth(questionnaire):
        df = contenu.base if entite.base and contenu.base is not None else contenu.entites.get(entite.nom)
        if df is None or df.empty:
            continue
        if entite.base:
            df = df if "id_base" in df else df.assign(id_base=df["id_repondant"])
            out[entite.nom] = df.sort_values(["id_base", *_present(df)], kind="stable")
            continue
        if entite.parent is not None:
            df = _attach(df, out.get(entite.parent))
        elif entite.nom == questionnaire.racine:
            df = _with_base_unit(df, contenu.liens)
        df = df.sort_values(["id_repondant", *_present(df)], kind="stable")
        df["ordinal"] = df.groupby("id_repondant", sort=False, dropna=False).cumcount().to_numpy() + 1
        ensuite = df["id_repondant"].replace(dict(contenu.devenus))
        df["id_suite"] = ensuite
        if entite.cle_stable:
            df["id_stable"] = stable_ids(df, entite.cle_stable)
            df["id_suite"] = (
                stable_ids(df.assign(id_repondant=ensuite), entite.cle_stable) if contenu.devenus else df["id_stable"]
            )
        out[entite.nom] = df
    return out


def stable_ids(df: pd.DataFrame, cle_stable: tuple[str, ...]) -> list[str | None]:
    """sha256 (16 hex) of the respondent and the normalised values; None when the first value, the name, is missing."""
    texts = [_normalised(df[c]) if c in df else [""] * len(df) for c in cle_stable]
    return [
        hashlib.sha256("\x1f".join((str(owner), *values)).encode()).hexdigest()[:16] if values[0] else None
        for owner, *values in zip(df["id_repondant"].tolist(), *texts, strict=True)
    ]


def encode(column: pd.Series, type_sql: str) -> pd.Series:
    """The column in a dtype DuckDB maps exactly to its SQL type, which is no list."""
    if type_sql in DTYPES:
        return pd.Series(pd.array(_plain(column), dtype=DTYPES[type_sql]), index=column.index)
    if type_sql == "DATE":
        return pd.to_datetime(column) if len(column) else column
    return _categories(column)


def encode_lists(column: pd.Series) -> tuple[pd.Series, list[list[str]]]:
    """(rank of the codes of each row among the distinct lists, missing where unanswered; those lists)."""
    codes, uniques = pd.factorize(column.to_numpy(dtype="object"), use_na_sentinel=True)
    rangs = pd.Series(pd.arrays.IntegerArray(codes, codes < 0), index=column.index)
    return rangs, [list(u) for u in uniques]


def questions(questionnaire: Questionnaire, campagne: str, contenu: Contenu) -> pd.DataFrame:
    """One row: one declared variable of one entity, with its wording that year. `disponible`: asked, or derived."""
    posees = questionnaire.posees(campagne)
    libelles = _wordings(questionnaire.campagnes[campagne])
    rows = []
    for variable in questionnaire.variables.values():
        for entite in variable.entites:
            posee = (entite, variable.nom) in posees
            base = questionnaire.entites[entite].base
            df = contenu.base if base and contenu.base is not None else contenu.entites.get(entite)
            derivee = variable.derivee is not None and not posee
            computed = derivee and df is not None and variable.nom in df
            rows.append({
                "entite": entite, "variable": variable.nom, "posee": posee, "derivee": derivee,
                "disponible": posee or computed, "depuis_base": variable.nom in questionnaire.entites[entite].depuis_base,
                "libelle": libelles.get((entite, variable.nom), variable.libelle), "nomenclature": variable.nomenclature,
            })  # fmt: skip
    return pd.DataFrame(rows)


def links(liens: pd.DataFrame | None, racines: pd.DataFrame | None) -> pd.DataFrame | None:
    """Links of kept respondents. One row: one unit of the frame and the respondent that covers it."""
    if liens is None or racines is None:
        return None
    return liens[liens["id_repondant"].isin(set(racines["id_repondant"]))]


def anomalies(questionnaire: Questionnaire, df: pd.DataFrame | None) -> pd.DataFrame | None:
    """Anomalies without the received text of a variable that is personal, not publishable or free text, nor any text that
    seems to hold personal data, wherever it was typed.
    """
    if df is None or df.empty:
        return df
    hidden = {
        v.nom
        for v in questionnaire.variables.values()
        if v.personnel or not v.publiable or TYPES[v.type].libre or TYPES[v.type].pseudonyme
    }
    masked = df["variable"].isin(hidden).to_numpy()
    for column in ("valeur_recue", "proposition"):
        masked = masked | [isinstance(v, str) and personal_data(v) is not None for v in df[column].tolist()]
    df = df.copy()
    messages = df["message"].astype("object").tolist()
    for row in np.flatnonzero(masked & df["message"].notna().to_numpy()):
        for received in (df["valeur_recue"].iat[row], df["proposition"].iat[row]):
            if not _missing(received) and len(str(received)) > 2:  # shorter would eat the words of the sentence
                messages[row] = messages[row].replace(str(received), "…")
    df["message"] = messages
    for column in ("valeur_recue", "proposition"):
        df[column] = df[column].astype("object").where(~masked, None)
    return df


def states(
    etats: Mapping[str, pd.DataFrame] | None, kept: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """(entity, one row per kept record in its order: id_repondant, ordinal, then the state of each variable)."""
    for entite, part in sorted((etats or {}).items()):
        if entite in kept and len(part.columns):
            keys = kept[entite][["id_repondant", "ordinal"]]
            keys = keys[keys.index.isin(part.index)].sort_values(["id_repondant", "ordinal"], kind="stable")
            yield entite, pd.concat([keys, part.loc[keys.index]], axis=1).reset_index(drop=True)


def nomenclatures(questionnaire: Questionnaire) -> pd.DataFrame:
    """One row: one allowed answer."""
    return pd.DataFrame([
        {"nom": n.nom, "rang": i, "code": m.code, "libelle": m.libelle, "parent": m.parent,
         "valide_de": m.valide_de, "valide_a": m.valide_a}
        for n in questionnaire.nomenclatures.values() for i, m in enumerate(n.modalites.values())
    ])  # fmt: skip


def table_columns(questionnaire: Questionnaire, entite: Entite, df: pd.DataFrame) -> list[str]:
    """Columns of the entity's table the frame has something for."""
    return [c for c in entity_columns(questionnaire, entite) if c in df]


def _attach(df: pd.DataFrame, parents: pd.DataFrame | None) -> pd.DataFrame:
    """Children with their respondent and the ordinal of their parent; null when the parent is not kept (verify says so)."""
    columns = {"id_repondant": "id_repondant", "ordinal": "ordinal_parent"}
    if parents is None:
        return df.assign(id_repondant=None, ordinal_parent=None)
    found = parents.index.get_indexer(df["parent"])
    taken = parents[list(columns)].rename(columns=columns).iloc[np.maximum(found, 0)]
    return df.assign(**{c: taken[c].set_axis(df.index).where(found >= 0) for c in taken})


def _with_base_unit(df: pd.DataFrame, liens: pd.DataFrame | None) -> pd.DataFrame:
    """`id_base` of a respondent: as given, else the first of its links in their order."""
    if "id_base" in df:
        return df.copy()
    if liens is None or liens.empty:
        return df.assign(id_base=None)
    first = liens.drop_duplicates("id_repondant").set_index("id_repondant")["id_base"]
    return df.assign(id_base=df["id_repondant"].map(first))


def _wordings(campagne: Campagne) -> dict[tuple[str, str], str]:
    """(entity, variable) → the header as asked, the template's first; a choice spread over columns has no single one."""
    out: dict[tuple[str, str], str] = {}
    for modele in sorted(campagne.modeles.values(), key=lambda m: not m.gabarit):
        for feuille in modele.feuilles:
            for colonne in feuille.colonnes:
                if colonne.modalite is None and colonne.entetes:
                    out.setdefault((feuille.entite, colonne.variable), colonne.entetes[0].texte)
    return out


def _categories(column: pd.Series) -> pd.Series:
    """Texts as a categorical: DuckDB then copies small integers instead of objects."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.rename_categories([str(c) for c in column.cat.categories])
    codes, uniques = pd.factorize(column.to_numpy(dtype="object"), use_na_sentinel=True)
    texts = [str(u) for u in uniques]
    if len(set(texts)) < len(texts):  # 1 and "1": two values, one text
        codes, uniques = pd.factorize(np.array([None if c < 0 else texts[c] for c in codes], dtype="object"))
        texts = list(uniques)
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype="object")), index=column.index)


def _normalised(column: pd.Series) -> list[str]:
    """Each value normalised, computed once per distinct value; missing is empty."""
    codes, uniques = pd.factorize(column.to_numpy(dtype="object"), use_na_sentinel=True)
    texts = [*(normalise(u) for u in uniques), ""]
    return [texts[c] for c in codes]


def _plain(column: pd.Series) -> list[Any] | ExtensionArray | np.ndarray:
    return [None if _missing(v) else v for v in column.tolist()] if column.dtype == object else column.array


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value


def _present(df: pd.DataFrame) -> list[str]:
    return [c for c in PLACE if c in df]
