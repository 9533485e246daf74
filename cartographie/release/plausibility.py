"""Is a campaign plausible enough to be published? A great-expectations suite per frame, made of plausibilite.yaml, and its verdict."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cartographie.base.errors import UserError
from cartographie.base.paper import Grille, render
from cartographie.base.text import decimal, minuscule, nombre, pluriel
from cartographie.statistics.measures import unit_of
from cartographie.statistics.weights import AUTRES, INCONNU, Ponderation
from cartographie.survey.model import Questionnaire
from cartographie.survey.published import EVOLUTION, level, rows_of, whole
from cartographie.survey.received import Tableau
from cartographie.survey.written.declared import AttenteEcrite, Plausibilite

Attendu = dict[str, Any]  # one expectation as great-expectations writes it
Condition = dict[str, Any]  # of its rows, idem
ENSEMBLE = "ensemble"
REPONSES = {"rattachement", "reponses", "effectif", "unicite", "modalites"}  # what is measured on the answers
ARRONDI = 0.005  # what is measured is read at two decimals: 32,996 % is 33 %

# ---- what is expected of each frame


@dataclass(frozen=True, slots=True)
class Suite:
    """What is expected of `frame`, in great-expectations' own words. `reperes`: columns that say where a value is out of bounds.

    The frame has only the columns judged, none of which is personal; whether an answer is linked, never to whom."""

    nom: str
    frame: pd.DataFrame
    attentes: Sequence[Attendu]
    reperes: Sequence[str] = ()


def expect_answers(
    q: Questionnaire, attentes: Sequence[AttenteEcrite], reponses: pd.DataFrame, base: pd.DataFrame | None, avant: pd.DataFrame | None
) -> list[Suite]:  # fmt: skip
    """Of the answers kept (one row each): `rattachement`, those linked to the frame; `reponses`, as many as in the previous
    campaign; `effectif`, as many as said; `unicite`, different values; `modalites`, values among those said.

    By modality of `par`, but those with fewer than `effectif_min` answers (for `reponses`, of the previous campaign). What
    cannot be measured (no frame, no previous campaign, no value given) is not expected."""
    faites: list[Attendu] = []
    for a in attentes:
        if a["mesure"] not in REPONSES or (a["mesure"] == "rattachement" and (base is None or base.empty)):
            continue
        df = avant if a["mesure"] == "reponses" else reponses
        if df is None:
            continue
        for nom, n, ou in _parts(q, a, df):
            if a["mesure"] in ("unicite", "modalites") and not df.loc[_rows(df, ou), a["variable"]].notna().any():
                continue
            faites += _of_answers(a, nom, n, ou)
    noms = {x for a in attentes if a["mesure"] in REPONSES for x in (a.get("par"), a.get("variable")) if x}
    frame = reponses.reindex(columns=sorted(noms)).astype(object)
    frame = frame.where(frame.isna(), frame.astype(str))
    if "id_base" in reponses.columns:
        frame["id_base"] = reponses["id_base"].notna().map({True: "oui"})
    return [Suite(q.racine, frame, faites)] if faites else []


def _parts(q: Questionnaire, a: AttenteEcrite, df: pd.DataFrame) -> Iterator[tuple[str, int, Condition | None]]:
    """(label, rows, condition) of each part judged of `df`."""
    par = a.get("par")
    if par is None:
        parts: list[tuple[str, int, Condition | None]] = [(ENSEMBLE, len(df), None)]
    else:
        liste = q.variables[par].nomenclature
        libelles = {c: m.libelle for c, m in q.nomenclatures[liste].modalites.items()} if liste else {}
        nombres = df[par].value_counts().sort_index() if par in df.columns else pd.Series(dtype=int)
        parts = [(str(libelles.get(c, c)), int(n), _is(par, str(c))) for c, n in nombres.items()]
    return ((nom, n, ou) for nom, n, ou in parts if n >= a.get("effectif_min", 0))


def _rows(df: pd.DataFrame, ou: Condition | None) -> pd.Series:
    if ou is None:
        return pd.Series(True, index=df.index)
    return df[ou["column"]["name"]].astype(str) == ou["parameter"]


def _of_answers(a: AttenteEcrite, nom: str, n: int, ou: Condition | None) -> Iterator[Attendu]:
    """`n`: rows of the part in the frame it was counted on."""
    if a["mesure"] == "rattachement":
        yield _expect("column_proportion_of_non_null_values_to_be_between", a, nom, ou, 1, column="id_base")
    elif a["mesure"] == "unicite":
        yield _expect("column_proportion_of_unique_values_to_be_between", a, nom, ou, 1, column=a["variable"])
    elif a["mesure"] == "modalites":  # a share is bounded from below only: « at most » is said of the other values
        quoi: dict[str, object] = {"column": a["variable"], "value_set": [str(v) for v in a["valeurs"]]}
        for cle, genre in (("min", "to_be_in_set"), ("max", "to_not_be_in_set")):
            if cle in a:
                part = a["min"] if cle == "min" else 100 - a["max"]
                quoi["mostly"] = round(max(part - ARRONDI, 0) / 100, 6)
                yield _wording(f"expect_column_values_{genre}", a, nom, ou, 1, dict(quoi))
    else:
        x = _expect("table_row_count_to_be_between", a, nom, ou, n if a["mesure"] == "reponses" else 100)
        for cle, entier in (("min_value", math.ceil), ("max_value", math.floor)):
            if cle in x["kwargs"]:
                x["kwargs"][cle] = entier(x["kwargs"][cle])
        yield x


def expect_figures(
    q: Questionnaire, campagne: str, attentes: Sequence[AttenteEcrite], tableaux: Sequence[Tableau],
    base: pd.DataFrame | None, ponderation: Ponderation | None,
) -> list[Suite]:  # fmt: skip
    """Of a table (one row per figure): `chiffre`, each value of an indicator at a level; `somme`, its values at a level, added
    up, beside the whole's. Of the units covered (one row each): `poids`, what they weigh beside the frame, on each margin."""
    suites = []
    for t in tableaux:
        df = t.df[(t.df["edition"] == campagne) & t.df["modalite_code"].eq("") & t.df["dimension"].eq("")]
        faites = [x for a in attentes if a.get("tableau") == t.code for x in _of_table(q, a, df)]
        reperes = [f"{nom}_libelle" if "niveaux" in x else nom for nom, x in q.enquete.get("axes", {}).items()]
        colonnes = dict.fromkeys(["indicateur", *whole(q.enquete.get("axes", {})), *reperes, "n_repondants", "valeur"])
        if faites:
            suites.append(Suite(t.code, df[list(colonnes)], faites, reperes))
    poids = [a for a in attentes if a["mesure"] == "poids"]
    if poids and base is not None and ponderation is not None and len(ponderation.marges):
        suites.append(_of_weights(poids, base, ponderation))
    return suites


