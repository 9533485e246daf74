"""Is a campaign plausible enough to be published? Measured, judged by a great-expectations suite in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaPageView

from cartographie.base.errors import Statut, UserError
from cartographie.base.paper import html_page
from cartographie.base.text import decimal
from cartographie.statistics.weights import Ponderation
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import TOUS
from cartographie.survey.received import Tableau

# -------------------------------------------------------------------------------------------
# Data Docs as they may be put online: in French, without a script, a request, a clock or an identifier drawn at random.
#
# great-expectations' page loads its styles and scripts from five sites and carries the hour it was made; only its headings,
# its tables and what they say are kept.

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


# -------------------------------------------------------------------------------------------
# What is measured for each declared expectation, in per cent or in points. Confidential: exact counts are behind it.

# one row: {"code": of the expectation, "modalite": what it is measured on, "valeur": in % or points}
Mesures = list[dict[str, Any]]
ENSEMBLE = "ensemble"


def measure_answers(
    q: Questionnaire,
    attentes: Sequence[Mapping[str, Any]],
    frames: Mapping[str, pd.DataFrame],
    precedentes: Mapping[str, pd.DataFrame] | None,
) -> Mesures:
    """`rattachement`: answers linked to the frame, in % of the answers kept. `reponses`: answers kept, in % of those of the
    previous campaign (not measured without one). By modality of `par`, a variable of the respondent, when declared;
    a modality with fewer than `effectif_min` answers (of the previous campaign for `reponses`) is left out."""
    lignes: Mesures = []
    reponses = frames[q.racine]
    avant = None if precedentes is None else precedentes[q.racine]
    base = len(frames[q.base]) > 0 if q.base else False
    for a in attentes:
        par = a.get("par")
        if a["mesure"] == "rattachement" and base:
            oui, tous = _by(q, reponses[reponses["id_base"].notna()], par), _by(q, reponses, par)
        elif a["mesure"] == "reponses" and avant is not None:
            oui, tous = _by(q, reponses, par), _by(q, avant, par)
        else:
            continue
        lignes += [
            {"code": a["code"], "modalite": nom, "valeur": _pct(oui.get(nom, 0), n)}
            for nom, n in tous.items()
            if n >= a.get("effectif_min", 0)
        ]
    return lignes


def measure_figures(
    q: Questionnaire,
    annee: str,
    attentes: Sequence[Mapping[str, Any]],
    tableaux: Sequence[Tableau],
    ponderation: Ponderation | None,
) -> Mesures:
    """`chiffre`: each value of an indicator at a level. `somme`: its values at a level added up, in % of the whole's.
    `poids`: what respondents weigh, in % of the units of the frame, for each margin calibrated on."""
    par_code = {t.code: t.df for t in tableaux}
    lignes: Mesures = []
    for a in attentes:
        if a["mesure"] == "poids" and ponderation is not None:
            lignes += [
                {"code": a["code"], "modalite": f"{m.variable} {m.modalite}", "valeur": _pct(m.estimee, m.population)}
                for m in ponderation.marges.itertuples()
                if m.population
            ]
        if a["mesure"] not in ("chiffre", "somme") or a["tableau"] not in par_code:
            continue
        df = par_code[a["tableau"]]
        df = df[(df["indicateur"] == a["indicateur"]) & (df["edition"] == annee)]
        ici = _level(q, df, a.get("par"))
        if a["mesure"] == "somme":
            tout = _level(q, df, None)["valeur"].sum()
            if tout and len(ici):
                lignes.append({"code": a["code"], "modalite": ENSEMBLE, "valeur": _pct(ici["valeur"].sum(), tout)})
            continue
        ici = ici[ici["valeur"].notna() & (ici["n_repondants"].fillna(0) >= a.get("effectif_min", 0))]
        noms = _names(q, ici, a.get("par"))
        lignes += [
            {"code": a["code"], "modalite": nom, "valeur": round(float(v), 2)}
            for nom, v in zip(noms, ici["valeur"], strict=True)
        ]
    return lignes


def _pct(partie: float, tout: float) -> float:
    return round(100 * float(partie) / float(tout), 2) if tout else 0.0


def _by(q: Questionnaire, df: pd.DataFrame, variable: str | None) -> dict[str, int]:
    """Label of the modality → rows; unknown ones are left out."""
    if variable is None:
        return {ENSEMBLE: len(df)}
    if variable not in df.columns:
        return {}
    liste = q.variables[variable].nomenclature
    libelles = {c: m.libelle for c, m in q.nomenclatures[liste].modalites.items()} if liste else {}
    return {str(libelles.get(c, c)): int(n) for c, n in df[variable].value_counts().sort_index().items()}


def _level(q: Questionnaire, df: pd.DataFrame, par: str | None) -> pd.DataFrame:
    """Rows of one level of one axis, all the other axes together; without `par`, the whole."""
    garde = df["modalite_code"].eq("") & df["dimension"].eq("")
    for nom, axe in q.enquete.get("axes", {}).items():
        if "niveaux" in axe:
            niveaux = [n["code"] for n in axe["niveaux"]]
            garde &= df[f"{nom}_type"] == (par if par in niveaux else niveaux[0])
        else:
            garde &= (df[nom] != TOUS) if nom == par else (df[nom] == TOUS)
    return df[garde]


def _names(q: Questionnaire, df: pd.DataFrame, par: str | None) -> list[str]:
    for nom, axe in q.enquete.get("axes", {}).items():
        if "niveaux" in axe and par in {n["code"] for n in axe["niveaux"]}:
            return [str(x) for x in df[f"{nom}_libelle"]]
        if nom == par:
            return [str(x) for x in df[nom]]
    return [ENSEMBLE] * len(df)


# -------------------------------------------------------------------------------------------
# The great-expectations suite of a campaign, in a process of its own: one request on the standard input, one answer out.
#
# Run by cartographie.plausibility.verdict only: importing great-expectations takes seconds, which pass while tables are made.

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


# -------------------------------------------------------------------------------------------
# The suite asked to another process, and what its answer means for the release.

MONTRES = 3
# urllib3, which comes with great-expectations, opens a local port to try IPv6: told there is none, it does not
PROGRAMME = "import socket; socket.has_ipv6 = False; from cartographie.release.plausibility import main; main()"


@dataclass(frozen=True, slots=True)
class Attente:
    """One expectation, judged. `hors`: (where, value) that are not as expected; `derogation`: why it is published all the
    same, "" when it is not; `mesures`: values judged."""

    code: str
    libelle: str
    tenue: bool
    mesures: int
    hors: tuple[tuple[str, float], ...]
    derogation: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`public`: Data Docs that say what is met and hold no value; `detail`: with the values, for the producer alone."""

    attentes: tuple[Attente, ...]
    public: str
    detail: str


