"""Write the warehouse whole: temporary file beside, checks, checkpoint, fsync, rename."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from cartographie.base.errors import UserError
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Contenu
from cartographie.warehouse import prepare, scheme
from cartographie.warehouse.connection import connect, is_locked, is_on_disk, log_of, system_error

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def build(
    chemin: Path,
    contenu: Mapping[str, Contenu],
    questionnaire: Questionnaire,
    provenance: Mapping[str, str] | None = None,
) -> None:
    """Replace the warehouse `chemin` by one holding exactly these campaigns; any failure leaves the previous file.

    `provenance`: name → sha256 of what it is made from, to be compared later.

    Raises UserError E17 when another build is under way, RuntimeError (a bug) when a set-level check fails.
    """
    scheme.check_names(questionnaire)
    chemin.parent.mkdir(parents=True, exist_ok=True)
    temporary = chemin.with_name(chemin.name + ".tmp")
    _clear(temporary)
    try:
        con = connect(temporary, threads=1)  # many short statements: more threads only wait for one another
        try:
            _write(con, contenu, questionnaire, provenance or {})
            broken = verify(con, questionnaire)
            if broken:
                raise RuntimeError("entrepôt incohérent, l'ancien est conservé : " + " ; ".join(broken))
            con.execute("CHECKPOINT")
        finally:
            con.close()
        _sync(temporary)
        log_of(chemin).unlink(missing_ok=True)  # another program's: replayed over the new file, it would spoil it
        temporary.replace(chemin)
        _sync(chemin.parent)
    except duckdb.Error as e:
        if not is_on_disk(e):
            raise
        raise OSError(system_error(e), "", str(chemin)) from None
    finally:
        _clear(temporary)


def verify(con: DuckDBPyConnection, questionnaire: Questionnaire) -> list[str]:
    """Broken promises of the warehouse, worded in French, sorted; none is expected.

    Keys are unique, a child has its parent, a row leads to a received file and an Excel row, counts are the accounts'.
    """
    out = []
    for lieu, query in scheme.verifications(questionnaire):
        out += [f"{lieu} : {constat} ({nombre})" for constat, nombre in con.execute(query).fetchall() if nombre]
    return sorted(out)


def _write(
    con: DuckDBPyConnection, contenu: Mapping[str, Contenu], questionnaire: Questionnaire, provenance: Mapping[str, str]
) -> None:
    con.execute("BEGIN")
    con.execute(scheme.template("tables"))
    for entite in questionnaire.entites.values():
        con.execute(scheme.entity_table(questionnaire, entite))
    for nom, names in scheme.states_tables(questionnaire).items():
        con.execute(scheme.states_table(nom, names))
    _insert(con, "entite", pd.DataFrame([
        {"entite": e.nom, "libelle": e.libelle, "parent": e.parent, "base": e.base, "rang": i}
        for i, e in enumerate(questionnaire.entites.values())
    ]))  # fmt: skip
    _insert(con, "nomenclature", prepare.nomenclatures(questionnaire))
    _insert(con, "provenance", pd.DataFrame(sorted(provenance.items()), columns=["nom", "sha256"]))
    for campagne in sorted(contenu):
        _write_campaign(con, campagne, contenu[campagne], questionnaire)
    for entite in questionnaire.entites.values():
        for statement in scheme.choices(questionnaire, entite):
            con.execute(statement)
    for statement in scheme.views(questionnaire):
        con.execute(statement)
    con.execute("COMMIT")


def _write_campaign(con: DuckDBPyConnection, campagne: str, contenu: Contenu, questionnaire: Questionnaire) -> None:
    c = questionnaire.campagnes[campagne]
    _insert(con, "campagne", pd.DataFrame([{
        "campagne": campagne, "libelle": c.libelle, "debut": c.debut, "fin": c.fin, "champ": c.champ,
        "precedente": c.precedente,
    }]))  # fmt: skip
    kept = prepare.entity_frames(questionnaire, contenu)
    for nom, df in kept.items():
        columns = prepare.table_columns(questionnaire, questionnaire.entites[nom], df)
        _insert(con, nom, df[columns], campagne)
    asked = contenu.questions
    asked = prepare.questions(questionnaire, campagne, contenu) if asked is None else asked
    roots = kept.get(questionnaire.racine)
    for table, df, ordre in (
        ("question", asked, ("entite", "variable")),
        ("depot", contenu.depots, ("depot",)),
        ("lien_base", prepare.links(contenu.liens, roots), ("id_base", "id_repondant")),
        ("anomalie", prepare.anomalies(questionnaire, contenu.anomalies), ()),
        ("quarantaine", contenu.quarantaine, ()),
        ("compte", contenu.comptes, ()),
    ):
        if df is not None:
            _insert(con, table, df, campagne, ordre or ("ALL",))
    for entite, df in prepare.states(contenu.etats, kept):
        _insert(con, scheme.STATES + entite, df, campagne)


def _insert(
    con: DuckDBPyConnection, table: str, df: pd.DataFrame, campagne: str | None = None, ordre: tuple[str, ...] = ()
) -> None:
    """Bulk insert the columns the table knows, each cast to the table's own type; the others stay null."""
    if df.empty:
        return
    types = {row[0]: row[1] for row in con.execute(f"DESCRIBE {scheme.quote(table)}").fetchall()}
    ready, casts = {}, []
    listes: dict[str, list[list[str]]] = {}
    for nom in df.columns:
        if nom not in types or nom == "campagne" and campagne is not None or not df[nom].notna().any():
            continue
        name = scheme.quote(nom)
        if types[nom].endswith("[]"):  # each distinct list travels once
            column, listes[liste := f"l{len(listes)}"] = prepare.encode_lists(df[nom])
            casts.append(f"list_extract(${liste}::{types[nom]}[], {name} + 1) AS {name}")
        else:
            column = prepare.encode(df[nom], types[nom])
            casts.append(f"CAST({name} AS {types[nom]}) AS {name}")
        ready[nom] = column.reset_index(drop=True)
    names = [scheme.quote(n) for n in ready]
    if campagne is not None:
        names, casts = ["campagne", *names], [f"{scheme.literal(campagne)} AS campagne", *casts]
    order = ", ".join(c if c == "ALL" else scheme.quote(c) for c in ordre)
    con.register("_lot", pd.DataFrame(ready))
    con.execute(
        f"INSERT INTO {scheme.quote(table)} ({', '.join(names)}) SELECT {', '.join(casts)} FROM _lot"
        + (f" ORDER BY {order}" if order else ""),  # else: the frame's own order, already sorted
        listes,
    )
    con.unregister("_lot")


def _clear(temporary: Path) -> None:
    """Remove what a killed build left. Raises UserError E17 when a build is writing it now."""
    if temporary.exists():
        try:
            connect(temporary).close()
        except duckdb.Error as erreur:
            if is_locked(erreur):
                message = "un autre chargement de l'entrepôt est en cours ; attendez sa fin puis relancez."
                raise UserError("E17", message) from None
    for path in (temporary, log_of(temporary)):
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Flush a file (or, where the system allows it, a directory) to disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # a directory cannot be opened on Windows
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
