"""A release, or any file about to be put online: checked, compared, made ready. Nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cartographie import bilans
from cartographie.errors import UserError
from cartographie.pipeline.commun import Bilan


def lint(sources: Sequence[Path], admis: Sequence[str]) -> Bilan:
    """Accessibility and safety of workbooks and CSV files, or of every one of a folder. Raises UserError U22."""
    from zipfile import BadZipFile

    from cartographie.lint import lint_file, lint_folder

    defauts = []
    for source in sources:
        if not source.exists():
            raise UserError("U22", f"« {source} » n'existe pas : donnez un fichier .xlsx ou .csv, ou un dossier.")
        try:
            defauts += lint_folder(source, admis) if source.is_dir() else lint_file(source, admis)
        except (BadZipFile, KeyError, ValueError):
            raise UserError("U22", f"« {source} » ne s'ouvre pas : ce n'est pas un classeur Excel valide.") from None
    return bilans.lint(sources, defauts)


def compare(avant: Path, apres: Path, sortie: Path | None) -> Bilan:
    """Every figure that differs between two releases; `sortie`: a folder for ecarts.csv and ecarts.html."""
    from cartographie.release.comparaison import compare_releases, format_comparison_html
    from cartographie.release.csv import format_csv

    c = compare_releases(avant, apres)
    ecrits = []
    if sortie is not None:
        sortie.mkdir(parents=True, exist_ok=True)
        titre = f"De {avant.name} ({c.editions[0]}) à {apres.name} ({c.editions[1]})"
        for nom, contenu in (("ecarts.csv", format_csv(c.ecarts)), ("ecarts.html", format_comparison_html(c, titre))):
            (sortie / nom).write_bytes(contenu.encode("utf-8"))
            ecrits.append(sortie / nom)
    return bilans.compare(avant, apres, c, ecrits)


def preflight(dossier: Path) -> Bilan:
    """The quality criteria of data.gouv.fr, and what is missing."""
    from cartographie.release.preparation_depot import preflight as criteria

    return bilans.preflight(dossier, criteria(dossier))
