"""Values no respondent typed: derived variables (passages, counts, ratios, named functions) and respondents' identities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from cartographie.base.identifiers import pseudonym
from cartographie.base.text import text_of
from cartographie.decode.columns import to_array
from cartographie.survey.conditions import FUNCTIONS
from cartographie.survey.evaluate import Contexte, evaluate
from cartographie.survey.model import Entite, Passage, Questionnaire, Variable
from cartographie.survey.received import Lot
from cartographie.survey.types import TYPES
from cartographie.survey.types.codes import sort_codes
from cartographie.survey.types.values import Repertoire, repertoire_of

# ---- conditions, in one place


def _holds(
    si: Mapping[str, Any] | None, entite: str, lots: Mapping[str, Lot], questionnaire: Questionnaire, campagne: str
) -> np.ndarray:
    """True for the rows of the entity's Lot where the condition holds."""
    frames = {nom: lot.df for nom, lot in lots.items()}
    return evaluate(si, Contexte(entite, frames, questionnaire, campagne))


# ---- passages


def _text(valeur: object) -> str:
    return ("VRAI" if valeur else "FAUX") if isinstance(valeur, bool | np.bool_) else text_of(valeur)


def look_up(passage: Passage, valeurs: tuple[Any, ...]) -> str | None:
    """The target of the first line that matches; a null source matches an empty cell or "*"."""
    if passage.intervalle:
        n = valeurs[0]
        bornes = () if n is None else passage.lignes
        cibles = (c for (bas, haut), c in bornes if (bas is None or bas <= n) and (haut is None or n < haut))
    else:
        textes = [None if v is None else _text(v) for v in valeurs]
        cibles = (c for ici, c in passage.lignes if all(s in ("*", t) for s, t in zip(ici, textes, strict=True)))
    return next(cibles, None) or None


def _values(colonne: pd.Series) -> list[Any]:
    """The cells as plain Python values, None where null."""
    return [None if nul else v for v, nul in zip(colonne.tolist(), colonne.isna().tolist(), strict=True)]


def _by_passage(
    passage: Passage, sources: list[pd.Series], variable: Variable, repertoire: Repertoire | None
) -> list[Any]:
    """The target per row. A multiple source gives every target (multiple variable) or the first line that matches."""
    rangs = {cible: rang for rang, (_, cible) in reversed(list(enumerate(passage.lignes)))}

    @cache
    def target(cle: tuple[Any, ...]) -> Any:
        i = next((i for i, v in enumerate(cle) if isinstance(v, tuple)), 0)
        valeurs = (cle[i] or (None,)) if isinstance(cle[i], tuple) else (cle[i],)
        cibles = [c for v in valeurs if (c := look_up(passage, (*cle[:i], v, *cle[i + 1 :]))) is not None]
        if TYPES[variable.type].multiple:
            return sort_codes(cibles, repertoire) if cibles else None
        return min(cibles, key=rangs.__getitem__, default=None)

    return [target(cle) for cle in zip(*(_values(s) for s in sources), strict=True)]


# ---- derived variables

_PERCENT = ("%", "pct")


def derive(lot: Lot, questionnaire: Questionnaire, campagne: str, lots: Mapping[str, Lot] | None = None) -> Lot:
    """The Lot with the derived variables its campaign does not ask for and whose sources exist (one may feed another).

    `lots`: every decoded and linked Lot of the campaign, needed by counts of child rows and by conditions.
    """
    tous = {**(lots or {}), lot.entite: lot}
    attendues = [
        v
        for v in questionnaire.variables.values()
        if v.derivee and lot.entite in v.entites and v.nom not in lot.df.columns
    ]
    while attendues:
        restantes = []
        for variable in attendues:
            valeurs = _derived(variable, tous[lot.entite], questionnaire, campagne, tous)
            if valeurs is None:
                restantes.append(variable)
                continue
            actuel = tous[lot.entite]
            tous[lot.entite] = replace(actuel, df=actuel.df.assign(**{variable.nom: _typed(valeurs, variable, actuel)}))
        if len(restantes) == len(attendues):
            break
        attendues = restantes
    return tous[lot.entite]


