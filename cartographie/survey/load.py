"""Plain values of schemas/ → the frozen types of model.py."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cartographie.base.errors import DeclarationError
from cartographie.survey.adjustments import (
    build_corrections,
    build_rapprochements,
    build_successions,
    check_ajustements,
    read_ajustements,
)
from cartographie.survey.check import check_questionnaire
from cartographie.survey.model import (
    Campagne,
    ColonneAttendue,
    EnteteAttendu,
    Entite,
    FeuilleAttendue,
    Gravite,
    Modalite,
    Modele,
    Nomenclature,
    Passage,
    Questionnaire,
    Regle,
    Variable,
)
from cartographie.survey.source import Problemes, Source, as_plain, hash_files, read_csv, read_yaml, validate_source
from cartographie.survey.types import TYPES

# -------------------------------------------------------------------------------------------
# What a campaign may declare about its release: plausibilite.yaml (what it must show), qualite.yaml (what people say of it).

ANNEXES = ("plausibilite", "qualite")


def read_annexes(projet: Path, annees: Iterable[str]) -> dict[tuple[str, str], Source]:
    """(campaign, name) → those that exist, dates as text."""
    lues = {}
    for annee in annees:
        for nom in ANNEXES:
            if (projet / "schemas" / annee / f"{nom}.yaml").is_file():
                s = read_yaml(projet, f"{annee}/{nom}.yaml")
                lues[annee, nom] = Source(s.fichier, as_plain(s.contenu), s.lignes)
    return lues


def of_answers(empreintes: Mapping[str, str]) -> dict[str, str]:
    """Fingerprints of the declarations that say how an answer is read, checked and weighted: not what is then shown of it."""
    return {n: s for n, s in empreintes.items() if not n.startswith("tableaux/") and Path(n).stem not in ANNEXES}


def check_annexes(q: Questionnaire, annexes: Mapping[tuple[str, str], Source], p: Problemes) -> None:
    """Add to `p` each code given twice, each table, indicator, axis or waived expectation that does not exist."""
    for (_, nom), s in annexes.items():
        if nom == "plausibilite":
            _check_expectations(q, s, p)


def _check_expectations(q: Questionnaire, s: Source, p: Problemes) -> None:
    codes: set[str] = set()
    niveaux = {n["code"] for axe in q.enquete.get("axes", {}).values() for n in axe.get("niveaux", ())}
    axes = niveaux | {nom for nom, axe in q.enquete.get("axes", {}).items() if "niveaux" not in axe}
    for i, a in enumerate(s.contenu["attentes"]):
        ici = ("attentes", i)
        if a["code"] in codes:
            p.ajouter("D04", s, (*ici, "code"), f"l'attente « {a['code']} » est donnée deux fois.")
        codes.add(a["code"])
        _check_expectation(q, a, axes, s, ici, p)
    for i, d in enumerate(s.contenu.get("derogations", ())):
        if d["code"] not in codes:
            p.ajouter("D06", s, ("derogations", i, "code"), f"aucune attente n'a le code « {d['code']} ».")


def _check_expectation(
    q: Questionnaire, a: Mapping[str, Any], axes: set[str], s: Source, ici: tuple[Any, ...], p: Problemes
) -> None:
    par = a.get("par")
    if a.get("min", -math.inf) > a.get("max", math.inf):
        p.ajouter("D10", s, (*ici, "min"), f"rien n'est à la fois au moins {a['min']} et au plus {a['max']}.")
    if a["mesure"] not in ("chiffre", "somme"):
        _check_judged(q, a, s, ici, p)
        return
    if par is not None and par not in axes:
        p.ajouter("D06", s, (*ici, "par"), f"« {par} » n'est ni un axe ni un niveau d'axe de enquete.yaml.")
    tableau = q.tableaux.get(a["tableau"])
    if tableau is None:
        p.ajouter("D06", s, (*ici, "tableau"), f"le tableau « {a['tableau']} » n'est pas déclaré.")
    elif a["indicateur"].removesuffix(".evolution") not in {
        x["code"] for serie in tableau["series"] for x in serie["indicateurs"]
    }:
        p.ajouter(
            "D06", s, (*ici, "indicateur"), f"le tableau {a['tableau']} n'a pas d'indicateur « {a['indicateur']} »."
        )


def _check_judged(q: Questionnaire, a: Mapping[str, Any], s: Source, ici: tuple[Any, ...], p: Problemes) -> None:
    """Variables of the answers that an expectation is about: their values are shown to the producer, so none is personal."""
    for cle in ("par", "variable"):
        v = q.variables.get(a.get(cle, ""))
        if cle in a and (v is None or q.racine not in v.entites):
            p.ajouter("D05", s, (*ici, cle), f"« {a[cle]} » n'est pas une variable des répondants.")
        elif v is not None and (v.personnel or not v.publiable or TYPES[v.type].multiple):
            p.ajouter("D10", s, (*ici, cle), f"« {v.nom} » est personnelle, non publiable ou à plusieurs réponses.")
        elif cle == "variable" and v is not None and v.nomenclature:
            inconnues = sorted(set(a.get("valeurs", ())) - set(q.nomenclatures[v.nomenclature].modalites))
            if inconnues:
                p.ajouter(
                    "D06", s, (*ici, "valeurs"), f"« {inconnues[0]} » n'est pas une réponse de « {v.nomenclature} »."
                )


_UNIQUES = ("enquete", "variables", "regles", "denominateurs", "comparabilite")


def load_questionnaire(projet: Path) -> Questionnaire:
    """The whole of schemas/. Raises DeclarationError (exit status 10) naming file, line and key of every inconsistency."""
    racine = projet / "schemas"
    if not racine.is_dir():
        raise DeclarationError("D01", "le dossier n'existe pas : créez un espace de travail avec « init ».", "schemas")
    empreintes = hash_files(projet)  # before anything is read: a file changed meanwhile is never taken for the one read
    sources: dict[str, Source] = {}
    problemes = Problemes()
    for nom in _UNIQUES:
        if nom in ("comparabilite", "denominateurs") and not (racine / f"{nom}.yaml").exists():
            sources[nom] = Source(f"schemas/{nom}.yaml", [] if nom == "comparabilite" else {}, {})
            continue
        sources[nom] = read_yaml(projet, f"{nom}.yaml")
        validate_source(sources[nom], nom, problemes)
    nomenclatures = {
        f.stem: read_csv(projet, f"nomenclatures/{f.name}") for f in _files(racine / "nomenclatures", "csv")
    }
    passages = {f.stem: read_csv(projet, f"passages/{f.name}") for f in _files(racine / "passages", "csv")}
    tableaux = {f.stem: read_yaml(projet, f"tableaux/{f.name}") for f in _files(racine / "tableaux", "yaml")}
    campagnes = {d.name: read_yaml(projet, f"{d.name}/campagne.yaml") for d in _campaign_folders(racine)}
    modeles = {
        (annee, f.stem): read_yaml(projet, f"{annee}/{f.name}")
        for annee in campagnes
        for f in _files(racine / annee, "yaml")
        if f.stem not in ("campagne", "corrections", *ANNEXES)
    }
    annexes = read_annexes(projet, campagnes)
    demo = {"demo": read_yaml(projet, "demo.yaml")} if (racine / "demo.yaml").exists() else {}
    ajustements = read_ajustements(projet, list(campagnes), sources["enquete"].contenu or {}, problemes)
    _refuse_unread(projet, [*sources.values(), *nomenclatures.values(), *passages.values(), *tableaux.values(),
                            *campagnes.values(), *modeles.values(), *annexes.values(), *demo.values(), *ajustements.values()], problemes)  # fmt: skip
    for schema, groupe in (("nomenclature", nomenclatures), ("passage", passages), ("tableau", tableaux),
                           ("campagne", campagnes), ("modele", modeles), ("demo", demo)):  # fmt: skip
        for source in groupe.values():
            validate_source(source, schema, problemes)
    for (_, nom), source in annexes.items():
        validate_source(source, nom, problemes)
    problemes.lever()  # the shape first: what follows may rely on it
    questionnaire = Questionnaire(
        enquete=sources["enquete"].contenu,
        entites={n: _entite(n, d) for n, d in sources["enquete"].contenu["entites"].items()},
        variables={n: _variable(n, d) for n, d in sources["variables"].contenu.items()},
        nomenclatures={n: _nomenclature(n, s) for n, s in nomenclatures.items()},
        passages={n: _passage(n, s) for n, s in passages.items()},
        regles=tuple(_regle(d) for d in sources["regles"].contenu or ()),
        denominateurs=sources["denominateurs"].contenu or {},
        tableaux={s.contenu["code"]: s.contenu for s in tableaux.values()},
        comparabilite=tuple(sources["comparabilite"].contenu or ()),
        campagnes={
            a: _campagne(
                a,
                s,
                {n: m for (b, n), m in modeles.items() if b == a},
                ajustements,
                {n: m.contenu for (b, n), m in annexes.items() if b == a},
                problemes,
            )
            for a, s in campagnes.items()
        },
        empreintes=empreintes,
        successions=build_successions(ajustements.get("successions"), sources["enquete"].contenu, problemes),
    )
    check_ajustements(
        questionnaire, {"enquete": sources["enquete"]} | {f"{a}/campagne": s for a, s in campagnes.items()}, problemes
    )
    check_annexes(questionnaire, annexes, problemes)
    check_questionnaire(
        questionnaire,
        sources | {"nomenclatures/" + n: s for n, s in nomenclatures.items()}
        | {"passages/" + n: s for n, s in passages.items()}
        | {"tableaux/" + s.contenu["code"]: s for s in tableaux.values()}
        | {f"{a}/campagne": s for a, s in campagnes.items()}
        | {f"{a}/{s.contenu['modele']}": s for (a, _), s in modeles.items()},
        problemes,
    )  # fmt: skip
    problemes.lever()
    return questionnaire


def _refuse_unread(projet: Path, lues: list[Source], problemes: Problemes) -> None:
    """A declaration that nothing reads is a mistake: a misspelt folder, a table written as .yml…"""
    connus = {s.fichier for s in lues}
    for relatif in hash_files(projet):
        if f"schemas/{relatif}" not in connus and not relatif.endswith(".md"):
            source = Source(f"schemas/{relatif}", None, {})
            problemes.ajouter("D10", source, (), "ce fichier n'est lu par rien : vérifiez son nom et son dossier.")


def _files(dossier: Path, suffixe: str) -> list[Path]:
    return sorted(dossier.glob(f"*.{suffixe}")) if dossier.is_dir() else []


def _campaign_folders(racine: Path) -> list[Path]:
    return sorted(d for d in racine.iterdir() if (d / "campagne.yaml").is_file())


def _entite(nom: str, d: Mapping[str, Any]) -> Entite:
    return Entite(
        nom=nom,
        libelle=d["libelle"],
        parent=d.get("parent"),
        cle=tuple(d.get("cle", ())),
        identifiant=tuple(d.get("identifiant", ())),
        base=d.get("base", False),
        cle_stable=tuple(d.get("cle_stable", ())),
        depuis_base=tuple(d.get("depuis_base", ())),
        completude=tuple(d.get("completude", ())),
        date=d.get("date"),
    )


def _variable(nom: str, d: Mapping[str, Any]) -> Variable:
    return Variable(
        nom=nom,
        entites=tuple(d["entites"]),
        type=d["type"],
        libelle=d["libelle"],
        condition_pose=d.get("pose_si"),
        **{
            k: d[k]
            for k in ("definition", "rubrique", "nomenclature", "unite", "minimum", "maximum", "longueur_max", "obligatoire",
                      "obligatoire_si", "personnel", "publiable", "aide", "derivee")
            if k in d
        },
        exemple=str(d.get("exemple", "")),
    )  # fmt: skip


def _nomenclature(nom: str, source: Source) -> Nomenclature:
    return Nomenclature(
        nom,
        {
            r["code"]: Modalite(
                code=r["code"],
                libelle=r["libelle"],
                variantes=tuple(v.strip() for v in r.get("variantes", "").split("|") if v.strip()),
                parent=r.get("parent") or None,
                valide_de=r.get("valide_de") or None,
                valide_a=r.get("valide_a") or None,
                source=r.get("source", ""),
            )
            for r in source.contenu["lignes"]
        },
    )


def _passage(nom: str, source: Source) -> Passage:
    entete, rangs = source.contenu["entete"], source.contenu["lignes"]
    intervalle = entete[:2] == ["min", "max"]
    sources = tuple(c for c in entete if c not in ("valeur", "min", "max", "note"))

    def lire(r: Mapping[str, str]) -> tuple[Any, ...]:
        if intervalle:
            return tuple(float(r[c]) if r[c] else None for c in ("min", "max"))
        return tuple(r[c] or None for c in sources)

    return Passage(nom, sources, intervalle, tuple((lire(r), r["valeur"]) for r in rangs))


def _regle(d: Mapping[str, Any]) -> Regle:
    return Regle(
        code=d["code"],
        gravite=Gravite(d["gravite"]),
        entite=d.get("entite", "*"),
        message=d["message"],
        constat=d.get("constat"),
        types=tuple(d.get("types", ())),
        condition=d.get("condition"),
        cellules=tuple(d.get("cellules", ())),
        en_cause=tuple(d.get("en_cause", ())),
        proposition=d.get("proposition"),
        reference=str(d.get("reference", "")),
        confidentiel=d.get("confidentiel", False),
        campagnes=tuple(d.get("campagnes", ())),
    )


def _campagne(
    annee: str,
    source: Source,
    modeles: Mapping[str, Source],
    ajustements: Mapping[str, Source],
    annexes: Mapping[str, Any],
    problemes: Problemes,
) -> Campagne:
    d = source.contenu
    reserves = ("campagne", "libelle", "debut", "fin", "champ", "precedente")
    return Campagne(
        annee=annee,
        libelle=d["libelle"],
        debut=d["debut"],
        fin=d["fin"],
        champ=d["champ"],
        precedente=d.get("precedente"),
        modeles={s.contenu["modele"]: _modele(annee, s.contenu) for s in modeles.values()},
        parametres={k: v for k, v in d.items() if k not in reserves},
        corrections=build_corrections(ajustements.get(f"{annee}/corrections"), problemes),
        rapprochements=build_rapprochements(ajustements.get(f"{annee}/rapprochements"), problemes),
        plausibilite=annexes.get("plausibilite", {}),
        qualite=annexes.get("qualite", {}),
    )


def _modele(annee: str, d: Mapping[str, Any]) -> Modele:
    return Modele(
        nom=d["modele"],
        libelle=d["libelle"],
        campagne=annee,
        usage=d["usage"],
        formats=tuple(d["formats"]),
        feuilles=tuple(_feuille(f) for f in d["feuilles"]),
        gabarit=d.get("gabarit", False),
        versions=tuple(d.get("versions", ())),
        annexes=tuple(d.get("annexes", ())),
        marque=d.get("marque"),
    )


def _feuille(d: Mapping[str, Any]) -> FeuilleAttendue:
    facultatives = set(d.get("facultatives", ()))
    colonnes: list[ColonneAttendue] = []
    for variable, textes in d["colonnes"].items():
        if isinstance(textes, Mapping):
            colonnes += [
                ColonneAttendue(variable, _entetes(t), str(m), variable in facultatives) for m, t in textes.items()
            ]
        elif textes != "absente":
            colonnes.append(ColonneAttendue(variable, _entetes(textes), None, variable in facultatives))
    lien = d.get("lien", "depot")
    return FeuilleAttendue(
        entite=d["entite"],
        noms=tuple(d.get("noms", ())),
        disposition=d["disposition"],
        colonnes=tuple(colonnes),
        ignorees=tuple(d.get("ignorees", ())),
        ligne_entete=(d.get("entete") or {}).get("ligne"),
        hauteur_entete=(d.get("entete") or {}).get("hauteur", 1),
        colonne_question=_column(d.get("colonne_question")),
        colonne_reponse=_column(d.get("colonne_reponse")),
        repetitions=d.get("repetitions", 0),
        facultative=d.get("facultative", False),
        lien=tuple(lien) if isinstance(lien, list) else lien,
        constantes={k: str(v) for k, v in d.get("constantes", {}).items()},
    )


def _entetes(textes: Any) -> tuple[EnteteAttendu, ...]:
    liste = [textes] if isinstance(textes, (str, Mapping)) else textes
    return tuple(EnteteAttendu(t) if isinstance(t, str) else EnteteAttendu(t["entete"], t.get("apres")) for t in liste)


def _column(lettre: str | None) -> int | None:
    """Excel column letter → 1-based number."""
    if lettre is None:
        return None
    n = 0
    for c in lettre.upper():
        n = n * 26 + ord(c) - 64
    return n
