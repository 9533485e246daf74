"""Commands from the received files to the warehouse, and everything in one go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cartographie.base.errors import Statut
from cartographie.base.text import FICTIF, espace, minuscule, plain
from cartographie.cli.app import Annee, Json, Ouvriers, Projet, Relire, command, progress, show
from cartographie.cli.screen import Bilan
from cartographie.survey.model import Gravite, Questionnaire

import typer  # isort: skip

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cartographie.campaign.examine import Controle


# -------------------------------------------------------------------------------------------
# What a control reports: accounts, findings by severity, exit status.

_REJETS = (Gravite.REJET_FICHIER, Gravite.REJET_LIGNE, Gravite.REJET_CELLULE)
_ACCENTS = {"conservees": "conservées", "rejetees": "rejetées", "quarantaine": "en quarantaine", "ecartees": "écartées"}


def tell_validate(q: Questionnaire, c: Controle, dossier: Path, strict: bool) -> Bilan:
    """Accounts, anomalies by severity, and the exit status the campaign's thresholds ask for."""
    gravites = Counter(a.gravite for a in (*c.redaction.anomalies, *c.redaction.confidentielles))
    refuses = [x for x in c.extractions if x.refuse]
    total = _total(c)
    gardes = {e: len(df) for e, df in c.recu.kept.items()}
    ecartes = {e: len(df) for e, df in c.recu.quarantined.items()}
    repondants = gardes.get(q.racine, 0)
    touches = len({a.id_repondant for a in c.redaction.anomalies if a.id_repondant and a.gravite in _REJETS})
    seuil = q.campagnes[c.annee].parametres.get("seuils", {}).get("anomalies_bloquantes_pct")
    part = 100 * ecartes.get(q.racine, 0) / max(1, repondants + ecartes.get(q.racine, 0))
    statut = Statut.FAIT
    if strict and refuses:
        statut = Statut.FICHIER_REFUSE
    if strict and seuil is not None and part > seuil:
        statut = Statut.ANOMALIES
    proposes = 0 if c.proposes is None else c.proposes["id_repondant"].nunique()
    lignes = [
        f"fichiers : {len(c.depots)} reçus, {len(c.depots) - len(refuses)} lus, {len(refuses)} refusés",
        *(
            f"{minuscule(q.entites[e].libelle)} : {espace(n)} conservés, {espace(ecartes.get(e, 0))} en quarantaine"
            for e, n in gardes.items()
            if n or ecartes.get(e)
        ),
        f"lignes : {_identity(total, 'lignes', ('conservees', 'quarantaine', 'ecartees'))}",
        f"cellules : {_identity(total, 'cellules', ('conservees', 'rejetees', 'quarantaine', 'ecartees'))}",
        f"constats : {espace(sum(gravites.values()))} dont "
        + ", ".join(f"{espace(gravites.get(g, 0))} {g.replace('_', ' ')}" for g in Gravite),
    ]
    if c.non_rapproches is not None and len(c.non_rapproches):
        lignes.append(f"non rapprochés de la base de sondage : {len(c.non_rapproches)} (controle/non_rapproches.csv)")
    if proposes:
        lignes.append(f"  dont une unité est proposée : {proposes} (controle/rapprochements_proposes.csv)")
    return {
        "titre": f"Contrôle de {c.annee}",
        "lignes": lignes,
        "tables": _by_file(c),
        "suite": [f"Détail : {dossier / 'anomalies.xlsx'}"],
        "campagne": c.annee,
        "fichiers": {"recus": len(c.depots), "refuses": len(refuses)},
        "conserves": gardes,
        "quarantaine": ecartes,
        "gravites": {str(g): gravites.get(g, 0) for g in Gravite},
        "regles": dict(sorted(Counter(a.regle for a in c.redaction.anomalies).items())),
        "comptes": total,
        "comptes_par_fichier": [
            {k: plain(v) for k, v in r.items()} for r in c.comptes[c.comptes["niveau"] == "fichier"].to_dict("records")
        ],
        "lecture": [
            {
                "fichier": d.nom,
                "format": x.format,
                "modele": x.modele,
                "encodage": x.encodage,
                "separateur": x.separateur,
                "refuse": x.refuse,
            }
            for d, x in zip(c.depots, c.extractions, strict=True)
        ],
        "non_rapproches": 0 if c.non_rapproches is None else len(c.non_rapproches),
        "rapprochements_proposes": proposes,
        "repondants_touches": touches,
        "dossier": str(dossier),
        "statut": int(statut),
    }


def _total(c: Controle) -> dict[str, Any]:
    ligne = c.comptes[c.comptes["niveau"] == "TOTAL"].iloc[0]
    return {k: plain(v) for k, v in ligne.items() if k.startswith(("lignes", "cellules"))}


def _by_file(c: Controle) -> list[dict[str, Any]]:
    """The accounting identity file by file: at most 40 shown, all of them in comptes.csv."""
    df = c.comptes[c.comptes["niveau"] == "fichier"]
    rangs = [
        [
            r["fichier"][:48],
            r["etat"],
            r["lignes_lues"],
            r["lignes_conservees"],
            r["lignes_quarantaine"],
            r["lignes_ecartees"],
        ]
        for r in df.head(40).to_dict("records")
    ]
    if len(df) > 40:
        rangs.append([f"… et {len(df) - 40} autres (comptes.csv)", "", "", "", "", ""])
    return [
        {"entete": ["fichier", "état", "lignes lues", "= conservées", "+ quarantaine", "+ écartées"], "rangs": rangs}
    ]


