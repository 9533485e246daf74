"""The process that runs great-expectations: suites and their frames in, its results and its Data Docs out, as JSON.

Nothing else imports great-expectations: that takes seconds, which pass here while the tables are made (see plausibility.ask).
Data Docs are its own pages in its own words, made of its renderers: only what they would fetch or draw at random is replaced (templates/data_docs_page), so that opening one asks nothing of anybody.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from itertools import count
from typing import Any

import great_expectations as gx
import numpy as np
import pandas as pd
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.render.renderer.page_renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, DictLoader

SOURCE = "campagne"


def run(demande: Mapping[str, Any]) -> dict[str, Any]:
    """`resultats`: what the checkpoint of each suite found, as great-expectations says it; `pages`: file → its Data Docs,
    what was found and what was expected."""
    contexte = gx.get_context(mode="ephemeral")
    contexte.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = contexte.data_sources.add_pandas(SOURCE)
    jour = datetime.fromisoformat(demande["jour"]).replace(tzinfo=UTC)  # of the campaign: no clock in what is written
    quand = RunIdentifier(run_name=demande["campagne"], run_time=jour)
    vue, resultats, pages = _Page(), [], {}
    for s in demande["suites"]:
        donnees = source.add_dataframe_asset(s["nom"]).add_batch_definition_whole_dataframe(demande["campagne"])
        suite = contexte.suites.add(gx.ExpectationSuite(name=s["nom"], expectations=s["attentes"]))
        definition = gx.ValidationDefinition(name=s["nom"], data=donnees, suite=suite)
        controle = gx.Checkpoint(
            name=s["nom"], validation_definitions=[contexte.validation_definitions.add(definition)],
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": s["reperes"]} if s["reperes"] else "SUMMARY",
        )  # fmt: skip
        frame = pd.DataFrame({c: pd.Series(v, dtype=s["types"][c]) for c, v in s["colonnes"].items()})
        passage = contexte.checkpoints.add(controle).run(batch_parameters={"dataframe": frame}, run_id=quand)
        (resultat,) = passage.run_results.values()
        resultats.append(_settled(resultat))
        pages[f"{s['nom']}.html"] = vue.page(ValidationResultsPageRenderer().render, resultat)
        pages[f"attentes-{s['nom']}.html"] = vue.page(ExpectationSuitePageRenderer().render, suite)
    return {"resultats": resultats, "pages": pages}


def _settled(resultat: ExpectationSuiteValidationResult) -> Any:
    """As JSON. What its pages cannot write (numbers of numpy) or must not (the clock) is put right in `resultat`."""
    resultat.meta["batch_markers"].pop("ge_load_time", None)
    for r in resultat.results:
        r.result = {k: v.item() if isinstance(v, np.generic) else v for k, v in r.result.items()}
    en_json: Any = resultat.to_json_dict  # untyped upstream
    return en_json()


class _Page(DefaultJinjaPageView):
    """The page of great-expectations without its sites, and with numbers instead of identifiers drawn at random."""

    def __init__(self) -> None:
        super().__init__()
        siens = self.env.loader
        assert siens is not None
        sienne = (files("cartographie.release") / "templates/data_docs_page.html.j2").read_text(encoding="utf-8")
        self.env.loader = ChoiceLoader([DictLoader({"page.j2": sienne}), siens])
        rang = count(1)
        self.env.filters["generate_html_element_uuid"] = lambda prefixe="": f"{prefixe}{next(rang)}"

    def page(self, en_document: Callable[..., object], quoi: object) -> str:
        voir: Callable[[object], str] = self.render  # both untyped upstream
        return voir(en_document(quoi)).replace("../../../../expectations/", "attentes-")  # all are in one folder


def main() -> None:
    """One request in, one answer out."""
    logging.disable(logging.CRITICAL)
    json.dump(run(json.load(sys.stdin)), sys.stdout, ensure_ascii=False)
