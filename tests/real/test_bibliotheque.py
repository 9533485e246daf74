"""The library as another statistician uses it: the notebook on a real survey, the page's example, the names it promises."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "bibliotheque.md").read_text(encoding="utf-8")
CARNET = json.loads((DOCS / "bibliotheque.ipynb").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def carnet(shared: Path) -> Mapping[str, Any]:
    """What the cells of the notebook leave behind, run in order."""
    noms: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as m:
        m.setenv("CARTOGRAPHIE_SHARED", str(shared))
        for cellule in CARNET["cells"]:
            if cellule["cell_type"] == "code":
                exec("".join(cellule["source"]), noms)
    return noms


@pytest.mark.shared
def test_weights_take_the_bias_away(carnet: Mapping[str, Any]) -> None:
    verite = carnet["verite"]
    assert abs(carnet["naive"] - verite) > 0.03
    assert carnet["bas"][0] < verite < carnet["haut"][0] and abs(carnet["part"].valeur - verite) < 0.01
    assert carnet["calage"].poids.sum() == pytest.approx(len(carnet["base"]))


@pytest.mark.shared
def test_what_is_masked_is_not_found_again(carnet: Mapping[str, Any]) -> None:
    assert carnet["retrouvees"] == 0 < carnet["retrouvees_sans"]


def test_the_notebook_keeps_no_output() -> None:
    """No figure, no path of a machine."""
    for cellule in CARNET["cells"]:
        assert not cellule.get("outputs") and cellule.get("execution_count") is None


def test_the_example_of_the_page_gives_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    exemple = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert exemple
    exec(exemple[1], {})
    attendu = [x.partition("# ")[2].partition(" : b")[0] for x in exemple[1].splitlines() if x.startswith("print")]
    assert capsys.readouterr().out.splitlines() == attendu


def test_every_name_of_the_page_is_public_and_documented() -> None:
    for section in re.split(r"(?m)^## ", PAGE):
        titre = re.search(r"`cartographie\.(statistics\.\w+)`", section.partition("\n")[0])
        for cellule in re.findall(r"(?m)^\| (`.*?) \|", section):
            for nom in re.findall(r"`([\w.]+)`", cellule):
                module, _, fonction = (nom if "." in nom else f"{titre[1] if titre else ''}.{nom}").rpartition(".")
                assert getattr(importlib.import_module(f"cartographie.{module}"), fonction).__doc__, nom


def test_the_package_says_it_is_typed() -> None:
    assert (DOCS.parent / "cartographie/py.typed").is_file()
    assert '"py.typed"' in (DOCS.parent / "pyproject.toml").read_text(encoding="utf-8")
