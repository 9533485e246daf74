"""A controlled campaign → what the warehouse loads: kept rows, received files, accounts, state of every answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cartographie import accounts
from cartographie.conditions import Contexte, evaluate
from cartographie.model import Questionnaire
from cartographie.warehouse import Contenu

if TYPE_CHECKING:
    from cartographie.examine import Controle

_QUARANTAINE = ["entite", "depot", "feuille", "ligne", "id_repondant", "motif"]


def build_contenu(q: Questionnaire, c: Controle) -> Contenu:
    """Everything one campaign brings to the warehouse."""
    return Contenu(
        entites=c.validation.kept,
        depots=_received(c),
        base=c.base.unites,
        liens=c.liens,
        quarantaine=_quarantined(q, c),
        anomalies=pd.DataFrame([asdict(a) for a in c.redaction.anomalies]) if c.redaction.anomalies else None,
        comptes=accounts.in_long_form(c.comptes),
        etats=_states(q, c),
    )


def _received(c: Controle) -> pd.DataFrame:
    """One row: one received file and what reading it gave."""
    lus = {x.depot: x for x in (*c.base.extractions, *c.extractions)}
    rangs: list[dict[str, Any]] = []
    for d in (*c.base.depots, *c.depots):
        x = lus.get(d.depot)
        lu = {k: getattr(x, k) for k in ("format", "encodage", "separateur", "modele", "version")} if x else {}
        rangs.append({**asdict(d), **lu, "etat": "refusé" if x is not None and x.refuse else "lu"})
    return pd.DataFrame(rangs)


def _quarantined(q: Questionnaire, c: Controle) -> pd.DataFrame | None:
    """One row: one record set aside, with its respondent (its parent's for a child)."""
    parts = []
    for entite, df in c.validation.quarantined.items():
        if df.empty:
            continue
        part = df.reindex(columns=[x for x in _QUARANTAINE if x in df.columns]).assign(entite=entite)
        if q.entites[entite].parent == q.racine and "parent" in df:
            part["id_repondant"] = df["parent"].map(c.validation.identifiants)
        parts.append(part.reindex(columns=_QUARANTAINE))
    return pd.concat(parts, ignore_index=True) if parts else None


def _states(q: Questionnaire, c: Controle) -> pd.DataFrame | None:
    """One row: one asked variable of one kept record (entite, enregistrement, variable, etat).

    `hors_filtre` not applicable, `invalide` rejected by a rule, `nsp` « ne sait pas », `blanc` left blank, else `renseigne`:
    five things that are never merged (non-response is not « non »).
    """
    nsp = set(q.enquete.get("ne_sait_pas", ()))
    posees = q.posees(c.annee)
    rejetees = {(e, v): g for (e, v), g in c.validation.cellules_rejetees.groupby(["entite", "variable"])}
    parts = []
    for entite, df in c.validation.kept.items():
        if q.entites[entite].base or df.empty:
            continue
        contexte = Contexte(entite, c.validation.kept, q, c.annee, c.base.unites)
        for v in q.variables.values():
            if (entite, v.nom) not in posees or v.personnel or not v.publiable or v.nom not in df:
                continue
            etats = _state(df[v.nom], nsp)
            cellules = rejetees.get((entite, v.nom))
            if cellules is not None:
                etats[df.index.isin(cellules["enregistrement"])] = "invalide"
            if v.condition_pose is not None:
                etats[~np.asarray(evaluate(v.condition_pose, contexte), dtype=bool) & (etats != "renseigne")] = "hors_filtre"
            parts.append(pd.DataFrame({"entite": entite, "enregistrement": df.index, "variable": v.nom, "etat": etats}))
    return pd.concat(parts, ignore_index=True) if parts else None


def _state(colonne: pd.Series, nsp: set[str]) -> np.ndarray:
    etats = np.where(colonne.isna().to_numpy(dtype=bool), "blanc", "renseigne").astype(object)
    if nsp and colonne.dtype in (object, "str"):
        codes, uniques = pd.factorize(colonne.to_numpy(dtype=object))
        inconnus = np.array([_says_unknown(u, nsp) for u in uniques] + [False], dtype=bool)  # last: code -1, null
        etats[inconnus[codes]] = "nsp"
    return etats


def _says_unknown(valeur: Any, nsp: set[str]) -> bool:
    return bool(valeur) and set(valeur) <= nsp if isinstance(valeur, tuple) else valeur in nsp