def _of_table(q: Questionnaire, a: AttenteEcrite, df: pd.DataFrame) -> list[Attendu]:
    df = df[df["indicateur"] == a["indicateur"]]
    axes = q.enquete.get("axes", {})
    ici = level(axes, a.get("par"))
    ou: Condition = {"type": "and", "conditions": [_is("indicateur", a["indicateur"]), *(_compare(*x) for x in ici)]}
    if a["mesure"] == "chiffre":
        if a.get("effectif_min"):
            ou["conditions"].append(_compare("n_repondants", ">=", a["effectif_min"]))
        x = _expect("column_values_to_be_between", a, a.get("par", ENSEMBLE), ou, 100, column="valeur")
        return [x | {"meta": x["meta"] | {"repere": _label(q, a.get("par"))}}]
    tout, siens = df[rows_of(df, level(axes, None))]["valeur"].sum(), df[rows_of(df, ici)]
    if not tout or siens.empty:
        return []
    return [_expect("column_sum_to_be_between", a, ENSEMBLE, ou, float(tout), column="valeur")]


def _label(q: Questionnaire, par: str | None) -> str:
    """Column that names the place of a figure measured by `par`; "" for the whole."""
    for nom, axe in q.enquete.get("axes", {}).items():
        if "niveaux" in axe and par in {n["code"] for n in axe["niveaux"]}:
            return f"{nom}_libelle"
        if nom == par:
            return nom
    return ""


