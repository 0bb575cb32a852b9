"""Which rows of a split to show: those that cost most, and those whose label may be wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_again
from mtsmart.task_types import TaskType

SHOWN = 20
"""How many rows are shown at most."""


def costliest(costs: np.ndarray, wrong: np.ndarray) -> list[int]:
    """The places of the wrong rows that cost most, the worst first.

    Args:
        costs: (N,) float64.
        wrong: (N,) bool.
    """
    order = np.argsort(-costs, kind="stable")
    return [int(place) for place in order if wrong[place]][:SHOWN]


def suspects(probabilities: np.ndarray, gold: np.ndarray) -> list[int]:
    """The places of rows whose label may be wrong, the most suspect first.

    A row is suspect if its likeliest label is another one than its gold label, and at least as likely as this label is
    on average among the rows that have it (confident learning, Northcutt et al. 2021, equation 2).

    Args:
        probabilities: (N, C) float64.
        gold: (N,) int64, the number of each row's label.
    """
    rows = np.arange(len(gold))
    likeliest = probabilities.argmax(-1)
    sums = np.bincount(gold, weights=probabilities[rows, gold], minlength=probabilities.shape[1])
    counts = np.bincount(gold, minlength=probabilities.shape[1])
    # A label that no row has is no evidence against another one.
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    is_suspect = (likeliest != gold) & (probabilities[rows, likeliest] >= means[likeliest])
    margins = probabilities[rows, likeliest] - probabilities[rows, gold]
    return costliest(margins, is_suspect)


def texts_of(task: TaskType, split: str, config: DataConfig, numbers: Sequence[int]) -> dict[int, Mapping[str, str]]:
    """Row -> column -> text, for rows of a split.

    Args:
        task: the task, whose definition says where the data is.
        split: our name of the split.
        config: the data settings.
        numbers: of the rows, from 0.

    Raises:
        DataError: the data cannot be read.
    """
    rows = load_again(task.name, task.definition, split, task.columns, config)
    places = dict(zip(rows["row"][:], range(len(rows)), strict=True))
    chosen = rows.select([places[number] for number in numbers])
    return {
        row["row"]: {column: _text(row[column]) for column in task.columns}
        for row in (chosen[place] for place in range(len(chosen)))
    }


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return "" if value is None else str(value)
