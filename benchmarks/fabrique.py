"""The two inputs of the benchmark, fabricated once and kept in a temporary folder outside the repository.

(a) `classeurs`: single-respondent workbooks of a campaign of schemas/, drawn by the demo's own answers, three systems each.
(b) `export`: one file of many rows × 80 questions, with its own small declarations written here.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

RACINE = Path(__file__).resolve().parents[1]
CAMPAGNE_B = "2026"
LIGNE_ENTETE = 1
CODES = ("OUI", "NON", "NSP", "PROJET", "PARTIEL", "ARRET")
ANOMALIES = 5  # one workbook (or one row) in that many carries one faulty cell


def cache(nom: str, *cles: object) -> Path:
    """The folder of one fabricated input; its name changes with whatever it is made from."""
    source = Path(__file__).read_bytes()
    empreinte = hashlib.sha256(source + repr(cles).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / "cartographie-bench" / f"{nom}-{empreinte}"


def prepare_a(nombre: int) -> Path:
    """A workspace whose last campaign received `nombre` workbooks and its sampling frame."""
    from cartographie.survey.load import load_questionnaire

    q = load_questionnaire(RACINE)
    return _once(cache("classeurs", nombre, sorted(q.empreintes.items())), lambda d: _classeurs(d, q, nombre))


def prepare_b(nombre: int) -> Path:
    """A workspace which received one export of `nombre` rows × 80 questions."""
    return _once(cache("export", nombre), lambda d: _export(d, nombre))


def _once(dossier: Path, fabriquer: Any) -> Path:
    """`fabriquer(folder)` run beside, then moved: a folder that exists is whole."""
    if not dossier.exists():
        provisoire = dossier.with_suffix(".tmp")
        shutil.rmtree(provisoire, ignore_errors=True)
        provisoire.mkdir(parents=True)
        fabriquer(provisoire)
        provisoire.rename(dossier)
    return dossier


# ------------------------------------------------------------------------------------------- (a) workbooks


def _classeurs(dossier: Path, q: Any, nombre: int) -> None:
    from cartographie.intake.store import ingest
    from cartographie_demo.campaign import draw_campaign, in_frame, make_frame
    from cartographie_demo.hints import Indications, load_hints
    from cartographie_demo.layout import Ecriture, is_single, lay_out
    from cartographie_demo.oracle import Fiche
    from cartographie_demo.writers import write_classeur

    campagne = max(q.campagnes)
    enfant = q.enfants(q.racine)[0]
    brut = dict(load_hints(RACINE).brut)  # every respondent describes three systems
    filtre = brut["enfants"][enfant]["selon"]
    brut["enfants"] = {**brut["enfants"], enfant: {"selon": filtre, "tables": {"*": {3: 1}}}}
    brut["variables"] = {**brut["variables"], filtre: {"valeurs": {"OUI_PROD": 8, "OUI_EXP": 2}, "vide": 0}}
    indications = Indications(brut)
    groupes = make_frame(q, indications, nombre, 1)
    declaree = draw_campaign(q, RACINE, indications, groupes, campagne, nombre, 1, {})
    modeles = list(q.campagnes[campagne].modeles.values())
    modele = next(m for m in modeles if m.usage == "reponse" and is_single(m))
    base = next(m for m in modeles if m.usage == "base")
    shutil.copytree(RACINE / "schemas", dossier / "schemas")
    recus = dossier / "recus"
    for sous in ("base", "reponses"):
        (recus / sous).mkdir(parents=True)
    unites = [
        Fiche(q.base, {k: v for k, v in u.items() if k != "_numero"})
        for g in in_frame(q, indications, groupes, campagne)
        for u in g
    ]
    write_classeur(recus / "base" / "base.csv", lay_out(q, base, campagne, unites, Ecriture(True)).pages)
    codees = sorted(
        v.nom for v in q.variables.values() if v.nomenclature and v.type == "code" and q.racine in v.entites
    )
    for i, reponse in enumerate(declaree.reponses):
        depot = lay_out(q, modele, campagne, [reponse.ecrite], Ecriture(libelles=i % 3 == 0))
        if i % ANOMALIES == 0:
            cases = [c for c in (depot.cell(reponse.ecrite, v) for v in codees) if c]
            feuille, ligne, colonne = cases[i % len(cases)]
            depot.pages[feuille].cellules[ligne, colonne] = "réponse hors liste"
        write_classeur(recus / "reponses" / f"reponse-{i:05d}.xlsx", depot.pages)
    ingest(dossier, campagne, [recus / "base"], "base", q.campagnes[campagne].debut.isoformat())
    ingest(dossier, campagne, [recus / "reponses"], "reponse", q.campagnes[campagne].fin.isoformat())
    shutil.rmtree(recus)


# ------------------------------------------------------------------------------------------- (b) one wide export


def questions() -> list[dict[str, Any]]:
    """The 80 questions of (b): name, type and constraints. One place for our declarations and the other tools'."""
    liste: list[dict[str, Any]] = [
        {"nom": "identifiant", "type": "texte", "longueur": 12, "obligatoire": True},
        {"nom": "date_reponse", "type": "date", "obligatoire": True},
    ]
    liste += [{"nom": f"code_{i:02d}", "type": "code", "obligatoire": i < 4} for i in range(40)]
    liste += [{"nom": f"nombre_{i:02d}", "type": "entier", "minimum": 0, "maximum": 1000 * (i + 1)} for i in range(20)]
    liste += [{"nom": f"mesure_{i:02d}", "type": "decimal", "minimum": 0, "maximum": 100} for i in range(5)]
    liste += [{"nom": f"jour_{i:02d}", "type": "date"} for i in range(5)]
    liste += [{"nom": f"texte_{i:02d}", "type": "texte", "longueur": 80} for i in range(8)]
    return liste


