"""From the warehouse to what is published: tables, secrecy, release; and any file about to be put online, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cartographie import warehouse
from cartographie.base.errors import UserError
from cartographie.base.files import versions, whole_folder, write_whole
from cartographie.base.text import FICTIF
from cartographie.campaign.workspace import raw_pieces, received
from cartographie.cli.flow.common import Progres, alone, load_for, open_warehouse
from cartographie.intake.store import read_registre
from cartographie.release.manifest import RESERVEES
from cartographie.survey.model import Questionnaire

if TYPE_CHECKING:
    import subprocess

    import pandas as pd

    from cartographie.proof.lint import Critere, Defaut
    from cartographie.release.editorial import ChiffreAnnonce
    from cartographie.release.manifest import Comparaison, Notice
    from cartographie.release.plausibility import Verdict
    from cartographie.release.publish import Demande, Preparation
    from cartographie.secrecy.protect import Anterieure
    from cartographie.statistics.tables import Campagne
    from cartographie.statistics.weights import Ponderation
    from cartographie.survey.published import Masquage
    from cartographie.survey.received import Tableau
    from cartographie.survey.written.declared import Publication as PublicationDeclaree
    from cartographie.survey.written.declared import Selecteur


@dataclass(frozen=True, slots=True)
class Calcul:
    """The tables of a campaign, written in `dossier`. `repliques`: replicate weights, confidential, if they were asked for."""

    campagne: str
    tableaux: Sequence[Tableau]
    dossier: Path
    repliques: Repliques | None = None


@dataclass(frozen=True, slots=True)
class Repliques:
    """`nombre` sets of weights, of which `hors_bornes` could not keep the bounds of the calibration; `correspondance`: who is who."""

    nombre: int
    hors_bornes: int
    fichier: Path
    correspondance: Path


@dataclass(frozen=True, slots=True)
class Publication:
    """A release written in `dossier`, attacked before. `secret`: what secrecy counted and masked; `non_montres`: what it puts
    forward and could not show."""

    campagne: str
    tableaux: Sequence[Tableau]
    dossier: Path
    secret: Masquage
    non_montres: Sequence[ChiffreAnnonce] = ()


@alone
def map_(projet: Path, campagne: str, repliques: int, progres: Progres) -> Calcul:
    """Compute the tables of a campaign from the warehouse into outputs/<campagne>/tableaux/ (CSV); publishes nothing. `repliques`:
    so many replicate weights besides, for researchers.

    Secondary secrecy is applied, but what is masked is only proven when a release is attacked (publish)."""
    from cartographie.release.data import write_csv

    q = load_for(projet, campagne)
    frames = frames_of(projet, q, campagne, progres)
    brouillons, ponderation = _drafts(q, campagne, frames)
    dites = _replicates(projet, q, campagne, frames, ponderation, repliques, progres) if repliques else None
    tableaux = _protected(q, campagne, brouillons, _units(q, frames[campagne]), progres)[0]
    dossier = projet / "outputs" / campagne / "tableaux"
    meta = release_meta(projet, q, campagne, "travail", q.campagnes[campagne].fin.isoformat())
    with whole_folder(dossier) as ici:
        for t in tableaux:
            write_csv(ici, t, meta)
    return Calcul(campagne, tableaux, dossier, dites)


@alone
def publish(projet: Path, demande: Demande, progres: Progres) -> Publication:
    """`release`, once nobody else writes in the workspace."""
    return release(projet, demande, progres)


def release(projet: Path, demande: Demande, progres: Progres) -> Publication:
    """Write outputs/<campagne>/<version>/ whole or not at all. A correction names the version it replaces, and why.

    Raises UserError: it exists (status 15), implausible or without its key figures (13), its files betray somebody (14)."""
    from cartographie.proof.attack import attack_release, require_sound_release
    from cartographie.proof.modelled import false_estimates
    from cartographie.release.editorial import withheld
    from cartographie.release.publish import publish as write_release

    p, campagne = prepare(projet, demande, progres), demande.campagne

    def gate(attente: Path) -> None:
        progres(f"{campagne} : attaque de la publication", 0, 1)
        rapport = attack_release(attente, p.q, p.exacts, p.meta.seuils, p.lues)
        faux = false_estimates(attente, p.q, campagne, p.cadre)
        require_sound_release(replace(rapport, manquements=[*rapport.manquements, *faux]), demande.version)
        _require_fit(attente, p.meta.contact)
        progres(f"{campagne} : attaque de la publication", 1, 1)

    progres(f"{campagne} : publication", 0, 1)
    write_release(p.dossier, p.tableaux, p.meta, demande.remplacer, gate)
    progres(f"{campagne} : publication", 1, 1)
    caches = withheld(p.tableaux, p.q.campagnes[campagne].editorial, p.meta)
    return Publication(campagne, p.tableaux, p.dossier, p.meta.secret, caches)


def prepare(projet: Path, demande: Demande, progres: Progres) -> Preparation:
    """Everything a release is made of, computed from the warehouse. Raises as publish does, but what the gate raises."""
    from cartographie.release.editorial import judge_headlines, require_headlines
    from cartographie.release.manifest import make_revision, manifest_fingerprint
    from cartographie.release.plausibility import ask
    from cartographie.release.publish import Preparation, check_free, release_folder
    from cartographie.statistics.tallies import exact_counts
    from cartographie.statistics.weights import account

    campagne = demande.campagne
    q = load_for(projet, campagne)
    dossier = release_folder(projet / "outputs" / campagne, demande.version)
    check_free(dossier, demande.remplacer)
    remplacee = release_folder(dossier.parent, demande.remplace) if demande.remplace else None
    revision = make_revision(demande.nature, dossier, remplacee, demande.motif)
    with ask() as suite:
        frames = frames_of(projet, q, campagne, progres)
        brouillons, ponderation, verdict = _plausible_drafts(projet, q, campagne, frames, suite)
    anciennes = _earlier(projet, q, campagne, dossier, brouillons, progres)
    cadre = _units(q, frames[campagne])
    tableaux, secret = _protected(q, campagne, brouillons, cadre, progres, anciennes)
    jour = demande.jour or q.campagnes[campagne].fin.isoformat()
    anterieures = {
        a.dossier.relative_to(projet / "outputs").as_posix(): manifest_fingerprint(a.dossier) for a in anciennes
    }
    meta = replace(
        release_meta(projet, q, campagne, demande.version, jour), revision=revision, anterieures=anterieures,
        secret_secondaire=True, secret=secret, ponderation=account(ponderation) if ponderation else None,
        plausibilite=verdict.attentes, plausibilite_html=verdict.public,
        vagues=_late_answers(projet, q, frames, brouillons, ponderation),
    )  # fmt: skip
    chiffres = judge_headlines(tableaux, q.campagnes[campagne].editorial, meta)
    require_headlines(chiffres, campagne)
    meta = replace(meta, chiffres_cles=chiffres)
    lues = [(a.dossier, exact_counts(a.tableaux)) for a in anciennes]
    return Preparation(q, dossier, tableaux, meta, exact_counts(brouillons), lues, cadre)


def lint(sources: Sequence[Path], admis: Sequence[str]) -> list[Defaut]:
    """Accessibility and safety of workbooks and CSV files, or of every one of a folder. Raises UserError U22."""
    from zipfile import BadZipFile

    from cartographie.proof.lint import lint_file, lint_folder

    defauts = []
    for source in sources:
        if not source.exists():
            raise UserError("U22", f"« {source} » n'existe pas : donnez un fichier .xlsx ou .csv, ou un dossier.")
        try:
            defauts += lint_folder(source, admis) if source.is_dir() else lint_file(source, admis)
        except (BadZipFile, KeyError, ValueError):
            raise UserError("U22", f"« {source} » ne s'ouvre pas : ce n'est pas un classeur Excel valide.") from None
    return defauts


def compare(avant: Path, apres: Path, sortie: Path | None) -> tuple[Comparaison, list[Path]]:
    """Every figure that differs between two releases, and the files written; `sortie`: a folder for ecarts.csv and ecarts.html."""
    from cartographie.release.data import format_csv
    from cartographie.release.manifest import compare_releases, format_comparison_html

    c = compare_releases(avant, apres)
    ecrits = []
    if sortie is not None:
        sortie.mkdir(parents=True, exist_ok=True)
        titre = f"De {avant.name} ({c.editions[0]}) à {apres.name} ({c.editions[1]})"
        for nom, contenu in (("ecarts.csv", format_csv(c.ecarts)), ("ecarts.html", format_comparison_html(c, titre))):
            (sortie / nom).write_bytes(contenu.encode("utf-8"))
            ecrits.append(sortie / nom)
    return c, ecrits


def preflight(dossier: Path) -> Sequence[Critere]:
    """The quality criteria of data.gouv.fr, and what is missing."""
    from cartographie.proof.lint import preflight as criteria

    return criteria(dossier)


if TYPE_CHECKING:
    Frames = dict[str, dict[str, pd.DataFrame]]


# ------------------------------------------------------------------------------------------- pieces


def frames_of(projet: Path, q: Questionnaire, campagne: str, progres: Progres) -> Frames:
    """Campaign → its analysis frames, from the warehouse: this one's, then the previous one's if it was received."""
    from cartographie import warehouse

    progres(f"{campagne} : tableaux", 0, 1)
    precedente = q.campagnes[campagne].precedente
    if precedente not in received(projet, q):
        precedente = None  # its questions were never asked to anyone: not the same as no answer
    with open_warehouse(projet, q) as con:
        return {a: warehouse.analysis_frames(con, a) for a in (campagne, precedente) if a}


def weighed(q: Questionnaire, campagne: str, frames: Frames) -> tuple[Campagne, Campagne | None]:
    """What the tables are made from: the campaign, and the one before if it was received."""
    from cartographie.statistics.tables import Campagne
    from cartographie.statistics.weights import weigh

    campagnes = {a: Campagne(a, f, weigh(q, a, f)) for a, f in frames.items()}
    return campagnes[campagne], next((c for a, c in campagnes.items() if a != campagne), None)


def _drafts(q: Questionnaire, campagne: str, frames: Frames) -> tuple[list[Tableau], Ponderation | None]:
    """Every figure of the campaign's tables, weighted, with the counts behind it: confidential. And its weights."""
    from cartographie.statistics.tables import draft_tableaux

    ici, precedente = weighed(q, campagne, frames)
    return draft_tableaux(q, ici, precedente), ici.ponderation


