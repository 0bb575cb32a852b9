"""Optional part: a task type whose predictions are labels with probabilities.

Its metrics may take the probabilities in place of the predictions, or give one score for each label.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mtsmart.errors import ConfigError, warn
from mtsmart.metrics import METRICS
from mtsmart.metrics.labels import gives_each_label, gold_table, name_for_label, takes_probabilities
from mtsmart.metrics.scores import is_better_lower
from mtsmart.task_types.interface.base import Outputs, TaskType


class ScoresLabels(ABC):
    """Gives the probability of each label."""

    @abstractmethod
    def probabilities(self, outputs: Outputs) -> np.ndarray:
        """(N, C) float64: for each row the probability of each of the task's labels."""


def check_main_metric(task: TaskType) -> None:
    """Refuse a main metric that is several scores, or that is better where it is lower.

    Raises:
        ConfigError: the first metric is such a one.
    """
    for name in (task.definition.metrics or [])[:1]:
        if gives_each_label(METRICS[name]):
            message = "gives one score for each label, so it cannot be the main metric, which is the first"
            hint = f"metrics: [macro_f1, {name}]"
            raise ConfigError(message, key=f"{task.name}.metrics", value=name, hint=hint)
        if is_better_lower(METRICS[name]):
            message = "is better where it is lower, so it cannot be the main metric, which is the first"
            hint = f"metrics: [accuracy, {name}]"
            raise ConfigError(message, key=f"{task.name}.metrics", value=name, hint=hint)


def scores_of(task: TaskType, outputs: Outputs, references: Sequence[Any]) -> dict[str, float]:
    """The scores of a model's outputs, the main one first. One that is not defined for the rows is NaN, and told."""
    return scores_of_decoded(task, task.decode(outputs), outputs, references)


def scores_of_decoded(
    task: TaskType, predictions: Sequence[Any], outputs: Outputs, references: Sequence[Any]
) -> dict[str, float]:
    """``scores_of`` for predictions that have been decoded from the outputs already."""
    if not isinstance(task, ScoresLabels):
        return _told(task, task.score(predictions, references))
    kind = task
    return _told(task, _scores(task, predictions, references, lambda: kind.probabilities(outputs)))


def baseline_scores_of(task: TaskType, train: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    """The scores of the best rule that reads no text. Where probabilities are scored, it is sure of its labels."""
    predictions = task.baseline(train, references)
    if not isinstance(task, ScoresLabels):
        return task.score(predictions, references)
    return _scores(task, predictions, references, lambda: gold_table(predictions, len(task.labels)).astype(np.float64))


def _scores(
    task: TaskType, predictions: Sequence[Any], references: Sequence[Any], probabilities: Callable[[], np.ndarray]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in task.metric_names:
        metric = METRICS[name]
        if gives_each_label(metric):
            values = metric(predictions, references, len(task.labels))
            found |= {name_for_label(name, label): value for label, value in zip(task.labels, values, strict=True)}
        elif takes_probabilities(metric):
            found[name] = metric(probabilities(), references)
        else:
            found[name] = metric(predictions, references)
    return found


def _told(task: TaskType, scores: dict[str, float]) -> dict[str, float]:
    """The scores, after a warning that names those that are not defined."""
    undefined = [name for name, value in scores.items() if math.isnan(value)]
    if undefined:
        text = f"task {task.name}: {', '.join(undefined)} is not defined for a split whose rows all have one label"
        warn(text)
    return scores
