"""What each command reports: plain values for machines, and the same in a few French lines for people."""

from cartographie.bilans.controle import validate
from cartographie.bilans.preparation import demo, dictionary, init, register, template
from cartographie.bilans.propositions import answers, headers
from cartographie.bilans.publication import load, map_, publish, run
from cartographie.bilans.reception import feedback, ingest, status

__all__ = [
    "answers",
    "demo",
    "dictionary",
    "feedback",
    "headers",
    "ingest",
    "init",
    "load",
    "map_",
    "publish",
    "register",
    "run",
    "status",
    "template",
    "validate",
]
