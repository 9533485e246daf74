"""The maps of a release: what is drawn, with which classes, as SVG and PNG."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd

from cartographie.base.paper import render
from cartographie.base.text import nombre
from cartographie.release.manifest import ABREGES, Notice, mentions
from cartographie.survey.published import ESTIME, EVOLUTION, STABLE, rows_at, significance, whole
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import Carte as CarteDeclaree

# ---- classes of a map: five at most, of equal numbers of areas, on colours told apart by everybody and printed in grey

# ColorBrewer YlGnBu and PuOr (Brewer 2003), safe for colour-blind readers, from light to dark
SUITE = ("#c7e9b4", "#7fcdbb", "#41b6c4", "#2c7fb8", "#253494")
OPPOSEES = ("#b35806", "#f1a340", "#f7f7f7", "#998ec3", "#542788")
ZERO = "#ffffff"


@dataclass(frozen=True, slots=True)
class Classes:
    """`bornes`: n + 1 increasing bounds of n classes, the last one closed; `couleurs`: one a class. Nought has its own."""

    bornes: tuple[float, ...]
    couleurs: tuple[str, ...]
    zero: bool  # some areas are exactly nought

    def rank(self, valeur: float) -> int:
        """Rank of the class of a value, -1 for nought when it has its own."""
        if self.zero and valeur == 0:
            return -1
        rang = int(np.searchsorted(self.bornes[1:-1], valeur, side="right"))
        return min(rang, len(self.couleurs) - 1)

    def colour(self, valeur: float) -> str:
        rang = self.rank(valeur)
        return ZERO if rang < 0 else self.couleurs[rang]


def classify(valeurs: Sequence[float], *, divergent: bool = False) -> Classes:
    """Quantiles rounded to the tenth, fewer than five when values are few; around nought for a difference."""
    if divergent:
        grand = float(np.ceil(max((abs(v) for v in valeurs), default=1.0))) or 1.0
        bornes = tuple(round(x * grand, 1) for x in (-1, -0.5, -0.1, 0.1, 0.5, 1))
        return Classes(bornes, OPPOSEES, False)
    positives = [v for v in valeurs if v != 0]
    if not positives:
        return Classes((), (), bool(valeurs))
    nombre = min(len(SUITE), len(set(positives)))
    bornes_ = sorted({round(float(x), 1) for x in np.quantile(positives, np.linspace(0, 1, nombre + 1))})
    bornes_[0], bornes_[-1] = float(np.floor(min(positives) * 10) / 10), float(np.ceil(max(positives) * 10) / 10)
    if len(bornes_) == 1:
        bornes_ = [bornes_[0], bornes_[0]]
    n = len(bornes_) - 1
    couleurs = tuple(SUITE[round(i * (len(SUITE) - 1) / max(n - 1, 1))] for i in range(n))
    return Classes(tuple(bornes_), couleurs, len(positives) < len(valeurs))


# ---- what each map shows, read from the published tables: never a figure that they do not hold


@dataclass(frozen=True, slots=True)
class Lieu:
    """One area of a map. `valeur`: None unless published or a model's; `statut`: as in the tables."""

    code: str
    libelle: str
    valeur: float | None
    statut: str
    n: int | None
    bas: float | None
    haut: float | None

    @property
    def observe(self) -> bool:
        return self.valeur is not None and self.statut != ESTIME


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
    evolution: bool  # its values are differences between editions

    def changement(self, lieu: Lieu) -> str:
        """Whether the change of an area is significant, in words; "" when it is not a change, or not shown."""
        return significance(lieu.bas, lieu.haut) if self.evolution and lieu.valeur is not None else ""

    def resume(self) -> str:
        """Alternative text: what is drawn, the extremes observed, what is a model's, what is not shown."""
        tous = [x for p in self.panneaux for x in p.lieux]
        vus = sorted((x for x in tous if x.observe), key=lambda x: (x.valeur, x.libelle))
        texte = f"Carte de France : {self.titre}, {self.edition}."
        if vus and len(self.panneaux) == 1:
            bas, haut = vus[0], vus[-1]
            texte += f" De {format_number(bas.valeur, self.unite)} ({bas.libelle}) à {format_number(haut.valeur, self.unite)} ({haut.libelle})."
        elif vus:
            texte += f" {len(self.panneaux)} petites cartes, une par réponse."
        dits = [x for x in map(self.changement, vus) if x]
        if dits:
            nets = sum(x != STABLE for x in dits)
            texte += f" {nombre(nets, 'changement significatif', 'changements significatifs')} sur {len(dits)}."
        estimes = sum(x.statut == ESTIME for x in tous)
        texte += f" {estimes} autres valeurs sont estimées par un modèle." if estimes else ""
        caches = len(tous) - len(vus) - estimes
        return texte + (f" {caches} valeurs ne sont pas publiées." if caches else " Toutes les valeurs sont publiées.")


