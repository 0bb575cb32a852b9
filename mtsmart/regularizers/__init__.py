"""Regularisers, one file a method. A module in this folder that registers a method is found by itself.

A method's file holds its settings, its presets with their sources, its term, its figures and its texts. Everything
else (configuration, training, cards, tables, reference) reads them from ``REGULARIZERS``.
"""

from mtsmart.config.methods import (
    LARGEST,
    REGULARIZERS,
    Alarm,
    Figure,
    MethodSettings,
    MethodText,
    Preset,
)
from mtsmart.regularizers.shared.base import Context, Regularizer, Term, build_regularizers
from mtsmart.regularizers.shared.clean_pass import CleanPass, clean_pass
from mtsmart.regularizers.shared.summaries import summaries

__all__ = [
    "LARGEST",
    "REGULARIZERS",
    "Alarm",
    "CleanPass",
    "Context",
    "Figure",
    "MethodSettings",
    "MethodText",
    "Preset",
    "Regularizer",
    "Term",
    "build_regularizers",
    "clean_pass",
    "summaries",
]
