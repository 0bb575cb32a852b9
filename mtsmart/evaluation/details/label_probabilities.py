"""Predictions as an array of probabilities, as scikit-learn's ``predict_proba`` gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from mtsmart.errors import ConfigError
from mtsmart.task_types import TaskType
from mtsmart.task_types.interface.explains_outputs import GivesLabelProbabilities


def label_probabilities(task: TaskType, predictions: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """(B, C) float64: the probability of each of the task's C labels for each of B rows.

    Args:
        task: a task whose predictions hold the probability of each label.
        predictions: one for each row. A row without a text has NaN for each label.

    Raises:
        ConfigError: its predictions hold none.
    """
    if not task.labels or not all(map(partial(_has_probabilities, task), predictions)):
        message = f"has no probability for each label, because it is of type '{task.definition.task_type}'"
        hint = "`predict` gives all that its head says. predict_proba is for classification, multi_label and ordinal"
        raise ConfigError(message, argument="task", value=task.name, hint=hint)
    table = np.full((len(predictions), len(task.labels)), np.nan)
    for number, row in enumerate(predictions):
        if row["prediction"] is not None:
            table[number] = _of_row(task, row)
    return table


def _keys(task: TaskType) -> list[str]:
    return [f"p({label})" for label in task.labels]


def _has_probabilities(task: TaskType, row: Mapping[str, Any]) -> bool:
    return isinstance(task, GivesLabelProbabilities) or all(key in row for key in _keys(task))


def _of_row(task: TaskType, row: Mapping[str, Any]) -> list[float]:
    if isinstance(task, GivesLabelProbabilities):
        return task.label_probabilities(row)
    return [row[key] for key in _keys(task)]
