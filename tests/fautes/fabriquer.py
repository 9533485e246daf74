"""Makes tests/fautes/fichiers/: one small received file per fault, each named after its fault. Content is fictitious.

Run `python tests/fautes/fabriquer.py` after a change of the questionnaire. Every workbook is the blank questionnaire laid
out at the same positions as the one `template` writes, filled with plain answers, then given exactly one fault. Files
too heavy for the repository (`ECRITS_AU_TEST`) are written by the tests, in a temporary folder.
"""

from __future__ import annotations

import csv
import io
import struct
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

RACINE = Path(__file__).resolve().parents[2]
FICHIERS = Path(__file__).resolve().parent / "fichiers"
sys.path[:0] = [str(RACINE), str(RACINE / "tests")]

from cles import finess_key  # noqa: E402

from cartographie.survey.load import load_questionnaire  # noqa: E402
from cartographie.survey.model import FeuilleAttendue, Questionnaire  # noqa: E402

CAMPAGNE, PRECEDENTE = "2026", "2025"
_FIGE = datetime(2000, 1, 1)
_VIDES = 20_000
SECRET = "Réponse à ne pas répéter"

REPONDANT: dict[str, Any] = {
    "date_reponse": date(2026, 4, 15),
    "perimetre_reponse": "ET",
    "raison_sociale": "Clinique inventée des Essais",
    "type_acteur": "ES_PUB",
    "code_departement": "01",
    "code_region": "84",
    "usage_ia": "OUI_PROD",
    "ia_generative": "NON",
    "nb_systemes_total": 2,
    "intention_1_3_ans": "OUI",
    "strategie_ia": "EN_PROJET",
    "comite_ia": "NON",
    "referent_ia": "OUI",
    "charte_ia": "NON",
    "formation_ia": "OUI",
    "nb_professionnels_formes": 12,
    "nb_professionnels": 240,
    "frein_1": "BUDGET",
}
SYSTEMES: list[dict[str, Any]] = [
    {
        "num_systeme": n,
        "nom_systeme": nom,
        "editeur_nom": "Éditeur inventé",
        "domaine_l1": "ACC",
        "domaine_l2": "ACC_RDV",
        "finalite": "Proposer un créneau de rendez-vous",
        "technique": "RPA",
        "stade": "GEN",
        "date_debut_usage": date(2024, 9, 2),
        "statut_dm": "NON_DM",
        "marquage_ce": "SANS_OBJET",
        "donnees_sante": "NON",
    }
    for n, nom in ((1, "Système inventé Un"), (2, "Système inventé Deux"))
]


class Page:
    """One sheet being written: rows and columns (0-based) of the questions, as `template` places them."""

    def __init__(self, feuille: Any, attendue: FeuilleAttendue, q: Questionnaire, titres: Mapping[str, str]) -> None:
        self.feuille, self.attendue = feuille, attendue
        self.places: dict[str, tuple[int, int]] = {}
        if attendue.disposition == "fiche":
            rang, rubrique = 3, None
            for colonne in attendue.colonnes:
                variable = q.variables[colonne.variable]
                if variable.rubrique and variable.rubrique != rubrique:
                    rubrique = variable.rubrique
                    feuille.write_string(rang, attendue.colonne_question - 1, rubrique)
                    rang += 1
                texte = titres.get(colonne.variable, colonne.entetes[0].texte)
                if texte:
                    feuille.write_string(rang, attendue.colonne_question - 1, texte)
                self.places[colonne.variable] = (rang, attendue.colonne_reponse - 1)
                rang += 1
        else:
            rang = (attendue.ligne_entete or 4) - 1
            feuille.write_string(0, 0, "Questionnaire fictif")
            for i, colonne in enumerate(c for c in attendue.colonnes if titres.get(c.variable) != ""):
                feuille.write_string(rang, i, titres.get(colonne.variable, colonne.entetes[0].texte))
                self.places[colonne.variable] = (rang + 1, i)

    def write(self, valeurs: Mapping[str, Any], decalage: int = 0, style: Any = None) -> None:
        for variable, valeur in valeurs.items():
            if variable in self.places:
                ligne, colonne = self.places[variable]
                if isinstance(valeur, date):
                    self.feuille.write_datetime(ligne + decalage, colonne, valeur, style)
                else:
                    self.feuille.write(ligne + decalage, colonne, valeur)


