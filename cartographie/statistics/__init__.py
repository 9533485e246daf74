"""Stage 5: the statistics. Pure functions, numpy/scipy/pandas only: frames and arrays in, frames and arrays out.

The six functions below are the ones to start from; each module says its formulas and where they come from.
"""

from cartographie.statistics.attack import attack
from cartographie.statistics.calibration import calibrate
from cartographie.statistics.estimates import stratified_mean
from cartographie.statistics.intervals import proportion_interval
from cartographie.statistics.primary import primary_suppression
from cartographie.statistics.suppression import suppress

__all__ = ["attack", "calibrate", "primary_suppression", "proportion_interval", "stratified_mean", "suppress"]
