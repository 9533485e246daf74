"""What is sent back to respondents: correction workbooks, letters, reminders. Written in outputs/<campagne>/retours/."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cartographie.controle import csv_bytes
from cartographie.disque import whole_folder
from cartographie.feedback.accueil import build_correction
from cartographie.feedback.courrier import build_letter, build_reminder
from cartographie.feedback.dossiers import Dossier, Point, build_dossiers
from cartographie.feedback.ecriture import build_all
from cartographie.model import Questionnaire

__all__ = ["Dossier", "Envoi", "Point", "build_correction", "build_dossiers", "build_letter", "write_feedback"]
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
    dossier: Path,
    dossiers: Iterable[Dossier],
    absents: pd.DataFrame,
    q: Questionnaire,
    annee: str,
    envoye_le: str,
    ouvriers: int,
    progres: Callable[[int], None],
) -> list[Envoi]:
    """Write the folder whole, or not at all; what an earlier run had left there is replaced.

    `absents`: one row, one unit to remind (unite, nom). Few workbooks are in memory at a time.
    """
    envois: list[Envoi] = []
    pris: set[str] = set()
    with whole_folder(dossier, 0o700) as ici:  # respondents' own answers: for who runs the campaign only
        for d, octets in build_all(dossiers, q, annee, ouvriers):
            suffixe = f"{annee}-{_safe(d.destinataire, pris)}"
            lettre = build_letter(d, q, annee, f"corrections-{suffixe}.xlsx", envoye_le)
            envois.append(_write_one(ici, d, octets, lettre, suffixe))
            progres(len(envois))
        for unite, nom in zip(absents["unite"], absents["nom"], strict=True):
            courrier = f"relance-{annee}-{_safe(unite, pris)}.txt"
            (ici / courrier).write_text(build_reminder(q, annee, unite, nom), encoding="utf-8")
            envois.append(Envoi(unite, "", 0, 0, "", courrier))
        (ici / ENVOIS).write_text(_listing(envois), encoding="utf-8")
    return envois


def _write_one(ici: Path, d: Dossier, octets: bytes, lettre: str, suffixe: str) -> Envoi:
    classeur, courrier = f"corrections-{suffixe}.xlsx", f"courrier-{suffixe}.txt"
    (ici / classeur).write_bytes(octets)
    (ici / courrier).write_text(lettre, encoding="utf-8")
    corriger = sum(p.a_corriger for p in d.points)
    return Envoi(d.destinataire, d.depot.nom, corriger, len(d.points) - corriger, classeur, courrier)


def _safe(nom: str, pris: set[str]) -> str:
    """A name any file system takes, whatever the respondent is called, and that nobody else has."""
    court = "".join(c if c.isascii() and c.isalnum() else "-" for c in nom)[:60]
    if court.lower() in pris:
        court += "-" + hashlib.sha256(nom.encode()).hexdigest()[:8]
    pris.add(court.lower())
    return court


def _listing(envois: Iterable[Envoi]) -> str:
    return csv_bytes(tuple(Envoi.__slots__), ([getattr(e, c) for c in Envoi.__slots__] for e in envois)).decode()
