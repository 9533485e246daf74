"""What one child process measures: `python mesures.py <outil> <dossier> <ouvriers> <fichiers>` prints one JSON line.

A child measures once and ends, so that its peak memory is its own. `demarrage` (imports, reading the declarations) is
told apart from `duree` for every tool.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import fabrique

Resultat = dict[str, Any]

# ------------------------------------------------------------------------------------------- ours

# Stage → functions of the package whose own time it adds up; each must exist, or the report would lie by omission.
ETAPES: dict[str, tuple[tuple[str, str], ...]] = {
    "base de sondage": (("campaign.examine", "_frame"),),
    "lecture": (("campaign.batch", "read_depots"),),
    "mise en lots": (("campaign.batch", "build_lots"), ("campaign.batch", "link_parents")),
    "décodage": (("campaign.batch", "decode_lots"),),
    "dérivation, rapprochement": (
        ("campaign.batch", "_derive_all"),
        ("campaign.batch", "identify"),
        ("campaign.frame", "match"),
        ("campaign.frame", "unmatched"),
        ("campaign.frame", "overlaps"),
    ),
    "contrôle": (("campaign.batch", "validate"),),
    "rédaction des anomalies": (("campaign.batch", "word"),),
    "comptes": (("validate.accounts", "build"), ("validate.accounts", "check")),
    "mémoire de l'examen": (("campaign.resume", "save"), ("campaign.resume", "load"), ("campaign.examine", "gather")),
    "chargement": (("cli.flow.control", "_load"),),
}


def cartographie(dossier: Path, ouvriers: int, fichiers: int) -> Resultat:
    """The command `load` on the workspace, its stages timed from outside."""
    debut = time.perf_counter()
    import importlib

    modules = {m: importlib.import_module(f"cartographie.{m}") for m in {m for fs in ETAPES.values() for m, _ in fs}}
    importlib.import_module("cartographie.warehouse")
    importlib.import_module("cartographie.campaign.content")
    _pandera_pret()
    etapes: dict[str, float] = {}
    pris: list[float] = []  # time already counted by an inner stage

    def chronometre(etape: str, fonction: Callable[..., Any]) -> Callable[..., Any]:
        def mesuree(*args: Any, **kwargs: Any) -> Any:
            if pris:  # inside another stage: it is that one's time
                return fonction(*args, **kwargs)
            pris.append(0)
            depart = time.perf_counter()
            try:
                return fonction(*args, **kwargs)
            finally:
                etapes[etape] = etapes.get(etape, 0.0) + time.perf_counter() - depart
                pris.clear()

        return mesuree

    for etape, fonctions in ETAPES.items():
        for module, nom in fonctions:
            setattr(modules[module], nom, chronometre(etape, getattr(modules[module], nom)))
    flow = modules["cli.flow.control"]
    lues = processeur_des_declarations(flow, chronometre("démarrage", flow.load_questionnaire))
    importe, avant = time.perf_counter(), processeur()
    flow.load(dossier, flow.Examen(ouvriers, relire=True), lambda *_: None)  # as if nothing had been examined yet
    total = time.perf_counter() - importe
    declarations = etapes.pop("démarrage", 0.0)
    etapes["reste"] = max(0.0, total - declarations - sum(etapes.values()))
    duree, avant = total - declarations, avant + sum(lues)
    return {
        "demarrage": importe - debut + declarations, "duree": duree, "etapes": etapes, "processeur_avant": avant
    }  # fmt: skip


def _pandera_pret() -> None:
    """pandera loads the rest of itself (and hypothesis, where installed) at its first validation: start-up, not work."""
    import pandas as pd
    import pandera.pandas as pa

    pa.DataFrameSchema({}).validate(pd.DataFrame())


def processeur_des_declarations(flow: Any, lire: Callable[..., Any]) -> list[float]:
    """Replace the flow's reader of declarations by `lire`; the list receives the processor time each call takes."""
    pris: list[float] = []

    def comptee(*args: Any, **kwargs: Any) -> Any:
        depart = processeur()
        try:
            return lire(*args, **kwargs)
        finally:
            pris.append(processeur() - depart)

    flow.load_questionnaire = comptee
    return pris


# ------------------------------------------------------------------------------------------- the floor


def _rendre(chemin: Path) -> int:
    """Every cell of every sheet handed over, nothing done with them but counted."""
    from python_calamine import CalamineWorkbook

    cellules = 0
    with CalamineWorkbook.from_path(str(chemin)) as classeur:
        for nom in classeur.sheet_names:
            cellules += sum(len(ligne) for ligne in classeur.get_sheet_by_name(nom).to_python(skip_empty_area=False))
    return cellules


