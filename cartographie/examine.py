"""Everything received for one campaign, examined: read, decoded, linked, matched to the frame, validated, accounted for.

Writes nothing. The one place where the stages from received files to kept │ quarantined records follow one another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cartographie import accounts, register
from cartographie.anomalies import word
from cartographie.batch import build_lots, link_parents
from cartographie.decode import decode_lots, derive, identify
from cartographie.errors import Statut, UserError
from cartographie.intake import pseudonym_key, read_depots, read_registre, unregistered, workers_for
from cartographie.model import Constat, Depot, Extraction, Lot, Questionnaire
from cartographie.validate import validate

if TYPE_CHECKING:
    import pandas as pd

    from cartographie.anomalies import Redaction
    from cartographie.validate import Validation

Progres = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Base:
    """The sampling frame of a campaign, examined. `unites`: one row, one kept unit (`id_base`); None when there is none."""

    depots: list[Depot]
    extractions: list[Extraction]
    bruts: dict[str, Lot]
    lots: dict[str, Lot]
    kept: dict[str, pd.DataFrame]
    quarantined: dict[str, pd.DataFrame]
    constats: list[Constat]

    @property
    def unites(self) -> pd.DataFrame | None:
        return next((df for df in self.kept.values() if len(df)), None)


@dataclass(frozen=True, slots=True)
class Controle:
    """All that is known of one campaign's received files once checked.

    `liens`: one row, one frame unit covered by an answer; `non_rapproches`: one row, one kept answer found nowhere in the
    frame; `recouvrements`: one row, one unit also claimed by another respondent. All three None without a frame.
    """

    annee: str
    depots: list[Depot]
    extractions: list[Extraction]
    base: Base
    validation: Validation
    redaction: Redaction
    comptes: pd.DataFrame
    liens: pd.DataFrame | None
    non_rapproches: pd.DataFrame | None
    recouvrements: pd.DataFrame | None


def examine(projet: Path, q: Questionnaire, annee: str, ouvriers: int, progres: Progres) -> Controle:
    """Read, decode, link, match and validate everything received for one campaign. Writes nothing but a missing key."""
    cle = pseudonym_key(projet, q)
    base = examine_frame(projet, q, annee, progres)
    depots, extractions = read_files(projet, q, annee, "reponse", ouvriers, progres)
    progres(f"{annee} : décodage et contrôle", 0, 1)
    bruts = {e: lot for e, lot in build_lots(extractions, q, annee).items() if not q.entites[e].base}
    lots, constats = decode_lots(bruts, q, annee, cle)
    lots, orphelins = link_parents(lots, q)
    lus = {e: set(lot.df.columns) for e, lot in lots.items()}
    lots = _derive_all(lots, q, annee)
    for entite in [e for e in lots if q.entites[e].parent is None]:
        identifiants = identify(lots[entite], q.entites[entite], q, annee, lots, cle)
        lots[entite] = replace(lots[entite], df=lots[entite].df.assign(id_repondant=identifiants))
    if base.unites is not None:
        base_ligne, _ = register.match(*_answers(q, {e: lot.df for e, lot in lots.items()}), base.unites, q)
        lots[q.racine] = replace(lots[q.racine], df=lots[q.racine].df.assign(base_ligne=base_ligne))
    structurels = [c for x in extractions for c in x.constats]
    validation = validate(lots, [*structurels, *constats, *orphelins], q, annee, base.unites, depots)
    validation = replace(validation, kept=_derive_again(validation.kept, lots, lus, q, annee))
    liens = non_rapproches = recouvrements = None
    doubles: list[Constat] = []
    if base.unites is not None:
        gardes = _answers(q, validation.kept)
        base_ligne, liens = register.match(*gardes, base.unites, q)
        non_rapproches = register.unmatched(*gardes, base_ligne, q)
        recouvrements = register.overlaps(*gardes, base.unites, q)
        doubles = _claimed_twice(q, gardes[0], recouvrements)
    tous = [*base.constats, *validation.constats, *doubles]
    recus = [*base.depots, *depots]
    redaction = word(tous, base.lots | lots, recus, q, annee, validation.identifiants)
    comptes = accounts.build(
        [*base.extractions, *extractions], recus, base.bruts | bruts,
        base.kept | validation.kept, base.quarantined | validation.quarantined, tous, q,
    )  # fmt: skip
    accounts.check(comptes)
    progres(f"{annee} : décodage et contrôle", 1, 1)
    return Controle(
        annee, depots, extractions, base, validation, redaction, comptes, liens, non_rapproches, recouvrements
    )


def _claimed_twice(q: Questionnaire, racines: pd.DataFrame, recouvrements: pd.DataFrame) -> list[Constat]:
    """One finding per unit of the frame that an answer covers and another one keeps, at the answer's identifying cell."""
    enregistrements = {i: r for r, i in zip(racines.index, racines["id_repondant"], strict=True)}
    variables = {
        lien["mode"]: lien["variable"] for lien in q.enquete.get("lien_base", ()) if lien["entite"] == q.racine
    }
    premiere = next(iter(variables.values()), None)
    return [
        Constat(
            "unite_deja_couverte", q.racine, int(enregistrements[r.id_repondant]), variables.get(r.mode, premiere),
            details={"unite": r.id_base, "autre": r.retenu_par},
        )
        for r in recouvrements.itertuples(index=False)
    ]  # fmt: skip


