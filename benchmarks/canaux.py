"""What a release tells of single respondents by each thing it says besides its counts, to whoever knows every weight (METHODS: channels).

    python benchmarks/canaux.py 2026 [--projet .] [--version provisoire] [--repondants-max 40]

For each share of a protected table that rests on so few respondents, which of them are certainly in, or certainly out, for a reader of the
value as published (« parts »), and for one who would also read the sum of the weights of those concerned, as releases gave it before
(« poids »). Nothing is written; respondents are counted, never named.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from cartographie import warehouse
from cartographie.campaign.workspace import warehouse_path
from cartographie.cli.flow.publish import weighed
from cartographie.proof.reader import VISIBLES, read_tables
from cartographie.proof.weights import certain
from cartographie.statistics.members import Traceur
from cartographie.survey.load import load_questionnaire
from cartographie.survey.published import DIFFERENCE, Prive, key_columns


def told(t: Traceur, code: str, x: dict[Any, Any], valeur: float) -> dict[str, set[str]]:
    """Respondents told, by channel, of one share published as `valeur` (per cent, one decimal)."""
    lignes = t.members(code, x).lignes
    qui = lignes["id_repondant"].astype(str).to_numpy()
    poids, dedans = lignes["poids"].to_numpy(float), lignes["compte"].to_numpy(float) > 0
    vraie = float(poids[dedans].sum() / poids.sum())
    bornes = {"parts": ((valeur - 0.05) / 100, (valeur + 0.05) / 100), "poids": (vraie - 1e-7, vraie + 1e-7)}
    return {canal: set(qui[certain(poids, dedans, *b)]) for canal, b in bornes.items()}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("campagne")
    p.add_argument("--projet", type=Path, default=Path())
    p.add_argument("--version", default="provisoire")
    p.add_argument("--repondants-max", type=int, default=40)
    a = p.parse_args()
    q = load_questionnaire(a.projet)
    precedente = q.campagnes[a.campagne].precedente
    with warehouse.open_readonly(warehouse_path(a.projet)) as con:
        frames = {c: warehouse.analysis_frames(con, c) for c in (a.campagne, precedente) if c}
    t = Traceur(q, *weighed(q, a.campagne, frames))
    publies = read_tables(a.projet / "outputs" / a.campagne / a.version)
    cle = key_columns([c for c in publies.columns if c != "fichier"])
    figures, dits, comptes = 0, {"parts": set(), "poids": set()}, {"parts": 0, "poids": 0}
    for code in sorted(set(publies["table_id"])):
        brouillon = t.draft(code).df.astype(dict.fromkeys(cle, object))
        vus = publies[(publies["table_id"] == code) & publies["statut"].isin(VISIBLES) & (publies["unite"] == "pct")]
        vus = vus[vus["n_repondants"] <= a.repondants_max]
        lus = brouillon.merge(vus[[*cle, "valeur"]].rename(columns={"valeur": "publiee"}), on=cle)
        lus = lus[lus[Prive.PROTEGE].astype(bool) & (lus[Prive.EDITION] != DIFFERENCE) & lus[Prive.COMPLET].eq(True)]
        for x in lus.to_dict("records"):
            figures += 1
            for canal, respondents in told(t, code, x, float(x["publiee"])).items():
                comptes[canal] += bool(respondents)
                dits[canal] |= {f"{x['edition']}|{r}" for r in respondents}
    print(f"{a.campagne} : {figures} parts montrées sur {a.repondants_max} répondants au plus.")
    print(
        pd.DataFrame(
            {"parts qui disent quelqu'un": comptes, "répondants dits": {c: len(d) for c, d in dits.items()}}
        ).to_string()
    )


if __name__ == "__main__":
    main()
