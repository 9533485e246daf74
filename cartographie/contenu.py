"""A controlled campaign → what the warehouse loads: kept rows, received files, accounts, state of every answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cartographie import accounts
from cartographie.conditions import Contexte, evaluate
from cartographie.dispositions import settle
from cartographie.model import Anomalie, Questionnaire
from cartographie.warehouse import Contenu

if TYPE_CHECKING:
    from cartographie.examine import Controle

_QUARANTAINE = ["entite", "depot", "feuille", "ligne", "id_repondant", "motif"]


def build_contenu(q: Questionnaire, c: Controle, declarees: Mapping[str, str]) -> Contenu:
    """Everything one campaign brings to the warehouse. `declarees`: what the analyst recorded of units of the frame."""
    etats = _states(q, c)
    base = c.unites
    if base is not None:
        base = base.assign(disposition=settle(q, c, declarees, etats.get(q.racine)))
    return Contenu(
        entites=c.recu.kept,
        depots=_received(c),
        base=base,
        liens=c.liens,
        quarantaine=_quarantined(q, c),
        anomalies=_anomalies(c),
        comptes=accounts.in_long_form(c.comptes),
        etats=etats,
    )


def _anomalies(c: Controle) -> pd.DataFrame | None:
    """One row: one worded finding."""
    noms = [f.name for f in fields(Anomalie)]
    trouvees = c.redaction.anomalies
    return pd.DataFrame({n: [getattr(a, n) for a in trouvees] for n in noms}) if trouvees else None


def _received(c: Controle) -> pd.DataFrame:
    """One row: one received file and what reading it gave."""
    lus = {x.depot: x for x in (*c.base.extractions, *c.extractions)}
    rangs: list[dict[str, Any]] = []
    for d in (*c.base.depots, *c.depots):
        x = lus.get(d.depot)
        lu = {k: getattr(x, k) for k in ("format", "encodage", "separateur", "modele", "version")} if x else {}
        recu = {f.name: getattr(d, f.name) for f in fields(d)}
        rangs.append({**recu, **lu, "etat": "refusé" if x is not None and x.refuse else "lu"})
    return pd.DataFrame(rangs)


def _quarantined(q: Questionnaire, c: Controle) -> pd.DataFrame | None:
    """One row: one record set aside, with its respondent (its parent's for a child)."""
    racines = [cadres[q.racine]["id_repondant"] for cadres in (c.recu.kept, c.recu.quarantined) if q.racine in cadres]
    identifiants = pd.concat(racines) if racines else pd.Series(dtype="str")
    parts = []
    for entite, df in c.recu.quarantined.items():
        if df.empty:
            continue
        part = df.reindex(columns=[x for x in _QUARANTAINE if x in df.columns]).assign(entite=entite)
        if q.entites[entite].parent == q.racine and "parent" in df:
            part["id_repondant"] = df["parent"].map(identifiants)
        parts.append(part.reindex(columns=_QUARANTAINE))
    return pd.concat(parts, ignore_index=True) if parts else None


_ETATS = pd.Index(["renseigne", "blanc", "nsp", "invalide", "hors_filtre", "refus"], dtype="object")
_RENSEIGNE, _BLANC, _NSP, _INVALIDE, _HORS_FILTRE, _REFUS = range(6)


def _states(q: Questionnaire, c: Controle) -> dict[str, pd.DataFrame]:
    """{entity: state of its answers}. One row: one kept record (index: its number); one column: one asked variable.

    `hors_filtre` not applicable, `invalide` rejected by a rule, `nsp` « ne sait pas », `refus` « ne souhaite pas
    répondre », `blanc` left blank, else `renseigne`: things that are never merged (non-response is not « non »).
    """
    dits = {_NSP: set(q.enquete.get("ne_sait_pas", ())), _REFUS: set(q.enquete.get("refus", ()))}
    posees = q.posees(c.annee)
    rejetees = {(e, v): g for (e, v), g in c.recu.cellules_rejetees.groupby(["entite", "variable"])}
    etats: dict[str, pd.DataFrame] = {}
    for entite, df in c.recu.kept.items():
        if q.entites[entite].base or df.empty:
            continue
        contexte = Contexte(entite, c.recu.kept, q, c.annee, c.unites)
        colonnes: dict[str, pd.Categorical] = {}
        for v in sorted(q.variables.values(), key=lambda v: v.nom):
            if (entite, v.nom) not in posees or v.personnel or not v.publiable or v.nom not in df:
                continue
            codes = _state(df[v.nom], dits)
            cellules = rejetees.get((entite, v.nom))
            if cellules is not None:
                codes[df.index.isin(cellules["enregistrement"])] = _INVALIDE
            if v.condition_pose is not None:
                posee = np.asarray(evaluate(v.condition_pose, contexte), dtype=bool)
                codes[~posee & (codes != _RENSEIGNE)] = _HORS_FILTRE
            colonnes[v.nom] = pd.Categorical.from_codes(codes, categories=_ETATS)
        etats[entite] = pd.DataFrame(colonnes, index=df.index)
    return etats


def _state(colonne: pd.Series, dits: Mapping[int, set[str]]) -> np.ndarray:
    """Rank in _ETATS of each answer. `dits`: the codes that say something else than an answer, by rank."""
    etats = np.where(colonne.isna().to_numpy(dtype=bool), _BLANC, _RENSEIGNE).astype("int8")
    if any(dits.values()) and colonne.dtype in (object, "str"):
        codes, uniques = pd.factorize(colonne.to_numpy(dtype=object))
        for etat, voulus in dits.items():
            trouves = np.array([_says(u, voulus) for u in uniques] + [False], dtype=bool)  # last: code -1, null
            etats[trouves[codes]] = etat
    return etats


def _says(valeur: Any, codes: set[str]) -> bool:
    return bool(valeur) and set(valeur) <= codes if isinstance(valeur, tuple) else valeur in codes
