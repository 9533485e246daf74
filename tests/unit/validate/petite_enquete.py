"""A survey of three entities, declared by hand, and its lots: what the tests of validation share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from cartographie.decode.derive import identify
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
    Questionnaire,
    Regle,
    Variable,  # fmt: skip
)
from cartographie.survey.received import Bloc, Colonne, Compte, Depot, Extraction, Lot
from cartographie.validate.settle import Validation

G = Gravite
CATALOGUE = [  # declared after the survey's own rules, which are preferred
    Regle(code, Gravite(severity), "*", f"{name} : « {{valeur}} » {{cellule}}", constat=name)
    for name, code, severity in [
        ("hors_bornes", "C1", "rejet_cellule"), ("texte_trop_long", "C2", "rejet_cellule"),
        ("valeur_obligatoire_absente", "C3", "alerte"), ("modalite_inconnue", "C4", "rejet_cellule"),
        ("modalite_perimee", "C5", "rejet_cellule"), ("identifiant_format", "C6", "rejet_cellule"),
        ("hors_filtre", "C7", "rejet_cellule"), ("absent_de_la_base", "C8", "alerte"), ("entier_invalide", "C9", "rejet_cellule"),
        ("donnee_personnelle", "C10", "rejet_cellule"), ("cellules_fusionnees", "C11", "rejet_cellule"),
        ("ligne_sans_identifiant", "L1", "rejet_ligne"), ("ligne_orpheline", "L2", "rejet_ligne"),
        ("repondant_en_double", "L3", "rejet_ligne"), ("cle_en_double", "L4", "rejet_ligne"),
        ("version_inconnue", "F1", "rejet_fichier"),
    ]
]  # fmt: skip
ENTITES = {
    "unite": Entite(
        "unite", "Unité", identifiant=({"prefixe": "F", "variable": "numero"}, {"prefixe": "R", "variable": "secret", "hache": True}),
        completude=("emploi", "effectif"), date="jour",
    ),
    "machine": Entite("machine", "Machine", parent="unite", cle=("rang",)),
    "cadre": Entite("cadre", "Base", base=True, identifiant=({"prefixe": "F", "variable": "numero"},)),
}  # fmt: skip
VARIABLES = {
    v.nom: v
    for v in [
        Variable("numero", ("unite", "cadre"), "finess", "Numéro"),
        Variable("secret", ("unite",), "texte", "Nom", personnel=True),
        Variable("jour", ("unite",), "date", "Jour"),
        Variable("emploi", ("unite",), "code", "Emploi ?", nomenclature="emploi", obligatoire=True),
        Variable("effectif", ("unite",), "entier", "Effectif", minimum=0, maximum=100),
        Variable("detail", ("unite",), "texte", "Détail", longueur_max=5,
                 condition_pose={"variable": "emploi", "egal": "OUI"}, obligatoire=True),
        Variable("motifs", ("unite",), "codes", "Motifs", nomenclature="motifs"),
        Variable("rang", ("machine",), "entier", "Rang"),
        Variable("prix", ("machine",), "decimal", "Prix", maximum=1000),
    ]
}  # fmt: skip
NOMENCLATURES = {
    "emploi": Nomenclature(
        "emploi", {c: Modalite(c, c) for c in ("OUI", "NON")} | {"VIEUX": Modalite("VIEUX", "V", valide_a="c0")}
    ),
    "motifs": Nomenclature("motifs", {c: Modalite(c, c) for c in ("M1", "M2")}),
}
REGLES = (
    Regle("R1", G.REJET_LIGNE, "unite", "{emploi} mais {effectif}",
          condition={"et": [{"variable": "emploi", "egal": "NON"}, {"existe": "machine"}]}, cellules=("emploi",)),
    Regle("R2", G.REJET_CELLULE, "machine", "prix {prix} > effectif",
          condition={"variable": "prix", "superieur": {"variable": "unite.effectif"}}, cellules=("prix", "unite.effectif")),
    Regle("R3", G.ALERTE, "unite", "confidentiel", confidentiel=True, condition={"variable": "effectif", "egal": 13},
          cellules=("effectif", "secret")),
    Regle("R4a", G.REJET_LIGNE, "unite", "numéro « {valeur} » mal formé", constat="identifiant_format", types=("finess",)),
)  # fmt: skip


def questionnaire(regles: Sequence[Regle] = REGLES, catalogue: Sequence[Regle] = CATALOGUE) -> Questionnaire:
    def sheet(entite: str, *names: str) -> FeuilleAttendue:
        columns = tuple(ColonneAttendue(n, (EnteteAttendu(n),)) for n in names)
        return FeuilleAttendue(entite, (entite.upper(),), "tableau", columns)

    of = {e: [n for n, v in VARIABLES.items() if v.entites[0] == e] for e in ("unite", "machine")}
    model = Modele("m", "m", "c1", "reponse", ("xlsx",), tuple(sheet(e, *n) for e, n in of.items()))
    campagne = Campagne("c1", "C1", date(2000, 1, 1), date(2000, 12, 31), "", None, {"m": model}, {})
    link = {"lien_base": [{"entite": "unite", "variable": "numero", "base": "numero", "mode": "site"}]}
    return Questionnaire(
        link, ENTITES, VARIABLES, NOMENCLATURES, {}, (*regles, *catalogue), {}, {}, (), {"c1": campagne}, {}
    )


DTYPES = {"entier": "Int64", "decimal": "Float64", "booleen": "boolean", "date": "datetime64[s]", "codes": object}


def lot(entite: str, rows: Sequence[Mapping[str, Any]], raw: bool = False, **technical: Sequence[Any]) -> Lot:
    """One row a record; `depot` d1 unless given in the row. One block per file, columns A, B… in declared order."""
    names = [n for n, v in VARIABLES.items() if entite in v.entites]
    n = len(rows)
    depots = [r.get("depot", "d1") for r in rows]
    files = list(dict.fromkeys(depots))
    df = pd.DataFrame(
        {
            "depot": pd.Series(depots, dtype="str"),
            "feuille": pd.Series([entite.upper()] * n, dtype="str"),
            "ligne": np.arange(2, n + 2),
            "bloc": np.array([files.index(d) for d in depots], dtype="int64"),
            "parent": np.array([r.get("parent", -1) for r in rows], dtype="int64"),
        }
        | {
            v: pd.Series([r.get(v) for r in rows], dtype=object if raw else DTYPES.get(VARIABLES[v].type, "str"))
            for v in names
        },
        index=pd.RangeIndex(n),
    )
    columns = tuple(Colonne(v, i) for i, v in enumerate(names, start=1))
    lines = {d: [i + 2 for i, x in enumerate(depots) if x == d] for d in files}
    blocs = tuple((d, Bloc(entite, entite.upper(), columns, lines[d], [])) for d in files)
    return Lot(entite, df.assign(**technical), blocs)


def identified(lots: Mapping[str, Lot], questionnaire: Questionnaire) -> dict[str, Lot]:
    """The lots with `id_repondant` on the root, as the flow hands them to validation."""
    lots = dict(lots)
    if "unite" in lots:
        ids = identify(lots["unite"], ENTITES["unite"], questionnaire, "c1", lots, b"cle")
        lots["unite"] = replace(lots["unite"], df=lots["unite"].df.assign(id_repondant=ids))
    return lots


def depot(name: str, received: str = "2000-01-01") -> Depot:
    return Depot(name, "c1", f"{name}.xlsx", f"depots/{name}.xlsx", name * 32, 1, received, "reponse")


def extraction(name: str, comptes: Sequence[Compte], refuse: bool = False) -> Extraction:
    return Extraction(name, "xlsx", "m", None, (), tuple(comptes), (), refuse)


F1, F2 = "010000016", "2A0000022"


def validation(
    kept: Mapping[str, pd.DataFrame], aside: Mapping[str, pd.DataFrame] = MappingProxyType({})
) -> Validation:
    """As if validation had found nothing to say."""
    return Validation(dict(kept), dict(aside), [], pd.DataFrame(), pd.Series(dtype="str"))
