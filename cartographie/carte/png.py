"""SVG → PNG with the font of the package, whatever the machine has."""

from __future__ import annotations

from cartographie.carte.svg import POLICE


def to_png(svg: str, largeur: int) -> bytes:
    import font_source_sans_pro as police
    import resvg_py

    fichiers = [police.SourceSansPro, police.SourceSansProSemibold]
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, width=largeur, background="#ffffff", skip_system_fonts=True, font_files=fichiers,
            font_family=POLICE, sans_serif_family=POLICE,
        )
    )  # fmt: skip
