"""Consistency across the files of schemas/: each inconsistency is added with its file, key and line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from cartographie.base.text import normalise
from cartographie.survey.conditions import COUNT_OPERATORS, FORMS, FUNCTIONS, OPERATORS
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import COLONNES, axis_columns
from cartographie.survey.rules import load_catalogue
from cartographie.survey.types import TYPES
from cartographie.survey.written.source import Chemin, Problemes, Source

# ---- references
#
# References inside declarations: does the variable, the entity, the operator exist, and where is it written?


def check_known(q: Questionnaire, entite: str | None, variable: str, s: Source, chemin: Chemin, p: Problemes) -> None:
    v = q.variables.get(variable)
    if v is None:
        p.ajouter("D05", s, chemin, f"la variable « {variable} » n'est pas déclarée dans variables.yaml.")
    elif entite is not None and entite not in v.entites:
        p.ajouter("D05", s, chemin, f"la variable « {variable} » n'appartient pas à l'entité « {entite} ».")


def check_reference(q: Questionnaire, entite: str, nom: str, s: Source, chemin: Chemin, p: Problemes) -> None:
    if "." in nom:
        entite, nom = nom.split(".", 1)
        if entite not in q.entites:
            p.ajouter("D10", s, chemin, f"l'entité « {entite} » n'est pas déclarée.")
            return
    check_known(q, entite, nom, s, chemin, p)


def check_condition(
    q: Questionnaire,
    entite: str,
    condition: Any,
    s: Source,
    chemin: Chemin,
    p: Problemes,
    libres: set[str] = frozenset(),  # type: ignore[assignment]
) -> None:
    if condition is None:
        return
    for ici, genre, ou, nom in _walk(condition, entite, chemin):
        if genre == "entite":
            if nom not in q.entites:
                p.ajouter("D10", s, ici, f"l'entité « {nom} » n'est pas déclarée.")
            elif q.entites[nom].parent != ou:
                p.ajouter("D10", s, ici, f"l'entité « {nom} » n'est pas un enfant de « {ou} ».")
        elif genre == "forme":
            p.ajouter("D08", s, ici, nom)
        elif nom not in libres and ou in q.entites:
            check_reference(q, ou, nom, s, ici, p)


def _walk(c: Mapping[str, Any], entite: str, chemin: Chemin) -> Iterator[tuple[Chemin, str, str, str]]:
    """(place, "variable" | "entite" | "forme", entity it is read from, name or fault) of all that a condition says."""
    formes = [f for f in FORMS if f in c]
    if len(formes) != 1:
        yield chemin, "forme", entite, f"une condition a exactement une forme parmi : {', '.join(FORMS)}."
        return
    forme = formes[0]
    if fautes := _misplaced(forme, c):
        yield chemin, "forme", entite, fautes
        return
    if forme == "variable":
        yield (*chemin, "variable"), "variable", entite, c["variable"]
    for o in OPERATORS:
        if isinstance(c.get(o), Mapping) and "variable" in c[o]:
            yield (*chemin, o), "variable", entite, c[o]["variable"]
    if forme in ("nombre", "existe"):
        yield (*chemin, forme), "entite", entite, c[forme]
        if "si" in c:
            yield from _walk(c["si"], c[forme], (*chemin, "si"))
    for v in c.get("doublon", ()):
        yield (*chemin, "doublon"), "variable", entite, v
    for cle in ("et", "ou"):
        for i, fille in enumerate(c.get(cle, ())):
            yield from _walk(fille, entite, (*chemin, cle, i))
    if forme == "non":
        yield from _walk(c["non"], entite, (*chemin, "non"))


_OPERATEURS = {"variable": OPERATORS, "nombre": COUNT_OPERATORS}
_AVEC = {"nombre": {"si"}, "existe": {"si"}, "fonction": {"parametres"}}


def _misplaced(forme: str, c: Mapping[str, Any]) -> str:
    """What else a condition says that its form does not; empty when nothing."""
    if forme == "fonction" and c[forme] not in FUNCTIONS:
        return f"la fonction « {c[forme]} » n'existe pas ; fonctions admises : {', '.join(sorted(FUNCTIONS))}."
    admis = _OPERATEURS.get(forme, ())
    autres = set(c) - {forme} - _AVEC.get(forme, set())
    if admis and len(autres & set(admis)) != 1:
        return f"il faut exactement un opérateur parmi : {', '.join(sorted(admis))}."
    de_trop = sorted(autres - set(admis))
    return f"une condition « {forme} » n'admet pas « {', '.join(de_trop)} »." if de_trop else ""


# Grains built by the program beside the declared entities (see tables).
_GRAINS = {"qualite_variable", "anomalie"}
LIBRES = {"a_repondu", "disposition"}  # columns of the frame that the warehouse adds
Sources = Mapping[str, Source]


def check_questionnaire(q: Questionnaire, sources: Sources, problemes: Problemes) -> None:
    """Add to `problemes` every reference that leads nowhere and every ambiguity."""
    _check_entites(q, sources["enquete"], problemes)
    _check_variables(q, sources["variables"], problemes)
    _check_nomenclatures(q, sources, problemes)
    _check_regles(q, sources["regles"], problemes)
    _check_tableaux(q, sources, problemes)
    for annee, campagne in q.campagnes.items():
        source = sources[f"{annee}/campagne"]
        if source.contenu["campagne"] != annee:
            problemes.ajouter(
                "D10", source, ("campagne",), f"la campagne doit s'appeler comme son dossier, « {annee} »."
            )
        if campagne.precedente is not None and campagne.precedente not in q.campagnes:
            problemes.ajouter(
                "D10", source, ("precedente",), f"la campagne « {campagne.precedente} » n'est pas déclarée."
            )
        if not (isinstance(campagne.debut, date) and isinstance(campagne.fin, date) and campagne.debut <= campagne.fin):
            problemes.ajouter(
                "D10", source, ("debut",), "les dates de la campagne doivent être AAAA-MM-JJ et se suivre."
            )
        _check_weighting(q, source, problemes)
        if f"{annee}/plausibilite" in sources:
            _check_expectations(q, sources[f"{annee}/plausibilite"], problemes)
        for nom in campagne.modeles:
            _check_modele(q, annee, nom, sources[f"{annee}/{nom}"], problemes)


def _check_weighting(q: Questionnaire, s: Source, p: Problemes) -> None:
    """Weights are made from variables of the frame, and judged on others."""
    declaree = s.contenu.get("ponderation") or {}
    marges = (declaree.get("calage") or {}).get("marges", ())
    for cle, variables in (
        (("groupes",), declaree.get("groupes", ())),
        (("calage", "marges"), marges),
        (("temoins",), declaree.get("temoins", ())),
    ):
        for v in variables:
            check_known(q, q.base, v, s, ("ponderation", *cle), p)
    for v in set(declaree.get("temoins", ())) & {*declaree.get("groupes", ()), *marges}:
        p.ajouter(
            "D10",
            s,
            ("ponderation", "temoins"),
            f"« {v} » sert aux poids : il ne peut pas témoigner de ce qu'ils laissent.",
        )


def _check_entites(q: Questionnaire, s: Source, p: Problemes) -> None:
    if all(e.base or e.parent for e in q.entites.values()):
        p.ajouter(
            "D10", s, ("entites",), "aucune entité racine : déclarez celle qui répond, sans « parent » ni « base »."
        )
    for nom, e in q.entites.items():
        ici: Chemin = ("entites", nom)
        if e.parent is not None and e.parent not in q.entites:
            p.ajouter("D10", s, (*ici, "parent"), f"l'entité « {e.parent} » n'est pas déclarée.")
        listes = {
            "cle": e.cle,
            "cle_stable": e.cle_stable,
            "completude": e.completude,
            "date": (e.date,) if e.date else (),
        }
        for cle, variables in listes.items():
            for v in variables:
                check_known(q, nom, v, s, (*ici, cle), p)
        for i, identifiant in enumerate(e.identifiant):
            check_known(q, nom, identifiant["variable"], s, (*ici, "identifiant", i, "variable"), p)
            check_condition(q, nom, identifiant.get("si"), s, (*ici, "identifiant", i, "si"), p)
        for v in e.depuis_base:
            check_known(q, nom, v, s, (*ici, "depuis_base"), p)
            check_known(q, q.base, v, s, (*ici, "depuis_base"), p)
    for i, lien in enumerate(q.enquete.get("lien_base", ())):
        check_known(q, lien["entite"], lien["variable"], s, ("lien_base", i, "variable"), p)
        check_known(q, q.base, lien["base"], s, ("lien_base", i, "base"), p)
    for axe, d in q.enquete.get("axes", {}).items():
        for v in [d.get("variable"), *(n.get("variable") for n in d.get("niveaux", ()))]:
            if v is not None and v not in q.variables:
                p.ajouter("D05", s, ("axes", axe), f"la variable « {v} » n'est pas déclarée dans variables.yaml.")


def _check_variables(q: Questionnaire, s: Source, p: Problemes) -> None:
    for nom, v in q.variables.items():
        for e in v.entites:
            if e not in q.entites:
                p.ajouter("D10", s, (nom, "entites"), f"l'entité « {e} » n'est pas déclarée dans enquete.yaml.")
                continue
            for cle in ("pose_si", "obligatoire_si"):
                check_condition(q, e, s.contenu[nom].get(cle), s, (nom, cle), p)
        if TYPES[v.type].liste and v.nomenclature is None:
            p.ajouter("D06", s, (nom,), f"une variable de type « {v.type} » doit nommer sa nomenclature.")
        if v.nomenclature is not None and v.nomenclature not in q.nomenclatures:
            p.ajouter("D06", s, (nom, "nomenclature"), f"le fichier nomenclatures/{v.nomenclature}.csv n'existe pas.")
        if v.derivee:
            _check_derivee(q, nom, v.entites[0], v.derivee, s, p)


def _check_derivee(q: Questionnaire, nom: str, entite: str, d: Mapping[str, Any], s: Source, p: Problemes) -> None:
    ici: Chemin = (nom, "derivee")
    de = d.get("de", ())
    de = [de] if isinstance(de, str) else list(de)
    if "passage" in d:
        passage = q.passages.get(d["passage"])
        if passage is None:
            p.ajouter("D06", s, (*ici, "passage"), f"le fichier passages/{d['passage']}.csv n'existe pas.")
            return
        de = de or list(passage.sources)
        if len(de) != (1 if passage.intervalle else len(passage.sources)):
            p.ajouter(
                "D10", s, ici, f"le passage « {passage.nom} » attend d'autres sources que {', '.join(de) or 'aucune'}."
            )
    if "nombre" in d:
        if d["nombre"] not in q.entites:
            p.ajouter("D10", s, (*ici, "nombre"), f"l'entité « {d['nombre']} » n'est pas déclarée.")
        else:
            check_condition(q, d["nombre"], d.get("si"), s, (*ici, "si"), p)
    for v in [*de, *d.get("rapport", ())]:
        check_known(q, entite, v, s, ici, p)


def _check_nomenclatures(q: Questionnaire, sources: Sources, p: Problemes) -> None:
    for nom, nomenclature in q.nomenclatures.items():
        s = sources[f"nomenclatures/{nom}"]
        vus: dict[str, str] = {}
        codes: set[str] = set()
        for i, rang in enumerate(s.contenu["lignes"]):
            if rang["code"] in codes:
                p.ajouter("D04", s, ("lignes", i), f"le code « {rang['code']} » est donné deux fois.")
            codes.add(rang["code"])
            m = nomenclature.modalites[rang["code"]]
            for texte in {normalise(t) for t in (m.code, m.libelle, *m.variantes)}:
                if vus.setdefault(texte, m.code) != m.code:
                    message = (
                        f"« {texte} » désigne à la fois {vus[texte]} et {m.code} : retirez l'une des deux variantes."
                    )
                    p.ajouter("D11", s, ("lignes", i), message)
    for nom, passage in q.passages.items():
        s = sources[f"passages/{nom}"]
        for v in passage.sources:
            if v not in q.variables:
                p.ajouter("D05", s, (), f"la colonne « {v} » n'est pas une variable de variables.yaml.")


def _check_regles(q: Questionnaire, s: Source, p: Problemes) -> None:
    codes: set[str] = set()
    for i, r in enumerate(q.regles):
        if r.code in codes and r.constat is None:
            p.ajouter("D04", s, (i, "code"), f"la règle « {r.code} » est donnée deux fois : ajoutez une lettre.")
        codes.add(r.code)
        if r.constat is not None and r.constat not in load_catalogue():
            p.ajouter("D09", s, (i, "constat"), f"le constat « {r.constat} » n'existe pas ; voir docs/regles.md.")
        if r.entite != "*" and r.entite not in q.entites:
            p.ajouter("D10", s, (i, "entite"), f"l'entité « {r.entite} » n'est pas déclarée.")
            continue
        if r.entite != "*":
            check_condition(q, r.entite, r.condition, s, (i, "condition"), p)
            for cle, v in [*(("cellules", v) for v in r.cellules), *(("en_cause", v) for v in r.en_cause)]:
                check_known(q, r.entite, v, s, (i, cle), p)
        if r.gravite == "rejet_cellule" and r.condition is not None and len(r.cellules) != 1:
            p.ajouter(
                "D10", s, (i,), f"la règle « {r.code} » rejette une cellule : nommez-la, seule, dans « cellules »."
            )
        for c in r.campagnes:
            if c not in q.campagnes:
                p.ajouter("D10", s, (i, "campagnes"), f"la campagne « {c} » n'est pas déclarée.")


def _check_tableaux(q: Questionnaire, sources: Sources, p: Problemes) -> None:
    s = sources["denominateurs"]
    grains = set(q.entites) | _GRAINS | {f"{e}_panel" for e in q.entites}
    for code, d in q.denominateurs.items():
        if d["entite"] not in grains:
            p.ajouter("D10", s, (code, "entite"), f"l'entité « {d['entite']} » n'est pas déclarée.")
        elif d["entite"] in q.entites:
            check_condition(q, d["entite"], d.get("filtre"), s, (code, "filtre"), p, libres=LIBRES)
    for axe, d in q.enquete.get("axes", {}).items():
        if set(axis_columns(axe, d)) & set(COLONNES):
            p.ajouter(
                "D10",
                sources["enquete"],
                ("axes", axe),
                f"« {axe} » est déjà une colonne des tableaux : renommez l'axe.",
            )
    axes = {n["code"] for a in q.enquete.get("axes", {}).values() for n in a.get("niveaux", ())} | set(
        q.enquete.get("axes", {})
    )
    for code, tableau in q.tableaux.items():
        s = sources[f"tableaux/{code}"]
        for i, serie in enumerate(tableau["series"]):
            if serie["denominateur"] not in q.denominateurs:
                p.ajouter(
                    "D10",
                    s,
                    ("series", i, "denominateur"),
                    f"le dénominateur « {serie['denominateur']} » n'est pas déclaré.",
                )
                continue
            grain = q.denominateurs[serie["denominateur"]]["entite"]
            for croisement in serie["croisements"]:
                for axe in croisement:
                    if axe not in axes:
                        p.ajouter(
                            "D10",
                            s,
                            ("series", i, "croisements"),
                            f"l'axe « {axe} » n'est pas déclaré dans enquete.yaml.",
                        )
            for j, indicateur in enumerate(serie["indicateurs"]):
                ici: Chemin = ("series", i, "indicateurs", j)
                if grain in q.entites:
                    for cle in ("condition", "si"):
                        cible = _names(indicateur)[0].split(".")[0] if cle == "si" else grain
                        cible = cible if cible in q.entites else grain
                        check_condition(q, cible, indicateur.get(cle), s, (*ici, cle), p, libres=LIBRES)
                    for nom in filter(None, _names(indicateur)):
                        check_reference(q, grain, nom, s, (*ici, "variable"), p)


def _names(indicateur: Mapping[str, Any]) -> list[str]:
    """The variables an indicator distributes: one name, or several (ranked answers)."""
    v = indicateur.get("variable", "")
    return [v] if isinstance(v, str) else list(v)


def _check_modele(q: Questionnaire, annee: str, nom: str, s: Source, p: Problemes) -> None:
    for i, feuille in enumerate(q.campagnes[annee].modeles[nom].feuilles):
        brut = s.contenu["feuilles"][i]
        ici: Chemin = ("feuilles", i, "colonnes")
        if feuille.entite not in q.entites:
            p.ajouter("D10", s, ("feuilles", i, "entite"), f"l'entité « {feuille.entite} » n'est pas déclarée.")
            continue
        if feuille.disposition == "fiche" and not (feuille.colonne_question and feuille.colonne_reponse):
            p.ajouter("D10", s, ("feuilles", i), "une fiche déclare « colonne_question » et « colonne_reponse ».")
        if feuille.disposition == "blocs" and not feuille.repetitions:
            p.ajouter("D10", s, ("feuilles", i), "des blocs répétés déclarent « repetitions ».")
        entetes: dict[tuple[str, str | None], str] = {}
        lies = set(feuille.lien) if isinstance(feuille.lien, tuple) else set()
        for c in feuille.colonnes:
            chemin: Chemin = (*ici, c.variable)
            entite = q.entites[feuille.entite].parent if c.variable in lies else feuille.entite
            check_known(q, entite, c.variable, s, chemin, p)
            variable = q.variables.get(c.variable)
            if (
                c.modalite is not None
                and variable is not None
                and variable.nomenclature
                and variable.nomenclature in q.nomenclatures
            ):
                if not TYPES[variable.type].multiple:
                    p.ajouter(
                        "D10", s, chemin, "seul un choix multiple (type « codes ») s'étale sur plusieurs colonnes."
                    )
                elif c.modalite not in q.nomenclatures[variable.nomenclature].modalites:
                    message = f"la modalité « {c.modalite} » n'est pas dans nomenclatures/{variable.nomenclature}.csv."
                    p.ajouter("D06", s, (*chemin, c.modalite), message)
            for t in c.entetes:
                if feuille.disposition == "blocs" and "{n}" not in t.texte:
                    p.ajouter("D10", s, chemin, "l'en-tête d'un bloc répété contient « {n} ».")
                cle = (normalise(t.texte), normalise(t.apres) if t.apres else None)
                autre = entetes.setdefault(cle, f"{c.variable}/{c.modalite}")
                if autre != f"{c.variable}/{c.modalite}":
                    message = f"l'en-tête « {t.texte[:60]} » est déjà celui de « {autre.split('/')[0]} »."
                    p.ajouter("D07", s, chemin, message)
        for v in brut.get("facultatives", ()):
            if v not in feuille.constantes and v not in {c.variable for c in feuille.colonnes}:
                p.ajouter("D05", s, ("feuilles", i, "facultatives"), f"« {v} » n'est pas une colonne de cette feuille.")


# ---- plausibilite.yaml


def _check_expectations(q: Questionnaire, s: Source, p: Problemes) -> None:
    """Each code given twice, each table, indicator, axis or waived expectation that does not exist."""
    codes: set[str] = set()
    niveaux = {n["code"] for axe in q.enquete.get("axes", {}).values() for n in axe.get("niveaux", ())}
    axes = niveaux | {nom for nom, axe in q.enquete.get("axes", {}).items() if "niveaux" not in axe}
    for i, a in enumerate(s.contenu["attentes"]):
        ici = ("attentes", i)
        if a["code"] in codes:
            p.ajouter("D04", s, (*ici, "code"), f"l'attente « {a['code']} » est donnée deux fois.")
        codes.add(a["code"])
        _check_expectation(q, a, axes, s, ici, p)
    for i, d in enumerate(s.contenu.get("derogations", ())):
        if d["code"] not in codes:
            p.ajouter("D06", s, ("derogations", i, "code"), f"aucune attente n'a le code « {d['code']} ».")


def _check_expectation(
    q: Questionnaire, a: Mapping[str, Any], axes: set[str], s: Source, ici: tuple[Any, ...], p: Problemes
) -> None:
    par = a.get("par")
    if a.get("min", -math.inf) > a.get("max", math.inf):
        p.ajouter("D10", s, (*ici, "min"), f"rien n'est à la fois au moins {a['min']} et au plus {a['max']}.")
    if a["mesure"] not in ("chiffre", "somme"):
        _check_judged(q, a, s, ici, p)
        return
    if par is not None and par not in axes:
        p.ajouter("D06", s, (*ici, "par"), f"« {par} » n'est ni un axe ni un niveau d'axe de enquete.yaml.")
    tableau = q.tableaux.get(a["tableau"])
    if tableau is None:
        p.ajouter("D06", s, (*ici, "tableau"), f"le tableau « {a['tableau']} » n'est pas déclaré.")
    elif a["indicateur"].removesuffix(".evolution") not in {
        x["code"] for serie in tableau["series"] for x in serie["indicateurs"]
    }:
        p.ajouter(
            "D06", s, (*ici, "indicateur"), f"le tableau {a['tableau']} n'a pas d'indicateur « {a['indicateur']} »."
        )


def _check_judged(q: Questionnaire, a: Mapping[str, Any], s: Source, ici: tuple[Any, ...], p: Problemes) -> None:
    """Variables of the answers that an expectation is about: their values are shown to the producer, so none is personal."""
    for cle in ("par", "variable"):
        v = q.variables.get(a.get(cle, ""))
        if cle in a and (v is None or q.racine not in v.entites):
            p.ajouter("D05", s, (*ici, cle), f"« {a[cle]} » n'est pas une variable des répondants.")
        elif v is not None and (v.personnel or not v.publiable or TYPES[v.type].multiple):
            p.ajouter("D10", s, (*ici, cle), f"« {v.nom} » est personnelle, non publiable ou à plusieurs réponses.")
        elif cle == "variable" and v is not None and v.nomenclature:
            inconnues = sorted(set(a.get("valeurs", ())) - set(q.nomenclatures[v.nomenclature].modalites))
            if inconnues:
                p.ajouter(
                    "D06", s, (*ici, "valeurs"), f"« {inconnues[0]} » n'est pas une réponse de « {v.nomenclature} »."
                )
