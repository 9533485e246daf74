"""What the analyst declares about answers already received: repairs declined, corrections by hand, links to the frame,
successions of establishments. All optional; read, checked and built here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from graphlib import CycleError, TopologicalSorter
from string import Formatter
from typing import get_args

from cartographie.survey.check import Checked
from cartographie.survey.model import Correction, Questionnaire, Rapprochement, Succession
from cartographie.survey.rules import repairs
from cartographie.survey.written.declared import ColonneDeSuccession, CorrectionEcrite, Enquete
from cartographie.survey.written.source import Problemes, Source

COLONNES: tuple[ColonneDeSuccession, ...] = get_args(ColonneDeSuccession)
NATURES = ("fermeture", "fusion", "remplacement", "scission")
# Words that a campaign's own letter may hold between braces (collect/send.py fills them).
_MOTS = "titre campagne objet fichier recu_le constat points classeur avant contact producteur"
MOTS_COURRIER = set(_MOTS.split())
FERMETURE, SCISSION = NATURES[0], NATURES[3]


# ---- built


def build_corrections(s: Source | None, ecrites: Iterable[CorrectionEcrite], p: Problemes) -> tuple[Correction, ...]:
    """Raises nothing: a code or a cell given twice, a date that does not exist are added to `p`."""
    sortie: list[Correction] = []
    codes: set[str] = set()
    cellules: set[tuple[str, ...]] = set()
    for i, d in enumerate(ecrites):
        assert s is not None
        ici, jour = d["ou"], _day(d["date"])
        cellule = (ici["depot"], ici.get("feuille") or "", ici["cellule"])
        if d["code"] in codes:
            p.ajouter("D04", s, (i, "code"), f"la correction « {d['code']} » est donnée deux fois : changez un code.")
        if cellule in cellules:
            p.ajouter("D04", s, (i, "ou"), "cette case est corrigée deux fois : gardez une correction.")
        if jour is None:
            p.ajouter("D10", s, (i, "date"), f"le {d['date']} n'existe pas : écrivez une date AAAA-MM-JJ.")
        codes.add(d["code"])
        cellules.add(cellule)
        sortie.append(
            Correction(d["code"], ici["depot"], ici.get("feuille"), ici["cellule"], d["attendu"], d["valeur"],
                       d["motif"], d["auteur"], jour or date.min)
        )  # fmt: skip
    return tuple(sortie)


def build_rapprochements(s: Source | None, ecrits: Iterable[Rapprochement], p: Problemes) -> tuple[Rapprochement, ...]:
    sortie: dict[str, Rapprochement] = {}
    for i, r in enumerate(ecrits):
        assert s is not None
        if r.repondant in sortie:
            p.ajouter("D04", s, ("lignes", i), f"« {r.repondant} » est rattaché deux fois : gardez une ligne.")
        if r.date and _day(r.date) is None:
            p.ajouter("D10", s, ("lignes", i), f"le {r.date} n'existe pas : écrivez une date AAAA-MM-JJ.")
        sortie.setdefault(r.repondant, replace(r, ligne=s.ligne(("lignes", i))))
    return tuple(sortie.values())


def build_successions(s: Source | None, enquete: Enquete, p: Problemes) -> dict[str, Succession]:
    """{former number: what became of it}. Refused: a column or nature unknown, a chain that comes back to its start."""
    if s is None:
        return {}
    noms = {c: enquete["successions"].get("colonnes", {}).get(c, c) for c in COLONNES}
    absentes = [n for n in noms.values() if n not in s.contenu["entete"]]
    if absentes:
        p.ajouter("D10", s, (), f"colonne absente : {', '.join(absentes)} (voir « successions » dans enquete.yaml).")
        return {}
    sortie: dict[str, Succession] = {}
    lignes: dict[str, int] = {}
    for i, rang in enumerate(s.contenu["lignes"]):
        ancien, nouveau, nature = (rang[noms[c]] for c in COLONNES[:3])
        jour = _day(rang[noms["date"]])
        refus = _fault(ancien, nouveau, nature, jour, sortie.get(ancien))
        if refus or jour is None:
            p.ajouter("D10", s, ("lignes", i), refus)
            continue
        deja = sortie[ancien].nouveaux if ancien in sortie else ()
        sortie[ancien] = Succession(ancien, (*deja, *([nouveau] if nouveau else [])), nature, jour)
        lignes.setdefault(ancien, i)
    for ancien in _cycles(sortie):
        p.ajouter("D10", s, ("lignes", lignes[ancien]), f"« {ancien} » finit par se succéder à lui-même : corrigez.")
    return sortie


def _fault(ancien: str, nouveau: str, nature: str, jour: date | None, deja: Succession | None) -> str:
    if nature not in NATURES:
        return f"la nature « {nature} » n'est pas admise ; valeurs possibles : {', '.join(NATURES)}."
    if jour is None:
        return "la date doit être écrite AAAA-MM-JJ."
    if not ancien or bool(nouveau) == (nature == FERMETURE):
        return "une fermeture n'a pas de nouveau numéro, toute autre nature en a un ; l'ancien est obligatoire."
    if deja is not None and (nature != SCISSION or deja.nature != SCISSION):
        return f"« {ancien} » a déjà une suite : seule une scission en donne plusieurs."
    return ""


def _cycles(successions: Mapping[str, Succession]) -> list[str]:
    """One number of each chain that comes back to itself."""
    suites, trouves = {ancien: s.nouveaux for ancien, s in successions.items()}, []
    while True:
        try:
            TopologicalSorter(suites).prepare()
        except CycleError as e:
            trouves.append(e.args[1][0])
            del suites[trouves[-1]]  # what remains may come back to another one
        else:
            return trouves


def _day(texte: str) -> date | None:
    try:
        return date.fromisoformat(texte) if len(texte) == 10 else None
    except ValueError:
        return None


# ---- consistent


def check_ajustements(q: Questionnaire, sources: Mapping[str, Source], p: Problemes) -> None:
    """References of the repairs declined, of `successions` and of `rapprochement` that lead nowhere."""
    connus = repairs(q)
    for campagne, declaree in q.campagnes.items():
        for nom in declaree.parametres.get("redressements", {}):
            if nom not in connus:
                admis = ", ".join(sorted(n for n in connus if n.islower()))
                message = f"« {nom} » n'est pas un redressement ; redressements possibles : {admis}, ou le code de leur règle."
                p.ajouter("D09", sources[f"{campagne}/campagne"], ("redressements", nom), message)
        if courrier := declaree.parametres.get("retours", {}).get("courrier"):
            _check_letter(courrier, sources[f"{campagne}/campagne"], p)
    s = sources["enquete"]
    successions = q.enquete.get("successions")
    if successions:
        variable = successions["variable"]
        Checked(q, s, p).known(q.racine, variable, ("successions", "variable"))
        liens = [(lien["entite"], lien["variable"]) for lien in q.enquete.get("lien_base", ())]
        if (q.racine, variable) not in liens:
            message = f"« {variable} » ne figure pas dans « lien_base » : ajoutez-l'y."
            p.ajouter("D10", s, ("successions", "variable"), message)
    for cle, valeur in q.enquete.get("rapprochement", {}).items():
        if cle not in ("abreviations", "seuil"):
            Checked(q, s, p).known(q.base if cle.startswith("base_") else q.racine, str(valeur), ("rapprochement", cle))


def _check_letter(courrier: str, s: Source, p: Problemes) -> None:
    """A word the program does not know, or a brace left open, would stop every letter."""
    ici = ("retours", "courrier")
    try:
        mots = {mot for _, mot, _, _ in Formatter().parse(courrier) if mot is not None}
    except ValueError:
        p.ajouter("D10", s, ici, "une accolade est ouverte sans être fermée : doublez-la pour l'écrire telle quelle.")
        return
    for mot in sorted(mots - MOTS_COURRIER):
        admis = ", ".join(sorted(MOTS_COURRIER))
        p.ajouter("D10", s, ici, f"« {{{mot}}} » n'est pas remplacé dans le courrier ; mots admis : {admis}.")
