"""Commands that prepare a campaign: workspace, questionnaires, frame, and the fictitious campaigns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cartographie.base.errors import Statut
from cartographie.base.text import FICTIF, espace, nombre
from cartographie.cli.app import Json, NomCampagne, Projet, a_date, act, argument, command, flag, option, show
from cartographie.cli.screen import Bilan, Table

if TYPE_CHECKING:
    from cartographie.cli.flow.prepare import BaseImportee


def tell_init(destination: Path) -> Bilan:
    return Bilan(
        f"Espace de travail créé dans {destination}.",
        {"dossier": str(destination)},
        ["schemas/ : les déclarations, à adapter ; raw/ : ce qui sera reçu ; outputs/ : ce qui sera produit."],
    )


def tell_template(campagne: str, sortie: Path, ecrits: Sequence[Path]) -> Bilan:
    suite = f" et {len(ecrits) - 1} pré-remplis" if len(ecrits) > 1 else ""
    return Bilan(
        f"Questionnaire {campagne} écrit dans {sortie}.",
        {"fichiers": [str(e) for e in ecrits]},
        [f"{nombre(len(ecrits), 'classeur')} : {ecrits[0].name}{suite}"],
    )


def tell_dictionary(sortie: Path) -> Bilan:
    return Bilan(f"Dictionnaire écrit dans {sortie}.", {"fichier": str(sortie)})


def tell_demo(destination: Path, resume: Mapping[str, Any]) -> Bilan:
    return Bilan(
        f"Campagnes fictives écrites dans {destination}.",
        {"resume": dict(resume), "dossier": str(destination)},
        [FICTIF, *(f"{a} : {r}" for a, r in resume.get("lignes", {}).items())],
        suite=[f"Pour la suite : cartographie run --projet {destination}"],
    )


def tell_register(r: BaseImportee) -> Bilan:
    constats = nombre(len(r.anomalies), "constat")
    if r.unites is None:
        return Bilan(
            f"La base de sondage de {r.campagne} n'a pas été importée.",
            lignes=[a.message for a in r.anomalies]
            or ["Le fichier ne contient aucune unité : vérifiez qu'il s'agit de la base de sondage."],
            statut=Statut.FICHIER_REFUSE,
        )
    axes = [a["variable"] for a in r.q.enquete.get("axes", {}).values() if a.get("variable") in r.unites]
    comptes = {a: r.unites[a].value_counts(dropna=False).sort_index() for a in axes}
    lignes = ["Ce fichier était déjà reçu : rien n'a changé."] if r.deja else []
    lignes += [f"{constats} sur la base elle-même, détaillés par « validate »."] if r.anomalies else []
    return Bilan(
        f"Base de sondage de {r.campagne} : {nombre(len(r.unites), 'unité')}.",
        {
            "campagne": r.campagne,
            "unites": len(r.unites),
            "constats": dict(sorted(Counter(a.regle for a in r.anomalies).items())),
        },
        lignes,
        [
            Table([r.q.variables[a].libelle[:50], "unités"], [[str(k), espace(n)] for k, n in v.items()])
            for a, v in comptes.items()
        ],
    )


@command("init")
def init(
    destination: Annotated[Path, argument("DOSSIER", "Le nouvel espace de travail, vide ou absent.")],
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Crée un espace de travail : les déclarations de --projet, et raw/ et outputs/ vides."""
    from cartographie.cli.flow import prepare as flow

    flow.init(projet, destination)
    show(tell_init(destination), en_json)


@command("template")
def template(
    campagne: NomCampagne,
    sortie: Annotated[Path, option("--sortie", "DOSSIER", "Où écrire les questionnaires.")] = Path("questionnaires"),
    par_repondant: Annotated[
        bool, flag("--par-repondant", "Un questionnaire pré-rempli par unité du registre.")
    ] = False,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Fabrique le questionnaire vierge (Excel) de la campagne, et sur demande un exemplaire pré-rempli par répondant."""
    from cartographie.cli.flow import prepare as flow

    act(en_json, lambda p: tell_template(campagne, sortie, flow.template(projet, campagne, sortie, par_repondant, p)))


@command("dictionary")
def dictionary(
    campagne: NomCampagne,
    sortie: Annotated[Path, option("--sortie", "FICHIER", "Le fichier Markdown à écrire.")] = Path("dictionnaire.md"),
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit le dictionnaire des variables et des nomenclatures de la campagne (Markdown)."""
    from cartographie.cli.flow import prepare as flow

    flow.dictionary(projet, campagne, sortie)
    show(tell_dictionary(sortie), en_json)


@command("register")
def register(
    campagne: NomCampagne,
    source: Annotated[Path, argument("FICHIER", "La base de sondage (modèle « base » de la campagne).")],
    recu_le: Annotated[str, option("--recu-le", "AAAA-MM-JJ", "Date de réception (défaut : aujourd'hui).")] = "",
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Importe la base de sondage (le registre des unités interrogées) de la campagne."""
    from cartographie.cli.flow import common
    from cartographie.cli.flow import prepare as flow

    jour = a_date(recu_le) or common.reception_day(projet, campagne, date.today().isoformat())
    show(tell_register(flow.register(projet, campagne, source, jour)), en_json)


@command("demo")
def demo(
    destination: Annotated[Path, argument("DOSSIER", "L'espace de travail fictif à créer.")],
    repondants: Annotated[
        int, option("--repondants", "N", "Unités interrogées par campagne.", min=50, max=100_000)
    ] = 60,
    graine: Annotated[int, option("--graine", "N", "La même graine redonne les mêmes fichiers.")] = 1,
    classeurs: Annotated[int, option("--classeurs", "N", "Classeurs individuels par campagne, au plus.", min=1)] = 300,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Fabrique une campagne entièrement fictive : base de sondage, fichiers reçus, fautes plantées et vérité attendue."""
    from cartographie.cli.flow import prepare as flow

    act(en_json, lambda p: tell_demo(destination, flow.demo(projet, destination, repondants, graine, classeurs, p)))
