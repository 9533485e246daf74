"""A fictitious survey, from a seed: frame, answers in real files, planted faults, and the truth about all of it."""

from __future__ import annotations

from cartographie.demo.generate import generate

__all__ = ["generate"]
