"""Commands on what comes back: storing it, sending it back, saying where each campaign stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from cartographie.base.errors import Statut
from cartographie.base.text import espace, nombre, plain
from cartographie.cli.app import Annee, Json, Ouvriers, Projet, a_date, command, progress, show
from cartographie.cli.screen import Bilan
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Depot

import typer  # isort: skip

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from cartographie.base.journal import Lecture
    from cartographie.campaign.examine import Controle
    from cartographie.collect.send import Envoi


# -------------------------------------------------------------------------------------------
# What an audit and a signature report.


def tell_journal(j: Lecture) -> Bilan:
    """One line per command; status 16 when the chain is broken."""
    if j.rupture:
        titre = f"La chaîne du journal est rompue à la ligne {j.rupture} : une ligne a été retirée ou changée juste avant, ou celle-ci est coupée."
    else:
        titre = (
            f"{nombre(len(j.lignes), 'commande notée', 'commandes notées')}, la chaîne est intacte."
            if j.lignes
            else "Le journal est vide."
        )
    rangs = [
        [x.get("quand", ""), x.get("qui", ""), " ".join([str(x.get("commande", "")), *map(str, x.get("arguments", ()))]),
         " ".join(x.get("gsbpm", ())), x.get("statut", ""), x.get("erreur") or ""]
        for x in j.lignes
    ]  # fmt: skip
    return {
        "titre": titre, "lignes": [f"dernière empreinte : {j.derniere}"] if j.lignes else [],
        "tables": [{"entete": ["quand", "qui", "commande", "GSBPM", "statut", "erreur"], "rangs": rangs}] if rangs else [],
        "journal": [dict(x) for x in j.lignes], "rupture": j.rupture, "derniere_empreinte": j.derniere,
        "statut": int(Statut.AUDIT if j.rupture else Statut.FAIT),
    }  # fmt: skip


# -------------------------------------------------------------------------------------------
# What receiving reports, and where a campaign stands.

_REFUS_MONTRES = 10


def tell_ingest(
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


def tell_status(
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
    from cartographie.campaign import situation as suivi

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
    from cartographie.campaign.situation import ETATS

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


def tell_feedback(annee: str, dossier: Path, envois: Sequence[Envoi], envoye_le: str) -> Bilan:
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


# -------------------------------------------------------------------------------------------
# Commands on what comes back: storing it and saying where each campaign stands.


@command(
    "ingest",
    "range les fichiers reçus, avec empreinte",
    "cartographie ingest 2026 boite-aux-lettres/",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 un fichier change pendant qu'il est lu · 17 une autre commande écrit",
)
def ingest(
    annee: Annee,
    sources: Annotated[list[Path], typer.Argument(metavar="CHEMINS…", help="Fichiers ou dossiers reçus.")],
    recu_le: Annotated[
        str, typer.Option("--recu-le", metavar="AAAA-MM-JJ", help="Date de réception (défaut : aujourd'hui).")
    ] = "",
    ranger_seulement: Annotated[
        bool, typer.Option("--ranger-seulement", help="Range sans ouvrir les fichiers ; « validate » les lira.")
    ] = False,
    ouvriers: Ouvriers = 0,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Range les fichiers reçus dans raw/, en lecture seule, avec leur empreinte, puis dit ce qu'ils sont : réponses,
    classeurs corrigés qui reviennent, fichiers refusés. Les constats viennent avec « validate »."""
    from cartographie.cli.flow import common
    from cartographie.cli.flow import receive as flow

    jour = a_date(recu_le) or common.reception_day(projet, annee, date.today().isoformat())
    with progress(en_json) as progres:
        bilan = flow.ingest(projet, annee, sources, jour, ranger_seulement, ouvriers, progres)
    show(bilan, en_json)


@command(
    "feedback",
    "écrit ce qu'il faut renvoyer à chaque répondant",
    "cartographie feedback 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 un fichier reçu a changé · 17 une autre commande écrit",
)
def feedback(
    annee: Annee,
    seul: Annotated[
        str,
        typer.Option(
            "--repondant", metavar="ID", help="Ce répondant seulement (identifiant, fichier ou unité de suivi.csv)."
        ),
    ] = "",
    absents: Annotated[
        bool, typer.Option("--absents", help="Écrit aussi une relance à chaque unité dont rien n'est revenu.")
    ] = False,
    envoye_le: Annotated[
        str,
        typer.Option("--envoye-le", metavar="AAAA-MM-JJ", help="Note que ces envois ont été faits ce jour-là."),
    ] = "",
    ouvriers: Ouvriers = 0,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit dans outputs/<campagne>/retours/ un classeur de correction et un courrier par répondant concerné : ses réponses,
    les cases à corriger, ce qui est attendu. N'envoie rien ; « ingest » reconnaît le classeur quand il revient."""
    from cartographie.cli.flow import receive as flow

    with progress(en_json) as progres:
        bilan = flow.feedback(projet, annee, seul, absents, a_date(envoye_le), ouvriers, progres)
    show(bilan, en_json)


@command("status", "dit où en est chaque campagne", "cartographie status --campagne 2026")
def status(
    annee: Annotated[
        str,
        typer.Option("--campagne", metavar="CAMPAGNE", help="La campagne détaillée (défaut : la dernière contrôlée)."),
    ] = "",
    journal: Annotated[
        bool, typer.Option("--journal", help="Plutôt : les commandes passées, et si leur chaîne est intacte.")
    ] = False,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Dit où en est chaque campagne, puis les répondants par région et par type : attendus, reçus, à corriger, acceptés,
    rejetés, relancés, et le taux de réponse. Ne relit rien : c'est ce que disait le dernier contrôle."""
    from cartographie.cli.flow import receive as flow

    show(flow.journal(projet) if journal else flow.status(projet, annee), en_json)
