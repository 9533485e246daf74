"""Before a campaign: a workspace, the questionnaire, its dictionary, the frame, a fictitious campaign to practise on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.base.errors import UserError
from cartographie.cli.flow.common import Progres, alone, load_for
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Campagne, Questionnaire
from cartographie.survey.received import Anomalie, Depot

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class BaseImportee:
    """A sampling frame. `unites`: one row is one unit; None when none could be read, and `anomalies` say why."""

    q: Questionnaire
    campagne: str
    unites: pd.DataFrame | None
    anomalies: Sequence[Anomalie]
    deja: Sequence[tuple[str, Depot]]


def init(projet: Path, destination: Path) -> None:
    """A new workspace holding the declarations of another one. Raises UserError U02."""
    load_questionnaire(projet)  # never hand over declarations that do not hold
    if destination.exists() and any(destination.iterdir()):
        raise UserError("U02", f"Le dossier {destination} n'est pas vide : choisissez un dossier nouveau.")
    shutil.copytree(projet / "schemas", destination / "schemas", dirs_exist_ok=True)
    for dossier in ("raw", "outputs"):
        (destination / dossier).mkdir()


def template(projet: Path, campagne: str, sortie: Path, par_repondant: bool, progres: Progres) -> list[Path]:
    """The workbooks written: the blank questionnaire; with `par_repondant`, one pre-filled copy per unit of the frame instead."""
    from cartographie.campaign.examine import examine_frame
    from cartographie.collect.questionnaire import build_template, file_name

    q = load_for(projet, campagne)
    sortie.mkdir(parents=True, exist_ok=True)
    ecrits = [sortie / file_name(campagne)]
    ecrits[0].write_bytes(build_template(q, campagne))
    if par_repondant:
        _, base = examine_frame(projet, q, campagne, progres)
        if base is None:
            raise UserError("U03", f"Aucune base de sondage pour {campagne} : importez-la avec « register ».")
        unites = base.to_dict("records")
        for i, unite in enumerate(unites, start=1):
            connues = {k: v for k, v in unite.items() if isinstance(v, (str, int, float)) and v == v}
            ecrits.append(sortie / file_name(campagne, str(unite["id_base"])))
            ecrits[-1].write_bytes(build_template(q, campagne, connues))
            progres("Questionnaires pré-remplis", i, len(unites))
    return ecrits


def dictionary(projet: Path, campagne: str, sortie: Path) -> None:
    """The dictionary of a campaign, in Markdown."""
    from cartographie.collect.dictionary import build_dictionary

    q = load_for(projet, campagne)
    sortie.parent.mkdir(parents=True, exist_ok=True)
    sortie.write_text(build_dictionary(q, campagne), encoding="utf-8")


def demo(
    projet: Path, destination: Path, repondants: int, graine: int, classeurs: int, progres: Progres
) -> Mapping[str, Any]:
    """A fictitious workspace: declarations copied, key figures waived, frame registered, answers received, truth beside. What it holds, in short."""
    from cartographie.intake.store import ingest as store

    try:
        from cartographie_demo.generate import generate
    except ModuleNotFoundError as e:  # what writes the fictitious files is an extra
        installer = f"Installez le paquet « {e.name} » : pip install 'cartographie[demo]'."
        raise UserError("U31", f"La campagne fictive demande un paquet de plus. {installer}") from e

    q = load_questionnaire(projet)
    if destination.exists() and any(destination.iterdir()):
        raise UserError("U02", f"Le dossier {destination} n'est pas vide : choisissez un dossier nouveau.")
    shutil.copytree(projet / "schemas", destination / "schemas", dirs_exist_ok=True)
    resume = generate(projet, q, destination, tuple(q.campagnes), repondants, graine, progres, classeurs_max=classeurs)
    for campagne, declaree in q.campagnes.items():
        recus = destination / "recus" / campagne
        store(destination, campagne, [recus / "base"], "base", declaree.debut.isoformat())
        store(destination, campagne, [recus / "reponses"], "reponse", declaree.fin.isoformat())
        _waive(destination / "schemas" / campagne / "editorial.yaml", declaree)
    (destination / "outputs").mkdir(exist_ok=True)
    return resume


def _waive(fichier: Path, declaree: Campagne) -> None:
    """A fictitious campaign is as small as one likes, its key figures may not be publishable: released all the same, which it says."""
    import yaml

    chiffres = declaree.editorial.get("chiffres_cles", ())
    if chiffres:
        motif = "campagne fictive, peut-être trop petite pour ce chiffre"
        qui = {"motif": motif, "auteur": "démonstration", "date": declaree.fin.isoformat()}
        derogations = [{"code": c["code"], **qui} for c in chiffres]
        texte = yaml.safe_dump({**declaree.editorial, "derogations": derogations}, allow_unicode=True, sort_keys=False)
        fichier.write_text(texte, encoding="utf-8")


@alone
def register(projet: Path, campagne: str, source: Path, recu_le: str) -> BaseImportee:
    """Store the frame's file in raw/<campagne>/base and say what it holds; a refused file is not kept."""
    from cartographie.campaign.examine import examine_frame
    from cartographie.intake.store import forget
    from cartographie.intake.store import ingest as store

    q = load_for(projet, campagne)
    ajoutes, deja = store(projet, campagne, [source], "base", recu_le)
    base, unites = examine_frame(projet, q, campagne, lambda *_: None)
    if unites is None:
        forget(projet / "raw" / campagne, ajoutes)
    return BaseImportee(q, campagne, unites, base.redaction.anomalies, deja)
