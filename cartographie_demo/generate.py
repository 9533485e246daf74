"""Write the fictitious campaigns of a workspace: destination/recus/<campagne>/{base,reponses}/ and verite.json."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from cartographie.survey.model import Questionnaire
from cartographie_demo.campaign import Campagne, Lot, Progres, carry_over, draw_campaign, make_frame, plant, share_out
from cartographie_demo.faults import Attendu, Bareme, Reponse
from cartographie_demo.hints import load_hints
from cartographie_demo.layout import (
    FICHIERS,
    Depot,
    Ecriture,
    Place,
    address,
    forget,
    lay_out,
    spell,
    width,
    without_blanks,
)
from cartographie_demo.oracle import Fiche, Monde, identifier
from cartographie_demo.truth import tableaux
from cartographie_demo.writers import MENTION, csv_text, write_classeur

XLS_COLONNES = 256
TABLES_MAX = 5000  # answers


def generate(
    projet: Path, questionnaire: Questionnaire, destination: Path, campagnes: Iterable[str], repondants: int,
    graine: int, progres: Progres | None = None, *, classeurs_max: int = 300, fautes: bool = True, tables: bool | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write every campaign asked for, replacing what a former call wrote there. Returns {graine, campagnes, lignes}.

    `repondants`: answers asked for in each campaign (fewer when its frame is smaller). `classeurs_max`: at most that many
    single-respondent workbooks, the rest goes to consolidated exports. `tables`: whether the right tables are computed
    (default: up to 5,000 answers). `progres(stage, done, total)` is called now and then.
    """
    q, indications = questionnaire, load_hints(projet)
    catalogue = yaml.safe_load(resources.files("cartographie.survey").joinpath("constats.yaml").read_text("utf-8"))
    bareme = Bareme(q.regles, catalogue)
    groupes = make_frame(q, indications, repondants, graine)
    voulues = set(campagnes)
    bilan: dict[str, Any] = {"graine": graine, "campagnes": {}, "lignes": {}}
    precedents: dict[int, Any] = {}
    ecrites: dict[str, Campagne] = {}
    for nom in sorted(q.campagnes):
        campagne = draw_campaign(q, projet, indications, groupes, nom, repondants, graine, precedents, progres)
        precedents = carry_over(campagne)
        if nom not in voulues:
            continue
        if fautes:
            plant(campagne, bareme, graine)
        dossier = destination / "recus" / nom
        for sous in ("base", "reponses"):
            shutil.rmtree(dossier / sous, ignore_errors=True)
            (dossier / sous).mkdir(parents=True)
        verite = _truth_head(q, campagne, graine)
        verite["base"] = _write_frame(q, campagne, dossier / "base")
        _write_answers(q, campagne, dossier, verite, bareme, classeurs_max, graine, progres)
        _kept(q, campagne, verite)
        if tables is False or (tables is None and len(campagne.reponses) > TABLES_MAX):
            verite["tableaux"] = None
            verite["tableaux_non_calcules"] = (
                f"plus de {TABLES_MAX} réponses : les tableaux attendus ne sont pas calculés"
            )
        else:
            if progres:
                progres(f"tableaux {nom}", 0, 1)
            verite["tableaux"] = tableaux(q, campagne, verite["fautes"], ecrites.get(q.campagnes[nom].precedente or ""))
        ecrites[nom] = campagne
        texte = json.dumps(verite, ensure_ascii=False, indent=1, sort_keys=False, default=_plain)
        (dossier / "verite.json").write_text(texte + "\n", "utf-8")
        bilan["campagnes"][nom] = {
            "repondants": len(campagne.reponses), "gardes": len(verite["repondants_gardes"]),
            "fichiers": len(verite["fichiers"]), "fautes": len({f["faute"] for f in verite["fautes"]}),
            "non_plantees": len(verite["non_plantees"]), "base": verite["base"]["unites"],
        }  # fmt: skip
        c = bilan["campagnes"][nom]
        bilan["lignes"][nom] = (
            f"{c['repondants']} réponses dans {c['fichiers']} fichiers, {c['fautes']} fautes plantées, "
            f"{c['gardes']} répondants à garder, base de {c['base']} unités"
        )
    return bilan


