"""Regularisers, one file a method. A module in this folder, or in ``weights``, that registers one is found by itself.

A method's file holds its settings, its presets with their sources, its term, its figures and its texts. Everything
else (configuration, training, cards, tables, reference) reads them from ``REGULARIZERS``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mtsmart.config.regularizers import (
    LARGEST,
    REGULARIZERS,
    Alarm,
    Figure,
    Idle,
    MethodSettings,
    MethodText,
    Preset,
)
from mtsmart.regularizers.shared import all_methods
from mtsmart.regularizers.shared.all_methods import check_regularizers, check_unlabelled, rounded_away, summaries
from mtsmart.regularizers.shared.base import (
    STUDENT,
    Context,
    Needs,
    Regularizer,
    Rounded,
    Term,
    build_regularizers,
    has_first_defaults,
)
from mtsmart.regularizers.shared.hooks import ChangesPasses, changing_passes
from mtsmart.regularizers.shared.input_regularizer import InputRegularizer, Reach
from mtsmart.regularizers.shared.joins import check_joined

if TYPE_CHECKING:
    from mtsmart.data.batch import Share
    from mtsmart.regularizers.shared.clean_pass import CleanPass, clean_pass
    from mtsmart.regularizers.shared.noise import Noise

_WITH_TORCH = {
    "CleanPass": "mtsmart.regularizers.shared.clean_pass",
    "clean_pass": "mtsmart.regularizers.shared.clean_pass",
    "Noise": "mtsmart.regularizers.shared.noise",
    "Share": "mtsmart.data.batch",
}

__all__ = [
    "LARGEST",
    "REGULARIZERS",
    "STUDENT",
    "Alarm",
    "ChangesPasses",
    "CleanPass",
    "Context",
    "Figure",
    "Idle",
    "InputRegularizer",
    "MethodSettings",
    "MethodText",
    "Needs",
    "Noise",
    "Preset",
    "Reach",
    "Regularizer",
    "Rounded",
    "Share",
    "Term",
    "all_methods",
    "build_regularizers",
    "changing_passes",
    "check_joined",
    "check_regularizers",
    "check_unlabelled",
    "clean_pass",
    "has_first_defaults",
    "rounded_away",
    "summaries",
]


def __getattr__(name: str) -> Any:
    # These need torch. The configuration and the tables of sweeps read methods without it.
    if name not in _WITH_TORCH:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(_WITH_TORCH[name]), name)
