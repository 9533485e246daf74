"""Plant one fault in one answer: a broken rule, a badly written cell, or a faulty row; and say what should come of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from cartographie.survey.model import Gravite, Nomenclature, Regle, Variable
from cartographie_demo.answers import Depart, Tirage, affinity, fill, force, settle
from cartographie_demo.hints import finess, luhn_digit
from cartographie_demo.oracle import Fiche, asked, holds, identifier, irregularities, known, required, violations
from cartographie_demo.writers import Erreur, Formule

# -------------------------------------------------------------------------------------------
# Faulty spellings of one cell, by finding: what is written, what should remain of it, and why.
#
# A maker takes a `Cas` (a record's variable and its right value) and returns an `Ecrit`, or None when it cannot apply.

NUMEROS = ("siren", "siret", "rpps")


@dataclass(frozen=True, slots=True)
class Cas:
    t: Tirage
    fiche: Fiche
    variable: Variable
    valeur: Any
    alea: random.Random
    etale: bool  # spread over columns in some model

    @property
    def nomenclature(self) -> Nomenclature | None:
        return self.t.questionnaire.nomenclatures.get(self.variable.nomenclature or "")


@dataclass(frozen=True, slots=True)
class Ecrit:
    """`cellule`: what is written. `reste`: the value the pipeline should end with, severity aside."""

    cellule: Any
    reste: Any
    pourquoi: str


Fabrique = Callable[[Cas], Ecrit | None]


def zero_perdu(c: Cas) -> Ecrit | None:
    genre = c.variable.type in ("departement", "region", "finess", "commune")
    if genre and isinstance(c.valeur, str) and c.valeur.isdigit() and c.valeur.startswith("0") and int(c.valeur):
        return Ecrit(int(c.valeur), c.valeur, "code saisi comme un nombre : le zéro de tête a disparu")
    return None


def casse_corrigee(c: Cas) -> Ecrit | None:
    if c.variable.type in ("departement", "commune") and isinstance(c.valeur, str) and c.valeur != c.valeur.lower():
        return Ecrit(c.valeur.lower(), c.valeur, "lettre du code en minuscule")
    return None


def decimale_virgule(c: Cas) -> Ecrit | None:
    if c.variable.type == "decimal" and isinstance(c.valeur, float):
        entier, decimales = int(c.valeur), round(c.valeur % 1, 2) or 0.5
        reste = entier + decimales
        return Ecrit(f"{reste}".replace(".", ","), reste, "nombre décimal saisi en texte avec une virgule")
    return None


def ecriture_normalisee(c: Cas) -> Ecrit | None:
    if c.variable.type != "code" or c.nomenclature is None or not isinstance(c.valeur, str):
        return None
    exactes = {f for m in c.nomenclature.modalites.values() for f in (m.code, m.libelle, *m.variantes)}
    libelle = c.nomenclature.modalites[c.valeur].libelle
    for essai in (f"{c.valeur.lower()} ", f" {c.valeur.capitalize()}", f"{libelle.upper()} ", f"{c.valeur.swapcase()}"):
        if essai.strip() not in exactes and "_" not in essai and "-" not in essai:
            return Ecrit(essai, c.valeur, "casse et espaces en trop")
    return None


def modalite_inconnue(c: Cas) -> Ecrit | None:
    if c.variable.type == "code" and c.nomenclature is not None:
        return Ecrit("Zzyx inventé", None, "réponse absente de la liste")
    return None


def modalite_perimee(c: Cas) -> Ecrit | None:
    if c.variable.type != "code" or c.nomenclature is None:
        return None
    valides = c.t.codes(c.variable)
    anciennes = [m for m in c.nomenclature.modalites if m not in valides]
    return Ecrit(anciennes[0], None, "réponse d'une autre édition") if anciennes else None


def date_interpretee(c: Cas) -> Ecrit | None:
    # above 12, the order of day and month is beyond doubt, and a text file's is read without a word
    if c.variable.type == "date" and isinstance(c.valeur, date) and c.valeur.day <= 12:
        return Ecrit(f"{c.valeur:%d/%m/%Y}", c.valeur, "date saisie en texte, à la française")
    return None


def date_en_serie(c: Cas) -> Ecrit | None:
    if c.variable.type == "date" and isinstance(c.valeur, date):
        return Ecrit((c.valeur - date(1899, 12, 30)).days, c.valeur, "date restée sous forme de numéro de série")
    return None


def date_invalide(c: Cas) -> Ecrit | None:
    return Ecrit("bientôt", None, "texte à la place d'une date") if c.variable.type == "date" else None


def annee_mois_invalide(c: Cas) -> Ecrit | None:
    return Ecrit("au printemps", None, "texte à la place d'un mois") if c.variable.type == "annee_mois" else None


def entier_invalide(c: Cas) -> Ecrit | None:
    return Ecrit("une dizaine", None, "texte à la place d'un nombre entier") if c.variable.type == "entier" else None


def decimal_invalide(c: Cas) -> Ecrit | None:
    return Ecrit("beaucoup", None, "texte à la place d'un nombre") if c.variable.type == "decimal" else None


def hors_bornes(c: Cas) -> Ecrit | None:
    if c.variable.type in ("entier", "decimal") and c.variable.maximum is not None:
        return Ecrit(c.variable.maximum * 10 + 7, None, "au-delà du maximum déclaré")
    return None


def identifiant_tronque(c: Cas) -> Ecrit | None:
    if c.variable.type == "siret" and c.valeur:
        return Ecrit(f"{c.valeur[0]},{c.valeur[1:6]}E+13", None, "numéro abrégé par le tableur (notation scientifique)")
    return None


def identifiant_format(c: Cas) -> Ecrit | None:
    if c.variable.type in (*NUMEROS, "finess") and c.valeur:
        return Ecrit(c.valeur[:-2] + "X", None, "numéro trop court, avec une lettre")
    return None


def identifiant_cle(c: Cas) -> Ecrit | None:
    if c.variable.type in NUMEROS and c.valeur:
        faux = c.valeur[:-1] + str((int(luhn_digit(c.valeur[:-1])) + 3) % 10)
        return Ecrit(faux, faux, "dernier chiffre faux")
    return None


def erreur_excel(c: Cas) -> Ecrit | None:
    return Ecrit(Erreur("#REF!"), None, "erreur du tableur dans la case") if c.valeur is not None else None


def formule_non_calculee(c: Cas) -> Ecrit | None:
    return Ecrit(Formule("=1+1"), None, "formule sans résultat") if c.variable.type == "entier" else None


def injection_formule(c: Cas) -> Ecrit | None:
    if c.variable.type == "texte" and not c.variable.personnel:
        texte = "=1+1 texte fictif"
        return Ecrit(texte, texte, "texte qui commence comme une formule")
    return None


def donnee_personnelle(c: Cas) -> Ecrit | None:
    if c.variable.type == "texte" and not c.variable.personnel and (c.variable.longueur_max or 99) >= 60:
        return Ecrit("Écrire à personne.fictive@exemple.invalid", None, "adresse électronique dans un texte libre")
    return None


def texte_trop_long(c: Cas) -> Ecrit | None:
    if c.variable.type == "texte" and c.variable.longueur_max and not c.variable.personnel:
        texte = ("texte fictif trop long " * 200)[: c.variable.longueur_max + 5].strip() + "zzzzz"
        return Ecrit(texte, texte, "plus long que la limite déclarée")
    return None


def choix_en_double(c: Cas) -> Ecrit | None:
    if c.variable.type == "codes" and c.valeur and not c.etale:
        return Ecrit("|".join((*c.valeur, c.valeur[0])), c.valeur, "même réponse deux fois dans la case")
    return None


def type_inattendu(c: Cas) -> Ecrit | None:
    if c.variable.type in ("entier", "code"):
        return Ecrit(datetime(2001, 2, 3), None, "date à la place de la réponse")
    return None


def hors_filtre(c: Cas) -> Ecrit | None:
    if c.valeur is not None or not c.variable.condition_pose or c.variable.type not in ("code", "texte", "entier"):
        return None
    if asked(c.t.monde, c.fiche, c.variable.nom) or not known(c.t.monde, c.fiche, c.variable.condition_pose):
        return None  # a filter left unanswered accuses nobody
    codes = list(c.t.codes(c.variable))
    texte = codes[0] if codes else 3 if c.variable.type == "entier" else "Texte fictif"
    return Ecrit(texte, None, "réponse à une question qui n'était pas posée")


def valeur_obligatoire_absente(c: Cas) -> Ecrit | None:
    if c.valeur is not None and required(c.t.monde, c.fiche, c.variable.nom):
        return Ecrit(None, None, "question obligatoire laissée vide")
    return None


# name → (maker, finding, file format it needs)
CELLULES: dict[str, tuple[Fabrique, str, str]] = {
    f.__name__: (f, constat, format_)
    for f, constat, format_ in (
        (zero_perdu, "zero_perdu", ""),
        (casse_corrigee, "casse_corrigee", ""),
        (decimale_virgule, "decimale_virgule", ""),
        (ecriture_normalisee, "ecriture_normalisee", ""),
        (modalite_inconnue, "modalite_inconnue", ""),
        (modalite_perimee, "modalite_perimee", ""),
        (date_interpretee, "date_interpretee", ""),
        (date_en_serie, "date_interpretee", ""),
        (date_invalide, "date_invalide", ""),
        (annee_mois_invalide, "annee_mois_invalide", ""),
        (entier_invalide, "entier_invalide", ""),
        (decimal_invalide, "decimal_invalide", ""),
        (hors_bornes, "hors_bornes", ""),
        (identifiant_tronque, "identifiant_tronque", ""),
        (identifiant_format, "identifiant_format", ""),
        (identifiant_cle, "identifiant_cle", ""),
        (erreur_excel, "erreur_excel", "xlsx"),
        (formule_non_calculee, "formule_non_calculee", "xlsx"),
        (injection_formule, "injection_formule", ""),
        (donnee_personnelle, "donnee_personnelle", ""),
        (texte_trop_long, "texte_trop_long", ""),
        (choix_en_double, "choix_en_double", ""),
        (type_inattendu, "type_inattendu", "xlsx"),
        (hors_filtre, "hors_filtre", ""),
        (valeur_obligatoire_absente, "valeur_obligatoire_absente", ""),
    )
}  # fmt: skip


ESSAIS = 40
LUS_TELS_QUELS = {"hors_bornes", "hors_filtre"}  # readable values, rejected after the rules have seen them


@dataclass(slots=True)
class Attendu:
    """One finding to be reported. `fiche`/`variable`: its cell; `cellule`: what to write there in place of the value."""

    constat: str
    code: str
    gravite: str
    pourquoi: str
    regle: bool = False
    fiche: Fiche | None = None
    variable: str | None = None
    cellule: Any = None
    ecrase: bool = False
    autres: tuple[str, ...] = ()  # the other blamed variables of the record
    confidentiel: bool = False


@dataclass(slots=True)
class Reponse:
    """One answer: as written, as it should be kept (None: rejected), and what was planted in it."""

    modele: Depart
    ecrite: Fiche
    gardee: Fiche | None
    faute: str = ""
    attendus: list[Attendu] = field(default_factory=list)
    format: str = ""
    copie_de: Reponse | None = None


def copy(fiche: Fiche, parent: Fiche | None = None, jumeaux: dict[int, Fiche] | None = None) -> Fiche:
    """A deep copy; `jumeaux` receives {id(original record): its copy}."""
    neuve = Fiche(fiche.entite, dict(fiche.valeurs), parent, {}, fiche.unites, fiche.avant)
    if jumeaux is not None:
        jumeaux[id(fiche)] = neuve
    for entite, lignes in fiche.enfants.items():
        neuve.enfants[entite] = [copy(ligne, neuve, jumeaux) for ligne in lignes]
    return neuve


@dataclass(frozen=True, slots=True)
class Bareme:
    """Code and severity of each finding: the survey's own rule first, then the built-in catalogue."""

    regles: tuple[Regle, ...]
    catalogue: Mapping[str, Mapping[str, Any]]

    def juge(self, constat: str, entite: str, variable: str | None, kind: str) -> tuple[str, str]:
        candidates = [
            r for r in self.regles
            if r.constat == constat and r.entite in ("*", entite) and (not r.types or kind in r.types)
            and (not r.cellules or variable in r.cellules)
        ]  # fmt: skip
        if candidates:
            precise = max(candidates, key=lambda r: (r.entite != "*", bool(r.cellules), bool(r.types)))
            return precise.code, str(precise.gravite.value)
        trouve = self.catalogue.get(constat, {})
        return str(trouve.get("code", "")), str(trouve.get("gravite", ""))


