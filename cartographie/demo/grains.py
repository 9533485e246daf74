"""What the right tables count: kept records, the frame's units, findings, state of every answer, rows found again."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from cartographie.demo.campaign import Campagne
from cartographie.demo.checks import asked, identifier
from cartographie.demo.faults import Reponse
from cartographie.demo.oracle import Fiche
from cartographie.model import Questionnaire

Ligne = tuple[Fiche, int]  # (record, number of its respondent)
QUALITE, ANOMALIE, PANEL = "qualite_variable", "anomalie", "_panel"


def grains(
    q: Questionnaire, campagne: Campagne, fautes: list[dict[str, Any]], avant: Campagne | None
) -> dict[str, list[Ligne]]:
    """Records by grain: every entity, and those of the other grains some denominator counts. `fautes`: of verite.json."""
    voulus = {d["entite"] for d in q.denominateurs.values()}
    qualite = list(_quality(q, campagne)) if QUALITE in voulus else []  # before the frame's values cover the answers
    tous: dict[str, list[Ligne]] = _records(q, campagne)
    tous[QUALITE] = qualite
    tous[ANOMALIE] = list(_findings(campagne, fautes))
    for voulu in sorted(v for v in voulus if v.endswith(PANEL)):
        entite = voulu.removesuffix(PANEL)
        tous[voulu] = [] if avant is None else list(_panel(q, entite, campagne, avant))
    return tous


def _records(q: Questionnaire, campagne: Campagne) -> dict[str, list[Ligne]]:
    """Kept answers, with the frame's own values where the units covered agree, and the frame's units."""
    tous: dict[str, list[Ligne]] = {e: [] for e in q.entites}
    couvertes = set()
    depuis = q.entites[q.racine].depuis_base
    for numero, reponse in enumerate(campagne.reponses):
        if reponse.gardee is None:
            continue
        racine = reponse.gardee
        unites = covered_units(q, racine)
        for nom in depuis:
            de_la_base = {u[nom] for u in unites if u.get(nom) is not None}
            if len(de_la_base) == 1:  # the units covered agree; else the respondent's own answer
                racine.valeurs[nom] = de_la_base.pop()
        couvertes |= {_key(u) for u in unites}
        for fiche in racine.toutes():
            tous[fiche.entite].append((fiche, numero))
    if q.base:
        toutes = [u for g in campagne.groupes for u in g]
        tous[q.base] = [(Fiche(q.base, {**u, "a_repondu": _key(u) in couvertes}), i) for i, u in enumerate(toutes)]
    return tous


def covered_units(q: Questionnaire, racine: Fiche) -> list[Mapping[str, Any]]:
    """Units of the frame a kept answer stands for: the sites it lists, else its own, else all those of its legal entity."""
    couvertes: list[Mapping[str, Any]] = []
    dit = False
    for lien in q.enquete.get("lien_base") or ():
        sienne = lien["entite"] == q.racine
        if sienne and dit:
            continue
        fiches = [racine] if sienne else racine.enfants.get(lien["entite"], [])
        valeurs = {str(v) for f in fiches if (v := f.valeurs.get(lien["variable"])) is not None}
        dit = dit or bool(valeurs)
        couvertes += [u for u in racine.unites if str(u.get(lien["base"])) in valeurs and u not in couvertes]
    return couvertes


def _key(unite: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted((k, str(v)) for k, v in unite.items() if k != "_numero" and v is not None))


# ------------------------------------------------------------------ state of every answer


def _quality(q: Questionnaire, campagne: Campagne) -> Iterator[Ligne]:
    """One record: one question of one kept record. Its answer is given, « don't know », blank, rejected or not asked."""
    monde, nsp = campagne.tirage.monde, set(q.enquete.get("ne_sait_pas", ()))
    noms = {
        e: [v for v in q.variables.values() if (e, v.nom) in monde.posees and not v.personnel and v.publiable]
        for e in q.entites
    }
    for numero, reponse in enumerate(campagne.reponses):
        if reponse.gardee is None:
            continue
        rejetees = _rejected(reponse)
        for rang, fiche in enumerate(reponse.gardee.toutes()):
            for variable in noms[fiche.entite]:
                valeur = fiche.valeurs.get(variable.nom)
                etat = "blanc" if valeur is None else "renseigne"
                if valeur is not None and nsp.issuperset(valeur if isinstance(valeur, tuple) else (valeur,)):
                    etat = "nsp"
                if (rang, variable.nom) in rejetees:
                    etat = "invalide"
                if etat != "renseigne" and not asked(monde, fiche, variable.nom):
                    etat = "hors_filtre"
                valeurs = {"variable": variable.nom, "etat": etat, "entite": fiche.entite}
                yield Fiche(QUALITE, valeurs, reponse.gardee), numero


