"""schemas/ → the frozen types of model.py: each file read once, in the form FICHIERS gives it, then all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, cast

from cartographie.base.errors import DeclarationError
from cartographie.survey.adjustments import (
    build_corrections,
    build_rapprochements,
    build_successions,
    check_ajustements,
)
from cartographie.survey.check import check_questionnaire
from cartographie.survey.model import Campagne, Modele, Nomenclature, Passage, Questionnaire
from cartographie.survey.written.declared import FICHIERS, Parametres
from cartographie.survey.written.source import Problemes, Source, as_plain, hash_files, read_csv, read_yaml

SUCCESSIONS = "successions"  # the file that enquete.yaml names: its columns too are declared there
# of a campaign: what it must be, and show, to be released; what people say of it
ANNEXES = ("plausibilite", "editorial", "qualite")
_UNIQUES = ("enquete", "variables", "regles", "denominateurs", "comparabilite")
_FACULTATIVES: dict[str, Any] = {"denominateurs": {}, "comparabilite": []}
_DOSSIERS = {
    "nomenclatures": ("nomenclature", ".csv"),
    "passages": ("passage", ".csv"),
    "tableaux": ("tableau", ".yaml"),
}
_DE_CAMPAGNE = ("campagne", "corrections", *ANNEXES)
_DATES_ECRITES = ("corrections", *ANNEXES)  # where a date is the text it was written as


def of_answers(empreintes: Mapping[str, str]) -> dict[str, str]:
    """Fingerprints of the declarations that say how an answer is read, checked and weighted: not what is then shown of it."""
    return {n: s for n, s in empreintes.items() if not n.startswith("tableaux/") and Path(n).stem not in ANNEXES}


def load_questionnaire(projet: Path) -> Questionnaire:
    """The whole of schemas/. Raises DeclarationError (exit status 10) naming file, line and key of every inconsistency."""
    from cartographie.survey.written.shape import read_form  # pydantic: for who reads declarations only

    if not (projet / "schemas").is_dir():
        raise DeclarationError("D01", "le dossier n'existe pas : créez un espace de travail avec « init ».", "schemas")
    empreintes = hash_files(projet)  # before anything is read: a file changed meanwhile is never taken for the one read
    p = Problemes()
    sources, genres = _read(projet, empreintes, p)
    formes = {n: read_form(s, genres[n], p) for n, s in sources.items() if genres[n] in FICHIERS}
    p.lever()  # the shape first: what follows may rely on it

    def of(genre: str, dossier: str = "") -> dict[str, Any]:
        """Name → form of the files of a kind."""
        return {n.rpartition("/")[2]: f for n, f in formes.items() if genres[n] == genre and n.startswith(dossier)}

    campagnes = [n.partition("/")[0] for n, g in genres.items() if g == "campagne"]
    q = Questionnaire(
        enquete=sources["enquete"].contenu,
        entites={n: replace(e, nom=n) for n, e in formes["enquete"]["entites"].items()},
        variables={n: replace(v, nom=n) for n, v in formes["variables"].items()},
        nomenclatures={n: Nomenclature(n, {m.code: m for m in f}) for n, f in of("nomenclature").items()},
        passages={n: _passage(n, sources[f"passages/{n}"]) for n in of("passage")},
        regles=tuple(formes["regles"]),
        denominateurs=sources["denominateurs"].contenu,
        tableaux={f["code"]: sources[f"tableaux/{n}"].contenu for n, f in of("tableau").items()},
        comparabilite=tuple(sources["comparabilite"].contenu),
        campagnes={a: _campagne(a, sources, formes, of("modele", f"{a}/"), p) for a in campagnes},
        empreintes=empreintes,
        successions=build_successions(sources.get(SUCCESSIONS), sources["enquete"].contenu, p),
    )
    par_nom = {f"tableaux/{f['code']}": sources[f"tableaux/{n}"] for n, f in of("tableau").items()}
    par_nom |= {n.rpartition("/")[0] + f"/{f.nom}": sources[n] for n, f in formes.items() if isinstance(f, Modele)}
    check_ajustements(q, sources, p)
    check_questionnaire(q, sources | par_nom, p)
    p.lever()
    return q


# ---- files


def _read(projet: Path, fichiers: Iterable[str], p: Problemes) -> tuple[dict[str, Source], dict[str, str]]:
    """Path without its ending → what is written there, and its kind; in the order of FICHIERS. A declaration that nothing reads
    is a mistake: a misspelt folder, a table written as .yml…"""
    sources = {"enquete": read_yaml(projet, "enquete.yaml")}
    enquete = sources["enquete"].contenu  # not judged yet
    successions = enquete.get("successions") if isinstance(enquete, dict) else None
    fichier = successions.get("fichier") if isinstance(successions, dict) else None
    campagnes = {n.partition("/")[0] for n in fichiers if n.count("/") == 1 and n.endswith("/campagne.yaml")}
    rangs = {genre: i for i, genre in enumerate((*FICHIERS, SUCCESSIONS))}
    lus = {f"{n}.yaml": n for n in _UNIQUES if n not in _FACULTATIVES}
    for relatif in fichiers:
        genre = SUCCESSIONS if relatif == fichier and "/" not in relatif else _genre(PurePosixPath(relatif), campagnes)
        if genre is not None:
            lus[relatif] = genre
        elif not relatif.endswith(".md"):
            source = Source(f"schemas/{relatif}", None, {})
            p.ajouter("D10", source, (), "ce fichier n'est lu par rien : vérifiez son nom et son dossier.")
    genres = {}
    for relatif, genre in sorted(lus.items(), key=lambda lu: rangs[lu[1]]):
        nom = SUCCESSIONS if genre == SUCCESSIONS else relatif.rpartition(".")[0]
        genres[nom] = genre
        if nom not in sources:
            sources[nom] = (read_csv if relatif.endswith(".csv") else read_yaml)(projet, relatif)
        if genre in _DATES_ECRITES:
            sources[nom] = replace(sources[nom], contenu=as_plain(sources[nom].contenu))
    for nom, vide in _FACULTATIVES.items():
        if nom not in sources:
            sources[nom], genres[nom] = Source(f"schemas/{nom}.yaml", vide, {}), nom
    return sources, genres


def _genre(chemin: PurePosixPath, campagnes: set[str]) -> str | None:
    """The kind of that file of schemas/, None for one that is no declaration."""
    dossier, nom, suffixe = str(chemin.parent), chemin.stem, chemin.suffix
    if dossier == ".":
        return nom if suffixe == ".yaml" and nom in (*_UNIQUES, "demo") else None
    if dossier in campagnes:
        if suffixe == ".csv":
            return nom if nom == "rapprochements" else None
        return (nom if nom in _DE_CAMPAGNE else "modele") if suffixe == ".yaml" else None
    genre, attendu = _DOSSIERS.get(dossier, (None, ""))
    return genre if suffixe == attendu else None


# ---- what pydantic does not build


def _passage(nom: str, source: Source) -> Passage:
    entete, rangs = source.contenu["entete"], source.contenu["lignes"]
    intervalle = entete[:2] == ["min", "max"]
    sources = tuple(c for c in entete if c not in ("valeur", "min", "max", "note"))

    def lire(r: Mapping[str, str]) -> tuple[Any, ...]:
        if intervalle:
            return tuple(float(r[c]) if r[c] else None for c in ("min", "max"))
        return tuple(r[c] or None for c in sources)

    return Passage(nom, sources, intervalle, tuple((lire(r), r["valeur"]) for r in rangs))


def _campagne(
    campagne: str, sources: Mapping[str, Source], formes: Mapping[str, Any], modeles: Mapping[str, Modele], p: Problemes
) -> Campagne:
    d = sources[f"{campagne}/campagne"].contenu
    propres = ("libelle", "debut", "fin", "champ")
    annexes = {n: sources[f"{campagne}/{n}"].contenu for n in ANNEXES if f"{campagne}/{n}" in sources}
    ici = {
        n: (sources.get(f"{campagne}/{n}"), formes.get(f"{campagne}/{n}") or ())
        for n in ("corrections", "rapprochements")
    }
    return Campagne(
        nom=campagne,
        **{k: d[k] for k in propres},
        precedente=d.get("precedente"),
        modeles={m.nom: replace(m, campagne=campagne) for m in modeles.values()},
        parametres=cast("Parametres", {k: v for k, v in d.items() if k not in (*propres, "campagne", "precedente")}),
        corrections=build_corrections(*ici["corrections"], p),
        rapprochements=build_rapprochements(*ici["rapprochements"], p),
        **annexes,
    )
