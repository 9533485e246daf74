"""Error codes: one catalogue, what the code gives is what it says, and whoever listens hears every code that arises."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cartographie.base.errors import CODES, Statut, UserError

RACINE = Path(__file__).resolve().parents[3]
ERREURS = {"UserError", "DeclarationError"}


def given() -> tuple[set[str], set[tuple[str, str]]]:
    """Codes given to a user error anywhere in the code (raised, prepared, added to a list, or printed as "Erreur X :"), and the
    statuses (code, expression) of those that have one of their own."""
    codes, statuts = set(), set()
    for fichier in sorted((RACINE / "cartographie").rglob("*.py")):
        texte = fichier.read_text(encoding="utf-8")
        codes |= set(re.findall(r"Erreur ([A-Z][0-9]{2}) :", texte))
        for n in ast.walk(ast.parse(texte)):
            if not isinstance(n, ast.Call) or not n.args:
                continue
            nom = ast.unparse(n.func).rpartition(".")[2]
            code = n.args[0].value if isinstance(n.args[0], ast.Constant) else None
            if nom in ERREURS or (
                nom in ("ajouter", "add") and isinstance(code, str) and re.fullmatch(r"[A-Z]\d\d", code)
            ):
                if code is None:  # passed on: `Problemes.ajouter` and `Checked.add`, whose callers are read too
                    assert ast.unparse(n.args[0]) == "code", f"{fichier.name}:{n.lineno} computes its code"
                    continue
                codes.add(str(code))
                if nom == "UserError" and len(n.args) > 2:
                    statuts.add((str(code), ast.unparse(n.args[2])))
    return codes, statuts


def test_the_catalogue_is_what_the_code_gives() -> None:
    codes, statuts = given()
    assert codes == set(CODES)
    for code, statut in statuts:
        assert statut == f"Statut.{CODES[code].ailleurs.name if CODES[code].ailleurs else ''}", (
            f"{code} repeats its status"
        )


def test_every_declaration_error_exits_as_one() -> None:
    assert {c.statut for code, c in CODES.items() if code.startswith("D")} == {Statut.DECLARATION}


EXEMPLES = """
from cartographie.base.errors import DeclarationError, Statut, UserError
assert [UserError("U04", "x").statut, UserError("E17", "x").statut] == [Statut.USAGE, Statut.OCCUPE]
assert UserError("U15", "x", Statut.FICHIER_REFUSE).statut == Statut.FICHIER_REFUSE
assert DeclarationError("E18", "x", "enquete.yaml").statut == Statut.DECLARATION
"""


def elsewhere(code: str, ici: Path) -> None:
    """In a process of its own: a listener is there for good, and a code made up here is shown by no behaviour (comportements.py)."""
    env = {"PYTHONPATH": str(RACINE)}
    fini = subprocess.run([sys.executable, "-c", code], cwd=ici, env=env, capture_output=True, text=True)
    assert fini.returncode == 0, fini.stderr


def test_an_error_exits_as_its_code_says(tmp_path: Path) -> None:
    elsewhere(EXEMPLES, tmp_path)


@pytest.mark.parametrize("faute", [("U99", "x"), ("U04", "x", Statut.SECRET)], ids=["code", "status"])
def test_what_is_not_declared_is_a_bug(faute: tuple[str, str]) -> None:
    with pytest.raises((KeyError, ValueError)):
        UserError(*faute)


ECOUTE = """
import sys
dits = []
sys.addaudithook(lambda e, d: dits.append(d) if e == "cartographie.code" else None)
from cartographie.cli.main import main
from cartographie.proof.lint import Defaut
from cartographie.survey.received import Constat
assert main(["lint", "rien.xlsx"]) == 2
assert main(["lint", "--rien"]) == 2
Constat("fichier_vide", depot="reçu")
Defaut("X08", "ici", "est vide")
assert dits == [
    ("erreur", "U22"), ("statut", "2"),
    ("erreur", "U01"), ("statut", "2"),
    ("constat", "fichier_vide"), ("defaut", "X08"),
], dits
"""


def test_who_listens_hears_every_code(tmp_path: Path) -> None:
    elsewhere(ECOUTE, tmp_path)
