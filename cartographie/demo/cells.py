"""Faulty spellings of one cell, by finding: what is written, what should remain of it, and why.

A maker takes a `Cas` (a record's variable and its right value) and returns an `Ecrit`, or None when it cannot apply.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cartographie.demo.answers import Tirage
from cartographie.demo.checks import asked, required
from cartographie.demo.numbers import luhn_digit
from cartographie.demo.oracle import Fiche, known
from cartographie.demo.writers import Erreur, Formule
from cartographie.model import Nomenclature, TypeVariable, Variable

T = TypeVariable
NUMEROS = (T.SIREN, T.SIRET, T.RPPS)


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
    genre = c.variable.type in (T.DEPARTEMENT, T.REGION, T.FINESS, T.COMMUNE)
    if genre and isinstance(c.valeur, str) and c.valeur.isdigit() and c.valeur.startswith("0") and int(c.valeur):
        return Ecrit(int(c.valeur), c.valeur, "code saisi comme un nombre : le zéro de tête a disparu")
    return None


def casse_corrigee(c: Cas) -> Ecrit | None:
    if c.variable.type in (T.DEPARTEMENT, T.COMMUNE) and isinstance(c.valeur, str) and c.valeur != c.valeur.lower():
        return Ecrit(c.valeur.lower(), c.valeur, "lettre du code en minuscule")
    return None


def decimale_virgule(c: Cas) -> Ecrit | None:
    if c.variable.type == T.DECIMAL and isinstance(c.valeur, float):
        entier, decimales = int(c.valeur), round(c.valeur % 1, 2) or 0.5
        reste = entier + decimales
        return Ecrit(f"{reste}".replace(".", ","), reste, "nombre décimal saisi en texte avec une virgule")
    return None


def ecriture_normalisee(c: Cas) -> Ecrit | None:
    if c.variable.type != T.CODE or c.nomenclature is None or not isinstance(c.valeur, str):
        return None
    exactes = {f for m in c.nomenclature.modalites.values() for f in (m.code, m.libelle, *m.variantes)}
    libelle = c.nomenclature.modalites[c.valeur].libelle
    for essai in (f"{c.valeur.lower()} ", f" {c.valeur.capitalize()}", f"{libelle.upper()} ", f"{c.valeur.swapcase()}"):
        if essai.strip() not in exactes and "_" not in essai and "-" not in essai:
            return Ecrit(essai, c.valeur, "casse et espaces en trop")
    return None


def modalite_inconnue(c: Cas) -> Ecrit | None:
    if c.variable.type == T.CODE and c.nomenclature is not None:
        return Ecrit("Zzyx inventé", None, "réponse absente de la liste")
    return None


def modalite_perimee(c: Cas) -> Ecrit | None:
    if c.variable.type != T.CODE or c.nomenclature is None:
        return None
    valides = c.t.codes(c.variable)
    anciennes = [m for m in c.nomenclature.modalites if m not in valides]
    return Ecrit(anciennes[0], None, "réponse d'une autre édition") if anciennes else None


def date_interpretee(c: Cas) -> Ecrit | None:
    if c.variable.type == T.DATE and isinstance(c.valeur, date):
        return Ecrit(f"{c.valeur:%d/%m/%Y}", c.valeur, "date saisie en texte, à la française")
    return None


def date_en_serie(c: Cas) -> Ecrit | None:
    if c.variable.type == T.DATE and isinstance(c.valeur, date):
        return Ecrit((c.valeur - date(1899, 12, 30)).days, c.valeur, "date restée sous forme de numéro de série")
    return None


def date_invalide(c: Cas) -> Ecrit | None:
    return Ecrit("bientôt", None, "texte à la place d'une date") if c.variable.type == T.DATE else None


def annee_mois_invalide(c: Cas) -> Ecrit | None:
    return Ecrit("au printemps", None, "texte à la place d'un mois") if c.variable.type == T.ANNEE_MOIS else None


def entier_invalide(c: Cas) -> Ecrit | None:
    return Ecrit("une dizaine", None, "texte à la place d'un nombre entier") if c.variable.type == T.ENTIER else None


def decimal_invalide(c: Cas) -> Ecrit | None:
    return Ecrit("beaucoup", None, "texte à la place d'un nombre") if c.variable.type == T.DECIMAL else None


def hors_bornes(c: Cas) -> Ecrit | None:
    if c.variable.type in (T.ENTIER, T.DECIMAL) and c.variable.maximum is not None:
        return Ecrit(c.variable.maximum * 10 + 7, None, "au-delà du maximum déclaré")
    return None


def identifiant_tronque(c: Cas) -> Ecrit | None:
    if c.variable.type == T.SIRET and c.valeur:
        return Ecrit(f"{c.valeur[0]},{c.valeur[1:6]}E+13", None, "numéro abrégé par le tableur (notation scientifique)")
    return None


def identifiant_format(c: Cas) -> Ecrit | None:
    if c.variable.type in (*NUMEROS, T.FINESS) and c.valeur:
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
    return Ecrit(Formule("=1+1"), None, "formule sans résultat") if c.variable.type == T.ENTIER else None


def injection_formule(c: Cas) -> Ecrit | None:
    if c.variable.type == T.TEXTE and not c.variable.personnel:
        texte = "=1+1 texte fictif"
        return Ecrit(texte, texte, "texte qui commence comme une formule")
    return None


def donnee_personnelle(c: Cas) -> Ecrit | None:
    if c.variable.type == T.TEXTE and not c.variable.personnel and (c.variable.longueur_max or 99) >= 60:
        return Ecrit("Écrire à personne.fictive@exemple.invalid", None, "adresse électronique dans un texte libre")
    return None


def texte_trop_long(c: Cas) -> Ecrit | None:
    if c.variable.type == T.TEXTE and c.variable.longueur_max and not c.variable.personnel:
        texte = ("texte fictif trop long " * 200)[: c.variable.longueur_max + 5].strip() + "zzzzz"
        return Ecrit(texte, texte, "plus long que la limite déclarée")
    return None


def choix_en_double(c: Cas) -> Ecrit | None:
    if c.variable.type == T.CODES and c.valeur and not c.etale:
        return Ecrit("|".join((*c.valeur, c.valeur[0])), c.valeur, "même réponse deux fois dans la case")
    return None


def type_inattendu(c: Cas) -> Ecrit | None:
    if c.variable.type in (T.ENTIER, T.CODE):
        return Ecrit(datetime(2001, 2, 3), None, "date à la place de la réponse")
    return None


def hors_filtre(c: Cas) -> Ecrit | None:
    if c.valeur is not None or not c.variable.condition_pose or c.variable.type not in (T.CODE, T.TEXTE, T.ENTIER):
        return None
    if asked(c.t.monde, c.fiche, c.variable.nom) or not known(c.t.monde, c.fiche, c.variable.condition_pose):
        return None  # a filter left unanswered accuses nobody
    codes = list(c.t.codes(c.variable))
    texte = codes[0] if codes else 3 if c.variable.type == T.ENTIER else "Texte fictif"
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
