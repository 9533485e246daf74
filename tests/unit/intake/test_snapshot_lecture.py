"""Reception, and reading of a batch: one bad file never stops the others."""

from __future__ import annotations

import os
import stat

import pytest
from intake_samples import ENTETES, TABLEAU, modele

from cartographie.errors import UserError
from cartographie.intake import ingest, lecture, read_depot, read_depots, read_registre, verify
from cartographie.intake.snapshot import forget
from cartographie.model import Depot


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
    assert [c.constat for c in read_depot(ajoutes[1], dossier, ()).constats] == ["depot_modifie"]


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
    e = read_depot(depots[0], tmp_path / "raw" / "2026", (modele(TABLEAU),), formats_acceptes=["xlsx"])
    assert ([c.constat for c in e.constats], e.refuse) == (["format_non_accepte"], True)


def _lecteur_fragile(depot):
    if depot.nom == "fatal":
        os._exit(134)
    return lecture._refus(depot)


def test_a_file_that_kills_its_reader_is_the_only_one_refused_for_it():
    lots = [[Depot(n, "2026", n, "", "", 0, "", "reponse") for n in noms] for noms in (("a", "fatal"), ("b", "c"))]
    lus = [e for lot in lecture._en_parallele(_lecteur_fragile, lots, 2) for e in lot]
    assert [(e.depot, [c.constat for c in e.constats]) for e in lus] == [
        ("a", []),
        ("fatal", ["fichier_illisible"]),
        ("b", []),
        ("c", []),
    ]