def plancher(dossier: Path, ouvriers: int, fichiers: int) -> Resultat:
    debut = time.perf_counter()
    import python_calamine  # noqa: F401

    chemins = _recus(dossier, fichiers)
    pret, avant = time.perf_counter(), processeur()
    if ouvriers <= 1:
        cellules = sum(map(_rendre, chemins))
    else:
        contexte = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(ouvriers, mp_context=contexte) as pool:
            cellules = sum(pool.map(_rendre, chemins, chunksize=50))
    return {
        "demarrage": pret - debut,
        "duree": time.perf_counter() - pret,
        "processeur_avant": avant,
        "cellules": cellules,
    }


def _recus(dossier: Path, fichiers: int) -> list[Path]:
    """Received answers, in a fixed order; the frame left out. `fichiers`: only that many (0: all)."""
    chemins = sorted(dossier.glob("raw/*/depots/*.xlsx"))
    return chemins[: fichiers or None]


# ------------------------------------------------------------------------------------------- the two other ways

_A_FICHE, _A_TABLEAU = "REPONDANT", "SYSTEMES"


def frictionless(dossier: Path, ouvriers: int, fichiers: int) -> Resultat:
    debut = time.perf_counter()
    from frictionless import Dialect, Resource, Schema, system
    from frictionless.formats import ExcelControl

    chemins = _recus(dossier, fichiers)
    champs = _champs(dossier)
    pret, avant = time.perf_counter(), processeur()
    erreurs = 0
    for chemin in chemins:
        for feuille, ligne, colonnes in champs:
            dialecte = Dialect(header_rows=[ligne], controls=[ExcelControl(sheet=feuille)])
            schema = Schema.from_descriptor({"fields": [_champ_frictionless(c) for c in colonnes]})
            with system.use_context(trusted=True):
                ressource = Resource(path=str(chemin), dialect=dialecte, schema=schema)
                rapport = ressource.validate(limit_errors=1_000_000)
            erreurs += rapport.stats["errors"]
    return {
        "demarrage": pret - debut,
        "duree": time.perf_counter() - pret,
        "processeur_avant": avant,
        "erreurs": erreurs,
    }


def _champs(dossier: Path) -> list[tuple[str, int, list[dict[str, Any]]]]:
    """(sheet, header row, columns) that a table validator can check, columns in the file's order."""
    if not (dossier / "schemas" / "demo.yaml").exists():
        return [("REPONSES", fabrique.LIGNE_ENTETE, fabrique.questions())]
    feuille, q, campagne = _feuille_a(dossier, _A_TABLEAU)
    colonnes = [_question(q, campagne, c.variable, c.entetes[0].texte) for c in feuille.colonnes]
    return [(_A_TABLEAU, feuille.ligne_entete or 1, colonnes)]


def _feuille_a(dossier: Path, nom: str) -> Any:
    from cartographie.survey.load import load_questionnaire

    q = load_questionnaire(dossier)
    campagne = max(q.campagnes)
    feuilles = [f for m in q.campagnes[campagne].modeles.values() if m.gabarit for f in m.feuilles if nom in f.noms]
    return feuilles[0], q, campagne


def _question(q: Any, campagne: str, variable: str, entete: str) -> dict[str, Any]:
    """One question of schemas/ in the plain form of `fabrique.questions`."""
    v = q.variables[variable]
    question = {"nom": entete, "type": {"codes": "texte"}.get(v.type.value, v.type.value), "obligatoire": v.obligatoire}
    if v.type == "code" and v.nomenclature:
        valides = q.nomenclatures[v.nomenclature].valides(campagne)
        question["codes"] = [*valides, *(m.libelle for m in valides.values())]
    bornes = {"minimum": v.minimum, "maximum": v.maximum, "longueur": v.longueur_max}
    return question | {c: b for c, b in bornes.items() if b is not None}


def _champ_frictionless(question: dict[str, Any]) -> dict[str, Any]:
    types = {"entier": "integer", "decimal": "number", "date": "date", "booleen": "boolean"}
    genre = types.get(question["type"], "string")
    noms = {"minimum": "minimum", "maximum": "maximum", "longueur": "maxLength"}
    bornes = ("minimum", "maximum") if genre in ("integer", "number") else ("longueur",) if genre == "string" else ()
    contraintes = {noms[c]: question[c] for c in bornes if c in question}
    if question["type"] == "code":
        contraintes["enum"] = list(question.get("codes", fabrique.CODES))
    if question.get("obligatoire"):
        contraintes["required"] = True
    return {"name": question["nom"], "type": genre, "constraints": contraintes}


