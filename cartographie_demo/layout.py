"""Answers → cells at the places the models of schemas/<campagne>/ say, and faults of a whole file."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from xlwt.CompoundDoc import XlsDoc

from cartographie.survey.model import (
    ColonneAttendue,
    FeuilleAttendue,
    Modele,
    Nomenclature,
    Questionnaire,
)
from cartographie_demo.oracle import Fiche
from cartographie_demo.writers import MENTION, Page, unzip, write_xls, write_xlsx, zip_bytes

# -------------------------------------------------------------------------------------------
# Answers → cells, at the places the models of schemas/<campagne>/ say, and where each answer's cell ended up.

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
    if variable.type == "annee_mois":
        return f"{valeur:%Y-%m}"
    if isinstance(valeur, date):
        return valeur.isoformat() if ecriture.texte else valeur
    if variable.type == "code" and nomenclature:
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


# -------------------------------------------------------------------------------------------
# Faults of a whole file: refused ones (whatever they hold is lost) and odd ones (read with an alert).
#
# A maker takes the right Depot and returns a `Fichier`: the pages or the bytes to write, and what should be reported.


@dataclass(slots=True)
class Place:
    """One finding about the file: its name, what is wrong, and the sheet and cell when there is one."""

    constat: str
    pourquoi: str
    feuille: str = ""
    ligne: int | None = None
    colonne: int | None = None
    variable: str | None = None
    ecrit: Any = None
    reponse: bool = False  # in a cell of an answer: the respondent is known


@dataclass(slots=True)
class Fichier:
    pages: dict[str, Page]
    attendus: list[Place]
    suffixe: str = "xlsx"
    octets: bytes | None = None
    options: dict[str, Any] = field(default_factory=dict)


Fabrique = Callable[[Depot, Path], Fichier | None]


def _bytes(depot: Depot, tampon: Path, ecrire: Any = write_xlsx) -> bytes:
    chemin = tampon / "tampon.tmp"
    ecrire(chemin, depot.pages)
    octets = chemin.read_bytes()
    chemin.unlink()
    return octets


def _sheets(depot: Depot) -> list[tuple[FeuilleAttendue, str, Page]]:
    """(expected sheet, its name, its page), tables first."""
    trouvees = [(f, n, depot.pages[n]) for f in depot.modele.feuilles for n in f.noms[:1] if n in depot.pages]
    if not trouvees:
        trouvees = [(depot.modele.feuilles[0], n, p) for n, p in list(depot.pages.items())[:1]]
    return sorted(trouvees, key=lambda t: t[0].disposition != "tableau")


def fichier_vide(depot: Depot, tampon: Path) -> Fichier:
    return Fichier({}, [Place("fichier_vide", "fichier de 0 octet")], octets=b"")


def fichier_non_tableur(depot: Depot, tampon: Path) -> Fichier:
    octets = f"%PDF-1.4\n% {MENTION}\n%%EOF\n".encode()
    return Fichier({}, [Place("fichier_non_tableur", "document PDF renommé en .xlsx")], octets=octets)


def html_deguise(depot: Depot, tampon: Path) -> Fichier:
    octets = f"<html><head><meta charset='utf-8'></head><body><table><tr><td>{MENTION}</td></tr></table></body></html>"
    return Fichier({}, [Place("html_deguise", "page web renommée en .xls")], "xls", octets.encode())


def fichier_protege(depot: Depot, tampon: Path) -> Fichier:
    flux = io.BytesIO()
    XlsDoc().save(flux, MENTION.encode() * 400)
    octets = flux.getvalue()
    place = octets.index("Workbook".encode("utf-16-le"))
    nom = "EncryptedPackage".encode("utf-16-le")
    octets = octets[:place] + nom.ljust(64, b"\0") + (len(nom) + 2).to_bytes(2, "little") + octets[place + 66 :]
    return Fichier({}, [Place("fichier_protege", "classeur protégé par un mot de passe")], octets=octets)


def fichier_illisible(depot: Depot, tampon: Path) -> Fichier:
    octets = _bytes(depot, tampon)
    return Fichier(
        {}, [Place("fichier_illisible", "envoi interrompu : il manque la fin")], octets=octets[: len(octets) // 2]
    )


def fichier_dangereux(depot: Depot, tampon: Path) -> Fichier:
    octets = zip_bytes({**unzip(_bytes(depot, tampon)), "../hors-du-dossier.txt": MENTION.encode()})
    return Fichier({}, [Place("fichier_dangereux", "archive qui sortirait de son dossier")], octets=octets)


def extension_trompeuse(depot: Depot, tampon: Path) -> Fichier | None:
    if "xls" not in depot.modele.formats:
        return None
    return Fichier(
        {}, [Place("extension_trompeuse", "classeur .xls renommé en .xlsx")], octets=_bytes(depot, tampon, write_xls)
    )


def macros_ignorees(depot: Depot, tampon: Path) -> Fichier | None:
    if "xlsm" not in depot.modele.formats:
        return None
    return Fichier(depot.pages, [Place("macros_ignorees", "classeur qui contient un projet de macros (vide)")], "xlsm",
                   options={"projet": True})  # fmt: skip


def _stamp(depot: Depot, cle: str, valeur: str, constat: str, pourquoi: str) -> Fichier | None:
    marque = depot.modele.marque
    if not marque or cle not in marque:
        return None
    place = parse_cell(marque[cle])
    depot.pages[marque["feuille"]].cellules[place] = valeur
    return Fichier(depot.pages, [Place(constat, pourquoi, marque["feuille"], *place, ecrit=valeur)])


def edition_inattendue(depot: Depot, tampon: Path) -> Fichier | None:
    return _stamp(depot, "edition", "2001", "edition_inattendue", "questionnaire d'une autre année")


def version_inconnue(depot: Depot, tampon: Path) -> Fichier | None:
    return _stamp(depot, "version", "0.0-inventée", "version_inconnue", "version jamais diffusée")


def modele_non_reconnu(depot: Depot, tampon: Path) -> Fichier:
    page = Page({(1, 1): MENTION, (3, 1): "Colonne inventée", (3, 2): "Autre colonne", (4, 1): "a", (4, 2): "b"})
    return Fichier({"Feuille1": page}, [Place("modele_non_reconnu", "tableau sans rapport avec le questionnaire")])


def feuille_absente(depot: Depot, tampon: Path) -> Fichier | None:
    for attendue, nom, _ in _sheets(depot):
        if not attendue.facultative and attendue.noms and len(depot.pages) > 1:
            pages = {n: p for n, p in depot.pages.items() if n != nom}
            return Fichier(pages, [Place("feuille_absente", "feuille obligatoire supprimée", nom)])
    return None


def feuille_inconnue(depot: Depot, tampon: Path) -> Fichier | None:
    if not all(f.noms for f in depot.modele.feuilles if f.disposition != "blocs"):
        return None
    pages = {**depot.pages, "Brouillon fictif": Page({(1, 1): "notes", (2, 1): MENTION})}
    return Fichier(pages, [Place("feuille_inconnue", "feuille ajoutée par le répondant", "Brouillon fictif")])


def _header(depot: Depot, facultative: bool = False) -> tuple[FeuilleAttendue, str, Page, str, tuple[int, int]] | None:
    for attendue, nom, page in _sheets(depot):
        libres = {c.variable for c in attendue.colonnes if c.facultative}
        for colonne in reversed(attendue.colonnes):
            place = depot.entetes.get((nom, colonne.variable, colonne.modalite))
            if place and (colonne.variable in libres) == facultative and colonne.modalite is None:
                return attendue, nom, page, colonne.variable, place
    return None


def entete_absent(depot: Depot, tampon: Path) -> Fichier | None:
    trouve = _header(depot)
    if trouve is None:
        return None
    attendue, nom, page, variable, (ligne, colonne) = trouve
    if attendue.disposition == "fiche":
        page.cellules = {k: v for k, v in page.cellules.items() if k[0] != ligne}
    else:
        page.cellules = {k: v for k, v in page.cellules.items() if k[1] != colonne}
    return Fichier(depot.pages, [Place("entete_absent", "colonne supprimée", nom, ligne, None, variable)])


def entete_inconnu(depot: Depot, tampon: Path) -> Fichier:
    attendue, nom, page = _sheets(depot)[0]
    ligne, colonne = next(p for (f, _, _), p in depot.entetes.items() if f == nom)
    place = (
        (page.derniere_ligne + 1, colonne)
        if attendue.disposition == "fiche"
        else (ligne, max(c for _, c in page.cellules) + 1)
    )
    page.cellules[place] = "Question inventée par le répondant"
    reponse = (place[0], attendue.colonne_reponse or 2) if attendue.disposition == "fiche" else (place[0] + 1, place[1])
    page.cellules[reponse] = "réponse fictive"
    return Fichier(depot.pages, [Place("entete_inconnu", "colonne ajoutée", nom, *place, ecrit=page.cellules[place])])


def entete_double(depot: Depot, tampon: Path) -> Fichier | None:
    trouve = _header(depot)
    if trouve is None:
        return None
    attendue, nom, page, variable, (ligne, colonne) = trouve
    place = (
        (page.derniere_ligne + 1, colonne)
        if attendue.disposition == "fiche"
        else (ligne, max(c for _, c in page.cellules) + 1)
    )
    page.cellules[place] = page.cellules[ligne, colonne]
    texte = page.cellules[place]
    return Fichier(
        depot.pages, [Place("entete_double", "colonne répétée au bout", nom, ligne, colonne, variable, texte)]
    )


def fichier_sans_reponse(depot: Depot, tampon: Path) -> Fichier:
    marque = (depot.modele.marque or {}).get("feuille")
    for nom, page in depot.pages.items():
        if nom != marque:
            gardees = {place for cle, place in depot.entetes.items() if cle[0] == nom}
            fiche = any(f.disposition == "fiche" and nom in f.noms for f in depot.modele.feuilles)
            limite = 10**7 if fiche else max((r for r, _ in gardees), default=0)
            reponses = {p for f, _, cs in depot.places.values() if f == nom for p in cs.values() if p[0]}
            page.cellules = {k: v for k, v in page.cellules.items() if k[0] <= limite and k not in reponses}
    racine = next(n for f, n, _ in _sheets(depot) if f.entite == depot.reponses[0].entite)
    return Fichier(depot.pages, [Place("fichier_sans_reponse", "questionnaire renvoyé vide", racine)])


def lignes_masquees_lues(depot: Depot, tampon: Path) -> Fichier | None:
    for _, nom, page in _sheets(depot):
        lignes = sorted({(p[0] or ligne) for f, ligne, cs in depot.places.values() if f == nom for p in cs.values()})
        remplies = {r for r, c in page.cellules}
        if cachees := [ligne for ligne in lignes if ligne in remplies][:2]:
            page.lignes_masquees = set(cachees)
            return Fichier(depot.pages, [Place("lignes_masquees_lues", "lignes de réponse masquées", nom, cachees[0])])
    return None


def colonnes_masquees_lues(depot: Depot, tampon: Path) -> Fichier | None:
    for attendue, nom, page in _sheets(depot):
        places = [cs for f, _, cs in depot.places.values() if f == nom]
        if attendue.disposition == "tableau" and places:
            colonne = sorted(p[1] for p in places[0].values())[1]
            page.colonnes_masquees = {colonne}
            return Fichier(depot.pages, [Place("colonnes_masquees_lues", "colonne masquée", nom, None, colonne)])
    return None


def feuille_masquee_lue(depot: Depot, tampon: Path) -> Fichier | None:
    for _, nom, page in _sheets(depot):
        if (
            len(depot.pages) > 1
            and nom != next(iter(depot.pages))
            and any(f == nom for f, _, _ in depot.places.values())
        ):
            page.masquee = True
            return Fichier(depot.pages, [Place("feuille_masquee_lue", "feuille de réponse masquée", nom)])
    return None


def lignes_blanches_ignorees(depot: Depot, tampon: Path) -> Fichier:
    _, nom, page = _sheets(depot)[0]
    page.lignes_vides = 20_000
    return Fichier(
        depot.pages, [Place("lignes_blanches_ignorees", "20 000 lignes vides mises en forme sous la dernière", nom)]
    )


def cellules_fusionnees(depot: Depot, tampon: Path) -> Fichier | None:
    """Two neighbouring answer cells of one row merged, the second being blank: nothing is lost."""
    for attendue, nom, page in _sheets(depot):
        if attendue.disposition != "tableau":
            continue
        for feuille, ligne, colonnes in depot.places.values():
            par_colonne = {p[1]: v for (v, _), p in colonnes.items()}
            for colonne in sorted(par_colonne):
                valeur = page.cellules.get((ligne, colonne))
                if feuille != nom or not isinstance(valeur, str) or isinstance(valeur, date):
                    continue
                if colonne + 1 in par_colonne and page.cellules.get((ligne, colonne + 1)) is None:
                    page.fusions.append((ligne, colonne, ligne, colonne + 1))
                    pourquoi = "deux cases de réponse fusionnées"
                    return Fichier(depot.pages, [
                        Place("cellules_fusionnees", pourquoi, nom, ligne, c, par_colonne[c],
                              valeur if c == colonne else None, True)
                        for c in (colonne, colonne + 1)
                    ])  # fmt: skip
    return None


FICHIERS: dict[str, Fabrique] = {
    f.__name__: f
    for f in (
        fichier_vide, fichier_non_tableur, html_deguise, fichier_protege, fichier_illisible, fichier_dangereux,
        extension_trompeuse, macros_ignorees, edition_inattendue, version_inconnue, modele_non_reconnu, feuille_absente,
        feuille_inconnue, entete_absent, entete_inconnu, entete_double, fichier_sans_reponse, lignes_masquees_lues,
        colonnes_masquees_lues, feuille_masquee_lue, lignes_blanches_ignorees, cellules_fusionnees,
    )
}  # fmt: skip
