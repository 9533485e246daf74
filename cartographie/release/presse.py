"""The press sheet: one page, the declared key figures, each with its denominator, respondents and interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from cartographie.carte.cartes import format_number
from cartographie.feuillet import html_page
from cartographie.model import Tableau
from cartographie.page import key_figures
from cartographie.phrases import jour
from cartographie.release.mentions import ABREGES, NOTES_COMMUNES, mentions


def build_press_sheet(tableaux: Sequence[Tableau], meta: Mapping[str, Any]) -> str:
    """A figure that is not published says why in its place."""
    blocs = []
    for x in key_figures(tableaux, meta):
        detail = [f"Parmi : {x['champ']}"]
        if pd.notna(x["n_repondants"]):
            detail.append(f"{x['effectif'].lower()} : {int(x['n_repondants'])}")
        if pd.notna(x["valeur"]) and pd.notna(x["ic_bas"]):
            detail.append(
                f"intervalle à 95 % : de {format_number(x['ic_bas'], x['unite'])} à {format_number(x['ic_haut'], x['unite'])}"
            )
        if x["statut"] != "A":
            detail.append(ABREGES[x["statut"]][1])
        valeur = format_number(None if pd.isna(x["valeur"]) else x["valeur"], x["unite"])
        blocs.append(
            f'<div class="bloc"><p class="chiffre">{escape(valeur)}</p><p class="phrase">{escape(x["phrase"])}</p>'
            f'<p class="doux">{escape(" ; ".join(detail))}. Tableau {escape(x["tableau"])}.</p></div>'
        )
    fin = (
        f'<p class="doux">Champ : {escape(str(meta.get("champ") or ""))}. {escape(NOTES_COMMUNES[2])}</p>'
        f'<p class="doux">Source : {escape(meta["producteur"])}, édition {escape(str(meta["campagne"]))}, version '
        f'{escape(str(meta.get("version") or ""))} du {jour(str(meta["date"]))}. Licence {escape(str(meta["licence"]))}. '
        f'Contact : {escape(str(meta.get("contact") or ""))}.</p>'
    )  # fmt: skip
    titre = f"{meta['titre']}\u00a0: les chiffres clés de {meta['campagne']}"
    return html_page(titre, "\n".join([*blocs, fin]), mentions(meta))
