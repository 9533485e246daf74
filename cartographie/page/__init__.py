"""The offline page of a release: one HTML file, no request to anywhere."""

from cartographie.page.page import build_page, key_figures

__all__ = ["build_page", "key_figures"]
