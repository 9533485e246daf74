"""SQL text: the templates of cartographie/sql filled with names that come from the declarations only, always quoted."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template

from cartographie.base.errors import DeclarationError
from cartographie.survey.model import Entite, Questionnaire
from cartographie.warehouse.content import (
    analysis_columns,
    axis_variables,
    entity_columns,
    inherited,
    loaded_variables,
    technical_columns,
)

TABLES = (
    "campagne", "entite", "depot", "question", "choix", "lien_base", "anomalie", "quarantaine", "compte",
    "nomenclature", "provenance", "etat_variable", "qualite_variable",
)  # fmt: skip
STATES = "etats_"  # prefix of the tables of states
RESERVED = {"parent", "bloc", "a_repondu", "disposition", "mode_lien", "base_ligne", "nombre_unites"}
RESERVED |= {"id_stable", "id_suite", "ordinal_parent"}


@cache
def template(nom: str) -> str:
    """Text of cartographie/sql/<nom>.sql."""
    return (files("cartographie.warehouse") / "sql" / f"{nom}.sql").read_text(encoding="utf-8")


def fill(nom: str, /, **names: str) -> str:
    return Template(template(nom)).substitute(names)


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def check_names(questionnaire: Questionnaire) -> None:
    """Raise DeclarationError when an entity or variable bears the name of a table or column of the warehouse."""
    for entite in questionnaire.entites.values():
        if entite.nom in TABLES or entite.nom.startswith(("analyse_", STATES)) or entite.nom.endswith("_panel"):
            raise _reserved("d'entité", "enquete.yaml", entite.nom)
        reserved = RESERVED | set(technical_columns(questionnaire, entite))
        for variable in loaded_variables(questionnaire, entite.nom):
            if variable.nom in reserved:
                raise _reserved("de variable", "variables.yaml", variable.nom)


def _reserved(quoi: str, fichier: str, nom: str) -> DeclarationError:
    message = f"ce nom {quoi} est réservé à l'entrepôt, choisissez-en un autre"
    return DeclarationError("E18", message, fichier, cle=nom)


def entity_table(questionnaire: Questionnaire, entite: Entite) -> str:
    columns = entity_columns(questionnaire, entite)
    return fill(
        "entite", table=quote(entite.nom), colonnes=",\n".join(f"    {quote(n)} {t}" for n, t in columns.items())
    )


def states_tables(questionnaire: Questionnaire) -> dict[str, list[str]]:
    """Entity → the variables whose state is kept; those that may be published."""
    found = {
        e.nom: [v.nom for v in loaded_variables(questionnaire, e.nom) if v.publiable]
        for e in questionnaire.entites.values()
        if not e.base
    }
    return {e: names for e, names in found.items() if names}


def states_table(entite: str, names: list[str]) -> str:
    return fill("etats", table=quote(STATES + entite), colonnes=",\n".join(f"    {quote(n)} VARCHAR" for n in names))


def _states_view(questionnaire: Questionnaire) -> str:
    parts = [
        fill("etat_variable_entite", entite=literal(e), table=quote(STATES + e), variables=", ".join(map(quote, names)))
        for e, names in states_tables(questionnaire).items()
    ]
    return fill("etat_variable", parties="".join(parts))


def choices(questionnaire: Questionnaire, entite: Entite) -> list[str]:
    """One statement per multiple choice of the entity."""
    return [
        fill("choix", entite=literal(entite.nom), table=quote(entite.nom), nom=literal(nom), variable=quote(nom),
             cle="id_base" if entite.base else "id_repondant", ordinal="1" if entite.base else "ordinal")
        for nom, type_sql in entity_columns(questionnaire, entite).items()
        if type_sql.endswith("[]")
    ]  # fmt: skip


def views(questionnaire: Questionnaire) -> list[str]:
    """Every view, in an order where each finds those it reads."""
    out = []
    if questionnaire.base is not None:
        out.append(fill("analyse_base", vue=quote("analyse_" + questionnaire.base), table=quote(questionnaire.base)))
    for entite in by_depth(questionnaire):
        if entite.base:
            continue
        vue = quote("analyse_" + entite.nom)
        if entite.parent is None:
            out.append(_root_view(questionnaire, entite, vue))
        else:
            heritees = _listed("p", inherited(questionnaire, entite.nom))
            parent = quote("analyse_" + entite.parent)
            out.append(fill("analyse_enfant", vue=vue, table=quote(entite.nom), parent=parent, heritees=heritees))
        if entite.parent is None or entite.cle_stable:
            out.append(_panel_view(questionnaire, entite))
    out.append(_states_view(questionnaire))
    racine = questionnaire.racine
    carried = set(analysis_columns(questionnaire, racine)) - {"variable", "entite", "etat"}
    heritees = _listed("p", [n for n in axis_variables(questionnaire) if n in carried])
    out.append(fill("qualite", parent=quote("analyse_" + racine), heritees=heritees))
    return out


def verifications(questionnaire: Questionnaire) -> list[tuple[str, str]]:
    """(where, query) of every set-level check; a query gives rows (constat, nombre)."""
    out = [("entrepôt", template("verify"))]
    for entite in questionnaire.entites.values():
        cle = ["campagne", "id_base"] if entite.base else ["campagne", "id_repondant"]
        if entite.parent is not None:
            cle.append("ordinal")
        out.append(
            (entite.nom, fill("verify_entite", table=quote(entite.nom), cle=", ".join(cle),
                              cle_nulle=" OR ".join(f"{c} IS NULL" for c in cle)))
        )  # fmt: skip
        if entite.parent is not None:
            out.append((entite.nom, fill("verify_enfant", table=quote(entite.nom), parent=quote(entite.parent))))
    for nom in states_tables(questionnaire):
        out.append((nom, fill("verify_etats", table=quote(STATES + nom))))
    rows = (f"SELECT campagne, depot, feuille, ligne FROM {quote(nom)}" for nom in questionnaire.entites)
    out.append(("compte", fill("verify_lignes", lignes=" UNION ".join(rows))))
    if questionnaire.base is not None:
        racine, base = quote(questionnaire.racine), quote(questionnaire.base)
        out.append(("lien_base", fill("verify_lien", racine=racine, base=base)))
    return out


def by_depth(questionnaire: Questionnaire) -> list[Entite]:
    """Entities, parents before children, declared order otherwise."""
    done: dict[str, Entite] = {}
    waiting = list(questionnaire.entites.values())
    while waiting:
        ready = [e for e in waiting if e.parent is None or e.parent in done]
        done |= {e.nom: e for e in ready}
        waiting = [e for e in waiting if e.nom not in done]
        if not ready:
            raise ValueError("entities form a cycle")
    return list(done.values())


def _listed(alias: str, names: list[str]) -> str:
    return "".join(f", {alias}.{quote(n)}" for n in names)


def _root_view(questionnaire: Questionnaire, entite: Entite, vue: str) -> str:
    """The main root is joined to the frame when the survey has one; another root has no frame."""
    own = {v.nom for v in loaded_variables(questionnaire, entite.nom)}
    base = questionnaire.base if entite.nom == questionnaire.racine else None
    in_base = {v.nom for v in loaded_variables(questionnaire, base)} if base else set()
    shared = [n for n in axis_variables(questionnaire) if n in in_base and (n not in own or n in entite.depuis_base)]
    columns = []
    for nom in analysis_columns(questionnaire, entite.nom):
        n = quote(nom)
        if nom not in shared:
            columns.append(f", r.{n}")
        elif nom in own:
            columns.append(f", coalesce(c.{n}, r.{n}) AS {n}")
        else:
            columns.append(f", c.{n}")
    accords = [f", CASE WHEN min(b.{n}) = max(b.{n}) THEN min(b.{n}) END AS {n}" for n in map(quote, shared)]
    join = f"{quote(base)} AS b ON b.campagne = l.campagne AND b.id_base = l.id_base" if base else ""
    text = fill(
        "analyse_racine", vue=vue, table=quote(entite.nom), accords="".join(accords), colonnes="".join(columns),
        jointure_base="JOIN " + join if base else "",
    )  # fmt: skip
    return text if entite.nom == questionnaire.racine else text.replace("r.id_base", "NULL::VARCHAR AS id_base")


def _panel_view(questionnaire: Questionnaire, entite: Entite) -> str:
    """A child is recognised by its stable identifier, a root by its own."""
    names = analysis_columns(questionnaire, entite.nom)
    previous = "".join(f", p.{quote(n)} AS {quote(n + '_precedente')}" for n in names)
    return fill(
        "panel", vue=quote(entite.nom + "_panel"), source=quote("analyse_" + entite.nom),
        cle="id_stable" if entite.cle_stable else "id_repondant", precedentes=previous,
    )  # fmt: skip
