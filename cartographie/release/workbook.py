"""One accessible workbook for the whole release: cover, contents, notes, one native Excel table per sheet, charts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from cartographie.base.paper import add_table, fit_page, head_sheet, write_lines, write_sheets
from cartographie.release.manifest import ABREGES, FICTIF, NOTES_COMMUNES, SANS_OBJET, Notice, alerts, banner, mentions
from cartographie.release.maps import Carte, Lieu, build_cartes
from cartographie.survey.published import ESTIME, EVOLUTION, axis_columns, significance, whole
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import Axe

# ---- native charts of the workbook: one sheet per map of one panel, its published values as a table and as bars

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
            dits = (
                replace(x, libelle=f"{x.libelle} ({MARQUES[x.statut].lower()})") if x.statut == ESTIME else x
                for x in vus
            )
            out.append(Graphique(nom, titre, carte.source, carte.unite, tuple(dits), len(lieux) - len(vus)))
    return out


def add_chart(classeur: xlsxwriter.Workbook, ws: Worksheet, g: Graphique, premiere: int, colonne: int) -> None:
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


# ---- long rows → tables to be read: lines are territories, kinds of actor or answers; columns are indicators or answers

# A published table gives one page per set of columns: shares of the same answers stand together, a count does not stand
# among percentages it has no line with. Rows that cross two axes get pages of their own.

UNITES = {"pct": "%", "points": "points", "nombre": "nombre"}
MODALITES_MAX = 20
ENSEMBLE, SECRET = "Ensemble", "c"
MARQUES = {"u": "Peu fiable", ESTIME: "Estimé par un modèle"}  # a status that goes with a number → its column


@dataclass(frozen=True, slots=True)
class Page:
    """One sheet: `lignes` hold text, numbers, or a shorthand in place of a number. `formats`: a format name a column."""

    nom: str
    titre: str
    entetes: tuple[str, ...]
    lignes: tuple[tuple[Any, ...], ...]
    formats: tuple[str, ...]


def pages(tableau: Tableau, axes: Mapping[str, Axe]) -> list[Page]:
    """Every page of a table, in order. `axes`: as declared in enquete.yaml."""
    df = _placed(tableau, axes)
    groupes: dict[tuple[bool, tuple[str, ...]], list[pd.DataFrame]] = {}
    for detail in (False, True):
        partie = df[df["detail_"] == detail]
        for _, bloc in partie.groupby("bloc_", sort=False):
            groupes.setdefault((detail, tuple(dict.fromkeys(bloc["colonne_"]))), []).append(bloc)
    plusieurs = len({c for _, c in groupes}) > 1
    out: list[Page] = []
    numeros: dict[tuple[str, ...], int] = {}
    for (detail, colonnes), blocs in groupes.items():
        numero = numeros.setdefault(colonnes, len(numeros) + 1)
        nom = tableau.code + (f" ({numero})" if numero > 1 else "") + (" détail" if detail else "")
        bloc = pd.concat(blocs)
        sujets = list(dict.fromkeys(bloc["sujet_"]))
        titre = tableau.meta.titre
        titre += f" – {sujets[0]}" if plusieurs and len(sujets) == 1 and sujets[0] else ""
        titre += " – croisement détaillé" if detail else ""
        out.append(_page(tableau, nom, titre, bloc, axes))
    return out


def _placed(t: Tableau, axes: Mapping[str, Axe]) -> pd.DataFrame:
    """The long rows with where each goes: `bloc_`, `colonne_`, `indicateur_` and `modalite_` of its line, `detail_`."""
    df = t.df.copy()
    croises = sum((df[c] != v).astype(int) for c, v in whole(axes).items()) if axes else 0
    df["detail_"] = croises >= 2
    lieu = [c for a, axe in axes.items() for c in axis_columns(a, axe) if not c.endswith("_libelle")]
    df["cellule_"] = df.groupby(lieu, sort=False).ngroup() if axes else 0
    base = df["indicateur"].str.removesuffix(EVOLUTION)
    racine = base.where(~base.isin(t.meta.modalites), base.str.partition(".")[0])
    evolution = base != df["indicateur"]
    libelle = racine.map(t.meta.indicateurs).fillna(racine)
    unites = " (" + df["unite"].map(lambda u: UNITES.get(u, u)) + ")"
    df["titre_"] = evolution.map({True: "Évolution – ", False: ""}) + libelle + unites
    df["sujet_"], df["indicateur_"], df["colonne_"], df["modalite_"], df["bloc_"] = "", "", df["titre_"], ENSEMBLE, ""
    for (denominateur, dimension, code), i in df.groupby(
        ["denominateur", "dimension", racine], sort=False
    ).groups.items():
        bloc, memes = df.loc[i], (df["denominateur"] == denominateur) & (df["dimension"] == dimension)
        fermee = code in t.meta.repartitions
        croisee = base.loc[i].isin(t.meta.modalites).all()
        seule = df.loc[memes, "indicateur"].nunique() == 1
        en_colonnes = bloc["cellule_"].nunique() > 1 and bloc["modalite_libelle"].nunique() <= MODALITES_MAX
        df.loc[i, "bloc_"] = f"{denominateur}|{dimension}"
        if fermee and croisee:
            df.loc[i, "colonne_"] = base.loc[i].map(t.meta.modalites) + " (%)"
            df.loc[i, "modalite_"] = bloc["modalite_libelle"]
            df.loc[i, "sujet_"] = libelle.loc[i]
            if racine[memes].nunique() == 1:
                df.loc[i, "indicateur_"] = bloc["titre_"]
        elif dimension and (fermee or seule) and en_colonnes:
            df.loc[i, "colonne_"] = bloc["modalite_libelle"] + (" (%)" if fermee and not _counted(df, t) else "")
            df.loc[i, "indicateur_"] = bloc["titre_"]
            df.loc[i, "bloc_"] = f"{denominateur}|{dimension}|{code}"
            df.loc[i, "sujet_"] = libelle.loc[i]
        elif dimension:
            df.loc[i, "modalite_"] = bloc["modalite_libelle"]
            if fermee:
                df.loc[i, "colonne_"] = "Part (%)"
                df.loc[i, "indicateur_"] = libelle.loc[i]
                df.loc[i, "bloc_"] = f"{denominateur}|{dimension}|{code}"
            elif seule:
                df.loc[i, "sujet_"] = libelle.loc[i]
    if df["edition"].nunique() > 1:
        df["colonne_"] += (" – " + df["edition"].astype(str)).where(~evolution, "")
    return df


def _counted(df: pd.DataFrame, t: Tableau) -> bool:
    """A count by answer exists too: percentages and counts then share their columns, the line says which."""
    nombres = (df["dimension"] != "") & (df["unite"] == "nombre")
    return bool((nombres & ~df["indicateur"].isin(t.meta.repartitions)).any())


def _page(t: Tableau, nom: str, titre: str, df: pd.DataFrame, axes: Mapping[str, Axe]) -> Page:
    cle = _keys(t, df, axes)
    rang = pd.concat([df["denominateur"], df["indicateur_"], df["cellule_"], df["dimension"], df["modalite_"]], axis=1)
    for c in ("denominateur", "indicateur_", "cellule_"):
        rang[c] = pd.factorize(rang[c])[0]
    ordre = rang.sort_values(["denominateur", "indicateur_", "cellule_"], kind="stable").index
    df, cle, rang = df.loc[ordre], cle.loc[ordre], rang.loc[ordre]
    rang["dimension"] = rang["dimension"].where(rang["modalite_"] != ENSEMBLE, "")
    ligne = rang.groupby(list(rang.columns), sort=False).ngroup().to_numpy()
    tetes = list(dict.fromkeys(df["colonne_"]))
    evolution = df["indicateur"].str.endswith(EVOLUTION)
    bornes = zip(evolution, df["ic_bas"], df["ic_haut"], strict=True)
    mots = pd.Series([significance(bas, haut) if e else "" for e, bas, haut in bornes], index=df.index)
    evolutives = set(df.loc[mots != "", "colonne_"])
    colonnees: list[tuple[str, str]] = []  # header and format: what an evolution shows follows it, in words
    for c in tetes:
        colonnees.append((c, _format(df.loc[df["colonne_"] == c])))
        if c in evolutives:
            colonnees.append((f"Changement – {c.removeprefix('Évolution – ').rsplit(' (', 1)[0]}", "texte"))
    n_lignes = int(ligne.max()) + 1
    grille: list[list[Any]] = [[SANS_OBJET[0]] * len(colonnees) for _ in range(n_lignes)]
    effectifs: list[list[tuple[Any, str]]] = [[] for _ in range(n_lignes)]
    indice = {c: j for j, (c, _) in enumerate(colonnees)}
    colonnes = (ligne, df["colonne_"], df["valeur"], df["unite"], df["statut"], df["n_repondants"], mots)
    marques: dict[str, list[list[str]]] = {s: [[] for _ in range(n_lignes)] for s in MARQUES}
    for i, c, v, u, s, n, mot in zip(*colonnes, strict=True):
        if s in marques:
            marques[s][i].append(c)
        grille[i][indice[c]] = ABREGES[s][0] if pd.isna(v) else int(v) if u == "nombre" and v == int(v) else float(v)
        if c in evolutives:
            grille[i][indice[c] + 1] = mot or ABREGES.get(s, SANS_OBJET)[0]
        effectifs[i].append((int(n) if pd.notna(n) else ABREGES.get(SECRET if s == ESTIME else s, SANS_OBJET)[0], u))
    textes = cle[~pd.Series(ligne, index=cle.index).duplicated()].to_numpy(dtype=object).tolist()
    varie = any(len({x for x, _ in e if isinstance(x, int)}) > 1 for e in effectifs)
    entete_n = t.meta.effectif + (" (n, au moins)" if varie else " (n)")
    lignes = [(*k, *g, _count(e)) for k, g, e in zip(textes, grille, effectifs, strict=True)]
    genres: tuple[str, ...] = (*["texte"] * len(cle.columns), *(g for _, g in colonnees), "nombre")
    noms = [*cle.columns, *(c for c, _ in colonnees), entete_n]
    for s, marquees in marques.items():  # numbers stay numbers: the mark stands in a column of its own
        if any(marquees):
            noms, genres = [*noms, f"{MARQUES[s]} {ABREGES[s][0]}"], (*genres, "texte")
            lignes = [(*x, _marked(m, tetes)) for x, m in zip(lignes, marquees, strict=True)]
    return Page(nom, titre, tuple(_uniques(noms)), tuple(lignes), genres)


def _marked(colonnes: list[str], toutes: list[str]) -> str:
    """Which figures of a line bear the mark."""
    if not colonnes:
        return "non"
    return "toute la ligne" if len(colonnes) == len(toutes) else " ; ".join(c.rsplit(" (", 1)[0] for c in colonnes)


def _keys(t: Tableau, df: pd.DataFrame, axes: Mapping[str, Axe]) -> pd.DataFrame:
    """The text columns that open each line; those that never vary are left out, one at least is kept."""
    candidates: dict[str, pd.Series] = {}
    libelles = t.meta.libelles_axes
    for nom, axe in axes.items():
        titre = axe.get("libelle", nom.replace("_", " ").capitalize())
        niveaux = "niveaux" in axe
        candidates[titre] = df[f"{nom}_libelle"] if niveaux else df[nom].map(lambda c: libelles.get(c, c))
    candidates["Champ"] = df["denominateur"].map(t.meta.denominateurs)
    candidates["Indicateur"] = df["indicateur_"]
    dimensions = df.loc[df["modalite_"] != ENSEMBLE, "dimension"].unique()
    if len(dimensions) == 1:
        candidates[_short(t.meta.dimensions.get(dimensions[0], dimensions[0]))] = df["modalite_"]
    elif len(dimensions):
        candidates["Réponse"] = df["modalite_"]
    gardees = {k: v for k, v in candidates.items() if v.nunique() > 1} or dict(list(candidates.items())[:1])
    return pd.DataFrame(gardees)


def _count(valeurs: list[tuple[int | str, str]]) -> int | str:
    """Respondents a line rests on: the fewest among its percentages, else the most among its counts; else the shorthand."""
    entiers = [(v, u) for v, u in valeurs if isinstance(v, int)]
    parts = [v for v, u in entiers if u != "nombre"]
    if parts:
        return min(parts)
    return max(v for v, _ in entiers) if entiers else valeurs[0][0]


def _format(bloc: pd.DataFrame) -> str:
    unites = set(bloc["unite"])
    if unites <= {"pct", "points"}:
        return "points" if unites == {"points"} else "pct"
    if unites & {"pct", "points"}:
        return "mixte"
    valeurs = bloc["valeur"].dropna()
    return "nombre" if (valeurs == valeurs.round(0)).all() else "moyenne"


def _short(texte: str) -> str:
    """A header of a reasonable length: the end of a long question is dropped at a word."""
    texte = texte.split(" (")[0].rstrip(" ?:")
    return texte if len(texte) <= 60 else texte[:60].rsplit(" ", 1)[0] + "…"


def _uniques(noms: list[str]) -> Iterator[str]:
    """Headers of an Excel table differ, whatever the case."""
    vus: dict[str, int] = {}
    for nom in noms:
        fois = vus[nom.casefold()] = vus.get(nom.casefold(), 0) + 1
        yield nom if fois == 1 else f"{nom} ({fois})"


# ---- one accessible workbook for the whole release: cover, contents, notes, one native Excel table per sheet

# No merged cell, no empty cell inside a table, one header row, title in A1, text never read as a formula. Same inputs, same bytes:
# the creation date of the properties is the date given.

POLICE: dict[str, Any] = {"font_name": "Arial", "font_size": 11, "valign": "top"}
FORMATS: dict[str, dict[str, Any]] = {
    "texte": {"text_wrap": True}, "nombre": {"num_format": "#,##0"}, "pct": {"num_format": "0.0"},
    "points": {"num_format": "+0.0;-0.0;0.0"}, "moyenne": {"num_format": "#,##0.00"}, "mixte": {"num_format": "0.0"},
    "abrege": {"align": "right", "font_color": "#595959"}, "titre": {"bold": True, "font_size": 15},
    "alerte": {"bold": True, "font_color": "#9C1C1C"}, "gras": {"bold": True},
    "entete": {"bold": True, "text_wrap": True, "bottom": 2, "bg_color": "#E8EEF4", "valign": "vcenter"},
    "entete_nombre": {"bold": True, "text_wrap": True, "bottom": 2, "bg_color": "#E8EEF4", "align": "right", "valign": "vcenter"},
    "lien": {"font_color": "#0B4F9E", "underline": 1, "text_wrap": True}, "note": {},
}  # fmt: skip


Largeurs = Sequence[float]


@dataclass(frozen=True, slots=True)
class _Livre:
    """The workbook being written. `styles`: its formats, by name."""

    classeur: xlsxwriter.Workbook
    styles: Mapping[str, Format]
    meta: Notice

    def sheet(self, nom: str, titre: str, largeurs: Largeurs) -> Worksheet:
        """A sheet with its title, set up to be read on screen and printed, landscape, one page wide."""
        ws = self.classeur.add_worksheet(nom)
        fit_page(ws, 8 if sum(largeurs) > 220 else 9)  # A3 when very wide, else A4
        ws.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.5)
        head_sheet(ws, titre, self.styles["titre"], largeurs, 24)
        return ws

    def lines(self, ws: Worksheet, rang: int, phrases: Sequence[str], style: str = "note") -> int:
        return write_lines(ws, rang, phrases, self.styles[style])

    def table(self, ws: Worksheet, rang: int, page: Page, largeurs: Largeurs) -> None:
        """A native Excel table at `rang`, column A, without filter; numbers stay numbers, shorthand is right-aligned text."""
        f = self.styles
        styles = [f["entete" if g == "texte" else "entete_nombre"] for g in page.formats]
        nom = "tableau_" + re.sub(r"\W+", "_", page.nom).strip("_").replace("é", "e")
        entetes = zip(page.entetes, styles, strict=True)
        add_table(
            ws,
            rang,
            entetes,
            len(page.lignes),
            name=nom,
            autofilter=False,
            style="Table Style Light 1",
            banded_rows=True,
        )
        ws.set_row(rang, 15.5 * max(_lines(h, x * 0.92) for h, x in zip(page.entetes, largeurs, strict=True)) + 3)
        for i, ligne in enumerate(page.lignes, start=rang + 1):
            hauteur = max(_lines(v, x * 1.2) for v, x in zip(ligne, largeurs, strict=True))
            if hauteur > 1:
                ws.set_row(i, 14.5 * hauteur)
            for j, (valeur, nom_format) in enumerate(zip(ligne, page.formats, strict=True)):
                if isinstance(valeur, int | float):
                    exact = nom_format != "mixte" or isinstance(valeur, float)
                    ws.write_number(i, j, valeur, f[nom_format if exact else "nombre"])
                else:
                    ws.write_string(i, j, valeur or SANS_OBJET[0], f["texte" if nom_format == "texte" else "abrege"])


def write_workbook(tableaux: Sequence[Tableau], meta: Notice) -> bytes:
    """The workbook's bytes."""
    tampon = io.BytesIO()
    titre = f"{meta.titre} – édition {meta.campagne}"
    proprietes = {
        "title": titre, "subject": meta.sous_titre or titre, "author": meta.producteur or meta.titre, "company": meta.producteur,
        "category": FICTIF if meta.fictif else "Statistiques", "keywords": "fr-FR",
        "comments": " ".join(mentions(meta)), "created": datetime.fromisoformat(meta.date),
    }  # fmt: skip
    toutes = [(t, p) for t in tableaux for p in pages(t, meta.axes)]
    graphiques = build_graphiques(build_cartes(tableaux, meta))
    formats = {n: {**POLICE, **style} for n, style in FORMATS.items()}
    with write_sheets(tampon, proprietes, formats) as (classeur, styles):
        classeur.set_size(2400, 1600)
        classeur.set_custom_property("Language", "fr-FR")
        livre = _Livre(classeur, styles, meta)
        _couverture(livre, titre)
        _sommaire(livre, toutes, graphiques)
        _notes(livre, tableaux)
        for t, page in toutes:
            _feuille(livre, t, page)
        for g in graphiques:
            _graphique(livre, g)
    return tampon.getvalue()


