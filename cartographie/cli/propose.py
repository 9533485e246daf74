"""Commands that propose changes of the declarations, as diffs: nothing is applied by itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cartographie.base.errors import Statut
from cartographie.base.text import nombre
from cartographie.cli.app import Json, NomCampagne, Ouvriers, Projet, act, argument, command, option
from cartographie.cli.screen import Bilan, bounded

if TYPE_CHECKING:
    from cartographie.propose.answers import Ecriture, ReponsesProposees
    from cartographie.propose.headers import Ecart, EntetesProposes, Examine


_MONTRES = 40  # rows shown on screen; all of them in --json
_MASQUE = "(masqué)"
ENTETE_INTITULES = ("fichier", "feuille", "cellule", "écart", "attendu", "trouvé", "score")
ENTETE_REPONSES = ("nomenclature", "écriture", "fois", "réponse proche", "score", "proposée", "où")


def tell_headers(campagne: str, sortie: Path | None, p: EntetesProposes, ecrit: Path | None) -> Bilan:
    """`ecrit`: the diff written, None when it was not asked for or there is nothing to propose."""
    rangs = [
        [x.fichier[:32], e.feuille[:20], e.cellule, str(e.genre), _short(e.attendu), _found(e), _score(e)]
        for x in p.fichiers
        for e in x.ecarts
    ]
    parlants = [x for x in p.fichiers if x.ecarts or not x.lu]
    lignes = [f"{nombre(len(p.fichiers) - len(parlants), 'fichier se lit', 'fichiers se lisent')} sans aucun écart"]
    lignes += [line for x in parlants[:_MONTRES] for line in _file(x)]
    if len(parlants) > _MONTRES:
        lignes.append(f"… et {nombre(len(parlants) - _MONTRES, 'autre fichier', 'autres fichiers')} (--json)")
    return Bilan(
        f"{campagne} : {nombre(len(p.fichiers), 'fichier comparé', 'fichiers comparés')} aux modèles de la campagne.",
        {
            "campagne": campagne,
            "fichiers": [_file_json(x) for x in p.fichiers],
            "propositions": [
                {"modele": modele, **r._asdict(), "fichiers": sorted(set(fichiers))}
                for (modele, r), fichiers in p.renommages.items()
            ],
            "correctif": str(ecrit) if ecrit else None,
        },
        lignes,
        [bounded(ENTETE_INTITULES, rangs, _MONTRES, "--json")] if rangs else [],
        _next(sortie, ecrit, bool(p.renommages), f"cartographie headers {campagne} FICHIER"),
        Statut.FICHIER_REFUSE if any(x.refuse for x in p.fichiers) else Statut.FAIT,
    )


def _file(x: Examine) -> list[str]:
    if x.modele is None:
        return [f"{x.fichier} : {code}, {message}" for code, message in x.avis]
    if x.lu:
        etat = "se lit tel quel"
    elif x.lu_corrige:
        etat = "se lira avec le correctif"
    elif x.ecarts:
        etat = "ne se lira pas avec le seul correctif : voyez les intitulés absents, ajoutés ou répétés"
    else:
        etat = "ses intitulés conviennent"
    accord = f"modèle « {x.modele.nom} » (accord {100 * x.accord:.0f} %)"
    return [
        f"{x.fichier} : {accord}, {nombre(len(x.ecarts), 'écart')}, {etat}",
        *(f"{x.fichier} : {code}, {message}" for code, message in x.avis),
    ]


def _file_json(x: Examine) -> dict[str, Any]:
    return {
        "fichier": x.fichier,
        "format": x.format,
        "refuse": x.refuse,
        "modele": x.modele.nom if x.modele else None,
        "accord": round(x.accord, 4),
        "avis": [{"code": code, "message": message} for code, message in x.avis],
        "lu": x.lu,
        "lu_avec_le_correctif": x.lu_corrige,
        "ecarts": [{**asdict(e), "trouve": e.trouve or (_MASQUE if e.cellule else "")} for e in x.ecarts],
    }


def _short(texte: str) -> str:
    return texte if len(texte) <= 36 else texte[:35] + "…"


def _found(e: Ecart) -> str:
    return _short(e.trouve) or (_MASQUE if e.cellule else "")


def _score(e: Ecart) -> str:
    return "" if e.score is None else f"{e.score}" + (" =" if e.meme_place else "")


def tell_answers(campagne: str, seuil: int, sortie: Path | None, p: ReponsesProposees, ecrit: Path | None) -> Bilan:
    """`ecrit`: the diff written, None when it was not asked for or there is nothing to propose."""
    proposees = [e for e in p.ecritures if e.propose]
    oui = {True: "oui", False: ""}
    rangs = [
        [e.nomenclature[:24], _short(e.texte), len(e.lieux), e.code or "", e.score, oui[e.propose], _where(e)]
        for e in p.ecritures
    ]
    lignes = [f"{nombre(len(proposees), 'écriture proposée', 'écritures proposées')} (score de {seuil} ou plus)"]
    if p.masquees:
        lignes.append(f"{nombre(p.masquees, 'réponse masquée, non listée', 'réponses masquées, non listées')}")
    return Bilan(
        f"{campagne} : {nombre(len(p.ecritures), 'écriture inconnue', 'écritures inconnues')} de réponses à des listes.",
        {
            "campagne": campagne,
            "seuil": seuil,
            "ecritures": [
                {**asdict(e), "fois": len(e.lieux), "lieux": [x._asdict() for x in e.lieux]} for e in p.ecritures
            ],
            "masquees": p.masquees,
            "correctif": str(ecrit) if ecrit else None,
        },
        lignes,
        [bounded(ENTETE_REPONSES, rangs, _MONTRES, "--json")] if rangs else [],
        _next(sortie, ecrit, bool(proposees), f"cartographie validate {campagne}"),
    )


def _where(e: Ecriture) -> str:
    premier = e.lieux[0]
    suite = f" et {len(e.lieux) - 1} autres" if len(e.lieux) > 2 else " et 1 autre" if len(e.lieux) == 2 else ""
    return f"{premier.fichier[:32]} {premier.feuille[:16]}!{premier.cellule}{suite}"


def _next(sortie: Path | None, ecrit: Path | None, propose: bool, verifier: str) -> list[str]:
    if ecrit is not None:
        return [
            f"Correctif proposé : {ecrit} ; relisez-le, retirez ce que vous refusez, puis « git apply {ecrit} » ou « patch -p1 < {ecrit} ».",
            f"Ensuite : {verifier}",
        ]
    if sortie is not None:
        return [f"Rien à proposer : {sortie} n'est pas écrit."]
    return ["Pour en faire un correctif : --sortie correctif.diff"] if propose else []


Sortie = Annotated[
    Path | None, option("--sortie", "FICHIER", "Écrit le correctif proposé (pour « git apply » ou « patch -p1 »).")
]


@command("headers")
def headers(
    campagne: NomCampagne,
    sources: Annotated[list[Path], argument("FICHIERS…", "Fichiers ou dossiers à comparer.")],
    sortie: Sortie = None,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Compare des fichiers aux modèles de la campagne : intitulés et feuilles renommés, ajoutés, absents, déplacés, chaque
    proposition avec un score de 0 à 100. Rien n'est rangé ni modifié : c'est vous qui appliquez le correctif."""
    from cartographie.cli.flow import propose as flow

    act(en_json, lambda p: tell_headers(campagne, sortie, *flow.headers(projet, campagne, sources, sortie, p)))


@command("answers")
def answers(
    campagne: NomCampagne,
    seuil: Annotated[
        int, option("--seuil", "N", "Score à partir duquel une écriture est proposée.", min=0, max=100)
    ] = 80,
    sortie: Sortie = None,
    ouvriers: Ouvriers = 0,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Regroupe et compte les réponses hors liste déjà reçues, avec la réponse la plus proche et les cases où chacune a été
    lue, et propose de les ajouter aux variantes des nomenclatures. Rien n'est modifié : c'est vous qui appliquez le correctif."""
    from cartographie.cli.flow import propose as flow

    act(
        en_json,
        lambda p: tell_answers(campagne, seuil, sortie, *flow.answers(projet, campagne, seuil, sortie, ouvriers, p)),
    )
