"""Declared tables → rows of figures, before secrecy. Pure: analysis frames in, long frames out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cartographie.base.errors import UserError
from cartographie.statistics.axes import Axes, Croisement
from cartographie.statistics.frames import LIBELLES_COLONNES, SUFFIXE_PRECEDENTE, Edition, Grille
from cartographie.statistics.measures import MESURES, Assiette, Influence, variables_of
from cartographie.statistics.precision import Regles, comparable, evolution_rows, with_precision, with_status
from cartographie.statistics.weights import Ponderation
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import DIFFERENCE, TOUS, Prive, columns, dimension_name, frees_zeros, key_columns
from cartographie.survey.received import Legende, Tableau
from cartographie.survey.written.declared import Indicateur, Serie, TableauEcrit

# ---- what a table states about itself: titles, notes, labels of its indicators, answers and axes


def grain_of(e: Edition, s: Serie) -> str:
    """What one row of a series' denominator is."""
    return e.questionnaire.denominateurs[s["denominateur"]]["entite"]


def table_meta(t: TableauEcrit, e: Edition) -> Legende:
    """Titles, notes and labels of a table, placeholders filled."""
    q, repartitions, parts = e.questionnaire, set(), set()
    precedente = q.campagnes[e.campagne].precedente
    libelles: dict[str, str] = {}
    modalites: dict[str, str] = {}
    dimensions: dict[str, str] = {}
    for s in t["series"]:
        grain = grain_of(e, s)
        for ind in s["indicateurs"]:
            libelles[ind["code"]] = ind["libelle"]
            mesure = MESURES[ind["mesure"]]
            if grain == q.racine and mesure.part and mesure.base == "lignes":
                parts.add(ind["code"])
            if mesure.modalites:
                repartitions.add(ind["code"])
                modalites |= {f"{ind['code']}.{c}": m for c, m in e.modalites(grain, ind["variable"])}
        for v in [s.get("dimension"), *(ind.get("variable") for ind in s["indicateurs"])]:
            if v:
                nom = dimension_name(v)
                declaree = q.variables.get(nom.removesuffix(SUFFIXE_PRECEDENTE))
                suite = ", édition précédente" if nom.endswith(SUFFIXE_PRECEDENTE) else ""
                libre = LIBELLES_COLONNES.get(nom, nom.replace("_", " ").capitalize())
                dimensions[nom] = declaree.libelle + suite if declaree else libre

    simples = [a["variable"] for a in q.enquete.get("axes", {}).values() if "variable" in a]
    acteurs = {c: m for v in simples for c, m in e.modalites(q.racine, v)}

    def fill(texte: str) -> str:
        return texte.replace("{edition}", e.campagne).replace("{precedente}", precedente or "édition précédente")

    return Legende(
        titre=fill(t["titre"]), axe=t.get("axe", ""), source=fill(t.get("source", "")), champ=fill(t.get("champ", "")),
        notes=[fill(n) for n in t.get("notes", ())], indicateurs=libelles, repartitions=sorted(repartitions), parts=sorted(parts), modalites=modalites,
        dimensions=dimensions, libelles_axes={TOUS: "Tous"} | acteurs,
        effectif="Unités" if {grain_of(e, s) for s in t["series"]} == {q.base} else "Répondants",
        denominateurs={s["denominateur"]: q.denominateurs[s["denominateur"]]["libelle"] for s in t["series"]},
    )  # fmt: skip


# ---- declared tables → drafts

_TRI = [Prive.SERIE, Prive.CROISEMENT, Prive.CELLULE, Prive.DIMENSION, Prive.INDICATEUR, Prive.MODALITE, Prive.EDITION]


@dataclass(frozen=True, slots=True)
class Campagne:
    """What the tables of one campaign are made from. `frames`: one frame per grain (entities, `qualite_variable`,
    `anomalie`, `<entity>_panel`), RangeIndex; child frames carry `parent`, all carry `id_repondant` and the axes'
    variables. `ponderation`: None when respondents only stand for themselves."""

    nom: str
    frames: Mapping[str, pd.DataFrame]
    ponderation: Ponderation | None = None


