"""The quality report (SIMS, Eurostat) and the press sheet of a release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any, NamedTuple

from cartographie.base.errors import UserError
from cartographie.base.paper import Grille, render
from cartographie.base.text import decimal, espace, jour, nombre
from cartographie.release.manifest import ABREGES, NOTES_COMMUNES, Notice, alerts
from cartographie.release.maps import format_number
from cartographie.release.page import key_figures, tell_sensitivity
from cartographie.survey.published import EVOLUTION, VISIBLES, rows_at, significance, whole
from cartographie.survey.received import Tableau

# ---- the press sheet: one page, the declared key figures, each with its denominator, respondents and interval


def build_press_sheet(tableaux: Sequence[Tableau], meta: Notice) -> str:
    """A figure that is not published says why in its place."""
    return render(
        "release/templates/presse.html.j2", titre=f"{meta.titre}\u00a0: les chiffres clés de {meta.campagne}",
        alertes=alerts(meta), chiffres=[_press_figure(x) for x in key_figures(tableaux, meta)], champ=meta.champ,
        note=NOTES_COMMUNES[2], producteur=meta.producteur, campagne=meta.campagne, version=meta.version,
        jour=jour(meta.date), licence=meta.licence, contact=meta.contact,
    )  # fmt: skip


def _press_figure(x: Mapping[str, Any]) -> dict[str, str]:
    detail = [f"Parmi : {x['champ']}"]
    detail += [f"{x['effectif'].lower()} : {x['n']}"] if x["n"] != "" else []
    detail += [f"intervalle à 95 % : {x['intervalle']}"] if x["intervalle"] else []
    detail += [x["changement"]] if x["changement"] else []
    detail += [x["sens"]] if x["sens"] else []
    dite = {"valeur": x["dite"], "phrase": x["phrase"], "tableau": x["tableau"]}
    return {**dite, "detail": " ; ".join(detail), "sensibilite": tell_sensitivity(x)}


# ---- the quality report of a release, in the order of SIMS (Single Integrated Metadata Structure, Eurostat, 19 concepts)
#
# What can be computed is computed; what only people can say comes from schemas/<campagne>/qualite.yaml.

ABSENT = "Non renseigné par le producteur pour cette campagne."
PARTS = (
    "Ce qui, dans ces évolutions, vient des mêmes répondants, des entrées, des sorties et du champ est calculé pour le producteur et n'est "
    "pas publié : ces parts portent sur des sous-populations que la preuve du secret ne couvre pas."
)
DRAPEAUX = {"C0": "identique", "C1": "formulation changée", "C2": "comparable après recodage", "C3": "rupture"}


class Intertitre(NamedTuple):
    titre: str


Bloc = str | Intertitre | Grille  # a paragraph, a heading, a table
Calcul = Callable[[Sequence[Tableau], Notice], list[Bloc]]


def build_quality_report(tableaux: Sequence[Tableau], meta: Notice) -> str:
    """One section per concept. `meta`: as for publish. Raises UserError E22 when a computed concept cannot be filled."""
    sections: list[tuple[str, Sequence[Bloc]]] = []
    humain = meta.qualite
    for i, (titre, contenu) in enumerate(CONCEPTS, start=1):
        blocs: Sequence[Bloc] = []
        if isinstance(contenu, str):
            blocs = [str(humain.get(contenu) or ABSENT)]
        else:
            with suppress(KeyError, TypeError, ValueError):
                blocs = contenu(tableaux, meta)
        if not blocs:
            raise UserError(
                "E22", f"le rapport qualité n'est pas complet : « {i}. {titre} » ne se calcule pas ; rien n'est publié, à signaler.",
            )  # fmt: skip
        sections.append((titre, blocs))
    titre = f"Rapport qualité – {meta.titre}, édition {meta.campagne}"
    return render("release/templates/qualite.html.j2", titre=titre, alertes=alerts(meta), sections=sections)


def _metadata(_: Sequence[Tableau], m: Notice) -> list[Bloc]:
    return [f"Fiche arrêtée au {jour(m.date)}, pour la version « {m.version} » de l'édition {m.campagne}."]


def _presentation(tableaux: Sequence[Tableau], m: Notice) -> list[Bloc]:
    titres = [(t.code, t.meta.titre) for t in tableaux]
    return [f"Champ : {m.champ}.", Grille("Tableaux publiés", ["Tableau", "Titre"], titres)]


def _units(tableaux: Sequence[Tableau], _: Notice) -> list[Bloc]:
    vues = sorted({str(u) for t in tableaux for u in t.df["unite"]})
    return [f"Unités employées : {', '.join(vues)}. Chaque part dit son dénominateur dans son tableau."]


def _period(_: Sequence[Tableau], m: Notice) -> list[Bloc]:
    return [f"Réponses reçues du {jour(m.debut)} au {jour(m.fin)} ; elles décrivent la situation à cette date."]


def _confidentiality(_: Sequence[Tableau], m: Notice) -> list[Bloc]:
    s, c = m.seuils, m.secret.cellules
    regle = "Aucun seuil de secret n'est déclaré : les réponses de cette enquête sont publiques"
    if s.get("secret_min"):
        regle = f"Aucun effectif de moins de {s['secret_min']} répondants n'est publié"
    if s.get("secret_min") and s.get("dominance_pct"):
        regle += f", ni aucun total dont un seul répondant fait plus de {s['dominance_pct']} %"
    return [
        Intertitre("7.1 Politique"), regle + " (loi n° 51-711 du 7 juin 1951). Coordonnées et textes libres ne sortent jamais.",
        Intertitre("7.2 Traitement"),
        (
            f"{espace(c['A'])} effectifs confidentiels, {espace(c['D'])} masqués pour les protéger, {espace(c['V'])} publiés. "
            "Avant d'être écrite, la publication a été attaquée par un programme indépendant qui lit ses fichiers avec "
            f"{nombre(len(m.anterieures), 'publication antérieure', 'publications antérieures')} : aucun effectif masqué ne se retrouve."
        ),
    ]  # fmt: skip


def _accessibility(_: Sequence[Tableau], m: Notice) -> list[Bloc]:
    return [
        "Page à consulter hors connexion, classeur Excel aux règles d'accessibilité vérifiées, CSV, Parquet, schémas de "
        f"données et fiches de catalogue. Licence : {m.licence}."
    ]


def _accuracy(tableaux: Sequence[Tableau], m: Notice) -> list[Bloc]:
    lus, p = m.comptes[m.campagne], m.ponderation
    ecartees = sum(n for k, n in lus["cellules"].items() if k.startswith("ecartees"))
    sortie: list[Bloc] = [
            f"{espace(lus['cellules']['lues'])} cases lues : {espace(lus['cellules'].get('conservees', 0))} conservées, "
            f"{espace(lus['cellules'].get('rejetees', 0))} rejetées, {espace(lus['cellules'].get('quarantaine', 0))} en quarantaine, "
            f"{espace(ecartees)} écartées (en-têtes, notes, fichiers refusés)."
    ]  # fmt: skip
    if p:
        d = p.diagnostic
        sortie.append(
                f"{espace(p.repondants)} répondants couvrent {espace(p.unites)} unités d'une base de {espace(p.population)}. "
                f"Rapports de poids de {decimal(d.rapport_min, 2)} à {decimal(d.rapport_max, 2)}, effet de Kish {decimal(d.effet_kish, 2)}, "
                f"effectif efficace {decimal(d.n_effectif, 0)}."
        )  # fmt: skip
    if p and p.biais:
        ecarts = [(m.libelles.get(v, v), f"{decimal(e)} points") for v, e in p.biais.ecarts_points.items()]
        sortie.append(
            "Biais de non-réponse, vu sur des variables de la base qui n'ont pas servi aux poids : indicateur R "
            f"{decimal(p.biais.indicateur_r, 2)} (1 : répondre n'en dépend pas ; Schouten, Cobben et Bethlehem, 2009). "
            "Des taux observés sur de petits croisements l'abaissent : il se compare d'une édition à l'autre. Il ne dit rien de ce "
            "que la base ignore."
        )
        tetes = ["Variable de la base", "Plus grand écart d'une part"]
        sortie.append(Grille("Écart qui reste après pondération", tetes, ecarts))
    sortie += _bias(tableaux, m)
    statuts = Counter(str(x) for t in tableaux for x in t.df["statut"])
    libelles = {"A": "publié"} | {k: v for k, (_, v) in ABREGES.items()}
    lignes = [(k, libelles.get(k, k), espace(n)) for k, n in sorted(statuts.items())]
    sortie += [Grille("Chiffres par statut", ["Statut", "Sens", "Chiffres"], lignes), NOTES_COMMUNES[2]]
    for t in tableaux:
        if t.code in m.publication.get("qualite", ()):
            sortie += _national(t, m)
    attentes = m.plausibilite
    if attentes:
        verdicts = [(a.code, a.libelle, a.verdict, a.derogation or "aucune") for a in attentes]
        sortie.append(Grille("Vraisemblance de la campagne", ["Attente", "Énoncé", "Verdict", "Dérogation"], verdicts))
    if m.chiffres_cles:
        dits = [(c.code, str(c), c.pourquoi or "publié", c.derogation or "aucune") for c in m.chiffres_cles]
        sortie.append(Grille("Chiffres clés", ["Code", "Chiffre", "État", "Dérogation"], dits))
    return sortie


def _bias(tableaux: Sequence[Tableau], m: Notice) -> list[Bloc]:
    """What answering depended on, as far as the frame, the dates and the published figures tell."""
    sortie: list[Bloc] = []
    if m.ponderation and m.ponderation.r_partiels:
        vus = m.ponderation.r_partiels.items()
        lignes = [(m.libelles.get(v, v), decimal(r, 3), decimal(hasard, 3)) for v, (r, hasard) in vus]
        sortie.append(
            "Indicateurs R partiels (Schouten, Shlomo et Skinner, 2011), avant pondération : de combien le taux de réponse varie d'une "
            "modalité à l'autre de chaque variable de la base (0 : il n'en dépend pas ; 0,5 au plus)."
        )
        sortie.append(
            Grille("Ce dont la réponse dépend", ["Variable de la base", "Indicateur", "Par le seul hasard"], lignes)
        )
    cles = list(key_figures(tableaux, m))
    tardives = [
        (x["phrase"], x["dite"], m.vagues[x["rang"]]) for x in cles if x["statut"] in VISIBLES and x["rang"] in m.vagues
    ]
    if tardives:
        sortie.append(
            "Réponses tardives : le dernier tiers des réponses, dans l'ordre des dates, est comparé au premier tiers, avec les poids. Qui "
            "répond tard ressemble souvent à qui ne répond pas : un écart est une alerte, son absence n'est pas une preuve."
        )
        sortie.append(Grille("Réponses tardives et premières réponses", ["Chiffre", "Publié", "Verdict"], tardives))
    if sensibles := [(f"Si {x['si']}", x["dite"], *(part for _, part in x["ajustees"])) for x in cles if x["ajustees"]]:
        fois = [f"{decimal(k)} fois" for k in m.publication.get("sensibilite", ())]
        sortie.append(
            Grille("Sensibilité des chiffres clés à une réponse inégale", ["Hypothèse", "Publié", *fois], sensibles)
        )
    return sortie


def _national(t: Tableau, m: Notice) -> list[Bloc]:
    """What a table says of the whole, without its detail."""
    garde = rows_at(t.df, {"edition": m.campagne, "dimension": "", **whole(m.axes)}) & t.df["valeur"].notna()
    lignes = [
        (t.meta.indicateurs.get(x["indicateur"], x["indicateur"]), decimal(x["valeur"]), x["unite"])
        for x in t.df[garde].to_dict("records")
    ]
    return [Grille(f"{t.code} : {t.meta.titre}", ["Indicateur", "Valeur", "Unité"], lignes)] if lignes else []


def _timeliness(_: Sequence[Tableau], m: Notice) -> list[Bloc]:
    sortie_le, fin = date.fromisoformat(m.date), date.fromisoformat(m.fin)
    prevue = m.qualite.get("diffusion_prevue")
    dit = f"Publication {nombre((sortie_le - fin).days, 'jour', 'jours')} après la fin de la collecte."
    if not prevue:
        return [f"{dit} Aucune date de diffusion n'avait été annoncée."]
    retard = (sortie_le - date.fromisoformat(prevue)).days
    return [f"{dit} Annoncée pour le {jour(prevue)} : " + (f"retard de {nombre(retard, 'jour', 'jours')}." if retard > 0 else "tenue.")]  # fmt: skip


def _comparability(tableaux: Sequence[Tableau], m: Notice) -> list[Bloc]:
    ruptures = sum(int((t.df["statut"] == "b").sum()) for t in tableaux)
    if not m.precedente:
        return ["Première édition : aucune comparaison dans le temps."]
    lignes = [(c["libelle"], DRAPEAUX.get(c["drapeau"], c["drapeau"]), c["note"]) for c in m.comparabilite]
    marques = nombre(ruptures, "chiffre marqué", "chiffres marqués")
    sortie: list[Bloc] = [f"Éditions comparées : {m.precedente} et {m.campagne}. {marques} d'une rupture."]
    if lignes:
        sortie.append(Grille("Questions qui ont changé", ["Question", "Comparabilité", "Note"], lignes))
    evolutions = [x for t in tableaux for x in _evolutions(t, m)]
    if evolutions:
        tetes = ["Tableau", "Indicateur", "Évolution", "Intervalle à 95 %", "Changement"]
        sortie += [Grille("Évolutions de l'ensemble, à champ constant", tetes, evolutions), PARTS]
    return sortie


def _evolutions(t: Tableau, m: Notice) -> Iterator[tuple[str, str, str, str, str]]:
    """What a table shows to have changed of the whole, by its own interval."""
    garde = rows_at(t.df, {"edition": m.campagne, **whole(m.axes)}) & t.df["indicateur"].str.endswith(EVOLUTION)
    for x in t.df[garde & t.df["ic_bas"].notna()].to_dict("records"):
        code = x["indicateur"].removesuffix(EVOLUTION)
        reponse = f", {x['modalite_libelle']}" if x["modalite_libelle"] else ""
        valeur, bas, haut = (format_number(x[c], x["unite"]) for c in ("valeur", "ic_bas", "ic_haut"))
        dit = t.meta.indicateurs.get(code, t.meta.modalites.get(code, code)) + reponse
        yield t.code, dit, valeur, f"de {bas} à {haut}", significance(x["ic_bas"], x["ic_haut"])


def _revisions(_: Sequence[Tableau], m: Notice) -> list[Bloc]:
    r = m.revision
    if r.remplace is None:
        return [f"Version {r.nature}. Aucune version antérieure de cette édition n'est corrigée par celle-ci."]
    return [
        f"Version {r.nature} : elle remplace « {r.remplace.name} ». Motif : {r.motif}. "
        f"{nombre(r.nombre, 'chiffre révisé', 'chiffres révisés')}, un par un dans revisions.csv."
    ]


def _processing(_: Sequence[Tableau], m: Notice) -> list[Bloc]:
    p, poids = m.ponderation, "Aucun poids : chaque répondant compte pour lui seul"
    if p:
        poids = (
            f"Poids : {len(p.groupes)} groupes de réponse homogène, puis calage sur {len(p.marges)} marges de la base"
        )
    etapes = [
        ("5.1", "Fichiers reçus, reconnus à leur empreinte, lus sans rien exécuter"),
        ("5.2", "Réponses rapprochées des nomenclatures déclarées"),
        ("5.3", "Règles de contrôle, anomalie par anomalie, avec la case en cause"),
        ("5.4", "Redressements déclarés seulement, chacun tracé ; aucune valeur n'est imputée"),
        ("5.6", poids),
        ("5.7", "Estimations et intervalles ; arrondi unique à la publication"),
        ("6.4", "Secret primaire et secondaire sur l'ensemble des tableaux, puis attaque"),
    ]
    return [Grille("Étapes (GSBPM 5.1)", ["Étape", "Ce qui est fait"], etapes)]


CONCEPTS: tuple[tuple[str, str | Calcul], ...] = (
    ("Contact", lambda _, m: [f"{m.producteur}, {m.contact}."]),
    ("Mise à jour des métadonnées", _metadata),
    ("Présentation statistique", _presentation),
    ("Unité de mesure", _units),
    ("Période de référence", _period),
    ("Mandat institutionnel", "mandat"),
    ("Confidentialité", _confidentiality),
    ("Politique de diffusion", "politique_diffusion"),
    ("Fréquence de diffusion", lambda _, m: [f"Annuelle. Campagnes déclarées : {', '.join(m.campagnes)}."]),
    ("Accessibilité et clarté", _accessibility),
    ("Gestion de la qualité", "gestion_qualite"),
    ("Pertinence", "pertinence"),
    ("Précision et fiabilité", _accuracy),
    ("Actualité et ponctualité", _timeliness),
    ("Cohérence et comparabilité", _comparability),
    ("Coût et charge", "cout_charge"),
    ("Révision des données", _revisions),
    ("Traitement statistique", _processing),
    ("Commentaire", "remarques"),
)