def _rejected(reponse: Reponse) -> set[tuple[int, str]]:
    """(rank of the record in the answer, variable) of every cell emptied."""
    rangs = {id(f): rang for rang, f in enumerate(reponse.ecrite.toutes())}
    return {
        (rangs[id(a.fiche)], nom)
        for a in reponse.attendus
        if a.gravite == "rejet_cellule" and a.fiche is not None and a.variable
        for nom in (a.variable, *a.autres)
    }


# ------------------------------------------------------------------ findings


def _findings(campagne: Campagne, fautes: list[dict[str, Any]]) -> Iterator[Ligne]:
    """One record: one finding that is not confidential; one that names no respondent counts for one."""
    monde = campagne.tirage.monde
    numeros: dict[str | None, tuple[int, Fiche | None]] = {}
    for numero, reponse in enumerate(campagne.reponses):
        if reponse.gardee is not None:
            numeros[identifier(monde, reponse.gardee)] = (numero, reponse.gardee)
    for rang, faute in enumerate(fautes):
        if not faute["confidentiel"]:
            suivant = (len(campagne.reponses) + rang, None)
            repondant = faute["repondant"]
            numero, racine = numeros.setdefault(repondant, suivant) if repondant else suivant
            yield Fiche(ANOMALIE, {"regle": faute["code"], "gravite": faute["gravite"]}, racine), numero


# ------------------------------------------------------------------ rows found again


def _panel(q: Questionnaire, entite: str, campagne: Campagne, avant: Campagne) -> Iterator[Ligne]:
    """One record: one row also there in the previous campaign, `<variable>_precedente` being what it said then."""
    anciennes = {cle: fiche for cle, fiche, _ in _stable(q, entite, avant)}
    for cle, fiche, numero in _stable(q, entite, campagne):
        if cle in anciennes:
            suite = {f"{k}_precedente": v for k, v in anciennes[cle].valeurs.items()}
            yield Fiche(entite, {**fiche.valeurs, **suite}, fiche.parent, fiche.enfants, fiche.unites), numero


def _stable(q: Questionnaire, entite: str, campagne: Campagne) -> Iterator[tuple[tuple[Any, ...], Fiche, int]]:
    """(who, stable key, rank among the rows that share it) of every kept row that has one."""
    monde, vues = campagne.tirage.monde, dict[tuple[Any, ...], int]()
    for numero, reponse in enumerate(campagne.reponses):
        if reponse.gardee is None:
            continue
        qui = identifier(monde, reponse.gardee)
        for fiche in (f for f in reponse.gardee.toutes() if f.entite == entite):
            textes = tuple(_plain(fiche.valeurs.get(nom)) for nom in q.entites[entite].cle_stable)
            if textes and not textes[0]:
                continue
            vues[qui, *textes] = vues.get((qui, *textes), 0) + 1
            yield (qui, *textes, vues[qui, *textes]), fiche, numero


def _plain(valeur: Any) -> str:
    """A text without case, accents or superfluous blanks."""
    texte = unicodedata.normalize("NFKD", "" if valeur is None else str(valeur)).casefold()
    return " ".join("".join(c for c in texte if not unicodedata.combining(c)).split())
