"""The rules of a CSV, and which rules a file is held to."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator
from pathlib import Path

from cartographie.lint.defaut import Defaut, is_formula
from cartographie.text import personal_data

CSV, CLASSEURS = {".csv"}, {".xlsx", ".xlsm"}
SEPARATEURS = ",;\t|"


def lint_file(chemin: Path, admis: Collection[str] = ()) -> list[Defaut]:
    """Everything wrong with one file, in reading order; [] for a kind of file without rules. `admis`: texts that may hold
    personal data (the producer's contact)."""
    if chemin.suffix.lower() in CLASSEURS:
        from cartographie.lint.classeur import lint_workbook

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
        yield Defaut(
            "K01", f"{chemin.name}, ligne {rang}", "n'est pas en UTF-8 : enregistrez-le de nouveau en « CSV UTF-8 »"
        )
        return
    premiere = texte.partition("\n")[0]
    separateur = max(SEPARATEURS, key=lambda s: (premiere.count(s), -SEPARATEURS.index(s)))
    lignes = list(csv.reader(io.StringIO(texte, newline=""), delimiter=separateur))
    if not lignes or not any(lignes[0]):
        yield Defaut("K02", chemin.name, "n'a pas d'en-tête : nommez les colonnes sur la première ligne")
        return
    if len({c.strip().casefold() for c in lignes[0]}) < len(lignes[0]) or not all(c.strip() for c in lignes[0]):
        yield Defaut(
            "K03", f"{chemin.name}, ligne 1", "a des en-têtes vides ou répétés : donnez à chaque colonne un nom à elle"
        )
    for i, ligne in enumerate(lignes[1:], start=2):
        if len(ligne) != len(lignes[0]):
            yield Defaut("K04", f"{chemin.name}, ligne {i}", f"a {len(ligne)} champs au lieu de {len(lignes[0])}")
        for nom, valeur in zip(lignes[0], ligne, strict=False):
            ou = f"{chemin.name}, ligne {i}, colonne {nom}"
            if is_formula(valeur):
                yield Defaut(
                    "K05",
                    ou,
                    "commence comme une formule : un tableur l'exécuterait ; faites précéder d'une apostrophe",
                )
            if valeur not in admis and (genre := personal_data(valeur)):
                yield Defaut("K06", ou, f"semble contenir une donnée personnelle ({genre}) : retirez-la")
