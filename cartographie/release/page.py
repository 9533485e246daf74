"""index.html: key figures, a map to choose from, its table, downloads, notes. Everything is inside the file."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from importlib.resources import files
from typing import Any

import pandas as pd

from cartographie.base.paper import render
from cartographie.base.text import decimal, jour
from cartographie.release.manifest import ABREGES, NOTES_COMMUNES, SANS_OBJET, Notice, alerts
from cartographie.release.maps import Carte, Geometrie, classify, format_number, is_readable, read_lieu
from cartographie.statistics.bias import adjusted_share
from cartographie.survey.published import CHANGEMENTS, EVOLUTION, TOUS, rows_at, significance, whole
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import Repondent

RAPPORTS = {
    "rapport-qualite.html": "Rapport qualité", "plausibilite.html": "Vraisemblance de la campagne",
    "presse.html": "Page de presse", "revisions.csv": "Chiffres révisés",
}  # fmt: skip
REPONDENT: Repondent = {"qui": "ceux que ce chiffre compte", "volontiers": "plus"}


def build_page(
    tableaux: Sequence[Tableau],
    cartes: Sequence[Carte],
    absentes: Sequence[str],
    g: Geometrie,
    meta: Notice,
    fichiers: Sequence[str],
) -> bytes:
    """The page. `absentes`: why other maps are not drawn; `fichiers`: relative paths offered for download. `meta.theme`: CSS added after the neutral theme."""
    donnees = {
        "cartes": list(_series(tableaux, cartes, g, meta)), "zones": g.zones,
        "niveaux": {c.niveau: g.niveaux[c.niveau] for c in cartes},
        "statuts": {k: v for k, (_, v) in ABREGES.items()}, "couverture": next((c.code for c in cartes if c.code == meta.publication.get("couverture")), None),
        "changements": CHANGEMENTS,
    }  # fmt: skip
    titre = f"{meta.titre} – édition {meta.campagne}"
    html = render(
        "release/templates/index.html.j2", titre=titre, producteur=meta.producteur, date=meta.date, jour=jour(meta.date),
        version=meta.version, licence=meta.licence, champ=meta.champ, contact=meta.contact,
        alertes=alerts(meta), chiffres=list(_figures(tableaux, meta)), credit=g.credit, avec_carte=bool(donnees["cartes"]), absentes=absentes,
        tableaux=_downloads(tableaux, fichiers), autres=[f for f in fichiers if "/" not in f or f.startswith("cartes/")],
        rapports=[(f, t) for f, t in RAPPORTS.items() if f in fichiers], notes=NOTES_COMMUNES, signes=[*ABREGES.values(), SANS_OBJET],
        donnees=_inside(json.dumps(donnees, ensure_ascii=False, separators=(",", ":"))),
        style=_lire("page.css") + _inside(meta.theme), script=_lire("page.js"),
    )  # fmt: skip
    return html.encode("utf-8")


def _inside(texte: str) -> str:
    """What a `script` or a `style` may hold without ending it."""
    return texte.replace("</", "<\\/")


def key_figures(tableaux: Sequence[Tableau], meta: Notice) -> Iterator[dict[str, Any]]:
    """The national figures that `publication.chiffres` declares: phrase, unite, denominateur, and the published row, in words.
    `rang`: among those declared; `ajustees`: (times, share, in words) of a share of respondents, by declared sensitivity."""
    par_code = {t.code: t for t in tableaux}
    facteurs = meta.publication.get("sensibilite", ())
    for rang, d in enumerate(meta.publication.get("chiffres", ())):
        t = par_code.get(d["tableau"])
        if t is None:
            continue
        ici = {
            "edition": meta.campagne, "indicateur": d["indicateur"], "dimension": d.get("dimension", ""),
            "modalite_code": d.get("modalite", ""), **whole(meta.axes),
        }  # fmt: skip
        if "denominateur" in d:
            ici["denominateur"] = d["denominateur"]
        for x in t.df[rows_at(t.df, ici)].head(1).to_dict("records"):
            vu = pd.notna(x["valeur"])
            bas, haut = (format_number(x[c] if pd.notna(x[c]) else None, x["unite"]) for c in ("ic_bas", "ic_haut"))
            ajustees = (
                _adjusted(x["valeur"], d.get("repondent", REPONDENT), facteurs)
                if d["indicateur"] in t.meta.parts
                else []
            )
            yield {
                **x, "rang": rang, "ajustees": ajustees, "si": _supposed(d.get("repondent", REPONDENT)), "dite": format_number(x["valeur"] if vu else None, x["unite"]),
                "intervalle": f"de {bas} à {haut}" if vu and pd.notna(x["ic_bas"]) else "",
                "n": "" if pd.isna(x["n_repondants"]) else int(x["n_repondants"]),
                "changement": significance(x["ic_bas"], x["ic_haut"]) if vu and x["indicateur"].endswith(EVOLUTION) else "",
                "sens": "" if x["statut"] == "A" else ABREGES[x["statut"]][1], "phrase": d.get("phrase") or t.meta.indicateurs.get(d["indicateur"], d["indicateur"]),
                "tableau": t.code, "champ": t.meta.denominateurs.get(x["denominateur"], x["denominateur"]),
                "effectif": t.meta.effectif,
            }  # fmt: skip


def _adjusted(part: float, r: Repondent, facteurs: Sequence[float]) -> list[tuple[str, str]]:
    """Of nought, of a hundred and of what is not published: nothing, since nothing would move."""
    if not 0 < part < 100:
        return []
    return [
        (f"{decimal(k)} fois", format_number(round(adjusted_share(part, k if r["volontiers"] == "plus" else 1 / k), 1), "pct"))
        for k in facteurs
    ]  # fmt: skip


def _supposed(r: Repondent) -> str:
    return f"{r['qui']} ont répondu {r['volontiers']} volontiers que les autres"


def tell_sensitivity(x: Mapping[str, Any]) -> str:
    """What a key figure would be; "" when it is no share of respondents. A function of the published figure only."""
    *dites, derniere = [f"{part} ({fois})" for fois, part in x["ajustees"]] or [""]
    dit = f"{', '.join(dites)} ou {derniere}" if dites else derniere
    return f"Si {x['si']}, la part serait de {dit}." if dit else ""


def _figures(tableaux: Sequence[Tableau], meta: Notice) -> Iterator[dict[str, str]]:
    for x in key_figures(tableaux, meta):
        detail = f"Parmi : {x['champ']}."
        detail += f" {x['effectif']} : {x['n']}." if x["n"] != "" else ""
        detail += f" Intervalle à 95\u00a0% : {x['intervalle']}." if x["intervalle"] else ""
        detail += f" {x['changement'].capitalize()}." if x["changement"] else ""
        detail += f" {x['sens'].capitalize()}." if x["sens"] else ""
        yield {
            "valeur": x["dite"], "phrase": x["phrase"], "detail": detail, "tableau": x["tableau"], "sensibilite": tell_sensitivity(x),
        }  # fmt: skip


def _series(
    tableaux: Sequence[Tableau], cartes: Sequence[Carte], g: Geometrie, meta: Notice
) -> Iterator[dict[str, Any]]:
    """One entry per map, with every edition, kind of actor and answer that its tables publish at that level for enough places."""
    par_code = {t.code: t for t in tableaux}
    declarees = {d["code"]: d for d in meta.publication.get("cartes", ())}
    axes = meta.axes
    axe = next((a for a, x in axes.items() if "niveaux" in x), "")
    acteur = next((a for a, x in axes.items() if "niveaux" not in x), None)
    for carte in cartes:
        d = declarees[carte.code]
        series: dict[tuple[str, str, str], dict[str, Any]] = {}
        for code in (d["tableau"], *d.get("avec", ())):
            t = par_code.get(code)
            if t is None:
                continue
            ici = {f"{axe}_type": d["niveau"], "indicateur": d["indicateur"], "dimension": d.get("dimension", "")}
            df = t.df[rows_at(t.df, ici)]
            qui = df[acteur] if acteur else pd.Series(TOUS, index=df.index)
            for (edition, a, modalite), bloc in df.groupby(
                [df["edition"].astype(str), qui, "modalite_code"], sort=False
            ):
                cle, lieux = (str(edition), str(a), str(modalite)), [read_lieu(x, axe) for x in bloc.to_dict("records")]
                if cle not in series and is_readable(lieux, g.niveaux[carte.niveau], meta):
                    series[cle] = {
                        "edition": edition, "acteur": a, "libelle": t.meta.libelles_axes.get(a, "Tous les acteurs"),
                        "reponse": str(bloc["modalite_libelle"].iloc[0]), "tableau": code, "champ": t.meta.champ,
                        "effectif": t.meta.effectif,
                        "lieux": [astuple(x) for x in lieux],
                        "trace": _trace_command(bloc.iloc[0].to_dict(), code, axe, acteur, meta),
                    }  # fmt: skip
        vus = [x[2] for s in series.values() for x in s["lieux"] if x[2] is not None]
        evolution = d["indicateur"].endswith(EVOLUTION)
        c = classify(vus, divergent=evolution)
        yield {
            "code": carte.code, "titre": carte.titre, "niveau": carte.niveau, "unite": carte.unite, "source": carte.source,
            "bornes": c.bornes, "couleurs": c.couleurs, "zero": c.zero, "evolution": evolution, "series": list(series.values()),
        }  # fmt: skip


def _trace_command(x: Mapping[Any, Any], code: str, axe: str, acteur: str | None, meta: Notice) -> str:
    """The command that takes a figure apart, but for the code of its place; "" for a difference, which no row makes."""
    if str(x["indicateur"]).endswith(EVOLUTION):
        return ""
    colonnes = ["edition", acteur, "dimension", "modalite_code", "indicateur", "denominateur", f"{axe}_type"]
    criteres = [f"{c}={x[c]}" for c in colonnes if c]
    dossier = f"outputs/{meta.campagne}/{meta.version}"
    return shlex.join(["cartographie", "trace", dossier, code, *criteres, f"{axe}_code="])


def _downloads(tableaux: Sequence[Tableau], fichiers: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One line per table, with its forms; then what holds them all."""
    cube = ("cube", "Tous les tableaux, une ligne par chiffre")
    for code, titre in [*((t.code, t.meta.titre) for t in tableaux), cube]:
        siens = [f for f in fichiers if f.startswith(f"tableaux/{code.lower()}_")]
        formes = ["CSV pour Excel" if f.endswith("-excel.csv") else f.rpartition(".")[2].upper() for f in siens]
        nom = code if code != "cube" else "Tous"
        yield {"code": code, "nom": nom, "titre": titre, "fichiers": list(zip(siens, formes, strict=True))}


def _lire(nom: str) -> str:
    return (files("cartographie.release") / nom).read_text(encoding="utf-8")