def _texts(nom: str, entetes: Sequence[str], lignes: Sequence[tuple[str, ...]]) -> Page:
    return Page(nom, "", tuple(entetes), tuple(lignes), ("texte",) * len(entetes))


def _couverture(livre: _Livre, titre: str) -> None:
    meta, largeurs = livre.meta, (30, 95)
    ws = livre.sheet("Couverture", titre, largeurs)
    rang = livre.lines(ws, 1, mentions(meta), "alerte")
    lignes = [
        ("Statut", " – ".join(banner(meta))), ("Édition", meta.campagne), ("Version", _version(meta)),
        ("Champ de l'enquête", meta.champ), ("Producteur", meta.producteur), ("Contact", meta.contact),
        ("Date de mise à jour", meta.date), ("Licence", meta.licence),
        ("Fichiers ouverts", "Chaque tableau existe aussi en CSV, avec toutes ses lignes et ses effectifs."),
    ]  # fmt: skip
    livre.table(ws, rang + 1, _texts("couverture", ("Information", "Contenu"), [x for x in lignes if x[1]]), largeurs)
    depart = livre.lines(ws, rang + len(lignes) + 3, ["Signes employés dans les tableaux"], "gras")
    livre.table(ws, depart, _texts("signes", ("Signe", "Signification"), [*ABREGES.values(), SANS_OBJET]), largeurs)


