"""Is a file fit to be put online? Workbooks and CSV of anybody: accessibility, formulas, personal data, encoding."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import yaml
from openpyxl import load_workbook
from openpyxl.cell import Cell, MergedCell
from openpyxl.styles.colors import Color
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.worksheet.table import Table
from openpyxl.worksheet.worksheet import Worksheet

from cartographie.base.errors import UserError, tell
from cartographie.base.text import neutralise, personal_data

# what each rule asks (`demande`), and what is said when it is broken (`manque`)
_DITES = yaml.safe_load((files("cartographie.proof") / "regles.yaml").read_text(encoding="utf-8"))
REGLES: Mapping[str, str] = {code: dite["demande"] for code, dite in _DITES.items()}

# ---- what a rule broken is, and what a spreadsheet takes for a formula: shared by the rules of workbooks and of CSV files


@dataclass(frozen=True, slots=True)
class Defaut:
    """One rule broken. `ou`: file, sheet, cell or line; the cell's content is never quoted."""

    code: str
    ou: str
    message: str

    def __post_init__(self) -> None:
        tell("defaut", self.code)


def broken(code: str, ou: str, cas: str = "", **quoi: object) -> Defaut:
    """A rule broken, as regles.yaml says it. `cas`: which of its ways; `quoi`: what the sentence names."""
    manque = _DITES[code]["manque"]
    return Defaut(code, ou, str(manque[cas] if cas else manque).format(**quoi))


def is_formula(texte: str) -> bool:
    """A spreadsheet would run it; a signed number is none."""
    return bool(texte) and neutralise(texte) != texte and not _number(texte)


def _number(texte: str) -> bool:
    try:
        float(texte.replace(",", ".").replace("\u202f", ""))
    except ValueError:
        return False
    return True


# ---- the rules of an accessible statistical workbook (Government Analysis Function; RGAA for downloadable office files)

CONTRASTE = 4.5  # WCAG 1.4.3
POLICE_MIN = 10
EMPATTEES = {"times new roman", "cambria", "georgia", "garamond", "book antiqua"}
NOMS_VIDES = ("table", "tableau", "feuil", "sheet")
BLANC, NOIR = "FFFFFF", "000000"


def lint_workbook(chemin: Path, admis: Collection[str]) -> Iterator[Defaut]:
    """Every rule broken, sheet by sheet. Raises what openpyxl raises on a file that is no workbook."""
    classeur = load_workbook(chemin)
    nom = chemin.name
    proprietes = classeur.properties
    for attribut, libelle in (("title", "titre"), ("creator", "auteur"), ("subject", "sujet")):
        if not getattr(proprietes, attribut):
            yield broken("X11", nom, libelle=libelle)
    if not (proprietes.language or any(p.name == "Language" and p.value for p in classeur.custom_doc_props.props)):
        yield broken("X12", nom)
    with ZipFile(chemin) as archive:
        pieces = archive.namelist()
    if any("vbaProject" in p for p in pieces):
        yield broken("X13", nom)
    if classeur.active is not classeur.worksheets[0]:
        yield broken("X09", nom)
    tables: dict[str, str] = {}
    for feuille in classeur.worksheets:
        yield from _sheet(feuille, nom, admis)
        for table in feuille.tables.values():
            if table.name.casefold() in tables:
                yield broken("X02", f"{nom}, feuille {feuille.title}", "pris")
            tables[table.name.casefold()] = feuille.title
            if table.name.casefold().rstrip("0123456789_") in NOMS_VIDES:
                yield broken("X02", f"{nom}, feuille {feuille.title}", "muet")
    if any(p.startswith("xl/media/") for p in pieces):
        yield broken("X10", nom, "images")


def _sheet(ws: Worksheet, fichier: str, admis: Collection[str]) -> Iterator[Defaut]:
    ici = f"{fichier}, feuille {ws.title}"
    if ws.sheet_state != "visible":
        yield broken("X07", ici, "feuille")
    if ws.max_row == 1 and ws.max_column == 1 and ws["A1"].value is None:
        yield broken("X08", ici)
        return
    if not isinstance(ws["A1"].value, str) or not ws["A1"].value.strip():
        yield broken("X06", f"{ici}, case A1")
    yield from _layout(ws, ici)
    if not ws.tables:
        yield broken("X01", ici)
    for table in ws.tables.values():
        yield from _table(ws, table, ici)
    for ligne in ws.iter_rows():
        for case in ligne:
            yield from _cell(case, f"{ici}, case {case.coordinate}", admis)


