"""Pages are templates: every value is escaped, none is forgotten, and each stands alone."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from cartographie.base.paper import Grille, render

GABARIT = "release/templates/ecarts.html.j2"


def test_a_value_is_escaped_wherever_it_is_written() -> None:
    page = render(
        GABARIT, titre="<b>l'an</b>", alertes=['"a" & b'], resume="1 < 2",
        differences=Grille("<i>", ["x<y", "z"], [("<script>", 2), (None, "d'un")]),
    )  # fmt: skip
    assert (
        "<title>&lt;b&gt;l&#x27;an&lt;/b&gt;</title>" in page and '<p class="alerte">&quot;a&quot; &amp; b</p>' in page
    )
    assert "<p>1 &lt; 2</p>" in page and 'aria-label="&lt;i&gt;"' in page and "<script" not in page
    assert '<thead><tr><th scope="col">x&lt;y</th><th scope="col">z</th></tr></thead>' in page
    assert (
        '<tr><th scope="row">&lt;script&gt;</th><td>2</td></tr><tr><th scope="row">None</th><td>d&#x27;un</td></tr>'
        in page
    )


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render(GABARIT, titre="", alertes=[], differences=Grille("", [], []))