def build_cartes(tableaux: Sequence[Tableau], meta: Notice) -> list[Carte]:
    """The maps that `publication.cartes` declares and that the tables of this edition can fill."""
    par_code = {t.code: t for t in tableaux}
    axe = next((a for a, x in meta.axes.items() if "niveaux" in x), None)
    out = []
    for d in meta.publication.get("cartes", ()):
        if axe is not None and d["tableau"] in par_code:
            carte = _carte(d, par_code[d["tableau"]], axe, meta)
            out += [carte] if carte else []
    return out


def _carte(d: CarteDeclaree, t: Tableau, axe: str, meta: Notice) -> Carte | None:
    df = t.df
    ici = {"edition": meta.campagne, "indicateur": d["indicateur"], "dimension": d.get("dimension", "")}
    if "modalite" in d:
        ici["modalite_code"] = d["modalite"]
    df = df[rows_at(df, ici | whole(meta.axes) | {f"{axe}_type": d["niveau"]})]
    if df.empty:
        return None
    panneaux = tuple(
        Panneau(str(bloc["modalite_libelle"].iloc[0]), tuple(read_lieu(x, axe) for x in bloc.to_dict("records")))
        for _, bloc in df.groupby("modalite_code", sort=False)
    )
    vus = [x.valeur for p in panneaux for x in p.lieux if x.valeur is not None]
    unite, evolution = str(df["unite"].iloc[0]), d["indicateur"].endswith(EVOLUTION)
    return Carte(
        d["code"], d["titre"], meta.campagne, d["niveau"], unite, t.code, t.meta.champ,
        t.meta.source, t.meta.effectif, panneaux, classify(vus, divergent=evolution), evolution,
    )  # fmt: skip


def is_readable(lieux: Iterable[Lieu], contours: Container[str], meta: Notice) -> bool:
    """Enough of the places that have an outline have a value, as the survey declares: else grey would be all that is seen."""
    ici = [x.valeur is not None for x in lieux if x.code in contours]
    return 100 * sum(ici) >= meta.publication.get("part_cartes_min_pct", 0) * len(ici)


def say_absent(carte: Carte, contours: Container[str], meta: Notice) -> str:
    """Why a map is not drawn, and where its figures are."""
    ici = [x.valeur is not None for p in carte.panneaux for x in p.lieux if x.code in contours]
    minimum = meta.publication.get("part_cartes_min_pct", 0)
    return (
        f"« {carte.titre} », {carte.edition} : {sum(ici)} valeurs publiées ou estimées sur {len(ici)}, trop peu pour une carte lisible "
        f"(il en faut {minimum:g}\u00a0%). Les chiffres sont dans le tableau {carte.tableau}."
    )


def read_lieu(x: Mapping[Any, Any], axe: str) -> Lieu:
    """Of a row of a table."""

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


# ---- outlines of regions and departments, made once by tools/outlines.py

METROPOLE = "metropole"


@dataclass(frozen=True, slots=True)
class Geometrie:
    """`niveaux`: level → code → (zone, SVG path); `zones`: zone → (x, y, width, height) of its own frame."""

    niveaux: Mapping[str, Mapping[str, tuple[str, str]]]
    zones: Mapping[str, tuple[float, float, float, float]]
    credit: str


@cache
def read_geometry() -> Geometrie:
    brut = json.loads((files("cartographie.release") / "france.json").read_text(encoding="utf-8"))
    niveaux = {n: {c: (x["zone"], x["d"]) for c, x in codes.items()} for n, codes in brut["niveaux"].items()}
    return Geometrie(niveaux, {z: tuple(b) for z, b in brut["zones"].items()}, brut["credit"])


