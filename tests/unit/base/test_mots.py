"""Small pieces of sentences."""

from __future__ import annotations

import pytest

from cartographie.base.text import pluriel


@pytest.mark.parametrize(
    ("un", "plusieurs"),
    [
        ("répondant", "répondants"), ("système d'IA", "systèmes d'IA"), ("ferme laitière", "fermes laitières"),
        ("entité juridique de santé", "entités juridiques de santé"), ("avis", "avis"), ("unité", "unités"), ("", ""),
    ],
)  # fmt: skip
def test_several(un: str, plusieurs: str) -> None:
    assert pluriel(un) == plusieurs
