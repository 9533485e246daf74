"""A real survey held by declarations alone: the French annual survey of hospitals, its register and two of its forms.

Expected figures are counted here from the files themselves, or written as published in the brief of the survey.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytestmark = [pytest.mark.shared, pytest.mark.xdist_group("sae_2022")]  # one worker: the files are read once

ICI = Path(__file__).parent / "sae_2022"
INSEE = {"9A": "971", "9B": "972", "9C": "973", "9D": "974", "9F": "976"}
SECTEURS = {"1": "PUB", "2": "PLU", "3": "PNL"}
Ligne = dict[str, str]


@dataclass(frozen=True)
class Espace:
    """A workspace after `run`: its folder, what `register` and `run` said."""

    projet: Path
    base: Any
    bilan: Any

    @property
    def controle(self) -> Any:
        return self.bilan["controles"][0]

    def tableau(self, code: str) -> dict[tuple[str, str, str], Ligne]:
        """(territory, sector, indicator) → row of the published table."""
        lignes = read_csv(self.projet / f"outputs/2022/provisoire/tableaux/{code}_2022.csv")
        return {(f"{r['territoire_type']}:{r['territoire_code']}", r["secteur"], r["indicateur"]): r for r in lignes}

    def query(self, requete: str) -> list[Any]:
        with duckdb.connect(str(self.projet / "outputs/entrepot.duckdb"), read_only=True) as con:
            return con.execute(requete).fetchall()


def read_csv(fichier: Path, encodage: str = "utf-8-sig", separateur: str = ",") -> list[Ligne]:
    with fichier.open(encoding=encodage, newline="") as f:
        return list(csv.DictReader(f, delimiter=separateur))


def process(cli: Callable[..., Any], projet: Path, registre: Path, reponses: Sequence[Path]) -> Espace:
    shutil.copytree(ICI / "schemas", projet / "schemas")
    options = ("--projet", projet, "--recu-le", "2026-01-01", "--json")
    base = cli("register", "2022", registre, *options)
    assert base.statut == 0, base.erreurs
    recu = cli("ingest", "2022", *reponses, *options)
    assert recu.statut == 0, recu.erreurs
    sortie = cli("run", "2022", "--projet", projet, "--json")
    assert sortie.statut == 0, sortie.erreurs
    return Espace(projet, base.json, sortie.json)


@pytest.fixture(scope="module")
def reel(shared: Path) -> Path:
    return shared / "real" / "sae_2022"


@pytest.fixture(scope="module")
def espace(reel: Path, cli: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Espace:
    reponses = [reel / "TELEMED_2022a.csv", reel / "INFOMED_2022a.csv"]
    return process(cli, tmp_path_factory.mktemp("sae"), reel / "ID_2022r.csv", reponses)


@pytest.fixture(scope="module")
def registre(reel: Path) -> list[Ligne]:
    return read_csv(reel / "ID_2022r.csv", "cp1252", ";")


@pytest.fixture(scope="module")
def telemed(reel: Path) -> list[Ligne]:
    return read_csv(reel / "TELEMED_2022a.csv", "cp1252", ";")


def test_the_workspace_holds_declarations_only() -> None:
    assert {f.suffix for f in ICI.rglob("*") if f.is_file()} <= {".yaml", ".csv", ".md"}


def test_the_register_and_both_forms_are_read_whole(espace: Espace) -> None:
    assert espace.base["unites"] == 3995
    controle = espace.controle
    assert controle["fichiers"] == {"recus": 2, "refuses": 0}
    assert {d["modele"] for d in controle["lecture"]} == {"telemed", "infomed"}
    assert {(d["encodage"], d["separateur"]) for d in controle["lecture"]} == {("cp1252", ";")}
    assert controle["conserves"]["telemedecine"] == 1126
    assert controle["conserves"]["information_medicale"] == 2557
    assert controle["comptes"]["lignes_quarantaine"] == 0
    assert espace.query("SELECT count(*) FROM registre") == [(3995,)]


def test_every_finess_number_is_right_and_found(espace: Espace) -> None:
    """R01 and R02 speak of the format and the key of a FINESS number, R03 of a site absent from the register."""
    assert not {"R01", "R02", "R03"} & set(espace.controle["regles"])
    assert espace.controle["non_rapproches"] == 0
    assert read_csv(espace.projet / "outputs/2022/controle/non_rapproches.csv") == []
    assert espace.query("SELECT count(*), count(DISTINCT id_base) FROM lien_base") == [(1126, 1126)]


def test_telemedicine_counts_every_site_of_the_register(
    espace: Espace, registre: list[Ligne], telemed: list[Ligne]
) -> None:
    """By region, department and legal status: numerator and denominator counted from the two files."""
    presents = {r["FI"] for r in telemed}
    sites: Counter[tuple[str, str]] = Counter()
    avec: Counter[tuple[str, str]] = Counter()
    for r in registre:
        secteur = SECTEURS[r["stjr"]]
        departement = f"departement:{INSEE.get(r['dep'], r['dep'])}"
        region = f"region:{r['reg']}"
        cellules = [("france:FRANCE", "TOUS"), (region, "TOUS"), (departement, "TOUS"), ("france:FRANCE", secteur)]
        for cellule in [*cellules, (region, secteur)]:
            sites[cellule] += 1
            avec[cellule] += r["fi"] in presents
    t01 = espace.tableau("t01")
    lus = {(t, s) for t, s, i in t01 if i == "sites" and t01[t, s, i]["valeur"] != "0"}
    assert lus == set(sites)
    for cellule, n in sites.items():
        assert int(t01[*cellule, "sites"]["valeur"]) == n
        assert int(t01[*cellule, "sites_telemedecine"]["valeur"]) == avec[cellule]
        part = t01[*cellule, "telemedecine"]
        assert int(part["n_repondants"]) == n
        assert float(part["valeur"]) == pytest.approx(100 * avec[cellule] / n, abs=0.0501)


@pytest.mark.parametrize(
    ("territoire", "secteur", "sites", "avec", "part"),
    [
        ("france:FRANCE", "TOUS", 3995, 1126, 28.2),
        ("france:FRANCE", "PUB", 1440, 611, 42.4),
        ("france:FRANCE", "PLU", 1296, 193, 14.9),
        ("france:FRANCE", "PNL", 1259, 322, 25.6),
        ("region:11", "TOUS", 495, 113, 22.8),
        ("region:01", "TOUS", 38, 10, 26.3),
    ],
)
def test_telemedicine_expected_figures(
    espace: Espace, territoire: str, secteur: str, sites: int, avec: int, part: float
) -> None:
    t01 = espace.tableau("t01")
    assert int(t01[territoire, secteur, "sites"]["valeur"]) == sites
    assert int(t01[territoire, secteur, "sites_telemedecine"]["valeur"]) == avec
    assert float(t01[territoire, secteur, "telemedecine"]["valeur"]) == part


def test_teleconsultation_by_region_and_status(espace: Espace, registre: list[Ligne], telemed: list[Ligne]) -> None:
    """Region and status come from the register: the form does not ask them."""
    t02 = espace.tableau("t02")
    total = t02["france:FRANCE", "TOUS", "teleconsultation"]
    assert (total["n_repondants"], total["valeur"]) == ("1126", "63.2")
    unites = {r["fi"]: r for r in registre}
    attendu: Counter[tuple[str, str]] = Counter()
    for r in telemed:
        unite = unites[r["FI"]]
        oui = r["TELEMED_A1"] == "1"
        attendu["france:FRANCE", "TOUS"] += oui
        attendu[f"region:{unite['reg']}", "TOUS"] += oui
        attendu["france:FRANCE", SECTEURS[unite["stjr"]]] += oui
    assert attendu["france:FRANCE", "TOUS"] == 712
    trouve = {(t, s): int(r["valeur"]) for (t, s, i), r in t02.items() if i == "sites_teleconsultation"}
    assert trouve == {c: attendu[c] for c in trouve}
    assert set(attendu) <= set(trouve)


def test_overseas_codes_become_insee_codes(espace: Espace) -> None:
    departements = espace.query(
        "SELECT departement_finess, code_departement, count(*) FROM registre"
        " WHERE departement_finess LIKE '9_' AND departement_finess > '99' GROUP BY ALL ORDER BY ALL"
    )
    assert [d[:2] for d in departements] == list(INSEE.items())
    assert espace.query("SELECT DISTINCT code_region FROM registre WHERE code_departement = '971'") == [("01",)]
    communes = espace.query(
        "SELECT count(*) FILTER (code_commune SIMILAR TO '97[1-6].*'), count(code_commune) FROM registre"
    )
    assert communes == [(149, 3995)]
    assert espace.query("SELECT count(*) FROM registre WHERE code_commune = '97101'")[0][0] > 0


def test_sites_the_register_lacks_are_listed_and_not_counted(
    reel: Path, cli: Callable[..., Any], tmp_path: Path, telemed: list[Ligne]
) -> None:
    """A register without three of the sites, and a form whose headers are typed in lower case."""
    retires = sorted(r["FI"] for r in telemed)[:3]
    lignes = (reel / "ID_2022r.csv").read_text(encoding="cp1252").splitlines(keepends=True)
    ampute = tmp_path / "sites.csv"
    ampute.write_text("".join(x for x in lignes if x.split(";")[2] not in retires), encoding="cp1252")
    entete, reste = (reel / "TELEMED_2022a.csv").read_text(encoding="cp1252").split("\n", 1)
    minuscule = tmp_path / "telemed.csv"
    minuscule.write_text(entete.lower() + "\n" + reste, encoding="cp1252")
    espace = process(cli, tmp_path / "projet", ampute, [minuscule])
    assert espace.base["unites"] == 3992
    assert espace.controle["conserves"]["telemedecine"] == 1126
    assert espace.controle["non_rapproches"] == 3
    listes = read_csv(espace.projet / "outputs/2022/controle/non_rapproches.csv")
    assert [r["id_repondant"] for r in listes] == [f"F:{f}" for f in retires]
    assert espace.controle["regles"]["R03"] == 3
    anomalies = read_csv(espace.projet / "outputs/2022/controle/anomalies.csv")
    assert sorted(a["valeur_recue"] for a in anomalies if a["regle"] == "R03") == retires
    t01 = espace.tableau("t01")
    assert t01["france:FRANCE", "TOUS", "sites"]["valeur"] == "3992"
    assert t01["france:FRANCE", "TOUS", "sites_telemedecine"]["valeur"] == "1123"


def test_a_file_that_is_not_the_register_is_refused_and_not_kept(
    reel: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    """A form given as the register: refused (11), and still receivable as the form it is."""
    shutil.copytree(ICI / "schemas", tmp_path / "schemas")
    options = ("--projet", tmp_path, "--recu-le", "2026-01-01", "--json")
    refus = cli("register", "2022", reel / "TELEMED_2022a.csv", *options)
    assert refus.statut == 11
    assert not [f for f in (tmp_path / "raw").rglob("*") if f.is_file() and f.name != "registre.csv"]
    assert cli("ingest", "2022", reel / "TELEMED_2022a.csv", *options).statut == 0
    assert len(list((tmp_path / "raw/2022/depots").iterdir())) == 1


def test_a_register_may_be_called_registre_csv(reel: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    """The name of the program's own list of received files is no reason to skip a file given by name."""
    shutil.copytree(ICI / "schemas", tmp_path / "projet/schemas")
    shutil.copy(reel / "ID_2022r.csv", tmp_path / "registre.csv")
    sortie = cli("register", "2022", tmp_path / "registre.csv", "--projet", tmp_path / "projet", "--json")
    assert sortie.json["unites"] == 3995


def test_a_crossing_the_form_cannot_make_is_said_so_not_zero(
    reel: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    """INFOMED is not linked to the register: its sites have no known region, which is not « no site in the region »."""
    schemas = shutil.copytree(ICI / "schemas", tmp_path / "schemas")
    t03 = schemas / "tableaux/t03.yaml"
    t03.write_text(t03.read_text(encoding="utf-8").replace("[[]]", "[[], [region]]"), encoding="utf-8")
    options = ("--projet", tmp_path, "--recu-le", "2026-01-01", "--json")
    assert cli("register", "2022", reel / "ID_2022r.csv", *options).statut == 0
    assert cli("ingest", "2022", reel / "INFOMED_2022a.csv", *options).statut == 0
    sortie = cli("run", "2022", "--projet", tmp_path, "--json")
    assert sortie.statut == 0, sortie.erreurs
    regions = [r for (t, _, _), r in Espace(tmp_path, None, None).tableau("t03").items() if t.startswith("region:")]
    assert len(regions) >= 18
    assert {(r["statut"], r["valeur"]) for r in regions} == {("nd", "")}
