"""The right tables, from the answers that should be kept, in plain Python: one row, one condition at a time."""

from __future__ import annotations

import statistics
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from os.path import commonprefix
from typing import Any

from cartographie.survey.model import Questionnaire
from cartographie_demo.campaign import Campagne
from cartographie_demo.faults import Reponse
from cartographie_demo.oracle import Fiche, Monde, asked, carried, count, holds, identifier, known, value

# -------------------------------------------------------------------------------------------
# What the right tables count: kept records, the frame's units, findings, state of every answer, rows found again.

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


# -------------------------------------------------------------------------------------------
# The right tables, from the answers that should be kept, in plain Python: one row, one condition at a time.
#
# Written apart from the pipeline's own table builder. Unweighted, nothing masked, rounded to the millionth so that every Python
# writes the same; empty cells are left out.

QUANTILES = {"q1": 0.25, "mediane": 0.5, "q3": 0.75}


@dataclass(frozen=True, slots=True)
class Edition:
    """What the tables of one campaign are computed on. `simples`: kinds of actor shown, by variable of a simple axis."""

    monde: Monde
    grains: Mapping[str, list[Ligne]]
    simples: Mapping[str, set[Any]]


def tableaux(
    q: Questionnaire, campagne: Campagne, fautes: list[dict[str, Any]], avant: Campagne | None
) -> dict[str, Any]:
    """{colonnes, lignes}: one line is one figure, keyed as in the published contract. `avant`: the previous campaign."""
    ancienne = None if avant is None else _edition(q, avant, [], None)
    edition = _edition(q, campagne, fautes, avant)
    colonnes = ["edition", "table_id", *_axis_columns(q), "dimension", "modalite_code", "indicateur", "denominateur",
                "n_repondants", "n_lignes", "valeur"]  # fmt: skip
    lignes: dict[tuple[Any, ...], list[Any]] = {}
    for _, tableau in sorted(q.tableaux.items()):
        for serie in tableau["series"]:
            for nom, *reste in _both(q, serie, edition, ancienne):
                ligne = [nom, tableau["code"], *reste]
                ligne[-1] = round(ligne[-1], 6)
                lignes.setdefault(tuple(ligne[:-3]), ligne)
    return {"colonnes": colonnes, "lignes": list(lignes.values())}


def _edition(q: Questionnaire, campagne: Campagne, fautes: list[dict[str, Any]], avant: Campagne | None) -> Edition:
    tous = grains(q, campagne, fautes, avant)
    monde, reference = Monde(q, campagne.nom), q.base if q.base and tous[q.base] else q.racine
    simples = {a["variable"] for a in (q.enquete.get("axes") or {}).values() if "variable" in a}
    vues = {v: {value(monde, f, v) for f, _ in tous[reference]} - {None} for v in simples}
    return Edition(monde, tous, vues)


def _both(q: Questionnaire, serie: Mapping[str, Any], e: Edition, ancienne: Edition | None) -> Iterator[list[Any]]:
    """The figures of one series; of both campaigns on their common kinds of actor, and their difference, for an evolution."""
    nom = e.monde.campagne
    if not serie.get("evolution") or q.campagnes[nom].precedente is None:
        yield from ([nom, *ligne] for ligne in _series(e, serie, None))
        return
    variable = q.enquete.get("champ_constant", {}).get("variable")
    communs = None
    if variable:
        communs = e.simples[variable] & (ancienne.simples[variable] if ancienne else e.simples[variable])
        e = replace(e, simples={**e.simples, variable: communs})
    champ = None if variable is None else (variable, communs or set())
    nouvelles = list(_series(e, serie, champ))
    yield from ([nom, *ligne] for ligne in nouvelles)
    if ancienne is None:
        return
    anciennes = list(_series(replace(ancienne, simples=e.simples), serie, champ))
    yield from ([ancienne.monde.campagne, *ligne] for ligne in anciennes)
    valeurs = {tuple(ligne[:-3]): ligne[-1] for ligne in anciennes}
    for *cle, n, total, valeur in nouvelles:
        if tuple(cle) in valeurs:
            *debut, indicateur, denominateur = cle
            yield [nom, *debut, f"{indicateur}.evolution", denominateur, n, total, valeur - valeurs[tuple(cle)]]


