"""From the warehouse to what is published: tables, secrecy, release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

    import pandas as pd

    from cartographie.model import Tableau
    from cartographie.plausibility.verdict import Verdict
    from cartographie.ponderation import Ponderation
    from cartographie.release.preparation import Demande, Preparation
    from cartographie.secret import Anterieure

    Frames = dict[str, dict[str, pd.DataFrame]]

from cartographie import bilans
from cartographie.disque import whole_folder, write_whole
from cartographie.errors import Statut, UserError
from cartographie.model import Questionnaire
from cartographie.phrases import FICTIF
from cartographie.pipeline.commun import Bilan, Progres, alone
from cartographie.questionnaire import load_questionnaire
from cartographie.workspace import open_warehouse, received, require_campaign


@alone
def map_(projet: Path, annee: str, progres: Progres) -> Bilan:
    """Compute the tables of a campaign from the warehouse into outputs/<campagne>/tableaux/ (CSV); publishes nothing.

    Secondary secrecy is applied, but what is masked is only proven when a release is attacked (publish)."""
    from cartographie.programme import release_meta
    from cartographie.release.csv import write_csv

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    tableaux = _protected(q, annee, _drafts(q, annee, frames_of(projet, q, annee, progres))[0], progres)[0]
    dossier = projet / "outputs" / annee / "tableaux"
    meta = release_meta(projet, q, annee, "travail", q.campagnes[annee].fin.isoformat())
    with whole_folder(dossier) as ici:
        for t in tableaux:
            write_csv(ici, t, meta)
    return bilans.map_(annee, tableaux, dossier)


@alone
def publish(projet: Path, demande: Demande, progres: Progres) -> Bilan:
    """`release`, once nobody else writes in the workspace."""
    return release(projet, demande, progres)


def release(projet: Path, demande: Demande, progres: Progres) -> Bilan:
    """Write outputs/<campagne>/<version>/ whole or not at all. A correction names the version it replaces, and why.

    Raises UserError: it exists (status 15), implausible (13), its files betray somebody (14)."""
    from cartographie.attaque import attack_release, require_sound_release
    from cartographie.release import publish as write_release

    p, annee = prepare(projet, demande, progres), demande.annee

    def gate(attente: Path) -> None:
        progres(f"{annee} : attaque de la publication", 0, 1)
        require_sound_release(attack_release(attente, p.q, p.exacts, p.meta["seuils"], p.lues), demande.version)
        _require_fit(attente, str(p.meta.get("contact") or ""))
        progres(f"{annee} : attaque de la publication", 1, 1)

    progres(f"{annee} : publication", 0, 1)
    ecrits = write_release(p.dossier, p.tableaux, p.meta, demande.remplacer, gate)
    progres(f"{annee} : publication", 1, 1)
    return bilans.publish(annee, p.dossier, p.tableaux, ecrits, p.meta["secret"])


def prepare(projet: Path, demande: Demande, progres: Progres) -> Preparation:
    """Everything a release is made of, computed from the warehouse. Raises as publish does, but what the gate raises."""
    from cartographie.plausibility.verdict import ask
    from cartographie.ponderation import account
    from cartographie.programme import release_meta
    from cartographie.release import check_free, make_revision, manifest_fingerprint, release_folder
    from cartographie.release.preparation import Preparation
    from cartographie.tables import exact_counts

    q, annee = load_questionnaire(projet), demande.annee
    require_campaign(q, annee)
    dossier = release_folder(projet / "outputs" / annee, demande.version)
    check_free(dossier, demande.remplacer)
    remplacee = release_folder(dossier.parent, demande.remplace) if demande.remplace else None
    revision = make_revision(demande.nature, dossier, remplacee, demande.motif)
    with ask() as suite:
        frames = frames_of(projet, q, annee, progres)
        brouillons, ponderation, verdict = _plausible_drafts(projet, q, annee, frames, suite)
    anciennes = _earlier(projet, q, annee, dossier, brouillons, progres)
    tableaux, secret = _protected(q, annee, brouillons, progres, anciennes)
    jour = demande.jour or q.campagnes[annee].fin.isoformat()
    meta = release_meta(projet, q, annee, demande.version, jour)
    meta |= {"secret_secondaire": True, "secret": secret, "ponderation": account(ponderation) if ponderation else None}
    meta |= {"revision": revision, "plausibilite": verdict.attentes, "plausibilite_html": verdict.public}
    meta["anterieures"] = {
        a.dossier.relative_to(projet / "outputs").as_posix(): manifest_fingerprint(a.dossier) for a in anciennes
    }
    lues = [(a.dossier, exact_counts(a.tableaux)) for a in anciennes]
    return Preparation(q, dossier, tableaux, meta, exact_counts(brouillons), lues)


# ------------------------------------------------------------------------------------------- pieces


def frames_of(projet: Path, q: Questionnaire, annee: str, progres: Progres) -> Frames:
    """Campaign → its analysis frames, from the warehouse: this one's, then the previous one's if it was received."""
    from cartographie import warehouse

    progres(f"{annee} : tableaux", 0, 1)
    precedente = q.campagnes[annee].precedente
    if precedente not in received(projet, q):
        precedente = None  # its questions were never asked to anyone: not the same as no answer
    with open_warehouse(projet, q) as con:
        return {a: warehouse.analysis_frames(con, a) for a in (annee, precedente) if a}


def _drafts(q: Questionnaire, annee: str, frames: Frames) -> tuple[list[Tableau], Ponderation | None]:
    """Every figure of the campaign's tables, weighted, with the counts behind it: confidential. And its weights."""
    from cartographie.ponderation import weigh
    from cartographie.tables import Campagne, draft_tableaux

    campagnes = {a: Campagne(a, f, weigh(q, a, f)) for a, f in frames.items()}
    precedente = next((c for a, c in campagnes.items() if a != annee), None)
    return draft_tableaux(q, campagnes[annee], precedente), campagnes[annee].ponderation