def clean(t: Tirage, racine: Fiche) -> bool:
    return not violations(t.monde, racine) and not irregularities(t.monde, racine)


# ------------------------------------------------------------------ a broken rule


def break_rule(t: Tirage, regle: Regle, hote: Reponse, alea: random.Random) -> Reponse | None:
    """The answer bent until that rule, on one record, is the only thing wrong; None if it was not found."""
    for _ in range(ESSAIS):
        racine = copy(hote.ecrite)
        fiches = [f for f in racine.toutes() if f.entite == regle.entite]
        if not fiches and regle.entite in t.questionnaire.enfants(t.questionnaire.racine):
            ligne = Fiche(regle.entite, {}, racine)
            racine.enfants.setdefault(regle.entite, []).append(ligne)
            fill(t, ligne, t.noms[regle.entite], random.Random(alea.random()), hote.modele)
            fiches = [ligne]
        if not fiches:
            return None
        cible = max(fiches, key=lambda f: (affinity(t, f, regle.condition or {}), alea.random()))
        force(t, cible, regle.condition, True, alea, hote.modele)
        if alea.random() < 0.6:
            settle(t, racine, alea, hote.modele)
        if not any(holds(t.monde, f, regle.condition) for f in racine.toutes() if f.entite == regle.entite):
            continue
        faux = violations(t.monde, racine)
        if {code for code, _ in faux} != {regle.code} or irregularities(t.monde, racine):
            continue
        cibles = [f for _, f in faux]
        if len(cibles) > 1 and regle.gravite != Gravite.ALERTE:
            continue
        cible = cibles[0]
        blamees = [v for v in regle.cellules if (regle.entite, v) in t.monde.posees]
        if not blamees:
            return None
        attendus = [
            Attendu(regle.code, regle.code, regle.gravite.value, "règle de cohérence enfreinte", True, c, blamees[0],
                    autres=tuple(blamees[1:]), confidentiel=regle.confidentiel)
            for c in cibles
        ]  # fmt: skip
        gardee = _outcome(t, racine, cible, regle.gravite.value, blamees)
        reste = violations(t.monde, gardee) if gardee is not None and regle.gravite == Gravite.REJET_CELLULE else ()
        if any(code != regle.code for code, _ in reste):  # a rule about a blank stays broken once the cell is emptied
            continue
        return Reponse(hote.modele, racine, gardee, f"regle:{regle.code}", attendus)
    return None


