"""Commands on what comes back: storing it, sending it back, saying where each campaign stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cartographie.base.errors import Statut
from cartographie.base.text import espace, nombre
from cartographie.cli.app import Json, NomCampagne, Ouvriers, Projet, a_date, act, argument, command, flag, option, show
from cartographie.cli.screen import Bilan, Table

if TYPE_CHECKING:
    from cartographie.base.journal import Lecture
    from cartographie.cli.flow.receive import Etat, Reception, Retours
    from cartographie.survey.model import Questionnaire
    from cartographie.survey.received import Depot


def tell_journal(j: Lecture) -> Bilan:
    """One line per command; status 16 when the chain is broken."""
    if j.rupture:
        titre = f"La chaîne du journal est rompue à la ligne {j.rupture} : une ligne a été retirée ou changée juste avant, ou celle-ci est coupée."
    elif j.lignes:
        titre = f"{nombre(len(j.lignes), 'commande notée', 'commandes notées')}, la chaîne est intacte."
    else:
        titre = "Le journal est vide."
    rangs = [
        [x.get("quand", ""), x.get("qui", ""), " ".join([str(x.get("commande", "")), *map(str, x.get("arguments", ()))]),
         " ".join(x.get("gsbpm", ())), x.get("statut", ""), x.get("erreur") or ""]
        for x in j.lignes
    ]  # fmt: skip
    return Bilan(
        titre,
        {"journal": [dict(x) for x in j.lignes], "rupture": j.rupture, "derniere_empreinte": j.derniere},
        [f"dernière empreinte : {j.derniere}"] if j.lignes else [],
        [Table(["quand", "qui", "commande", "GSBPM", "statut", "erreur"], rangs)] if rangs else [],
        statut=Statut.AUDIT if j.rupture else Statut.FAIT,
    )


_REFUS_MONTRES = 10


def tell_ingest(projet: Path, r: Reception) -> Bilan:
    """What the files stored turned out to be."""
    c, campagne = r.controle, r.campagne
    lus = {d.depot: x for d, x in zip(c.depots, c.extractions, strict=True)} if c else {}
    refuses = [d for d in r.ajoutes if d.depot in lus and lus[d.depot].refuse]
    remplaces = {x.remplace_par: x.depot for x in lus.values() if x.remplace_par}
    retours = [d for d in r.ajoutes if d.depot in lus and lus[d.depot].retour and d not in refuses]
    motifs = {a.depot: a for a in reversed(c.redaction.anomalies) if a.gravite == "rejet_fichier"} if c else {}
    lignes = [f"déjà reçu à l'identique, non repris : {nom} (= {d.nom})" for nom, d in r.deja]
    if c:
        lignes.append(
            f"{nombre(len(r.ajoutes) - len(refuses) - len(retours), 'réponse')}, "
            f"{nombre(len(retours), 'classeur corrigé revenu', 'classeurs corrigés revenus')}, "
            f"{nombre(len(refuses), 'refusé')}"
        )
        dits = [d for d in refuses[:_REFUS_MONTRES] if d.depot in motifs]
        lignes += [f"{d.nom} : {motifs[d.depot].regle}, {motifs[d.depot].message}" for d in dits]
        lignes += ["…"] if len(refuses) > _REFUS_MONTRES else []

    def nature(d: Depot) -> dict[str, Any]:
        if d.depot not in lus:
            return {}
        return {"refuse": lus[d.depot].refuse, "retour": d in retours, "remplace": remplaces.get(d.depot)}

    return Bilan(
        f"{campagne} : {nombre(len(r.ajoutes), 'fichier rangé', 'fichiers rangés')} dans raw/{campagne}.",
        {
            "campagne": campagne,
            "ajoutes": [{"depot": d.depot, "nom": d.nom, "sha256": d.sha256, **nature(d)} for d in r.ajoutes],
            "deja_recus": [nom for nom, _ in r.deja],
        },
        lignes,
        suite=[
            f"Pour la suite : cartographie validate {campagne}" + (f" --projet {projet}" if projet != Path() else "")
        ],
    )


def tell_status(projet: Path, e: Etat) -> Bilan:
    """A line per campaign, then the respondents of the detailed one by state."""
    rangs: list[list[Any]] = []
    campagnes: dict[str, dict[str, Any]] = {}
    for c in e.campagnes:
        base, recus = (sum(d.role == role for d in c.depots) for role in ("base", "reponse"))
        campagnes[c.campagne] = {
            "base": base,
            "recus": recus,
            "non_controles": c.non_controles,
            "controle": c.controlee,
            "versions": c.versions,
            "etats": None if c.suivi is None else _states(e.q, c.suivi, c.non_controles),
        }
        controle = "non" if not c.controlee else f"sauf {c.non_controles}" if c.non_controles else "oui"
        rangs.append([c.campagne, "oui" if base else "non", recus, controle, ", ".join(c.versions) or "aucune"])
    detail = campagnes.get(e.detail, {}).get("etats")
    present = e.entrepot.exists()
    return Bilan(
        e.q.enquete["titre"],
        {"campagnes": campagnes, "entrepot": present},
        [f"entrepôt : {'présent' if present else 'absent'} ({e.entrepot})"],
        [
            Table(["campagne", "base de sondage", "fichiers reçus", "contrôlée", "versions"], rangs),
            *(_tables(e.detail, detail) if detail else ()),
        ],
        [f"Répondant par répondant : {projet / 'outputs' / e.detail / 'controle' / 'suivi.csv'}"] if detail else [],
    )


def _states(q: Questionnaire, suivi: Sequence[Mapping[str, str]], nouveaux: int) -> dict[str, Any]:
    """Units of the frame by state, in all and by each axis; answers outside the frame apart."""
    from cartographie.campaign.states import count_states, state_axes

    axes = {}
    for axe, libelle in state_axes(q).items():
        nomenclature = q.nomenclatures.get(q.variables[axe].nomenclature or "")
        noms = {c: m.libelle for c, m in nomenclature.modalites.items()} if nomenclature else {}
        rangs = [
            {"code": c, "libelle": noms.get(c, c) or "non renseigné", **r} for c, r in count_states(suivi, axe).items()
        ]
        axes[axe] = {"libelle": libelle, "rangs": rangs}
    dehors = Counter(x["etat"] for x in suivi if not x["unite"])
    return {"axes": axes, "hors_base": dict(sorted(dehors.items())), "recus_non_controles": nouveaux}


def _tables(campagne: str, etats: Mapping[str, Any]) -> list[Table]:
    from cartographie.campaign.states import ETATS

    tables = []
    for axe in etats["axes"].values():
        rangs = [
            [r["libelle"][:62], *(espace(r[e]) for e in ETATS), f"{100 * r['taux_reponse']:.1f} %".replace(".", ",")]
            for r in axe["rangs"]
        ]
        tables.append(Table([f"{campagne} : {axe['libelle'].lower()}", *ETATS, "taux de réponse"], rangs))
    if etats["hors_base"]:
        tables.append(
            Table([f"{campagne} : hors de la base", "nombre"], [[e, n] for e, n in etats["hors_base"].items()])
        )
    return tables


def tell_feedback(r: Retours) -> Bilan:
    classeurs = [e for e in r.envois if e.classeur]
    lignes = [
        f"{nombre(len(classeurs), 'classeur de correction', 'classeurs de correction')} et autant de courriers : "
        f"{nombre(sum(e.a_corriger for e in classeurs), 'point')} à corriger, "
        f"{espace(sum(e.a_verifier for e in classeurs))} à vérifier"
    ]
    if len(r.envois) > len(classeurs):
        relances = len(r.envois) - len(classeurs)
        lignes.append(f"{nombre(relances, 'relance')} à des répondants attendus dont rien n'est revenu")
    lignes.append(
        f"noté comme envoyé le {r.envoye_le} : ces répondants sont « relancés »" if r.envoye_le
        else "rien n'est envoyé par le programme ; une fois l'envoi fait, relancez la commande avec --envoye-le AAAA-MM-JJ"
    )  # fmt: skip
    return Bilan(
        f"Retours de {r.campagne} écrits dans {r.dossier}.",
        {
            "campagne": r.campagne,
            "dossier": str(r.dossier),
            "envoye_le": r.envoye_le,
            "envois": [asdict(e) for e in r.envois],
        },
        lignes,
        suite=[f"Qui reçoit quoi : {r.dossier / 'envois.csv'} (réponses nominatives : ne pas diffuser ce dossier)"],
    )


@command("ingest")
def ingest(
    campagne: NomCampagne,
    sources: Annotated[list[Path], argument("CHEMINS…", "Fichiers ou dossiers reçus.")],
    recu_le: Annotated[str, option("--recu-le", "AAAA-MM-JJ", "Date de réception (défaut : aujourd'hui).")] = "",
    ranger_seulement: Annotated[
        bool, flag("--ranger-seulement", "Range sans ouvrir les fichiers ; « validate » les lira.")
    ] = False,
    ouvriers: Ouvriers = 0,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Range les fichiers reçus dans raw/, en lecture seule, avec leur empreinte, puis dit ce qu'ils sont : réponses,
    classeurs corrigés qui reviennent, fichiers refusés. Les constats viennent avec « validate »."""
    from cartographie.cli.flow import receive as flow
    from cartographie.cli.flow.common import Examen, reception_day

    jour = a_date(recu_le) or reception_day(projet, campagne, date.today().isoformat())
    examen = None if ranger_seulement else Examen(ouvriers)
    act(en_json, lambda p: tell_ingest(projet, flow.ingest(projet, campagne, sources, jour, examen, p)))


