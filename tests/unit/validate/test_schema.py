"""pandera judges: real dtypes, registered checks named after their constats, a schema that can be written and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.errors
import pandera.pandas as pa
import pytest
from cles import finess_key
from hypothesis import given, settings
from hypothesis import strategies as st
from petite_enquete import F1, lot, questionnaire
from stdnum.luhn import calc_check_digit

from cartographie.base.identifiers import CLE, LONGUEURS, check
from cartographie.decode.columns import decode_lots
from cartographie.survey.load import load_questionnaire
from cartographie.survey.model import Questionnaire
from cartographie.survey.received import Constat, Lot
from cartographie.survey.rules import load_catalogue
from cartographie.survey.types import TYPES
from cartographie.validate.checks import judge_lots
from cartographie.validate.schema import build_schema, identifiant_cle

RACINE = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def q() -> Questionnaire:
    return load_questionnaire(RACINE)


def cases(schema: pa.DataFrameSchema, df: pd.DataFrame) -> list[tuple[object, ...]]:
    try:
        schema.validate(df, lazy=True)
    except pandera.errors.SchemaErrors as error:
        return sorted(error.failure_cases[["column", "check", "index"]].itertuples(index=False, name=None))
    return []


def test_the_schema_of_each_entity_is_written_and_read_again(q: Questionnaire) -> None:
    for campagne in q.campagnes:
        for entite in q.entites:
            schema = build_schema(entite, q, campagne)
            for ecrit, relu in (
                (schema.to_yaml(), pa.DataFrameSchema.from_yaml),
                (schema.to_json(), pa.DataFrameSchema.from_json),
            ):
                assert relu(ecrit) == schema
    texte = build_schema(q.racine, q, max(q.campagnes)).to_yaml()
    for constat in ("hors_bornes", "texte_trop_long", "modalite_inconnue", "identifiant_format", "identifiant_cle"):
        assert f"{constat}:" in texte


def test_a_schema_read_again_judges_alike() -> None:
    schema = build_schema("unite", questionnaire(), "c1")
    df = lot(
        "unite",
        [{"numero": "010000012", "emploi": "VIEUX", "effectif": 200, "detail": "trop long", "motifs": ("M1", "M9")}, {"numero": F1}],
    ).df  # fmt: skip
    trouves = cases(schema, df)
    assert trouves == [
        ("detail", "texte_trop_long", 0), ("effectif", "hors_bornes", 0), ("emploi", "modalite_perimee", 0),
        ("emploi", "not_nullable", 1), ("motifs", "modalite_inconnue", 0), ("numero", "identifiant_cle", 0),
    ]  # fmt: skip
    assert cases(pa.DataFrameSchema.from_yaml(schema.to_yaml()), df) == trouves


def test_every_control_states_a_constat_and_every_type_has_its_dtype(q: Questionnaire) -> None:
    for nom, spec in TYPES.items():
        assert set(spec.controles) <= set(load_catalogue()), nom
        assert spec.motif is None or any(c not in ("hors_bornes", "texte_trop_long") for c in spec.controles)
    for entite in q.entites:
        for nom, colonne in build_schema(entite, q, max(q.campagnes)).columns.items():
            assert pd.api.types.pandas_dtype(TYPES[q.variables[nom].type].dtype).kind == colonne.dtype.type.kind


def recue(**cellules: object) -> tuple[Lot, list[Constat]]:
    """One answer as received, decoded and judged."""
    q = questionnaire()
    lots, constats = decode_lots({"unite": lot("unite", [cellules], raw=True)}, q, "c1")
    lots, constats = judge_lots(lots, constats, q, "c1")
    return lots["unite"], constats


def test_a_refused_answer_keeps_what_was_received_and_what_it_may_mean() -> None:
    jugee, constats = recue(
        numero="  010 000 01", emploi="OUIS", effectif="200", detail="trop  long", motifs="M1;M22", secret="x"
    )
    dits = {
        (c.variable, c.constat, c.valeur_recue, c.proposition, tuple(c.details.items()))
        for c in constats
        if c.constat != "valeur_obligatoire_absente"
    }
    assert dits == {
        ("numero", "identifiant_format", "  010 000 01", None, ()),
        ("emploi", "modalite_inconnue", "OUIS", "OUI", ()),
        ("effectif", "hors_bornes", "200", None, ()),
        ("detail", "texte_trop_long", "trop  long", None, (("longueur", 9), ("longueur_max", 5))),
        ("motifs", "modalite_inconnue", "M1;M22", "M1 ; M2", (("inconnues", "M22"),)),
    }
    # an answer that is none leaves nothing to derive from; a value out of bounds waits for the severity of its rule
    ligne = jugee.df.iloc[0]
    assert (
        ligne[["numero", "emploi", "motifs"]].isna().all()
        and ligne["effectif"] == 200
        and ligne["detail"] == "trop long"
    )


def test_a_personal_value_that_is_refused_is_told_to_nobody() -> None:
    q = questionnaire()
    q = replace(q, variables={**q.variables, "secret": replace(q.variables["secret"], longueur_max=3)})
    lots, constats = decode_lots({"unite": lot("unite", [{"numero": F1, "secret": "Untel"}], raw=True)}, q, "c1")
    _, constats = judge_lots(lots, constats, q, "c1")
    (dit,) = [c for c in constats if c.variable == "secret"]
    assert (dit.constat, dit.valeur_recue, dict(dit.details)) == ("texte_trop_long", "(masqué)", {})


CHIFFRES = st.text(alphabet="0123456789", min_size=8, max_size=13)
NUMEROS = st.lists(
    st.one_of(
        st.text(max_size=15),
        CHIFFRES.map(lambda x: x + calc_check_digit(x)),
        CHIFFRES.map(lambda x: x[:8] + calc_check_digit(x[:8]) + "0001").map(lambda x: x + calc_check_digit(x)),
        CHIFFRES.map(lambda x: "2A" + x[:6] + finess_key("2A" + x[:6])),
        st.sampled_from(["35600000000048", "35600000049837", "²" * 9, "2A0000022"]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=100)
@given(NUMEROS)
def test_keys_judged_at_once_are_keys_judged_one_by_one(numeros: list[str]) -> None:
    s = pd.Series(numeros, dtype="str", index=range(5, 5 + len(numeros)))
    for nature in LONGUEURS:
        assert identifiant_cle(s, nature=nature).tolist() == [check(nature, v) != CLE for v in numeros]


@pytest.mark.long
def test_a_hundred_thousand_answers_are_judged_in_one_pass(q: Questionnaire) -> None:
    n, campagne = 100_000, max(q.campagnes)
    rng = np.random.default_rng(0)
    schema = build_schema(q.racine, q, campagne, obligatoire=False)
    colonnes: dict[str, object] = {}
    for nom in schema.columns:
        v, spec = q.variables[nom], TYPES[q.variables[nom].type]
        if v.nomenclature:
            codes = np.array(list(q.nomenclatures[v.nomenclature].valides(campagne)), dtype=object)
            tires = codes[rng.integers(0, len(codes), n)].tolist()
            colonnes[nom] = pd.Series([(c,) for c in tires] if spec.multiple else tires, dtype=spec.dtype)
        elif spec.nombre:
            colonnes[nom] = pd.array(np.full(n, v.minimum or 0), dtype=spec.dtype)
        else:
            colonnes[nom] = pd.Series([None] * n, dtype=spec.dtype)
    numeros = [f"{75_000_000 + i:08d}" for i in range(n)]
    for nom in colonnes:
        if q.variables[nom].type == "finess":
            colonnes[nom] = pd.Series([x + finess_key(x) for x in numeros], dtype="str")
    df = pd.DataFrame(colonnes)
    assert len(schema.validate(df, lazy=True)) == n
