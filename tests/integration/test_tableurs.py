"""A questionnaire filled in and saved by another spreadsheet program than the one it was made for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import RACINE

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
CAMPAGNE = "2026"


def controlled(fichier: Path, projet: Path, cli: Callable[..., Any]) -> tuple[Any, Any, list[str]]:
    """What is kept of one answer, and what is said of it."""
    shutil.copytree(RACINE / "schemas", projet / "schemas")
    assert cli("ingest", CAMPAGNE, fichier, "--recu-le", "2026-05-01", "--projet", projet).statut == 0
    bilan = cli("validate", CAMPAGNE, "--projet", projet, "--json").json
    return bilan["statut"], bilan["conserves"], sorted(bilan["regles"])


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc")
@pytest.mark.parametrize("extension", ["ods", "xlsx"])
def test_saved_by_libreoffice_it_is_read_as_it_was(tmp_path: Path, cli: Callable[..., Any], extension: str) -> None:
    bon = RACINE / "tests/fautes/fichiers/bon.xlsx"
    profil = f"-env:UserInstallation=file://{tmp_path / 'profil'}"
    subprocess.run(
        [str(SOFFICE), profil, "--headless", "--convert-to", extension, "--outdir", tmp_path / "refait", bon],
        check=True, capture_output=True,
    )  # fmt: skip
    refait = tmp_path / f"refait/bon.{extension}"
    assert refait.read_bytes() != bon.read_bytes()
    assert controlled(refait, tmp_path / "a", cli) == controlled(bon, tmp_path / "b", cli)
