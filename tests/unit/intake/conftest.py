"""Workbooks built in memory."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter


@pytest.fixture
def xlsx() -> Callable[..., bytes]:
    """xlsx({"sheet": rows}, mise_en_forme=callable(workbook, sheets)) → bytes."""

    def fabrique(feuilles: dict[str, list[list[Any]]], prepare: Callable[..., None] | None = None) -> bytes:
        sortie = io.BytesIO()
        classeur = xlsxwriter.Workbook(sortie, {"in_memory": True, "strings_to_formulas": False})
        onglets = {}
        for nom, lignes in feuilles.items():
            onglets[nom] = classeur.add_worksheet(nom)
            for i, ligne in enumerate(lignes):
                onglets[nom].write_row(i, 0, ligne)
        if prepare:
            prepare(classeur, onglets)
        classeur.close()
        return sortie.getvalue()

    return fabrique
