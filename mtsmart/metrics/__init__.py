"""Scores by name."""

from mtsmart.metrics.scores import METRICS, Metric

__all__ = ["METRICS", "Metric"]
