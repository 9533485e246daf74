"""THE FLOW: one function per command. Received files → cells → typed values → kept │ quarantined → warehouse → tables → release.

Every function returns a `bilan`: plain values for --json, and the French lines a person reads (see affichage.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie import bilans
from cartographie.errors import UserError
from cartographie.memoire import without_cycle_search
from cartographie.model import Questionnaire
from cartographie.questionnaire import load_questionnaire
from cartographie.workspace import (
    received,
    require_campaign,
    uncontrolled,
    warehouse_path,
    write_findings,
    write_situation,
)

if TYPE_CHECKING:
    from cartographie.examine import Controle

Progres = Callable[[str, int, int], None]
Bilan = dict[str, Any]


# ------------------------------------------------------------------------------------------------------- preparing


def init(projet: Path, destination: Path) -> Bilan:
    """A new workspace holding the declarations of another one."""
    load_questionnaire(projet)  # never hand over declarations that do not hold
    if destination.exists() and any(destination.iterdir()):
        raise UserError("U02", f"Le dossier {destination} n'est pas vide : choisissez un dossier nouveau.")
    shutil.copytree(projet / "schemas", destination / "schemas", dirs_exist_ok=True)
    for dossier in ("raw", "outputs"):
        (destination / dossier).mkdir()
    return bilans.init(destination)


def template(projet: Path, annee: str, sortie: Path, par_repondant: bool, progres: Progres) -> Bilan:
    """The blank questionnaire; with `par_repondant`, one pre-filled copy per unit of the frame instead."""
    from cartographie.examine import examine_frame
    from cartographie.formulaire import build_template, file_name

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    sortie.mkdir(parents=True, exist_ok=True)
    ecrits = [sortie / file_name(annee)]
    ecrits[0].write_bytes(build_template(q, annee))
    if par_repondant:
        _, base = examine_frame(projet, q, annee, progres)
        if base is None:
            raise UserError("U03", f"Aucune base de sondage pour {annee} : importez-la avec « register ».")
        unites = base.to_dict("records")
        for i, unite in enumerate(unites, start=1):
            connues = {k: v for k, v in unite.items() if isinstance(v, (str, int, float)) and v == v}
            ecrits.append(sortie / file_name(annee, str(unite["id_base"])))
            ecrits[-1].write_bytes(build_template(q, annee, connues))
            progres("Questionnaires pré-remplis", i, len(unites))
    return bilans.template(annee, sortie, ecrits)


def dictionary(projet: Path, annee: str, sortie: Path) -> Bilan:
    from cartographie.dictionary import build_dictionary

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    sortie.parent.mkdir(parents=True, exist_ok=True)
    sortie.write_text(build_dictionary(q, annee), encoding="utf-8")
    return bilans.dictionary(sortie)


def demo(projet: Path, destination: Path, repondants: int, graine: int, classeurs: int, progres: Progres) -> Bilan:
    """A fictitious workspace: declarations copied, frame registered, answers received, truth beside."""
    from cartographie.demo import generate
    from cartographie.intake import ingest as store

    q = load_questionnaire(projet)
    if destination.exists() and any(destination.iterdir()):
        raise UserError("U02", f"Le dossier {destination} n'est pas vide : choisissez un dossier nouveau.")
    shutil.copytree(projet / "schemas", destination / "schemas", dirs_exist_ok=True)
    resume = generate(projet, q, destination, tuple(q.campagnes), repondants, graine, progres, classeurs_max=classeurs)
    for annee, campagne in q.campagnes.items():
        recus = destination / "recus" / annee
        store(destination, annee, [recus / "base"], "base", campagne.debut.isoformat())
        store(destination, annee, [recus / "reponses"], "reponse", campagne.fin.isoformat())
    (destination / "outputs").mkdir(exist_ok=True)
    return bilans.demo(destination, resume)


# ------------------------------------------------------------------------------------------------------- receiving


def register(projet: Path, annee: str, source: Path, recu_le: str) -> Bilan:
    """Store the frame's file in raw/<campagne>/base and say what it holds; a refused file is not kept."""
    from cartographie.examine import examine_frame
    from cartographie.intake import ingest as store
    from cartographie.intake.snapshot import forget

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    ajoutes, deja = store(projet, annee, [source], "base", recu_le)
    base, unites = examine_frame(projet, q, annee, lambda *_: None)
    if unites is None:
        forget(projet / "raw" / annee, ajoutes)
    return bilans.register(q, annee, unites, base.redaction.anomalies, deja)