def valeur(question: dict[str, Any], rang: int, alea: random.Random) -> Any:
    """One plausible answer, one in twenty left blank unless required."""
    if question["nom"] == "identifiant":
        return f"R{rang:08d}"
    if not question.get("obligatoire") and alea.random() < 0.05:
        return None
    match question["type"]:
        case "code":
            return CODES[int(alea.random() * len(CODES))]
        case "entier":
            return int(alea.random() * question["maximum"])
        case "decimal":
            return round(alea.random() * 100, 2)
        case "date":
            return date(2026, 3, 1) + timedelta(days=int(alea.random() * 120))
    return f"Réponse libre fictive {int(alea.random() * 4000)}"


def _export(dossier: Path, nombre: int) -> None:
    import xlsxwriter

    from cartographie.intake.store import ingest

    liste = questions()
    _declarations(dossier / "schemas", liste)
    chemin = dossier / "recus" / "export.xlsx"
    chemin.parent.mkdir()
    alea = random.Random(1)
    classeur = xlsxwriter.Workbook(str(chemin), {"strings_to_formulas": False, "strings_to_urls": False})
    jour = classeur.add_format({"num_format": "dd/mm/yyyy"})
    feuille = classeur.add_worksheet("REPONSES")
    for c, question in enumerate(liste):
        feuille.write_string(0, c, question["nom"])
    for r in range(nombre):
        faute = 2 + alea.randrange(len(liste) - 2) if r % ANOMALIES == 0 else -1
        for c, question in enumerate(liste):
            v = valeur(question, r, alea)
            if c == faute and question["type"] in ("code", "entier"):
                v = "PEUTETRE" if question["type"] == "code" else question["maximum"] + 1
            if isinstance(v, date):
                feuille.write_datetime(r + 1, c, v, jour)
            elif isinstance(v, str):
                feuille.write_string(r + 1, c, v)
            elif v is not None:
                feuille.write_number(r + 1, c, v)
    classeur.close()
    ingest(dossier, CAMPAGNE_B, [chemin], "reponse", "2026-06-30")
    shutil.rmtree(chemin.parent)


_ENQUETE = """titre: Export fictif de mesure
producteur: Producteur fictif
licence: etalab-2.0
fictif: true
langue: fr
entites:
  reponse:
    libelle: Réponse
    identifiant:
      - {prefixe: R, variable: identifiant}
axes: {}
"""
_CAMPAGNE = """campagne: "2026"
libelle: Mesure
debut: 2026-03-01
fin: 2026-06-30
champ: Réponses fictives
precedente: null
seuils: {anomalies_bloquantes_pct: 100, secret_min: 3, proportion_min: 10}
plafonds: {octets: 104857600, cellules: 20000000, lignes: 1000000, colonnes: 512}
formats_acceptes: [xlsx]
csv: {encodage: null, separateur: null}
"""


def _declarations(schemas: Path, liste: list[dict[str, Any]]) -> None:
    """schemas/ of (b)."""
    import yaml

    campagne = schemas / CAMPAGNE_B
    for sous in (campagne, schemas / "nomenclatures", schemas / "tableaux"):
        sous.mkdir(parents=True)
    variables = {}
    for question in liste:
        v = {"entites": ["reponse"], "type": question["type"], "libelle": f"Question {question['nom']}"}
        v |= {"obligatoire": True} if question.get("obligatoire") else {}
        v |= {c: question[c] for c in ("minimum", "maximum") if c in question}
        v |= {"longueur_max": question["longueur"]} if "longueur" in question else {}
        v |= {"nomenclature": "reponses"} if question["type"] == "code" else {}
        variables[question["nom"]] = v
    regles = [
        {
            "code": f"B{i + 1:02d}",
            "gravite": "alerte",
            "entite": "reponse",
            "condition": {
                "et": [
                    {"variable": f"code_{i:02d}", "egal": "NON"},
                    {"variable": f"nombre_{i:02d}", "superieur": 999 * (i + 1)},
                ]
            },
            "cellules": [f"nombre_{i:02d}"],
            "message": f"Le nombre ({{nombre_{i:02d}}}) ne va pas avec « non ».",
        }
        for i in range(10)
    ]
    modele = {
        "modele": "export",
        "libelle": "Export de mesure",
        "usage": "reponse",
        "formats": ["xlsx"],
        "feuilles": [
            {
                "entite": "reponse",
                "noms": ["REPONSES"],
                "disposition": "tableau",
                "entete": {"ligne": LIGNE_ENTETE},
                "colonnes": {question["nom"]: [question["nom"]] for question in liste},
            }
        ],
    }
    codes = "code,libelle,variantes,parent,valide_de,valide_a,source\n"
    codes += "".join(f"{c},Réponse {c.lower()},,,,,\n" for c in CODES)
    for chemin, contenu in (
        (schemas / "enquete.yaml", _ENQUETE),
        (schemas / "variables.yaml", yaml.safe_dump(variables, allow_unicode=True, sort_keys=False)),
        (schemas / "regles.yaml", yaml.safe_dump(regles, allow_unicode=True, sort_keys=False)),
        (schemas / "denominateurs.yaml", "TOUS: {entite: reponse, libelle: Réponses}\n"),
        (schemas / "comparabilite.yaml", "[]\n"),
        (schemas / "nomenclatures" / "reponses.csv", codes),
        (campagne / "campagne.yaml", _CAMPAGNE),
        (campagne / "export.yaml", yaml.safe_dump(modele, allow_unicode=True, sort_keys=False)),
        (campagne / "CHANGEMENTS.md", "Aucun.\n"),
    ):
        chemin.write_text(contenu, encoding="utf-8")
