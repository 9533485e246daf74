"""Stage 7: tables → the files of a release."""

from cartographie.release.publish import check_free, publish, release_folder, releases

__all__ = ["check_free", "publish", "release_folder", "releases"]
