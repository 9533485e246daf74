"""THE FLOW: one function per command. Received files → cells → typed values → kept │ quarantined → warehouse → tables → release.

Every function returns a `bilan`: plain values for --json, and the French lines a person reads (see affichage.py).
"""

from cartographie.pipeline.diffusion import compare, lint, preflight
from cartographie.pipeline.preparation import demo, dictionary, init, template
from cartographie.pipeline.preuve import audit, journal, sign, touched, trace
from cartographie.pipeline.propositions import answers, headers
from cartographie.pipeline.publication import map_, publish
from cartographie.pipeline.reception import feedback, ingest, reception_day, register, status
from cartographie.pipeline.traitement import load, run, validate

__all__ = [
    "answers",
    "audit",
    "compare",
    "demo",
    "dictionary",
    "feedback",
    "headers",
    "ingest",
    "init",
    "journal",
    "lint",
    "load",
    "map_",
    "preflight",
    "publish",
    "reception_day",
    "register",
]
__all__ += ["run", "sign", "status", "template", "touched", "trace", "validate"]
