"""schemas/ → Questionnaire: read, checked against its JSON Schemas, refused when inconsistent."""

from cartographie.questionnaire.build import load_questionnaire

__all__ = ["load_questionnaire"]
