"""Rows that a program gives to ``predict``: texts, mappings or tables, as mappings and then as one table."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from mtsmart.data.completeness import complete_rows, empty_parts
from mtsmart.data.derived import is_derived, names_in, source_columns, with_derived
from mtsmart.data.sources import require_columns
from mtsmart.data.tables.whole_rows import rows_of_table
from mtsmart.errors import ConfigError, DataError
from mtsmart.preparation.in_memory import DataFrame, records, without_nan
from mtsmart.task_types import TaskType
from mtsmart.task_types.shared.rows import ReadsLists
from mtsmart.tasks.definition import Missing

Rows = str | Mapping[str, Any] | DataFrame | Iterable[str | Mapping[str, Any] | None]
"""What ``predict`` takes: a text, a row, a table, or a series of rows or of texts, of which some may be missing."""
_MISFITS = (ValueError, TypeError, OverflowError, NotImplementedError)  # Errors of pyarrow are of these types.


def rows_of(given: Rows, tasks: Sequence[TaskType]) -> list[Mapping[str, Any]]:
    """The rows as mappings of column to value.

    Args:
        given: what the user gives. A text stands for a row with this text in the one column that a task reads, and None
            among texts for a row that lacks it.
        tasks: the tasks that read the rows.

    Raises:
        ConfigError: a text is given, and a task reads several columns; or a row among mappings is None.
        DataError: a table holds a column with values of several types.
    """
    items = [given] if isinstance(given, str | Mapping) else records(given, "rows")
    if any(isinstance(item, Mapping) for item in items) and None in items:
        message = f"item {items.index(None) + 1} should be a text or a mapping with texts as keys"
        raise ConfigError(message, argument="rows", value=None)
    return [item if isinstance(item, Mapping) else _row_of_text(item, tasks) for item in items]


def _row_of_text(text: str | None, tasks: Sequence[TaskType]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for task in tasks:
        columns = [name for column in task.columns for name in names_in(column) or [column]]
        if len(columns) > 1:
            example = "{" + ", ".join(f"{column!r}: ..." for column in columns) + "}"
            message = f"the task '{task.name}' reads {' and '.join(columns)}, so a text alone is not enough"
            raise ConfigError(message, argument="rows", value=text, hint=f"Give mappings: [{example}]")
        row.update(dict.fromkeys(columns, text))
    return row


def table_of(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    missing: Missing | Mapping[str, Missing] = "refuse",
    done: int = 0,
) -> datasets.Dataset:
    """The rows as a table with ``columns``, and ``row``: the row's number, from ``done``.

    Args:
        rows: at least one.
        columns: what the table holds. The rows may have further columns.
        missing: which missing values count as empty texts within a text that is made of several columns.
        done: rows before these, which errors count too.

    Raises:
        DataError: a row lacks a column, or the values of a column do not have one type. The error names the row.
    """
    made = [column for column in columns if is_derived(column, rows[0])]
    sources = [name for name in source_columns(made) if name in rows[0]]
    own = list(dict.fromkeys([*(column for column in columns if column not in made), *sources]))
    for number, row in enumerate(rows, done + 1):
        require_columns(own, row, f"row {number}")
    values = {column: [_cell(row[column]) for row in rows] for column in own}
    try:
        table = rows_of_table(pa.table({**values, "row": list(range(done, done + len(rows)))}))
    except _MISFITS:
        column = next(column for column in own if not _is_column(values[column]))
        raise _misfit(column, values[column], done) from None
    return _completed(table, columns, missing, done) if made else table


def _cell(value: Any) -> Any:
    """A value as a table holds it: NaN is a missing value, also within a list."""
    return [without_nan(item) for item in value] if isinstance(value, list) else without_nan(value)


def _completed(
    table: datasets.Dataset, columns: Sequence[str], missing: Missing | Mapping[str, Missing], done: int
) -> datasets.Dataset:
    """The table with the columns that a task makes of the rows' own."""
    whole = table.with_format("arrow")[:]
    for column in columns:
        whole = with_derived(whole, column, "the rows", empty_parts(missing, column), done)
    return rows_of_table(whole.select([*columns, "row"]))


def predictable(
    rows: datasets.Dataset, task: TaskType, missing: Missing | Mapping[str, Missing]
) -> tuple[datasets.Dataset, np.ndarray]:
    """The rows that have all texts, and all items of lists, that a task needs.

    Args:
        rows: N rows, with the column ``row``.
        task: the task that reads them.
        missing: says which texts may be empty.

    Returns:
        these rows, and (N,) bool: which ones they are.
    """
    complete, is_complete = complete_rows(rows, task.columns, missing)
    if not isinstance(task, ReadsLists):
        return complete, is_complete
    lacking = np.zeros(len(complete), dtype=bool)
    for column in task.columns:
        lacking |= np.fromiter((task.lacks_item(column, value) for value in complete[column][:]), bool, len(complete))
    if not lacking.any():
        return complete, is_complete
    is_complete[is_complete] = ~lacking
    return complete.select(np.flatnonzero(~lacking)), is_complete


def with_nothing(
    described: Sequence[dict[str, Any]], is_complete: np.ndarray, keys: Iterable[str]
) -> list[dict[str, Any]]:
    """Predictions for N rows out of those for the complete ones; the others have None under each key.

    Args:
        described: one for each complete row.
        is_complete: (N,) bool.
        keys: those of a prediction.
    """
    nothing = dict.fromkeys(keys)
    found = iter(described)
    return [next(found) if complete else dict(nothing) for complete in is_complete]


def _is_column(values: Sequence[Any]) -> bool:
    try:
        pa.array(values)
    except _MISFITS:
        return False
    return True


def _misfit(column: str, values: Sequence[Any], done: int) -> DataError:
    """The error for the first row whose value does not fit the rows before it."""
    counts = range(1, len(values) + 1)
    index = bisect_left(counts, True, key=lambda count: not _is_column(values[:count]))
    place: dict[str, Any] = {"file": f"row {done + index + 1}", "key": column, "value": values[index]}
    if done + index == 0:
        return DataError("is not a value that a table can hold", **place)
    return DataError("is of another type than the values of the rows before it", **place)
