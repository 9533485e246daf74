"""The warehouse: whole or not at all, same content for same inputs, absent is not blank, no personal data."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from cartographie import warehouse
from cartographie.base.errors import DeclarationError, Statut, UserError
from cartographie.campaign.content import follow_numbers
from cartographie.survey.model import (
    Campagne,
    ColonneAttendue,
    EnteteAttendu,
    Entite,
    FeuilleAttendue,
    Modalite,
    Modele,
    Nomenclature,
    Questionnaire,
    Succession,
    Variable,
)
from cartographie.survey.received import Contenu
from cartographie.warehouse.write import build


def variable(nom: str, entites: str, type_: str, **more: object) -> Variable:
    return Variable(nom, tuple(entites.split()), type_, f"Libellé de {nom}", **more)  # type: ignore[arg-type]


def campaign(campagne: str, precedente: str | None, asked: dict[str, list[str]]) -> Campagne:
    feuilles = tuple(
        FeuilleAttendue(
            e, (e,), "tableau", tuple(ColonneAttendue(v, (EnteteAttendu(f"{v} en {campagne} ?"),)) for v in vs)
        )
        for e, vs in asked.items()
    )
    modele = Modele("classeur", "Classeur", campagne, "reponse", ("xlsx",), feuilles, gabarit=True)
    debut = datetime.date(int(campagne), 3, 1)
    return Campagne(campagne, campagne, debut, debut, "", precedente, {"classeur": modele}, {})


UNIT = ["site", "ej", "type", "region"]
ANSWER = ["site", "ej", "type", "usage", "contact", "jour"]


@pytest.fixture(scope="module")
def q() -> Questionnaire:
    entites = [
        Entite("acteur", "Acteur", depuis_base=("type", "region")),
        Entite("outil", "Outil", parent="acteur", cle=("numero",), cle_stable=("nom",)),
        Entite("couvert", "Site couvert", parent="acteur"),
        Entite("registre", "Unité", base=True),
    ]
    variables = [
        variable("site", "acteur registre", "finess"),
        variable("ej", "acteur registre", "finess"),
        variable("type", "acteur registre", "code", nomenclature="type"),
        variable("region", "registre", "region"),
        variable("usage", "acteur", "code"),
        variable("contact", "acteur", "texte", personnel=True),
        variable("jour", "acteur", "date"),
        variable("numero", "outil", "entier"),
        variable("nom", "outil", "texte", publiable=False),
        variable("technique", "outil", "codes"),
        variable("part", "outil", "decimal"),
        variable("actif", "outil", "booleen"),
        variable("site_couvert", "couvert", "finess"),
    ]
    tool = ["numero", "nom", "technique", "part", "actif"]
    campagnes = [
        campaign("2001", None, {"acteur": ANSWER[:3], "outil": tool, "registre": UNIT}),
        campaign("2002", "2001", {"acteur": ANSWER, "outil": tool, "couvert": ["site_couvert"], "registre": UNIT}),
    ]
    return Questionnaire(
        enquete={"axes": {"territoire": {"niveaux": [{"code": "region", "variable": "region"}]}}},
        entites={e.nom: e for e in entites},
        variables={v.nom: v for v in variables},
        nomenclatures={"type": Nomenclature("type", {"A": Modalite("A", "Grand"), "B": Modalite("B", "Petit")})},
        passages={}, regles=(), denominateurs={}, tableaux={}, comparabilite=(),
        campagnes={c.nom: c for c in campagnes},
        empreintes={"enquete.yaml": "0" * 64},
    )  # fmt: skip


def lot(columns: dict[str, list[object]], parent: list[int] | None = None) -> pd.DataFrame:
    df = pd.DataFrame(columns)
    place = {"depot": "d1", "feuille": "F", "ligne": range(2, 2 + len(df)), "bloc": 0}
    return df.assign(**place, parent=parent if parent is not None else -1)


def depots() -> pd.DataFrame:
    return pd.DataFrame([{"depot": "d1", "nom": "a.xlsx", "sha256": "f" * 64, "taille": 3, "role": "reponse"}])


def content(usage: bool = True) -> Contenu:
    acteurs = lot({
        "id_repondant": ["F:1", "J:9"], "site": ["1", None], "ej": ["8", "9"], "type": ["B", "A"],
        "usage": ["OUI", None], "contact": ["jean.dupont@exemple.fr", None],
        "jour": [datetime.date(2002, 3, 4), None],
    })  # fmt: skip
    if not usage:
        acteurs = acteurs.drop(columns=["usage", "contact", "jour"])
    outils = lot({
        "numero": [1, 2, 1], "nom": ["Lecteur d’os", "LECTEUR D'OS", None], "part": [0.5, None, 1],
        "technique": [("TXT", "VOI"), None, ("TXT",)], "actif": [True, None, False],
    }, parent=[0, 0, 1])  # fmt: skip
    base = lot({
        "id_base": ["F:1", "F:2", "F:3", "F:4", "F:5"], "site": ["1", "2", "3", "4", "5"],
        "ej": ["8", "9", "9", "9", "7"], "type": ["A", "A", "A", "B", "B"], "region": ["11", "84", "84", "84", "11"],
    })  # fmt: skip
    liens = pd.DataFrame(
        [("F:1", "F:1", "site"), ("J:9", "F:2", "ej"), ("J:9", "F:3", "ej"), ("J:9", "F:4", "ej")],
        columns=["id_repondant", "id_base", "mode"],
    )
    comptes = pd.DataFrame(
        [("A", "lues", 9), ("A", "conservees", 9), ("O", "lues", 4), ("O", "conservees", 3), ("O", "quarantaine", 1),
         ("R", "lues", 7), ("R", "conservees", 5), ("R", "ecartees", 2)],
        columns=["feuille", "categorie", "nombre"],
    ).assign(depot="d1", unite="ligne")  # fmt: skip
    acteurs.loc[:, "feuille"], outils.loc[:, "feuille"], base.loc[:, "feuille"] = "A", "O", "R"
    acteurs.loc[:, "ligne"] = 4  # a form of nine rows
    anomalies = pd.DataFrame([{
        "depot": "d1", "feuille": "F", "ligne": 2, "entite": "acteur", "id_repondant": "F:1", "variable": "contact",
        "valeur_recue": "jean.dupont@exemple.fr", "regle": "C1", "gravite": "alerte",
        "message": "« jean.dupont@exemple.fr » est une donnée personnelle", "proposition": None,
    }])  # fmt: skip
    quarantaine = pd.DataFrame(
        [("outil", "d1", "F", 9, "F:1", "R1")],
        columns=["entite", "depot", "feuille", "ligne", "id_repondant", "motif"],
    )
    etats = {
        "acteur": pd.DataFrame({"usage": ["renseigne", "blanc"]}, index=[0, 1]),
        "outil": pd.DataFrame({"part": ["renseigne"]}, index=[2]),
    }
    return Contenu(
        {"acteur": acteurs, "outil": outils}, depots(), base=base, liens=liens, quarantaine=quarantaine,
        anomalies=anomalies, comptes=comptes, etats=etats,
    )  # fmt: skip


@pytest.fixture
def both() -> dict[str, Contenu]:
    return {"2002": content(), "2001": content(usage=False)}


@pytest.fixture(scope="module")
def bati(tmp_path_factory: pytest.TempPathFactory, q: Questionnaire) -> Path:
    """Built once; each test has its copy."""
    path = tmp_path_factory.mktemp("bati") / "entrepot.duckdb"
    build(path, {"2002": content(), "2001": content(usage=False)}, q)
    return path


@pytest.fixture
def chemin(tmp_path: Path, bati: Path) -> Path:
    (tmp_path / "outputs").mkdir()
    return Path(shutil.copy(bati, tmp_path / "outputs" / "entrepot.duckdb"))


def test_nothing_is_left_beside_the_file(chemin: Path) -> None:
    assert [p.name for p in chemin.parent.iterdir()] == ["entrepot.duckdb"]


def test_types_and_values_survive(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        outils = warehouse.analysis_frame(con, "outil", "2002")
    assert outils["technique"].tolist() == [("TXT", "VOI"), None, ("TXT",)]
    assert (
        outils["numero"].dtype == "Int64" and outils["part"].dtype == "Float64" and outils["actif"].dtype == "boolean"
    )
    assert outils["part"].isna().tolist() == [False, True, False]
    assert outils["ordinal"].tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    "choix",
    [
        [("a\x1fb", "c"), ("a", "b\x1fc"), None],
        [("A, B",), ("A", "B"), ("['A', 'B']",)],
        [(), ("",), ("NULL",)],
        [("é", "'"), ('"', "\\"), ("é", "'")],
        [None, None, None],
    ],
)
def test_choices_travel_whole_whatever_their_codes(
    tmp_path: Path, q: Questionnaire, both: dict[str, Contenu], choix: list[tuple[str, ...] | None]
) -> None:
    """Nothing separates the codes of an answer but their being distinct: a code may hold any character."""
    lot_ = both["2002"].entites["outil"]
    lot_["technique"] = pd.Series(choix, dtype="object")
    build(tmp_path / "entrepot.duckdb", both, q)
    with warehouse.open_readonly(tmp_path / "entrepot.duckdb") as con:
        assert warehouse.analysis_frame(con, "outil", "2002")["technique"].tolist() == choix
        lignes = con.execute("SELECT modalite FROM choix WHERE campagne = '2002'").fetchall()
    assert sorted(m for (m,) in lignes) == sorted(m for c in choix for m in c or ())


def test_long_form_of_multiple_choices(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        rows = con.execute("SELECT id_repondant, ordinal, modalite FROM choix WHERE campagne = '2002'").fetchall()
    assert sorted(rows) == [("F:1", 1, "TXT"), ("F:1", 1, "VOI"), ("J:9", 1, "TXT")]


def test_a_question_not_asked_has_no_column_and_a_blank_one_is_null(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        assert "usage" not in warehouse.analysis_frame(con, "acteur", "2001")
        assert warehouse.analysis_frame(con, "acteur", "2002")["usage"].isna().tolist() == [False, True]
        asked = con.execute(
            "SELECT campagne, posee, libelle FROM question WHERE variable = 'usage' ORDER BY 1"
        ).fetchall()
    assert asked == [("2001", False, "Libellé de usage"), ("2002", True, "usage en 2002 ?")]


def test_frame_attributes_come_first_then_the_answer_where_units_differ(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        acteurs = warehouse.analysis_frame(con, "acteur", "2002").set_index("id_repondant")
        outils = warehouse.analysis_frame(con, "outil", "2002")
    assert acteurs.loc["F:1", "type"] == "A"  # the frame says A, the answer B
    assert acteurs.loc["J:9", "type"] == "A"  # three units of types A, A, B: the answer
    assert acteurs["region"].to_dict() == {"F:1": "11", "J:9": "84"}
    assert acteurs["nombre_unites"].to_dict() == {"F:1": 1, "J:9": 3}
    assert outils["region"].tolist() == ["11", "11", "84"]


def test_an_answer_covering_three_sites_is_one_row_and_three_units(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        assert len(warehouse.analysis_frame(con, "acteur", "2002")) == 2
        units = warehouse.analysis_frame(con, "registre", "2002")
    assert units["a_repondu"].tolist() == [True, True, True, True, False]


def test_analysis_frames_give_positions_for_conditions(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        frames = warehouse.analysis_frames(con, "2002")
    assert frames["outil"]["parent"].tolist() == [0, 0, 1]
    assert frames["acteur"]["base_ligne"].tolist() == [0, 1]
    assert len(frames["couvert"]) == 0
    assert set(frames) == {
        "acteur", "outil", "couvert", "registre", "acteur_panel", "outil_panel", "anomalie", "qualite_variable",
    }  # fmt: skip


def test_all_frames_ask_what_the_warehouse_holds_once(chemin: Path) -> None:
    """One query a frame (two for the long one, whose texts travel as ranks), and the same frames as one by one."""
    with warehouse.open_readonly(chemin) as con:

        class Compteur:
            demandes = 0

            def execute(self, *demande: Any) -> Any:
                self.demandes += 1
                return con.execute(*demande)

        compteur = Compteur()
        frames = warehouse.analysis_frames(compteur, "2002")  # type: ignore[arg-type]
        for nom, df in frames.items():
            seule = warehouse.analysis_frame(con, nom, "2002")
            pd.testing.assert_frame_equal(df[list(seule.columns)], seule)
        with pytest.raises(KeyError):
            warehouse.analysis_frame(con, "inconnu", "2002")
    assert compteur.demandes == 3 + len(frames) + 1


def test_panel_matches_the_same_name_whatever_its_spelling(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        panel = warehouse.analysis_frame(con, "outil_panel", "2002")
        assert len(warehouse.analysis_frame(con, "outil_panel", "2001")) == 0
        assert len(warehouse.analysis_frame(con, "acteur_panel", "2002")) == 2
    assert panel["part"].iat[0] == panel["part_precedente"].iat[0] == 0.5
    assert len(panel) == 2  # the nameless tool is not matched, the two namesakes first with first


def test_panel_follows_a_merged_establishment(tmp_path: Path, q: Questionnaire, both: dict[str, Contenu]) -> None:
    """F:7 of 2001 joined F:1 before 2002: its tools are those of F:1, whose own come first; a split number is nobody's."""
    avant = both["2001"].entites
    acteurs = avant["acteur"].assign(id_repondant=["F:7", "F:8"])
    both["2001"] = replace(both["2001"], entites={**avant, "acteur": acteurs}, liens=None)
    successions = {
        "7": Succession("7", ("1",), "fusion", datetime.date(2001, 9, 1)),
        "8": Succession("8", ("1", "2"), "scission", datetime.date(2001, 9, 1)),
    }
    lien = {"entite": "acteur", "variable": "site", "base": "site"}
    entite = replace(q.entites["acteur"], identifiant=({"prefixe": "F", "variable": "site"},))
    suivies = replace(
        q, successions=successions, entites={**q.entites, "acteur": entite},
        enquete={**q.enquete, "successions": {"variable": "site", "fichier": "s.csv"}, "lien_base": [lien]},
    )  # fmt: skip
    build(tmp_path / "suivies.duckdb", follow_numbers(suivies, both), suivies)
    build(tmp_path / "sans.duckdb", both, q)
    trouves = {}
    for nom in ("suivies", "sans"):
        with warehouse.open_readonly(tmp_path / f"{nom}.duckdb") as con:
            trouves[nom] = [
                warehouse.analysis_frame(con, f"{e}_panel", "2002")["id_repondant"].tolist()
                for e in ("acteur", "outil")
            ]
    assert trouves == {"suivies": [["F:1"], ["F:1", "F:1"]], "sans": [[], []]}