# ---- one map as SVG: mainland, overseas territories at their own scale, legend, source, alternative text

POLICE = "Source Sans Pro"
FAMILLE = f"'{POLICE}', 'Segoe UI', Arial, sans-serif"
LARGEUR, COTE, COTE_MULTIPLE = 1000, 640, 222
ENCRE, GRIS, TRAIT = "#1b1b1b", "#555555", "#5f6b76"
MOTIFS = {"c": "m-secret", "n": "m-ns", "i": "m-ns", "nd": "m-nd", "b": "m-nd"}
# drawn over the colour of a value that is not to be read as the others: pattern, legend, word
MARQUES = {
    "u": ("m-u", "rayé de blanc : valeur peu fiable", "peu fiable"),
    ESTIME: ("m-e", "hachuré : estimé par un modèle", "estimé par un modèle"),
}
SIGNES = {
    "m-secret": "non publié pour protéger les répondants", "m-ns": "trop peu de répondants, ou trop imprécis", "m-nd": "non disponible",
    "m-absent": "hors du champ ou sans réponse",
}  # fmt: skip


def draw(carte: Carte, g: Geometrie, meta: Notice) -> str:
    """The whole picture. Texts are text; nothing is told by colour alone: each area has its title."""
    multiples = len(carte.panneaux) > 1
    haut = _Plume(24, 0)
    haut.text(carte.titre + f", {carte.edition}", 27, 78, gras=True)
    if carte.champ:
        haut.text(f"Champ : {carte.champ}.", 17, 124, couleur=GRIS)
    if any(x.statut == ESTIME for p in carte.panneaux for x in p.lieux):
        haut.text(
            "Les lieux hachurés sont estimés par un modèle : ce n'est pas une observation.", 17, 124, couleur=GRIS
        )
    corps, y = (_multiples if multiples else _single)(carte, g, haut.y + 10)
    bas = _Plume(24, y + 8)
    for phrase in [
        *mentions(meta), f"Source : {carte.source}. Tableau {carte.tableau}. Mise à jour : {meta.date}.",
        f"{g.credit}. Chaque territoire d'outre-mer est à sa propre échelle.",
    ]:  # fmt: skip
        bas.text(phrase, 15, 140, couleur=GRIS)
    hauteur = round(bas.y + 16)
    titre, resume = f"{carte.titre}, {carte.edition}", carte.resume()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LARGEUR} {hauteur}" width="{LARGEUR}" height="{hauteur}" '
        f'role="img" aria-labelledby="t-{carte.code} d-{carte.code}" font-family="{FAMILLE}" lang="fr">'
        f'<title id="t-{carte.code}">{escape(titre)}</title><desc id="d-{carte.code}">{escape(resume)}</desc>{_defs(carte, g)}'
        f'<rect width="{LARGEUR}" height="{hauteur}" fill="#ffffff"/>{haut}{corps}{bas}</svg>\n'
    )


def _defs(carte: Carte, g: Geometrie) -> str:
    """Outlines, drawn once and used by every panel; patterns, at the scale of each zone so that they look the same."""
    cote = COTE_MULTIPLE if len(carte.panneaux) > 1 else COTE
    zones = [("", "1"), *((f"-{z}", f"{1 / e:.4g}") for z, (_, _, e) in _frames(g, 0, 0, cote, 0).items())]
    motifs = "".join(render("release/templates/motifs.svg.j2", zone=z, echelle=e) for z, e in zones).replace("\n", "")
    chemins = "".join(
        f'<path id="c-{c}" d="{d}" fill-rule="evenodd"/>' for c, (_, d) in g.niveaux[carte.niveau].items()
    )
    return f"<defs>{motifs}{chemins}</defs>"


