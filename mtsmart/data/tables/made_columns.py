"""The columns of a split that a task makes of the data's own."""

from __future__ import annotations

from collections.abc import Sequence

import datasets

from mtsmart.data.completeness import empty_as_missing, empty_parts
from mtsmart.data.derived import is_derived, source_columns, with_derived
from mtsmart.data.tables.whole_rows import with_column
from mtsmart.tasks.definition import TaskDefinition


def with_made_columns(
    rows: datasets.Dataset, columns: Sequence[str], definition: TaskDefinition, place: str, has_no_null: bool
) -> datasets.Dataset:
    """The rows, with those of ``columns`` and of the label columns that are made of the data's own columns.

    Args:
        rows: with the data's own columns.
        columns: what is needed.
        definition: the task's.
        place: what errors call the rows.
        has_no_null: whether the rows come from a form of file in which an empty field is a missing value.

    Raises:
        DataError: a column, or a part of one, is not there.
    """
    present = rows.column_names
    made = [column for column in columns if is_derived(column, present)]
    for label in definition.label_columns:
        if is_derived(label, present) and not set(source_columns([label])).isdisjoint(present):
            made.append(label)  # A split without labels lacks it.
    if not made:
        return rows
    sources = [name for name in source_columns(made) if name in present]
    # datasets has no rows without columns, and `with_derived` says what is missing.
    part = rows.select_columns(sources or present[:1]).with_format("arrow")[:]
    part = empty_as_missing(part) if has_no_null else part
    for column in made:
        empty = empty_parts(definition.missing, column)
        values = with_derived(part, column, place, empty, known=present).column(column)
        rows = with_column(rows, column, values)
    return rows
