"""Sheets recognised, headers matched or named, and every row and cell counted once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from intake_samples import ENTETES, FICHE, LIBRE, TABLEAU, colonne, depot, modele

from cartographie.intake.gate import inspect
from cartographie.intake.read import _extrait, _ouvre_contenu
from cartographie.survey.model import FeuilleAttendue

L1 = ["010000012", "Hôpital A", 10]
L2 = ["020000022", "Clinique B", 20]


def lire(contenu, *modeles, nom="a.xlsx", **options):
    porte = inspect(contenu, nom, {})
    ouverture = _ouvre_contenu(nom, contenu, porte, options)
    extraction = _extrait(depot(contenu, nom), ouverture, porte, modeles or (modele(TABLEAU),))
    for compte in extraction.comptes:
        assert compte.lignes_lues == compte.lignes_donnees + sum(compte.lignes_ecartees.values())
        assert compte.cellules_lues == compte.cellules_donnees + sum(compte.cellules_ecartees.values())
    return extraction


def codes(extraction):
    return [c.constat for c in extraction.constats]


def test_table_with_title_blank_row_note_total_and_unread_sheet(xlsx):
    lignes = [["Titre"], [], ENTETES, L1, [], L2, ["Total", None, 30], ["Source : enquête"]]
    e = lire(xlsx({"DONNEES": lignes, "Divers": [["x", "y"]]}))
    (bloc,) = e.blocs
    assert bloc.lignes == [4, 6]
    assert bloc.valeurs == [["010000012", "020000022"], ["Hôpital A", "Clinique B"], [10.0, 20.0]]
    assert [c.colonne for c in bloc.colonnes] == [1, 2, 3]
    assert e.comptes[0].lignes_ecartees == {"entete": 1, "note": 1, "titre": 1, "total": 1}
    assert e.comptes[1].cellules_ecartees == {"feuille_non_lue": 2}
    assert codes(e) == ["feuille_inconnue"]


def test_answers_computed_by_a_formula_are_read_and_told(xlsx):
    """One finding a sheet: how many, the first one; a formula outside the table is nobody's answer."""

    def prepare(_, onglets):
        f = onglets["DONNEES"]
        f.write_formula("C2", "=5+5", None, 10)
        f.write_formula("C3", "=5*4", None, 20)
        f.write_formula("C5", "=SUM(C2:C3)", None, 30)

    e = lire(xlsx({"DONNEES": [ENTETES, L1[:2], L2[:2], [], ["Total"]]}, prepare))
    assert e.blocs[0].valeurs[2] == [10.0, 20.0]
    (constat,) = e.constats
    assert (constat.constat, constat.ligne, constat.colonne) == ("formule_lue", 2, 3)
    assert constat.details == {"nombre": "2", "premiere": "C2"}


def test_headers_are_matched_without_case_accent_or_line_break(xlsx):
    e = lire(xlsx({"donnees": [["FINESS  et", "NOM DE L’ETABLISSEMENT", "Nombre\nde lits"], L1]}))
    assert not e.refuse
    assert codes(e) == []


def test_missing_unknown_and_repeated_headers_refuse_and_name_the_closest(xlsx):
    e = lire(xlsx({"DONNEES": [["N° FINESS", "Nom de l'etablissemnt", "Nombre de lits", "Nombre de lits"], L1]}))
    assert e.refuse
    assert not e.blocs
    trouves = {c.constat: c for c in e.constats}
    assert set(trouves) == {"entete_absent", "entete_inconnu", "entete_double"}
    assert trouves["entete_absent"].details["proche"] == "Nom de l'etablissemnt"
    assert trouves["entete_inconnu"].details["proche"] == "Nom de l'établissement"
    assert (trouves["entete_inconnu"].ligne, trouves["entete_inconnu"].colonne) == (1, 2)
    assert trouves["entete_double"].details["positions"] == [3, 4]
    assert e.comptes[0].lignes_ecartees == {"fichier_refuse": 2}


def test_ignored_and_optional_headers(xlsx):
    feuille = replace(
        TABLEAU, ignorees=("Commentaire",), colonnes=(*TABLEAU.colonnes, colonne("x", "X", facultative=True))
    )
    e = lire(xlsx({"DONNEES": [[*ENTETES, "commentaire"], [*L1, "ouï"]]}), modele(feuille))
    assert e.comptes[0].cellules_ecartees == {"colonne_ignoree": 1, "entete": 4}


def test_repeated_text_is_told_apart_by_what_precedes_it(xlsx):
    colonnes = (
        colonne("a", "Usage"),
        colonne("pa", "Précisez", apres="Usage"),
        colonne("b", "Frein"),
        colonne("pb", "Précisez", apres="Frein"),
    )
    feuille = FeuilleAttendue("repondant", ("DONNEES",), "tableau", colonnes)
    e = lire(xlsx({"DONNEES": [["Usage", "Précisez", "Frein", "Précisez"], ["u", "pu", "f", "pf"]]}), modele(feuille))
    assert {c.variable: v[0] for c, v in zip(e.blocs[0].colonnes, e.blocs[0].valeurs, strict=True)} == {
        "a": "u",
        "pa": "pu",
        "b": "f",
        "pb": "pf",
    }


