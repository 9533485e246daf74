"""References inside declarations: does the variable, the entity, the operator exist, and where is it written?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cartographie.model import Questionnaire
from cartographie.questionnaire.source import Chemin, Problemes, Source


def check_known(q: Questionnaire, entite: str | None, variable: str, s: Source, chemin: Chemin, p: Problemes) -> None:
    v = q.variables.get(variable)
    if v is None:
        p.ajouter("D05", s, chemin, f"la variable « {variable} » n'est pas déclarée dans variables.yaml.")
    elif entite is not None and entite not in v.entites:
        p.ajouter("D05", s, chemin, f"la variable « {variable} » n'appartient pas à l'entité « {entite} ».")


def check_reference(q: Questionnaire, entite: str, nom: str, s: Source, chemin: Chemin, p: Problemes) -> None:
    if "." in nom:
        entite, nom = nom.split(".", 1)
        if entite not in q.entites:
            p.ajouter("D10", s, chemin, f"l'entité « {entite} » n'est pas déclarée.")
            return
    check_known(q, entite, nom, s, chemin, p)


def check_condition(
    q: Questionnaire,
    entite: str,
    condition: Any,
    s: Source,
    chemin: Chemin,
    p: Problemes,
    libres: set[str] = frozenset(),  # type: ignore[assignment]
) -> None:
    if condition is None:
        return
    for ici, genre, ou, nom in _walk(condition, entite, chemin):
        if genre == "entite":
            if nom not in q.entites:
                p.ajouter("D10", s, ici, f"l'entité « {nom} » n'est pas déclarée.")
            elif q.entites[nom].parent != ou:
                p.ajouter("D10", s, ici, f"l'entité « {nom} » n'est pas un enfant de « {ou} ».")
        elif genre == "forme":
            p.ajouter("D08", s, ici, nom)
        elif nom not in libres and ou in q.entites:
            check_reference(q, ou, nom, s, ici, p)


_OPERATEURS = {"egal", "different", "dans", "hors", "inferieur", "inferieur_ou_egal", "superieur", "superieur_ou_egal",
               "contient", "renseigne", "motif"}  # fmt: skip
_FORMES = ("variable", "nombre", "existe", "doublon", "fonction", "et", "ou", "non")


def _walk(c: Mapping[str, Any], entite: str, chemin: Chemin) -> Iterator[tuple[Chemin, str, str, str]]:
    formes = [f for f in _FORMES if f in c]
    if len(formes) != 1:
        yield chemin, "forme", entite, f"une condition a exactement une forme parmi : {', '.join(_FORMES)}."
        return
    forme = formes[0]
    operateurs = [o for o in _OPERATEURS if o in c]
    if forme in ("variable", "nombre") and len(operateurs) != 1:
        yield chemin, "forme", entite, f"il faut exactement un opérateur parmi : {', '.join(sorted(_OPERATEURS))}."
        return
    if forme == "variable":
        yield (*chemin, "variable"), "variable", entite, c["variable"]
    if operateurs and isinstance(c[operateurs[0]], Mapping) and "variable" in c[operateurs[0]]:
        yield (*chemin, operateurs[0]), "variable", entite, c[operateurs[0]]["variable"]
    if forme in ("nombre", "existe"):
        yield (*chemin, forme), "entite", entite, c[forme]
        if "si" in c:
            yield from _walk(c["si"], c[forme], (*chemin, "si"))
    for v in c.get("doublon", ()):
        yield (*chemin, "doublon"), "variable", entite, v
    for cle in ("et", "ou"):
        for i, fille in enumerate(c.get(cle, ())):
            yield from _walk(fille, entite, (*chemin, cle, i))
    if forme == "non":
        yield from _walk(c["non"], entite, (*chemin, "non"))