def _outcome(t: Tirage, racine: Fiche, cible: Fiche, gravite: str, variables: list[str]) -> Fiche | None:
    """What remains of an answer after a finding of that severity on those cells of that record."""
    if gravite == Gravite.REJET_FICHIER or (gravite == Gravite.REJET_LIGNE and cible.parent is None):
        return None
    jumeaux: dict[int, Fiche] = {}
    gardee = copy(racine, None, jumeaux)
    jumelle = jumeaux[id(cible)]
    if gravite == Gravite.REJET_LIGNE and jumelle.parent is not None:
        jumelle.parent.enfants[jumelle.entite].remove(jumelle)
    elif gravite == Gravite.REJET_CELLULE:
        for variable in variables:
            jumelle.valeurs[variable] = None
    return gardee


# ------------------------------------------------------------------ a badly written cell


def spoil_cell(
    t: Tirage, nom: str, hote: Reponse, bareme: Bareme, etalees: set[str], alea: random.Random
) -> Reponse | None:
    """One cell of the answer written in that faulty way, everything else being right with or without it."""
    fabrique, constat, format_ = CELLULES[nom]
    liens = {v.get("variable") for v in t.questionnaire.enquete.get("lien_base") or () if not v.get("repli")}
    ecartees, identite = _skip(t), identifier(t.monde, hote.ecrite)
    cas = [(f, v) for f in hote.ecrite.toutes() for v in t.noms[f.entite]]
    alea.shuffle(cas)
    for fiche, variable in cas:
        declaree = t.questionnaire.variables[variable]
        entete = f"{fiche.entite}.{variable}"
        if entete in ecartees or (constat != "zero_perdu" and variable in liens):
            continue
        valeur = fiche.valeurs.get(variable)
        ecrit = fabrique(Cas(t, fiche, declaree, valeur, alea, entete in etalees))
        if ecrit is None or (valeur is None and nom != "hors_filtre" and not asked(t.monde, fiche, variable)):
            continue
        code, gravite = bareme.juge(constat, fiche.entite, variable, declaree.type)
        jumeaux: dict[int, Fiche] = {}
        gardee = copy(hote.ecrite, None, jumeaux)
        jumeaux[id(fiche)].valeurs[variable] = None if gravite == "rejet_cellule" else ecrit.reste
        reste = irregularities(t.monde, gardee)
        if violations(t.monde, gardee) or any(v != variable for _, _, v in reste):
            continue
        jumeaux[id(fiche)].valeurs[variable] = ecrit.cellule if nom in LUS_TELS_QUELS else ecrit.reste
        lue = violations(t.monde, gardee)
        jumeaux[id(fiche)].valeurs[variable] = None if gravite == "rejet_cellule" else ecrit.reste
        if lue:
            continue
        if identifier(t.monde, gardee) != identite and gravite != "rejet_ligne":
            continue
        issue: Fiche | None = gardee
        if gravite == "rejet_ligne":
            issue = _outcome(t, gardee, jumeaux[id(fiche)], gravite, [])
        attendu = Attendu(constat, code, gravite, ecrit.pourquoi, False, fiche, variable, ecrit.cellule, True)
        return Reponse(hote.modele, hote.ecrite, issue, f"cellule:{nom}", [attendu], format_)
    return None


