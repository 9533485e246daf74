"""A release that shows an evolution says in every form whether it is significant; what it is made of stays with the producer."""

from __future__ import annotations

import csv
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import keep_tables

sys.path.insert(0, str(Path(__file__).parent))
from navigateur import CHROMIUM, run_in_page


@pytest.fixture(scope="module")
def publie(petite_campagne: Path, tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]) -> Path:
    """Sixty respondents are too few for T04 as declared: here secrecy does not bear on it."""
    projet = tmp_path_factory.mktemp("évolution") / "projet"
    shutil.copytree(petite_campagne, projet)
    t04 = keep_tables(projet, "t04") / "schemas/tableaux/t04.yaml"
    texte = t04.read_text(encoding="utf-8").replace("min_repondants: 10", "min_repondants: 2")
    t04.write_text(texte.replace("min_contributeurs: 3", "min_contributeurs: 0"), encoding="utf-8")
    for campagne in (projet / "schemas").glob("*/campagne.yaml"):  # nor is anything too imprecise to be shown
        texte = campagne.read_text(encoding="utf-8")
        assert "demi_largeur_ns: 20, effectif_ns: 10" in texte
        texte = texte.replace("demi_largeur_ns: 20, effectif_ns: 10", "demi_largeur_ns: 100, effectif_ns: 1")
        campagne.write_text(texte, encoding="utf-8")
    sorties = [cli(*commande, "--projet", projet) for commande in (("load",), ("publish", "2026"))]
    assert [s.statut for s in sorties] == [0, 0], [s.erreurs for s in sorties]
    return projet / "outputs/2026/provisoire"


def read_csv(chemin: Path) -> list[dict[str, str]]:
    with chemin.open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


@pytest.fixture(scope="module")
def evolutions(publie: Path) -> list[dict[str, str]]:
    lignes = read_csv(next((publie / "tableaux").glob("t04_*[!l].csv")))
    return [x for x in lignes if x["indicateur"].endswith(".evolution") and x["valeur"]]


def said(x: dict[str, str]) -> str:
    if float(x["ic_bas"]) > 0:
        return "hausse significative"
    return "baisse significative" if float(x["ic_haut"]) < 0 else "pas de changement significatif"


def national(evolutions: list[dict[str, str]], indicateur: str) -> dict[str, str]:
    return next(
        x for x in evolutions
        if (x["territoire_type"], x["type_acteur"], x["indicateur"]) == ("france", "TOUS", f"{indicateur}.evolution")
    )  # fmt: skip


def test_the_workbook_says_it_beside_each_evolution(publie: Path, evolutions: list[dict[str, str]]) -> None:
    feuille = openpyxl.load_workbook(next(publie.glob("*.xlsx")))["T04"]
    tetes, *lignes = feuille[next(iter(feuille.tables.values())).ref]
    noms = [c.value for c in tetes]
    assert noms[noms.index("Évolution – Utilisent l'IA (points)") + 1] == "Changement – Utilisent l'IA"
    dits = [c.value for ligne in lignes for nom, c in zip(noms, ligne, strict=True) if nom.startswith("Changement – ")]
    attendus = [said(x) for x in evolutions]
    assert sorted(d for d in dits if not d.startswith("[")) == sorted(attendus) and len(set(attendus)) > 1


def test_the_press_sheet_and_the_quality_report_say_it(publie: Path, evolutions: list[dict[str, str]]) -> None:
    dit = said(national(evolutions, "usage"))
    presse, rapport, page = (
        (publie / nom).read_text(encoding="utf-8") for nom in ("presse.html", "rapport-qualite.html", "index.html")
    )
    for texte, dit_ici in ((presse, dit), (page, dit.capitalize())):
        assert re.search(rf"évolution de cette part[^§]*?{dit_ici}[ .]((?!Tableau T).)*Tableau T04", texte)
    assert re.search(rf"Évolutions de l((?!</table>).)*{dit}", rapport, re.DOTALL)


def test_the_map_says_it_of_each_region(publie: Path, evolutions: list[dict[str, str]]) -> None:
    svg = (publie / "cartes/evolution-region_2026_donnees-fictives.svg").read_text(encoding="utf-8")
    aires = re.findall(r"<g><title>([^<]*)</title>(.*?)</g>", svg)
    regions = [x for x in evolutions if (x["territoire_type"], x["indicateur"], x["type_acteur"]) == ("region", "usage.evolution", "TOUS")]  # fmt: skip
    vus = {titre.partition(" : ")[0]: (titre, "m-stable" in dessin) for titre, dessin in aires}
    assert regions
    for x in regions:
        titre, pali = vus.pop(x["territoire_libelle"])
        assert said(x) in titre and pali == (said(x) == "pas de changement significatif"), titre
    assert not any(pali for _, pali in vus.values())


@pytest.mark.skipif(CHROMIUM is None, reason="no browser here")
def test_the_page_says_it_in_its_table(publie: Path, evolutions: list[dict[str, str]], tmp_path: Path) -> None:
    lu = run_in_page(
        publie / "index.html",
        "var c=id('c-indicateur'); c.value=Array.from(c.options).find(function(o){return /volution/.test(o.textContent)}).value;"
        "c.dispatchEvent(new Event('change'));"
        "return Array.from(document.querySelectorAll('#tableau tbody tr')).map(function(r){return [r.cells[0].textContent, r.cells[4].textContent]})",
        tmp_path,
    )
    dits = {nom: statut.rpartition(" ; ")[2] for nom, statut in lu if " ; " in statut}
    assert dits and dits == {x["territoire_libelle"]: said(x) for x in evolutions if x["territoire_type"] == "region" and x["indicateur"] == "usage.evolution" and x["type_acteur"] == "TOUS"}  # fmt: skip


def test_what_a_change_is_made_of_is_for_the_producer_only(publie: Path, evolutions: list[dict[str, str]]) -> None:
    """Its parts add up to the published evolution, and no file of the release holds them."""
    parts = {x["indicateur"]: x for x in read_csv(publie.parent / "controle/evolution.csv")}
    assert list(parts) == ["usage", "referent_ia", "charte_ia"]  # « non_usage » is not comparable
    for nom, x in parts.items():
        quatre = [float(x[c]) for c in ("memes_repondants", "poids", "entrees", "sorties")]
        assert sum(quatre) == pytest.approx(float(x["evolution"]), abs=1e-5)
        assert sum(quatre) + float(x["champ"]) == pytest.approx(float(x["evolution_tous"]), abs=1e-5)
        assert float(national(evolutions, nom)["valeur"]) == pytest.approx(float(x["evolution"]), abs=0.05001)
    assert not [p for p in publie.rglob("*.*") if "memes_repondants" in p.read_bytes().decode("utf-8", "ignore")]
