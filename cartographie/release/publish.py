"""Write a release directory whole or not at all, and sign its manifest."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd

from cartographie.base.errors import UserError
from cartographie.base.files import recover_folder, whole_folder, write_whole
from cartographie.base.paper import render
from cartographie.release.data import build_data_files, build_datapackage, build_dcat, format_csv, slug
from cartographie.release.manifest import (
    FICHIER,
    NOM,
    NOTES_COMMUNES,
    PROVISOIRE,
    Notice,
    Revision,
    alerts,
    banner,
    build_manifest,
    build_revisions,
    dumps,
    read_manifest,
)
from cartographie.release.maps import LARGEUR, build_cartes, draw, is_readable, read_geometry, say_absent, to_png
from cartographie.release.page import build_page
from cartographie.release.reports import build_press_sheet, build_quality_report
from cartographie.release.workbook import write_workbook
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Tableau

# ---- what a release is made of, before it is written


@dataclass(frozen=True, slots=True)
class Demande:
    """A release as asked for. `jour`: "" for the end of the campaign; `remplace`: name of the version corrected."""

    campagne: str
    version: str
    jour: str = ""
    remplacer: bool = False
    nature: str = "provisoire"
    remplace: str = ""
    motif: str = ""


@dataclass(frozen=True, slots=True)
class Preparation:
    """A release before it is written. `exacts`: counts behind its figures; `lues`: (directory, exact counts) of each earlier
    release read with it; `cadre`: the sampling frame, whose units a model's figures rest on. Confidential."""

    q: Questionnaire
    dossier: Path
    tableaux: Sequence[Tableau]
    meta: Notice
    exacts: pd.DataFrame
    lues: Sequence[tuple[Path, pd.DataFrame]]
    cadre: pd.DataFrame


# ---- signed manifests: SSH signatures (OpenSSH, `ssh-keygen -Y`), made and verified by ssh-keygen itself

# The manifest holds the fingerprint of every other file: signing it signs the release. Keys stay outside the workspace.

SIGNATURE = f"{NOM}.sig"
DELAI = 300  # seconds, to type a passphrase
ESPACE_DE_NOMS = "cartographie"  # a signature made for something else is not one of a release


def sign_release(dossier: Path, cle: Path, projet: Path) -> Path:
    """Write manifeste.json.sig. Raises UserError U21 (no release), U24 (no tool, no key), U25 (a key inside the workspace)."""
    if not (dossier / NOM).is_file():
        raise UserError("U21", f"« {dossier} » n'est pas une publication (pas de {NOM}).")
    if not cle.is_file():
        raise UserError(
            "U24", f"« {cle} » n'existe pas : donnez une clé privée SSH (ssh-keygen -t ed25519 en crée une)."
        )
    if cle.resolve().is_relative_to(projet.resolve()):
        raise UserError(
            "U25", f"« {cle} » est dans l'espace de travail : gardez les clés ailleurs, elles y seraient partagées."
        )
    fini = _ssh_keygen("-Y", "sign", "-q", "-f", str(cle), "-n", ESPACE_DE_NOMS, entree=(dossier / NOM).read_bytes())
    if fini.returncode or not fini.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise UserError("U24", f"ssh-keygen n'a pas signé avec « {cle} » : vérifiez la clé et sa phrase secrète.")
    return write_whole(dossier / SIGNATURE, fini.stdout)


