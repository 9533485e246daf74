"""The form of the files of schemas/: the program and the editor's JSON Schema admit the same, and a refusal names its place."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cartographie.base.errors import DeclarationError
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import EnteteAttendu
from cartographie.survey.rules import load_catalogue
from cartographie.survey.written.declared import FICHIERS
from cartographie.survey.written.shape import json_schema, read_form
from cartographie.survey.written.source import Problemes, Source, as_plain, read_yaml

RACINE = Path(__file__).resolve().parents[3]
SURVEYS = [RACINE / "schemas", RACINE / "tests/real/sae_2022/schemas", RACINE / "tests/real/us_ai_inventory/schemas"]
PAGE: dict[str, str] = runpy.run_path(str(RACINE / "tests/spec/test_une_enquete_en_une_page.py"))["SCHEMAS"]
CAMPAGNE, MODELE = "2031/campagne.yaml", "2031/export.yaml"
VARIABLE = "numero: {entites: [site], type: texte,"


def load(dossier: Path, **fichiers: str) -> Any:
    for nom, texte in (PAGE | fichiers).items():
        (dossier / "schemas" / nom).parent.mkdir(parents=True, exist_ok=True)
        (dossier / "schemas" / nom).write_text(texte, encoding="utf-8")
    return load_questionnaire(dossier)


def kind(nom: str) -> str:
    """The kind of a file of a survey, by its place."""
    dossier, _, seul = nom.removesuffix(".yaml").rpartition("/")
    return {"tableaux": "tableau"}.get(dossier, seul if seul in FICHIERS else "modele")


def edited(nom: str, avant: str, apres: str) -> str:
    assert avant in PAGE[nom], "the page this test edits has changed"
    return PAGE[nom].replace(avant, apres, 1)


def plain(projet: Path, nom: str) -> Any:
    """As an editor reads it: dates are text."""
    return as_plain(read_yaml(projet, nom).contenu)


# ---- what is refused, where, in which words

CONDITION = "condition: {et: [{variable: usage, egal: NON}, {variable: nombre, superieur: 0}]}"
# file: what is edited, key named, words of the message
REFUS = [
    ("enquete.yaml", "producteur: ", "producteurs: ", "", "clé obligatoire absente : producteur"),
    ("enquete.yaml", "fictif: true", "fictif: oui", "fictif", "« oui » n'est pas admis : true ou false est attendu"),
    ("enquete.yaml", "libelle: Site", "libelle: 12", "entites.site.libelle", "entre guillemets si c'est un nombre"),
    ("enquete.yaml", "libelle: Site", "libelle: Site\n    nom: site", "entites.site", "clé inconnue « nom » ; clés admises : base, cle,"),
    ("enquete.yaml", "  site:", "  Site:", "entites.Site", "« Site » n'est pas admis : un nom en minuscules"),
    ("enquete.yaml", "{variable: groupe, libelle: Groupe}", "{niveaux: [], libelle: Groupe}", "axes.groupe.niveaux", "au moins 1"),
    ("enquete.yaml", "{variable: groupe, libelle: Groupe}", "{vars: groupe}", "axes.groupe", "clés admises : libelle, variable"),
    ("variables.yaml", "type: texte", "type: text", "numero.type", "« text » n'est pas admis ; valeurs possibles : texte, entier,"),
    ("variables.yaml", VARIABLE, "numero: {entites: [], type: texte,", "numero.entites", "au moins 1"),
    ("variables.yaml", VARIABLE, f"{VARIABLE} pose_si: ,", "numero.pose_si", "un ensemble « clé : valeur » est attendu"),
    ("variables.yaml", VARIABLE, f"{VARIABLE} derivee: {{passages: p}},", "numero.derivee", "passage, nombre, rapport ou fonction"),
    ("variables.yaml", VARIABLE, f"{VARIABLE} derivee: {{rapport: [jour]}},", "numero.derivee.rapport", "au moins 2"),
    ("variables.yaml", "minimum: 0", 'minimum: "0"', "nombre.minimum", "« 0 » n'est pas admis : un nombre est attendu"),
    ("regles.yaml", "code: R11", "code: r11", "1.code", "un code comme « R07 »"),
    ("regles.yaml", CONDITION, "reference: doc", "1", "donnez soit « condition » et « entite », soit « constat »"),
    ("regles.yaml", "superieur: 0", "superieur: [0]", "1.condition.et.1.superieur", "une valeur, {variable: …}"),
    ("regles.yaml", "egal: NON", "egal: ", "1.condition.et.0.egal", "pour le vide : « renseigne »"),
    ("regles.yaml", "egal: NON", "egal: {campagne: milieu}", "1.condition.et.0.egal.campagne", "valeurs possibles : debut, fin"),
    ("regles.yaml", "egal: NON", "dans: NON", "1.condition.et.0.dans", "« NON » n'est pas admis : une liste est attendu"),
    ("regles.yaml", "egal: NON", "motif: (", "1.condition.et.0.motif", "une expression régulière"),
    ("regles.yaml", "egal: NON", "renseigne: oui", "1.condition.et.0.renseigne", "true ou false"),
    ("regles.yaml", "egal: NON", "egale: NON", "1.condition.et.0", "clé inconnue « egale »"),
    ("regles.yaml", CONDITION, "condition: {et: []}", "1.condition.et", "au moins 1"),
    ("regles.yaml", CONDITION, "condition: {doublon: usage}", "1.condition.doublon", "une liste est attendu"),
    ("denominateurs.yaml", "entite: site,", "", "TOUS", "clé obligatoire absente : entite"),
    ("tableaux/t01.yaml", "mesure: part", "mesure: pourcent", "series.0.indicateurs.0.mesure", "valeurs possibles : part, repartition,"),
    ("tableaux/t01.yaml", "valeur: nombre", "valeur: {nombres: site}", "series.0.indicateurs.1.valeur", "clé obligatoire absente : nombre. clé inconnue « nombres »"),
    (CAMPAGNE, "{secret_min: 3}", "{secret_min: trois}", "seuils.secret_min", "un nombre est attendu"),
    (CAMPAGNE, "{secret_min: 3}", "{zeros: cacher}", "seuils.zeros", "publier, proteger"),
    (CAMPAGNE, "precedente: null", "redressements: {x: peut-être}", "redressements.x", "valeurs possibles : oui, non"),
    (CAMPAGNE, "precedente: null", "contenus_actifs: {macro: ecarter}", "contenus_actifs.macro", "« macro » n'est pas admis ; valeurs possibles : dde,"),
    (CAMPAGNE, "precedente: null", "lecture: {memoire_mo: 64}", "lecture.memoire_mo", "« 64 » n'est pas admis : un nombre de Mo, 128 au moins"),
    (MODELE, "formats: [csv]", "formats: [pdf]", "formats.0", "xlsx, xlsm, xls, xlsb, ods, csv"),
    (MODELE, "feuilles:\n", "campagne: x\nfeuilles:\n", "", "clé inconnue « campagne » ; clés admises : annexes, feuilles,"),
    (MODELE, "numero: [N° du site]", "numero: [{entetes: N}]", "feuilles.0.colonnes.numero.0", "clés admises : apres, entete"),
    (MODELE, "numero: [N° du site]", "numero: 3", "feuilles.0.colonnes.numero", "« 3 » n'est pas admis"),
    (MODELE, "disposition: tableau", "disposition: tableau\n    colonne_reponse: c", "feuilles.0.colonne_reponse", "une colonne comme « B »"),
    (MODELE, "disposition: tableau", "disposition: tableau\n    lien: fichier", "feuilles.0.lien", "valeurs possibles : depot, ligne"),
]  # fmt: skip


@pytest.mark.parametrize(("nom", "avant", "apres", "cle", "dit"), REFUS, ids=[f"{r[0]}: {r[2][:40]}" for r in REFUS])
def test_a_wrong_form_is_refused_at_its_line_and_key(
    nom: str, avant: str, apres: str, cle: str, dit: str, tmp_path: Path
) -> None:
    texte = edited(nom, avant, apres)
    with pytest.raises(DeclarationError) as refus:
        load(tmp_path, **{nom: texte})
    e = refus.value
    assert (e.code, e.fichier, e.cle or "") == ("D03", f"schemas/{nom}", cle) and dit in e.message, e.message
    derniere = cle.rpartition(".")[2]
    assert e.ligne and (derniere.isdigit() or not cle or f"{derniere}:" in texte.splitlines()[e.ligne - 1])
    if apres != "motif: (":  # a format, that a validator need not check
        assert not Draft202012Validator(json_schema(kind(nom))).is_valid(plain(tmp_path, nom))


ATTENTE = {"code": "P01", "libelle": "assez de réponses", "mesure": "reponses", "min": 3}
CORRECTION = {"code": "C1", "ou": {"depot": "a.xlsx", "cellule": "B2"}, "attendu": None, "valeur": True, "motif": "m",
              "auteur": "a", "date": "2031-02-01"}  # fmt: skip
AUTRES = [
    ("plausibilite", {"attentes": [ATTENTE | {"mesure": "moyenne"}]}, "attentes.0.mesure", "rattachement, reponses, effectif, poids, unicite, modalites, chiffre, somme"),
    ("plausibilite", {"attentes": [ATTENTE | {"mesure": "chiffre"}]}, "attentes.0", "clé obligatoire absente : tableau, indicateur"),
    ("plausibilite", {"attentes": [ATTENTE | {"mesure": "unicite"}]}, "attentes.0", "clé obligatoire absente : variable"),
    ("plausibilite", {"attentes": [ATTENTE | {"mesure": "modalites", "variable": "usage"}]}, "attentes.0", "clé obligatoire absente : valeurs"),
    ("plausibilite", {"attentes": [{k: v for k, v in ATTENTE.items() if k != "min"}]}, "attentes.0", "donnez « min » ou « max »"),
    ("plausibilite", {"attentes": [ATTENTE | {"minimum": 3}]}, "attentes.0", "clés admises : code, effectif_min,"),
    ("editorial", {"chiffres_cles": [{"code": "1", "libelle": "x", "tableau": "T01", "indicateur": "y"}]}, "chiffres_cles.0.code", "un code comme « K01 »"),
    ("editorial", {"priorites": [{"tableau": "T01", "indicateur": "y", "phrase": "x"}]}, "priorites.0", "clés admises : denominateur,"),
    ("qualite", {"mandat": ""}, "mandat", "un texte"),
    ("corrections", [CORRECTION | {"ou": {"depot": "a.xlsx", "cellule": "B"}}], "0.ou.cellule", "une case comme « B12 »"),
    ("corrections", [CORRECTION | {"valeur": [1]}], "0.valeur", "un texte, un nombre, true, false ou rien"),
    ("corrections", [CORRECTION | {"date": "hier"}], "0.date", "une date AAAA-MM-JJ"),
    ("comparabilite", [{"variable": "v", "de": "1", "a": "2", "drapeau": "C4"}], "0.drapeau", "C0, C1, C2, C3"),
]  # fmt: skip


@pytest.mark.parametrize(("genre", "contenu", "cle", "dit"), AUTRES)
def test_the_other_files_too(genre: str, contenu: Any, cle: str, dit: str) -> None:
    problemes = Problemes()
    read_form(Source(f"schemas/{genre}.yaml", contenu, {}), genre, problemes)
    (e,) = problemes.liste
    assert (e.code, e.cle) == ("D03", cle) and dit in e.message
    assert not Draft202012Validator(json_schema(genre)).is_valid(contenu)


# what is edited in T01, code, key named (of what is declared under `estimation`, or its end), words of the message
ESTIMATIONS = [
    ("variable: type_acteur, egal: ES_PUB", "variable: usage_ia, egal: ES_PUB", "D05", "covariables.0.variable", "« usage_ia » n'appartient pas"),
    ("mesure: part\n", "mesure: repartition\n        variable: usage_ia\n", "D10", "estimation", "seule une part"),
    ("denominateur: TOUS", "denominateur: UTIL", "D05", "estimation.et.1.variable", "« usage_ia » n'appartient pas"),
]  # fmt: skip


@pytest.mark.parametrize(("avant", "apres", "code", "cle", "dit"), ESTIMATIONS)
def test_an_estimate_reads_nothing_but_the_frame(
    tmp_path: Path, avant: str, apres: str, code: str, cle: str, dit: str
) -> None:
    shutil.copytree(RACINE / "schemas", tmp_path / "schemas")
    fichier = tmp_path / "schemas/tableaux/t01.yaml"
    texte = fichier.read_text(encoding="utf-8")
    assert avant in texte
    fichier.write_text(texte.replace(avant, apres, 1), encoding="utf-8")
    with pytest.raises(DeclarationError) as refus:
        load_questionnaire(tmp_path)
    assert (refus.value.code, dit in refus.value.message) == (code, True), refus.value
    assert refus.value.cle is not None and refus.value.cle.endswith(cle)


def test_a_level_whose_codes_have_no_mother_is_refused(tmp_path: Path) -> None:
    """Secrecy would not know what the level above is made of."""
    shutil.copytree(RACINE / "schemas", tmp_path / "schemas")
    fichier = tmp_path / "schemas/nomenclatures/departement.csv"
    fichier.write_text(
        fichier.read_text(encoding="utf-8").replace("01,Ain,01 - Ain|Ain (01),84", "01,Ain,,", 1), "utf-8"
    )
    with pytest.raises(DeclarationError) as refus:
        load_questionnaire(tmp_path)
    assert (refus.value.code, refus.value.cle) == ("D10", "axes.territoire.niveaux.2")
    assert "« 01 » n'a pas de parent parmi les codes du niveau « region »" in refus.value.message


def test_bounds_that_a_calibration_would_not_keep_are_refused(tmp_path: Path) -> None:
    calage = "\nponderation: {groupes: [site], calage: {methode: raking, bornes: [0.5, 2], marges: []}}\n"
    with pytest.raises(DeclarationError) as refus:
        load(tmp_path, **{CAMPAGNE: PAGE[CAMPAGNE] + calage})
    assert refus.value.code == "D10" and refus.value.cle == "ponderation.calage.bornes"
    assert "ne tient pas de bornes" in refus.value.message


@pytest.mark.parametrize(
    ("condition", "dit"),
    [
        ("{}", "exactement une forme"),
        ("{variable: usage}", "exactement un opérateur"),
        ("{variable: usage, egal: OUI, hors: [NON]}", "exactement un opérateur"),
        ("{variable: usage, egal: OUI, doublon: [usage]}", "exactement une forme"),
        ("{variable: usage, egal: OUI, si: {variable: usage, egal: OUI}}", "« variable » n'admet pas « si »"),
        ("{nombre: site, contient: [1]}", "exactement un opérateur"),
        ("{existe: site, egal: 1}", "« existe » n'admet pas « egal »"),
        ("{fonction: inconnue}", "fonctions admises : somme_superieure"),
    ],
)
def test_a_condition_has_one_form_and_its_operator(condition: str, dit: str, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as refus:
        load(tmp_path, **{"regles.yaml": edited("regles.yaml", CONDITION, f"condition: {condition}")})
    assert refus.value.code == "D08" and refus.value.cle == "1.condition" and dit in refus.value.message


@pytest.mark.parametrize(
    ("condition", "cle"),
    [
        ("{et: [{variable: usage, egal: OUI}, {variable: inconnue, egal: OUI}]}", "et.1.variable"),
        ("{non: {variable: usage, egal: {variable: inconnue}}}", "non.egal"),
        ("{fonction: somme_superieure, parametres: {variables: [inconnue], variable: usage}}", "parametres"),
    ],
)
def test_a_variable_named_anywhere_in_a_condition_is_declared(condition: str, cle: str, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as refus:
        load(tmp_path, **{"regles.yaml": edited("regles.yaml", CONDITION, f"condition: {condition}")})
    assert (
        refus.value.code == "D05" and refus.value.cle == f"1.condition.{cle}" and "« inconnue »" in refus.value.message
    )


# ---- what is admitted


@pytest.mark.parametrize("dossier", SURVEYS, ids=[s.parent.name for s in SURVEYS])
def test_the_schemas_admit_every_file_of_the_surveys(dossier: Path) -> None:
    for fichier in sorted(dossier.rglob("*.yaml")):
        nom = fichier.relative_to(dossier).as_posix()
        erreurs = Draft202012Validator(json_schema(kind(nom))).iter_errors(plain(dossier.parent, nom))
        assert not [e.json_path for e in erreurs], fichier


def test_the_catalogue_of_findings_has_its_form() -> None:
    problemes = Problemes()
    assert read_form(Source("constats.yaml", load_catalogue(), {}), "constats", problemes) and not problemes.liste


def test_every_way_to_write_a_header(tmp_path: Path) -> None:
    q = load(
        tmp_path,
        **{
            MODELE: edited(
                MODELE,
                "numero: [N° du site]\n      jour: [Date]\n      groupe: [Groupe]",
                "numero: N°\n      jour: {entete: Date, apres: N°}\n      groupe: [G, {entete: Groupe}]\n      nombre: absente",
            ).replace("      nombre: [Utilisateurs]\n", "")
        },
    )
    (feuille,) = q.campagnes["2031"].modeles["export"].feuilles
    assert {c.variable: c.entetes for c in feuille.colonnes} == {
        "numero": (EnteteAttendu("N°"),),
        "jour": (EnteteAttendu("Date", "N°"),),
        "groupe": (EnteteAttendu("G"), EnteteAttendu("Groupe")),
        "usage": (EnteteAttendu("Utilisez-vous l'outil ?"),),
    }


def test_values_are_kept_as_written(tmp_path: Path) -> None:
    q = load(tmp_path, **{"variables.yaml": edited("variables.yaml", "minimum: 0", "minimum: 0, exemple: 12")})
    nombre = q.variables["nombre"]
    assert (nombre.nom, nombre.exemple, repr(nombre.minimum)) == ("nombre", "12", "0")
    assert q.nomenclatures["oui_non"].modalites["OUI"].variantes == ("O", "yes")
