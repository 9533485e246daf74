"""From an answer to its unit of the frame: successions of numbers, and the closest units, proposed but never applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process

from cartographie.base.files import csv_text
from cartographie.base.text import MASQUE, normalise, personal_data
from cartographie.survey.model import Identifiant, Questionnaire, Succession

# -------------------------------------------------------------------------------------------
# Answers that no number links to the frame: the units whose name and place are closest, proposed, never applied.
#
# Which variables hold the name and the place is data (enquete.yaml, `rapprochement`). A score is 100 for the same name, words in
# any order, in the same commune; without a known commune or department in common nothing is proposed.

PROPOSALS = ["id_repondant", "depot", "feuille", "ligne", "nom", "commune", "id_base", "base_nom", "base_commune", "score",
             "motif", "a_coller"]  # fmt: skip
NOMBRE = 3
SEUIL = 65
DEPARTEMENT = 0.85  # what a name is worth when only the department is the same
FINALISTES = 30  # names of a department compared at length, after a first look at all of them
ANCIEN_NUMERO = "scission de l'ancien numéro"


def propose(
    racines: pd.DataFrame,
    base: pd.DataFrame,
    base_ligne: np.ndarray,
    liens: pd.DataFrame,
    q: Questionnaire,
    scissions: Mapping[int, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """One row: one unit proposed for one answer found nowhere in the frame (PROPOSALS), at most NOMBRE each, best first.

    `racines`, `base`: as given to `frame.Matching`, `base_ligne` and `liens` its results. `scissions`: label in `racines` →
    units its former number was split into, proposed first. `a_coller`: the line of rapprochements.csv that accepts it.
    """
    d = q.enquete.get("rapprochement", {})
    seules = racines[np.asarray(base_ligne) < 0]
    unites = base["id_base"] if "id_base" in base else base["id_repondant"]
    rang_unite = {u: j for j, u in enumerate(unites)}
    abreviations = d.get("abreviations", {})
    noms = _names(seules, d.get("nom"), abreviations), _names(base, d.get("base_nom"), abreviations)
    trouves: dict[int, dict[int, tuple[int, str]]] = {}  # answer → unit → (score, motive)
    for i, possibles in enumerate(map((scissions or {}).get, seules.index)):
        for u in possibles or ():
            j = rang_unite[u]
            trouves.setdefault(i, {})[j] = (_score(noms[0][i], noms[1][j]), ANCIEN_NUMERO)
    seuil = d.get("seuil", SEUIL)
    if "commune" in d and "base_commune" in d:
        places = _places(seules, d["commune"]), _places(base, d["base_commune"])
        _collect(trouves, _close(noms, places, 1.0, seuil), "même commune")
    if "departement" in d and "base_departement" in d:
        places = _places(seules, d["departement"]).copy(), _places(base, d["base_departement"])
        places[0][[i for i, unites_trouvees in trouves.items() if len(unites_trouvees) >= NOMBRE]] = None
        _collect(trouves, _close(noms, places, DEPARTEMENT, seuil), "même département")
    return _table(trouves, seules, base, unites.to_numpy(dtype=object), set(liens["id_base"]), q)


def _collect(
    trouves: dict[int, dict[int, tuple[int, str]]], proches: Iterator[tuple[int, int, int, bool]], ou: str
) -> None:
    for i, j, score, identique in proches:
        trouves.setdefault(i, {}).setdefault(j, (score, f"{ou}, nom {'identique' if identique else 'proche'}"))


# ------------------------------------------------------------------------------------------- names


def _names(df: pd.DataFrame, colonne: str | None, abreviations: Mapping[str, str]) -> np.ndarray:
    """The names as compared: normalised, abbreviations spelled out, words in alphabetical order; "" when unknown."""
    if colonne is None or colonne not in df:
        return np.full(len(df), "", dtype=object)
    formes = {normalise(k): normalise(v).split() for k, v in abreviations.items()}
    codes, uniques = pd.factorize(df[colonne].to_numpy(dtype=object))
    plats = ["" if u == MASQUE else _spelled(u, formes) for u in uniques]
    return np.array([*plats, ""], dtype=object)[codes]


def _spelled(nom: object, formes: Mapping[str, Sequence[str]]) -> str:
    mots = normalise(nom).split()
    ecrits = [m for mot in mots for m in formes.get(mot, [mot])]
    return " ".join(sorted(ecrits or mots))  # a name made of nothing but abbreviations keeps them


def _places(df: pd.DataFrame, colonne: str) -> np.ndarray:
    return np.full(len(df), None, dtype=object) if colonne not in df else df[colonne].astype("object").to_numpy()


def _score(a: str, b: str) -> int:
    return int(_scores([a], [b], None)[0, 0]) if a and b else 0


def _scores(ici: Sequence[str], la: Sequence[str], tris: np.ndarray | None) -> np.ndarray:
    """Half for the same words in full, half for the words in common: a longer name is close, only the same one is 100."""
    tris = process.cdist(ici, la, scorer=fuzz.ratio, dtype=np.float32) if tris is None else tris
    return np.floor((tris + process.cdist(ici, la, scorer=fuzz.token_set_ratio, dtype=np.float32)) / 2)


def _close(
    noms: tuple[np.ndarray, np.ndarray], places: tuple[np.ndarray, np.ndarray], poids: float, seuil: int
) -> Iterator[tuple[int, int, int, bool]]:
    """(answer, unit, score, same name) of the best units of the same place, place by place."""
    if 100 * poids < seuil:
        return  # not even the same name would reach it
    ici, la = (
        {p: np.array([i for i in g if n[i]], dtype="int64") for p, g in pd.Series(q).groupby(q).indices.items()}
        for n, q in zip(noms, places, strict=True)
    )
    for place in sorted(ici.keys() & la.keys(), key=str):
        lignes, unites = ici[place], la[place]
        if not len(lignes) or not len(unites):
            continue
        recus, rangs = np.unique(noms[0][lignes].astype("str"), return_inverse=True)
        connus = noms[1][unites]
        plancher = max(0.0, 2 * seuil / poids - 100)  # below, even all words in common would not reach the threshold
        tris = process.cdist(
            recus.tolist(), connus.tolist(), scorer=fuzz.ratio, dtype=np.float32, score_cutoff=plancher
        )
        meilleurs = [_best(r, connus, tris[k], poids, seuil) for k, r in enumerate(recus.tolist())]
        for i, k in zip(lignes.tolist(), rangs.tolist(), strict=True):
            for j, score, identique in meilleurs[k]:
                yield i, int(unites[j]), score, identique


def _best(nom: str, connus: np.ndarray, tri: np.ndarray, poids: float, seuil: int) -> list[tuple[int, int, bool]]:
    retenus = np.flatnonzero(tri > 0)
    retenus = retenus[np.argsort(-tri[retenus], kind="stable")][:FINALISTES]
    if not len(retenus):
        return []
    scores = _scores([nom], connus[retenus].tolist(), tri[retenus][None, :])[0]
    finals = [(int(j), int(poids * s), bool(s == 100)) for j, s in zip(retenus, scores, strict=True)]
    return sorted((f for f in finals if f[1] >= seuil), key=lambda f: (-f[1], f[0]))[: NOMBRE + 1]


# ------------------------------------------------------------------------------------------- what is written


def _table(
    trouves: Mapping[int, Mapping[int, tuple[int, str]]],
    seules: pd.DataFrame,
    base: pd.DataFrame,
    unites: np.ndarray,
    couvertes: set[str],
    q: Questionnaire,
) -> pd.DataFrame:
    d = q.enquete.get("rapprochement", {})
    prefixes = tuple(f"{v['prefixe']}:" for v in q.entites[q.racine].identifiant if _someone(v, q))
    lignes = []
    for i in sorted(trouves, key=lambda i: (str(seules["id_repondant"].iloc[i]), i)):
        r = seules.iloc[i]
        cache = bool(prefixes) and str(r["id_repondant"]).startswith(prefixes)
        ordre = sorted(trouves[i].items(), key=lambda x: (x[1][1] != ANCIEN_NUMERO, -x[1][0], str(unites[x[0]])))
        for j, (score, motif) in ordre[:NOMBRE]:
            motif += ", unité déjà couverte par une autre réponse" if unites[j] in couvertes else ""
            u = base.iloc[j]
            lignes.append(
                (r["id_repondant"], r["depot"], r["feuille"], r["ligne"], _readable(r, d.get("nom"), q, cache),
                 _readable(r, d.get("commune"), q, cache), unites[j], _readable(u, d.get("base_nom"), q),
                 _readable(u, d.get("base_commune"), q), score, motif, csv_text((r["id_repondant"], unites[j], motif, "")).removesuffix("\n"))
            )  # fmt: skip
    return pd.DataFrame(lignes, columns=PROPOSALS)


def _someone(voie: Identifiant, q: Questionnaire) -> bool:
    """This way of naming a respondent names a person: the name it gives is that person's."""
    return voie.get("hache", False) or q.variables[voie["variable"]].personnel