def draft_tableaux(q: Questionnaire, campagne: Campagne, precedente: Campagne | None = None) -> list[Tableau]:
    """Every declared table of a campaign, in code order, confidential: every figure is there, with its precision, the exact
    counts behind it (private columns) and the status it has before secondary secrecy.

    Raises UserError E16 when two rows share one key.
    """
    edition = Edition(q, campagne.nom, campagne.frames, campagne.ponderation)
    ancienne = None if precedente is None else Edition(q, precedente.nom, precedente.frames, precedente.ponderation)
    axes = Axes(edition, ancienne)
    return [draft_tableau(declaration, edition, ancienne, axes) for _, declaration in sorted(q.tableaux.items())]


def draft_tableau(t: TableauEcrit, e: Edition, ancienne: Edition | None, axes: Axes) -> Tableau:
    blocs = [b for i, s in enumerate(t["series"]) for b in _serie(t, s, i, e, ancienne, axes)]
    df = pd.concat(blocs, ignore_index=True).sort_values(_TRI, kind="stable", ignore_index=True)
    df.insert(0, "table_id", t["code"])
    df = df[[*columns(axes.colonnes), *(c for c in df.columns if c.startswith("_"))]]
    if df.duplicated(key_columns(df.columns)).any():
        message = f"le tableau {t['code']} publie deux fois le même chiffre : corrigez ses séries."
        raise UserError("E16", message)
    return Tableau(t["code"], table_meta(t, e), df)


def _serie(
    t: TableauEcrit, s: Serie, i: int, e: Edition, ancienne: Edition | None, axes: Axes
) -> Iterator[pd.DataFrame]:
    """One block of rows per crossing and indicator."""
    precedente = e.questionnaire.campagnes[e.campagne].precedente
    evolution = bool(s.get("evolution")) and precedente is not None
    for j, refs in enumerate(s["croisements"]):
        croisement = axes.croise(refs, constant=evolution)
        for k, ind in enumerate(s["indicateurs"]):
            rangs = {Prive.SERIE: i, Prive.CROISEMENT: j, Prive.INDICATEUR: k}
            regles = _regles(t, s, e)
            perimetre = axes.perimetre() if evolution else None
            nouveau, influence = _bloc(s, ind, regles, e, croisement, perimetre)
            yield nouveau.assign(**rangs, **{Prive.EDITION: 1})
            if not evolution:
                continue
            vieux, poids = None, []
            if ancienne is not None:
                vieux, avant = _bloc(s, ind, regles, ancienne, croisement, perimetre)
                poids = [
                    (x.ponderation, x.frame(x.questionnaire.racine), i) for x, i in ((ancienne, avant), (e, influence))
                ]
                yield vieux.assign(**rangs, **{Prive.EDITION: 0})
            ok = comparable(e.questionnaire, grain_of(e, s), s, ind, str(precedente), e.campagne)
            yield evolution_rows(nouveau, vieux, ok, poids).assign(**rangs, **{Prive.EDITION: DIFFERENCE})


