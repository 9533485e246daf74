"""What is sent back to respondents: correction workbooks, letters, reminders. Written in outputs/<campagne>/retours/."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd

from cartographie.base.files import csv_text, whole_folder, write_whole
from cartographie.base.text import nombre
from cartographie.campaign.batch import Cadre
from cartographie.campaign.states import RELANCES, Relance, read_relances
from cartographie.collect.cases import Dossier
from cartographie.collect.correction import build_all, french_day
from cartographie.survey.model import Campagne, Questionnaire
from cartographie.validate.files import csv_bytes

# -------------------------------------------------------------------------------------------
# The text that goes with a correction workbook, ready to be put in a letter or a message; and the reminder.

CORRECTION = """\
Objet : {titre}, édition {campagne} — {objet}

Madame, Monsieur,

Nous vous remercions de votre réponse à l'enquête « {titre} », reçue le {recu_le} (fichier « {fichier} »).

{constat}

{points}

Le classeur joint « {classeur} » reprend vos réponses. Sa première feuille dit, une par une, les cases à revoir ; un clic y
conduit. Il suffit de les corriger, d'enregistrer le classeur et de le renvoyer{avant}. Une case laissée vide ne change rien.

Pour toute question : {contact}

{producteur}
"""
RELANCE = """\
Objet : {titre}, édition {campagne} — votre réponse

Madame, Monsieur,

Sauf erreur de notre part, nous n'avons pas encore reçu la réponse de « {nom} » ({unite}) à l'enquête « {titre} ».

La collecte prend fin le {fin}. Une réponse partielle est utile, et « Ne sait pas » est une réponse. Si vous avez répondu
entre-temps, ou si une autre structure a répondu pour vous, ne tenez pas compte de ce message.

Pour toute question : {contact}

{producteur}
"""
_CITES = 12  # points told in the letter itself; all are in the workbook


def build_letter(d: Dossier, q: Questionnaire, campagne: str, classeur: str, envoye_le: str) -> str:
    """The letter to one respondent; `retours.courrier` of campagne.yaml takes the place of the text above."""
    declaree = q.campagnes[campagne]
    reglages = declaree.parametres.get("retours", {})
    corriger = [p for p in d.points if p.a_corriger]
    lignes = [f"- {x.message}" for x in corriger[:_CITES]]
    if len(corriger) > _CITES:
        lignes.append(f"- et {nombre(len(corriger) - _CITES, 'autre point')} dans le classeur")
    jours = reglages.get("delai_jours")
    limite = date.fromisoformat(envoye_le) + timedelta(days=jours) if envoye_le and jours else None
    constat = (
        "Ce fichier n'a pas pu être lu :" if d.refuse
        else f"{nombre(len(corriger), 'point reste', 'points restent')} à corriger pour que votre réponse soit prise en compte en entier :"
    )  # fmt: skip
    return reglages.get("courrier", CORRECTION).format(
        **_commun(q, declaree),
        objet="votre fichier n'a pas pu être lu" if d.refuse else "votre réponse est à compléter",
        recu_le=french_day(d.depot.recu_le),
        fichier=d.depot.nom,
        classeur=classeur,
        constat=constat,
        points="\n".join(lignes),
        avant=f" avant le {limite:%d/%m/%Y}" if limite else "",
    )


def build_reminder(q: Questionnaire, campagne: str, unite: str, nom: str) -> str:
    """The reminder to a unit of the frame that has not answered."""
    declaree = q.campagnes[campagne]
    return RELANCE.format(**_commun(q, declaree), unite=unite, nom=nom or unite, fin=f"{declaree.fin:%d/%m/%Y}")


def _commun(q: Questionnaire, campagne: Campagne) -> Mapping[str, Any]:
    fictif = " (données fictives)" if q.enquete.get("fictif") else ""
    return {
        "titre": f"{q.enquete['titre']}{fictif}",
        "campagne": campagne.nom,
        "contact": q.enquete.get("contact", ""),
        "producteur": q.enquete["producteur"],
    }


ENVOIS = "envois.csv"


@dataclass(frozen=True, slots=True)
class Envoi:
    """One line of envois.csv. `destinataire`: respondent, received file or unit of the frame."""

    destinataire: str
    fichier_recu: str
    a_corriger: int
    a_verifier: int
    classeur: str
    courrier: str


def write_feedback(
    dossier: Path, cadre: Cadre, dossiers: Iterable[Dossier], absents: pd.DataFrame, envoye_le: str
) -> list[Envoi]:
    """Write the folder whole, or not at all; what an earlier run had left there is replaced.

    `absents`: one row, one unit to remind (unite, nom). Few workbooks are in memory at a time.
    """
    q, campagne = cadre.q, cadre.campagne
    envois: list[Envoi] = []
    pris: set[str] = set()
    with whole_folder(dossier, 0o700) as ici:  # respondents' own answers: for who runs the campaign only
        for d, octets in build_all(dossiers, q, campagne, cadre.ouvriers):
            suffixe = f"{campagne}-{_safe(d.destinataire, pris)}"
            classeur, courrier = f"corrections-{suffixe}.xlsx", f"courrier-{suffixe}.txt"
            (ici / classeur).write_bytes(octets)
            (ici / courrier).write_text(build_letter(d, q, campagne, classeur, envoye_le), encoding="utf-8")
            corriger = sum(p.a_corriger for p in d.points)
            envois.append(Envoi(d.destinataire, d.depot.nom, corriger, len(d.points) - corriger, classeur, courrier))
            cadre.progres(f"{campagne} : classeurs de correction", len(envois), len(envois))
        for unite, nom in zip(absents["unite"], absents["nom"], strict=True):
            courrier = f"relance-{campagne}-{_safe(unite, pris)}.txt"
            (ici / courrier).write_text(build_reminder(q, campagne, unite, nom), encoding="utf-8")
            envois.append(Envoi(unite, "", 0, 0, "", courrier))
        noms = tuple(Envoi.__slots__)
        (ici / ENVOIS).write_bytes(csv_bytes(noms, ([getattr(e, c) for c in noms] for e in envois)))
    return envois


def _safe(nom: str, pris: set[str]) -> str:
    """A name any file system takes, whatever the respondent is called, and that nobody else has."""
    court = "".join(c if c.isascii() and c.isalnum() else "-" for c in nom)[:60]
    if court.lower() in pris:
        court += "-" + hashlib.sha256(nom.encode()).hexdigest()[:8]
    pris.add(court.lower())
    return court


# ------------------------------------------------------------------------------------------- what was sent, and when


def add_relances(dossier: Path, nouvelles: Sequence[Relance]) -> Path:
    """Append to the journal, whole or not at all."""
    chemin = dossier / RELANCES
    toutes = dict.fromkeys([*read_relances(dossier), *nouvelles])
    return write_whole(chemin, csv_text(Relance.__slots__, map(attrgetter(*Relance.__slots__), toutes)).encode())
