"""A fictitious survey, from a seed: frame, answers in real files, planted faults, and the truth about all of it."""
