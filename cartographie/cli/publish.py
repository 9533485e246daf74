"""Commands that compute and write a release, or check what is about to be put online."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cartographie.base.errors import Statut
from cartographie.base.text import espace, nombre
from cartographie.cli.app import Json, NomCampagne, Projet, a_date, act, argument, command, flag, option, show
from cartographie.cli.screen import Bilan, Table

if TYPE_CHECKING:
    from cartographie.cli.flow.publish import Calcul, Publication
    from cartographie.proof.lint import Critere, Defaut
    from cartographie.release.manifest import Comparaison


# -------------------------------------------------------------------------------------------
# What the checks of a release report.

MONTRES = 40
TOUJOURS = ("table_id", "indicateur")


def tell_map(r: Calcul) -> Bilan:
    return Bilan(
        f"{r.campagne} : {nombre(len(r.tableaux), 'tableau calculé', 'tableaux calculés')} dans {r.dossier} (rien n'est publié).",
        {
            "campagne": r.campagne,
            "tableaux": {t.code: len(t.df) for t in r.tableaux},
            "dossier": str(r.dossier),
            "repliques": None
            if r.repliques is None
            else {k: v if isinstance(v, int) else str(v) for k, v in asdict(r.repliques).items()},
        },
        tell_replicates(r),
        tables=[Table(["tableau", "lignes", "titre"], [[t.code, len(t.df), t.meta.titre] for t in r.tableaux])],
    )


def tell_replicates(r: Calcul) -> list[str]:
    if (x := r.repliques) is None:
        return []
    hors = f" ({nombre(x.hors_bornes, 'jeu calé', 'jeux calés')} sans tenir les bornes)" if x.hors_bornes else ""
    return [
        f"{nombre(x.nombre, 'jeu', 'jeux')} de poids répliqués dans {x.fichier}{hors} : confidentiel, jamais dans une publication ; "
        f"qui est qui, pour vous seul : {x.correspondance}."
    ]


def tell_publish(r: Publication) -> Bilan:
    n = r.secret.cellules
    return Bilan(
        f"{r.campagne} : {nombre(len(r.tableaux), 'tableau', 'tableaux')} dans {r.dossier}.",
        {
            "campagne": r.campagne,
            "dossier": str(r.dossier),
            "tableaux": len(r.tableaux),
            "secret": asdict(r.secret),
            "statuts": dict(sorted(Counter(s for t in r.tableaux for s in t.df["statut"]).items())),
            "non_montres": [asdict(c) for c in r.non_montres],
        },
        [
            *tell_withheld(r),
            f"Secret : {nombre(n['A'] + n['B'], 'effectif confidentiel', 'effectifs confidentiels')}, "
            f"{n['D']} masqués pour les protéger ; la publication a été attaquée, rien ne se retrouve.",
        ],
    )


def tell_withheld(r: Publication) -> list[str]:
    """One line per figure put forward that is not shown."""
    return [
        f"Non publié : {c}, {c.pourquoi}" + (f" ; dérogation : {c.derogation}" if c.derogation else "")
        for c in r.non_montres
    ]


def tell_lint(sources: Sequence[Path], defauts: Sequence[Defaut]) -> Bilan:
    """One line per rule broken; status 12 when there is one."""
    lignes = [f"{d.code} {d.ou} : {d.message}." for d in defauts[:MONTRES]]
    if len(defauts) > MONTRES:
        lignes.append(f"… et {len(defauts) - MONTRES} autres (--json les donne tous).")
    dit = nombre(len(defauts), "défaut", "défauts") if defauts else "aucun défaut"
    return Bilan(
        f"{', '.join(str(s) for s in sources)} : {dit}.",
        {"defauts": [{"code": d.code, "ou": d.ou, "message": d.message} for d in defauts]},
        lignes,
        statut=Statut.ANOMALIES if defauts else Statut.FAIT,
    )


def tell_compare(avant: Path, apres: Path, c: Comparaison, ecrits: Sequence[Path]) -> Bilan:
    ecarts = nombre(len(c.ecarts), "différence", "différences") if len(c.ecarts) else "aucune différence"
    genres = Counter(c.ecarts["ecart"])
    montres = c.ecarts.head(MONTRES)
    # of the key, what tells the rows shown from one another
    cle = c.ecarts.columns[: c.ecarts.columns.get_loc("ecart")]
    colonnes = [x for x in cle if x in TOUJOURS or montres[x].nunique() > 1]
    colonnes += ["ecart", "valeur_avant", "valeur_apres", "statut_avant", "statut_apres"]
    return Bilan(
        f"{avant} → {apres} : {ecarts} sur {espace(c.communs)} chiffres communs.",
        {"ecarts": dict(genres), "communs": c.communs},
        [f"{genre} : {n}" for genre, n in sorted(genres.items())],
        [Table(colonnes, montres[colonnes].values.tolist())] if len(montres) else [],
        [f"Détail : {p}" for p in ecrits],
    )


def tell_preflight(dossier: Path, criteres: Sequence[Critere]) -> Bilan:
    tenus = sum(not c.manque for c in criteres)
    return Bilan(
        f"{dossier} : {tenus} critères sur {len(criteres)}.",
        {"criteres": {c.nom: c.manque or None for c in criteres}},
        [f"{'NON' if c.manque else 'oui'}  {c.nom}" + (f" : {c.manque}" if c.manque else "") for c in criteres],
        statut=Statut.FAIT if tenus == len(criteres) else Statut.ANOMALIES,
    )


@command("map")
def map_(
    campagne: NomCampagne,
    repliques: Annotated[
        int, option("--repliques", "N", "Écrit aussi N jeux de poids répliqués, pour des chercheurs.", min=0, max=999)
    ] = 0,
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Calcule les tableaux de la campagne dans outputs/<campagne>/tableaux/ ; ne publie jamais."""
    from cartographie.cli.flow import publish as flow

    act(en_json, lambda p: tell_map(flow.map_(projet, campagne, repliques, p)))


