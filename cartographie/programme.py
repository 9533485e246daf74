"""What a release states about itself: titles, dates, inputs, program, accounts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from cartographie import warehouse
from cartographie.empreintes import versions
from cartographie.errors import UserError
from cartographie.intake import read_registre
from cartographie.model import Questionnaire
from cartographie.workspace import open_warehouse, raw_pieces

RESERVEES = ("corrections.yaml", "rapprochements.csv")  # about one respondent each: fingerprinted, never published


def release_meta(projet: Path, q: Questionnaire, annee: str, version: str, jour: str) -> dict[str, Any]:
    """What every output of a release states: titles, dates, versions, inputs, accounts. The date comes from the caller."""
    recus = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    with open_warehouse(projet, q) as con:
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
        "declarations_jointes": _published_declarations(projet, q),
        "pieces": raw_pieces(projet, q),
        "programme": versions(),
        "comptes": comptes,
        "libelles": {v.nom: v.libelle for v in q.variables.values()},
        "qualite": dict(q.campagnes[annee].qualite),
        "campagnes": list(q.campagnes),
        "precedente": q.campagnes[annee].precedente,
        "comparabilite": _changes(q, annee),
        "seuils": dict(q.campagnes[annee].parametres.get("seuils", {})),
    }


def _published_declarations(projet: Path, q: Questionnaire) -> dict[str, bytes]:
    """Path under schemas/ → content, of those that are published. Raises UserError E23 when one is no longer what was read."""
    contenus = {n: (projet / "schemas" / n).read_bytes() for n in q.empreintes if Path(n).name not in RESERVEES}
    for nom, contenu in contenus.items():
        if hashlib.sha256(contenu).hexdigest() != q.empreintes[nom]:
            raise UserError("E23", f"schemas/{nom} a changé pendant le calcul : relancez la commande.")
    return contenus


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
