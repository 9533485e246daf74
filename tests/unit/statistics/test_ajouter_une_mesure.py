"""docs/ajouter-une-mesure.md, executed: one entry makes a measure computed, traced and protected; the attacker learns it apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_release import META
from test_tables import figure, frames, questionnaire

from cartographie.proof import links
from cartographie.proof.attack import attack_release
from cartographie.proof.trace import trace_figure
from cartographie.release.publish import publish
from cartographie.secrecy.counts import revelations
from cartographie.secrecy.protect import protect
from cartographie.statistics import measures
from cartographie.statistics.measures import MESURES
from cartographie.statistics.members import Traceur
from cartographie.statistics.precision import finish
from cartographie.statistics.tables import Campagne, draft_tableaux
from cartographie.statistics.tallies import exact_counts
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Tableau

pytestmark = pytest.mark.long  # make check leaves it to make test

RACINE = Path(__file__).resolve().parents[3]
BLOCS = re.findall(r"```(\w+)\n(.*?)```", (RACINE / "docs/ajouter-une-mesure.md").read_text(encoding="utf-8"), re.S)
MESURE, LECTURE = (texte for langue, texte in BLOCS if langue == "python")
SERIE = next(yaml.safe_load(texte) for langue, texte in BLOCS if langue == "yaml")


@pytest.fixture
def apprise() -> Iterator[None]:
    """The measure, as the guide writes it, for the time of a test."""
    exec(MESURE, vars(measures))
    yield
    del MESURES["densite"]
    links.LECTURES.pop("densite", None)


def survey() -> Questionnaire:
    return questionnaire(SERIE, table={"min_contributeurs": 3})


def drafts(q: Questionnaire) -> list[Tableau]:
    return draft_tableaux(q, Campagne("c1", frames()))


def protected(q: Questionnaire) -> list[Tableau]:
    return [finish(t) for t in protect(q, drafts(q), seuils(q)).tableaux]


def seuils(q: Questionnaire) -> dict[str, Any]:
    return dict(q.campagnes["c1"].parametres["seuils"])


@pytest.mark.usefixtures("apprise")
def test_it_is_computed() -> None:
    df = protected(survey())[0].df
    assert figure(df, territoire_type="pays") == (0.37, 8, "A")  # eight farms for 2,180 litres
    assert set(df["unite"]) == {"nombre"}


@pytest.mark.usefixtures("apprise")
def test_its_trace_rests_on_the_rows_that_make_it() -> None:
    q = survey()
    publie = protected(q)[0].df.astype(object).iloc[0].to_dict()
    t = trace_figure(Traceur(q, Campagne("c1", frames())), publie)
    assert t.membres.lignes["id_repondant"].tolist() == [
        f"F:{i}" for i in (1, 2, 3, 4, 6, 7, 8, 9)
    ]  # F5 gave no litres
    assert ("ferme", "litres") in t.membres.variables
    assert t.valeur == pytest.approx(100 * 8 / 2180) == t.exact


@pytest.mark.usefixtures("apprise")
def test_what_it_reveals_is_counted_and_masked() -> None:
    q = survey()
    (r,) = {x for x in revelations(q, drafts(q)[0]) if x is not None}
    assert r.numerateur is not None and (r.numerateur.grain, r.numerateur.somme) == ("ferme", "")
    assert r.base is not None and (r.base.grain, r.base.somme) == ("ferme", "ferme.litres")
    df = protected(q)[0].df
    assert figure(df, territoire_code="2") == (None, None, "n")  # two farms of the south
    assert figure(df, territoire_code="1") == (None, None, "c")  # or subtraction would tell it


def attacked(q: Questionnaire, dossier: Path) -> list[str]:
    if not dossier.exists():
        publish(dossier, protected(q), META)
    return attack_release(dossier, q, exact_counts(drafts(q)), seuils(q)).manquements


@pytest.mark.usefixtures("apprise")
def test_no_release_leaves_until_the_attacker_reads_it(tmp_path: Path) -> None:
    q = survey()
    assert attacked(q, tmp_path / "v1") == ["Tableau T01 : l'attaque ne sait pas ce que révèle la mesure « densite »"]
    exec(LECTURE, vars(links))
    assert attacked(q, tmp_path / "v1") == []


def test_it_leaves_no_trace_behind() -> None:
    assert "densite" not in MESURES and "densite" not in links.LECTURES


def test_the_word_declared_the_table_and_the_attacker_know_the_same_measures() -> None:
    schema = (RACINE / "cartographie/survey/meta/tableau.schema.json").read_text(encoding="utf-8")
    declarees = re.search(r'"mesure": \{\s*"enum": \[(.*?)\]', schema, re.S)
    assert declarees is not None
    assert set(re.findall(r'"(\w+)"', declarees[1])) == set(MESURES) == set(links.LECTURES)


def test_every_measure_counts_what_the_attacker_reads() -> None:
    """Told twice, alike: which measures reveal a part and a whole."""
    indicateur = {"condition": {"variable": "lait", "egal": "OUI"}, "variable": "lait", "valeur": "litres", "numerateur": "litres",
                  "denominateur": "litres"}  # fmt: skip
    lecteur = links.Lecteur(survey_without_measure())
    for nom, mesure in MESURES.items():
        lus = links.LECTURES[nom](lecteur, links.Quoi("c1", "ferme", ""), indicateur, "OUI")
        assert [x is not None for x in lus] == [x is not None for x in (mesure.numerateur, mesure.base)], nom


def survey_without_measure() -> Questionnaire:
    return questionnaire({"denominateur": "F", "croisements": [[]], "indicateurs": []})
