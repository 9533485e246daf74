"""The independent attacker: reads a release as a stranger would, knowing the declarations and who answered, and tries.

Shares nothing with what computes, masks or writes the tables: neither `tables`, `secret`, `release`, nor their statistics.
"""

from cartographie.attaque.porte import Rapport, attack_release, require_sound_release

__all__ = ["Rapport", "attack_release", "require_sound_release"]
