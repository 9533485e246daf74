"""Tables on nine answers, small enough to be counted by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cartographie.base.errors import UserError
from cartographie.statistics.estimates import build_plan, proportion_interval
from cartographie.statistics.measures import divise_arrondi
from cartographie.statistics.members import Traceur
from cartographie.statistics.precision import finish
from cartographie.statistics.tables import Campagne as TablesOf
from cartographie.statistics.tables import draft_tableaux
from cartographie.statistics.weights import Ponderation, weight_diagnostics
from cartographie.survey.model import (
    Campagne,
    ColonneAttendue,
    Entite,
    FeuilleAttendue,
    Gravite,
    Modalite,
    Modele,
    Nomenclature,
    Questionnaire,
    Regle,
    Variable,
)
from cartographie.survey.received import Tableau

AXES = {
    "territoire": {"niveaux": [{"code": "pays", "libelle": "Pays"}, {"code": "zone", "variable": "zone"}]},
    "genre": {"variable": "genre"},
}
VARIABLES = {
    v.nom: v
    for v in (
        Variable("zone", ("ferme", "annuaire"), "code", "Zone", nomenclature="zone"),
        Variable("genre", ("ferme", "annuaire"), "code", "Genre", nomenclature="genre"),
        Variable("lait", ("ferme",), "code", "Faites-vous du lait ?", nomenclature="reponse"),
        Variable("marches", ("ferme",), "codes", "Où vendez-vous ?", nomenclature="marche"),
        Variable("aide_1", ("ferme",), "code", "Aide 1", nomenclature="marche"),
        Variable("aide_2", ("ferme",), "code", "Aide 2", nomenclature="marche"),
        Variable("litres", ("ferme",), "entier", "Litres"),
        Variable("capacite", ("annuaire",), "entier", "Capacité"),
        Variable("race", ("vache",), "code", "Race", nomenclature="race"),
        Variable("age", ("vache",), "entier", "Âge"),
        Variable("jamais", ("ferme",), "code", "Jamais posée", nomenclature="reponse"),
    )
}
NOMENCLATURES = {
    "zone": {"1": "Nord", "2": "Sud", "9": "Îles"}, "genre": {"P": "Petite", "G": "Grande", "X": "Autre"},
    "reponse": {"OUI": "Oui", "NON": "Non", "NSP": "Ne sait pas"}, "marche": {"M": "Marché", "V": "Vente directe"},
    "race": {"N": "Normande", "H": "Holstein"},
}  # fmt: skip
# F1…F9: zone, genre, lait, marches, litres
FERMES = [
    ("1", "P", "OUI", ("M", "V"), 100), ("1", "P", "OUI", ("M",), 200), ("1", "P", "NON", (), 300),
    ("1", "G", "NSP", ("V",), 400), ("1", "G", None, None, None), ("1", "G", "OUI", ("V",), 1000),
    ("2", "P", "OUI", ("M",), 50), ("2", "P", "NON", ("M",), 60), (None, "P", "NON", ("M",), 70),
]  # fmt: skip


def frames() -> dict[str, pd.DataFrame]:
    fermes = pd.DataFrame(FERMES, columns=["zone", "genre", "lait", "marches", "litres"])
    fermes["litres"] = fermes["litres"].astype("Int64")
    fermes["marches"] = pd.Series([f[3] if f[3] else None for f in FERMES], dtype=object)
    fermes["aide_1"] = ["M", "V", None, None, None, None, None, None, "M"]
    fermes["aide_2"] = ["V", None, None, None, None, None, None, None, "M"]
    fermes.insert(0, "id_repondant", [f"F:{i}" for i in range(1, 10)])
    fermes["parent"] = -1
    parent = [0, 0, 0, 1, 5, 6]  # F1 has three cows, F2, F6 and F7 one each
    vaches = fermes.loc[parent, ["id_repondant", "zone", "genre"]].reset_index(drop=True)
    vaches = vaches.assign(parent=parent, race=["N", "N", "H", "N", "H", "H"], age=[2, 3, 4, 5, 6, 7])
    annuaire = pd.DataFrame({
        "id_base": list("abcdefghijkl"), "zone": ["1"] * 7 + ["2"] * 5, "genre": ["P"] * 6 + ["G"] * 6,
        "capacite": [10] * 11 + [None], "a_repondu": [True] * 8 + [False] * 4,
    })  # fmt: skip
    return {"ferme": fermes, "vache": vaches, "annuaire": annuaire}


def ind(code: str, mesure: str, **reste: object) -> dict[str, object]:
    return {"code": code, "libelle": code, "mesure": mesure, **reste}


LAIT = ind("lait", "part", condition={"variable": "lait", "egal": "OUI"})
LIBRE = {"min_repondants": 5, "min_contributeurs": 0}  # a table that secrecy does not bear on


def questionnaire(*series: dict[str, object], comparabilite: tuple = (), table: dict | None = None) -> Questionnaire:
    posees = tuple(
        FeuilleAttendue(
            e,
            (e,),
            "tableau",
            tuple(ColonneAttendue(v.nom, ()) for v in VARIABLES.values() if e in v.entites and v.nom != "jamais"),
        )
        for e in ("ferme", "vache", "annuaire")
    )
    campagnes = {
        c: Campagne(c, c, date(2001, 1, 1), date(2001, 12, 31), "", p, {"m": Modele("m", "m", c, "reponse", (), posees)},
                    {"seuils": {"secret_min": 3, "proportion_min": 5}})
        for c, p in (("c1", None), ("c2", "c1"))
    }  # fmt: skip
    return Questionnaire(
        {"axes": AXES, "fictif": True, "champ_constant": {"variable": "genre"}},
        {"ferme": Entite("ferme", "Ferme"), "vache": Entite("vache", "Vache", parent="ferme"),
         "annuaire": Entite("annuaire", "Annuaire", base=True)},
        VARIABLES,
        {n: Nomenclature(n, {c: Modalite(c, m) for c, m in d.items()}) for n, d in NOMENCLATURES.items()},
        {}, (),
        {"F": {"entite": "ferme", "libelle": "Fermes"}, "V": {"entite": "vache", "libelle": "Vaches"},
         "A": {"entite": "annuaire", "libelle": "Annuaire"},
         "LAIT": {"entite": "ferme", "libelle": "Laitières", "filtre": {"variable": "lait", "egal": "OUI"}}},
        {"T01": {"code": "T01", "titre": "Lait, {edition}", "series": [dict(s) for s in series], **(table or {})}},
        comparabilite, campagnes, {},
    )  # fmt: skip


def serie(
    *indicateurs: dict[str, object], croisements: object = ((),), den: str = "F", **reste: object
) -> dict[str, object]:
    return {
        "denominateur": den,
        "croisements": [list(c) for c in croisements],
        "indicateurs": list(indicateurs),
        **reste,
    }


def build_tableaux(
    frames: Mapping[str, pd.DataFrame], avant: Mapping[str, pd.DataFrame] | None, q: Questionnaire, campagne: str
) -> list[Tableau]:
    """Every declared table, unweighted, with primary secrecy only: what is counted on the answers themselves."""
    nom = q.campagnes[campagne].precedente
    precedente = TablesOf(nom, avant) if nom and avant else None
    return [finish(t) for t in draft_tableaux(q, TablesOf(campagne, frames), precedente)]


def rows(q: Questionnaire, precedents: dict | None = None, campagne: str = "c1") -> pd.DataFrame:
    return build_tableaux(frames(), precedents, q, campagne)[0].df


def figure(df: pd.DataFrame, **cle: str) -> tuple[object, object, str]:
    """(value, n, status) of the only row so named."""
    for colonne, valeur in cle.items():
        df = df[df[colonne] == valeur]
    assert len(df) == 1, df
    ligne = df.iloc[0]
    return (
        None if pd.isna(ligne["valeur"]) else float(ligne["valeur"]),
        None if pd.isna(ligne["n_repondants"]) else int(ligne["n_repondants"]),
        ligne["statut"],
    )


def test_part_leaves_item_non_response_out_and_keeps_do_not_know() -> None:
    df = rows(questionnaire(serie(LAIT)))
    assert figure(df) == (50.0, 8, "A")  # 4 yes of 8 answered, one of them NSP; F5 did not answer


def test_columns_and_texts_of_the_long_contract() -> None:
    df = rows(questionnaire(serie(LAIT)))
    assert list(df.columns) == [
        "edition", "table_id", "territoire_type", "territoire_code", "territoire_libelle", "genre", "dimension", "modalite_code",
        "modalite_libelle", "indicateur", "unite", "denominateur", "n_repondants", "n_pondere", "valeur", "ic_bas", "ic_haut", "statut",
    ]  # fmt: skip
    assert df.iloc[0]["territoire_type"] == "pays"
    assert df.iloc[0]["genre"] == "TOUS"


def test_grid_is_complete_ordered_and_masked_by_status() -> None:
    df = rows(questionnaire(serie(LAIT, croisements=(("zone",),))))
    assert df["territoire_libelle"].tolist() == ["Nord", "Sud", "Îles"]
    assert figure(df, territoire_code="1") == (None, 5, "c")  # three of five: the two others would be known
    assert figure(df, territoire_code="2") == (None, None, "n")  # two respondents: neither value nor n
    assert figure(df, territoire_code="9") == (None, 0, "n")


def test_below_the_proportion_threshold_n_is_shown_and_the_value_is_not() -> None:
    df = rows(questionnaire(serie(LAIT), table={"min_repondants": 9, "min_contributeurs": 3}))
    assert figure(df) == (None, 8, "n")


def test_kinds_of_actor_are_those_of_the_frame() -> None:
    df = rows(questionnaire(serie(LAIT, croisements=(("zone", "genre"),))))
    assert df[["territoire_code", "genre"]].to_numpy().tolist() == [[z, g] for z in "129" for g in "PG"]


def test_repartition_of_a_single_answer() -> None:
    df = rows(questionnaire(serie(ind("r", "repartition", variable="lait")), table=LIBRE))
    assert df["modalite_libelle"].tolist() == ["Oui", "Non", "Ne sait pas"]
    assert df["valeur"].tolist() == [50.0, 37.5, 12.5]
    assert set(df["dimension"]) == {"lait"}


def test_repartition_of_a_multiple_choice_and_of_several_variables() -> None:
    df = rows(questionnaire(serie(ind("r", "repartition", variable="marches")), table=LIBRE))
    assert df["valeur"].tolist() == [71.4, 42.9]  # 5 and 3 of the 7 who answered
    df = rows(questionnaire(serie(ind("r", "repartition", variable=["aide_1", "aide_2"])), table={"min_repondants": 0}))
    assert df["valeur"].tolist() == [66.7, 66.7]  # F1 both, F2 V, F9 M once though named twice


def test_repartition_over_child_rows_counts_each_parent_once() -> None:
    adultes = {"variable": "age", "superieur": 2}
    df = rows(questionnaire(serie(ind("r", "repartition", variable="vache.race", si=adultes)), table=LIBRE))
    assert df["valeur"].tolist() == [22.2, 33.3]  # F1, F2 of nine farms; F1, F6, F7
    assert set(df["n_repondants"]) == {9}


def test_counts_on_child_rows_rest_on_respondents() -> None:
    q = questionnaire(serie(ind("nb", "nombre"), den="V", dimension="race"), table={"min_contributeurs": 3})
    df = rows(q)
    assert figure(df, modalite_code="N") == (None, None, "n")  # three cows of two farms
    assert figure(df, modalite_code="H") == (3.0, 3, "A")


def test_dimension_with_repartition_names_the_answer_in_the_indicator() -> None:
    q = questionnaire(
        serie(ind("r", "repartition", variable="race"), den="V", dimension="genre"), table={"min_contributeurs": 0}
    )
    df = rows(q)
    assert figure(df, indicateur="r.N", modalite_code="P")[0] == 60.0
    assert figure(df, indicateur="r.H", modalite_code="G")[0] == 100.0


def test_frame_measures() -> None:
    repondu = {"variable": "a_repondu", "egal": True}
    df = rows(questionnaire(serie(
        ind("n", "nombre"), ind("taux", "part", condition=repondu),
        ind("poids", "part", condition=repondu, poids="capacite"), den="A",
    ), table={"min_repondants": 0, "min_contributeurs": 0}))  # fmt: skip
    assert [figure(df, indicateur=c)[:2] for c in ("n", "taux", "poids")] == [(12.0, 12), (66.7, 12), (72.7, 12)]


def test_numeric_measures() -> None:
    vaches = {"nombre": "vache"}
    df = rows(questionnaire(serie(
        ind("somme", "somme", valeur="litres"), ind("moyenne", "moyenne", valeur=vaches), ind("mediane", "mediane", valeur="litres"),
        ind("q3", "q3", valeur="litres"), ind("max", "maximum", valeur="litres"), ind("ratio", "ratio", numerateur=vaches, denominateur="litres"),
    )))  # fmt: skip
    attendu = {"somme": 2180, "moyenne": 0.67, "mediane": 150, "q3": 325, "max": 1000, "ratio": 0.3}
    assert {c: figure(df, indicateur=c)[0] for c in attendu} == attendu
    assert figure(df, indicateur="somme")[1] == 8


def test_a_trace_reads_what_decides_which_child_rows_count() -> None:
    """Its cells are those of the cows, not of a question of that name asked to farms."""
    normandes = {"nombre": "vache", "si": {"variable": "race", "egal": "N"}}
    jeunes = ind("jeunes", "repartition", variable="vache.race", si={"variable": "age", "inferieur": 5})
    t = Traceur(questionnaire(serie(ind("normandes", "somme", valeur=normandes), jeunes)), TablesOf("c1", frames()))
    lues = {x["indicateur"]: t.members("T01", x).variables for x in t.draft("T01").df.to_dict("records")}
    assert lues == {"normandes": (("vache", "race"),), "jeunes": (("vache", "age"), ("vache", "race"))}


@pytest.mark.parametrize(
    ("campagne", "table", "attendu"),
    [({}, {}, (None, 5, "c")), ({"zeros": "publier"}, {}, (100.0, 5, "A")), ({}, {"zeros": "publier"}, (100.0, 5, "A")),
     ({"zeros": "publier"}, {"zeros": "proteger"}, (None, 5, "c"))],
)  # fmt: skip
def test_what_is_true_of_everybody_is_protected_unless_said_otherwise(
    campagne: dict[str, object], table: dict[str, object], attendu: tuple[object, object, str]
) -> None:
    """The five large and small farms that have litres in the north: all have some. The table goes before the campaign."""
    tous = ind("tous", "part", condition={"variable": "litres", "superieur_ou_egal": 1})
    q = questionnaire(
        serie(tous, croisements=(("zone",),)), table={"min_repondants": 3, "min_contributeurs": 3, **table}
    )
    q = replace(q, campagnes={"c1": replace(q.campagnes["c1"], parametres={"seuils": {"secret_min": 3, **campagne}})})
    assert figure(rows(q), territoire_code="1") == attendu


def test_those_who_belong_together_are_one_contributor_to_secrecy() -> None:
    """F1, F2 and F6 of the north say yes, and belong to one owner, as F1 and F6 say and the frame says of F2: one contributor."""
    seuils = {"seuils": {"secret_min": 2, "proportion_min": 3}}
    q = questionnaire(serie(LAIT, croisements=(("zone",),)))
    q = replace(q, campagnes={"c1": replace(q.campagnes["c1"], parametres=seuils)})
    donnees = frames()
    donnees["ferme"]["proprietaire"] = ["X", None, "Y", None, None, "X", None, None, None]
    donnees["annuaire"] = donnees["annuaire"].assign(
        proprietaire=["X"] + [None] * 11, id_repondant=["F:2"] + [None] * 11
    )
    seuls = build_tableaux(donnees, None, q, "c1")[0].df
    assert figure(seuls, territoire_code="1") == (60.0, 5, "A")
    q = replace(q, enquete={**q.enquete, "groupe": ["proprietaire"]})
    ensemble = build_tableaux(donnees, None, q, "c1")[0].df
    assert figure(ensemble, territoire_code="1") == (None, 5, "c")


def test_dominance_hides_a_total() -> None:
    q = questionnaire(serie(ind("somme", "somme", valeur="litres"), croisements=(("genre",),)))
    seuils = {"seuils": {"secret_min": 2, "dominance_pct": 70}}
    q = replace(q, campagnes={"c1": replace(q.campagnes["c1"], parametres=seuils)})
    df = rows(q)
    assert figure(df, genre="P") == (780.0, 6, "A")
    assert figure(df, genre="G") == (None, 2, "c")  # 1000 of 1400 litres: 71 %


def test_not_asked_is_not_available() -> None:
    q = questionnaire(serie(ind("j", "part", condition={"variable": "jamais", "egal": "OUI"})))
    assert figure(rows(q)) == (None, None, "nd")


def test_a_modality_not_valid_that_year_is_not_available_and_not_listed() -> None:
    q = questionnaire(serie(
        ind("nsp", "part", condition={"variable": "lait", "egal": "NSP"}),
        ind("large", "part", condition={"variable": "lait", "dans": ["NSP", "OUI"]}),
        ind("r", "repartition", variable="lait"),
    ))  # fmt: skip
    modalites = {**q.nomenclatures["reponse"].modalites, "NSP": Modalite("NSP", "Ne sait pas", valide_de="c2")}
    q = replace(q, nomenclatures={**q.nomenclatures, "reponse": Nomenclature("reponse", modalites)})
    df = rows(q)
    assert figure(df, indicateur="nsp")[2] == "nd"
    assert figure(df, indicateur="large")[2] == "A"
    assert df.loc[df["indicateur"] == "r", "modalite_code"].tolist() == ["OUI", "NON"]


def before() -> dict[str, pd.DataFrame]:
    """Previous year: the frame had small farms only; two of eight of them made milk."""
    f = frames()
    anciennes = pd.concat([f["ferme"][f["ferme"]["genre"] == "P"]] * 2).head(8).reset_index(drop=True)
    anciennes["lait"] = ["OUI"] * 2 + ["NON"] * 6
    anciennes["id_repondant"] = [f"F:{i}" for i in range(8)]
    return f | {"ferme": anciennes, "annuaire": f["annuaire"][f["annuaire"]["genre"] == "P"]}


def test_evolution_on_constant_perimeter() -> None:
    df = rows(questionnaire(serie(LAIT, evolution=True), table=LIBRE), before(), "c2")
    assert df[["edition", "indicateur"]].to_numpy().tolist() == [
        ["c1", "lait"],
        ["c2", "lait"],
        ["c2", "lait.evolution"],
    ]
    assert df["valeur"].tolist() == [25.0, 50.0, 25.0]  # 2 of 8, then 3 of the 6 small farms only
    assert df["unite"].tolist() == ["pct", "pct", "points"]


@pytest.mark.parametrize(
    ("note", "statut"),
    [
        ({"drapeau": "C3"}, "b"), ({"drapeau": "C1"}, "A"), ({"drapeau": "C2", "indicateurs": ["lait"]}, "A"),
        ({"drapeau": "C2", "indicateurs": []}, "b"), ({"drapeau": "C2", "passage": "p"}, "A"),
    ],
)  # fmt: skip
def test_evolution_across_a_break_has_no_value(note: dict[str, object], statut: str) -> None:
    note = {"variable": "lait", "de": "c1", "a": "c2", **note}
    df = rows(questionnaire(serie(LAIT, evolution=True), comparabilite=(note,), table=LIBRE), before(), "c2")
    valeur, _, lu = figure(df, indicateur="lait.evolution")
    assert lu == statut
    assert (valeur is None) == (statut == "b")


def test_evolution_without_previous_answers_is_not_available() -> None:
    df = rows(questionnaire(serie(LAIT, evolution=True)), None, "c2")
    assert figure(df, indicateur="lait.evolution") == (None, None, "nd")


def test_one_figure_published_twice_is_refused() -> None:
    with pytest.raises(UserError, match="deux fois"):
        rows(questionnaire(serie(LAIT), serie(LAIT)))


def test_weights_are_those_of_the_units_of_the_frame_each_in_its_own_cell() -> None:
    """F1 answers for a unit of each zone, F2 to F4 for one unit of zone 1: weights 3 and 2, then 1, 1, 2."""
    unites = pd.DataFrame({
        "racine": [0, 0, 1, 2, 3], "base": [0, 7, 1, 2, 3], "groupe": "tous", "poids_initial": 1.0, "poids": [3.0, 2.0, 1.0, 1.0, 2.0],
    })  # fmt: skip
    plan = build_plan([5.0, 1.0, 1.0, 2.0], ["tous"] * 4, tailles={"tous": 9})
    ponderation = Ponderation(
        unites, np.arange(4), plan, pd.DataFrame(), pd.DataFrame(), weight_diagnostics(np.ones(4), np.ones(4))
    )
    q = questionnaire(serie(LAIT, croisements=((), ("zone",))), table={"min_repondants": 0, "min_contributeurs": 0})
    tout_montrer = {
        "seuils": {"fiabilite": {"demi_largeur_ns": 100, "effectif_ns": 0}}
    }  # so few respondents would be « ns »
    q = replace(q, campagnes={"c1": replace(q.campagnes["c1"], parametres=tout_montrer)})
    df = finish(draft_tableaux(q, TablesOf("c1", frames(), ponderation))[0]).df
    france = df[df["territoire_type"] == "pays"].iloc[0]
    assert (france["valeur"], france["n_repondants"], france["n_pondere"]) == (66.7, 4, 9.0)  # F1 and F2: 6 of 9
    assert 0 < france["ic_bas"] < 66.7 < france["ic_haut"] < 100
    assert figure(df, territoire_code="1")[0] == 57.1  # F1 (3) and F2 (1), of 7
    assert figure(df, territoire_code="2")[0] == 100.0  # F1 alone (2)


def weighted(
    *indicateurs: dict[str, object], repondants: int = 4, seuils: dict[str, object] | None = None
) -> pd.DataFrame:
    """The figures of the first farms (F1, F2…), each standing for two of the country's, everything shown."""
    n = repondants
    unites = pd.DataFrame({"racine": range(n), "base": range(n), "groupe": "tous", "poids_initial": 2.0, "poids": 2.0})
    plan = build_plan([2.0] * n, ["tous"] * n, tailles={"tous": 2 * n})
    poids = Ponderation(
        unites, np.arange(n), plan, pd.DataFrame(), pd.DataFrame(), weight_diagnostics(np.ones(n), np.ones(n))
    )
    libre = {"min_repondants": 0, "min_contributeurs": 0}
    q = questionnaire({"denominateur": "F", "croisements": [[]], "indicateurs": list(indicateurs)}, table=libre)
    montrer = {"seuils": seuils or {"fiabilite": {"demi_largeur_ns": 1e9, "effectif_ns": 0}}}
    q = replace(q, campagnes={"c1": replace(q.campagnes["c1"], parametres=montrer)})
    return finish(draft_tableaux(q, TablesOf("c1", frames(), poids))[0]).df.set_index("indicateur")