def _plausible_drafts(
    projet: Path, q: Questionnaire, campagne: str, frames: Frames, suite: subprocess.Popen[str]
) -> tuple[list[Tableau], Ponderation | None, Verdict]:
    """The same of a campaign that is as declared. Raises UserError E13 (status 13)."""
    from cartographie.release.data import format_csv
    from cartographie.release.plausibility import expect_answers, expect_figures, judge, require_plausible
    from cartographie.statistics.change import explain_change
    from cartographie.statistics.tables import draft_tableaux

    declare, declaree = q.campagnes[campagne].plausibilite, q.campagnes[campagne]
    entete = {"campagne": campagne, "jour": declaree.fin.isoformat(), "titre": q.enquete["titre"]}
    entete["mention"] = FICTIF if q.enquete.get("fictif") else ""
    attentes, ici = declare.get("attentes", ()), frames[campagne]
    base, avant = ici.get(q.base or ""), next((f[q.racine] for a, f in frames.items() if a != campagne), None)
    suites = expect_answers(q, attentes, ici[q.racine], base, avant)

    def decide() -> Verdict:
        verdict = judge(suite, q, declare, suites, entete)
        # with values: for the producer, beside the findings, never in a release
        controle = projet / "outputs" / campagne / "controle"
        with whole_folder(controle / "data_docs") as docs:
            for nom, page in verdict.docs.items():
                write_whole(docs / nom, page.encode())
        write_whole(controle / "plausibilite.html", verdict.detail.encode())
        require_plausible(verdict.attentes, campagne)
        return verdict

    try:
        campagnes = weighed(q, campagne, frames)
        tableaux = draft_tableaux(q, *campagnes)
    except UserError:  # too few answers make weights impossible: the cause is said rather than its effect
        decide()
        raise
    ponderation = campagnes[0].ponderation
    suites += expect_figures(q, campagne, attentes, tableaux, base, ponderation)
    verdict = decide()
    parts = explain_change(q, *campagnes)
    if len(parts):  # of sub-populations that secrecy does not count: for the producer too
        write_whole(projet / "outputs" / campagne / "controle" / "evolution.csv", format_csv(parts).encode())
    return tableaux, ponderation, verdict