def _layout(ws: Worksheet, ici: str) -> Iterator[Defaut]:
    """What gets in the way of who listens to a sheet, and what is shown without words."""
    if ws.merged_cells.ranges:
        yield broken("X03", f"{ici}, {next(iter(ws.merged_cells.ranges))}")
    caches = [f"ligne {r}" for r, d in ws.row_dimensions.items() if d.hidden]
    caches += [f"colonne {c}" for c, d in ws.column_dimensions.items() if d.hidden]
    if caches:
        yield broken("X07", f"{ici}, {caches[0]}", "ligne")
    if ws.freeze_panes or ws.auto_filter.ref:
        yield broken("X14", ici)
    if any(getattr(getattr(ws, z), p).text for z in ("oddHeader", "oddFooter") for p in ("left", "center", "right")):
        yield broken("X15", ici)
    for i, image in enumerate([*ws._charts, *ws._images]):
        if not getattr(image, "title", None) and not getattr(getattr(image, "anchor", None), "descr", None):
            yield broken("X10", f"{ici}, objet {i + 1}", "objet")


def _table(ws: Worksheet, table: Table, ici: str) -> Iterator[Defaut]:
    c1, l1, c2, l2 = range_boundaries(table.ref)
    if c1 != 1:
        yield broken("X16", f"{ici}, {table.ref}")
    tetes = [ws.cell(l1, c).value for c in range(c1, c2 + 1)]
    if any(t is None or not str(t).strip() for t in tetes) or len({str(t).casefold() for t in tetes}) < len(tetes):
        yield broken("X04", f"{ici}, ligne {l1}", "entetes")
    if table.headerRowCount == 0:
        yield broken("X04", f"{ici}, {table.ref}", "sans")
    for ligne in range(l1 + 1, l2 + 1):
        vides = [c for c in range(c1, c2 + 1) if ws.cell(ligne, c).value in (None, "")]
        if len(vides) == c2 - c1 + 1:
            yield broken("X05", f"{ici}, ligne {ligne}", "ligne")
        elif vides:
            case = f"{get_column_letter(vides[0])}{ligne}"
            yield broken("X05", f"{ici}, case {case}", "case")
    # several tables may share a sheet when each is told apart by a line of text; nothing may follow the last one
    if not any(range_boundaries(t.ref)[1] > l2 for t in ws.tables.values()) and ws.max_row > l2:
        if any(
            ws.cell(r, c).value not in (None, "")
            for r in range(l2 + 1, ws.max_row + 1)
            for c in range(1, ws.max_column + 1)
        ):
            yield broken("X17", f"{ici}, ligne {l2 + 1}")


def _cell(case: Cell | MergedCell, ou: str, admis: Collection[str]) -> Iterator[Defaut]:
    if case.comment is not None:
        yield broken("X18", ou)
    valeur = case.value
    if valeur is None:
        return
    if case.data_type == "e":
        yield broken("X19", ou)
    if case.data_type == "f" and not str(valeur).startswith("=HYPERLINK("):
        yield broken("X20", ou)
    if case.data_type == "s":
        if is_formula(valeur):
            yield broken("X21", ou)
        if valeur not in admis and (genre := personal_data(valeur)):
            yield broken("X22", ou, genre=genre)
    police = case.font
    if police.sz is not None and police.sz < POLICE_MIN:
        yield broken("X23", ou, taille=police.sz, minimum=POLICE_MIN)
    if (police.name or "").casefold() in EMPATTEES:
        yield broken("X24", ou)
    encre, fond = (
        _colour(police.color, NOIR),
        _colour(case.fill.fgColor if case.fill.fill_type == "solid" else None, BLANC),
    )
    if encre and fond and contrast(encre, fond) < CONTRASTE:
        yield broken("X25", ou, contraste=contrast(encre, fond), minimum=CONTRASTE)


