"""The exact, unweighted counts behind each figure: what secrecy is judged on, never written in a release.

A figure rests on two counts: its numerator (the respondents, systems or sums concerned) and its base (the denominator).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from cartographie.statistics.frames import Parts
from cartographie.survey.published import DIFFERENCE, Prive, key_columns
from cartographie.survey.received import Tableau


@dataclass(frozen=True, slots=True)
class Exacts:
    """Flat arrays of the grid. `contributeurs*`: distinct contributors (respondents, or groups of them) of the base, the numerator
    and the rest of the base; `dominante`: largest share (0-1) one has of the numerator or of the rest; `marque_*`: fingerprint of
    who brings how much: two counts of the same things by the same contributors have the same; `seul`: the only one, known by its
    signature, -1 if there are none or several."""

    base: np.ndarray
    numerateur: np.ndarray
    contributeurs_base: np.ndarray
    contributeurs: np.ndarray
    contributeurs_complement: np.ndarray
    dominante: np.ndarray
    marque_base: np.ndarray
    marque: np.ndarray
    seul: np.ndarray
    complet: bool = True  # the rest of the base is a count too

    def columns(self) -> dict[str, np.ndarray | bool]:
        return {c: getattr(self, nom) for nom, c in _EXACTS.items()}


_EXACTS = {f.name: Prive[f.name.upper()] for f in fields(Exacts)}


def counts_of_a_share(base: Parts, vraies: Parts, taille: int, m: int, signatures: np.ndarray) -> Exacts:
    """Counts behind a share: `base` on `taille` places, `vraies` on `taille` × m. `signatures`: one uint64 per respondent."""
    largeur = int(base.repondants.max(initial=0)) + 1
    plat = (base.plat[:, None] * m + np.arange(m)).ravel()
    repondants, total = np.repeat(base.repondants, m), np.repeat(base.somme, m)
    cle = plat * largeur + repondants
    ordre = np.argsort(cle, kind="stable")
    trouve = np.searchsorted(cle[ordre], vraies.plat * largeur + vraies.repondants)
    dedans = np.zeros(len(cle))
    dedans[ordre[trouve]] = vraies.somme
    reste = total - dedans
    n = taille * m

    def distinct(qui: np.ndarray) -> np.ndarray:
        return np.bincount(plat[qui > 0], minlength=n)

    haut, bas = np.bincount(plat, dedans, minlength=n), np.bincount(plat, total, minlength=n)
    dominante = np.maximum(_largest(plat, dedans, n), _largest(plat, reste, n))
    return Exacts(
        bas, haut, distinct(total), distinct(dedans), distinct(reste), dominante,
        _mark(plat, repondants, total, n, signatures), _mark(plat, repondants, dedans, n, signatures),
        _alone(plat, repondants, dedans, n, signatures),
    )  # fmt: skip


def counts_of_a_total(haut: Parts, bas: Parts | None, taille: int, signatures: np.ndarray) -> Exacts:
    """Counts behind a sum (or a number: what each respondent brings), over another sum (`bas`) or over nothing."""
    n = np.bincount(haut.plat, haut.somme, minlength=taille)
    contributeurs = np.bincount(haut.plat, minlength=taille)
    dominante = _largest(haut.plat, haut.somme, taille)
    marque = _mark(haut.plat, haut.repondants, haut.somme, taille, signatures)
    if bas is None:
        base, marque_base = n, marque
    else:
        base = np.bincount(bas.plat, bas.somme, minlength=taille)
        marque_base = _mark(bas.plat, bas.repondants, bas.somme, taille, signatures)
        dominante = np.fmax(dominante, _largest(bas.plat, bas.somme, taille))
    return Exacts(
        base, n, contributeurs, contributeurs, np.zeros(taille, dtype=int), dominante, marque_base, marque,
        _alone(haut.plat, haut.repondants, haut.somme, taille, signatures), complet=False,
    )  # fmt: skip


def nothing(taille: int) -> Exacts:
    """No count at all: the question was not asked."""
    zero = np.zeros(taille, dtype=int)
    marque = np.zeros(taille, dtype=np.uint64)
    vide = np.zeros(taille)
    return Exacts(vide, vide, zero, zero, zero, vide, marque, marque, np.full(taille, -1))


def exact_counts(brouillons: Sequence[Tableau]) -> pd.DataFrame:
    """The counts behind every figure, by its published key: confidential, for the gate that attacks a release."""
    lignes = []
    for t in brouillons:
        evolution = t.df[Prive.EDITION] == DIFFERENCE
        lignes.append(t.df[key_columns(t.df.columns)].assign(
            **{nom: t.df[c] for nom, c in _EXACTS.items()}, evolution=evolution,
            protege=t.df[Prive.PROTEGE].astype(bool) & ~evolution,
        ))  # fmt: skip
    return pd.concat(lignes, ignore_index=True)


def _largest(plat: np.ndarray, valeurs: np.ndarray, taille: int) -> np.ndarray:
    """Largest share of each place's total (absolute values) that one respondent has; 0 where nobody brings anything."""
    grand, absolu = np.zeros(taille), np.abs(valeurs)
    np.maximum.at(grand, plat, absolu)
    total = np.bincount(plat, absolu, minlength=taille)
    part: np.ndarray = np.divide(grand, total, out=np.zeros(taille), where=total > 0)
    return part


def _alone(plat: np.ndarray, repondants: np.ndarray, valeurs: np.ndarray, taille: int, s: np.ndarray) -> np.ndarray:
    """Who alone brings the whole count of a place, by what a double holds of its signature; -1 where there are none or several."""
    qui = valeurs != 0
    nombre = np.bincount(plat[qui], minlength=taille)
    seul = np.full(taille, -1)
    seul[plat[qui]] = (s[repondants[qui]] >> np.uint64(12)).astype(np.int64)
    return np.where(nombre == 1, seul, -1)


def _mark(plat: np.ndarray, repondants: np.ndarray, valeurs: np.ndarray, taille: int, s: np.ndarray) -> np.ndarray:
    """Sum modulo 2^64 of each respondent's signature times what it brings (to the thousandth)."""
    marque = np.zeros(taille, dtype=np.uint64)
    milliemes = np.round(valeurs * 1000).astype(np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):
        np.add.at(marque, plat, milliemes * s[repondants])
    return marque
