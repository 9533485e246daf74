"""Commands from the received files to the warehouse, and everything in one go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cartographie.base.errors import Statut
from cartographie.base.text import FICTIF, espace, minuscule, plain
from cartographie.cli.app import Json, NomCampagne, Ouvriers, Projet, Relire, act, argument, command, flag, option
from cartographie.cli.screen import Bilan, Table, bounded

if TYPE_CHECKING:
    from cartographie.campaign.examine import Controle
    from cartographie.cli.flow.control import Constats, Execution


_LECTURE = ("format", "modele", "encodage", "separateur", "refuse")
_ACCENTS = {"conservees": "conservées", "rejetees": "rejetées", "quarantaine": "en quarantaine", "ecartees": "écartées"}


def tell_validate(r: Constats) -> Bilan:
    """Accounts, anomalies by severity, and the exit status the campaign's thresholds ask for."""
    from cartographie.survey.model import Gravite

    q, c = r.q, r.controle
    rejets = (Gravite.REJET_FICHIER, Gravite.REJET_LIGNE, Gravite.REJET_CELLULE)
    gravites = Counter(a.gravite for a in (*c.redaction.anomalies, *c.redaction.confidentielles))
    refuses = [x for x in c.extractions if x.refuse]
    total = _total(c)
    gardes = {e: len(df) for e, df in c.recu.kept.items()}
    ecartes = {e: len(df) for e, df in c.recu.quarantined.items()}
    touches = len({a.id_repondant for a in c.redaction.anomalies if a.id_repondant and a.gravite in rejets})
    dehors = 0 if c.non_rapproches is None else len(c.non_rapproches)
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
    if dehors:
        lignes.append(f"non rapprochés de la base de sondage : {dehors} (controle/non_rapproches.csv)")
    if proposes:
        lignes.append(f"  dont une unité est proposée : {proposes} (controle/rapprochements_proposes.csv)")
    fichiers = c.comptes[c.comptes["niveau"] == "fichier"].to_dict("records")
    return Bilan(
        f"Contrôle de {c.campagne}",
        {
            "campagne": c.campagne,
            "fichiers": {"recus": len(c.depots), "refuses": len(refuses)},
            "conserves": gardes,
            "quarantaine": ecartes,
            "gravites": {str(g): gravites.get(g, 0) for g in Gravite},
            "regles": dict(sorted(Counter(a.regle for a in c.redaction.anomalies).items())),
            "comptes": total,
            "comptes_par_fichier": [{k: plain(v) for k, v in f.items()} for f in fichiers],
            "lecture": [
                {"fichier": d.nom, **{k: getattr(x, k) for k in _LECTURE}}
                for d, x in zip(c.depots, c.extractions, strict=True)
            ],
            "non_rapproches": dehors,
            "rapprochements_proposes": proposes,
            "repondants_touches": touches,
            "dossier": str(r.dossier),
        },
        lignes,
        [_by_file(fichiers)],
        [f"Détail : {r.dossier / 'anomalies.xlsx'}"],
        r.statut,
    )


def _total(c: Controle) -> dict[str, Any]:
    ligne = c.comptes[c.comptes["niveau"] == "TOTAL"].iloc[0]
    return {k: plain(v) for k, v in ligne.items() if k.startswith(("lignes", "cellules"))}


def _by_file(comptes: Sequence[Mapping[str, Any]]) -> Table:
    """The accounting identity file by file: at most 40 shown, all of them in comptes.csv."""
    colonnes = ("etat", "lignes_lues", "lignes_conservees", "lignes_quarantaine", "lignes_ecartees")
    rangs = [[r["fichier"][:48], *(r[c] for c in colonnes)] for r in comptes]
    entete = ["fichier", "état", "lignes lues", "= conservées", "+ quarantaine", "+ écartées"]
    return bounded(entete, rangs, 40, "comptes.csv")


def _identity(total: Mapping[str, Any], unite: str, parts: Sequence[str]) -> str:
    return f"{espace(total[f'{unite}_lues'])} lues = " + " + ".join(
        f"{espace(total[f'{unite}_{p}'])} {_ACCENTS.get(p, p)}" for p in parts
    )


