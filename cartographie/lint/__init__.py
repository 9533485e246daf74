"""Is a file fit to be put online? Workbooks and CSV of anybody: accessibility, formulas, personal data, encoding."""

from cartographie.lint.fichiers import Defaut, lint_file, lint_folder

__all__ = ["Defaut", "lint_file", "lint_folder"]
