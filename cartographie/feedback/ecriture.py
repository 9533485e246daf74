"""Correction workbooks written by several processes when there are enough of them: the same bytes either way."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, islice

from cartographie.feedback.accueil import build_correction
from cartographie.feedback.dossiers import Dossier
from cartographie.model import Questionnaire

SEUIL = 150  # below, starting processes costs more than it saves
PAQUET = 300  # workbooks in memory at a time
_ici: list[tuple[Questionnaire, str]] = []  # of this process


def build_all(
    dossiers: Iterable[Dossier], q: Questionnaire, annee: str, ouvriers: int
) -> Iterator[tuple[Dossier, bytes]]:
    """(dossier, workbook) of each, in order. `ouvriers`: 0 for one per processor."""
    source = iter(dossiers)
    premiers = list(islice(source, SEUIL))
    nombre = min(ouvriers or os.cpu_count() or 1, 8)
    if len(premiers) < SEUIL or nombre < 2:
        yield from ((d, build_correction(d, q, annee)) for d in chain(premiers, source))
        return
    contexte = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(nombre, contexte, initializer=_begin, initargs=(q, annee)) as processus:
        restants = chain(premiers, source)
        while paquet := list(islice(restants, PAQUET)):
            yield from zip(paquet, processus.map(_build, paquet, chunksize=10), strict=True)


def _begin(q: Questionnaire, annee: str) -> None:
    _ici[:] = [(q, annee)]


def _build(d: Dossier) -> bytes:
    return build_correction(d, *_ici[0])