def _late_answers(
    projet: Path, q: Questionnaire, frames: Frames, brouillons: Sequence[Tableau], ponderation: Ponderation | None
) -> dict[int, str]:
    """Do late answers differ: of each key figure, the verdict. The numbers are for the producer, in controle/biais.csv."""
    from cartographie.release.data import format_csv
    from cartographie.statistics.bias import compare_waves, tabulate_waves
    from cartographie.statistics.tables import Campagne

    ici, *avant = (Campagne(a, f) for a, f in frames.items())
    ici = replace(ici, ponderation=ponderation)
    chiffres = q.enquete.get("publication", {}).get("chiffres", ())
    vagues = compare_waves(q, ici, avant[0] if avant else None, brouillons, chiffres)
    controle = projet / "outputs" / ici.nom / "controle"
    write_whole(controle / "biais.csv", format_csv(tabulate_waves(vagues)).encode())
    return {v.rang: v.verdict for v in vagues}


def _replicates(
    projet: Path, q: Questionnaire, campagne: str, frames: Frames, p: Ponderation | None, nombre: int, progres: Progres
) -> Repliques:
    """Write outputs/<campagne>/chercheurs/poids_repliques.csv, one row per respondent without its name, and who is who in controle/.
    Raises UserError E19 (status 10) when nothing is weighted."""
    import pandas as pd

    from cartographie.release.data import format_csv
    from cartographie.release.publish import CHERCHEURS
    from cartographie.statistics.bias import replicate_weights

    if p is None:
        raise UserError(
            "E19", f"les réponses de {campagne} ne sont pas pondérées : déclarez « ponderation » dans schemas/{campagne}/campagne.yaml "
            "et chargez la base de sondage, ou retirez --repliques.",
        )  # fmt: skip
    progres(f"{campagne} : poids répliqués", 0, 1)
    graine = q.campagnes[campagne].parametres["ponderation"].get("graine", 0)
    poids, hors_bornes = replicate_weights(p, nombre, graine)
    ids = frames[campagne][q.racine]["id_repondant"].to_numpy()[p.repondants]
    # in an order that has nothing to do with that of the answers, nor of their numbers
    ordre = sorted(range(len(ids)), key=lambda i: hashlib.sha256(f"{graine} {ids[i]}".encode()).digest())
    numeros = [f"N{i:06d}" for i in range(1, len(ids) + 1)]
    colonnes = {f"w{i:03d}": poids[ordre, i - 1].round(6) for i in range(1, nombre + 1)}
    repliques = pd.DataFrame({"numero": numeros, "poids": p.plan.poids[ordre].round(6), **colonnes})
    dossier = projet / "outputs" / campagne
    ecrits = []
    for nom, df in (
        (f"{CHERCHEURS}/poids_repliques.csv", repliques),
        ("controle/correspondance_repliques.csv", pd.DataFrame({"numero": numeros, "id_repondant": ids[ordre]})),
    ):
        (dossier / nom).parent.mkdir(parents=True, exist_ok=True)
        ecrits.append(write_whole(dossier / nom, format_csv(df).encode(), 0o600))
    progres(f"{campagne} : poids répliqués", 1, 1)
    return Repliques(nombre, hors_bornes, *ecrits)