@contextmanager
def ask() -> Iterator[subprocess.Popen[str]]:
    """The process of the suite, which gets ready while something else is done. Telemetry is off; it ends with the block."""
    env = {**os.environ, "GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1", "PYTHONIOENCODING": "utf-8"}
    fils = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAMME],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=env,
    )  # fmt: skip
    try:
        yield fils
    finally:
        if fils.poll() is None:
            fils.kill()
        fils.wait()
        for flux in (fils.stdin, fils.stdout):
            if flux is not None:
                flux.close()


def judge(
    fils: subprocess.Popen[str], declare: Mapping[str, Any], mesures: Mesures, entete: Mapping[str, Any]
) -> Verdict:
    """`declare`: plausibilite.yaml. `entete`: campagne, titre, mention. Raises RuntimeError when the suite breaks."""
    attentes = list(declare.get("attentes", ()))
    demande = {"entete": dict(entete), "attentes": attentes, "mesures": mesures}
    sortie, _ = fils.communicate(json.dumps(demande, ensure_ascii=False))
    if fils.returncode:
        raise RuntimeError("the plausibility suite broke")
    rendu = json.loads(sortie)
    motifs = {d["code"]: d["motif"] for d in declare.get("derogations", ())}
    return Verdict(
        tuple(
            Attente(
                a["code"], a["libelle"], r["tenue"], r["mesures"],
                tuple((m, float(v)) for m, v in r["hors"]), motifs.get(a["code"], ""),
            )
            for a, r in zip(attentes, rendu["resultats"], strict=True)
        ),
        rendu["public"],
        rendu["detail"],
    )  # fmt: skip


def require_plausible(attentes: Sequence[Attente], annee: str) -> None:
    """Raise UserError E13 (status 13) naming each expectation that is neither met nor waived in writing."""
    manquees = [a for a in attentes if not a.tenue and not a.derogation]
    if manquees:
        raise UserError(
            "E13",
            f"La campagne {annee} n'est pas vraisemblable : {' ; '.join(_says(a) for a in manquees)} ; vérifiez les fichiers "
            f"reçus, ou écrivez une dérogation motivée dans schemas/{annee}/plausibilite.yaml.",
            Statut.IMPLAUSIBLE,
        )


def _says(a: Attente) -> str:
    ou = ", ".join(f"{m} : {decimal(v)}" for m, v in a.hors[:MONTRES])
    reste = f" et {len(a.hors) - MONTRES} autres" if len(a.hors) > MONTRES else ""
    return f"{a.code}, {a.libelle} ({ou}{reste})"
