"""Good files of every format, and the ways they are spoilt: bytes, slices, numbers, parts, in a zip or inside its parts."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from cartographie_demo.writers import Erreur, Formule, Page, write_classeur

FAUTES = Path(__file__).resolve().parents[1] / "fautes/fichiers"
FORMATS = ("xlsx", "xlsm", "xls", "xlsb", "ods", "csv")
# What a hostile hand would write: numbers at the edges, far places, declarations, commands, ends of structures.
MORCEAUX = (
    b"", b"0", b"-1", b"4294967295", b"4000000000", b"1048576", b"XFD1048576", b"1e999", b"\0", b"\xff" * 4, b"\xff\xff",
    b"\xff\xff\xff\x7f", b"\0\0\0\0", b"<!DOCTYPE a>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&amp;", b"&#0;", b"&x;",
    b'"', b"'", b">", b"/>", b"<", b"</c>", b"<c>", b"<row r='1048576'>", b'<c r="XFD1048576"><v>1</v></c>', b"x:", b" ",
    b"=cmd|'/c calc'!A1", b"[1]F!A1", b' uniqueCount="4000000000"', b' table:number-rows-repeated="4000000000"',
    b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\7", b"\xfe\xff", b"\xef\xbb\xbf", b"\n" * 3000, b";" * 3000, b'"' * 3, b"#REF!",
)  # fmt: skip
GESTES = ("octet", "coupe", "retire", "double", "remplace", "insere", "nombre", "greffe", "fin")
GESTE = st.tuples(
    st.sampled_from(GESTES),
    st.integers(0, 2**20 - 1),
    st.integers(0, 2**20 - 1),
    st.sampled_from(range(len(MORCEAUX))),
)
RECETTE = st.tuples(
    st.integers(0, 2**10 - 1),  # which seed
    st.sampled_from(["contenant", "partie", "partie", "partie", "noms"]),
    st.integers(0, 2**10 - 1),  # which part
    st.lists(GESTE, min_size=1, max_size=5),
)


@cache
def seeds() -> tuple[tuple[str, bytes], ...]:
    """(name, bytes) of good files: a small workbook of every kind of cell in each format, and answered questionnaires."""
    page = Page(
        {
            (1, 1): "texte", (1, 2): "é, ; \" <&>", (2, 1): 12.5, (2, 2): True, (3, 1): date(2026, 3, 1), (3, 3): 10**14,
            (4, 2): Formule("=1+1", 2), (5, 1): Formule("=A1&\"x\""), (5, 4): Erreur("#REF!"), (9, 2): "fin",
        },
        fusions=[(7, 1, 8, 2)], lignes_masquees={2}, colonnes_masquees={4},
    )  # fmt: skip
    trouves = []
    with _dossier() as dossier:
        for extension in FORMATS:
            chemin = dossier / f"petit.{extension}"
            write_classeur(chemin, {"Un": page, "Deux": Page({(1, 1): "seul"}, masquee=True)})
            trouves.append((chemin.name, chemin.read_bytes()))
    noms = (
        "bon.xlsx",
        "bon.csv",
        "cellules_fusionnees.xlsx",
        "date_1904.xlsx",
        "formule_sans_valeur.xlsx",
        "macro.xlsm",
    )
    return tuple(trouves) + tuple((n, (FAUTES / n).read_bytes()) for n in noms)


def _dossier():  # type: ignore[no-untyped-def]
    import tempfile
    from contextlib import contextmanager

    @contextmanager
    def ouvre():  # type: ignore[no-untyped-def]
        with tempfile.TemporaryDirectory() as nom:
            yield Path(nom)

    return ouvre()


@cache
def parts(rang: int) -> dict[str, bytes]:
    """The parts of a seed; {} when it is no zip."""
    octets = seeds()[rang][1]
    if not octets.startswith(b"PK"):
        return {}
    with zipfile.ZipFile(io.BytesIO(octets)) as z:
        return {n: z.read(n) for n in z.namelist()}


def zipped(parties: Mapping[str, bytes]) -> bytes:
    sortie = io.BytesIO()
    with zipfile.ZipFile(sortie, "w", zipfile.ZIP_DEFLATED) as z:
        for nom, octets in parties.items():
            z.writestr(zipfile.ZipInfo(nom), octets, zipfile.ZIP_DEFLATED)
    return sortie.getvalue()


def spoil(recette: tuple[int, str, int, Sequence[tuple[str, int, int, int]]]) -> tuple[str, bytes]:
    """(name, bytes) of one spoilt file."""
    quelle, niveau, partie, gestes = recette
    rang = quelle % len(seeds())
    nom, octets = seeds()[rang]
    parties = dict(parts(rang))
    if not parties or niveau == "contenant":
        return nom, _applique(octets, gestes, octets)
    noms = sorted(parties)
    choisie = noms[partie % len(noms)]
    autre = noms[gestes[0][1] % len(noms)]
    if niveau == "partie":
        parties[choisie] = _applique(parties[choisie], gestes, parties[autre])
    elif gestes[0][0] in ("coupe", "retire"):
        del parties[choisie]
    elif gestes[0][0] in ("double", "greffe"):
        parties[choisie] = parties[autre]
    elif gestes[0][0] == "insere":
        parties.update(parts(gestes[0][2] % len(seeds())))
    else:
        parties = {(n.upper() if n == choisie else n): o for n, o in parties.items()}
    return nom, zipped(parties)


def _applique(octets: bytes, gestes: Sequence[tuple[str, int, int, int]], autre: bytes) -> bytes:
    for geste, a, b, m in gestes:
        ou = a * len(octets) >> 20
        octets = _GESTES[geste](octets, ou, b, MORCEAUX[m], autre)
    return octets


def _nombre(octets: bytes, ou: int, b: int, morceau: bytes, autre: bytes) -> bytes:
    trouve = re.compile(rb"\d+").search(octets, ou)
    return octets[: trouve.start()] + morceau + octets[trouve.end() :] if trouve else octets


_GESTES: dict[str, Callable[[bytes, int, int, bytes, bytes], bytes]] = {
    "octet": lambda o, i, b, m, a: o[:i] + bytes([b & 0xFF]) + o[i + 1 :],
    "coupe": lambda o, i, b, m, a: o[:i],
    "retire": lambda o, i, b, m, a: o[:i] + o[i + b % 200 :],
    "double": lambda o, i, b, m, a: o[: i + b % 500] + o[i:],
    "remplace": lambda o, i, b, m, a: o[:i] + m + o[i + len(m) :],
    "insere": lambda o, i, b, m, a: o[:i] + m + o[i:],
    "nombre": _nombre,
    "greffe": lambda o, i, b, m, a: o[:i] + a[b * len(a) >> 20 :][:400] + o[i:],
    "fin": lambda o, i, b, m, a: o + m,
}
