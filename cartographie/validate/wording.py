"""Findings put into words: which declared rule each one falls under, its cell, its French message.

Personal values never reach a message, whatever the cell they were typed in, nor free texts never published. A message
template knows `{variable} {libelle} {valeur} {proposition} {cellule} {feuille} {ligne} {fichier} {entite} {autres}`, the
variable's bounds, and whatever the finding's details hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from cartographie.base.errors import tell
from cartographie.base.text import MASQUE, personal_data
from cartographie.decode.lots import Lieu, locator
from cartographie.survey.conditions import split
from cartographie.survey.model import Questionnaire, Regle
from cartographie.survey.received import Anomalie, Constat, Depot, Lot
from cartographie.survey.rules import climb, column_letters, fill, judge, une_ligne
from cartographie.survey.types import TYPES

NO_VALUE = frozenset({"minimum", "maximum", "longueur_max", "longueur", "unite", "nomenclature", "format"})
VALUE_READ = 4000  # characters looked at for personal data: more than a message ever shows


class Redaction(NamedTuple):
    """`confidentielles`: findings of confidential rules, for the producer only."""

    anomalies: Sequence[Anomalie]
    confidentielles: Sequence[Anomalie] = ()


def word(
    constats: Iterable[Constat],
    lots: Mapping[str, Lot],
    depots: Sequence[Depot],
    questionnaire: Questionnaire,
    campagne: str,
    identifiants: Mapping[int, str] | pd.Series | None = None,
) -> Redaction:
    """One Anomalie per finding, sorted by file, sheet, row, column, rule. Same inputs, same list.

    `identifiants`: respondent of each root record (default: the root frame's `id_repondant`).
    """
    rule_of, root = judge(questionnaire, campagne), questionnaire.racine
    judged = [(c, rule_of(c)) for c in constats]
    if identifiants is None and root in lots and "id_repondant" in lots[root].df.columns:
        identifiants = lots[root].df["id_repondant"]
    batch = _Batch(
        questionnaire,
        {d.depot: d for d in depots},
        {} if identifiants is None else dict(pd.Series(identifiants, dtype=object).dropna()),
        {n: lot.df["parent"].to_numpy() for n, lot in lots.items() if "parent" in lot.df.columns},
        {n: locator(lot) for n, lot in lots.items()},
        {(c.entite, c.enregistrement, c.variable) for c, rule in judged if c.variable and _looks_personal(c, rule)},
    )
    lines = sorted(((batch.word_one(c, rule, campagne), rule) for c, rule in judged), key=lambda k: order(k[0]))
    return Redaction([a for a, r in lines if not r.confidentiel], [a for a, r in lines if r.confidentiel])


def order(a: Anomalie) -> tuple[Any, ...]:
    """How findings are sorted: by file, sheet, row, column, rule."""
    return (a.fichier, a.depot, a.feuille, a.ligne or 0, len(a.colonne), a.colonne, a.regle, a.message)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the findings of a batch are worded with. `sensitive`: cells that look personal."""

    questionnaire: Questionnaire
    files: Mapping[str, Depot]
    respondents: Mapping[int, str]
    parents: Mapping[str, Any]
    locators: Mapping[str, Callable[..., Lieu]]
    sensitive: Set[tuple[str | None, int | None, str | None]]

    def word_one(self, c: Constat, rule: Regle, campagne: str) -> Anomalie:
        q = self.questionnaire
        depot, sheet, row, column = self.place(c)
        file = self.files.get(depot or "")
        variable = q.variables.get(c.variable or "")

        def hidden(name: str | None) -> bool:
            """The variable is personal or free and never published, or this record's cell was found to look personal."""
            return _unreadable(name, q) or (c.entite, c.enregistrement, name) in self.sensitive

        secret = hidden(c.variable) or _looks_personal(c, rule)
        letters, others = column_letters(column), self.others(c, rule)
        shown = MASQUE if secret and _given(c.valeur_recue) else une_ligne(c.valeur_recue)
        proposed = _proposal(c, rule, secret)
        fields: dict[str, Any] = {
            "variable": c.variable or "",
            "libelle": variable.libelle if variable else "",
            **{name: getattr(variable, name, None) for name in ("minimum", "maximum", "longueur_max")},
            "entite": q.entites[c.entite].libelle if c.entite and c.entite in q.entites else "",
            "fichier": file.nom if file else "",
            "feuille": sheet or "",
            "ligne": row,
            "colonne": letters,
            "cellule": f"{letters}{row}" if letters and row else "",
            "autres": others,
        }
        answered = c.enregistrement is not None  # else the finding quotes the questionnaire
        for name, value in c.details.items():
            masked = name not in NO_VALUE and ((answered and (secret or hidden(name))) or _discloses(value))
            own = une_ligne(value) if name in q.variables else value
            fields[name] = MASQUE if masked and _given(value) else own
        fields |= {"valeur": shown, "valeur_recue": shown, "proposition": proposed}
        message = fill(rule.message, fields)
        if others and "{autres}" not in rule.message:
            message += f" (autres cellules en cause : {others})"
        record = climb(c.entite, c.enregistrement, q.racine, q, self.parents)
        tell("anomalie", rule.code)
        return Anomalie(
            campagne=campagne, depot=depot or "", fichier=une_ligne(file.nom, 255) if file else "",
            feuille=une_ligne(sheet or "", 255), ligne=row, colonne=letters, cellule=str(fields["cellule"]),
            entite=c.entite or "", id_repondant=une_ligne(self.respondents.get(record, "")), variable=c.variable or "",
            valeur_recue=shown, regle=rule.code, gravite=rule.gravite.value, message=message, proposition=proposed,
        )  # fmt: skip

    def place(self, c: Constat) -> tuple[str | None, str | None, int | None, int | None]:
        """(file, sheet, row, column), what the finding itself states first."""
        if c.enregistrement is None or c.entite is None or c.entite not in self.locators:
            return c.depot, c.feuille, c.ligne, c.colonne
        depot, sheet, row, column = self.locators[c.entite](c.enregistrement, c.variable, c.details.get("modalite"))
        return c.depot or depot, c.feuille or sheet, c.ligne or row, c.colonne or column

    def others(self, c: Constat, rule: Regle) -> str:
        """The other cells a declared rule blames or concerns: "variable (D17), …"."""
        if not c.regle or c.enregistrement is None or c.entite is None or c.entite not in self.locators:
            return ""
        out = []
        for reference in (*rule.cellules[1:], *rule.en_cause):
            entite, name = split(reference, c.entite)
            record = climb(c.entite, c.enregistrement, entite, self.questionnaire, self.parents)
            if record < 0:
                continue
            _, sheet, row, column = self.locators[entite](record, name)
            cell = f"{column_letters(column)}{row or ''}" if column else ""
            cell = f"{sheet} !{cell}" if cell and entite != c.entite else cell
            out.append(f"{name} ({cell})" if cell else name)
        return ", ".join(out)


def _looks_personal(c: Constat, rule: Regle) -> bool:
    return "donnee_personnelle" in (c.constat, rule.constat) or _discloses(c.valeur_recue)


def _given(value: object) -> bool:
    """Not a null: a null has nothing to hide, and says that the cell was empty."""
    return value is not None and value is not pd.NA and value is not pd.NaT and value == value


def _discloses(value: object) -> bool:
    """Something typed there seems to be someone's: a mail address, a phone, health or professional number."""
    if isinstance(value, list | tuple | set | frozenset):
        return any(_discloses(v) for v in value)
    return isinstance(value, str | int | float) and personal_data(une_ligne(value, VALUE_READ)) is not None


def _unreadable(variable: str | None, questionnaire: Questionnaire) -> bool:
    v = questionnaire.variables.get(variable or "")
    return v is not None and (v.personnel or (TYPES[v.type].libre and not v.publiable))


def _proposal(c: Constat, rule: Regle, secret: bool) -> str:
    proposed = c.proposition if c.proposition is not None else rule.proposition
    if proposed is None or proposed == "":
        return ""
    return MASQUE if (secret and c.proposition is not None) or _discloses(proposed) else une_ligne(proposed, 255)
