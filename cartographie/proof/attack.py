"""The attacker's gate: no release leaves unless every masked count keeps an interval wide enough for whoever reads its files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from cartographie.base.errors import UserError
from cartographie.proof.links import Comptes, Lecteur, Quoi, bind_answers, bind_places, places
from cartographie.proof.reader import (
    VISIBLES,
    incoherent_rows,
    picture_differences,
    read_tables,
    strange_files,
    twin_differences,
    workbook_differences,
)
from cartographie.proof.solve import attack, before_release
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import frees_zeros
from cartographie.survey.written.declared import Axe, Seuils, TableauEcrit

# ---- what a respondent can tell of the others: it knows the counts it makes alone, and takes them away from the equations

# Linear algebra modulo a prime: the tables that agree with what is visible are drawn at random among those where what the
# respondent knows does not move; a count that never moves is told. Counts are not bounded here (see `porte`).

PREMIER = 2**20 - 3  # sums of a few thousand products hold in 64 bits
TIRAGES = 3  # a count that moves is missed with probability 1 / PREMIER ** TIRAGES
Ligne = dict[int, int]


def told_to_insiders(
    matrice: sparse.csr_array, inconnues: np.ndarray, cibles: Sequence[int], groupes: Mapping[Hashable, Sequence[int]]
) -> list[tuple[Hashable, int]]:
    """(respondent, count) for each of `cibles` told exactly to a respondent that knows the counts of its group.

    `inconnues`: one boolean per column of M, what is not visible. The key None, without counts, is any reader."""
    utiles = {int(c) for c in cibles} | {int(c) for g in groupes.values() for c in g}
    lignes, colonnes = _rows(matrice, inconnues)
    libres = sorted((c for c in colonnes if c not in utiles), key=lambda c: (len(colonnes[c]), c))
    for c in libres:  # what nobody asks about absorbs an equation
        if colonnes[c]:
            _take(lignes, colonnes, c)
    pivots: dict[int, Ligne] = {}
    for c in sorted(utiles, key=lambda c: (len(colonnes.get(c, ())), c)):
        if colonnes.get(c):
            pivot = _take(lignes, colonnes, c)
            for autre in pivots.values():
                if c in autre:
                    _reduce(autre, pivot, c)
            pivots[c] = pivot
    rang = {c: i for i, c in enumerate(sorted(utiles))}
    f = _solved(pivots, rang)
    hasard = np.random.default_rng(PREMIER)
    resolues = np.array([c in pivots for c in sorted(utiles)])
    ou = np.array([rang[int(c)] for c in cibles], dtype=int)
    dites: list[tuple[Hashable, int]] = []
    for qui, siennes in groupes.items():
        connues = {rang[int(c)] for c in siennes}
        fixes = (_tables(f, resolues, connues, hasard) == 0).all(axis=1)
        fixes[list(connues)] = False
        dites += [(qui, int(cibles[k])) for k in np.flatnonzero(fixes[ou]).tolist()]
    return dites


def _rows(matrice: sparse.csr_array, inconnues: np.ndarray) -> tuple[dict[int, Ligne], dict[int, set[int]]]:
    lignes: dict[int, Ligne] = {}
    colonnes: dict[int, set[int]] = defaultdict(set)
    for i, (debut, fin) in enumerate(zip(matrice.indptr, matrice.indptr[1:], strict=False)):
        ici = zip(matrice.indices[debut:fin].tolist(), matrice.data[debut:fin].tolist(), strict=True)
        if ligne := {c: round(v) % PREMIER for c, v in ici if inconnues[c] and v}:
            lignes[i] = ligne
            for c in ligne:
                colonnes[c].add(i)
    return lignes, colonnes


def _take(lignes: dict[int, Ligne], colonnes: dict[int, set[int]], c: int) -> Ligne:
    """The shortest row where the column is leaves, and the column leaves every other row."""
    r = min(colonnes[c], key=lambda i: (len(lignes[i]), i))
    pivot = lignes.pop(r)
    for k in pivot:
        colonnes[k].discard(r)
    inverse = pow(pivot[c], -1, PREMIER)
    pivot = {k: v * inverse % PREMIER for k, v in pivot.items()}
    for i in list(colonnes[c]):
        ligne = lignes[i]
        _reduce(ligne, pivot, c)
        for k in pivot:
            (colonnes[k].add if k in ligne else colonnes[k].discard)(i)
    return pivot


def _reduce(ligne: Ligne, pivot: Ligne, c: int) -> None:
    facteur = ligne[c]
    for k, v in pivot.items():
        x = (ligne.get(k, 0) - facteur * v) % PREMIER
        if x:
            ligne[k] = x
        else:
            ligne.pop(k, None)


def _solved(pivots: Mapping[int, Ligne], rang: Mapping[int, int]) -> sparse.csr_array:
    """F such that x = F x for every table: each pivot by the free ones. Rows of what is free are empty."""
    i, j, v = [], [], []
    for c, ligne in pivots.items():
        for k, x in ligne.items():
            if k != c:
                i.append(rang[c])
                j.append(rang[k])
                v.append(-x % PREMIER)
    return sparse.csr_array((np.array(v, dtype=np.int64), (i, j)), shape=(len(rang), len(rang)))


def _tables(f: sparse.csr_array, pivot: np.ndarray, connues: Iterable[int], hasard: np.random.Generator) -> np.ndarray:
    """Differences between tables the respondent cannot tell apart: what it knows is nought. One column is one draw."""
    siennes = sorted(connues)
    x = hasard.integers(1, PREMIER, (len(pivot), TIRAGES), dtype=np.int64)
    x[pivot] = 0
    x[siennes] = 0
    contraintes = [i for i in siennes if pivot[i]]
    if contraintes:
        _solve(f[contraintes], siennes, x)
    x[pivot] = (f @ x)[pivot] % PREMIER
    return x


def _solve(lignes: sparse.csr_array, siennes: Sequence[int], x: np.ndarray) -> None:
    """Change as few of the free ones as it takes for `lignes` x = 0, in place."""
    colonnes = np.setdiff1d(np.unique(lignes.indices), siennes)
    a = lignes[:, colonnes].toarray() % PREMIER
    places: list[tuple[int, int]] = []
    for r in range(len(a)):
        ou = np.flatnonzero(a[r])
        if not len(ou):
            continue
        c = int(ou[0])
        a[r] = a[r] * pow(int(a[r, c]), -1, PREMIER) % PREMIER
        for autre in np.flatnonzero(a[:, c]):
            if autre != r:
                a[autre] = (a[autre] - a[autre, c] * a[r]) % PREMIER
        places.append((r, c))
    resolues = [c for _, c in places]
    libres = x[colonnes].copy()
    libres[resolues] = 0
    for r, c in places:
        libres[c] = -(a[r] @ libres) % PREMIER if resolues else 0
    x[colonnes] = libres


# ---- the gate: no release leaves unless every masked count keeps an interval wide enough for whoever reads all its files

PRECISION = 1e-6
CLE = ("table_id", "edition", "dimension", "modalite_code", "indicateur", "denominateur")


@dataclass(frozen=True, slots=True)
class Rapport:
    """`cellules`: one row is one count that is confidential: vraie, what it should keep (largeur), what it keeps (bas, haut),
    `prouve`. `manquements`: what is wrong, in French, never with a confidential value."""

    cellules: pd.DataFrame
    manquements: list[str]

    @property
    def sain(self) -> bool:
        return not self.manquements


def attack_release(
    dossier: Path,
    q: Questionnaire,
    exacts: pd.DataFrame,
    seuils: Seuils,
    anterieures: Sequence[tuple[Path, pd.DataFrame]] = (),
) -> Rapport:
    """Attack the files of a release. `exacts`: one row per published figure, same key: the counts behind it (base,
    numerateur, contributeurs_base, contributeurs, contributeurs_complement, dominante, seul, marques), to know what must not
    be found, and by whom. `anterieures`: releases a reader already has (directory, exacts): read with this one.

    The reader is granted the exact counts behind what is shown, who answered (their region and kind), and what does not add
    up. Raises nothing: read `manquements`."""
    df = read_tables(dossier)
    manquements = [*strange_files(dossier), *incoherent_rows(df), *twin_differences(dossier, df)]
    manquements += [*workbook_differences(dossier, df), *picture_differences(dossier, df)]
    manquements += [
        f"Tableau {code} : l'attaque ne sait pas ce que révèle la mesure « {mesure} »"
        for code, mesure in Lecteur(q).unread(sorted(set(df["table_id"]) & set(q.tableaux)))
    ]
    axes = q.enquete.get("axes", {})
    cle = [*CLE, *(c for a, axe in axes.items() for c in ((f"{a}_type", f"{a}_code") if "niveaux" in axe else (a,)))]
    jointes = df.merge(exacts, on=cle, how="left", validate="one_to_one").assign(ancienne=False)
    orphelines = jointes["numerateur"].isna() & jointes["statut"].isin(VISIBLES) & ~jointes["evolution"].eq(True)
    manquements += [
        f"{f} : un chiffre publié n'a pas été calculé" for f in sorted(set(jointes.loc[orphelines, "fichier"]))
    ]
    avant = [
        read_tables(d).merge(x, on=cle, how="left", validate="one_to_one").assign(ancienne=True) for d, x in anterieures
    ]
    s = _System(q, seuils, pd.concat([jointes, *avant], ignore_index=True) if avant else jointes, axes)
    manquements += s.shown()
    cellules = s.prove()
    rates = cellules.index[~cellules["prouve"]]
    manquements += [f"{s.where(int(i))} : un effectif masqué se retrouve, exactement ou presque" for i in rates]
    inities = s.told_to_respondents(cellules.index[cellules["prouve"]].tolist())
    cellules.loc[inities, "prouve"] = False
    manquements += [f"{s.where(i)} : un effectif masqué se retrouve par qui connaît sa propre réponse" for i in inities]
    return Rapport(cellules, manquements)


def require_sound_release(rapport: Rapport, version: str) -> None:
    """Raise UserError E20 (status 14) unless everything is proven."""
    if not rapport.sain:
        raise UserError(
            "E20",
            f"la publication « {version} » n'est pas écrite, le secret n'est pas prouvé ({len(rapport.manquements)} "
            f"manquements) : {rapport.manquements[0]} ; signalez-le, le masquage est à revoir.",
        )


class _System:
    """Counts, what is shown of them and what must stay unknown."""

    def __init__(self, q: Questionnaire, seuils: Seuils, df: pd.DataFrame, axes: Mapping[str, Axe]) -> None:
        self.q, self.seuils, self.df = q, seuils, df
        self.minimum = int(seuils.get("secret_min", 0))
        self.dominance = seuils.get("dominance_pct", 100) / 100
        libres = {code: frees_zeros(t, seuils) for code, t in q.tableaux.items()}
        self.zeros_libres = df["table_id"].map(libres).eq(True).to_numpy()
        self.lecteur, self.comptes = Lecteur(q), Comptes()
        lus, memo = [], {}
        for ligne in df[[*CLE]].to_dict("records"):
            m = tuple(ligne.values())
            if m not in memo:
                memo[m] = self.lecteur.figure(ligne["table_id"], ligne)
            lus.append(memo[m])
        protegees = df["protege"].eq(True).to_numpy() & df["numerateur"].notna().to_numpy()
        self.parties, self.touts = np.full(len(df), -1), np.full(len(df), -1)
        base, numerateur = (df[c].to_numpy(float) for c in ("base", "numerateur"))
        public: dict[Quoi, bool] = {}
        self.publics: set[int] = set()
        for i, (lieu, (partie, tout, _)) in enumerate(zip(places(df, axes, [x[2] for x in lus]), lus, strict=True)):
            if not protegees[i]:
                continue
            for quoi, vraies, rangs in ((tout, base, self.touts), (partie, numerateur, self.parties)):
                if quoi is not None:
                    rangs[i] = self.comptes.count(quoi, lieu, float(vraies[i]))
                    if quoi not in public:
                        public[quoi] = self.lecteur.public(quoi)
                    if public[quoi]:
                        self.publics.add(int(rangs[i]))
        simples = [a for a, axe in axes.items() if "niveaux" not in axe]
        ferme = np.array([x[2] for x in lus], dtype=bool) & protegees
        fermes = frozenset(c for a in simples for c in df.loc[ferme, a].unique()) - {"TOUS"}
        self.ajoutes = bind_answers(self.comptes, self.lecteur)
        bind_places(self.comptes, axes, _mothers(q, axes), fermes)
        self._judge()

    def _judge(self) -> None:
        """What is shown, and what is too small to be."""
        df, n = self.df, len(self.comptes.vraie)
        self.vraie = np.array(self.comptes.vraie)
        self.entiere, self.montree, self.sensible = np.ones(n, bool), np.zeros(n, bool), np.zeros(n, bool)
        self.reste, self.deja = np.full(n, np.nan), np.zeros(n, dtype=bool)
        ancienne = df["ancienne"].to_numpy(bool)
        for (quoi, _), rang in self.comptes.rangs.items():
            self.entiere[rang] = not quoi.somme
        valeur, effectif = df["statut"].isin(VISIBLES).to_numpy(), df["n_repondants"].notna().to_numpy()
        base, numerateur, de_base = (df[c].to_numpy(float) for c in ("base", "numerateur", "contributeurs_base"))
        haut, reste = (df[c].to_numpy(float) for c in ("contributeurs", "contributeurs_complement"))
        petit, peu = (haut > 0) & (haut < self.minimum), (de_base > 0) & (de_base < self.minimum)
        domine = df["dominante"].to_numpy(float) > self.dominance
        complement = (reste > 0) & (reste < self.minimum) & df["complet"].eq(True).to_numpy()
        tous = (reste == 0) & df["complet"].eq(True).to_numpy()
        nul = (de_base > 0) & ((numerateur == 0) | tous) & ~self.zeros_libres
        secret = petit | domine | complement | peu
        self.interdites = (secret | nul) & df["protege"].eq(True).to_numpy()
        self.secrets = np.where(numerateur == 0, nul, secret | nul) if len(df) else secret
        self.libre = np.ones(n, dtype=bool)  # a nought of that count may be read in every table where it stands
        for i in np.flatnonzero(self.parties >= 0):
            p = self.parties[i]
            self.montree[p] |= valeur[i]
            self.deja[p] |= valeur[i] and ancienne[i]
            self.sensible[p] |= bool(self.secrets[i])
            self.libre[p] &= self.zeros_libres[i]
            if complement[i] and not (petit[i] or domine[i] or peu[i]):
                self.reste[p] = base[i] - numerateur[i]
        for i in np.flatnonzero(self.touts >= 0):
            t = self.touts[i]
            self.montree[t] |= effectif[i] or valeur[i]
            self.deja[t] |= (effectif[i] or valeur[i]) and ancienne[i]
            self.sensible[t] |= bool(peu[i] or (base[i] == 0 and not self.zeros_libres[i])) and t not in self.publics
        for a, (tous, publies) in self.ajoutes.items():  # an answer published nowhere, that subtraction tells
            # when noughts are free, that all gave it is as free as that none gave the others
            libre = tous is not None and self.vraie[a] == self.vraie[tous] and self.libre[publies].all()
            self.sensible[a] = 0 < self.vraie[a] < self.minimum and not libre
        self._everybody_knows()

    def _everybody_knows(self) -> None:
        """Who answered; and a published 0 % or 100 %, when the campaign lets them be."""
        self.connue = np.zeros(len(self.vraie), dtype=bool)
        self.connue[list(self.publics)] = True
        self.connue |= self.deja
        lue = self._read()
        self.connue |= self.montree & (self.vraie == 0) & self.libre
        for p, t in zip(self.parties, self.touts, strict=True):
            if p >= 0 and t in self.publics and lue[p] and self.libre[p] and self.vraie[p] == self.vraie[t]:
                self.connue[p] = True
        self.montree |= self.connue
        # all of it is what a published nought leaves
        self.sensible &= ~self.connue

    def _read(self) -> np.ndarray:
        """Counts shown, and those whose difference with one of them is granted (how many did not answer): read as well."""
        n = len(self.vraie)
        paires = np.array([list(e) for e, _ in self.comptes.equations if sorted(e.values()) == [-1, 1]], dtype=int)
        i, j = paires.reshape(-1, 2).T
        _, groupe = connected_components(sparse.coo_array((np.ones(len(i)), (i, j)), shape=(n, n)), directed=False)
        lue: np.ndarray = np.isin(groupe, groupe[self.montree])
        return lue

    def shown(self) -> list[str]:
        """Figures shown that should not be."""
        visibles = self.df["statut"].isin(VISIBLES).to_numpy()
        ici = ~self.df["ancienne"].to_numpy(bool)
        dites = [
            f"{self._line(int(i))} : un chiffre confidentiel est publié"
            for i in np.flatnonzero(visibles & self.interdites & ici)
        ]
        # whoever knows who answered knows every weight: their sum over a population says who is in it
        pesees = self.df["protege"].eq(True).to_numpy() & self.df["n_pondere"].notna().to_numpy() & ici
        dites += [f"{self._line(int(i))} : une somme de poids est publiée" for i in np.flatnonzero(pesees)]
        # a status that lies tells by lying: « too few » of many, or a figure shown on too few
        effectif = self.df["n_repondants"].to_numpy(float)
        peu = self.df["statut"].eq("n").to_numpy()
        assez = [self._enough(jugee) for jugee in (min, max)]
        menteurs = ((visibles & (effectif < assez[0])) | (peu & (effectif >= assez[1]))) & ici
        # a difference rests on two figures; where nothing is secret, a status says no more than the count beside it
        menteurs &= ~self.df["evolution"].eq(True).to_numpy() & self.df["protege"].eq(True).to_numpy()
        return dites + [f"{self._line(int(i))} : le statut ne dit pas vrai" for i in np.flatnonzero(menteurs)]

    def _enough(self, retenu: Callable[[set[int]], int]) -> np.ndarray:
        """The least number of respondents of each row's figure, as its series, its table or the campaign declares it; which one
        is kept when several series give the figure."""
        declares = {code: _minima(t, self.seuils) for code, t in self.q.tableaux.items()}
        cles = zip(self.df["table_id"], self.df["indicateur"], self.df["denominateur"], strict=True)
        return np.array([retenu(declares.get(t, {}).get((i.split(".")[0], d), {0})) for t, i, d in cles], dtype=float)

    def prove(self) -> pd.DataFrame:
        """Every confidential count not shown, with what a reader can tell of it."""
        matrice, constantes = self.comptes.matrix()
        v = np.nan_to_num(self.vraie)
        cibles = np.flatnonzero(self.sensible & ~self.montree)
        largeur = np.maximum(
            self.seuils.get("largeur_min", 2),
            self.seuils.get("largeur_pct", 20) / 100 * np.where(np.isnan(self.reste), v, self.reste),
        )
        largeur = np.where(v == 0, np.minimum(largeur, 1), largeur)
        cote = np.where(self.entiere, np.minimum(1.0, largeur), largeur / 2)
        # nobody can be asked to know less than before the release
        bas, haut = before_release(matrice, constantes, self.connue, v)
        bas, haut = np.minimum(bas, v), np.maximum(haut, v)
        exigence = pd.DataFrame({
            "valeur": v, "largeur": np.minimum(largeur, haut - bas), "dessous": np.minimum(cote, v - bas),
            "dessus": np.minimum(cote, haut - v),
        }).loc[cibles]  # fmt: skip
        cellules = pd.DataFrame({"valeur": np.where(self.montree, self.vraie, np.nan), "entier": self.entiere})
        resultat = attack(cellules, matrice, constantes=constantes, cibles=cibles, exigence=exigence)
        resultat = resultat.assign(vraie=v[cibles], largeur=largeur[cibles])
        rates = resultat.index[~resultat["prouve"]]
        if len(rates):  # no narrower than before the release?
            connues = cellules.assign(valeur=np.where(self.connue, self.vraie, np.nan))
            avant = attack(connues, matrice, constantes=constantes, cibles=rates)
            x, apres = exigence.loc[rates], resultat.loc[rates]
            dessous = np.maximum(avant["bas"], x["valeur"] - x["dessous"])
            dessus = np.minimum(avant["haut"], x["valeur"] + x["dessus"])
            voulue = np.minimum(x["largeur"], avant["haut"] - avant["bas"])
            large = apres["haut"] - apres["bas"] >= voulue - PRECISION
            resultat.loc[rates, "prouve"] = (
                large & (apres["bas"] <= dessous + PRECISION) & (apres["haut"] >= dessus - PRECISION)
            )
        return resultat

    def told_to_respondents(self, cibles: Sequence[int]) -> list[int]:
        """Those of `cibles` that a table is made of and some respondent tells exactly, and did not before the release."""
        matrice, _ = self.comptes.matrix()
        nulle_part = set(self.ajoutes)
        cibles = [c for c in cibles if c not in nulle_part]
        groupes = self._known_to_each()
        dites = told_to_insiders(matrice, ~self.montree, cibles, groupes)
        if not dites:
            return []
        qui: dict[Hashable, list[int]] = {q: groupes[q] for q, _ in dites}
        avant = set(told_to_insiders(matrice, ~self.connue, sorted({c for _, c in dites}), qui))
        return sorted({c for q, c in dites if (q, c) not in avant})

    def _known_to_each(self) -> dict[Hashable, list[int]]:
        """Counts each contributor makes alone, in both editions: told by the mark it leaves wherever it is alone."""
        df = self.df
        editions = df["edition"].tolist()
        seuls = df["seul"].fillna(-1).astype(int).tolist()
        marques = dict(zip(zip(editions, df["numerateur"], df["marque"], strict=True), seuls, strict=True))
        marques = {cle: seul for cle, seul in marques.items() if seul >= 0}
        # how many did not answer is granted to a reader, not guessed twice by who alone answered
        autres = set(self.comptes.autres.values())
        for (quoi, lieu), rang in self.comptes.rangs.items():
            tous = self.comptes.rangs.get((replace(quoi, demandes=frozenset()), lieu))
            if quoi.demandes and tous is not None and self.vraie[tous] != self.vraie[rang]:
                autres.add(rang)
        groupes: dict[int, set[int]] = defaultdict(set)
        for rangs, compte, marque in ((self.parties, "numerateur", "marque"), (self.touts, "base", "marque_base")):
            for rang, *cle in zip(rangs.tolist(), editions, df[compte], df[marque], strict=True):
                qui = marques.get(tuple(cle), -1)
                if rang >= 0 and qui >= 0 and rang not in autres:
                    groupes[qui].add(rang)
        return {qui: sorted(x) for qui, x in sorted(groupes.items())}

    def where(self, rang: int) -> str:
        """A line where the count stands; a count published nowhere is told by its neighbours."""
        lignes = np.flatnonzero((self.parties == rang) | (self.touts == rang))
        return self._line(int(lignes[0])) if len(lignes) else "Un effectif qui se déduit de ceux publiés"

    def _line(self, i: int) -> str:
        x = self.df.loc[i]
        lieu = ", ".join(
            str(x[c]) for c in self.df.columns if c.endswith("_libelle") and c != "modalite_libelle" and x[c]
        )
        return f"Tableau {x['table_id']}, {x['edition']}, {lieu}, {x['indicateur']} {x['modalite_code']}".rstrip()


def _minima(t: TableauEcrit, seuils: Seuils) -> dict[tuple[str, str], set[int]]:
    """(indicator, denominator) → the least numbers of respondents that the series where it stands ask for."""
    out: dict[tuple[str, str], set[int]] = defaultdict(set)
    for s in t["series"]:
        part = s.get("min_repondants", t.get("min_repondants"))
        tiers = s.get("min_contributeurs", t.get("min_contributeurs"))
        general = (seuils.get("proportion_min", 0), seuils.get("secret_min", 0))
        minimum = max(part or 0, tiers if tiers is not None else general[1] if part else 0)
        if part is None and tiers is None:
            minimum = max(general)
        for x in s["indicateurs"]:
            out[x["code"], s["denominateur"]].add(int(minimum))
    return out


def _mothers(q: Questionnaire, axes: Mapping[str, Axe]) -> dict[tuple[str, str], str]:
    """(level, code) → code one level up."""
    meres = {}
    for axe in axes.values():
        niveaux = axe.get("niveaux", [])
        for niveau in niveaux[2:]:
            v = q.variables.get(niveau.get("variable", ""))
            if v is not None and v.nomenclature in q.nomenclatures:
                for code, m in q.nomenclatures[str(v.nomenclature)].modalites.items():
                    if m.parent:
                        meres[niveau["code"], code] = m.parent
    return meres
