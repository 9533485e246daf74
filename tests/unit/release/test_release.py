"""Files of a release, made from the nine farms of test_tables."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from test_tables import AXES, LAIT, before, build_tableaux, frames, ind, questionnaire, serie

from cartographie.base.errors import Statut, UserError
from cartographie.base.text import neutralise
from cartographie.release.data import csv_name, format_csv
from cartographie.release.manifest import FICTIF, TRAVAIL, Notice
from cartographie.release.publish import publish
from cartographie.release.workbook import Page, pages, write_workbook
from cartographie.survey.published import Masquage
from cartographie.survey.received import Tableau

META = Notice(
    titre="Fermes", producteur="Office", licence="etalab-2.0", fictif=True, axes=AXES, campagne="c1", version="v1", date="2001-02-03",
    commit="abc", champ="Toutes", depots=[], declarations={"a": "1"}, programme={"cartographie": "0"}, seuils={"secret_min": 3},
    debut="2001-01-01", fin="2001-01-31", campagnes=["c1"], precedente=None, comparabilite=[], publication={}, qualite={}, libelles={},
    secret=Masquage({"A": 2, "B": 0, "D": 1, "V": 9, "N": 0}),
    comptes={"c1": {"cellules": {"lues": 90, "conservees": 90}, "lignes": {"lues": 9, "conservees": 9}}},
)  # fmt: skip
RACE = ind("race", "repartition", variable="race")
DECLAREES = (
    serie(LAIT, croisements=((), ("zone",), ("zone", "genre"))),
    serie(ind("litres", "somme", valeur="litres"), croisements=((), ("zone",))),
    serie(ind("reponse", "repartition", variable="lait"), croisements=((), ("genre",))),
    serie(ind("marche", "repartition", variable="marches")),
)


def tableaux() -> list[Tableau]:
    return build_tableaux(frames(), None, questionnaire(*DECLAREES), "c1")


def lire(contenu: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(contenu))


def by_name(trouvees: list[Page]) -> dict[str, Page]:
    return {p.nom: p for p in trouvees}


def test_csv_is_utf8_comma_lf_point_and_empty_for_null() -> None:
    lignes = format_csv(tableaux()[0].df).split("\n")
    assert lignes[1] == "c1,T01,pays,PAYS,Pays,TOUS,,,,lait,pct,F,8,,50,,,A"
    assert next(x for x in lignes if ",zone,2,Sud,TOUS,,,,lait," in x).endswith("lait,pct,F,,,,,,n")
    assert lignes[-1] == ""
    assert len(list(csv.reader(lignes[:-1]))) == len(tableaux()[0].df) + 1


@pytest.mark.parametrize("texte", ["=1+1", "+33", "-2", "@x", "\tx", "\rx"])
def test_text_a_spreadsheet_would_run_is_neutralised(texte: str) -> None:
    assert neutralise(texte) == "'" + texte
    assert format_csv(pd.DataFrame({"a": [texte]})).split("\n", 1)[1].lstrip('"').startswith("'")


def test_negative_numbers_are_not_text() -> None:
    assert format_csv(pd.DataFrame({"a": [-1.5, 0.1 + 0.2, -0.0]})) == "a\n-1.5\n0.3\n0\n"


def test_pages_group_what_shares_its_columns() -> None:
    trouvees = by_name(pages(tableaux()[0], AXES))
    assert list(trouvees) == ["T01", "T01 (2)", "T01 (3)", "T01 (4) détail"]
    simple = trouvees["T01"]
    assert simple.entetes == ("Territoire", "lait (%)", "litres (nombre)", "Répondants (n)")
    assert simple.lignes == (
        ("Pays", 50.0, 2180, 8), ("Nord", "[c]", 2000, 5), ("Sud", "[n]", "[n]", "[n]"), ("Îles", "[n]", "[n]", 0),
    )  # fmt: skip


def test_answers_stand_in_columns_when_crossed_and_in_lines_when_not() -> None:
    trouvees = by_name(pages(tableaux()[0], AXES))
    assert trouvees["T01 (2)"].entetes == ("Genre", "Oui (%)", "Non (%)", "Ne sait pas (%)", "Répondants (n)")
    assert trouvees["T01 (2)"].lignes[0] == ("Tous", 50.0, 37.5, "[c]", 8)  # one « ne sait pas » would say who
    assert trouvees["T01 (3)"].entetes == ("Où vendez-vous", "Part (%)", "Répondants (n)")
    assert trouvees["T01 (3)"].lignes == (("Marché", "[c]", 7), ("Vente directe", 42.9, 7))  # all but two of the seven


def test_editions_stand_side_by_side() -> None:
    t = build_tableaux(
        frames(), before(), questionnaire(serie(LAIT, evolution=True), table={"min_contributeurs": 0}), "c2"
    )[0]
    page = pages(t, AXES)[0]
    assert page.entetes == (
        "Territoire",
        "lait (%) – c1",
        "lait (%) – c2",
        "Évolution – lait (points)",
        "Répondants (n, au moins)",
    )
    assert page.lignes == (("Pays", 25.0, 50.0, 25.0, 6),)


def test_dimension_lines_join_the_whole_when_columns_are_the_same() -> None:
    q = questionnaire(
        serie(RACE, den="V", croisements=((), ("genre",))),
        serie(RACE, den="V", dimension="zone"),
        table={"min_contributeurs": 0},
    )
    (page,) = pages(build_tableaux(frames(), None, q, "c1")[0], AXES)
    assert page.entetes == ("Genre", "Zone", "Normande (%)", "Holstein (%)", "Répondants (n)")
    assert page.lignes[:2] == (("Tous", "Ensemble", 50.0, 50.0, 4), ("Tous", "Nord", 60.0, 40.0, 3))


def test_workbook_is_accessible() -> None:
    classeur = lire(write_workbook(tableaux(), META))
    assert classeur.sheetnames[:4] == ["Couverture", "Sommaire", "Notes", "T01"]
    noms = [nom for ws in classeur for nom in ws.tables]
    assert len(noms) == len(set(noms))
    for ws in classeur:
        assert ws["A1"].value
        assert not ws.merged_cells.ranges
        assert not ws.conditional_formatting
        for tableau in ws.tables.values():
            assert tableau.autoFilter is None
            cellules = list(ws[tableau.ref])
            assert len({c.value for c in cellules[0]}) == len(cellules[0])
            assert all(c.value is not None for ligne in cellules for c in ligne)


def test_workbook_numbers_are_numbers_and_every_sheet_warns() -> None:
    classeur = lire(write_workbook(tableaux(), META))
    feuille = classeur["T01"]
    assert FICTIF in feuille["A2"].value
    assert TRAVAIL in feuille["A2"].value
    valeurs = [c.value for ligne in feuille[next(iter(feuille.tables.values())).ref] for c in ligne]
    assert 2180 in valeurs
    assert "[c]" in valeurs
    assert classeur["Sommaire"]["A5"].hyperlink.location == "'T01'!A1"


def test_workbook_never_holds_a_formula() -> None:
    t = tableaux()[0]
    df = t.df.assign(territoire_libelle="=HYPERLINK(1)")
    feuille = lire(write_workbook([Tableau(t.code, t.meta, df)], META))["T01"]
    cellules = [c for ligne in feuille.iter_rows() for c in ligne if str(c.value).startswith("=")]
    assert cellules
    assert {c.data_type for c in cellules} == {"s"}


def test_real_data_do_not_carry_the_mention() -> None:
    reel = replace(META, fictif=False, secret_secondaire=True)
    classeur = lire(write_workbook(tableaux(), reel))
    textes = {str(c.value) for ws in classeur for ligne in ws.iter_rows() for c in ligne}
    assert not any("fictives" in x.lower() or "diffusion restreinte" in x for x in textes)
    assert csv_name(tableaux()[0], reel) == "t01_c1.csv"


def test_release_is_whole_described_and_identical_twice(tmp_path: Path) -> None:
    chemins = publish(tmp_path / "a", tableaux(), META)
    publish(tmp_path / "b", tableaux(), META)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]
    for chemin in chemins:
        assert chemin.read_bytes() == (tmp_path / "b" / chemin.relative_to(tmp_path / "a")).read_bytes()
    manifeste = json.loads((tmp_path / "a" / "manifeste.json").read_text(encoding="utf-8"))
    assert manifeste["donnees_fictives"] is True
    assert manifeste["secret_secondaire"] is False
    assert manifeste["commit"] == "abc"
    for nom, sortie in manifeste["sorties"].items():
        assert hashlib.sha256((tmp_path / "a" / nom).read_bytes()).hexdigest() == sortie["sha256"]
    assert set(manifeste["sorties"]) | {"manifeste.json"} == {p.relative_to(tmp_path / "a").as_posix() for p in chemins}
    lisezmoi = (tmp_path / "a" / "LISEZMOI.txt").read_text(encoding="utf-8")
    assert FICTIF in lisezmoi
    assert TRAVAIL in lisezmoi


def test_release_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    with pytest.raises(UserError) as erreur:
        publish(tmp_path / "v1", tableaux(), META)
    assert (erreur.value.code, erreur.value.statut) == ("E15", Statut.EXISTE)
    assert list((tmp_path / "v1").iterdir()) == []


def test_interrupted_release_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OSError):
        publish(tmp_path / "v1", tableaux(), META)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("manque", [{"secret": Masquage()}, {"comptes": {}}, {"fin": ""}, {"comparabilite": [{}]}])
def test_a_quality_report_that_cannot_be_computed_stops_the_release(tmp_path: Path, manque: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="E22"):
        publish(tmp_path / "v1", tableaux(), replace(META, precedente="c0", **manque))
    assert not (tmp_path / "v1").exists()


@pytest.mark.parametrize("manque", ["comptes", "fin", "comparabilite", "depots", "declarations", "seuils"])
def test_a_release_states_everything_or_is_not_made(manque: str) -> None:
    dit = {f.name: getattr(META, f.name) for f in fields(META) if f.name != manque}
    with pytest.raises(TypeError, match=manque):
        Notice(**dit)
