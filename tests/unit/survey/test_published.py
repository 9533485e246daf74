"""The published-table contract: where the whole is, in any survey's axes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cartographie.secrecy.counts import Place, whole_of
from cartographie.secrecy.system import _cost
from cartographie.survey.published import TOUS, rows_at, whole

AXES: dict[str, Any] = {
    "lieu": {"niveaux": [{"code": "pays"}, {"code": "zone", "variable": "zone"}]},
    "genre": {"variable": "genre"},
}


def test_the_whole_is_the_first_level_of_an_axis_and_everybody_on_another() -> None:
    assert whole(AXES) == {"lieu_type": "pays", "genre": TOUS}
    assert whole({}) == {}
    df = pd.DataFrame(
        {"lieu_type": ["pays", "pays", "zone"], "genre": [TOUS, "g", TOUS], "edition": "2"}, index=[4, 2, 7]
    )
    assert rows_at(df, whole(AXES)).tolist() == [True, False, False]
    assert rows_at(df, {"edition": "1", **whole(AXES)}).tolist() == [False] * 3
    assert rows_at(df, {}).tolist() == [True] * 3 and rows_at(df.iloc[:0], whole(AXES)).empty


def test_a_national_figure_costs_more_to_mask_whatever_the_nation_is_called() -> None:
    assert [whole_of(a) for a in AXES.values()] == [("pays", "PAYS"), ("", TOUS)]
    lieux = [("pays", "PAYS"), ("zone", "PAYS")]
    cout = {(x[0], g): _cost(Place((x, ("", g))), AXES) for x in lieux for g in (TOUS, "g")}
    assert cout == {("pays", TOUS): 100, ("pays", "g"): 10, ("zone", TOUS): 10, ("zone", "g"): 1}
