"""The scores of parts of a split: of the rows that have the same values in some columns of the data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_again
from mtsmart.errors import MtsmartWarning
from mtsmart.evaluation.evaluator import Slice
from mtsmart.task_types import Outputs, TaskType
from mtsmart.task_types.interface.scores_labels import scores_of


def slices_of(
    task: TaskType, split: str, outputs: Outputs, by: Sequence[str], config: DataConfig
) -> dict[tuple[str, ...], Slice]:
    """The scores for each combination of values that occurs, in the order of the values.

    Args:
        task: the task.
        split: our name of the split.
        outputs: the model's outputs for all its rows.
        by: columns of the data; the label column has the names of labels.
        config: the data settings, which say where the columns are read.

    Raises:
        DataError: there is no such column.
    """
    values = _values(task, split, by, config)
    places: dict[tuple[str, ...], list[int]] = {}
    for place, row in enumerate(outputs.features["row"][:]):  # Several encoded rows may come from one source row.
        places.setdefault(values[row], []).append(place)
    return {key: _scored(task, outputs, places[key]) for key in sorted(places)}


def _scored(task: TaskType, outputs: Outputs, places: Sequence[int]) -> Slice:
    part = Outputs([outputs.logits[place] for place in places], outputs.features.select(places))
    references = task.references(part.features)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MtsmartWarning)  # A slice by label has one label, and some metrics need two.
        return Slice(scores_of(task, part, references), len(references))


def _values(task: TaskType, split: str, by: Sequence[str], config: DataConfig) -> Mapping[int, tuple[str, ...]]:
    """Row -> its values in the columns."""
    rows = load_again(task.name, task.definition, split, list(dict.fromkeys([*task.columns, *by])), config)
    columns: list[list[Any]] = [rows[column][:] for column in by]
    return {row: tuple(map(_text, values)) for row, *values in zip(rows["row"][:], *columns, strict=True)}


def _text(value: Any) -> str:
    return "" if value is None else str(value)
