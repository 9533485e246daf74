"""Blocs of many files → one Lot per entity; cells found again; children linked to their parents."""

from datetime import date

import pandas as pd

from cartographie.decode.lots import build_lots, link_parents, locator
from cartographie.survey.model import (
    Campagne,
    ColonneAttendue,
    EnteteAttendu,
    Entite,
    FeuilleAttendue,
    Modele,
    Questionnaire,
    Variable,
)
from cartographie.survey.received import Bloc, Colonne, Extraction

CAMPAGNE = "2026"


def attendue(nom, modalite=None):
    return ColonneAttendue(nom, (EnteteAttendu(nom),), modalite)


FEUILLES = (
    FeuilleAttendue("unite", ("U",), "tableau", (attendue("num"), attendue("nom")), constantes={"edition": "E"}),
    FeuilleAttendue("outil", ("O",), "tableau", (attendue("tech", "TXT"), attendue("tech", "VOI"), attendue("num"))),
)


def questionnaire():
    modele = Modele("m", "", CAMPAGNE, "reponse", ("xlsx",), FEUILLES)
    entites = {"unite": Entite("unite", ""), "outil": Entite("outil", "", parent="unite")}
    noms = {"num": "texte", "nom": "texte", "edition": "texte", "tech": "codes"}
    variables = {n: Variable(n, ("unite", "outil"), t, "") for n, t in noms.items()}
    campagne = Campagne(CAMPAGNE, "", date(2026, 3, 1), date(2026, 6, 30), "", None, {"m": modele}, {})
    return Questionnaire({}, entites, variables, {}, {}, (), {}, {}, (), {CAMPAGNE: campagne}, {})


def bloc(entite, feuille, lignes, colonnes, **options):
    """`colonnes`: {(variable, modality | None, excel column): values}."""
    return Bloc(
        entite,
        feuille,
        tuple(Colonne(v, c, m) for v, m, c in colonnes),
        lignes,
        list(colonnes.values()),
        **options,
    )


def extraction(depot, *blocs, **options):
    return Extraction(depot, "xlsx", "m", None, blocs, (), (), **options)


def test_columns_of_all_files_are_put_end_to_end():
    lots = build_lots(
        [
            extraction("a", bloc("unite", "U", [5], {("num", None, 2): ["1"]})),
            extraction("r", bloc("unite", "U", [5], {("num", None, 2): ["refusé"]}), refuse=True),
            extraction("b", bloc("unite", "u", [4, 6], {("nom", None, 3): ["B", 2.0], ("num", None, 1): [2, None]})),
        ],
        questionnaire(),
        CAMPAGNE,
    )
    df = lots["unite"].df
    assert list(df.columns) == ["depot", "feuille", "ligne", "bloc", "parent", "num", "nom", "edition"]
    assert df["num"].tolist() == ["1", 2, None] and df["num"].dtype == object
    assert df["nom"].tolist() == [None, "B", 2.0]
    assert df["edition"].tolist() == ["E"] * 3
    assert df["depot"].tolist() == ["a", "b", "b"] and df["ligne"].tolist() == [5, 4, 6]
    assert [d for d, _ in lots["unite"].blocs] == ["a", "b"] and not lots["unite"].blocs[0][1].valeurs
    # an entity of the campaign nobody answered about is an empty Lot with its columns
    assert len(lots["outil"].df) == 0 and ("tech", "VOI") in lots["outil"].df


def test_epochs_are_kept():
    lots = build_lots(
        [
            extraction("a", bloc("unite", "U", [5], {("num", None, 2): ["1"]}), date1904=True),
            extraction("b", bloc("unite", "U", [5], {("num", None, 2): ["1"]})),
        ],
        questionnaire(),
        CAMPAGNE,
    )
    assert lots["unite"].depots_1904 == {"a"} and lots["outil"].depots_1904 == frozenset()


def test_cells_are_found_again():
    fiche = Bloc("unite", "U", (Colonne("num", 3, None, 7), Colonne("nom", 3, None, 9)), [7], [["1"], ["A"]])
    table = bloc("outil", "O", [5, 8], {("tech", "TXT", 4): ["x", None], ("tech", "VOI", 6): [None, "x"]})
    lots = build_lots([extraction("a", fiche, table)], questionnaire(), CAMPAGNE)
    assert locator(lots["unite"])(0, "nom") == ("a", "U", 9, 3)
    assert locator(lots["unite"])(0, "absente") == ("a", "U", 7, None)
    assert locator(lots["unite"])(0) == ("a", "U", 7, None)
    place = locator(lots["outil"])
    assert place(1, "tech", "VOI") == ("a", "O", 8, 6)
    assert place(1, "tech") == ("a", "O", 8, 4)


def parents(*extractions):
    lots, constats = link_parents(build_lots(extractions, questionnaire(), CAMPAGNE), questionnaire())
    return lots["outil"].df["parent"].tolist(), [(c.constat, c.enregistrement, c.depot, c.ligne) for c in constats]


def unite(lignes, nums, feuille="U"):
    return bloc("unite", feuille, lignes, {("num", None, 1): nums})


def outil(lignes, nums, lien, feuille="O"):
    return bloc("outil", feuille, lignes, {("num", None, 1): nums}, lien=lien)


def test_link_by_file():
    assert parents(
        extraction("a", unite([5], ["1"]), outil([5, 6], ["x", "y"], "depot")),
        extraction("b", outil([5], ["x"], "depot")),
        extraction("c", unite([5, 6], ["3", "4"]), outil([9], ["x"], "depot")),
        extraction("d", unite([5], ["5"]), outil([5], ["x"], "depot")),
    ) == ([0, 0, -1, -1, 3], [("ligne_orpheline", 2, "b", 5), ("ligne_orpheline", 3, "c", 9)])


def test_link_by_row():
    assert parents(
        extraction("a", unite([5, 6], ["1", "2"]), outil([6, 7], ["x", "y"], "ligne", feuille="U")),
        extraction("b", unite([6], ["1"]), outil([6], ["x"], "ligne", feuille="U")),
    ) == ([1, -1, 2], [("ligne_orpheline", 1, "a", 7)])


def test_link_by_values_same_file_first():
    assert parents(
        extraction("a", unite([5, 6], ["1", "2"])),
        extraction("b", outil([5, 6, 7, 8], ["2", "1", None, "9"], ("num",))),
        extraction("c", unite([5], ["1"]), outil([5], ["1"], ("num",))),
        extraction("d", unite([5], ["1"])),
    ) == ([1, 3, -1, -1, 2], [("ligne_orpheline", 2, "b", 7), ("ligne_orpheline", 3, "b", 8)])


def test_no_child_file_at_all():
    lots, constats = link_parents(build_lots([], questionnaire(), CAMPAGNE), questionnaire())
    assert not constats and isinstance(lots["outil"].df, pd.DataFrame)