def _readable(r: pd.Series, variable: str | None, q: Questionnaire, cache: bool = False) -> str:
    """The value, masked when it is someone's."""
    valeur = r.get(variable) if variable else None
    if valeur is None or pd.isna(valeur):
        return ""
    return MASQUE if cache or q.variables[str(variable)].personnel or personal_data(str(valeur)) else str(valeur)


# -------------------------------------------------------------------------------------------
# What became of a closed number: the chain of its successors, up to a unit of the frame. Pure; the table is data.
#
# `follow` reads the table; the rest applies it to the answers (`racines`, one row each) and the units of the frame (`base`).

SCISSION = "scission"
SEPARATEUR = ":"  # between the kind of number and the number, in the name of a respondent


@dataclass(frozen=True, slots=True)
class Suite:
    """`unite`: the number of the frame that succeeds, None when none or several do. `possibles`: those of a split number.

    `nature`, `date`: of the first step, of the closing one when the chain ends there (`fermee`).
    """

    ancien: str
    unite: str | None
    possibles: tuple[str, ...]
    nature: str
    date: date
    fermee: bool


def follow(numero: str, successions: Mapping[str, Succession], unites: Set[str], fin: date) -> Suite | None:
    """None when nothing had happened to the number at the date `fin`. The last successor in the frame is the one retained.

    A split is never followed by itself: each branch is followed, and what they lead to is only possible.
    """
    premiere = successions.get(numero)
    if premiere is None or premiere.date > fin:
        return None
    unite: str | None = None
    derniere = premiere
    suivante: Succession | None = premiere
    while suivante is not None and suivante.date <= fin:
        derniere = suivante
        if suivante.nature == SCISSION or not suivante.nouveaux:
            break
        (nouveau,) = suivante.nouveaux
        unite = nouveau if nouveau in unites else unite
        suivante = successions.get(nouveau)  # no cycle: refused when the table is read
    possibles: list[str] = []
    for branche in derniere.nouveaux if derniere.nature == SCISSION else ():
        suite = follow(branche, successions, unites, fin)
        fins = (suite.unite,) if suite and suite.unite else suite.possibles if suite else ()
        possibles += fins or ((branche,) if branche in unites else ())
    if possibles:
        unite = None  # the frame knows the branches: which one is the analyst's to say
    fermee = not derniere.nouveaux and unite is None
    dite = derniere if fermee else premiere
    return Suite(numero, unite, tuple(dict.fromkeys(possibles)), dite.nature, dite.date, fermee)


