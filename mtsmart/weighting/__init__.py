"""Weightings, one file each: from the losses of an update's batches to one gradient.

A module in this folder that registers a weighting is found by itself.
"""

from mtsmart.config.weightings import WEIGHTINGS, WeightingSettings
from mtsmart.weighting.shared.base import (
    BatchLoss,
    Losses,
    Weighting,
    WeightingContext,
    build_weighting,
    check_weighting,
    summary_of_weighting,
)
from mtsmart.weighting.shared.gradients import GradientWeighting

__all__ = [
    "WEIGHTINGS",
    "BatchLoss",
    "GradientWeighting",
    "Losses",
    "Weighting",
    "WeightingContext",
    "WeightingSettings",
    "build_weighting",
    "check_weighting",
    "summary_of_weighting",
]
