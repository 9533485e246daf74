"""The report of an audit, in French, to be attached to a letter: HTML, Markdown, plain values."""

from __future__ import annotations

from html import escape
from typing import Any

from cartographie.audit.audit import Audit
from cartographie.audit.etapes import Verdict
from cartographie.feuillet import html_page, html_table


def conclusion(a: Audit) -> str:
    """One sentence: does the release stand, else where it first breaks."""
    if a.premiere is not None:
        return f"La publication n'est pas conforme. Première étape où elle s'écarte : {a.premiere.titre.lower()}."
    sautees = [e for e in a.etapes if e.verdict is Verdict.SANS and e.code != "signature"]
    if sautees:
        return f"Rien ne s'oppose à la publication, mais {len(sautees)} étapes n'ont pas été vérifiées."
    return "La publication est conforme : tout a été refait à partir des fichiers reçus, et rien ne diffère."


def to_plain(a: Audit) -> dict[str, Any]:
    return {
        "campagne": a.campagne, "version": a.version, "conforme": a.conforme, "conclusion": conclusion(a),
        "premiere_etape": a.premiere.code if a.premiere else None,
        "etapes": [{"code": e.code, "titre": e.titre, "verdict": str(e.verdict), "constats": list(e.constats)} for e in a.etapes],
        "ecarts": a.ecarts.to_dict("records"),
    }  # fmt: skip


def format_markdown(a: Audit) -> str:
    lignes = [f"# Audit de la publication « {a.version} », campagne {a.campagne}", "", f"**{conclusion(a)}**", ""]
    lignes += ["| Étape | Verdict |", "|---|---|", *(f"| {e.titre} | {e.verdict} |" for e in a.etapes)]
    for e in a.etapes:
        if e.constats:
            lignes += ["", f"## {e.titre} : {e.verdict}", "", *(f"- {c}" for c in e.constats)]
    return "\n".join(lignes) + "\n"


def format_html(a: Audit) -> str:
    corps = [f"<p><strong>{escape(conclusion(a))}</strong></p>"]
    corps.append(
        html_table("Verdict de chaque étape", ["Étape", "Verdict"], [(e.titre, str(e.verdict)) for e in a.etapes])
    )
    for e in a.etapes:
        if e.constats:
            constats = "".join(f"<li>{escape(c)}</li>" for c in e.constats)
            corps.append(f"<h2>{escape(e.titre)} : {e.verdict}</h2><ul>{constats}</ul>")
    if len(a.ecarts):
        tetes = [str(c).replace("_", " ") for c in a.ecarts.columns]
        corps.append("<h2>Chaque chiffre qui diffère</h2>")
        corps.append(html_table("Avant : publié ; après : recalculé", tetes, a.ecarts.itertuples(index=False)))
    return html_page(f"Audit de la publication « {a.version} », campagne {a.campagne}", "\n".join(corps))
