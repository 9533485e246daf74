"""cartographie: from received survey spreadsheets to the published annual map of AI uses in health."""

__version__ = "0.1.0"