def test_a_ratio_of_sums_is_linearised_whatever_its_value() -> None:
    """Cows for a hundred litres on F1 to F4: 3, 1, 0, 0 for 100, 200, 300, 400. R = 0.4 %, e = (y − R x) / 1000. A proportion's
    interval (Korn and Graubard's, under 5 %) would be that of respondents: this one is not a share of them."""
    x = weighted(ind("r", "ratio", numerateur={"nombre": "vache"}, denominateur="litres"), repondants=4).loc["r"]
    y, litres = np.array([3.0, 1, 0, 0]), np.array([100.0, 200, 300, 400])
    e = 2 * (y - 0.004 * litres) / 2000
    se = np.sqrt(0.5 * 4 / 3 * ((e - e.mean()) ** 2).sum())
    demi = 100 * stats.t.ppf(0.975, 3) * se
    assert x["valeur"] == 0.4
    assert (x["ic_bas"], x["ic_haut"]) == (max(round(0.4 - demi, 1), 0), round(0.4 + demi, 1))


@pytest.mark.parametrize("mesure", ["part", "ratio"])
def test_too_imprecise_does_not_depend_on_what_was_answered(mesure: str) -> None:
    """Six of twelve farms: whatever they answer, one half would be known to 25 points; at ten points asked, nothing is shown."""
    for lait in ("OUI", "NON", "NSP"):
        x = {"part": ind("x", "part", condition={"variable": "lait", "egal": lait}),
             "ratio": ind("x", "ratio", numerateur={"nombre": "vache"}, denominateur="litres")}[mesure]  # fmt: skip
        seuils = {"fiabilite": {"demi_largeur_ns": 10, "effectif_ns": 0, "demi_largeur_u": 1e9, "effectif_u": 0}}
        assert weighted(x, repondants=4, seuils=seuils).loc["x", "statut"] == "i"


