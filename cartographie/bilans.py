"""What each command reports: plain values for machines, and the same in a few French lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartographie.errors import Statut
from cartographie.model import Anomalie, Depot, Gravite, Questionnaire
from cartographie.phrases import espace, minuscule, nombre, plain

if TYPE_CHECKING:
    import pandas as pd

    from cartographie.examine import Controle

Bilan = dict[str, Any]
_REJETS = (Gravite.REJET_FICHIER, Gravite.REJET_LIGNE, Gravite.REJET_CELLULE)
_ACCENTS = {"conservees": "conservées", "rejetees": "rejetées", "quarantaine": "en quarantaine", "ecartees": "écartées"}
FICTIF = "Données fictives : aucune réponse n'est celle d'un établissement réel."


def init(destination: Path) -> Bilan:
    return {
        "titre": f"Espace de travail créé dans {destination}.",
        "lignes": [
            "schemas/ : les déclarations, à adapter ; raw/ : ce qui sera reçu ; outputs/ : ce qui sera produit."
        ],
        "dossier": str(destination),
    }


def template(annee: str, sortie: Path, ecrits: Sequence[Path]) -> Bilan:
    return {
        "titre": f"Questionnaire {annee} écrit dans {sortie}.",
        "lignes": [
            f"{nombre(len(ecrits), 'classeur')} : {ecrits[0].name}"
            + (f" et {len(ecrits) - 1} pré-remplis" if len(ecrits) > 1 else "")
        ],
        "fichiers": [str(e) for e in ecrits],
    }


def dictionary(sortie: Path) -> Bilan:
    return {"titre": f"Dictionnaire écrit dans {sortie}.", "fichier": str(sortie)}


def demo(destination: Path, resume: Mapping[str, Any]) -> Bilan:
    return {
        "titre": f"Campagnes fictives écrites dans {destination}.",
        "lignes": [FICTIF, *(f"{a} : {r}" for a, r in resume.get("lignes", {}).items())],
        "suite": [f"Pour la suite : cartographie run --projet {destination}"],
        "resume": dict(resume),
        "dossier": str(destination),
    }


def register(
    q: Questionnaire, annee: str, base: pd.DataFrame | None, anomalies: Sequence[Anomalie], deja: Sequence[Any]
) -> Bilan:
    """`base`: one row, one unit; None when no unit could be read, and `anomalies` say why."""
    regles = Counter(a.regle for a in anomalies)
    if base is None:
        return {
            "titre": f"La base de sondage de {annee} n'a pas été importée.",
            "lignes": [a.message for a in anomalies]
            or ["Le fichier ne contient aucune unité : vérifiez qu'il s'agit de la base de sondage."],
            "statut": Statut.FICHIER_REFUSE,
        }
    axes = [a["variable"] for a in q.enquete.get("axes", {}).values() if "variable" in a and a["variable"] in base]
    comptes = {a: base[a].value_counts(dropna=False).sort_index() for a in axes}
    return {
        "titre": f"Base de sondage de {annee} : {nombre(len(base), 'unité')}.",
        "lignes": [
            *(["Ce fichier était déjà reçu : rien n'a changé."] if deja else []),
            *(
                [f"{nombre(len(anomalies), 'constat')} sur la base elle-même, détaillés par « validate »."]
                if anomalies
                else []
            ),
        ],
        "tables": [
            {"entete": [q.variables[a].libelle[:50], "unités"], "rangs": [[str(k), espace(n)] for k, n in v.items()]}
            for a, v in comptes.items()
        ],
        "campagne": annee,
        "unites": len(base),
        "constats": dict(sorted(regles.items())),
    }


def ingest(projet: Path, annee: str, ajoutes: Sequence[Depot], deja: Sequence[tuple[str, Depot]]) -> Bilan:
    return {
        "titre": f"{annee} : {nombre(len(ajoutes), 'fichier rangé', 'fichiers rangés')} dans raw/{annee}.",
        "lignes": [f"déjà reçu à l'identique, non repris : {nom} (= {d.nom})" for nom, d in deja],
        "suite": [
            f"Pour la suite : cartographie validate {annee}" + (f" --projet {projet}" if projet != Path() else "")
        ],
        "campagne": annee,
        "ajoutes": [{"depot": d.depot, "nom": d.nom, "sha256": d.sha256} for d in ajoutes],
        "deja_recus": [nom for nom, _ in deja],
    }


def validate(q: Questionnaire, c: Controle, dossier: Path, strict: bool) -> Bilan:
    """Accounts, anomalies by severity, and the exit status the campaign's thresholds ask for."""
    gravites = Counter(a.gravite for a in (*c.redaction.anomalies, *c.redaction.confidentielles))
    refuses = [x for x in c.extractions if x.refuse]
    total = _total(c)
    gardes = {e: len(df) for e, df in c.validation.kept.items()}
    ecartes = {e: len(df) for e, df in c.validation.quarantined.items()}
    repondants = gardes.get(q.racine, 0)
    touches = len({a.id_repondant for a in c.redaction.anomalies if a.id_repondant and a.gravite in _REJETS})
    seuil = q.campagnes[c.annee].parametres.get("seuils", {}).get("anomalies_bloquantes_pct")
    part = 100 * ecartes.get(q.racine, 0) / max(1, repondants + ecartes.get(q.racine, 0))
    statut = Statut.FAIT
    if strict and refuses:
        statut = Statut.FICHIER_REFUSE
    if strict and seuil is not None and part > seuil:
        statut = Statut.ANOMALIES
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
        "repondants_touches": touches,
        "dossier": str(dossier),
        "statut": int(statut),
    }


