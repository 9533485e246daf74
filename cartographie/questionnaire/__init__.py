"""schemas/ → Questionnaire: read, checked against its JSON Schemas, refused when inconsistent."""

from cartographie.questionnaire.annexes import of_answers
from cartographie.questionnaire.build import load_questionnaire

__all__ = ["load_questionnaire", "of_answers"]