def _of_weights(attentes: Sequence[AttenteEcrite], base: pd.DataFrame, p: Ponderation) -> Suite:
    """One row: one unit covered, its weight and its modality of each variable calibrated on, as grouped for it."""
    unites = base.iloc[p.unites["base"].to_numpy()]
    frame = {"poids": p.unites["poids"].to_numpy()}
    for v, marge in p.marges.groupby("variable", sort=False):
        codes = unites[v].astype(object).fillna(INCONNU).astype(str)
        frame[str(v)] = codes.where(codes.isin(marge["modalite"]), AUTRES).to_numpy()
    faites = [
        _expect("column_sum_to_be_between", a, f"{m.variable} {m.modalite}", _is(m.variable, m.modalite), m.population, column="poids")
        for a in attentes for m in p.marges.itertuples() if m.population
    ]  # fmt: skip
    return Suite("poids", pd.DataFrame(frame), faites)


def _expect(genre: str, a: AttenteEcrite, nom: str, ou: Condition | None, reference: float, **quoi: object) -> Attendu:
    """`reference`: what 100 % is; `a` bounds in per cent of it."""
    for cle, borne, marge in (("min_value", a.get("min"), -ARRONDI), ("max_value", a.get("max"), ARRONDI)):
        if borne is not None:
            quoi[cle] = round((borne + marge) * reference / 100, 6)
    return _wording(f"expect_{genre}", a, nom, ou, reference, quoi)


def _wording(
    genre: str, a: AttenteEcrite, nom: str, ou: Condition | None, reference: float, quoi: dict[str, Any]
) -> Attendu:
    cle = uuid.uuid5(uuid.NAMESPACE_OID, f"{a['code']}/{genre}/{ou}")  # never drawn at random
    return {
        "type": genre, "kwargs": quoi | ({"row_condition": ou} if ou else {}), "id": str(cle),
        "meta": {"code": a["code"], "modalite": nom, "reference": reference}, "notes": f"{a['code']} : {a['libelle']} ({nom})",
    }  # fmt: skip


def _compare(colonne: str, operateur: str, valeur: object) -> Condition:
    return {"type": "comparison", "column": {"name": colonne}, "operator": operateur, "parameter": valeur}


def _is(colonne: str, valeur: str) -> Condition:
    return _compare(colonne, "==", valeur)


# ---- the suites judged in a process of their own

# urllib3, which comes with great-expectations, opens a local port to try IPv6: told there is none, it does not
# jsonschema, which comes with it too, builds a grammar of addresses at each start when it can (half the start): told it cannot
PROGRAMME = (
    "import socket, sys; socket.has_ipv6 = False; sys.modules['rfc3987_syntax'] = None; "
    "from cartographie.release.suite import main; main()"
)


@dataclass(frozen=True, slots=True)
class Attente:
    """One expectation, judged. `hors`: (where, value) that are not as expected; `derogation`: why it is published all the
    same, "" when it is not; `mesures`: values judged; `bornes`: in words."""

    code: str
    libelle: str
    tenue: bool
    mesures: int
    hors: tuple[tuple[str, float], ...]
    derogation: str
    bornes: str = ""

    @property
    def verdict(self) -> str:
        return ("tenue" if self.tenue else "non tenue") if self.mesures else "sans objet"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`public`: a page that says what is met and holds no value; `detail`: with the values, for the producer alone, as are
    `docs`: great-expectations' own Data Docs, by file name."""

    attentes: tuple[Attente, ...]
    public: str
    detail: str
    docs: Mapping[str, str]