def load(chemin: Path, _: Any, controles: Sequence[Controle]) -> Bilan:
    lignes = [
        f"{c.annee} : " + ", ".join(f"{espace(len(df))} {e}" for e, df in c.validation.kept.items()) for c in controles
    ]
    return {
        "titre": f"Entrepôt reconstruit : {chemin}",
        "lignes": lignes,
        "entrepot": str(chemin),
        "campagnes": [c.annee for c in controles],
    }


def map_(annee: str, tableaux: Sequence[Any], dossier: Path) -> Bilan:
    return {
        "titre": f"{annee} : {nombre(len(tableaux), 'tableau calculé', 'tableaux calculés')} dans {dossier} (rien n'est publié).",
        "tables": [
            {
                "entete": ["tableau", "lignes", "titre"],
                "rangs": [[t.code, len(t.df), t.meta.get("titre", "")] for t in tableaux],
            }
        ],
        "campagne": annee,
        "tableaux": {t.code: len(t.df) for t in tableaux},
        "dossier": str(dossier),
    }


def publish(annee: str, dossier: Path, tableaux: Sequence[Any], ecrits: Any) -> Bilan:
    statuts = Counter(s for t in tableaux for s in t.df["statut"])
    return {
        "titre": f"{annee} : {nombre(len(tableaux), 'tableau', 'tableaux')} dans {dossier}.",
        "lignes": ["Version de travail : le secret secondaire n'est pas encore traité, diffusion restreinte."],
        "campagne": annee,
        "dossier": str(dossier),
        "tableaux": len(tableaux),
        "statuts": dict(sorted(statuts.items())),
    }


def run(
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


def status(projet: Path, q: Questionnaire, recus: Mapping[str, Sequence[Depot]], entrepot: Path) -> Bilan:
    rangs, campagnes = [], {}
    for annee, depots in recus.items():
        sorties = projet / "outputs" / annee
        versions = (
            sorted(d.name for d in sorties.iterdir() if (d / "manifeste.json").exists()) if sorties.is_dir() else []
        )
        etat = {
            "base": sum(d.role == "base" for d in depots),
            "recus": sum(d.role == "reponse" for d in depots),
            "controle": (sorties / "controle" / "anomalies.csv").exists(),
            "versions": versions,
        }
        campagnes[annee] = etat
        rangs.append(
            [
                annee,
                "oui" if etat["base"] else "non",
                etat["recus"],
                "oui" if etat["controle"] else "non",
                ", ".join(versions) or "aucune",
            ]
        )
    return {
        "titre": str(q.enquete["titre"]),
        "lignes": [f"entrepôt : {'présent' if entrepot.exists() else 'absent'} ({entrepot})"],
        "tables": [
            {"entete": ["campagne", "base de sondage", "fichiers reçus", "contrôlée", "versions"], "rangs": rangs}
        ],
        "campagnes": campagnes,
        "entrepot": entrepot.exists(),
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
