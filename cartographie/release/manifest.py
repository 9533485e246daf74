"""The manifest of a release, what every output states, what a version corrects, and two releases compared."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from cartographie.base.errors import UserError
from cartographie.base.files import sha256_of
from cartographie.base.paper import Grille, render
from cartographie.base.text import espace, nombre
from cartographie.survey.published import CHIFFRES, SDMX, STATUTS, Masquage
from cartographie.survey.received import Depot, Tableau
from cartographie.survey.written.declared import Axe, Publication, Qualite, Seuils

if TYPE_CHECKING:
    from cartographie.release.editorial import ChiffreAnnonce
    from cartographie.release.plausibility import Attente
    from cartographie.statistics.weights import PonderationPubliee

RESERVEES = ("corrections.yaml", "rapprochements.csv")  # about one respondent each: fingerprinted, never published

# ---- what a release states about itself

PROVISOIRE, DEFINITIVE, CORRIGEE = NATURES = ("provisoire", "définitive", "corrigée")


@dataclass(frozen=True, slots=True)
class Revision:
    """What a version is. `nature`: one of NATURES. `remplace`: the release corrected, None when it is the first of its kind;
    `nombre`: figures revised, once they are known."""

    nature: str
    remplace: Path | None = None
    motif: str = ""
    nombre: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a release states about itself: titles, dates, inputs, program, accounts. Clock and commit are given, never read.

    `publication`, `axes`: of enquete.yaml; `qualite`: of qualite.yaml, plain values. `comptes`: campaign → rows and cells by what
    became of them. `declarations`, `pieces`: path → sha256; `declarations_jointes`: path → content of those that are published.
    `comparabilite`: libelle, drapeau, note of each question that changed. `anterieures`: earlier release → sha256 of its
    manifest. `secret_secondaire`: secondary secrecy was applied. `vagues`: rank of a key figure → do late answers differ, in words."""

    titre: str
    sous_titre: str = ""
    producteur: str
    contact: str = ""
    licence: str
    fictif: bool
    axes: Mapping[str, Axe]
    publication: Publication
    theme: str = ""
    campagne: str
    campagnes: Sequence[str]
    precedente: str | None
    debut: str
    fin: str
    champ: str
    version: str
    date: str
    commit: str | None = None
    programme: Mapping[str, str]
    seuils: Seuils
    qualite: Qualite
    libelles: Mapping[str, str]
    comparabilite: Sequence[Mapping[str, str]]
    depots: Sequence[Depot]
    declarations: Mapping[str, str]
    declarations_jointes: Mapping[str, bytes] = field(default_factory=dict)
    pieces: Mapping[str, str] = field(default_factory=dict)
    comptes: Mapping[str, Mapping[str, Mapping[str, int]]]
    revision: Revision = Revision(PROVISOIRE)
    secret_secondaire: bool = False
    secret: Masquage = Masquage()
    ponderation: PonderationPubliee | None = None
    plausibilite: Sequence[Attente] = ()
    plausibilite_html: str = ""
    chiffres_cles: Sequence[ChiffreAnnonce] = ()
    vagues: Mapping[int, str] = field(default_factory=dict)
    anterieures: Mapping[str, str] = field(default_factory=dict)

    @property
    def suffixe(self) -> str:
        """Ends the name of a file: the campaign, and the mention when the data are fictitious."""
        return f"_{self.campagne}{'_donnees-fictives' if self.fictif else ''}"


# ---- what every output must say, worded once: fictitious data, working version, shorthand, common notes

_DITES = yaml.safe_load((files("cartographie.release") / "mentions.yaml").read_text(encoding="utf-8"))
FICTIF, PHRASE_FICTIF = _DITES["fictif"].values()
TRAVAIL, PHRASE_TRAVAIL = _DITES["travail"].values()
SANS_OBJET, NOTES_COMMUNES = tuple(_DITES["sans_objet"]), tuple(_DITES["notes"])
# status of a figure → (shorthand of the workbook, meaning)
ABREGES = {e.code: (e.abrege, e.sens) for e in STATUTS.values() if e.abrege}


def mentions(meta: Notice) -> list[str]:
    """Sentences that head every output of this release."""
    phrases = [PHRASE_FICTIF] if meta.fictif else []
    return phrases if meta.secret_secondaire else [*phrases, PHRASE_TRAVAIL]


def alerts(meta: Notice) -> list[str]:
    """The same, and each figure required that is not shown, why, and why the rest is."""
    manques = [
        f"Chiffre clé non publié : {c}, {c.pourquoi} (dérogation : {c.derogation})."
        for c in meta.chiffres_cles
        if c.pourquoi
    ]
    return [*mentions(meta), *manques]


def banner(meta: Notice) -> list[str]:
    """The same in a few words."""
    return [*([FICTIF] if meta.fictif else []), *([] if meta.secret_secondaire else [TRAVAIL])]


# ---- the manifest of a release: fingerprints of what went in and came out, versions, parameters, row accounts

