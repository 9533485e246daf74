"""Decoding a whole Lot: each column on its distinct values, taken back to its rows; one finding per faulty cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cartographie.base.text import MASQUE
from cartographie.decode.lots import TECHNIQUES, Cle, parts_of, raw_columns
from cartographie.decode.repairs import decline, tell_blanks
from cartographie.survey.model import Questionnaire, Variable
from cartographie.survey.received import Constat, Lot
from cartographie.survey.types import TYPES, TypeSpec
from cartographie.survey.types.codes import decode_choix, sort_codes
from cartographie.survey.types.values import (
    NUL,
    Contexte,
    Decode,
    cell_problem,
    day_comes_first,
    is_blank,
    repertoire_of,
)

_CHOIX = TYPES["booleen"]  # how each column of a spread choice is read
# Types whose equal values decode alike (1 and 1.0 included), so that equality is enough to tell them apart.
_SIMPLES = frozenset({str, int, float, type(None), datetime, date, time, timedelta})


def decode_cell(valeur: object, variable: Variable, contexte: Contexte) -> Decode:
    """One cell of a variable: blank, unreadable, or decoded by its type."""
    decoder = TYPES[variable.type].decoder
    return _unreadable(valeur) or tell_blanks(valeur, decoder(valeur, variable, contexte), variable)


def _unreadable(valeur: Any) -> Decode | None:
    """NUL for a blank cell, the finding of an unreadable one, None for any other (the usual cases told first)."""
    genre = type(valeur)
    if genre is int or (genre is float and valeur == valeur) or (genre is str and valeur[:1].isalnum()):
        return None
    return NUL if is_blank(valeur) else cell_problem(valeur)


def _read_choice(modalite: str, variable: Variable, valeur: object, contexte: Contexte) -> Decode:
    lu = _unreadable(valeur) or tell_blanks(valeur, decode_choix(valeur, modalite, contexte), variable)
    return lu if lu.constat is None or lu.details else lu._replace(details={"modalite": modalite})


def factorise(valeurs: np.ndarray) -> tuple[np.ndarray, Sequence[Any]]:
    """(rank of each cell among the distinct values, -1 for a null; the distinct values in order of first appearance)."""
    if set(map(type, valeurs)) <= _SIMPLES:
        return pd.factorize(valeurs)
    rangs: dict[tuple[type, Any], int] = {}
    codes = np.empty(len(valeurs), dtype="int64")
    for i, v in enumerate(valeurs):
        nul = v is None or (isinstance(v, float) and v != v)
        codes[i] = -1 if nul else rangs.setdefault((type(v), v), len(rangs))
    return codes, [v for _, v in rangs]


def plain_numbers(valeurs: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """(the numbers to be kept as they are, where they were): what their decoder would return, for many at once."""
    directs = np.array([v.__class__ is float for v in valeurs], dtype=bool)
    nombres = valeurs[directs].astype("float64")
    if dtype == "Int64":
        bons = (nombres == np.floor(nombres)) & (nombres >= -(2.0**63)) & (nombres < 2.0**63)
    else:
        bons = np.isfinite(nombres)
    directs[directs] = bons
    return (nombres[bons].astype("int64") if dtype == "Int64" else nombres[bons] + 0.0), directs


def to_array(valeurs: list[Any], dtype: str, codes: np.ndarray) -> Any:
    """The decoded distinct values, taken back to the rows, in that dtype."""
    if dtype.startswith("datetime"):
        return np.array([*valeurs, None], dtype=dtype)[codes]
    if dtype == "object":
        distincts = np.empty(len(valeurs) + 1, dtype=object)
        distincts[: len(valeurs)] = pd.Series(valeurs, dtype=object).to_numpy()
        return distincts[codes]
    return pd.array(valeurs, dtype=dtype).take(codes, allow_fill=True)


def findings(
    entite: str, variable: Variable, recues: np.ndarray, codes: np.ndarray, decodes: Sequence[Decode]
) -> Iterator[Constat]:
    """One finding per faulty cell, in row order, with the value as received (masked when personal)."""
    fautifs = np.array([d.constat is not None for d in decodes] + [False])
    if not fautifs.any():
        return
    for i in np.flatnonzero(fautifs[codes]).tolist():
        decode = decodes[codes[i]]
        masque = variable.personnel or decode.constat == "donnee_personnelle"
        for d in (decode, *decode.suite):
            recue, propose = (MASQUE, None) if masque else (recues[i], d.proposition)
            details = {k: v for k, v in d.details.items() if not masque or k in ("nature", "modalite")}
            yield Constat(str(d.constat), entite, i, variable.nom, recue, propose, details)


class _Colonnes:
    """Decodes the columns of one Lot."""

    def __init__(self, lot: Lot, questionnaire: Questionnaire, campagne: str, cle: bytes):
        self.lot, self.questionnaire, self.campagne, self.cle = lot, questionnaire, campagne, cle
        depots = lot.df["depot"]
        self.lignes_1904 = depots.isin(sorted(lot.depots_1904)).to_numpy() if lot.depots_1904 else None
        self.lignes_texte = depots.isin(sorted(lot.depots_texte)).to_numpy() if lot.depots_texte else None
        self.refuse = decline(questionnaire, campagne, lot.entite)
        self.constats: list[Constat] = []

    def decode(
        self, recues: np.ndarray, variable: Variable, decodeur: Callable[[Any, Contexte], Decode], spec: TypeSpec
    ) -> Any:
        repertoire = repertoire_of(self.questionnaire, variable, self.campagne)
        contexte = Contexte(self.campagne, repertoire, cle=self.cle)
        codes, uniques = factorise(recues)
        decodes = [decodeur(u, contexte) for u in uniques]
        if self.lignes_1904 is not None and spec.serie:
            # the same number is another day in files counting from the other epoch
            autre = replace(contexte, date1904=True)
            codes = np.where(self.lignes_1904 & (codes >= 0), codes + len(decodes), codes)
            decodes += [decodeur(u, autre) for u in uniques]
        if self.lignes_texte is not None and spec.jour:
            for jour_mois, lignes in self._text_dates(recues, self.lignes_texte).items():
                francais = replace(contexte, jour_mois=jour_mois)
                codes = np.where(lignes & (codes >= 0), codes + len(decodes), codes)
                decodes += [decodeur(u, francais) for u in uniques]
        if self.refuse is not None:
            decodes = [self.refuse(d, variable) for d in decodes]
        self.constats += findings(self.lot.entite, variable, recues, codes, decodes)
        return to_array([d.valeur for d in decodes], spec.dtype, codes)

    def _text_dates(self, recues: np.ndarray, lignes: np.ndarray) -> dict[bool, np.ndarray]:
        """Rows of text files where the day surely comes first in this column of the file, and the other rows of such files."""
        depots = self.lot.df["depot"].to_numpy()
        par_depot = pd.Series(recues[lignes], dtype=object).groupby(depots[lignes])
        surs = [d for d, cellules in par_depot if day_comes_first(cellules)]
        sur = lignes & np.isin(depots, surs)
        return {True: sur, False: lignes & ~sur}

    def simple(self, variable: Variable, colonne: Cle) -> Any:
        recues = self.lot.df[colonne].to_numpy(dtype=object)
        spec = TYPES[variable.type]

        def lire(valeur: object, contexte: Contexte) -> Decode:
            return decode_cell(valeur, variable, contexte)

        if not spec.direct:
            return self.decode(recues, variable, lire, spec)
        nombres, directs = plain_numbers(recues, spec.dtype)
        valeurs = self.decode(np.asarray(np.where(directs, None, recues), dtype=object), variable, lire, spec)
        valeurs[directs] = nombres
        return valeurs

    def etalee(self, variable: Variable, colonnes: Mapping[str, Cle]) -> np.ndarray:
        """A choice spread over columns → the tuple of ticked modalities per row; None where every cell is blank."""
        etats = np.zeros((len(self.lot.df), len(colonnes) + 1), dtype=bool)
        for k, (modalite, colonne) in enumerate(colonnes.items()):
            recues = self.lot.df[colonne].to_numpy(dtype=object)
            lus = self.decode(recues, variable, partial(_read_choice, modalite, variable), _CHOIX)
            etats[:, k] = lus.to_numpy(dtype=bool, na_value=False)
            etats[:, -1] |= ~np.asarray(lus.isna())
        motifs = [ligne.tobytes() for ligne in etats]
        repertoire = repertoire_of(self.questionnaire, variable, self.campagne)
        distincts = {
            m: sort_codes([c for c, coche in zip(colonnes, m, strict=False) if coche], repertoire) if m[-1] else None
            for m in dict.fromkeys(motifs)
        }
        return pd.Series([distincts[m] for m in motifs], dtype=object).to_numpy()

    def une_seule(self, variable: Variable, choix: np.ndarray) -> Any:
        """Spread columns of a single choice: the one ticked modality; several are a finding."""
        dit = partial(Constat, "type_inattendu", self.lot.entite, variable=variable.nom)
        for i, c in enumerate(choix):
            if c is not None and len(c) > 1:
                recue = MASQUE if variable.personnel else " ; ".join(c)
                self.constats.append(dit(i, valeur_recue=recue, details={"attendu": "une seule réponse"}))
        return pd.array([c[0] if c is not None and len(c) == 1 else None for c in choix], dtype="str")


def decode_lot(lot: Lot, questionnaire: Questionnaire, campagne: str, cle: bytes = b"") -> tuple[Lot, list[Constat]]:
    """The same records with typed columns, one per variable, and the findings of their cells.

    A value that cannot be typed is null; a repaired one is kept and reported. `cle`: the key of pseudonyms, needed as soon as
    a personal identifier is read.
    """
    decodeur = _Colonnes(lot, questionnaire, campagne, cle)
    sortie: dict[str, Any] = {c: lot.df[c] for c in TECHNIQUES}
    for nom, (colonne, etalees) in _group(raw_columns(lot.df)).items():
        variable = questionnaire.variables[nom]
        valeurs = decodeur.simple(variable, colonne) if colonne else None
        if etalees:
            choix = decodeur.etalee(variable, etalees)
            if not TYPES[variable.type].multiple:
                choix = decodeur.une_seule(variable, choix)
            valeurs = choix if valeurs is None else pd.Series(valeurs).where(pd.notna(valeurs), choix).array
        sortie[nom] = pd.Series(valeurs, index=lot.df.index, dtype=object if TYPES[variable.type].multiple else None)
    return replace(lot, df=pd.DataFrame(sortie, index=lot.df.index), recues=lot.df), decodeur.constats


def decode_lots(
    lots: Mapping[str, Lot], questionnaire: Questionnaire, campagne: str, cle: bytes = b""
) -> tuple[dict[str, Lot], list[Constat]]:
    """`decode_lot` on every entity of a campaign."""
    decodes = {entite: decode_lot(lot, questionnaire, campagne, cle) for entite, lot in lots.items()}
    return {e: lot for e, (lot, _) in decodes.items()}, [c for _, trouves in decodes.values() for c in trouves]


def _group(colonnes: Iterable[Cle]) -> dict[str, tuple[Cle | None, dict[str, Cle]]]:
    """{variable: (its plain column if any, {modality: column})}, in column order."""
    groupes: dict[str, tuple[Cle | None, dict[str, Cle]]] = {}
    for c in colonnes:
        nom, modalite = parts_of(c)
        simple, etalees = groupes.get(nom, (None, {}))
        groupes[nom] = (c, etalees) if modalite is None else (simple, {**etalees, modalite: c})
    return groupes
