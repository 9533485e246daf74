"""Reception, and reading of a batch: one bad file never stops the others."""

from __future__ import annotations

import csv
import os
import stat
import subprocess
import sys
from types import SimpleNamespace

import pytest
from intake_samples import ENTETES, TABLEAU, modele

from cartographie.base import files
from cartographie.base import files as disque
from cartographie.base.errors import UserError
from cartographie.base.identifiers import published_key
from cartographie.intake import store
from cartographie.intake import store as snapshot
from cartographie.intake.read import read_depots
from cartographie.intake.store import forget, ingest, pseudonym_key, read_registre, unregistered, verify


def test_ingest_folder_sorted_twice(tmp_path, xlsx):
    source = tmp_path / "reçus"
    (source / "sous").mkdir(parents=True)
    (source / "b é.csv").write_text("a;b\n")
    (source / "sous" / "copie.csv").write_text("a;b\n")
    (source / "a.csv").write_text("x;y\n")
    for ignore in (".DS_Store", "~$a.xlsx", "registre.csv"):
        (source / ignore).write_text("non")
    ajoutes, deja = ingest(tmp_path, "2026", [source], "reponse", "2026-04-01")
    assert [d.nom for d in ajoutes] == ["a.csv", "b é.csv"]
    assert [(n, d.nom) for n, d in deja] == [("copie.csv", "b é.csv")]
    dossier = tmp_path / "raw" / "2026"
    assert read_registre(dossier) == ajoutes
    fichier = dossier / ajoutes[1].chemin
    assert fichier.name == f"{ajoutes[1].depot}_b_é.csv"
    assert not fichier.stat().st_mode & stat.S_IWUSR
    assert sorted(f.name for f in dossier.iterdir()) == ["depots", "registre.csv"]
    encore, connus = ingest(tmp_path, "2026", [source], "reponse", "2026-05-01")
    assert (encore, len(connus)) == ([], 3)
    assert verify(dossier, ajoutes[0]) == b"x;y\n"
    fichier.chmod(0o644)
    fichier.write_text("c;d\n")
    with pytest.raises(UserError, match="U11"):
        verify(dossier, ajoutes[1])
    assert [c.constat for c in read_depots([ajoutes[1]], dossier, ())[0].constats] == ["depot_modifie"]


def test_forget_takes_back_only_what_is_named(tmp_path):
    for nom in "ab":
        (tmp_path / f"{nom}.csv").write_text(f"{nom};1\n")
    depots, _ = ingest(tmp_path, "2026", [tmp_path / "a.csv", tmp_path / "b.csv"], "base", "2026-04-01")
    dossier = tmp_path / "raw" / "2026"
    forget(dossier, depots[:1])
    assert read_registre(dossier) == depots[1:]
    assert [f.name for f in (dossier / "base").iterdir()] == [f"{depots[1].depot}_b.csv"]


def test_refuses_links_and_missing_sources(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "lien").symlink_to(tmp_path / "a")
    for source in ("lien", "absent"):
        with pytest.raises(UserError):
            ingest(tmp_path, "2026", [tmp_path / source], "reponse", "2026-04-01")


def test_a_missing_register_is_not_an_empty_campaign(tmp_path):
    (tmp_path / "a.csv").write_text("a;1\n")
    dossier = tmp_path / "raw" / "2026"
    assert read_registre(dossier) == []
    for role in ("base", "reponse"):
        (tmp_path / "a.csv").write_text(f"{role};1\n")
        ingest(tmp_path, "2026", [tmp_path / "a.csv"], role, "2026-04-01")
    (dossier / "registre.csv").unlink()
    with pytest.raises(UserError, match="U10"):
        read_registre(dossier)
    for fichier in (dossier / "depots").iterdir():
        fichier.unlink()
    with pytest.raises(UserError, match="U10"):
        read_registre(dossier)
    for fichier in (dossier / "base").iterdir():
        fichier.rename(fichier.with_name(".recu_abc"))
    assert read_registre(dossier) == []


