"""Metrics as task types call them: what a metric gives is a number, or it is refused by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mtsmart.arguments import as_python
from mtsmart.metrics.scores import METRICS
from mtsmart.registry import form_of, wrong_count, wrong_result


def score_by(name: str, predictions: Any, references: Sequence[Any]) -> float:
    """The score that a metric gives.

    Raises:
        TrainingError: it is no number; the message names the metric and its package.
    """
    metric = METRICS[name]
    return as_score(metric(predictions, references), metric)


def scores_by(name: str, predictions: Any, references: Sequence[Any], count: int) -> list[float]:
    """The scores that a metric of each label gives for so many labels.

    Raises:
        TrainingError: they are no numbers, or not one for each label.
    """
    metric = METRICS[name]
    values = metric(predictions, references, count)
    what = wrong_count(values, "score", count, "label")
    if what is not None:
        raise wrong_result(metric, what, "It must give one number for each label")
    return [as_score(value, metric) for value in values]


def as_score(value: Any, entry: Any, hook: str | None = None) -> float:
    """A number as Python's; numbers of numpy and tensors of one number are numbers too.

    One that is infinite is NaN, which stands for a score that the rows do not define: no mean of scores can be taken
    with it, and JSON has no number for it.

    Args:
        value: what was given.
        entry: the metric, or the task type, that gave it.
        hook: the method of the task type.

    Raises:
        TrainingError: it is no number.
    """
    number = as_python(value)
    if not isinstance(number, int | float):
        raise wrong_result(entry, f"gives a score that is {form_of(value)}", "It must be one number", hook=hook)
    return float(number) if math.isfinite(number) else math.nan
