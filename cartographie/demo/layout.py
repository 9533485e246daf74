"""Answers → cells, at the places the models of schemas/<campagne>/ say, and where each answer's cell ended up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from cartographie.demo.oracle import Fiche
from cartographie.demo.writers import MENTION, Page
from cartographie.model import ColonneAttendue, FeuilleAttendue, Modele, Nomenclature, Questionnaire, TypeVariable

Position = tuple[str, int, int]
Cle = tuple[str, str | None]  # (variable, modality of a spread choice)


@dataclass(slots=True)
class Depot:
    """A file to be: its pages, and for each record (by id) the sheet, row and columns of its variables."""

    modele: Modele
    pages: dict[str, Page] = field(default_factory=dict)
    places: dict[int, tuple[str, int, Mapping[Cle, tuple[int, int]]]] = field(default_factory=dict)
    entetes: dict[tuple[str, str, str | None], tuple[int, int]] = field(default_factory=dict)
    reponses: list[Fiche] = field(default_factory=list)

    def cell(self, fiche: Fiche, variable: str, modalite: str | None = None) -> Position | None:
        """(sheet, row, column) of one value; row 0 of a mapping means the record's own row."""
        if id(fiche) not in self.places:
            return None
        feuille, ligne, colonnes = self.places[id(fiche)]
        trouve = colonnes.get((variable, modalite))
        return None if trouve is None else (feuille, trouve[0] or ligne, trouve[1])

    def spread(self, fiche: Fiche, variable: str) -> list[Position]:
        """Every cell of a variable, more than one when it is spread over columns."""
        if id(fiche) not in self.places:
            return []
        feuille, ligne, colonnes = self.places[id(fiche)]
        return sorted((feuille, p[0] or ligne, p[1]) for (v, _), p in colonnes.items() if v == variable)


@dataclass(frozen=True, slots=True)
class Ecriture:
    """How values are spelled in one file. `texte`: delimited text (everything is text). `libelles`: labels, not codes."""

    texte: bool = False
    libelles: bool = False
    titre: bool = False


def spell(q: Questionnaire, nom: str, valeur: Any, ecriture: Ecriture) -> Any:
    """The cell content of one value."""
    if valeur is None:
        return None
    variable = q.variables[nom]
    nomenclature = q.nomenclatures.get(variable.nomenclature or "")
    if isinstance(valeur, tuple):
        return "|".join(_label(nomenclature, v, ecriture) for v in valeur)
    if variable.type == TypeVariable.ANNEE_MOIS:
        return f"{valeur:%Y-%m}"
    if isinstance(valeur, date):
        return valeur.isoformat() if ecriture.texte else valeur
    if variable.type == TypeVariable.CODE and nomenclature:
        return _label(nomenclature, valeur, ecriture)
    return valeur


def _label(nomenclature: Nomenclature | None, code: str, ecriture: Ecriture) -> str:
    """The code, or its label when the file holds labels and the label cannot be taken for two answers."""
    modalite = nomenclature.modalites.get(code) if nomenclature and ecriture.libelles else None
    if modalite is None or any(s in modalite.libelle for s in ";|,\n"):
        return code
    jumeaux = sum(m.libelle == modalite.libelle for m in nomenclature.modalites.values()) if nomenclature else 0
    return modalite.libelle if jumeaux == 1 else code


def lay_out(q: Questionnaire, modele: Modele, campagne: str, reponses: Sequence[Fiche], ecriture: Ecriture) -> Depot:
    """One file of that model holding those answers."""
    depot = Depot(modele, reponses=list(reponses))
    marque = modele.marque
    if marque:
        page = depot.pages.setdefault(marque["feuille"], Page())
        page.cellules[1, 1] = f"{q.enquete.get('titre', '')} ({MENTION})"
        for cle, valeur in (("edition", campagne), ("version", modele.versions[0] if modele.versions else None)):
            if cle in marque:
                ligne, colonne = parse_cell(marque[cle])
                if colonne > 1:
                    page.cellules[ligne, colonne - 1] = "Édition" if cle == "edition" else "Version"
                page.cellules[ligne, colonne] = valeur
    feuilles: dict[str, str] = {}
    for attendue in modele.feuilles:
        if attendue.disposition == "blocs":
            _blocks(q, depot, attendue, feuilles, ecriture)
            continue
        nom = attendue.noms[0] if attendue.noms else "Feuille1"
        feuilles[attendue.entite] = nom
        page = depot.pages.setdefault(nom, Page())
        fiches = _records(q, reponses, attendue.entite)
        if attendue.disposition == "fiche":
            _form(q, depot, attendue, page, nom, fiches[0], ecriture)
        else:
            _table(q, depot, attendue, page, nom, fiches, ecriture)
    return depot


