"""A batch of received files (« fournée ») examined together: read → decode → link → match → validate → word → account for.

The one place where these stages follow one another. Writes nothing. What it returns can be cut by file and joined to what
other batches gave (resume.py), except for files that speak of one another: those are examined in the same batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from cartographie.campaign.frame import Matching, Repaired
from cartographie.decode import corrections
from cartographie.decode.columns import decode_lots
from cartographie.decode.derive import derive, identify
from cartographie.decode.lots import borrowed, build_lots, link_parents, locator
from cartographie.decode.versions import resolve_versions
from cartographie.intake.read import read_depots, read_options, workers_for
from cartographie.survey.model import Gravite, Questionnaire
from cartographie.survey.received import Constat, Depot, Extraction, Lot
from cartographie.survey.rules import judge, repairs
from cartographie.validate import accounts
from cartographie.validate.checks import judge_lots
from cartographie.validate.settle import Validation, validate
from cartographie.validate.wording import Redaction, word

Progres = Callable[[str, int, int], None]
PLACES = {"enregistrement": "int64", "variable": "str", "depot": "str", "feuille": "str", "ligne": "Int64", "colonne": "Int64",
          "redresse": "bool"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cadre:
    """What every batch of one campaign is examined with. `cle`: the key of pseudonyms; `registre`: what was received."""

    projet: Path
    q: Questionnaire
    campagne: str
    cle: bytes
    ouvriers: int
    progres: Progres
    registre: tuple[Depot, ...]


@dataclass(frozen=True, slots=True)
class Fournee:
    """What examining some received files gave.

    `extractions`: one per file, without cells. `kept[e]`, `quarantined[e]`: as Validation's; labels are record numbers.
    `cellules_rejetees`: as Validation's. `comptes`: as accounts.build's, without the total. `lieux`: one row is the cell of
    one linking variable of one root record (PLACES; `redresse`: its value was repaired). `bruts`: the lots as received, before decoding; not kept on disk.
    """

    depots: tuple[Depot, ...]
    extractions: tuple[Extraction, ...]
    kept: dict[str, pd.DataFrame]
    quarantined: dict[str, pd.DataFrame]
    cellules_rejetees: pd.DataFrame
    redaction: Redaction
    comptes: pd.DataFrame
    lieux: pd.DataFrame
    bruts: Mapping[str, Lot] = field(default_factory=dict)
    echecs: tuple[corrections.Echec, ...] = ()  # declared corrections that no longer apply: such a batch is not kept


def examine_files(cadre: Cadre, depots: Sequence[Depot], base: pd.DataFrame | None) -> Fournee:
    """The answers of these files, in the order received. `base`: one row, one unit of the frame; None without a frame."""
    q, campagne, cle = cadre.q, cadre.campagne, cadre.cle
    extractions = resolve_versions(read_files(cadre, depots, "reponse"), depots, q, campagne, cle)
    bruts = {e: lot for e, lot in build_lots(extractions, q, campagne).items() if not q.entites[e].base}
    remplaces = {x.depot: x.remplace_par for x in extractions if x.remplace_par}
    corriges, corrections_faites, echecs = corrections.apply_corrections(bruts, depots, q, campagne, remplaces)
    lots, constats = decode_lots(corriges, q, campagne, cle)
    lots, constats = judge_lots(lots, constats, q, campagne)
    lots, orphelins = link_parents(lots, q)
    lus = {e: set(lot.df.columns) for e, lot in lots.items()}
    lots = _derive_all(lots, q, campagne)
    for entite in [e for e in lots if q.entites[e].parent is None]:
        identifiants = identify(lots[entite], q.entites[entite], q, campagne, lots, cle)
        lots[entite] = replace(lots[entite], df=lots[entite].df.assign(id_repondant=identifiants))
    if base is not None:
        trouve = matching({e: lot.df for e, lot in lots.items()}, base, q, campagne)
        constats += trouve.successions_met()
        lots[q.racine] = replace(lots[q.racine], df=lots[q.racine].df.assign(base_ligne=trouve.base_ligne))
    structurels = [c for x in extractions for c in x.constats]
    validation = validate(lots, [*structurels, *corrections_faites, *constats, *orphelins], q, campagne, base, depots)
    validation = replace(validation, kept=_derive_again(validation.kept, lots, lus, q, campagne))
    echecs += corrections.superseded(corrections_faites, validation.constats, lots, q)
    return replace(_result(cadre, depots, extractions, bruts, lots, validation), echecs=tuple(echecs))


def examine_frame_files(cadre: Cadre, depots: Sequence[Depot]) -> Fournee:
    """The sampling frame's files, through the same stages as any received file. Its units carry `id_base`."""
    q, campagne, cle = cadre.q, cadre.campagne, cadre.cle
    extractions = read_files(cadre, depots, "base")
    tous = build_lots(extractions, q, campagne)
    bruts = {e: lot for e, lot in tous.items() if q.entites[e].base and len(lot.df)}
    corriges, corrections_faites, echecs = corrections.apply_corrections(bruts, depots, q, campagne)
    lots, constats = decode_lots(corriges, q, campagne, cle)
    lots, constats = judge_lots(lots, constats, q, campagne)
    for entite, lot in lots.items():
        derive_lot = derive(lot, q, campagne, lots)
        identifiants = identify(derive_lot, q.entites[entite], q, campagne, {entite: derive_lot}, cle)
        lots[entite] = replace(derive_lot, df=derive_lot.df.assign(id_base=identifiants))
    structurels = [c for x in extractions for c in x.constats]
    validation = validate(lots, [*structurels, *corrections_faites, *constats], q, campagne, None, depots)
    return replace(_result(cadre, depots, extractions, bruts, lots, validation), echecs=tuple(echecs))