def _version(meta: Notice) -> str:
    r = meta.revision
    suite = f", remplace « {r.remplace.name} » : {r.motif}" if r.remplace else ""
    return f"{meta.version} ({r.nature}){suite}" if r.nature != meta.version or suite else r.nature


def _sommaire(livre: _Livre, toutes: Sequence[tuple[Tableau, Page]], graphiques: Sequence[Graphique]) -> None:
    largeurs = (16, 105, 18)
    ws = livre.sheet("Sommaire", "Sommaire", largeurs)
    dit = f"{len(toutes)} feuilles de tableaux, {len(graphiques)} de graphiques. Chaque lien mène à la feuille."
    livre.lines(ws, 1, [dit])
    lignes = [(p.nom, p.titre, t.meta.axe.replace("_", " ").capitalize()) for t, p in toutes]
    lignes += [(g.nom, g.titre, "Graphique") for g in graphiques]
    livre.table(ws, 3, _texts("sommaire", ("Feuille", "Titre", "Axe"), lignes), largeurs)
    for i, (nom, titre, _) in enumerate(lignes):
        ws.write_url(4 + i, 0, f"internal:'{nom}'!A1", livre.styles["lien"], nom, f"Aller au tableau : {titre}"[:250])


def _notes(livre: _Livre, tableaux: Sequence[Tableau]) -> None:
    largeurs = (14, 125)
    ws = livre.sheet("Notes", "Notes", largeurs)
    livre.lines(ws, 1, ["Les notes communes valent pour tous les tableaux ; les autres pour le tableau nommé."])
    communes = [*alerts(livre.meta), *NOTES_COMMUNES]
    lignes = [("Toutes", n) for n in communes] + [(t.code, n) for t in tableaux for n in t.meta.notes]
    livre.table(ws, 3, _texts("notes", ("Tableau", "Note"), lignes), largeurs)