def _records(q: Questionnaire, reponses: Sequence[Fiche], entite: str) -> list[Fiche]:
    if q.entites[entite].parent is None:
        return list(reponses)
    return [f for r in reponses for f in r.toutes() if f.entite == entite]


def parse_cell(adresse: str) -> tuple[int, int]:
    """ "B4" → (4, 2)."""
    lettres = "".join(c for c in adresse if c.isalpha()).upper()
    colonne = 0
    for lettre in lettres:
        colonne = colonne * 26 + ord(lettre) - 64
    return int(adresse[len(lettres) :]), colonne


def address(ligne: int, colonne: int) -> str:
    """(4, 2) → "B4"."""
    lettres = ""
    while colonne:
        colonne, reste = divmod(colonne - 1, 26)
        lettres = chr(65 + reste) + lettres
    return f"{lettres}{ligne}"


def _form(
    q: Questionnaire, depot: Depot, attendue: FeuilleAttendue, page: Page, nom: str, fiche: Fiche, ecriture: Ecriture
) -> None:
    question, reponse = attendue.colonne_question or 1, attendue.colonne_reponse or 2
    ligne, rubrique, colonnes = 2, None, {}
    if question > 1:
        page.cellules[1, 1] = f"{q.enquete.get('titre', '')} ({MENTION})"
    for colonne in attendue.colonnes:
        section = q.variables[colonne.variable].rubrique
        if section and section != rubrique:
            rubrique, ligne = section, ligne + 1
            if question > 1:
                page.cellules[ligne, 1] = section
                ligne += 1
        page.cellules[ligne, question] = colonne.entetes[0].texte
        depot.entetes[nom, colonne.variable, colonne.modalite] = (ligne, question)
        colonnes[colonne.variable, colonne.modalite] = (ligne, reponse)
        _put(q, page, (ligne, reponse), colonne, fiche, ecriture)
        ligne += 1
    depot.places[id(fiche)] = (nom, 2, colonnes)


def _put(
    q: Questionnaire, page: Page, place: tuple[int, int], colonne: ColonneAttendue, fiche: Fiche, ecriture: Ecriture
) -> None:
    valeur = fiche.valeurs.get(colonne.variable)
    if valeur is None:
        return
    if colonne.modalite is not None:
        page.cellules[place] = "OUI" if colonne.modalite in valeur else "NON"
    else:
        page.cellules[place] = spell(q, colonne.variable, valeur, ecriture)


def _table(
    q: Questionnaire,
    depot: Depot,
    attendue: FeuilleAttendue,
    page: Page,
    nom: str,
    fiches: list[Fiche],
    ecriture: Ecriture,
) -> None:
    ligne = attendue.ligne_entete or (3 if ecriture.titre else 1)
    if ligne > 1:
        page.cellules[1, 1] = f"{attendue.entite} ({MENTION})"
    lien = attendue.lien if isinstance(attendue.lien, (tuple, list)) else ()
    colonnes: dict[Cle, tuple[int, int]] = {}
    suivante = 1
    for colonne in attendue.colonnes:
        colonnes[colonne.variable, colonne.modalite] = (0, suivante)
        depot.entetes[nom, colonne.variable, colonne.modalite] = (ligne, suivante)
        page.cellules[ligne, suivante] = colonne.entetes[0].texte
        suivante += 1
    for texte in attendue.ignorees:
        page.cellules[ligne, suivante] = texte
        suivante += 1
    for rang, fiche in enumerate(fiches, ligne + 1):
        depot.places[id(fiche)] = (nom, rang, colonnes)
        for colonne in attendue.colonnes:
            place = (rang, colonnes[colonne.variable, colonne.modalite][1])
            if colonne.variable in lien and fiche.valeurs.get(colonne.variable) is None and fiche.parent:
                page.cellules[place] = spell(q, colonne.variable, fiche.parent.valeurs.get(colonne.variable), ecriture)
            else:
                _put(q, page, place, colonne, fiche, ecriture)


