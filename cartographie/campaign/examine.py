"""One campaign examined: only the files not examined yet are read; what each batch gave is joined, then matched to the frame.

Results do not depend on what was examined before: tests compare a campaign received in one go and file by file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cartographie.base.errors import Statut, UserError
from cartographie.base.files import versions
from cartographie.campaign import links, resume
from cartographie.campaign.batch import Cadre, Fournee, Progres, examine_files, examine_frame_files, matching
from cartographie.campaign.resume import Part, claimed_twice, gather, linked_files, repaired, useful_columns
from cartographie.decode import corrections
from cartographie.intake.store import altered, pseudonym_key, read_registre, unregistered
from cartographie.survey.conditions import set_level
from cartographie.survey.load import of_answers
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Depot, Extraction
from cartographie.validate import accounts
from cartographie.validate.wording import Redaction, order

FOURNEE_MAX = 8_000  # files examined together at most: memory is for one batch, not for a campaign
OCTETS_MAX = 400_000_000
CONSERVEES_MAX = 12  # batches kept apart; more, and the small ones are examined again together


@dataclass(frozen=True, slots=True)
class Controle:
    """All that is known of one campaign's received files once checked.

    `recu`: the answers; `base`: the sampling frame, `unites` its kept units (one row, one unit; None without a frame).
    `liens`: one row, one frame unit covered by an answer; `non_rapproches`: one row, one kept answer found nowhere in the
    frame; `recouvrements`: one row, one unit also claimed by another respondent; `proposes`: one
    row, one unit proposed for an answer found nowhere (rapprochement.propose). All four None without a frame.
    """

    campagne: str
    recu: Fournee
    base: Fournee
    unites: pd.DataFrame | None
    redaction: Redaction
    comptes: pd.DataFrame
    liens: pd.DataFrame | None
    non_rapproches: pd.DataFrame | None
    recouvrements: pd.DataFrame | None
    proposes: pd.DataFrame | None

    @property
    def depots(self) -> tuple[Depot, ...]:
        return self.recu.depots

    @property
    def extractions(self) -> tuple[Extraction, ...]:
        return self.recu.extractions


def examine(cadre: Cadre, complet: bool = True, relire: bool = False) -> Controle:
    """Everything received for one campaign. Writes nothing but a missing key and outputs/.examen (work already done).

    `complet`: with all columns, for the warehouse; else those of the control only. `relire`: as if nothing had been
    examined yet.
    """
    q, campagne = cadre.q, cadre.campagne
    base = _frame(cadre, relire)
    unites = _units(base)
    try:
        recu = _answers(cadre, base, unites, complet, relire)
    except resume.Abimee:
        recu = _answers(cadre, base, unites, complet, relire=True)
    liens = non_rapproches = recouvrements = proposes = None
    trouvees = [base.redaction, recu.redaction]
    if unites is not None and q.racine in recu.kept:
        trouve = matching(recu.kept, unites, q, campagne, repaired(recu))
        trouve.require_links()
        liens, non_rapproches, recouvrements = trouve.liens, trouve.unmatched(), trouve.overlaps()
        proposes = links.propose(recu.kept[q.racine], unites, trouve.base_ligne, liens, q, trouve.split_units())
        trouvees.append(claimed_twice(cadre, recu, recouvrements))
    redaction = Redaction(
        sorted((a for r in trouvees for a in r.anomalies), key=order),
        sorted((a for r in trouvees for a in r.confidentielles), key=order),
    )
    comptes = accounts.with_total(accounts.in_order(pd.concat([base.comptes, recu.comptes], ignore_index=True)))
    accounts.check(comptes.tail(1))
    return Controle(campagne, recu, base, unites, redaction, comptes, liens, non_rapproches, recouvrements, proposes)


def frame_for(projet: Path, q: Questionnaire, campagne: str, ouvriers: int, progres: Progres) -> Cadre:
    """What every batch of the campaign is examined with; the key of pseudonyms is drawn when it is missing."""
    registre = read_registre(projet / "raw" / campagne)
    unregistered(projet / "raw" / campagne, registre)
    return Cadre(projet, q, campagne, pseudonym_key(projet, q), ouvriers, progres, tuple(registre))


def examine_frame(
    projet: Path, q: Questionnaire, campagne: str, progres: Progres
) -> tuple[Fournee, pd.DataFrame | None]:
    """(the sampling frame examined, its kept units or None)."""
    base = _frame(frame_for(projet, q, campagne, 1, progres), relire=False)
    return base, _units(base)


def require_sound(c: Controle) -> Controle:
    """Raise UserError when the received material was altered, or its frame lost: nothing is built on that."""
    alteres = [d.chemin for f in (c.base, c.recu) for d, x in zip(f.depots, f.extractions, strict=True) if x.altere]
    if alteres:
        noms = ", ".join(alteres)
        message = (
            f"Des fichiers reçus pour {c.campagne} ont changé depuis leur réception ({noms}) : remettez les originaux."
        )
        raise UserError("U11", message)
    if c.base.depots and c.unites is None:
        message = f"La base de sondage de {c.campagne} ne se lit plus : réimportez-la avec « register »."
        raise UserError("U03", message, Statut.FICHIER_REFUSE)
    return c


# ------------------------------------------------------------------------------------------- what is examined, and what was


def _units(base: Fournee) -> pd.DataFrame | None:
    return next((df for df in base.kept.values() if len(df)), None)


def _received(cadre: Cadre, role: str) -> list[Depot]:
    return [d for d in cadre.registre if d.role == role]


def _store(cadre: Cadre, nom: str, base: Sequence[Depot]) -> Path:
    contexte = resume.context(of_answers(cadre.q.empreintes), versions("examen"), cadre.cle, base)
    return resume.open_store(cadre.projet / "outputs" / ".examen" / nom, contexte)


def _frame(cadre: Cadre, relire: bool) -> Fournee:
    """The sampling frame, examined once for all."""
    depots = _received(cadre, "base")
    ici = _store(cadre, f"{cadre.campagne}-base", ())
    connues = [] if relire else _still_true(cadre, resume.listing(ici), depots)
    if depots and connues and len(connues[-1].depots) == len(depots):
        with suppress(resume.Abimee):
            return resume.load(connues[-1], complet=True)
    resume.discard(resume.listing(ici))
    base = examine_frame_files(cadre, depots)
    if depots and not base.echecs:
        resume.save(ici, 1, base, ())
    return base


def _answers(cadre: Cadre, base: Fournee, unites: pd.DataFrame | None, complet: bool, relire: bool) -> Fournee:
    """Every answer received, as if examined together: batches still true, the other files, then those to be read together."""
    depots = _received(cadre, "reponse")
    ici = _store(cadre, cadre.campagne, base.depots)
    connues = [] if relire else _reusable(cadre, ici, depots)
    resume.discard(c for c in resume.listing(ici) if c.rang not in {k.rang for k in connues})
    inconnus = corrections.unknown(cadre.registre, cadre.q, cadre.campagne)
    connues += _examine_others(cadre, ici, depots, connues, unites, [*inconnus, *base.echecs])
    if not connues:
        return examine_files(cadre, [], unites)
    reduites = [resume.load(c, complet=False) for c in connues]
    jointe = _examine_linked(cadre, reduites, depots, unites)
    if jointe:
        rang = max(c.rang for c in connues) + 1
        connues.append(resume.save(ici, rang, jointe, useful_columns(cadre.q, cadre.campagne)))
        reduites.append(jointe)
    fournees = [resume.load(c, complet=True) for c in connues] if complet else reduites
    return gather(_parts(fournees), depots, cadre.q)


def _reusable(cadre: Cadre, ici: Path, depots: Sequence[Depot]) -> list[resume.Conservee]:
    """Batches on disk to start from: none that is no longer true, nor too many small ones."""
    connues = _still_true(cadre, resume.listing(ici), depots)
    if set_level(cadre.q, cadre.campagne) and [len(c.depots) for c in connues] != [len(depots)]:
        return []  # a rule compares all the answers: they can only be examined together
    if len(connues) > CONSERVEES_MAX:
        grandes = sorted(connues, key=lambda c: -len(c.depots))[: CONSERVEES_MAX // 2]
        connues = sorted(grandes, key=lambda c: c.rang)
    return connues


def _examine_others(
    cadre: Cadre,
    ici: Path,
    depots: Sequence[Depot],
    connues: Sequence[resume.Conservee],
    unites: pd.DataFrame | None,
    echecs: list[corrections.Echec],
) -> list[resume.Conservee]:
    """The files in no known batch, examined and kept batch by batch. `echecs`: corrections already known not to apply; raises
    UserError with all of them once every file was read."""
    deja = {d.depot for c in connues for d in c.depots}
    restants = [d for d in depots if d.depot not in deja]
    rang = max((c.rang for c in connues), default=0)
    utiles = useful_columns(cadre.q, cadre.campagne)
    nouvelles: list[resume.Conservee] = []
    lues = 0
    for lot in _batches(restants, set_level(cadre.q, cadre.campagne)):
        f = examine_files(_shifted(cadre, lues, len(restants)), lot, unites)
        echecs += f.echecs
        rang += 1
        if not f.echecs:
            nouvelles.append(resume.save(ici, rang, f, utiles))
        lues += len(lot)
    corrections.require_applied(echecs, cadre.campagne)
    return nouvelles


def _examine_linked(
    cadre: Cadre, fournees: Sequence[Fournee], depots: Sequence[Depot], unites: pd.DataFrame | None
) -> Fournee | None:
    """The files that speak of one another although examined apart, examined together; None when there are none.

    Reading them together may link yet others: again until nothing new is found.
    """
    ensemble: set[str] = set()
    jointe: Fournee | None = None
    while (
        nouveaux := linked_files(_parts([*fournees, *([jointe] if jointe else [])]), cadre.q, cadre.campagne) - ensemble
    ):
        ensemble |= nouveaux
        jointe = examine_files(cadre, [d for d in depots if d.depot in ensemble], unites)
        corrections.require_applied(jointe.echecs, cadre.campagne)
    return jointe


def _parts(fournees: Sequence[Fournee]) -> list[Part]:
    """Each batch with the files that no later one examined again."""
    proprietaire = {d.depot: i for i, f in enumerate(fournees) for d in f.depots}
    return [(f, frozenset(d.depot for d in f.depots if proprietaire[d.depot] == i)) for i, f in enumerate(fournees)]


def _still_true(cadre: Cadre, connues: Iterable[resume.Conservee], depots: Sequence[Depot]) -> list[resume.Conservee]:
    """Batches whose files are all still received, and unchanged on disk: their bytes are hashed again each time."""
    recus = {d.depot: d for d in depots}
    possibles = [c for c in connues if all(recus.get(d.depot) == d for d in c.depots)]
    dossier = cadre.projet / "raw" / cadre.campagne
    changes = altered(dossier, list({d.depot: d for c in possibles for d in c.depots}.values()))
    return [c for c in possibles if changes.isdisjoint(d.depot for d in c.depots)]


def _batches(depots: Sequence[Depot], entier: bool) -> Iterable[list[Depot]]:
    lot: list[Depot] = []
    octets = 0
    for d in depots:
        if lot and not entier and (len(lot) >= FOURNEE_MAX or octets + d.taille > OCTETS_MAX):
            yield lot
            lot, octets = [], 0
        lot.append(d)
        octets += d.taille
    if lot:
        yield lot


def _shifted(cadre: Cadre, deja: int, total: int) -> Cadre:
    """The same, its progress counted over all batches."""
    return replace(cadre, progres=lambda etape, fait, _: cadre.progres(etape, deja + fait, total))