def _feuille(livre: _Livre, t: Tableau, page: Page) -> None:
    largeurs = _largeurs(page)
    ws = livre.sheet(page.nom, f"{page.nom}. {page.titre}", largeurs)
    denominateurs = " ; ".join(dict.fromkeys(t.meta.denominateurs.values()))
    signes = ", ".join(f"{a} {b.split(' :')[0]}" for a, b in _signes(page))
    champ = f"Champ : {t.meta.champ or denominateurs}."
    champ += f" Dénominateur : {denominateurs}." if len(t.meta.denominateurs) == 1 else ""
    bandeau = banner(livre.meta)
    rang = livre.lines(ws, 1, [" – ".join(bandeau)] if bandeau else [], "alerte")
    rang = livre.lines(ws, rang, [
        champ, f"Source : {t.meta.source}.", f"Un tableau. Signes : {signes}." if signes else "Un tableau.",
        "Notes : voir la feuille Notes.",
    ])  # fmt: skip
    livre.table(ws, rang + 1, page, largeurs)
    ws.repeat_rows(rang + 1)


def _graphique(livre: _Livre, g: Graphique) -> None:
    largeurs = (34.0, 14.0, 16.0, 16.0, 14.0)
    ws = livre.sheet(g.nom, f"{g.nom}. {g.titre}", largeurs)
    intervalles = any(x.bas is not None for x in g.lieux)
    dit = [*mentions(livre.meta), f"Source : {g.source}.", "Un tableau et son graphique."]
    dit[-1] += " Les traits sont les intervalles à 95 %." if intervalles else ""
    dit[-1] += f" {g.caches} valeurs ne sont pas publiées." if g.caches else ""
    rang = livre.lines(ws, 1, dit) + 1
    genre = {"pct": "pct", "points": "points"}.get(g.unite, "moyenne")
    bornes = [("Intervalle, bas", genre, "bas"), ("Intervalle, haut", genre, "haut")] if intervalles else []
    valeur = (f"Valeur ({UNITES.get(g.unite, g.unite)})", genre, "valeur")
    colonnes = [("Territoire", "texte", "libelle"), valeur, *bornes, ("Répondants (n)", "nombre", "n")]
    entetes, genres, champs = zip(*colonnes, strict=True)
    valeurs = [[getattr(x, c) for c in champs] for x in g.lieux]
    lignes = tuple(tuple(SANS_OBJET[0] if v is None else v for v in x) for x in valeurs)
    livre.table(ws, rang, Page(g.nom, "", entetes, lignes, genres), largeurs[: len(entetes)])
    add_chart(livre.classeur, ws, g, rang + 1, len(entetes) + 1)


def _signes(page: Page) -> list[tuple[str, str]]:
    presents = {v for ligne in page.lignes for v in ligne if isinstance(v, str) and v.startswith("[")}
    return [(a, b) for a, b in [*ABREGES.values(), SANS_OBJET] if a in presents]


def _lines(valeur: object, largeur: float) -> int:
    """Lines a wrapped text takes in a column that wide."""
    if not isinstance(valeur, str):
        return 1
    lignes, reste = 1, largeur
    for mot in valeur.split():
        if len(mot) > reste and reste < largeur:
            lignes, reste = lignes + 1, largeur
        reste -= len(mot) + 1
    return lignes


def _largeurs(page: Page) -> list[float]:
    """Width of each column: enough for its text (wrapped past 80) and for the longest word of its header."""
    out = []
    for j, (entete, genre) in enumerate(zip(page.entetes, page.formats, strict=True)):
        mot = max(len(m) for m in entete.split()) + 3
        if genre == "texte":
            plus_long = max((len(str(ligne[j])) for ligne in page.lignes), default=0)
            out.append(float(min(max(plus_long + 2, mot, 12), 80)))
        else:
            out.append(float(min(max(mot + 1, 13, len(entete) / 3 + 3), 20)))
    return out