def place_figure(
    s: Serie, ind: Indicateur, e: Edition, croisement: Croisement,
    perimetre: tuple[str, tuple[str, ...]] | None,
) -> Assiette:  # fmt: skip
    """The rows, cells and modalities of one indicator on one crossing."""
    grain, dimension = grain_of(e, s), s.get("dimension")
    denominateur = e.questionnaire.denominateurs[s["denominateur"]]
    filtre = denominateur.get("filtre")
    mod_d = e.modalites(grain, dimension) if dimension else [("", "")]
    mod_m = e.modalites(grain, ind["variable"]) if MESURES[ind["mesure"]].modalites else [("", "")]
    demandes = [c for c in (filtre, s.get("filtre"), ind.get("condition")) if c]
    pose = all(e.possible(grain, c) for c in demandes) and all(e.disponible(grain, v) for v in variables_of(s, ind))
    pose = pose and all(v in e.frame(grain).columns for v, _ in croisement.niveaux)  # a grain without that axis
    if grain == e.questionnaire.base:
        pose = pose and len(e.frame(grain)) > 0  # no frame was received: its units are unknown, not none
    champ = e.vraie(grain, filtre) & e.vraie(grain, s.get("filtre"))
    recenses = denominateur.get("hors_base", False)  # those whom no frame lists: counted, never weighted
    if recenses:
        champ = champ & ~e.couvert(grain)
    pondere = e.pondere(grain) and not recenses
    grille = Grille(
        croisement.place(e, grain, pondere, perimetre), len(croisement.cellules),
        e.paires(grain, dimension, [c for c, _ in mod_d]) if dimension else None, len(mod_d), e.repondants(grain),
        e.taille(grain, ind["poids"]) if ind.get("poids") else None,
    )  # fmt: skip
    return Assiette(e, grain, ind, dimension, champ, mod_d, mod_m, pose, pondere, grille)


def _bloc(
    s: Serie, ind: Indicateur, regles: Regles, e: Edition, croisement: Croisement,
    perimetre: tuple[str, tuple[str, ...]] | None,
) -> tuple[pd.DataFrame, Influence | None]:  # fmt: skip
    """All rows of one indicator on one crossing: the complete grid, empty cells included."""
    a = place_figure(s, ind, e, croisement, perimetre)
    r = a.compute()
    cellule, d, m = np.unravel_index(
        np.arange(len(r.n)), (len(croisement.cellules), max(len(a.mod_d), 1), max(len(a.mod_m), 1))
    )
    df = croisement.cellules.iloc[cellule].reset_index(drop=True)
    porte, rang = (a.mod_d, d) if a.dimension else (a.mod_m, m)
    variable = a.dimension or (ind["variable"] if a.mesure.modalites else None)
    croise = bool(a.dimension) and a.mesure.modalites
    df = df.assign(
        edition=e.campagne, dimension=dimension_name(variable) if variable else "",
        modalite_code=[porte[x][0] for x in rang], modalite_libelle=[porte[x][1] for x in rang],
        indicateur=[f"{ind['code']}.{a.mod_m[x][0]}" for x in m] if croise else ind["code"],
        unite=a.unite, denominateur=s["denominateur"], n_repondants=r.n, n_pondere=np.round(r.n_pondere, 6), valeur=r.arrondi,
        **{
            Prive.CELLULE: cellule, Prive.DIMENSION: d, Prive.MODALITE: m, Prive.MESURE: ind["mesure"],
            Prive.CONSTANT: perimetre is not None, Prive.EXACT: r.exact, **r.exacts.columns(),
        },
    )  # fmt: skip
    df = with_precision(df, r, e.ponderation if a.pondere else None, a.unite, e.seuils)
    return with_status(df, a.pose, regles), r.influence


def _regles(t: TableauEcrit, s: Serie, e: Edition) -> Regles:
    """Publication thresholds: series, then table, then campaign. A table that gives one of the two sets the other to 0."""
    seuils = e.seuils
    donne = s.get("min_repondants", t.get("min_repondants"))
    contributeurs: float | None = s.get("min_contributeurs", t.get("min_contributeurs"))
    proportion = donne if donne is not None else seuils.get("proportion_min", 0) if contributeurs is None else 0
    if contributeurs is None:
        contributeurs = 0 if donne == 0 else seuils.get("secret_min", 0)
    part = seuils.get("dominance_pct", 100) / 100
    tous = not (e.questionnaire.denominateurs[s["denominateur"]].get("filtre") or s.get("filtre"))
    return Regles(proportion, int(contributeurs), part if contributeurs else 1.0, frees_zeros(t, seuils), tous)