@contextmanager
def ask() -> Iterator[subprocess.Popen[str]]:
    """The process of the suites, which gets ready while something else is done. Telemetry is off; it ends with the block."""
    env = {**os.environ, "GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1", "PYTHONIOENCODING": "utf-8"}
    fils = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAMME],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=env,
    )  # fmt: skip
    try:
        yield fils
    finally:
        if fils.poll() is None:
            fils.kill()
        fils.wait()
        for flux in (fils.stdin, fils.stdout):
            if flux is not None:
                flux.close()


def judge(
    fils: subprocess.Popen[str], q: Questionnaire, declare: Plausibilite, suites: Sequence[Suite], entete: Mapping[str, str]
) -> Verdict:  # fmt: skip
    """`declare`: plausibilite.yaml. `entete`: campagne, jour, titre, mention. Raises RuntimeError when a suite breaks."""
    demande = {"campagne": entete["campagne"], "jour": entete["jour"], "suites": [_plain(s) for s in suites]}
    sortie, _ = fils.communicate(json.dumps(demande, ensure_ascii=False))
    if fils.returncode:
        raise RuntimeError("the plausibility suite broke")
    rendu = json.loads(sortie)
    jugees = [r for suite in rendu["resultats"] for r in suite["results"]]
    motifs = {d["code"]: d["motif"] for d in declare.get("derogations", ())}
    attentes = tuple(_judged(a, jugees, motifs.get(a["code"], ""), bounds(q, a)) for a in declare.get("attentes", ()))
    return Verdict(attentes, _page(attentes, entete, False), _page(attentes, entete, True), _docs(rendu, entete))


def _plain(s: Suite) -> dict[str, Any]:
    colonnes = s.frame.astype(object).where(s.frame.notna(), None).to_dict("list")
    nombres = {c for c in s.frame if pd.api.types.is_numeric_dtype(s.frame[c])}
    return {
        "nom": s.nom, "colonnes": colonnes, "types": {c: "float64" if c in nombres else "str" for c in colonnes},
        "attentes": list(s.attentes), "reperes": list(s.reperes),
    }  # fmt: skip


def _judged(a: AttenteEcrite, jugees: Iterable[Mapping[str, Any]], motif: str, bornes: str) -> Attente:
    siennes = [r for r in jugees if r["expectation_config"]["meta"]["code"] == a["code"]]
    mesures, hors = 0, []
    for r in siennes:
        if any(e.get("raised_exception") for e in _exceptions(r["exception_info"])):
            raise RuntimeError(f"the expectation {a['code']} could not be judged")
        n, valeurs = _measured(r, a)
        mesures += n
        hors += [] if r["success"] else valeurs
    return Attente(a["code"], a["libelle"], all(r["success"] for r in siennes), mesures, tuple(hors), motif, bornes)


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """One record, or one per metric."""
    return [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, Mapping)]


def _measured(r: Mapping[str, Any], a: AttenteEcrite) -> tuple[int, list[tuple[str, float]]]:
    """(how many values were judged, where and what: those out of bounds, or the only one)."""
    vu, meta = r["result"], r["expectation_config"]["meta"]
    if a["mesure"] == "chiffre":
        dehors = vu.get("unexpected_index_list") or ()
        hors = [(str(x.get(meta["repere"], ENSEMBLE)), round(float(x["valeur"]), 2)) for x in dehors]
        return vu["element_count"] - vu["missing_count"], hors
    if a["mesure"] == "modalites":
        part = float(vu["unexpected_percent_nonmissing"])
        if r["expectation_config"]["type"] == "expect_column_values_to_be_in_set":
            part = 100 - part
    else:
        part = 100 * float(vu["observed_value"] or 0) / meta["reference"] if meta["reference"] else 0.0
    return 1, [(meta["modalite"], round(part, 2))]


def bounds(q: Questionnaire, a: AttenteEcrite) -> str:
    """« au moins 60 % et au plus 300 % »: what is bounded, with its unit."""
    un, plusieurs = _unit(q, a)
    dites = []
    for mot, borne in (("au moins", a.get("min")), ("au plus", a.get("max"))):
        if borne is not None:
            valeur = decimal(borne, 2).replace("-", "\u2212")
            dites.append(f"{mot} {valeur}\u00a0{un if abs(borne) < 2 else plusieurs}".rstrip())
    return " et ".join(dites)


