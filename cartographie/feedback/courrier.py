"""The text that goes with a correction workbook, ready to be put in a letter or a message; and the reminder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from cartographie.feedback.accueil import french_day
from cartographie.feedback.dossiers import Dossier
from cartographie.model import Campagne, Questionnaire
from cartographie.phrases import nombre

CORRECTION = """\
Objet : {titre}, édition {annee} — {objet}

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
Objet : {titre}, édition {annee} — votre réponse

Madame, Monsieur,

Sauf erreur de notre part, nous n'avons pas encore reçu la réponse de « {nom} » ({unite}) à l'enquête « {titre} ».

La collecte prend fin le {fin}. Une réponse partielle est utile, et « Ne sait pas » est une réponse. Si vous avez répondu
entre-temps, ou si une autre structure a répondu pour vous, ne tenez pas compte de ce message.

Pour toute question : {contact}

{producteur}
"""
_CITES = 12  # points told in the letter itself; all are in the workbook


def build_letter(d: Dossier, q: Questionnaire, annee: str, classeur: str, envoye_le: str) -> str:
    """The letter to one respondent; `retours.courrier` of campagne.yaml takes the place of the text above."""
    campagne = q.campagnes[annee]
    reglages = campagne.parametres.get("retours") or {}
    corriger = [p for p in d.points if p.a_corriger]
    lignes = [f"- {x.message}" for x in corriger[:_CITES]]
    lignes += (
        [f"- et {nombre(len(corriger) - _CITES, 'autre point')} dans le classeur"] if len(corriger) > _CITES else []
    )
    constat = (
        "Ce fichier n'a pas pu être lu :" if d.refuse
        else f"{nombre(len(corriger), 'point reste', 'points restent')} à corriger pour que votre réponse soit prise en compte en entier :"
    )  # fmt: skip
    return str(reglages.get("courrier", CORRECTION)).format(
        **_commun(q, campagne),
        objet="votre fichier n'a pas pu être lu" if d.refuse else "votre réponse est à compléter",
        recu_le=french_day(d.depot.recu_le),
        fichier=d.depot.nom,
        classeur=classeur,
        constat=constat,
        points="\n".join(lignes),
        avant=_before(envoye_le, reglages.get("delai_jours")),
    )


def build_reminder(q: Questionnaire, annee: str, unite: str, nom: str) -> str:
    """The reminder to a unit of the frame that has not answered."""
    campagne = q.campagnes[annee]
    return RELANCE.format(**_commun(q, campagne), unite=unite, nom=nom or unite, fin=f"{campagne.fin:%d/%m/%Y}")


def _commun(q: Questionnaire, campagne: Campagne) -> Mapping[str, Any]:
    fictif = " (données fictives)" if q.enquete.get("fictif") else ""
    return {
        "titre": f"{q.enquete['titre']}{fictif}",
        "annee": campagne.annee,
        "contact": q.enquete.get("contact", ""),
        "producteur": q.enquete["producteur"],
    }


def _before(envoye_le: str, jours: int | None) -> str:
    return f" avant le {date.fromisoformat(envoye_le) + timedelta(days=jours):%d/%m/%Y}" if envoye_le and jours else ""
