"""The rows that a program or a file gives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mtsmart.exporting.onnx.runtime.tokens import AnswerError, Row


def rows_given(rows: Any, columns: Sequence[str], readers: str) -> list[Row]:
    """The rows as mappings. A text stands for a row with this text in the only column that is read.

    Args:
        rows: a text, a row, or a series of them.
        columns: what is read of each row.
        readers: who reads them, for errors.

    Raises:
        AnswerError: they are a table or no series, an item is no row, or a text is given and several columns are read.
    """
    if hasattr(rows, "columns"):  # Python would go through the names of its columns.
        raise AnswerError("a table is given: give mappings, for example df.to_dict('records')")
    is_row = _is_row(rows) and (isinstance(rows, Mapping) or any(column in rows for column in columns))
    if not is_row and not isinstance(rows, str) and (isinstance(rows, bytes | set) or not isinstance(rows, Iterable)):
        raise AnswerError(f"no list of rows is given, but a value of the type {type(rows).__name__}: give mappings")
    items = [rows] if is_row or isinstance(rows, str) else list(rows)
    if len(columns) > 1 and any(isinstance(item, str) for item in items):
        raise AnswerError(f"a text alone is not enough for {readers}: give {' and '.join(columns)}")
    return [_row(item, columns, number) for number, item in enumerate(items, 1)]


def _is_row(item: Any) -> bool:
    """Whether an item is a mapping, or looks like one, such as a row of a table of pandas."""
    return isinstance(item, Mapping) or (hasattr(item, "keys") and hasattr(item, "__getitem__"))


def _row(item: Any, columns: Sequence[str], number: int) -> Row:
    if isinstance(item, str):
        return {columns[0]: item}
    if not _is_row(item):
        raise AnswerError(f"is neither a mapping nor a text, but of the type {type(item).__name__}", number)
    return item if isinstance(item, Mapping) else dict(item)


def rows_of_file(file: Path) -> list[Row]:
    """The rows of a file of JSON lines.

    Raises:
        AnswerError: it cannot be read, holds something else, or has no rows.
    """
    rows: list[Row] = []
    try:
        for number, line in enumerate(file.read_text(encoding="utf-8-sig").split("\n"), 1):
            if line.strip():
                rows.append(json.loads(line))
                if not isinstance(rows[-1], dict):
                    raise AnswerError(f"{file}, line {number}: is not a JSON object")
    except (OSError, UnicodeDecodeError) as error:
        raise AnswerError(f"{file}: cannot be read ({error})") from None
    except (ValueError, RecursionError) as error:
        message = f"{file}, line {number}: is not JSON ({error}); the file should have a JSON object a line"
        raise AnswerError(message) from None
    if not rows:
        raise AnswerError(f"{file}: has no rows")
    return rows


def refuse_taken(file: Path, rows: Sequence[Row], predictions: Sequence[Row]) -> None:
    """Refuse a file that has a column with the name of a predicted one, which would be lost.

    Raises:
        AnswerError: names it.
    """
    predicted = {name for prediction in predictions for name in prediction}
    for number, row in enumerate(rows, 1):
        for name in row:
            if name in predicted:
                message = f"{file}, row {number}: {name}: the file already has a column of this name. Rename it"
                raise AnswerError(message)