def _plausible_drafts(
    projet: Path, q: Questionnaire, annee: str, frames: Frames, suite: subprocess.Popen[str]
) -> tuple[list[Tableau], Ponderation | None, Verdict]:
    """The same of a campaign that is as declared. Raises UserError E13 (status 13)."""
    from cartographie.plausibility.measures import measure_answers, measure_figures
    from cartographie.plausibility.verdict import judge, require_plausible

    declare, entete = q.campagnes[annee].plausibilite, {"campagne": annee, "titre": str(q.enquete["titre"])}
    entete["mention"] = FICTIF if q.enquete.get("fictif") else ""
    attentes = declare.get("attentes", ())
    mesures = measure_answers(q, attentes, frames[annee], next((f for a, f in frames.items() if a != annee), None))

    def decide() -> Verdict:
        verdict = judge(suite, declare, mesures, entete)
        # with values: for the producer, beside the findings, never in a release
        detail = projet / "outputs" / annee / "controle/plausibilite.html"
        detail.parent.mkdir(parents=True, exist_ok=True)
        write_whole(detail, verdict.detail.encode())
        require_plausible(verdict.attentes, annee)
        return verdict

    try:
        tableaux, ponderation = _drafts(q, annee, frames)
    except UserError:  # too few answers make weights impossible: the cause is said rather than its effect
        decide()
        raise
    mesures += measure_figures(q, annee, attentes, tableaux, ponderation)
    return tableaux, ponderation, decide()


def _require_fit(dossier: Path, contact: str) -> None:
    """Raise UserError E21 (status 10) when a file written breaks the rules of accessibility or safety."""
    from cartographie.lint import lint_folder

    defauts = lint_folder(dossier, {contact})
    if defauts:
        d = defauts[0]
        raise UserError(
            "E21", f"la publication n'est pas écrite : {d.ou} {d.message} ({d.code}, {len(defauts)} en tout) ; corrigez le libellé dans "
            "schemas/, ou signalez-le.", Statut.DECLARATION,
        )  # fmt: skip


def _earlier(
    projet: Path, q: Questionnaire, annee: str, dossier: Path, brouillons: list[Tableau], progres: Progres
) -> list[Anterieure]:
    """Releases found in outputs/, of this edition and of the one before, but the one being written: a reader may have them."""
    from cartographie.release import releases
    from cartographie.secret import read_earlier

    anciennes = []
    for a in (q.campagnes[annee].precedente or "", annee):
        # what is no longer received cannot be recomputed
        trouvees = [d for d in releases(projet / "outputs" / a) if d != dossier] if a in received(projet, q) else []
        for d in trouvees:
            _require_declared(q, d, projet)
        if trouvees:
            tableaux = brouillons if a == annee else _drafts(q, a, frames_of(projet, q, a, progres))[0]
            anciennes += [read_earlier(d, tableaux) for d in trouvees]
    return anciennes


def _require_declared(q: Questionnaire, dossier: Path, projet: Path) -> None:
    """Raise UserError U27 (status 10) when an earlier release has a table that schemas/ no longer declares: what it shows
    could not be counted with the rest."""
    from cartographie.release.manifest import read_manifest

    disparus = sorted(set(read_manifest(dossier)["tableaux"]) - set(q.tableaux))
    if disparus:
        raise UserError(
            "U27", f"{dossier.relative_to(projet)} publie le tableau {disparus[0]}, que schemas/tableaux/ ne déclare plus : remettez sa "
            "déclaration, pour que le secret en tienne compte, ou retirez cette publication de outputs/ si elle n'a jamais été diffusée.",
            Statut.DECLARATION,
        )  # fmt: skip


def _protected(
    q: Questionnaire, annee: str, brouillons: list[Tableau], progres: Progres, anciennes: Sequence[Anterieure] = ()
) -> tuple[list[Tableau], dict[str, Any]]:
    """The tables as they may be read, and the account of what secrecy masked."""
    from cartographie.secret import protect
    from cartographie.tables import finish

    progres(f"{annee} : secret", 0, 1)
    protection = protect(q, brouillons, q.campagnes[annee].parametres.get("seuils", {}), anciennes)
    progres(f"{annee} : secret", 1, 1)
    return [finish(t) for t in protection.tableaux], dict(protection.bilan)