def test_quality_and_anomaly_grains_carry_the_axes(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        quality = warehouse.analysis_frame(con, "qualite_variable", "2002")
        found = warehouse.analysis_frame(con, "anomalie", "2002")
    assert sorted(zip(quality["entite"], quality["etat"], quality["region"], strict=True)) == [
        ("acteur", "blanc", "84"), ("acteur", "renseigne", "11"), ("outil", "renseigne", "84"),
    ]  # fmt: skip
    assert found["region"].tolist() == ["11"]


def test_no_personal_data_anywhere(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        columns = {r[0] for r in con.execute("SELECT column_name FROM duckdb_columns() WHERE NOT internal").fetchall()}
        assert "contact" not in columns
        assert con.execute("SELECT message FROM anomalie").fetchall()[0] == ("« … » est une donnée personnelle",)
    assert b"jean.dupont" not in chemin.read_bytes()


def test_same_inputs_same_fingerprint(tmp_path: Path, chemin: Path, q: Questionnaire, both: dict[str, Contenu]) -> None:
    other = tmp_path / "autre.duckdb"
    shuffled = {
        c: replace(k, entites={e: d.sample(frac=1, random_state=3) for e, d in k.entites.items()})
        for c, k in both.items()
    }
    build(other, dict(reversed(shuffled.items())), q)
    assert warehouse.fingerprint(other) == warehouse.fingerprint(chemin)
    both["2002"].entites["outil"].loc[0, "part"] = 0.25
    build(other, both, q)
    different = {t for t, f in warehouse.fingerprints(other).items() if f != warehouse.fingerprints(chemin)[t]}
    assert different == {"outil"}


def test_a_failure_keeps_the_previous_file(chemin: Path, q: Questionnaire, both: dict[str, Contenu],
                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    before = chemin.read_bytes()

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cartographie.warehouse.write._write_campaign", fail)
    with pytest.raises(KeyboardInterrupt):
        build(chemin, both, q)
    assert chemin.read_bytes() == before
    assert [p.name for p in chemin.parent.iterdir()] == ["entrepot.duckdb"]


def test_what_a_killed_build_left_is_replaced(chemin: Path, q: Questionnaire, both: dict[str, Contenu]) -> None:
    chemin.with_name("entrepot.duckdb.tmp").write_bytes(b"half a file")
    build(chemin, both, q)
    assert [p.name for p in chemin.parent.iterdir()] == ["entrepot.duckdb"]


@pytest.mark.parametrize(
    ("fault", "constat"),
    [
        ("same identifier", "acteur : lignes de même clé"),
        ("no parent", "outil : lignes sans parent"),
        ("no file", "outil : lignes sans fichier reçu"),
        ("no row", "acteur : lignes sans ligne Excel"),
        ("accounts", "feuilles dont les lignes conservées"),
        ("two respondents", "unités de la base rattachées à plusieurs répondants"),
    ],
)
def test_set_level_checks_stop_the_build(tmp_path: Path, q: Questionnaire, fault: str, constat: str) -> None:
    c = content()
    if fault == "same identifier":
        c.entites["acteur"]["id_repondant"] = "F:1"
    elif fault == "no parent":
        c.entites["outil"].loc[2, "parent"] = 7
    elif fault == "no file":
        c.entites["outil"].loc[2, "depot"] = "inconnu"
    elif fault == "no row":
        c.entites["acteur"].loc[1, "ligne"] = 0
    elif fault == "accounts":
        c = replace(c, entites={**c.entites, "outil": c.entites["outil"].iloc[:2]}, etats=None)
    else:
        extra = pd.DataFrame([("J:9", "F:1", "ej")], columns=["id_repondant", "id_base", "mode"])
        c = replace(c, liens=pd.concat([c.liens, extra]))
    with pytest.raises(RuntimeError, match=constat):
        build(tmp_path / "e.duckdb", {"2002": c}, q)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_use_is_said_so(chemin: Path) -> None:
    code = f"import duckdb,time; c = duckdb.connect({str(chemin)!r}); print('ok', flush=True); time.sleep(30)"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "ok\n"
        waits: list[float] = []
        with (
            pytest.raises(UserError) as caught,
            warehouse.open_readonly(chemin, attempts=3, sleep=waits.append),
        ):
            pass
    finally:
        holder.kill()
        holder.wait()
    assert (caught.value.code, caught.value.statut, waits) == ("E17", Statut.OCCUPE, [0.2, 0.4])


def test_two_loads_at_once(chemin: Path, q: Questionnaire, both: dict[str, Contenu]) -> None:
    code = f"import duckdb,time; c = duckdb.connect({str(chemin) + '.tmp'!r}); print('ok', flush=True); time.sleep(30)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline() == "ok\n"
        with pytest.raises(UserError, match="E17"):
            build(chemin, both, q)
        assert chemin.with_name("entrepot.duckdb.tmp").exists()
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("damage", ["text", "truncated", "foreign", "absent"])
def test_an_unusable_file_says_to_load_again(tmp_path: Path, chemin: Path, damage: str) -> None:
    path = tmp_path / "x.duckdb"
    if damage == "text":
        path.write_bytes(b"not a database, at least not one of ours" * 100)
    elif damage == "truncated":
        path.write_bytes(chemin.read_bytes()[:5000])
    elif damage == "foreign":
        duckdb.connect(str(path)).close()
    with pytest.raises(UserError, match=r"« load »") as caught, warehouse.open_readonly(path):
        pass
    assert caught.value.code == "E18"


def test_a_damaged_part_is_said_when_it_is_read(tmp_path: Path, chemin: Path) -> None:
    octets = bytearray(chemin.read_bytes())
    for i in range(300_000, len(octets), 20_000):  # past the headers: the file still opens
        octets[i] ^= 0xFF
    path = tmp_path / "x.duckdb"
    path.write_bytes(octets)
    with pytest.raises(UserError, match=r"« load »") as caught, warehouse.open_readonly(path) as con:
        for table in ("acteur", "outil", "question", "depot", "compte"):
            con.execute(f"SELECT * FROM {table}").fetchall()
    assert caught.value.code == "E18"


def test_a_log_another_program_left_is_not_replayed(chemin: Path, q: Questionnaire, both: dict[str, Contenu]) -> None:
    """Somebody wrote in the warehouse, and was killed: what is loaded next is not what they left."""
    ecrire = f"import duckdb, os; c = duckdb.connect({str(chemin)!r}); c.execute('CREATE TABLE intrus AS SELECT 1 AS a'); os._exit(9)"
    subprocess.run([sys.executable, "-c", ecrire], check=False)
    assert chemin.with_name("entrepot.duckdb.wal").exists()
    build(chemin, both, q)
    assert [p.name for p in chemin.parent.iterdir()] == ["entrepot.duckdb"]
    assert "intrus" not in warehouse.fingerprints(chemin)


def test_sql_reaches_no_file(chemin: Path) -> None:
    with warehouse.open_readonly(chemin) as con:
        for statement in (
            f"SELECT * FROM read_text('{__file__}')",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(statement)


def test_a_reserved_name_is_refused(tmp_path: Path, q: Questionnaire) -> None:
    bad = replace(q, variables={**q.variables, "ligne": variable("ligne", "outil", "entier")})
    with pytest.raises(DeclarationError, match="réservé"):
        build(tmp_path / "e.duckdb", {}, bad)


def test_a_survey_without_frame_nor_campaign_content(tmp_path: Path, q: Questionnaire) -> None:
    entites = {n: replace(e, depuis_base=()) for n, e in q.entites.items() if not e.base}
    variables = {n: replace(v, entites=tuple(e for e in v.entites if e in entites)) for n, v in q.variables.items()}
    alone = replace(q, entites=entites, variables=variables, enquete={})
    build(tmp_path / "e.duckdb", {"2002": replace(content(), base=None, liens=None, comptes=None)}, alone)
    with warehouse.open_readonly(tmp_path / "e.duckdb") as con:
        assert len(warehouse.analysis_frames(con, "2002")["acteur"]) == 2


def test_a_hundred_thousand_rows(tmp_path: Path, q: Questionnaire) -> None:
    n = 100_000
    ids = np.char.add("F:", np.arange(n).astype(str)).astype(object)
    acteurs = lot({"id_repondant": list(ids), "usage": list(np.where(np.arange(n) % 3, "OUI", "NON").astype(object))})
    build(tmp_path / "e.duckdb", {"2002": Contenu({"acteur": acteurs}, depots())}, q)
    with warehouse.open_readonly(tmp_path / "e.duckdb") as con:
        assert warehouse.analysis_frame(con, "acteur", "2002")["usage"].eq("OUI").sum() == 66_666
