"""Declared tables → published rows. Pure: analysis frames in, long frames out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os.path import commonprefix
from typing import Any

import numpy as np
import pandas as pd

from cartographie.errors import Statut, UserError
from cartographie.model import Questionnaire, Tableau
from cartographie.tables.axes import TOUS, Axes, Croisement
from cartographie.tables.comparable import comparable
from cartographie.tables.edition import LIBELLES_COLONNES, SUFFIXE_PRECEDENTE, Edition
from cartographie.tables.mesures import PARTS, Grille, Resultat, measure, unite

AVANT_AXES = ("edition", "table_id")
APRES_AXES = ("dimension", "modalite_code", "modalite_libelle", "indicateur", "unite", "denominateur",
              "n_repondants", "n_pondere", "valeur", "ic_bas", "ic_haut", "statut")  # fmt: skip
COLONNES_FIXES = (*AVANT_AXES, *APRES_AXES)
_TRI = ["_serie", "_croisement", "_cellule", "_dimension", "_indicateur", "_modalite", "_edition"]


def build_tableaux(
    frames: Mapping[str, pd.DataFrame],
    frames_precedents: Mapping[str, pd.DataFrame] | None,
    questionnaire: Questionnaire,
    campagne: str,
) -> list[Tableau]:
    """Every declared table of a campaign, in code order.

    One frame per grain (entities, `qualite_variable`, `anomalie`, `<entity>_panel`), RangeIndex; child frames carry
    `parent`, all carry `id_repondant` and the axes' variables. Raises UserError E16 when two rows share one key.
    """
    edition = Edition(questionnaire, campagne, frames)
    precedente = questionnaire.campagnes[campagne].precedente
    ancienne = Edition(questionnaire, precedente, frames_precedents) if precedente and frames_precedents else None
    axes = Axes(edition, ancienne)
    return [
        _build(declaration, edition, ancienne, precedente, axes)
        for _, declaration in sorted(questionnaire.tableaux.items())
    ]


def _build(t: Mapping[str, Any], e: Edition, ancienne: Edition | None, precedente: str | None, axes: Axes) -> Tableau:
    colonnes = [*AVANT_AXES, *axes.colonnes, *APRES_AXES]
    blocs = [b for i, s in enumerate(t["series"]) for b in _serie(t, s, i, e, ancienne, precedente, axes)]
    df = pd.concat(blocs, ignore_index=True).sort_values(_TRI, kind="stable", ignore_index=True)
    df.insert(0, "table_id", t["code"])
    df = df.reindex(columns=colonnes)
    cle = ["edition", *axes.colonnes, "dimension", "modalite_code", "indicateur", "denominateur"]
    if df.duplicated(cle).any():
        message = f"le tableau {t['code']} publie deux fois le même chiffre : corrigez ses séries."
        raise UserError("E16", message, Statut.DECLARATION)
    return Tableau(t["code"], _meta(t, e, precedente), df)


def _serie(
    t: Mapping[str, Any],
    s: Mapping[str, Any],
    i: int,
    e: Edition,
    ancienne: Edition | None,
    prec: str | None,
    axes: Axes,
) -> Iterator[pd.DataFrame]:
    """One block of rows per crossing and indicator."""
    evolution = bool(s.get("evolution")) and prec is not None
    for j, refs in enumerate(s["croisements"]):
        croisement = axes.croise(refs, constant=evolution)
        for k, ind in enumerate(s["indicateurs"]):
            regles = _regles(t, s, ind, e)
            nouveau = _bloc(t, s, ind, regles, e, croisement, evolution, axes)
            nouveau = nouveau.assign(_serie=i, _croisement=j, _indicateur=k, _edition=1)
            if not evolution:
                yield nouveau
                continue
            vieux = None if ancienne is None else _bloc(t, s, ind, regles, ancienne, croisement, True, axes)
            if vieux is not None:
                vieux = vieux.assign(_serie=i, _croisement=j, _indicateur=k, _edition=0)
                yield vieux
            ok = comparable(e.questionnaire, _grain(e, s), s, ind, str(prec), e.campagne)
            yield _evolution(nouveau, vieux, ok).assign(_edition=2)
            yield nouveau


def _bloc(
    t: Mapping[str, Any], s: Mapping[str, Any], ind: Mapping[str, Any], regles: Mapping[str, Any], e: Edition,
    croisement: Croisement, constant: bool, axes: Axes,
) -> pd.DataFrame:  # fmt: skip
    """All rows of one indicator on one crossing: the complete grid, empty cells included."""
    grain, dimension = _grain(e, s), s.get("dimension")
    filtre = e.questionnaire.denominateurs[s["denominateur"]].get("filtre")
    mod_d = e.modalites(grain, dimension) if dimension else [("", "")]
    mod_m = e.modalites(grain, ind["variable"]) if ind["mesure"] == "repartition" else [("", "")]
    demandes = [c for c in (filtre, s.get("filtre"), ind.get("condition")) if c]
    pose = all(e.possible(grain, c) for c in demandes) and all(e.disponible(grain, v) for v in _variables(s, ind))
    pose = pose and all(v in e.frame(grain).columns for v, _ in croisement.niveaux)  # a grain without that axis
    if grain == e.questionnaire.base:
        pose = pose and len(e.frame(grain)) > 0  # no frame was received: its units are unknown, not none
    champ = e.vraie(grain, filtre) & e.vraie(grain, s.get("filtre"))
    if constant:
        champ = champ & axes.constants(e, grain)
    grille = Grille(
        croisement.place(e, grain), len(croisement.cellules),
        e.paires(grain, dimension, [c for c, _ in mod_d]) if dimension else None, len(mod_d),
    )  # fmt: skip
    taille = len(croisement.cellules) * len(mod_d) * len(mod_m)
    r = measure(e, grain, champ, ind, grille, [c for c, _ in mod_m]) if pose and taille else _vide(taille)
    rangs = np.arange(taille)
    cellule, d, m = (
        rangs // max(len(mod_d) * len(mod_m), 1),
        rangs // max(len(mod_m), 1) % max(len(mod_d), 1),
        rangs % max(len(mod_m), 1),
    )
    df = croisement.cellules.iloc[cellule].reset_index(drop=True)
    nom = _nom(dimension) if dimension else _nom(ind["variable"]) if ind["mesure"] == "repartition" else ""
    porte = mod_d if dimension else mod_m
    par_modalite = bool(dimension) and ind["mesure"] == "repartition"
    df = df.assign(
        edition=e.campagne, _cellule=cellule, _dimension=d, _modalite=m, dimension=nom,
        modalite_code=[porte[x][0] for x in (d if dimension else m)],
        modalite_libelle=[porte[x][1] for x in (d if dimension else m)],
        indicateur=[f"{ind['code']}.{mod_m[x][0]}" for x in m] if par_modalite else ind["code"],
        unite=unite(ind), denominateur=s["denominateur"], ic_bas=np.nan, ic_haut=np.nan,
    )  # fmt: skip
    return _masque(df, r, pose, regles)


def _masque(df: pd.DataFrame, r: Resultat, pose: bool, regles: Mapping[str, Any]) -> pd.DataFrame:
    """Add n, value and status; a masked figure keeps no value, a secret one no count either. `_exact` is unrounded."""
    statut = np.full(len(df), "A", dtype=object)
    statut[np.isnan(r.arrondi) | (r.n < regles["min_repondants"])] = "ns"
    trop_peu = (r.n > 0) & (r.n < regles["min_contributeurs"])
    with np.errstate(invalid="ignore"):
        statut[trop_peu | ((r.n > 0) & (r.dominante * 100 > regles["dominance_pct"]))] = "s"
    if not pose:
        statut[:] = "nd"
    visible = statut == "A"
    compte = visible | (statut == "ns")
    return df.assign(
        n_repondants=pd.array(np.where(compte, r.n, -1), dtype="Int64"),
        n_pondere=np.where(compte, np.round(r.n_pondere, 6), np.nan),
        valeur=np.where(visible, r.arrondi, np.nan),
        _exact=np.where(visible, r.exact, np.nan),
        statut=statut,
    ).assign(n_repondants=lambda x: x["n_repondants"].mask(~compte))


def _evolution(nouveau: pd.DataFrame, vieux: pd.DataFrame | None, ok: bool) -> pd.DataFrame:
    """Rows `<code>.evolution`: new minus old exact values, both visible; else the reason why not."""
    cle = ["_cellule", "_dimension", "modalite_code", "indicateur"]
    df = nouveau.copy()
    ancien = (nouveau.iloc[:0] if vieux is None else vieux)[[*cle, "_exact", "statut"]]
    paires = df[cle].merge(ancien, on=cle, how="left", validate="one_to_one")
    avant = paires["statut"].astype(object).where(paires["statut"].notna(), "nd").to_numpy(dtype=object)
    apres = df["statut"].to_numpy(dtype=object)
    statut = np.full(len(df), "A", dtype=object)
    for code in ("ns", "s", "nd"):  # the last one prevails
        statut[(avant == code) | (apres == code)] = code
    if not ok:
        statut[statut != "nd"] = "b"
    visible = statut == "A"
    ecart = df["_exact"].to_numpy(dtype=float) - pd.to_numeric(paires["_exact"]).to_numpy(dtype=float)
    cache = np.isin(statut, ["s", "nd"])
    return df.assign(
        indicateur=df["indicateur"] + ".evolution",
        unite=np.where(df["unite"] == "pct", "points", df["unite"]),
        valeur=np.where(visible, np.round(np.round(ecart, 9), 1) + 0.0, np.nan),
        n_repondants=df["n_repondants"].mask(cache),
        n_pondere=df["n_pondere"].mask(cache),
        statut=statut,
    )


def _regles(t: Mapping[str, Any], s: Mapping[str, Any], ind: Mapping[str, Any], e: Edition) -> dict[str, float]:
    """Publication thresholds: series, then table, then campaign. A table that gives one of the two sets the other to 0."""
    seuils = e.questionnaire.campagnes[e.campagne].parametres.get("seuils", {})
    donnes = {c: s.get(c, t.get(c)) for c in ("min_repondants", "min_contributeurs")}
    proportion = donnes["min_repondants"]
    if proportion is None:
        proportion = seuils.get("proportion_min", 0) if donnes["min_contributeurs"] is None else 0
    contributeurs = donnes["min_contributeurs"]
    if contributeurs is None:
        contributeurs = 0 if donnes["min_repondants"] == 0 else seuils.get("secret_min", 0)
    return {
        "min_repondants": proportion if ind["mesure"] in PARTS else 0,
        "min_contributeurs": contributeurs,
        "dominance_pct": seuils.get("dominance_pct", 100) if contributeurs else 100,
    }


def _variables(s: Mapping[str, Any], ind: Mapping[str, Any]) -> list[str]:
    """Variables read outside conditions."""
    noms = [s.get("dimension"), ind.get("poids")]
    noms += ind["variable"] if isinstance(ind.get("variable"), list) else [ind.get("variable")]
    noms += [ind.get(c) for c in ("valeur", "numerateur", "denominateur")]
    return [n for n in noms if isinstance(n, str)]


def _grain(e: Edition, s: Mapping[str, Any]) -> str:
    return str(e.questionnaire.denominateurs[s["denominateur"]]["entite"])


def _nom(variable: str | list[str]) -> str:
    """Name of a dimension column's content: the variable without its entity, or what several have in common."""
    nom = variable if isinstance(variable, str) else commonprefix(variable).rstrip("_") or variable[0]
    return nom.rpartition(".")[2]


