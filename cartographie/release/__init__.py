"""Stage 7: tables → the files of a release."""

from cartographie.release.manifest import manifest_fingerprint
from cartographie.release.publish import check_free, publish, release_folder, releases
from cartographie.release.revision import NATURES, make_revision

__all__ = ["NATURES", "check_free", "make_revision", "manifest_fingerprint", "publish", "release_folder", "releases"]