def _require_fit(dossier: Path, contact: str) -> None:
    """Raise UserError E21 (status 10) when a file written breaks the rules of accessibility or safety."""
    from cartographie.proof.lint import lint_folder

    defauts = lint_folder(dossier, {contact})
    if defauts:
        d = defauts[0]
        raise UserError(
            "E21", f"la publication n'est pas écrite : {d.ou} {d.message} ({d.code}, {len(defauts)} en tout) ; corrigez le libellé dans "
            "schemas/, ou signalez-le.",
        )  # fmt: skip


def _earlier(
    projet: Path, q: Questionnaire, campagne: str, dossier: Path, brouillons: list[Tableau], progres: Progres
) -> list[Anterieure]:
    """Releases found in outputs/, of this edition and of the one before, but the one being written: a reader may have them."""
    from cartographie.release.publish import releases
    from cartographie.secrecy.protect import read_earlier

    anciennes = []
    for a in (q.campagnes[campagne].precedente or "", campagne):
        # what is no longer received cannot be recomputed
        trouvees = [d for d in releases(projet / "outputs" / a) if d != dossier] if a in received(projet, q) else []
        for d in trouvees:
            _require_declared(q, d, projet)
        if trouvees:
            tableaux = brouillons if a == campagne else _drafts(q, a, frames_of(projet, q, a, progres))[0]
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
        )  # fmt: skip