def _typed(valeurs: list[Any], variable: Variable, lot: Lot) -> pd.Series:
    colonne = to_array(valeurs, TYPES[variable.type].dtype, np.arange(len(valeurs)))
    return pd.Series(colonne, index=lot.df.index, dtype=object if TYPES[variable.type].multiple else None)


def _derived(
    variable: Variable, lot: Lot, questionnaire: Questionnaire, campagne: str, lots: Mapping[str, Lot]
) -> list[Any] | None:
    """The value of each row, or None when a source does not exist in this campaign."""
    derivee = variable.derivee or {}
    df, noms = lot.df, questionnaire.sources(derivee)
    if any(n not in df.columns for n in noms):
        return None
    if "passage" in derivee:
        passage = questionnaire.passages[derivee["passage"]]
        repertoire = repertoire_of(questionnaire, variable, campagne)
        return _convert(_by_passage(passage, [df[n] for n in noms], variable, repertoire), variable)
    if "nombre" in derivee:
        enfant = derivee["nombre"]
        if enfant not in lots:
            return None
        parents = lots[enfant].df["parent"].to_numpy()
        retenus = _holds(derivee.get("si"), enfant, lots, questionnaire, campagne) & (parents >= 0)
        positions = df.index.get_indexer(parents[retenus])
        return np.bincount(positions[positions >= 0], minlength=len(df)).tolist()
    if "rapport" in derivee:
        facteur = 100.0 if variable.unite in _PERCENT else 1.0
        paires = zip(*(_values(df[n]) for n in noms), strict=True)
        return [None if n is None or not d else facteur * float(n) / float(d) for n, d in paires]
    if "fonction" in derivee:
        params = {k: v for k, v in derivee.items() if k != "fonction"}
        return _values(pd.Series(FUNCTIONS[derivee["fonction"]](df, params)))
    return None


def _convert(valeurs: list[Any], variable: Variable) -> list[Any]:
    """Targets are texts in a passage file; numbers and booleans get their type."""
    conversion = TYPES[variable.type].du_passage
    return valeurs if conversion is None else [None if v is None else conversion(v) for v in valeurs]


# ---- identity


def identify(
    lot: Lot,
    entite: Entite,
    questionnaire: Questionnaire,
    campagne: str,
    lots: Mapping[str, Lot] | None = None,
    cle: bytes = b"",
) -> pd.Series:
    """The identity of each record, "<prefixe>:<value>", by the first declared way that applies; null when none does.

    A value already replaced by its pseudonym when decoded is not hashed again. An entity without a declared way is
    identified by the place it was read: "<depot>:<ligne>".
    """
    df = lot.df
    if not entite.identifiant:
        lieux = [f"{d}:{n}" for d, n in zip(df["depot"], df["ligne"], strict=True)]
        return pd.Series(lieux, index=df.index, dtype="str")
    tous = {**(lots or {}), lot.entite: lot}
    sortie = np.full(len(df), None, dtype=object)
    for voie in entite.identifiant:
        nom = voie["variable"]
        if nom not in df.columns:
            continue
        retenus = pd.isna(sortie) & df[nom].notna().to_numpy(dtype=bool)
        if voie.get("si"):
            retenus &= _holds(voie["si"], entite.nom, tous, questionnaire, campagne)
        variable = questionnaire.variables[nom]
        deja = variable.personnel and TYPES[variable.type].pseudonyme
        hache = (bool(voie.get("hache")) or variable.personnel) and not deja
        rangs = np.flatnonzero(retenus)
        for i, valeur in zip(rangs.tolist(), map(_text, df[nom].iloc[rangs].tolist()), strict=True):
            sortie[i] = f"{voie['prefixe']}:{pseudonym(valeur, cle) if hache else valeur}"
    return pd.Series(sortie, index=df.index, dtype="str")