def _skip(t: Tirage) -> set[str]:
    """Cells a finding of which would change which answer or row this is: keys, links and file marks."""
    entites = t.questionnaire.entites.values()
    noms = {f"{e.nom}.{v}" for e in entites for v in (*e.cle, *([e.date] if e.date else []))}
    noms |= {f"{e.nom}.{v}" for e in entites for v in t.liens}
    fichier = ("campagne", "version")
    return noms | {f"{e.nom}.{v}" for e in entites for v in t.noms[e.nom] if t.hint(e.nom, v).get("copie") in fichier}


# ------------------------------------------------------------------ a faulty row


def unknown_unit(t: Tirage, hote: Reponse, bareme: Bareme, alea: random.Random) -> Reponse | None:
    """A respondent whose numbers, though well formed, are not in the frame."""
    racine = t.questionnaire.racine
    liens = [v["variable"] for v in t.questionnaire.enquete.get("lien_base") or () if v["entite"] == racine]
    if not liens or not hote.ecrite.unites or any(hote.ecrite.enfants.get(e) for e in _linked_children(t)):
        return None
    ecrite = copy(hote.ecrite)
    ecrite.unites = []
    attendus: list[Attendu] = []
    for rang, variable in enumerate(liens):
        if ecrite.valeurs.get(variable) is None or t.questionnaire.variables[variable].type != "finess":
            continue
        ecrite.valeurs[variable] = finess(9000 + hote.modele.numero * 3 + rang, ecrite.valeurs[variable][:2], {})
        code, gravite = bareme.juge("absent_de_la_base", racine, variable, "finess")
        pourquoi = "numéro bien formé, absent de la base de sondage"
        if not attendus:  # the first link stated carries the finding
            attendus.append(Attendu("absent_de_la_base", code, gravite, pourquoi, False, ecrite, variable))
    if not attendus or not clean(t, ecrite):
        return None
    return Reponse(hote.modele, ecrite, ecrite, "ligne:absent_de_la_base", attendus)


