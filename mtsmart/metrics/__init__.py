"""Scores by name."""

from mtsmart.metrics import answers
from mtsmart.metrics.scores import METRICS, Metric

__all__ = ["METRICS", "Metric", "answers"]