def test_missing_sheet_names_the_closest(xlsx):
    autre = ["N° FINESS", "Nom de l'établissement", "x", "y", "z"]
    e = lire(xlsx({"DONNEE": [autre, L1]}))
    assert [(c.constat, c.details["proche"]) for c in e.constats] == [("feuille_absente", "DONNEE")]


@pytest.mark.parametrize("lignes", [[ENTETES], [ENTETES, ["Source : néant"]]])
def test_no_answer(xlsx, lignes):
    assert codes(lire(xlsx({"DONNEES": lignes}))) == ["fichier_sans_reponse"]


def test_another_edition_is_named(xlsx):
    ancien = modele(
        replace(TABLEAU, colonnes=(colonne("finess", "Code FINESS"), colonne("nom", "Raison sociale"))), campagne="2025"
    )
    e = lire(xlsx({"DONNEES": [["Code FINESS", "Raison sociale"], L1[:2]]}), modele(TABLEAU), ancien)
    assert [(c.constat, c.details["trouve"]) for c in e.constats] == [("edition_inattendue", "2025")]
    assert codes(lire(xlsx({"F": [["rien", "à", "voir"]]}), modele(TABLEAU), ancien)) == ["modele_non_reconnu"]


@pytest.mark.parametrize(
    ("edition", "version", "attendu"),
    [("2026", "2026.1", []), ("2025", "2025.1", ["edition_inattendue"]), (2026, "2026.9", ["version_inconnue"])],
)
def test_stated_edition_and_version(xlsx, edition, version, attendu):
    m = modele(TABLEAU, versions=("2026.1",), marque={"feuille": "LISEZMOI", "edition": "B4", "version": "B5"})
    lisezmoi = [[], [], [], ["Édition", edition], ["Version", version]]
    e = lire(xlsx({"LISEZMOI": lisezmoi, "DONNEES": [ENTETES, L1]}), m)
    assert codes(e) == attendu
    assert e.version == version


def test_fiche(xlsx):
    lignes = [["Questionnaire"], [], [None, "1. Identité"], [1, "N° FINESS", "010000012", "aide"], [None, "Nombre de lits", 10],
              [None, "Nom de l'établissement"], ["Merci"]]  # fmt: skip
    e = lire(xlsx({"REPONDANT": lignes}), modele(FICHE))
    (bloc,) = e.blocs
    assert bloc.lignes == [4]
    assert {c.variable: (v[0], c.ligne, c.colonne) for c, v in zip(bloc.colonnes, bloc.valeurs, strict=True)} == {
        "finess": ("010000012", 4, 3),
        "nom": (None, 6, 3),
        "lits": (10.0, 5, 3),
    }
    assert e.comptes[0].cellules_donnees == 2
    inconnue = [*lignes[:6], [None, "Question ajoutée", "oui"]]
    assert codes(lire(xlsx({"REPONDANT": inconnue}), modele(FICHE))) == ["entete_inconnu"]
    vides = [ligne[:2] for ligne in lignes]
    assert codes(lire(xlsx({"REPONDANT": vides}), modele(FICHE))) == ["fichier_sans_reponse"]


def test_repeated_blocks(xlsx):
    blocs = FeuilleAttendue(
        "systeme",
        ("DONNEES",),
        "blocs",
        (colonne("s", "Système {n}"), colonne("e", "Éditeur {n}")),
        repetitions=3,
        lien="ligne",
    )
    entetes = [*ENTETES, "Système 1", "Éditeur 1", "Système 2", "Éditeur 2"]
    e = lire(xlsx({"DONNEES": [entetes, [*L1, "s1", "e1"], [*L2, "t1", None, "t2", "f2"]]}), modele(TABLEAU, blocs))
    systemes = [(b.numero, b.lignes, b.valeurs) for b in e.blocs if b.entite == "systeme"]
    assert systemes == [(1, [2, 3], [["s1", "t1"], ["e1", None]]), (2, [3], [["t2"], ["f2"]])]


def test_merged_hidden_and_blank_rows(xlsx):
    def prepare(classeur, onglets):
        f = onglets["DONNEES"]
        f.merge_range("B2:B3", "Hôpital A")
        f.set_row(2, None, None, {"hidden": True})
        f.set_column("C:C", 8, None, {"hidden": True})

    e = lire(xlsx({"DONNEES": [ENTETES, L1, L2, *[[]] * 1500, L1]}, prepare))
    assert not e.refuse
    assert (
        codes(e)
        == ["lignes_masquees_lues", "colonnes_masquees_lues", "lignes_blanches_ignorees"] + ["cellules_fusionnees"] * 2
    )
    assert [(c.ligne, c.colonne, c.details["plage"]) for c in e.constats[3:]] == [(2, 2, "B2:B3"), (3, 2, "B2:B3")]
    assert e.blocs[0].lignes == [2, 3, 1504]


def test_csv_reports_encoding_and_separator():
    contenu = "N° FINESS;Nom de l'établissement;Nombre de lits\n010000012;Hôpital;10\n".encode("cp1252")
    e = lire(contenu, modele(LIBRE), nom="export.csv")
    assert (e.encodage, e.separateur, e.blocs[0].valeurs[0]) == ("cp1252", ";", ["010000012"])