def _truth_head(q: Questionnaire, campagne: Campagne, graine: int) -> dict[str, Any]:
    return {"avertissement": MENTION, "campagne": campagne.nom, "graine": graine, "fichiers": [], "fautes": [],
            "non_plantees": list(campagne.non_plantees)}  # fmt: skip


def _plain(valeur: Any) -> Any:
    if isinstance(valeur, date):
        return valeur.isoformat()
    return valeur.texte if hasattr(valeur, "texte") else str(valeur)


# ------------------------------------------------------------------ files


def _write_frame(q: Questionnaire, campagne: Campagne, dossier: Path) -> dict[str, Any]:
    unites = [u for g in campagne.groupes for u in g]
    modele = next((m for m in q.campagnes[campagne.nom].modeles.values() if m.usage == "base"), None)
    if modele is None or q.base is None:
        return {"fichier": None, "unites": 0}
    suffixe = "csv" if "csv" in modele.formats else modele.formats[0]
    fiches = [Fiche(q.base, {k: v for k, v in u.items() if k != "_numero"}) for u in unites]
    depot = lay_out(q, without_blanks(modele, fiches), campagne.nom, fiches, Ecriture(suffixe == "csv"))
    nom = f"base-fictive-{campagne.nom}.{suffixe}"
    write_classeur(dossier / nom, depot.pages)
    return {"fichier": f"base/{nom}", "unites": len(unites)}


def _write_answers(
    q: Questionnaire, campagne: Campagne, dossier: Path, verite: dict[str, Any], bareme: Bareme, classeurs_max: int,
    graine: int, progres: Progres | None,
) -> None:  # fmt: skip
    orpheline = False
    for rang, lot in enumerate(share_out(campagne, q, classeurs_max, graine), 1):
        for reponse in lot.reponses:
            for fiche in {id(f): f for f in (reponse.ecrite, reponse.gardee) if f is not None}.values():
                forget(lot.modele, fiche)
        depot = lay_out(q, lot.modele, campagne.nom, [r.ecrite for r in lot.reponses], lot.ecriture)
        if lot.suffixe == "xls" and width(depot) > XLS_COLONNES:
            lot.suffixe = "xlsx"
        _overwrite(q, lot, depot)
        prefixe = f"{lot.modele.nom}-fictif-{rang:04d}"
        if lot.faute:
            _write_faulty(q, campagne, lot, depot, dossier, prefixe, verite, bareme)
            continue
        if not orpheline and len(lot.reponses) > 1:
            orpheline = _orphan(q, lot, depot, f"{prefixe}.{lot.suffixe}", verite, bareme)
        _write_lot(lot, depot.pages, dossier, f"{prefixe}.{lot.suffixe}", verite, lot.options)
        _record_faults(lot, depot, f"{prefixe}.{lot.suffixe}", verite, campagne.tirage.monde)
        if progres and rang % 50 == 0:
            progres(f"fichiers {campagne.nom}", rang, 0)


def _write_lot(
    lot: Lot, pages: Mapping[str, Any], dossier: Path, nom: str, verite: dict[str, Any], options: Any
) -> None:
    write_classeur(dossier / "reponses" / nom, pages, **options)
    verite["fichiers"].append({
        "fichier": nom, "modele": lot.modele.nom, "format": nom.rpartition(".")[2], "encodage": options.get("encodage"),
        "separateur": options.get("separateur"), "repondants": len(lot.reponses), "refuse": False,
    })  # fmt: skip


def _overwrite(q: Questionnaire, lot: Lot, depot: Depot) -> None:
    """Put the faulty contents in their cells."""
    for reponse in lot.reponses:
        for attendu in reponse.attendus:
            if not attendu.ecrase or attendu.fiche is None or attendu.variable is None:
                continue
            for feuille, ligne, colonne in depot.spread(attendu.fiche, attendu.variable):
                contenu = attendu.cellule
                if isinstance(contenu, str) and lot.ecriture.texte is False and contenu in _codes(q, attendu.variable):
                    contenu = spell(q, attendu.variable, contenu, lot.ecriture)
                depot.pages[feuille].cellules[ligne, colonne] = contenu


