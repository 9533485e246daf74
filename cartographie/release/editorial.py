"""The figures that a campaign must publish (schemas/<campagne>/editorial.yaml): those that cannot be shown, and why. Never silently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cartographie.base.errors import UserError
from cartographie.release.manifest import Notice
from cartographie.release.page import key_figures
from cartographie.survey.published import STATUTS, VISIBLES, selected
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import ChiffreExige, Editorial

MONTRES = 3


@dataclass(frozen=True, slots=True)
class ChiffreAnnonce:
    """A figure put forward. `code`: "" when the page shows it and nothing requires it; `pourquoi`: why it cannot be shown, ""
    when it is; `derogation`: why the rest is published all the same, "" when it is not."""

    code: str
    libelle: str
    tableau: str
    pourquoi: str
    derogation: str = ""

    def __str__(self) -> str:
        return f"{self.libelle} (tableau {self.tableau})"


def judge_headlines(tableaux: Sequence[Tableau], editorial: Editorial, meta: Notice) -> tuple[ChiffreAnnonce, ...]:
    """Each figure of `chiffres_cles`, as the tables show it."""
    motifs = {d["code"]: d["motif"] for d in editorial.get("derogations", ())}
    par_code = {t.code: t.df for t in tableaux}
    return tuple(
        ChiffreAnnonce(c["code"], c["libelle"], c["tableau"], _why(par_code[c["tableau"]], c, meta), motifs.get(c["code"], ""))
        for c in editorial.get("chiffres_cles", ())
    )  # fmt: skip


def _why(df: pd.DataFrame, c: ChiffreExige, meta: Notice) -> str:
    etats = df.loc[selected(df, c, meta.axes) & (df["edition"] == meta.campagne), "statut"]
    caches = etats[~etats.isin(VISIBLES)]
    if etats.empty:
        return "absent du tableau"
    dit = ", ou ".join(STATUTS[x].sens for x in dict.fromkeys(caches))
    return f"{dit}, {len(caches)} fois sur {len(etats)}" if dit and len(etats) > 1 else dit


def require_headlines(chiffres: Sequence[ChiffreAnnonce], campagne: str) -> None:
    """Raise UserError E24 (status 13) naming those that neither are shown nor waived in writing."""
    manques = [f"{c.code}, {c}, {c.pourquoi}" for c in chiffres if c.pourquoi and not c.derogation]
    if manques:
        reste = f" ; et {len(manques) - MONTRES} autres" if len(manques) > MONTRES else ""
        raise UserError(
            "E24",
            f"La publication {campagne} n'aurait pas ses chiffres clés : {' ; '.join(manques[:MONTRES])}{reste} ; écrivez une "
            f"dérogation motivée dans schemas/{campagne}/editorial.yaml, ou retirez-en le chiffre.",
        )


def withheld(tableaux: Sequence[Tableau], editorial: Editorial, meta: Notice) -> list[ChiffreAnnonce]:
    """What is put forward and not shown: figures required, then the others of the page (`publication.chiffres`)."""
    exiges = {_name(c, c["tableau"], c.get("modalite", "")) for c in editorial.get("chiffres_cles", ())}
    page = [
        ChiffreAnnonce("", x["phrase"], x["tableau"], x["sens"])
        for x in key_figures(tableaux, meta)
        if x["statut"] not in VISIBLES and _name(x, x["tableau"], x["modalite_code"]) not in exiges
    ]
    return [*(c for c in meta.chiffres_cles if c.pourquoi), *page]


def _name(x: Mapping[str, Any], tableau: str, modalite: str) -> tuple[str, ...]:
    return tableau, x["indicateur"], x.get("dimension", ""), modalite
