"""The maps of a release: what is drawn (cartes), with which classes (classes), as SVG (svg) and PNG (png)."""

from cartographie.carte.cartes import Carte, Panneau, build_cartes
from cartographie.carte.geometrie import Geometrie, read_geometry
from cartographie.carte.png import to_png
from cartographie.carte.svg import draw

__all__ = ["Carte", "Geometrie", "Panneau", "build_cartes", "draw", "read_geometry", "to_png"]