def test_silence_is_not_nought_in_a_total() -> None:
    """F1 to F4 give 100, 200, 300, 400 litres, F5 none: each of the four stands for 5/4 of itself. 2 · 1000 · 5/4 = 2,500, and what
    each brings is 5/4 (y − 250) + 250, 250 for F5."""
    x = weighted(ind("t", "somme", valeur="litres"), repondants=5).loc["t"]
    assert (x["valeur"], x["n_repondants"], x["n_pondere"]) == (2500, 4, 10)
    u = 2 * np.array([1.25 * (y - 250) + 250 for y in (100, 200, 300, 400)] + [250])
    se = np.sqrt(0.5 * 5 / 4 * ((u - u.mean()) ** 2).sum())
    assert x["ic_haut"] == pytest.approx(2500 + stats.t.ppf(0.975, 4) * se, abs=0.01)


def test_a_median_has_an_interval() -> None:
    """Woodruff: the litres between which the share of farms below the median may be one half, by the interval of that share."""
    x = weighted(ind("m", "mediane", valeur="litres"), repondants=4).loc["m"]
    sous = np.array([1.0, 1, 0, 0]) - 0.5
    se = np.sqrt(0.5 * 4 / 3 * ((2 * sous / 8) ** 2).sum())
    ordres = [b[0] for b in proportion_interval(0.5, se, 4, 3)]
    bas, haut = np.interp(ordres, np.linspace(0, 1, 4), [100, 200, 300, 400])
    assert (x["valeur"], x["ic_bas"], x["ic_haut"]) == (250, round(bas, 2), round(haut, 2))