def _axis_columns(q: Questionnaire) -> Iterator[str]:
    for nom, axe in (q.enquete.get("axes") or {}).items():
        yield from (f"{nom}_type", f"{nom}_code") if "niveaux" in axe else (nom,)


def _place(e: Edition, fiche: Fiche, refs: Iterable[str]) -> tuple[str, ...] | None:
    """The record's cell in a crossing; None when it has no value on one of its axes, or a kind of actor not surveyed."""
    monde = e.monde
    place: list[str] = []
    for nom, axe in (monde.questionnaire.enquete.get("axes") or {}).items():
        niveaux = {n["code"]: n for n in axe.get("niveaux", ())}
        choisi = next((r for r in refs if r in niveaux or r == nom), None)
        if niveaux:
            niveau = niveaux[choisi] if choisi else next(iter(niveaux.values()))
            code = _axis(monde, fiche, niveau["variable"]) if "variable" in niveau else niveau["code"].upper()
            place += [niveau["code"], code if code is not None else ""]
        else:
            code = _axis(monde, fiche, axe["variable"]) if choisi else "TOUS"
            code = code if not choisi or code in e.simples[axe["variable"]] else None
            place.append(code if code is not None else "")
        if code is None:
            return None
    return tuple(place)


def _axis(monde: Monde, fiche: Fiche, variable: str) -> Any:
    return value(monde, fiche if fiche.entite == monde.questionnaire.base else fiche.racine(), variable)


def _series(e: Edition, serie: Mapping[str, Any], constant: tuple[str, set[Any]] | None) -> Iterator[list[Any]]:
    """The figures of one series. `constant`: (variable, the values to keep), for an evolution."""
    monde = e.monde
    denominateur = monde.questionnaire.denominateurs[serie["denominateur"]]
    champ = [
        (f, n)
        for f, n in e.grains.get(denominateur["entite"], ())
        if holds(monde, f, denominateur.get("filtre"))
        and holds(monde, f, serie.get("filtre"))
        and (constant is None or _axis(monde, f, constant[0]) in constant[1])
        and not (denominateur.get("hors_base") and covered_units(monde.questionnaire, f.racine()))
    ]
    indicateurs = [i for i in serie["indicateurs"] if computed(i)]
    dimension = serie.get("dimension")
    modalites = [_codes(monde, f, dimension) if dimension else [""] for f, _ in champ]
    pris = [[_take(monde, f, indicateur) for f, _ in champ] for indicateur in indicateurs]
    for refs in serie["croisements"]:
        places = [_place(e, f, refs) for f, _ in champ]
        for indicateur, prises_de in zip(indicateurs, pris, strict=True):
            cellules: dict[tuple[Any, ...], list[tuple[Fiche, int, list[str], float]]] = {}
            for (fiche, numero), place, codes, prise in zip(champ, places, modalites, prises_de, strict=True):
                if prise is None or place is None:
                    continue
                for modalite in codes:
                    cellules.setdefault((place, modalite), []).append((fiche, numero, *prise))
            for (place, modalite), prises in sorted(cellules.items(), key=lambda cellule: cellule[0]):
                n, total = len({numero for _, numero, _, _ in prises}), len(prises)
                for sous, valeur in _figure(monde, indicateur, prises):
                    cle = _named(indicateur, dimension, modalite, sous)
                    yield [*place, *cle, serie["denominateur"], n, total, valeur]


def computed(ind: Mapping[str, Any]) -> bool:
    """False for what only the collection knows: rates of response, and what became of each unit."""
    return ind["mesure"] != "taux_reponse" and (ind.get("condition") or {}).get("variable") != "disposition"


def _named(ind: Mapping[str, Any], dimension: str | None, modalite: str, sous: str) -> list[str]:
    """(dimension, modalite_code, indicateur) as published."""
    if dimension:
        return [dimension.rpartition(".")[2], modalite, f"{ind['code']}.{sous}" if sous else ind["code"]]
    if ind["mesure"] != "repartition":
        return ["", "", ind["code"]]
    variable = ind["variable"]
    if not isinstance(variable, str):  # several questions of one list: what their names have in common
        variable = commonprefix(variable).rstrip("_") or variable[0]
    return [variable.rpartition(".")[2], sous, ind["code"]]


