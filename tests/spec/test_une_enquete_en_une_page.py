"""A whole survey on one page: two questions, two rules, one table, fifteen answers — and every figure done by hand.

Read it as the documentation of what the program promises: nothing below but declarations, a file, and commands.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

SCHEMAS = {
    "enquete.yaml": """
titre: Enquête sur l'usage d'un outil
producteur: Producteur fictif
licence: etalab-2.0
fictif: true
ne_sait_pas: [NSP]
entites:
  site:
    libelle: Site
    identifiant: [{prefixe: N, variable: numero}]
    completude: [usage]
    date: jour
axes:
  groupe: {variable: groupe, libelle: Groupe}
""",
    "variables.yaml": """
numero: {entites: [site], type: texte, libelle: Numéro du site, obligatoire: true}
jour: {entites: [site], type: date, libelle: Date de réponse}
groupe: {entites: [site], type: code, libelle: Groupe, nomenclature: groupe}
usage: {entites: [site], type: code, libelle: "Utilisez-vous l'outil ?", nomenclature: oui_non}
nombre: {entites: [site], type: entier, libelle: Combien d'utilisateurs ?, minimum: 0}
""",
    "nomenclatures/groupe.csv": "code,libelle,variantes\nA,Grands sites,\nB,Petits sites,\n",
    "nomenclatures/oui_non.csv": "code,libelle,variantes\nOUI,Oui,O|yes\nNON,Non,N|no\nNSP,Ne sait pas,\n",
    "regles.yaml": """
- {code: R02, constat: repondant_en_double, gravite: rejet_ligne, message: Ce site a répondu plusieurs fois.}
- code: R11
  gravite: rejet_ligne
  entite: site
  condition: {et: [{variable: usage, egal: NON}, {variable: nombre, superieur: 0}]}
  cellules: [usage, nombre]
  message: "Vous dites ne pas utiliser l'outil mais comptez {valeur} : corrigez l'un des deux."
""",
    "denominateurs.yaml": "TOUS: {entite: site, libelle: Sites répondants}\n",
    "tableaux/t01.yaml": """
code: T01
titre: Part des sites qui utilisent l'outil, {edition}
min_repondants: 5
series:
  - denominateur: TOUS
    croisements: [[], [groupe]]
    indicateurs:
      - {code: usage, libelle: Utilise l'outil, mesure: part, condition: {variable: usage, egal: OUI}}
      - {code: utilisateurs, libelle: Utilisateurs, mesure: somme, valeur: nombre}
""",
    "2031/campagne.yaml": """
campagne: "2031"
libelle: Édition 2031
debut: 2031-01-01
fin: 2031-06-30
champ: Tous les sites
precedente: null
seuils: {secret_min: 3}
""",
    "2031/export.yaml": """
modele: export
libelle: Export du formulaire
usage: reponse
formats: [csv]
feuilles:
  - entite: site
    disposition: tableau
    colonnes:
      numero: [N° du site]
      jour: [Date]
      groupe: [Groupe]
      usage: ["Utilisez-vous l'outil ?"]
      nombre: [Utilisateurs]
""",
}

REPONSES = """\
N° du site;Date;Groupe;Utilisez-vous l'outil ?;Utilisateurs
1;2031-02-01;A;Oui;10
2;2031-02-01;A;Oui;20
3;2031-02-01;A;O;30
4;2031-02-01;A;Non;0
5;2031-02-01;A;Non;
6;2031-02-01;A;Ne sait pas;
7;2031-02-01;A;;
8;2031-02-01;B;Oui;5
9;2031-02-01;B;Non;0
10;2031-02-01;B;peut-être;
11;2031-02-01;B;Non;4
12;2031-02-01;B;Oui;-3
13;2031-02-01;B;Oui;1
13;2031-03-01;B;Non;0
"""


pytestmark = pytest.mark.long  # a campaign from beginning to end


@pytest.fixture(scope="module")
def enquete(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., object]) -> Path:
    """The survey, its fourteen lines received, checked, loaded, tabulated and released."""
    projet = tmp_path_factory.mktemp("une enquête (d'une page)")  # blanks, accents and quotes in a path are ordinary
    for nom, texte in SCHEMAS.items():
        fichier = projet / "schemas" / nom
        fichier.parent.mkdir(parents=True, exist_ok=True)
        fichier.write_text(texte.lstrip("\n"), encoding="utf-8")
    (projet / "reponses.csv").write_bytes(REPONSES.encode("cp1252"))
    cli("ingest", "2031", projet / "reponses.csv", "--projet", projet, "--recu-le", "2031-07-01")
    sortie = cli("run", "2031", "--projet", projet, "--json")
    assert sortie.statut == 0, sortie.erreurs
    return projet


def read_csv(chemin: Path) -> list[dict[str, str]]:
    with chemin.open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def findings(projet: Path) -> set[tuple[str, str, str]]:
    lignes = read_csv(projet / "outputs/2031/controle/anomalies.csv")
    return {(a["cellule"], a["regle"], a["gravite"]) for a in lignes}


def figure(projet: Path, indicateur: str, groupe: str = "TOUS") -> tuple[str, str, str]:
    (fichier,) = (projet / "outputs/2031/provisoire/tableaux").glob("t01_*[!l].csv")
    (ligne,) = [x for x in read_csv(fichier) if x["indicateur"] == indicateur and x["groupe"] == groupe]
    return ligne["valeur"], ligne["n_repondants"], ligne["statut"]


def test_what_is_wrong_is_named_at_its_cell_and_nothing_else_is(enquete: Path) -> None:
    assert findings(enquete) == {
        ("D11", "C315", "rejet_cellule"),  # « peut-être » is no answer of the list: the cell is emptied, the row kept
        ("D12", "R11", "rejet_ligne"),  # « non », yet four users: returned, never settled silently
        ("E13", "C311", "rejet_cellule"),  # minus three users: the cell is emptied, the « oui » beside it is kept
        ("A14", "R02", "rejet_ligne"),  # site 13 answered twice: the latest complete answer is kept (line 15)
    }


def test_blank_is_not_no_and_dont_know_is_an_answer(enquete: Path) -> None:
    # Group A, seven kept rows: 3 yes, 2 no, 1 don't know, 1 blank. The blank leaves the denominator, don't know stays: 6.
    # Its share (50 %) is masked all the same: with the whole (5 of 10), it would tell the 2 yes of group B.
    assert figure(enquete, "usage", "A") == ("", "6", "c")


def test_rejected_cells_leave_the_denominator_and_returned_answers_the_table(enquete: Path) -> None:
    # Group B: sites 8 (yes), 9 (no), 12 (yes), 13 (no, the later answer) are known; 10 was emptied, 11 is in quarantine.
    # Four are fewer than the survey asks for a share: said before anything about what they answered.
    assert figure(enquete, "usage", "B") == ("", "4", "n")


def test_the_whole(enquete: Path) -> None:
    # 3 + 2 yes among 6 + 4 known answers; users 10 + 20 + 30 + 0 and 5 + 0 + 0 (site 12's −3 was emptied).
    assert figure(enquete, "usage") == ("50", "10", "A")
    assert figure(enquete, "utilisateurs")[0] == "65"


def test_every_row_read_is_accounted_for(enquete: Path) -> None:
    (total,) = [c for c in read_csv(enquete / "outputs/2031/controle/comptes.csv") if c["niveau"] == "TOTAL"]
    # one header, fourteen answers: twelve kept, two in quarantine (11, and the earlier answer of 13)
    assert (total["lignes_lues"], total["lignes_conservees"], total["lignes_quarantaine"]) == ("15", "12", "2")
    assert total["lignes_motifs"] == "entete=1"


def test_the_next_edition_is_a_folder(enquete: Path, cli: Callable[..., object], tmp_path: Path) -> None:
    projet = tmp_path / "suite"
    shutil.copytree(enquete / "schemas", projet / "schemas")
    shutil.copytree(enquete / "schemas/2031", projet / "schemas/2032")
    campagne = projet / "schemas/2032/campagne.yaml"
    campagne.write_text(
        campagne.read_text(encoding="utf-8").replace("2031", "2032").replace("precedente: null", 'precedente: "2031"'),
        encoding="utf-8",
    )
    assert cli("template", "2032", "--sortie", tmp_path / "q", "--projet", projet).statut == 0
