"""What each map shows, read from the published tables: never a figure that they do not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cartographie.carte.classes import Classes, classify
from cartographie.model import Tableau

EVOLUTION = ".evolution"


@dataclass(frozen=True, slots=True)
class Lieu:
    """One area of a map. `valeur`: None unless published; `statut`: as in the tables."""

    code: str
    libelle: str
    valeur: float | None
    statut: str
    n: int | None
    bas: float | None
    haut: float | None


@dataclass(frozen=True, slots=True)
class Panneau:
    """One France: the whole map, or one of small multiples (`titre`)."""

    titre: str
    lieux: tuple[Lieu, ...]


@dataclass(frozen=True, slots=True)
class Carte:
    """One map of one edition, all kinds of actor together; its panels share their classes."""

    code: str
    titre: str
    edition: str
    niveau: str
    unite: str
    tableau: str
    champ: str
    source: str
    effectif: str  # what its counts count: Répondants, Unités
    panneaux: tuple[Panneau, ...]
    classes: Classes

    def resume(self) -> str:
        """Alternative text: what is drawn, the extremes, what is not shown."""
        tous = [x for p in self.panneaux for x in p.lieux]
        vus = sorted((x for x in tous if x.valeur is not None), key=lambda x: (x.valeur, x.libelle))
        texte = f"Carte de France : {self.titre}, {self.edition}."
        if vus and len(self.panneaux) == 1:
            bas, haut = vus[0], vus[-1]
            texte += f" De {format_number(bas.valeur, self.unite)} ({bas.libelle}) à {format_number(haut.valeur, self.unite)} ({haut.libelle})."
        elif vus:
            texte += f" {len(self.panneaux)} petites cartes, une par réponse."
        caches = len(tous) - len(vus)
        return texte + (f" {caches} valeurs ne sont pas publiées." if caches else " Toutes les valeurs sont publiées.")


def build_cartes(tableaux: Sequence[Tableau], meta: Mapping[str, Any]) -> list[Carte]:
    """The maps that `publication.cartes` declares and that the tables of this edition can fill."""
    par_code = {t.code: t for t in tableaux}
    axe = next((a for a, x in (meta.get("axes") or {}).items() if "niveaux" in x), None)
    out = []
    for d in (meta.get("publication") or {}).get("cartes", ()):
        if axe is not None and d["tableau"] in par_code:
            carte = _carte(d, par_code[d["tableau"]], axe, meta)
            out += [carte] if carte else []
    return out


def _carte(d: Mapping[str, Any], t: Tableau, axe: str, meta: Mapping[str, Any]) -> Carte | None:
    df = t.df
    garde = (df["edition"].astype(str) == str(meta["campagne"])) & (df[f"{axe}_type"] == d["niveau"])
    garde &= (df["indicateur"] == d["indicateur"]) & (df["dimension"] == d.get("dimension", ""))
    if "modalite" in d:
        garde &= df["modalite_code"] == d["modalite"]
    for autre, x in (meta.get("axes") or {}).items():
        if "niveaux" not in x:
            garde &= df[autre] == "TOUS"
    df = df[garde]
    if df.empty:
        return None
    panneaux = tuple(
        Panneau(str(bloc["modalite_libelle"].iloc[0]), tuple(_lieu(x, axe) for x in bloc.to_dict("records")))
        for _, bloc in df.groupby("modalite_code", sort=False)
    )
    vus = [x.valeur for p in panneaux for x in p.lieux if x.valeur is not None]
    unite = str(df["unite"].iloc[0])
    return Carte(
        d["code"], d["titre"], str(meta["campagne"]), d["niveau"], unite, t.code, str(t.meta.get("champ") or ""),
        str(t.meta.get("source") or ""), str(t.meta["effectif"]), panneaux, classify(vus, divergent=d["indicateur"].endswith(EVOLUTION)),
    )  # fmt: skip


def _lieu(x: Mapping[Any, Any], axe: str) -> Lieu:
    def number(nom: str) -> float | None:
        return None if pd.isna(x[nom]) else float(x[nom])

    n = None if pd.isna(x["n_repondants"]) else int(x["n_repondants"])
    return Lieu(
        str(x[f"{axe}_code"]), str(x[f"{axe}_libelle"]), number("valeur"), str(x["statut"]), n, number("ic_bas"),
        number("ic_haut"),
    )  # fmt: skip


def format_number(valeur: float | None, unite: str) -> str:
    """French writing: decimal comma, thin space between thousands, sign of a difference, unit."""
    if valeur is None:
        return "non publié"
    decimales = 1 if unite in ("pct", "points") else 0 if float(valeur).is_integer() else 2
    signe = "+" if unite == "points" and valeur > 0 else ""
    texte = f"{valeur:,.{decimales}f}".replace(",", "\u202f").replace(".", ",").replace("-", "\u2212")
    fin = {"pct": "\u00a0%", "points": "\u00a0point" + ("s" if abs(valeur) >= 2 else "")}.get(unite, "")
    return signe + texte + fin