def tell_load(entrepot: Path, controles: Sequence[Controle]) -> Bilan:
    lignes = [
        f"{c.campagne} : " + ", ".join(f"{espace(len(df))} {e}" for e, df in c.recu.kept.items()) for c in controles
    ]
    campagnes = [c.campagne for c in controles]
    return Bilan(f"Entrepôt reconstruit : {entrepot}", {"entrepot": str(entrepot), "campagnes": campagnes}, lignes)


def tell_run(r: Execution) -> Bilan:
    from cartographie.cli.publish import tell_publish, tell_withheld

    controles = [tell_validate(c) for c in r.constats]
    publies = {p.campagne: p for p in r.publications}
    rangs, lieux = [], []
    for c in (x.valeurs for x in controles):
        campagne, racine = c["campagne"], r.q.racine
        tableaux = len(publies[campagne].tableaux) if campagne in publies else 0
        rangs.append([campagne, c["fichiers"]["recus"], c["fichiers"]["refuses"], c["conserves"].get(racine, 0),
                      c["quarantaine"].get(racine, 0), sum(c["gravites"].values()), tableaux])  # fmt: skip
        lieux.append(f"{campagne} : ce qui est faux et où → {Path(c['dossier']) / 'anomalies.xlsx'}")
        lieux += [f"{campagne} : les tableaux → {publies[campagne].dossier}"] if campagne in publies else []
    return Bilan(
        r.q.enquete["titre"],
        {
            "controles": [{**c.valeurs, "statut": int(c.statut)} for c in controles],
            "publications": [dict(tell_publish(p).valeurs) for p in r.publications],
            "entrepot": str(r.entrepot),
        },
        [
            *([FICTIF] if r.q.enquete.get("fictif") else []),
            *(f"{p.campagne} : {minuscule(dit)}" for p in r.publications for dit in tell_withheld(p)),
        ],
        [Table(["campagne", "fichiers", "refusés", "répondants", "en quarantaine", "constats", "tableaux"], rangs)],
        ["Où regarder :", *(f"  {x}" for x in lieux), f"  l'entrepôt → {r.entrepot}"],
        max((c.statut for c in r.constats), default=Statut.FAIT),
    )


@command("validate")
def validate(
    campagne: NomCampagne,
    ouvriers: Ouvriers = 0,
    relire: Relire = False,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Contrôle tout ce qui a été reçu et écrit ses constats dans outputs/<campagne>/controle/, rien d'autre."""
    from cartographie.cli.flow import control as flow
    from cartographie.cli.flow.common import Examen

    act(en_json, lambda p: tell_validate(flow.validate(projet, campagne, Examen(ouvriers, relire), p)))


@command("load")
def load(ouvriers: Ouvriers = 0, relire: Relire = False, projet: Projet = Path(), en_json: Json = False) -> None:
    """Reconstruit l'entrepôt (DuckDB) de toutes les campagnes reçues, en une fois ou pas du tout."""
    from cartographie.campaign.workspace import warehouse_path
    from cartographie.cli.flow import control as flow
    from cartographie.cli.flow.common import Examen

    act(en_json, lambda p: tell_load(warehouse_path(projet), flow.load(projet, Examen(ouvriers, relire), p)))


@command("run")
def run(
    campagnes: Annotated[
        list[str] | None, argument("[CAMPAGNES…]", "Les campagnes (défaut : toutes celles reçues).")
    ] = None,
    version: Annotated[str, option("--version", "NOM", "Nom de la version publiée.")] = "provisoire",
    remplacer: Annotated[bool, flag("--remplacer", "Refait une version de travail qui existe déjà.")] = False,
    strict: Annotated[bool, flag("--strict", "Sort avec 11 ou 12 s'il y a des refus ou trop d'anomalies.")] = False,
    ouvriers: Ouvriers = 0,
    relire: Relire = False,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Fait tout : contrôle, charge, calcule les tableaux et publie chaque campagne."""
    from cartographie.cli.flow import control as flow
    from cartographie.cli.flow.common import Examen
    from cartographie.release.publish import Demande

    demande = Demande("", version, remplacer=remplacer)
    act(en_json, lambda p: tell_run(flow.run(projet, campagnes or [], demande, strict, Examen(ouvriers, relire), p)))