def _frames(g: Geometrie, x: float, y: float, cote: float, ecart: float) -> dict[str, tuple[float, float, float]]:
    """zone → (x, y, scale): mainland in a square of side `cote`, overseas in a row `ecart` below, each at its own scale."""
    outre_mer = [z for z in g.zones if z != METROPOLE]
    cadres = {METROPOLE: (x, y, cote, cote)}
    largeur = cote / len(outre_mer)
    for i, zone in enumerate(outre_mer):
        cadres[zone] = (x + i * largeur + 6, y + cote + ecart, largeur - 12, largeur * 0.72)
    out = {}
    for zone, (zx, zy, zl, zh) in cadres.items():
        bx, by, bl, bh = g.zones[zone]
        echelle = min(zl / bl, zh / bh)
        out[zone] = (zx + (zl - bl * echelle) / 2 - bx * echelle, zy + (zh - bh * echelle) / 2 - by * echelle, echelle)
    return out


class _Plume:
    """Lines of text written one under the other."""

    def __init__(self, x: float, y: float) -> None:
        self.x, self.y, self.morceaux = x, y, []  # type: float, float, list[str]

    def text(self, texte: str, taille: float, colonnes: int, gras: bool = False, couleur: str = ENCRE) -> None:
        for ligne in textwrap.wrap(texte, colonnes) or [""]:
            self.y += taille * 1.28
            poids = ' font-weight="600"' if gras else ""
            self.morceaux.append(
                f'<text x="{self.x:g}" y="{self.y:.1f}" font-size="{taille:g}" fill="{couleur}"{poids}>{escape(ligne)}</text>'
            )

    def __str__(self) -> str:
        return "".join(self.morceaux)


def _single(carte: Carte, g: Geometrie, y: float) -> tuple[str, float]:
    carte_svg = _france(carte, carte.panneaux[0], g, 12, y, COTE)
    legende, fin = _legend(carte, g, 664, y + 30)
    return carte_svg + legende, max(y + COTE + 150, fin)