def ingest(
    projet: Path,
    annee: str,
    sources: Sequence[Path],
    recu_le: str,
    ranger_seulement: bool,
    ouvriers: int,
    progres: Progres,
) -> Bilan:
    """Store what came back, then look at it: which are answers, corrections returned, refused. Findings are for `validate`."""
    from cartographie.intake import ingest as store

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    ajoutes, deja = store(projet, annee, sources, "reponse", recu_le)
    if ranger_seulement or not ajoutes:
        return bilans.ingest(projet, annee, ajoutes, deja, None)
    _start_workers(projet, ouvriers)
    from cartographie.examine import examine

    c = examine(projet, q, annee, ouvriers, progres, complet=False)
    write_situation(projet, q, c, controlees=False)
    return bilans.ingest(projet, annee, ajoutes, deja, c)


# ------------------------------------------------------------------------------------------------------- processing


@without_cycle_search()
def validate(projet: Path, annee: str, ouvriers: int, relire: bool, progres: Progres) -> Bilan:
    """Findings only: outputs/<campagne>/controle/."""
    _start_workers(projet, ouvriers)
    from cartographie.examine import examine

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    if annee not in received(projet, q):
        raise UserError("U04", f"Aucun fichier reçu pour {annee} : rangez-les d'abord avec « ingest ».")
    c = examine(projet, q, annee, ouvriers, progres, complet=False, relire=relire)
    return bilans.validate(q, c, write_findings(projet, q, c), strict=True)


@without_cycle_search()
def load(projet: Path, ouvriers: int, relire: bool, progres: Progres) -> Bilan:
    """Rebuild outputs/entrepot.duckdb from every campaign received, in one go or not at all."""
    _start_workers(projet, ouvriers)
    from cartographie.examine import examine, require_sound

    q = load_questionnaire(projet)
    controles = [require_sound(examine(projet, q, a, ouvriers, progres, relire=relire)) for a in received(projet, q)]
    return bilans.load(warehouse_path(projet), _load(projet, q, controles, progres), controles)


def map_(projet: Path, annee: str, progres: Progres) -> Bilan:
    """Compute the tables of a campaign from the warehouse into outputs/<campagne>/tableaux/ (CSV); publishes nothing."""
    from cartographie.programme import release_meta
    from cartographie.release.csv import write_csv

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    tableaux = _tables(projet, q, annee, progres)
    dossier = projet / "outputs" / annee / "tableaux"
    dossier.mkdir(parents=True, exist_ok=True)
    for ancien in dossier.glob("*.csv"):
        ancien.unlink()
    meta = release_meta(projet, q, annee, "travail", q.campagnes[annee].fin.isoformat(), warehouse_path(projet))
    for t in tableaux:
        write_csv(dossier, t, meta)
    return bilans.map_(annee, tableaux, dossier)


def publish(projet: Path, annee: str, version: str, jour: str, remplacer: bool, progres: Progres) -> Bilan:
    """Write outputs/<campagne>/<version>/ whole or not at all. Raises UserError (status 15) when it exists."""
    from cartographie.programme import release_meta
    from cartographie.release import check_free, release_folder
    from cartographie.release import publish as release

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    dossier = release_folder(projet / "outputs" / annee, version)
    check_free(dossier, remplacer)
    tableaux = _tables(projet, q, annee, progres)
    meta = release_meta(projet, q, annee, version, jour or q.campagnes[annee].fin.isoformat(), warehouse_path(projet))
    progres(f"{annee} : publication", 0, 1)
    ecrits = release(dossier, tableaux, meta, remplacer)
    progres(f"{annee} : publication", 1, 1)
    return bilans.publish(annee, dossier, tableaux, ecrits)


@without_cycle_search()
def run(
    projet: Path,
    annees: Sequence[str],
    version: str,
    remplacer: bool,
    strict: bool,
    ouvriers: int,
    relire: bool,
    progres: Progres,
) -> Bilan:
    """Everything: control and load every campaign received, then tables and release of the ones asked for."""
    _start_workers(projet, ouvriers)
    from cartographie.examine import examine, require_sound
    from cartographie.release import check_free, release_folder

    q = load_questionnaire(projet)
    recues = received(projet, q)
    for annee in annees:
        require_campaign(q, annee)
        if annee not in recues:
            raise UserError("U04", f"Aucun fichier reçu pour {annee} : rangez-les d'abord avec « ingest ».")
    if not recues:
        raise UserError("U04", "Aucun fichier reçu : rangez-les d'abord avec « ingest ».")
    for annee in annees or recues:  # said before the work, not after
        check_free(release_folder(projet / "outputs" / annee, version), remplacer)
    controles = [require_sound(examine(projet, q, a, ouvriers, progres, relire=relire)) for a in recues]
    constats = [bilans.validate(q, c, write_findings(projet, q, c), strict=strict) for c in controles]
    _load(projet, q, controles, progres)
    publications = [publish(projet, a, version, "", remplacer, progres) for a in (annees or recues)]
    return bilans.run(q, controles, constats, publications, warehouse_path(projet), annees or recues)


