"""The dictionary of a campaign, in Markdown: variables by theme, allowed answers, rules. Generated, never edited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandera.pandas as pa

from cartographie.survey.model import Questionnaire, Variable
from cartographie.survey.types import TYPES
from cartographie.validate.schema import build_schema

_SCHEMA = (
    "Ce que pandera vérifie de chaque colonne, une fois les cases lues : son type, les valeurs vides, et des contrôles qui portent le nom "
    "du constat qu'ils énoncent (voir « Règles et constats »). C'est le schéma qui juge, tel que `validate` l'exécute."
)


def build_dictionary(q: Questionnaire, campagne: str) -> str:
    """Markdown text: one section an entity, one line a variable asked or derived in that campaign, then the lists, then the rules."""
    declaree = q.campagnes[campagne]
    lignes = [f"# Dictionnaire — {q.enquete['titre']}, édition {campagne}", ""]
    if q.enquete.get("fictif"):
        lignes += ["> Données fictives : cette édition sert à la démonstration.", ""]
    lignes += [
        f"Champ : {declaree.champ}",
        "",
        f"Produit par `cartographie dictionary {campagne}` à partir de `schemas/` ; à ne pas modifier à la main.",
        "",
    ]
    posees = q.posees(campagne)
    nomenclatures: set[str] = set()
    controles = ["# Schéma de validation", "", _SCHEMA, ""]
    for entite in q.entites.values():
        variables = [
            v for v in q.variables.values() if entite.nom in v.entites and ((entite.nom, v.nom) in posees or v.derivee)
        ]
        if not variables:
            continue
        titre = f"## {entite.libelle} (`{entite.nom}`)"
        lignes += _table(titre, "Variable | Question | Réponse | Liste | Obligatoire | Publiée | Origine")
        lignes += [*(_row(v, (entite.nom, v.nom) in posees) for v in variables), ""]
        nomenclatures |= {v.nomenclature for v in variables if v.nomenclature}
        controles += _table(titre, "Variable | Type pandas | Vide admis | Contrôles")
        controles += [*_schema(build_schema(entite.nom, q, campagne), variables), ""]
    absentes = sorted(
        {v.nom for v in q.variables.values() if not v.derivee and not any((e, v.nom) in posees for e in v.entites)}
    )
    if absentes:
        lignes += ["## Non demandé dans cette édition", "", ", ".join(f"`{v}`" for v in absentes), ""]
    lignes += ["# Listes de réponses", ""]
    for nom in sorted(nomenclatures):
        modalites = q.nomenclatures[nom].valides(campagne).values()
        lignes += _table(f"## `{nom}`", "Code | Libellé | Rattaché à | Autres écritures admises")
        autres = {m.code: _cell(", ".join(m.variantes)) for m in modalites}
        lignes += [f"| `{m.code}` | {_cell(m.libelle)} | {m.parent or ''} | {autres[m.code]} |" for m in modalites]
        lignes.append("")
    lignes += [*controles, *_table("# Règles de contrôle", "Règle | Gravité | Message | Référence")]
    lignes += [f"| {r.code} | {r.gravite} | {_cell(r.message)} | {_cell(r.reference)} |" for r in q.regles_de(campagne)]
    return "\n".join(lignes) + "\n"


def _table(titre: str, colonnes: str) -> list[str]:
    """A heading, then the head of a table."""
    return [titre, "", f"| {colonnes} |", "|" + "---|" * (colonnes.count("|") + 1)]


def _row(v: Variable, lue: bool) -> str:
    bornes = f" [{v.minimum:g} ; {v.maximum:g}]" if v.minimum is not None and v.maximum is not None else ""
    publiee = "non (donnée personnelle)" if v.personnel else "oui" if v.publiable else "non"
    obligatoire = "oui" if v.obligatoire else "sous condition" if v.obligatoire_si else ""
    return (
        f"| `{v.nom}` | {_cell(v.libelle)} | {TYPES[v.type].libelle}{bornes} | {f'`{v.nomenclature}`' if v.nomenclature else ''} "
        f"| {obligatoire} | {publiee} | {'questionnaire' if lue else 'calculée'} |"
    )


def _schema(schema: pa.DataFrameSchema, variables: Iterable[Variable]) -> Iterator[str]:
    """One line a column of the schema that judges: its dtype, its checks by the names of their constats."""
    for v in variables:
        colonne = schema.columns[v.nom]
        dits = " · ".join(f"`{c.name}` {_parameters(c.statistics)}".strip() for c in colonne.checks)
        yield f"| `{v.nom}` | {TYPES[v.type].dtype} | {'oui' if colonne.nullable else 'non'} | {_cell(dits)} |"


def _parameters(parametres: Mapping[str, Any]) -> str:
    dits = []
    for nom, x in parametres.items():
        if nom == "codes":
            dits.append(f"{len(x)} réponse{'s' if len(x) > 1 else ''}")
        elif x is not None:
            dits.append(f"{nom} `{x}`" if isinstance(x, str) else f"{nom} {x:g}")
    return f"({', '.join(dits)})" if dits else ""


def _cell(texte: str) -> str:
    return " ".join(str(texte).replace("|", "\\|").split())