def _unit(q: Questionnaire, a: AttenteEcrite) -> tuple[str, str]:
    """What a bound counts, one and several: per cent, but for answers counted and for a figure, which is in its own unit."""
    if a["mesure"] == "effectif":
        return "réponse", "réponses"
    if a["mesure"] != "chiffre":
        return "%", "%"
    code = a["indicateur"].removesuffix(EVOLUTION)
    s, ind = next((s, x) for s in q.tableaux[a["tableau"]]["series"] for x in s["indicateurs"] if x["code"] == code)
    unite = unit_of(ind)
    if unite == "pct" and code == a["indicateur"]:
        return "%", "%"
    if unite in ("pct", "points"):
        return "point", "points"
    if unite != "nombre":
        return unite, unite
    valeur, compte = ind.get("valeur"), q.denominateurs[s["denominateur"]]["entite"]
    if isinstance(valeur, str):  # of a variable: in the unit it is asked in
        variable = q.variables.get(valeur.rpartition(".")[2])
        return (variable.unite or "",) * 2 if variable else ("", "")
    compte = valeur["nombre"] if valeur else compte
    if compte == q.base:
        return "unité", "unités"
    if compte not in q.entites:  # what is counted on the checks themselves
        return "", ""
    libelle = minuscule(q.entites[compte].libelle)
    return libelle, pluriel(libelle)


# ---- what is said of it


def _page(attentes: Sequence[Attente], entete: Mapping[str, str], detail: bool) -> str:
    verdicts = [a.verdict for a in attentes]
    ecarts = [(a.code, ou, decimal(v), a.derogation or "aucune") for a in attentes for ou, v in a.hors]
    return render(
        "release/templates/plausibilite.html.j2", titre=f"Vraisemblance de la campagne {entete['campagne']} – {entete['titre']}",
        alertes=[entete["mention"]] if entete.get("mention") else [],
        decompte=f"{nombre(verdicts.count('tenue'), 'tenue')}, {nombre(verdicts.count('non tenue'), 'non tenue', 'non tenues')}, "
        f"{verdicts.count('sans objet')} sans objet",
        attentes=Grille("Attente par attente", ["Attente", "Énoncé", "Bornes", "Verdict"],
                        [(a.code, a.libelle, a.bornes, a.verdict) for a in attentes]),
        ecarts=Grille("Où, et combien", ["Attente", "Où", "Valeur", "Dérogation"], ecarts) if detail else None,
    )  # fmt: skip


def _docs(rendu: Mapping[str, Any], entete: Mapping[str, str]) -> dict[str, str]:
    comptes = [(r["suite_name"], r["statistics"]) for r in rendu["resultats"]]
    suites = [(nom, n["successful_expectations"], n["evaluated_expectations"]) for nom, n in comptes]
    titre = f"Data Docs de la campagne {entete['campagne']} – {entete['titre']}"
    alertes = [entete["mention"]] if entete.get("mention") else []
    index = render("release/templates/data_docs.html.j2", titre=titre, alertes=alertes, suites=suites)
    return {"index.html": index, **rendu["pages"]}


MONTRES = 3


def require_plausible(attentes: Sequence[Attente], campagne: str) -> None:
    """Raise UserError E13 (status 13) naming each expectation that is neither met nor waived in writing."""
    manquees = [a for a in attentes if not a.tenue and not a.derogation]
    if manquees:
        raise UserError(
            "E13",
            f"La campagne {campagne} n'est pas vraisemblable : {' ; '.join(_says(a) for a in manquees)} ; vérifiez les fichiers "
            f"reçus, ou écrivez une dérogation motivée dans schemas/{campagne}/plausibilite.yaml.",
        )


def _says(a: Attente) -> str:
    ou = ", ".join(f"{m} : {decimal(v)}" for m, v in a.hors[:MONTRES])
    reste = f" et {len(a.hors) - MONTRES} autres" if len(a.hors) > MONTRES else ""
    return f"{a.code}, {a.libelle} ({ou}{reste})"
