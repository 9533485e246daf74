"""A controlled campaign → what the warehouse loads, and what became of every unit of the frame."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cartographie.base.errors import UserError
from cartographie.campaign import situation
from cartographie.campaign.frame import identifiers
from cartographie.campaign.links import renamed
from cartographie.campaign.states import REJETE
from cartographie.survey.evaluate import Contexte, evaluate
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import AUTRE, COMPLET, DECLAREES, PARTIEL, SANS_REPONSE, Anomalie, Contenu
from cartographie.validate import accounts

if TYPE_CHECKING:
    from cartographie.campaign.examine import Controle


# -------------------------------------------------------------------------------------------
# What became of every unit of the frame (AAPOR, Standard Definitions): answered, wholly or in part, or why not.
#
# Answers say who answered; raw/<campagne>/dispositions.csv, kept by the analyst, says what was learnt of the others.

FICHIER = "dispositions.csv"
COLONNES = ["unite", "disposition", "le"]


def read_dispositions(dossier: Path, campagne: str) -> dict[str, str]:
    """{unit of the frame: what the analyst recorded}; {} without the file, the last line of a unit prevails. Raises
    UserError U18."""
    chemin = dossier / FICHIER
    if not chemin.exists():
        return {}
    out = {}
    with chemin.open(encoding="utf-8-sig", newline="") as fichier:
        lecteur = csv.DictReader(fichier)
        if lecteur.fieldnames != COLONNES:
            attendu = f"ses colonnes doivent être {', '.join(COLONNES)}."
            raise UserError("U18", f"Le fichier raw/{campagne}/{FICHIER} ne se lit pas : {attendu}")
        for i, ligne in enumerate(lecteur, start=2):
            if ligne["disposition"] not in DECLAREES:
                dit = f"raw/{campagne}/{FICHIER}, ligne {i} : « {ligne['disposition']} » n'est pas une disposition"
                raise UserError("U18", f"{dit} ; choisissez parmi {', '.join(DECLAREES)}.")
            out[ligne["unite"]] = ligne["disposition"]
    return out


def settle(q: Questionnaire, c: Controle, declarees: Mapping[str, str], etats: pd.DataFrame | None) -> pd.Series:
    """Disposition of each unit of the frame (index: its record). A unit covered by somebody else's answer answered.

    Complete: at least `complet_min_pct` of the key questions that apply to the respondent are answered, « ne sait pas »
    included; partial: at least `partiel_min_pct`; below, it is no answer (`autre`). Key questions: `completude` in enquete.yaml.
    Raises UserError U19 when the analyst recorded a unit that the frame does not have.
    """
    assert c.unites is not None
    unites = identifiers(c.unites)
    inconnues = sorted(set(declarees) - set(unites))
    if inconnues:
        dit = f"raw/{c.campagne}/{FICHIER} nomme « {inconnues[0]} », absente de la base de sondage"
        raise UserError("U19", f"{dit} : corrigez ce numéro.")
    etat = situation.build_suivi(q, c, [])
    etat = etat[etat["unite"] != ""].set_index("unite")
    repondants = _completeness(q, c, etats)
    liens = (
        c.liens.drop_duplicates("id_base").set_index("id_base")["id_repondant"] if c.liens is not None else pd.Series()
    )
    seuils = q.campagnes[c.campagne].parametres.get("seuils", {})
    complet, partiel = seuils.get("complet_min_pct", 80), seuils.get("partiel_min_pct", 50)
    part = unites.map(liens).map(repondants).to_numpy(dtype=float)
    recue = np.isin(unites.map(etat["etat"]).to_numpy(dtype=object), [REJETE])
    autres = unites.map(declarees)
    out = np.where(recue, AUTRE, SANS_REPONSE).astype(object)
    out = np.where(autres.notna(), autres, out)
    with np.errstate(invalid="ignore"):
        out = np.where(part < partiel, AUTRE, out)
        out = np.where(part >= partiel, np.where(part >= complet, COMPLET, PARTIEL), out)
    return pd.Series(out, index=c.unites.index)


def _completeness(q: Questionnaire, c: Controle, etats: pd.DataFrame | None) -> pd.Series:
    """{respondent: share (0–100) of the key questions that apply to it, answered}."""
    gardes = c.recu.kept[q.racine]
    if etats is None or etats.empty:
        return pd.Series(100.0, index=gardes["id_repondant"])
    cles = [v for v in q.entites[q.racine].completude if v in etats]
    applicables = etats[cles].ne("hors_filtre") & etats[cles].notna()
    repondues = etats[cles].isin(["renseigne", "nsp", "refus"])
    nombre = applicables.sum(axis=1)
    part = 100 * (repondues & applicables).sum(axis=1) / nombre.where(nombre > 0, 1)
    part = part.where(nombre > 0, 100.0)
    return pd.Series(part.to_numpy(), index=gardes.loc[etats.index, "id_repondant"]).groupby(level=0).max()


_QUARANTAINE = ["entite", "depot", "feuille", "ligne", "id_repondant", "motif"]


def build_contenus(
    q: Questionnaire, controles: Sequence[Controle], declarees: Mapping[str, Mapping[str, str]]
) -> dict[str, Contenu]:
    """Campaign → everything it brings to the warehouse; a respondent whose number changed is known by the next one's."""
    return follow_numbers(q, {c.campagne: build_contenu(q, c, declarees[c.campagne]) for c in controles})


def follow_numbers(q: Questionnaire, contenus: Mapping[str, Contenu]) -> dict[str, Contenu]:
    """The same, each with what its respondents are called in the campaign that follows it."""
    suivis = dict(contenus)
    for campagne, contenu in contenus.items():
        suivante = next((a for a in sorted(contenus) if q.campagnes[a].precedente == campagne), None)
        if suivante is not None and q.racine in contenu.entites:
            ids = contenu.entites[q.racine]["id_repondant"].tolist()
            suivis[campagne] = replace(contenu, devenus=renamed(ids, contenus[suivante].base, q, suivante))
    return suivis


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
    posees = q.posees(c.campagne)
    rejetees = {(e, v): g for (e, v), g in c.recu.cellules_rejetees.groupby(["entite", "variable"])}
    etats: dict[str, pd.DataFrame] = {}
    for entite, df in c.recu.kept.items():
        if q.entites[entite].base or df.empty:
            continue
        contexte = Contexte(entite, c.recu.kept, q, c.campagne, c.unites)
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


def _says(valeur: object, codes: set[str]) -> bool:
    return bool(valeur) and set(valeur) <= codes if isinstance(valeur, tuple) else valeur in codes
