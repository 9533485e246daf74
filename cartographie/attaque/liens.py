"""The counts a release speaks of, and what a reader knows binds them: answers make their whole, places make the country."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cartographie.attaque.chiffres import Lecteur, Quoi

Lieu = tuple[
    tuple[str, str], ...
]  # one (level, code) per axis; ("constant", TOUS) for the kinds of actor of both editions
SIMPLE, CONSTANT, TOUS = "", "constant", "TOUS"


@dataclass
class Comptes:
    """One entry per count at one place. `vraie`: its value, nan when no figure gives it; `equations`: ({count: ±1}, constant)."""

    rangs: dict[tuple[Quoi, Lieu], int] = field(default_factory=dict)
    vraie: list[float] = field(default_factory=list)
    equations: list[tuple[dict[int, float], float]] = field(default_factory=list)
    autres: dict[tuple[int, float], int] = field(default_factory=dict)

    def count(self, quoi: Quoi, lieu: Lieu, vraie: float) -> int:
        """The count's number; told twice with two values (not the same questions were answered), it is two, known apart."""
        rang = self.rangs.setdefault((quoi, lieu), len(self.vraie))
        if rang == len(self.vraie):
            self.vraie.append(vraie)
        if self.vraie[rang] == vraie or np.isnan(vraie):
            return rang
        autre = self.autres.setdefault((rang, vraie), len(self.vraie))
        if autre == len(self.vraie):
            self.vraie.append(vraie)
            self.equations.append(({autre: 1.0, rang: -1.0}, vraie - self.vraie[rang]))
        return autre

    def unknown(self, vraie: float = np.nan) -> int:
        self.vraie.append(vraie)
        return len(self.vraie) - 1

    def bind(self, tout: int, parties: Sequence[int]) -> None:
        """tout = Σ parties, up to a constant that the reader is granted (unknown region, several sites, no answer)."""
        constante = self.vraie[tout] - sum(self.vraie[p] for p in parties)
        coefficients: dict[int, float] = defaultdict(float)
        coefficients[tout] += 1.0
        for p in parties:
            coefficients[p] -= 1.0
        self.equations.append((dict(coefficients), 0.0 if np.isnan(constante) else constante))

    def matrix(self) -> tuple[sparse.csr_array, np.ndarray]:
        lignes = [i for i, (e, _) in enumerate(self.equations) for _ in e]
        colonnes = [c for e, _ in self.equations for c in e]
        valeurs = [v for e, _ in self.equations for v in e.values()]
        m = sparse.coo_array((valeurs, (lignes, colonnes)), shape=(len(self.equations), len(self.vraie)))
        return m.tocsr(), np.array([c for _, c in self.equations])


def places(df: pd.DataFrame, axes: Mapping[str, Any], constant: Sequence[bool]) -> list[Lieu]:
    """Where each line stands."""
    colonnes: list[Sequence[tuple[str, str]]] = [
        list(zip(df[f"{a}_type"], df[f"{a}_code"], strict=True)) if "niveaux" in axe else [(SIMPLE, c) for c in df[a]]
        for a, axe in axes.items()
    ]
    return [
        tuple((CONSTANT, c) if c == TOUS and niveau == SIMPLE and ferme else (niveau, c) for niveau, c in lieu)
        for lieu, ferme in zip(zip(*colonnes, strict=True) if colonnes else repeat(()), constant, strict=False)
    ]


def bind_answers(comptes: Comptes, lecteur: Lecteur) -> list[int]:
    """Answers to one question make those who answered it. The counts added, of answers published nowhere."""
    ajoutes: list[int] = []
    familles: dict[tuple[Quoi, Lieu, str], list[Quoi]] = defaultdict(list)
    for quoi, lieu in list(comptes.rangs):
        for variable in sorted(v for v, _ in quoi.limites):
            familles[quoi.without(variable), lieu, variable].append(quoi)
        for texte in sorted(quoi.autres):
            _bind_inside(comptes, quoi, lieu, texte)
        if (
            quoi.demandes
            and (Quoi(quoi.edition, quoi.entite, quoi.somme, quoi.limites, quoi.autres), lieu) in comptes.rangs
        ):
            tous = comptes.rangs[Quoi(quoi.edition, quoi.entite, quoi.somme, quoi.limites, quoi.autres), lieu]
            ici = comptes.rangs[quoi, lieu]
            comptes.equations.append(({tous: 1.0, ici: -1.0}, comptes.vraie[tous] - comptes.vraie[ici]))
    for (reste, lieu, variable), enfants in familles.items():
        codes = lecteur.codes(variable, reste.edition) or frozenset()
        repondu = Quoi(
            reste.edition, reste.entite, reste.somme, reste.limites, reste.autres, reste.demandes | {variable}
        )
        exact = (repondu, lieu) in comptes.rangs
        tout = comptes.rangs.get((repondu, lieu)) if exact else comptes.rangs.get((reste, lieu))
        ajoutes += _bind_family(
            comptes, [(e.codes(variable), comptes.rangs[e, lieu]) for e in enfants], codes, tout, exact
        )
    return ajoutes