def _linked_children(t: Tirage) -> set[str]:
    racine = t.questionnaire.racine
    return {v["entite"] for v in t.questionnaire.enquete.get("lien_base") or () if v["entite"] != racine}


def second_sending(t: Tirage, hote: Reponse, bareme: Bareme, alea: random.Random) -> tuple[Reponse, Reponse] | None:
    """The answer sent twice: the copy, dated at the campaign's first day, is the one to be set aside."""
    racine = t.questionnaire.entites[t.questionnaire.racine]
    if not racine.date or hote.ecrite.valeurs.get(racine.date) is None:
        return None
    copie = copy(hote.ecrite)
    debut = t.questionnaire.campagnes[t.campagne].debut
    if copie.valeurs[racine.date] == debut:
        return None
    copie.valeurs[racine.date] = debut
    for lien in t.liens:
        for fiche in copie.toutes():
            if fiche.valeurs.get(lien):
                fiche.valeurs[lien] = f"{fiche.valeurs[lien]}-B"
    if not clean(t, copie):
        return None
    code, gravite = bareme.juge("repondant_en_double", racine.nom, None, "")
    premiere = next((i["variable"] for i in racine.identifiant), None)
    attendu = Attendu("repondant_en_double", code, gravite, "même répondant, envoi plus ancien", False, copie, premiere)
    return hote, Reponse(hote.modele, copie, None, "ligne:repondant_en_double", [attendu], copie_de=hote)