@command("feedback")
def feedback(
    campagne: NomCampagne,
    seul: Annotated[
        str, option("--repondant", "ID", "Ce répondant seulement (identifiant, fichier ou unité de suivi.csv).")
    ] = "",
    absents: Annotated[
        bool, flag("--absents", "Écrit aussi une relance à chaque unité dont rien n'est revenu.")
    ] = False,
    envoye_le: Annotated[
        str, option("--envoye-le", "AAAA-MM-JJ", "Note que ces envois ont été faits ce jour-là.")
    ] = "",
    ouvriers: Ouvriers = 0,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit dans outputs/<campagne>/retours/ un classeur de correction et un courrier par répondant concerné : ses réponses,
    les cases à corriger, ce qui est attendu. N'envoie rien ; « ingest » reconnaît le classeur quand il revient."""
    from cartographie.cli.flow import receive as flow
    from cartographie.cli.flow.common import Examen

    envoi = flow.Envoi(seul, absents, a_date(envoye_le))
    act(en_json, lambda p: tell_feedback(flow.feedback(projet, campagne, envoi, Examen(ouvriers), p)))


@command("status")
def status(
    campagne: Annotated[
        str, option("--campagne", "CAMPAGNE", "La campagne détaillée (défaut : la dernière contrôlée).")
    ] = "",
    journal: Annotated[
        bool, flag("--journal", "Plutôt : les commandes passées, et si leur chaîne est intacte.")
    ] = False,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Dit où en est chaque campagne, puis les répondants par région et par type : attendus, reçus, à corriger, acceptés,
    rejetés, relancés, et le taux de réponse. Ne relit rien : c'est ce que disait le dernier contrôle."""
    if journal:
        from cartographie.base.journal import read

        show(tell_journal(read(projet)), en_json)
        return
    from cartographie.cli.flow import receive as flow

    show(tell_status(projet, flow.status(projet, campagne)), en_json)
