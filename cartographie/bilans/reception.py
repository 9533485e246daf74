"""What receiving reports, and where a campaign stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.model import Depot, Questionnaire
from cartographie.phrases import espace, nombre, plain

if TYPE_CHECKING:
    import pandas as pd

    from cartographie.examine import Controle
    from cartographie.feedback import Envoi

Bilan = dict[str, Any]
_REFUS_MONTRES = 10


def ingest(
    projet: Path, annee: str, ajoutes: Sequence[Depot], deja: Sequence[tuple[str, Depot]], c: Controle | None
) -> Bilan:
    """`c`: the campaign as it now stands; None when the files were only stored."""
    lus = {d.depot: x for d, x in zip(c.depots, c.extractions, strict=True)} if c else {}
    refuses = [d for d in ajoutes if d.depot in lus and lus[d.depot].refuse]
    remplaces = {x.remplace_par: x.depot for x in lus.values() if x.remplace_par}
    retours = [d for d in ajoutes if d.depot in lus and lus[d.depot].retour and d not in refuses]
    motifs = {a.depot: a for a in reversed(c.redaction.anomalies) if a.gravite == "rejet_fichier"} if c else {}
    lignes = [f"déjà reçu à l'identique, non repris : {nom} (= {d.nom})" for nom, d in deja]
    if c:
        lignes.append(
            f"{nombre(len(ajoutes) - len(refuses) - len(retours), 'réponse')}, "
            f"{nombre(len(retours), 'classeur corrigé revenu', 'classeurs corrigés revenus')}, "
            f"{nombre(len(refuses), 'refusé')}"
        )
        lignes += [
            f"{d.nom} : {motifs[d.depot].regle}, {motifs[d.depot].message}"
            for d in refuses[:_REFUS_MONTRES]
            if d.depot in motifs
        ]
        lignes += ["…"] if len(refuses) > _REFUS_MONTRES else []
    return {
        "titre": f"{annee} : {nombre(len(ajoutes), 'fichier rangé', 'fichiers rangés')} dans raw/{annee}.",
        "lignes": lignes,
        "suite": [
            f"Pour la suite : cartographie validate {annee}" + (f" --projet {projet}" if projet != Path() else "")
        ],
        "campagne": annee,
        "ajoutes": [
            {
                "depot": d.depot,
                "nom": d.nom,
                "sha256": d.sha256,
                **(
                    {"refuse": lus[d.depot].refuse, "retour": d in retours, "remplace": remplaces.get(d.depot)}
                    if d.depot in lus
                    else {}
                ),
            }
            for d in ajoutes
        ],
        "deja_recus": [nom for nom, _ in deja],
    }


def status(
    projet: Path,
    q: Questionnaire,
    recus: Mapping[str, Sequence[Depot]],
    suivis: Mapping[str, pd.DataFrame],
    nouveaux: Mapping[str, int],
    entrepot: Path,
    annee: str,
) -> Bilan:
    """`suivis`: what the last control of each campaign said; `nouveaux`: files received since. `annee`: the one detailed."""
    rangs, campagnes = [], {}
    for a, depots in recus.items():
        sorties = projet / "outputs" / a
        versions = (
            sorted(d.name for d in sorties.iterdir() if (d / "manifeste.json").exists()) if sorties.is_dir() else []
        )
        etat: dict[str, Any] = {
            "base": sum(d.role == "base" for d in depots),
            "recus": sum(d.role == "reponse" for d in depots),
            "non_controles": nouveaux.get(a, 0),
            "controle": (sorties / "controle" / "anomalies.csv").exists(),
            "versions": versions,
            "etats": _states(q, suivis[a], nouveaux.get(a, 0)) if a in suivis else None,
        }
        campagnes[a] = etat
        controle = "non" if not etat["controle"] else f"sauf {nouveaux[a]}" if nouveaux.get(a) else "oui"
        rangs.append([a, "oui" if etat["base"] else "non", etat["recus"], controle, ", ".join(versions) or "aucune"])
    detail = campagnes.get(annee, {}).get("etats")
    return {
        "titre": str(q.enquete["titre"]),
        "lignes": [f"entrepôt : {'présent' if entrepot.exists() else 'absent'} ({entrepot})"],
        "tables": [
            {"entete": ["campagne", "base de sondage", "fichiers reçus", "contrôlée", "versions"], "rangs": rangs},
            *(_tables(annee, detail) if detail else ()),
        ],
        "suite": [f"Répondant par répondant : {projet / 'outputs' / annee / 'controle' / 'suivi.csv'}"]
        if detail
        else [],
        "campagnes": campagnes,
        "entrepot": entrepot.exists(),
    }


def _states(q: Questionnaire, situation: pd.DataFrame, nouveaux: int) -> dict[str, Any]:
    """Units of the frame by state, in all and by each axis; answers outside the frame apart."""
    from cartographie import suivi

    dehors = situation[situation["unite"] == ""]
    axes = {}
    for axe, libelle in suivi.axes(q).items():
        nomenclature = q.nomenclatures.get(q.variables[axe].nomenclature or "")
        noms = {c: m.libelle for c, m in nomenclature.modalites.items()} if nomenclature else {}
        comptes = suivi.counts(situation, axe)
        rangs = [
            {"code": c, "libelle": noms.get(c, c) or "non renseigné", **r} for c, r in comptes.to_dict("index").items()
        ]
        axes[axe] = {"libelle": libelle, "rangs": [{k: plain(v) for k, v in r.items()} for r in rangs]}
    return {"axes": axes, "hors_base": dict(sorted(Counter(dehors["etat"]).items())), "recus_non_controles": nouveaux}


def _tables(annee: str, etats: Mapping[str, Any]) -> list[dict[str, Any]]:
    from cartographie.suivi import ETATS

    tables = []
    for axe in etats["axes"].values():
        rangs = [
            [r["libelle"][:62], *(espace(r[e]) for e in ETATS), f"{100 * r['taux_reponse']:.1f} %".replace(".", ",")]
            for r in axe["rangs"]
        ]
        tables.append({"entete": [f"{annee} : {axe['libelle'].lower()}", *ETATS, "taux de réponse"], "rangs": rangs})
    if etats["hors_base"]:
        rangs = [[e, n] for e, n in etats["hors_base"].items()]
        tables.append({"entete": [f"{annee} : hors de la base", "nombre"], "rangs": rangs})
    return tables


def feedback(annee: str, dossier: Path, envois: Sequence[Envoi], envoye_le: str) -> Bilan:
    classeurs = [e for e in envois if e.classeur]
    lignes = [
        f"{nombre(len(classeurs), 'classeur de correction', 'classeurs de correction')} et autant de courriers : "
        f"{nombre(sum(e.a_corriger for e in classeurs), 'point')} à corriger, "
        f"{espace(sum(e.a_verifier for e in classeurs))} à vérifier"
    ]
    if len(envois) > len(classeurs):
        relances = len(envois) - len(classeurs)
        lignes.append(f"{nombre(relances, 'relance')} à des répondants attendus dont rien n'est revenu")
    lignes.append(
        f"noté comme envoyé le {envoye_le} : ces répondants sont « relancés »" if envoye_le
        else "rien n'est envoyé par le programme ; une fois l'envoi fait, relancez la commande avec --envoye-le AAAA-MM-JJ"
    )  # fmt: skip
    return {
        "titre": f"Retours de {annee} écrits dans {dossier}.",
        "lignes": lignes,
        "suite": [f"Qui reçoit quoi : {dossier / 'envois.csv'} (réponses nominatives : ne pas diffuser ce dossier)"],
        "campagne": annee,
        "dossier": str(dossier),
        "envoye_le": envoye_le,
        "envois": [{c: getattr(e, c) for c in e.__slots__} for e in envois],
    }