def _protected(
    q: Questionnaire,
    campagne: str,
    brouillons: list[Tableau],
    cadre: pd.DataFrame,
    progres: Progres,
    anciennes: Sequence[Anterieure] = (),
) -> tuple[list[Tableau], Masquage]:
    """The tables as they may be read, estimates included, and the account of what secrecy masked. `cadre`: the sampling frame."""
    from cartographie.secrecy.protect import protect
    from cartographie.statistics.places import with_estimates
    from cartographie.statistics.precision import finish

    progres(f"{campagne} : secret", 0, 1)
    ici = q.campagnes[campagne]
    # what must be shown, then what had better be
    priorites: list[Selecteur] = [*ici.editorial.get("chiffres_cles", ()), *ici.editorial.get("priorites", ())]
    protection = protect(q, brouillons, ici.parametres.get("seuils", {}), anciennes, priorites)
    progres(f"{campagne} : secret", 1, 1)
    return [with_estimates(finish(t), q, campagne, cadre) for t in protection.tableaux], protection.bilan


def _units(q: Questionnaire, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The units of the sampling frame; none without one."""
    import pandas as pd

    return frames.get(q.base or "", pd.DataFrame())


def release_meta(projet: Path, q: Questionnaire, campagne: str, version: str, jour: str) -> Notice:
    """What every output of a release states: titles, dates, versions, inputs, accounts. The date comes from the caller."""
    from cartographie.release.manifest import Notice

    declaree = q.campagnes[campagne]
    recus = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    with open_warehouse(projet, q) as con:
        comptes = {a: warehouse.totals(con, a) for a, depots in recus.items() if depots}

    def said(cle: str) -> str:
        return str(q.enquete.get(cle) or "")

    return Notice(
        titre=said("titre"), sous_titre=said("sous_titre"), producteur=said("producteur"), contact=said("contact"),
        licence=said("licence"), fictif=q.enquete.get("fictif", False), axes=q.enquete.get("axes", {}), publication=cast("PublicationDeclaree", q.enquete.get("publication", {})), theme=_theme(projet, q),
        campagne=campagne, campagnes=list(q.campagnes), precedente=declaree.precedente, debut=declaree.debut.isoformat(),
        fin=declaree.fin.isoformat(), champ=declaree.champ, version=version, date=jour, programme=versions(),
        seuils=declaree.parametres.get("seuils", {}), qualite=declaree.qualite,
        libelles={v.nom: v.libelle for v in q.variables.values()}, comparabilite=_changes(q, campagne),
        depots=[d for depots in recus.values() for d in depots], declarations=dict(q.empreintes),
        declarations_jointes=_published_declarations(projet, q), pieces=raw_pieces(projet, q), comptes=comptes,
    )  # fmt: skip


def _published_declarations(projet: Path, q: Questionnaire) -> dict[str, bytes]:
    """Path under schemas/ → content, of those that are published. Raises UserError E23 when one is no longer what was read."""
    contenus = {n: (projet / "schemas" / n).read_bytes() for n in q.empreintes if Path(n).name not in RESERVEES}
    for nom, contenu in contenus.items():
        if hashlib.sha256(contenu).hexdigest() != q.empreintes[nom]:
            raise UserError("E23", f"schemas/{nom} a changé pendant le calcul : relancez la commande.")
    return contenus


def _changes(q: Questionnaire, campagne: str) -> list[dict[str, str]]:
    """Questions that changed since the previous campaign, as declared."""
    return [
        {"libelle": q.variables[c["variable"]].libelle, "drapeau": c["drapeau"], "note": c.get("note", "")}
        for c in q.comparabilite
        if c["de"] == q.campagnes[campagne].precedente and c["a"] == campagne and c["variable"] in q.variables
    ]


def _theme(projet: Path, q: Questionnaire) -> str:
    """CSS added to the neutral theme of the page, when the survey names a file of schemas/."""
    nom = q.enquete.get("publication", {}).get("theme")
    chemin = projet / "schemas" / str(nom)
    return chemin.read_text(encoding="utf-8") if nom and chemin.is_file() else ""