def _bind_inside(comptes: Comptes, quoi: Quoi, lieu: Lieu, texte: str) -> None:
    """What meets one more condition is a part of what does not have to."""
    sans = Quoi(quoi.edition, quoi.entite, quoi.somme, quoi.limites, quoi.autres - {texte}, quoi.demandes)
    if (sans, lieu) in comptes.rangs:
        tout, partie = comptes.rangs[sans, lieu], comptes.rangs[quoi, lieu]
        comptes.bind(tout, [partie, comptes.unknown(comptes.vraie[tout] - comptes.vraie[partie])])


def _bind_family(
    comptes: Comptes,
    enfants: Sequence[tuple[frozenset[str], int]],
    codes: frozenset[str],
    tout: int | None,
    exact: bool,
) -> list[int]:
    """Cuts the answers into the smallest groups the published ones are made of; each group is a count."""
    groupes: dict[tuple[bool, ...], set[str]] = defaultdict(set)
    for code in codes:
        groupes[tuple(code in c for c, _ in enfants)].add(code)
    if tout is None:
        groupes.pop((False,) * len(enfants), None)
    connus = dict(enfants)
    rangs, ajoutes = {}, []
    for signature, dedans in sorted(groupes.items()):
        rang = connus.get(frozenset(dedans))
        if rang is None:
            rang = comptes.unknown()
            ajoutes.append(rang)
        rangs[signature] = rang
    sommes = [([r for s, r in rangs.items() if s[i]], rang) for i, (_, rang) in enumerate(enfants)]
    if tout is not None:
        parties = list(rangs.values())
        sommes.append((parties if exact else [*parties, comptes.unknown()], tout))
    for _ in range(2):  # a group is told by subtraction when it is the only one left
        for parties, somme in sommes:
            inconnues = [p for p in parties if np.isnan(comptes.vraie[p])]
            if len(inconnues) == 1 and (exact or somme != tout):
                comptes.vraie[inconnues[0]] = comptes.vraie[somme] - sum(
                    comptes.vraie[p] for p in parties if p != inconnues[0]
                )
    for parties, somme in sommes:
        if parties != [somme]:
            comptes.bind(somme, parties)
    return ajoutes


def bind_places(
    comptes: Comptes, axes: Mapping[str, Any], meres: Mapping[tuple[str, str], str], fermes: frozenset[str]
) -> None:
    """The same count at the places one place is made of. `fermes`: kinds of actor of both editions."""
    par_quoi: dict[Quoi, dict[Lieu, int]] = defaultdict(dict)
    for (quoi, lieu), rang in comptes.rangs.items():
        par_quoi[quoi][lieu] = rang
    for ici in par_quoi.values():
        sommes: dict[tuple[Lieu, int, str], list[int]] = defaultdict(list)
        for lieu, rang in ici.items():
            for i, axe in enumerate(axes.values()):
                for dessus in _above(lieu[i], axe, meres, fermes):
                    sommes[(*lieu[:i], dessus, *lieu[i + 1 :]), i, lieu[i][0]].append(rang)
        for (dessus_lieu, _, _), parties in sommes.items():
            if dessus_lieu in ici:
                comptes.bind(ici[dessus_lieu], parties)


def _above(
    noeud: tuple[str, str], axe: Mapping[str, Any], meres: Mapping[tuple[str, str], str], fermes: frozenset[str]
) -> Iterator[tuple[str, str]]:
    niveau, code = noeud
    if "niveaux" not in axe:
        if code != TOUS:
            yield (SIMPLE, TOUS)
            if code in fermes:
                yield (CONSTANT, TOUS)
        return
    niveaux = [n["code"] for n in axe["niveaux"]]
    for j in range(niveaux.index(niveau)):
        if j == 0:
            yield (niveaux[0], niveaux[0].upper())
        elif (niveau, code) in meres:
            yield (niveaux[j], meres[niveau, code])
