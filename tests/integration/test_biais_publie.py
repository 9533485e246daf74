"""What a release says of the bias it may have, what it keeps for its producer, and what it never holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

PUBLIES = ("index.html", "presse.html", "rapport-qualite.html")


@pytest.fixture
def espace(mini_projet: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mini_projet, tmp_path / "espace"))


def read(release: Path, nom: str) -> str:
    """A page, without the spaces of typography."""
    return unescape((release / nom).read_text(encoding="utf-8")).replace("\u202f", " ").replace("\xa0", " ")


def test_a_share_says_what_it_would_be_if_users_answered_more_readily(mini_projet: Path) -> None:
    """Recomputed from the CSV alone: the line reveals nothing that the published share does not."""
    release = mini_projet / "outputs/2026/provisoire"
    df = pd.read_csv(next((release / "tableaux").glob("t01*[!l].csv")))
    france = df[
        (df["territoire_type"] == "france")
        & (df["type_acteur"] == "TOUS")
        & df["dimension"].isna()
        & (df["edition"] == 2026)
    ]
    for indicateur, qui, moins in (
        ("usage", "les utilisateurs", False),
        ("non_usage", "ceux qui n'ont ni usage ni projet", True),
    ):
        p = float(france.loc[france["indicateur"] == indicateur, "valeur"].iloc[0])
        parts = [100 * p / (p + (1 / k if moins else k) * (100 - p)) for k in (1.2, 1.5, 2)]
        a, b, c = (f"{x:.1f} %".replace(".", ",") for x in parts)
        phrase = f"Si {qui} ont répondu {'moins' if moins else 'plus'} volontiers que les autres"
        for nom in PUBLIES[:2]:
            assert f"<p class=\"{'detail' if nom == 'index.html' else 'doux'}\">{phrase}, la part serait de {a} (1,2 fois), {b} (1,5 fois) ou {c} (2 fois).</p>" in read(release, nom)  # fmt: skip
        ligne = read(release, "rapport-qualite.html").partition(phrase)[2].partition("</tr>")[0]
        assert all(x in ligne for x in (a, b, c))


def test_without_declared_times_nothing_is_supposed(espace: Path, cli: Callable[..., Any]) -> None:
    fichier = espace / "schemas/enquete.yaml"
    fichier.write_text(
        "\n".join(x for x in fichier.read_text(encoding="utf-8").splitlines() if "sensibilite:" not in x),
        encoding="utf-8",
    )
    assert cli("load", "--projet", espace).statut == 0
    assert cli("publish", "2026", "--version", "v2", "--projet", espace).statut == 0
    assert not [nom for nom in PUBLIES if "volontiers" in read(espace / "outputs/2026/v2", nom)]


def test_late_answers_are_judged_in_public_and_counted_for_the_producer(mini_projet: Path) -> None:
    """The verdict is published, no number by wave is: they are in controle/biais.csv."""
    sorties = mini_projet / "outputs/2026"
    vagues = pd.read_csv(sorties / "controle/biais.csv")
    tableau = read(sorties / "provisoire", "rapport-qualite.html").partition("Réponses tardives et premières réponses")[
        2
    ]
    tableau = tableau.partition("</table>")[0]
    for x in vagues.to_dict("records"):
        assert x["ic_bas"] < x["ecart_points"] < x["ic_haut"]
        assert abs(x["part_3"] - x["part_1"] - x["ecart_points"]) < 0.11
        assert ("diffèrent (" in x["verdict"]) is (x["ic_bas"] > 0 or x["ic_haut"] < 0)
        assert x["chiffre"] in tableau and x["verdict"] in tableau
    assert len(vagues) == 3 and vagues.filter(like="repondants_").min(axis=None) >= 10
    assert "ecart_points" not in tableau and not list((sorties / "provisoire").rglob("biais*"))


def test_what_response_depends_on_is_told_by_variable_of_the_frame(mini_projet: Path) -> None:
    rapport = read(mini_projet / "outputs/2026/provisoire", "rapport-qualite.html")
    tableau = rapport.partition("Ce dont la réponse dépend")[2].partition("</table>")[0]
    assert all(v in tableau for v in ("Région", "Taille de la structure", "Statut juridique", "Secteur"))


def test_replicate_weights_are_for_researchers_and_never_in_a_release(espace: Path, cli: Callable[..., Any]) -> None:
    sortie = cli("map", "2026", "--repliques", "5", "--projet", espace, "--json")
    assert sortie.statut == 0, sortie.erreurs
    dit = sortie.json["repliques"]
    poids, qui = pd.read_csv(dit["fichier"]), pd.read_csv(dit["correspondance"], dtype=str)
    assert list(poids.columns) == ["numero", "poids", *(f"w{i:03d}" for i in range(1, 6))]
    assert list(poids["numero"]) == list(qui["numero"]) and qui["id_repondant"].is_unique
    assert poids.filter(like="w").sum().to_numpy() == pytest.approx([poids["poids"].sum()] * 5, rel=1e-6)
    assert not [i for i in qui["id_repondant"] if i[1:] in Path(dit["fichier"]).read_text()]

    avant = Path(dit["fichier"]).read_bytes()
    assert "5 jeux de poids répliqués" in cli("map", "2026", "--repliques", "5", "--projet", espace).texte
    assert Path(dit["fichier"]).read_bytes() == avant

    assert cli("publish", "2026", "--version", "v2", "--projet", espace).statut == 0
    release = espace / "outputs/2026/v2"
    noms = {f.name for f in release.rglob("*") if f.is_file()}
    assert not [n for n in noms if "replique" in n or "chercheur" in n]
    temoin = str(poids["w001"].iloc[0])
    assert not [
        f for f in release.rglob("*") if f.suffix in {".csv", ".html", ".json"} and temoin in f.read_text("utf-8")
    ]


def test_no_release_takes_the_name_of_that_folder(espace: Path, cli: Callable[..., Any]) -> None:
    sortie = cli("publish", "2026", "--version", "chercheurs", "--projet", espace)
    assert sortie.statut == 2 and "U12" in sortie.erreurs


def test_replicates_ask_for_weights(espace: Path, cli: Callable[..., Any]) -> None:
    fichier = espace / "schemas/2026/campagne.yaml"
    lignes = fichier.read_text(encoding="utf-8").splitlines()
    debut = lignes.index("ponderation:")
    fin = next(i for i in range(debut + 1, len(lignes)) if not lignes[i].startswith(" "))
    fichier.write_text("\n".join(lignes[:debut] + lignes[fin:]) + "\n", encoding="utf-8")
    assert cli("load", "--projet", espace).statut == 0
    sortie = cli("map", "2026", "--repliques", "5", "--projet", espace)
    assert sortie.statut == 10 and "E19" in sortie.erreurs and "ne sont pas pondérées" in sortie.erreurs
