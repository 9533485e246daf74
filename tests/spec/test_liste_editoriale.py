"""schemas/<campagne>/editorial.yaml, by example: what must be shown, what is masked last, what is published without it all the same.

The survey is the one of one page (test_une_enquete_en_une_page): of ten answers, 50 % use the tool; group B has four, two of them « oui ».
"""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import keep_tables

PAGE = runpy.run_path(str(Path(__file__).with_name("test_une_enquete_en_une_page.py")))
figure = PAGE["figure"]
K01 = '{code: K01, libelle: "part des sites qui utilisent l\'outil", tableau: T01, indicateur: usage}'
PAR_GROUPE = "{tableau: T01, indicateur: usage, par: groupe}"
MOTIF = "trop peu de sites ont répondu à la première vague"
DEROGATION = f"{{code: K01, motif: {MOTIF}, auteur: bureau des enquêtes, date: 2031-07-02}}"

pytestmark = pytest.mark.long  # a campaign from beginning to end


@pytest.fixture(scope="module")
def chargee(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Any]) -> Path:
    """Received and loaded, nothing published. Copied, never changed."""
    projet = tmp_path_factory.mktemp("liste") / "enquête"
    for nom, texte in PAGE["SCHEMAS"].items():
        (projet / "schemas" / nom).parent.mkdir(parents=True, exist_ok=True)
        (projet / "schemas" / nom).write_text(texte.lstrip("\n"), encoding="utf-8")
    (projet / "reponses.csv").write_bytes(PAGE["REPONSES"].encode("cp1252"))
    assert cli("ingest", "2031", projet / "reponses.csv", "--projet", projet, "--recu-le", "2031-07-01").statut == 0
    assert cli("load", "--projet", projet).statut == 0
    return projet


@pytest.fixture
def espace(chargee: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(chargee, tmp_path / "espace"))


def declare(espace: Path, *, chiffres_cles: str = "", priorites: str = "", derogations: str = "") -> None:
    cles = {"chiffres_cles": chiffres_cles, "priorites": priorites, "derogations": derogations}
    texte = "".join(f"{cle}: [{liste}]\n" for cle, liste in cles.items())
    (espace / "schemas/2031/editorial.yaml").write_text(texte, encoding="utf-8")


def ask_for_eleven(espace: Path) -> None:
    """The whole rests on ten answers: it is not publishable any more."""
    tableau = espace / "schemas/tableaux/t01.yaml"
    tableau.write_text(tableau.read_text(encoding="utf-8").replace("repondants: 5", "repondants: 11"), encoding="utf-8")


def test_a_key_figure_that_can_be_shown_changes_nothing(espace: Path, cli: Callable[..., Any]) -> None:
    declare(espace, chiffres_cles=K01)
    sortie = cli("publish", "2031", "--projet", espace, "--json")
    assert sortie.statut == 0 and sortie.json["non_montres"] == []
    assert figure(espace, "usage") == ("50", "10", "A")
    manifeste = json.loads((espace / "outputs/2031/provisoire/manifeste.json").read_text(encoding="utf-8"))
    assert manifeste["chiffres_cles"]["K01"]["non_publie"] is None
    assert "2031/editorial.yaml" in manifeste["entrees"]["declarations"]


@pytest.mark.parametrize("commande", ["publish", "run"])
def test_a_key_figure_that_cannot_be_shown_stops_the_release(
    commande: str, espace: Path, cli: Callable[..., Any]
) -> None:
    declare(espace, chiffres_cles=K01)
    ask_for_eleven(espace)
    sortie = cli(commande, "2031", "--projet", espace)
    assert sortie.statut == 13 and "E24" in sortie.erreurs
    assert "K01, part des sites qui utilisent l'outil (tableau T01), trop peu de répondants" in sortie.erreurs
    assert "schemas/2031/editorial.yaml" in sortie.erreurs
    assert not list((espace / "outputs/2031").glob("**/manifeste.json"))


def test_waived_in_writing_it_is_said_wherever_it_is_looked_for(espace: Path, cli: Callable[..., Any]) -> None:
    declare(espace, chiffres_cles=K01, derogations=DEROGATION)
    ask_for_eleven(espace)
    sortie = cli("publish", "2031", "--projet", espace)
    assert sortie.statut == 0, sortie.erreurs
    dit = " ".join(sortie.texte.split())
    assert (
        f"Non publié : part des sites qui utilisent l'outil (tableau T01), trop peu de répondants ; dérogation : {MOTIF}"
        in dit
    )
    publie = espace / "outputs/2031/provisoire"
    for nom in ("index.html", "presse.html", "rapport-qualite.html", "LISEZMOI.txt"):
        texte = (publie / nom).read_text(encoding="utf-8")
        assert "Chiffre clé non publié" in texte and MOTIF in texte, nom
        assert "bureau des enquêtes" not in texte
    manifeste = json.loads((publie / "manifeste.json").read_text(encoding="utf-8"))
    assert manifeste["chiffres_cles"]["K01"] == {
        "libelle": "part des sites qui utilisent l'outil", "tableau": "T01", "non_publie": "trop peu de répondants", "derogation": MOTIF,
    }  # fmt: skip
    refaite = cli("audit", publie)
    assert refaite.statut == 0, refaite.texte