def test_a_file_the_register_ignores_is_said(tmp_path):
    (tmp_path / "a.csv").write_text("a;1\n")
    depots, _ = ingest(tmp_path, "2026", [tmp_path / "a.csv"], "reponse", "2026-04-01")
    dossier = tmp_path / "raw" / "2026"
    for laisse in (".recu_x", ".DS_Store", "~$a.xlsx", "Thumbs.db"):
        (dossier / "depots" / laisse).write_text("x")
    unregistered(dossier, depots)
    (dossier / "depots" / "sous").mkdir()
    for lieu in ("depots/b.csv", "depots/sous/c.csv", "base/d.csv", "depots/e.csv"):
        (dossier / lieu).parent.mkdir(exist_ok=True)
        (dossier / lieu).write_text("x")
    with pytest.raises(UserError, match=r"U14.*4 fichier.*base/d\.csv, depots/b\.csv, depots/e\.csv ….*ingest 2026"):
        unregistered(dossier, depots)
    with files.locked(dossier), pytest.raises(UserError, match="E17"):
        unregistered(dossier, depots)


@pytest.mark.parametrize("jour", ["2026-02-30", "01/04/2026", "20260401", "", "2026-04-01T10:00"])
def test_the_day_of_reception_is_a_day(tmp_path, jour):
    (tmp_path / "a.csv").write_text("a;1\n")
    with pytest.raises(UserError, match="U13"):
        ingest(tmp_path, "2026", [tmp_path / "a.csv"], "reponse", jour)
    assert not (tmp_path / "raw").exists()


def test_two_receptions_at_once_lose_nothing(tmp_path):
    code = (
        "import sys; from pathlib import Path; from cartographie.intake.store import ingest\n"
        "ingest(Path(sys.argv[1]), '2026', [Path(sys.argv[2])], 'reponse', '2026-04-01')"
    )
    for i in range(400):
        source = tmp_path / f"s{i % 2}" / f"{i}.csv"
        source.parent.mkdir(exist_ok=True)
        source.write_text(f"{i};1\n")
    lances = [subprocess.Popen([sys.executable, "-c", code, tmp_path, tmp_path / f"s{n}"]) for n in (0, 1)]
    assert [p.wait() for p in lances] == [0, 0]
    dossier = tmp_path / "raw" / "2026"
    depots = read_registre(dossier)
    assert sorted(d.nom for d in depots) == sorted(f"{i}.csv" for i in range(400))
    unregistered(dossier, depots)
    assert sorted(f.name for f in dossier.iterdir()) == ["depots", "registre.csv"]


def test_a_reception_waits_only_so_long_and_a_killed_one_is_forgotten(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("a;1\n")
    dossier = tmp_path / "raw" / "2026"
    monkeypatch.setattr(disque, "ATTENTE", 0.1)
    with files.locked(dossier):
        with pytest.raises(UserError, match="E17") as refus:
            ingest(tmp_path, "2026", [tmp_path / "a.csv"], "reponse", "2026-04-01")
        with pytest.raises(UserError, match="E17"):
            forget(dossier, [])
    assert refus.value.statut == 17
    (dossier / ".verrou").write_text("")  # what a killed reception leaves
    assert len(ingest(tmp_path, "2026", [tmp_path / "a.csv"], "reponse", "2026-04-01")[0]) == 1


def test_two_files_of_the_same_short_name_are_not_confused(tmp_path, monkeypatch):
    """Twelve hexadecimal digits name a file: should two ever share them, neither is taken for the other."""
    for nom in ("a.csv", "b.csv"):
        (tmp_path / nom).write_text(f"{nom};1\n")
    copie = store._copie

    def meme_debut(source, cible):
        temporaire, sha256, taille = copie(source, cible)
        return temporaire, "0" * 12 + sha256[12:], taille

    monkeypatch.setattr(snapshot, "_copie", meme_debut)
    ingest(tmp_path, "2026", [tmp_path / "a.csv"], "reponse", "2026-04-01")
    with pytest.raises(UserError, match="U09"):
        ingest(tmp_path, "2026", [tmp_path / "b.csv"], "reponse", "2026-04-01")
    assert [d.nom for d in read_registre(tmp_path / "raw/2026")] == ["a.csv"]
    with pytest.raises(UserError, match="U08"):
        ingest(tmp_path, "2026", [tmp_path / "b.csv"], "autre", "2026-04-01")


def test_a_file_that_changes_while_it_is_read_is_not_taken(tmp_path, monkeypatch):
    """A copy still under way: half of it is nobody's answer."""
    source = tmp_path / "a.csv"
    source.write_text("a;1\n")

    def fsync(descripteur, vrai=os.fsync):
        with source.open("a") as f:
            f.write("suite;2\n")
        vrai(descripteur)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(UserError, match=r"U29.*attendez la fin de sa copie"):
        ingest(tmp_path, "2026", [source], "reponse", "2026-04-01")
    monkeypatch.undo()
    assert list((tmp_path / "raw/2026/depots").iterdir()) == []
    assert len(ingest(tmp_path, "2026", [source], "reponse", "2026-04-01")[0]) == 1


def test_a_failed_reception_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("a;1\n")
    monkeypatch.setattr(csv, "writer", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "disque plein")))
    with pytest.raises(OSError, match="disque plein"):
        ingest(tmp_path, "2026", [tmp_path / "a.csv"], "reponse", "2026-04-01")
    assert read_registre(tmp_path / "raw" / "2026") == []


