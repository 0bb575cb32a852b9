"""Rows that a program gives to ``predict``, as a table."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import datasets

from mtsmart.data.sources import require_columns
from mtsmart.errors import DataError

_MISFITS = (ValueError, TypeError, OverflowError, NotImplementedError)  # Errors of pyarrow are of these types.


def table_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> datasets.Dataset:
    """The rows as a table with ``columns``, and ``row``: the row's number, from 0.

    Args:
        rows: at least one.
        columns: what the table holds. The rows may have further columns.

    Raises:
        DataError: a row lacks a column, or the values of a column do not have one type. The error names the row.
    """
    for number, row in enumerate(rows, 1):
        require_columns(columns, row, f"row {number}")
    values = {column: [row[column] for row in rows] for column in columns}
    try:
        return datasets.Dataset.from_dict({**values, "row": list(range(len(rows)))})
    except _MISFITS:
        column = next(column for column in columns if not _is_column(values[column]))
        raise _misfit(column, values[column]) from None


def _is_column(values: Sequence[Any]) -> bool:
    try:
        datasets.Dataset.from_dict({"values": list(values)})
    except _MISFITS:
        return False
    return True


def _misfit(column: str, values: Sequence[Any]) -> DataError:
    """The error for the first row whose value does not fit the rows before it."""
    counts = range(1, len(values) + 1)
    index = bisect_left(counts, True, key=lambda count: not _is_column(values[:count]))
    place: dict[str, Any] = {"file": f"row {index + 1}", "key": column, "value": values[index]}
    if index == 0:
        return DataError("is not a value that a table can hold", **place)
    return DataError("is of another type than the values of the rows before it", **place)