@without_cycle_search()
def feedback(
    projet: Path, annee: str, seul: str, absents: bool, envoye_le: str, ouvriers: int, progres: Progres
) -> Bilan:
    """Correction workbooks and letters, outputs/<campagne>/retours/. `envoye_le`: the day they were sent, noted in raw/."""
    _start_workers(projet, ouvriers)
    from cartographie import feedback as retours
    from cartographie import suivi
    from cartographie.examine import examine, frame_for, require_sound

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    if annee not in received(projet, q):
        raise UserError("U04", f"Aucun fichier reçu pour {annee} : rangez-les d'abord avec « ingest ».")
    c = require_sound(examine(projet, q, annee, ouvriers, progres, complet=False))
    situation = suivi.build_suivi(q, c, suivi.read_relances(projet / "raw" / annee))
    a_relancer = suivi.absents(q, c, situation, seul) if absents else suivi.absents(q, c, situation.iloc[:0], seul)
    dossiers = retours.build_dossiers(frame_for(projet, q, annee, ouvriers, progres), c, seul)
    if seul:
        dossiers = iter(trouves := list(dossiers))
        if not trouves and a_relancer.empty:
            raise UserError("U17", f"Rien à renvoyer à « {seul} » : vérifiez son identifiant dans controle/suivi.csv.")
    dossier = projet / "outputs" / annee / "retours"

    def avance(ecrits: int) -> None:
        progres(f"{annee} : classeurs de correction", ecrits, ecrits)

    envois = retours.write_feedback(dossier, dossiers, a_relancer, q, annee, envoye_le, ouvriers, avance)
    if envoye_le:
        suivi.add_relances(projet / "raw" / annee, [suivi.Relance(e.destinataire, envoye_le) for e in envois])
    write_situation(projet, q, c, controlees=False)
    return bilans.feedback(annee, dossier, envois, envoye_le)


def status(projet: Path, annee: str) -> Bilan:
    """Where each campaign stands, from what was received and what the last control said; nothing is read again."""
    from cartographie.intake import read_registre
    from cartographie.suivi import read_suivi

    q = load_questionnaire(projet)
    if annee:
        require_campaign(q, annee)
    recus = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    trouves = {a: read_suivi(projet / "outputs" / a / "controle") for a in q.campagnes}
    suivis = {a: s for a, s in trouves.items() if s is not None}
    nouveaux = {a: len(uncontrolled(projet, a, recus[a])) for a in suivis}
    detail = annee or max(suivis, default="")
    return bilans.status(projet, q, recus, suivis, nouveaux, warehouse_path(projet), detail)


# ------------------------------------------------------------------------------------------------------- pieces


def _start_workers(projet: Path, ouvriers: int) -> None:
    from cartographie.intake import start_workers

    start_workers(projet / "raw", ouvriers)


def _load(projet: Path, q: Questionnaire, controles: Sequence[Controle], progres: Progres) -> Path:
    from cartographie import warehouse
    from cartographie.contenu import build_contenu

    progres("Entrepôt", 0, 1)
    warehouse.build(warehouse_path(projet), {c.annee: build_contenu(q, c) for c in controles}, q)
    progres("Entrepôt", 1, 1)
    return warehouse_path(projet)


def _tables(projet: Path, q: Questionnaire, annee: str, progres: Progres) -> list[Any]:
    from cartographie import warehouse
    from cartographie.tables import build_tableaux

    progres(f"{annee} : tableaux", 0, 1)
    precedente = q.campagnes[annee].precedente
    if precedente not in received(projet, q):
        precedente = None  # its questions were never asked to anyone: not the same as no answer
    with warehouse.open_readonly(warehouse_path(projet)) as con:
        frames = warehouse.analysis_frames(con, annee)
        anciens = warehouse.analysis_frames(con, precedente) if precedente else None
    tableaux = build_tableaux(frames, anciens, q, annee)
    progres(f"{annee} : tableaux", 1, 1)
    return tableaux