def followed(
    racines: pd.DataFrame, base: pd.DataFrame, questionnaire: Questionnaire, campagne: str
) -> dict[int, Suite]:
    """Position of the answer → what became of its closed number, as known when the campaign ended."""
    declared, column = questionnaire.enquete.get("successions"), succession_column(questionnaire)
    if not declared or not questionnaire.successions or declared["variable"] not in racines or column not in base:
        return {}
    values = racines[declared["variable"]]
    closed = np.flatnonzero(known(values) & values.astype("str").isin(set(questionnaire.successions)).to_numpy())
    units, end = set(texts(base[column][known(base[column])])), questionnaire.campagnes[campagne].fin
    found = {int(i): follow(str(values.iloc[i]), questionnaire.successions, units, end) for i in closed}
    return {i: s for i, s in found.items() if s is not None}


def succeeded(suites: Mapping[int, Suite], base: pd.DataFrame, questionnaire: Questionnaire) -> list[tuple[int, int]]:
    """(position of the answer, of the unit of the frame that succeeds to its closed number)."""
    column = succession_column(questionnaire)
    if not suites or column not in base:
        return []
    units = {n: j for j, n in enumerate(texts(base[column]))}
    return [(i, units[s.unite]) for i, s in sorted(suites.items()) if s.unite]


def renamed(
    ids: Sequence[str], base: pd.DataFrame | None, questionnaire: Questionnaire, campagne: str
) -> dict[str, str]:
    """Respondent of an earlier campaign → what it is called in `campagne`, whose frame is `base`, when its number was
    replaced or joined another one since. A split number is not followed: who answers for it is not known."""
    declared, column = questionnaire.enquete.get("successions", {}), succession_column(questionnaire)
    if not questionnaire.successions or base is None or column not in base:
        return {}
    units, fin = set(texts(base[column][known(base[column])])), questionnaire.campagnes[campagne].fin
    prefixes = [
        i["prefixe"] + SEPARATEUR
        for i in questionnaire.entites[questionnaire.racine].identifiant
        if i["variable"] == declared.get("variable") and not i.get("hache")
    ]
    out = {}
    for nom in ids:
        prefixe = next((p for p in prefixes if str(nom).startswith(p)), None)
        suite = (
            None if prefixe is None else follow(str(nom).removeprefix(prefixe), questionnaire.successions, units, fin)
        )
        if suite is not None and suite.unite is not None:
            out[nom] = f"{prefixe}{suite.unite}"
    return out


def succession_column(questionnaire: Questionnaire) -> str | None:
    """The frame's column that the variable of the successions is compared to."""
    declared = questionnaire.enquete.get("successions", {})
    return next(
        (
            e["base"]
            for e in questionnaire.enquete.get("lien_base", ())
            if e["entite"] == questionnaire.racine and e["variable"] == declared.get("variable")
        ),
        None,
    )


def known(values: pd.Series) -> np.ndarray:
    return np.asarray(values.notna(), dtype=bool)


def texts(values: pd.Series) -> np.ndarray:
    return np.asarray(values.astype("str"), dtype="object")
