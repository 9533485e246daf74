"""Stage 7: tables → the files of a release."""

from cartographie.release.publish import publish

__all__ = ["publish"]
