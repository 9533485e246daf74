"""The steps of an audit in order, and the first where a release parts from what it should be."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cartographie.audit import etapes
from cartographie.audit.etapes import Etape, Verdict, skipped, step
from cartographie.audit.rejeu import Sources, check_program, check_received, workspace
from cartographie.errors import Statut, UserError
from cartographie.release.comparaison import compare_figures, is_table, read_figures
from cartographie.release.manifest import NOM
from cartographie.release.preparation import Preparation

Refaire = Callable[[Path, Mapping[str, Any]], Preparation]
SANS_BRUT = "Demande les fichiers reçus (--raw)."
REFAIT = (
    ("controle", "Contrôle refait : comptes des lignes et des cellules"),
    ("ponderation", "Poids recalculés"),
    ("secret", "Masquage refait"),
    ("tableaux", "Chaque chiffre recalculé"),
    ("attaque", "Attaque de la publication"),
    ("octets", "Octets de chaque fichier"),
)
# where a difference is first seen, from what is received to what is written
ORDRE = ("reception", "declarations", "programme", "controle", "ponderation", "secret", "tableaux", "formes", "attaque", "octets",
         "empreintes", "signature")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Audit:
    """`ecarts`: one row is one published figure that differs: key, value and status published (avant) and recomputed (apres)."""

    dossier: Path
    campagne: str
    version: str
    etapes: tuple[Etape, ...]
    ecarts: pd.DataFrame

    @property
    def conforme(self) -> bool:
        return not any(e.verdict is Verdict.DIFFERENT for e in self.etapes)

    @property
    def premiere(self) -> Etape | None:
        """The first stage that differs, in the order things are made."""
        fautives = {e.code: e for e in self.etapes if e.verdict is Verdict.DIFFERENT}
        return next((fautives[c] for c in ORDRE if c in fautives), None)


def audit_release(
    dossier: Path, raw: Path | None, refaire: Refaire, signataires: Path | None = None,
    progres: Callable[[str, int, int], None] = lambda *_: None,
) -> Audit:  # fmt: skip
    """`raw`: raw/<campagne>, None to verify only what the release proves by itself. `refaire`: makes a release again from a
    workspace. Raises UserError U21 when `dossier` is no release, U24 when `raw` is not that of its campaign."""
    manifeste = _manifest(dossier)
    campagne, version = str(manifeste.get("campagne")), str(manifeste.get("version"))
    if raw is not None and raw.resolve().name != campagne:
        raise UserError("U24", f"« {raw} » n'est pas le dossier de la campagne {campagne} : donnez raw/{campagne}.")
    faites: list[Etape] = []
    seules: tuple[tuple[str, Callable[[], Etape]], ...] = (
        ("empreintes", lambda: etapes.check_fingerprints(dossier, manifeste)),
        ("signature", lambda: etapes.check_signature(dossier, signataires)),
        ("déclarations", lambda: etapes.check_declarations(dossier, manifeste)),
        ("formes", lambda: etapes.check_forms(dossier, manifeste)),
    )
    for titre, etape in seules:
        progres(f"Audit : {titre}", 0, 1)
        faites.append(etape())
        progres(f"Audit : {titre}", 1, 1)
    ecarts = pd.DataFrame()
    if raw is None:
        faites += [skipped(c, t, SANS_BRUT) for c, t in (("reception", "Fichiers reçus"), *REFAIT)]
    else:
        racine = raw.resolve().parent
        sources = Sources(racine, racine.parent / "schemas", dossier.resolve().parent.parent)
        faites += [check_received(manifeste, racine), check_program(manifeste)]
        refaites, ecarts = _again(dossier, manifeste, sources, refaire)
        faites += refaites
    return Audit(dossier, campagne, version, tuple(faites), ecarts)


def _manifest(dossier: Path) -> dict[str, Any]:
    try:
        lu = json.loads((dossier / NOM).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("U21", f"« {dossier} » n'est pas une publication (pas de {NOM}).") from None
    except (ValueError, UnicodeDecodeError):
        lu = None
    if not isinstance(lu, dict) or not isinstance(lu.get("entrees"), dict) or not isinstance(lu.get("sorties"), dict):
        raise UserError("U26", f"{dossier / NOM} ne se lit plus : la publication a été altérée.", Statut.AUDIT)
    return lu


def _again(
    dossier: Path, manifeste: Mapping[str, Any], sources: Sources, refaire: Refaire
) -> tuple[list[Etape], pd.DataFrame]:
    """The steps that need everything made again; when it cannot be, why, in the first of them."""
    premier, *suite = REFAIT
    try:
        with workspace(dossier, manifeste, sources) as (projet, manquent):
            if manquent:
                return [
                    step(*premier, manquent),
                    *(skipped(*x, "Le contrôle n'a pas pu être refait.") for x in suite),
                ], pd.DataFrame()
            return _compare(dossier, manifeste, refaire(projet, manifeste))
    except (UserError, OSError, ValueError, KeyError) as e:
        dit = e.message if isinstance(e, UserError) else f"les pièces ne se lisent plus ({type(e).__name__})"
        constat = f"Rien ne peut être refait : {dit}"
        return [
            step(*premier, [constat]),
            *(skipped(*x, "Le contrôle n'a pas pu être refait.") for x in suite),
        ], pd.DataFrame()


def _compare(dossier: Path, manifeste: Mapping[str, Any], p: Preparation) -> tuple[list[Etape], pd.DataFrame]:
    from cartographie.attaque import attack_release
    from cartographie.release.publish import build_files

    fichiers = build_files(p.tableaux, p.meta)
    refait = json.loads(fichiers[NOM])
    titres = dict(REFAIT)
    etapes_ = [
        step(cle, titres[cle], [f"{champ} : le manifeste ne dit pas ce que donne le recalcul" for champ in champs if manifeste.get(champ) != refait.get(champ)])
        for cle, champs in (("controle", ("comptes", "vraisemblance")), ("ponderation", ("ponderation",)), ("secret", ("secret",)))
    ]  # fmt: skip
    publies = read_figures(dossier)[0]
    recalcules = pd.concat(
        [pd.read_csv(io.BytesIO(c), dtype=str, keep_default_na=False, encoding="utf-8") for n, c in sorted(fichiers.items()) if is_table(Path(n))],
        ignore_index=True,
    )  # fmt: skip
    ecarts, communs = compare_figures(publies, recalcules)
    dits = [_says(x) for x in ecarts.head(etapes.MONTRES + 1).to_dict("records")]
    note = [] if len(ecarts) else [f"{communs} chiffres, tous retrouvés"]
    tableaux = step("tableaux", titres["tableaux"], dits)
    etapes_.append(tableaux if len(ecarts) else Etape(tableaux.code, tableaux.titre, Verdict.CONFORME, tuple(note)))
    try:
        rapport = attack_release(dossier, p.q, p.exacts, p.meta["seuils"], p.lues)
        manquements = rapport.manquements
    except Exception as e:  # whatever was done to the files
        manquements = [f"L'attaque ne peut plus lire la publication ({type(e).__name__})"]
    etapes_.append(step("attaque", titres["attaque"], manquements))
    autres = [
        f"{nom} : n'a pas les octets que donne le recalcul"
        for nom, contenu in sorted(fichiers.items())
        if not (dossier / nom).is_file() or (dossier / nom).read_bytes() != contenu
    ]
    etapes_.append(step("octets", titres["octets"], autres))
    return etapes_, ecarts


def _says(x: Mapping[Any, Any]) -> str:
    lieu = " ".join(str(x[c]) for c in x if c.endswith("_code") or c in ("indicateur", "denominateur") if x[c])
    avant, apres = (f"{x[f'valeur_{q}'] or 'vide'} ({x[f'statut_{q}'] or 'aucun'})" for q in ("avant", "apres"))
    return f"Tableau {x['table_id']}, {lieu} : {avant} publié, {apres} recalculé"
