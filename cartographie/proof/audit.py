"""The steps of an audit in order, the first where a release parts from what it should be, and the report of it in French."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cartographie.base.errors import Statut, UserError
from cartographie.base.paper import Grille, render
from cartographie.proof import steps
from cartographie.proof.steps import (
    MAL_FORME,
    Etape,
    Sources,
    Verdict,
    check_program,
    check_received,
    guarded,
    skipped,
    step,
    workspace,
)
from cartographie.release.manifest import NOM, compare_figures, figures_of, read_figures, read_manifest
from cartographie.release.publish import Preparation

# ---- the steps of an audit in order, and the first where a release parts from what it should be

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
    manifeste = read_manifest(dossier)
    campagne, version = str(manifeste.get("campagne")), str(manifeste.get("version"))
    if raw is not None and raw.resolve().name != campagne:
        raise UserError("U24", f"« {raw} » n'est pas le dossier de la campagne {campagne} : donnez raw/{campagne}.")
    faites: list[Etape] = []
    seules: tuple[tuple[str, str, Callable[[], Etape]], ...] = (
        (
            "empreintes",
            "Empreintes des fichiers de la publication",
            lambda: steps.check_fingerprints(dossier, manifeste),
        ),
        ("signature", "Signature du manifeste", lambda: steps.check_signature(dossier, signataires)),
        ("declarations", "Déclarations jointes", lambda: steps.check_declarations(dossier, manifeste)),
        ("formes", "Accord de toutes les formes", lambda: steps.check_forms(dossier, manifeste)),
    )
    for code, titre, etape in seules:
        progres(f"Audit : {titre.lower()}", 0, 1)
        faites.append(guarded(code, titre, etape))
        progres(f"Audit : {titre.lower()}", 1, 1)
    ecarts = pd.DataFrame()
    if raw is None:
        faites += [skipped(c, t, SANS_BRUT) for c, t in (("reception", "Fichiers reçus"), *REFAIT)]
    else:
        racine = raw.resolve().parent
        sources = Sources(racine, racine.parent / "schemas", dossier.resolve().parent.parent)
        faites += [
            guarded("reception", "Fichiers reçus", lambda: check_received(manifeste, racine)),
            guarded("programme", "Programme et bibliothèques", lambda: check_program(manifeste)),
        ]
        refaites, ecarts = _again(dossier, manifeste, sources, refaire)
        faites += refaites
    return Audit(dossier, campagne, version, tuple(faites), ecarts)


def _again(
    dossier: Path, manifeste: Mapping[str, Any], sources: Sources, refaire: Refaire
) -> tuple[list[Etape], pd.DataFrame]:
    """The steps that need everything made again; when it cannot be, why, in the first of them. What is the auditor's own
    trouble (a full disk, a workspace in use) is raised, not held against the release."""
    try:
        with workspace(dossier, manifeste, sources) as (projet, manquent):
            if manquent:
                return _impossible(manquent)
            return _compare(dossier, manifeste, refaire(projet, manifeste))
    except UserError as e:
        if e.statut is Statut.OCCUPE:
            raise
        return _impossible([f"Rien ne peut être refait : {e.message}"])
    except (FileNotFoundError, *MAL_FORME) as e:
        return _impossible([f"Rien ne peut être refait : les pièces ne se lisent plus ({type(e).__name__})"])


def _impossible(constats: Sequence[str]) -> tuple[list[Etape], pd.DataFrame]:
    premier, *suite = REFAIT
    return [
        step(*premier, constats),
        *(skipped(*x, "Le contrôle n'a pas pu être refait.") for x in suite),
    ], pd.DataFrame()


def _compare(dossier: Path, manifeste: Mapping[str, Any], p: Preparation) -> tuple[list[Etape], pd.DataFrame]:
    from cartographie.proof.attack import attack_release
    from cartographie.proof.modelled import false_estimates
    from cartographie.release.publish import build_files

    fichiers = build_files(p.tableaux, p.meta)
    refait = json.loads(fichiers[NOM])
    titres = dict(REFAIT)
    etapes_ = [
        step(cle, titres[cle], [f"{champ} : le manifeste ne dit pas ce que donne le recalcul" for champ in champs if manifeste.get(champ) != refait.get(champ)])
        for cle, champs in (("controle", ("comptes", "vraisemblance")), ("ponderation", ("ponderation",)), ("secret", ("secret",)))
    ]  # fmt: skip
    ecarts, communs = compare_figures(read_figures(dossier)[0], figures_of(fichiers))
    dits = [_says(x) for x in ecarts.head(steps.MONTRES + 1).to_dict("records")]
    note = [] if len(ecarts) else [f"{communs} chiffres, tous retrouvés"]
    tableaux = step("tableaux", titres["tableaux"], dits)
    etapes_.append(tableaux if len(ecarts) else Etape(tableaux.code, tableaux.titre, Verdict.CONFORME, tuple(note)))
    etapes_.append(guarded("attaque", titres["attaque"], lambda: step("attaque", titres["attaque"], [
        *attack_release(dossier, p.q, p.exacts, p.meta.seuils, p.lues).manquements,
        *false_estimates(dossier, p.q, p.meta.campagne, p.cadre),
    ])))  # fmt: skip
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


# ---- the report of an audit, in French, to be attached to a letter: HTML, Markdown, plain values


def conclusion(a: Audit) -> str:
    """One sentence: does the release stand, else where it first breaks."""
    if a.premiere is not None:
        return f"La publication n'est pas conforme. Première étape où elle s'écarte : {a.premiere.titre.lower()}."
    sautees = [e for e in a.etapes if e.verdict is Verdict.SANS and e.code != "signature"]
    if sautees:
        return f"Rien ne s'oppose à la publication, mais {len(sautees)} étapes n'ont pas été vérifiées."
    return "La publication est conforme : tout a été refait à partir des fichiers reçus, et rien ne diffère."


def to_plain(a: Audit) -> dict[str, Any]:
    return {
        "campagne": a.campagne, "version": a.version, "conforme": a.conforme, "conclusion": conclusion(a),
        "premiere_etape": a.premiere.code if a.premiere else None,
        "etapes": [{"code": e.code, "titre": e.titre, "verdict": str(e.verdict), "constats": list(e.constats)} for e in a.etapes],
        "ecarts": a.ecarts.to_dict("records"),
    }  # fmt: skip


def format_markdown(a: Audit) -> str:
    lignes = [f"# Audit de la publication « {a.version} », campagne {a.campagne}", "", f"**{conclusion(a)}**", ""]
    lignes += ["| Étape | Verdict |", "|---|---|", *(f"| {e.titre} | {e.verdict} |" for e in a.etapes)]
    for e in a.etapes:
        if e.constats:
            lignes += ["", f"## {e.titre} : {e.verdict}", "", *(f"- {c}" for c in e.constats)]
    return "\n".join(lignes) + "\n"


def format_html(a: Audit) -> str:
    tetes = [str(c).replace("_", " ") for c in a.ecarts.columns]
    return render(
        "proof/templates/audit.html.j2", titre=f"Audit de la publication « {a.version} », campagne {a.campagne}", alertes=[],
        conclusion=conclusion(a), etapes=[e for e in a.etapes if e.constats],
        verdicts=Grille("Verdict de chaque étape", ["Étape", "Verdict"], [(e.titre, e.verdict) for e in a.etapes]),
        ecarts=Grille("Avant : publié ; après : recalculé", tetes, a.ecarts.itertuples(index=False)) if len(a.ecarts) else None,
    )  # fmt: skip