NOM = "manifeste.json"


def build_manifest(fichiers: Mapping[str, bytes], tableaux: Sequence[Tableau], meta: Notice) -> dict[str, Any]:
    """Plain values, sorted. `fichiers`: relative path → content of every other file of the release."""
    r = meta.revision
    return {
        "titre": meta.titre,
        "campagne": meta.campagne,
        "version": meta.version,
        "revision": {
            "nature": r.nature, "remplace": r.remplace.name if r.remplace else None, "motif": r.motif or None, "nombre": r.nombre,
        },
        "date": meta.date,
        "commit": meta.commit,
        "producteur": meta.producteur,
        "licence": meta.licence,
        "donnees_fictives": meta.fictif,
        "secret_secondaire": meta.secret_secondaire,
        "mentions": mentions(meta),
        "programme": dict(sorted(meta.programme.items())),
        "parametres": {"seuils": dict(sorted(meta.seuils.items()))},
        "entrees": {
            "depots": sorted((_depot(d) for d in meta.depots), key=lambda d: (d["campagne"], d["depot"])),
            "declarations": dict(sorted(meta.declarations.items())),
            "pieces": dict(sorted(meta.pieces.items())),
        },
        "comptes": meta.comptes,
        "ponderation": asdict(meta.ponderation) if meta.ponderation else None,
        "secret": asdict(meta.secret),
        "vraisemblance": {
            a.code: {"libelle": a.libelle, "tenue": a.tenue, "derogation": a.derogation or None} for a in meta.plausibilite
        },
        "chiffres_cles": {
            c.code: {"libelle": c.libelle, "tableau": c.tableau, "non_publie": c.pourquoi or None, "derogation": c.derogation or None}
            for c in meta.chiffres_cles
        },
        "publications_anterieures": dict(meta.anterieures),
        "tableaux": {t.code: _tableau(t) for t in tableaux},
        "sorties": {
            nom: {"sha256": hashlib.sha256(contenu).hexdigest(), "octets": len(contenu)}
            for nom, contenu in sorted(fichiers.items())
        },
    }  # fmt: skip


def manifest_fingerprint(dossier: Path) -> str:
    """sha256 of the manifest of a release, which holds that of every other file."""
    return sha256_of(dossier / NOM)


def read_manifest(dossier: Path) -> dict[str, Any]:
    """The manifest of a release. Raises UserError U21 (no release), U26 (status 16: it no longer reads)."""
    try:
        lu = json.loads((dossier / NOM).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            "U21", f"« {dossier} » n'est pas une publication (pas de {NOM}) : donnez un dossier de outputs/<campagne>/."
        ) from None
    except ValueError:
        lu = None
    if not isinstance(lu, dict) or not all(isinstance(lu.get(c), dict) for c in ("entrees", "sorties", "tableaux")):
        raise UserError("U26", f"{dossier / NOM} ne se lit plus : la publication a été altérée.")
    return lu


def dumps(contenu: object) -> bytes:
    return (json.dumps(contenu, ensure_ascii=False, indent=1, default=str) + "\n").encode("utf-8")


def _depot(depot: Depot) -> dict[str, Any]:
    """A received file without its name: file names may name a person or an establishment."""
    return {cle: getattr(depot, cle) for cle in ("campagne", "depot", "sha256", "taille", "role")}


def _tableau(t: Tableau) -> dict[str, Any]:
    return {"titre": t.meta.titre, "lignes": len(t.df), "statuts": dict(sorted(Counter(t.df["statut"]).items()))}


# ---- two releases, figure by figure: of the same edition (a correction) or of two editions

