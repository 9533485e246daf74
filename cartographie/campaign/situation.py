"""Where each respondent stands, unit of the frame by unit: expected, received, to correct, accepted, rejected, reminded.

One row of `build_suivi` is one unit of the frame, one answer found nowhere in it, or one refused file nobody can name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING

import pandas as pd

from cartographie.campaign import frame
from cartographie.campaign.states import (
    A_CORRIGER,
    ACCEPTE,
    ATTENDU,
    COLONNES,
    RECU,
    REJETE,
    RELANCE,
    Relance,
    state_axes,
)
from cartographie.decode.versions import read_reference
from cartographie.survey.model import Questionnaire

if TYPE_CHECKING:
    from cartographie.campaign.examine import Controle


GRAVITES = ("rejet_fichier", "rejet_ligne", "rejet_cellule")


def gravites(q: Questionnaire, campagne: str) -> tuple[str, ...]:
    """Severities of the findings that a respondent is asked to correct."""
    return tuple(q.campagnes[campagne].parametres.get("retours", {}).get("gravites", GRAVITES))


def build_suivi(
    q: Questionnaire, c: Controle, relances: Sequence[Relance], non_controles: Set[str] = frozenset()
) -> pd.DataFrame:
    """COLONNES, then one column per axis (code). `points`: findings to correct; `versions`: files received for that answer.

    `non_controles`: files whose findings nobody was given yet; their respondents are only « reçu ».
    """
    suivi = pd.concat([_units(q, c), _outside(q, c), _refused(c)], ignore_index=True)
    suivi["etat"] = suivi["etat"].mask(suivi["depot"].isin(non_controles), RECU)
    derniere = {r.destinataire: r.envoye_le for r in sorted(relances, key=lambda r: r.envoye_le)}
    envois = [
        max((derniere.get(cle, "") for cle in (u, r, f) if cle), default="")
        for u, r, f in zip(suivi["unite"], suivi["repondant"], suivi["depot"], strict=True)
    ]
    suivi["relance_le"] = envois
    en_attente = suivi["etat"].isin([ATTENDU, A_CORRIGER, REJETE]) & (suivi["relance_le"] != "")
    en_attente &= suivi["relance_le"] >= suivi["recu_le"]
    suivi["avant_relance"] = suivi["etat"].where(en_attente, "")
    suivi["etat"] = suivi["etat"].mask(en_attente, RELANCE)
    suivi = suivi.reindex(columns=[*COLONNES, *state_axes(q)])
    return suivi.astype(dict.fromkeys(state_axes(q), "str")).fillna("")


def _states(q: Questionnaire, c: Controle) -> pd.DataFrame:
    """One row: one answer (label: record number): repondant, depot, fichier, recu_le, points, versions, etat."""
    voulues = set(gravites(q, c.campagne))
    points = Counter(
        (a.depot, a.id_repondant) for a in c.redaction.anomalies if a.gravite in voulues and a.id_repondant
    )
    fichiers = {d.depot: d for d in c.depots}
    avant = earlier(c)
    gardes, ecartes = c.recu.kept[q.racine], c.recu.quarantined[q.racine]
    tous = pd.concat([gardes[["depot", "id_repondant"]], ecartes[["depot", "id_repondant"]]])
    etats = [
        REJETE if i >= len(gardes) else A_CORRIGER if points[d, r] else ACCEPTE
        for i, (d, r) in enumerate(zip(tous["depot"], tous["id_repondant"], strict=True))
    ]
    return pd.DataFrame(
        {
            "repondant": tous["id_repondant"].fillna(""),
            "depot": tous["depot"],
            "fichier": [fichiers[d].nom for d in tous["depot"]],
            "recu_le": [fichiers[d].recu_le for d in tous["depot"]],
            "versions": [len(with_earlier([d], avant)) for d in tous["depot"]],
            "points": [points[d, r] for d, r in zip(tous["depot"], tous["id_repondant"], strict=True)],
            "etat": etats,
        },
        index=tous.index,
    )


def earlier(c: Controle) -> dict[str, set[str]]:
    """File → files whose answers it corrects or which it replaced."""
    avant: dict[str, set[str]] = {x.depot: set() for x in c.extractions}
    for x in c.extractions:
        cible = read_reference(x.retour) if x.retour and not x.refuse else None
        if cible and cible[0] in avant:
            avant[x.depot].add(cible[0])
        if x.remplace_par:
            avant[x.remplace_par].add(x.depot)
    return avant


def with_earlier(depots: Iterable[str], avant: Mapping[str, Set[str]]) -> set[str]:
    """These files and all those their answers went through. `avant`: `earlier`."""
    vus, a_voir = set(depots), list(depots)
    while a_voir:
        nouveaux = avant[a_voir.pop()] - vus
        vus |= nouveaux
        a_voir += nouveaux
    return vus


def _units(q: Questionnaire, c: Controle) -> pd.DataFrame:
    """One row: one unit of the frame."""
    vide = {"repondant": "", "depot": "", "fichier": "", "recu_le": "", "versions": 0, "points": 0, "hors_base": ""}
    if c.unites is None:
        return pd.DataFrame(columns=["unite", "etat", *vide, *state_axes(q)])
    unites = pd.DataFrame({"unite": frame.identifiers(c.unites).to_numpy(), "etat": ATTENDU, **vide})
    for a in state_axes(q):
        unites[a] = c.unites[a].to_numpy() if a in c.unites else ""
    reponses = _states(q, c)
    rangs = {u: i for i, u in enumerate(unites["unite"])}
    gardees = reponses[reponses["etat"] != REJETE].drop_duplicates("repondant").set_index("repondant")
    liens = c.liens if c.liens is not None else pd.DataFrame({"id_base": [], "id_repondant": []})
    couvertes = [
        (rangs[u], r) for u, r in zip(liens["id_base"], liens["id_repondant"], strict=True) if r in gardees.index
    ]
    ecartes = c.recu.quarantined[q.racine]
    rejetes = reponses[reponses["etat"] == REJETE]
    visees = ecartes["base_ligne"] if "base_ligne" in ecartes else pd.Series(-1, index=ecartes.index)
    lignes = c.unites.index.get_indexer(visees.to_numpy())
    for colonne in ("repondant", "depot", "fichier", "recu_le", "versions", "points", "etat"):
        valeurs = unites[colonne].to_numpy(dtype=object)
        for i, ligne in zip(ecartes.index, lignes.tolist(), strict=True):
            if ligne >= 0:
                valeurs[ligne] = rejetes.at[i, colonne]
        source = gardees.reset_index().set_index("repondant", drop=False)[colonne].to_dict()
        for rang, repondant in couvertes:
            valeurs[rang] = source[repondant]
        unites[colonne] = valeurs
    return unites


def _outside(q: Questionnaire, c: Controle) -> pd.DataFrame:
    """One row: one answer found nowhere in the frame, or aside and naming no unit of it."""
    if q.racine not in c.recu.kept:
        return pd.DataFrame(columns=["unite", "etat"])
    reponses = _states(q, c)
    if c.liens is not None:
        dehors = c.non_rapproches["id_repondant"] if c.non_rapproches is not None else []
        ecartes = c.recu.quarantined[q.racine]
        visees = ecartes["base_ligne"] if "base_ligne" in ecartes else pd.Series(-1, index=ecartes.index)
        perdues, absents = set(visees.index[visees < 0]), set(dehors)
        gardes = set(reponses.loc[reponses["etat"] != REJETE, "repondant"])
        reponses = reponses[
            [
                r in absents if e != REJETE else i in perdues and r not in gardes
                for i, r, e in zip(reponses.index, reponses["repondant"], reponses["etat"], strict=True)
            ]
        ]
    return reponses.assign(unite="", hors_base="oui")


def absents(q: Questionnaire, c: Controle, suivi: pd.DataFrame, seul: str = "") -> pd.DataFrame:
    """One row: one unit of the frame whose answer is still awaited (unite, nom). `seul`: only that one."""
    attendus = suivi[(suivi["etat"] == ATTENDU) | (suivi["avant_relance"] == ATTENDU)]
    attendus = attendus[attendus["unite"] == seul] if seul else attendus
    nom = q.enquete.get("rapprochement", {}).get("base_nom")
    noms: dict[str, str] = {}
    if c.unites is not None and nom and nom in c.unites and not q.variables[nom].personnel:
        noms = dict(zip(frame.identifiers(c.unites), c.unites[nom].fillna(""), strict=True))
    return pd.DataFrame({"unite": attendus["unite"], "nom": [noms.get(u, "") for u in attendus["unite"]]})


def _refused(c: Controle) -> pd.DataFrame:
    """One row: one refused file that nothing replaced yet."""
    refuses = [d for d, x in zip(c.depots, c.extractions, strict=True) if x.refuse and not x.remplace_par]
    return pd.DataFrame(
        {
            "unite": "", "repondant": "", "depot": [d.depot for d in refuses], "fichier": [d.nom for d in refuses],
            "recu_le": [d.recu_le for d in refuses], "versions": 1, "points": 1, "etat": REJETE, "hors_base": "oui",
        }
    )  # fmt: skip