def workbook(
    q: Questionnaire,
    numero: int,
    *,
    campagne: str = CAMPAGNE,
    version: str | None = None,
    vierge: bool = False,
    noms: Mapping[str, str | None] = {},
    titres: Mapping[str, str] = {},
    date1904: bool = False,
    retouche: Callable[[Any, dict[str, Page]], None] | None = None,
) -> bytes:
    """The questionnaire of respondent `numero`; `retouche(workbook, pages by entity)` plants the fault."""
    modele = next(m for m in q.campagnes[campagne].modeles.values() if m.gabarit)
    tampon = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "default_date_format": "dd/mm/yyyy",
    }
    classeur = xlsxwriter.Workbook(tampon, {**options, "date_1904": date1904})
    classeur.set_properties({"title": "Questionnaire fictif", "created": _FIGE})
    notice = classeur.add_worksheet(modele.marque["feuille"])
    notice.write_column("A4", ["Édition", "Version du questionnaire"])
    notice.write_string(modele.marque["edition"], campagne)
    notice.write_string(modele.marque["version"], version or modele.versions[-1])
    pages: dict[str, Page] = {}
    for attendue in modele.feuilles:
        nom = noms.get(attendue.entite, attendue.noms[0])
        if nom is not None:
            pages[attendue.entite] = Page(classeur.add_worksheet(nom), attendue, q, titres)
    if not vierge:
        pages["repondant"].write({**REPONDANT, "finess_et": finess(numero)})
        if "systeme" in pages:
            for i, systeme in enumerate(SYSTEMES):
                pages["systeme"].write(systeme, i)
    if retouche:
        retouche(classeur, pages)
    classeur.close()
    return tampon.getvalue()


def finess(numero: int) -> str:
    """A number with a right key, in the range 019… nobody was ever given."""
    corps = f"019{numero:05d}"
    return corps + finess_key(corps)


def export(q: Questionnaire, numero: int, separateur: str, encodage: str) -> bytes:
    """One line of the consolidated export, with one system."""
    modele = q.campagnes[CAMPAGNE].modeles["export"]
    valeurs = {"repondant": {**REPONDANT, "finess_et": finess(numero), "edition": CAMPAGNE, "version_modele": "2026.1"}}
    valeurs["repondant"]["nb_systemes_total"] = 1
    valeurs["systeme"] = SYSTEMES[0]
    entetes, ligne = [], []
    for feuille in modele.feuilles[:2]:
        for colonne in feuille.colonnes:
            valeur = valeurs[feuille.entite].get(colonne.variable, "")
            if colonne.modalite is not None:
                valeur = "Y" if valeur == colonne.modalite else "N" if valeur else ""
            entetes.append(colonne.entetes[0].texte.replace("{n}", "1"))
            ligne.append(f"{valeur:%d/%m/%Y}" if isinstance(valeur, date) else str(valeur))
    tampon = io.StringIO(newline="")
    csv.writer(tampon, delimiter=separateur, lineterminator="\r\n").writerows([entetes, ligne])
    return tampon.getvalue().encode(encodage)


# --------------------------------------------------------------------------- faults inside a container


def rewritten(
    contenu: bytes, change: Mapping[str, Callable[[bytes], bytes]], ajoute: Mapping[str, bytes] = {}
) -> bytes:
    """The same zip with some parts changed and others added."""
    tampon = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(contenu)) as ancien, zipfile.ZipFile(tampon, "w", zipfile.ZIP_DEFLATED) as nouveau:
        parties = {i.filename: ancien.read(i) for i in ancien.infolist()} | dict(ajoute)
        for nom, octets in parties.items():
            fige = zipfile.ZipInfo(nom, (1980, 1, 1, 0, 0, 0))
            fige.compress_type = zipfile.ZIP_DEFLATED
            nouveau.writestr(fige, change.get(nom, lambda o: o)(octets))
    return tampon.getvalue()


def encrypted() -> bytes:
    """The least compound file ([MS-CFB]) saying « encrypted workbook » ([MS-OFFCRYPTO] 2.3.4.4): two opaque streams."""
    fin, libre, fat, rien = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF
    flux = {"EncryptedPackage": 2, "EncryptionInfo": 10}  # first of the 8 sectors (4096 bytes) of each
    entete = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    entete += struct.pack("<9I", 0, 1, 1, 0, 4096, fin, 0, fin, 0) + struct.pack("<109I", 0, *[libre] * 108)
    table = [fat, fin, *range(3, 10), fin, *range(11, 18), fin]
    secteurs = struct.pack("<128I", *table, *[libre] * (128 - len(table)))
    entrees = [
        ("Root Entry", 5, 1, fin, 0),
        ("EncryptedPackage", 2, rien, 2, 4096),
        ("EncryptionInfo", 2, rien, 10, 4096),
    ]
    for rang, (nom, genre, enfant, debut, taille) in enumerate(entrees):
        texte = (nom + "\0").encode("utf-16-le")
        suivant = 2 if rang == 1 else rien
        secteurs += texte.ljust(64, b"\0") + struct.pack("<HBB3I", len(texte), genre, 1, rien, suivant, enfant)
        secteurs += bytes(36) + struct.pack("<IQ", debut, taille)
    secteurs += bytes(66) + struct.pack("<3I", rien, rien, rien).rjust(14, b"\0") + bytes(48)
    corps = b"".join(bytes((7 * i + rang) % 251 for i in range(4096)) for rang in range(len(flux)))
    return entete + secteurs + corps


