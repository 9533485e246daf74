"""Make cartographie/release/france.json, once, from the outlines of the npm package @gouvfr/dsfr-chart 2.0.4 (MIT).

    npm pack @gouvfr/dsfr-chart@2.0.4 && tar xzf gouvfr-dsfr-chart-2.0.4.tgz
    pip install shapely
    python tools/outlines.py package/dist/MapChart/MapChart.js schemas/nomenclatures

Departments are taken as drawn (mainland in one frame of 1010, each overseas territory in its own); regions are dissolved from
them, so that borders coincide. Curves, a handful of short ones, become straight lines.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

from shapely import MultiPolygon, Polygon, set_precision, union_all
from shapely.geometry.base import BaseGeometry

CIBLE = Path(__file__).resolve().parents[1] / "cartographie" / "release" / "france.json"
METROPOLE = "metropole"
TOLERANCE = 0.6  # a pixel of a map 1000 wide
NOMBRE = re.compile(r"[-+]?(?:\d*\.\d+|\d+)(?:e[-+]?\d+)?")
PAS = {"m": 2, "l": 2, "h": 1, "v": 1, "c": 6, "s": 4, "q": 4, "t": 2, "a": 7}


def rings(d: str) -> list[list[tuple[float, float]]]:
    """Closed rings of an SVG path: end points of its segments."""
    anneaux: list[list[tuple[float, float]]] = []
    x = y = 0.0
    for commande, corps in re.findall(r"([a-zA-Z])([^a-zA-Z]*)", d):
        c, relatif = commande.lower(), commande.islower()
        if c == "z":
            x, y = anneaux[-1][0]
            continue
        valeurs = [float(v) for v in NOMBRE.findall(corps)]
        for i in range(0, len(valeurs), PAS[c]):
            v = valeurs[i : i + PAS[c]]
            if c == "h":
                x = x + v[0] if relatif else v[0]
            elif c == "v":
                y = y + v[0] if relatif else v[0]
            else:
                x, y = (x + v[-2], y + v[-1]) if relatif else (v[-2], v[-1])
            if c == "m" and i == 0:
                anneaux.append([])
            anneaux[-1].append((x, y))
    return [a for a in anneaux if len(a) > 2]


def polygon(d: str) -> BaseGeometry:
    forme: BaseGeometry = Polygon()
    for a in rings(d):  # even-odd: a ring inside another is a hole, or an enclave drawn apart
        forme = forme.symmetric_difference(Polygon(a).buffer(0))
    return forme


def path(forme: BaseGeometry) -> str:
    """Absolute SVG path to the tenth."""
    morceaux = []
    for p in forme.geoms if isinstance(forme, MultiPolygon) else [forme]:
        for anneau in (p.exterior, *p.interiors):
            points = [f"{x:g},{y:g}" for x, y in list(anneau.coords)[:-1]]
            morceaux.append("M" + "L".join(points) + "Z")
    return "".join(morceaux)


def main(source: Path, nomenclatures: Path) -> None:
    js = source.read_text(encoding="utf-8")
    formes, zones = {}, {METROPOLE: [0, 0, 1010, 1010]}
    cadre = [0.0, 0.0, 1010.0, 1010.0]
    for boite, code, d in re.findall(r'viewBox: "([\d. ]+)"|class: "FR-(\d\d|2[AB]|97\d)",.*?\bd: "([^"]+)"', js, re.S):
        if boite:
            cadre = [float(v) for v in boite.split()]
            continue
        zone = code if code.startswith("97") else METROPOLE
        zones.setdefault(zone, cadre)
        formes.setdefault(code, (zone, set_precision(polygon(d), 0.1)))
    regions: dict[str, list[str]] = {}
    for ligne in csv.DictReader((nomenclatures / "departement.csv").open(encoding="utf-8")):
        if ligne["code"] in formes:
            regions.setdefault(ligne["parent"], []).append(ligne["code"])
    niveaux: dict[str, dict[str, dict[str, str]]] = {"region": {}, "departement": {}}
    for code, (zone, forme) in sorted(formes.items()):
        niveaux["departement"][code] = {
            "zone": zone,
            "d": path(forme.simplify(TOLERANCE / 4 if zone != METROPOLE else TOLERANCE)),
        }
    for region, codes in sorted(regions.items()):
        zone = formes[codes[0]][0]
        # neighbours drawn a hair apart are joined
        tout = union_all([formes[c][1].buffer(0.6 if len(codes) > 1 else 0) for c in codes]).buffer(
            -0.6 if len(codes) > 1 else 0
        )
        tout = set_precision(tout.simplify(TOLERANCE / 4 if zone != METROPOLE else TOLERANCE), 0.1)
        niveaux["region"][region] = {"zone": zone, "d": path(tout)}
    contenu = {
        "credit": "Contours : DSFR Chart 2.0.4, DINUM, licence MIT ; régions réunies à partir des départements",
        "zones": zones, "niveaux": niveaux,
    }  # fmt: skip
    CIBLE.write_text(json.dumps(contenu, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(
        f"{CIBLE.name} : {len(niveaux['departement'])} départements, {len(niveaux['region'])} régions, {CIBLE.stat().st_size} octets"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