def _codes(q: Questionnaire, variable: str) -> Mapping[str, Any]:
    nomenclature = q.nomenclatures.get(q.variables[variable].nomenclature or "")
    return nomenclature.modalites if nomenclature else {}


def _record_faults(lot: Lot, depot: Depot, nom: str, verite: dict[str, Any], monde: Monde) -> None:
    for reponse in lot.reponses:
        if not reponse.attendus:
            continue
        numero = f"F{len({f['faute'] for f in verite['fautes']}) + 1:04d}"
        lignes = [_line(numero, reponse, a, depot, nom, monde) for a in reponse.attendus]
        if all(ligne is None for ligne in lignes):
            verite["non_plantees"].append({"genre": reponse.faute, "raison": f"case absente du modèle de {nom}"})
        verite["fautes"] += [ligne for ligne in lignes if ligne]


def _line(numero: str, reponse: Reponse, a: Attendu, depot: Depot, nom: str, monde: Monde) -> dict[str, Any] | None:
    """One expected finding at its cell; None when the model of file has no such cell."""
    fiche = a.fiche or reponse.ecrite
    place: tuple[str, int | None, int | None]
    if a.variable is None:
        place = (*depot.places[id(fiche)][:2], None)
    else:
        cases = depot.spread(fiche, a.variable)
        if not cases:
            return None
        place = cases[0]
    feuille, ligne, colonne = place
    ecrit = depot.pages[feuille].cellules.get((ligne, colonne)) if ligne and colonne else None
    return {
        "faute": numero, "genre": reponse.faute, "fichier": nom, "feuille": _sheet_name(nom, feuille),
        "cellule": address(ligne, colonne) if ligne and colonne else "", "ligne": ligne, "colonne": colonne,
        "entite": fiche.entite, "variable": a.variable, "regle": a.constat if a.regle else None,
        "constat": None if a.regle else a.constat, "code": a.code, "gravite": a.gravite,
        "valeur_ecrite": csv_text(ecrit) if nom.endswith(".csv") else ecrit, "pourquoi": a.pourquoi,
        "autres_cellules": [address(p[1], p[2]) for v in a.autres for p in depot.spread(fiche, v)[:1]],
        "confidentiel": a.confidentiel, "repondant": identifier(monde, reponse.ecrite),
    }  # fmt: skip


def _sheet_name(nom: str, feuille: str) -> str:
    """A delimited text has no sheets: its only one is called after the file, as spreadsheets do."""
    return nom.removesuffix(".csv") if nom.endswith(".csv") else feuille


def _write_faulty(
    q: Questionnaire, campagne: Campagne, lot: Lot, depot: Depot, dossier: Path, prefixe: str, verite: dict[str, Any],
    bareme: Bareme,
) -> None:  # fmt: skip
    """One file with a whole-file fault; written right, and said so, when the model does not lend itself to it."""
    reponse = lot.reponses[0]
    fichier = FICHIERS[lot.faute](depot, dossier)
    if fichier is None:
        verite["non_plantees"].append({"genre": reponse.faute, "raison": "le modèle de fichier ne s'y prête pas"})
        reponse.faute = ""
        _write_lot(lot, depot.pages, dossier, f"{prefixe}.{lot.suffixe}", verite, lot.options)
        return
    nom = f"{prefixe}-{lot.faute.replace('_', '-')}.{fichier.suffixe}"
    if fichier.octets is not None:
        (dossier / "reponses" / nom).write_bytes(fichier.octets)
    else:
        write_classeur(dossier / "reponses" / nom, fichier.pages, **fichier.options)
    juges = [(p, *bareme.juge(p.constat, _entity(lot, p), p.variable, "")) for p in fichier.attendus]
    refuse = any(g == "rejet_fichier" for _, _, g in juges)
    if refuse:
        reponse.gardee = None
    if _same_as_before(dossier / "reponses", nom, verite):
        return
    verite["fichiers"].append({"fichier": nom, "modele": lot.modele.nom, "format": fichier.suffixe, "encodage": None,
                               "separateur": None, "repondants": 1, "refuse": refuse})  # fmt: skip
    numero = f"F{len({f['faute'] for f in verite['fautes']}) + 1:04d}"
    for place, code, gravite in juges:
        verite["fautes"].append(_place_line(numero, reponse.faute, nom, place, code, gravite, _entity(lot, place)))
        if place.reponse:
            verite["fautes"][-1]["repondant"] = identifier(campagne.tirage.monde, reponse.ecrite)


