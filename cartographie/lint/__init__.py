"""Is a file fit to be put online? Workbooks and CSV of anybody: accessibility, formulas, personal data, encoding."""

from cartographie.lint.defaut import Defaut
from cartographie.lint.fichiers import lint_file, lint_folder
from cartographie.lint.regles import REGLES

__all__ = ["REGLES", "Defaut", "lint_file", "lint_folder"]
