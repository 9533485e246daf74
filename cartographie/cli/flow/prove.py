"""A release verified again, taken apart figure by figure, and signed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.base.errors import UserError
from cartographie.cli.flow.common import Examen, Progres, load_for

if TYPE_CHECKING:
    import pandas as pd

    from cartographie.proof.audit import Audit
    from cartographie.proof.trace import Trace
    from cartographie.release.publish import Preparation
    from cartographie.statistics.members import Membres, Traceur
    from cartographie.survey.model import Questionnaire
    from cartographie.survey.received import Depot, Extraction


@dataclass(frozen=True, slots=True)
class Enquete:
    """A figure taken apart. `cases`: one row is one cell received; `anomalies`: one row is one finding met on the way."""

    campagne: str
    trouve: Trace
    cases: pd.DataFrame
    anomalies: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Touches:
    """The published figures that received files touch. `chiffres`: one row is one figure."""

    campagne: str
    depots: Sequence[Depot]
    chiffres: pd.DataFrame


def audit(
    dossier: Path, raw: Path | None, sans_brut: bool, rapport: Path | None, signataires: Path | None, progres: Progres
) -> tuple[Audit, list[Path]]:
    """Every step, every difference, and the files of the report: nothing else is written in the workspace."""
    from cartographie.proof.audit import audit_release, format_html, format_markdown, to_plain

    if raw is None and not sans_brut:
        raw = _beside(dossier)
    if signataires is not None and not signataires.is_file():
        raise UserError(
            "U24", f"« {signataires} » n'existe pas : donnez un fichier de signataires (OpenSSH, allowed_signers)."
        )

    def refaire(projet: Path, manifeste: Mapping[str, Any]) -> Preparation:
        from cartographie.cli.flow.control import load
        from cartographie.cli.flow.publish import prepare
        from cartographie.release.publish import Demande

        load(projet, Examen(relire=True), progres)
        r = manifeste.get("revision") or {}
        demande = Demande(
            str(manifeste["campagne"]), str(manifeste["version"]), str(manifeste["date"]), True,
            str(r.get("nature") or "provisoire"), str(r.get("remplace") or ""), str(r.get("motif") or ""),
        )  # fmt: skip
        return prepare(projet, demande, progres)

    a = audit_release(dossier, raw, refaire, signataires, progres)
    ecrits = []
    if rapport is not None:
        rapport.mkdir(parents=True, exist_ok=True)
        for nom, texte in (
            ("audit.html", format_html(a)),
            ("audit.md", format_markdown(a)),
            ("audit.json", json.dumps(to_plain(a), ensure_ascii=False, indent=1) + "\n"),
        ):
            (rapport / nom).write_text(texte, encoding="utf-8")
            ecrits.append(rapport / nom)
    return a, ecrits


def trace(dossier: Path, code: str, criteres: Sequence[str], limite: int, projet: Path, progres: Progres) -> Enquete:
    """One published figure, down to the cells received. Raises UserError U28: no such figure, or several."""
    from cartographie.proof import trace

    q, campagne, t, registre = _tracer(dossier, projet, progres)
    publie = trace.find_figure(dossier, code.upper(), _criteria(criteres))
    trouve = trace.trace_figure(t, publie)
    edition = publie["edition"]
    lignes = trouve.membres.lignes
    vus = set(lignes["depot"].head(limite)) if "depot" in lignes else set()
    depots = [d for d in registre[edition] if d.depot in vus]
    extractions = {x.depot: x for x in _reread(projet, q, edition, depots, progres)}
    noms = {d.depot: d.nom for d in registre[edition]}
    cases = trace.cells(q, trouve.membres, extractions, noms, limite)
    anomalies = _findings(projet, q, edition, trouve.membres)
    return Enquete(campagne, trouve, cases, anomalies)


def touched(dossier: Path, fichier: str, projet: Path, progres: Progres) -> Touches:
    """Every published figure a received file touches. `fichier`: its name, or its identifier (the start of its fingerprint)."""
    from cartographie.proof import trace
    from cartographie.release.manifest import read_figures

    _, campagne, t, registre = _tracer(dossier, projet, progres)
    depots = [d for depots in registre.values() for d in depots if fichier in (d.nom, d.depot, d.sha256)]
    if not depots:
        raise UserError("U28", f"Aucun fichier reçu ne s'appelle « {fichier} » : donnez son nom, ou son empreinte.")
    touches = trace.touched_by(t, read_figures(dossier)[0], [d.depot for d in depots])
    return Touches(campagne, depots, touches)


def _tracer(
    dossier: Path, projet: Path, progres: Progres
) -> tuple[Questionnaire, str, Traceur, dict[str, list[Depot]]]:
    """(declarations, campaign, what takes its tables apart, files received by campaign)."""
    from cartographie.cli.flow.publish import frames_of, weighed
    from cartographie.intake.store import read_registre
    from cartographie.release.manifest import read_figures
    from cartographie.statistics.members import Traceur

    campagne = str(read_figures(dossier)[1]["campagne"])
    q = load_for(projet, campagne)
    frames = frames_of(projet, q, campagne, progres)
    traceur = Traceur(q, *weighed(q, campagne, frames))
    progres(f"{campagne} : tableaux", 1, 1)
    return q, campagne, traceur, {a: read_registre(projet / "raw" / a) for a in frames}


def _reread(
    projet: Path, q: Questionnaire, campagne: str, depots: Sequence[Depot], progres: Progres
) -> list[Extraction]:
    """Those files read again, their corrected versions resolved."""
    from cartographie.campaign.batch import Cadre, read_files
    from cartographie.intake.store import pseudonym_key, read_registre

    cle = pseudonym_key(projet, q)
    cadre = Cadre(projet, q, campagne, cle, 1, progres, tuple(read_registre(projet / "raw" / campagne)))
    return [x for role in ("reponse", "base") for x in read_files(cadre, [d for d in depots if d.role == role], role)]


def _findings(projet: Path, q: Questionnaire, campagne: str, m: Membres) -> pd.DataFrame:
    """Anomalies and repairs met on the way: of those respondents and those questions."""
    from cartographie import warehouse
    from cartographie.cli.flow.common import open_warehouse

    with open_warehouse(projet, q) as con:
        toutes = warehouse.analysis_frame(con, "anomalie", campagne)
    variables = {v for _, v in m.variables}
    garde = toutes["id_repondant"].isin(set(m.lignes["id_repondant"])) & toutes["variable"].isin(variables)
    return toutes[garde].reset_index(drop=True)


def _criteria(criteres: Sequence[str]) -> dict[str, str]:
    """ "colonne=valeur" → the pair. Raises UserError U28."""
    paires = [c.partition("=") for c in criteres]
    fautifs = [c for c, (_, egal, _) in zip(criteres, paires, strict=True) if not egal]
    if fautifs:
        raise UserError("U28", f"« {fautifs[0]} » n'est pas un critère : écrivez colonne=valeur (indicateur=usage).")
    return {c.strip(): v.strip() for c, _, v in paires}


def sign(dossier: Path, cle: Path, projet: Path) -> Path:
    """manifeste.json.sig, written beside the manifest."""
    from cartographie.release.publish import sign_release

    return sign_release(dossier, cle, projet)


def _beside(dossier: Path) -> Path:
    """raw/<campagne> of the workspace the release is in. Raises UserError U24 when it is not there."""
    sorties = dossier.resolve().parent
    raw = sorties.parent.parent / "raw" / sorties.name
    if not raw.is_dir():
        raise UserError("U24", f"« {raw} » n'existe pas : donnez --raw raw/<campagne>, ou --sans-brut.")
    return raw
