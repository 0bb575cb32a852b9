"""Scores by name."""

from mtsmart.metrics.scores import METRICS, Metric
from mtsmart.metrics.token_scores import Guess

__all__ = ["METRICS", "Guess", "Metric"]