def bomb() -> bytes:
    """A workbook whose one sheet inflates a thousand times."""
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", "<Types/>")
        z.writestr("xl/workbook.xml", "<workbook/>")
        z.writestr(
            "xl/worksheets/sheet1.xml", b"<worksheet><sheetData>" + b" " * 20_000_000 + b"</sheetData></worksheet>"
        )
    return tampon.getvalue()


# --------------------------------------------------------------------------- faults inside a sheet


def _merged(_: Any, pages: dict[str, Page]) -> None:
    page = pages["systeme"]
    ligne, colonne = page.places["editeur_nom"]
    page.feuille.merge_range(ligne, colonne, ligne + 1, colonne, "Éditeur inventé")


def _hidden_rows(_: Any, pages: dict[str, Page]) -> None:
    page = pages["systeme"]
    page.feuille.set_row(page.places["num_systeme"][0] + 1, None, None, {"hidden": True})


def _hidden_column(_: Any, pages: dict[str, Page]) -> None:
    colonne = pages["systeme"].places["nom_systeme"][1]
    pages["systeme"].feuille.set_column(colonne, colonne, None, None, {"hidden": True})


def _hidden_sheet(_: Any, pages: dict[str, Page]) -> None:
    pages["systeme"].feuille.hide()


def _formula(resultat: str) -> Callable[[Any, dict[str, Page]], None]:
    def plant(_: Any, pages: dict[str, Page]) -> None:
        ligne, colonne = pages["repondant"].places["nb_systemes_total"]
        pages["repondant"].feuille.write_formula(ligne, colonne, "=COUNTA(SYSTEMES!A5:A304)", None, resultat)

    return plant


def _double_header(_: Any, pages: dict[str, Page]) -> None:
    page = pages["systeme"]
    page.feuille.write_string(page.places["stade"][0] - 1, len(page.places), "À quel stade en est-il ?")


def _unknown_header(_: Any, pages: dict[str, Page]) -> None:
    page = pages["systeme"]
    page.feuille.write_string(page.places["stade"][0] - 1, len(page.places), "Avis du service informatique")


def _no_headers(_: Any, pages: dict[str, Page]) -> None:
    """The header row removed: the first answers stand where the headers were."""
    page = pages["systeme"]
    for i in range(len(page.places)):
        page.feuille.write_string(page.places["num_systeme"][0] - 1, i, "")
    page.write({**SYSTEMES[0], "finalite": SECRET}, -1)


def _stray_note(_: Any, pages: dict[str, Page]) -> None:
    page = pages["systeme"]
    page.feuille.write_string(page.places["num_systeme"][0] + len(SYSTEMES), len(page.places) + 2, "à relire")


def _blank_rows(puis: bool) -> Callable[[Any, dict[str, Page]], None]:
    def plant(classeur: Any, pages: dict[str, Page]) -> None:
        page, style = pages["systeme"], classeur.add_format({"bg_color": "#FFFBE6"})
        premiere, colonne = page.places["num_systeme"]
        for i in range(len(SYSTEMES), _VIDES + len(SYSTEMES)):
            page.feuille.write_blank(premiere + i, colonne, None, style)
        if puis:
            page.write(
                {**SYSTEMES[0], "num_systeme": 3, "nom_systeme": "Système inventé Trois"}, _VIDES + len(SYSTEMES)
            )
            pages["repondant"].write({"nb_systemes_total": 3})

    return plant


def _doctype(octets: bytes) -> bytes:
    return octets.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]>\n<worksheet', 1)


def _macro_type(octets: bytes) -> bytes:
    ancien = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    return octets.replace(ancien, b"application/vnd.ms-excel.sheet.macroEnabled.main+xml")


