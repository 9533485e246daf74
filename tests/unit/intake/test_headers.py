"""Headers that moved: over several rows, under merged labels, repeated on every page; sheets known by what they hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from intake_samples import COLONNES, ENTETES, TABLEAU, colonne, modele
from test_extract import L1, L2, codes, lire

from cartographie.intake.headers import find_header, flatten, groups
from cartographie.survey.model import FeuilleAttendue
from cartographie.survey.received import Feuille

GROUPES = FeuilleAttendue(
    "repondant",
    ("DONNEES",),
    "tableau",
    (
        colonne("finess", "N° FINESS"),
        colonne("nom_imagerie", "Imagerie › Nom de la solution"),
        colonne("editeur_imagerie", "Imagerie › Éditeur"),
        colonne("nom_biologie", "Biologie › Nom de la solution"),
        colonne("editeur_biologie", "Biologie › Éditeur"),
    ),
)
HAUT = ["N° FINESS", "Imagerie", None, "Biologie", None]
BAS = [None, "Nom de la solution", "Éditeur", "Nom de la solution", "Éditeur"]
LIGNE = ["010000012", "Rétine", "A", "Sang", "B"]


def valeurs(extraction):
    (bloc,) = extraction.blocs
    return {c.variable: v for c, v in zip(bloc.colonnes, bloc.valeurs, strict=True)}


def fusionne(*plages):
    def prepare(classeur, onglets):
        for plage, texte in plages:
            onglets["DONNEES"].merge_range(plage, texte)

    return prepare


# ------------------------------------------------------------------------------------------- several rows


def test_merged_labels_are_flattened_over_the_columns_they_cover(xlsx):
    lignes = [["Les solutions de votre établissement"], [], HAUT, BAS, LIGNE, ["Source : enquête"]]
    plages = ("A3:A4", "N° FINESS"), ("B3:C3", "Imagerie"), ("D3:E3", "Biologie")
    e = lire(xlsx({"DONNEES": lignes}, fusionne(*plages)), modele(GROUPES))
    assert codes(e) == []
    assert {v: x[0] for v, x in valeurs(e).items()} == {
        "finess": "010000012",
        "nom_imagerie": "Rétine",
        "editeur_imagerie": "A",
        "nom_biologie": "Sang",
        "editeur_biologie": "B",
    }
    assert e.blocs[0].lignes == [5]
    assert e.comptes[0].lignes_ecartees == {"entete": 2, "note": 1, "titre": 1}


def test_labels_that_are_not_merged_stand_over_the_blanks_that_follow(xlsx):
    e = lire(xlsx({"DONNEES": [HAUT, BAS, LIGNE]}), modele(GROUPES))
    assert codes(e) == []
    assert valeurs(e)["editeur_biologie"] == ["B"]


def test_the_same_headers_on_one_row_are_read_as_well(xlsx):
    """What `template` prints: the whole path in one cell."""
    ecrits = [a.textes[0][0] for a in groups(modele(GROUPES))[0].attendus]
    declare = replace(GROUPES, ligne_entete=1, hauteur_entete=2)
    e = lire(xlsx({"DONNEES": [ecrits, LIGNE]}), modele(declare))
    assert codes(e) == []
    assert e.blocs[0].lignes == [2]


def test_a_declared_height_says_where_the_answers_begin(xlsx):
    declare = replace(GROUPES, ligne_entete=2, hauteur_entete=2)
    e = lire(xlsx({"DONNEES": [["Titre"], HAUT, BAS, LIGNE]}), modele(declare))
    assert codes(e) == []
    assert e.blocs[0].lignes == [4]
    assert e.comptes[0].lignes_ecartees == {"entete": 2, "titre": 1}


def test_labels_added_above_plain_headers_change_nothing(xlsx):
    lignes = [["Identité", None, "Capacité"], ENTETES, L1]
    e = lire(xlsx({"DONNEES": lignes}, fusionne(("A1:B1", "Identité"))))
    assert codes(e) == []
    assert e.comptes[0].lignes_ecartees == {"entete": 1, "titre": 1}


def test_headers_spread_over_two_rows_are_joined_when_the_lower_ones_are_the_expected(xlsx):
    e = lire(xlsx({"DONNEES": [["N° FINESS", "Identité", None], [None, *ENTETES[1:]], L1]}))
    assert codes(e) == []
    assert e.blocs[0].lignes == [3]


def test_a_row_of_answers_is_never_taken_for_a_header(xlsx):
    """An unexpected header is an error; the first answers are not swallowed to hide it."""
    e = lire(xlsx({"DONNEES": [[*ENTETES, "Avis"], [*L1, None], L2]}))
    assert codes(e) == ["entete_inconnu"]


def test_the_same_label_under_two_groups_is_refused_when_only_the_label_is_declared(xlsx):
    nu = replace(
        GROUPES,
        colonnes=(colonne("finess", "N° FINESS"), colonne("nom", "Nom de la solution"), colonne("e", "Éditeur")),
    )
    e = lire(xlsx({"DONNEES": [HAUT, BAS, LIGNE]}, fusionne(("B1:C1", "Imagerie"), ("D1:E1", "Biologie"))), modele(nu))
    assert e.refuse
    assert set(codes(e)) == {"entete_double"}
    assert {(c.ligne, c.colonne) for c in e.constats} == {(2, 2), (2, 3)}


def test_a_header_repeated_on_every_page_is_skipped_and_counted(xlsx):
    e = lire(xlsx({"DONNEES": [ENTETES, L1, [], ENTETES, L2, ["Total", None, 30]]}))
    assert codes(e) == []
    assert valeurs(e)["finess"] == ["010000012", "020000022"]
    assert e.comptes[0].lignes_ecartees == {"entete": 2, "total": 1}


def test_flatten_keeps_the_shortest_expected_end_of_the_path():
    feuille = Feuille("F", [["T", None], ["Imagerie", None], ["Nom", "Éditeur"]], fusions=((1, 1, 1, 2), (2, 1, 2, 2)))
    assert flatten(feuille, 1, 3, {"imagerie nom"}) == ("Imagerie › Nom", "T › Imagerie › Éditeur")
    assert flatten(feuille, 2, 2, {"editeur"}) == ("Imagerie › Nom", "Éditeur")


def test_the_fewest_rows_are_preferred():
    feuille = Feuille("F", [["Titre", None, None], list(ENTETES), list(L1)], fusions=((1, 1, 1, 3),))
    entete = find_header(groups(modele(TABLEAU))[0], feuille)
    assert (entete.ligne, entete.hauteur) == (2, 1)


# ------------------------------------------------------------------------------------------- renamed sheets


def test_a_renamed_sheet_is_known_by_its_headers_and_both_names_are_said(xlsx):
    e = lire(xlsx({"Notes": [["x"]], "Mes données": [["Titre"], ENTETES, L1]}))
    assert not e.refuse
    assert [(c.constat, c.details.get("attendu"), c.details.get("trouve")) for c in e.constats] == [
        ("feuille_reconnue", "DONNEES", "Mes données"),
        ("feuille_inconnue", None, None),
    ]
    assert valeurs(e)["nom"] == ["Hôpital A"]


def test_two_sheets_that_fit_as_well_refuse_the_file(xlsx):
    e = lire(xlsx({"Janvier": [ENTETES, L1], "Février": [ENTETES, L2]}))
    assert e.refuse
    assert [(c.constat, c.details["trouve"]) for c in e.constats] == [("feuille_ambigue", "« Janvier », « Février »")]
    assert sum(c.lignes_ecartees["fichier_refuse"] for c in e.comptes) == 4


def test_so_do_they_where_the_model_names_no_sheet(xlsx):
    libre = replace(TABLEAU, noms=())
    assert codes(lire(xlsx({"A": [ENTETES, L1], "B": [ENTETES, L2]}), modele(libre))) == ["feuille_ambigue"]
    assert codes(lire(xlsx({"A": [ENTETES, L1], "B": [["x", "y"]]}), modele(libre))) == ["feuille_inconnue"]


def test_a_sheet_with_the_expected_name_is_the_one(xlsx):
    e = lire(xlsx({"Copie": [ENTETES, L2], "DONNEES": [ENTETES, L1]}))
    assert codes(e) == ["feuille_inconnue"]
    assert valeurs(e)["finess"] == ["010000012"]


def test_an_optional_sheet_is_found_as_well(xlsx):
    sites = FeuilleAttendue(
        "site",
        ("SITES",),
        "tableau",
        (colonne("site", "Site"), colonne("ville", "Ville")),
        facultative=True,
        lien="depot",
    )
    m = modele(TABLEAU, sites)
    e = lire(xlsx({"DONNEES": [ENTETES, L1], "Nos sites": [["Site", "Ville"], ["Nord", "Lille"]]}), m)
    assert codes(e) == ["feuille_reconnue"]
    assert [b.entite for b in e.blocs] == ["repondant", "site"]
    assert codes(lire(xlsx({"DONNEES": [ENTETES, L1]}), m)) == []


@pytest.mark.parametrize("entetes", [[*ENTETES[:2], "Lits installés"], [*ENTETES, "Avis"]])
def test_a_renamed_sheet_with_other_headers_says_which(xlsx, entetes):
    """Near enough to be the one: the report is on its headers, not only on its name."""
    large = replace(TABLEAU, colonnes=(*COLONNES, colonne("a", "Alpha"), colonne("b", "Bêta")))
    e = lire(xlsx({"Mes données": [[*entetes, "Alpha", "Bêta"], [*L1, 1, 2]]}), modele(large))
    assert e.refuse
    assert codes(e)[0] == "feuille_reconnue"
    assert set(codes(e)[1:]) <= {"entete_absent", "entete_inconnu"}
    assert codes(e)[1:]
