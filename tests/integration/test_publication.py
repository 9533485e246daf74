"""What is put online: valid open data, a page that shows the same figures offline, maps, corrections that say what changed."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
import yaml
from conftest import RACINE

sys.path.insert(0, str(Path(__file__).parent))
from navigateur import CHROMIUM, run_in_page

CAMPAGNE = "2026"


@pytest.fixture(scope="module")
def publie(petit_projet: Path) -> Path:
    return petit_projet / "outputs" / CAMPAGNE / "provisoire"


def rows(chemin: Path) -> list[dict[str, str]]:
    with chemin.open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def data_of_page(publie: Path) -> Any:
    page = (publie / "index.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="donnees">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]


# ------------------------------------------------------------------------------------------- open data


def test_every_table_is_valid_against_its_schema(publie: Path) -> None:
    from frictionless import Package

    rapport = Package(str(publie / "datapackage.json")).validate()
    assert rapport.valid, rapport.flatten(["rowNumber", "fieldName", "type", "message"])[:5]
    paquet = json.loads((publie / "datapackage.json").read_text(encoding="utf-8"))
    chemins = {c for r in paquet["resources"] for c in ([r["path"]] if isinstance(r["path"], str) else r["path"])}
    references = {
        f"tableaux/{p.name}" for p in (publie / "tableaux").glob("*.csv") if not p.name.endswith("-excel.csv")
    }
    assert references <= chemins
    for r in paquet["resources"]:
        schema = json.loads((publie / r["schema"]).read_text(encoding="utf-8"))
        assert all(champ.get("description") for champ in schema["fields"]), r["name"]


def test_the_manifest_and_the_catalogue_say_the_bytes(publie: Path) -> None:
    manifeste = json.loads((publie / "manifeste.json").read_text(encoding="utf-8"))
    ecrits = {p.relative_to(publie).as_posix() for p in publie.rglob("*") if p.is_file()} - {"manifeste.json"}
    assert set(manifeste["sorties"]) == ecrits
    for nom, dit in manifeste["sorties"].items():
        octets = (publie / nom).read_bytes()
        assert dit == {"sha256": hashlib.sha256(octets).hexdigest(), "octets": len(octets)}, nom
    catalogue = json.loads((publie / "catalogue.jsonld").read_text(encoding="utf-8"))
    assert all((publie / d["@id"]).stat().st_size == int(d["dcat:byteSize"]) for d in catalogue["dcat:distribution"])


def test_the_cube_holds_every_table(publie: Path) -> None:
    cube = rows(next((publie / "tableaux").glob("cube_*[!l].csv")))
    tableaux = [x for p in sorted((publie / "tableaux").glob("t*[!l].csv")) for x in rows(p)]
    assert [{k: v for k, v in x.items() if k in tableaux[0]} for x in cube] == tableaux
    assert {x["obs_status"] for x in cube} <= {"A", "E", "B", "M", "Q", "L", "N", "U"}
    assert all((x["valeur"] == "") == (x["statut"] not in ("A", "u")) for x in cube)


# ------------------------------------------------------------------------------------------- page and maps


def test_the_page_is_one_light_file_that_calls_nobody(publie: Path) -> None:
    page = (publie / "index.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 1_500_000 and '<html lang="fr">' in page and "ictives" in page
    liens = re.findall(r'(?:src|href)\s*=\s*["\']([^"\']+)', page)
    assert liens and all(x.startswith("#") or (publie / x).is_file() for x in liens), liens
    assert "@import" not in page and "default-src 'none'" in page


def test_what_the_page_shows_is_what_the_tables_say(publie: Path) -> None:
    vus = 0
    for carte in data_of_page(publie)["cartes"]:
        for serie in carte["series"]:
            fichier = next((publie / "tableaux").glob(f"{serie['tableau'].lower()}_*[!l].csv"))
            publies = {
                (x["territoire_code"], x["valeur"], x["statut"], x["n_repondants"], x["ic_bas"], x["ic_haut"])
                for x in rows(fichier)
                if x["edition"] == serie["edition"] and x["territoire_type"] == carte["niveau"]
                and x["type_acteur"] == serie["acteur"] and x["modalite_libelle"] == serie["reponse"]
            }  # fmt: skip
            for code, _, valeur, statut, n, bas, haut in serie["lieux"]:
                ecrit = tuple("" if v is None else f"{v:g}" for v in (valeur, n, bas, haut))
                assert (code, ecrit[0], statut, *ecrit[1:]) in publies, (carte["code"], code)
                vus += 1
    assert vus > 100


def test_maps_have_words_a_scale_and_a_picture(publie: Path) -> None:
    svgs = sorted((publie / "cartes").glob("*.svg"))
    assert any(p.name.startswith("couverture") for p in svgs)
    for svg in svgs:
        racine = ElementTree.fromstring(svg.read_text(encoding="utf-8"))
        texte = " ".join(racine.itertext())
        ns = {"s": "http://www.w3.org/2000/svg"}
        assert racine.find("s:title", ns).text and "Carte de France" in racine.find("s:desc", ns).text  # type: ignore[union-attr, operator]
        for dit in ("Source", "ictives", "Contours", CAMPAGNE):
            assert dit in texte, (svg.name, dit)
        assert svg.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
        assert b"http://" not in svg.read_bytes().replace(b"http://www.w3.org/", b"")


# ------------------------------------------------------------------------------------------- workbook


def test_the_workbook_marks_what_is_unreliable_and_charts_what_is_published(publie: Path) -> None:
    """One sheet with a native chart for each map drawn in one panel; numbers stay numbers beside their mark."""
    classeur = openpyxl.load_workbook(next(publie.glob("*.xlsx")))
    graphiques = [ws for ws in classeur if ws._charts]
    assert graphiques and all(len(ws._charts) == 1 and ws.title.startswith("G") for ws in graphiques)
    ws = graphiques[-1]
    table = next(iter(ws.tables.values()))
    lignes = [[c.value for c in ligne] for ligne in ws[table.ref]]
    assert lignes[0][0] == "Territoire" and all(isinstance(x[1], int | float) for x in lignes[1:])
    assert [x[1] for x in lignes[1:]] == sorted((x[1] for x in lignes[1:]), reverse=True)
    t01 = classeur["T01"]
    entetes = [c.value for c in t01[next(iter(t01.tables.values())).ref.split(":")[0].replace("A", "")]]
    peu_fiables = {
        x["territoire_libelle"] for x in rows(next((publie / "tableaux").glob("t01_*[!l].csv"))) if x["statut"] == "u"
    }
    if peu_fiables:
        rang = entetes.index("Peu fiable [u]")
        marques = {
            ligne[0].value for ligne in t01.iter_rows() if ligne[rang].value not in (None, "non", "Peu fiable [u]")
        }
        assert peu_fiables == marques


# ------------------------------------------------------------------------------------------- reports


def test_the_quality_report_follows_the_nineteen_concepts(publie: Path) -> None:
    rapport = (publie / "rapport-qualite.html").read_text(encoding="utf-8")
    numeros = [int(n) for n in re.findall(r"<h2>(\d+)\. ", rapport)]
    assert numeros == list(range(1, 20))
    assert "7.1 Politique" in rapport and "7.2 Traitement" in rapport and "Vraisemblance de la campagne" in rapport


def test_the_press_sheet_gives_each_figure_its_denominator_and_interval(publie: Path) -> None:
    page = (publie / "presse.html").read_text(encoding="utf-8")
    blocs = re.findall(r'<div class="bloc">(.*?)</div>', page)
    assert blocs and all("Parmi : " in b and "Tableau T" in b for b in blocs)
    publies = [b for b in blocs if "non publié" not in b]
    assert publies and all("répondants : " in b and "intervalle à 95" in b for b in publies)


# ------------------------------------------------------------------------------------------- commands on a release


def test_our_own_release_passes_our_own_linter(publie: Path, cli: Callable[..., Any]) -> None:
    sortie = cli("lint", publie)
    assert sortie.statut == 0 and "aucun défaut" in sortie.texte


def test_preflight_says_what_is_missing(publie: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    criteres = cli("preflight", publie, "--json").json["criteres"]
    assert {c for c, manque in criteres.items() if manque} == {"contact joignable", "données réelles"}
    ailleurs = shutil.copytree(publie, tmp_path / "ici")
    next((ailleurs / "tableaux").glob("t01*[!l].csv")).unlink()
    sortie = cli("preflight", ailleurs, "--json")
    assert sortie.statut == 12 and "t01" in sortie.json["criteres"]["fichiers présents"]


def test_a_label_that_gives_an_address_is_not_published(
    mini_projet: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    ici = shutil.copytree(mini_projet, tmp_path / "espace")
    shutil.rmtree(ici / "outputs" / CAMPAGNE)
    tableau = ici / "schemas/tableaux/t01.yaml"
    declare = yaml.safe_load(tableau.read_text(encoding="utf-8"))
    declare["notes"] = ["Écrire à jeanne.dupont@hopital.fr"]
    tableau.write_text(yaml.safe_dump(declare, allow_unicode=True), encoding="utf-8")
    sortie = cli("publish", CAMPAGNE, "--version", "v1", "--projet", ici)
    assert sortie.statut == 10 and "E21" in sortie.erreurs and "X22" in sortie.erreurs
    assert "jeanne" not in sortie.erreurs + sortie.texte and not (ici / "outputs" / CAMPAGNE / "v1").exists()


def test_a_correction_says_what_it_replaces_why_and_every_figure_that_changed(
    mini_projet: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    ici = shutil.copytree(mini_projet, tmp_path / "espace")
    publier = ("publish", CAMPAGNE, "--projet", ici, "--version")
    for manque in (("--remplace", "provisoire"), ("--motif", "oubli"), ("--nature", "corrigée"), ("--nature", "autre")):
        assert "U23" in cli(*publier, "v2", *manque).erreurs, manque
    corriger = ("--nature", "corrigée", "--motif", "oubli", "--remplace")
    for version, remplacee, code in (("v2", "v0", "U21"), ("v2", "v2", "U23"), ("v2", "../2025/v1", "U12")):
        assert code in cli(*publier, version, *corriger, remplacee).erreurs, remplacee
    regle = ici / "schemas" / CAMPAGNE / "campagne.yaml"
    regle.write_text(
        regle.read_text(encoding="utf-8").replace("demi_largeur_u: 10", "demi_largeur_u: 14"), encoding="utf-8"
    )
    assert (
        "E23"
        in cli(*publier, "v2", "--nature", "corrigée", "--remplace", "provisoire", "--motif", "Seuil revu").erreurs
    )
    assert cli("load", "--projet", ici).statut == 0
    corrige = cli(
        *publier, "v2", "--nature", "corrigée", "--remplace", "provisoire", "--motif", "Seuil de fiabilité revu"
    )
    assert corrige.statut == 0, corrige.erreurs
    ancien, nouveau = ici / "outputs" / CAMPAGNE / "provisoire", ici / "outputs" / CAMPAGNE / "v2"
    revisions = rows(nouveau / "revisions.csv")
    assert {x["motif"] for x in revisions} == {"Seuil de fiabilité revu"}
    compare = cli("compare", ancien, nouveau, "--sortie", tmp_path / "ecarts", "--json").json
    assert sum(compare["ecarts"].values()) == len(revisions) == len(rows(tmp_path / "ecarts/ecarts.csv"))
    assert (tmp_path / "ecarts/ecarts.html").read_text(encoding="utf-8").count("<tr>") == len(revisions) + 1
    manifeste = json.loads((nouveau / "manifeste.json").read_text(encoding="utf-8"))
    assert manifeste["revision"] == {
        "nature": "corrigée", "remplace": "provisoire", "motif": "Seuil de fiabilité revu", "nombre": len(revisions)
    }  # fmt: skip
    assert f"{CAMPAGNE}/provisoire" in manifeste["publications_anterieures"]  # attacked together
    assert "remplace « provisoire » : Seuil de fiabilité revu" in (nouveau / "LISEZMOI.txt").read_text(encoding="utf-8")
    assert "Motif : Seuil de fiabilité revu" in (nouveau / "rapport-qualite.html").read_text(encoding="utf-8")
    assert (nouveau / "index.html").read_text(encoding="utf-8").count('href="revisions.csv"') >= 1
    avant = (nouveau / "manifeste.json").read_bytes()
    refus = cli(*publier, "v2", "--remplacer")  # only a provisional version is written again
    assert refus.statut == 15 and "est corrigée" in refus.erreurs and (nouveau / "manifeste.json").read_bytes() == avant


# ------------------------------------------------------------------------------------------- in a browser

LARGEURS = (360, 820, 1920)  # a phone, a tablet, a projector
navigateur_requis = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
MODULES = [RACINE, RACINE.parent, Path.home(), Path("/usr/local/lib"), Path("/usr/lib")]
AXE = next((f for d in MODULES if (f := d / "node_modules/axe-core/axe.min.js").is_file()), None)
if "CARTOGRAPHIE_AXE" in os.environ:
    AXE = Path(os.environ["CARTOGRAPHIE_AXE"])


@navigateur_requis
def test_the_table_on_screen_says_the_csv(publie: Path, tmp_path: Path) -> None:
    lues = run_in_page(
        publie / "index.html",
        "return Array.from(id('tableau').tBodies[0].rows).map(function(r){return [r.dataset.code,r.cells[1].textContent]})",
        tmp_path,
    )
    fichier = next((publie / "tableaux").glob("t01_*[!l].csv"))
    publies = {
        x["territoire_code"]: x["valeur"]
        for x in rows(fichier)
        if x["territoire_type"] == "region" and x["indicateur"] == "usage" and x["type_acteur"] == "TOUS"
    }
    assert dict(lues).keys() == publies.keys()
    for code, montre in lues:
        nombre = montre.replace("\u00a0%", "").replace(",", ".")
        assert (montre == "non publié" and publies[code] == "") or float(nombre) == float(publies[code]), code


@navigateur_requis
def test_everything_is_reached_with_the_keyboard(publie: Path, tmp_path: Path) -> None:
    """Arrows go from one area to the next, and say it; a button sorts the table; a choice redraws it."""
    r = run_in_page(
        publie / "index.html",
        """
        var a = document.querySelector('#dessin g[tabindex="0"]'); a.focus();
        var dit = id('lu').textContent; touche(a, 'ArrowRight');
        var suivant = document.activeElement, dit2 = id('lu').textContent;
        touche(suivant, 'ArrowLeft'); var retour = document.activeElement === a;
        var b = document.querySelector('#tableau button[data-tri="4"]'); b.click();
        var tri = b.parentNode.getAttribute('aria-sort'), titre = id('tableau-titre').textContent;
        var c = id('c-indicateur'); c.selectedIndex = 1; c.dispatchEvent(new Event('change', {bubbles: true}));
        return {dit: dit, dit2: dit2, retour: retour, tri: tri, titre: titre, titre2: id('tableau-titre').textContent,
          atteints: document.querySelectorAll('a[href],button,select').length,
          nommes: Array.from(document.querySelectorAll('#dessin g[role=img]')).every(function(g){return g.getAttribute('aria-label')})};
        """,
        tmp_path,
    )
    assert r["dit"] and r["dit2"] and r["dit"] != r["dit2"] and r["retour"] and r["nommes"]
    assert r["tri"] == "descending" and r["titre"] != r["titre2"] and r["atteints"] > 20


def test_each_value_of_the_page_has_the_command_that_takes_it_apart(publie: Path, cli: Callable[..., Any]) -> None:
    series = [s for c in data_of_page(publie)["cartes"] for s in c["series"]]
    assert all(
        s["trace"] or c["code"].startswith("evolution") for c in data_of_page(publie)["cartes"] for s in c["series"]
    )
    s, (code, _, valeur, *_) = next((s, x) for s in series if s["trace"] for x in s["lieux"] if x[2] is not None)
    programme, *arguments = shlex.split(s["trace"] + code)
    assert programme == "cartographie"
    sortie = cli(*arguments, "--json", cwd=publie.parents[2])
    assert sortie.statut == 0, sortie.erreurs
    assert float(sortie.json["publie"]["valeur"]) == valeur


@navigateur_requis
def test_a_click_on_a_value_shows_that_command(publie: Path, tmp_path: Path) -> None:
    montre, nom, cache, de, commande = run_in_page(
        publie / "index.html",
        "var c=id('c-indicateur'), b=null;"
        "for (var i=0; i<c.length && !b; i++) { c.selectedIndex=i; c.dispatchEvent(new Event('change')); b=document.querySelector('#tableau tbody button'); }"
        "b.click();"
        "return [b.textContent, b.getAttribute('aria-label'), id('preuve').hidden, id('preuve-de').textContent, id('commande').textContent]",
        tmp_path,
    )
    assert nom.startswith(montre) and not cache and de.startswith(montre)
    series = [s for c in data_of_page(publie)["cartes"] for s in c["series"]]
    assert commande in {s["trace"] + x[0] for s in series for x in s["lieux"]}


@navigateur_requis
@pytest.mark.parametrize("largeur", LARGEURS)
def test_nothing_overflows(publie: Path, tmp_path: Path, largeur: int) -> None:
    """At each width the page itself never scrolls sideways (a wide table does, inside its frame)."""
    # headless windows are never narrower than 500: the body is made as narrow as the phone
    mesure = f"document.body.style.width = '{largeur}px'; return document.body.scrollWidth"
    for nom in ("index.html", "rapport-qualite.html", "presse.html", "plausibilite.html"):
        assert run_in_page(publie / nom, mesure, tmp_path, largeur) <= largeur, nom


@navigateur_requis
@pytest.mark.skipif(AXE is None, reason="axe is not installed: npm install axe-core, or CARTOGRAPHIE_AXE=…/axe.min.js")
@pytest.mark.parametrize("theme", ["", "--force-dark-mode"])
def test_axe_finds_no_violation(publie: Path, tmp_path: Path, theme: str) -> None:
    assert AXE is not None
    script = AXE.read_text(encoding="utf-8") + (
        ";var r=await axe.run(document,{runOnly:['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']});"
        "return r.violations.map(function(v){return v.id+' '+v.nodes.slice(0,2).map(function(n){return n.target}).join(' ')})"
    )
    for nom in ("index.html", "rapport-qualite.html", "presse.html", "plausibilite.html"):
        assert run_in_page(publie / nom, script, tmp_path, prefere=theme) == [], nom