def verify_signature(dossier: Path, signataires: Path | None) -> tuple[bool, str]:
    """(valid, what is said of it). `signataires`: an OpenSSH allowed_signers file; without it, the signer is not known."""
    texte, signature = (dossier / NOM).read_bytes(), str(dossier / SIGNATURE)
    if signataires is None:
        fini = _ssh_keygen("-Y", "check-novalidate", "-n", ESPACE_DE_NOMS, "-s", signature, entree=texte)
        if fini.returncode:
            return False, "La signature n'est pas celle de ce manifeste."
        cle = fini.stdout.decode(errors="replace").strip().rsplit(" ", 1)[-1]
        return True, f"Signature intacte, de la clé {cle} ; donnez --signataires pour savoir de qui."
    trouve = _ssh_keygen("-Y", "find-principals", "-s", signature, "-f", str(signataires))
    noms = trouve.stdout.decode(errors="replace").split()
    for nom in noms[:1]:
        fini = _ssh_keygen(
            "-Y", "verify", "-f", str(signataires), "-I", nom, "-n", ESPACE_DE_NOMS, "-s", signature, entree=texte
        )
        if not fini.returncode:
            return True, f"Signé par {nom}."
        return False, "La signature n'est pas celle de ce manifeste."
    return False, "La clé qui a signé n'est pas dans la liste des signataires."


