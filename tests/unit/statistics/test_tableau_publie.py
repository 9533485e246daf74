"""The published table is written once: no private column of a draft is named as text outside survey/published.py."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from test_tables import LAIT, frames, questionnaire, serie

from cartographie.statistics.precision import finish
from cartographie.statistics.tables import Campagne, draft_tableaux
from cartographie.survey.published import CHIFFRES, COLONNES, STATUTS, Prive, columns, key_columns, published

PAQUET = Path(__file__).resolve().parents[3] / "cartographie"
CODE = [f for f in sorted(PAQUET.rglob("*.py")) if f.name != "published.py"]
PRIVES = {str(c) for c in Prive}


@pytest.mark.parametrize("fichier", CODE, ids=lambda f: str(f.relative_to(PAQUET)))
def test_no_private_column_is_named_as_text(fichier: Path) -> None:
    for noeud in ast.walk(ast.parse(fichier.read_text(encoding="utf-8"))):
        nom = noeud.value if isinstance(noeud, ast.Constant) else noeud.arg if isinstance(noeud, ast.keyword) else None
        assert nom not in PRIVES, f"{fichier.name}:{noeud.lineno} names {nom}"  # type: ignore[attr-defined]


def test_a_draft_has_the_private_columns_and_a_table_has_none() -> None:
    q = questionnaire(serie(LAIT, croisements=((), ("zone",))))
    brouillon = draft_tableaux(q, Campagne("c1", frames()))[0]
    axes = ["territoire_type", "territoire_code", "territoire_libelle", "genre"]
    absents = {Prive.CACHE, Prive.CACHE_BASE, Prive.COMPARABLE}  # once masked, or compared
    assert set(brouillon.df.columns) == {*columns(axes), *(set(Prive) - absents)}
    t = finish(brouillon)
    assert list(t.df.columns) == columns(axes) == published(brouillon.df.columns)
    assert key_columns(t.df.columns) == [c for c in columns(axes) if c not in {"territoire_libelle", "modalite_libelle", "unite"}][
        : -len(CHIFFRES)
    ]  # fmt: skip
    assert set(t.df["statut"]) <= set(STATUTS)


def test_every_column_is_described() -> None:
    assert all(c.description.endswith(".") and c.genre in {"string", "integer", "number"} for c in COLONNES.values())
    assert {c.nom for c in COLONNES.values() if c.cle} >= {"edition", "table_id", "indicateur"}
