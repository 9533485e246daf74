"""Just enough of the compound file format ([MS-CFB]) to list and read the streams of an .xls, every offset checked."""

from __future__ import annotations

from itertools import islice
from struct import unpack_from

MAGIE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SEUIL = 4096  # streams below it are in the mini stream
_FIN = 0xFFFFFFFA  # sector numbers from here on are markers, not sectors


def streams(contenu: bytes) -> dict[str, tuple[int, int]]:
    """Name → (first sector, size) of every stream. Raises ValueError on a damaged file."""
    return directory(contenu)[1]


def directory(contenu: bytes) -> tuple[list[str], dict[str, tuple[int, int]]]:
    """(names of the storages, {name of any entry: (first sector, size)}). Raises ValueError on a damaged file."""
    taille, fat, _, repertoire, mini_debut, _ = _entete(contenu)
    octets = _chaine(contenu, fat, repertoire, taille)
    _suite(fat, mini_debut)
    dossiers: list[str] = []
    entrees: dict[str, tuple[int, int]] = {}
    for debut in range(0, len(octets) - 127, 128):
        longueur = unpack_from("<H", octets, debut + 64)[0]
        if 2 <= longueur <= 64:
            nom = octets[debut : debut + longueur - 2].decode("utf-16-le", "replace")
            if octets[debut + 66] == 1:
                dossiers.append(nom)
            entrees.setdefault(nom, unpack_from("<II", octets, debut + 116))  # the first, like the reader
    return dossiers, entrees


def overstated(contenu: bytes) -> bool:
    """True when the header announces more table sectors than the file has: a reader may make room for them all."""
    if len(contenu) < 512:
        return False
    secteurs = len(contenu) // (1 << min(max(unpack_from("<H", contenu, 30)[0], 9), 12)) + 1
    return any(unpack_from("<I", contenu, place)[0] > secteurs for place in (44, 64, 72))


def read_stream(contenu: bytes, nom: str) -> bytes:
    """Bytes of one stream, looked up without regard to case. Raises StopIteration, ValueError."""
    taille, fat, seuil, repertoire, mini_debut, racine_mini = _entete(contenu)
    debut, longueur = next(v for n, v in streams(contenu).items() if n.lower() == nom.lower())
    if longueur >= seuil:
        return _chaine(contenu, fat, debut, taille)[:longueur]
    octets = _chaine(contenu, fat, repertoire, taille)
    conteneur = _chaine(contenu, fat, unpack_from("<I", octets, 116)[0], taille)
    mini = _chaine(contenu, fat, mini_debut, taille) if racine_mini else b""
    table = unpack_from(f"<{len(mini) // 4}I", mini)
    return b"".join(conteneur[s * 64 : s * 64 + 64] for s in _suite(table, debut))[:longueur]


def read_workbook_stream(contenu: bytes) -> bytes:
    """The stream of an .xls that holds its sheets. Raises StopIteration, ValueError."""
    return read_stream(contenu, "workbook" if "workbook" in {n.lower() for n in streams(contenu)} else "book")


def _entete(contenu: bytes) -> tuple[int, tuple[int, ...], int, int, int, int]:
    """(sector size, FAT, mini stream cut-off, directory sector, first mini-FAT sector, mini-FAT sector count)."""
    if len(contenu) < 512 or not contenu.startswith(MAGIE):
        raise ValueError("compound file header")
    version, _, puissance = unpack_from("<3H", contenu, 26)
    if (version, puissance) not in ((3, 9), (4, 12)):
        raise ValueError("compound file sector size")
    taille = 1 << puissance
    repertoire = unpack_from("<I", contenu, 48)[0]
    seuil, mini_debut, mini_nombre, difat, _ = unpack_from("<5I", contenu, 56)
    secteurs = [s for s in unpack_from("<109I", contenu, 76) if s < _FIN]
    if seuil != _SEUIL:  # readers differ on whether to believe it
        raise ValueError("compound file cut-off")
    limite = len(contenu) // taille + 1
    for tour in range(limite + 1):
        if difat >= _FIN:
            break
        if tour == limite:
            raise ValueError("compound file loop")
        bloc = _secteur(contenu, difat, taille)
        valeurs = unpack_from(f"<{len(bloc) // 4}I", bloc)
        if len(valeurs) < 2:
            break
        secteurs += [s for s in valeurs[:-1] if s < _FIN]
        difat = valeurs[-1]
    octets = b"".join(_secteur(contenu, s, taille) for s in islice(secteurs, limite))
    return taille, unpack_from(f"<{len(octets) // 4}I", octets), seuil, repertoire, mini_debut, mini_nombre


def _secteur(contenu: bytes, numero: int, taille: int) -> bytes:
    debut = (numero + 1) * taille
    return contenu[debut : debut + taille]


def _suite(table: tuple[int, ...], debut: int) -> list[int]:
    """Chain of sector numbers, cut as soon as it leaves the table. Raises ValueError when it loops: readers may follow."""
    suite: list[int] = []
    while debut < len(table):
        if len(suite) == len(table):
            raise ValueError("compound file loop")
        suite.append(debut)
        debut = table[debut]
    return suite


def _chaine(contenu: bytes, fat: tuple[int, ...], debut: int, taille: int) -> bytes:
    return b"".join(_secteur(contenu, s, taille) for s in _suite(fat, debut))
