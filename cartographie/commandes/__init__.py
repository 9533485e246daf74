"""The commands, in the order of a campaign: parse, call the pipeline, print. No logic, and no heavy import at the top."""

from cartographie.commandes import preparation, reception, propositions, traitement, diffusion, preuve  # isort: skip

__all__ = ["diffusion", "preparation", "preuve", "propositions", "reception", "traitement"]
