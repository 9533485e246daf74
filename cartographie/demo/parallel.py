"""Clean answers of many respondents, on several processes when there are enough of them. Same answers either way.

Each answer has its own seed and looks at no other answer, so the sharing out changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from cartographie.demo.answers import Tirage
from cartographie.demo.drafts import Modele
from cartographie.demo.hints import load_hints
from cartographie.demo.mend import SansIssue, clean_answer
from cartographie.demo.oracle import Fiche, Monde
from cartographie.questionnaire import load_questionnaire

SEUIL = 600  # below, starting processes costs more than it saves
PAQUET = 100
_tirages: dict[tuple[Path, str], Tirage] = {}  # of this process


def draw_all(t: Tirage, projet: Path, departs: Sequence[Modele], graine: int) -> Iterator[Fiche | str]:
    """For each start, in order: its clean answer, or the rules that resist."""
    ouvriers = min(os.cpu_count() or 1, 8)
    if len(departs) < SEUIL or ouvriers < 2:
        yield from (_draw(t, depart, graine) for depart in departs)
        return
    paquets = [departs[i : i + PAQUET] for i in range(0, len(departs), PAQUET)]
    with ProcessPoolExecutor(ouvriers) as processus:
        taches = [(projet, t.campagne, graine, p) for p in paquets]
        for resultat in processus.map(_batch, taches):
            yield from resultat


def _batch(tache: tuple[Path, str, int, Sequence[Modele]]) -> list[Fiche | str]:
    projet, campagne, graine, departs = tache
    if (projet, campagne) not in _tirages:
        q = load_questionnaire(projet)
        _tirages[projet, campagne] = Tirage(q, campagne, load_hints(projet), Monde(q, campagne))
    return [_draw(_tirages[projet, campagne], depart, graine) for depart in departs]


def _draw(t: Tirage, depart: Modele, graine: int) -> Fiche | str:
    """The clean answer, blanks left out; or the rules that resist."""
    try:
        fiche = clean_answer(t, f"{graine}:{t.campagne}:{depart.numero}", depart)
    except SansIssue as raison:
        return str(raison)
    for ligne in fiche.toutes():
        ligne.valeurs = {k: v for k, v in ligne.valeurs.items() if v is not None}
    return fiche