def _identity(total: Mapping[str, Any], unite: str, parts: Sequence[str]) -> str:
    return f"{espace(total[f'{unite}_lues'])} lues = " + " + ".join(
        f"{espace(total[f'{unite}_{p}'])} {_ACCENTS.get(p, p)}" for p in parts
    )


# -------------------------------------------------------------------------------------------
# What loading, computing and publishing report.


def tell_load(chemin: Path, _: Any, controles: Sequence[Controle]) -> Bilan:
    lignes = [f"{c.annee} : " + ", ".join(f"{espace(len(df))} {e}" for e, df in c.recu.kept.items()) for c in controles]
    return {
        "titre": f"Entrepôt reconstruit : {chemin}",
        "lignes": lignes,
        "entrepot": str(chemin),
        "campagnes": [c.annee for c in controles],
    }


def tell_run(
    q: Questionnaire,
    controles: Sequence[Controle],
    constats: Sequence[Bilan],
    publications: Sequence[Bilan],
    entrepot: Path,
    annees: Sequence[str],
) -> Bilan:
    publies = {p["campagne"]: p for p in publications}
    rangs = [
        [b["campagne"], b["fichiers"]["recus"], b["fichiers"]["refuses"], b["conserves"].get(q.racine, 0), b["quarantaine"].get(q.racine, 0),
         sum(b["gravites"].values()), publies.get(b["campagne"], {}).get("tableaux", 0)]
        for b in constats
    ]  # fmt: skip
    lieux = []
    for b in constats:
        lieux.append(f"{b['campagne']} : ce qui est faux et où → {Path(b['dossier']) / 'anomalies.xlsx'}")
        if b["campagne"] in publies:
            lieux.append(f"{b['campagne']} : les tableaux → {publies[b['campagne']]['dossier']}")
    return {
        "titre": str(q.enquete["titre"]),
        "lignes": [FICTIF] if q.enquete.get("fictif") else [],
        "tables": [
            {
                "entete": ["campagne", "fichiers", "refusés", "répondants", "en quarantaine", "constats", "tableaux"],
                "rangs": rangs,
            }
        ],
        "suite": ["Où regarder :", *(f"  {x}" for x in lieux), f"  l'entrepôt → {entrepot}"],
        "controles": [
            {k: v for k, v in b.items() if k not in ("titre", "lignes", "tables", "suite")} for b in constats
        ],
        "publications": [
            {k: v for k, v in p.items() if k not in ("titre", "lignes", "tables", "suite")} for p in publications
        ],
        "entrepot": str(entrepot),
        "statut": max((int(b["statut"]) for b in constats), default=0),
    }


# -------------------------------------------------------------------------------------------
# Commands from the received files to the released tables.


@command(
    "validate",
    "contrôle ce qui a été reçu",
    "cartographie validate 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 un fichier refusé au moins · 12 anomalies au-delà du seuil · "
    "17 une autre commande écrit",
)
def validate(
    annee: Annee, ouvriers: Ouvriers = 0, relire: Relire = False, projet: Projet = Path(), en_json: Json = False
) -> None:
    """Contrôle tout ce qui a été reçu et écrit ses constats dans outputs/<campagne>/controle/, rien d'autre."""
    from cartographie.cli.flow import control as flow

    with progress(en_json) as progres:
        bilan = flow.validate(projet, annee, ouvriers, relire, progres)
    show(bilan, en_json)


@command(
    "load",
    "reconstruit l'entrepôt",
    "cartographie load",
    "0 fait · 2 usage · 10 déclaration incohérente · 17 espace occupé",
)
def load(ouvriers: Ouvriers = 0, relire: Relire = False, projet: Projet = Path(), en_json: Json = False) -> None:
    """Reconstruit l'entrepôt (DuckDB) de toutes les campagnes reçues, en une fois ou pas du tout."""
    from cartographie.cli.flow import control as flow

    with progress(en_json) as progres:
        bilan = flow.load(projet, ouvriers, relire, progres)
    show(bilan, en_json)


@command(
    "run",
    "fait tout, de raw/ aux tableaux",
    "cartographie run 2025 2026",
    "0 fait · 2 usage · 10 déclaration incohérente · 11 et 12 avec --strict · 13 campagne invraisemblable · 14 secret non prouvé · "
    "15 la version existe déjà · 17 espace occupé",
)
def run(
    annees: Annotated[
        list[str] | None, typer.Argument(metavar="[CAMPAGNES…]", help="Les campagnes (défaut : toutes celles reçues).")
    ] = None,
    version: Annotated[str, typer.Option("--version", metavar="NOM", help="Nom de la version publiée.")] = "provisoire",
    remplacer: Annotated[
        bool, typer.Option("--remplacer", help="Refait une version de travail qui existe déjà.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Sort avec 11 ou 12 s'il y a des refus ou trop d'anomalies.")
    ] = False,
    ouvriers: Ouvriers = 0,
    relire: Relire = False,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Fait tout : contrôle, charge, calcule les tableaux et publie chaque campagne."""
    from cartographie.cli.flow import control as flow

    with progress(en_json) as progres:
        bilan = flow.run(projet, annees or [], version, remplacer, strict, ouvriers, relire, progres)
    show(bilan, en_json)
