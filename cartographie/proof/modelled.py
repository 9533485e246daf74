"""Figures of a model: each is what the files as written and the sampling frame give, or it may tell what is masked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cartographie.proof.reader import ESTIME, read_tables
from cartographie.statistics.places import CHIFFRES, estimate_places
from cartographie.survey.model import Questionnaire

PRECISION = 1e-6


def false_estimates(dossier: Path, q: Questionnaire, campagne: str, cadre: pd.DataFrame) -> list[str]:
    """What is wrong, in French, of the rows of a release that a model is said to have made. `cadre`: the sampling frame. They are made
    again from the CSV files alone: a figure that cannot be is not a function of what is public."""
    df = read_tables(dossier)
    refait = estimate_places(df, q, campagne, cadre)
    dits = ((df["statut"] == ESTIME) | (refait["statut"] == ESTIME)).to_numpy()
    ecart = np.nan_to_num(df[CHIFFRES].to_numpy(float), nan=-1.0) - np.nan_to_num(
        refait[CHIFFRES].to_numpy(float), nan=-1.0
    )
    faux = dits & ((df["statut"] != refait["statut"]).to_numpy() | (np.abs(ecart) > PRECISION).any(axis=1))
    lignes = df.groupby("fichier").cumcount() + 2  # of the file, its header being the first
    return [
        f"{df.at[i, 'fichier']}, ligne {lignes[i]} : un chiffre estimé n'est pas celui que donnent les chiffres publiés et la base de sondage"
        for i in np.flatnonzero(faux)
    ]