def _colour(couleur: Color | None, defaut: str) -> str | None:
    """RRGGBB, None when it comes from a theme."""
    if couleur is None:
        return defaut
    if couleur.type == "rgb" and isinstance(couleur.rgb, str):
        return couleur.rgb[-6:]
    return defaut if couleur.type == "theme" and couleur.theme in (0, 1) else None


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours (WCAG 2, relative luminance)."""

    def luminance(couleur: str) -> float:
        canaux = [int(couleur[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        r, g, bleu = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in canaux)
        return 0.2126 * r + 0.7152 * g + 0.0722 * bleu

    clair, sombre = sorted((luminance(a), luminance(b)), reverse=True)
    return (clair + 0.05) / (sombre + 0.05)


# ---- the rules of a CSV, and which rules a file is held to

CSV, CLASSEURS = {".csv"}, {".xlsx", ".xlsm"}
SEPARATEURS = ",;\t|"


def lint_file(chemin: Path, admis: Collection[str] = ()) -> list[Defaut]:
    """Everything wrong with one file, in reading order; [] for a kind of file without rules. `admis`: texts that may hold
    personal data (the producer's contact)."""
    if chemin.suffix.lower() in CLASSEURS:
        return list(lint_workbook(chemin, admis))
    return list(lint_csv(chemin, admis)) if chemin.suffix.lower() in CSV else []


def lint_folder(dossier: Path, admis: Collection[str] = ()) -> list[Defaut]:
    """Every file of a folder. In a release, the contact its catalogue declares is admitted."""
    admis = {*admis, *_declared_contact(dossier / "catalogue.jsonld")}
    return [d for p in sorted(dossier.rglob("*")) if p.is_file() for d in lint_file(p, admis)]


def _declared_contact(catalogue: Path) -> set[str]:
    try:
        contact = json.loads(catalogue.read_text(encoding="utf-8"))["dcat:contactPoint"]["vcard:hasEmail"]["@id"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {str(contact).removeprefix("mailto:")}


def lint_csv(chemin: Path, admis: Collection[str]) -> Iterator[Defaut]:
    """UTF-8, one header, as many fields on each line, no formula, no personal data."""
    brut = chemin.read_bytes()
    try:
        texte = brut.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        rang = brut[: e.start].count(b"\n") + 1
        yield broken("K01", f"{chemin.name}, ligne {rang}")
        return
    premiere = texte.partition("\n")[0]
    separateur = max(SEPARATEURS, key=lambda s: (premiere.count(s), -SEPARATEURS.index(s)))
    lignes = list(csv.reader(io.StringIO(texte, newline=""), delimiter=separateur))
    if not lignes or not any(lignes[0]):
        yield broken("K02", chemin.name)
        return
    if len({c.strip().casefold() for c in lignes[0]}) < len(lignes[0]) or not all(c.strip() for c in lignes[0]):
        yield broken("K03", f"{chemin.name}, ligne 1")
    for i, ligne in enumerate(lignes[1:], start=2):
        if len(ligne) != len(lignes[0]):
            yield broken("K04", f"{chemin.name}, ligne {i}", champs=len(ligne), tetes=len(lignes[0]))
        for nom, valeur in zip(lignes[0], ligne, strict=False):
            ou = f"{chemin.name}, ligne {i}, colonne {nom}"
            if is_formula(valeur):
                yield broken("K05", ou)
            if valeur not in admis and (genre := personal_data(valeur)):
                yield broken("K06", ou, genre=genre)


# ---- what data.gouv.fr asks of a dataset before it is put online (metadata quality score), read from the release itself

CATALOGUE, PAQUET = "catalogue.jsonld", "datapackage.json"
OUVERTS = {"text/csv", "application/vnd.apache.parquet"}


@dataclass(frozen=True, slots=True)
class Critere:
    """One criterion. `manque`: what to do, "" when it is met."""

    nom: str
    manque: str


def preflight(dossier: Path) -> list[Critere]:
    """The criteria, in data.gouv.fr's order. Raises UserError U21 when the directory is no release."""
    try:
        catalogue = json.loads((dossier / CATALOGUE).read_text(encoding="utf-8"))
        paquet = json.loads((dossier / PAQUET).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            "U21",
            f"« {dossier} » n'est pas une publication (pas de {CATALOGUE}) : donnez un dossier de outputs/<campagne>/.",
        ) from None
    distributions = catalogue["dcat:distribution"]
    absents = [d["@id"] for d in distributions if not (dossier / d["@id"]).is_file()]
    sans_schema = [r["name"] for r in paquet["resources"] if not (dossier / r["schema"]).is_file()]
    contact = (catalogue.get("dcat:contactPoint", {}).get("vcard:hasEmail") or {}).get("@id", "")
    return [
        Critere("description", "" if len(_text(catalogue, "dct:description")) >= 100 else "décrivez l'enquête dans « champ » et « titre »"),
        Critere("documentation des ressources", f"schéma absent : {', '.join(sans_schema)}" if sans_schema else ""),
        Critere("licence", "" if catalogue.get("dct:license", {}).get("@id") else "déclarez « licence » dans enquete.yaml"),
        Critere("fréquence de mise à jour", "" if catalogue.get("dct:accrualPeriodicity") else "déclarez la fréquence"),
        Critere("couverture temporelle", "" if catalogue.get("dct:temporal") else "déclarez « debut » et « fin » de la campagne"),
        Critere("couverture spatiale", "" if catalogue.get("dct:spatial") else "déclarez le territoire"),
        Critere("formats ouverts", "" if any(d["dcat:mediaType"] in OUVERTS for d in distributions) else "ajoutez un format ouvert"),
        Critere("fichiers présents", f"absents : {', '.join(absents[:3])}" if absents else ""),
        Critere("contact joignable", "remplacez l'adresse de contact fictive" if not contact or ".invalid" in contact else ""),
        Critere("données réelles", "campagne fictive : à ne pas déposer comme un jeu de données officiel"
                if "donnees-fictives" in str(paquet["name"]) else ""),
    ]  # fmt: skip


def _text(catalogue: Mapping[str, Any], cle: str) -> str:
    return str((catalogue.get(cle) or {}).get("@value", ""))