def _multiples(carte: Carte, g: Geometrie, y: float) -> tuple[str, float]:
    colonnes, pas = 4, 322
    morceaux = []
    for i, panneau in enumerate(carte.panneaux):
        x, ici = 14 + (i % colonnes) * 245, y + (i // colonnes) * pas
        plume = _Plume(x + 2, ici)
        plume.text(panneau.titre, 15, 34, gras=True)
        morceaux.append(f"{plume}{_france(carte, panneau, g, x, ici + 44, COTE_MULTIPLE)}")
    bas = y + ((len(carte.panneaux) - 1) // colonnes + 1) * pas
    legende, fin = _legend(carte, g, 24, bas + 10, colonnes=2)
    return "".join(morceaux) + legende, fin


def _france(carte: Carte, p: Panneau, g: Geometrie, x: float, y: float, cote: float) -> str:
    """Mainland in a square of side `cote`, overseas in a row below, named when there is room."""
    etiquettes = cote == COTE
    lieux = {lieu.code: lieu for lieu in p.lieux}
    contours = g.niveaux[carte.niveau]
    out = []
    for zone, (tx, ty, echelle) in _frames(g, x, y, cote, 24 if etiquettes else 2).items():
        dedans = [c for c, (z, _) in contours.items() if z == zone]
        aires = "".join(_area(carte, lieux.get(c), c, zone) for c in dedans)
        out.append(
            f'<g transform="translate({tx:.2f} {ty:.2f}) scale({echelle:.4f})" stroke="{TRAIT}" '
            f'stroke-width="{0.9 / echelle:.3g}">{aires}</g>'
        )
        if zone != METROPOLE and etiquettes and dedans:
            lieu, milieu = lieux.get(dedans[0]), tx + echelle * (g.zones[zone][0] + g.zones[zone][2] / 2)
            out.append(
                f'<text x="{milieu:.1f}" y="{y + cote + 18:.1f}" font-size="14" text-anchor="middle" fill="{ENCRE}">'
                f"{escape(lieu.libelle if lieu else dedans[0])}</text>"
            )
    return "".join(out)


def _area(carte: Carte, lieu: Lieu | None, code: str, zone: str) -> str:
    titre = f"<title>{escape(describe(carte, lieu, code))}</title>"
    aire = f'<g>{titre}<use href="#c-{code}" fill="{_fill(carte, lieu, zone)}"/>'
    if lieu is not None and carte.changement(lieu) == STABLE:
        aire += f'<use href="#c-{code}" fill="url(#m-stable-{zone})"/>'
    marque = MARQUES.get(lieu.statut) if lieu is not None else None
    return aire + (f'<use href="#c-{code}" fill="url(#{marque[0]}-{zone})"/></g>' if marque else "</g>")


def _fill(carte: Carte, lieu: Lieu | None, zone: str) -> str:
    if lieu is None:
        return f"url(#m-absent-{zone})"
    if lieu.valeur is None:
        return f"url(#{MOTIFS.get(lieu.statut, 'm-nd')}-{zone})"
    return carte.classes.colour(lieu.valeur)


def describe(carte: Carte, lieu: Lieu | None, code: str) -> str:
    """« Bretagne : 36,2 % (de 31,8 à 40,9), 42 répondants »; or why it is not shown."""
    if lieu is None:
        return f"{code} : {SIGNES['m-absent']}"
    if lieu.valeur is None:
        return f"{lieu.libelle} : {ABREGES[lieu.statut][1]}"
    texte = f"{lieu.libelle} : {format_number(lieu.valeur, carte.unite)}"
    if lieu.bas is not None and lieu.haut is not None:
        texte += f" (de {format_number(lieu.bas, carte.unite)} à {format_number(lieu.haut, carte.unite)})"
    texte += f", {lieu.n} {carte.effectif.lower()}" if lieu.n is not None else ""
    texte += f", {carte.changement(lieu)}" if carte.changement(lieu) else ""
    return texte + (f", {MARQUES[lieu.statut][2]}" if lieu.statut in MARQUES else "")


def _legend(carte: Carte, g: Geometrie, x: float, y: float, colonnes: int = 1) -> tuple[str, float]:
    """Only what the map shows is explained."""
    entrees = list(_entries(carte, set(g.niveaux[carte.niveau])))
    par_colonne = -(-len(entrees) // colonnes)
    out = [f'<text x="{x}" y="{y}" font-size="17" font-weight="600" fill="{ENCRE}">{escape(_unit(carte))}</text>']
    for i, (fond, dessus, texte) in enumerate(entrees):
        ex, ey = x + (i // par_colonne) * 480, y + 16 + (i % par_colonne) * 30
        out += [
            f'<rect x="{ex}" y="{ey}" width="34" height="21" fill="{f}" stroke="{TRAIT}"/>' for f in (fond, dessus) if f
        ]
        plume = _Plume(ex + 44, ey - 4)
        plume.text(texte, 16, 60)
        out.append(str(plume))
    return "".join(out), y + 16 + par_colonne * 30 + 10


def _entries(carte: Carte, dessines: set[str]) -> Iterator[tuple[str, str, str]]:
    c, tous = carte.classes, [x for p in carte.panneaux for x in p.lieux if x.code in dessines]
    if c.zero:
        yield ZERO, "", f"exactement {format_number(0.0, carte.unite)}"
    for couleur, bas, haut in zip(c.couleurs, c.bornes, c.bornes[1:], strict=False):
        yield couleur, "", f"de {format_number(bas, carte.unite)} à {format_number(haut, carte.unite)}"
    if any(carte.changement(x) == STABLE for x in tous):
        yield (c.couleurs or (ZERO,))[0], "url(#m-stable)", "pâli, à vagues : non significatif"
    for statut, (motif, texte, _) in MARQUES.items():
        if any(x.statut == statut for x in tous):
            yield (c.couleurs or (ZERO,))[len(c.couleurs) // 2], f"url(#{motif})", texte
    for motif, texte in SIGNES.items():
        vides = dessines - {x.code for x in tous} if motif == "m-absent" else ()
        if vides or any(MOTIFS.get(x.statut) == motif and x.valeur is None for x in tous):
            yield f"url(#{motif})", "", texte


def _unit(carte: Carte) -> str:
    return {"pct": "En pour cent", "points": "En points"}.get(carte.unite, "En nombre")


# ---- SVG → PNG with the font of the package, whatever the machine has


def to_png(svg: str, largeur: int) -> bytes:
    import font_source_sans_pro as police
    import resvg_py

    fichiers = [police.SourceSansPro, police.SourceSansProSemibold]
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, width=largeur, background="#ffffff", skip_system_fonts=True, font_files=fichiers,
            font_family=POLICE, sans_serif_family=POLICE,
        )
    )  # fmt: skip
