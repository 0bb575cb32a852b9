"""The loss map: criteria against gold labels, divergences between predictions and directions in which they grow."""

from mtsmart.losses.criteria import CRITERIA, Criterion
from mtsmart.losses.directions import DIRECTIONS
from mtsmart.losses.divergences import DIVERGENCES, Divergence

__all__ = ["CRITERIA", "DIRECTIONS", "DIVERGENCES", "Criterion", "Divergence"]