FEUILLE_SYSTEME = "xl/worksheets/sheet3.xml"
Fabrique = Callable[[Questionnaire, int], bytes]
# File name → its content. The rank is the respondent's number: every file has its own.
COMMIS: Mapping[str, Fabrique] = {
    "bon.xlsx": lambda q, n: workbook(q, n),
    "bon.csv": lambda q, n: export(q, n, ";", "utf-8"),
    "pas_un_tableur.xlsx": lambda q, n: "Bonjour,\nvoici notre réponse : nous n'avons aucun système.\n".encode(),
    "image.xlsx": lambda q, n: b"\x89PNG\r\n\x1a\n" + bytes(64),
    "vide.xlsx": lambda q, n: b"",
    "page_html.xls": lambda q, n: "<html><body><table><tr><td>Réponse</td></tr></table></body></html>".encode(),
    "edition_precedente.xlsx": lambda q, n: workbook(q, n, campagne=PRECEDENTE),
    "version_inconnue.xlsx": lambda q, n: workbook(q, n, version="2026.9"),
    "feuille_absente.xlsx": lambda q, n: workbook(q, n, noms={"systeme": None}),
    "feuille_renommee.xlsx": lambda q, n: workbook(q, n, noms={"systeme": "Nos systèmes d'IA"}),
    "entete_en_double.xlsx": lambda q, n: workbook(q, n, retouche=_double_header),
    "entete_inconnu.xlsx": lambda q, n: workbook(q, n, retouche=_unknown_header),
    "entete_manquant.xlsx": lambda q, n: workbook(q, n, titres={"finalite": ""}),
    "cellules_fusionnees.xlsx": lambda q, n: workbook(q, n, retouche=_merged),
    "lignes_masquees.xlsx": lambda q, n: workbook(q, n, retouche=_hidden_rows),
    "colonnes_masquees.xlsx": lambda q, n: workbook(q, n, retouche=_hidden_column),
    "feuille_masquee.xlsx": lambda q, n: workbook(q, n, retouche=_hidden_sheet),
    "formule_sans_valeur.xlsx": lambda q, n: workbook(q, n, retouche=_formula("")),
    "erreur_ref.xlsx": lambda q, n: workbook(q, n, retouche=_formula("#REF!")),
    "mot_de_passe.xlsx": lambda q, n: encrypted(),
    "zero_ligne.xlsx": lambda q, n: workbook(q, n, vierge=True),
    "mauvais_encodage.csv": lambda q, n: export(q, n, ";", "cp1252"),
    "separateur_tabulation.csv": lambda q, n: export(q, n, "\t", "utf-8"),
    "macro.xlsm": lambda q, n: rewritten(
        workbook(q, n), {"[Content_Types].xml": _macro_type}, {"xl/vbaProject.bin": b"macro inerte"}
    ),
    "date_1904.xlsx": lambda q, n: workbook(q, n, date1904=True),
    "extension_trompeuse.xlsx": lambda q, n: export(q, n, ";", "utf-8"),
    "zip_tronque.xlsx": lambda q, n: workbook(q, n)[:6000],
    "doctype.xlsx": lambda q, n: rewritten(workbook(q, n), {FEUILLE_SYSTEME: _doctype}),
    "entetes_effaces.xlsx": lambda q, n: workbook(q, n, retouche=_no_headers),
    "note_hors_tableau.xlsx": lambda q, n: workbook(q, n, retouche=_stray_note),
    "utf8_abime.csv": lambda q, n: export(q, n, ";", "utf-8").replace("Éditeur".encode(), b"\x89diteur"),
}
ECRITS_AU_TEST: Mapping[str, Fabrique] = {
    "bombe.xlsx": lambda q, n: bomb(),
    "lignes_blanches_20000.xlsx": lambda q, n: workbook(q, n, retouche=_blank_rows(False)),
    "lignes_blanches_20000_puis_une.xlsx": lambda q, n: workbook(q, n, retouche=_blank_rows(True)),
}


def make(dossier: Path, noms: Sequence[str], projet: Path = RACINE) -> list[Path]:
    """Write these files into `dossier`; their paths."""
    q = load_questionnaire(projet)
    toutes = {**COMMIS, **ECRITS_AU_TEST}
    numeros = {nom: i for i, nom in enumerate(toutes, start=1)}
    dossier.mkdir(parents=True, exist_ok=True)
    ecrits = []
    for nom in noms:
        ecrits.append(dossier / nom)
        ecrits[-1].write_bytes(toutes[nom](q, numeros[nom]))
    return ecrits


if __name__ == "__main__":
    for chemin in make(FICHIERS, list(COMMIS)):
        print(f"{chemin.stat().st_size:>7} {chemin.name}")
