"""Findings put into words: which declared rule each one falls under, its cell, its French message.

Personal values never reach a message. A message template knows `{variable} {libelle} {valeur} {proposition} {cellule}
{feuille} {ligne} {fichier} {entite} {autres}`, the variable's bounds, and whatever the finding's details hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import pandas as pd

from cartographie.anomalies.catalogue import RULE, Catalogue, climb, details_of, judge, load_catalogue
from cartographie.anomalies.texte import column_letters, fill, une_ligne
from cartographie.batch import locator
from cartographie.conditions.structure import split
from cartographie.model import Anomalie, Constat, Depot, Lot, Questionnaire, Regle

__all__ = ["RULE", "Catalogue", "Redaction", "une_ligne", "climb", "column_letters", "details_of", "judge"]
__all__ += ["load_catalogue", "word"]

NO_VALUE = frozenset({"minimum", "maximum", "longueur_max", "longueur", "unite", "nomenclature", "format"})
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
    sensitive = {(c.entite, c.enregistrement, c.variable) for c in constats if _looks_personal(c, rule_of(c))}
    for c in constats:
        rule = rule_of(c)
        place = _place(c, lots, locate)
        respondent = respondents.get(climb(c.entite, c.enregistrement, root, questionnaire, parents), "")
        others = _others(c, rule, lots, questionnaire, parents, locate)
        line = _word_one(
            c, rule, place, files.get(place[0] or ""), respondent, others, questionnaire, campagne, sensitive
        )
        keyed.append(
            ((line.fichier, line.feuille, line.ligne or 0, place[3] or 0, line.regle, line.message), rule, line)
        )
    keyed.sort(key=lambda k: k[0])
    return Redaction([a for _, r, a in keyed if not r.confidentiel], [a for _, r, a in keyed if r.confidentiel])


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
        """The variable is personal, or this record's cell was found to look so."""
        return _personal(name, questionnaire) or (c.entite, c.enregistrement, name) in sensitive

    secret = hidden(c.variable) or _looks_personal(c, rule)
    letters = column_letters(column)
    shown = "" if c.valeur_recue is None else MASQUE if secret else une_ligne(c.valeur_recue)
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
    for name, value in c.details.items():
        masked = name not in NO_VALUE and (secret or hidden(name))
        own = une_ligne(value) if name in questionnaire.variables else value
        fields[name] = MASQUE if masked and value is not None else own
    fields |= {"valeur": shown, "valeur_recue": shown, "proposition": _proposal(proposed, c, secret)}
    message = fill(rule.message, fields)
    if others and "{autres}" not in rule.message:
        message += f" (autres cellules en cause : {others})"
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
    return "donnee_personnelle" in (c.constat, rule.constat)


def _personal(variable: str | None, questionnaire: Questionnaire) -> bool:
    declared = questionnaire.variables.get(variable or "")
    return declared is not None and declared.personnel


def _proposal(proposed: Any, c: Constat, secret: bool) -> str:
    if proposed is None or proposed == "":
        return ""
    return MASQUE if secret and c.proposition is not None else une_ligne(proposed, 255)


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
    """The other cells a declared rule blames: "variable (D17), …"."""
    if not c.regle or c.enregistrement is None or c.entite is None or c.entite not in lots:
        return ""
    out = []
    for reference in rule.cellules[1:]:
        entite, name = split(reference, c.entite)
        record = climb(c.entite, c.enregistrement, entite, questionnaire, parents)
        if record < 0:
            continue
        _, sheet, row, column = locate(lots[entite], record, name)
        cell = f"{column_letters(column)}{row or ''}" if column else ""
        cell = f"{sheet} !{cell}" if cell and entite != c.entite else cell
        out.append(f"{name} ({cell})" if cell else name)
    return ", ".join(out)
