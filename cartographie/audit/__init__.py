"""Stage 8: verify a release again, from its files and what was received, and say where it breaks.

`audit_release` trusts nothing that it can recompute; every step gives a verdict and what it found.
"""

from cartographie.audit.audit import Audit, audit_release
from cartographie.audit.etapes import Etape, Verdict
from cartographie.audit.rapport import format_html, format_markdown, to_plain

__all__ = ["Audit", "Etape", "Verdict", "audit_release", "format_html", "format_markdown", "to_plain"]