def nameless(t: Tirage, hote: Reponse, bareme: Bareme, alea: random.Random) -> Reponse | None:
    """An answer without any of the numbers that say who answers."""
    racine = t.questionnaire.entites[t.questionnaire.racine]
    ecrite = copy(hote.ecrite)
    for ligne in racine.identifiant:
        ecrite.valeurs[ligne["variable"]] = None
    if not racine.identifiant or not clean(t, ecrite):
        return None
    code, gravite = bareme.juge("ligne_sans_identifiant", racine.nom, None, "")
    premiere = next((i["variable"] for i in racine.identifiant), None)
    attendu = Attendu(
        "ligne_sans_identifiant", code, gravite, "aucun numéro ne dit qui répond", False, ecrite, premiere
    )
    return Reponse(hote.modele, ecrite, None, "ligne:ligne_sans_identifiant", [attendu])


def twin_key(t: Tirage, hote: Reponse, bareme: Bareme, alea: random.Random) -> Reponse | None:
    """Two child rows with the same number."""
    for entite, lignes in hote.ecrite.enfants.items():
        cle = t.questionnaire.entites[entite].cle
        if len(lignes) < 2 or len(cle) != 1 or not t.hint(entite, cle[0]).get("rang"):
            continue
        ecrite = copy(hote.ecrite)
        seconde = ecrite.enfants[entite][1]
        seconde.valeurs[cle[0]] = ecrite.enfants[entite][0].valeurs[cle[0]]
        if violations(t.monde, ecrite):
            continue
        code, gravite = bareme.juge("cle_en_double", entite, cle[0], "")
        attendu = Attendu(
            "cle_en_double", code, gravite, "même numéro que la ligne d'au-dessus", False, seconde, cle[0]
        )
        gardee = _outcome(t, ecrite, seconde, gravite, [])
        return Reponse(hote.modele, ecrite, gardee, "ligne:cle_en_double", [attendu])
    return None


LIGNES = {"absent_de_la_base": unknown_unit, "ligne_sans_identifiant": nameless, "cle_en_double": twin_key}


def applies(regle: Regle, t: Tirage) -> bool:
    """Whether some record could break the rule in that campaign (its blamed cells are asked)."""
    return any((regle.entite, v) in t.monde.posees for v in regle.cellules)