def _enquete(fictif, personnel=True):
    rpps = SimpleNamespace(personnel=personnel, type="rpps")
    return SimpleNamespace(enquete={"fictif": fictif, "titre": "T"}, variables={"n": rpps}, entites={})


def test_the_key_of_pseudonyms_is_drawn_once_kept_secret_and_published_when_fictitious(tmp_path):
    cle = pseudonym_key(tmp_path / "a", _enquete(False))
    fichier = tmp_path / "a" / "raw" / ".cle_pseudonymes"
    assert len(cle) == 32 and stat.S_IMODE(fichier.stat().st_mode) == 0o600
    assert [f.name for f in fichier.parent.iterdir()] == [fichier.name]
    assert pseudonym_key(tmp_path / "a", _enquete(False)) == cle != pseudonym_key(tmp_path / "b", _enquete(False))
    fichier.write_text("abîmée")
    with pytest.raises(UserError, match="U15"):
        pseudonym_key(tmp_path / "a", _enquete(False))
    for autre in ("c", "d"):
        assert pseudonym_key(tmp_path / autre, _enquete(True)) == published_key("T")
        assert pseudonym_key(tmp_path / autre, _enquete(False, personnel=False)) == b""
        assert not (tmp_path / autre).exists()


def test_batch_survives_bad_files_in_order_with_workers(tmp_path, xlsx):
    source = tmp_path / "s"
    source.mkdir()
    for i in range(3):
        (source / f"{i}.xlsx").write_bytes(xlsx({"DONNEES": [ENTETES, [f"01000001{i}", "A", i]]}))
    (source / "1bis.xlsx").write_bytes((source / "1.xlsx").read_bytes()[:-400])
    (source / "2bis.xlsx").write_bytes(b"<html><table>")
    depots, _ = ingest(tmp_path, "2026", [source], "reponse", "2026-04-01")
    dossier, avance = tmp_path / "raw" / "2026", []
    options = {"formats_acceptes": ["xlsx"], "plafonds": None}
    seul = read_depots(depots, dossier, (modele(TABLEAU),), **options, progres=lambda n, t: avance.append((n, t)))
    assert [e.refuse for e in seul] == [False, False, True, False, True]
    assert [e.depot for e in seul] == [d.depot for d in depots]
    assert avance[-1] == (5, 5)
    assert read_depots(depots, dossier, (modele(TABLEAU),), **options, workers=2) == seul


def test_format_not_accepted(tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n1;2\n")
    depots, _ = ingest(tmp_path, "2026", [tmp_path / "a.csv"], "reponse", "2026-04-01")
    (e,) = read_depots(depots[:1], tmp_path / "raw" / "2026", (modele(TABLEAU),), formats_acceptes=["xlsx"])
    assert ([c.constat for c in e.constats], e.refuse) == (["format_non_accepte"], True)
