"""The sampling frame: which of its units each answer covers. Pure functions; every variable name comes from `lien_base`.

`lien_base` is read in order. An entry on the respondent applies only if it states nothing for an earlier entry: a legal
entity's number stands for all its sites only when no site and no list of sites is given, and a mistyped site is listed as
unmatched, never taken for the whole entity. An entry on a child entity, an explicit list of covered units, always adds. A unit claimed by two respondents goes to the earliest entry
(the direct answer of the site), then to the respondent covering the fewest units, then to the lowest identifier.

When none of the respondent's own numbers is found, these are tried, in this order: an entry marked `repli`, a link the analyst
declared (mode "declare"), the succession of closed numbers (mode "succession"). The mode of an entry ends with "_redresse" when
the number had to be repaired. Names only ever propose (links.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cartographie.base.errors import UserError
from cartographie.campaign.links import Suite, followed, known, succeeded, succession_column, texts
from cartographie.survey.model import Questionnaire, Rapprochement
from cartographie.survey.received import Constat

LINKS = ["id_repondant", "id_base", "mode"]
DECLARED, SUCCESSION, REPAIRED = "declare", "succession", "_redresse"
Repaired = Set[tuple[int, str]]  # (label in `racines`, variable): the number was not as written


@dataclass(frozen=True)
class Matching:
    """Answers against the frame; everything is found once, when first asked for.

    `racines`: one row is one answer, with `id_repondant`; `enfants`: entity → its rows, `parent` = label in `racines`;
    `base`: one row is one unit, with `id_base` or `id_repondant`. `campagne`: whose declared links and successions apply,
    none without it.
    """

    racines: pd.DataFrame
    enfants: Mapping[str, pd.DataFrame]
    base: pd.DataFrame
    questionnaire: Questionnaire
    campagne: str | None = None
    repaired: Repaired = frozenset()

    @cached_property
    def base_ligne(self) -> np.ndarray:
        """Label in `base` of the main unit of each answer, -1 none; an answer whose units all answered for themselves keeps it."""
        out = np.full(len(self.racines), -1, dtype="int64")
        first = self.pairs.drop_duplicates("racine")
        out[first["racine"].to_numpy()] = self.base.index.to_numpy()[first["base"].to_numpy()]
        return out

    @cached_property
    def liens(self) -> pd.DataFrame:
        """One row: one unit covered (id_repondant, id_base, mode), a unit at most once, sorted by entry order then id_base."""
        kept = self.pairs[self.pairs["retenu"]]
        return kept.sort_values(["rang", "id_base"], kind="stable")[LINKS].reset_index(drop=True)

    def overlaps(self) -> pd.DataFrame:
        """One row: one unit also claimed by another respondent (id_repondant, id_base, mode) and who keeps it, `retenu_par`."""
        pairs = self.pairs
        winner = pairs[pairs["retenu"]].set_index("id_base")["id_repondant"]
        lost = pairs[pairs["id_repondant"] != pairs["id_base"].map(winner)]
        lost = lost.assign(retenu_par=lost["id_base"].map(winner))[[*LINKS, "retenu_par"]]
        return lost.drop_duplicates().sort_values(["id_base", "id_repondant"], kind="stable").reset_index(drop=True)

    def unmatched(self) -> pd.DataFrame:
        """One row: one answer found nowhere in the frame (id_repondant, depot, feuille, ligne, motif), no value shown."""
        named = np.zeros(len(self.racines), dtype=bool)
        for entry in self._entries:
            if entry["base"] not in self.base or not known(self.base[entry["base"]]).any():
                continue  # a number this frame does not give
            position, values = self._side(entry)
            named[position[known(values)]] = True
        out = self.racines.reindex(columns=["id_repondant", "depot", "feuille", "ligne"])
        out["motif"] = np.where(named, "identifiant absent de la base de sondage", "aucun identifiant de rattachement")
        return out[self.base_ligne < 0].sort_values(["id_repondant"], kind="stable").reset_index(drop=True)

    def successions_met(self) -> list[Constat]:
        """Findings on the numbers of `racines` (labels as records) that closed: followed to another unit, without successor, or
        split into several of which none was named."""
        if not self._suites:
            return []
        column = texts(self.base[succession_column(self.questionnaire)])
        covered = {(i, str(column[j])) for i, j in zip(self.pairs["racine"], self.pairs["base"], strict=True)}
        variable = self.questionnaire.enquete["successions"]["variable"]
        out = []
        for i, suite in sorted(self._suites.items()):
            details: dict[str, Any] = {"jour": f"{suite.date:%d/%m/%Y}", "nature": suite.nature, "nouveau": suite.unite}
            name = None
            if suite.unite and (i, suite.unite) in covered:
                name = "etablissement_remplace"
            elif suite.fermee:
                name = "etablissement_ferme"
            elif suite.possibles and not any((i, n) in covered for n in suite.possibles):
                name, details["possibles"] = "etablissement_scinde", ", ".join(suite.possibles)
            if name:
                record = int(self.racines.index[i])
                out.append(Constat(name, self.questionnaire.racine, record, variable, suite.ancien, details=details))
        return out

    def split_units(self) -> dict[int, tuple[str, ...]]:
        """Label in `racines` → the units of the frame (id_base) its former number was split into: for the analyst to choose."""
        column = succession_column(self.questionnaire)
        if column not in self.base or not self._suites:
            return {}
        units = dict(zip(texts(self.base[column]), identifiers(self.base), strict=True))
        split = {i: s.possibles for i, s in self._suites.items() if s.possibles}
        return {int(self.racines.index[i]): tuple(units[n] for n in possibles) for i, possibles in split.items()}

    def require_links(self) -> None:
        """Raise UserError (status 10) naming the declared links that lead nowhere, or that a number of the answer contradicts."""
        units, faults = set(identifiers(self.base)), []
        for link in self._declared_links:
            named = self.racines["id_repondant"].eq(link.repondant) | self._only_answer.eq(link.repondant)
            rows = self.pairs["racine"].isin(np.flatnonzero(named.fillna(False)))
            covered = set(self.pairs.loc[rows, "id_base"])
            if link.id_base not in units:
                faults.append(f"ligne {link.ligne}, « {link.id_base} » n'est pas dans la base de sondage")
            elif not named.any():
                faults.append(f"ligne {link.ligne}, aucune réponse gardée n'est celle de « {link.repondant} »")
            elif link.id_base not in covered:
                other = ", ".join(sorted(covered))
                faults.append(f"ligne {link.ligne}, « {link.repondant} » est déjà rattaché par son numéro à {other}")
        if faults:
            place = f"schemas/{self.campagne}/rapprochements.csv"
            message = f"Des rapprochements de {place} ne s'appliquent plus : {' ; '.join(faults)} ; corrigez ou retirez ces lignes."
            raise UserError("D13", message)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row: one (answer, unit) — positions `racine`, `base` — with its mode; `retenu`: this answer covers the unit.

        Sorted by answer, entry order, id_base.
        """
        racines, base = self.racines, self.base
        columns = ["racine", "base", "rang", "mode"]
        parts: list[pd.DataFrame] = []
        stated, found, replaced = (np.zeros(len(racines), dtype=bool) for _ in range(3))
        replaced[[i for i, s in self._suites.items() if s.unite]] = True
        for rank, entry in enumerate(self._entries):
            if entry["base"] not in base:
                continue
            position, values = self._side(entry)
            given = usable = known(values)
            own = entry["entite"] == self.questionnaire.racine
            if own:
                usable = usable & ~(found if entry.get("repli") else stated)[position]
                if entry["variable"] == self.questionnaire.enquete.get("successions", {}).get("variable"):
                    usable = usable & ~replaced[position]  # a closed number is no longer this unit
            units = base[entry["base"]]
            left = pd.DataFrame({"racine": position[usable], "cle": texts(values[usable])})
            filled = known(units)
            right = pd.DataFrame({"base": np.flatnonzero(filled), "cle": texts(units[filled])})
            part = left.merge(right, on="cle", how="inner").assign(rang=2 * rank, mode=entry.get("mode", entry["base"]))
            if own and self.repaired:
                labels = racines.index[part["racine"].to_numpy(dtype="int64")]
                mended = np.array([(i, entry["variable"]) in self.repaired for i in labels], dtype=bool)
                part["rang"] += mended
                part["mode"] = np.where(mended, part["mode"] + REPAIRED, part["mode"])
            stated[position[given]] = True
            if own:
                found[part["racine"].to_numpy(dtype="int64")] = True
            parts.append(part[columns])
        for rank, mode, links in (
            (2 * len(self._entries), DECLARED, self._declared()),
            (2 * len(self._entries) + 1, SUCCESSION, succeeded(self._suites, base, self.questionnaire)),
        ):
            kept = [(i, j) for i, j in links if not found[i]]
            found[[i for i, _ in kept]] = True
            parts.append(pd.DataFrame(kept, columns=columns[:2]).assign(rang=rank, mode=mode))
        parts = [p for p in parts if len(p)]
        pairs = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({c: [] for c in columns})
        pairs = pairs.astype({"racine": "int64", "base": "int64", "rang": "int64"})
        pairs["id_repondant"] = racines["id_repondant"].to_numpy()[pairs["racine"].to_numpy()]
        pairs["id_base"] = identifiers(base).to_numpy()[pairs["base"].to_numpy()]
        pairs = pairs.sort_values(["racine", "rang", "id_base"], kind="stable").drop_duplicates(["racine", "id_base"])
        covered = pairs.groupby("id_repondant", sort=False)["id_base"].transform("nunique")
        order = pairs.assign(nombre=covered).sort_values(
            ["id_base", "rang", "nombre", "id_repondant", "racine"], kind="stable"
        )
        pairs["retenu"] = ~order.duplicated("id_base").reindex(pairs.index)
        return pairs

    @cached_property
    def _suites(self) -> Mapping[int, Suite]:
        """Position of the answer → what became of its closed number."""
        return followed(self.racines, self.base, self.questionnaire, self.campagne) if self.campagne else {}

    @property
    def _declared_links(self) -> Sequence[Rapprochement]:
        return self.questionnaire.campagnes[self.campagne].rapprochements if self.campagne else ()

    def _declared(self) -> list[tuple[int, int]]:
        """(position of the answer, of the unit) of each link the analyst declared."""
        links = {r.repondant: r.id_base for r in self._declared_links}
        if not links:
            return []
        units = {u: j for j, u in enumerate(identifiers(self.base))}
        wanted = self.racines["id_repondant"].map(links).fillna(self._only_answer.map(links))
        return [(i, units[u]) for i, u in enumerate(wanted) if u in units]

    @property
    def _only_answer(self) -> pd.Series:
        """The file of each answer, null when it holds several: its identifier names none of them."""
        depots = self.racines["depot"]
        return depots.astype("object").where(~depots.duplicated(keep=False), None)

    @property
    def _entries(self) -> Sequence[Mapping[str, Any]]:
        return self.questionnaire.enquete.get("lien_base") or ()

    def _side(self, entry: Mapping[str, Any]) -> tuple[np.ndarray, pd.Series]:
        """(position of the answer, value) for each row that can carry the entry's identifier; nothing when nobody was asked."""
        df: pd.DataFrame | None = self.racines
        position = np.arange(len(self.racines))
        if entry["entite"] != self.questionnaire.racine:
            df = self.enfants.get(entry["entite"])
            if df is not None and len(df):
                position = self.racines.index.get_indexer(df["parent"])
        if df is None or df.empty or entry["variable"] not in df:
            return np.zeros(0, dtype="int64"), pd.Series([], dtype="object")
        kept = position >= 0  # a child of an answer that is not there
        return position[kept], df[entry["variable"]][kept]


def identifiers(base: pd.DataFrame) -> pd.Series:
    """Identifier of each unit of the frame."""
    return base["id_base"] if "id_base" in base else base["id_repondant"]
