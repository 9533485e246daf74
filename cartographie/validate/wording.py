"""Findings put into words: which declared rule each one falls under, its cell, its French message.

Personal values never reach a message, whatever the cell they were typed in, nor free texts never published. A message template knows `{variable} {libelle} {valeur} {proposition} {cellule}
{feuille} {ligne} {fichier} {entite} {autres}`, the variable's bounds, and whatever the finding's details hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import pandas as pd

from cartographie.base.errors import tell
from cartographie.base.text import MASQUE, personal_data
from cartographie.decode.lots import locator
from cartographie.survey.conditions import split
from cartographie.survey.model import Questionnaire, Regle
from cartographie.survey.received import Anomalie, Constat, Depot, Lot
from cartographie.survey.rules import Catalogue, climb, column_letters, fill, judge, une_ligne
from cartographie.survey.types import TYPES

NO_VALUE = frozenset({"minimum", "maximum", "longueur_max", "longueur", "unite", "nomenclature", "format"})
VALUE_READ = 4000  # characters looked at for personal data: more than a message ever shows
Locate = Callable[..., tuple[str, str, int | None, int | None]]


class Redaction(NamedTuple):
    """`confidentielles`: findings of confidential rules, for the producer only."""

    anomalies: list[Anomalie]
    confidentielles: list[Anomalie]


def word(
    constats: Iterable[Constat],
    lots: Mapping[str, Lot],
    depots: Sequence[Depot],
    questionnaire: Questionnaire,
    campagne: str,
    identifiants: Mapping[int, str] | pd.Series | None = None,
    catalogue: Catalogue | None = None,
    locate: Locate | None = None,
) -> Redaction:
    """One Anomalie per finding, sorted by file, sheet, row, column, rule. Same inputs, same list.

    `identifiants`: respondent of each root record (default: the root frame's `id_repondant`).
    """
    if locate is None:
        locators = {name: locator(lot) for name, lot in lots.items()}

        def locate(lot: Lot, *cell: Any) -> tuple[str, str, int | None, int | None]:
            return locators[lot.entite](*cell)

    rule_of, files = judge(questionnaire, campagne, catalogue), {d.depot: d for d in depots}
    root = questionnaire.racine
    if identifiants is None and root in lots and "id_repondant" in lots[root].df.columns:
        identifiants = lots[root].df["id_repondant"]
    respondents = {} if identifiants is None else dict(pd.Series(identifiants, dtype=object).dropna())
    parents = {n: lot.df["parent"].to_numpy() for n, lot in lots.items() if "parent" in lot.df.columns}
    keyed = []
    constats = list(constats)
    sensitive = {
        (c.entite, c.enregistrement, c.variable) for c in constats if c.variable and _looks_personal(c, rule_of(c))
    }
    for c in constats:
        rule = rule_of(c)
        place = _place(c, lots, locate)
        respondent = respondents.get(climb(c.entite, c.enregistrement, root, questionnaire, parents), "")
        others = _others(c, rule, lots, questionnaire, parents, locate)
        line = _word_one(
            c, rule, place, files.get(place[0] or ""), respondent, others, questionnaire, campagne, sensitive
        )
        keyed.append((order(line), rule, line))
    keyed.sort(key=lambda k: k[0])
    return Redaction([a for _, r, a in keyed if not r.confidentiel], [a for _, r, a in keyed if r.confidentiel])


def order(a: Anomalie) -> tuple[Any, ...]:
    """How findings are sorted: by file, sheet, row, column, rule."""
    return (a.fichier, a.depot, a.feuille, a.ligne or 0, len(a.colonne), a.colonne, a.regle, a.message)


def _word_one(
    c: Constat,
    rule: Regle,
    place: tuple[str | None, str | None, int | None, int | None],
    file: Depot | None,
    respondent: str,
    others: str,
    questionnaire: Questionnaire,
    campagne: str,
    sensitive: Set[tuple[str | None, int | None, str | None]],
) -> Anomalie:
    depot, sheet, row, column = place
    variable = questionnaire.variables.get(c.variable or "")

    def hidden(name: str | None) -> bool:
        """The variable is personal or free and never published, or this record's cell was found to look personal."""
        return _unreadable(name, questionnaire) or (c.entite, c.enregistrement, name) in sensitive

    secret = hidden(c.variable) or _looks_personal(c, rule)
    letters = column_letters(column)
    shown = une_ligne(c.valeur_recue)
    if secret and _given(c.valeur_recue):
        shown = MASQUE
    proposed = c.proposition if c.proposition is not None else rule.proposition
    fields = {
        "variable": c.variable or "",
        "libelle": variable.libelle if variable else "",
        "minimum": variable.minimum if variable else None,
        "maximum": variable.maximum if variable else None,
        "longueur_max": variable.longueur_max if variable else None,
        "entite": questionnaire.entites[c.entite].libelle if c.entite and c.entite in questionnaire.entites else "",
        "fichier": file.nom if file else "",
        "feuille": sheet or "",
        "ligne": row,
        "colonne": letters,
        "cellule": f"{letters}{row}" if letters and row else "",
        "autres": others,
    }
    answered = c.enregistrement is not None  # a finding on a file or a header quotes the questionnaire, not an answer
    for name, value in c.details.items():
        masked = name not in NO_VALUE and ((answered and (secret or hidden(name))) or _discloses(value))
        own = une_ligne(value) if name in questionnaire.variables else value
        fields[name] = MASQUE if masked and _given(value) else own
    fields |= {"valeur": shown, "valeur_recue": shown, "proposition": _proposal(proposed, c, secret)}
    message = fill(rule.message, fields)
    if others and "{autres}" not in rule.message:
        message += f" (autres cellules en cause : {others})"
    tell("anomalie", rule.code)
    return Anomalie(
        campagne=campagne,
        depot=depot or "",
        fichier=une_ligne(file.nom, 255) if file else "",
        feuille=une_ligne(sheet or "", 255),
        ligne=row,
        colonne=letters,
        cellule=str(fields["cellule"]),
        entite=c.entite or "",
        id_repondant=une_ligne(respondent),
        variable=c.variable or "",
        valeur_recue=shown,
        regle=rule.code,
        gravite=rule.gravite.value,
        message=message,
        proposition=_proposal(proposed, c, secret),
    )


def _looks_personal(c: Constat, rule: Regle) -> bool:
    return "donnee_personnelle" in (c.constat, rule.constat) or _discloses(c.valeur_recue)


def _given(value: Any) -> bool:
    """Not a null: a null has nothing to hide, and says that the cell was empty."""
    return value is not None and value is not pd.NA and value is not pd.NaT and value == value


def _discloses(value: Any) -> bool:
    """Something typed there seems to be someone's: a mail address, a phone, health or professional number."""
    if isinstance(value, list | tuple | set | frozenset):
        return any(_discloses(v) for v in value)
    return isinstance(value, str | int | float) and personal_data(une_ligne(value, VALUE_READ)) is not None


def _unreadable(variable: str | None, questionnaire: Questionnaire) -> bool:
    v = questionnaire.variables.get(variable or "")
    return v is not None and (v.personnel or (TYPES[v.type].libre and not v.publiable))


def _proposal(proposed: Any, c: Constat, secret: bool) -> str:
    if proposed is None or proposed == "":
        return ""
    masked = (secret and c.proposition is not None) or _discloses(proposed)
    return MASQUE if masked else une_ligne(proposed, 255)


def _place(
    c: Constat, lots: Mapping[str, Lot], locate: Locate
) -> tuple[str | None, str | None, int | None, int | None]:
    """(file, sheet, row, column), what the finding itself states first."""
    if c.enregistrement is None or c.entite is None or c.entite not in lots:
        return c.depot, c.feuille, c.ligne, c.colonne
    depot, sheet, row, column = locate(lots[c.entite], c.enregistrement, c.variable, c.details.get("modalite"))
    return c.depot or depot, c.feuille or sheet, c.ligne or row, c.colonne or column


def _others(
    c: Constat,
    rule: Regle,
    lots: Mapping[str, Lot],
    questionnaire: Questionnaire,
    parents: Mapping[str, Any],
    locate: Locate,
) -> str:
    """The other cells a declared rule blames or concerns: "variable (D17), …"."""
    if not c.regle or c.enregistrement is None or c.entite is None or c.entite not in lots:
        return ""
    out = []
    for reference in (*rule.cellules[1:], *rule.en_cause):
        entite, name = split(reference, c.entite)
        record = climb(c.entite, c.enregistrement, entite, questionnaire, parents)
        if record < 0:
            continue
        _, sheet, row, column = locate(lots[entite], record, name)
        cell = f"{column_letters(column)}{row or ''}" if column else ""
        cell = f"{sheet} !{cell}" if cell and entite != c.entite else cell
        out.append(f"{name} ({cell})" if cell else name)
    return ", ".join(out)