def _derive_all(lots: Mapping[str, Lot], q: Questionnaire, annee: str) -> dict[str, Lot]:
    """Every lot with its derived variables; children first, since counts of children feed their parents."""
    derives = dict(lots)
    for entite in sorted(lots, key=lambda e: q.entites[e].parent is None):
        derives[entite] = derive(derives[entite], q, annee, derives)
    return derives


def _derive_again(
    kept: Mapping[str, pd.DataFrame], lots: Mapping[str, Lot], lus: Mapping[str, set[str]], q: Questionnaire, annee: str
) -> dict[str, pd.DataFrame]:
    """Kept rows with their derived values as their sources now stand: a rejected cell or row no longer feeds any."""
    nus = {}
    for e, df in kept.items():
        calculees = [v.nom for v in q.variables.values() if v.derivee and v.nom in df.columns and v.nom not in lus[e]]
        nus[e] = replace(lots[e], df=df.drop(columns=calculees))
    return {e: lot.df for e, lot in _derive_all(nus, q, annee).items()}


def require_sound(c: Controle) -> Controle:
    """Raise UserError when the received material was altered, or its frame lost: nothing is built on that."""
    extractions = (*c.base.extractions, *c.extractions)
    alteres = {x.depot for x in extractions if any(k.constat == "depot_modifie" for k in x.constats)}
    if alteres:
        noms = ", ".join(d.chemin for d in (*c.base.depots, *c.depots) if d.depot in alteres)
        message = (
            f"Des fichiers reçus pour {c.annee} ont changé depuis leur réception ({noms}) : remettez les originaux."
        )
        raise UserError("U11", message, Statut.FICHIER_REFUSE)
    if c.base.depots and c.base.unites is None:
        message = f"La base de sondage de {c.annee} ne se lit plus : réimportez-la avec « register »."
        raise UserError("U03", message, Statut.FICHIER_REFUSE)
    return c


def examine_frame(projet: Path, q: Questionnaire, annee: str, progres: Progres) -> Base:
    """The sampling frame, through the same stages as any received file."""
    cle = pseudonym_key(projet, q)
    depots, extractions = read_files(projet, q, annee, "base", 1, progres)
    structurels = [c for x in extractions for c in x.constats]
    tous = build_lots(extractions, q, annee)
    bruts = {e: lot for e, lot in tous.items() if q.entites[e].base and len(lot.df)}
    lots, constats = decode_lots(bruts, q, annee, cle)
    for entite, lot in lots.items():
        derive_lot = derive(lot, q, annee, lots)
        identifiants = identify(derive_lot, q.entites[entite], q, annee, {entite: derive_lot}, cle)
        lots[entite] = replace(derive_lot, df=derive_lot.df.assign(id_base=identifiants))
    v = validate(lots, [*structurels, *constats], q, annee, None, depots)
    return Base(depots, extractions, bruts, lots, v.kept, v.quarantined, v.constats)


def _answers(q: Questionnaire, frames: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """(respondents, their child rows by entity): what is matched to the frame."""
    return frames[q.racine], {e: frames[e] for e in q.enfants(q.racine) if e in frames}


def read_files(
    projet: Path, q: Questionnaire, annee: str, role: str, ouvriers: int, progres: Progres
) -> tuple[list[Depot], list[Extraction]]:
    """The files of one role (reponse, base) and what reading each gave, in the order received."""
    dossier = projet / "raw" / annee
    registre = read_registre(dossier)
    unregistered(dossier, registre)
    depots = [d for d in registre if d.role == role]
    campagne = q.campagnes[annee]
    modeles = [m for a in q.campagnes for m in q.campagnes[a].modeles.values() if m.usage == role]
    etape = f"{annee} : lecture " + ("de la base de sondage" if role == "base" else "des fichiers reçus")
    extractions = read_depots(
        depots,
        dossier,
        modeles,
        plafonds=campagne.parametres.get("plafonds_base" if role == "base" else "plafonds"),
        csv=campagne.parametres.get("csv"),
        formats_acceptes=campagne.parametres.get("formats_acceptes"),
        workers=workers_for(len(depots), ouvriers),
        progres=lambda fait, total: progres(etape, fait, total),
    )
    return depots, extractions
