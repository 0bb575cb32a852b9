"""Scores by name.

Every module of this folder is imported, so a new file that registers metrics is enough.
"""

import importlib
import pkgutil

from mtsmart.metrics.scores import METRICS, Metric
from mtsmart.metrics.token_scores import Guess

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["METRICS", "Guess", "Metric"]
