"""Places that a model estimates, in a release: told apart everywhere, made again from the files, or nothing leaves."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import yaml
from conftest import keep_tables, run_cli

from cartographie import warehouse
from cartographie.proof.modelled import false_estimates
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Questionnaire

CAMPAGNE = "2026"


def change(fichier: Path, **cles: Any) -> None:
    declare = yaml.safe_load(fichier.read_text(encoding="utf-8"))
    for cle, valeur in cles.items():
        *dessus, derniere = cle.split("__")
        noeud = declare
        for c in dessus:
            noeud = noeud[int(c) if c.isdigit() else c]
        noeud[derniere] = valeur
    fichier.write_text(yaml.safe_dump(declare, allow_unicode=True, sort_keys=False), encoding="utf-8")


OUTRE_MER = {"01", "02", "03", "04", "06", "COM"}


def group_overseas(schemas: Path) -> None:
    """Overseas regions together, by declarations alone: a level between the country and the regions."""
    regions = pd.read_csv(schemas / "nomenclatures/region.csv", dtype=str, keep_default_na=False)
    regions["parent"] = ["OM" if c in OUTRE_MER else "HEX" for c in regions["code"]]
    regions.to_csv(schemas / "nomenclatures/region.csv", index=False)
    passage = regions[["code", "parent"]].set_axis(["code_region", "valeur"], axis=1)
    passage.to_csv(schemas / "passages/region_vers_ensemble.csv", index=False)
    (schemas / "nomenclatures/ensemble.csv").write_text("code,libelle\nHEX,Hexagone et Corse\nOM,Outre-mer\n", "utf-8")
    ensemble = {
        "entites": ["repondant", "registre"], "type": "code", "nomenclature": "ensemble", "libelle": "Ensemble de régions",
        "rubrique": "Identification", "derivee": {"passage": "region_vers_ensemble", "de": ["code_region"]},
    }  # fmt: skip
    change(schemas / "variables.yaml", code_ensemble=ensemble)
    france, *autres = yaml.safe_load((schemas / "enquete.yaml").read_text("utf-8"))["axes"]["territoire"]["niveaux"]
    niveau = {"code": "ensemble", "libelle": "Ensemble de régions", "variable": "code_ensemble"}
    change(schemas / "enquete.yaml", axes__territoire__niveaux=[france, niveau, *autres])
    for table, fin in (("t01", "region"), ("t03", "departement")):
        change(schemas / f"tableaux/{table}.yaml", series__0__croisements=[[], ["ensemble"], [fin]])


@dataclass(frozen=True)
class Estime:
    projet: Path
    dossier: Path
    q: Questionnaire
    cadre: pd.DataFrame

    def faults(self, dossier: Path) -> list[str]:
        return false_estimates(dossier, self.q, CAMPAGNE, self.cadre)


@pytest.fixture(scope="module")
def estime(racine: Path, tmp_path_factory: pytest.TempPathFactory) -> Estime:
    """The bundled campaign, wider intervals admitted, and one covariate. Overseas regions are also together."""
    ici = tmp_path_factory.mktemp("estimé")
    shutil.copytree(racine / "schemas", ici / "schemas")
    shutil.copytree(racine / "raw", ici / "raw")
    keep_tables(ici, "t00", "t01", "t03")
    fiabilite = {"demi_largeur_u": 10, "effectif_u": 30, "demi_largeur_ns": 32, "effectif_ns": 1}
    change(ici / "schemas" / CAMPAGNE / "campagne.yaml", seuils__fiabilite=fiabilite)
    hopitaux = {"covariables": [{"variable": "type_acteur", "dans": ["ES_PUB", "ES_PNL", "ES_PCO"]}]}
    change(ici / "schemas/tableaux/t01.yaml", series__0__indicateurs__0__estimation=hopitaux)
    group_overseas(ici / "schemas")
    for commande in (["load"], ["publish", CAMPAGNE, "--version", "v1"]):
        sortie = run_cli(*commande, "--projet", ici)
        assert sortie.statut == 0, sortie.erreurs
    q = load_questionnaire(ici)
    with warehouse.open_readonly(ici / "outputs/entrepot.duckdb") as con:
        cadre = warehouse.analysis_frames(con, CAMPAGNE)[str(q.base)]
    return Estime(ici, ici / "outputs" / CAMPAGNE / "v1", q, cadre)


def figures(dossier: Path, table: str = "t01", niveaux: tuple[str, ...] = ("region", "departement")) -> pd.DataFrame:
    df = pd.read_csv(
        next((dossier / "tableaux").glob(f"{table}_*[!l].csv")), dtype=str, keep_default_na=False, encoding="utf-8"
    )
    return df[(df["indicateur"] == "usage") & df["territoire_type"].isin(niveaux)].set_index("territoire_code")


def test_overseas_regions_are_one_place_by_declaration(estime: Estime) -> None:
    """What it and the rest of the country count is what the country counts; the release, which holds every level, is proven."""
    ensembles, france = (figures(estime.dossier, niveaux=(n,))["n_repondants"] for n in ("ensemble", "france"))
    assert list(ensembles.index) == ["HEX", "OM"]
    assert ensembles.astype(int).sum() == int(france["FRANCE"])
    outre_mer = pd.to_numeric(figures(estime.dossier)["n_repondants"]).filter(items=OUTRE_MER)
    assert outre_mer.sum() <= int(ensembles["OM"])


def texts(dossier: Path, feuille: str) -> set[str]:
    classeur = openpyxl.load_workbook(next(dossier.glob("*.xlsx")))
    return {str(c.value) for ligne in classeur[feuille].iter_rows() for c in ligne}


def test_published_places_make_the_others(estime: Estime) -> None:
    r = figures(estime.dossier)
    estimes, observes = r[r["statut"] == "e"], r[r["statut"].isin(["A", "u"])]
    assert len(estimes) >= 5 and len(observes) >= 7
    assert set(estimes["obs_status"]) == {"E"} and set(estimes["conf_status"]) == {"F"}
    bornes = estimes[["ic_bas", "valeur", "ic_haut"]].astype(float)
    assert (bornes.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None) and bornes.stack().between(0, 100).all()
    assert not estime.faults(estime.dossier)


def test_a_place_estimated_is_told_apart_in_every_form(estime: Estime) -> None:
    codes = set(figures(estime.dossier).query("statut == 'e'").index)
    svg = next((estime.dossier / "cartes").glob("usage-region*.svg")).read_text(encoding="utf-8")
    hachures = re.findall(r'<title>([^<]*)</title><use href="#c-(\d+)"[^>]*/><use [^>]*url\(#m-e', svg)
    assert {c for _, c in hachures} == codes & set(re.findall(r'id="c-(\d+)"', svg))
    assert all(dit.endswith("estimé par un modèle") for dit, _ in hachures)
    assert "hachuré : estimé par un modèle" in svg and "ce n'est pas une observation" in svg
    assert "Estimé par un modèle [e]" in texts(estime.dossier, "T01")
    assert any("ce n'est pas une observation" in x for x in texts(estime.dossier, "Notes"))
    page = (estime.dossier / "index.html").read_text(encoding="utf-8")
    donnees = json.loads(page.partition('id="donnees">')[2].partition("</script>")[0].replace("<\\/", "</"))
    serie = next(s for c in donnees["cartes"] if c["code"] == "usage-region" for s in c["series"])
    assert {x[0] for x in serie["lieux"] if x[3] == "e"} == codes


def test_a_map_with_too_few_places_is_said_and_not_drawn(estime: Estime, tmp_path: Path) -> None:
    """Asked for three points, no department is published, nor can any be estimated: the page sends to the table, which says why."""
    ici = tmp_path / "sévère"
    shutil.copytree(estime.projet, ici)
    fiabilite = {"demi_largeur_u": 3, "effectif_u": 30, "demi_largeur_ns": 3, "effectif_ns": 1}
    change(ici / "schemas" / CAMPAGNE / "campagne.yaml", seuils__fiabilite=fiabilite)
    for commande in (["load"], ["publish", CAMPAGNE, "--version", "v2"]):
        sortie = run_cli(*commande, "--projet", ici)
        assert sortie.statut == 0, sortie.erreurs
    dossier = ici / "outputs" / CAMPAGNE / "v2"
    assert not set(figures(dossier, "t03")["statut"]) & {"A", "u", "e"}
    assert not list((dossier / "cartes").glob("usage-departement*"))
    page = (dossier / "index.html").read_text(encoding="utf-8")
    assert re.search(r"par département », 2026 : 0 valeurs publiées ou estimées sur \d+.*60\u00a0%.*tableau T03", page)
    assert any("trop peu de lieux sont publiés" in x for x in texts(dossier, "Notes"))


def test_a_model_s_figure_has_no_answers_behind_it(estime: Estime) -> None:
    code = figures(estime.dossier).query("statut == 'e'").index[0]
    criteres = ["indicateur=usage", "territoire_type=region", f"territoire_code={code}"]
    sortie = run_cli("trace", estime.dossier, "T01", *criteres, "--projet", estime.projet)
    assert sortie.statut == 2 and "U28" in sortie.erreurs and "estimé par un modèle" in sortie.erreurs


@pytest.mark.parametrize("faute", ["valeur", "borne", "en trop", "oublié"])
def test_another_figure_than_the_model_s_is_seen(estime: Estime, tmp_path: Path, faute: str) -> None:
    copie = Path(shutil.copytree(estime.dossier, tmp_path / "copie"))
    fichier = next((copie / "tableaux").glob("t01_*[!l].csv"))
    df = pd.read_csv(fichier, dtype=str, keep_default_na=False, encoding="utf-8")
    rang = df.index[(df["statut"] == "e") & (df["valeur"] != "")][-1]
    if faute == "valeur":
        df.loc[rang, "valeur"] = f"{float(df.loc[rang, 'valeur']) + 0.1:.1f}"
    elif faute == "borne":
        df.loc[rang, "ic_haut"] = f"{float(df.loc[rang, 'ic_haut']) - 0.1:.1f}"
    elif faute == "oublié":
        df.loc[rang, ["valeur", "ic_bas", "ic_haut", "statut"]] = ["", "", "", "n"]
    else:  # of an indicator that nothing declares to be estimated
        rang = df.index[(df["statut"] == "n") & (df["indicateur"] == "production")][0]
        df.loc[rang, ["valeur", "statut"]] = ["50", "e"]
    df.to_csv(fichier, index=False, encoding="utf-8", quoting=csv.QUOTE_MINIMAL)
    fautes = estime.faults(copie)
    assert len(fautes) == 1 and f"{fichier.name}, ligne {rang + 2} :" in fautes[0], fautes


# the masked figure itself, under the model's sign
DIRECT = """
import cartographie.statistics.places as p, cartographie.statistics.precision as s
finir, estimer, vraies = s.finish, p.with_estimates, {}
def garde(t):
    vraies[t.code] = t.df["valeur"].to_numpy()
    return finir(t)
def casse(t, *reste):
    r = estimer(t, *reste)
    for i in r.df.index[r.df["statut"] == "e"]:
        if vraies[t.code][i] == vraies[t.code][i]:
            r.df.loc[i, "valeur"] = vraies[t.code][i]
            break
    return r
s.finish, p.with_estimates = garde, casse
"""


def test_a_masked_figure_under_the_model_s_sign_exits_14_and_shows_nothing(estime: Estime) -> None:
    sortie = run_cli("publish", CAMPAGNE, "--projet", estime.projet, "--version", "essai", avant=DIRECT)
    assert sortie.statut == 14, sortie.erreurs
    assert "E20" in sortie.erreurs and "un chiffre estimé n'est pas celui" in sortie.erreurs
    assert not [p.name for p in (estime.projet / "outputs" / CAMPAGNE).iterdir() if "essai" in p.name]
