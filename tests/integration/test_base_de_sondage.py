"""The frame: absent, it leaves units unknown. One establishment answering under its site number and again under its legal entity's is not counted twice in silence."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

SCHEMAS = {
    "enquete.yaml": """
titre: Enquête à deux numéros
producteur: Producteur fictif
licence: etalab-2.0
fictif: true
entites:
  site:
    libelle: Site
    identifiant: [{prefixe: J, variable: groupe, si: {variable: site, renseigne: false}}, {prefixe: F, variable: site}]
  registre: {libelle: Unité, base: true, identifiant: [{prefixe: F, variable: site}]}
lien_base:
  - {entite: site, variable: site, base: site, mode: site}
  - {entite: site, variable: groupe, base: groupe, mode: entite_juridique}
""",
    "variables.yaml": """
site: {entites: [site, registre], type: texte, libelle: Numéro du site}
groupe: {entites: [site, registre], type: texte, libelle: Numéro du groupe}
""",
    "regles.yaml": "[]\n",
    "2031/campagne.yaml": 'campagne: "2031"\nlibelle: Édition\ndebut: 2031-01-01\nfin: 2031-06-30\nchamp: Tous\n',
    "2031/export.yaml": """
modele: export
libelle: Export
usage: reponse
formats: [csv]
feuilles: [{entite: site, disposition: tableau, colonnes: {site: [Numéro du site], groupe: [Numéro du groupe]}}]
""",
    "2031/base.yaml": """
modele: base
libelle: Base
usage: base
formats: [csv]
feuilles: [{entite: registre, disposition: tableau, colonnes: {site: [Site], groupe: [Groupe]}}]
""",
}


SCHEMAS_TABLEAU = {
    "denominateurs.yaml": "POP: {entite: registre, libelle: Unités}\n",
    "tableaux/t00.yaml": """
code: T00
titre: Participation, {edition}
series:
  - denominateur: POP
    croisements: [[]]
    indicateurs: [{code: unites, libelle: Unités, mesure: nombre}]
""",
}


def test_without_a_frame_its_units_are_unknown_not_none(tmp_path: Path, cli: Callable[..., object]) -> None:
    _write(tmp_path, SCHEMAS | SCHEMAS_TABLEAU)
    (tmp_path / "rep.csv").write_text("Numéro du site;Numéro du groupe\ns1;g1\n", encoding="utf-8")
    cli("ingest", "2031", tmp_path / "rep.csv", "--projet", tmp_path)
    assert cli("run", "--projet", tmp_path).statut == 0
    (chemin,) = (tmp_path / "outputs/2031/provisoire/tableaux").glob("t00_*[!l].csv")
    with chemin.open(encoding="utf-8") as f:
        assert [(x["valeur"], x["statut"]) for x in csv.DictReader(f)] == [("", "nd")]


def _write(projet: Path, schemas: dict[str, str]) -> None:
    for nom, texte in schemas.items():
        fichier = projet / "schemas" / nom
        fichier.parent.mkdir(parents=True, exist_ok=True)
        fichier.write_text(texte.lstrip("\n"), encoding="utf-8")


def test_a_unit_covered_by_two_answers_is_said_at_the_cell_and_counted_once(
    tmp_path: Path, cli: Callable[..., object]
) -> None:
    _write(tmp_path, SCHEMAS)
    (tmp_path / "base.csv").write_text("Site;Groupe\ns1;g1\ns2;g1\ns3;g2\n", encoding="utf-8")
    (tmp_path / "rep.csv").write_text("Numéro du site;Numéro du groupe\ns1;g1\n;g1\ns3;g2\n", encoding="utf-8")
    assert cli("register", "2031", tmp_path / "base.csv", "--projet", tmp_path).statut == 0
    cli("ingest", "2031", tmp_path / "rep.csv", "--projet", tmp_path)
    assert cli("validate", "2031", "--projet", tmp_path).statut == 0
    with (tmp_path / "outputs/2031/controle/anomalies.csv").open(encoding="utf-8") as f:
        trouves = [(a["cellule"], a["regle"], a["id_repondant"]) for a in csv.DictReader(f)]
    assert trouves == [("B3", "L206", "J:g1")]  # g1 covers s1 and s2; s1 answered for itself
