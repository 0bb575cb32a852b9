"""The loss map: criteria against gold labels, divergences between predictions."""

from mtsmart.losses.criteria import CRITERIA, Criterion
from mtsmart.losses.divergences import DIVERGENCES, Divergence

__all__ = ["CRITERIA", "DIVERGENCES", "Criterion", "Divergence"]
