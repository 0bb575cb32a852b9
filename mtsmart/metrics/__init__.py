"""Scores by name. A module in this folder that registers some is found by itself."""

from __future__ import annotations

import importlib
import pkgutil

from mtsmart.metrics.scores import METRICS, Metric

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["METRICS", "Metric"]
