"""Soft labels: the probability of each label, as data files hold it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mtsmart.errors import DataError, did_you_mean, nearest
from mtsmart.task_types.shared.labels import LabelNames, number_of
from mtsmart.task_types.shared.rows import row_error

_ROUNDING = 0.02  # how far from 1 probabilities may sum that are written with two decimals


def probabilities_in(value: Any, names: LabelNames, row: int, column: str) -> list[float]:
    """The probability of each of C labels, which sum to 1.

    Args:
        value: a list of C numbers, a mapping of names to numbers in which missing names are 0, the JSON text of
            either, or one label.
        names: the task's labels.
        row: the source row, counted from 0, for errors.
        column: the label column.

    Raises:
        DataError: it is none of these, or the numbers are no probabilities; the message names the row.
    """
    index = names.find(value) if not isinstance(value, list | Mapping) else None
    if index is not None:
        return [float(number == index) for number in range(len(names.names))]
    listed = _listed(_parsed(value), names, row, column)
    numbers = [number_of(item) for item in listed]
    if any(number is None or number < 0 for number in numbers):
        raise row_error("is not a probability for each label", row, column, value)
    total = sum(number for number in numbers if number is not None)
    if abs(total - 1) > _ROUNDING:
        hint = "Divide the numbers of a row by their sum"
        raise row_error(f"sums to {total:g}, and probabilities sum to 1", row, column, value, hint)
    return [(number or 0.0) / total for number in numbers]


def labels_named_in(value: Any) -> list[Any]:
    """The labels that soft labels name: the keys of a mapping, the label that stands alone; a list names none."""
    parsed = _parsed(value)
    if isinstance(parsed, Mapping):
        return [name for name, number in parsed.items() if number is not None]
    return [] if isinstance(parsed, list) else [value]


def soft_hint(value: Any) -> str | None:
    """What to write for a label that looks like probabilities; None if it does not."""
    parsed = _parsed(value)
    items = list(parsed.values()) if isinstance(parsed, Mapping) else parsed
    if not isinstance(items, list) or not items or any(number_of(item) is None for item in items if item is not None):
        return None
    return "If it holds the probability of each label, write options: {soft_labels: true}"


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _listed(value: Any, names: LabelNames, row: int, column: str) -> list[Any]:
    if isinstance(value, Mapping):
        given = {name: number for name, number in value.items() if number is not None}
        for name in given:
            if names.find(name) is None:
                hint = did_you_mean(name, names.names)
                raise row_error("is not one of the task's labels", row, column, name, hint)
        by_index = {names.find(name): number for name, number in given.items()}
        return [by_index.get(index, 0.0) for index in range(len(names.names))]
    if isinstance(value, list) and len(value) == len(names.names):
        return value
    raise _no_probabilities(value, names, row, column)


def _no_probabilities(value: Any, names: LabelNames, row: int, column: str) -> DataError:
    count = len(names.names)
    near = nearest(value, names.names) if isinstance(value, str) else None
    hint = f"Did you mean '{near}'?" if near else f"Give {count} numbers in the order {', '.join(names.names)}"
    return row_error(f"is neither a label nor the probabilities of {count} labels", row, column, value, hint)
