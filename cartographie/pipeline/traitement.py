"""From what was received to what is published: control, warehouse, tables, release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cartographie.examine import Controle
    from cartographie.model import Tableau
    from cartographie.ponderation import Ponderation
    from cartographie.secret import Anterieure

from cartographie import bilans
from cartographie.errors import Statut, UserError
from cartographie.memoire import without_cycle_search
from cartographie.model import Questionnaire
from cartographie.pipeline.commun import Bilan, Progres, start_workers
from cartographie.questionnaire import load_questionnaire
from cartographie.workspace import (
    received,
    require_campaign,
    warehouse_path,
    write_findings,
)


@without_cycle_search()
def validate(projet: Path, annee: str, ouvriers: int, relire: bool, progres: Progres) -> Bilan:
    """Findings only: outputs/<campagne>/controle/."""
    start_workers(projet, ouvriers)
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
    start_workers(projet, ouvriers)
    from cartographie.examine import examine, require_sound

    q = load_questionnaire(projet)
    controles = [require_sound(examine(projet, q, a, ouvriers, progres, relire=relire)) for a in received(projet, q)]
    return bilans.load(warehouse_path(projet), _load(projet, q, controles, progres), controles)


def map_(projet: Path, annee: str, progres: Progres) -> Bilan:
    """Compute the tables of a campaign from the warehouse into outputs/<campagne>/tableaux/ (CSV); publishes nothing.

    Secondary secrecy is applied, but what is masked is only proven when a release is attacked (publish)."""
    from cartographie.programme import release_meta
    from cartographie.release.csv import write_csv

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    tableaux = _protected(q, annee, _drafts(projet, q, annee, progres)[0], progres)[0]
    dossier = projet / "outputs" / annee / "tableaux"
    dossier.mkdir(parents=True, exist_ok=True)
    for ancien in dossier.glob("*.csv"):
        ancien.unlink()
    meta = release_meta(projet, q, annee, "travail", q.campagnes[annee].fin.isoformat(), warehouse_path(projet))
    for t in tableaux:
        write_csv(dossier, t, meta)
    return bilans.map_(annee, tableaux, dossier)


def publish(projet: Path, annee: str, version: str, jour: str, remplacer: bool, progres: Progres) -> Bilan:
    """Write outputs/<campagne>/<version>/ whole or not at all. Raises UserError: it exists (status 15), implausible (13),
    its files betray somebody (14)."""
    from cartographie.attaque import attack_release, require_sound_release
    from cartographie.ponderation import account
    from cartographie.programme import release_meta
    from cartographie.release import check_free, release_folder
    from cartographie.release import publish as release
    from cartographie.tables import exact_counts

    q = load_questionnaire(projet)
    require_campaign(q, annee)
    dossier = release_folder(projet / "outputs" / annee, version)
    check_free(dossier, remplacer)
    _require_plausible(projet, q, annee)
    brouillons, ponderation = _drafts(projet, q, annee, progres)
    anciennes = _earlier(projet, q, annee, dossier, brouillons, progres)
    tableaux, secret = _protected(q, annee, brouillons, progres, anciennes)
    meta = release_meta(projet, q, annee, version, jour or q.campagnes[annee].fin.isoformat(), warehouse_path(projet))
    meta |= {"secret_secondaire": True, "secret": secret, "ponderation": account(ponderation) if ponderation else None}
    meta["anterieures"] = [str(a.dossier.relative_to(projet / "outputs")) for a in anciennes]
    exacts, seuils = exact_counts(brouillons), meta["seuils"]
    lues = [(a.dossier, exact_counts(a.tableaux)) for a in anciennes]

    def gate(attente: Path) -> None:
        progres(f"{annee} : attaque de la publication", 0, 1)
        require_sound_release(attack_release(attente, q, exacts, seuils, lues), version)
        _require_fit(attente, str(meta.get("contact") or ""))
        progres(f"{annee} : attaque de la publication", 1, 1)

    progres(f"{annee} : publication", 0, 1)
    ecrits = release(dossier, tableaux, meta, remplacer, gate)
    progres(f"{annee} : publication", 1, 1)
    return bilans.publish(annee, dossier, tableaux, ecrits, secret)


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
    start_workers(projet, ouvriers)
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


# ------------------------------------------------------------------------------------------- pieces


def _load(projet: Path, q: Questionnaire, controles: Sequence[Controle], progres: Progres) -> Path:
    from cartographie import warehouse
    from cartographie.contenu import build_contenu
    from cartographie.dispositions import read_dispositions

    progres("Entrepôt", 0, 1)
    dispositions = {c.annee: read_dispositions(projet / "raw" / c.annee, c.annee) for c in controles}
    warehouse.build(warehouse_path(projet), {c.annee: build_contenu(q, c, dispositions[c.annee]) for c in controles}, q)
    progres("Entrepôt", 1, 1)
    return warehouse_path(projet)


def _require_plausible(projet: Path, q: Questionnaire, annee: str) -> None:
    from cartographie import warehouse
    from cartographie.plausibility import Volume, require_plausible

    campagne = q.campagnes[annee]
    with warehouse.open_readonly(warehouse_path(projet)) as con:
        volumes = {a: Volume(*warehouse.volume(con, q.racine, a)) for a in (annee, campagne.precedente) if a}
    recues = received(projet, q)
    precedent = volumes[campagne.precedente] if campagne.precedente in recues else None
    require_plausible(volumes[annee], precedent, campagne.parametres.get("seuils", {}), annee)


def _drafts(projet: Path, q: Questionnaire, annee: str, progres: Progres) -> tuple[list[Tableau], Ponderation | None]:
    """Every figure of the campaign's tables, weighted, with the counts behind it: confidential. And its weights."""
    from cartographie import warehouse
    from cartographie.ponderation import weigh
    from cartographie.tables import Campagne, draft_tableaux

    progres(f"{annee} : tableaux", 0, 1)
    precedente = q.campagnes[annee].precedente
    if precedente not in received(projet, q):
        precedente = None  # its questions were never asked to anyone: not the same as no answer
    with warehouse.open_readonly(warehouse_path(projet)) as con:
        frames = {a: warehouse.analysis_frames(con, a) for a in (annee, precedente) if a}
    campagnes = {a: Campagne(a, f, weigh(q, a, f)) for a, f in frames.items()}
    tableaux = draft_tableaux(q, campagnes[annee], campagnes[precedente] if precedente else None)
    progres(f"{annee} : tableaux", 1, 1)
    return tableaux, campagnes[annee].ponderation


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
        if trouvees:
            tableaux = brouillons if a == annee else _drafts(projet, q, a, progres)[0]
            anciennes += [read_earlier(d, tableaux) for d in trouvees]
    return anciennes


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
