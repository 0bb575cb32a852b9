"""Optional part: a task type whose predictions are labels with probabilities.

Its metrics may take the probabilities in place of the predictions, or give one score for each label.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from mtsmart.errors import ConfigError, warn
from mtsmart.metrics import METRICS
from mtsmart.metrics.called import as_score, score_by, scores_by
from mtsmart.metrics.labels import gives_each_label, gold_table, name_for_label, takes_predictions, takes_probabilities
from mtsmart.registry import form_of, wrong_count, wrong_result
from mtsmart.task_types.interface.base import Outputs, TaskType


class ScoresLabels(ABC):
    """Gives the probability of each label."""

    @abstractmethod
    def probabilities(self, outputs: Outputs) -> np.ndarray:
        """(N, C) float64: for each row the probability of each of the task's labels."""


def check_main_metric(task: TaskType) -> None:
    """Refuse a main metric that is several scores.

    Raises:
        ConfigError: the first metric is such a one.
    """
    for name in (task.definition.metrics or [])[:1]:
        if gives_each_label(METRICS[name]):
            message = "gives one score for each label, so it cannot be the main metric, which is the first"
            hint = f"metrics: [macro_f1, {name}]"
            raise ConfigError(message, key=f"{task.name}.metrics", value=name, hint=hint)


def scores_of(task: TaskType, outputs: Outputs, references: Sequence[Any]) -> dict[str, float]:
    """The scores of a model's outputs, the main one first. One that is not defined for the rows is NaN, and told."""
    return scores_of_decoded(task, task.decode(outputs), outputs, references)


def scores_of_decoded(
    task: TaskType, predictions: Sequence[Any], outputs: Outputs, references: Sequence[Any]
) -> dict[str, float]:
    """``scores_of`` for predictions that have been decoded from the outputs already."""
    _check_count(task, predictions, references, "decode")
    table = partial(task.probabilities, outputs) if isinstance(task, ScoresLabels) else None
    return _told(task, _scores(task, predictions, references, table))


def baseline_scores_of(task: TaskType, train: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    """The scores of the best rule that reads no text. Where probabilities are scored, it is sure of its labels."""
    predictions = task.baseline(train, references)
    _check_count(task, predictions, references, "baseline")
    table = partial(_table_of, task, predictions) if isinstance(task, ScoresLabels) else None
    return _scores(task, predictions, references, table)


def _check_count(task: TaskType, predictions: Sequence[Any], references: Sequence[Any], hook: str) -> None:
    """Refuse predictions that are not one for each row; numpy would repeat a single one for all rows."""
    what = wrong_count(predictions, "prediction", len(references), "row")
    if what is not None:
        raise wrong_result(type(task), what, "It must give one prediction for each row", hook=hook)


def _table_of(task: TaskType, predictions: Sequence[Any]) -> np.ndarray:
    return gold_table(predictions, len(task.labels)).astype(np.float64)


def _scores(
    task: TaskType,
    predictions: Sequence[Any],
    references: Sequence[Any],
    probabilities: Callable[[], np.ndarray] | None,
) -> dict[str, float]:
    """The scores by name, the main one first.

    Args:
        task: what its ``score`` gives is among them, also where a subclass has another one.
        predictions: as ``score`` takes them.
        references: as ``score`` takes them.
        probabilities: gives the table for metrics of probabilities; None for a type that has none.
    """
    found = _checked(task, task.score(predictions, references))
    if probabilities is None:
        return found
    ordered: dict[str, float] = {}
    for name in task.metric_names:
        if gives_each_label(METRICS[name]):
            values = scores_by(name, predictions, references, len(task.labels))
            ordered |= {name_for_label(name, label): value for label, value in zip(task.labels, values, strict=True)}
        elif takes_probabilities(METRICS[name]):
            ordered[name] = score_by(name, probabilities(), references)
        elif name in found:
            ordered[name] = found[name]
    # A subclass may give other scores, the first of which is the main one where it does not give the task's.
    return ordered | found if task.metric_names[0] in ordered else found | ordered


def _checked(task: TaskType, scores: Any) -> dict[str, float]:
    """What ``score`` gives as numbers. It gives nothing where no metric of the task makes one score of predictions."""
    is_asked = any(takes_predictions(METRICS[name]) for name in task.metric_names)
    if not isinstance(scores, Mapping) or (is_asked and not scores):
        hint = "It must give a mapping from the names of scores to numbers, the main one first"
        raise wrong_result(type(task), f"gives {'no scores' if scores == {} else form_of(scores)}", hint, hook="score")
    return {name: as_score(value, type(task), "score") for name, value in scores.items()}


def _told(task: TaskType, scores: dict[str, float]) -> dict[str, float]:
    """The scores, after a warning that names those that are not defined."""
    undefined = [name for name, value in scores.items() if math.isnan(value)]
    if undefined:
        why = "all its rows may have one label, or the metric may divide by 0"
        warn(f"task {task.name}: {', '.join(undefined)} is not defined for this split: {why}")
    return scores