TABLEAUX = "tableaux/*.csv"
# what is compared, in the order it is told
COMPARES = ("valeur", "statut", "n_repondants", "ic_bas", "ic_haut", "n_pondere")
HORS_CLE = {c.nom for c in (*CHIFFRES, *SDMX)}
AJOUTE, RETIRE, VALEUR, STATUT, EFFECTIF, PRECISION = "ajouté", "retiré", "valeur", "statut", "effectif", "précision"
# what is said of a figure that differs in several ways: the last of these
GENRES = ((PRECISION, "n_pondere"), (PRECISION, "ic_bas"), (PRECISION, "ic_haut"), (EFFECTIF, "n_repondants"), (STATUT, "statut"),
          (VALEUR, "valeur"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparaison:
    """`ecarts`: one row is one figure that differs: its key, `ecart` (what differs), the values before and after.
    `communs`: figures found in both; `editions`: the campaigns compared."""

    ecarts: pd.DataFrame
    communs: int
    editions: tuple[str, str]
    fictif: bool


def compare_releases(avant: Path, apres: Path) -> Comparaison:
    """Raises UserError U21 when a directory is no release. Labels are not compared: codes are."""
    (ancien, a), (nouveau, b) = read_figures(avant), read_figures(apres)
    if a["campagne"] != b["campagne"]:  # each edition's own figures, told apart by everything but the year
        ancien, nouveau = (
            df[df["edition"] == m["campagne"]].assign(edition=f"{a['campagne']} → {b['campagne']}")
            for df, m in ((ancien, a), (nouveau, b))
        )
    fictif = bool(a.get("donnees_fictives") or b.get("donnees_fictives"))
    return Comparaison(*compare_figures(ancien, nouveau), (str(a["campagne"]), str(b["campagne"])), fictif)


def compare_figures(ancien: pd.DataFrame, nouveau: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """(what differs, figures found in both); frames as read from the CSV files, text only."""
    cle = [c for c in nouveau.columns if c in ancien.columns and c not in HORS_CLE and not c.endswith("_libelle")]
    colonnes = [*cle, *COMPARES]
    tous = ancien[colonnes].merge(nouveau[colonnes], on=cle, how="outer", suffixes=("_avant", "_apres"), indicator=True)
    genre = pd.Series("", index=tous.index)
    for nom, colonne in GENRES:
        genre[tous[f"{colonne}_avant"] != tous[f"{colonne}_apres"]] = nom
    genre[tous["_merge"] == "left_only"], genre[tous["_merge"] == "right_only"] = RETIRE, AJOUTE
    ecarts = tous.assign(ecart=genre).drop(columns="_merge")[genre != ""].fillna("").reset_index(drop=True)
    ecarts = ecarts[[*cle, "ecart", *(f"{c}_{q}" for c in COMPARES for q in ("avant", "apres"))]]
    return ecarts, int((tous["_merge"] == "both").sum())


def format_comparison_html(c: Comparaison, titre: str) -> str:
    """A page that stands alone: one table, its caption, every difference."""
    tetes = [x.replace("_", " ") for x in c.ecarts.columns]
    return render(
        "release/templates/ecarts.html.j2", titre=titre, alertes=[FICTIF] if c.fictif else [],
        resume=f"{espace(c.communs)} chiffres communs, {nombre(len(c.ecarts), 'différence', 'différences')}.",
        differences=Grille("Différences", tetes, c.ecarts.itertuples(index=False)),
    )  # fmt: skip


def is_table(chemin: Path) -> bool:
    """Is this the reference CSV of one table, by its name: neither a twin nor the cube."""
    return chemin.match(TABLEAUX) and not chemin.name.endswith("-excel.csv") and not chemin.name.startswith("cube")


def read_figures(dossier: Path) -> tuple[pd.DataFrame, dict[str, object]]:
    """(every published figure as text, the manifest). Raises UserError U21 when `dossier` is no release."""
    manifeste = read_manifest(dossier)
    fichiers = {p.relative_to(dossier).as_posix(): p.read_bytes() for p in dossier.glob(TABLEAUX)}
    return figures_of(fichiers), manifeste


def figures_of(fichiers: Mapping[str, bytes]) -> pd.DataFrame:
    """Every figure of the files of a release (relative path → content), as text."""
    tables = [io.BytesIO(contenu) for nom, contenu in sorted(fichiers.items()) if is_table(Path(nom))]
    lus = [pd.read_csv(t, dtype=str, keep_default_na=False, encoding="utf-8") for t in tables]
    return pd.concat(lus, ignore_index=True)


# ---- what a correction changes: a published version is never overwritten, it is replaced by another

FICHIER = "revisions.csv"


def make_revision(nature: str, dossier: Path, remplacee: Path | None, motif: str) -> Revision:
    """A corrected version names the release it replaces, another one than `dossier`, and why. Raises UserError U21, U23."""
    if nature not in NATURES:
        raise UserError("U23", f"« {nature} » n'est pas une nature de version : {', '.join(NATURES)}.")
    if bool(remplacee) != bool(motif.strip()) or (nature == CORRIGEE) != bool(remplacee):
        raise UserError(
            "U23", "une version corrigée, et elle seule, dit ce qu'elle remplace et pourquoi : ajoutez « --nature corrigée », "
            "« --remplace VERSION » et « --motif TEXTE ».",
        )  # fmt: skip
    if remplacee is None:
        return Revision(nature)
    if remplacee == dossier:
        raise UserError(
            "U23", "une version corrigée ne se remplace pas elle-même : donnez-lui un autre nom (--version)."
        )
    read_figures(remplacee)  # says at once that it is no release
    return Revision(nature, remplacee, motif.strip())


def build_revisions(r: Revision, fichiers: Mapping[str, bytes]) -> pd.DataFrame | None:
    """One row: one figure revised: its key, value and status before and after, the cause. None unless it is a correction."""
    if r.remplace is None:
        return None
    ecarts, _ = compare_figures(read_figures(r.remplace)[0], figures_of(fichiers))
    cle = list(ecarts.columns[: ecarts.columns.get_loc("ecart")])
    ancien, nouveau = ([f"{c}_{q}" for c in COMPARES] for q in ("avant", "apres"))
    return ecarts[[*cle, "ecart", *ancien, *nouveau]].assign(motif=r.motif)
