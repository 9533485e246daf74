"""Choose what to mask so that no confidential count can be recomputed, earlier releases included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cartographie.secrecy.suppression import EFFORT, suppress
from cartographie.secrecy.system import Systeme, build_system
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import VISIBLES, Masquage, Prive, key_columns
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import Selecteur, Seuils

# ---- what earlier releases already show: it cannot be masked any more, and helps to tell what this one would mask

TABLEAUX = "tableaux/*.csv"


@dataclass(frozen=True, slots=True)
class Anterieure:
    """An earlier release. `tableaux`: its drafts, recomputed; `montre`, `montre_base`: one boolean per row of all of them,
    its value, its number of respondents can be read in the files of `dossier`."""

    dossier: Path
    tableaux: Sequence[Tableau]
    montre: np.ndarray
    montre_base: np.ndarray


def read_earlier(dossier: Path, tableaux: Sequence[Tableau]) -> Anterieure:
    """`dossier`: a release directory; a figure that is not in its files any more is not shown."""
    vus: dict[tuple[str, ...], tuple[bool, bool]] = {}
    for chemin in sorted(dossier.glob(TABLEAUX)):
        if chemin.name.endswith("-excel.csv"):
            continue
        df = pd.read_csv(chemin, dtype=str, keep_default_na=False, encoding="utf-8")
        valeur, effectif = df["statut"].isin(VISIBLES), df["n_repondants"] != ""
        vus |= dict(zip(_keys(df), zip(valeur, effectif | valeur, strict=True), strict=True))
    lus = [vus.get(cle, (False, False)) for t in tableaux for cle in _keys(t.df.astype(object))]
    montre, base = zip(*lus, strict=True) if lus else ((), ())
    return Anterieure(dossier, tableaux, np.array(montre, dtype=bool), np.array(base, dtype=bool))


def _keys(df: pd.DataFrame) -> list[tuple[str, ...]]:
    """Edition, table, place, modality, indicator, denominator: never the labels, which may have been reworded."""
    lignes = df[key_columns(df.columns)].itertuples(index=False, name=None)
    return [tuple(str(x) for x in ligne) for ligne in lignes]


# ---- choose what to mask so that no confidential count can be recomputed: populations and answers, in one system

MASQUES = ("A", "B", "D")
STATUTS_COMPTES = (*MASQUES, "V", "N")


@dataclass(frozen=True, slots=True)
class Protection:
    """`tableaux`: drafts, with what to mask. `cellules`: one row is one count of the system: valeur,
    statut (A, B, D, V, N), bas, haut (what an outsider can tell), protege. `bilan`: their account."""

    tableaux: list[Tableau]
    cellules: pd.DataFrame
    bilan: Masquage


def protect(
    q: Questionnaire, tableaux: Sequence[Tableau], seuils: Seuils, anterieures: Sequence[Anterieure] = (),
    priorites: Sequence[Selecteur] = (),
) -> Protection:  # fmt: skip
    """Secondary suppression of the drafts, in one system with the earlier releases (same edition or the one before): what
    they show is known to everybody, what they mask must stay unknown. `priorites`: figures to mask last, the first of them after all."""
    anciens = [t for a in anterieures for t in a.tableaux]
    s = build_system(q, [*anciens, *tableaux], seuils, priorites)
    cellules, debut = s.cellules, sum(len(t.df) for t in anciens)
    _what_is_public(s, anterieures, debut)
    # nothing to protect (an open inventory, say): no cell
    statut = _suppress(s, cellules, seuils) if len(cellules) else pd.DataFrame({"statut": []}, dtype=object)
    masque = np.append(statut["statut"].isin(MASQUES).to_numpy(dtype=bool), False)  # the last: rank -1, no count
    out = []
    for t in tableaux:
        fin = debut + len(t.df)
        haut, bas = s.numerateurs[debut:fin], s.bases[debut:fin]
        base = masque[bas]
        out.append(Tableau(t.code, t.meta, t.df.assign(**{Prive.CACHE: base | masque[haut], Prive.CACHE_BASE: base})))
        debut = fin
    cellules = cellules.assign(**{c: statut[c].to_numpy() for c in statut.columns})
    return Protection(out, cellules, _summary(cellules))


def _what_is_public(s: Systeme, anterieures: Sequence[Anterieure], debut: int) -> None:
    """Counts of earlier releases (the rows before `debut`): shown there, or never to be shown by this one."""
    publie, fixe = s.cellules["publie"].to_numpy().copy(), s.cellules["fixe"].to_numpy().copy()
    actuelles = np.zeros(len(publie) + 1, dtype=bool)  # the last: rank -1, no count
    actuelles[s.numerateurs[debut:]] = actuelles[s.bases[debut:]] = True
    publie &= actuelles[:-1]
    if anterieures:
        for rangs, vus in ((s.numerateurs, "montre"), (s.bases, "montre_base")):
            montre = np.concatenate([getattr(a, vus) for a in anterieures])
            connus = rangs[:debut][montre]
            fixe[connus[connus >= 0]] = True
    primaire = s.cellules["primaire"].where(~fixe, "")
    s.cellules[["publie", "fixe", "primaire"]] = pd.DataFrame(
        {"publie": publie | fixe, "fixe": fixe, "primaire": primaire}
    )


def _suppress(s: Systeme, cellules: pd.DataFrame, seuils: Seuils) -> pd.DataFrame:
    """A masked population takes all the figures that rest on it: masking it costs them all."""
    cellules = cellules.copy()
    _open_what_is_free(s, cellules, seuils)
    part = seuils.get("largeur_pct", 20) / 100
    largeur = seuils.get("largeur_min", 2)
    cout = (cellules["cout"] * (1 + np.log1p(cellules["valeur"].astype(float))) + 1).to_numpy()
    chiffres = (s.numerateurs >= 0) & (s.bases >= 0) & (s.numerateurs != s.bases)
    montres = cellules["publie"].to_numpy()[s.numerateurs] & chiffres
    paires = np.unique(np.column_stack([s.bases[montres], s.numerateurs[montres]]), axis=0)
    total = cout + np.bincount(paires[:, 0], cout[paires[:, 1]], minlength=len(cout))
    return suppress(
        _input(cellules.assign(total=total), largeur, part), s.equations, largeur_min=largeur, largeur_part=part,
        effort=seuils.get("effort_nettoyage", EFFORT),
    )  # fmt: skip


def _open_what_is_free(s: Systeme, cellules: pd.DataFrame, seuils: Seuils) -> None:
    """A published 0 % or 100 % is free when the campaign says so: everybody knows it, and what follows from it."""
    montree = (cellules["publie"] & (cellules["primaire"] == "") & cellules["zero_libre"].astype(bool)).to_numpy()
    valeur, fixe = cellules["valeur"].to_numpy(float), cellules["fixe"].to_numpy()
    libre = montree & (valeur == 0)
    parts = (s.numerateurs >= 0) & (s.bases >= 0)
    haut, bas = s.numerateurs[parts], s.bases[parts]
    libre[haut[montree[haut] & fixe[bas] & (valeur[haut] == valeur[bas])]] = True
    cellules.loc[libre, "fixe"] = True


def _input(cellules: pd.DataFrame, largeur: float, part: float) -> pd.DataFrame:
    """What suppress reads. A single contributor is the same in both editions."""
    seul = cellules["seul"].to_numpy()
    ampleur = np.maximum(largeur, part * cellules["reste"])
    return pd.DataFrame({
        "valeur": cellules["valeur"].astype(float), "primaire": cellules["primaire"].replace("", "V"),
        "cout": cellules["total"], "priorite": cellules["priorite"],
        "publie": cellules["publie"], "fixe": cellules["fixe"],
        "bas": cellules["bas"].astype(float), "haut": cellules["haut"].astype(float),
        "contributeur": [int(k) if k >= 0 else None for k in seul],
        "entiere": [not c[1].somme for c in cellules["cle"]], "ampleur": ampleur.where(cellules["reste"].notna()),
    }, index=cellules.index)  # fmt: skip


def _summary(cellules: pd.DataFrame) -> Masquage:
    n = cellules["statut"].value_counts().to_dict()
    valeur = cellules.groupby("statut")["valeur"].sum().to_dict()
    primaires = n.get("A", 0) + n.get("B", 0)
    return Masquage(
        {k: int(n.get(k, 0)) for k in STATUTS_COMPTES},
        {k: float(valeur.get(k, 0.0)) for k in STATUTS_COMPTES},
        round(n.get("D", 0) / primaires, 2) if primaires else 0.0,
        int((~cellules["protege"].astype(bool)).sum()) if "protege" in cellules else 0,
    )
