"""Accepted headers and sheet names added to a model: to the declaration's text, and to the model in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from cartographie.intake.matching import normalise
from cartographie.model import ColonneAttendue, EnteteAttendu, FeuilleAttendue, Modele
from cartographie.propositions.diff import Correctif, read_exact
from cartographie.propositions.entetes import LONGUEUR, Ecart, Genre
from cartographie.propositions.yaml_edit import add_to, quoted
from cartographie.questionnaire.source import Chemin, read_yaml


class Renommage(NamedTuple):
    """One more header accepted for a column, or (no variable) one more name for a sheet, of the model's sheet `rang`."""

    rang: int
    variable: str
    modalite: str
    texte: str

    @property
    def norme(self) -> str:
        return normalise(self.texte)


def renamings(ecarts: Iterable[Ecart]) -> list[Renommage]:
    """What accepting the renamed ones of these differences would add."""
    trouves = []
    for e in ecarts:
        if not e.trouve or len(e.trouve) > LONGUEUR:
            continue
        if e.genre is Genre.FEUILLE_RENOMMEE:
            trouves += [Renommage(r, "", "", e.trouve) for r in e.rangs]
        elif e.genre is Genre.RENOMMEE and (texte := _pattern(e)):
            trouves.append(Renommage(e.rangs[0], e.variable, e.modalite or "", texte))
    return list(dict.fromkeys(trouves))


def _pattern(e: Ecart) -> str | None:
    """The text as declared: in a repeated block the repetition's number is {n}; None when the text does not hold it once."""
    if not e.numero:
        return e.trouve
    morceaux = _cut_number(e.trouve, str(e.numero))
    return "{n}".join(morceaux) if len(morceaux) == 2 else None


def _cut_number(texte: str, numero: str) -> list[str]:
    """The text cut where that number stands alone, not inside a longer one."""
    morceaux, depuis, i = [], 0, texte.find(numero)
    while i >= 0:
        fin = i + len(numero)
        if not texte[i - 1 : i].isdigit() and not texte[fin : fin + 1].isdigit():
            morceaux.append(texte[depuis:i])
            depuis = fin
        i = texte.find(numero, fin)
    return [*morceaux, texte[depuis:]]


def extend(modele: Modele, renommages: Iterable[Renommage]) -> Modele:
    """The model as it would be with these."""
    feuilles = list(modele.feuilles)
    for r in renommages:
        feuille = feuilles[r.rang]
        if not r.variable:
            feuilles[r.rang] = replace(feuille, noms=(*feuille.noms, r.texte))
            continue
        colonnes = tuple(_with(c, r.texte) if _is(c, r) else c for c in feuille.colonnes)
        feuilles[r.rang] = replace(feuille, colonnes=colonnes)
    return replace(modele, feuilles=tuple(feuilles))


def _is(colonne: ColonneAttendue, r: Renommage) -> bool:
    return (colonne.variable, colonne.modalite or "") == (r.variable, r.modalite)


def _with(colonne: ColonneAttendue, texte: str) -> ColonneAttendue:
    return replace(colonne, entetes=(*colonne.entetes, EnteteAttendu(texte, _after(colonne))))


def _after(colonne: ColonneAttendue) -> str | None:
    """The header it comes after, when every accepted one is told apart that way."""
    apres = {e.apres for e in colonne.entetes}
    return apres.pop() if len(apres) == 1 else None


def correct(
    projet: Path, annee: str, modele: Modele, renommages: Sequence[Renommage], restes: Mapping[Ecart, Sequence[str]]
) -> Correctif:
    """The declaration with the renamings added, and the rest as comments where it belongs."""
    chemin = declaration_path(projet, annee, modele)
    avant = read_exact(projet / chemin)
    ajouts: dict[Chemin, list[str]] = defaultdict(list)
    remarques: dict[Chemin, list[str]] = defaultdict(list)
    for r in sorted(renommages):
        feuille = modele.feuilles[r.rang]
        if not r.variable:
            ajouts["feuilles", r.rang, "noms"].append(quoted(r.texte))
            continue
        colonne = next(c for c in feuille.colonnes if _is(c, r))
        apres = _after(colonne)
        valeur = quoted(r.texte) if apres is None else f"{{entete: {quoted(r.texte)}, apres: {quoted(apres)}}}"
        place: Chemin = ("feuilles", r.rang, "colonnes", r.variable)
        ajouts[(*place, r.modalite) if r.modalite else place].append(valeur)
    for e, fichiers in restes.items():
        for rang in e.rangs[:1]:
            place, texte = _remark(e, rang, modele.feuilles[rang], _files(fichiers))
            remarques[place].append(" ".join(texte.split()))
    return Correctif(chemin, avant, add_to(avant, ajouts, remarques))


def _remark(e: Ecart, rang: int, feuille: FeuilleAttendue, ou: str) -> tuple[Chemin, str]:
    if e.genre is Genre.FEUILLE_ABSENTE:
        suite = "elle est déjà facultative." if feuille.facultative else "« facultative: true » l'admettrait."
        return ("feuilles", rang, "entite"), f"feuille « {feuille.noms[0]} » absente de {ou} : {suite}"
    if e.genre is Genre.ABSENTE:
        place: Chemin = ("feuilles", rang, "colonnes", e.variable)
        if e.modalite:
            place = (*place, e.modalite)
        return place, f"intitulé absent de {ou} : ajoutez {e.variable} à « facultatives » s'il peut manquer."
    nom = f"« {e.trouve[:LONGUEUR]} »" if e.trouve else "(masqué)"
    return (
        ("feuilles", rang, "colonnes"),
        f"intitulé ajouté {nom} dans {ou} : à mettre dans « ignorees », ou à déclarer comme une question.",
    )


def _files(noms: Sequence[str]) -> str:
    distincts = sorted(set(noms))
    return ", ".join("".join(c for c in n if c.isprintable()) for n in distincts[:3]) + (
        f" et {len(distincts) - 3} autres" if len(distincts) > 3 else ""
    )


def declaration_path(projet: Path, annee: str, modele: Modele) -> str:
    """Path of the model's declaration, relative to the workspace."""
    for fichier in sorted((projet / "schemas" / annee).glob("*.yaml")):
        contenu = read_yaml(projet, f"{annee}/{fichier.name}").contenu
        if isinstance(contenu, dict) and contenu.get("modele") == modele.nom:
            return f"schemas/{annee}/{fichier.name}"
    raise AssertionError(f"{annee}/{modele.nom} : sans déclaration")
