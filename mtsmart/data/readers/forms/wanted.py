"""The columns that a task reads. The others are not made columns of Arrow, so nothing in them can stop a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from mtsmart.data.readers.shapes import MAX_NAME, check_names
from mtsmart.errors import DataError
from mtsmart.text.escaping import is_text

Wanted: TypeAlias = dict[str, None] | None
"""The names of the columns that are read, in order; None: all columns."""

_MAX_SHOWN = 100  # names of other columns that are kept


def wanted_of(names: Iterable[str] | None) -> Wanted:
    """Names as ``Wanted``."""
    return None if names is None else dict.fromkeys(names)


def first_row(record: Mapping[str, Any], wanted: dict[str, None]) -> dict[str, Any]:
    """The first row of a file. Of the columns that are not read only the names are kept, because errors list them."""
    others = [name for name in record if name not in wanted and name and len(name) <= MAX_NAME and is_text(name)]
    kept = {name: record[name] for name in wanted if name in record}
    return {**kept, **dict.fromkeys(others[:_MAX_SHOWN])}


def check_wanted_names(names: list[str], wanted: Wanted, file: str | Path, line: int | None = None) -> None:
    """Refuse a name that two columns have, where such a column is read.

    Raises:
        DataError: names ``file`` and the name; or as ``check_names`` where all columns are read.
    """
    if wanted is None:
        check_names(names, file, line)
        return
    for name in wanted:
        if names.count(name) > 1:
            hint = "The task reads this column, so rename one of the two"
            raise DataError("two columns have the same name", file=file, line=line, value=name, hint=hint)


def unread(schema: pa.Schema, wanted: dict[str, None]) -> dict[str, pa.Array]:
    """Columns without rows that stand for those of ``schema`` that are not read."""
    others = [name for name in schema.names if name not in wanted and name and len(name) <= MAX_NAME]
    return {name: pa.nulls(0) for name in others[:_MAX_SHOWN]}
