"""What a cell says as it is, and what had to be repaired: a repair is always a finding, and may be declined by the campaign.

Read as they are, without a finding: a typed cell of the right kind (a number, a date and its hour, VRAI/FAUX); a text that is
the exact code, label or declared spelling of a modality, alone or between separators (; | , line break) whatever the order;
digits, with a decimal point for a decimal; AAAA-MM-JJ (an hour may follow), AAAA-MM, MM/AAAA, and in a text file JJ/MM/AAAA
when its order is beyond doubt; a usual yes or no in any case; the exact characters of an identifier, as text or number.
A no-break blank is a blank. Free texts only lose blanks and invisible characters in excess, which is no repair.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from cartographie.base.text import clean, text_of
from cartographie.survey.model import Questionnaire, Variable
from cartographie.survey.received import Constat
from cartographie.survey.rules import declined, judge, repairs
from cartographie.survey.types import TYPES
from cartographie.survey.types.values import Decode, combine

BLANCS = "ecriture_normalisee"
_INSECABLES = str.maketrans({"\u00a0": " ", "\u202f": " "})
Refus = Callable[[Decode, Variable], Decode]


def tell_blanks(recue: object, lu: Decode, variable: Variable) -> Decode:
    """The same, with a finding when blanks or invisible characters in excess were overlooked to read the cell."""
    if lu.valeur is None or lu.a_juger or TYPES[variable.type].libre or not isinstance(recue, str):
        return lu
    if recue.translate(_INSECABLES).replace("\r\n", "\n") == clean(recue):
        return lu
    if BLANCS in (lu.constat, *(s.constat for s in lu.suite)):
        return lu
    dit = Decode(None, BLANCS, None if variable.personnel else written(lu.valeur), lu.details)
    return dit._replace(valeur=lu.valeur) if lu.constat is None else lu._replace(suite=(*lu.suite, dit))


def written(valeur: object) -> str:
    """A decoded value as a proposal shows it."""
    if isinstance(valeur, bool):
        return "oui" if valeur else "non"
    if isinstance(valeur, tuple):
        return " ; ".join(map(str, valeur))
    return valeur.isoformat() if isinstance(valeur, date) else text_of(valeur)


def decline(questionnaire: Questionnaire, campagne: str, entite: str) -> Refus | None:
    """How a repair that the campaign declines is undone: no value, its finding kept with what it proposed, the other repairs
    of the cell forgotten (they led to nothing). None when the campaign accepts them all.
    """
    refuses = declined(questionnaire, campagne)
    if not refuses:
        return None
    rule_of, connus = judge(questionnaire, campagne), repairs(questionnaire)

    def is_refused(constat: str, variable: Variable) -> bool:
        return bool(refuses & {constat, rule_of(Constat(constat, entite, variable=variable.nom)).code})

    def refuse(lu: Decode, variable: Variable) -> Decode:
        refusee = {d.constat for d in (lu, *lu.suite) if d.constat is not None and is_refused(d.constat, variable)}
        if not refusee:
            return lu
        return combine(None, [d for d in (lu, *lu.suite) if d.constat in refusee or d.constat not in connus])

    return refuse
