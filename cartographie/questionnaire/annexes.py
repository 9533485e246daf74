"""What a campaign may declare about its release: plausibilite.yaml (what it must show), qualite.yaml (what people say of it)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cartographie.model import Questionnaire
from cartographie.questionnaire.source import Problemes, Source, as_plain, read_yaml

ANNEXES = ("plausibilite", "qualite")


def read_annexes(projet: Path, annees: Iterable[str]) -> dict[tuple[str, str], Source]:
    """(campaign, name) → those that exist, dates as text."""
    lues = {}
    for annee in annees:
        for nom in ANNEXES:
            if (projet / "schemas" / annee / f"{nom}.yaml").is_file():
                s = read_yaml(projet, f"{annee}/{nom}.yaml")
                lues[annee, nom] = Source(s.fichier, as_plain(s.contenu), s.lignes)
    return lues


def of_answers(empreintes: Mapping[str, str]) -> dict[str, str]:
    """Fingerprints of the declarations that say how an answer is read, checked and weighted: not what is then shown of it."""
    return {n: s for n, s in empreintes.items() if not n.startswith("tableaux/") and Path(n).stem not in ANNEXES}


def check_annexes(q: Questionnaire, annexes: Mapping[tuple[str, str], Source], p: Problemes) -> None:
    """Add to `p` each code given twice, each table, indicator, axis or waived expectation that does not exist."""
    for (_, nom), s in annexes.items():
        if nom == "plausibilite":
            _check_expectations(q, s, p)


def _check_expectations(q: Questionnaire, s: Source, p: Problemes) -> None:
    codes: set[str] = set()
    niveaux = {n["code"] for axe in q.enquete.get("axes", {}).values() for n in axe.get("niveaux", ())}
    axes = niveaux | {nom for nom, axe in q.enquete.get("axes", {}).items() if "niveaux" not in axe}
    for i, a in enumerate(s.contenu["attentes"]):
        ici = ("attentes", i)
        if a["code"] in codes:
            p.ajouter("D04", s, (*ici, "code"), f"l'attente « {a['code']} » est donnée deux fois.")
        codes.add(a["code"])
        _check_expectation(q, a, axes, s, ici, p)
    for i, d in enumerate(s.contenu.get("derogations", ())):
        if d["code"] not in codes:
            p.ajouter("D06", s, ("derogations", i, "code"), f"aucune attente n'a le code « {d['code']} ».")


def _check_expectation(
    q: Questionnaire, a: Mapping[str, Any], axes: set[str], s: Source, ici: tuple[Any, ...], p: Problemes
) -> None:
    par = a.get("par")
    if a["mesure"] not in ("chiffre", "somme"):
        if par is not None and (par not in q.variables or q.racine not in q.variables[par].entites):
            p.ajouter("D05", s, (*ici, "par"), f"« {par} » n'est pas une variable des répondants.")
        return
    if par is not None and par not in axes:
        p.ajouter("D06", s, (*ici, "par"), f"« {par} » n'est ni un axe ni un niveau d'axe de enquete.yaml.")
    tableau = q.tableaux.get(a["tableau"])
    if tableau is None:
        p.ajouter("D06", s, (*ici, "tableau"), f"le tableau « {a['tableau']} » n'est pas déclaré.")
    elif a["indicateur"].removesuffix(".evolution") not in {
        x["code"] for serie in tableau["series"] for x in serie["indicateurs"]
    }:
        p.ajouter(
            "D06", s, (*ici, "indicateur"), f"le tableau {a['tableau']} n'a pas d'indicateur « {a['indicateur']} »."
        )
