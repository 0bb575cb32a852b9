"""Rows that lack a text or a label: they are refused, left out, or read as rows with an empty text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtsmart.data.derived import source_columns
from mtsmart.data.tables.missing import missing_in
from mtsmart.data.tables.whole_rows import with_column
from mtsmart.errors import DataError
from mtsmart.tasks.definition import Missing
from mtsmart.text.counts import first_of, part_of

_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_READ = 10_000  # rows in memory together


def policy_of(missing: Missing | Mapping[str, Missing], column: str) -> Missing:
    """What is done with a row that lacks a value of ``column``.

    Args:
        missing: as the task's definition has it.
        column: a column. One that is made of others may be left out because of one of those.
    """
    if isinstance(missing, str):
        return missing
    if column in missing:
        return missing[column]
    return "drop" if any(missing.get(name) == "drop" for name in source_columns([column])) else "refuse"


def empty_parts(missing: Missing | Mapping[str, Missing], column: str) -> set[str]:
    """Of the columns that ``column`` is made of, those whose missing values count as empty texts."""
    said = missing if isinstance(missing, Mapping) else {}
    whole = policy_of(missing, column)
    return {name for name in source_columns([column]) if said.get(name, whole) == "empty"}


def select_complete(
    rows: datasets.Dataset,
    place: str,
    text: list[str],
    labels: Sequence[str],
    missing: Missing | Mapping[str, Missing],
    hint: str = "",
    empty_label: bool = False,
) -> tuple[datasets.Dataset, int]:
    """Leave out the rows that lack a text or one of the ``labels``, or read a missing text as an empty one.

    Args:
        rows: with the column ``row``.
        place: what errors call the data.
        text: the text columns.
        labels: the label columns, if labels are needed. A label is never made of nothing: ``empty`` means ``refuse``.
        missing: what is done with such rows; one word, or one for each column that is not ``refuse``.
        hint: what the user can do about missing values.
        empty_label: whether an empty text is a label, not a missing one.

    Returns:
        the complete rows, and how many were left out.

    Raises:
        DataError: rows lack something that they must have, or no row is complete; the first one is named.
    """
    policies = {column: policy_of(missing, column) for column in [*text, *labels]}
    may_be_empty = {column for column in text if policies[column] == "empty"}
    rows = with_empty_texts(rows, may_be_empty)
    empty_is_value = may_be_empty | (set(labels) if empty_label else set())
    lacking = _missing(rows, {column: column in empty_is_value for column in policies})
    any_lacking = np.logical_or.reduce(list(lacking.values()))
    count = int(any_lacking.sum())
    if count == 0:
        return rows, 0
    needed = {column: lacks for column, lacks in lacking.items() if policies[column] != "drop" and lacks.any()}
    if needed or count == len(rows):
        raise _incomplete(rows, place, needed or lacking, hint)
    return rows.select(np.flatnonzero(~any_lacking)), count


def complete_rows(
    rows: datasets.Dataset, text: Sequence[str], missing: Missing | Mapping[str, Missing]
) -> tuple[datasets.Dataset, np.ndarray]:
    """The rows that have all their texts, and (N,) bool: which of the N rows these are.

    Args:
        rows: with the column ``row``.
        text: the text columns.
        missing: says which texts may be empty; rows that lack another text are left out in any case.
    """
    may_be_empty = {column for column in text if policy_of(missing, column) == "empty"}
    rows = with_empty_texts(rows, may_be_empty)
    lacking = _missing(rows, {column: column in may_be_empty for column in text})
    complete = ~np.logical_or.reduce(list(lacking.values()))
    return (rows if complete.all() else rows.select(np.flatnonzero(complete))), complete


def with_empty_texts(rows: datasets.Dataset, columns: Iterable[str]) -> datasets.Dataset:
    """The rows, with an empty text where one of ``columns`` has no value. Columns of other values stay as they are."""
    for column in columns:
        values = rows.select_columns([column]).with_format("arrow")[:].column(column)
        filled = filled_with_empty(values)
        if filled is not values:
            rows = with_column(rows, column, filled)
    return rows


def empty_as_missing(table: pa.Table, columns: Collection[str] | None = None) -> pa.Table:
    """A table of a file that has no word for a missing value: each empty text in it is a missing value.

    Args:
        table: the rows.
        columns: only those that are judged so; None: all.
    """
    for place, values in enumerate(table.columns):
        if columns is not None and table.field(place).name not in columns:
            continue
        if any(is_text(values.type) for is_text in _TEXT):
            missing = pa.scalar(None, values.type)
            table = table.set_column(place, table.field(place).name, pc.if_else(pc.equal(values, ""), missing, values))
    return table


def filled_with_empty(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of texts with an empty text for each missing one; the same object if nothing is missing, or no text."""
    lacks = missing_in(values)
    if not pc.any(lacks, min_count=0).as_py():
        return values
    if any(is_text(values.type) for is_text in _TEXT):
        return pc.fill_null(values, "")
    if pc.all(lacks, min_count=0).as_py() and not pa.types.is_nested(values.type):
        return pa.chunked_array([pa.array([""] * len(values), pa.string())])
    return values


def _incomplete(rows: datasets.Dataset, place: str, lacking: Mapping[str, np.ndarray], hint: str) -> DataError:
    """The error for rows that lack something; it names the first of them."""
    any_lacking = np.logical_or.reduce(list(lacking.values()))
    count = int(any_lacking.sum())
    first = int(any_lacking.argmax())
    lacks = "lacks" if count == 1 else "lack"
    column = next(name for name, is_lacking in lacking.items() if is_lacking[first])
    return DataError(
        f"{part_of(count, len(rows), 'row')} {lacks} a text or label, {first_of(count, rows[first]['row'] + 1)}",
        file=place,
        key=column,
        value=rows[first][column],
        hint="" if count == len(rows) else hint,
    )


def _missing(rows: datasets.Dataset, empty_is_value: Mapping[str, bool]) -> dict[str, np.ndarray]:
    """Column -> (N,) bool: the row has no value in it, NaN, or (where that is no value) an empty text."""
    found = {column: [np.empty(0, dtype=bool)] for column in empty_is_value}
    for table in rows.select_columns(list(found)).with_format("arrow").iter(batch_size=_READ):
        for column, is_value in empty_is_value.items():
            values = table[column]
            lacks = missing_in(values)
            if not is_value and any(is_text(values.type) for is_text in _TEXT):
                lacks = pc.or_kleene(lacks, pc.equal(values, ""))
            found[column].append(np.asarray(lacks, dtype=bool))
    return {column: np.concatenate(parts) for column, parts in found.items()}