@command("publish")
def publish(
    campagne: NomCampagne,
    version: Annotated[str, option("--version", "NOM", "Nom de la version publiée.")] = "provisoire",
    jour: Annotated[str, option("--date", "AAAA-MM-JJ", "Date de publication (défaut : fin de la campagne).")] = "",
    remplacer: Annotated[bool, flag("--remplacer", "Refait une version de travail qui existe déjà.")] = False,
    nature: Annotated[str, option("--nature", "NATURE", "provisoire, définitive ou corrigée.")] = "provisoire",
    remplace: Annotated[str, option("--remplace", "NOM", "Version de la même campagne que celle-ci corrige.")] = "",
    motif: Annotated[str, option("--motif", "TEXTE", "Pourquoi elle est corrigée (publié).")] = "",
    projet: Projet = Path(),
    en_json: Json = False,
) -> None:
    """Écrit une version dans outputs/<campagne>/<version>/ : classeur, données ouvertes, cartes, page et manifeste, attaqués et relus
    avant d'être montrés."""
    from cartographie.cli.flow import publish as flow
    from cartographie.release.publish import Demande

    demande = Demande(campagne, version, a_date(jour), remplacer, nature, remplace, motif)
    act(en_json, lambda p: tell_publish(flow.publish(projet, demande, p)))


@command("lint")
def lint(
    sources: Annotated[list[Path], argument("FICHIERS…", "Classeurs, CSV ou dossiers.")],
    admis: Annotated[
        list[str] | None, option("--admis", "TEXTE", "Texte permis malgré tout (une adresse de contact).")
    ] = None,
    en_json: Json = False,
) -> None:
    """Vérifie des classeurs (tableaux balisés, cases vides, fusions, contrastes, titres, propriétés) et des CSV (UTF-8, formules,
    données personnelles). N'importe quel fichier convient, pas seulement les nôtres."""
    from cartographie.cli.flow import publish as flow

    show(tell_lint(sources, flow.lint(sources, admis or [])), en_json)


@command("compare")
def compare(
    avant: Annotated[Path, argument("AVANT", "Dossier d'une publication.")],
    apres: Annotated[Path, argument("APRES", "Dossier d'une autre.")],
    sortie: Annotated[Path | None, option("--sortie", "DOSSIER", "Y écrit ecarts.csv et ecarts.html.")] = None,
    en_json: Json = False,
) -> None:
    """Compare deux versions d'une édition, ou deux éditions : chiffres ajoutés, retirés, changés de valeur, de statut, d'effectif."""
    from cartographie.cli.flow import publish as flow

    comparaison, ecrits = flow.compare(avant, apres, sortie)
    show(tell_compare(avant, apres, comparaison, ecrits), en_json)


@command("preflight")
def preflight(
    dossier: Annotated[Path, argument("DOSSIER", "Dossier d'une publication.")],
    en_json: Json = False,
) -> None:
    """Affiche les critères de qualité de data.gouv.fr et, pour chacun qui n'est pas tenu, ce qu'il faut faire."""
    from cartographie.cli.flow import publish as flow

    show(tell_preflight(dossier, flow.preflight(dossier)), en_json)


# -------------------------------------------------------------------------------------------
# Commands from the received files to the released tables.