def _take(monde: Monde, fiche: Fiche, ind: Mapping[str, Any]) -> tuple[list[str], float] | None:
    """What the record brings to an indicator: (modalities, number); None when it is not among its rows."""
    mesure = ind["mesure"]
    if mesure == "part":
        if not known(monde, fiche, ind["condition"]):
            return None
        return ["vrai"] if holds(monde, fiche, ind["condition"]) else [], _weight(monde, fiche, ind)
    if mesure == "repartition":
        noms = ind["variable"] if isinstance(ind["variable"], list) else [ind["variable"]]
        enfant = len(noms) == 1 and "." in noms[0]
        if not enfant and not holds(monde, fiche, ind.get("si")):
            return None
        codes = _children_codes(monde, fiche, noms[0], ind.get("si")) if enfant else _union(monde, fiche, noms)
        return None if codes is None else (codes, _weight(monde, fiche, ind))
    if mesure == "nombre":
        return ([], _weight(monde, fiche, ind)) if holds(monde, fiche, ind.get("condition")) else None
    if mesure == "ratio":
        haut, bas = (_number(monde, fiche, ind[c]) for c in ("numerateur", "denominateur"))
        return None if haut is None or bas is None else ([], 0.0)
    valeur = _number(monde, fiche, ind["valeur"])
    return None if valeur is None else ([], valeur)


def _weight(monde: Monde, fiche: Fiche, ind: Mapping[str, Any]) -> float:
    return 1.0 if "poids" not in ind else float(value(monde, fiche, ind["poids"]) or 0)


def _codes(monde: Monde, fiche: Fiche, nom: str) -> list[str]:
    valeur = value(monde, fiche, nom)
    return [] if valeur is None else sorted(set(valeur)) if isinstance(valeur, tuple) else [str(valeur)]


def _union(monde: Monde, fiche: Fiche, noms: list[str]) -> list[str] | None:
    codes = {c for n in noms for c in _codes(monde, fiche, n)}
    return sorted(codes) or None


def _children_codes(monde: Monde, fiche: Fiche, nom: str, si: Any) -> list[str] | None:
    enfant, _, variable = nom.rpartition(".")
    if not carried(monde, Fiche(enfant), variable):
        return None
    lignes = [ligne for ligne in fiche.enfants.get(enfant, []) if holds(monde, ligne, si)]
    return sorted({c for ligne in lignes for c in _codes(monde, ligne, variable)})


def _number(monde: Monde, fiche: Fiche, valeur: Any) -> float | None:
    if isinstance(valeur, Mapping):
        return float(count(monde, fiche, valeur["nombre"], valeur.get("si")))
    nombre = value(monde, fiche, valeur)
    return None if nombre is None else float(nombre)


def _figure(monde: Monde, ind: Mapping[str, Any], prises: list[Any]) -> Iterator[tuple[str, float]]:
    mesure, valeurs = ind["mesure"], [v for _, _, _, v in prises]
    total = sum(valeurs)
    if mesure == "part":
        if total:
            yield "", 100 * sum(v for _, _, codes, v in prises if codes) / total
    elif mesure == "repartition":
        for code in sorted({c for _, _, codes, _ in prises for c in codes}):
            yield code, 100 * sum(v for _, _, codes, v in prises if code in codes) / total
    elif mesure == "ratio":
        haut, bas = (
            sum(_number(monde, f, ind[c]) or 0 for f, _, _, _ in prises) for c in ("numerateur", "denominateur")
        )
        if bas:
            yield "", 100 * haut / bas
    elif mesure in ("nombre", "somme"):
        yield "", total
    elif mesure == "moyenne":
        yield "", statistics.fmean(valeurs)
    elif mesure == "maximum":
        yield "", max(valeurs)
    else:
        yield "", _quantile(sorted(valeurs), QUANTILES[mesure])


def _quantile(valeurs: list[float], ordre: float) -> float:
    """Linear interpolation between the two nearest ranks."""
    rang = ordre * (len(valeurs) - 1)
    bas = int(rang)
    haut = min(bas + 1, len(valeurs) - 1)
    return valeurs[bas] + (rang - bas) * (valeurs[haut] - valeurs[bas])