def _blocks(
    q: Questionnaire, depot: Depot, attendue: FeuilleAttendue, feuilles: Mapping[str, str], ecriture: Ecriture
) -> None:
    """Repeated groups of columns, to the right of the parent's."""
    parent = q.entites[attendue.entite].parent or q.racine
    nom = feuilles[parent]
    page = depot.pages[nom]
    entete = next(p[0] for (f, _, _), p in depot.entetes.items() if f == nom)
    debut = max(c for r, c in page.cellules if r == entete) + 1
    largeur = len(attendue.colonnes)
    groupes = []
    for numero in range(attendue.repetitions):
        colonnes: dict[Cle, tuple[int, int]] = {}
        for rang, colonne in enumerate(attendue.colonnes):
            place = debut + numero * largeur + rang
            page.cellules[entete, place] = colonne.entetes[0].texte.replace("{n}", str(numero + 1))
            colonnes[colonne.variable, colonne.modalite] = (0, place)
            depot.entetes.setdefault((nom, colonne.variable, colonne.modalite), (entete, place))
        groupes.append(colonnes)
    for reponse in depot.reponses:
        ligne = depot.places[id(reponse)][1]
        for fiche, colonnes in zip(reponse.enfants.get(attendue.entite, []), groupes, strict=False):
            depot.places[id(fiche)] = (nom, ligne, colonnes)
            for colonne in attendue.colonnes:
                _put(q, page, (ligne, colonnes[colonne.variable, colonne.modalite][1]), colonne, fiche, ecriture)


def holds_answer(modele: Modele, reponse: Fiche) -> bool:
    """Whether the model has room for every child row of the answer, and a column for every choice it spreads."""
    for entite, lignes in reponse.enfants.items():
        feuilles = [f for f in modele.feuilles if f.entite == entite]
        place = max((f.repetitions if f.disposition == "blocs" else 10**6 for f in feuilles), default=0)
        if len(lignes) > place:
            return False
    colonnes = columns(modele)
    return not any(
        isinstance(valeur, tuple)
        and (etalees := colonnes.get(fiche.entite, {}).get(nom))
        and not set(valeur) <= etalees
        for fiche in reponse.toutes()
        for nom, valeur in fiche.valeurs.items()
    )


def columns(modele: Modele) -> dict[str, dict[str, set[str]]]:
    """{entity: {variable: the modalities it is spread over}} of a model's sheets."""
    trouvees: dict[str, dict[str, set[str]]] = {}
    for feuille in modele.feuilles:
        noms = trouvees.setdefault(feuille.entite, {})
        for colonne in feuille.colonnes:
            etalees = noms.setdefault(colonne.variable, set())
            if colonne.modalite is not None:
                etalees.add(colonne.modalite)
    return trouvees


def forget(modele: Modele, fiche: Fiche) -> None:
    """Drop from an answer what that model has no column for: nobody will read it."""
    colonnes = columns(modele)
    for ligne in fiche.toutes():
        noms = colonnes.get(ligne.entite, {})
        ligne.valeurs = {k: v for k, v in ligne.valeurs.items() if k in noms}


def without_blanks(modele: Modele, fiches: Sequence[Fiche]) -> Modele:
    """The same, without the optional columns that no record fills: a received file would not have them."""

    def is_kept(c: ColonneAttendue) -> bool:
        return not c.facultative or any(f.valeurs.get(c.variable) is not None for f in fiches)

    return replace(
        modele,
        feuilles=tuple(replace(f, colonnes=tuple(c for c in f.colonnes if is_kept(c))) for f in modele.feuilles),
    )


def is_single(modele: Modele) -> bool:
    """Whether a file of that model holds one answer only."""
    return any(f.disposition == "fiche" for f in modele.feuilles)


def width(depot: Depot) -> int:
    return max((c for p in depot.pages.values() for _, c in p.cellules), default=0)
