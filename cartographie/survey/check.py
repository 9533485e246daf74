"""Consistency across the files of schemas/: each inconsistency is added with its file, key and line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date
from itertools import chain, pairwise
from typing import Any

from cartographie.base.text import normalise
from cartographie.survey.conditions import COUNT_OPERATORS, FORMS, FUNCTIONS, OPERATORS, named, parts
from cartographie.survey.model import Campagne, ColonneAttendue, FeuilleAttendue, Modalite, Nomenclature, Questionnaire
from cartographie.survey.published import COLONNES, EVOLUTION, axis_columns, dimension_name
from cartographie.survey.rules import load_catalogue
from cartographie.survey.types import TYPES
from cartographie.survey.written.declared import AttenteEcrite, Indicateur, Selecteur, Serie, TableauEcrit
from cartographie.survey.written.forms import Derivation
from cartographie.survey.written.source import Chemin, Problemes, Source

# ---- references
#
# References inside declarations: does the variable, the entity, the operator exist, and where is it written?


@dataclass(frozen=True, slots=True)
class Checked:
    """One file of schemas/ being checked: the survey its references are looked for in, and where its faults go."""

    q: Questionnaire
    s: Source
    p: Problemes

    def add(self, code: str, chemin: Chemin, message: str) -> None:
        self.p.ajouter(code, self.s, chemin, message)

    def known(self, entite: str | None, variable: str, chemin: Chemin) -> None:
        v = self.q.variables.get(variable)
        if v is None:
            self.add("D05", chemin, f"la variable « {variable} » n'est pas déclarée dans variables.yaml.")
        elif entite is not None and entite not in v.entites:
            self.add("D05", chemin, f"la variable « {variable} » n'appartient pas à l'entité « {entite} ».")

    def reference(self, entite: str, nom: str, chemin: Chemin) -> None:
        if "." in nom:
            entite, nom = nom.split(".", 1)
            if entite not in self.q.entites:
                self.add("D10", chemin, f"l'entité « {entite} » n'est pas déclarée.")
                return
        self.known(entite, nom, chemin)

    def condition(
        self, entite: str, condition: Mapping[str, Any] | None, chemin: Chemin, libres: Set[str] = frozenset()
    ) -> None:
        for ici, ou, c in parts(condition, entite, chemin):
            if fautes := _misplaced(c):
                self.add("D08", ici, fautes)
                continue
            for cle, nom, _ in named(c):
                if nom not in libres and ou in self.q.entites:
                    self.reference(ou, nom, (*ici, cle))
            for cle in ("nombre", "existe"):
                if cle in c and c[cle] not in self.q.entites:
                    self.add("D10", (*ici, cle), f"l'entité « {c[cle]} » n'est pas déclarée.")
                elif cle in c and self.q.entites[c[cle]].parent != ou:
                    self.add("D10", (*ici, cle), f"l'entité « {c[cle]} » n'est pas un enfant de « {ou} ».")


_OPERATEURS = {"variable": OPERATORS, "nombre": COUNT_OPERATORS}
_AVEC = {"nombre": {"si"}, "existe": {"si"}, "fonction": {"parametres"}}


def _misplaced(c: Mapping[str, Any]) -> str:
    """What a condition says that its form, one of FORMS, does not; empty when nothing."""
    formes = [f for f in FORMS if f in c]
    if len(formes) != 1:
        return f"une condition a exactement une forme parmi : {', '.join(FORMS)}."
    forme = formes[0]
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
SANS_BORNES = ("lineaire", "raking")  # calibration methods that would ignore bounds
LIBRES = {"a_repondu", "disposition"}  # columns of the frame that the warehouse adds
Sources = Mapping[str, Source]


def check_questionnaire(q: Questionnaire, sources: Sources, problemes: Problemes) -> None:
    """Add to `problemes` every reference that leads nowhere and every ambiguity."""

    def checked(fichier: str) -> Checked:
        return Checked(q, sources[fichier], problemes)

    _check_entites(checked("enquete"))
    _check_variables(checked("variables"))
    for nom in q.nomenclatures:
        _check_nomenclature(checked(f"nomenclatures/{nom}"), q.nomenclatures[nom])
    for nom, passage in q.passages.items():
        f = checked(f"passages/{nom}")
        for v in (v for v in passage.sources if v not in q.variables):
            f.add("D05", (), f"la colonne « {v} » n'est pas une variable de variables.yaml.")
    _check_regles(checked("regles"))
    _check_denominateurs(checked("denominateurs"))
    _check_axes(checked("enquete"))
    for code in q.tableaux:
        _check_tableau(checked(f"tableaux/{code}"), q.tableaux[code])
    for campagne, declaree in q.campagnes.items():
        _check_campagne(checked(f"{campagne}/campagne"), campagne, declaree)
        if f"{campagne}/plausibilite" in sources:
            _check_expectations(checked(f"{campagne}/plausibilite"))
        if f"{campagne}/editorial" in sources:
            _check_editorial(checked(f"{campagne}/editorial"))
        for nom, modele in declaree.modeles.items():
            for i, feuille in enumerate(modele.feuilles):
                _check_feuille(checked(f"{campagne}/{nom}"), i, feuille)


def _check_campagne(f: Checked, campagne: str, declaree: Campagne) -> None:
    """Its name and dates. Weights are made from variables of the frame, and judged on others."""
    if f.s.contenu["campagne"] != campagne:
        f.add("D10", ("campagne",), f"la campagne doit s'appeler comme son dossier, « {campagne} ».")
    if declaree.precedente is not None and declaree.precedente not in f.q.campagnes:
        f.add("D10", ("precedente",), f"la campagne « {declaree.precedente} » n'est pas déclarée.")
    if not (isinstance(declaree.debut, date) and isinstance(declaree.fin, date) and declaree.debut <= declaree.fin):
        f.add("D10", ("debut",), "les dates de la campagne doivent être AAAA-MM-JJ et se suivre.")
    poids = f.s.contenu.get("ponderation") or {}
    calage = poids.get("calage") or {}
    if "bornes" in calage and calage.get("methode") in SANS_BORNES:
        message = (
            f"la méthode « {calage['methode']} » ne tient pas de bornes : retirez-les, ou choisissez logit ou tronquee."
        )
        f.add("D10", ("ponderation", "calage", "bornes"), message)
    marges = calage.get("marges", ())
    temoins, groupes = poids.get("temoins", ()), poids.get("groupes", ())
    for cle, variables in ((("groupes",), groupes), (("calage", "marges"), marges), (("temoins",), temoins)):
        for v in variables:
            f.known(f.q.base, v, ("ponderation", *cle))
    for v in set(temoins) & {*groupes, *marges}:
        message = f"« {v} » sert aux poids : il ne peut pas témoigner de ce qu'ils laissent."
        f.add("D10", ("ponderation", "temoins"), message)


def _check_entites(f: Checked) -> None:
    q = f.q
    if all(e.base or e.parent for e in q.entites.values()):
        f.add("D10", ("entites",), "aucune entité racine : déclarez celle qui répond, sans « parent » ni « base ».")
    for nom, e in q.entites.items():
        ici: Chemin = ("entites", nom)
        if e.parent is not None and e.parent not in q.entites:
            f.add("D10", (*ici, "parent"), f"l'entité « {e.parent} » n'est pas déclarée.")
        dates = (e.date,) if e.date else ()
        listes = {"cle": e.cle, "cle_stable": e.cle_stable, "completude": e.completude, "date": dates}
        for cle, variables in listes.items():
            for v in variables:
                f.known(nom, v, (*ici, cle))
        for i, identifiant in enumerate(e.identifiant):
            f.known(nom, identifiant["variable"], (*ici, "identifiant", i, "variable"))
            f.condition(nom, identifiant.get("si"), (*ici, "identifiant", i, "si"))
        for v in e.depuis_base:
            f.known(nom, v, (*ici, "depuis_base"))
            f.known(q.base, v, (*ici, "depuis_base"))
    for i, lien in enumerate(q.enquete.get("lien_base", ())):
        f.known(lien["entite"], lien["variable"], ("lien_base", i, "variable"))
        f.known(q.base, lien["base"], ("lien_base", i, "base"))
    for axe, d in q.enquete.get("axes", {}).items():
        for v in filter(None, [d.get("variable"), *(n.get("variable") for n in d.get("niveaux", ()))]):
            if v not in q.variables:
                f.add("D05", ("axes", axe), f"la variable « {v} » n'est pas déclarée dans variables.yaml.")


def _check_variables(f: Checked) -> None:
    q = f.q
    for nom, v in q.variables.items():
        for e in v.entites:
            if e not in q.entites:
                f.add("D10", (nom, "entites"), f"l'entité « {e} » n'est pas déclarée dans enquete.yaml.")
                continue
            for cle in ("pose_si", "obligatoire_si"):
                f.condition(e, f.s.contenu[nom].get(cle), (nom, cle))
        if TYPES[v.type].liste and v.nomenclature is None:
            f.add("D06", (nom,), f"une variable de type « {v.type} » doit nommer sa nomenclature.")
        if v.nomenclature is not None and v.nomenclature not in q.nomenclatures:
            f.add("D06", (nom, "nomenclature"), f"le fichier nomenclatures/{v.nomenclature}.csv n'existe pas.")
        if v.derivee:
            _check_derivee(f, nom, v.entites[0], v.derivee)


def _check_derivee(f: Checked, nom: str, entite: str, d: Derivation) -> None:
    q = f.q
    ici: Chemin = (nom, "derivee")
    de = q.sources(d)
    if "passage" in d:
        passage = q.passages.get(d["passage"])
        if passage is None:
            f.add("D06", (*ici, "passage"), f"le fichier passages/{d['passage']}.csv n'existe pas.")
            return
        if len(de) != (1 if passage.intervalle else len(passage.sources)):
            f.add("D10", ici, f"le passage « {passage.nom} » attend d'autres sources que {', '.join(de) or 'aucune'}.")
    if "nombre" in d:
        if d["nombre"] not in q.entites:
            f.add("D10", (*ici, "nombre"), f"l'entité « {d['nombre']} » n'est pas déclarée.")
        else:
            f.condition(d["nombre"], d.get("si"), (*ici, "si"))
    for v in de:
        f.known(entite, v, ici)


def _check_nomenclature(f: Checked, nomenclature: Nomenclature) -> None:
    vus: dict[str, str] = {}
    codes: set[str] = set()
    for i, rang in enumerate(f.s.contenu["lignes"]):
        if rang["code"] in codes:
            f.add("D04", ("lignes", i), f"le code « {rang['code']} » est donné deux fois.")
        codes.add(rang["code"])
        m = nomenclature.modalites[rang["code"]]
        for texte in {normalise(t) for t in (m.code, m.libelle, *m.variantes)}:
            if vus.setdefault(texte, m.code) != m.code:
                message = f"« {texte} » désigne à la fois {vus[texte]} et {m.code} : retirez l'une des deux variantes."
                f.add("D11", ("lignes", i), message)


def _check_regles(f: Checked) -> None:
    q = f.q
    codes: set[str] = set()
    for i, r in enumerate(q.regles):
        if r.code in codes and r.constat is None:
            f.add("D04", (i, "code"), f"la règle « {r.code} » est donnée deux fois : ajoutez une lettre.")
        codes.add(r.code)
        if r.constat is not None and r.constat not in load_catalogue():
            f.add("D09", (i, "constat"), f"le constat « {r.constat} » n'existe pas ; voir docs/regles.md.")
        if r.entite != "*" and r.entite not in q.entites:
            f.add("D10", (i, "entite"), f"l'entité « {r.entite} » n'est pas déclarée.")
            continue
        if r.entite != "*":
            f.condition(r.entite, r.condition, (i, "condition"))
            for cle, v in [*(("cellules", v) for v in r.cellules), *(("en_cause", v) for v in r.en_cause)]:
                f.known(r.entite, v, (i, cle))
        if r.gravite == "rejet_cellule" and r.condition is not None and len(r.cellules) != 1:
            f.add("D10", (i,), f"la règle « {r.code} » rejette une cellule : nommez-la, seule, dans « cellules ».")
        for c in r.campagnes:
            if c not in q.campagnes:
                f.add("D10", (i, "campagnes"), f"la campagne « {c} » n'est pas déclarée.")


def _check_denominateurs(f: Checked) -> None:
    grains = set(f.q.entites) | _GRAINS | {f"{e}_panel" for e in f.q.entites}
    for code, d in f.q.denominateurs.items():
        if d["entite"] not in grains:
            f.add("D10", (code, "entite"), f"l'entité « {d['entite']} » n'est pas déclarée.")
        elif d["entite"] in f.q.entites:
            f.condition(d["entite"], d.get("filtre"), (code, "filtre"), LIBRES)


def _check_axes(f: Checked) -> None:
    for i, v in enumerate(f.q.enquete.get("groupe", ())):
        f.known(f.q.racine, v, ("groupe", i))
    for axe, d in f.q.enquete.get("axes", {}).items():
        if set(axis_columns(axe, d)) & set(COLONNES):
            f.add("D10", ("axes", axe), f"« {axe} » est déjà une colonne des tableaux : renommez l'axe.")
        for i, (dessus, niveau) in enumerate(pairwise(d.get("niveaux", [])[1:]), 2):
            meres, filles = (_modalites(f.q, n.get("variable", "")) for n in (dessus, niveau))
            for code in [c for c, m in filles.items() if m.parent not in meres]:
                f.add(
                    "D10", ("axes", axe, "niveaux", i), f"« {code} » n'a pas de parent parmi les codes du niveau « {dessus['code']} » : le "
                    "secret ne saurait pas de quoi celui-ci est fait.",
                )  # fmt: skip


def _modalites(q: Questionnaire, variable: str) -> Mapping[str, Modalite]:
    v = q.variables.get(variable)
    n = q.nomenclatures.get(str(v.nomenclature)) if v else None
    return n.modalites if n else {}


def _check_tableau(f: Checked, tableau: TableauEcrit) -> None:
    declares = f.q.enquete.get("axes", {})
    axes = {n["code"] for a in declares.values() for n in a.get("niveaux", ())} | set(declares)
    for i, serie in enumerate(tableau["series"]):
        nom = serie["denominateur"]
        if nom not in f.q.denominateurs:
            f.add("D10", ("series", i, "denominateur"), f"le dénominateur « {nom} » n'est pas déclaré.")
            continue
        for axe in chain.from_iterable(serie["croisements"]):
            if axe not in axes:
                f.add("D10", ("series", i, "croisements"), f"l'axe « {axe} » n'est pas déclaré dans enquete.yaml.")
        if f.q.denominateurs[nom]["entite"] in f.q.entites:
            for j, indicateur in enumerate(serie["indicateurs"]):
                _check_indicateur(f, f.q.denominateurs[nom]["entite"], indicateur, ("series", i, "indicateurs", j))
                _check_estimation(f, serie, indicateur, ("series", i, "indicateurs", j, "estimation"))


def _check_indicateur(f: Checked, grain: str, indicateur: Indicateur, ici: Chemin) -> None:
    noms = _names(indicateur)
    compte = noms[0].split(".")[0]
    f.condition(grain, indicateur.get("condition"), (*ici, "condition"), LIBRES)
    f.condition(compte if compte in f.q.entites else grain, indicateur.get("si"), (*ici, "si"), LIBRES)
    for nom in filter(None, noms):
        f.reference(grain, nom, (*ici, "variable"))


def _check_estimation(f: Checked, serie: Serie, indicateur: Indicateur, ici: Chemin) -> None:
    """A model stands in for shares of a population that the frame lists: all it reads is known of every unit."""
    if "estimation" not in indicateur:
        return
    if f.q.base is None or indicateur["mesure"] != "part" or "dimension" in serie:
        f.add("D10", ici, "seule une part, sans dimension, d'une enquête qui a une base de sondage peut être estimée.")
        return
    for k, condition in enumerate(indicateur["estimation"]["covariables"]):
        f.condition(f.q.base, condition, (*ici, "covariables", k))
    for filtre in (f.q.denominateurs[serie["denominateur"]].get("filtre"), serie.get("filtre")):
        f.condition(f.q.base, filtre, ici)


def _names(indicateur: Indicateur) -> list[str]:
    """The variables an indicator distributes: one name, or several (ranked answers)."""
    v = indicateur.get("variable", "")
    return [v] if isinstance(v, str) else list(v)


def _check_feuille(f: Checked, i: int, feuille: FeuilleAttendue) -> None:
    if feuille.entite not in f.q.entites:
        f.add("D10", ("feuilles", i, "entite"), f"l'entité « {feuille.entite} » n'est pas déclarée.")
        return
    if feuille.disposition == "fiche" and not (feuille.colonne_question and feuille.colonne_reponse):
        f.add("D10", ("feuilles", i), "une fiche déclare « colonne_question » et « colonne_reponse ».")
    if feuille.disposition == "blocs" and not feuille.repetitions:
        f.add("D10", ("feuilles", i), "des blocs répétés déclarent « repetitions ».")
    entetes: dict[tuple[str, str | None], str] = {}
    lies = set(feuille.lien) if isinstance(feuille.lien, tuple) else set()
    for c in feuille.colonnes:
        chemin: Chemin = ("feuilles", i, "colonnes", c.variable)
        f.known(f.q.entites[feuille.entite].parent if c.variable in lies else feuille.entite, c.variable, chemin)
        _check_spread(f, c, chemin)
        for t in c.entetes:
            if feuille.disposition == "blocs" and "{n}" not in t.texte:
                f.add("D10", chemin, "l'en-tête d'un bloc répété contient « {n} ».")
            cle = (normalise(t.texte), normalise(t.apres) if t.apres else None)
            autre = entetes.setdefault(cle, f"{c.variable}/{c.modalite}")
            if autre != f"{c.variable}/{c.modalite}":
                message = f"l'en-tête « {t.texte[:60]} » est déjà celui de « {autre.split('/')[0]} »."
                f.add("D07", chemin, message)
    connues = {*feuille.constantes, *(c.variable for c in feuille.colonnes)}
    for v in f.s.contenu["feuilles"][i].get("facultatives", ()):
        if v not in connues:
            f.add("D05", ("feuilles", i, "facultatives"), f"« {v} » n'est pas une colonne de cette feuille.")


def _check_spread(f: Checked, c: ColonneAttendue, chemin: Chemin) -> None:
    """A column of one modality is that of a choice of several, whose list has it."""
    variable = f.q.variables.get(c.variable)
    liste = f.q.nomenclatures.get(variable.nomenclature or "") if variable else None
    if c.modalite is None or variable is None or liste is None:
        return
    if not TYPES[variable.type].multiple:
        f.add("D10", chemin, "seul un choix multiple (type « codes ») s'étale sur plusieurs colonnes.")
    elif c.modalite not in liste.modalites:
        message = f"la modalité « {c.modalite} » n'est pas dans nomenclatures/{variable.nomenclature}.csv."
        f.add("D06", (*chemin, c.modalite), message)


# ---- plausibilite.yaml


def _check_expectations(f: Checked) -> None:
    """Each code given twice, each table, indicator, axis or waived expectation that does not exist."""
    codes: set[str] = set()
    for i, a in enumerate(f.s.contenu["attentes"]):
        ici = ("attentes", i)
        if a["code"] in codes:
            f.add("D04", (*ici, "code"), f"l'attente « {a['code']} » est donnée deux fois.")
        codes.add(a["code"])
        _check_expectation(f, a, ici)
    for i, d in enumerate(f.s.contenu.get("derogations", ())):
        if d["code"] not in codes:
            f.add("D06", ("derogations", i, "code"), f"aucune attente n'a le code « {d['code']} ».")


def _check_expectation(f: Checked, a: AttenteEcrite, ici: Chemin) -> None:
    if a.get("min", -math.inf) > a.get("max", math.inf):
        f.add("D10", (*ici, "min"), f"rien n'est à la fois au moins {a['min']} et au plus {a['max']}.")
    if a["mesure"] not in ("chiffre", "somme"):
        _check_judged(f, a, ici)
        return
    _check_figure(f, a, ici)


def _check_figure(f: Checked, a: AttenteEcrite | Selecteur, ici: Chemin) -> None:
    par, declares = a.get("par"), f.q.enquete.get("axes", {})
    niveaux = {n["code"] for axe in declares.values() for n in axe.get("niveaux", ())}
    if par is not None and par not in niveaux | {nom for nom, axe in declares.items() if "niveaux" not in axe}:
        f.add("D06", (*ici, "par"), f"« {par} » n'est ni un axe ni un niveau d'axe de enquete.yaml.")
    tableau = f.q.tableaux.get(a["tableau"])
    if tableau is None:
        f.add("D06", (*ici, "tableau"), f"le tableau « {a['tableau']} » n'est pas déclaré.")
    elif a["indicateur"].removesuffix(EVOLUTION) not in {
        x["code"] for serie in tableau["series"] for x in serie["indicateurs"]
    }:
        f.add("D06", (*ici, "indicateur"), f"le tableau {a['tableau']} n'a pas d'indicateur « {a['indicateur']} ».")


def _check_judged(f: Checked, a: AttenteEcrite, ici: Chemin) -> None:
    """Variables of the answers that an expectation is about: their values are shown to the producer, so none is personal."""
    for cle, nom in (("par", a.get("par")), ("variable", a.get("variable"))):
        v = f.q.variables.get(nom or "")
        if nom is not None and (v is None or f.q.racine not in v.entites):
            f.add("D05", (*ici, cle), f"« {nom} » n'est pas une variable des répondants.")
        elif v is not None and (v.personnel or not v.publiable or TYPES[v.type].multiple):
            f.add("D10", (*ici, cle), f"« {v.nom} » est personnelle, non publiable ou à plusieurs réponses.")
        elif cle == "variable" and v is not None and v.nomenclature:
            inconnues = sorted(set(a.get("valeurs", ())) - set(f.q.nomenclatures[v.nomenclature].modalites))
            if inconnues:
                f.add("D06", (*ici, "valeurs"), f"« {inconnues[0]} » n'est pas une réponse de « {v.nomenclature} ».")


# ---- editorial.yaml


def _check_editorial(f: Checked) -> None:
    """Each code given twice, each figure that no table publishes, each waiver of nothing."""
    codes: set[str] = set()
    for i, c in enumerate(f.s.contenu.get("chiffres_cles", ())):
        if c["code"] in codes:
            f.add("D04", ("chiffres_cles", i, "code"), f"le chiffre clé « {c['code']} » est donné deux fois.")
        codes.add(c["code"])
    for cle in ("chiffres_cles", "priorites"):
        for i, s in enumerate(f.s.contenu.get(cle, ())):
            deja = len(f.p.liste)
            _check_figure(f, s, (cle, i))
            if len(f.p.liste) == deja and not any(_publishes(x, s) for x in f.q.tableaux[s["tableau"]]["series"]):
                f.add("D06", (cle, i), f"aucune série du tableau {s['tableau']} ne publie ce chiffre à cet endroit.")
    for i, d in enumerate(f.s.contenu.get("derogations", ())):
        if d["code"] not in codes:
            f.add("D06", ("derogations", i, "code"), f"aucun chiffre clé n'a le code « {d['code']} ».")


def _publishes(serie: Serie, s: Selecteur) -> bool:
    """The crossing, the difference, the population and the question that are asked for are those of the series."""
    indicateurs = {x["code"]: x for x in serie["indicateurs"]}
    nom = s["indicateur"].removesuffix(EVOLUTION)
    if nom not in indicateurs or (nom != s["indicateur"] and not serie.get("evolution")):
        return False
    ind = indicateurs[nom]
    question = serie.get("dimension") or (ind["variable"] if ind["mesure"] == "repartition" else "")
    return (
        ([s["par"]] if "par" in s else []) in serie["croisements"]
        and s.get("denominateur", serie["denominateur"]) == serie["denominateur"]
        and s.get("dimension", "") == dimension_name(question)
    )
