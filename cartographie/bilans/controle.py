"""What a control reports: accounts, findings by severity, exit status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.errors import Statut
from cartographie.model import Gravite, Questionnaire
from cartographie.phrases import espace, minuscule, plain

if TYPE_CHECKING:
    from cartographie.examine import Controle

Bilan = dict[str, Any]
_REJETS = (Gravite.REJET_FICHIER, Gravite.REJET_LIGNE, Gravite.REJET_CELLULE)
_ACCENTS = {"conservees": "conservées", "rejetees": "rejetées", "quarantaine": "en quarantaine", "ecartees": "écartées"}


def validate(q: Questionnaire, c: Controle, dossier: Path, strict: bool) -> Bilan:
    """Accounts, anomalies by severity, and the exit status the campaign's thresholds ask for."""
    gravites = Counter(a.gravite for a in (*c.redaction.anomalies, *c.redaction.confidentielles))
    refuses = [x for x in c.extractions if x.refuse]
    total = _total(c)
    gardes = {e: len(df) for e, df in c.recu.kept.items()}
    ecartes = {e: len(df) for e, df in c.recu.quarantined.items()}
    repondants = gardes.get(q.racine, 0)
    touches = len({a.id_repondant for a in c.redaction.anomalies if a.id_repondant and a.gravite in _REJETS})
    seuil = q.campagnes[c.annee].parametres.get("seuils", {}).get("anomalies_bloquantes_pct")
    part = 100 * ecartes.get(q.racine, 0) / max(1, repondants + ecartes.get(q.racine, 0))
    statut = Statut.FAIT
    if strict and refuses:
        statut = Statut.FICHIER_REFUSE
    if strict and seuil is not None and part > seuil:
        statut = Statut.ANOMALIES
    proposes = 0 if c.proposes is None else c.proposes["id_repondant"].nunique()
    lignes = [
        f"fichiers : {len(c.depots)} reçus, {len(c.depots) - len(refuses)} lus, {len(refuses)} refusés",
        *(
            f"{minuscule(q.entites[e].libelle)} : {espace(n)} conservés, {espace(ecartes.get(e, 0))} en quarantaine"
            for e, n in gardes.items()
            if n or ecartes.get(e)
        ),
        f"lignes : {_identity(total, 'lignes', ('conservees', 'quarantaine', 'ecartees'))}",
        f"cellules : {_identity(total, 'cellules', ('conservees', 'rejetees', 'quarantaine', 'ecartees'))}",
        f"constats : {espace(sum(gravites.values()))} dont "
        + ", ".join(f"{espace(gravites.get(g, 0))} {g.replace('_', ' ')}" for g in Gravite),
    ]
    if c.non_rapproches is not None and len(c.non_rapproches):
        lignes.append(f"non rapprochés de la base de sondage : {len(c.non_rapproches)} (controle/non_rapproches.csv)")
    if proposes:
        lignes.append(f"  dont une unité est proposée : {proposes} (controle/rapprochements_proposes.csv)")
    return {
        "titre": f"Contrôle de {c.annee}",
        "lignes": lignes,
        "tables": _by_file(c),
        "suite": [f"Détail : {dossier / 'anomalies.xlsx'}"],
        "campagne": c.annee,
        "fichiers": {"recus": len(c.depots), "refuses": len(refuses)},
        "conserves": gardes,
        "quarantaine": ecartes,
        "gravites": {str(g): gravites.get(g, 0) for g in Gravite},
        "regles": dict(sorted(Counter(a.regle for a in c.redaction.anomalies).items())),
        "comptes": total,
        "comptes_par_fichier": [
            {k: plain(v) for k, v in r.items()} for r in c.comptes[c.comptes["niveau"] == "fichier"].to_dict("records")
        ],
        "lecture": [
            {
                "fichier": d.nom,
                "format": x.format,
                "modele": x.modele,
                "encodage": x.encodage,
                "separateur": x.separateur,
                "refuse": x.refuse,
            }
            for d, x in zip(c.depots, c.extractions, strict=True)
        ],
        "non_rapproches": 0 if c.non_rapproches is None else len(c.non_rapproches),
        "rapprochements_proposes": proposes,
        "repondants_touches": touches,
        "dossier": str(dossier),
        "statut": int(statut),
    }


def _total(c: Controle) -> dict[str, Any]:
    ligne = c.comptes[c.comptes["niveau"] == "TOTAL"].iloc[0]
    return {k: plain(v) for k, v in ligne.items() if k.startswith(("lignes", "cellules"))}


def _by_file(c: Controle) -> list[dict[str, Any]]:
    """The accounting identity file by file: at most 40 shown, all of them in comptes.csv."""
    df = c.comptes[c.comptes["niveau"] == "fichier"]
    rangs = [
        [
            r["fichier"][:48],
            r["etat"],
            r["lignes_lues"],
            r["lignes_conservees"],
            r["lignes_quarantaine"],
            r["lignes_ecartees"],
        ]
        for r in df.head(40).to_dict("records")
    ]
    if len(df) > 40:
        rangs.append([f"… et {len(df) - 40} autres (comptes.csv)", "", "", "", "", ""])
    return [
        {"entete": ["fichier", "état", "lignes lues", "= conservées", "+ quarantaine", "+ écartées"], "rangs": rangs}
    ]


def _identity(total: Mapping[str, Any], unite: str, parts: Sequence[str]) -> str:
    return f"{espace(total[f'{unite}_lues'])} lues = " + " + ".join(
        f"{espace(total[f'{unite}_{p}'])} {_ACCENTS.get(p, p)}" for p in parts
    )
