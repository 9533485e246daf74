"""What a release states about itself: titles, dates, inputs, program, accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cartographie import warehouse
from cartographie.empreintes import versions
from cartographie.intake import read_registre
from cartographie.model import Questionnaire


def release_meta(projet: Path, q: Questionnaire, annee: str, version: str, jour: str, entrepot: Path) -> dict[str, Any]:
    """What every output of a release states: titles, dates, versions, inputs, accounts. The date comes from the caller."""
    recus = {a: read_registre(projet / "raw" / a) for a in q.campagnes}
    with warehouse.open_readonly(entrepot) as con:
        comptes = {a: warehouse.totals(con, a) for a, depots in recus.items() if depots}
    return {
        **{k: q.enquete.get(k) for k in ("titre", "sous_titre", "producteur", "contact", "licence", "fictif", "axes")},
        "campagne": annee,
        "edition": annee,
        "version": version,
        "date": jour,
        "champ": q.campagnes[annee].champ,
        "depots": [d for depots in recus.values() for d in depots],
        "declarations": dict(q.empreintes),
        "programme": versions(),
        "comptes": comptes,
        "seuils": dict(q.campagnes[annee].parametres.get("seuils", {})),
    }
