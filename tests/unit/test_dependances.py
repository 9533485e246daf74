"""What the program is made of is known: versions, fingerprints, licences; what is changed or advised against is seen."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def dependances() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dependances", DOCS / "dependances.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dependances"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_written_lists_are_up_to_date(dependances: ModuleType, tmp_path: Path) -> None:
    assert dependances.main(["--ecrire", str(tmp_path)]) == 0
    for nom in (dependances.NOMENCLATURE, dependances.PAGE):
        assert (DOCS / nom).read_text(encoding="utf-8") == (tmp_path / nom).read_text(encoding="utf-8"), (
            f"make docs : {nom}"
        )


def test_every_locked_package_is_there_with_its_fingerprints_and_an_admitted_licence(dependances: ModuleType) -> None:
    paquets = dependances.read_lock()
    assert dependances.unknown_licences(paquets) == []
    nomenclature = json.loads((DOCS / dependances.NOMENCLATURE).read_text(encoding="utf-8"))
    assert (nomenclature["bomFormat"], nomenclature["specVersion"]) == ("CycloneDX", "1.6")
    composants = {(c["name"], c["version"]): c for c in nomenclature["components"]}
    assert composants.keys() == {(p.nom, p.version) for p in paquets} and len(paquets) > 80
    for p in paquets:
        c = composants[p.nom, p.version]
        assert {h["content"] for h in c["externalReferences"][0]["hashes"]} == set(p.empreintes), p.nom
    # what the program imports is not called a tool of the tests
    direct = {
        r.split("[")[0].split(">")[0].lower() for r in metadata.requires("cartographie") or () if "extra" not in r
    }
    assert direct <= {p.nom for p in paquets if p.programme}


def test_a_licence_is_admitted_or_named(dependances: ModuleType) -> None:
    def paquet(licence: str) -> Any:
        return dependances.Paquet("x", "1", "", ("0",), licence, True)

    admises = ("MIT", "GPL-3.0-only OR MIT", "BSD-3-Clause AND Zlib", "Apache-2.0 OR (MIT AND ISC)")
    assert dependances.unknown_licences(map(paquet, admises)) == []
    for refusee in ("", "GPL-3.0-only", "MIT AND GPL-3.0-only", "Proprietary"):
        assert len(dependances.unknown_licences([paquet(refusee)])) == 1, refusee


def test_a_line_without_fingerprint_is_refused(dependances: ModuleType, tmp_path: Path) -> None:
    for ligne in ("pandas==3.1.1", "pandas>=3 --hash=sha256:00"):
        (tmp_path / "lock").write_text(f"{ligne}\n", encoding="utf-8")
        with pytest.raises(ValueError, match="pandas"):
            dependances.read_lock(tmp_path / "lock")


def install(dossier: Path, nom: str, version: str) -> Path:
    """A package as an installer leaves it; its module."""
    module, infos = dossier / nom / "__init__.py", dossier / f"{nom}-{version}.dist-info"
    module.parent.mkdir(parents=True)
    module.write_text("a = 1\n", encoding="utf-8")
    infos.mkdir()
    empreinte = base64.urlsafe_b64encode(hashlib.sha256(module.read_bytes()).digest()).decode().rstrip("=")
    (infos / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {nom}\nVersion: {version}\n", encoding="utf-8")
    (infos / "RECORD").write_text(f"{nom}/__init__.py,sha256={empreinte},6\n{infos.name}/RECORD,,\n", encoding="utf-8")
    return module


def test_what_is_installed_and_is_not_what_is_locked(
    dependances: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = install(tmp_path, "bon", "1.0")
    install(tmp_path, "vieux", "0.9")
    install(tmp_path, "intrus", "1.0")
    monkeypatch.setattr(metadata, "distributions", lambda: metadata.Distribution.discover(path=[str(tmp_path)]))
    figes = [dependances.Paquet(n, "1.0", "", ("0",), "MIT", True) for n in ("bon", "vieux")]
    attendus = ["intrus 1.0 : installé, mais pas figé", "vieux 0.9 : ce n'est pas la version figée"]
    assert list(dependances.altered_files(figes)) == attendus
    module.write_text("a = 2\n", encoding="utf-8")
    assert list(dependances.altered_files(figes)) == ["bon : bon/__init__.py a été modifié", *attendus]
    module.unlink()
    assert list(dependances.altered_files(figes)) == ["bon : bon/__init__.py a disparu", *attendus]


@pytest.mark.parametrize(
    ("touche", "vise"),
    [
        ({"versions": ["2.0", "2.1"]}, True),
        ({"versions": ["2.0"]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.2"}]}]}, True),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.1"}]}]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.2"}]}]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2.1"}, {"fixed": "3"}]}]}, True),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"last_affected": "2.1"}]}]}, True),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"last_affected": "2.0"}]}]}, False),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, False),
        ({"package": {"name": "autre", "ecosystem": "PyPI"}, "versions": ["2.1"]}, False),
        ({"package": {"name": "bon", "ecosystem": "npm"}, "versions": ["2.1"]}, False),
    ],
)  # fmt: skip
def test_an_advisory_names_a_locked_version_or_not(
    dependances: ModuleType, tmp_path: Path, touche: dict[str, Any], vise: bool
) -> None:
    avis = {
        "id": "PYSEC-1",
        "aliases": ["CVE-1"],
        "affected": [{"package": {"name": "Bon", "ecosystem": "PyPI"}, **touche}],
    }
    (tmp_path / "PYSEC-1.json").write_text(json.dumps(avis), encoding="utf-8")
    (tmp_path / "retire.json").write_text(json.dumps({**avis, "withdrawn": "2020-01-01"}), encoding="utf-8")
    figes = [dependances.Paquet("bon", "2.1", "", ("0",), "MIT", True)]
    assert list(dependances.advisories(figes, tmp_path)) == (["bon 2.1 : PYSEC-1 (CVE-1)"] if vise else [])
