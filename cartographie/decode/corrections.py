"""Declared corrections (schemas/<campagne>/corrections.yaml): one received cell read as another value, for a stated reason.

A correction holds only while the cell shows what was expected. Once the source is fixed, replaced or gone, it is refused:
nothing is ever corrected twice, or by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cartographie.base.errors import UserError
from cartographie.base.text import MASQUE, text_of
from cartographie.decode.lots import Cle, parts_of, raw_key
from cartographie.survey.model import Correction, Questionnaire, column_number
from cartographie.survey.received import Constat, Depot, Lot
from cartographie.survey.rules import climb, une_ligne

CONSTAT = "correction_declaree"
DOUBLE = "repondant_en_double"
_EMPREINTE, _CELLULE = re.compile("[0-9a-f]{12}"), re.compile("([A-Z]+)([0-9]+)")
Rangs = Mapping[str, Mapping[str, Sequence[tuple[int, int]]]]  # entity → file → its blocks
Place = tuple[str, int, Cle, str]  # entity, record, raw column, sheet


@dataclass(frozen=True, slots=True)
class Echec:
    """A correction that no longer applies, and why (values masked when personal)."""

    code: str
    motif: str


def apply_corrections(
    bruts: Mapping[str, Lot],
    depots: Sequence[Depot],
    q: Questionnaire,
    campagne: str,
    remplaces: Mapping[str, str | None] | None = None,
) -> tuple[dict[str, Lot], list[Constat], list[Echec]]:
    """(lots with the corrected cells, one finding each, the corrections that no longer apply).

    `bruts`: lots before decoding, left as they are: the account of the run counts what was received. Only corrections of the
    files in `depots` are looked at. `remplaces`: file → the one whose answers now stand for its own.
    """
    sortie = dict(bruts)
    constats: list[Constat] = []
    echecs: list[Echec] = []
    if not q.campagnes[campagne].corrections:
        return sortie, constats, echecs
    noms = {d.depot: d.nom for d in depots}
    rangs = {e: _by_file(lot) for e, lot in bruts.items()}
    for c in q.campagnes[campagne].corrections:
        vises = _targets(c, depots)
        if len(vises) != 1:
            continue  # said once for the whole campaign: `unknown`
        depot, refus = vises[0], ""
        autre = (remplaces or {}).get(depot)
        places = [] if autre else list(_places(c, depot, sortie, rangs))
        if autre:
            refus = f"une version plus récente, {noms.get(autre, autre)}, remplace ce fichier"
        elif not places:
            refus = "aucune réponse n'est lue dans cette case"
        elif len({feuille for *_, feuille in places}) > 1:
            places, refus = [], "plusieurs feuilles ont cette case, nommez-la"
        for entite, i, colonne, _ in places:
            variable, modalite = parts_of(colonne)
            recue = sortie[entite].df.at[i, colonne]
            recue = None if recue is None or recue != recue else recue
            personnel = q.variables[variable].personnel
            if _shown(recue) != _shown(c.attendu):
                dits = (
                    MASQUE if personnel and v is not None else f"« {une_ligne(_shown(v))} »" for v in (c.attendu, recue)
                )
                refus = "attendu {}, trouvé {}".format(*dits)
                break
            sortie[entite] = _replaced(sortie[entite], i, colonne, c.valeur)
            constats.append(_finding(c, Constat(CONSTAT, entite, i, variable, recue), modalite, personnel))
        if refus:
            ici = f"{noms[depot]}, {c.feuille + ', ' if c.feuille else ''}case {c.cellule}"
            echecs.append(Echec(c.code, f"{ici} : {refus}"))
    return sortie, constats, echecs


def unknown(depots: Sequence[Depot], q: Questionnaire, campagne: str) -> list[Echec]:
    """Corrections of a file that is not in the register of the campaign, or whose name is that of several."""
    plusieurs = "plusieurs fichiers reçus portent ce nom, donnez les 12 caractères du dépôt"
    aucun = "ce fichier n'est pas dans le registre de la campagne"
    vises = [(c, len(_targets(c, depots))) for c in q.campagnes[campagne].corrections]
    return [Echec(c.code, f"{c.depot} : {plusieurs if n else aucun}") for c, n in vises if n != 1]


def superseded(
    appliquees: Iterable[Constat], constats: Iterable[Constat], lots: Mapping[str, Lot], q: Questionnaire
) -> list[Echec]:
    """Corrections of an answer set aside because its respondent sent another one, which is kept."""
    doubles = {(c.entite, c.enregistrement) for c in constats if c.constat == DOUBLE}
    parents = {e: lot.df["parent"].to_numpy() for e, lot in lots.items()}
    motif = "le répondant a envoyé une autre réponse, qui est gardée à la place de celle-ci"
    return [
        Echec(str(c.details["correction"]), motif)
        for c in appliquees
        if c.constat == CONSTAT and (q.racine, climb(c.entite, c.enregistrement, q.racine, q, parents)) in doubles
    ]


def require_applied(echecs: Sequence[Echec], campagne: str) -> None:
    """Raise UserError (status 10) naming every correction that no longer applies."""
    if echecs:
        dits = " ; ".join(f"{e.code} ({e.motif})" for e in dict.fromkeys(echecs))
        message = f"Des corrections de schemas/{campagne}/corrections.yaml ne s'appliquent plus : {dits} ; mettez-les à jour ou retirez-les."
        raise UserError("D12", message)


# ---- one cell


def _targets(c: Correction, depots: Sequence[Depot]) -> list[str]:
    """The files a correction may mean: by identifier, else by name."""
    if _EMPREINTE.fullmatch(c.depot):
        return [d.depot for d in depots if d.depot == c.depot]
    return [d.depot for d in depots if d.nom == c.depot]


def _places(c: Correction, depot: str, lots: Mapping[str, Lot], rangs: Rangs) -> Iterator[Place]:
    """Every value read from the cell: one, unless the sheet feeds several entities. Cells taken from another file are not here."""
    trouvee = _CELLULE.fullmatch(c.cellule)
    numero, ligne = (column_number(trouvee[1]), int(trouvee[2])) if trouvee else (0, 0)
    for entite, lot in lots.items():
        for rang, debut in rangs[entite].get(depot, ()):
            bloc = lot.blocs[rang][1]
            if c.feuille not in (None, bloc.feuille):
                continue
            for colonne in bloc.colonnes:
                if colonne.colonne != numero or (colonne.ligne or ligne) != ligne:
                    continue
                r = 0 if colonne.ligne else bloc.lignes.index(ligne) if ligne in bloc.lignes else -1
                if 0 <= r < len(bloc.lignes) and (r, colonne.variable) not in bloc.reprises:
                    yield entite, debut + r, raw_key(colonne.variable, colonne.modalite), bloc.feuille


def _by_file(lot: Lot) -> dict[str, list[tuple[int, int]]]:
    """File → (rank of each of its blocks, its first record)."""
    sortie: dict[str, list[tuple[int, int]]] = {}
    debut = 0
    for rang, (depot, bloc) in enumerate(lot.blocs):
        sortie.setdefault(depot, []).append((rang, debut))
        debut += len(bloc.lignes)
    return sortie


def _shown(valeur: object) -> str:
    return "" if valeur is None else text_of(valeur)


def _replaced(lot: Lot, i: int, colonne: Cle, valeur: object) -> Lot:
    cellules = lot.df[colonne].copy()
    cellules.at[i] = valeur
    df = lot.df.copy(deep=False)
    df[colonne] = cellules  # `assign` takes no column named by a pair
    return replace(lot, df=df)


def _finding(c: Correction, trouve: Constat, modalite: str | None, personnel: bool) -> Constat:
    """`trouve`: the cell and what it held."""
    details = {"correction": c.code, "motif": c.motif, **({"modalite": modalite} if modalite else {})}
    if personnel:
        return replace(trouve, valeur_recue=MASQUE, proposition=MASQUE, details=details | {"motif": MASQUE})
    return replace(trouve, proposition=_shown(c.valeur) or "(vide)", details=details)