def matching(
    frames: Mapping[str, pd.DataFrame],
    base: pd.DataFrame,
    q: Questionnaire,
    campagne: str,
    reparees: Repaired = frozenset(),
) -> Matching:
    """Respondents and their child rows, against the frame."""
    enfants = {e: frames[e] for e in q.enfants(q.racine) if e in frames}
    return Matching(frames[q.racine], enfants, base, q, campagne, reparees)


def _result(
    cadre: Cadre,
    depots: Sequence[Depot],
    extractions: Sequence[Extraction],
    bruts: Mapping[str, Lot],
    lots: Mapping[str, Lot],
    validation: Validation,
) -> Fournee:
    """Findings worded, cells accounted for (the identity is asserted here, file by file)."""
    q = cadre.q
    constats = _still_stated(validation.constats, lots, q, cadre.campagne)
    redaction = word(constats, lots, depots, q, cadre.campagne, validation.identifiants)
    comptes = accounts.build(extractions, depots, bruts, validation, q)
    accounts.check(comptes)
    tetes = tuple(
        replace(x, blocs=(), comptes=(), constats=(), altere=any(c.constat == "depot_modifie" for c in x.constats))
        for x in extractions
    )
    lieux = _places(lots.get(q.racine), q, validation.constats)
    return Fournee(
        tuple(depots), tetes, validation.kept, validation.quarantined, validation.cellules_rejetees, redaction, comptes,
        lieux, bruts,
    )  # fmt: skip


def _still_stated(
    constats: Sequence[Constat], lots: Mapping[str, Lot], q: Questionnaire, campagne: str
) -> list[Constat]:
    """Without the rejection of an answer that the respondent, asked to correct it, blanked: it is rejected, and settled."""
    reprises = {(e, r, v) for e, lot in lots.items() for r, v in borrowed(lot)}
    if not reprises:
        return list(constats)
    rule_of = judge(q, campagne)
    return [
        c
        for c in constats
        if (c.entite, c.enregistrement, c.variable) not in reprises or rule_of(c).gravite != Gravite.REJET_CELLULE
    ]


def _places(lot: Lot | None, q: Questionnaire, constats: Sequence[Constat]) -> pd.DataFrame:
    """Where each root record gives the numbers that link it to the frame, and whether they had to be repaired."""
    if lot is None:
        return pd.DataFrame(columns=list(PLACES)).astype(PLACES)
    place, repare = locator(lot), {*repairs(q), corrections.CONSTAT}
    repares = {(c.enregistrement, c.variable) for c in constats if c.constat in repare and c.entite == lot.entite}
    variables = [lien["variable"] for lien in q.enquete.get("lien_base", ()) if lien["entite"] == lot.entite]
    rangs = [
        (r, v, *place(r, v), (r, v) in repares) for v in variables if v in lot.df for r in range(len(lot.df))
    ]  # fmt: skip
    return pd.DataFrame(rangs, columns=list(PLACES)).astype(PLACES)


def _derive_all(lots: Mapping[str, Lot], q: Questionnaire, campagne: str) -> dict[str, Lot]:
    """Every lot with its derived variables; children first, since counts of children feed their parents."""
    derives = dict(lots)
    for entite in sorted(lots, key=lambda e: q.entites[e].parent is None):
        derives[entite] = derive(derives[entite], q, campagne, derives)
    return derives


def _derive_again(
    kept: Mapping[str, pd.DataFrame],
    lots: Mapping[str, Lot],
    lus: Mapping[str, set[str]],
    q: Questionnaire,
    campagne: str,
) -> dict[str, pd.DataFrame]:
    """Kept rows with their derived values as their sources now stand: a rejected cell or row no longer feeds any."""
    nus = {}
    for e, df in kept.items():
        calculees = [v.nom for v in q.variables.values() if v.derivee and v.nom in df.columns and v.nom not in lus[e]]
        nus[e] = replace(lots[e], df=df.drop(columns=calculees))
    return {e: lot.df for e, lot in _derive_all(nus, q, campagne).items()}


def read_files(cadre: Cadre, depots: Sequence[Depot], role: str) -> list[Extraction]:
    """What reading each file gave, in the order received."""
    q, campagne = cadre.q, cadre.campagne
    modeles = [m for a in q.campagnes for m in q.campagnes[a].modeles.values() if m.usage == role]
    etape = f"{campagne} : lecture " + ("de la base de sondage" if role == "base" else "des fichiers reçus")
    return read_depots(
        depots,
        cadre.projet / "raw" / campagne,
        modeles,
        progres=lambda fait, total: cadre.progres(etape, fait, total),
        **read_options(
            q.campagnes[campagne].parametres,
            workers_for(len(depots), 1 if role == "base" else cadre.ouvriers),
            base=role == "base",
        ),
    )
