"""Predictions as an array of probabilities, as scikit-learn's ``predict_proba`` gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mtsmart.errors import ConfigError
from mtsmart.task_types import TaskType


def label_probabilities(task: TaskType, predictions: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """(B, C) float64: the probability of each of the task's C labels for each of B rows.

    Args:
        task: a task whose predictions hold the probability of each label.
        predictions: one for each row. A row without a text has NaN for each label.

    Raises:
        ConfigError: its predictions hold none.
    """
    keys = [f"p({label})" for label in task.labels]
    if not keys or any(key not in row for row in predictions for key in keys):
        message = f"has no probability for each label, because it is of type '{task.definition.task_type}'"
        hint = "`predict` gives all that its head says. predict_proba is for classification, multi_label and ordinal"
        raise ConfigError(message, argument="task", value=task.name, hint=hint)
    table = np.full((len(predictions), len(keys)), np.nan)
    for number, row in enumerate(predictions):
        table[number] = [np.nan if row[key] is None else row[key] for key in keys]
    return table