def _vide(taille: int) -> Resultat:
    nan = np.full(taille, np.nan)
    return Resultat(np.zeros(taille, dtype=int), nan, nan, nan, nan)


def _meta(t: Mapping[str, Any], e: Edition, precedente: str | None) -> dict[str, Any]:
    """Titles, notes and labels of a table, placeholders filled."""
    q, repartitions = e.questionnaire, set()
    libelles: dict[str, str] = {}
    modalites: dict[str, str] = {}
    dimensions: dict[str, str] = {}
    for s in t["series"]:
        grain = _grain(e, s)
        for ind in s["indicateurs"]:
            libelles[ind["code"]] = ind["libelle"]
            if ind["mesure"] == "repartition":
                repartitions.add(ind["code"])
                modalites |= {f"{ind['code']}.{c}": m for c, m in e.modalites(grain, ind["variable"])}
        for v in [s.get("dimension"), *(ind.get("variable") for ind in s["indicateurs"])]:
            if v:
                nom = _nom(v)
                declaree = q.variables.get(nom.removesuffix(SUFFIXE_PRECEDENTE))
                suite = ", édition précédente" if nom.endswith(SUFFIXE_PRECEDENTE) else ""
                libre = LIBELLES_COLONNES.get(nom, nom.replace("_", " ").capitalize())
                dimensions[nom] = declaree.libelle + suite if declaree else libre

    simples = [a["variable"] for a in q.enquete.get("axes", {}).values() if "variable" in a]
    acteurs = {c: m for v in simples for c, m in e.modalites(q.racine, v)}

    def fill(texte: str) -> str:
        return texte.replace("{edition}", e.campagne).replace("{precedente}", precedente or "édition précédente")

    return {
        "titre": fill(t["titre"]), "axe": t.get("axe", ""), "source": fill(t.get("source", "")),
        "champ": fill(t.get("champ", "")), "notes": [fill(n) for n in t.get("notes", ())], "edition": e.campagne,
        "indicateurs": libelles, "repartitions": sorted(repartitions), "modalites": modalites, "dimensions": dimensions,
        "libelles_axes": {TOUS: "Tous"} | acteurs,
        "effectif": "Unités" if {_grain(e, s) for s in t["series"]} == {q.base} else "Répondants",
        "evolution": any(s.get("evolution") for s in t["series"]),
        "denominateurs": {s["denominateur"]: q.denominateurs[s["denominateur"]]["libelle"] for s in t["series"]},
        "fictif": bool(q.enquete.get("fictif", False)), "secret_secondaire": False,
    }  # fmt: skip
