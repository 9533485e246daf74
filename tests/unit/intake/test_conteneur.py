"""A zip is read one way only, and inflated for what it really holds, whatever its headers say."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib

import hostiles
import pytest
from hostiles import archive

from cartographie.intake.container import Refus, entries, inflate
from cartographie.intake.gate import PLAFONDS

UN = (b"a.xml", b"<a/>", {})


def read(contenu: bytes, **plafonds: int) -> dict[str, bytes]:
    limites = {**PLAFONDS, **plafonds}
    return dict(inflate(contenu, entries(contenu, limites), limites))


def refusal(contenu: bytes, **plafonds: int) -> tuple[str, str]:
    with pytest.raises(Refus) as refus:
        read(contenu, **plafonds)
    details = refus.value.constat.details
    return refus.value.constat.constat, str(details.get("motif", details.get("plafond")))


def autre_nom(nom: bytes, vu: bytes) -> bytes:
    donnees = struct.pack("<BI", 1, zlib.crc32(nom)) + vu
    return struct.pack("<HH", 0x7075, len(donnees)) + donnees


def test_what_is_read_is_what_zipfile_reads():
    contenu = hostiles.zipped({"a/b.xml": b"<b/>" * 500, "vide": b"", "é.txt": b"x"})
    with zipfile.ZipFile(io.BytesIO(contenu)) as z:
        assert read(contenu) == {n: z.read(n) for n in z.namelist()}
    assert read(archive(UN)) == {"a.xml": b"<a/>"}
    assert read(archive((b"a.xml", b"<a/>", {"extra": autre_nom(b"a.xml", b"a.xml")}))) == {"a.xml": b"<a/>"}


ABIME, SUPERIEUR = ("fichier_illisible", "partie abîmée"), ("fichier_illisible", "répertoire du zip")
CHEMIN, CONTRAIRE = ("fichier_dangereux", "chemin interne"), ("fichier_dangereux", "en-têtes contradictoires")


@pytest.mark.parametrize(
    ("contenu", "attendu"),
    [
        *[(archive((nom, b"x", {})), CHEMIN)
          for nom in (b"../a", b"a/../../b", b"/etc/passwd", b"..\\a", b"xl\\a", b"C:a", b"a\0b", b"./a", b"a//b", b"a/.")],
        (archive((b"lien", b"/etc/passwd", {"auteur": 0x0300, "attributs": 0xA1FF0000})), ("fichier_dangereux", "lien symbolique")),
        (archive(UN, (b"A.XML", b"<b/>", {})), ("fichier_dangereux", "parties en double")),
        (archive((b"a", b"x" * 90, {}), (b"b", b"y", {"local": 40, "comprime": 1})), CONTRAIRE),
        (archive((b"a.xml", b"<a/>", {"appele": b"b.xml"})), CONTRAIRE),
        (archive((b"a.xml", b"<a/>", {"methode": 8})), CONTRAIRE),
        (archive((b"a.xml", b"<a/>", {"extra": autre_nom(b"a.xml", b"b.xml")})), CONTRAIRE),
        (archive((b"a.xml", b"<a/>", {"drapeaux": 1})), ("fichier_protege", "None")),
        (archive((b"a.xml", b"<a/>", {"taille": 3})), ("fichier_dangereux", "taille annoncée fausse")),
        (archive((b"a.xml", b"<a/>", {"somme": 1})), ABIME),
        (archive((b"a.xml", b"<a/>", {"comprime": 4000})), ("fichier_illisible", "partie tronquée")),
        (archive(UN, fin=b"apres"), SUPERIEUR),
        (b"MZ" + archive(UN), SUPERIEUR),
        (archive(UN, nombre=0), SUPERIEUR),
        (archive(UN, nombre=2), SUPERIEUR),
        (archive(UN)[:-1], SUPERIEUR),
        (archive(UN)[:30], SUPERIEUR),
        (b"PK\5\6", SUPERIEUR),
        (archive(UN, nombre=60_000), ("fichier_trop_gros", "parties")),
    ],
)  # fmt: skip
def test_refused(contenu, attendu):
    assert refusal(contenu) == attendu


def test_overlapping_parts_are_refused():
    """One part lies inside another: the same bytes counted twice, which is how a bomb without ratio is made."""
    dedans = hostiles.entry(b"b.xml", b"<b/>", 0)[0]
    contenu = archive((b"a.bin", dedans, {}), (b"b.xml", b"<b/>", {"local": 35}))
    assert refusal(contenu) == ("fichier_dangereux", "parties superposées")


def test_a_second_directory_is_refused():
    """Python's own zipfile follows the long end record even when the short one says there is none."""
    cache = b"PK\6\6" + bytes(52)
    leurre = cache + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    assert refusal(archive((b"a.xml", b"<a/>", {"commentaire": leurre}))) == ("fichier_dangereux", "deux répertoires")


def test_long_form_of_sizes_is_understood():
    longs = struct.pack("<HHQQ", 1, 16, 4, 4)
    contenu = archive((b"a.xml", b"<a/>", {"taille": 0xFFFFFFFF, "comprime": 0xFFFFFFFF, "extra": longs}))
    assert read(contenu) == {"a.xml": b"<a/>"}
    court = archive((b"a.xml", b"<a/>", {"taille": 0xFFFFFFFF, "extra": struct.pack("<HHL", 1, 4, 4)}))
    assert refusal(court) == SUPERIEUR


@pytest.mark.parametrize("dit", [10, 1000, 50_000_000, 0xFFFFFFF0])
def test_a_bomb_is_stopped_at_the_cap_whatever_size_it_announces(dit):
    """50 MB of zeros in 50 kB: no more than the ratio allows is ever held."""
    bombe = hostiles.zipped({"a.xml": b"\0" * 50_000_000})
    menteuse = bombe.replace(struct.pack("<L", 50_000_000), struct.pack("<L", dit))
    tracemalloc.start()
    assert refusal(menteuse) == ("fichier_dangereux", "décompression")
    assert tracemalloc.get_traced_memory()[1] < 25_000_000
    tracemalloc.stop()


def test_caps_on_bytes_count_all_parts():
    contenu = hostiles.zipped({f"{i}.xml": bytes(range(256)) * 200 for i in range(5)})
    assert len(read(contenu)) == 5
    assert refusal(contenu, octets_total=200_000) == ("fichier_dangereux", "décompression")
    assert refusal(contenu, octets_partie=50_000) == ("fichier_dangereux", "décompression")
    assert refusal(contenu, parties=4) == ("fichier_trop_gros", "parties")


def test_damaged_streams():
    bon = hostiles.zipped({"a.xml": b"<a>" + bytes(range(256)) * 40 + b"</a>"})
    debut = 30 + 5
    abime = bon[:debut] + b"\xff" * 8 + bon[debut + 8 :]
    assert refusal(abime)[0] == "fichier_illisible"
    inconnu = archive((b"a.xml", b"<a/>", {}))
    inconnu = inconnu[:8] + b"\x0c\0" + inconnu[10:]
    assert refusal(inconnu.replace(b"PK\1\2\0\0\x14\0\0\0\0\0", b"PK\1\2\0\0\x14\0\0\0\x0c\0")) == (
        "fichier_illisible",
        "compression inconnue",
    )
