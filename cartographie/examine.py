"""Everything received for one campaign, examined: read, decoded, linked, matched to the frame, validated, accounted for.

Writes nothing. The one place where the stages from received files to kept │ quarantined records follow one another.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cartographie import accounts, register
from cartographie.anomalies import word
from cartographie.batch import build_lots, link_parents
from cartographie.decode import decode_lots, derive, identify
from cartographie.intake import read_depots, read_registre
from cartographie.model import Constat, Depot, Extraction, Questionnaire
from cartographie.validate import validate

if TYPE_CHECKING:
    import pandas as pd

    from cartographie.anomalies import Redaction
    from cartographie.validate import Validation

Progres = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Controle:
    """All that is known of one campaign's received files once checked.

    `liens`: one row, one frame unit covered by an answer; `non_rapproches`: one row, one kept answer found nowhere in the
    frame; `recouvrements`: one row, one unit also claimed by another respondent. All three None without a frame.
    """

    annee: str
    depots: list[Depot]
    depots_base: list[Depot]
    extractions: list[Extraction]
    validation: Validation
    redaction: Redaction
    comptes: pd.DataFrame
    base: pd.DataFrame | None
    liens: pd.DataFrame | None
    non_rapproches: pd.DataFrame | None
    recouvrements: pd.DataFrame | None


def examine(projet: Path, q: Questionnaire, annee: str, ouvriers: int, progres: Progres) -> Controle:
    """Read, decode, link, match and validate everything received for one campaign. Writes nothing."""
    base, _, depots_base = read_frame(projet, q, annee, progres)
    depots, extractions = read_files(projet, q, annee, "reponse", ouvriers, progres)
    progres(f"{annee} : décodage et contrôle", 0, 1)
    bruts = build_lots(extractions, q, annee)
    lots, constats = decode_lots(bruts, q, annee)
    lots, orphelins = link_parents(lots, q)
    for entite in sorted(lots, key=lambda e: q.entites[e].parent is None):  # counts of children feed their parents
        lots[entite] = derive(lots[entite], q, annee, lots)
    liens = non_rapproches = recouvrements = None
    racine = lots.get(q.racine)
    if racine is not None:
        df = racine.df.assign(id_repondant=identify(racine, q.entites[q.racine], q, annee, lots))
        if base is not None:
            enfants = {e: lots[e].df for e in q.enfants(q.racine) if e in lots}
            base_ligne, _ = register.match(df, enfants, base, q)
            df = df.assign(base_ligne=base_ligne)
        lots[q.racine] = replace(racine, df=df)
    structurels = [c for x in extractions for c in x.constats]
    validation = validate(lots, [*structurels, *constats, *orphelins], q, annee, base, depots)
    gardes = validation.kept.get(q.racine)
    if gardes is not None and base is not None:
        enfants = {e: validation.kept[e] for e in q.enfants(q.racine) if e in validation.kept}
        base_ligne, liens = register.match(gardes, enfants, base, q)
        non_rapproches = register.unmatched(gardes, enfants, base_ligne, q)
        recouvrements = register.overlaps(gardes, enfants, base, q)
    redaction = word(validation.constats, lots, depots, q, annee, validation.identifiants)
    comptes = accounts.build(extractions, depots, bruts, validation.kept, validation.quarantined, validation.constats, q)
    accounts.check(comptes)
    progres(f"{annee} : décodage et contrôle", 1, 1)
    return Controle(annee, depots, depots_base, extractions, validation, redaction, comptes, base, liens, non_rapproches, recouvrements)


def read_files(
    projet: Path, q: Questionnaire, annee: str, role: str, ouvriers: int, progres: Progres
) -> tuple[list[Depot], list[Extraction]]:
    dossier = projet / "raw" / annee
    depots = [d for d in read_registre(dossier) if d.role == role]
    campagne = q.campagnes[annee]
    modeles = [m for a in q.campagnes for m in q.campagnes[a].modeles.values() if m.usage == role]
    etape = f"{annee} : lecture " + ("de la base de sondage" if role == "base" else "des fichiers reçus")
    extractions = read_depots(
        depots,
        dossier,
        modeles,
        plafonds=campagne.parametres.get("plafonds"),
        csv=campagne.parametres.get("csv"),
        formats_acceptes=campagne.parametres.get("formats_acceptes"),
        workers=min(ouvriers or os.cpu_count() or 1, max(1, len(depots) // 20)),
        progres=lambda fait, total: progres(etape, fait, total),
    )
    return depots, extractions


def read_frame(
    projet: Path, q: Questionnaire, annee: str, progres: Progres
) -> tuple[pd.DataFrame | None, list[Constat], list[Depot]]:
    """(kept units of the frame with `id_base`, findings, files); no frame when none was received or readable."""
    depots, extractions = read_files(projet, q, annee, "base", 1, progres)
    constats = [c for x in extractions for c in x.constats]
    lots, decodes = decode_lots(build_lots(extractions, q, annee), q, annee)
    if q.base is None or q.base not in lots:
        return None, constats, depots
    lot = derive(lots[q.base], q, annee, lots)
    df = lot.df.assign(id_base=identify(lot, q.entites[q.base], q, annee, {q.base: lot}))
    v = validate({q.base: replace(lot, df=df)}, [*constats, *decodes], q, annee, None, depots)
    return v.kept[q.base], v.constats, depots
