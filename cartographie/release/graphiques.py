"""Native charts of the workbook: one sheet per map of one panel, its published values as a table and as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cartographie.carte.cartes import Carte, Lieu

MINIMUM = 3  # fewer bars compare nothing
COULEUR, TRAIT = "#2C7FB8", "#404040"


@dataclass(frozen=True, slots=True)
class Graphique:
    """One sheet. `lieux`: published ones, the highest first. `unite`: pct, points or a number."""

    nom: str
    titre: str
    source: str
    unite: str
    lieux: tuple[Lieu, ...]
    caches: int

    def texte(self) -> str:
        """Alternative text: the table beside it holds every value."""
        haut, bas = self.lieux[0], self.lieux[-1]
        return f"Barres horizontales : {self.titre}. Du plus haut, {haut.libelle}, au plus bas, {bas.libelle}. Les valeurs sont dans le tableau."


def build_graphiques(cartes: Sequence[Carte]) -> list[Graphique]:
    """Maps drawn in one panel, with few enough areas to be read as bars."""
    out: list[Graphique] = []
    for carte in cartes:
        if len(carte.panneaux) != 1 or len(carte.panneaux[0].lieux) > 40:
            continue
        lieux = carte.panneaux[0].lieux
        vus = sorted((x for x in lieux if x.valeur is not None), key=lambda x: (-(x.valeur or 0.0), x.libelle))
        if len(vus) >= MINIMUM:
            nom = f"G{len(out) + 1:02d}"
            titre = f"{carte.titre}, {carte.edition} (tableau {carte.tableau})"
            out.append(Graphique(nom, titre, carte.source, carte.unite, tuple(vus), len(lieux) - len(vus)))
    return out


def add_chart(classeur: Any, ws: Any, g: Graphique, premiere: int, colonne: int) -> None:
    """Bars of the values written from line `premiere` (0-based), with their interval, at `colonne`."""
    derniere = premiere + len(g.lieux) - 1
    serie: dict[str, Any] = {
        "name": g.titre, "categories": [g.nom, premiere, 0, derniere, 0], "values": [g.nom, premiere, 1, derniere, 1],
        "fill": {"color": COULEUR}, "border": {"color": TRAIT, "width": 0.5}, "gap": 40,
    }  # fmt: skip
    if all(x.bas is not None and x.haut is not None for x in g.lieux):
        serie["x_error_bars"] = {
            "type": "custom", "line": {"color": TRAIT},
            "plus_values": [round(float(x.haut or 0) - float(x.valeur or 0), 6) for x in g.lieux],
            "minus_values": [round(float(x.valeur or 0) - float(x.bas or 0), 6) for x in g.lieux],
        }  # fmt: skip
    chart = classeur.add_chart({"type": "bar"})
    chart.add_series(serie)
    chart.set_title({"name": g.titre, "overlay": False, "name_font": {"size": 12, "name": "Arial"}})
    chart.set_legend({"none": True})
    police = {"name": "Arial", "size": 10, "color": "#1B1B1B"}
    chart.set_y_axis({"reverse": True, "num_font": police, "line": {"color": TRAIT}})
    axe = {"pct": "%", "points": "points"}.get(g.unite, "")
    chart.set_x_axis(
        {"name": axe, "num_font": police, "major_gridlines": {"visible": True, "line": {"color": "#D0D0D0"}}}
    )
    chart.set_size({"width": 760, "height": 120 + 24 * len(g.lieux)})
    ws.insert_chart(premiere - 1, colonne, chart, {"description": g.texte(), "object_position": 2})
