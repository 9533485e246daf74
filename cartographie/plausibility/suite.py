"""The great-expectations suite of a campaign, in a process of its own: one request on the standard input, one answer out.

Run by cartographie.plausibility.verdict only: importing great-expectations takes seconds, which pass while tables are made.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaPageView

from cartographie.plausibility.docs import readable

COLONNES = ["code", "modalite", "valeur"]


def run_suite(demande: Mapping[str, Any]) -> dict[str, Any]:
    """`resultats`: one per expectation, in order: is it met, on how many values, which ones are not. `public`, `detail`:
    Data Docs without and with the values."""
    attentes: Sequence[Mapping[str, Any]] = demande["attentes"]
    mesures = pd.DataFrame(demande["mesures"], columns=COLONNES).astype({"valeur": float})
    contexte = gx.get_context(mode="ephemeral")
    contexte.variables.progress_bars = ProgressBarsConfig(globally=False)
    lot = (
        contexte.data_sources.add_pandas("mesures").add_dataframe_asset("mesures")
        .add_batch_definition_whole_dataframe("campagne").get_batch({"dataframe": mesures})
    )  # fmt: skip
    suite = gx.ExpectationSuite(
        name=str(demande["entete"]["titre"]),
        expectations=[
            ExpectColumnValuesToBeBetween(
                column="valeur", min_value=a.get("min"), max_value=a.get("max"), row_condition=f'code=="{a["code"]}"',
                condition_parser="pandas", notes=f"{a['code']} : {a['libelle']}", meta={"code": a["code"]},
            )
            for a in attentes
        ],
    )  # fmt: skip
    detail = lot.validate(
        suite, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["modalite"]}
    )
    public = lot.validate(suite, result_format="BOOLEAN_ONLY")
    par_code = {r.expectation_config.meta["code"]: r for r in detail.results if r.expectation_config}
    resultats = []
    for a in attentes:
        r = par_code[a["code"]]
        if r.exception_info and any(e.get("raised_exception") for e in _exceptions(r.exception_info)):
            raise RuntimeError(f"the expectation {a['code']} could not be judged")
        hors = [(x["modalite"], x["valeur"]) for x in r.result.get("unexpected_index_list") or ()]
        resultats.append({"tenue": bool(r.success), "mesures": int((mesures["code"] == a["code"]).sum()), "hors": hors})
    return {
        "resultats": resultats,
        "public": readable(_page(public), demande["entete"], attentes),
        "detail": readable(_page(detail), demande["entete"], attentes),
    }


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """GX gives one record, or one per metric."""
    return [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, Mapping)]


def _page(resultat: Any) -> str:
    vue: Any = DefaultJinjaPageView()  # untyped upstream
    return str(vue.render(ValidationResultsPageRenderer().render(resultat)))


def main() -> None:
    """One request in, one answer out."""
    logging.disable(logging.CRITICAL)
    json.dump(run_suite(json.load(sys.stdin)), sys.stdout, ensure_ascii=False)