def script(dossier: Path, ouvriers: int, fichiers: int) -> Resultat:
    """What one usually writes: pandas.read_excel (openpyxl), then a pandera schema."""
    debut = time.perf_counter()
    import openpyxl  # noqa: F401
    import pandas as pd
    import pandera.pandas as pa

    _pandera_pret()
    chemins = _recus(dossier, fichiers)
    champs = _champs(dossier)
    un_export = len(champs[0][2]) == len(fabrique.questions())
    fiche = None if un_export else _feuille_a(dossier, _A_FICHE)
    pret, avant = time.perf_counter(), processeur()
    if fiche is None:
        lots = [(pd.read_excel(chemins[0], sheet_name="REPONSES", engine="openpyxl"), champs[0][2])]
    else:
        attendue, q, campagne = fiche
        intitules = {c.entetes[0].texte: c.variable for c in attendue.colonnes}
        colonnes = [attendue.colonne_question - 1, attendue.colonne_reponse - 1]
        fiches, tableaux = [], []
        for chemin in chemins:
            feuilles = pd.read_excel(chemin, sheet_name=[_A_FICHE], header=None, engine="openpyxl")
            paires = feuilles[_A_FICHE].iloc[:, colonnes].dropna(how="all").itertuples(index=False, name=None)
            fiches.append({k: v for k, v in paires if k in intitules})
            tableau = pd.read_excel(chemin, sheet_name=_A_TABLEAU, header=champs[0][1] - 1, engine="openpyxl")
            tableaux.append(tableau.assign(fichier=chemin.name))
        questions = [_question(q, campagne, v, e) for e, v in intitules.items()]
        lots = [(pd.DataFrame(fiches, columns=list(intitules)), questions), (pd.concat(tableaux), champs[0][2])]
    erreurs = 0
    for df, questions in lots:
        try:
            _schema_pandera(pa, questions).validate(df.reset_index(drop=True), lazy=True)
        except pa.errors.SchemaErrors as fautes:
            erreurs += len(fautes.failure_cases)
    return {
        "demarrage": pret - debut,
        "duree": time.perf_counter() - pret,
        "processeur_avant": avant,
        "erreurs": erreurs,
    }


def _schema_pandera(pa: Any, questions: Iterable[dict[str, Any]]) -> Any:
    colonnes = {}
    for question in questions:
        verifs, genre = [], None
        if question["type"] == "code":
            verifs.append(pa.Check.isin(question.get("codes", fabrique.CODES)))
        elif question["type"] in ("entier", "decimal"):
            genre = float
            if "minimum" in question:
                verifs.append(pa.Check.ge(question["minimum"]))
            if "maximum" in question:
                verifs.append(pa.Check.le(question["maximum"]))
        elif question["type"] == "date":
            genre = "datetime64[ns]"
        elif "longueur" in question:
            verifs.append(pa.Check(lambda s, m=question["longueur"]: s.astype(str).str.len() <= m))
        obligatoire = bool(question.get("obligatoire"))
        colonnes[question["nom"]] = pa.Column(genre, verifs, nullable=not obligatoire, coerce=genre is not None)
    return pa.DataFrameSchema(colonnes)


# ------------------------------------------------------------------------------------------- fabrication, entry


def fabriquer(dossier: Path, ouvriers: int, fichiers: int) -> Resultat:
    prepare = fabrique.prepare_a if dossier.name == "a" else fabrique.prepare_b
    return {"dossier": str(prepare(fichiers))}


OUTILS = {f.__name__: f for f in (cartographie, plancher, frictionless, script, fabriquer)}


def processeur() -> float:
    """Seconds of processor taken so far, workers that ended included."""
    usages = [resource.getrusage(r) for r in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usages)


def memoire() -> dict[str, float]:
    """Peak resident memory in MB, of this process and of its biggest worker."""
    unite = 2**20 if sys.platform == "darwin" else 2**10
    soi, enfants = (resource.getrusage(r).ru_maxrss / unite for r in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"memoire": soi, "memoire_ouvrier": enfants}


def main() -> None:
    outil, dossier, ouvriers, fichiers = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    sortie = sys.stdout
    with tempfile.TemporaryFile("w") as ailleurs:  # the tools' own prints are not the result
        sys.stdout = ailleurs
        resultat = OUTILS[outil](dossier, ouvriers, fichiers)
    forkserver._forkserver._stop()  # its workers' time is counted once it has ended
    resultat["processeur"] = processeur() - resultat.pop("processeur_avant", 0.0)
    sortie.write(json.dumps(resultat | memoire()) + "\n")


if __name__ == "__main__":
    main()
