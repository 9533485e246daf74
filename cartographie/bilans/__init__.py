"""What each command reports: plain values for machines, and the same in a few French lines for people."""

from cartographie.bilans.controle import validate
from cartographie.bilans.diffusion import compare, lint, preflight
from cartographie.bilans.preparation import demo, dictionary, init, register, template
from cartographie.bilans.preuve import audit, journal, sign, touched, trace
from cartographie.bilans.propositions import answers, headers
from cartographie.bilans.publication import load, map_, publish, run
from cartographie.bilans.reception import feedback, ingest, status

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
    "register",
    "run",
    "sign",
    "status",
    "template",
    "touched",
    "trace",
    "validate",
]
