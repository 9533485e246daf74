"""What a release states about itself: titles, dates, inputs, program, accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cartographie import warehouse
from cartographie.empreintes import sha256_of, versions
from cartographie.intake import read_registre
from cartographie.model import Questionnaire

RESERVEES = ("corrections.yaml", "rapprochements.csv")  # about one respondent each: fingerprinted, never published
PIECES = ("registre.csv", "dispositions.csv")  # of raw/<campagne>, beside the files received


def release_meta(projet: Path, q: Questionnaire, annee: str, version: str, jour: str, entrepot: Path) -> dict[str, Any]:
    """What every output of a release states: titles, dates, versions, inputs, accounts. The date comes from the caller."""
    recus = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    with warehouse.open_readonly(entrepot) as con:
        comptes = {a: warehouse.totals(con, a) for a, depots in recus.items() if depots}
    return {
        **{k: q.enquete.get(k) for k in ("titre", "sous_titre", "producteur", "contact", "licence", "fictif", "axes")},
        "nom": (q.enquete.get("publication") or {}).get("nom"),
        "publication": q.enquete.get("publication") or {},
        "theme": _theme(projet, q),
        "debut": q.campagnes[annee].debut.isoformat(),
        "fin": q.campagnes[annee].fin.isoformat(),
        "campagne": annee,
        "edition": annee,
        "version": version,
        "date": jour,
        "champ": q.campagnes[annee].champ,
        "depots": [d for depots in recus.values() for d in depots],
        "declarations": dict(q.empreintes),
        "declarations_jointes": {
            nom: (projet / "schemas" / nom).read_bytes() for nom in q.empreintes if Path(nom).name not in RESERVEES
        },
        "pieces": _pieces(projet, q),
        "programme": versions(),
        "comptes": comptes,
        "qualite": dict(q.campagnes[annee].qualite),
        "campagnes": list(q.campagnes),
        "precedente": q.campagnes[annee].precedente,
        "comparabilite": _changes(q, annee),
        "seuils": dict(q.campagnes[annee].parametres.get("seuils", {})),
    }


def _pieces(projet: Path, q: Questionnaire) -> dict[str, str]:
    """Path under raw/ → sha256 of what is written beside the files received, and changes a figure."""
    chemins = [f"{a}/{nom}" for a in q.campagnes for nom in PIECES if (projet / "raw" / a / nom).is_file()]
    return {c: sha256_of(projet / "raw" / c) for c in chemins}


def _changes(q: Questionnaire, annee: str) -> list[dict[str, str]]:
    """Questions that changed since the previous campaign, as declared."""
    return [
        {"libelle": q.variables[c["variable"]].libelle, "drapeau": c["drapeau"], "note": str(c.get("note", ""))}
        for c in q.comparabilite
        if c["de"] == q.campagnes[annee].precedente and c["a"] == annee and c["variable"] in q.variables
    ]


def _theme(projet: Path, q: Questionnaire) -> str:
    """CSS added to the neutral theme of the page, when the survey names a file of schemas/."""
    nom = (q.enquete.get("publication") or {}).get("theme")
    chemin = projet / "schemas" / str(nom)
    return chemin.read_text(encoding="utf-8") if nom and chemin.is_file() else ""