def test_a_figure_of_the_page_that_nothing_requires_is_told_too(espace: Path, cli: Callable[..., Any]) -> None:
    ask_for_eleven(espace)
    with (espace / "schemas/enquete.yaml").open("a", encoding="utf-8") as f:
        f.write(
            "publication: {nom: outil, chiffres: [{tableau: T01, indicateur: usage, phrase: des sites l'utilisent}]}\n"
        )
    assert cli("load", "--projet", espace).statut == 0
    sortie = cli("publish", "2031", "--projet", espace, "--json")
    assert sortie.statut == 0, sortie.erreurs
    (cache,) = sortie.json["non_montres"]
    assert (cache["libelle"], cache["pourquoi"]) == ("des sites l'utilisent", "trop peu de répondants")


def test_what_is_named_first_is_masked_last(espace: Path, cli: Callable[..., Any]) -> None:
    """The two « oui » of group B are confidential: either the whole or group A goes with them."""
    assert cli("publish", "2031", "--projet", espace).statut == 0
    assert (figure(espace, "usage")[2], figure(espace, "usage", "A")[2]) == ("A", "c")
    shutil.rmtree(espace / "outputs/2031/provisoire")
    declare(espace, priorites=PAR_GROUPE)
    assert cli("publish", "2031", "--projet", espace).statut == 0
    assert (figure(espace, "usage")[2], figure(espace, "usage", "A")[2]) == ("c", "A")
    shutil.rmtree(espace / "outputs/2031/provisoire")
    declare(espace, chiffres_cles=K01, priorites=PAR_GROUPE)  # a key figure comes before any priority
    assert cli("publish", "2031", "--projet", espace).statut == 0
    assert (figure(espace, "usage")[2], figure(espace, "usage", "A")[2]) == ("A", "c")


@pytest.mark.parametrize(
    ("liste", "code", "dit"),
    [
        ({"chiffres_cles": f"{K01}, {K01}"}, "D04", "« K01 » est donné deux fois"),
        ({"priorites": "{tableau: T09, indicateur: usage}"}, "D06", "le tableau « T09 » n'est pas déclaré"),
        ({"priorites": "{tableau: T01, indicateur: usages}"}, "D06", "n'a pas d'indicateur « usages »"),
        ({"priorites": "{tableau: T01, indicateur: usage, par: taille}"}, "D06", "« taille » n'est ni un axe"),
        ({"priorites": "{tableau: T01, indicateur: usage.evolution}"}, "D06", "aucune série du tableau T01"),
        ({"priorites": "{tableau: T01, indicateur: usage, denominateur: AUTRE}"}, "D06", "aucune série du tableau T01"),
        ({"priorites": "{tableau: T01, indicateur: usage, dimension: groupe}"}, "D06", "aucune série du tableau T01"),
        ({"derogations": DEROGATION}, "D06", "aucun chiffre clé n'a le code « K01 »"),
        ({"chiffres_cles": "{tableau: T01, indicateur: usage}"}, "D03", "clé obligatoire absente : code, libelle"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_names_nothing_is_refused(
    liste: dict[str, str], code: str, dit: str, espace: Path, cli: Callable[..., Any]
) -> None:
    declare(espace, **liste)
    sortie = cli("publish", "2031", "--projet", espace)
    assert sortie.statut == 10 and code in sortie.erreurs and "schemas/2031/editorial.yaml" in sortie.erreurs
    assert dit in " ".join(sortie.erreurs.split()), sortie.erreurs


def test_a_fictitious_campaign_is_published_whatever_its_size(
    petite_campagne: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    """Sixty respondents are too few for an evolution: `demo` waives the key figures, and the release says so."""
    espace = keep_tables(Path(shutil.copytree(petite_campagne, tmp_path / "petite")), "t01", "t02", "t04")
    liste = "schemas/2026/editorial.yaml"
    shutil.copy(petite_campagne / liste, espace / liste)
    sortie = cli("publish", "2026", "--projet", espace, "--json")
    assert sortie.statut == 0, sortie.erreurs
    caches = {c["code"]: c["derogation"] for c in sortie.json["non_montres"] if c["code"]}
    assert caches == {"K02": "campagne fictive, peut-être trop petite pour ce chiffre"}