def test_the_minimum_of_respondents_is_that_of_every_measure() -> None:
    mesures = [ind("somme", "somme", valeur="litres"), ind("moyenne", "moyenne", valeur="litres"), ind("mediane", "mediane", valeur="litres")]  # fmt: skip
    df = rows(questionnaire({"denominateur": "F", "croisements": [[]], "indicateurs": mesures}, table={"min_repondants": 9, "min_contributeurs": 0}))  # fmt: skip
    assert set(df["statut"]) == {"n"}  # eight have litres


@pytest.mark.parametrize(
    ("haut", "bas", "attendu"), [(1, 16, 6.2), (3, 16, 18.8), (1, 2000, 0.0), (3, 2000, 0.2), (2, 3, 66.7)]
)
def test_rounding_is_exact_half_to_even(haut: int, bas: int, attendu: float) -> None:
    assert divise_arrondi(np.array([float(haut)]), np.array([float(bas)]), 100, 1).tolist() == [attendu]


def test_no_answer_at_all_still_gives_the_whole_grid() -> None:
    vides = {k: v.head(0) for k, v in frames().items()} | {"annuaire": frames()["annuaire"]}
    df = build_tableaux(vides, None, questionnaire(serie(LAIT, croisements=((), ("zone",)))), "c1")[0].df
    assert len(df) == 4
    assert set(df["statut"]) == {"n"}


def test_confidential_rules_are_not_counted_in_public() -> None:
    q = questionnaire(serie(ind("anomalies", "nombre"), den="E", dimension="regle"), table={"min_contributeurs": 0})
    q = replace(
        q,
        denominateurs=q.denominateurs | {"E": {"entite": "anomalie", "libelle": "Anomalies"}},
        regles=(
            Regle("R1", Gravite.ALERTE, "ferme", "le prix « {valeur} » est négatif"),
            Regle("R2", Gravite.ALERTE, "ferme", "x", confidentiel=True),
        ),
    )
    anomalies = pd.DataFrame({"id_repondant": ["F:1", "F:2", "F:2"], "regle": ["R1", "R1", "R2"]})
    df = build_tableaux(frames() | {"anomalie": anomalies}, None, q, "c1")[0].df
    assert df[["modalite_code", "modalite_libelle", "valeur"]].to_numpy().tolist() == [
        ["R1", "R1 – le prix … est négatif", 2.0]
    ]