def _same_as_before(recus: Path, nom: str, verite: dict[str, Any]) -> bool:
    """An empty file sent twice is one received file: the later one is withdrawn, as `ingest` would not take it again."""
    octets = (recus / nom).read_bytes()
    if not any((recus / f["fichier"]).read_bytes() == octets for f in verite["fichiers"] if f["refuse"]):
        return False
    (recus / nom).unlink()
    return True


def _entity(lot: Lot, place: Place) -> str:
    return next((f.entite for f in lot.modele.feuilles if place.feuille in f.noms), "*")


def _place_line(numero: str, genre: str, nom: str, p: Place, code: str, gravite: str, entite: str) -> dict[str, Any]:
    return {
        "faute": numero, "genre": genre, "fichier": nom, "feuille": _sheet_name(nom, p.feuille),
        "cellule": address(p.ligne, p.colonne) if p.ligne and p.colonne else "", "ligne": p.ligne, "colonne": p.colonne,
        "entite": entite if entite != "*" else None, "variable": p.variable, "regle": None, "constat": p.constat,
        "code": code, "gravite": gravite, "valeur_ecrite": p.ecrit, "pourquoi": p.pourquoi, "autres_cellules": [], "confidentiel": False,
        "repondant": None,
    }  # fmt: skip


def _orphan(q: Questionnaire, lot: Lot, depot: Depot, nom: str, verite: dict[str, Any], bareme: Bareme) -> bool:
    """A child row more, tied to an answer nobody sent, where the model ties rows by a number."""
    for attendue in lot.modele.feuilles:
        lien = attendue.lien if isinstance(attendue.lien, (tuple, list)) else ()
        enfants = [f for r in lot.reponses for f in r.ecrite.enfants.get(attendue.entite, []) if not r.faute]
        if len(lien) != 1 or not enfants:
            continue
        feuille, origine, colonnes = depot.places[id(enfants[0])]
        page = depot.pages[feuille]
        ligne = page.derniere_ligne + 1
        for (_, _), (_, colonne) in colonnes.items():
            page.cellules[ligne, colonne] = page.cellules.get((origine, colonne))
        place = colonnes[lien[0], None][1]
        page.cellules[ligne, place] = "FICTIF-INCONNU"
        code, gravite = bareme.juge("ligne_orpheline", attendue.entite, lien[0], "")
        numero = f"F{len({f['faute'] for f in verite['fautes']}) + 1:04d}"
        p = Place(
            "ligne_orpheline",
            "rattachée à une réponse que personne n'a envoyée",
            feuille,
            ligne,
            place,
            lien[0],
            "FICTIF-INCONNU",
        )
        verite["fautes"].append(_place_line(numero, "ligne:ligne_orpheline", nom, p, code, gravite, attendue.entite))
        return True
    return False


# ------------------------------------------------------------------ what is kept


def _kept(q: Questionnaire, campagne: Campagne, verite: dict[str, Any]) -> None:
    gardees = [r for r in campagne.reponses if r.gardee is not None]
    verite["repondants_gardes"] = sorted(identifier(campagne.tirage.monde, r.gardee) or "" for r in gardees if r.gardee)
    verite["repondants_rejetes"] = [
        {"repondant": identifier(campagne.tirage.monde, r.ecrite), "genre": r.faute}
        for r in campagne.reponses
        if r.gardee is None
    ]
    comptes: dict[str, int] = {}
    for reponse in gardees:
        for fiche in reponse.gardee.toutes() if reponse.gardee else ():
            comptes[fiche.entite] = comptes.get(fiche.entite, 0) + 1
    verite["lignes_gardees"] = comptes
