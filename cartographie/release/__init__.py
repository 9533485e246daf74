"""Stage 7: tables → the files of a release."""

from cartographie.release.publish import check_free, publish, release_folder

__all__ = ["check_free", "publish", "release_folder"]
