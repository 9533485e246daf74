"""Data Docs as they may be put online: in French, without a script, a request, a clock or an identifier drawn at random.

great-expectations' page loads its styles and scripts from five sites and carries the hour it was made; only its headings,
its tables and what they say are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from html.parser import HTMLParser
from typing import Any

from cartographie.feuillet import html_page

GARDES = {"table", "thead", "tbody", "tr", "td", "th"}
CASES = {"td", "th"}
MUETS = {"script", "style", "nav", "footer", "head", "button", "code"}
TITRES = {"h4": "h2", "h5": "h2", "h6": "h3"}
VIDES = {"br", "img", "link", "meta", "input", "hr"}
DETAIL = "content-block-3"  # of the first section: hour of the run, fingerprint of the data
ICONES = {"fa-check-circle": "tenue", "fa-times": "non tenue"}
BORNES = {
    "greater than or equal to": "au moins", "less than or equal to": "au plus", " and ": " et ", "values must be ": "",
}  # fmt: skip
FRANCAIS = {
    "Overview": "Ensemble", "Expectation Suite:": "Suite d'attentes :", "Data asset: None": "", "Status:": "Verdict :",
    "Failed": "non tenue", "Succeeded": "tenue", "Statistics": "Décompte", "Evaluated Expectations": "Attentes évaluées",
    "Successful Expectations": "Tenues", "Unsuccessful Expectations": "Non tenues", "Success Percent": "Part tenue",
    "valeur": "Attente par attente", "Status": "Verdict", "Expectation": "Attente", "Observed Value": "Écarts",
    "Unexpected Value": "Valeur", "Count": "Fois", "modalite": "Où", "--": "–", "Sampled Unexpected Values": "Valeurs",
}  # fmt: skip


def readable(html: str, entete: Mapping[str, Any], attentes: Sequence[Mapping[str, Any]]) -> str:
    """A page of its own from GX's. `attentes`: declared, for their wording."""
    lecteur = _Lecteur({a["code"]: a["libelle"] for a in attentes})
    lecteur.feed(html)
    lecteur.close()
    corps = re.sub(r"<(h2|h3)></\1>|<thead><tr>(<th scope=.col.></th>)+</tr></thead>", "", "".join(lecteur.sortie))
    titre = f"Vraisemblance de la campagne {entete['campagne']} – {entete['titre']}"
    return html_page(titre, f"<p>{INTRODUCTION}</p>{corps}", [entete["mention"]] if entete.get("mention") else [])


INTRODUCTION = (
    "Ce que la campagne devait montrer pour être publiée (schemas, plausibilite.yaml), jugé par great-expectations. Une attente "
    "sans mesure est tenue d'office ; une attente non tenue n'est publiée qu'avec une dérogation écrite, donnée dans le rapport qualité."
)


class _Lecteur(HTMLParser):
    """Headings, tables and text of the document; everything else is left out."""

    def __init__(self, libelles: Mapping[str, str]) -> None:
        super().__init__()
        self.libelles, self.sortie = libelles, []
        self.muet = 0  # depth inside what is left out
        self.commence = False  # the document proper starts at its first section
        self.cases, self.titre = 0, False  # depth inside table cells; inside a heading
        self.texte: list[str] = []

    sortie: list[str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = dict(attrs)
        self.commence |= a.get("id") == "section-1"
        if self.muet or tag in MUETS or str(a.get("id") or "").endswith(DETAIL) or "collapse" in str(a.get("class")):
            self.muet += tag not in VIDES
            return
        if tag == "a" and a.get("data-toggle"):
            self.muet += 1
        elif tag == "strong":
            self._flush()
        elif tag == "i" and self.cases:
            self.texte.append(next((v for k, v in ICONES.items() if k in str(a.get("class"))), ""))
        elif tag in GARDES or tag in TITRES:
            self._flush()
            self.titre = tag in TITRES
            self.cases += tag in CASES
            self.sortie.append('<th scope="col">' if tag == "th" else f"<{TITRES.get(tag, tag)}>")
        elif tag == "br":
            self.texte.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self.muet:
            self.muet -= tag not in VIDES
        elif tag in GARDES or tag in TITRES:
            self._flush()
            self.titre = False
            self.cases -= tag in CASES
            self.sortie.append(f"</{TITRES.get(tag, tag)}>")
        elif tag in ("div", "p", "strong"):
            self._flush()

    def handle_data(self, data: str) -> None:
        if self.commence and not self.muet and data.strip():
            self.texte.append(FRANCAIS.get(data.strip(), data.strip()))

    def _flush(self) -> None:
        texte = re.sub(r"\s+", " ", " ".join(self.texte)).strip()
        self.texte.clear()
        if not texte:
            return
        if trouve := re.fullmatch(r'If code=="(\w+)" , then (.*?) ?\.', texte):
            bornes = trouve[2]
            for anglais, francais in BORNES.items():
                bornes = bornes.replace(anglais, francais)
            texte = f"{trouve[1]} : {self.libelles[trouve[1]]} ({bornes})"
        texte = re.sub(
            r"(\d+) unexpected values found\. ([\d.≈<]+)% of (\d+) total rows\.", r"\1 sur \3 hors de l'attente.", texte
        )
        texte = re.sub(r"≈?<?([\d.]+)% unexpected", r"\1 %", texte)
        texte = escape(
            re.sub(r"(\d)\.(\d+)", r"\1,\2", re.sub(r"(\d)\.0\b", r"\1", texte)).replace("%", " %").replace("  ", " ")
        )
        self.sortie.append(f"{texte} " if self.cases or self.titre else f"<p>{texte}</p>")