def _ssh_keygen(*arguments: str, entree: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    outil = shutil.which("ssh-keygen")
    if outil is None:
        raise UserError("U24", "ssh-keygen est introuvable : installez OpenSSH pour signer ou vérifier une signature.")
    try:
        return subprocess.run([outil, *arguments], input=entree, capture_output=True, timeout=DELAI, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(
            "U24", "ssh-keygen n'a pas répondu : relancez, et tapez la phrase secrète de la clé quand il la demande."
        ) from None


# ---- write a release directory whole or not at all

RAPPORT, PRESSE, PLAUSIBILITE = "rapport-qualite.html", "presse.html", "plausibilite.html"
DECLARATIONS = "declarations.zip"
CHERCHEURS = "chercheurs"
RESERVES = ("controle", "tableaux", CHERCHEURS)  # what other commands write beside the releases


def publish(
    dossier_sortie: Path,
    tableaux: Sequence[Tableau],
    meta: Notice,
    remplacer: bool = False,
    controle: Callable[[Path], None] | None = None,
) -> list[Path]:
    """The paths written, the manifest last. Raises UserError E15 (status 15) when the directory exists.

    `remplacer`: an existing release (nothing else: it must hold a manifest) leaves once the new one is whole.

    `controle` is given the files before anybody can see them: what it raises leaves no release.

    Files are written in a hidden sibling directory, renamed at the end: an interruption leaves no release.
    """
    dossier_sortie = Path(dossier_sortie)
    check_free(dossier_sortie, remplacer)
    fichiers = build_files(tableaux, meta)
    with whole_folder(dossier_sortie) as attente:
        for nom, contenu in fichiers.items():
            chemin = attente / nom
            chemin.parent.mkdir(parents=True, exist_ok=True)
            chemin.write_bytes(contenu)
        if controle is not None:
            controle(attente)
        check_free(dossier_sortie, remplacer)  # a rename would replace an empty directory
    return [dossier_sortie / nom for nom in fichiers]


def build_files(tableaux: Sequence[Tableau], meta: Notice) -> dict[str, bytes]:
    """Every file of the release, by relative path. Same inputs, same bytes."""
    fichiers = build_data_files(tableaux, meta)
    fichiers[f"{slug(meta)}.xlsx"] = write_workbook(tableaux, meta)
    meta = replace(meta, revision=_revise(meta.revision, fichiers))
    fichiers |= {nom: texte.encode("utf-8") for nom, texte in build_reports(tableaux, meta).items()}
    fichiers |= build_pictures(tableaux, meta, sorted(fichiers))
    fichiers["datapackage.json"] = build_datapackage(fichiers, tableaux, meta)
    fichiers["catalogue.jsonld"] = build_dcat(fichiers, meta)
    if meta.declarations_jointes:
        fichiers[DECLARATIONS] = zip_files(meta.declarations_jointes)
    fichiers["LISEZMOI.txt"] = render(
        "release/templates/lisezmoi.txt.j2", m=meta, r=meta.revision, bandeau=banner(meta), mentions=alerts(meta),
        notes=NOTES_COMMUNES, tableaux=tableaux,
    ).encode("utf-8")  # fmt: skip
    fichiers[NOM] = dumps(build_manifest(fichiers, tableaux, meta))
    return fichiers


def zip_files(fichiers: Mapping[str, bytes]) -> bytes:
    """One archive, the same bytes from the same files: sorted, dated 1980, stored by deflate."""
    tampon = io.BytesIO()
    with ZipFile(tampon, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for nom, contenu in sorted(fichiers.items()):
            membre = ZipInfo(nom, date_time=(1980, 1, 1, 0, 0, 0))
            membre.compress_type, membre.external_attr, membre.create_system = ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(membre, contenu)
    return tampon.getvalue()


def build_reports(tableaux: Sequence[Tableau], meta: Notice) -> dict[str, str]:
    """Pages to be read by people: quality, press, and what the campaign was expected to show (without any value)."""
    rapports = {RAPPORT: build_quality_report(tableaux, meta), PRESSE: build_press_sheet(tableaux, meta)}
    if meta.plausibilite_html:
        rapports[PLAUSIBILITE] = meta.plausibilite_html
    return rapports


def _revise(r: Revision, fichiers: dict[str, bytes]) -> Revision:
    """Add what a correction changes to `fichiers`; the revision with the number of figures it changes."""
    revisions = build_revisions(r, fichiers)
    if revisions is None:
        return r
    fichiers[FICHIER] = format_csv(revisions).encode("utf-8")
    return replace(r, nombre=len(revisions))


def build_pictures(tableaux: Sequence[Tableau], meta: Notice, a_telecharger: Sequence[str]) -> dict[str, bytes]:
    """The maps that have enough to show, as SVG and PNG, and the page, which says why the others are not drawn. `a_telecharger`: the other files, offered by the page."""
    g = read_geometry()
    cartes = [c for c in build_cartes(tableaux, meta) if c.niveau in g.niveaux]
    fichiers: dict[str, bytes] = {}
    dessinees = [c for c in cartes if is_readable((x for p in c.panneaux for x in p.lieux), g.niveaux[c.niveau], meta)]
    for carte in dessinees:
        svg = draw(carte, g, meta)
        nom = f"cartes/{carte.code}{meta.suffixe}"
        fichiers[f"{nom}.svg"], fichiers[f"{nom}.png"] = svg.encode("utf-8"), to_png(svg, 2 * LARGEUR)
    absentes = [say_absent(c, g.niveaux[c.niveau], meta) for c in cartes if c not in dessinees]
    fichiers["index.html"] = build_page(tableaux, dessinees, absentes, g, meta, [*a_telecharger, *fichiers])
    return fichiers


def releases(sorties: Path) -> list[Path]:
    """The releases of outputs/<campagne>, by name; [] when there are none."""
    return sorted(p.parent for p in sorties.glob(f"*/{NOM}") if not p.parent.name.startswith("."))


def release_folder(sorties: Path, version: str) -> Path:
    """outputs/<campagne>/<version>; a version is a plain name, never a path. Raises UserError U12."""
    if not re.fullmatch(r"\w[\w.-]{0,60}", version) or version in RESERVES:
        raise UserError(
            "U12",
            f"« {version} » ne peut pas nommer une version : lettres, chiffres, « . », « - » ou « _ » (par exemple v1).",
        )
    return sorties / version


def check_free(dossier: Path, remplacer: bool = False) -> None:
    """Raise UserError E15 unless `dossier` is absent, or a provisional release, unsigned, that may be replaced."""
    recover_folder(dossier)
    if not dossier.exists():
        return
    if not remplacer or not (dossier / NOM).is_file():
        raise UserError(
            "E15", f"la publication « {dossier.name} » existe déjà : choisissez un autre nom de version ou retirez-la d'abord.",
        )  # fmt: skip
    nature = (read_manifest(dossier).get("revision") or {}).get("nature", PROVISOIRE)
    if nature != PROVISOIRE or (dossier / SIGNATURE).is_file():
        raise UserError(
            "E15", f"la publication « {dossier.name} » est {nature if nature != PROVISOIRE else 'signée'} : elle ne se remplace pas, "
            "publiez une version corrigée sous un autre nom.",
        )  # fmt: skip
